/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_digest - digests as bytes (REG-6), and the hash behind them.
 */
#include <string.h>

#include "engine/base/str.h"
#include "engine/image/digest.h"
#include "engine/image/sha256.h"
#include "tests/support/cunit_main.h"

#define HEX64 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static void test_round_trip(void)
{
	struct digest d, e;
	struct error err;
	char hex[DIGEST_HEX_LEN + 1];

	CU_ASSERT_EQUAL_FATAL(digest_parse("sha256:" HEX64, &d, &err), 0);
	CU_ASSERT_EQUAL(d.bytes[0], 0xe3);
	CU_ASSERT_EQUAL(d.bytes[31], 0x55);
	CU_ASSERT_STRING_EQUAL(digest_hex(&d, hex), HEX64);
	CU_ASSERT_EQUAL(digest_parse_hex(HEX64, &e, &err), 0);
	CU_ASSERT_TRUE(is_digest_equal(&d, &e));
	e.bytes[31] ^= 1;
	CU_ASSERT_FALSE(is_digest_equal(&d, &e));
}

static void test_refused(void)
{
	static const char *const cases[] = {
		"",
		"sha256",
		"sha256:",
		HEX64,
		"SHA256:" HEX64,
		"sha512:" HEX64,
		"sha256:" HEX64 "0",
		"sha256:" HEX64 "\n",
		" sha256:" HEX64,
		"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b85",
		"sha256:E3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		"sha256:../../../../../../../../../../../../../../../../../../../etc/pass",
		"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b8/5",
		"sha256:%33b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	};
	struct digest d;
	struct error err;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		CU_ASSERT_EQUAL(digest_parse(cases[i], &d, &err), -EINVAL);
	CU_ASSERT_EQUAL(digest_parse(NULL, &d, &err), -EINVAL);
}

/* The twin reads whatever has the length. */
static void test_refused_twin(void)
{
	static const char path[] =
		"sha256:../../../../../../../../../../../../../../../../../../etc/passwd";
	struct digest d;
	struct error err;

	CU_ASSERT_EQUAL_FATAL(strlen(path), DIGEST_STR_LEN);
	CU_ASSERT_EQUAL(digest_parse(path, &d, &err), -EINVAL);
	(void)setenv("PODIUM_WEAKEN", "REG-6", 1);
	CU_ASSERT_EQUAL(digest_parse(path, &d, &err), 0);
	(void)unsetenv("PODIUM_WEAKEN");
}

static void test_hash(void)
{
	struct digest d;
	char hex[DIGEST_HEX_LEN + 1];
	struct sha256 *h = sha256_new();

	sha256_of("", 0, &d);
	CU_ASSERT_STRING_EQUAL(digest_hex(&d, hex), HEX64);
	sha256_add(h, "a", 1);
	sha256_add(h, "bc", 2);
	sha256_end(h, &d);
	sha256_free(h);
	CU_ASSERT_STRING_EQUAL(digest_hex(&d, hex),
			       "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static CU_TestInfo tests[] = { { "round trip", test_round_trip },
			       { "refused digests", test_refused },
			       { "REG-6 twin", test_refused_twin },
			       { "sha256", test_hash },
			       CU_TEST_INFO_NULL };
static CU_SuiteInfo suites[] = { { "digest", NULL, NULL, NULL, NULL, tests }, CU_SUITE_INFO_NULL };
TEST_MAIN(suites)
