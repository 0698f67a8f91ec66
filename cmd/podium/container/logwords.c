/* SPDX-License-Identifier: Apache-2.0 */
/*
 * logwords - the words of --log-driver and --log-opt.
 *
 * Limits: LOG_FILES_MAX files that a log is rotated through.
 */
#include "cmd/podium/container/logwords.h"

#include <errno.h>
#include <unistd.h>

#include "cmd/podium/container/create_options.h"
#include "engine/base/mem.h"
#include "engine/logs/logdriver.h"

#define LOG_FILES_MAX 1000

static int set_driver(const char *name, struct log_spec *log, struct error *err)
{
	for (int i = 0; log_driver_names[i]; i++) {
		if (is_equal(name, log_driver_names[i])) {
			log->driver = i;
			return 0;
		}
	}
	return error_set(err, EINVAL,
			 "--log-driver '%.60s' is not k8s-file, json-file, journald, none or "
			 "passthrough",
			 name);
}

char *log_words_path(const char *path)
{
	cleanup_free char *cwd = path[0] == '/' ? NULL : getcwd(NULL, 0);

	return cwd ? xasprintf("%s/%s", cwd, path) : xstrdup(path);
}

static int set_log_option(const char *text, struct log_spec *log, struct error *err)
{
	const char *equals = strchr(text, '=');
	cleanup_free char *key = equals ? xstrndup(text, (size_t)(equals - text)) : xstrdup("");
	const char *value = equals ? equals + 1 : "";
	uint64_t n;
	bool ok = *value;

	if (is_equal(key, "max-size")) {
		ok = ok && (is_equal(value, "-1") ||
			    (words_size(value, &log->max_bytes) == 0 && log->max_bytes > 0));
	} else if (is_equal(key, "max-file")) {
		ok = ok && parse_u64(value, LOG_FILES_MAX, &n) == 0 && n > 0;
		log->max_files = ok ? (uint32_t)n : 0;
	} else if (is_equal(key, "path") && ok) {
		free(log->path);
		log->path = log_words_path(value);
	} else if (is_equal(key, "tag") && ok) {
		free(log->tag);
		log->tag = xstrdup(value);
	} else {
		return error_set(err, EINVAL,
				 "--log-opt '%.100s' is not known: max-size=, max-file=, path= and "
				 "tag= are",
				 text);
	}
	return ok ? 0 : error_set(err, EINVAL, "--log-opt '%.100s': bad value", text);
}

int log_words(const char *driver, const struct strlist *options, bool tty, struct log_spec *ret,
	      struct error *err)
{
	int r = is_empty(driver) ? 0 : set_driver(driver, ret, err);

	for (size_t i = 0; i < options->n && r == 0; i++)
		r = set_log_option(options->v[i], ret, err);
	if (r == 0 && ret->path && !is_log_file(ret))
		r = error_set(err, EINVAL, "--log-opt path= is for --log-driver k8s-file alone");
	for (size_t i = 0; i < options->n && r == 0; i++)
		if (is_prefix(options->v[i], "tag=") && ret->driver != LOG_JOURNALD)
			r = error_set(err, EINVAL,
				      "--log-opt tag= is for --log-driver journald alone");
	return r < 0 ? r : log_spec_check(ret, tty, err);
}
