/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kubekind - the kinds that `kube get`, `describe` and `delete` know: names, columns, lists.
 */
#ifndef PODIUM_CMD_KUBEKIND_H
#define PODIUM_CMD_KUBEKIND_H

#include "cmd/podium/kube/kubeout.h"
#include "cmd/podium/kube/kubetable.h"
#include "engine/state/layout.h"
#include "kube/kube.h"
#include "kube/selector.h"

enum kube_form { FORM_TABLE, FORM_WIDE, FORM_YAML, FORM_JSON, FORM_NAME };

/* One look at the objects of one kind: what is wanted, and what was found of it. */
struct kube_look {
	const struct store *store;
	const char *namespace_;	     /* NULL: every one */
	const struct strlist *names; /* empty: all */
	const struct selector *selector;
	enum kube_form form;
	int64_t now_ns;
	bool prefixed;	      /* names are shown as KIND/NAME */
	bool show_namespace;  /* a column of its own */
	size_t described;     /* how many were */
	struct strlist found; /* names */
	struct kube_table table;
	struct kube_out *out;	 /* YAML and JSON */
	struct strlist *printed; /* NAME: lines */
};

struct kube_kind_row {
	int kind;	      /* enum kube_kind, or -1: events, which have no name */
	const char *plural;   /* "pods" */
	const char *singular; /* "pod" */
	const char *shorts;   /* "po", or NULL */
	const char *group;    /* ".apps", ".batch" or "": for -o name */
	bool namespaced;
	bool in_all; /* `kube get all` shows it */
	const char *const *headers;
	const char *const *wide; /* the columns that -o wide has more, or NULL */
	/* Finds what is wanted and adds it to table, out or printed. */
	int (*list)(struct kube_look *look, const struct kube_kind_row *row, struct error *err);
	/* Prints what is wanted in full, a blank line between two; NULL: that cannot be had. */
	int (*describe)(struct kube_look *look, const struct kube_kind_row *row, struct error *err);
	/* Removes one; -ENOENT. grace_s < 0: a pod's own. NULL: that cannot be done. */
	int (*remove)(const struct store *s, const struct kube_kind_row *row,
		      const char *namespace_, const char *name, int64_t grace_s, struct error *err);
};
/* In the order of `kube get all`; ended by plural NULL. */
extern const struct kube_kind_row kube_kind_rows[];
/* By plural, singular or short name, in any case; NULL: unknown. */
const struct kube_kind_row *kube_kind_find(const char *word);
/* The same; -EINVAL lists what is known. */
int kube_kind_parse(const char *word, const struct kube_kind_row **ret,
		    struct error *err) must_check;

/* Whether an object is wanted; notes its name. namespace_ NULL: the default one. */
bool kube_look_wants(struct kube_look *look, const char *namespace_, const char *name,
		     const struct pairlist *labels);
/* Begins a row: its namespace and name. For FORM_NAME that is all: false. */
bool kube_look_begin_row(struct kube_look *look, const struct kube_kind_row *row,
			 const char *namespace_, const char *name);
bool is_form_document(enum kube_form form);

/* kubelist_pods.c */
int kube_list_pods(struct kube_look *look, const struct kube_kind_row *row,
		   struct error *err) must_check;
int kube_describe_pods(struct kube_look *look, const struct kube_kind_row *row,
		       struct error *err) must_check;
int kube_remove_pod(const struct store *s, const struct kube_kind_row *row, const char *namespace_,
		    const char *name, int64_t grace_s, struct error *err) must_check;
int kube_list_events(struct kube_look *look, const struct kube_kind_row *row,
		     struct error *err) must_check;

/* kubelist_data.c: ConfigMaps and Secrets */
int kube_list_data(struct kube_look *look, const struct kube_kind_row *row,
		   struct error *err) must_check;
int kube_describe_data(struct kube_look *look, const struct kube_kind_row *row,
		       struct error *err) must_check;
int kube_remove_data(const struct store *s, const struct kube_kind_row *row, const char *namespace_,
		     const char *name, int64_t grace_s, struct error *err) must_check;

/* kubelist_claims.c */
int kube_list_claims(struct kube_look *look, const struct kube_kind_row *row,
		     struct error *err) must_check;
int kube_describe_claims(struct kube_look *look, const struct kube_kind_row *row,
			 struct error *err) must_check;
int kube_remove_claim(const struct store *s, const struct kube_kind_row *row,
		      const char *namespace_, const char *name, int64_t grace_s,
		      struct error *err) must_check;

/* kubelist_stored.c: workloads, Jobs, PersistentVolumes */
int kube_list_stored(struct kube_look *look, const struct kube_kind_row *row,
		     struct error *err) must_check;
int kube_describe_stored(struct kube_look *look, const struct kube_kind_row *row,
			 struct error *err) must_check;

/* kuberemove.c */
int kube_remove_workload(const struct store *s, const struct kube_kind_row *row,
			 const char *namespace_, const char *name, int64_t grace_s,
			 struct error *err) must_check;
/* A Job with its pods; one that is not there is success. */
int kube_remove_job(const struct store *s, const char *namespace_, const char *name,
		    int64_t grace_s, struct error *err) must_check;
int kube_remove_volume(const struct store *s, const struct kube_kind_row *row,
		       const char *namespace_, const char *name, int64_t grace_s,
		       struct error *err) must_check;
int kube_list_namespaces(struct kube_look *look, const struct kube_kind_row *row,
			 struct error *err) must_check;
int kube_remove_namespace(const struct store *s, const struct kube_kind_row *row,
			  const char *namespace_, const char *name, int64_t grace_s,
			  struct error *err) must_check;

/* What `describe` says before the next one: a blank line but for the first. */
void kube_look_begin_block(struct kube_look *look);

#endif
