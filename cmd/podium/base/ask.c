/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ask - a line from the terminal, with or without echo.
 *
 * Theory of operation: to read a secret the echo is turned off, and the signals that would end us
 * are blocked meanwhile and watched by a signalfd: when one comes, the terminal gets its echo back
 * first, and then the signal its way. So Ctrl-C at the prompt never leaves a blind shell.
 */
#include "cmd/podium/base/ask.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include "engine/base/mem.h"

/* One line, as the terminal gives it: at most its line buffer. -EINTR: stopfd is ready. */
static int read_line(int stopfd, char *line, size_t size, size_t *ret_len)
{
	struct pollfd fds[] = { { .fd = STDIN_FILENO, .events = POLLIN },
				{ .fd = stopfd, .events = POLLIN } };
	ssize_t n;

	for (;;) {
		int r = poll(fds, ARRAY_SIZE(fds), -1);

		if (r < 0 && errno != EINTR)
			return -errno;
		if (r > 0 && fds[1].revents)
			return -EINTR;
		if (r > 0)
			break;
	}
	n = read(STDIN_FILENO, line, size - 1);
	if (n < 0)
		return -errno;
	if (n > 0 && line[n - 1] == '\n')
		n--;
	else if (n == 0)
		return -ECANCELED;
	line[n] = '\0';
	*ret_len = (size_t)n;
	return 0;
}

static int ask(const char *question, int stopfd, char **ret, struct error *err)
{
	char line[ASK_BYTES_MAX + 1];
	size_t len = 0;
	int r;

	(void)fputs(question, stdout);
	(void)fflush(stdout);
	r = read_line(stopfd, line, sizeof(line), &len);
	if (r == 0)
		*ret = xstrndup(line, len);
	explicit_bzero(line, sizeof(line));
	return r < 0 ? error_set(err, -r, "nothing was entered") : 0;
}

static int check_terminal(struct error *err)
{
	if (isatty(STDIN_FILENO))
		return 0;
	return error_set(err, ENOTTY,
			 "there is no terminal to ask at: give --username, and --password-stdin");
}

int ask_line(const char *question, char **ret, struct error *err)
{
	int r = check_terminal(err);

	return r < 0 ? r : ask(question, -1, ret, err);
}

int ask_secret(const char *question, char **ret, struct error *err)
{
	static const int ending[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	cleanup_close int stopfd = -EBADF;
	struct termios saved, silent;
	sigset_t set, before;
	int r = check_terminal(err);

	if (r < 0)
		return r;
	(void)sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_SIZE(ending); i++)
		(void)sigaddset(&set, ending[i]);
	(void)sigprocmask(SIG_BLOCK, &set, &before);
	stopfd = signalfd(-1, &set, SFD_CLOEXEC);
	if (stopfd < 0 || tcgetattr(STDIN_FILENO, &saved) < 0) {
		r = error_errno(err, "terminal");
	} else {
		silent = saved;
		silent.c_lflag &= ~(tcflag_t)ECHO;
		(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
		r = ask(question, stopfd, ret, err);
		(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &saved);
		(void)fputc('\n', stdout);
		(void)fflush(stdout);
	}
	(void)sigprocmask(SIG_SETMASK, &before, NULL); /* a signal that came ends us here */
	return r;
}
