/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config - reads an image's configuration and believes nothing of it.
 *
 * Theory of operation: the configuration becomes argv, environment, working directory, user and
 * mount points of a process that the engine starts, so each member passes a validator of its own
 * before it is copied into struct image_config:
 *
 *	Env         NAME=VALUE with a name; "NAME" alone would mean "take it from the host" to a
 *	            careless reader and is refused
 *	Volumes     absolute, cleaned lexically; not "/" and nothing at or below /proc, /sys, /dev
 *	WorkingDir  absolute, or empty for "/"
 *	StopSignal  letters, digits, '+', '-'; whether such a signal exists is asked at launch
 *	rootfs      type "layers", diff ids by digest.h, at most CONFIG_LAYERS_MAX
 *
 * A JSON string with a NUL inside is refused everywhere (jansson does, JSON_ALLOW_NUL being off).
 * Unknown members, annotations and history are not read at all (imageconf.c reads more, for those
 * who show or make an image). No member may have a wrong type: a guess would be one reading among
 * several.
 */
#include "engine/image/config.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "engine/base/json.h"
#include "engine/base/str.h"
#include "engine/image/conffield.h"
#include "engine/image/digest.h"

void image_config_done(struct image_config *c)
{
	free(c->reference);
	free(c->id);
	strlist_done(&c->layers);
	strlist_done(&c->entrypoint);
	strlist_done(&c->cmd);
	strlist_done(&c->env);
	free(c->working_dir);
	free(c->user);
	free(c->stop_signal);
	strlist_done(&c->volumes);
	pairlist_done(&c->labels);
	*c = (struct image_config){ .id = NULL };
}

void image_facts_done(struct image_facts *f)
{
	free(f->architecture);
	free(f->os);
	strlist_done(&f->diff_ids);
	*f = (struct image_facts){ .created_ns = 0 };
}

int conf_bad(struct error *err, const char *member, const char *why)
{
	return error_set(err, EBADMSG, "image configuration: '%s' %s", member, why);
}

int conf_get_string(const json_t *obj, const char *key, char **ret, struct error *err)
{
	const json_t *j = json_object_get(obj, key);

	if (!j || json_is_null(j))
		return 0;
	if (!json_is_string(j))
		return conf_bad(err, key, "is not a string");
	if (json_string_length(j) > CONFIG_STRING_MAX)
		return conf_bad(err, key, "is too long");
	if (json_string_length(j))
		*ret = xstrdup(json_string_value(j));
	return 0;
}

int conf_get_words(const json_t *obj, const char *key, struct strlist *ret, size_t *budget,
		   struct error *err)
{
	const json_t *j = json_object_get(obj, key);

	if (!j || json_is_null(j))
		return 0;
	if (!json_is_array(j))
		return conf_bad(err, key, "is not a list of strings");
	if (json_array_size(j) > CONFIG_LIST_MAX)
		return conf_bad(err, key, "has too many entries");
	for (size_t i = 0; i < json_array_size(j); i++) {
		const json_t *word = json_array_get(j, i);
		size_t len = json_string_length(word) + 1;

		if (!json_is_string(word))
			return conf_bad(err, key, "is not a list of strings");
		if (len > CONFIG_STRING_MAX || len > *budget)
			return conf_bad(err, key, "is longer than the kernel passes to a program");
		*budget -= len;
		strlist_add(ret, json_string_value(word));
	}
	return 0;
}

static int check_env(const struct strlist *env, struct error *err)
{
	for (size_t i = 0; i < env->n; i++) {
		const char *equals = strchr(env->v[i], '=');

		if (equals && equals != env->v[i])
			continue;
		cleanup_free char *shown = str_printable(env->v[i], strnlen(env->v[i], 100));

		return error_set(err, EBADMSG,
				 "image configuration: 'Env' entry '%s' is not NAME=VALUE", shown);
	}
	return 0;
}

/* Cleans an absolute path lexically; NULL when it is not absolute. */
static char *clean_path(const char *path)
{
	struct buf b = BUF_INIT(CONFIG_STRING_MAX + 2);

	if (*path != '/')
		return NULL;
	while (*path) {
		size_t len = strcspn(path, "/");

		if (len == 2 && path[0] == '.' && path[1] == '.') {
			while (b.len && b.data[--b.len] != '/')
				;
			if (b.data)
				b.data[b.len] = '\0';
		} else if (len && !(len == 1 && path[0] == '.')) {
			buf_addc(&b, '/');
			buf_add(&b, path, len);
		}
		path += len + (path[len] == '/');
	}
	if (!b.len)
		buf_addc(&b, '/');
	return buf_steal(&b);
}

static bool is_at_or_below(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	return strncmp(path, dir, n) == 0 && (path[n] == '\0' || path[n] == '/');
}

static int check_volume(const char *path, char **ret, struct error *err)
{
	static const char *const forbidden[] = { "/proc", "/sys", "/dev" };
	cleanup_free char *clean = clean_path(path);
	cleanup_free char *shown = str_printable(path, strnlen(path, 200));

	if (!clean || strlen(clean) > 4095)
		return error_set(err, EBADMSG,
				 "image configuration: volume '%s' is not an absolute path", shown);
	if (is_equal(clean, "/"))
		return error_set(err, EBADMSG, "image configuration: volume '%s' is the root",
				 shown);
	for (size_t i = 0; i < ARRAY_SIZE(forbidden); i++)
		if (is_at_or_below(clean, forbidden[i]))
			return error_set(err, EBADMSG,
					 "image configuration: volume '%s' is in '%s'", shown,
					 forbidden[i]);
	*ret = steal_ptr(&clean);
	return 0;
}

static int get_volumes(const json_t *obj, struct strlist *ret, struct error *err)
{
	json_t *j = json_object_get(obj, "Volumes");
	const char *key;
	json_t *unused;

	if (!j || json_is_null(j))
		return 0;
	if (!json_is_object(j))
		return conf_bad(err, "Volumes", "is not an object");
	if (json_object_size(j) > CONFIG_LIST_MAX)
		return conf_bad(err, "Volumes", "has too many entries");
	json_object_foreach (j, key, unused) {
		cleanup_free char *clean = NULL;
		int r = check_volume(key, &clean, err);

		(void)unused;
		if (r < 0)
			return r;
		if (!strlist_has(ret, clean))
			strlist_take(ret, steal_ptr(&clean));
	}
	return 0;
}

static int get_labels(const json_t *obj, struct pairlist *ret, struct error *err)
{
	json_t *j = json_object_get(obj, "Labels");
	const char *key;
	json_t *value;

	if (!j || json_is_null(j))
		return 0;
	if (!json_is_object(j) || json_object_size(j) > CONFIG_LIST_MAX)
		return conf_bad(err, "Labels", "is not an object of a sensible size");
	json_object_foreach (j, key, value) {
		if (!json_is_string(value))
			return conf_bad(err, "Labels", "holds something that is not a string");
		pairlist_set(ret, key, json_string_value(value));
	}
	return 0;
}

static int check_stop_signal(const char *s, struct error *err)
{
	if (!s)
		return 0;
	if (strlen(s) > 16)
		return conf_bad(err, "StopSignal", "is not the name of a signal");
	for (; *s; s++)
		if (!(*s >= 'A' && *s <= 'Z') && !(*s >= 'a' && *s <= 'z') &&
		    !(*s >= '0' && *s <= '9') && *s != '+' && *s != '-')
			return conf_bad(err, "StopSignal", "is not the name of a signal");
	return 0;
}

static int check_user(const char *s, struct error *err)
{
	if (!s)
		return 0;
	if (strlen(s) > 256)
		return conf_bad(err, "User", "is too long");
	for (; *s; s++)
		if ((unsigned char)*s <= ' ' || *s == 0x7f)
			return conf_bad(err, "User", "holds a control character or a space");
	return 0;
}

static int get_process(const json_t *obj, struct image_config *c, struct error *err)
{
	size_t budget = CONFIG_WORDS_MAX;
	int r = conf_get_words(obj, "Env", &c->env, &budget, err);

	if (r == 0)
		r = check_env(&c->env, err);
	if (r == 0)
		r = conf_get_words(obj, "Entrypoint", &c->entrypoint, &budget, err);
	if (r == 0)
		r = conf_get_words(obj, "Cmd", &c->cmd, &budget, err);
	if (r == 0)
		r = conf_get_string(obj, "WorkingDir", &c->working_dir, err);
	if (r == 0 && c->working_dir && (c->working_dir[0] != '/' || strlen(c->working_dir) > 4095))
		r = conf_bad(err, "WorkingDir", "is not an absolute path");
	if (r == 0)
		r = conf_get_string(obj, "User", &c->user, err);
	if (r == 0)
		r = check_user(c->user, err);
	if (r == 0)
		r = conf_get_string(obj, "StopSignal", &c->stop_signal, err);
	if (r == 0)
		r = check_stop_signal(c->stop_signal, err);
	if (r == 0)
		r = get_volumes(obj, &c->volumes, err);
	if (r == 0)
		r = get_labels(obj, &c->labels, err);
	return r;
}

/* Reads rootfs.diff_ids into all (as written) and into layers (each once, where it is highest). */
static int get_layers(const json_t *top, struct strlist *layers, struct strlist *all,
		      struct error *err)
{
	const json_t *rootfs = json_object_get(top, "rootfs");
	const json_t *ids = json_object_get(rootfs, "diff_ids");
	const char *type = jget_str(rootfs, "type");
	size_t n = json_array_size(ids);
	struct digest d;

	if (!json_is_array(ids) || (type && !is_equal(type, "layers")))
		return conf_bad(err, "rootfs", "is not a list of layers");
	if (n > CONFIG_LAYERS_MAX)
		return error_set(err, EFBIG, "image has %zu layers: more than %d", n,
				 CONFIG_LAYERS_MAX);
	for (size_t i = 0; i < n; i++) {
		int r = digest_parse(json_string_value(json_array_get(ids, i)), &d, err);

		if (r < 0)
			return error_wrap(err, "image configuration: 'rootfs.diff_ids[%zu]'", i);
		strlist_add(all, json_string_value(json_array_get(ids, i)));
	}
	for (size_t i = 0; i < n; i++) {
		struct strlist above = { .v = all->v + i + 1, .n = n - i - 1 };

		if (!strlist_has(&above, all->v[i]))
			strlist_add(layers, all->v[i]);
	}
	return 0;
}

static int read_facts(const json_t *top, struct image_facts *f, struct error *err)
{
	cleanup_free char *created = NULL;
	int r = conf_get_string(top, "created", &created, err);

	if (r == 0 && created && image_parse_time(created, &f->created_ns) < 0)
		f->created_ns = 0; /* an odd date harms nobody */
	if (r == 0)
		r = conf_get_string(top, "architecture", &f->architecture, err);
	if (r == 0)
		r = conf_get_string(top, "os", &f->os, err);
	if (r == 0 && f->os && !is_equal(f->os, "linux")) {
		cleanup_free char *shown = str_printable(f->os, strnlen(f->os, 64));

		r = error_set(err, EBADMSG, "image is for '%s', not for linux", shown);
	}
	return r;
}

int conf_load(const char *text, size_t len, json_t **ret, struct error *err)
{
	cleanup_json json_t *top = NULL;
	int r;

	if (len > CONFIG_BYTES_MAX)
		return error_set(err, EFBIG, "image configuration is larger than %d bytes",
				 CONFIG_BYTES_MAX);
	r = jload_text(text, len, "image configuration", &top, err);
	if (r < 0)
		return r;
	if (!json_is_object(top))
		return error_set(err, EBADMSG, "image configuration is not an object");
	*ret = steal_ptr(&top);
	return 0;
}

int conf_read(const json_t *top, struct image_config *ret, struct image_facts *facts,
	      struct error *err)
{
	struct image_config c = { .id = NULL };
	struct image_facts f = { .created_ns = 0 };
	const json_t *inner = json_object_get(top, "config");
	int r = 0;

	if (inner && !json_is_null(inner) && !json_is_object(inner))
		r = conf_bad(err, "config", "is not an object");
	if (r == 0)
		r = get_process(inner, &c, err);
	if (r == 0)
		r = get_layers(top, &c.layers, &f.diff_ids, err);
	if (r == 0)
		r = read_facts(top, &f, err);
	if (r < 0) {
		image_config_done(&c);
		image_facts_done(&f);
	}
	*ret = c;
	*facts = f;
	return r;
}

int image_config_parse(const char *text, size_t len, struct image_config *ret,
		       struct image_facts *facts, struct error *err)
{
	struct image_facts f = { .created_ns = 0 };
	cleanup_json json_t *top = NULL;
	int r = conf_load(text, len, &top, err);

	*ret = (struct image_config){ .id = NULL };
	if (r == 0)
		r = conf_read(top, ret, &f, err);
	if (r == 0 && facts)
		*facts = f;
	else
		image_facts_done(&f);
	return r;
}

/* ---- time ------------------------------------------------------------------------------- */

/* Reads exactly n digits at *s. */
static int take_digits(const char **s, int n, int *ret)
{
	int value = 0;

	for (int i = 0; i < n; i++, (*s)++) {
		if (**s < '0' || **s > '9')
			return -EINVAL;
		value = value * 10 + (**s - '0');
	}
	*ret = value;
	return 0;
}

static int take_fraction(const char **s, int64_t *ret_ns)
{
	int64_t unit = 100000000;

	if (**s != '.')
		return 0;
	for ((*s)++; **s >= '0' && **s <= '9'; (*s)++, unit /= 10)
		*ret_ns += (**s - '0') * unit;
	return 0;
}

/* "Z" or "+01:00": the seconds to subtract. */
static int take_zone(const char **s, int64_t *ret)
{
	int sign = **s == '-' ? -1 : 1, hours = 0, minutes = 0;

	if (**s == 'Z' || **s == 'z') {
		(*s)++;
		return 0;
	}
	if (**s != '+' && **s != '-')
		return -EINVAL;
	(*s)++;
	if (take_digits(s, 2, &hours) < 0 || *(*s)++ != ':' || take_digits(s, 2, &minutes) < 0)
		return -EINVAL;
	*ret = sign * (hours * 3600 + minutes * 60);
	return 0;
}

int image_parse_time(const char *text, int64_t *ret_ns)
{
	static const char separators[] = "--T::";
	const char *s = text;
	int v[6];
	int64_t ns = 0, zone = 0;
	struct tm tm = { .tm_isdst = 0 };

	for (int i = 0; i < 6; i++) {
		if (take_digits(&s, i ? 2 : 4, &v[i]) < 0)
			return -EINVAL;
		if (i < 5 && *s++ != separators[i])
			return -EINVAL;
	}
	if (take_fraction(&s, &ns) < 0 || take_zone(&s, &zone) < 0 || *s)
		return -EINVAL;
	if (v[0] < 1970 || v[0] > 2200 || v[1] < 1 || v[1] > 12 || v[2] < 1 || v[2] > 31)
		return -EINVAL;
	tm.tm_year = v[0] - 1900;
	tm.tm_mon = v[1] - 1;
	tm.tm_mday = v[2];
	tm.tm_hour = v[3];
	tm.tm_min = v[4];
	tm.tm_sec = v[5];
	*ret_ns = ((int64_t)timegm(&tm) - zone) * 1000000000 + ns;
	return 0;
}

void image_format_time(int64_t ns, char out[IMAGE_TIME_MAX])
{
	time_t seconds = (time_t)(ns / 1000000000);
	struct tm tm = { .tm_isdst = 0 };
	char fraction[16] = "";
	size_t len;

	(void)gmtime_r(&seconds, &tm);
	len = strftime(out, IMAGE_TIME_MAX, "%Y-%m-%dT%H:%M:%S", &tm);
	if (ns % 1000000000) {
		(void)snprintf(fraction, sizeof(fraction), ".%09d", (int)(ns % 1000000000));
		for (size_t n = strlen(fraction); fraction[n - 1] == '0'; n--)
			fraction[n - 1] = '\0';
	}
	(void)snprintf(out + len, IMAGE_TIME_MAX - len, "%sZ", fraction);
}
