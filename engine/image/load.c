/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load - from manifests to images in the store.
 *
 * Theory of operation:
 *
 *	1. read manifests and configurations of the archive            (tarball.c, load_plan.c)
 *	   or of the registry					       (pull.c)
 *	2. bring in the layers: claimed, unpacked, synced, completed   (intake.c)
 *	3. put the images into the index, one after another	       (store.c)
 *
 * The claims are held until the end, so nobody collects what is not referenced yet. A failure or a
 * kill before 3 leaves complete layers, which the next try finds, and no image. A load then collects
 * what nothing needs: names that moved here may have left images without names.
 */
#include "engine/image/load.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "engine/base/json.h"
#include "engine/base/seams.h"
#include "engine/image/layers.h"
#include "engine/image/ownmanifest.h"
#include "engine/image/store.h"
#include "engine/image/tarball.h"

#define ID_PREFIX_MIN 12 /* of an id that stands for an image */

struct load {
	const struct store *store;
	load_report *report;
	void *arg;
};

static void tell(const struct load *l, enum load_event_kind kind, const char *id, const char *text)
{
	const struct load_event e = { .kind = kind, .id = id, .text = text };

	l->report(l->arg, &e);
}

static void tell_layer(void *arg, const struct intake_event *e)
{
	static const char *const states[] = {
		[INTAKE_EXISTS] = "exists",	[INTAKE_BEGUN] = "begun", [INTAKE_BYTES] = "bytes",
		[INTAKE_UNPACKED] = "unpacked", [INTAKE_DONE] = "done",	  [INTAKE_WARNING] = "",
	};
	_Static_assert(ARRAY_SIZE(states) == INTAKE__COUNT, "every event has a word");
	const struct load *l = arg;
	char hex[DIGEST_HEX_LEN + 1];
	const struct load_event event = {
		.kind = e->kind == INTAKE_WARNING ? LOAD_WARNING : LOAD_LAYER,
		.id = digest_hex(&e->layer->diff, hex),
		.text = e->kind == INTAKE_WARNING ? e->text : states[e->kind],
		.bytes = e->kind == INTAKE_BEGUN ? 0 : e->bytes,
		.size = e->layer->size,
	};

	l->report(l->arg, &event);
}

/* ---- images ----------------------------------------------------------------------------- */

static int sum_sizes(const struct load *l, const struct load_image *i, int64_t *ret,
		     struct error *err)
{
	*ret = 0;
	for (size_t n = 0; n < i->parsed.layers.n; n++) {
		int64_t size = 0;
		int r = layer_size(l->store, i->parsed.layers.v[n] + sizeof("sha256:") - 1, &size,
				   err);

		if (r < 0)
			return r;
		*ret += size;
	}
	return 0;
}

/* An image that came without a manifest gets one of ours, unless the store has a better one. */
static void add_manifest(const struct load *l, const struct load_image *i, struct own_manifest *own,
			 struct image_commit *c)
{
	cleanup_image_list struct image_list images = { .v = NULL };
	const struct image_info *info = NULL;
	struct error scratch;

	if (c->manifest_id || image_list(l->store, &images, &scratch) < 0 ||
	    (image_find(&images, i->id, &info, NULL, &scratch) == 0 && info->manifest))
		return;
	/* It is for show: without it the image is as good. */
	if (own_manifest_make(l->store, i->config, &i->facts.diff_ids, true, own, &scratch) < 0)
		return;
	c->manifest_id = own->hex;
	c->manifest = own->text;
	c->manifest_len = strlen(own->text);
}

static int commit(const struct load *l, const struct load_image *i, struct error *err)
{
	struct own_manifest own = { .text = NULL };
	struct error ignored;
	cleanup_json json_t *config = NULL;
	struct image_commit c = { .id = i->id,
				  .config = i->config,
				  .config_len = i->config_len,
				  .manifest_id = i->manifest ? i->manifest_id : NULL,
				  .manifest = i->manifest,
				  .manifest_len = i->manifest_len,
				  .list_id = i->list ? i->list_id : NULL,
				  .list = i->list,
				  .list_len = i->list_len,
				  .names = &i->names,
				  .digests = &i->digests,
				  .layers = &i->parsed.layers,
				  .created_ns = i->facts.created_ns,
				  .architecture = i->facts.architecture,
				  .os = i->facts.os };
	int r = sum_sizes(l, i, &c.size_bytes, err);

	/* It was parsed before; what is only for show may be missing. */
	error_ignore(jload_text(i->config, i->config_len, "configuration", &config, &ignored));
	c.variant = jget_str(config, "variant");
	c.author = jget_str(config, "author");
	if (r == 0) {
		add_manifest(l, i, &own, &c);
		r = image_commit(l->store, &c, err);
	}
	free(own.text);
	if (r < 0)
		return error_wrap(err, "image '%.12s'", i->id);
	for (size_t n = 0; n < i->names.n || n == 0; n++) {
		const struct load_event e = { .kind = LOAD_IMAGE,
					      .id = i->id,
					      .text = n < i->names.n ? i->names.v[n] : NULL,
					      .index = i->index };

		l->report(l->arg, &e);
	}
	return 0;
}

int load_plan_run(const struct store *s, const struct load_plan *p, load_report *report, void *arg,
		  struct error *err)
{
	struct load l = { .store = s, .report = report, .arg = arg };
	struct intake *in = intake_new(s, NULL, tell_layer, &l);
	int r;

	for (size_t i = 0; i < p->n; i++)
		intake_add(in, p->v[i].layers.v, p->v[i].layers.n);
	r = intake_run(in, err);
	for (size_t i = 0; r == 0 && i < p->n; i++)
		r = commit(&l, &p->v[i], err);
	intake_free(in);
	return r;
}

/* Puts one image into the index if all its layers came, or says why not. */
static void settle(const struct load *l, const struct intake *in, const struct load_image *i)
{
	struct error err = { .code = 0 };
	int r = 0;

	for (size_t n = 0; r == 0 && n < i->layers.n; n++)
		r = intake_result(in, &i->layers.v[n].diff, &err);
	if (r == 0)
		r = commit(l, i, &err);
	if (r < 0) {
		const struct load_event e = {
			.kind = LOAD_FAILED, .text = err.text, .index = i->index, .code = err.code
		};

		l->report(l->arg, &e);
	}
}

int load_plan_fetch(const struct store *s, struct registry *registry, const struct load_plan *p,
		    load_report *report, void *arg, struct error *err)
{
	struct load l = { .store = s, .report = report, .arg = arg };
	struct intake *in = intake_new(s, registry, tell_layer, &l);
	int r;

	intake_keep_going(in);
	for (size_t i = 0; i < p->n; i++)
		intake_add(in, p->v[i].layers.v, p->v[i].layers.n);
	r = intake_run(in, err);
	for (size_t i = 0; r == 0 && i < p->n; i++)
		settle(&l, in, &p->v[i]);
	intake_free(in);
	return r;
}

/* Whether somebody who wrote word may mean the full name. */
static bool is_meant(const char *full, const char *word)
{
	cleanup_free char *tail = xasprintf("/%s", word);

	return is_equal(full, word) || is_suffix(full, tail);
}

static bool is_wanted_name(const struct strlist *only, const char *full)
{
	for (size_t i = 0; i < only->n; i++)
		if (is_meant(full, only->v[i]))
			return true;
	return false;
}

static bool is_wanted_id(const struct strlist *only, const char *id)
{
	for (size_t i = 0; i < only->n; i++)
		if (strlen(only->v[i]) >= ID_PREFIX_MIN && is_prefix(id, only->v[i]))
			return true;
	return false;
}

/* An archive gives no image a name that nobody asked for (CP-5). */
static void keep_only(struct load_plan *p, const struct strlist *only)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n; i++) {
		struct load_image *image = &p->v[i];
		struct strlist names = { .v = NULL };

		for (size_t k = 0; k < image->names.n; k++)
			if (is_wanted_name(only, image->names.v[k]))
				strlist_add(&names, image->names.v[k]);
		strlist_done(&image->names);
		image->names = names;
		if (names.n || is_wanted_id(only, image->id))
			p->v[n++] = *image;
		else
			load_image_done(image);
	}
	p->n = n;
}

int image_load_source(const struct store *s, struct source *src, const struct load_choice *choice,
		      load_report *report, void *arg, struct error *err)
{
	struct load l = { .store = s, .report = report, .arg = arg };
	struct load_plan p = { .v = NULL };
	struct error scratch = { .code = 0 };
	int r = load_plan_read(src, choice, &p, err);

	if (r < 0)
		return r;
	if (choice->only && !WEAKEN("CP-5"))
		keep_only(&p, choice->only);
	r = load_plan_run(s, &p, report, arg, err);
	load_plan_done(&p);
	/* Debris of a failed or killed load goes with the next chance; it is not this load's
	 * failure. */
	if (image_collect(s, &scratch) < 0)
		tell(&l, LOAD_WARNING, "", scratch.text);
	return r;
}

int image_load(const struct store *s, int fd, const struct load_choice *choice, load_report *report,
	       void *arg, struct error *err)
{
	struct tarball t = TARBALL_INIT;
	struct source src;
	cleanup_close int spool = openat(s->rootfd, "images", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r;

	if (spool < 0)
		return error_errno(err, "open 'images'");
	r = tarball_open(fd, spool, &t, err);
	if (r < 0)
		return r;
	source_from_tarball(&src, &t);
	r = image_load_source(s, &src, choice, report, arg, err);
	source_done(&src);
	tarball_close(&t);
	return r;
}
