/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lookup - names to ids, ids to records, containers to a pod's state.
 *
 * Theory of operation: a name is one symbolic link, names/<name>, whose text is "pods/<id>" or
 * "containers/<id>"; the link is read and never followed. So the common case costs one readlink and
 * one stat, whatever the number of pods. What is no name may be an id (one stat), the short name of
 * a container (the links are scanned for "<pod>-<short>", and a candidate's state.json must agree
 * about the pod's name) or a unique prefix of an id (the directory is scanned).
 *
 * A link whose target is gone counts as absent: removal deletes the directory first and the link
 * last, and a crash may come between them. What a user types is checked before it becomes part of a
 * path: no slash, no leading dot, at most NAME_MAX_BYTES.
 *
 * A pod's phase is told by files beside its record: "complete" was made when nothing was missing,
 * "removing" when its end began; neither is ever renamed, so one faccessat tells. The state of a
 * pod is counted from its containers each time and stored nowhere.
 *
 * Runs in the command, unprivileged but for reading the store. Takes no lock and writes nothing. A
 * record that vanishes while it is read was removed just then: -ENOENT.
 */
#include "engine/pod/lookup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/base/lock.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"

#define NAME_MAX_BYTES	 253
#define NAME_PATH_MAX	 (sizeof("names/") + NAME_MAX_BYTES)
#define LINK_TEXT_MAX	 96
#define RECORD_MAX_BYTES (8 << 20)
#define ID_LEN		 64
#define INFRA_SUFFIX	 "-infra"
#define INFRA_PREFIX_LEN 12

enum kind { KIND_POD, KIND_CONTAINER };
static const char *const kind_dirs[] = { "pods", "containers" };
static const char *const kind_names[] = { "pod", "container" };

static bool is_possible_name(const char *name)
{
	return *name && *name != '.' && !strchr(name, '/') && strlen(name) <= NAME_MAX_BYTES;
}

static bool is_hex(const char *s)
{
	return *s && strspn(s, "0123456789abcdef") == strlen(s) && strlen(s) <= ID_LEN;
}

static bool has_directory(const struct store *s, enum kind kind, const char *id)
{
	char path[LAYOUT_PATH_MAX];
	struct stat st;

	(void)(kind == KIND_POD ? layout_pod(path, id, NULL) : layout_container(path, id, NULL));
	return fstatat(s->rootfd, path, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

/* Reads names/<name>. True when it names a living object of that kind. */
static bool read_name(const struct store *s, enum kind kind, const char *name, char ret_id[65])
{
	char path[NAME_PATH_MAX], text[LINK_TEXT_MAX];
	size_t skip = strlen(kind_dirs[kind]) + 1;
	ssize_t n;

	(void)snprintf(path, sizeof(path), "names/%s", name);
	n = readlinkat(s->rootfd, path, text, sizeof(text) - 1);
	if (n < 0 || (size_t)n != skip + ID_LEN)
		return false;
	text[n] = '\0';
	if (strncmp(text, kind_dirs[kind], skip - 1) != 0 || text[skip - 1] != '/' ||
	    !is_id(text + skip))
		return false;
	memcpy(ret_id, text + skip, ID_LEN + 1);
	return has_directory(s, kind, ret_id);
}

/* Opens a directory of the store for reading. *ret is NULL when it is not there. */
static int open_list(const struct store *s, const char *name, DIR **ret, struct error *err)
{
	cleanup_close int fd = -EBADF;

	*ret = NULL;
	if (s->rootfd < 0)
		return 0;
	fd = openat(s->rootfd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return errno == ENOENT ? 0 : error_errno(err, "open '%s' of the store", name);
	*ret = fdopendir(fd);
	if (!*ret)
		return error_errno(err, "read '%s' of the store", name);
	(void)steal_fd(&fd);
	return 0;
}

static int list_ids(const struct store *s, enum kind kind, struct strlist *ret, struct error *err)
{
	cleanup_dir DIR *dir = NULL;
	const struct dirent *e;
	int r = open_list(s, kind_dirs[kind], &dir, err);

	while (dir && (e = readdir(dir)))
		if (is_id(e->d_name))
			strlist_add(ret, e->d_name);
	return r;
}

/* 1 when exactly one id begins with the prefix, 0 when none does, -ENOTUNIQ. */
static int find_prefix(const struct store *s, enum kind kind, const char *prefix, char ret_id[65],
		       struct error *err)
{
	cleanup_dir DIR *dir = NULL;
	const struct dirent *e;
	int found = 0;
	int r = open_list(s, kind_dirs[kind], &dir, err);

	while (dir && (e = readdir(dir))) {
		if (!is_id(e->d_name) || !is_prefix(e->d_name, prefix))
			continue;
		if (found++)
			return error_set(err, ENOTUNIQ,
					 "more than one %s has an id that begins with '%s'",
					 kind_names[kind], prefix);
		memcpy(ret_id, e->d_name, ID_LEN + 1);
	}
	return r < 0 ? r : found;
}

static int no_such(enum kind kind, const char *name, struct error *err)
{
	return error_set(
		err, ENOENT,
		kind == KIND_POD
			? "no pod with name or ID %.260s found: no such pod"
			: "no container with name or ID \"%.260s\" found: no such container",
		name);
}

/* A pod that a crash left half made or half removed: nobody works on it. */
static bool is_left_over(const struct store *s, const char *id)
{
	char path[LAYOUT_PATH_MAX];

	return lookup_pod_phase(s, id) != POD_COMPLETE &&
	       !is_lock_held(s->rootfd, layout_pod(path, id, "pod.lock"));
}

/* Whether the pod's own record calls it so. */
static bool is_pod_called(const struct store *s, const char *id, const char *name)
{
	struct pod_spec pod = { 0 };
	struct error scratch; /* without a record it is called nothing */
	bool same = lookup_read_pod(s, id, &pod, &scratch) == 0 && is_equal(pod.name, name);

	record_done(&pod_spec_type, &pod);
	return same;
}

/* The id of the pod, when a container's record calls its pod so. */
static bool read_pod_of(const struct store *s, const char *container_id, const char *name,
			char ret_id[65])
{
	struct container_status st = { 0 };
	struct error scratch;
	bool same = status_read(s, container_id, &st, &scratch) == 0 &&
		    is_equal(st.pod_name, name) && st.pod_id && is_id(st.pod_id) &&
		    has_directory(s, KIND_POD, st.pod_id);

	if (same)
		memcpy(ret_id, st.pod_id, ID_LEN + 1);
	status_done(&st);
	return same;
}

/* What a crash left without a name is found by its records, so that `rm -f` and `kube down` reach
 * it by the name that listings show. Only looked for where there is such a pod at all. */
static bool find_left_over(const struct store *s, const char *name, char ret_id[65])
{
	cleanup_strlist struct strlist pods = { 0 };
	cleanup_strlist struct strlist containers = { 0 };
	struct error scratch;
	bool any = false;

	if (list_ids(s, KIND_POD, &pods, &scratch) < 0)
		return false;
	for (size_t i = 0; i < pods.n; i++) {
		if (!is_left_over(s, pods.v[i]))
			continue;
		any = true;
		memcpy(ret_id, pods.v[i], ID_LEN + 1);
		if (is_pod_called(s, ret_id, name))
			return true;
	}
	if (!any || list_ids(s, KIND_CONTAINER, &containers, &scratch) < 0)
		return false;
	for (size_t i = 0; i < containers.n; i++)
		if (read_pod_of(s, containers.v[i], name, ret_id) && is_left_over(s, ret_id))
			return true;
	return false;
}

int lookup_pod(const struct store *s, const char *name, char ret_id[65], struct error *err)
{
	int r = 0;

	if (s->rootfd < 0 || !is_possible_name(name))
		return no_such(KIND_POD, name, err);
	if (read_name(s, KIND_POD, name, ret_id))
		return 0;
	if (is_hex(name))
		r = find_prefix(s, KIND_POD, name, ret_id, err);
	if (r < 0)
		return r;
	if (r == 0 && find_left_over(s, name, ret_id))
		return 0;
	return r ? 0 : no_such(KIND_POD, name, err);
}

/* Whether the container is called <pod>-<short> and its pod <pod>. */
static bool is_short_name_of(const struct store *s, const char *id, const char *short_name)
{
	struct container_status st;
	struct error scratch; /* a record that cannot be read names nothing */
	bool same;
	size_t n;

	if (status_read(s, id, &st, &scratch) < 0)
		return false;
	n = st.pod_name ? strlen(st.pod_name) : 0;
	same = n && st.name && !st.infra && strncmp(st.name, st.pod_name, n) == 0 &&
	       st.name[n] == '-' && is_equal(st.name + n + 1, short_name);
	status_done(&st);
	return same;
}

/* 1 when one container has the short name, 0 when none has, -ENOTUNIQ. */
static int find_short_name(const struct store *s, const char *name, char ret_id[65],
			   struct error *err)
{
	cleanup_free char *suffix = xasprintf("-%s", name);
	cleanup_free char *first = NULL;
	cleanup_dir DIR *dir = NULL;
	const struct dirent *e;
	char id[65];
	int r = open_list(s, "names", &dir, err);

	while (dir && (e = readdir(dir))) {
		if (!is_possible_name(e->d_name) || !is_suffix(e->d_name, suffix) ||
		    !read_name(s, KIND_CONTAINER, e->d_name, id) || !is_short_name_of(s, id, name))
			continue;
		if (first)
			return error_set(err, ENOTUNIQ,
					 "more than one container is called '%s': '%s' and '%s'",
					 name, first, e->d_name);
		first = xstrdup(e->d_name);
		memcpy(ret_id, id, sizeof(id));
	}
	return r < 0 ? r : first != NULL;
}

/* Of a pod that a crash left, by the record: the claim of the name comes later than it, and goes
 * before it. Only looked for where there is such a pod at all. */
static bool find_left_over_container(const struct store *s, const char *name, char ret_id[65])
{
	cleanup_strlist struct strlist pods = { 0 };
	cleanup_strlist struct strlist containers = { 0 };
	struct error scratch;
	bool found = false;
	size_t left = 0;

	if (list_ids(s, KIND_POD, &pods, &scratch) < 0)
		return false;
	for (size_t i = 0; i < pods.n; i++)
		left += is_left_over(s, pods.v[i]);
	if (!left || list_ids(s, KIND_CONTAINER, &containers, &scratch) < 0)
		return false;
	for (size_t i = 0; i < containers.n && !found; i++) {
		struct container_status st = { 0 };

		found = status_read(s, containers.v[i], &st, &scratch) == 0 &&
			is_equal(st.name, name) && st.pod_id && is_id(st.pod_id) &&
			is_left_over(s, st.pod_id);
		if (found)
			memcpy(ret_id, containers.v[i], ID_LEN + 1);
		status_done(&st);
	}
	return found;
}

/* "POD/CTR": by the pod's own list, so that it works whatever the container is called outside. */
static int find_in_pod(const struct store *s, const char *name, const char *slash, char ret_id[65],
		       struct error *err)
{
	cleanup_free char *pod_name = xstrndup(name, (size_t)(slash - name));
	struct pod_spec pod;
	char pod_id[65];
	int r = lookup_pod(s, pod_name, pod_id, err);

	if (r == 0)
		r = lookup_read_pod(s, pod_id, &pod, err);
	if (r < 0)
		return r;
	r = -ENOENT;
	for (size_t i = 0; i < pod.containers.n && r < 0; i++) {
		const struct container_ref *c = &pod.containers.v[i];

		if (is_equal(c->name, slash + 1) && c->id && is_id(c->id)) {
			memcpy(ret_id, c->id, ID_LEN + 1);
			r = 0;
		}
	}
	record_done(&pod_spec_type, &pod);
	return r < 0 ? no_such(KIND_CONTAINER, name, err) : 0;
}

/* "<12 digits of the pod's id>-infra": infra containers have no claim. 1 when it is one. */
static int find_infra(const struct store *s, const char *name, char ret_id[65], struct error *err)
{
	cleanup_free char *prefix = xstrdup(name);
	struct error scratch; /* a pod that cannot be read has no infra container to name */
	struct pod_spec pod;
	char pod_id[65];
	int found;

	if (!is_suffix(name, INFRA_SUFFIX))
		return 0;
	prefix[strlen(name) - strlen(INFRA_SUFFIX)] = '\0';
	if (!is_hex(prefix) || strlen(prefix) != INFRA_PREFIX_LEN)
		return 0;
	found = find_prefix(s, KIND_POD, prefix, pod_id, err);
	if (found <= 0 || lookup_read_pod(s, pod_id, &pod, &scratch) < 0)
		return found < 0 ? found : 0;
	found = pod.infra_id && is_id(pod.infra_id);
	if (found)
		memcpy(ret_id, pod.infra_id, ID_LEN + 1);
	record_done(&pod_spec_type, &pod);
	return found;
}

int lookup_container(const struct store *s, const char *name, char ret_id[65], struct error *err)
{
	const char *slash = strchr(name, '/');
	int r;

	if (s->rootfd < 0)
		return no_such(KIND_CONTAINER, name, err);
	if (slash && slash > name)
		return find_in_pod(s, name, slash, ret_id, err);
	if (!is_possible_name(name))
		return no_such(KIND_CONTAINER, name, err);
	if (read_name(s, KIND_CONTAINER, name, ret_id))
		return 0;
	if (is_id(name) && has_directory(s, KIND_CONTAINER, name)) {
		memcpy(ret_id, name, ID_LEN + 1);
		return 0;
	}
	r = find_infra(s, name, ret_id, err);
	if (r == 0)
		r = find_short_name(s, name, ret_id, err);
	if (r == 0 && is_hex(name))
		r = find_prefix(s, KIND_CONTAINER, name, ret_id, err);
	if (r < 0)
		return r;
	if (r == 0 && find_left_over_container(s, name, ret_id))
		return 0;
	return r ? 0 : no_such(KIND_CONTAINER, name, err);
}

int lookup_list_pods(const struct store *s, struct strlist *ret, struct error *err)
{
	return list_ids(s, KIND_POD, ret, err);
}

int lookup_list_containers(const struct store *s, struct strlist *ret, struct error *err)
{
	return list_ids(s, KIND_CONTAINER, ret, err);
}

/* Of a record: it may be lost while the rest is there. */
static bool has_place(const struct store *s, const char *path)
{
	cleanup_free char *dir = xstrndup(path, (size_t)(strrchr(path, '/') - path));

	return faccessat(s->rootfd, dir, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static int read_record(const struct store *s, const char *path, const struct record_type *type,
		       void *ret, struct error *err)
{
	cleanup_json json_t *j = NULL;
	int r = jload_file(s->rootfd, path, RECORD_MAX_BYTES, &j, err);

	if (r == 0)
		r = record_load(type, j, ret, err);
	if (r == -ENOENT && !has_place(s, path))
		return error_set(err, ENOENT, "it was removed meanwhile");
	if (r == -ENOENT)
		return error_set(err, ENOENT, "'%s' is missing: it is being removed, or incomplete",
				 path);
	return r == -EBADMSG ? error_wrap(err, "corrupt record") : r;
}

/* Well-formed, but of something else: acting on it would leave this one's parts behind. */
static int not_its_record(const char *path, struct error *err)
{
	return error_set(err, EBADMSG, "'%s' is corrupt: it has another id", path);
}

int lookup_read_pod(const struct store *s, const char *id, struct pod_spec *ret, struct error *err)
{
	char path[LAYOUT_PATH_MAX];
	int r = read_record(s, layout_pod(path, id, "pod.json"), &pod_spec_type, ret, err);

	if (r == 0 && !is_equal(ret->id, id)) {
		record_done(&pod_spec_type, ret);
		r = not_its_record(path, err);
	}
	return r < 0 ? error_wrap(err, "pod '%.12s'", id) : 0;
}

int lookup_read_container(const struct store *s, const char *id, struct container_spec *ret,
			  struct error *err)
{
	char path[LAYOUT_PATH_MAX];
	int r = read_record(s, layout_container(path, id, "spec.json"), &container_spec_type, ret,
			    err);

	if (r == 0 && !is_equal(ret->id, id)) {
		record_done(&container_spec_type, ret);
		r = not_its_record(path, err);
	}
	return r < 0 ? error_wrap(err, "container '%.12s'", id) : 0;
}

static bool is_owner(const struct store *s, const char *pod_id, char ret_pod_id[65])
{
	if (!pod_id || !is_id(pod_id) || !has_directory(s, KIND_POD, pod_id))
		return false;
	memcpy(ret_pod_id, pod_id, ID_LEN + 1);
	return true;
}

static bool lists_container(const struct store *s, const char *pod_id, const char *id)
{
	struct pod_spec pod = { 0 };
	struct error scratch; /* unreadable: it lists nothing that is known */
	bool listed = false;

	if (lookup_read_pod(s, pod_id, &pod, &scratch) == 0)
		for (size_t i = 0; i < pod.containers.n && !listed; i++)
			listed = is_equal(pod.containers.v[i].id, id);
	listed = listed || is_equal(pod.infra_id, id);
	record_done(&pod_spec_type, &pod);
	return listed;
}

/* By the container's own records. */
static bool says_owner(const struct store *s, const char *id, char ret_pod_id[65])
{
	struct container_status st = { 0 };
	struct container_spec c = { 0 };
	struct error scratch; /* the next one is asked */
	bool found = status_read(s, id, &st, &scratch) == 0 && is_owner(s, st.pod_id, ret_pod_id);

	if (!found)
		found = lookup_read_container(s, id, &c, &scratch) == 0 &&
			is_owner(s, c.pod_id, ret_pod_id);
	status_done(&st);
	record_done(&container_spec_type, &c);
	return found;
}

int lookup_owner(const struct store *s, const char *container_id, char ret_pod_id[65],
		 struct error *err)
{
	cleanup_strlist struct strlist pods = { 0 };
	int r;

	if (says_owner(s, container_id, ret_pod_id))
		return 0;
	r = list_ids(s, KIND_POD, &pods, err);
	for (size_t i = 0; i < pods.n && r == 0; i++)
		if (lists_container(s, pods.v[i], container_id)) {
			memcpy(ret_pod_id, pods.v[i], ID_LEN + 1);
			return 0;
		}
	return r < 0 ? r : error_set(err, ENOENT, "container '%.12s' is of no pod", container_id);
}

static bool has_pod_file(const struct store *s, const char *id, const char *file)
{
	char path[LAYOUT_PATH_MAX];

	return faccessat(s->rootfd, layout_pod(path, id, file), F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

enum pod_phase lookup_pod_phase(const struct store *s, const char *id)
{
	if (has_pod_file(s, id, "removing"))
		return POD_REMOVING;
	if (has_pod_file(s, id, "complete") && has_pod_file(s, id, "pod.json"))
		return POD_COMPLETE;
	return POD_INCOMPLETE;
}

void lookup_tally_add(struct pod_tally *t, const struct container_status *st,
		      enum container_state live)
{
	if (st->init && live == STATE_EXITED && st->exit_code == 0 && !st->exit_unknown)
		return;
	t->containers++;
	switch (live) {
	case STATE_RUNNING:
	case STATE_STOPPING:
		t->running++;
		break;
	case STATE_PAUSED:
		t->paused++;
		break;
	case STATE_CREATED:
	case STATE_INITIALIZED:
		t->created++;
		break;
	case STATE_RESTARTING:
		t->restarting++;
		break;
	case STATE_EXITED:
		t->exited++;
		break;
	case STATE_REMOVING:
	case STATE__COUNT:
		t->failed++;
		break;
	}
}

const char *lookup_tally_state(const struct pod_tally *t)
{
	if (t->containers == 0)
		return "Created";
	if (t->running == t->containers)
		return "Running";
	if (t->running || t->restarting)
		return "Degraded";
	if (t->paused == t->containers)
		return "Paused";
	if (t->exited == t->containers)
		return "Exited";
	if (t->exited)
		return "Stopped";
	return t->failed ? "Error" : "Created";
}

static void tally_container(const struct store *s, const char *id, struct pod_tally *t)
{
	struct container_status st;
	struct error scratch; /* counted as failed */
	bool lost;

	if (status_read(s, id, &st, &scratch) < 0) {
		t->containers++;
		t->failed++;
		return;
	}
	lookup_tally_add(t, &st, status_live(s, id, &st, &lost));
	status_done(&st);
}

const char *lookup_pod_state(const struct store *s, const struct pod_spec *pod)
{
	enum pod_phase phase = lookup_pod_phase(s, pod->id);
	struct pod_tally t = { 0 };

	if (phase != POD_COMPLETE)
		return phase == POD_REMOVING ? "Removing" : "Incomplete";
	if (pod->infra_id)
		tally_container(s, pod->infra_id, &t);
	for (size_t i = 0; i < pod->containers.n; i++)
		tally_container(s, pod->containers.v[i].id, &t);
	return lookup_tally_state(&t);
}
