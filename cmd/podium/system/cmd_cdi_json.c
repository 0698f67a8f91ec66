/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cdi-json - YAML on stdin as JSON on stdout: a hidden command, run by podium-launch, which links no
 * parser of YAML, for specifications of CDI devices.
 *
 * Theory of operation: the reader of manifests makes a tree with its limits on size, depth and
 * aliases; the tree is written as JSON. A map with a key twice is an error there already.
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <unistd.h>

#include "cmd/podium/base/commands.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/rootfs/cdi.h"
#include "kube/document.h"
#include "kube/tree.h"

static int read_input(struct buf *b, struct error *err)
{
	char chunk[16384];
	ssize_t n;

	while ((n = read(STDIN_FILENO, chunk, sizeof(chunk))) > 0 && b->len <= CDI_SPEC_MAX)
		buf_add(b, chunk, (size_t)n);
	if (n < 0)
		return error_errno(err, "read");
	return b->len > CDI_SPEC_MAX ? error_set(err, EFBIG, "more than %d bytes", CDI_SPEC_MAX)
				     : 0;
}

static int run(struct command_context *ctx, void *options, int argc, char **argv, struct error *err)
{
	cleanup_buf struct buf b = BUF_INIT(CDI_SPEC_MAX + 16384);
	cleanup_doc_set struct doc_set set = { 0 };
	cleanup_json json_t *j = NULL;
	cleanup_free char *text = NULL;
	struct doc_place where;
	int r = read_input(&b, err);

	(void)ctx;
	(void)options;
	(void)argc;
	(void)argv;
	if (r == 0)
		r = document_parse(b.data ? b.data : "", b.len, &set, &where, err);
	if (r == 0 && set.n != 1)
		r = error_set(err, EINVAL, "%zu documents, not one", set.n);
	if (r < 0)
		return r;
	j = tree_to_json(set.v[0]);
	text = jdump_text(j, 0);
	return printf("%s\n", text) < 0 || fflush(stdout) != 0 ? error_errno(err, "write") : 0;
}

const struct command cmd_cdi_json = {
	.words = "cdi-json",
	.args = "",
	.summary = "YAML to JSON (run by the engine)",
	.store = COMMAND_NO_STORE,
	.run = run,
};
