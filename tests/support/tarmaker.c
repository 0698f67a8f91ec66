/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tarmaker - writes tar headers by hand.
 *
 * Theory of operation: a header is 512 bytes with octal numbers; what does not fit an octal field
 * goes into a pax record, or base-256 in GNU's form. Nothing is checked: the callers want the wrong
 * ones too. Numbers that are negative are written as base-256 (GNU) or as a pax record.
 */
#include "tests/support/tarmaker.h"

#include <stdio.h>
#include <string.h>

static void octal(char *field, size_t size, uint64_t value)
{
	for (size_t i = size - 1; i-- > 0; value >>= 3)
		field[i] = (char)('0' + (value & 7));
	field[size - 1] = '\0';
}

static void base256(char *field, size_t size, int64_t value)
{
	for (size_t i = size; i-- > 0; value >>= 8)
		field[i] = (char)(value & 0xff);
	field[0] |= (char)0x80;
}

static void number(char *field, size_t size, enum tar_format f, int64_t value)
{
	uint64_t max = (UINT64_C(1) << 3 * (size - 1)) - 1;

	if (value >= 0 && (uint64_t)value <= max)
		octal(field, size, (uint64_t)value);
	else if (f == TAR_GNU)
		base256(field, size, value);
	else
		octal(field, size, 0);
}

static void text(char *field, size_t size, const char *s)
{
	size_t len = strlen(s);

	memcpy(field, s, len < size ? len : size);
}

static void put_block(struct buf *b, char *h, const void *data, size_t len)
{
	static const char zeros[512];
	unsigned int sum = 0;

	memset(h + 148, ' ', 8);
	for (size_t i = 0; i < 512; i++)
		sum += (unsigned char)h[i];
	octal(h + 148, 7, sum);
	buf_add(b, h, 512);
	buf_add(b, data ? data : "", len);
	if (len % 512)
		buf_add(b, zeros, 512 - len % 512);
}

static void begin(char *h, enum tar_format f, const char *name, char type, size_t size)
{
	memset(h, 0, 512);
	text(h, 100, name);
	octal(h + 100, 8, 0644);
	octal(h + 108, 8, 0);
	octal(h + 116, 8, 0);
	octal(h + 124, 12, size);
	octal(h + 136, 12, 1700000000);
	h[156] = type;
	memcpy(h + 257, f == TAR_GNU ? "ustar  " : "ustar\00000", 8);
}

void tar_block(struct buf *b, const char *name, char type, const void *data, size_t len)
{
	char h[512];

	begin(h, TAR_PAX, name, type, len);
	put_block(b, h, data, len);
}

/* "LEN key=value\n", where LEN counts itself. */
static void pax_record(struct buf *b, const char *key, const char *value, size_t len)
{
	size_t body = strlen(key) + len + 3, total = body, digits;
	char number_text[24];

	do {
		digits = (size_t)snprintf(number_text, sizeof(number_text), "%zu", total);
		if (total == body + digits)
			break;
		total = body + digits;
	} while (1);
	buf_printf(b, "%s %s=", number_text, key);
	buf_add(b, value, len);
	buf_addc(b, '\n');
}

static void pax_number(struct buf *b, const char *key, int64_t value, int64_t max)
{
	char s[24];

	if (value >= 0 && value <= max)
		return;
	(void)snprintf(s, sizeof(s), "%lld", (long long)value);
	pax_record(b, key, s, strlen(s));
}

static void add_pax(struct buf *b, const struct tar_entry *e)
{
	struct buf records = BUF_INIT(64U << 20);

	pax_record(&records, "path", e->name, strlen(e->name));
	if (e->link)
		pax_record(&records, "linkpath", e->link, strlen(e->link));
	pax_number(&records, "uid", e->uid, 07777777);
	pax_number(&records, "gid", e->gid, 07777777);
	pax_number(&records, "mtime", e->mtime, 077777777777);
	for (size_t i = 0; i < ARRAY_SIZE(e->records) && e->records[i].key; i++) {
		const struct tar_record *r = &e->records[i];

		pax_record(&records, r->key, r->value, r->len ? r->len : strlen(r->value));
	}
	tar_block(b, "PaxHeaders/x", 'x', records.data, records.len);
	buf_done(&records);
}

void tar_add(struct buf *b, enum tar_format f, const struct tar_entry *e)
{
	size_t len = e->len ? e->len : e->data ? strlen(e->data) : 0;
	unsigned int mode = e->mode ? e->mode : e->type == '5' ? 0755 : 0644;
	char h[512];

	if (f == TAR_PAX)
		add_pax(b, e);
	if (f == TAR_GNU && strlen(e->name) > 99)
		tar_block(b, "././@LongLink", 'L', e->name, strlen(e->name) + 1);
	if (f == TAR_GNU && e->link && strlen(e->link) > 99)
		tar_block(b, "././@LongLink", 'K', e->link, strlen(e->link) + 1);
	begin(h, f, f == TAR_PAX ? "placeholder" : e->name, e->type, len);
	octal(h + 100, 8, mode);
	number(h + 108, 8, f, e->uid);
	number(h + 116, 8, f, e->gid);
	number(h + 136, 12, f, e->mtime ? e->mtime : 1700000000);
	if (e->link)
		text(h + 157, 100, e->link);
	octal(h + 329, 8, e->major);
	octal(h + 337, 8, e->minor);
	if (e->raw_size)
		memcpy(h + 124, e->raw_size, 12);
	put_block(b, h, e->data, len);
}

void tar_end(struct buf *b)
{
	static const char zeros[1024];

	buf_add(b, zeros, sizeof(zeros));
}
