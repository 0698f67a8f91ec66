/* SPDX-License-Identifier: Apache-2.0 */
/*
 * signame - names of signals.
 *
 * Theory of operation: the table is ours, since sigabbrev_np() gives only number to name, and image
 * configurations write names. Numbers are Linux's on x86-64, arm64 and riscv (asm-generic).
 */
#include "engine/base/signame.h"

#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <strings.h>

#include "engine/base/str.h"

static const struct {
	const char *name;
	int number;
} signals[] = {
	{ "HUP", SIGHUP },	 { "INT", SIGINT },   { "QUIT", SIGQUIT },     { "ILL", SIGILL },
	{ "TRAP", SIGTRAP },	 { "ABRT", SIGABRT }, { "IOT", SIGABRT },      { "BUS", SIGBUS },
	{ "FPE", SIGFPE },	 { "KILL", SIGKILL }, { "USR1", SIGUSR1 },     { "SEGV", SIGSEGV },
	{ "USR2", SIGUSR2 },	 { "PIPE", SIGPIPE }, { "ALRM", SIGALRM },     { "TERM", SIGTERM },
	{ "STKFLT", SIGSTKFLT }, { "CHLD", SIGCHLD }, { "CONT", SIGCONT },     { "STOP", SIGSTOP },
	{ "TSTP", SIGTSTP },	 { "TTIN", SIGTTIN }, { "TTOU", SIGTTOU },     { "URG", SIGURG },
	{ "XCPU", SIGXCPU },	 { "XFSZ", SIGXFSZ }, { "VTALRM", SIGVTALRM }, { "PROF", SIGPROF },
	{ "WINCH", SIGWINCH },	 { "IO", SIGIO },     { "POLL", SIGIO },       { "PWR", SIGPWR },
	{ "SYS", SIGSYS },
};

/* Linux's real-time signals as programs see them: 34 to 64 (the first two are the C library's). */
#define RT_FIRST 34
#define RT_LAST	 64

static int realtime(const char *text)
{
	bool is_min = strncasecmp(text, "RTMIN", 5) == 0;
	uint64_t n = 0;

	if (!is_min && strncasecmp(text, "RTMAX", 5) != 0)
		return -EINVAL;
	text += 5;
	if (*text == '\0')
		return is_min ? RT_FIRST : RT_LAST;
	if (*text != (is_min ? '+' : '-') || parse_u64(text + 1, RT_LAST - RT_FIRST, &n) < 0)
		return -EINVAL;
	return is_min ? RT_FIRST + (int)n : RT_LAST - (int)n;
}

int signal_number(const char *text)
{
	uint64_t n = 0;

	if (is_empty(text))
		return -EINVAL;
	if (isdigit((unsigned char)*text))
		return parse_u64(text, RT_LAST, &n) == 0 && n > 0 ? (int)n : -EINVAL;
	if (strncasecmp(text, "SIG", 3) == 0)
		text += 3;
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		if (strcasecmp(signals[i].name, text) == 0)
			return signals[i].number;
	return realtime(text);
}
