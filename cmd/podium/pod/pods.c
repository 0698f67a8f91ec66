/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pods - many pods at once.
 *
 * Theory of operation: a pod is started or stopped by its conductor; the command only asks and
 * watches. So all pods are asked first and watched together: n pods take as long as the slowest.
 */
#include "cmd/podium/pod/pods.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "cmd/podium/base/command.h"
#include "engine/base/clock.h"
#include "engine/base/lock.h"
#include "engine/base/mem.h"
#include "engine/pod/lookup.h"
#include "engine/pod/pod.h"
#include "engine/process/ctl.h"
#include "engine/state/status.h"

static void finish(struct pod_start_result *r)
{
	if (r->report_fd >= 0)
		(void)close(r->report_fd);
	r->report_fd = -1;
	r->done = true;
	strlist_done(&r->warned);
}

static void print_failure(struct pod_start_result *r, const char *text)
{
	struct error err;

	(void)error_set(&err, EIO, "%s", text);
	if (r->name)
		(void)error_wrap(&err, "pod '%s'", r->name);
	command_print_error(&err);
	r->failures++;
}

/* The same warning about several containers is said once, without their names. */
static void print_warning(struct pod_start_result *r, const char *text)
{
	const char *what = is_prefix(text, "container '") ? strstr(text, "': ") : NULL;

	what = what ? what + 3 : text;
	if (strlist_has(&r->warned, what))
		return;
	strlist_add(&r->warned, what);
	command_print_warning(what);
}

static void print_of_pod(const struct pod_start_result *r, const char *text)
{
	cleanup_free char *whole = xasprintf("pod '%s': %s", r->name ? r->name : "", text);

	command_print_warning(r->name ? whole : text);
}

/* The pod's conductor takes no orders: it is ending. The next one is waited for and gets the order. */
static void order_again(struct pod_start_result *r)
{
	struct error err;

	if (r->report_fd >= 0)
		(void)close(r->report_fd);
	r->report_fd = -1;
	if (pod_start(r->store, r->pod_id, r->container_id, &r->report_fd, &err) >= 0)
		return;
	print_failure(r, err.text);
	r->not_built = true;
	finish(r);
}

static void handle(struct pod_start_result *r, const struct ctl_msg *msg)
{
	switch ((enum ctl_type)msg->type) {
	case CTL_WARNING:
		if (msg->value > 0)
			print_of_pod(r, msg->text);
		else
			print_warning(r, msg->text);
		break;
	case CTL_FAILED:
		if (msg->value == CTL_STOPPING)
			order_again(r);
		else
			print_failure(r, msg->text);
		break;
	case CTL_INIT_RETRY:
		print_of_pod(r, msg->text);
		r->init_retry = true;
		finish(r);
		break;
	case CTL_UP:
		r->up = true;
		finish(r);
		break;
	case CTL_DONE:
		r->not_built = msg->value == 125;
		r->up = !r->not_built && r->failures == 0;
		finish(r);
		break;
	default:
		break;
	}
}

static void read_report(struct pod_start_result *r)
{
	struct ctl_msg msg;
	int n = ctl_receive(r->report_fd, &msg, NULL);

	if (n > 0) {
		handle(r, &msg);
	} else if (n != -EAGAIN) {
		print_failure(r, "the pod's conductor ended without a word");
		r->not_built = true;
		finish(r);
	}
}

bool pods_watch(struct pod_start_result *v, size_t n, int timeout_ms)
{
	cleanup_free struct pollfd *p = xcalloc(n, sizeof(*p));
	int64_t deadline = clock_mono_ms() + timeout_ms;

	for (;;) {
		int64_t left = deadline - clock_mono_ms();
		size_t open = 0;
		int r;

		for (size_t i = 0; i < n; i++) {
			p[i] = (struct pollfd){ .fd = v[i].done ? -1 : v[i].report_fd,
						.events = POLLIN };
			open += !v[i].done;
		}
		if (open == 0)
			return true;
		r = poll(p, n, timeout_ms < 0 ? -1 : left < 0 ? 0 : (int)left);
		if (r == 0)
			return false;
		for (size_t i = 0; i < n && r > 0; i++)
			if (p[i].revents)
				read_report(&v[i]);
	}
}

int pods_order_start(const struct store *s, const char *pod_id, const char *container_id,
		     struct pod_start_result *ret, struct error *err)
{
	int r;

	*ret = (struct pod_start_result){
		.report_fd = -1, .store = s, .pod_id = pod_id, .container_id = container_id
	};
	r = pod_start(s, pod_id, container_id, &ret->report_fd, err);
	return r < 0 ? r : 0;
}

int pods_start(const struct store *s, const struct strlist *ids, bool print, struct error *err)
{
	cleanup_free struct pod_start_result *v = xcalloc(ids->n, sizeof(*v));
	int code = 0;

	for (size_t i = 0; i < ids->n; i++) {
		int r;

		if (lookup_pod_phase(s, ids->v[i]) == POD_REMOVING)
			return error_set(err, EINVAL, "pod '%.12s' is being removed", ids->v[i]);
		r = pods_order_start(s, ids->v[i], NULL, &v[i], err);
		if (r < 0)
			return r;
		v[i].name = ids->n > 1 ? ids->v[i] : NULL;
	}
	(void)pods_watch(v, ids->n, -1);
	for (size_t i = 0; i < ids->n; i++) {
		if (v[i].failures || v[i].not_built)
			code = 125;
		else if (print)
			printf("%s\n", ids->v[i]);
	}
	return code;
}

/* ---- stop ------------------------------------------------------------------------------- */

/* Without a wish each container has its own. */
static int64_t grace_ms_of(int64_t grace_s)
{
	if (grace_s < 0)
		return -1;
	return grace_s > INT32_MAX / 1000 ? INT32_MAX : grace_s * 1000;
}

static int stop_all(const struct store *s, const struct strlist *ids, int64_t grace_s,
		    bool to_remove, struct error *err)
{
	cleanup_free int *fds = xcalloc(ids->n, sizeof(*fds));
	cleanup_free int64_t *grace = xcalloc(ids->n, sizeof(*grace));
	int first = 0;

	for (size_t i = 0; i < ids->n; i++) {
		struct error scratch;

		grace[i] = grace_ms_of(grace_s);
		if (pod_stop_begin(s, ids->v[i], grace[i], to_remove, &fds[i], &scratch) < 0)
			fds[i] = -1;
	}
	for (size_t i = 0; i < ids->n; i++) {
		struct error one;
		int r = fds[i] >= 0 ? pod_stop_end(s, ids->v[i], fds[i], grace[i], to_remove, &one)
				    : pod_stop_unheard(s, ids->v[i], grace[i], to_remove, &one);

		if (r < 0 && first == 0) {
			first = r;
			*err = one;
		}
	}
	return first;
}

int pods_stop(const struct store *s, const struct strlist *ids, int64_t grace_s, struct error *err)
{
	return stop_all(s, ids, grace_s, false, err);
}

int pods_stop_to_remove(const struct store *s, const struct strlist *ids, int64_t grace_s,
			struct error *err)
{
	return stop_all(s, ids, grace_s, true, err);
}

bool is_pod_active(const struct store *s, const char *pod_id)
{
	struct pod_spec pod = { 0 };
	struct error scratch;
	const char *state;

	if (is_pod_conducted(s, pod_id))
		return true;
	if (lookup_read_pod(s, pod_id, &pod, &scratch) < 0)
		return false;
	state = lookup_pod_state(s, &pod);
	record_done(&pod_spec_type, &pod);
	return is_equal(state, "Running") || is_equal(state, "Degraded") ||
	       is_equal(state, "Paused");
}

/* A build's step that somebody waits for: "all" does not mean it. */
static bool is_at_work(const struct store *s, const char *pod_id)
{
	struct pod_spec pod = { 0 };
	struct error scratch; /* unreadable: no build's that is known */
	char path[LAYOUT_PATH_MAX];
	bool is_build = lookup_pod_phase(s, pod_id) != POD_COMPLETE &&
			is_lock_held(s->rootfd, layout_pod(path, pod_id, POD_LOCK)) &&
			lookup_read_pod(s, pod_id, &pod, &scratch) == 0 &&
			is_equal(pod.owner, POD_OWNER_BUILD);

	record_done(&pod_spec_type, &pod);
	return is_build;
}

static bool is_solo(const struct store *s, const char *pod_id)
{
	struct pod_spec pod = { 0 };
	struct error scratch; /* unreadable: it is shown, so that it can be removed */
	bool solo = lookup_read_pod(s, pod_id, &pod, &scratch) == 0 && pod.solo;

	record_done(&pod_spec_type, &pod);
	return solo;
}

/* Of a build at work, or the infra container of what is no pod to its user. */
static bool is_container_hidden(const struct store *s, const char *id)
{
	struct container_status st = { 0 };
	struct error scratch;
	bool read = status_read(s, id, &st, &scratch) == 0;
	bool hidden =
		read && ((st.solo && st.infra) ||
			 (st.working && st.pod_id && is_id(st.pod_id) && is_at_work(s, st.pod_id)));

	status_done(&st);
	return hidden;
}

static bool is_pod_hidden(const struct store *s, const char *id)
{
	return is_solo(s, id) || is_at_work(s, id);
}

static int list_others(const struct store *s, bool pods, struct strlist *ret, struct error *err)
{
	cleanup_strlist struct strlist ids = { 0 };
	int r = pods ? lookup_list_pods(s, &ids, err) : lookup_list_containers(s, &ids, err);

	for (size_t i = 0; r == 0 && i < ids.n; i++)
		if (!(pods ? is_pod_hidden(s, ids.v[i]) : is_container_hidden(s, ids.v[i])))
			strlist_add(ret, ids.v[i]);
	return r;
}

int pods_list_containers(const struct store *s, struct strlist *ret, struct error *err)
{
	return list_others(s, false, ret, err);
}

int pods_resolve(const struct store *s, int argc, char **argv, bool all, struct strlist *ret,
		 struct error *err)
{
	if (all && argc > 0)
		return error_set(err, EINVAL, "--all and names exclude each other");
	if (all)
		return list_others(s, true, ret, err);
	if (argc == 0)
		return error_set(err, EINVAL, "you must provide at least one pod name or id");
	for (int i = 0; i < argc; i++) {
		char id[65];
		int r = lookup_pod(s, argv[i], id, err);

		if (r < 0)
			return r;
		if (!strlist_has(ret, id))
			strlist_add(ret, id);
	}
	return 0;
}
