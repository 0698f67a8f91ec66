/* SPDX-License-Identifier: Apache-2.0 */
/*
 * create_rows - rows that the option tables of `run`, `create`, `pod create` and `update` share, so that
 * a flag means the same and is told the same everywhere.
 *
 * at: where in the command's own options the struct of such flags lies (create_options.h).
 */
#ifndef PODIUM_CMD_CREATE_ROWS_H
#define PODIUM_CMD_CREATE_ROWS_H

#include "cmd/podium/container/create_options.h"

#define CREATE_ROW(letter, name, kind, at, value, help)    \
	{                                                  \
		letter, name, kind, at, value, help, false \
	}
#define CREATE_HIDDEN_ROW(letter, name, kind, at, value, help) \
	{                                                      \
		letter, name, kind, at, value, help, true      \
	}

/* ---- limits ---- */

#define RESOURCE_AT(at, m) ((at) + offsetof(struct resource_flags, m))

#define CREATE_BLKIO_ROWS(at)                                                                 \
	CREATE_ROW(0, "blkio-weight", OPTION_STRING, RESOURCE_AT(at, blkio_weight), "weight", \
		   "Share of block device time, 10 to 1000"),                                 \
		CREATE_ROW(0, "blkio-weight-device", OPTION_LIST,                             \
			   RESOURCE_AT(at, blkio_weight_device), "device:weight",             \
			   "The same for one device")
#define CREATE_CPU_TIME_ROWS(at)                                                         \
	CREATE_ROW(0, "cpu-period", OPTION_INT, RESOURCE_AT(at, cpu_period), "us",       \
		   "Period of the cpu quota"),                                           \
		CREATE_ROW(0, "cpu-quota", OPTION_INT, RESOURCE_AT(at, cpu_quota), "us", \
			   "Cpu time in each period"),                                   \
		OPTION_REFUSE(0, "cpu-rt-period",                                        \
			      "real-time scheduling of groups is not in cgroup v2"),     \
		OPTION_REFUSE(0, "cpu-rt-runtime",                                       \
			      "real-time scheduling of groups is not in cgroup v2")
#define CREATE_CPU_SHARES_ROW(at)                                                   \
	CREATE_ROW('c', "cpu-shares", OPTION_INT, RESOURCE_AT(at, cpu_shares), "n", \
		   "Relative weight, 2 to 262144")
#define CREATE_CPUSET_ROWS(at)                                                                    \
	CREATE_ROW(0, "cpuset-cpus", OPTION_STRING, RESOURCE_AT(at, cpuset_cpus), "list",         \
		   "CPUs to run on (0-3, 0,1)"),                                                  \
		CREATE_ROW(0, "cpuset-mems", OPTION_STRING, RESOURCE_AT(at, cpuset_mems), "list", \
			   "Memory nodes (0-3, 0,1)")
#define CREATE_RATE_ROWS(at)                                                                    \
	CREATE_ROW(0, "device-read-bps", OPTION_LIST, RESOURCE_AT(at, read_bps), "device:size", \
		   "Limit reads, in bytes a second"),                                           \
		CREATE_ROW(0, "device-read-iops", OPTION_LIST, RESOURCE_AT(at, read_iops),      \
			   "device:n", "Limit reads, in operations a second"),                  \
		CREATE_ROW(0, "device-write-bps", OPTION_LIST, RESOURCE_AT(at, write_bps),      \
			   "device:size", "Limit writes, in bytes a second"),                   \
		CREATE_ROW(0, "device-write-iops", OPTION_LIST, RESOURCE_AT(at, write_iops),    \
			   "device:n", "Limit writes, in operations a second")
#define CREATE_MEMORY_SWAP_ROW(at)                                                        \
	CREATE_ROW(0, "memory-swap", OPTION_STRING, RESOURCE_AT(at, memory_swap), "size", \
		   "Memory and swap together; -1: no limit")
#define CREATE_PIDS_LIMIT_ROW(at)                                                 \
	CREATE_ROW(0, "pids-limit", OPTION_INT, RESOURCE_AT(at, pids_limit), "n", \
		   "Processes at most; -1: no limit")

/* ---- the network ---- */

#define NET_AT(at, m) ((at) + offsetof(struct net_flags, m))

#define CREATE_DNS_ROWS(at)                                                                \
	CREATE_ROW(0, "dns-option", OPTION_LIST, NET_AT(at, dns_options), "option",        \
		   "Options for resolv.conf"),                                             \
		CREATE_ROW(0, "dns-search", OPTION_LIST, NET_AT(at, dns_search), "domain", \
			   "Search domains")
#define CREATE_ADDRESS_ROWS(at)                                                                \
	CREATE_ROW(0, "ip", OPTION_STRING, NET_AT(at, ip), "address", "A fixed IPv4 address"), \
		CREATE_ROW(0, "ip6", OPTION_STRING, NET_AT(at, ip6), "address",                \
			   "A fixed IPv6 address")
#define CREATE_MAC_ROW(at)                                                      \
	CREATE_ROW(0, "mac-address", OPTION_STRING, NET_AT(at, mac), "address", \
		   "A fixed hardware address")
#define CREATE_NETWORK_ROWS(at)                                                                  \
	CREATE_ROW(                                                                              \
		0, "network", OPTION_STRINGS, NET_AT(at, networks), "network",                   \
		"bridge, host, none, private, container:NAME, ns:PATH, or NAME[:ip=..,mac=..]"), \
		CREATE_HIDDEN_ROW(0, "net", OPTION_STRINGS, NET_AT(at, networks), "network",     \
				  "The same as --network"),                                      \
		CREATE_ROW(0, "network-alias", OPTION_LIST, NET_AT(at, aliases), "name",         \
			   "Another name of it in its networks")
#define CREATE_NO_HOSTS_ROW(at)                                             \
	CREATE_ROW(0, "no-hosts", OPTION_MAYBE, NET_AT(at, no_hosts), NULL, \
		   "Leave the image's /etc/hosts")
#define CREATE_PUBLISH_ROW(at)                                                \
	CREATE_ROW('p', "publish", OPTION_LIST, NET_AT(at, publish), "ports", \
		   "Publish [[IP:]HOST:]CONTAINER[/PROTOCOL], or ranges of ports")

/* ---- other namespaces ---- */

#define NS_AT(at, m) ((at) + offsetof(struct ns_flags, m))

#define CREATE_GIDMAP_ROW(at)                                                      \
	CREATE_ROW(0, "gidmap", OPTION_LIST, NS_AT(at, gid_maps), "inner:outer:n", \
		   "Map groups of the user namespace")
#define CREATE_SHM_SIZE_ROW(at)                                               \
	CREATE_ROW(0, "shm-size", OPTION_STRING, NS_AT(at, shm_size), "size", \
		   "Size of /dev/shm (default 64m)")
#define CREATE_SUBID_ROWS(at)                                                               \
	CREATE_ROW(0, "subgidname", OPTION_STRING, NS_AT(at, sub_gid_name), "name",         \
		   "Map the groups that /etc/subgid gives to the name"),                    \
		CREATE_ROW(0, "subuidname", OPTION_STRING, NS_AT(at, sub_uid_name), "name", \
			   "Map the users that /etc/subuid gives to the name")
#define CREATE_SYSCTL_ROW(at)                                                 \
	CREATE_ROW(0, "sysctl", OPTION_LIST, NS_AT(at, sysctls), "key=value", \
		   "Set a kernel parameter of its namespaces")
#define CREATE_UIDMAP_ROW(at)                                                      \
	CREATE_ROW(0, "uidmap", OPTION_LIST, NS_AT(at, uid_maps), "inner:outer:n", \
		   "Map users of the user namespace")
#define CREATE_UTS_ROW(at)                                          \
	CREATE_ROW(0, "uts", OPTION_STRING, NS_AT(at, uts), "mode", \
		   "UTS namespace: private, host, container:NAME, ns:PATH")

/* ---- labels ---- */

#define LABEL_AT(at, m) ((at) + offsetof(struct label_flags, m))

#define CREATE_LABEL_ROWS(at)                                                         \
	CREATE_ROW('l', "label", OPTION_STRINGS, LABEL_AT(at, labels), "key=value",   \
		   "Add a label"),                                                    \
		CREATE_ROW(0, "label-file", OPTION_LIST, LABEL_AT(at, files), "file", \
			   "Read labels from a file")

#endif
