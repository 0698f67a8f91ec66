/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outfile - where save, export and push write what they make.
 *
 * Theory of operation: an archive that is there is not touched: it cannot be added to, and
 * overwriting it is somebody else's decision (Podman refuses too). A file that we made and could not
 * fill is removed. Directories may be added to (an OCI layout) and are left as they are.
 */
#include "cmd/podium/base/outfile.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/fs.h"
#include "engine/base/str.h"

#define FILE_MODE 0644

static int open_stdout(struct outfile *ret, struct error *err)
{
	if (isatty(STDOUT_FILENO))
		return error_set(err, EINVAL,
				 "refusing to write to a terminal: use the -o option or redirect");
	ret->fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	return ret->fd < 0 ? error_errno(err, "open stdout") : 0;
}

int outfile_open(const char *path, struct outfile *ret, struct error *err)
{
	struct stat st;

	*ret = OUTFILE_INIT;
	if (!path)
		return open_stdout(ret, err);
	ret->path = path;
	ret->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOCTTY, FILE_MODE);
	ret->is_ours = ret->fd >= 0;
	if (ret->fd < 0 && errno == EEXIST)
		ret->fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
	if (ret->fd < 0)
		return error_errno(err, "open '%s'", path);
	/* umask is 0077 in here; the file is as readable as any that the user makes. */
	if (ret->is_ours)
		(void)fchmod(ret->fd, FILE_MODE);
	if (fstat(ret->fd, &st) < 0 || (S_ISREG(st.st_mode) && st.st_size)) {
		outfile_done(ret);
		return error_set(err, EEXIST,
				 "'%s' is there and not empty: an archive cannot be added to, "
				 "remove it first",
				 path);
	}
	return 0;
}

static bool is_dir_empty(int fd)
{
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_dir DIR *d = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *e;

	while (d && (e = readdir(d)))
		if (!is_equal(e->d_name, ".") && !is_equal(e->d_name, ".."))
			return false;
	return d != NULL;
}

int outfile_open_dir(const char *path, bool is_new, struct outfile *ret, struct error *err)
{
	mode_t before = umask(022); /* the user's directory, not the store's */

	*ret = OUTFILE_INIT;
	ret->path = path;
	ret->is_dir = true;
	ret->fd = fs_mkdirs(AT_FDCWD, path, 0755, err);
	(void)umask(before);
	if (ret->fd < 0)
		return ret->fd;
	if (is_new && !is_dir_empty(ret->fd)) {
		outfile_done(ret);
		return error_set(err, EEXIST, "directory '%s' is there and not empty", path);
	}
	return 0;
}

void outfile_keep(struct outfile *f)
{
	f->is_ours = false;
}

void outfile_done(struct outfile *f)
{
	if (f->fd >= 0)
		(void)close(f->fd);
	if (f->is_ours && !f->is_dir)
		(void)unlink(f->path);
	*f = OUTFILE_INIT;
}
