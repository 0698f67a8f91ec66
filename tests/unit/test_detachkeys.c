/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_detachkeys - the words of --detach-keys, and the sequence among what is typed in any pieces.
 */
#include "cmd/podium/base/detachkeys.h"

#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/mem.h"
#include "tests/support/cunit_main.h"

static void check_keys(const char *text, const char *bytes, size_t n)
{
	struct detach_keys k;
	struct error err;

	CU_ASSERT_EQUAL_FATAL(detach_keys_parse(text, &k, &err), 0);
	CU_ASSERT_EQUAL(k.n, n);
	CU_ASSERT_EQUAL(memcmp(k.keys, bytes, n), 0);
}

static void test_words(void)
{
	static const char *const bad[] = { "foo",
					   "ctrl-",
					   "ctrl-A",
					   "ctrl-pp",
					   "a,",
					   "ctrl-p,,q",
					   "ctrl-1",
					   ",",
					   "a,b,c,d,e,f,g,h,i,j,"
					   "k,l,m,n,o,p,q" };
	struct detach_keys k;
	struct error err;

	check_keys(NULL, "\x10\x11", 2);
	check_keys("", "", 0);
	check_keys("ctrl-a", "\x01", 1);
	check_keys("x,ctrl-z,ctrl-@,ctrl-[,ctrl-\\,ctrl-],ctrl-^,ctrl-_",
		   "x\x1a\0\x1b\x1c\x1d\x1e\x1f", 8);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		CU_ASSERT_EQUAL(detach_keys_parse(bad[i], &k, &err), -EINVAL);
}

/* containers.conf is asked on a terminal alone, and when no flag says otherwise. */
static void test_choice(void)
{
	static const char text[] = "[engine]\ndetach_keys = \"ctrl-x,y\"\n";
	char path[] = "/tmp/podium-keys-XXXXXX";
	int file = mkstemp(path), was = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3), pty, other;
	struct detach_keys k;
	struct error err;

	CU_ASSERT_FATAL(file >= 0 && openpty(&pty, &other, NULL, NULL, NULL) == 0);
	CU_ASSERT_EQUAL(write(file, text, strlen(text)), (ssize_t)strlen(text));
	(void)setenv("CONTAINERS_CONF", path, 1);
	(void)dup3(other, STDIN_FILENO, 0);
	CU_ASSERT_EQUAL(detach_keys_choose(NULL, &k, &err), 0);
	CU_ASSERT(k.n == 2 && memcmp(k.keys, "\x18y", 2) == 0);
	CU_ASSERT_EQUAL(detach_keys_choose("q", &k, &err), 0);
	CU_ASSERT(k.n == 1 && k.keys[0] == 'q');
	(void)dup3(file, STDIN_FILENO, 0);
	CU_ASSERT_EQUAL(detach_keys_choose(NULL, &k, &err), 0);
	CU_ASSERT(k.n == 2 && memcmp(k.keys, "\x10\x11", 2) == 0);
	(void)dup3(was, STDIN_FILENO, 0);
	(void)unsetenv("CONTAINERS_CONF");
	(void)unlink(path);
	(void)close(pty);
	(void)close(other);
	(void)close(file);
	(void)close(was);
}

/* Types the text in pieces of that size; what comes through, and whether it was left. */
static bool type(const char *keys, const char *text, size_t piece, char *out)
{
	size_t len = strlen(text), n = 0;
	struct detach_keys k;
	struct error err;
	bool left = false;

	CU_ASSERT_EQUAL_FATAL(detach_keys_parse(keys, &k, &err), 0);
	for (size_t at = 0; at < len && !left; at += piece) {
		size_t part = len - at < piece ? len - at : piece;

		n += detach_keys_filter(&k, text + at, part, out + n, &left);
	}
	out[n] = '\0';
	return left;
}

static void test_sequence(void)
{
	static const struct {
		const char *keys, *typed, *through;
		bool left;
	} cases[] = {
		{ NULL, "ab\x10\x11zz", "ab", true },
		{ NULL, "a\x10", "a", false }, /* kept back */
		{ NULL, "a\x10z\x11", "a\x10z\x11", false },
		{ NULL, "\x10\x10\x11", "\x10", true },
		{ NULL, "\x11\x10", "\x11", false },
		{ "", "\x10\x11", "\x10\x11", false },
		{ "a,a,b", "aaab", "a", true },
		{ "a,b,a,c", "ababac", "ab", true },
		{ "a,b,a,c", "abad", "abad", false },
		{ "q", "wq", "w", true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		for (size_t piece = 1; piece < 8; piece++) {
			char out[64];

			CU_ASSERT_EQUAL(type(cases[i].keys, cases[i].typed, piece, out),
					cases[i].left);
			CU_ASSERT_STRING_EQUAL(out, cases[i].through);
		}
	}
}

static CU_TestInfo tests[] = {
	{ "words", test_words },
	{ "which", test_choice },
	{ "the sequence", test_sequence },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = { { "detachkeys", NULL, NULL, NULL, NULL, tests },
				 CU_SUITE_INFO_NULL };
TEST_MAIN(suites)
