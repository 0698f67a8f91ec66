/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_tarsplit - any bytes as a layer: recorded, and rebuilt from what the unpacker made of them.
 *
 * Laws: recording never fails because of the bytes; the record does not depend on how the stream
 * was cut into pieces; a rebuild that succeeds gives as many bytes as the stream had. The first two
 * bytes say how it is cut. The input is read as a record too: no crash.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/fs.h"
#include "engine/image/layer.h"
#include "engine/image/tarsplit.h"
#include "tests/fuzz/fuzz.h"

static char temp[] = "/dev/shm/podium-fuzz-tarsplit-XXXXXX";
static int tempfd = -1;

static void must(bool law)
{
	if (!law)
		abort();
}

static void clean_up(void)
{
	struct error err;

	error_ignore(fs_remove_tree(AT_FDCWD, temp, &err)); /* at exit there is nobody to tell */
}

static void begin(void)
{
	if (tempfd >= 0)
		return;
	must(mkdtemp(temp) != NULL);
	tempfd = open(temp, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	must(tempfd >= 0);
	(void)umask(0);
	(void)atexit(clean_up);
}

static int record(const uint8_t *data, size_t size, size_t step)
{
	struct tarsplit *t = NULL;
	struct error err;
	int fd = memfd_create("split", MFD_CLOEXEC);

	must(tarsplit_new(fd, &t, &err) == 0);
	for (size_t i = 0; i < size; i += step)
		must(tarsplit_feed(t, data + i, size - i < step ? size - i : step, &err) == 0);
	must(tarsplit_finish(t, &err) == 0);
	tarsplit_free(t);
	must(lseek(fd, 0, SEEK_SET) == 0);
	return fd;
}

static int memory(const uint8_t *data, size_t size)
{
	int fd = memfd_create("bytes", MFD_CLOEXEC);

	must(fd >= 0 && fs_write_all(fd, data, size) == 0 && lseek(fd, 0, SEEK_SET) == 0);
	return fd;
}

static int count(void *arg, const void *data, size_t len, struct error *err)
{
	(void)data;
	(void)err;
	*(size_t *)arg += len;
	return 0;
}

/* A record's bytes in one number. */
static uint64_t sum_of(int fd)
{
	unsigned char block[4096];
	uint64_t sum = 0;
	ssize_t n;

	while ((n = read(fd, block, sizeof(block))) > 0)
		for (ssize_t i = 0; i < n; i++)
			sum = sum * 31 + block[i] + 1;
	must(lseek(fd, 0, SEEK_SET) == 0);
	return sum;
}

static void check_stream(const uint8_t *data, size_t size, size_t step, int root)
{
	const struct layer_limits limits = {
		.entries = 200, .bytes = 1 << 20, .file_bytes = 1 << 22, .dirs = 100, .xattrs = 8
	};
	struct layer_stats stats;
	struct error err;
	size_t got = 0;
	int whole = record(data, size, size ? size : 1), pieces = record(data, size, step);
	int in = memory(data, size);

	must(sum_of(whole) == sum_of(pieces));
	if (layer_extract(in, root, &limits, &stats, &err) == 0 &&
	    tarsplit_rebuild(pieces, root, count, &got, &err) == 0)
		must(got == size);
	(void)close(in);
	(void)close(whole);
	(void)close(pieces);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t step = size >= 2 ? (size_t)data[0] * 8 + data[1] + 1 : 1, got = 0;
	struct error err;
	int root, raw;

	begin();
	must(mkdirat(tempfd, "root", 0755) == 0);
	root = openat(tempfd, "root", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	check_stream(data, size, step, root);
	raw = memory(data, size);
	error_ignore(tarsplit_rebuild(raw, root, count, &got, &err)); /* that it ends is enough */
	(void)close(raw);
	(void)close(root);
	must(fs_remove_tree(tempfd, "root", &err) == 0);
	return 0;
}
