/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_manifest - manifests, indexes and configurations, alone and in an archive. The input is parts,
 * separated by NUL: the first is manifest.json (first byte 'd') or index.json (else), the second
 * "c", the rest blobs; every part is also there under its own digest, and read as a manifest. No
 * crash; an image that is taken has an id that is the digest of its configuration, and layers inside
 * the file; a manifest that is taken is within its limits, and what is written of it reads the same.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/base/fs.h"
#include "engine/image/load.h"
#include "engine/image/sha256.h"
#include "engine/image/tarball.h"
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

static void check(const struct load_plan *p, size_t size)
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
}

/* One part as what a registry might send. */
static void try_manifest(const uint8_t *data, size_t size)
{
	struct manifest m, again;
	struct error err;
	cleanup_free char *text = NULL;

	if (manifest_parse((const char *)data, size, NULL, &m, &err) < 0)
		return;
	if (m.kind == MANIFEST_IMAGE) {
		if (m.entries.n > MANIFEST_LAYERS_MAX)
			abort();
		text = manifest_write(&m);
		if (manifest_parse(text, strlen(text), NULL, &again, &err) < 0 ||
		    again.entries.n != m.entries.n ||
		    !is_digest_equal(&again.config.digest, &m.config.digest))
			abort();
		manifest_done(&again);
	} else {
		const struct manifest_entry *e;
		struct platform host;

		platform_host(&host);
		if (m.entries.n > MANIFEST_ENTRIES_MAX ||
		    (manifest_select(&m, &host, &e, &err) == 0 &&
		     (e < m.entries.v || e >= m.entries.v + m.entries.n)))
			abort();
		platform_done(&host);
	}
	manifest_done(&m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tarball t = TARBALL_INIT;
	struct load_plan p = { .v = NULL };
	struct source src;
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
		try_manifest(data + start, len);
		start += len + 1;
	}
	add(&t, "oci-layout", 0, 1);
	source_from_tarball(&src, &t);
	if (load_plan_read(&src, &(struct load_choice){ .ref = NULL }, &p, &err) == 0)
		check(&p, size);
	load_plan_done(&p);
	source_done(&src);
	tarball_close(&t);
	return 0;
}
