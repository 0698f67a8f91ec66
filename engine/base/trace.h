/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trace - debug tracing to stderr, off unless --log-level debug. Never carries values of the
 * environment or other possible secrets. Everything else that a person reads is printed by cmd/.
 */
#ifndef PODIUM_BASE_TRACE_H
#define PODIUM_BASE_TRACE_H

#include <stdbool.h>

#include "engine/base/error.h"

void trace_enable(bool on);
bool is_trace_enabled(void);
void trace(const char *fmt, ...) printf_like(1, 2);

#endif
