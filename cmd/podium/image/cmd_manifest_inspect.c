/* SPDX-License-Identifier: Apache-2.0 */
/*
 * manifest inspect - `podium manifest inspect NAME`: the index or manifest of an image as JSON.
 *
 * Theory of operation: an image of this store has kept the index that its manifest was chosen from,
 * or the manifest; these are shown as they came. For what is not here, or came from an archive that
 * has no manifest, the registry is asked by podium-image, which hands the bytes over in a file
 * without a name; nothing is stored.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cmd/podium/base/commands.h"
#include "cmd/podium/base/format.h"
#include "cmd/podium/image/imagejob.h"
#include "cmd/podium/image/regoptions.h"
#include "engine/base/json.h"
#include "engine/image/manifest.h"
#include "engine/image/store.h"

#define INDENT 4

struct manifest_options {
	struct reg_options reg;
};

#define O(m) offsetof(struct manifest_options, m)
static const struct option manifest_option_table[] = {
	OPTION_AUTHFILE(O(reg.authfile)),
	OPTION_CERT_DIR(O(reg.cert_dir)),
	OPTION_CREDS(O(reg.creds)),
	OPTION_TLS_VERIFY(O(reg.tls_verify)),
	OPTIONS_END,
};
#undef O

/* -ENOENT: the store has no document for the name. */
static int read_local(const struct store *s, const char *name, char **ret, size_t *ret_len,
		      struct error *err)
{
	cleanup_image_list struct image_list l = { .v = NULL };
	const struct image_info *info;
	int r = image_list(s, &l, err);

	if (r == 0)
		r = image_find(&l, name, &info, NULL, err);
	if (r < 0)
		return r;
	if (!info->list && !info->manifest)
		return error_set(err, ENOENT, "image '%.200s' came without a manifest", name);
	return image_read_manifest(s, info->list ? info->list : info->manifest, ret, ret_len, err);
}

static int read_remote(const struct store *s, const struct manifest_options *o, const char *name,
		       char **ret, size_t *ret_len, struct error *err)
{
	cleanup_json json_t *request = json_pack("{s:s}", "name", name);
	cleanup_close int file = memfd_create("manifest", MFD_CLOEXEC);
	cleanup_free char *text = xcalloc(1, MANIFEST_BYTES_MAX + 1);
	ssize_t n;
	int r;

	if (file < 0)
		return error_errno(err, "make a file in memory");
	reg_options_describe(&o->reg, request);
	r = imagejob_run(
		&(struct imagejob_spec){
			.verb = "manifest", .store = s, .request = request, .datafd = file },
		err);
	if (r < 0)
		return r;
	n = pread(file, text, MANIFEST_BYTES_MAX, 0);
	if (n < 0)
		return error_errno(err, "read what podium-image has fetched");
	*ret_len = (size_t)n;
	*ret = steal_ptr(&text);
	return 0;
}

static int run_inspect(struct command_context *ctx, void *options, int argc, char **argv,
		       struct error *err)
{
	cleanup_free char *text = NULL;
	cleanup_free char *shown = NULL;
	cleanup_json json_t *j = NULL;
	struct error scratch;
	size_t len = 0;
	int r = read_local(&ctx->store, argv[0], &text, &len, &scratch);

	(void)argc;
	if (r == -ENOENT)
		r = read_remote(&ctx->store, options, argv[0], &text, &len, err);
	else if (r < 0)
		*err = scratch;
	if (r == 0)
		r = jload_text(text, len, "manifest", &j, err);
	if (r < 0)
		return r;
	shown = jdump_text(j, INDENT);
	format_print_line(shown);
	return 0;
}

const struct command cmd_manifest_inspect = {
	.words = "manifest inspect",
	.args = "[options] IMAGE",
	.summary = "Show the index or manifest of an image",
	.details = "  From the store, or else from the registry.",
	.options = manifest_option_table,
	.options_size = sizeof(struct manifest_options),
	.min_args = 1,
	.max_args = 1,
	.store = COMMAND_WRITES,
	.run = run_inspect,
};
