/* SPDX-License-Identifier: Apache-2.0 */
/*
 * create_plan_namespaces - the namespaces beside the network, and what lies in them.
 *
 * Theory of operation: each mode is private (nothing said), the host's, or that of somebody else:
 * "container:NAME" stays as written until the container is made, when the name becomes an id.
 *
 * Limits: ID_MAPS_MAX rows of a map, as many as the kernel takes.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "cmd/podium/base/conf.h"
#include "cmd/podium/container/create_options.h"
#include "engine/base/fs.h"
#include "engine/base/mem.h"
#include "engine/security/sysctl.h"

#define ID_MAPS_MAX	340
#define SUBID_BYTES_MAX (1024 * 1024)
#define SHM_MIN_BYTES	4096

static bool is_named(const char *mode)
{
	return (is_prefix(mode, "container:") && mode[10]) ||
	       (is_prefix(mode, "ns:") && mode[3] == '/');
}

/* What one mode leads to. */
struct mode_place {
	const char *flag;
	const char *also; /* another word for private, or NULL */
	bool *host;
	char **from;
};

static int set_mode(const struct mode_place *p, const char *mode, struct error *err)
{
	if (is_empty(mode) || is_equal(mode, "private") || (p->also && is_equal(mode, p->also)))
		return 0;
	if (is_equal(mode, "host")) {
		*p->host = true;
		return 0;
	}
	if (!is_named(mode))
		return error_set(err, EINVAL,
				 "--%s '%.100s' is not private, host, container:NAME or ns:/PATH",
				 p->flag, mode);
	free(*p->from);
	*p->from = xstrdup(mode);
	return 0;
}

/* ---- users ------------------------------------------------------------------------------------ */

/* "0:100000:65536" */
static int check_map(const char *flag, const char *text, struct error *err)
{
	cleanup_free char *copy = xstrdup(text);
	char *rest = copy, *word;
	uint64_t n[3] = { 0 };
	int parts = 0;

	while ((word = strsep(&rest, ":")) && parts < 3)
		if (parse_u64(word, UINT32_MAX, &n[parts++]) < 0)
			parts = 4;
	if (parts == 2) /* INNER:OUTER is one id */
		n[2] = 1;
	if (parts > 3 || parts < 2 || word || n[2] == 0 || n[0] + n[2] > UINT32_MAX ||
	    n[1] + n[2] > UINT32_MAX)
		return error_set(err, EINVAL, "--%s '%.60s' is not INNER:OUTER:COUNT", flag, text);
	return 0;
}

static int add_maps(const char *flag, const struct strlist *words, struct strlist *ret,
		    struct error *err)
{
	int r = words->n > ID_MAPS_MAX
			? error_set(err, E2BIG, "--%s: more than %d ranges", flag, ID_MAPS_MAX)
			: 0;

	for (size_t i = 0; i < words->n && r == 0; i++) {
		const char *last = strchr(words->v[i], ':');

		r = check_map(flag, words->v[i], err);
		if (r == 0)
			strlist_addf(ret, "%s%s", words->v[i], strchr(last + 1, ':') ? "" : ":1");
	}
	return r;
}

/* The ranges that /etc/subuid gives to a name, one after the other from id 0 on. */
static int add_subordinate(const char *flag, const char *path, const char *name,
			   struct strlist *ret, struct error *err)
{
	cleanup_free char *text = NULL;
	int r = fs_read_file(AT_FDCWD, path, SUBID_BYTES_MAX, &text, NULL, err);
	size_t n = strlen(name);
	uint64_t inner = 0, first, count;
	char *rest = text, *line;

	while (r == 0 && (line = strsep(&rest, "\n"))) {
		char *colon;

		if (strncmp(line, name, n) != 0 || line[n] != ':')
			continue;
		colon = strchr(line + n + 1, ':');
		if (!colon)
			continue;
		*colon++ = '\0';
		if (parse_u64(line + n + 1, UINT32_MAX, &first) < 0 ||
		    parse_u64(colon, UINT32_MAX - inner, &count) < 0 || count == 0)
			continue;
		strlist_addf(ret, "%llu:%llu:%llu", (unsigned long long)inner,
			     (unsigned long long)first, (unsigned long long)count);
		inner += count;
	}
	if (r == 0 && inner == 0)
		r = error_set(err, ENOENT, "'%s' gives nothing to '%.60s'", path, name);
	return r < 0 ? error_wrap(err, "--%s", flag) : 0;
}

static int plan_maps(const struct ns_flags *w, struct pod_spec *pod, struct error *err)
{
	int r = add_maps("uidmap", &w->uid_maps, &pod->uid_maps, err);

	if (r == 0)
		r = add_maps("gidmap", &w->gid_maps, &pod->gid_maps, err);
	if (r == 0 && w->sub_uid_name && !pod->uid_maps.n)
		r = add_subordinate("subuidname", "/etc/subuid", w->sub_uid_name, &pod->uid_maps,
				    err);
	if (r == 0 && (w->sub_gid_name || w->sub_uid_name) && !pod->gid_maps.n)
		r = add_subordinate("subgidname", "/etc/subgid",
				    w->sub_gid_name ? w->sub_gid_name : w->sub_uid_name,
				    &pod->gid_maps, err);
	if (r == 0 && pod->uid_maps.n && !pod->gid_maps.n)
		strlist_copy(&pod->gid_maps, &pod->uid_maps);
	if (r == 0 && pod->gid_maps.n && !pod->uid_maps.n)
		strlist_copy(&pod->uid_maps, &pod->gid_maps);
	return r;
}

static int plan_users(const struct ns_flags *w, const struct conf *conf, struct pod_spec *pod,
		      struct error *err)
{
	const char *mode = w->userns ? w->userns : conf->userns;
	int r = plan_maps(w, pod, err);

	if (r < 0)
		return r;
	if (is_equal(mode, "private"))
		mode = NULL;
	if (pod->uid_maps.n) {
		if (w->userns && mode)
			return error_set(err, EINVAL,
					 "--userns %.60s and maps of ids exclude each other",
					 w->userns);
		return 0;
	}
	if (is_equal(w->userns, "private"))
		return error_set(err, EINVAL,
				 "--userns private needs --uidmap; --userns auto chooses ids");
	if (is_empty(mode) || is_equal(mode, "host"))
		return 0;
	if (is_equal(mode, "auto") || is_prefix(mode, "auto:size=")) {
		uint64_t size;

		if (mode[4] && (parse_u64(mode + 10, UINT32_MAX, &size) < 0 || size == 0))
			return error_set(err, EINVAL, "--userns '%.60s': no size", mode);
		pod->userns = xstrdup(mode);
		pod->host_users = (struct opt_bool){ true, false };
		return 0;
	}
	if (is_equal(mode, "keep-id") || is_prefix(mode, "keep-id:") || is_equal(mode, "nomap"))
		return error_set(err, EINVAL,
				 "--userns %.60s is for ordinary users: root has no other id here",
				 mode);
	return error_set(err, EINVAL, "--userns '%.60s' is not host or auto[:size=N]", mode);
}

/* ---- the rest --------------------------------------------------------------------------------- */

static int plan_sysctls(const struct ns_flags *w, const struct conf *conf, struct pod_spec *pod,
			struct error *err)
{
	/* Another's namespaces are set by who made them. */
	bool host_net = pod->network == NETWORK_HOST || pod->network == NETWORK_FROM;
	bool host_ipc = pod->host_ipc || pod->ipc_from;
	char path[SYSCTL_KEY_MAX + 8];

	for (size_t i = 0; i < conf->default_sysctls.n + w->sysctls.n; i++) {
		bool is_default = i < conf->default_sysctls.n;
		const char *text = is_default ? conf->default_sysctls.v[i]
					      : w->sysctls.v[i - conf->default_sysctls.n];
		size_t n = strcspn(text, "=");
		cleanup_free char *key = xstrndup(text, n);
		int r = text[n] ? sysctl_check(key, text + n + 1, host_net, host_ipc, path, err)
				: error_set(err, EINVAL, "'%.100s' is not KEY=VALUE", text);

		/* Podman's own default; the engine lets every group ping (sandbox.c). */
		if (is_default && is_equal(text, "net.ipv4.ping_group_range=0 0"))
			continue;
		/* A default is for containers that have the namespace; as Podman's. */
		if (r < 0 && is_default && (host_net || host_ipc))
			continue;
		if (r < 0)
			return error_wrap(err, "%s",
					  is_default ? "containers.conf: default_sysctls"
						     : "--sysctl");
		pairlist_set(&pod->security.sysctls, key, text + n + 1);
	}
	return 0;
}

static int plan_shm(const struct ns_flags *w, const struct conf *conf, struct pod_spec *pod,
		    struct error *err)
{
	const char *size = w->shm_size ? w->shm_size : conf->shm_size;

	if (is_empty(size))
		return 0;
	if (words_size(size, &pod->shm_size_bytes.value) < 0 ||
	    (pod->shm_size_bytes.value && pod->shm_size_bytes.value < SHM_MIN_BYTES))
		return error_set(err, EINVAL, "--shm-size '%.60s' is not a size, as 64m", size);
	if (w->shm_size && (pod->host_ipc || pod->ipc_from))
		return error_set(err, EINVAL,
				 "--shm-size: /dev/shm is another's with --ipc host or container");
	pod->shm_size_bytes.set = true;
	return 0;
}

int plan_namespaces(const struct ns_flags *w, const struct conf *conf, struct pod_spec *pod,
		    struct error *err)
{
	const struct mode_place pid = { "pid", NULL, &pod->host_pid, &pod->pid_from };
	const struct mode_place ipc = { "ipc", "shareable", &pod->host_ipc, &pod->ipc_from };
	const struct mode_place uts = { "uts", NULL, &pod->host_uts, &pod->uts_from };
	int r = set_mode(&pid, w->pid ? w->pid : conf->pidns, err);

	if (r == 0 && is_equal(w->ipc, "none"))
		r = error_set(err, EINVAL,
			      "--ipc none is not supported: every container has a /dev/shm");
	if (r == 0)
		r = set_mode(&ipc, w->ipc ? w->ipc : conf->ipcns, err);
	if (r == 0)
		r = set_mode(&uts, w->uts ? w->uts : conf->utsns, err);
	if (r == 0 && pod->host_uts && pod->hostname)
		r = error_set(err, EINVAL, "--hostname and --uts host exclude each other");
	if (r == 0)
		r = plan_users(w, conf, pod, err);
	if (r == 0)
		r = plan_sysctls(w, conf, pod, err);
	return r < 0 ? r : plan_shm(w, conf, pod, err);
}
