/* SPDX-License-Identifier: Apache-2.0 */
/*
 * imagejob - one run of podium-image, the program with the heavy libraries, as seen from podium.
 *
 *	podium-image VERB ROOT RUNROOT
 *	0	/dev/null		1	events to us: a JSON object a line
 *	2	the reason of a failure	3	a socket: our request, a line; then replies, a line each
 *	4	data: an archive to read or to write (a file, a pipe, our stdin or stdout)
 *
 * Credentials travel in the request, never in an argument list. The helper dies with us.
 */
#ifndef PODIUM_CMD_IMAGEJOB_H
#define PODIUM_CMD_IMAGEJOB_H

#include <jansson.h>

#include "engine/base/error.h"
#include "engine/state/layout.h"

struct imagejob;
struct progress;
/* Called with each event. Returns 0 or -errno with err set: the helper is then killed. */
typedef int imagejob_event(struct imagejob *job, void *arg, const char *event, const json_t *j,
			   struct error *err);

struct imagejob_spec {
	const char *verb; /* "load": a row of the table in cmd/podium-image/main.c */
	const struct store *store;
	const json_t *request;	   /* members of the verb's own; NULL: {} */
	int datafd;		   /* becomes its descriptor 4; -1: none */
	imagejob_event *on_event;  /* not called for "warning", which is printed; NULL: what the
				    * helper says ("say") is shown, and nothing else matters */
	struct progress *progress; /* shows the events "layer", which on_event then does not get */
	int stop_fd;		   /* readable: the helper is killed, -EINTR; 0 or -1: none */
	void *arg;
};
/* Runs the helper to its end. Its one line on stderr becomes the error, with the code it names. */
int imagejob_run(const struct imagejob_spec *spec, struct error *err) must_check;
/* Answers a question that an event was. From inside on_event. */
int imagejob_reply(struct imagejob *job, const json_t *reply, struct error *err) must_check;

#endif
