/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net_life - coming, going, crashing and sharing: what net_up leaves to others and what net_down
 * leaves of it. In namespaces of the test's own.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/fs.h"
#include "engine/base/str.h"
#include "engine/net/addr.h"
#include "engine/net/netcheck.h"
#include "engine/net/pod_side.h"
#include "engine/pod/spec.h"
#include "tests/support/cunit_main.h"
#include "tests/support/netpods.h"

static struct lab l;

static const struct net_port web[] = { { 8001, LAB_TCP_PORT, PORT_TCP, NULL },
				       { 8053, LAB_UDP_PORT, PORT_UDP, NULL } };

static bool has_device(const char *name)
{
	char v[64], path[96];

	(void)snprintf(path, sizeof(path), "net/ipv4/conf/%s/forwarding", name);
	lab_sysctl_read(l.netns, path, v);
	return v[0] != '\0';
}

static void test_down_is_idempotent(void)
{
	struct net_result a = { 0 }, b = { 0 };
	struct lab_node *pod;
	char text[64];
	int r;

	ENTER_LAB(&l);
	pod = lab_node(&l);
	CHECK_OK(net_down(&l.store, pod->id, err)); /* never was up; no network at all */
	CHECK_OK(pods_up(&l, pod, web, 2, &a, err));
	lab_serve(pod);
	CU_ASSERT_EQUAL(lab_ask_patient(l.netns, IPPROTO_TCP, "127.0.0.1", 8001, text), 0);
	CU_ASSERT_EQUAL(pods_elements_of(pod->id), 4);
	CU_ASSERT_EQUAL(pods_leases(&l), 2);
	CU_ASSERT_EQUAL(pods_records(&l), 1);
	CU_ASSERT(pods_flows(a.address4) > 0);
	{
		struct error bad = { 0 };

		r = net_lookup(&l.store, pod->id, &b, &bad);
	}
	CU_ASSERT_EQUAL(r, 0);
	CU_ASSERT_STRING_EQUAL(a.address4, b.address4);
	CU_ASSERT_STRING_EQUAL(a.address6, b.address6);
	for (int i = 0; i < 2; i++) {
		CHECK_OK(net_down(&l.store, pod->id, err));
		CU_ASSERT(pods_is_gone(&l, pod->id, &a));
	}
	/* A new life, in a new namespace, gets the next address. */
	lab_end(pod);
	pod = lab_node(&l);
	CHECK_OK(pods_up(&l, pod, web, 2, &b, err));
	CU_ASSERT_STRING_EQUAL(a.address4, "10.105.0.2");
	CU_ASSERT_STRING_EQUAL(b.address4, "10.105.0.3");
	lab_leave(&l);
}

static void test_down_without_record(void)
{
	struct net_result a = { 0 };
	struct lab_node *pod;
	char path[128];

	ENTER_LAB(&l);
	pod = lab_node(&l);
	CHECK_OK(pods_up(&l, pod, web, 2, &a, err));
	(void)snprintf(path, sizeof(path), "net/podium/pods/%s", pod->id);
	CU_ASSERT_EQUAL(unlinkat(l.store.runfd, path, 0), 0);
	CHECK_OK(net_down(&l.store, pod->id, err));
	CU_ASSERT(pods_is_gone(&l, pod->id, &a));
	CU_ASSERT_EQUAL(pods_leases(&l), 0);
	lab_leave(&l);
}

/* The flows of others are none of our business, of either family. */
static void test_flows_of_others_stay(void)
{
	struct net_result a = { 0 }, b = { 0 };
	struct lab_node *far, *pod, *other;
	char text[64];

	ENTER_LAB(&l);
	far = lab_node(&l);
	lab_wire(&l, far);
	lab_serve(far);
	pod = lab_node(&l);
	CHECK_OK(pods_up(&l, pod, web, 2, &a, err));
	other = lab_node(&l);
	CHECK_OK(pods_up(&l, other, NULL, 0, &b, err));
	lab_serve(pod);
	CU_ASSERT_EQUAL(lab_ask_patient(other->netns, IPPROTO_TCP, "192.0.2.2", 80, text), 0);
	CU_ASSERT_EQUAL(lab_ask_patient(other->netns, IPPROTO_TCP, "2001:db8::2", 80, text), 0);
	CU_ASSERT_EQUAL(lab_ask_patient(l.netns, IPPROTO_TCP, a.address6, 80, text), 0);
	CU_ASSERT_EQUAL(lab_ask_patient(l.netns, IPPROTO_TCP, "127.0.0.1", 8001, text), 0);
	CU_ASSERT_EQUAL(pods_flows(b.address4), 1);
	CU_ASSERT_EQUAL(pods_flows(b.address6), 1);
	CU_ASSERT_EQUAL(pods_flows(a.address6), 1);
	CHECK_OK(net_down(&l.store, pod->id, err));
	CU_ASSERT(pods_is_gone(&l, pod->id, &a));
	CU_ASSERT_EQUAL(pods_flows(b.address4), 1);
	CU_ASSERT_EQUAL(pods_flows(b.address6), 1);
	CHECK_OK(net_down(&l.store, other->id, err));
	CU_ASSERT(pods_is_gone(&l, other->id, &b));
	lab_leave(&l);
}

/* ---- conflicts -------------------------------------------------------------------------- */

static void test_living_owner(void)
{
	struct net_result a = { 0 }, b = { 0 };
	struct error bad = { 0 };
	struct lab_node *first, *second;
	char want[160];

	ENTER_LAB(&l);
	first = lab_node(&l);
	second = lab_node(&l);
	CHECK_OK(pods_up(&l, first, web, 2, &a, err));
	CU_ASSERT_EQUAL(pods_up(&l, second, web, 2, &b, &bad), -EEXIST);
	(void)snprintf(want, sizeof(want),
		       "network 'podium': host port 8001/tcp is published by pod '%.12s'",
		       first->id);
	CU_ASSERT_STRING_EQUAL(bad.text, want);
	/* Nothing of the refused pod stays, nothing of the first one is touched. */
	CU_ASSERT_EQUAL(pods_elements_of(second->id), 0);
	CU_ASSERT_EQUAL(pods_elements_of(first->id), 4);
	CU_ASSERT_EQUAL(pods_leases(&l), 2);
	CU_ASSERT_EQUAL(pods_records(&l), 1);
	lab_leave(&l);
}

static void test_dead_owner(void)
{
	struct net_result a = { 0 }, b = { 0 };
	struct lab_node *first, *second;
	char text[64];

	ENTER_LAB(&l);
	first = lab_node(&l);
	CHECK_OK(pods_up(&l, first, web, 2, &a, err));
	lab_end(first); /* killed; no net_down */
	CU_ASSERT_EQUAL(pods_elements_of(first->id), 4);
	second = lab_node(&l);
	CHECK_OK(pods_up(&l, second, web, 2, &b, err));
	CU_ASSERT(pods_is_gone(&l, first->id, &a));
	lab_serve(second);
	CU_ASSERT_EQUAL(lab_ask_patient(l.netns, IPPROTO_TCP, "127.0.0.1", 8001, text), 0);
	CU_ASSERT_EQUAL(text[0], second->letter);
	CU_ASSERT_EQUAL(pods_leases(&l), 2);
	lab_leave(&l);
}

static void test_default_liveness(void)
{
	struct net_result a = { 0 }, b = { 0 };
	struct error bad = { 0 };
	struct lab_node *pods[2];
	char path[128];
	int lock;

	ENTER_LAB(&l);
	for (size_t i = 0; i < 2; i++)
		pods[i] = lab_node(&l);
	struct net_request q = {
		.pod_id = pods[0]->id, .netns_fd = pods[0]->netns, .ports = web, .n_ports = 1
	};

	(void)snprintf(path, sizeof(path), "pods/%s", pods[0]->id);
	(void)close(fs_mkdirs(l.store.rootfd, path, 0700, &bad));
	(void)strncat(path, "/conductor.lock", sizeof(path) - strlen(path) - 1);
	lock = openat(l.store.rootfd, path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	CU_ASSERT_EQUAL(net_up(&l.store, &q, &a, &bad), 0);
	CU_ASSERT_EQUAL(flock(lock, LOCK_EX | LOCK_NB), 0);
	q.pod_id = pods[1]->id;
	q.netns_fd = pods[1]->netns;
	CU_ASSERT_EQUAL(net_up(&l.store, &q, &b, &bad), -EEXIST);
	(void)close(lock);
	pods[1] = lab_node(&l); /* the refused one's namespace has its eth0 already */
	q.pod_id = pods[1]->id;
	q.netns_fd = pods[1]->netns;
	CU_ASSERT_EQUAL(net_up(&l.store, &q, &b, &bad), 0);
	CU_ASSERT(pods_is_gone(&l, pods[0]->id, &a));
	lab_leave(&l);
}

/* How many lines a repair has to tell; < 0: it failed. */
static int repaired(const struct lab *lab)
{
	cleanup_strlist struct strlist lines = { 0 };
	struct error bad = { 0 };
	int r = net_check(&lab->store, pods_is_alive, (void *)(uintptr_t)lab, true, &lines, &bad);

	return r < 0 ? r : (int)lines.n;
}

static void test_repair(void)
{
	struct lab_node *pods[5];
	struct net_result a[5] = { 0 };

	ENTER_LAB(&l);
	CU_ASSERT_EQUAL(repaired(&l), 0);
	for (size_t i = 0; i < 5; i++) {
		struct net_port p[] = { { (uint16_t)(9000 + i), 80, PORT_TCP, NULL } };

		pods[i] = lab_node(&l);
		CHECK_OK(pods_up(&l, pods[i], p, 1, &a[i], err));
	}
	lab_end(pods[1]);
	lab_end(pods[4]);
	CU_ASSERT_EQUAL(repaired(&l), 2);
	for (size_t i = 0; i < 5; i++)
		CU_ASSERT_EQUAL(pods_elements_of(pods[i]->id), pods[i]->pid > 0 ? 2 : 0);
	CU_ASSERT(pods_is_gone(&l, pods[1]->id, &a[1]));
	CU_ASSERT(pods_is_gone(&l, pods[4]->id, &a[4]));
	CU_ASSERT_EQUAL(repaired(&l), 0);
	CU_ASSERT_EQUAL(pods_leases(&l), 6);
	lab_leave(&l);
}

/* ---- crashes ---------------------------------------------------------------------------- */

static void test_killed_between_steps(void)
{
	static const char *const stages[] = { "net:lease", "net:veth", "net:publish" };

	for (size_t i = 0; i < ARRAY_SIZE(stages); i++) {
		struct net_result a = { .address4 = "10.105.0.2" };
		struct error bad = { 0 };
		struct lab_node *pod;
		int status = 0;
		pid_t pid;

		ENTER_LAB(&l);
		pod = lab_node(&l);
		(void)fflush(NULL);
		pid = fork();
		if (pid == 0) {
			(void)setenv("PODIUM_STOP_AT", stages[i], 1);
			_exit(pods_up(&l, pod, web, 2, &a, &bad) == 0);
		}
		CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
		CU_ASSERT(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		CU_ASSERT_EQUAL(pods_leases(&l), 2);
		CHECK_OK(net_down(&l.store, pod->id, err));
		CU_ASSERT(pods_is_gone(&l, pod->id, &a));
		CU_ASSERT_EQUAL(pods_leases(&l) + pods_records(&l), 0);
		lab_leave(&l);
	}
}

static void test_up_again_without_down(void)
{
	struct net_result a = { 0 }, b = { 0 };
	struct lab_node *pod, *again;

	ENTER_LAB(&l);
	pod = lab_node(&l);
	CHECK_OK(pods_up(&l, pod, web, 2, &a, err));
	/* The same pod in a new sandbox, while the old namespace still lives. */
	again = lab_node(&l);
	(void)memcpy(again->id, pod->id, sizeof(again->id));
	CHECK_OK(pods_up(&l, again, web, 2, &b, err));
	CU_ASSERT_STRING_NOT_EQUAL(a.address4, b.address4);
	CU_ASSERT_EQUAL(pods_elements_of(pod->id), 4);
	CU_ASSERT_EQUAL(pods_leases(&l), 2);
	lab_leave(&l);
}

static void test_flushed_by_others(void)
{
	struct net_result a = { 0 }, b = { 0 };
	struct lab_node *pod, *dead, *next;
	struct nl_sock nf = NL_SOCK_INIT;
	const struct net_port other[] = { { 8002, 80, PORT_TCP, "127.0.0.1" } };
	char text[64];

	ENTER_LAB(&l);
	pod = lab_node(&l);
	dead = lab_node(&l);
	CHECK_OK(pods_up(&l, pod, web, 2, &a, err));
	CHECK_OK(pods_up(&l, dead, other, 1, &b, err));
	lab_end(dead);
	lab_serve(pod);
	CHECK_OK(nl_open(&nf, NETLINK_NETFILTER, err));
	CHECK_OK(nft_drop(&nf, NFT_TABLE, err)); /* nft flush ruleset */
	CHECK_OK(nft_drop(&nf, NFT_TABLE, err));
	nl_close(&nf);
	CU_ASSERT(lab_ask(l.netns, IPPROTO_TCP, "127.0.0.1", 8001, text) < 0);
	next = lab_node(&l);
	CHECK_OK(pods_up(&l, next, NULL, 0, &b, err));
	CU_ASSERT_EQUAL(pods_elements_of(pod->id), 4);
	CU_ASSERT_EQUAL(pods_elements_of(dead->id), 0);
	CU_ASSERT_EQUAL(lab_ask_patient(l.netns, IPPROTO_TCP, "127.0.0.1", 8001, text), 0);
	lab_leave(&l);
}

/* ---- many, and at once ------------------------------------------------------------------ */

static void test_hundred_pods(void)
{
	static struct net_result a[100];
	static struct lab_node *pods[100];
	struct nft_elements all;
	int linger = -1;

	ENTER_LAB(&l);
	for (size_t i = 0; i < 100; i++) {
		uint16_t base = (uint16_t)(10000 + 3 * i);
		const struct net_port p[] = { { base, 80, PORT_TCP, NULL },
					      { (uint16_t)(base + 1), 81, PORT_TCP, "127.0.0.1" },
					      { base, 53, PORT_UDP, NULL } };

		pods[i] = lab_node(&l);
		CHECK_OK(pods_up(&l, pods[i], p, 3, &a[i], err));
	}
	all = pods_elements();
	CU_ASSERT_EQUAL(all.n, 500);
	nft_elements_done(&all);
	CU_ASSERT_EQUAL(pods_leases(&l), 200);
	for (size_t i = 0; i < 100; i++)
		CHECK_OK(net_down_lingering(&l.store, pods[i]->id, &linger, err));
	CU_ASSERT(linger >= 0);
	CU_ASSERT(fcntl(linger, F_GETFD) & FD_CLOEXEC);
	(void)close(linger);
	all = pods_elements();
	CU_ASSERT_EQUAL(all.n, 0);
	nft_elements_done(&all);
	CU_ASSERT_EQUAL(pods_leases(&l) + pods_records(&l), 0);
	lab_leave(&l);
}

#define AT_ONCE 12
static void test_at_once(void)
{
	struct lab_node *pods[AT_ONCE];
	pid_t pids[AT_ONCE];

	ENTER_LAB(&l);
	for (size_t i = 0; i < AT_ONCE; i++)
		pods[i] = lab_node(&l);
	(void)fflush(NULL);
	for (size_t i = 0; i < AT_ONCE; i++) {
		const struct net_port p[] = { { (uint16_t)(9000 + i), 80, PORT_TCP, NULL } };
		struct net_result a;
		struct error bad = { 0 };

		pids[i] = fork();
		if (pids[i] > 0)
			continue;
		if (pods_up(&l, pods[i], p, 1, &a, &bad) < 0)
			printf("\n%s\n", bad.text);
		(void)fflush(NULL);
		_exit(bad.code != 0);
	}
	for (size_t i = 0; i < AT_ONCE; i++) {
		int status = 0;

		CU_ASSERT_EQUAL(waitpid(pids[i], &status, 0), pids[i]);
		CU_ASSERT_EQUAL(status, 0);
		CU_ASSERT_EQUAL(pods_elements_of(pods[i]->id), 2);
	}
	/* Distinct addresses: as many leases as files can have names. */
	CU_ASSERT_EQUAL(pods_leases(&l), 2 * AT_ONCE);
	lab_leave(&l);
}

/* ---- sharing ---------------------------------------------------------------------------- */

static struct lab second_store(void)
{
	struct lab m = l;
	struct error bad;

	m.store.rootfd = fs_mkdirs(AT_FDCWD, "/tmp", 0755, &bad);
	m.store.runroot = xasprintf("%s/run2", l.dir);
	m.store.runfd = fs_mkdirs(AT_FDCWD, m.store.runroot, 0700, &bad);
	return m;
}

static void test_two_stores(void)
{
	struct net_result a = { 0 }, b = { 0 }, c = { 0 };
	struct error bad = { 0 };
	struct lab_node *pod, *theirs, *third;
	struct lab other;

	ENTER_LAB(&l);
	pod = lab_node(&l);
	theirs = lab_node(&l);
	third = lab_node(&l);
	CHECK_OK(pods_up(&l, pod, web, 1, &a, err));
	other = second_store();
	const struct net_port free_port[] = { { 8002, 80, PORT_TCP, NULL } };

	CHECK_OK(pods_up(&other, theirs, free_port, 1, &b, err));
	/* The same bridge and subnets, other addresses. */
	CU_ASSERT_STRING_EQUAL(a.gateway4, b.gateway4);
	CU_ASSERT_STRING_EQUAL(a.gateway6, b.gateway6);
	CU_ASSERT_STRING_NOT_EQUAL(a.address4, b.address4);
	/* To the other store our pods are dead, and yet it keeps its hands off. */
	other.n = 0;
	CU_ASSERT_EQUAL(pods_up(&other, third, web, 1, &c, &bad), -EEXIST);
	CU_ASSERT_PTR_NOT_NULL(strstr(bad.text, "of another store"));
	CU_ASSERT_EQUAL(repaired(&other), 1);
	CU_ASSERT_EQUAL(pods_elements_of(pod->id), 2);
	CU_ASSERT_EQUAL(pods_elements_of(theirs->id), 0);
	free(other.store.runroot);
	(void)close(other.store.runfd);
	(void)close(other.store.rootfd);
	lab_leave(&l);
}

static void test_reset(void)
{
	struct net_result a = { 0 };
	struct error bad = { 0 };
	struct lab_node *pod;

	ENTER_LAB(&l);
	CHECK_OK(net_reset(&l.store, err));
	pod = lab_node(&l);
	CHECK_OK(pods_up(&l, pod, web, 1, &a, err));
	CU_ASSERT(has_device("podium0"));
	CU_ASSERT_EQUAL(net_reset(&l.store, &bad), -EBUSY);
	CHECK_OK(net_down(&l.store, pod->id, err));
	CU_ASSERT(has_device("podium0")); /* stays: made once */
	CHECK_OK(net_reset(&l.store, err));
	CU_ASSERT_FALSE(has_device("podium0"));
	lab_end(pod);
	pod = lab_node(&l);
	CHECK_OK(pods_up(&l, pod, web, 1, &a, err));
	lab_leave(&l);
}

/* The pool that the host already uses is not taken. */
static void test_pool_in_use(void)
{
	struct net_result a = { 0 };
	struct nl_sock rt = NL_SOCK_INIT;
	struct lab_node *pod;
	struct ip_addr used;
	struct nl_batch b;

	ENTER_LAB(&l);
	CU_ASSERT_EQUAL(ip_parse("10.105.7.1", &used), 0);
	CHECK_OK(nl_open(&rt, NETLINK_ROUTE, err));
	nl_batch_init(&b, 512);
	addr_add(&b, nl_device_index(&rt, "lo"), &used, 24);
	CHECK_OK(nl_send(&rt, &b, err));
	nl_batch_done(&b);
	nl_close(&rt);
	pod = lab_node(&l);
	CHECK_OK(pods_up(&l, pod, NULL, 0, &a, err));
	CU_ASSERT_STRING_EQUAL(a.address4, "10.106.0.2");
	lab_leave(&l);
}

/* ---- refused input, own namespace, ordinary users --------------------------------------- */

static void test_bad_requests(void)
{
	const struct net_port bad_ip[] = { { 8001, 80, PORT_TCP, "10.0.0.999" } };
	const struct net_port no_port[] = { { 8001, 0, PORT_TCP, NULL } };
	const struct net_port bad_proto[] = { { 8001, 80, 77, NULL } };
	struct net_request q = { .pod_id = "x; drop \"all\"\n{}", .netns_fd = -1 };
	struct net_result a = { 0 };
	struct error bad = { 0 };
	struct lab_node *pod;

	ENTER_LAB(&l);
	CU_ASSERT_EQUAL(net_up(&l.store, &q, &a, &bad), -EINVAL);
	CU_ASSERT_EQUAL(net_down(&l.store, "../../etc", &bad), -EINVAL);
	pod = lab_node(&l);
	CU_ASSERT_EQUAL(pods_up(&l, pod, bad_ip, 1, &a, &bad), -EINVAL);
	CU_ASSERT_STRING_EQUAL(bad.text,
			       "network 'podium': host address '10.0.0.999' is not an IP address");
	pod = lab_node(&l);
	CU_ASSERT_EQUAL(pods_up(&l, pod, no_port, 1, &a, &bad), -EINVAL);
	pod = lab_node(&l);
	CU_ASSERT_EQUAL(pods_up(&l, pod, bad_proto, 1, &a, &bad), -EINVAL);
	CU_ASSERT_EQUAL(pods_leases(&l) + pods_records(&l), 0);
	q = (struct net_request){ .pod_id = pod->id, .netns_fd = l.store.rootfd };
	CU_ASSERT(net_up(&l.store, &q, &a, &bad) < 0); /* no namespace at all */
	CU_ASSERT_EQUAL(pods_leases(&l) + pods_records(&l), 0);
	lab_leave(&l);
}

static void test_own_namespace_undisturbed(void)
{
	struct net_result a = { 0 };
	struct stat before, after;
	struct lab_node *pod;

	ENTER_LAB(&l);
	pod = lab_node(&l);
	CU_ASSERT_EQUAL(stat("/proc/self/ns/net", &before), 0);
	CHECK_OK(pods_up(&l, pod, NULL, 0, &a, err));
	CHECK_OK(pod_side_configure(pod->netns, NULL, 0, false, err));
	CU_ASSERT_EQUAL(stat("/proc/self/ns/net", &after), 0);
	CU_ASSERT_EQUAL(before.st_ino, after.st_ino);
	lab_leave(&l);
}

/* As an ordinary user: root of a user namespace, its own network namespace as the host. */
static int user_main(void)
{
	struct error bad = { 0 };
	struct net_result a = { 0 };
	struct lab_node *pod;
	char text[64];

	if (setgid(65534) < 0 || setuid(65534) < 0 || prctl(PR_SET_DUMPABLE, 1) < 0 ||
	    unshare(CLONE_NEWUSER) < 0)
		return 77;
	if (fs_write_existing(AT_FDCWD, "/proc/self/uid_map", "0 65534 1", &bad) < 0 ||
	    fs_write_existing(AT_FDCWD, "/proc/self/setgroups", "deny", &bad) < 0 ||
	    fs_write_existing(AT_FDCWD, "/proc/self/gid_map", "0 65534 1", &bad) < 0)
		return 77;
	if (!lab_enter(&l))
		return 77;
	pod = lab_node(&l);
	if (pods_up(&l, pod, web, 2, &a, &bad) < 0) {
		printf("\nas a user: %s\n", bad.text);
		return 1;
	}
	lab_serve(pod);
	if (lab_ask(l.netns, IPPROTO_TCP, "127.0.0.1", 8001, text) < 0 ||
	    lab_ask(l.netns, IPPROTO_UDP, a.gateway6, 8053, text) < 0)
		return 2;
	if (net_down(&l.store, pod->id, &bad) < 0 || !pods_is_gone(&l, pod->id, &a))
		return 3;
	lab_leave(&l);
	return 0;
}

static void test_ordinary_user(void)
{
	int status = 0;
	pid_t pid;

	(void)fflush(NULL);
	pid = fork();
	if (pid == 0) {
		status = user_main();
		(void)fflush(NULL);
		_exit(status);
	}
	CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		TEST_SKIP("no user namespaces for ordinary users here");
	else
		CU_ASSERT_EQUAL(status, 0);
}

static CU_TestInfo tests[] = { { "down is idempotent", test_down_is_idempotent },
			       { "down without a record", test_down_without_record },
			       { "flows of others stay", test_flows_of_others_stay },
			       { "port of a living pod", test_living_owner },
			       { "port of a dead pod", test_dead_owner },
			       { "liveness by conductor.lock", test_default_liveness },
			       { "repair", test_repair },
			       { "killed between steps", test_killed_between_steps },
			       { "up again without down", test_up_again_without_down },
			       { "flushed by others", test_flushed_by_others },
			       { "a hundred pods", test_hundred_pods },
			       { "twelve at once", test_at_once },
			       { "two stores", test_two_stores },
			       { "reset", test_reset },
			       { "pool in use", test_pool_in_use },
			       { "bad requests", test_bad_requests },
			       { "own namespace", test_own_namespace_undisturbed },
			       { "ordinary user", test_ordinary_user },
			       CU_TEST_INFO_NULL };
static CU_SuiteInfo suites[] = { { "net_life", NULL, NULL, NULL, NULL, tests },
				 CU_SUITE_INFO_NULL };
TEST_MAIN(suites)
