/* SPDX-License-Identifier: Apache-2.0 */
/*
 * push - `podium push` and `podium save`: what leaves is the image that came.
 *
 * Judges: skopeo (configuration digest, manifest, and its own check of every blob when it copies),
 * Podman's load, and podium itself in a second store. A registry on loopback takes what is pushed.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/integration/harness.h"
#include "tests/integration/regserver.h"

static struct regserver plain, closed;
static bool has_registry;

static int begin(void)
{
	if (harness_begin() != 0 || !load_image("nginx") || !load_image("busybox"))
		return 1;
	has_registry = regserver_is_possible();
	if (!has_registry)
		return 0;
	if (!regserver_start_two(&plain, &closed))
		return 1;
	{
		cleanup_free char *conf = regserver_conf_insecure(&plain);

		regserver_configure(conf);
	}
	return 0;
}

static int end(void)
{
	int r = harness_end();

	if (has_registry) {
		regserver_stop(&plain);
		regserver_stop(&closed);
	}
	return r;
}

static bool has_skopeo(void)
{
	if (!has_registry)
		TEST_SKIP("no docker-registry or no skopeo here");
	return has_registry;
}

/* "sha256:<hex>" of an image of the store; the caller's. */
static char *id_of(const char *name)
{
	cleanup_result struct result r = podium("images -q --no-trunc %s", name);

	r.out[strcspn(r.out, "\n")] = '\0';
	return steal_ptr(&r.out);
}

/* What skopeo finds at a place, one field; the caller's. */
static char *config_at(const char *place)
{
	cleanup_result struct result r = run(
		"sh -c 'skopeo --insecure-policy inspect --config --raw %s | sha256sum'", place);

	CHECK_CODE(r, 0);
	r.out[strcspn(r.out, " ")] = '\0';
	return xasprintf("sha256:%s", r.out);
}

static bool is_same_file(const char *a, const char *b)
{
	cleanup_result struct result r = run("cmp %s/%s %s/%s", harness.work, a, harness.work, b);

	return CHECK_CODE(r, 0);
}

static void second_store(void)
{
	cleanup_free char *root = xasprintf("%s/second/root", harness.work);
	cleanup_free char *runroot = xasprintf("%s/second/run", harness.work);

	harness_store(root, runroot);
	DISCARD(podium("rmi -a -f"));
}

/* ---- push ------------------------------------------------------------------------------- */

static void test_push(void)
{
	cleanup_free char *id = id_of("nginx"), *config = NULL, *manifest = NULL, *file = NULL;

	if (!has_skopeo())
		return;
	MUST(0, "push --digestfile %s/digest nginx %s/a/nginx:1", harness.work, plain.host);
	config = regserver_config_digest(&plain, "a/nginx:1");
	CHECK_EQUAL(config, id);
	manifest = regserver_digest(&plain, "a/nginx:1");
	file = read_file("digest");
	CHECK_EQUAL(file, manifest);
	/* skopeo checks size and digest of each blob, and each diff id. */
	{
		cleanup_result struct result r =
			run("skopeo --insecure-policy copy --src-tls-verify=false "
			    "docker://%s/a/nginx:1 docker-archive:%s/by-skopeo.tar",
			    plain.host, harness.work);

		CHECK_CODE(r, 0);
	}
	second_store();
	MUST(0, "load -q -i %s/by-skopeo.tar", harness.work);
	harness_store(NULL, NULL);
}

/* What the registry has is not sent again, in this repository and in another. */
static void test_push_again(void)
{
	if (!has_skopeo())
		return;
	MUST(0, "push -q nginx %s/again/nginx:1", plain.host);
	{
		cleanup_result struct result r =
			podium("push nginx docker://%s/again/nginx:2", plain.host);

		CHECK_CODE(r, 0);
		CHECK_EQUAL(r.out, "");
		CHECK_HAS(r.err, "already exists");
		CHECK_LACKS(r.err, " done");
	}
	{
		cleanup_free char *one = regserver_manifest(&plain, "again/nginx:1");
		cleanup_free char *two = regserver_manifest(&plain, "again/nginx:2");

		CHECK_EQUAL(one, two);
	}
}

/* What was pulled leaves with the manifest with which it came, into another repository too. */
static void test_same_manifest(void)
{
	static const struct {
		const char *name;
		enum regserver_form form;
	} forms[] = { { "came/oci", REGSERVER_OCI },
		      { "came/docker", REGSERVER_SCHEMA2 },
		      { "came/zstd", REGSERVER_ZSTD },
		      { "came/plain", REGSERVER_PLAIN } };

	if (!has_skopeo())
		return;
	second_store();
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		cleanup_free char *from = xasprintf("%s:1", forms[i].name);
		cleanup_free char *to = xasprintf("went-%s:1", forms[i].name + strlen("came/"));
		cleanup_free char *before = NULL, *after = NULL;

		if (!CHECK(regserver_fill_made(&plain, "nginx", from, forms[i].form), "fill"))
			continue;
		MUST(0, "pull -q %s/%s", plain.host, from);
		MUST(0, "push -q %s/%s %s/%s", plain.host, from, plain.host, to);
		before = regserver_manifest(&plain, from);
		after = regserver_manifest(&plain, to);
		CHECK_EQUAL(after, before);
	}
	harness_store(NULL, NULL);
}

static void test_push_forms(void)
{
	cleanup_free char *id = id_of("nginx");
	cleanup_free char *zstd = NULL, *docker = NULL;

	if (!has_skopeo())
		return;
	MUST(0, "push -q --compression-format zstd nginx %s/forms/nginx:zstd", plain.host);
	zstd = regserver_manifest(&plain, "forms/nginx:zstd");
	CHECK_HAS(zstd, "tar+zstd");
	CHECK_LACKS(zstd, "gzip");
	MUST(0, "push -q --format v2s2 --compression-level 9 nginx %s/forms/nginx:docker",
	     plain.host);
	docker = regserver_manifest(&plain, "forms/nginx:docker");
	CHECK_HAS(docker, "application/vnd.docker.distribution.manifest.v2+json");
	CHECK_HAS(docker, "tar.gzip");
	for (int i = 0; i < 2; i++) {
		cleanup_free char *config = regserver_config_digest(
			&plain, i ? "forms/nginx:zstd" : "forms/nginx:docker");

		CHECK_EQUAL(config, id);
	}
	MUST(125, "push --format v2s2 --compression-format zstd nginx %s/forms/nginx:x",
	     plain.host);
	MUST(125, "push --compression-format zstd:chunked nginx %s/forms/nginx:x", plain.host);
}

static void test_push_closed(void)
{
	cleanup_free char *id = id_of("busybox"), *config = NULL;

	if (!has_skopeo())
		return;
	{
		cleanup_result struct result r = podium("push --cert-dir %s/certs busybox %s/t/b:1",
							closed.dir, closed.host);

		CHECK_CODE(r, 125);
		CHECK_HAS(r.err, closed.host);
	}
	MUST(125, "push --creds alice:hush-4711 busybox %s/t/b:1", closed.host);
	MUST(0, "push --cert-dir %s/certs --creds alice:hush-4711 busybox %s/t/b:1", closed.dir,
	     closed.host);
	config = regserver_config_digest(&closed, "t/b:1");
	CHECK_EQUAL(config, id);
}

/* Places that are no registry. */
static void test_push_places(void)
{
	static const char *const places[] = { "oci:%s/p-oci:a:tag", "oci-archive:%s/p-oci.tar:tag",
					      "docker-archive:%s/p-docker.tar:foo/bar:1",
					      "dir:%s/p-dir" };
	cleanup_free char *id = id_of("nginx");

	if (!has_skopeo())
		return;
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		cleanup_free char *place = replaced(places[i], "%s", harness.work);
		cleanup_free char *config = NULL;

		MUST(0, "push -q nginx %s", place);
		config = config_at(place);
		CHECK_EQUAL(config, id);
	}
	/* A layout is added to; an archive is not. */
	MUST(0, "push -q busybox oci:%s/p-oci:b", harness.work);
	{
		cleanup_free char *index = read_file("p-oci/index.json");

		CHECK_HAS(index, "\"a:tag\"");
		CHECK_HAS(index, "\"b\"");
	}
	{ /* as readable as what others write */
		cleanup_result struct result r = run("sh -c 'find %s/p-oci %s/p-dir ! -perm -044'",
						     harness.work, harness.work);

		CHECK_EQUAL(r.out, "");
	}
	MUST(125, "push -q busybox oci-archive:%s/p-oci.tar:b", harness.work);
	MUST(125, "push -q busybox docker-daemon:x:y");
	MUST(125, "push -q busybox oci:");
}

/* ---- save ------------------------------------------------------------------------------- */

static void test_save_load(void)
{
	cleanup_free char *id = id_of("nginx"), *again = NULL;

	MUST(0, "save -q -o %s/one.tar nginx", harness.work);
	second_store();
	MUST(0, "load -q -i %s/one.tar", harness.work);
	again = id_of("nginx");
	CHECK_EQUAL(again, id);
	MUST(0, "save -q -o %s/two.tar nginx", harness.work);
	harness_store(NULL, NULL);
	CHECK(is_same_file("one.tar", "two.tar"), "save | load | save");
	{ /* to stdout */
		cleanup_result struct result r =
			run("sh -c '%s/podium --root %s --runroot %s save -q nginx | cmp - "
			    "%s/one.tar'",
			    harness.build, harness.root, harness.runroot, harness.work);

		CHECK_CODE(r, 0);
	}
}

static void test_save_formats(void)
{
	static const char *const formats[] = { "oci-archive", "oci-dir", "docker-dir" };
	static const char *const transports[] = { "oci-archive", "oci", "dir" };
	cleanup_free char *id = id_of("nginx");

	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		MUST(0, "save -q --format %s -o %s/f-%s nginx", formats[i], harness.work,
		     formats[i]);
		if (has_registry) {
			cleanup_free char *place =
				xasprintf("%s:%s/f-%s", transports[i], harness.work, formats[i]);
			cleanup_free char *config = config_at(place);

			CHECK_EQUAL(config, id);
		}
	}
	second_store();
	/* a directory is named as pull takes it */
	for (size_t i = 1; i < ARRAY_SIZE(formats); i++) {
		cleanup_free char *how = xasprintf("`podium pull %s:%s/f-%s`", transports[i],
						   harness.work, formats[i]);
		cleanup_result struct result r =
			podium("load -i %s/f-%s", harness.work, formats[i]);

		CHECK_CODE(r, 125);
		CHECK_HAS(r.err, how);
		MUST(0, "pull -q %s:%s/f-%s", transports[i], harness.work, formats[i]);
	}
	MUST(0, "load -q -i %s/f-oci-archive", harness.work);
	{
		cleanup_free char *again = id_of("docker.io/library/nginx:latest");

		CHECK_EQUAL(again, id);
	}
	harness_store(NULL, NULL);
}

static void test_save_multi(void)
{
	MUST(0, "save -q -m -o %s/multi.tar nginx busybox", harness.work);
	MUST(0, "save -q -o %s/names.tar nginx more:1 other/name", harness.work);
	second_store();
	MUST(0, "load -q -i %s/multi.tar", harness.work);
	MUST(0, "image exists nginx");
	MUST(0, "image exists busybox");
	DISCARD(podium("rmi -a -f"));
	MUST(0, "load -q -i %s/names.tar", harness.work);
	MUST(0, "image exists localhost/more:1");
	MUST(0, "image exists localhost/other/name:latest");
	MUST(1, "image exists busybox");
	harness_store(NULL, NULL);
}

static void test_save_refusals(void)
{
	write_file("full.tar", "something");
	MUST(125, "save -q -o %s/full.tar nginx", harness.work);
	{
		cleanup_free char *text = read_file("full.tar");

		CHECK_EQUAL(text, "something");
	}
	MUST(125, "save -q -o %s/none.tar no-such-image", harness.work);
	CHECK(!exists("%s/none.tar", harness.work), "nothing half made is left");
	MUST(125, "save --compress -o %s/x.tar nginx", harness.work);
	MUST(125, "save --format oci-dir nginx");
	MUST(125, "save --format tgz -o %s/x.tar nginx", harness.work);
	MUST(125, "save -m --format oci-archive -o %s/x.tar nginx busybox", harness.work);
}

/* A layer whose files are not those that came does not leave, and the archive is not kept. */
static void test_changed_layer(void)
{
	second_store();
	MUST(0, "load -q -i %s/one.tar", harness.work);
	{
		cleanup_result struct result r =
			run("sh -c 'echo x >>$(find %s/second/root/layers -type f -name nginx "
			    "-path \"*/diff/*sbin*\" | head -n1)'",
			    harness.work);

		CHECK_CODE(r, 0);
	}
	{
		cleanup_result struct result r =
			podium("save -q -o %s/changed.tar nginx", harness.work);

		CHECK_CODE(r, 125);
		CHECK_HAS(r.err, "layer '");
	}
	CHECK(!exists("%s/changed.tar", harness.work), "the broken archive is gone");
	{ /* the record of headers is lost: an older podium's layer */
		cleanup_result struct result r =
			run("sh -c 'rm %s/second/root/layers/*/split'", harness.work);

		CHECK_CODE(r, 0);
	}
	{
		cleanup_result struct result r =
			podium("save -q -o %s/changed.tar nginx", harness.work);

		CHECK_CODE(r, 125);
		CHECK_HAS(r.err, "older podium");
	}
	DISCARD(podium("rmi -a -f"));
	harness_store(NULL, NULL);
}

/* The same length, other bytes: only the digest tells. Its twin does not look. */
static void test_changed_bytes(void)
{
	second_store();
	MUST(0, "load -q -i %s/one.tar", harness.work);
	{
		cleanup_result struct result r =
			run("sh -c 'printf X | dd of=$(find %s/second/root/layers -type f -name "
			    "nginx -path \"*/diff/*sbin*\" | head -n1) bs=1 seek=100 conv=notrunc'",
			    harness.work);

		CHECK_CODE(r, 0);
	}
	MUST(125, "save -q -o %s/bytes.tar nginx", harness.work);
	if (has_registry) { /* what was sent has no manifest there */
		cleanup_result struct result r = podium("push -q nginx %s/bad/nginx:1", plain.host);
		cleanup_result struct result found =
			run("skopeo --insecure-policy inspect --raw --tls-verify=false "
			    "docker://%s/bad/nginx:1",
			    plain.host);

		CHECK_CODE(r, 125);
		CHECK_HAS(r.err, "layer '");
		CHECK(found.code != 0, "no manifest");
	}
	CHECK(setenv("PODIUM_WEAKEN", "OUT-DIGEST", 1) == 0, "setenv");
	MUST(0, "save -q -o %s/bytes.tar nginx", harness.work);
	CHECK(unsetenv("PODIUM_WEAKEN") == 0, "unsetenv");
	DISCARD(podium("rmi -a -f"));
	harness_store(NULL, NULL);
}

static void test_podman(void)
{
	cleanup_free char *id = id_of("busybox");
	cleanup_free char *store = xasprintf("--root %s/pm/root --runroot %s/pm/run "
					     "--storage-driver vfs --tmpdir %s/pm/tmp",
					     harness.work, harness.work, harness.work);

	if (access("/usr/bin/podman", X_OK) < 0) {
		TEST_SKIP("no podman here");
		return;
	}
	MUST(0, "save -q -o %s/for-podman.tar busybox", harness.work);
	{
		cleanup_result struct result r =
			run("podman %s load -q -i %s/for-podman.tar", store, harness.work);

		CHECK_CODE(r, 0);
	}
	{
		cleanup_result struct result r = run("podman %s images -q --no-trunc", store);

		CHECK_HAS(r.out, id);
	}
	{
		cleanup_result struct result r =
			run("podman %s save -q -o %s/by-podman.tar busybox", store, harness.work);

		CHECK_CODE(r, 0);
	}
	second_store();
	MUST(0, "load -q -i %s/by-podman.tar", harness.work);
	{
		cleanup_free char *again = id_of("busybox");

		CHECK_EQUAL(again, id);
	}
	harness_store(NULL, NULL);
}

static void test_digest_shown(void)
{
	cleanup_result struct result r = podium("images --digests nginx");

	CHECK_HAS(r.out, "sha256:");
	CHECK_LACKS(r.out, "<none>");
}

static CU_TestInfo push_tests[] = {
	{ "the same configuration in a registry", test_push },
	{ "a second push sends nothing", test_push_again },
	{ "the manifest that came", test_same_manifest },
	{ "formats and compressions", test_push_forms },
	{ "TLS and a password", test_push_closed },
	{ "layouts, archives, directories", test_push_places },
	CU_TEST_INFO_NULL,
};
static CU_TestInfo save_tests[] = {
	{ "save, load, save", test_save_load },
	{ "formats", test_save_formats },
	{ "several images, several names", test_save_multi },
	{ "refusals", test_save_refusals },
	{ "a layer that was changed", test_changed_layer },
	{ "a layer with other bytes, and its twin", test_changed_bytes },
	{ "podman's load and save", test_podman },
	{ "a docker-archive's image has a digest", test_digest_shown },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "push", begin, NULL, NULL, NULL, push_tests },
	{ "save", NULL, end, NULL, NULL, save_tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
