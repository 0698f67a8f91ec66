/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_conf - any bytes as a containers.conf, read over itself: no crash, the same answer both times,
 * and every text that is there ends.
 */
#include <stdlib.h>
#include <string.h>

#include "cmd/podium/base/conf.h"
#include "tests/fuzz/fuzz.h"

static void check(const struct conf *c)
{
	const struct strlist *lists[] = { &c->annotations,
					  &c->default_capabilities,
					  &c->default_sysctls,
					  &c->default_ulimits,
					  &c->devices,
					  &c->dns_options,
					  &c->dns_searches,
					  &c->dns_servers,
					  &c->env,
					  &c->volumes };
	size_t len = 0;

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		for (size_t k = 0; k < lists[i]->n; k++)
			len += strlen(lists[i]->v[k]);
	for (size_t i = 0; i < c->n_pools; i++)
		if (!c->pools[i].base || c->pools[i].size < 0)
			abort();
	if (len > SIZE_MAX / 2)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_containers_conf struct conf c = { 0 };
	struct error err;
	int first = containers_conf_parse(&c, (const char *)data, size, "fuzz", &err);

	if (first < 0)
		return 0;
	check(&c);
	if (containers_conf_parse(&c, (const char *)data, size, "fuzz", &err) < 0)
		abort();
	check(&c);
	return 0;
}
