/* SPDX-License-Identifier: Apache-2.0 */
/*
 * launch - what a container made by hand asks of its launch: users, masks, namespaces, mounts, limits,
 * devices, an init program, secrets, ids. Each defence with its twin.
 */
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "tests/integration/harness.h"

#define SLEEPS "busybox sleep 99999"

static int begin(void)
{
	return harness_begin() == 0 && load_image("busybox") ? 0 : 1;
}

/* `run --rm WORDS`: what it prints and ends with. */
#define CHECK_RUN(code, want, ...)                                                 \
	({                                                                         \
		cleanup_free char *words_ = xasprintf(__VA_ARGS__);                \
		cleanup_result struct result run_ = podium("run --rm %s", words_); \
		bool ok_ = CHECK_CODE(run_, (code));                               \
		(void)(ok_ && CHECK_EQUAL(run_.out, (want)));                      \
	})
/* One that is refused; the message has this part. */
#define CHECK_REFUSED(part, ...)                                                      \
	({                                                                            \
		cleanup_free char *words_ = xasprintf(__VA_ARGS__);                   \
		cleanup_result struct result run_ = podium("run -d --rm %s", words_); \
		CHECK_CODE(run_, 125);                                                \
		CHECK_HAS(run_.err, (part));                                          \
	})
#define CHECK_EXEC(container, want, ...)                                                      \
	({                                                                                    \
		cleanup_free char *words_ = xasprintf(__VA_ARGS__);                           \
		cleanup_result struct result exec_ = podium("exec %s %s", container, words_); \
		CHECK_EQUAL(exec_.out, (want));                                               \
	})

static void weaken(const char *id)
{
	CHECK((id ? setenv("PODIUM_WEAKEN", id, 1) : unsetenv("PODIUM_WEAKEN")) == 0, "setenv");
}

static void gone(const char *container)
{
	MUST(0, "rm -f -t 0 %s", container);
}

/* ---- users ------------------------------------------------------------------------------ */

static void test_user(void)
{
	CHECK_RUN(0, "uid=33(www-data) gid=33(www-data) groups=33(www-data)\n",
		  "-u www-data busybox id");
	CHECK_RUN(0, "uid=1000(1000) gid=7(7) groups=0(root),3,7(7)\n",
		  "-u 1000:7 --group-add 3 --group-add root busybox id");
	CHECK_RUN(0, "0077\n", "--umask 077 busybox sh -c umask");
	CHECK_REFUSED("no user 'nobody-here'", "-u nobody-here busybox id");
	CHECK_REFUSED("no group 'nogroup-here'", "--group-add nogroup-here busybox id");
	MUST(0, "run -d --name u -u 1000:7 --group-add 3 --umask 027 " SLEEPS);
	CHECK_EXEC("u", "uid=1000(1000) gid=7(7) groups=3,7(7)\n0027\n", "sh -c 'id; umask'");
	{
		cleanup_result struct result root = podium("exec -u root u id");

		CHECK_EQUAL(root.out, "uid=0(root) gid=0(root) groups=0(root),3\n");
	}
	gone("u");
}

static void test_entries(void)
{
	CHECK_RUN(0, "1234:*:1234:77:container user:/:/bin/sh\n77:x:77:1234\n",
		  "-u 1234:77 busybox sh -c 'tail -n 1 /etc/passwd; tail -n 1 /etc/group'");
	CHECK_RUN(1, "", "-u 1234 --passwd=false busybox grep 1234 /etc/passwd");
	CHECK_RUN(0, "me:x:1234:0::/tmp:/bin/x\n",
		  "-u 1234 --passwd-entry 'me:x:$UID:$GID::/tmp:/bin/x' busybox tail -n 1 "
		  "/etc/passwd");
}

/* ID-10: a line of the container's stays one line. */
static void test_entry_lines(void)
{
	CHECK_REFUSED("is not one line", "-u 1234 --passwd-entry 'a\nroot2::0:0::/:' busybox true");
	weaken("ID-10");
	CHECK_RUN(0, "root2::0:0::/:\n",
		  "-u 1234 --passwd-entry 'a\nroot2::0:0::/:' busybox tail -n 1 /etc/passwd");
	weaken(NULL);
}

/* ROOT-1: the file is a link that a program of the container has put there. */
static void test_entry_link(void)
{
	for (int i = 0; i < 2; i++) {
		cleanup_result struct result r = { 0 };

		MUST(0, "run -d --name l -u 1234 " SLEEPS);
		MUST(0, "exec -u 0 l sh -c 'touch /canary; rm /etc/passwd; ln -s /canary "
			"/etc/passwd'");
		weaken(i ? "ROOT-1" : NULL);
		MUST(0, "restart -t 0 l");
		weaken(NULL);
		r = podium("exec -u 0 l cat /canary");
		if (i)
			CHECK_HAS(r.out, "1234:");
		else
			CHECK_EQUAL(r.out, "");
		gone("l");
	}
}

/* ---- confinement ------------------------------------------------------------------------ */

static void test_masks(void)
{
	CHECK_RUN(0, "0\n", "busybox sh -c 'wc -c < /proc/timer_list'");
	CHECK_RUN(1, "",
		  "--security-opt unmask=/proc/timer* busybox sh -c "
		  "'grep -q \"/proc/timer_list\" /proc/mounts'");
	CHECK_RUN(1, "",
		  "--security-opt unmask=ALL busybox sh -c "
		  "'grep -e \" /proc/.\" /proc/mounts'");
	CHECK_RUN(0, "",
		  "--security-opt mask=/etc/hosts:/www busybox sh -c "
		  "'cat /etc/hosts; ls /www'");
	CHECK_RUN(0, "1\n",
		  "--security-opt proc-opts=hidepid=2 busybox sh -c "
		  "'grep \" /proc proc\" /proc/mounts | grep -c hidepid'");
	CHECK_REFUSED("no option 'lower=/'", "--security-opt proc-opts=lower=/ busybox true");
}

static void test_profile(void)
{
	write_file("mkdir.json",
		   "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"mkdir\","
		   "\"mkdirat\"],\"action\":\"SCMP_ACT_ERRNO\"}]}");
	CHECK_RUN(1, "", "--security-opt seccomp=%s/mkdir.json busybox mkdir /x", harness.work);
	CHECK_RUN(0, "", "busybox mkdir /x");
	CHECK_RUN(1, "", "--privileged --security-opt seccomp=%s/mkdir.json busybox mkdir /x",
		  harness.work);
	write_file("bad.json", "{");
	CHECK_REFUSED("bad.json", "--security-opt seccomp=%s/bad.json busybox true", harness.work);
}

/* ID-1: what is added by name a user keeps; nothing else. */
static void test_caps(void)
{
	CHECK_RUN(0,
		  "CapPrm:\t0000000000002000\nCapEff:\t0000000000002000\n"
		  "CapAmb:\t0000000000002000\n",
		  "-u 1000 --cap-add net_raw busybox grep -E 'Cap(Prm|Eff|Amb)' /proc/self/status");
	CHECK_RUN(0,
		  "CapPrm:\t0000000000000000\nCapEff:\t0000000000000000\n"
		  "CapAmb:\t0000000000000000\n",
		  "-u 1000 busybox grep -E 'Cap(Prm|Eff|Amb)' /proc/self/status");
	CHECK_RUN(0,
		  "CapPrm:\t0000000000000000\nCapEff:\t0000000000000000\n"
		  "CapAmb:\t0000000000000000\n",
		  "-u 1000 --privileged busybox grep -E 'Cap(Prm|Eff|Amb)' /proc/self/status");
}

/* ---- namespaces ------------------------------------------------------------------------- */

static char *link_of(const char *container, const char *ns)
{
	cleanup_result struct result r = podium("exec %s readlink /proc/self/ns/%s", container, ns);

	return xstrdup(r.out);
}

static void test_namespaces(void)
{
	static const char *const shared[] = { "net", "ipc", "pid" };

	MUST(0, "run -d --name one " SLEEPS);
	MUST(0, "run -d --name two --network container:one --ipc container:one "
		"--pid container:one " SLEEPS);
	for (size_t i = 0; i < ARRAY_SIZE(shared); i++) {
		cleanup_free char *a = link_of("one", shared[i]);
		cleanup_free char *b = link_of("two", shared[i]);

		CHECK(*a && is_equal(a, b), "%s: '%s' and '%s'", shared[i], a, b);
	}
	MUST(0, "exec one touch /dev/shm/mark");
	CHECK_EXEC("two", "mark\n", "ls /dev/shm");
	{
		cleanup_result struct result hosts = podium("exec two cat /etc/hosts");

		CHECK_HAS(hosts.out, " one\n");
		CHECK_HAS(hosts.out, " two\n");
	}
	gone("two");
	CHECK_REFUSED("is no namespace of this kind",
		      "--network ns:/proc/self/ns/uts busybox true");
	write_file("plain", "x");
	CHECK_REFUSED("is no namespace of this kind", "--network ns:%s/plain busybox true",
		      harness.work);
	{
		cleanup_result struct result fore =
			podium("run --rm --network ns:%s/plain busybox true", harness.work);

		CHECK_CODE(fore, 125);
		CHECK_HAS(fore.err, "is no namespace of this kind");
		CHECK_LACKS(fore.err, "not shown");
	}
	gone("one");
	CHECK_RUN(0, "1\n", "--shm-size 1m busybox sh -c 'df -k /dev/shm | grep -c \" 1024 \"'");
}

/* ---- mounts ----------------------------------------------------------------------------- */

static void test_tmpfs(void)
{
	CHECK_RUN(0, "index.html\n", "--tmpfs /www busybox ls /www");
	CHECK_RUN(0, "", "--tmpfs /www:notmpcopyup busybox ls /www");
	CHECK_RUN(0, "1777 700\n",
		  "--tmpfs /a --tmpfs /b:mode=700 busybox sh -c "
		  "'echo $(stat -c %%a /a) $(stat -c %%a /b)'");
	CHECK_RUN(1, "", "--tmpfs /a:size=64k busybox dd if=/dev/zero of=/a/f bs=1k count=100");
	CHECK_RUN(126, "", "--tmpfs /a:noexec busybox sh -c 'cp /bin/busybox /a/ls; /a/ls'");
	CHECK_RUN(0, "", "--read-only busybox touch /tmp/x /run/x /var/tmp/x /dev/shm/x");
	CHECK_RUN(1, "", "--read-only --read-only-tmpfs=false busybox touch /tmp/x");
	CHECK_RUN(1, "", "--read-only busybox touch /etc/x");
}

static struct stat stat_of(const char *path)
{
	cleanup_free char *whole = xasprintf("%s/%s", harness.work, path);
	struct stat st = { 0 };

	CHECK(lstat(whole, &st) == 0, "there is no '%s'", path);
	return st;
}

static void make_source(void)
{
	cleanup_free char *link = xasprintf("%s/src/link", harness.work);
	cleanup_free char *to = xasprintf("%s/canary", harness.work);

	remove_path("src");
	remove_path("canary");
	write_file("canary/f", "canary\n");
	write_file("src/f", "mine\n");
	CHECK(symlink(to, link) == 0, "symlink");
}

/* U never follows: VOL-3's walk. */
static void test_owner(void)
{
	struct stat st;

	for (int i = 0; i < 2; i++) {
		make_source();
		weaken(i ? "VOL-3" : NULL);
		CHECK_RUN(0, "1000 7\n", "-u 1000:7 -v %s/src:/s:U busybox stat -c '%%u %%g' /s/f",
			  harness.work);
		weaken(NULL);
		st = stat_of("src/link");
		CHECK(st.st_uid == 1000, "the link is changed itself");
		st = stat_of("canary/f");
		CHECK((st.st_uid == 1000) == (i == 1), "canary of %u", (unsigned int)st.st_uid);
	}
	CHECK_REFUSED("the host's own", "-v /etc:/s:U busybox true");
}

/* VOL-5 */
static void test_relabel(void)
{
	if (access("/sys/fs/selinux/enforce", F_OK) == 0) {
		TEST_SKIP("SELinux is active");
		return;
	}
	make_source();
	CHECK_RUN(0, "mine\n", "-v %s/src:/s:z busybox cat /s/f", harness.work);
	CHECK_REFUSED("the host's own", "-v /usr:/s:Z busybox true");
	CHECK_REFUSED("the host's own", "-v /usr:/s:U busybox true");
	MUST(0, "volume create --opt o=bind --opt device=/usr hosts");
	CHECK_REFUSED("the host's own", "-v hosts:/s:U busybox true");
	weaken("VOL-5");
	CHECK_RUN(0, "", "-v /usr:/s:Z busybox true");
	CHECK_RUN(0, "", "-v hosts:/s:Z busybox true");
	weaken(NULL);
	MUST(0, "volume rm hosts");
}

static void test_overlay(void)
{
	cleanup_free char *text = NULL;

	make_source();
	MUST(0, "run -d --name o -v %s/src:/s:O " SLEEPS, harness.work);
	MUST(0, "exec o sh -c 'echo theirs > /s/f; touch /s/new'");
	CHECK_EXEC("o", "theirs\n", "cat /s/f");
	MUST(0, "restart -t 0 o");
	CHECK_EXEC("o", "mine\n", "cat /s/f");
	gone("o");
	text = read_file("src/f");
	CHECK_EQUAL(text, "mine\n");
	CHECK(!exists("%s/src/new", harness.work), "written to the source");
}

/* An image as a volume: read-only, or with what is written to it thrown away. */
static void test_image_volume(void)
{
	CHECK_RUN(0, "index.html\n", "--mount type=image,src=busybox,dst=/i busybox ls /i/www");
	CHECK_RUN(1, "", "--mount type=image,src=busybox,dst=/i busybox touch /i/x");
	CHECK_RUN(0, "x\n",
		  "--mount type=image,src=busybox,dst=/i,rw=true busybox sh -c "
		  "'touch /i/www/x; rm /i/www/index.html; ls /i/www'");
	CHECK_RUN(0, "index.html\n",
		  "--mount type=image,src=busybox,dst=/i,rw=true busybox ls /i/www");
}

static void test_idmap(void)
{
	make_source();
	CHECK_RUN(0, "5 100\n",
		  "-v '%s/src:/s:idmap=uids=0-5-10;gids=0-100-10' busybox stat -c '%%u %%g' /s/f",
		  harness.work);
	CHECK_REFUSED("needs 'uids=' and 'gids='", "-v %s/src:/s:idmap busybox true", harness.work);
	CHECK_REFUSED("is not like", "-v '%s/src:/s:idmap=uids=0-5' busybox true", harness.work);
}

/* CFG-4: only into what is new and empty, once. */
static void test_copy_up(void)
{
	cleanup_free char *own = xasprintf("%s/volumes/full/_data/own", harness.root);

	CHECK_RUN(0, "index.html\n", "-v new:/www busybox ls /www");
	CHECK_RUN(0, "", "-v new:/www busybox rm /www/index.html");
	CHECK_RUN(0, "", "-v new:/www busybox ls /www");
	CHECK_RUN(0, "", "-v none:/www:nocopy busybox ls /www");
	CHECK_RUN(0, "1000 7\n", "-u 1000:7 -v fresh:/nowhere busybox stat -c '%%u %%g' /nowhere");
	for (int i = 0; i < 2; i++) {
		MUST(0, "volume create full");
		write_file(own, "mine");
		weaken(i ? "CFG-4" : NULL);
		CHECK_RUN(0, i ? "index.html\nown\n" : "own\n", "-v full:/www busybox ls /www");
		weaken(NULL);
		MUST(0, "volume rm full");
	}
	MUST(0, "volume rm new none fresh");
}

/* CFG-4: a copy that was killed is no copy, wherever it was; a weakened one stays half. */
static void test_killed_copy_up(void)
{
	static const char *const stages[] = { "copy-up:entry", "copy-up:place", "copy-up:entry" };

	for (size_t i = 0; i < ARRAY_SIZE(stages); i++) {
		bool weak = i == ARRAY_SIZE(stages) - 1;

		weaken(weak ? "CFG-4-WHOLE" : NULL);
		CHECK(setenv("PODIUM_STOP_AT", stages[i], 1) == 0, "setenv");
		DISCARD(podium("run --rm -v half:/etc busybox true"));
		CHECK(unsetenv("PODIUM_STOP_AT") == 0, "unsetenv");
		CHECK_RUN(0, "", "-v half:/etc busybox true");
		weaken(NULL);
		CHECK((exists("%s/volumes/half/_data/passwd", harness.root) &&
		       exists("%s/volumes/half/_data/group", harness.root)) == !weak,
		      "killed at %s%s", stages[i], weak ? ", weakened" : "");
		CHECK(!exists("%s/volumes/half/_data/.podium-copy-up", harness.root),
		      "its place stays");
		MUST(0, "volume rm half");
	}
}

/* ---- limits and devices ----------------------------------------------------------------- */

/* A control file of the container in a v1 tree; NULL without the tree. */
static char *limit_of(const char *container, const char *tree, const char *file)
{
	cleanup_free char *id = inspect(container, "{{.Id}}");
	cleanup_free char *pattern = xasprintf("/sys/fs/cgroup/%s/podium/*/%s/%s", tree, id, file);
	char *text = NULL;
	glob_t g;

	if (glob(pattern, 0, NULL, &g) == 0 && g.gl_pathc == 1)
		text = read_file(g.gl_pathv[0]);
	globfree(&g);
	return text;
}

static void check_limit(const char *tree, const char *file, const char *want)
{
	cleanup_free char *text = limit_of("lim", tree, file);

	CHECK(text && is_prefix(text, want), "%s/%s is '%s'", tree, file, text ? text : "missing");
}

/* CG-4 */
static void test_limits(void)
{
	if (!exists("/sys/fs/cgroup/cpu/cpu.shares") || !exists("/sys/fs/cgroup/memory/tasks")) {
		TEST_SKIP("no cgroups v1 here");
		return;
	}
	MUST(0, "run -d --name lim --cpu-shares 512 --cpu-period 50000 --cpu-quota 25000 -m 64m "
		"--memory-swap 128m --memory-swappiness 30 --oom-kill-disable --pids-limit "
		"77 " SLEEPS);
	check_limit("cpu", "cpu.shares", "512\n");
	check_limit("cpu", "cpu.cfs_quota_us", "25000\n");
	check_limit("cpu", "cpu.cfs_period_us", "50000\n");
	check_limit("memory", "memory.limit_in_bytes", "67108864\n");
	check_limit("memory", "memory.memsw.limit_in_bytes", "134217728\n");
	check_limit("memory", "memory.swappiness", "30\n");
	check_limit("memory", "memory.oom_control", "oom_kill_disable 1\n");
	check_limit("pids", "pids.max", "77\n");
	gone("lim");
	CHECK_REFUSED("is not a block device", "--device-read-bps /dev/null:1mb busybox true");
	CHECK_REFUSED("cgroup-parent", "--cgroup-parent /elsewhere busybox true");
}

/* CG-3 */
static void test_devices(void)
{
	cleanup_free char *dir = xasprintf("%s/nodes", harness.work);
	cleanup_free char *node = xasprintf("%s/sub/full", dir);

	write_file("nodes/sub/text", "no device");
	CHECK(mknod(node, S_IFCHR | 0666, makedev(1, 7)) == 0, "mknod");
	CHECK_RUN(0, "/dev/d\n/dev/d/sub\n/dev/d/sub/full\n",
		  "--device %s:/dev/d busybox sh -c 'find /dev/d | sort'", dir);
	CHECK_REFUSED("not below /dev", "--device /dev/null:/x busybox true");
	write_file("bare/text", "no device");
	CHECK_REFUSED("no devices found", "--device %s/bare:/dev/d busybox true", harness.work);
	if (!exists("/dev/fuse"))
		return;
	CHECK_RUN(1, "", "--device /dev/fuse:/dev/k:r busybox sh -c 'echo x > /dev/k'");
	CHECK_RUN(1, "", "busybox sh -c 'mknod /dev/k c 10 229 && echo x > /dev/k'");
	CHECK_RUN(0, "",
		  "--cap-add mknod --device-cgroup-rule 'c 10:229 rm' busybox sh -c "
		  "'mknod /dev/k c 10 229 && exec 3< /dev/k'");
	CHECK_RUN(1, "",
		  "--cap-add mknod --device-cgroup-rule 'c 10:229 rm' busybox sh -c "
		  "'mknod /dev/k c 10 229 && exec 3> /dev/k'");
}

/* ---- init ------------------------------------------------------------------------------- */

static void test_init(void)
{
	CHECK_RUN(7, "", "--init busybox sh -c 'exit 7'");
	CHECK_RUN(137, "", "--init busybox sh -c 'kill -9 $$'");
	CHECK_RUN(127, "", "--init busybox no-such-program");
	CHECK_RUN(0, "/run/podium-init -- sh -c tr",
		  "--init busybox sh -c 'tr \"\\000\" \" \" < /proc/1/cmdline | head -c 28'");
	CHECK_REFUSED("process namespace", "--init --pid host busybox true");
	MUST(0,
	     "run -d --init --name i busybox sh -c 'trap \"exit 3\" USR1; while :; do sleep 0.1; "
	     "done'");
	/* an orphan is reaped; the program itself is not PID 1 */
	MUST(0, "exec i sh -c '(sleep 0.2 &)'");
	CHECK(WAIT_UNTIL(({
				 cleanup_result struct result r =
					 podium("exec i sh -c 'ps | grep -c \"[[]sleep\"'");
				 is_equal(r.out, "0\n");
			 }),
			 DEADLINE_MS),
	      "a zombie stays");
	/* EXE-2: nothing of the host's behind the link */
	CHECK_EXEC("i", "", "sh -c 'echo x >> /proc/1/exe'");
	CHECK_EXEC("i", "/podium-init\n", "readlink /proc/1/exe");
	MUST(0, "exec i kill -USR1 1");
	CHECK(WAIT_UNTIL(ps_begins("i", "Status", "Exited (3)"), DEADLINE_MS), "not ended");
	gone("i");
}

/* ---- secrets, time zone, ids ------------------------------------------------------------ */

#define SECRET "Eemo7ie0quoh"

static bool has_secret(const char *path)
{
	cleanup_result struct result r = run("grep -rl " SECRET " %s", path);

	return strstr(r.out, "/data") != strrchr(r.out, '/') ||
	       (r.out[0] && !strstr(r.out, "secrets"));
}

/* ENV-4: in no record. */
static void test_secrets(void)
{
	cleanup_result struct result seen = { 0 };

	write_file("secret", SECRET);
	MUST(0, "secret create s1 %s/secret", harness.work);
	MUST(0, "run -d --name s --secret s1 --secret s1,target=/x/y,uid=5,gid=6,mode=0400 "
		"--secret s1,type=env,target=SS " SLEEPS);
	CHECK_EXEC("s", SECRET SECRET, "cat /run/secrets/s1 /x/y");
	CHECK_EXEC("s", "444 0 0\n400 5 6\n", "stat -c '%%a %%u %%g' /run/secrets/s1 /x/y");
	CHECK_EXEC("s", SECRET "\n", "sh -c 'echo $SS'");
	CHECK_EXEC("s", "", "sh -c 'echo x > /run/secrets/s1; echo x > /x/y'");
	CHECK(!has_secret(harness.root) && !has_secret(harness.runroot), "it is in a record");
	seen = podium("inspect s");
	CHECK_LACKS(seen.out, SECRET);
	gone("s");
	MUST(0, "secret rm s1");
	CHECK_REFUSED("no-such", "--secret no-such busybox true");
}

static void test_timezone(void)
{
	if (!exists("/usr/share/zoneinfo/Europe/Berlin")) {
		TEST_SKIP("no zoneinfo");
		return;
	}
	CHECK_RUN(0, "CET\n", "--tz Europe/Berlin busybox date -d 2024-01-01 +%%Z");
	CHECK_REFUSED("etc/shadow", "--tz ../../../etc/shadow busybox true");
}

static void test_userns(void)
{
	CHECK_RUN(0, "         0     200000       1000\n",
		  "--uidmap 0:200000:1000 busybox cat "
		  "/proc/self/uid_map");
	CHECK_RUN(0, "0 1000\n",
		  "--uidmap 0:200000:2000 busybox sh -c 'touch /x; chown 0:1000 /x; "
		  "stat -c \"%%u %%g\" /x'");
	CHECK_REFUSED("must be mapped", "--uidmap 1:200000:1000 busybox true");
	CHECK_REFUSED("overlaps", "--uidmap 0:200000:1000 --uidmap 999:300000:1 busybox true");
	CHECK_REFUSED("from 0 to 1999", "--userns auto:size=2000 -u 2000 busybox true");
}

static CU_TestInfo tests[] = {
	{ "user", test_user },
	{ "entries of users", test_entries },
	{ "ID-10 lines of entries", test_entry_lines },
	{ "ROOT-1 a link for passwd", test_entry_link },
	{ "masks", test_masks },
	{ "profile", test_profile },
	{ "capabilities", test_caps },
	{ "namespaces", test_namespaces },
	{ "tmpfs", test_tmpfs },
	{ "VOL-3 owner", test_owner },
	{ "VOL-5 relabel", test_relabel },
	{ "overlay", test_overlay },
	{ "image as a volume", test_image_volume },
	{ "idmap", test_idmap },
	{ "CFG-4 copy-up", test_copy_up },
	{ "CFG-4 copy-up, killed", test_killed_copy_up },
	{ "CG-4 limits", test_limits },
	{ "CG-3 devices", test_devices },
	{ "init", test_init },
	{ "ENV-4 secrets", test_secrets },
	{ "time zone", test_timezone },
	{ "user namespace", test_userns },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "launch", begin, harness_end, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
