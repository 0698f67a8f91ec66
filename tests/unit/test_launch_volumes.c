/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_launch_volumes - volumes whose files podium makes, named volumes, image volumes, and how they
 * are mounted. By running podium-launch on a store of our own, as root.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "engine/base/fs.h"
#include "engine/base/mem.h"
#include "engine/data/object.h"
#include "engine/pod/refresh.h"
#include "engine/volumes/named.h"
#include "tests/support/canary.h"
#include "tests/support/child.h"
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
	(void)mkdirat(store.rootfd, "locks", 0700);
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
	static const char *const bad[] = { "",	"/etc/x", "../x", "a/../x", "..x",
					   ".", "..",	  "a/..", "./../x", "//x" };
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
	/* what a cluster cleans is clean */
	free(item->path);
	item->path = xstrdup("./d//e/./f/");
	begin();
	out = run_mounted("conf", "/conf", ARGS("cat", "/conf/d/e/f"));
	CU_ASSERT_STRING_EQUAL(out, "1");
	free(out);
	live_end_sandbox(&S);
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

/* ---- named volumes ---------------------------------------------------------------------- */

static char *make_named(const char *name, bool is_claim)
{
	struct named_volume v = { .name = word(name),
				  .claim_namespace = is_claim ? word("default") : NULL };
	struct error err;

	CU_ASSERT_EQUAL(named_volume_create(&store, &v, &err), 0);
	return xasprintf("%s/volumes/%s/_data", S.root, name);
}

static void put_file(const char *dir, const char *name, const char *text, mode_t mode)
{
	cleanup_free char *path = xasprintf("%s/%s", dir, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	CU_ASSERT(fd >= 0 && fchmod(fd, mode) == 0 && fs_write_all(fd, text, strlen(text)) == 0);
	(void)close(fd);
}

static void test_named(void)
{
	struct volume_spec *v = add_volume("data", VOLUME_NAMED);
	cleanup_free char *dir = make_named("claim", true);
	char *out;

	v->source_name = xstrdup("claim");
	begin();
	out = run_mounted("data", "/mnt",
			  ARGS("seq", "write", "/mnt/a", "kept", ",", "stat", "/mnt"));
	CU_ASSERT_STRING_EQUAL(out, "040777 0:0\n");
	free(out);
	live_end_sandbox(&S);
	v->read_only = true;
	begin();
	out = run_mounted("data", "/mnt",
			  ARGS("seq", "cat", "/mnt/a", ",", "write", "/mnt/b", "x"));
	CU_ASSERT_STRING_EQUAL(out, "keptEROFS\n");
	free(out);
	live_end_sandbox(&S);
	free(v->source_name);
	v->source_name = xstrdup("nothing");
	begin();
	out = run_mounted("data", "/mnt", ARGS("true"));
	CU_ASSERT(live_has(out, "volume 'data' at '/mnt': there is no volume 'nothing'"));
	free(out);
}

/* fsGroup: all of the content, unless only the top counts and is right. */
static void test_named_fs_group(void)
{
	struct volume_spec *v = add_volume("data", VOLUME_NAMED);
	cleanup_free char *dir = make_named("claim", true);
	static const char *const look[] = { "seq", "stat", "/mnt", ",", "stat", "/mnt/a", NULL };
	char *out;

	v->source_name = xstrdup("claim");
	put_file(dir, "a", "", 0600);
	S.pod.security.fs_group = (struct opt_i64){ true, 4242 };
	begin();
	out = run_mounted("data", "/mnt", look);
	CU_ASSERT_STRING_EQUAL(out, "042777 0:4242\n100660 0:4242\n");
	free(out);
	live_end_sandbox(&S);
	put_file(dir, "a", "", 0600);
	S.pod.security.fs_group_on_root_mismatch = true;
	begin();
	out = run_mounted("data", "/mnt", look);
	CU_ASSERT_STRING_EQUAL(out, "042777 0:4242\n100600 0:4242\n");
	free(out);
	live_end_sandbox(&S);
	S.pod.security.fs_group.value = 4343;
	begin();
	out = run_mounted("data", "/mnt", look);
	CU_ASSERT_STRING_EQUAL(out, "042777 0:4343\n100660 0:4343\n");
	free(out);
}

static void test_host_volume_keeps_its_group(void)
{
	cleanup_free char *dir = xasprintf("%s/canary", S.dir);
	struct named_volume named = { .name = word("pv"), .host_path = dir };
	struct volume_spec *v = add_volume("data", VOLUME_NAMED);
	cleanup_free char *before = canary_record(dir);
	cleanup_free char *after = NULL;
	cleanup_free char *out = NULL;
	struct error err;

	CU_ASSERT_EQUAL(named_volume_create(&store, &named, &err), 0);
	v->source_name = xstrdup("pv");
	S.pod.security.fs_group = (struct opt_i64){ true, 4242 };
	begin();
	out = run_mounted("data", "/mnt", ARGS("true"));
	CU_ASSERT_STRING_EQUAL(out, "");
	after = canary_record(dir);
	CU_ASSERT_STRING_EQUAL(before, after);
}

/* ---- images ----------------------------------------------------------------------------- */

#define SECOND_LAYER "ee00ee00ee00ee00ee00ee00ee00ee00ee00ee00ee00ee00ee00ee00ee00ee00"

static char *run_sub_path(const char *sub_path, const char *const *argv)
{
	wanted = (struct mount_spec){ .volume = word("img"),
				      .target = word("/conf/f"),
				      .sub_path = word(sub_path) };
	return live_simple(&S, argv, with_mount, NULL);
}

static void add_layer(struct volume_spec *v)
{
	cleanup_free char *dir = xasprintf("layers/%s/diff/d", SECOND_LAYER);
	cleanup_free char *path = xasprintf("%s/%s", S.root, dir);
	struct error err;
	int fd = fs_mkdirs(store.rootfd, dir, 0755, &err);

	CU_ASSERT(fd >= 0);
	(void)close(fd);
	put_file(path, "file", "two layers\n", 0644);
	strlist_add(&v->config.layers, "sha256:" SECOND_LAYER);
}

static void test_image(void)
{
	struct volume_spec *v = add_volume("img", VOLUME_IMAGE);
	cleanup_free char *own = live_layer_path(&S, "");
	struct container_spec spec;
	char *out;

	live_spec(&S, &spec, ARGS("true"));
	strlist_copy(&v->config.layers, &spec.config.layers);
	record_done(&container_spec_type, &spec);
	put_file(own, "base", "one layer\n", 0644);
	begin();
	out = run_mounted("img", "/img",
			  ARGS("seq", "cat", "/img/base", ",", "write", "/img/x", "x", ",", "cat",
			       "/proc/mounts"));
	CU_ASSERT(live_has(out, "one layer\nEROFS\n"));
	CU_ASSERT(live_has(out, " /img overlay ro,nosuid,nodev,noexec,"));
	free(out);
	live_end_sandbox(&S);
	add_layer(v);
	begin();
	out = run_mounted("img", "/img",
			  ARGS("seq", "cat", "/img/base", ",", "cat", "/img/d/file"));
	CU_ASSERT_STRING_EQUAL(out, "one layer\ntwo layers\n");
	free(out);
	out = run_sub_path("d/file", ARGS("seq", "cat", "/conf/f", ",", "write", "/conf/f", "x"));
	CU_ASSERT_STRING_EQUAL(out, "two layers\nEROFS\n");
	free(out);
	out = run_sub_path("d", ARGS("ls", "/conf/f"));
	CU_ASSERT_STRING_EQUAL(out, "file\n");
	free(out);
	out = run_sub_path("none", ARGS("true"));
	CU_ASSERT(live_has(out, "the image has no 'none'"));
	free(out);
	out = run_sub_path("../d", ARGS("true"));
	CU_ASSERT(live_has(out, "must stay inside the volume"));
	free(out);
}

/* ---- subPathExpr ------------------------------------------------------------------------ */

static const char *variable, *asked_variable;
static void with_expression(struct container_spec *spec)
{
	struct env_var *e = list_add(&spec->env);
	struct mount_spec *m;

	with_mount(spec);
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
	return live_simple(&S, ARGS("write", "/mnt/x", "x"), with_expression, NULL);
}

/* VOL-1: what a variable makes of a subPath is checked like one that was written. */
static void test_sub_path_expr(void)
{
	static const char *const good[] = { "web", "a/b" };
	static const char *const bad[] = { "..", "a/..", "/etc", "" /* gives "/logs" */ };
	cleanup_free char *dir = make_named("claim", false);
	cleanup_free char *made = xasprintf("%s/web/logs/x", dir);
	struct stat st;
	char *out;

	add_volume("data", VOLUME_NAMED)->source_name = xstrdup("claim");
	begin();
	wanted = (struct mount_spec){ .volume = word("data"), .target = word("/mnt") };
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
	cleanup_free char *dir = make_named("claim", false);
	cleanup_free char *in = xasprintf("%s/s", dir);
	cleanup_free char *out_link = xasprintf("%s/t", dir);
	cleanup_free char *third = xasprintf("%s/l", dir);
	cleanup_free char *outside = xasprintf("%s/canary", S.dir);
	cleanup_free char *weak = NULL;
	pid_t pid;

	add_volume("data", VOLUME_NAMED)->source_name = xstrdup("claim");
	CU_ASSERT(mkdir(in, 0755) == 0 && symlink(outside, out_link) == 0);
	put_file(in, "f", "inside", 0644);
	put_file(outside, "f", "outside", 0644);
	begin();
	pid = child_start(swap_for_ever, dir);
	for (int i = 0; i < SWAP_STARTS; i++) {
		char *out;

		wanted = (struct mount_spec){ .volume = word("data"),
					      .target = word("/mnt"),
					      .sub_path = word("s") };
		out = live_simple(&S, ARGS("cat", "/mnt/f"), with_mount, NULL);
		CU_ASSERT_PTR_NULL(strstr(out, "outside"));
		free(out);
	}
	(void)kill(pid, SIGKILL);
	(void)child_end(pid);
	CU_ASSERT_EQUAL(symlink(outside, third), 0);
	wanted.sub_path = word("l");
	live_setenv("PODIUM_WEAKEN", "VOL-1");
	weak = live_simple(&S, ARGS("cat", "/mnt/f"), with_mount, NULL);
	live_setenv("PODIUM_WEAKEN", NULL);
	CU_ASSERT_STRING_EQUAL(weak, "outside");
}

/* ---- mounts in volumes ------------------------------------------------------------------ */

/* In functions that run in a child with mounts of its own: they end with 0, or tell the line. */
#define MUST(law)                                      \
	do {                                           \
		if (!(law)) {                          \
			printf("line %d\n", __LINE__); \
			(void)fflush(stdout);          \
			return 1;                      \
		}                                      \
	} while (0)

static char *shared_dir;

static bool mount_tmpfs(const char *dir, const char *name)
{
	cleanup_free char *path = xasprintf("%s/%s", dir, name);

	(void)mkdir(path, 0755);
	return mount("tmpfs", path, "tmpfs", 0, "mode=777") == 0;
}

static void add_shared_volume(void)
{
	struct volume_spec *v = add_volume("vol", VOLUME_HOST_PATH);

	shared_dir = xasprintf("%s/vol", S.dir);
	v->host_path = shared_dir;
	CU_ASSERT_EQUAL(mkdir(shared_dir, 0755), 0);
}

static int read_only_with_mounts(void *arg)
{
	static const char *const write_below[] = { "write", "/mnt/sub/x", "x", NULL };

	(void)arg;
	MUST(child_own_mounts() && mount_tmpfs(S.dir, "vol") && mount_tmpfs(shared_dir, "sub"));
	MUST(!live_sandbox(&S));
	wanted = (struct mount_spec){ .volume = word("vol"), .target = word("/mnt") };
	/* a bind has all that is below */
	MUST(!*live_simple(&S, write_below, with_mount, NULL));
	for (int way = RRO_DISABLED; way < RRO__COUNT; way++) {
		wanted.read_only = true;
		wanted.recursive_read_only = way;
		MUST(live_has(live_simple(&S, write_below, with_mount, NULL), "EROFS\n"));
	}
	live_setenv("PODIUM_WEAKEN", "VOL-10");
	MUST(!*live_simple(&S, write_below, with_mount, NULL));
	live_setenv("PODIUM_WEAKEN", NULL);
	live_end_sandbox(&S);
	return 0;
}

/* VOL-10: read-only is read-only with every mount below. */
static void test_read_only_with_mounts(void)
{
	add_shared_volume();
	CU_ASSERT_EQUAL(child_run(read_only_with_mounts, NULL), 0);
}

/* VOL-11: set-uid and devices are inert. */
static void test_inert(void)
{
	cleanup_free char *null = NULL;
	char *out;

	add_shared_volume();
	null = xasprintf("%s/null", shared_dir);
	CU_ASSERT(mknod(null, S_IFCHR | 0666, makedev(1, 3)) == 0 && chmod(null, 0666) == 0);
	begin();
	out = run_mounted("vol", "/mnt", ARGS("cat", "/mnt/null"));
	CU_ASSERT_STRING_EQUAL(out, "EACCES\n");
	free(out);
	out = run_mounted("vol", "/mnt", ARGS("cat", "/proc/mounts"));
	CU_ASSERT(strstr(out, " /mnt ") && strstr(strstr(out, " /mnt "), "nosuid,nodev"));
	free(out);
	live_setenv("PODIUM_WEAKEN", "VOL-11");
	out = run_mounted("vol", "/mnt", ARGS("cat", "/mnt/null"));
	live_setenv("PODIUM_WEAKEN", NULL);
	CU_ASSERT_STRING_EQUAL(out, "");
	free(out);
}

static bool is_privileged_wanted;
static void with_propagation(struct container_spec *spec)
{
	with_mount(spec);
	spec->security.privileged = (struct opt_bool){ true, is_privileged_wanted };
}

/* Whether what is mounted below the volume on the host while a container runs is seen inside. */
static int see_mount(int propagation, bool *ret_seen)
{
	cleanup_free char *sub = xasprintf("%s/later", shared_dir);
	struct container_spec spec;
	struct liverun r;
	char *text;

	live_spec(&S, &spec, ARGS("sleep", "100"));
	wanted = (struct mount_spec){ .volume = word("vol"),
				      .target = word("/mnt"),
				      .propagation = propagation };
	with_propagation(&spec);
	live_start(&S, &spec, &r);
	MUST(!r.error);
	live_go(&r);
	MUST(mount_tmpfs(shared_dir, "later"));
	put_file(sub, "f", "seen", 0644);
	text = read_inside(r.pid, "/mnt/later/f");
	*ret_seen = strcmp(text, "seen") == 0;
	(void)live_end(&r);
	return umount2(sub, MNT_DETACH) < 0 ? 1 : 0;
}

/* The mount's own words in mountinfo hold the word. */
static bool has_peer(const char *volume, int propagation, const char *peer)
{
	const char *out, *line;

	wanted = (struct mount_spec){ .volume = word(volume),
				      .target = word("/mnt"),
				      .propagation = propagation };
	out = live_simple(&S, ARGS("cat", "/proc/self/mountinfo"), with_propagation, NULL);
	line = strstr(out, " /mnt ");
	line = line ? strstr(line, peer) : NULL;
	return line && !memchr(strstr(out, " /mnt "), '\n', (size_t)(line - strstr(out, " /mnt ")));
}

static int propagate(void *arg)
{
	bool seen;

	(void)arg;
	MUST(child_own_mounts() && mount_tmpfs(S.dir, "vol"));
	MUST(!live_sandbox(&S));
	wanted = (struct mount_spec){ .volume = word("vol"),
				      .target = word("/mnt"),
				      .propagation = PROPAGATION_SLAVE };
	MUST(live_has(live_simple(&S, ARGS("true"), with_propagation, NULL),
		      "it lies on a mount that is not shared"));
	MUST(mount(NULL, shared_dir, NULL, MS_SHARED, NULL) == 0);
	MUST(see_mount(PROPAGATION_NONE, &seen) == 0 && !seen);
	MUST(see_mount(PROPAGATION_SLAVE, &seen) == 0 && seen);
	wanted.propagation = PROPAGATION_SHARED;
	MUST(live_has(live_simple(&S, ARGS("true"), with_propagation, NULL),
		      "mountPropagation 'Bidirectional' needs a privileged container"));
	is_privileged_wanted = true;
	MUST(see_mount(PROPAGATION_SHARED, &seen) == 0 && seen);
	MUST(has_peer("vol", PROPAGATION_SHARED, " shared:"));
	MUST(has_peer("vol", PROPAGATION_SLAVE, " master:"));
	MUST(!has_peer("vol", PROPAGATION_NONE, " master:"));
	/* among the containers of the pod, below an emptyDir in memory */
	MUST(has_peer("mem", PROPAGATION_SHARED, " shared:"));
	MUST(has_peer("mem", PROPAGATION_SLAVE, " master:"));
	MUST(!has_peer("mem", PROPAGATION_NONE, " shared:"));
	live_end_sandbox(&S);
	return 0;
}

static void test_propagation(void)
{
	add_shared_volume();
	add_volume("mem", VOLUME_EMPTY_DIR)->memory = true;
	CU_ASSERT_EQUAL(child_run(propagate, NULL), 0);
	is_privileged_wanted = false;
}

/* ---- with a user namespace of the pod's own ---------------------------------------------- */

static void test_user_namespace(void)
{
	struct volume_spec *image;
	struct container_spec spec;
	char *error, *out;
	struct error err;

	S.pod.host_users = (struct opt_bool){ true, false };
	S.pod.security.fs_group = (struct opt_i64){ true, 4242 };
	put_object(DATA_CONFIG, "conf", "one", NULL);
	(void)add_source(add_volume("conf", VOLUME_CONFIG), PROJECTION_CONFIG, "conf");
	image = add_volume("img", VOLUME_IMAGE);
	live_spec(&S, &spec, ARGS("true"));
	strlist_copy(&image->config.layers, &spec.config.layers);
	record_done(&container_spec_type, &spec);
	add_layer(image);
	add_volume("data", VOLUME_NAMED)->source_name = xstrdup("claim");
	free(make_named("claim", true));
	error = live_sandbox(&S);
	if (error) {
		TEST_SKIP("no user namespaces: %s", error);
		free(error);
		return;
	}
	out = run_mounted("img", "/img",
			  ARGS("seq", "stat", "/img/d/file", ",", "cat", "/img/d/file"));
	CU_ASSERT_STRING_EQUAL(out, "100644 0:0\ntwo layers\n");
	free(out);
	out = run_sub_path("d/file", ARGS("seq", "stat", "/conf/f", ",", "write", "/conf/f", "x"));
	CU_ASSERT_STRING_EQUAL(out, "100644 0:0\nEROFS\n");
	free(out);
	out = run_mounted(
		"data", "/mnt",
		ARGS("seq", "write", "/mnt/f", "x", ",", "stat", "/mnt", ",", "stat", "/mnt/f"));
	CU_ASSERT_STRING_EQUAL(out, "042777 0:4242\n100644 0:4242\n");
	free(out);
	for (int i = 0; i < 2; i++) {
		out = run_mounted("conf", "/c",
				  ARGS("seq", "cat", "/c/a.txt", ",", "stat", "/c/..data/a.txt",
				       ",", "stat", "/c/..data/"));
		CU_ASSERT_STRING_EQUAL(out, i ? "two100644 0:4242\n042755 0:4242\n"
					      : "one100644 0:4242\n042755 0:4242\n");
		free(out);
		put_object(DATA_CONFIG, "conf", "two", NULL);
		CU_ASSERT_EQUAL(refresh(&err), !i);
	}
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
	{ "VOL-10 read-only with mounts below", test_read_only_with_mounts },
	{ "VOL-11 inert", test_inert },
	{ "propagation", test_propagation },
	{ "user namespace", test_user_namespace },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "volumes", NULL, NULL, set_up, tear_down, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
