/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mem - the one place where running out of memory ends the process.
 *
 * Theory of operation: callers never test for NULL. The monitor's loop allocates nothing, so it
 * cannot end here while it keeps a container.
 */
#include "engine/base/mem.h"

#include <link.h>
#include <malloc.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#define PAGE_BYTES 4096
#define STACK_SPAN (256 * 1024)

static void __attribute__((noreturn)) die_no_memory(void)
{
	static const char text[] = "podium: out of memory\n";

	(void)!write(STDERR_FILENO, text, sizeof(text) - 1);
	abort();
}

void *xmalloc(size_t size)
{
	void *p = malloc(size ? size : 1);

	if (!p)
		die_no_memory();
	return p;
}

void *xcalloc(size_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size ? size : 1);

	if (!p)
		die_no_memory();
	return p;
}

void *xreallocarray(void *p, size_t n, size_t size)
{
	void *q = reallocarray(p, n ? n : 1, size ? size : 1);

	if (!q)
		die_no_memory();
	return q;
}

char *xstrndup(const char *s, size_t n)
{
	size_t len = strnlen(s, n);
	char *p = xmalloc(len + 1);

	memcpy(p, s, len);
	p[len] = '\0';
	return p;
}

char *xstrdup(const char *s)
{
	return xstrndup(s, strlen(s));
}

char *xstrdup_or_null(const char *s)
{
	return s ? xstrdup(s) : NULL;
}

char *xasprintf(const char *fmt, ...)
{
	char *p = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&p, fmt, ap);
	va_end(ap);
	if (n < 0 || !p)
		die_no_memory();
	return p;
}

/* Below the frame of the call that gives back all is dead; a page stays for that call itself. What
 * of the span is not mapped is passed over. */
void __attribute__((noinline)) mem_give_back(void)
{
	uintptr_t frame = (uintptr_t)__builtin_frame_address(0);
	uintptr_t end = (frame & ~(uintptr_t)(PAGE_BYTES - 1)) - PAGE_BYTES;

	(void)malloc_trim(0);
	(void)madvise((void *)(end - STACK_SPAN), STACK_SPAN, MADV_DONTNEED);
}

extern const ElfW(Ehdr) __ehdr_start; /* the linker's */

/* The page cache keeps them. What was relocated is in a segment that was writable, and stays. */
void mem_give_back_all(void)
{
	uintptr_t base = (uintptr_t)&__ehdr_start;
	const ElfW(Phdr) *p = (const ElfW(Phdr) *)(base + __ehdr_start.e_phoff);
	uintptr_t bias = __ehdr_start.e_type == ET_EXEC ? 0 : base;

	mem_give_back();
	for (size_t i = 0; i < __ehdr_start.e_phnum; i++) {
		uintptr_t start = (bias + p[i].p_vaddr) & ~(uintptr_t)(PAGE_BYTES - 1);

		if (p[i].p_type == PT_LOAD && !(p[i].p_flags & PF_W))
			(void)madvise((void *)start, bias + p[i].p_vaddr + p[i].p_memsz - start,
				      MADV_DONTNEED);
	}
}
