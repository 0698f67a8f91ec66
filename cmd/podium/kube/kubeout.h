/* SPDX-License-Identifier: Apache-2.0 */
/* kubeout - objects as kubectl's -o yaml, json and name show them. */
#ifndef PODIUM_CMD_KUBEOUT_H
#define PODIUM_CMD_KUBEOUT_H

#include "engine/base/error.h"
#include "kube/document.h"

/* Documents and the trees made of them. */
struct kube_out {
	struct arena arena;
	struct node *items; /* a list */
};
void kube_out_begin(struct kube_out *o);
void kube_out_done(struct kube_out *o);
#define cleanup_kube_out cleanup(kube_out_done)

/* Reads a document of ours into o's arena; *ret is a map. */
int kube_out_parse(struct kube_out *o, const char *text, struct node **ret,
		   struct error *err) must_check;
/* Takes a tree of the arena. */
void kube_out_add(struct kube_out *o, struct node *item);

/* Prints one object as it is, or a List; as JSON or YAML. */
int kube_out_print(struct kube_out *o, bool as_list, bool json, struct error *err) must_check;

#endif
