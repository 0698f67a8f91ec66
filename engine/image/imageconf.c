/* SPDX-License-Identifier: Apache-2.0 */
/*
 * imageconf - reads and writes the whole of an image's configuration.
 *
 * Theory of operation: the JSON is parsed once. What a process is started from goes through the
 * validators of config.c; the rest (ports, health check, triggers, shell, history, author) is only
 * shown or written again, and is held to its types and to limits. Writing builds the tree in one
 * fixed order and leaves out what is empty, so that equal configurations have equal digests: a
 * cached build step finds its image by that.
 *
 * Words that are no UTF-8 cannot be in JSON: the writer is given only what it read, and what a
 * Containerfile says, which is text.
 *
 * Limits: CONFIG_*_MAX of config.h, IMAGE_HISTORY_MAX.
 */
#include "engine/image/imageconf.h"

#include <errno.h>
#include <string.h>

#include "engine/base/json.h"
#include "engine/base/record.h"
#include "engine/image/conffield.h"
#include "engine/pod/spec.h"

#define PORT_TEXT_MAX 32

static void history_done(struct image_history *h)
{
	free(h->created_by);
	free(h->author);
	free(h->comment);
}

void image_conf_done(struct image_conf *c)
{
	image_config_done(&c->run);
	strlist_done(&c->diff_ids);
	free(c->author);
	free(c->comment);
	free(c->architecture);
	free(c->os);
	free(c->variant);
	strlist_done(&c->exposed_ports);
	strlist_done(&c->onbuild);
	strlist_done(&c->shell);
	strlist_done(&c->health.test);
	for (size_t i = 0; i < c->history.n; i++)
		history_done(&c->history.v[i]);
	free(c->history.v);
	*c = (struct image_conf){ .os = NULL };
}

struct image_history *image_conf_add_history(struct image_conf *c, int64_t created_ns,
					     const char *created_by)
{
	struct image_history_list *l = &c->history;

	l->v = xreallocarray(l->v, l->n + 1, sizeof(*l->v));
	l->v[l->n] = (struct image_history){ .created_ns = created_ns,
					     .created_by = xstrdup_or_null(created_by) };
	return &l->v[l->n++];
}

void image_conf_copy(struct image_conf *dst, const struct image_conf *src)
{
	*dst = (struct image_conf){ .created_ns = src->created_ns,
				    .author = xstrdup_or_null(src->author),
				    .comment = xstrdup_or_null(src->comment),
				    .architecture = xstrdup_or_null(src->architecture),
				    .os = xstrdup_or_null(src->os),
				    .variant = xstrdup_or_null(src->variant) };
	record_copy(&image_config_type, &dst->run, &src->run);
	strlist_copy(&dst->diff_ids, &src->diff_ids);
	strlist_copy(&dst->exposed_ports, &src->exposed_ports);
	strlist_copy(&dst->onbuild, &src->onbuild);
	strlist_copy(&dst->shell, &src->shell);
	dst->health = src->health;
	dst->health.test = (struct strlist){ .v = NULL };
	strlist_copy(&dst->health.test, &src->health.test);
	for (size_t i = 0; i < src->history.n; i++) {
		const struct image_history *from = &src->history.v[i];
		struct image_history *h =
			image_conf_add_history(dst, from->created_ns, from->created_by);

		h->author = xstrdup_or_null(from->author);
		h->comment = xstrdup_or_null(from->comment);
		h->is_empty_layer = from->is_empty_layer;
	}
}

/* ---- reading ---------------------------------------------------------------------------- */

static bool is_port(const char *s)
{
	size_t n = strspn(s, "0123456789-");

	return n && strlen(s) <= PORT_TEXT_MAX &&
	       (!s[n] || is_equal(s + n, "/tcp") || is_equal(s + n, "/udp") ||
		is_equal(s + n, "/sctp"));
}

static int get_ports(const json_t *obj, struct strlist *ret, struct error *err)
{
	json_t *j = json_object_get(obj, "ExposedPorts");
	const char *key;
	json_t *unused;

	if (!j || json_is_null(j))
		return 0;
	if (!json_is_object(j) || json_object_size(j) > CONFIG_LIST_MAX)
		return conf_bad(err, "ExposedPorts", "is not an object of a sensible size");
	json_object_foreach (j, key, unused) {
		(void)unused;
		if (!is_port(key))
			return conf_bad(err, "ExposedPorts", "holds something that is not a port");
		strlist_add(ret, key);
	}
	return 0;
}

static int get_number(const json_t *obj, const char *key, int64_t *ret, struct error *err)
{
	const json_t *j = json_object_get(obj, key);

	if (!j || json_is_null(j))
		return 0;
	if (!json_is_integer(j) || json_integer_value(j) < 0)
		return conf_bad(err, key, "is not a count");
	*ret = (int64_t)json_integer_value(j);
	return 0;
}

static int get_health(const json_t *obj, struct image_health *h, size_t *budget, struct error *err)
{
	const json_t *j = json_object_get(obj, "Healthcheck");
	int r;

	if (!j || json_is_null(j))
		return 0;
	if (!json_is_object(j))
		return conf_bad(err, "Healthcheck", "is not an object");
	r = conf_get_words(j, "Test", &h->test, budget, err);
	if (r == 0)
		r = get_number(j, "Interval", &h->interval_ns, err);
	if (r == 0)
		r = get_number(j, "Timeout", &h->timeout_ns, err);
	if (r == 0)
		r = get_number(j, "StartPeriod", &h->start_period_ns, err);
	if (r == 0)
		r = get_number(j, "Retries", &h->retries, err);
	return r;
}

static int get_time(const json_t *obj, int64_t *ret_ns, struct error *err)
{
	cleanup_free char *text = NULL;
	int r = conf_get_string(obj, "created", &text, err);

	if (r == 0 && text && image_parse_time(text, ret_ns) < 0)
		*ret_ns = 0; /* an odd date harms nobody */
	return r;
}

static int get_history_entry(const json_t *j, struct image_conf *c, struct error *err)
{
	struct image_history *h = image_conf_add_history(c, 0, NULL);
	const json_t *empty = json_object_get(j, "empty_layer");
	int r;

	if (!json_is_object(j) || (empty && !json_is_boolean(empty)))
		return conf_bad(err, "history", "holds something that is not an entry");
	h->is_empty_layer = json_is_true(empty);
	r = get_time(j, &h->created_ns, err);
	if (r == 0)
		r = conf_get_string(j, "created_by", &h->created_by, err);
	if (r == 0)
		r = conf_get_string(j, "author", &h->author, err);
	if (r == 0)
		r = conf_get_string(j, "comment", &h->comment, err);
	return r;
}

static int get_history(const json_t *top, struct image_conf *c, struct error *err)
{
	const json_t *j = json_object_get(top, "history");
	int r = 0;

	if (!j || json_is_null(j))
		return 0;
	if (!json_is_array(j) || json_array_size(j) > IMAGE_HISTORY_MAX)
		return conf_bad(err, "history", "is not a list of a sensible size");
	for (size_t i = 0; r == 0 && i < json_array_size(j); i++)
		r = get_history_entry(json_array_get(j, i), c, err);
	return r;
}

static int get_rest(const json_t *top, struct image_conf *c, struct error *err)
{
	const json_t *inner = json_object_get(top, "config");
	size_t budget = CONFIG_WORDS_MAX;
	int r = get_ports(inner, &c->exposed_ports, err);

	if (r == 0)
		r = conf_get_words(inner, "OnBuild", &c->onbuild, &budget, err);
	if (r == 0)
		r = conf_get_words(inner, "Shell", &c->shell, &budget, err);
	if (r == 0)
		r = get_health(inner, &c->health, &budget, err);
	if (r == 0)
		r = conf_get_string(top, "author", &c->author, err);
	if (r == 0)
		r = conf_get_string(top, "comment", &c->comment, err);
	if (r == 0)
		r = conf_get_string(top, "variant", &c->variant, err);
	if (r == 0)
		r = get_history(top, c, err);
	return r;
}

int image_conf_parse(const char *text, size_t len, struct image_conf *ret, struct error *err)
{
	struct image_facts f = { .created_ns = 0 };
	struct image_conf c = { .os = NULL };
	cleanup_json json_t *top = NULL;
	int r = conf_load(text, len, &top, err);

	if (r == 0)
		r = conf_read(top, &c.run, &f, err);
	if (r == 0) {
		c.diff_ids = f.diff_ids;
		c.created_ns = f.created_ns;
		c.architecture = f.architecture;
		c.os = f.os;
		r = get_rest(top, &c, err);
	}
	if (r < 0)
		image_conf_done(&c);
	*ret = c;
	return r;
}

/* ---- writing ---------------------------------------------------------------------------- */

static void set(json_t *obj, const char *key, json_t *value)
{
	(void)json_object_set_new(obj, key, value);
}

static void set_string(json_t *obj, const char *key, const char *s)
{
	if (!is_empty(s))
		set(obj, key, json_string(s));
}

static void set_time(json_t *obj, const char *key, int64_t ns)
{
	char text[IMAGE_TIME_MAX];

	if (ns <= 0)
		return;
	image_format_time(ns, text);
	set(obj, key, json_string(text));
}

static json_t *make_list(const struct strlist *l)
{
	json_t *a = json_array();

	for (size_t i = 0; i < l->n; i++)
		(void)json_array_append_new(a, json_string(l->v[i]));
	return a;
}

static void set_list(json_t *obj, const char *key, const struct strlist *l)
{
	if (l->n)
		set(obj, key, make_list(l));
}

/* {"a": {}, "b": {}} */
static void set_set(json_t *obj, const char *key, const struct strlist *l)
{
	json_t *o;

	if (!l->n)
		return;
	o = json_object();
	for (size_t i = 0; i < l->n; i++)
		set(o, l->v[i], json_object());
	set(obj, key, o);
}

static void set_pairs(json_t *obj, const char *key, const struct pairlist *l)
{
	json_t *o;

	if (!l->n)
		return;
	o = json_object();
	for (size_t i = 0; i < l->n; i++)
		set(o, l->v[i].key, json_string(l->v[i].value));
	set(obj, key, o);
}

static void set_number(json_t *obj, const char *key, int64_t n)
{
	if (n)
		set(obj, key, json_integer((json_int_t)n));
}

static void set_health(json_t *obj, const struct image_health *h)
{
	json_t *o;

	if (!h->test.n)
		return;
	o = json_object();
	set_list(o, "Test", &h->test);
	set_number(o, "Interval", h->interval_ns);
	set_number(o, "Timeout", h->timeout_ns);
	set_number(o, "StartPeriod", h->start_period_ns);
	set_number(o, "Retries", h->retries);
	set(obj, "Healthcheck", o);
}

static json_t *make_process(const struct image_conf *c)
{
	json_t *o = json_object();

	set_string(o, "User", c->run.user);
	set_set(o, "ExposedPorts", &c->exposed_ports);
	set_list(o, "Env", &c->run.env);
	set_list(o, "Entrypoint", &c->run.entrypoint);
	set_list(o, "Cmd", &c->run.cmd);
	set_set(o, "Volumes", &c->run.volumes);
	set_string(o, "WorkingDir", c->run.working_dir);
	set_pairs(o, "Labels", &c->run.labels);
	set_string(o, "StopSignal", c->run.stop_signal);
	set_health(o, &c->health);
	set_list(o, "OnBuild", &c->onbuild);
	set_list(o, "Shell", &c->shell);
	return o;
}

static json_t *make_history(const struct image_conf *c)
{
	json_t *a = json_array();

	for (size_t i = 0; i < c->history.n; i++) {
		const struct image_history *h = &c->history.v[i];
		json_t *o = json_object();

		set_time(o, "created", h->created_ns);
		set_string(o, "created_by", h->created_by);
		set_string(o, "author", h->author);
		set_string(o, "comment", h->comment);
		if (h->is_empty_layer)
			set(o, "empty_layer", json_true());
		(void)json_array_append_new(a, o);
	}
	return a;
}

char *image_conf_write(const struct image_conf *c)
{
	cleanup_json json_t *top = json_object();

	set_time(top, "created", c->created_ns);
	set_string(top, "author", c->author);
	set_string(top, "comment", c->comment);
	set_string(top, "architecture", c->architecture);
	set_string(top, "os", c->os);
	set_string(top, "variant", c->variant);
	set(top, "config", make_process(c));
	set(top, "rootfs",
	    json_pack("{s:s, s:o}", "type", "layers", "diff_ids", make_list(&c->diff_ids)));
	if (c->history.n)
		set(top, "history", make_history(c));
	return jdump_text(top, 0);
}
