/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_decode - findings of the table-driven reader, its memory, and the facade around it.
 *
 * YAML-4: a document for each field of each honoured type is made from the tables; whether it is
 * honoured, warned about or dropped must be what docs/kubernetes.md says, a list that is reviewed
 * when it changes (PODIUM_GOLDEN=1 writes it).
 */
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>

#include "engine/base/fs.h"
#include "engine/base/str.h"
#include "kube/decode.h"
#include "kube/document.h"
#include "schemas/models.h"
#include "schemas/types.h"
#include "tests/support/cunit_main.h"
#include "tests/support/kubecase.h"

#define SUPPORT_FILE "docs/kubernetes.md"

/* ---- decode_object
 * ------------------------------------------------------------------------------- */

static void test_values_arrive(void)
{
	static const char text[] =
		"metadata: {name: nn, labels: {a: b, '1': c}}\n"
		"spec:\n"
		"  terminationGracePeriodSeconds: 1e1\n"
		"  hostNetwork: yes\n"
		"  hostname: ~\n"
		"  containers:\n"
		"  - {name: c, image: i, command: [a, ''], ports: [{containerPort: 0x50}],\n"
		"     resources: {limits: {cpu: .5, memory: 1_024, x/y: '2'}}}\n"
		"  securityContext: {supplementalGroups: [1, 0x10]}\n"
		"apiVersion: v1\nkind: Pod\n";
	struct kube_diags diags = { 0 };
	struct doc_set set;
	struct doc_place where;
	struct error err = { 0 };
	struct k8s_pod pod = { 0 };
	struct diag_sink sink = { .list = &diags, .file = "f" };

	CU_ASSERT_EQUAL_FATAL(document_parse(text, strlen(text), &set, &where, &err), 0);
	decode_object(&sink, &schema_pod, set.v[0], &pod);
	doc_set_done(&set); /* the object must not point into the tree */
	CU_ASSERT_EQUAL(diags.n, 0);
	CU_ASSERT_STRING_EQUAL(pairlist_get(&pod.meta->labels, "1"), "c");
	CU_ASSERT_TRUE(pod.spec->host_network.set && pod.spec->host_network.value);
	CU_ASSERT_FALSE(pod.spec->host_pid.set);
	CU_ASSERT_PTR_NULL(pod.spec->hostname);
	CU_ASSERT_EQUAL(pod.spec->grace_seconds.value, 10);
	CU_ASSERT_EQUAL(pod.spec->containers.n, 1);
	CU_ASSERT_EQUAL(pod.spec->containers.v[0].command.n, 2);
	CU_ASSERT_EQUAL(pod.spec->containers.v[0].ports.v[0].container_port.value, 80);
	CU_ASSERT_STRING_EQUAL(pairlist_get(&pod.spec->containers.v[0].resources->limits, "memory"),
			       "1024");
	CU_ASSERT_STRING_EQUAL(pod.spec->security->supplemental_groups.v[1], "16");
	decode_done(&schema_pod, &pod);
	CU_ASSERT_PTR_NULL(pod.spec);
	kube_diags_done(&diags);
}

/* After any finding what could be read is there, and nothing leaks (VARIANT=san). */
static void test_findings_do_not_stop(void)
{
	cleanup_kube_result struct kube_result r = { 0 };
	cleanup_free char *yaml =
		kubecase_pod("command: [1, a, {b: c}]\nports: [x, {containerPort: y}]\n"
			     "resources: {limits: 5}\nenv: {a: b}\nfoo: bar\n",
			     "hostAliases: [[], {ip: 5}]\nvolumes: 7\n");

	kubecase_load(yaml, false, false, &r);
	CU_ASSERT_TRUE(r.has_errors);
	CU_ASSERT_TRUE(kubecase_has(&r, KUBE_ERROR, "spec.containers[0].command[0]", "in quotes"));
	CU_ASSERT_TRUE(kubecase_has(&r, KUBE_ERROR, "spec.containers[0].command[2]", "a mapping"));
	CU_ASSERT_TRUE(kubecase_has(&r, KUBE_ERROR, "spec.containers[0].ports[0]", "a mapping"));
	CU_ASSERT_TRUE(
		kubecase_has(&r, KUBE_ERROR, "spec.containers[0].ports[1].containerPort", "'y'"));
	CU_ASSERT_TRUE(
		kubecase_has(&r, KUBE_ERROR, "spec.containers[0].resources.limits", "mapping"));
	CU_ASSERT_TRUE(kubecase_has(&r, KUBE_ERROR, "spec.containers[0].env", "a list"));
	CU_ASSERT_TRUE(kubecase_has(&r, KUBE_ERROR, "spec.containers[0].foo", "unknown field"));
	CU_ASSERT_TRUE(kubecase_has(&r, KUBE_ERROR, "spec.hostAliases[0]", "a mapping"));
	CU_ASSERT_TRUE(kubecase_has(&r, KUBE_ERROR, "spec.volumes", "a list"));
	CU_ASSERT_EQUAL(r.n, 0);
	CU_ASSERT_TRUE(strlist_has(&r.pod_names, "p")); /* kube down still finds its pod */
}

static void test_nearest_name(void)
{
	static const char *const names[] = { "image", "imagePullPolicy", "env", "envFrom", "tty" };
	const size_t n = ARRAY_SIZE(names);

	CU_ASSERT_STRING_EQUAL(nearest_name("imgae", names, n), "image");
	CU_ASSERT_STRING_EQUAL(nearest_name("imagepullpolicy", names, n), "imagePullPolicy");
	CU_ASSERT_STRING_EQUAL(nearest_name("imagePulPolcy", names, n), "imagePullPolicy");
	CU_ASSERT_STRING_EQUAL(nearest_name("Env", names, n), "env");
	CU_ASSERT_PTR_NULL(nearest_name("volumeMounts", names, n));
	CU_ASSERT_PTR_NULL(nearest_name("x", names, n));
	CU_ASSERT_PTR_NULL(nearest_name("", names, n));
}

/* ---- the facade
 * ---------------------------------------------------------------------------------- */

static void test_facade(void)
{
	struct kube_input input = { 0 };
	struct kube_result r;
	struct error err = { 0 };

	strlist_add(&input.files, "/nonexistent/file.yaml");
	CU_ASSERT_EQUAL(kube_load(&input, &r, &err), -ENOENT);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "/nonexistent/file.yaml"));
	kube_result_done(&r);
	strlist_done(&input.files);
	strlist_add(&input.files, "testdata/kube");
	CU_ASSERT_EQUAL(kube_load(&input, &r, &err), -EISDIR);
	kube_result_done(&r);
	strlist_done(&input.files);
	strlist_add(&input.files, "-");
	strlist_add(&input.files, "-");
	CU_ASSERT_EQUAL(kube_load(&input, &r, &err), -EINVAL);
	kube_result_done(&r);
	strlist_done(&input.files);
	strlist_add(&input.files, "testdata/kube/minimal/input.yaml");
	strlist_add(&input.files, "testdata/kube/error-tab/input.yaml");
	strlist_add(&input.files, "testdata/kube/minimal/input.yaml");
	CU_ASSERT_EQUAL(kube_load(&input, &r, &err), 0);
	CU_ASSERT_EQUAL(r.n, 0);
	CU_ASSERT_TRUE(kubecase_has(&r, KUBE_ERROR, "", "a tab"));
	CU_ASSERT_TRUE(kubecase_has(&r, KUBE_ERROR, "metadata.name", "read before"));
	CU_ASSERT_EQUAL(r.pod_names.n, 1);
	kube_result_done(&r);
	strlist_done(&input.files);
	input.plain_names = true;
	strlist_add(&input.files, "testdata/kube/minimal/input.yaml");
	CU_ASSERT_EQUAL_FATAL(kube_load(&input, &r, &err), 0);
	CU_ASSERT_EQUAL_FATAL(r.n, 1);
	CU_ASSERT_STRING_EQUAL(r.v[0].containers[0].full_name, "c");
	CU_ASSERT_STRING_EQUAL(r.v[0].pod.source, "testdata/kube/minimal/input.yaml");
	kube_result_done(&r);
	strlist_done(&input.files);
}

static void test_many_findings(void)
{
	cleanup_kube_result struct kube_result r = { 0 };
	struct buf text = BUF_INIT((size_t)1 << 20);
	cleanup_free char *yaml = NULL;

	for (int i = 0; i < 3000; i++)
		buf_printf(&text, "k%d: x\n", i);
	yaml = kubecase_pod(text.data, "");
	kubecase_load(yaml, false, false, &r);
	CU_ASSERT_EQUAL(r.diags.n, KUBE_MAX_DIAGS);
	CU_ASSERT_EQUAL(r.diags.errors, 3000);
	CU_ASSERT_EQUAL(r.diags.dropped, 3000 - KUBE_MAX_DIAGS);
	buf_done(&text);
}

static void test_findings_are_printable(void)
{
	struct kube_diag d = { .file = (char *)"f",
			       .line = 1,
			       .column = 2,
			       .path = (char *)"a\033[31m",
			       .text = (char *)"b\r\n" };
	cleanup_free char *line = kube_diag_format(&d);

	CU_ASSERT_PTR_NULL(strchr(line, '\033'));
	CU_ASSERT_PTR_NULL(strchr(line, '\r'));
	CU_ASSERT_EQUAL(strncmp(line, "f:1:2: a", 8), 0);
	d.line = 0;
	d.path = (char *)"";
	free(line);
	line = kube_diag_format(&d);
	CU_ASSERT_EQUAL(strncmp(line, "f: b", 4), 0);
}

/* ---- a small stack
 * ------------------------------------------------------------------------------- */

#define SMALL_STACK ((size_t)256 * 1024)

/* Every manifest there is, and the deepest that is accepted. */
static void *load_everything(void *arg)
{
	struct kube_input input = { 0 };
	struct buf deep = BUF_INIT((size_t)1 << 20);
	size_t *loaded = arg;
	struct kube_result r;
	struct error err = { 0 };
	DIR *d = opendir("testdata/kube");
	const struct dirent *e;

	while (d && (e = readdir(d)))
		if (e->d_name[0] != '.')
			strlist_addf(&input.files, "testdata/kube/%s/input.yaml", e->d_name);
	if (d)
		(void)closedir(d);
	for (size_t i = 0; i < input.files.n; i++) {
		struct kube_input one = { .files = { &input.files.v[i], 1 } };

		*loaded += kube_load(&one, &r, &err) == 0;
		kube_result_done(&r);
	}
	strlist_done(&input.files);
	buf_adds(&deep,
		 "apiVersion: v1\nkind: Pod\nmetadata: {name: p, managedFields: [{fieldsV1: ");
	for (int i = 0; i < 59; i++)
		buf_adds(&deep, "{a: ");
	for (int i = 0; i < 59; i++)
		buf_adds(&deep, "}");
	buf_adds(&deep, "}]}\nspec: {containers: [{name: c, image: x}]}\n");
	kube_load_text(&input, "deep", deep.data, deep.len, &r);
	*loaded += r.n;
	kube_result_done(&r);
	buf_done(&deep);
	return NULL;
}

static void test_small_stack(void)
{
	pthread_attr_t attr;
	pthread_t thread;
	size_t loaded = 0;

	CU_ASSERT_EQUAL(pthread_attr_init(&attr), 0);
	CU_ASSERT_EQUAL(pthread_attr_setstacksize(&attr, SMALL_STACK), 0);
	CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, &attr, load_everything, &loaded), 0);
	CU_ASSERT_EQUAL(pthread_join(thread, NULL), 0);
	CU_ASSERT(loaded > 80);
	(void)pthread_attr_destroy(&attr);
}

/* ---- every field: honoured, warned or dropped --------------------------------------------------
 */

static const char *sample(const struct schema_field *f)
{
	static const char *const ones[] = {
		[FIELD_STRING] = "text",
		[FIELD_INT32] = "7",
		[FIELD_INT64] = "7",
		[FIELD_BOOL] = "true",
		[FIELD_QUANTITY] = "1",
		[FIELD_INT_OR_STRING] = "7",
		[FIELD_TIMESTAMP] = "2026-01-01T00:00:00Z",
		[FIELD_BYTES] = "aGk=",
		[FIELD_ANY] = "7",
		[FIELD_OBJECT] = "{unknownInside: 1}",
	};

	return f->values ? f->values[1] : ones[f->type];
}

/* What the reader says about an object that has this one field. */
static const char *verdict(const struct schema_type *type, const struct schema_field *f)
{
	cleanup_free char *text = NULL;
	struct kube_diags diags = { 0 };
	struct diag_sink sink = { .list = &diags, .file = "f" };
	struct doc_set set;
	struct doc_place where;
	struct error err = { 0 };
	void *obj = xcalloc(1, type->size);
	const char *ret = "dropped";

	text = xasprintf("%s: %s%s%s\n", f->name,
			 f->shape == SHAPE_LIST	 ? "["
			 : f->shape == SHAPE_MAP ? "{key: "
						 : "",
			 sample(f),
			 f->shape == SHAPE_LIST	 ? "]"
			 : f->shape == SHAPE_MAP ? "}"
						 : "");
	if (document_parse(text, strlen(text), &set, &where, &err) == 0)
		decode_object(&sink, type, set.v[0], obj);
	for (size_t i = 0; i < diags.n; i++) {
		if (diags.v[i].severity == KUBE_WARNING)
			ret = "warned";
	}
	if (f->support == FIELD_HONOURED && strcmp(ret, "dropped") == 0) {
		const unsigned char *bytes = (const unsigned char *)obj + f->offset;

		ret = bytes[0] || bytes[1] || bytes[2] || bytes[3] || bytes[4] || bytes[5]
			      ? "honoured"
			      : "lost";
	}
	if (f->support == FIELD_KNOWN && f->harmless && strcmp(f->harmless, "*") == 0)
		ret = "moot";
	/* an unknown name is found at any depth, also where nothing is honoured */
	if (f->type == FIELD_OBJECT && f->shape != SHAPE_MAP && !diags.errors)
		ret = "not looked into";
	doc_set_done(&set);
	decode_done(type, obj);
	free(obj);
	kube_diags_done(&diags);
	return ret;
}

static const char support_head[] =
	"# Kubernetes kinds and fields\n\n"
	"Every kind that Podium knows, then every field of every type that a played kind holds. No "
	"field is\n"
	"ignored in silence:\n\n"
	"- *honoured*: it does what Kubernetes says; the last column tells where that ends.\n"
	"- *warned*: it is checked and has no effect on one host. Who plays or validates the "
	"manifest "
	"is\n"
	"  told so, with line and column; `--strict` makes it an error. The last column tells "
	"why.\n"
	"- *moot*: nothing on one host depends on it, whatever its value.\n"
	"- *dropped*: an API server writes it, never a person (`kubectl get -o yaml` can be played "
	"as "
	"it is).\n\n"
	"A field that is not listed is unknown, and an error that names the nearest known one. A "
	"value "
	"of a\n"
	"wrong type is an error too. Types that nothing honoured holds are left out: their holder "
	"is "
	"*warned*.\n\n"
	"What can be validated but is refused by `kube play`, since the pod would not be what was "
	"asked "
	"for:\n"
	"a volume that a container mounts and whose source is only known here (nfs, csi, ...), a\n"
	"projected `serviceAccountToken`, `clusterTrustBundle` or `podCertificate`, "
	"`seLinuxOptions`, a "
	"claim\n"
	"for which there is neither a document nor a volume. `os.name: windows`, `volumeMode: "
	"Block` and "
	"a\n"
	"sysctl that is not the pod's own are errors everywhere.\n\n"
	"Made from the tables in `schemas/` by tests/unit/test_decode.c (`PODIUM_GOLDEN=1` writes "
	"it). "
	"That\n"
	"each row is true is shown by tests/unit/test_fieldtable.c, which changes every field and "
	"looks "
	"at what\n"
	"comes of it; `testdata/fields` is its result, by path.\n\n"
	"## Kinds\n\n| apiVersion | kind | here |\n|---|---|---|\n";

#define MAX_TYPES 256

/* Every type that an honoured field holds, those that come first in the manifest first. */
static size_t reached(const struct schema_type **seen, size_t n, const struct schema_type *t)
{
	for (size_t i = 0; i < n; i++)
		if (seen[i] == t)
			return n;
	if (n == MAX_TYPES)
		return n;
	seen[n++] = t;
	for (const struct schema_field *f = t->fields; f->name; f++)
		if (f->support == FIELD_HONOURED && f->type == FIELD_OBJECT)
			n = reached(seen, n, f->sub);
	return n;
}

static const char *support_text(enum kind_support support)
{
	switch (support) {
	case KIND_PLAYED:
		return "played";
	case KIND_LIST:
		return "its items are played";
	case KIND_LATER:
		return "checked; skipped with a warning: it comes later";
	default:
		return "skipped with a warning: it has no meaning on one host";
	}
}

static char *support_list(void)
{
	const struct schema_type *types[MAX_TYPES];
	struct buf out = BUF_INIT((size_t)1 << 20);
	size_t n = 0;

	buf_adds(&out, support_head);
	for (const struct schema_kind *k = schema_kinds; k->kind; k++) {
		buf_printf(&out, "| %s | %s | %s |\n", k->api_version, k->kind,
			   support_text(k->support));
		if (k->support == KIND_PLAYED)
			n = reached(types, n, k->type);
	}
	CU_ASSERT(n < MAX_TYPES);
	for (size_t i = 0; i < n; i++) {
		buf_printf(&out, "\n## %s\n\n| field | here | why, or how far |\n|---|---|---|\n",
			   types[i]->title);
		for (const struct schema_field *f = types[i]->fields; f->name; f++)
			buf_printf(&out, "| `%s`%s%s | %s | %s |\n", f->name,
				   f->type == FIELD_OBJECT ? ": " : "",
				   f->type == FIELD_OBJECT ? f->sub->title : "",
				   verdict(types[i], f), f->reason ? f->reason : "");
	}
	return buf_steal(&out);
}

static void test_support_list(void)
{
	cleanup_free char *have = support_list(), *want = NULL;
	struct error err = { 0 };

	CU_ASSERT_PTR_NULL(strstr(have, "| lost |"));
	CU_ASSERT_PTR_NULL(strstr(have, "not looked into"));
	if (getenv("PODIUM_GOLDEN"))
		CU_ASSERT_EQUAL(fs_write_atomic(AT_FDCWD, SUPPORT_FILE, have, strlen(have), 0644,
						FS_NOSYNC, &err),
				0);
	CU_ASSERT_EQUAL_FATAL(
		fs_read_file(AT_FDCWD, SUPPORT_FILE, (size_t)1 << 20, &want, NULL, &err), 0);
	CU_ASSERT_STRING_EQUAL(have, want);
}

static CU_TestInfo tests[] = {
	{ "values arrive", test_values_arrive },
	{ "findings do not stop the reader", test_findings_do_not_stop },
	{ "nearest name", test_nearest_name },
	{ "files, names, plain names", test_facade },
	{ "many findings", test_many_findings },
	{ "findings are printable", test_findings_are_printable },
	{ "256 KiB of stack are enough", test_small_stack },
	{ "every field: honoured, warned or dropped", test_support_list },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "decode", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
