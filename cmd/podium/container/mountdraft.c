/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mountdraft - a mount that is being read from the command line.
 *
 * Theory of operation: every word that a mount may have stands in one table with its group, the
 * kinds of volumes it is for, and what it does to the plan. Words of a group exclude each other, so
 * duplicates and contradictions are found in one place, and a word that is in no table is refused:
 * nothing that a user writes reaches mount(2) as text. "cached" and "delegated" let the host and
 * the container see different content for a while; here both always see the same, which is within
 * what they allow.
 */
#include "cmd/podium/container/mountdraft.h"

#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/base/mem.h"
#include "engine/base/seams.h"
#include "engine/state/layout.h"

#define K(kind)	  (1u << (kind))
#define ANY	  (K(VOLUME_HOST_PATH) | K(VOLUME_NAMED) | K(VOLUME_TMPFS) | K(VOLUME_IMAGE))
#define DIRS	  (K(VOLUME_HOST_PATH) | K(VOLUME_NAMED))
#define BIND	  K(VOLUME_HOST_PATH)
#define NAMED	  K(VOLUME_NAMED)
#define TMPFS	  K(VOLUME_TMPFS)
#define NAME_MAX_ 253
#define LABEL_MAX 50

enum effect {
	NOTHING, /* that is how it is anyway */
	OPTION,	 /* into the mount's options */
	FLAG,	 /* a tmpfs: into its own options, else as OPTION */
	READ_ONLY,
	PROPAGATE,
	NO_COPY,
	IDMAP,
	SIZE,
	MODE,
	LAYER, /* a directory of "O" */
};
struct word {
	const char *text; /* ends with '=': a value follows */
	enum draft_group group;
	unsigned kinds;
	enum effect effect;
	int propagation;
};

static const struct word words[] = {
	{ "ro", DRAFT_ACCESS, ANY, READ_ONLY, 0 },
	{ "rw", DRAFT_ACCESS, ANY, NOTHING, 0 },
	{ "z", DRAFT_LABEL, DIRS, OPTION, 0 },
	{ "Z", DRAFT_LABEL, DIRS, OPTION, 0 },
	{ "O", DRAFT_LABEL, DIRS, OPTION, 0 },
	{ "upperdir=", DRAFT_UPPER, DIRS, LAYER, 0 },
	{ "workdir=", DRAFT_WORK, DIRS, LAYER, 0 },
	{ "U", DRAFT_OWNER, DIRS | TMPFS, OPTION, 0 },
	{ "private", DRAFT_PROPAGATION, DIRS, PROPAGATE, PROPAGATION_NONE },
	{ "rprivate", DRAFT_PROPAGATION, DIRS | TMPFS, PROPAGATE, PROPAGATION_NONE },
	{ "slave", DRAFT_PROPAGATION, DIRS, PROPAGATE, PROPAGATION_SLAVE },
	{ "rslave", DRAFT_PROPAGATION, DIRS, PROPAGATE, PROPAGATION_SLAVE },
	{ "shared", DRAFT_PROPAGATION, DIRS, PROPAGATE, PROPAGATION_SHARED },
	{ "rshared", DRAFT_PROPAGATION, DIRS, PROPAGATE, PROPAGATION_SHARED },
	{ "bind", DRAFT_RECURSION, DIRS, OPTION, 0 },
	{ "rbind", DRAFT_RECURSION, DIRS, NOTHING, 0 },
	{ "exec", DRAFT_EXEC, DIRS | TMPFS, FLAG, 0 },
	{ "noexec", DRAFT_EXEC, DIRS | TMPFS, FLAG, 0 },
	{ "suid", DRAFT_SUID, DIRS | TMPFS, FLAG, 0 },
	{ "nosuid", DRAFT_SUID, DIRS | TMPFS, FLAG, 0 },
	{ "dev", DRAFT_DEV, DIRS | TMPFS, FLAG, 0 },
	{ "nodev", DRAFT_DEV, DIRS | TMPFS, FLAG, 0 },
	{ "copy", DRAFT_COPY, NAMED, NOTHING, 0 },
	{ "nocopy", DRAFT_COPY, NAMED, NO_COPY, 0 },
	{ "nocopy", DRAFT_COPY, BIND, NOTHING, 0 },
	{ "tmpcopyup", DRAFT_COPY, TMPFS, NOTHING, 0 },
	{ "notmpcopyup", DRAFT_COPY, TMPFS, NO_COPY, 0 },
	{ "idmap", DRAFT_IDMAP, DIRS, IDMAP, 0 },
	{ "idmap=", DRAFT_IDMAP, DIRS, IDMAP, 0 },
	{ "size=", DRAFT_SIZE, TMPFS, SIZE, 0 },
	{ "mode=", DRAFT_MODE, TMPFS, MODE, 0 },
	{ "consistent", DRAFT_CONSISTENCY, ANY, NOTHING, 0 },
	{ "cached", DRAFT_CONSISTENCY, ANY, NOTHING, 0 },
	{ "delegated", DRAFT_CONSISTENCY, ANY, NOTHING, 0 },
};

void mount_draft_done(struct mount_draft *d)
{
	/* By the tables of the records: one list each in a spec of its own. */
	struct pod_spec pod = { .volumes = { .n = 1 } };
	struct container_spec c = { .mounts = { .n = 1 } };

	pod.volumes.v = xcalloc(1, sizeof(*pod.volumes.v));
	c.mounts.v = xcalloc(1, sizeof(*c.mounts.v));
	*pod.volumes.v = d->volume;
	*c.mounts.v = d->mount;
	record_done(&pod_spec_type, &pod);
	record_done(&container_spec_type, &c);
	for (int i = 0; i < DRAFT__COUNT; i++)
		free(d->seen[i]);
	*d = (struct mount_draft){ 0 };
}

/* ---- words ------------------------------------------------------------------------------ */

/* "1m", "50%", "4096". */
static bool is_size(const char *value)
{
	size_t digits = strspn(value, "0123456789");

	if (digits == 0 || digits > 18)
		return false;
	value += digits;
	return !*value || (strchr("bBkKmMgGtT%", *value) && !value[1]);
}

static bool is_octal(const char *value)
{
	size_t n = strlen(value);

	return n > 0 && n <= 5 && strspn(value, "01234567") == n && (n < 5 || *value == '0');
}

static void add_tmpfs_option(struct mount_draft *d, const char *word)
{
	char *all = d->volume.tmpfs_options;

	d->volume.tmpfs_options = all ? xasprintf("%s,%s", all, word) : xstrdup(word);
	free(all);
}

/* "50%" and "1t" are the kernel's own; "b" it does not know. */
static void add_size(struct mount_draft *d, const char *word)
{
	size_t n = strlen(word);
	cleanup_free char *copy = xstrndup(word, n && (word[n - 1] | 0x20) == 'b' ? n - 1 : n);

	add_tmpfs_option(d, copy);
}

/* "uids=0-1000-10#10-2000-5;gids=@..." has a small alphabet. */
static bool is_idmap(const char *word)
{
	return is_equal(word, "idmap") ||
	       (strlen(word) < 1024 && word[strlen("idmap=")] &&
		strspn(word, "abcdefghijklmnopqrstuvwxyz0123456789=;#@+-") == strlen(word));
}

static int apply(struct mount_draft *d, const struct word *w, const char *word, struct error *err)
{
	const char *value = strchr(word, '=');

	value = value ? value + 1 : "";
	if (w->effect == READ_ONLY)
		d->mount.read_only = true;
	if (w->effect == PROPAGATE) {
		d->mount.propagation = w->propagation;
		if (*word != 'r')
			strlist_add(&d->mount.options, word);
	}
	if (w->effect == NO_COPY)
		strlist_add(&d->mount.options, "nocopy");
	if ((w->effect == SIZE && !is_size(value)) || (w->effect == MODE && !is_octal(value)) ||
	    (w->effect == IDMAP && !is_idmap(word)) || (w->effect == LAYER && *value != '/'))
		return error_set(err, EINVAL, "mount option '%.100s': bad value", word);
	if (w->effect == SIZE)
		add_size(d, word);
	else if (w->effect == MODE || (w->effect == FLAG && d->volume.kind == VOLUME_TMPFS))
		add_tmpfs_option(d, word);
	else if (w->effect == OPTION || w->effect == FLAG || w->effect == IDMAP ||
		 w->effect == LAYER)
		strlist_add(&d->mount.options, word);
	return 0;
}

static bool is_word(const struct word *w, const char *word)
{
	return is_suffix(w->text, "=") ? is_prefix(word, w->text) : is_equal(w->text, word);
}

static int raise_unknown(const char *word, bool is_known, struct error *err)
{
	if (is_known)
		return error_set(err, EINVAL,
				 "mount option '%.100s' does not fit this kind of mount", word);
	if (is_equal(word, "unbindable") || is_equal(word, "runbindable"))
		return error_set(err, EOPNOTSUPP, "mount option '%s' is not supported", word);
	return error_set(err, EINVAL, "invalid option type \"%.100s\"", word);
}

int mount_draft_word(struct mount_draft *d, const char *word, struct error *err)
{
	bool is_known = false;

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		const struct word *w = &words[i];

		if (!is_word(w, word))
			continue;
		is_known = true;
		if (!(w->kinds & K(d->volume.kind)))
			continue;
		if (d->seen[w->group])
			return error_set(
				err, EINVAL,
				"invalid options \"%.50s, %.50s\": they exclude each other",
				d->seen[w->group], word);
		d->seen[w->group] = xstrdup(word);
		return apply(d, w, word, err);
	}
	if (WEAKEN("VOL-8")) {
		strlist_add(&d->mount.options, word);
		return 0;
	}
	return raise_unknown(word, is_known, err);
}

int mount_draft_words(struct mount_draft *d, const char *text, struct error *err)
{
	int r = 0;

	for (const char *end; r == 0; text = end + 1) {
		cleanup_free char *word = NULL;

		end = text + strcspn(text, ",");
		word = xstrndup(text, (size_t)(end - text));
		r = mount_draft_word(d, word, err);
		if (!*end)
			break;
	}
	return r;
}

/* ---- places ----------------------------------------------------------------------------- */

/* Takes "//", "." and ".." out of an absolute path, without looking at any file. */
static char *clean_path(const char *path)
{
	char *out = xcalloc(1, strlen(path) + 2), *end = out;

	while (*path) {
		size_t n = strcspn(path, "/");

		if (n == 2 && path[0] == '.' && path[1] == '.') {
			while (end > out && *--end != '/')
				;
		} else if (n > 0 && !(n == 1 && *path == '.')) {
			*end++ = '/';
			memcpy(end, path, n);
			end += n;
		}
		path += n + (path[n] == '/');
	}
	if (end == out)
		*end++ = '/';
	*end = '\0';
	return out;
}

static bool has_control(const char *text)
{
	for (; *text; text++)
		if (iscntrl((unsigned char)*text))
			return true;
	return false;
}

int mount_draft_target(struct mount_draft *d, const char *target, struct error *err)
{
	if (!*target)
		return error_set(err, EINVAL, "container directory cannot be empty");
	if (*target != '/')
		return error_set(err, EINVAL,
				 "invalid container path \"%.100s\", must be an absolute path",
				 target);
	if (strlen(target) > MOUNT_TARGET_MAX || has_control(target))
		return error_set(err, EINVAL,
				 "container path '%.60s': longer than %d bytes, or has control "
				 "characters",
				 target, MOUNT_TARGET_MAX);
	free(d->mount.target);
	d->mount.target = clean_path(target);
	if (is_equal(d->mount.target, "/"))
		return error_set(err, EINVAL, "container path '%.100s' is the root itself", target);
	return 0;
}

int mount_draft_host(struct mount_draft *d, const char *path, struct error *err)
{
	cleanup_free char *here = *path == '/' ? NULL : getcwd(NULL, 0);
	cleanup_free char *whole = here ? xasprintf("%s/%s", here, path) : xstrdup(path);
	struct stat st;

	if (!*path)
		return error_set(err, EINVAL, "host directory cannot be empty");
	if (*whole != '/' || strlen(whole) > MOUNT_TARGET_MAX)
		return error_set(err, EINVAL, "host path '%.100s' is too long, or has no root",
				 path);
	d->volume.kind = VOLUME_HOST_PATH;
	free(d->volume.host_path);
	d->volume.host_path = clean_path(whole);
	if (stat(d->volume.host_path, &st) < 0)
		return error_errno(err, "statfs %.300s", d->volume.host_path);
	return 0;
}

int mount_draft_named(struct mount_draft *d, const char *name, struct error *err)
{
	static const char all[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				  "0123456789_.-";
	char id[65];

	d->volume.kind = VOLUME_NAMED;
	free(steal_ptr(&d->volume.source_name));
	d->volume.anonymous = is_empty(name);
	if (d->volume.anonymous) {
		id_new(id);
		d->volume.source_name = xstrdup(id);
		return 0;
	}
	if (strchr("_.-", *name) || strspn(name, all) != strlen(name) || strlen(name) > NAME_MAX_)
		return error_set(err, EINVAL,
				 "creating named volume \"%.100s\": names must match "
				 "[a-zA-Z0-9][a-zA-Z0-9_.-]*, at most %d bytes",
				 name, NAME_MAX_);
	d->volume.source_name = xstrdup(name);
	return 0;
}

/* ---- into the plan ---------------------------------------------------------------------- */

bool has_mount_at(const struct container_spec *c, const char *target)
{
	for (size_t i = 0; i < c->mounts.n; i++)
		if (is_equal(c->mounts.v[i].target, target))
			return true;
	return false;
}

/* A volume of the pod that is the same thing. A tmpfs is each mount's own. */
static const struct volume_spec *find_same(const struct pod_spec *pod, const struct volume_spec *v)
{
	for (size_t i = 0; i < pod->volumes.n; i++) {
		const struct volume_spec *other = &pod->volumes.v[i];

		if (other->kind == v->kind && other->host_path_type == v->host_path_type &&
		    v->kind != VOLUME_TMPFS && is_equal(other->host_path, v->host_path) &&
		    is_equal(other->source_name, v->source_name) && !other->read_only &&
		    is_equal(other->image, v->image))
			return other;
	}
	return NULL;
}

/* A DNS label that tells what it is: Kubernetes' YAML may be made of it. */
static char *new_name(const struct pod_spec *pod, const struct volume_spec *v)
{
	static const char *const kinds[VOLUME__COUNT] = { [VOLUME_HOST_PATH] = "host",
							  [VOLUME_NAMED] = "pvc",
							  [VOLUME_TMPFS] = "tmpfs",
							  [VOLUME_IMAGE] = "image" };
	const char *from = v->host_path ? v->host_path : v->source_name ? v->source_name : "";
	char label[LABEL_MAX + 1];
	size_t n = 0, number = pod->volumes.n;
	char *name = NULL;

	for (; *from && n < LABEL_MAX; from++)
		if (isalnum((unsigned char)*from))
			label[n++] = (char)tolower((unsigned char)*from);
		else if (n > 0 && label[n - 1] != '-')
			label[n++] = '-';
	while (n > 0 && label[n - 1] == '-')
		n--;
	label[n] = '\0';
	do {
		free(name);
		name = xasprintf("%s%s%s-%zu", label, n ? "-" : "", kinds[v->kind], number++);
	} while (pod_find_volume(pod, name));
	return name;
}

static int check_whole(const struct mount_draft *d, struct error *err)
{
	bool is_overlay = is_equal(d->seen[DRAFT_LABEL], "O");

	if (!d->mount.target)
		return error_set(err, EINVAL, "must set volume destination");
	if (!d->seen[DRAFT_UPPER] != !d->seen[DRAFT_WORK])
		return error_set(err, EINVAL, "must set both `upperdir` and `workdir`");
	if (d->seen[DRAFT_UPPER] && !is_overlay)
		return error_set(err, EINVAL, "`upperdir` and `workdir` need the option 'O'");
	for (int i = 0; is_overlay && i < DRAFT__COUNT; i++)
		if (d->seen[i] && i != DRAFT_LABEL && i != DRAFT_UPPER && i != DRAFT_WORK)
			return error_set(err, EINVAL, "can't use 'O' with other options ('%s')",
					 d->seen[i]);
	return 0;
}

static bool is_same_mount(const struct container_spec *c, const struct mount_spec *m)
{
	for (size_t i = 0; i < c->mounts.n; i++) {
		const struct mount_spec *other = &c->mounts.v[i];

		if (!is_equal(other->target, m->target))
			continue;
		if (!is_equal(other->volume, m->volume) || other->read_only != m->read_only ||
		    other->propagation != m->propagation ||
		    !is_equal(other->sub_path, m->sub_path) || other->options.n != m->options.n)
			return false;
		for (size_t k = 0; k < m->options.n; k++)
			if (!strlist_has(&other->options, m->options.v[k]))
				return false;
		return true;
	}
	return false;
}

int mount_draft_add(struct mount_draft *d, struct pod_spec *pod, struct container_spec *c,
		    struct error *err)
{
	const struct volume_spec *same = find_same(pod, &d->volume);
	int r = check_whole(d, err);

	if (r < 0)
		return r;
	d->mount.volume = same ? xstrdup(same->name) : new_name(pod, &d->volume);
	if (has_mount_at(c, d->mount.target))
		return is_same_mount(c, &d->mount)
			       ? 0
			       : error_set(err, EINVAL, "%.300s: duplicate mount destination",
					   d->mount.target);
	if (!same) {
		d->volume.name = xstrdup(d->mount.volume);
		*list_add(&pod->volumes) = d->volume;
		d->volume = (struct volume_spec){ 0 };
	}
	*list_add(&c->mounts) = d->mount;
	d->mount = (struct mount_spec){ 0 };
	return 0;
}
