/* SPDX-License-Identifier: Apache-2.0 */
/*
 * imagefilter - which images a command works on.
 *
 * Theory of operation: every --filter becomes one condition: a row of the table and a value that
 * was checked and resolved while parsing (a time read, the image that before= names looked up). The
 * conditions are asked in the order of the command line; label= alone reads an image's
 * configuration, containers= reads every container's record, once.
 *
 * A reference is matched as Podman does: by a glob whose `*` does not cross a slash, against the
 * whole name, the name without its tag, both again without the domain, and the last component with
 * and without its tag.
 */
#include "cmd/podium/image/imagefilter.h"

#include <assert.h>
#include <errno.h>
#include <fnmatch.h>
#include <string.h>

#include "cmd/podium/image/imageview.h"
#include "cmd/podium/base/timeparse.h"
#include "engine/base/clock.h"
#include "engine/image/reference.h"

enum key {
	KEY_AFTER,
	KEY_BEFORE,
	KEY_CONTAINERS,
	KEY_DANGLING,
	KEY_ID,
	KEY_INTERMEDIATE,
	KEY_LABEL,
	KEY_NO_LABEL,
	KEY_READONLY,
	KEY_REFERENCE,
	KEY_SINCE,
	KEY_UNTIL,
	KEY__COUNT
};
static const char *const key_names[] = {
	"after", "before",   "containers", "dangling",	"id",	 "intermediate",
	"label", "label!", "readonly",   "reference", "since", "until",
};
static_assert(ARRAY_SIZE(key_names) == KEY__COUNT, "a name for each key");

struct condition {
	enum key key;
	const char *value; /* borrowed */
	bool wanted;	   /* what a yes-or-no filter asks for */
	int64_t time_ns;
	const struct image_info *image; /* what the value names, or NULL */
};
struct image_filter {
	const struct store *store;
	const struct image_list *list;
	struct image_use_counts uses;
	struct condition *v;
	size_t n;
};

/* Go's strconv.ParseBool. -EINVAL. */
static int parse_bool(const char *text, bool *ret)
{
	static const char *const yes[] = { "1", "t", "T", "TRUE", "true", "True" };
	static const char *const no[] = { "0", "f", "F", "FALSE", "false", "False" };

	for (size_t i = 0; i < ARRAY_SIZE(yes); i++)
		if (is_equal(text, yes[i]) || is_equal(text, no[i])) {
			*ret = is_equal(text, yes[i]);
			return 0;
		}
	return -EINVAL;
}

/* ---- parsing ---------------------------------------------------------------------------- */

static int find_key(const char *text, enum key *ret, const char **ret_value, struct error *err)
{
	const char *equals = strchr(text, '=');
	size_t len = equals ? (size_t)(equals - text) : 0;

	if (!equals)
		return error_set(err, EINVAL,
				 "invalid image filter \"%.100s\": must be in the format "
				 "\"filter=value or filter!=value\"",
				 text);
	for (size_t i = 0; i < ARRAY_SIZE(key_names); i++)
		if (strlen(key_names[i]) == len && strncmp(key_names[i], text, len) == 0) {
			*ret = (enum key)i;
			*ret_value = equals + 1;
			return 0;
		}
	return error_set(err, EINVAL, "unsupported image filter \"%.*s\"",
			 (int)(len > 100 ? 100 : len), text);
}

static int prepare_bool(struct condition *c, struct error *err)
{
	if (parse_bool(c->value, &c->wanted) == 0)
		return 0;
	return error_set(err, EINVAL, "image filter \"%s\": \"%.100s\" is neither true nor false",
			 key_names[c->key], c->value);
}

static int prepare(struct image_filter *f, struct condition *c, struct error *err)
{
	struct error scratch;
	int r = 0;

	switch (c->key) {
	case KEY_AFTER:
	case KEY_BEFORE:
	case KEY_SINCE:
		if (image_find(f->list, c->value, &c->image, NULL, &scratch) < 0)
			return error_set(err, ENOENT,
					 "could not find local image for filter \"%s\"=\"%.100s\": "
					 "%.100s: image not known",
					 key_names[c->key], c->value, c->value);
		c->time_ns = c->image->created_ns;
		break;
	case KEY_UNTIL:
		return time_parse(c->value, clock_wall_ns(), &c->time_ns, err);
	case KEY_CONTAINERS:
		if (is_equal(c->value, "external"))
			c->value = "false"; /* no other program's containers are in this store */
		r = prepare_bool(c, err);
		return r < 0 || f->uses.ids.n ? r : view_count_uses(f->store, &f->uses, err);
	case KEY_DANGLING:
	case KEY_INTERMEDIATE:
	case KEY_READONLY:
		return prepare_bool(c, err);
	case KEY_ID:
	case KEY_LABEL:
	case KEY_NO_LABEL:
	case KEY_REFERENCE:
	case KEY__COUNT:
		break;
	}
	return 0;
}

static struct condition *add(struct image_filter *f, enum key key, const char *value)
{
	f->v = xreallocarray(f->v, f->n + 1, sizeof(*f->v));
	f->v[f->n] = (struct condition){ .key = key, .value = value };
	return &f->v[f->n++];
}

int imagefilter_parse(const struct store *s, const struct image_list *l,
		      const struct strlist *texts, struct image_filter **ret, struct error *err)
{
	struct image_filter *f = xcalloc(1, sizeof(*f));
	int r = 0;

	f->store = s;
	f->list = l;
	for (size_t i = 0; r == 0 && i < texts->n; i++) {
		const char *value;
		enum key key;

		r = find_key(texts->v[i], &key, &value, err);
		if (r == 0)
			r = prepare(f, add(f, key, value), err);
	}
	if (r < 0) {
		imagefilter_free(f);
		return r;
	}
	*ret = f;
	return 0;
}

void imagefilter_add_name(struct image_filter *f, const char *name)
{
	struct condition *c = add(f, KEY_REFERENCE, name);
	struct error scratch; /* a name that nothing has matches nothing */

	if (image_find(f->list, name, &c->image, NULL, &scratch) < 0)
		c->image = NULL;
}

void imagefilter_free(struct image_filter *f)
{
	if (!f)
		return;
	image_use_counts_done(&f->uses);
	free(f->v);
	free(f);
}

int imagefilter_check_prune(const struct strlist *texts, struct error *err)
{
	for (size_t i = 0; i < texts->n; i++) {
		const char *value;
		enum key key;
		int r = find_key(texts->v[i], &key, &value, err);

		if (r < 0)
			return r;
		if (key != KEY_LABEL && key != KEY_NO_LABEL && key != KEY_UNTIL)
			return error_set(err, EINVAL,
					 "filter \"%s\" does not go with prune: label, label! and "
					 "until do",
					 key_names[key]);
	}
	return 0;
}

/* ---- matching --------------------------------------------------------------------------- */

static bool is_glob_match(const char *pattern, const char *text)
{
	return fnmatch(pattern, text, FNM_PATHNAME) == 0;
}

static const char *last_component(const char *name)
{
	const char *slash = strrchr(name, '/');

	return slash ? slash + 1 : name;
}

/* name: "domain/path:tag" or "domain/path@digest". */
static bool is_name_match(const char *pattern, const char *name)
{
	cleanup_free char *plain = NULL;
	cleanup_free char *tag = NULL;
	const char *slash = strchr(name, '/');

	view_split_name(name, &plain, &tag);
	if (is_glob_match(pattern, name) || is_glob_match(pattern, plain) ||
	    is_glob_match(pattern, last_component(name)) ||
	    is_glob_match(pattern, last_component(plain)))
		return true;
	return slash && (is_glob_match(pattern, slash + 1) ||
			 is_glob_match(pattern, plain + (slash + 1 - name)));
}

static bool is_reference_match(const struct condition *c, const struct image_info *i)
{
	if (c->image == i)
		return true;
	for (size_t n = 0; n < i->names.n; n++)
		if (is_name_match(c->value, i->names.v[n]))
			return true;
	for (size_t n = 0; n < i->digests.n; n++)
		if (is_name_match(c->value, i->digests.v[n]))
			return true;
	return false;
}

bool imagefilter_has_label(const struct pairlist *labels, const char *text)
{
	const char *equals = strchr(text, '=');
	cleanup_free char *key =
		equals ? xstrndup(text, (size_t)(equals - text)) : xstrdup(text);
	const char *value = pairlist_get(labels, key);

	return value && (!equals || is_equal(value, equals + 1));
}

static int match_label(const struct image_filter *f, const struct condition *c,
		       const struct image_info *i, struct error *err)
{
	struct image_conf conf;
	int r = view_read_conf(f->store, i, &conf, err);

	if (r < 0)
		return r;
	r = imagefilter_has_label(&conf.run.labels, c->value) == (c->key == KEY_LABEL);
	image_conf_done(&conf);
	return r;
}

static int match_one(const struct image_filter *f, const struct condition *c,
		     const struct image_info *i, struct error *err)
{
	switch (c->key) {
	case KEY_AFTER:
	case KEY_SINCE:
		return i->created_ns > c->time_ns;
	case KEY_BEFORE:
	case KEY_UNTIL:
		return i->created_ns < c->time_ns;
	case KEY_CONTAINERS:
		return (view_uses(&f->uses, i) > 0) == c->wanted;
	case KEY_DANGLING:
		return (!i->names.n && !has_image_children(f->list, i)) ==
		       c->wanted;
	case KEY_ID:
		return is_prefix(i->id, is_prefix(c->value, "sha256:") ? c->value + 7 : c->value);
	case KEY_INTERMEDIATE:
		return is_image_intermediate(f->list, i) == c->wanted;
	case KEY_LABEL:
	case KEY_NO_LABEL:
		return match_label(f, c, i, err);
	case KEY_READONLY:
		return !c->wanted; /* there are no stores besides this one */
	case KEY_REFERENCE:
		return is_reference_match(c, i);
	case KEY__COUNT:
		break;
	}
	return 0;
}

static bool is_alternative(enum key key)
{
	return key == KEY_REFERENCE || key == KEY_ID;
}

int imagefilter_match(const struct image_filter *f, const struct image_info *i, struct error *err)
{
	bool asked[KEY__COUNT] = { false }, met[KEY__COUNT] = { false };

	for (size_t n = 0; n < f->n; n++) {
		const struct condition *c = &f->v[n];
		int r = match_one(f, c, i, err);

		if (r < 0)
			return r;
		if (!r && !is_alternative(c->key))
			return 0;
		asked[c->key] = true;
		met[c->key] = met[c->key] || r;
	}
	for (size_t k = 0; k < KEY__COUNT; k++)
		if (asked[k] && !met[k])
			return 0;
	return 1;
}
