/* SPDX-License-Identifier: Apache-2.0 */
/*
 * template_eval - walks the tree of a template over one JSON value.
 *
 * Theory of operation: every value is a JSON value that the evaluator holds a reference of; what is
 * absent is null. Variables stand on a stack that a block cuts back when it ends. A pipe evaluates
 * its commands from left to right, each with the value of the one before as its last argument.
 * `and` and `or` stop at the first operand that decides.
 *
 * Fields: an object whose keys are all spelled as Go exports them stands for a Go struct, and a
 * field that it has not is an error that names it (a typo in --format must not print nothing); any
 * other object is a map, and an absent key is "<no value>", as in Go.
 *
 * Limits: TEMPLATE_MAX_STEPS nodes and operands visited, TEMPLATE_MAX_OUTPUT bytes: nested ranges
 * over big lists end with an error. Depth is bounded by the parser.
 */
#include <errno.h>
#include <string.h>

#include "cmd/podium/base/internal.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"

struct variable {
	const char *name;
	json_t *value;
};

enum flow { FLOW_ON, FLOW_BREAK, FLOW_CONTINUE };

struct run {
	json_t *root;
	struct buf *out;
	struct variable *vars;
	size_t n_vars;
	size_t steps;
	enum flow flow;
	int line;
	struct error *err;
};

static int eval_pipe(struct run *run, const struct template_pipe *pipe, json_t *dot, json_t **ret);
static int run_block(struct run *run, const struct template_block *b, json_t *dot);

static int count_step(struct run *run)
{
	if (++run->steps > TEMPLATE_MAX_STEPS)
		return error_set(run->err, EINVAL, "template: more than %d steps",
				 TEMPLATE_MAX_STEPS);
	if (run->out->overflow)
		return error_set(run->err, EFBIG, "template: more than %u bytes of output",
				 TEMPLATE_MAX_OUTPUT);
	return 0;
}

/* ---- variables -------------------------------------------------------------------------- */

static void push_variable(struct run *run, const char *name, json_t *value)
{
	run->vars = xreallocarray(run->vars, run->n_vars + 1, sizeof(*run->vars));
	run->vars[run->n_vars++] = (struct variable){ name, json_incref(value) };
}

static void pop_variables(struct run *run, size_t n)
{
	while (run->n_vars > n)
		json_decref(run->vars[--run->n_vars].value);
}

/* The innermost one; the parser has made sure that it is there. */
static struct variable *find_variable(const struct run *run, const char *name)
{
	for (size_t i = run->n_vars; i > 0; i--)
		if (strcmp(run->vars[i - 1].name, name) == 0)
			return &run->vars[i - 1];
	return NULL;
}

static void set_variable(struct run *run, const struct template_pipe *pipe, size_t i, json_t *value)
{
	struct variable *v = pipe->declares ? NULL : find_variable(run, pipe->vars[i]);

	if (!v) {
		push_variable(run, pipe->vars[i], value);
		return;
	}
	json_decref(v->value);
	v->value = json_incref(value);
}

/* ---- operands --------------------------------------------------------------------------- */

json_t *template_member(const json_t *obj, const char *name)
{
	json_t *v = json_object_get(json_object_get(obj, TEMPLATE_TEXTS), name);
	size_t len = strlen(name);
	char other[64];

	if (!v)
		v = json_object_get(obj, name);
	if (v || len < 2 || len >= sizeof(other) || name[len - 2] != 'I')
		return v;
	/* Go spells ImageID what JSON calls ImageId, and people type both. */
	if (name[len - 1] != 'd' && name[len - 1] != 'D')
		return NULL;
	memcpy(other, name, len + 1);
	other[len - 1] = name[len - 1] == 'd' ? 'D' : 'd';
	v = json_object_get(json_object_get(obj, TEMPLATE_TEXTS), other);
	return v ? v : json_object_get(obj, other);
}

/* Replaces *value (a reference) by its field. */
static int eval_field(struct run *run, json_t **value, const char *name)
{
	json_t *field = *name ? template_member(*value, name) : NULL;

	if (!field && (!json_is_object(*value) || is_template_struct(*value)))
		return error_set(run->err, EINVAL,
				 "template: line %d: can't evaluate field %.80s in type %s",
				 run->line, name, template_type(*value));
	field = field ? json_incref(field) : json_null();
	json_decref(*value);
	*value = field;
	return 0;
}

static int eval_call(struct run *run, const struct template_command *c,
		     const struct template_operand *f, json_t *dot, json_t *last, json_t **ret);

static int eval_operand(struct run *run, const struct template_operand *o, json_t *dot,
			json_t **ret)
{
	json_t *v = NULL;
	int r = count_step(run);

	if (r < 0)
		return r;
	switch (o->kind) {
	case OPERAND_DOT:
		v = json_incref(dot);
		break;
	case OPERAND_VAR:
		v = json_incref(o->name[1] ? find_variable(run, o->name)->value : run->root);
		break;
	case OPERAND_CONST:
		v = json_incref(o->value);
		break;
	case OPERAND_FUNC:
		r = eval_call(run, NULL, o, dot, NULL, &v);
		break;
	case OPERAND_PIPE:
		r = eval_pipe(run, o->pipe, dot, &v);
		break;
	}
	for (size_t i = 0; r == 0 && i < o->n_fields; i++)
		r = eval_field(run, &v, o->fields[i]);
	if (r < 0) {
		json_decref(v);
		return r;
	}
	*ret = v;
	return 0;
}

/* and: the first false operand, or the last; or: the first true one. */
static int eval_and_or(struct run *run, const struct template_command *c, bool is_or, json_t *dot,
		       json_t *last, json_t **ret)
{
	json_t *v = NULL;

	for (size_t i = 1; c && i < c->n; i++) {
		int r;

		json_decref(v);
		v = NULL;
		r = eval_operand(run, &c->v[i], dot, &v);
		if (r < 0)
			return r;
		if (is_template_true(v) == is_or) {
			*ret = v;
			return 0;
		}
	}
	if (last) {
		json_decref(v);
		v = json_incref(last);
	}
	*ret = v;
	return v ? 0
		 : error_set(run->err, EINVAL, "template: line %d: '%s' needs an argument",
			     run->line, is_or ? "or" : "and");
}

static int check_count(struct run *run, const struct template_func *f, size_t n)
{
	if (n < f->min_args || n > f->max_args)
		return error_set(run->err, EINVAL,
				 "template: line %d: wrong number of arguments for '%s': %zu",
				 run->line, f->name, n);
	return 0;
}

/* f: the function; c: its command (NULL: no arguments); last: the value piped in, or NULL. */
static int eval_call(struct run *run, const struct template_command *c,
		     const struct template_operand *f, json_t *dot, json_t *last, json_t **ret)
{
	json_t *args[TEMPLATE_MAX_ARGS + 1] = { NULL };
	struct error inner = { 0 };
	size_t n = 0;
	int r = 0;

	if (!f->func->call)
		return eval_and_or(run, c, f->func->name[0] == 'o', dot, last, ret);
	for (; c && r == 0 && n + 1 < c->n; n++)
		r = eval_operand(run, &c->v[n + 1], dot, &args[n]);
	if (r == 0 && last)
		args[n++] = json_incref(last);
	if (r == 0)
		r = check_count(run, f->func, n);
	if (r == 0) {
		r = f->func->call(args, n, ret, &inner);
		if (r < 0)
			r = error_set(run->err, EINVAL, "template: line %d: %s: %s", run->line,
				      f->func->name, inner.text);
	}
	for (size_t i = 0; i < n; i++)
		json_decref(args[i]);
	return r;
}

static int eval_command(struct run *run, const struct template_command *c, json_t *dot,
			json_t *last, json_t **ret)
{
	if (c->v[0].kind == OPERAND_FUNC && c->v[0].n_fields == 0)
		return eval_call(run, c, &c->v[0], dot, last, ret);
	if (c->n > 1 || last)
		return error_set(run->err, EINVAL,
				 "template: line %d: a value has arguments but is no function",
				 run->line);
	return eval_operand(run, &c->v[0], dot, ret);
}

/* The value of a pipe; its variables are not set yet. */
static int eval_pipe_value(struct run *run, const struct template_pipe *pipe, json_t *dot,
			   json_t **ret)
{
	json_t *v = NULL;

	for (size_t i = 0; i < pipe->n; i++) {
		json_t *next = NULL;
		int r;

		run->line = pipe->line;
		r = eval_command(run, &pipe->v[i], dot, v, &next);
		json_decref(v);
		if (r < 0)
			return r;
		v = next;
	}
	*ret = v;
	return 0;
}

static int eval_pipe(struct run *run, const struct template_pipe *pipe, json_t *dot, json_t **ret)
{
	int r = eval_pipe_value(run, pipe, dot, ret);

	if (r == 0 && pipe->n_vars)
		set_variable(run, pipe, 0, *ret);
	return r;
}

/* ---- nodes ------------------------------------------------------------------------------ */

/* One turn of a range. Returns 0 to go on, 1 after break. */
static int run_turn(struct run *run, const struct template_node *node, json_t *key, json_t *value)
{
	size_t n_vars = run->n_vars;
	int r = count_step(run);

	if (r < 0)
		return r;
	if (node->pipe->n_vars == 2)
		set_variable(run, node->pipe, 0, key);
	if (node->pipe->n_vars)
		set_variable(run, node->pipe, node->pipe->n_vars - 1, value);
	r = run_block(run, node->body, value);
	pop_variables(run, n_vars);
	if (r == 0)
		r = run->flow == FLOW_BREAK;
	run->flow = FLOW_ON;
	return r;
}

static int range_list(struct run *run, const struct template_node *node, const json_t *list)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < json_array_size(list); i++) {
		cleanup_json json_t *key = json_integer((json_int_t)i);

		r = run_turn(run, node, key, json_array_get(list, i));
	}
	return r < 0 ? r : 0;
}

static int range_map(struct run *run, const struct template_node *node, const json_t *map)
{
	size_t n = 0;
	cleanup_free const char **keys = template_sorted_keys(map, &n);
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++) {
		cleanup_json json_t *key = json_string(keys[i]);

		r = run_turn(run, node, key, json_object_get(map, keys[i]));
	}
	return r < 0 ? r : 0;
}

static int run_range(struct run *run, const struct template_node *node, json_t *dot)
{
	cleanup_json json_t *v = NULL;
	int r = eval_pipe_value(run, node->pipe, dot, &v);

	if (r < 0)
		return r;
	if (!is_template_true(v) && !json_is_number(v) && !json_is_boolean(v))
		return node->otherwise ? run_block(run, node->otherwise, dot) : 0;
	if (json_is_array(v))
		return range_list(run, node, v);
	if (json_is_object(v) && !is_template_struct(v))
		return range_map(run, node, v);
	return error_set(run->err, EINVAL, "template: line %d: range can't iterate over type %s",
			 node->line, template_type(v));
}

static int run_if(struct run *run, const struct template_node *node, json_t *dot)
{
	cleanup_json json_t *v = NULL;
	size_t n_vars = run->n_vars;
	int r = eval_pipe(run, node->pipe, dot, &v);

	if (r == 0 && is_template_true(v))
		r = run_block(run, node->body, node->kind == NODE_WITH ? v : dot);
	else if (r == 0 && node->otherwise)
		r = run_block(run, node->otherwise, dot);
	pop_variables(run, n_vars);
	return r;
}

static int run_action(struct run *run, const struct template_node *node, json_t *dot)
{
	cleanup_json json_t *v = NULL;
	int r = eval_pipe(run, node->pipe, dot, &v);

	if (r == 0 && node->pipe->n_vars == 0)
		template_print_value(v, false, run->out);
	return r;
}

static int run_node(struct run *run, const struct template_node *node, json_t *dot)
{
	int r = count_step(run);

	if (r < 0)
		return r;
	switch (node->kind) {
	case NODE_TEXT:
		buf_adds(run->out, node->text);
		return 0;
	case NODE_ACTION:
		return run_action(run, node, dot);
	case NODE_IF:
	case NODE_WITH:
		return run_if(run, node, dot);
	case NODE_RANGE:
		return run_range(run, node, dot);
	case NODE_BREAK:
		run->flow = FLOW_BREAK;
		return 0;
	case NODE_CONTINUE:
		run->flow = FLOW_CONTINUE;
		return 0;
	}
	return 0;
}

static int run_block(struct run *run, const struct template_block *b, json_t *dot)
{
	size_t n_vars = run->n_vars;
	int r = 0;

	for (size_t i = 0; r == 0 && i < b->n && run->flow == FLOW_ON; i++)
		r = run_node(run, &b->v[i], dot);
	pop_variables(run, n_vars);
	return r;
}

int template_run(const struct template *t, const json_t *dot, struct buf *out, struct error *err)
{
	json_t *root = (json_t *)(uintptr_t)dot; /* only its reference count is touched */
	struct run run = { .root = root, .out = out, .err = err };
	int r = run_block(&run, t->top, root);

	pop_variables(&run, 0);
	free(run.vars);
	return r < 0 ? r : count_step(&run);
}
