/* SPDX-License-Identifier: Apache-2.0 */
/*
 * podium-image - the helper that brings images in: `podium-image load ROOT RUNROOT FILE|-`.
 *
 * Theory of operation: started by podium, which links none of the libraries that read archives. The
 * work is in engine/image; this file opens the store and the archive and speaks. Results are lines
 * of JSON on stdout, one an event:
 *
 *	{"event":"layer","id":"<diff id>","state":"done"|"exists"}
 *	{"event":"image","id":"<image id>","name":"docker.io/library/nginx:latest"|null}
 *	{"event":"warning","text":"..."}
 *
 * A failure is one line on stderr, escaped for a terminal, and exit code 125. It dies with its
 * parent: what it leaves then is debris that the next load sweeps.
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/base/proc.h"
#include "engine/base/str.h"
#include "engine/image/load.h"
#include "engine/image/cage.h"

#define EXIT_FAILURE_OURS 125

static void print_event(void *arg, const struct load_event *e)
{
	cleanup_json json_t *j = NULL;
	cleanup_free char *text = NULL;

	(void)arg;
	if (e->kind == LOAD_LAYER)
		j = json_pack("{s:s, s:s, s:s}", "event", "layer", "id", e->id, "state", e->text);
	else if (e->kind == LOAD_IMAGE)
		j = json_pack("{s:s, s:s, s:s?}", "event", "image", "id", e->id, "name", e->text);
	else
		j = json_pack("{s:s, s:s, s:s}", "event", "warning", "id", e->id, "text", e->text);
	text = jdump_text(j, 0);
	(void)puts(text);
	(void)fflush(stdout);
}

static int load(const struct store *s, const char *path, struct error *err)
{
	cleanup_close int fd = is_equal(path, "-") ? fcntl(0, F_DUPFD_CLOEXEC, 3)
						   : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	int r;

	if (fd < 0)
		return error_errno(err, "open '%s'", path);
	r = image_load(s, fd, print_event, NULL, err);
	return r < 0 ? error_wrap(err, "load '%s'", path) : 0;
}

static int run(int argc, char **argv, struct error *err)
{
	struct store s;
	int r;

	if (argc != 5 || !is_equal(argv[1], "load"))
		return error_set(err, EINVAL, "usage: podium-image load ROOT RUNROOT FILE|-");
	r = cage_follow_parent(getppid(), err);
	if (r < 0)
		return r;
	r = store_open(argv[2], argv[3], STORE_WRITE, &s, err);
	if (r < 0)
		return r;
	r = load(&s, argv[4], err);
	store_close(&s);
	return r;
}

int main(int argc, char **argv)
{
	struct error err = { .code = 0 };
	cleanup_free char *shown = NULL;

	proc_sanitise();
	if (run(argc, argv, &err) < 0) {
		shown = str_printable(err.text, strlen(err.text));
		(void)fprintf(stderr, "%s\n", shown);
		return EXIT_FAILURE_OURS;
	}
	return fflush(stdout) ? EXIT_FAILURE_OURS : 0;
}
