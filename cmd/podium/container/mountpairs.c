/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mountpairs - --mount and --secret: fields between commas, with CSV's quotes.
 *
 * Theory of operation: the fields are split first and "type" is looked for among them, since it may
 * stand anywhere and decides which keys there are. Then each key is turned into a word of
 * mountdraft.c, which knows what excludes what; "KEY", "KEY=true" and "KEY=false" are the same thing
 * said in three ways. A secret's fields are read in order, its name first.
 */
#include <errno.h>
#include <string.h>

#include "cmd/podium/container/mountdraft.h"
#include "cmd/podium/container/mountwords.h"
#include "engine/base/mem.h"

#define SECRET_MODE_MAX 07777

/* ---- comma separated values ------------------------------------------------------------- */

/* Behind the opening quote; two quotes in a row are one. */
static int quoted_field(const char **text, struct buf *out, struct error *err)
{
	const char *p = *text;

	for (;; p++) {
		if (!*p)
			return error_set(err, EINVAL, "parse error: a quote is not closed");
		if (*p == '"' && p[1] != '"')
			break;
		if (*p == '"')
			p++;
		buf_addc(out, *p);
	}
	p++;
	if (*p && *p != ',')
		return error_set(err, EINVAL,
				 "parse error: behind the closing quote only ',' may stand");
	*text = p;
	return 0;
}

bool mount_csv_next(const char **text, char **ret, int *ret_r, struct error *err)
{
	cleanup_buf struct buf out = BUF_INIT(MOUNT_WORDS_MAX_BYTES);
	const char *p = *text;
	size_t n;

	*ret_r = 0;
	if (!p)
		return false;
	if (*p == '"') {
		p++;
		*ret_r = quoted_field(&p, &out, err);
	} else {
		n = strcspn(p, ",\"");
		if (p[n] == '"')
			*ret_r = error_set(
				err, EINVAL,
				"parse error: '\"' in a field that does not begin with it");
		buf_add(&out, p, n);
		p += n;
	}
	*text = *p == ',' ? p + 1 : NULL;
	if (*ret_r == 0)
		*ret = buf_steal(&out);
	return *ret_r == 0;
}

static int read_fields(const char *text, struct strlist *ret, struct error *err)
{
	char *field = NULL;
	int r = 0;

	if (strlen(text) > MOUNT_WORDS_MAX_BYTES)
		return error_set(err, EINVAL, "longer than %zu bytes", MOUNT_WORDS_MAX_BYTES);
	while (mount_csv_next(&text, &field, &r, err))
		strlist_take(ret, field);
	return r;
}

/* ---- --mount ---------------------------------------------------------------------------- */

/* KEY[=true|false] -> word, its opposite, or nothing (NULL). */
struct toggle {
	const char *key;
	const char *yes;
	const char *no;
};
static const struct toggle toggles[] = {
	{ "ro", "ro", "rw" },
	{ "readonly", "ro", "rw" },
	{ "rw", "rw", "ro" },
	{ "readwrite", "rw", "ro" },
	{ "U", "U", NULL },
	{ "chown", "U", NULL },
	{ "bind-nonrecursive", "bind", "rbind" },
	{ "noexec", "noexec", "exec" },
	{ "exec", "exec", "noexec" },
	{ "nosuid", "nosuid", "suid" },
	{ "suid", "suid", "nosuid" },
	{ "nodev", "nodev", "dev" },
	{ "dev", "dev", "nodev" },
	{ "tmpcopyup", "tmpcopyup", "notmpcopyup" },
	{ "notmpcopyup", "notmpcopyup", "tmpcopyup" },
	{ "nocopy", "nocopy", "copy" },
	{ "volume-nocopy", "nocopy", "copy" },
};

struct pair {
	char *key;
	const char *value; /* NULL: no '=' */
};

static int set_toggle(struct mount_draft *d, const struct toggle *t, const char *value,
		      struct error *err)
{
	bool is_true = !value || is_equal(value, "true") || is_equal(value, "1");
	const char *word = is_true ? t->yes : t->no;

	if (!is_true && !is_equal(value, "false") && !is_equal(value, "0"))
		return error_set(err, EINVAL,
				 "'%s' must be set to true or false, instead received \"%.60s\"",
				 t->key, value);
	return word ? mount_draft_word(d, word, err) : 0;
}

static int set_word(struct mount_draft *d, const char *prefix, const char *value, struct error *err)
{
	cleanup_free char *word = xasprintf("%s%s", prefix, value);

	return mount_draft_word(d, word, err);
}

static int set_relabel(struct mount_draft *d, const char *value, struct error *err)
{
	if (!is_equal(value, "shared") && !is_equal(value, "private"))
		return error_set(err, EINVAL, "relabel mount option must be 'private' or 'shared'");
	return mount_draft_word(d, is_equal(value, "shared") ? "z" : "Z", err);
}

static int set_source(struct mount_draft *d, const char *value, struct error *err)
{
	if (d->volume.kind == VOLUME_TMPFS)
		return error_set(err, EINVAL, "source is not supported with tmpfs mounts");
	if (d->volume.host_path || d->volume.image ||
	    (d->volume.source_name && !d->volume.anonymous))
		return error_set(err, EINVAL, "the source is given twice");
	if (d->volume.kind == VOLUME_HOST_PATH)
		return mount_draft_host(d, value, err);
	if (d->volume.kind == VOLUME_NAMED)
		return mount_draft_named(d, value, err);
	if (!*value)
		return error_set(err, EINVAL, "an image's name cannot be empty");
	d->volume.image = xstrdup(value);
	return 0;
}

static int set_target(struct mount_draft *d, const char *value, struct error *err)
{
	if (d->mount.target)
		return error_set(err, EINVAL, "the destination is given twice");
	return mount_draft_target(d, value, err);
}

static int set_subpath(struct mount_draft *d, const char *value, struct error *err)
{
	if (!*value || *value == '/' || d->mount.sub_path)
		return error_set(err, EINVAL, "'subpath' is one relative path");
	d->mount.sub_path = xstrdup(value);
	return 0;
}

static bool is_source_key(const char *key)
{
	return is_equal(key, "src") || is_equal(key, "source");
}

static bool is_target_key(const char *key)
{
	return is_equal(key, "dst") || is_equal(key, "target") || is_equal(key, "destination");
}

/* Keys that need a value. -ENOKEY: none of them. */
static int set_value(struct mount_draft *d, const char *key, const char *value, struct error *err)
{
	bool is_tmpfs = d->volume.kind == VOLUME_TMPFS;
	bool has_subpath = d->volume.kind == VOLUME_NAMED || d->volume.kind == VOLUME_IMAGE;

	if (is_source_key(key))
		return set_source(d, value, err);
	if (is_target_key(key))
		return set_target(d, value, err);
	if (is_equal(key, "bind-propagation") && !is_tmpfs)
		return mount_draft_word(d, value, err);
	if (is_equal(key, "relabel"))
		return set_relabel(d, value, err);
	if (is_equal(key, "consistency"))
		return mount_draft_word(d, value, err);
	if (is_tmpfs && (is_equal(key, "tmpfs-size") || is_equal(key, "tmpfs-mode")))
		return set_word(d, is_equal(key, "tmpfs-size") ? "size=" : "mode=", value, err);
	if (has_subpath && (is_equal(key, "subpath") || is_equal(key, "volume-subpath")))
		return set_subpath(d, value, err);
	return -ENOKEY;
}

/* The words of the group that a key with such a value stands for, and no others. */
static bool is_value_of(const char *key, const char *value)
{
	if (is_equal(key, "bind-propagation"))
		return is_suffix(value, "private") || is_suffix(value, "shared") ||
		       is_suffix(value, "slave") || is_suffix(value, "unbindable");
	if (is_equal(key, "consistency"))
		return is_equal(value, "consistent") || is_equal(value, "cached") ||
		       is_equal(value, "delegated") || is_equal(value, "default");
	return true;
}

static int set_pair(struct mount_draft *d, const char *key, const char *value, struct error *err)
{
	if (is_equal(key, "volume-opt") || is_equal(key, "volume-label") ||
	    is_equal(key, "volume-driver"))
		return error_set(err, EOPNOTSUPP,
				 "'%s' is not supported: make the volume first, by `volume create`",
				 key);
	if (is_equal(key, "idmap"))
		return set_word(d, value ? "idmap=" : "idmap", value ? value : "", err);
	for (size_t i = 0; i < ARRAY_SIZE(toggles); i++)
		if (is_equal(key, toggles[i].key))
			return set_toggle(d, &toggles[i], value, err);
	if (value && !is_value_of(key, value))
		return error_set(err, EINVAL, "%s: invalid value \"%.60s\"", key, value);
	if (value && is_equal(key, "consistency") && is_equal(value, "default"))
		return 0;
	if (value) {
		int r = set_value(d, key, value, err);

		if (r != -ENOKEY)
			return r;
	}
	return error_set(err, EINVAL, "%.60s: invalid mount option%s", key,
			 value ? "" : ", or one that needs a value");
}

static int set_kind(struct mount_draft *d, const char *type, struct error *err)
{
	static const struct {
		const char *name;
		int kind;
	} kinds[] = { { "bind", VOLUME_HOST_PATH },
		      { "volume", VOLUME_NAMED },
		      { "tmpfs", VOLUME_TMPFS },
		      { "image", VOLUME_IMAGE } };

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (is_equal(type, kinds[i].name)) {
			d->volume.kind = kinds[i].kind;
			return 0;
		}
	if (is_equal(type, "devpts") || is_equal(type, "ramfs") || is_equal(type, "glob"))
		return error_set(err, EOPNOTSUPP, "mounts of type \"%s\" are not supported", type);
	return error_set(err, EINVAL, "invalid filesystem type \"%.60s\"", type);
}

static int find_kind(struct mount_draft *d, const struct strlist *fields, struct error *err)
{
	const char *type = NULL;

	for (size_t i = 0; i < fields->n; i++) {
		if (!is_prefix(fields->v[i], "type="))
			continue;
		if (type)
			return error_set(err, EINVAL, "the type is given twice");
		type = fields->v[i] + strlen("type=");
	}
	if (!type)
		return error_set(err, EINVAL,
				 "incorrect mount format: should be --mount "
				 "type=<bind|tmpfs|volume|image>,[src=<host-dir|volume-name>,]"
				 "target=<ctr-dir>[,options]");
	return set_kind(d, type, err);
}

/* What must be there, and what follows when it is not. */
static int finish(struct mount_draft *d, struct error *err)
{
	struct strlist *options = &d->mount.options;

	if (!d->mount.target)
		return error_set(err, EINVAL, "must set volume destination");
	if (d->volume.kind == VOLUME_HOST_PATH && !d->volume.host_path)
		return mount_draft_host(d, d->mount.target, err);
	if (d->volume.kind == VOLUME_NAMED && !d->volume.source_name)
		return mount_draft_named(d, NULL, err);
	if (d->volume.kind != VOLUME_IMAGE)
		return 0;
	if (!d->volume.image)
		return error_set(err, EINVAL, "must set source and destination for an image");
	/* An image is read-only unless it was said otherwise: then its changes are thrown away. */
	d->mount.read_only = !is_equal(d->seen[DRAFT_ACCESS], "rw");
	if (!d->mount.read_only)
		strlist_add(options, "O");
	return 0;
}

int mount_words_mount(const char *text, struct pod_spec *pod, struct container_spec *c,
		      struct error *err)
{
	cleanup_mount_draft struct mount_draft d = { 0 };
	cleanup_strlist struct strlist fields = { 0 };
	int r = read_fields(text, &fields, err);

	if (r == 0)
		r = find_kind(&d, &fields, err);
	for (size_t i = 0; r == 0 && i < fields.n; i++) {
		cleanup_free char *key = xstrndup(fields.v[i], strcspn(fields.v[i], "="));
		const char *value = strchr(fields.v[i], '=');

		if (!is_prefix(fields.v[i], "type="))
			r = set_pair(&d, key, value ? value + 1 : NULL, err);
	}
	if (r == 0)
		r = finish(&d, err);
	return r < 0 ? r : mount_draft_add(&d, pod, c, err);
}

/* ---- --secret --------------------------------------------------------------------------- */

static int set_id(const char *word, const char *value, int64_t *ret, struct error *err)
{
	uint64_t id;

	if (parse_u64(value, UINT32_MAX - 1, &id) < 0)
		return error_set(err, EINVAL, "%s %.60s invalid: parsing secret", word, value);
	*ret = (int64_t)id;
	return 0;
}

static int set_mode(const char *value, struct opt_i64 *ret, struct error *err)
{
	size_t n = strlen(value);
	int64_t mode = 0;

	for (size_t i = 0; n > 0 && n < 8 && i < n; i++)
		mode = value[i] >= '0' && value[i] <= '7' ? mode * 8 + value[i] - '0'
							  : SECRET_MODE_MAX + 1;
	if (n == 0 || n >= 8 || mode > SECRET_MODE_MAX)
		return error_set(err, EINVAL, "mode %.60s invalid: parsing secret", value);
	*ret = (struct opt_i64){ true, mode };
	return 0;
}

static int set_secret_target(const char *value, struct secret_use *use, struct error *err)
{
	free(steal_ptr(&use->target));
	if (strlen(value) > MOUNT_TARGET_MAX)
		return error_set(err, EINVAL, "target %.60s... is too long: parsing secret", value);
	if (*value)
		use->target = xstrdup(value);
	return 0;
}

static int set_secret(const char *key, const char *value, struct secret_use *use, bool *ret_is_file,
		      struct error *err)
{
	if (is_equal(key, "source")) {
		free(use->name);
		use->name = xstrdup(value);
		return 0;
	}
	if (is_equal(key, "target"))
		return set_secret_target(value, use, err);
	if (is_equal(key, "type")) {
		use->env = is_equal(value, "env");
		return use->env || is_equal(value, "mount")
			       ? 0
			       : error_set(err, EINVAL, "type %.60s is invalid: parsing secret",
					   value);
	}
	*ret_is_file = true;
	if (is_equal(key, "uid"))
		return set_id("UID", value, &use->uid, err);
	if (is_equal(key, "gid"))
		return set_id("GID", value, &use->gid, err);
	if (is_equal(key, "mode"))
		return set_mode(value, &use->mode, err);
	return error_set(err, EINVAL, "option %.60s=%.60s invalid: parsing secret", key, value);
}

static bool has_parent_step(const char *path)
{
	for (; path; path = strchr(path, '/'), path = path ? path + 1 : NULL)
		if (is_equal(path, "..") || is_prefix(path, "../"))
			return true;
	return false;
}

static int check_secret(const struct secret_use *use, bool is_file, struct error *err)
{
	if (is_empty(use->name))
		return error_set(err, EINVAL, "no name of a secret given: parsing secret");
	if (use->env && is_file)
		return error_set(err, EINVAL,
				 "UID, GID, Mode options cannot be set with secret type env: "
				 "parsing secret");
	if (use->env && use->target && strchr(use->target, '='))
		return error_set(err, EINVAL,
				 "target %.60s invalid: '=' in the name of a variable: parsing "
				 "secret",
				 use->target);
	if (!use->env && use->target &&
	    (has_parent_step(use->target) || is_suffix(use->target, "/")))
		return error_set(err, EINVAL,
				 "target %.60s invalid: not a file below /run/secrets nor an "
				 "absolute path: parsing secret",
				 use->target);
	return 0;
}

static void secret_use_done(struct secret_use *use)
{
	free(use->name);
	free(use->target);
}

int mount_words_secret(const char *text, struct container_spec *c, struct error *err)
{
	cleanup(secret_use_done) struct secret_use use = { 0 };
	cleanup_strlist struct strlist fields = { 0 };
	bool is_file = false;
	int r = read_fields(text, &fields, err);

	for (size_t i = 0; r == 0 && i < fields.n; i++) {
		cleanup_free char *key = xstrndup(fields.v[i], strcspn(fields.v[i], "="));
		const char *value = strchr(fields.v[i], '=');

		if (!value && i == 0)
			use.name = xstrdup(key);
		else if (!value)
			r = error_set(err, EINVAL,
				      "option %.60s must be in form option=value: parsing secret",
				      key);
		else
			r = set_secret(key, value + 1, &use, &is_file, err);
	}
	if (r == 0)
		r = check_secret(&use, is_file, err);
	if (r < 0)
		return r;
	*list_add(&c->secrets) = use;
	use = (struct secret_use){ 0 };
	return 0;
}
