/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pack - the process that turns a tree into a stream.
 *
 * Theory of operation:
 *
 *	tarout or tarsplit_rebuild -> sha256 (diff id) -> deflate -> sha256 (blob) -> outfd
 *
 * all in one child, several children side by side. What is in a layer came from somebody else, and a
 * container may change its tree while it is read: so the child's root is the tree, it may open files
 * below it, on a mount that is read-only, and write its one descriptor, and nothing else
 * (CAGE_PACK). The digests are for the parent to compare; it never reads the files itself.
 */
#include "engine/image/pack.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/fs.h"
#include "engine/image/cage.h"
#include "engine/image/sha256.h"
#include "engine/image/tarsplit.h"

#define OUT_BYTES (256 * 1024)

_Static_assert(sizeof(struct pack_result) <= JOB_DATA_MAX, "the result fits into a report");

struct packer {
	const struct pack_plan *plan;
	struct sha256 *diff;
	struct sha256 *blob;
	struct deflate *z;
	struct pack_result result;
	char *out;
	size_t out_len;
};

static int flush(struct packer *p, struct error *err)
{
	int r = p->out_len ? fs_write_all(p->plan->outfd, p->out, p->out_len) : 0;

	p->out_len = 0;
	return r < 0 ? error_set(err, -r, "write: %s", strerror(-r)) : 0;
}

static int take_blob(void *arg, const void *data, size_t len, struct error *err)
{
	struct packer *p = arg;
	const char *from = data;

	sha256_add(p->blob, data, len);
	p->result.blob_bytes += len;
	while (len) {
		size_t n = OUT_BYTES - p->out_len < len ? OUT_BYTES - p->out_len : len;
		int r = 0;

		memcpy(p->out + p->out_len, from, n);
		p->out_len += n;
		from += n;
		len -= n;
		if (p->out_len == OUT_BYTES)
			r = flush(p, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int take_tar(void *arg, const void *data, size_t len, struct error *err)
{
	struct packer *p = arg;

	sha256_add(p->diff, data, len);
	p->result.diff_bytes += len;
	return deflate_feed(p->z, data, len, take_blob, p, err);
}

static int run_pack(struct packer *p, int rootfd, struct error *err)
{
	int r = p->plan->splitfd >= 0 ? tarsplit_rebuild(p->plan->splitfd, rootfd, take_tar, p, err)
				      : tarout_stream(rootfd, &p->plan->tree, take_tar, p, err);

	if (r == 0)
		r = deflate_finish(p->z, take_blob, p, err);
	return r < 0 ? r : flush(p, err);
}

static int by_number(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/* Own mount, network and ipc namespaces, the tree as root; ids of podium-image; reads only. */
static int confine(const struct packer *p, int reportfd, int *ret_rootfd, struct error *err)
{
	int keep[4] = { p->plan->splitfd, p->plan->outfd, reportfd };
	int r = p->plan->place ? cage_enter_place(p->plan->place, err)
			       : cage_enter_root_readonly(p->plan->treefd, err);

	if (r < 0)
		return r;
	keep[3] = p->plan->place ? p->plan->treefd : open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (keep[3] < 0)
		return error_errno(err, "open the tree");
	*ret_rootfd = keep[3];
	qsort(keep, 4, sizeof(*keep), by_number);
	r = cage_close_others(keep, 4, err);
	return r < 0 ? r : cage_confine(CAGE_PACK, err);
}

static int pack_main(void *arg, int reportfd, struct job_report *report, struct error *err)
{
	struct packer p = { .plan = arg };
	int rootfd = -EBADF;
	int r = confine(&p, reportfd, &rootfd, err);

	if (r == 0)
		r = deflate_new(p.plan->kind, p.plan->level, &p.z, err);
	if (r < 0)
		return r;
	p.diff = sha256_new();
	p.blob = sha256_new();
	p.out = xmalloc(OUT_BYTES);
	r = run_pack(&p, rootfd, err);
	if (r < 0)
		return r;
	sha256_end(p.diff, &p.result.diff);
	sha256_end(p.blob, &p.result.blob);
	memcpy(report->data, &p.result, sizeof(p.result));
	return 0;
}

int pack_start(const struct pack_plan *plan, struct job *ret, struct error *err)
{
	return job_start(pack_main, (void *)(uintptr_t)plan, ret, err);
}

int pack_wait(struct job *j, struct pack_result *ret, struct error *err)
{
	struct job_report report;
	int r = job_wait(j, "the packer", &report, err);

	if (r == 0)
		memcpy(ret, report.data, sizeof(*ret));
	return r;
}
