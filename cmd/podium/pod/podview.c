/* SPDX-License-Identifier: Apache-2.0 */
/*
 * podview - pods from their containers' state records.
 *
 * Theory of operation: a pod's name, creation time and state all stand in its containers'
 * state.json (the infra container is created with the pod), so pod.json is not read: that keeps the
 * cost of `pod ps` at one small file a container. Containers are sorted by pod id once, and each
 * pod takes its stretch of them. Only a pod without containers, which a crash leaves, is asked by
 * its own record, and when there is none by the claims in names/.
 */
#include "cmd/podium/pod/podview.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "engine/base/mem.h"

static int compare_pod_id(const void *a, const void *b)
{
	const struct container_view *x = *(const struct container_view *const *)a;
	const struct container_view *y = *(const struct container_view *const *)b;
	int order = strcmp(x->st.pod_id, y->st.pod_id);

	return order ? order : (x > y) - (x < y);
}

static int compare_id(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int pod_views_compare_age(const void *a, const void *b)
{
	const struct pod_view *x = a, *y = b;

	if (x->created_ns != y->created_ns)
		return x->created_ns > y->created_ns ? -1 : 1;
	return strcmp(x->name, y->name);
}

/* The name that names/ claims for a pod, or NULL. The caller owns it. */
static char *find_claim(const struct store *s, const char *pod_id)
{
	int fd = openat(s->rootfd, "names", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	cleanup_dir DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;
	char target[LAYOUT_PATH_MAX], text[LAYOUT_PATH_MAX];

	(void)layout_pod(target, pod_id, NULL);
	while (dir && (e = readdir(dir))) {
		ssize_t n = readlinkat(dirfd(dir), e->d_name, text, sizeof(text) - 1);

		if (n > 0 && (size_t)n == strlen(target) && memcmp(text, target, (size_t)n) == 0)
			return xstrdup(e->d_name);
	}
	return NULL;
}

/* For a pod that no container tells about. */
static void fill_from_record(const struct store *s, struct pod_view *pod)
{
	struct pod_spec spec;
	struct error scratch; /* debris: what is not there is not known */

	if (lookup_read_pod(s, pod->id, &spec, &scratch) == 0) {
		pod->name = xstrdup_or_null(spec.name);
		pod->created_ns = spec.created_ns;
		record_done(&pod_spec_type, &spec);
	}
	if (!pod->name)
		pod->name = find_claim(s, pod->id);
	if (!pod->name)
		pod->name = xstrndup(pod->id, SHORT_ID_LEN);
}

static void add_member(struct pod_view *pod, const struct container_view *view)
{
	pod->members = xreallocarray(pod->members, pod->n_members + 1, sizeof(*pod->members));
	pod->members[pod->n_members++] = view;
	lookup_tally_add(&pod->tally, &view->st, view->live);
	if (view->st.infra) {
		pod->infra = view;
		pod->created_ns = view->st.created_ns;
	}
	if (!pod->name)
		pod->name = xstrdup_or_null(view->st.pod_name);
	if (!pod->created_ns)
		pod->created_ns = view->st.created_ns;
}

static void finish(const struct store *s, struct pod_view *pod)
{
	enum pod_phase phase = lookup_pod_phase(s, pod->id);

	if (!pod->name)
		fill_from_record(s, pod);
	pod->debris = phase != POD_COMPLETE && is_pod_debris(s, pod->id);
	pod->state = lookup_tally_state(&pod->tally);
	if (pod->debris)
		pod->state = phase == POD_REMOVING ? "Removing" : "Incomplete";
}

int pod_views_load(const struct store *s, const struct container_views *views,
		   struct pod_views *ret, struct error *err)
{
	cleanup_free const struct container_view **by_pod =
		xcalloc(views->n ? views->n : 1, sizeof(struct container_view *));
	cleanup_strlist struct strlist ids = { 0 };
	size_t n = 0, next = 0;
	int r = lookup_list_pods(s, &ids, err);

	*ret = (struct pod_views){ 0 };
	if (r < 0)
		return r;
	for (size_t i = 0; i < views->n; i++)
		if (views->v[i].st.pod_id)
			by_pod[n++] = &views->v[i];
	if (n)
		qsort((void *)by_pod, n, sizeof(*by_pod), compare_pod_id);
	ret->v = xcalloc(ids.n ? ids.n : 1, sizeof(*ret->v));
	if (ids.n)
		qsort(ids.v, ids.n, sizeof(*ids.v), compare_id);
	for (size_t i = 0; i < ids.n; i++) {
		struct pod_view *pod = &ret->v[ret->n];

		*pod = (struct pod_view){ .name = NULL };
		memcpy(pod->id, ids.v[i], sizeof(pod->id));
		while (next < n && strcmp(by_pod[next]->st.pod_id, pod->id) < 0)
			next++;
		for (; next < n && strcmp(by_pod[next]->st.pod_id, pod->id) == 0; next++)
			add_member(pod, by_pod[next]);
		if (pod->n_members && pod->members[0]->st.solo) {
			free(pod->name);
			free(pod->members);
			continue;
		}
		finish(s, pod);
		ret->n++;
	}
	if (ret->n)
		qsort(ret->v, ret->n, sizeof(*ret->v), pod_views_compare_age);
	return 0;
}

void pod_views_done(struct pod_views *pods)
{
	for (size_t i = 0; i < pods->n; i++) {
		free(pods->v[i].name);
		free(pods->v[i].members);
	}
	free(pods->v);
	*pods = (struct pod_views){ 0 };
}

char *pod_view_status(const struct pod_view *pod)
{
	if (!pod->debris)
		return xstrdup(pod->state);
	return xasprintf("Incomplete (remove with: podium pod rm -f %s)", pod->name);
}
