/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_launch_volumes - volumes whose files podium makes, named volumes, image volumes, and how they
 * are mounted. By running podium-launch on a store of our own, as root.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/fs.h"
#include "engine/base/mem.h"
#include "engine/data/object.h"
#include "engine/pod/refresh.h"
#include "tests/support/canary.h"
#include "tests/support/cunit_main.h"
#include "tests/support/livestore.h"

#define ARGS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static struct livestore S;
static struct store store;

static void set_up(void)
{
	if (!live_init(&S))
		printf("no store\n");
	store = (struct store){ .root = S.root,
				.runroot = S.runroot,
				.rootfd = open(S.root, O_PATH | O_DIRECTORY | O_CLOEXEC),
				.runfd = open(S.runroot, O_PATH | O_DIRECTORY | O_CLOEXEC) };
}

static void tear_down(void)
{
	(void)close(store.rootfd);
	(void)close(store.runfd);
	live_done(&S);
}

static void begin(void)
{
	char *error = live_sandbox(&S);

	if (error)
		printf("%s\n", error);
	CU_ASSERT_PTR_NULL_FATAL(error);
}

/* Ends the sandbox that cannot be made, and tells why. */
static char *begin_in_vain(void)
{
	char *error = live_sandbox(&S);

	if (!error)
		live_end_sandbox(&S);
	return error ? error : xstrdup("nothing is wrong");
}

static char *word(const char *s)
{
	return (char *)(uintptr_t)s;
}

/* ---- volumes and mounts ----------------------------------------------------------------- */

static struct mount_spec wanted;
static void with_mount(struct container_spec *spec)
{
	struct mount_spec *m = list_add(&spec->mounts);

	*m = wanted;
	m->volume = xstrdup(wanted.volume);
	m->target = xstrdup(wanted.target);
	m->sub_path = xstrdup_or_null(wanted.sub_path);
}

static char *run_mounted(const char *volume, const char *target, const char *const *argv)
{
	wanted = (struct mount_spec){ .volume = word(volume), .target = word(target) };
	return live_simple(&S, argv, with_mount, NULL);
}

static struct volume_spec *add_volume(const char *name, int kind)
{
	struct volume_spec *v = list_add(&S.pod.volumes);

	v->name = xstrdup(name);
	v->kind = kind;
	return v;
}

static struct projection *add_source(struct volume_spec *v, int kind, const char *object)
{
	struct projection *p = list_add(&v->sources);

	p->kind = kind;
	p->object = xstrdup_or_null(object);
	return p;
}

static struct projection_item *add_item(struct projection *p, const char *key, const char *path)
{
	struct projection_item *item = list_add(&p->items);

	item->key = xstrdup_or_null(key);
	item->path = xstrdup(path);
	return item;
}

static void put_object(enum data_kind kind, const char *name, const char *a, const char *b)
{
	cleanup_data_object struct data_object o = { .kind = (int)kind, .name = xstrdup(name) };
	struct error err;

	data_object_add(&o, "a.txt", a, strlen(a), false);
	if (b)
		data_object_add(&o, "b.txt", b, strlen(b), false);
	CU_ASSERT_EQUAL(data_object_write(&store, &o, &err), 0);
}

static int refresh(struct error *err)
{
	return pod_refresh_volumes(&store, S.pod.id, err);
}

/* ---- projected files -------------------------------------------------------------------- */

static void test_config_map(void)
{
	cleanup_free char *out = NULL;

	put_object(DATA_CONFIG, "conf", "hello\n", "two\n");
	(void)add_source(add_volume("conf", VOLUME_CONFIG), PROJECTION_CONFIG, "conf");
	begin();
	out = run_mounted("conf", "/conf",
			  ARGS("seq", "cat", "/conf/a.txt", ",", "cat", "/conf/b.txt", ",", "stat",
			       "/conf/..data/a.txt", ",", "stat", "/conf"));
	CU_ASSERT_STRING_EQUAL(out, "hello\ntwo\n100644 0:0\n040777 0:0\n");
	free(out);
	out = run_mounted("conf", "/conf", ARGS("ls", "/conf/..data"));
	CU_ASSERT_STRING_EQUAL(out, "a.txt\nb.txt\n");
	free(out);
	out = run_mounted("conf", "/conf", ARGS("write", "/conf/a.txt", "x"));
	CU_ASSERT_STRING_EQUAL(out, "EROFS\n");
	free(out);
	out = run_mounted("conf", "/conf", ARGS("cat", "/proc/mounts"));
	CU_ASSERT(live_has(out, " /conf tmpfs ro,nosuid,nodev,relatime,size=16384k"));
	free(out);
	wanted = (struct mount_spec){ .volume = word("conf"),
				      .target = word("/etc/app/b.conf"),
				      .sub_path = word("b.txt") };
	out = live_simple(&S, ARGS("cat", "/etc/app/b.conf"), with_mount, NULL);
	CU_ASSERT_STRING_EQUAL(out, "two\n");
}

/* Modes: the item's, the volume's, 0644; with an fsGroup readable for the group. */
static void test_modes(void)
{
	struct volume_spec *v = add_volume("s", VOLUME_SECRET);
	struct projection *p = add_source(v, PROJECTION_SECRET, "s");
	cleanup_free char *out = NULL;
	static const char *const look[] = { "seq", "stat", "/s/..data/x/y/a",
					    ",",   "stat", "/s/..data/b",
					    ",",   "stat", "/s/..data/x/y",
					    ",",   "stat", "/s",
					    NULL };

	put_object(DATA_SECRET, "s", "one", "two");
	add_item(p, "a.txt", "x/y/a")->mode = (struct opt_i64){ true, 0400 };
	(void)add_item(p, "b.txt", "b");
	v->default_mode = (struct opt_i64){ true, 0700 };
	begin();
	out = run_mounted("s", "/s", look);
	CU_ASSERT_STRING_EQUAL(out, "100400 0:0\n100700 0:0\n040755 0:0\n040777 0:0\n");
	free(out);
	live_end_sandbox(&S);
	S.pod.security.fs_group = (struct opt_i64){ true, 4242 };
	begin();
	out = run_mounted("s", "/s", look);
	CU_ASSERT_STRING_EQUAL(out, "100440 0:4242\n100740 0:4242\n042755 0:4242\n042777 0:4242\n");
}

static void test_projected(void)
{
	struct volume_spec *v = add_volume("all", VOLUME_PROJECTED);
	struct projection *p;
	struct projection_item *item;
	cleanup_free char *out = NULL;

	put_object(DATA_CONFIG, "c", "config", NULL);
	put_object(DATA_SECRET, "s", "secret", "later wins");
	pairlist_set(&S.pod.labels, "app", "x");
	pairlist_set(&S.pod.annotations, "note", "a\nb");
	(void)add_source(v, PROJECTION_SECRET, "s");
	(void)add_item(add_source(v, PROJECTION_CONFIG, "c"), "a.txt", "b.txt");
	p = add_source(v, PROJECTION_DOWNWARD, NULL);
	add_item(p, NULL, "pod/name")->field = xstrdup("metadata.name");
	add_item(p, NULL, "pod/labels")->field = xstrdup("metadata.labels");
	add_item(p, NULL, "pod/annotations")->field = xstrdup("metadata.annotations");
	begin();
	out = run_mounted("all", "/p",
			  ARGS("seq", "cat", "/p/a.txt", ",", "cat", "/p/b.txt", ",", "cat",
			       "/p/pod/name", ",", "cat", "/p/pod/labels", ",", "cat",
			       "/p/pod/annotations"));
	CU_ASSERT_STRING_EQUAL(out, "secretconfigliveapp=\"x\"note=\"a\\nb\"");
	live_end_sandbox(&S);
	item = add_item(&v->sources.v[2], NULL, "cpu");
	item->resource = xstrdup("limits.cpu");
	item->container = xstrdup("nobody");
	free(out);
	out = begin_in_vain();
	CU_ASSERT(live_has(out, "volume 'all': there is no container 'nobody' in the pod"));
}

static void test_missing(void)
{
	struct volume_spec *v = add_volume("conf", VOLUME_CONFIG);
	struct projection *p = add_source(v, PROJECTION_CONFIG, "conf");
	char *out = begin_in_vain();

	CU_ASSERT(live_has(out, "volume 'conf': there is no ConfigMap 'conf'"));
	free(out);
	p->optional = true;
	begin();
	out = run_mounted("conf", "/conf", ARGS("ls", "/conf"));
	CU_ASSERT(!strstr(out, "txt") && !strstr(out, "ERROR"));
	free(out);
	live_end_sandbox(&S);
	p->optional = false;
	put_object(DATA_CONFIG, "conf", "1", "2");
	(void)add_item(p, "a.txt", "a");
	(void)add_item(p, "c.txt", "c");
	out = begin_in_vain();
	CU_ASSERT(live_has(out, "volume 'conf': ConfigMap 'conf' has no key 'c.txt'"));
	free(out);
	p->optional = true;
	begin();
	out = run_mounted("conf", "/conf", ARGS("seq", "cat", "/conf/a", ",", "cat", "/conf/c"));
	CU_ASSERT_STRING_EQUAL(out, "1ENOENT\n");
	free(out);
}

/* VOL-2: paths of items. */
static void test_paths(void)
{
	static const char *const bad[] = { "",	    "/etc/x", "../x", "a/../x", "..x", "a//b",
					   "a/./b", "a/",     ".",    "..",	"a/.." };
	struct volume_spec *v = add_volume("conf", VOLUME_CONFIG);
	struct projection *p = add_source(v, PROJECTION_CONFIG, "conf");
	struct projection_item *item = add_item(p, "a.txt", "x");
	cleanup_free char *longest = xcalloc(1, 300);
	char *out;

	put_object(DATA_CONFIG, "conf", "1", "2");
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
	begin();
	out = run_mounted("conf", "/conf", ARGS("cat", "/conf/escaped"));
	CU_ASSERT_STRING_EQUAL(out, "1");
	live_setenv("PODIUM_WEAKEN", NULL);
	free(out);
}

/* ---- a change while the pod runs -------------------------------------------------------- */

static char *read_inside(pid_t pid, const char *path)
{
	cleanup_free char *full = xasprintf("/proc/%d/root%s", (int)pid, path);
	char *text = NULL;
	int fd = open(full, O_RDONLY | O_CLOEXEC); /* follows the links, as a program does */
	char buf[256];
	ssize_t n = fd < 0 ? -1 : read(fd, buf, sizeof(buf));

	text = n < 0 ? xstrdup("none") : xstrndup(buf, (size_t)n);
	if (fd >= 0)
		(void)close(fd);
	return text;
}

static bool is_inside(pid_t pid, const char *path, const char *expected)
{
	cleanup_free char *text = read_inside(pid, path);

	if (strcmp(text, expected) != 0)
		printf("\n%s: '%s'", path, text);
	return strcmp(text, expected) == 0;
}

static void with_two_mounts(struct container_spec *spec)
{
	wanted = (struct mount_spec){ .volume = word("conf"), .target = word("/conf") };
	with_mount(spec);
	wanted = (struct mount_spec){ .volume = word("conf"),
				      .target = word("/file"),
				      .sub_path = word("a.txt") };
	with_mount(spec);
}

static void test_refresh(void)
{
	struct volume_spec *v = add_volume("conf", VOLUME_CONFIG);
	struct container_spec spec;
	struct liverun r;
	struct error err;

	put_object(DATA_CONFIG, "conf", "one", "gone soon");
	(void)add_source(v, PROJECTION_CONFIG, "conf");
	begin();
	live_spec(&S, &spec, ARGS("sleep", "100"));
	with_two_mounts(&spec);
	live_start(&S, &spec, &r);
	live_go(&r);
	CU_ASSERT_PTR_NULL(r.error);
	CU_ASSERT(is_inside(r.pid, "/conf/a.txt", "one"));
	CU_ASSERT_EQUAL(refresh(&err), 0); /* nothing has changed */
	put_object(DATA_CONFIG, "conf", "two", NULL);
	CU_ASSERT_EQUAL(refresh(&err), 1);
	CU_ASSERT(is_inside(r.pid, "/conf/a.txt", "two"));
	CU_ASSERT(is_inside(r.pid, "/conf/b.txt", "none"));
	CU_ASSERT(is_inside(r.pid, "/file", "one")); /* as in Kubernetes */
	CU_ASSERT_EQUAL(refresh(&err), 0);
	/* what is missing now changes nothing */
	CU_ASSERT_EQUAL(data_object_remove(&store, DATA_CONFIG, NULL, "conf", &err), 0);
	CU_ASSERT_EQUAL(refresh(&err), -ENOENT);
	CU_ASSERT(is_inside(r.pid, "/conf/a.txt", "two"));
	(void)live_end(&r);
	record_done(&container_spec_type, &spec);
}

/* VOL-2, VOL-3: somebody who could write has put links where files come to be. */
static void test_refresh_with_links(void)
{
	static const char *const links[] = { "..data_tmp", "c", "b.txt", "..2001", "new" };
	struct volume_spec *v = add_volume("conf", VOLUME_CONFIG);
	cleanup_free char *outside = xasprintf("%s/outside", S.dir);
	cleanup_free char *before = NULL;
	cleanup_free char *after = NULL;
	cleanup_free char *volume = NULL;
	cleanup_free char *data = NULL;
	struct error err;

	canary_make(outside);
	before = canary_record(outside);
	put_object(DATA_CONFIG, "conf", "one", NULL);
	(void)add_source(v, PROJECTION_CONFIG, "conf");
	begin();
	volume = xasprintf("/proc/%d/root/volumes/conf", (int)S.pause);
	data = xasprintf("%s/..data", volume);
	for (size_t i = 0; i < ARRAY_SIZE(links); i++) {
		cleanup_free char *path = xasprintf("%s/%s", volume, links[i]);

		CU_ASSERT_EQUAL(symlink(outside, path), 0);
	}
	put_object(DATA_CONFIG, "conf", "two", "three");
	CU_ASSERT_EQUAL(refresh(&err), 1);
	/* and what leads to the version leads away */
	CU_ASSERT(unlink(data) == 0 && symlink(outside, data) == 0);
	CU_ASSERT_EQUAL(refresh(&err), 1);
	CU_ASSERT_EQUAL(refresh(&err), 0);
	after = canary_record(outside);
	CU_ASSERT_STRING_EQUAL(before, after);
}

static CU_TestInfo tests[] = {
	{ "configMap", test_config_map },
	{ "modes and fsGroup", test_modes },
	{ "projected", test_projected },
	{ "missing objects and keys", test_missing },
	{ "VOL-2 paths of items", test_paths },
	{ "refresh", test_refresh },
	{ "VOL-2 VOL-3 refresh among links", test_refresh_with_links },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "volumes", NULL, NULL, set_up, tear_down, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
