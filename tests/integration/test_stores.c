/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stores - stores at odd places, what a mount table says of them, and who can look inside: ROOT-8,
 * LAY-1 and LAY-2 with their twins.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/integration/harness.h"
#include "tests/support/imagemaker.h"
#include "tests/support/tarmaker.h"

#define NOBODY 65534
/* Every sign that means something in mount options, in a mount table or in a format. */
#define ODD	 "a,b:c d\\e%s\nf=g+h"
#define ODD_YAML "a,b:c d\\\\e%%s\\nf=g+h"
#define LAYERS	 200

/* The line of the container's root from its own mount table, as the container prints it. The
 * caller's; NULL: it did not come up. */
static char *root_line(const char *image, const char *spec, const char *more)
{
	cleanup_free char *container =
		xasprintf("    image: %s\n    imagePullPolicy: Never\n"
			  "    command: [grep, -E, ' / / | /m', /proc/self/mountinfo]\n%s",
			  image, more);
	cleanup_result struct result r = play_pod("s", "", spec, container);
	char *out = NULL;

	if (r.code == 0 && WAIT_UNTIL(ps_begins("s-c", "Status", "Exited (0)"), DEADLINE_MS))
		out = logs_of("s-c");
	DISCARD(podium("pod rm -f -t 0 s"));
	return out;
}

static size_t count(const char *text, const char *part)
{
	size_t n = 0;

	for (const char *p = text; (p = strstr(p, part)); p += strlen(part))
		n++;
	return n;
}

static void enter_odd_store(void)
{
	cleanup_free char *root = xasprintf("%s/%s/root", harness.work, ODD);
	cleanup_free char *run_ = xasprintf("%s/%s/run", harness.work, ODD);

	harness_store(root, run_);
}

/* ---- ROOT-8 ------------------------------------------------------------------------------ */

static void test_odd_paths(void)
{
	cleanup_free char *mkimage = xasprintf("%s/tests/mkimage", harness.build);
	cleanup_free char *tar = xasprintf("%s/layers.tar", harness.work);
	cleanup_free char *volume = xasprintf("%s/%s/volume", harness.work, ODD);
	cleanup_free char *file = xasprintf("%s/file", volume);
	cleanup_free char *spec = xasprintf("  restartPolicy: Never\n  volumes:\n  - name: v\n"
					    "    hostPath: {path: \"%s/" ODD_YAML "/volume\"}\n",
					    harness.work);
	cleanup_free char *name = NULL, *line = NULL;
	cleanup_result struct result r = run("%s layers %d %s", mkimage, LAYERS, tar);

	CHECK_CODE(r, 0);
	write_file(file, "x");
	enter_odd_store();
	result_done(&r);
	r = podium("load -i %s", tar);
	CHECK_CODE(r, 0);
	name = xstrdup(strstr(r.out, ": ") ? strstr(r.out, ": ") + 2 : "");
	name[strcspn(name, "\n")] = '\0';
	line = root_line(name, spec, "    volumeMounts: [{name: v, mountPath: '/m,n o'}]\n");
	harness_store(NULL, NULL);
	if (!CHECK(line, "a pod of %d layers in an odd store", LAYERS))
		return;
	/* The image's, and the one for the files of /etc. */
	CHECK(count(line, "lowerdir+=") == LAYERS + 1, "%zu layers:\n%s", count(line, "lowerdir+="),
	      line);
	CHECK(count(line, "upperdir=") == 1 && count(line, "workdir=") == 1, "%s", line);
	CHECK(count(line, "b:c") == 1, "the path is in the volume's line alone:\n%s", line);
	CHECK_HAS(line, "/a,b:c\\040d\\134e%s\\012f=g+h/volume /m,n\\040o ");
}

/* Paths in an option that parts them by colons. */
static void test_odd_paths_twin(void)
{
	cleanup_free char *line = NULL, *odd = NULL;

	if (!load_image("busybox"))
		return;
	CHECK(setenv("PODIUM_WEAKEN", "lowerdir+,ROOT-8", 1) == 0, "setenv");
	line = root_line("busybox", "  restartPolicy: Never\n", "");
	CHECK(unsetenv("PODIUM_WEAKEN") == 0, "unsetenv");
	CHECK(line, "a plain path does no harm");
	enter_odd_store();
	DISCARD(podium("load -i %s/busybox.tar", harness.work));
	CHECK(setenv("PODIUM_WEAKEN", "lowerdir+,ROOT-8", 1) == 0, "setenv");
	odd = root_line("busybox", "  restartPolicy: Never\n", "");
	CHECK(unsetenv("PODIUM_WEAKEN") == 0, "unsetenv");
	harness_store(NULL, NULL);
	CHECK(!odd, "an odd one does:\n%s", odd);
}

/* ---- LAY-1 ------------------------------------------------------------------------------- */

static bool is_root_right(const char *line)
{
	return line && strstr(line, ",userxattr") && strstr(line, " rw,nodev") &&
	       !strstr(line, "redirect_dir=on") && !strstr(line, "metacopy=on");
}

static void test_options(void)
{
	cleanup_free char *before = NULL, *after = NULL, *line = NULL, *weak = NULL;

	if (!load_image("busybox"))
		return;
	before = read_file("/proc/self/mountinfo");
	line = root_line("busybox", "  restartPolicy: Never\n", "");
	CHECK(is_root_right(line), "%s", line);
	/* Out here nothing is mounted: set-id files of a layer have no path for others. */
	DISCARD(play_pod("s", "", "",
			 "    image: busybox\n    imagePullPolicy: Never\n"
			 "    command: [sleep, '1000']\n"));
	after = read_file("/proc/self/mountinfo");
	CHECK(count(after, " overlay ") == count(before, " overlay "), "%s", after);
	CHECK(!strstr(after, "/merged"), "%s", after);
	remove_pod("s");
	CHECK(setenv("PODIUM_WEAKEN", "LAY-1", 1) == 0, "setenv");
	weak = root_line("busybox", "  restartPolicy: Never\n", "");
	CHECK(unsetenv("PODIUM_WEAKEN") == 0, "unsetenv");
	CHECK(weak && !is_root_right(weak), "the twin is caught:\n%s", weak);
}

/* ---- LAY-2 ------------------------------------------------------------------------------- */

/* What another user gets for a path: the mode of the file, or -errno. */
static int mode_for_nobody(const char *path)
{
	int ends[2], mode = -EIO;
	pid_t pid;

	if (pipe(ends) < 0)
		return -errno;
	pid = fork();
	if (pid == 0) {
		struct stat st;
		int fd, r = setgroups(0, NULL) == 0 && setgid(NOBODY) == 0 && setuid(NOBODY) == 0;

		fd = r ? open(path, O_RDONLY | O_CLOEXEC) : -1;
		r = fd < 0 ? -errno : fstat(fd, &st) < 0 ? -errno : (int)(st.st_mode & 07777);
		_exit(write(ends[1], &r, sizeof(r)) != sizeof(r));
	}
	(void)close(ends[1]);
	if (read(ends[0], &mode, sizeof(mode)) != sizeof(mode))
		mode = -EIO;
	(void)close(ends[0]);
	(void)waitpid(pid, NULL, 0);
	return mode;
}

static bool load_set_id(void)
{
	struct made_image m = { .name = "docker.io/library/setid:latest" };
	struct buf *layer = made_layer(&m), archive = BUF_INIT(1 << 20);
	cleanup_free char *path = xasprintf("%s/setid.tar", harness.work);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	bool ok;

	tar_add(layer, TAR_USTAR,
		&(struct tar_entry){
			.name = "set-id", .type = '0', .data = "#!/bin/sh\n", .mode = 06755 });
	tar_end(layer);
	made_docker(&m, &archive);
	ok = fd >= 0 && write(fd, archive.data, archive.len) == (ssize_t)archive.len;
	(void)close(fd);
	buf_done(&archive);
	made_done(&m);
	return CHECK(ok, "archive") && MUST(0, "load -q -i %s", path);
}

static void test_set_id(void)
{
	cleanup_result struct result r = { 0 };
	struct stat st = { 0 };

	if (!load_set_id())
		return;
	CHECK(chmod(harness.work, 0755) == 0, "the store alone is what closes the way");
	r = run("find %s/layers -name set-id", harness.root);
	r.out[strcspn(r.out, "\n")] = '\0';
	CHECK(stat(r.out, &st) == 0 && (st.st_mode & 07777) == 06755, "inside it is what it was");
	CHECK(mode_for_nobody(r.out) == -EACCES, "%s: %d", r.out, mode_for_nobody(r.out));
	/* The same with the directories open: the probe would see it. */
	for (char *p = r.out + strlen(harness.root); p; p = strchr(p + 1, '/')) {
		cleanup_free char *dir = xstrndup(r.out, (size_t)(p - r.out));

		CHECK(chmod(dir, 0755) == 0, "chmod");
	}
	CHECK(mode_for_nobody(r.out) == 06755, "the twin is caught: %d", mode_for_nobody(r.out));
	MUST(0, "images"); /* reads: leaves modes alone */
	MUST(0, "rmi -f setid");
	CHECK(chmod(harness.work, 0700) == 0, "chmod");
}

/* ---- the layer below all ----------------------------------------------------------------- */

static char *upper_etc(const char *container)
{
	cleanup_free char *id = inspect(container, "{{.Id}}");

	return xasprintf("%s/containers/%s/upper/etc", harness.root, id ? id : "");
}

/* Files under the mounts of /etc are nobody's writable layer's, and the store's own stay empty. */
static void test_etc_layer(void)
{
	cleanup_free char *hosts = xasprintf("%s/etclayer/etc/hosts", harness.root);
	cleanup_free char *etc = NULL, *text = NULL;

	MUST(0, "run --name plain --network none busybox sh -c 'echo 192.0.2.1 x >>/etc/hosts'");
	etc = upper_etc("plain");
	CHECK(!exists("%s", etc), "the writable layer has an /etc");
	text = read_file(hosts);
	CHECK_EQUAL(text, "");
	MUST(0, "start -a plain");
	MUST(0, "rm plain");
	/* What is written beside them is the container's. */
	MUST(0, "run --name own --network none busybox sh -c 'echo y >/etc/own; ls /etc/passwd'");
	free(etc);
	etc = upper_etc("own");
	CHECK(exists("%s/own", etc) && !exists("%s/hosts", etc), "not the one file that was made");
	MUST(0, "rm own");
	/* Without hosts of ours there is none. */
	MUST(1, "run --rm --no-hosts --network none busybox ls /etc/hosts");
}

/* A store that has another thing in its place. */
static void test_etc_layer_missing(void)
{
	cleanup_free char *files = xasprintf("%s/etclayer", harness.root);
	cleanup_free char *etc = NULL;

	remove_path(files);
	write_file(files, "not a directory");
	MUST(0, "run --name odd --network none busybox grep -q localhost /etc/hosts");
	etc = upper_etc("odd");
	CHECK(exists("%s/hosts", etc), "a file for the mount is nowhere");
	MUST(0, "rm odd");
	remove_path(files);
	MUST(0, "run --rm --network none busybox true");
}

static CU_TestInfo tests[] = { { "odd paths and 200 layers (ROOT-8)", test_odd_paths },
			       { "ROOT-8 twin", test_odd_paths_twin },
			       { "options of the root, and the twin (LAY-1)", test_options },
			       { "set-id files and others, and the twin (LAY-2)", test_set_id },
			       { "files below the mounts of /etc", test_etc_layer },
			       { "a store without them", test_etc_layer_missing },
			       CU_TEST_INFO_NULL };
static CU_SuiteInfo suites[] = { { "stores", harness_begin, harness_end, NULL, NULL, tests },
				 CU_SUITE_INFO_NULL };
TEST_MAIN(suites)
