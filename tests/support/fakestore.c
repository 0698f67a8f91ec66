/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fakestore - see the header.
 *
 * Theory of operation: the records are written by the same tables that the engine uses, so that a
 * change of the layout breaks these tests at once. Names are symlinks as engine/pod/names.c makes
 * them. Every call that fails ends the test program: there is nothing to test then.
 */
#include "tests/support/fakestore.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "engine/base/clock.h"
#include "engine/base/fs.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"

#define MEMBERS_MAX 8

static void need(bool ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	abort();
}

bool fakestore_init(struct fakestore *f)
{
	struct error err = { 0 };
	char root[96], run[96];

	(void)snprintf(f->dir, sizeof(f->dir), "/tmp/podium-fakestore-XXXXXX");
	if (!mkdtemp(f->dir))
		return false;
	(void)snprintf(root, sizeof(root), "%s/root", f->dir);
	(void)snprintf(run, sizeof(run), "%s/run", f->dir);
	return store_open(root, run, STORE_WRITE, &f->store, &err) == 0;
}

void fakestore_done(struct fakestore *f)
{
	struct error err;

	store_close(&f->store);
	(void)!fs_remove_tree(AT_FDCWD, f->dir, &err);
}

void fakestore_file(struct fakestore *f, const char *path, const char *text)
{
	struct error err = { 0 };

	if (!text)
		need(unlinkat(f->store.rootfd, path, 0) == 0, path);
	else
		need(fs_write_atomic(f->store.rootfd, path, text, strlen(text), 0600, FS_NOSYNC,
				     &err) == 0,
		     path);
}

int fakestore_lock(struct fakestore *f, const char *path)
{
	int fd = openat(f->store.rootfd, path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	need(fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0, path);
	return fd;
}

static void write_record(struct fakestore *f, const char *path, const struct record_type *t,
			 const void *obj)
{
	cleanup_json json_t *j = record_dump(t, obj);
	cleanup_free char *text = jdump_text(j, 1);

	fakestore_file(f, path, text);
}

static void claim(struct fakestore *f, const char *name, const char *target)
{
	cleanup_free char *path = xasprintf("names/%s", name);

	need(symlinkat(target, f->store.rootfd, path) == 0, path);
}

static void add_container(struct fakestore *f, const struct pod_spec *pod, const char *id,
			  const char *short_name)
{
	bool infra = short_name == NULL;
	cleanup_free char *full = infra ? xasprintf("%.12s-infra", pod->id)
					: xasprintf("%s-%s", pod->name, short_name);
	char path[LAYOUT_PATH_MAX];
	struct container_spec spec = { .version = POD_SPEC_VERSION,
				       .id = (char *)(uintptr_t)id,
				       .pod_id = pod->id,
				       .name = (char *)(uintptr_t)(infra ? full : short_name),
				       .full_name = full,
				       .kind = infra ? CONTAINER_INFRA : CONTAINER_MEMBER,
				       .created_ns = pod->created_ns };
	struct container_status st = { .state = STATE_CREATED,
				       .name = full,
				       .image =
					       (char *)(uintptr_t) "docker.io/library/nginx:latest",
				       .command = (char *)(uintptr_t) "nginx -g daemon off;",
				       .created_ns = pod->created_ns,
				       .pod_id = pod->id,
				       .pod_name = pod->name,
				       .infra = infra };

	need(mkdirat(f->store.rootfd, layout_container(path, id, NULL), 0700) == 0, path);
	write_record(f, layout_container(path, id, "spec.json"), &container_spec_type, &spec);
	fakestore_put(f, id, &st);
	if (!infra)
		claim(f, full, layout_container(path, id, NULL));
}

void fakestore_add_pod(struct fakestore *f, const char *name, const char *const *members,
		       int64_t created_ns, char ids[][65])
{
	struct container_ref refs[MEMBERS_MAX] = { 0 };
	char path[LAYOUT_PATH_MAX];
	struct pod_spec pod = { .version = POD_SPEC_VERSION,
				.id = ids[0],
				.name = (char *)(uintptr_t)name,
				.owner = (char *)(uintptr_t) "kube", /* played */
				.infra_id = ids[1],
				.created_ns = created_ns ? created_ns : clock_wall_ns() };
	size_t n = 0;

	id_new(ids[0]);
	id_new(ids[1]);
	pairlist_set(&pod.labels, "app", name);
	for (; members[n]; n++) {
		need(n < MEMBERS_MAX, "members");
		id_new(ids[n + 2]);
		refs[n] = (struct container_ref){ .id = ids[n + 2],
						  .name = (char *)(uintptr_t)members[n] };
	}
	pod.containers.v = refs;
	pod.containers.n = n;
	need(mkdirat(f->store.rootfd, layout_pod(path, ids[0], NULL), 0700) == 0, path);
	claim(f, name, path);
	add_container(f, &pod, ids[1], NULL);
	for (size_t i = 0; i < n; i++)
		add_container(f, &pod, ids[i + 2], members[i]);
	write_record(f, layout_pod(path, ids[0], "pod.json"), &pod_spec_type, &pod);
	fakestore_file(f, layout_pod(path, ids[0], "complete"), "");
	pairlist_done(&pod.labels);
}

void fakestore_get(struct fakestore *f, const char *id, struct container_status *ret)
{
	struct error err = { 0 };

	need(status_read(&f->store, id, ret, &err) == 0, err.text);
}

void fakestore_put(struct fakestore *f, const char *id, const struct container_status *st)
{
	struct error err = { 0 };

	need(status_write(&f->store, id, st, &err) == 0, err.text);
}

void fakestore_set_state(struct fakestore *f, const char *id, enum container_state state,
			 int64_t exit_code)
{
	struct container_status st;

	fakestore_get(f, id, &st);
	st.state = (int)state;
	st.exit_code = exit_code;
	st.started_ns = clock_wall_ns() - 120000000000;
	st.finished_ns = state == STATE_RUNNING ? 0 : clock_wall_ns() - 3500000000;
	free(st.boot_id);
	st.boot_id = xstrdup(proc_boot_id());
	fakestore_put(f, id, &st);
	status_done(&st);
}
