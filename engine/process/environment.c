/* SPDX-License-Identifier: Apache-2.0 */
/*
 * environment - the variables of a container, made at each launch.
 *
 * Theory of operation: values are kept in parts in the spec and become strings here, at every
 * launch, so that no record ever holds what a reference stands for. The environment starts empty:
 * nothing of the caller's gets in. Then in this order, the later over the earlier: the engine's
 * defaults, the image's variables, every key of the objects of envFrom, the declared variables in
 * order, each of which may refer to those before it (to envFrom's too, not to the image's).
 *
 * Rules are the kubelet's: every key that an object can have is the name of a variable today; what
 * came from a ConfigMap's binaryData is passed over; an optional object or key that is missing leaves the
 * variable as it was; any other missing one keeps the container from starting, until it is there.
 *
 * An object is read once a launch, and not at all by a container that names none. Bytes of Secrets
 * are cleared here after use; what is left of them is the environment itself, in a process that
 * ends or executes at once.
 */
#include "engine/process/environment.h"

#include <errno.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/data/object.h"
#include "engine/pod/spec.h"
#include "engine/process/command.h"
#include "engine/process/sync.h"

#define TEXT_MAX ((size_t)16 << 20)

struct builder {
	const struct environment_source *s;
	struct data_object *objects; /* read so far */
	size_t n_objects;
	struct strlist *env;
	struct pairlist *vars;
};

static const char *kind_name(int kind)
{
	return kind == DATA_SECRET ? "Secret" : "ConfigMap";
}

/* ---- objects ---------------------------------------------------------------------------- */

/* -ENOENT: there is none. */
static int get_object(struct builder *b, enum data_kind kind, const char *name,
		      const struct data_object **ret, struct error *err)
{
	struct data_object o = { 0 };
	int r;

	for (size_t i = 0; i < b->n_objects; i++) {
		*ret = &b->objects[i];
		if ((*ret)->kind == (int)kind && is_equal((*ret)->name, name))
			return 0;
	}
	r = data_object_read(b->s->fields.store, kind, b->s->fields.pod->namespace_, name, &o, err);
	if (r < 0)
		return r;
	b->objects = xreallocarray(b->objects, b->n_objects + 1, sizeof(*b->objects));
	b->objects[b->n_objects] = o;
	*ret = &b->objects[b->n_objects++];
	return 0;
}

/* What keeps the container from starting until it is there; it has been said in words. */
static int missing(struct error *err)
{
	err->code = SYNC_CONFIG_MISSING;
	return -SYNC_CONFIG_MISSING;
}

static void forget_objects(struct builder *b)
{
	for (size_t i = 0; i < b->n_objects; i++)
		data_object_done(&b->objects[i]);
	free(b->objects);
}

/* ---- variables -------------------------------------------------------------------------- */

static void set_variable(struct builder *b, const char *name, const char *value)
{
	pairlist_set(b->vars, name, value);
	command_set_env(b->env, name, value);
}

static int check_text(const struct data_object *o, const struct data_entry *e, struct error *err)
{
	if (memchr(e->bytes, '\0', e->len))
		return error_set(err, EINVAL,
				 "%s '%s': key '%s' has a NUL byte, which no variable "
				 "can hold",
				 kind_name(o->kind), o->name, e->key);
	return 0;
}

static int add_source(struct builder *b, const struct env_source *from, struct error *err)
{
	const char *prefix = from->prefix ? from->prefix : "";
	const struct data_object *o = NULL;
	int r = get_object(b, from->secret ? DATA_SECRET : DATA_CONFIG, from->object, &o, err);

	if (r == -ENOENT)
		return from->optional ? 0 : missing(err);
	for (size_t i = 0; r == 0 && i < o->n; i++) {
		cleanup_free char *name = NULL;

		if (o->v[i].binary)
			continue;
		name = xasprintf("%s%s", prefix, o->v[i].key);
		r = check_text(o, &o->v[i], err);
		if (r == 0)
			set_variable(b, name, o->v[i].bytes);
	}
	return r;
}

/* ---- values ----------------------------------------------------------------------------- */

/* Borrowed from the object. 1: there is none, and need not be. */
static int get_key(struct builder *b, const struct value_part *p, const char **ret,
		   struct error *err)
{
	enum data_kind kind = p->kind == VALUE_SECRET ? DATA_SECRET : DATA_CONFIG;
	const struct data_entry *e = NULL;
	const struct data_object *o = NULL;
	int r = get_object(b, kind, p->object, &o, err);

	if (r == 0)
		e = data_object_find(o, p->text ? p->text : "");
	if (r == 0 && (!e || e->binary))
		r = error_set(err, ENOENT, "%s '%s' has no key '%s'", kind_name((int)kind),
			      p->object, p->text);
	if (r == -ENOENT)
		return p->optional ? 1 : missing(err);
	if (r < 0)
		return r;
	r = check_text(o, e, err);
	*ret = e->bytes;
	return r;
}

static int add_part(struct builder *b, const struct value_part *p, struct buf *out,
		    struct error *err)
{
	const struct field_context *f = &b->s->fields;
	cleanup_free char *own = NULL;
	const char *text = NULL;
	int r = 0;

	if (p->kind == VALUE_LITERAL)
		text = p->text;
	else if (p->kind == VALUE_VARIABLE)
		text = pairlist_get(b->vars, p->text ? p->text : "");
	else if (p->kind == VALUE_FIELD)
		r = field_resolve(f, p->text, &own, err);
	else if (p->kind == VALUE_RESOURCE)
		r = resource_resolve(f, p->text, p->object, p->divisor, &own, err);
	else
		r = get_key(b, p, &text, err);
	if (r)
		return r;
	if (p->kind == VALUE_VARIABLE && !text)
		buf_printf(out, "$(%s)", p->text ? p->text : "");
	else if (own || text)
		buf_adds(out, own ? own : text);
	return out->overflow ? error_set(err, E2BIG, "is too long") : 0;
}

static void wipe(struct buf *b)
{
	if (b->data)
		explicit_bzero(b->data, b->cap);
	buf_done(b);
}

static int add_declared(struct builder *b, const struct env_var *e, struct error *err)
{
	struct buf out = BUF_INIT(TEXT_MAX);
	int r = 0;

	for (size_t i = 0; r == 0 && i < e->value.n; i++)
		r = add_part(b, &e->value.v[i], &out, err);
	if (r == 0)
		set_variable(b, e->name, out.data ? out.data : "");
	wipe(&out);
	return r;
}

/* ---- all of it -------------------------------------------------------------------------- */

static void add_defaults(const struct builder *b)
{
	const struct container_spec *spec = b->s->fields.container;
	const struct strlist *image = &spec->config.env;

	command_set_env(b->env, "PATH", COMMAND_PATH_DEFAULT);
	command_set_env(b->env, "HOSTNAME", b->s->hostname);
	command_set_env(b->env, "HOME", b->s->home);
	command_set_env(b->env, "container", "podium");
	/* One made by hand has it always, as Podman gives it. */
	if (spec->tty || !b->s->fields.pod->owner)
		command_set_env(b->env, "TERM", "xterm");
	for (size_t i = 0; i < image->n; i++) {
		size_t n = strcspn(image->v[i], "=");
		cleanup_free char *name = xstrndup(image->v[i], n);

		if (n > 0 && image->v[i][n])
			command_set_env(b->env, name, image->v[i] + n + 1);
	}
}

/* --unsetenv: of what nobody declared for this container. */
static void unset(struct strlist *env, const struct container_spec *spec)
{
	size_t kept = 0;

	for (size_t i = 0; i < env->n; i++) {
		cleanup_free char *name = xstrndup(env->v[i], strcspn(env->v[i], "="));

		if (spec->unset_env_all || strlist_has(&spec->unset_env, name))
			free(env->v[i]);
		else
			env->v[kept++] = env->v[i];
	}
	if (env->v)
		env->v[kept] = NULL;
	env->n = kept;
}

/* 1 is "not there, and need not be". */
static int settle(const struct builder *b, int r)
{
	return r > 0 || (r < 0 && b->s->lenient) ? 0 : r;
}

int environment_build(const struct environment_source *s, struct strlist *ret_env,
		      struct pairlist *ret_vars, struct error *err)
{
	const struct container_spec *spec = s->fields.container;
	struct builder b = { .s = s, .env = ret_env, .vars = ret_vars };
	int r = 0;

	add_defaults(&b);
	unset(ret_env, spec);
	for (size_t i = 0; r == 0 && i < spec->env_from.n; i++)
		r = settle(&b, add_source(&b, &spec->env_from.v[i], err));
	if (r < 0)
		(void)error_wrap(err, "environment");
	for (size_t i = 0; r == 0 && i < spec->env.n; i++) {
		r = settle(&b, add_declared(&b, &spec->env.v[i], err));
		if (r < 0)
			(void)error_wrap(err, "variable '%s'", spec->env.v[i].name);
	}
	forget_objects(&b);
	return r;
}

void environment_forget(struct pairlist *vars)
{
	for (size_t i = 0; i < vars->n; i++)
		explicit_bzero(vars->v[i].value, strlen(vars->v[i].value));
	pairlist_done(vars);
}

bool environment_needs_addresses(const struct container_spec *spec)
{
	for (size_t i = 0; i < spec->env.n; i++) {
		const struct value *v = &spec->env.v[i].value;

		for (size_t j = 0; j < v->n; j++)
			if (v->v[j].kind == VALUE_FIELD && v->v[j].text &&
			    is_prefix(v->v[j].text, "status."))
				return true;
	}
	return false;
}
