/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_layer - any bytes as a layer, unpacked into a directory beside a canary file: no crash, and
 * nothing outside the directory is touched. Limits are small, so that an input cannot fill the
 * disk.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/fs.h"
#include "engine/image/layer.h"
#include "tests/fuzz/fuzz.h"

static char disk[] = "/tmp/podium-fuzz-layer-XXXXXX";
static char memory[] = "/dev/shm/podium-fuzz-layer-XXXXXX"; /* ten times as many runs */
static char *temp;
static int tempfd = -1;

static void clean_up(void)
{
	struct error err;

	if (fs_remove_tree(AT_FDCWD, temp, &err) < 0)
		(void)fprintf(stderr, "%s: %s\n", temp, err.text);
}

static void begin(void)
{
	int fd;

	if (tempfd >= 0)
		return;
	temp = mkdtemp(memory);
	if (!temp)
		temp = mkdtemp(disk);
	if (!temp)
		abort();
	tempfd = open(temp, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	fd = openat(tempfd, "canary", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (tempfd < 0 || fd < 0 || close(fd) < 0)
		abort();
	(void)umask(0);
	(void)atexit(clean_up);
}

static void look(struct stat *canary, nlink_t *entries)
{
	struct stat dir;

	if (fstatat(tempfd, "canary", canary, AT_SYMLINK_NOFOLLOW) < 0 || fstat(tempfd, &dir) < 0)
		abort();
	*entries = dir.st_nlink;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct layer_limits limits = {
		.entries = 200, .bytes = 1 << 20, .file_bytes = 1 << 22, .dirs = 100, .xattrs = 8
	};
	struct layer_stats stats;
	struct stat before, after;
	nlink_t had, has;
	struct error err;
	int in, root;

	begin();
	in = memfd_create("layer", MFD_CLOEXEC);
	if (in < 0 || fs_write_all(in, data, size) < 0 || lseek(in, 0, SEEK_SET) != 0 ||
	    mkdirat(tempfd, "root", 0755) < 0)
		abort();
	root = openat(tempfd, "root", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	look(&before, &had);
	if (layer_extract(in, root, &limits, &stats, &err) == 0 && stats.bytes > limits.bytes)
		abort();
	look(&after, &has);
	if (had != has || before.st_ctim.tv_sec != after.st_ctim.tv_sec ||
	    before.st_ctim.tv_nsec != after.st_ctim.tv_nsec || before.st_nlink != after.st_nlink)
		abort();
	(void)close(root);
	(void)close(in);
	if (fs_remove_tree(tempfd, "root", &err) < 0)
		abort();
	return 0;
}
