/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mounts - RUN --mount=type=bind|cache|tmpfs,...
 *
 * Theory of operation: pairs between commas; each kind of mount knows its own, one that it does not
 * know is an error. What is to be mounted comes from the context, or by "from" from a stage or an
 * image. Secrets and agents (type=secret, type=ssh) are refused by name.
 */
#include <errno.h>
#include <string.h>

#include "engine/build/work.h"

static int set_number(const char *value, uint64_t max, unsigned base, int64_t *ret)
{
	uint64_t n = 0;

	if (!*value || strlen(value) > 20)
		return -EINVAL;
	for (; *value; value++) {
		if (*value < '0' || (unsigned)(*value - '0') >= base)
			return -EINVAL;
		n = n * base + (unsigned)(*value - '0');
		if (n > max)
			return -ERANGE;
	}
	*ret = (int64_t)n;
	return 0;
}

/* "64m": bytes, or k, m, g. */
static int set_size(const char *value, int64_t *ret)
{
	static const char units[] = "kmg";
	size_t len = strlen(value);
	const char *unit = len ? strchr(units, value[len - 1] | 0x20) : NULL;
	cleanup_free char *digits = xstrndup(value, unit && *unit ? len - 1 : len);
	int64_t n = 0;

	if (set_number(digits, UINT64_C(1) << 32, 10, &n) < 0)
		return -EINVAL;
	*ret = unit && *unit ? n << (10 * (unit - units + 1)) : n;
	return 0;
}

static int set_kind(const char *value, struct build_mount *m, struct error *err)
{
	static const char *const kinds[] = { "bind", "cache", "tmpfs" };

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (is_equal(value, kinds[i])) {
			m->kind = (enum build_mount_kind)i;
			return 0;
		}
	if (is_equal(value, "secret") || is_equal(value, "ssh"))
		return error_set(err, EOPNOTSUPP, "RUN --mount=type=%s is not supported", value);
	return error_set(err, EINVAL, "--mount: unknown type '%.50s'", value);
}

static int set_bool(const char *value, bool when_true, bool *ret)
{
	if (*value && !is_equal(value, "true") && !is_equal(value, "false"))
		return -EINVAL;
	*ret = is_equal(value, "false") ? !when_true : when_true;
	return 0;
}

static int set_text(const char *value, char **ret)
{
	if (!*value)
		return -EINVAL;
	free(*ret);
	*ret = xstrdup(value);
	return 0;
}

/* One pair. -ENOENT: the kind has no such key. */
static int set_pair(const char *key, const char *value, struct build_mount *m, char **from)
{
	bool is_bind = m->kind == BUILD_MOUNT_BIND, is_cache = m->kind == BUILD_MOUNT_CACHE;

	if (is_equal(key, "type"))
		return 0; /* read before */
	if (is_equal(key, "target") || is_equal(key, "dst") || is_equal(key, "destination"))
		return set_text(value, &m->target);
	if ((is_bind || is_cache) && (is_equal(key, "source") || is_equal(key, "src")))
		return set_text(value, &m->source);
	if ((is_bind || is_cache) && is_equal(key, "from"))
		return set_text(value, from);
	if (is_bind && (is_equal(key, "rw") || is_equal(key, "readwrite")))
		return set_bool(value, true, &m->is_writable);
	if (is_bind && (is_equal(key, "ro") || is_equal(key, "readonly")))
		return set_bool(value, false, &m->is_writable);
	if (is_cache && is_equal(key, "id"))
		return set_text(value, &m->cache_id);
	if (is_cache && is_equal(key, "sharing"))
		return is_equal(value, "shared") || is_equal(value, "private") ||
				       is_equal(value, "locked")
			       ? set_text(value, &m->sharing)
			       : -EINVAL;
	if (is_cache && is_equal(key, "uid"))
		return set_number(value, UINT32_MAX - 1, 10, &m->uid);
	if (is_cache && is_equal(key, "gid"))
		return set_number(value, UINT32_MAX - 1, 10, &m->gid);
	if (is_cache && is_equal(key, "mode"))
		return set_number(value, 07777, 8, &m->mode);
	if (m->kind == BUILD_MOUNT_TMPFS && is_equal(key, "size"))
		return set_size(value, &m->size_bytes);
	return -ENOENT;
}

static int read_kind(const char *text, struct build_mount *m, struct error *err)
{
	cleanup_free char *key = NULL;
	cleanup_free char *value = NULL;
	int r = 0;

	while (r == 0 && stage_take_pair(&text, &key, &value)) {
		if (is_equal(key, "type"))
			r = set_kind(value, m, err);
		free(steal_ptr(&key));
		free(steal_ptr(&value));
	}
	return r;
}

static int read_pairs(const struct expand *x, const char *text, struct build_mount *m, char **from,
		      struct error *err)
{
	cleanup_free char *key = NULL;
	cleanup_free char *value = NULL;
	int r = 0;

	while (r == 0 && stage_take_pair(&text, &key, &value)) {
		cleanup_free char *expanded = NULL;

		r = expand_word(x, value, &expanded, err);
		if (r == 0) {
			r = set_pair(key, expanded, m, from);
			if (r == -ENOENT)
				r = error_set(err, EINVAL, "--mount: no '%.50s' for this type",
					      key);
			else if (r < 0)
				r = error_set(err, EINVAL, "--mount: '%.50s' cannot be '%.100s'",
					      key, expanded);
		}
		free(steal_ptr(&key));
		free(steal_ptr(&value));
	}
	return r;
}

static int find_source(struct build *b, const char *from, size_t stage, struct build_mount *m,
		       struct error *err)
{
	if (from)
		return build_from_layers(b, from, stage, &m->layers, err);
	if (m->kind != BUILD_MOUNT_BIND)
		return 0;
	if (!b->context)
		return error_set(err, EINVAL, "--mount=type=bind: this build has no context");
	m->context = xstrdup(b->context);
	return 0;
}

int build_mount_parse(struct build *b, struct build_state *st, const char *text, size_t stage,
		      struct build_mount *ret, struct error *err)
{
	struct expand x = build_state_expand(st);
	struct build_mount m = { .uid = -1, .gid = -1, .mode = -1, .size_bytes = -1 };
	const char *workdir = st->conf.run.working_dir ? st->conf.run.working_dir : "/";
	cleanup_free char *from = NULL;
	int r = read_kind(text, &m, err);

	if (r == 0)
		r = read_pairs(&x, text, &m, &from, err);
	if (r == 0 && !m.target)
		r = error_set(err, EINVAL, "--mount needs a target");
	if (r == 0) {
		char *target = build_path_join(workdir, m.target);

		free(m.target);
		m.target = target;
		if (m.kind == BUILD_MOUNT_CACHE && !m.cache_id)
			m.cache_id = xstrdup(m.target);
		r = find_source(b, from, stage, &m, err);
	}
	if (r < 0)
		build_mount_done(&m);
	else
		*ret = m;
	return r;
}
