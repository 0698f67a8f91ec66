/* SPDX-License-Identifier: Apache-2.0 */
/*
 * system prune - removes everything that nobody needs.
 *
 * Theory of operation: first the pods of which nothing runs any more, with their containers and
 * emptyDirs, and containers by themselves that do not run; then networks that no container is in; with
 * --volumes those that no container uses then; then the images that nobody needs
 * then (imageprune.h), the steps of builds among them. A pod that was never started stays, as does
 * what a crash left: `pod rm -f` takes that. Without --force
 * it asks first.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmd/podium/base/commands.h"
#include "cmd/podium/image/imagefilter.h"
#include "cmd/podium/image/imageprune.h"
#include "cmd/podium/image/imageview.h"
#include "cmd/podium/network/nethelper.h"
#include "cmd/podium/network/networks.h"
#include "cmd/podium/pod/podview.h"
#include "cmd/podium/pod/pods.h"
#include "cmd/podium/image/storesize.h"
#include "cmd/podium/base/timeparse.h"
#include "cmd/podium/volume/volumes.h"
#include "engine/base/clock.h"
#include "engine/base/json.h"
#include "engine/pod/pod.h"

#define WARNING_MAX 1024

struct prune_options {
	bool all;
	bool force;
	bool volumes;
	struct strlist filters;
};

#define O(m) offsetof(struct prune_options, m)
static const struct option prune_option_table[] = {
	{ 'a', "all", OPTION_BOOL, O(all), NULL,
	  "All images that no container uses, not only those without a name", false },
	{ 0, "filter", OPTION_STRINGS, O(filters), "key=value", "label, label! or until", false },
	{ 'f', "force", OPTION_BOOL, O(force), NULL, "Do not ask", false },
	{ 0, "volumes", OPTION_BOOL, O(volumes), NULL, "Volumes that no container uses, too",
	  false },
	OPTIONS_END,
};
#undef O

/* ---- pods ------------------------------------------------------------------------------- */

/* The filters were checked by imagefilter_check_prune(). */
static int match_pod(const struct store *s, const struct pod_view *view,
		     const struct strlist *filters, struct error *err)
{
	struct pod_spec pod;
	int r = lookup_read_pod(s, view->id, &pod, err);
	bool match = true;

	if (r < 0)
		return r;
	for (size_t i = 0; r == 0 && i < filters->n; i++) {
		const char *text = filters->v[i], *value = strchr(text, '=') + 1;
		int64_t until = 0;

		if (is_prefix(text, "label=")) {
			match = match && imagefilter_has_label(&pod.labels, value);
		} else if (is_prefix(text, "label!=")) {
			match = match && !imagefilter_has_label(&pod.labels, value);
		} else {
			r = time_parse(value, clock_wall_ns(), &until, err);
			match = match && view->created_ns < until;
		}
	}
	record_done(&pod_spec_type, &pod);
	return r < 0 ? r : match;
}

static int choose_pods(const struct store *s, const struct strlist *filters, struct strlist *ret,
		       struct error *err)
{
	struct container_views views = { .v = NULL };
	struct pod_views pods = { .v = NULL };
	int r = views_load(s, &views, err);

	if (r == 0)
		r = pod_views_load(s, &views, &pods, err);
	for (size_t i = 0; r == 0 && i < pods.n; i++) {
		const struct pod_view *p = &pods.v[i];

		if (p->debris || (!is_equal(p->state, "Exited") && !is_equal(p->state, "Stopped")))
			continue;
		r = match_pod(s, p, filters, err);
		if (r > 0)
			strlist_add(ret, p->id);
		r = r < 0 ? r : 0;
	}
	pod_views_done(&pods);
	views_done(&views);
	return r;
}

static int64_t pod_bytes(const struct store *s, const char *id)
{
	cleanup_free char *path = xasprintf("pods/%.64s/volumes", id);
	struct pod_spec pod;
	struct error scratch; /* unreadable: nothing is known of it */
	int64_t bytes = storesize_tree(s->rootfd, path);

	if (lookup_read_pod(s, id, &pod, &scratch) < 0)
		return bytes;
	for (size_t i = 0; i < pod.containers.n; i++)
		bytes += storesize_container(s, pod.containers.v[i].id);
	record_done(&pod_spec_type, &pod);
	return bytes;
}

static int prune_pods(const struct store *s, const struct strlist *filters, int64_t *bytes,
		      struct error *err)
{
	cleanup_strlist struct strlist ids = { .v = NULL };
	int r = choose_pods(s, filters, &ids, err);

	if (r == 0 && ids.n)
		r = pods_stop(s, &ids, 0, err); /* ends the conductors */
	for (size_t i = 0; r == 0 && i < ids.n; i++) {
		int64_t freed = pod_bytes(s, ids.v[i]);

		if (is_pod_active(s, ids.v[i]))
			continue; /* started meanwhile */
		r = pod_remove(s, ids.v[i], err);
		if (r < 0)
			break;
		if (i == 0)
			(void)puts("Deleted Pods");
		(void)puts(ids.v[i]);
		*bytes += freed;
	}
	return r;
}

/* ---- containers by themselves ----------------------------------------------------------- */

static int match_container(const struct store *s, const struct container_view *view,
			   const struct strlist *filters, struct error *err)
{
	static const struct pairlist none = { .n = 0 };
	cleanup_json json_t *labels = NULL;
	struct container_spec spec;
	bool match = true;
	int r = lookup_read_container(s, view->id, &spec, err);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	labels = view_labels(&spec, &none);
	record_done(&container_spec_type, &spec);
	for (size_t i = 0; r == 0 && i < filters->n; i++) {
		const char *text = filters->v[i], *value = strchr(text, '=') + 1;
		cleanup_free char *key = xstrndup(value, strcspn(value, "="));
		const char *has = jget_str(labels, key), *wants = strchr(value, '=');
		int64_t until = 0;

		if (is_prefix(text, "label"))
			match = match && (has && (!wants || is_equal(has, wants + 1))) ==
						 is_prefix(text, "label=");
		else if ((r = time_parse(value, clock_wall_ns(), &until, err)) == 0)
			match = match && view->st.created_ns < until;
	}
	return r < 0 ? r : match;
}

static int prune_containers(const struct store *s, const struct strlist *filters, int64_t *bytes,
			    struct error *err)
{
	struct container_views views = { .v = NULL };
	int r = views_load(s, &views, err);
	size_t n = 0;

	for (size_t i = 0; r >= 0 && i < views.n; i++) {
		const struct container_view *v = &views.v[i];
		int64_t freed;

		if (!v->readable || v->debris || !v->st.solo || v->st.infra || v->st.working ||
		    (v->live != STATE_EXITED && v->live != STATE_CREATED &&
		     v->live != STATE_INITIALIZED))
			continue;
		r = match_container(s, v, filters, err);
		if (r <= 0)
			continue;
		freed = storesize_container(s, v->id);
		r = container_remove(s, v->id, 0, err);
		if (r < 0)
			continue;
		(void)printf("%s%s\n", n++ ? "" : "Deleted Containers\n", v->id);
		*bytes += freed;
	}
	views_done(&views);
	return r < 0 ? r : 0;
}

/* ---- networks --------------------------------------------------------------------------- */

static int prune_networks(const struct store *s, const struct strlist *filters, struct error *err)
{
	cleanup_network_set struct network_set all = { 0 };
	struct network_filter *f = NULL;
	int r = network_filter_parse(s, filters, true, &f, err);
	size_t n = 0;

	if (r == 0)
		r = network_set_load(s, &all, err);
	for (size_t i = 0; r == 0 && i < all.n; i++) {
		const char *name = all.v[i].name;
		bool gone = false;

		if (strcmp(name, NET_DEFAULT) != 0 && is_network_match(f, &all.v[i]))
			r = network_remove_unused(s, name, &gone, err);
		if (gone)
			(void)printf("%s%s\n", n++ ? "" : "Deleted Networks\n", name);
	}
	network_filter_free(f);
	return r;
}

/* ---- volumes ---------------------------------------------------------------------------- */

static int prune_volumes(const struct store *s, const struct strlist *filters, int64_t *bytes,
			 struct error *err)
{
	cleanup_volume_prune_result struct volume_prune_result gone = { .bytes = 0 };
	cleanup_strlist struct strlist names = { .v = NULL };
	int r = volume_prune_choose(s, filters, &names, err);

	if (r == 0)
		r = volume_prune_run(s, &names, &gone, err);
	for (size_t i = 0; i < gone.names.n; i++)
		(void)printf("%s%s\n", i ? "" : "Deleted Volumes\n", gone.names.v[i]);
	*bytes += gone.bytes;
	return r;
}

/* ---- the command ------------------------------------------------------------------------ */

static int confirm(const struct prune_options *o, struct error *err)
{
	char text[WARNING_MAX];

	(void)snprintf(text, sizeof(text),
		       "WARNING! This command removes:\n"
		       "\t- all stopped containers, and pods of which nothing runs\n"
		       "\t- all networks not used by at least one container\n%s"
		       "\t- all %s\n\t- all %sbuild cache\n\n",
		       o->volumes ? "\t- all volumes not used by at least one container\n" : "",
		       o->all ? "images without at least one container associated with them"
			      : "dangling images",
		       o->all ? "" : "dangling ");
	return prune_confirm(text, err);
}

static int run_prune(struct command_context *ctx, void *options, int argc, char **argv,
		     struct error *err)
{
	const struct prune_options *o = options;
	cleanup_image_prune_result struct image_prune_result gone = { .bytes = 0 };
	cleanup_free char *size = NULL;
	int64_t bytes = 0;
	int r = imagefilter_check_prune(&o->filters, err);

	(void)argc;
	(void)argv;
	if (r == 0)
		r = o->force ? 1 : confirm(o, err);
	if (r <= 0)
		return r;
	r = prune_pods(&ctx->store, &o->filters, &bytes, err);
	if (r == 0)
		r = prune_containers(&ctx->store, &o->filters, &bytes, err);
	if (r == 0)
		r = prune_networks(&ctx->store, &o->filters, err);
	if (r == 0 && o->volumes)
		r = prune_volumes(&ctx->store, &o->filters, &bytes, err);
	if (r == 0)
		r = imageprune_run(&ctx->store, o->all, &o->filters, &gone, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < gone.ids.n; i++)
		(void)printf("%s%s\n", i ? "" : "Deleted Images\n", gone.ids.v[i]);
	size = view_size(bytes + gone.bytes, 4, "");
	(void)printf("Total reclaimed space: %s\n", size);
	return 0;
}

const struct command cmd_system_prune = {
	.words = "system prune",
	.args = "[options]",
	.summary = "Remove everything that nobody needs",
	.options = prune_option_table,
	.options_size = sizeof(struct prune_options),
	.max_args = 0,
	.store = COMMAND_WRITES,
	.run = run_prune,
};
