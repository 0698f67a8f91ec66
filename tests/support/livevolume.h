/* SPDX-License-Identifier: Apache-2.0 */
/*
 * livevolume - a live store (livestore.h) whose pod has volumes: one at a time, for tests of how
 * they are made and mounted.
 */
#ifndef PODIUM_TESTS_LIVEVOLUME_H
#define PODIUM_TESTS_LIVEVOLUME_H

#include <stdbool.h>
#include <sys/types.h>

#include "engine/data/object.h"
#include "tests/support/livestore.h"

#define ARGS(...) ((const char *const[]){ __VA_ARGS__, NULL })

extern struct livestore vol_live;
extern struct store vol_store; /* of the same trees */
/* What vol_with_mount() gives a container. */
extern struct mount_spec vol_wanted;
void vol_with_mount(struct container_spec *spec);

/* A fresh store before each test; its sandbox is started by vol_begin() after the pod was changed. */
void vol_set_up(void);
void vol_tear_down(void);
void vol_begin(void);

/* For members of a spec that are not changed. */
char *vol_word(const char *s);

struct volume_spec *vol_add(const char *name, int kind);
struct projection *vol_add_source(struct volume_spec *v, int kind, const char *object);
/* An object of the key "a.txt", and "b.txt" unless b is NULL; replaces. */
void vol_put_object(enum data_kind kind, const char *name, const char *a, const char *b);
int vol_refresh(struct error *err);
/* Its content's path, the caller's. */
char *vol_make_named(const char *name, bool is_claim);
void vol_put_file(const char *dir, const char *name, const char *text, mode_t mode);
/* A second layer with d/file for an image volume. */
void vol_add_layer(struct volume_spec *v);

/* Runs the payload with the volume mounted, as live_simple(). */
char *vol_run(const char *volume, const char *target, const char *const *argv);
/* With a subPath of the volume "img" at /conf/f. */
char *vol_run_image_path(const char *sub_path, const char *const *argv);
/* The beginning of a file as a process sees it, or "none". The caller's. */
char *vol_read_inside(pid_t pid, const char *path);

#endif
