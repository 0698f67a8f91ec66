/* SPDX-License-Identifier: Apache-2.0 */
/*
 * oracle - outside judges of what kube/ writes.
 *
 * The walk reads a document with our own reader (which test_encode.c compares with others) and then
 * asks only testdata/k8s-fields.json, not the tables of schemas/: so an error in the tables shows.
 */
#include "tests/support/oracle.h"

#include <fcntl.h>
#include <jansson.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/fs.h"
#include "engine/base/json.h"
#include "engine/base/str.h"
#include "kube/document.h"

#define MAX_OUTPUT ((size_t)16 << 20)

static void child(char *const *argv, const char *err_path, int out)
{
	int in = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int err = open(err_path ? err_path : "/dev/null", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
		       0600);

	(void)dup2(in, 0);
	(void)dup2(out, 1);
	(void)dup2(err, 2);
	(void)execvp(argv[0], argv);
	_exit(127);
}

int oracle_run(char *const *argv, const char *err_path, char **ret_out)
{
	struct buf out = BUF_INIT(MAX_OUTPUT);
	int fds[2], status = 0;
	char chunk[4096];
	ssize_t n;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return 127;
	pid = fork();
	if (pid == 0)
		child(argv, err_path, fds[1]);
	(void)close(fds[1]);
	while (pid > 0 && (n = read(fds[0], chunk, sizeof(chunk))) > 0)
		buf_add(&out, chunk, (size_t)n);
	(void)close(fds[0]);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		status = 127 << 8;
	if (ret_out)
		*ret_out = buf_steal(&out);
	else
		buf_done(&out);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

bool oracle_has(char *const *argv)
{
	return oracle_run(argv, NULL, NULL) == 0;
}

char *oracle_temp(const char *text, size_t len)
{
	char *path = xstrdup("/tmp/podium-test-XXXXXX");
	int fd = mkstemp(path);

	if (fd < 0 || fs_write_all(fd, text, len) < 0)
		abort();
	(void)close(fd);
	return path;
}

/* ---- the walk ---------------------------------------------------------------------------------
 */

/* What people write is read more kindly than what we write: see oracle_walk_input(). */
static bool is_input;

/* The list calls quantities texts; kubectl takes numbers for them too. */
static bool is_quantity(const char *path)
{
	static const char *const names[] = { ".limits[",   ".requests[", ".capacity[",
					     ".overhead[", ".sizeLimit", ".divisor" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strstr(path, names[i]))
			return true;
	return false;
}

static bool is_taken_kindly(const char *type, const struct node *n, const char *path)
{
	if (!is_input)
		return false;
	if (strcmp(type, "string") == 0)
		return is_quantity(path) && (n->kind == NODE_INT || n->kind == NODE_FLOAT);
	return is_prefix(type, "number") && n->kind == NODE_FLOAT && n->scalar.whole;
}

static char *walk_value(json_t *models, const char *type, const struct node *n, const char *path);

static char *complain(const char *path, const char *type, const struct node *n)
{
	return xasprintf("%s: want %s, have %s '%.60s'", path, type, node_kind_str(n), n->text);
}

static char *walk_model(json_t *models, const char *model, const struct node *n, const char *path)
{
	json_t *fields = json_object_get(models, model);

	if (n->kind != NODE_MAP)
		return complain(path, model, n);
	for (size_t i = 0; i < n->n; i++) {
		const char *key = n->entries[i].key;
		const char *type = json_string_value(json_object_get(fields, key));
		cleanup_free char *inner = xasprintf("%s.%s", path, key);
		char *bad;

		if (!type)
			return xasprintf("%s: no such field in %s", inner, model);
		bad = walk_value(models, type, n->entries[i].value, inner);
		if (bad)
			return bad;
	}
	return NULL;
}

static char *walk_children(json_t *models, const char *type, const struct node *n, const char *path)
{
	for (size_t i = 0; i < n->n; i++) {
		const struct node *at = n->kind == NODE_MAP ? n->entries[i].value : n->items[i];
		cleanup_free char *inner = xasprintf("%s[%zu]", path, i);
		char *bad = walk_value(models, type, at, inner);

		if (bad)
			return bad;
	}
	return NULL;
}

static char *walk_array(json_t *models, const char *type, const struct node *n, const char *path)
{
	const char *inner = type + strlen("Array<"), *end = strchr(type, '>');
	cleanup_free char *item = xstrndup(inner, (size_t)(end - inner));
	cleanup_free char *with_format = xasprintf("%s%s", item, end + 1);

	if (n->kind != NODE_LIST)
		return complain(path, type, n);
	return walk_children(models, with_format, n, path);
}

static char *walk_value(json_t *models, const char *type, const struct node *n, const char *path)
{
	bool good;

	if (is_input && n->kind == NODE_NULL)
		return NULL; /* as if it were not there */
	if (is_prefix(type, "Array<"))
		return walk_array(models, type, n, path);
	if (type[0] == '{')
		return n->kind == NODE_MAP ? walk_children(models, "string", n, path)
					   : complain(path, type, n);
	if (json_object_get(models, type))
		return walk_model(models, type, n, path);
	if (strcmp(type, "string") == 0 || is_prefix(type, "Date"))
		good = n->kind == NODE_STRING;
	else if (is_prefix(type, "number"))
		good = n->kind == NODE_INT;
	else if (strcmp(type, "boolean") == 0)
		good = n->kind == NODE_BOOL;
	else if (is_prefix(type, "IntOrString"))
		good = n->kind == NODE_INT || n->kind == NODE_STRING;
	else
		good = strcmp(type, "any") == 0 || n->kind == NODE_MAP;
	return good || is_taken_kindly(type, n, path) ? NULL : complain(path, type, n);
}

static char *walk_as(const char *model, const char *yaml)
{
	static json_t *models; /* read once */
	cleanup_doc_set struct doc_set set = { 0 };
	struct doc_place where;
	cleanup_free char *of_kind = NULL;
	const struct node *kind;
	struct error err = { 0 };

	if (!models &&
	    jload_file(AT_FDCWD, "testdata/k8s-fields.json", (size_t)1 << 20, &models, &err) < 0)
		return xstrdup(err.text);
	if (document_parse(yaml, strlen(yaml), &set, &where, &err) < 0)
		return xasprintf("line %d: %s", where.line, err.text);
	if (set.n != 1)
		return xasprintf("%zu documents", set.n);
	kind = node_get(set.v[0], "kind");
	of_kind = kind ? xasprintf("V1%s", kind->text) : NULL;
	if (!model && !of_kind)
		return xstrdup("no kind");
	return walk_model(models, model ? model : of_kind, set.v[0], model ? "Pod" : kind->text);
}

char *oracle_walk_pod(const char *yaml)
{
	return walk_as("V1Pod", yaml);
}

char *oracle_walk(const char *yaml)
{
	return walk_as(NULL, yaml);
}

char *oracle_walk_input(const char *yaml)
{
	char *ret;

	is_input = true;
	ret = walk_as(NULL, yaml);
	is_input = false;
	return ret;
}

int oracle_kubectl(const char *text, size_t len, char **ret_out)
{
	cleanup_free char *file = oracle_temp(text, len);
	char *const argv[] = { (char *)"kubectl",
			       (char *)"annotate",
			       (char *)"--local",
			       (char *)"-o",
			       (char *)"json",
			       (char *)"-f",
			       file,
			       (char *)"x=y",
			       NULL };
	int r = oracle_run(argv, NULL, ret_out);

	(void)unlink(file);
	return r;
}
