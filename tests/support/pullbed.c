/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pullbed - one lying registry, one store in memory, and what is looked at after every pull.
 */
#include "tests/support/pullbed.h"

#include <CUnit/Basic.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/fs.h"
#include "engine/image/store.h"
#include "tests/support/canary.h"
#include "tests/support/tarmaker.h"

char *bed_temp;
struct fakeregistry *bed_server;

/* ---- store and images ------------------------------------------------------------------- */

char *bed_root(void)
{
	static char path[300];

	(void)snprintf(path, sizeof(path), "%s/root", bed_temp);
	return path;
}

void bed_drop(void)
{
	cleanup_free char *run = xasprintf("%s-run", bed_root());
	struct error err;

	if (fs_remove_tree(AT_FDCWD, bed_root(), &err) < 0 ||
	    fs_remove_tree(AT_FDCWD, run, &err) < 0)
		abort();
}

static void open_store(struct store *s)
{
	cleanup_free char *run = xasprintf("%s-run", bed_root());
	struct error err;

	if (store_open(bed_root(), run, STORE_WRITE, s, &err) < 0)
		abort();
}

size_t bed_images(void)
{
	cleanup_image_list struct image_list l = { .v = NULL };
	struct store s;
	struct error err;

	open_store(&s);
	if (image_list(&s, &l, &err) < 0)
		abort();
	store_close(&s);
	return l.n;
}

/* Directories below layers/ that hold the file; NULL: all, trash too. */
size_t bed_layers_of(const char *root, const char *file)
{
	cleanup_free char *path = xasprintf("%s/layers", root);
	cleanup_dir DIR *d = opendir(path);
	struct dirent *e;
	size_t n = 0;

	while (d && (e = readdir(d))) {
		cleanup_free char *f = xasprintf("%s/%s/%s", path, e->d_name, file ? file : ".");
		struct stat st;

		if (is_equal(e->d_name, ".") || is_equal(e->d_name, ".."))
			continue;
		n += lstat(f, &st) == 0;
	}
	return n;
}

size_t bed_layers(const char *file)
{
	return bed_layers_of(bed_root(), file);
}

char *bed_name(const char *rest)
{
	return xasprintf("%s/%s", fakeregistry_name(bed_server), rest);
}

/* Layers of a few files; seed makes them different from other images'. */
void bed_fill(struct made_image *m, size_t n, size_t bytes, unsigned int seed)
{
	uint32_t x = seed;
	char *data = xmalloc(bytes + 1);

	for (size_t l = 0; l < n; l++) {
		struct buf *tar = made_layer(m);
		char name[48];

		for (size_t i = 0; i < bytes; i++) {
			x = x * 1664525 + 1013904223;
			data[i] = (char)(x >> 24);
		}
		(void)snprintf(name, sizeof(name), "d%zu/", l);
		tar_add(tar, TAR_PAX, &(struct tar_entry){ .name = name, .type = '5' });
		for (int f = 0; f < 3; f++) {
			(void)snprintf(name, sizeof(name), "d%zu/f%d", l, f);
			tar_add(tar, TAR_PAX,
				&(struct tar_entry){
					.name = name, .type = '0', .data = data, .len = bytes });
		}
		tar_end(tar);
	}
	free(data);
}

struct pulled bed_pull_as(const char *name, enum pull_policy policy, const char *env)
{
	cleanup_free char *full = bed_name(name);

	return served_pull(&(struct pull_run){
		.root = bed_root(), .names = { full }, .policy = policy, .env = env });
}

struct pulled bed_pull(const char *name)
{
	return bed_pull_as(name, PULL_ALWAYS, NULL);
}

void bed_expect_pulled(const struct pulled *o)
{
	if (o->failed || o->r < 0)
		printf("%s %s\n", o->text, o->err.text);
	CU_ASSERT_FALSE(o->died);
	CU_ASSERT_EQUAL(o->r, 0);
	CU_ASSERT_EQUAL(o->failed, 0);
	CU_ASSERT_TRUE(o->images > 0);
}

/* One refused image: one reason, which names part, nothing in the index. */
void bed_expect_refused(const struct pulled *o, int code, const char *part)
{
	CU_ASSERT_FALSE(o->died);
	CU_ASSERT_EQUAL(o->images, 0);
	CU_ASSERT_EQUAL(o->failed, 1);
	if (o->code != code || (part && !strstr(o->text, part)))
		printf("code %d: %s\n", o->code, o->text);
	CU_ASSERT_EQUAL(o->code, code);
	CU_ASSERT_PTR_NOT_NULL(part ? strstr(o->text, part) : o->text);
	CU_ASSERT_PTR_NOT_NULL(strstr(o->text, fakeregistry_name(bed_server)));
	CU_ASSERT_EQUAL(bed_images(), 0);
}

void bed_index(const char *repository, const char *tag, const char *type, const char *entries,
	       char digest[72])
{
	cleanup_free char *text = xasprintf(
		"{\"schemaVersion\":2,\"mediaType\":\"%s\",\"manifests\":[%s]}", type, entries);

	fakeregistry_manifest(bed_server, repository, tag, type, text, digest);
}

int bed_begin(void)
{
	bed_temp = temp_make();
	temp_in_memory(bed_temp);
	{
		cleanup_free char *conf = xasprintf("%s/registries.conf", bed_temp);
		cleanup_close int fd = open(conf, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

		if (fd < 0)
			return 1;
		(void)setenv("CONTAINERS_REGISTRIES_CONF", conf, 1);
		(void)setenv("HOME", bed_temp, 1);
		(void)setenv("XDG_RUNTIME_DIR", bed_temp, 1);
		(void)unsetenv("REGISTRY_AUTH_FILE");
	}
	(void)signal(SIGPIPE, SIG_IGN);
	bed_server = fakeregistry_new(FAKE_PLAIN, NULL);
	return bed_server ? 0 : 1;
}

int bed_end(void)
{
	fakeregistry_free(bed_server);
	temp_remove(bed_temp);
	return 0;
}
