/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sysfilter - the system call filter of a container: finding its program, loading it.
 *
 * The programs of the usual capability sets are part of this library; others lie in ROOT/seccomp,
 * written by podium-seccomp.
 */
#ifndef PODIUM_SECURITY_SYSFILTER_H
#define PODIUM_SECURITY_SYSFILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"

struct sock_filter;

struct sysfilter {
	const struct sock_filter *v; /* NULL: no filter */
	unsigned int n;
	struct sock_filter *owned; /* what v points to when it was read from a file */
};
void sysfilter_done(struct sysfilter *f);

/* The part of a capability set that changes the default profile. */
uint64_t sysfilter_gates(uint64_t caps);

/* The built-in program for a capability set (borrowed). -ENOENT, without an error raised, when it
 * has to come from the cache. */
int sysfilter_find_embedded(uint64_t caps, struct sysfilter *ret);

/* File name in ROOT/seccomp: holds profile, architecture and gates, so that no stale program can
 * match. The buffer is returned. */
#define SYSFILTER_NAME_MAX 80
char *sysfilter_cache_name(char buf[SYSFILTER_NAME_MAX], uint64_t caps);

/* The same for a profile of somebody's: its text's digest, the capabilities and the running kernel,
 * which its rules may ask for. */
#define SYSFILTER_PROFILE_MAX	   (1024 * 1024) /* bytes of text */
#define SYSFILTER_PROFILE_NAME_MAX 160
int sysfilter_profile_name(char buf[SYSFILTER_PROFILE_NAME_MAX], const char *text, size_t len,
			   uint64_t caps, struct error *err) must_check;

/* Reads a profile of somebody's: a path below the profile directory root (absolute), which neither
 * ".." nor a link leads out of. The caller owns *ret_text. */
int sysfilter_read_profile(const char *root, const char *path, char **ret_text, size_t *ret_len,
			   struct error *err) must_check;
/* The same of a file anywhere: its name comes from who runs the container, and is trusted. */
int sysfilter_read_file(const char *path, char **ret_text, size_t *ret_len,
			struct error *err) must_check;
#define SYSFILTER_PROFILE_ROOT "/var/lib/kubelet/seccomp" /* where a kubelet has them */

/* Reads a program. -ENOENT when there is none, -EBADMSG for something that cannot be one. */
int sysfilter_read(int dirfd, const char *path, struct sysfilter *ret,
		   struct error *err) must_check;

/* Loads the program for the calling thread: for good. Needs CAP_SYS_ADMIN or no_new_privs. */
int sysfilter_install(const struct sysfilter *f, struct error *err) must_check;

#endif
