/* SPDX-License-Identifier: Apache-2.0 */
/*
 * volumes - finding and showing volumes.
 *
 * Theory of operation: a volume is one small record; all of them are read for a listing. Who uses
 * them is asked only by whom it matters to, for all at once.
 */
#include "cmd/podium/volume/volumes.h"

#include <errno.h>
#include <string.h>

#include "cmd/podium/base/template.h"
#include "cmd/podium/container/inspect.h"
#include "cmd/podium/container/view.h"
#include "cmd/podium/image/imageview.h"
#include "cmd/podium/image/storesize.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/volumes/driver.h"

void volume_set_done(struct volume_set *l)
{
	for (size_t i = 0; i < l->n; i++)
		named_volume_done(&l->v[i]);
	free(l->v);
	*l = (struct volume_set){ 0 };
}

int volume_set_load(const struct store *s, struct volume_set *ret, struct error *err)
{
	cleanup_strlist struct strlist names = { 0 };
	int r = named_volume_list(s, &names, err);

	*ret = (struct volume_set){ 0 };
	ret->v = xcalloc(names.n + 1, sizeof(*ret->v));
	for (size_t i = 0; r == 0 && i < names.n; i++) {
		struct error why = { 0 };

		r = named_volume_read(s, names.v[i], &ret->v[ret->n], &why);
		if (r == 0)
			ret->n++;
		else if (r !=
			 -ENOENT) /* a damaged record: its name is known, and it can be removed */
			ret->v[ret->n++].name = xstrdup(names.v[i]);
		r = 0;
	}
	return r;
}

int inspect_volume(const struct store *s, const char *name, json_t **ret, struct error *err)
{
	cleanup_named_volume struct named_volume v = { 0 };
	int r = named_volume_read(s, name, &v, err);

	if (r == -EINVAL) /* no name of a volume: none */
		return error_set(err, ENOENT, "no such volume %.200s", name);
	if (r == 0)
		*ret = volume_json(s, &v);
	return r;
}

int volume_resolve(const struct store *s, const char *word, char **ret, struct error *err)
{
	cleanup_strlist struct strlist names = { 0 };
	const char *found = NULL;
	size_t n = 0;
	int r;

	if (!*word)
		return error_set(err, EINVAL, "name or ID cannot be empty");
	r = named_volume_list(s, &names, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < names.n; i++) {
		if (is_equal(names.v[i], word)) {
			*ret = xstrdup(word);
			return 0;
		}
		if (is_prefix(names.v[i], word)) {
			found = names.v[i];
			n++;
		}
	}
	if (n > 1)
		return error_set(err, EEXIST, "more than one result for volume name \"%.200s\"",
				 word);
	if (!found)
		return error_set(err, ENOENT,
				 "no volume with name \"%.200s\" found: no such volume", word);
	*ret = xstrdup(found);
	return 0;
}

char *volume_mountpoint(const struct store *s, const struct named_volume *v)
{
	return v->host_path ? xstrdup(v->host_path)
			    : xasprintf("%s/volumes/%s/_data", s->root, v->name);
}

static void set(json_t *obj, const char *key, json_t *value)
{
	(void)json_object_set_new(obj, key, value);
}

/* Members that Podman leaves out when they say nothing; templates see them all the same. */
static void set_some(json_t *j, json_t *texts, const char *key, json_t *value)
{
	bool has = json_is_true(value) || json_integer_value(value) != 0;

	set(has ? j : texts, key, value);
}

static json_t *options_of(const struct named_volume *v)
{
	json_t *j = view_pairs(&v->options);

	if (v->uid)
		jset_owned(j, "UID", xasprintf("%lld", (long long)v->uid));
	if (v->gid)
		jset_owned(j, "GID", xasprintf("%lld", (long long)v->gid));
	return j;
}

json_t *volume_json(const struct store *s, const struct named_volume *v)
{
	json_t *j = json_object(), *texts = json_object();
	bool is_mounted = has_driver_mount(v) && is_volume_mounted(s, v->name);

	set(j, "Name", json_string(v->name));
	set(j, "Driver", json_string(VOLUME_DRIVER));
	jset_owned(j, "Mountpoint", volume_mountpoint(s, v));
	set(j, "CreatedAt", view_utc(v->created_ns));
	jset_owned(texts, "CreatedAt", view_go_time(v->created_ns));
	set(j, "Labels", view_pairs(&v->labels));
	set(j, "Scope", json_string("local"));
	set(j, "Options", options_of(v));
	set_some(j, texts, "UID", json_integer((json_int_t)v->uid));
	set_some(j, texts, "GID", json_integer((json_int_t)v->gid));
	set_some(j, texts, "Anonymous", json_boolean(v->anonymous));
	set(j, "MountCount", json_integer(is_mounted));
	set_some(j, texts, "NeedsCopyUp", json_boolean(!v->copied_up && !v->claim_namespace));
	set_some(j, texts, "NeedsChown",
		 json_boolean(!v->copied_up && !v->claim_namespace && !v->uid && !v->gid));
	set(texts, "Status", json_object()); /* of plugins, which there are not */
	set(texts, "Timeout", json_integer(0));
	set(j, TEMPLATE_TEXTS, texts);
	return j;
}

/* ---- prune ------------------------------------------------------------------------------ */

void volume_prune_result_done(struct volume_prune_result *r)
{
	strlist_done(&r->names);
}

int volume_prune_choose(const struct store *s, const struct strlist *filters, struct strlist *ret,
			struct error *err)
{
	cleanup_strlist struct strlist used = { 0 };
	cleanup_volume_set struct volume_set all = { 0 };
	struct volume_filter *f = NULL;
	int r = volume_filter_parse(s, filters, &f, err);

	if (r == 0)
		r = named_volume_used(s, &used, err);
	if (r == 0)
		r = volume_set_load(s, &all, err);
	for (size_t i = 0; r == 0 && i < all.n; i++)
		if (!all.v[i].reclaim_retain && !strlist_has(&used, all.v[i].name) &&
		    is_volume_match(f, &all.v[i]))
			strlist_add(ret, all.v[i].name);
	volume_filter_free(f);
	return r;
}

int volume_prune_run(const struct store *s, const struct strlist *names,
		     struct volume_prune_result *ret, struct error *err)
{
	*ret = (struct volume_prune_result){ 0 };
	for (size_t i = 0; i < names->n; i++) {
		cleanup_free char *path = xasprintf("volumes/%s/_data", names->v[i]);
		int64_t bytes = storesize_tree(s->rootfd, path);
		struct error why = { 0 };
		int r = named_volume_remove(s, names->v[i], &why);

		if (r == -EBUSY || r == -ENOENT)
			continue;
		if (r < 0) {
			*err = why;
			return r;
		}
		strlist_add(&ret->names, names->v[i]);
		ret->bytes += bytes;
	}
	return 0;
}
