/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_imagestore - names, ids, tags, removal, collection; configurations as hostile input (CFG-1,
 * 2, 5).
 *
 * Theory of operation: images are committed by image_commit() with layers that are made complete
 * directly (no archive is read here); containers are records written by hand.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/base/fs.h"
#include "engine/image/config.h"
#include "engine/image/layers.h"
#include "engine/image/sha256.h"
#include "engine/image/store.h"
#include "tests/support/canary.h"
#include "tests/support/cunit_main.h"

static char *temp;
static struct store store;

static void reopen(void)
{
	cleanup_free char *root = xasprintf("%s/root", temp);
	struct error err;

	store_close(&store);
	if (fs_remove_tree(AT_FDCWD, root, &err) < 0)
		abort();
	temp_store(temp, &store);
}

static void make_layer(const char *content, char hex[65])
{
	struct layer_claim c;
	struct digest d;
	struct error err;

	sha256_of(content, strlen(content), &d);
	(void)digest_hex(&d, hex);
	if (layer_claim(&store, &d, &c, &err) < 0)
		abort();
	if (!c.complete && layer_complete(&c, 1000, 1, &err) < 0)
		abort();
	layer_claim_done(&c);
}

/* Commits an image of one layer; its config differs by content. Returns the id. */
static char *commit(const char *name, const char *content)
{
	struct strlist names = { .v = NULL }, layers = { .v = NULL };
	char hex[65], id[65];
	char *config;
	struct digest d;
	struct error err;

	make_layer(content, hex);
	config = xasprintf("{\"config\":{\"Cmd\":[\"%s\"]},\"rootfs\":{\"type\":\"layers\","
			   "\"diff_ids\":[\"sha256:%s\"]}}",
			   content, hex);
	sha256_of(config, strlen(config), &d);
	(void)digest_hex(&d, id);
	if (name)
		strlist_add(&names, name);
	strlist_addf(&layers, "sha256:%s", hex);
	if (image_commit(&store,
			 &(struct image_commit){ .id = id,
						 .config = config,
						 .config_len = strlen(config),
						 .names = &names,
						 .layers = &layers,
						 .size_bytes = 1000 },
			 &err) < 0) {
		printf("%s\n", err.text);
		abort();
	}
	free(config);
	strlist_done(&names);
	strlist_done(&layers);
	return xstrdup(id);
}

static int resolve(const char *name, char **ret_id, struct error *err)
{
	struct image_config c;
	int r = image_resolve(&store, name, &c, err);

	if (r < 0)
		return r;
	*ret_id = xstrdup(c.id);
	image_config_done(&c);
	return 0;
}

static bool is_found(const char *name, const char *want)
{
	char *id = NULL;
	struct error err = { .code = 0 };
	bool ok = resolve(name, &id, &err) == 0 && is_equal(id, want);

	if (!ok)
		printf("    %s: %s\n", name, err.code ? err.text : "another image");
	free(id);
	return ok;
}

static void test_names(void)
{
	char *nginx, *local, *app, *none, *unused = NULL, prefix[13];
	struct error err;

	reopen();
	nginx = commit("docker.io/library/nginx:latest", "nginx");
	CU_ASSERT_TRUE(is_found("nginx", nginx));
	CU_ASSERT_TRUE(is_found("nginx:latest", nginx));
	CU_ASSERT_TRUE(is_found("docker.io/nginx", nginx));
	CU_ASSERT_TRUE(is_found("docker.io/library/nginx:latest", nginx));
	CU_ASSERT_TRUE(is_found("library/nginx", nginx));
	CU_ASSERT_TRUE(is_found(nginx, nginx));
	(void)snprintf(prefix, sizeof(prefix), "%.12s", nginx);
	CU_ASSERT_TRUE(is_found(prefix, nginx));
	app = commit("quay.io/team/app:v1", "app");
	CU_ASSERT_TRUE(is_found("app:v1", app));
	CU_ASSERT_TRUE(is_found("team/app:v1", app));
	CU_ASSERT_EQUAL(resolve("app", &unused, &err), -ENOENT);
	CU_ASSERT_EQUAL(resolve("eam/app:v1", &unused, &err), -ENOENT);
	none = commit(NULL, "none");
	CU_ASSERT_TRUE(is_found(none, none));
	local = commit("localhost/nginx:latest", "local");
	CU_ASSERT_TRUE(is_found("nginx", local)); /* what was made here comes first */
	CU_ASSERT_TRUE(is_found("docker.io/library/nginx", nginx));
	CU_ASSERT_EQUAL(resolve("missing", &unused, &err), -ENOENT);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "missing: image not known"));
	CU_ASSERT_EQUAL(resolve("No Name", &unused, &err), -EINVAL);
	free(commit("quay.io/other/app:v1", "app2"));
	CU_ASSERT_EQUAL(resolve("app:v1", &unused, &err), -ENOTUNIQ);
	free(nginx);
	free(local);
	free(app);
	free(none);
}

static int untag(const char *image, const char *name, struct error *err)
{
	char copy[64];
	char *names[] = { copy };

	(void)snprintf(copy, sizeof(copy), "%s", name);
	return image_untag(&store, image, names, 1, err);
}

static void test_tags(void)
{
	char *one, *two;
	struct error err;

	reopen();
	one = commit("docker.io/library/one:latest", "one");
	two = commit("docker.io/library/two:latest", "two");
	CU_ASSERT_EQUAL(image_tag(&store, "one", "h.io/x:1", &err), 0);
	CU_ASSERT_TRUE(is_found("h.io/x:1", one));
	CU_ASSERT_EQUAL(image_tag(&store, "two", "h.io/x:1", &err), 0); /* the name moves */
	CU_ASSERT_TRUE(is_found("h.io/x:1", two));
	CU_ASSERT_TRUE(is_found("one", one));
	CU_ASSERT_EQUAL(image_tag(&store, "one", "short", &err), 0);
	CU_ASSERT_TRUE(is_found("localhost/short:latest", one));
	CU_ASSERT_EQUAL(image_tag(&store, "absent", "x", &err), -ENOENT);
	CU_ASSERT_EQUAL(image_tag(&store, "one", "Bad Name", &err), -EINVAL);
	CU_ASSERT_EQUAL(untag("two", "h.io/x:1", &err), 0);
	CU_ASSERT_EQUAL(untag("two", "h.io/x:1", &err), -ENOENT);
	CU_ASSERT_EQUAL(untag("two", "one", &err), -ENOENT); /* another image's name */
	CU_ASSERT_TRUE(is_found("two", two));
	free(one);
	free(two);
}

/* A container that uses an image with one layer. */
static void make_container(const char *id, const char *image, const char *layer)
{
	char path[LAYOUT_PATH_MAX];
	char *text =
		xasprintf("{\"config\":{\"id\":\"%s\",\"layers\":[\"sha256:%s\"]}}", image, layer);
	struct error err;

	(void)layout_container(path, id, NULL);
	(void)mkdirat(store.rootfd, path, 0700);
	(void)layout_container(path, id, "spec.json");
	if (fs_write_atomic(store.rootfd, path, text, strlen(text), 0600, FS_NOSYNC, &err) < 0)
		abort();
	free(text);
}

/* A pod whose second volume is an image. */
static void make_pod(const char *id, const char *infra, const char *image, const char *layer)
{
	char path[LAYOUT_PATH_MAX];
	cleanup_free char *text = xasprintf("{\"infraId\":\"%s\",\"volumes\":[{},{\"config\":{"
					    "\"id\":\"%s\",\"layers\":[\"sha256:%s\"]}}]}",
					    infra, image, layer);
	struct error err;

	(void)mkdirat(store.rootfd, "pods", 0700);
	(void)layout_pod(path, id, NULL);
	(void)mkdirat(store.rootfd, path, 0700);
	(void)layout_pod(path, id, "pod.json");
	if (fs_write_atomic(store.rootfd, path, text, strlen(text), 0600, FS_NOSYNC, &err) < 0)
		abort();
}

/* What a volume is made of stays while its pod is there. */
static void test_image_volumes(void)
{
	static const char pod[] =
		"00000000000000000000000000000000000000000000000000000000000000bb";
	static const char infra[] =
		"00000000000000000000000000000000000000000000000000000000000000cc";
	char *one, layer_one[65], layer_pinned[65], path[LAYOUT_PATH_MAX];
	struct image_removal gone;
	struct error err;

	reopen();
	one = commit("docker.io/library/vol:latest", "vol");
	make_layer("vol", layer_one);
	make_layer("volpinned", layer_pinned);
	make_pod(pod, infra, one, layer_pinned);
	CU_ASSERT_EQUAL(image_remove(&store, "vol", 0, &gone, &err), -EBUSY);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, infra));
	CU_ASSERT_EQUAL(image_collect(&store, &err), 0);
	CU_ASSERT_TRUE(is_layer_complete(&store, layer_pinned));
	(void)layout_pod(path, pod, NULL);
	CU_ASSERT_EQUAL(fs_remove_tree(store.rootfd, path, &err), 0);
	CU_ASSERT_EQUAL(image_collect(&store, &err), 0);
	CU_ASSERT_FALSE(is_layer_complete(&store, layer_pinned));
	CU_ASSERT_EQUAL(image_remove(&store, "vol", 0, &gone, &err), 0);
	image_removal_done(&gone);
	free(one);
}

static void test_removal(void)
{
	static const char ctr[] =
		"00000000000000000000000000000000000000000000000000000000000000aa";
	struct image_removal gone;
	struct error err;
	char *one, *two, layer_one[65], layer_two[65], layer_pinned[65], path[LAYOUT_PATH_MAX];

	reopen();
	one = commit("docker.io/library/one:latest", "one");
	two = commit("docker.io/library/two:latest", "two");
	make_layer("one", layer_one);
	make_layer("two", layer_two);
	make_layer("pinned", layer_pinned);
	make_container(ctr, one, layer_pinned); /* say, of an image that is there no more */
	CU_ASSERT_EQUAL(image_remove(&store, "one", 0, &gone, &err), -EBUSY);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, ctr));
	CU_ASSERT_EQUAL(image_remove(&store, "one", IMAGE_REMOVE_FORCE, &gone, &err), -EBUSY);
	CU_ASSERT_EQUAL(image_remove(&store, "absent", 0, &gone, &err), -ENOENT);
	/* a second name goes although the image is in use */
	CU_ASSERT_EQUAL(image_tag(&store, "one", "h.io/one", &err), 0);
	CU_ASSERT_EQUAL(image_remove(&store, one, 0, &gone, &err), -ENOTUNIQ); /* two names */
	CU_ASSERT_EQUAL(image_remove(&store, "h.io/one", 0, &gone, &err), 0);
	CU_ASSERT_EQUAL(gone.deleted.n, 0);
	CU_ASSERT_EQUAL(gone.untagged.n, 1);
	image_removal_done(&gone);
	CU_ASSERT_EQUAL(image_collect(&store, &err), 0);
	CU_ASSERT_TRUE(is_layer_complete(&store, layer_pinned));
	/* an unreadable record: nothing is collected, nothing removed without force */
	(void)layout_container(path, ctr, "spec.json");
	CU_ASSERT_EQUAL(fs_write_atomic(store.rootfd, path, "{", 1, 0600, FS_NOSYNC, &err), 0);
	CU_ASSERT_EQUAL(image_remove(&store, "one", 0, &gone, &err), -EBUSY);
	CU_ASSERT_EQUAL(image_remove(&store, "one", IMAGE_REMOVE_FORCE, &gone, &err), 0);
	CU_ASSERT_EQUAL_FATAL(gone.deleted.n, 1);
	CU_ASSERT_STRING_EQUAL(gone.deleted.v[0], one);
	image_removal_done(&gone);
	CU_ASSERT_EQUAL(image_collect(&store, &err), 0);
	CU_ASSERT_TRUE(is_layer_complete(&store, layer_one));
	CU_ASSERT_TRUE(is_layer_complete(&store, layer_pinned));
	/* the container goes, and so do layer and blob */
	(void)layout_container(path, ctr, NULL);
	CU_ASSERT_EQUAL(fs_remove_tree(store.rootfd, path, &err), 0);
	CU_ASSERT_EQUAL(image_collect(&store, &err), 0);
	CU_ASSERT_FALSE(is_layer_complete(&store, layer_one));
	CU_ASSERT_FALSE(is_layer_complete(&store, layer_pinned));
	CU_ASSERT_TRUE(is_layer_complete(&store, layer_two));
	CU_ASSERT_TRUE(is_found("two", two));
	(void)snprintf(path, sizeof(path), "images/blobs/sha256/%s", one);
	CU_ASSERT_NOT_EQUAL(faccessat(store.rootfd, path, F_OK, 0), 0);
	free(one);
	free(two);
}

/* Commits an image of no layers, by its facts alone. */
static void commit_facts(const char *id, const char *parent, const char *name, const char *digest)
{
	struct strlist names = { .v = NULL }, digests = { .v = NULL }, layers = { .v = NULL };
	struct error err;

	if (name)
		strlist_add(&names, name);
	if (digest)
		strlist_add(&digests, digest);
	CU_ASSERT_EQUAL(image_commit(&store,
				     &(struct image_commit){ .id = id,
							     .config = "{}",
							     .config_len = 2,
							     .names = &names,
							     .layers = &layers,
							     .digests = &digests,
							     .architecture = "arm64",
							     .parent = parent,
							     .is_intermediate = !name },
				     &err),
			0);
	strlist_done(&names);
	strlist_done(&digests);
}

#define ID_A   "a000000000000000000000000000000000000000000000000000000000000000"
#define ID_B   "b000000000000000000000000000000000000000000000000000000000000000"
#define ID_C   "c000000000000000000000000000000000000000000000000000000000000000"
#define DIGEST "sha256:d000000000000000000000000000000000000000000000000000000000000000"

static bool is_hidden(const char *id)
{
	struct image_list l;
	const struct image_info *i;
	struct error err;
	bool hidden;

	CU_ASSERT_EQUAL_FATAL(image_list(&store, &l, &err), 0);
	CU_ASSERT_EQUAL_FATAL(image_find(&l, id, &i, NULL, &err), 0);
	hidden = is_image_intermediate(&l, i);
	image_list_done(&l);
	return hidden;
}

static void test_digests(void)
{
	struct image_list l;
	const struct image_info *i;
	struct error err;

	reopen();
	commit_facts(ID_A, NULL, "h.io/a:1", "h.io/a@" DIGEST);
	CU_ASSERT_EQUAL_FATAL(image_list(&store, &l, &err), 0);
	CU_ASSERT_EQUAL(image_find(&l, "h.io/a@" DIGEST, &i, NULL, &err), 0);
	CU_ASSERT_STRING_EQUAL(i->architecture, "arm64");
	CU_ASSERT_EQUAL(image_find(&l, "h.io/other@" DIGEST, &i, NULL, &err), -ENOENT);
	image_list_done(&l);
	/* without a name it is still found by what it was pulled as */
	CU_ASSERT_EQUAL(image_untag(&store, "h.io/a:1", NULL, 0, &err), 0);
	CU_ASSERT_EQUAL_FATAL(image_list(&store, &l, &err), 0);
	CU_ASSERT_EQUAL(image_find(&l, "h.io/a@" DIGEST, &i, NULL, &err), 0);
	CU_ASSERT_EQUAL(i->names.n, 0);
	CU_ASSERT_EQUAL(i->history.n, 1);
	image_list_done(&l);
	/* a name that comes back is history no more; a second commit forgets nothing */
	commit_facts(ID_A, NULL, "h.io/a:1", NULL);
	CU_ASSERT_EQUAL_FATAL(image_list(&store, &l, &err), 0);
	CU_ASSERT_EQUAL(l.v[0].history.n, 0);
	CU_ASSERT_EQUAL(l.v[0].digests.n, 1);
	image_list_done(&l);
}

/* A <- B <- C as a build leaves them: A and B steps, C the image. */
static void test_build_steps(void)
{
	struct image_removal gone;
	struct strlist ids = { .v = NULL };
	struct error err;

	reopen();
	commit_facts(ID_A, NULL, NULL, NULL);
	commit_facts(ID_B, ID_A, NULL, NULL);
	commit_facts(ID_C, ID_B, "localhost/app:latest", NULL);
	CU_ASSERT_TRUE(is_hidden(ID_A));
	CU_ASSERT_FALSE(is_hidden(ID_C));
	CU_ASSERT_EQUAL(image_remove(&store, ID_B, 0, &gone, &err), -EBUSY);
	/* pruning takes no parent of what stays */
	strlist_add(&ids, ID_A);
	strlist_add(&ids, ID_B);
	CU_ASSERT_EQUAL(image_prune(&store, &ids, &gone, &err), 0);
	CU_ASSERT_EQUAL(gone.deleted.n, 0);
	image_removal_done(&gone);
	/* the steps go with the image, unless they are to stay */
	CU_ASSERT_EQUAL(image_remove(&store, "app", IMAGE_REMOVE_KEEP_PARENTS, &gone, &err), 0);
	CU_ASSERT_EQUAL(gone.deleted.n, 1);
	image_removal_done(&gone);
	commit_facts(ID_C, ID_B, "localhost/app:latest", NULL);
	CU_ASSERT_EQUAL(image_remove(&store, "app", 0, &gone, &err), 0);
	CU_ASSERT_EQUAL(gone.deleted.n, 3);
	image_removal_done(&gone);
	/* a parent that has a name of its own stays */
	commit_facts(ID_A, NULL, "localhost/base:latest", NULL);
	commit_facts(ID_B, ID_A, "localhost/app:latest", NULL);
	CU_ASSERT_EQUAL(image_remove(&store, "app", 0, &gone, &err), 0);
	CU_ASSERT_EQUAL(gone.deleted.n, 1);
	image_removal_done(&gone);
	/* a parent that had a name loses it and becomes a step */
	commit_facts(ID_A, NULL, "localhost/base:latest", NULL);
	commit_facts(ID_B, ID_A, "localhost/app:latest", NULL);
	CU_ASSERT_EQUAL(image_remove(&store, "base", 0, &gone, &err), 0);
	CU_ASSERT_EQUAL(gone.deleted.n, 0);
	image_removal_done(&gone);
	CU_ASSERT_TRUE(is_hidden(ID_A));
	/* children first, in whatever order they are named */
	strlist_add(&ids, ID_C);
	CU_ASSERT_EQUAL(untag("app", "app", &err), 0);
	CU_ASSERT_EQUAL(image_prune(&store, &ids, &gone, &err), 0);
	CU_ASSERT_EQUAL(gone.deleted.n, 2);
	image_removal_done(&gone);
	strlist_done(&ids);
}

static void test_claims_hold(void)
{
	struct layer_claim c;
	struct digest d;
	struct error err;
	char hex[65];

	reopen();
	make_layer("held", hex);
	CU_ASSERT_EQUAL_FATAL(digest_parse_hex(hex, &d, &err), 0);
	CU_ASSERT_EQUAL(layer_claim(&store, &d, &c, &err), 0);
	CU_ASSERT_TRUE(c.complete);
	CU_ASSERT_EQUAL(image_collect(&store, &err), 0);
	CU_ASSERT_TRUE(is_layer_complete(&store, hex)); /* a load relies on it */
	layer_claim_done(&c);
	CU_ASSERT_EQUAL(image_collect(&store, &err), 0);
	CU_ASSERT_FALSE(is_layer_complete(&store, hex));
}

static void write_index(const char *text)
{
	struct error err;

	if (fs_write_atomic(store.rootfd, "images/index.json", text, strlen(text), 0600, FS_NOSYNC,
			    &err) < 0)
		abort();
}

static void test_damage(void)
{
	char *one, *unused = NULL, path[LAYOUT_PATH_MAX], layer[65];
	struct image_list l = { .v = NULL };
	struct error err;

	reopen();
	one = commit("docker.io/library/one:latest", "one");
	make_layer("one", layer);
	(void)snprintf(path, sizeof(path), "images/blobs/sha256/%s", one);
	CU_ASSERT_EQUAL(fs_write_atomic(store.rootfd, path, "{}", 2, 0600, FS_NOSYNC, &err), 0);
	CU_ASSERT_EQUAL(resolve("one", &unused, &err), -EBADMSG);
	free(one);
	one = commit("docker.io/library/one:latest", "one");
	(void)snprintf(path, sizeof(path), "layers/%s/complete", layer);
	CU_ASSERT_EQUAL(unlinkat(store.rootfd, path, 0), 0);
	CU_ASSERT_EQUAL(resolve("one", &unused, &err), -ENODATA);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "load the image again"));
	write_index("{\"version\":1,\"images\":[{\"id\":\"../x\"}]}");
	CU_ASSERT_EQUAL(image_list(&store, &l, &err), -EBADMSG);
	write_index("{\"version\":9}");
	CU_ASSERT_EQUAL(image_list(&store, &l, &err), -EPROTO);
	free(one);
}

/* ---- configurations --------------------------------------------------------------------- */

static int parse(const char *inner, struct image_config *c, struct error *err)
{
	char *text = xasprintf("{\"config\":%s,\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[]}}",
			       inner);
	int r = image_config_parse(text, strlen(text), c, NULL, err);

	free(text);
	return r;
}

static void test_config(void)
{
	struct image_config c;
	struct error err;

	CU_ASSERT_EQUAL_FATAL(
		parse("{\"Env\":[\"A=1\",\"B=\",\"C=x=y\\nz\"],\"Entrypoint\":[\"/e\"],"
		      "\"Cmd\":[\"c\",\"\"],\"User\":\"www-data:33\",\"WorkingDir\":\"/w\","
		      "\"StopSignal\":\"SIGRTMIN+3\",\"Labels\":{\"k\":\"v\"},"
		      "\"Volumes\":{\"/data\":{},\"/a/../b//c/\":{}}}",
		      &c, &err),
		0);
	CU_ASSERT_EQUAL(c.env.n, 3);
	CU_ASSERT_STRING_EQUAL(c.env.v[2], "C=x=y\nz");
	CU_ASSERT_EQUAL(c.cmd.n, 2);
	CU_ASSERT_STRING_EQUAL(c.user, "www-data:33");
	CU_ASSERT_STRING_EQUAL(c.working_dir, "/w");
	CU_ASSERT_STRING_EQUAL(c.stop_signal, "SIGRTMIN+3");
	CU_ASSERT_TRUE(strlist_has(&c.volumes, "/data") && strlist_has(&c.volumes, "/b/c"));
	CU_ASSERT_STRING_EQUAL(pairlist_get(&c.labels, "k"), "v");
	image_config_done(&c);
	CU_ASSERT_EQUAL(parse("null", &c, &err), 0);
	image_config_done(&c);
	CU_ASSERT_EQUAL(parse("{\"Env\":null,\"Entrypoint\":[],\"User\":\"\"}", &c, &err), 0);
	CU_ASSERT_PTR_NULL(c.user);
	image_config_done(&c);
}

static void test_hostile_config(void)
{
	static const char *const cases[] = {
		"{\"Env\":[\"SECRET\"]}",
		"{\"Env\":[\"SECRET*\"]}",
		"{\"Env\":[\"*\"]}",
		"{\"Env\":[\"=x\"]}",
		"{\"Env\":[\"\"]}",
		"{\"Env\":[\"A=\\u0000b\"]}",
		"{\"Env\":\"A=b\"}",
		"{\"Env\":[1]}",
		"{\"Cmd\":\"sh\"}",
		"{\"Entrypoint\":[null]}",
		"{\"Volumes\":{\"\":{}}}",
		"{\"Volumes\":{\"/\":{}}}",
		"{\"Volumes\":{\"//\":{}}}",
		"{\"Volumes\":{\"..\":{}}}",
		"{\"Volumes\":{\"/../..\":{}}}",
		"{\"Volumes\":{\"rel\":{}}}",
		"{\"Volumes\":{\"/proc\":{}}}",
		"{\"Volumes\":{\"/x/../proc/sys\":{}}}",
		"{\"Volumes\":{\"/sys/fs\":{}}}",
		"{\"Volumes\":{\"/dev/\":{}}}",
		"{\"Volumes\":[\"/data\"]}",
		"{\"WorkingDir\":\"rel\"}",
		"{\"WorkingDir\":7}",
		"{\"User\":\"a b\"}",
		"{\"User\":\"a\\nb\"}",
		"{\"StopSignal\":\"KILL; rm\"}",
		"{\"StopSignal\":9}",
		"{\"Labels\":{\"a\":1}}",
		"{\"Env\":[],\"Env\":[]}",
		"[]",
	};
	struct image_config c;
	struct error err;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		if (parse(cases[i], &c, &err) != -EBADMSG) {
			printf("    taken: %s\n", cases[i]);
			CU_FAIL("taken");
		}
}

static void test_config_limits(void)
{
	struct buf b = BUF_INIT(64U << 20);
	struct image_config c;
	struct error err;

	buf_adds(&b, "{\"Env\":[");
	for (int i = 0; i < 10001; i++)
		buf_printf(&b, "%s\"A%d=x\"", i ? "," : "", i);
	buf_adds(&b, "]}");
	CU_ASSERT_EQUAL(parse(b.data, &c, &err), -EBADMSG);
	b.len = 0;
	buf_adds(&b, "{\"Env\":[\"A=");
	for (int i = 0; i < 200000; i++)
		buf_addc(&b, 'x');
	buf_adds(&b, "\"]}");
	CU_ASSERT_EQUAL(parse(b.data, &c, &err), -EBADMSG);
	b.len = 0;
	buf_adds(&b, "{\"x\":\"");
	for (int i = 0; i < CONFIG_BYTES_MAX; i++)
		buf_addc(&b, 'x');
	buf_adds(&b, "\"}");
	CU_ASSERT_EQUAL(parse(b.data, &c, &err), -EFBIG);
	buf_done(&b);
}

static void test_repeated_layers(void)
{
#define L1 "\"sha256:1111111111111111111111111111111111111111111111111111111111111111\""
#define L2 "\"sha256:2222222222222222222222222222222222222222222222222222222222222222\""
	static const char text[] = "{\"rootfs\":{\"diff_ids\":[" L1 "," L2 "," L1 "]}}";
	struct image_config c;
	struct image_facts f;
	struct error err;

	CU_ASSERT_EQUAL_FATAL(image_config_parse(text, strlen(text), &c, &f, &err), 0);
	CU_ASSERT_EQUAL(f.diff_ids.n, 3);
	CU_ASSERT_EQUAL_FATAL(c.layers.n, 2); /* overlayfs takes no layer twice */
	CU_ASSERT_EQUAL(c.layers.v[0][7], '2');
	CU_ASSERT_EQUAL(c.layers.v[1][7], '1');
	image_config_done(&c);
	image_facts_done(&f);
}

static void test_time(void)
{
	int64_t ns = 0;

	CU_ASSERT_EQUAL(image_parse_time("1970-01-01T00:00:01Z", &ns), 0);
	CU_ASSERT_EQUAL(ns, 1000000000);
	CU_ASSERT_EQUAL(image_parse_time("2024-02-29T12:00:00.5+01:30", &ns), 0);
	CU_ASSERT_EQUAL(ns, INT64_C(1709202600500000000));
	CU_ASSERT_EQUAL(image_parse_time("0001-01-01T00:00:00Z", &ns), -EINVAL);
	CU_ASSERT_EQUAL(image_parse_time("2024-02-29", &ns), -EINVAL);
	CU_ASSERT_EQUAL(image_parse_time("2024-02-29T12:00:00", &ns), -EINVAL);
	CU_ASSERT_EQUAL(image_parse_time("2024-02-29T12:00:00Zx", &ns), -EINVAL);
}

static int begin(void)
{
	temp = temp_make();
	temp_in_memory(temp);
	store = (struct store){ .rootfd = -1, .runfd = -1 };
	return 0;
}

static int end(void)
{
	store_close(&store);
	temp_remove(temp);
	return 0;
}

static CU_TestInfo tests[] = { { "names and ids", test_names },
			       { "tags", test_tags },
			       { "removal and collection", test_removal },
			       { "images that are volumes", test_image_volumes },
			       { "digests", test_digests },
			       { "build steps", test_build_steps },
			       { "claims hold layers", test_claims_hold },
			       { "damaged records", test_damage },
			       { "configuration", test_config },
			       { "hostile configuration", test_hostile_config },
			       { "limits of a configuration", test_config_limits },
			       { "repeated layers", test_repeated_layers },
			       { "times", test_time },
			       CU_TEST_INFO_NULL };
static CU_SuiteInfo suites[] = { { "imagestore", begin, end, NULL, NULL, tests },
				 CU_SUITE_INFO_NULL };
TEST_MAIN(suites)
