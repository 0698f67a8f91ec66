/* SPDX-License-Identifier: Apache-2.0 */
/*
 * canary - records a tree completely, so that "nothing changed" is a comparison of two strings.
 *
 * Theory of operation: the walk is in sorted order and never follows links. ctime is recorded too:
 * it catches what sets everything else back. Reading content changes atime only, which is left out.
 */
#include "tests/support/canary.h"

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "engine/base/fs.h"
#include "engine/base/mem.h"
#include "engine/base/str.h"
#include "engine/state/layout.h"

char *temp_make(void)
{
	const char *base = getenv("TMPDIR");
	char *path = xasprintf("%s/podium-test-XXXXXX", base && *base ? base : "/tmp");

	if (!mkdtemp(path))
		abort();
	return path;
}

void temp_store(const char *dir, struct store *ret)
{
	cleanup_free char *root = xasprintf("%s/root", dir), *run = xasprintf("%s/run", dir);
	struct error err;

	if (store_open(root, run, STORE_WRITE, ret, &err) == 0)
		return;
	printf("%s\n", err.text);
	abort();
}

void temp_in_memory(const char *path)
{
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("tmpfs", path, "tmpfs", 0, "mode=0755") < 0)
		return;
	if (setxattr(path, "user.test", "x", 1, 0) < 0) /* before Linux 6.6 */
		(void)umount2(path, MNT_DETACH);
}

void temp_remove(char *path)
{
	struct error err;

	(void)umount2(path, MNT_DETACH); /* fails when nothing is mounted there */
	if (fs_remove_tree(AT_FDCWD, path, &err) < 0)
		(void)fprintf(stderr, "%s: %s\n", path, err.text);
	free(path);
}

static void write_file(const char *dir, const char *name, mode_t mode)
{
	char *path = xasprintf("%s/%s", dir, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0 || fs_write_all(fd, "canary\n", 7) < 0 || fchmod(fd, mode) < 0)
		abort();
	(void)close(fd);
	free(path);
}

void canary_make(const char *dir)
{
	char *sub = xasprintf("%s/sub", dir);
	char *link = xasprintf("%s/link", dir);
	char *fifo = xasprintf("%s/fifo", dir);

	if (mkdir(dir, 0755) < 0 || mkdir(sub, 0700) < 0 || symlink("file", link) < 0 ||
	    mkfifo(fifo, 0600) < 0)
		abort();
	write_file(dir, "file", 0640);
	write_file(dir, "setuid", 04755);
	write_file(sub, "deep", 0600);
	free(sub);
	free(link);
	free(fifo);
}

static void record_content(struct buf *b, const char *path, const struct stat *st)
{
	char data[4096];

	if (S_ISLNK(st->st_mode)) {
		ssize_t n = readlink(path, data, sizeof(data));

		buf_add(b, data, n > 0 ? (size_t)n : 0);
	} else if (S_ISREG(st->st_mode)) {
		int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
		ssize_t n;

		while (fd >= 0 && (n = read(fd, data, sizeof(data))) > 0)
			buf_add(b, data, (size_t)n);
		if (fd >= 0)
			(void)close(fd);
	}
}

static void record_attributes(struct buf *b, const char *path)
{
	char names[4096], value[4096];
	ssize_t n = llistxattr(path, names, sizeof(names));

	for (char *p = names; n > 0 && p < names + n; p += strlen(p) + 1) {
		ssize_t len = lgetxattr(path, p, value, sizeof(value));

		buf_printf(b, " %s=", p);
		buf_add(b, value, len > 0 ? (size_t)len : 0);
	}
}

static void record(struct buf *b, const char *path)
{
	struct dirent **names = NULL;
	struct stat st;
	int n;

	if (lstat(path, &st) < 0) {
		buf_printf(b, "%s missing\n", path);
		return;
	}
	buf_printf(b, "%s %o %u:%u %lu %lld %lld.%09ld %lld.%09ld", path, (unsigned int)st.st_mode,
		   (unsigned int)st.st_uid, (unsigned int)st.st_gid, (unsigned long)st.st_nlink,
		   (long long)st.st_size, (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec,
		   (long long)st.st_ctim.tv_sec, st.st_ctim.tv_nsec);
	record_attributes(b, path);
	buf_addc(b, '\n');
	record_content(b, path, &st);
	if (!S_ISDIR(st.st_mode))
		return;
	n = scandir(path, &names, NULL, alphasort);
	for (int i = 0; i < n; i++) {
		if (strcmp(names[i]->d_name, ".") != 0 && strcmp(names[i]->d_name, "..") != 0) {
			char *sub = xasprintf("%s/%s", path, names[i]->d_name);

			record(b, sub);
			free(sub);
		}
		free(names[i]);
	}
	free(names);
}

char *canary_record(const char *dir)
{
	struct buf b = BUF_INIT(16U << 20);

	record(&b, dir);
	return buf_steal(&b);
}
