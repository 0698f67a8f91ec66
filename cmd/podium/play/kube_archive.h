/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kube_archive - an application in one file: a docker-archive whose first member is kube.yaml.
 *
 * `podium kube save` writes it, `podium kube play`, down and validate take it like a manifest;
 * `podium load` and others' load see an archive of images.
 */
#ifndef PODIUM_CMD_KUBE_ARCHIVE_H
#define PODIUM_CMD_KUBE_ARCHIVE_H

#include <stddef.h>

#include "engine/base/error.h"
#include "engine/state/layout.h"
#include "kube/kube.h"

#define KUBE_ARCHIVE_MEMBER "kube.yaml"

/* 1: path is such an archive, and *ret is its manifest, the caller's; 0: it is something else (also
 * when it cannot be opened: whoever reads it next says so). -EBADMSG: it is damaged. */
int kube_archive_read(const char *path, char **ret, size_t *ret_len, struct error *err) must_check;
bool is_kube_archive(const char *path);
/* The member at the front, into fd where it stands. */
int kube_archive_begin(int fd, const char *text, size_t len, struct error *err) must_check;
/* Loads its images into the store: those that the manifest names, with those names. */
int kube_archive_load(const struct store *s, const char *path, const struct kube_result *plans,
		      struct error *err) must_check;

/* Reads manifests as kube_load() does, or the one in an archive: *ret_is_archive. An archive stands
 * alone on the command line. */
int kube_archive_input(int argc, char **argv, const struct kube_input *how, struct kube_result *ret,
		       bool *ret_is_archive, struct error *err) must_check;

#endif
