/* SPDX-License-Identifier: Apache-2.0 */
/* signame - signal numbers from "SIGTERM", "TERM", "term", "15", "RTMIN+3". */
#ifndef PODIUM_BASE_SIGNAME_H
#define PODIUM_BASE_SIGNAME_H

/* -EINVAL when there is no such signal. */
int signal_number(const char *text);

#endif
