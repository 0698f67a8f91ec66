/* SPDX-License-Identifier: Apache-2.0 */
/*
 * logdriver - choosing a log driver.
 *
 * Theory of operation: what cannot be had is refused when the container is made, not when its first
 * line is lost. A file that path= names is opened without following a link, must be regular, ours and
 * have one name (logwrite.c), so nobody who can write to its directory turns it into another file.
 */
#include "engine/logs/logdriver.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/mem.h"
#include "engine/base/str.h"
#include "engine/logs/journal.h"

static const char *const tag_words[] = { "{{.ID}}", "{{.Name}}", "{{.ImageName}}" };

bool is_log_file(const struct log_spec *log)
{
	return log->driver == LOG_K8S_FILE || log->driver == LOG_JSON_FILE;
}

/* The word of a tag that begins here, its index; -1: none of them. */
static int find_word(const char *at)
{
	for (size_t i = 0; i < ARRAY_SIZE(tag_words); i++)
		if (is_prefix(at, tag_words[i]))
			return (int)i;
	return -1;
}

static int check_tag(const char *tag, struct error *err)
{
	for (const char *at = tag; (at = strstr(at, "{{")); at += 2)
		if (find_word(at) < 0)
			return error_set(err, EINVAL,
					 "log tag '%.100s': {{.ID}}, {{.Name}} and {{.ImageName}} "
					 "are known",
					 tag);
	return strchr(tag, '\n') ? error_set(err, EINVAL, "log tag: it has a newline") : 0;
}

int log_check_streams(struct error *err)
{
	for (int fd = 0; fd < 3; fd++) {
		struct stat st;

		/* Who shares a terminal can push input into it. */
		if (isatty(fd))
			return error_set(err, EINVAL,
					 "the '--log-driver passthrough' option cannot be used on "
					 "a TTY");
		/* Out of a directory a container would find its way. */
		if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode))
			return error_set(err, EINVAL,
					 "log driver 'passthrough': descriptor %d is a directory",
					 fd);
	}
	return 0;
}

int log_spec_check(const struct log_spec *log, bool tty, struct error *err)
{
	const char *base = log->path ? strrchr(log->path, '/') : NULL;
	struct error scratch;
	int fd;

	if (log->path && (!base || !base[1] || strlen(base + 1) > LOG_BASE_MAX ||
			  is_equal(base, "/.") || is_equal(base, "/..")))
		return error_set(err, EINVAL, "log path '%.200s': it names no file", log->path);
	if (log->tag && log->driver == LOG_JOURNALD && check_tag(log->tag, err) < 0)
		return -err->code;
	if (log->driver == LOG_PASSTHROUGH && tty)
		return error_set(err, EINVAL,
				 "log driver 'passthrough' and a terminal exclude each other");
	if (log->driver == LOG_PASSTHROUGH)
		return log_check_streams(err);
	if (log->driver != LOG_JOURNALD)
		return 0;
	fd = journal_connect(&scratch);
	if (fd < 0)
		return error_set(err, ENOENT,
				 "log driver 'journald': there is no journal on this host ('%s'); "
				 "k8s-file needs none",
				 JOURNAL_SOCKET);
	(void)close(fd);
	return 0;
}

int log_place(const struct store *s, const char *container_id, const struct log_spec *log,
	      char name[LOG_NAME_MAX], struct error *err)
{
	const char *slash = log->path && is_log_file(log) ? strrchr(log->path, '/') : NULL;
	cleanup_free char *dir = NULL;
	int fd;

	(void)snprintf(name, LOG_NAME_MAX, "%s", slash ? slash + 1 : LOG_FILE_NAME);
	if (!slash)
		return layout_open_container(s, container_id, err);
	dir = slash == log->path ? xstrdup("/") : xstrndup(log->path, (size_t)(slash - log->path));
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? error_errno(err, "log directory '%.200s'", dir) : fd;
}

char *log_tag(const char *tag, const char *id, const char *name, const char *image)
{
	const char *const values[] = { id, name, image };
	struct buf b = BUF_INIT(SIZE_MAX / 2);

	while (tag && *tag) {
		int word = find_word(tag);

		if (word < 0) {
			buf_add(&b, tag++, 1);
			continue;
		}
		if (values[word])
			buf_add(&b, values[word], strlen(values[word]));
		tag += strlen(tag_words[word]);
	}
	return tag ? buf_steal(&b) : NULL;
}
