/* SPDX-License-Identifier: Apache-2.0 */
/*
 * validate_volume - volumes and their sources.
 *
 * Theory of operation: a volume has at most one source; none at all is an emptyDir. A source that
 * Kubernetes knows and this host has not (nfs, csi, a projected serviceAccountToken, ...) is not in
 * the typed object, so it is looked up in the tree.
 *
 * The files of one volume are made by name in one folder, so that two must not have one path, nor
 * one be the folder of another: paths are collected, cleaned, sorted so that a folder comes right
 * before what it holds, and neighbours compared. A cluster lets the last one win outside projected
 * volumes; a manifest that depends on it is more likely a mistake. Paths are relative, never step
 * back and do not begin with "..", where the swap of contents keeps its own names (security: a key
 * or path never leaves the volume).
 *
 * A hostPath never steps back; a relative one is taken from the manifest's folder and warned about.
 * Whether anything exists on the disk is not asked here.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "kube/document.h"
#include "kube/names.h"
#include "engine/base/quantity.h"
#include "kube/validate.h"
#include "schemas/models.h"
#include "schemas/types_claim.h"

#define MAX_VOLUMES  1000
#define MAX_CLAIM    253
#define MAX_MODE     0777
#define MAX_PATH     4095 /* of a file in a volume, as the kernel has it */
#define HUGE_PAGES   "HugePages"
#define HUGE_AMOUNTS "hugepages-"

/* A file that a volume will hold, and where the manifest says so. */
struct volume_file {
	char *path; /* cleaned */
	char *where;
};
struct volume_files {
	struct volume_file *v;
	size_t n;
};

/* The source among those of a projected volume that cannot be had here, or NULL. */
static const char *foreign_projection(const struct node *projected)
{
	const struct node *list = node_get(projected, "sources");

	for (size_t i = 0; list && list->kind == NODE_LIST && i < list->n; i++) {
		const struct node *source = list->items[i];

		for (size_t k = 0; source->kind == NODE_MAP && k < source->n; k++) {
			const struct schema_field *f =
				schema_find(&schema_volume_projection, source->entries[k].key);

			if (f && f->support == FIELD_KNOWN &&
			    source->entries[k].value->kind != NODE_NULL)
				return f->name;
		}
	}
	return NULL;
}

const char *volume_foreign_source(const struct node *node)
{
	if (!node || node->kind != NODE_MAP)
		return NULL;
	for (size_t i = 0; i < node->n; i++) {
		const struct schema_field *f = schema_find(&schema_volume, node->entries[i].key);

		if (f && f->type == FIELD_OBJECT && f->support == FIELD_KNOWN &&
		    node->entries[i].value->kind != NODE_NULL)
			return f->name;
	}
	return foreign_projection(node_get(node, "projected"));
}

static size_t count_sources(const struct schema_type *type, const struct node *node)
{
	size_t n = 0;

	for (size_t i = 0; node->kind == NODE_MAP && i < node->n; i++) {
		const struct schema_field *f = schema_find(type, node->entries[i].key);

		n += f && f->type == FIELD_OBJECT && node->entries[i].value->kind != NODE_NULL;
	}
	return n;
}

static void check_host_path(struct check *c, const struct k8s_host_path *h)
{
	size_t mark = path_field(&c->path, "hostPath");

	if (!is_empty(h->path) && name_has_backstep(h->path))
		check_name(c, "path", h->path, "must not contain '..'");
	else if (!is_empty(h->path) && h->path[0] != '/')
		check_unsupported(
			c, "path",
			"'%.200s' is relative: taken from the manifest's folder here, refused "
			"by a cluster",
			h->path);
	path_cut(&c->path, mark);
}

/* ---- emptyDir ---------------------------------------------------------------------------------
 */

struct huge_count {
	const char *want; /* only this size counts; or NULL */
	const char *last;
	size_t n; /* changes of size: 2 are several */
};

static void count_huge_limits(const struct k8s_resources *r, struct huge_count *h)
{
	for (size_t i = 0; r && i < r->limits.n; i++) {
		const char *size = r->limits.v[i].key;

		if (!is_prefix(size, HUGE_AMOUNTS))
			continue;
		size += strlen(HUGE_AMOUNTS);
		if (is_equal(size, h->last) || (h->want && !is_equal(size, h->want)))
			continue;
		h->last = size;
		h->n++;
	}
}

/* The sizes of huge pages that the pod or its containers have a limit of. */
static struct huge_count count_huge_sizes(const struct k8s_pod_spec *spec, const char *want)
{
	struct huge_count h = { .want = want };

	count_huge_limits(spec->resources, &h);
	for (size_t i = 0; i < spec->inits.n; i++)
		count_huge_limits(spec->inits.v[i].resources, &h);
	for (size_t i = 0; i < spec->containers.n; i++)
		count_huge_limits(spec->containers.v[i].resources, &h);
	return h;
}

const char *volume_huge_page_size(const struct k8s_pod_spec *spec, const char *medium)
{
	struct huge_count h;

	if (!medium || !is_prefix(medium, HUGE_PAGES))
		return NULL;
	medium += strlen(HUGE_PAGES);
	if (*medium == '-')
		return medium + 1;
	h = count_huge_sizes(spec, NULL);
	return h.n > 1 ? "" : h.last;
}

static void check_medium(struct check *c, const struct k8s_pod_spec *spec, const char *medium)
{
	const char *size = volume_huge_page_size(spec, medium);
	bool named = is_prefix(medium, HUGE_PAGES "-");

	if (is_equal(medium, "Memory"))
		return;
	if (!is_equal(medium, HUGE_PAGES) && !named)
		check_error(c, "medium",
			    "'%.60s' is not one of '', 'Memory', 'HugePages', "
			    "'HugePages-SIZE'",
			    medium);
	else if (named && !count_huge_sizes(spec, size).n)
		check_error(c, "medium",
			    "'%.60s' needs a container with a limit of hugepages-%.40s", medium,
			    size);
	else if (!size)
		check_error(c, "medium",
			    "'HugePages' needs a container with a limit of "
			    "hugepages-SIZE");
	else if (!*size)
		check_error(c, "medium",
			    "the pod has huge pages of several sizes: say which by "
			    "'HugePages-SIZE'");
}

static void check_empty_dir(struct check *c, const struct k8s_pod_spec *spec,
			    const struct k8s_empty_dir *e)
{
	size_t mark = path_field(&c->path, "emptyDir");
	struct error err = { 0 };
	struct quantity q;

	if (!is_empty(e->medium))
		check_medium(c, spec, e->medium);
	if (e->size_limit && quantity_parse(e->size_limit, &q, &err) == 0 && q.negative)
		check_error(c, "sizeLimit", "must not be negative");
	path_cut(&c->path, mark);
}

/* ---- files ------------------------------------------------------------------------------------
 */

static void check_mode(struct check *c, const char *field, struct k8s_int mode)
{
	if (mode.set && (mode.value < 0 || mode.value > MAX_MODE))
		check_error(c, field, "%lld is not between 0 and 0777, which is 511 in decimal",
			    (long long)mode.value);
}

char *volume_clean_path(const char *path)
{
	struct buf out = BUF_INIT((size_t)DOC_MAX_BYTES);

	while (*path) {
		size_t len = strcspn(path, "/");

		if (len && !(len == 1 && path[0] == '.')) {
			if (out.len)
				buf_addc(&out, '/');
			buf_add(&out, path, len);
		}
		path += len;
		path += strspn(path, "/");
	}
	return buf_steal(&out);
}

static bool is_component_long(const char *path)
{
	for (; *path; path += strspn(path, "/")) {
		size_t len = strcspn(path, "/");

		if (len > NAME_MAX)
			return true;
		path += len;
	}
	return false;
}

/* The path of a file; a good one is noted. */
static void check_file_path(struct check *c, const char *path, struct volume_files *files)
{
	cleanup_free char *clean = NULL;
	size_t mark;

	if (is_empty(path))
		return;
	clean = volume_clean_path(path);
	if (path[0] == '/')
		check_name(c, "path", path, "must be relative");
	else if (name_has_backstep(path))
		check_name(c, "path", path, "must not contain '..'");
	else if (is_prefix(path, "..") || is_prefix(clean, ".."))
		check_name(c, "path", path, "must not begin with '..'");
	else if (!*clean)
		check_name(c, "path", path, "names no file");
	else if (strlen(clean) > MAX_PATH || is_component_long(clean))
		check_error(c, "path", "is too long: 255 bytes a name, 4095 in all");
	else {
		files->v = xreallocarray(files->v, files->n + 1, sizeof(*files->v));
		mark = path_field(&c->path, "path");
		files->v[files->n++] =
			(struct volume_file){ steal_ptr(&clean), xstrdup(c->path.text) };
		path_cut(&c->path, mark);
	}
}

/* A folder's name sorts right before the names of what it holds: '/' is the lowest. */
static int by_path(const void *a, const void *b)
{
	const char *x = ((const struct volume_file *)a)->path;
	const char *y = ((const struct volume_file *)b)->path;

	while (*x && *x == *y) {
		x++;
		y++;
	}
	if (*x == *y)
		return 0;
	if (!*x || !*y)
		return *x ? 1 : -1;
	if (*x == '/' || *y == '/')
		return *x == '/' ? -1 : 1;
	return (unsigned char)*x < (unsigned char)*y ? -1 : 1;
}

static void check_files(struct check *c, struct volume_files *files)
{
	if (files->n)
		qsort(files->v, files->n, sizeof(*files->v), by_path);
	for (size_t i = 1; i < files->n; i++) {
		const struct volume_file *a = &files->v[i - 1], *b = &files->v[i];
		size_t len = strlen(a->path);

		if (strncmp(a->path, b->path, len) != 0 || (b->path[len] && b->path[len] != '/'))
			continue;
		diag_error(c->sink, b->where,
			   b->path[len] ? "'%.200s' is a file by %s, so it holds no other"
					: "'%.200s' is the path of %s already",
			   a->path, a->where);
	}
	for (size_t i = 0; i < files->n; i++) {
		free(files->v[i].path);
		free(files->v[i].where);
	}
	free(files->v);
}

/* ---- contents made from objects ---------------------------------------------------------------
 */

static void check_object(struct check *c, const char *field, const char *name_field,
			 const struct k8s_object_source *o, struct volume_files *files)
{
	size_t mark = path_field(&c->path, field);

	if (!is_empty(o->name))
		check_name(c, name_field, o->name, name_bad_subdomain(o->name));
	check_mode(c, "defaultMode", o->default_mode);
	for (size_t i = 0; i < o->items.n; i++) {
		size_t inner = path_field(&c->path, "items");

		(void)path_index(&c->path, i);
		check_mode(c, "mode", o->items.v[i].mode);
		check_file_path(c, o->items.v[i].path, files);
		path_cut(&c->path, inner);
	}
	path_cut(&c->path, mark);
}

static void check_selectors(struct check *c, const struct k8s_downward_file *f)
{
	size_t mark;

	if (f->field && f->resource)
		check_error(c, NULL, "has both fieldRef and resourceFieldRef");
	if (!f->field && !f->resource)
		check_error(c, NULL, "needs fieldRef or resourceFieldRef");
	if (f->field) {
		mark = path_field(&c->path, "fieldRef");
		validate_field_selector(c, f->field, true);
		path_cut(&c->path, mark);
	}
	if (f->resource) {
		mark = path_field(&c->path, "resourceFieldRef");
		validate_resource_selector(c, f->resource, true);
		path_cut(&c->path, mark);
	}
}

static void check_downward(struct check *c, const struct k8s_downward_source *d,
			   struct volume_files *files)
{
	size_t mark = path_field(&c->path, "downwardAPI");

	check_mode(c, "defaultMode", d->default_mode);
	for (size_t i = 0; i < d->items.n; i++) {
		size_t inner = path_field(&c->path, "items");

		(void)path_index(&c->path, i);
		check_mode(c, "mode", d->items.v[i].mode);
		check_file_path(c, d->items.v[i].path, files);
		check_selectors(c, &d->items.v[i]);
		path_cut(&c->path, inner);
	}
	path_cut(&c->path, mark);
}

static void check_projected(struct check *c, const struct k8s_projected *p,
			    struct volume_files *files)
{
	size_t mark = path_field(&c->path, "projected");

	check_mode(c, "defaultMode", p->default_mode);
	for (size_t i = 0; i < p->sources.n; i++) {
		const struct k8s_projection *from = &p->sources.v[i];
		size_t inner = path_field(&c->path, "sources");

		(void)path_index(&c->path, i);
		if (count_sources(&schema_volume_projection, node_at(c->sink->root, c->path.text)) >
		    1)
			check_error(c, NULL, "has more than one source");
		if (from->config_map)
			check_object(c, "configMap", "name", from->config_map, files);
		if (from->secret)
			check_object(c, "secret", "name", from->secret, files);
		if (from->downward)
			check_downward(c, from->downward, files);
		path_cut(&c->path, inner);
	}
	path_cut(&c->path, mark);
}

/* ---- volumes that were there before -----------------------------------------------------------
 */

/* A claim here is a named volume, and those may be called more than a claim in a cluster. */
static void check_claim(struct check *c, const struct k8s_claim_source *claim)
{
	size_t mark = path_field(&c->path, "persistentVolumeClaim");
	const char *what = is_empty(claim->name) ? NULL : name_bad_subdomain(claim->name);

	if (what && name_bad_volume(claim->name))
		check_name(c, "claimName", claim->name, name_bad_volume(claim->name));
	else if (what)
		check_unsupported(c, "claimName",
				  "'%.100s' is no name for a claim in a cluster: %s", claim->name,
				  what);
	path_cut(&c->path, mark);
}

static void check_template_meta(struct check *c, const struct k8s_meta *meta)
{
	size_t mark = path_field(&c->path, "ephemeral.volumeClaimTemplate.metadata");

	if (!is_empty(meta->name))
		check_error(c, "name", "cannot be set: it is the pod's and the volume's");
	if (!is_empty(meta->namespace_))
		check_error(c, "namespace", "cannot be set: it is the pod's");
	validate_labels(c, meta);
	path_cut(&c->path, mark);
}

/* By the rules of claims, whose paths begin at the template. */
static void check_template(struct check *c, const struct k8s_claim *claim)
{
	size_t mark = path_field(&c->path, "ephemeral.volumeClaimTemplate");
	bool deep = !is_empty(c->sink->prefix);
	cleanup_free char *prefix =
		xasprintf("%s%s%s", deep ? c->sink->prefix : "", deep ? "." : "", c->path.text);
	struct diag_sink sink = *c->sink;

	sink.prefix = prefix;
	sink.root = node_at(c->sink->root, c->path.text);
	claim_check(&sink, claim->spec);
	if (!is_empty(claim->spec->volume_name))
		diag_unsupported(&sink, "spec.volumeName",
				 "has no effect: the volume is a directory of the pod's own");
	if (claim->spec->selector)
		diag_unsupported(&sink, "spec.selector",
				 "has no effect: the volume is a directory of the pod's own");
	path_cut(&c->path, mark);
}

/* A cluster makes a claim of the pod's and the volume's name, which must be one. */
static void check_ephemeral(struct check *c, const struct k8s_volume *v)
{
	const struct k8s_meta *meta = c->pod->meta;
	const struct k8s_claim *claim = v->ephemeral->claim_template;

	if (meta && !is_empty(meta->name) && !is_empty(v->name) &&
	    strlen(meta->name) + 1 + strlen(v->name) > MAX_CLAIM)
		check_error(c, "name", "with the pod's name it is longer than %d characters",
			    MAX_CLAIM);
	if (claim && claim->meta)
		check_template_meta(c, claim->meta);
	if (claim && claim->spec)
		check_template(c, claim);
}

static void check_image(struct check *c, const struct k8s_image_source *image)
{
	size_t mark = path_field(&c->path, "image");

	if (!is_empty(image->reference) && strpbrk(image->reference, " \t\n"))
		check_name(c, "reference", image->reference, "must not contain blanks");
	path_cut(&c->path, mark);
}

/* ---- one volume -------------------------------------------------------------------------------
 */

static void check_sources(struct check *c, const struct k8s_pod_spec *spec,
			  const struct k8s_volume *v)
{
	struct volume_files files = { 0 };

	if (v->host_path)
		check_host_path(c, v->host_path);
	if (v->empty_dir)
		check_empty_dir(c, spec, v->empty_dir);
	if (v->claim)
		check_claim(c, v->claim);
	if (v->image)
		check_image(c, v->image);
	if (v->ephemeral)
		check_ephemeral(c, v);
	if (v->config_map)
		check_object(c, "configMap", "name", v->config_map, &files);
	if (v->secret)
		check_object(c, "secret", "secretName", v->secret, &files);
	if (v->downward)
		check_downward(c, v->downward, &files);
	if (v->projected)
		check_projected(c, v->projected, &files);
	check_files(c, &files);
}

static void check_volume(struct check *c, const struct k8s_pod_spec *spec, size_t i)
{
	const struct k8s_volume *v = &spec->volumes.v[i];

	if (!is_empty(v->name))
		check_name(c, "name", v->name, name_bad_label(v->name));
	for (size_t j = 0; j < i && !is_empty(v->name); j++) {
		if (is_equal(v->name, spec->volumes.v[j].name)) {
			check_error(c, "name", "'%.63s' is the name of volumes[%zu] already",
				    v->name, j);
			break;
		}
	}
	if (count_sources(&schema_volume, node_at(c->sink->root, c->path.text)) > 1)
		check_error(c, NULL, "has more than one source");
	check_sources(c, spec, v);
}

void validate_volumes(struct check *c, const struct k8s_pod_spec *spec)
{
	if (spec->volumes.n > MAX_VOLUMES) {
		check_error(c, "volumes", "has more than %d entries", MAX_VOLUMES);
		return;
	}
	for (size_t i = 0; i < spec->volumes.n; i++) {
		size_t mark = path_field(&c->path, "volumes");

		(void)path_index(&c->path, i);
		check_volume(c, spec, i);
		path_cut(&c->path, mark);
	}
}
