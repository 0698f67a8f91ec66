/* SPDX-License-Identifier: Apache-2.0 */
/* internal - what the files of the template language share. */
#ifndef PODIUM_CMD_INTERNAL_H
#define PODIUM_CMD_INTERNAL_H

#include <jansson.h>
#include <stdbool.h>

#include "cmd/podium/base/template.h"
#include "engine/base/error.h"
#include "engine/base/str.h"

#define TEMPLATE_MAX_DEPTH 50	   /* blocks and parentheses in each other */
#define TEMPLATE_MAX_ARGS  64	   /* operands of one call */
#define TEMPLATE_MAX_STEPS 5000000 /* nodes visited in one expansion */

/* ---- tokens (template_lex.c) ---- */

enum token_kind {
	TOKEN_TEXT,    /* outside of actions */
	TOKEN_OPEN,    /* {{ */
	TOKEN_CLOSE,   /* }} */
	TOKEN_DOT,     /* . alone */
	TOKEN_FIELD,   /* .Name: text is Name; glued: no space before it */
	TOKEN_VAR,     /* $name: text has the $ */
	TOKEN_WORD,    /* function or keyword */
	TOKEN_CONST,   /* value: string, number, character, true, false, nil */
	TOKEN_PIPE,    /* | */
	TOKEN_LEFT,    /* ( */
	TOKEN_RIGHT,   /* ) */
	TOKEN_DECLARE, /* := */
	TOKEN_ASSIGN,  /* = */
	TOKEN_COMMA,   /* , */
	TOKEN_END,
};
struct token {
	enum token_kind kind;
	bool glued;
	int line;
	char *text;    /* owned by the list */
	json_t *value; /* owned by the list */
};
struct token_list {
	struct token *v;
	size_t n;
};
/* The last token is TOKEN_END. */
int template_lex(const char *text, struct token_list *ret, struct error *err) must_check;
void template_tokens_done(struct token_list *l);

/* ---- the tree (template_parse.c) ---- */

struct template_pipe;
struct template_func;

enum operand_kind { OPERAND_DOT, OPERAND_VAR, OPERAND_CONST, OPERAND_FUNC, OPERAND_PIPE };
struct template_operand {
	enum operand_kind kind;
	const char *name; /* VAR, FUNC: borrowed from the tokens */
	json_t *value;	  /* CONST: borrowed from the tokens */
	const struct template_func *func;
	struct template_pipe *pipe;
	const char **fields; /* .A.B after it: borrowed texts */
	size_t n_fields;
};
struct template_command {
	struct template_operand *v;
	size_t n;
};
struct template_pipe {
	int line;
	const char *vars[2]; /* $i, $e := ... */
	size_t n_vars;
	bool declares; /* := and not = */
	struct template_command *v;
	size_t n;
};

enum node_kind {
	NODE_TEXT,
	NODE_ACTION,
	NODE_IF,
	NODE_RANGE,
	NODE_WITH,
	NODE_BREAK,
	NODE_CONTINUE
};
struct template_block;
struct template_node {
	enum node_kind kind;
	int line;
	const char *text;
	struct template_pipe *pipe;
	struct template_block *body;
	struct template_block *otherwise; /* or NULL */
};
struct template_block {
	struct template_node *v;
	size_t n;
};
struct template
{
	struct token_list tokens;
	struct template_block *top;
};

/* ---- functions and values (template_funcs.c, template_printf.c, template_value.c) ---- */

/* args are borrowed; *ret is a new reference. */
typedef int template_call(json_t **args, size_t n, json_t **ret, struct error *err);
struct template_func {
	const char *name;
	template_call *call; /* NULL: and, or - they evaluate no more than they need */
	size_t min_args;
	size_t max_args;
};
const struct template_func *template_find_func(const char *name);
template_call template_call_printf;

bool is_template_true(const json_t *v);
/* As Go's %v; `nested` inside a list or map. */
void template_print_value(const json_t *v, bool nested, struct buf *out);
/* "string", "int", ... for messages. */
const char *template_type(const json_t *v);
/* A struct (all keys as Go exports them) as against a map: an unknown field of it is an error. */
bool is_template_struct(const json_t *v);
/* Keys of a map in order, TEMPLATE_TEXTS left out. The caller frees the array only. */
const char **template_sorted_keys(const json_t *v, size_t *ret_n);
/* Adds runes: how many code points the text has, bytes that are no UTF-8 counting one each. */
size_t template_rune_count(const char *s);

#endif
