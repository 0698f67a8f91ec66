/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pull - from names to images in the store.
 *
 * Theory of operation: each name goes these steps, then all layers of all images come in together
 * (load_plan_fetch()):
 *
 *	name		what is here already may be enough, by the policy
 *	candidates	what the name may mean: itself, or what registries.conf makes of a short one
 *	routes		where a candidate may be: mirrors, then its registry; the first that answers
 *	manifest	by tag or digest; the same digest as that of what is here: nothing to do
 *	index		the manifest of the platform, by its digest (pull_manifest.c)
 *	configuration	digest, size; tells the layers' diff ids, so that what is here is not fetched
 *
 * A second pull of what has not changed is therefore one request and one comparison. Nothing is
 * believed that was not hashed first; what was asked for by digest has that digest or is refused.
 * A name is moved to the new image when all is there (store.c), so it never points at half of one.
 *
 * Images whose pods bring their own credentials do not share a client with others: their
 * connections, tokens and passwords stay apart.
 *
 * Failures: each image has its own; what was completed of its layers stays for the next try, the
 * rest is removed. A kill leaves debris for the next pull or collection.
 */
#include "engine/image/pull.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/seams.h"
#include "engine/image/layers.h"
#include "engine/image/pull_manifest.h"
#include "engine/image/reference.h"
#include "engine/image/store.h"

#define TAGS_MAX 10000

int pull_policy_parse(const char *text, enum pull_policy *ret, struct error *err)
{
	static const char *const words[] = {
		[PULL_ALWAYS] = "always",
		[PULL_MISSING] = "missing",
		[PULL_NEVER] = "never",
		[PULL_NEWER] = "newer",
	};
	_Static_assert(ARRAY_SIZE(words) == PULL__COUNT, "every policy has a word");

	*ret = PULL_ALWAYS;
	if (is_empty(text))
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (is_equal(text, words[i])) {
			*ret = (enum pull_policy)i;
			return 0;
		}
	return error_set(err, EINVAL, "'%.50s' is no policy: write always, missing, never or newer",
			 text);
}

/* One client's share of the work. */
struct pull {
	const struct store *store;
	const struct pull_options *o;
	struct registries *conf;
	struct registry *registry;
	bool is_forgiving; /* the image at hand is here: a registry that is away does no harm */
	struct image_list local;
	struct platform host;
	struct load_plan plan;
	struct {
		struct pull_place **v; /* borrowed by the plan's layers */
		size_t n;
	} places;
	load_report *report;
	void *arg;
};

static void tell(const struct pull *p, enum load_event_kind kind, size_t index, const char *id,
		 const char *text)
{
	const struct load_event e = { .kind = kind, .id = id, .text = text, .index = index };

	p->report(p->arg, &e);
}

static void tell_failure(const struct pull *p, size_t index, const struct error *err)
{
	const struct load_event e = {
		.kind = LOAD_FAILED, .text = err->text, .index = index, .code = err->code
	};

	p->report(p->arg, &e);
}

/* ---- what is here ----------------------------------------------------------------------- */

static bool is_whole(const struct pull *p, const struct image_info *info)
{
	for (size_t i = 0; i < info->layers.n; i++)
		if (!is_layer_complete(p->store, info->layers.v[i] + sizeof("sha256:") - 1))
			return false;
	return true;
}

/* Whether it is for the platform that is wanted. One that does not say is believed. */
static bool is_fit(const struct pull *p, const struct image_info *info)
{
	const struct platform have = { .os = info->os,
				       .architecture = info->architecture,
				       .variant = info->variant };

	if (!info->os || !info->architecture)
		return !p->o->platform;
	return platform_rank(p->o->platform ? p->o->platform : &p->host, &have) >= 0;
}

/* The image here that a name means and that can be used. *ret_name: NULL for an id. */
static const struct image_info *find_here(const struct pull *p, const char *name,
					  const char **ret_name)
{
	const struct image_info *info = NULL;
	struct error ignored;

	*ret_name = NULL;
	if (image_find(&p->local, name, &info, ret_name, &ignored) < 0 || !is_whole(p, info))
		return NULL;
	return info;
}

/* Whether it has that manifest, or came from that index, in that repository. */
static bool has_digest(const struct image_info *info, const struct reference *ref,
		       const struct digest *d)
{
	char name[REFERENCE_NAME_MAX + 2], hex[DIGEST_HEX_LEN + 1];
	cleanup_free char *full = NULL;

	full = xasprintf("%s@sha256:%s", reference_format_name(ref, name), digest_hex(d, hex));
	return strlist_has(&info->digests, full);
}

/* The image here that bears the full reference: by its name, or by digest. */
static const struct image_info *find_same(const struct pull *p, const struct reference *ref,
					  const struct digest *d, const char **ret_name)
{
	char full[REFERENCE_MAX + 1];
	const struct image_info *info;

	info = find_here(p, reference_format(ref, full), ret_name);
	return info && is_fit(p, info) && has_digest(info, ref, d) ? info : NULL;
}

/* ---- one place -------------------------------------------------------------------------- */

/* "sha256:..." or the tag. */
static const char *wanted_of(const struct reference *ref)
{
	return ref->digest[0] ? ref->digest : ref->tag;
}

/* The names and digests under which the image will be known. */
static void set_names(struct load_image *i, const struct reference *ref)
{
	char full[REFERENCE_MAX + 1], name[REFERENCE_NAME_MAX + 2];

	(void)reference_format_name(ref, name);
	if (!ref->digest[0])
		strlist_add(&i->names, reference_format(ref, full));
	strlist_addf(&i->digests, "%s@sha256:%s", name, i->manifest_id);
	if (i->list)
		strlist_addf(&i->digests, "%s@sha256:%s", name, i->list_id);
}

/* An image for another processor may be meant for emulation, and a registry may have but one image
 * under a name: it is said, not refused. (That the system is one that runs here, config.c has seen
 * to.) */
static void check_platform(const struct pull *p, const struct load_image *i, const char *name)
{
	const struct platform *want = p->o->platform ? p->o->platform : &p->host;
	const struct platform have = { .os = i->facts.os, .architecture = i->facts.architecture };
	cleanup_free char *is = platform_format(&have);
	cleanup_free char *should = platform_format(want);
	cleanup_free char *shown = str_printable(is, strnlen(is, 100));
	cleanup_free char *text =
		xasprintf("%s: the image is for %s, not for %s", name, shown, should);

	if ((!is_empty(have.architecture) && !is_equal(have.architecture, want->architecture)) ||
	    (!is_empty(have.os) && !is_equal(have.os, want->os)))
		tell(p, LOAD_WARNING, 0, NULL, text);
}

/* Asks a candidate's places for its manifest, the configuration and what the layers are. */
static int plan_image(struct pull *p, const struct pull_item *item, const struct reference *ref,
		      struct pull_place *place, struct error *err)
{
	struct load_image i = { .index = item->index };
	char full[REFERENCE_MAX + 1];
	int r;

	free(place->image);
	place->image = xstrdup(reference_format(ref, full));
	r = pull_image(p->registry, place, p->o->platform ? p->o->platform : &p->host, &i, err);
	if (r < 0) {
		load_image_done(&i);
		return r;
	}
	check_platform(p, &i, place->image);
	set_names(&i, ref);
	for (size_t n = 0; n < i.layers.n; n++)
		i.layers.v[n].group = p->plan.n;
	*list_add(&p->plan) = i;
	r = load_plan_check(&p->plan, err);
	if (r < 0)
		load_image_done(&p->plan.v[--p->plan.n]);
	return r;
}

static int get_manifest(struct pull *p, const struct reference *ref, struct pull_place *place,
			struct error *err)
{
	return pull_top(p->registry, place, wanted_of(ref), err);
}

/* Brings a candidate into the plan, unless what is here is the same. */
static int try_place(struct pull *p, const struct pull_item *item, const struct reference *ref,
		     struct pull_place *place, struct error *err)
{
	const struct image_info *info;
	const char *name = NULL;
	int r;

	if (item->policy == PULL_NEWER) {
		struct digest d;

		registry_be_brief(p->registry, p->is_forgiving);
		r = pull_head(p->registry, place, wanted_of(ref), &d, err);
		registry_be_brief(p->registry, false);
		if (r < 0)
			return r;
		info = find_same(p, ref, &d, &name);
		if (info) {
			tell(p, LOAD_IMAGE, item->index, info->id, name);
			return 0;
		}
	}
	r = get_manifest(p, ref, place, err);
	if (r < 0)
		return r;
	info = find_same(p, ref, &place->top.digest, &name);
	if (info) {
		tell(p, LOAD_IMAGE, item->index, info->id, name);
		return 0;
	}
	return plan_image(p, item, ref, place, err);
}

static struct pull_place *add_place(struct pull *p)
{
	struct pull_place *place = xcalloc(1, sizeof(*place));

	*list_add(&p->places) = place;
	return place;
}

static int try_tags(struct pull *p, const struct pull_item *item, const struct reference *ref,
		    const struct pull_place *routes, struct error *err)
{
	cleanup_strlist struct strlist tags = { .v = NULL };
	char full[REFERENCE_MAX + 1];
	int r = pull_tags(p->registry, routes, &tags, err);

	if (r == 0 && tags.n > TAGS_MAX)
		r = error_set(err, E2BIG, "more than %d tags", TAGS_MAX);
	if (r == 0 && !tags.n)
		r = error_set(err, ENOENT, "there are no tags");
	for (size_t i = 0; r == 0 && i < tags.n; i++) {
		struct reference one = *ref;
		struct pull_place *place = add_place(p);

		if (strlen(tags.v[i]) > REFERENCE_TAG_MAX)
			return error_set(err, EBADMSG, "a tag that is none");
		(void)snprintf(one.tag, sizeof(one.tag), "%s", tags.v[i]);
		r = registries_routes(p->conf, &one, false, &place->routes, err);
		if (r < 0)
			return r;
		tell(p, LOAD_BEGIN, item->index, NULL, reference_format(&one, full));
		r = try_place(p, item, &one, place, err);
	}
	return r;
}

static int try_candidate(struct pull *p, const struct pull_item *item, const char *name,
			 struct error *err)
{
	struct pull_place *place = add_place(p);
	struct reference ref;
	char full[REFERENCE_MAX + 1];
	int r = reference_parse(name, &ref, err);

	if (r == 0)
		r = registries_routes(p->conf, &ref, false, &place->routes, err);
	if (r < 0)
		return r;
	if (ref.digest[0])
		ref.tag[0] = '\0'; /* the digest says it all; nobody checked the tag */
	if (p->o->all_tags)
		return try_tags(p, item, &ref, place, err);
	tell(p, LOAD_BEGIN, item->index, NULL, reference_format(&ref, full));
	return try_place(p, item, &ref, place, err);
}

/* ---- one name --------------------------------------------------------------------------- */

/* The client is made when somebody has to be asked. */
static int need_client(struct pull *p, const struct strlist *docker_configs, struct error *err)
{
	struct registry_options o = p->o->registry;

	if (p->registry)
		return 0;
	o.docker_configs = docker_configs;
	return registry_new(&o, &p->registry, err);
}

static int find_candidates(struct pull *p, const struct reference *ref, const char *here,
			   struct strlist *ret, struct error *err)
{
	if (!p->conf) {
		int r = registries_load(&p->conf, err);

		if (r < 0)
			return r;
	}
	/* A short name that means an image that is here is asked for where that came from. */
	if (ref->is_short && here && !is_prefix(here, "localhost/")) {
		strlist_add(ret, here);
		return 0;
	}
	return registries_candidates(p->conf, ref, ret, err);
}

static int try_candidates(struct pull *p, const struct pull_item *item,
			  const struct strlist *candidates, struct error *err)
{
	cleanup_buf struct buf all = BUF_INIT(400);
	int code = ENOENT;

	for (size_t i = 0; i < candidates->n; i++) {
		struct error one = { .code = 0 };
		int r = try_candidate(p, item, candidates->v[i], &one);

		if (r >= 0)
			return 0;
		if (candidates->n == 1) {
			*err = one;
			return error_wrap(err, "pull '%.200s'", candidates->v[0]);
		}
		code = i ? code : one.code;
		buf_printf(&all, "%s%s: %.150s", i ? "; " : "", candidates->v[i], one.text);
	}
	return error_set(err, code, "pull '%.80s': %s", item->name, all.data ? all.data : "");
}

static bool is_hex(const char *text)
{
	return strspn(text, "0123456789abcdef") == strlen(text);
}

static int pull_one(struct pull *p, const struct pull_item *item, struct error *err)
{
	const char *name = is_prefix(item->name, "docker://") ? item->name + 9 : item->name;
	cleanup_strlist struct strlist candidates = { .v = NULL };
	const struct image_info *here;
	const char *here_name;
	struct reference ref;
	int r = reference_parse(name, &ref, err);

	if (r < 0)
		return r;
	if (p->o->all_tags && (ref.digest[0] || !ref.is_tag_implied))
		return error_set(err, EINVAL, "'%.200s': with all tags, name none", name);
	here = p->o->all_tags ? NULL : find_here(p, name, &here_name);
	if (here && p->o->platform && !is_fit(p, here))
		here = NULL;
	if (here && (item->policy == PULL_MISSING || item->policy == PULL_NEVER ||
		     (!here_name && is_hex(name)))) {
		tell(p, LOAD_IMAGE, item->index, here->id, here_name);
		return 0;
	}
	if (item->policy == PULL_NEVER)
		return error_set(err, ENOENT,
				 "image '%.200s' is not in the local store, and may not be pulled",
				 name);
	r = find_candidates(p, &ref, here ? here_name : NULL, &candidates, err);
	if (r == 0)
		r = need_client(p, item->docker_configs, err);
	p->is_forgiving = here != NULL;
	if (r == 0)
		r = try_candidates(p, item, &candidates, err);
	if (r < 0 && here && item->policy == PULL_NEWER) {
		tell(p, LOAD_IMAGE, item->index, here->id, here_name);
		return 0;
	}
	return r;
}

/* ---- all of them ------------------------------------------------------------------------ */

static bool is_same_access(const struct pull_item *a, const struct pull_item *b)
{
	size_t n = a->docker_configs ? a->docker_configs->n : 0;

	if (n != (b->docker_configs ? b->docker_configs->n : 0))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!is_equal(a->docker_configs->v[i], b->docker_configs->v[i]))
			return false;
	return true;
}

static void pull_done(struct pull *p)
{
	load_plan_done(&p->plan);
	for (size_t i = 0; i < p->places.n; i++)
		pull_place_free(p->places.v[i]);
	free(p->places.v);
	registry_free(p->registry);
	registries_free(p->conf);
	image_list_done(&p->local);
	platform_done(&p->host);
}

/* What is left of killed pulls; not this one's failure. */
static void sweep(const struct pull *p)
{
	struct error scratch = { .code = 0 };
	int r = layers_sweep_debris(p->store, &scratch);

	if (r == 0)
		r = layers_empty_trash(p->store, &scratch);
	if (r < 0)
		tell(p, LOAD_WARNING, 0, NULL, scratch.text);
}

/* Pulls item first and those after it that have the same credentials. */
static int pull_group(const struct store *s, const struct pull_options *o, size_t first,
		      load_report *report, void *arg, struct error *err)
{
	struct pull p = { .store = s, .o = o, .report = report, .arg = arg };
	int r = image_list(s, &p.local, err);

	if (r < 0)
		return r;
	platform_host(&p.host);
	for (size_t i = first; i < o->n; i++) {
		struct error one = { .code = 0 };

		if (!is_same_access(&o->v[first], &o->v[i]))
			continue;
		r = image_pull_local(s, &o->v[i], o->platform, report, arg, &one);
		if (r == 0)
			r = pull_one(&p, &o->v[i], &one);
		if (r < 0)
			tell_failure(&p, o->v[i].index, &one);
	}
	r = 0;
	if (p.plan.n) {
		r = load_plan_fetch(s, p.registry, &p.plan, report, arg, err);
		sweep(&p);
	}
	pull_done(&p);
	return r;
}

int image_pull(const struct store *s, const struct pull_options *o, load_report *report, void *arg,
	       struct error *err)
{
	for (size_t i = 0; i < o->n; i++) {
		bool is_done = false;
		int r;

		for (size_t j = 0; j < i && !is_done; j++)
			is_done = is_same_access(&o->v[j], &o->v[i]);
		r = is_done ? 0 : pull_group(s, o, i, report, arg, err);
		if (r < 0)
			return r;
	}
	return 0;
}
