/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_createwords - any lines as ports, sizes and times of run, and the whole as containers.conf: no
 * crash, and what is accepted is in range.
 */
#include <stdlib.h>
#include <string.h>

#include "cmd/podium/base/conf.h"
#include "cmd/podium/container/create_options.h"
#include "engine/base/mem.h"
#include "engine/net/ip.h"
#include "tests/fuzz/fuzz.h"

static void check_ports(struct port_list *l)
{
	struct ip_addr ip;

	for (size_t i = 0; i < l->n; i++) {
		if (!l->v[i].container_port || l->v[i].protocol < 0 ||
		    l->v[i].protocol >= PORT__COUNT)
			abort();
		if (l->v[i].host_ip && ip_parse(l->v[i].host_ip, &ip) < 0)
			abort();
		free(l->v[i].host_ip);
	}
	free(l->v);
}

static void check_line(const char *line)
{
	struct port_list ports = { 0 };
	struct error err = { 0 };
	int64_t n = 0;

	if ((words_size(line, &n) == 0 && n < 0) || (words_duration(line, &n) == 0 && n < 0))
		abort();
	error_ignore(publish_parse(line, &ports, &err));
	error_ignore(expose_parse(line, &ports, &err));
	error_ignore(publish_check(&ports, &err));
	check_ports(&ports);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = xmalloc(size + 1), *rest = text;
	struct conf conf = { 0 };
	struct error err = { 0 };

	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	error_ignore(containers_conf_parse(&conf, text, size, "input", &err));
	containers_conf_done(&conf);
	while (rest)
		check_line(strsep(&rest, "\n"));
	free(text);
	return 0;
}
