/* SPDX-License-Identifier: Apache-2.0 */
/*
 * splitformat - the bytes of layers/<hex>/split, for the two files that write and read it.
 */
#ifndef PODIUM_IMAGE_SPLITFORMAT_H
#define PODIUM_IMAGE_SPLITFORMAT_H

#include <stddef.h>
#include <stdint.h>

#define SPLIT_MAGIC	"podsplt1"
#define SPLIT_MAGIC_LEN 8
#define SPLIT_LEVEL	1
#define SPLIT_RAW	'R'
#define SPLIT_FILE	'F'
#define SPLIT_END	'E'
#define SPLIT_RAW_HEAD	5  /* tag, length:32 */
#define SPLIT_FILE_HEAD 11 /* tag, size:64, length:16 */

/* Little endian, n bytes. */
static inline void split_put(unsigned char *p, uint64_t value, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (unsigned char)(value >> (8 * i));
}
static inline uint64_t split_get(const unsigned char *p, size_t n)
{
	uint64_t value = 0;

	for (size_t i = 0; i < n; i++)
		value |= (uint64_t)p[i] << (8 * i);
	return value;
}

#endif
