/* SPDX-License-Identifier: Apache-2.0 */
/*
 * capture - what a function prints on stdout, as text.
 */
#ifndef PODIUM_TESTS_CAPTURE_H
#define PODIUM_TESTS_CAPTURE_H

#define CAPTURE_MAX 65536 /* bytes that are kept */

struct capture {
	int fd;	   /* a file in memory, which is stdout now */
	int saved; /* what was */
};

/* From now on stdout is a file in memory. */
void capture_begin(struct capture *c);
/* What was printed since; stdout is the old one again. The caller owns the text. */
char *capture_end(struct capture *c);

#endif
