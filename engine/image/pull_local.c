/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pull_local - "oci:DIR[:TAG]", "oci-archive:FILE[:TAG]", "docker-archive:FILE[:NAME]", "dir:DIR".
 *
 * Theory of operation: these are loads (load.c) with a choice: which image of the source, and what it
 * is called when the source does not say: its path, as an image of this machine
 * ("localhost/srv/app:latest"). What is inside is as hostile as a registry's answer and goes the same
 * way.
 */
#include "engine/image/pull.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "engine/image/reference.h"
#include "engine/image/tarball.h"

struct transport {
	const char *prefix;
	bool is_dir;
	bool is_flat;
	bool is_single; /* without a tag there must be one image */
	bool has_ref;
};
static const struct transport transports[] = {
	{ "oci:", true, false, true, true },
	{ "dir:", true, true, true, false },
	{ "oci-archive:", false, false, true, true },
	{ "docker-archive:", false, false, false, true },
};

struct local {
	const struct store *store;
	const struct pull_item *item;
	load_report *report;
	void *arg;
};

static void tell(void *arg, const struct load_event *e)
{
	const struct local *l = arg;
	struct load_event own = *e;

	own.index = l->item->index;
	l->report(l->arg, &own);
}

/* The name that a path gives an image; NULL when it cannot be one. */
static char *name_of_path(const char *path)
{
	struct reference ref;
	struct error ignored;
	cleanup_free char *name = NULL;

	while (*path == '/' || is_prefix(path, "./"))
		path += *path == '/' ? 1 : 2;
	name = xasprintf("localhost/%s", path);
	return reference_parse(name, &ref, &ignored) == 0 ? steal_ptr(&name) : NULL;
}

static int load_dir(struct local *l, const struct transport *t, const char *path,
		    const struct load_choice *choice, struct error *err)
{
	struct source src;
	int r = source_open_dir(path, t->is_flat, &src, err);

	if (r < 0)
		return r;
	r = image_load_source(l->store, &src, choice, tell, l, err);
	source_done(&src);
	return r;
}

static int load_archive(struct local *l, const char *path, const struct load_choice *choice,
			struct error *err)
{
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return error_errno(err, "open '%.200s'", path);
	return image_load(l->store, fd, choice, tell, l, err);
}

static int load_from(struct local *l, const struct transport *t, const struct platform *platform,
		     struct error *err)
{
	cleanup_free char *path = xstrdup(l->item->name + strlen(t->prefix));
	cleanup_free char *name = NULL;
	struct load_choice choice = { .single = t->is_single, .platform = platform };
	char *colon = t->has_ref ? strchr(path, ':') : NULL;

	if (colon) {
		*colon = '\0';
		choice.ref = colon + 1;
	}
	if (!*path || (choice.ref && !*choice.ref))
		return error_set(err, EINVAL, "write '%sPATH%s'", t->prefix,
				 t->has_ref ? "[:TAG]" : "");
	if (t->is_dir)
		choice.name = name = name_of_path(path);
	return t->is_dir ? load_dir(l, t, path, &choice, err) : load_archive(l, path, &choice, err);
}

int image_pull_local(const struct store *s, const struct pull_item *item,
		     const struct platform *platform, load_report *report, void *arg,
		     struct error *err)
{
	struct local l = { .store = s, .item = item, .report = report, .arg = arg };

	for (size_t i = 0; i < ARRAY_SIZE(transports); i++) {
		int r;

		if (!is_prefix(item->name, transports[i].prefix))
			continue;
		r = load_from(&l, &transports[i], platform, err);
		return r < 0 ? error_wrap(err, "pull '%.200s'", item->name) : 1;
	}
	return 0;
}
