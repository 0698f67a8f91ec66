/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_launch_mounts - how volumes are mounted: what lies below them, what is inert in them, what
 * propagates, and with which ids. By running podium-launch on a store of our own, as root.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "engine/base/mem.h"
#include "tests/support/child.h"
#include "tests/support/cunit_main.h"
#include "tests/support/livevolume.h"

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
	struct volume_spec *v = vol_add("vol", VOLUME_HOST_PATH);

	shared_dir = xasprintf("%s/vol", vol_live.dir);
	v->host_path = shared_dir;
	CU_ASSERT_EQUAL(mkdir(shared_dir, 0755), 0);
}

/* In a child: runs such a function, and ends the sandbox that it has left. */
static int with_own_mounts(void *function)
{
	int (*run)(void);
	int r;

	memcpy(&run, &function, sizeof(run));
	r = child_own_mounts() ? run() : 1;
	live_end_sandbox(&vol_live);
	return r;
}

static int read_only_with_mounts(void)
{
	static const char *const write_below[] = { "write", "/mnt/sub/x", "x", NULL };

	MUST(mount_tmpfs(vol_live.dir, "vol") && mount_tmpfs(shared_dir, "sub"));
	MUST(!live_sandbox(&vol_live));
	vol_wanted = (struct mount_spec){ .volume = vol_word("vol"), .target = vol_word("/mnt") };
	/* a bind has all that is below */
	MUST(!*live_simple(&vol_live, write_below, vol_with_mount, NULL));
	for (int way = RRO_DISABLED; way < RRO__COUNT; way++) {
		vol_wanted.read_only = true;
		vol_wanted.recursive_read_only = way;
		MUST(live_has(live_simple(&vol_live, write_below, vol_with_mount, NULL),
			      "EROFS\n"));
	}
	live_setenv("PODIUM_WEAKEN", "VOL-10");
	MUST(!*live_simple(&vol_live, write_below, vol_with_mount, NULL));
	live_setenv("PODIUM_WEAKEN", NULL);
	return 0;
}

/* VOL-10: read-only is read-only with every mount below. */
static void test_read_only_with_mounts(void)
{
	add_shared_volume();
	CU_ASSERT_EQUAL(child_run(with_own_mounts, read_only_with_mounts), 0);
}

/* VOL-11: set-uid and devices are inert. */
static void test_inert(void)
{
	cleanup_free char *null = NULL;
	char *out;

	add_shared_volume();
	null = xasprintf("%s/null", shared_dir);
	CU_ASSERT(mknod(null, S_IFCHR | 0666, makedev(1, 3)) == 0 && chmod(null, 0666) == 0);
	vol_begin();
	out = vol_run("vol", "/mnt", ARGS("cat", "/mnt/null"));
	CU_ASSERT_STRING_EQUAL(out, "EACCES\n");
	free(out);
	out = vol_run("vol", "/mnt", ARGS("cat", "/proc/mounts"));
	CU_ASSERT(strstr(out, " /mnt ") && strstr(strstr(out, " /mnt "), "nosuid,nodev"));
	free(out);
	live_setenv("PODIUM_WEAKEN", "VOL-11");
	out = vol_run("vol", "/mnt", ARGS("cat", "/mnt/null"));
	live_setenv("PODIUM_WEAKEN", NULL);
	CU_ASSERT_STRING_EQUAL(out, "");
	free(out);
}

static bool is_privileged_wanted;
static void with_propagation(struct container_spec *spec)
{
	vol_with_mount(spec);
	spec->security.privileged = (struct opt_bool){ true, is_privileged_wanted };
}

/* Whether what is mounted below the volume on the host while a container runs is seen inside. */
static int see_mount(int propagation, bool *ret_seen)
{
	cleanup_free char *sub = xasprintf("%s/later", shared_dir);
	struct container_spec spec;
	struct liverun r;
	char *text;

	live_spec(&vol_live, &spec, ARGS("sleep", "100"));
	vol_wanted = (struct mount_spec){ .volume = vol_word("vol"),
					  .target = vol_word("/mnt"),
					  .propagation = propagation };
	with_propagation(&spec);
	live_start(&vol_live, &spec, &r);
	MUST(!r.error);
	live_go(&r);
	MUST(mount_tmpfs(shared_dir, "later"));
	vol_put_file(sub, "f", "seen", 0644);
	text = vol_read_inside(r.pid, "/mnt/later/f");
	*ret_seen = strcmp(text, "seen") == 0;
	(void)live_end(&r);
	return umount2(sub, MNT_DETACH) < 0 ? 1 : 0;
}

/* The mount's own words in mountinfo hold the word. */
static bool has_peer(const char *volume, int propagation, const char *peer)
{
	const char *out, *line;

	vol_wanted = (struct mount_spec){ .volume = vol_word(volume),
					  .target = vol_word("/mnt"),
					  .propagation = propagation };
	out = live_simple(&vol_live, ARGS("cat", "/proc/self/mountinfo"), with_propagation, NULL);
	line = strstr(out, " /mnt ");
	line = line ? strstr(line, peer) : NULL;
	return line && !memchr(strstr(out, " /mnt "), '\n', (size_t)(line - strstr(out, " /mnt ")));
}

static int propagate(void)
{
	bool seen;

	MUST(mount_tmpfs(vol_live.dir, "vol"));
	MUST(!live_sandbox(&vol_live));
	vol_wanted = (struct mount_spec){ .volume = vol_word("vol"),
					  .target = vol_word("/mnt"),
					  .propagation = PROPAGATION_SLAVE };
	MUST(live_has(live_simple(&vol_live, ARGS("true"), with_propagation, NULL),
		      "it lies on a mount that is not shared"));
	MUST(mount(NULL, shared_dir, NULL, MS_SHARED, NULL) == 0);
	MUST(see_mount(PROPAGATION_NONE, &seen) == 0 && !seen);
	MUST(see_mount(PROPAGATION_SLAVE, &seen) == 0 && seen);
	vol_wanted.propagation = PROPAGATION_SHARED;
	MUST(live_has(live_simple(&vol_live, ARGS("true"), with_propagation, NULL),
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
	return 0;
}

static void test_propagation(void)
{
	add_shared_volume();
	vol_add("mem", VOLUME_EMPTY_DIR)->memory = true;
	CU_ASSERT_EQUAL(child_run(with_own_mounts, propagate), 0);
	is_privileged_wanted = false;
}

/* ---- with a user namespace of the pod's own ---------------------------------------------- */

static void test_user_namespace(void)
{
	struct volume_spec *image;
	struct container_spec spec;
	char *error, *out;
	struct error err;

	vol_live.pod.host_users = (struct opt_bool){ true, false };
	vol_live.pod.security.fs_group = (struct opt_i64){ true, 4242 };
	vol_put_object(DATA_CONFIG, "conf", "one", NULL);
	(void)vol_add_source(vol_add("conf", VOLUME_CONFIG), PROJECTION_CONFIG, "conf");
	image = vol_add("img", VOLUME_IMAGE);
	live_spec(&vol_live, &spec, ARGS("true"));
	strlist_copy(&image->config.layers, &spec.config.layers);
	record_done(&container_spec_type, &spec);
	vol_add_layer(image);
	vol_add("data", VOLUME_NAMED)->source_name = xstrdup("claim");
	free(vol_make_named("claim", true));
	error = live_sandbox(&vol_live);
	if (error) {
		TEST_SKIP("no user namespaces: %s", error);
		free(error);
		return;
	}
	out = vol_run("img", "/img", ARGS("seq", "stat", "/img/d/file", ",", "cat", "/img/d/file"));
	CU_ASSERT_STRING_EQUAL(out, "100644 0:0\ntwo layers\n");
	free(out);
	out = vol_run_image_path("d/file",
				 ARGS("seq", "stat", "/conf/f", ",", "write", "/conf/f", "x"));
	CU_ASSERT_STRING_EQUAL(out, "100644 0:0\nEROFS\n");
	free(out);
	out = vol_run(
		"data", "/mnt",
		ARGS("seq", "write", "/mnt/f", "x", ",", "stat", "/mnt", ",", "stat", "/mnt/f"));
	CU_ASSERT_STRING_EQUAL(out, "042777 0:4242\n100644 0:4242\n");
	free(out);
	for (int i = 0; i < 2; i++) {
		out = vol_run("conf", "/c",
			      ARGS("seq", "cat", "/c/a.txt", ",", "stat", "/c/..data/a.txt", ",",
				   "stat", "/c/..data/"));
		CU_ASSERT_STRING_EQUAL(out, i ? "two100644 0:4242\n042755 0:4242\n"
					      : "one100644 0:4242\n042755 0:4242\n");
		free(out);
		vol_put_object(DATA_CONFIG, "conf", "two", NULL);
		CU_ASSERT_EQUAL(vol_refresh(&err), !i);
	}
}

static CU_TestInfo tests[] = {
	{ "VOL-10 read-only with mounts below", test_read_only_with_mounts },
	{ "VOL-11 inert", test_inert },
	{ "propagation", test_propagation },
	{ "user namespace", test_user_namespace },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "mounts", NULL, NULL, vol_set_up, vol_tear_down, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
