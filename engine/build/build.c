/* SPDX-License-Identifier: Apache-2.0 */
/*
 * build - a build from its file to its image.
 *
 * Theory of operation:
 *
 *	read	the Containerfile and the ignore file
 *	plan	stages; only those that the target needs (stage.c)
 *	stages	one after another: the base (pulled when it must be), the triggers that it brings
 *		(ONBUILD), then its instructions (perform.c). A stage that is done is a state: its
 *		layers are what COPY --from of a later one reads
 *	end	the last step's image has the names; or the layers are made one and committed now
 *
 * Runs in podium-image, one thread, which asks podium for each RUN. Every layer that is used is
 * claimed until the end. A build that fails leaves the images of its steps, for the next one to begin
 * with, and no names; layers that no image has are debris that the next collection takes.
 */
#include "engine/build/build.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/fs.h"
#include "engine/build/cache.h"
#include "engine/build/internal.h"
#include "engine/build/work.h"
#include "engine/image/manifest.h"
#include "engine/image/store.h"

void build_say(const struct build *b, const char *fmt, ...)
{
	struct buf line = BUF_INIT(2 * CONTAINERFILE_BYTES_MAX);
	cleanup_free char *text = NULL;
	va_list ap;
	char *raw = NULL;

	if (b->options->is_quiet)
		return;
	va_start(ap, fmt);
	if (vasprintf(&raw, fmt, ap) >= 0)
		buf_adds(&line, raw);
	va_end(ap);
	free(raw);
	text = buf_steal(&line);
	b->ops->say(b->ops->arg, text);
}

/* ---- reading ---------------------------------------------------------------------------- */

/* All that a descriptor gives. */
static int read_all(int fd, struct buf *out, struct error *err)
{
	char block[16384];
	ssize_t n;

	while ((n = read(fd, block, sizeof(block))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_errno(err, "read the Containerfile");
		buf_add(out, block, (size_t)n);
		if (out->overflow)
			return error_set(err, E2BIG, "the Containerfile is larger than %d bytes",
					 CONTAINERFILE_BYTES_MAX);
	}
	return 0;
}

/* What is given as a text might be an archive: a context, which is not taken from there. */
static bool is_archive(const struct buf *text)
{
	return (text->len > 262 && memcmp(text->data + 257, "ustar", 5) == 0) ||
	       (text->len > 2 && memcmp(text->data, "\x1f\x8b", 2) == 0) ||
	       (text->len > 4 && memcmp(text->data, "\x28\xb5\x2f\xfd", 4) == 0);
}

static int read_file(struct build *b, int datafd, struct error *err)
{
	const struct build_options *o = b->options;
	cleanup_buf struct buf text = BUF_INIT(CONTAINERFILE_BYTES_MAX);
	cleanup_close int fd = -EBADF;
	int r;

	if (o->file) {
		fd = open(o->file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
		if (fd < 0)
			return error_errno(err, "open '%.300s'", o->file);
	}
	if (fd < 0 && datafd < 0)
		return error_set(err, EINVAL, "there is no Containerfile");
	r = read_all(o->file ? fd : datafd, &text, err);
	if (r < 0)
		return r;
	if (is_archive(&text))
		return error_set(err, EOPNOTSUPP,
				 "a context in an archive is not supported: unpack it first");
	return containerfile_parse(text.data ? text.data : "", text.len,
				   o->file_name ? o->file_name : "Containerfile", &b->file, err);
}

static int read_ignore_at(struct build *b, int dirfd, const char *path, struct error *err)
{
	cleanup_free char *text = NULL;
	size_t len = 0;
	int r = fs_read_file(dirfd, path, IGNORE_BYTES_MAX, &text, &len, err);

	return r < 0 ? r : ignore_parse(text, len, path, &b->ignore, err);
}

/* --ignorefile, else FILE.containerignore and FILE.dockerignore beside the Containerfile, else those
 * of the context. */
static int read_ignore(struct build *b, struct error *err)
{
	static const char *const names[] = { ".containerignore", ".dockerignore" };
	const struct build_options *o = b->options;

	if (o->ignore_file)
		return read_ignore_at(b, AT_FDCWD, o->ignore_file, err);
	for (size_t i = 0; o->file && i < ARRAY_SIZE(names); i++) {
		cleanup_free char *beside = xasprintf("%s%s", o->file, names[i]);

		if (access(beside, F_OK) == 0)
			return read_ignore_at(b, AT_FDCWD, beside, err);
	}
	for (size_t i = 0; b->contextfd >= 0 && i < ARRAY_SIZE(names); i++)
		if (faccessat(b->contextfd, names[i], F_OK, 0) == 0)
			return read_ignore_at(b, b->contextfd, names[i], err);
	return 0;
}

static int open_context(struct build *b, struct error *err)
{
	const char *path = b->options->context;

	if (!path)
		return 0;
	b->contextfd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (b->contextfd < 0)
		return error_errno(err, "context '%.300s'", path);
	b->context = xstrdup(path);
	return 0;
}

/* ---- planning --------------------------------------------------------------------------- */

static void set_platform_args(struct build *b, const char *prefix, const struct platform *p)
{
	const char *variant = p->variant ? p->variant : "";
	const struct {
		const char *name, *value;
	} parts[] = { { "OS", p->os }, { "ARCH", p->architecture }, { "VARIANT", variant } };
	cleanup_free char *all =
		xasprintf("%s/%s%s%s", p->os, p->architecture, *variant ? "/" : "", variant);
	cleanup_free char *name = xasprintf("%sPLATFORM", prefix);

	pairlist_set(&b->platform_args, name, all);
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		cleanup_free char *part = xasprintf("%s%s", prefix, parts[i].name);

		pairlist_set(&b->platform_args, part, parts[i].value);
	}
}

static int plan(struct build *b, struct error *err)
{
	struct platform host = { .os = NULL }, target = { .os = NULL };
	const struct build_options *o = b->options;
	int r = 0;

	platform_host(&host);
	set_platform_args(b, "BUILD", &host);
	if (o->platform)
		r = platform_parse(o->platform, &target, err);
	if (r == 0)
		set_platform_args(b, "TARGET", o->platform ? &target : &host);
	platform_done(&host);
	platform_done(&target);
	if (r < 0)
		return r;
	r = stages_plan(&b->file,
			&(struct stage_options){ .build_args = &o->build_args,
						 .platform_args = &b->platform_args,
						 .target = o->target,
						 .from = o->from,
						 .left = &b->expand_left },
			&b->stages, err);
	if (r == 0)
		b->states = xcalloc(b->stages.n, sizeof(*b->states));
	return r;
}

/* Build arguments that no ARG names are likely to be misspelt. */
static bool has_arg(const struct build *b, const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < b->file.n; i++) {
		const char *p = b->file.v[i].args;

		if (b->file.v[i].kind != INSTRUCTION_ARG)
			continue;
		while ((p = strstr(p, name))) {
			bool begins = p == b->file.v[i].args || is_blank(p[-1]);

			if (begins && (!p[len] || p[len] == '=' || is_blank(p[len])))
				return true;
			p += len;
		}
	}
	return false;
}

static void warn_unused(const struct build *b)
{
	const struct pairlist *args = &b->options->build_args;
	struct buf names = BUF_INIT(4096);
	cleanup_free char *text = NULL;

	for (size_t i = 0; i < args->n; i++)
		if (!has_arg(b, args->v[i].key) && !is_build_proxy(args->v[i].key))
			buf_printf(&names, "%s%s", names.len ? " " : "", args->v[i].key);
	if (names.len) {
		text = xasprintf("one or more build args were not consumed: [%s]", names.data);
		b->ops->warn(b->ops->arg, text);
	}
	buf_done(&names);
}

/* ---- instructions that nobody wrote ----------------------------------------------------- */

/* "LABEL "key"="value"", with what has a meaning in there escaped. */
static char *quoted_pair(const char *instruction, const char *pair, char escape)
{
	struct buf out = BUF_INIT(CONTAINERFILE_BYTES_MAX);
	size_t key = strcspn(pair, "=");

	buf_printf(&out, "%s \"", instruction);
	for (const char *p = pair; *p; p++) {
		if (p == pair + key) {
			buf_adds(&out, "\"=\"");
			continue;
		}
		if (*p == '"' || *p == '$' || *p == escape)
			buf_addc(&out, escape);
		buf_addc(&out, *p);
	}
	buf_adds(&out, pair[key] ? "\"" : "\"=\"\"");
	return buf_steal(&out);
}

struct made {
	struct instruction *v;
	size_t n;
};

static void made_done(struct made *m)
{
	for (size_t i = 0; i < m->n; i++)
		instruction_done(&m->v[i]);
	free(m->v);
}

static int make_one(struct made *m, const char *text, char escape, struct error *err)
{
	struct instruction i = { .original = NULL };
	int r = instruction_parse(text, escape, &i, err);

	if (r < 0) {
		instruction_done(&i);
		return error_wrap(err, "'%.100s'", text);
	}
	m->v = xreallocarray(m->v, m->n + 1, sizeof(i));
	m->v[m->n++] = i;
	return 0;
}

static int make_pairs(struct made *m, const char *instruction, const struct strlist *pairs,
		      char escape, struct error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < pairs->n; i++) {
		cleanup_free char *text = quoted_pair(instruction, pairs->v[i], escape);

		r = make_one(m, text, escape, err);
	}
	return r;
}

/* What the base wants done first. Its triggers have done their work then. */
static int make_triggers(struct made *m, struct build_state *st, struct error *err)
{
	struct strlist triggers = st->conf.onbuild;
	int r = 0;

	st->conf.onbuild = (struct strlist){ .v = NULL };
	for (size_t i = 0; r == 0 && i < triggers.n; i++) {
		r = make_one(m, triggers.v[i], st->escape, err);
		if (r == 0 && (m->v[m->n - 1].kind == INSTRUCTION_FROM ||
			       m->v[m->n - 1].kind == INSTRUCTION_ONBUILD))
			r = error_set(err, EBADMSG, "'%.100s' cannot be a trigger", triggers.v[i]);
	}
	strlist_done(&triggers);
	return r < 0 ? error_wrap(err, "ONBUILD of the base image") : 0;
}

/* ---- a stage ---------------------------------------------------------------------------- */

static int begin_stage(struct build *b, size_t at, struct build_state *st, struct error *err)
{
	const struct stage *stage = &b->stages.v[at];

	st->left = &b->expand_left;
	if (stage->from < 0) {
		int r = build_base(b, stage, st, err);

		return r < 0 ? error_wrap(err, "%.100s:%u: FROM", b->file.name,
					  stage->from_instruction->line)
			     : 0;
	}
	image_conf_copy(&st->conf, &b->states[stage->from].conf);
	(void)snprintf(st->image, sizeof(st->image), "%s", b->states[stage->from].image);
	st->escape = b->file.escape;
	return 0;
}

static int perform_all(struct build *b, struct build_state *st, const struct instruction *v,
		       size_t n, struct place *at, struct error *err)
{
	for (size_t i = 0; i < n; i++) {
		int r;

		at->number++;
		at->is_last = at->stage == b->stages.target && at->number == at->count;
		r = build_perform(b, st, &v[i], at, err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* The stage's end where no step was committed with the names. */
static int end_target(struct build *b, struct build_state *st, size_t kept, unsigned steps,
		      struct error *err)
{
	const struct build_options *o = b->options;
	int r = 0;

	if (steps && !o->no_layers)
		return 0; /* the last step has it all */
	if (!steps && !st->image[0] && !st->conf.diff_ids.n)
		return error_set(err, EINVAL, "no image was made: there is nothing in it");
	build_say(b, o->shown_name ? "COMMIT %s" : "COMMIT", o->shown_name);
	if (!steps && st->image[0] && !o->squash_all) {
		r = build_name(b, st, err);
	} else {
		if (!st->conf.history.n)
			(void)image_conf_add_history(&st->conf, b->now_ns, "/bin/sh");
		if (st->conf.diff_ids.n > kept)
			r = build_squash(b, st, kept, err);
		if (r == 0)
			r = build_commit(b, st, true, err);
	}
	if (r == 0)
		build_say(b, "--> %.12s", st->image);
	return r;
}

/* FROM with its variables replaced. */
static void say_from(const struct build *b, size_t index, unsigned count)
{
	const struct stage *stage = &b->stages.v[index];
	cleanup_free char *prefix = NULL;
	cleanup_free char *name = stage->name ? xasprintf(" AS %s", stage->name) : xstrdup("");

	if (b->stages.n > 1)
		prefix = xasprintf("[%zu/%zu] ", index + 1, b->stages.n);
	build_say(b, "%sSTEP 1/%u: FROM %s%s", prefix ? prefix : "", count, stage->base, name);
}

static int build_stage(struct build *b, size_t index, struct error *err)
{
	const struct build_options *o = b->options;
	const struct stage *stage = &b->stages.v[index];
	struct build_state *st = &b->states[index];
	bool is_target = index == b->stages.target;
	struct made before = { .v = NULL }, after = { .v = NULL };
	struct place at = { .stage = index, .number = 1 };
	size_t kept;
	int r = begin_stage(b, index, st, err);

	kept = o->squash_all ? 0 : st->conf.diff_ids.n;
	if (r == 0)
		r = make_triggers(&before, st, err);
	if (r == 0 && is_target)
		r = make_pairs(&before, "ENV", &o->env, b->file.escape, err);
	if (r == 0 && is_target)
		r = make_pairs(&after, "LABEL", &o->labels, b->file.escape, err);
	at.count = (unsigned)(1 + before.n + stage->n + after.n);
	if (r == 0)
		say_from(b, index, at.count);
	if (r == 0)
		r = perform_all(b, st, before.v, before.n, &at, err);
	if (r == 0)
		r = perform_all(b, st, stage->v, stage->n, &at, err);
	if (r == 0)
		r = perform_all(b, st, after.v, after.n, &at, err);
	made_done(&before);
	made_done(&after);
	if (r == 0 && is_target)
		r = end_target(b, st, kept, at.count - 1, err);
	return r;
}

/* ---- a build ---------------------------------------------------------------------------- */

static void build_done(struct build *b)
{
	for (size_t i = 0; b->states && i < b->stages.n; i++)
		build_state_done(&b->states[i]);
	free(b->states);
	for (size_t i = 0; i < b->n_claims; i++)
		layer_claim_done(&b->claims[i]);
	free(b->claims);
	stage_list_done(&b->stages);
	containerfile_done(&b->file);
	pairlist_done(&b->platform_args);
	ignore_free(b->ignore);
	free(b->context);
	if (b->contextfd >= 0)
		(void)close(b->contextfd);
}

static int run_build(struct build *b, int datafd, struct error *err)
{
	int r = open_context(b, err);

	if (r == 0)
		r = read_file(b, datafd, err);
	if (r == 0)
		r = read_ignore(b, err);
	if (r == 0)
		r = plan(b, err);
	for (size_t i = 0; r == 0 && i <= b->stages.target; i++)
		if (b->stages.v[i].is_needed)
			r = build_stage(b, i, err);
	return r;
}

/* Two descriptors a layer are kept. */
static void raise_files(void)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) == 0 && l.rlim_cur < l.rlim_max) {
		l.rlim_cur = l.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &l);
	}
}

int build_image(const struct store *s, const struct build_options *o, int datafd,
		const struct build_ops *ops, char ret_id[DIGEST_HEX_LEN + 1], struct error *err)
{
	struct build b = { .store = s,
			   .options = o,
			   .ops = ops,
			   .contextfd = -EBADF,
			   .expand_left = EXPAND_TOTAL_MAX };
	struct error scratch; /* what the sweep cannot read stays for the next one */
	int r;

	raise_files();
	b.now_ns = o->timestamp_s >= 0 ? o->timestamp_s * INT64_C(1000000000) : clock_wall_ns();
	r = run_build(&b, datafd, err);
	if (r == 0) {
		warn_unused(&b);
		(void)snprintf(ret_id, DIGEST_HEX_LEN + 1, "%s", b.states[b.stages.target].image);
		error_ignore(build_cache_sweep(s, &scratch));
	}
	build_done(&b);
	return r;
}
