/* SPDX-License-Identifier: Apache-2.0 */
/*
 * template_parse - tokens to a tree.
 *
 * Theory of operation: recursive descent, one function a construct:
 *
 *	block    = { text | "{{" action "}}" }
 *	action   = pipe | if pipe | with pipe | range pipe | else [if|with pipe] | end
 *		 | break | continue
 *	pipe     = [ $v [, $v] (:= | =) ] command { "|" command }
 *	command  = operand { operand }
 *	operand  = (. | $v | constant | function | "(" pipe ")") { .Field }
 *
 * A block ends at an "end" or "else" that its owner then reads. "else if" is a block that holds one
 * `if` and shares its end. Variables are checked here (an undefined one is an error before anything
 * is printed), with a stack that a block cuts back when it ends; functions are looked up here, too.
 * The tree borrows texts and constants from the tokens, which it owns.
 *
 * Limits: TEMPLATE_MAX_DEPTH of blocks and parentheses, TEMPLATE_MAX_ARGS operands of one command.
 */
#include <errno.h>
#include <string.h>

#include "cmd/podium/base/internal.h"
#include "engine/base/mem.h"

struct parser {
	const struct token *at;
	int depth;
	int loops; /* ranges around: break and continue need one */
	struct strlist vars;
	struct error *err;
};

/* What ended a block. */
enum block_end { END_OF_TEXT, END_OF_BLOCK, END_BY_ELSE };

static int parse_pipe(struct parser *p, struct template_pipe **ret);
static int parse_block(struct parser *p, struct template_block **ret, enum block_end *ret_end);

static void block_free(struct template_block *b);

static void pipe_free(struct template_pipe *pipe)
{
	if (!pipe)
		return;
	for (size_t i = 0; i < pipe->n; i++) {
		for (size_t k = 0; k < pipe->v[i].n; k++) {
			pipe_free(pipe->v[i].v[k].pipe);
			free(pipe->v[i].v[k].fields);
		}
		free(pipe->v[i].v);
	}
	free(pipe->v);
	free(pipe);
}

static void block_free(struct template_block *b)
{
	if (!b)
		return;
	for (size_t i = 0; i < b->n; i++) {
		pipe_free(b->v[i].pipe);
		block_free(b->v[i].body);
		block_free(b->v[i].otherwise);
	}
	free(b->v);
	free(b);
}

static int fail(const struct parser *p, const char *what)
{
	return error_set(p->err, EINVAL, "template: line %d: %s", p->at->line, what);
}

static int enter(struct parser *p)
{
	if (++p->depth > TEMPLATE_MAX_DEPTH)
		return error_set(p->err, EINVAL, "template: line %d: nested deeper than %d",
				 p->at->line, TEMPLATE_MAX_DEPTH);
	return 0;
}

static bool is_word(const struct token *t, const char *word)
{
	return t->kind == TOKEN_WORD && strcmp(t->text, word) == 0;
}

static int close_action(struct parser *p)
{
	if (p->at->kind != TOKEN_CLOSE)
		return fail(p, "unexpected word or sign before '}}'");
	p->at++;
	return 0;
}

/* ---- operands and pipes ----------------------------------------------------------------- */

static bool is_operand_start(const struct token *t)
{
	switch (t->kind) {
	case TOKEN_DOT:
	case TOKEN_FIELD:
	case TOKEN_VAR:
	case TOKEN_WORD:
	case TOKEN_CONST:
	case TOKEN_LEFT:
		return true;
	default:
		return false;
	}
}

static void add_field(struct template_operand *o, const char *name)
{
	o->fields = xreallocarray(o->fields, o->n_fields + 1, sizeof(*o->fields));
	o->fields[o->n_fields++] = name;
}

static int parse_paren(struct parser *p, struct template_operand *o)
{
	int r = enter(p);

	o->kind = OPERAND_PIPE;
	p->at++;
	if (r == 0)
		r = parse_pipe(p, &o->pipe);
	p->depth--;
	if (r < 0)
		return r;
	if (p->at->kind != TOKEN_RIGHT)
		return fail(p, "a '(' without ')'");
	p->at++;
	return 0;
}

static int parse_word(struct parser *p, struct template_operand *o)
{
	o->kind = OPERAND_FUNC;
	o->name = p->at->text;
	o->func = template_find_func(o->name);
	if (!o->func)
		return error_set(p->err, EINVAL,
				 "template: line %d: function '%.60s' is not defined", p->at->line,
				 o->name);
	p->at++;
	return 0;
}

static int parse_operand(struct parser *p, struct template_operand *o)
{
	const struct token *t = p->at;
	int r = 0;

	switch (t->kind) {
	case TOKEN_FIELD:
		o->kind = OPERAND_DOT;
		add_field(o, t->text);
		p->at++;
		break;
	case TOKEN_VAR:
		o->kind = OPERAND_VAR;
		o->name = t->text;
		if (strcmp(t->text, "$") != 0 && !strlist_has(&p->vars, t->text))
			return error_set(p->err, EINVAL,
					 "template: line %d: undefined variable '%.60s'", t->line,
					 t->text);
		p->at++;
		break;
	case TOKEN_CONST:
		o->kind = OPERAND_CONST;
		o->value = t->value;
		p->at++;
		break;
	case TOKEN_WORD:
		r = parse_word(p, o);
		break;
	case TOKEN_LEFT:
		r = parse_paren(p, o);
		break;
	default: /* TOKEN_DOT: is_operand_start() */
		o->kind = OPERAND_DOT;
		p->at++;
	}
	for (; r == 0 && p->at->kind == TOKEN_FIELD && p->at->glued && o->kind != OPERAND_CONST;
	     p->at++)
		add_field(o, p->at->text);
	return r;
}

static int parse_command(struct parser *p, struct template_command *c)
{
	if (!is_operand_start(p->at))
		return fail(p, "a value is missing");
	while (is_operand_start(p->at)) {
		int r;

		if (c->n >= TEMPLATE_MAX_ARGS)
			return fail(p, "too many arguments");
		c->v = xreallocarray(c->v, c->n + 1, sizeof(*c->v));
		c->v[c->n] = (struct template_operand){ 0 };
		r = parse_operand(p, &c->v[c->n++]);
		if (r < 0)
			return r;
	}
	if (c->n > 1 && c->v[0].kind == OPERAND_CONST)
		return fail(p, "a constant cannot be called");
	return 0;
}

/* "$a :=", "$a, $b :=", "$a =". The variables count from the end of the pipe on. */
static int parse_declaration(struct parser *p, struct template_pipe *pipe)
{
	const struct token *t = p->at;
	size_t sign;

	if (t[0].kind != TOKEN_VAR)
		return 0;
	sign = t[1].kind == TOKEN_COMMA && t[2].kind == TOKEN_VAR ? 3 : 1;
	if (t[sign].kind != TOKEN_DECLARE && t[sign].kind != TOKEN_ASSIGN)
		return sign == 3 ? fail(p, "',' outside of a range declaration") : 0;
	for (size_t i = 0; i < sign; i += 2) {
		if (strcmp(t[i].text, "$") == 0)
			return fail(p, "'$' cannot be set");
		pipe->vars[pipe->n_vars++] = t[i].text;
	}
	pipe->declares = t[sign].kind == TOKEN_DECLARE;
	for (size_t i = 0; !pipe->declares && i < pipe->n_vars; i++)
		if (!strlist_has(&p->vars, pipe->vars[i]))
			return error_set(p->err, EINVAL,
					 "template: line %d: undefined variable '%.60s'", t->line,
					 pipe->vars[i]);
	p->at += sign + 1;
	return 0;
}

static int parse_pipe(struct parser *p, struct template_pipe **ret)
{
	struct template_pipe *pipe = xcalloc(1, sizeof(*pipe));
	int r;

	*ret = pipe; /* freed with the tree, also when it is half built */
	pipe->line = p->at->line;
	r = parse_declaration(p, pipe);
	while (r == 0) {
		pipe->v = xreallocarray(pipe->v, pipe->n + 1, sizeof(*pipe->v));
		pipe->v[pipe->n] = (struct template_command){ 0 };
		r = parse_command(p, &pipe->v[pipe->n++]);
		if (r == 0 && pipe->n > 1 && pipe->v[pipe->n - 1].v[0].kind != OPERAND_FUNC)
			r = fail(p, "only a function can follow '|'");
		if (r == 0 && p->at->kind != TOKEN_PIPE)
			break;
		p->at++;
	}
	for (size_t i = 0; r == 0 && pipe->declares && i < pipe->n_vars; i++)
		strlist_add(&p->vars, pipe->vars[i]);
	return r;
}

/* ---- blocks ----------------------------------------------------------------------------- */

static void forget_vars(struct parser *p, size_t n)
{
	while (p->vars.n > n)
		free(p->vars.v[--p->vars.n]);
	if (p->vars.v)
		p->vars.v[n] = NULL;
}

static int parse_control(struct parser *p, struct template_node *node);

/* After "else": "}}" and a block, or "if ..." as the only node of a block. */
static int parse_else(struct parser *p, struct template_node *node)
{
	enum block_end end;
	int r;

	if (p->at->kind == TOKEN_CLOSE) {
		p->at++;
		r = parse_block(p, &node->otherwise, &end);
		if (r == 0 && end != END_OF_BLOCK)
			r = fail(p, end == END_BY_ELSE ? "a second 'else'" : "'end' is missing");
		return r < 0 ? r : close_action(p);
	}
	if (!is_word(p->at, "if") && !is_word(p->at, "with"))
		return fail(p, "unexpected word after 'else'");
	node->otherwise = xcalloc(1, sizeof(*node->otherwise));
	node->otherwise->v = xcalloc(1, sizeof(*node->otherwise->v));
	node->otherwise->n = 1;
	r = enter(p);
	if (r == 0)
		r = parse_control(p, &node->otherwise->v[0]);
	p->depth--;
	return r;
}

/* if, range, with: from the keyword to after the "}}" of its end. */
static int parse_control(struct parser *p, struct template_node *node)
{
	size_t n_vars = p->vars.n;
	enum block_end end = END_OF_TEXT;
	int r;

	node->line = p->at->line;
	node->kind = is_word(p->at, "if")      ? NODE_IF
		     : is_word(p->at, "range") ? NODE_RANGE
					       : NODE_WITH;
	p->at++;
	p->loops += node->kind == NODE_RANGE;
	r = parse_pipe(p, &node->pipe);
	if (r == 0 && node->kind != NODE_RANGE && node->pipe->n_vars > 1)
		r = fail(p, "two variables outside of a range");
	if (r == 0)
		r = close_action(p);
	if (r == 0)
		r = parse_block(p, &node->body, &end);
	p->loops -= node->kind == NODE_RANGE;
	if (r < 0)
		return r;
	if (end == END_OF_TEXT)
		return error_set(p->err, EINVAL,
				 "template: unexpected end: 'end' of line %d is missing",
				 node->line);
	r = end == END_BY_ELSE ? parse_else(p, node) : close_action(p);
	forget_vars(p, n_vars);
	return r;
}

/* One action; *ret_end tells that it ends the block. */
static int parse_action(struct parser *p, struct template_block *b, enum block_end *ret_end)
{
	static const char *const refused[] = { "define", "template", "block" };
	struct template_node *node;

	if (p->at->kind == TOKEN_CLOSE) /* a comment, or nothing */
		return close_action(p);
	if (is_word(p->at, "end") || is_word(p->at, "else")) {
		*ret_end = is_word(p->at, "end") ? END_OF_BLOCK : END_BY_ELSE;
		p->at++;
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
		if (is_word(p->at, refused[i]))
			return error_set(p->err, EINVAL, "template: line %d: '%s' is not supported",
					 p->at->line, refused[i]);
	b->v = xreallocarray(b->v, b->n + 1, sizeof(*b->v));
	node = &b->v[b->n++];
	*node = (struct template_node){ .kind = NODE_ACTION, .line = p->at->line };
	if (is_word(p->at, "if") || is_word(p->at, "range") || is_word(p->at, "with"))
		return parse_control(p, node);
	if (is_word(p->at, "break") || is_word(p->at, "continue")) {
		node->kind = is_word(p->at, "break") ? NODE_BREAK : NODE_CONTINUE;
		if (!p->loops)
			return fail(p, "'break' or 'continue' outside of a range");
		p->at++;
		return close_action(p);
	}
	if (parse_pipe(p, &node->pipe) < 0)
		return -EINVAL;
	if (node->pipe->n_vars > 1)
		return fail(p, "two variables outside of a range");
	return close_action(p);
}

static int parse_block(struct parser *p, struct template_block **ret, enum block_end *ret_end)
{
	struct template_block *b = xcalloc(1, sizeof(*b));
	size_t n_vars = p->vars.n;
	int r = enter(p);

	*ret = b;
	*ret_end = END_OF_TEXT;
	while (r == 0 && p->at->kind != TOKEN_END && *ret_end == END_OF_TEXT) {
		const struct token *t = p->at++;

		if (t->kind == TOKEN_TEXT) {
			b->v = xreallocarray(b->v, b->n + 1, sizeof(*b->v));
			b->v[b->n++] = (struct template_node){ .kind = NODE_TEXT, .text = t->text };
		} else {
			r = parse_action(p, b, ret_end);
		}
	}
	p->depth--;
	forget_vars(p, n_vars);
	return r;
}

int template_parse(const char *text, struct template **ret, struct error *err)
{
	struct template *t = xcalloc(1, sizeof(*t));
	struct parser p = { .err = err };
	enum block_end end = END_OF_TEXT;
	int r = template_lex(text, &t->tokens, err);

	p.at = t->tokens.v;
	if (r == 0)
		r = parse_block(&p, &t->top, &end);
	if (r == 0 && end != END_OF_TEXT)
		r = fail(&p, end == END_BY_ELSE ? "unexpected 'else'" : "unexpected 'end'");
	strlist_done(&p.vars);
	if (r < 0) {
		template_free(t);
		return r;
	}
	*ret = t;
	return 0;
}

void template_fields(const struct template *t, struct strlist *ret)
{
	for (size_t i = 0; i < t->tokens.n; i++)
		if (t->tokens.v[i].kind == TOKEN_FIELD)
			strlist_add(ret, t->tokens.v[i].text);
}

void template_free(struct template *t)
{
	if (!t)
		return;
	block_free(t->top);
	template_tokens_done(&t->tokens);
	free(t);
}
