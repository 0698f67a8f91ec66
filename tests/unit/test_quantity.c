/* SPDX-License-Identifier: Apache-2.0 */
/* test_quantity - Kubernetes' quantities: forms, rounding, range, and the way back to text. */
#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/quantity.h"
#include "tests/support/cunit_main.h"

static int parse(const char *text, struct quantity *q)
{
	struct error err = { 0 };
	int r = quantity_parse(text, q, &err);

	CU_ASSERT_EQUAL(r == 0, err.code == 0);
	return r;
}

static void test_units(void)
{
	static const struct {
		const char *text;
		int64_t units;
		int64_t milli; /* -1: out of range */
	} cases[] = {
		{ "0", 0, 0 },
		{ "1", 1, 1000 },
		{ "+1", 1, 1000 },
		{ "0.5", 1, 500 },
		{ ".5", 1, 500 },
		{ "5.", 5, 5000 },
		{ "100m", 1, 100 },
		{ "0.1m", 1, 1 },
		{ "1n", 1, 1 },
		{ "1u", 1, 1 },
		{ "1500m", 2, 1500 },
		{ "1k", 1000, 1000000 },
		{ "1e3", 1000, 1000000 },
		{ "1E3", 1000, 1000000 },
		{ "1e+3", 1000, 1000000 },
		{ "1500e-3", 2, 1500 },
		{ "1.5e3", 1500, 1500000 },
		{ "1Ki", 1024, 1024000 },
		{ "1.5Gi", 1610612736, 1610612736000 },
		{ "0.1Gi", 107374183, 107374182400 }, /* 107374182.4 */
		{ "100Mi", 104857600, 104857600000 },
		{ "129e6", 129000000, 129000000000 },
		{ "129M", 129000000, 129000000000 },
		{ "123Mi", 128974848, 128974848000 },
		{ "1E", 1000000000000000000, -1 },
		{ "1Ei", 1152921504606846976, -1 },
		{ "1P", 1000000000000000, 1000000000000000000 },
		{ "9223372036854775807", INT64_MAX, -1 },
		{ "9223372036854775806.999999999", INT64_MAX, -1 },
		{ "8Ei", INT64_MAX, -1 },  /* capped */
		{ "99Ei", INT64_MAX, -1 }, /* capped */
		{ "-1", -1, -1000 },
		{ "-0.1", -1, -100 },
		{ "-0", 0, 0 },
		{ "0e999", 0, 0 },
		{ "000001", 1, 1000 },
		{ "1.000000000000000000000000000001", 2, 1001 },
		{ "0.0000000000000000000000000000000000000001Ki", 1, 1 },
	};
	struct error err = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct quantity q;
		int64_t units = 0, milli = -1;

		CU_ASSERT_EQUAL_FATAL(parse(cases[i].text, &q), 0);
		CU_ASSERT_EQUAL(quantity_units(&q, &units, &err), 0);
		if (units != cases[i].units)
			printf("'%s' is %lld\n", cases[i].text, (long long)units);
		CU_ASSERT_EQUAL(units, cases[i].units);
		if (cases[i].milli == -1) {
			CU_ASSERT_EQUAL(quantity_milli(&q, &milli, &err), -ERANGE);
			continue;
		}
		CU_ASSERT_EQUAL(quantity_milli(&q, &milli, &err), 0);
		CU_ASSERT_EQUAL(milli, cases[i].milli);
	}
}

static void test_refused(void)
{
	static const char *const bad[] = {
		"",	"abc",	 ".",	"-",  "+",     "1K",  "1ki",   "1mi", "1Gb",  "1GB",
		"1 Gi", " 1",	 "1 ",	"1e", "1e+",   "1eK", "1.2.3", "1,5", "0x10", "--1",
		"1Kii", "1_000", "1Zi", "Gi", "1e3Ki", "1m5", "inf",   "NaN", "1\n",
	};
	static const char *const large[] = { "9223372036854775808", "10E", "1e19", "1e999999999",
					     "-9223372036854775808" };
	struct quantity q;
	char text[QUANTITY_MAX_LENGTH + 2];

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		if (parse(bad[i], &q) != -EINVAL)
			printf("'%s' was not refused\n", bad[i]);
		CU_ASSERT_EQUAL(parse(bad[i], &q), -EINVAL);
	}
	for (size_t i = 0; i < ARRAY_SIZE(large); i++)
		CU_ASSERT_EQUAL(parse(large[i], &q), -ERANGE);
	memset(text, '0', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	CU_ASSERT_EQUAL(parse(text, &q), -EINVAL);
	text[sizeof(text) - 2] = '\0';
	CU_ASSERT_EQUAL(parse(text, &q), 0);
	memset(text, '9', QUANTITY_MAX_LENGTH);
	CU_ASSERT_EQUAL(parse(text, &q), -ERANGE);
}

static void test_compare(void)
{
	static const char *const rising[] = { "-2",   "-1", "-1n", "0",	  "1n",	    "1m",
					      "999m", "1",  "1.5", "1Ki", "1.025k", "1Mi" };

	for (size_t i = 0; i < ARRAY_SIZE(rising); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(rising); j++) {
			struct quantity a, b;
			int want = i < j ? -1 : i > j;

			CU_ASSERT_EQUAL(parse(rising[i], &a), 0);
			CU_ASSERT_EQUAL(parse(rising[j], &b), 0);
			CU_ASSERT_EQUAL(quantity_compare(&a, &b), want);
		}
	}
}

static void check_back(char *text, const char *want, int64_t value, bool milli)
{
	struct error err = { 0 };
	struct quantity q;
	int64_t back = -1;

	if (want)
		CU_ASSERT_STRING_EQUAL(text, want);
	CU_ASSERT_EQUAL(parse(text, &q), 0);
	if (milli)
		CU_ASSERT_EQUAL(quantity_milli(&q, &back, &err), 0)
	else
		CU_ASSERT_EQUAL(quantity_units(&q, &back, &err), 0);
	CU_ASSERT_EQUAL(back, value);
	free(text);
}

static void test_format(void)
{
	static const struct {
		int64_t value;
		const char *bytes;
		const char *milli;
	} cases[] = {
		{ 0, "0", "0" },
		{ 1, "1", "1m" },
		{ 500, "500", "500m" },
		{ 1000, "1k", "1" },
		{ 1024, "1Ki", "1024m" },
		{ 1500, "1500", "1500m" },
		{ 2000, "2k", "2" },
		{ 1610612736, "1536Mi", "1610612736m" },
		{ 1073741824, "1Gi", "1073741824m" },
		{ 1000000001, "1000000001", "1000000001m" },
		{ INT64_MAX, NULL, NULL },
	};
	uint64_t seed = 42;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		check_back(quantity_format_bytes(cases[i].value), cases[i].bytes, cases[i].value,
			   false);
		check_back(quantity_format_milli(cases[i].value), cases[i].milli, cases[i].value,
			   true);
	}
	for (int i = 0; i < 20000; i++) {
		int64_t value;

		seed = seed * 6364136223846793005U + 1442695040888963407U;
		value = (int64_t)(seed >> 1) >> (seed % 63);
		check_back(quantity_format_bytes(value), NULL, value, false);
		check_back(quantity_format_milli(value), NULL, value, true);
	}
}

static CU_TestInfo tests[] = {
	{ "values in units and thousandths", test_units },
	{ "refused", test_refused },
	{ "order", test_compare },
	{ "text that plays back", test_format },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "quantity", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
