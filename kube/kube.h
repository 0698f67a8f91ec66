/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kube - Kubernetes YAML in and out: all that cmd/ needs.
 */
#ifndef PODIUM_KUBE_KUBE_H
#define PODIUM_KUBE_KUBE_H

#include <stdbool.h>

#include "engine/base/error.h"
#include "engine/base/hash.h"
#include "engine/base/str.h"
#include "engine/pod/spec.h"
#include "engine/state/layout.h"
#include "kube/diag.h"

struct kube_input {
	struct strlist files;	     /* paths in order; "-" is stdin, once at most */
	struct pairlist fetched;     /* the texts of those files that are addresses */
	bool strict;		     /* what has no effect is an error */
	bool for_play;		     /* mounting a volume that cannot be had here is an error */
	bool check_only;	     /* plans are thrown away: they get no kube_yaml */
	struct strlist config_maps;  /* files of --configmap: ConfigMaps alone */
	const struct store *store;   /* where objects of earlier plays are looked for, or NULL */
	bool plain_names;	     /* containers are called NAME, not POD-NAME */
	struct pairlist annotations; /* put on every pod, over those of the files */
	struct opt_bool host_users;  /* hostUsers of every pod, over the files' */
	bool wants_digest;	     /* of the texts */
};

/* Credentials of registries from a Secret of the files or of the store. */
struct kube_secret {
	char *name;
	char *namespace_; /* "default" for none */
	char *auths;	  /* the JSON text of .dockerconfigjson or .dockercfg; cleared when freed */
};

/* What a document becomes beside its pods. Rows are in the order in which they are to be made:
 * what is referred to comes before what refers to it. */
enum kube_kind {
	KUBE_NAMESPACE,
	KUBE_CONFIG_MAP,
	KUBE_SECRET,
	KUBE_PV,
	KUBE_PVC,
	KUBE_DEPLOYMENT,
	KUBE_REPLICA_SET,
	KUBE_DAEMON_SET,
	KUBE_JOB,
	KUBE_POD,
	KUBE_KIND__COUNT
};
extern const char *const kube_kind_names[];   /* "Namespace", "ConfigMap", ... */
extern const char *const kube_kind_plurals[]; /* "namespaces", "configmaps", ... */

struct job_spec;
struct data_object;
struct named_volume;
struct kube_object {
	int kind;	  /* enum kube_kind; not KUBE_POD */
	char *namespace_; /* "default" for none; NULL: of a kind in no namespace */
	char *name;
	char *yaml;   /* canonical document; NULL for a Secret */
	char *file;   /* for messages */
	char *source; /* the path as given, NULL for stdin */
	int line;
	struct data_object *data;   /* CONFIG_MAP, SECRET */
	struct named_volume *claim; /* PVC; with the volume that it is bound to */
	struct job_spec *job;	    /* JOB: its pods are made from `template` by the job itself */
	struct pod_plan *template;  /* JOB; the plan of a pod without its name */
	const char *network;	    /* JOB: an option's word for its pods, or NULL; borrowed */
	bool from_option;	    /* of --configmap: not one of the files' own objects */
};

struct kube_result {
	struct pod_plan *v; /* one a Pod or a workload of one pod, in order; none when has_errors */
	size_t n;
	/* In the order of enum kube_kind. With errors they are there too, for their names alone. */
	struct kube_object *objects;
	size_t n_objects;
	struct kube_secret *secrets; /* of the types that hold credentials */
	size_t n_secrets;
	struct strlist pod_names; /* every Pod with a valid name, errors or not: for kube down */
	struct kube_diags diags;  /* in order of files and documents */
	bool has_errors;
	char digest[HASH_SHA256_HEX]; /* of the files, joined by "---\n"; "": nobody asked */
};

/* Reads, checks and translates files. Returns 0 also when the manifests have errors: they are in
 * ret->diags, and then there are no plans. -errno only when a file cannot be read. A file that
 * holds nothing that is played among all of them is an error in diags. *ret is to be given to
 * kube_result_done() in either case. Plans: ids, times and image configuration are empty, kube_yaml
 * is the canonical document, pod.source the file as given (NULL for stdin). */
int kube_load(const struct kube_input *input, struct kube_result *ret,
	      struct error *err) must_check;
/* The same for one text in memory, called `name` in messages; input->files is not looked at, and
 * relative host paths are taken from the current folder. */
void kube_load_text(const struct kube_input *input, const char *name, const char *text, size_t len,
		    struct kube_result *ret);
void kube_result_done(struct kube_result *result);
#define cleanup_kube_result cleanup(kube_result_done)
/* Every plan: those of pods, then the templates of Jobs, which have no names. Borrowed. */
size_t kube_plan_count(const struct kube_result *result);
struct pod_plan *kube_plan_at(const struct kube_result *result, size_t i);
/* A pod's name in messages; a template's is its controller. */
const char *kube_plan_word(const struct pod_spec *pod);
/* A pod of a Job by its template: named, and for an Indexed one marked with its index as Kubernetes
 * does it (label and annotation batch.kubernetes.io/job-completion-index, variable
 * JOB_COMPLETION_INDEX, host name JOB-INDEX). The caller gives *ret to pod_plan_done(). */
int kube_job_pod(const struct kube_object *job, const char *name, int64_t index,
		 struct pod_plan *ret, struct error *err) must_check;

/* The document that a pod was played from, as the pod is now: without the containers that it no
 * longer has, with those that were added. The caller owns *ret. */
int kube_follow_document(const struct pod_plan *plan, const char *yaml, char **ret,
			 struct error *err) must_check;
/* A Pod's document made from its plan alone. The caller owns *ret. generate.h has the rest. */
int kube_generate_from_plan(const struct pod_plan *plan, char **ret, struct error *err) must_check;

#endif
