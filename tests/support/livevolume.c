/* SPDX-License-Identifier: Apache-2.0 */
/*
 * livevolume - a live store (livestore.h) whose pod has volumes.
 */
#include "tests/support/livevolume.h"

#include <CUnit/CUnit.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/fs.h"
#include "engine/base/mem.h"
#include "engine/pod/refresh.h"
#include "engine/volumes/named.h"

#define SECOND_LAYER "ee00ee00ee00ee00ee00ee00ee00ee00ee00ee00ee00ee00ee00ee00ee00ee00"

struct livestore vol_live;
struct store vol_store;
struct mount_spec vol_wanted;

char *vol_word(const char *s)
{
	return (char *)(uintptr_t)s;
}

void vol_set_up(void)
{
	if (!live_init(&vol_live))
		printf("no store\n");
	vol_store =
		(struct store){ .root = vol_live.root,
				    .runroot = vol_live.runroot,
				    .rootfd = open(vol_live.root, O_PATH | O_DIRECTORY | O_CLOEXEC),
				    .runfd = open(vol_live.runroot,
						  O_PATH | O_DIRECTORY | O_CLOEXEC) };
	(void)mkdirat(vol_store.rootfd, "locks", 0700);
}

void vol_tear_down(void)
{
	(void)close(vol_store.rootfd);
	(void)close(vol_store.runfd);
	live_done(&vol_live);
}

void vol_begin(void)
{
	char *error = live_sandbox(&vol_live);

	if (error)
		printf("%s\n", error);
	CU_ASSERT_PTR_NULL_FATAL(error);
}

void vol_with_mount(struct container_spec *spec)
{
	struct mount_spec *m = list_add(&spec->mounts);

	*m = vol_wanted;
	m->volume = xstrdup(vol_wanted.volume);
	m->target = xstrdup(vol_wanted.target);
	m->sub_path = xstrdup_or_null(vol_wanted.sub_path);
}

char *vol_run(const char *volume, const char *target, const char *const *argv)
{
	vol_wanted = (struct mount_spec){ .volume = vol_word(volume), .target = vol_word(target) };
	return live_simple(&vol_live, argv, vol_with_mount, NULL);
}

struct volume_spec *vol_add(const char *name, int kind)
{
	struct volume_spec *v = list_add(&vol_live.pod.volumes);

	v->name = xstrdup(name);
	v->kind = kind;
	return v;
}

struct projection *vol_add_source(struct volume_spec *v, int kind, const char *object)
{
	struct projection *p = list_add(&v->sources);

	p->kind = kind;
	p->object = xstrdup_or_null(object);
	return p;
}

void vol_put_object(enum data_kind kind, const char *name, const char *a, const char *b)
{
	cleanup_data_object struct data_object o = { .kind = (int)kind, .name = xstrdup(name) };
	struct error err;

	data_object_add(&o, "a.txt", a, strlen(a), false);
	if (b)
		data_object_add(&o, "b.txt", b, strlen(b), false);
	CU_ASSERT_EQUAL(data_object_write(&vol_store, &o, &err), 0);
}

int vol_refresh(struct error *err)
{
	return pod_refresh_volumes(&vol_store, vol_live.pod.id, err);
}

char *vol_read_inside(pid_t pid, const char *path)
{
	cleanup_free char *full = xasprintf("/proc/%d/root%s", (int)pid, path);
	char *text = NULL;
	int fd = open(full, O_RDONLY | O_CLOEXEC); /* follows the links, as a program does */
	char buf[256];
	ssize_t n = fd < 0 ? -1 : read(fd, buf, sizeof(buf));

	text = n < 0 ? xstrdup("none") : xstrndup(buf, (size_t)n);
	if (fd >= 0)
		(void)close(fd);
	return text;
}

void vol_put_file(const char *dir, const char *name, const char *text, mode_t mode)
{
	cleanup_free char *path = xasprintf("%s/%s", dir, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	CU_ASSERT(fd >= 0 && fchmod(fd, mode) == 0 && fs_write_all(fd, text, strlen(text)) == 0);
	(void)close(fd);
}

char *vol_make_named(const char *name, bool is_claim)
{
	struct named_volume v = { .name = vol_word(name),
				  .claim_namespace = is_claim ? vol_word("default") : NULL };
	struct error err;

	CU_ASSERT_EQUAL(named_volume_create(&vol_store, &v, &err), 0);
	return xasprintf("%s/volumes/%s/_data", vol_live.root, name);
}

void vol_add_layer(struct volume_spec *v)
{
	cleanup_free char *dir = xasprintf("layers/%s/diff/d", SECOND_LAYER);
	cleanup_free char *path = xasprintf("%s/%s", vol_live.root, dir);
	struct error err;
	int fd = fs_mkdirs(vol_store.rootfd, dir, 0755, &err);

	CU_ASSERT(fd >= 0);
	(void)close(fd);
	vol_put_file(path, "file", "two layers\n", 0644);
	strlist_add(&v->config.layers, "sha256:" SECOND_LAYER);
}

char *vol_run_image_path(const char *sub_path, const char *const *argv)
{
	vol_wanted = (struct mount_spec){ .volume = vol_word("img"),
					  .target = vol_word("/conf/f"),
					  .sub_path = vol_word(sub_path) };
	return live_simple(&vol_live, argv, vol_with_mount, NULL);
}
