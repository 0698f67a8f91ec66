/* SPDX-License-Identifier: Apache-2.0 */
/*
 * play_service - the service container of a play, as Podman's systemd units want it.
 *
 * Theory of operation: it is called after the SHA-256 of the YAML, and is a container by itself whose
 * program is podium's pause. It is there and runs before the pods are made, whose records name it;
 * from then on their conductors and its own see to the rest (engine/conductor/service.c). Until the
 * pods are up this command counts as one of them, by a socket of its own: it may be killed at any
 * moment.
 */
#include "cmd/podium/play/play_service.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmd/podium/pod/pods.h"
#include "engine/base/lock.h"
#include "engine/base/mem.h"
#include "engine/pod/lookup.h"
#include "engine/pod/pod.h"
#include "engine/process/ctl.h"

#define NAME_DIGITS 12
#define LOCK_MS	    10000
#define ANSWER_MS   10000
#define PROGRAM	    "/podium-pause"

int play_service_policy(const char *word, int *ret, struct error *err)
{
	*ret = SERVICE_EXIT_NONE;
	for (int i = 0; word && i < SERVICE_EXIT__COUNT; i++) {
		if (is_equal(word, service_exit_names[i])) {
			*ret = i;
			return 0;
		}
	}
	return word ? error_set(err, EINVAL,
				"--service-exit-code-propagation '%.40s' is not all, any or none",
				word)
		    : 0;
}

static bool makes_pods(const struct kube_result *result)
{
	for (size_t i = 0; i < result->n; i++)
		if (!is_prefix(result->v[i].pod.controller ? result->v[i].pod.controller : "",
			       "DaemonSet/"))
			return true;
	return false;
}

/* A prefix of an id is not a name. */
static int find(const struct store *s, struct play_service *v, struct error *err)
{
	struct container_spec c = { 0 };
	struct error scratch; /* it is not there */
	int r = 0;

	*v->id = '\0';
	if (lookup_container(s, v->name, v->id, &scratch) < 0)
		return 0;
	if (lookup_read_container(s, v->id, &c, &scratch) == 0 && is_equal(c.full_name, v->name) &&
	    c.service)
		memcpy(v->pod_id, c.pod_id, sizeof(v->pod_id));
	else if (is_equal(c.full_name, v->name))
		r = error_set(err, EEXIST, "container '%s' exists and is no service container",
			      v->name);
	else
		*v->id = '\0';
	record_done(&container_spec_type, &c);
	return r;
}

int play_service_plan(const struct store *s, const struct kube_result *result,
		      struct play_service *ret, struct error *err)
{
	ret->is_wanted = makes_pods(result);
	if (!ret->is_wanted)
		return 0;
	ret->name = xasprintf("%.*s" SERVICE_NAME_SUFFIX, NAME_DIGITS, result->digest);
	return find(s, ret, err);
}

/* ---- making it --------------------------------------------------------------------------- */

/* It waits for the slowest pod before it has those killed that do not end. */
static int64_t longest_grace(const struct kube_result *result)
{
	int64_t most = HAND_GRACE_SECONDS;

	for (size_t i = 0; i < result->n; i++) {
		const struct pod_plan *p = &result->v[i];

		if (pod_grace_seconds(&p->pod) > most)
			most = pod_grace_seconds(&p->pod);
		for (size_t k = 0; k < p->n_containers; k++)
			if (p->containers[k].stop_timeout_s.set &&
			    p->containers[k].stop_timeout_s.value > most)
				most = p->containers[k].stop_timeout_s.value;
	}
	return most;
}

static void fill_plan(const struct play_service *v, const struct kube_result *result,
		      struct pod_plan *ret)
{
	struct container_spec *c = xcalloc(1, sizeof(*c));

	ret->containers = c;
	ret->n_containers = 1;
	ret->pod.solo = ret->pod.exit_with_members = true;
	ret->pod.name = xstrdup(v->name);
	ret->pod.network = NETWORK_NONE;
	ret->pod.no_hosts = ret->pod.no_hostname = true;
	ret->pod.restart = c->restart = RESTART_NEVER;
	ret->pod.service_exit = v->exit;
	ret->pod.grace_seconds = (struct opt_i64){ true, longest_grace(result) };
	c->name = xstrdup(v->name);
	c->full_name = xstrdup(v->name);
	c->service = true;
	c->image = xstrdup(INFRA_IMAGE);
	c->config.reference = xstrdup(INFRA_IMAGE);
	strlist_add(&c->config.entrypoint, PROGRAM);
	strlist_add(&c->security.cap_drop, "ALL");
	c->security.allow_privilege_escalation = (struct opt_bool){ true, false };
	c->log.driver = LOG_NONE;
}

static int create(const struct store *s, struct play_service *v, const struct kube_result *result,
		  struct error *err)
{
	struct pod_plan plan = { 0 };
	struct pod_creation creation = { .lock_fd = -1 };
	cleanup_strlist struct strlist ids = { 0 };
	int r;

	fill_plan(v, result, &plan);
	r = pod_create(s, &plan, &creation, err);
	if (r == 0) {
		memcpy(v->id, plan.containers[0].id, sizeof(v->id));
		memcpy(v->pod_id, plan.pod.id, sizeof(v->pod_id));
		v->lock_fd = steal_fd(&creation.lock_fd);
		strlist_add(&ids, v->pod_id);
		/* It is of no use without its pods, whose commit is the wait for the disk. */
		r = pod_commit_fleeting(s, &ids, err);
	}
	pod_plan_done(&plan);
	return r;
}

static int start(const struct store *s, const struct play_service *v, struct error *err)
{
	cleanup_strlist struct strlist ids = { 0 };
	int r;

	strlist_add(&ids, v->pod_id);
	r = pods_start(s, &ids, false, err);
	return r > 0 ? error_set(err, EIO, "service container '%s' does not start", v->name) : r;
}

/* 0: held. -EAGAIN: it ends just now. */
static int hold(const struct store *s, struct play_service *v, struct error *err)
{
	cleanup_close int fd = ctl_connect_name(s, v->id, CTL_SOLO_SOCKET, err);
	struct ctl_msg msg;

	if (fd == -ENOENT || fd == -ECONNREFUSED)
		return -EAGAIN;
	if (fd < 0)
		return fd;
	if (ctl_send(fd, CTL_SERVE, 0, NULL) < 0 || ctl_wait(fd, ANSWER_MS, &msg) <= 0 ||
	    msg.type != CTL_OK)
		return -EAGAIN;
	v->hold_fd = steal_fd(&fd);
	return 0;
}

static int start_and_hold(const struct store *s, struct play_service *v, struct error *err)
{
	int r = -EAGAIN;

	for (int i = 0; r == -EAGAIN && i < 10; i++) {
		r = start(s, v, err);
		if (r == 0)
			r = hold(s, v, err);
	}
	return r == -EAGAIN
		       ? error_set(err, EBUSY, "service container '%s' does not stay up", v->name)
		       : r;
}

static int take(const struct store *s, struct play_service *v, struct error *err)
{
	char path[LAYOUT_PATH_MAX];

	v->lock_fd = lock_take(s->rootfd, layout_pod(path, v->pod_id, POD_LOCK), LOCK_EXCLUSIVE,
			       LOCK_MS, err);
	return v->lock_fd < 0 && v->lock_fd != -ENOENT && v->lock_fd != -ESTALE ? v->lock_fd : 0;
}

int play_service_begin(const struct store *s, struct play_service *v, struct kube_result *result,
		       struct error *err)
{
	int r;

	if (!v->is_wanted)
		return 0;
	r = find(s, v, err);
	if (r == 0 && *v->id)
		r = take(s, v, err);
	if (r == 0 && v->lock_fd < 0)
		r = create(s, v, result, err);
	if (r == 0)
		r = start_and_hold(s, v, err);
	if (r < 0) {
		play_service_undo(s, v);
		return r;
	}
	for (size_t i = 0; i < result->n; i++) {
		free(result->v[i].pod.service);
		result->v[i].pod.service = xstrdup(v->id);
	}
	return 0;
}

/* ---- afterwards -------------------------------------------------------------------------- */

void play_service_made(struct play_service *v)
{
	close_fd(&v->lock_fd);
}

void play_service_let_go(struct play_service *v)
{
	play_service_made(v);
	close_fd(&v->hold_fd);
}

void play_service_undo(const struct store *s, struct play_service *v)
{
	struct error scratch; /* another error is told */

	play_service_let_go(v);
	if (v->is_wanted && *v->id)
		error_ignore(pod_release_service(s, v->id, &scratch));
}

long play_service_pid(const struct store *s, const struct play_service *v)
{
	struct container_status st = { 0 };
	struct error scratch; /* it has ended, and its pods with it */
	bool lost = false;
	long pid = 0;

	if (v->is_wanted && status_read(s, v->id, &st, &scratch) == 0 &&
	    status_live(s, v->id, &st, &lost) == STATE_RUNNING && !lost)
		pid = st.monitor_pid;
	status_done(&st);
	return pid;
}

void play_service_done(struct play_service *v)
{
	play_service_let_go(v);
	free(v->name);
}
