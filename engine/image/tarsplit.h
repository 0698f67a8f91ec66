/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tarsplit - what a layer's tar stream had besides the content of its files. podium-image only.
 *
 *	ROOT/layers/<hex>/split		zstd: every header and padding byte, and for each file's
 *					content its length
 *
 * With it and diff/ the very stream can be written again, so that an image leaves (push, save) with
 * the digests with which it came. Recorded by the pump while the layer is unpacked.
 */
#ifndef PODIUM_IMAGE_TARSPLIT_H
#define PODIUM_IMAGE_TARSPLIT_H

#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/image/inflate.h"

struct tarsplit;
/* Records into outfd (an empty file, not taken over). */
int tarsplit_new(int outfd, struct tarsplit **ret, struct error *err) must_check;
/* Takes the next bytes of the tar stream. Never fails because of what they are: a stream that is no
 * tar is recorded whole, up to a limit (the extractor refuses it). */
int tarsplit_feed(struct tarsplit *t, const void *data, size_t len, struct error *err) must_check;
int tarsplit_finish(struct tarsplit *t, struct error *err) must_check;
/* How many bytes of padding the last file lacks when the stream ends here: some writers of archives
 * leave it and the end marker out, and every reader in Go takes that. 0 at any other place. */
size_t tarsplit_missing_padding(const struct tarsplit *t);
void tarsplit_free(struct tarsplit *t);

/* Writes the stream again: headers from splitfd, contents from difffd (opened beneath it, no
 * links followed). The caller hashes what the sink gets and compares it with the diff id; -EBADMSG
 * when a file is not as long as it was. */
int tarsplit_rebuild(int splitfd, int difffd, inflate_sink *sink, void *arg,
		     struct error *err) must_check;

/* How many bytes the stream has, without reading files. The same errors. */
int tarsplit_size(int splitfd, uint64_t *ret, struct error *err) must_check;

#endif
