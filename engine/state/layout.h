/* SPDX-License-Identifier: Apache-2.0 */
/*
 * layout - where everything lies: ROOT (survives reboot) and RUNROOT (gone with the boot).
 *
 *	ROOT     version  images/  layers/<hex>/{diff/,size,complete}  pods/<id>/  containers/<id>/
 *	         names/<name>  locks/  seccomp/  kube/
 *	RUNROOT  boot-id  pods/<id>/  containers/<id>/{ctl.sock,attach.sock,pod.sock}  net/<network>/leases/
 *
 * Every directory is 0700 and ours, verified by descriptor when the store is opened. Files inside
 * are addressed by (directory descriptor, relative path): use the layout_*() paths.
 */
#ifndef PODIUM_STATE_LAYOUT_H
#define PODIUM_STATE_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/error.h"

#define LAYOUT_VERSION	       1
#define LAYOUT_ROOT_DEFAULT    "/var/lib/podium"
#define LAYOUT_RUNROOT_DEFAULT "/run/podium"

struct store {
	char *root;    /* absolute */
	char *runroot; /* absolute */
	int rootfd;    /* O_PATH | O_DIRECTORY */
	int runfd;
};

enum store_mode { STORE_READ, STORE_WRITE };

/* Opens (STORE_WRITE: creates what is missing) both trees. NULL takes the default: for root the
 * two above, else $XDG_DATA_HOME/podium and $XDG_RUNTIME_DIR/podium. A store of a newer layout
 * version is refused for writing. STORE_READ on a store that is not there gives empty trees. */
int store_open(const char *root, const char *runroot, enum store_mode mode, struct store *ret,
	       struct error *err) must_check;
void store_close(struct store *s);

/* A path below ROOT or RUNROOT. The buffer is of LAYOUT_PATH_MAX bytes: ids and fixed names only,
 * so it cannot overflow (asserted). Returns the buffer. */
#define LAYOUT_PATH_MAX 192
char *layout_pod(char *buf, const char *id, const char *file);	     /* pods/<id>[/file] */
char *layout_container(char *buf, const char *id, const char *file); /* containers/<id>[/file] */

/* Opens containers/<id> below rootfd as O_DIRECTORY. */
int layout_open_container(const struct store *s, const char *id, struct error *err) must_check;
/* Opens pods/<id> or containers/<id> below RUNROOT, created when missing. */
int layout_run_pod(const struct store *s, const char *id, struct error *err) must_check;
int layout_run_container(const struct store *s, const char *id, struct error *err) must_check;

#endif
