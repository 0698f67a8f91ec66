/* SPDX-License-Identifier: Apache-2.0 */
/*
 * podstatus_text - ages as kubectl shows them, and the status of a pod as the API writes it.
 *
 * Theory of operation: the tree has the fields of V1PodStatus in the API's order; times are whole
 * seconds in UTC. A time that nobody knows is left out. Nothing of a Secret can be here: the only
 * free texts are termination messages, which the container itself chose to publish.
 */
#include <string.h>
#include <time.h>

#include "engine/base/mem.h"
#include "engine/base/str.h"
#include "kube/node.h"
#include "kube/podstatus.h"

#define NS_PER_SECOND	 INT64_C(1000000000)
#define SECONDS_A_MINUTE INT64_C(60)
#define SECONDS_AN_HOUR	 INT64_C(3600)
#define SECONDS_A_DAY	 INT64_C(86400)
#define DAYS_A_YEAR	 365

static void two_units(char *out, size_t size, int64_t big, char big_unit, int64_t small,
		      char small_unit)
{
	if (small)
		(void)snprintf(out, size, "%lld%c%lld%c", (long long)big, big_unit,
			       (long long)small, small_unit);
	else
		(void)snprintf(out, size, "%lld%c", (long long)big, big_unit);
}

void kube_age(int64_t s, char *out, size_t size)
{
	int64_t minutes = s / SECONDS_A_MINUTE, hours = s / SECONDS_AN_HOUR,
		days = s / SECONDS_A_DAY;

	if (s < -1)
		(void)snprintf(out, size, "<invalid>");
	else if (s < 2 * SECONDS_A_MINUTE)
		(void)snprintf(out, size, "%llds", (long long)(s < 0 ? 0 : s));
	else if (minutes < 10)
		two_units(out, size, minutes, 'm', s % 60, 's');
	else if (minutes < 180)
		(void)snprintf(out, size, "%lldm", (long long)minutes);
	else if (hours < 8)
		two_units(out, size, hours, 'h', minutes % 60, 'm');
	else if (hours < 48)
		(void)snprintf(out, size, "%lldh", (long long)hours);
	else if (hours < 192)
		two_units(out, size, days, 'd', hours % 24, 'h');
	else if (days < 2 * DAYS_A_YEAR)
		(void)snprintf(out, size, "%lldd", (long long)days);
	else if (days < 8 * DAYS_A_YEAR)
		two_units(out, size, days / DAYS_A_YEAR, 'y', days % DAYS_A_YEAR, 'd');
	else
		(void)snprintf(out, size, "%lldy", (long long)(days / DAYS_A_YEAR));
}

char *podstatus_restarts(const struct podstatus *ps, int64_t now_ns)
{
	char age[32];

	if (!ps->restarts || !ps->last_restart_ns)
		return xasprintf("%lld", (long long)ps->restarts);
	kube_age((now_ns - ps->last_restart_ns) / NS_PER_SECOND, age, sizeof(age));
	return xasprintf("%lld (%s ago)", (long long)ps->restarts, age);
}

void kube_time(int64_t wall_ns, char *out, size_t size)
{
	time_t t = (time_t)(wall_ns / NS_PER_SECOND);
	struct tm tm;

	if (!gmtime_r(&t, &tm) || !strftime(out, size, "%Y-%m-%dT%H:%M:%SZ", &tm))
		(void)snprintf(out, size, "unknown");
}

/* ---- the tree --------------------------------------------------------------------------- */

static struct node *new_map(struct arena *a)
{
	return node_new(a, NODE_MAP, (struct doc_place){ 0 });
}

static struct node *new_list(struct arena *a)
{
	return node_new(a, NODE_LIST, (struct doc_place){ 0 });
}

static void add_text(struct arena *a, struct node *map, const char *key, const char *text)
{
	if (!is_empty(text))
		(void)node_map_add(a, map, key, node_new_text(a, text));
}

static void add_time(struct arena *a, struct node *map, const char *key, int64_t ns)
{
	char text[KUBE_TIME_SIZE];

	if (!ns)
		return;
	kube_time(ns, text, sizeof(text));
	add_text(a, map, key, text);
}

static struct node *encode_state(struct arena *a, const struct kube_state *st, const char *id)
{
	struct node *map = new_map(a), *inner = new_map(a);

	switch (st->kind) {
	case KUBE_STATE_NONE:
		break;
	case KUBE_RUNNING:
		add_time(a, inner, "startedAt", st->started_ns);
		(void)node_map_add(a, map, "running", inner);
		break;
	case KUBE_WAITING:
		add_text(a, inner, "message", st->message);
		add_text(a, inner, "reason", st->reason);
		(void)node_map_add(a, map, "waiting", inner);
		break;
	case KUBE_TERMINATED:
		add_text(a, inner, "containerID", id);
		(void)node_map_add(a, inner, "exitCode", node_new_int(a, st->exit_code));
		add_time(a, inner, "finishedAt", st->finished_ns);
		add_text(a, inner, "message", st->message);
		add_text(a, inner, "reason", st->reason);
		add_time(a, inner, "startedAt", st->started_ns);
		(void)node_map_add(a, map, "terminated", inner);
		break;
	}
	return map;
}

static struct node *encode_container(struct arena *a, const struct podstatus_container *c)
{
	const struct podstatus_source *src = c->source;
	struct node *map = new_map(a);
	cleanup_free char *id = xasprintf("podium://%s", src->id ? src->id : "");
	cleanup_free char *image = src->image_id ? xasprintf("sha256:%s", src->image_id) : NULL;

	add_text(a, map, "name", src->name);
	add_text(a, map, "containerID", id);
	add_text(a, map, "image", src->st->image);
	(void)node_map_add(a, map, "imageID", node_new_text(a, image ? image : ""));
	(void)node_map_add(a, map, "lastState", encode_state(a, &c->last, id));
	(void)node_map_add(a, map, "ready", node_new_bool(a, c->ready));
	(void)node_map_add(a, map, "restartCount", node_new_int(a, c->restarts));
	(void)node_map_add(a, map, "started", node_new_bool(a, c->started));
	(void)node_map_add(a, map, "state", encode_state(a, &c->state, id));
	return map;
}

static struct node *encode_containers(struct arena *a, const struct podstatus *ps, bool init)
{
	struct node *list = new_list(a);

	for (size_t i = 0; i < ps->n; i++)
		if (ps->v[i].source->init == init)
			node_list_add(a, list, encode_container(a, &ps->v[i]));
	return list;
}

static struct node *encode_conditions(struct arena *a, const struct podstatus *ps)
{
	struct node *list = new_list(a);

	for (int i = 0; i < CONDITION__COUNT; i++) {
		const struct podstatus_condition *c = &ps->conditions[i];
		struct node *map = new_map(a);

		add_time(a, map, "lastTransitionTime", c->since_ns);
		add_text(a, map, "message", c->message);
		add_text(a, map, "reason", c->reason);
		add_text(a, map, "status", c->is_true ? "True" : "False");
		add_text(a, map, "type", pod_condition_names[i]);
		node_list_add(a, list, map);
	}
	return list;
}

static void add_addresses(struct arena *a, struct node *map, const char *one, const char *many,
			  const char *first, const char *second)
{
	struct node *list = new_list(a);
	const char *both[] = { first, second };

	add_text(a, map, one, is_empty(first) ? second : first);
	for (size_t i = 0; i < ARRAY_SIZE(both); i++) {
		struct node *item;

		if (is_empty(both[i]))
			continue;
		item = new_map(a);
		add_text(a, item, "ip", both[i]);
		node_list_add(a, list, item);
	}
	if (list->n)
		(void)node_map_add(a, map, many, list);
}

struct node *podstatus_encode(struct arena *a, const struct podstatus_input *in,
			      const struct podstatus *ps, const char *qos)
{
	struct node *map = new_map(a), *inits = encode_containers(a, ps, true);

	add_text(a, map, "phase", kube_phase_names[ps->phase]);
	(void)node_map_add(a, map, "conditions", encode_conditions(a, ps));
	add_text(a, map, "message", ps->message);
	add_text(a, map, "reason", ps->reason);
	add_addresses(a, map, "hostIP", "hostIPs", in->host_address, NULL);
	add_addresses(a, map, "podIP", "podIPs", in->address4, in->address6);
	add_time(a, map, "startTime", in->infra ? in->infra->started_ns : 0);
	if (inits->n)
		(void)node_map_add(a, map, "initContainerStatuses", inits);
	(void)node_map_add(a, map, "containerStatuses", encode_containers(a, ps, false));
	add_text(a, map, "qosClass", qos);
	return map;
}
