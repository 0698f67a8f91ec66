/* SPDX-License-Identifier: Apache-2.0 */
/* nethelper - asks podium-net, which alone speaks to the kernel about networks. */
#ifndef PODIUM_CMD_NETHELPER_H
#define PODIUM_CMD_NETHELPER_H

#include <stdbool.h>

#include "engine/base/error.h"

struct network_conf;
struct store;

/* Runs `podium-net VERB ... WHAT [NETWORK]` and waits. Its error is the caller's. */
int nethelper_run(const struct store *s, const char *verb, const char *what, const char *network,
		  struct error *err) must_check;
/* Makes a network; *ret_name is its name, the caller's. */
int nethelper_create(const struct store *s, const struct network_conf *request, char **ret_name,
		     struct error *err) must_check;

/* To the log of everything: "connect", "disconnect", "create", "remove". */
void network_log(const struct store *s, const char *status, const char *network);

/* Chains that are not ours whose policy drops what is forwarded: "ip filter FORWARD". */
struct strlist;
int nethelper_forward_drops(const struct store *s, struct strlist *ret,
			    struct error *err) must_check;
/* A line for each thing of the networks that nobody uses; with repair it is gone. */
int nethelper_check(const struct store *s, bool repair, struct strlist *ret,
		    struct error *err) must_check;

#endif
