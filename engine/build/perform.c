/* SPDX-License-Identifier: Apache-2.0 */
/*
 * perform - one instruction of a stage: is it in the cache, else it is done.
 *
 * Theory of operation: what an instruction depends on becomes a key (cache.h):
 *
 *	always		the image it stands upon, its text, the platform, --timestamp
 *	RUN		the command with its shell, the arguments and their values, the network, the
 *			capabilities, the mounts with what they show of the context
 *	COPY, ADD	destination, owner, mode, and a digest of all that would be copied
 *	the others	the configuration that they lead to, variables replaced
 *
 * A hit takes the image from the store instead. So after a step that had to be done every later one
 * is done too, since its parent is new. With --layers=false nothing is looked for or kept: the layers
 * gather, and squash.c makes one of them.
 *
 * History is what Docker and Buildah write: the command for RUN, "#(nop)" before the rest.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/base/fs.h"
#include "engine/base/seams.h"
#include "engine/build/cache.h"
#include "engine/build/copyspec.h"
#include "engine/build/internal.h"
#include "engine/build/work.h"
#include "engine/image/sha256.h"

#define KEY_VERSION "podium build 2"

/* An instruction between its reading and its doing. */
struct task {
	const struct instruction *i;
	const struct place *at;
	struct build_run_spec run;
	struct copy_plan copy;
	struct sha256 *key;
	char *created_by;
	struct build_layer layer;
	bool has_layer;
	struct digest content; /* COPY, ADD: of what the key was made for */
};

static void task_done(struct task *t)
{
	build_run_spec_done(&t->run);
	copy_plan_done(&t->copy);
	sha256_free(t->key);
	free(t->created_by);
	build_layer_done(&t->layer);
}

/* A text into the key, with its end. */
static void key_add(struct task *t, const char *text)
{
	sha256_add(t->key, text ? text : "", text ? strlen(text) + 1 : 1);
}

static void key_begin(struct task *t, const struct build_state *st, const struct build *b)
{
	cleanup_free char *time = xasprintf("%lld", (long long)b->options->timestamp_s);

	t->key = sha256_new();
	key_add(t, KEY_VERSION);
	key_add(t, *st->image ? st->image : "scratch");
	key_add(t, st->conf.os);
	key_add(t, st->conf.architecture);
	key_add(t, st->conf.variant);
	key_add(t, time);
	key_add(t, instruction_str(t->i->kind));
}

/* With its length, so that no two rows of lists give the same bytes. */
static void key_list(struct task *t, const struct strlist *l)
{
	sha256_add(t->key, &l->n, sizeof(l->n));
	for (size_t i = 0; i < l->n; i++)
		key_add(t, l->v[i]);
}

/* ---- RUN -------------------------------------------------------------------------------- */

static const char *const proxies[] = { "HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy",
				       "FTP_PROXY",  "ftp_proxy",  "NO_PROXY",	  "no_proxy",
				       "ALL_PROXY",  "all_proxy" };

bool is_build_proxy(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(proxies); i++)
		if (is_equal(proxies[i], name))
			return true;
	return false;
}

/* The environment of a step: proxies, then arguments, then the image's own. Proxies are of the
 * machine, not of the image: they are in no key and no history. */
static void make_env(const struct build *b, const struct build_state *st, struct strlist *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(proxies); i++) {
		const char *given = pairlist_get(&b->options->build_args, proxies[i]);

		if (!given)
			given = getenv(proxies[i]);
		if (given)
			build_env_set(ret, proxies[i], given);
	}
	for (size_t i = 0; i < st->args.n; i++)
		build_env_set(ret, st->args.v[i].key, st->args.v[i].value);
	for (size_t i = 0; i < st->conf.run.env.n; i++) {
		size_t len = strcspn(st->conf.run.env.v[i], "=");
		cleanup_free char *name = xstrndup(st->conf.run.env.v[i], len);

		build_env_set(ret, name, st->conf.run.env.v[i] + len + 1);
	}
}

/* A name without signs that a pattern has. The caller's. */
static char *as_pattern(const char *name)
{
	struct buf out = BUF_INIT(2 * EXPAND_BYTES_MAX);

	for (; *name; name++) {
		if (strchr("*?[\\", *name))
			buf_addc(&out, '\\');
		buf_addc(&out, *name);
	}
	return buf_steal(&out);
}

/* What a bind from the context shows. Where that cannot be said (a socket, say) the step is done
 * each time. */
static void key_context(const struct build *b, struct task *t, const struct build_mount *m)
{
	cleanup_free char *path = as_pattern(m->source ? m->source : ".");
	struct build_copy_source source = { .kind = BUILD_COPY_PATH, .text = path };
	const struct build_copy_spec spec = { .store = b->store,
					      .sources = &source,
					      .n_sources = 1,
					      .contextfd = b->contextfd,
					      .dest = "/",
					      .timestamp_s = -1 };
	struct error scratch;
	struct digest d;
	char hex[DIGEST_HEX_LEN + 1];

	if (WEAKEN("BUILD-KEY"))
		return;
	if (build_copy_digest(&spec, &d, &scratch) < 0)
		id_new(hex);
	else
		(void)digest_hex(&d, hex);
	key_add(t, hex);
}

static int add_mounts(struct build *b, struct build_state *st, struct task *t, struct error *err)
{
	for (size_t k = 0; k < t->i->flags.n; k++) {
		struct build_mount m;
		int r;

		if (!is_prefix(t->i->flags.v[k], "mount="))
			continue;
		r = build_mount_parse(b, st, t->i->flags.v[k] + sizeof("mount=") - 1, t->at->stage,
				      &m, err);
		if (r < 0)
			return r;
		t->run.mounts.v = xreallocarray(t->run.mounts.v, t->run.mounts.n + 1, sizeof(m));
		t->run.mounts.v[t->run.mounts.n++] = m;
		key_add(t, t->i->flags.v[k]);
		key_list(t, &m.layers);
		if (m.context && !b->options->no_cache && !b->options->no_layers)
			key_context(b, t, &m);
	}
	return 0;
}

static void key_run(const struct build_state *st, struct task *t)
{
	cleanup_strlist struct strlist args = { .v = NULL };

	build_state_args(st, &args);
	key_list(t, &t->run.argv);
	key_add(t, t->run.script);
	key_list(t, &args);
	if (WEAKEN("BUILD-KEY"))
		return;
	key_add(t, t->run.network);
	key_list(t, &t->run.add_hosts);
	key_list(t, &t->run.cap_add);
	key_list(t, &t->run.cap_drop);
}

static size_t count_words(const char *s)
{
	size_t n = *s != '\0';

	for (; *s; s++)
		n += *s == ' ';
	return n;
}

static int prepare_run(struct build *b, struct build_state *st, struct task *t, struct error *err)
{
	const char *network = instruction_flag(t->i, "network");
	cleanup_free char *args = build_state_arg_text(st);
	cleanup_free char *text = build_instruction_text(t->i);
	const char *command = text + strcspn(text, " \t");
	struct image_config *c = &st->conf.run;
	int r;

	if (!c->layers.n)
		return error_set(err, EINVAL,
				 "RUN upon nothing: copy a program into the image first");
	if (network && !is_equal(network, "default") && !is_equal(network, "none") &&
	    !is_equal(network, "host"))
		return error_set(err, EINVAL, "--network is default, none or host");
	r = build_state_command(st, t->i, &t->run.argv, &t->run.script, err);
	if (r < 0)
		return r;
	strlist_copy(&t->run.layers, &c->layers);
	make_env(b, st, &t->run.env);
	t->run.user = xstrdup_or_null(c->user);
	t->run.workdir = xstrdup_or_null(c->working_dir);
	t->run.network = xstrdup(network	       ? network
				 : b->options->network ? b->options->network
						       : "default");
	strlist_copy(&t->run.add_hosts, &b->options->add_hosts);
	strlist_copy(&t->run.cap_add, &b->options->cap_add);
	strlist_copy(&t->run.cap_drop, &b->options->cap_drop);
	key_run(st, t);
	while (is_blank(*command))
		command++;
	t->created_by = *args ? xasprintf("|%zu %s /bin/sh -c %s", count_words(args), args, command)
			      : xasprintf("/bin/sh -c %s", command);
	return add_mounts(b, st, t, err);
}

static int do_run(struct build *b, struct task *t, struct error *err)
{
	char id[65] = "";
	struct error scratch; /* the first reason counts */
	int status = 0;
	int r = build_flatten_mounts(b, &t->run, err);

	if (r == 0)
		r = b->ops->run(b->ops->arg, &t->run, &status, id, err);
	if (r < 0)
		return r;
	if (status)
		r = error_set(err, ECANCELED, "the command ended with exit code %d", status);
	else
		r = build_pack_container(b, id, &t->layer, err);
	STOP_AT("build:packed");
	if (r < 0) {
		error_ignore(b->ops->run_done(b->ops->arg, id, &scratch));
		return r;
	}
	t->has_layer = true;
	return b->ops->run_done(b->ops->arg, id, err);
}

/* ---- COPY, ADD -------------------------------------------------------------------------- */

static int prepare_copy(struct build *b, struct build_state *st, struct task *t, struct error *err)
{
	char hex[DIGEST_HEX_LEN + 1];
	struct digest d;
	int r = copy_plan_make(b, st, t->i, t->at->stage, &t->copy, err);

	if (r == 0)
		r = build_copy_digest(&t->copy.spec, &d, err);
	if (r < 0)
		return r;
	t->content = d;
	key_add(t, t->copy.spec.dest);
	key_add(t, t->copy.spec.workdir);
	key_add(t, t->copy.spec.chown);
	key_add(t, t->copy.spec.chmod);
	key_add(t, t->copy.is_link ? "link" : NULL);
	key_add(t, digest_hex(&d, hex));
	t->created_by = xasprintf("/bin/sh -c #(nop) %s %s:%s in %s ", instruction_str(t->i->kind),
				  copy_plan_word(&t->copy), hex, t->copy.spec.dest);
	return 0;
}

/* ---- the others ------------------------------------------------------------------------- */

static int prepare_plain(struct build *b, struct build_state *st, struct task *t, struct error *err)
{
	const struct arg_sources args = {
		.build_args = &b->options->build_args,
		.inherited = { &b->stages.meta_args, &b->platform_args },
	};
	int r = build_state_apply(st, t->i, &args, err);

	if (r < 0)
		return r;
	cleanup_free char *conf = image_conf_write(&st->conf);

	key_add(t, conf);
	key_add(t, t->i->original);
	t->created_by = xasprintf("/bin/sh -c #(nop) %s", t->i->original);
	return 0;
}

static int do_workdir(struct build *b, struct build_state *st, struct task *t, struct error *err)
{
	int r;

	r = build_mkdir_apply(b->store, &st->conf.run.layers, st->conf.run.working_dir,
			      b->options->timestamp_s, &t->layer, err);
	t->has_layer = r > 0;
	return r < 0 ? r : 0;
}

/* ---- one step --------------------------------------------------------------------------- */

static int prepare(struct build *b, struct build_state *st, struct task *t, struct error *err)
{
	key_begin(t, st, b);
	switch (t->i->kind) {
	case INSTRUCTION_RUN:
		return prepare_run(b, st, t, err);
	case INSTRUCTION_COPY:
	case INSTRUCTION_ADD:
		return prepare_copy(b, st, t, err);
	default:
		return prepare_plain(b, st, t, err);
	}
}

static int carry_out(struct build *b, struct build_state *st, struct task *t, struct error *err)
{
	int r;

	switch (t->i->kind) {
	case INSTRUCTION_RUN:
		return do_run(b, t, err);
	case INSTRUCTION_COPY:
	case INSTRUCTION_ADD:
		r = build_copy_apply(&t->copy.spec, &t->layer, err);
		t->has_layer = r == 0;
		return r;
	case INSTRUCTION_WORKDIR:
		return do_workdir(b, st, t, err);
	default:
		return 0;
	}
}

/* 1: the step's image was there. */
static int try_cache(struct build *b, struct build_state *st, const struct digest *key,
		     struct error *err)
{
	struct image_conf conf = { .author = NULL };
	struct error scratch; /* layers that go at this moment make a miss */
	char id[DIGEST_HEX_LEN + 1];
	int r;

	if (b->options->no_cache || b->options->no_layers)
		return 0;
	r = build_cache_find(b->store, key, id, &conf, err);
	if (r <= 0)
		return r;
	if (build_hold(b, &conf.run.layers, &scratch) < 0) {
		image_conf_done(&conf);
		return 0;
	}
	image_conf_done(&st->conf);
	st->conf = conf;
	(void)snprintf(st->image, sizeof(st->image), "%s", id);
	build_say(b, "--> Using cache %s", id);
	return 1;
}

static void announce_commit(const struct build *b, const struct place *at)
{
	if (at->is_last && b->options->shown_name)
		build_say(b, "COMMIT %s", b->options->shown_name);
	else if (at->is_last)
		build_say(b, "COMMIT");
}

/* The key was made before the copy: a file that was written to in between, or an address that gave
 * something else, must not be found under it. Looked at once more, when both are over. */
static bool is_what_the_key_says(const struct task *t)
{
	struct error scratch;
	struct digest now;

	if (t->i->kind != INSTRUCTION_COPY && t->i->kind != INSTRUCTION_ADD)
		return true;
	if (WEAKEN("BUILD-CHANGED"))
		return true;
	return build_copy_digest(&t->copy.spec, &now, &scratch) == 0 &&
	       is_digest_equal(&now, &t->content);
}

static int finish(struct build *b, struct build_state *st, struct task *t, const struct digest *key,
		  struct error *err)
{
	int r;

	image_conf_add_history(&st->conf, b->now_ns, t->created_by)->is_empty_layer = !t->has_layer;
	if (t->has_layer)
		build_add_layer(b, st, &t->layer);
	if (b->options->no_layers)
		return 0;
	announce_commit(b, t->at);
	r = build_commit(b, st, t->at->is_last, err);
	if (r == 0 && is_what_the_key_says(t))
		r = build_cache_put(b->store, key, st->image, err);
	if (r == 0)
		build_say(b, "--> %.12s", st->image);
	return r;
}

static int perform(struct build *b, struct build_state *st, struct task *t, struct error *err)
{
	struct digest key;
	int r = prepare(b, st, t, err);

	if (r < 0)
		return r;
	sha256_end(t->key, &key);
	r = try_cache(b, st, &key, err);
	if (r > 0) {
		announce_commit(b, t->at);
		r = t->at->is_last ? build_name(b, st, err) : 0;
		if (r == 0)
			build_say(b, "--> %.12s", st->image);
		return r;
	}
	if (r == 0)
		r = carry_out(b, st, t, err);
	return r < 0 ? r : finish(b, st, t, &key, err);
}

int build_perform(struct build *b, struct build_state *st, const struct instruction *i,
		  const struct place *at, struct error *err)
{
	struct task t = { .i = i, .at = at, .layer = BUILD_LAYER_INIT };
	cleanup_free char *prefix = NULL;
	int r;

	if (b->stages.n > 1)
		prefix = xasprintf("[%zu/%zu] ", at->stage + 1, b->stages.n);
	build_say(b, "%sSTEP %u/%u: %s", prefix ? prefix : "", at->number, at->count, i->original);
	r = perform(b, st, &t, err);
	task_done(&t);
	return r < 0 ? error_wrap(err, "%.100s:%u: %s", b->file.name, i->line,
				  instruction_str(i->kind))
		     : 0;
}

int build_from_layers(struct build *b, const char *name, size_t stage, struct strlist *ret,
		      struct error *err)
{
	int found = -1;
	int r = stage_find(&b->stages, name, stage, &found, err);

	if (r < 0)
		return r;
	if (found < 0)
		return build_other_image(b, name, ret, err);
	strlist_copy(ret, &b->states[found].conf.run.layers);
	return 0;
}
