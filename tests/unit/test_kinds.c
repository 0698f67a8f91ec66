/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_kinds - what documents of other kinds than Pod become, and what the store adds to the files:
 * pods of workloads, a Job's numbers, contents of ConfigMaps and Secrets, which claim has which
 * volume, what an earlier play has left.
 *
 * Findings are compared in test_roundtrip.c; here the values are looked at.
 */
#include <stdio.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/str.h"
#include "engine/data/object.h"
#include "engine/volumes/named.h"
#include "kube/job.h"
#include "kube/kube.h"
#include "kube/objects.h"
#include "tests/support/canary.h"
#include "tests/support/cunit_main.h"
#include "tests/support/kubecase.h"

static char *word(const char *s)
{
	return (char *)(uintptr_t)s;
}

static void load_file(const char *name, const struct store *s, bool play, struct kube_result *ret)
{
	struct kube_input input = { .store = s, .for_play = play };
	struct error err = { 0 };

	strlist_addf(&input.files, "testdata/kube/%s/input.yaml", name);
	CU_ASSERT_EQUAL_FATAL(kube_load(&input, ret, &err), 0);
	strlist_done(&input.files);
}

static void load_text(const char *text, const struct store *s, bool play, struct kube_result *ret)
{
	struct kube_input input = { .store = s, .for_play = play };

	kube_load_text(&input, "text", text, strlen(text), ret);
}

static const struct kube_object *object(const struct kube_result *r, int kind, const char *name)
{
	for (size_t i = 0; i < r->n_objects; i++)
		if (r->objects[i].kind == kind && is_equal(r->objects[i].name, name))
			return &r->objects[i];
	return NULL;
}

/* ---- workloads ------------------------------------------------------------------------------- */

static void test_deployment(void)
{
	cleanup_kube_result struct kube_result r = { 0 };
	const struct kube_object *o;

	load_file("deployment-warnings", NULL, true, &r);
	CU_ASSERT_EQUAL_FATAL(r.n, 1);
	CU_ASSERT_STRING_EQUAL(r.v[0].pod.name, "web-pod");
	CU_ASSERT_STRING_EQUAL(r.v[0].pod.namespace_, "shop");
	CU_ASSERT_STRING_EQUAL(r.v[0].pod.controller, "Deployment/shop/web");
	CU_ASSERT_STRING_EQUAL(r.v[0].containers[0].full_name, "web-pod-c");
	CU_ASSERT_STRING_EQUAL(pairlist_get(&r.v[0].pod.labels, "app"), "web");
	CU_ASSERT_TRUE(strlist_has(&r.pod_names, "web-pod"));
	CU_ASSERT_PTR_NOT_NULL(strstr(r.v[0].kube_yaml, "kind: Pod"));
	o = object(&r, KUBE_DEPLOYMENT, "web");
	CU_ASSERT_PTR_NOT_NULL_FATAL(o);
	CU_ASSERT_STRING_EQUAL(o->namespace_, "shop");
	CU_ASSERT_PTR_NOT_NULL(strstr(o->yaml, "kind: Deployment"));
	CU_ASSERT_EQUAL(o->line, 1);
}

static void test_labels_are_the_templates(void)
{
	cleanup_kube_result struct kube_result r = { 0 };

	load_file("deployment", NULL, true, &r);
	CU_ASSERT_EQUAL_FATAL(r.n, 1);
	CU_ASSERT_PTR_NULL(pairlist_get(&r.v[0].pod.labels, "tier"));
	CU_ASSERT_EQUAL(r.v[0].pod.annotations.n, 1);
	CU_ASSERT_STRING_EQUAL(pairlist_get(&r.v[0].pod.annotations, "example.com/a"),
			       "from the template");
}

static void test_no_replicas(void)
{
	cleanup_kube_result struct kube_result r = { 0 };

	load_file("deployment-no-replicas", NULL, true, &r);
	CU_ASSERT_FALSE(r.has_errors);
	CU_ASSERT_EQUAL(r.n, 0);
	CU_ASSERT_EQUAL(r.n_objects, 1);
	CU_ASSERT_TRUE(strlist_has(&r.pod_names, "web-pod")); /* kube down takes an old one away */
}

/* What is wrong elsewhere does not hide what is to be taken down. */
static void test_names_with_errors(void)
{
	cleanup_kube_result struct kube_result r = { 0 };

	load_file("error-deployment", NULL, false, &r);
	CU_ASSERT_TRUE(r.has_errors);
	CU_ASSERT_EQUAL(r.n, 0);
	CU_ASSERT_TRUE(strlist_has(&r.pod_names, "mismatch-pod"));
	CU_ASSERT_PTR_NOT_NULL(object(&r, KUBE_DEPLOYMENT, "mismatch"));
	CU_ASSERT_PTR_NOT_NULL(object(&r, KUBE_DEPLOYMENT, "empty"));
}

static void test_jobs(void)
{
	cleanup_kube_result struct kube_result r = { 0 };
	const struct job_spec *j;

	load_file("job", NULL, true, &r);
	CU_ASSERT_EQUAL(r.n, 0); /* the Job makes its pods itself */
	CU_ASSERT_EQUAL_FATAL(r.n_objects, 3);
	j = object(&r, KUBE_JOB, "pi")->job;
	CU_ASSERT_TRUE(j->completions.set && j->completions.value == 1);
	CU_ASSERT_EQUAL(j->parallelism, 1);
	CU_ASSERT_EQUAL(j->backoff_limit, 6);
	CU_ASSERT_FALSE(j->indexed || j->suspend || j->ttl_s.set || j->active_deadline_s.set);
	j = object(&r, KUBE_JOB, "many")->job;
	CU_ASSERT_EQUAL(j->completions.value, 5);
	CU_ASSERT_EQUAL(j->parallelism, 2);
	CU_ASSERT_TRUE(j->indexed && j->suspend && j->replace_when_failed);
	CU_ASSERT_TRUE(j->ttl_s.set && j->ttl_s.value == 0);
	CU_ASSERT_EQUAL(j->active_deadline_s.value, 600);
	CU_ASSERT_EQUAL(j->backoff_limit, INT32_MAX); /* each index has a limit of its own */
	CU_ASSERT_EQUAL(j->backoff_limit_per_index.value, 1);
	CU_ASSERT_EQUAL(j->max_failed_indexes.value, 2);
	CU_ASSERT_EQUAL(object(&r, KUBE_JOB, "from-a-cluster")->job->backoff_limit, 3);
}

static void test_job_completions(void)
{
	static const char text[] = "apiVersion: batch/v1\nkind: Job\nmetadata: {name: j}\nspec:\n"
				   "  parallelism: 3\n  template:\n    spec:\n"
				   "      restartPolicy: Never\n"
				   "      containers: [{name: c, image: x}]\n";
	cleanup_kube_result struct kube_result r = { 0 };

	load_text(text, NULL, true, &r);
	CU_ASSERT_EQUAL_FATAL(r.n_objects, 1);
	CU_ASSERT_FALSE(r.objects[0].job->completions.set); /* done when one has succeeded */
	CU_ASSERT_EQUAL(r.objects[0].job->parallelism, 3);
}

static void test_job_template(void)
{
	cleanup_kube_result struct kube_result r = { 0 };
	cleanup_free char *text = NULL;
	const struct pod_plan *p;
	struct error err = { 0 };

	load_file("job", NULL, true, &r);
	p = object(&r, KUBE_JOB, "many")->template;
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT_STRING_EQUAL(p->pod.name, "many-pod");
	CU_ASSERT_STRING_EQUAL(p->pod.controller, "Job/batch/many");
	CU_ASSERT_EQUAL(p->pod.restart, RESTART_NEVER);
	CU_ASSERT_STRING_EQUAL(pairlist_get(&p->pod.labels, "job-name"), "many");
	CU_ASSERT_STRING_EQUAL(pairlist_get(&p->pod.labels, "batch.kubernetes.io/job-name"),
			       "many");
	/* generate shows what the user wrote */
	CU_ASSERT_PTR_NULL(strstr(p->kube_yaml, "job-name"));
	CU_ASSERT_EQUAL_FATAL(kube_generate_from_plan(p, &text, &err), 0);
	CU_ASSERT_PTR_NULL(strstr(text, "job-name"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "app: many"));
}

static void test_job_pod(void)
{
	cleanup_kube_result struct kube_result r = { 0 };
	cleanup_free char *text = NULL;
	struct pod_plan p = { 0 };
	struct error err = { 0 };

	load_file("job", NULL, true, &r);
	CU_ASSERT_EQUAL_FATAL(kube_job_pod(object(&r, KUBE_JOB, "many"), "many-pod-3", 3, &p, &err),
			      0);
	CU_ASSERT_STRING_EQUAL(p.pod.name, "many-pod-3");
	CU_ASSERT_STRING_EQUAL(p.containers[0].full_name, "many-pod-3-c");
	CU_ASSERT_STRING_EQUAL(p.pod.controller, "Job/batch/many");
	CU_ASSERT_STRING_EQUAL(p.pod.hostname, "many-3");
	CU_ASSERT_STRING_EQUAL(
		pairlist_get(&p.pod.annotations, "batch.kubernetes.io/job-completion-index"), "3");
	CU_ASSERT_EQUAL_FATAL(p.containers[0].env.n, 1);
	CU_ASSERT_STRING_EQUAL(p.containers[0].env.v[0].name, "JOB_COMPLETION_INDEX");
	CU_ASSERT_STRING_EQUAL(p.containers[0].env.v[0].value.v[0].text, "3");
	CU_ASSERT_PTR_NOT_NULL(strstr(p.kube_yaml, "name: many-pod-3"));
	/* what is written from it is the document: nothing that the user did not write */
	CU_ASSERT_EQUAL_FATAL(kube_generate_from_plan(&p, &text, &err), 0);
	CU_ASSERT_STRING_EQUAL(text, p.kube_yaml);
	pod_plan_done(&p);
	CU_ASSERT_EQUAL_FATAL(kube_job_pod(object(&r, KUBE_JOB, "pi"), "pi-pod", 0, &p, &err), 0);
	CU_ASSERT_PTR_NULL(p.pod.hostname);
	CU_ASSERT_EQUAL(p.containers[0].env.n, 0);
	pod_plan_done(&p);
}

static void test_order(void)
{
	cleanup_kube_result struct kube_result r = { 0 };

	load_file("references", NULL, true, &r);
	CU_ASSERT_EQUAL_FATAL(r.n_objects, 4);
	for (size_t i = 1; i < r.n_objects; i++)
		CU_ASSERT(r.objects[i - 1].kind <= r.objects[i].kind);
}

/* ---- data ------------------------------------------------------------------------------------ */

static void test_config_map(void)
{
	cleanup_kube_result struct kube_result r = { 0 };
	const struct data_object *d;
	const struct data_entry *e;

	load_file("config-map", NULL, true, &r);
	CU_ASSERT_EQUAL_FATAL(r.n_objects, 2);
	d = r.objects[0].data;
	CU_ASSERT_TRUE(d->immutable);
	CU_ASSERT_STRING_EQUAL(d->namespace_, "default");
	CU_ASSERT_STRING_EQUAL(pairlist_get(&d->labels, "app"), "web");
	CU_ASSERT_EQUAL(d->n, 5);
	e = data_object_find(d, "logo.png");
	CU_ASSERT_PTR_NOT_NULL_FATAL(e);
	CU_ASSERT_TRUE(e->binary);
	CU_ASSERT_EQUAL(e->len, 6);
	CU_ASSERT_EQUAL(memcmp(e->bytes, "\x89PNG\r\n", 6), 0);
	e = data_object_find(d, "nothing");
	CU_ASSERT_TRUE(e && e->len == 0 && !e->binary);
	CU_ASSERT_STRING_EQUAL(r.objects[1].namespace_, "other");
}

static void test_secret(void)
{
	cleanup_kube_result struct kube_result r = { 0 };
	const struct kube_object *o;

	load_file("secret", NULL, true, &r);
	o = object(&r, KUBE_SECRET, "plain");
	CU_ASSERT_PTR_NOT_NULL_FATAL(o);
	CU_ASSERT_PTR_NULL(o->yaml);
	CU_ASSERT_STRING_EQUAL(o->data->type, "Opaque");
	CU_ASSERT_EQUAL(o->data->n, 2);
	CU_ASSERT_STRING_EQUAL(data_object_find(o->data, "user")->bytes, "root");
	CU_ASSERT_STRING_EQUAL(data_object_find(o->data, "password")->bytes, "hunter2");
	o = object(&r, KUBE_SECRET, "tls");
	CU_ASSERT_TRUE(o->data->immutable);
	CU_ASSERT_STRING_EQUAL(data_object_find(o->data, "tls.crt")->bytes, "x");
	CU_ASSERT_EQUAL(r.n_secrets, 0);
}

static void test_no_value_is_said(void)
{
	static const char *const cases[] = { "error-secret", "error-references" };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup_kube_result struct kube_result r = { 0 };

		load_file(cases[i], NULL, true, &r);
		CU_ASSERT_TRUE(r.has_errors);
		for (size_t k = 0; k < r.diags.n; k++) {
			cleanup_free char *line = kube_diag_format(&r.diags.v[k]);

			CU_ASSERT_PTR_NULL(strstr(line, "hunter2"));
		}
	}
}

/* Texts that are no manifest: what stands there may be a Secret's. */
static void test_no_value_is_quoted(void)
{
	static const char *const texts[] = {
		"{\"kind\": \"Secret\", \"stringData\": {\"p\" \"hunter2\"}}",
		"{\"kind\": \"Secret\", \"stringData\": {\"p\": hunter2}}",
		"kind: Secret\nstringData: {p: *hunter2}\n",
		"kind: Secret\nstringData: {p: !hunter2 x}\n",
		"kind: Secret\nstringData: {p: \"hunter2\\q\"}\n",
		"kind: Secret\nstringData: {p: \"hunter2\" \"hunter2\"}\n",
	};
	cleanup_kube_result struct kube_result weak = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		cleanup_kube_result struct kube_result r = { 0 };

		load_text(texts[i], NULL, true, &r);
		CU_ASSERT_TRUE(r.has_errors);
		CU_ASSERT_FALSE(kubecase_has(&r, KUBE_ERROR, "", "hunter2"));
	}
	(void)setenv("PODIUM_WEAKEN", "ENV-4", 1);
	load_text(texts[0], NULL, true, &weak);
	(void)unsetenv("PODIUM_WEAKEN");
	CU_ASSERT_TRUE(kubecase_has(&weak, KUBE_ERROR, "", "hunter2"));
}

/* What kubectl keeps in an annotation is the Secret once more. */
static void test_applied_annotation(void)
{
	static const char text[] =
		"apiVersion: v1\nkind: Secret\nmetadata:\n  name: s\n  annotations:\n"
		"    a: b\n"
		"    kubectl.kubernetes.io/last-applied-configuration: '{\"p\": \"hunter2\"}'\n"
		"    c: d\nstringData: {p: hunter2}\n";
	static const char key[] = "kubectl.kubernetes.io/last-applied-configuration";
	cleanup_kube_result struct kube_result r = { 0 }, weak = { 0 };
	const struct kube_object *o;

	load_text(text, NULL, true, &r);
	o = object(&r, KUBE_SECRET, "s");
	CU_ASSERT_PTR_NOT_NULL_FATAL(o);
	CU_ASSERT_EQUAL(o->data->annotations.n, 2);
	CU_ASSERT_PTR_NULL(pairlist_get(&o->data->annotations, key));
	CU_ASSERT_STRING_EQUAL(pairlist_get(&o->data->annotations, "c"), "d");
	(void)setenv("PODIUM_WEAKEN", "ENV-4", 1);
	load_text(text, NULL, true, &weak);
	(void)unsetenv("PODIUM_WEAKEN");
	o = object(&weak, KUBE_SECRET, "s");
	CU_ASSERT_PTR_NOT_NULL_FATAL(o);
	CU_ASSERT_PTR_NOT_NULL(pairlist_get(&o->data->annotations, key));
}

static bool fits_with(size_t bytes)
{
	cleanup_kube_result struct kube_result r = { 0 };
	struct buf text = BUF_INIT((size_t)4 << 20);
	cleanup_free char *half = xmalloc(bytes / 2 + 1);
	bool large;

	memset(half, 'a', bytes / 2);
	half[bytes / 2] = '\0';
	buf_printf(&text, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m}\ndata:\n");
	buf_adds(&text, "  a: ");
	buf_adds(&text, half);
	buf_adds(&text, "\n  b: ");
	buf_adds(&text, half);
	buf_adds(&text, "\n");
	load_text(text.data, NULL, true, &r);
	large = kubecase_has(&r, KUBE_ERROR, "data", "1 MiB");
	buf_done(&text);
	return !large && !r.has_errors;
}

static void test_size(void)
{
	CU_ASSERT_TRUE(fits_with((size_t)1 << 20));
	CU_ASSERT_FALSE(fits_with(((size_t)1 << 20) + 2));
}

/* ---- claims ---------------------------------------------------------------------------------- */

static void check_bound(const struct kube_result *r, const char *claim, const char *volume,
			const char *path)
{
	const struct kube_object *o = object(r, KUBE_PVC, claim);

	CU_ASSERT_PTR_NOT_NULL_FATAL(o);
	CU_ASSERT_TRUE(is_equal(o->claim->bound_volume, volume));
	CU_ASSERT_TRUE(!path || is_suffix(o->claim->host_path, path));
}

static void test_binding(void)
{
	cleanup_kube_result struct kube_result r = { 0 };

	load_file("claims-bound", NULL, true, &r);
	CU_ASSERT_FALSE(r.has_errors);
	check_bound(&r, "by-name", "named", "/srv/named");
	CU_ASSERT_TRUE(object(&r, KUBE_PVC, "by-name")->claim->host_path_create);
	check_bound(&r, "by-class", "fits", "/testdata/kube/claims-bound/relative");
	check_bound(&r, "by-selector", "ssd", "/mnt/ssd");
	check_bound(&r, "promised", "for-promised", "/srv/promised");
}

static void test_new_volumes(void)
{
	cleanup_kube_result struct kube_result r = { 0 };
	const struct named_volume *v;

	load_file("claims", NULL, true, &r);
	check_bound(&r, "data", NULL, NULL);
	v = object(&r, KUBE_PVC, "data")->claim;
	CU_ASSERT_STRING_EQUAL(v->name, "data");
	CU_ASSERT_STRING_EQUAL(v->claim_namespace, "shop");
	CU_ASSERT_STRING_EQUAL(v->capacity, "1Gi");
	CU_ASSERT_STRING_EQUAL(v->access_modes.v[0], "ReadWriteOnce");
	CU_ASSERT_STRING_EQUAL(pairlist_get(&v->labels, "app"), "db");
	CU_ASSERT_TRUE(v->played && v->copied_up);
	CU_ASSERT_PTR_NULL(v->host_path);
	CU_ASSERT_PTR_NOT_NULL(strstr(v->claim_yaml, "PersistentVolumeClaim"));
	v = object(&r, KUBE_PVC, "fast")->claim;
	CU_ASSERT_STRING_EQUAL(v->host_path, "/srv/fast");
	CU_ASSERT_STRING_EQUAL(v->storage_class, "standard");
}

/* ---- what the store adds --------------------------------------------------------------------- */

struct fixture {
	char *path;
	struct store s;
	struct error err;
};

static void setup(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	f->path = temp_make();
	temp_store(f->path, &f->s);
}

static void teardown(struct fixture *f)
{
	store_close(&f->s);
	temp_remove(f->path);
}

static void store_data(struct fixture *f, enum data_kind kind, const char *name, const char *type,
		       const char *key, const char *value)
{
	cleanup_data_object struct data_object d = { .kind = (int)kind,
						     .name = xstrdup(name),
						     .type = xstrdup_or_null(type) };

	data_object_add(&d, key, value, strlen(value), false);
	CU_ASSERT_EQUAL(data_object_write(&f->s, &d, &f->err), 0);
}

static const char using_pod[] =
	"apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n"
	"  imagePullSecrets: [{name: reg}]\n"
	"  containers:\n  - name: c\n    image: x\n"
	"    envFrom: [{configMapRef: {name: settings}}]\n"
	"    env: [{name: A, valueFrom: {secretKeyRef: {name: keys, key: a}}}]\n"
	"    volumeMounts: [{name: v, mountPath: /v}]\n"
	"  volumes: [{name: v, persistentVolumeClaim: {claimName: data}}]\n";

static void test_references_in_store(void)
{
	struct named_volume v = { .name = word("data"), .claim_namespace = word("default") };
	struct fixture f;

	setup(&f);
	{
		cleanup_kube_result struct kube_result r = { 0 };

		load_text(using_pod, &f.s, false, &r); /* play says so itself */
		CU_ASSERT_FALSE(r.has_errors);
		CU_ASSERT_TRUE(kubecase_has(&r, KUBE_WARNING, "", "an empty volume"));
	}
	{
		cleanup_kube_result struct kube_result r = { 0 };

		load_text(using_pod, &f.s, true, &r);
		CU_ASSERT_TRUE(kubecase_has(&r, KUBE_ERROR, "", "no ConfigMap 'settings'"));
		CU_ASSERT_TRUE(kubecase_has(&r, KUBE_ERROR, "", "no Secret 'keys'"));
		CU_ASSERT_TRUE(kubecase_has(&r, KUBE_WARNING, "", "credentials"));
		CU_ASSERT_FALSE(kubecase_has(&r, KUBE_WARNING, "", "an empty volume"));
	}
	store_data(&f, DATA_CONFIG, "settings", NULL, "a", "b");
	store_data(&f, DATA_SECRET, "keys", "Opaque", "a", "b");
	store_data(&f, DATA_SECRET, "reg", "kubernetes.io/dockerconfigjson", ".dockerconfigjson",
		   "{\"auths\": {}}");
	CU_ASSERT_EQUAL(named_volume_create(&f.s, &v, &f.err), 0);
	{
		cleanup_kube_result struct kube_result r = { 0 };

		load_text(using_pod, &f.s, true, &r);
		kubecase_print(&r);
		CU_ASSERT_EQUAL(r.diags.n, 0);
		CU_ASSERT_EQUAL(r.n, 1);
		CU_ASSERT_EQUAL(r.n_objects, 0);
		CU_ASSERT_EQUAL_FATAL(r.n_secrets, 1);
		CU_ASSERT_STRING_EQUAL(r.secrets[0].auths, "{\"auths\": {}}");
	}
	teardown(&f);
}

static const char claim_of_class[] = "apiVersion: v1\nkind: PersistentVolumeClaim\n"
				     "metadata: {name: data}\nspec:\n  storageClassName: manual\n"
				     "  accessModes: [ReadWriteOnce]\n"
				     "  resources: {requests: {storage: 1Gi}}\n";

static void store_pv(struct fixture *f, const char *name)
{
	cleanup_free char *yaml =
		xasprintf("apiVersion: v1\nkind: PersistentVolume\nmetadata: {name: %s}\nspec:\n"
			  "  capacity: {storage: 1Gi}\n  accessModes: [ReadWriteOnce]\n"
			  "  storageClassName: manual\n  hostPath: {path: /srv/%s}\n",
			  name, name);
	struct stored_object o = { .name = word(name), .yaml = yaml };

	CU_ASSERT_EQUAL(object_write(&f->s, KUBE_PV, &o, &f->err), 0);
}

static void test_volumes_in_store(void)
{
	struct named_volume other = { .name = word("other"),
				      .claim_namespace = word("default"),
				      .host_path = word("/srv/a"),
				      .bound_volume = word("a") };
	struct named_volume mine = { .name = word("data"),
				     .claim_namespace = word("default"),
				     .host_path = word("/srv/b"),
				     .bound_volume = word("b") };
	struct fixture f;

	setup(&f);
	store_pv(&f, "a");
	CU_ASSERT_EQUAL(named_volume_create(&f.s, &other, &f.err), 0);
	{
		cleanup_kube_result struct kube_result r = { 0 };

		load_text(claim_of_class, &f.s, true, &r); /* another claim has it */
		CU_ASSERT_TRUE(kubecase_has(&r, KUBE_ERROR, "spec.storageClassName", "fits"));
	}
	store_pv(&f, "b");
	store_pv(&f, "c");
	{
		cleanup_kube_result struct kube_result r = { 0 };

		load_text(claim_of_class, &f.s, true, &r);
		CU_ASSERT_FALSE(r.has_errors);
		check_bound(&r, "data", "b", "/srv/b");
	}
	CU_ASSERT_EQUAL(named_volume_create(&f.s, &mine, &f.err), 0);
	{
		cleanup_kube_result struct kube_result r = { 0 };

		load_text(claim_of_class, &f.s, true, &r); /* what it has it keeps */
		CU_ASSERT_FALSE(r.has_errors);
		check_bound(&r, "data", "b", "/srv/b");
	}
	teardown(&f);
}

static void test_claim_of_another_namespace(void)
{
	struct named_volume v = { .name = word("data"), .claim_namespace = word("shop") };
	cleanup_kube_result struct kube_result r = { 0 }, pod = { 0 };
	struct fixture f;

	setup(&f);
	CU_ASSERT_EQUAL(named_volume_create(&f.s, &v, &f.err), 0);
	load_text(claim_of_class, &f.s, true, &r);
	CU_ASSERT_TRUE(kubecase_has(&r, KUBE_ERROR, "metadata.name", "of namespace 'shop'"));
	load_text(using_pod, &f.s, true, &pod);
	CU_ASSERT_TRUE(kubecase_has(&pod, KUBE_ERROR,
				    "spec.volumes[0].persistentVolumeClaim.claimName",
				    "of namespace 'shop'"));
	teardown(&f);
}

static CU_TestInfo tests[] = {
	{ "a Deployment's pod", test_deployment },
	{ "labels and annotations are the template's", test_labels_are_the_templates },
	{ "no replicas, no pod", test_no_replicas },
	{ "names with errors", test_names_with_errors },
	{ "a Job's numbers and defaults", test_jobs },
	{ "a Job without completions", test_job_completions },
	{ "a Job's template", test_job_template },
	{ "a pod of a Job", test_job_pod },
	{ "objects are in order of their kinds", test_order },
	{ "ConfigMap", test_config_map },
	{ "Secret", test_secret },
	{ "no value of a Secret is said", test_no_value_is_said },
	{ "no value of a Secret is quoted", test_no_value_is_quoted },
	{ "what kubectl applied", test_applied_annotation },
	{ "1 MiB of values", test_size },
	{ "claims and volumes", test_binding },
	{ "claims without a volume", test_new_volumes },
	{ "references in the store", test_references_in_store },
	{ "volumes in the store", test_volumes_in_store },
	{ "a claim of another namespace", test_claim_of_another_namespace },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = { { "kinds", NULL, NULL, NULL, NULL, tests }, CU_SUITE_INFO_NULL };
TEST_MAIN(suites)
