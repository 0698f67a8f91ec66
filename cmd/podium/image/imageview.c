/* SPDX-License-Identifier: Apache-2.0 */
/*
 * imageview - words and numbers about images, as Podman prints them.
 *
 * Theory of operation: everything but the configuration and the users comes from the index alone;
 * those two cost a file each, so a listing asks for them only when what it prints needs them.
 */
#include "cmd/podium/image/imageview.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "engine/pod/lookup.h"

#define GO_ZERO_TIME "0001-01-01T00:00:00Z"

char *view_size(int64_t bytes, int digits, const char *gap)
{
	static const char *const units[] = { "B", "kB", "MB", "GB", "TB", "PB" };
	double size = (double)bytes, full = digits > 3 ? 999.95 : 999.5;
	size_t unit = 0;

	while (size >= full && unit + 1 < ARRAY_SIZE(units)) {
		size /= 1000.0;
		unit++;
	}
	return xasprintf("%.*g%s%s", digits, size, gap, units[unit]);
}

char *view_go_time(int64_t wall_ns)
{
	time_t seconds = (time_t)(wall_ns / 1000000000);
	char text[64], fraction[16] = "";
	struct tm tm = { .tm_isdst = 0 };

	if (wall_ns <= 0)
		return xstrdup("0001-01-01 00:00:00 +0000 UTC");
	(void)gmtime_r(&seconds, &tm);
	(void)strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm);
	if (wall_ns % 1000000000) {
		(void)snprintf(fraction, sizeof(fraction), ".%09d", (int)(wall_ns % 1000000000));
		for (size_t n = strlen(fraction); fraction[n - 1] == '0'; n--)
			fraction[n - 1] = '\0';
	}
	return xasprintf("%s%s +0000 UTC", text, fraction);
}

json_t *view_utc(int64_t wall_ns)
{
	char text[IMAGE_TIME_MAX] = GO_ZERO_TIME;

	if (wall_ns > 0)
		image_format_time(wall_ns, text);
	return json_string(text);
}

/* ---- names ------------------------------------------------------------------------------ */

void view_split_name(const char *name, char **ret_repository, char **ret_tag)
{
	const char *at = name ? strchr(name, '@') : NULL;
	const char *colon = name && !at ? strrchr(name, ':') : NULL;
	const char *end = at ? at : colon;

	*ret_repository = end ? xstrndup(name, (size_t)(end - name)) : xstrdup("<none>");
	*ret_tag = xstrdup(colon ? colon + 1 : "<none>");
}

static int compare_strings(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void add_digest(struct strlist *l, const char *repository, const char *hex)
{
	cleanup_free char *text = hex ? xasprintf("%s@sha256:%s", repository, hex) : NULL;

	if (text && !strlist_has(l, text))
		strlist_add(l, text);
}

void view_digests(const struct image_info *i, struct strlist *ret)
{
	strlist_copy(ret, &i->digests);
	for (size_t n = 0; n < i->names.n; n++) {
		cleanup_free char *repository = NULL;
		cleanup_free char *tag = NULL;

		view_split_name(i->names.v[n], &repository, &tag);
		add_digest(ret, repository, i->manifest);
		add_digest(ret, repository, i->list);
	}
	if (ret->n)
		qsort(ret->v, ret->n, sizeof(*ret->v), compare_strings);
}

void view_name_history(const struct image_info *i, struct strlist *ret)
{
	for (size_t n = i->names.n; n; n--)
		strlist_add(ret, i->names.v[n - 1]);
	for (size_t n = 0; n < i->history.n; n++)
		strlist_add(ret, i->history.v[n]);
}

/* ---- what costs a file ------------------------------------------------------------------ */

int view_read_conf(const struct store *s, const struct image_info *i, struct image_conf *ret,
		   struct error *err)
{
	cleanup_free char *text = NULL;
	size_t len = 0;
	int r = image_read_config(s, i, &text, &len, err);

	if (r == 0)
		r = image_conf_parse(text, len, ret, err);
	return r < 0 ? error_wrap(err, "image '%.12s'", i->id) : 0;
}

int view_count_uses(const struct store *s, struct image_use_counts *ret, struct error *err)
{
	cleanup_strlist struct strlist ids = { .v = NULL };
	int r = lookup_list_containers(s, &ids, err);

	for (size_t i = 0; r == 0 && i < ids.n; i++) {
		struct container_spec spec;
		struct error scratch; /* debris: it is counted nowhere */

		if (lookup_read_container(s, ids.v[i], &spec, &scratch) < 0)
			continue;
		if (spec.config.id)
			strlist_add(&ret->ids, spec.config.id);
		record_done(&container_spec_type, &spec);
	}
	return r;
}

size_t view_uses(const struct image_use_counts *c, const struct image_info *i)
{
	size_t n = 0;

	for (size_t k = 0; k < c->ids.n; k++)
		n += is_equal(c->ids.v[k], i->id);
	return n;
}

void image_use_counts_done(struct image_use_counts *c)
{
	strlist_done(&c->ids);
}
