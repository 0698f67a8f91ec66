/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nethelper - one run of podium-net.
 *
 * Theory of operation: the command links no netlink library; podium-net is started, told what to do in
 * its words (a network to be made as a record on stdin), and gives one answer. It does its work whether
 * the command lives on or not.
 */
#include "cmd/podium/network/nethelper.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/fs.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/base/proc.h"
#include "engine/net/netconf.h"
#include "engine/process/sync.h"
#include "engine/state/eventlog.h"
#include "engine/state/layout.h"

#define NAME_BYTES  256
#define LINES_BYTES 1000000

static int await_answer(int fd, struct error *err)
{
	struct sync_msg msg = { 0 };
	int passed = -EBADF;
	int r = sync_receive(fd, &msg, &passed, err);

	if (passed >= 0)
		(void)close(passed);
	if (r == 0)
		return error_set(err, EPROTO, "podium-net ended without a word");
	if (r > 0 && msg.step == SYNC_ERROR) {
		*err = msg.err;
		return err->code > 0 ? -err->code : -EIO;
	}
	return r < 0 ? r : 0;
}

static int run(const struct store *s, char *const words[3], int in, int out, struct error *err)
{
	cleanup_free char *program = NULL;
	char name[] = "podium-net";
	char *argv[] = { name, words[0], s->root, s->runroot, words[1], words[2], NULL };
	struct proc_spawn sp = { .argv = argv, .stdio = { in, out, -1 } };
	cleanup_close int sync = -EBADF;
	int pair[2], pidfd = -EBADF, r;
	pid_t pid;

	r = proc_helper_path("podium-net", &program, err);
	if (r == 0)
		r = sync_pair(pair, err);
	if (r < 0)
		return r;
	sync = pair[0];
	sp.path = program;
	sp.pass_fd = pair[1];
	pid = proc_spawn(&sp, &pidfd, err);
	(void)close(pair[1]);
	if (pid < 0)
		return pid;
	r = await_answer(sync, err);
	(void)waitpid(pid, NULL, 0);
	(void)close(pidfd);
	return r;
}

void network_log(const struct store *s, const char *status, const char *network)
{
	event_log(s,
		  &(struct eventlog_entry){ .type = "network", .status = status, .name = network });
}

int nethelper_run(const struct store *s, const char *verb, const char *what, const char *network,
		  struct error *err)
{
	char *const words[] = { (char *)(uintptr_t)verb, (char *)(uintptr_t)what,
				(char *)(uintptr_t)network };

	return run(s, words, -1, -1, err);
}

static int write_request(const struct network_conf *request, struct error *err)
{
	cleanup_close int fd = memfd_create("network", MFD_CLOEXEC);
	cleanup_json json_t *j = record_dump(&network_conf_type, request);
	cleanup_free char *text = jdump_text(j, 0);

	if (fd < 0)
		return error_errno(err, "memfd");
	if (fs_write_all(fd, text, strlen(text)) < 0 || lseek(fd, 0, SEEK_SET) < 0)
		return error_errno(err, "write the request");
	return steal_fd(&fd);
}

int nethelper_create(const struct store *s, const struct network_conf *request, char **ret_name,
		     struct error *err)
{
	char verb[] = "create", nothing[] = "-";
	char *const words[] = { verb, nothing, NULL };
	cleanup_close int in = write_request(request, err);
	cleanup_close int out = in < 0 ? -EBADF : memfd_create("name", MFD_CLOEXEC);
	char name[NAME_BYTES];
	ssize_t n;
	int r;

	if (in < 0)
		return in;
	if (out < 0)
		return error_errno(err, "memfd");
	r = run(s, words, in, out, err);
	if (r < 0)
		return r;
	n = pread(out, name, sizeof(name) - 1, 0);
	name[n > 0 ? n : 0] = '\0';
	name[strcspn(name, "\n")] = '\0';
	*ret_name = xstrdup(name);
	return 0;
}

/* The lines that a verb writes, as far as they find room. */
static int read_lines(const struct store *s, const char *verb, struct strlist *ret,
		      struct error *err)
{
	char nothing[] = "-";
	char *const words[] = { (char *)(uintptr_t)verb, nothing, NULL };
	cleanup_close int out = memfd_create("lines", MFD_CLOEXEC);
	cleanup_free char *text = xmalloc(LINES_BYTES);
	char *rest = text;
	ssize_t n;
	int r;

	if (out < 0)
		return error_errno(err, "memfd");
	r = run(s, words, -1, out, err);
	if (r < 0)
		return r;
	n = pread(out, text, LINES_BYTES - 1, 0);
	text[n > 0 ? n : 0] = '\0';
	while (rest) {
		const char *line = strsep(&rest, "\n");

		if (*line)
			strlist_add(ret, line);
	}
	return 0;
}

int nethelper_forward_drops(const struct store *s, struct strlist *ret, struct error *err)
{
	return read_lines(s, "forward", ret, err);
}

int nethelper_check(const struct store *s, bool repair, struct strlist *ret, struct error *err)
{
	return read_lines(s, repair ? "repair" : "check", ret, err);
}
