/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_logwrite - lines, parts, caps, rotation, full disks, and names that are not what they seem.
 * Works in a new directory in /tmp; the full disk is a small tmpfs in an own mount namespace.
 */
#include "engine/logs/logwrite.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/fs.h"
#include "engine/base/mem.h"
#include "tests/support/cunit_main.h"

#define READ_MAX      (4 << 20)
#define CHILD_SKIPPED 77

struct fixture {
	char path[40];
	int fd;
	struct logwriter w;
	struct error err;
};

static void setup(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	(void)snprintf(f->path, sizeof(f->path), "/tmp/podium-logwrite-XXXXXX");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(f->path));
	f->fd = open(f->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CU_ASSERT_TRUE_FATAL(f->fd >= 0);
}

static void teardown(struct fixture *f)
{
	logwriter_close(&f->w);
	(void)close(f->fd);
	CU_ASSERT_EQUAL(fs_remove_tree(AT_FDCWD, f->path, &f->err), 0);
}

static void feed(struct fixture *f, int stream, const char *text)
{
	CU_ASSERT_EQUAL(logwriter_feed(&f->w, stream, text, strlen(text)), 0);
}

static char *slurp(const struct fixture *f, const char *name, size_t *ret_len)
{
	struct error err;
	char *data = NULL;

	CU_ASSERT_EQUAL_FATAL(fs_read_file(f->fd, name, READ_MAX, &data, ret_len, &err), 0);
	return data;
}

/* The records of a file without their times, as "stdout F text|stderr P text|". */
static char *untimed(const struct fixture *f, const char *name)
{
	size_t len, n = 0;
	char *data = slurp(f, name, &len), *out = xcalloc(1, len + 1), *line = data, *nl;
	struct logline l;

	while ((nl = memchr(line, '\n', len - (size_t)(line - data))) != NULL) {
		CU_ASSERT_EQUAL(logline_parse(line, (size_t)(nl - line), &l), 0);
		line += LOGLINE_TIME_LEN + 1;
		memcpy(out + n, line, (size_t)(nl - line));
		n += (size_t)(nl - line);
		out[n++] = '|';
		line = nl + 1;
	}
	CU_ASSERT_PTR_EQUAL(line, data + len);
	free(data);
	return out;
}

static void check(const struct fixture *f, const char *name, const char *want)
{
	char *got = untimed(f, name);

	CU_ASSERT_STRING_EQUAL(got, want);
	if (strcmp(got, want) != 0)
		printf("\n  got  %s\n  want %s\n", got, want);
	free(got);
}

static void test_lines(void)
{
	struct fixture f;

	setup(&f);
	CU_ASSERT_EQUAL(logwriter_open(&f.w, f.fd, 0, 0, &f.err), 0);
	CU_ASSERT_EQUAL(f.w.max_bytes, LOG_MAX_BYTES_DEFAULT);
	feed(&f, 1, "one\ntwo\n\n");
	feed(&f, 2, "err\n");
	feed(&f, 1, "sp");
	feed(&f, 2, "also ");
	feed(&f, 1, "lit\nnext");
	check(&f, "log", "stdout F one|stdout F two|stdout F |stderr F err|stdout F split|");
	logwriter_flush(&f.w);
	logwriter_flush(&f.w);
	feed(&f, 1, " end\n");
	check(&f, "log",
	      "stdout F one|stdout F two|stdout F |stderr F err|stdout F split|"
	      "stdout P next|stderr P also |stdout F  end|");
	teardown(&f);
}

/* Lines around the cap of a part, fed in pieces of several sizes, come back the same. */
static void test_parts(void)
{
	static const size_t lengths[] = { LOGLINE_TEXT_MAX - 1,
					  LOGLINE_TEXT_MAX,
					  LOGLINE_TEXT_MAX + 1,
					  3 * LOGLINE_TEXT_MAX + 7,
					  0,
					  1 };
	static const size_t steps[] = { 1, 777, LOGLINE_TEXT_MAX, 65536 };
	size_t total = 0;
	char *text;

	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++)
		total += lengths[i] + 1;
	text = xmalloc(total);
	memset(text, 'x', total);
	for (size_t i = 0, at = 0; i < ARRAY_SIZE(lengths); i++) {
		at += lengths[i] + 1;
		text[at - 1] = '\n';
	}
	for (size_t s = 0; s < ARRAY_SIZE(steps); s++) {
		size_t len, joined = 0;
		char *data, *line, *nl, *got = xmalloc(2 * total);
		struct logline l;
		struct fixture f;

		setup(&f);
		CU_ASSERT_EQUAL(logwriter_open(&f.w, f.fd, 0, 0, &f.err), 0);
		for (size_t at = 0; at < total; at += steps[s])
			CU_ASSERT_EQUAL(
				logwriter_feed(&f.w, 1, text + at,
					       total - at < steps[s] ? total - at : steps[s]),
				0);
		data = line = slurp(&f, "log", &len);
		while ((nl = memchr(line, '\n', len - (size_t)(line - data))) != NULL) {
			CU_ASSERT_EQUAL_FATAL(logline_parse(line, (size_t)(nl - line), &l), 0);
			CU_ASSERT_TRUE(l.text_len <= LOGLINE_TEXT_MAX);
			memcpy(got + joined, l.text, l.text_len);
			joined += l.text_len;
			if (!l.partial)
				got[joined++] = '\n';
			line = nl + 1;
		}
		CU_ASSERT_EQUAL(joined, total);
		CU_ASSERT_EQUAL(memcmp(got, text, total), 0);
		free(got);
		free(data);
		teardown(&f);
	}
	free(text);
}

static off_t size_of(const struct fixture *f, const char *name)
{
	struct stat st;

	return fstatat(f->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ? -1 : st.st_size;
}

/* LOG-3: however much is printed, the files stay below their cap and hold the newest lines. */
static void test_rotation(void)
{
	struct fixture f;
	char line[64];
	char *last;

	setup(&f);
	CU_ASSERT_EQUAL(logwriter_open(&f.w, f.fd, LOG_MAX_BYTES_MIN, 3, &f.err), 0);
	for (int i = 0; i < 20000; i++) {
		(void)snprintf(line, sizeof(line), "line %d\n", i);
		feed(&f, 1 + i % 2, line);
		if (i % 500 == 0)
			CU_ASSERT_TRUE(size_of(&f, "log") <= LOG_MAX_BYTES_MIN);
	}
	CU_ASSERT_TRUE(size_of(&f, "log") > 0);
	CU_ASSERT_TRUE(size_of(&f, "log.1") > LOG_MAX_BYTES_MIN / 2);
	CU_ASSERT_TRUE(size_of(&f, "log.1") <= LOG_MAX_BYTES_MIN);
	CU_ASSERT_TRUE(size_of(&f, "log.2") <= LOG_MAX_BYTES_MIN);
	CU_ASSERT_EQUAL(size_of(&f, "log.3"), -1);
	last = untimed(&f, "log");
	CU_ASSERT_PTR_NOT_NULL(strstr(last, "stderr F line 19999|"));
	free(last);
	free(untimed(&f, "log.1")); /* whole records only */
	free(untimed(&f, "log.2"));
	teardown(&f);
}

/* Much at a time: each file is filled up to its cap, in whole records, whatever the buffer's size. */
static void test_rotation_in_bulk(void)
{
	enum { CAP = 600000, LINE = 100, LINES = 20000 };
	cleanup_free char *text = xmalloc((size_t)LINE * LINES);
	const char *names[] = { "log.2", "log.1", "log" };
	struct fixture f;
	int number = -1;

	for (int i = 0; i < LINES; i++)
		(void)snprintf(text + (size_t)i * LINE, LINE, "%0*d", LINE - 1, i);
	for (size_t i = LINE - 1; i < (size_t)LINE * LINES; i += LINE)
		text[i] = '\n';
	setup(&f);
	CU_ASSERT_EQUAL(logwriter_open(&f.w, f.fd, CAP, 3, &f.err), 0);
	for (size_t at = 0; at < (size_t)LINE * LINES; at += LOG_READ_BYTES) {
		size_t left = (size_t)LINE * LINES - at;

		CU_ASSERT_EQUAL(logwriter_feed(&f.w, 1, text + at,
					       left < LOG_READ_BYTES ? left : LOG_READ_BYTES),
				0);
	}
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		cleanup_free char *got = untimed(&f, names[i]);
		off_t size = size_of(&f, names[i]);

		CU_ASSERT_TRUE(size <= CAP && (i == 2 || size > CAP - 1000));
		for (char *s = got; *s; s = strchr(s, '|') + 1) {
			int n = -1;

			CU_ASSERT_EQUAL(sscanf(s, "stdout F %d", &n), 1);
			CU_ASSERT_TRUE(number < 0 || n == number + 1);
			number = n;
		}
	}
	CU_ASSERT_EQUAL(number, LINES - 1);
	teardown(&f);
}

static void test_one_file(void)
{
	struct fixture f;

	setup(&f);
	CU_ASSERT_EQUAL(logwriter_open(&f.w, f.fd, 1, 1, &f.err), 0);
	for (int i = 0; i < 2000; i++)
		feed(&f, 1, "some words to fill the file\n");
	CU_ASSERT_TRUE(size_of(&f, "log") <= LOG_MAX_BYTES_MIN);
	CU_ASSERT_EQUAL(size_of(&f, "log.1"), -1);
	teardown(&f);
}

static void test_reopen(void)
{
	struct fixture f;
	int fd;

	setup(&f);
	CU_ASSERT_EQUAL(logwriter_open(&f.w, f.fd, 0, 0, &f.err), 0);
	feed(&f, 1, "first\n");
	logwriter_close(&f.w);
	CU_ASSERT_EQUAL(logwriter_open(&f.w, f.fd, 0, 0, &f.err), 0);
	feed(&f, 1, "second\n");
	logwriter_close(&f.w);
	check(&f, "log", "stdout F first|stdout F second|");

	/* A crash tore a record: the stump gets its newline and the next one is whole. */
	fd = openat(f.fd, "log", O_WRONLY | O_APPEND | O_CLOEXEC);
	CU_ASSERT_EQUAL(write(fd, "2026-11-22T01:02:03Z stdout F sto", 33), 33);
	(void)close(fd);
	CU_ASSERT_EQUAL(logwriter_open(&f.w, f.fd, 0, 0, &f.err), 0);
	feed(&f, 1, "third\n");
	{
		size_t len;
		char *data = slurp(&f, "log", &len);

		CU_ASSERT_PTR_NOT_NULL(strstr(data, " F sto\n20"));
		CU_ASSERT_PTR_NOT_NULL(strstr(data, " F third\n"));
		free(data);
	}
	teardown(&f);
}

/* LOG-1: a name that is no log of ours is refused, and never written through. */
static void test_hostile_names(void)
{
	struct fixture f;
	size_t len;
	char *canary;
	int fd;

	setup(&f);
	fd = openat(f.fd, "canary", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	CU_ASSERT_EQUAL(write(fd, "tweet", 5), 5);
	(void)close(fd);
	CU_ASSERT_EQUAL(symlinkat("canary", f.fd, "log"), 0);
	CU_ASSERT_EQUAL(logwriter_open(&f.w, f.fd, 0, 0, &f.err), -ELOOP);
	(void)unlinkat(f.fd, "log", 0);
	CU_ASSERT_EQUAL(linkat(f.fd, "canary", f.fd, "log", 0), 0);
	CU_ASSERT_EQUAL(logwriter_open(&f.w, f.fd, 0, 0, &f.err), -EPERM);
	(void)unlinkat(f.fd, "log", 0);
	CU_ASSERT_EQUAL(mkfifoat(f.fd, "log", 0600), 0);
	CU_ASSERT_EQUAL(logwriter_open(&f.w, f.fd, 0, 0, &f.err), -EPERM);
	(void)unlinkat(f.fd, "log", 0);
	CU_ASSERT_EQUAL(mkdirat(f.fd, "log", 0700), 0);
	CU_ASSERT_TRUE(logwriter_open(&f.w, f.fd, 0, 0, &f.err) < 0);
	(void)unlinkat(f.fd, "log", AT_REMOVEDIR);

	/* Replaced between two writes: the rotation moves the link away. */
	CU_ASSERT_EQUAL(logwriter_open(&f.w, f.fd, LOG_MAX_BYTES_MIN, 2, &f.err), 0);
	feed(&f, 1, "before\n");
	(void)unlinkat(f.fd, "log", 0);
	CU_ASSERT_EQUAL(symlinkat("canary", f.fd, "log"), 0);
	for (int i = 0; i < 1000; i++)
		feed(&f, 1, "a line that helps to fill the file up to its cap\n");
	CU_ASSERT_TRUE(size_of(&f, "log") > 0);
	canary = slurp(&f, "canary", &len);
	CU_ASSERT_STRING_EQUAL(canary, "tweet");
	free(canary);
	teardown(&f);
}

static void test_idle(void)
{
	unsigned char pages[(2 * LOG_READ_BYTES + 2 * LOGLINE_TEXT_MAX) / 4096] = { 0 };
	struct fixture f;
	size_t resident = 0;

	setup(&f);
	CU_ASSERT_EQUAL(logwriter_open(&f.w, f.fd, 0, 0, &f.err), 0);
	feed(&f, 1, "some\nlines, and a prompt: ");
	logwriter_idle(&f.w);
	check(&f, "log", "stdout F some|stdout P lines, and a prompt: |");
	CU_ASSERT_EQUAL(mincore(f.w.memory, sizeof(pages) * 4096, pages), 0);
	for (size_t i = 0; i < sizeof(pages); i++)
		resident += pages[i] & 1;
	CU_ASSERT_EQUAL(resident, 0);
	feed(&f, 1, "yes\n");
	check(&f, "log", "stdout F some|stdout P lines, and a prompt: |stdout F yes|");
	teardown(&f);
}

/* In a mount namespace of its own: prints until the disk is full, frees it, prints again. */
static int fill_disk(struct fixture *f)
{
	static char ballast[4096];
	int64_t lost = 0;
	char *text;
	int fd, bad = 0;

	if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("none", f->path, "tmpfs", 0, "size=64k") < 0)
		return CHILD_SKIPPED;
	(void)close(f->fd);
	f->fd = open(f->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (logwriter_open(&f->w, f->fd, 0, 0, &f->err) < 0)
		return 1;
	fd = openat(f->fd, "ballast", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	while (write(fd, ballast, sizeof(ballast)) > 0)
		;
	/* one page is left for the log: the record that crosses its end is cut short */
	if (ftruncate(fd, lseek(fd, 0, SEEK_CUR) - (off_t)sizeof(ballast)) < 0)
		return CHILD_SKIPPED;
	for (int i = 0; i < 300; i++)
		if (logwriter_feed(&f->w, 1, "does this fit on the disk?\n", 27) == -ENOSPC)
			lost++;
	if (lost == 0 || f->w.lost_total != (uint64_t)lost)
		return 2;
	if (ftruncate(fd, 0) < 0 || logwriter_feed(&f->w, 1, "again\n", 6) != 0)
		return 3;
	/* what a short write left was cut off: the file holds what was counted, whole records */
	if (size_of(f, "log") != f->w.size)
		return 5;
	text = untimed(f, "log");
	bad = strstr(text, "log lines lost: errno 28]|stdout F again|") == NULL;
	free(text);
	logwriter_close(&f->w);
	return bad ? 4 : 0;
}

static void test_full_disk(void)
{
	struct fixture f;
	int status = 0;
	pid_t pid;

	setup(&f);
	(void)fflush(stdout);
	pid = fork();
	if (pid == 0)
		_exit(fill_disk(&f));
	CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == CHILD_SKIPPED)
		TEST_SKIP("no mount namespace for a small disk");
	else
		CU_ASSERT_EQUAL(status, 0);
	teardown(&f);
}

static CU_TestInfo tests[] = {
	{ "lines of two streams", test_lines },
	{ "long lines come in parts", test_parts },
	{ "rotation keeps the cap", test_rotation },
	{ "rotation of much at a time", test_rotation_in_bulk },
	{ "one file only", test_one_file },
	{ "a log goes on after a restart", test_reopen },
	{ "names that are no log", test_hostile_names },
	{ "idle gives memory back", test_idle },
	{ "a full disk loses lines and says so", test_full_disk },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "logwrite", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
