/* SPDX-License-Identifier: Apache-2.0 */
/*
 * banned - included before everything else by the compiler's command line: these calls do not
 * compile. Use engine/base/str.h (strict numbers, bounded buffers), fs.h, proc.h instead.
 */
#ifndef PODIUM_BASE_BANNED_H
#define PODIUM_BASE_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#undef sprintf /* the C library may have it as a macro */
#undef vsprintf
#pragma GCC poison strcpy strcat sprintf vsprintf strtok atoi atol atoll strtol strtoul strtoll strtoull
#pragma GCC poison system popen mktemp tmpnam tempnam gets

#endif
