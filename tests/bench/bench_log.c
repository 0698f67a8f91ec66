/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_log - how fast a container's output becomes a log: a child writes into a pipe of 1 MiB,
 * this process drains it with reads of LOG_READ_BYTES into logwriter_feed(), as the monitor does.
 *
 *	bulk	100 MB of 100-byte lines in writes of 64 KiB
 *	lines	1,000,000 lines of 100 bytes, a write each
 *	copy	as bulk, but the drain only copies: what stamping costs is the difference
 * Prints one JSON line a case: wall ms, MB/s, CPU ms of the drain. Asserts nothing.
 *	bench_log [DIRECTORY]	default: a new one in /tmp, removed afterwards
 */
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/fs.h"
#include "engine/logs/logwrite.h"

#define LINE_BYTES 100
#define BULK_BYTES 65536
#define LINES	   1000000
#define PIPE_BYTES (1 << 20)

static char chunk[LOG_READ_BYTES];

static void write_lines(int fd, size_t per_write)
{
	static char block[BULK_BYTES];
	size_t total = (size_t)LINES * LINE_BYTES, done = 0;

	for (size_t i = 0; i < sizeof(block); i++)
		block[i] = i % LINE_BYTES == LINE_BYTES - 1 ? '\n' : 'x';
	/* Writes of whole lines: 655 of them in a bulk one. */
	per_write -= per_write % LINE_BYTES;
	while (done < total) {
		size_t n = total - done < per_write ? total - done : per_write;

		if (fs_write_all(fd, block, n) < 0)
			_exit(1);
		done += n;
	}
	_exit(0);
}

static int64_t cpu_us(void)
{
	struct rusage u;

	(void)getrusage(RUSAGE_SELF, &u);
	return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000LL + u.ru_utime.tv_usec +
	       u.ru_stime.tv_usec;
}

/* w NULL: plain copy to fd. */
static int drain(int pipefd, struct logwriter *w, int fd)
{
	ssize_t n;

	while ((n = read(pipefd, chunk, sizeof(chunk))) > 0)
		if ((w ? logwriter_feed(w, LOG_STDOUT, chunk, (size_t)n)
		       : fs_write_all(fd, chunk, (size_t)n)) < 0)
			return -1;
	return n < 0 ? -1 : 0;
}

static int run(int dirfd, const char *name, size_t per_write, bool copy, int64_t max_bytes)
{
	struct logwriter w = { 0 };
	struct error err;
	int64_t wall, cpu;
	int pipes[2], fd = -1, r;
	pid_t pid;

	if (pipe2(pipes, O_CLOEXEC) < 0 || fcntl(pipes[1], F_SETPIPE_SZ, PIPE_BYTES) < 0)
		return -1;
	if (copy)
		fd = openat(dirfd, LOG_FILE_NAME, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	else if (logwriter_open(&w, dirfd, max_bytes, 0, &err) < 0)
		return -1;
	wall = clock_mono_us();
	cpu = cpu_us();
	pid = fork();
	if (pid == 0)
		write_lines(pipes[1], per_write);
	(void)close(pipes[1]);
	r = drain(pipes[0], copy ? NULL : &w, fd);
	logwriter_close(&w);
	wall = clock_mono_us() - wall;
	cpu = cpu_us() - cpu;
	(void)close(pipes[0]);
	(void)close(fd);
	(void)waitpid(pid, NULL, 0);
	for (unsigned int age = 0; age < LOG_MAX_FILES_DEFAULT; age++) {
		char file[LOG_NAME_MAX];

		log_file_name(file, LOG_FILE_NAME, age);
		(void)unlinkat(dirfd, file, 0);
	}
	printf("{\"case\": \"%s\", \"ms\": %.1f, \"mb_per_s\": %.0f, \"cpu_ms\": %.1f}\n", name,
	       (double)wall / 1e3, (double)LINES * LINE_BYTES / (double)wall, (double)cpu / 1e3);
	return r;
}

int main(int argc, char **argv)
{
	char temp[] = "/tmp/podium-bench-XXXXXX";
	const char *dir = argc > 1 ? argv[1] : mkdtemp(temp);
	int r = 0, dirfd = dir ? open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

	if (dirfd < 0)
		return 1;
	for (int round = 0; r == 0 && round < 3; round++) {
		r = run(dirfd, "bulk", BULK_BYTES, false, INT64_MAX);
		r = r ? r : run(dirfd, "bulk, rotated at 10 MiB", BULK_BYTES, false, 0);
		r = r ? r : run(dirfd, "copy", BULK_BYTES, true, 0);
		r = r ? r : run(dirfd, "lines", LINE_BYTES, false, INT64_MAX);
	}
	(void)close(dirfd);
	if (argc < 2)
		(void)rmdir(dir);
	return r ? 1 : 0;
}
