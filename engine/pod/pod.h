/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pod - the engine's verbs on pods: create, start, stop, remove.
 *
 * Two ordered tables of stages stand behind them. create/remove: records, names, writable layers,
 * volumes (this room, create.c and remove.c). start/stop: ports, cgroup, sandbox, network,
 * containers (run.c, walked upwards by the conductor and downwards by whoever ends the pod). Every
 * stage has an idempotent way down that works from the records alone.
 */
#ifndef PODIUM_POD_POD_H
#define PODIUM_POD_POD_H

#include <stdbool.h>

#include "engine/pod/spec.h"
#include "engine/state/layout.h"

#define POD_LOCK	  "pod.lock"
#define POD_COMPLETE_FILE "complete"
#define POD_REMOVING_FILE "removing"
#define POD_RECORD	  "pod.json"
#define POD_STDIO_FILE	  "passthrough" /* a container gets, or got, the streams of its starter */
#define POD_YAML	  "kube.yaml"
#define CONTAINER_RECORD  "spec.json"
#define INFRA_IMAGE	  "localhost/podium-pause:" PODIUM_VERSION

/* A pod in the making: the lock is held until pod_creation_done(). */
struct pod_creation {
	int lock_fd;
};

/* Assigns ids and times, writes every record, claims every name. The images of all containers must
 * have been resolved into their config. On failure nothing of it is left. The plan's ids are then
 * those of the pod. The record counts as incomplete until pod_commit(). */
int pod_create(const struct store *s, struct pod_plan *plan, struct pod_creation *ret,
	       struct error *err) must_check;

/* Adds a member to a pod that is there, running or not, and complete at the end: assigns id and times,
 * gives its volumes names that are unique in the pod (and its mounts with them), writes the records,
 * claims full_name (NULL: name). The image must have been resolved into c->config. On failure
 * nothing of it is left. The pod's lock is held until pod_creation_done(). Nothing is started:
 * pod_start() with the container's id does that. -EINVAL for a pod that takes no members, or for
 * published ports, which are the pod's alone. */
int pod_add_container(const struct store *s, const char *pod_id, struct container_spec *c,
		      const struct volume_list *volumes, struct pod_creation *ret,
		      struct error *err) must_check;

/* To the log of everything (engine/state/eventlog.h): a container was made. */
void pod_log_created(const struct store *s, const struct pod_spec *pod,
		     const struct container_spec *c);

/* One wait for the disk, then the pods are complete. */
int pod_commit(const struct store *s, const struct strlist *pod_ids, struct error *err) must_check;
/* Without that wait: of what removes itself at its end, which a crash of the machine is. What it
 * leaves torn is taken away by pod_sweep(). */
int pod_commit_fleeting(const struct store *s, const struct strlist *pod_ids,
			struct error *err) must_check;
void pod_creation_done(struct pod_creation *c);

/* Starts the conductor of a pod. *ret_report is a ctl socket that tells of warnings, failures and
 * CTL_UP; closing it changes nothing for the pod. container_id: of a pod that is down only the sandbox
 * (with its init containers) and this one are started; NULL: all. A pod whose conductor runs: 1, it
 * has taken the order to start container_id (NULL: every container that has ended or never ran), and
 * the socket tells the same. A conductor that is ending is waited for. */
int pod_start(const struct store *s, const char *pod_id, const char *container_id, int *ret_report,
	      struct error *err) must_check;

/* pod_start() of one container up to its program's exec and no further: the sandbox, its namespaces,
 * mounts and limits are there, and the next pod_start() of it lets it go. The socket tells CTL_UP when
 * that is so. */
int pod_initialize(const struct store *s, const char *pod_id, const char *container_id,
		   int *ret_report, struct error *err) must_check;

/* pod_start() for a pod whose conductor has died while its containers run on: those that have ended stay
 * so, and a stop that had begun is only finished. */
int pod_adopt(const struct store *s, const char *pod_id, int *ret_report,
	      struct error *err) must_check;

/* In what follows a grace of -1 ms is that of each container (stop_timeout_s, else the pod's). */

/* Asks the conductor to stop the pod (to_remove and no grace: pod_remove() follows, so that no end
 * need be written down); *ret_fd ends (CTL_DONE or end of file) when it is down.
 * -ENOENT, -ECONNREFUSED when none listens: pod_stop_unheard() is for that. */
int pod_stop_begin(const struct store *s, const char *pod_id, int64_t grace_ms, bool to_remove,
		   int *ret_fd, struct error *err) must_check;
/* Waits for the end of a stop that began so. When the conductor dies meanwhile another one goes on
 * with it; what is left then is brought down. */
int pod_stop_end(const struct store *s, const char *pod_id, int fd, int64_t grace_ms,
		 bool to_remove, struct error *err) must_check;

/* The whole stop of a pod whose conductor has died, or is just beginning or ending. */
int pod_stop_unheard(const struct store *s, const char *pod_id, int64_t grace_ms, bool to_remove,
		     struct error *err) must_check;

/* Ends everything of a pod that runs, from the records alone: containers, monitors, network, pause,
 * cgroups, run directory. Idempotent. Nobody removes or starts the pod meanwhile. to_remove: as in
 * pod_stop_begin(). -EBUSY when a conductor runs. */
int pod_run_down(const struct store *s, const char *pod_id, bool to_remove,
		 struct error *err) must_check;

/* Removes the records and data of a pod that does not run (any phase, also debris of a crash). */
int pod_remove(const struct store *s, const char *pod_id, struct error *err) must_check;

/* Removes a service container (engine/pod/service.h) that no pod names any more; pod_remove() does so
 * after the last of them, and is done, too, when that fails: an event of the service's own pod says it.
 * One that is gone is success. */
int pod_release_service(const struct store *s, const char *id, struct error *err) must_check;

/* The same for a pod's own conductor, which holds its lock: of a container that removes itself, and
 * its anonymous volumes. A pod that somebody else removes just then is left to them. */
int pod_remove_conducted(const struct store *s, const char *pod_id, struct error *err) must_check;
/* pod_remove_container() of a member that removes itself (--rm): its anonymous volumes go, too, and a
 * pod that was made for it (remove_with_members) when it was the last. */
int pod_remove_ended(const struct store *s, const char *container_id, struct error *err) must_check;
/* Waits until the pod's conductor, if there is one, has ended, with all that it still does. */
void pod_await_end(const struct store *s, const char *pod_id);
/* False: it is still there after that time. */
bool container_await_removal(const struct store *s, const char *container_id, int timeout_ms);
/* At the first call of a boot: removes what was to remove itself and did not live to do so. */
void pod_sweep(const struct store *s);

/* Gives a container another name, running or not. -EEXIST for one that is taken. */
int container_rename(const struct store *s, const char *id, const char *name,
		     struct error *err) must_check;

/* Podman's filter should-start-on-boot: what is always restarted, and what is unless it was stopped,
 * when it was not. */
struct container_status;
bool is_started_on_boot(const struct container_spec *spec, const struct container_status *st);
/* Of one that was stopped because the machine goes down: that was not its user. */
int container_return_on_boot(const struct store *s, const char *id, struct error *err) must_check;

/* Removes one stopped container and takes it out of its pod's record. */
int pod_remove_container(const struct store *s, const char *container_id,
			 struct error *err) must_check;

/* True while a conductor holds the pod. */
bool is_pod_conducted(const struct store *s, const char *pod_id);
/* The pod's sandbox stands (of a container by itself: it runs), and nobody conducts it. */
bool is_pod_orphaned(const struct store *s, const char *pod_id);

#endif
