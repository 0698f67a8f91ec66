/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_progress - layers under way, on a screen of the test's own and by a clock that it moves.
 *
 * The screen knows what progress uses: carriage return, newline (with scrolling), cursor up, erase to
 * the end of the line and of the screen, show and hide the cursor. Made narrower, it breaks its lines
 * as tmux does.
 */
#include "cmd/podium/base/progress.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/base/mem.h"
#include "engine/base/str.h"
#include "tests/support/cunit_main.h"

#define COLUMNS_MAX 200
#define ROWS_MAX    60
#define OUTPUT_MAX  65536

static int64_t now_ms;
static int columns, rows;

static struct {
	char cells[ROWS_MAX][COLUMNS_MAX + 1];
	int row, column;
	bool is_hidden;
	bool is_odd; /* something that it does not know, or a write past the last column */
} tty;

static int64_t fake_now(void)
{
	return now_ms;
}

static void fake_size(int *c, int *r)
{
	*c = columns;
	*r = rows;
}

static void blank(int row, int from)
{
	for (int i = from; i < COLUMNS_MAX; i++)
		tty.cells[row][i] = '\0';
}

static void new_line(void)
{
	if (++tty.row < rows)
		return;
	for (int i = 1; i < rows; i++)
		memcpy(tty.cells[i - 1], tty.cells[i], sizeof(tty.cells[0]));
	tty.row = rows - 1;
	blank(tty.row, 0);
}

/* What follows ESC [; returns its length. */
static size_t control(const char *s)
{
	size_t len = strspn(s, "?0123456789");
	int64_t n = 1;
	cleanup_free char *number = xstrndup(s, len);

	if (*number != '?' && *number && parse_i64(number, 0, 999, &n) < 0)
		tty.is_odd = true;
	if (s[len] == 'A') {
		tty.row = tty.row > n ? tty.row - (int)n : 0;
	} else if (s[len] == 'K') {
		blank(tty.row, tty.column);
	} else if (s[len] == 'J') {
		blank(tty.row, tty.column);
		for (int i = tty.row + 1; i < rows; i++)
			blank(i, 0);
	} else if (is_prefix(s, "?25")) {
		tty.is_hidden = s[len] == 'l';
	} else {
		tty.is_odd = true;
	}
	return len + 1;
}

static void show(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (s[i] == '\033') {
			i += 1 + control(s + i + 2);
		} else if (s[i] == '\r') {
			tty.column = 0;
		} else if (s[i] == '\n') {
			tty.column = 0;
			new_line();
		} else if (tty.column >= columns - 1) {
			tty.is_odd = true;
		} else {
			tty.cells[tty.row][tty.column++] = s[i];
		}
	}
}

/* Takes what was written since the last time. */
static void look(int fd)
{
	char *text = xcalloc(1, OUTPUT_MAX);
	ssize_t n = pread(fd, text, OUTPUT_MAX, 0);

	show(text, n > 0 ? (size_t)n : 0);
	CU_ASSERT_EQUAL(ftruncate(fd, 0), 0);
	CU_ASSERT_EQUAL(lseek(fd, 0, SEEK_SET), 0);
	free(text);
}

/* The rows with a text, joined by '|'. The caller's. */
static char *screen(void)
{
	struct buf b = BUF_INIT(OUTPUT_MAX);

	for (int i = 0; i < rows; i++)
		if (tty.cells[i][0])
			buf_printf(&b, "%s%s", b.len ? "|" : "", tty.cells[i]);
	return buf_steal(&b);
}

static struct progress *begin(int width, int height, int *ret_fd, bool is_terminal)
{
	*ret_fd = memfd_create("screen", MFD_CLOEXEC);
	memset(&tty, 0, sizeof(tty));
	columns = width;
	rows = height;
	now_ms = 1000;
	return progress_new_on(&(struct progress_screen){
		.fd = *ret_fd, .is_terminal = is_terminal, .now_ms = fake_now, .size = fake_size });
}

/* An event of the layer whose id is of that one digit. */
static void tell(struct progress *p, char digit, const char *state, json_int_t bytes,
		 json_int_t size)
{
	char id[72] = "sha256:";
	json_t *j;

	memset(id + 7, digit, 64);
	id[71] = '\0';
	j = json_pack("{s:s, s:s, s:s}", "event", "layer", "id", id, "state", state);
	if (size)
		(void)json_object_set_new(j, "size", json_integer(size));
	if (bytes >= 0)
		(void)json_object_set_new(j, "bytes", json_integer(bytes));
	CU_ASSERT_TRUE(progress_take(p, "layer", j));
	json_decref(j);
}

#define SCREEN_IS(fd, text)                                        \
	do {                                                       \
		cleanup_free char *screen_ = (look(fd), screen()); \
		CU_ASSERT_STRING_EQUAL(screen_, text);             \
		CU_ASSERT_FALSE(tty.is_odd);                       \
		if (!is_equal(screen_, text))                      \
			printf("\n%s\n", screen_);                 \
	} while (0)

static void test_one_layer(void)
{
	cleanup_close int fd = -EBADF;
	cleanup_progress struct progress *p = begin(80, 24, &fd, true);

	tell(p, 'a', "begun", 0, 20000000);
	SCREEN_IS(fd,
		  "aaaaaaaaaaaa        0 B / 20 MB      0 B/s  [                              ]");
	CU_ASSERT_TRUE(tty.is_hidden);
	now_ms += 1000;
	tell(p, 'a', "bytes", 5000000, 0);
	SCREEN_IS(fd,
		  "aaaaaaaaaaaa       5 MB / 20 MB     5 MB/s  [======>                       ]");
	now_ms += 1000;
	tell(p, 'a', "bytes", 20000000, 0);
	SCREEN_IS(fd,
		  "aaaaaaaaaaaa      20 MB / 20 MB    10 MB/s  [==============================]");
	tell(p, 'a', "done", -1, 0);
	SCREEN_IS(fd, "Copying blob aaaaaaaaaaaa done");
	tell(p, 'a', "done", -1, 0); /* a layer ends once */
	progress_free(steal_ptr(&p));
	SCREEN_IS(fd, "Copying blob aaaaaaaaaaaa done");
	CU_ASSERT_FALSE(tty.is_hidden);
	CU_ASSERT_EQUAL(tty.column, 0);
	CU_ASSERT_EQUAL(tty.row, 1);
}

static void test_order_of_lines(void)
{
	cleanup_close int fd = -EBADF;
	cleanup_progress struct progress *p = begin(50, 24, &fd, true);

	tell(p, 'a', "begun", 0, 1000);
	tell(p, 'b', "exists", -1, 0);
	tell(p, 'c', "begun", 0, 2000);
	now_ms += 200;
	progress_tick(p);
	SCREEN_IS(fd, "Copying blob bbbbbbbbbbbb skipped: already exists|"
		      "aaaaaaaaaaaa         0 B / 1 kB      0 B/s|cccccccccccc         0 B / 2 kB  "
		      "    0 B/s");
	tell(p, 'c', "done", -1, 0);
	SCREEN_IS(fd, "Copying blob bbbbbbbbbbbb skipped: already exists|"
		      "Copying blob cccccccccccc done|aaaaaaaaaaaa         0 B / 1 kB      0 B/s");
}

/* Every width, from none to a wide one: nothing reaches the last column. */
static void test_widths(void)
{
	for (int width = 1; width <= 160; width++) {
		cleanup_close int fd = -EBADF;
		cleanup_progress struct progress *p = begin(width, 24, &fd, true);

		tell(p, 'a', "begun", 999499999, 999499999);
		now_ms += 1000;
		tell(p, 'a', "bytes", 1, 0);
		now_ms += 1000;
		tell(p, 'a', "bytes", 999499999, 0);
		look(fd);
		CU_ASSERT_FALSE(tty.is_odd);
		CU_ASSERT_EQUAL(tty.row, 1);
	}
}

static void test_narrower(void)
{
	cleanup_close int fd = -EBADF;
	cleanup_progress struct progress *p = begin(80, 24, &fd, true);

	tell(p, 'a', "begun", 0, 20000000);
	now_ms += 200;
	tell(p, 'b', "begun", 0, 20000000);
	look(fd);
	/* Made half as wide: each line of 75 takes two rows of 40; the cursor is in the fifth. */
	CU_ASSERT_EQUAL(tty.row, 2);
	columns = 40;
	memcpy(tty.cells[2], tty.cells[1], sizeof(tty.cells[0]));
	memmove(tty.cells[1], tty.cells[0] + 40, 100);
	memmove(tty.cells[3], tty.cells[2] + 40, 100);
	blank(0, 40);
	blank(2, 40);
	tty.row = 4;
	now_ms += 200;
	progress_tick(p);
	SCREEN_IS(fd, "aaaaaaaaaaaa        0 B / 20 MB|bbbbbbbbbbbb        0 B / 20 MB");
	CU_ASSERT_EQUAL(tty.row, 2);
	columns = 26;
	now_ms += 200;
	tty.row = 4; /* of 31 in 26: two rows each */
	progress_tick(p);
	look(fd);
	CU_ASSERT_EQUAL(tty.row, 2);
}

static void test_more_than_fits(void)
{
	cleanup_close int fd = -EBADF;
	cleanup_progress struct progress *p = begin(50, 5, &fd, true);

	for (char c = '0'; c <= '9'; c++)
		tell(p, c, "begun", 0, 0);
	now_ms += 200;
	progress_tick(p);
	SCREEN_IS(fd, "000000000000                0 B      0 B/s|111111111111                0 B  "
		      "    0 B/s|222222222222                0 B      0 B/s|"
		      "... and 7 more");
	for (char c = '0'; c <= '6'; c++)
		tell(p, c, "exists", -1, 0);
	for (char c = '7'; c <= '8'; c++)
		tell(p, c, "done", -1, 0);
	look(fd);
	/* What has ended has scrolled away upwards, as any text does. */
	CU_ASSERT_EQUAL(tty.row, 4);
	CU_ASSERT_STRING_EQUAL(tty.cells[3], "999999999999                0 B      0 B/s");
	CU_ASSERT_STRING_EQUAL(tty.cells[2], "Copying blob 888888888888 done");
}

static void test_others_print(void)
{
	cleanup_close int fd = -EBADF;
	cleanup_progress struct progress *p = begin(30, 24, &fd, true);

	tell(p, 'a', "begun", 0, 0);
	progress_say(p, "Trying to pull x...");
	SCREEN_IS(fd, "Trying to pull x...|aaaaaaaaaaaa      0 B");
	progress_clear(p);
	SCREEN_IS(fd, "Trying to pull x...");
	CU_ASSERT_FALSE(tty.is_hidden);
	CU_ASSERT_EQUAL(tty.row, 1);
	show("Warning: y\n", 11);
	tell(p, 'b', "begun", 0, 0);
	SCREEN_IS(fd, "Trying to pull x...|Warning: y|aaaaaaaaaaaa      0 B|"
		      "bbbbbbbbbbbb      0 B");
}

/* A hundred events a second are ten drawings. */
static void test_not_too_often(void)
{
	cleanup_close int fd = -EBADF;
	cleanup_progress struct progress *p = begin(80, 24, &fd, true);
	int drawn = 0;

	tell(p, 'a', "begun", 0, 100);
	for (int i = 1; i <= 100; i++) {
		look(fd);
		now_ms += 10;
		tell(p, 'a', "bytes", i, 0);
		drawn += lseek(fd, 0, SEEK_END) > 0;
	}
	CU_ASSERT_EQUAL(drawn, 10);
}

static void test_stalled(void)
{
	cleanup_close int fd = -EBADF;
	cleanup_progress struct progress *p = begin(45, 24, &fd, true);

	tell(p, 'a', "begun", 0, 0);
	now_ms += 1000;
	tell(p, 'a', "bytes", 1000, 0);
	SCREEN_IS(fd, "aaaaaaaaaaaa               1 kB     1 kB/s");
	now_ms += 2900;
	progress_tick(p);
	SCREEN_IS(fd, "aaaaaaaaaaaa               1 kB     1 kB/s");
	now_ms += 100;
	progress_tick(p);
	SCREEN_IS(fd, "aaaaaaaaaaaa               1 kB      0 B/s");
}

static void test_no_terminal(void)
{
	cleanup_close int fd = -EBADF;
	cleanup_progress struct progress *p = begin(80, 24, &fd, false);
	char text[200] = "";

	tell(p, 'a', "begun", 0, 20000000);
	now_ms += 1000;
	tell(p, 'a', "bytes", 5000000, 0);
	tell(p, 'a', "unpacked", -1, 0);
	tell(p, 'a', "done", -1, 0);
	tell(p, 'a', "exists", -1, 0);
	tell(p, 'b', "exists", -1, 0);
	progress_free(steal_ptr(&p));
	CU_ASSERT(pread(fd, text, sizeof(text) - 1, 0) > 0);
	CU_ASSERT_STRING_EQUAL(text, "Copying blob aaaaaaaaaaaa done\n"
				     "Copying blob bbbbbbbbbbbb skipped: already exists\n");
}

/* What the helper says is checked: it has read what others wrote. */
static void test_odd_events(void)
{
	static const char *const odd[] = {
		"{}",
		"{\"id\": 5, \"state\": \"done\"}",
		"{\"id\": \"sha256:\\u001b[2J_____________\", \"state\": \"done\"}",
		"{\"id\": \"abc\", \"state\": \"done\"}",
		"{\"id\": \"0123456789abcdef\"}",
		"{\"id\": \"0123456789abcdef\", \"state\": \"bytes\", \"bytes\": -1, \"size\": "
		"\"x\"}",
		"{\"id\": \"0123456789abcdef\", \"state\": \"bytes\", \"bytes\": "
		"9223372036854775807, \"size\": 1}",
		"{\"id\": \"0123456789abcdef\", \"state\": \"bytes\", \"bytes\": 0}",
	};
	cleanup_close int fd = -EBADF;
	cleanup_progress struct progress *p = begin(100, 24, &fd, true);

	for (size_t i = 0; i < ARRAY_SIZE(odd); i++) {
		json_t *j = json_loads(odd[i], 0, NULL);

		CU_ASSERT_PTR_NOT_NULL(j);
		now_ms += 700;
		CU_ASSERT_TRUE(progress_take(p, "layer", j));
		CU_ASSERT_FALSE(progress_take(p, "image", j));
		CU_ASSERT_FALSE(progress_take(NULL, "layer", j));
		json_decref(j);
		look(fd);
	}
	CU_ASSERT_FALSE(tty.is_odd);
	CU_ASSERT_EQUAL(tty.row, 1);
}

static CU_TestInfo tests[] = {
	{ "a layer from begin to end", test_one_layer },
	{ "ended ones above, the others in order", test_order_of_lines },
	{ "every width", test_widths },
	{ "a screen made narrower", test_narrower },
	{ "more layers than rows", test_more_than_fits },
	{ "lines of others", test_others_print },
	{ "not drawn too often", test_not_too_often },
	{ "a rate that dries up", test_stalled },
	{ "no terminal", test_no_terminal },
	{ "odd events", test_odd_events },
	CU_TEST_INFO_NULL,
};

static CU_SuiteInfo suites[] = {
	{ "progress", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
