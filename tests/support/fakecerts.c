/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fakecerts - test certificates through OpenSSL.
 *
 * Theory of operation: two authorities are made, one that clients get as ca.crt and one that they
 * never see. A server certificate names 127.0.0.1 to .3 and localhost, unless it is for the wrong
 * name; an expired one was good until yesterday. Keys are P-256 and live in this process alone.
 */
#include "tests/support/fakecerts.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/base/mem.h"

#define DAY (24L * 60 * 60)

struct authority {
	EVP_PKEY *key;
	X509 *cert;
};
static struct authority known, stranger;
static char dir[64], client_dir[64];

static bool add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *e;
	bool ok;

	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	ok = e && X509_add_ext(cert, e, -1);
	X509_EXTENSION_free(e);
	return ok;
}

/* A certificate of key for name, good from `from` to `to` seconds from now; not signed. */
static X509 *new_cert(EVP_PKEY *key, const char *name, long from, long to)
{
	static long serial = 1;
	X509 *x = X509_new();
	X509_NAME *n = X509_get_subject_name(x);

	(void)X509_set_version(x, 2);
	(void)ASN1_INTEGER_set(X509_get_serialNumber(x), serial++);
	(void)X509_gmtime_adj(X509_getm_notBefore(x), from);
	(void)X509_gmtime_adj(X509_getm_notAfter(x), to);
	(void)X509_set_pubkey(x, key);
	(void)X509_NAME_add_entry_by_txt(n, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1,
					 0);
	return x;
}

static bool make_authority(struct authority *a, const char *name)
{
	if (a->key)
		return true;
	a->key = EVP_EC_gen("P-256");
	a->cert = new_cert(a->key, name, -DAY, 30 * DAY);
	return X509_set_issuer_name(a->cert, X509_get_subject_name(a->cert)) &&
	       add_extension(a->cert, a->cert, NID_basic_constraints, "critical,CA:TRUE") &&
	       X509_sign(a->cert, a->key, EVP_sha256()) > 0;
}

static X509 *make_server(const struct authority *ca, EVP_PKEY *key, enum fake_kind kind)
{
	const char *names = "IP:127.0.0.1,IP:127.0.0.2,IP:127.0.0.3,DNS:localhost";
	X509 *x = kind == FAKE_TLS_EXPIRED ? new_cert(key, "server", -2 * DAY, -DAY)
					   : new_cert(key, "server", -DAY, 30 * DAY);

	if (kind == FAKE_TLS_WRONG_NAME)
		names = "DNS:elsewhere.example.com";
	if (!X509_set_issuer_name(x, X509_get_subject_name(ca->cert)) ||
	    !add_extension(x, ca->cert, NID_subject_alt_name, names) ||
	    X509_sign(x, ca->key, EVP_sha256()) <= 0) {
		X509_free(x);
		return NULL;
	}
	return x;
}

SSL_CTX *fakecerts_context(enum fake_kind kind)
{
	const struct authority *ca = kind == FAKE_TLS_STRANGER ? &stranger : &known;
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x = NULL;
	bool ok = ctx && key && make_authority(&known, "test authority") &&
		  make_authority(&stranger, "stranger");

	if (ok)
		x = make_server(ca, key, kind);
	if (ok && kind == FAKE_TLS_CLIENT) {
		SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
		ok = X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), known.cert) == 1;
	}
	ok = ok && x && SSL_CTX_use_certificate(ctx, x) == 1 &&
	     SSL_CTX_use_PrivateKey(ctx, key) == 1;
	X509_free(x);
	EVP_PKEY_free(key);
	if (ok)
		return ctx;
	SSL_CTX_free(ctx);
	return NULL;
}

static void remove_file(const char *in, const char *name)
{
	cleanup_free char *path = xasprintf("%s/%s", in, name);

	(void)unlink(path);
}

static void remove_dirs(void)
{
	remove_file(dir, "ca.crt");
	(void)rmdir(dir);
	remove_file(client_dir, "ca.crt");
	remove_file(client_dir, "client.cert");
	remove_file(client_dir, "client.key");
	(void)rmdir(client_dir);
	X509_free(known.cert);
	EVP_PKEY_free(known.key);
	X509_free(stranger.cert);
	EVP_PKEY_free(stranger.key);
}

static bool write_pem(const char *in, const char *name, X509 *cert, EVP_PKEY *key)
{
	cleanup_free char *path = xasprintf("%s/%s", in, name);
	cleanup_fclose FILE *f = fopen(path, "we");

	if (!f)
		return false;
	return cert ? PEM_write_X509(f, cert) == 1
		    : PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL) == 1;
}

const char *fakecerts_dir(void)
{
	if (*dir)
		return dir;
	(void)snprintf(dir, sizeof(dir), "/tmp/podium-certs.XXXXXX");
	if (!make_authority(&known, "test authority") || !mkdtemp(dir) ||
	    !write_pem(dir, "ca.crt", known.cert, NULL))
		return NULL;
	(void)atexit(remove_dirs);
	return dir;
}

const char *fakecerts_client_dir(void)
{
	EVP_PKEY *key;
	X509 *x = NULL;
	bool ok;

	if (*client_dir)
		return client_dir;
	if (!fakecerts_dir())
		return NULL;
	(void)snprintf(client_dir, sizeof(client_dir), "/tmp/podium-certs.XXXXXX");
	key = EVP_EC_gen("P-256");
	if (key)
		x = make_server(&known, key, FAKE_TLS);
	ok = x && mkdtemp(client_dir) && write_pem(client_dir, "ca.crt", known.cert, NULL) &&
	     write_pem(client_dir, "client.cert", x, NULL) &&
	     write_pem(client_dir, "client.key", NULL, key);
	X509_free(x);
	EVP_PKEY_free(key);
	return ok ? client_dir : NULL;
}
