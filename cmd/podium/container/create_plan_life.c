/* SPDX-License-Identifier: Apache-2.0 */
/*
 * create_plan_life - how a container begins, is watched, stops and is started again.
 */
#include <errno.h>
#include <string.h>

#include "cmd/podium/base/conf.h"
#include "cmd/podium/container/create_options.h"
#include "cmd/podium/container/logwords.h"
#include "engine/base/mem.h"
#include "engine/base/signame.h"

/* ---- restart ---------------------------------------------------------------------------------- */

int plan_restart(const char *text, int *ret, struct opt_i64 *retries, bool *unless_stopped,
		 struct error *err)
{
	static const char with_count[] = "on-failure:";

	*unless_stopped = is_equal(text, "unless-stopped");
	if (is_equal(text, "always") || *unless_stopped) {
		*ret = RESTART_ALWAYS;
		return 0;
	}
	if (is_equal(text, "on-failure")) {
		*ret = RESTART_ON_FAILURE;
		return 0;
	}
	if (is_prefix(text, with_count) &&
	    parse_i64(text + strlen(with_count), 0, INT32_MAX, &retries->value) == 0) {
		*ret = RESTART_ON_FAILURE;
		retries->set = true;
		return 0;
	}
	if (is_equal(text, "no") || is_equal(text, "never") || is_equal(text, "")) {
		*ret = RESTART_NEVER;
		return 0;
	}
	return error_set(err, EINVAL,
			 "--restart '%.60s' is not no, always, unless-stopped or on-failure[:N]",
			 text);
}

static int set_restart(const struct create_options *o, struct pod_plan *plan, struct error *err)
{
	struct container_spec *c = &plan->containers[0];
	int r;

	c->restart = plan->pod.restart;
	if (!o->restart)
		return 0;
	r = plan_restart(o->restart, &c->restart, &c->restart_retries, &c->unless_stopped, err);
	if (r == 0 && o->remove && c->restart != RESTART_NEVER)
		r = error_set(err, EINVAL, "--rm and --restart %.60s exclude each other",
			      o->restart);
	c->own_restart = true;
	if (plan->pod.solo) {
		plan->pod.restart = c->restart;
		plan->pod.unless_stopped = c->unless_stopped;
	}
	return r;
}

/* ---- stop ------------------------------------------------------------------------------------- */

static int get_seconds(const char *flag, const struct option_int *o, struct opt_i64 *ret,
		       struct error *err)
{
	if (!o->set)
		return 0;
	if (o->value < 0 || o->value > INT32_MAX)
		return error_set(err, EINVAL, "--%s %lld is no number of seconds", flag,
				 (long long)o->value);
	*ret = (struct opt_i64){ true, o->value };
	return 0;
}

static int set_stop(const struct create_options *o, const struct conf *conf,
		    struct container_spec *c, struct error *err)
{
	int r = get_seconds("stop-timeout", &o->stop_timeout, &c->stop_timeout_s, err);

	if (r == 0 && !o->stop_timeout.set && conf->stop_timeout.set)
		c->stop_timeout_s = conf->stop_timeout;
	if (c->stop_timeout_s.value < 0)
		return error_set(err, EINVAL, "containers.conf: stop_timeout is negative");
	if (r == 0)
		r = get_seconds("timeout", &o->timeout, &c->run_timeout_s, err);
	if (c->run_timeout_s.value == 0)
		c->run_timeout_s = (struct opt_i64){ 0 }; /* Podman's word for none */
	if (r == 0 && o->stop_signal && signal_number(o->stop_signal) < 0)
		r = error_set(err, EINVAL, "--stop-signal '%.60s' is no signal", o->stop_signal);
	c->stop_signal = xstrdup_or_null(o->stop_signal);
	return r;
}

/* ---- logs ------------------------------------------------------------------------------------- */

static int set_log(const struct create_options *o, const struct conf *conf,
		   struct container_spec *c, struct error *err)
{
	const char *driver = o->log_driver ? o->log_driver : conf->log_driver;

	if (conf->log_size_max.set && conf->log_size_max.value > 0)
		c->log.max_bytes = conf->log_size_max.value;
	c->log.tag = xstrdup_or_null(conf->log_tag);
	if (is_equal(driver, log_driver_names[LOG_PASSTHROUGH]) && o->attach.n)
		return error_set(err, EINVAL,
				 "cannot specify --attach with --log-driver=passthrough");
	return log_words(driver, &o->log_options, o->tty, &c->log, err);
}

/* ---- words with one value --------------------------------------------------------------------- */

/* A flag that exists for one value; others are refused with the reason. */
struct only_value {
	const char *flag;
	const char *value; /* as given, or NULL */
	const char *const *allowed;
	const char *why;
};

static int check_only(const struct only_value *v, struct error *err)
{
	for (size_t i = 0; v->allowed[i]; i++)
		if (!v->value || is_equal(v->value, v->allowed[i]))
			return 0;
	return error_set(err, EINVAL, "--%s %.60s is not supported: %s", v->flag, v->value, v->why);
}

static int check_words(const struct create_options *o, struct error *err)
{
	static const char *const enabled[] = { "enabled", NULL };
	static const char *const off[] = { "false", NULL };
	static const char *const ignore[] = { "ignore", NULL };
	static const char *const standard[] = { "default", NULL };
	const struct only_value words[] = {
		{ "cgroups", o->cgroups, enabled, "every container has a cgroup of its own" },
		{ "systemd", o->systemd, off, "a container's program finds no systemd's mounts" },
		{ "sdnotify", o->sdnotify, ignore, "nothing tells systemd of a container" },
		{ "seccomp-policy", o->seccomp_policy, standard,
		  "an image does not choose its filter: --security-opt seccomp=FILE does" },
	};
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(words) && r == 0; i++)
		r = check_only(&words[i], err);
	if (r == 0)
		r = content_trust_check(&o->content_trust, err);
	return r;
}

/* ---- all of it -------------------------------------------------------------------------------- */

static int set_init_kind(const struct create_options *o, struct container_spec *c,
			 struct error *err)
{
	if (!o->init_ctr)
		return 0;
	if (!is_equal(o->init_ctr, "once") && !is_equal(o->init_ctr, "always"))
		return error_set(err, EINVAL, "--init-ctr '%.60s' is not once or always",
				 o->init_ctr);
	if (!o->pod && !o->pod_id_file)
		return error_set(err, EINVAL, "--init-ctr is for a container of a pod: --pod");
	c->kind = CONTAINER_INIT;
	c->init_once = is_equal(o->init_ctr, "once");
	return 0;
}

static int set_cgroupns(const struct create_options *o, const struct conf *conf,
			struct container_spec *c, struct error *err)
{
	const char *mode = o->cgroupns ? o->cgroupns : conf->cgroupns;

	c->host_cgroupns = is_equal(mode, "host");
	if (is_empty(mode) || c->host_cgroupns || is_equal(mode, "private"))
		return 0;
	return error_set(err, EINVAL, "--cgroupns '%.60s' is not private or host", mode);
}

/* It is written when the container runs: that it can be is asked now. */
static int set_pid_file(const char *flag, const char *path, char **ret, struct error *err)
{
	cleanup_free char *directory = NULL;
	char *slash;

	if (!path)
		return 0;
	*ret = log_words_path(path);
	directory = xstrdup(*ret);
	slash = strrchr(directory, '/');
	slash[slash == directory] = '\0';
	if (access(directory, W_OK | X_OK) < 0 || is_suffix(path, "/"))
		return error_errno(err, "--%s '%.200s'", flag, path);
	return 0;
}

int plan_life(const struct create_options *o, const struct conf *conf, struct pod_plan *plan,
	      struct error *err)
{
	struct container_spec *c = &plan->containers[0];
	int r = check_words(o, err);

	c->auto_remove = o->remove || o->remove_image;
	if (r == 0)
		r = set_pid_file("pidfile", o->pid_file, &c->pid_file, err);
	if (r == 0)
		r = set_pid_file("conmon-pidfile", o->conmon_pid_file, &c->monitor_pid_file, err);
	if (r == 0)
		r = set_init_kind(o, c, err);
	if (r == 0)
		r = set_cgroupns(o, conf, c, err);
	if (r == 0)
		r = set_restart(o, plan, err);
	if (r == 0)
		r = set_stop(o, conf, c, err);
	return r < 0 ? r : set_log(o, conf, c, err);
}
