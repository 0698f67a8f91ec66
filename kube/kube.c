/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kube - Kubernetes YAML in and out.
 *
 * Theory of operation, for each file: read (at most DOC_MAX_BYTES), text to trees, lists unpacked;
 * for each document: its kind, then decode -> defaults -> validate -> translate, and the canonical
 * text of the document is made beside the plan. Nothing stops at an error: the list of findings is
 * complete, and only at the end plans are thrown away if there was one, so that nobody plays half a
 * file.
 *
 * Order matters in one place: a relative hostPath is made absolute in the typed pod and in the
 * tree, after validation (which warns about it, with the path as written) and before both are used;
 * so the stored document plays the same from any folder.
 *
 * Documents of kinds that are not played are named and skipped (an error under strict); input that
 * has no Pod at all is an error, because then nothing at all would happen.
 *
 * Files are read through one descriptor each and never looked at again; stdin likewise.
 */
#include "kube/kube.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "kube/decode.h"
#include "kube/defaults.h"
#include "kube/document.h"
#include "kube/encode.h"
#include "kube/names.h"
#include "kube/secret.h"
#include "kube/translate.h"
#include "kube/validate.h"
#include "schemas/models.h"

#define READ_CHUNK ((size_t)64 * 1024)

struct load {
	const struct kube_input *input;
	struct kube_result *result;
	const char *file;    /* for messages */
	const char *path;    /* as given; NULL for stdin */
	struct arena *arena; /* of the file's trees */
	size_t pods;	     /* seen, errors or not */
	struct wanted_secret *wanted;
	size_t n_wanted;
};

/* An imagePullSecrets entry: its Secret may come later in the files. */
struct wanted_secret {
	char *file;
	char *path;
	char *name;
	struct doc_place place;
};

/* ---- reading ----------------------------------------------------------------------------------
 */

static int read_all(int fd, struct buf *out, const char *name, struct error *err)
{
	cleanup_free char *chunk = xmalloc(READ_CHUNK);
	ssize_t n;

	do {
		n = read(fd, chunk, READ_CHUNK);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_errno(err, "read '%s'", name);
		buf_add(out, chunk, (size_t)n);
		if (out->overflow)
			return error_set(err, EFBIG, "read '%s': larger than 4 MiB", name);
	} while (n != 0);
	return 0;
}

static int read_file(const char *path, struct buf *out, struct error *err)
{
	cleanup_close int fd = -EBADF;

	if (strcmp(path, "-") == 0)
		return read_all(STDIN_FILENO, out, "stdin", err);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return error_errno(err, "open '%s'", path);
	return read_all(fd, out, path, err);
}

/* ---- relative host paths ----------------------------------------------------------------------
 */

/* The folder of the manifest, absolute; stdin: the current one. */
static char *manifest_folder(const char *path)
{
	const char *slash = path ? strrchr(path, '/') : NULL;
	cleanup_free char *cwd = getcwd(NULL, 0);
	cleanup_free char *folder = slash ? xstrndup(path, (size_t)(slash - path)) : xstrdup("");

	if (path && path[0] == '/')
		return steal_ptr(&folder);
	return xasprintf("%s%s%s", cwd ? cwd : "", *folder ? "/" : "", folder);
}

/* Joins, dropping "." and empty components; a ".." of the folder's own stays. */
static char *join_clean(const char *folder, const char *path)
{
	cleanup_free char *whole = xasprintf("%s/%s", folder, path);
	struct buf out = BUF_INIT((size_t)64 * 1024);
	const char *s = whole;

	while (*s) {
		size_t len;

		s += strspn(s, "/");
		len = strcspn(s, "/");
		if (len && !(len == 1 && s[0] == '.')) {
			buf_addc(&out, '/');
			buf_add(&out, s, len);
		}
		s += len;
	}
	return buf_steal(&out);
}

static void set_tree_path(struct load *l, struct node *volume, const char *path)
{
	struct node *source = node_get(volume, "hostPath");

	for (size_t i = 0; source && source->kind == NODE_MAP && i < source->n; i++) {
		if (strcmp(source->entries[i].key, "path") == 0)
			source->entries[i].value = node_new_text(l->arena, path);
	}
}

static void absolute_host_paths(struct load *l, struct k8s_pod_spec *spec, const struct node *root)
{
	const struct node *list = node_get(node_get(root, "spec"), "volumes");

	for (size_t i = 0; list && i < spec->volumes.n && i < list->n; i++) {
		struct k8s_host_path *h = spec->volumes.v[i].host_path;
		cleanup_free char *folder = NULL;
		char *joined;

		if (!h || is_empty(h->path) || h->path[0] == '/')
			continue;
		folder = manifest_folder(l->path);
		joined = join_clean(folder, h->path);
		free(h->path);
		h->path = joined;
		set_tree_path(l, list->items[i], joined);
	}
}

/* ---- one pod ----------------------------------------------------------------------------------
 */

static void add_plan(struct load *l, const struct diag_sink *sink, struct k8s_pod *pod,
		     struct node *root)
{
	struct kube_result *result = l->result;
	struct error err = { 0 };
	struct pod_plan *plan;

	absolute_host_paths(l, pod->spec, root);
	result->v = xreallocarray(result->v, result->n + 1, sizeof(*result->v));
	plan = &result->v[result->n++];
	translate_pod(pod, root, l->input->plain_names, plan);
	plan->pod.source = xstrdup_or_null(l->path);
	if (encode_document(&schema_pod, root, &plan->kube_yaml, &err) < 0)
		diag_error(sink, "", "%s", err.text);
}

static void note_name(struct load *l, const struct diag_sink *sink, const struct k8s_pod *pod)
{
	const char *name = pod->meta ? pod->meta->name : NULL;

	if (is_empty(name) || name_bad_subdomain(name))
		return;
	if (strlist_has(&l->result->pod_names, name))
		diag_error(sink, "metadata.name",
			   "a pod '%.253s' was read before: names must differ", name);
	else
		strlist_add(&l->result->pod_names, name);
}

static void note_secrets(struct load *l, const struct diag_sink *sink, const struct node *root,
			 const struct k8s_pod_spec *spec)
{
	for (size_t i = 0; spec && i < spec->pull_secrets.n; i++) {
		struct wanted_secret *w;
		char path[64];

		if (is_empty(spec->pull_secrets.v[i].name))
			continue;
		l->wanted = xreallocarray(l->wanted, l->n_wanted + 1, sizeof(*l->wanted));
		w = &l->wanted[l->n_wanted++];
		(void)snprintf(path, sizeof(path), "spec.imagePullSecrets[%zu].name", i);
		w->file = xstrdup(l->file);
		w->path =
			xasprintf("%s%s%s", sink->prefix, is_empty(sink->prefix) ? "" : ".", path);
		w->name = xstrdup(spec->pull_secrets.v[i].name);
		w->place = node_at(root, path)->place;
	}
}

static void load_pod(struct load *l, const struct diag_sink *sink, struct node *root)
{
	size_t errors = l->result->diags.errors;
	struct k8s_pod pod = { 0 };

	l->pods++;
	decode_object(sink, &schema_pod, root, &pod);
	defaults_apply(&pod);
	validate_pod(sink, &pod, l->input->for_play);
	note_name(l, sink, &pod);
	note_secrets(l, sink, root, pod.spec);
	if (l->result->diags.errors == errors)
		add_plan(l, sink, &pod, root);
	decode_done(&schema_pod, &pod);
}

/* ---- one secret -------------------------------------------------------------------------------
 */

static const struct kube_secret *find_secret(const struct kube_result *r, const char *name)
{
	for (size_t i = 0; i < r->n_secrets; i++)
		if (is_equal(r->secrets[i].name, name))
			return &r->secrets[i];
	return NULL;
}

static void load_secret(struct load *l, const struct diag_sink *sink, const struct node *root)
{
	struct kube_result *result = l->result;
	struct kube_secret s;

	if (!is_secret_read(root)) {
		diag_unsupported(sink, "kind", "skipped: kind 'Secret' is not played yet");
		return;
	}
	if (secret_load(sink, root, &s) < 0) {
		secret_done(&s);
		return;
	}
	if (find_secret(result, s.name))
		diag_error(sink, "metadata.name",
			   "a Secret '%.253s' was read before: names must differ", s.name);
	result->secrets =
		xreallocarray(result->secrets, result->n_secrets + 1, sizeof(*result->secrets));
	result->secrets[result->n_secrets++] = s;
}

/* The kubelet goes on without a Secret that it does not find; so do we, and say so. */
static void check_wanted(struct load *l)
{
	for (size_t i = 0; i < l->n_wanted; i++) {
		struct wanted_secret *w = &l->wanted[i];
		struct diag_sink sink = { .list = &l->result->diags, .file = w->file };

		if (!find_secret(l->result, w->name))
			diag_add(&sink, l->input->strict ? KUBE_ERROR : KUBE_WARNING, w->place,
				 w->path,
				 "has no effect: there is no Secret '%.253s' with credentials of "
				 "registries in the files",
				 w->name);
	}
	if (l->n_wanted && l->input->files.n <= 1)
		kube_diags_sort(&l->result->diags, 0);
}

static void forget_wanted(struct load *l)
{
	for (size_t i = 0; i < l->n_wanted; i++) {
		free(l->wanted[i].file);
		free(l->wanted[i].path);
		free(l->wanted[i].name);
	}
	free(l->wanted);
}

/* ---- one document -----------------------------------------------------------------------------
 */

static void load_document(struct load *l, struct node *root, const char *prefix);

static void load_list(struct load *l, const struct diag_sink *sink, struct node *root)
{
	struct node *items = node_get(root, "items");
	char prefix[32];

	if (!items || items->kind != NODE_LIST) {
		diag_error(sink, "items", "expected a list");
		return;
	}
	for (size_t i = 0; i < items->n; i++) {
		(void)snprintf(prefix, sizeof(prefix), "items[%zu]", i);
		load_document(l, items->items[i], prefix);
	}
}

static void unknown_kind(const struct diag_sink *sink, const char *version, const char *kind)
{
	const struct schema_kind *other = schema_kind_find(NULL, kind);
	const char *names[64], *near;
	size_t n = 0;

	if (other && (other->support == KIND_PLAYED || other->support == KIND_READ)) {
		diag_error(sink, "apiVersion", "'%.100s' is not the version of %s: '%s' is",
			   version, other->kind, other->api_version);
		return;
	}
	for (const struct schema_kind *k = schema_kinds; k->kind && n < ARRAY_SIZE(names); k++)
		names[n++] = k->kind;
	near = other ? NULL : nearest_name(kind, names, n);
	diag_unsupported(sink, "kind", "skipped: kind '%.100s' of '%.100s' is not known%s%s%s",
			 kind, version, near ? ": did you mean '" : "", near ? near : "",
			 near ? "'?" : "");
}

static void load_kind(struct load *l, const struct diag_sink *sink, struct node *root,
		      const char *version, const char *kind)
{
	const struct schema_kind *k = schema_kind_find(version, kind);

	switch (k ? k->support : KIND_UNKNOWN) {
	case KIND_PLAYED:
		load_pod(l, sink, root);
		break;
	case KIND_READ:
		load_secret(l, sink, root);
		break;
	case KIND_LIST:
		if (is_empty(sink->prefix))
			load_list(l, sink, root);
		else
			diag_error(sink, "kind", "a List cannot hold a List");
		break;
	case KIND_LATER:
		diag_unsupported(sink, "kind", "skipped: kind '%s' is not played yet", kind);
		break;
	case KIND_CLUSTER:
		diag_unsupported(sink, "kind", "skipped: kind '%s' has no meaning on one host",
				 kind);
		break;
	case KIND_UNKNOWN:
		unknown_kind(sink, version, kind);
		break;
	}
}

static const char *text_of(const struct node *root, const char *key)
{
	const struct node *n = node_get(root, key);

	return n && n->kind == NODE_STRING && n->len ? n->text : NULL;
}

static void load_document(struct load *l, struct node *root, const char *prefix)
{
	struct diag_sink sink = { .list = &l->result->diags,
				  .file = l->file,
				  .prefix = prefix,
				  .root = root,
				  .strict = l->input->strict };
	const char *version = text_of(root, "apiVersion"), *kind = text_of(root, "kind");

	if (root->kind == NODE_NULL)
		return;
	if (root->kind != NODE_MAP) {
		diag_error(&sink, "", "expected a mapping with apiVersion and kind, found %s",
			   node_kind_str(root));
		return;
	}
	if (!version)
		diag_error(&sink, "apiVersion", "is required");
	if (!kind)
		diag_error(&sink, "kind", "is required");
	if (version && kind)
		load_kind(l, &sink, root, version, kind);
}

/* ---- files ------------------------------------------------------------------------------------
 */

static void load_text(struct load *l, const char *text, size_t len)
{
	size_t first = l->result->diags.n;
	cleanup_doc_set struct doc_set set = { 0 };
	struct diag_sink sink = { .list = &l->result->diags, .file = l->file };
	struct error err = { 0 };
	struct doc_place where;
	int r = document_parse(text, len, &set, &where, &err);

	l->arena = &set.arena;
	for (size_t i = 0; i < set.n; i++)
		load_document(l, set.v[i], "");
	if (r < 0)
		diag_add(&sink, KUBE_ERROR, where, "", "%s", err.text);
	kube_diags_sort(&l->result->diags, first);
	l->arena = NULL;
}

static int load_file(struct load *l, const char *path, struct error *err)
{
	cleanup_buf struct buf text = BUF_INIT(DOC_MAX_BYTES + 1);
	bool is_stdin = strcmp(path, "-") == 0;
	int r = read_file(path, &text, err);

	if (r < 0)
		return r;
	l->path = is_stdin ? NULL : path;
	l->file = is_stdin ? "stdin" : path;
	load_text(l, text.data ? text.data : "", text.len);
	return 0;
}

static void drop_plans(struct kube_result *result)
{
	for (size_t i = 0; i < result->n; i++)
		pod_plan_done(&result->v[i]);
	free(result->v);
	result->v = NULL;
	result->n = 0;
}

static void finish(struct load *l)
{
	struct kube_result *r = l->result;

	check_wanted(l);
	if (!l->pods && !r->diags.errors) {
		struct diag_sink sink = { .list = &r->diags, .file = l->file ? l->file : "input" };

		diag_error(&sink, "", "there is no Pod to play");
	}
	r->has_errors = r->diags.errors > 0;
	if (r->has_errors)
		drop_plans(r);
}

int kube_load(const struct kube_input *input, struct kube_result *ret, struct error *err)
{
	struct load l = { .input = input, .result = ret };
	bool stdin_seen = false;
	int r = 0;

	memset(ret, 0, sizeof(*ret));
	for (size_t i = 0; i < input->files.n && r == 0; i++) {
		bool is_stdin = strcmp(input->files.v[i], "-") == 0;

		if (is_stdin && stdin_seen)
			r = error_set(err, EINVAL, "'-' (stdin) can be read only once");
		else
			r = load_file(&l, input->files.v[i], err);
		stdin_seen |= is_stdin;
	}
	if (r == 0)
		finish(&l);
	forget_wanted(&l);
	return r;
}

void kube_load_text(const struct kube_input *input, const char *name, const char *text, size_t len,
		    struct kube_result *ret)
{
	struct load l = { .input = input, .result = ret, .file = name };

	memset(ret, 0, sizeof(*ret));
	load_text(&l, text, len);
	finish(&l);
	forget_wanted(&l);
}

void kube_result_done(struct kube_result *result)
{
	drop_plans(result);
	for (size_t i = 0; i < result->n_secrets; i++)
		secret_done(&result->secrets[i]);
	free(result->secrets);
	result->secrets = NULL;
	result->n_secrets = 0;
	strlist_done(&result->pod_names);
	kube_diags_done(&result->diags);
}

/* ---- generate ---------------------------------------------------------------------------------
 */

/* Reads a document of ours and writes it. */
static int rewrite(const char *text, char **ret, struct error *err)
{
	cleanup_doc_set struct doc_set set = { 0 };
	struct doc_place where;
	int r = document_parse(text, strlen(text), &set, &where, err);

	if (r < 0)
		return error_wrap(err, "the pod's document, line %d", where.line);
	if (set.n != 1 || set.v[0]->kind != NODE_MAP)
		return error_set(err, EBADMSG, "the pod's document is not one pod");
	return encode_document(&schema_pod, set.v[0], ret, err);
}

/* Hands out only what reads back as itself: a string that breaks out of its scalar would not. */
static int give_checked(char **text, char **ret, struct error *err)
{
	cleanup_free char *again = NULL;
	int r = rewrite(*text, &again, err);

	if (r < 0)
		return r;
	if (!again || strcmp(again, *text) != 0)
		return error_set(err, EBADMSG, "the pod's document does not read back as written");
	*ret = steal_ptr(text);
	return 0;
}

int kube_generate_document(const char *kube_yaml, char **ret, struct error *err)
{
	cleanup_free char *text = NULL;
	int r = rewrite(kube_yaml, &text, err);

	return r < 0 ? r : give_checked(&text, ret, err);
}

int kube_generate_from_plan(const struct pod_plan *plan, char **ret, struct error *err)
{
	cleanup_free char *text = NULL;
	struct arena arena = { 0 };
	struct k8s_pod pod;
	int r;

	translate_plan(plan, &pod);
	if (pod.spec->containers.n)
		r = encode_document(&schema_pod, encode_object(&arena, &schema_pod, &pod), &text,
				    err);
	else
		r = error_set(err, EINVAL, "pod '%s' only has an infra container", plan->pod.name);
	decode_done(&schema_pod, &pod);
	arena_done(&arena);
	return r < 0 ? r : give_checked(&text, ret, err);
}
