/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_launch_volumes - volumes whose files podium makes, named volumes, image volumes, subPaths. By
 * running podium-launch on a store of our own, as root.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/fs.h"
#include "engine/base/mem.h"
#include "engine/data/object.h"
#include "engine/pod/refresh.h"
#include "engine/volumes/named.h"
#include "tests/support/canary.h"
#include "tests/support/child.h"
#include "tests/support/cunit_main.h"
#include "tests/support/livevolume.h"


/* Ends the sandbox that cannot be made, and tells why. */
static char *begin_in_vain(void)
{
	char *error = live_sandbox(&vol_live);

	if (!error)
		live_end_sandbox(&vol_live);
	return error ? error : xstrdup("nothing is wrong");
}

static struct projection_item *add_item(struct projection *p, const char *key, const char *path)
{
	struct projection_item *item = list_add(&p->items);

	item->key = xstrdup_or_null(key);
	item->path = xstrdup(path);
	return item;
}

/* ---- projected files -------------------------------------------------------------------- */

static void test_config_map(void)
{
	cleanup_free char *out = NULL;

	vol_put_object(DATA_CONFIG, "conf", "hello\n", "two\n");
	(void)vol_add_source(vol_add("conf", VOLUME_CONFIG), PROJECTION_CONFIG, "conf");
	vol_begin();
	out = vol_run("conf", "/conf",
		      ARGS("seq", "cat", "/conf/a.txt", ",", "cat", "/conf/b.txt", ",", "stat",
			   "/conf/..data/a.txt", ",", "stat", "/conf"));
	CU_ASSERT_STRING_EQUAL(out, "hello\ntwo\n100644 0:0\n040777 0:0\n");
	free(out);
	out = vol_run("conf", "/conf", ARGS("ls", "/conf/..data"));
	CU_ASSERT_STRING_EQUAL(out, "a.txt\nb.txt\n");
	free(out);
	out = vol_run("conf", "/conf", ARGS("write", "/conf/a.txt", "x"));
	CU_ASSERT_STRING_EQUAL(out, "EROFS\n");
	free(out);
	out = vol_run("conf", "/conf", ARGS("cat", "/proc/mounts"));
	CU_ASSERT(live_has(out, " /conf tmpfs ro,nosuid,nodev,relatime,size=16384k"));
	free(out);
	vol_wanted = (struct mount_spec){ .volume = vol_word("conf"),
					  .target = vol_word("/etc/app/b.conf"),
					  .sub_path = vol_word("b.txt") };
	out = live_simple(&vol_live, ARGS("cat", "/etc/app/b.conf"), vol_with_mount, NULL);
	CU_ASSERT_STRING_EQUAL(out, "two\n");
}

/* Modes: the item's, the volume's, 0644; with an fsGroup readable for the group. */
static void test_modes(void)
{
	struct volume_spec *v = vol_add("s", VOLUME_SECRET);
	struct projection *p = vol_add_source(v, PROJECTION_SECRET, "s");
	cleanup_free char *out = NULL;
	static const char *const look[] = { "seq", "stat", "/s/..data/x/y/a",
					    ",",   "stat", "/s/..data/b",
					    ",",   "stat", "/s/..data/x/y",
					    ",",   "stat", "/s",
					    NULL };

	vol_put_object(DATA_SECRET, "s", "one", "two");
	add_item(p, "a.txt", "x/y/a")->mode = (struct opt_i64){ true, 0400 };
	(void)add_item(p, "b.txt", "b");
	v->default_mode = (struct opt_i64){ true, 0700 };
	vol_begin();
	out = vol_run("s", "/s", look);
	CU_ASSERT_STRING_EQUAL(out, "100400 0:0\n100700 0:0\n040755 0:0\n040777 0:0\n");
	free(out);
	live_end_sandbox(&vol_live);
	vol_live.pod.security.fs_group = (struct opt_i64){ true, 4242 };
	vol_begin();
	out = vol_run("s", "/s", look);
	CU_ASSERT_STRING_EQUAL(out, "100440 0:4242\n100740 0:4242\n042755 0:4242\n042777 0:4242\n");
}

static void test_projected(void)
{
	struct volume_spec *v = vol_add("all", VOLUME_PROJECTED);
	struct projection *p;
	struct projection_item *item;
	cleanup_free char *out = NULL;

	vol_put_object(DATA_CONFIG, "c", "config", NULL);
	vol_put_object(DATA_SECRET, "s", "secret", "later wins");
	pairlist_set(&vol_live.pod.labels, "app", "x");
	pairlist_set(&vol_live.pod.annotations, "note", "a\nb");
	(void)vol_add_source(v, PROJECTION_SECRET, "s");
	(void)add_item(vol_add_source(v, PROJECTION_CONFIG, "c"), "a.txt", "b.txt");
	p = vol_add_source(v, PROJECTION_DOWNWARD, NULL);
	add_item(p, NULL, "pod/name")->field = xstrdup("metadata.name");
	add_item(p, NULL, "pod/labels")->field = xstrdup("metadata.labels");
	add_item(p, NULL, "pod/annotations")->field = xstrdup("metadata.annotations");
	vol_begin();
	out = vol_run("all", "/p",
		      ARGS("seq", "cat", "/p/a.txt", ",", "cat", "/p/b.txt", ",", "cat",
			   "/p/pod/name", ",", "cat", "/p/pod/labels", ",", "cat",
			   "/p/pod/annotations"));
	CU_ASSERT_STRING_EQUAL(out, "secretconfigliveapp=\"x\"note=\"a\\nb\"");
	live_end_sandbox(&vol_live);
	item = add_item(&v->sources.v[2], NULL, "cpu");
	item->resource = xstrdup("limits.cpu");
	item->container = xstrdup("nobody");
	free(out);
	out = begin_in_vain();
	CU_ASSERT(live_has(out, "volume 'all': there is no container 'nobody' in the pod"));
}

static void test_missing(void)
{
	struct volume_spec *v = vol_add("conf", VOLUME_CONFIG);
	struct projection *p = vol_add_source(v, PROJECTION_CONFIG, "conf");
	char *out = begin_in_vain();

	CU_ASSERT(live_has(out, "volume 'conf': there is no ConfigMap 'conf'"));
	free(out);
	p->optional = true;
	vol_begin();
	out = vol_run("conf", "/conf", ARGS("ls", "/conf"));
	CU_ASSERT(!strstr(out, "txt") && !strstr(out, "ERROR"));
	free(out);
	live_end_sandbox(&vol_live);
	p->optional = false;
	vol_put_object(DATA_CONFIG, "conf", "1", "2");
	(void)add_item(p, "a.txt", "a");
	(void)add_item(p, "c.txt", "c");
	out = begin_in_vain();
	CU_ASSERT(live_has(out, "volume 'conf': ConfigMap 'conf' has no key 'c.txt'"));
	free(out);
	p->optional = true;
	vol_begin();
	out = vol_run("conf", "/conf", ARGS("seq", "cat", "/conf/a", ",", "cat", "/conf/c"));
	CU_ASSERT_STRING_EQUAL(out, "1ENOENT\n");
	free(out);
}

/* VOL-2: paths of items. */
static void test_paths(void)
{
	static const char *const bad[] = { "",	"/etc/x", "../x", "a/../x", "..x",
					   ".", "..",	  "a/..", "./../x", "//x" };
	struct volume_spec *v = vol_add("conf", VOLUME_CONFIG);
	struct projection *p = vol_add_source(v, PROJECTION_CONFIG, "conf");
	struct projection_item *item = add_item(p, "a.txt", "x");
	cleanup_free char *longest = xcalloc(1, 300);
	char *out;

	vol_put_object(DATA_CONFIG, "conf", "1", "2");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		free(item->path);
		item->path = xstrdup(bad[i]);
		out = begin_in_vain();
		CU_ASSERT(live_has(out, "volume 'conf': path '"));
		free(out);
	}
	memset(longest, 'x', 256);
	free(item->path);
	item->path = xstrdup(longest);
	out = begin_in_vain();
	CU_ASSERT(live_has(out, "longer than 255 bytes"));
	free(out);
	/* what a cluster cleans is clean */
	free(item->path);
	item->path = xstrdup("./d//e/./f/");
	vol_begin();
	out = vol_run("conf", "/conf", ARGS("cat", "/conf/d/e/f"));
	CU_ASSERT_STRING_EQUAL(out, "1");
	free(out);
	live_end_sandbox(&vol_live);
	/* a file that is a directory of another item, too */
	free(item->path);
	item->path = xstrdup("d");
	(void)add_item(p, "b.txt", "d/e");
	item = &p->items.v[0];
	out = begin_in_vain();
	CU_ASSERT(live_has(out, "file 'd/e': 'd' is a file of another item"));
	free(out);
	/* without the check a file lands beside its version */
	free(item->path);
	item->path = xstrdup("../escaped");
	live_setenv("PODIUM_WEAKEN", "VOL-2");
	vol_begin();
	out = vol_run("conf", "/conf", ARGS("cat", "/conf/escaped"));
	CU_ASSERT_STRING_EQUAL(out, "1");
	live_setenv("PODIUM_WEAKEN", NULL);
	free(out);
}

/* ---- a change while the pod runs -------------------------------------------------------- */

static bool is_inside(pid_t pid, const char *path, const char *expected)
{
	cleanup_free char *text = vol_read_inside(pid, path);

	if (strcmp(text, expected) != 0)
		printf("\n%s: '%s'", path, text);
	return strcmp(text, expected) == 0;
}

static void with_two_mounts(struct container_spec *spec)
{
	vol_wanted = (struct mount_spec){ .volume = vol_word("conf"), .target = vol_word("/conf") };
	vol_with_mount(spec);
	vol_wanted = (struct mount_spec){ .volume = vol_word("conf"),
					  .target = vol_word("/file"),
					  .sub_path = vol_word("a.txt") };
	vol_with_mount(spec);
}

static void test_refresh(void)
{
	struct volume_spec *v = vol_add("conf", VOLUME_CONFIG);
	struct container_spec spec;
	struct liverun r;
	struct error err;

	vol_put_object(DATA_CONFIG, "conf", "one", "gone soon");
	(void)vol_add_source(v, PROJECTION_CONFIG, "conf");
	vol_begin();
	live_spec(&vol_live, &spec, ARGS("sleep", "100"));
	with_two_mounts(&spec);
	live_start(&vol_live, &spec, &r);
	live_go(&r);
	CU_ASSERT_PTR_NULL(r.error);
	CU_ASSERT(is_inside(r.pid, "/conf/a.txt", "one"));
	CU_ASSERT_EQUAL(vol_refresh(&err), 0); /* nothing has changed */
	vol_put_object(DATA_CONFIG, "conf", "two", NULL);
	CU_ASSERT_EQUAL(vol_refresh(&err), 1);
	CU_ASSERT(is_inside(r.pid, "/conf/a.txt", "two"));
	CU_ASSERT(is_inside(r.pid, "/conf/b.txt", "none"));
	CU_ASSERT(is_inside(r.pid, "/file", "one")); /* as in Kubernetes */
	CU_ASSERT_EQUAL(vol_refresh(&err), 0);
	/* what is missing now changes nothing */
	CU_ASSERT_EQUAL(data_object_remove(&vol_store, DATA_CONFIG, NULL, "conf", &err), 0);
	CU_ASSERT_EQUAL(vol_refresh(&err), -ENOENT);
	CU_ASSERT(is_inside(r.pid, "/conf/a.txt", "two"));
	(void)live_end(&r);
	record_done(&container_spec_type, &spec);
}

/* VOL-2, VOL-3: somebody who could write has put links where files come to be. */
static void test_refresh_with_links(void)
{
	static const char *const links[] = { "..data_tmp", "c", "b.txt", "..2001", "new" };
	struct volume_spec *v = vol_add("conf", VOLUME_CONFIG);
	cleanup_free char *outside = xasprintf("%s/outside", vol_live.dir);
	cleanup_free char *before = NULL;
	cleanup_free char *after = NULL;
	cleanup_free char *volume = NULL;
	cleanup_free char *data = NULL;
	struct error err;

	canary_make(outside);
	before = canary_record(outside);
	vol_put_object(DATA_CONFIG, "conf", "one", NULL);
	(void)vol_add_source(v, PROJECTION_CONFIG, "conf");
	vol_begin();
	volume = xasprintf("/proc/%d/root/volumes/conf", (int)vol_live.pause);
	data = xasprintf("%s/..data", volume);
	for (size_t i = 0; i < ARRAY_SIZE(links); i++) {
		cleanup_free char *path = xasprintf("%s/%s", volume, links[i]);

		CU_ASSERT_EQUAL(symlink(outside, path), 0);
	}
	vol_put_object(DATA_CONFIG, "conf", "two", "three");
	CU_ASSERT_EQUAL(vol_refresh(&err), 1);
	/* and what leads to the version leads away */
	CU_ASSERT(unlink(data) == 0 && symlink(outside, data) == 0);
	CU_ASSERT_EQUAL(vol_refresh(&err), 1);
	CU_ASSERT_EQUAL(vol_refresh(&err), 0);
	after = canary_record(outside);
	CU_ASSERT_STRING_EQUAL(before, after);
}

/* ---- named volumes ---------------------------------------------------------------------- */

static void test_named(void)
{
	struct volume_spec *v = vol_add("data", VOLUME_NAMED);
	cleanup_free char *dir = vol_make_named("claim", true);
	char *out;

	v->source_name = xstrdup("claim");
	vol_begin();
	out = vol_run("data", "/mnt", ARGS("seq", "write", "/mnt/a", "kept", ",", "stat", "/mnt"));
	CU_ASSERT_STRING_EQUAL(out, "040777 0:0\n");
	free(out);
	live_end_sandbox(&vol_live);
	v->read_only = true;
	vol_begin();
	out = vol_run("data", "/mnt", ARGS("seq", "cat", "/mnt/a", ",", "write", "/mnt/b", "x"));
	CU_ASSERT_STRING_EQUAL(out, "keptEROFS\n");
	free(out);
	live_end_sandbox(&vol_live);
	free(v->source_name);
	v->source_name = xstrdup("nothing");
	vol_begin();
	out = vol_run("data", "/mnt", ARGS("true"));
	CU_ASSERT(live_has(out, "volume 'data' at '/mnt': there is no volume 'nothing'"));
	free(out);
}

/* fsGroup: all of the content, unless only the top counts and is right. */
static void test_named_fs_group(void)
{
	struct volume_spec *v = vol_add("data", VOLUME_NAMED);
	cleanup_free char *dir = vol_make_named("claim", true);
	static const char *const look[] = { "seq", "stat", "/mnt", ",", "stat", "/mnt/a", NULL };
	char *out;

	v->source_name = xstrdup("claim");
	vol_put_file(dir, "a", "", 0600);
	vol_live.pod.security.fs_group = (struct opt_i64){ true, 4242 };
	vol_begin();
	out = vol_run("data", "/mnt", look);
	CU_ASSERT_STRING_EQUAL(out, "042777 0:4242\n100660 0:4242\n");
	free(out);
	live_end_sandbox(&vol_live);
	vol_put_file(dir, "a", "", 0600);
	vol_live.pod.security.fs_group_on_root_mismatch = true;
	vol_begin();
	out = vol_run("data", "/mnt", look);
	CU_ASSERT_STRING_EQUAL(out, "042777 0:4242\n100600 0:4242\n");
	free(out);
	live_end_sandbox(&vol_live);
	vol_live.pod.security.fs_group.value = 4343;
	vol_begin();
	out = vol_run("data", "/mnt", look);
	CU_ASSERT_STRING_EQUAL(out, "042777 0:4343\n100660 0:4343\n");
	free(out);
}

static void test_host_volume_keeps_its_group(void)
{
	cleanup_free char *dir = xasprintf("%s/canary", vol_live.dir);
	struct named_volume named = { .name = vol_word("pv"), .host_path = dir };
	struct volume_spec *v = vol_add("data", VOLUME_NAMED);
	cleanup_free char *before = canary_record(dir);
	cleanup_free char *after = NULL;
	cleanup_free char *out = NULL;
	struct error err;

	CU_ASSERT_EQUAL(named_volume_create(&vol_store, &named, &err), 0);
	v->source_name = xstrdup("pv");
	vol_live.pod.security.fs_group = (struct opt_i64){ true, 4242 };
	vol_begin();
	out = vol_run("data", "/mnt", ARGS("true"));
	CU_ASSERT_STRING_EQUAL(out, "");
	after = canary_record(dir);
	CU_ASSERT_STRING_EQUAL(before, after);
}

/* ---- images ----------------------------------------------------------------------------- */

static void test_image(void)
{
	struct volume_spec *v = vol_add("img", VOLUME_IMAGE);
	cleanup_free char *own = live_layer_path(&vol_live, "");
	struct container_spec spec;
	char *out;

	live_spec(&vol_live, &spec, ARGS("true"));
	strlist_copy(&v->config.layers, &spec.config.layers);
	record_done(&container_spec_type, &spec);
	vol_put_file(own, "base", "one layer\n", 0644);
	vol_begin();
	out = vol_run("img", "/img",
		      ARGS("seq", "cat", "/img/base", ",", "write", "/img/x", "x", ",", "cat",
			   "/proc/mounts"));
	CU_ASSERT(live_has(out, "one layer\nEROFS\n"));
	CU_ASSERT(live_has(out, " /img overlay ro,nosuid,nodev,noexec,"));
	free(out);
	live_end_sandbox(&vol_live);
	vol_add_layer(v);
	vol_begin();
	out = vol_run("img", "/img", ARGS("seq", "cat", "/img/base", ",", "cat", "/img/d/file"));
	CU_ASSERT_STRING_EQUAL(out, "one layer\ntwo layers\n");
	free(out);
	out = vol_run_image_path("d/file",
				 ARGS("seq", "cat", "/conf/f", ",", "write", "/conf/f", "x"));
	CU_ASSERT_STRING_EQUAL(out, "two layers\nEROFS\n");
	free(out);
	out = vol_run_image_path("d", ARGS("ls", "/conf/f"));
	CU_ASSERT_STRING_EQUAL(out, "file\n");
	free(out);
	out = vol_run_image_path("none", ARGS("true"));
	CU_ASSERT(live_has(out, "the image has no 'none'"));
	free(out);
	out = vol_run_image_path("../d", ARGS("true"));
	CU_ASSERT(live_has(out, "must stay inside the volume"));
	free(out);
}

/* ---- subPathExpr ------------------------------------------------------------------------ */

static const char *variable, *asked_variable;
static void with_expression(struct container_spec *spec)
{
	struct env_var *e = list_add(&spec->env);
	struct mount_spec *m;

	vol_with_mount(spec);
	e->name = xstrdup("WHERE");
	value_add(&e->value, VALUE_LITERAL, variable, strlen(variable));
	m = &spec->mounts.v[0];
	m->has_sub_path_expr = true;
	value_add(&m->sub_path_expr, VALUE_VARIABLE, asked_variable, strlen(asked_variable));
	value_add(&m->sub_path_expr, VALUE_LITERAL, "/logs", 5);
}

static char *run_expression(const char *value)
{
	variable = value;
	return live_simple(&vol_live, ARGS("write", "/mnt/x", "x"), with_expression, NULL);
}

/* VOL-1: what a variable makes of a subPath is checked like one that was written. */
static void test_sub_path_expr(void)
{
	static const char *const good[] = { "web", "a/b" };
	static const char *const bad[] = { "..", "a/..", "/etc", "" /* gives "/logs" */ };
	cleanup_free char *dir = vol_make_named("claim", false);
	cleanup_free char *made = xasprintf("%s/web/logs/x", dir);
	struct stat st;
	char *out;

	vol_add("data", VOLUME_NAMED)->source_name = xstrdup("claim");
	vol_begin();
	vol_wanted = (struct mount_spec){ .volume = vol_word("data"), .target = vol_word("/mnt") };
	asked_variable = "WHERE";
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		out = run_expression(good[i]);
		CU_ASSERT_STRING_EQUAL(out, "");
		free(out);
	}
	CU_ASSERT_EQUAL(stat(made, &st), 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		out = run_expression(bad[i]);
		CU_ASSERT(live_has(out, "ERROR 125: "));
		CU_ASSERT(live_has(out, "must stay inside the volume"));
		free(out);
	}
	/* ".." is looked up as in a chroot even so, but would mean another place */
	live_setenv("PODIUM_WEAKEN", "VOL-1");
	out = run_expression("..");
	live_setenv("PODIUM_WEAKEN", NULL);
	CU_ASSERT(!strstr(out, "must stay inside"));
	free(out);
	asked_variable = "MISSING";
	out = run_expression("x");
	CU_ASSERT(live_has(out, "subPathExpr: there is no variable 'MISSING'"));
	free(out);
}

#define SWAP_STARTS 40

/* Swaps a directory of the volume for a link that leads out, again and again. */
static int swap_for_ever(void *arg)
{
	cleanup_free char *a = xasprintf("%s/s", (const char *)arg);
	cleanup_free char *b = xasprintf("%s/t", (const char *)arg);

	while (getppid() != 1)
		(void)renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE);
	return 0;
}

/* VOL-1: a subPath that is swapped while containers start. */
static void test_swapped_sub_path(void)
{
	cleanup_free char *dir = vol_make_named("claim", false);
	cleanup_free char *in = xasprintf("%s/s", dir);
	cleanup_free char *out_link = xasprintf("%s/t", dir);
	cleanup_free char *third = xasprintf("%s/l", dir);
	cleanup_free char *outside = xasprintf("%s/canary", vol_live.dir);
	cleanup_free char *weak = NULL;
	pid_t pid;

	vol_add("data", VOLUME_NAMED)->source_name = xstrdup("claim");
	CU_ASSERT(mkdir(in, 0755) == 0 && symlink(outside, out_link) == 0);
	vol_put_file(in, "f", "inside", 0644);
	vol_put_file(outside, "f", "outside", 0644);
	vol_begin();
	pid = child_start(swap_for_ever, dir);
	for (int i = 0; i < SWAP_STARTS; i++) {
		char *out;

		vol_wanted = (struct mount_spec){ .volume = vol_word("data"),
						  .target = vol_word("/mnt"),
						  .sub_path = vol_word("s") };
		out = live_simple(&vol_live, ARGS("cat", "/mnt/f"), vol_with_mount, NULL);
		CU_ASSERT_PTR_NULL(strstr(out, "outside"));
		free(out);
	}
	(void)kill(pid, SIGKILL);
	(void)child_end(pid);
	CU_ASSERT_EQUAL(symlink(outside, third), 0);
	vol_wanted.sub_path = vol_word("l");
	live_setenv("PODIUM_WEAKEN", "VOL-1");
	weak = live_simple(&vol_live, ARGS("cat", "/mnt/f"), vol_with_mount, NULL);
	live_setenv("PODIUM_WEAKEN", NULL);
	CU_ASSERT_STRING_EQUAL(weak, "outside");
}

static CU_TestInfo tests[] = {
	{ "configMap", test_config_map },
	{ "modes and fsGroup", test_modes },
	{ "projected", test_projected },
	{ "missing objects and keys", test_missing },
	{ "VOL-2 paths of items", test_paths },
	{ "refresh", test_refresh },
	{ "VOL-2 VOL-3 refresh among links", test_refresh_with_links },
	{ "named volume", test_named },
	{ "named volume with fsGroup", test_named_fs_group },
	{ "a host's volume keeps its group", test_host_volume_keeps_its_group },
	{ "image", test_image },
	{ "VOL-1 subPathExpr", test_sub_path_expr },
	{ "VOL-1 swapped while it starts", test_swapped_sub_path },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "volumes", NULL, NULL, vol_set_up, vol_tear_down, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
