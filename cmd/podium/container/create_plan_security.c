/* SPDX-License-Identifier: Apache-2.0 */
/*
 * create_plan_security - capabilities, filters, masks, users, the root file system.
 *
 * Theory of operation: words only. A profile's file is named here by its whole path and read at each
 * launch. What a word would weaken it must name: nothing is weakened by leaving a word out, and an
 * unknown word is an error.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cmd/podium/base/conf.h"
#include "cmd/podium/container/create_options.h"
#include "engine/base/mem.h"
#include "engine/security/caps.h"
#include "engine/security/user.h"

/* ---- capabilities ----------------------------------------------------------------------------- */

static int check_caps(const char *flag, const struct strlist *words, struct error *err)
{
	int r = 0;

	for (size_t i = 0; i < words->n && r >= 0; i++)
		if (strcasecmp(words->v[i], "all") != 0)
			r = caps_parse_name(words->v[i], err);
	return r < 0 ? error_wrap(err, "%s", flag) : 0;
}

/* Another default set than the engine's: all are dropped first, and these are added. */
static int default_caps(const struct conf *conf, struct container_spec *c, struct error *err)
{
	static const char where[] = "containers.conf: default_capabilities";
	const struct strlist *list = &conf->default_capabilities;
	uint64_t set = 0;
	int r = check_caps(where, list, err);

	if (r < 0 || !conf->has_default_capabilities)
		return r;
	for (size_t i = 0; i < list->n; i++) {
		r = strcasecmp(list->v[i], "all") == 0
			    ? error_set(err, EINVAL, "%s: names alone", where)
			    : caps_parse_name(list->v[i], err);
		if (r < 0)
			return r;
		set |= CAP_BIT(r);
	}
	if (set == caps_default)
		return 0;
	strlist_add(&c->security.cap_drop, "ALL");
	for (size_t i = 0; i < list->n; i++)
		strlist_add(&c->security.cap_add, list->v[i]);
	return 0;
}

static bool has_all(const struct strlist *words)
{
	for (size_t i = 0; i < words->n; i++)
		if (strcasecmp(words->v[i], "all") == 0)
			return true;
	return false;
}

static int plan_caps(const struct security_flags *w, const struct conf *conf,
		     struct container_spec *c, struct error *err)
{
	struct container_security *s = &c->security;
	int r = check_caps("--cap-add", &w->cap_add, err);

	if (r == 0)
		r = check_caps("--cap-drop", &w->cap_drop, err);
	if (r == 0 && !w->privileged && !has_all(&w->cap_add) && !has_all(&w->cap_drop))
		r = default_caps(conf, c, err);
	for (size_t i = 0; i < w->cap_add.n && r == 0; i++)
		strlist_add(&s->cap_add, w->cap_add.v[i]);
	for (size_t i = 0; i < w->cap_drop.n && r == 0; i++) {
		if (strlist_has(&w->cap_add, w->cap_drop.v[i]))
			return error_set(err, EINVAL, "'%.60s' is both added and dropped",
					 w->cap_drop.v[i]);
		strlist_add(&s->cap_drop, w->cap_drop.v[i]);
	}
	return r;
}

/* ---- --security-opt --------------------------------------------------------------------------- */

static int set_seccomp(const char *value, struct container_spec *c, struct error *err)
{
	struct container_security *s = &c->security;

	free(s->seccomp_file);
	s->seccomp_file = NULL;
	s->seccomp_unconfined = is_equal(value, "unconfined");
	if (s->seccomp_unconfined)
		return 0;
	if (value[0] == '/') {
		s->seccomp_file = xstrdup(value);
	} else {
		cleanup_free char *cwd = getcwd(NULL, 0);

		s->seccomp_file = xasprintf("%s/%s", cwd ? cwd : "", value);
	}
	if (access(s->seccomp_file, R_OK) < 0)
		return error_errno(err, "--security-opt seccomp: '%.200s'", value);
	return 0;
}

/* "/a:/b", "ALL" */
static int add_paths(const char *word, const char *value, struct strlist *ret, struct error *err)
{
	for (const char *at = value; *at;) {
		size_t n = strcspn(at, ":");
		cleanup_free char *path = xstrndup(at, n);
		bool is_all = is_equal(word, "unmask") && strcasecmp(path, "all") == 0;

		if (*path != '/' && !is_all)
			return error_set(err, EINVAL,
					 "--security-opt %s: '%.100s' is no absolute path", word,
					 path);
		strlist_add(ret, is_all ? "ALL" : path);
		at += n + (at[n] == ':');
	}
	return 0;
}

static int set_label(const char *value, struct error *err)
{
	if (is_equal(value, "disable"))
		return 0; /* there are no SELinux labels to begin with */
	return error_set(err, EINVAL,
			 "--security-opt label=%.60s is not supported: containers have no SELinux "
			 "labels",
			 value);
}

static int set_no_new_privileges(const char *value, struct container_spec *c, struct error *err)
{
	bool yes = !value || is_equal(value, "true");

	if (!yes && !is_equal(value, "false"))
		return error_set(err, EINVAL,
				 "--security-opt no-new-privileges: '%.60s' is not true or false",
				 value);
	c->security.allow_privilege_escalation = (struct opt_bool){ yes, false };
	return 0;
}

int plan_security_option(const char *word, struct container_spec *c, struct error *err)
{
	size_t n = strcspn(word, "=");
	const char *value;
	cleanup_free char *key = NULL;

	if (!word[n])
		n = strcspn(word, ":"); /* Docker's older spelling */
	key = xstrndup(word, n);
	value = word[n] ? word + n + 1 : NULL;
	if (is_equal(key, "no-new-privileges"))
		return set_no_new_privileges(value, c, err);
	if (is_empty(value))
		return error_set(err, EINVAL, "--security-opt '%.100s' is not NAME=VALUE", word);
	if (is_equal(key, "seccomp"))
		return set_seccomp(value, c, err);
	if (is_equal(key, "label"))
		return set_label(value, err);
	if (is_equal(key, "mask"))
		return add_paths(key, value, &c->security.mask, err);
	if (is_equal(key, "unmask"))
		return add_paths(key, value, &c->security.unmask, err);
	if (is_equal(key, "systempaths") && is_equal(value, "unconfined"))
		return add_paths("unmask", "ALL", &c->security.unmask, err);
	if (is_equal(key, "apparmor")) {
		free(c->security.apparmor);
		c->security.apparmor = xstrdup(value);
		return 0;
	}
	if (is_equal(key, "proc-opts")) {
		free(c->security.proc_options);
		c->security.proc_options = xstrdup(value);
		return 0;
	}
	return error_set(err, EINVAL,
			 "--security-opt '%.100s' is not known: seccomp, apparmor, label, mask, "
			 "unmask, proc-opts and no-new-privileges are",
			 word);
}

/* ---- the rest --------------------------------------------------------------------------------- */

static int plan_umask(const struct security_flags *w, const struct conf *conf,
		      struct container_spec *c, struct error *err)
{
	const char *text = w->umask ? w->umask : conf->umask;

	if (is_empty(text))
		return 0;
	if (strspn(text, "01234567") != strlen(text) || strlen(text) > 4 ||
	    (strlen(text) == 4 && text[0] != '0'))
		return error_set(err, EINVAL, "--umask '%.60s' is no octal number up to 0777",
				 text);
	c->security.umask = xstrdup(text);
	return 0;
}

static int plan_groups(const struct security_flags *w, struct container_spec *c, struct error *err)
{
	for (size_t i = 0; i < w->groups.n; i++) {
		if (is_equal(w->groups.v[i], "keep-groups"))
			return error_set(err, EINVAL,
					 "--group-add keep-groups is not supported: name the "
					 "groups");
		if (is_empty(w->groups.v[i]))
			return error_set(err, EINVAL, "--group-add: a group without a name");
		strlist_add(&c->security.groups, w->groups.v[i]);
	}
	return 0;
}

int plan_security(const struct security_flags *w, const struct conf *conf, struct container_spec *c,
		  struct error *err)
{
	struct container_security *s = &c->security;
	struct user_ref user;
	int r = plan_caps(w, conf, c, err);

	for (size_t i = 0; i < w->options.n && r == 0; i++)
		r = plan_security_option(w->options.v[i], c, err);
	if (r == 0 && w->user && user_parse(w->user, &user, err) < 0)
		r = error_wrap(err, "--user");
	if (r == 0)
		r = plan_groups(w, c, err);
	if (r == 0)
		r = plan_umask(w, conf, c, err);
	s->user = is_empty(w->user) ? NULL : xstrdup(w->user);
	if (w->privileged)
		s->privileged = (struct opt_bool){ true, true };
	if (w->read_only)
		s->read_only_root = (struct opt_bool){ true, true };
	c->read_only_tmpfs = w->read_only && w->read_only_tmpfs;
	return r;
}
