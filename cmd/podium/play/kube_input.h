/* SPDX-License-Identifier: Apache-2.0 */
/* kube_input - reading manifests, as kube play, down and validate share it. */
#ifndef PODIUM_CMD_KUBE_INPUT_H
#define PODIUM_CMD_KUBE_INPUT_H

#include "cmd/podium/base/command.h"
#include "kube/kube.h"

/* Reads the files, or the manifest of an archive of kube save, and prints every warning and error
 * on stderr. 0 when there are plans, 125 when the manifests have errors (they are printed), -errno
 * when a file cannot be read. */
int kube_input_read(int argc, char **argv, const struct kube_input *how, struct kube_result *ret,
		    struct error *err) must_check;

struct down_request {
	int64_t grace_s; /* < 0: each pod's own */
	bool force;	 /* volumes that a play has made, too */
};
/* kube down, which is also kube play --down. */
int kube_down(struct command_context *ctx, int argc, char **argv, const struct down_request *rq,
	      struct error *err) must_check;

#endif
