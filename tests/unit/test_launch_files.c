/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_launch_files - the tree of a container: hostile images, volumes, the pod's shared files,
 * users out of the image. By running podium-launch on a store of our own, as root. Nothing outside
 * the container's root may change: the canary directory is compared.
 */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/fs.h"
#include "engine/base/mem.h"
#include "engine/base/proc.h"
#include "engine/process/sandbox.h"
#include "engine/rootfs/overlay.h"
#include "tests/support/cunit_main.h"
#include "tests/support/livestore.h"

#define ARGS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static struct livestore S;

static char *run(const char *const *argv, live_change change)
{
	return live_simple(&S, argv, change, NULL);
}

/* Each test has a fresh store; the sandbox is started by begin() after the pod was changed. */
static void set_up(void)
{
	if (!live_init(&S))
		printf("no store\n");
}

static void tear_down(void)
{
	live_done(&S);
}

static void begin(void)
{
	char *error = live_sandbox(&S);

	if (error)
		printf("%s\n", error);
	CU_ASSERT_PTR_NULL_FATAL(error);
}

static void put_file(const char *path, const char *text, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	CU_ASSERT(fd >= 0 && fchmod(fd, mode) == 0 && fs_write_all(fd, text, strlen(text)) == 0);
	(void)close(fd);
}

static void put_layer(const char *path, const char *text)
{
	cleanup_free char *full = live_layer_path(&S, path);

	put_file(full, text, 0644);
}

static void put_layer_dir(const char *path)
{
	cleanup_free char *full = live_layer_path(&S, path);

	CU_ASSERT_EQUAL(mkdir(full, 0755), 0);
}

static void put_layer_link(const char *target, const char *path)
{
	cleanup_free char *full = live_layer_path(&S, path);

	CU_ASSERT_EQUAL(symlink(target, full), 0);
}

/* Names, modes and contents of the canary directory. */
static char *canary_text(void)
{
	cleanup_free char *dir = xasprintf("%s/canary", S.dir);
	struct buf b = BUF_INIT(1 << 20);
	struct dirent **names = NULL;
	int n = scandir(dir, &names, NULL, alphasort);

	for (int i = 0; i < n; i++) {
		cleanup_free char *path = xasprintf("%s/%s", dir, names[i]->d_name);
		struct error err;
		struct stat st;
		char *text = NULL;

		if (strcmp(names[i]->d_name, "..") != 0 && lstat(path, &st) == 0)
			buf_printf(&b, "%s %o %u:%u %ld\n", names[i]->d_name, st.st_mode, st.st_uid,
				   st.st_gid, (long)st.st_mtim.tv_nsec);
		if (fs_read_file(AT_FDCWD, path, 4096, &text, NULL, &err) == 0)
			buf_adds(&b, text);
		free(text);
		free(names[i]);
	}
	free(names);
	return buf_steal(&b);
}

static char *make_canary(void)
{
	cleanup_free char *ptmx = xasprintf("%s/canary/ptmx", S.dir);
	cleanup_free char *hosts = xasprintf("%s/canary/hosts", S.dir);

	put_file(ptmx, "canary\n", 0600);
	put_file(hosts, "canary\n", 0600);
	return canary_text();
}

/* ---- hostile images --------------------------------------------------------------------- */

/* ROOT-1: what the engine mounts over is a link in the image. */
static void test_links_below_etc(void)
{
	cleanup_free char *target = xasprintf("%s/canary/hosts", S.dir);
	cleanup_free char *before = make_canary();
	cleanup_free char *after = NULL;
	cleanup_free char *out = NULL;

	put_layer_dir("etc");
	put_layer_link(target, "etc/hosts");
	put_layer_link("../../../../../../../../tmp/nowhere", "etc/resolv.conf");
	put_layer_link("hostname2", "etc/hostname");
	put_layer("etc/hostname2", "image\n");
	begin();
	out = run(ARGS("seq", "cat", "/etc/hosts", ",", "cat", "/etc/hostname", ",", "ls", "/tmp"),
		  NULL);
	CU_ASSERT(live_has(out, "127.0.0.1\tlocalhost\n"));
	CU_ASSERT(live_has(out, "live\n"));
	after = canary_text();
	CU_ASSERT_STRING_EQUAL(before, after);
}

static void test_etc_loop(void)
{
	cleanup_free char *out = NULL;

	put_layer_dir("etc");
	put_layer_link("hosts", "etc/hosts");
	begin();
	out = run(ARGS("true"), NULL);
	CU_ASSERT(live_has(out, "ERROR 125: "));
}

/* ROOT-4, PROC-2: /dev, /proc, /sys are not what they should be. */
static void check_top(const char *name, const char *target)
{
	cleanup_free char *path = live_layer_path(&S, name);
	cleanup_free char *out = NULL;
	char want[64];

	(void)snprintf(want, sizeof(want), "'/%s' of the image is not a directory", name);
	if (!target)
		put_file(path, "x", 0644);
	else if (symlink(target, path) < 0)
		printf("no link at %s\n", path);
	out = run(ARGS("true"), NULL);
	CU_ASSERT(live_has(out, want));
	(void)unlink(path);
}

static void test_top_links(void)
{
	static const char *const names[] = { "dev", "proc", "sys" };
	cleanup_free char *target = xasprintf("%s/canary", S.dir);
	cleanup_free char *before = make_canary();
	cleanup_free char *after = NULL;
	cleanup_free char *weak = NULL;

	put_layer_dir("other");
	begin();
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		check_top(names[i], target);
		check_top(names[i], "other");
		check_top(names[i], "..");
		check_top(names[i], "/proc");
		check_top(names[i], "dangling");
		check_top(names[i], NULL);
	}
	after = canary_text();
	CU_ASSERT_STRING_EQUAL(before, after);
	put_layer_link("other", "proc");
	live_setenv("PODIUM_WEAKEN", "PROC-2");
	weak = run(ARGS("true"), NULL);
	live_setenv("PODIUM_WEAKEN", NULL);
	CU_ASSERT_STRING_EQUAL(weak, "");
}

static const char *image_volume;
static void with_image_volume(struct container_spec *spec)
{
	strlist_add(&spec->config.volumes, image_volume);
}

/* PROC-1: volumes of the image, and mounts of the spec (below), over the kernel's file systems. */
static void test_kernel_targets(void)
{
	static const char *const paths[] = {
		"/proc",	  "/proc/self", "/proc/self/attr", "/proc/thread-self", "/sys",
		"/sys/fs/cgroup", "//proc/",	"/./proc",	   "/linkproc/1"
	};
	cleanup_free char *weak = NULL;

	put_layer_link("/proc", "linkproc");
	begin();
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		cleanup_free char *out = NULL;

		image_volume = paths[i];
		out = run(ARGS("true"), with_image_volume);
		CU_ASSERT(live_has(out, "ERROR 125: "));
	}
	image_volume = "/proc/self";
	live_setenv("PODIUM_WEAKEN", "PROC-1");
	weak = run(ARGS("true"), with_image_volume);
	live_setenv("PODIUM_WEAKEN", NULL);
	CU_ASSERT(strstr(weak, "which is the engine's") == NULL);
}

/* ---- the writable layer ----------------------------------------------------------------- */

static void read_only_root(struct container_spec *spec)
{
	spec->security.read_only_root = (struct opt_bool){ true, true };
	with_image_volume(spec);
}

static void test_read_only_root(void)
{
	cleanup_free char *out = NULL;

	put_layer_dir("data");
	put_layer("data/seed", "seed\n");
	image_volume = "/data";
	begin();
	out = run(ARGS("seq", "write", "/x", "1", ",", "cat", "/data/seed", ",", "write", "/data/y",
		       "2", ",", "cat", "/data/y", ",", "write", "/dev/shm/z", "3"),
		  read_only_root);
	CU_ASSERT_STRING_EQUAL(out, "EROFS\nseed\n2");
}

/* Each way to build the overlay; forced, since this kernel knows the newest one. */
static void test_overlay_ways(void)
{
	static const char *const weaken[] = { "none", "lowerdir+", "lowerdir+,lowerdir" };

	put_layer("lowfile", "from below\n");
	begin();
	for (size_t i = 0; i < ARRAY_SIZE(weaken); i++) {
		cleanup_free char *out = NULL;

		live_setenv("PODIUM_WEAKEN", weaken[i]);
		out = run(ARGS("seq", "cat", "/lowfile", ",", "write", "/lowfile", "up", ",", "cat",
			       "/lowfile"),
			  NULL);
		live_setenv("PODIUM_WEAKEN", NULL);
		CU_ASSERT(live_has(out, "from below\nup"));
	}
}

static void test_writable_layer(void)
{
	cleanup_close int rootfd = open(S.root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct container_spec spec;
	struct error err;
	char *out;

	begin();
	live_spec(&S, &spec, ARGS("seq", "ls", "/keep", ",", "touch", "/keep"));
	out = live_run(&S, &spec, NULL);
	CU_ASSERT_STRING_EQUAL(out, "ENOENT\n");
	free(out);
	/* a restart by hand keeps the layer, one by policy gets a fresh one */
	out = live_run(&S, &spec, NULL);
	CU_ASSERT_STRING_EQUAL(out, "ENOTDIR\n");
	free(out);
	CU_ASSERT_EQUAL(rootfs_reset_upper(rootfd, &spec, &err), 0);
	out = live_run(&S, &spec, NULL);
	CU_ASSERT_STRING_EQUAL(out, "ENOENT\n");
	free(out);
	CU_ASSERT_EQUAL(rootfs_remove(rootfd, spec.id, &err), 0);
	CU_ASSERT_EQUAL(rootfs_remove(rootfd, spec.id, &err), 0);
	record_done(&container_spec_type, &spec);
}

/* ---- volumes ---------------------------------------------------------------------------- */

static struct mount_spec wanted_mount;
static void with_mount(struct container_spec *spec)
{
	struct mount_spec *m = list_add(&spec->mounts);

	m->volume = xstrdup(wanted_mount.volume);
	m->target = xstrdup(wanted_mount.target);
	m->sub_path = xstrdup_or_null(wanted_mount.sub_path);
	m->read_only = wanted_mount.read_only;
}

static struct volume_spec *add_volume(const char *name, int kind)
{
	struct volume_spec *v = list_add(&S.pod.volumes);

	v->name = xstrdup(name);
	v->kind = kind;
	return v;
}

static void add_host_path(const char *name, const char *path, int type)
{
	struct volume_spec *v = add_volume(name, VOLUME_HOST_PATH);

	v->host_path = xasprintf("%s/%s", S.dir, path);
	v->host_path_type = type;
}

static char *run_mounted(const char *volume, const char *target, const char *const *argv)
{
	wanted_mount = (struct mount_spec){ .volume = (char *)(uintptr_t)volume,
					    .target = (char *)(uintptr_t)target };
	return run(argv, with_mount);
}

static void make_host_things(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	cleanup_free char *dir = xasprintf("%s/d", S.dir);
	cleanup_free char *file = xasprintf("%s/f", S.dir);
	cleanup_free char *dev = xasprintf("%s/c", S.dir);
	int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	CU_ASSERT_EQUAL(mkdir(dir, 0755), 0);
	put_file(file, "host file\n", 0644);
	CU_ASSERT(mknod(dev, S_IFCHR | 0666, makedev(1, 5)) == 0 && chmod(dev, 0666) == 0);
	(void)snprintf(a.sun_path, sizeof(a.sun_path), "%s/s", S.dir);
	CU_ASSERT_EQUAL(bind(s, (struct sockaddr *)&a, sizeof(a)), 0);
	(void)close(s);
}

/* VOL-7: what each type accepts among a directory, file, socket, device, and nothing. */
static void test_host_path_types(void)
{
	static const char *const paths[] = { "d", "f", "s", "c", "missing" };
	static const char accepted[HOST_PATH__COUNT][6] = {
		[HOST_PATH_ANY] = "yyyyn",	   [HOST_PATH_DIRECTORY_OR_CREATE] = "ynnny",
		[HOST_PATH_DIRECTORY] = "ynnnn",   [HOST_PATH_FILE_OR_CREATE] = "nynny",
		[HOST_PATH_FILE] = "nynnn",	   [HOST_PATH_SOCKET] = "nnynn",
		[HOST_PATH_CHAR_DEVICE] = "nnnyn", [HOST_PATH_BLOCK_DEVICE] = "nnnnn",
	};
	cleanup_free char *weak = NULL;
	char name[32];

	make_host_things();
	for (int t = 0; t < HOST_PATH__COUNT; t++)
		for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
			(void)snprintf(name, sizeof(name), "v%d-%zu", t, i);
			add_host_path(name, paths[i], t);
		}
	begin();
	for (int t = 0; t < HOST_PATH__COUNT; t++)
		for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
			cleanup_free char *made = xasprintf("%s/missing", S.dir);
			cleanup_free char *out = NULL;

			(void)snprintf(name, sizeof(name), "v%d-%zu", t, i);
			out = run_mounted(name, "/mnt", ARGS("true"));
			if ((accepted[t][i] == 'y') != (out[0] == '\0'))
				printf("\ntype %d with '%s': %s", t, paths[i], out);
			CU_ASSERT((accepted[t][i] == 'y') == (out[0] == '\0'));
			(void)unlink(made);
			(void)rmdir(made);
		}
	live_setenv("PODIUM_WEAKEN", "VOL-7");
	weak = run_mounted("v2-1", "/mnt", ARGS("true")); /* a file for a directory */
	live_setenv("PODIUM_WEAKEN", NULL);
	CU_ASSERT_STRING_EQUAL(weak, "");
}

static void test_host_path_created(void)
{
	cleanup_free char *dir = xasprintf("%s/a/b", S.dir);
	cleanup_free char *file = xasprintf("%s/n", S.dir);
	cleanup_free char *out = NULL;
	struct stat st;

	add_host_path("dir", "a/b", HOST_PATH_DIRECTORY_OR_CREATE);
	add_host_path("file", "n", HOST_PATH_FILE_OR_CREATE);
	begin();
	out = run_mounted("dir", "/deep/er/mnt", ARGS("write", "/deep/er/mnt/x", "1"));
	CU_ASSERT_STRING_EQUAL(out, "");
	CU_ASSERT(stat(dir, &st) == 0 && st.st_mode == (S_IFDIR | 0755));
	free(out);
	out = run_mounted("file", "/etc/app.conf", ARGS("append", "/etc/app.conf", "text"));
	CU_ASSERT_STRING_EQUAL(out, "");
	CU_ASSERT(stat(file, &st) == 0 && st.st_mode == (S_IFREG | 0644) && st.st_size == 4);
}

/* VOL-10, VOL-11: read-only, set-uid and devices inert. */
static void test_volume_flags(void)
{
	cleanup_free char *out = NULL;

	make_host_things();
	add_host_path("all", ".", HOST_PATH_DIRECTORY);
	add_host_path("dev", "c", HOST_PATH_CHAR_DEVICE);
	begin();
	wanted_mount.read_only = true;
	out = run_mounted("all", "/mnt", ARGS("seq", "cat", "/mnt/c", ",", "cat", "/mnt/f"));
	CU_ASSERT_STRING_EQUAL(out, "EACCES\nhost file\n");
	free(out);
	wanted_mount = (struct mount_spec){ .volume = (char *)(uintptr_t) "all",
					    .target = (char *)(uintptr_t) "/mnt",
					    .read_only = true };
	out = run(ARGS("write", "/mnt/x", "1"), with_mount);
	CU_ASSERT_STRING_EQUAL(out, "EROFS\n");
	free(out);
	out = run_mounted("dev", "/mnt", ARGS("stat", "/mnt"));
	CU_ASSERT(live_has(out, "020666 0:0 dev 1:5"));
}

/* VOL-1: subPath stays in the volume; a missing one is made. */
static void test_sub_path(void)
{
	static const struct {
		const char *sub, *want;
	} cases[] = {
		{ "d", "" },
		{ "f", "ENOTDIR\n" },
		{ "new/deep", "" },
		{ "../outside", "ERROR 125: " },
		{ "/etc", "ERROR 125: " },
		{ "d/../../x", "ERROR 125: " },
		{ "absolute", "ERROR" },
		{ "inside", "" },
	};
	cleanup_free char *before = NULL;
	cleanup_free char *after = NULL;
	cleanup_free char *absolute = xasprintf("%s/vol/absolute", S.dir);
	cleanup_free char *inside = xasprintf("%s/vol/inside", S.dir);
	cleanup_free char *vol = xasprintf("%s/vol", S.dir);
	cleanup_free char *d = xasprintf("%s/vol/d", S.dir);
	cleanup_free char *f = xasprintf("%s/vol/f", S.dir);
	cleanup_free char *canary = xasprintf("%s/canary", S.dir);

	CU_ASSERT(mkdir(vol, 0755) == 0 && mkdir(d, 0755) == 0);
	put_file(f, "file\n", 0644);
	CU_ASSERT(symlink(canary, absolute) == 0 && symlink("d", inside) == 0);
	add_host_path("vol", "vol", HOST_PATH_DIRECTORY);
	begin();
	before = canary_text();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup_free char *out = NULL;

		wanted_mount = (struct mount_spec){ .volume = (char *)(uintptr_t) "vol",
						    .target = (char *)(uintptr_t) "/mnt",
						    .sub_path = (char *)(uintptr_t)cases[i].sub };
		out = run(ARGS("ls", "/mnt"), with_mount);
		if (strncmp(out, cases[i].want, strlen(cases[i].want)) != 0)
			printf("\n%s: %s", cases[i].sub, out);
		CU_ASSERT(strncmp(out, cases[i].want, strlen(cases[i].want)) == 0);
	}
	after = canary_text();
	CU_ASSERT_STRING_EQUAL(before, after);
}

/* emptyDirs: private to the pod, shared in it, with fsGroup; in memory with its size. */
static void test_empty_dirs(void)
{
	struct volume_spec *v;
	cleanup_free char *out = NULL;

	(void)add_volume("disk", VOLUME_EMPTY_DIR);
	v = add_volume("mem", VOLUME_EMPTY_DIR);
	v->memory = true;
	v->size_bytes = 1 << 20;
	S.pod.security.fs_group = (struct opt_i64){ true, 4242 };
	begin();
	out = run_mounted("disk", "/mnt",
			  ARGS("seq", "stat", "/mnt", ",", "write", "/mnt/a", "shared", ",", "stat",
			       "/mnt/a", ",", "id"));
	CU_ASSERT(live_has(out, "042777 0:4242\n100644 0:4242\n"));
	CU_ASSERT(live_has(out, "groups: 0 4242\n"));
	free(out);
	out = run_mounted("disk", "/other", ARGS("cat", "/other/a"));
	CU_ASSERT_STRING_EQUAL(out, "shared");
	free(out);
	out = run_mounted("mem", "/mnt", ARGS("seq", "stat", "/mnt", ",", "write", "/mnt/a", "x"));
	CU_ASSERT_STRING_EQUAL(out, "042777 0:4242\n");
	free(out);
	out = run_mounted("mem", "/mnt", ARGS("seq", "cat", "/mnt/a", ",", "cat", "/proc/mounts"));
	CU_ASSERT(live_has(out, " /mnt tmpfs rw,nosuid,nodev,relatime,size=1024k"));
}

static void test_huge_pages(void)
{
	struct volume_spec *v;
	cleanup_free char *none = NULL;
	cleanup_free char *out = NULL;

	if (access("/sys/kernel/mm/hugepages/hugepages-2048kB", F_OK) < 0) {
		TEST_SKIP("this kernel has no huge pages of 2 MiB");
		return;
	}
	v = add_volume("huge", VOLUME_EMPTY_DIR);
	v->huge_pages = xstrdup("2Mi");
	v->size_bytes = 4 << 20;
	none = live_sandbox(&S);
	if (none)
		CU_ASSERT(live_has(none, "volume 'huge': the host has set no huge pages of 2Mi"));
	live_end_sandbox(&S);
	live_setenv("PODIUM_WEAKEN", "huge-pages"); /* whatever this host has */
	begin();
	live_setenv("PODIUM_WEAKEN", NULL);
	out = run_mounted("huge", "/mnt", ARGS("seq", "stat", "/mnt", ",", "cat", "/proc/mounts"));
	CU_ASSERT(live_has(out, "040777 0:0\n"));
	CU_ASSERT(live_has(out, " /mnt hugetlbfs rw,nosuid,nodev,relatime,mode=777,pagesize=2M,"
				"size=4194304 0 0\n"));
}

/* ---- the pod's shared files ------------------------------------------------------------- */

static void test_etc_files(void)
{
	struct host_alias *a = list_add(&S.pod.host_aliases);
	struct sandbox_record sb = { 0 };
	struct container_spec spec;
	struct proc_ident ident;
	struct liverun r;
	struct error err;
	char path[64];
	char *text = NULL;

	free(S.pod.hostname);
	S.pod.hostname = xstrdup("a-host-name-that-is-much-longer-than-sixty-three-characters-xx-"
				 "cut");
	a->ip = xstrdup("10.1.2.3");
	strlist_add(&a->names, "alias1");
	strlist_add(&a->names, "alias2");
	S.pod.dns.policy = xstrdup("None");
	strlist_add(&S.pod.dns.servers, "192.0.2.53");
	begin();
	live_spec(&S, &spec, ARGS("sleep", "0"));
	live_start(&S, &spec, &r);
	CU_ASSERT_PTR_NULL(r.error);
	live_go(&r);
	CU_ASSERT_EQUAL(proc_identify(S.pause, &ident, &err), 0);
	sb.pid = (uint32_t)ident.pid;
	sb.start_ticks = (int64_t)ident.start_ticks;
	sb.boot_id = ident.boot_id;
	sb.address4 = (char *)(uintptr_t) "10.88.0.7";
	sb.gateway4 = (char *)(uintptr_t) "10.88.0.1";
	CU_ASSERT_EQUAL(sandbox_write_etc(&S.pod, &sb, &err), 0);
	(void)snprintf(path, sizeof(path), "/proc/%d/root/etc/hosts", (int)r.pid);
	CU_ASSERT_EQUAL(fs_read_file(AT_FDCWD, path, 65536, &text, NULL, &err), 0);
	CU_ASSERT(live_has(
		text, "10.88.0.7\ta-host-name-that-is-much-longer-than-sixty-three-characters-xx "
		      "live\n10.88.0.1\thost.containers.internal\n10.1.2.3\talias1 alias2\n"));
	free(text);
	(void)snprintf(path, sizeof(path), "/proc/%d/root/etc/resolv.conf", (int)r.pid);
	CU_ASSERT_EQUAL(fs_read_file(AT_FDCWD, path, 65536, &text, NULL, &err), 0);
	CU_ASSERT_STRING_EQUAL(text, "nameserver 192.0.2.53\n");
	free(text);
	(void)live_end(&r);
	/* a dead sandbox is not written to */
	sb.start_ticks++;
	CU_ASSERT_EQUAL(sandbox_write_etc(&S.pod, &sb, &err), -ESRCH);
	record_done(&container_spec_type, &spec);
}

static void test_sysctls(void)
{
	cleanup_free char *out = NULL;
	char *error;

	pairlist_set(&S.pod.security.sysctls, "net.ipv4.ip_default_ttl", "77");
	pairlist_set(&S.pod.security.sysctls, "kernel.msgmax", "9999");
	begin();
	out = run(ARGS("seq", "cat", "/proc/sys/net/ipv4/ip_default_ttl", ",", "cat",
		       "/proc/sys/kernel/msgmax", ",", "cat",
		       "/proc/sys/net/ipv4/ip_unprivileged_port_start"),
		  NULL);
	CU_ASSERT_STRING_EQUAL(out, "77\n9999\n0\n");
	live_end_sandbox(&S);
	pairlist_set(&S.pod.security.sysctls, "kernel.core_pattern", "x");
	error = live_sandbox(&S);
	CU_ASSERT(error && live_has(error, "belongs to the host"));
	free(error);
}

/* Processes of the pod see each other only when the pod says so. */
static void test_shared_pids(void)
{
	cleanup_free char *out = NULL;

	S.pod.share_pid = true;
	begin();
	out = run(ARGS("probe"), NULL);
	CU_ASSERT(strstr(out, "\npid: 1\n") == NULL);
	CU_ASSERT(live_has(out, "fds: 0 1 2\n"));
}

static void test_host_namespaces(void)
{
	cleanup_free char *out = NULL;
	char host[256] = "";

	(void)gethostname(host, sizeof(host) - 1);
	S.pod.network = NETWORK_HOST;
	S.pod.host_pid = true;
	S.pod.host_ipc = true;
	begin();
	out = run(ARGS("probe"), NULL);
	CU_ASSERT(live_has(out, host));
	CU_ASSERT(live_has(out, "mount /sys sysfs ro"));
	CU_ASSERT(live_has(out, "Seccomp:\t2"));
}

/* ---- users out of the image ------------------------------------------------------------- */

static const char *image_user;
static void with_user(struct container_spec *spec)
{
	spec->config.user = xstrdup(image_user);
}

static char *run_user(const char *user, const char *const *argv)
{
	image_user = user;
	return run(argv, with_user);
}

static void put_users(void)
{
	put_layer_dir("etc");
	put_layer("etc/passwd", "root:x:0:0:root:/root:/bin/sh\n"
				"app:x:1000:2000:App:/home/app:/bin/sh\n"
				"4294967296:x:0:0::/:\n-1:x:0:0::/:\n+0:x:0:0::/:\n0x0:x:0:0::/:\n"
				"last:x:7:8::/:/bin/sh");
	put_layer("etc/group", "root:x:0:\nappg:x:2000:\nextra:x:3000:root,app\n"
			       "more:x:3001:app\nother:x:3002:apple\n");
}

/* ID-4, ID-5 */
static void test_image_users(void)
{
	static const struct {
		const char *user, *want;
	} cases[] = {
		{ "app", "uid: 1000 1000 1000\ngid: 2000 2000 2000\ngroups: 2000 3000 3001\n" },
		{ "1000", "uid: 1000 1000 1000\ngid: 2000 2000 2000\ngroups: 2000 3000 3001\n" },
		{ "app:extra", "uid: 1000 1000 1000\ngid: 3000 3000 3000\ngroups: 3000\n" },
		{ "1000:5", "uid: 1000 1000 1000\ngid: 5 5 5\ngroups: 5\n" },
		{ "77", "uid: 77 77 77\ngid: 0 0 0\ngroups: 0\n" },
		{ "last", "uid: 7 7 7\ngid: 8 8 8\ngroups: 8\n" },
		{ "", "uid: 0 0 0\ngid: 0 0 0\ngroups: 0 3000\n" },
	};
	static const char *const refused[] = {
		"4294967296", "2147483648",   "-1", "+0",   " 0",     "0x0",
		"1e3",	      "0:4294967296", ":",  "app:", "nobody", "app:nogroup"
	};
	cleanup_free char *weak = NULL;
	cleanup_free char *home = NULL;

	put_users();
	begin();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup_free char *out = run_user(cases[i].user, ARGS("id"));

		CU_ASSERT_STRING_EQUAL(out, cases[i].want);
	}
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		cleanup_free char *out = run_user(refused[i], ARGS("id"));

		CU_ASSERT(live_has(out, "ERROR 125: "));
	}
	home = run_user("app", ARGS("env"));
	CU_ASSERT(live_has(home, "HOME=/home/app\n"));
	live_setenv("PODIUM_WEAKEN", "ID-5");
	weak = run_user("app", ARGS("id"));
	live_setenv("PODIUM_WEAKEN", NULL);
	CU_ASSERT(strstr(weak, "groups: 2000 3000 3001\n") == NULL);
}

static void non_root(struct container_spec *spec)
{
	spec->security.run_as_non_root = (struct opt_bool){ true, true };
	with_user(spec);
}

/* ID-9, runAsNonRoot on the final number; the same identity at every start. */
static void test_non_root(void)
{
	cleanup_free char *root = NULL;
	cleanup_free char *app = NULL;
	struct container_spec spec;

	put_users();
	begin();
	image_user = "root";
	root = run(ARGS("id"), non_root);
	CU_ASSERT(live_has(root, "runAsNonRoot"));
	image_user = "app";
	app = run(ARGS("id"), non_root);
	CU_ASSERT(live_has(app, "uid: 1000 1000 1000\n"));
	live_spec(&S, &spec, ARGS("id"));
	non_root(&spec);
	for (int i = 0; i < 3; i++) {
		cleanup_free char *out = live_run(&S, &spec, NULL);

		CU_ASSERT(live_has(out, "uid: 1000 1000 1000\n"));
	}
	record_done(&container_spec_type, &spec);
}

/* ID-11: user files that are no files. */
static void test_hostile_user_files(void)
{
	cleanup_free char *path = live_layer_path(&S, "etc/passwd");
	cleanup_free char *target = live_layer_path(&S, "etc/fifo");

	put_layer_dir("etc");
	begin();
	CU_ASSERT_EQUAL(mkfifo(target, 0666), 0);
	for (int kind = 0; kind < 5; kind++) {
		cleanup_free char *out = NULL;
		int fd;

		if (kind == 0)
			CU_ASSERT_EQUAL(mkfifo(path, 0666), 0);
		if (kind == 1)
			CU_ASSERT_EQUAL(symlink("fifo", path), 0);
		if (kind == 2)
			CU_ASSERT_EQUAL(mkdir(path, 0755), 0);
		if (kind == 3)
			CU_ASSERT_EQUAL(mknod(path, S_IFCHR | 0666, makedev(1, 5)), 0);
		if (kind == 4) {
			fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
			CU_ASSERT_EQUAL(ftruncate(fd, 1LL << 40), 0);
			(void)close(fd);
		}
		out = run_user("app", ARGS("id"));
		CU_ASSERT(live_has(out, "ERROR 125: "));
		(void)unlink(path);
		(void)rmdir(path);
	}
}

/* Pipes belong to the container's user: /dev/stdout can be opened. */
static void test_stdout(void)
{
	cleanup_free char *out = NULL;

	begin();
	out = run_user("1234", ARGS("write", "/dev/stdout", "through the link\n"));
	CU_ASSERT_STRING_EQUAL(out, "through the link\n");
}

/* A dead sandbox: nothing starts. */
static void test_dead_sandbox(void)
{
	cleanup_free char *out = NULL;

	begin();
	live_end_sandbox(&S);
	out = run(ARGS("true"), NULL);
	CU_ASSERT(live_has(out, "ERROR 125: "));
	CU_ASSERT(live_has(out, "sandbox"));
}

static CU_TestInfo tests[] = {
	{ "ROOT-1 links below /etc", test_links_below_etc },
	{ "ROOT-1 loop", test_etc_loop },
	{ "ROOT-4 PROC-2 top directories", test_top_links },
	{ "PROC-1 kernel file systems", test_kernel_targets },
	{ "read-only root", test_read_only_root },
	{ "overlay, each way", test_overlay_ways },
	{ "writable layer", test_writable_layer },
	{ "VOL-7 hostPath types", test_host_path_types },
	{ "hostPath created", test_host_path_created },
	{ "VOL-10 VOL-11 flags", test_volume_flags },
	{ "VOL-1 subPath", test_sub_path },
	{ "emptyDir", test_empty_dirs },
	{ "huge pages", test_huge_pages },
	{ "hosts and resolv.conf", test_etc_files },
	{ "CG-1 sysctls", test_sysctls },
	{ "shared processes", test_shared_pids },
	{ "host namespaces", test_host_namespaces },
	{ "ID-4 ID-5 ID-7 users", test_image_users },
	{ "ID-9 runAsNonRoot", test_non_root },
	{ "ID-11 hostile user files", test_hostile_user_files },
	{ "/dev/stdout", test_stdout },
	{ "dead sandbox", test_dead_sandbox },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "files", NULL, NULL, set_up, tear_down, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
