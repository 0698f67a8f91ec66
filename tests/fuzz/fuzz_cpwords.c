/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_cpwords - a word of `podium cp`: what comes out is part of what went in, and never a container
 * for what begins like a path.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/podium/container/cpwords.h"
#include "engine/base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_free char *word = xstrndup((const char *)data, size);
	struct cp_word w;
	struct error err;

	if (cp_word_parse(word, &w, &err) < 0)
		return 0;
	if (w.container && (*word == '/' || *word == '.' || strchr(w.container, ':')))
		abort();
	if (w.path < word || w.path >= word + strlen(word))
		abort();
	cp_word_done(&w);
	return 0;
}
