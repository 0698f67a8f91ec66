/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mem - allocation that cannot fail, and ownership that is visible.
 *
 * No memory aborts the process in one place. cleanup_* attributes free at the end of scope; such
 * variables are initialised where they are declared (NULL, or -EBADF for descriptors).
 */
#ifndef PODIUM_BASE_MEM_H
#define PODIUM_BASE_MEM_H

#include <dirent.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/base/error.h"

void *xmalloc(size_t size) __attribute__((malloc, returns_nonnull));
void *xcalloc(size_t n, size_t size) __attribute__((malloc, returns_nonnull));
void *xreallocarray(void *p, size_t n, size_t size) __attribute__((returns_nonnull));
char *xstrdup(const char *s) __attribute__((malloc, returns_nonnull));
char *xstrndup(const char *s, size_t n) __attribute__((malloc, returns_nonnull));
/* NULL stays NULL. */
char *xstrdup_or_null(const char *s);
char *xasprintf(const char *fmt, ...) printf_like(1, 2) __attribute__((malloc, returns_nonnull));

/* Gives the kernel what is free of the heap, and what deeper calls have left of the stack: for a
 * process that is going to wait for long. */
void mem_give_back(void);

/* The same, and forgets the mappings of the program's own text and constants: after a start, which
 * has touched most of them. What is used next is mapped again. madvise(2). */
void mem_give_back_all(void);

static inline void cleanup_free_fn(void *p)
{
	free(*(void **)p);
}
static inline void cleanup_close_fn(const int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		(void)close(*fd);
	errno = saved;
}
static inline void cleanup_fclose_fn(FILE **f)
{
	if (*f)
		(void)fclose(*f);
}
static inline void cleanup_dir_fn(DIR **d)
{
	if (*d)
		(void)closedir(*d);
}

#define cleanup(fn)    __attribute__((__cleanup__(fn)))
#define cleanup_free   cleanup(cleanup_free_fn)
#define cleanup_close  cleanup(cleanup_close_fn)
#define cleanup_fclose cleanup(cleanup_fclose_fn)
#define cleanup_dir    cleanup(cleanup_dir_fn)

/* Hands a pointer over: returns *pp and leaves NULL behind. */
#define steal_ptr(pp)                         \
	({                                    \
		__typeof__(*(pp)) p_ = *(pp); \
		*(pp) = NULL;                 \
		p_;                           \
	})

/* Hands a descriptor over: returns *fd and leaves -EBADF behind. */
static inline int steal_fd(int *fd)
{
	int f = *fd;

	*fd = -EBADF;
	return f;
}

/* Closes a descriptor that there may be, and leaves -EBADF behind. */
static inline void close_fd(int *fd)
{
	if (*fd >= 0)
		(void)close(steal_fd(fd));
}

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#endif
