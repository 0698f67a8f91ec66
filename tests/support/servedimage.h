/* SPDX-License-Identifier: Apache-2.0 */
/*
 * servedimage - a small image as a registry has it: blobs, configuration, manifest; right in every
 * digest until a test breaks one. And pulling it in a child, with what happened.
 */
#ifndef PODIUM_TESTS_SERVEDIMAGE_H
#define PODIUM_TESTS_SERVEDIMAGE_H

#include "engine/image/pull.h"
#include "tests/support/fakeregistry.h"
#include "tests/support/imagemaker.h"

struct served_image {
	const char *architecture; /* set before served_make(); NULL: amd64 */
	const char *os;		  /* NULL: linux */
	bool is_docker;		  /* schema 2 */
	size_t n;
	struct buf layers[MADE_LAYERS_MAX]; /* blobs */
	char layer_digests[MADE_LAYERS_MAX][72];
	struct buf config;
	char config_digest[72];
	struct buf manifest;
	char digest[72];
};
/* Makes all of it from the tars; the fields above n stay. */
void served_make(struct served_image *s, const struct made_image *m);
/* Writes configuration and manifest again after a test changed a layer's blob. keep_diffs: the
 * configuration stays as it is. */
void served_manifest(struct served_image *s);
void served_done(struct served_image *s);
void served_digest(const void *data, size_t len, char digest[72]);

/* Puts it into a registry. tag may be NULL. */
void served_publish(const struct served_image *s, struct fakeregistry *f, const char *repository,
		    const char *tag);
const char *served_type(const struct served_image *s);
/* One entry of an index; the caller's. */
char *served_entry(const struct served_image *s, const char *platform_members);

/* ---- pulling in a child ---- */

struct pulled {
	bool died;
	int r;
	struct error err;
	int images, failed, begun, done, exists, warnings, events;
	int code; /* of the last failure */
	char text[600];
	char name[300];
	char id[65];
};
struct pull_run {
	const char *root;     /* of the store; its runroot is root + "-run" */
	const char *names[4]; /* to pull; NULL ends */
	enum pull_policy policy;
	const char *platform; /* or NULL */
	const char *env;      /* NAME=VALUE for the child, or NULL */
	int die_at;	      /* kill -9 of itself at that event, from 1; 0: not */
};
/* Starts; served_wait() gives what happened. Registries are spoken to without TLS. */
struct pull_child {
	int pid;
	struct pulled *shared;
};
struct pull_child served_start(const struct pull_run *run);
struct pulled served_wait(struct pull_child *c);
struct pulled served_pull(const struct pull_run *run);

#endif
