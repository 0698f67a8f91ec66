/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ip - an address of either family, as the builders of this room take it.
 */
#ifndef PODIUM_NET_IP_H
#define PODIUM_NET_IP_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"

#define IP_TEXT_MAX INET6_ADDRSTRLEN

struct ip_addr {
	int family;	   /* AF_INET, AF_INET6; AF_UNSPEC: none */
	uint8_t bytes[16]; /* network order; the first ip_len() count */
};

struct ip_prefix {
	struct ip_addr addr;
	uint8_t bits;
};

/* 4, 16 or 0. */
size_t ip_len(int family);
/* Strict text form of either family, without scope or prefix. -EINVAL. */
int ip_parse(const char *text, struct ip_addr *ret) must_check;
/* Writes the canonical text; "" for AF_UNSPEC. Returns out. */
const char *ip_format(const struct ip_addr *a, char out[IP_TEXT_MAX]);
bool is_ip_equal(const struct ip_addr *a, const struct ip_addr *b);
/* 0.0.0.0 or :: */
bool is_ip_any(const struct ip_addr *a);

/* "10.89.0.0/16". -EINVAL. */
int ip_prefix_parse(const char *text, struct ip_prefix *ret) must_check;
const char *ip_prefix_format(const struct ip_prefix *p, char out[IP_TEXT_MAX + 4]);
bool is_ip_prefix_overlapping(const struct ip_prefix *a, const struct ip_prefix *b);
/* The address at an offset from the start of a prefix (offset within its low 32 bits). */
struct ip_addr ip_prefix_at(const struct ip_prefix *p, uint32_t offset);

#endif
