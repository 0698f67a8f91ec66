/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fields - what the Downward API says of a pod: values of variables and contents of files.
 *
 * Follows the kubelet: a label or annotation that is not there is "", whole maps are lines of
 * key="value" in order of the keys, resources are divided and rounded up, and a limit that nobody
 * has set is what the host has.
 */
#ifndef PODIUM_PROCESS_FIELDS_H
#define PODIUM_PROCESS_FIELDS_H

#include "engine/base/error.h"
#include "engine/state/layout.h"

struct pod_spec;
struct container_spec;
struct sandbox_record;

/* What a question is about; everything is borrowed. */
struct field_context {
	const struct store *store; /* of the records of other containers */
	const struct pod_spec *pod;
	const struct container_spec *container; /* the one that asks; NULL: the pod itself */
	const struct sandbox_record *sandbox;	/* NULL: there is none yet, and no address */
};

/* metadata.name, .namespace, .uid, .labels, .labels['KEY'], .annotations, .annotations['KEY'],
 * spec.nodeName, spec.serviceAccountName, status.podIP, .podIPs, .hostIP, .hostIPs. -EINVAL: no
 * such field. An address that there is not is "". To be called in the host's network and host name.
 * The caller owns *ret. */
int field_resolve(const struct field_context *c, const char *path, char **ret,
		  struct error *err) must_check;

/* "limits.cpu", "requests.memory", "limits.ephemeral-storage", "limits.hugepages-2Mi", ... of the
 * container with that short name (NULL: the one that asks). divisor: a quantity, NULL is 1. The
 * caller owns *ret, a whole number. */
int resource_resolve(const struct field_context *c, const char *resource, const char *container,
		     const char *divisor, char **ret, struct error *err) must_check;

#endif
