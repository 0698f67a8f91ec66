/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nft - elements of the maps, and transactions.
 *
 * Theory of operation: publishing a port is adding one element to a hashed map, so the cost of a
 * pod does not depend on the others; all elements of a pod go in one transaction. An element says
 * whose it is in its user data, in nft(8)'s own form: a comment with the pod's id, so that
 * `nft list table inet podium` can be read by a person, and a second item, private to podium, with
 * the number of the store the pod lives in: two stores can share one host, and must not take each
 * other's pods for dead. Removal therefore needs no records: list, choose, delete.
 *
 * Other programs' tables are never touched. Runs in the network namespace of the socket.
 * A failure leaves the table as it was: the kernel commits a batch or nothing of it.
 * Limits: ELEMENTS_A_MESSAGE keeps a message's nested attribute below 64 KiB.
 */
#include "engine/net/nft.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <libnftnl/set.h>
#include <libnftnl/table.h>
#include <libnftnl/udata.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>

#include "engine/base/str.h"
#include "engine/net/internal.h"

#define ELEMENTS_A_MESSAGE 32
#define ELEMENT_MAX	   320
#define LIST_TRIES	   5
#define UDATA_STORE	   200 /* our own item beside nft's comment */

void nft_elements_add(struct nft_elements *l, const struct nft_element *e)
{
	if ((l->n & (l->n - 1)) == 0) /* grow at powers of two */
		l->v = xreallocarray(l->v, l->n ? 2 * l->n : 1, sizeof(*l->v));
	l->v[l->n++] = *e;
}

void nft_elements_done(struct nft_elements *l)
{
	free(l->v);
	*l = (struct nft_elements){ 0 };
}

bool is_nft_same_key(const struct nft_element *a, const struct nft_element *b)
{
	return a->protocol == b->protocol && a->host_port == b->host_port &&
	       a->pod.family == b->pod.family && is_ip_equal(&a->host, &b->host);
}

static enum nft_map map_of(const struct nft_element *e)
{
	bool has_host = e->host.family != AF_UNSPEC;

	if (e->pod.family == AF_INET)
		return has_host ? NFT_MAP_HOST4 : NFT_MAP_PORTS4;
	return has_host ? NFT_MAP_HOST6 : NFT_MAP_PORTS6;
}

/* ---- building --------------------------------------------------------------------------- */

static void build_batch_mark(struct nl_batch *b, uint16_t type, uint16_t flags)
{
	struct nfgenmsg *g = nl_message(b, type, flags, sizeof(*g), "nft transaction");

	g->nfgen_family = AF_UNSPEC;
	g->version = NFNETLINK_V0;
	g->res_id = htons(NFNL_SUBSYS_NFTABLES);
}

void nft_build_begin(struct nl_batch *b)
{
	build_batch_mark(b, NFNL_MSG_BATCH_BEGIN, 0);
}

void nft_build_end(struct nl_batch *b)
{
	/* The last message of substance asks for the acknowledgement. */
	size_t last = 0;

	for (size_t at = 0; at < b->len && !b->overflow;) {
		last = at;
		at += NLMSG_ALIGN(((struct nlmsghdr *)(void *)(b->data + at))->nlmsg_len);
	}
	if (!b->overflow)
		((struct nlmsghdr *)(void *)(b->data + last))->nlmsg_flags |= NLM_F_ACK;
	build_batch_mark(b, NFNL_MSG_BATCH_END, 0);
}

static void element_user_data(struct nftnl_set_elem *x, const struct nft_element *e)
{
	struct nftnl_udata_buf *u = nftnl_udata_buf_alloc(NFT_USERDATA_MAXLEN);

	if (!u)
		abort();
	assert(strlen(e->owner) <= NFT_OWNER_LEN);
	(void)nftnl_udata_put_strz(u, NFTNL_UDATA_SET_ELEM_COMMENT, e->owner);
	(void)nftnl_udata_put(u, UDATA_STORE, sizeof(e->store), &e->store);
	nftnl_set_elem_set(x, NFTNL_SET_ELEM_USERDATA, nftnl_udata_buf_data(u),
			   nftnl_udata_buf_len(u));
	nftnl_udata_buf_free(u);
}

static struct nftnl_set_elem *element_new(const struct nft_element *e, bool is_add)
{
	const struct nft_map_shape *map = &nft_map_shapes[map_of(e)];
	size_t len = ip_len(map->family), at = map->has_host ? len : 0;
	struct nftnl_set_elem *x = nftnl_set_elem_alloc();
	uint16_t port = htons(e->host_port), pod_port = htons(e->pod_port);
	uint8_t key[24] = { 0 }, data[20] = { 0 };

	if (!x)
		abort();
	memcpy(key, e->host.bytes, at);
	key[at] = (uint8_t)e->protocol;
	memcpy(key + at + 4, &port, 2);
	nftnl_set_elem_set(x, NFTNL_SET_ELEM_KEY, key, map->key_len);
	if (!is_add)
		return x;
	memcpy(data, e->pod.bytes, len);
	memcpy(data + len, &pod_port, 2);
	nftnl_set_elem_set(x, NFTNL_SET_ELEM_DATA, data, map->data_len);
	element_user_data(x, e);
	return x;
}

/* One message of at most ELEMENTS_A_MESSAGE elements of one map, from index *at on. */
static void build_element_message(struct nl_batch *b, const struct nft_elements *l,
				  enum nft_map map, size_t *at, bool is_add)
{
	uint16_t flags = is_add ? NLM_F_CREATE | NLM_F_EXCL : 0;
	struct nftnl_set *s = nftnl_set_alloc();
	unsigned int n = 0;
	void *room;

	if (!s)
		abort();
	nftnl_set_set_str(s, NFTNL_SET_TABLE, NFT_TABLE);
	nftnl_set_set_str(s, NFTNL_SET_NAME, nft_map_shapes[map].name);
	for (; *at < l->n && n < ELEMENTS_A_MESSAGE; (*at)++)
		if (map_of(&l->v[*at]) == map) {
			nftnl_set_elem_add(s, element_new(&l->v[*at], is_add));
			n++;
		}
	room = n ? nl_message_room(b, NFT_MESSAGE_MAX + n * ELEMENT_MAX) : NULL;
	if (room) {
		struct nlmsghdr *h = nftnl_nlmsg_build_hdr(
			room, is_add ? NFT_MSG_NEWSETELEM : NFT_MSG_DELSETELEM, NFPROTO_INET, flags,
			0);

		nftnl_set_elems_nlmsg_build_payload(h, s);
		nl_message_built(b, is_add ? "publish port" : "withdraw port");
	}
	nftnl_set_free(s);
}

void nft_build_elements(struct nl_batch *b, const struct nft_elements *l, bool is_add)
{
	for (int map = 0; map < NFT_MAP__COUNT; map++)
		for (size_t at = 0; at < l->n;)
			build_element_message(b, l, (enum nft_map)map, &at, is_add);
}

void nft_build_drop_table(struct nl_batch *b, const char *table)
{
	void *at = nl_message_room(b, NFT_MESSAGE_MAX);
	struct nftnl_table *t = nftnl_table_alloc();

	if (!t)
		abort();
	nftnl_table_set_str(t, NFTNL_TABLE_NAME, table);
	if (at) {
		nftnl_table_nlmsg_build_payload(
			nftnl_nlmsg_build_hdr(at, NFT_MSG_DELTABLE, NFPROTO_INET, 0, 0), t);
		nl_message_built(b, "remove table 'inet podium'");
	}
	nftnl_table_free(t);
}

/* ---- transactions ----------------------------------------------------------------------- */

static size_t elements_size(const struct nft_elements *l)
{
	return (l->n / ELEMENTS_A_MESSAGE + NFT_MAP__COUNT + 1) * (NFT_MESSAGE_MAX + 512) +
	       l->n * ELEMENT_MAX;
}

int nft_install(struct nl_sock *s, const struct nft_rules *r, const struct nft_elements *keep,
		bool is_replacing, struct error *err)
{
	cleanup_batch struct nl_batch b;

	nl_batch_init(&b, 65536 + elements_size(keep));
	nft_build_begin(&b);
	if (is_replacing)
		nft_build_drop_table(&b, r->table);
	nft_build_table(&b, r);
	nft_build_elements(&b, keep, true);
	nft_build_end(&b);
	return nl_send(s, &b, err);
}

static int nft_change(struct nl_sock *s, const struct nft_elements *l, bool is_add,
		      struct error *err)
{
	cleanup_batch struct nl_batch b = { 0 };

	if (l->n == 0)
		return 0;
	nl_batch_init(&b, elements_size(l));
	nft_build_begin(&b);
	nft_build_elements(&b, l, is_add);
	nft_build_end(&b);
	return nl_send(s, &b, err);
}

int nft_add(struct nl_sock *s, const struct nft_elements *l, struct error *err)
{
	return nft_change(s, l, true, err);
}

int nft_delete(struct nl_sock *s, const struct nft_elements *l, struct error *err)
{
	return nft_change(s, l, false, err);
}

static void build_take_flows6(struct nl_batch *b, const char *table, const struct ip_addr *a)
{
	struct nftnl_set *s = nftnl_set_alloc();
	struct nftnl_set_elem *x = nftnl_set_elem_alloc();
	void *room = nl_message_room(b, NFT_MESSAGE_MAX);

	if (!s || !x)
		abort();
	nftnl_set_set_str(s, NFTNL_SET_TABLE, table);
	nftnl_set_set_str(s, NFTNL_SET_NAME, NFT_SET_FLOWS6);
	nftnl_set_elem_set(x, NFTNL_SET_ELEM_KEY, a->bytes, 16);
	nftnl_set_elem_add(s, x);
	if (room) {
		nftnl_set_elems_nlmsg_build_payload(
			nftnl_nlmsg_build_hdr(room, NFT_MSG_DELSETELEM, NFPROTO_INET, 0, 0), s);
		nl_message_built(b, "forget IPv6 flows");
	}
	nftnl_set_free(s);
}

int nft_drop(struct nl_sock *s, const char *table, struct error *err)
{
	cleanup_batch struct nl_batch b;
	struct error scratch;
	int r;

	nl_batch_init(&b, 8192);
	nft_build_begin(&b);
	nft_build_drop_table(&b, table);
	nft_build_end(&b);
	r = nl_send(s, &b, &scratch);
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		*err = scratch;
	return r;
}

/* ---- reading ---------------------------------------------------------------------------- */

struct user_data {
	char *text; /* of the comment */
	size_t max;
	uint64_t *store;
};

static int user_data_item(const struct nftnl_udata *u, void *arg)
{
	struct user_data *d = arg;
	size_t len = nftnl_udata_len(u);

	/* Comments have the number 0 in tables and in elements. */
	if (nftnl_udata_type(u) == NFTNL_UDATA_SET_ELEM_COMMENT && len > 0 && len <= d->max) {
		memcpy(d->text, nftnl_udata_get(u), len);
		d->text[len - 1] = '\0';
	}
	if (nftnl_udata_type(u) == UDATA_STORE && d->store && len == sizeof(*d->store))
		memcpy(d->store, nftnl_udata_get(u), len);
	return 0;
}

static int table_answer(const struct nlmsghdr *nlh, void *arg)
{
	struct nftnl_table *t = nftnl_table_alloc();
	struct user_data d = { .text = arg, .max = NFT_MARK_MAX };
	const void *data;
	uint32_t len = 0;

	if (!t)
		abort();
	if (nftnl_table_nlmsg_parse(nlh, t) == 0) {
		data = nftnl_table_get_data(t, NFTNL_TABLE_USERDATA, &len);
		if (data)
			(void)nftnl_udata_parse(data, len, user_data_item, &d);
	}
	nftnl_table_free(t);
	return 0;
}

/* Sends one get; -ENOENT leaves err untouched. */
static int nft_get(struct nl_sock *s, struct nl_batch *b, nl_answer_fn fn, void *arg,
		   struct error *err)
{
	struct error scratch;
	int r = nl_query(s, b, fn, arg, &scratch);

	if (r < 0 && r != -ENOENT && r != -EINTR)
		*err = scratch;
	return r;
}

int nft_table_mark(struct nl_sock *s, const char *table, char out[NFT_MARK_MAX], struct error *err)
{
	cleanup_batch struct nl_batch b;
	struct nfgenmsg *g;

	out[0] = '\0';
	nl_batch_init(&b, 256);
	g = nl_message(&b, (NFNL_SUBSYS_NFTABLES << 8) | NFT_MSG_GETTABLE, NLM_F_ACK, sizeof(*g),
		       "look for table 'inet podium'");
	g->nfgen_family = NFPROTO_INET;
	nl_put_str(&b, NFTA_TABLE_NAME, table);
	return nft_get(s, &b, table_answer, out, err);
}

static int present_answer(const struct nlmsghdr *nlh, void *arg)
{
	*(bool *)arg = nlh->nlmsg_type == ((NFNL_SUBSYS_NFTABLES << 8) | NFT_MSG_NEWSETELEM);
	return 0;
}

/* Asked first: a refused transaction waits for the one before it, about 10 ms. */
static int is_in_flows6(struct nl_sock *s, const char *table, const struct ip_addr *a, bool *ret,
			struct error *err)
{
	cleanup_batch struct nl_batch b;
	size_t list, elem, key;
	struct nfgenmsg *g;

	nl_batch_init(&b, 256);
	g = nl_message(&b, (NFNL_SUBSYS_NFTABLES << 8) | NFT_MSG_GETSETELEM, NLM_F_ACK, sizeof(*g),
		       "look for IPv6 flows");
	g->nfgen_family = NFPROTO_INET;
	nl_put_str(&b, NFTA_SET_ELEM_LIST_TABLE, table);
	nl_put_str(&b, NFTA_SET_ELEM_LIST_SET, NFT_SET_FLOWS6);
	list = nl_nest(&b, NFTA_SET_ELEM_LIST_ELEMENTS);
	elem = nl_nest(&b, NFTA_LIST_ELEM);
	key = nl_nest(&b, NFTA_SET_ELEM_KEY);
	nl_put(&b, NFTA_DATA_VALUE, a->bytes, 16);
	nl_nest_end(&b, key);
	nl_nest_end(&b, elem);
	nl_nest_end(&b, list);
	return nft_get(s, &b, present_answer, ret, err);
}

int nft_take_flows6(struct nl_sock *s, const char *table, const struct ip_addr *a,
		    struct error *err)
{
	cleanup_batch struct nl_batch b = { 0 };
	bool is_there = false;
	int r = is_in_flows6(s, table, a, &is_there, err);

	if (r == -ENOENT || (r == 0 && !is_there))
		return 0;
	if (r < 0)
		return r;
	nl_batch_init(&b, 8192);
	nft_build_begin(&b);
	build_take_flows6(&b, table, a);
	nft_build_end(&b);
	r = nl_send(s, &b, err);
	return r < 0 ? r : 1;
}

struct listing {
	struct nft_elements *l;
	const struct nft_map_shape *map;
};

static int list_element(struct nftnl_set_elem *x, void *arg)
{
	struct listing *to = arg;
	size_t len = ip_len(to->map->family), at = to->map->has_host ? len : 0;
	struct nft_element e = { .pod.family = to->map->family };
	uint32_t key_len = 0, data_len = 0, user_len = 0;
	const uint8_t *key = nftnl_set_elem_get(x, NFTNL_SET_ELEM_KEY, &key_len);
	const uint8_t *data = nftnl_set_elem_get(x, NFTNL_SET_ELEM_DATA, &data_len);
	const void *user = nftnl_set_elem_get(x, NFTNL_SET_ELEM_USERDATA, &user_len);
	struct user_data d = { .text = e.owner, .max = sizeof(e.owner), .store = &e.store };
	uint16_t port, pod_port;

	if (!key || !data || key_len < at + 6 || data_len < len + 2)
		return 0;
	if (to->map->has_host)
		e.host.family = to->map->family;
	memcpy(e.host.bytes, key, at);
	e.protocol = key[at];
	memcpy(&port, key + at + 4, 2);
	memcpy(e.pod.bytes, data, len);
	memcpy(&pod_port, data + len, 2);
	e.host_port = ntohs(port);
	e.pod_port = ntohs(pod_port);
	if (user)
		(void)nftnl_udata_parse(user, user_len, user_data_item, &d);
	nft_elements_add(to->l, &e);
	return 0;
}

static int list_answer(const struct nlmsghdr *nlh, void *arg)
{
	struct nftnl_set *s = nftnl_set_alloc();

	if (!s)
		abort();
	if (nftnl_set_elems_nlmsg_parse(nlh, s) == 0)
		(void)nftnl_set_elem_foreach(s, list_element, arg);
	nftnl_set_free(s);
	return 0;
}

static int list_map(struct nl_sock *s, const struct nft_map_shape *map, struct nft_elements *ret,
		    struct error *err)
{
	struct listing to = { .l = ret, .map = map };
	size_t before = ret->n;
	int r = -EINTR;

	for (int i = 0; i < LIST_TRIES && r == -EINTR; i++) {
		cleanup_batch struct nl_batch b;
		struct nfgenmsg *g;

		nl_batch_init(&b, 256);
		g = nl_message(&b, (NFNL_SUBSYS_NFTABLES << 8) | NFT_MSG_GETSETELEM, NLM_F_DUMP,
			       sizeof(*g), "list published ports");
		g->nfgen_family = NFPROTO_INET;
		nl_put_str(&b, NFTA_SET_ELEM_LIST_TABLE, NFT_TABLE);
		nl_put_str(&b, NFTA_SET_ELEM_LIST_SET, map->name);
		/* Half a list of an interrupted try is forgotten; capacity goes by powers of two.
		 */
		if (ret->n != before) {
			struct nft_elements again = { 0 };

			for (size_t k = 0; k < before; k++)
				nft_elements_add(&again, &ret->v[k]);
			nft_elements_done(ret);
			*ret = again;
		}
		r = nft_get(s, &b, list_answer, &to, err);
	}
	if (r == -EINTR)
		return error_set(err, EINTR, "list published ports: changed all the time");
	return r == -ENOENT ? 0 : r;
}

int nft_list(struct nl_sock *s, struct nft_elements *ret, struct error *err)
{
	int r = 0;

	*ret = (struct nft_elements){ 0 };
	for (int map = 0; map < NFT_MAP__COUNT && r == 0; map++)
		r = list_map(s, &nft_map_shapes[map], ret, err);
	if (r < 0)
		nft_elements_done(ret);
	return r;
}
