/* SPDX-License-Identifier: Apache-2.0 */
/*
 * create_image - the image of a container that is being made.
 *
 * Theory of operation: --pull says when a registry is asked: "missing" (the default) when no such
 * image is here, "always", "newer" (what fails is forgiven when the image is here), "never". An image
 * of "localhost/" and one that is named by its id have no registry. With --platform or its parts an
 * image of another platform does not count as being here. The pull runs without a lock; the image is
 * looked up again under the images lock, which the caller holds until the record pins its layers.
 *
 * What the image declares is taken where no flag says otherwise. It is outside input: ports are
 * parsed by the grammar of --expose, and times must be positive.
 */
#include "cmd/podium/container/create_image.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/podium/base/conf.h"
#include "cmd/podium/base/progress.h"
#include "cmd/podium/container/mountwords.h"
#include "cmd/podium/image/pulljob.h"
#include "engine/base/mem.h"
#include "engine/base/signame.h"
#include "engine/image/imageconf.h"
#include "engine/image/reference.h"
#include "engine/image/store.h"

#define NS_PER_SECOND INT64_C(1000000000)

/* ---- pull ------------------------------------------------------------------------------------- */

static const char *const policies[] = { "missing", "always", "newer", "never", NULL };

static int choose_policy(const struct create_options *o, const struct conf *conf, const char **ret,
			 struct error *err)
{
	const char *text = o->pull ? o->pull : conf->pull_policy ? conf->pull_policy : "missing";

	if (is_equal(text, "true"))
		text = "always";
	if (is_equal(text, "false") || is_equal(text, "ifnotpresent"))
		text = "missing";
	for (size_t i = 0; policies[i]; i++) {
		if (is_equal(text, policies[i])) {
			*ret = policies[i];
			return 0;
		}
	}
	return error_set(err, EINVAL, "--pull '%.60s' is not always, missing, newer or never",
			 text);
}

/* "os/arch[/variant]" of --platform or of its parts; *ret NULL: this machine's. The caller's. */
static int choose_platform(const struct create_options *o, char **ret, struct error *err)
{
	bool has_parts = o->os || o->arch || o->variant;

	if (o->platform && has_parts)
		return error_set(err, EINVAL,
				 "--platform and --os, --arch, --variant exclude each other");
	if (o->variant && !o->arch)
		return error_set(err, EINVAL, "--variant needs --arch");
	if (o->platform)
		*ret = xstrdup(o->platform);
	else if (has_parts)
		*ret = xasprintf("%s/%s%s%s", o->os ? o->os : "linux", o->arch ? o->arch : "",
				 o->variant ? "/" : "", o->variant ? o->variant : "");
	if (*ret && is_suffix(*ret, "/")) { /* --os alone */
		free(*ret);
		*ret = NULL;
		if (!is_equal(o->os, "linux"))
			return error_set(err, EINVAL, "--os '%.60s': programs of linux run here",
					 o->os);
	}
	return 0;
}

static bool is_of_platform(const struct image_info *info, const char *platform)
{
	cleanup_free char *own = NULL;

	if (!platform || !info->architecture)
		return true;
	own = xasprintf("%s/%s", info->os ? info->os : "linux", info->architecture);
	return is_prefix(platform, own) &&
	       (platform[strlen(own)] == '\0' || platform[strlen(own)] == '/');
}

/* Whether a registry is asked, and by which policy of the helper; NULL: none is. */
static int choose(const struct store *s, const char *image, const char *policy,
		  const char *platform, const char **ret, struct error *err)
{
	cleanup_image_list struct image_list here = { .v = NULL };
	const struct image_info *info = NULL;
	const char *matched = NULL;
	struct error missing = { 0 };
	struct reference name;
	int r = image_list(s, &here, err), found;

	*ret = NULL;
	if (r < 0)
		return r;
	found = image_find(&here, image, &info, &matched, &missing);
	if (found < 0 && found != -ENOENT) {
		*err = missing;
		return found;
	}
	if (found == 0 && (!matched || is_prefix(matched, "localhost/")))
		return 0;
	if (found == 0 && !is_of_platform(info, platform))
		found = -ENOENT;
	if (found == 0 && (is_equal(policy, "missing") || is_equal(policy, "never")))
		return 0;
	r = reference_parse(image, &name, err);
	if (r < 0)
		return r;
	if (is_equal(policy, "never") || is_equal(name.domain, "localhost"))
		return error_set(err, ENOENT, "%s: image not known%s", image,
				 is_equal(policy, "never") ? " here, and --pull is never" : "");
	/* What is here is of another platform: it must be asked for. */
	*ret = platform && is_equal(policy, "missing") ? "always" : policy;
	return 0;
}

int create_image_pull(struct command_context *ctx, const struct create_options *o,
		      const struct conf *conf, const char *image, char **ret_name,
		      struct error *err)
{
	cleanup_free char *platform = NULL;
	const char *policy = NULL, *asked = NULL;
	int r = choose_policy(o, conf, &policy, err);

	*ret_name = xstrdup(image);
	if (r == 0)
		r = choose_platform(o, &platform, err);
	if (r == 0)
		r = choose(&ctx->store, image, policy, platform, &asked, err);
	if (r == 0 && asked) {
		struct pull_options how = { .reg = o->reg, .platform = platform };
		struct pull_want want = { .name = image, .policy = asked };
		cleanup_progress struct progress *progress = progress_new(o->quiet);

		r = pull_run(&ctx->store, &how, &want, 1, progress, err);
		progress_clear(progress);
		if (r == 0 && want.failure.code) {
			*err = want.failure;
			r = -want.failure.code;
		}
		if (r == 0 && want.full) {
			free(*ret_name);
			*ret_name = xstrdup(want.full);
		}
		pull_wants_done(&want, 1);
	}
	return r;
}

/* ---- what it declares ------------------------------------------------------------------------- */

static bool has_port(const struct port_list *list, const struct port_spec *p)
{
	for (size_t i = 0; i < list->n; i++)
		if (list->v[i].container_port == p->container_port &&
		    list->v[i].protocol == p->protocol)
			return true;
	return false;
}

/* Ports of the image for --publish-all, which -p has not published already. */
static int add_ports(const struct image_conf *image, const struct port_list *published,
		     struct port_list *ret, struct error *err)
{
	struct port_list declared = { 0 };
	int r = 0;

	for (size_t i = 0; i < image->exposed_ports.n && r == 0; i++)
		r = expose_parse(image->exposed_ports.v[i], &declared, err);
	for (size_t i = 0; i < declared.n && r == 0; i++) {
		if (has_port(ret, &declared.v[i]) || has_port(published, &declared.v[i]))
			continue;
		*list_add(ret) = declared.v[i];
	}
	free(declared.v); /* ports of an image have no addresses */
	return r < 0 ? error_wrap(err, "image") : 0;
}

/* What an image says in between would keep the host busy with nothing but its checks, and is no time
 * that --health-timeout takes. */
static int64_t at_least_a_second(int64_t ns)
{
	return ns > 0 && ns < NS_PER_SECOND ? NS_PER_SECOND : ns;
}

static void take_health(const struct image_health *image, struct health_spec *h)
{
	size_t first = 1;

	if (image->test.n < 2 || is_equal(image->test.v[0], "NONE"))
		return;
	if (is_equal(image->test.v[0], "CMD-SHELL")) {
		strlist_add(&h->test, "/bin/sh");
		strlist_add(&h->test, "-c");
	} else if (!is_equal(image->test.v[0], "CMD")) {
		first = 0;
	}
	for (size_t i = first; i < image->test.n; i++)
		strlist_add(&h->test, image->test.v[i]);
	h->interval_ns = at_least_a_second(image->interval_ns);
	h->timeout_ns = at_least_a_second(image->timeout_ns);
	h->start_period_ns = image->start_period_ns;
	h->retries = image->retries;
}

static int merge_health(const struct create_options *o, const struct image_conf *image,
			struct container_spec *c, struct error *err)
{
	int r;

	strlist_done(&c->health.test);
	c->health = (struct health_spec){ 0 };
	take_health(&image->health, &c->health);
	r = plan_health(&o->health, c, err);
	if (r == 0 && c->health.test.n == 0 && c->health.on_failure != HEALTH_NONE)
		r = error_set(err, EINVAL,
			      "--health-on-failure needs a check: --health-cmd, or HEALTHCHECK of "
			      "the image");
	return r;
}

/* ---- variables -------------------------------------------------------------------------------- */

static const char *image_variable(const struct image_config *config, const char *name, size_t n)
{
	for (size_t i = 0; i < config->env.n; i++)
		if (strncmp(config->env.v[i], name, n) == 0 && config->env.v[i][n] == '=')
			return config->env.v[i] + n + 1;
	return "";
}

static bool is_name_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_';
}

/* "${NAME}" and "$NAME" become the image's values. */
static char *expand(const struct image_config *config, const char *text)
{
	struct buf b = BUF_INIT(1024 * 1024);

	for (const char *at = text; *at;) {
		bool is_braced = at[0] == '$' && at[1] == '{' && strchr(at, '}');
		const char *name = at + (is_braced ? 2 : 1);
		size_t n = 0;

		if (at[0] == '$' && !is_braced)
			while (is_name_letter(name[n]))
				n++;
		else if (is_braced)
			n = strcspn(name, "}");
		if (n == 0) {
			buf_addc(&b, *at++);
			continue;
		}
		buf_adds(&b, image_variable(config, name, n));
		at = name + n + is_braced;
	}
	return buf_steal(&b);
}

static void merge_env(const struct create_options *o, struct container_spec *c)
{
	for (size_t i = 0; i < o->env.merge.n; i++) {
		const char *text = o->env.merge.v[i], *equals = strchr(text, '=');
		cleanup_free char *value = expand(&c->config, equals + 1);
		struct env_var *e = list_add(&c->env);

		e->name = xstrndup(text, (size_t)(equals - text));
		value_add(&e->value, VALUE_LITERAL, value, strlen(value));
	}
}

/* ---- together --------------------------------------------------------------------------------- */

static int check_process(const struct container_spec *c, struct error *err)
{
	size_t words = (c->has_command ? c->command.n : c->config.entrypoint.n) +
		       (c->has_args	 ? c->args.n
			: c->has_command ? 0
					 : c->config.cmd.n);

	if (words == 0)
		return error_set(err, EINVAL,
				 "no command or entrypoint provided, and no CMD or ENTRYPOINT from "
				 "image '%.200s'",
				 c->image);
	if (!c->stop_signal && c->config.stop_signal && signal_number(c->config.stop_signal) < 0)
		return error_set(err, EINVAL, "image '%.200s': STOPSIGNAL '%.60s' is no signal",
				 c->image, c->config.stop_signal);
	return 0;
}

int create_image_merge(const struct create_options *o, const struct image_conf *image,
		       struct pod_plan *plan, struct error *err)
{
	struct container_spec *c = &plan->containers[0];
	const char *mode = o->mounts.image_volume;
	int r = check_process(c, err);

	if (r == 0)
		r = merge_health(o, image, c, err);
	if (r == 0 && o->publish_all)
		r = add_ports(image, &plan->pod.ports, &c->ports, err);
	if (r == 0 && !is_equal(mode, "ignore"))
		r = mount_words_image(is_equal(mode, "tmpfs"), &plan->pod, c, err);
	if (r == 0)
		merge_env(o, c);
	return r;
}

/* The images that are mounted as volumes; they must be here. */
static int resolve_volumes(const struct store *s, struct pod_spec *pod, struct error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < pod->volumes.n; i++) {
		struct volume_spec *v = &pod->volumes.v[i];

		if (v->kind == VOLUME_IMAGE)
			r = image_resolve(s, v->image, &v->config, err);
		if (r < 0)
			return error_wrap(err, "mount of image '%.100s'", v->image);
	}
	return r;
}

int create_image_apply(const struct store *s, const struct create_options *o, const char *name,
		       struct pod_plan *plan, struct error *err)
{
	struct container_spec *c = &plan->containers[0];
	cleanup_image_list struct image_list here = { .v = NULL };
	cleanup_image_conf struct image_conf image = { .os = NULL };
	const struct image_info *info = NULL;
	cleanup_free char *text = NULL;
	size_t len = 0;
	int r = image_resolve(s, name, &c->config, err);

	if (r == 0)
		r = resolve_volumes(s, &plan->pod, err);
	if (r == 0)
		r = image_list(s, &here, err);
	if (r == 0)
		r = image_find(&here, c->config.id, &info, NULL, err);
	if (r == 0)
		r = image_read_config(s, info, &text, &len, err);
	if (r == 0)
		r = image_conf_parse(text, len, &image, err);
	return r < 0 ? r : create_image_merge(o, &image, plan, err);
}
