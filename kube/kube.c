/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kube - Kubernetes YAML in and out.
 *
 * Theory of operation, for each file: read (at most DOC_MAX_BYTES), text to trees, lists unpacked;
 * each document goes to the reader of its kind (kube/kinds.c). Nothing stops at an error: the list of
 * findings is complete, and only at the end plans are thrown away if there was one, so that nobody
 * plays half a file. Files of --configmap are read first; they hold ConfigMaps alone.
 *
 * Documents of kinds that are not played are named and skipped (an error under strict); input that
 * has nothing to play is an error, because then nothing at all would happen.
 *
 * Files are read through one descriptor each and never looked at again; stdin likewise.
 */
#include "kube/kube.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kube/document.h"
#include "kube/kinds.h"
#include "kube/secret.h"

#define READ_CHUNK ((size_t)64 * 1024)

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
	if (!version || !kind)
		return;
	if (strcmp(kind, "List") != 0 || strcmp(version, "v1") != 0)
		load_kind(l, &sink, root, version, kind);
	else if (is_empty(prefix))
		load_list(l, &sink, root);
	else
		diag_error(&sink, "kind", "a List cannot hold a List");
}

/* ---- files ------------------------------------------------------------------------------------
 */

static const char *name_of(const struct node *root)
{
	const char *name = text_of(node_get(root, "metadata"), "name");

	return name ? name : "";
}

/* What `generate >> file` twice makes: the very document stands before it, and says all there is.
 * names[0..i] are those of the documents. */
static bool is_said_already(const struct doc_set *set, const char *const *names, size_t i)
{
	for (size_t k = 0; k < i && *names[i]; k++)
		if (strcmp(names[i], names[k]) == 0 && node_is_equal(set->v[k], set->v[i]))
			return true;
	return false;
}

static void load_text(struct load *l, const char *text, size_t len)
{
	size_t first = l->result->diags.n;
	cleanup_doc_set struct doc_set set = { 0 };
	struct diag_sink sink = { .list = &l->result->diags, .file = l->file };
	cleanup_free const char **names = NULL;
	struct error err = { 0 };
	struct doc_place where;
	int r;

	if (l->input->wants_digest && !l->from_option) {
		buf_adds(&l->joined, l->joined.len ? "---\n" : "");
		buf_add(&l->joined, text, len);
	}
	r = document_parse(text, len, &set, &where, &err);

	l->arena = &set.arena;
	names = xcalloc(set.n + 1, sizeof(*names));
	for (size_t i = 0; i < set.n; i++) {
		names[i] = name_of(set.v[i]);
		if (!is_said_already(&set, names, i))
			load_document(l, set.v[i], "");
	}
	if (r < 0)
		diag_add(&sink, KUBE_ERROR, where, "", "%s", err.text);
	kube_diags_sort(&l->result->diags, first);
	l->arena = NULL;
}

static int load_file(struct load *l, const char *path, struct error *err)
{
	cleanup_buf struct buf text = BUF_INIT(DOC_MAX_BYTES + 1);
	const char *fetched = pairlist_get(&l->input->fetched, path);
	bool is_stdin = strcmp(path, "-") == 0;
	int r;

	if (fetched) {
		l->path = NULL;
		l->file = path;
		load_text(l, fetched, strlen(fetched));
		return 0;
	}
	r = read_file(path, &text, err);
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

static void drop_objects(struct kube_result *result)
{
	for (size_t i = 0; i < result->n_objects; i++)
		kube_object_done(&result->objects[i]);
	free(result->objects);
	result->objects = NULL;
	result->n_objects = 0;
}

static void finish(struct load *l)
{
	struct kube_result *r = l->result;

	binding_solve(l);
	check_wanted(l);
	if (l->input->files.n <= 1)
		kube_diags_sort(&r->diags, 0);
	if (!l->documents && !r->diags.errors) {
		struct diag_sink sink = { .list = &r->diags, .file = l->file ? l->file : "input" };

		diag_error(&sink, "", "there is nothing to play");
	}
	sort_objects(r);
	if (l->input->wants_digest)
		hash_sha256(l->joined.data ? l->joined.data : "", l->joined.len, r->digest);
	r->has_errors = r->diags.errors > 0;
	if (r->has_errors)
		drop_plans(r);
}

/* The files of --configmap, before all others. */
static int load_options(struct load *l, struct error *err)
{
	int r = 0;

	l->from_option = true;
	for (size_t i = 0; i < l->input->config_maps.n && r == 0; i++)
		r = load_file(l, l->input->config_maps.v[i], err);
	l->from_option = false;
	l->documents = 0; /* they alone are nothing to play */
	return r;
}

static void load_done(struct load *l)
{
	forget_wanted(l);
	binding_done(&l->binding);
	buf_done(&l->joined);
	strlist_done(&l->names);
}

int kube_load(const struct kube_input *input, struct kube_result *ret, struct error *err)
{
	struct load l = { .input = input, .result = ret, .joined = BUF_INIT(SIZE_MAX / 2) };
	bool stdin_seen = strlist_has(&input->config_maps, "-");
	int r;

	memset(ret, 0, sizeof(*ret));
	r = load_options(&l, err);
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
	load_done(&l);
	return r;
}

void kube_load_text(const struct kube_input *input, const char *name, const char *text, size_t len,
		    struct kube_result *ret)
{
	struct load l = {
		.input = input, .result = ret, .file = name, .joined = BUF_INIT(SIZE_MAX / 2)
	};
	struct diag_sink sink = { .list = &ret->diags, .file = "--configmap" };
	struct error err = { 0 };

	memset(ret, 0, sizeof(*ret));
	if (load_options(&l, &err) < 0)
		diag_error(&sink, "", "%s", err.text);
	l.file = name;
	l.path = NULL;
	load_text(&l, text, len);
	finish(&l);
	load_done(&l);
}

size_t kube_plan_count(const struct kube_result *result)
{
	size_t n = result->n;

	for (size_t i = 0; i < result->n_objects; i++)
		n += result->objects[i].template != NULL;
	return n;
}

struct pod_plan *kube_plan_at(const struct kube_result *result, size_t i)
{
	size_t at = result->n;

	if (i < at)
		return &result->v[i];
	for (size_t k = 0; k < result->n_objects; k++)
		if (result->objects[k].template && at++ == i)
			return result->objects[k].template;
	return NULL;
}

const char *kube_plan_word(const struct pod_spec *pod)
{
	return pod->name ? pod->name : pod->controller ? pod->controller : "";
}

void kube_result_done(struct kube_result *result)
{
	drop_plans(result);
	drop_objects(result);
	for (size_t i = 0; i < result->n_secrets; i++)
		secret_done(&result->secrets[i]);
	free(result->secrets);
	result->secrets = NULL;
	result->n_secrets = 0;
	strlist_done(&result->pod_names);
	kube_diags_done(&result->diags);
}
