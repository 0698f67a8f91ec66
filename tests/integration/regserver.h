/* SPDX-License-Identifier: Apache-2.0 */
/*
 * regserver - Debian's docker-registry on loopback, filled and looked at by skopeo, and the
 * configuration that makes podium talk to it.
 *
 * All of it lies below the work directory and in the test's own network namespace. Names of images
 * are "repository:tag", without the registry; skopeo is the judge of what is in there.
 */
#ifndef PODIUM_TESTS_REGSERVER_H
#define PODIUM_TESTS_REGSERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/integration/harness.h"

struct regserver_spec {
	const char *name;     /* of its directory: one a server */
	bool tls;	      /* with a certificate of a CA of its own */
	const char *user;     /* NULL: everybody may do everything */
	const char *password; /* as the client has to send it */
};
struct regserver {
	struct job job;
	uint16_t port;
	char *dir;  /* its data; dir/certs holds ca.crt: for --cert-dir */
	char *host; /* "127.0.0.1:PORT" */
	char *user;
	char *password;
	bool tls;
};

/* Whether the programs are here; says what is missing with TEST_SKIP. First thing in a test. */
bool regserver_is_possible(void);
/* Starts one and waits until it answers. false: the check that failed has been printed. */
bool regserver_start(const struct regserver_spec *spec, struct regserver *ret);
/* Starts two: one open to everybody, and one with TLS and the user alice (password hush-4711). */
bool regserver_start_two(struct regserver *open, struct regserver *closed);
/* Ends the program; what it holds stays. */
void regserver_halt(struct regserver *s);
/* Starts it again, on the same port. */
bool regserver_resume(struct regserver *s);
/* Halts, and frees; the files go with the work directory. */
void regserver_stop(struct regserver *s);
#define cleanup_regserver cleanup(regserver_stop)

/* ---- what is in it ---- */

enum regserver_form {
	REGSERVER_OCI,	   /* OCI manifest, gzip */
	REGSERVER_SCHEMA2, /* Docker's manifest, gzip */
	REGSERVER_ZSTD,	   /* OCI manifest, zstd */
	REGSERVER_PLAIN,   /* OCI manifest, layers as they are */
	REGSERVER__COUNT
};
/* Copies an image to NAME. source: as skopeo names it ("docker-archive:FILE", "oci:DIR:TAG"). */
bool regserver_fill(const struct regserver *s, const char *source, const char *name,
		    enum regserver_form form);
/* Makes an image of mkimage ("busybox", "nginx", "payload") and fills it in. */
bool regserver_fill_made(const struct regserver *s, const char *made, const char *name,
			 enum regserver_form form);

struct regserver_entry {
	const char *arch;
	const char *variant; /* or NULL */
	const char *tag;     /* an image of the same repository */
};
/* Makes REPOSITORY:TAG an index of images (docker: a manifest list); os is linux for all. */
bool regserver_fill_index(const struct regserver *s, const char *repository, const char *tag,
			  bool docker, const struct regserver_entry *v, size_t n);

/* The manifest's text, its digest, and its "config" "digest". The caller's; "" with a check that
 * failed when it is not there. */
char *regserver_manifest(const struct regserver *s, const char *name);
char *regserver_digest(const struct regserver *s, const char *name);
char *regserver_config_digest(const struct regserver *s, const char *name);
/* One request by curl with the server's own certificate and user. The body; the caller's. */
struct result regserver_curl(const struct regserver *s, const char *options, const char *path);
/* How skopeo is to reach it: options with a prefix of "", "src-" or "dest-". The caller's. */
char *regserver_skopeo_options(const struct regserver *s, const char *prefix);

/* ---- podium's side: the environment of this test and of all it runs ---- */

/* HOME, XDG_RUNTIME_DIR of the test's own; no proxies, no auth file, an empty registries.conf, and
 * none of skopeo's memories. Called by regserver_start(). */
void regserver_environment(void);
/* Writes registries.conf. */
void regserver_configure(const char *conf);
/* Texts for it: the server may be spoken to without TLS; it is the mirror of docker.io and nothing
 * else answers for docker.io (which no test can reach). The caller's. */
char *regserver_conf_insecure(const struct regserver *s);
char *regserver_conf_mirror(const struct regserver *s);
/* Puts the server's ca.crt where podium looks for it. */
void regserver_trust(const struct regserver *s);
/* {"auths": ...} with the server's own user, or another password. The caller's. */
char *regserver_auth_text(const struct regserver *s, const char *password);
/* Writes it as $REGISTRY_AUTH_FILE; NULL: there is none any more. */
void regserver_authorise(const char *auth);

#endif
