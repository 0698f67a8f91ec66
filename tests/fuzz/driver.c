/* SPDX-License-Identifier: Apache-2.0 */
/*
 * driver - main() of a fuzz target without libFuzzer: replays files, and the files of folders,
 * given as arguments; without arguments, standard input once (for AFL). A target that breaks a law
 * aborts.
 *
 * Prints how many inputs were replayed, so that an empty corpus is seen.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/fuzz/fuzz.h"

#define REPLAY_MAX ((size_t)64 << 20)

static unsigned int replayed;

static int replay_fd(int fd)
{
	uint8_t *data = NULL, *bigger;
	size_t len = 0, room = 0;
	ssize_t n;

	do {
		if (len == room) {
			room = room ? room * 2 : 65536;
			bigger = room > REPLAY_MAX ? NULL : realloc(data, room);
			if (!bigger) {
				free(data);
				return -EFBIG;
			}
			data = bigger;
		}
		n = read(fd, data + len, room - len);
		len += n > 0 ? (size_t)n : 0;
	} while (n > 0);
	/* the exact size in a block of its own, so that reading past the end is seen */
	bigger = realloc(data, len ? len : 1);
	data = bigger ? bigger : data;
	(void)LLVMFuzzerTestOneInput(data, len);
	replayed++;
	free(data);
	return n < 0 ? -errno : 0;
}

static int replay(int dirfd, const char *name);

static int replay_folder(int fd)
{
	DIR *d = fdopendir(fd);
	const struct dirent *e;
	int r = 0;

	if (!d) {
		(void)close(fd);
		return -errno;
	}
	while (r == 0 && (e = readdir(d))) {
		if (e->d_name[0] != '.')
			r = replay(dirfd(d), e->d_name);
	}
	(void)closedir(d);
	return r;
}

static int replay(int dirfd, const char *name)
{
	int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC), r;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0) {
		r = -errno;
		perror(name);
		if (fd >= 0)
			(void)close(fd);
		return r;
	}
	if (S_ISDIR(st.st_mode))
		return replay_folder(fd);
	r = replay_fd(fd);
	(void)close(fd);
	return r;
}

int main(int argc, char **argv)
{
	int r = 0;

	for (int i = 1; i < argc && r == 0; i++)
		r = replay(AT_FDCWD, argv[i]);
	if (argc < 2)
		r = replay_fd(STDIN_FILENO);
	printf("%u inputs replayed\n", replayed);
	return r < 0 ? 1 : 0;
}
