/* SPDX-License-Identifier: Apache-2.0 */
/*
 * internal - what the parts of podium-launch share: the records of one launch, and cloning.
 */
#ifndef PODIUM_PROCESS_INTERNAL_H
#define PODIUM_PROCESS_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "engine/base/error.h"
#include "engine/cgroup/cgroup.h"
#include "engine/pod/spec.h"
#include "engine/process/confine.h"
#include "engine/process/devices.h"
#include "engine/process/launch.h"
#include "engine/rootfs/idmap.h"
#include "engine/state/layout.h"

#define RECORD_MAX_BYTES (8 * 1024 * 1024)

/* Names of what the sandbox keeps for the containers, below pause's root. */
#define SCRATCH_SHM	"shm"
#define SCRATCH_ETC	"etc"
#define SCRATCH_VOLUMES "volumes"

struct mount_words;

struct launch {
	struct store store;
	const char *libexec; /* directory of the helper programs */
	struct pod_spec pod;
	struct container_spec spec; /* empty for a sandbox */
	struct sandbox_record sandbox;
	int pause_fd;	     /* pidfd, -EBADF for a sandbox */
	bool user_namespace; /* not the initial one */
	char hostname[POD_HOSTNAME_MAX];
	struct cgroup_ctx cg;
	int userns_fd;	   /* the pod's own user namespace, -EBADF: it has none */
	struct idmaps ids; /* its maps; empty without one */
};

/* Reads the records: of a pod (container_id NULL), or of a container and its pod. *l is zeroed by
 * the caller and lives as long as the process. */
int launch_open(struct launch *l, const char *root, const char *runroot, const char *pod_id,
		const char *container_id, struct error *err) must_check;
/* A container's sandbox: fills l->sandbox and l->pause_fd. */
int launch_open_pause(struct launch *l, struct error *err) must_check;

/* Until the pod has its addresses in l->sandbox; at once when it has none of its own. -ECANCELED:
 * the starter is gone. */
int launch_await_addresses(struct launch *l, int sync_fd, struct error *err) must_check;

/* The pod's name for itself, cut to what a host name can be; for a pod in the host's network the
 * host's. */
void launch_hostname(const struct pod_spec *pod, char out[POD_HOSTNAME_MAX]);

/* Enters the mount namespace of a process, calls fn there, and comes back to the same root. */
int launch_visit(int pidfd, int (*fn)(void *arg, struct error *err), void *arg,
		 struct error *err) must_check;

/* clone3 as the starter's child, with a pidfd. The parent sends SYNC_STARTED before it returns the
 * pid; in the child it returns 0, after that: so nothing the child sends can arrive first. */
struct launch_clone {
	uint64_t flags;
	int cgroup_fd;		  /* >= 0: born in that group of the unified tree */
	const struct idmaps *ids; /* with CLONE_NEWUSER: its maps */
};
pid_t launch_clone(const struct launch_clone *how, int sync_fd, int *ret_pidfd,
		   struct error *err) must_check;

/* The filter of the container with its c->bounding set, into c: none for a privileged or unconfined
 * one; the default one, built in, from the cache, or compiled into it now; or its own profile's,
 * which is read and looked up by its content at each start. */
int launch_filter(const struct launch *l, struct confinement *c, struct error *err) must_check;

/* Path of a helper program of this installation. The caller owns it. */
char *launch_helper(const struct launch *l, const char *name);

/* Gives the pipes among descriptors 0, 1, 2 to the container's user, so that /dev/stdout can be opened
 * by it. */
int launch_chown_stdio(const struct idmaps *ids, uid_t uid, struct error *err) must_check;

/* Before the clone: what becomes of the new process is inherited. */
void launch_set_oom_score(const struct launch *l, int sync_fd);

/* ---- the container half (container_root.c) ---------------------------------------------- */

enum { ETC_HOSTS, ETC_RESOLV, ETC_HOSTNAME, ETC__COUNT };
extern const char *const etc_names[ETC__COUNT]; /* "hosts", ... */

struct planned_mount {
	int mnt_fd; /* detached */
	bool is_dir;
	const char *target;	   /* borrowed from the spec */
	const char *image_path;	   /* of an image: the subPath, looked for when it is attached */
	uint64_t attrs;		   /* of that */
	bool is_scratch;	   /* the engine's own, of no spec */
	bool is_tmpfs;		   /* made in the container half */
	const char *tmpfs_options; /* or NULL */
	const struct mount_spec *tmpfs_spec; /* or NULL */
};

/* A secret that becomes a file. */
struct planned_secret {
	const struct secret_use *use; /* borrowed from the spec */
	char *data;
	size_t len;
};

/* Everything that the container half needs; made by the host half. */
struct container_plan {
	struct confinement c;
	struct cgroup_join join;
	int root_mnt;
	int shm_mnt;
	int etc_mnt[ETC__COUNT];
	char **sub_paths;	      /* by index in spec.mounts: subPathExpr expanded, or NULL */
	struct planned_mount *mounts; /* in mount order */
	size_t n_mounts;
	struct strlist cgroup_trees; /* v1: controllers of each hierarchy; empty on v2 */
	/* v1: the container's own groups, detached; -1: to be mounted anew inside */
	int cgroup_mnt[CGROUP_TREE__COUNT];
	bool has_cgroups;
	struct device_plan devices;
	struct planned_secret *secrets;
	size_t n_secrets;
	int init_fd; /* of podium-init, or of a service's podium-pause; or -EBADF */
};

/* ---- volumes (container_volumes.c) ------------------------------------------------------ */

/* Expands subPathExpr with the container's variables. */
int container_plan_sub_paths(const struct launch *l, const struct pairlist *vars,
			     struct container_plan *p, struct error *err) must_check;
/* Opens and clones the volumes that lie on the host. */
int container_open_volumes(const struct launch *l, struct container_plan *p,
			   struct error *err) must_check;
/* Those that lie in the sandbox: the caller is in its mount namespace. */
int container_open_sandbox_volumes(const struct launch *l, struct container_plan *p,
				   struct error *err) must_check;
/* Puts one of the engine's own among them, behind everything that lies as high or higher. */
void container_add_mount(struct container_plan *p, const struct planned_mount *m);
/* Adds tmpfs at /run, /tmp and /var/tmp where nothing else is mounted, for a read-only root. */
void container_add_scratch(const struct launch *l, struct container_plan *p);
/* In the container half: makes the tmpfs with what the image has at its mount point, of which target
 * is a descriptor. */
int container_make_tmpfs(struct planned_mount *m, const struct identity *who, int target,
			 struct error *err) must_check;

/* ---- files of the engine's in it (container_files.c) -------------------------------------- */

/* Lines for a user and a group that the image has not got, in the writable layer. */
int container_add_users(const struct launch *l, const struct container_plan *p,
			struct error *err) must_check;
int container_add_timezone(const struct launch *l, struct container_plan *p,
			   struct error *err) must_check;
/* Secrets that are variables; and the bytes of those that are files. */
int container_add_secret_env(const struct launch *l, struct strlist *env,
			     struct error *err) must_check;
int container_read_secrets(const struct launch *l, struct container_plan *p,
			   struct error *err) must_check;
/* In the container half, after all other mounts. root: of the container. */
int container_mount_secrets(int root, struct container_plan *p, struct error *err) must_check;

/* ---- what a source becomes before it is mounted (container_source.c) ---------------------- */

/* An open source (O_PATH), what is asked of its mount, and the attributes that it will have. */
struct source {
	const struct launch *l;
	const struct container_plan *p;
	const struct mount_spec *spec;
	const struct volume_spec *volume;
	const struct mount_words *words;
	uint64_t attrs;
	size_t index; /* in spec.mounts */
	int fd;
};
/* The options that change what is there: U, z, Z, and what the image has for a new named volume. */
int source_prepare(const struct source *s, struct error *err) must_check;
/* O: a writable view of it, detached. */
int source_overlay(const struct source *s, struct error *err) must_check;
/* Two directories for what is written to such a view of this start, or those that were asked for. */
int source_open_layers(const struct source *s, int *ret_upper, int *ret_work,
		       struct error *err) must_check;
/* idmap: a clone with other ids. */
int source_map(const struct source *s, struct error *err) must_check;

/* In the container half, before the mount is attached: takes a subPath out of an image. */
int container_finish_volume(struct planned_mount *m, struct error *err) must_check;

/* Builds the container's tree in a new mount namespace and makes it the root. *ret_peer is the
 * terminal's end for stdio (-EBADF without one); its other end has been sent. */
int container_build_root(const struct launch *l, struct container_plan *p, int sync_fd,
			 int *ret_peer, struct error *err) must_check;

/* Makes a terminal's end the controlling terminal and stdio of this process. */
int container_take_terminal(int peer, struct error *err) must_check;

/* Adds the hierarchies of /proc/self/cgroup; *ret_any when there is one at all. */
void container_list_cgroups(struct strlist *ret, bool *ret_any);

/* A new anonymous session keyring: the starter's keys stay outside. */
int container_leave_keyring(struct error *err) must_check;

/* The ids of the container's root on the host; 0 without a user namespace. */
static inline uint32_t launch_root_uid(const struct idmaps *ids)
{
	uint32_t id;

	(void)idmap_out(&ids->uids, 0, &id);
	return id;
}
static inline uint32_t launch_root_gid(const struct idmaps *ids)
{
	uint32_t id;

	(void)idmap_out(&ids->gids, 0, &id);
	return id;
}

static inline bool is_privileged(const struct container_spec *spec)
{
	return spec->security.privileged.set && spec->security.privileged.value;
}

#endif
