/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pulljob - asks podium-image for images, and keeps what it says of each.
 *
 * Theory of operation: one run of the helper for all images of a command, so that they share
 * connections, cores and layers. Credentials stand in the request alone: it goes through a socket
 * and is cleared; no argument list, no environment and no file ever has them.
 *
 * What comes back was written by a program that has read what others wrote: an index out of range, an
 * id that is none, a code that is no errno are refused.
 */
#include "cmd/podium/image/pulljob.h"

#include <errno.h>
#include <string.h>

#include "cmd/podium/image/imagejob.h"
#include "cmd/podium/base/progress.h"
#include "engine/base/json.h"
#include "engine/state/eventlog.h"

#define ERRNO_MAX 4095
#define ID_DIGITS 64

struct pulling {
	struct pull_want *v;
	size_t n;
	struct progress *progress;
};

static json_t *describe_want(const struct pull_want *w)
{
	json_t *j = json_object(), *auths;

	jset_str(j, "name", w->name);
	jset_str(j, "policy", w->policy);
	if (!w->auths || !w->auths->n)
		return j;
	auths = json_array();
	for (size_t i = 0; i < w->auths->n; i++)
		(void)json_array_append_new(auths, json_string(w->auths->v[i]));
	(void)json_object_set_new(j, "auths", auths);
	return j;
}

static json_t *describe(const struct pull_options *o, const struct pulling *p)
{
	json_t *request = json_object(), *images = json_array();

	for (size_t i = 0; i < p->n; i++)
		(void)json_array_append_new(images, describe_want(&p->v[i]));
	(void)json_object_set_new(request, "images", images);
	reg_options_describe(&o->reg, request);
	jset_str(request, "platform", o->platform);
	if (o->all_tags)
		(void)json_object_set_new(request, "all-tags", json_true());
	return request;
}

/* ---- events ----------------------------------------------------------------------------- */

static struct pull_want *find_want(const struct pulling *p, const json_t *j)
{
	const json_t *index = json_object_get(j, "index");
	json_int_t i = json_is_integer(index) ? json_integer_value(index) : -1;

	return i >= 0 && (size_t)i < p->n ? &p->v[i] : NULL;
}

static int take_image(struct pull_want *w, const json_t *j, struct error *err)
{
	const char *id = jget_str(j, "id"), *name = jget_str(j, "name");

	if (!id || strlen(id) != ID_DIGITS || strspn(id, "0123456789abcdef") != ID_DIGITS)
		return error_set(err, EBADMSG, "podium-image says no id");
	(void)snprintf(w->id, sizeof(w->id), "%s", id);
	strlist_add(&w->ids, id);
	free(w->full);
	w->full = xstrdup_or_null(name);
	return 0;
}

static int take_failure(struct pull_want *w, const json_t *j, struct error *err)
{
	const json_t *code = json_object_get(j, "code");
	json_int_t n = json_is_integer(code) ? json_integer_value(code) : EIO;
	const char *text = jget_str(j, "text");

	(void)err;
	/* The outcome of this image, not of the command: what it returns is known. */
	error_ignore(error_set(&w->failure, n > 0 && n <= ERRNO_MAX ? (int)n : EIO, "%.480s",
			       text ? text : "failed"));
	return 0;
}

static int on_event(struct imagejob *job, void *arg, const char *event, const json_t *j,
		    struct error *err)
{
	const struct pulling *p = arg;
	struct pull_want *w = find_want(p, j);

	(void)job;
	if (!w)
		return error_set(err, EBADMSG,
				 "podium-image speaks of an image that was not asked for");
	if (is_equal(event, "image"))
		return take_image(w, j, err);
	if (is_equal(event, "failed"))
		return take_failure(w, j, err);
	if (is_equal(event, "trying") && jget_str(j, "name") && p->progress) {
		cleanup_free char *text = xasprintf("Trying to pull %s...", jget_str(j, "name"));

		progress_say(p->progress, text);
	}
	return 0;
}

/* ---- the run ---------------------------------------------------------------------------- */

int pull_run(const struct store *s, const struct pull_options *o, struct pull_want *v, size_t n,
	     struct progress *progress, struct error *err)
{
	struct pulling p = { .v = v, .n = n, .progress = progress };
	cleanup_json json_t *request = describe(o, &p);
	int r = imagejob_run(&(struct imagejob_spec){ .verb = "pull",
						      .store = s,
						      .request = request,
						      .datafd = -1,
						      .on_event = on_event,
						      .progress = progress,
						      .arg = &p },
			     err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++)
		if (!v[i].id[0] && !v[i].failure.code)
			return error_set(err, EBADMSG, "podium-image says nothing of '%s'",
					 v[i].name);
	for (size_t i = 0; i < n; i++)
		if (v[i].id[0] && !v[i].failure.code)
			event_log_image(s, "pull", v[i].id, v[i].full ? v[i].full : v[i].name);
	return 0;
}

void pull_wants_done(struct pull_want *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(v[i].full);
		v[i].full = NULL;
		strlist_done(&v[i].ids);
	}
}
