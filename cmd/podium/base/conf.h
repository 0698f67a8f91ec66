/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conf - containers.conf: what the host's owner wants every container to have.
 *
 * Read by commands that need it, when they need it; no other command opens the files. Podman's names
 * and places. What is not said is empty, unset or NULL; keys that are not here are left alone.
 */
#ifndef PODIUM_CMD_CONF_H
#define PODIUM_CMD_CONF_H

#include "cmd/podium/base/command.h"
#include "engine/base/error.h"
#include "engine/base/str.h"
#include "engine/pod/spec.h"

/* A range that networks take their subnets from. */
struct conf_pool {
	char *base;   /* "10.89.0.0/16" */
	int64_t size; /* bits of a subnet's prefix */
};

struct conf {
	/* [containers] */
	struct strlist annotations; /* "key=value" */
	struct strlist default_capabilities;
	bool has_default_capabilities; /* an empty list is one */
	struct strlist default_sysctls;
	struct strlist default_ulimits;
	struct strlist devices;
	struct strlist dns_options;
	struct strlist dns_searches;
	struct strlist dns_servers;
	struct strlist env;
	struct strlist volumes;
	struct option_maybe env_host;
	struct option_maybe http_proxy;
	struct option_maybe init;
	struct option_maybe no_hosts;
	struct opt_i64 log_size_max; /* < 0: no limit */
	struct opt_i64 pids_limit;
	char *cgroupns;
	char *ipcns;
	char *log_driver;
	char *log_tag;
	char *netns;
	char *pidns;
	char *shm_size;
	char *tz;
	char *umask;
	char *userns;
	char *utsns;
	/* [engine] */
	char *detach_keys;
	char *pull_policy;
	struct opt_i64 stop_timeout;
	/* [network] */
	char *default_network;
	char *default_subnet;
	struct conf_pool *pools;
	size_t n_pools;
};
void containers_conf_done(struct conf *c);
#define cleanup_containers_conf cleanup(containers_conf_done)

/* Reads /usr/share/containers/containers.conf, /etc/containers/containers.conf, *.conf of
 * /etc/containers/containers.conf.d, then the same two below $XDG_CONFIG_HOME or $HOME/.config, later
 * ones over earlier ones; or $CONTAINERS_CONF alone. Files that are not there say nothing, but for the
 * last. A wrong type is -EINVAL with "file:line". *ret is empty on failure. */
int containers_conf_load(struct conf *ret, struct error *err) must_check;

/* One text over what *c says already; what names it in messages. */
int containers_conf_parse(struct conf *c, const char *text, size_t len, const char *what,
			  struct error *err) must_check;

#endif
