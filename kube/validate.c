/* SPDX-License-Identifier: Apache-2.0 */
/*
 * validate - the rules of the API server that are not a matter of one field's type.
 *
 * Theory of operation: runs on typed objects after decode.c and defaults.c, also when those found
 * errors, so that everything is reported at once; hence every pointer may be NULL here. A rule
 * gives the path of what it complains about, and the place is found in the tree (diag.c).
 *
 * This file has metadata and the pod as a whole; the other validate_*.c have its identity,
 * containers, volumes and security. Rules are the API server's, with these additions, each because the engine could not
 * do it and would fail later and less clearly: the joined name of pod and container must fit a file
 * name, host ports that overlap by their wildcard address conflict, a working directory and a mount
 * path are absolute and without ':', runAsNonRoot with user 0 is refused at once.
 */
#include "kube/validate.h"

#include <limits.h>
#include <stdarg.h>
#include <string.h>

#include "kube/annotations.h"
#include "kube/names.h"

#define MAX_ANNOTATION_BYTES ((size_t)256 * 1024)
#define MAX_NAMESERVERS	     3
#define MAX_SEARCHES	     32
#define MAX_SEARCH_BYTES     2048

typedef void tell(const struct diag_sink *sink, const char *path, const char *fmt, ...)
	printf_like(3, 4);

static void __attribute__((format(printf, 4, 0)))
check_tell(struct check *c, tell *how, const char *field, const char *fmt, va_list args)
{
	size_t mark = field ? path_field(&c->path, field) : c->path.len;
	char text[1024];

	(void)vsnprintf(text, sizeof(text), fmt, args);
	how(c->sink, c->path.text, "%s", text);
	path_cut(&c->path, mark);
}

void check_error(struct check *c, const char *field, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	check_tell(c, diag_error, field, fmt, args);
	va_end(args);
}

void check_unsupported(struct check *c, const char *field, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	check_tell(c, diag_unsupported, field, fmt, args);
	va_end(args);
}

void check_warning(struct check *c, const char *field, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	check_tell(c, diag_warning, field, fmt, args);
	va_end(args);
}

void check_name(struct check *c, const char *field, const char *text, const char *what)
{
	if (text && what)
		check_error(c, field, "'%.100s' %s", text, what);
}

void check_range(struct check *c, const char *field, struct k8s_int n, int64_t min, int64_t max)
{
	if (n.set && (n.value < min || n.value > max))
		check_error(c, field, "%lld is not between %lld and %lld", (long long)n.value,
			    (long long)min, (long long)max);
}

/* ---- metadata ---------------------------------------------------------------------------------
 */

static void check_labels(struct check *c, const struct pairlist *labels)
{
	size_t mark = path_field(&c->path, "labels");

	for (size_t i = 0; i < labels->n; i++) {
		size_t inner = path_key(&c->path, labels->v[i].key);

		check_name(c, NULL, labels->v[i].key, name_bad_qualified(labels->v[i].key));
		check_name(c, NULL, labels->v[i].value, name_bad_label_value(labels->v[i].value));
		path_cut(&c->path, inner);
	}
	path_cut(&c->path, mark);
}

static void check_annotations(struct check *c, const struct pairlist *annotations)
{
	size_t mark = path_field(&c->path, "annotations"), total = 0;

	for (size_t i = 0; i < annotations->n; i++) {
		const struct strpair *pair = &annotations->v[i];
		size_t inner = path_key(&c->path, pair->key);

		total += strlen(pair->key) + strlen(pair->value);
		if (is_podman_key(c->pod, pair->key))
			check_unsupported(c, NULL, "is a key of Podman's that a cluster refuses");
		else
			check_name(c, NULL, pair->key, name_bad_annotation(pair->key));
		path_cut(&c->path, inner);
	}
	if (total > MAX_ANNOTATION_BYTES)
		check_error(c, NULL, "is larger than 256 KiB in all");
	path_cut(&c->path, mark);
}

void validate_labels(struct check *c, const struct k8s_meta *meta)
{
	check_labels(c, &meta->labels);
	check_annotations(c, &meta->annotations);
}

static void check_meta(struct check *c, const struct k8s_meta *meta)
{
	size_t mark = path_field(&c->path, "metadata");

	if (meta->name && *meta->name)
		check_name(c, "name", meta->name, name_bad_subdomain(meta->name));
	if (meta->namespace_ && *meta->namespace_)
		check_name(c, "namespace", meta->namespace_, name_bad_label(meta->namespace_));
	validate_labels(c, meta);
	path_cut(&c->path, mark);
}

void validate_meta(const struct diag_sink *sink, const struct k8s_meta *meta)
{
	struct check c = { .sink = sink };

	check_meta(&c, meta);
}

/* ---- name service -----------------------------------------------------------------------------
 */

static void check_host_aliases(struct check *c, const struct k8s_pod_spec *spec)
{
	for (size_t i = 0; i < spec->host_aliases.n; i++) {
		const struct k8s_host_alias *a = &spec->host_aliases.v[i];
		size_t mark = path_field(&c->path, "hostAliases");

		(void)path_index(&c->path, i);
		if (!is_empty(a->ip) && !name_is_ip(a->ip))
			check_name(c, "ip", a->ip, "is not an IP address");
		for (size_t j = 0; j < a->hostnames.n; j++) {
			size_t inner = path_field(&c->path, "hostnames");

			(void)path_index(&c->path, j);
			check_name(c, NULL, a->hostnames.v[j],
				   name_bad_subdomain(a->hostnames.v[j]));
			path_cut(&c->path, inner);
		}
		path_cut(&c->path, mark);
	}
}

static void check_pull_secrets(struct check *c, const struct k8s_pod_spec *spec)
{
	for (size_t i = 0; i < spec->pull_secrets.n; i++) {
		const char *name = spec->pull_secrets.v[i].name;
		size_t mark = path_field(&c->path, "imagePullSecrets");

		(void)path_index(&c->path, i);
		if (!is_empty(name))
			check_name(c, "name", name, name_bad_subdomain(name));
		path_cut(&c->path, mark);
	}
}

static void check_each(struct check *c, const char *field, const struct strlist *list,
		       const char *(*rule)(const char *))
{
	size_t mark = path_field(&c->path, field);

	for (size_t i = 0; i < list->n; i++) {
		size_t inner = path_index(&c->path, i);

		check_name(c, NULL, list->v[i], rule(list->v[i]));
		path_cut(&c->path, inner);
	}
	path_cut(&c->path, mark);
}

static const char *bad_ip(const char *s)
{
	return name_is_ip(s) ? NULL : "is not an IP address";
}

static void check_dns(struct check *c, const struct k8s_pod_spec *spec)
{
	const struct k8s_dns *dns = spec->dns;
	size_t bytes = 0, mark;

	if (is_equal(spec->dns_policy, "None") && (!dns || !dns->nameservers.n))
		check_error(c, "dnsPolicy",
			    "'None' needs at least one dnsConfig.nameservers entry");
	if (!dns)
		return;
	mark = path_field(&c->path, "dnsConfig");
	if (dns->nameservers.n > MAX_NAMESERVERS)
		check_error(c, "nameservers", "has more than %d entries", MAX_NAMESERVERS);
	check_each(c, "nameservers", &dns->nameservers, bad_ip);
	for (size_t i = 0; i < dns->searches.n; i++)
		bytes += strlen(dns->searches.v[i]) + (i > 0);
	if (dns->searches.n > MAX_SEARCHES || bytes > MAX_SEARCH_BYTES)
		check_error(c, "searches", "has more than %d entries or %d characters",
			    MAX_SEARCHES, MAX_SEARCH_BYTES);
	check_each(c, "searches", &dns->searches, name_bad_search);
	path_cut(&c->path, mark);
}

/* ---- the pod ----------------------------------------------------------------------------------
 */

static void check_spec(struct check *c, const struct k8s_pod_spec *spec)
{
	validate_identity(c, spec);
	check_range(c, "terminationGracePeriodSeconds", spec->grace_seconds, 0, INT32_MAX);
	check_range(c, "activeDeadlineSeconds", spec->active_deadline, 1, INT32_MAX);
	if (spec->share_pid.value && spec->host_pid.value)
		check_error(c, "shareProcessNamespace", "cannot be true together with hostPID");
	check_host_aliases(c, spec);
	check_dns(c, spec);
	check_pull_secrets(c, spec);
	validate_volumes(c, spec);
	validate_containers(c, spec);
	validate_pod_security(c, spec);
	validate_pod_resources(c, spec);
}

void validate_pod(const struct diag_sink *sink, const struct k8s_pod *pod, bool for_play)
{
	struct check c = { .sink = sink, .pod = pod, .for_play = for_play };
	size_t mark;

	if (pod->meta)
		check_meta(&c, pod->meta);
	if (!pod->spec)
		return;
	mark = path_field(&c.path, "spec");
	check_spec(&c, pod->spec);
	path_cut(&c.path, mark);
}
