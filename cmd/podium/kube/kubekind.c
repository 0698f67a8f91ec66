/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kubekind - the table of kinds.
 *
 * Theory of operation: each row names a kind in all the ways that kubectl has for it, its columns,
 * and a function that lists it. The functions stand beside what they read: kubelist_pods.c,
 * kubelist_data.c, kubelist_claims.c, kubelist_stored.c, kuberemove.c.
 */
#include "cmd/podium/kube/kubekind.h"

#include <errno.h>
#include <stdio.h>
#include <strings.h>

#include "engine/base/mem.h"

static const char *const pod_headers[] = { "READY", "STATUS", "RESTARTS", "AGE", NULL };
static const char *const pod_wide[] = { "IP", "NODE", "NOMINATED NODE", "READINESS GATES", NULL };
static const char *const config_headers[] = { "DATA", "AGE", NULL };
static const char *const secret_headers[] = { "TYPE", "DATA", "AGE", NULL };
static const char *const claim_headers[] = { "STATUS",	     "VOLUME", "CAPACITY", "ACCESS MODES",
					     "STORAGECLASS", "AGE",    NULL };
static const char *const volume_headers[] = {
	"CAPACITY", "ACCESS MODES", "RECLAIM POLICY", "STATUS", "CLAIM", "STORAGECLASS", "AGE", NULL
};
static const char *const deployment_headers[] = { "READY", "UP-TO-DATE", "AVAILABLE", "AGE", NULL };
static const char *const replica_headers[] = { "DESIRED", "CURRENT", "READY", "AGE", NULL };
static const char *const daemon_headers[] = { "DESIRED",   "CURRENT",	    "READY", "UP-TO-DATE",
					      "AVAILABLE", "NODE SELECTOR", "AGE",   NULL };
static const char *const job_headers[] = { "STATUS", "COMPLETIONS", "DURATION", "AGE", NULL };
static const char *const space_headers[] = { "STATUS", "AGE", NULL };
static const char *const event_headers[] = { "LAST SEEN", "TYPE",    "REASON",
					     "OBJECT",	  "MESSAGE", NULL };

const struct kube_kind_row kube_kind_rows[] = {
	{ .kind = KUBE_POD,
	  .plural = "pods",
	  .singular = "pod",
	  .shorts = "po",
	  .group = "",
	  .namespaced = true,
	  .in_all = true,
	  .headers = pod_headers,
	  .wide = pod_wide,
	  .list = kube_list_pods,
	  .describe = kube_describe_pods,
	  .remove = kube_remove_pod },
	{ .kind = KUBE_DAEMON_SET,
	  .plural = "daemonsets",
	  .singular = "daemonset",
	  .shorts = "ds",
	  .group = ".apps",
	  .namespaced = true,
	  .in_all = true,
	  .headers = daemon_headers,
	  .list = kube_list_stored,
	  .describe = kube_describe_stored,
	  .remove = kube_remove_workload },
	{ .kind = KUBE_DEPLOYMENT,
	  .plural = "deployments",
	  .singular = "deployment",
	  .shorts = "deploy",
	  .group = ".apps",
	  .namespaced = true,
	  .in_all = true,
	  .headers = deployment_headers,
	  .list = kube_list_stored,
	  .describe = kube_describe_stored,
	  .remove = kube_remove_workload },
	{ .kind = KUBE_REPLICA_SET,
	  .plural = "replicasets",
	  .singular = "replicaset",
	  .shorts = "rs",
	  .group = ".apps",
	  .namespaced = true,
	  .in_all = true,
	  .headers = replica_headers,
	  .list = kube_list_stored,
	  .describe = kube_describe_stored,
	  .remove = kube_remove_workload },
	{ .kind = KUBE_JOB,
	  .plural = "jobs",
	  .singular = "job",
	  .group = ".batch",
	  .namespaced = true,
	  .in_all = true,
	  .headers = job_headers,
	  .list = kube_list_stored,
	  .describe = kube_describe_stored,
	  .remove = kube_remove_workload },
	{ .kind = KUBE_CONFIG_MAP,
	  .plural = "configmaps",
	  .singular = "configmap",
	  .shorts = "cm",
	  .group = "",
	  .namespaced = true,
	  .headers = config_headers,
	  .list = kube_list_data,
	  .describe = kube_describe_data,
	  .remove = kube_remove_data },
	{ .kind = KUBE_SECRET,
	  .plural = "secrets",
	  .singular = "secret",
	  .group = "",
	  .namespaced = true,
	  .headers = secret_headers,
	  .list = kube_list_data,
	  .describe = kube_describe_data,
	  .remove = kube_remove_data },
	{ .kind = KUBE_PVC,
	  .plural = "persistentvolumeclaims",
	  .singular = "persistentvolumeclaim",
	  .shorts = "pvc",
	  .group = "",
	  .namespaced = true,
	  .headers = claim_headers,
	  .list = kube_list_claims,
	  .describe = kube_describe_claims,
	  .remove = kube_remove_claim },
	{ .kind = KUBE_PV,
	  .plural = "persistentvolumes",
	  .singular = "persistentvolume",
	  .shorts = "pv",
	  .group = "",
	  .headers = volume_headers,
	  .list = kube_list_stored,
	  .describe = kube_describe_stored,
	  .remove = kube_remove_volume },
	{ .kind = KUBE_NAMESPACE,
	  .plural = "namespaces",
	  .singular = "namespace",
	  .shorts = "ns",
	  .group = "",
	  .headers = space_headers,
	  .list = kube_list_namespaces,
	  .remove = kube_remove_namespace },
	{ .kind = -1,
	  .plural = "events",
	  .singular = "event",
	  .shorts = "ev",
	  .group = "",
	  .namespaced = true,
	  .headers = event_headers,
	  .list = kube_list_events },
	{ .plural = NULL },
};

const struct kube_kind_row *kube_kind_find(const char *word)
{
	for (const struct kube_kind_row *row = kube_kind_rows; row->plural; row++)
		if (strcasecmp(word, row->plural) == 0 || strcasecmp(word, row->singular) == 0 ||
		    (row->shorts && strcasecmp(word, row->shorts) == 0))
			return row;
	return NULL;
}

int kube_kind_parse(const char *word, const struct kube_kind_row **ret, struct error *err)
{
	cleanup_buf struct buf known = BUF_INIT(4096);

	*ret = kube_kind_find(word);
	if (*ret)
		return 0;
	for (const struct kube_kind_row *row = kube_kind_rows; row->plural; row++)
		buf_printf(&known, "%s%s", known.len ? ", " : "", row->plural);
	return error_set(err, EINVAL, "kind '%.60s' is not known here: %s", word, known.data);
}

bool is_form_document(enum kube_form form)
{
	return form == FORM_YAML || form == FORM_JSON;
}

bool kube_look_wants(struct kube_look *look, const char *namespace_, const char *name,
		     const struct pairlist *labels)
{
	static const struct pairlist none = { 0 };

	if (look->namespace_ && !is_equal(look->namespace_, namespace_of(namespace_)))
		return false;
	if (look->names->n && !strlist_has(look->names, name))
		return false;
	if (!is_selected(look->selector, labels ? labels : &none))
		return false;
	strlist_add(&look->found, name);
	return true;
}

bool kube_look_begin_row(struct kube_look *look, const struct kube_kind_row *row,
			 const char *namespace_, const char *name)
{
	cleanup_free char *full = xasprintf("%s%s/%s", row->singular, row->group, name);

	if (look->form == FORM_NAME) {
		strlist_add(look->printed, full);
		return false;
	}
	if (look->show_namespace)
		kube_table_add(&look->table, namespace_of(namespace_));
	kube_table_add(&look->table, look->prefixed ? full : name);
	return true;
}

void kube_look_begin_block(struct kube_look *look)
{
	if (look->described++)
		printf("\n\n");
}
