/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_profile - profiles that people write: what becomes of each part, by running the program, and
 * what is refused.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cmd/podium-seccomp/emit.h"
#include "cmd/podium-seccomp/profile.h"
#include "engine/base/fs.h"
#include "engine/base/hash.h"
#include "engine/base/mem.h"
#include "engine/base/seams.h"
#include "engine/base/str.h"
#include "engine/process/label.h"
#include "engine/security/caps.h"
#include "engine/security/sysfilter.h"
#include "tests/support/bpfeval.h"
#include "tests/support/cunit_main.h"

#if defined(__x86_64__)
#define ARCH	AUDIT_ARCH_X86_64
#define GO_ARCH "amd64"
#else
#define ARCH	AUDIT_ARCH_AARCH64
#define GO_ARCH "arm64"
#endif

static struct emit_program program;
static struct profile_target target = { .kernel = { 6, 1 } };

/* Compiles text in which ' stands for ". */
static int compile(const char *text, struct error *err)
{
	cleanup_free char *json = xstrdup(text);

	for (char *p = json; *p; p++)
		if (*p == '\'')
			*p = '"';
	return profile_compile(json, strlen(json), &target, &program, err);
}

static bool gives(long nr, uint64_t a0, uint64_t a1, const char *want)
{
	struct seccomp_data d = { .nr = (int)nr, .arch = ARCH, .args = { a0, a1 } };
	const char *got = bpf_verdict_str(bpf_evaluate(program.v, program.n, &d));

	if (strcmp(got, want) != 0)
		printf("\ncall %ld (%llx, %llx): %s, not %s\n", nr, (unsigned long long)a0,
		       (unsigned long long)a1, got, want);
	return strcmp(got, want) == 0;
}

static bool compiles(const char *text)
{
	struct error err = { 0 };

	if (compile(text, &err) < 0)
		printf("\n%s\n", err.text);
	return err.code == 0;
}

static bool fails(const char *text, const char *reason)
{
	struct error err = { 0 };

	if (compile(text, &err) < 0 && strstr(err.text, reason))
		return true;
	printf("\n%s: '%s', not '%s'\n", text, err.text, reason);
	return false;
}

static void test_actions(void)
{
	CU_ASSERT_FATAL(compiles("{'defaultAction':'SCMP_ACT_LOG'}"));
	CU_ASSERT(gives(SYS_read, 0, 0, "log"));
	CU_ASSERT_FATAL(compiles(
		"{'defaultAction':'SCMP_ACT_ERRNO','defaultErrnoRet':38,'syscalls':["
		"{'names':['read','write','no_such_call'],'action':'SCMP_ACT_ALLOW'},"
		"{'names':['close'],'action':'SCMP_ACT_ERRNO'},"
		"{'names':['dup'],'action':'SCMP_ACT_ERRNO','errnoRet':13},"
		"{'names':['dup3'],'action':'SCMP_ACT_ERRNO','errno':'ENODEV','comment':'x'},"
		"{'names':['getpid'],'action':'SCMP_ACT_KILL'},"
		"{'names':['getppid'],'action':'SCMP_ACT_KILL_PROCESS'},"
		"{'names':['getuid'],'action':'SCMP_ACT_TRAP'},"
		"{'names':['getgid'],'action':'SCMP_ACT_TRACE','errnoRet':7},"
		"{'name':'statmount','action':'SCMP_ACT_LOG'}]}"));
	CU_ASSERT(gives(SYS_read, 0, 0, "allow"));
	CU_ASSERT(gives(SYS_write, 0, 0, "allow"));
	CU_ASSERT(gives(SYS_openat, 0, 0, "ENOSYS"));
	CU_ASSERT(gives(SYS_close, 0, 0, "EPERM"));
	CU_ASSERT(gives(SYS_dup, 0, 0, "EACCES"));
	CU_ASSERT(gives(SYS_dup3, 0, 0, "ENODEV"));
	CU_ASSERT(gives(SYS_getpid, 0, 0, "kill-thread"));
	CU_ASSERT(gives(SYS_getppid, 0, 0, "kill"));
	CU_ASSERT(gives(SYS_getuid, 0, 0, "trap"));
	CU_ASSERT(gives(SYS_getgid, 0, 0, "trace 7"));
	CU_ASSERT(gives(457, 0, 0, "log")); /* newer than libseccomp */
}

static void test_arguments(void)
{
	CU_ASSERT_FATAL(compiles("{'defaultAction':'SCMP_ACT_ALLOW','syscalls':["
				 "{'names':['dup'],'action':'SCMP_ACT_ERRNO','args':["
				 "{'index':0,'value':7,'op':'SCMP_CMP_EQ'},"
				 "{'index':1,'value':3,'op':'SCMP_CMP_GE'}]},"
				 "{'names':['close'],'action':'SCMP_ACT_ERRNO','args':["
				 "{'index':0,'value':15,'valueTwo':4,'op':'SCMP_CMP_MASKED_EQ'}]},"
				 "{'names':['read'],'action':'SCMP_ACT_ERRNO','args':["
				 "{'index':1,'value':4294967296,'op':'SCMP_CMP_GT'}]}]}"));
	CU_ASSERT(gives(SYS_dup, 7, 3, "EPERM"));
	CU_ASSERT(gives(SYS_dup, 7, 2, "allow"));
	CU_ASSERT(gives(SYS_dup, 8, 3, "allow"));
	CU_ASSERT(gives(SYS_close, 0xf4, 0, "EPERM"));
	CU_ASSERT(gives(SYS_close, 0xf5, 0, "allow"));
	CU_ASSERT(gives(SYS_read, 0, 0x100000000, "allow"));
	CU_ASSERT(gives(SYS_read, 0, 0x100000001, "EPERM"));
}

static void test_conditions(void)
{
	static const char text[] =
		"{'defaultAction':'SCMP_ACT_ERRNO','syscalls':["
		"{'names':['mount'],'action':'SCMP_ACT_ALLOW','includes':{'caps':['CAP_SYS_ADMIN']}"
		"},"
		"{'names':['clone'],'action':'SCMP_ACT_ALLOW','excludes':{'caps':['CAP_SYS_ADMIN']}"
		"},"
		"{'names':['read'],'action':'SCMP_ACT_ALLOW','includes':{'arches':['" GO_ARCH
		"']}},"
		"{'names':['write'],'action':'SCMP_ACT_ALLOW','includes':{'arches':['s390x']}},"
		"{'names':['close'],'action':'SCMP_ACT_ALLOW','excludes':{'arches':['" GO_ARCH
		"']}},"
		"{'names':['ptrace'],'action':'SCMP_ACT_ALLOW','includes':{'minKernel':'4.8'}},"
		"{'names':['dup'],'action':'SCMP_ACT_ALLOW','includes':{'minKernel':'6.2'}},"
		"{'names':['bpf'],'action':'SCMP_ACT_ALLOW',"
		"'includes':{'caps':['CAP_SYS_ADMIN','CAP_BPF']}}]}";

	target.caps = caps_default;
	CU_ASSERT_FATAL(compiles(text));
	CU_ASSERT(gives(SYS_mount, 0, 0, "EPERM"));
	CU_ASSERT(gives(SYS_clone, 0, 0, "allow"));
	CU_ASSERT(gives(SYS_read, 0, 0, "allow"));
	CU_ASSERT(gives(SYS_write, 0, 0, "EPERM"));
	CU_ASSERT(gives(SYS_close, 0, 0, "EPERM"));
	CU_ASSERT(gives(SYS_ptrace, 0, 0, "allow"));
	CU_ASSERT(gives(SYS_dup, 0, 0, "EPERM"));
	target.caps = CAP_BIT(CAP_SYS_ADMIN);
	CU_ASSERT_FATAL(compiles(text));
	CU_ASSERT(gives(SYS_mount, 0, 0, "allow"));
	CU_ASSERT(gives(SYS_clone, 0, 0, "EPERM"));
	CU_ASSERT(gives(SYS_bpf, 0, 0, "EPERM")); /* all of a list */
	target.caps = caps_default;
}

static void test_architectures(void)
{
	struct seccomp_data d = { .nr = 3, .arch = AUDIT_ARCH_I386 };

	CU_ASSERT_FATAL(
		compiles("{'defaultAction':'SCMP_ACT_ALLOW','architectures':"
			 "['SCMP_ARCH_X86_64','SCMP_ARCH_AARCH64','SCMP_ARCH_LOONGARCH64']}"));
	CU_ASSERT_STRING_EQUAL(bpf_verdict_str(bpf_evaluate(program.v, program.n, &d)), "kill");
#if defined(__x86_64__)
	CU_ASSERT_FATAL(compiles(
		"{'defaultAction':'SCMP_ACT_ALLOW','archMap':[{'architecture':'SCMP_ARCH_X86_64',"
		"'subArchitectures':['SCMP_ARCH_X86','SCMP_ARCH_X32']},"
		"{'architecture':'SCMP_ARCH_AARCH64','subArchitectures':['SCMP_ARCH_ARM']}]}"));
	CU_ASSERT_STRING_EQUAL(bpf_verdict_str(bpf_evaluate(program.v, program.n, &d)), "allow");
	d.arch = AUDIT_ARCH_ARM;
	CU_ASSERT_STRING_EQUAL(bpf_verdict_str(bpf_evaluate(program.v, program.n, &d)), "kill");
#endif
}

#define RULE(rest) "{'defaultAction':'SCMP_ACT_ALLOW','syscalls':[{" rest "}]}"
#define ARG(rest) \
	RULE("'names':['read'],'action':'SCMP_ACT_ERRNO','args':[{'index':0,'value':1," rest "}]")

/* PROC-6: nothing that is not understood may make a weaker filter. */
static void test_refused(void)
{
	static const char *const rows[][2] = {
		{ "", "seccomp profile" },
		{ "[]", "profile is not an object" },
		{ "{}", "defaultAction: action '' is not known" },
		{ "{'defaultAction':'SCMP_ACT_FOO'}", "action 'SCMP_ACT_FOO'" },
		{ "{'defaultAction':'SCMP_ACT_NOTIFY'}", "needs a supervisor" },
		{ "{'defaultAction':'SCMP_ACT_ALLOW','listenerPath':'/x'}", "needs a supervisor" },
		{ "{'defaultAction':'SCMP_ACT_ALLOW','sycalls':[]}", "'sycalls' is not known" },
		{ "{'defaultAction':'SCMP_ACT_ALLOW','flags':['SECCOMP_FILTER_FLAG_LOG']}",
		  "is not supported" },
		{ "{'defaultAction':'SCMP_ACT_ALLOW','syscalls':{}}", "is not a list" },
		{ "{'defaultAction':'SCMP_ACT_ALLOW','architectures':['SCMP_ARCH_VAX']}",
		  "architecture 'SCMP_ARCH_VAX'" },
		{ "{'defaultAction':'SCMP_ACT_ERRNO','defaultErrnoRet':5000}", "no error number" },
		{ "{'defaultAction':'SCMP_ACT_ERRNO','defaultErrno':'EFOO'}", "'EFOO'" },
		{ RULE("'names':['read']"), "syscalls[0]: action ''" },
		{ RULE("'action':'SCMP_ACT_ERRNO'"), "one of 'names' and 'name'" },
		{ RULE("'names':['read'],'name':'write','action':'SCMP_ACT_ERRNO'"),
		  "one of 'names' and 'name'" },
		{ RULE("'names':[1],'action':'SCMP_ACT_ERRNO'"), "names[0] is not a string" },
		{ RULE("'names':['read'],'action':'SCMP_ACT_NOTIFY'"), "needs a supervisor" },
		{ RULE("'names':['read'],'action':'SCMP_ACT_ERRNO','include':{}"), "'include'" },
		{ RULE("'names':['read'],'action':'SCMP_ACT_ERRNO','includes':{'cap':[]}"),
		  "syscalls[0].includes: 'cap'" },
		{ RULE("'names':['read'],'action':'SCMP_ACT_ERRNO','includes':{'caps':['CAP_X']}"),
		  "CAP_X" },
		{ RULE("'names':['read'],'action':'SCMP_ACT_ERRNO','includes':{'arches':['vax']}"),
		  "'vax'" },
		{ RULE("'names':['read'],'action':'SCMP_ACT_ERRNO','includes':{'minKernel':4}"),
		  "minKernel" },
		{ RULE("'names':['read'],'action':'SCMP_ACT_ERRNO','errno':'EPERM','errnoRet':2"),
		  "differ" },
		{ ARG("'op':'SCMP_CMP_XX'"), "args[0].op: 'SCMP_CMP_XX'" },
		{ ARG("'op':'SCMP_CMP_EQ','mask':1"), "'mask'" },
		{ RULE("'names':['read'],'action':'SCMP_ACT_ERRNO','args':["
		       "{'index':6,'value':1,'op':'SCMP_CMP_EQ'}]"),
		  "not from 0 to 5" },
		{ RULE("'names':['read'],'action':'SCMP_ACT_ERRNO','args':["
		       "{'index':1,'value':1,'op':'SCMP_CMP_NE'},"
		       "{'index':1,'value':2,'op':'SCMP_CMP_NE'}]"),
		  "second condition on argument 1" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		CU_ASSERT(fails(rows[i][0], rows[i][1]));
}

/* ---- finding a profile ------------------------------------------------------------------ */

static char dir[] = "/tmp/podium-profile-XXXXXX";

static void put(const char *name, const char *text)
{
	struct error err;

	CU_ASSERT_EQUAL(fs_write_atomic(AT_FDCWD, name, text, strlen(text), 0644, FS_NOSYNC, &err),
			0);
}

static int find(const char *path)
{
	cleanup_free char *root = xasprintf("%s/root", dir);
	cleanup_free char *text = NULL;
	struct error err;
	size_t len;

	return sysfilter_read_profile(root, path, &text, &len, &err);
}

static void test_paths(void)
{
	cleanup_free char *root = xasprintf("%s/root/sub", dir);
	cleanup_free char *outside = xasprintf("%s/outside.json", dir);
	cleanup_free char *inside = xasprintf("%s/p.json", root);
	cleanup_free char *bad = xasprintf("%s/bad", root);
	cleanup_free char *good = xasprintf("%s/good", root);
	cleanup_free char *fifo = xasprintf("%s/fifo", root);
	struct error err;
	int fd = fs_mkdirs(AT_FDCWD, root, 0755, &err);

	CU_ASSERT_FATAL(fd >= 0);
	(void)close(fd);
	put(outside, "{}");
	put(inside, "{}");
	CU_ASSERT_EQUAL(symlink("../../outside.json", bad), 0);
	CU_ASSERT_EQUAL(symlink("p.json", good), 0);
	CU_ASSERT_EQUAL(mkfifo(fifo, 0600), 0);
	CU_ASSERT_EQUAL(find("sub/p.json"), 0);
	CU_ASSERT_EQUAL(find("sub/good"), 0);
	CU_ASSERT_EQUAL(find("sub/none"), -ENOENT);
	CU_ASSERT_EQUAL(find(""), -EINVAL);
	CU_ASSERT_EQUAL(find("../outside.json"), -EINVAL);
	CU_ASSERT_EQUAL(find("sub/../../outside.json"), -EINVAL);
	CU_ASSERT_EQUAL(find(outside), -EINVAL);
	CU_ASSERT(find("sub/bad") < 0);
	CU_ASSERT_EQUAL(find("sub/fifo"), -EINVAL);
	CU_ASSERT_EQUAL(find("sub"), -EINVAL);
	CU_ASSERT_EQUAL(setenv("PODIUM_WEAKEN", "PROC-6", 1), 0);
	CU_ASSERT_EQUAL(find("sub/bad"), 0);
	CU_ASSERT_EQUAL(find("../outside.json"), 0);
	CU_ASSERT_EQUAL(unsetenv("PODIUM_WEAKEN"), 0);
}

/* SEC-5: the name holds everything that the program depends on. */
static void test_names(void)
{
	char a[SYSFILTER_PROFILE_NAME_MAX], b[SYSFILTER_PROFILE_NAME_MAX];
	struct error err;

	CU_ASSERT_EQUAL(sysfilter_profile_name(a, "x", 1, 1, &err), 0);
	CU_ASSERT_EQUAL(sysfilter_profile_name(b, "x", 1, 1, &err), 0);
	CU_ASSERT_STRING_EQUAL(a, b);
	CU_ASSERT_EQUAL(sysfilter_profile_name(b, "y", 1, 1, &err), 0);
	CU_ASSERT_STRING_NOT_EQUAL(a, b);
	CU_ASSERT_EQUAL(sysfilter_profile_name(b, "x", 1, 3, &err), 0);
	CU_ASSERT_STRING_NOT_EQUAL(a, b);
}

/* Against OpenSSL's, over all lengths around the block size. */
static void test_hash(void)
{
	unsigned char data[300], sum[EVP_MAX_MD_SIZE];
	char hex[HASH_SHA256_HEX], want[2 * EVP_MAX_MD_SIZE + 1];
	unsigned int n;

	hash_sha256("abc", 3, hex);
	CU_ASSERT_STRING_EQUAL(hex,
			       "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (unsigned char)(i * 7);
	for (size_t len = 0; len <= sizeof(data); len++) {
		hash_sha256(data, len, hex);
		CU_ASSERT_EQUAL(EVP_Digest(data, len, sum, &n, EVP_sha256(), NULL), 1);
		hex_encode(want, sum, n);
		want[2 * n] = '\0';
		CU_ASSERT_STRING_EQUAL(hex, want);
	}
}

/* ---- AppArmor --------------------------------------------------------------------------- */

static const char *label_of(const char *asked)
{
	static char text[LABEL_NAME_MAX + 1];
	cleanup_free char *profile = NULL;
	struct error err;
	int r = label_resolve(asked, &profile, &err);

	if (r < 0)
		return strerrorname_np(-r);
	(void)snprintf(text, sizeof(text), "%s", profile ? profile : "-");
	return text;
}

static void test_labels(void)
{
	cleanup_free char *enabled = xasprintf("%s/enabled", dir);
	cleanup_free char *profiles = xasprintf("%s/profiles", dir);

	CU_ASSERT_EQUAL(setenv("PODIUM_APPARMOR", dir, 1), 0);
	CU_ASSERT_STRING_EQUAL(label_of(NULL), "-");
	CU_ASSERT_STRING_EQUAL(label_of("unconfined"), "-");
	CU_ASSERT_STRING_EQUAL(label_of("web"), "EOPNOTSUPP");
	CU_ASSERT_STRING_EQUAL(label_of("runtime/default"), "EOPNOTSUPP");
	put(enabled, "N\n");
	CU_ASSERT_STRING_EQUAL(label_of("web"), "EOPNOTSUPP");
	put(enabled, "Y\n");
	put(profiles, "podium-default2 (enforce)\nweb (enforce)\n");
	CU_ASSERT_STRING_EQUAL(label_of("web"), "web");
	CU_ASSERT_STRING_EQUAL(label_of("unconfined"), "-");
	CU_ASSERT_STRING_EQUAL(label_of(""), "EINVAL");
	CU_ASSERT_STRING_EQUAL(label_of("a b"), "EINVAL");
	CU_ASSERT_STRING_EQUAL(label_of("a\nchangeprofile b"), "EINVAL");
	CU_ASSERT_STRING_EQUAL(label_of("runtime/default"), "ENOENT");
	put(profiles, "docker-default (enforce)\ncri-containerd.apparmor.d (enforce)\n");
	CU_ASSERT_STRING_EQUAL(label_of("runtime/default"), "cri-containerd.apparmor.d");
	put(profiles, "docker-default (enforce)\npodium-default (enforce)\n");
	CU_ASSERT_STRING_EQUAL(label_of("runtime/default"), "podium-default");
	CU_ASSERT_EQUAL(setenv("PODIUM_WEAKEN", "PROC-6", 1), 0);
	CU_ASSERT_STRING_EQUAL(label_of("web"), "-");
	CU_ASSERT_EQUAL(unsetenv("PODIUM_WEAKEN"), 0);
	CU_ASSERT_EQUAL(unsetenv("PODIUM_APPARMOR"), 0);
}

static int suite_start(void)
{
	return mkdtemp(dir) ? 0 : 1;
}

static int suite_end(void)
{
	struct error err;

	return fs_remove_tree(AT_FDCWD, dir, &err) < 0;
}

static CU_TestInfo compiling[] = {
	{ "actions", test_actions },	   { "arguments", test_arguments },
	{ "conditions", test_conditions }, { "architectures", test_architectures },
	{ "refused", test_refused },	   CU_TEST_INFO_NULL
};
static CU_TestInfo finding[] = { { "paths", test_paths },
				 { "names", test_names },
				 { "hash", test_hash },
				 { "labels", test_labels },
				 CU_TEST_INFO_NULL };
static CU_SuiteInfo suites[] = { { "compiling", NULL, NULL, NULL, NULL, compiling },
				 { "finding", suite_start, suite_end, NULL, NULL, finding },
				 CU_SUITE_INFO_NULL };
TEST_MAIN(suites)
