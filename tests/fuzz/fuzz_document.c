/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_document - any bytes as a manifest: no crash, no leak, and when it is good, the law: what is
 * written from it plays back to an equal plan, from the document and from the plan alone.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kube/document.h"
#include "kube/encode.h"
#include "kube/kube.h"
#include "schemas/models.h"
#include "tests/fuzz/fuzz.h"

static void violated(const char *what, const char *yaml, const char *detail)
{
	(void)fprintf(stderr, "%s: %s\n%s\n", what, detail ? detail : "", yaml ? yaml : "");
	abort();
}

static void check_replay(const char *how, const struct pod_plan *plan, const char *yaml)
{
	struct kube_input input = { 0 };
	struct kube_result again;
	char *path = NULL;

	kube_load_text(&input, "again", yaml, strlen(yaml), &again);
	if (again.n != 1) {
		char *line = again.diags.n ? kube_diag_format(&again.diags.v[0]) : NULL;

		violated(how, yaml, line);
	}
	/* a pod of a workload, played by itself, is controlled by nothing */
	again.v[0].pod.controller = xstrdup_or_null(plan->pod.controller);
	if (!record_equal(&pod_spec_type, &plan->pod, &again.v[0].pod, &path))
		violated(how, yaml, path);
	if (plan->n_containers != again.v[0].n_containers)
		violated(how, yaml, "containers");
	for (size_t i = 0; i < plan->n_containers; i++) {
		if (!record_equal(&container_spec_type, &plan->containers[i],
				  &again.v[0].containers[i], &path))
			violated(how, yaml, path);
	}
	kube_result_done(&again);
}

/* A stored Pod, read and written as generate does it. */
static int write_again(const char *yaml, char **ret, struct error *err)
{
	cleanup_doc_set struct doc_set set = { 0 };
	struct doc_place where;
	int r = document_parse(yaml, strlen(yaml), &set, &where, err);

	if (r == 0 && set.n != 1)
		r = error_set(err, EBADMSG, "%zu documents", set.n);
	return r < 0 ? r : encode_checked(&schema_pod, set.v[0], ret, err);
}

static void check_plan(const struct pod_plan *plan)
{
	struct error err = { 0 };
	char *document = NULL, *from_plan = NULL;

	if (write_again(plan->kube_yaml, &document, &err) < 0)
		violated("generate", plan->kube_yaml, err.text);
	if (strcmp(document, plan->kube_yaml) != 0)
		violated("fixed point", plan->kube_yaml, document);
	if (kube_generate_from_plan(plan, &from_plan, &err) < 0)
		violated("generate from plan", plan->kube_yaml, err.text);
	check_replay("document", plan, document);
	check_replay("plan", plan, from_plan);
	free(document);
	free(from_plan);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct kube_input input = { 0 };
	struct kube_result r;
	char *text = xstrndup("", 0);

	text = xreallocarray(text, size + 1, 1);
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	kube_load_text(&input, "input", text, size, &r);
	for (size_t i = 0; i < r.diags.n; i++)
		free(kube_diag_format(&r.diags.v[i]));
	for (size_t i = 0; i < r.n; i++)
		check_plan(&r.v[i]);
	kube_result_done(&r);
	free(text);
	return 0;
}
