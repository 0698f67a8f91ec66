/* SPDX-License-Identifier: Apache-2.0 */
/*
 * names - the syntax of names in Kubernetes. Each returns NULL when the text is good, else what is
 * wrong with it, a constant text that follows the quoted name.
 */
#ifndef PODIUM_KUBE_NAMES_H
#define PODIUM_KUBE_NAMES_H

#include <stdbool.h>

const char *name_bad_label(const char *s);	/* DNS-1123 label: 63 */
const char *name_bad_subdomain(const char *s);	/* DNS-1123 subdomain: 253 */
const char *name_bad_port(const char *s);	/* IANA service name: 15 */
const char *name_bad_env(const char *s);	/* printable ASCII without '=' */
const char *name_bad_qualified(const char *s);	/* [prefix/]name: keys of labels */
const char *name_bad_annotation(const char *s); /* the same, any case */
const char *name_bad_label_value(const char *s);
const char *name_bad_volume(const char *s); /* a volume of the host: one safe file name */
const char *name_bad_sysctl(const char *s);
const char *name_bad_search(const char *s); /* a DNS search domain */

const char *name_bad_key(const char *s); /* of a ConfigMap or Secret: 253 */

bool name_is_ip(const char *s); /* IPv4 or IPv6 address */
/* A path with a ".." component. */
bool name_has_backstep(const char *path);
/* Known to the kernel, with or without CAP_, in any case; or ALL. */
bool name_is_capability(const char *s);
/* The kernel's names without CAP_, ALL first; *ret_n of them. */
const char *const *name_capabilities(unsigned int *ret_n);

#endif
