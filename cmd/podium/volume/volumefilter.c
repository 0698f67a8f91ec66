/* SPDX-License-Identifier: Apache-2.0 */
/*
 * volumefilter - --filter of the commands that choose volumes.
 *
 * Theory of operation: every text is checked and compiled first. Values of "name" are alternatives,
 * as in Podman; everything else must hold.
 */
#include <errno.h>
#include <regex.h>
#include <string.h>

#include "cmd/podium/base/timeparse.h"
#include "cmd/podium/image/imagefilter.h"
#include "cmd/podium/volume/volumes.h"
#include "engine/base/clock.h"
#include "engine/base/mem.h"
#include "engine/volumes/driver.h"

enum key {
	KEY_NAME,
	KEY_LABEL,
	KEY_NOT_LABEL,
	KEY_DRIVER,
	KEY_SCOPE,
	KEY_DANGLING,
	KEY_OPT,
	KEY_UNTIL,
	KEY__COUNT
};
static const char *const keys[] = { "name",  "label",	 "label!", "driver",
				    "scope", "dangling", "opt",	   "until" };
_Static_assert(ARRAY_SIZE(keys) == KEY__COUNT, "a word for each key");

struct condition {
	enum key key;
	const char *value;
	regex_t regex; /* KEY_NAME */
	bool is_true;  /* KEY_DANGLING */
	int64_t until_ns;
};
struct volume_filter {
	struct condition *v;
	size_t n;
	struct strlist used; /* only when dangling is asked for */
};

void volume_filter_free(struct volume_filter *f)
{
	if (!f)
		return;
	for (size_t i = 0; i < f->n; i++)
		if (f->v[i].key == KEY_NAME)
			regfree(&f->v[i].regex);
	strlist_done(&f->used);
	free(f->v);
	free(f);
}

static int parse_value(const struct store *s, struct volume_filter *f, struct condition *c,
		       struct error *err)
{
	if (c->key == KEY_NAME && regcomp(&c->regex, c->value, REG_EXTENDED | REG_NOSUB) != 0)
		return error_set(err, EINVAL, "filter name: bad pattern '%.100s'", c->value);
	if (c->key == KEY_UNTIL)
		return time_parse(c->value, clock_wall_ns(), &c->until_ns, err);
	if (c->key != KEY_DANGLING)
		return 0;
	c->is_true = is_equal(c->value, "true") || is_equal(c->value, "1");
	if (!c->is_true && !is_equal(c->value, "false") && !is_equal(c->value, "0"))
		return error_set(err, EINVAL,
				 "\"%.60s\" is not a valid value for the \"dangling\" filter - "
				 "must be true or false",
				 c->value);
	return f->used.n ? 0 : named_volume_used(s, &f->used, err);
}

static int parse_one(const struct store *s, struct volume_filter *f, const char *text,
		     struct error *err)
{
	const char *equals = strchr(text, '=');
	cleanup_free char *key = xstrndup(text, strcspn(text, "="));
	struct condition c = { .key = KEY__COUNT, .value = equals ? equals + 1 : "" };
	int r;

	if (!equals)
		return error_set(err, EINVAL,
				 "filter input must be in the form of filter=value: %.60s is "
				 "invalid",
				 text);
	for (int i = 0; i < KEY__COUNT; i++)
		if (is_equal(key, keys[i]))
			c.key = (enum key)i;
	if (c.key == KEY__COUNT)
		return error_set(err, EINVAL, "\"%.60s\" is an invalid volume filter", key);
	r = parse_value(s, f, &c, err);
	if (r < 0)
		return r;
	f->v = xreallocarray(f->v, f->n + 1, sizeof(*f->v));
	f->v[f->n++] = c;
	return 0;
}

int volume_filter_parse(const struct store *s, const struct strlist *texts,
			struct volume_filter **ret, struct error *err)
{
	struct volume_filter *f = xcalloc(1, sizeof(*f));
	int r = 0;

	for (size_t i = 0; r == 0 && i < texts->n; i++)
		r = parse_one(s, f, texts->v[i], err);
	if (r < 0)
		volume_filter_free(f);
	else
		*ret = f;
	return r;
}

static bool holds(const struct volume_filter *f, const struct condition *c,
		  const struct named_volume *v)
{
	switch (c->key) {
	case KEY_LABEL:
		return imagefilter_has_label(&v->labels, c->value);
	case KEY_NOT_LABEL:
		return !imagefilter_has_label(&v->labels, c->value);
	case KEY_OPT:
		return imagefilter_has_label(&v->options, c->value);
	case KEY_DRIVER:
		return is_equal(c->value, VOLUME_DRIVER);
	case KEY_SCOPE:
		return is_equal(c->value, "local");
	case KEY_DANGLING:
		return strlist_has(&f->used, v->name) != c->is_true;
	case KEY_UNTIL:
		return v->created_ns < c->until_ns;
	default:
		return true;
	}
}

bool is_volume_match(const struct volume_filter *f, const struct named_volume *v)
{
	bool asks_name = false, has_name = false;

	for (size_t i = 0; i < f->n; i++) {
		const struct condition *c = &f->v[i];

		if (c->key == KEY_NAME) {
			asks_name = true;
			has_name = has_name || regexec(&c->regex, v->name, 0, NULL, 0) == 0;
		} else if (!holds(f, c, v)) {
			return false;
		}
	}
	return !asks_name || has_name;
}
