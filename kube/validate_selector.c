/* SPDX-License-Identifier: Apache-2.0 */
/*
 * validate_selector - what the Downward API may be asked for.
 *
 * Theory of operation: the API server's lists. A file of a volume may hold all labels or all
 * annotations, or one of either by its key, a name, a namespace, a uid; a variable holds one line,
 * so it takes no whole map, but the addresses and the names that a pod only has once it is placed.
 * An amount of a container is divided by a round number of its unit; without a divisor by 1.
 */
#include <string.h>

#include "kube/names.h"
#include "kube/validate.h"

static bool is_one_of(const char *s, const char *const *list)
{
	for (; *list; list++) {
		if (strcmp(*list, s) == 0)
			return true;
	}
	return false;
}

/* The key in "PREFIX['KEY']", or NULL. The caller owns it. */
static char *subscript(const char *path, const char *prefix)
{
	size_t n = strlen(prefix), len = strlen(path);

	if (!is_prefix(path, prefix) || !is_prefix(path + n, "['") || len < n + 4 ||
	    strcmp(path + len - 2, "']") != 0)
		return NULL;
	return xstrndup(path + n + 2, len - n - 4);
}

void validate_field_selector(struct check *c, const struct k8s_field_selector *s, bool of_volume)
{
	static const char *const everywhere[] = { "metadata.name", "metadata.namespace",
						  "metadata.uid", NULL };
	static const char *const files[] = { "metadata.labels", "metadata.annotations", NULL };
	static const char *const variables[] = { "spec.nodeName",
						 "spec.serviceAccountName",
						 "status.hostIP",
						 "status.hostIPs",
						 "status.podIP",
						 "status.podIPs",
						 NULL };
	cleanup_free char *label = NULL, *annotation = NULL;

	if (!is_empty(s->api_version) && strcmp(s->api_version, "v1") != 0)
		check_name(c, "apiVersion", s->api_version, "is not 'v1'");
	if (is_empty(s->field_path))
		return;
	label = subscript(s->field_path, "metadata.labels");
	annotation = subscript(s->field_path, "metadata.annotations");
	if (label)
		check_name(c, "fieldPath", label, name_bad_qualified(label));
	else if (annotation)
		check_name(c, "fieldPath", annotation, name_bad_annotation(annotation));
	else if (!is_one_of(s->field_path, everywhere) &&
		 !is_one_of(s->field_path, of_volume ? files : variables))
		check_error(c, "fieldPath", "'%.100s' cannot be had %s", s->field_path,
			    of_volume ? "in a file: metadata.name, .namespace, .uid, .labels, "
					".annotations and one of these by ['key'] can"
				      : "in a variable: metadata.name, .namespace, .uid, "
					".labels['key'], .annotations['key'], spec.nodeName, "
					"spec.serviceAccountName, status.hostIP, .hostIPs, .podIP "
					"and .podIPs can");
}

static bool is_container(const struct k8s_pod_spec *spec, const char *name)
{
	for (size_t i = 0; i < spec->containers.n; i++) {
		if (is_equal(spec->containers.v[i].name, name))
			return true;
	}
	for (size_t i = 0; i < spec->inits.n; i++) {
		if (is_equal(spec->inits.v[i].name, name))
			return true;
	}
	return false;
}

static void check_divisor(struct check *c, const char *amount, const char *divisor)
{
	static const char *const cpu[] = { "0", "1m", "1", NULL };
	static const char *const bytes[] = { "0",   "1",   "1k",  "1M",	 "1G",	"1T",  "1P", "1E",
					     "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei", NULL };
	bool is_cpu = strcmp(amount, "cpu") == 0;

	if (divisor && !is_one_of(divisor, is_cpu ? cpu : bytes))
		check_name(c, "divisor", divisor,
			   is_cpu ? "is not '1m' or '1'"
				  : "is not '1' or one unit, from '1k' to '1E' or '1Ki' to '1Ei'");
}

void validate_resource_selector(struct check *c, const struct k8s_resource_selector *s,
				bool of_volume)
{
	static const char *const amounts[] = { "cpu", "memory", "ephemeral-storage", NULL };
	const char *amount = NULL;

	if (of_volume && is_empty(s->container))
		check_error(c, "containerName", "is required");
	else if (!is_empty(s->container) && !is_container(c->pod->spec, s->container))
		check_error(c, "containerName", "there is no container '%.63s' in the pod",
			    s->container);
	if (is_empty(s->resource))
		return;
	if (is_prefix(s->resource, "limits."))
		amount = s->resource + strlen("limits.");
	else if (is_prefix(s->resource, "requests."))
		amount = s->resource + strlen("requests.");
	if (!amount || (!is_one_of(amount, amounts) && !is_prefix(amount, "hugepages-")))
		check_name(c, "resource", s->resource,
			   "is not limits. or requests. with cpu, memory, ephemeral-storage or "
			   "hugepages-SIZE behind");
	else
		check_divisor(c, amount, s->divisor);
}
