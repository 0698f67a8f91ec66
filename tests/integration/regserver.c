/* SPDX-License-Identifier: Apache-2.0 */
/*
 * regserver - runs docker-registry for a test.
 *
 * Theory of operation: the test's network namespace is its own, so a port that was free a moment ago
 * is free. The program is a job of the harness, so no test takes it for a leftover, and the
 * harness ends it whatever happens. "Ready" is a connection that is accepted. Certificates are made
 * by openssl(1) when a server wants them: a CA, and a leaf that it signs, which is what separates a
 * client that checks the chain from one that knows the leaf. The password file is bcrypt by
 * crypt(3), the only kind that docker-registry takes.
 *
 * skopeo remembers, below /var/lib/containers, where it has seen which blob: it would upload a gzip
 * blob where a test wants zstd. So that directory is covered, in the test's mount namespace.
 */
#include "tests/integration/regserver.h"

#include <arpa/inet.h>
#include <crypt.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/fs.h"
#include "engine/base/json.h"

#define TYPE_OCI     "application/vnd.oci.image.manifest.v1+json"
#define TYPE_INDEX   "application/vnd.oci.image.index.v1+json"
#define TYPE_SCHEMA2 "application/vnd.docker.distribution.manifest.v2+json"
#define TYPE_LIST    "application/vnd.docker.distribution.manifest.list.v2+json"

/* ---- the program ------------------------------------------------------------------------ */

bool regserver_is_possible(void)
{
	static const char *const programs[] = { "docker-registry", "skopeo", "openssl", "curl" };

	for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
		cleanup_result struct result r =
			run("sh -c 'command -v %s >/dev/null'", programs[i]);

		if (r.code) {
			TEST_SKIP("no %s here: make deps", programs[i]);
			return false;
		}
	}
	return true;
}

static struct sockaddr_in loopback(uint16_t port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
				     .sin_port = htons(port),
				     .sin_addr = { htonl(INADDR_LOOPBACK) } };
}

static uint16_t free_port(void)
{
	cleanup_close int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in a = loopback(0);
	socklen_t len = sizeof(a);

	if (fd < 0 || bind(fd, (struct sockaddr *)&a, len) < 0 ||
	    getsockname(fd, (struct sockaddr *)&a, &len) < 0)
		return 0;
	return ntohs(a.sin_port);
}

static bool is_answering(uint16_t port)
{
	cleanup_close int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in a = loopback(port);

	return fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0;
}

static bool make_certificates(const struct regserver *s)
{
	static const char make[] = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 "
				   "-nodes -days 30";
	cleanup_free char *certs = xasprintf("%s/certs", s->dir);
	cleanup_result struct result ca = { 0 }, leaf = { 0 };
	struct error err = { 0 };
	cleanup_close int fd = fs_mkdirs(AT_FDCWD, certs, 0755, &err);

	if (!CHECK(fd >= 0, "%s", err.text))
		return false;
	ca = run("%s -keyout %s/ca.key -out %s/certs/ca.crt -subj '/CN=test authority'", make,
		 s->dir, s->dir);
	leaf = run("%s -CA %s/certs/ca.crt -CAkey %s/ca.key -keyout %s/key.pem -out %s/cert.pem "
		   "-subj /CN=registry -addext basicConstraints=critical,CA:FALSE "
		   "-addext subjectAltName=IP:127.0.0.1,DNS:localhost",
		   make, s->dir, s->dir, s->dir, s->dir);
	return CHECK_CODE(ca, 0) && CHECK_CODE(leaf, 0);
}

static bool write_password(const struct regserver *s)
{
	cleanup_free char *path = xasprintf("%s/htpasswd", s->dir);
	struct crypt_data room = { .initialized = 0 };
	/* A fixed salt: nothing is protected here. 5: the cheapest that bcrypt knows is 4. Not
	 * crypt(): the address sanitizer puts one of its own in front of it, and the library is not
	 * linked. */
	const char *hash =
		crypt_rn(s->password, "$2b$05$abcdefghijklmnopqrstuu", &room, sizeof(room));

	if (!CHECK(hash && *hash == '$', "crypt(3) knows no bcrypt"))
		return false;
	write_file(path, "%s:%s\n", s->user, hash);
	return true;
}

static void write_config(const struct regserver *s)
{
	cleanup_free char *path = xasprintf("%s/config.yml", s->dir);
	cleanup_free char *tls = s->tls ? xasprintf(", tls: {certificate: %s/cert.pem, "
						    "key: %s/key.pem}",
						    s->dir, s->dir)
					: xstrdup("");
	cleanup_free char *auth = s->user ? xasprintf("auth: {htpasswd: {realm: test, "
						      "path: %s/htpasswd}}\n",
						      s->dir)
					  : xstrdup("");

	write_file(path,
		   "version: 0.1\n"
		   "log: {level: error, accesslog: {disabled: true}}\n"
		   "storage: {filesystem: {rootdirectory: %s/data}, delete: {enabled: true}}\n"
		   "http: {addr: '127.0.0.1:%u', secret: test%s}\n%s",
		   s->dir, s->port, tls, auth);
}

bool regserver_resume(struct regserver *s)
{
	/* docker-registry takes every REGISTRY_... of its environment for configuration. */
	s->job = job_run("env -u REGISTRY_AUTH_FILE docker-registry serve %s/config.yml", s->dir);
	if (WAIT_UNTIL(is_answering(s->port) || !job_is_running(&s->job), DEADLINE_MS) &&
	    job_is_running(&s->job))
		return true;
	{
		cleanup_result struct result r = { 0 };

		(void)kill(s->job.pid, SIGTERM);
		r = job_wait(&s->job, DEADLINE_MS);
		CHECK(false, "docker-registry does not answer (%d): %s%s", r.code, r.out, r.err);
	}
	return false;
}

bool regserver_start(const struct regserver_spec *spec, struct regserver *ret)
{
	*ret = (struct regserver){ .port = free_port(), .tls = spec->tls };
	ret->dir = xasprintf("%s/registry-%s", harness.work, spec->name);
	ret->host = xasprintf("127.0.0.1:%u", ret->port);
	ret->user = spec->user ? xstrdup(spec->user) : NULL;
	ret->password = spec->user ? xstrdup(spec->password) : NULL;
	regserver_environment();
	if (!CHECK(ret->port != 0, "no free port") || (ret->tls && !make_certificates(ret)) ||
	    (ret->user && !write_password(ret)))
		return false;
	write_config(ret);
	return regserver_resume(ret);
}

bool regserver_start_two(struct regserver *open, struct regserver *closed)
{
	return regserver_start(&(struct regserver_spec){ .name = "open" }, open) &&
	       regserver_start(&(struct regserver_spec){ .name = "closed",
							 .tls = true,
							 .user = "alice",
							 .password = "hush-4711" },
			       closed);
}

void regserver_halt(struct regserver *s)
{
	if (s->job.pid <= 0)
		return;
	(void)kill(s->job.pid, SIGTERM);
	DISCARD(job_wait(&s->job, DEADLINE_MS));
}

void regserver_stop(struct regserver *s)
{
	regserver_halt(s);
	free(s->dir);
	free(s->host);
	free(s->user);
	free(s->password);
	*s = (struct regserver){ 0 };
}

/* ---- what is in it ---------------------------------------------------------------------- */

char *regserver_skopeo_options(const struct regserver *s, const char *prefix)
{
	cleanup_free char *tls = s->tls ? xasprintf("--%scert-dir %s/certs", prefix, s->dir)
					: xasprintf("--%stls-verify=false", prefix);

	return s->user ? xasprintf("%s --%screds %s:%s", tls, prefix, s->user, s->password)
		       : xasprintf("%s --%sno-creds", tls, prefix);
}

static bool skopeo_copy(const char *options, const char *from, const char *to)
{
	cleanup_result struct result r =
		run("skopeo --insecure-policy copy -q %s %s %s", options, from, to);

	return CHECK_CODE(r, 0);
}

/* skopeo compresses what it uploads, by gzip, and takes a docker-archive's layers for compressed: so
 * other layers are made on the way there, from an OCI image, and sent as they are. */
bool regserver_fill(const struct regserver *s, const char *source, const char *name,
		    enum regserver_form form)
{
	cleanup_free char *reach = regserver_skopeo_options(s, "dest-");
	cleanup_free char *how = xasprintf("%s %s",
					   form == REGSERVER_SCHEMA2 ? "--format v2s2"
					   : form == REGSERVER_OCI   ? "--format oci"
								     : "--preserve-digests",
					   reach);
	cleanup_free char *to = xasprintf("docker://%s/%s", s->host, name);
	cleanup_free char *flat = replaced(name, "/", "-");
	cleanup_free char *file = replaced(flat, ":", "-");
	cleanup_free char *gzip = xasprintf("oci:%s/gzip-%s", s->dir, file);
	cleanup_free char *plain = xasprintf("dir:%s/plain-%s", s->dir, file);
	cleanup_free char *zstd = xasprintf("oci:%s/zstd-%s", s->dir, file);

	if (form == REGSERVER_ZSTD)
		return skopeo_copy("--dest-compress --dest-compress-format zstd", source, zstd) &&
		       skopeo_copy(how, zstd, to);
	if (form == REGSERVER_PLAIN)
		return skopeo_copy("", source, gzip) &&
		       skopeo_copy("--dest-decompress", gzip, plain) && skopeo_copy(how, plain, to);
	return skopeo_copy(how, source, to);
}

bool regserver_fill_made(const struct regserver *s, const char *made, const char *name,
			 enum regserver_form form)
{
	cleanup_free char *archive = image_archive(made);
	cleanup_free char *source = xasprintf("docker-archive:%s", archive);

	return regserver_fill(s, source, name, form);
}

struct result regserver_curl(const struct regserver *s, const char *options, const char *path)
{
	cleanup_free char *tls =
		s->tls ? xasprintf("--cacert %s/certs/ca.crt", s->dir) : xstrdup("");
	cleanup_free char *user =
		s->user ? xasprintf("-u %s:%s", s->user, s->password) : xstrdup("");

	return run("curl -sS -f --max-time 60 %s %s %s %s://%s%s", tls, user, options,
		   s->tls ? "https" : "http", s->host, path);
}

char *regserver_manifest(const struct regserver *s, const char *name)
{
	cleanup_free char *reach = regserver_skopeo_options(s, "");
	cleanup_result struct result r = run("skopeo --insecure-policy inspect --raw %s "
					     "docker://%s/%s",
					     reach, s->host, name);

	CHECK_CODE(r, 0);
	return steal_ptr(&r.out);
}

/* By the header, not by the text that skopeo prints: that is not promised to be the bytes. */
char *regserver_digest(const struct regserver *s, const char *name)
{
	static const char header[] = "docker-content-digest: ";
	const char *tag = strrchr(name, ':');
	cleanup_free char *path =
		xasprintf("/v2/%.*s/manifests/%s", (int)(tag - name), name, tag + 1);
	cleanup_result struct result r =
		regserver_curl(s,
			       "-I -H 'Accept: " TYPE_OCI "' -H 'Accept: " TYPE_INDEX
			       "' -H 'Accept: " TYPE_SCHEMA2 "' -H 'Accept: " TYPE_LIST "'",
			       path);
	const char *hit;

	CHECK_CODE(r, 0);
	hit = strcasestr(r.out, header);
	CHECK(hit != NULL, "no digest in\n%s", r.out);
	if (!hit)
		return xstrdup("");
	hit += strlen(header);
	return xstrndup(hit, strcspn(hit, "\r\n"));
}

char *regserver_config_digest(const struct regserver *s, const char *name)
{
	cleanup_free char *text = regserver_manifest(s, name);
	cleanup_json json_t *j = json_loads(text, 0, NULL);
	const char *digest = j ? jget_str(json_object_get(j, "config"), "digest") : NULL;

	CHECK(digest != NULL, "no config in\n%s", text);
	return xstrdup(digest ? digest : "");
}

/* One row of an index. */
static json_t *describe(const struct regserver *s, const char *repository,
			const struct regserver_entry *e)
{
	cleanup_free char *name = xasprintf("%s:%s", repository, e->tag);
	cleanup_free char *digest = regserver_digest(s, name);
	cleanup_free char *text = regserver_manifest(s, name);
	cleanup_json json_t *j = json_loads(text, 0, NULL);
	const char *type = j ? jget_str(j, "mediaType") : NULL;
	json_t *platform = json_pack("{s:s, s:s}", "os", "linux", "architecture", e->arch);

	if (e->variant)
		(void)json_object_set_new(platform, "variant", json_string(e->variant));
	return json_pack("{s:s, s:s, s:I, s:o}", "mediaType", type ? type : TYPE_OCI, "digest",
			 digest, "size", (json_int_t)strlen(text), "platform", platform);
}

bool regserver_fill_index(const struct regserver *s, const char *repository, const char *tag,
			  bool docker, const struct regserver_entry *v, size_t n)
{
	const char *type = docker ? TYPE_LIST : TYPE_INDEX;
	cleanup_json json_t *list = json_array();
	cleanup_json json_t *index = json_pack("{s:i, s:s, s:O}", "schemaVersion", 2, "mediaType",
					       type, "manifests", list);
	cleanup_free char *file = xasprintf("%s/index.json", s->dir);
	cleanup_free char *how =
		xasprintf("-X PUT -H 'Content-Type: %s' --data-binary @%s", type, file);
	cleanup_free char *path = xasprintf("/v2/%s/manifests/%s", repository, tag);
	cleanup_free char *text = NULL;
	cleanup_result struct result r = { 0 };

	for (size_t i = 0; i < n; i++)
		(void)json_array_append_new(list, describe(s, repository, &v[i]));
	text = jdump_text(index, 0);
	write_file(file, "%s", text);
	r = regserver_curl(s, how, path);
	return CHECK_CODE(r, 0);
}

/* ---- podium's side ---------------------------------------------------------------------- */

void regserver_environment(void)
{
	static const char *const unwanted[] = {
		"http_proxy", "https_proxy",	    "HTTP_PROXY",    "HTTPS_PROXY",   "all_proxy",
		"ALL_PROXY",  "REGISTRY_AUTH_FILE", "DOCKER_CONFIG", "SSL_CERT_FILE", "SSL_CERT_DIR"
	};
	static bool is_done;
	cleanup_free char *home = xasprintf("%s/home", harness.work);
	cleanup_free char *runtime = xasprintf("%s/runtime", harness.work);

	if (is_done)
		return;
	is_done = true;
	for (size_t i = 0; i < ARRAY_SIZE(unwanted); i++)
		(void)unsetenv(unwanted[i]);
	(void)mkdir(home, 0700);
	(void)mkdir(runtime, 0700);
	(void)setenv("HOME", home, 1);
	(void)setenv("XDG_RUNTIME_DIR", runtime, 1);
	(void)mkdir("/var/lib/containers", 0755); /* as skopeo would */
	CHECK(mount("skopeo", "/var/lib/containers", "tmpfs", 0, "mode=0755") == 0,
	      "cover /var/lib/containers: %s", strerror(errno));
	regserver_configure("");
}

void regserver_configure(const char *conf)
{
	cleanup_free char *path = xasprintf("%s/etc/registries.conf", harness.work);

	write_file(path, "%s", conf);
	(void)setenv("CONTAINERS_REGISTRIES_CONF", path, 1);
}

char *regserver_conf_insecure(const struct regserver *s)
{
	return xasprintf("[[registry]]\nlocation = \"%s\"\ninsecure = true\n", s->host);
}

char *regserver_conf_mirror(const struct regserver *s)
{
	return xasprintf("unqualified-search-registries = [\"docker.io\"]\n"
			 "[[registry]]\nprefix = \"docker.io\"\n"
			 "location = \"127.0.0.1:9\"\n"
			 "[[registry.mirror]]\nlocation = \"%s\"\ninsecure = %s\n",
			 s->host, s->tls ? "false" : "true");
}

static void copy_text(const char *from, const char *to)
{
	cleanup_free char *text = read_file(from);

	if (CHECK(text != NULL, "cannot read %s", from))
		write_file(to, "%s", text);
}

void regserver_trust(const struct regserver *s)
{
	cleanup_free char *from = xasprintf("%s/certs/ca.crt", s->dir);
	cleanup_free char *to =
		xasprintf("%s/.config/containers/certs.d/%s/ca.crt", getenv("HOME"), s->host);

	copy_text(from, to);
}

/* base64 of a short text. */
static char *base64(const char *text)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	struct buf b = BUF_INIT(4096);
	size_t len = strlen(text);

	for (size_t i = 0; i < len; i += 3) {
		unsigned char in[3] = { 0 };
		uint32_t bits;

		memcpy(in, text + i, len - i < 3 ? len - i : 3);
		bits = (uint32_t)in[0] << 16 | (uint32_t)in[1] << 8 | in[2];
		for (size_t k = 0; k < 4; k++)
			buf_addc(&b, i + k > len ? '=' : digits[bits >> (18 - 6 * k) & 63]);
	}
	return buf_steal(&b);
}

char *regserver_auth_text(const struct regserver *s, const char *password)
{
	cleanup_free char *pair = xasprintf("%s:%s", s->user ? s->user : "nobody",
					    password	  ? password
					    : s->password ? s->password
							  : "");
	cleanup_free char *coded = base64(pair);

	return xasprintf("{\"auths\": {\"%s\": {\"auth\": \"%s\"}}}", s->host, coded);
}

void regserver_authorise(const char *auth)
{
	cleanup_free char *path = xasprintf("%s/auth.json", harness.work);

	if (!auth) {
		(void)unsetenv("REGISTRY_AUTH_FILE");
		return;
	}
	write_file(path, "%s", auth);
	(void)chmod(path, 0600);
	(void)setenv("REGISTRY_AUTH_FILE", path, 1);
}
