/* SPDX-License-Identifier: Apache-2.0 */
/*
 * volumedata - the content of a volume as a tar archive, and back.
 *
 * Theory of operation: the same children as for layers do the work. The unpacker (unpack.c) has the
 * volume's directory as its root, no network, and only capabilities for owners and modes; the packer
 * (pack.c) reads through descriptors that were opened without following, and stays on the file
 * system. xz and bzip2 are taken off by a child of their own (peel.c), which the unpacker reads from a
 * pipe: its own filter and its limits stay what they are for layers. So neither a hostile archive nor a container that swaps files for links meanwhile makes
 * them touch anything outside the volume.
 */
#include "engine/image/volumedata.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "engine/base/fs.h"
#include "engine/base/mem.h"
#include "engine/image/pack.h"
#include "engine/image/peel.h"
#include "engine/image/unpack.h"

static int unpack(int dirfd, int infd, struct error *err)
{
	cleanup_close int root = fs_reopen(dirfd, O_RDONLY | O_DIRECTORY, err);
	struct unpack_plan plan = {
		.fd = infd,
		.is_stream = true,
		.size = UNPACK_TO_END,
		.difffd = root,
		.splitfd = -1,
	};
	struct unpack_result result;
	struct job job = JOB_INIT;
	int r;

	if (root < 0)
		return root;
	layer_limits_default(&plan.layer);
	inflate_limits_default(&plan.inflate);
	plan.layer.is_plain = true;
	r = unpack_start(&plan, &job, err);
	if (r == 0)
		r = unpack_wait(&job, &result, err);
	if (r == 0 && result.stats.entries == 0 && result.size == 0)
		r = error_set(err, EBADMSG, "the archive is empty: unexpected end of file");
	return r;
}

/* infd's content without its xz or bzip2, through a pipe. */
static int unpack_peeled(int dirfd, int infd, struct error *err)
{
	cleanup_close int in = -EBADF, out = -EBADF;
	struct job peel = JOB_INIT;
	struct error why = { 0 }, scratch = { 0 };
	int ends[2], r, peeled;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_errno(err, "pipe");
	in = ends[0];
	out = ends[1];
	r = peel_start(infd, out, &peel, err);
	if (r < 0)
		return r;
	(void)close(steal_fd(&out));
	r = unpack(dirfd, in, &why);
	(void)close(steal_fd(&in)); /* who still writes is told so */
	peeled = peel_wait(&peel, &scratch);
	/* What the unpacker says of an archive that ended too early is the other's fault; that the
	 * unpacker read no more is not. */
	if (peeled < 0 && peeled != -EPIPE) {
		*err = scratch;
		return peeled;
	}
	if (r < 0)
		*err = why;
	return r;
}

int volumedata_import(int dirfd, int infd, struct error *err)
{
	return is_peelable(infd) ? unpack_peeled(dirfd, infd, err) : unpack(dirfd, infd, err);
}

int volumedata_export(int dirfd, int outfd, struct error *err)
{
	const struct pack_plan plan = { .treefd = dirfd,
					.splitfd = -1,
					.tree = { .timestamp_s = -1 },
					.kind = DEFLATE_NONE,
					.outfd = outfd };
	struct pack_result made;
	struct job job = JOB_INIT;
	int r = pack_start(&plan, &job, err);

	return r < 0 ? r : pack_wait(&job, &made, err);
}
