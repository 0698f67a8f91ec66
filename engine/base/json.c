/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json - jansson behind this house's limits.
 *
 * Theory of operation: jansson recurses while it parses, so nesting is bounded by a scan of the
 * bytes before it sees them. Duplicate keys are refused: two readers must not see two records.
 *
 * jansson would open /dev/urandom for the seed of its hash tables, in every program that writes or reads
 * one record: it gets a seed by one system call instead.
 */
#include "engine/base/json.h"

#include <string.h>
#include <sys/random.h>

#include "engine/base/fs.h"
#include "engine/base/mem.h"

#define JSON_DEPTH_MAX 32

/* Before main(), since objects are made in many places. Without a seed jansson makes its own. */
static void __attribute__((constructor)) seed_hashes(void)
{
	size_t seed = 0;

	if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) == (ssize_t)sizeof(seed) && seed != 0)
		json_object_seed(seed);
}

static bool is_too_deep(const char *text, size_t len)
{
	bool in_string = false;
	size_t depth = 0;

	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (in_string) {
			if (c == '\\')
				i++;
			else if (c == '"')
				in_string = false;
		} else if (c == '"') {
			in_string = true;
		} else if (c == '{' || c == '[') {
			if (++depth > JSON_DEPTH_MAX)
				return true;
		} else if ((c == '}' || c == ']') && depth > 0) {
			depth--;
		}
	}
	return false;
}

int jload_text(const char *text, size_t len, const char *what, json_t **ret, struct error *err)
{
	json_error_t je;
	json_t *j;

	if (is_too_deep(text, len))
		return error_set(err, EBADMSG, "%s: json is nested deeper than %d", what,
				 JSON_DEPTH_MAX);
	j = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &je);
	if (!j)
		return error_set(err, EBADMSG, "%s:%d:%d: %s", what, je.line, je.column, je.text);
	*ret = j;
	return 0;
}

int jload_file(int dirfd, const char *path, size_t max, json_t **ret, struct error *err)
{
	cleanup_free char *text = NULL;
	size_t len = 0;
	int r = fs_read_file(dirfd, path, max, &text, &len, err);

	if (r < 0)
		return r;
	return jload_text(text, len, path, ret, err);
}

char *jdump_text(const json_t *j, int indent)
{
	size_t flags = JSON_ENCODE_ANY | (indent > 0 ? JSON_INDENT((size_t)indent) : JSON_COMPACT);
	char *s = json_dumps(j, flags);

	return s ? s : xstrdup("null");
}

const char *jget_str(const json_t *obj, const char *key)
{
	return json_string_value(json_object_get(obj, key));
}

int64_t jget_int(const json_t *obj, const char *key, int64_t fallback)
{
	const json_t *j = json_object_get(obj, key);

	return json_is_integer(j) ? (int64_t)json_integer_value(j) : fallback;
}

bool jget_bool(const json_t *obj, const char *key, bool fallback)
{
	const json_t *j = json_object_get(obj, key);

	return json_is_boolean(j) ? json_is_true(j) : fallback;
}

void jset_str(json_t *obj, const char *key, const char *value)
{
	if (value)
		(void)json_object_set_new(obj, key, json_string(value));
}

void jset_owned(json_t *obj, const char *key, char *owned)
{
	(void)json_object_set_new(obj, key, json_string(owned ? owned : ""));
	free(owned);
}
