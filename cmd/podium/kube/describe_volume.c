/* SPDX-License-Identifier: Apache-2.0 */
/*
 * describe_volume - a volume's block of kube describe pod.
 *
 * Theory of operation: the kinds have a sentence each, as kubectl's; names of ConfigMaps and Secrets
 * are shown, their contents are not opened.
 */
#include "cmd/podium/kube/describe.h"
#include "engine/base/mem.h"
#include "engine/base/quantity.h"

#define INDENT 4
#define WIDTH  14

static void describe_items(const struct projection_item_list *items)
{
	for (size_t i = 0; i < items->n; i++) {
		const struct projection_item *it = &items->v[i];
		const char *from = it->key ? it->key : it->field ? it->field : it->resource;

		describe_line(INDENT + 2, 0, from ? from : "?", "-> %s", it->path);
	}
}

static void describe_source(const struct projection *p, bool whole)
{
	static const char *const labels[] = { "ConfigMapName:", "SecretName:", "DownwardAPI:" };
	static const char *const plain[] = { "Name:", "SecretName:", "" };

	if (p->kind == PROJECTION_DOWNWARD) {
		describe_head(INDENT, whole ? "Items:" : labels[p->kind]);
		describe_items(&p->items);
		return;
	}
	describe_line(INDENT, WIDTH + 2, whole ? plain[p->kind] : labels[p->kind], "%s", p->object);
	describe_line(INDENT, WIDTH + 2, "Optional:", "%s", p->optional ? "true" : "false");
	if (p->items.n)
		describe_head(INDENT, "Items:");
	describe_items(&p->items);
}

static void describe_empty_dir(const struct volume_spec *v)
{
	cleanup_free char *size = quantity_format_bytes(v->size_bytes);

	describe_line(INDENT, WIDTH, "Medium:", "%s", v->memory ? "Memory" : "");
	describe_line(INDENT, WIDTH, "SizeLimit:", "%s", v->size_bytes ? size : "<unset>");
}

void describe_volume(const struct volume_spec *v)
{
	static const char *const kinds[] = {
		[VOLUME_HOST_PATH] = "HostPath (a file or directory of this machine)",
		[VOLUME_EMPTY_DIR] = "EmptyDir (a directory that lives as long as the pod)",
		[VOLUME_CONFIG] = "ConfigMap (a volume filled by a ConfigMap)",
		[VOLUME_SECRET] = "Secret (a volume filled by a Secret)",
		[VOLUME_DOWNWARD] = "DownwardAPI (a volume filled by facts about the pod)",
		[VOLUME_PROJECTED] = "Projected (a volume filled by several sources)",
		[VOLUME_IMAGE] = "Image (the files of an image)",
		[VOLUME_NAMED] = "PersistentVolumeClaim (a volume that outlives its pods)",
	};
	cleanup_free char *head = xasprintf("%s:", v->name);

	describe_head(2, head);
	describe_line(INDENT, WIDTH, "Type:", "%s", kinds[v->kind]);
	if (v->kind == VOLUME_HOST_PATH) {
		describe_line(INDENT, WIDTH, "Path:", "%s", v->host_path);
		describe_line(INDENT, WIDTH, "HostPathType:", "%s",
			      host_path_type_names[v->host_path_type]);
	} else if (v->kind == VOLUME_EMPTY_DIR) {
		describe_empty_dir(v);
	} else if (v->kind == VOLUME_IMAGE) {
		describe_line(INDENT, WIDTH, "Reference:", "%s", v->image);
		describe_line(INDENT, WIDTH, "PullPolicy:", "%s",
			      v->pull_policy ? v->pull_policy : "<unset>");
	} else if (v->kind == VOLUME_NAMED) {
		describe_line(INDENT, WIDTH, "ClaimName:", "%s", v->source_name);
		describe_line(INDENT, WIDTH, "ReadOnly:", "%s", v->read_only ? "true" : "false");
	}
	for (size_t i = 0; i < v->sources.n; i++)
		describe_source(&v->sources.v[i], v->kind != VOLUME_PROJECTED);
}
