/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_grpccheck - header blocks as RFC 7541 has them, and health answers whole, cut, and lying.
 */
#include "engine/monitor/grpccheck.h"

#include <errno.h>
#include <string.h>

#include "engine/monitor/hpack.h"
#include "tests/support/cunit_main.h"

/* ---- hpack ------------------------------------------------------------------------------ */

static size_t unhex(const char *hex, uint8_t *out)
{
	size_t n = 0;
	unsigned int byte = 0;

	for (; hex[0]; hex += hex[0] == ' ' ? 1 : 2)
		if (hex[0] != ' ' && sscanf(hex, "%2x", &byte) == 1)
			out[n++] = (uint8_t)byte;
	return n;
}

static void test_huffman(void)
{
	/* RFC 7541, appendix C */
	static const char *const good[][2] = {
		{ "f1e3 c2e5 f23a 6ba0 ab90 f4ff", "www.example.com" },
		{ "a8eb 1064 9cbf", "no-cache" },
		{ "25a8 49e9 5bb8 e8b4 bf", "custom-value" },
		{ "6402", "302" },
		{ "d07a be94 1054 d444 a820 0595 040b 8166 e082 a62d 1bff",
		  "Mon, 21 Oct 2013 20:13:21 GMT" },
		{ "94e7 821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 "
		  "3160 65c0 03ed 4ee5 b106 3d50 07",
		  "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1" },
		{ "", "" },
	};
	static const char *const bad[] = {
		"f1e3 c2e5 f23a 6ba0 ab90 f4ff ff", /* a byte of padding */
		"00",				    /* padding of zeros */
		"ffff ffff",			    /* the end of the string, spelled out */
		"ff",
	};
	uint8_t in[200];
	char out[100];

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		size_t n = unhex(good[i][0], in);

		CU_ASSERT_EQUAL(hpack_huffman(in, n, out, sizeof(out)),
				(int64_t)strlen(good[i][1]));
		CU_ASSERT_EQUAL(memcmp(out, good[i][1], strlen(good[i][1])), 0);
		if (n > 2) /* what does not fit is counted */
			CU_ASSERT_EQUAL(hpack_huffman(in, n, out, 1), (int64_t)strlen(good[i][1]));
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		CU_ASSERT_EQUAL(hpack_huffman(in, unhex(bad[i], in), out, sizeof(out)), -EBADMSG);
}

struct seen {
	char text[400];
};

static void note(void *arg, enum hpack_name name, const char *value, size_t len)
{
	struct seen *s = arg;
	size_t at = strlen(s->text);

	if (name != HPACK_OTHER)
		(void)snprintf(s->text + at, sizeof(s->text) - at, "%d=%.*s ", name, (int)len,
			       value);
}

static void expect_block(struct hpack *h, const char *hex, const char *want, size_t entries)
{
	struct seen s = { "" };
	uint8_t in[600];
	int r = hpack_decode(h, in, unhex(hex, in), note, &s);

	if (!want) {
		CU_ASSERT_EQUAL(r, -EBADMSG);
		return;
	}
	CU_ASSERT_EQUAL(r, 0);
	CU_ASSERT_STRING_EQUAL(s.text, want);
	CU_ASSERT_EQUAL(h->n, entries);
}

static void test_blocks(void)
{
	struct hpack h;

	/* RFC 7541, C.6: three responses of one connection, with a table of 256 bytes. */
	hpack_init(&h);
	expect_block(&h, "3fe1 01", "", 0); /* the size: 256 */
	expect_block(&h,
		     "4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82"
		     "a6 2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3",
		     "1=302 ", 4);
	CU_ASSERT_EQUAL(h.bytes, 222);
	expect_block(&h, "4883 640e ffc1 c0bf", "1=307 ", 4);
	CU_ASSERT_EQUAL(h.bytes, 222);
	expect_block(&h,
		     "88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b "
		     "d9ab 77ad 94e7 821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 "
		     "0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07",
		     "1=200 ", 3);
	CU_ASSERT_EQUAL(h.bytes, 215);
	/* grpc-status, plain and by Huffman, literal and out of the table */
	hpack_init(&h);
	expect_block(&h, "000b 6772 7063 2d73 7461 7475 7301 30", "2=0 ", 0);
	expect_block(&h, "408 89a cac8 b212 34da 8f02 3134", NULL, 0);
	hpack_init(&h);
	expect_block(&h, "40 88 9aca c8b2 1234 da8f 02 3134", "2=14 ", 1);
	expect_block(&h, "be 7e 01 35", "2=14 2=5 ", 2);
	expect_block(&h, "bf be", "2=14 2=5 ", 2);
	expect_block(&h, "20 be", NULL, 0); /* a table of nothing holds nothing */
}

static void test_bad_blocks(void)
{
	static const char *const bad[] = {
		"80",			/* index 0 */
		"be",			/* an empty table */
		"ff ff ff ff ff ff ff", /* a number without end */
		"7f",			/* half a number */
		"40 05 61",		/* a name that is cut off */
		"3f e2 1f",		/* a table larger than we allow */
		"48 84 ff ff ff ff",	/* bad Huffman */
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct hpack h;

		hpack_init(&h);
		expect_block(&h, bad[i], NULL, 0);
	}
}

/* The table holds what its size allows, however often it turns around. */
static void test_table(void)
{
	struct hpack h;
	uint8_t entry[] = { 0x40, 1, 'x', 1, 'y' };
	struct seen s = { "" };

	hpack_init(&h);
	for (int i = 0; i < 1000; i++)
		CU_ASSERT_EQUAL_FATAL(hpack_decode(&h, entry, sizeof(entry), note, &s), 0);
	CU_ASSERT_EQUAL(h.n, 4096 / 34);
	CU_ASSERT_EQUAL(h.bytes, (size_t)(4096 / 34) * 34);
	entry[0] = (uint8_t)(0x80 | (62 + 64));
	CU_ASSERT_EQUAL(hpack_decode(&h, entry, 1, note, &s), 0);
}

/* ---- answers ---------------------------------------------------------------------------- */

#define SETTINGS     "000000 04 00 00000000 "
#define OK_HEADERS   "000001 01 04 00000001 88 "
#define MESSAGE(n)   "000007 00 00 00000001 00 00000002 08 " n " "
#define OK_TRAILERS  "00000f 01 05 00000001 000b 677270632d737461747573 0130 "
#define NOT_FOUND    "00000f 01 05 00000001 000b 677270632d737461747573 0135 "
#define UNKNOWN_CALL "000011 01 05 00000001 88 000b 677270632d737461747573 02 3132"

struct answer_case {
	const char *hex;
	bool is_over;	     /* before the peer closes */
	const char *problem; /* part of it; NULL: good */
};
static const struct answer_case answers[] = {
	{ SETTINGS OK_HEADERS MESSAGE("01") OK_TRAILERS, true, NULL },
	/* acknowledgements, pings, windows, other streams and unknown frames in between */
	{ SETTINGS
	  "000000 04 01 00000000 " OK_HEADERS "000008 06 00 00000000 0102030405060708 "
	  "000004 08 00 00000001 00000100 " MESSAGE("01") "000003 00 00 00000003 616263 "
							  "000001 fe 00 00000000 00 " OK_TRAILERS,
	  true, NULL },
	/* padded, with priority, continued */
	{ SETTINGS "000009 01 28 00000001 02 0000000000 88 0000 "
		   "000000 09 04 00000001 "
		   "00000a 00 08 00000001 02 00 00000002 08 01 0000 "
		   "000000 01 01 00000001 "
		   "00000f 09 04 00000001 000b 677270632d737461747573 0130 ",
	  true, NULL },
	/* a message in two pieces, with a field of tomorrow */
	{ SETTINGS OK_HEADERS "000003 00 00 00000001 00 0000 "
			      "000006 00 00 00000001 0004 1005 0801 " OK_TRAILERS,
	  true, NULL },
	{ SETTINGS OK_HEADERS MESSAGE("02") OK_TRAILERS, true, "NOT_SERVING" },
	{ SETTINGS OK_HEADERS MESSAGE("63") OK_TRAILERS, true, "unhealthy" },
	{ SETTINGS OK_HEADERS "000005 00 00 00000001 00 00000000 " OK_TRAILERS, true, "UNKNOWN" },
	{ SETTINGS OK_HEADERS NOT_FOUND, true, "service name" },
	{ SETTINGS UNKNOWN_CALL, true, "no grpc.health" },
	{ SETTINGS OK_HEADERS OK_TRAILERS, true, "malformed" },
	{ SETTINGS OK_HEADERS MESSAGE("01") "000000 01 05 00000001 ", true, "gRPC status -1" },
	{ SETTINGS "000001 01 05 00000001 8d ", true, "HTTP status 404" },
	{ SETTINGS OK_HEADERS MESSAGE("01"), false, "closed" },
	{ SETTINGS "000004 03 00 00000001 00000008 ", true, "reset" },
	{ SETTINGS "000008 07 00 00000000 00000000 00000002 ", true, "refused" },
	{ SETTINGS "000008 07 00 00000000 7fffffff 00000000 " OK_HEADERS MESSAGE("01") OK_TRAILERS,
	  true, NULL },
	{ OK_HEADERS, true, "not an HTTP/2" },
	{ "48545450 2f312e31 20343030 20426164", true, "not an HTTP/2" },
	{ SETTINGS "000001 01 00 00000001 88 " MESSAGE("01"), true, "malformed" },
	{ SETTINGS "000001 09 04 00000001 88 ", true, "malformed" },
	{ SETTINGS "000001 01 04 00000000 88 ", true, "malformed" },
	{ SETTINGS "000001 01 08 00000001 05 ", true, "malformed" },
	{ SETTINGS "000001 01 04 00000001 80 ", true, "malformed" },
	{ SETTINGS "000001 05 04 00000001 88 ", true, "malformed" },
	{ "", false, "closed" },
};

static struct buf sent;

static struct grpc_check *begin(const char *service)
{
	sent = BUF_INIT(65536);
	return grpc_check_new(&sent, "10.0.0.1", 50051, service);
}

static void check_answer(const struct answer_case *c, size_t piece)
{
	struct grpc_check *g = begin("a");
	uint8_t in[1000];
	char text[200] = "";
	size_t n = unhex(c->hex, in);
	bool over = false, good;

	for (size_t i = 0; i < n && !over; i += piece)
		over = grpc_check_feed(g, (char *)in + i, n - i < piece ? n - i : piece, &sent);
	good = grpc_check_verdict(g, text, sizeof(text));
	if (over != c->is_over || good != !c->problem || (!good && !strstr(text, c->problem)))
		printf("\n%s: '%s' instead of '%s'\n", c->hex, text, c->problem);
	CU_ASSERT_EQUAL(over, c->is_over);
	CU_ASSERT_EQUAL(good, c->problem == NULL);
	if (!good)
		CU_ASSERT_PTR_NOT_NULL(strstr(text, c->problem ? c->problem : "?"));
	grpc_check_free(g);
	buf_done(&sent);
}

static void test_answers(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++)
		for (size_t n = 1; n < 300; n = n * 3 + 1)
			check_answer(&answers[i], n);
}

/* What we send, byte by byte: preface, settings, the call; then what we answer. */
static void test_request(void)
{
	static const char want[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
				   "\0\0\6\4\0\0\0\0\0\0\2\0\0\0\0";
	static const char ping[] = "\0\0\0\4\0\0\0\0\0\0\0\10\6\0\0\0\0\0abcdefgh";
	static const char pong[] = "\0\0\0\4\1\0\0\0\0\0\0\10\6\1\0\0\0\0abcdefgh";
	static const char data[] = "\0\0\13\0\1\0\0\0\1\0\0\0\0\6\n\4some";
	struct grpc_check *g = begin("some");
	size_t len;

	CU_ASSERT_TRUE_FATAL(sent.len > sizeof(want));
	CU_ASSERT_EQUAL(memcmp(sent.data, want, sizeof(want) - 1), 0);
	CU_ASSERT_PTR_NOT_NULL(
		memmem(sent.data, sent.len, "\0\5:path\34/grpc.health.v1.Health/Check", 36));
	CU_ASSERT_PTR_NOT_NULL(memmem(sent.data, sent.len,
				      "\0\12:authority\16"
				      "10.0.0.1:50051",
				      27));
	CU_ASSERT_EQUAL(memcmp(sent.data + sent.len - (sizeof(data) - 1), data, sizeof(data) - 1),
			0);
	len = sent.len;
	CU_ASSERT_FALSE(grpc_check_feed(g, ping, sizeof(ping) - 1, &sent));
	CU_ASSERT_EQUAL(sent.len - len, sizeof(pong) - 1);
	CU_ASSERT_EQUAL(memcmp(sent.data + len, pong, sizeof(pong) - 1), 0);
	grpc_check_free(g);
	buf_done(&sent);
}

/* A server that never comes to the point. */
static void test_endless(void)
{
	static const char settings[] = "\0\0\0\4\0\0\0\0\0",
			  window[] = "\0\0\4\10\0\0\0\0\0\0\0\0\1";
	struct grpc_check *g = begin(NULL);
	char text[100];
	int n = 0;

	CU_ASSERT_FALSE(grpc_check_feed(g, settings, sizeof(settings) - 1, &sent));
	while (n < 10000 && !grpc_check_feed(g, window, sizeof(window) - 1, &sent))
		n++;
	CU_ASSERT_TRUE(n < 1000);
	CU_ASSERT_FALSE(grpc_check_verdict(g, text, sizeof(text)));
	grpc_check_free(g);
	buf_done(&sent);
}

static CU_TestInfo tests[] = {
	{ "Huffman", test_huffman },
	{ "header blocks of RFC 7541", test_blocks },
	{ "header blocks that lie", test_bad_blocks },
	{ "the table", test_table },
	{ "what is sent", test_request },
	{ "answers in pieces", test_answers },
	{ "an endless answer", test_endless },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "grpccheck", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
