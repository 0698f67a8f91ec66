/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_events - what was appended is read back, folded, over the change of files, with torn lines
 * and hostile text in between.
 */
#include "engine/state/events.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "engine/base/fs.h"
#include "tests/support/canary.h"
#include "tests/support/cunit_main.h"

#define POD	   "ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100"
#define DIR_OF_POD "pods/" POD

struct fixture {
	char *path;
	struct store s;
	struct event_list list;
	struct error err;
};

static void setup(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	f->path = temp_make();
	temp_store(f->path, &f->s);
	CU_ASSERT_EQUAL(mkdirat(f->s.rootfd, DIR_OF_POD, 0700), 0);
}

static void teardown(struct fixture *f)
{
	event_list_done(&f->list);
	store_close(&f->s);
	temp_remove(f->path);
}

static void reread(struct fixture *f)
{
	event_list_done(&f->list);
	CU_ASSERT_EQUAL_FATAL(events_read(&f->s, POD, &f->list, &f->err), 0);
}

static void test_there_and_back(void)
{
	struct fixture f;
	struct stat st;

	setup(&f);
	reread(&f);
	CU_ASSERT_EQUAL(f.list.n, 0);
	event_add(&f.s, POD, false, "Created", "web", "created %s", "web");
	event_add(&f.s, POD, true, "Failed", NULL, "of the pod");
	reread(&f);
	CU_ASSERT_EQUAL_FATAL(f.list.n, 2);
	CU_ASSERT_STRING_EQUAL(f.list.v[0].reason, "Created");
	CU_ASSERT_STRING_EQUAL(f.list.v[0].container, "web");
	CU_ASSERT_STRING_EQUAL(f.list.v[0].text, "created web");
	CU_ASSERT_FALSE(f.list.v[0].warning);
	CU_ASSERT_EQUAL(f.list.v[0].count, 1);
	CU_ASSERT_EQUAL(f.list.v[0].first_ns, f.list.v[0].time_ns);
	CU_ASSERT_PTR_NULL(f.list.v[1].container);
	CU_ASSERT_TRUE(f.list.v[1].warning);
	CU_ASSERT_TRUE(f.list.v[1].time_ns >= f.list.v[0].time_ns);
	CU_ASSERT_EQUAL(fstatat(f.s.rootfd, DIR_OF_POD "/events", &st, 0), 0);
	CU_ASSERT_EQUAL(st.st_mode & 07777, 0600);
	teardown(&f);
}

static void test_many(void)
{
	struct fixture f;

	setup(&f);
	event_add_many(&f.s, POD, 1, true, "Unhealthy", "a", "refused");
	event_add_many(&f.s, POD, 41, true, "Unhealthy", "a", "refused");
	event_add(&f.s, POD, true, "Unhealthy", "a", "refused");
	reread(&f);
	CU_ASSERT_EQUAL_FATAL(f.list.n, 1);
	CU_ASSERT_EQUAL(f.list.v[0].count, 43);
	teardown(&f);
}

static void test_fold(void)
{
	struct fixture f;

	setup(&f);
	for (int i = 0; i < 5; i++) {
		event_add(&f.s, POD, true, "Unhealthy", "a", "refused");
		event_add(&f.s, POD, true, "Unhealthy", "b", "refused");
	}
	event_add(&f.s, POD, true, "Unhealthy", "a", "refused");
	event_add(&f.s, POD, false, "Unhealthy", "a", "refused");
	reread(&f);
	CU_ASSERT_EQUAL_FATAL(f.list.n, 3);
	CU_ASSERT_STRING_EQUAL(f.list.v[0].container, "b");
	CU_ASSERT_EQUAL(f.list.v[0].count, 5);
	CU_ASSERT_STRING_EQUAL(f.list.v[1].container, "a");
	CU_ASSERT_EQUAL(f.list.v[1].count, 6);
	CU_ASSERT_TRUE(f.list.v[1].first_ns < f.list.v[1].time_ns);
	CU_ASSERT_FALSE(f.list.v[2].warning);
	teardown(&f);
}

static void append(struct fixture *f, const char *text)
{
	int fd = openat(f->s.rootfd, DIR_OF_POD "/events",
			O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);

	CU_ASSERT_EQUAL(fs_write_all(fd, text, strlen(text)), 0);
	(void)close(fd);
}

static void test_torn_and_hostile(void)
{
	struct fixture f;
	char bad[3000];

	setup(&f);
	memset(bad, 'x', sizeof(bad));
	bad[sizeof(bad) - 1] = '\0';
	append(&f, "{\"time\":1,\"reas\n\n[]\n{\"reason\":\"A\"}\n17\n");
	event_add(&f.s, POD, false, "Kept", NULL, "\x1b[31mred\xff\n\"");
	event_add(&f.s, POD, false, "Long", NULL, "%s", bad);
	event_add(&f.s, "../../etc", false, "Nowhere", NULL, "x");
	event_add(&f.s, NULL, false, "Nowhere", NULL, "x");
	append(&f, "{\"time\":2,\"reason\":\"Torn\",\"text\":\"no end\"}");
	reread(&f);
	CU_ASSERT_EQUAL_FATAL(f.list.n, 2);
	CU_ASSERT_STRING_EQUAL(f.list.v[0].text, "\\x1b[31mred\\xff\n\"");
	CU_ASSERT_EQUAL(strlen(f.list.v[1].text), 1024);
	teardown(&f);
}

static off_t size_of(struct fixture *f, const char *path)
{
	struct stat st;

	return fstatat(f->s.rootfd, path, &st, 0) < 0 ? -1 : st.st_size;
}

static void test_change_of_files(void)
{
	struct fixture f;
	int64_t total = 0;

	setup(&f);
	for (int i = 0; i < 2000; i++)
		event_add(&f.s, POD, false, "Tick", "a", "number %d", i);
	CU_ASSERT_TRUE(size_of(&f, DIR_OF_POD "/events") < EVENTS_MAX_BYTES + 200);
	CU_ASSERT_TRUE(size_of(&f, DIR_OF_POD "/events.1") >= EVENTS_MAX_BYTES);
	CU_ASSERT_TRUE(size_of(&f, DIR_OF_POD "/events.1") < EVENTS_MAX_BYTES + 200);
	reread(&f);
	CU_ASSERT_FATAL(f.list.n > 100);
	CU_ASSERT_STRING_EQUAL(f.list.v[f.list.n - 1].text, "number 1999");
	for (size_t i = 1; i < f.list.n; i++)
		total += f.list.v[i].time_ns < f.list.v[i - 1].time_ns;
	CU_ASSERT_EQUAL(total, 0);
	teardown(&f);
}

/* Four writers at once around the change of files: no line is lost or mixed, since less than two
 * files' worth is written after the first change. */
static void test_many_writers(void)
{
	struct fixture f;
	int64_t total = 0;

	setup(&f);
	for (int w = 0; w < 4; w++) {
		if (fork() == 0) {
			for (int i = 0; i < 180; i++)
				event_add(&f.s, POD, false, "Tick", NULL, "of writer %d", w);
			_exit(0);
		}
	}
	while (wait(NULL) > 0)
		;
	reread(&f);
	CU_ASSERT_EQUAL(f.list.n, 4);
	for (size_t i = 0; i < f.list.n; i++)
		total += f.list.v[i].count;
	CU_ASSERT_EQUAL(total, 720);
	CU_ASSERT_TRUE(size_of(&f, DIR_OF_POD "/events.1") > 0);
	teardown(&f);
}

static void test_removed(void)
{
	struct fixture f;
	int fd;

	setup(&f);
	fd = openat(f.s.rootfd, DIR_OF_POD "/removing", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	(void)close(fd);
	event_add(&f.s, POD, false, "Late", NULL, "x");
	CU_ASSERT_EQUAL(size_of(&f, DIR_OF_POD "/events"), -1);
	teardown(&f);
}

static CU_TestInfo tests[] = {
	{ "there and back", test_there_and_back },
	{ "counted by who tells", test_many },
	{ "alike ones are folded", test_fold },
	{ "torn lines and hostile text", test_torn_and_hostile },
	{ "a full file becomes events.1", test_change_of_files },
	{ "four writers", test_many_writers },
	{ "a pod being removed", test_removed },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "events", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
