/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inspect_image - one image as Podman's inspect shows it.
 *
 * Theory of operation: the index of the image store says what it is called and how big it is, its
 * configuration what is in it. The images lock is held shared meanwhile, so that an rmi does not
 * take the configuration away between the two. Nothing of the layers is opened.
 */
#include <errno.h>
#include <string.h>

#include "cmd/podium/inspect.h"
#include "cmd/podium/view.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/image/config.h"
#include "engine/image/store.h"

static void set(json_t *obj, const char *key, json_t *value)
{
	(void)json_object_set_new(obj, key, value ? value : json_null());
}

static json_t *str_or_empty(const char *s)
{
	return json_string(s ? s : "");
}

static json_t *make_config(const struct image_config *c)
{
	json_t *j = json_object();
	json_t *volumes = json_object();

	for (size_t i = 0; i < c->volumes.n; i++)
		set(volumes, c->volumes.v[i], json_object());
	set(j, "User", str_or_empty(c->user));
	set(j, "Env", view_strings(&c->env));
	set(j, "Entrypoint", view_strings(&c->entrypoint));
	set(j, "Cmd", view_strings(&c->cmd));
	set(j, "Volumes", volumes);
	set(j, "WorkingDir", str_or_empty(c->working_dir));
	set(j, "Labels", view_pairs(&c->labels));
	set(j, "StopSignal", str_or_empty(c->stop_signal));
	return j;
}

static json_t *make_all(const struct image_info *info, const struct image_config *config)
{
	cleanup_free char *digest =
		info->manifest ? xasprintf("sha256:%s", info->manifest) : xstrdup("");
	json_t *j = json_object();

	set(j, "Id", str_or_empty(info->id));
	set(j, "Digest", json_string(digest));
	set(j, "RepoTags", view_strings(&info->names));
	set(j, "RepoDigests", json_array());
	set(j, "Created", view_time(info->created_ns));
	set(j, "Config", make_config(config));
	set(j, "Size", json_integer((json_int_t)info->size_bytes));
	set(j, "VirtualSize", json_integer((json_int_t)info->size_bytes));
	set(j, "RootFS",
	    json_pack("{s:s, s:o}", "Type", "layers", "Layers", view_strings(&info->layers)));
	set(j, "Labels", view_pairs(&config->labels));
	set(j, "User", str_or_empty(config->user));
	set(j, "NamesHistory", view_strings(&info->names));
	return j;
}

int inspect_image(const struct store *s, const char *name, json_t **ret, struct error *err)
{
	cleanup_image_list struct image_list list = { 0 };
	const struct image_info *info = NULL;
	struct image_config config = { 0 };
	cleanup_close int lock = -EBADF;
	int r;

	if (s->rootfd < 0)
		return error_set(err, ENOENT, "no such image '%s'", name);
	r = image_list(s, &list, err);
	if (r == 0)
		r = image_find(&list, name, &info, NULL, err);
	if (r < 0)
		return r;
	r = lock = image_lock(s, LOCK_SHARED, err);
	if (r >= 0)
		r = image_resolve(s, info->id, &config, err);
	if (r < 0)
		return r;
	*ret = make_all(info, &config);
	image_config_done(&config);
	return 0;
}
