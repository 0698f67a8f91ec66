/* SPDX-License-Identifier: Apache-2.0 */
/*
 * annotations - the annotations of a pod that mean something, or are expected to.
 *
 * Theory of operation: one table has every key that Podman, or Kubernetes before it had a field,
 * gives a meaning to. A key is matched as a whole, with "/CONTAINER" after it where it is about one
 * container; keys that begin like Podman's and are not in the table are told of, all others are
 * text and nothing else. Each row has a function of its own: it checks the value and either honours
 * it or says why it cannot.
 *
 * An annotation never wins: where the field that it stands for is set, the field is taken, and if
 * the two differ that is told. Otherwise it fills in the field of the typed pod, so that the rules
 * of validation and the translation know nothing of annotations; the document keeps the annotation
 * and nothing else. Rows about containers stand before those about the pod, since a word about one
 * container wins over one about all. What has no field goes to the plan (annotations_plan.c).
 *
 * A restriction that cannot be applied is an error for play: an unknown profile, a label, a limit
 * for a container that does not exist. Comfort that cannot be had is a warning.
 */
#include "kube/annotations.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "kube/names.h"

/* ---- telling ----------------------------------------------------------------------------------
 */

static void printf_like(3, 0) say(const struct note *n, bool error, const char *fmt, va_list ap)
{
	char path[400], text[500];

	(void)snprintf(path, sizeof(path), "metadata.annotations[%.330s]", n->key);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	if (error)
		diag_error(n->sink, path, "%s", text);
	else
		diag_unsupported(n->sink, path, "%s", text);
}

void note_error(const struct note *n, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(n, true, fmt, ap);
	va_end(ap);
}

void note_unsupported(const struct note *n, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(n, false, fmt, ap);
	va_end(ap);
}

/* A field, or another annotation that was first, is taken instead. */
static void overruled(const struct note *n, const char *field)
{
	note_unsupported(n, "has no effect: %s is set, and to something else", field);
}

static void bad_value(const struct note *n, const char *what)
{
	note_error(n, "'%.100s' %s", n->value, what);
}

/* TRUE or FALSE; -1 and an error for anything else. */
static int note_truth(const struct note *n)
{
	if (strcasecmp(n->value, "true") == 0)
		return 1;
	if (strcasecmp(n->value, "false") == 0)
		return 0;
	bad_value(n, "is neither TRUE nor FALSE");
	return -1;
}

/* ---- values -----------------------------------------------------------------------------------
 */

bool note_parse_seccomp(const char *value, struct k8s_seccomp *ret)
{
	const char *type = NULL;

	*ret = (struct k8s_seccomp){ 0 };
	if (strcmp(value, "unconfined") == 0)
		type = "Unconfined";
	else if (strcmp(value, "runtime/default") == 0 || strcmp(value, "docker/default") == 0)
		type = "RuntimeDefault";
	else if (is_prefix(value, "localhost/") && value[strlen("localhost/")])
		type = "Localhost";
	if (!type)
		return false;
	ret->type = xstrdup(type);
	if (strcmp(type, "Localhost") == 0)
		ret->localhost_profile = xstrdup(value + strlen("localhost/"));
	return true;
}

bool note_parse_pids(const char *value, int64_t *ret)
{
	return parse_i64(value, -1, 1 << 22, ret) == 0; /* the kernel's PID_MAX_LIMIT */
}

/* Numbers and ranges of them, as the kernel writes them: "0-3,8". */
bool is_cpu_list(const char *value)
{
	uint64_t first, last;

	while (*value) {
		size_t len = strcspn(value, ",");
		cleanup_free char *word = xstrndup(value, len);
		char *dash = strchr(word, '-');

		if (dash)
			*dash = '\0';
		if (parse_u64(word, 65535, &first) < 0 ||
		    (dash && (parse_u64(dash + 1, 65535, &last) < 0 || last < first)))
			return false;
		value += len;
		if (*value == ',' && !*++value)
			return false;
		if (!*value)
			return true;
	}
	return false;
}

static void seccomp_done(struct k8s_seccomp *s)
{
	free(s->type);
	free(s->localhost_profile);
}

static void apparmor_done(struct k8s_apparmor *a)
{
	free(a->type);
	free(a->localhost_profile);
}

/* ---- fields of containers ---------------------------------------------------------------------
 */

static struct k8s_security *security_of(const struct note *n)
{
	if (!n->container->security)
		n->container->security = xcalloc(1, sizeof(*n->container->security));
	return n->container->security;
}

static void take_privileged(const struct note *n)
{
	int truth = note_truth(n);
	struct k8s_bool *field;

	/* FALSE is what Podman writes of every container. */
	if (truth < 0 || (truth == 0 && !n->container->security))
		return;
	field = &security_of(n)->privileged;
	if (field->set && field->value != truth)
		overruled(n, "securityContext.privileged");
	else if (truth)
		*field = (struct k8s_bool){ true, true };
}

static bool is_same_seccomp(const struct k8s_seccomp *a, const struct k8s_seccomp *b)
{
	return is_equal(a->type, b->type) && is_equal(a->localhost_profile, b->localhost_profile);
}

static void take_seccomp(const struct note *n)
{
	const struct k8s_pod_security *pod = n->pod->spec->security;
	struct k8s_security *own = n->container ? n->container->security : NULL;
	const struct k8s_seccomp *have = own && own->seccomp ? own->seccomp
					 : pod		     ? pod->seccomp
							     : NULL;
	struct k8s_seccomp asked;

	if (!note_parse_seccomp(n->value, &asked)) {
		bad_value(n, "is none of unconfined, runtime/default and localhost/FILE, a file in "
			     "the folder of profiles");
		return;
	}
	if (have) {
		if (!is_same_seccomp(have, &asked))
			overruled(n, "seccompProfile");
		seccomp_done(&asked);
		return;
	}
	if (n->container) {
		security_of(n)->seccomp = xcalloc(1, sizeof(asked));
		*n->container->security->seccomp = asked;
		return;
	}
	if (!pod)
		n->pod->spec->security = xcalloc(1, sizeof(*pod));
	n->pod->spec->security->seccomp = xcalloc(1, sizeof(asked));
	*n->pod->spec->security->seccomp = asked;
}

static bool parse_apparmor(const struct note *n, struct k8s_apparmor *ret)
{
	bool podman = is_prefix(n->key, PODMAN_ANNOTATION); /* a plain name */
	const char *name = podman			       ? n->value
			   : is_prefix(n->value, "localhost/") ? n->value + strlen("localhost/")
							       : "";

	*ret = (struct k8s_apparmor){ 0 };
	if (strcmp(n->value, "unconfined") == 0)
		ret->type = xstrdup("Unconfined");
	else if (strcmp(n->value, "runtime/default") == 0)
		ret->type = xstrdup("RuntimeDefault");
	else if (*name)
		ret->type = xstrdup("Localhost");
	if (is_equal(ret->type, "Localhost"))
		ret->localhost_profile = xstrdup(name);
	return ret->type != NULL;
}

static void take_apparmor(const struct note *n)
{
	const struct k8s_pod_security *pod = n->pod->spec->security;
	struct k8s_security *own = n->container->security;
	const struct k8s_apparmor *have = own && own->apparmor ? own->apparmor
					  : pod		       ? pod->apparmor
							       : NULL;
	struct k8s_apparmor asked;

	if (!parse_apparmor(n, &asked)) {
		bad_value(n, "is none of unconfined, runtime/default and localhost/NAME");
		return;
	}
	if (!have) {
		security_of(n)->apparmor = xcalloc(1, sizeof(asked));
		*n->container->security->apparmor = asked;
		return;
	}
	if (!is_equal(have->type, asked.type) ||
	    !is_equal(have->localhost_profile, asked.localhost_profile))
		overruled(n, "appArmorProfile");
	apparmor_done(&asked);
}

/* Podman's --security-opt label=...: without SELinux nothing has to be disabled. */
static void take_label(const struct note *n)
{
	if (strcmp(n->value, "disable") == 0 || strcmp(n->value, "nested") == 0)
		return;
	if (n->for_play)
		note_error(n, "SELinux is not supported: take the labels out to play this pod");
	else
		note_unsupported(n, "has no effect: SELinux is not supported");
}

/* ---- limits: checked here, applied to the plan ------------------------------------------------
 */

static void check_pids(const struct note *n)
{
	int64_t value;

	if (!note_parse_pids(n->value, &value))
		bad_value(n, "is no number of processes: 1 to 4194304, or -1 for no limit");
}

static void check_cpus(const struct note *n)
{
	if (!is_cpu_list(n->value))
		bad_value(n, "is no list of numbers like 0-3,8");
}

static void check_ulimits(const struct note *n)
{
	struct ulimit_list list = { 0 };
	struct error err = { 0 };

	if (strcmp(n->value, "host") == 0)
		note_unsupported(n, "has no effect: the limits of whoever plays are not taken");
	else if (!note_parse_ulimits(n->value, &list, &err))
		note_error(n, "%s", err.text);
	ulimit_list_done(&list);
}

/* ---- the pod ----------------------------------------------------------------------------------
 */

static void take_userns(const struct note *n)
{
	struct k8s_bool *field = &n->pod->spec->host_users;
	bool automatic = strcmp(n->value, "auto") == 0 || is_prefix(n->value, "auto:");

	if (!automatic && strcmp(n->value, "host") != 0) {
		note_unsupported(n,
				 "has no effect: 'auto' (hostUsers: false) and 'host' can be "
				 "had, not '%.60s'",
				 n->value);
		return;
	}
	if (n->value[strlen("auto")] == ':')
		note_unsupported(n, "'%.60s' has no effect: each pod gets 65536 ids",
				 n->value + strlen("auto:"));
	if (field->set && field->value == automatic)
		overruled(n, "spec.hostUsers");
	else if (!field->set)
		*field = (struct k8s_bool){ true, !automatic };
}

static void take_init_type(const struct note *n)
{
	if (strcmp(n->value, "once") == 0)
		note_unsupported(n, "has no effect: init containers run at each start of the pod "
				    "and stay listed ('always')");
	else if (strcmp(n->value, "always") != 0)
		bad_value(n, "is neither once nor always");
}

/* ---- what cannot be had -----------------------------------------------------------------------
 */

static void unless_false(const struct note *n, const char *why)
{
	if (note_truth(n) > 0)
		note_unsupported(n, "has no effect: %s", why);
}

static void warn_autoremove(const struct note *n)
{
	unless_false(n, "containers go with their pod; a Job removes its pods with "
			"ttlSecondsAfterFinished");
}

static void warn_init(const struct note *n)
{
	if (n->pod->spec->share_pid.value && strcasecmp(n->value, "true") == 0)
		return; /* the pod's pause process reaps for all */
	unless_false(n, "no init process is put into containers; with shareProcessNamespace: true "
			"the pod's own reaps for all");
}

static void warn_publish(const struct note *n)
{
	unless_false(n, "name the ports with hostPort, or play with --publish-all");
}

static void warn_cid_file(const struct note *n)
{
	note_unsupported(n, "has no effect: a manifest writes no files of the host; "
			    "'podium inspect' tells the id");
}

static void warn_infra_name(const struct note *n)
{
	note_unsupported(n, "has no effect: infra containers are called by their pod's id");
}

static void warn_automount(const struct note *n)
{
	note_unsupported(n,
			 "has no effect: write a volume with image: {reference: %.100s} and "
			 "mount it by name",
			 n->value);
}

static void warn_sdnotify(const struct note *n)
{
	if (strcmp(n->value, "ignore") != 0)
		note_unsupported(n, "has no effect: systemd is not told; 'podium kube play "
				    "--wait=ready' waits for the pods");
}

static void warn_autoupdate(const struct note *n)
{
	if (strcmp(n->value, "disabled") != 0)
		note_unsupported(n, "has no effect: playing the file again with imagePullPolicy: "
				    "Always brings a newer image");
}

static void warn_health(const struct note *n)
{
	note_unsupported(n, "has no effect: write a livenessProbe");
}

static void warn_relabel(const struct note *n)
{
	note_unsupported(n, "has no effect: files get no SELinux labels here");
}

static void warn_runtime(const struct note *n)
{
	note_unsupported(n, "has no effect: it is for another runtime");
}

/* ---- the table --------------------------------------------------------------------------------
 */

enum scope { ABOUT_CONTAINER, ABOUT_ALL, ABOUT_EITHER };
#define RESTRICTS true

static const struct rule {
	const char *key;
	int scope; /* ABOUT_CONTAINER: KEY/CONTAINER; ABOUT_ALL: KEY; ABOUT_EITHER: both */
	bool restricts;
	void (*take)(const struct note *n);
} rules[] = {
	{ PODMAN_ANNOTATION "privileged", ABOUT_CONTAINER, false, take_privileged },
	{ NOTE_SECCOMP, ABOUT_CONTAINER, RESTRICTS, take_seccomp },
	{ NOTE_SECCOMP_ALPHA, ABOUT_CONTAINER, RESTRICTS, take_seccomp },
	{ PODMAN_ANNOTATION "apparmor", ABOUT_CONTAINER, RESTRICTS, take_apparmor },
	{ "container.apparmor.security.beta.kubernetes.io", ABOUT_CONTAINER, RESTRICTS,
	  take_apparmor },
	{ PODMAN_ANNOTATION "label", ABOUT_CONTAINER, RESTRICTS, take_label },
	{ NOTE_PIDS, ABOUT_EITHER, RESTRICTS, check_pids },
	{ NOTE_CPUS, ABOUT_CONTAINER, RESTRICTS, check_cpus },
	{ NOTE_NODES, ABOUT_CONTAINER, RESTRICTS, check_cpus },
	{ PODMAN_ANNOTATION "volumes-from", ABOUT_CONTAINER, RESTRICTS, note_volumes_from },
	{ PODMAN_ANNOTATION "autoremove", ABOUT_CONTAINER, false, warn_autoremove },
	{ PODMAN_ANNOTATION "init", ABOUT_CONTAINER, false, warn_init },
	{ PODMAN_ANNOTATION "publish-all", ABOUT_CONTAINER, false, warn_publish },
	{ PODMAN_ANNOTATION "cid-file", ABOUT_CONTAINER, false, warn_cid_file },
	{ PODMAN_ANNOTATION "kube.image.volumes.mount", ABOUT_CONTAINER, false, warn_automount },
	{ PODMAN_ANNOTATION "kube.image.automount", ABOUT_CONTAINER, false, warn_automount },
	{ PODMAN_ANNOTATION "kube.health.check", ABOUT_EITHER, false, warn_health },
	{ "io.containers.sdnotify", ABOUT_EITHER, false, warn_sdnotify },
	{ "io.containers.autoupdate", ABOUT_EITHER, false, warn_autoupdate },
	{ "io.containers.autoupdate.authfile", ABOUT_EITHER, false, warn_autoupdate },
	{ "bind-mount-options", ABOUT_EITHER, false, warn_relabel },
	{ NOTE_SECCOMP_POD, ABOUT_ALL, RESTRICTS, take_seccomp },
	{ PODMAN_ANNOTATION "userns", ABOUT_ALL, RESTRICTS, take_userns },
	{ NOTE_ULIMIT, ABOUT_ALL, RESTRICTS, check_ulimits },
	{ PODMAN_ANNOTATION "infra.name", ABOUT_ALL, false, warn_infra_name },
	{ PODMAN_ANNOTATION "init.container.type", ABOUT_ALL, false, take_init_type },
};

/* Keys with something else after them. */
static const char *const for_runtimes[] = { "run.oci.", "org.systemd.property.",
					    "io.katacontainers." };

struct k8s_container *note_container(const struct k8s_pod *pod, const char *name)
{
	for (size_t i = 0; i < pod->spec->containers.n; i++)
		if (is_equal(pod->spec->containers.v[i].name, name))
			return &pod->spec->containers.v[i];
	for (size_t i = 0; i < pod->spec->inits.n; i++)
		if (is_equal(pod->spec->inits.v[i].name, name))
			return &pod->spec->inits.v[i];
	return NULL;
}

/* What follows the rule's key: "" or "/CONTAINER"; NULL: it is another key. */
static const char *rest_of(const struct rule *rule, const char *key)
{
	const char *rest = is_prefix(key, rule->key) ? key + strlen(rule->key) : NULL;

	return rest && (*rest == '\0' || *rest == '/') ? rest : NULL;
}

static const struct rule *rule_of(const char *key)
{
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
		if (rest_of(&rules[i], key))
			return &rules[i];
	return NULL;
}

static void take(const struct rule *rule, struct note *n)
{
	const char *rest = rest_of(rule, n->key);

	n->container = NULL;
	if (!*rest && rule->scope == ABOUT_CONTAINER) {
		note_unsupported(n, "has no effect: it names no container, '%s/CONTAINER'",
				 rule->key);
		return;
	}
	if (*rest && rule->scope == ABOUT_ALL) {
		note_unsupported(n, "has no effect: it is about the whole pod, '%s'", rule->key);
		return;
	}
	if (*rest)
		n->container = note_container(n->pod, rest + 1);
	if (!*rest || n->container)
		rule->take(n);
	else if (rule->restricts)
		note_error(n, "there is no container '%.63s'", rest + 1);
	else
		note_unsupported(n, "has no effect: there is no container '%.63s'", rest + 1);
}

static void tell_unknown(const struct note *n)
{
	if (is_prefix(n->key, "bind-mount-options:")) {
		warn_relabel(n);
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(for_runtimes); i++)
		if (is_prefix(n->key, for_runtimes[i])) {
			warn_runtime(n);
			return;
		}
	if (is_prefix(n->key, PODMAN_ANNOTATION))
		note_unsupported(n, "has no effect: it is not known");
}

void annotations_take(const struct diag_sink *sink, struct k8s_pod *pod, bool for_play)
{
	struct note n = { .sink = sink, .pod = pod, .for_play = for_play };
	const struct pairlist *all;

	if (!pod->meta || !pod->spec)
		return;
	all = &pod->meta->annotations;
	for (size_t r = 0; r < ARRAY_SIZE(rules) && all->n; r++) {
		for (size_t i = 0; i < all->n; i++) {
			n.key = all->v[i].key;
			n.value = all->v[i].value ? all->v[i].value : "";
			if (rest_of(&rules[r], n.key))
				take(&rules[r], &n);
		}
	}
	for (size_t i = 0; i < all->n; i++) {
		n.key = all->v[i].key;
		if (!rule_of(n.key))
			tell_unknown(&n);
	}
}

void annotations_misplaced(const struct diag_sink *sink, const struct k8s_meta *meta)
{
	struct note n = { .sink = sink };

	for (size_t i = 0; meta && i < meta->annotations.n; i++) {
		n.key = meta->annotations.v[i].key;
		if (rule_of(n.key))
			note_unsupported(&n, "has no effect here: it belongs to the pod, in "
					     "spec.template.metadata.annotations");
	}
}

bool is_podman_key(const struct k8s_pod *pod, const char *key)
{
	const char *slash = strrchr(key, '/');
	cleanup_free char *own = slash ? xstrndup(key, (size_t)(slash - key)) : NULL;

	if (is_prefix(key, "bind-mount-options:"))
		return true;
	/* A key with a domain and the container's name behind it. */
	return own && strchr(own, '/') && !name_bad_annotation(own) && pod && pod->spec &&
	       note_container(pod, slash + 1);
}
