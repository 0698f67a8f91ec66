/* SPDX-License-Identifier: Apache-2.0 */
/*
 * step - a RUN on its way from podium-image to podium, by one field table.
 *
 * Theory of operation: podium-image read what others wrote, so what it asks podium for is checked
 * again on arrival: digests, absolute paths, environment names, numbers. What a user name or a
 * network means is for the engine to say; it refuses what it does not know.
 */
#include "engine/build/step.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "engine/base/json.h"
#include "engine/base/record.h"

#define F(t, n, k, m, ...) RECORD_FIELD(t, k, n, m, __VA_ARGS__)
static const char *const mount_kind_names[] = { "bind", "cache", "tmpfs", NULL };
static const struct record_field mount_fields[] = {
	F(build_mount, "kind", RECORD_ENUM, kind, .names = mount_kind_names),
	F(build_mount, "target", RECORD_STRING, target),
	F(build_mount, "source", RECORD_STRING, source),
	F(build_mount, "context", RECORD_STRING, context),
	F(build_mount, "layers", RECORD_STRLIST, layers),
	F(build_mount, "cacheId", RECORD_STRING, cache_id),
	F(build_mount, "sharing", RECORD_STRING, sharing),
	F(build_mount, "uid", RECORD_I64, uid),
	F(build_mount, "gid", RECORD_I64, gid),
	F(build_mount, "mode", RECORD_I64, mode),
	F(build_mount, "size", RECORD_I64, size_bytes),
	F(build_mount, "writable", RECORD_BOOL, is_writable),
	{ .name = NULL },
};
static const struct record_type mount_type = { "mount", sizeof(struct build_mount), mount_fields };
static const struct record_field run_fields[] = {
	F(build_run_spec, "layers", RECORD_STRLIST, layers),
	F(build_run_spec, "argv", RECORD_STRLIST, argv),
	F(build_run_spec, "env", RECORD_STRLIST, env),
	F(build_run_spec, "user", RECORD_STRING, user),
	F(build_run_spec, "workdir", RECORD_STRING, workdir),
	F(build_run_spec, "network", RECORD_STRING, network),
	F(build_run_spec, "script", RECORD_STRING, script),
	F(build_run_spec, "addHosts", RECORD_STRLIST, add_hosts),
	F(build_run_spec, "capAdd", RECORD_STRLIST, cap_add),
	F(build_run_spec, "capDrop", RECORD_STRLIST, cap_drop),
	F(build_run_spec, "mounts", RECORD_LIST, mounts, .sub = &mount_type),
	{ .name = NULL },
};
static const struct record_type run_type = { "run", sizeof(struct build_run_spec), run_fields };
#undef F

void build_run_spec_done(struct build_run_spec *r)
{
	record_done(&run_type, r);
}

void build_mount_done(struct build_mount *m)
{
	record_done(&mount_type, m);
}

json_t *build_run_to_json(const struct build_run_spec *r)
{
	return record_dump(&run_type, r);
}

static int check_digests(const struct strlist *layers, struct error *err)
{
	struct digest d;

	for (size_t i = 0; i < layers->n; i++) {
		int r = digest_parse(layers->v[i], &d, err);

		if (r < 0)
			return error_wrap(err, "layers");
	}
	return 0;
}

static int check_mount(const struct build_mount *m, struct error *err)
{
	if (!m->target || m->target[0] != '/')
		return error_set(err, EBADMSG, "mount without an absolute target");
	if (m->context && m->context[0] != '/')
		return error_set(err, EBADMSG, "mount of a context that is not absolute");
	if (m->kind == BUILD_MOUNT_CACHE && is_empty(m->cache_id))
		return error_set(err, EBADMSG, "cache without an id");
	if (m->uid < -1 || m->uid > UINT32_MAX - 1 || m->gid < -1 || m->gid > UINT32_MAX - 1 ||
	    m->mode < -1 || m->mode > 07777 || m->size_bytes < -1)
		return error_set(err, EBADMSG, "number out of range");
	return check_digests(&m->layers, err);
}

static int check_run(const struct build_run_spec *run, struct error *err)
{
	int r = 0;

	if (!run->layers.n || !run->argv.n)
		return error_set(err, EBADMSG, "no layers or no command");
	if (run->workdir && run->workdir[0] != '/')
		return error_set(err, EBADMSG, "working directory is not absolute");
	for (size_t i = 0; i < run->env.n; i++) {
		const char *equals = strchr(run->env.v[i], '=');

		if (!equals || equals == run->env.v[i])
			return error_set(err, EBADMSG, "environment is not NAME=VALUE");
	}
	r = check_digests(&run->layers, err);
	for (size_t i = 0; r == 0 && i < run->mounts.n; i++) {
		r = check_mount(&run->mounts.v[i], err);
		if (r < 0)
			r = error_wrap(err, "mount %zu", i + 1);
	}
	return r;
}

int build_run_from_json(const json_t *j, struct build_run_spec *ret, struct error *err)
{
	int r = record_load(&run_type, j, ret, err);

	if (r == 0) {
		r = check_run(ret, err);
		if (r < 0)
			build_run_spec_done(ret);
	}
	return r < 0 ? error_wrap(err, "request to run") : 0;
}
