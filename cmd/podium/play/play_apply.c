/* SPDX-License-Identifier: Apache-2.0 */
/*
 * play_apply - pods are made, started, made durable, or undone.
 *
 * Theory of operation: pods are created one after the other and their conductors started at once,
 * so that they come up beside each other; the records are made durable by one wait for the disk for
 * all. A pod that could not be built is removed again: nothing is left of it. One whose containers
 * fail stays and is retried by its policy, as the kubelet does.
 */
#include "cmd/podium/play/play.h"

#include <stdio.h>

#include "engine/base/mem.h"
#include "engine/base/trace.h"
#include "engine/pod/lookup.h"

int play_remove_old(const struct store *s, struct played *v, size_t n, struct error *err)
{
	cleanup_strlist struct strlist ids = { 0 };
	int r = 0;

	for (size_t i = 0; i < n; i++)
		if (v[i].act == PLAY_REPLACE)
			strlist_add(&ids, v[i].id);
	if (ids.n)
		r = pods_stop(s, &ids, -1, err);
	for (size_t i = 0; i < ids.n && r == 0; i++)
		r = pod_remove(s, ids.v[i], err);
	return r;
}

bool play_has_old(const struct played *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (v[i].act == PLAY_REPLACE)
			return true;
	return false;
}

/* Undoes what this command has made. */
void play_roll_back(const struct store *s, struct played *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		cleanup_strlist struct strlist one = { 0 };
		struct error scratch;

		if (!v[i].created)
			continue;
		pod_creation_done(&v[i].creation);
		strlist_add(&one, v[i].id);
		error_ignore(pods_stop(s, &one, 0, &scratch));
		error_ignore(pod_remove(s, v[i].id, &scratch));
		v[i].created = false;
	}
}

/* Creates and starts. */
int play_make(const struct store *s, const struct play_options *o, struct played *v, size_t n,
	      struct pod_start_result *reports, struct error *err)
{
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++) {
		if (v[i].act != PLAY_KEEP) {
			r = pod_create(s, v[i].plan, &v[i].creation, err);
			if (r < 0)
				break;
			v[i].created = true;
			(void)snprintf(v[i].id, sizeof(v[i].id), "%s", v[i].plan->pod.id);
		}
		reports[i] =
			(struct pod_start_result){ .report_fd = -1, .store = s, .pod_id = v[i].id };
		trace("pod '%s' created", v[i].plan->pod.name);
		if (!o->start || (v[i].act == PLAY_KEEP && is_pod_conducted(s, v[i].id)))
			reports[i].done = reports[i].up = true;
		else if (v[i].act == PLAY_KEEP && is_pod_active(s, v[i].id))
			r = pod_adopt(s, v[i].id, &reports[i].report_fd, err);
		else
			r = pods_order_start(s, v[i].id, NULL, &reports[i], err);
		reports[i].name = v[i].plan->pod.name;
		r = r > 0 ? 0 : r;
	}
	return r;
}

/* One wait for the disk for all pods that were made. */
int play_commit(const struct store *s, struct played *v, size_t n, struct error *err)
{
	cleanup_strlist struct strlist ids = { 0 };
	int r;

	for (size_t i = 0; i < n; i++)
		if (v[i].created)
			strlist_add(&ids, v[i].id);
	r = ids.n ? pod_commit(s, &ids, err) : 0;
	for (size_t i = 0; i < n; i++)
		pod_creation_done(&v[i].creation);
	trace("durable");
	return r;
}

/* ---- what is said ----------------------------------------------------------------------- */

void play_print_ids(const struct store *s, const char *pod_id)
{
	struct pod_spec pod = { 0 };
	struct error scratch; /* gone meanwhile */
	size_t members = 0;

	if (lookup_read_pod(s, pod_id, &pod, &scratch) < 0)
		return;
	for (size_t i = 0; i < pod.containers.n; i++)
		members += !pod.containers.v[i].init;
	printf("Pod:\n%s\n%s:\n", pod_id, members == 1 ? "Container" : "Containers");
	for (size_t i = 0; i < pod.containers.n; i++)
		if (!pod.containers.v[i].init)
			printf("%s\n", pod.containers.v[i].id);
	printf("\n");
	record_done(&pod_spec_type, &pod);
}

static void print_played(const struct store *s, const struct played *p)
{
	static const char *const words[] = {
		[PLAY_CREATE] = "created", [PLAY_KEEP] = "unchanged", [PLAY_REPLACE] = "configured"
	};

	fprintf(stderr, "pod '%s' %s\n", p->plan->pod.name, words[p->act]);
	play_print_ids(s, p->id);
}

int play_finish(const struct store *s, struct played *v, size_t n,
		const struct pod_start_result *reports)
{
	int code = 0;

	for (size_t i = 0; i < n; i++) {
		if (reports[i].not_built && v[i].created) {
			play_roll_back(s, &v[i], 1);
			code = 125;
			continue;
		}
		if (reports[i].failures)
			code = 125;
		print_played(s, &v[i]);
	}
	return code;
}
