/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_logread - what was written is what is read: whole, by its last lines (checked against a
 * simple count over random logs), since a time, and followed across rotations.
 */
#include "engine/logs/logread.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/fs.h"
#include "engine/base/str.h"
#include "engine/logs/logwrite.h"
#include "tests/support/cunit_main.h"

#define OUT_MAX	   (64 << 20)
#define T0	   "2026-11-22T01:02:03Z "
#define T1	   "2026-11-22T01:02:04.5Z "
#define T1_NS	   1795309324500000000LL
#define FOLLOW_MAX 20 /* seconds: a test that hangs is killed */

struct fixture {
	char path[40];
	int fd;
	struct logwriter w;
	struct error err;
	struct buf out; /* both streams in order */
	struct buf only[3];
};

static void setup(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	f->out = f->only[1] = f->only[2] = BUF_INIT(OUT_MAX);
	(void)snprintf(f->path, sizeof(f->path), "/tmp/podium-logread-XXXXXX");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(f->path));
	f->fd = open(f->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CU_ASSERT_TRUE_FATAL(f->fd >= 0);
}

static void forget(struct fixture *f)
{
	buf_done(&f->out);
	buf_done(&f->only[1]);
	buf_done(&f->only[2]);
	f->out = f->only[1] = f->only[2] = BUF_INIT(OUT_MAX);
}

static void teardown(struct fixture *f)
{
	logwriter_close(&f->w);
	forget(f);
	(void)close(f->fd);
	CU_ASSERT_EQUAL(fs_remove_tree(AT_FDCWD, f->path, &f->err), 0);
}

static int to_stdout(void *arg, const char *data, size_t len)
{
	struct fixture *f = arg;

	buf_add(&f->out, data, len);
	buf_add(&f->only[1], data, len);
	return 0;
}

static int to_stderr(void *arg, const char *data, size_t len)
{
	struct fixture *f = arg;

	buf_add(&f->out, data, len);
	buf_add(&f->only[2], data, len);
	return 0;
}

static struct logread_options options(struct fixture *f)
{
	struct logread_options o = LOGREAD_OPTIONS_INIT;

	o.on_stdout = to_stdout;
	o.on_stderr = to_stderr;
	o.arg = f;
	return o;
}

static void put_file(struct fixture *f, const char *name, const char *text, size_t len)
{
	int fd = openat(f->fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	CU_ASSERT_EQUAL(fs_write_all(fd, text, len), 0);
	(void)close(fd);
}

static void put(struct fixture *f, const char *name, const char *text)
{
	put_file(f, name, text, strlen(text));
}

static const char *content(const struct buf *b)
{
	return b->data ? b->data : "";
}

static void check(struct fixture *f, const struct logread_options *o, const char *want)
{
	forget(f);
	CU_ASSERT_EQUAL(logread(f->fd, o, &f->err), 0);
	CU_ASSERT_STRING_EQUAL(content(&f->out), want);
	if (strcmp(content(&f->out), want) != 0)
		printf("\n  got  '%s'\n  want '%s'\n", content(&f->out), want);
}

static const char small_log[] =
	T0 "stdout F one\n" T0 "stderr F two\n" T0 "stdout P th\n" T1 "stderr F four\n" T1
	   "stdout P r\n" T1 "stdout F ee\n" T1 "stdout F \n" T1 "stdout P open";

static void test_whole(void)
{
	struct fixture f;
	struct logread_options o;

	setup(&f);
	o = options(&f);
	check(&f, &o, ""); /* no log yet */
	put(&f, "log", small_log);
	/* the record without newline is torn: it is not there */
	check(&f, &o, "one\ntwo\nfour\nthree\n\n");
	CU_ASSERT_STRING_EQUAL(content(&f.only[2]), "two\nfour\n");
	put_file(&f, "log", small_log, sizeof(small_log) - 1);
	o.timestamps = true;
	check(&f, &o, T0 "one\n" T0 "two\n" T1 "four\n" T0 "three\n" T1 "\n");
	o.timestamps = false;
	o.since_ns = T1_NS;
	check(&f, &o, "four\n\n"); /* three began before */
	o.until_ns = T1_NS;
	o.since_ns = 0;
	check(&f, &o, "one\ntwo\nthree\n");
	o.until_ns = 0;
	o.on_stderr = NULL;
	check(&f, &o, "one\nthree\n\n");
	put(&f, "log", T0 "stdout F a\n" T0 "stdout P prompt: \n");
	check(&f, &o, "a\nprompt: ");
	teardown(&f);
}

static void test_tail(void)
{
	struct fixture f;
	struct logread_options o;

	setup(&f);
	o = options(&f);
	put(&f, "log.1", T0 "stdout F zero\n" T0 "stdout P on\n");
	put(&f, "log",
	    T0 "stderr F two\n" T0 "stdout F e\n" T0 "stdout P th\n" T1 "stderr F four\n" T1
	       "stdout F ree\n" T1 "stdout P end\n");
	o.tail = 0;
	check(&f, &o, "");
	o.tail = 1;
	check(&f, &o, "end");
	o.tail = 2;
	check(&f, &o, "three\nend");
	o.tail = 3;
	check(&f, &o, "four\nthree\nend");
	o.tail = 4;
	check(&f, &o, "one\nfour\nthree\nend");
	o.tail = 5;
	check(&f, &o, "two\none\nfour\nthree\nend");
	o.tail = 99;
	check(&f, &o, "zero\ntwo\none\nfour\nthree\nend");
	teardown(&f);
}

static uint32_t next_random(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

/* Writes random lines through the writer. Two streams that take turns in the middle of lines. */
static void write_random(struct fixture *f, uint32_t *seed, int feeds)
{
	static char text[60000];

	for (int i = 0; i < feeds; i++) {
		size_t len = next_random(seed) % (next_random(seed) % 8 == 0 ? sizeof(text) : 90);

		for (size_t k = 0; k < len; k++)
			text[k] = next_random(seed) % 40 == 0
					  ? '\n'
					  : (char)('a' + next_random(seed) % 26);
		CU_ASSERT_EQUAL(logwriter_feed(&f->w, 1 + (int)(next_random(seed) % 2), text, len),
				0);
		if (next_random(seed) % 5 == 0)
			logwriter_flush(&f->w);
	}
}

/* The oracle reads all and counts newlines from the end. */

static int collect(void *arg, const char *data, size_t len)
{
	struct buf *b = arg;

	buf_add(b, data, len);
	return 0;
}

static void naive_tail(struct fixture *f, size_t n, struct buf *out)
{
	struct logread_options o = LOGREAD_OPTIONS_INIT;
	struct buf all = BUF_INIT(OUT_MAX);
	size_t lines = 0, at;

	o.on_stdout = o.on_stderr = collect;
	o.arg = &all;
	CU_ASSERT_EQUAL(logread(f->fd, &o, &f->err), 0);
	at = all.len;
	while (at > 0 && lines <= n) {
		at--;
		/* a newline before the end of everything separates two lines */
		if (all.data[at] == '\n' && at + 1 < all.len && ++lines == n) {
			at++;
			break;
		}
	}
	buf_add(out, n == 0 ? "" : all.data + at, n == 0 ? 0 : all.len - at);
	buf_done(&all);
}

static void test_random_tails(void)
{
	static const int64_t tails[] = { 0, 1, 2, 3, 10, 100, 1000, 100000 };
	int bad = 0;

	for (uint32_t round = 1; round <= 20; round++) {
		uint32_t seed = round * 7919;
		struct fixture f;

		setup(&f);
		CU_ASSERT_EQUAL(logwriter_open(&f.w, f.fd, round % 2 ? 100000 : 0, 4, &f.err), 0);
		write_random(&f, &seed, 60);
		/* both streams end with a whole line: then "last" is the same for both counts */
		CU_ASSERT_EQUAL(logwriter_feed(&f.w, 1, "end\n", 4), 0);
		CU_ASSERT_EQUAL(logwriter_feed(&f.w, 2, "end\n", 4), 0);
		for (size_t i = 0; i < ARRAY_SIZE(tails); i++) {
			struct logread_options o = options(&f);
			struct buf want = BUF_INIT(OUT_MAX);

			o.tail = tails[i];
			naive_tail(&f, (size_t)tails[i], &want);
			forget(&f);
			CU_ASSERT_EQUAL(logread(f.fd, &o, &f.err), 0);
			if (f.out.len != want.len ||
			    (want.len && memcmp(f.out.data, want.data, want.len) != 0)) {
				bad++;
				printf("\n  round %u tail %d: got %zu bytes, want %zu\n", round,
				       (int)tails[i], f.out.len, want.len);
			}
			buf_done(&want);
		}
		teardown(&f);
	}
	CU_ASSERT_EQUAL(bad, 0);
}

static void test_garbage(void)
{
	size_t len = 300000;
	char *junk = xmalloc(len);
	struct logread_options o;
	struct fixture f;

	setup(&f);
	o = options(&f);
	memset(junk, 0, len);
	put(&f, "log.1", T0 "stdout F a\nnonsense\n\n\n" T0 "stdout F sto" T0 "stdout F b\n");
	check(&f, &o, "a\nsto" T0 "stdout F b\n"); /* a stump that looks whole up to its text */
	put(&f, "log.1", T0 "stdout F a\n" T0 "stdo\n" T0 "stdout F b\n");
	put_file(&f, "log", junk, len);
	check(&f, &o, "a\nb\n");
	/* zeros between two records: what a power cut leaves */
	memcpy(junk, T0 "stdout F c\n", strlen(T0 "stdout F c\n"));
	memcpy(junk + len - 40, "\n" T0 "stdout F d\n", strlen("\n" T0 "stdout F d\n"));
	put_file(&f, "log", junk, len - 40 + strlen("\n" T0 "stdout F d\n"));
	check(&f, &o, "a\nb\nc\nd\n");
	o.tail = 2;
	check(&f, &o, "c\nd\n");
	o.tail = 3;
	check(&f, &o, "b\nc\nd\n");
	free(junk);
	teardown(&f);
}

/* LOG-1 for the reader: links, fifos, directories, second names. The canary is not read. */
static void test_hostile_names(void)
{
	struct logread_options o;
	struct fixture f;

	setup(&f);
	o = options(&f);
	put(&f, "canary", T0 "stdout F tweet\n");
	CU_ASSERT_EQUAL(symlinkat("canary", f.fd, "log"), 0);
	CU_ASSERT_EQUAL(logread(f.fd, &o, &f.err), -ELOOP);
	CU_ASSERT_EQUAL(renameat(f.fd, "log", f.fd, "log.1"), 0);
	put(&f, "log", T0 "stdout F fine\n");
	CU_ASSERT_EQUAL(logread(f.fd, &o, &f.err), -ELOOP);
	(void)unlinkat(f.fd, "log.1", 0);
	CU_ASSERT_EQUAL(mkfifoat(f.fd, "log.1", 0600), 0);
	CU_ASSERT_EQUAL(logread(f.fd, &o, &f.err), -EPERM);
	(void)unlinkat(f.fd, "log.1", 0);
	CU_ASSERT_EQUAL(linkat(f.fd, "canary", f.fd, "log.1", 0), 0);
	CU_ASSERT_EQUAL(logread(f.fd, &o, &f.err), -EPERM);
	(void)unlinkat(f.fd, "log.1", 0);
	CU_ASSERT_EQUAL(mkdirat(f.fd, "log.1", 0700), 0);
	CU_ASSERT_EQUAL(logread(f.fd, &o, &f.err), -EPERM);
	CU_ASSERT_EQUAL(f.out.len, 0);
	teardown(&f);
}

static int refuse(void *arg, const char *data, size_t len)
{
	(void)data, (void)len;
	++*(int *)arg;
	return -EPIPE;
}

static void test_callback_stops(void)
{
	struct logread_options o = LOGREAD_OPTIONS_INIT;
	struct fixture f;
	int calls = 0;

	setup(&f);
	put(&f, "log", T0 "stdout F a\n" T0 "stdout F b\n");
	o.on_stdout = refuse;
	o.arg = &calls;
	CU_ASSERT_EQUAL(logread(f.fd, &o, &f.err), -EPIPE);
	CU_ASSERT_EQUAL(calls, 1);
	teardown(&f);
}

#define FOLLOW_LINES 3000

/* The writer's process: lines with pauses, many rotations; a byte to the pipe at the end. */
static void write_slowly(struct fixture *f, int done)
{
	char line[128];

	(void)alarm(FOLLOW_MAX);
	for (int i = 0; i < FOLLOW_LINES; i++) {
		int n = snprintf(line, sizeof(line), "line %d of some length to fill the files\n",
				 i);

		/* in two pieces, with a part in the file between them now and then */
		(void)logwriter_feed(&f->w, 1, line, 7);
		if (i % 10 == 0)
			logwriter_flush(&f->w);
		(void)logwriter_feed(&f->w, 1, line + 7, (size_t)n - 7);
		if (i % 50 == 0)
			(void)usleep(2000);
	}
	logwriter_close(&f->w);
	_exit(write(done, "x", 1) == 1 ? 0 : 1);
}

static void test_follow(void)
{
	struct logread_options o;
	struct buf want = BUF_INIT(OUT_MAX);
	struct fixture f;
	int pipes[2], status;
	pid_t pid;

	setup(&f);
	o = options(&f);
	o.follow = true;
	CU_ASSERT_EQUAL(pipe2(pipes, O_CLOEXEC), 0);
	o.stop_fd = pipes[0];
	/* so many files that none is lost however slow we are */
	CU_ASSERT_EQUAL(logwriter_open(&f.w, f.fd, LOG_MAX_BYTES_MIN, 40, &f.err), 0);
	(void)fflush(stdout);
	pid = fork();
	if (pid == 0)
		write_slowly(&f, pipes[1]);
	(void)alarm(FOLLOW_MAX);
	CU_ASSERT_EQUAL(logread(f.fd, &o, &f.err), 0);
	(void)alarm(0);
	CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
	CU_ASSERT_EQUAL(status, 0);
	for (int i = 0; i < FOLLOW_LINES; i++)
		buf_printf(&want, "line %d of some length to fill the files\n", i);
	CU_ASSERT_EQUAL(f.out.len, want.len);
	CU_ASSERT_STRING_EQUAL(content(&f.out), content(&want));
	CU_ASSERT_EQUAL(faccessat(f.fd, "log.3", F_OK, 0), 0); /* it did rotate */
	buf_done(&want);
	(void)close(pipes[0]);
	(void)close(pipes[1]);
	teardown(&f);
}

/* A reader that was slower than the rotation says so; a removed log ends the following. */
static int slow_once(void *arg, const char *data, size_t len)
{
	struct fixture *f = arg;

	buf_add(&f->out, data, len);
	if (f->only[1].len == 0) {
		for (int i = 0; i < 4000; i++)
			(void)logwriter_feed(&f->w, 1, "and so the files go round and round\n", 36);
		logwriter_close(&f->w);
	}
	buf_add(&f->only[1], data, len);
	return 0;
}

static int remove_log(void *arg, const char *data, size_t len)
{
	struct fixture *f = arg;

	buf_add(&f->only[2], data, len);
	(void)unlinkat(f->fd, "log.1", 0);
	(void)unlinkat(f->fd, "log", 0);
	return 0;
}

static void test_follow_gap(void)
{
	struct logread_options o;
	struct fixture f;

	setup(&f);
	o = options(&f);
	o.follow = true;
	o.on_stdout = slow_once;
	o.on_stderr = remove_log;
	CU_ASSERT_EQUAL(logwriter_open(&f.w, f.fd, LOG_MAX_BYTES_MIN, 2, &f.err), 0);
	CU_ASSERT_EQUAL(logwriter_feed(&f.w, 1, "start\n", 6), 0);
	(void)alarm(FOLLOW_MAX);
	CU_ASSERT_EQUAL(logread(f.fd, &o, &f.err), 0);
	(void)alarm(0);
	CU_ASSERT_TRUE(is_prefix(content(&f.only[2]), "[podium: log lines are missing"));
	CU_ASSERT_TRUE(is_prefix(content(&f.out), "start\nand so"));
	teardown(&f);
}

static CU_TestInfo tests[] = {
	{ "all, times, since, until", test_whole },
	{ "tail across files and parts", test_tail },
	{ "tails of random logs", test_random_tails },
	{ "garbage is left out", test_garbage },
	{ "names that are no log", test_hostile_names },
	{ "the callback stops it", test_callback_stops },
	{ "follow across rotations", test_follow },
	{ "a gap is told, removal ends", test_follow_gap },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "logread", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
