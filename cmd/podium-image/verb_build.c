/* SPDX-License-Identifier: Apache-2.0 */
/*
 * build - a Containerfile to an image.
 *
 *	request	engine/build/build.h, struct build_options; the Containerfile as data when it has no
 *		"file"
 *	events	{"event":"say","text":"STEP 1/2: FROM alpine"}	a line for stdout
 *		{"event":"run", "run":{...}}		answered, engine/build/step.h
 *		{"event":"run-done", "container":"<id>"}	answered
 *		{"event":"run-failed", "exit":N}	the command of a RUN ended so; then the build ends
 *		{"event":"built", "id":"<image id>"}	and the layers of pulled bases, events.c
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmd/podium-image/verb.h"
#include "engine/base/json.h"
#include "engine/base/str.h"
#include "engine/build/build.h"

#define EXIT_MAX 255

static void say(void *arg, const char *line)
{
	(void)arg;
	verb_tell(json_pack("{s:s, s:s}", "event", "say", "text", line));
}

static void warn(void *arg, const char *text)
{
	(void)arg;
	verb_warn(text);
}

/* podium says why it could not. */
static int check_reply(const json_t *reply, struct error *err)
{
	const char *text = jget_str(reply, "error");
	int64_t code = jget_int(reply, "code", EIO);

	if (!text)
		return 0;
	return error_set(err, code > 0 && code < 4096 ? (int)code : EIO, "%.480s", text);
}

static int run_step(void *arg, const struct build_run_spec *run, int *ret_exit, char ret_id[65],
		    struct error *err)
{
	struct verb_context *ctx = arg;
	cleanup_json json_t *reply = NULL;
	int64_t status;
	const char *id;
	int r = verb_ask(ctx,
			 json_pack("{s:s, s:o}", "event", "run", "run", build_run_to_json(run)),
			 &reply, err);

	if (r == 0)
		r = check_reply(reply, err);
	if (r < 0)
		return r;
	id = jget_str(reply, "container");
	status = jget_int(reply, "exit", -1);
	if (!id || !is_id(id) || status < 0 || status > EXIT_MAX)
		return error_set(err, EBADMSG, "podium does not say how the step ended");
	(void)snprintf(ret_id, 65, "%.64s", id);
	*ret_exit = (int)status;
	if (status)
		verb_tell(
			json_pack("{s:s, s:I}", "event", "run-failed", "exit", (json_int_t)status));
	return 0;
}

static int end_step(void *arg, const char *id, struct error *err)
{
	struct verb_context *ctx = arg;
	cleanup_json json_t *reply = NULL;
	int r = verb_ask(ctx, json_pack("{s:s, s:s}", "event", "run-done", "container", id), &reply,
			 err);

	return r == 0 ? check_reply(reply, err) : r;
}

static int run(struct verb_context *ctx, const json_t *request, struct error *err)
{
	struct build_options o;
	struct build_ops ops = { .arg = ctx,
				 .say = say,
				 .warn = warn,
				 .run = run_step,
				 .run_done = end_step,
				 .load = verb_tell_load };
	char id[DIGEST_HEX_LEN + 1] = "";
	int r = record_load(&build_options_type, request, &o, err);

	if (r < 0)
		return error_wrap(err, "build");
	r = build_image(&ctx->store, &o, ctx->datafd, &ops, id, err);
	if (o.creds)
		explicit_bzero(o.creds, strlen(o.creds));
	record_done(&build_options_type, &o);
	if (r == 0)
		verb_tell(json_pack("{s:s, s:s}", "event", "built", "id", id));
	return r;
}

const struct verb verb_build = { .name = "build", .run = run };
