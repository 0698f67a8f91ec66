/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fakeregistry - a registry (or token server, or any other host) that does what a test says, on a
 * loopback port of this process: it lies, stalls, cuts, redirects, and remembers what it was asked.
 *
 * One accepting thread and one a connection; programs that the test runs connect as well. What is
 * not scripted is answered with 404.
 */
#ifndef PODIUM_TESTS_FAKEREGISTRY_H
#define PODIUM_TESTS_FAKEREGISTRY_H

#include <stdbool.h>
#include <stddef.h>

enum fake_kind {
	FAKE_PLAIN,
	FAKE_TLS,	     /* a good certificate of the test's CA: 127.0.0.1-3 and localhost */
	FAKE_TLS_STRANGER,   /* of another CA */
	FAKE_TLS_WRONG_NAME, /* for somebody else */
	FAKE_TLS_EXPIRED,
	FAKE_TLS_CLIENT, /* good, and wants a client's certificate */
};

struct fakeregistry;
/* Listens on address ("127.0.0.1"; NULL: that) and a free port. NULL when it cannot. */
struct fakeregistry *fakeregistry_new(enum fake_kind kind, const char *address);
void fakeregistry_free(struct fakeregistry *f);
/* "127.0.0.1:PORT" */
const char *fakeregistry_name(const struct fakeregistry *f);
/* A directory for --cert-dir that holds the test's CA as ca.crt; made at the first call, one for the
 * whole program, removed when it ends. */
const char *fakeregistry_cert_dir(void);
/* One that holds a client's certificate and key as well. */
const char *fakeregistry_client_dir(void);

enum fake_stall {
	FAKE_NO_STALL,
	FAKE_STALL_CONNECT, /* nothing is answered, not even TLS: fakeregistry_stall_connect() */
	FAKE_STALL_HEAD,    /* the request is read, nothing comes */
	FAKE_STALL_BODY,    /* after cut_after bytes of the body */
	FAKE_TRICKLE,	    /* a byte of the body every 200 ms */
};
/* The answer to one kind of request. What is added last is looked at first. */
struct fake_answer {
	const char *method;  /* NULL: any */
	const char *path;    /* of the request, with the query; a '*' at its end matches the rest */
	int times;	     /* good for that many requests, then forgotten; 0: for ever */
	int status;	     /* 0: 200 */
	const char *headers; /* "Location: /x\r\nLink: y\r\n", or NULL */
	const void *body;
	size_t len;	    /* 0 with a body: a string */
	long long declared; /* Content-Length: 0: the truth, -1: none, and the end closes */
	bool is_chunked;
	bool is_ranged; /* Range: bytes=N- is obeyed with 206 */
	bool is_cut;	/* closes after cut_after bytes of the body */
	bool is_reset;	/* ... with RST */
	size_t cut_after;
	enum fake_stall stall;
	bool is_endless; /* the body again and again */
	bool is_open;	 /* needs no login */
};
void fakeregistry_answer(struct fakeregistry *f, const struct fake_answer *a); /* copies */

/* GET and HEAD of a blob, with ranges. digest: "sha256:<hex>", 72 bytes. */
void fakeregistry_blob(struct fakeregistry *f, const char *repository, const void *data, size_t len,
		       char digest[72]);
/* GET and HEAD of a manifest by tag (may be NULL) and digest. */
void fakeregistry_manifest(struct fakeregistry *f, const char *repository, const char *tag,
			   const char *media_type, const char *body, char digest[72]);

/* Everything but is_open answers wants this value in Authorization ("Basic YTpi", "Bearer t"), else
 * 401 with this WWW-Authenticate. NULL: no login. */
void fakeregistry_login(struct fakeregistry *f, const char *authorization, const char *challenge);
/* New connections are accepted and then nothing happens on them. */
void fakeregistry_stall_connect(struct fakeregistry *f, bool on);

/* ---- what it was asked; texts are the registry's, valid until fakeregistry_forget() ---- */

struct fake_request {
	char *method;
	char *target;
	char *head; /* all header lines */
	char *body; /* at most 1 MiB, NUL-terminated */
	size_t body_len;
};
size_t fakeregistry_requests(struct fakeregistry *f);
const struct fake_request *fakeregistry_request(struct fakeregistry *f, size_t i);
/* Value of a header field of a request, in a static buffer of the thread; NULL: not there. */
const char *fakeregistry_header(const struct fake_request *q, const char *name);
/* Requests of a method (NULL: any) whose target begins with prefix. */
size_t fakeregistry_count(struct fakeregistry *f, const char *method, const char *prefix);
/* Some request had an Authorization (or, value given: held that text anywhere in head or body). */
bool fakeregistry_saw(struct fakeregistry *f, const char *value);
void fakeregistry_forget(struct fakeregistry *f);

#endif
