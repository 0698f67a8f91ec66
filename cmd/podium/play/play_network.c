/* SPDX-License-Identifier: Apache-2.0 */
/*
 * play_network - --network, --ip and --mac-address of a play.
 *
 * Theory of operation: the values of --network are one text with blanks between, since a Job's record
 * keeps them for the pods that are made later. Every pod of the files gets the same networks; addresses
 * go to the pods in order, one each. Without the option containers.conf may name the network of pods that
 * are not in the host's. The document of a pod says what a manifest can say of it: hostNetwork.
 */
#include <errno.h>
#include <string.h>

#include "cmd/podium/network/networksettle.h"
#include "cmd/podium/network/networkwords.h"
#include "cmd/podium/play/play.h"
#include "engine/base/mem.h"
#include "engine/net/netnames.h"

#define WORDS_SEPARATOR " "

char *play_join_networks(const struct strlist *words)
{
	struct buf b = BUF_INIT(65536);

	for (size_t i = 0; i < words->n; i++)
		buf_printf(&b, "%s%s", i ? WORDS_SEPARATOR : "", words->v[i]);
	return words->n ? buf_steal(&b) : NULL;
}

static void forget_networks(struct pod_spec *pod)
{
	struct pod_spec old = { .networks = pod->networks, .network_from = pod->network_from };

	pod->networks = (struct attachment_list){ 0 };
	pod->network_from = NULL;
	record_done(&pod_spec_type, &old);
}

/* The default network alone and as it is needs no words. */
static void drop_plain_default(struct pod_spec *pod)
{
	const struct attachment *a = pod->networks.v;

	if (pod->networks.n == 1 && is_equal(a->network, NET_DEFAULT) && !a->ip4 && !a->ip6 &&
	    !a->mac && !a->interface && !a->aliases.n)
		forget_networks(pod);
}

static int read_words(const char *network, struct pod_spec *pod, struct error *err)
{
	cleanup_free char *copy = xstrdup(network);
	char *rest = copy;
	int r = 0;

	while (rest && r == 0)
		r = network_words(strsep(&rest, WORDS_SEPARATOR), pod, err);
	return r < 0 ? error_wrap(err, "--network") : 0;
}

int play_check_networks(const struct store *s, const char *network, struct error *err)
{
	struct pod_spec probe = { .network = NETWORK_BRIDGE };
	int r = network ? read_words(network, &probe, err) : 0;

	if (r == 0)
		r = network_settle(s, &probe, err);
	if (r == 0 && probe.network == NETWORK_FROM)
		r = error_set(err, EINVAL,
			      "--network %s: a played pod has a network of its own: host, none, or "
			      "names of networks",
			      network);
	record_done(&pod_spec_type, &probe);
	return r;
}

const char *play_choose_network(const struct play_options *o, const struct pod_plan *plan)
{
	bool asks = plan->pod.network == NETWORK_BRIDGE && plan->pod.networks.n == 0;

	return o->network || !asks ? o->network : o->default_network;
}

int play_apply_network(const struct store *s, struct pod_plan *plan, const char *network,
		       struct error *err)
{
	struct pod_spec *pod = &plan->pod;
	int before = pod->network, r;

	if (!network)
		return 0;
	forget_networks(pod);
	pod->network = NETWORK_BRIDGE;
	r = read_words(network, pod, err);
	if (r == 0)
		r = network_settle(s, pod, err);
	drop_plain_default(pod);
	if (r < 0 || pod->network == before || pod->network == NETWORK_NONE)
		return r; /* none: no field of a manifest says this */
	/* The pod's own document says what it is: with the override. */
	free(steal_ptr(&plan->kube_yaml));
	return kube_generate_from_plan(plan, &plan->kube_yaml, err);
}

int play_apply_addresses(const struct store *s, const struct play_overrides *o, size_t i,
			 struct pod_plan *plan, struct error *err)
{
	const struct network_flags f = { .ip = i < o->ips.n ? o->ips.v[i] : NULL,
					 .mac = i < o->macs.n ? o->macs.v[i] : NULL };
	int r = network_words_flags(&f, &plan->pod, err);

	return r < 0 || (!f.ip && !f.mac) ? r : network_settle(s, &plan->pod, err);
}

static int check_count(const char *flag, const struct strlist *l, size_t n_pods, struct error *err)
{
	if (l->n > n_pods)
		return error_set(err, EINVAL, "--%s is given %zu times for %zu pods", flag, l->n,
				 n_pods);
	if (l->n && l->n < n_pods) {
		cleanup_free char *text =
			xasprintf("--%s is given %zu times for %zu pods: the others get any", flag,
				  l->n, n_pods);

		command_print_warning(text);
	}
	return 0;
}

int play_check_addresses(const struct play_overrides *o, size_t n_pods, struct error *err)
{
	int r = check_count("ip", &o->ips, n_pods, err);

	return r < 0 ? r : check_count("mac-address", &o->macs, n_pods, err);
}
