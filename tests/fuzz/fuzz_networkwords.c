/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_networkwords - any lines as values of --network: no crash, and what is accepted holds only
 * what may go into files, device names and the resolver.
 */
#include <stdlib.h>
#include <string.h>

#include "cmd/podium/network/networkwords.h"
#include "engine/net/ip.h"
#include "engine/net/netnames.h"
#include "engine/pod/spec.h"
#include "tests/fuzz/fuzz.h"

static void check_attachment(const struct attachment *a)
{
	char mac[NETWORK_MAC_TEXT];
	struct error err = { 0 };
	struct ip_addr ip;

	if ((a->ip4 && ip_parse(a->ip4, &ip) < 0) || (a->ip6 && ip_parse(a->ip6, &ip) < 0))
		abort();
	if (a->mac && (network_words_mac(a->mac, mac, &err) < 0 || strcmp(mac, a->mac) != 0))
		abort();
	if (a->interface && !is_device_name(a->interface))
		abort();
	for (size_t i = 0; i < a->aliases.n; i++)
		if (!is_dns_name(a->aliases.v[i]))
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = xmalloc(size + 1), *rest = text;
	struct pod_spec pod = { 0 };
	struct error err = { 0 };
	int r = 0;

	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	while (rest && r == 0)
		r = network_words(strsep(&rest, "\n"), &pod, &err);
	for (size_t i = 0; r == 0 && i < pod.networks.n; i++)
		check_attachment(&pod.networks.v[i]);
	record_done(&pod_spec_type, &pod);
	free(text);
	return 0;
}
