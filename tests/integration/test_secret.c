/* SPDX-License-Identifier: Apache-2.0 */
/*
 * secret - secrets of the command line: made, listed, inspected, removed; and what is in one stands in
 * its own file and nowhere else (ENV-4).
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/base/fs.h"
#include "tests/integration/harness.h"

#define ID_LEN 25
#define CANARY "q7Zk2vWxLr9TnPd4"

static int begin(void)
{
	return harness_begin() != 0 || !load_image("payload");
}

static bool is_secret_id(const char *text)
{
	return strlen(text) == ID_LEN + 1 && text[ID_LEN] == '\n' &&
	       strspn(text, "0123456789abcdef") == ID_LEN;
}

/* Runs secret WORDS and expects a code and, on stderr or stdout, a part. */
static void check(int code, const char *part, const char *words)
{
	cleanup_result struct result r = podium("secret %s", words);

	CHECK_CODE(r, code);
	if (part)
		CHECK_HAS(code ? r.err : r.out, part);
}

static void test_life(void)
{
	cleanup_result struct result made = podium_stdin("bytes", "secret create one -");
	cleanup_result struct result again = podium_stdin("other", "secret create one -");
	cleanup_result struct result replaced_one =
		podium_stdin("other", "secret create --replace --label a=b one -");
	cleanup_result struct result names = podium("secret ls --format '{{.Name}} {{.Driver}}'");
	cleanup_result struct result labels =
		podium("secret inspect --format '{{.Spec.Name}} {{.Spec.Labels}}' one");
	cleanup_result struct result pretty = podium("secret inspect --pretty one");
	cleanup_result struct result gone = { 0 };

	CHECK(made.code == 0 && is_secret_id(made.out), "'%s' is no id", made.out);
	CHECK_CODE(again, 125);
	CHECK_HAS(again.err, "one: secret name in use");
	CHECK(is_secret_id(replaced_one.out) && !is_equal(made.out, replaced_one.out), "same id");
	CHECK_EQUAL(names.out, "one file\n");
	CHECK_EQUAL(labels.out, "one map[a:b]\n");
	CHECK_HAS(pretty.out, "Name:              one\nLabels:\n - a=b\n");
	check(0, NULL, "exists one");
	check(1, NULL, "exists two");
	gone = podium("secret rm %.6s", replaced_one.out);
	CHECK_EQUAL(gone.out, replaced_one.out);
	check(1, NULL, "exists one");
	check(0, "ID          NAME        DRIVER      CREATED     UPDATED\n", "ls");
}

static void test_refused(void)
{
	write_file("one", "x");
	write_file("empty", "%s", "");
	{
		cleanup_free char *path = xasprintf("%s/big", harness.work);
		int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

		CHECK(fd >= 0 && ftruncate(fd, 512000) == 0, "cannot make a file");
		(void)close(fd);
	}
	{
		cleanup_free char *big = xasprintf("create big %s/big", harness.work);
		cleanup_free char *empty = xasprintf("create big %s/empty", harness.work);
		cleanup_free char *bad = xasprintf("create a/b %s/one", harness.work);
		cleanup_free char *driver = xasprintf("create -d pass a %s/one", harness.work);
		cleanup_free char *opts =
			xasprintf("create --driver-opts a=b a %s/one", harness.work);

		check(125, "larger than 0 and less than 512000 bytes", big);
		check(125, "larger than 0 and less than 512000 bytes", empty);
		check(125, "a/b: invalid secret name", bad);
		check(125, "'pass' is not supported", driver);
		check(125, "--driver-opts is not supported", opts);
	}
	check(125, "No such file or directory", "create a /no/such/file");
	check(125, "NO_SUCH_VARIABLE is not set", "create --env a NO_SUCH_VARIABLE");
	check(125, "no such secret", "inspect nope");
	check(125, "no such secret", "rm nope");
	check(0, NULL, "rm --ignore nope");
	check(125, "requires one argument", "rm");
	check(125, "invalid filter", "ls --filter label=a");
	check(0, NULL, "ls -q");
}

/* A play's Secret is listed beside the others, and goes with its file. */
static void test_played(void)
{
	cleanup_result struct result played =
		play_text("sec", "",
			  "apiVersion: v1\nkind: Secret\nmetadata: {name: played}\n"
			  "stringData: {key: value}\n");
	cleanup_result struct result names = podium("secret ls --format '{{.Name}}'");
	cleanup_result struct result inspected = podium("secret inspect played");

	CHECK_CODE(played, 0);
	CHECK_EQUAL(names.out, "played\n");
	CHECK_CODE(inspected, 0);
	CHECK_LACKS(inspected.out, "value");
	MUST(125, "secret create played %s/one", harness.work);
	MUST(0, "secret rm played");
	MUST(1, "secret exists played");
}

/* Killed between the bytes and the record: no secret, and no obstacle. A damaged record is one secret's
 * matter. */
static void test_damaged(void)
{
	cleanup_free char *record = xasprintf("%s/secrets/.made/one/secret.json", harness.root);
	cleanup_result struct result names = { 0 };

	CHECK(setenv("PODIUM_STOP_AT", "secret:data", 1) == 0, "setenv");
	DISCARD(podium_stdin("bytes", "secret create one -"));
	CHECK(unsetenv("PODIUM_STOP_AT") == 0, "unsetenv");
	MUST(1, "secret exists one");
	DISCARD(podium_stdin("bytes", "secret create one -"));
	DISCARD(podium_stdin("bytes", "secret create two -"));
	write_file(record, "{");
	MUST(0, "secret exists two");
	names = podium("secret ls --format '{{.Name}}'");
	CHECK_HAS(names.out, "one\n");
	CHECK_HAS(names.out, "two\n");
	MUST(0, "secret rm one two");
	MUST(1, "secret exists one");
}

/* ---- ENV-4 ------------------------------------------------------------------------------ */

static bool file_has(int dirfd, const char *name)
{
	cleanup_free char *data = NULL;
	size_t len = 0;
	struct error scratch;

	return fs_read_file(dirfd, name, (size_t)64 << 20, &data, &len, &scratch) >= 0 &&
	       memmem(data, len, CANARY, strlen(CANARY));
}

/* The files below a directory that have the canary; "a/b c/d". */
static void find_canary(int dirfd, const char *path, struct buf *ret)
{
	int fd = openat(dirfd, *path ? path : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_dir DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	while (d && (e = readdir(d))) {
		cleanup_free char *below = xasprintf("%s%s%s", path, *path ? "/" : "", e->d_name);
		struct stat st;

		if (is_equal(e->d_name, ".") || is_equal(e->d_name, "..") ||
		    fstatat(dirfd, below, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		if (S_ISDIR(st.st_mode))
			find_canary(dirfd, below, ret);
		else if (S_ISREG(st.st_mode) && file_has(dirfd, below))
			buf_printf(ret, "%s%s%s", below, st.st_mode & 077 ? " (open!)" : "", ",");
	}
}

static char *canary_below(const char *root)
{
	cleanup_close int fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct buf b = BUF_INIT(65536);

	if (fd >= 0)
		find_canary(fd, "", &b);
	return buf_steal(&b);
}

static bool is_in_any_argv(void)
{
	cleanup_dir DIR *d = opendir("/proc");
	struct dirent *e;

	while (d && (e = readdir(d))) {
		cleanup_free char *path = xasprintf("%s/cmdline", e->d_name);

		if (strspn(e->d_name, "0123456789") == strlen(e->d_name) &&
		    file_has(dirfd(d), path))
			return true;
	}
	return false;
}

/* True when the only file that has it is the secret's own, which nobody else reads. */
static bool is_only_in_its_file(void)
{
	cleanup_free char *root = NULL;
	cleanup_free char *run_root = NULL;

	DISCARD(podium("secret rm --ignore hidden"));
	DISCARD(podium_stdin(CANARY, "secret create hidden -"));
	DISCARD(podium("secret ls"));
	DISCARD(podium("secret inspect hidden"));
	MUST(0, "create --name user --secret hidden --secret hidden,type=env,target=HIDDEN payload "
		"sleep 100");
	DISCARD(podium("inspect user"));
	root = canary_below(harness.root);
	run_root = canary_below(harness.runroot);
	DISCARD(podium("rm -f user"));
	if (!is_equal(root, "secrets/.made/hidden/data,") || *run_root || is_in_any_argv()) {
		printf("found in: %s %s\n", root, run_root);
		return false;
	}
	return true;
}

static void test_nowhere_else(void)
{
	CHECK(is_only_in_its_file(), "the secret has got out");
	CHECK(setenv("PODIUM_WEAKEN", "ENV-4-RECORD", 1) == 0, "setenv");
	CHECK(!is_only_in_its_file(), "the test does not see a record that tells the secret");
	CHECK(unsetenv("PODIUM_WEAKEN") == 0, "unsetenv");
	MUST(0, "secret rm hidden");
	{
		cleanup_free char *root = canary_below(harness.root);

		CHECK_EQUAL(root, "");
	}
}

/* A container gets the secret of the name that it was made with, or none: not one whose id begins with
 * that name. */
static void test_gone_name(void)
{
	cleanup_result struct result other = podium_stdin(CANARY, "secret create stranger -");

	CHECK_CODE(other, 0);
	for (int i = 0; i < 2; i++) {
		DISCARD(podium_stdin("mine", "secret create %.8s -", other.out));
		MUST(0, "create --name heir --secret %.8s,type=env,target=X payload env",
		     other.out);
		MUST(0, "secret rm %.8s", other.out);
		if (i)
			CHECK(setenv("PODIUM_WEAKEN", "ENV-4-NAME", 1) == 0, "setenv");
		{
			cleanup_result struct result r = podium("start heir");

			CHECK(unsetenv("PODIUM_WEAKEN") == 0, "unsetenv");
			CHECK((r.code == 0) == i, "start ended with %d: %s", r.code, r.err);
			if (!i)
				CHECK_HAS(r.err, "no such secret");
		}
		MUST(0, "rm -f -t 0 heir");
	}
	MUST(0, "secret rm stranger");
}

static CU_TestInfo tests[] = {
	{ "life", test_life },
	{ "what is refused", test_refused },
	{ "of a play", test_played },
	{ "damaged", test_damaged },
	{ "nowhere else", test_nowhere_else },
	{ "ENV-4 another's id", test_gone_name },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "secret", begin, harness_end, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
