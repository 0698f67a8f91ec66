/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outlet - a standard stream of the caller that is written without standing still.
 *
 * The caller's descriptors are shared with others and stay blocking: so nothing is written before
 * poll(2) says that it would be taken, and never more than surely fits.
 */
#ifndef PODIUM_CMD_OUTLET_H
#define PODIUM_CMD_OUTLET_H

#include <stdbool.h>
#include <stddef.h>

struct outlet {
	int fd;
	bool whole;	  /* a file: takes everything at once */
	const char *data; /* what waits; not owned */
	size_t len;
	int error; /* errno of the write that failed: nothing more is taken; or 0 */
};

void outlet_init(struct outlet *o, int fd);
/* Gives it bytes, which stay the caller's and where they are until len is 0 again. */
void outlet_put(struct outlet *o, const char *data, size_t len);
/* Writes what fits, after poll(2) has said so. */
void outlet_write(struct outlet *o);

#endif
