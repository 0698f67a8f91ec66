/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_launchwords - any text as options of a mount, as ranges of ids, as a line of a user file: no crash,
 * an error with a reason, or a result that keeps its promises.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/process/userline.h"
#include "engine/rootfs/idmap.h"
#include "engine/rootfs/mountwords.h"
#include "tests/fuzz/fuzz.h"

static void try_words(const char *text)
{
	for (int kind = MOUNT_WORDS_VOLUME; kind <= MOUNT_WORDS_PROC; kind++) {
		cleanup_mount_words struct mount_words w = { 0 };
		struct error err = { 0 };
		int r = mount_words_split(&w, (enum mount_words_kind)kind, text, &err);

		if ((r < 0 && !err.text[0]) || (w.set & w.clear))
			abort();
	}
}

static void try_map(const char *text)
{
	cleanup_free char *again = NULL;
	struct error err = { 0 };
	struct idmap m, n;
	uint32_t id;

	if (idmap_read(&m, text, &err) < 0)
		return;
	again = idmap_text(&m);
	if (idmap_read(&n, again, &err) < 0 || !is_same_idmap(&m, &n))
		abort();
	for (size_t i = 0; i < m.n; i++)
		if (!idmap_out(&m, m.v[i].inside, &id) || id != m.v[i].outside)
			abort();
}

static void try_line(const char *text)
{
	const struct identity who = { .uid = 1, .gid = 2 };
	cleanup_free char *line = NULL;
	struct error err = { 0 };

	if (userline_passwd(&who, text, text, &line, &err) == 0 && strpbrk(line, "\n\r"))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_free char *text = xstrndup((const char *)data, size);

	try_words(text);
	try_map(text);
	try_line(text);
	return 0;
}
