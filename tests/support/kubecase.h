/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kubecase - small help for tests of kube/: a manifest as text to findings or a plan.
 */
#ifndef PODIUM_TESTS_KUBECASE_H
#define PODIUM_TESTS_KUBECASE_H

#include "kube/kube.h"

/* Plays a text (by a temporary file). Aborts when the file cannot be read. */
void kubecase_load(const char *yaml, bool strict, bool for_play, struct kube_result *ret);

/* A pod 'p' of one container 'c' (image x); lines for the container (indented by 4) and for the
 * spec (by 2) are put in, may be "". The caller owns it. */
char *kubecase_pod(const char *container, const char *spec);

/* Whether some finding has that path ("" for any) and a text with `part` in it. */
bool kubecase_has(const struct kube_result *r, enum kube_severity severity, const char *path,
		  const char *part);
/* Prints all findings, for a test that fails. */
void kubecase_print(const struct kube_result *r);

#endif
