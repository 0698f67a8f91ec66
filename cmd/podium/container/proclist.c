/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proclist - reads /proc for the processes of one container.
 *
 * Theory of operation: the pids come from the container's control groups, so a process that was
 * executed into it is there too, and one that forked away from its session. /proc/PID is opened
 * once; stat, status, cmdline are read below that descriptor, which goes dead with the process, so
 * that a pid that is used again cannot mix two processes. Numbers of the container's own namespace
 * are the last of the NS* lines in status. Names of users come from the container's /etc/passwd,
 * opened below its root as a chroot would resolve it, and of the host from the host's; both are
 * read by the parser below with limits, by no function of the C library (it would load modules).
 */
#include "cmd/podium/container/proclist.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>

#include "engine/base/clock.h"
#include "engine/base/fs.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/security/caps.h"

#define PROC_TEXT_MAX 65536
#define USERS_MAX     (1 << 20) /* bytes of a passwd or group file */
#define NS_PER_SECOND 1000000000
#define STAT_FIELDS   52

struct proc_facts {
	int dirfd;
	char *stat;			/* of /proc/PID/stat, cut into fields */
	const char *field[STAT_FIELDS]; /* 1-based as in proc(5), from 3 on */
	char *comm;
	char *status; /* of /proc/PID/status */
	pid_t pid;
	char *passwd, *group;		/* of the container, borrowed */
	char *host_passwd, *host_group; /* borrowed */
	int64_t ticks;			/* a second */
};

/* ---- files ------------------------------------------------------------------------------ */

static char *slurp(int dirfd, const char *name, size_t *ret_len)
{
	cleanup_close int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC);
	struct buf b = BUF_INIT(PROC_TEXT_MAX);
	char block[4096];
	ssize_t n;

	if (fd < 0)
		return NULL;
	while ((n = read(fd, block, sizeof(block))) > 0)
		buf_add(&b, block, (size_t)n);
	if (ret_len)
		*ret_len = b.len;
	return n < 0 && !b.len ? (buf_done(&b), NULL) : buf_steal(&b);
}

/* The text after "Name:\t" of status, to the line's end; the caller's, NULL. */
static char *status_line(const struct proc_facts *p, const char *name)
{
	cleanup_free char *key = xasprintf("\n%s:", name);
	const char *at = strstr(p->status, key);

	if (!at)
		return NULL;
	at += strlen(key);
	at += strspn(at, " \t");
	return xstrndup(at, strcspn(at, "\n"));
}

/* The n-th word of that line (from 0; -1: the last). */
static char *status_word(const struct proc_facts *p, const char *name, int n)
{
	cleanup_free char *line = status_line(p, name);
	char *at = line, *word, *last = NULL;

	while (at && (word = strsep(&at, " \t"))) {
		if (!*word)
			continue;
		last = word;
		if (n-- == 0)
			break;
	}
	return xstrdup(last ? last : "?");
}

static int64_t field_number(const struct proc_facts *p, int i)
{
	int64_t n = 0;

	if (!p->field[i] || parse_i64(p->field[i], INT64_MIN, INT64_MAX, &n) < 0)
		return 0;
	return n;
}

/* The name of an id in passwd(5) or group(5), or the number. */
static char *name_of(const char *users, const char *id)
{
	for (const char *line = users; line && *line;) {
		size_t len = strcspn(line, "\n"), name = strcspn(line, ":\n");
		const char *at = line + name;

		if (*at == ':') {
			at += 1 + strcspn(at + 1, ":\n");
			if (*at == ':' && strncmp(at + 1, id, strlen(id)) == 0 &&
			    strchr(":\n", at[1 + strlen(id)]) && name)
				return xstrndup(line, name);
		}
		line += len + (line[len] == '\n');
	}
	return xstrdup(id);
}

/* ---- columns ---------------------------------------------------------------------------- */

/* As Go prints a duration. */
static char *duration(int64_t ns)
{
	int64_t s = ns / NS_PER_SECOND, h = s / 3600, m = s / 60 % 60;
	double rest = (double)(s % 60) + (double)(ns % NS_PER_SECOND) / NS_PER_SECOND;
	char text[64];
	size_t len;

	if (ns < NS_PER_SECOND)
		return ns < 1000000 ? xstrdup("0s")
				    : xasprintf("%lldms", (long long)(ns / 1000000));
	len = (size_t)snprintf(text, sizeof(text), "%.6f", rest);
	while (text[len - 1] == '0')
		text[--len] = '\0';
	if (text[len - 1] == '.')
		text[--len] = '\0';
	if (h)
		return xasprintf("%lldh%lldm%ss", (long long)h, (long long)m, text);
	return m ? xasprintf("%lldm%ss", (long long)m, text) : xasprintf("%ss", text);
}

static int64_t cpu_ns(const struct proc_facts *p)
{
	return (field_number(p, 14) + field_number(p, 15)) * (NS_PER_SECOND / p->ticks);
}

static int64_t age_ns(const struct proc_facts *p)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_BOOTTIME, &now);
	return now.tv_sec * (int64_t)NS_PER_SECOND + now.tv_nsec -
	       field_number(p, 22) * (NS_PER_SECOND / p->ticks);
}

static char *text_args(const struct proc_facts *p)
{
	size_t len = 0;
	char *text = slurp(p->dirfd, "cmdline", &len);

	if (!text || !len) { /* a kernel thread, or a zombie */
		free(text);
		return xasprintf("[%s]", p->comm);
	}
	while (len && !text[len - 1])
		len--;
	for (size_t i = 0; i < len; i++)
		if (!text[i])
			text[i] = ' ';
	return text;
}

static char *text_comm(const struct proc_facts *p)
{
	return xstrdup(p->comm);
}

static char *text_pid(const struct proc_facts *p)
{
	return status_word(p, "NSpid", -1);
}

static char *text_hpid(const struct proc_facts *p)
{
	return xasprintf("%d", (int)p->pid);
}

static size_t count_blanks(const char *s)
{
	size_t n = 0;

	for (; s && *s; s++)
		n += *s == '\t' || *s == ' ';
	return n;
}

/* In the container's numbers; 0: outside of it. */
static char *text_ppid(const struct proc_facts *p)
{
	cleanup_free char *path = xasprintf("/proc/%s/status", p->field[4] ? p->field[4] : "0");
	cleanup_free char *status = slurp(AT_FDCWD, path, NULL);
	const struct proc_facts parent = { .dirfd = -EBADF, .status = status };
	cleanup_free char *mine = status_line(p, "NSpid");
	cleanup_free char *theirs = status ? status_line(&parent, "NSpid") : NULL;

	if (!theirs || count_blanks(theirs) < count_blanks(mine))
		return xstrdup("0");
	return status_word(&parent, "NSpid", -1);
}

static char *text_pgid(const struct proc_facts *p)
{
	return status_word(p, "NSpgid", -1);
}

static char *text_user(const struct proc_facts *p)
{
	cleanup_free char *id = status_word(p, "Uid", 1);

	return name_of(p->passwd, id);
}

static char *text_ruser(const struct proc_facts *p)
{
	cleanup_free char *id = status_word(p, "Uid", 0);

	return name_of(p->passwd, id);
}

static char *text_huser(const struct proc_facts *p)
{
	cleanup_free char *id = status_word(p, "Uid", 1);

	return name_of(p->host_passwd, id);
}

static char *text_group(const struct proc_facts *p)
{
	cleanup_free char *id = status_word(p, "Gid", 1);

	return name_of(p->group, id);
}

static char *text_rgroup(const struct proc_facts *p)
{
	cleanup_free char *id = status_word(p, "Gid", 0);

	return name_of(p->group, id);
}

static char *text_hgroup(const struct proc_facts *p)
{
	cleanup_free char *id = status_word(p, "Gid", 1);

	return name_of(p->host_group, id);
}

static char *join_groups(const struct proc_facts *p, const char *file)
{
	cleanup_free char *line = status_line(p, "Groups");
	struct buf b = BUF_INIT(PROC_TEXT_MAX);
	char *at = line, *word;

	while (at && (word = strsep(&at, " \t"))) {
		cleanup_free char *name = *word ? name_of(file, word) : NULL;

		if (!name)
			continue;
		if (b.len)
			buf_addc(&b, ',');
		buf_adds(&b, name);
	}
	return buf_steal(&b);
}

static char *text_groups(const struct proc_facts *p)
{
	return join_groups(p, p->group);
}

static char *text_hgroups(const struct proc_facts *p)
{
	return join_groups(p, p->host_group);
}

static char *text_pcpu(const struct proc_facts *p)
{
	int64_t age = age_ns(p);

	return xasprintf("%.3f", age > 0 ? 100.0 * (double)cpu_ns(p) / (double)age : 0.0);
}

static char *text_etime(const struct proc_facts *p)
{
	return duration(age_ns(p));
}

static char *text_time(const struct proc_facts *p)
{
	return duration(cpu_ns(p));
}

static char *text_stime(const struct proc_facts *p)
{
	time_t then = (time_t)((clock_wall_ns() - age_ns(p)) / NS_PER_SECOND);
	char text[64];
	struct tm tm;

	(void)localtime_r(&then, &tm);
	return xstrdup(strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S %z %Z", &tm) ? text : "");
}

static char *text_tty(const struct proc_facts *p)
{
	dev_t tty = (dev_t)field_number(p, 7);

	if (major(tty) >= 136 && major(tty) <= 143)
		return xasprintf("pts/%u", (major(tty) - 136) * 256 + minor(tty));
	if (major(tty) == 4)
		return xasprintf("tty%u", minor(tty));
	return xstrdup(tty ? "console" : "?");
}

static char *text_nice(const struct proc_facts *p)
{
	return xstrdup(p->field[19] ? p->field[19] : "0");
}

static char *text_state(const struct proc_facts *p)
{
	return xstrdup(p->field[3] ? p->field[3] : "?");
}

static char *text_vsz(const struct proc_facts *p)
{
	return xasprintf("%lld", (long long)(field_number(p, 23) / 1024));
}

static char *text_rss(const struct proc_facts *p)
{
	return xasprintf("%lld", (long long)field_number(p, 24) * (sysconf(_SC_PAGESIZE) / 1024));
}

static char *text_seccomp(const struct proc_facts *p)
{
	cleanup_free char *mode = status_word(p, "Seccomp", 0);

	return xstrdup(is_equal(mode, "2")   ? "filter"
		       : is_equal(mode, "1") ? "strict"
		       : is_equal(mode, "0") ? "disabled"
					     : "?");
}

static char *text_label(const struct proc_facts *p)
{
	char *text = slurp(p->dirfd, "attr/current", NULL);

	if (!text)
		return xstrdup("?");
	text[strcspn(text, "\n")] = '\0';
	return text;
}

static char *capabilities(const struct proc_facts *p, const char *line)
{
	cleanup_free char *hex = status_word(p, line, 0);
	struct buf b = BUF_INIT(PROC_TEXT_MAX);
	size_t len = strlen(hex);
	bool all = true;

	for (unsigned int i = 0; caps_name(i); i++) {
		char digit = i / 4 < len ? hex[len - 1 - i / 4] : '0';
		int value = isdigit((unsigned char)digit) ? digit - '0' : (digit | 32) - 'a' + 10;

		if (!(value >> (i % 4) & 1)) {
			all = false;
			continue;
		}
		if (b.len)
			buf_addc(&b, ',');
		buf_adds(&b, caps_name(i) + strlen("CAP_"));
	}
	if (!b.len || all) {
		buf_done(&b);
		return xstrdup(all ? "full" : "none");
	}
	return buf_steal(&b);
}

static char *text_capamb(const struct proc_facts *p)
{
	return capabilities(p, "CapAmb");
}

static char *text_capbnd(const struct proc_facts *p)
{
	return capabilities(p, "CapBnd");
}

static char *text_capeff(const struct proc_facts *p)
{
	return capabilities(p, "CapEff");
}

static char *text_capinh(const struct proc_facts *p)
{
	return capabilities(p, "CapInh");
}

static char *text_capprm(const struct proc_facts *p)
{
	return capabilities(p, "CapPrm");
}

static const struct proc_column columns[] = {
	{ "args", "%a", "COMMAND", text_args },
	{ "capamb", NULL, "AMBIENT CAPS", text_capamb },
	{ "capbnd", NULL, "BOUNDING CAPS", text_capbnd },
	{ "capeff", NULL, "EFFECTIVE CAPS", text_capeff },
	{ "capinh", NULL, "INHERITED CAPS", text_capinh },
	{ "capprm", NULL, "PERMITTED CAPS", text_capprm },
	{ "comm", "%c", "COMMAND", text_comm },
	{ "etime", "%t", "ELAPSED", text_etime },
	{ "group", "%G", "GROUP", text_group },
	{ "groups", NULL, "GROUPS", text_groups },
	{ "hgroup", NULL, "HGROUP", text_hgroup },
	{ "hgroups", NULL, "HGROUPS", text_hgroups },
	{ "hpid", NULL, "HPID", text_hpid },
	{ "huser", NULL, "HUSER", text_huser },
	{ "label", NULL, "LABEL", text_label },
	{ "nice", "%n", "NI", text_nice },
	{ "pcpu", "%C", "%CPU", text_pcpu },
	{ "pgid", "%r", "PGID", text_pgid },
	{ "pid", "%p", "PID", text_pid },
	{ "ppid", "%P", "PPID", text_ppid },
	{ "rgroup", "%g", "RGROUP", text_rgroup },
	{ "rss", NULL, "RSS", text_rss },
	{ "ruser", "%u", "RUSER", text_ruser },
	{ "seccomp", NULL, "SECCOMP", text_seccomp },
	{ "state", NULL, "STATE", text_state },
	{ "stime", NULL, "STIME", text_stime },
	{ "time", "%x", "TIME", text_time },
	{ "tty", "%y", "TTY", text_tty },
	{ "user", "%U", "USER", text_user },
	{ "vsz", "%z", "VSZ", text_vsz },
};

const struct proc_column *proc_column_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(columns); i++)
		if (is_equal(columns[i].name, name) || is_equal(columns[i].code, name) ||
		    (*name == '%' && is_equal(columns[i].name, name + 1)))
			return &columns[i];
	return NULL;
}

char *proc_column_names(void)
{
	struct buf b = BUF_INIT(4096);

	for (size_t i = 0; i < ARRAY_SIZE(columns); i++)
		buf_printf(&b, "%s%s", i ? ", " : "", columns[i].name);
	return buf_steal(&b);
}

/* ---- processes -------------------------------------------------------------------------- */

static void facts_done(struct proc_facts *p)
{
	if (p->dirfd >= 0)
		(void)close(p->dirfd);
	free(p->stat);
	free(p->comm);
	free(p->status);
}

/* "12 (a name) S 1 ...": the name may hold anything, its end is the last ')'. */
static bool cut_stat(struct proc_facts *p)
{
	char *from = strchr(p->stat, '('), *end = strrchr(p->stat, ')'), *word;
	int i = 3;

	if (!from || !end || end < from || end[1] != ' ')
		return false;
	p->comm = xstrndup(from + 1, (size_t)(end - from - 1));
	for (end += 2; end && i < STAT_FIELDS && (word = strsep(&end, " \n")); i++)
		p->field[i] = word;
	return i > 24;
}

static bool read_facts(pid_t pid, struct proc_facts *p)
{
	char path[32];

	(void)snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	p->pid = pid;
	p->ticks = sysconf(_SC_CLK_TCK) > 0 ? sysconf(_SC_CLK_TCK) : 100;
	p->dirfd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (p->dirfd < 0)
		return false;
	p->stat = slurp(p->dirfd, "stat", NULL);
	p->status = slurp(p->dirfd, "status", NULL);
	return p->stat && p->status && cut_stat(p);
}

static bool is_same_namespace(const char *kind, pid_t a, pid_t b)
{
	char path[64];
	struct stat x, y;

	(void)snprintf(path, sizeof(path), "/proc/%d/ns/%s", (int)a, kind);
	if (stat(path, &x) < 0)
		return false;
	(void)snprintf(path, sizeof(path), "/proc/%d/ns/%s", (int)b, kind);
	return stat(path, &y) == 0 && x.st_ino == y.st_ino && x.st_dev == y.st_dev;
}

/* Where there are no groups: every process that shares its mount namespace. */
static void scan(pid_t first, struct cgroup_processes *ret)
{
	cleanup_dir DIR *d = opendir("/proc");
	struct dirent *e;
	uint64_t pid;

	while (d && (e = readdir(d)))
		if (parse_u64(e->d_name, INT32_MAX, &pid) == 0 && ret->n < CGROUP_PROCESSES_MAX &&
		    is_same_namespace("mnt", first, (pid_t)pid)) {
			ret->v = xreallocarray(ret->v, ret->n + 1, sizeof(*ret->v));
			ret->v[ret->n++] = (pid_t)pid;
		}
}

int proclist_pids(const struct cgroup_ctx *cg, const struct container_view *view,
		  struct cgroup_processes *ret, struct error *err)
{
	int r = cgroup_list_processes(cg, view->st.pod_id, view->id, ret, err);

	if (r == 0 && !ret->n && view->st.pid)
		scan((pid_t)view->st.pid, ret);
	return r;
}

static char *read_users(int rootfd, const char *path)
{
	struct error scratch; /* without the file ids stay numbers */
	cleanup_close int fd = fs_open_in_root(rootfd, path, O_RDONLY | O_NONBLOCK, 0, &scratch);
	struct buf b = BUF_INIT(USERS_MAX);
	char block[4096];
	struct stat st;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return xstrdup("");
	while (!b.overflow && (n = read(fd, block, sizeof(block))) > 0)
		buf_add(&b, block, (size_t)n);
	return buf_steal(&b);
}

/* A process may call itself what is no UTF-8: it is shown all the same. */
static void set_text(json_t *row, const char *name, char *text)
{
	json_t *j = json_string(text);

	for (char *p = text; !j && *p; p++)
		if (*p & 0x80)
			*p = '?';
	(void)json_object_set_new(row, name, j ? j : json_string(text));
	free(text);
}

void proclist_rows(const struct cgroup_processes *pids, const struct container_view *view,
		   const struct proc_column *const *wanted, size_t n_wanted, json_t *rows)
{
	cleanup_close int host = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	cleanup_close int root = -EBADF;
	cleanup_free char *passwd = NULL, *group = NULL, *hpasswd = NULL, *hgroup = NULL;
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/root", (int)view->st.pid);
	root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	passwd = read_users(root, "etc/passwd");
	group = read_users(root, "etc/group");
	hpasswd = read_users(host, "etc/passwd");
	hgroup = read_users(host, "etc/group");
	for (size_t i = 0; i < pids->n; i++) {
		struct proc_facts p = { .dirfd = -EBADF,
					.passwd = passwd,
					.group = group,
					.host_passwd = hpasswd,
					.host_group = hgroup };
		json_t *row;

		if (read_facts(pids->v[i], &p)) {
			row = json_object();
			for (size_t k = 0; k < n_wanted; k++)
				set_text(row, wanted[k]->name, wanted[k]->text(&p));
			(void)json_array_append_new(rows, row);
		}
		facts_done(&p);
	}
}

static int64_t io_number(const struct proc_facts *p, const char *word)
{
	cleanup_free char *text = slurp(p->dirfd, "io", NULL);
	const char *at = text ? strstr(text, word) : NULL;
	cleanup_free char *number = NULL;
	int64_t n = 0;

	if (at && (at == text || at[-1] == '\n')) {
		at += strlen(word);
		number = xstrndup(at, strcspn(at, "\n"));
		(void)!parse_i64(number, 0, INT64_MAX / 1024, &n);
	}
	return n;
}

void proclist_sum(const struct cgroup_processes *pids, struct cgroup_usage *u)
{
	struct cgroup_usage sum = { 0 };

	for (size_t i = 0; i < pids->n; i++) {
		struct proc_facts p = { .dirfd = -EBADF };

		if (read_facts(pids->v[i], &p)) {
			sum.cpu_ns += cpu_ns(&p);
			sum.cpu_system_ns += field_number(&p, 15) * (NS_PER_SECOND / p.ticks);
			sum.memory_bytes += field_number(&p, 24) * sysconf(_SC_PAGESIZE);
			sum.read_bytes += io_number(&p, "read_bytes: ");
			sum.write_bytes += io_number(&p, "write_bytes: ");
			sum.pids++;
		}
		facts_done(&p);
	}
	u->cpu_ns = u->cpu_ns < 0 ? sum.cpu_ns : u->cpu_ns;
	u->cpu_system_ns = u->cpu_system_ns < 0 ? sum.cpu_system_ns : u->cpu_system_ns;
	u->memory_bytes = u->memory_bytes < 0 ? sum.memory_bytes : u->memory_bytes;
	u->pids = u->pids < 0 ? sum.pids : u->pids;
	u->read_bytes = u->read_bytes < 0 ? sum.read_bytes : u->read_bytes;
	u->write_bytes = u->write_bytes < 0 ? sum.write_bytes : u->write_bytes;
}
