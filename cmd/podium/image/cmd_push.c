/* SPDX-License-Identifier: Apache-2.0 */
/*
 * push - `podium push IMAGE [DESTINATION]`: an image to a registry, an archive or a directory.
 *
 * Theory of operation: a destination is TRANSPORT:DETAILS, or a plain name, which is docker://NAME;
 * without one the image goes where its own name says. Registries are the verb "push" of podium-image,
 * files and directories the verb "save". Nothing is printed on stdout; --digestfile gets the digest of
 * the manifest at the destination.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "cmd/podium/base/commands.h"
#include "cmd/podium/image/imagejob.h"
#include "cmd/podium/base/outfile.h"
#include "cmd/podium/base/progress.h"
#include "cmd/podium/image/regoptions.h"
#include "engine/base/fs.h"
#include "engine/base/json.h"
#include "engine/image/reference.h"
#include "engine/state/eventlog.h"

struct push_command {
	struct reg_options reg;
	bool compress;
	const char *compression;
	struct option_int level;
	struct option_maybe content_trust;
	const char *digestfile;
	const char *format;
	bool quiet;
};

#define O(m) offsetof(struct push_command, m)
static const struct option push_option_table[] = {
	OPTION_AUTHFILE(O(reg.authfile)),
	OPTION_CERT_DIR(O(reg.cert_dir)),
	{ 0, "compress", OPTION_BOOL, O(compress), NULL, "Compress the layers in a dir: (by gzip)",
	  false },
	{ 0, "compression-format", OPTION_STRING, O(compression), "string",
	  "gzip (default) or zstd", false },
	{ 0, "compression-level", OPTION_INT, O(level), "int", "1 to 9 for gzip, 1 to 19 for zstd",
	  false },
	OPTION_CREDS(O(reg.creds)),
	OPTION_CONTENT_TRUST(O(content_trust)),
	{ 0, "digestfile", OPTION_STRING, O(digestfile), "string",
	  "Write the digest of the pushed manifest to this file", false },
	{ 'f', "format", OPTION_STRING, O(format), "string",
	  "Kind of manifest: oci or v2s2 (default: as the image came)", false },
	{ 'q', "quiet", OPTION_BOOL, O(quiet), NULL, "Say nothing", false },
	OPTION_REFUSE(0, "remove-signatures", "images are kept without signatures"),
	OPTION_REFUSE(0, "sign-by", "images are not signed"),
	OPTION_REFUSE(0, "sign-by-sigstore-private-key", "images are not signed"),
	OPTION_REFUSE(0, "sign-passphrase-file", "images are not signed"),
	OPTION_TLS_VERIFY(O(reg.tls_verify)),
	OPTIONS_END,
};

/* Where an image goes. */
struct place {
	const char *transport; /* row of the table below, without ':' */
	const char *save;      /* format of the verb save, or NULL: a registry */
	char *path;	       /* REGISTRY: reference or NULL; else file or directory */
	char *ref;	       /* name inside, or NULL */
};
static void place_done(struct place *p)
{
	free(p->path);
	free(p->ref);
}

static int find_transport(const char *text, struct place *ret, const char **ret_rest,
			  struct error *err)
{
	static const struct place known[] = {
		{ .transport = "docker", .save = NULL },
		{ .transport = "oci", .save = "oci-dir" },
		{ .transport = "oci-archive", .save = "oci-archive" },
		{ .transport = "docker-archive", .save = "docker-archive" },
		{ .transport = "dir", .save = "docker-dir" },
	};
	static const char *const refused[] = { "docker-daemon", "containers-storage", "ostree",
					       "sif", "tarball" };
	size_t len = strcspn(text, ":");

	*ret = known[0];
	*ret_rest = text;
	for (size_t i = 0; text[len] && i < ARRAY_SIZE(refused); i++)
		if (strlen(refused[i]) == len && memcmp(refused[i], text, len) == 0)
			return error_set(err, EPROTONOSUPPORT,
					 "push to '%s:' is not supported: docker://, oci:, "
					 "oci-archive:, docker-archive: and dir: are",
					 refused[i]);
	for (size_t i = 0; text[len] && i < ARRAY_SIZE(known); i++) {
		/* "docker:5000/x" is a registry on a host called docker. */
		bool is_docker = i == 0;

		if (strlen(known[i].transport) != len ||
		    memcmp(known[i].transport, text, len) != 0 ||
		    (is_docker && !is_prefix(text + len, "://")))
			continue;
		*ret = known[i];
		*ret_rest = text + len + (is_docker ? strlen("://") : 1);
	}
	return 0;
}

/* "PATH[:NAME]" of an archive or a layout. */
static int take_path(struct place *p, const char *rest, struct error *err)
{
	const char *colon = is_equal(p->transport, "dir") ? NULL : strchr(rest, ':');
	char full[REFERENCE_MAX + 1];
	int r = 0;

	p->path = colon ? xstrndup(rest, (size_t)(colon - rest)) : xstrdup(rest);
	if (!*p->path)
		return error_set(err, EINVAL, "'%s:' needs a path", p->transport);
	if (!colon)
		return 0;
	if (is_equal(p->transport, "docker-archive")) {
		struct reference ref;

		r = reference_parse(colon + 1, &ref, err);
		p->ref = r == 0 ? xstrdup(reference_format(&ref, full)) : NULL;
	} else {
		p->ref = xstrdup(colon + 1);
	}
	return r;
}

static int read_place(const char *text, struct place *ret, struct error *err)
{
	const char *rest = NULL;
	int r;

	*ret = (struct place){ .transport = "docker" };
	if (!text)
		return 0;
	r = find_transport(text, ret, &rest, err);
	if (r == 0 && ret->save)
		return take_path(ret, rest, err);
	if (r == 0)
		ret->path = xstrdup(rest);
	return r;
}

static int check_format(const struct push_command *o, const struct place *p, struct error *err)
{
	bool is_oci = is_equal(p->save, "oci-dir") || is_equal(p->save, "oci-archive");

	if (!o->format)
		return 0;
	if (is_equal(o->format, "v2s1"))
		return error_set(err, EPROTONOSUPPORT,
				 "format v2s1 is not written any more: use v2s2 or oci");
	if (!is_equal(o->format, "oci") && !is_equal(o->format, "v2s2"))
		return error_set(err, EINVAL, "--format '%.50s': write oci or v2s2", o->format);
	if ((is_oci && !is_equal(o->format, "oci")) ||
	    (is_equal(p->save, "docker-archive") && !is_equal(o->format, "v2s2")))
		return error_set(err, EINVAL, "'%s:' cannot hold format %s", p->transport,
				 o->format);
	return 0;
}

static int check_options(const struct push_command *o, const struct place *p, struct error *err)
{
	const char *c = o->compression;

	if (is_equal(c, "zstd:chunked"))
		return error_set(
			err, EPROTONOSUPPORT,
			"--compression-format zstd:chunked is not written: use zstd, which "
			"everybody reads who reads that");
	if (c && !is_equal(c, "gzip") && !is_equal(c, "zstd"))
		return error_set(err, EINVAL, "--compression-format '%.50s': write gzip or zstd",
				 c);
	if (o->compress && !is_equal(p->transport, "dir"))
		return error_set(err, EINVAL, "--compress is for destinations 'dir:'");
	if ((c || o->level.set) && is_equal(p->save, "docker-archive"))
		return error_set(err, EINVAL, "the layers of a docker-archive are not compressed");
	if (is_equal(p->save, "docker-archive") && o->digestfile)
		return error_set(err, EINVAL,
				 "a docker-archive has no manifest with a digest: "
				 "leave out --digestfile");
	if (is_equal(c, "zstd") && is_equal(p->save, "docker-dir") && !is_equal(o->format, "oci"))
		return error_set(
			err, EINVAL,
			"format v2s2 knows no layers compressed by zstd: use --format oci");
	if (o->level.set && (o->level.value < 1 || o->level.value > (is_equal(c, "zstd") ? 19 : 9)))
		return error_set(err, EINVAL, "--compression-level is from 1 to %d",
				 is_equal(c, "zstd") ? 19 : 9);
	return check_format(o, p, err);
}

/* ---- running ---------------------------------------------------------------------------- */

struct pushing {
	struct progress *progress;
	char *digest; /* of the manifest */
};

static int on_event(struct imagejob *job, void *arg, const char *event, const json_t *j,
		    struct error *err)
{
	struct pushing *p = arg;
	const char *text = jget_str(j, "text");

	(void)job;
	(void)err;
	if (is_equal(event, "say") && text)
		progress_say(p->progress, text);
	if (is_equal(event, "pushed") || is_equal(event, "saved")) {
		free(p->digest);
		p->digest = xstrdup_or_null(jget_str(j, "digest"));
	}
	return 0;
}

static json_t *describe_push(const struct push_command *o, const char *image, const char *where)
{
	json_t *j = json_object();

	jset_str(j, "image", image);
	jset_str(j, "destination", where);
	jset_str(j, "format", o->format);
	jset_str(j, "compression", o->compression);
	reg_options_describe(&o->reg, j);
	if (o->level.set)
		(void)json_object_set_new(j, "level", json_integer(o->level.value));
	return j;
}

static json_t *describe_save(const struct push_command *o, const char *image, const struct place *p)
{
	bool is_plain = is_equal(p->save, "docker-dir") && !o->compress && !o->compression;
	json_t *j = json_pack("{s:s, s:[s], s:s, s:b}", "format", p->save, "images", image,
			      "compression",
			      is_plain	       ? "none"
			      : o->compression ? o->compression
					       : "gzip",
			      "oci", is_equal(o->format, "oci"));

	/* What is written into a place without a name has none there, as Podman has it. */
	jset_str(j, "ref", p->ref ? p->ref : "");
	if (o->level.set)
		(void)json_object_set_new(j, "level", json_integer(o->level.value));
	return j;
}

static int open_place(const struct place *p, struct outfile *ret, struct error *err)
{
	if (!p->save)
		return 0;
	if (is_suffix(p->save, "-dir"))
		return outfile_open_dir(p->path, is_equal(p->save, "docker-dir"), ret, err);
	return outfile_open(p->path, ret, err);
}

static int push_to(struct command_context *ctx, const struct push_command *o, const char *image,
		   const struct place *p, struct error *err)
{
	cleanup_progress struct progress *progress = progress_new(o->quiet);
	cleanup_outfile struct outfile out = OUTFILE_INIT;
	cleanup_json json_t *request =
		p->save ? describe_save(o, image, p) : describe_push(o, image, p->path);
	struct pushing pushing = { .progress = progress };
	int r = open_place(p, &out, err);

	if (r == 0)
		r = imagejob_run(&(struct imagejob_spec){ .verb = p->save ? "save" : "push",
							  .store = &ctx->store,
							  .request = request,
							  .datafd = p->save ? out.fd : -1,
							  .on_event = on_event,
							  .progress = progress,
							  .arg = &pushing },
				 err);
	if (r == 0)
		outfile_keep(&out);
	if (r == 0 && o->digestfile)
		r = fs_write_atomic(AT_FDCWD, o->digestfile, pushing.digest ? pushing.digest : "",
				    pushing.digest ? strlen(pushing.digest) : 0, 0644, FS_NOSYNC,
				    err);
	free(pushing.digest);
	return r;
}

static int run_push(struct command_context *ctx, void *options, int argc, char **argv,
		    struct error *err)
{
	const struct push_command *o = options;
	struct place p = { .path = NULL };
	int r = content_trust_check(&o->content_trust, err);

	if (r == 0)
		r = read_place(argc > 1 ? argv[1] : NULL, &p, err);
	if (r == 0)
		r = check_options(o, &p, err);
	if (r == 0)
		r = push_to(ctx, o, argv[0], &p, err);
	if (r == 0)
		event_log_image(&ctx->store, "push", NULL, argv[0]);
	place_done(&p);
	return r;
}

const struct command cmd_push = {
	.words = "push",
	.args = "[options] IMAGE [DESTINATION]",
	.summary = "Send an image to a registry, an archive or a directory",
	.details = "DESTINATION: [docker://]NAME, oci:DIR[:TAG], oci-archive:FILE[:TAG],\n"
		   "docker-archive:FILE[:NAME], dir:DIR. Without one: where the image's name says.",
	.options = push_option_table,
	.options_size = sizeof(struct push_command),
	.min_args = 1,
	.max_args = 2,
	.store = COMMAND_WRITES,
	.run = run_push,
};
