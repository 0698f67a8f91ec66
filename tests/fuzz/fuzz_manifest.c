/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_manifest - manifests, indexes and configurations of an archive. The input is parts,
 * separated by NUL: the first is manifest.json (first byte 'd') or index.json (else), the second
 * "c", the rest blobs; every part is also there under its own digest. No crash; an image that is
 * taken has an id that is the digest of its configuration, and layers inside the file.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/base/fs.h"
#include "engine/image/load.h"
#include "engine/image/sha256.h"
#include "tests/fuzz/fuzz.h"

#define PARTS_MAX 8

static void add(struct tarball *t, const char *name, size_t offset, size_t size)
{
	*list_add(t) =
		(struct tarball_member){ .name = xstrdup(name), .offset = offset, .size = size };
}

static void add_part(struct tarball *t, size_t n, char first, const uint8_t *data, size_t offset,
		     size_t size)
{
	struct digest d;
	char hex[65], name[80];

	if (n == 0)
		add(t, first == 'd' ? "manifest.json" : "index.json", offset, size);
	if (n == 1)
		add(t, "c", offset, size);
	sha256_of(data + offset, size, &d);
	(void)snprintf(name, sizeof(name), "blobs/sha256/%s", digest_hex(&d, hex));
	add(t, name, offset, size);
}

static void check(const struct tarball *t, const struct load_plan *p, size_t size)
{
	for (size_t i = 0; i < p->n; i++) {
		struct digest d;
		char hex[65];

		sha256_of(p->v[i].config, p->v[i].config_len, &d);
		if (strcmp(digest_hex(&d, hex), p->v[i].id) != 0 ||
		    p->v[i].layers.n != p->v[i].facts.diff_ids.n)
			abort();
		for (size_t j = 0; j < p->v[i].layers.n; j++)
			if (p->v[i].layers.v[j].offset + p->v[i].layers.v[j].size > size)
				abort();
	}
	(void)t;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tarball t = TARBALL_INIT;
	struct load_plan p = { .v = NULL };
	struct error err;
	size_t start = 1;

	if (size < 2 || size > 1 << 16)
		return 0;
	t.fd = memfd_create("archive", MFD_CLOEXEC);
	if (t.fd < 0 || fs_write_all(t.fd, data, size) < 0)
		abort();
	for (size_t n = 0; n < PARTS_MAX && start < size; n++) {
		const uint8_t *nul = memchr(data + start, 0, size - start);
		size_t len = nul ? (size_t)(nul - data) - start : size - start;

		add_part(&t, n, (char)data[0], data, start, len);
		start += len + 1;
	}
	add(&t, "oci-layout", 0, 1);
	if (load_plan_read(&t, &p, &err) == 0)
		check(&t, &p, size);
	load_plan_done(&p);
	tarball_close(&t);
	return 0;
}
