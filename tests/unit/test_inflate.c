/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_inflate - gzip, zstd and nothing: right in any chunking, refused when broken, bombs stopped.
 *
 * Theory of operation: data is compressed by other libraries (imagemaker.c) and fed in pieces of
 * 1 byte, 7 bytes and all at once; limits are made small instead of data large.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/str.h"
#include "engine/image/inflate.h"
#include "tests/support/cunit_main.h"
#include "tests/support/imagemaker.h"

#define OUT_MAX (64U << 20)

static int keep(void *arg, const void *data, size_t len, struct error *err)
{
	(void)err;
	buf_add(arg, data, len);
	return 0;
}

static int inflate_all(const struct buf *in, size_t step, const struct inflate_limits *limits,
		       struct buf *out)
{
	struct inflate *z = NULL;
	enum inflate_kind kind;
	struct error err;
	int r;

	*out = BUF_INIT(OUT_MAX);
	r = inflate_detect(in->data, in->len, &kind, &err);
	if (r == 0)
		r = inflate_new(kind, limits, &z, &err);
	for (size_t i = 0; r == 0 && i < in->len; i += step)
		r = inflate_feed(z, in->data + i, in->len - i < step ? in->len - i : step, keep,
				 out, &err);
	if (r == 0)
		r = inflate_finish(z, &err);
	inflate_free(z);
	return r;
}

static int inflate_default(const struct buf *in, size_t step, struct buf *out)
{
	struct inflate_limits limits;

	inflate_limits_default(&limits);
	return inflate_all(in, step, &limits, out);
}

/* Text that compresses somewhat, and does not repeat exactly. */
static void sample(struct buf *b)
{
	uint32_t x = 12345;

	*b = BUF_INIT(OUT_MAX);
	for (int i = 0; i < 60000; i++) {
		x = x * 1103515245 + 12345;
		buf_printf(b, "line %u of %d\n", x >> 20, i);
	}
}

static bool is_same(const struct buf *a, const struct buf *b)
{
	return a->len == b->len && memcmp(a->data, b->data, a->len) == 0;
}

static void test_round_trip(void)
{
	static const size_t steps[] = { 1, 7, 4096, 1 << 30 };
	struct buf plain;

	sample(&plain);
	for (int c = MADE_PLAIN; c <= MADE_ZSTD; c++)
		for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
			struct buf in, out;

			made_compress(&plain, (enum made_compression)c, &in);
			CU_ASSERT_EQUAL(inflate_default(&in, steps[i], &out), 0);
			CU_ASSERT_TRUE(is_same(&plain, &out));
			buf_done(&in);
			buf_done(&out);
		}
	buf_done(&plain);
}

static void test_members(void)
{
	struct buf plain, one, out, two;

	sample(&plain);
	for (int c = MADE_GZIP; c <= MADE_ZSTD; c++) {
		made_compress(&plain, (enum made_compression)c, &one);
		two = BUF_INIT(OUT_MAX);
		for (int i = 0; i < 3; i++)
			buf_add(&two, one.data, one.len);
		for (size_t step = 1; step < 100000; step = step * 13 + 1) {
			CU_ASSERT_EQUAL(inflate_default(&two, step, &out), 0);
			CU_ASSERT_EQUAL(out.len, 3 * plain.len);
			buf_done(&out);
		}
		buf_done(&one);
		buf_done(&two);
	}
	/* zeros behind gzip are padding, anything else is not */
	made_compress(&plain, MADE_GZIP, &one);
	buf_add(&one, "\0\0\0\0\0\0\0\0\0\0", 10);
	CU_ASSERT_EQUAL(inflate_default(&one, 1000, &out), 0);
	buf_done(&out);
	buf_addc(&one, 'x');
	CU_ASSERT_EQUAL(inflate_default(&one, 1000, &out), -EBADMSG);
	buf_done(&out);
	buf_done(&one);
	buf_done(&plain);
}

static void test_broken(void)
{
	struct buf plain, in, out;

	sample(&plain);
	for (int c = MADE_GZIP; c <= MADE_ZSTD; c++) {
		made_compress(&plain, (enum made_compression)c, &in);
		for (size_t len = 6; len < in.len; len += in.len / 50 + 1) {
			struct buf cut = { .data = in.data, .len = len, .max = len };

			CU_ASSERT_EQUAL(inflate_default(&cut, 4096, &out), -EBADMSG);
			buf_done(&out);
		}
		in.data[in.len / 2] ^= 0x55;
		CU_ASSERT_TRUE(inflate_default(&in, 4096, &out) != 0 || c == MADE_ZSTD);
		buf_done(&out);
		buf_done(&in);
	}
	/* the checksum of gzip counts */
	made_compress(&plain, MADE_GZIP, &in);
	in.data[in.len - 6] ^= 1;
	CU_ASSERT_EQUAL(inflate_default(&in, 4096, &out), -EBADMSG);
	buf_done(&out);
	buf_done(&in);
	buf_done(&plain);
}

static void test_bombs(void)
{
	struct buf zeros = BUF_INIT(OUT_MAX), in, out;
	struct inflate_limits limits = { .bytes = 1 << 30, .ratio = 100, .ratio_from = 1 << 20 };
	char block[65536] = { 0 };

	for (int i = 0; i < 256; i++)
		buf_add(&zeros, block, sizeof(block));
	for (int c = MADE_GZIP; c <= MADE_ZSTD; c++) {
		made_compress(&zeros, (enum made_compression)c, &in);
		CU_ASSERT_EQUAL(inflate_all(&in, 4096, &limits, &out), -E2BIG);
		CU_ASSERT_TRUE(out.len < 8U << 20);
		buf_done(&out);
		limits.ratio = 1000000;
		CU_ASSERT_EQUAL(inflate_all(&in, 4096, &limits, &out), 0);
		buf_done(&out);
		limits.bytes = (16 << 20) - 1;
		CU_ASSERT_EQUAL(inflate_all(&in, 4096, &limits, &out), -E2BIG);
		buf_done(&out);
		limits.bytes = 16 << 20;
		CU_ASSERT_EQUAL(inflate_all(&in, 4096, &limits, &out), 0);
		buf_done(&out);
		limits.bytes = 1 << 30;
		limits.ratio = 100;
		buf_done(&in);
	}
	buf_done(&zeros);
}

static void test_refused(void)
{
	static const char wide[] = "\x28\xb5\x2f\xfd\x00\xa8\x01\x00\x00"; /* a window of 2 GiB */
	struct buf in = BUF_INIT(64), out;

	buf_add(&in,
		"\xfd"
		"7zXZ\0",
		6);
	CU_ASSERT_EQUAL(inflate_default(&in, 64, &out), -EPROTONOSUPPORT);
	buf_done(&out);
	in.len = 0;
	buf_add(&in, "BZh9", 4);
	CU_ASSERT_EQUAL(inflate_default(&in, 64, &out), -EPROTONOSUPPORT);
	buf_done(&out);
	in.len = 0;
	buf_add(&in, wide, sizeof(wide) - 1);
	CU_ASSERT_EQUAL(inflate_default(&in, 64, &out), -EBADMSG);
	buf_done(&out);
	buf_done(&in);
}

static CU_TestInfo tests[] = {
	{ "round trip", test_round_trip },   { "members and frames", test_members },
	{ "broken streams", test_broken },   { "bombs", test_bombs },
	{ "refused formats", test_refused }, CU_TEST_INFO_NULL
};
static CU_SuiteInfo suites[] = { { "inflate", NULL, NULL, NULL, NULL, tests }, CU_SUITE_INFO_NULL };
TEST_MAIN(suites)
