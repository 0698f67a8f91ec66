/* SPDX-License-Identifier: Apache-2.0 */
/*
 * toml - TOML 1.0 into a tree.
 *
 * Theory of operation: one pass over the lines. A header ([a.b], [[a.b]]) walks from the root and
 * sets the table that the following keys go into; a key (a.b.c = value) walks from that table. Both
 * make what is missing on their way, and each table remembers how it came to be, because that is
 * what decides who may add to it:
 *
 *	made by		[a]	[a.b] passes	a.b = 1 passes	[[a]]
 *	BY_HEADER	no	yes		no		no
 *	BY_PATH		yes	yes		no		no
 *	BY_DOTS		no	yes		yes		no
 *	BY_VALUE	no	no		no		no
 *	BY_DOUBLES	no	into its last	no		one more
 *
 * So nothing is ever said twice, and a value in braces or brackets is complete where it ends.
 *
 * Limits: the bytes of the text, the nodes of the tree, and its depth, which also bounds the
 * recursion of values and of toml_free(). Looking up a key is a walk over its table; that bounds
 * the work at nodes squared, some tenths of a second for the worst text there is.
 */
#include "engine/image/toml.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "engine/base/fs.h"
#include "engine/base/str.h"
#include "engine/image/toml_scan.h"

struct parser {
	struct toml_scan s;
	struct toml_scan key; /* where the last part of a key began */
	struct toml *root;
	struct toml *table; /* where the keys go */
	size_t nodes;
};

const char *toml_type_str(enum toml_type type)
{
	static const char *const names[] = { "string", "integer", "boolean", "float",
					     "date",   "array",	  "table" };

	_Static_assert(ARRAY_SIZE(names) == TOML__COUNT, "a name for each type");
	return names[type];
}

void toml_free(struct toml *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->n; i++)
		toml_free(t->v[i]);
	free(t->v);
	free(t->key);
	free(t->text);
	free(t);
}

static struct toml *find(const struct toml *t, const char *key)
{
	for (size_t i = 0; i < t->n; i++)
		if (is_equal(t->v[i]->key, key))
			return t->v[i];
	return NULL;
}

const struct toml *toml_get(const struct toml *t, const char *key)
{
	return t && t->type == TOML_TABLE ? find(t, key) : NULL;
}

/* A new last member of parent, for the place where the scanner stands. Takes *key when it succeeds.
 */
static int add_node(struct parser *p, struct toml *parent, char **key, struct toml **ret,
		    struct error *err)
{
	struct toml *t;

	if (++p->nodes > TOML_NODES_MAX || parent->depth >= TOML_DEPTH_MAX) {
		(void)toml_fail(&p->s, err, "%s",
				p->nodes > TOML_NODES_MAX ? "too many keys and values"
							  : "nested too deeply");
		err->code = E2BIG;
		return -E2BIG;
	}
	if ((parent->n & (parent->n - 1)) == 0)
		parent->v = xreallocarray(parent->v, parent->n ? parent->n * 2 : 1,
					  sizeof(struct toml *));
	t = xcalloc(1, sizeof(*t));
	t->line = p->s.line;
	t->column = toml_column(&p->s);
	t->depth = parent->depth + 1;
	t->key = key ? steal_ptr(key) : NULL;
	parent->v[parent->n++] = t;
	*ret = t;
	return 0;
}

/* ---- tables ----------------------------------------------------------------------------- */

static int said_before(const struct parser *p, const struct toml *t, struct error *err)
{
	return toml_fail(&p->key, err, "'%.80s' is defined already, in line %d", t->key, t->line);
}

static int add_table(struct parser *p, struct toml *parent, char **key, enum toml_origin origin,
		     struct toml **ret, struct error *err)
{
	int r = add_node(p, parent, key, ret, err);

	if (r < 0)
		return r;
	(*ret)->type = TOML_TABLE;
	(*ret)->origin = origin;
	return 0;
}

/* One step of a path that goes on: by is BY_PATH in a header, BY_DOTS in a key. */
static int step(struct parser *p, struct toml **at, char **key, enum toml_origin by,
		struct error *err)
{
	struct toml *t = find(*at, *key);
	bool may_pass;

	if (!t)
		return add_table(p, *at, key, by, at, err);
	if (by == TOML_BY_PATH && t->origin == TOML_BY_DOUBLES) {
		*at = t->v[t->n - 1];
		return 0;
	}
	may_pass = t->type == TOML_TABLE &&
		   (by == TOML_BY_DOTS ? t->origin == TOML_BY_DOTS : t->origin != TOML_BY_VALUE);
	if (!may_pass)
		return said_before(p, t, err);
	*at = t;
	return 0;
}

/* Walks along a dotted key from *at; *at becomes the table of its last part, *ret that part. */
static int walk(struct parser *p, struct toml **at, enum toml_origin by, char **ret,
		struct error *err)
{
	for (;;) {
		cleanup_free char *key = NULL;
		int r;

		toml_skip_blanks(&p->s);
		p->key = p->s;
		r = toml_key(&p->s, &key, err);
		if (r < 0)
			return r;
		toml_skip_blanks(&p->s);
		if (!toml_take(&p->s, '.')) {
			*ret = steal_ptr(&key);
			return 0;
		}
		r = step(p, at, &key, by, err);
		if (r < 0)
			return r;
	}
}

/* [a.b] */
static int open_table(struct parser *p, struct toml *parent, char **key, struct error *err)
{
	struct toml *t = find(parent, *key);

	if (!t)
		return add_table(p, parent, key, TOML_BY_HEADER, &p->table, err);
	if (t->type != TOML_TABLE || t->origin != TOML_BY_PATH)
		return said_before(p, t, err);
	t->origin = TOML_BY_HEADER;
	t->line = p->s.line;
	p->table = t;
	return 0;
}

/* [[a.b]] */
static int open_element(struct parser *p, struct toml *parent, char **key, struct error *err)
{
	struct toml *t = find(parent, *key);
	int r = 0;

	if (!t) {
		r = add_node(p, parent, key, &t, err);
		if (r < 0)
			return r;
		t->type = TOML_ARRAY;
		t->origin = TOML_BY_DOUBLES;
	} else if (t->origin != TOML_BY_DOUBLES) {
		return said_before(p, t, err);
	}
	return add_table(p, t, NULL, TOML_BY_HEADER, &p->table, err);
}

static int take_header(struct parser *p, struct error *err)
{
	bool is_double = p->s.p[1] == '[';
	struct toml *at = p->root;
	cleanup_free char *key = NULL;
	int r;

	p->s.p += is_double ? 2 : 1;
	r = walk(p, &at, TOML_BY_PATH, &key, err);
	if (r < 0)
		return r;
	if (!toml_take(&p->s, ']') || (is_double && !toml_take(&p->s, ']')))
		return toml_fail(&p->s, err, "%s is expected here", is_double ? "']]'" : "']'");
	r = is_double ? open_element(p, at, &key, err) : open_table(p, at, &key, err);
	return r < 0 ? r : toml_end_line(&p->s, err);
}

/* ---- values ----------------------------------------------------------------------------- */

static int take_value(struct parser *p, struct toml *t, struct error *err);

/* key = value into a table. */
static int take_pair(struct parser *p, struct toml *table, struct error *err)
{
	cleanup_free char *key = NULL;
	struct toml *t;
	int r = walk(p, &table, TOML_BY_DOTS, &key, err);

	if (r < 0)
		return r;
	t = find(table, key);
	if (t)
		return said_before(p, t, err);
	if (!toml_take(&p->s, '='))
		return toml_fail(&p->s, err, "'=' is expected here");
	toml_skip_blanks(&p->s);
	r = add_node(p, table, &key, &t, err);
	return r < 0 ? r : take_value(p, t, err);
}

/* [1, 2, 3,] with line ends and comments anywhere. */
static int take_array(struct parser *p, struct toml *array, struct error *err)
{
	array->type = TOML_ARRAY;
	array->origin = TOML_BY_VALUE;
	for (;;) {
		struct toml *t;
		int r;

		toml_skip_lines(&p->s);
		if (toml_take(&p->s, ']'))
			return 0;
		r = add_node(p, array, NULL, &t, err);
		if (r == 0)
			r = take_value(p, t, err);
		if (r < 0)
			return r;
		toml_skip_lines(&p->s);
		if (toml_take(&p->s, ']'))
			return 0;
		if (!toml_take(&p->s, ','))
			return toml_fail(&p->s, err, "',' or ']' is expected here");
	}
}

/* { a = 1, b.c = 2 } in one line. */
static int take_inline_table(struct parser *p, struct toml *table, struct error *err)
{
	table->type = TOML_TABLE;
	table->origin = TOML_BY_VALUE;
	toml_skip_blanks(&p->s);
	if (toml_take(&p->s, '}'))
		return 0;
	for (;;) {
		int r = take_pair(p, table, err);

		if (r < 0)
			return r;
		toml_skip_blanks(&p->s);
		if (toml_take(&p->s, '}'))
			return 0;
		if (!toml_take(&p->s, ','))
			return toml_fail(&p->s, err, "',' or '}' is expected here");
	}
}

static int take_value(struct parser *p, struct toml *t, struct error *err)
{
	toml_skip_blanks(&p->s);
	if (*p->s.p == '"' || *p->s.p == '\'') {
		t->type = TOML_STRING;
		return toml_string(&p->s, &t->text, err);
	}
	if (toml_take(&p->s, '['))
		return take_array(p, t, err);
	if (toml_take(&p->s, '{'))
		return take_inline_table(p, t, err);
	return toml_bare(&p->s, t, err);
}

/* ---- the document ----------------------------------------------------------------------- */

static int take_document(struct parser *p, struct error *err)
{
	int r = toml_check_bytes(&p->s, err);

	while (r == 0) {
		toml_skip_lines(&p->s);
		if (p->s.p >= p->s.end)
			break;
		if (*p->s.p == '[') {
			r = take_header(p, err);
		} else {
			r = take_pair(p, p->table, err);
			if (r == 0)
				r = toml_end_line(&p->s, err);
		}
	}
	return r;
}

int toml_parse(const char *text, size_t len, const char *what, struct toml **ret, struct error *err)
{
	cleanup_free char *copy = NULL;
	cleanup_toml struct toml *root = NULL;
	struct parser p = { .nodes = 0 };
	int r;

	if (len > TOML_BYTES_MAX)
		return error_set(err, E2BIG, "'%.200s' is larger than %d bytes", what,
				 TOML_BYTES_MAX);
	copy = xmalloc(len + 1); /* a NUL behind the text is what every look ahead relies on */
	memcpy(copy, text, len);
	copy[len] = '\0';
	root = xcalloc(1, sizeof(*root));
	root->type = TOML_TABLE;
	p.root = p.table = root;
	p.s = (struct toml_scan){
		.what = what, .p = copy, .end = copy + len, .line_start = copy, .line = 1
	};
	if (len >= 3 && memcmp(copy, "\xef\xbb\xbf", 3) == 0)
		p.s.line_start = p.s.p += 3; /* a byte order mark, as editors leave it */
	r = take_document(&p, err);
	if (r < 0)
		return r;
	*ret = steal_ptr(&root);
	return 0;
}

int toml_parse_file(const char *path, struct toml **ret, struct error *err)
{
	cleanup_free char *text = NULL;
	size_t len = 0;
	int r = fs_read_file(AT_FDCWD, path, TOML_BYTES_MAX, &text, &len, err);

	return r < 0 ? r : toml_parse(text, len, path, ret, err);
}
