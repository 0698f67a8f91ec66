/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check - reads everything that the images of the store consist of, and compares digests.
 *
 * Theory of operation: a store is believed while it is used: documents have the size that the index
 * says, layers have a record that they were complete. What a disk, a person or another program has
 * changed behind our back is found here. A document is hashed. A layer has no file to hash: its tar
 * is rebuilt from the tree and what was kept of the tar (outimage.h), and must have the diff id: so
 * the contents of files are compared, and that they are there; their modes and owners, which the
 * kept headers say, are not. A layer in which one name came twice cannot be rebuilt and looks
 * damaged; pulling it again does no harm.
 *
 * Repair: a broken layer loses the record that makes it complete, so that the next pull or load
 * fills it anew, and the image leaves the index, so that nothing starts from it. What a container
 * uses stays and is reported: its files are mounted. The lock is not held while layers are read; the
 * repair looks again who uses what, under the lock.
 */
#include "engine/image/check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/seams.h"
#include "engine/image/config.h"
#include "engine/image/outimage.h"
#include "engine/image/sha256.h"
#include "engine/image/storeindex.h"

struct check {
	const struct store *store;
	bool repair;
	check_report *report;
	void *arg;
	struct strlist good;   /* layers that were found whole */
	struct strlist broken; /* layers that were not */
	const struct image_info *image;
	bool is_damaged; /* the image at hand */
	bool is_left;	 /* damage that is not repaired */
};

static void find(struct check *c, const char *what, const char *hex, const char *text, bool is_note)
{
	c->is_damaged = c->is_damaged || !is_note;
	c->report(c->arg, &(struct check_finding){ .image = c->image->id,
						   .what = what,
						   .hex = hex,
						   .text = text,
						   .is_note = is_note });
}

/* ---- documents -------------------------------------------------------------------------- */

static void check_document(struct check *c, const char *what, const char *hex, const char *text,
			   size_t len)
{
	struct digest d;
	char have[DIGEST_HEX_LEN + 1];

	sha256_of(text, len, &d);
	if (!is_equal(digest_hex(&d, have), hex) && !WEAKEN("REG-9"))
		find(c, what, hex, "its bytes have another digest", false);
}

static void check_manifest(struct check *c, const char *what, const char *hex)
{
	cleanup_free char *text = NULL;
	struct error err = { .code = 0 };
	size_t len = 0;

	if (!hex)
		return;
	if (image_read_manifest(c->store, hex, &text, &len, &err) < 0)
		find(c, what, hex, err.text, false);
	else
		check_document(c, what, hex, text, len);
}

/* The diff ids of the image, when its configuration is whole. */
static int check_config(struct check *c, struct strlist *ret_layers)
{
	cleanup_free char *text = NULL;
	struct image_config config = { .id = NULL };
	struct error err = { .code = 0 };
	size_t len = 0;
	int r = image_read_config(c->store, c->image, &text, &len, &err);

	if (r == 0)
		check_document(c, "configuration", c->image->id, text, len);
	if (r == 0)
		r = image_config_parse(text, len, &config, NULL, &err);
	if (r < 0) {
		if (!c->is_damaged)
			find(c, "configuration", c->image->id, err.text, false);
		return r;
	}
	strlist_copy(ret_layers, &config.layers);
	image_config_done(&config);
	return 0;
}

/* ---- layers ----------------------------------------------------------------------------- */

static int check_stream(const struct outlayer *l, int nullfd, struct error *err)
{
	struct outstream s = OUTSTREAM_INIT;
	struct pack_result result;
	int r = outstream_start(&s, l, DEFLATE_NONE, 0, nullfd, err);

	if (r == 0)
		r = outstream_end(&s, &result, err);
	outstream_done(&s);
	return r;
}

/* Without what was kept of its tar a layer cannot be checked. That is no damage: older ones have none. */
static bool has_record(const struct outlayer *l)
{
	return faccessat(l->claim.dirfd, "split", F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void check_layer(struct check *c, const struct outlayer *l, int nullfd)
{
	cleanup_free char *id = xasprintf("sha256:%s", l->claim.hex);
	struct error err = { .code = 0 };
	int r;

	if (strlist_has(&c->good, id))
		return;
	r = strlist_has(&c->broken, id) ? error_set(&err, EBADMSG, "its files are damaged")
					: check_stream(l, nullfd, &err);
	if (r < 0 && !has_record(l)) {
		find(c, "layer", l->claim.hex, err.text, true);
		strlist_add(&c->good, id);
		return;
	}
	if (r < 0)
		find(c, "layer", l->claim.hex, err.text, false);
	if (!strlist_has(&c->broken, id))
		strlist_add(r < 0 ? &c->broken : &c->good, id);
}

static void check_layers(struct check *c, const struct strlist *layers, int nullfd)
{
	cleanup_outimage struct outimage o = OUTIMAGE_INIT;
	struct error err = { .code = 0 };

	for (size_t i = 0; i < layers->n; i++)
		if (!is_layer_complete(c->store, layers->v[i] + sizeof("sha256:") - 1))
			find(c, "layer", layers->v[i] + sizeof("sha256:") - 1, "it is missing",
			     false);
	if (c->is_damaged)
		return;
	if (outimage_open(c->store, c->image->id, &o, &err) < 0) {
		find(c, "layer", c->image->id, err.text, false);
		return;
	}
	for (size_t i = 0; i < o.layers.n; i++)
		check_layer(c, &o.layers.v[i], nullfd);
}

/* ---- repair ----------------------------------------------------------------------------- */

static void forget_layers(const struct store *s, const struct strlist *broken,
			  const struct image_info *info, const struct image_use *use)
{
	for (size_t i = 0; i < info->layers.n; i++) {
		const char *id = info->layers.v[i];
		char path[LAYOUT_PATH_MAX];

		if (!strlist_has(broken, id) || strlist_has(&use->layers, id))
			continue;
		(void)snprintf(path, sizeof(path), "layers/%.64s/complete",
			       id + sizeof("sha256:") - 1);
		(void)unlinkat(s->rootfd, path, 0);
	}
}

/* Takes the image at hand out of the store. -EBUSY: in use. */
static int repair_image(struct check *c, struct error *err)
{
	struct image_removal gone;
	cleanup_image_use struct image_use use = { .is_doubtful = false };
	cleanup_close int lock = -EBADF;
	int r = image_remove(c->store, c->image->id,
			     IMAGE_REMOVE_FORCE | IMAGE_REMOVE_KEEP_PARENTS, &gone, err);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	image_removal_done(&gone);
	lock = image_lock(c->store, LOCK_EXCLUSIVE, err);
	if (lock < 0)
		return lock;
	r = image_use_find(c->store, NULL, &use, err);
	if (r == 0 && !use.is_doubtful)
		forget_layers(c->store, &c->broken, c->image, &use);
	return r;
}

static void finish_image(struct check *c)
{
	struct error err = { .code = 0 };

	if (!c->is_damaged)
		return;
	if (c->repair && repair_image(c, &err) == 0) {
		c->report(c->arg, &(struct check_finding){ .image = c->image->id,
							   .what = "image",
							   .hex = c->image->id,
							   .text = "removed",
							   .is_repaired = true });
		return;
	}
	if (err.code)
		find(c, "image", c->image->id, err.text, true);
	c->is_left = true;
}

int image_check(const struct store *s, bool repair, check_report *report, void *arg,
		struct error *err)
{
	struct check c = { .store = s, .repair = repair, .report = report, .arg = arg };
	cleanup_image_list struct image_list l = { .v = NULL };
	cleanup_close int nullfd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	int r = nullfd < 0 ? error_errno(err, "open '/dev/null'") : image_list(s, &l, err);

	for (size_t i = 0; r == 0 && i < l.n; i++) {
		cleanup_strlist struct strlist layers = { .v = NULL };

		c.image = &l.v[i];
		c.is_damaged = false;
		check_manifest(&c, "manifest", c.image->manifest);
		check_manifest(&c, "index", c.image->list);
		if (check_config(&c, &layers) == 0)
			check_layers(&c, &layers, nullfd);
		finish_image(&c);
	}
	strlist_done(&c.good);
	strlist_done(&c.broken);
	if (r == 0 && repair)
		r = image_collect(s, err);
	return r < 0 ? r : c.is_left;
}
