/* SPDX-License-Identifier: Apache-2.0 */
/*
 * terminal - raw mode that is always undone.
 *
 * Theory of operation: sessions take their signals from a signalfd, so a signal from outside ends
 * their loop and they restore the terminal on the ordinary way out. What remains are faults of the
 * program itself: a handler restores the terminal (tcsetattr(3) may be called there) and lets the
 * fault take its course. The one terminal that is raw stands in a static variable for that handler.
 */
#include "cmd/podium/base/terminal.h"

#include <termios.h>
#include <unistd.h>

#include "engine/base/mem.h"

static struct {
	struct termios saved;
	volatile sig_atomic_t is_raw;
	int fd;
} terminal;

static const int faults[] = { SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSYS, SIGTRAP };

void terminal_restore(void)
{
	if (terminal.is_raw)
		(void)tcsetattr(terminal.fd, TCSANOW, &terminal.saved);
	terminal.is_raw = 0;
}

static void on_fault(int sig)
{
	terminal_restore();
	(void)raise(sig); /* the handler was for once: now it is what it would have been */
}

bool terminal_enter_raw(int fd)
{
	const struct sigaction action = { .sa_handler = on_fault, .sa_flags = (int)SA_RESETHAND };
	struct termios raw;

	if (terminal.is_raw || tcgetattr(fd, &terminal.saved) < 0)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(faults); i++)
		(void)sigaction(faults[i], &action, NULL);
	raw = terminal.saved;
	cfmakeraw(&raw);
	terminal.fd = fd;
	terminal.is_raw = 1;
	if (tcsetattr(fd, TCSANOW, &raw) < 0)
		terminal.is_raw = 0;
	return terminal.is_raw;
}

bool terminal_size(struct winsize *ret)
{
	return ioctl(STDIN_FILENO, TIOCGWINSZ, ret) == 0 ||
	       ioctl(STDOUT_FILENO, TIOCGWINSZ, ret) == 0;
}

void terminal_session_signals(sigset_t *ret)
{
	static const int left_out[] = { SIGKILL, SIGSTOP, SIGCHLD, SIGPIPE, SIGURG,
					SIGSEGV, SIGBUS,  SIGFPE,  SIGILL,  SIGSYS,
					SIGTRAP, SIGTTIN, SIGTTOU };

	(void)sigfillset(ret);
	for (size_t i = 0; i < ARRAY_SIZE(left_out); i++)
		(void)sigdelset(ret, left_out[i]);
}
