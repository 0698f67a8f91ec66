/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store - the images that are here: index, names, configurations, who uses what.
 *
 *	ROOT/images/index.json			every image: id, names, layers, size, times
 *	ROOT/images/blobs/sha256/<hex>		configurations and manifests
 *	ROOT/layers/<hex>/			layers.h
 *	ROOT/locks/images			shared: what I found stays; exclusive: I change it
 *
 * Links libc and jansson alone: podium resolves images with it, podium-image commits.
 */
#ifndef PODIUM_IMAGE_STORE_H
#define PODIUM_IMAGE_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/lock.h"
#include "engine/pod/spec.h"
#include "engine/state/layout.h"

struct image_info {
	char *id;	/* 64 hex digits: the configuration's digest */
	char *manifest; /* 64 hex digits, or NULL: a docker-archive has none */
	char *list;	/* 64 hex digits of the index that the manifest was chosen from, or NULL */
	int64_t config_size; /* bytes of the configuration, checked at every use */
	int64_t created_ns;  /* as the image says; 0: it does not */
	int64_t loaded_ns;
	int64_t size_bytes;    /* of its layers, unpacked */
	struct strlist names;  /* "docker.io/library/nginx:latest"; empty: <none> */
	struct strlist layers; /* "sha256:<hex>" */
	/* Where it was pulled from or pushed to: "docker.io/library/nginx@sha256:<hex>", of the
	 * manifest and of the index it came from. An image may have these and no name. */
	struct strlist digests;
	struct strlist history; /* names that it had and lost, newest first */
	char *architecture;	/* "amd64"; NULL: the image does not say, or an old index */
	char *os;
	char *variant;
	char *author;
	char *parent;	      /* id of the image it was built upon, or NULL */
	bool is_intermediate; /* a step kept by a build: not listed unless asked for */
};
struct image_list {
	struct image_info *v;
	size_t n;
};
void image_info_done(struct image_info *i);
void image_list_done(struct image_list *l);
#define cleanup_image_list cleanup(image_list_done)

/* Takes ROOT/locks/images; closing the descriptor releases it. Hold it LOCK_SHARED from before
 * image_resolve() until the container's record (which pins the layers) is written. Waits up to a
 * minute (-ETIMEDOUT). */
int image_lock(const struct store *s, enum lock_mode mode, struct error *err) must_check;

/* All images, newest first. An empty store gives an empty list. */
int image_list(const struct store *s, struct image_list *ret, struct error *err) must_check;

/* Finds an image by name ("nginx", "nginx:1", "docker.io/library/nginx"), by digest
 * ("name@sha256:...", of its manifest or of the index it came from), by id or id prefix, in the
 * caller's list. *ret is borrowed from it; *ret_name (may be NULL) is the name
 * that matched, borrowed, NULL for an id. -ENOENT with advice; -ENOTUNIQ; -EINVAL. */
int image_find(const struct image_list *l, const char *name, const struct image_info **ret,
	       const char **ret_name, struct error *err) must_check;

/* Finds an image and reads its configuration (reference and id included), ready for a container
 * spec. Checks that the layers are complete. The caller frees with image_config_done(). */
int image_resolve(const struct store *s, const char *name, struct image_config *ret,
		  struct error *err) must_check;

/* Reads an image's configuration, which has the size that it came with; *ret is the caller's. Hold
 * the images lock when the image may go meanwhile. -EBADMSG: damaged. */
int image_read_config(const struct store *s, const struct image_info *info, char **ret,
		      size_t *ret_len, struct error *err) must_check;
/* Reads a manifest or an index that the store keeps (64 hex digits). -ENOENT. */
int image_read_manifest(const struct store *s, const char *hex, char **ret, size_t *ret_len,
			struct error *err) must_check;

/* Gives an image one more name; another image that had it loses it. */
int image_tag(const struct store *s, const char *name, const char *new_name,
	      struct error *err) must_check;
/* Takes names from an image, which stays; n 0: all that it has. -ENOENT: none such. */
int image_untag(const struct store *s, const char *name, char *const *names, size_t n,
		struct error *err) must_check;

struct image_removal {
	struct strlist untagged;
	struct strlist deleted; /* ids: the image, then the steps of its build; empty: names only */
};
void image_removal_done(struct image_removal *r);
#define IMAGE_REMOVE_FORCE	  1u /* although it has several names, children, doubtful users */
#define IMAGE_REMOVE_KEEP_PARENTS 2u /* the nameless images that it was built upon stay */
/* Removes by name or id. By name, an image with other names, or with children, loses that name
 * only. -EBUSY: a container uses it, it is mounted, it has children; -ENOTUNIQ: an id with several
 * names. The layers go by image_collect(). */
int image_remove(const struct store *s, const char *name, unsigned int flags,
		 struct image_removal *ret, struct error *err) must_check;
/* Removes those of the images (ids) that nobody uses and nothing was built upon, children first. */
int image_prune(const struct store *s, const struct strlist *ids, struct image_removal *ret,
		struct error *err) must_check;
/* -EBUSY, naming the user: a container, a mount, or a container's record that cannot be read. */
int image_check_unused(const struct store *s, const char *id, struct error *err) must_check;
/* Ids of the containers whose image it is (id). */
int image_users(const struct store *s, const char *id, struct strlist *ret,
		struct error *err) must_check;

/* Where an image is mounted (podium image mount): below RUNROOT, gone with the boot. */
#define IMAGE_MOUNTS "image-mounts" /* /<id>/{count,merged} */
bool is_image_mounted(const struct store *s, const char *id);

/* Whether another image in the list was built upon it. */
bool has_image_children(const struct image_list *l, const struct image_info *info);
/* Nameless, and only there because others were or will be built upon it: a step of a build. */
bool is_image_intermediate(const struct image_list *l, const struct image_info *info);

/* What podium-image hands over when all layers are complete. Texts are borrowed. */
struct image_commit {
	const char *id; /* digest of config, computed by the caller */
	const char *config;
	size_t config_len;
	const char *manifest_id; /* NULL: none */
	const char *manifest;
	size_t manifest_len;
	const struct strlist *names;  /* canonical; they move here from other images */
	const struct strlist *layers; /* unique */
	int64_t created_ns;
	int64_t size_bytes;
	/* The rest may be NULL or 0. */
	const char *list_id; /* the index that the manifest was chosen from, kept like it */
	const char *list;
	size_t list_len;
	const struct strlist *digests; /* "name@sha256:<hex>"; added to those there are */
	const char *architecture;
	const char *os;
	const char *variant;
	const char *author;
	const char *parent;
	bool is_intermediate; /* committing it again without this makes it an image for good */
};
int image_commit(const struct store *s, const struct image_commit *c, struct error *err) must_check;

/* Removes layers and blobs that no image and no container needs, and the debris of killed loads.
 * Keeps everything when a container's record cannot be read. */
int image_collect(const struct store *s, struct error *err) must_check;

#endif
