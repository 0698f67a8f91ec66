/* SPDX-License-Identifier: Apache-2.0 */
/*
 * leftover - gathers and compares what is there.
 *
 * Theory of operation: each kind of thing becomes lines of text. What belongs to other tests on the
 * same machine is left out by construction: processes by descent, mounts, links, tables and IPC by
 * the test's own namespaces, cgroups by trees of its own (groups.c), files by the store's trees.
 *
 * A comparison is repeated until it is clean or the deadline is over: the kernel takes network
 * namespaces, veth pairs and mounts of dead processes apart in its own time.
 */
#include "tests/integration/leftover.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/fs.h"
#include "tests/integration/harness.h"

#define PROC_FILE_MAX (4U << 20)
#define SETTLE_MS     10000
#define PIDS_MAX      65536

/* ---- processes ----------------------------------------------------------------------------- */

static char *proc_text(pid_t pid, const char *file)
{
	cleanup_free char *path = xasprintf("/proc/%d/%s", (int)pid, file);
	char *text = NULL;
	size_t len = 0;
	struct error err;

	if (fs_read_file(AT_FDCWD, path, PROC_FILE_MAX, &text, &len, &err) < 0)
		return NULL;
	for (size_t i = 0; i + 1 < len; i++)
		if (text[i] == '\0')
			text[i] = ' ';
	return text;
}

/* Parent and state of a process; false when it is gone. */
static bool read_stat(pid_t pid, pid_t *ret_parent, char *ret_state)
{
	cleanup_free char *text = proc_text(pid, "stat");
	const char *p = text ? strrchr(text, ')') : NULL;
	int parent;

	if (!p || sscanf(p, ") %c %d", ret_state, &parent) != 2)
		return false;
	*ret_parent = parent;
	return true;
}

/* Walks up from pid; the test program is the root. */
static bool is_descendant(pid_t pid)
{
	char state;

	for (int depth = 0; depth < 256 && pid > 1; depth++) {
		if (!read_stat(pid, &pid, &state))
			return false;
		if (pid == getpid())
			return true;
	}
	return false;
}

static bool is_living(pid_t pid)
{
	pid_t parent;
	char state;

	return read_stat(pid, &parent, &state) && state != 'Z' && state != 'X';
}

/* What podium detached and ended is ours to reap; what a test has started is the test's. */
static void reap_orphan(pid_t pid)
{
	pid_t parent;
	char state;

	if (read_stat(pid, &parent, &state) && parent == getpid() && state == 'Z' && !is_job(pid))
		(void)waitpid(pid, NULL, WNOHANG);
}

void descendants(struct strlist *ret_pids)
{
	cleanup_dir DIR *d = opendir("/proc");
	struct dirent *e;

	while (d && (e = readdir(d))) {
		int64_t pid;

		if (parse_i64(e->d_name, 1, INT32_MAX, &pid) < 0)
			continue;
		reap_orphan((pid_t)pid);
		if (is_descendant((pid_t)pid) && is_living((pid_t)pid))
			strlist_add(ret_pids, e->d_name);
	}
}

static pid_t pid_of(const char *text)
{
	int64_t pid = 0;

	return parse_i64(text, 1, INT32_MAX, &pid) < 0 ? 0 : (pid_t)pid;
}

void kill_descendants(void)
{
	for (int round = 0; round < 100; round++) {
		cleanup_strlist struct strlist pids = { 0 };

		descendants(&pids);
		if (pids.n == 0)
			return;
		for (size_t i = 0; i < pids.n; i++)
			(void)kill(pid_of(pids.v[i]), SIGKILL);
		(void)usleep(20000);
	}
}

pid_t find_process(const char *words)
{
	cleanup_strlist struct strlist pids = { 0 };

	descendants(&pids);
	for (size_t i = 0; i < pids.n; i++) {
		cleanup_free char *line = proc_text(pid_of(pids.v[i]), "cmdline");

		if (line && is_prefix(line, words))
			return pid_of(pids.v[i]);
	}
	return 0;
}

static void add_processes(struct snapshot *s)
{
	cleanup_strlist struct strlist pids = { 0 };

	descendants(&pids);
	for (size_t i = 0; i < pids.n; i++) {
		cleanup_free char *line = proc_text(pid_of(pids.v[i]), "cmdline");

		if (line)
			strlist_addf(&s->lines, "process %s %s", pids.v[i], line);
	}
}

/* ---- kernel objects of our namespaces ------------------------------------------------------ */

/* Calls fn for each line of a text, which is cut into lines. */
static void each_line(char *text, void (*fn)(struct snapshot *s, char *line), struct snapshot *s)
{
	char *save = NULL;

	for (char *line = text ? strtok_r(text, "\n", &save) : NULL; line;
	     line = strtok_r(NULL, "\n", &save))
		fn(s, line);
}

/* Point, type and source without the numbers that a mount gets by chance. */
static void add_mount(struct snapshot *s, char *line)
{
	char point[4096], rest[4096];
	const char *dash = strstr(line, " - ");

	if (dash && sscanf(line, "%*d %*d %*s %*s %4095s", point) == 1 &&
	    sscanf(dash, " - %4095[^\n]", rest) == 1)
		strlist_addf(&s->lines, "mount %s %.60s", point, rest);
}

static void add_link(struct snapshot *s, char *line)
{
	char name[64];

	if (sscanf(line, "%*d: %63[^:@]", name) == 1 && strncmp(name, "podium", 6) != 0)
		strlist_addf(&s->lines, "link %s", name);
}

/* Only entries that a translation made: the reply does not come from where the question went. */
static void add_flow(struct snapshot *s, char *line)
{
	char proto[16], from[64], to[64], reply_from[64], reply_to[64];
	const char *src = strstr(line, "src="), *next = src ? strstr(src + 4, "src=") : NULL;

	if (!next || sscanf(line, "%15s", proto) != 1 ||
	    sscanf(src, "src=%63s dst=%63s", from, to) != 2 ||
	    sscanf(next, "src=%63s dst=%63s", reply_from, reply_to) != 2)
		return;
	if (strcmp(to, reply_from) != 0 || strcmp(from, reply_to) != 0)
		strlist_addf(&s->lines, "conntrack %s", line);
}

static void add_ipc(struct snapshot *s, char *line)
{
	if (!strstr(line, "key"))
		strlist_addf(&s->lines, "ipc %s", line);
}

/* Every "elements = { ... }" of the table. */
static void add_elements(struct snapshot *s, char *text)
{
	for (char *p = text; p && (p = strstr(p, "elements = {"));) {
		char *end = strchr(p, '}');

		if (!end)
			return;
		*end = '\0';
		strlist_addf(&s->lines, "nft %s", p);
		p = end + 1;
	}
}

static void add_kernel(struct snapshot *s)
{
	cleanup_free char *mounts = proc_text(getpid(), "mountinfo");
	cleanup_result struct result nft = run("nft list table inet podium");
	cleanup_result struct result links = run("ip -o link");
	cleanup_result struct result flows4 = run("conntrack -L");
	cleanup_result struct result flows6 = run("conntrack -L -f ipv6");
	static const char *const ipc[] = { "/proc/sysvipc/shm", "/proc/sysvipc/sem",
					   "/proc/sysvipc/msg" };

	each_line(mounts, add_mount, s);
	each_line(links.out, add_link, s);
	each_line(flows4.out, add_flow, s);
	each_line(flows6.out, add_flow, s);
	add_elements(s, nft.out);
	for (size_t i = 0; i < ARRAY_SIZE(ipc); i++) {
		cleanup_free char *text = read_file(ipc[i]);

		each_line(text, add_ipc, s);
	}
}

/* ---- trees --------------------------------------------------------------------------------- */

static struct snapshot *walking; /* nftw has no argument of its own */
static size_t walk_prefix;

static bool is_kept(const char *path)
{
	static const char *const kept[] = { "/images",	"/layers",     "/locks",
					    "/version", "/boot-id",    "/seccomp",
					    "/loaded-", "/events.log", "/swept" };

	for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
		if (is_prefix(path, kept[i]))
			return true;
	/* The network's own place; leases are below it and are not kept. */
	return is_prefix(path, "/net") && !strstr(path, "/leases/") && !strstr(path, "/pods/");
}

static int walk_file(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	if (ftw->level > 0 && !is_kept(path + walk_prefix))
		strlist_addf(&walking->lines, "file %s", path);
	return 0;
}

static void add_tree(struct snapshot *s, const char *root)
{
	walking = s;
	walk_prefix = strlen(root);
	(void)nftw(root, walk_file, 32, FTW_PHYS | FTW_MOUNT);
	walking = NULL;
}

static void add_groups_of(struct snapshot *s, const char *tree)
{
	cleanup_free char *base = xasprintf("%s/podium", tree);
	cleanup_dir DIR *d = opendir(base);
	struct dirent *e;

	while (d && (e = readdir(d))) {
		cleanup_free char *path = xasprintf("%s/%s", base, e->d_name);

		if (is_id(e->d_name))
			strlist_addf(&s->lines, "cgroup %s", path);
	}
}

static void add_groups(struct snapshot *s)
{
	cleanup_dir DIR *d = opendir("/sys/fs/cgroup");
	struct dirent *e;

	add_groups_of(s, "/sys/fs/cgroup");
	while (d && (e = readdir(d))) {
		cleanup_free char *tree = xasprintf("/sys/fs/cgroup/%s", e->d_name);

		if (e->d_type == DT_DIR && e->d_name[0] != '.')
			add_groups_of(s, tree);
	}
}

/* ---- the whole ----------------------------------------------------------------------------- */

static int compare_lines(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void snapshot_take(struct snapshot *s)
{
	*s = (struct snapshot){ 0 };
	add_processes(s);
	add_kernel(s);
	add_groups(s);
	add_tree(s, harness.root);
	add_tree(s, harness.runroot);
	if (s->lines.n)
		qsort(s->lines.v, s->lines.n, sizeof(*s->lines.v), compare_lines);
}

void snapshot_done(struct snapshot *s)
{
	strlist_done(&s->lines);
}

char *snapshot_diff(const struct snapshot *before, const struct snapshot *after)
{
	const struct strlist *a = &before->lines, *b = &after->lines;
	struct buf out = BUF_INIT(1 << 20);
	size_t i = 0, k = 0;

	while (i < a->n || k < b->n) {
		int r = i == a->n ? 1 : k == b->n ? -1 : strcmp(a->v[i], b->v[k]);

		/* Processes and links that were on their way out before are no news. */
		if (r < 0 && (is_prefix(a->v[i], "file ") || is_prefix(a->v[i], "nft ")))
			buf_printf(&out, "- %s\n", a->v[i]);
		if (r > 0)
			buf_printf(&out, "+ %s\n", b->v[k]);
		i += r <= 0;
		k += r >= 0;
	}
	if (out.len == 0) {
		buf_done(&out);
		return NULL;
	}
	return buf_steal(&out);
}

bool check_nothing_left_at(const struct snapshot *before, int line, const char *file,
			   const char *after_what)
{
	int64_t end = clock_mono_ms() + SETTLE_MS;
	char *diff = NULL;
	bool ok;

	do {
		cleanup_snapshot struct snapshot now;

		free(diff);
		snapshot_take(&now);
		diff = snapshot_diff(before, &now);
		if (diff)
			(void)usleep(100000);
	} while (diff && clock_mono_ms() < end);
	ok = check_at(!diff, line, file, "left after %s:\n%s", after_what, diff ? diff : "");
	free(diff);
	return ok;
}
