/* SPDX-License-Identifier: Apache-2.0 */
/*
 * validate_resources - requests and limits, of containers and of the pod as a whole.
 *
 * Theory of operation: quantities were parsed while decoding; here they are compared: nothing is
 * negative, no request is more than its limit, and what cannot be shared out beyond what there is
 * (huge pages, devices) has requests that equal the limits and whole numbers. A request that was
 * made from its limit by default is not told twice.
 *
 * Names are sorted into: what the engine limits (cpu, memory, hugepages-SIZE), devices
 * ("vendor.com/class=name" and Podman's "podman.io/device=/dev/x"), what is known and has no effect
 * here (resources of device plugins), and no resource at all. The disk space of ephemeral-storage is
 * watched, so its limit has an effect and its request none.
 *
 * For the pod as a whole only cpu, memory and huge pages can be asked for; no container may have a
 * higher limit, and all of them together no higher request. Init containers run one after another,
 * beside the sidecars before them: so they count by the highest such sum.
 */
#include <string.h>

#include "engine/base/quantity.h"
#include "kube/names.h"
#include "kube/translate.h"
#include "kube/validate.h"

#define NANO 1000000000U

static bool is_huge_page(const char *name)
{
	return is_prefix(name, "hugepages-");
}

/* What cannot be promised twice. */
static bool is_indivisible(const char *name)
{
	return is_huge_page(name) || strchr(name, '/');
}

/* ---- names ------------------------------------------------------------------------------------
 */

static void check_device(struct check *c, const char *name)
{
	const char *equals = strchr(name, '=');
	cleanup_free char *kind = xstrndup(name, (size_t)(equals - name));

	if (is_prefix(name, RESOURCE_PODMAN_DEVICE)) {
		if (equals[1] != '/')
			check_error(c, NULL, "'%.100s' names no device: want %s/dev/NAME", name,
				    RESOURCE_PODMAN_DEVICE);
	} else if (name_bad_qualified(kind) || !equals[1]) {
		check_error(c, NULL, "'%.100s' is not the name of a device: want vendor/class=name",
			    name);
	}
}

static void check_huge_page(struct check *c, const char *name, const struct quantity *q)
{
	struct error err = { 0 };
	struct quantity size;

	if (quantity_parse(name + strlen("hugepages-"), &size, &err) < 0 || size.negative ||
	    size.nano < NANO)
		check_error(c, NULL, "'%.60s' has no page size: want hugepages-2Mi", name);
	else if (q->nano % size.nano)
		check_error(c, NULL, "is not a multiple of the page size %s",
			    name + strlen("hugepages-"));
}

static void check_extended(struct check *c, const char *name, bool limit)
{
	if (limit)
		check_unsupported(
			c, NULL,
			"has no effect: there are no device plugins here; name the device "
			"itself by CDI ('%.60s=NAME: 1') or by its path ('%s/dev/NAME: 1')",
			name, RESOURCE_PODMAN_DEVICE);
}

static void check_whole(struct check *c, const struct quantity *q)
{
	if (q->nano % NANO)
		check_error(c, NULL, "must be a whole number");
}

static void check_resource(struct check *c, const char *name, const struct quantity *q, bool limit)
{
	struct error err = { 0 };
	int64_t number;

	if (q->negative)
		check_error(c, NULL, "must not be negative");
	if (strcmp(name, "cpu") == 0) {
		if (quantity_milli(q, &number, &err) < 0)
			check_error(c, NULL, "%s", err.text);
	} else if (strcmp(name, "memory") == 0) {
		return;
	} else if (strcmp(name, "ephemeral-storage") == 0) {
		return;
	} else if (is_huge_page(name)) {
		check_huge_page(c, name, q);
	} else if (resource_is_device(name)) {
		check_device(c, name);
		check_whole(c, q);
	} else if (strchr(name, '/') && !name_bad_qualified(name)) {
		check_extended(c, name, limit);
		check_whole(c, q);
	} else {
		check_error(c, NULL,
			    "'%.60s' is not a resource: cpu, memory, ephemeral-storage and "
			    "hugepages-SIZE are",
			    name);
	}
}

/* ---- amounts ----------------------------------------------------------------------------------
 */

static bool parse(const char *text, struct quantity *ret)
{
	struct error err = { 0 };

	return text && quantity_parse(text, ret, &err) == 0;
}

static void check_amounts(struct check *c, const char *field, const struct pairlist *amounts,
			  const struct k8s_resources *of)
{
	bool limit = amounts == &of->limits;
	size_t mark = path_field(&c->path, field);

	for (size_t i = 0; i < amounts->n; i++) {
		const struct strpair *p = &amounts->v[i];
		size_t inner = path_key(&c->path, p->key);
		struct quantity q;

		if (parse(p->value, &q) &&
		    (limit || !is_equal(pairlist_get(&of->limits, p->key), p->value)))
			check_resource(c, p->key, &q, limit);
		path_cut(&c->path, inner);
	}
	path_cut(&c->path, mark);
}

static void check_request(struct check *c, const struct k8s_resources *r, const struct strpair *p)
{
	const char *most = pairlist_get(&r->limits, p->key);
	struct quantity limit, request;

	if (!parse(p->value, &request))
		return;
	if (!most && is_indivisible(p->key))
		check_error(c, NULL, "needs a limit that equals it");
	if (!parse(most, &limit))
		return;
	if (is_indivisible(p->key) && quantity_compare(&request, &limit) != 0)
		check_error(c, NULL, "'%.40s' is not the limit '%.40s'", p->value, most);
	else if (quantity_compare(&request, &limit) > 0)
		check_error(c, NULL, "'%.40s' is more than the limit '%.40s'", p->value, most);
}

static void check_requests(struct check *c, const struct k8s_resources *r)
{
	for (size_t i = 0; i < r->requests.n; i++) {
		size_t mark = path_field(&c->path, "requests");

		(void)path_key(&c->path, r->requests.v[i].key);
		check_request(c, r, &r->requests.v[i]);
		path_cut(&c->path, mark);
	}
}

static bool has_huge_pages(const struct pairlist *list)
{
	for (size_t i = 0; i < list->n; i++)
		if (is_huge_page(list->v[i].key))
			return true;
	return false;
}

static bool has_base(const struct k8s_resources *r)
{
	return pairlist_get(&r->limits, "cpu") || pairlist_get(&r->limits, "memory") ||
	       pairlist_get(&r->requests, "cpu") || pairlist_get(&r->requests, "memory");
}

static bool is_too_many(struct check *c, const struct k8s_resources *r)
{
	if (r->limits.n <= MAX_RESOURCES && r->requests.n <= MAX_RESOURCES)
		return false;
	check_error(c, NULL, "has more than %d kinds of resources", MAX_RESOURCES);
	return true;
}

void validate_resources(struct check *c, const struct k8s_container *k)
{
	const struct k8s_resources *r = k->resources;
	size_t mark;

	if (!r)
		return;
	mark = path_field(&c->path, "resources");
	if (!is_too_many(c, r)) {
		check_amounts(c, "limits", &r->limits, r);
		check_amounts(c, "requests", &r->requests, r);
		check_requests(c, r);
		if ((has_huge_pages(&r->limits) || has_huge_pages(&r->requests)) && !has_base(r))
			check_error(c, NULL, "huge pages need cpu or memory beside them");
	}
	path_cut(&c->path, mark);
}

/* ---- the pod as a whole -----------------------------------------------------------------------
 */

static unsigned __int128 request_of(const struct k8s_container *k, const char *name)
{
	struct quantity q;

	if (!k->resources || !parse(pairlist_get(&k->resources->requests, name), &q) || q.negative)
		return 0;
	return q.nano;
}

bool requests_sum(const struct k8s_pod_spec *spec, const char *name, struct quantity *ret)
{
	unsigned __int128 members = 0, sidecars = 0, most = 0;

	for (size_t i = 0; i < spec->inits.n; i++) {
		const struct k8s_container *k = &spec->inits.v[i];
		unsigned __int128 asked = sidecars + request_of(k, name);

		if (is_equal(k->restart_policy, "Always"))
			sidecars = asked;
		most = asked > most ? asked : most;
	}
	for (size_t i = 0; i < spec->containers.n; i++)
		members += request_of(&spec->containers.v[i], name);
	members += sidecars;
	*ret = (struct quantity){ .nano = members > most ? members : most };
	return ret->nano > 0;
}

static bool is_pod_resource(const char *name)
{
	return strcmp(name, "cpu") == 0 || strcmp(name, "memory") == 0 || is_huge_page(name);
}

static void check_pod_names(struct check *c, const char *field, const struct pairlist *list,
			    const struct pairlist *told)
{
	size_t mark = path_field(&c->path, field);

	for (size_t i = 0; i < list->n; i++) {
		size_t inner = path_key(&c->path, list->v[i].key);

		if (!is_pod_resource(list->v[i].key) && !pairlist_get(told, list->v[i].key))
			check_error(c, NULL,
				    "'%.60s' cannot be asked for by a pod as a whole: cpu, memory "
				    "and hugepages-SIZE can",
				    list->v[i].key);
		path_cut(&c->path, inner);
	}
	path_cut(&c->path, mark);
}

static void check_pod_requests(struct check *c, const struct k8s_pod_spec *spec)
{
	const struct pairlist *requests = &spec->resources->requests;

	for (size_t i = 0; i < requests->n; i++) {
		size_t mark = path_field(&c->path, "requests");
		struct quantity pod, sum;

		(void)path_key(&c->path, requests->v[i].key);
		if (parse(requests->v[i].value, &pod) &&
		    requests_sum(spec, requests->v[i].key, &sum) &&
		    quantity_compare(&sum, &pod) > 0)
			check_error(c, NULL, "'%.40s' is less than the containers ask for together",
				    requests->v[i].value);
		path_cut(&c->path, mark);
	}
}

void validate_pod_resources(struct check *c, const struct k8s_pod_spec *spec)
{
	const struct k8s_resources *r = spec->resources;
	const struct pairlist none = { 0 };
	size_t mark;

	if (!r)
		return;
	mark = path_field(&c->path, "resources");
	if (!is_too_many(c, r)) {
		check_pod_names(c, "limits", &r->limits, &none);
		check_pod_names(c, "requests", &r->requests, &r->limits);
		check_requests(c, r);
		check_pod_requests(c, spec);
	}
	path_cut(&c->path, mark);
}

void validate_pod_limits(struct check *c, const struct k8s_container *k)
{
	const struct k8s_resources *pod = c->pod->spec->resources;
	size_t mark = path_field(&c->path, "resources");

	(void)path_field(&c->path, "limits");
	for (size_t i = 0; pod && k->resources && i < k->resources->limits.n; i++) {
		const struct strpair *p = &k->resources->limits.v[i];
		const char *most = pairlist_get(&pod->limits, p->key);
		size_t inner = path_key(&c->path, p->key);
		struct quantity limit, own;

		if (parse(most, &limit) && parse(p->value, &own) &&
		    quantity_compare(&own, &limit) > 0)
			check_error(c, NULL, "'%.40s' is more than the limit '%.40s' of the pod",
				    p->value, most);
		path_cut(&c->path, inner);
	}
	path_cut(&c->path, mark);
}
