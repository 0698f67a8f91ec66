/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pod ps - lists pods.
 *
 * Theory of operation: pods are put together from their containers' state records (podview.c), so
 * the cost is that of `ps`. Newest first, as Podman's. The table needs texts only; a row for JSON
 * or a template has Podman's members (ListPodsReport) and the texts of its templates. Labels and
 * the restart policy stand in pod.json, which is read only when the format asks for them.
 */
#include <errno.h>
#include <string.h>

#include "cmd/podium/base/command.h"
#include "cmd/podium/base/commands.h"
#include "cmd/podium/base/filter.h"
#include "cmd/podium/base/format.h"
#include "cmd/podium/pod/podview.h"
#include "cmd/podium/base/template.h"
#include "engine/base/clock.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"

struct pod_ps_options {
	bool ctr_ids, ctr_names, ctr_status, quiet, no_trunc, noheading, latest, ns;
	struct strlist filters;
	const char *format;
	const char *sort;
};
#define O(m) offsetof(struct pod_ps_options, m)

struct pod_ps {
	const struct store *store;
	const struct pod_ps_options *o;
	int64_t now_ns;
};

/* ---- rows ------------------------------------------------------------------------------- */

enum member_text { MEMBER_ID, MEMBER_NAME, MEMBER_STATUS };

/* "a,b,c": one fact of each member. */
static char *join_members(const struct pod_ps *ps, const struct pod_view *pod,
			  enum member_text what)
{
	cleanup_json json_t *list = json_array();

	for (size_t i = 0; i < pod->n_members; i++) {
		const struct container_view *m = pod->members[i];
		cleanup_free char *id = view_id(m->id, ps->o->no_trunc);
		const char *text = what == MEMBER_ID	   ? id
				   : what == MEMBER_STATUS ? view_state(m)
							   : m->st.name;

		(void)json_array_append_new(list, json_string(text ? text : ""));
	}
	return view_join(list, ",");
}

/* "ipc,net,uts": what its members share. */
static char *shared_namespaces(const struct pod_ps *ps, const struct pod_view *pod)
{
	struct pod_spec spec;
	struct error scratch; /* of debris nothing is known */
	char *text;

	if (lookup_read_pod(ps->store, pod->id, &spec, &scratch) < 0)
		return xstrdup("");
	text = xasprintf("%snet%s%s", spec.own_ipc ? "" : "ipc,", spec.share_pid ? ",pid" : "",
			 spec.own_uts ? "" : ",uts");
	record_done(&pod_spec_type, &spec);
	return text;
}

static json_t *make_texts(const struct pod_ps *ps, const struct pod_view *pod)
{
	json_t *row = json_object();
	const char *infra = pod->infra ? pod->infra->id : "";

	jset_owned(row, "Id", view_id(pod->id, ps->o->no_trunc));
	jset_owned(row, "Name", xstrdup(pod->name));
	jset_owned(row, "Status", pod_view_status(pod));
	jset_owned(row, "Created",
		   pod->created_ns ? view_age(pod->created_ns, ps->now_ns) : xstrdup(""));
	jset_owned(row, "InfraId", view_id(infra, ps->o->no_trunc));
	(void)json_object_set_new(row, "NumberOfContainers",
				  json_integer((json_int_t)pod->n_members));
	if (ps->o->ns)
		jset_owned(row, "NAMESPACES", shared_namespaces(ps, pod));
	if (ps->o->ctr_ids || ps->o->format)
		jset_owned(row, "ContainerIds", join_members(ps, pod, MEMBER_ID));
	if (ps->o->ctr_names || ps->o->format)
		jset_owned(row, "ContainerNames", join_members(ps, pod, MEMBER_NAME));
	if (ps->o->ctr_status || ps->o->format)
		jset_owned(row, "ContainerStatuses", join_members(ps, pod, MEMBER_STATUS));
	return row;
}

static json_t *make_members(const struct pod_view *pod)
{
	json_t *list = json_array();

	for (size_t i = 0; i < pod->n_members; i++) {
		const struct container_view *m = pod->members[i];
		json_t *one = json_object();

		(void)json_object_set_new(one, "Id", json_string(m->id));
		(void)json_object_set_new(one, "Names", json_string(m->st.name ? m->st.name : ""));
		(void)json_object_set_new(one, "Status", json_string(view_state(m)));
		(void)json_object_set_new(one, "RestartCount",
					  json_integer((json_int_t)m->st.restarts));
		(void)json_array_append_new(list, one);
	}
	return list;
}

static void add_record_members(json_t *row, const struct pod_ps *ps, const struct pod_view *pod)
{
	static const char *const policies[] = { "always", "on-failure", "no" };
	json_t *labels = NULL;
	json_t *networks = json_array();
	const char *policy = "";
	struct pod_spec spec;
	struct error scratch; /* debris of a crash: its status says so */

	if (lookup_read_pod(ps->store, pod->id, &spec, &scratch) == 0) {
		labels = view_pairs(&spec.labels);
		policy = policies[spec.restart];
		if (spec.network == NETWORK_BRIDGE)
			(void)json_array_append_new(networks, json_string("podium"));
		record_done(&pod_spec_type, &spec);
	}
	(void)json_object_set_new(row, "Networks", networks);
	(void)json_object_set_new(row, "Labels", labels ? labels : json_object());
	(void)json_object_set_new(row, "RestartPolicy", json_string(policy));
}

/* A row for JSON and templates. New reference. */
static json_t *make_row(const struct pod_ps *ps, const struct pod_view *pod)
{
	json_t *row = json_object();
	json_t *texts = make_texts(ps, pod);

	(void)json_object_set_new(row, "Cgroup", json_string(""));
	(void)json_object_set_new(row, "Containers", make_members(pod));
	(void)json_object_set_new(row, "Created", view_time(pod->created_ns));
	(void)json_object_set_new(row, "Id", json_string(pod->id));
	(void)json_object_set_new(row, "InfraId", json_string(pod->infra ? pod->infra->id : ""));
	(void)json_object_set_new(row, "Name", json_string(pod->name));
	(void)json_object_set_new(row, "Namespace", json_string(""));
	(void)json_object_set_new(row, "Status", json_string(pod->state));
	add_record_members(row, ps, pod);
	jset_owned(texts, "Networks", view_join(json_object_get(row, "Networks"), ","));
	(void)json_object_set_new(row, TEMPLATE_TEXTS, texts);
	return row;
}

/* ---- what to show, in which order ------------------------------------------------------- */

static int compare_by(const void *a, const void *b, void *arg)
{
	const struct pod_view *x = a, *y = b;
	const char *key = arg;
	int order = 0;

	if (strcmp(key, "id") == 0)
		order = strcmp(x->id, y->id);
	else if (strcmp(key, "name") == 0)
		order = strcmp(x->name, y->name);
	else if (strcmp(key, "number") == 0)
		order = (x->n_members > y->n_members) - (x->n_members < y->n_members);
	else if (strcmp(key, "status") == 0)
		order = strcmp(x->state, y->state);
	return order ? order : pod_views_compare_age(x, y);
}

static int sort_pods(struct pod_views *pods, const char *key, struct error *err)
{
	static const char *const keys[] = { "created", "id", "name", "number", "status" };

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		if (strcmp(keys[i], key) != 0)
			continue;
		if (pods->n)
			qsort_r(pods->v, pods->n, sizeof(*pods->v), compare_by,
				(void *)(uintptr_t)key);
		return 0;
	}
	return error_set(err, EINVAL,
			 "invalid option for --sort, must be one of: created, id, name, "
			 "number, status");
}

static json_t *make_rows(const struct pod_ps *ps, const struct pod_views *pods,
			 const struct filter_set *filters)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < pods->n; i++) {
		const struct pod_view *pod = &pods->v[i];

		/* That of a build's step is nobody's pod, unless a crash left it. */
		if (pod->infra && pod->infra->st.working && !pod->debris)
			continue;
		if (!is_pod_match(filters, ps->store, pod))
			continue;
		(void)json_array_append_new(rows, is_format_table(ps->o->format)
							  ? make_texts(ps, pod)
							  : make_row(ps, pod));
		if (ps->o->latest)
			break;
	}
	return rows;
}

#define PODS_COLUMNS_MAX 10

/* Ids, name, status, age, infra; then what was asked for, else the number of containers. */
static void choose_columns(const struct pod_ps_options *o, struct format_column *c)
{
	*c++ = (struct format_column){ "POD ID", "Id" };
	*c++ = (struct format_column){ "NAME", "Name" };
	*c++ = (struct format_column){ "STATUS", "Status" };
	*c++ = (struct format_column){ "CREATED", "Created" };
	*c++ = (struct format_column){ "INFRA ID", "InfraId" };
	if (o->ns)
		*c++ = (struct format_column){ "NAMESPACES", "NAMESPACES" };
	if (o->ctr_ids)
		*c++ = (struct format_column){ "IDS", "ContainerIds" };
	if (o->ctr_names)
		*c++ = (struct format_column){ "NAMES", "ContainerNames" };
	if (o->ctr_status)
		*c++ = (struct format_column){ "STATUS", "ContainerStatuses" };
	if (o->format || (!o->ctr_ids && !o->ctr_names && !o->ctr_status))
		*c++ = (struct format_column){ "# OF CONTAINERS", "NumberOfContainers" };
	*c = (struct format_column){ NULL, NULL };
}

static int print(const struct pod_ps *ps, const json_t *rows, struct error *err)
{
	struct format_column columns[PODS_COLUMNS_MAX];
	const json_t *row;
	size_t i;

	if (!ps->o->quiet || !is_format_table(ps->o->format)) {
		choose_columns(ps->o, columns);
		return format_list(rows, columns, ps->o->format, ps->o->noheading, err);
	}
	json_array_foreach (rows, i, row) {
		format_print_line(jget_str(row, "Id"));
	}
	return 0;
}

static int run(struct command_context *ctx, void *options, int argc, char **argv, struct error *err)
{
	const struct pod_ps_options *o = options;
	struct pod_ps ps = { &ctx->store, o, clock_wall_ns() };
	struct filter_set *filters = NULL;
	struct container_views views = { 0 };
	struct pod_views pods = { 0 };
	cleanup_json json_t *rows = NULL;
	int r = filters_parse_pods(&o->filters, &filters, err);

	(void)argc;
	(void)argv;
	if (r == 0)
		r = views_load(ps.store, &views, err);
	if (r == 0)
		r = pod_views_load(ps.store, &views, &pods, err);
	if (r == 0)
		r = sort_pods(&pods, o->sort ? o->sort : "created", err);
	if (r == 0) {
		rows = make_rows(&ps, &pods, filters);
		r = print(&ps, rows, err);
	}
	pod_views_done(&pods);
	views_done(&views);
	filters_free(filters);
	return r;
}

static const struct option option_table[] = {
	{ 0, "ctr-ids", OPTION_BOOL, O(ctr_ids), NULL, "With the ids of each pod's containers",
	  false },
	{ 0, "ctr-names", OPTION_BOOL, O(ctr_names), NULL,
	  "With the names of each pod's containers", false },
	{ 0, "ctr-status", OPTION_BOOL, O(ctr_status), NULL,
	  "With the states of each pod's containers", false },
	{ 'f', "filter", OPTION_STRINGS, O(filters), "KEY=VALUE",
	  "Only what matches: ctr-ids, ctr-names, ctr-number, ctr-status, id, label, name, status, "
	  "until",
	  false },
	{ 0, "format", OPTION_STRING, O(format), NULL, "json, or a Go template", false },
	{ 'l', "latest", OPTION_BOOL, O(latest), NULL, "The first of the list alone", false },
	{ 0, "namespace", OPTION_BOOL, O(ns), NULL, "The namespaces that members share", true },
	{ 0, "ns", OPTION_BOOL, O(ns), NULL, "The namespaces that members share", false },
	{ 0, "no-trunc", OPTION_BOOL, O(no_trunc), NULL, "Whole ids", false },
	{ 0, "noheading", OPTION_BOOL, O(noheading), NULL, "No line of headers", false },
	{ 'q', "quiet", OPTION_BOOL, O(quiet), NULL, "Ids only", false },
	{ 0, "sort", OPTION_STRING, O(sort), "key", "created, id, name, number, status", false },
	OPTIONS_END,
};

const struct command cmd_pod_ps = {
	.words = "pod ps",
	.args = "[options]",
	.summary = "List pods",
	.details = "  Lists all pods, newest first, also what a crash has left half made.",
	.options = option_table,
	.options_size = sizeof(struct pod_ps_options),
	.store = COMMAND_READS,
	.run = run,
};
