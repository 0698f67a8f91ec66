/* SPDX-License-Identifier: Apache-2.0 */
/*
 * create_plan - from the words of `run` and `create` to the engine's plan.
 */
#include <errno.h>
#include <string.h>

#include "cmd/podium/container/create_options.h"
#include "engine/base/mem.h"
#include "engine/state/layout.h"

static void set_arguments(struct container_spec *c, int argc, char **argv)
{
	c->image = xstrdup(argv[0]);
	c->has_args = argc > 1;
	for (int i = 1; i < argc; i++)
		value_add(list_add(&c->args), VALUE_LITERAL, argv[i], strlen(argv[i]));
}

static void set_life(const struct create_options *o, struct pod_plan *plan)
{
	struct container_spec *c = &plan->containers[0];

	plan->pod.solo = true;
	plan->pod.restart = c->restart = RESTART_NEVER;
	plan->pod.exit_with_members = true;
	plan->pod.grace_seconds = (struct opt_i64){ true, HAND_GRACE_SECONDS };
	c->kind = CONTAINER_MEMBER;
	c->tty = o->tty;
	c->stdin_open = o->interactive;
	c->auto_remove = o->remove;
}

int create_plan(const struct create_options *o, int argc, char **argv, struct pod_plan *ret,
		struct error *err)
{
	struct container_spec *c;
	char id[65];

	(void)err;
	*ret = (struct pod_plan){ .n_containers = 1 };
	c = ret->containers = xcalloc(1, sizeof(*ret->containers));
	id_new(id);
	c->full_name = o->name ? xstrdup(o->name) : xasprintf("c-%.12s", id);
	c->name = xstrdup(c->full_name);
	ret->pod.name = xstrdup(c->full_name);
	set_arguments(c, argc, argv);
	set_life(o, ret);
	return 0;
}
