/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lifeoptions - what the verbs of life are told: which ones, how long, which signal.
 *
 * Theory of operation: grace periods are counted in milliseconds of an int32 below; more than fits
 * there is refused here, where it still has a name, and -1 (without end) is the longest that fits: 24
 * days. The messages about options that exclude each other are Podman's.
 */
#include "cmd/podium/container/lifeoptions.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/mem.h"
#include "engine/base/signame.h"

#define ID_FILE_MAX 4096
#define SIGNAL_LAST 64

int grace_option(const struct option_int *time, int64_t *ret_s, struct error *err)
{
	*ret_s = GRACE_OWN;
	if (!time->set)
		return 0;
	if (time->value < -1 || time->value > GRACE_FOREVER)
		return error_set(err, EINVAL,
				 "a grace period takes seconds from 0 to %d, or -1 for ever",
				 GRACE_FOREVER);
	*ret_s = time->value < 0 ? GRACE_FOREVER : time->value;
	return 0;
}

int signal_option(const char *text, struct error *err)
{
	int64_t number;
	int r;

	if (!text)
		return SIGKILL;
	if (parse_i64(text, INT32_MIN, INT32_MAX, &number) == 0) {
		if (number == 0)
			return error_set(err, EINVAL, "invalid signal: %s", text);
		if (number < 1 || number > SIGNAL_LAST)
			return error_set(err, EINVAL, "valid signals are 1 through %d",
					 SIGNAL_LAST);
		return (int)number;
	}
	r = signal_number(text);
	return r > 0 ? r : error_set(err, EINVAL, "invalid signal: %.100s", text);
}

int life_options_check(const struct life_options *o, int argc, struct error *err)
{
	size_t named = (size_t)argc + o->cidfiles.n;

	if (o->all && o->latest)
		return error_set(err, EINVAL, "--all and --latest cannot be used together");
	if (o->all && named)
		return error_set(err, EINVAL, "no arguments are needed with --all");
	if (o->latest && named)
		return error_set(err, EINVAL, "--latest and containers cannot be used together");
	if (o->filters.n && named)
		return error_set(err, EINVAL, "--filter takes no arguments");
	if (o->filters.n && o->latest)
		return error_set(err, EINVAL, "--filter does not go with --latest");
	if (!named && !o->all && !o->latest && !o->filters.n && !o->running)
		return error_set(err, EINVAL, "you must provide at least one name or id");
	return 0;
}

static int read_file(const char *path, const char *what, struct strlist *ret, struct error *err)
{
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char text[ID_FILE_MAX];
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (fd < 0 || n < 0) {
		int e = errno;

		return error_set(err, e, "reading %s: open %.300s: %s", what, path,
				 e == ENOENT ? "no such file or directory" : strerror(e));
	}
	text[n] = '\0';
	text[strcspn(text, "\r\n")] = '\0';
	strlist_add(ret, text);
	return 0;
}

int life_options_read_files(const struct life_options *o, const char *what, struct strlist *ret,
			    struct error *err)
{
	int r = 0;

	for (size_t i = 0; i < o->cidfiles.n && r == 0; i++)
		r = read_file(o->cidfiles.v[i], what, ret, err);
	/* A missing file is no missing container: -ENOENT would be taken for one. */
	return r == -ENOENT ? (err->code = EINVAL, -EINVAL) : r;
}
