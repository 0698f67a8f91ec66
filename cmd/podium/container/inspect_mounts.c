/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inspect_mounts - mounts and secrets of a container.
 *
 * Theory of operation: what the records say, in Podman's words: its default options are written out
 * (rw, rprivate, rbind; nosuid and nodev of volumes and tmpfs). Volumes that only Kubernetes has (an
 * emptyDir, projected files) are binds of the directory in the pod's own folder.
 */
#include "cmd/podium/container/inspect_mounts.h"

#include <string.h>

#include "cmd/podium/container/view.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/data/secret.h"
#include "engine/volumes/driver.h"

#define SECRET_MODE   0444
#define OPTIONS_BYTES 65536

static void set(json_t *obj, const char *key, json_t *value)
{
	(void)json_object_set_new(obj, key, value);
}

static void set_str(json_t *obj, const char *key, const char *value)
{
	set(obj, key, json_string(value ? value : ""));
}

static const char *type_of(const struct volume_spec *v)
{
	if (v && v->kind == VOLUME_NAMED)
		return "volume";
	if (v && v->kind == VOLUME_IMAGE)
		return "image";
	return v && v->kind == VOLUME_EMPTY_DIR && v->memory ? "tmpfs" : "bind";
}

/* Where the content of a volume with a name is; one that is gone would be in the store. */
static char *named_source(const struct store *s, const char *name)
{
	cleanup_named_volume struct named_volume v = { 0 };
	struct error scratch;

	if (named_volume_read(s, name, &v, &scratch) == 0 && v.host_path)
		return xstrdup(v.host_path);
	return xasprintf("%s/volumes/%s/_data", s->root ? s->root : "", name);
}

static char *source_of(const struct store *s, const struct pod_spec *pod,
		       const struct volume_spec *v)
{
	if (!v)
		return xstrdup("");
	switch (v->kind) {
	case VOLUME_HOST_PATH:
		return xstrdup(v->host_path ? v->host_path : "");
	case VOLUME_NAMED:
		return named_source(s, v->source_name ? v->source_name : "");
	case VOLUME_IMAGE:
		return xstrdup(v->image ? v->image : "");
	default:
		return v->memory ? xstrdup("tmpfs")
				 : xasprintf("%s/pods/%s/volumes/%s", s->root ? s->root : "",
					     pod->id ? pod->id : "", v->name);
	}
}

static const char *propagation_of(const struct mount_spec *m)
{
	static const char *const deep[] = { "rprivate", "rslave", "rshared" };
	static const char *const flat[] = { "private", "slave", "shared" };

	for (size_t i = 0; i < ARRAY_SIZE(flat); i++)
		if (strlist_has(&m->options, flat[i]))
			return flat[i];
	return m->propagation >= 0 && m->propagation < (int)ARRAY_SIZE(deep) ? deep[m->propagation]
									     : "";
}

static bool is_propagation(const char *word)
{
	return is_equal(word, "private") || is_equal(word, "slave") || is_equal(word, "shared");
}

static bool is_label(const char *word)
{
	return is_equal(word, "z") || is_equal(word, "Z");
}

static void add_unless(struct strlist *l, const char *word, const char *opposite)
{
	if (!strlist_has(l, word) && !strlist_has(l, opposite))
		strlist_add(l, word);
}

/* Without access, propagation and label. */
static void options_of(const struct volume_spec *v, const struct mount_spec *m, struct strlist *ret)
{
	for (size_t i = 0; i < m->options.n; i++)
		if (!is_propagation(m->options.v[i]) && !is_label(m->options.v[i]))
			strlist_add(ret, m->options.v[i]);
	if (v && v->kind == VOLUME_NAMED) {
		add_unless(ret, "nosuid", "suid");
		add_unless(ret, "nodev", "dev");
	}
	add_unless(ret, "rbind", "bind");
}

static const char *label_of(const struct mount_spec *m)
{
	return strlist_has(&m->options, "z") ? "z" : strlist_has(&m->options, "Z") ? "Z" : "";
}

static json_t *make_mount(const struct store *s, const struct pod_spec *pod,
			  const struct mount_spec *m)
{
	const struct volume_spec *v = pod_find_volume(pod, m->volume);
	bool is_named = v && v->kind == VOLUME_NAMED, is_image = v && v->kind == VOLUME_IMAGE;
	cleanup_free char *source = source_of(s, pod, v);
	cleanup_strlist struct strlist options = { 0 };
	json_t *j = json_object();

	options_of(v, m, &options);
	set_str(j, "Type", type_of(v));
	if (is_named || !v || (v->kind != VOLUME_HOST_PATH && !is_image))
		set_str(j, "Name", is_named ? v->source_name : m->volume);
	set_str(j, "Source", source);
	set_str(j, "Destination", m->target);
	set_str(j, "Driver", is_named ? VOLUME_DRIVER : "");
	set_str(j, "Mode", label_of(m));
	set(j, "Options", is_image ? json_null() : view_strings(&options));
	set(j, "RW", json_boolean(!m->read_only));
	set_str(j, "Propagation", is_image ? "" : propagation_of(m));
	if (m->sub_path)
		set_str(j, "SubPath", m->sub_path);
	return j;
}

json_t *inspect_mounts(const struct store *s, const struct pod_spec *pod,
		       const struct container_spec *spec)
{
	json_t *list = json_array();

	for (size_t i = 0; i < spec->mounts.n; i++) {
		const struct volume_spec *v = pod_find_volume(pod, spec->mounts.v[i].volume);

		if (!v || v->kind != VOLUME_TMPFS)
			(void)json_array_append_new(list, make_mount(s, pod, &spec->mounts.v[i]));
	}
	return list;
}

json_t *inspect_binds(const struct pod_spec *pod, const struct container_spec *spec)
{
	json_t *list = json_array();

	for (size_t i = 0; i < spec->mounts.n; i++) {
		const struct mount_spec *m = &spec->mounts.v[i];
		const struct volume_spec *v = pod_find_volume(pod, m->volume);
		cleanup_strlist struct strlist options = { 0 };
		cleanup_buf struct buf b = BUF_INIT(OPTIONS_BYTES);

		if (!v || (v->kind != VOLUME_NAMED && v->kind != VOLUME_HOST_PATH))
			continue;
		options_of(v, m, &options);
		buf_printf(&b, "%s:%s:%s%s%s,%s",
			   v->kind == VOLUME_NAMED ? v->source_name : v->host_path, m->target,
			   label_of(m), *label_of(m) ? "," : "", m->read_only ? "ro" : "rw",
			   propagation_of(m));
		for (size_t k = 0; k < options.n; k++)
			buf_printf(&b, ",%s", options.v[k]);
		(void)json_array_append_new(list, json_string(b.data));
	}
	return list;
}

json_t *inspect_tmpfs(const struct pod_spec *pod, const struct container_spec *spec)
{
	json_t *j = json_object();

	for (size_t i = 0; i < spec->mounts.n; i++) {
		const struct mount_spec *m = &spec->mounts.v[i];
		const struct volume_spec *v = pod_find_volume(pod, m->volume);
		const char *own;

		if (!v || v->kind != VOLUME_TMPFS)
			continue;
		own = v->tmpfs_options ? v->tmpfs_options : "";
		jset_owned(j, m->target,
			   xasprintf("%s%s%s,rprivate%s%s%s", own, *own ? "," : "",
				     m->read_only ? "ro" : "rw",
				     strstr(own, "suid") ? "" : ",nosuid",
				     strstr(own, "dev") ? "" : ",nodev",
				     strlist_has(&m->options, "nocopy") ? "" : ",tmpcopyup"));
	}
	return j;
}

json_t *inspect_secrets(const struct store *s, const struct container_spec *spec)
{
	json_t *list = json_array();

	for (size_t i = 0; i < spec->secrets.n; i++) {
		const struct secret_use *use = &spec->secrets.v[i];
		cleanup_secret_record struct secret_record rec = { 0 };
		struct error scratch; /* one that was removed has no id any more */
		json_t *j;

		if (use->env)
			continue;
		error_ignore(secret_lookup(s, use->name, &rec, &scratch));
		j = json_object();
		set_str(j, "Name", use->name);
		set_str(j, "ID", rec.id);
		set(j, "UID", json_integer((json_int_t)use->uid));
		set(j, "GID", json_integer((json_int_t)use->gid));
		set(j, "Mode",
		    json_integer((json_int_t)(use->mode.set ? use->mode.value : SECRET_MODE)));
		(void)json_array_append_new(list, j);
	}
	if (json_array_size(list))
		return list;
	json_decref(list);
	return json_null();
}
