/* SPDX-License-Identifier: Apache-2.0 */
/*
 * manifest - OCI image manifest and index, Docker schema 2 manifest and list, as hostile input.
 *
 * One reading for each document (REG-7): what it is is decided once, by mediaType in the body, the
 * Content-Type and the members; when these disagree it is refused. Links libc and jansson.
 */
#ifndef PODIUM_IMAGE_MANIFEST_H
#define PODIUM_IMAGE_MANIFEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/image/digest.h"

#define MANIFEST_BYTES_MAX   (4 * 1024 * 1024)
#define MANIFEST_LAYERS_MAX  500
#define MANIFEST_ENTRIES_MAX 10000 /* of an index */
#define MANIFEST_DEPTH_MAX   2	   /* index in index */

#define MEDIA_OCI_MANIFEST	"application/vnd.oci.image.manifest.v1+json"
#define MEDIA_OCI_INDEX		"application/vnd.oci.image.index.v1+json"
#define MEDIA_OCI_CONFIG	"application/vnd.oci.image.config.v1+json"
#define MEDIA_OCI_LAYER		"application/vnd.oci.image.layer.v1.tar"
#define MEDIA_OCI_LAYER_GZIP	MEDIA_OCI_LAYER "+gzip"
#define MEDIA_OCI_LAYER_ZSTD	MEDIA_OCI_LAYER "+zstd"
#define MEDIA_DOCKER_MANIFEST	"application/vnd.docker.distribution.manifest.v2+json"
#define MEDIA_DOCKER_LIST	"application/vnd.docker.distribution.manifest.list.v2+json"
#define MEDIA_DOCKER_CONFIG	"application/vnd.docker.container.image.v1+json"
#define MEDIA_DOCKER_LAYER	"application/vnd.docker.image.rootfs.diff.tar"
#define MEDIA_DOCKER_LAYER_GZIP MEDIA_DOCKER_LAYER ".gzip"
/* For an Accept header. */
#define MANIFEST_ACCEPT \
	MEDIA_OCI_MANIFEST ", " MEDIA_OCI_INDEX ", " MEDIA_DOCKER_MANIFEST ", " MEDIA_DOCKER_LIST

#define PLATFORM_WORD_MAX 64

struct platform {
	char *os;
	char *architecture;
	char *variant; /* or NULL */
};
void platform_done(struct platform *p);
/* "os/arch[/variant]" or "arch" of --platform. -EINVAL. */
int platform_parse(const char *text, struct platform *ret, struct error *err) must_check;
/* What this machine runs, in OCI's words ("linux", "amd64"). The caller's. */
void platform_host(struct platform *ret);
/* "linux/arm64/v8"; the caller's. */
char *platform_format(const struct platform *p);
/* How well an image for `have` serves who wants `want`: 0 is best, negative: not at all. */
int platform_rank(const struct platform *want, const struct platform *have);

struct manifest_entry {
	char *media_type;
	struct digest digest;
	uint64_t size;
	struct platform platform; /* of an index: may be empty */
	char *ref_name;		  /* of an index: the annotations of OCI and of containerd that */
	char *image_name;	  /* name the image in a layout; or NULL */
};
enum manifest_kind { MANIFEST_IMAGE, MANIFEST_INDEX };
struct manifest {
	enum manifest_kind kind;
	bool is_docker;
	struct manifest_entry config; /* IMAGE */
	struct {
		struct manifest_entry *v;
		size_t n;
	} entries; /* IMAGE: layers, lowest first; INDEX: manifests */
};
void manifest_done(struct manifest *m);

/* content_type is what whoever handed it over called it (an HTTP header, a descriptor); it may be
 * NULL or "". -EBADMSG names what is wrong; -E2BIG a limit; -EPROTONOSUPPORT: an artifact, a foreign
 * layer, schema 1, an unknown kind of layer. */
int manifest_parse(const char *text, size_t len, const char *content_type, struct manifest *ret,
		   struct error *err) must_check;
/* The entry of an index for a platform: the variant asked for, else the best older one of the same
 * processor, else one without variant. *ret is borrowed. -ENOENT names what there is. */
int manifest_select(const struct manifest *index, const struct platform *p,
		    const struct manifest_entry **ret, struct error *err) must_check;
/* An image manifest as text, the caller's; media types are those in *m. */
char *manifest_write(const struct manifest *m);

#endif
