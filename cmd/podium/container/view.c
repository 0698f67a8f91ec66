/* SPDX-License-Identifier: Apache-2.0 */
/*
 * view - what is true of containers now, and the words for it.
 *
 * Theory of operation: containers/ is read once; for each directory one state.json is parsed and,
 * when the record says that something runs, one lock is probed (status_live()); of many all at once,
 * before the records are read (lock_table_read()). No lock is taken
 * and nothing is written, so a listing never waits for anybody. A container that disappears between
 * the two steps was removed just then and is left out; one whose record cannot be read is shown as
 * such, because it must be found to be removed.
 *
 * The words are Podman's 4.3: "Up 2 minutes ago" with "ago" although Docker leaves it out. Ours are
 * "Up (monitor lost)", "Exited (unknown)" and "Incomplete (remove with: ...)".
 */
#include "cmd/podium/container/view.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/base/clock.h"
#include "engine/base/json.h"
#include "engine/base/lock.h"
#include "engine/base/mem.h"
#include "engine/pod/pod.h"

#define NS_PER_SECOND  1000000000
#define LIST_MAX_BYTES (1 << 20)
#define UTC_ZONE       "+00:00"
#define GO_ZERO_TIME   "0001-01-01T00:00:00Z"
#define LOCKS_AT_ONCE \
	12 /* fewer are asked one by one: other people's locks are in the table, too */

static void load_among(const struct store *s, const char *id, const struct lock_table *seen,
		       struct container_view *ret)
{
	struct error scratch; /* unreadable is a state that listings show */

	*ret = (struct container_view){ .live = STATE_REMOVING };
	memcpy(ret->id, id, sizeof(ret->id));
	ret->readable = status_read(s, id, &ret->st, &scratch) == 0;
	if (ret->readable)
		ret->live = status_live_among(s, id, &ret->st, seen, &ret->lost);
	else
		ret->st = (struct container_status){ 0 };
}

void view_load(const struct store *s, const char *id, struct container_view *ret)
{
	load_among(s, id, NULL, ret);
}

void view_done(struct container_view *view)
{
	if (view->readable)
		status_done(&view->st);
	*view = (struct container_view){ 0 };
}

int views_compare_age(const void *a, const void *b)
{
	const struct container_view *x = a, *y = b;

	if (x->st.created_ns != y->st.created_ns)
		return x->st.created_ns < y->st.created_ns ? -1 : 1;
	if (x->st.infra != y->st.infra)
		return x->st.infra ? -1 : 1;
	if (x->st.init != y->st.init)
		return x->st.init ? -1 : 1;
	return strcmp(x->st.name ? x->st.name : x->id, y->st.name ? y->st.name : y->id);
}

static bool is_container_there(const struct store *s, const char *id)
{
	char path[LAYOUT_PATH_MAX];

	return faccessat(s->rootfd, layout_container(path, id, NULL), F_OK, AT_SYMLINK_NOFOLLOW) ==
	       0;
}

int views_load(const struct store *s, struct container_views *ret, struct error *err)
{
	cleanup_strlist struct strlist ids = { 0 };
	struct lock_table locks = { .v = NULL };
	int r = lookup_list_containers(s, &ids, err);

	*ret = (struct container_views){ 0 };
	if (r < 0)
		return r;
	ret->v = xcalloc(ids.n ? ids.n : 1, sizeof(*ret->v));
	if (ids.n >= LOCKS_AT_ONCE)
		lock_table_read(s->rootfd, &locks);
	for (size_t i = 0; i < ids.n; i++) {
		struct container_view *view = &ret->v[ret->n];

		load_among(s, ids.v[i], &locks, view);
		if (view->readable && view->st.solo && view->st.infra)
			view_done(view); /* nobody knows of it */
		else if (view->readable || is_container_there(s, view->id))
			ret->n++;
	}
	lock_table_done(&locks);
	if (ret->n)
		qsort(ret->v, ret->n, sizeof(*ret->v), views_compare_age);
	return 0;
}

void views_done(struct container_views *views)
{
	for (size_t i = 0; i < views->n; i++)
		view_done(&views->v[i]);
	free(views->v);
	*views = (struct container_views){ 0 };
}

int view_find(const struct store *s, bool latest, const char *name, char id[65], struct error *err)
{
	struct container_views views;
	int r;

	if (latest == (name != NULL))
		return error_set(err, EINVAL,
				 latest ? "--latest and containers cannot be used together"
					: "you must provide the name or id of a container, or use "
					  "--latest");
	if (name)
		return lookup_container(s, name, id, err);
	r = views_load(s, &views, err);
	if (r < 0)
		return r;
	if (views.n)
		memcpy(id, views.v[views.n - 1].id, sizeof(views.v[0].id));
	else
		r = error_set(err, ENOENT, "there is no container");
	views_done(&views);
	return r;
}

bool is_pod_debris(const struct store *s, const char *pod_id)
{
	char path[LAYOUT_PATH_MAX];

	if (lookup_pod_phase(s, pod_id) == POD_COMPLETE)
		return false;
	return !is_lock_held(s->rootfd, layout_pod(path, pod_id, POD_LOCK)) &&
	       !is_lock_held(s->rootfd, layout_pod(path, pod_id, CONDUCTOR_LOCK));
}

/* ---- words ------------------------------------------------------------------------------ */

const char *view_state(const struct container_view *view)
{
	if (!view->readable)
		return "unknown";
	return container_state_names[view->live];
}

char *view_age(int64_t then_ns, int64_t now_ns)
{
	char text[64];

	clock_human((now_ns - then_ns) / NS_PER_SECOND, text, sizeof(text));
	return xasprintf("%s ago", text);
}

/* "Exited (1) 3 seconds ago"; without the time when nobody knows it. */
static char *ended_status(const char *word, const struct container_status *st, int64_t now_ns)
{
	cleanup_free char *age = view_age(st->finished_ns, now_ns);
	bool timed = st->finished_ns > 0 && st->finished_ns >= st->started_ns;

	if (st->exit_unknown)
		return xasprintf("%s (unknown)%s%s", word, timed ? " " : "", timed ? age : "");
	return xasprintf("%s (%lld)%s%s", word, (long long)st->exit_code, timed ? " " : "",
			 timed ? age : "");
}

static char *incomplete_status(const struct container_view *view)
{
	if (!view->st.solo && (view->st.pod_name || view->st.pod_id))
		return xasprintf("Incomplete (remove with: podium pod rm -f %.253s)",
				 view->st.pod_name ? view->st.pod_name : view->st.pod_id);
	return xasprintf("Incomplete (remove with: podium rm -f %.12s)", view->id);
}

/* What it does. */
static char *life_status(const struct container_view *view, int64_t now_ns)
{
	const struct container_status *st = &view->st;
	cleanup_free char *age = view_age(st->started_ns, now_ns);

	if (!view->readable)
		return incomplete_status(view);
	switch (view->live) {
	case STATE_RUNNING:
		return view->lost	      ? xstrdup("Up (monitor lost)")
		       : is_empty(st->health) ? xasprintf("Up %s", age)
					      : xasprintf("Up %s (%s)", age, st->health);
	case STATE_PAUSED:
		return xstrdup("Paused");
	case STATE_STOPPING:
		return xstrdup("Stopping");
	case STATE_RESTARTING:
		return ended_status("Restarting", st, now_ns);
	case STATE_EXITED:
		return view->debris ? incomplete_status(view) : ended_status("Exited", st, now_ns);
	case STATE_INITIALIZED:
		return xstrdup("Initialized");
	case STATE_CREATED:
		return view->debris ? incomplete_status(view) : xstrdup("Created");
	case STATE_REMOVING:
	case STATE__COUNT:
		return view->debris ? incomplete_status(view) : xstrdup("Removing");
	}
	return xstrdup("Unknown");
}

char *view_status(const struct container_view *view, int64_t now_ns)
{
	char *life = life_status(view, now_ns);
	char *both;

	if (!view->readable || view->debris || !view->st.health)
		return life;
	both = xasprintf("%s (%s)", life, view->st.health);
	free(life);
	return both;
}

char *view_id(const char *id, bool whole)
{
	return xstrndup(id ? id : "", whole ? 64 : SHORT_ID_LEN);
}

json_t *view_time(int64_t wall_ns)
{
	char text[64] = GO_ZERO_TIME;

	if (wall_ns > 0)
		clock_rfc3339(wall_ns, text, sizeof(text));
	if (is_suffix(text, UTC_ZONE)) /* as Go writes it */
		memcpy(text + strlen(text) - strlen(UTC_ZONE), "Z", sizeof("Z"));
	return json_string(text);
}

json_t *view_strings(const struct strlist *l)
{
	json_t *j = json_array();

	for (size_t i = 0; i < l->n; i++)
		(void)json_array_append_new(j, json_string(l->v[i]));
	return j;
}

json_t *view_pairs(const struct pairlist *l)
{
	json_t *j = json_object();

	for (size_t i = 0; i < l->n; i++)
		(void)json_object_set_new(j, l->v[i].key, json_string(l->v[i].value));
	return j;
}

char *view_join(const json_t *list, const char *separator)
{
	struct buf b = BUF_INIT(LIST_MAX_BYTES);
	const json_t *e;
	size_t i;

	json_array_foreach (list, i, e) {
		if (i)
			buf_adds(&b, separator);
		buf_adds(&b, json_string_value(e));
	}
	return buf_steal(&b);
}

/* ---- from the specs --------------------------------------------------------------------- */

const struct pairlist *view_pod_labels(const struct pod_spec *pod)
{
	static const struct pairlist none = { .n = 0 };

	return pod->owner ? &pod->labels : &none;
}

json_t *view_labels(const struct container_spec *spec, const struct pairlist *pod_labels)
{
	json_t *labels = view_pairs(&spec->config.labels);
	cleanup_json json_t *more = view_pairs(pod_labels);
	cleanup_json json_t *own = view_pairs(&spec->labels);

	(void)json_object_update(labels, more);
	(void)json_object_update(labels, own);
	return labels;
}

char *view_value(const struct value *v)
{
	struct buf b = BUF_INIT(LIST_MAX_BYTES);

	for (size_t i = 0; i < v->n; i++) {
		if (v->v[i].kind == VALUE_LITERAL)
			buf_adds(&b, v->v[i].text);
		else
			buf_printf(&b, "$(%s)", v->v[i].text);
	}
	return buf_steal(&b);
}

static void add_values(json_t *list, const struct value_list *values)
{
	for (size_t i = 0; i < values->n; i++) {
		cleanup_free char *text = view_value(&values->v[i]);

		(void)json_array_append_new(list, json_string(text));
	}
}

json_t *view_entrypoint(const struct container_spec *spec)
{
	json_t *list;

	if (!spec->has_command)
		return view_strings(&spec->config.entrypoint);
	list = json_array();
	add_values(list, &spec->command);
	return list;
}

json_t *view_arguments(const struct container_spec *spec)
{
	json_t *list;

	if (!spec->has_args && !spec->has_command)
		return view_strings(&spec->config.cmd);
	list = json_array();
	if (spec->has_args)
		add_values(list, &spec->args);
	return list;
}

json_t *view_command(const struct container_spec *spec)
{
	json_t *list = view_entrypoint(spec);
	cleanup_json json_t *more = view_arguments(spec);

	(void)json_array_extend(list, more);
	return list;
}

/* ---- ports ------------------------------------------------------------------------------ */

/* "8001" or "8001-8002". */
static bool parse_range(const char *s, size_t len, uint64_t *ret_first, uint64_t *ret_count)
{
	cleanup_free char *text = xstrndup(s, len);
	char *dash = strchr(text, '-');
	uint64_t last;

	if (dash)
		*dash = '\0';
	if (parse_u64(text, UINT16_MAX, ret_first) < 0)
		return false;
	last = *ret_first;
	if (dash && parse_u64(dash + 1, UINT16_MAX, &last) < 0)
		return false;
	*ret_count = last - *ret_first + 1;
	return last >= *ret_first;
}

/* "0.0.0.0:8001-8002->80-81/tcp"; NULL when it is something else. */
static json_t *parse_mapping(const char *s)
{
	const char *arrow = strstr(s, "->");
	const char *slash = arrow ? strchr(arrow, '/') : NULL;
	const char *colon = arrow;
	uint64_t host = 0, inner = 0, count = 0, same = 0;

	while (colon && colon > s && *colon != ':')
		colon--;
	if (!slash || colon <= s ||
	    !parse_range(colon + 1, (size_t)(arrow - colon - 1), &host, &count) ||
	    !parse_range(arrow + 2, (size_t)(slash - arrow - 2), &inner, &same) || same != count)
		return NULL;
	return json_pack("{s:s%, s:I, s:I, s:I, s:s}", "host_ip", *s == '[' ? s + 1 : s,
			 (size_t)(colon - s) - (*s == '[' ? 2 : 0), "container_port",
			 (json_int_t)inner, "host_port", (json_int_t)host, "range",
			 (json_int_t)count, "protocol", slash + 1);
}

json_t *view_ports(const char *ports)
{
	json_t *list = json_array();

	while (ports && *ports) {
		size_t len = strcspn(ports, ",");
		cleanup_free char *one = xstrndup(ports, len);
		json_t *mapping = parse_mapping(one);

		if (mapping)
			(void)json_array_append_new(list, mapping);
		ports += len;
		ports += strspn(ports, ", ");
	}
	return list;
}
