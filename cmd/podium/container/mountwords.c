/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mountwords - -v, --tmpfs, --volumes-from, and the volumes of an image.
 *
 * Theory of operation: each value becomes a draft (mountdraft.h), which joins the plan when all of
 * it was understood. What another container mounts is taken from its records: the same volumes at
 * the same places; a tmpfs is that container's own and is left out.
 */
#include "cmd/podium/container/mountwords.h"

#include <errno.h>
#include <string.h>

#include "cmd/podium/container/mountdraft.h"
#include "engine/base/mem.h"
#include "engine/pod/lookup.h"

/* Splits at ':' into at most 3 fields. Returns how many, or -1: more. */
static int split(char *text, char *fields[3])
{
	int n = 0;
	char *field;

	while ((field = strsep(&text, ":"))) {
		if (n == 3)
			return -1;
		fields[n++] = field;
	}
	return n;
}

static int check_length(const char *text, struct error *err)
{
	return strlen(text) <= MOUNT_WORDS_MAX_BYTES
		       ? 0
		       : error_set(err, EINVAL, "'%.40s...' is longer than %zu bytes", text,
				   MOUNT_WORDS_MAX_BYTES);
}

static int read_source(struct mount_draft *d, const char *source, struct error *err)
{
	if (!*source)
		return error_set(err, EINVAL, "host directory cannot be empty");
	return *source == '/' || *source == '.' ? mount_draft_host(d, source, err)
						: mount_draft_named(d, source, err);
}

int mount_words_volume(const char *text, struct pod_spec *pod, struct container_spec *c,
		       struct error *err)
{
	cleanup_mount_draft struct mount_draft d = { 0 };
	cleanup_free char *copy = xstrdup(text);
	char *fields[3];
	int r = check_length(text, err), n = split(copy, fields);

	if (r == 0 && n < 0)
		return error_set(err, EINVAL,
				 "%.200s: incorrect volume format, should be "
				 "[host-dir:]ctr-dir[:option]",
				 text);
	if (r == 0)
		r = n == 1 ? mount_draft_named(&d, NULL, err) : read_source(&d, fields[0], err);
	if (r == 0)
		r = mount_draft_target(&d, fields[n == 1 ? 0 : 1], err);
	if (r == 0 && n == 3)
		r = mount_draft_words(&d, fields[2], err);
	return r < 0 ? r : mount_draft_add(&d, pod, c, err);
}

int mount_words_tmpfs(const char *text, struct pod_spec *pod, struct container_spec *c,
		      struct error *err)
{
	cleanup_mount_draft struct mount_draft d = { .volume = { .kind = VOLUME_TMPFS } };
	cleanup_free char *target = xstrndup(text, strcspn(text, ":"));
	const char *options = strchr(text, ':');
	int r = check_length(text, err);

	if (r == 0)
		r = mount_draft_target(&d, target, err);
	if (r == 0 && options)
		r = mount_draft_words(&d, options + 1, err);
	return r < 0 ? r : mount_draft_add(&d, pod, c, err);
}

int mount_words_image(bool is_tmpfs, struct pod_spec *pod, struct container_spec *c,
		      struct error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < c->config.volumes.n; i++) {
		cleanup_mount_draft struct mount_draft d = { .volume = { .kind = VOLUME_TMPFS } };

		r = mount_draft_target(&d, c->config.volumes.v[i], err);
		if (r == 0 && has_mount_at(c, d.mount.target))
			continue;
		if (r == 0 && !is_tmpfs)
			r = mount_draft_named(&d, NULL, err);
		if (r == 0)
			r = mount_draft_add(&d, pod, c, err);
		if (r < 0)
			return error_wrap(err, "volume of the image '%.100s'",
					  c->config.volumes.v[i]);
	}
	return r;
}

/* ---- of another container --------------------------------------------------------------- */

struct taken {
	bool has_access;
	bool read_only;
	bool relabel;
};

static int read_taken(const char *options, struct taken *t, struct error *err)
{
	cleanup_free char *copy = xstrdup(options);
	char *rest = copy, *word;

	while ((word = strsep(&rest, ","))) {
		bool is_access = is_equal(word, "ro") || is_equal(word, "rw");

		if (!is_access && !is_equal(word, "z"))
			return error_set(
				err, EINVAL,
				"invalid option \"%.60s\" specified - volumes from another "
				"container can only use z,ro,rw options",
				word);
		if (is_access ? t->has_access : t->relabel)
			return error_set(err, EINVAL, "cannot set '%s' after '%s'", word, options);
		t->has_access = t->has_access || is_access;
		t->relabel = t->relabel || !is_access;
		t->read_only = t->read_only || is_equal(word, "ro");
	}
	return 0;
}

/* One mount of the other. Copies go through records, in which both structs are lists. */
static int take_mount(const struct volume_spec *v, const struct mount_spec *m,
		      const struct taken *t, struct pod_spec *pod, struct container_spec *c,
		      struct error *err)
{
	cleanup_mount_draft struct mount_draft d = { 0 };
	struct volume_spec volume = *v;
	struct mount_spec mount = *m;
	struct pod_spec old_pod = { .volumes = { &volume, 1 } }, new_pod;
	struct container_spec old_c = { .mounts = { &mount, 1 } }, new_c;

	record_copy(&pod_spec_type, &new_pod, &old_pod);
	record_copy(&container_spec_type, &new_c, &old_c);
	d.volume = new_pod.volumes.v[0];
	d.mount = new_c.mounts.v[0];
	free(new_pod.volumes.v);
	free(new_c.mounts.v);
	free(steal_ptr(&d.volume.name));
	free(steal_ptr(&d.mount.volume));
	if (t->has_access)
		d.mount.read_only = t->read_only;
	if (t->relabel && !strlist_has(&d.mount.options, "z"))
		strlist_add(&d.mount.options, "z");
	return mount_draft_add(&d, pod, c, err);
}

static int take_all(const struct pod_spec *from_pod, const struct container_spec *from,
		    const struct taken *t, struct pod_spec *pod, struct container_spec *c,
		    struct error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < from->mounts.n; i++) {
		const struct mount_spec *m = &from->mounts.v[i];
		const struct volume_spec *v = pod_find_volume(from_pod, m->volume);

		if (v && (v->kind == VOLUME_NAMED || v->kind == VOLUME_HOST_PATH) &&
		    !has_mount_at(c, m->target))
			r = take_mount(v, m, t, pod, c, err);
	}
	return r;
}

int mount_words_from(const struct store *s, const char *text, struct pod_spec *pod,
		     struct container_spec *c, struct error *err)
{
	cleanup_free char *name = xstrndup(text, strcspn(text, ":"));
	const char *options = strchr(text, ':');
	struct container_spec from = { 0 };
	struct pod_spec from_pod = { 0 };
	struct taken t = { 0 };
	char id[65];
	int r = options ? read_taken(options + 1, &t, err) : 0;

	if (r < 0)
		return r;
	r = lookup_container(s, name, id, err);
	if (r == 0)
		r = lookup_read_container(s, id, &from, err);
	if (r == 0)
		r = lookup_read_pod(s, from.pod_id, &from_pod, err);
	if (r == 0)
		r = take_all(&from_pod, &from, &t, pod, c, err);
	record_done(&container_spec_type, &from);
	record_done(&pod_spec_type, &from_pod);
	return r < 0 ? error_wrap(err, "--volumes-from '%.100s'", name) : 0;
}
