/* SPDX-License-Identifier: Apache-2.0 */
/*
 * template - the part of Go's text/template that people use in --format, over JSON values.
 *
 * Text, {{pipelines}} with trim markers and comments, .Field chains, $variables, literals,
 * if/else if/else, range/else, with/else, break, continue, end; the functions of Go (and or not eq
 * ne lt le gt ge index slice len print printf println) and of Podman (json join split upper lower
 * title pad truncate). define, template and block are refused by name.
 */
#ifndef PODIUM_CMD_TEMPLATE_H
#define PODIUM_CMD_TEMPLATE_H

#include <jansson.h>

#include "engine/base/error.h"
#include "engine/base/str.h"

#define TEMPLATE_MAX_BYTES  65536
#define TEMPLATE_MAX_OUTPUT (64u << 20)

struct template;

/* Compiles. The caller frees *ret with template_free(). -EINVAL: what is wrong, with its line. */
int template_parse(const char *text, struct template **ret, struct error *err) must_check;
void template_free(struct template *t);

/* Expands over one value (".") and appends to out. -EINVAL: names the field or function. */
int template_run(const struct template *t, const json_t *dot, struct buf *out,
		 struct error *err) must_check;

/* The names of all fields that the template reads, in order. */
void template_fields(const struct template *t, struct strlist *ret);

/* A member of an object under this key holds an object of texts that templates see instead of the
 * member of the same name: {{.Created}} is "2 minutes ago" where JSON has a number. Never printed.
 */
#define TEMPLATE_TEXTS ""

/* The member that a template means by the name: the text, or the member, ID as Id. Borrowed; NULL.
 */
json_t *template_member(const json_t *obj, const char *name);
/* The value without the members called TEMPLATE_TEXTS, which are not for JSON. New reference. */
json_t *template_without_texts(const json_t *v);

#endif
