/* SPDX-License-Identifier: Apache-2.0 */
/*
 * info - facts about this machine, the store, and what the two can do for containers.
 *
 * Theory of operation: every section is one object, built from files of /proc and /sys, from the
 * cgroup module's view of the host, and from one listing of the store. What cannot be read is left
 * out: info must work on a broken machine, because it is what people are asked for then. Names are
 * Podman's: lower case in JSON and in the printed form (YAML), as Go spells them in templates
 * ({{.Host.Kernel}}), for which a copy with capital letters is made.
 *
 * Whatever would make containers fail or leak here (no controller, a closed forward path) is also
 * said in words under "warnings".
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/statvfs.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "cmd/podium/base/command.h"
#include "cmd/podium/base/commands.h"
#include "cmd/podium/base/format.h"
#include "cmd/podium/base/template.h"
#include "cmd/podium/base/version.h"
#include "cmd/podium/container/view.h"
#include "cmd/podium/network/nethelper.h"
#include "cmd/podium/pod/pods.h"
#include "cmd/podium/system/info_compat.h"
#include "engine/base/fs.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/base/proc.h"
#include "engine/cgroup/cgroup.h"
#include "engine/image/store.h"
#include "engine/security/caps.h"

#define FACT_MAX_BYTES	 65536
#define YAML_MAX_BYTES	 (1 << 20)
#define CAPABILITIES_MAX 64

struct info_options {
	const char *format;
};

static void set(json_t *obj, const char *key, json_t *value)
{
	if (value)
		(void)json_object_set_new(obj, key, value);
}

static void set_int(json_t *obj, const char *key, int64_t value)
{
	set(obj, key, json_integer((json_int_t)value));
}

/* A small file without its last newline; NULL when it cannot be read. The caller owns it. */
static char *read_fact(const char *path)
{
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *text = xcalloc(1, FACT_MAX_BYTES);
	ssize_t n = fd < 0 ? -1 : read(fd, text, FACT_MAX_BYTES - 1);

	if (n < 0) {
		free(text);
		return NULL;
	}
	while (n > 0 && text[n - 1] == '\n')
		text[--n] = '\0';
	return text;
}

static bool is_fact(const char *path, const char *value)
{
	cleanup_free char *text = read_fact(path);

	return is_equal(text, value);
}

/* ---- host ------------------------------------------------------------------------------- */

/* NAME=value or NAME="value" of os-release. */
static json_t *os_release(const char *text, const char *name)
{
	size_t len = strlen(name);

	while (text && *text) {
		size_t line = strcspn(text, "\n");

		if (line > len + 1 && strncmp(text, name, len) == 0 && text[len] == '=') {
			bool quoted =
				text[len + 1] == '"' && text[line - 1] == '"' && line > len + 2;
			size_t from = len + (quoted ? 2 : 1);

			return json_stringn(text + from, line - from - (quoted ? 1 : 0));
		}
		text += line + (text[line] == '\n');
	}
	return json_string("unknown");
}

static json_t *make_distribution(void)
{
	cleanup_free char *text = read_fact("/etc/os-release");
	json_t *j = json_object();

	set(j, "distribution", os_release(text, "ID"));
	set(j, "version", os_release(text, "VERSION_ID"));
	set(j, "codename", os_release(text, "VERSION_CODENAME"));
	return j;
}

/* One text, as Podman has it. */
static json_t *make_capabilities(void)
{
	cleanup_buf struct buf b = BUF_INIT(FACT_MAX_BYTES);

	for (unsigned int n = 0; n < CAPABILITIES_MAX && caps_name(n); n++)
		if (caps_default & CAP_BIT(n))
			buf_printf(&b, "%s%s", b.len ? "," : "", caps_name(n));
	return json_string(b.len ? b.data : "");
}

static json_t *make_security(void)
{
	json_t *j = json_object();

	set(j, "apparmorEnabled",
	    json_boolean(is_fact("/sys/module/apparmor/parameters/enabled", "Y")));
	set(j, "capabilities", make_capabilities());
	set(j, "noNewPrivilegesDefault", json_false());
	set(j, "rootless", json_boolean(geteuid() != 0));
	set(j, "seccompProfilePath", json_string("")); /* it is built in */
	set(j, "seccompEnabled",
	    json_boolean(access("/proc/sys/kernel/seccomp/actions_avail", F_OK) == 0));
	set(j, "selinuxEnabled", json_boolean(access("/sys/fs/selinux/enforce", F_OK) == 0));
	set(j, "userNamespaces", json_boolean(access("/proc/self/ns/user", F_OK) == 0));
	return j;
}

static void warn(json_t *warnings, const char *text)
{
	(void)json_array_append_new(warnings, json_string(text));
}

static void add_cgroups(json_t *host, json_t *warnings)
{
	static const struct {
		enum cgroup_tree tree;
		const char *name;
	} trees[] = { { CGROUP_TREE_CPU, "cpu" },
		      { CGROUP_TREE_MEMORY, "memory" },
		      { CGROUP_TREE_PIDS, "pids" },
		      { CGROUP_TREE_DEVICES, "devices" } };
	cleanup_cgroup struct cgroup_ctx cg = CGROUP_CTX_INIT;
	json_t *controllers = json_array();
	struct error err = { 0 };

	if (cgroup_open(&cg, &err) < 0)
		warn(warnings, err.text);
	for (size_t i = 0; i < ARRAY_SIZE(trees); i++) {
		if (cg.has_controller[trees[i].tree]) {
			(void)json_array_append_new(controllers, json_string(trees[i].name));
		} else {
			cleanup_free char *text =
				xasprintf("no %s cgroup controller: such limits have no effect",
					  trees[i].name);
			warn(warnings, text);
		}
	}
	set(host, "cgroupManager", json_string(cg.layout == CGROUP_NONE ? "disabled" : "cgroupfs"));
	set(host, "cgroupVersion", json_string(cg.layout == CGROUP_V2 ? "v2" : "v1"));
	set(host, "cgroupControllers", controllers);
}

/* Docker's and ufw's chains drop what they do not know; no rule of ours can undo that. */
static void warn_of_drops(const struct store *s, json_t *warnings)
{
	cleanup_strlist struct strlist chains = { 0 };
	struct error scratch; /* nothing is known, nothing is said */

	error_ignore(nethelper_forward_drops(s, &chains, &scratch));
	for (size_t i = 0; i < chains.n; i++) {
		cleanup_free char *text = xasprintf(
			"the policy of nftables chain '%s' is drop: unless its rules accept them, "
			"packets between pods and the outside are lost (see docs/networks.md)",
			chains.v[i]);
		warn(warnings, text);
	}
}

static void add_network(const struct store *s, json_t *host, json_t *warnings)
{
	bool forward = is_fact("/proc/sys/net/ipv4/ip_forward", "1");

	set(host, "networkBackend", json_string("podium"));
	set(host, "ipForward", json_boolean(forward));
	set(host, "ipv6", json_boolean(access("/proc/net/if_inet6", F_OK) == 0));
	if (!forward)
		warn(warnings,
		     "net.ipv4.ip_forward is 0: it is set when the first pod gets a network");
	warn_of_drops(s, warnings);
}

static void add_memory(json_t *host)
{
	struct sysinfo si;

	if (sysinfo(&si) < 0)
		return;
	set_int(host, "memTotal", (int64_t)si.totalram * si.mem_unit);
	set_int(host, "memFree", (int64_t)si.freeram * si.mem_unit);
	set_int(host, "swapTotal", (int64_t)si.totalswap * si.mem_unit);
	set_int(host, "swapFree", (int64_t)si.freeswap * si.mem_unit);
	set_int(host, "uptimeSeconds", si.uptime);
}

static void add_helpers(json_t *host, json_t *warnings)
{
	static const char *const names[] = { "podium-monitor", "podium-launch", "podium-pause",
					     "podium-image" };
	json_t *helpers = json_object();

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		cleanup_free char *path = NULL;
		struct error err = { 0 };

		if (proc_helper_path(names[i], &path, &err) < 0)
			warn(warnings, err.text);
		else
			set(helpers, names[i], json_string(path));
	}
	set(host, "helpers", helpers);
}

static json_t *make_host(const struct store *s, json_t *warnings)
{
	json_t *j = json_object();
	struct utsname u = { .sysname = "" };

	(void)uname(&u);
	set(j, "arch", json_string(version_arch()));
	add_cgroups(j, warnings);
	set_int(j, "cpus", sysconf(_SC_NPROCESSORS_ONLN));
	set(j, "distribution", make_distribution());
	set(j, "hostname", json_string(u.nodename));
	set(j, "kernel", json_string(u.release));
	add_memory(j);
	add_network(s, j, warnings);
	set(j, "os", json_string("linux"));
	set(j, "security", make_security());
	add_helpers(j, warnings);
	info_add_host(j);
	return j;
}

/* ---- store ------------------------------------------------------------------------------ */

static json_t *make_containers(const struct store *s, json_t *warnings)
{
	struct container_views views = { 0 };
	struct error err = { 0 };
	int64_t running = 0, paused = 0;
	json_t *j = json_object();

	if (views_load(s, &views, &err) < 0)
		warn(warnings, err.text);
	for (size_t i = 0; i < views.n; i++) {
		running += views.v[i].live == STATE_RUNNING;
		paused += views.v[i].live == STATE_PAUSED;
	}
	set_int(j, "number", (int64_t)views.n);
	set_int(j, "paused", paused);
	set_int(j, "running", running);
	set_int(j, "stopped", (int64_t)views.n - running - paused);
	views_done(&views);
	return j;
}

static int64_t count_images(const struct store *s, json_t *warnings)
{
	cleanup_image_list struct image_list list = { 0 };
	struct error err = { 0 };

	if (s->rootfd >= 0 && image_list(s, &list, &err) < 0)
		warn(warnings, err.text);
	return (int64_t)list.n;
}

static int64_t count_pods(const struct store *s, json_t *warnings)
{
	cleanup_strlist struct strlist ids = { 0 };
	struct error err = { 0 };

	if (pods_resolve(s, 0, NULL, true, &ids, &err) < 0)
		warn(warnings, err.text);
	return (int64_t)ids.n;
}

/* Without user.overlay.* a writable layer cannot say that a directory hides what is below it: mkdir
 * where an image's file was deleted fails with EIO in the container. */
static void warn_xattrs(const struct store *s, json_t *warnings)
{
	if (s->rootfd >= 0 && getxattr(s->root, "user.overlay.opaque", NULL, 0) < 0 &&
	    errno == ENOTSUP)
		warn(warnings, "the store's file system has no user extended attributes: "
			       "containers cannot replace a directory of their image");
}

static json_t *make_store(const struct store *s, json_t *warnings)
{
	cleanup_free char *filesystems = read_fact("/proc/filesystems");
	json_t *j = json_object();
	json_t *images = json_object();
	struct statvfs fs;

	set(j, "graphDriverName", json_string("overlay"));
	set(j, "graphRoot", json_string(s->root));
	set(j, "runRoot", json_string(s->runroot));
	if (s->rootfd >= 0 && fstatvfs(s->rootfd, &fs) == 0) {
		set_int(j, "graphRootAllocated", (int64_t)(fs.f_blocks * fs.f_frsize));
		set_int(j, "graphRootUsed", (int64_t)((fs.f_blocks - fs.f_bfree) * fs.f_frsize));
	}
	set(j, "containerStore", make_containers(s, warnings));
	set_int(images, "number", count_images(s, warnings));
	set(j, "imageStore", images);
	info_add_store(j, s);
	set(j, "podStore", json_pack("{s:I}", "number", (json_int_t)count_pods(s, warnings)));
	if (filesystems && !strstr(filesystems, "\toverlay"))
		warn(warnings, "the kernel has no overlay file system loaded");
	warn_xattrs(s, warnings);
	return j;
}

/* ---- printing --------------------------------------------------------------------------- */

/* Where Podman's templates say it otherwise than its JSON with a capital letter. The names that podium
 * has always taken are there, too. */
static const char *const go_names[][2] = {
	{ "apparmorEnabled", "AppArmorEnabled" },
	{ "capabilities", "DefaultCapabilities" },
	{ "cgroupVersion", "CgroupsVersion" },
	{ "cpuUtilization", "CPUUtilization" },
	{ "cpus", "CPUs" },
	{ "gidmap", "GIDMap" },
	{ "idMappings", "IDMappings" },
	{ "ociRuntime", "OCIRuntime" },
	{ "os", "OS" },
	{ "seccompEnabled", "SECCOMPEnabled" },
	{ "seccompProfilePath", "SECCOMPProfilePath" },
	{ "selinuxEnabled", "SELinuxEnabled" },
	{ "slirp4netns", "Slirp4NetNS" },
	{ "uidmap", "UIDMap" },
};

static void set_go_name(json_t *texts, const char *key, json_t *value)
{
	for (size_t i = 0; i < ARRAY_SIZE(go_names); i++)
		if (is_equal(go_names[i][0], key))
			(void)json_object_set(texts, go_names[i][1], value);
}

/* A copy whose keys begin with a capital letter, as Go's fields do. New reference. */
static json_t *capitalise(const json_t *v)
{
	json_t *texts = json_is_object(v) ? json_object() : NULL;
	const char *key;
	json_t *member, *copy;

	if (!json_is_object(v))
		return json_incref((json_t *)(uintptr_t)v);
	copy = json_object();
	json_object_foreach ((json_t *)(uintptr_t)v, key, member) {
		cleanup_free char *name = xstrdup(key);

		name[0] = (char)toupper((unsigned char)name[0]);
		set(copy, name, capitalise(member));
		set_go_name(texts, key, json_object_get(copy, name));
	}
	if (json_object_size(texts))
		(void)json_object_set(copy, TEMPLATE_TEXTS, texts);
	json_decref(texts);
	return copy;
}

/* Whether a text needs no quotes in YAML: it begins like a word or a path, holds nothing special,
 * and is none of the words that YAML takes for something else. */
static bool is_plain(const char *s)
{
	static const char safe[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-";
	static const char *const words[] = { "y",   "n",    "yes",   "no",  "on",
					     "off", "true", "false", "null" };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strcasecmp(s, words[i]) == 0)
			return false;
	return (isalpha((unsigned char)*s) || *s == '/') && strspn(s, safe) == strlen(s);
}

static void add_scalar(struct buf *b, const json_t *v)
{
	cleanup_free char *quoted = jdump_text(v, JSON_REAL_PRECISION(4));
	const char *s = json_string_value(v);

	buf_adds(b, s && is_plain(s) ? s : quoted);
	buf_addc(b, '\n');
}

static void add_yaml(struct buf *b, const json_t *v, int depth)
{
	const char *key;
	json_t *member;
	size_t i;

	json_object_foreach ((json_t *)(uintptr_t)v, key, member) {
		bool nested = (json_is_object(member) && json_object_size(member)) ||
			      (json_is_array(member) && json_array_size(member));

		buf_printf(b, "%*s%s:%s", depth * 2, "", key, nested ? "\n" : " ");
		if (nested)
			add_yaml(b, member, depth + 1);
		else
			add_scalar(b, member);
	}
	json_array_foreach (v, i, member) {
		buf_printf(b, "%*s- ", (depth - 1) * 2, "");
		add_scalar(b, member);
	}
}

static int run(struct command_context *ctx, void *options, int argc, char **argv, struct error *err)
{
	const struct info_options *o = options;
	cleanup_buf struct buf b = BUF_INIT(YAML_MAX_BYTES);
	cleanup_json json_t *info = json_object();
	cleanup_json json_t *go = NULL;
	json_t *warnings = json_array();

	(void)argc;
	(void)argv;
	set(info, "host", make_host(&ctx->store, warnings));
	set(info, "plugins", info_plugins());
	set(info, "registries", json_object());
	set(info, "store", make_store(&ctx->store, warnings));
	set(info, "version", version_object());
	set(info, "warnings", warnings);
	if (is_format_json(o->format))
		return format_object(info, o->format, err);
	if (o->format) {
		go = capitalise(info);
		return format_object(go, o->format, err);
	}
	add_yaml(&b, info, 0);
	b.data[b.len - 1] = '\0'; /* the newline that format_print_line() adds */
	format_print_line(b.data);
	return 0;
}

static const struct option option_table[] = {
	{ 'f', "format", OPTION_STRING, offsetof(struct info_options, format), NULL,
	  "json, or a Go template", false },
	OPTIONS_END,
};

const struct command cmd_info = {
	.words = "info",
	.args = "[options]",
	.summary = "Facts about this machine and the store",
	.options = option_table,
	.options_size = sizeof(struct info_options),
	.store = COMMAND_READS,
	.run = run,
};
