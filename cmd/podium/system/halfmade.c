/* SPDX-License-Identifier: Apache-2.0 */
/*
 * halfmade - pods and containers that were never completed, or not wholly removed.
 *
 * Theory of operation: a pod's directory is there before anything else of it and goes last, so what a
 * killed command left is a pod without the mark "complete" (or with "removing") that nobody works on:
 * its lock and its conductor's are free. It goes by the ways down of removal. What somebody makes or
 * removes at this moment holds a lock and is not looked at.
 */
#include "cmd/podium/system/halfmade.h"

#include "cmd/podium/base/format.h"
#include "cmd/podium/container/view.h"
#include "cmd/podium/pod/pods.h"
#include "engine/base/mem.h"
#include "engine/pod/lookup.h"
#include "engine/pod/pod.h"

/* What is said of one. */
static void tell(const char *kind, const char *id, const char *name, bool is_removed)
{
	cleanup_free char *line = is_removed ? xasprintf("Removed: %s %.12s%s%s", kind, id,
							 name ? " " : "", name ? name : "")
					     : xasprintf("Incomplete: %s %.12s%s%s", kind, id,
							 name ? " " : "", name ? name : "");

	format_print_line(line);
}

static int remove_pod(const struct store *s, const char *id, struct error *err)
{
	cleanup_strlist struct strlist one = { 0 };
	int r;

	strlist_add(&one, id);
	r = pods_stop_to_remove(s, &one, 0, err);
	return r < 0 ? r : pod_remove(s, id, err);
}

static int check_pod(const struct store *s, const char *id, bool repair, struct error *err)
{
	struct pod_spec pod = { 0 };
	struct error scratch; /* without a record it has no name */
	int r = 0;

	if (!is_pod_debris(s, id))
		return 0;
	if (lookup_read_pod(s, id, &pod, &scratch) < 0)
		pod = (struct pod_spec){ 0 };
	if (repair)
		r = remove_pod(s, id, err);
	if (r == 0)
		tell(pod.solo ? "container" : "pod", id, pod.name, repair);
	record_done(&pod_spec_type, &pod);
	return r < 0 ? r : !repair;
}

int halfmade_check(const struct store *s, bool repair, struct error *err)
{
	cleanup_strlist struct strlist pods = { 0 };
	int left = 0;
	int r = lookup_list_pods(s, &pods, err);

	for (size_t i = 0; i < pods.n && r >= 0; i++) {
		r = check_pod(s, pods.v[i], repair, err);
		left += r > 0;
	}
	return r < 0 ? r : left;
}
