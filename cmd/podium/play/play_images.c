/* SPDX-License-Identifier: Apache-2.0 */
/*
 * play_images - the images of manifests are here before anything is made.
 *
 * Theory of operation: for each container and each image volume the name, its imagePullPolicy and
 * what is in the store say whether a registry is asked: explicit Always pulls or fails; Always by
 * default (no tag or "latest", and no digest) takes what is newer and forgives a registry that does
 * not answer when the image is here; IfNotPresent pulls what is missing; Never pulls nothing. An
 * image of "localhost/" has no registry, and an id no name: they are here or they are not.
 *
 * A name is wanted once, however many have it, under the strictest of their policies and
 * with the credentials of all their pods. All are pulled by one run of the helper. A pull changes the
 * store, so the images lock is not held meanwhile; the caller looks everything up again afterwards.
 *
 * A short name may have become another by an alias: the name that the helper gives is the one that is
 * looked up then.
 */
#include "cmd/podium/play/play_images.h"

#include <errno.h>
#include <string.h>

#include "cmd/podium/base/progress.h"

enum play_pull play_pull_policy(const char *policy, const struct reference *name)
{
	if (is_equal(policy, "Never") || is_equal(name->domain, "localhost"))
		return PLAY_PULL_NEVER;
	if (is_equal(policy, "Always"))
		return PLAY_PULL_ALWAYS;
	if (policy || name->digest[0])
		return PLAY_PULL_MISSING;
	return is_equal(name->tag, "latest") ? PLAY_PULL_NEWER : PLAY_PULL_MISSING;
}

static const char *policy_text(enum play_pull policy)
{
	return policy == PLAY_PULL_ALWAYS  ? "always"
	       : policy == PLAY_PULL_NEWER ? "newer"
					   : "missing";
}

/* ---- choosing --------------------------------------------------------------------------- */

size_t play_images_uses(const struct pod_plan *plan, struct play_use **ret)
{
	size_t n = 0;

	*ret = xcalloc(plan->n_containers + plan->pod.volumes.n + 1, sizeof(**ret));
	for (size_t i = 0; i < plan->n_containers; i++) {
		const struct container_spec *c = &plan->containers[i];

		(*ret)[n++] = (struct play_use){ &plan->pod, "container", c->name, c->image,
						 c->pull_policy };
	}
	for (size_t i = 0; i < plan->pod.volumes.n; i++) {
		const struct volume_spec *v = &plan->pod.volumes.v[i];

		if (v->kind == VOLUME_IMAGE)
			(*ret)[n++] = (struct play_use){ &plan->pod, "volume", v->name, v->image,
							 v->pull_policy };
	}
	return n;
}

/* Stricter than what another container wants of the same name. */
static const char *stricter(const char *a, const char *b)
{
	static const char *const order[] = { "always", "newer" };

	for (size_t i = 0; i < ARRAY_SIZE(order); i++)
		if (is_equal(a, order[i]) || is_equal(b, order[i]))
			return order[i];
	return a;
}

static size_t add_want(struct play_images *p, const struct play_use *use)
{
	for (size_t i = 0; i < p->n; i++)
		if (is_equal(p->v[i].name, use->image))
			return i;
	p->v = xreallocarray(p->v, p->n + 1, sizeof(*p->v));
	p->auths = xreallocarray(p->auths, p->n + 1, sizeof(*p->auths));
	p->uses = xreallocarray(p->uses, p->n + 1, sizeof(*p->uses));
	p->v[p->n] = (struct pull_want){ .name = use->image };
	p->auths[p->n] = (struct strlist){ 0 };
	p->uses[p->n] = *use;
	return p->n++;
}

static void add_auths(struct strlist *auths, const struct kube_result *plans,
		      const struct pod_spec *pod)
{
	for (size_t i = 0; i < pod->pull_secrets.n; i++)
		for (size_t k = 0; k < plans->n_secrets; k++)
			if (is_equal(plans->secrets[k].name, pod->pull_secrets.v[i]) &&
			    is_equal(plans->secrets[k].namespace_, namespace_of(pod->namespace_)) &&
			    !strlist_has(auths, plans->secrets[k].auths))
				strlist_add(auths, plans->secrets[k].auths);
}

/* What an image asks for. */
static int choose_one(const struct image_list *here, const struct play_use *use,
		      enum play_pull *ret, struct error *err)
{
	const struct image_info *info = NULL;
	const char *matched = NULL;
	struct reference name;
	struct error missing;
	int found = image_find(here, use->image, &info, &matched, &missing);

	*ret = PLAY_PULL_NEVER;
	if (found < 0 && found != -ENOENT) {
		*err = missing;
		return found;
	}
	if (found == 0 && (!matched || is_prefix(matched, "localhost/")))
		return 0; /* by id, or nobody else has it */
	if (reference_parse(use->image, &name, err) < 0)
		return error_wrap(err, "image '%.200s'", use->image);
	*ret = play_pull_policy(use->policy, &name);
	if (found == 0 && *ret == PLAY_PULL_MISSING)
		*ret = PLAY_PULL_NEVER;
	if (found == 0 || *ret != PLAY_PULL_NEVER)
		return 0;
	if (is_equal(use->policy, "Never"))
		return error_set(err, ENOENT, "image '%.200s' is not here, and %s is Never",
				 use->image,
				 is_equal(use->kind, "volume") ? "pullPolicy" : "imagePullPolicy");
	*err = missing;
	return found;
}

static int choose_all(const struct image_list *here, const struct kube_result *plans, size_t at,
		      const struct strlist *keep, struct play_images *ret, struct error *err)
{
	cleanup_free struct play_use *uses = NULL;
	size_t n = play_images_uses(kube_plan_at(plans, at), &uses);

	for (size_t k = 0; k < n; k++) {
		enum play_pull policy;
		size_t want;
		int r;

		if (keep && strlist_has(keep, uses[k].image))
			continue;
		r = choose_one(here, &uses[k], &policy, err);
		if (r < 0)
			return error_wrap(err, "pod '%s': %s '%s'", kube_plan_word(uses[k].pod),
					  uses[k].kind, uses[k].name);
		if (policy == PLAY_PULL_NEVER)
			continue;
		want = add_want(ret, &uses[k]);
		ret->v[want].policy = stricter(policy_text(policy), ret->v[want].policy);
		add_auths(&ret->auths[want], plans, uses[k].pod);
	}
	return 0;
}

int play_images_choose(const struct store *s, const struct kube_result *plans,
		       const struct strlist *keep, struct play_images *ret, struct error *err)
{
	cleanup_image_list struct image_list here = { .v = NULL };
	int r = image_list(s, &here, err);

	for (size_t i = 0; i < kube_plan_count(plans) && r == 0; i++)
		r = choose_all(&here, plans, i, keep, ret, err);
	return r;
}

/* ---- pulling ---------------------------------------------------------------------------- */

static int first_failure(const struct play_images *p, struct error *err)
{
	int r = 0;

	for (size_t i = 0; i < p->n; i++) {
		if (!p->v[i].failure.code)
			continue;
		if (r < 0)
			command_print_error(err);
		*err = p->v[i].failure;
		r = error_wrap(err, "pod '%s': %s '%s': image '%.200s'",
			       kube_plan_word(p->uses[i].pod), p->uses[i].kind, p->uses[i].name,
			       p->v[i].name);
	}
	return r;
}

int play_images_pull(const struct store *s, const struct pull_options *o, bool quiet,
		     struct play_images *p, struct error *err)
{
	cleanup_progress struct progress *progress = NULL;
	int r;

	if (!p->n)
		return 0;
	progress = progress_new(quiet);
	for (size_t i = 0; i < p->n; i++)
		p->v[i].auths = &p->auths[i];
	r = pull_run(s, o, p->v, p->n, progress, err);
	progress_clear(progress);
	return r < 0 ? r : first_failure(p, err);
}

const char *play_images_name(const struct play_images *p, const char *image)
{
	for (size_t i = 0; i < p->n; i++)
		if (is_equal(p->v[i].name, image) && p->v[i].full)
			return p->v[i].full;
	return image;
}

void play_images_done(struct play_images *p)
{
	pull_wants_done(p->v, p->n);
	for (size_t i = 0; i < p->n; i++) {
		for (size_t k = 0; k < p->auths[i].n; k++)
			explicit_bzero(p->auths[i].v[k], strlen(p->auths[i].v[k]));
		strlist_done(&p->auths[i]);
	}
	free(p->v);
	free(p->auths);
	free(p->uses);
	*p = (struct play_images){ 0 };
}
