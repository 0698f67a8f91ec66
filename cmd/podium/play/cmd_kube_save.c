/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kube save - manifests and all their images in one archive.
 *
 * Theory of operation: the manifests are checked as kube play would, images that are missing are
 * built or pulled, and then one file is written: the manifests, joined, as the member kube.yaml,
 * and behind it what `podium save` of all the images writes (kube_archive.h). `kube play` of that
 * file needs no registry. The manifests go in as they were written.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/podium/base/command.h"
#include "cmd/podium/base/commands.h"
#include "cmd/podium/image/imagejob.h"
#include "cmd/podium/play/kube_archive.h"
#include "cmd/podium/play/kube_input.h"
#include "cmd/podium/base/outfile.h"
#include "cmd/podium/play/play_build.h"
#include "cmd/podium/play/play_images.h"
#include "cmd/podium/base/progress.h"
#include "engine/base/fs.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/image/store.h"

#define TEXT_MAX (16 * 1024 * 1024)

struct kube_save_options {
	const char *output;
	const char *context_dir;
	struct option_maybe build;
	bool quiet;
	struct pull_options pull;
};
#define O(m) offsetof(struct kube_save_options, m)

static const struct option option_table[] = {
	OPTION_AUTHFILE(O(pull.reg.authfile)),
	{ 0, "build", OPTION_MAYBE, O(build), NULL,
	  "Build the images that have a folder of their name (default: those that are missing)",
	  false },
	OPTION_CERT_DIR(O(pull.reg.cert_dir)),
	{ 0, "context-dir", OPTION_STRING, O(context_dir), "path",
	  "Where those folders are (default: beside the manifest)", false },
	OPTION_CREDS(O(pull.reg.creds)),
	{ 'o', "output", OPTION_STRING, O(output), "file", "Write to this file (default: stdout)",
	  false },
	{ 'q', "quiet", OPTION_BOOL, O(quiet), NULL, "No progress", false },
	OPTION_TLS_VERIFY(O(pull.reg.tls_verify)),
	OPTIONS_END,
};

/* ---- manifests -------------------------------------------------------------------------- */

/* One file's text behind what is there. */
static int add_file(struct buf *b, const char *path, struct error *err)
{
	cleanup_free char *text = NULL;
	size_t len = 0;
	int r = fs_read_file(AT_FDCWD, path, TEXT_MAX, &text, &len, err);

	if (r < 0)
		return r;
	if (b->len)
		buf_adds(b, b->data[b->len - 1] == '\n' ? "---\n" : "\n---\n");
	buf_add(b, text, len);
	return b->overflow ? error_set(err, E2BIG, "manifests of more than %d bytes", TEXT_MAX) : 0;
}

static int read_manifests(int argc, char **argv, struct buf *ret_text, struct kube_result *ret,
			  struct error *err)
{
	const struct kube_input how = { .strict = false };
	int r;

	for (int i = 0; i < argc; i++) {
		cleanup_free char *text = NULL;
		size_t len;

		if (is_equal(argv[i], "-"))
			return error_set(err, EINVAL,
					 "manifests are read twice: name files, not '-'");
		r = kube_archive_read(argv[i], &text, &len, err);
		if (r != 0)
			return r < 0 ? r
				     : error_set(err, EINVAL,
						 "'%.300s' is an archive of an application already",
						 argv[i]);
	}
	r = kube_input_read(argc, argv, &how, ret, err);
	for (int i = 0; i < argc && r == 0; i++)
		r = add_file(ret_text, argv[i], err);
	return r;
}

/* ---- images ----------------------------------------------------------------------------- */

/* Those that are here: they are taken as they are. */
static void list_present(const struct store *s, const struct kube_result *result,
			 struct strlist *ret)
{
	for (size_t i = 0; i < kube_plan_count(result); i++) {
		cleanup_free struct play_use *uses = NULL;
		size_t n = play_images_uses(kube_plan_at(result, i), &uses);

		for (size_t k = 0; k < n; k++) {
			struct image_config config = { .id = NULL };
			struct error scratch; /* it is pulled then */

			if (strlist_has(ret, uses[k].image))
				continue;
			if (image_resolve(s, uses[k].image, &config, &scratch) == 0)
				strlist_add(ret, uses[k].image);
			record_done(&image_config_type, &config);
		}
	}
}

static int pull_missing(const struct store *s, const struct kube_save_options *o,
			const struct kube_result *result, struct play_images *pulled,
			struct error *err)
{
	cleanup_strlist struct strlist present = { .v = NULL };
	cleanup_close int lock = image_lock(s, LOCK_SHARED, err);
	int r = lock < 0 ? lock : 0;

	if (r == 0) {
		list_present(s, result, &present);
		r = play_images_choose(s, result, &present, pulled, err);
	}
	if (r < 0 || !pulled->n)
		return r;
	(void)close(steal_fd(&lock));
	return play_images_pull(s, &o->pull, o->quiet, pulled, err);
}

static int list_image(const struct store *s, const struct play_use *use, const char *name,
		      struct strlist *names, json_t *ret, struct error *err)
{
	struct image_config config = { .id = NULL };
	int r = image_resolve(s, name, &config, err);

	if (r == 0 && strstr(use->image, "@sha256:"))
		r = error_set(err, ENOTSUP,
			      "its name is a digest, which an archive of images does not keep: use "
			      "a tag");
	if (r == 0 && !strlist_has(names, config.reference)) {
		strlist_add(names, config.reference);
		(void)json_array_append_new(ret, json_string(config.reference));
	}
	record_done(&image_config_type, &config);
	if (r < 0)
		return error_wrap(err, "pod '%s': %s '%s': image '%.200s'",
				  kube_plan_word(use->pod), use->kind, use->name, use->image);
	return 0;
}

/* The names to save: canonical, each once. */
static int list_images(const struct store *s, const struct kube_result *result,
		       const struct play_images *pulled, json_t *ret, struct error *err)
{
	cleanup_strlist struct strlist names = { .v = NULL };

	for (size_t i = 0; i < kube_plan_count(result); i++) {
		cleanup_free struct play_use *uses = NULL;
		size_t n = play_images_uses(kube_plan_at(result, i), &uses);

		for (size_t k = 0; k < n; k++) {
			int r = list_image(s, &uses[k], play_images_name(pulled, uses[k].image),
					   &names, ret, err);

			if (r < 0)
				return r;
		}
	}
	return 0;
}

/* ---- the archive ------------------------------------------------------------------------ */

static int write_images(const struct store *s, const struct kube_save_options *o, json_t *images,
			int fd, struct error *err)
{
	cleanup_progress struct progress *progress = progress_new(o->quiet);
	cleanup_json json_t *request =
		json_pack("{s:s, s:O, s:[], s:s}", "format", "docker-archive", "images", images,
			  "tags", "compression", "none");

	return imagejob_run(&(struct imagejob_spec){ .verb = "save",
						     .store = s,
						     .request = request,
						     .datafd = fd,
						     .progress = progress },
			    err);
}

static int run(struct command_context *ctx, void *options, int argc, char **argv, struct error *err)
{
	const struct kube_save_options *o = options;
	cleanup_kube_result struct kube_result result = { 0 };
	cleanup_play_images struct play_images pulled = { 0 };
	cleanup_outfile struct outfile out = OUTFILE_INIT;
	cleanup_buf struct buf text = BUF_INIT(TEXT_MAX);
	cleanup_strlist struct strlist built = { .v = NULL };
	cleanup_json json_t *images = json_array();
	int r = read_manifests(argc, argv, &text, &result, err);

	if (r != 0)
		return r;
	r = play_build(ctx,
		       &(struct play_build_options){ .build = o->build,
						     .context_dir = o->context_dir,
						     .pull = &o->pull,
						     .quiet = o->quiet },
		       &result, &built, err);
	if (r == 0)
		r = pull_missing(&ctx->store, o, &result, &pulled, err);
	if (r == 0)
		r = list_images(&ctx->store, &result, &pulled, images, err);
	if (r == 0)
		r = outfile_open(is_equal(o->output, "-") ? NULL : o->output, &out, err);
	if (r == 0)
		r = kube_archive_begin(out.fd, text.data ? text.data : "", text.len, err);
	if (r == 0)
		r = write_images(&ctx->store, o, images, out.fd, err);
	if (r == 0)
		outfile_keep(&out);
	return r;
}

const struct command cmd_kube_save = {
	.words = "kube save",
	.args = "[options] FILE [FILE...]",
	.summary = "Save Kubernetes YAML and all its images as one archive",
	.details = "  podium kube play ARCHIVE plays it without a registry.",
	.options = option_table,
	.options_size = sizeof(struct kube_save_options),
	.min_args = 1,
	.max_args = -1,
	.store = COMMAND_WRITES,
	.run = run,
};
