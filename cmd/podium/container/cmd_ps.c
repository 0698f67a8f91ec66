/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ps - lists containers.
 *
 * Theory of operation: views_load() gives every container with its live state, oldest first; what
 * the options ask for is kept, sorted, and turned into rows. The table needs texts only, so a row
 * for it has just those; a row for JSON or a template has Podman's members (ListContainer) and the
 * texts that Podman's templates show instead. spec.json is read only when the format names a member
 * that stands nowhere else (labels, mounts, the image's id, the command as a list).
 *
 * A pod that a crash left half made or half removed is listed with -a, also when it has no
 * container yet: its STATUS says how to remove it.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "cmd/podium/base/command.h"
#include "cmd/podium/base/commands.h"
#include "cmd/podium/base/filter.h"
#include "cmd/podium/base/format.h"
#include "cmd/podium/pod/podview.h"
#include "cmd/podium/base/template.h"
#include "cmd/podium/container/view.h"
#include "cmd/podium/image/imageview.h"
#include "cmd/podium/image/storesize.h"
#include "engine/base/clock.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"

#define COMMAND_WIDTH 17
#define NS_PER_SECOND 1000000000
#define WATCH_MAX_S   86400

struct ps_options {
	bool all, pod, quiet, no_trunc, noheading, latest, external, size, ns;
	struct option_int watch;
	struct option_int last;
	struct strlist filters;
	const char *format;
	const char *sort;
};
#define O(m) offsetof(struct ps_options, m)

struct ps {
	const struct store *store;
	const struct ps_options *o;
	int64_t now_ns;
	struct strlist debris; /* ids of pods that a crash left */
	bool wants_spec;
	char pod_id[65]; /* the pod whose labels are at hand: containers of one pod come together */
	struct pairlist pod_labels;
};

/* ---- rows ------------------------------------------------------------------------------- */

static char *short_command(const char *command, bool whole)
{
	size_t cut = COMMAND_WIDTH;

	if (!command || whole || strlen(command) <= COMMAND_WIDTH)
		return xstrdup(command ? command : "");
	while (cut > 0 && ((unsigned char)command[cut] & 0xc0) == 0x80)
		cut--;
	return xasprintf("%.*s...", (int)cut, command);
}

static bool has_process(const struct container_view *view)
{
	return view->st.pid && (view->live == STATE_RUNNING || view->live == STATE_PAUSED ||
				view->live == STATE_STOPPING || view->live == STATE_INITIALIZED);
}

/* Columns of --ns, and the names under /proc/PID/ns. */
static const char *const namespaces[][2] = {
	{ "CGROUPNS", "cgroup" }, { "IPC", "ipc" },	{ "MNT", "mnt" }, { "NET", "net" },
	{ "PIDNS", "pid" },	  { "USERNS", "user" }, { "UTS", "uts" },
};

/* The numbers of the namespaces that its first process is in; none of one that does not run. */
static void add_namespaces(json_t *row, const struct container_view *view)
{
	char path[64], link[64];

	jset_owned(row, "Pid", xasprintf("%u", has_process(view) ? view->st.pid : 0));
	for (size_t i = 0; i < ARRAY_SIZE(namespaces); i++) {
		const char *name = namespaces[i][0];
		ssize_t n = -1;

		(void)snprintf(path, sizeof(path), "/proc/%u/ns/%s", view->st.pid,
			       namespaces[i][1]);
		if (has_process(view))
			n = readlink(path, link, sizeof(link) - 1);
		link[n > 0 ? n : 0] = '\0';
		if (n > 0 && strchr(link, '[')) /* "net:[4026531840]" */
			jset_owned(row, name,
				   xstrndup(strchr(link, '[') + 1,
					    strcspn(strchr(link, '[') + 1, "]")));
		else
			jset_owned(row, name, xstrdup(""));
	}
}

/* "12B (virtual 2.13MB)"; also as the member Size when row is given. */
static char *size_text(const struct ps *ps, const struct container_view *view, json_t *row)
{
	int64_t own = storesize_container(ps->store, view->id), all = own;
	cleanup_free char *a = NULL, *b = NULL;
	struct container_spec spec;
	struct error scratch; /* of what cannot be read only the own part counts */

	if (lookup_read_container(ps->store, view->id, &spec, &scratch) == 0) {
		all += storesize_layers(ps->store, &spec.config.layers);
		record_done(&container_spec_type, &spec);
	}
	if (row)
		(void)json_object_set_new(row, "Size",
					  json_pack("{s:I, s:I}", "rootFsSize", (json_int_t)all,
						    "rwSize", (json_int_t)own));
	a = view_size(own, 3, "");
	b = view_size(all, 3, "");
	return xasprintf("%s (virtual %s)", a, b);
}

/* The texts of the table, and what templates see under these names. New reference. */
static json_t *make_texts(const struct ps *ps, const struct container_view *view)
{
	const struct container_status *st = &view->st;
	json_t *row = json_object();

	jset_owned(row, "ID", view_id(view->id, ps->o->no_trunc));
	jset_owned(row, "Image", xstrdup_or_null(st->image));
	jset_owned(row, "Command", short_command(st->command, ps->o->no_trunc));
	jset_owned(row, "CreatedHuman",
		   st->created_ns ? view_age(st->created_ns, ps->now_ns) : xstrdup(""));
	jset_owned(row, "Status", view_status(view, ps->now_ns));
	jset_owned(row, "Ports", xstrdup_or_null(st->ports));
	jset_owned(row, "Names", xstrdup_or_null(st->name));
	if (ps->o->pod) {
		jset_owned(row, "Pod", view_id(st->solo ? "" : st->pod_id, ps->o->no_trunc));
		jset_owned(row, "PodName", xstrdup_or_null(st->solo ? "" : st->pod_name));
	}
	if (ps->o->ns)
		add_namespaces(row, view);
	if (ps->o->size)
		jset_owned(row, "Size", size_text(ps, view, NULL));
	return row;
}

static void add_state_members(json_t *row, const struct ps *ps, const struct container_view *view)
{
	const struct container_status *st = &view->st;
	bool waits = view->live == STATE_INITIALIZED;
	bool has_pid = waits || view->live == STATE_RUNNING || view->live == STATE_PAUSED;
	json_t *names = json_array();

	if (st->name)
		(void)json_array_append_new(names, json_string(st->name));
	(void)json_object_set_new(row, "Created",
				  json_integer((json_int_t)(st->created_ns / NS_PER_SECOND)));
	jset_owned(row, "CreatedAt", view_age(st->created_ns, ps->now_ns));
	(void)json_object_set_new(row, "Exited", json_boolean(view->live == STATE_EXITED));
	(void)json_object_set_new(row, "ExitedAt",
				  json_integer((json_int_t)(st->finished_ns / NS_PER_SECOND)));
	(void)json_object_set_new(row, "ExitCode",
				  json_integer(waits		  ? 0
					       : st->exit_unknown ? -1
								  : (json_int_t)st->exit_code));
	(void)json_object_set_new(row, "Id", json_string(view->id));
	(void)json_object_set_new(row, "Image", json_string(st->image ? st->image : ""));
	(void)json_object_set_new(row, "IsInfra", json_boolean(st->infra));
	(void)json_object_set_new(row, "Names", names);
	(void)json_object_set_new(row, "Pid", json_integer(has_pid ? st->pid : 0));
	(void)json_object_set_new(row, "Pod",
				  json_string(st->pod_id && !st->solo ? st->pod_id : ""));
	(void)json_object_set_new(row, "PodName",
				  json_string(st->pod_name && !st->solo ? st->pod_name : ""));
	(void)json_object_set_new(row, "Namespaces", json_object());
	(void)json_object_set_new(row, "Ports", view_ports(st->ports));
	(void)json_object_set_new(row, "Restarts", json_integer((json_int_t)st->restarts));
	(void)json_object_set_new(row, "Size", json_null());
	(void)json_object_set_new(row, "StartedAt",
				  json_integer((json_int_t)(st->started_ns / NS_PER_SECOND)));
	(void)json_object_set_new(row, "State", json_string(view_state(view)));
	jset_owned(row, "Status", view_status(view, ps->now_ns));
}

static const struct pairlist *find_pod_labels(struct ps *ps, const char *pod_id)
{
	struct pod_spec pod;
	struct error scratch; /* a pod that cannot be read has no labels */

	if (pod_id && strcmp(ps->pod_id, pod_id) == 0)
		return &ps->pod_labels;
	pairlist_done(&ps->pod_labels);
	(void)snprintf(ps->pod_id, sizeof(ps->pod_id), "%s", pod_id ? pod_id : "");
	if (pod_id && is_id(pod_id) && lookup_read_pod(ps->store, pod_id, &pod, &scratch) == 0) {
		pairlist_copy(&ps->pod_labels, view_pod_labels(&pod));
		record_done(&pod_spec_type, &pod);
	}
	return &ps->pod_labels;
}

/* Members that stand in spec.json and pod.json only. */
static void add_spec_members(json_t *row, struct ps *ps, const struct container_view *view)
{
	cleanup_json json_t *labels = NULL;
	cleanup_json json_t *mounts = json_array();
	cleanup_json json_t *command = json_array();
	struct container_spec spec;
	struct error scratch; /* unreadable: the row says so by its state */

	if (ps->wants_spec && lookup_read_container(ps->store, view->id, &spec, &scratch) == 0) {
		labels = view_labels(&spec, find_pod_labels(ps, view->st.pod_id));
		for (size_t i = 0; i < spec.mounts.n; i++)
			(void)json_array_append_new(mounts, json_string(spec.mounts.v[i].target));
		json_decref(command);
		command = view_command(&spec);
		(void)json_object_set_new(row, "AutoRemove", json_boolean(spec.auto_remove));
		(void)json_object_set_new(row, "ImageID",
					  json_string(spec.config.id ? spec.config.id : ""));
		record_done(&container_spec_type, &spec);
	}
	(void)json_object_set(row, "Command", command);
	(void)json_object_set(row, "Mounts", mounts);
	(void)json_object_set_new(row, "Labels", labels ? json_incref(labels) : json_object());
	if (!json_object_get(row, "ImageID"))
		(void)json_object_set_new(row, "ImageID", json_string(""));
}

static void add_networks(json_t *row, const struct ps *ps, const struct container_view *view)
{
	json_t *list = json_array();
	struct pod_spec pod;
	struct error scratch; /* of a pod that cannot be read nothing is known */

	(void)json_object_set_new(row, "Networks", list);
	if (!ps->wants_spec || !view->st.pod_id || !is_id(view->st.pod_id) ||
	    lookup_read_pod(ps->store, view->st.pod_id, &pod, &scratch) < 0)
		return;
	for (size_t i = 0; i < pod.networks.n; i++)
		(void)json_array_append_new(list, json_string(pod.networks.v[i].network));
	if (pod.network == NETWORK_BRIDGE && !pod.networks.n)
		(void)json_array_append_new(list, json_string("podium"));
	record_done(&pod_spec_type, &pod);
}

/* "[/a /b]", as Go prints a list. */
static char *go_list(const json_t *list)
{
	cleanup_free char *text = view_join(list, " ");

	return xasprintf("[%s]", text);
}

/* A row for JSON and templates. New reference. */
static json_t *make_row(struct ps *ps, const struct container_view *view)
{
	json_t *row = json_object();
	json_t *texts = make_texts(ps, view);

	(void)json_object_set_new(row, "AutoRemove", json_false());
	add_state_members(row, ps, view);
	add_spec_members(row, ps, view);
	add_networks(row, ps, view);
	jset_owned(texts, "Created", view_go_time(view->st.created_ns));
	jset_owned(texts, "CreatedAt", view_go_time(view->st.created_ns));
	(void)json_object_set(texts, "RunningFor", json_object_get(texts, "CreatedHuman"));
	jset_owned(texts, "Mounts", go_list(json_object_get(row, "Mounts")));
	jset_owned(texts, "ImageID",
		   view_id(json_string_value(json_object_get(row, "ImageID")), ps->o->no_trunc));
	for (size_t i = 0; !ps->o->ns && i < ARRAY_SIZE(namespaces); i++)
		jset_owned(texts, namespaces[i][0], xstrdup("")); /* --ns looks them up */
	jset_owned(texts, "Networks", view_join(json_object_get(row, "Networks"), ","));
	jset_owned(texts, "Pod", view_id(view->st.solo ? "" : view->st.pod_id, ps->o->no_trunc));
	jset_owned(texts, "Size", ps->o->size ? size_text(ps, view, row) : xstrdup(""));
	(void)json_object_set_new(row, TEMPLATE_TEXTS, texts);
	return row;
}

/* A pod that a crash left without any container: a container view that stands for it. */
static void make_debris_view(const char *pod_id, const char *name, struct container_view *view)
{
	*view = (struct container_view){ .readable = true, .debris = true, .live = STATE_CREATED };
	memcpy(view->id, pod_id, sizeof(view->id));
	view->st.pod_id = xstrdup(pod_id);
	view->st.pod_name = xstrdup(name);
	view->st.name = xstrdup(name);
}

/* ---- what to show ----------------------------------------------------------------------- */

static int add_debris(struct ps *ps, struct container_views *views, struct error *err)
{
	struct pod_views pods;
	int r = pod_views_load(ps->store, views, &pods, err);

	for (size_t i = 0; r == 0 && i < pods.n; i++) {
		if (!pods.v[i].debris)
			continue;
		strlist_add(&ps->debris, pods.v[i].id);
		if (pods.v[i].n_members)
			continue;
		views->v = xreallocarray(views->v, views->n + 1, sizeof(*views->v));
		make_debris_view(pods.v[i].id, pods.v[i].name, &views->v[views->n++]);
	}
	for (size_t i = 0; r == 0 && i < views->n; i++) {
		const struct container_status *st = &views->v[i].st;

		/* Those that stand by themselves are in no list of pods. */
		views->v[i].debris =
			st->pod_id &&
			(st->solo ? is_id(st->pod_id) && is_pod_debris(ps->store, st->pod_id)
				  : strlist_has(&ps->debris, st->pod_id));
	}
	pod_views_done(&pods);
	return r;
}

static bool is_running(const struct container_view *view)
{
	return view->live == STATE_RUNNING || view->live == STATE_STOPPING ||
	       view->live == STATE_RESTARTING || view->live == STATE_PAUSED;
}

/* For qsort_r(3): by the key, then in the order that views_load() made. */
static int compare_by(const void *p, const void *q, void *arg)
{
	const struct container_view *x = p, *y = q;
	const struct container_status *a = &x->st, *b = &y->st;
	const char *key = arg;
	int order = 0;

	if (strcmp(key, "command") == 0)
		order = strcmp(a->command ? a->command : "", b->command ? b->command : "");
	else if (strcmp(key, "id") == 0)
		order = strcmp(x->id, y->id);
	else if (strcmp(key, "image") == 0)
		order = strcmp(a->image ? a->image : "", b->image ? b->image : "");
	else if (strcmp(key, "names") == 0)
		order = strcmp(a->name ? a->name : "", b->name ? b->name : "");
	else if (strcmp(key, "runningfor") == 0)
		order = (a->started_ns > b->started_ns) - (a->started_ns < b->started_ns);
	else if (strcmp(key, "size") == 0)
		order = (x->own_bytes > y->own_bytes) - (x->own_bytes < y->own_bytes);
	else if (strcmp(key, "status") == 0)
		order = strcmp(view_state(x), view_state(y));
	return order ? order : views_compare_age(x, y);
}

static int sort_views(const struct store *s, struct container_views *views, const char *key,
		      struct error *err)
{
	static const char *const keys[] = { "command",	  "created", "id",     "image", "names",
					    "runningfor", "size",    "status", NULL };
	size_t k = 0;

	while (keys[k] && strcmp(keys[k], key) != 0)
		k++;
	if (!keys[k])
		return error_set(err, EINVAL,
				 "invalid option for --sort, must be one of: command, created, id, "
				 "image, names, runningfor, size, status");
	if (strcmp(key, "created") == 0)
		return 0;
	for (size_t i = 0; strcmp(key, "size") == 0 && i < views->n; i++)
		views->v[i].own_bytes = storesize_container(s, views->v[i].id);
	if (views->n)
		qsort_r(views->v, views->n, sizeof(*views->v), compare_by, (void *)(uintptr_t)key);
	return 0;
}

/* The containers of a build's steps: on demand, or when a crash left them. */
static bool is_hidden(const struct ps *ps, const struct container_view *view)
{
	return view->st.working && !ps->o->external && !view->debris;
}

/* Drops what was not asked for. --last counts what is left, from the newest. */
static int select_views(const struct ps *ps, struct container_views *views, struct error *err)
{
	int64_t last = ps->o->latest ? 1 : ps->o->last.set ? ps->o->last.value : -1;
	struct filter_set *filters = NULL;
	size_t n = 0;
	int r = filters_parse_containers(ps->store, views, &ps->o->filters, &filters, err);
	bool all;

	if (r < 0)
		return r;
	all = ps->o->all || last > 0 || is_filter_for_all(filters);
	for (size_t i = 0; i < views->n; i++) {
		if ((all || is_running(&views->v[i])) && !is_hidden(ps, &views->v[i]) &&
		    is_container_match(filters, ps->store, &views->v[i]))
			views->v[n++] = views->v[i];
		else
			view_done(&views->v[i]);
	}
	views->n = n;
	filters_free(filters);
	if (last > 0 && (size_t)last < n) {
		for (size_t i = 0; i < n - (size_t)last; i++)
			view_done(&views->v[i]);
		memmove(views->v, views->v + n - (size_t)last, (size_t)last * sizeof(*views->v));
		views->n = (size_t)last;
	}
	return 0;
}

/* ---- the command ------------------------------------------------------------------------ */

#define PS_COLUMNS_MAX 14

static void choose_columns(const struct ps_options *o, struct format_column *c)
{
	static const struct format_column usual[] = {
		{ "CONTAINER ID", "ID" },      { "IMAGE", "Image" },   { "COMMAND", "Command" },
		{ "CREATED", "CreatedHuman" }, { "STATUS", "Status" }, { "PORTS", "Ports" },
		{ "NAMES", "Names" },
	};
	static const struct format_column of_namespaces[] = {
		{ "CONTAINER ID", "ID" },   { "NAMES", "Names" }, { "PID", "Pid" },
		{ "CGROUPNS", "CGROUPNS" }, { "IPC", "IPC" },	  { "MNT", "MNT" },
		{ "NET", "NET" },	    { "PIDNS", "PIDNS" }, { "USERNS", "USERNS" },
		{ "UTS", "UTS" },
	};
	const struct format_column *from = o->ns ? of_namespaces : usual;
	size_t n = o->ns ? ARRAY_SIZE(of_namespaces) : ARRAY_SIZE(usual);

	memcpy(c, from, n * sizeof(*c));
	c += n;
	if (o->pod) {
		*c++ = (struct format_column){ "POD ID", "Pod" };
		*c++ = (struct format_column){ "PODNAME", "PodName" };
	}
	if (o->size && !o->ns)
		*c++ = (struct format_column){ "SIZE", "Size" };
	*c = (struct format_column){ NULL, NULL };
}

static int print(struct ps *ps, const struct container_views *views, struct error *err)
{
	const struct ps_options *o = ps->o;
	struct format_column chosen[PS_COLUMNS_MAX];
	cleanup_json json_t *rows = json_array();

	for (size_t i = 0; i < views->n; i++) {
		if (o->quiet && is_format_table(o->format)) {
			cleanup_free char *id = view_id(views->v[i].id, o->no_trunc);

			format_print_line(id);
		} else {
			(void)json_array_append_new(rows, is_format_table(o->format)
								  ? make_texts(ps, &views->v[i])
								  : make_row(ps, &views->v[i]));
		}
	}
	if (o->quiet && is_format_table(o->format))
		return 0;
	choose_columns(o, chosen);
	return format_list(rows, chosen, o->format, o->noheading, err);
}

static bool is_spec_wanted(const char *format)
{
	static const char *const words[] = { "json",  "Labels", "Mounts",  "ImageI",
					     "{{.}}", "range",	"Networks" };

	for (size_t i = 0; format && i < ARRAY_SIZE(words); i++)
		if (strstr(format, words[i]))
			return true;
	return false;
}

static int show(struct command_context *ctx, const struct ps_options *o, struct error *err)
{
	struct ps ps = { .store = &ctx->store, .o = o, .now_ns = clock_wall_ns() };
	struct container_views views = { 0 };
	int r;

	ps.wants_spec = is_spec_wanted(o->format);
	r = views_load(ps.store, &views, err);
	if (r == 0 && (o->all || o->filters.n))
		r = add_debris(&ps, &views, err);
	if (r == 0)
		r = select_views(&ps, &views, err);
	if (r == 0)
		r = sort_views(ps.store, &views, o->sort ? o->sort : "created", err);
	if (r == 0)
		r = print(&ps, &views, err);
	views_done(&views);
	strlist_done(&ps.debris);
	pairlist_done(&ps.pod_labels);
	return r;
}

static int run(struct command_context *ctx, void *options, int argc, char **argv, struct error *err)
{
	const struct ps_options *o = options;
	struct pollfd out = { .fd = STDOUT_FILENO };
	int r;

	(void)argc;
	(void)argv;
	if (o->latest && o->last.set)
		return error_set(err, EINVAL, "last and latest are mutually exclusive");
	if (o->size && o->ns)
		return error_set(err, EINVAL, "size and namespace options conflict");
	if (o->quiet && (o->size || o->ns))
		return error_set(err, EINVAL, "quiet conflicts with size and namespace");
	if (!o->watch.set)
		return show(ctx, o, err);
	if (o->watch.value < 1 || o->watch.value > WATCH_MAX_S)
		return error_set(err, EINVAL, "--watch: a number of seconds from 1 to %d",
				 WATCH_MAX_S);
	do {
		if (isatty(STDOUT_FILENO))
			(void)fputs("\033[2J\033[H", stdout);
		r = show(ctx, o, err);
		if (r == 0 && fflush(stdout) != 0)
			break;
		(void)poll(&out, 1, (int)o->watch.value * 1000);
	} while (r == 0 && !(out.revents & (POLLERR | POLLNVAL)));
	return r;
}

static const struct option option_table[] = {
	{ 'a', "all", OPTION_BOOL, O(all), NULL, "Those that do not run, too", false },
	{ 0, "external", OPTION_BOOL, O(external), NULL, "The containers of builds, too", false },
	{ 'f', "filter", OPTION_STRINGS, O(filters), "KEY=VALUE",
	  "Only what matches: ancestor, before, exited, health, id, label, label!, name, network, "
	  "pod, restart-policy, should-start-on-boot, since, status, until, volume",
	  false },
	{ 0, "format", OPTION_STRING, O(format), NULL, "json, or a Go template", false },
	{ 'n', "last", OPTION_INT, O(last), NULL, "The n that were created last, in any state",
	  false },
	{ 'l', "latest", OPTION_BOOL, O(latest), NULL, "The one that was created last", false },
	{ 0, "no-trunc", OPTION_BOOL, O(no_trunc), NULL, "Whole ids and commands", false },
	{ 0, "noheading", OPTION_BOOL, O(noheading), NULL, "No line of headers", false },
	{ 0, "namespace", OPTION_BOOL, O(ns), NULL, "The namespaces of each", true },
	{ 0, "ns", OPTION_BOOL, O(ns), NULL, "The namespaces of each", false },
	{ 'p', "pod", OPTION_BOOL, O(pod), NULL, "With the id and name of each pod", false },
	{ 'q', "quiet", OPTION_BOOL, O(quiet), NULL, "Ids only", false },
	{ 's', "size", OPTION_BOOL, O(size), NULL, "What each has written, and with its image",
	  false },
	{ 0, "sort", OPTION_STRING, O(sort), "key",
	  "command, created, id, image, names, runningfor, size, status", false },
	OPTION_ONLY(0, "sync", "true", "what is shown is always what is true now"),
	{ 'w', "watch", OPTION_INT, O(watch), "seconds", "Again and again", false },
	OPTIONS_END,
};

const struct command cmd_ps = {
	.words = "ps",
	.args = "[options]",
	.summary = "List containers",
	.details = "  Lists the containers that run, oldest first; -a lists all of them, and what "
		   "a crash\n"
		   "  has left half made.",
	.options = option_table,
	.options_size = sizeof(struct ps_options),
	.store = COMMAND_READS,
	.run = run,
};
