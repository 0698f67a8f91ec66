/* SPDX-License-Identifier: Apache-2.0 */
/*
 * generate_hostpath - hostPath volumes replaced by what a cluster has.
 *
 * Theory of operation: a hostPath names a place on this host's disk, which no node of a cluster has.
 * Asked for ConfigMaps, the files that are there now go into one called POD-VOLUME; a folder must be
 * flat, since a ConfigMap is. Asked for claims, an empty PersistentVolumeClaim of that name takes
 * the place. A hostPath that is one file becomes a subPath of either in every mount of it. Sockets
 * and devices have no counterpart: an error that names the volume.
 *
 * Files are read as the user who runs the command; what is not valid UTF-8 goes to binaryData.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/base/base64.h"
#include "engine/base/fs.h"
#include "engine/base/mem.h"
#include "engine/data/object.h"
#include "kube/generate_parts.h"

#define CLAIM_SIZE "1Gi"

/* ---- content ----------------------------------------------------------------------------------
 */

static bool is_utf8(const unsigned char *s, size_t len)
{
	for (size_t i = 0; i < len;) {
		size_t more = s[i] < 0x80		     ? 0
			      : s[i] >= 0xc2 && s[i] <= 0xdf ? 1
			      : (s[i] & 0xf0) == 0xe0	     ? 2
			      : s[i] >= 0xf0 && s[i] <= 0xf4 ? 3
							     : 4;

		if (more == 4 || i + more >= len || s[i] == '\0')
			return false;
		for (size_t k = 1; k <= more; k++)
			if ((s[i + k] & 0xc0) != 0x80)
				return false;
		i += more + 1;
	}
	return true;
}

struct content {
	struct generate_job *job;
	struct node *root; /* of the ConfigMap */
	size_t bytes;
};

static int add_file(struct content *c, int dirfd, const char *path, const char *key,
		    struct error *err)
{
	cleanup_free char *text = NULL;
	struct arena *a = c->job->arena;
	size_t len = 0;
	int r;

	if (data_key_bad(key))
		return error_set(err, EINVAL, "file '%s': its name cannot be a key: it %s", key,
				 data_key_bad(key));
	r = fs_read_file(dirfd, path, DATA_MAX_BYTES, &text, &len, err);
	if (r < 0)
		return r;
	c->bytes += len;
	if (c->bytes > DATA_MAX_BYTES)
		return error_set(err, EFBIG, "more than the 1 MiB that a ConfigMap can hold");
	if (is_utf8((const unsigned char *)text, len)) {
		tree_set_text(a, tree_need_map(a, c->root, "data"), key, text);
	} else {
		cleanup_free char *coded = base64_encode(text, len);

		tree_set_text(a, tree_need_map(a, c->root, "binaryData"), key, coded);
	}
	return 0;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int add_folder(struct content *c, const char *path, struct error *err)
{
	cleanup_close int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent **v = NULL;
	int n = scandir(path, &v, NULL, by_name), r = 0;

	if (fd < 0 || n < 0)
		r = error_errno(err, "read '%s'", path);
	for (int i = 0; i < n; i++) {
		const char *name = v[i]->d_name;
		struct stat st;

		if (r == 0 && strcmp(name, ".") != 0 && strcmp(name, "..") != 0) {
			if (fstatat(fd, name, &st, 0) < 0)
				r = error_errno(err, "stat '%s/%s'", path, name);
			else if (!S_ISREG(st.st_mode))
				r = error_set(err, EINVAL,
					      "'%s/%s' is not a file: a ConfigMap is flat", path,
					      name);
			else
				r = add_file(c, fd, name, name, err);
		}
		free(v[i]);
	}
	free(v);
	return r;
}

/* ---- what takes the place ---------------------------------------------------------------------
 */

static const char *base_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* Every mount of the volume shows one file of it. */
static void set_sub_paths(struct generate_job *job, const char *key, const char *volume,
			  const char *file)
{
	struct node *containers = node_get(job->spec, key);

	for (size_t i = 0; containers && i < containers->n; i++) {
		struct node *mounts = node_get(containers->items[i], "volumeMounts");

		for (size_t k = 0; mounts && mounts->kind == NODE_LIST && k < mounts->n; k++)
			if (is_equal(tree_text(mounts->items[k], "name"), volume))
				tree_set_text(job->arena, mounts->items[k], "subPath", file);
	}
}

static int put_config_map(struct generate_job *job, struct node *volume, const char *name,
			  const char *path, bool is_dir, struct error *err)
{
	struct node *root = tree_document(job->arena, "v1", "ConfigMap", name, job->namespace_);
	struct content c = { .job = job, .root = root };
	struct node *source = tree_new_map(job->arena);
	int r = is_dir ? add_folder(&c, path, err)
		       : add_file(&c, AT_FDCWD, path, base_of(path), err);

	if (r == 0)
		r = generate_write(job->run, "ConfigMap", root, err);
	tree_set_text(job->arena, source, "name", name);
	tree_set(job->arena, volume, "configMap", source);
	return r;
}

static int put_claim(struct generate_job *job, struct node *volume, const char *name,
		     struct error *err)
{
	struct arena *a = job->arena;
	struct node *root = tree_document(a, "v1", "PersistentVolumeClaim", name, job->namespace_);
	struct node *spec = tree_need_map(a, root, "spec"), *modes = tree_new_list(a);
	struct node *source = tree_new_map(a);
	struct node *requests = tree_need_map(a, tree_need_map(a, spec, "resources"), "requests");

	node_list_add(a, modes, node_new_text(a, "ReadWriteOnce"));
	tree_set(a, spec, "accessModes", modes);
	tree_set_text(a, requests, "storage", CLAIM_SIZE);
	tree_set_text(a, source, "claimName", name);
	tree_set(a, volume, "persistentVolumeClaim", source);
	generate_note(job,
		      "claim '%s' of " CLAIM_SIZE " begins empty: what is in the hostPath does not "
		      "travel",
		      name);
	return generate_write(job->run, "PersistentVolumeClaim", root, err);
}

static int replace(struct generate_job *job, struct node *volume, const char *path,
		   struct error *err)
{
	const char *name = tree_text(volume, "name");
	cleanup_free char *object = xasprintf("%s-%s", job->name, name ? name : "");
	bool as_config = job->run->rq->host_path == GENERATE_CONFIG_MAP;
	struct stat st = { 0 };
	int r = 0;

	if (stat(path, &st) < 0 && (errno != ENOENT || as_config))
		r = error_errno(err, "stat '%s'", path);
	else if (st.st_mode && !S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode))
		r = error_set(err, EINVAL, "'%s' is neither a folder nor a file: %s cannot hold it",
			      path, as_config ? "a ConfigMap" : "a claim");
	if (r == 0 && as_config)
		r = put_config_map(job, volume, object, path, S_ISDIR(st.st_mode), err);
	else if (r == 0)
		r = put_claim(job, volume, object, err);
	if (r < 0)
		return error_wrap(err, "pod '%s': volume '%s'", job->name, name ? name : "");
	tree_remove(volume, "hostPath");
	if (S_ISREG(st.st_mode)) {
		set_sub_paths(job, "containers", name, base_of(path));
		set_sub_paths(job, "initContainers", name, base_of(path));
	}
	return 0;
}

int generate_host_paths(struct generate_job *job, struct error *err)
{
	struct node *volumes = node_get(job->spec, "volumes");
	int r = 0;

	if (job->run->rq->host_path == GENERATE_KEEP)
		return 0;
	for (size_t i = 0; volumes && i < volumes->n && r == 0; i++) {
		const char *path = tree_text(node_get(volumes->items[i], "hostPath"), "path");

		if (path)
			r = replace(job, volumes->items[i], path, err);
	}
	return r;
}
