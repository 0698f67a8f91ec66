/* SPDX-License-Identifier: Apache-2.0 */
/*
 * podium-monitor - keeps a container, conducts a pod, or watches a Job.
 *
 *	podium-monitor container ROOT RUNROOT CONTAINER-ID
 *	podium-monitor conductor ROOT RUNROOT POD-ID
 *	podium-monitor job ROOT RUNROOT NAMESPACE/NAME
 *
 * Started by podium, never by a person; a pod's conductor forks the monitors of its containers.
 * Descriptor 3 is a ctl socket (ctl.h) to whoever started it, descriptor 4, when it is there,
 * podium-launch to be executed by descriptor. Static, without libraries but jansson: it stays for
 * as long as the container.
 */
#include <fcntl.h>
#include <signal.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/proc.h"
#include "engine/base/str.h"
#include "engine/conductor/conductor.h"
#include "engine/conductor/jobwatch.h"
#include "engine/monitor/monitor.h"
#include "engine/process/ctl.h"

#define STARTER_FD 3
#define LAUNCH_FD  4

int main(int argc, char **argv)
{
	struct error err = { 0 };
	struct store store = { .rootfd = -EBADF, .runfd = -EBADF };
	int starter = fcntl(STARTER_FD, F_SETFD, FD_CLOEXEC) == 0 ? STARTER_FD : -1;
	int launch = fcntl(LAUNCH_FD, F_SETFD, FD_CLOEXEC) == 0 ? LAUNCH_FD : -1;
	bool is_job;
	int r;

	proc_sanitise();
	/* A hang-up or an interrupt is meant for the command in the foreground. */
	(void)signal(SIGHUP, SIG_IGN);
	(void)signal(SIGINT, SIG_IGN);
	if (argc != 5)
		return 125;
	is_job = strcmp(argv[1], "job") == 0;
	if (is_job ? !is_jobwatch_name(argv[4]) : !is_id(argv[4]))
		return 125;
	r = store_open(argv[2], argv[3], STORE_WRITE, &store, &err);
	if (r == 0 && strcmp(argv[1], "container") == 0)
		r = monitor_run(&store,
				&(struct monitor_start){ .container_id = argv[4],
							 .conductor_fd = starter,
							 .launch_fd = launch,
							 .stdio = { -1, -1, -1 } },
				&err);
	else if (r == 0 && strcmp(argv[1], "conductor") == 0)
		r = conductor_run(&store, argv, starter, &err);
	else if (r == 0 && is_job)
		r = jobwatch_run(&store, argv[4], starter, &err);
	else if (r == 0)
		r = -EINVAL;
	else
		(void)ctl_send(starter, CTL_FAILED, 125, err.text);
	store_close(&store);
	return r < 0 ? 125 : r;
}
