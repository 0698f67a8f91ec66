/* SPDX-License-Identifier: Apache-2.0 */
/*
 * idmap - what a user namespace makes of ids.
 *
 * Theory of operation: a list of ranges that do not overlap, on neither side; looked through from
 * the front, since there are a handful. The last id is the kernel's "nobody at all" and in no range.
 */
#include "engine/rootfs/idmap.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/mem.h"

static bool overlaps(uint32_t a, uint32_t n, uint32_t b, uint32_t m)
{
	return (uint64_t)a < (uint64_t)b + m && (uint64_t)b < (uint64_t)a + n;
}

int idmap_add(struct idmap *m, uint32_t inside, uint32_t outside, uint32_t count, struct error *err)
{
	if (count == 0 || (uint64_t)inside + count > UINT32_MAX ||
	    (uint64_t)outside + count > UINT32_MAX)
		return error_set(err, EINVAL, "range %u:%u:%u is empty or goes beyond the last id",
				 inside, outside, count);
	if (m->n == IDMAP_RANGES_MAX)
		return error_set(err, E2BIG, "more than %d ranges of ids", IDMAP_RANGES_MAX);
	for (size_t i = 0; i < m->n; i++)
		if (overlaps(inside, count, m->v[i].inside, m->v[i].count) ||
		    overlaps(outside, count, m->v[i].outside, m->v[i].count))
			return error_set(err, EINVAL, "range %u:%u:%u overlaps another one", inside,
					 outside, count);
	m->v[m->n].inside = inside;
	m->v[m->n].outside = outside;
	m->v[m->n++].count = count;
	return 0;
}

static int parse_one(const char *text, uint32_t ret[3], struct error *err)
{
	cleanup_free char *copy = xstrdup(text);
	char *rest = copy;

	for (size_t i = 0; i < 3; i++) {
		char *word = strsep(&rest, ":");
		uint64_t v;

		if (!word || parse_u64(word, UINT32_MAX, &v) < 0 || (i == 2 && rest))
			return error_set(err, EINVAL, "'%.100s' is not like '0:100000:65536'",
					 text);
		ret[i] = (uint32_t)v;
	}
	return 0;
}

int idmap_parse(struct idmap *m, const struct strlist *ranges, struct error *err)
{
	memset(m, 0, sizeof(*m));
	for (size_t i = 0; i < ranges->n; i++) {
		uint32_t v[3];
		int r = parse_one(ranges->v[i], v, err);

		if (r == 0)
			r = idmap_add(m, v[0], v[1], v[2], err);
		if (r < 0)
			return r;
	}
	return 0;
}

int idmap_read(struct idmap *m, const char *text, struct error *err)
{
	memset(m, 0, sizeof(*m));
	while (*text) {
		unsigned int inside, outside, count;
		size_t n = strcspn(text, "\n");
		int r;

		if (sscanf(text, "%u %u %u", &inside, &outside, &count) != 3)
			return error_set(err, EBADMSG, "malformed map of ids");
		r = idmap_add(m, inside, outside, count, err);
		if (r < 0)
			return r;
		text += n + (text[n] == '\n');
	}
	return 0;
}

char *idmap_text(const struct idmap *m)
{
	struct buf b = BUF_INIT(IDMAP_TEXT_MAX);

	for (size_t i = 0; i < m->n; i++)
		buf_printf(&b, "%u %u %u\n", m->v[i].inside, m->v[i].outside, m->v[i].count);
	return buf_steal(&b);
}

bool is_same_idmap(const struct idmap *a, const struct idmap *b)
{
	if (a->n != b->n)
		return false;
	/* The kernel may give them back sorted. */
	for (size_t i = 0; i < a->n; i++) {
		bool found = false;

		for (size_t k = 0; k < b->n; k++)
			found |= a->v[i].inside == b->v[k].inside &&
				 a->v[i].outside == b->v[k].outside &&
				 a->v[i].count == b->v[k].count;
		if (!found)
			return false;
	}
	return true;
}

bool idmap_out(const struct idmap *m, uint32_t inside, uint32_t *ret)
{
	*ret = inside;
	for (size_t i = 0; i < m->n; i++)
		if (inside >= m->v[i].inside && inside - m->v[i].inside < m->v[i].count) {
			*ret = m->v[i].outside + (inside - m->v[i].inside);
			return true;
		}
	return m->n == 0;
}

bool idmap_in(const struct idmap *m, uint32_t outside, uint32_t *ret)
{
	*ret = outside;
	for (size_t i = 0; i < m->n; i++)
		if (outside >= m->v[i].outside && outside - m->v[i].outside < m->v[i].count) {
			*ret = m->v[i].inside + (outside - m->v[i].outside);
			return true;
		}
	return m->n == 0;
}
