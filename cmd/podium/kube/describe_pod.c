/* SPDX-License-Identifier: Apache-2.0 */
/*
 * describe_pod - all that is known of a pod, for people.
 *
 * Theory of operation: the blocks of kubectl describe, in its order: what it is, its containers,
 * conditions, volumes, quality of service, and what happened to it lately (pods/<id>/events).
 */
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

#include "cmd/podium/kube/describe.h"
#include "cmd/podium/kube/kubetable.h"
#include "engine/base/clock.h"
#include "engine/base/mem.h"
#include "engine/state/events.h"

#define NS_PER_SECOND INT64_C(1000000000)
#define WIDTH	      18

/* The lines of a text, all of them below its first; what a program has written cannot look like a
 * line of ours. */
static void add_lines(struct buf *b, const char *text)
{
	int column = (int)b->len;
	size_t n = strlen(text);

	while (n && text[n - 1] == '\n')
		n--;
	for (size_t i = 0; i < n; i++) {
		buf_addc(b, text[i]);
		if (text[i] == '\n')
			buf_printf(b, "%*s", column, "");
	}
}

void describe_line(int indent, int width, const char *label, const char *fmt, ...)
{
	cleanup_buf struct buf b = BUF_INIT(SIZE_MAX / 2);
	cleanup_free char *text = NULL, *safe = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	buf_printf(&b, "%*s%-*s", indent, "", width, label ? label : "");
	/* Never glued to its label, nor blanks at the end of a line. */
	if (!is_empty(label) && !is_empty(text) && b.data[b.len - 1] != ' ')
		buf_addc(&b, ' ');
	add_lines(&b, text ? text : "");
	while (b.len && b.data[b.len - 1] == ' ')
		b.data[--b.len] = '\0';
	safe = str_printable(b.data ? b.data : "", b.len);
	printf("%s\n", safe);
}

void describe_head(int indent, const char *label)
{
	describe_line(indent, 0, label, "%s", "");
}

char *describe_time(int64_t wall_ns)
{
	time_t t = (time_t)(wall_ns / NS_PER_SECOND);
	char text[64] = "<unset>";
	struct tm tm;

	if (wall_ns && localtime_r(&t, &tm))
		(void)strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S %z", &tm);
	return xstrdup(text);
}

void describe_pairs(int width, const char *label, const struct pairlist *l, const char *separator)
{
	if (!l->n)
		describe_line(0, width, label, "<none>");
	for (size_t i = 0; i < l->n; i++)
		describe_line(0, width, i ? "" : label, "%s%s%s", l->v[i].key, separator,
			      l->v[i].value);
}

static void describe_addresses(const struct kube_pod *p)
{
	const char *both[] = { p->net.address4, p->net.address6 };
	const char *first = is_empty(both[0]) ? both[1] : both[0];

	describe_line(0, WIDTH, "IP:", "%s", first);
	if (is_empty(first)) {
		describe_line(0, WIDTH, "IPs:", "<none>");
		return;
	}
	describe_head(0, "IPs:");
	for (size_t i = 0; i < ARRAY_SIZE(both); i++)
		if (!is_empty(both[i]))
			describe_line(2, 5, "IP:", "%s", both[i]);
}

static void describe_top(const struct kube_pod *p)
{
	const struct pod_spec *pod = &p->pod;
	cleanup_free char *start = describe_time(p->infra.readable ? p->infra.st.started_ns : 0);
	struct utsname node;

	(void)uname(&node);
	describe_line(0, WIDTH, "Name:", "%s", pod->name);
	describe_line(0, WIDTH, "Namespace:", "%s", namespace_of(pod->namespace_));
	describe_line(0, WIDTH, "Service Account:", "%s",
		      pod->service_account ? pod->service_account : "default");
	describe_line(0, WIDTH, "Node:", "%s", pod->node_name ? pod->node_name : node.nodename);
	describe_line(0, WIDTH, "Start Time:", "%s", start);
	describe_pairs(WIDTH, "Labels:", &pod->labels, "=");
	describe_pairs(WIDTH, "Annotations:", &pod->annotations, ": ");
	describe_line(0, WIDTH, "Status:", "%s", kube_phase_names[p->ps.phase]);
	if (p->ps.reason)
		describe_line(0, WIDTH, "Reason:", "%s", p->ps.reason);
	if (p->ps.message)
		describe_line(0, WIDTH, "Message:", "%s", p->ps.message);
	describe_addresses(p);
	if (pod->controller)
		describe_line(0, WIDTH, "Controlled By:", "%s", pod->controller);
	if (pod->source)
		describe_line(0, WIDTH, "Played From:", "%s", pod->source);
}

static void describe_containers(const struct kube_pod *p, const char *head, bool init)
{
	bool any = false;

	for (size_t i = 0; i < p->in.n; i++) {
		if (p->sources[i].init != init)
			continue;
		if (!any)
			describe_head(0, head);
		any = true;
		describe_container(p, i);
	}
}

static void describe_conditions(const struct kube_pod *p)
{
	static const char *const headers[] = { "Type", "Status", "Reason", NULL };
	cleanup_kube_table struct kube_table t = { 0 };

	kube_table_begin(&t, headers);
	for (int i = 0; i < CONDITION__COUNT; i++) {
		const struct podstatus_condition *c = &p->ps.conditions[i];

		kube_table_add(&t, pod_condition_names[i]);
		kube_table_add(&t, c->is_true ? "True" : "False");
		kube_table_addf(&t, "%s%s%s", c->reason ? c->reason : "-", c->message ? ": " : "",
				c->message ? c->message : "");
	}
	describe_head(0, "Conditions:");
	kube_table_print(&t, true, 2);
}

static void add_event(struct kube_table *t, const struct event *e, int64_t now_ns)
{
	char age[32], over[32];

	kube_age((now_ns - e->time_ns) / NS_PER_SECOND, age, sizeof(age));
	kube_age((now_ns - e->first_ns) / NS_PER_SECOND, over, sizeof(over));
	kube_table_add(t, e->warning ? "Warning" : "Normal");
	kube_table_add(t, e->reason);
	if (e->count > 1)
		kube_table_addf(t, "%s (x%lld over %s)", age, (long long)e->count, over);
	else
		kube_table_add(t, age);
	kube_table_addf(t, "%s%s%s", e->container ? e->container : "", e->container ? ": " : "",
			e->text ? e->text : "");
}

static int describe_events(const struct store *s, const struct kube_pod *p, struct error *err)
{
	static const char *const headers[] = { "Type", "Reason", "Age", "Message", NULL };
	static const char *const lines[] = { "----", "------", "----", "-------" };
	cleanup_kube_table struct kube_table t = { 0 };
	struct event_list events = { 0 };
	int64_t now_ns = clock_wall_ns();
	int r = events_read(s, p->id, &events, err);

	if (r < 0)
		return r;
	if (!events.n)
		describe_line(0, WIDTH, "Events:", "<none>");
	else
		describe_head(0, "Events:");
	kube_table_begin(&t, headers);
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		kube_table_add(&t, lines[i]);
	for (size_t i = 0; i < events.n; i++)
		add_event(&t, &events.v[i], now_ns);
	if (events.n)
		kube_table_print(&t, true, 2);
	event_list_done(&events);
	return 0;
}

int describe_pod(const struct store *s, const struct kube_pod *p, struct error *err)
{
	describe_top(p);
	describe_containers(p, "Init Containers:", true);
	describe_containers(p, "Containers:", false);
	describe_conditions(p);
	if (p->pod.volumes.n)
		describe_head(0, "Volumes:");
	else
		describe_line(0, WIDTH, "Volumes:", "<none>");
	for (size_t i = 0; i < p->pod.volumes.n; i++)
		describe_volume(&p->pod.volumes.v[i]);
	describe_line(0, WIDTH, "QoS Class:", "%s", podstatus_qos(&p->pod, p->specs, p->in.n));
	return describe_events(s, p, err);
}
