/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_eventlog - what was logged is read back, once, over the change of files, with torn, foreign
 * and endless lines in between.
 */
#include "engine/state/eventlog.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/base/json.h"
#include "engine/state/status.h"
#include "tests/support/canary.h"
#include "tests/support/cunit_main.h"

static char name[] = "n\"\n1", image[] = "i", pod[] = "p";

struct fixture {
	char *path;
	struct store s;
	struct eventlog_cursor cursor;
	struct error err;
	json_t *got;
};

static void setup(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	f->cursor = EVENTLOG_CURSOR_INIT;
	f->path = temp_make();
	temp_store(f->path, &f->s);
	f->got = json_array();
}

static void teardown(struct fixture *f)
{
	json_decref(f->got);
	eventlog_cursor_done(&f->cursor);
	store_close(&f->s);
	temp_remove(f->path);
}

static int on_event(void *arg, const json_t *record, struct error *err)
{
	struct fixture *f = arg;

	(void)err;
	return json_array_append_new(f->got, json_deep_copy(record));
}

/* How many came since. */
static size_t reread(struct fixture *f)
{
	(void)json_array_clear(f->got);
	CU_ASSERT_EQUAL_FATAL(eventlog_read(&f->s, &f->cursor, on_event, f, &f->err), 0);
	return json_array_size(f->got);
}

static const char *field(const struct fixture *f, size_t i, const char *key)
{
	const char *s = jget_str(json_array_get(f->got, i), key);

	return s ? s : "";
}

static void log_one(struct fixture *f, const char *volume)
{
	struct eventlog_entry e = { .type = "volume", .status = "create", .name = volume };

	event_log(&f->s, &e);
}

static void append(struct fixture *f, const char *data, size_t len)
{
	int fd = openat(f->s.runfd, EVENTLOG_FILE, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);

	CU_ASSERT_FATAL(fd >= 0 && write(fd, data, len) == (ssize_t)len);
	(void)close(fd);
}

static void test_there_and_back(void)
{
	struct fixture f;
	struct pairlist labels = { 0 };
	struct container_status st = {
		.name = name, .image = image, .pod_id = pod, .exit_code = 7
	};
	struct stat file;

	setup(&f);
	CU_ASSERT_EQUAL(reread(&f), 0);
	pairlist_set(&labels, "a", "b");
	event_log(&f.s,
		  &(struct eventlog_entry){
			  .type = "container", .status = "create", .id = "x", .labels = &labels });
	event_log_container(&f.s, "died cleanup", "x", &st);
	CU_ASSERT_EQUAL_FATAL(reread(&f), 3);
	CU_ASSERT_STRING_EQUAL(
		jget_str(json_object_get(json_array_get(f.got, 0), "Attributes"), "a"), "b");
	CU_ASSERT_STRING_EQUAL(field(&f, 1, "Status"), "died");
	CU_ASSERT_STRING_EQUAL(field(&f, 1, "Name"), "n\"\n1");
	CU_ASSERT_STRING_EQUAL(field(&f, 1, "PodID"), "p");
	CU_ASSERT_EQUAL(jget_int(json_array_get(f.got, 1), "ContainerExitCode", -1), 7);
	CU_ASSERT_EQUAL(jget_int(json_array_get(f.got, 2), "ContainerExitCode", -1), -1);
	CU_ASSERT_EQUAL(reread(&f), 0);
	CU_ASSERT_EQUAL(fstatat(f.s.runfd, EVENTLOG_FILE, &file, 0), 0);
	CU_ASSERT_EQUAL(file.st_mode & 07777, 0600);
	pairlist_done(&labels);
	teardown(&f);
}

/* Neither steps of builds nor the infra of a container by itself; and that one has no pod. */
static void test_hidden(void)
{
	struct fixture f;
	struct container_status st = { .name = name, .pod_id = pod, .solo = true };

	setup(&f);
	event_log_container(&f.s, "start", "x", &st);
	st.infra = true;
	event_log_container(&f.s, "start", "x", &st);
	st = (struct container_status){ .name = name, .working = true };
	event_log_container(&f.s, "start", "x", &st);
	CU_ASSERT_EQUAL(reread(&f), 1);
	CU_ASSERT_STRING_EQUAL(field(&f, 0, "PodID"), "");
	teardown(&f);
}

static void test_odd_lines(void)
{
	static char endless[3 * EVENTLOG_LINE_MAX];
	struct fixture f;

	setup(&f);
	memset(endless, 'x', sizeof(endless));
	append(&f, "{\"Type\":1}\nnothing\n\n[]\n", 23);
	log_one(&f, "one");
	append(&f, endless, sizeof(endless));
	CU_ASSERT_EQUAL(reread(&f), 1);
	append(&f, endless, sizeof(endless));
	append(&f, "\n{\"Type\":\"t\",\"Sta", 17);
	CU_ASSERT_EQUAL(reread(&f), 0);
	append(&f, "tus\":\"s\",\"Time\":5}\n", 19);
	log_one(&f, "two");
	CU_ASSERT_EQUAL_FATAL(reread(&f), 2);
	CU_ASSERT_STRING_EQUAL(field(&f, 0, "Type"), "t");
	CU_ASSERT_STRING_EQUAL(field(&f, 1, "Name"), "two");
	teardown(&f);
}

/* A reader in the midst loses nothing when the file is changed; a later one reads both halves. */
static void test_change_of_files(void)
{
	static char longer[1000];
	struct fixture f;
	struct stat st;
	size_t n = 0, seen = 0;

	setup(&f);
	memset(longer, 'n', sizeof(longer) - 1);
	log_one(&f, "first");
	seen = reread(&f);
	for (n = 1; n < 1000000 && fstatat(f.s.runfd, EVENTLOG_OLD, &st, 0) < 0; n++)
		log_one(&f, longer);
	log_one(&f, "last");
	seen += reread(&f);
	CU_ASSERT_EQUAL(seen, n + 1);
	CU_ASSERT_EQUAL(fstatat(f.s.runfd, EVENTLOG_FILE, &st, 0), 0);
	CU_ASSERT(st.st_size < 4000);
	eventlog_cursor_done(&f.cursor);
	CU_ASSERT_EQUAL(reread(&f), n + 1);
	teardown(&f);
}

static void test_no_link(void)
{
	struct fixture f;

	setup(&f);
	CU_ASSERT_EQUAL(symlinkat("/etc/passwd", f.s.runfd, EVENTLOG_FILE), 0);
	log_one(&f, "one");
	CU_ASSERT(eventlog_read(&f.s, &f.cursor, on_event, &f, &f.err) < 0);
	teardown(&f);
}

static CU_TestInfo tests[] = {
	{ "there and back", test_there_and_back }, { "hidden ones", test_hidden },
	{ "odd lines", test_odd_lines },	   { "change of files", test_change_of_files },
	{ "no link is followed", test_no_link },   CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "eventlog", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
