/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inspect_image - one image as Podman's inspect shows it.
 *
 * Theory of operation: the index of the image store says what it is called and how big it is, its
 * configuration what is in it, its manifest how it was packed. The images lock is held shared
 * meanwhile, so that an rmi does not take them away between. Nothing of the layers is opened.
 *
 * What an image does not say is left out of Config, as Podman does; a template that asks for it
 * gets nothing instead of an error.
 */
#include <errno.h>
#include <string.h>

#include "cmd/podium/image/imageview.h"
#include "cmd/podium/container/inspect.h"
#include "cmd/podium/base/template.h"
#include "cmd/podium/container/view.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/image/manifest.h"

static void set(json_t *obj, const char *key, json_t *value)
{
	(void)json_object_set_new(obj, key, value ? value : json_null());
}

static json_t *str_or_empty(const char *s)
{
	return json_string(s ? s : "");
}

/* A member that is left out when it is empty; templates see `empty` then. */
static void set_some(json_t *obj, json_t *texts, const char *key, json_t *value)
{
	bool has = json_object_size(value) || json_array_size(value) || json_string_length(value) ||
		   json_is_integer(value);

	set(has ? obj : texts, key, value);
}

static json_t *make_set(const struct strlist *l)
{
	json_t *j = json_object();

	for (size_t i = 0; i < l->n; i++)
		set(j, l->v[i], json_object());
	return j;
}

static json_t *make_health(const struct image_health *h)
{
	json_t *j = json_object();

	if (!h->test.n)
		return j;
	set(j, "Test", view_strings(&h->test));
	if (h->start_period_ns)
		set(j, "StartPeriod", json_integer((json_int_t)h->start_period_ns));
	if (h->interval_ns)
		set(j, "Interval", json_integer((json_int_t)h->interval_ns));
	if (h->timeout_ns)
		set(j, "Timeout", json_integer((json_int_t)h->timeout_ns));
	if (h->retries)
		set(j, "Retries", json_integer((json_int_t)h->retries));
	return j;
}

static json_t *make_config(const struct image_conf *c)
{
	json_t *j = json_object(), *texts = json_object();

	set_some(j, texts, "User", str_or_empty(c->run.user));
	set_some(j, texts, "ExposedPorts", make_set(&c->exposed_ports));
	set_some(j, texts, "Env", view_strings(&c->run.env));
	set_some(j, texts, "Entrypoint", view_strings(&c->run.entrypoint));
	set_some(j, texts, "Cmd", view_strings(&c->run.cmd));
	set_some(j, texts, "Volumes", make_set(&c->run.volumes));
	set_some(j, texts, "WorkingDir", str_or_empty(c->run.working_dir));
	set_some(j, texts, "Labels", view_pairs(&c->run.labels));
	set_some(j, texts, "StopSignal", str_or_empty(c->run.stop_signal));
	set_some(j, texts, "Healthcheck", make_health(&c->health));
	set_some(j, texts, "OnBuild", view_strings(&c->onbuild));
	set_some(j, texts, "Shell", view_strings(&c->shell));
	set(j, TEMPLATE_TEXTS, texts);
	return j;
}

static json_t *make_history(const struct image_conf *c)
{
	json_t *list = json_array();

	for (size_t i = 0; i < c->history.n; i++) {
		const struct image_history *h = &c->history.v[i];
		json_t *j = json_object(), *texts = json_object();

		set_some(j, texts, "created",
			 h->created_ns ? view_utc(h->created_ns) : json_string(""));
		set_some(j, texts, "created_by", str_or_empty(h->created_by));
		set_some(j, texts, "author", str_or_empty(h->author));
		set_some(j, texts, "comment", str_or_empty(h->comment));
		if (h->is_empty_layer)
			set(j, "empty_layer", json_true());
		json_decref(texts);
		(void)json_array_append_new(list, j);
	}
	return list;
}

/* Where the layers lie, as the overlay driver of Podman tells it. */
static json_t *make_driver(const struct store *s, const struct image_info *info)
{
	json_t *data = json_object();
	struct buf lower = BUF_INIT(1024 * 1024);
	const size_t skip = sizeof("sha256:") - 1;

	for (size_t i = info->layers.n; i > 1; i--)
		buf_printf(&lower, "%s%s/layers/%s/diff", lower.len ? ":" : "", s->root,
			   info->layers.v[i - 2] + skip);
	if (lower.len)
		set(data, "LowerDir", json_string(lower.data));
	buf_done(&lower);
	if (info->layers.n) {
		cleanup_free char *upper = xasprintf("%s/layers/%s/diff", s->root,
						     info->layers.v[info->layers.n - 1] + skip);

		set(data, "UpperDir", json_string(upper));
	}
	return json_pack("{s:s, s:o}", "Name", "overlay", "Data", data);
}

/* What the manifest says: its type, its annotations. An image from a docker-archive has none. */
static void set_manifest(json_t *j, const struct store *s, const struct image_info *info)
{
	cleanup_free char *text = NULL;
	cleanup_json json_t *doc = NULL;
	struct error scratch; /* what cannot be read is not shown */
	const char *type = NULL;
	json_t *annotations = NULL;
	size_t len = 0;

	if (info->manifest && image_read_manifest(s, info->manifest, &text, &len, &scratch) == 0 &&
	    jload_text(text, len, "manifest", &doc, &scratch) == 0) {
		type = jget_str(doc, "mediaType");
		type = type ? type : MEDIA_OCI_MANIFEST;
		annotations = json_object_get(doc, "annotations");
	}
	set(j, "Annotations",
	    json_is_object(annotations) ? json_incref(annotations) : json_object());
	set(j, "ManifestType", json_string(type ? type : MEDIA_DOCKER_MANIFEST));
}

/* People see Go's form of a time. */
static void set_time_text(json_t *texts, int64_t created_ns)
{
	cleanup_free char *text = view_go_time(created_ns);

	set(texts, "Created", json_string(text));
}

static json_t *make_all(const struct store *s, const struct image_info *info,
			const struct image_conf *c)
{
	cleanup_free char *digest =
		info->manifest ? xasprintf("sha256:%s", info->manifest) : xstrdup("");
	cleanup_strlist struct strlist digests = { .v = NULL }, history = { .v = NULL };
	json_t *j = json_object(), *texts = json_object();

	view_digests(info, &digests);
	view_name_history(info, &history);
	set(j, "Id", str_or_empty(info->id));
	set(j, "Digest", json_string(digest));
	set(j, "RepoTags", view_strings(&info->names));
	set(j, "RepoDigests", view_strings(&digests));
	set(j, "Parent", str_or_empty(info->parent));
	set(j, "Comment", str_or_empty(c->comment));
	set(j, "Created", view_utc(info->created_ns));
	set(j, "Config", make_config(c));
	set(j, "Version", json_string(""));
	set(j, "Author", str_or_empty(c->author));
	set(j, "Architecture", str_or_empty(c->architecture));
	set(j, "Os", str_or_empty(c->os));
	set_some(j, texts, "Variant", str_or_empty(c->variant));
	set(j, "Size", json_integer((json_int_t)info->size_bytes));
	set(j, "VirtualSize", json_integer((json_int_t)info->size_bytes));
	set(j, "GraphDriver", make_driver(s, info));
	set(j, "RootFS",
	    json_pack("{s:s, s:o}", "Type", "layers", "Layers", view_strings(&c->diff_ids)));
	set(j, "Labels", c->run.labels.n ? view_pairs(&c->run.labels) : json_null());
	set_manifest(j, s, info);
	set(j, "User", str_or_empty(c->run.user));
	set(j, "History", make_history(c));
	set(j, "NamesHistory", view_strings(&history));
	set_some(j, texts, "Healthcheck", make_health(&c->health));
	set(texts, "HealthCheck", make_health(&c->health));
	if (!c->run.labels.n)
		set(texts, "Labels", json_object());
	set_time_text(texts, info->created_ns);
	set(j, TEMPLATE_TEXTS, texts);
	return j;
}

int inspect_image(const struct store *s, const char *name, json_t **ret, struct error *err)
{
	cleanup_image_list struct image_list list = { 0 };
	const struct image_info *info = NULL;
	cleanup_image_conf struct image_conf conf = { .os = NULL };
	cleanup_close int lock = -EBADF;
	int r;

	if (s->rootfd < 0)
		return error_set(err, ENOENT, "no such image '%s'", name);
	lock = image_lock(s, LOCK_SHARED, err);
	if (lock < 0)
		return lock;
	r = image_list(s, &list, err);
	if (r == 0)
		r = image_find(&list, name, &info, NULL, err);
	if (r == 0)
		r = view_read_conf(s, info, &conf, err);
	if (r < 0)
		return r;
	*ret = make_all(s, info, &conf);
	return 0;
}
