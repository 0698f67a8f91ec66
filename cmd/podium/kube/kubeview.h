/* SPDX-License-Identifier: Apache-2.0 */
/* kubeview - pods as Kubernetes sees them: records put together, and what follows from them. */
#ifndef PODIUM_CMD_KUBEVIEW_H
#define PODIUM_CMD_KUBEVIEW_H

#include "cmd/podium/container/view.h"
#include "engine/net/net.h"
#include "kube/podstatus.h"

struct kube_pod {
	char id[65];
	struct pod_spec pod;
	struct container_view infra;
	struct container_view *views; /* in the pod's order */
	struct container_spec *specs; /* the same; NULL unless they were asked for */
	struct podstatus_source *sources;
	struct net_result net;
	struct podstatus_input in;
	struct podstatus ps;
};
struct kube_pods {
	struct kube_pod *v;
	size_t n;
};

/* Reads one pod; with_specs: spec.json of its containers too, which costs most. -ENOENT: there is
 * no record of it (a crash left it half made). */
int kube_pod_load(const struct store *s, const char *id, bool with_specs, struct kube_pod *ret,
		  struct error *err) must_check;
void kube_pod_done(struct kube_pod *p);
/* All pods but those of builds, by namespace and name. Unreadable ones are left out with a warning
 * on stderr. namespace_ NULL: of all. */
int kube_pods_load(const struct store *s, const char *namespace_, bool with_specs,
		   struct kube_pods *ret, struct error *err) must_check;
void kube_pods_done(struct kube_pods *pods);
#define cleanup_kube_pods cleanup(kube_pods_done)

#endif
