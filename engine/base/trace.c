/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trace - one switch, one line a call, microseconds since the process began to trace.
 *
 * Theory of operation: the level is the only mutable global below cmd/ besides the seams (style
 * rule 16). Lines go to stderr in one write(2), so that lines of several processes do not mix.
 */
#include "engine/base/trace.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "engine/base/clock.h"

static bool trace_on;
static int64_t trace_start_us;

void trace_enable(bool on)
{
	trace_on = on;
	trace_start_us = clock_mono_us();
}

bool is_trace_enabled(void)
{
	return trace_on;
}

void trace(const char *fmt, ...)
{
	char line[700];
	va_list ap;
	int n, m;

	if (!trace_on)
		return;
	n = snprintf(line, sizeof(line), "debug: %6lld us [%d] ",
		     (long long)(clock_mono_us() - trace_start_us), (int)getpid());
	va_start(ap, fmt);
	m = vsnprintf(line + n, sizeof(line) - (size_t)n - 1, fmt, ap);
	va_end(ap);
	n += m < (int)sizeof(line) - n - 2 ? m : (int)sizeof(line) - n - 2;
	line[n++] = '\n';
	(void)!write(STDERR_FILENO, line, (size_t)n);
}
