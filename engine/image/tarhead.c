/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tarhead - writes headers that every reader of layers takes.
 *
 * Theory of operation: a ustar block has room for names of 100 bytes, ids of 21 bits and sizes of
 * 33; what does not fit, and extended attributes, go into a pax header before it, whose records
 * count for the entry. The prefix field is left empty, so that a name has one place. A name in a
 * pax record that is no UTF-8 is marked by hdrcharset=BINARY. No user and group names: the numbers
 * count. Times are whole seconds, as in everybody's layers. The same entry gives the same bytes.
 */
#include "engine/image/tarhead.h"

#include <stdio.h>
#include <string.h>

#include "engine/base/fs.h"
#include "engine/base/str.h"

#define BLOCK	    512
#define NAME_FIELD  100
#define ID_MAX	    07777777U
#define SIZE_MAX_8G 077777777777ULL
#define PAX_MAX	    (1024 * 1024)

static void put_octal(char *field, size_t size, uint64_t value)
{
	for (size_t i = size - 1; i-- > 0; value >>= 3)
		field[i] = (char)('0' + (value & 7));
	field[size - 1] = '\0';
}

/* "LEN key=value\n", where LEN counts itself. */
static void add_record(struct buf *b, const char *key, const void *value, size_t len)
{
	size_t rest = strlen(key) + len + 3, total = rest + 1; /* ' ', '=', '\n' */
	char digits[24];
	int n = snprintf(digits, sizeof(digits), "%zu", total);

	while ((size_t)n + rest != total) {
		total = rest + (size_t)n;
		n = snprintf(digits, sizeof(digits), "%zu", total);
	}
	buf_printf(b, "%s %s=", digits, key);
	buf_add(b, value, len);
	buf_addc(b, '\n');
}

static void add_number(struct buf *b, const char *key, int64_t value)
{
	char text[24];
	int n = snprintf(text, sizeof(text), "%lld", (long long)value);

	add_record(b, key, text, (size_t)n);
}

static bool is_utf8(const char *s)
{
	for (const unsigned char *p = (const unsigned char *)s; *p; p++) {
		int more = *p < 0x80	     ? 0
			   : *p >> 5 == 0x06 ? 1
			   : *p >> 4 == 0x0e ? 2
			   : *p >> 3 == 0x1e ? 3
					     : -1;

		if (more < 0)
			return false;
		for (; more > 0; more--)
			if ((*++p & 0xc0) != 0x80)
				return false;
	}
	return true;
}

static void add_text(struct buf *b, const char *key, const char *value)
{
	if (value && strlen(value) > NAME_FIELD)
		add_record(b, key, value, strlen(value));
}

static bool is_long_and_odd(const char *s)
{
	return s && strlen(s) > NAME_FIELD && !is_utf8(s);
}

/* What the block cannot say. */
static void add_pax(struct buf *b, const struct tarhead *h)
{
	if (is_long_and_odd(h->name) || is_long_and_odd(h->link))
		add_record(b, "hdrcharset", "BINARY", 6);
	if (h->gid > ID_MAX)
		add_number(b, "gid", h->gid);
	add_text(b, "linkpath", h->link);
	if (h->mtime_s < 0 || (uint64_t)h->mtime_s > SIZE_MAX_8G)
		add_number(b, "mtime", h->mtime_s);
	add_text(b, "path", h->name);
	if (h->size > SIZE_MAX_8G)
		add_number(b, "size", (int64_t)h->size);
	if (h->uid > ID_MAX)
		add_number(b, "uid", h->uid);
	for (size_t i = 0; i < h->n_xattrs; i++) {
		cleanup_free char *key = xasprintf("SCHILY.xattr.%s", h->xattrs[i].name);

		add_record(b, key, h->xattrs[i].value, h->xattrs[i].len);
	}
}

static void fill_block(char block[BLOCK], const struct tarhead *h)
{
	unsigned int sum = 0;

	memset(block, 0, BLOCK);
	memcpy(block, h->name, strnlen(h->name, NAME_FIELD));
	put_octal(block + 100, 8, h->mode & 07777);
	put_octal(block + 108, 8, h->uid > ID_MAX ? 0 : h->uid);
	put_octal(block + 116, 8, h->gid > ID_MAX ? 0 : h->gid);
	put_octal(block + 124, 12, h->size > SIZE_MAX_8G ? 0 : h->size);
	put_octal(block + 136, 12,
		  h->mtime_s < 0 || (uint64_t)h->mtime_s > SIZE_MAX_8G ? 0 : (uint64_t)h->mtime_s);
	block[156] = h->type;
	if (h->link)
		memcpy(block + 157, h->link, strnlen(h->link, NAME_FIELD));
	memcpy(block + 257, "ustar\00000", 8);
	if (h->type == TARHEAD_CHAR || h->type == TARHEAD_BLOCK) {
		put_octal(block + 329, 8, h->major);
		put_octal(block + 337, 8, h->minor);
	}
	memset(block + 148, ' ', 8);
	for (size_t i = 0; i < BLOCK; i++)
		sum += (unsigned char)block[i];
	put_octal(block + 148, 7, sum);
}

/* The name of a pax header: readers ignore it, people see it in old ones. */
static void pax_name(char out[NAME_FIELD], const char *name)
{
	size_t len = strlen(name), from;

	while (len && name[len - 1] == '/')
		len--;
	for (from = len; from && name[from - 1] != '/'; from--)
		;
	(void)snprintf(out, NAME_FIELD, "PaxHeaders/%.*s", (int)(len - from), name + from);
}

static int write_pax(const struct tarhead *h, const struct buf *records, inflate_sink *sink,
		     void *arg, struct error *err)
{
	char name[NAME_FIELD], block[BLOCK];
	int r;

	if (records->overflow)
		return error_set(err, E2BIG, "the attributes of '%.200s' are too large for a tar",
				 h->name);
	pax_name(name, h->name);
	fill_block(block, &(struct tarhead){
				  .name = name, .type = 'x', .mode = 0644, .size = records->len });
	r = sink(arg, block, BLOCK, err);
	if (r == 0)
		r = sink(arg, records->data, records->len, err);
	return r < 0 ? r : tarhead_pad(records->len, sink, arg, err);
}

int tarhead_write(const struct tarhead *h, inflate_sink *sink, void *arg, struct error *err)
{
	cleanup_buf struct buf records = BUF_INIT(PAX_MAX);
	char block[BLOCK];
	int r = 0;

	add_pax(&records, h);
	if (records.len)
		r = write_pax(h, &records, sink, arg, err);
	fill_block(block, h);
	return r < 0 ? r : sink(arg, block, BLOCK, err);
}

int tarhead_pad(uint64_t size, inflate_sink *sink, void *arg, struct error *err)
{
	static const char zeros[BLOCK];
	size_t rest = (size_t)(size % BLOCK);

	return rest ? sink(arg, zeros, BLOCK - rest, err) : 0;
}

int tarhead_end(inflate_sink *sink, void *arg, struct error *err)
{
	static const char zeros[2 * BLOCK];

	return sink(arg, zeros, sizeof(zeros), err);
}

int tarhead_write_file(const char *name, const void *data, size_t len, inflate_sink *sink,
		       void *arg, struct error *err)
{
	const struct tarhead h = { .name = name, .type = TARHEAD_FILE, .mode = 0644, .size = len };
	int r = tarhead_write(&h, sink, arg, err);

	if (r == 0 && len)
		r = sink(arg, data, len, err);
	return r < 0 ? r : tarhead_pad(len, sink, arg, err);
}

int tarhead_to_fd(void *arg, const void *data, size_t len, struct error *err)
{
	int r = fs_write_all(*(const int *)arg, data, len);

	return r < 0 ? error_set(err, -r, "write: %s", strerror(-r)) : 0;
}
