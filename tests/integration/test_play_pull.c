/* SPDX-License-Identifier: Apache-2.0 */
/*
 * play_pull - `podium play kube` with images that are not here: pulled first, by policy, with what
 * the Secrets say; and nothing is made when one cannot be had.
 *
 * A docker-registry on loopback is the mirror of docker.io, so that the manifests say what people
 * write. Every test has a store of its own: nothing is here that another one has pulled.
 */
#include <stdio.h>
#include <sys/mount.h>
#include <unistd.h>

#include "tests/integration/harness.h"
#include "tests/integration/leftover.h"
#include "tests/integration/regserver.h"
#include "tests/integration/wire.h"

#define BUSYBOX "    image: busybox:1\n"

static struct regserver open_registry; /* the mirror of docker.io */
static struct regserver closed;	       /* TLS, alice */
static bool is_possible;

static int begin(void)
{
	if (harness_begin() != 0)
		return 1;
	is_possible = regserver_is_possible();
	if (!is_possible)
		return 0;
	if (!regserver_start_two(&open_registry, &closed))
		return 1;
	{
		cleanup_free char *conf = regserver_conf_mirror(&open_registry);

		regserver_configure(conf);
	}
	return regserver_fill_made(&open_registry, "nginx", "library/nginx:latest",
				   REGSERVER_OCI) &&
			       regserver_fill_made(&open_registry, "busybox", "library/busybox:1",
						   REGSERVER_SCHEMA2) &&
			       regserver_fill_made(&closed, "busybox", "team/app:1", REGSERVER_ZSTD)
		       ? 0
		       : 1;
}

static int end(void)
{
	int r = harness_end();

	regserver_stop(&open_registry);
	regserver_stop(&closed);
	return r;
}

/* Another pair of trees for the test that calls it. */
static bool fresh(const char *name)
{
	if (!is_possible) {
		TEST_SKIP("no registry here");
		return false;
	}
	harness_fresh(name);
	MUST(0, "pod rm -f -a"); /* a store that is there, and empty */
	return true;
}

static void clean(void)
{
	DISCARD(podium("pod rm -f -a -t 0"));
}

static char *images(void)
{
	cleanup_result struct result r = podium("images --format '{{.Repository}}:{{.Tag}}'");

	return steal_ptr(&r.out);
}

/* ---- the main job ----------------------------------------------------------------------- */

static void make_directories(void)
{
	for (int i = 1; i <= 2; i++) {
		cleanup_free char *page = xasprintf("/opt/myapp/html%d/index.html", i);
		cleanup_free char *conf = xasprintf("/opt/myapp/config%d/default.conf", i);

		write_file(page, "hello from ng%d\n", i);
		write_file(conf, "server { listen 800%d; root /opt/html; }\n", i);
	}
}

static void test_w1(void)
{
	cleanup_free char *yaml = testdata("w1/my-app.yaml"), *one = NULL, *two = NULL,
			  *image = NULL, *listed = NULL;
	cleanup_result struct result r = { 0 }, again = { 0 };

	if (!fresh("w1"))
		return;
	CHECK(mount("opt", "/opt", "tmpfs", 0, "mode=0755,size=64m") == 0, "/opt");
	make_directories();
	r = play_text("my-app", "", yaml);
	CHECK_CODE(r, 0);
	CHECK_HAS(r.err, "Trying to pull docker.io/library/nginx:latest...\n");
	CHECK_HAS(r.err, "Copying blob ");
	CHECK(is_prefix(r.out, "Pod:\n"), "stdout begins with\n%s", r.out);
	one = wire_http_wait("127.0.0.1", 8001, "/");
	two = wire_http_wait("127.0.0.1", 8002, "/");
	CHECK_EQUAL(one, "hello from ng1\n");
	CHECK_EQUAL(two, "hello from ng2\n");
	image = ps_field("my-app-ng1", "Image");
	CHECK_EQUAL(image, "docker.io/library/nginx:latest");
	listed = images();
	CHECK_EQUAL(listed, "docker.io/library/nginx:latest\n");
	/* Again: nothing newer, nothing changed, nothing said of layers. */
	again = play_text("my-app", "", yaml);
	CHECK_CODE(again, 0);
	CHECK_HAS(again.err, "pod 'my-app' unchanged\n");
	CHECK_LACKS(again.err, " done\n");
	clean();
	(void)umount2("/opt", MNT_DETACH);
}

static void test_pull_then_play(void)
{
	cleanup_result struct result r = { 0 }, quiet = { 0 };
	cleanup_free char *digest = NULL;

	if (!fresh("pulled"))
		return;
	r = podium("pull nginx");
	CHECK_CODE(r, 0);
	digest = regserver_config_digest(&open_registry, "library/nginx:latest");
	CHECK(is_prefix(digest, "sha256:") && strstr(r.out, digest + 7), "'%s' is not of %s", r.out,
	      digest);
	/* It is here: no registry is asked for what must not be newer. */
	regserver_halt(&open_registry);
	quiet = play_pod("p", "--quiet", "",
			 "    image: nginx\n    imagePullPolicy: IfNotPresent\n");
	CHECK_CODE(quiet, 0);
	CHECK_LACKS(quiet.err, "pull");
	CHECK_LACKS(quiet.err, "Copying");
	clean();
	CHECK(regserver_resume(&open_registry), "resume");
}

/* ---- policies --------------------------------------------------------------------------- */

static void test_policies(void)
{
	cleanup_snapshot struct snapshot before;
	cleanup_result struct result never = { 0 }, missing = { 0 }, always = { 0 }, dflt = { 0 },
				     tagged = { 0 };

	if (!fresh("policies"))
		return;
	snapshot_take(&before);
	never = play_pod("p", "", "", "    image: nginx\n    imagePullPolicy: Never\n");
	CHECK_CODE(never, 125);
	CHECK_HAS(never.err, "pod 'p': container 'c': image 'nginx' is not here, and "
			     "imagePullPolicy is Never");
	missing = play_pod("p", "", "", "    image: library/none:1\n");
	CHECK_CODE(missing, 125);
	CHECK_HAS(missing.err, "pod 'p': container 'c': image 'library/none:1'");
	CHECK_HAS(missing.err, "registry '127.0.0.1:");
	CHECK_EQUAL(missing.out, "");
	CHECK_NOTHING_LEFT(&before, "images that cannot be had");

	MUST(0, "pull -q nginx");
	regserver_halt(&open_registry);
	always = play_pod("a", "", "", "    image: nginx\n    imagePullPolicy: Always\n");
	CHECK_CODE(always, 125);
	CHECK_HAS(always.err, "pod 'a': container 'c': image 'nginx'");
	CHECK_HAS(always.err, "registry '127.0.0.1:");
	CHECK_HAS(always.err, "connection refused");
	dflt = play_pod("d", "", "", "    image: nginx\n"); /* Always by default forgives */
	CHECK_CODE(dflt, 0);
	tagged = play_pod("t", "", "", BUSYBOX); /* IfNotPresent by default, and it is not */
	CHECK_CODE(tagged, 125);
	CHECK(regserver_resume(&open_registry), "resume");
	CHECK(!exists("%s/pods/a", harness.root), "a pod of a play that failed");
	clean();
}

static void test_updated(void)
{
	static const char yaml[] = "    image: team/moving\n    command: [sleep, inf]\n";
	cleanup_free char *first = NULL, *second = NULL, *third = NULL, *image = NULL,
			  *old_image = NULL;
	cleanup_result struct result r = { 0 };

	if (!fresh("updated"))
		return;
	CHECK(regserver_fill_made(&open_registry, "busybox", "team/moving:latest", REGSERVER_OCI),
	      "fill");
	DISCARD(play_pod("p", "", "", yaml));
	first = pod_id("p");
	old_image = inspect("p-c", "{{.Image}}");
	DISCARD(play_pod("p", "", "", yaml));
	second = pod_id("p");
	CHECK_EQUAL(second, first);
	CHECK(regserver_fill_made(&open_registry, "nginx", "team/moving:latest", REGSERVER_OCI),
	      "fill again");
	r = play_pod("p", "", "", yaml);
	CHECK_CODE(r, 0);
	CHECK_HAS(r.err, "pod 'p' configured\n");
	third = pod_id("p");
	image = inspect("p-c", "{{.Image}}");
	CHECK(!is_equal(third, second), "the pod is the same");
	CHECK(!is_equal(image, old_image), "the image is the same: %s", image);
	clean();
}

/* ---- several at once -------------------------------------------------------------------- */

static void test_all_or_nothing(void)
{
	static const char two[] =
		"apiVersion: v1\nkind: Pod\nmetadata: {name: good}\nspec:\n"
		"  containers:\n  - {name: web, image: nginx}\n  - {name: box, image: 'busybox:1', "
		"command: [sleep, inf]}\n"
		"---\napiVersion: v1\nkind: Pod\nmetadata: {name: bad}\nspec:\n"
		"  initContainers: [{name: i, image: 'library/none:1'}]\n"
		"  containers: [{name: c, image: 'library/nor:2'}, {name: d, image: nginx}]\n";
	cleanup_snapshot struct snapshot before;
	cleanup_result struct result r = { 0 };
	cleanup_free char *listed = NULL;

	if (!fresh("all"))
		return;
	snapshot_take(&before);
	r = play_text("two", "", two);
	CHECK_CODE(r, 125);
	CHECK_HAS(r.err, "pod 'bad': container 'i': image 'library/none:1'");
	CHECK_HAS(r.err, "pod 'bad': container 'c': image 'library/nor:2'");
	CHECK_LACKS(r.err, "pod 'good'");
	CHECK_EQUAL(r.out, "");
	listed = images();
	CHECK_HAS(listed, "docker.io/library/nginx:latest\n");
	CHECK_HAS(listed, "docker.io/library/busybox:1\n");
	MUST(0, "rmi -a");
	CHECK_NOTHING_LEFT(&before, "a play whose images cannot be had");
}

static void test_alias(void)
{
	cleanup_free char *mirror = regserver_conf_mirror(&open_registry);
	cleanup_free char *conf =
		xasprintf("%s[aliases]\n\"pet\" = \"docker.io/library/busybox\"\n", mirror);
	cleanup_free char *image = NULL;
	cleanup_result struct result r = { 0 };

	if (!fresh("alias"))
		return;
	regserver_configure(conf);
	r = play_pod("p", "", "", "    image: pet:1\n    command: [sleep, inf]\n");
	CHECK_CODE(r, 0);
	image = ps_field("p-c", "Image");
	CHECK_EQUAL(image, "docker.io/library/busybox:1");
	regserver_configure(mirror);
	clean();
}

/* ---- credentials ------------------------------------------------------------------------ */

static struct result play_closed(const char *options, const char *secrets)
{
	cleanup_free char *pod = xasprintf("apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n"
					   "  imagePullSecrets: [{name: wrong}, {name: right}]\n"
					   "  containers:\n  - name: c\n    image: %s/team/app:1\n"
					   "    command: [sleep, inf]\n%s",
					   closed.host, secrets);

	return play_text("closed", options, pod);
}

static char *secret(const char *name, const char *password)
{
	cleanup_free char *auth = regserver_auth_text(&closed, password);

	return xasprintf("---\napiVersion: v1\nkind: Secret\nmetadata: {name: %s}\n"
			 "type: kubernetes.io/dockerconfigjson\n"
			 "stringData:\n  .dockerconfigjson: '%s'\n",
			 name, auth);
}

static void test_secrets(void)
{
	cleanup_snapshot struct snapshot before;
	cleanup_free char *wrong = secret("wrong", "no"), *right = secret("right", NULL);
	cleanup_free char *both = xasprintf("%s%s", wrong, right);
	cleanup_result struct result none = { 0 }, bad = { 0 }, good = { 0 }, found = { 0 };

	if (!fresh("secrets"))
		return;
	regserver_trust(&closed);
	snapshot_take(&before);
	none = play_closed("", "");
	CHECK_CODE(none, 125);
	CHECK_HAS(none.err, "there is no Secret 'right'");
	CHECK_HAS(none.err, "pod 'p': container 'c': image '");
	CHECK_HAS(none.err, closed.host);
	bad = play_closed("", wrong);
	CHECK_CODE(bad, 125);
	CHECK_NOTHING_LEFT(&before, "no credentials");
	good = play_closed("", right);
	CHECK_CODE(good, 0);
	/* Nothing of it lies about. */
	found = run("grep -r -l -e hush-4711 -e YWxpY2U6 %s %s", harness.root, harness.runroot);
	CHECK_CODE(found, 1);
	clean();
	MUST(0, "rmi -a");
	DISCARD(play_closed("", both)); /* the first that names the registry is taken */
	clean();
}

static void test_options(void)
{
	cleanup_free char *auth = regserver_auth_text(&closed, NULL);
	cleanup_free char *file = xasprintf("%s/other-auth.json", harness.work);
	cleanup_free char *certs = xasprintf("%s/.config/containers/certs.d", getenv("HOME"));
	cleanup_free char *cert_dir =
		xasprintf("--creds alice:hush-4711 --cert-dir %s/certs", closed.dir);
	cleanup_result struct result tls = { 0 }, named = { 0 }, filed = { 0 }, missing = { 0 };
	cleanup_free char *with_file = xasprintf("--tls-verify=false --authfile %s", file);

	if (!fresh("options"))
		return;
	remove_path(certs);
	write_file(file, "%s", auth);
	tls = play_closed("--creds alice:hush-4711", ""); /* nobody vouches for the server */
	CHECK_CODE(tls, 125);
	CHECK_HAS(tls.err, closed.host);
	CHECK_HAS(tls.err, "certificate");
	named = play_closed(cert_dir, "");
	CHECK_CODE(named, 0);
	clean();
	MUST(0, "rmi -a");
	filed = play_closed(with_file, "");
	CHECK_CODE(filed, 0);
	clean();
	MUST(0, "rmi -a");
	missing = play_closed("--tls-verify=false --authfile /nowhere/auth.json", "");
	CHECK_CODE(missing, 125);
	CHECK_HAS(missing.err, "/nowhere/auth.json");
}

static CU_TestInfo tests[] = {
	{ "the two-container app, from a registry", test_w1 },
	{ "pulled, then played", test_pull_then_play },
	{ "imagePullPolicy", test_policies },
	{ "a tag that has moved", test_updated },
	{ "all images or nothing", test_all_or_nothing },
	{ "a short name's alias", test_alias },
	{ "imagePullSecrets", test_secrets },
	{ "--creds, --authfile, --cert-dir, --tls-verify", test_options },
	CU_TEST_INFO_NULL,
};

static CU_SuiteInfo suites[] = {
	{ "play and pull", begin, end, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
