/* SPDX-License-Identifier: Apache-2.0 */
/* test_kubetable - kubectl's tables, the words for kinds, and what is waited for. */
#include "cmd/podium/kube/kubetable.h"

#include <errno.h>
#include <string.h>

#include "cmd/podium/kube/kubewords.h"
#include "cmd/podium/play/play_wait.h"
#include "engine/base/mem.h"
#include "tests/support/capture.h"
#include "tests/support/cunit_main.h"

#define S INT64_C(1000000000)

static const char *const headers[] = { "NAME", "STATUS", "AGE", NULL };

static void fill(struct kube_table *t)
{
	kube_table_begin(t, headers);
	kube_table_add(t, "web");
	kube_table_add(t, "CrashLoopBackOff");
	kube_table_add_age(t, 100 * S, 190 * S);
	kube_table_add(t, "d\xc3\xa4"
			  "b\x1b[1m\nx");
	kube_table_add(t, "");
	kube_table_add_age(t, 0, 190 * S);
}

static void check(size_t from, bool with_headers, unsigned int indent, const char *want)
{
	cleanup_kube_table struct kube_table t = { 0 };
	cleanup_free char *got = NULL;
	struct capture out;

	fill(&t);
	capture_begin(&out);
	if (from)
		kube_table_print_from(&t, from, indent);
	else
		kube_table_print(&t, with_headers, indent);
	got = capture_end(&out);
	if (strcmp(got, want) != 0)
		printf("'%s' not\n'%s'\n", got, want);
	CU_ASSERT_STRING_EQUAL(got, want);
}

static void test_table(void)
{
	check(0, true, 0,
	      "NAME           STATUS             AGE\n"
	      "web            CrashLoopBackOff   90s\n"
	      "d\xc3\xa4"
	      "b\\x1b[1m x   <none>             <unknown>\n");
	check(0, false, 2,
	      "  web            CrashLoopBackOff   90s\n"
	      "  d\xc3\xa4"
	      "b\\x1b[1m x   <none>             <unknown>\n");
	check(2, false, 0,
	      "d\xc3\xa4"
	      "b\\x1b[1m x   <none>             <unknown>\n");
}

/* "pods: a b; cm:" or what is wrong. */
static void check_words(const char *line, const char *want)
{
	cleanup_free char *copy = xstrdup(line);
	cleanup_kube_words struct kube_words words = { 0 };
	cleanup_buf struct buf b = BUF_INIT(4096);
	struct error err = { 0 };
	char *argv[16], *save = NULL;
	int argc = 0;

	for (char *w = strtok_r(copy, " ", &save); w; w = strtok_r(NULL, " ", &save))
		argv[argc++] = w;
	if (kube_words_parse(argc, argv, &words, &err) < 0) {
		CU_ASSERT_PTR_NOT_NULL(strstr(err.text, want));
		return;
	}
	for (size_t i = 0; i < words.n; i++) {
		buf_printf(&b, "%s%s:", i ? "; " : "", words.v[i].row->plural);
		for (size_t k = 0; k < words.v[i].names.n; k++)
			buf_printf(&b, " %s", words.v[i].names.v[k]);
	}
	CU_ASSERT_STRING_EQUAL(b.data, want);
}

static void test_words(void)
{
	check_words("pods", "pods:");
	check_words("po a b", "pods: a b");
	check_words("Pod,CM x", "pods: x; configmaps: x");
	check_words("pod/a cm/b pod/c", "pods: a c; configmaps: b");
	check_words("all", "pods:; daemonsets:; deployments:; replicasets:; jobs:");
	check_words("pods,all", "pods:; daemonsets:; deployments:; replicasets:; jobs:");
	check_words("pod/a b", "every argument must be one");
	check_words("pots", "kind 'pots' is not known here: pods, daemonsets");
	check_words("pots/a", "kind 'pots' is not known here");
	check_words(",", "kind '' is not known here");
}

static void check_wait(const char *wait, int64_t timeout, int want)
{
	struct play_options o = { .wait = wait,
				  .timeout = { .set = timeout >= -1, .value = timeout },
				  .start = true };
	enum play_wait_mode mode = PLAY_WAIT_NONE;
	struct error err;
	int r = play_wait_parse(&o, &mode, &err);

	CU_ASSERT_EQUAL(r < 0 ? r : (int)mode, want);
}

static void test_wait(void)
{
	check_wait(NULL, -2, PLAY_WAIT_NONE);
	check_wait("false", -2, PLAY_WAIT_NONE);
	check_wait("true", -2, PLAY_WAIT_FOREGROUND);
	check_wait("ready", -2, PLAY_WAIT_READY);
	check_wait("completed", 10, PLAY_WAIT_COMPLETED);
	check_wait("ready", 0, PLAY_WAIT_READY);
	check_wait("ready", -1, -EINVAL);
	check_wait("true", 10, -EINVAL);
	check_wait(NULL, 10, -EINVAL);
	check_wait("soon", -2, -EINVAL);
}

static CU_TestInfo tests[] = {
	{ "tables", test_table },
	{ "kinds and names", test_words },
	{ "--wait and --timeout", test_wait },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "kubetable", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
