/* SPDX-License-Identifier: Apache-2.0 */
/*
 * port - which port of the host leads to which port of a container.
 *
 * Theory of operation: the PORTS column of the container's state record holds the mappings of its
 * pod, ranges folded; they are unfolded here, one line a port: "80/tcp -> 0.0.0.0:8080".
 */
#include <errno.h>
#include <string.h>

#include "cmd/podium/base/commands.h"
#include "cmd/podium/base/format.h"
#include "cmd/podium/container/view.h"
#include "engine/base/json.h"

struct port_options {
	bool all, latest;
};
#define O(m) offsetof(struct port_options, m)

struct wanted_port {
	bool is_set;
	uint64_t port;
	const char *protocol;
};

/* "80", "80/udp"; without a protocol it is tcp, as Podman says. */
static int parse_port(const char *text, struct wanted_port *ret, struct error *err)
{
	size_t len = strcspn(text, "/");
	cleanup_free char *number = xstrndup(text, len);

	ret->is_set = true;
	ret->protocol = text[len] ? text + len + 1 : "tcp";
	if (parse_u64(number, 65535, &ret->port) < 0 || !ret->port)
		return error_set(err, EINVAL, "'%.60s' is not a port: PORT[/PROTOCOL]", text);
	if (!is_equal(ret->protocol, "tcp") && !is_equal(ret->protocol, "udp") &&
	    !is_equal(ret->protocol, "sctp"))
		return error_set(err, EINVAL, "'%.60s' is not a protocol: tcp, udp or sctp",
				 ret->protocol);
	return 0;
}

static bool print_mapping(const json_t *m, const struct wanted_port *w, const char *prefix)
{
	const char *ip = jget_str(m, "host_ip"), *protocol = jget_str(m, "protocol");
	bool found = false;

	for (int64_t k = 0; k < jget_int(m, "range", 1); k++) {
		long long inside = jget_int(m, "container_port", 0) + k;
		long long outside = jget_int(m, "host_port", 0) + k;
		cleanup_free char *line = NULL;

		if (w->is_set && (inside != (long long)w->port || !is_equal(protocol, w->protocol)))
			continue;
		found = true;
		if (w->is_set)
			line = xasprintf("%s:%lld", is_empty(ip) ? "0.0.0.0" : ip, outside);
		else
			line = xasprintf("%s%lld/%s -> %s:%lld", prefix, inside, protocol,
					 is_empty(ip) ? "0.0.0.0" : ip, outside);
		format_print_line(line);
	}
	return found;
}

static bool print_container(const struct container_view *view, const struct wanted_port *w,
			    bool with_id)
{
	cleanup_json json_t *mappings = view_ports(view->st.ports);
	cleanup_free char *prefix =
		with_id ? xasprintf("%.*s\t", SHORT_ID_LEN, view->id) : xstrdup("");
	bool found = false;
	const json_t *m;
	size_t i;

	json_array_foreach (mappings, i, m)
		found = print_mapping(m, w, prefix) || found;
	return found;
}

static int print_all(const struct store *s, struct error *err)
{
	const struct wanted_port any = { .is_set = false };
	struct container_views views = { 0 };
	int r = views_load(s, &views, err);

	for (size_t i = 0; r == 0 && i < views.n; i++)
		if (views.v[i].live == STATE_RUNNING && !views.v[i].st.working &&
		    !(views.v[i].st.infra && views.v[i].st.solo))
			(void)print_container(&views.v[i], &any, true);
	views_done(&views);
	return r;
}

static int run(struct command_context *ctx, void *options, int argc, char **argv, struct error *err)
{
	const struct port_options *o = options;
	int named = o->latest ? 0 : 1;
	struct wanted_port w = { .is_set = false };
	struct container_view view;
	char id[65];
	int r = 0;

	if (o->all && (o->latest || argc))
		return error_set(err, EINVAL,
				 o->latest ? "--all and --latest cannot be used together"
					   : "no arguments are needed with --all");
	if (o->all)
		return print_all(&ctx->store, err);
	if (argc < named)
		return error_set(err, EINVAL, "you must supply a running container name or id");
	if (argc > named + 1)
		return error_set(err, EINVAL, "at most one port can be asked for");
	if (argc > named)
		r = parse_port(argv[named], &w, err);
	if (r == 0)
		r = view_find(&ctx->store, o->latest, named ? argv[0] : NULL, id, err);
	if (r < 0)
		return r;
	view_load(&ctx->store, id, &view);
	if (!print_container(&view, &w, false) && w.is_set && !is_empty(view.st.ports))
		r = error_set(err, ENOENT, "failed to find published port \"%.60s\"", argv[named]);
	view_done(&view);
	return r;
}

static const struct option option_table[] = {
	{ 'a', "all", OPTION_BOOL, O(all), NULL, "Of all running containers, each with its id",
	  false },
	{ 'l', "latest", OPTION_BOOL, O(latest), NULL, "Of the one that was created last", false },
	OPTIONS_END,
};

const struct command cmd_port = {
	.words = "port",
	.args = "[options] CONTAINER [PORT[/PROTOCOL]]",
	.summary = "The published ports of a container",
	.options = option_table,
	.options_size = sizeof(struct port_options),
	.max_args = 2,
	.store = COMMAND_READS,
	.run = run,
};
