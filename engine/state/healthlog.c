/* SPDX-License-Identifier: Apache-2.0 */
/*
 * healthlog - the file of a container's last checks.
 *
 * Theory of operation: small and rewritten whole, by rename, so that a reader sees one moment. What a
 * check has printed is the container's: bytes that are no UTF-8 become '?', since JSON takes none.
 */
#include "engine/state/healthlog.h"

#include <assert.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/base/fs.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"

#define TIME_BYTES 48

const char *const health_status_names[] = { "starting", "healthy", "unhealthy", NULL };
static_assert(ARRAY_SIZE(health_status_names) == HEALTH_STATUS__COUNT + 1, "one name a status");

struct health_result *health_log_next(struct health_log *log)
{
	if (log->n == HEALTH_RESULTS_MAX) {
		memmove(log->results, log->results + 1,
			(HEALTH_RESULTS_MAX - 1) * sizeof(log->results[0]));
		log->n--;
	}
	memset(&log->results[log->n], 0, sizeof(log->results[0]));
	return &log->results[log->n++];
}

static json_t *make_time(int64_t ns)
{
	char text[TIME_BYTES];

	clock_rfc3339(ns, text, sizeof(text));
	return json_string(text);
}

static json_t *make_text(const char *bytes)
{
	cleanup_free char *copy = xstrdup(bytes);
	json_t *j = json_string(copy);

	for (char *p = copy; !j && *p; p++)
		if (*p & 0x80)
			*p = '?';
	return j ? j : json_string(copy);
}

static json_t *make_log(const struct health_log *log)
{
	json_t *j = json_object(), *list = json_array();

	for (size_t i = 0; i < log->n; i++) {
		const struct health_result *r = &log->results[i];
		json_t *one = json_object();

		(void)json_object_set_new(one, "Start", make_time(r->start_ns));
		(void)json_object_set_new(one, "End", make_time(r->end_ns));
		(void)json_object_set_new(one, "ExitCode", json_integer(r->exit_code));
		(void)json_object_set_new(one, "Output", make_text(r->output));
		(void)json_array_append_new(list, one);
	}
	(void)json_object_set_new(j, "Status", json_string(health_status_names[log->status]));
	(void)json_object_set_new(j, "FailingStreak", json_integer(log->failing_streak));
	(void)json_object_set_new(j, "Log", list);
	return j;
}

int health_log_write(const struct store *s, const char *container_id, const struct health_log *log,
		     struct error *err)
{
	char path[LAYOUT_PATH_MAX];
	cleanup_json json_t *j = make_log(log);
	cleanup_free char *text = jdump_text(j, 0);

	return fs_write_atomic(s->rootfd, layout_container(path, container_id, HEALTHLOG_FILE),
			       text, strlen(text), 0600, FS_NOSYNC, err);
}

json_t *health_log_read(const struct store *s, const char *container_id)
{
	char path[LAYOUT_PATH_MAX];
	json_t *j = NULL;
	struct error scratch; /* none, or none that can be read */

	if (jload_file(s->rootfd, layout_container(path, container_id, HEALTHLOG_FILE),
		       HEALTHLOG_MAX_BYTES, &j, &scratch) == 0 &&
	    jget_str(j, "Status") && json_is_integer(json_object_get(j, "FailingStreak")) &&
	    json_is_array(json_object_get(j, "Log")))
		return j;
	json_decref(j);
	j = json_object();
	(void)json_object_set_new(j, "Status", json_string(""));
	(void)json_object_set_new(j, "FailingStreak", json_integer(0));
	(void)json_object_set_new(j, "Log", json_null());
	return j;
}
