/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mountwords - what -v, --mount, --tmpfs, --volumes-from and --secret say, as parts of a plan.
 *
 * Each call reads one value of one flag and appends a mount (and the volume it needs, unless the
 * pod has the same one) or the use of a secret; on failure the plan is as it was. Messages name the
 * value. -EINVAL: bad words; -EOPNOTSUPP: known ones that are not supported; -ENOENT: a path on the
 * host, or a container, that is not there.
 *
 * What a mount_spec's options hold afterwards, each word at most once and none that contradicts
 * another: exec|noexec, suid|nosuid, dev|nodev, "U" (the content is given to the container's user),
 * "O" (changes are thrown away; of an image: writable) with or without upperdir=PATH and
 * workdir=PATH, "z"|"Z", "idmap" or "idmap=...", "nocopy" (the image's content is not copied in),
 * "bind" (without what is mounted below), "private" "slave" "shared" (not recursive: without it
 * `propagation` holds for what is mounted below, too). A tmpfs has the first three pairs, "size=" and
 * "mode=" in its volume's tmpfs_options.
 */
#ifndef PODIUM_CMD_MOUNTWORDS_H
#define PODIUM_CMD_MOUNTWORDS_H

#include "engine/base/error.h"
#include "engine/pod/spec.h"
#include "engine/state/layout.h"

/* [SRC:]DST[:OPTIONS]. SRC that begins with '/' or '.' is a path on the host and must be there; a
 * relative one is looked at from the working directory; another word is a volume's name; without
 * SRC the volume is anonymous. */
int mount_words_volume(const char *text, struct pod_spec *pod, struct container_spec *c,
		       struct error *err) must_check;
/* type=bind|volume|tmpfs|image,KEY=VALUE,... with CSV's quotes. */
int mount_words_mount(const char *text, struct pod_spec *pod, struct container_spec *c,
		      struct error *err) must_check;
/* DST[:OPTIONS] */
int mount_words_tmpfs(const char *text, struct pod_spec *pod, struct container_spec *c,
		      struct error *err) must_check;
/* NAME[,type=mount|env][,target=T][,uid=N][,gid=N][,mode=OCTAL]. Whether there is such a secret is
 * not looked at. */
int mount_words_secret(const char *text, struct container_spec *c, struct error *err) must_check;
/* CONTAINER[:ro|rw][,z]: the volumes and host directories of another container at the same places,
 * except where the plan mounts something itself: so it is called behind the others. */
int mount_words_from(const struct store *s, const char *text, struct pod_spec *pod,
		     struct container_spec *c, struct error *err) must_check;
/* The places that the image names as volumes, where the plan mounts nothing: an anonymous volume
 * each, or with is_tmpfs a tmpfs. Called behind all others, when the image is known. */
int mount_words_image(bool is_tmpfs, struct pod_spec *pod, struct container_spec *c,
		      struct error *err) must_check;

#endif
