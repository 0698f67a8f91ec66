/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_fieldtable - no field of a manifest is ignored in silence.
 *
 * The tables of schemas/ call a field honoured when it is stored; stored it can still be forgotten.
 * So each honoured field is changed, in every manifest of testdata/kube/ that has it, until one
 * change gives another plan or object: the proof that it counts. Containers are tried as init
 * containers and as sidecars too, pods as templates of workloads. A row that no change proves must
 * be in the list `excused`, with the reason, and one that is there needlessly is a failure too. The
 * other fields: a value that is not harmless must give a finding with its path.
 *
 * testdata/fields is the table that comes of it (PODIUM_GOLDEN=1 writes it anew):
 *	changes		another value gives another plan or object
 *	presence	it or its content is there or not: the same
 *	checked		see `excused`
 *	warned, moot, server	as the tables have it
 *
 * What this does not show: that the engine acts by the plan. Its own tests do.
 */
#include <dirent.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/fs.h"
#include "engine/base/str.h"
#include "engine/data/object.h"
#include "engine/volumes/named.h"
#include "kube/job.h"
#include "kube/kube.h"
#include "schemas/models.h"
#include "tests/support/cunit_main.h"
#include "tests/support/rewrite.h"

#define CASES	   "testdata/kube"
#define TABLE_FILE "testdata/fields"
#define MAX_FILE   ((size_t)8 << 20)

enum proof {
	PROOF_NONE,	/* no case sets it */
	PROOF_MET,	/* no change of it changes anything */
	PROOF_KEPT,	/* it is in the document of a pod or an object, no more */
	PROOF_REFUSED,	/* another value is an error */
	PROOF_TOLD,	/* another value gives other warnings */
	PROOF_PRESENCE, /* without it something is different */
	PROOF_CHANGES	/* another value makes something different */
};

struct row {
	char *path;
	const struct schema_type *type;
	const struct schema_field *field;
	enum proof proof;
};
static struct row *rows;
static size_t n_rows;

/* Honoured, although no change of it makes anything different. */
static const struct {
	const char *rows; /* as fnmatch(3) has it */
	const char *why;
	int proof; /* enum proof, or -1 for any */
} excused[] = {
	{ "*.apiVersion", "no other is this kind's", PROOF_REFUSED },
	{ "*.livenessProbe.successThreshold", "only 1 is allowed", PROOF_REFUSED },
	{ "*.startupProbe.successThreshold", "only 1 is allowed", PROOF_REFUSED },
	{ "*.readinessProbe.terminationGracePeriodSeconds", "never allowed", PROOF_NONE },
	{ "Pod.spec.os", "Linux alone can be played", PROOF_TOLD },
	{ "Pod.spec.os.name", "Linux alone can be played", PROOF_REFUSED },
	{ "*.ephemeral*", "a directory of the pod, whatever was claimed; checked and kept", -1 },
	{ "PersistentVolume*.spec.volumeMode", "every volume is a directory", PROOF_REFUSED },
	{ "PersistentVolume.metadata.namespace", "it is in none", PROOF_NONE },
	{ "Namespace.metadata.namespace", "it is in none", PROOF_NONE },
	{ "PersistentVolume.metadata.annotations", "shown", PROOF_KEPT },
	{ "Namespace.metadata.annotations", "shown", PROOF_KEPT },
	{ "Namespace.metadata.labels", "shown", PROOF_REFUSED },
	{ "*.metadata.labels", "the workload's own: shown, and chosen by", PROOF_REFUSED },
	{ "*.metadata.annotations", "the workload's own: shown", PROOF_KEPT },
	{ "Deployment.metadata.annotations", "the workload's own: shown", PROOF_TOLD },
	{ "*.spec.selector.matchExpressions[[][]].*", "it must select the template's labels",
	  PROOF_REFUSED },
	{ "*.spec.strategy", "what it holds is known", PROOF_TOLD },
	{ "*.spec.updateStrategy", "what it holds is known", PROOF_TOLD },
	{ "*.spec.updateStrategy.rollingUpdate", "what it holds is known", PROOF_KEPT },
	{ "*.template.spec", "its rows are a Pod's: see the test of templates", PROOF_REFUSED },
	{ "Job.spec.selector*", "it has no effect, and a warning says so", -1 },
	{ "Job.spec.manualSelector", "allows spec.selector", PROOF_REFUSED },
};
static bool excuse_used[ARRAY_SIZE(excused)];

/* ---- rows -------------------------------------------------------------------------------------
 */

static bool is_template_spec(const struct schema_type *t, const struct schema_field *f)
{
	return strcmp(t->name, "V1PodTemplateSpec") == 0 && strcmp(f->name, "spec") == 0;
}

static void add_rows(const struct schema_type *t, const char *at)
{
	for (const struct schema_field *f = t->fields; f->name; f++) {
		char *path = xasprintf("%s.%s", at, f->name);
		cleanup_free char *below =
			xasprintf("%s%s", path, f->shape == SHAPE_LIST ? "[]" : "");

		rows = xreallocarray(rows, n_rows + 1, sizeof(*rows));
		rows[n_rows++] = (struct row){ .path = path, .type = t, .field = f };
		if (f->support == FIELD_HONOURED && f->type == FIELD_OBJECT &&
		    !is_template_spec(t, f))
			add_rows(f->sub, below);
	}
}

static struct row *find_row(const char *path)
{
	for (size_t i = 0; i < n_rows; i++)
		if (strcmp(rows[i].path, path) == 0)
			return &rows[i];
	return NULL;
}

/* ---- what a manifest becomes ------------------------------------------------------------------
 */

struct subject {
	const char *name;
	struct kube_input input;
	const struct doc_set *set;
	struct kube_result base;
};

static void read_text(const struct subject *s, const char *text, struct kube_result *ret)
{
	kube_load_text(&s->input, "input.yaml", text, strlen(text), ret);
}

/* The claim that an ephemeral volume was asked by is kept for generate: it does not count. */
static void hide_claims(const struct pod_plan *p, char **hidden, bool back)
{
	for (size_t i = 0; i < p->pod.volumes.n; i++) {
		char **at = &p->pod.volumes.v[i].claim_template;

		if (back)
			*at = hidden[i];
		else
			hidden[i] = steal_ptr(at);
	}
}

static bool is_pod_same(const struct pod_plan *a, const struct pod_plan *b)
{
	char **x = xcalloc(a->pod.volumes.n + 1, sizeof(char *));
	char **y = xcalloc(b->pod.volumes.n + 1, sizeof(char *));
	bool same;

	hide_claims(a, x, false);
	hide_claims(b, y, false);
	same = record_equal(&pod_spec_type, &a->pod, &b->pod, NULL);
	hide_claims(a, x, true);
	hide_claims(b, y, true);
	free(x);
	free(y);
	return same;
}

static bool is_plan_same(const struct pod_plan *a, const struct pod_plan *b)
{
	bool same = is_pod_same(a, b) && a->n_containers == b->n_containers;

	for (size_t i = 0; same && i < a->n_containers; i++)
		same = record_equal(&container_spec_type, &a->containers[i], &b->containers[i],
				    NULL);
	return same;
}

/* The document, which a claim keeps, does not count. */
static bool is_claim_same(const struct named_volume *a, const struct named_volume *b)
{
	struct named_volume x = *a, y = *b;

	x.claim_yaml = y.claim_yaml = NULL;
	return record_equal(&named_volume_type, &x, &y, NULL);
}

static bool is_number_same(struct opt_i64 a, struct opt_i64 b)
{
	return a.set == b.set && a.value == b.value;
}

static bool is_job_same(const struct job_spec *a, const struct job_spec *b)
{
	return is_number_same(a->completions, b->completions) && a->parallelism == b->parallelism &&
	       a->backoff_limit == b->backoff_limit &&
	       is_number_same(a->active_deadline_s, b->active_deadline_s) &&
	       is_number_same(a->ttl_s, b->ttl_s) && a->suspend == b->suspend &&
	       a->indexed == b->indexed &&
	       is_number_same(a->backoff_limit_per_index, b->backoff_limit_per_index) &&
	       is_number_same(a->max_failed_indexes, b->max_failed_indexes) &&
	       a->replace_when_failed == b->replace_when_failed;
}

static bool is_object_same(const struct kube_object *a, const struct kube_object *b)
{
	if (a->kind != b->kind || !is_equal(a->name, b->name) ||
	    !is_equal(a->namespace_, b->namespace_))
		return false;
	if (!a->data != !b->data || !a->claim != !b->claim || !a->job != !b->job ||
	    !a->template != !b->template)
		return false;
	return (!a->data || is_data_equal(a->data, b->data)) &&
	       (!a->claim || is_claim_same(a->claim, b->claim)) &&
	       (!a->job || is_job_same(a->job, b->job)) &&
	       (!a->template || is_plan_same(a->template, b->template));
}

static bool is_result_same(const struct kube_result *a, const struct kube_result *b)
{
	bool same = a->n == b->n && a->n_objects == b->n_objects && a->n_secrets == b->n_secrets;

	for (size_t i = 0; same && i < a->n; i++)
		same = is_plan_same(&a->v[i], &b->v[i]);
	for (size_t i = 0; same && i < a->n_objects; i++)
		same = is_object_same(&a->objects[i], &b->objects[i]);
	for (size_t i = 0; same && i < a->n_secrets; i++)
		same = is_equal(a->secrets[i].auths, b->secrets[i].auths);
	return same;
}

/* Whether the documents that are kept of pods and objects are. */
static bool is_kept_same(const struct kube_result *a, const struct kube_result *b)
{
	bool same = true;

	for (size_t i = 0; i < a->n && i < b->n; i++)
		same &= is_equal(a->v[i].kube_yaml, b->v[i].kube_yaml);
	for (size_t i = 0; i < a->n_objects && i < b->n_objects; i++)
		same &= is_equal(a->objects[i].yaml, b->objects[i].yaml);
	return same;
}

static bool is_told_same(const struct kube_result *a, const struct kube_result *b)
{
	bool same = a->diags.n == b->diags.n;

	for (size_t i = 0; same && i < a->diags.n; i++)
		same = is_equal(a->diags.v[i].path, b->diags.v[i].path) &&
		       is_equal(a->diags.v[i].text, b->diags.v[i].text);
	return same;
}

static enum proof judge(const struct subject *s, const struct rewrite *r, enum proof if_differs)
{
	cleanup_kube_result struct kube_result other = { 0 };
	cleanup_free char *text = rewrite_documents(s->set, r);

	read_text(s, text, &other);
	if (other.has_errors)
		return PROOF_REFUSED;
	if (!is_result_same(&s->base, &other))
		return if_differs;
	if (!is_told_same(&s->base, &other))
		return PROOF_TOLD;
	return is_kept_same(&s->base, &other) ? PROOF_MET : PROOF_KEPT;
}

/* ---- other values -----------------------------------------------------------------------------
 */

static const char *const other_texts[] = {
	"other",
	"/other",
	"10.9.9.9",
	"7",
	"2Gi",
	"250m",
	"b3RoZXI=",
	"metadata.uid",
	"limits.memory",
	"net.ipv4.tcp_syncookies",
	"other.example",
	"Other",
	"http",
	"ReadOnlyMany",
	"localhost/other",
	"1k",
	"SYS_TIME",
	"SIGUSR2",
	"Memory",
	"NotIn",
	"requests.cpu",
	"1",
	"200Mi",
};

/* Texts in flow style that the scalar could be instead. */
static void candidates(const struct schema_field *f, const struct node *n, struct strlist *ret)
{
	const char *text = n->kind == NODE_STRING || n->text ? n->text : "";

	if (f->type == FIELD_BOOL) {
		strlist_add(ret, n->scalar.boolean ? "false" : "true");
		return;
	}
	for (size_t i = 0; f->values && f->values[i]; i++)
		if (!is_equal(text, f->values[i]))
			strlist_take(ret, rewrite_quote(f->values[i]));
	if (f->values)
		return;
	if (n->kind == NODE_INT)
		for (int by = -1; by <= 1; by += 2)
			strlist_addf(ret, "%lld", (long long)n->scalar.integer + by);
	if (f->type == FIELD_INT32 || f->type == FIELD_INT64) {
		strlist_add(ret, "1");
		strlist_add(ret, "2");
		strlist_add(ret, "3000");
		return;
	}
	strlist_addf(ret, "\"%.200sx\"", text);
	strlist_addf(ret, "\"x%.200s\"", text);
	for (size_t i = 0; i < ARRAY_SIZE(other_texts); i++)
		strlist_addf(ret, "\"%s\"", other_texts[i]);
}

static enum proof best(enum proof a, enum proof b)
{
	return a > b ? a : b;
}

/* Changes one scalar, which is at `path`. */
static enum proof change_scalar(const struct subject *s, const struct schema_field *f,
				const struct node *n, const char *path)
{
	cleanup_strlist struct strlist texts = { 0 };
	enum proof ret = PROOF_MET, one;
	bool accepted = false;

	if (n->kind == NODE_LIST || n->kind == NODE_MAP)
		return ret;
	candidates(f, n, &texts);
	for (size_t i = 0; i < texts.n && ret < PROOF_CHANGES; i++) {
		struct rewrite r = { REWRITE_VALUE, path, texts.v[i], NULL };

		one = judge(s, &r, PROOF_CHANGES);
		accepted |= one != PROOF_REFUSED;
		ret = best(ret, one);
	}
	/* what other fields name must be changed with them */
	for (size_t i = 0; n->kind == NODE_STRING && !accepted && !f->values && i < texts.n &&
			   ret < PROOF_CHANGES;
	     i++) {
		struct rewrite r = { REWRITE_EVERYWHERE, path, texts.v[i], n->text };

		ret = best(ret, judge(s, &r, PROOF_CHANGES));
	}
	return ret;
}

static enum proof change_field(const struct subject *s, const struct field_place *at)
{
	const struct node *n = at->value;
	struct rewrite gone = { REWRITE_REMOVE, at->path, NULL, NULL };
	enum proof ret = PROOF_MET;
	struct diag_path path = { 0 };

	(void)path_field(&path, at->path);
	for (size_t i = 0; at->field->type != FIELD_OBJECT && ret < PROOF_CHANGES && i < n->n;
	     i++) {
		bool list = n->kind == NODE_LIST;
		size_t mark = list ? path_index(&path, i) : path_field(&path, n->entries[i].key);

		ret = best(ret, change_scalar(s, at->field,
					      list ? n->items[i] : n->entries[i].value, path.text));
		path_cut(&path, mark);
	}
	if (at->field->type != FIELD_OBJECT)
		ret = best(ret, change_scalar(s, at->field, n, at->path));
	if (ret < PROOF_PRESENCE)
		ret = best(ret, judge(s, &gone, PROOF_PRESENCE));
	if (ret < PROOF_PRESENCE && n->kind == NODE_LIST && n->n) {
		(void)path_index(&path, 0);
		gone.path = path.text;
		ret = best(ret, judge(s, &gone, PROOF_PRESENCE));
	}
	return ret;
}

/* ---- all manifests ----------------------------------------------------------------------------
 */

static void prove(void *arg, const struct field_place *at)
{
	const struct subject *s = arg;
	struct row *row = find_row(at->row);
	enum proof enough = at->field->type == FIELD_OBJECT ? PROOF_PRESENCE : PROOF_CHANGES;

	if (row && at->field->support == FIELD_HONOURED && row->proof < enough)
		row->proof = best(row->proof, change_field(s, at));
}

/* ---- fields that only are known ---------------------------------------------------------------
 */

/* A value that says something: the field's own, or of the first field below. The caller owns it. */
static char *loud_value(const struct schema_field *f)
{
	static const char *const ones[] = {
		[FIELD_STRING] = "loud",     [FIELD_INT32] = "7",
		[FIELD_INT64] = "7",	     [FIELD_QUANTITY] = "7",
		[FIELD_INT_OR_STRING] = "7", [FIELD_TIMESTAMP] = "'2026-01-01T00:00:00Z'",
		[FIELD_BYTES] = "aGk=",	     [FIELD_ANY] = "{a: b}",
	};
	cleanup_free char *inner = NULL;
	size_t i = 0;

	while (f->values && (is_empty(f->values[i]) || is_equal(f->values[i], f->harmless)))
		i++;
	if (f->type == FIELD_OBJECT) {
		cleanup_free char *value = loud_value(f->sub->fields);

		inner = xasprintf("{%s: %s}", f->sub->fields->name, value);
	} else if (f->type == FIELD_BOOL) {
		inner = xstrdup(is_equal(f->harmless, "true") ? "false" : "true");
	} else {
		inner = xstrdup(f->values ? f->values[i] : ones[f->type]);
	}
	if (f->shape == SHAPE_ONE)
		return steal_ptr(&inner);
	return xasprintf(f->shape == SHAPE_LIST ? "[%s]" : "{key: %s}", inner);
}

static bool is_told_of(const struct subject *s, const struct rewrite *r, const char *path)
{
	cleanup_kube_result struct kube_result other = { 0 };
	cleanup_free char *text = rewrite_documents(s->set, r);
	bool ret = false;

	read_text(s, text, &other);
	path = strchr(path, '.') + 1; /* the document's number */
	for (size_t i = 0; i < other.diags.n; i++)
		ret |= is_equal(other.diags.v[i].path, path) &&
		       strstr(other.diags.v[i].text, "no effect");
	return ret;
}

/* Adds a known field to a mapping, or gives it another value there. */
static void try_known(const struct subject *s, const struct node *holder, const char *at,
		      struct row *row)
{
	const struct schema_field *f = row->field;
	cleanup_free char *value = loud_value(f);
	cleanup_free char *entry = xasprintf("%s: %s", f->name, value);
	cleanup_free char *path = xasprintf("%s.%s", at, f->name);
	struct rewrite r = { REWRITE_ADD, at, entry, NULL };

	if (node_get(holder, f->name))
		r = (struct rewrite){ REWRITE_VALUE, path, value, NULL };
	row->proof = is_told_of(s, &r, path) ? PROOF_TOLD : PROOF_MET;
}

static void try_all_known(const struct subject *s, const struct schema_type *t,
			  const struct node *holder, const char *at, const char *row_at)
{
	for (const struct schema_field *f = t->fields; f->name; f++) {
		cleanup_free char *path = xasprintf("%s.%s", row_at, f->name);
		struct row *row = f->support == FIELD_KNOWN ? find_row(path) : NULL;

		if (row && row->proof < PROOF_TOLD)
			try_known(s, holder, at, row);
	}
}

static void prove_known(void *arg, const struct field_place *at)
{
	const struct schema_field *f = at->field;
	struct diag_path path = { 0 };

	if (f->support != FIELD_HONOURED || f->type != FIELD_OBJECT)
		return;
	if (f->shape == SHAPE_ONE)
		try_all_known(arg, f->sub, at->value, at->path, at->row);
	(void)path_field(&path, at->path);
	for (size_t i = 0; f->shape == SHAPE_LIST && i < at->value->n; i++) {
		cleanup_free char *row = xasprintf("%s[]", at->row);
		size_t mark = path_index(&path, i);

		try_all_known(arg, f->sub, at->value->items[i], path.text, row);
		path_cut(&path, mark);
	}
}

static void prove_all(struct subject *s)
{
	cleanup_free char *text = rewrite_documents(s->set, NULL);

	read_text(s, text, &s->base);
	if (!s->base.has_errors) {
		rewrite_visit(s->set, false, prove, s);
		rewrite_visit(s->set, false, prove_known, s);
	}
	kube_result_done(&s->base);
}

/* The containers of all pods become init containers, sidecars when asked for. */
static void move_containers(struct doc_set *set, bool sidecars)
{
	for (size_t i = 0; i < set->n; i++) {
		struct node *spec = node_get(set->v[i], "spec");
		struct node *list = spec ? node_get(spec, "containers") : NULL;
		struct node *only = node_new(&set->arena, NODE_LIST, (struct doc_place){ 0 });
		struct node *c = node_new(&set->arena, NODE_MAP, (struct doc_place){ 0 });

		if (!list || list->kind != NODE_LIST || node_get(spec, "initContainers"))
			continue;
		for (size_t k = 0; k < spec->n; k++)
			if (strcmp(spec->entries[k].key, "containers") == 0)
				spec->entries[k].key = "initContainers";
		for (size_t k = 0; sidecars && k < list->n; k++)
			if (!node_get(list->items[k], "restartPolicy"))
				(void)node_map_add(&set->arena, list->items[k], "restartPolicy",
						   node_new_text(&set->arena, "Always"));
		(void)node_map_add(&set->arena, c, "name", node_new_text(&set->arena, "only"));
		(void)node_map_add(&set->arena, c, "image", node_new_text(&set->arena, "only"));
		node_list_add(&set->arena, only, c);
		(void)node_map_add(&set->arena, spec, "containers", only);
	}
}

static char *read_case(const char *name)
{
	char *text = NULL;
	struct error err = { 0 };

	for (int i = 0; i < 2 && !text; i++) {
		cleanup_free char *path =
			xasprintf("%s/%s/input.%s", CASES, name, i ? "json" : "yaml");

		if (fs_read_file(AT_FDCWD, path, MAX_FILE, &text, NULL, &err) < 0)
			text = NULL;
	}
	return text;
}

static bool has_file(const char *name, const char *file)
{
	cleanup_free char *path = xasprintf("%s/%s/%s", CASES, name, file);

	return access(path, R_OK) == 0;
}

static void one_case(const char *name)
{
	cleanup_free char *text = read_case(name);
	cleanup_free char *maps = xasprintf("%s/%s/configmap.yaml", CASES, name);
	struct doc_place where;
	struct error err = { 0 };

	for (int how = 0; text && how < 3; how++) {
		cleanup_doc_set struct doc_set set = { 0 };
		struct subject s = { .name = name, .set = &set };

		if (document_parse(text, strlen(text), &set, &where, &err) < 0)
			return;
		if (has_file(name, "configmap.yaml"))
			strlist_add(&s.input.config_maps, maps);
		if (how)
			move_containers(&set, how == 2);
		prove_all(&s);
		strlist_done(&s.input.config_maps);
	}
}

/* A mapping counts when something in it does. */
static void raise_holders(void)
{
	for (size_t i = 0; i < n_rows; i++) {
		size_t len = strlen(rows[i].path);

		if (rows[i].field->type != FIELD_OBJECT)
			continue;
		for (size_t k = i + 1; k < n_rows && is_prefix(rows[k].path, rows[i].path); k++)
			if (rows[k].path[len] != '\0' && rows[k].field->support == FIELD_HONOURED &&
			    rows[k].proof >= PROOF_PRESENCE)
				rows[i].proof = PROOF_PRESENCE;
	}
}

static int begin(void)
{
	DIR *d = opendir(CASES);
	const struct dirent *e;

	for (const struct schema_kind *k = schema_kinds; k->kind; k++)
		if (k->support == KIND_PLAYED)
			add_rows(k->type, k->kind);
	while (d && (e = readdir(d)))
		if (e->d_name[0] != '.' && !has_file(e->d_name, "error"))
			one_case(e->d_name);
	if (d)
		(void)closedir(d);
	raise_holders();
	return n_rows ? 0 : 1;
}

static int end(void)
{
	for (size_t i = 0; i < n_rows; i++)
		free(rows[i].path);
	free(rows);
	return 0;
}

/* ---- verdicts --------------------------------------------------------------------------------- */

static bool is_proved(const struct row *r)
{
	return r->proof == PROOF_CHANGES ||
	       (r->proof == PROOF_PRESENCE && r->field->type == FIELD_OBJECT);
}

/* Why no change of it shows, or NULL. */
static const char *excuse(const struct row *r)
{
	for (size_t i = 0; i < ARRAY_SIZE(excused); i++) {
		if (fnmatch(excused[i].rows, r->path, 0) != 0 ||
		    (excused[i].proof >= 0 && excused[i].proof != (int)r->proof))
			continue;
		excuse_used[i] = true;
		return excused[i].why;
	}
	return NULL;
}

static void test_honoured_fields_count(void)
{
	static const char *const words[] = {
		"no case sets it", "changes nothing", "kept", "refused", "told",
		"presence",	   "changes"
	};

	for (size_t i = 0; i < n_rows; i++) {
		const struct row *r = &rows[i];

		if (r->field->support != FIELD_HONOURED || is_proved(r) || excuse(r))
			continue;
		printf("%s: %s\n", r->path, words[r->proof]);
		CU_FAIL("a field that nothing depends on");
	}
	for (size_t i = 0; i < ARRAY_SIZE(excused); i++) {
		if (!excuse_used[i])
			printf("needs no excuse: %s\n", excused[i].rows);
		CU_ASSERT_TRUE(excuse_used[i]);
	}
}

static bool is_moot(const struct schema_field *f)
{
	return f->harmless && strcmp(f->harmless, "*") == 0;
}

static void test_known_fields_are_told(void)
{
	for (size_t i = 0; i < n_rows; i++) {
		const struct row *r = &rows[i];

		if (r->field->support != FIELD_KNOWN ||
		    (r->proof == PROOF_TOLD) != is_moot(r->field))
			continue;
		printf("%s: %s\n", r->path,
		       r->proof == PROOF_NONE ? "no case has its holder" : "no warning, or moot");
		CU_FAIL("a field that is ignored in silence");
	}
}

/* ---- templates --------------------------------------------------------------------------------
 */

/* The one pod of a text, without what tells whose it is; false when it is not played so. */
static bool load_one(const char *head, const char *spec, const char *tail, struct pod_plan *ret)
{
	cleanup_kube_result struct kube_result r = { 0 };
	cleanup_free char *text = xasprintf("%s%s%s\n", head, spec, tail);
	struct kube_input input = { 0 };
	struct pod_plan *from;

	kube_load_text(&input, "input.yaml", text, strlen(text), &r);
	if (r.has_errors || kube_plan_count(&r) != 1)
		return false;
	from = kube_plan_at(&r, 0);
	*ret = *from;
	memset(from, 0, sizeof(*from));
	free(steal_ptr(&ret->pod.controller));
	free(steal_ptr(&ret->pod.name));
	pairlist_done(&ret->pod.labels);
	for (size_t i = 0; i < ret->n_containers; i++)
		free(steal_ptr(&ret->containers[i].full_name));
	return true;
}

#define WORKLOAD(version, kind)                                                           \
	"{apiVersion: " version ", kind: " kind ", metadata: {name: w}, spec: {" SELECTOR \
	"template: {metadata: {labels: {a: b}}, spec: "
#define SELECTOR "selector: {matchLabels: {a: b}}, "

static size_t compare_template(const char *name, const struct node *spec)
{
	static const char *const heads[] = {
		WORKLOAD("apps/v1", "Deployment"),
		WORKLOAD("apps/v1", "ReplicaSet"),
		WORKLOAD("apps/v1", "DaemonSet"),
		"{apiVersion: batch/v1, kind: Job, metadata: {name: w}, spec: "
		"{template: {metadata: {labels: {a: b}}, spec: ",
	};
	struct doc_set only = { .v = (struct node *[]){ (struct node *)spec }, .n = 1 };
	cleanup_free char *text = rewrite_document(&only, 0, NULL);
	struct pod_plan pod, other;
	size_t ret = 0;

	if (!load_one("{apiVersion: v1, kind: Pod, metadata: {name: w-pod}, spec: ", text, "}",
		      &pod))
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(heads); i++) {
		if (!load_one(heads[i], text, "}}}", &other))
			continue;
		if (!is_plan_same(&pod, &other))
			printf("%s: %s...\n", name, heads[i]);
		CU_ASSERT_TRUE(is_plan_same(&pod, &other));
		pod_plan_done(&other);
		ret++;
	}
	pod_plan_done(&pod);
	return ret;
}

/* A template makes what a Pod of the same spec makes: the rows below are not walked again. */
static void test_templates_are_pods(void)
{
	DIR *d = opendir(CASES);
	const struct dirent *e;
	size_t n = 0;

	while (d && (e = readdir(d))) {
		cleanup_free char *text = e->d_name[0] == '.' ? NULL : read_case(e->d_name);
		cleanup_doc_set struct doc_set set = { 0 };
		struct doc_place where;
		struct error err = { 0 };

		if (!text || has_file(e->d_name, "error") ||
		    document_parse(text, strlen(text), &set, &where, &err) < 0)
			continue;
		for (size_t i = 0; i < set.n; i++) {
			const struct node *kind = node_get(set.v[i], "kind");

			if (kind && strcmp(kind->text, "Pod") == 0)
				n += compare_template(e->d_name, node_get(set.v[i], "spec"));
		}
	}
	if (d)
		(void)closedir(d);
	CU_ASSERT(n > 100);
}

/* ---- the table --------------------------------------------------------------------------------
 */

static const char *word_of(const struct row *r)
{
	if (r->field->support == FIELD_SERVER)
		return "server";
	if (r->field->support == FIELD_KNOWN)
		return is_moot(r->field) ? "moot" : "warned";
	if (!is_proved(r))
		return "checked";
	return r->proof == PROOF_CHANGES ? "changes" : "presence";
}

static char *field_table(void)
{
	struct buf out = BUF_INIT(MAX_FILE);

	for (size_t i = 0; i < n_rows; i++) {
		const struct schema_field *f = rows[i].field;
		const char *why = f->support == FIELD_HONOURED && !is_proved(&rows[i])
					  ? excuse(&rows[i])
					  : f->reason;

		buf_printf(&out, "%s\t%s\t%s\n", rows[i].path, word_of(&rows[i]), why ? why : "");
	}
	return buf_steal(&out);
}

static void test_table(void)
{
	cleanup_free char *have = field_table(), *want = NULL;
	struct error err = { 0 };

	if (getenv("PODIUM_GOLDEN"))
		CU_ASSERT_EQUAL(fs_write_atomic(AT_FDCWD, TABLE_FILE, have, strlen(have), 0644,
						FS_NOSYNC, &err),
				0);
	CU_ASSERT_EQUAL_FATAL(fs_read_file(AT_FDCWD, TABLE_FILE, MAX_FILE, &want, NULL, &err), 0);
	CU_ASSERT_STRING_EQUAL(have, want);
}

static CU_TestInfo tests[] = {
	{ "every honoured field counts", test_honoured_fields_count },
	{ "every known field is warned about", test_known_fields_are_told },
	{ "a template makes what a Pod makes", test_templates_are_pods },
	{ "the table of all fields", test_table },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "fieldtable", begin, end, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
