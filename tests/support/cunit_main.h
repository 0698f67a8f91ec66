/* SPDX-License-Identifier: Apache-2.0 */
/* cunit_main - the main() of every unit test program: runs a CU_SuiteInfo table, exits 1 on
 * failure. */
#ifndef PODIUM_TESTS_CUNIT_MAIN_H
#define PODIUM_TESTS_CUNIT_MAIN_H

#include <CUnit/Basic.h>
#include <stdio.h>

/* Prints "<n> passed, <n> failed, <n> skipped" for the runner that adds the programs up. A test
 * that cannot run here calls TEST_SKIP("why") and returns. */
extern unsigned int test_skipped;
#define TEST_SKIP(...)                       \
	do {                                 \
		printf("SKIP: " __VA_ARGS__); \
		printf("\n");                \
		test_skipped++;              \
	} while (0)

#define TEST_MAIN(suites)                                                                   \
	unsigned int test_skipped;                                                          \
	int main(void)                                                                      \
	{                                                                                   \
		unsigned int ran, failed;                                                   \
		if (CU_initialize_registry() != CUE_SUCCESS ||                              \
		    CU_register_suites(suites) != CUE_SUCCESS)                              \
			return 2;                                                           \
		CU_basic_set_mode(CU_BRM_NORMAL);                                           \
		(void)CU_basic_run_tests();                                                 \
		ran = CU_get_number_of_tests_run();                                         \
		failed = CU_get_number_of_tests_failed() + CU_get_number_of_suites_failed(); \
		printf("unit: %u passed, %u failed, %u skipped\n",                          \
		       ran >= failed + test_skipped ? ran - failed - test_skipped : 0, failed, \
		       test_skipped);                                                       \
		CU_cleanup_registry();                                                      \
		return failed ? 1 : 0;                                                      \
	}

#endif
