/* SPDX-License-Identifier: Apache-2.0 */
/* kubestored - what the kinds that are stored documents share; kubelist_stored.c, kuberemove.c. */
#ifndef PODIUM_CMD_KUBESTORED_H
#define PODIUM_CMD_KUBESTORED_H

#include "kube/job.h"
#include "kube/objects.h"

/* A Job's progress; -ENOENT: it has not begun. Free with record_done(&job_status_type). */
int kube_stored_job(const struct store *s, const char *namespace_, const char *name,
		    struct job_status *ret, struct error *err) must_check;
/* "NAMESPACE/CLAIM" that is bound to a PersistentVolume, or NULL. The caller owns it. */
char *kube_claim_of(const struct store *s, const char *volume);
/* "RWO,ROX"; the caller owns it. */
char *kube_short_modes(const struct strlist *modes);

#endif
