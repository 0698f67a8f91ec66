/* SPDX-License-Identifier: Apache-2.0 */
/* nft - the table as messages and as nft(8) reads it back; elements, transactions, listings. */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/fs.h"
#include "engine/base/str.h"
#include "engine/net/internal.h"
#include "engine/net/nft.h"
#include "tests/support/cunit_main.h"
#include "tests/support/netgolden.h"
#include "tests/support/netlab.h"

#define NFT_PROGRAM "/usr/sbin/nft"
#define POD_A	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define POD_B	    "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static struct nft_rules rules(void)
{
	struct nft_rules r = { .table = NFT_TABLE, .bridge = "podium0" };

	CU_ASSERT_EQUAL(ip_prefix_parse("10.89.0.0/16", &r.subnet4), 0);
	CU_ASSERT_EQUAL(ip_prefix_parse("fd12:3456:789a::/64", &r.subnet6), 0);
	return r;
}

static struct nft_element element(int protocol, uint16_t port, const char *host, const char *pod)
{
	struct nft_element e = { .protocol = protocol,
				 .host_port = port,
				 .pod_port = 80,
				 .store = 0x1122334455667788,
				 .owner = POD_A };

	if (host)
		CU_ASSERT_EQUAL(ip_parse(host, &e.host), 0);
	CU_ASSERT_EQUAL(ip_parse(pod, &e.pod), 0);
	return e;
}

static struct nft_elements one_of_each(void)
{
	const struct nft_element all[] = {
		element(IPPROTO_TCP, 8001, NULL, "10.89.0.2"),
		element(IPPROTO_UDP, 8001, NULL, "10.89.0.2"),
		element(IPPROTO_SCTP, 8001, NULL, "10.89.0.2"),
		element(IPPROTO_TCP, 8002, "192.0.2.1", "10.89.0.2"),
		element(IPPROTO_TCP, 8001, NULL, "fd12:3456:789a::2"),
		element(IPPROTO_UDP, 65535, "2001:db8::1", "fd12:3456:789a::2"),
	};
	struct nft_elements l = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		nft_elements_add(&l, &all[i]);
	return l;
}

static void test_golden_table(void)
{
	struct nft_rules r = rules();
	struct nl_batch b;

	nl_batch_init(&b, 65536);
	nft_build_begin(&b);
	nft_build_drop_table(&b, NFT_TABLE);
	nft_build_table(&b, &r);
	nft_build_end(&b);
	CU_ASSERT(is_golden(&b, "table.hex"));
	/* No message is near the room that is kept for one. */
	for (size_t at = 0; at < b.len;) {
		const struct nlmsghdr *m = (const struct nlmsghdr *)(void *)(b.data + at);

		CU_ASSERT(m->nlmsg_len < NFT_MESSAGE_MAX / 2);
		at += NLMSG_ALIGN(m->nlmsg_len);
	}
	nl_batch_done(&b);
}

static void test_golden_elements(void)
{
	cleanup_elements struct nft_elements l = one_of_each();
	struct nl_batch b;

	nl_batch_init(&b, 65536);
	nft_build_begin(&b);
	nft_build_elements(&b, &l, true);
	nft_build_elements(&b, &l, false);
	nft_build_end(&b);
	CU_ASSERT(is_golden(&b, "elements.hex"));
	nl_batch_done(&b);
}

/* ---- against the kernel ----------------------------------------------------------------- */

static struct lab lab;
static struct nl_sock nf;

static bool enter(void)
{
	struct error err;

	if (!lab_enter(&lab)) {
		test_skipped++;
		return false;
	}
	CU_ASSERT_EQUAL(nl_open(&nf, NETLINK_NETFILTER, &err), 0);
	return true;
}

static void leave(void)
{
	nl_close(&nf);
	lab_leave(&lab);
}

static void install(const struct nft_elements *keep, bool is_replacing)
{
	struct nft_rules r = rules();
	struct error err = { 0 };

	CU_ASSERT_EQUAL(nft_install(&nf, &r, keep, is_replacing, &err), 0);
	if (err.code)
		printf("\n%s\n", err.text);
}

/* What `nft list table inet podium` prints, the caller's; NULL without that program. */
static char *nft_text(void)
{
	struct buf text = BUF_INIT(1000000);
	char part[4096];
	ssize_t n;
	int p[2];
	pid_t pid;

	if (access(NFT_PROGRAM, X_OK) < 0)
		return NULL;
	CU_ASSERT_EQUAL(pipe(p), 0);
	(void)fflush(NULL);
	pid = fork();
	if (pid == 0) {
		(void)dup2(p[1], 1);
		(void)execl(NFT_PROGRAM, "nft", "list", "table", "inet", "podium", NULL);
		_exit(127);
	}
	(void)close(p[1]);
	while ((n = read(p[0], part, sizeof(part))) > 0)
		buf_add(&text, part, (size_t)n);
	(void)close(p[0]);
	CU_ASSERT_EQUAL(waitpid(pid, NULL, 0), pid);
	return buf_steal(&text);
}

static void test_read_by_nft(void)
{
	cleanup_elements struct nft_elements l = one_of_each();
	cleanup_free char *text = NULL;
	struct nft_elements none = { 0 };
	struct error err;

	if (!enter())
		return;
	install(&none, false);
	text = nft_text();
	if (!text) {
		TEST_SKIP("no " NFT_PROGRAM " to read the table back");
		leave();
		return;
	}
	CU_ASSERT(is_golden_text(text, "table.nft"));
	CU_ASSERT_EQUAL(nft_add(&nf, &l, &err), 0);
	free(text);
	text = nft_text();
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "tcp . 8001 comment \"" POD_A "\" : 10.89.0.2 . 80"));
	CU_ASSERT_PTR_NOT_NULL(
		strstr(text, "192.0.2.1 . tcp . 8002 comment \"" POD_A "\" : 10.89.0.2 . 80"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "2001:db8::1 . udp . 65535 comment \"" POD_A
					    "\" : fd12:3456:789a::2 . 80"));
	leave();
}

static void test_marks(void)
{
	struct nft_elements none = { 0 };
	char mark[NFT_MARK_MAX], want[NFT_MARK_MAX];
	struct nft_rules r = rules();
	struct error err = { 0 };

	if (!enter())
		return;
	CU_ASSERT_EQUAL(nft_table_mark(&nf, NFT_TABLE, mark, &err), -ENOENT);
	CU_ASSERT_STRING_EQUAL(mark, "");
	install(&none, false);
	CU_ASSERT_EQUAL(nft_table_mark(&nf, NFT_TABLE, mark, &err), 0);
	nft_mark(&r, want);
	CU_ASSERT_STRING_EQUAL(mark, want);
	CU_ASSERT_STRING_EQUAL(want, "podium 3 10.89.0.0/16 fd12:3456:789a::/64");
	/* A table that is there is not made twice. */
	CU_ASSERT_EQUAL(nft_install(&nf, &r, &none, false, &err), -EEXIST);
	install(&none, true);
	CU_ASSERT_EQUAL(nft_drop(&nf, NFT_TABLE, &err), 0);
	CU_ASSERT_EQUAL(nft_drop(&nf, NFT_TABLE, &err), 0);
	CU_ASSERT_EQUAL(nft_table_mark(&nf, NFT_TABLE, mark, &err), -ENOENT);
	leave();
}

static bool is_listed(const struct nft_elements *l, const struct nft_element *e)
{
	for (size_t i = 0; i < l->n; i++)
		if (is_nft_same_key(&l->v[i], e))
			return is_ip_equal(&l->v[i].pod, &e->pod) &&
			       l->v[i].pod_port == e->pod_port && l->v[i].store == e->store &&
			       strcmp(l->v[i].owner, e->owner) == 0;
	return false;
}

static void test_round_trip(void)
{
	cleanup_elements struct nft_elements l = one_of_each(), back = { 0 }, half = { 0 };
	struct error err = { 0 };

	if (!enter())
		return;
	CU_ASSERT_EQUAL(nft_list(&nf, &back, &err), 0); /* no table */
	CU_ASSERT_EQUAL(back.n, 0);
	install(&half, false);
	CU_ASSERT_EQUAL(nft_add(&nf, &half, &err), 0); /* nothing to do */
	CU_ASSERT_EQUAL(nft_add(&nf, &l, &err), 0);
	CU_ASSERT_EQUAL(nft_list(&nf, &back, &err), 0);
	CU_ASSERT_EQUAL(back.n, l.n);
	for (size_t i = 0; i < l.n; i++)
		CU_ASSERT(is_listed(&back, &l.v[i]));
	/* All or nothing, both ways. */
	nft_elements_add(&half, &(struct nft_element){ 0 });
	half.v[0] = element(IPPROTO_TCP, 9999, NULL, "10.89.0.3");
	nft_elements_add(&half, &l.v[0]);
	CU_ASSERT_EQUAL(nft_add(&nf, &half, &err), -EEXIST);
	CU_ASSERT_EQUAL(nft_delete(&nf, &half, &err), -ENOENT);
	nft_elements_done(&back);
	CU_ASSERT_EQUAL(nft_list(&nf, &back, &err), 0);
	CU_ASSERT_EQUAL(back.n, l.n);
	/* A new table keeps what it is given. */
	install(&back, true);
	nft_elements_done(&back);
	CU_ASSERT_EQUAL(nft_list(&nf, &back, &err), 0);
	CU_ASSERT_EQUAL(back.n, l.n);
	CU_ASSERT(is_listed(&back, &l.v[5]));
	CU_ASSERT_EQUAL(nft_delete(&nf, &l, &err), 0);
	nft_elements_done(&back);
	CU_ASSERT_EQUAL(nft_list(&nf, &back, &err), 0);
	CU_ASSERT_EQUAL(back.n, 0);
	leave();
}

/* More than one message, more than one answer. */
static void test_many(void)
{
	cleanup_elements struct nft_elements l = { 0 }, back = { 0 };
	struct error err = { 0 };

	if (!enter())
		return;
	for (uint16_t i = 0; i < 1024; i++) {
		struct nft_element e = element(IPPROTO_TCP, (uint16_t)(i + 1), NULL,
					       i % 2 ? "10.89.0.2" : "fd12:3456:789a::2");

		(void)memcpy(e.owner, POD_B, sizeof(e.owner));
		nft_elements_add(&l, &e);
	}
	install(&back, false);
	CU_ASSERT_EQUAL(nft_add(&nf, &l, &err), 0);
	if (err.code)
		printf("\n%s\n", err.text);
	CU_ASSERT_EQUAL(nft_list(&nf, &back, &err), 0);
	CU_ASSERT_EQUAL(back.n, 1024);
	for (size_t i = 0; i < l.n; i += 97)
		CU_ASSERT(is_listed(&back, &l.v[i]));
	CU_ASSERT_EQUAL(nft_delete(&nf, &back, &err), 0);
	leave();
}

static CU_TestInfo tests[] = { { "golden table", test_golden_table },
			       { "golden elements", test_golden_elements },
			       { "read by nft(8)", test_read_by_nft },
			       { "marks", test_marks },
			       { "round trip", test_round_trip },
			       { "a thousand elements", test_many },
			       CU_TEST_INFO_NULL };
static CU_SuiteInfo suites[] = { { "nft", NULL, NULL, NULL, NULL, tests }, CU_SUITE_INFO_NULL };
TEST_MAIN(suites)
