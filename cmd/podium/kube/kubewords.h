/* SPDX-License-Identifier: Apache-2.0 */
/* kubewords - which objects the arguments of kube get, describe and delete mean. */
#ifndef PODIUM_CMD_KUBEWORDS_H
#define PODIUM_CMD_KUBEWORDS_H

#include "cmd/podium/kube/kubekind.h"

/* What one kind is asked for. */
struct kube_wanted {
	const struct kube_kind_row *row;
	struct strlist names; /* empty: all */
};
struct kube_words {
	struct kube_wanted *v;
	size_t n;
	bool slashed; /* KIND/NAME was given */
};

/* KIND[,KIND...] [NAME...], "all", or KIND/NAME...; argc is at least 1. */
int kube_words_parse(int argc, char **argv, struct kube_words *ret, struct error *err) must_check;
void kube_words_done(struct kube_words *w);
#define cleanup_kube_words cleanup(kube_words_done)

/* Prints an error for each name that was not found; how many. */
size_t kube_words_tell_missing(const struct kube_wanted *w, const struct kube_look *look);

#endif
