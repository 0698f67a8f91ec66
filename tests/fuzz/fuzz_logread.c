/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_logread - the log reader on any two files. The first byte says how many lines of tail, the
 * second where the older file ends (in 256ths); the rest is their content.
 *
 * Beyond not crashing: the last n lines are the end of the whole, and 0 lines are nothing. For that
 * both streams are given a whole line at the end: of a line that is open there and began before the
 * last n others, tail rightly knows nothing.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/fs.h"
#include "engine/base/str.h"
#include "engine/logs/logread.h"

#define OUT_MAX (8 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char path[] = "/tmp/podium-fuzz-logread-XXXXXX";
static int logdir = -1;

static void clean_up(void)
{
	(void)unlinkat(logdir, "log", 0);
	(void)unlinkat(logdir, "log.1", 0);
	(void)rmdir(path);
}

static const char closing[] = "\n2026-11-22T01:02:03Z stdout F o\n"
			      "2026-11-22T01:02:03Z stderr F e\n";

static void put(const char *name, const uint8_t *data, size_t size, const char *end)
{
	int fd = openat(logdir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || fs_write_all(fd, data, size) < 0 || fs_write_all(fd, end, strlen(end)) < 0)
		abort();
	(void)close(fd);
}

static int collect(void *arg, const char *data, size_t len)
{
	buf_add(arg, data, len);
	return 0;
}

static void read_log(int64_t tail, bool timestamps, struct buf *out)
{
	struct logread_options o = LOGREAD_OPTIONS_INIT;
	struct error err;

	o.tail = tail;
	o.timestamps = timestamps;
	o.on_stdout = o.on_stderr = collect;
	o.arg = out;
	if (logread(logdir, &o, &err) < 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf all = BUF_INIT(OUT_MAX), some = BUF_INIT(OUT_MAX), none = BUF_INIT(OUT_MAX);
	size_t older;

	if (size < 2)
		return 0;
	if (logdir < 0) {
		if (!mkdtemp(path))
			abort();
		logdir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		(void)atexit(clean_up);
	}
	older = (size - 2) * data[1] / 256;
	put("log.1", data + 2, older, "");
	put("log", data + 2 + older, size - 2 - older, closing);
	read_log(-1, data[0] & 1, &all);
	read_log(data[0] / 2, data[0] & 1, &some);
	read_log(0, false, &none);
	if (none.len != 0 || some.len > all.len ||
	    (some.len > 0 && memcmp(all.data + all.len - some.len, some.data, some.len) != 0))
		abort();
	buf_done(&all);
	buf_done(&some);
	buf_done(&none);
	return 0;
}
