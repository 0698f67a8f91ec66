/* SPDX-License-Identifier: Apache-2.0 */
/*
 * build - `podium build [DIR]`: a Containerfile to an image.
 *
 * Theory of operation: the build is the verb "build" of podium-image; here the command line becomes
 * a struct build_options, the lines that it says are printed, and its RUN steps are run by our
 * engine (build_run.h). The last line on stdout is the image's id, with -q the only one. When the
 * command of a RUN fails its exit code is ours.
 */
#include "engine/build/build.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/podium/image/build_run.h"
#include "cmd/podium/base/commands.h"
#include "cmd/podium/base/format.h"
#include "cmd/podium/image/imagejob.h"
#include "cmd/podium/base/progress.h"
#include "cmd/podium/image/regoptions.h"
#include "engine/base/fs.h"
#include "engine/base/json.h"
#include "engine/image/manifest.h"
#include "engine/image/reference.h"
#include "engine/state/eventlog.h"

struct build_command {
	struct strlist tags, files, build_args, labels, env, add_hosts, cap_add, cap_drop;
	const char *target, *from, *platform, *arch, *os, *variant, *network, *pull, *format;
	const char *iidfile, *ignore_file, *isolation;
	struct option_int timestamp;
	struct option_maybe content_trust;
	struct reg_options reg;
	bool no_cache, layers, squash, squash_all, quiet, rm, force_rm;
};

static void set_defaults(void *options)
{
	struct build_command *o = options;

	o->layers = true;
	o->rm = true;
	o->force_rm = true;
	o->format = "oci";
}

#define O(m) offsetof(struct build_command, m)
static const struct option build_option_table[] = {
	{ 0, "add-host", OPTION_STRINGS, O(add_hosts), "NAME:IP",
	  "Add a line to /etc/hosts of RUN (again for more)", false },
	{ 0, "arch", OPTION_STRING, O(arch), "string", "Build for this architecture", false },
	OPTION_AUTHFILE(O(reg.authfile)),
	{ 0, "build-arg", OPTION_STRINGS, O(build_args), "NAME[=VALUE]",
	  "Value of an ARG; without VALUE the environment's (again for more)", false },
	{ 0, "cap-add", OPTION_STRINGS, O(cap_add), "CAP", "Give RUN a capability", false },
	{ 0, "cap-drop", OPTION_STRINGS, O(cap_drop), "CAP", "Take a capability from RUN", false },
	OPTION_CERT_DIR(O(reg.cert_dir)),
	OPTION_CREDS(O(reg.creds)),
	OPTION_CONTENT_TRUST(O(content_trust)),
	{ 0, "env", OPTION_STRINGS, O(env), "NAME[=VALUE]",
	  "Environment of the image, before its own ENV (again for more)", false },
	{ 'f', "file", OPTION_STRINGS, O(files), "FILE",
	  "The Containerfile (default: DIR/Containerfile, DIR/Dockerfile); '-': stdin", false },
	{ 0, "force-rm", OPTION_BOOL, O(force_rm), NULL,
	  "Remove the containers of RUN after a failure too (always so)", false },
	{ 0, "format", OPTION_STRING, O(format), "string", "Kind of manifest: oci or docker",
	  false },
	{ 0, "from", OPTION_STRING, O(from), "IMAGE", "Use this image in the first FROM", false },
	{ 0, "ignorefile", OPTION_STRING, O(ignore_file), "FILE",
	  "Use this instead of .containerignore and .dockerignore", false },
	{ 0, "iidfile", OPTION_STRING, O(iidfile), "FILE", "Write the image's id to a file",
	  false },
	{ 0, "isolation", OPTION_STRING, O(isolation), "string",
	  "How RUN is isolated: oci, in a container", false },
	{ 0, "label", OPTION_STRINGS, O(labels), "KEY[=VALUE]",
	  "Label of the image (again for more)", false },
	{ 0, "layers", OPTION_BOOL, O(layers), NULL,
	  "Keep each step and use those that are there (default true)", false },
	{ 0, "network", OPTION_STRING, O(network), "string",
	  "Network of RUN: default, host or none", false },
	{ 0, "no-cache", OPTION_BOOL, O(no_cache), NULL, "Do every step again", false },
	{ 0, "os", OPTION_STRING, O(os), "string", "Build for this system", false },
	{ 0, "platform", OPTION_STRING, O(platform), "OS/ARCH[/VARIANT]",
	  "Build for this platform (instead of --os, --arch, --variant)", false },
	{ 0, "pull", OPTION_WORD, O(pull), "always|missing|never|newer",
	  "Whether to ask registries for the images of FROM (default: missing ones)", false },
	{ 'q', "quiet", OPTION_BOOL, O(quiet), NULL, "Print nothing but the id", false },
	{ 0, "rm", OPTION_BOOL, O(rm), NULL, "Remove the containers of RUN (always so)", false },
	{ 0, "squash", OPTION_BOOL, O(squash), NULL, "Make one layer of the new ones", false },
	{ 0, "squash-all", OPTION_BOOL, O(squash_all), NULL, "Make one layer of all", false },
	{ 't', "tag", OPTION_STRINGS, O(tags), "NAME", "Name of the image (again for more)",
	  false },
	{ 0, "target", OPTION_STRING, O(target), "STAGE", "Build this stage", false },
	{ 0, "timestamp", OPTION_INT, O(timestamp), "SECONDS",
	  "Time of the image and its files, since 1970: the same input gives the same image",
	  false },
	OPTION_TLS_VERIFY(O(reg.tls_verify)),
	{ 0, "variant", OPTION_STRING, O(variant), "string",
	  "Build for this variant of the architecture", false },
	OPTION_REFUSE(0, "all-platforms", "one platform at a time: --platform"),
	OPTION_REFUSE(0, "annotation", "use --label; images get no annotations"),
	OPTION_REFUSE(0, "build-context",
		      "there is one context; COPY --from takes files of images"),
	OPTION_REFUSE(0, "cache-from", "steps are kept in the store alone"),
	OPTION_REFUSE(0, "cache-to", "steps are kept in the store alone"),
	OPTION_REFUSE(0, "cache-ttl", "steps are kept in the store alone"),
	OPTION_REFUSE(0, "cgroup-parent", "the groups are podium's own, below 'podium'"),
	OPTION_REFUSE(0, "cgroupns", "RUN has namespaces of its own"),
	OPTION_REFUSE(0, "compress", "layers are compressed when they are pushed or saved"),
	OPTION_REFUSE(0, "cpp-flag", "Containerfiles are not preprocessed"),
	OPTION_REFUSE(0, "cpu-period", "RUN has no limits of its own"),
	OPTION_REFUSE(0, "cpu-quota", "RUN has no limits of its own"),
	OPTION_REFUSE('c', "cpu-shares", "RUN has no limits of its own"),
	OPTION_REFUSE(0, "cpuset-cpus", "RUN has no limits of its own"),
	OPTION_REFUSE(0, "cpuset-mems", "RUN has no limits of its own"),
	OPTION_REFUSE(0, "decryption-key", "encrypted images are not supported"),
	OPTION_REFUSE(0, "device", "RUN gets no devices of the host"),
	OPTION_REFUSE('D', "disable-compression",
		      "layers are compressed when they are pushed or saved"),
	OPTION_REFUSE(0, "dns", "RUN has the host's name servers"),
	OPTION_REFUSE(0, "dns-option", "RUN has the host's name servers"),
	OPTION_REFUSE(0, "dns-search", "RUN has the host's name servers"),
	OPTION_REFUSE(0, "hooks-dir", "there is no OCI runtime: podium's engine is built in"),
	OPTION_REFUSE(0, "http-proxy", "name them: --build-arg http_proxy=..."),
	OPTION_REFUSE(0, "identity-label", "no label is added"),
	OPTION_REFUSE(0, "ipc", "RUN has namespaces of its own"),
	OPTION_REFUSE(0, "jobs", "stages are built one after the other"),
	OPTION_REFUSE(0, "logfile", "redirect the output instead"),
	OPTION_REFUSE(0, "logsplit", "redirect the output instead"),
	OPTION_REFUSE(0, "manifest", "lists of images are not made"),
	OPTION_REFUSE('m', "memory", "RUN has no limits of its own"),
	OPTION_REFUSE(0, "memory-swap", "RUN has no limits of its own"),
	OPTION_REFUSE(0, "no-hosts", "RUN always has /etc/hosts"),
	OPTION_REFUSE(0, "omit-history", "each step is in the history"),
	OPTION_REFUSE(0, "os-feature", "for Windows"),
	OPTION_REFUSE(0, "os-version", "for Windows"),
	OPTION_REFUSE('o', "output", "podium export or podium save write files"),
	OPTION_REFUSE(0, "pid", "RUN has namespaces of its own"),
	OPTION_REFUSE(0, "retry", "what fails for a while is tried again anyway"),
	OPTION_REFUSE(0, "retry-delay", "what fails for a while is tried again anyway"),
	OPTION_REFUSE(0, "runtime-flag", "there is no OCI runtime: podium's engine is built in"),
	OPTION_REFUSE(0, "secret", "not yet: nothing is handed to RUN in secret"),
	OPTION_REFUSE(0, "security-opt", "RUN has the default confinement"),
	OPTION_REFUSE(0, "shm-size", "RUN has no limits of its own"),
	OPTION_REFUSE(0, "sign-by", "images are not signed"),
	OPTION_REFUSE(0, "skip-unused-stages",
		      "stages that the target does not need are never built"),
	OPTION_REFUSE(0, "ssh", "not yet: nothing is handed to RUN in secret"),
	OPTION_REFUSE(0, "stdin", "RUN reads nothing"),
	OPTION_REFUSE(0, "ulimit", "RUN has no limits of its own"),
	OPTION_REFUSE(0, "unsetenv", "run --unsetenv leaves variables out"),
	OPTION_REFUSE(0, "userns", "RUN has no user namespace"),
	OPTION_REFUSE(0, "userns-gid-map", "RUN has no user namespace"),
	OPTION_REFUSE(0, "userns-gid-map-group", "RUN has no user namespace"),
	OPTION_REFUSE(0, "userns-uid-map", "RUN has no user namespace"),
	OPTION_REFUSE(0, "userns-uid-map-user", "RUN has no user namespace"),
	OPTION_REFUSE(0, "uts", "RUN has namespaces of its own"),
	OPTION_REFUSE('v', "volume", "RUN --mount gives RUN other files"),
	OPTIONS_END,
};

/* ---- the command line as options -------------------------------------------------------- */

static int check(const struct build_command *o, struct error *err)
{
	if (!is_equal(o->format, "oci") && !is_equal(o->format, "docker"))
		return error_set(err, EINVAL, "--format '%.50s': oci or docker", o->format);
	if (o->isolation && !is_equal(o->isolation, "oci"))
		return error_set(err, EINVAL, "--isolation '%.50s': RUN is isolated as 'oci' only",
				 o->isolation);
	if (!o->rm || !o->force_rm)
		return error_set(err, EINVAL,
				 "--rm and --force-rm: containers of RUN are never kept");
	if (o->files.n > 1)
		return error_set(err, EINVAL, "--file: one file, not %zu", o->files.n);
	if (o->network && !is_equal(o->network, "default") && !is_equal(o->network, "host") &&
	    !is_equal(o->network, "none"))
		return error_set(err, EINVAL, "--network '%.50s': default, host or none",
				 o->network);
	if (o->timestamp.set && (o->timestamp.value < 0 || o->timestamp.value > UINT32_MAX))
		return error_set(err, EINVAL, "--timestamp: seconds since 1970");
	return content_trust_check(&o->content_trust, err);
}

static int set_pull(const char *word, int *ret, struct error *err)
{
	static const struct {
		const char *word;
		int policy;
	} words[] = {
		{ "true", BUILD_PULL_ALWAYS },	     { "always", BUILD_PULL_ALWAYS },
		{ "false", BUILD_PULL_MISSING },     { "missing", BUILD_PULL_MISSING },
		{ "ifmissing", BUILD_PULL_MISSING }, { "never", BUILD_PULL_NEVER },
		{ "newer", BUILD_PULL_NEWER },	     { "ifnewer", BUILD_PULL_NEWER },
	};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (!word || is_equal(word, words[i].word)) {
			*ret = word ? words[i].policy : BUILD_PULL_MISSING;
			return 0;
		}
	return error_set(err, EINVAL, "--pull '%.50s': always, missing, never or newer", word);
}

static int set_platform(const struct build_command *c, char **ret, struct error *err)
{
	cleanup_free char *text = NULL;
	struct platform p;
	int r;

	if (!c->platform && !c->arch && !c->os && !c->variant)
		return 0;
	if (c->platform && (c->arch || c->os || c->variant))
		return error_set(err, EINVAL,
				 "--platform says all: leave out --os, --arch and --variant");
	platform_host(&p);
	text = c->platform ? xstrdup(c->platform)
			   : xasprintf("%s/%s%s%s", c->os ? c->os : p.os,
				       c->arch ? c->arch : p.architecture, c->variant ? "/" : "",
				       c->variant ? c->variant : "");
	platform_done(&p);
	r = platform_parse(text, &p, err);
	if (r < 0)
		return r;
	*ret = platform_format(&p);
	platform_done(&p);
	return 0;
}

/* What is named here by a short name is of this machine. */
static int add_name(struct strlist *names, const char *text, struct error *err)
{
	char full[REFERENCE_MAX + 1];
	struct reference r;
	int e = reference_parse(text, &r, err);

	if (e < 0)
		return e;
	if (r.digest[0])
		return error_set(err, EINVAL, "a name cannot hold a digest: '%.200s'", text);
	if (r.is_short)
		strlist_addf(names, "localhost/%s:%s",
			     is_prefix(r.path, "library/") ? r.path + 8 : r.path, r.tag);
	else
		strlist_add(names, reference_format(&r, full));
	return 0;
}

static int set_args(const struct strlist *in, struct pairlist *out, struct error *err)
{
	for (size_t i = 0; i < in->n; i++) {
		size_t len = strcspn(in->v[i], "=");
		cleanup_free char *name = xstrndup(in->v[i], len);
		const char *value = in->v[i][len] ? in->v[i] + len + 1 : getenv(name);

		if (!len)
			return error_set(err, EINVAL, "--build-arg '%.100s': NAME=VALUE", in->v[i]);
		if (value)
			pairlist_set(out, name, value);
	}
	return 0;
}

static int set_env(const struct strlist *in, struct strlist *out, struct error *err)
{
	for (size_t i = 0; i < in->n; i++) {
		const char *value = strchr(in->v[i], '=') ? NULL : getenv(in->v[i]);

		if (in->v[i][0] == '=' || !in->v[i][0])
			return error_set(err, EINVAL, "--env '%.100s': NAME=VALUE", in->v[i]);
		if (strchr(in->v[i], '='))
			strlist_add(out, in->v[i]);
		else if (value)
			strlist_addf(out, "%s=%s", in->v[i], value);
	}
	return 0;
}

/* "net_admin" and "CAP_NET_ADMIN" are the same. */
static void set_caps(const struct strlist *in, struct strlist *out)
{
	for (size_t i = 0; i < in->n; i++) {
		char *name =
			strncasecmp(in->v[i], "cap_", 4) == 0 || strcasecmp(in->v[i], "all") == 0
				? xstrdup(in->v[i])
				: xasprintf("CAP_%s", in->v[i]);

		for (char *p = name; *p; p++)
			*p = (char)toupper((unsigned char)*p);
		strlist_take(out, name);
	}
}

/* ---- context and file ------------------------------------------------------------------- */

static char *absolute(const char *path)
{
	cleanup_free char *cwd = NULL;

	if (*path == '/')
		return xstrdup(path);
	cwd = getcwd(NULL, 0);
	return xasprintf("%s/%s", cwd ? cwd : "", path);
}

static int set_context(const char *arg, struct build_options *o, struct error *err)
{
	static const char *const remote[] = { "http://", "https://", "git://", "git@",
					      "github.com/" };
	struct stat st;

	for (size_t i = 0; i < ARRAY_SIZE(remote); i++)
		if (is_prefix(arg, remote[i]))
			return error_set(err, EOPNOTSUPP,
					 "context '%.200s': only a directory of this machine can "
					 "be the context",
					 arg);
	o->context = realpath(arg, NULL);
	if (!o->context || stat(o->context, &st) < 0)
		return error_errno(err, "context '%.200s'", arg);
	if (!S_ISDIR(st.st_mode))
		return error_set(err, ENOTDIR,
				 "context '%.200s' is not a directory: unpack it first", arg);
	return 0;
}

static int find_file(struct build_options *o, struct error *err)
{
	static const char *const names[] = { "Containerfile", "Dockerfile" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		cleanup_free char *path = xasprintf("%s/%s", o->context, names[i]);

		if (access(path, F_OK) == 0) {
			o->file = steal_ptr(&path);
			o->file_name = xstrdup(names[i]);
			return 0;
		}
	}
	return error_set(err, ENOENT,
			 "no Containerfile or Dockerfile in '%.200s': name one by --file",
			 o->context);
}

/* -f FILE: seen from here, else from the context. */
static int set_file(const char *file, struct build_options *o, struct error *err)
{
	cleanup_free char *path = absolute(file);

	if (access(path, F_OK) < 0 && o->context && *file != '/') {
		free(path);
		path = xasprintf("%s/%s", o->context, file);
	}
	if (access(path, F_OK) < 0)
		return error_errno(err, "Containerfile '%.200s'", file);
	o->file = steal_ptr(&path);
	o->file_name = xstrdup(file);
	return 0;
}

/* *ret_datafd is stdin where the Containerfile comes from there. */
static int set_places(const struct build_command *c, int argc, char **argv, struct build_options *o,
		      int *ret_datafd, struct error *err)
{
	const char *file = c->files.n ? c->files.v[0] : NULL;
	bool is_stdin = is_equal(file, "-") || (argc && is_equal(argv[0], "-"));
	int r = 0;

	if (argc && is_equal(argv[0], "-") && file && !is_equal(file, "-"))
		return error_set(err, EINVAL, "the Containerfile is '-' and '%.100s'", file);
	if (!argc || !is_equal(argv[0], "-"))
		r = set_context(argc ? argv[0] : ".", o, err);
	if (r < 0)
		return r;
	if (is_stdin) {
		if (isatty(STDIN_FILENO))
			return error_set(err, EINVAL, "stdin is a terminal: redirect it");
		*ret_datafd = STDIN_FILENO;
		o->file_name = xstrdup("stdin");
		return 0;
	}
	return file ? set_file(file, o, err) : find_file(o, err);
}

static int make_options(const struct build_command *c, struct build_options *o, struct error *err)
{
	int r = set_pull(c->pull, &o->pull, err);

	for (size_t i = 0; r == 0 && i < c->tags.n; i++)
		r = add_name(&o->names, c->tags.v[i], err);
	if (r == 0)
		r = set_platform(c, &o->platform, err);
	if (r == 0)
		r = set_args(&c->build_args, &o->build_args, err);
	if (r == 0)
		r = set_env(&c->env, &o->env, err);
	if (r < 0)
		return r;
	o->shown_name = xstrdup_or_null(c->tags.n ? c->tags.v[0] : NULL);
	strlist_copy(&o->labels, &c->labels);
	strlist_copy(&o->add_hosts, &c->add_hosts);
	set_caps(&c->cap_add, &o->cap_add);
	set_caps(&c->cap_drop, &o->cap_drop);
	o->ignore_file = c->ignore_file ? absolute(c->ignore_file) : NULL;
	o->target = xstrdup_or_null(c->target);
	o->from = xstrdup_or_null(c->from);
	o->network = xstrdup_or_null(c->network);
	o->no_cache = c->no_cache;
	o->squash_all = c->squash_all;
	o->no_layers = !c->layers || c->squash || c->squash_all;
	o->is_docker = is_equal(c->format, "docker");
	o->is_quiet = c->quiet;
	o->timestamp_s = c->timestamp.set ? c->timestamp.value : BUILD_NO_TIMESTAMP;
	o->authfile = c->reg.authfile ? absolute(c->reg.authfile) : NULL;
	o->creds = xstrdup_or_null(c->reg.creds);
	o->cert_dir = c->reg.cert_dir ? absolute(c->reg.cert_dir) : NULL;
	o->tls_verify = c->reg.tls_verify.set ? c->reg.tls_verify.value : -1;
	return 0;
}

/* ---- the build -------------------------------------------------------------------------- */

struct building {
	struct build_run *run;
	struct progress *progress;
	char *id;
	int exit_code; /* of a RUN that failed */
};

static int on_event(struct imagejob *job, void *arg, const char *event, const json_t *j,
		    struct error *err)
{
	struct building *b = arg;
	const char *text = jget_str(j, "text"), *id = jget_str(j, "id");
	int64_t code = jget_int(j, "exit", 0);
	int r;

	if (is_equal(event, "say") && text) {
		progress_clear(b->progress);
		format_print_line(text);
		return fflush(stdout) ? error_errno(err, "write to stdout") : 0;
	}
	if (is_equal(event, "trying") && jget_str(j, "name")) {
		cleanup_free char *trying = xasprintf("Trying to pull %s...", jget_str(j, "name"));

		progress_say(b->progress, trying);
	}
	if (is_equal(event, "built") && id && is_id(id) && !b->id)
		b->id = xstrdup(id);
	if (is_equal(event, "run-failed") && code > 0 && code < 256)
		b->exit_code = (int)code;
	if (is_equal(event, "run"))
		progress_clear(b->progress);
	r = build_run_event(b->run, job, event, j, err);
	return r < 0 ? r : 0;
}

static int report(const struct build_command *c, const struct build_options *o, const char *id,
		  struct error *err)
{
	cleanup_free char *text = xasprintf("sha256:%s", id);
	int r;

	for (size_t i = 0; !c->quiet && i < o->names.n; i++) {
		cleanup_free char *line = xasprintf("Successfully tagged %s", o->names.v[i]);

		format_print_line(line);
	}
	format_print_line(id);
	if (!c->iidfile)
		return 0;
	r = fs_write_atomic(AT_FDCWD, c->iidfile, text, strlen(text), 0644, FS_NOSYNC, err);
	return r < 0 ? error_wrap(err, "--iidfile") : 0;
}

static int build(struct command_context *ctx, const struct build_command *c,
		 const struct build_options *o, int datafd, struct error *err)
{
	const struct build_run_options run_options = { .is_silent = c->quiet };
	cleanup_json json_t *request = record_dump(&build_options_type, o);
	struct building b = { .id = NULL };
	int r = build_run_new(&ctx->store, &run_options, &b.run, err), sig;

	if (r < 0)
		return r;
	b.progress = progress_new(c->quiet);
	r = imagejob_run(&(struct imagejob_spec){ .verb = "build",
						  .store = &ctx->store,
						  .request = request,
						  .datafd = datafd,
						  .on_event = on_event,
						  .progress = b.progress,
						  .stop_fd = build_run_stop_fd(b.run),
						  .arg = &b },
			 err);
	progress_free(b.progress);
	sig = build_run_free(b.run);
	if (r == 0 && !b.id)
		r = error_set(err, EIO, "podium-image does not say what it built");
	if (r == 0) {
		event_log_image(&ctx->store, "build", b.id, o->names.n ? o->names.v[0] : NULL);
		r = report(c, o, b.id, err);
	}
	free(b.id);
	if (r < 0 && sig)
		(void)raise(sig);
	if (r < 0 && b.exit_code) {
		command_print_error(err);
		return b.exit_code;
	}
	return r;
}

static int run_command(struct command_context *ctx, void *options, int argc, char **argv,
		       struct error *err)
{
	const struct build_command *c = options;
	struct build_options o = { .context = NULL };
	int datafd = -1;
	int r = check(c, err);

	if (r == 0)
		r = make_options(c, &o, err);
	if (r == 0)
		r = set_places(c, argc, argv, &o, &datafd, err);
	if (r == 0)
		r = build(ctx, c, &o, datafd, err);
	if (o.creds)
		explicit_bzero(o.creds, strlen(o.creds));
	record_done(&build_options_type, &o);
	return r;
}

const struct command cmd_build = {
	.words = "build",
	.args = "[options] [DIR]",
	.summary = "Build an image from a Containerfile",
	.details = "DIR is the context, whose files COPY and ADD see; without it the current "
		   "directory. '-' reads the Containerfile from stdin and has no context.",
	.options = build_option_table,
	.options_size = sizeof(struct build_command),
	.set_defaults = set_defaults,
	.min_args = 0,
	.max_args = 1,
	.store = COMMAND_WRITES,
	.run = run_command,
};
