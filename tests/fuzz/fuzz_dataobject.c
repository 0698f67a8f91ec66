/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_dataobject - any text as the file of a ConfigMap or Secret in the store.
 *
 * Beyond not crashing: what is read is written and read again, and is equal; its keys are names that
 * may become files. What is refused is named.
 */
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/fs.h"
#include "engine/base/mem.h"
#include "engine/data/object.h"
#include "engine/state/layout.h"
#include "tests/fuzz/fuzz.h"

#define FOLDER "kube/configmap/default"

static struct store store;
static char root[] = "/tmp/podium-fuzz-XXXXXX";

static void must(bool law)
{
	if (!law)
		abort();
}

static int drop(const char *path, const struct stat *st, int kind, struct FTW *where)
{
	(void)st;
	(void)kind;
	(void)where;
	return remove(path);
}

static void close_store(void)
{
	store_close(&store);
	(void)nftw(root, drop, 8, FTW_DEPTH | FTW_PHYS);
}

/* A store of the process's own, for as long as it lives. */
static void open_store(void)
{
	struct error err;

	if (store.root)
		return;
	must(mkdtemp(root) != NULL);
	must(store_open(root, root, STORE_WRITE, &store, &err) == 0);
	must(atexit(close_store) == 0);
}

static void write_raw(const uint8_t *data, size_t size)
{
	struct error err;
	cleanup_close int dir = fs_mkdirs(store.rootfd, FOLDER, 0700, &err);

	must(dir >= 0);
	must(fs_write_atomic(dir, "x.json", data, size, 0600, FS_NOSYNC, &err) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_data_object struct data_object first = { 0 }, again = { 0 };
	struct error err = { 0 };

	open_store();
	write_raw(data, size);
	if (data_object_read(&store, DATA_CONFIG, NULL, "x", &first, &err) < 0) {
		must(err.code > 0 && *err.text);
		return 0;
	}
	for (size_t i = 0; i < first.n; i++)
		must(!data_key_bad(first.v[i].key));
	free(first.name);
	first.name = xstrdup("y");
	/* One that was read may be larger than one that may be written. */
	if (data_object_write(&store, &first, &err) < 0) {
		must(err.code > 0 && *err.text);
		return 0;
	}
	must(data_object_read(&store, DATA_CONFIG, NULL, "y", &again, &err) == 0);
	must(is_data_equal(&first, &again));
	if (first.immutable) /* another could not replace it */
		must(data_object_remove(&store, DATA_CONFIG, NULL, "y", &err) == 0);
	return 0;
}
