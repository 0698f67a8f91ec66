/* SPDX-License-Identifier: Apache-2.0 */
/*
 * law - generate is faithful, on the real engine: for every manifest of testdata/kube/ that plays,
 * generate -> down -> play -> generate is identical byte by byte, and the engine's records are
 * equal apart from ids and times, also when the pod's own document is removed first.
 *
 * Nothing is started. Images that a manifest names are busybox under that name; host paths are made
 * on a tmpfs over /opt.
 */
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>

#include "engine/base/json.h"
#include "engine/data/object.h"
#include "engine/pod/spec.h"
#include "tests/integration/harness.h"
#include "tests/integration/leftover.h"

#define IMAGES_MAX 32 /* and objects */

static void make_socket(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0)
		perror(path);
	(void)close(fd);
}

static int begin(void)
{
	if (harness_begin() != 0 || mount("opt", "/opt", "tmpfs", 0, "mode=0755") < 0)
		return 1;
	for (const char *p = "x0 x1 x2 a b myapp"; p;
	     p = strchr(p, ' ') ? strchr(p, ' ') + 1 : NULL) {
		cleanup_free char *keep = xasprintf("/opt/%.*s/keep", (int)strcspn(p, " "), p);

		write_file(keep, "x");
	}
	for (int i = 1; i <= 2; i++) {
		cleanup_free char *html = xasprintf("/opt/myapp/html%d/x", i);
		cleanup_free char *config = xasprintf("/opt/myapp/config%d/x", i);

		write_file(html, "x");
		write_file(config, "x");
	}
	write_file("case/data/html/x", "x"); /* a path relative to the manifest */
	write_file("case/here/x", "x");
	write_file("/opt/x3", "x");
	write_file("/opt/x4", "x");
	make_socket("/opt/x5");
	if (mknod("/opt/x6", S_IFCHR | 0666, makedev(1, 3)) < 0 ||
	    mknod("/opt/x7", S_IFBLK | 0600, makedev(7, 0)) < 0)
		perror("mknod");
	return load_image("busybox") ? 0 : 1;
}

static int end(void)
{
	int r = harness_end();

	(void)umount2("/opt", MNT_DETACH);
	return r;
}

/* ---- records ------------------------------------------------------------------------------ */

struct records {
	struct pod_spec pod;
	struct container_spec *containers;
	size_t n;
};

static bool load(const char *path, const struct record_type *type, void *ret)
{
	json_t *j = json_load_file(path, 0, NULL);
	struct error err = { 0 };
	bool ok = j && record_load(type, j, ret, &err) == 0;

	json_decref(j);
	return CHECK(ok, "%s: %s", path, err.text);
}

static bool records_load(const char *id, struct records *ret)
{
	cleanup_free char *path = xasprintf("%s/pods/%s/pod.json", harness.root, id);

	*ret = (struct records){ 0 };
	if (!load(path, &pod_spec_type, &ret->pod))
		return false;
	ret->containers = xcalloc(ret->pod.containers.n, sizeof(*ret->containers));
	for (; ret->n < ret->pod.containers.n; ret->n++) {
		cleanup_free char *spec = xasprintf("%s/containers/%s/spec.json", harness.root,
						    ret->pod.containers.v[ret->n].id);

		if (!load(spec, &container_spec_type, &ret->containers[ret->n]))
			return false;
	}
	return true;
}

static void records_done(struct records *r)
{
	for (size_t i = 0; i < r->n; i++)
		record_done(&container_spec_type, &r->containers[i]);
	free(r->containers);
	record_done(&pod_spec_type, &r->pod);
}

static void records_compare(const char *which, const struct records *a, const struct records *b)
{
	cleanup_free char *where = NULL;

	CHECK(record_equal(&pod_spec_type, &a->pod, &b->pod, &where), "%s: pods differ in %s",
	      which, where ? where : "nothing");
	CHECK(a->n == b->n, "%s: %zu containers, %zu before", which, b->n, a->n);
	for (size_t i = 0; i < a->n && i < b->n; i++) {
		cleanup_free char *at = NULL;

		CHECK(record_equal(&container_spec_type, &a->containers[i], &b->containers[i], &at),
		      "%s: containers '%s' differ in %s", which, a->containers[i].name,
		      at ? at : "nothing");
	}
}

/* ---- playing ------------------------------------------------------------------------------ */

/* What is between the quotes behind `mark` in a message; "" when it is not there. */
static char *quoted(const char *text, const char *mark)
{
	const char *at = strstr(text, mark);

	return at ? xstrndup(at + strlen(mark), strcspn(at + strlen(mark), "'")) : xstrdup("");
}

/* An object that a manifest refers to, with a key; one that is there gets the key beside its own. */
static bool make_object(enum data_kind kind, const char *name, const char *key)
{
	struct data_object o = { 0 };
	struct error err = { 0 };
	struct store s;
	int r = store_open(harness.root, harness.runroot, STORE_WRITE, &s, &err);

	if (r < 0)
		return CHECK(false, "%s", err.text);
	if (data_object_read(&s, kind, NULL, name, &o, &err) < 0)
		o = (struct data_object){ .kind = (int)kind, .name = xstrdup(name) };
	data_object_add(&o, key, "x", 1, false);
	r = data_object_write(&s, &o, &err);
	data_object_done(&o);
	store_close(&s);
	return CHECK(r == 0, "%s", err.text);
}

/* Makes what a refused manifest refers to; whether there was something to make. */
static bool make_missing(const char *message)
{
	static const char *const kinds[] = { "ConfigMap", "Secret" };

	for (int i = 0; i < DATA__COUNT; i++) {
		cleanup_free char *none = xasprintf("there is no %s '", kinds[i]);
		cleanup_free char *less = xasprintf("the %s '", kinds[i]);
		cleanup_free char *missing = quoted(message, none);
		cleanup_free char *poor = quoted(message, less);
		cleanup_free char *key = quoted(message, "has no key '");

		if (*missing)
			return make_object((enum data_kind)i, missing, "x");
		if (*poor && *key)
			return make_object((enum data_kind)i, poor, key);
	}
	return false;
}

/* Read, but refused when it is played: what needs a cluster, or could never work. */
static bool is_refusal(const char *message)
{
	static const char *const texts[] = { "cannot be mounted here", "SELinux is not supported",
					     "is the name of no port",
					     "there is no PersistentVolume",
					     "the host has set no huge pages" };

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		if (strstr(message, texts[i]))
			return true;
	return false;
}

/* "...: NAME: image not known" or "...: image 'NAME': pull ..."; NULL: something else is wrong. The
 * caller owns it. */
static char *unknown_image(const char *message)
{
	const char *end = strstr(message, ": image not known"), *begin = end;
	const char *pulled = strstr(message, "image '");

	while (begin && begin > message && begin[-1] != ' ')
		begin--;
	if (end)
		return xstrndup(begin, (size_t)(end - begin));
	return pulled ? xstrndup(pulled + 7, strcspn(pulled + 7, "'")) : NULL;
}

/* Plays; an image that is missing becomes busybox under that name. */
static bool play_with_images(const char *file)
{
	for (int i = 0; i < IMAGES_MAX; i++) {
		cleanup_result struct result r = podium("play kube --start=false %s", file);
		cleanup_free char *name = unknown_image(r.err);

		if (r.code == 0)
			return true;
		if (is_refusal(r.err))
			return false;
		if (make_missing(r.err))
			continue;
		if (!name)
			return CHECK_CODE(r, 0);
		if (!MUST(0, "tag busybox %s", name))
			return CHECK_CODE(r, 0);
	}
	return CHECK(false, "%s names too many images", file);
}

/* Names of the pods that are there, joined by blanks. */
static char *all_pods(void)
{
	cleanup_result struct result r = podium("pod ps --format '{{.Name}}' --sort name");

	for (char *p = r.out; *p; p++)
		*p = *p == '\n' ? ' ' : *p;
	return steal_ptr(&r.out);
}

static char *generate_all(void)
{
	cleanup_free char *pods = all_pods();
	cleanup_result struct result r = podium("generate kube %s", pods);

	CHECK_CODE(r, 0);
	return steal_ptr(&r.out);
}

/* Down and played again from a text; how its records compare with those of before. */
static void again(const char *which, const char *yaml, struct records *before, size_t n)
{
	cleanup_strlist struct strlist names = { 0 };

	for (size_t i = 0; i < n; i++)
		strlist_add(&names, before[i].pod.name);
	write_file("again.yaml", "%s", yaml);
	remove_pods();
	if (!MUST(0, "play kube --start=false %s/again.yaml", harness.work)) {
		printf("... %s:\n%s\n", which, yaml);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		cleanup_free char *id = pod_id(names.v[i]);
		struct records now;

		if (!records_load(id, &now))
			continue;
		/* A Pod does not tell which workload it came from. */
		free(now.pod.controller);
		now.pod.controller = xstrdup_or_null(before[i].pod.controller);
		records_compare(which, &before[i], &now);
		records_done(&now);
	}
}

static void forget_documents(struct records *r, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		cleanup_free char *id = pod_id(r[i].pod.name);
		cleanup_free char *path = xasprintf("%s/pods/%s/kube.yaml", harness.root, id);

		CHECK(unlink(path) == 0, "%s: %m", path);
	}
}

static size_t load_all(struct records *ret, size_t max)
{
	cleanup_result struct result r = podium("pod ps -q --no-trunc");
	char *save = NULL;
	size_t n = 0;

	for (char *id = strtok_r(r.out, "\n", &save); id && n < max;
	     id = strtok_r(NULL, "\n", &save))
		n += records_load(id, &ret[n]);
	return n;
}

static void check_case(const char *name)
{
	cleanup_free char *which = xstrdup(name), *first = NULL, *second = NULL, *bare = NULL;
	cleanup_free char *input = xasprintf("kube/%s/input.yaml", name);
	cleanup_free char *yaml = testdata(input);
	struct records records[16];
	size_t n;

	write_file("case/input.yaml", "%s", yaml);
	input = (free(input), xasprintf("%s/case/input.yaml", harness.work));
	if (!play_with_images(input)) {
		printf("not played: %s\n", name);
		return;
	}
	n = load_all(records, ARRAY_SIZE(records));
	if (n == 0) {
		printf("no pod: %s\n", name);
		return;
	}
	first = generate_all();
	again(which, first, records, n);
	second = generate_all();
	CHECK(is_equal(first, second), "%s: generate differs:\n%s\n--- before\n%s", name, second,
	      first);
	forget_documents(records, n);
	bare = generate_all();
	again(which, bare, records, n);
	remove_pods();
	for (size_t i = 0; i < n; i++)
		records_done(&records[i]);
}

/* Each manifest finds an empty store. */
static void forget_objects(void)
{
	static const char *const folders[] = { "kube", "secrets", "volumes" };

	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		cleanup_free char *path = xasprintf("%s/%s", harness.root, folders[i]);

		remove_path(path);
	}
}

static void test_all(void)
{
	cleanup_free char *dir = xasprintf("%s/../../testdata/kube", harness.build);
	cleanup_dir DIR *d = opendir(dir);
	cleanup_snapshot struct snapshot before;
	struct dirent *e;
	int cases = 0;

	snapshot_take(&before);
	while (d && (e = readdir(d))) {
		if (e->d_name[0] == '.' || !exists("%s/%s/input.yaml", dir, e->d_name) ||
		    exists("%s/%s/error", dir, e->d_name))
			continue;
		check_case(e->d_name);
		forget_objects();
		cases++;
	}
	CHECK(cases > 30, "only %d manifests", cases);
	CHECK_NOTHING_LEFT(&before, "all manifests");
}

static CU_TestInfo tests[] = {
	{ "generate is faithful for every manifest", test_all },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "law", begin, end, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
