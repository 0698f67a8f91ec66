/* SPDX-License-Identifier: Apache-2.0 */
/*
 * validate - the rules of the API server that are not a matter of one field's type.
 */
#ifndef PODIUM_KUBE_VALIDATE_H
#define PODIUM_KUBE_VALIDATE_H

#include "engine/base/quantity.h"
#include "kube/diag.h"
#include "schemas/types.h"

/* Checks a decoded pod with defaults applied; everything found goes to the sink, whose root must be
 * the pod's tree. for_play: mounting what cannot be had here is an error, not a warning. */
void validate_pod(const struct diag_sink *sink, const struct k8s_pod *pod, bool for_play);

/* Names, labels and annotations of an object of any kind. */
void validate_meta(const struct diag_sink *sink, const struct k8s_meta *meta);

#define MAX_RESOURCES 100  /* kinds of a container; more are refused */
#define MAX_ENV	      4000 /* variables of a container */

/* ---- within validate*.c ------------------------------------------------------------------------
 */

struct check {
	const struct diag_sink *sink;
	const struct k8s_pod *pod;
	struct diag_path path; /* of the object being checked */
	bool for_play;
};

/* About a field (may be NULL) of the object at path. */
void check_error(struct check *c, const char *field, const char *fmt, ...) printf_like(3, 4);
void check_unsupported(struct check *c, const char *field, const char *fmt, ...) printf_like(3, 4);
/* A warning that stays one under strict. */
void check_warning(struct check *c, const char *field, const char *fmt, ...) printf_like(3, 4);
/* Adds "'text' what" when what is not NULL. */
void check_name(struct check *c, const char *field, const char *text, const char *what);
/* A whole number in a range, when set. */
void check_range(struct check *c, const char *field, struct k8s_int n, int64_t min, int64_t max);

/* Labels and annotations of the metadata at the path. */
void validate_labels(struct check *c, const struct k8s_meta *meta);
void validate_identity(struct check *c, const struct k8s_pod_spec *spec);
void validate_containers(struct check *c, const struct k8s_pod_spec *spec);
void validate_env(struct check *c, const struct k8s_container *container);
void validate_probes(struct check *c, const struct k8s_container *container, bool init);
void validate_resources(struct check *c, const struct k8s_container *container);
/* No container may have a higher limit than its pod. */
void validate_pod_limits(struct check *c, const struct k8s_container *container);
void validate_pod_resources(struct check *c, const struct k8s_pod_spec *spec);
/* What all containers ask for at the same time; false: nothing. */
bool requests_sum(const struct k8s_pod_spec *spec, const char *name, struct quantity *ret);
void validate_volumes(struct check *c, const struct k8s_pod_spec *spec);
void validate_mounts(struct check *c, const struct k8s_container *container);
void validate_pod_security(struct check *c, const struct k8s_pod_spec *spec);
void validate_container_security(struct check *c, const struct k8s_container *container);
/* About the spec of a claim or of a template of one, which the sink's root has as "spec". */
struct k8s_claim_spec;
void claim_check(const struct diag_sink *sink, const struct k8s_claim_spec *spec);
/* About the selector at the path; of_volume: of a file, else of a variable. */
void validate_field_selector(struct check *c, const struct k8s_field_selector *s, bool of_volume);
void validate_resource_selector(struct check *c, const struct k8s_resource_selector *s,
				bool of_volume);

/* The field of a volume's source that is known but not honoured, or NULL: also one of those that
 * are projected. node is the volume's. */
const char *volume_foreign_source(const struct node *node);
/* The size of a huge-pages medium: "2Mi"; without one in it, that of the pod's limits; NULL: it is no
 * such medium, or there is none; "": there are several. */
const char *volume_huge_page_size(const struct k8s_pod_spec *spec, const char *medium);
/* A relative path without "." and double slashes; the caller owns it. */
char *volume_clean_path(const char *path);

#endif
