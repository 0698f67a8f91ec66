/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_deflate - what is compressed comes out of inflate again, in any chunking, and the same input
 * gives the same bytes.
 */
#include <errno.h>
#include <string.h>

#include "engine/base/str.h"
#include "engine/image/deflate.h"
#include "tests/support/cunit_main.h"

#define OUT_MAX (16U << 20)
#define SIZE	1500000

static int keep(void *arg, const void *data, size_t len, struct error *err)
{
	(void)err;
	buf_add(arg, data, len);
	return 0;
}

static int refuse(void *arg, const void *data, size_t len, struct error *err)
{
	(void)arg;
	(void)data;
	(void)len;
	return error_set(err, EPIPE, "nobody reads");
}

/* Half of it compresses, half does not. */
static void sample(struct buf *b)
{
	uint32_t x = 1;

	*b = BUF_INIT(OUT_MAX);
	for (size_t i = 0; i < SIZE; i++) {
		x = x * 1664525 + 1013904223;
		buf_addc(b, i / 50000 % 2 ? (char)(x >> 24) : (char)('a' + i % 7));
	}
}

static void deflate_all(enum deflate_kind kind, int level, size_t step, const struct buf *in,
			struct buf *out)
{
	struct deflate *z = NULL;
	struct error err = { .code = 0 };

	*out = BUF_INIT(OUT_MAX);
	CU_ASSERT_EQUAL_FATAL(deflate_new(kind, level, &z, &err), 0);
	for (size_t i = 0; i < in->len; i += step)
		CU_ASSERT_EQUAL(deflate_feed(z, in->data + i,
					     in->len - i < step ? in->len - i : step, keep, out,
					     &err),
				0);
	CU_ASSERT_EQUAL(deflate_finish(z, keep, out, &err), 0);
	deflate_free(z);
}

static void inflate_all(const struct buf *in, struct buf *out)
{
	struct inflate_limits limits;
	struct inflate *z = NULL;
	enum inflate_kind kind;
	struct error err = { .code = 0 };

	*out = BUF_INIT(OUT_MAX);
	inflate_limits_default(&limits);
	CU_ASSERT_EQUAL(inflate_detect(in->data, in->len, &kind, &err), 0);
	CU_ASSERT_EQUAL_FATAL(inflate_new(kind, &limits, &z, &err), 0);
	CU_ASSERT_EQUAL(inflate_feed(z, in->data, in->len, keep, out, &err), 0);
	CU_ASSERT_EQUAL(inflate_finish(z, &err), 0);
	inflate_free(z);
}

static bool is_same(const struct buf *a, const struct buf *b)
{
	return a->len == b->len && (!a->len || memcmp(a->data, b->data, a->len) == 0);
}

static void test_roundtrip(void)
{
	static const struct {
		enum deflate_kind kind;
		int level;
	} cases[] = { { DEFLATE_NONE, -1 }, { DEFLATE_GZIP, -1 }, { DEFLATE_GZIP, 1 },
		      { DEFLATE_GZIP, 4 },  { DEFLATE_GZIP, 9 },  { DEFLATE_ZSTD, -1 },
		      { DEFLATE_ZSTD, 1 },  { DEFLATE_ZSTD, 19 } };
	static const size_t steps[] = { SIZE, 65536, 1000 };
	cleanup_buf struct buf in = BUF_INIT(0);

	sample(&in);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		for (size_t j = 0; j < ARRAY_SIZE(steps); j++) {
			cleanup_buf struct buf packed = BUF_INIT(0), out = BUF_INIT(0);

			deflate_all(cases[i].kind, cases[i].level, steps[j], &in, &packed);
			CU_ASSERT(cases[i].kind == DEFLATE_NONE || packed.len < in.len * 3 / 4);
			inflate_all(&packed, &out);
			CU_ASSERT(is_same(&in, &out));
		}
}

static void test_deterministic(void)
{
	cleanup_buf struct buf in = BUF_INIT(0);

	sample(&in);
	for (int kind = DEFLATE_GZIP; kind <= DEFLATE_ZSTD; kind++) {
		cleanup_buf struct buf one = BUF_INIT(0), two = BUF_INIT(0);

		deflate_all((enum deflate_kind)kind, -1, 65536, &in, &one);
		deflate_all((enum deflate_kind)kind, -1, 65536, &in, &two);
		CU_ASSERT(is_same(&one, &two));
		if (kind == DEFLATE_GZIP) /* no time in the header */
			CU_ASSERT(memcmp(one.data + 4, "\0\0\0\0", 4) == 0);
	}
}

static void test_empty(void)
{
	const struct buf none = { .data = NULL };

	for (int kind = DEFLATE_GZIP; kind <= DEFLATE_ZSTD; kind++) {
		cleanup_buf struct buf packed = BUF_INIT(0), out = BUF_INIT(0);

		deflate_all((enum deflate_kind)kind, -1, 1, &none, &packed);
		CU_ASSERT(packed.len > 0);
		inflate_all(&packed, &out);
		CU_ASSERT_EQUAL(out.len, 0);
	}
}

static void test_refusals(void)
{
	static const char zeros[1 << 20];
	struct deflate *z = NULL;
	struct error err = { .code = 0 };
	int r = 0;

	CU_ASSERT_EQUAL(deflate_new(DEFLATE_GZIP, 10, &z, &err), -EINVAL);
	CU_ASSERT_EQUAL(deflate_new(DEFLATE_GZIP, 0, &z, &err), -EINVAL);
	CU_ASSERT_EQUAL(deflate_new(DEFLATE_ZSTD, 20, &z, &err), -EINVAL);
	CU_ASSERT_EQUAL_FATAL(deflate_new(DEFLATE_ZSTD, 1, &z, &err), 0);
	r = deflate_feed(z, zeros, sizeof(zeros), refuse, NULL, &err);
	CU_ASSERT(r == -EPIPE || deflate_finish(z, refuse, NULL, &err) == -EPIPE);
	deflate_free(z);
}

static CU_TestInfo tests[] = {
	{ "in and out", test_roundtrip },
	{ "the same bytes", test_deterministic },
	{ "nothing", test_empty },
	{ "refusals", test_refusals },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "deflate", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
