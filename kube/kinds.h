/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kinds - within kube/: what is known while files are read, and one reader for each kind.
 */
#ifndef PODIUM_KUBE_KINDS_H
#define PODIUM_KUBE_KINDS_H

#include "engine/data/object.h"
#include "kube/binding.h"
#include "kube/diag.h"
#include "kube/kube.h"
#include "kube/node.h"
#include "schemas/schema.h"
#include "schemas/types.h"

/* What a pod refers to, with its place: the document of it may come later in the files. */
struct wanted {
	int kind; /* enum kube_kind: CONFIG_MAP, SECRET, PVC */
	char *namespace_;
	char *name;
	char *key; /* or NULL */
	bool optional;
	bool unmounted;	  /* of a volume that no container mounts: not missed */
	bool credentials; /* an imagePullSecrets entry */
	char *file;
	char *path;
	struct doc_place place;
};

struct load {
	const struct kube_input *input;
	struct kube_result *result;
	const char *file;     /* for messages */
	const char *path;     /* as given; NULL for stdin */
	struct arena *arena;  /* of the file's trees */
	size_t documents;     /* of kinds that are played, errors or not */
	bool from_option;     /* the file is of --configmap */
	struct strlist names; /* of pods, those that a Job makes too */
	struct wanted *wanted;
	size_t n_wanted;
	struct binding binding;
	struct buf joined; /* the texts, for the digest */
};

/* Reads one document of a kind. What is wrong goes to the sink, whose root the document is. */
typedef void kind_reader(struct load *l, const struct diag_sink *sink, struct node *root);
kind_reader load_pod, load_deployment, load_daemon_set, load_replica_set, load_job;
kind_reader load_config_map, load_secret, load_namespace, load_claim, load_volume;

/* The reader of the document's kind, or what is to be said. Not for a List. */
void load_kind(struct load *l, const struct diag_sink *sink, struct node *root, const char *version,
	       const char *kind);

/* ---- kind_pod.c -------------------------------------------------------------------------------
 */

/* A pod that a workload makes from its template. */
struct pod_owner {
	enum kube_kind kind;
	const struct k8s_meta *meta;	/* the workload's; may be NULL */
	struct k8s_template *template_; /* its spec is taken; may be NULL */
};
/* Reads the template as the pod NAME-pod. Fills *ret when no error was found; true then. */
bool load_template(struct load *l, const struct diag_sink *sink, const struct node *root,
		   const struct pod_owner *owner, struct pod_plan *ret);
/* Makes a plan one of the result's own. */
void add_plan(struct load *l, const struct pod_plan *plan);
/* "/folder/of/manifest/PATH" for a relative path of the host; the caller owns it. */
char *absolute_host_path(const struct load *l, const char *path);

/* ---- wanted.c ---------------------------------------------------------------------------------
 */

/* Notes all that a pod refers to. */
void note_secrets(struct load *l, const struct diag_sink *sink, const struct node *root,
		  const struct k8s_pod *pod);
void note_references(struct load *l, const struct diag_sink *sink, const struct node *root,
		     const struct pod_plan *plan);
/* After all files are read: what of it is nowhere. */
void check_wanted(struct load *l);
void forget_wanted(struct load *l);

/* ---- kind_claim.c -----------------------------------------------------------------------------
 */

/* A stored document of a PersistentVolume. *ret is to be freed in any case. */
bool volume_decode(const struct node *root, struct k8s_pv *ret, const char **ret_foreign);

/* ---- objects ----------------------------------------------------------------------------------
 */

/* An object of the result for a document, or NULL when it has no valid name or there is one of that
 * name. Valid until the next is added. */
struct kube_object *add_object(struct load *l, const struct diag_sink *sink, enum kube_kind kind,
			       const struct k8s_meta *meta);
void kube_object_done(struct kube_object *o);
/* Of the result, by kind, namespace (NULL: the default one) and name; or NULL. */
struct kube_object *find_object(const struct kube_result *r, enum kube_kind kind,
				const char *namespace_, const char *name);
/* Writes the canonical document. */
void object_write_yaml(const struct diag_sink *sink, const struct schema_type *type,
		       const struct node *root, struct kube_object *o);
/* By kind, in the order in which they are to be made. */
void sort_objects(struct kube_result *r);
/* In no namespace. */
bool is_cluster_wide(enum kube_kind kind);

/* ---- kind_config.c ----------------------------------------------------------------------------
 */

/* A new object with everything but its entries. */
struct data_object *data_of_meta(const struct load *l, enum data_kind kind,
				 const struct k8s_meta *meta);
/* About a name that is too long for the store. */
void check_data_name(const struct diag_sink *sink, const struct k8s_meta *meta);
/* About an entry of a field ("data"): its key is no file name. */
void check_data_key(const struct diag_sink *sink, const char *field, const char *key);
void check_data_size(const struct diag_sink *sink, const char *field, const struct data_object *d);
/* Adds an entry from base64, which is cleared; what is not base64 the table has told. */
void add_coded(struct data_object *d, const char *key, const char *coded, bool binary);

#endif
