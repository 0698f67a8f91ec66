/* SPDX-License-Identifier: Apache-2.0 */
/*
 * progress - draws layers on their way.
 *
 * Theory of operation: a block of lines, one a layer that is under way, stands at the end of what
 * was printed; the cursor waits below it. To draw it anew the cursor goes up to its first line, each
 * line is written and the rest of it erased, and what is left of a longer block below is erased. A
 * layer that ends is printed above the block, for good, and leaves it. So the block never holds more
 * than what is under way, and of that only as many lines as the screen has; the others are counted
 * in its last line.
 *
 * The size of the screen is asked for at each drawing, so no signal is needed when it changes. A
 * screen that has become narrower has broken our lines in two (tmux, VTE and their like do; xterm
 * cuts them off): the way up is counted in the rows that the old lines take at the new width.
 * No line is as wide as the screen: the cursor never stands in the odd place behind the last column.
 *
 * The cursor is hidden while there is a block. SIGINT, SIGTERM and SIGHUP give it back before they do
 * what they do; so does SIGTSTP. The handlers write a constant to stderr and call nothing else: hence
 * they need no variable. They are set only for a terminal, and only where the signal was not ignored.
 *
 * What is drawn: id, bytes of the whole, rate, a bar; on a narrow screen the bar goes first, then the
 * rate, then the whole. Ids are digits, everything else is ours: nothing here needs escaping.
 */
#include "cmd/podium/base/progress.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/fs.h"
#include "engine/base/json.h"
#include "engine/base/str.h"

#define ID_DIGITS	12
#define LAYERS_MAX	4096 /* more than an image may have, times the images of a command */
#define DRAW_EVERY_MS	100
#define RATE_EVERY_MS	500
#define RATE_STALE_MS	3000 /* nothing came for so long: 0 */
#define AMOUNT_WIDTH	17   /* "99.9 MB / 99.9 MB" */
#define BYTES_WIDTH	7
#define RATE_WIDTH	9
#define GAP		2
#define BAR_MIN		10
#define BAR_MAX		30
#define OUTPUT_MAX	(1024 * 1024)
#define COLUMNS_UNKNOWN 80
#define ROWS_UNKNOWN	24

#define HIDE_CURSOR "\033[?25l"
#define SHOW_CURSOR "\033[?25h"
#define ERASE_LINE  "\033[K"
#define ERASE_BELOW "\033[J"

struct shown_layer {
	char id[ID_DIGITS + 1];
	bool has_ended;
	uint64_t bytes;
	uint64_t size;
	uint64_t rate;	    /* bytes a second */
	uint64_t rate_from; /* bytes at rate_ms */
	int64_t rate_ms;
};

struct progress {
	struct progress_screen screen;
	bool quiet;
	struct shown_layer *layers;
	size_t n;
	int64_t drawn_ms;
	/* the block on the screen: the width of each of its lines */
	int *widths;
	size_t drawn;
	int columns;	 /* of the screen then */
	bool has_cursor; /* hidden by us */
};

/* ---- the terminal ----------------------------------------------------------------------- */

static void give_cursor_back(int sig)
{
	/* SA_RESETHAND: the second time the signal does what it does without us. */
	(void)!write(STDERR_FILENO, SHOW_CURSOR, strlen(SHOW_CURSOR));
	(void)raise(sig);
}

static void stop_and_go_on(int sig)
{
	(void)sig;
	(void)!write(STDERR_FILENO, SHOW_CURSOR, strlen(SHOW_CURSOR));
	(void)raise(SIGSTOP);
	(void)!write(STDERR_FILENO, HIDE_CURSOR, strlen(HIDE_CURSOR));
}

static void watch_signal(int sig, void (*handler)(int), int flags)
{
	struct sigaction old, sa = { .sa_handler = handler, .sa_flags = flags };

	if (sigaction(sig, NULL, &old) == 0 && old.sa_handler == SIG_DFL)
		(void)sigaction(sig, &sa, NULL);
}

static void unwatch_signal(int sig, void (*handler)(int))
{
	struct sigaction old;

	if (sigaction(sig, NULL, &old) == 0 && old.sa_handler == handler)
		(void)signal(sig, SIG_DFL);
}

static void watch_signals(void)
{
	watch_signal(SIGINT, give_cursor_back, (int)SA_RESETHAND);
	watch_signal(SIGTERM, give_cursor_back, (int)SA_RESETHAND);
	watch_signal(SIGHUP, give_cursor_back, (int)SA_RESETHAND);
	watch_signal(SIGTSTP, stop_and_go_on, SA_RESTART);
}

static void unwatch_signals(void)
{
	unwatch_signal(SIGINT, give_cursor_back);
	unwatch_signal(SIGTERM, give_cursor_back);
	unwatch_signal(SIGHUP, give_cursor_back);
	unwatch_signal(SIGTSTP, stop_and_go_on);
}

static void real_size(int *columns, int *rows)
{
	struct winsize w = { 0 };

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &w) < 0)
		w = (struct winsize){ 0 };
	*columns = w.ws_col ? w.ws_col : COLUMNS_UNKNOWN;
	*rows = w.ws_row ? w.ws_row : ROWS_UNKNOWN;
}

static void emit(const struct progress *p, const char *data, size_t len)
{
	if (len && fs_write_all(p->screen.fd, data, len) < 0)
		return; /* there is nobody to tell */
}

/* ---- one line --------------------------------------------------------------------------- */

/* "1.23 MB": three digits, in thousands, as images are listed; at most BYTES_WIDTH. */
static void add_size(struct buf *b, uint64_t bytes)
{
	static const char *const units[] = { "B", "kB", "MB", "GB", "TB", "PB", "EB" };
	double size = (double)bytes;
	size_t unit = 0;

	while (size >= 999.5 && unit + 1 < ARRAY_SIZE(units)) {
		size /= 1000.0;
		unit++;
	}
	buf_printf(b, "%.3g %s", size, units[unit]);
}

/* The bar of a layer whose size is known: "[=====>    ]". */
static void add_bar(struct buf *b, const struct shown_layer *l, int width)
{
	double part = (double)l->bytes / (double)l->size;
	int full = part >= 1 ? width : (int)(part * width);

	buf_adds(b, "  [");
	for (int i = 0; i < width; i++)
		buf_addc(b, i < full - 1 || full == width ? '=' : i == full - 1 ? '>' : ' ');
	buf_addc(b, ']');
}

/* A line for a layer under way, at most `columns` - 1 wide. */
static void add_under_way(struct buf *b, const struct shown_layer *l, int columns)
{
	cleanup_buf struct buf amount = BUF_INIT(OUTPUT_MAX), rate = BUF_INIT(OUTPUT_MAX);
	/* Fields of fixed widths, so that the lines stand still and under each other. */
	const int with_amount = ID_DIGITS + GAP + AMOUNT_WIDTH;
	const int with_rate = with_amount + GAP + RATE_WIDTH;
	const int room = columns - 1, bar = room - with_rate - GAP - 2;

	add_size(&amount, l->bytes);
	if (l->size && room >= with_amount) {
		buf_adds(&amount, " / ");
		add_size(&amount, l->size);
	}
	add_size(&rate, l->rate);
	buf_adds(&rate, "/s");
	if (room >= with_rate)
		buf_printf(b, "%s%*s%*s", l->id, GAP + AMOUNT_WIDTH, amount.data, GAP + RATE_WIDTH,
			   rate.data);
	else if (room >= with_amount)
		buf_printf(b, "%s%*s", l->id, GAP + AMOUNT_WIDTH, amount.data);
	else if (room >= ID_DIGITS + GAP + BYTES_WIDTH)
		buf_printf(b, "%s%*s", l->id, GAP + BYTES_WIDTH, amount.data);
	else
		buf_printf(b, "%.*s", room > 0 ? room : 0, l->id);
	if (l->size && bar >= BAR_MIN)
		add_bar(b, l, bar > BAR_MAX ? BAR_MAX : bar);
}

/* ---- the block -------------------------------------------------------------------------- */

/* To the first row of the block that is on the screen. */
static void add_way_up(const struct progress *p, struct buf *b, int columns)
{
	int up = 0;

	for (size_t i = 0; i < p->drawn; i++)
		up += p->widths[i] <= columns ? 1 : (p->widths[i] + columns - 1) / columns;
	if (up)
		buf_printf(b, "\r\033[%dA", up);
}

/* Writes a line and notes its width; the line begins where b is. */
static void end_line(struct progress *p, struct buf *b, size_t from)
{
	p->widths = xreallocarray(p->widths, p->drawn + 1, sizeof(*p->widths));
	p->widths[p->drawn++] = (int)(b->len - from);
	buf_adds(b, ERASE_LINE "\n");
}

static void add_block(struct progress *p, struct buf *b, int columns, int rows)
{
	size_t active = 0, fits, shown = 0;

	p->drawn = 0;
	for (size_t i = 0; i < p->n; i++)
		active += !p->layers[i].has_ended;
	fits = rows > 2 ? (size_t)rows - 1 : 1; /* the cursor's row is below the block */
	if (active > fits)
		fits--; /* the last line counts the others */
	for (size_t i = 0; i < p->n && shown < fits; i++) {
		size_t from = b->len;

		if (p->layers[i].has_ended)
			continue;
		add_under_way(b, &p->layers[i], columns);
		end_line(p, b, from);
		shown++;
	}
	if (active > shown) {
		cleanup_free char *text = xasprintf("... and %zu more", active - shown);
		size_t from = b->len;

		buf_printf(b, "%.*s", columns > 1 ? columns - 1 : 0, text);
		end_line(p, b, from);
	}
}

/* Draws anew, with a line of text above the block where there is one. */
static void draw(struct progress *p, const char *above)
{
	cleanup_buf struct buf b = BUF_INIT(OUTPUT_MAX);
	int columns, rows;

	p->screen.size(&columns, &rows);
	if (!p->has_cursor) {
		watch_signals();
		buf_adds(&b, HIDE_CURSOR);
		p->has_cursor = true;
	}
	add_way_up(p, &b, columns);
	if (columns != p->columns)
		buf_adds(&b, ERASE_BELOW); /* also what the terminal knows of broken lines */
	p->columns = columns;
	if (above)
		buf_printf(&b, "%s" ERASE_LINE "\n", above);
	add_block(p, &b, columns, rows);
	buf_adds(&b, ERASE_BELOW);
	emit(p, b.data, b.len);
	p->drawn_ms = p->screen.now_ms();
}

void progress_clear(struct progress *p)
{
	cleanup_buf struct buf b = BUF_INIT(OUTPUT_MAX);
	int columns, rows;

	if (!p || !p->has_cursor)
		return;
	p->screen.size(&columns, &rows);
	add_way_up(p, &b, columns);
	buf_adds(&b, ERASE_BELOW SHOW_CURSOR);
	emit(p, b.data, b.len);
	unwatch_signals();
	p->has_cursor = false;
	p->drawn = 0;
}

void progress_say(struct progress *p, const char *text)
{
	cleanup_free char *shown = str_printable(text, strlen(text));
	cleanup_free char *line = xasprintf("%s\n", shown);

	if (!p || p->quiet)
		return;
	if (p->has_cursor)
		draw(p, shown);
	else
		emit(p, line, strlen(line));
}

/* ---- events ----------------------------------------------------------------------------- */

static struct shown_layer *find_layer(struct progress *p, const char *id)
{
	const char *hex = is_prefix(id, "sha256:") ? id + strlen("sha256:") : id;
	struct shown_layer *l;

	if (strlen(hex) < ID_DIGITS || strspn(hex, "0123456789abcdef") < ID_DIGITS)
		return NULL;
	for (size_t i = 0; i < p->n; i++)
		if (strncmp(p->layers[i].id, hex, ID_DIGITS) == 0)
			return &p->layers[i];
	if (p->n == LAYERS_MAX)
		return NULL;
	p->layers = xreallocarray(p->layers, p->n + 1, sizeof(*p->layers));
	l = &p->layers[p->n++];
	*l = (struct shown_layer){ .rate_ms = p->screen.now_ms() };
	(void)snprintf(l->id, sizeof(l->id), "%.*s", ID_DIGITS, hex);
	return l;
}

static void measure_rate(struct shown_layer *l, int64_t now_ms)
{
	int64_t passed = now_ms - l->rate_ms;
	uint64_t latest;

	if (l->bytes < l->rate_from) { /* begun again */
		l->rate_from = l->bytes;
		l->rate_ms = now_ms;
		return;
	}
	if (passed < RATE_EVERY_MS || (l->bytes == l->rate_from && passed < RATE_STALE_MS))
		return;
	latest = (l->bytes - l->rate_from) * 1000 / (uint64_t)passed;
	l->rate = l->rate && latest ? (l->rate + latest) / 2 : latest;
	l->rate_from = l->bytes;
	l->rate_ms = now_ms;
}

static void end_layer(struct progress *p, struct shown_layer *l, bool was_there)
{
	cleanup_free char *text = xasprintf("Copying blob %s %s", l->id,
					    was_there ? "skipped: already exists" : "done");

	l->has_ended = true;
	if (p->screen.is_terminal)
		draw(p, text);
	else
		progress_say(p, text);
}

void progress_tick(struct progress *p)
{
	int64_t now_ms;
	bool is_active = false;

	if (!p || p->quiet || !p->screen.is_terminal)
		return;
	now_ms = p->screen.now_ms();
	for (size_t i = 0; i < p->n; i++) {
		is_active |= !p->layers[i].has_ended;
		measure_rate(&p->layers[i], now_ms);
	}
	if (is_active && (!p->has_cursor || now_ms - p->drawn_ms >= DRAW_EVERY_MS))
		draw(p, NULL);
}

bool progress_take(struct progress *p, const char *event, const json_t *j)
{
	const char *id = jget_str(j, "id"), *state = jget_str(j, "state");
	const json_t *bytes = json_object_get(j, "bytes"), *size = json_object_get(j, "size");
	struct shown_layer *l;

	if (!p || !is_equal(event, "layer"))
		return false;
	l = p->quiet || !id || !state ? NULL : find_layer(p, id);
	if (!l || l->has_ended)
		return true;
	if (json_is_integer(bytes) && json_integer_value(bytes) >= 0)
		l->bytes = (uint64_t)json_integer_value(bytes);
	if (json_is_integer(size) && json_integer_value(size) >= 0)
		l->size = (uint64_t)json_integer_value(size);
	if (is_equal(state, "done") || is_equal(state, "exists"))
		end_layer(p, l, is_equal(state, "exists"));
	else
		progress_tick(p);
	return true;
}

/* ---- life ------------------------------------------------------------------------------- */

struct progress *progress_new_on(const struct progress_screen *screen)
{
	struct progress *p = xcalloc(1, sizeof(*p));

	p->screen = *screen;
	if (!p->screen.fd)
		p->screen.fd = STDERR_FILENO;
	if (!p->screen.now_ms)
		p->screen.now_ms = clock_mono_ms;
	if (!p->screen.size)
		p->screen.size = real_size;
	return p;
}

struct progress *progress_new(bool quiet)
{
	const char *term = getenv("TERM");
	struct progress *p = progress_new_on(&(struct progress_screen){
		.is_terminal = isatty(STDERR_FILENO) && term && !is_equal(term, "dumb") });

	p->quiet = quiet;
	return p;
}

void progress_free(struct progress *p)
{
	if (!p)
		return;
	progress_clear(p);
	free(p->layers);
	free(p->widths);
	free(p);
}
