/* SPDX-License-Identifier: Apache-2.0 */
/*
 * auth_file - one file of credentials: which there are, and what stands in them.
 *
 * What auth.c is made of; everybody else asks it through auth.h.
 */
#ifndef PODIUM_IMAGE_AUTH_FILE_H
#define PODIUM_IMAGE_AUTH_FILE_H

#include <jansson.h>

#include "engine/image/auth.h"

/* Frees a tree after its strings were cleared. */
void json_secret_free(json_t **j);
#define cleanup_json_secret __attribute__((__cleanup__(json_secret_free)))

/* Reads a file. *ret is NULL when there is none. */
int auth_file_read(const char *path, json_t **ret, struct error *err) must_check;
/* The same for a text; what names it. */
int auth_text_read(const char *text, size_t len, const char *what, json_t **ret,
		   struct error *err) must_check;

struct auth_query {
	const char *what; /* the file, for messages */
	const char *key;  /* "host[:port]" or with "/path", as auth_plain_key() gives it */
	const char *path; /* repository, or NULL */
	bool is_legacy;	  /* .dockercfg: the entries stand at the top */
	bool may_run;	  /* credential helpers may be started */
};
/* 1 found, 0 none. */
int auth_query(const json_t *root, const struct auth_query *q, struct credentials *ret,
	       struct error *err) must_check;

/* A key without what Docker and others write around it: "https://index.docker.io/v1/" is
 * "docker.io". The caller's. */
char *auth_plain_key(const char *key);
/* The member of an object whose name means the plain key; NULL. *ret_name, which may be NULL, is its
 * name there. */
json_t *auth_member(json_t *map, const char *key, const char **ret_name);
/* What a credential helper files a plain key under. */
const char *auth_server(const char *key);

#endif
