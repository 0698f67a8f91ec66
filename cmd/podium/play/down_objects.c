/* SPDX-License-Identifier: Apache-2.0 */
/*
 * down_objects - what goes with the pods of a manifest.
 *
 * Theory of operation: each object is removed by its kind's function, after a look at who uses it:
 * what a pod that stays needs is left, and said. Nothing here fails because something is not there.
 */
#include "cmd/podium/play/down_objects.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmd/podium/base/command.h"
#include "cmd/podium/kube/kubekind.h"
#include "cmd/podium/kube/kubeusers.h"
#include "engine/base/mem.h"
#include "engine/volumes/named.h"

static void tell_kept(const struct kube_object *o, const char *singular,
		      const struct strlist *users)
{
	cleanup_free char *who = kube_join_names(users);

	fprintf(stderr, "%s '%s' stays: it is used by %s\n", singular, o->name, who);
}

/* A claim of a play goes; one made by hand is the user's. Of one that is not there a crash may have
 * left something, which goes too. */
static int is_played(const struct store *s, const char *name, struct error *err)
{
	cleanup_named_volume struct named_volume v = { 0 };
	int r = named_volume_read(s, name, &v, err);

	return r == -ENOENT ? 1 : r < 0 ? r : v.played;
}

/* True: nothing is in the way. */
static int is_free(const struct store *s, const struct kube_object *o, const char *singular,
		   struct error *err)
{
	cleanup_strlist struct strlist users = { 0 };
	int r;

	if (o->kind == KUBE_PVC) {
		r = is_played(s, o->name, err);
		return r <= 0 ? r : 1;
	}
	if (o->kind != KUBE_SECRET && o->kind != KUBE_CONFIG_MAP)
		return 1;
	r = kube_users(s, o->kind, o->namespace_, o->name, &users, err);
	if (r == 0 && users.n)
		tell_kept(o, singular, &users);
	return r < 0 ? r : users.n == 0;
}

int down_object(const struct store *s, const struct kube_object *o, int64_t grace_s,
		struct error *err)
{
	const struct kube_kind_row *row = kube_kind_find(kube_kind_plurals[o->kind]);
	struct error one;
	int r = is_free(s, o, row->singular, err);

	if (r <= 0)
		return r;
	r = row->remove(s, row, o->namespace_, o->name, grace_s, &one);
	if (r == -EBUSY) {
		fprintf(stderr, "%s '%s' stays: %s\n", row->singular, o->name, one.text);
		return 0;
	}
	if (r < 0 && r != -ENOENT)
		*err = one;
	if (r == 0 && o->kind != KUBE_SECRET && o->kind != KUBE_PVC)
		fprintf(stderr, "%s '%s' deleted\n", row->singular, o->name);
	return r == -ENOENT ? 0 : r < 0 ? r : 1;
}

int down_volumes(const struct store *s, const struct pod_spec *pod, struct strlist *ret,
		 struct error *err)
{
	for (size_t i = 0; i < pod->volumes.n; i++) {
		const char *name = pod->volumes.v[i].source_name;
		struct error one;
		int r;

		if (pod->volumes.v[i].kind != VOLUME_NAMED || strlist_has(ret, name))
			continue;
		r = is_played(s, name, err);
		if (r < 0)
			return r;
		if (r == 0)
			continue;
		r = named_volume_remove(s, name, &one);
		if (r == 0)
			strlist_add(ret, name);
		else if (r == -EBUSY)
			fprintf(stderr, "volume '%s' stays: %s\n", name, one.text);
		else if (r != -ENOENT)
			return error_set(err, -r, "%s", one.text);
	}
	return 0;
}
