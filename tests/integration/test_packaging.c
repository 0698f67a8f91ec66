/* SPDX-License-Identifier: Apache-2.0 */
/*
 * packaging - what `make install` brings beside the programs: units, completion, manual pages.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/integration/harness.h"

/* ---- units -------------------------------------------------------------------------------- */

static void test_units(void)
{
	static const char *const units[] = { "podium-restart.service", "podium-kube@.service" };

	if (access("/usr/bin/systemd-analyze", X_OK) < 0) {
		TEST_SKIP("systemd-analyze is not installed");
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		cleanup_free char *script =
			xasprintf("sed s:@BINDIR@:%s/bin: packaging/systemd/%s.in >%s/%s",
				  harness.work, units[i], harness.work, units[i]);
		cleanup_free char *program = NULL;
		char build[4096];

		/* Relative to here, and the unit needs a whole path. */
		CHECK(realpath(harness.build, build) != NULL, "no build");
		program = xasprintf("mkdir -p %s/bin && ln -sf %s/podium %s/bin/podium",
				    harness.work, build, harness.work);
		DISCARD(run("sh -c '%s'", program));
		DISCARD(run("sh -c '%s'", script));
		{
			cleanup_result struct result r = run(
				"systemd-analyze verify --man=no %s/%s", harness.work, units[i]);

			CHECK_CODE(r, 0);
			CHECK_EQUAL(r.err, "");
		}
	}
}

/* ---- completion --------------------------------------------------------------------------- */

/* What bash offers for a line, one a line. */
static char *complete(const char *line)
{
	cleanup_result struct result r = { 0 };

	write_file("complete.sh",
		   "PATH=%s:$PATH\nsource <(podium completion bash)\n"
		   "COMP_LINE='podium --root %s --runroot %s %s' COMP_POINT=${#COMP_LINE}\n"
		   "COMP_WORDS=($COMP_LINE) COMP_CWORD=0\n_podium\n"
		   "printf '%%s\\n' \"${COMPREPLY[@]}\"\n",
		   harness.build, harness.root, harness.runroot, line);
	r = run("bash %s/complete.sh", harness.work);
	CHECK_CODE(r, 0);
	return xstrdup(r.out);
}

#define CHECK_OFFERS(line, text)                             \
	do {                                                 \
		cleanup_free char *offers_ = complete(line); \
		CHECK_HAS(offers_, (text));                  \
	} while (0)

static void test_words(void)
{
	cleanup_free char *po = complete("po");
	cleanup_free char *flag = complete("run --nam");
	cleanup_free char *none = complete("nosuchcommand ");

	CHECK_HAS(po, "pod\n");
	CHECK_LACKS(po, "ps");
	CHECK_EQUAL(flag, "--name\n");
	CHECK_EQUAL(none, "\n");
	CHECK_OFFERS("pod ex", "exists");
	CHECK_OFFERS("--ro", "--root");
}

static void test_live_names(void)
{
	MUST(0, "run -d --name finch payload sleep 0");
	CHECK_OFFERS("stop fi", "finch\n");
	CHECK_OFFERS("run pay", "payload:latest\n");
	CHECK_OFFERS("rmi localhost/payload:la", "latest\n");
	MUST(0, "rm -f -t 0 finch");
}

static void test_shells(void)
{
	cleanup_result struct result zsh = podium("completion zsh");
	cleanup_result struct result fish = podium("completion fish");
	cleanup_result struct result other = podium("completion tcsh");

	CHECK_HAS(zsh.out, "#compdef podium");
	CHECK_HAS(fish.out, "complete -c podium");
	CHECK_CODE(other, 125);
	CHECK_HAS(other.err, "bash, zsh or fish");
}

/* ---- manual pages ------------------------------------------------------------------------- */

static void test_pages(void)
{
	cleanup_free char *text = NULL;

	DISCARD(run("mkdir -p %s/man", harness.work));
	MUST(0, "__man-pages %s/man", harness.work);
	{
		cleanup_result struct result r = run("cat %s/man/podium-pod-rm.1", harness.work);

		CHECK_HAS(r.out, ".TH PODIUM-POD-RM 1");
		CHECK_HAS(r.out, "\\fB\\-\\-force\\fR");
	}
	if (access("/usr/bin/groff", X_OK) < 0)
		return;
	{
		cleanup_result struct result r =
			run("sh -c 'groff -man -ww -Tascii -z %s/man/*.1'", harness.work);

		CHECK_CODE(r, 0);
		CHECK_EQUAL(r.err, "");
	}
}

static int begin(void)
{
	return harness_begin() == 0 && load_image("payload") ? 0 : 1;
}

static CU_TestInfo tests[] = {
	{ "units", test_units },
	{ "words of a command line", test_words },
	{ "names of live objects", test_live_names },
	{ "shells", test_shells },
	{ "manual pages", test_pages },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "packaging", begin, harness_end, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
