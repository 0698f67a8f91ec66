/* SPDX-License-Identifier: Apache-2.0 */
/*
 * create_plan_process - the process itself: command, terminal, limits, mounts, health.
 *
 * Theory of operation: the image is not known yet. Whatever it adds (variables to merge, ports,
 * volumes, a health check) is added by create_image.c; the words are checked here all the same, so
 * that a wrong one costs no pull.
 */
#include <errno.h>
#include <jansson.h>
#include <string.h>
#include <sys/resource.h>

#include "cmd/podium/base/conf.h"
#include "cmd/podium/container/create_options.h"
#include "cmd/podium/container/mountwords.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/security/rlimit.h"

#define NS_PER_S INT64_C(1000000000)

static void add_word(struct value_list *list, const char *word)
{
	value_add(list_add(list), VALUE_LITERAL, word, strlen(word));
}

/* ---- entrypoint ------------------------------------------------------------------------------- */

/* ["a", "b"]; false: it is no such list, and one word then. */
static bool add_json_words(const char *text, struct value_list *ret)
{
	cleanup_json json_t *list = text[0] == '[' ? json_loads(text, 0, NULL) : NULL;

	if (!json_is_array(list))
		return false;
	for (size_t i = 0; i < json_array_size(list); i++)
		if (!json_is_string(json_array_get(list, i)))
			return false;
	for (size_t i = 0; i < json_array_size(list); i++)
		add_word(ret, json_string_value(json_array_get(list, i)));
	return true;
}

static void set_entrypoint(const char *text, struct container_spec *c)
{
	if (!text)
		return;
	c->has_command = true; /* and the image's CMD is not taken either */
	if (*text && !add_json_words(text, &c->command))
		add_word(&c->command, text);
}

/* ---- limits ----------------------------------------------------------------------------------- */

/* Every limit as the caller has it. */
static int add_own_limits(struct ulimit_list *ret, struct error *err)
{
	static const char *const names[] = {
		"core",	  "cpu",   "data", "fsize",  "locks",  "memlock",    "msgqueue", "nice",
		"nofile", "nproc", "rss",  "rtprio", "rttime", "sigpending", "stack"
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		cleanup_free char *text = NULL;
		int resource = rlimit_by_name(names[i]);
		struct rlimit now;
		int r;

		if (resource < 0 || getrlimit((unsigned int)resource, &now) < 0)
			continue;
		text = xasprintf("%s=%lld:%lld", names[i],
				 now.rlim_cur == RLIM_INFINITY ? -1LL : (long long)now.rlim_cur,
				 now.rlim_max == RLIM_INFINITY ? -1LL : (long long)now.rlim_max);
		r = ulimit_parse(text, ret, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int plan_ulimits(const struct create_options *o, const struct conf *conf,
			struct container_spec *c, struct error *err)
{
	int r = 0;

	for (size_t i = 0; i < conf->default_ulimits.n && r == 0; i++)
		r = ulimit_parse(conf->default_ulimits.v[i], &c->ulimits, err);
	if (r < 0)
		return error_wrap(err, "containers.conf: default_ulimits");
	for (size_t i = 0; i < o->ulimits.n && r == 0; i++)
		r = is_equal(o->ulimits.v[i], "host")
			    ? add_own_limits(&c->ulimits, err)
			    : ulimit_parse(o->ulimits.v[i], &c->ulimits, err);
	return r < 0 ? error_wrap(err, "--ulimit") : 0;
}

/* ---- the process ------------------------------------------------------------------------------ */

static int plan_timezone(const struct create_options *o, const struct conf *conf,
			 struct container_spec *c, struct error *err)
{
	const char *zone = o->timezone ? o->timezone : conf->tz;

	if (is_empty(zone))
		return 0;
	if (zone[0] == '/' || strstr(zone, "..") || strpbrk(zone, " \t\n"))
		return error_set(err, EINVAL, "--tz '%.60s' is no time zone: Area/Place or local",
				 zone);
	c->timezone = xstrdup(zone);
	return 0;
}

static int add_exposed(const struct create_options *o, struct container_spec *c, struct error *err)
{
	int r = 0;

	for (size_t i = 0; i < o->expose.n && r == 0; i++)
		r = expose_parse(o->expose.v[i], &c->ports, err);
	return r < 0 ? error_wrap(err, "--expose") : 0;
}

int plan_process(const struct create_options *o, const struct conf *conf, struct container_spec *c,
		 struct error *err)
{
	int r = 0;

	set_entrypoint(o->entrypoint, c);
	if (!is_empty(o->workdir) && o->workdir[0] != '/')
		return error_set(err, EINVAL, "--workdir '%.100s' is not absolute", o->workdir);
	c->working_dir = is_empty(o->workdir) ? NULL : xstrdup(o->workdir);
	c->tty = o->tty;
	c->stdin_open = o->interactive;
	c->init = o->init.set ? o->init.value : conf->init.set && conf->init.value;
	c->no_passwd = !o->passwd;
	c->passwd_entry = xstrdup_or_null(o->passwd_entry);
	c->group_entry = xstrdup_or_null(o->group_entry);
	if (o->passwd_entry && !o->passwd)
		return error_set(err, EINVAL,
				 "--passwd-entry and --passwd=false exclude each other");
	if (o->oom_score_adj.set &&
	    (o->oom_score_adj.value < -1000 || o->oom_score_adj.value > 1000))
		return error_set(err, EINVAL, "--oom-score-adj %lld is not between -1000 and 1000",
				 (long long)o->oom_score_adj.value);
	c->oom_score_adj = o->oom_score_adj.value;
	r = plan_ulimits(o, conf, c, err);
	if (r == 0)
		r = plan_timezone(o, conf, c, err);
	return r < 0 ? r : add_exposed(o, c, err);
}

/* ---- mounts ----------------------------------------------------------------------------------- */

int plan_mounts(const struct mount_flags *w, const struct conf *conf, struct pod_spec *pod,
		struct container_spec *c, struct error *err)
{
	int r = 0;

	if (w->image_volume && !is_equal(w->image_volume, "bind") &&
	    !is_equal(w->image_volume, "tmpfs") && !is_equal(w->image_volume, "ignore"))
		return error_set(err, EINVAL, "--image-volume '%.60s' is not bind, tmpfs or ignore",
				 w->image_volume);
	for (size_t i = 0; i < conf->volumes.n && r == 0; i++)
		r = mount_words_volume(conf->volumes.v[i], pod, c, err);
	if (r < 0)
		return error_wrap(err, "containers.conf: volumes");
	for (size_t i = 0; i < w->volumes.n && r == 0; i++)
		r = mount_words_volume(w->volumes.v[i], pod, c, err);
	for (size_t i = 0; i < w->mounts.n && r == 0; i++)
		r = mount_words_mount(w->mounts.v[i], pod, c, err);
	for (size_t i = 0; i < w->tmpfs.n && r == 0; i++)
		r = mount_words_tmpfs(w->tmpfs.v[i], pod, c, err);
	for (size_t i = 0; i < w->secrets.n && r == 0; i++)
		r = mount_words_secret(w->secrets.v[i], c, err);
	return r;
}

/* ---- health ----------------------------------------------------------------------------------- */

static int get_time(const char *flag, const char *text, int64_t *ret, struct error *err)
{
	if (!text)
		return 0;
	if (words_duration(text, ret) < 0)
		return error_set(err, EINVAL, "--%s '%.60s' is no time, as 30s or 1m30s", flag,
				 text);
	return 0;
}

static int get_action(const char *text, int *ret, struct error *err)
{
	for (int i = 0; text && health_action_names[i]; i++) {
		if (is_equal(text, health_action_names[i])) {
			*ret = i;
			return 0;
		}
	}
	return text ? error_set(err, EINVAL,
				"--health-on-failure '%.60s' is not none, kill, restart or stop",
				text)
		    : 0;
}

/* A line for the shell, or a JSON array that is run as it is. */
static void set_test(const char *text, struct strlist *ret)
{
	cleanup_json json_t *list = text[0] == '[' ? json_loads(text, 0, NULL) : NULL;
	size_t i = 0;

	if (!json_is_array(list)) {
		strlist_add(ret, "/bin/sh");
		strlist_add(ret, "-c");
		strlist_add(ret, text);
		return;
	}
	if (is_equal(json_string_value(json_array_get(list, 0)), "CMD"))
		i++;
	for (; i < json_array_size(list); i++)
		if (json_is_string(json_array_get(list, i)))
			strlist_add(ret, json_string_value(json_array_get(list, i)));
}

static int plan_health_times(const struct health_flags *w, struct health_spec *h, struct error *err)
{
	int r = get_time("health-timeout", w->timeout, &h->timeout_ns, err);

	if (r == 0)
		r = get_time("health-start-period", w->start_period, &h->start_period_ns, err);
	if (r == 0 && is_equal(w->interval, "disable"))
		h->interval_ns = 0;
	else if (r == 0)
		r = get_time("health-interval", w->interval, &h->interval_ns, err);
	if (r == 0 && h->timeout_ns < NS_PER_S)
		r = error_set(err, EINVAL, "--health-timeout is at least 1s");
	if (r == 0 && w->retries.set && (w->retries.value < 1 || w->retries.value > INT32_MAX))
		r = error_set(err, EINVAL, "--health-retries is at least 1");
	if (r == 0 && w->retries.set)
		h->retries = w->retries.value;
	return r;
}

int plan_health(const struct health_flags *w, struct container_spec *c, struct error *err)
{
	struct health_spec *h = &c->health;
	bool is_off = w->none || is_equal(w->cmd, "none");
	int r = 0;

	if (w->none && w->cmd && !is_equal(w->cmd, "none"))
		return error_set(err, EINVAL,
				 "--no-healthcheck and --health-cmd exclude each other");
	if (w->cmd && !is_off) {
		strlist_done(&h->test);
		set_test(w->cmd, &h->test);
	}
	if (is_off)
		strlist_done(&h->test);
	h->interval_ns = h->interval_ns ? h->interval_ns : 30 * NS_PER_S;
	h->timeout_ns = h->timeout_ns ? h->timeout_ns : 30 * NS_PER_S;
	h->retries = h->retries ? h->retries : 3;
	r = plan_health_times(w, h, err);
	if (r == 0)
		r = get_action(w->on_failure, &h->on_failure, err);
	return r;
}
