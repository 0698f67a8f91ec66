/* SPDX-License-Identifier: Apache-2.0 */
/*
 * newimage - commit, import and export.
 *
 * Theory of operation: a tree becomes a layer in the two confined steps that every new layer takes:
 * a child writes it as a tar stream (pack.c), another pair unpacks that into the store (newlayer.c).
 * commit reads the container's writable layer with overlay's marks, or, to squash, what the
 * container sees; import reads somebody's archive; export is the first half alone.
 *
 * The configuration is the image's as the container was made of it, with what the container's own
 * specification replaced, and what --change says; the changes are instructions of a Containerfile
 * and are read and applied by the same code.
 *
 * The container may run meanwhile: what it changes is in the image before or after, a file that is
 * half written is half written there too.
 */
#include "engine/build/newimage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/fs.h"
#include "engine/build/copy.h"
#include "engine/build/putimage.h"
#include "engine/build/state.h"
#include "engine/image/manifest.h"
#include "engine/image/pack.h"
#include "engine/image/sha256.h"
#include "engine/image/store.h"
#include "engine/pod/spec.h"
#include "engine/rootfs/overlay.h"

static const struct tarout_options upper_tree = { .timestamp_s = -1, .is_upper = true };
static const struct tarout_options whole_tree = { .timestamp_s = -1 };

/* ---- --change --------------------------------------------------------------------------- */

static bool is_change(enum instruction_kind kind)
{
	static const enum instruction_kind known[] = {
		INSTRUCTION_CMD,	INSTRUCTION_ENTRYPOINT, INSTRUCTION_ENV,
		INSTRUCTION_EXPOSE,	INSTRUCTION_LABEL,	INSTRUCTION_ONBUILD,
		INSTRUCTION_STOPSIGNAL, INSTRUCTION_USER,	INSTRUCTION_VOLUME,
		INSTRUCTION_WORKDIR,
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (kind == known[i])
			return true;
	return false;
}

/* "CMD=sh" is Podman's other way to write "CMD sh". */
static char *with_blank(const char *text)
{
	char *copy = xstrdup(text);
	size_t len = strspn(copy, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

	if (copy[len] == '=')
		copy[len] = ' ';
	return copy;
}

static int apply_one(struct build_state *st, const char *change, struct error *err)
{
	static const struct arg_sources none;
	cleanup_containerfile struct containerfile f = { .name = NULL };
	cleanup_free char *text = with_blank(change);
	int r = containerfile_parse(text, strlen(text), "--change", &f, err);

	if (r == 0 && (f.n != 1 || !is_change(f.v[0].kind)))
		r = error_set(err, EINVAL,
			      "a change is one of CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, ONBUILD, "
			      "STOPSIGNAL, USER, VOLUME and WORKDIR");
	return r < 0 ? r : build_state_apply(st, &f.v[0], &none, err);
}

/* Applies what --change says. -EINVAL names the change; instructions that make no sense here too. */
static int apply_changes(struct image_conf *c, const struct strlist *changes, struct error *err)
{
	/* CMD stays when ENTRYPOINT is changed: both are said of the same image. */
	struct build_state st = { .conf = *c, .escape = '\\', .has_cmd = true };
	int r = 0;

	for (size_t i = 0; r == 0 && i < changes->n; i++) {
		r = apply_one(&st, changes->v[i], err);
		if (r < 0) {
			cleanup_free char *shown =
				str_printable(changes->v[i], strnlen(changes->v[i], 100));

			r = error_wrap(err, "change '%s'", shown);
		}
	}
	*c = st.conf;
	st.conf = (struct image_conf){ .author = NULL };
	build_state_done(&st);
	return r;
}

/* ---- the image -------------------------------------------------------------------------- */

static int write_image(const struct store *s, const struct image_conf *c,
		       const struct newimage_options *o, const char *parent,
		       char ret_id[DIGEST_HEX_LEN + 1], struct error *err)
{
	cleanup_strlist struct strlist names = { .v = NULL };

	if (o->name)
		strlist_add(&names, o->name);
	return put_image(
		s,
		&(struct put_image){
			.conf = c, .names = &names, .parent = parent, .is_docker = o->is_docker },
		ret_id, err);
}

static void set_text(char **to, const char *text)
{
	if (!text)
		return;
	free(*to);
	*to = xstrdup(text);
}

/* History, changes, texts: what both kinds of new images get. */
static int finish(struct image_conf *c, const struct newimage_options *o, const char *created_by,
		  struct error *err)
{
	struct image_history *h;

	c->created_ns = clock_wall_ns();
	set_text(&c->author, o->author);
	set_text(&c->comment, o->message);
	h = image_conf_add_history(c, c->created_ns, created_by);
	h->author = xstrdup_or_null(o->author);
	h->comment = xstrdup_or_null(o->message);
	return apply_changes(c, o->changes, err);
}

/* ---- commit ----------------------------------------------------------------------------- */

/* The configuration of the container's image; when that was removed, what the container kept. */
static int read_base(const struct store *s, const struct container_spec *spec,
		     struct image_conf *ret, struct error *err)
{
	cleanup_free char *path = xasprintf("images/blobs/sha256/%.64s", spec->config.id);
	cleanup_free char *text = NULL;
	struct error scratch = { .code = 0 };
	struct platform p;
	size_t len = 0;
	int r = fs_read_file(s->rootfd, path, CONFIG_BYTES_MAX, &text, &len, &scratch);

	if (r == 0)
		return image_conf_parse(text, len, ret, err);
	if (r != -ENOENT) {
		*err = scratch;
		return r;
	}
	*ret = (struct image_conf){ .author = NULL };
	record_copy(&image_config_type, &ret->run, &spec->config);
	strlist_copy(&ret->diff_ids, &spec->config.layers);
	platform_host(&p);
	ret->architecture = xstrdup(p.architecture);
	ret->os = xstrdup(p.os);
	platform_done(&p);
	return 0;
}

/* A value that says the same in every container; NULL: it has variables in it. */
static char *literal(const struct value *v)
{
	struct buf b = BUF_INIT(CONFIG_STRING_MAX);

	for (size_t i = 0; i < v->n; i++) {
		if (v->v[i].kind != VALUE_LITERAL) {
			buf_done(&b);
			return NULL;
		}
		buf_adds(&b, v->v[i].text);
	}
	return buf_steal(&b);
}

/* Replaces a list of words, unless one of them is not literal. */
static void take_words(struct strlist *to, const struct value_list *from)
{
	struct strlist words = { .v = NULL };

	for (size_t i = 0; i < from->n; i++) {
		char *word = literal(&from->v[i]);

		if (!word) {
			strlist_done(&words);
			return;
		}
		strlist_take(&words, word);
	}
	strlist_done(to);
	*to = words;
}

/* What the container's specification says instead of the image. */
static void take_spec(struct image_conf *c, const struct container_spec *spec)
{
	if (spec->has_command) {
		take_words(&c->run.entrypoint, &spec->command);
		strlist_done(&c->run.cmd);
	}
	if (spec->has_args)
		take_words(&c->run.cmd, &spec->args);
	set_text(&c->run.working_dir, spec->working_dir);
	for (size_t i = 0; i < spec->env.n; i++) {
		cleanup_free char *value = literal(&spec->env.v[i].value);

		if (value)
			build_env_set(&c->run.env, spec->env.v[i].name, value);
	}
}

static int open_upper(const struct store *s, const struct container_spec *spec, struct error *err)
{
	cleanup_free char *path = xasprintf("containers/%.64s/upper", spec->id);
	int fd = openat(s->rootfd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? error_errno(err, "open the container's writable layer") : fd;
}

static int open_view(const struct store *s, const struct container_spec *spec, struct error *err)
{
	return overlay_mount_view(s->rootfd, spec, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, err);
}

static int make_layer(const struct store *s, const struct container_spec *spec, bool squash,
		      struct newlayer *ret, struct error *err)
{
	cleanup_close int tree = squash ? open_view(s, spec, err) : open_upper(s, spec, err);

	if (tree < 0)
		return tree;
	return newlayer_from_tree(s, tree, squash ? &whole_tree : &upper_tree, ret, err);
}

static void drop_layers(struct image_conf *c)
{
	strlist_done(&c->diff_ids);
	for (size_t i = 0; i < c->history.n; i++)
		c->history.v[i].is_empty_layer = true;
}

int newimage_commit(const struct store *s, const struct container_spec *spec,
		    const struct newimage_options *o, char ret_id[DIGEST_HEX_LEN + 1],
		    struct error *err)
{
	cleanup_image_conf struct image_conf c = { .author = NULL };
	struct newlayer layer = { .claim = LAYER_CLAIM_INIT };
	int r = read_base(s, spec, &c, err);

	if (r == 0) {
		take_spec(&c, spec);
		if (o->squash)
			drop_layers(&c);
		r = finish(&c, o, "podium commit", err);
	}
	if (r == 0)
		r = make_layer(s, spec, o->squash, &layer, err);
	if (r == 0) {
		put_layer(&c, &layer.diff);
		r = write_image(s, &c, o, o->squash ? NULL : spec->config.id, ret_id, err);
	}
	layer_claim_done(&layer.claim);
	return r;
}

/* ---- import and export ------------------------------------------------------------------ */

static void set_platform(struct image_conf *c, const struct newimage_options *o)
{
	struct platform p;

	platform_host(&p);
	c->architecture = xstrdup(o->architecture ? o->architecture : p.architecture);
	c->os = xstrdup(o->os ? o->os : p.os);
	if (o->variant || !o->architecture)
		c->variant = xstrdup_or_null(o->variant ? o->variant : p.variant);
	platform_done(&p);
}

int newimage_fetch(const struct store *s, const char *address, struct error *err)
{
	cleanup_close int dir = openat(s->rootfd, "images", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_close int fd = -EBADF;
	cleanup_sha256 struct sha256 *hash = sha256_new();
	int64_t date;
	int r;

	if (dir >= 0)
		fd = openat(dir, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0)
		return error_errno(err, "make a temporary file in the store");
	r = add_fetch_into(address, fd, FETCH_BYTES_MAX, hash, &date, err);
	if (r < 0)
		return error_wrap(err, "'%.200s'", address);
	return lseek(fd, 0, SEEK_SET) < 0 ? error_errno(err, "read the archive") : steal_fd(&fd);
}

int newimage_import(const struct store *s, int infd, const struct newimage_options *o,
		    char ret_id[DIGEST_HEX_LEN + 1], struct error *err)
{
	cleanup_image_conf struct image_conf c = { .author = NULL };
	cleanup_free char *by = xasprintf("podium import %s", o->source ? o->source : "-");
	struct newlayer layer = { .claim = LAYER_CLAIM_INIT };
	int r;

	set_platform(&c, o);
	r = finish(&c, o, by, err);
	if (r == 0)
		r = newlayer_from_stream(s, infd, &layer.claim, &layer.diff, &layer.bytes, err);
	if (r == 0) {
		put_layer(&c, &layer.diff);
		r = write_image(s, &c, o, NULL, ret_id, err);
	}
	layer_claim_done(&layer.claim);
	return r;
}

int newimage_export(const struct store *s, const struct container_spec *spec, int outfd,
		    struct error *err)
{
	cleanup_close int tree = open_view(s, spec, err);
	struct pack_plan plan = { .treefd = tree,
				  .splitfd = -1,
				  .tree = whole_tree,
				  .kind = DEFLATE_NONE,
				  .outfd = outfd };
	struct pack_result made;
	struct job job = JOB_INIT;
	int r = tree < 0 ? tree : pack_start(&plan, &job, err);

	return r < 0 ? r : pack_wait(&job, &made, err);
}
