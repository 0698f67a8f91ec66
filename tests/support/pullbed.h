/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pullbed - where images are pulled in tests: a registry that lies on demand, in this process, and a
 * store in a temporary directory in memory; and what must hold afterwards.
 */
#ifndef PODIUM_TESTS_PULLBED_H
#define PODIUM_TESTS_PULLBED_H

#include "tests/support/servedimage.h"

extern char *bed_temp; /* the directory */
extern struct fakeregistry *bed_server;

/* CUnit suite functions. */
int bed_begin(void);
int bed_end(void);

/* The store's root; a static buffer. */
char *bed_root(void);
/* Takes the store away: the next pull makes a new one. */
void bed_drop(void);
size_t bed_images(void);
/* Directories below layers/ that hold the file; NULL: all, trash too. */
size_t bed_layers_of(const char *root, const char *file);
size_t bed_layers(const char *file);

/* "REGISTRY/rest"; the caller's. */
char *bed_name(const char *rest);
/* Adds n layers of three files of so many bytes; seed makes them different from other images'. */
void bed_fill(struct made_image *m, size_t n, size_t bytes, unsigned int seed);
/* Puts an index into the registry; tag may be NULL. */
void bed_index(const char *repository, const char *tag, const char *type, const char *entries,
	       char digest[72]);

/* Pulls "repository:tag" of the registry. env: NAME=VALUE for the child, or NULL. */
struct pulled bed_pull_as(const char *name, enum pull_policy policy, const char *env);
struct pulled bed_pull(const char *name);
void bed_expect_pulled(const struct pulled *o);
/* One refused image: one reason, which names the registry and part, nothing in the index. */
void bed_expect_refused(const struct pulled *o, int code, const char *part);

#endif
