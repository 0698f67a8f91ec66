/* SPDX-License-Identifier: Apache-2.0 */
/*
 * play_objects - ConfigMaps, Secrets, volumes, claims, workloads and namespaces of manifests.
 *
 * Theory of operation: first each object is read from the store and compared, and what was there is
 * kept in memory; then all are written in the order in which they refer to each other, before any
 * pod is made, since containers resolve references when they are started. When a later step fails
 * they are taken back in reverse: what was made is removed, what was replaced is written again, and
 * what somebody else has changed meanwhile stays. The lock of objects is held while one play compares
 * and writes, and while it takes back, so that two plays cannot mix.
 *
 * A claim becomes a named volume of its name; one that a pod mounts without any document becomes
 * one too, and that is told. Volumes that were there before are never undone.
 *
 * Secrets are in memory only as long as the command runs and are cleared by data_object_done().
 */
#include "cmd/podium/play/play_objects.h"

#include <errno.h>
#include <stdio.h>
#include <strings.h>

#include "cmd/podium/base/command.h"
#include "engine/base/clock.h"
#include "engine/base/mem.h"

static bool is_data(const struct kube_object *o)
{
	return o->kind == KUBE_CONFIG_MAP || o->kind == KUBE_SECRET;
}

static int at(const struct kube_object *o, struct error *err)
{
	return error_wrap(err, "%s:%d: %s '%s'", o->file ? o->file : "input", o->line,
			  kube_kind_names[o->kind], o->name);
}

/* ---- where it came from ------------------------------------------------------------------ */

char *play_source(const char *path)
{
	cleanup_free char *cwd = path && path[0] != '/' ? getcwd(NULL, 0) : NULL;

	while (path && is_prefix(path, "./"))
		path += 2;
	return cwd ? xasprintf("%s/%s", cwd, path) : xstrdup_or_null(path);
}

static void name_source(char **source)
{
	char *whole = play_source(*source);

	free(*source);
	*source = whole;
}

void play_objects_name_sources(struct kube_result *result)
{
	for (size_t i = 0; i < result->n; i++)
		name_source(&result->v[i].pod.source);
	for (size_t i = 0; i < result->n_objects; i++) {
		if (result->objects[i].data)
			name_source(&result->objects[i].data->source);
		if (result->objects[i].template)
			name_source(&result->objects[i].template->pod.source);
	}
}

/* ---- comparing -------------------------------------------------------------------------- */

static int compare_data(const struct store *s, struct play_object *p, struct error *err)
{
	const struct data_object *d = p->o->data;
	int r = data_object_read(s, (enum data_kind)d->kind, d->namespace_, d->name, &p->old_data,
				 err);

	if (r == -ENOENT) {
		p->change = PLAY_CREATED;
		return 0;
	}
	if (r < 0)
		return r;
	p->change = is_data_equal(&p->old_data, d) ? PLAY_UNCHANGED : PLAY_CONFIGURED;
	if (p->change == PLAY_CONFIGURED && p->old_data.immutable)
		return error_set(err, EPERM,
				 "is immutable and would change: delete it first "
				 "(podium kube delete)");
	return 0;
}

static bool is_same_place(const struct named_volume *a, const struct named_volume *b)
{
	return is_equal(a->host_path, b->host_path) && is_equal(a->bound_volume, b->bound_volume);
}

static int compare_claim(const struct store *s, struct play_object *p, struct error *err)
{
	const struct named_volume *want = p->o->claim;
	const struct named_volume *old = &p->old_claim;
	int r = named_volume_read(s, want->name, &p->old_claim, err);

	p->change = PLAY_CREATED;
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	p->change = PLAY_UNCHANGED;
	if (!old->claim_namespace)
		return 0; /* made by hand: the claim takes it as it is */
	if (!is_equal(old->claim_namespace, want->claim_namespace))
		return error_set(err, EEXIST,
				 "is a claim of namespace '%s' already: names of "
				 "claims are names of volumes, and differ on one host",
				 old->claim_namespace);
	if (is_equal(old->claim_yaml, want->claim_yaml))
		return 0;
	if (!is_same_place(old, want))
		return error_set(err, EPERM, "is bound to another volume: delete the claim first");
	p->change = PLAY_CONFIGURED;
	return 0;
}

static void list_owned(const struct kube_result *result, const struct kube_object *o,
		       struct strlist *ret)
{
	cleanup_free char *controller = xasprintf("%s/%s/%s", kube_kind_names[o->kind],
						  namespace_of(o->namespace_), o->name);

	for (size_t i = 0; i < result->n; i++)
		if (is_equal(result->v[i].pod.controller, controller))
			strlist_add(ret, result->v[i].pod.name);
}

bool is_job_told_the_same(const struct stored_object *old, const struct kube_object *now)
{
	return is_equal(old->network, now->network) &&
	       old->plain_names == (now->template && now->template->pod.plain_names);
}

static int compare_stored(const struct store *s, const struct kube_result *result,
			  struct play_objects *all, struct play_object *p, struct error *err)
{
	const struct kube_object *o = p->o;
	cleanup_strlist struct strlist owned = { 0 };
	int r = object_read(s, (enum kube_kind)o->kind, o->namespace_, o->name, &p->old, err);

	if (r < 0 && r != -ENOENT)
		return r;
	p->change = r == -ENOENT		     ? PLAY_CREATED
		    : is_equal(p->old.yaml, o->yaml) ? PLAY_UNCHANGED
						     : PLAY_CONFIGURED;
	if (o->kind == KUBE_JOB && p->change == PLAY_UNCHANGED && !is_job_told_the_same(&p->old, o))
		p->change = PLAY_CONFIGURED;
	if (o->kind == KUBE_JOB)
		return 0; /* its pods are its own */
	list_owned(result, o, &owned);
	for (size_t i = 0; i < p->old.pods.n; i++)
		if (!strlist_has(&owned, p->old.pods.v[i]))
			strlist_add(&all->stale, p->old.pods.v[i]);
	return 0;
}

static bool is_claimed(const struct kube_result *result, const char *name)
{
	for (size_t i = 0; i < result->n_objects; i++)
		if (result->objects[i].kind == KUBE_PVC && is_equal(result->objects[i].name, name))
			return true;
	return false;
}

static const char *claiming_namespace(const struct play_objects *p, const char *volume)
{
	for (size_t i = 0; i < p->volumes.n; i++)
		if (is_equal(p->volumes.v[i], volume))
			return p->volume_namespaces.v[i];
	return NULL;
}

static int find_volumes(const struct store *s, const struct kube_result *result,
			const struct pod_spec *pod, struct play_objects *p, struct error *err)
{
	for (size_t i = 0; i < pod->volumes.n; i++) {
		const struct volume_spec *v = &pod->volumes.v[i];
		cleanup_named_volume struct named_volume there = { 0 };
		const char *other = claiming_namespace(p, v->source_name);
		int r;

		if (v->kind != VOLUME_NAMED || is_claimed(result, v->source_name))
			continue;
		if (other && !is_equal(other, namespace_of(pod->namespace_)))
			return error_set(err, EEXIST,
					 "pod '%s': volume '%s': the claim '%s' is of namespace "
					 "'%s': names of claims are names of volumes, and differ "
					 "on one host",
					 pod->name, v->name, v->source_name, other);
		if (other)
			continue;
		r = named_volume_read(s, v->source_name, &there, err);
		if (r == -ENOENT) {
			strlist_add(&p->volumes, v->source_name);
			strlist_add(&p->volume_namespaces, namespace_of(pod->namespace_));
		} else if (r < 0)
			return error_wrap(err, "pod '%s': volume '%s'", pod->name, v->name);
	}
	return 0;
}

static int compare_one(const struct store *s, const struct kube_result *result,
		       struct play_objects *all, struct play_object *p, struct error *err)
{
	int r;

	if (is_data(p->o))
		r = compare_data(s, p, err);
	else if (p->o->kind == KUBE_PVC)
		r = compare_claim(s, p, err);
	else
		r = compare_stored(s, result, all, p, err);
	return r < 0 ? at(p->o, err) : 0;
}

int play_objects_compare(const struct store *s, const struct kube_result *result,
			 struct play_objects *ret, struct error *err)
{
	int r = 0;

	*ret = (struct play_objects){ 0 };
	ret->v = xcalloc(result->n_objects + 1, sizeof(*ret->v));
	for (size_t i = 0; i < result->n_objects && r == 0; i++) {
		ret->v[ret->n].o = &result->objects[i];
		r = compare_one(s, result, ret, &ret->v[ret->n++], err);
	}
	for (size_t i = 0; i < result->n && r == 0; i++)
		r = find_volumes(s, result, &result->v[i].pod, ret, err);
	for (size_t i = 0; i < result->n_objects && r == 0; i++)
		if (result->objects[i].template)
			r = find_volumes(s, result, &result->objects[i].template->pod, ret, err);
	return r;
}

/* ---- writing ---------------------------------------------------------------------------- */

static int write_stored(const struct store *s, const struct kube_result *result,
			const struct play_object *p, struct error *err)
{
	const struct kube_object *o = p->o;
	cleanup_strlist struct strlist owned = { 0 };
	cleanup_free char *source = play_source(o->source);
	struct stored_object want = {
		.namespace_ = o->namespace_, .name = o->name, .yaml = o->yaml, .source = source
	};

	if (o->kind == KUBE_JOB) {
		strlist_copy(&owned, &p->old.pods);
		want.network = (char *)(uintptr_t)o->network;
		want.plain_names = o->template && o->template->pod.plain_names;
	} else {
		list_owned(result, o, &owned);
	}
	want.pods = owned;
	return object_write(s, (enum kube_kind)o->kind, &want, err);
}

static int write_claim(const struct store *s, const struct play_object *p, struct error *err)
{
	struct named_volume want = *p->o->claim;

	if (p->change == PLAY_CREATED) {
		want.played = true;
		want.created_ns = clock_wall_ns();
		return named_volume_create(s, &want, err);
	}
	want.created_ns = p->old_claim.created_ns;
	want.played = p->old_claim.played;
	want.copied_up = p->old_claim.copied_up;
	return named_volume_update(s, &want, err);
}

static int write_one(const struct store *s, const struct kube_result *result, struct play_object *p,
		     struct error *err)
{
	int r = 0;

	/* A workload's pods may have other names although its document did not change. */
	if (p->change == PLAY_UNCHANGED && (is_data(p->o) || p->o->kind == KUBE_PVC))
		return 0;
	if (is_data(p->o))
		r = data_object_write(s, p->o->data, err);
	else if (p->o->kind == KUBE_PVC)
		r = write_claim(s, p, err);
	else
		r = write_stored(s, result, p, err);
	p->done = r == 0;
	return r < 0 ? at(p->o, err) : 0;
}

/* A claim in all but its document: it is listed, and bound to what is made for it. */
static int make_volume(const struct store *s, const char *name, const char *namespace_,
		       struct error *err)
{
	const struct named_volume want = { .name = (char *)(uintptr_t)name,
					   .claim_namespace = (char *)(uintptr_t)namespace_,
					   .created_ns = clock_wall_ns(),
					   .played = true };
	cleanup_free char *text = xasprintf(
		"no claim '%s' is in the files or in the store: an empty volume '%s' is made", name,
		name);
	int r = named_volume_create(s, &want, err);

	if (r == 0)
		command_print_warning(text);
	return r;
}

static void undo(const struct store *s, struct play_objects *p);

int play_objects_apply(const struct store *s, struct play_objects *p,
		       const struct kube_result *result, struct error *err)
{
	int r = 0;

	for (size_t i = 0; i < p->n && r == 0; i++)
		r = write_one(s, result, &p->v[i], err);
	for (; p->volumes_done < p->volumes.n && r == 0; p->volumes_done += r == 0)
		r = make_volume(s, p->volumes.v[p->volumes_done],
				p->volume_namespaces.v[p->volumes_done], err);
	if (r < 0)
		undo(s, p);
	return r;
}

/* ---- taking back ------------------------------------------------------------------------ */

/* Whether what this play has written is still there. Somebody else's Secret is not replaced by the
 * one before both. */
static bool is_still_ours(const struct store *s, const struct play_object *p)
{
	const struct kube_object *o = p->o;
	cleanup_data_object struct data_object data = { 0 };
	cleanup_named_volume struct named_volume claim = { 0 };
	cleanup_stored_object struct stored_object stored = { 0 };
	struct error scratch; /* what cannot be read is not ours */

	if (is_data(o))
		return data_object_read(s, (enum data_kind)o->data->kind, o->namespace_, o->name,
					&data, &scratch) == 0 &&
		       is_data_equal(&data, o->data);
	if (o->kind == KUBE_PVC)
		return named_volume_read(s, o->name, &claim, &scratch) == 0 &&
		       is_equal(claim.claim_yaml, o->claim->claim_yaml);
	return object_read(s, (enum kube_kind)o->kind, o->namespace_, o->name, &stored, &scratch) ==
		       0 &&
	       is_equal(stored.yaml, o->yaml);
}

static void undo_one(const struct store *s, struct play_object *p)
{
	const struct kube_object *o = p->o;
	bool made = p->change == PLAY_CREATED;
	struct error scratch; /* the play has failed already: as much as can be is taken back */

	if (!p->done)
		return;
	p->done = false;
	if (!is_still_ours(s, p))
		return;
	if (is_data(o) && made)
		error_ignore(data_object_remove(s, (enum data_kind)o->data->kind, o->namespace_,
						o->name, &scratch));
	else if (is_data(o))
		error_ignore(data_object_write(s, &p->old_data, &scratch));
	else if (o->kind == KUBE_PVC && made)
		error_ignore(named_volume_remove(s, o->name, &scratch));
	else if (o->kind == KUBE_PVC)
		error_ignore(named_volume_update(s, &p->old_claim, &scratch));
	else if (made)
		error_ignore(object_remove(s, (enum kube_kind)o->kind, o->namespace_, o->name,
					   &scratch));
	else
		error_ignore(object_write(s, (enum kube_kind)o->kind, &p->old, &scratch));
}

static void undo(const struct store *s, struct play_objects *p)
{
	struct error scratch;

	while (p->volumes_done > 0)
		error_ignore(named_volume_remove(s, p->volumes.v[--p->volumes_done], &scratch));
	for (size_t i = p->n; i-- > 0;)
		undo_one(s, &p->v[i]);
}

void play_objects_take_back(const struct store *s, struct play_objects *p)
{
	struct error scratch;
	cleanup_close int lock = objects_lock(s, &scratch);

	(void)lock; /* better without it than not at all */
	undo(s, p);
}

void play_objects_take_back_created(const struct store *s, struct play_objects *p)
{
	for (size_t i = 0; i < p->n; i++)
		p->v[i].done &= p->v[i].change == PLAY_CREATED;
	play_objects_take_back(s, p);
}

void play_objects_done(struct play_objects *p)
{
	for (size_t i = 0; i < p->n; i++) {
		data_object_done(&p->v[i].old_data);
		stored_object_done(&p->v[i].old);
		named_volume_done(&p->v[i].old_claim);
	}
	free(p->v);
	strlist_done(&p->volumes);
	strlist_done(&p->volume_namespaces);
	strlist_done(&p->stale);
	*p = (struct play_objects){ 0 };
}

/* ---- telling ---------------------------------------------------------------------------- */

void play_objects_print(const struct play_objects *p, const char *suffix)
{
	static const char *const words[] = { "created", "configured", "unchanged" };

	for (size_t i = 0; i < p->n; i++) {
		const struct kube_object *o = p->v[i].o;
		cleanup_free char *kind = xstrdup(kube_kind_names[o->kind]);

		for (char *c = kind; *c; c++)
			*c = (char)(*c >= 'A' && *c <= 'Z' ? *c + 'a' - 'A' : *c);
		fprintf(stderr, "%s '%s' %s%s\n", kind, o->name, words[p->v[i].change], suffix);
	}
	for (size_t i = 0; i < p->volumes.n; i++)
		fprintf(stderr, "volume '%s' created%s\n", p->volumes.v[i], suffix);
}

bool is_play_object_changed(const struct play_objects *p, int kind, const char *namespace_,
			    const char *name)
{
	const char *space = namespace_of(namespace_);

	for (size_t i = 0; i < p->n; i++) {
		const struct kube_object *o = p->v[i].o;

		if (o->kind == kind && is_equal(o->name, name) && is_equal(o->namespace_, space))
			return p->v[i].change == PLAY_CONFIGURED;
	}
	return false;
}
