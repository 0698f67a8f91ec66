/* SPDX-License-Identifier: Apache-2.0 */
/*
 * certs - a registry's certificates from certs.d.
 *
 * Theory of operation: the texts of all *.crt are put together and given to libcurl as bytes; the
 * client's pair stays a pair of paths (libcurl reads the key when it needs it, it is not copied
 * here). Names in the directory are taken in the order of the bytes; of several pairs the first is
 * used. A directory that cannot be read is passed over as if it were not there: /etc may be closed
 * to a user, and the system's certificates are what is left then.
 */
#include "engine/image/certs.h"

#include <fcntl.h>
#include <string.h>

#include "engine/base/fs.h"
#include "engine/base/str.h"

void certs_done(struct certs *c)
{
	free(c->ca);
	free(c->cert);
	free(c->key);
	*c = (struct certs){ 0 };
}

static int add_ca(int dirfd, const char *dir, const char *name, struct buf *ca, struct error *err)
{
	cleanup_free char *pem = NULL;
	size_t len = 0;
	int r = fs_read_file(dirfd, name, CERTS_FILE_MAX, &pem, &len, err);

	if (r < 0)
		return error_wrap(err, "certificate '%s/%s'", dir, name);
	buf_add(ca, pem, len);
	buf_addc(ca, '\n');
	if (ca->overflow)
		return error_set(err, E2BIG, "'%s' holds more than %d bytes of certificates", dir,
				 CERTS_ALL_MAX);
	return 0;
}

/* The other half of a pair: same stem, other end. */
static int check_pair(int dirfd, const char *dir, const char *name, const char *end,
		      const char *other, struct error *err)
{
	cleanup_free char *mate =
		xasprintf("%.*s%s", (int)(strlen(name) - strlen(end)), name, other);

	if (faccessat(dirfd, mate, R_OK, 0) < 0)
		return error_errno(err, "'%s/%s' has no '%s' beside it", dir, name, mate);
	return 0;
}

static int take_file(int dirfd, const char *dir, const char *name, struct certs *c, struct buf *ca,
		     struct error *err)
{
	int r = 0;

	if (is_suffix(name, ".crt"))
		return add_ca(dirfd, dir, name, ca, err);
	if (is_suffix(name, ".key"))
		return check_pair(dirfd, dir, name, ".key", ".cert", err);
	if (!is_suffix(name, ".cert"))
		return 0;
	r = check_pair(dirfd, dir, name, ".cert", ".key", err);
	if (r == 0 && !c->cert) {
		c->cert = xasprintf("%s/%s", dir, name);
		c->key = xasprintf("%s/%.*s.key", dir, (int)(strlen(name) - 5), name);
	}
	return r;
}

/* 1 when the directory is there. */
static int load_dir(const char *dir, struct certs *c, struct error *err)
{
	cleanup_buf struct buf ca = BUF_INIT(CERTS_ALL_MAX);
	cleanup_close int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent **names = NULL;
	int n, r = 0;

	if (fd < 0)
		return 0;
	n = scandir(dir, &names, NULL, alphasort);
	for (int i = 0; i < n; i++) {
		if (r == 0)
			r = take_file(fd, dir, names[i]->d_name, c, &ca, err);
		free(names[i]);
	}
	free(names);
	if (r < 0)
		return r;
	c->ca_len = ca.len;
	c->ca = ca.len > 0 ? buf_steal(&ca) : NULL;
	return 1;
}

static int load_host(const char *host, struct certs *c, struct error *err)
{
	static const char *const roots[] = { "/etc/containers/certs.d", "/etc/docker/certs.d" };
	const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	cleanup_free char *own = NULL;
	int r = 0;

	if (!is_empty(config) && *config == '/')
		own = xasprintf("%s/containers/certs.d/%s", config, host);
	else if (!is_empty(home))
		own = xasprintf("%s/.config/containers/certs.d/%s", home, host);
	if (own)
		r = load_dir(own, c, err);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(roots); i++) {
		cleanup_free char *dir = xasprintf("%s/%s", roots[i], host);

		r = load_dir(dir, c, err);
	}
	return r;
}

int certs_load(const char *cert_dir, const char *host, struct certs *ret, struct error *err)
{
	cleanup_certs struct certs c = { 0 };
	int r = cert_dir ? load_dir(cert_dir, &c, err) : load_host(host, &c, err);

	if (r == 0 && cert_dir)
		return error_set(err, ENOENT, "directory of certificates '%s' cannot be read",
				 cert_dir);
	if (r < 0)
		return r;
	*ret = c;
	c = (struct certs){ 0 };
	return 0;
}
