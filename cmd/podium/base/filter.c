/* SPDX-License-Identifier: Apache-2.0 */
/*
 * filter - which containers or pods a listing shows.
 *
 * Theory of operation: every --filter becomes one condition (a key of a table, a value that was
 * checked and resolved while parsing: a regular expression is compiled, a time read, a container
 * that before= and since= name looked up). An object is shown when of each key that was given at
 * least one condition holds; for labels every one must. Cheap conditions read what the listing has
 * anyway; only label= and volume= read spec.json and pod.json, and only of objects that they are
 * asked about.
 *
 * Names are matched by extended regular expressions, anywhere in the name, as Podman does; ids by
 * their beginning.
 */
#include "cmd/podium/base/filter.h"

#include <errno.h>
#include <regex.h>
#include <string.h>
#include <strings.h>

#include "cmd/podium/base/timeparse.h"
#include "engine/base/clock.h"
#include "engine/base/mem.h"
#include "engine/pod/pod.h"

enum filter_key {
	FILTER_ANCESTOR,
	FILTER_BEFORE,
	FILTER_CTR_IDS,
	FILTER_CTR_NAMES,
	FILTER_CTR_NUMBER,
	FILTER_CTR_STATUS,
	FILTER_EXITED,
	FILTER_HEALTH,
	FILTER_ID,
	FILTER_LABEL,
	FILTER_NO_LABEL,
	FILTER_NAME,
	FILTER_NETWORK,
	FILTER_POD,
	FILTER_RESTART_POLICY,
	FILTER_ON_BOOT,
	FILTER_SINCE,
	FILTER_STATUS,
	FILTER_UNTIL,
	FILTER_VOLUME,
	FILTER__COUNT
};
static const char *const key_names[FILTER__COUNT] = {
	"ancestor",   "before",	    "ctr-ids",	      "ctr-names",
	"ctr-number", "ctr-status", "exited",	      "health",
	"id",	      "label",	    "label!",	      "name",
	"network",    "pod",	    "restart-policy", "should-start-on-boot",
	"since",      "status",	    "until",	      "volume",
};
#define BIT(k) (1u << (k))
#define CONTAINER_KEYS                                                                        \
	(BIT(FILTER_ANCESTOR) | BIT(FILTER_BEFORE) | BIT(FILTER_EXITED) | BIT(FILTER_ID) |    \
	 BIT(FILTER_LABEL) | BIT(FILTER_NAME) | BIT(FILTER_POD) | BIT(FILTER_SINCE) |         \
	 BIT(FILTER_STATUS) | BIT(FILTER_UNTIL) | BIT(FILTER_HEALTH) | BIT(FILTER_NO_LABEL) | \
	 BIT(FILTER_NETWORK) | BIT(FILTER_RESTART_POLICY) | BIT(FILTER_ON_BOOT) |             \
	 BIT(FILTER_VOLUME))
#define POD_KEYS                                                                          \
	(BIT(FILTER_CTR_IDS) | BIT(FILTER_CTR_NAMES) | BIT(FILTER_CTR_NUMBER) |           \
	 BIT(FILTER_CTR_STATUS) | BIT(FILTER_ID) | BIT(FILTER_LABEL) | BIT(FILTER_NAME) | \
	 BIT(FILTER_STATUS) | BIT(FILTER_UNTIL) | BIT(FILTER_NO_LABEL) | BIT(FILTER_NETWORK))

struct condition {
	enum filter_key key;
	const char *value; /* borrowed from the command line */
	int64_t number;	   /* exited: the code; times: nanoseconds; ctr-number */
	regex_t regex;
	bool has_regex;
};
struct filter_set {
	struct condition *v;
	size_t n;
};

static int compile(struct condition *c, struct error *err)
{
	int r = regcomp(&c->regex, c->value, REG_EXTENDED | REG_NOSUB);
	char why[128];

	c->has_regex = r == 0;
	if (r == 0)
		return 0;
	(void)regerror(r, &c->regex, why, sizeof(why));
	return error_set(err, EINVAL, "filter '%s=%.100s': %s", key_names[c->key], c->value, why);
}

static int check_status(const struct condition *c, bool pods, struct error *err)
{
	static const char *const of_containers[] = { "created",	   "running",	  "paused",
						     "stopping",   "exited",	  "restarting",
						     "removing",   "unknown",	  "stopped",
						     "configured", "initialized", NULL };
	static const char *const of_pods[] = { "created",  "running", "degraded", "paused",
					       "stopped",  "exited",  "error",	  "incomplete",
					       "removing", NULL };
	const char *const *names = pods ? of_pods : of_containers;

	for (; *names; names++)
		if (strcasecmp(c->value, *names) == 0)
			return 0;
	return error_set(err, EINVAL, "filter '%s': '%.100s' is not a status", key_names[c->key],
			 c->value);
}

/* before= and since=: when the container that is named was created. */
static int find_created(const struct store *s, const struct container_views *views,
			struct condition *c, struct error *err)
{
	char id[65];
	int r = lookup_container(s, c->value, id, err);

	if (r < 0)
		return error_wrap(err, "filter '%s'", key_names[c->key]);
	for (size_t i = 0; i < views->n; i++)
		if (strcmp(views->v[i].id, id) == 0)
			c->number = views->v[i].st.created_ns;
	return 0;
}

static int prepare(struct condition *c, const struct store *s, const struct container_views *views,
		   struct error *err)
{
	switch (c->key) {
	case FILTER_NAME:
	case FILTER_CTR_NAMES:
		return compile(c, err);
	case FILTER_STATUS:
		return check_status(c, !views, err);
	case FILTER_CTR_STATUS:
		return check_status(c, false, err);
	case FILTER_BEFORE:
	case FILTER_SINCE:
		return find_created(s, views, c, err);
	case FILTER_UNTIL:
		return time_parse(c->value, clock_wall_ns(), &c->number, err);
	case FILTER_ON_BOOT:
		if (!is_equal(c->value, "true") && !is_equal(c->value, "false"))
			return error_set(err, EINVAL, "filter '%s': true or false",
					 key_names[c->key]);
		return 0;
	case FILTER_EXITED:
	case FILTER_CTR_NUMBER:
		if (parse_i64(c->value, 0, INT32_MAX, &c->number) < 0)
			return error_set(err, EINVAL, "filter '%s': '%.100s' is not a number",
					 key_names[c->key], c->value);
		return 0;
	default:
		return 0;
	}
}

static int parse_one(struct condition *c, const char *text, unsigned int keys, struct error *err)
{
	const char *equals = strchr(text, '=');

	if (!equals || equals == text)
		return error_set(err, EINVAL, "filter '%.100s' is not KEY=VALUE", text);
	for (int k = 0; k < FILTER__COUNT; k++) {
		if ((keys & BIT(k)) && strlen(key_names[k]) == (size_t)(equals - text) &&
		    strncmp(key_names[k], text, (size_t)(equals - text)) == 0) {
			*c = (struct condition){ .key = (enum filter_key)k, .value = equals + 1 };
			return 0;
		}
	}
	return error_set(err, EINVAL, "%.*s is an invalid filter",
			 equals - text > 100 ? 100 : (int)(equals - text), text);
}

/* views: NULL for pods. */
static int parse(const struct store *s, const struct container_views *views,
		 const struct strlist *texts, struct filter_set **ret, struct error *err)
{
	struct filter_set *f = xcalloc(1, sizeof(*f));
	int r = 0;

	f->v = xcalloc(texts->n ? texts->n : 1, sizeof(*f->v));
	for (size_t i = 0; r == 0 && i < texts->n; i++) {
		r = parse_one(&f->v[f->n], texts->v[i], views ? CONTAINER_KEYS : POD_KEYS, err);
		if (r == 0)
			r = prepare(&f->v[f->n++], s, views, err);
	}
	if (r < 0) {
		filters_free(f);
		return r;
	}
	*ret = f;
	return 0;
}

int filters_parse_containers(const struct store *s, const struct container_views *views,
			     const struct strlist *texts, struct filter_set **ret,
			     struct error *err)
{
	return parse(s, views, texts, ret, err);
}

int filters_parse_pods(const struct strlist *texts, struct filter_set **ret, struct error *err)
{
	return parse(NULL, NULL, texts, ret, err);
}

void filters_free(struct filter_set *f)
{
	if (!f)
		return;
	for (size_t i = 0; i < f->n; i++)
		if (f->v[i].has_regex)
			regfree(&f->v[i].regex);
	free(f->v);
	free(f);
}

bool is_filter_for_all(const struct filter_set *f)
{
	for (size_t i = 0; i < f->n; i++)
		if (f->v[i].key == FILTER_STATUS || f->v[i].key == FILTER_EXITED)
			return true;
	return false;
}

/* ---- conditions ------------------------------------------------------------------------- */

static bool is_regex_match(const struct condition *c, const char *text)
{
	return text && regexec(&c->regex, text, 0, NULL, 0) == 0;
}

/* "key" or "key=value". */
static bool is_label_match(const char *wanted, const struct pairlist *labels)
{
	const char *equals = strchr(wanted, '=');
	cleanup_free char *key =
		equals ? xstrndup(wanted, (size_t)(equals - wanted)) : xstrdup(wanted);
	const char *value = pairlist_get(labels, key);

	return value && (!equals || strcmp(value, equals + 1) == 0);
}

static bool has_label_key(const char *wanted, const struct pairlist *labels)
{
	cleanup_free char *key = xstrndup(wanted, strcspn(wanted, "="));

	return pairlist_get(labels, key) != NULL;
}

static bool is_in_network(const struct pod_spec *pod, const char *wanted)
{
	for (size_t i = 0; i < pod->networks.n; i++)
		if (is_equal(pod->networks.v[i].network, wanted))
			return true;
	if (pod->network == NETWORK_BRIDGE && !pod->networks.n)
		return is_equal(wanted, "podium") || is_equal(wanted, "bridge");
	return is_equal(network_mode_names[pod->network], wanted);
}

static bool is_network_match(const struct store *s, const char *pod_id, const char *wanted)
{
	struct pod_spec pod;
	struct error scratch; /* a record that cannot be read is in no network */
	bool match = false;

	if (pod_id && lookup_read_pod(s, pod_id, &pod, &scratch) == 0) {
		match = is_in_network(&pod, wanted);
		record_done(&pod_spec_type, &pod);
	}
	return match;
}

static bool is_pod_label_match(const struct store *s, const char *pod_id, const char *wanted)
{
	struct pod_spec pod;
	struct error scratch; /* a record that cannot be read has no labels */
	bool match = false;

	if (pod_id && lookup_read_pod(s, pod_id, &pod, &scratch) == 0) {
		match = is_label_match(wanted, view_pod_labels(&pod));
		record_done(&pod_spec_type, &pod);
	}
	return match;
}

/* A container has the labels of its image, and of its pod when that was played. */
static bool is_container_label_match(const struct store *s, const struct container_view *view,
				     const char *wanted)
{
	struct container_spec spec;
	struct error scratch;
	bool match = is_pod_label_match(s, view->st.pod_id, wanted);

	if (!match && lookup_read_container(s, view->id, &spec, &scratch) == 0) {
		match = is_label_match(wanted, &spec.labels) ||
			(!has_label_key(wanted, &spec.labels) &&
			 is_label_match(wanted, &spec.config.labels));
		record_done(&container_spec_type, &spec);
	}
	return match;
}

static const char *policy_of(const struct container_spec *spec, const struct pod_spec *pod)
{
	static const char *const policies[] = { "always", "on-failure", "no" };

	return spec->unless_stopped || (pod->solo && pod->unless_stopped) ? "unless-stopped"
									  : policies[spec->restart];
}

/* What stands in the records alone. */
static bool is_record_match(const struct condition *c, const struct store *s,
			    const struct container_view *view)
{
	struct container_spec spec;
	struct pod_spec pod = { 0 };
	struct error scratch; /* a record that cannot be read matches nothing */
	bool match = false, has_pod;

	if (lookup_read_container(s, view->id, &spec, &scratch) < 0)
		return false;
	has_pod = spec.pod_id && lookup_read_pod(s, spec.pod_id, &pod, &scratch) == 0;
	if (c->key == FILTER_RESTART_POLICY)
		match = is_equal(policy_of(&spec, &pod), c->value);
	else if (c->key == FILTER_ON_BOOT)
		match = is_started_on_boot(&spec, &view->st) == is_equal(c->value, "true");
	if (has_pod)
		record_done(&pod_spec_type, &pod);
	record_done(&container_spec_type, &spec);
	return match;
}

/* "nginx", "nginx:latest", "docker.io/library/nginx:latest" name one image. */
static bool is_ancestor(const char *image, const char *wanted)
{
	size_t len = strlen(wanted);
	const char *at = image ? strstr(image, wanted) : NULL;

	for (; at && len; at = strstr(at + 1, wanted)) {
		bool begins = at == image || at[-1] == '/';
		bool ends = !at[len] || (at[len] == ':' && !strchr(at + len, '/'));

		if (begins && ends)
			return true;
	}
	return false;
}

static bool is_state_match(const struct container_view *view, const char *wanted)
{
	if (strcasecmp(wanted, "stopped") == 0)
		wanted = "exited";
	if (strcasecmp(wanted, "configured") == 0)
		wanted = "created";
	return strcasecmp(wanted, view_state(view)) == 0;
}

/* "NAME" of a volume or "/path" of the host, either with ":/where" it is mounted. */
static bool is_mount_match(const struct pod_spec *pod, const struct mount_spec *m,
			   const char *wanted)
{
	size_t len = strcspn(wanted, ":");
	const struct volume_spec *v = pod_find_volume(pod, m->volume);
	const char *source = !v				   ? NULL
			     : v->kind == VOLUME_NAMED	   ? v->source_name
			     : v->kind == VOLUME_HOST_PATH ? v->host_path
							   : NULL;

	return source && strlen(source) == len && strncmp(source, wanted, len) == 0 &&
	       (!wanted[len] || is_equal(m->target, wanted + len + 1));
}

static bool is_volume_mounted_in(const struct store *s, const struct container_view *view,
				 const char *wanted)
{
	struct container_spec spec;
	struct pod_spec pod;
	struct error scratch; /* a record that cannot be read mounts nothing */
	bool match = false;

	if (!view->st.pod_id || lookup_read_pod(s, view->st.pod_id, &pod, &scratch) < 0)
		return false;
	if (pod.volumes.n && lookup_read_container(s, view->id, &spec, &scratch) == 0) {
		for (size_t i = 0; i < spec.mounts.n && !match; i++)
			match = is_mount_match(&pod, &spec.mounts.v[i], wanted);
		record_done(&container_spec_type, &spec);
	}
	record_done(&pod_spec_type, &pod);
	return match;
}

static bool is_condition_met(const struct condition *c, const struct store *s,
			     const struct container_view *view)
{
	const struct container_status *st = &view->st;

	switch (c->key) {
	case FILTER_ANCESTOR:
		return is_ancestor(st->image, c->value);
	case FILTER_BEFORE:
		return st->created_ns < c->number;
	case FILTER_SINCE:
		return st->created_ns > c->number;
	case FILTER_UNTIL:
		return st->created_ns < c->number;
	case FILTER_EXITED:
		return view->live == STATE_EXITED && !st->exit_unknown &&
		       st->exit_code == c->number;
	case FILTER_HEALTH:
		return is_equal(st->health ? st->health : "none", c->value);
	case FILTER_ID:
		return is_prefix(view->id, c->value);
	case FILTER_LABEL:
		return is_container_label_match(s, view, c->value);
	case FILTER_NO_LABEL:
		return !is_container_label_match(s, view, c->value);
	case FILTER_NETWORK:
		return is_network_match(s, st->pod_id, c->value);
	case FILTER_RESTART_POLICY:
	case FILTER_ON_BOOT:
		return is_record_match(c, s, view);
	case FILTER_NAME:
		return is_regex_match(c, st->name);
	case FILTER_POD:
		return is_equal(st->pod_name, c->value) ||
		       (st->pod_id && *c->value && is_prefix(st->pod_id, c->value));
	case FILTER_STATUS:
		return is_state_match(view, c->value);
	case FILTER_VOLUME:
		return is_volume_mounted_in(s, view, c->value);
	default:
		return false;
	}
}

static bool is_member_match(const struct condition *c, const struct pod_view *pod)
{
	for (size_t i = 0; i < pod->n_members; i++) {
		const struct container_view *m = pod->members[i];

		if ((c->key == FILTER_CTR_IDS && is_prefix(m->id, c->value)) ||
		    (c->key == FILTER_CTR_NAMES && is_regex_match(c, m->st.name)) ||
		    (c->key == FILTER_CTR_STATUS && is_state_match(m, c->value)))
			return true;
	}
	return false;
}

static bool is_pod_condition_met(const struct condition *c, const struct store *s,
				 const struct pod_view *pod)
{
	switch (c->key) {
	case FILTER_CTR_IDS:
	case FILTER_CTR_NAMES:
	case FILTER_CTR_STATUS:
		return is_member_match(c, pod);
	case FILTER_CTR_NUMBER:
		return (int64_t)pod->n_members == c->number;
	case FILTER_ID:
		return is_prefix(pod->id, c->value);
	case FILTER_LABEL:
		return is_pod_label_match(s, pod->id, c->value);
	case FILTER_NO_LABEL:
		return !is_pod_label_match(s, pod->id, c->value);
	case FILTER_NETWORK:
		return is_network_match(s, pod->id, c->value);
	case FILTER_NAME:
		return is_regex_match(c, pod->name);
	case FILTER_STATUS:
		return strcasecmp(pod->state, c->value) == 0;
	case FILTER_UNTIL:
		return pod->created_ns < c->number;
	default:
		return false;
	}
}

/* Exactly one of view and pod is given. */
static bool is_match(const struct filter_set *f, const struct store *s,
		     const struct container_view *view, const struct pod_view *pod)
{
	unsigned int asked = 0, met = 0;

	for (size_t i = 0; i < f->n; i++) {
		const struct condition *c = &f->v[i];
		bool ok = view ? is_condition_met(c, s, view) : is_pod_condition_met(c, s, pod);

		if ((c->key == FILTER_LABEL || c->key == FILTER_NO_LABEL) && !ok)
			return false;
		asked |= BIT(c->key);
		met |= ok ? BIT(c->key) : 0;
	}
	return asked == met;
}

bool is_container_match(const struct filter_set *f, const struct store *s,
			const struct container_view *view)
{
	return is_match(f, s, view, NULL);
}

bool is_pod_match(const struct filter_set *f, const struct store *s, const struct pod_view *pod)
{
	return is_match(f, s, NULL, pod);
}
