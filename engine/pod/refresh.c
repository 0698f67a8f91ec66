/* SPDX-License-Identifier: Apache-2.0 */
/*
 * refresh - files of running pods after their ConfigMaps and Secrets have changed.
 *
 * Theory of operation: the pod's record says which volumes are made of objects, the sandbox's where
 * they lie; they are swapped there, through the pause process (engine/process/projection.h). A pod
 * without such volumes costs one record. Nothing is entered and no lock is taken: two refreshes at
 * once both end with what the store says, and the last word is one of theirs.
 */
#include "engine/pod/refresh.h"

#include <errno.h>

#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/pod/lookup.h"
#include "engine/process/launch.h"
#include "engine/process/projection.h"

#define SANDBOX_BYTES 65536

static bool has_projections(const struct pod_spec *pod)
{
	for (size_t i = 0; i < pod->volumes.n; i++)
		if (is_projection_volume(pod->volumes.v[i].kind))
			return true;
	return false;
}

static int refresh_sandbox(const struct store *s, const struct pod_spec *pod, struct error *err)
{
	struct sandbox_record sb = { 0 };
	char path[LAYOUT_PATH_MAX];
	cleanup_json json_t *j = NULL;
	struct error why;
	int r;

	if (s->runfd < 0)
		return 0;
	r = jload_file(s->runfd, layout_pod(path, pod->id, "sandbox.json"), SANDBOX_BYTES, &j,
		       &why);
	if (r == -ENOENT)
		return 0;
	if (r == 0)
		r = record_load(&sandbox_record_type, j, &sb, &why);
	if (r == 0)
		r = sandbox_refresh_volumes(s, pod, &sb, &why);
	record_done(&sandbox_record_type, &sb);
	/* It ended meanwhile: its next start makes everything anew. */
	if (r == -ESRCH)
		return 0;
	if (r < 0)
		*err = why;
	return r;
}

int pod_refresh_volumes(const struct store *s, const char *pod_id, struct error *err)
{
	struct pod_spec pod;
	int r = lookup_read_pod(s, pod_id, &pod, err);

	if (r < 0)
		return r;
	if (has_projections(&pod))
		r = refresh_sandbox(s, &pod, err);
	if (r < 0)
		r = error_wrap(err, "pod '%s'", pod.name ? pod.name : pod_id);
	record_done(&pod_spec_type, &pod);
	return r;
}
