/* SPDX-License-Identifier: Apache-2.0 */
/*
 * login - login and logout against a registry that asks for a password.
 *
 * Should: keep nothing that the registry did not take, show no password anywhere, and leave a
 * terminal with its echo whatever happens at the prompt.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "tests/integration/harness.h"
#include "tests/integration/regserver.h"

#define USER	 "alice"
#define PASSWORD "open-sesame"

/* A registry with TLS and a password, and no credentials kept. */
static bool begin(const char *name, struct regserver *s)
{
	if (!regserver_is_possible() ||
	    !regserver_start(
		    &(struct regserver_spec){
			    .name = name, .tls = true, .user = USER, .password = PASSWORD },
		    s))
		return false;
	regserver_trust(s);
	regserver_authorise("{}");
	return true;
}

static const char *kept_path(void)
{
	return getenv("REGISTRY_AUTH_FILE");
}

static void check_kept(bool wanted, const char *part)
{
	cleanup_free char *text = read_file(kept_path());

	if (wanted)
		CHECK_HAS(text ? text : "", part);
	else
		CHECK_LACKS(text ? text : "", part);
}

static void test_login_and_logout(void)
{
	cleanup_regserver struct regserver s = { .port = 0 };
	cleanup_result struct result r = { 0 };
	cleanup_free char *login = NULL;
	struct stat st = { 0 };

	if (!begin("login", &s))
		return;
	login = xasprintf("login -u " USER " --password-stdin %s", s.host);
	r = podium("login --get-login %s", s.host);
	CHECK_CODE(r, 125);
	CHECK_HAS(r.err, "not logged into");
	result_done(&r);
	r = podium_stdin(PASSWORD "\n", "%s", login);
	CHECK_CODE(r, 0);
	CHECK_EQUAL(r.out, "Login Succeeded!\n");
	CHECK_EQUAL(r.err, "");
	result_done(&r);
	check_kept(true, s.host);
	CHECK(stat(kept_path(), &st) == 0 && (st.st_mode & 07777) == 0600, "mode %o", st.st_mode);
	r = podium("login --get-login %s", s.host);
	CHECK_EQUAL(r.out, USER "\n");
	result_done(&r);
	r = podium("login %s", s.host);
	CHECK_CODE(r, 0);
	CHECK_HAS(r.out, "Existing credentials are valid. Already logged in to ");
	result_done(&r);
	r = podium_stdin(PASSWORD, "%s -v", login);
	CHECK_CODE(r, 0);
	CHECK_HAS(r.out, kept_path());
	result_done(&r);
	r = podium("logout %s", s.host);
	CHECK_CODE(r, 0);
	CHECK_HAS(r.out, "Removed login credentials for ");
	check_kept(false, s.host);
	result_done(&r);
	/* as it is taken from a browser */
	r = podium("login -u " USER " -p " PASSWORD " https://%s/v2/", s.host);
	CHECK_CODE(r, 0);
	check_kept(true, s.host);
	check_kept(false, "https:");
	MUST(0, "logout https://%s/", s.host);
	check_kept(false, s.host);
	result_done(&r);
	r = podium("logout %s", s.host);
	CHECK_CODE(r, 125);
	CHECK_HAS(r.err, "not logged into");
}

/* Nothing is kept, and the old credentials stay. */
static void test_refused(void)
{
	cleanup_regserver struct regserver s = { .port = 0 };
	cleanup_result struct result r = { 0 };
	cleanup_free char *before = NULL, *after = NULL, *auth = NULL;

	if (!begin("refused", &s))
		return;
	auth = regserver_auth_text(&s, PASSWORD);
	regserver_authorise(auth);
	before = read_file(kept_path());
	r = podium_stdin("wrong one\n", "login -u " USER " --password-stdin %s", s.host);
	CHECK_CODE(r, 125);
	CHECK_HAS(r.err, "invalid username/password");
	CHECK_LACKS(r.err, "wrong one");
	result_done(&r);
	r = podium("login -u nobody -p x %s", s.host);
	CHECK_CODE(r, 125);
	result_done(&r);
	r = podium("login -u " USER " -p x 127.0.0.1:1");
	CHECK_CODE(r, 125);
	CHECK_HAS(r.err, "127.0.0.1:1");
	CHECK_LACKS(r.err, "invalid username");
	result_done(&r);
	/* without its CA the registry is not believed */
	r = podium("login -u " USER " -p x --cert-dir /nonexistent %s", s.host);
	CHECK_CODE(r, 125);
	result_done(&r);
	r = podium("login -u " USER " %s", s.host);
	CHECK_CODE(r, 125);
	CHECK_HAS(r.err, "--password-stdin");
	result_done(&r);
	r = podium("login -u a -p b --password-stdin %s", s.host);
	CHECK_CODE(r, 125);
	result_done(&r);
	r = podium("login ftp://%s", s.host);
	CHECK_CODE(r, 125);
	CHECK_HAS(r.err, "is no registry");
	after = read_file(kept_path());
	CHECK_EQUAL(after, before);
}

/* ---- the terminal -------------------------------------------------------------------------- */

/* Reads until the text was seen, or the end. */
static bool read_until(int fd, const char *text, struct buf *seen)
{
	int64_t end = clock_mono_ms() + DEADLINE_MS;

	while (clock_mono_ms() < end && !(text && seen->data && strstr(seen->data, text))) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		char data[4096];
		ssize_t n;

		if (poll(&p, 1, 100) <= 0)
			continue;
		n = read(fd, data, sizeof(data));
		if (n <= 0)
			return !text;
		buf_add(seen, data, (size_t)n);
	}
	return text && seen->data && strstr(seen->data, text);
}

static pid_t login_at_terminal(const char *host, int *ret_master, struct termios *ret_before)
{
	cleanup_free char *program = xasprintf("%s/podium", harness.build);
	pid_t pid = forkpty(ret_master, NULL, NULL, NULL);

	if (pid == 0) {
		(void)execl(program, "podium", "--root", harness.root, "--runroot", harness.runroot,
			    "login", host, NULL);
		_exit(127);
	}
	if (pid > 0)
		(void)tcgetattr(*ret_master, ret_before);
	return pid;
}

static void test_prompt(void)
{
	cleanup_regserver struct regserver s = { .port = 0 };
	cleanup_buf struct buf seen = BUF_INIT(100000);
	cleanup_close int master = -EBADF;
	struct termios before;
	int status = -1;
	pid_t pid;

	if (!begin("prompt", &s))
		return;
	pid = login_at_terminal(s.host, &master, &before);
	CHECK(read_until(master, "Username: ", &seen), "asks for the user");
	CHECK(write(master, USER "\n", strlen(USER) + 1) > 0, "types");
	CHECK(read_until(master, "Password: ", &seen), "asks for the password");
	CHECK(write(master, PASSWORD "\n", strlen(PASSWORD) + 1) > 0, "types");
	CHECK(read_until(master, "Login Succeeded!", &seen), "%s", seen.data ? seen.data : "");
	CHECK(waitpid(pid, &status, 0) == pid && status == 0, "status %d", status);
	CHECK_HAS(seen.data, USER);
	CHECK_LACKS(seen.data, PASSWORD);
	check_kept(true, s.host);
}

/* Ctrl-C at the prompt: the signal ends it, and the terminal has its echo. */
static void test_interrupted_prompt(void)
{
	cleanup_regserver struct regserver s = { .port = 0 };
	cleanup_buf struct buf seen = BUF_INIT(100000);
	cleanup_close int master = -EBADF;
	struct termios before, during, after;
	int status = -1;
	pid_t pid;

	if (!begin("interrupt", &s))
		return;
	pid = login_at_terminal(s.host, &master, &before);
	CHECK(read_until(master, "Username: ", &seen), "asks for the user");
	CHECK(write(master, USER "\n", strlen(USER) + 1) > 0, "types");
	CHECK(read_until(master, "Password: ", &seen), "asks for the password");
	CHECK(tcgetattr(master, &during) == 0 && !(during.c_lflag & ECHO), "no echo");
	CHECK(write(master, "sec\x03", 4) == 4, "types Ctrl-C");
	CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGINT,
	      "status %d", status);
	CHECK(tcgetattr(master, &after) == 0 && after.c_lflag == before.c_lflag, "as before");
	check_kept(false, s.host);
}

/* ---- what is kept is used ------------------------------------------------------------------- */

static void test_pull_uses_it(void)
{
	cleanup_regserver struct regserver s = { .port = 0 };
	cleanup_result struct result r = { 0 };

	if (!begin("use", &s) || !regserver_fill_made(&s, "busybox", "ns/app:1", REGSERVER_OCI))
		return;
	r = podium("pull -q %s/ns/app:1", s.host);
	CHECK_CODE(r, 125);
	result_done(&r);
	/* for a part of the registry only */
	r = podium_stdin(PASSWORD, "login -u " USER " --password-stdin %s/other", s.host);
	CHECK_CODE(r, 0);
	result_done(&r);
	r = podium("pull -q %s/ns/app:1", s.host);
	CHECK_CODE(r, 125);
	result_done(&r);
	r = podium_stdin(PASSWORD, "login -u " USER " --password-stdin %s/ns", s.host);
	CHECK_CODE(r, 0);
	result_done(&r);
	r = podium("pull -q %s/ns/app:1", s.host);
	CHECK_CODE(r, 0);
	result_done(&r);
	MUST(0, "logout --all");
	check_kept(false, s.host);
	MUST(0, "rmi %s/ns/app:1", s.host);
}

static CU_TestInfo tests[] = { { "login and logout", test_login_and_logout },
			       { "refused", test_refused },
			       { "the prompt", test_prompt },
			       { "Ctrl-C at the prompt", test_interrupted_prompt },
			       { "pull uses what is kept", test_pull_uses_it },
			       CU_TEST_INFO_NULL };
static CU_SuiteInfo suites[] = { { "login", harness_begin, harness_end, NULL, NULL, tests },
				 CU_SUITE_INFO_NULL };
TEST_MAIN(suites)
