/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mkimage - makes test images out of what Debian packages put on this machine. No network.
 *
 *	mkimage [--oci] busybox OUT.tar		busybox-static and its applets
 *	mkimage [--oci] nginx OUT.tar		nginx-light, its libraries, a shell: three layers
 *	mkimage [--oci] gcc OUT.tar		busybox and the C compiler of Debian
 *	mkimage [--oci] payload PROGRAM OUT.tar	one static program as /payload
 *	mkimage [--oci] layers N OUT.tar	busybox and N - 1 small layers on it
 *
 * Theory of operation: an image is a list of layers, a layer a tar in memory written by libarchive,
 * an archive a tar of those. A docker-archive has plain layers, an oci-archive (--oci) gzip ones.
 * Owners, modes and times are fixed, so the same packages give the same digests. The nginx image
 * deletes a file of its first layer in its third, so that whiteouts are in every test that uses it.
 * Test tooling: it prints and exits on the first failure.
 */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "engine/base/fs.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/base/proc.h"
#include "engine/base/str.h"
#include "engine/image/sha256.h"

#define CREATED	     "2024-01-01T00:00:00Z"
#define CREATED_UNIX 1704067200
#define FILE_MAX     (256U << 20)
#define LAYERS_MAX   200
#define WWW_DATA     33

struct layer_out {
	struct archive *a;
	struct buf tar;
	char diff_id[65];
};
struct image {
	const char *name;
	char name_text[64]; /* where the name is not a constant */
	struct layer_out layers[LAYERS_MAX];
	size_t n;
	json_t *config; /* the inner "config" object */
};

static void __attribute__((noreturn)) die(const char *what, const char *why)
{
	(void)fprintf(stderr, "mkimage: %s: %s\n", what, why);
	exit(1);
}

/* ---- layers ----------------------------------------------------------------------------- */

static la_ssize_t to_buf(struct archive *a, void *arg, const void *data, size_t len)
{
	struct buf *b = arg;

	buf_add(b, data, len);
	if (b->overflow)
		archive_set_error(a, EFBIG, "too large");
	return b->overflow ? -1 : (la_ssize_t)len;
}

static struct archive *open_tar(struct buf *b)
{
	struct archive *a = archive_write_new();

	*b = BUF_INIT(FILE_MAX);
	if (!a || archive_write_set_format_pax_restricted(a) != ARCHIVE_OK ||
	    archive_write_set_bytes_in_last_block(a, 1) != ARCHIVE_OK ||
	    archive_write_open(a, b, NULL, to_buf, NULL) != ARCHIVE_OK)
		die("tar", "cannot be written");
	return a;
}

static void close_tar(struct archive *a)
{
	if (archive_write_close(a) != ARCHIVE_OK)
		die("tar", archive_error_string(a));
	(void)archive_write_free(a);
}

static struct layer_out *begin_layer(struct image *im)
{
	struct layer_out *l = &im->layers[im->n++];

	if (im->n > LAYERS_MAX)
		die("image", "too many layers");
	l->a = open_tar(&l->tar);
	return l;
}

static void end_layer(struct layer_out *l)
{
	struct digest d;

	close_tar(l->a);
	sha256_of(l->tar.data, l->tar.len, &d);
	(void)digest_hex(&d, l->diff_id);
}

/* One entry; data and target may be NULL. */
static void put(struct archive *a, const char *name, mode_t mode, const char *target,
		const void *data, size_t len)
{
	struct archive_entry *e = archive_entry_new();

	archive_entry_set_pathname(e, name);
	archive_entry_set_mode(e, mode);
	archive_entry_set_mtime(e, CREATED_UNIX, 0);
	archive_entry_set_size(e, (la_int64_t)len);
	if (target)
		archive_entry_set_symlink(e, target);
	if (archive_write_header(a, e) != ARCHIVE_OK ||
	    (len && archive_write_data(a, data, len) != (la_ssize_t)len))
		die(name, archive_error_string(a));
	archive_entry_free(e);
}

static void put_dir(struct layer_out *l, const char *name, mode_t mode)
{
	put(l->a, name, S_IFDIR | mode, NULL, NULL, 0);
}

static void put_dirs(struct layer_out *l, const char *const *names)
{
	for (; *names; names++)
		put_dir(l, *names, 0755);
}

static void put_text(struct layer_out *l, const char *name, const char *text)
{
	put(l->a, name, S_IFREG | 0644, NULL, text, strlen(text));
}

static void put_link(struct layer_out *l, const char *name, const char *target)
{
	put(l->a, name, S_IFLNK | 0777, target, NULL, 0);
}

/* Copies a file of this machine. */
static void put_file(struct layer_out *l, const char *name, const char *from, mode_t mode)
{
	cleanup_free char *real = realpath(from, NULL);
	cleanup_free char *data = NULL;
	struct error err;
	size_t len = 0;

	if (!real)
		die(from, "is not there: is its package installed?");
	if (fs_read_file(AT_FDCWD, real, FILE_MAX, &data, &len, &err) < 0)
		die(from, err.text);
	put(l->a, name, S_IFREG | mode, NULL, data, len);
}

/* ---- running a program for its output --------------------------------------------------- */

static void lines_of(const char *path, const char *arg, const char *more, struct strlist *ret)
{
	char *argv[] = { (char *)(uintptr_t)path, (char *)(uintptr_t)arg, (char *)(uintptr_t)more,
			 NULL };
	char *envp[] = { (char *)(uintptr_t) "PATH=/usr/bin:/bin", NULL };
	struct error err;
	int ends[2];
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;
	FILE *f;

	if (pipe2(ends, O_CLOEXEC) < 0)
		die(path, strerror(errno));
	struct proc_spawn s = {
		.path = path, .argv = argv, .envp = envp, .stdio = { -1, ends[1], 2 }, .pass_fd = -1
	};
	pid_t pid = proc_spawn(&s, NULL, &err);

	if (pid < 0)
		die(path, err.text);
	(void)close(ends[1]);
	f = fdopen(ends[0], "r");
	while (f && (n = getline(&line, &cap, f)) > 0) {
		line[strcspn(line, "\n")] = '\0';
		strlist_add(ret, line);
	}
	free(line);
	if (f)
		(void)fclose(f);
	(void)waitpid(pid, NULL, 0);
}

/* Libraries of a program, as ldd(1) says, and the loader; those in *done are there already. */
static void put_libraries(struct layer_out *l, const char *program, struct strlist *done)
{
	cleanup_strlist struct strlist lines = { .v = NULL };

	lines_of("/usr/bin/ldd", program, NULL, &lines);
	for (size_t i = 0; i < lines.n; i++) {
		char *path = strchr(lines.v[i], '/'), *end = path ? strchr(path, ' ') : NULL;
		cleanup_free char *name = NULL;

		if (!end)
			continue;
		*end = '\0';
		/* /lib and /lib64 are links into /usr in the image, as on Debian. */
		name = xasprintf("%s%s", is_prefix(path, "/usr/") ? "" : "usr", path);
		if (strlist_has(done, name))
			continue;
		strlist_add(done, name);
		put_file(l, name[0] == '/' ? name + 1 : name, path, 0755);
	}
	if (!done->n)
		die(program, "ldd names no library");
}

static void put_busybox(struct layer_out *l, const char *dir, const char *const *only)
{
	cleanup_strlist struct strlist applets = { .v = NULL };
	cleanup_free char *binary = xasprintf("%s/busybox", dir);

	put_file(l, binary, "/bin/busybox", 0755);
	if (only)
		for (; *only; only++)
			strlist_add(&applets, *only);
	else
		lines_of("/bin/busybox", "--list", NULL, &applets);
	for (size_t i = 0; i < applets.n; i++) {
		cleanup_free char *name = xasprintf("%s/%s", dir, applets.v[i]);

		if (!is_equal(applets.v[i], "busybox"))
			put_link(l, name, "busybox");
	}
}

/* ---- the images ------------------------------------------------------------------------- */

#define PATH_ENV "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
static const char passwd[] = "root:x:0:0:root:/root:/bin/sh\n"
			     "www-data:x:33:33:www-data:/var/www:/bin/false\n"
			     "nobody:x:65534:65534:nobody:/nonexistent:/bin/false\n";
static const char group[] = "root:x:0:\nwww-data:x:33:\nnogroup:x:65534:\n";

static void put_etc(struct layer_out *l)
{
	put_dir(l, "etc", 0755);
	put_text(l, "etc/passwd", passwd);
	put_text(l, "etc/group", group);
}

/* As on Debian. */
static void put_merged_links(struct layer_out *l)
{
	put_link(l, "bin", "usr/bin");
	put_link(l, "sbin", "usr/sbin");
	put_link(l, "lib", "usr/lib");
	put_link(l, "lib64", "usr/lib64");
}

static void make_busybox(struct image *im)
{
	static const char *const dirs[] = {
		"bin", "dev", "proc", "sys", "run", "var", "www", NULL
	};
	struct layer_out *l = begin_layer(im);

	im->name = "docker.io/library/busybox:latest";
	put_dirs(l, dirs);
	put_dir(l, "root", 0700);
	put_dir(l, "tmp", 01777);
	put_etc(l);
	put_text(l, "www/index.html", "hello from busybox\n");
	put_busybox(l, "bin", NULL);
	end_layer(l);
	im->config = json_pack("{s:[s], s:[s]}", "Cmd", "sh", "Env", PATH_ENV);
}

static const char nginx_conf[] = "user www-data;\n"
				 "worker_processes 2;\n"
				 "pid /run/nginx.pid;\n"
				 "error_log /var/log/nginx/error.log notice;\n"
				 "events { worker_connections 256; }\n"
				 "http {\n"
				 "\tinclude /etc/nginx/mime.types;\n"
				 "\tdefault_type application/octet-stream;\n"
				 "\taccess_log /var/log/nginx/access.log;\n"
				 "\tsendfile on;\n"
				 "\tkeepalive_timeout 65;\n"
				 "\tinclude /etc/nginx/conf.d/*.conf;\n"
				 "}\n";
static const char default_conf[] = "server {\n"
				   "\tlisten 80;\n"
				   "\tlisten [::]:80;\n"
				   "\tserver_name localhost;\n"
				   "\troot /usr/share/nginx/html;\n"
				   "}\n";

static void make_nginx_base(struct image *im)
{
	static const char *const dirs[] = { "usr",	 "usr/bin",  "usr/sbin",  "usr/lib",
					    "usr/lib64", "dev",	     "proc",	  "sys",
					    "run",	 "var",	     "var/lib",	  "var/log",
					    "opt",	 "opt/html", "usr/share", NULL };
	static const char *const applets[] = { "sh",  "ls",   "cat",   "ps",   "id",
					       "env", "grep", "sleep", "wget", "mount",
					       "nc",  "kill", NULL };
	struct layer_out *l = begin_layer(im);
	cleanup_strlist struct strlist done = { .v = NULL };

	put_dirs(l, dirs);
	put_merged_links(l);
	put_dir(l, "root", 0700);
	put_dir(l, "tmp", 01777);
	put_etc(l);
	put_text(l, "etc/motd", "deleted by the third layer\n");
	put_busybox(l, "usr/bin", applets);
	put_libraries(l, "/usr/sbin/nginx", &done);
	end_layer(l);
}

static void make_nginx_program(struct image *im)
{
	static const char *const dirs[] = { "usr",
					    "usr/sbin",
					    "etc",
					    "etc/nginx",
					    "etc/nginx/conf.d",
					    "var",
					    "var/lib",
					    "var/lib/nginx",
					    "var/log",
					    "var/log/nginx",
					    "usr/share",
					    "usr/share/nginx",
					    "usr/share/nginx/html",
					    NULL };
	struct layer_out *l = begin_layer(im);

	put_dirs(l, dirs);
	put_file(l, "usr/sbin/nginx", "/usr/sbin/nginx", 0755);
	put_file(l, "etc/nginx/mime.types", "/etc/nginx/mime.types", 0644);
	put_text(l, "etc/nginx/nginx.conf", nginx_conf);
	put_text(l, "etc/nginx/conf.d/default.conf", default_conf);
	put_link(l, "var/log/nginx/access.log", "/dev/stdout");
	put_link(l, "var/log/nginx/error.log", "/dev/stderr");
	end_layer(l);
}

static void make_nginx(struct image *im)
{
	struct layer_out *l;

	im->name = "docker.io/library/nginx:latest";
	make_nginx_base(im);
	make_nginx_program(im);
	l = begin_layer(im);
	put_dirs(l, (const char *const[]){ "etc", "usr", "usr/share", "usr/share/nginx",
					   "usr/share/nginx/html", NULL });
	put_text(l, "etc/.wh.motd", "");
	put_text(l, "usr/share/nginx/html/index.html", "<h1>Welcome to nginx!</h1>\n");
	end_layer(l);
	im->config = json_pack("{s:[s,s,s], s:[s,s], s:{s:{}}, s:s}", "Cmd", "nginx", "-g",
			       "daemon off;", "Env", PATH_ENV, "NGINX_VERSION=1.22.1",
			       "ExposedPorts", "80/tcp", "StopSignal", "SIGQUIT");
}

/* What of the compiler's packages nobody needs to compile C. */
static bool is_wanted(const char *path)
{
	static const char *const parts[] = { "/share/",	 "plus",     "lto1",	 "lto-dump",
					     "san.",	 "san_",     "gcov",	 "/plugin/",
					     "gnu-gold", "gnu-dwp",  "gnu-gprof" };

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		if (strstr(path, parts[i]))
			return false;
	return is_prefix(path, "/usr/") || is_prefix(path, "/lib");
}

/* The files of an installed package, each once. */
static void put_package(struct layer_out *l, const char *package, struct strlist *done)
{
	cleanup_strlist struct strlist files = { .v = NULL };

	lines_of("/usr/bin/dpkg-query", "-L", package, &files);
	for (size_t i = 0; i < files.n; i++) {
		const char *path = files.v[i];
		cleanup_free char *name =
			xasprintf("%s%s", is_prefix(path, "/usr/") ? "" : "usr", path);
		const char *in = name[0] == '/' ? name + 1 : name;
		char target[PATH_MAX];
		struct stat st;
		ssize_t n;

		if (!is_wanted(path) || strlist_has(done, name) || lstat(path, &st) < 0)
			continue;
		strlist_add(done, name);
		if (S_ISDIR(st.st_mode))
			put_dir(l, in, 0755);
		else if (S_ISREG(st.st_mode))
			put_file(l, in, path, st.st_mode & 0777);
		else if ((n = readlink(path, target, sizeof(target) - 1)) > 0) {
			target[n] = '\0';
			put_link(l, in, target);
		}
	}
	if (!files.n)
		die(package, "is not installed");
}

/* The one line that gcc prints for an option. */
static char *ask_gcc(const char *option)
{
	cleanup_strlist struct strlist lines = { .v = NULL };

	lines_of("/usr/bin/gcc", option, NULL, &lines);
	if (!lines.n)
		die("/usr/bin/gcc", "is not there: is its package installed?");
	return xstrdup(lines.v[0]);
}

static void make_gcc_base(struct image *im)
{
	static const char *const dirs[] = { "usr", "usr/bin", "usr/sbin", "usr/lib", "usr/lib64",
					    "dev", "proc",    "sys",	  "run",     NULL };
	static const char *const applets[] = { "sh", "ls", "cat", "id", "env", "mkdir", NULL };
	struct layer_out *l = begin_layer(im);

	put_dirs(l, dirs);
	put_merged_links(l);
	put_dir(l, "tmp", 01777);
	put_etc(l);
	put_busybox(l, "usr/bin", applets);
	end_layer(l);
}

/* The tools by their short names. */
static void put_tools(struct layer_out *l, const char *machine, const char *version)
{
	static const char *const tools[] = { "as", "ld.bfd", "ar", "ranlib", "strip" };
	cleanup_free char *compiler = xasprintf("%s-gcc-%s", machine, version);

	put_link(l, "usr/bin/gcc", compiler);
	put_link(l, "usr/bin/cc", "gcc");
	put_link(l, "usr/bin/ld", "ld.bfd");
	for (size_t i = 0; i < ARRAY_SIZE(tools); i++) {
		cleanup_free char *tool = xasprintf("%s-%s", machine, tools[i]);
		cleanup_free char *name = xasprintf("usr/bin/%s", tools[i]);

		put_link(l, name, tool);
	}
}

static void put_compiler(struct layer_out *l, const char *machine, const char *version)
{
	cleanup_strlist struct strlist packages = { .v = NULL }, done = { .v = NULL };
	cleanup_free char *cc1 = ask_gcc("-print-prog-name=cc1");
	cleanup_free char *gcc_s = ask_gcc("-print-file-name=libgcc_s.so.1");
	cleanup_free char *gcc_s_name = xasprintf("usr/lib/%s/libgcc_s.so.1", machine);
	cleanup_free char *dashed = xstrdup(machine);

	for (char *p = dashed; *p; p++)
		*p = *p == '_' ? '-' : *p;
	strlist_addf(&packages, "gcc-%s", version);
	strlist_addf(&packages, "cpp-%s", version);
	strlist_addf(&packages, "libgcc-%s-dev", version);
	strlist_addf(&packages, "binutils-%s", dashed);
	strlist_add(&packages, "libc6-dev");
	strlist_add(&packages, "linux-libc-dev");
	for (size_t i = 0; i < packages.n; i++)
		put_package(l, packages.v[i], &done);
	put_libraries(l, cc1, &done);
	put_libraries(l, "/usr/bin/as", &done);
	put_libraries(l, "/usr/bin/ld.bfd", &done);
	put_libraries(l, "/usr/bin/gcc", &done);
	put_file(l, gcc_s_name, gcc_s, 0644);
}

static void make_gcc(struct image *im)
{
	cleanup_free char *version = ask_gcc("-dumpversion");
	cleanup_free char *machine = ask_gcc("-dumpmachine");
	struct layer_out *l;

	im->name = "localhost/gcc:latest";
	make_gcc_base(im);
	l = begin_layer(im);
	put_compiler(l, machine, version);
	put_tools(l, machine, version);
	end_layer(l);
	im->config = json_pack("{s:[s], s:[s]}", "Cmd", "sh", "Env", PATH_ENV);
}

static void make_payload(struct image *im, const char *program)
{
	static const char *const dirs[] = { "dev", "proc", "sys", "run", NULL };
	struct layer_out *l = begin_layer(im);

	im->name = "localhost/payload:latest";
	put_dirs(l, dirs);
	put_dir(l, "tmp", 01777);
	put_etc(l);
	put_file(l, "payload", program, 0755);
	end_layer(l);
	im->config = json_pack("{s:[s], s:[s]}", "Entrypoint", "/payload", "Env", PATH_ENV);
}

/* Each layer adds a file to /layers and writes its number to /top: the last one must win. */
static void make_layers(struct image *im, uint64_t n)
{
	make_busybox(im);
	(void)snprintf(im->name_text, sizeof(im->name_text), "localhost/layers-%" PRIu64 ":latest",
		       n);
	im->name = im->name_text;
	for (uint64_t i = 2; i <= n; i++) {
		struct layer_out *l = begin_layer(im);
		cleanup_free char *file = xasprintf("layers/%" PRIu64, i);
		cleanup_free char *text = xasprintf("%" PRIu64 "\n", i);

		put_dir(l, "layers", 0755);
		put_text(l, file, text);
		put_text(l, "top", text);
		end_layer(l);
	}
}

/* ---- archives --------------------------------------------------------------------------- */

static const char *architecture(void)
{
#if defined(__x86_64__)
	return "amd64";
#elif defined(__aarch64__)
	return "arm64";
#else
	return "unknown";
#endif
}

static char *config_text(struct image *im)
{
	cleanup_json json_t *diff_ids = json_array();
	cleanup_json json_t *history = json_array();
	cleanup_json json_t *top = NULL;

	for (size_t i = 0; i < im->n; i++) {
		(void)json_array_append_new(diff_ids,
					    json_sprintf("sha256:%s", im->layers[i].diff_id));
		(void)json_array_append_new(history, json_pack("{s:s, s:s}", "created", CREATED,
							       "created_by", "mkimage"));
	}
	top = json_pack("{s:s, s:s, s:s, s:O, s:{s:s, s:O}, s:O}", "created", CREATED,
			"architecture", architecture(), "os", "linux", "config", im->config,
			"rootfs", "type", "layers", "diff_ids", diff_ids, "history", history);
	return jdump_text(top, 0);
}

static void put_member(struct archive *a, const char *name, const void *data, size_t len)
{
	put(a, name, S_IFREG | 0644, NULL, data, len);
}

static void write_docker(struct image *im, struct archive *a)
{
	cleanup_free char *config = config_text(im);
	cleanup_json json_t *layers = json_array();
	cleanup_json json_t *manifest = NULL;
	cleanup_free char *text = NULL;
	cleanup_free char *config_name = NULL;
	char id[65];
	struct digest d;

	sha256_of(config, strlen(config), &d);
	config_name = xasprintf("%s.json", digest_hex(&d, id));
	for (size_t i = 0; i < im->n; i++) {
		cleanup_free char *name = xasprintf("%s.tar", im->layers[i].diff_id);

		put_member(a, name, im->layers[i].tar.data, im->layers[i].tar.len);
		(void)json_array_append_new(layers, json_string(name));
	}
	put_member(a, config_name, config, strlen(config));
	manifest = json_pack("[{s:s, s:[s], s:O}]", "Config", config_name, "RepoTags", im->name,
			     "Layers", layers);
	text = jdump_text(manifest, 0);
	put_member(a, "manifest.json", text, strlen(text));
}

/* Adds a blob; returns its descriptor. */
static json_t *put_blob(struct archive *a, const char *type, const void *data, size_t len)
{
	struct digest d;
	char hex[65];
	cleanup_free char *name = NULL;

	sha256_of(data, len, &d);
	name = xasprintf("blobs/sha256/%s", digest_hex(&d, hex));
	put_member(a, name, data, len);
	return json_pack("{s:s, s:s+, s:I}", "mediaType", type, "digest", "sha256:", hex, "size",
			 (json_int_t)len);
}

static void gzip(const struct buf *in, struct buf *out)
{
	struct archive *a = archive_write_new();
	struct archive_entry *e = archive_entry_new();

	*out = BUF_INIT(FILE_MAX);
	archive_entry_set_filetype(e, AE_IFREG);
	if (archive_write_set_format_raw(a) != ARCHIVE_OK ||
	    archive_write_add_filter_gzip(a) != ARCHIVE_OK ||
	    archive_write_set_options(a, "gzip:!timestamp") != ARCHIVE_OK ||
	    archive_write_set_bytes_in_last_block(a, 1) != ARCHIVE_OK ||
	    archive_write_open(a, out, NULL, to_buf, NULL) != ARCHIVE_OK ||
	    archive_write_header(a, e) != ARCHIVE_OK ||
	    archive_write_data(a, in->data, in->len) != (la_ssize_t)in->len)
		die("gzip", archive_error_string(a));
	archive_entry_free(e);
	close_tar(a);
}

static void write_oci(struct image *im, struct archive *a)
{
	cleanup_free char *config = config_text(im);
	cleanup_json json_t *layers = json_array();
	cleanup_json json_t *manifest = NULL;
	cleanup_json json_t *index = NULL;
	cleanup_free char *text = NULL;
	cleanup_free char *index_text = NULL;
	json_t *desc;
	static const char layout[] = "{\"imageLayoutVersion\":\"1.0.0\"}";

	put_member(a, "oci-layout", layout, strlen(layout));
	for (size_t i = 0; i < im->n; i++) {
		cleanup_buf struct buf gz = BUF_INIT(0);

		gzip(&im->layers[i].tar, &gz);
		(void)json_array_append_new(
			layers, put_blob(a, "application/vnd.oci.image.layer.v1.tar+gzip", gz.data,
					 gz.len));
	}
	desc = put_blob(a, "application/vnd.oci.image.config.v1+json", config, strlen(config));
	manifest = json_pack("{s:i, s:s, s:o, s:O}", "schemaVersion", 2, "mediaType",
			     "application/vnd.oci.image.manifest.v1+json", "config", desc, "layers",
			     layers);
	text = jdump_text(manifest, 0);
	desc = put_blob(a, "application/vnd.oci.image.manifest.v1+json", text, strlen(text));
	(void)json_object_set_new(
		desc, "annotations",
		json_pack("{s:s}", "org.opencontainers.image.ref.name", im->name));
	index = json_pack("{s:i, s:[o]}", "schemaVersion", 2, "manifests", desc);
	index_text = jdump_text(index, 0);
	put_member(a, "index.json", index_text, strlen(index_text));
}

static void write_image(struct image *im, bool oci, const char *path)
{
	cleanup_buf struct buf out = BUF_INIT(0);
	struct archive *a = open_tar(&out);
	struct error err;

	if (oci)
		write_oci(im, a);
	else
		write_docker(im, a);
	close_tar(a);
	if (fs_write_atomic(AT_FDCWD, path, out.data, out.len, 0644, FS_NOSYNC, &err) < 0)
		die(path, err.text);
	for (size_t i = 0; i < im->n; i++)
		buf_done(&im->layers[i].tar);
	json_decref(im->config);
}

int main(int argc, char **argv)
{
	bool oci = argc > 1 && is_equal(argv[1], "--oci");
	char **args = argv + 1 + oci;
	int n = argc - 1 - oci;
	struct image im = { .name = NULL };
	uint64_t layers;

	if (n == 2 && is_equal(args[0], "busybox"))
		make_busybox(&im);
	else if (n == 2 && is_equal(args[0], "nginx"))
		make_nginx(&im);
	else if (n == 2 && is_equal(args[0], "gcc"))
		make_gcc(&im);
	else if (n == 3 && is_equal(args[0], "payload"))
		make_payload(&im, args[1]);
	else if (n == 3 && is_equal(args[0], "layers") &&
		 parse_u64(args[1], LAYERS_MAX, &layers) == 0)
		make_layers(&im, layers);
	else
		die("usage", "mkimage [--oci] busybox|nginx|gcc|payload PROGRAM|layers N OUT.tar");
	write_image(&im, oci, args[n - 1]);
	return 0;
}
