/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_imagelies - what a registry may say that is not so: each byte changed, each size wrong, blobs
 * that end too early, too many layers, layers that are elsewhere. Nothing of it comes into the store.
 *
 * REG-2, REG-8, rows 19 and 20; tests/support/pullbed.h has the registry and the store.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/str.h"
#include "tests/support/cunit_main.h"
#include "tests/support/pullbed.h"

/* ---- what lies (REG-8, rows 19 and 20) -------------------------------------------------- */

static void answer(const char *path, const void *body, size_t len, const char *headers)
{
	fakeregistry_answer(bed_server,
			    &(struct fake_answer){
				    .path = path, .headers = headers, .body = body, .len = len });
}

/* An object is another one by one byte: configuration, layer, manifest of an index. */
static void test_lies(void)
{
	struct made_image m = { .compression = MADE_PLAIN };
	struct served_image s = { .n = 0 };
	cleanup_free char *config = NULL, *layer = NULL, *manifest = NULL, *entry = NULL;
	cleanup_free char *changed = NULL, *type = NULL;
	char digest[72];
	struct pulled o;

	bed_drop();
	bed_fill(&m, 2, 3000, 9);
	served_make(&s, &m);
	served_publish(&s, bed_server, "lies", "1");
	config = xasprintf("/v2/lies/blobs/%s", s.config_digest);
	layer = xasprintf("/v2/lies/blobs/%s", s.layer_digests[1]);
	manifest = xasprintf("/v2/lies/manifests/%s", s.digest);
	/* a byte of a file's content: the tar is as good as before */
	s.layers[1].data[s.layers[1].len - 2000] ^= 1;
	answer(layer, s.layers[1].data, s.layers[1].len, NULL);
	s.layers[1].data[s.layers[1].len - 2000] ^= 1;
	o = bed_pull("lies:1");
	bed_expect_refused(&o, EBADMSG, "digest");
	CU_ASSERT_TRUE(bed_layers("complete") <= 1);
	CU_ASSERT_EQUAL(bed_layers(NULL), bed_layers("complete"));
	o = bed_pull_as("lies:1", PULL_ALWAYS, "PODIUM_WEAKEN=LAYER-DIGEST");
	bed_expect_pulled(&o);
	bed_drop();
	served_publish(&s, bed_server, "lies", "1");
	/* the configuration */
	changed = xstrndup(s.config.data, s.config.len);
	*strstr(changed, "2024") = '3';
	answer(config, changed, s.config.len, NULL);
	o = bed_pull("lies:1");
	bed_expect_refused(&o, EBADMSG, NULL);
	CU_ASSERT_EQUAL(bed_layers(NULL), 0);
	served_publish(&s, bed_server, "lies", "1");
	/* a manifest that an index names */
	entry = served_entry(&s, "\"os\":\"linux\",\"architecture\":\"amd64\"");
	bed_index("lies", "2", MEDIA_OCI_INDEX, entry, digest);
	free(changed);
	changed = xasprintf("%s ", s.manifest.data);
	type = xasprintf("Content-Type: %s\r\n", MEDIA_OCI_MANIFEST);
	answer(manifest, changed, strlen(changed), type);
	o = bed_pull("lies:2");
	bed_expect_refused(&o, EBADMSG, NULL);
	served_publish(&s, bed_server, "lies", "1");
	/* its size in the index */
	free(changed);
	changed = xasprintf("{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%zu,\"platform\":{"
			    "\"os\":\"linux\",\"architecture\":\"amd64\"}}",
			    MEDIA_OCI_MANIFEST, s.digest, s.manifest.len + 1);
	bed_index("lies", "3", MEDIA_OCI_INDEX, changed, digest);
	o = bed_pull("lies:3");
	bed_expect_refused(&o, EBADMSG, "size");
	o = bed_pull_as("lies:3", PULL_ALWAYS, "PODIUM_WEAKEN=REG-8");
	bed_expect_pulled(&o);
	served_done(&s);
	made_done(&m);
}

/* The manifest says a layer is longer or shorter than it is; or the content has another diff id. */
static void test_sizes(void)
{
	struct made_image m = { .compression = MADE_GZIP };
	struct served_image s = { .n = 0 };
	struct pulled o;

	bed_fill(&m, 1, 3000, 10);
	for (int off = -1; off <= 1; off += 2) {
		cleanup_free char *real = NULL, *text = NULL, *part = NULL;
		char digest[72];
		const char *at;

		bed_drop();
		s = (struct served_image){ .n = 0 };
		served_make(&s, &m);
		served_publish(&s, bed_server, "size", NULL);
		real = xasprintf("%s\",\"size\":%zu}", s.layer_digests[0], s.layers[0].len);
		part = xasprintf("%s\",\"size\":%zu}", s.layer_digests[0],
				 s.layers[0].len + (size_t)off);
		at = strstr(s.manifest.data, real);
		CU_ASSERT_PTR_NOT_NULL_FATAL(at);
		text = xasprintf("%.*s%s%s", (int)(at - s.manifest.data), s.manifest.data, part,
				 at + strlen(real));
		fakeregistry_manifest(bed_server, "size", "1", served_type(&s), text, digest);
		o = bed_pull("size:1");
		bed_expect_refused(&o, EBADMSG, NULL);
		CU_ASSERT_EQUAL(bed_layers(NULL), 0);
		served_done(&s);
	}
	made_done(&m);
}

/* A layer that ends too early, in a blob that is what its digest says (row 20). */
static void truncate_at(const struct made_image *m, size_t len)
{
	struct served_image s = { .n = 0 };
	struct pulled o;

	bed_drop();
	served_make(&s, m);
	s.layers[0].len = len;
	served_manifest(&s);
	served_publish(&s, bed_server, "cut", "1");
	o = bed_pull("cut:1");
	if (o.images)
		printf("truncated at %zu of %d: taken\n", len, (int)m->compression);
	bed_expect_refused(&o, EBADMSG, NULL);
	CU_ASSERT_EQUAL(bed_layers(NULL), 0);
	served_done(&s);
}

static void test_truncated(void)
{
	static const enum made_compression all[] = { MADE_PLAIN, MADE_GZIP, MADE_ZSTD };

	for (size_t c = 0; c < ARRAY_SIZE(all); c++) {
		struct made_image m = { .compression = all[c] };
		struct served_image s = { .n = 0 };
		size_t full, step;
		struct pulled o;

		bed_fill(&m, 1, 700, 11);
		served_make(&s, &m);
		full = s.layers[0].len;
		/* plain: at each block that is not the end marker's; else here and there */
		step = all[c] == MADE_PLAIN ? 512 : full / 8;
		for (size_t at = step; at < full - (all[c] == MADE_PLAIN ? 1024 : 0); at += step)
			truncate_at(&m, at);
		if (all[c] != MADE_PLAIN) {
			for (size_t at = 1; at < 12; at += 5)
				truncate_at(&m, at);
			truncate_at(&m, full - 1);
			truncate_at(&m, full - 4);
			truncate_at(&m, full - 8); /* gzip without its trailer */
		}
		/* and the next pull repairs */
		served_publish(&s, bed_server, "cut", "1");
		o = bed_pull("cut:1");
		bed_expect_pulled(&o);
		served_done(&s);
		made_done(&m);
	}
}

/* A first frame or member that is whole, of a layer that has two. */
static void test_valid_prefix(void)
{
	struct made_image m = { .compression = MADE_PLAIN };
	struct served_image s = { .n = 0 };
	struct buf first = { .len = 0 }, head, tail;
	struct pulled o;

	bed_drop();
	bed_fill(&m, 1, 3000, 12);
	served_make(&s, &m);
	head = tail = s.layers[0];
	head.len = 2048;
	tail.data += head.len;
	tail.len -= head.len;
	for (int c = MADE_GZIP; c <= MADE_ZSTD; c++) {
		struct buf second = { .len = 0 };

		made_compress(&head, (enum made_compression)c, &first);
		made_compress(&tail, (enum made_compression)c, &second);
		for (int whole = 0; whole < 2; whole++) {
			struct buf keep = s.layers[0];

			bed_drop();
			s.layers[0] = BUF_INIT(1 << 20);
			buf_add(&s.layers[0], first.data, first.len);
			if (whole)
				buf_add(&s.layers[0], second.data, second.len);
			served_manifest(&s);
			served_publish(&s, bed_server, "prefix", "1");
			o = bed_pull("prefix:1");
			if (whole)
				bed_expect_pulled(&o);
			else
				bed_expect_refused(&o, EBADMSG, NULL);
			buf_done(&s.layers[0]);
			s.layers[0] = keep;
		}
		buf_done(&first);
		buf_done(&second);
	}
	served_done(&s);
	made_done(&m);
}

/* zstd:chunked is zstd to us: frames, and frames to skip before, between and behind. */
static void test_chunked(void)
{
	static const char skip[] = "\x50\x2a\x4d\x18\x08\0\0\0GnUlInUx";
	struct made_image m = { .compression = MADE_PLAIN };
	struct served_image s = { .n = 0 };
	struct buf head, tail, first = { .len = 0 }, second = { .len = 0 };
	struct pulled o;

	bed_drop();
	bed_fill(&m, 1, 3000, 20);
	served_make(&s, &m);
	head = tail = s.layers[0];
	head.len = 1024;
	tail.data += head.len;
	tail.len -= head.len;
	made_compress(&head, MADE_ZSTD, &first);
	made_compress(&tail, MADE_ZSTD, &second);
	buf_done(&s.layers[0]);
	s.layers[0] = BUF_INIT(1 << 20);
	buf_add(&s.layers[0], skip, sizeof(skip) - 1);
	buf_add(&s.layers[0], first.data, first.len);
	buf_add(&s.layers[0], skip, sizeof(skip) - 1);
	buf_add(&s.layers[0], second.data, second.len);
	buf_add(&s.layers[0], skip, sizeof(skip) - 1);
	served_manifest(&s);
	served_publish(&s, bed_server, "chunked", "1");
	o = bed_pull("chunked:1");
	bed_expect_pulled(&o);
	buf_done(&first);
	buf_done(&second);
	served_done(&s);
	made_done(&m);
}

/* Nobody is asked but the registry: what `urls` say is nothing (REG-2). */
static void test_foreign(void)
{
	struct fakeregistry *other = fakeregistry_new(FAKE_PLAIN, NULL);
	struct made_image m = { .compression = MADE_GZIP };
	struct served_image s = { .n = 0 };
	cleanup_free char *urls = NULL, *text = NULL, *foreign = NULL;
	char digest[72];
	const char *end;
	struct pulled o;

	bed_drop();
	bed_fill(&m, 1, 500, 13);
	served_make(&s, &m);
	served_publish(&s, bed_server, "foreign", NULL);
	urls = xasprintf(",\"urls\":[\"http://%s/blob\"]}]}", fakeregistry_name(other));
	end = strstr(s.manifest.data, "}]}");
	text = xasprintf("%.*s%s", (int)(end - s.manifest.data), s.manifest.data, urls);
	fakeregistry_manifest(bed_server, "foreign", "1", served_type(&s), text, digest);
	o = bed_pull("foreign:1");
	bed_expect_pulled(&o);
	bed_drop();
	end = strstr(text, MEDIA_OCI_LAYER_GZIP);
	foreign = xasprintf("%.*s%s%s", (int)(end - text), text,
			    "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
			    end + strlen(MEDIA_OCI_LAYER_GZIP));
	fakeregistry_manifest(bed_server, "foreign", "2", served_type(&s), foreign, digest);
	o = bed_pull("foreign:2");
	bed_expect_refused(&o, EPROTONOSUPPORT, "foreign layer");
	CU_ASSERT_EQUAL(fakeregistry_requests(other), 0);
	fakeregistry_free(other);
	served_done(&s);
	made_done(&m);
}

/* A manifest of 100,000 layers is refused as such; nothing that it names is asked for. */
static void test_many_layers(void)
{
	struct made_image m = { .compression = MADE_GZIP };
	struct served_image s = { .n = 0 };
	struct buf b = BUF_INIT(4U << 20);
	char digest[72];
	struct pulled o;

	bed_drop();
	bed_fill(&m, 1, 500, 14);
	served_make(&s, &m);
	served_publish(&s, bed_server, "many", NULL);
	buf_add(&b, s.manifest.data, (size_t)(strstr(s.manifest.data, "]}") - s.manifest.data));
	while (b.len < (4U << 20) - 300)
		buf_printf(&b, ",{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%zu}",
			   MEDIA_OCI_LAYER_GZIP, s.layer_digests[0], s.layers[0].len);
	buf_adds(&b, "]}");
	fakeregistry_manifest(bed_server, "many", "1", served_type(&s), b.data, digest);
	fakeregistry_forget(bed_server);
	o = bed_pull("many:1");
	bed_expect_refused(&o, E2BIG, "layers");
	CU_ASSERT_EQUAL(fakeregistry_requests(bed_server), 1);
	buf_done(&b);
	served_done(&s);
	made_done(&m);
}

static CU_TestInfo tests[] = {
	{ "one byte changed (REG-8)", test_lies },
	{ "sizes that are lies", test_sizes },
	{ "truncated", test_truncated },
	{ "a valid prefix", test_valid_prefix },
	{ "zstd:chunked", test_chunked },
	{ "foreign layers (REG-2)", test_foreign },
	{ "too many layers", test_many_layers },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "imagelies", bed_begin, bed_end, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
