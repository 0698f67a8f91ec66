/* SPDX-License-Identifier: Apache-2.0 */
/*
 * internal - what the nft files of this room share: the four maps and their layout.
 */
#ifndef PODIUM_NET_INTERNAL_H
#define PODIUM_NET_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

/* One map for each family, with and without the host's address in its key. Every part of a key or
 * a value is padded to four bytes, as the kernel's registers are. */
enum nft_map { NFT_MAP_PORTS4, NFT_MAP_HOST4, NFT_MAP_PORTS6, NFT_MAP_HOST6, NFT_MAP__COUNT };
struct nft_map_shape {
	const char *name;
	int family;
	bool has_host;
	uint32_t key_len, key_type;
	uint32_t data_len, data_type;
};
extern const struct nft_map_shape nft_map_shapes[NFT_MAP__COUNT];

/* A set of the IPv6 addresses that had flows, filled by the rules. */
#define NFT_SET_FLOWS6 "flows6"

/* Room that every rule, chain, map or message head fits in; asserted by the tests. */
#define NFT_MESSAGE_MAX 2048

#endif
