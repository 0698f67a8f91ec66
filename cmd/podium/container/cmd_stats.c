/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stats, pod stats - what running containers use, once or again and again.
 *
 * Theory of operation: each round reads the control groups of the containers (engine/cgroup; where
 * they do not say it, the sum over the processes), the network counters of each container's own
 * network namespace through /proc/PID/net/dev, and the clock. CPU % is what was used since the round
 * before, or in the first round since the container's start, as Podman has it. Nothing runs in a
 * container and nothing is kept but the last numbers.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysinfo.h>

#include "cmd/podium/base/commands.h"
#include "cmd/podium/base/format.h"
#include "cmd/podium/base/template.h"
#include "cmd/podium/container/proclist.h"
#include "cmd/podium/pod/podview.h"
#include "engine/base/clock.h"
#include "engine/base/fs.h"
#include "engine/base/json.h"

#define NS_PER_SECOND	   1000000000
#define INTERVAL_DEFAULT_S 5
#define INTERVAL_MAX_S	   86400
#define NET_BYTES_MAX	   (1 << 20)

struct stats_options {
	bool all, latest, no_reset, no_stream, no_trunc;
	struct option_int interval;
	const char *format;
};
#define O(m) offsetof(struct stats_options, m)

/* What the last round said of a container. */
struct before {
	char id[65];
	int64_t cpu_ns;
	int64_t at_ns;
};

struct stats {
	const struct store *store;
	const struct stats_options *o;
	const struct strlist *ids; /* containers, or pods; none: those that run */
	bool pods;
	struct cgroup_ctx cg;
	struct before *before;
	size_t n_before;
};

/* ---- numbers ---------------------------------------------------------------------------- */

/* "1.5MB": go-units' HumanSize. The caller's. */
static char *human_size(int64_t bytes)
{
	static const char *const units[] = { "B", "kB", "MB", "GB", "TB", "PB", "EB" };
	double n = bytes > 0 ? (double)bytes : 0;
	size_t i = 0;

	while (n >= 1000 && i + 1 < ARRAY_SIZE(units)) {
		n /= 1000;
		i++;
	}
	return xasprintf("%.4g%s", n, units[i]);
}

static char *two_sizes(int64_t a, int64_t b)
{
	cleanup_free char *x = human_size(a), *y = human_size(b);

	return xasprintf("%s / %s", x, y);
}

/* "1.5MiB": go-units' BytesSize. */
static char *two_binary_sizes(int64_t a, int64_t b)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	double n[2] = { a > 0 ? (double)a : 0, b > 0 ? (double)b : 0 };
	size_t unit[2] = { 0, 0 };

	for (int i = 0; i < 2; i++)
		for (; n[i] >= 1024 && unit[i] + 1 < ARRAY_SIZE(units); unit[i]++)
			n[i] /= 1024;
	return xasprintf("%.4g%s / %.4g%s", n[0], units[unit[0]], n[1], units[unit[1]]);
}

/* "1m2.5s" as Go says it. */
static char *duration_text(int64_t ns)
{
	int64_t s = ns / NS_PER_SECOND;
	cleanup_free char *rest = NULL;

	if (ns == 0)
		return xstrdup("0s");
	if (ns < 1000)
		return xasprintf("%lldns", (long long)ns);
	if (ns < 1000000)
		return xasprintf("%.7gµs", (double)ns / 1000);
	if (ns < NS_PER_SECOND)
		return xasprintf("%.9gms", (double)ns / 1000000);
	rest = xasprintf("%.9gs", (double)(s % 60) + (double)(ns % NS_PER_SECOND) / NS_PER_SECOND);
	if (s >= 3600)
		return xasprintf("%lldh%lldm%s", (long long)(s / 3600), (long long)(s / 60 % 60),
				 rest);
	return s >= 60 ? xasprintf("%lldm%s", (long long)(s / 60), rest) : steal_ptr(&rest);
}

static int64_t memory_of_host(void)
{
	struct sysinfo si;

	return sysinfo(&si) == 0 ? (int64_t)si.totalram * si.mem_unit : 0;
}

/* Received and sent by the interfaces but lo of a process' network namespace. */
static void read_network(uint32_t pid, int64_t *ret_in, int64_t *ret_out)
{
	cleanup_free char *path = xasprintf("/proc/%u/net/dev", pid);
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	cleanup_buf struct buf b = BUF_INIT(NET_BYTES_MAX);
	char block[4096], *at, *line;
	ssize_t n;

	*ret_in = *ret_out = 0;
	while (fd >= 0 && (n = read(fd, block, sizeof(block))) > 0)
		buf_add(&b, block, (size_t)n);
	at = b.data;
	while (at && (line = strsep(&at, "\n"))) {
		long long in, out;
		char *colon = strchr(line, ':');

		line += strspn(line, " ");
		if (!colon || is_prefix(line, "lo:"))
			continue;
		/* NOLINTNEXTLINE(cert-err34-c): the kernel's own numbers */
		if (sscanf(colon + 1, "%lld %*d %*d %*d %*d %*d %*d %*d %lld", &in, &out) == 2) {
			*ret_in += in;
			*ret_out += out;
		}
	}
}

/* ---- rows ------------------------------------------------------------------------------- */

static struct before *find_before(struct stats *s, const char *id)
{
	for (size_t i = 0; i < s->n_before; i++)
		if (strcmp(s->before[i].id, id) == 0)
			return &s->before[i];
	s->before = xreallocarray(s->before, s->n_before + 1, sizeof(*s->before));
	s->before[s->n_before] = (struct before){ .cpu_ns = -1 };
	memcpy(s->before[s->n_before].id, id, 65);
	return &s->before[s->n_before++];
}

static double percent(int64_t part, int64_t whole)
{
	return whole > 0 && part > 0 ? 100.0 * (double)part / (double)whole : 0;
}

static void set_int(json_t *j, const char *key, int64_t n)
{
	(void)json_object_set_new(j, key, json_integer((json_int_t)(n < 0 ? 0 : n)));
}

/* The numbers of one container; all 0 of one that does not run. */
struct numbers {
	struct cgroup_usage u;
	int64_t in, out, up_ns, limit;
	double cpu, average;
};

static int measure(struct stats *s, const struct container_view *view, struct numbers *n,
		   struct error *err)
{
	struct before *before = find_before(s, view->id);
	struct cgroup_processes pids = { 0 };
	int64_t now = clock_wall_ns();
	int r;

	*n = (struct numbers){ .limit = 0 };
	if (!view->st.pid || (view->live != STATE_RUNNING && view->live != STATE_PAUSED &&
			      view->live != STATE_STOPPING))
		return 0;
	r = cgroup_read_usage(&s->cg, view->st.pod_id, view->id, &n->u, err);
	if (r == 0)
		r = proclist_pids(&s->cg, view, &pids, err);
	if (r < 0)
		return r;
	proclist_sum(&pids, &n->u);
	cgroup_processes_done(&pids);
	read_network(view->st.pid, &n->in, &n->out);
	n->limit = memory_of_host();
	if (n->u.memory_limit >= 0 && n->u.memory_limit < n->limit)
		n->limit = n->u.memory_limit;
	n->up_ns = now - view->st.started_ns;
	n->average = percent(n->u.cpu_ns, n->up_ns);
	n->cpu = before->cpu_ns < 0 ? n->average
				    : percent(n->u.cpu_ns - before->cpu_ns, now - before->at_ns);
	before->cpu_ns = n->u.cpu_ns;
	before->at_ns = now;
	return 0;
}

static void add_texts(json_t *texts, const struct numbers *n)
{
	jset_owned(texts, "CPUPerc", xasprintf("%.2f%%", n->cpu));
	jset_owned(texts, "CPU", xasprintf("%.17g", n->cpu));
	jset_owned(texts, "AvgCPU", xasprintf("%.17g", n->average));
	jset_owned(texts, "MemUsage", two_sizes(n->u.memory_bytes, n->limit));
	jset_owned(texts, "MemUsageBytes", two_binary_sizes(n->u.memory_bytes, n->limit));
	jset_owned(texts, "MemPerc", xasprintf("%.2f%%", percent(n->u.memory_bytes, n->limit)));
	jset_owned(texts, "Mem", xasprintf("%.2f%%", percent(n->u.memory_bytes, n->limit)));
	jset_owned(texts, "NetIO", two_sizes(n->in, n->out));
	jset_owned(texts, "BlockIO", two_sizes(n->u.read_bytes, n->u.write_bytes));
	jset_owned(texts, "PIDS", xasprintf("%lld", (long long)(n->u.pids > 0 ? n->u.pids : 0)));
	jset_owned(texts, "Up", duration_text(n->u.cpu_ns > 0 ? n->u.cpu_ns / 1000 * 1000 : 0));
	jset_owned(texts, "UpTime", duration_text(n->u.cpu_ns > 0 ? n->u.cpu_ns / 1000 * 1000 : 0));
	jset_owned(texts, "AVGCPU", xasprintf("%.2f%%", n->average));
}

/* For templates. New reference. */
static json_t *make_row(const struct stats *s, const struct container_view *view,
			const struct numbers *n)
{
	json_t *row = json_object(), *texts = json_object();
	const char *name = view->st.name ? view->st.name : "";

	set_int(row, "AvgCPU", (int64_t)n->average);
	(void)json_object_set_new(row, "ContainerID", json_string(view->id));
	(void)json_object_set_new(row, "Name", json_string(name));
	(void)json_object_set_new(row, "CID", json_stringn(view->id, SHORT_ID_LEN));
	set_int(row, "CPUNano", n->u.cpu_ns);
	set_int(row, "CPUSystemNano", n->u.cpu_system_ns);
	set_int(row, "SystemNano", clock_wall_ns());
	set_int(row, "Duration", n->up_ns);
	set_int(row, "MemLimit", n->limit);
	set_int(row, "NetInput", n->in);
	set_int(row, "NetOutput", n->out);
	set_int(row, "BlockInput", n->u.read_bytes);
	set_int(row, "BlockOutput", n->u.write_bytes);
	set_int(row, "PIDs", n->u.pids);
	(void)json_object_set_new(row, "Pod",
				  json_stringn(s->pods && view->st.pod_id ? view->st.pod_id : "",
					       s->pods && view->st.pod_id ? SHORT_ID_LEN : 0));
	jset_owned(texts, "ID", view_id(view->id, s->o->no_trunc));
	add_texts(texts, n);
	(void)json_object_set_new(row, TEMPLATE_TEXTS, texts);
	return row;
}

/* What --format json shows: Podman's own member names. New reference. */
static json_t *make_json(const json_t *row, bool pods)
{
	static const char *const names[][2] = {
		{ "id", "ID" },
		{ "name", "Name" },
		{ "cpu_time", "UpTime" },
		{ "cpu_percent", "CPUPerc" },
		{ "avg_cpu", "AVGCPU" },
		{ "mem_usage", "MemUsage" },
		{ "mem_percent", "MemPerc" },
		{ "net_io", "NetIO" },
		{ "block_io", "BlockIO" },
		{ "pids", "PIDS" },
	};
	static const char *const pod_names[][2] = {
		{ "CPU", "CPUPerc" },	  { "MemUsage", "MemUsage" },
		{ "Mem", "MemPerc" },	  { "NetIO", "NetIO" },
		{ "BlockIO", "BlockIO" }, { "PIDS", "PIDS" },
		{ "Pod", "Pod" },	  { "CID", "CID" },
		{ "Name", "Name" },	  { "MemUsageBytes", "MemUsageBytes" },
	};
	const char *const(*list)[2] = pods ? pod_names : names;
	size_t n = pods ? ARRAY_SIZE(pod_names) : ARRAY_SIZE(names);
	json_t *j = json_object();

	for (size_t i = 0; i < n; i++)
		(void)json_object_set(j, list[i][0], template_member(row, list[i][1]));
	return j;
}

static const struct format_column columns[] = {
	{ "ID", "ID" },
	{ "NAME", "Name" },
	{ "CPU %", "CPUPerc" },
	{ "MEM USAGE / LIMIT", "MemUsage" },
	{ "MEM %", "MemPerc" },
	{ "NET IO", "NetIO" },
	{ "BLOCK IO", "BlockIO" },
	{ "PIDS", "PIDS" },
	{ "CPU TIME", "UpTime" },
	{ "AVG CPU %", "AVGCPU" },
	{ NULL, NULL },
};
static const struct format_column pod_columns[] = {
	{ "POD", "Pod" },
	{ "CID", "CID" },
	{ "NAME", "Name" },
	{ "CPU %", "CPUPerc" },
	{ "MEM USAGE/ LIMIT", "MemUsage" },
	{ "MEM %", "MemPerc" },
	{ "NET IO", "NetIO" },
	{ "BLOCK IO", "BlockIO" },
	{ "PIDS", "PIDS" },
	{ NULL, NULL },
};

/* ---- a round ---------------------------------------------------------------------------- */

static bool is_wanted(const struct stats *s, const struct container_view *view)
{
	bool shown = !view->st.working && !(view->st.infra && view->st.solo) &&
		     !(s->pods && view->st.solo);

	if (!shown || !view->readable)
		return false;
	if (s->ids->n)
		return strlist_has(s->ids,
				   s->pods ? (view->st.pod_id ? view->st.pod_id : "") : view->id);
	return s->o->all || view->live == STATE_RUNNING;
}

static int one_round(struct stats *s, struct error *err)
{
	struct container_views views = { 0 };
	cleanup_json json_t *rows = json_array();
	bool as_json = is_format_json(s->o->format);
	const struct format_column *table = s->pods ? pod_columns : columns;
	int r = views_load(s->store, &views, err);

	for (size_t i = 0; r == 0 && i < views.n; i++) {
		cleanup_json json_t *row = NULL;
		struct numbers n;

		if (!is_wanted(s, &views.v[i]))
			continue;
		r = measure(s, &views.v[i], &n, err);
		if (r < 0)
			break;
		row = make_row(s, &views.v[i], &n);
		if (as_json)
			(void)json_array_append_new(rows, make_json(row, s->pods));
		else if (is_format_table(s->o->format))
			(void)json_array_append(rows, json_object_get(row, TEMPLATE_TEXTS));
		else
			(void)json_array_append(rows, row);
		if (is_format_table(s->o->format))
			for (size_t k = 0; table[k].header; k++)
				(void)json_object_set(json_object_get(row, TEMPLATE_TEXTS),
						      table[k].field,
						      template_member(row, table[k].field));
	}
	views_done(&views);
	if (r == 0)
		r = format_list(rows, table, s->o->format, false, err);
	return r;
}

/* Until it is time again, or nobody reads any more (1). */
static int await(int64_t seconds)
{
	struct pollfd p = { .fd = STDOUT_FILENO };

	(void)poll(&p, 1, (int)(seconds * 1000));
	return p.revents & (POLLERR | POLLNVAL) ? 1 : 0;
}

static int run_rounds(struct stats *s, struct error *err)
{
	int64_t interval = s->o->interval.set ? s->o->interval.value : INTERVAL_DEFAULT_S;
	bool reset = !s->o->no_reset && !s->o->no_stream && isatty(STDOUT_FILENO);
	int r;

	do {
		if (reset)
			(void)fputs("\033[2J\033[H", stdout);
		r = one_round(s, err);
	} while (r == 0 && !s->o->no_stream && fflush(stdout) == 0 && await(interval) == 0);
	return r;
}

static int find_ids(const struct store *s, const struct stats_options *o, bool pods, int argc,
		    char **argv, struct strlist *ret, struct error *err)
{
	char id[65];
	int r = 0;

	if (o->all + o->latest + (argc > 0) > 1)
		return error_set(err, EINVAL, "--all, --latest and %s cannot be used together",
				 pods ? "pods" : "containers");
	for (int i = 0; i < argc && r == 0; i++) {
		r = pods ? lookup_pod(s, argv[i], id, err) : lookup_container(s, argv[i], id, err);
		if (r == 0)
			strlist_add(ret, id);
	}
	if (r == 0 && o->latest && !pods) {
		r = view_find(s, true, NULL, id, err);
		if (r == 0)
			strlist_add(ret, id);
	}
	return r;
}

static int find_latest_pod(const struct store *s, struct strlist *ret, struct error *err)
{
	struct container_views views = { 0 };
	struct pod_views pods = { 0 };
	int r = views_load(s, &views, err);

	if (r == 0)
		r = pod_views_load(s, &views, &pods, err);
	if (r == 0 && !pods.n)
		r = error_set(err, ENOENT, "there is no pod");
	if (r == 0)
		strlist_add(ret, pods.v[0].id);
	pod_views_done(&pods);
	views_done(&views);
	return r;
}

static int run(struct command_context *ctx, const struct stats_options *o, bool pods, int argc,
	       char **argv, struct error *err)
{
	cleanup_strlist struct strlist ids = { 0 };
	struct stats s = {
		.store = &ctx->store, .o = o, .ids = &ids, .pods = pods, .cg = CGROUP_CTX_INIT
	};
	int r;

	if (o->interval.set && (o->interval.value < 1 || o->interval.value > INTERVAL_MAX_S))
		return error_set(err, EINVAL,
				 "invalid interval, must be a number of seconds from "
				 "1 to %d",
				 INTERVAL_MAX_S);
	r = find_ids(&ctx->store, o, pods, argc, argv, &ids, err);
	if (r == 0 && pods && o->latest)
		r = find_latest_pod(&ctx->store, &ids, err);
	if (r == 0)
		r = cgroup_open(&s.cg, err);
	if (r < 0)
		return r;
	r = run_rounds(&s, err);
	cgroup_close(&s.cg);
	free(s.before);
	return r;
}

static int run_stats(struct command_context *ctx, void *options, int argc, char **argv,
		     struct error *err)
{
	return run(ctx, options, false, argc, argv, err);
}

static int run_pod_stats(struct command_context *ctx, void *options, int argc, char **argv,
			 struct error *err)
{
	return run(ctx, options, true, argc, argv, err);
}

#define SHARED_OPTIONS                                                                               \
	{ 'a', "all", OPTION_BOOL, O(all), NULL, "Those that do not run, too", false },              \
		{ 0, "format", OPTION_STRING, O(format), NULL, "json, or a Go template", false },    \
		{ 'l',	"latest", OPTION_BOOL, O(latest), NULL, "The one that was created last",     \
		  false },                                                                           \
		{ 0, "no-reset", OPTION_BOOL, O(no_reset), NULL, "Do not clear the screen", false }, \
	{                                                                                            \
		0, "no-stream", OPTION_BOOL, O(no_stream), NULL, "Once, and no more", false          \
	}

static const struct option option_table[] = {
	SHARED_OPTIONS,
	{ 'i', "interval", OPTION_INT, O(interval), "seconds", "Time between two looks (5)",
	  false },
	{ 0, "no-trunc", OPTION_BOOL, O(no_trunc), NULL, "Ids as a whole", false },
	OPTIONS_END,
};
static const struct option pod_option_table[] = { SHARED_OPTIONS, OPTIONS_END };

const struct command cmd_stats = {
	.words = "stats",
	.args = "[options] [CONTAINER...]",
	.summary = "What running containers use: processor, memory, network, disks",
	.options = option_table,
	.options_size = sizeof(struct stats_options),
	.max_args = -1,
	.store = COMMAND_READS,
	.run = run_stats,
};

const struct command cmd_pod_stats = {
	.words = "pod stats",
	.args = "[options] [POD...]",
	.summary = "What the containers of pods use",
	.options = pod_option_table,
	.options_size = sizeof(struct stats_options),
	.max_args = -1,
	.store = COMMAND_READS,
	.run = run_pod_stats,
};
