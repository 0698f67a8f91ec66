/* SPDX-License-Identifier: Apache-2.0 */
/*
 * profile - from a seccomp profile as people write it (the JSON of the OCI runtime specification, and
 * of Docker, Podman and the kubelet's localhostProfile) to a BPF program.
 */
#ifndef PODIUM_SECCOMP_PROFILE_H
#define PODIUM_SECCOMP_PROFILE_H

#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"

struct emit_program;

/* What a profile's conditions are resolved against. */
struct profile_target {
	uint64_t caps;		/* of the container's bounding set */
	unsigned int kernel[2]; /* major, minor */
};

/* Compiles the text for this machine's architecture. Everything that is not known, or cannot be
 * done, is an error that names its place: -EINVAL, -EBADMSG for what is no JSON, -ENOTSUP for
 * user notification, -E2BIG for a program that no kernel takes. */
int profile_compile(const char *text, size_t len, const struct profile_target *target,
		    struct emit_program *ret, struct error *err) must_check;

#endif
