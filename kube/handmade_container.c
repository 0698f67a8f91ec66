/* SPDX-License-Identifier: Apache-2.0 */
/*
 * handmade_container - one container of the command line in Kubernetes' words.
 *
 * Theory of operation: what has a near word is put into it (a user by number, tmpfs as an emptyDir in
 * memory, --cpu-shares as a request, a health check as a probe); the rest is dropped with a note, so
 * that the plan holds nothing that YAML cannot say. Mounts come last: a volume that no container mounts
 * any more is dropped, too.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/quantity.h"
#include "kube/handmade.h"
#include "kube/names.h"

#define NS_PER_SECOND	INT64_C(1000000000)
#define SHARES_PER_CORE 1024

/* One container on its way. */
struct settling {
	struct pod_plan *plan;
	struct container_spec *c;
	struct strlist *notes;
};

#define note(s, ...) handmade_note((s)->notes, "container", (s)->c->name, __VA_ARGS__)

static void drop_text(const struct settling *s, char **text, const char *what)
{
	if (!*text)
		return;
	note(s, "%s", what);
	free(*text);
	*text = NULL;
}

static void drop_list(const struct settling *s, struct strlist *list, const char *what)
{
	if (list->n)
		note(s, "%s", what);
	strlist_done(list);
}

static void drop_flag(const struct settling *s, bool *flag, const char *what)
{
	if (*flag)
		note(s, "%s", what);
	*flag = false;
}

static void drop_number(const struct settling *s, struct opt_i64 *n, const char *what)
{
	if (n->set)
		note(s, "%s", what);
	n->set = false;
}

/* ---- who it is -------------------------------------------------------------------------- */

static void settle_user(const struct settling *s)
{
	struct container_security *sec = &s->c->security;
	cleanup_free char *user = steal_ptr(&sec->user);
	char *group = user ? strchr(user, ':') : NULL;
	int64_t uid = 0, gid = 0;

	if (!user)
		return;
	if (group)
		*group++ = '\0';
	if ((*user && parse_i64(user, 0, UINT32_MAX - 1, &uid) < 0) ||
	    (group && *group && parse_i64(group, 0, UINT32_MAX - 1, &gid) < 0)) {
		note(s, "the user '%s%s%s' by name", user, group ? ":" : "", group ? group : "");
		return;
	}
	if (*user)
		sec->run_as_user = (struct opt_i64){ true, uid };
	if (group && *group)
		sec->run_as_group = (struct opt_i64){ true, gid };
}

/* Supplementary groups are the pod's there. */
static void settle_groups(const struct settling *s)
{
	struct strlist *groups = &s->c->security.groups;
	int64_t gid;

	for (size_t i = 0; i < groups->n; i++) {
		if (s->plan->n_containers > 1 ||
		    parse_i64(groups->v[i], 0, UINT32_MAX - 1, &gid) < 0)
			note(s, "the group '%s'", groups->v[i]);
		else
			strlist_add(&s->plan->pod.security.supplemental_groups, groups->v[i]);
	}
	strlist_done(groups);
}

static void settle_security(const struct settling *s)
{
	struct container_security *sec = &s->c->security;

	settle_user(s);
	settle_groups(s);
	drop_text(s, &sec->seccomp_file, "the seccomp profile by its path");
	drop_list(s, &sec->mask, "what is masked");
	drop_list(s, &sec->unmask, "what is unmasked");
	drop_text(s, &sec->proc_options, "the options of /proc");
	drop_text(s, &sec->umask, "--umask");
}

/* ---- resources -------------------------------------------------------------------------- */

static void settle_cpu(const struct settling *s)
{
	struct resources *r = &s->c->resources;

	if (r->cpu_quota_us.set && r->cpu_quota_us.value > 0 && !r->cpu_limit_milli.set) {
		int64_t period = r->cpu_period_us.set ? r->cpu_period_us.value : 100000;

		r->cpu_limit_milli =
			(struct opt_i64){ true, r->cpu_quota_us.value * 1000 / period };
		r->cpu_quota_us.set = r->cpu_period_us.set = false;
	}
	if (r->cpu_shares.set && !r->cpu_request_milli.set) {
		r->cpu_request_milli =
			(struct opt_i64){ true, r->cpu_shares.value * 1000 / SHARES_PER_CORE };
		r->cpu_shares.set = false;
	}
	drop_number(s, &r->cpu_shares, "--cpu-shares beside a request");
	drop_number(s, &r->cpu_period_us, "--cpu-period");
	drop_number(s, &r->cpu_quota_us, "--cpu-quota beside a limit");
	drop_text(s, &r->cpuset_cpus, "--cpuset-cpus");
	drop_text(s, &r->cpuset_mems, "--cpuset-mems");
}

static void settle_resources(const struct settling *s)
{
	struct resources *r = &s->c->resources;

	settle_cpu(s);
	if (r->memory_swap_assumed)
		r->memory_swap_bytes.set = false;
	drop_number(s, &r->memory_swap_bytes, "--memory-swap");
	drop_number(s, &r->memory_swappiness, "--memory-swappiness");
	drop_number(s, &r->pids_limit, "--pids-limit");
	drop_number(s, &r->blkio_weight, "--blkio-weight");
	drop_list(s, &r->blkio_devices, "limits of block devices");
	drop_list(s, &r->device_cgroup_rules, "--device-cgroup-rule");
	drop_flag(s, &r->oom_kill_disable, "--oom-kill-disable");
	for (size_t i = 0; i < s->c->ulimits.n; i++)
		note(s, "--ulimit %s", s->c->ulimits.v[i].name);
	ulimit_list_done(&s->c->ulimits);
}

/* ---- life ------------------------------------------------------------------------------- */

static int64_t seconds_of(int64_t ns)
{
	return (ns + NS_PER_SECOND - 1) / NS_PER_SECOND;
}

static void set_probe(struct probe_spec *p, struct strlist *argv, int64_t period_ns,
		      int64_t timeout_ns)
{
	p->action.kind = ACTION_EXEC;
	strlist_copy(&p->action.argv, argv);
	p->period_s = period_ns > 0 ? seconds_of(period_ns) : 30;
	p->timeout_s = timeout_ns > 0 ? seconds_of(timeout_ns) : 30;
	p->success_threshold = 1;
	p->failure_threshold = 3;
}

/* One that acts is a liveness probe; one that only tells is a readiness probe. */
static void settle_health(const struct settling *s)
{
	struct health_spec *h = &s->c->health;
	bool acts = h->on_failure != HEALTH_NONE;
	struct probe_spec *p = &s->c->probes[acts ? PROBE_LIVENESS : PROBE_READINESS];

	if (h->test.n && p->action.kind == ACTION_NONE) {
		set_probe(p, &h->test, h->interval_ns, h->timeout_ns);
		p->initial_delay_s = seconds_of(h->start_period_ns);
		if (h->retries > 0)
			p->failure_threshold = h->retries;
		strlist_addf(s->notes, "container '%s': its health check is written as a %s probe",
			     s->c->name, acts ? "liveness" : "readiness");
	}
	if (h->startup_test.n && s->c->probes[PROBE_STARTUP].action.kind == ACTION_NONE) {
		p = &s->c->probes[PROBE_STARTUP];
		set_probe(p, &h->startup_test, h->startup_interval_ns, h->startup_timeout_ns);
		if (h->startup_retries > 0)
			p->failure_threshold = h->startup_retries;
	}
	strlist_done(&h->test);
	strlist_done(&h->startup_test);
	*h = (struct health_spec){ .interval_ns = 0 };
}

static void settle_log(const struct settling *s)
{
	struct log_spec *log = &s->c->log;

	if (log->driver != LOG_K8S_FILE && log->driver != LOG_JSON_FILE)
		note(s, "the log driver '%s'", log_driver_names[log->driver]);
	if (log->max_bytes)
		note(s, "the size of its log");
	drop_text(s, &log->path, "the path of its log");
	drop_text(s, &log->tag, "the tag of its log");
	log->driver = LOG_K8S_FILE;
	log->max_bytes = 0;
}

static void settle_secrets(const struct settling *s)
{
	struct secret_use_list *list = &s->c->secrets;

	for (size_t i = 0; i < list->n; i++) {
		note(s, "the secret '%s'", list->v[i].name);
		free(list->v[i].name);
		free(list->v[i].target);
	}
	free(list->v);
	*list = (struct secret_use_list){ 0 };
}

static void settle_life(const struct settling *s)
{
	struct container_spec *c = s->c;

	if (c->labels.n)
		note(s, "labels of a container");
	if (c->annotations.n)
		note(s, "annotations of a container");
	pairlist_done(&c->labels);
	pairlist_done(&c->annotations);
	drop_number(s, &c->restart_retries, "the number of restarts");
	drop_number(s, &c->run_timeout_s, "--timeout");
	drop_flag(s, &c->unless_stopped, "\"unless-stopped\" (it is written as Always)");
	drop_list(s, &c->unset_env, "--unsetenv");
	drop_flag(s, &c->unset_env_all, "--unsetenv-all");
	drop_flag(s, &c->auto_remove, "--rm");
	drop_flag(s, &c->init, "--init");
	drop_flag(s, &c->host_cgroupns, "--cgroupns=host");
	drop_flag(s, &c->no_passwd, "--passwd=false");
	drop_text(s, &c->passwd_entry, "--passwd-entry");
	drop_text(s, &c->group_entry, "--group-entry");
	drop_text(s, &c->timezone, "--tz");
	drop_text(s, &c->pid_file, "--pidfile");
	drop_text(s, &c->monitor_pid_file, "--conmon-pidfile");
	drop_list(s, &c->required, "--requires");
	if (c->read_only_tmpfs && c->security.read_only_root.value)
		note(s, "--read-only-tmpfs");
	c->read_only_tmpfs = c->init_once = false;
	settle_health(s);
	settle_log(s);
	settle_secrets(s);
}

/* ---- mounts ----------------------------------------------------------------------------- */

static struct volume_spec *find_volume(struct pod_plan *plan, const char *name)
{
	for (size_t i = 0; i < plan->pod.volumes.n; i++)
		if (is_equal(plan->pod.volumes.v[i].name, name))
			return &plan->pod.volumes.v[i];
	return NULL;
}

static void settle_tmpfs(const struct settling *s, struct volume_spec *v)
{
	char *rest = v->tmpfs_options, *word;

	v->kind = VOLUME_EMPTY_DIR;
	v->memory = true;
	while (rest && (word = strsep(&rest, ","))) {
		if (is_prefix(word, "size=") && quantity_parse_size(word + 5, &v->size_bytes) == 0)
			continue;
		if (*word && !is_equal(word, "rw"))
			note(s, "the option '%s' of a tmpfs", word);
	}
	free(v->tmpfs_options);
	v->tmpfs_options = NULL;
}

/* Of the image's own VOLUME, which it gets again when it is played: nothing is to be written. */
static bool is_of_image(const struct container_spec *c, const struct mount_spec *m,
			const struct volume_spec *v)
{
	return v->kind == VOLUME_NAMED && v->anonymous &&
	       strlist_has(&c->config.volumes, m->target);
}

static void done_mount(struct mount_spec *m)
{
	free(m->volume);
	free(m->target);
	free(m->sub_path);
	strlist_done(&m->options);
}

static void settle_mounts(const struct settling *s)
{
	struct mount_list *l = &s->c->mounts;
	size_t kept = 0;

	for (size_t i = 0; i < l->n; i++) {
		struct mount_spec *m = &l->v[i];
		struct volume_spec *v = find_volume(s->plan, m->volume);

		if (v && is_of_image(s->c, m, v)) {
			done_mount(m);
			continue;
		}
		for (size_t k = 0; k < m->options.n; k++)
			note(s, "the option '%s' of the mount at '%s'", m->options.v[k], m->target);
		strlist_done(&m->options);
		if (v && v->kind == VOLUME_TMPFS)
			settle_tmpfs(s, v);
		else if (v && v->kind == VOLUME_NAMED && v->anonymous)
			v->kind = VOLUME_EMPTY_DIR;
		l->v[kept++] = *m;
	}
	l->n = kept;
}

/* ---- all of it -------------------------------------------------------------------------- */

static void settle_image(const struct settling *s)
{
	static const char *const words[][2] = { { "always", "Always" },
						{ "missing", "IfNotPresent" },
						{ "never", "Never" },
						{ "newer", "Always" } };
	struct container_spec *c = s->c;

	if (!is_empty(c->config.reference)) {
		free(c->image);
		c->image = xstrdup(c->config.reference);
	}
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (!is_equal(c->pull_policy, words[i][0]))
			continue;
		free(c->pull_policy);
		c->pull_policy = xstrdup(words[i][1]);
	}
}

void handmade_settle_container(struct pod_plan *plan, struct container_spec *c,
			       struct strlist *notes)
{
	const struct settling s = { .plan = plan, .c = c, .notes = notes };

	settle_image(&s);
	settle_security(&s);
	settle_resources(&s);
	settle_life(&s);
	settle_mounts(&s);
}
