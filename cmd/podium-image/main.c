/* SPDX-License-Identifier: Apache-2.0 */
/*
 * podium-image - what needs the heavy libraries: registries, archives, layers, builds.
 *
 *	podium-image VERB ROOT RUNROOT
 *
 * Theory of operation: started by podium, which links none of these libraries. The work is in
 * engine/image and engine/build; a verb checks the request and calls it. The request is one line of
 * JSON on descriptor 3; what happens is told by lines of JSON on stdout, each with a member "event";
 * a question among them is answered by a line on descriptor 3. Descriptor 4, where there is one, is
 * the archive to read or to write.
 *
 * A failure is one line on stderr, "ERRNO text", escaped for a terminal, and exit code 125. It dies
 * with its parent: what it leaves then is debris that the next one sweeps.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cmd/podium-image/verb.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/base/proc.h"
#include "engine/base/str.h"
#include "engine/image/cage.h"

#define EXIT_FAILURE_OURS 125
#define SOCKET_FD	  3
#define DATA_FD		  4

static const struct verb *const verbs[] = {
	&verb_build,
	&verb_check,
	&verb_fetch,
	&verb_load,
	&verb_login,
	&verb_manifest,
	&verb_pull,
	&verb_commit,
	&verb_cp,
	&verb_export,
	&verb_import,
	&verb_push,
	&verb_save,
	&verb_volume_export,
	&verb_volume_import,
};

void verb_tell(json_t *j)
{
	cleanup_json json_t *owned = j;
	cleanup_free char *text = jdump_text(owned, 0);

	(void)puts(text);
	(void)fflush(stdout);
}

void verb_warn(const char *text)
{
	verb_tell(json_pack("{s:s, s:s}", "event", "warning", "text", text));
}

/* One line from podium; read byte by byte, since nothing behind the newline is ours. */
static int read_line(int fd, char **ret, struct error *err)
{
	cleanup_buf struct buf b = BUF_INIT(VERB_LINE_MAX);
	char c;

	for (;;) {
		ssize_t n = read(fd, &c, 1);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0 || b.overflow)
			return error_set(err, EPIPE, "podium sends no request");
		if (c == '\n')
			break;
		buf_addc(&b, c);
	}
	*ret = buf_steal(&b);
	return 0;
}

static int read_json(int fd, json_t **ret, struct error *err)
{
	cleanup_free char *line = NULL;
	int r = read_line(fd, &line, err);

	if (r < 0)
		return r;
	r = jload_text(line, strlen(line), "request", ret, err);
	explicit_bzero(line, strlen(line));
	return r;
}

int verb_ask(struct verb_context *ctx, json_t *question, json_t **ret, struct error *err)
{
	verb_tell(question);
	return read_json(ctx->socket, ret, err);
}

static const struct verb *find_verb(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
		if (is_equal(verbs[i]->name, name))
			return verbs[i];
	return NULL;
}

/* Who starts us may be killed before we ask for his death: then his end of the socket is closed, and
 * nobody would end us. */
static int follow_podium(int socket, struct error *err)
{
	struct pollfd p = { .fd = socket };
	int r = cage_follow_parent(getppid(), err);

	if (r == 0 && poll(&p, 1, 0) > 0)
		r = error_set(err, ESRCH, "podium is gone");
	return r;
}

static int run(int argc, char **argv, struct error *err)
{
	const struct verb *v = argc == 4 ? find_verb(argv[1]) : NULL;
	struct verb_context ctx = { .socket = SOCKET_FD, .datafd = -EBADF };
	cleanup_json json_t *request = NULL;
	int r;

	if (!v)
		return error_set(err, EINVAL, "podium starts this program: it is not for people");
	/* Before anything else is opened: a descriptor of ours may get this number. */
	if (fcntl(DATA_FD, F_SETFD, FD_CLOEXEC) == 0)
		ctx.datafd = DATA_FD;
	r = follow_podium(ctx.socket, err);
	if (r == 0)
		r = read_json(ctx.socket, &request, err);
	if (r == 0)
		r = store_open(argv[2], argv[3], STORE_WRITE, &ctx.store, err);
	if (r < 0)
		return r;
	(void)fcntl(SOCKET_FD, F_SETFD, FD_CLOEXEC);
	r = v->run(&ctx, request, err);
	store_close(&ctx.store);
	return r;
}

int main(int argc, char **argv)
{
	struct error err = { .code = 0 };
	cleanup_free char *shown = NULL;

	proc_sanitise();
	if (run(argc, argv, &err) < 0) {
		shown = str_printable(err.text, strlen(err.text));
		(void)fprintf(stderr, "%d %s\n", err.code, shown);
		return EXIT_FAILURE_OURS;
	}
	return fflush(stdout) ? EXIT_FAILURE_OURS : 0;
}
