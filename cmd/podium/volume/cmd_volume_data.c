/* SPDX-License-Identifier: Apache-2.0 */
/*
 * volume import, export, mount, unmount - the content of volumes.
 *
 * Theory of operation: archives are read and written by podium-image, whose confined children have
 * the volume's directory as their root (engine/image/volumedata.h): neither an archive nor what a
 * container puts into the volume meanwhile reaches anything else. An export to a file is written
 * beside it and renamed when it is whole. The content of a volume is a directory already; mount says
 * where, and mounts what its driver's options say.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/podium/base/commands.h"
#include "cmd/podium/base/outfile.h"
#include "cmd/podium/image/imagejob.h"
#include "cmd/podium/volume/volumes.h"
#include "engine/base/fs.h"
#include "engine/base/json.h"
#include "engine/volumes/driver.h"

static int find(const struct store *s, const char *word, char **ret, struct error *err)
{
	struct error why = { 0 };
	int r = volume_resolve(s, word, ret, &why);

	if (r == -ENOENT)
		return error_set(err, ENOENT, "no such volume %.200s", word);
	if (r < 0)
		*err = why;
	return r;
}

static int move(const struct store *s, const char *verb, const char *name, int datafd,
		struct error *err)
{
	cleanup_json json_t *request = json_pack("{s:s}", "volume", name);

	return imagejob_run(
		&(struct imagejob_spec){
			.verb = verb, .store = s, .request = request, .datafd = datafd },
		err);
}

/* ---- import ----------------------------------------------------------------------------- */

static int open_archive(const char *source, struct error *err)
{
	int fd;

	if (is_equal(source, "-") && isatty(STDIN_FILENO))
		return error_set(err, EINVAL, "cannot read from a terminal: use redirection");
	fd = is_equal(source, "-") ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
				   : open(source, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	return fd < 0 ? error_errno(err, "open %.300s", source) : fd;
}

static int run_import(struct command_context *ctx, void *options, int argc, char **argv,
		      struct error *err)
{
	cleanup_free char *name = NULL;
	cleanup_close int fd = -EBADF;
	int r = find(&ctx->store, argv[0], &name, err);

	(void)options;
	(void)argc;
	if (r < 0)
		return r;
	fd = open_archive(argv[1], err);
	return fd < 0 ? fd : move(&ctx->store, "volume-import", name, fd, err);
}

/* ---- export ----------------------------------------------------------------------------- */

struct export_command {
	const char *output;
};
static const struct option export_option_table[] = {
	{ 'o', "output", OPTION_STRING, offsetof(struct export_command, output), "file",
	  "Where to (default: standard output, which must not be a terminal)", false },
	OPTIONS_END,
};

/* A regular file that is there is replaced, when all is written. */
static bool is_replaced(const char *path)
{
	struct stat st;

	return path && lstat(path, &st) == 0 && S_ISREG(st.st_mode);
}

static int run_export(struct command_context *ctx, void *options, int argc, char **argv,
		      struct error *err)
{
	const struct export_command *o = options;
	const char *path = is_equal(o->output, "/dev/stdout") ? NULL : o->output;
	bool is_replacing = is_replaced(path);
	char id[65];
	cleanup_free char *name = NULL;
	cleanup_free char *beside = NULL;
	cleanup_outfile struct outfile out = OUTFILE_INIT;
	int r = find(&ctx->store, argv[0], &name, err);

	(void)argc;
	id_new(id);
	if (is_replacing)
		beside = xasprintf("%s.%.8s", path, id);
	if (r == 0)
		r = outfile_open(is_replacing ? beside : path, &out, err);
	if (r == 0)
		r = move(&ctx->store, "volume-export", name, out.fd, err);
	if (r == 0 && is_replacing && rename(beside, path) < 0)
		r = error_errno(err, "replace '%.200s'", path);
	if (r == 0)
		outfile_keep(&out);
	return r;
}

/* ---- mount ------------------------------------------------------------------------------ */

static int run_mount(struct command_context *ctx, void *options, int argc, char **argv,
		     struct error *err)
{
	cleanup_named_volume struct named_volume v = { 0 };
	cleanup_free char *name = NULL;
	cleanup_free char *at = NULL;
	int r = volume_resolve(&ctx->store, argv[0], &name, err);

	(void)options;
	(void)argc;
	if (r == 0)
		r = named_volume_read(&ctx->store, name, &v, err);
	if (r == 0 && has_driver_mount(&v))
		r = volume_driver_mount(&ctx->store, &v, err);
	if (r < 0)
		return r;
	at = volume_mountpoint(&ctx->store, &v);
	printf("%s\n", at);
	return 0;
}

static int run_unmount(struct command_context *ctx, void *options, int argc, char **argv,
		       struct error *err)
{
	cleanup_free char *name = NULL;
	int r = volume_resolve(&ctx->store, argv[0], &name, err);

	(void)options;
	(void)argc;
	if (r == 0)
		r = volume_driver_unmount(&ctx->store, name, err);
	if (r >= 0)
		printf("%s\n", argv[0]);
	return r < 0 ? r : 0;
}

static int run_reload(struct command_context *ctx, void *options, int argc, char **argv,
		      struct error *err)
{
	(void)ctx;
	(void)options;
	(void)argc;
	(void)argv;
	return error_set(err, EOPNOTSUPP,
			 "volume reload is not supported: there are no volume plugins");
}

const struct command cmd_volume_import = {
	.words = "volume import",
	.args = "VOLUME SOURCE|-",
	.summary = "Unpack a tar archive into a volume",
	.details = "  The archive may be compressed by gzip, zstd, xz or bzip2.\n",
	.min_args = 2,
	.max_args = 2,
	.store = COMMAND_WRITES,
	.run = run_import,
};

const struct command cmd_volume_export = {
	.words = "volume export",
	.args = "[options] VOLUME",
	.summary = "Write the content of a volume as a tar archive",
	.options = export_option_table,
	.options_size = sizeof(struct export_command),
	.min_args = 1,
	.max_args = 1,
	.store = COMMAND_WRITES,
	.run = run_export,
};

const struct command cmd_volume_mount = {
	.words = "volume mount",
	.args = "VOLUME",
	.summary = "Print where the content of a volume is",
	.min_args = 1,
	.max_args = 1,
	.store = COMMAND_WRITES,
	.run = run_mount,
};

const struct command cmd_volume_unmount = {
	.words = "volume unmount",
	.args = "VOLUME",
	.summary = "Unmount what the options of a volume have mounted",
	.min_args = 1,
	.max_args = 1,
	.store = COMMAND_WRITES,
	.run = run_unmount,
};

const struct command cmd_volume_reload = {
	.words = "volume reload",
	.args = "",
	.summary = "Not supported: there are no volume plugins",
	.max_args = 0,
	.run = run_reload,
};
