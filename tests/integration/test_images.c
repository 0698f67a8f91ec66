/* SPDX-License-Identifier: Apache-2.0 */
/*
 * images - what people do with the images of a store: list, name, look into, mount, compare, remove;
 * and that none of it gets in the way of what uses them.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/integration/harness.h"
#include "tests/integration/regserver.h"
#include "tests/support/imagemaker.h"
#include "tests/support/tarmaker.h"

static void load(const char *name)
{
	cleanup_free char *archive = image_archive(name);

	CHECK(MUST(0, "load -q -i %s", archive), "load %s", name);
}

/* Loads two layers: the second changes, adds and removes what the first brought. */
static void load_layered(const char *name)
{
	static const char config[] =
		"{\"Cmd\":[\"/bin/app\"],\"Labels\":{\"kind\":\"layered\"},\"User\":\"7:8\","
		"\"ExposedPorts\":{\"80/tcp\":{}},\"OnBuild\":[\"RUN x\"],\"Shell\":[\"/bin/sh\"],"
		"\"Healthcheck\":{\"Test\":[\"CMD\",\"ok\"],\"Retries\":3}}";
	struct made_image m = { .name = name, .config = config };
	struct buf *first = made_layer(&m), *second, archive = BUF_INIT(1 << 22);
	cleanup_free char *path = xasprintf("%s/layered.tar", harness.work);
	int fd;

	tar_add(first, TAR_USTAR, &(struct tar_entry){ .name = "etc/", .type = '5', .mode = 0755 });
	tar_add(first, TAR_USTAR,
		&(struct tar_entry){ .name = "etc/kept", .data = "1", .mode = 0644 });
	tar_add(first, TAR_USTAR,
		&(struct tar_entry){ .name = "etc/gone", .data = "2", .mode = 0644 });
	tar_end(first);
	second = made_layer(&m);
	tar_add(second, TAR_USTAR,
		&(struct tar_entry){ .name = "etc/", .type = '5', .mode = 0755 });
	tar_add(second, TAR_USTAR, &(struct tar_entry){ .name = "etc/.wh.gone", .mode = 0644 });
	tar_add(second, TAR_USTAR,
		&(struct tar_entry){ .name = "etc/kept", .data = "33", .mode = 0644 });
	tar_add(second, TAR_USTAR,
		&(struct tar_entry){ .name = "etc/new", .data = "444", .mode = 0644 });
	tar_end(second);
	made_docker(&m, &archive);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	CHECK(fd >= 0 && write(fd, archive.data, archive.len) == (ssize_t)archive.len, "archive");
	(void)close(fd);
	CHECK(MUST(0, "load -q -i %s", path), "load");
	buf_done(&archive);
	made_done(&m);
}

/* stdout of a command that must succeed. */
static void check_out(const char *wanted, const char *command)
{
	cleanup_result struct result r = podium("%s", command);

	CHECK_CODE(r, 0);
	CHECK_EQUAL(r.out, wanted);
}

static void check_fails(int code, const char *message, const char *command)
{
	cleanup_result struct result r = podium("%s", command);

	CHECK_CODE(r, code);
	CHECK_HAS(r.err, message);
}

/* ---- listing ---------------------------------------------------------------------------- */

/* All made images are of one moment: the last one in the index gets another. */
static void make_older(void)
{
	static const char date[] = "\"created_ns\":170";
	cleanup_free char *path = xasprintf("%s/images/index.json", harness.root);
	cleanup_free char *text = read_file(path);
	char *at = NULL, *next = text;

	while (next && (next = strstr(next, date)))
		at = next++;
	if (!CHECK(at != NULL, "no date in the index"))
		return;
	at[sizeof(date) - 2] = '9';
	at[sizeof(date) - 3] = '6';
	write_file(path, "%s", text);
}

static void test_list(void)
{
	harness_fresh("list");
	check_out("REPOSITORY  TAG         IMAGE ID    CREATED     SIZE\n", "images");
	load("busybox");
	load_layered("quay.io/me/layered:1");
	MUST(0, "tag busybox other:2");
	check_out("docker.io/library/busybox latest\nlocalhost/other 2\n",
		  "images --format '{{.Repository}} {{.Tag}}' other");
	check_out("localhost/other:2, docker.io/library/busybox:latest\n"
		  "localhost/other:2, docker.io/library/busybox:latest\n",
		  "images --format '{{.History}}' -f reference=*/*/busybox -f id=940 --sort tag -n "
		  "--filter containers=false");
	check_out("quay.io/me/layered\n", "images --format {{.Repository}} -f label=kind");
	check_out("quay.io/me/layered\n",
		  "images --format {{.Repository}} -f label=kind=layered -f dangling=false");
	check_out("", "images -q -f label=kind=other");
	check_out("", "images -q -f label=kind -f label!=kind");
	check_out("map[kind:layered]\n", "images --format {{.Labels}} layered");
	check_out("", "images -q --filter until=2000-01-01");
	check_out("", "images -q nothing");
	make_older();
	check_out("quay.io/me/layered\n", "images -f before=busybox --format {{.Repository}}");
	check_out("docker.io/library/busybox\nlocalhost/other\n",
		  "images --sort repository -f since=layered:1 --format {{.Repository}}");
	check_out("quay.io/me/layered\n",
		  "images -f until=2023-12-31 -f reference=lay?red --format {{.Repository}}");
	check_fails(125, "unsupported image filter \"x\"", "images -f x=y");
	check_fails(125, "must be in the format", "images -f x");
	check_fails(125, "neither true nor false", "images -f dangling=maybe");
	check_fails(125, "image not known", "images -f before=nothing");
	check_fails(125, "not a valid field for sorting", "images --sort x");
}

static void test_names(void)
{
	harness_fresh("names");
	load("busybox");
	MUST(0, "tag busybox a b:1 c.io/d/e");
	check_out(
		"docker.io/library/busybox:latest localhost/a:latest localhost/b:1 "
		"c.io/d/e:latest\n",
		"inspect --format '{{range $i, $n := .RepoTags}}{{if $i}} {{end}}{{$n}}{{end}}' a");
	MUST(0, "image exists c.io/d/e");
	MUST(1, "image exists c.io/d/x");
	MUST(0, "untag a b:1");
	MUST(1, "image exists b:1");
	check_fails(125, "tag not known", "untag a b:1");
	check_fails(125, "tag not known", "untag a c.io/d/e zzz"); /* all or nothing */
	MUST(0, "image exists c.io/d/e");
	MUST(0, "untag a");
	check_out("<none> <none>\n", "images --format '{{.Repository}} {{.Tag}}'");
	check_out("", "images -q -f dangling=false");
}

/* ---- looking into ----------------------------------------------------------------------- */

static void test_look_into(void)
{
	cleanup_free char *mounted = NULL;
	cleanup_result struct result mount = { 0 };

	harness_fresh("look");
	load_layered("layered:1");
	check_out("7:8 map[80/tcp:map[]] [RUN x] [/bin/sh] 3 layers 2 amd64\n",
		  "image inspect --format '{{.Config.User}} {{.Config.ExposedPorts}} "
		  "{{.Config.OnBuild}} {{.Config.Shell}} {{.Healthcheck.Retries}} {{.RootFS.Type}} "
		  "{{len .RootFS.Layers}} {{.Architecture}}' layered:1");
	check_out("C /etc\nC /etc/kept\nA /etc/new\nD /etc/gone\n", "image diff layered:1");
	check_out("{\n     \"changed\": [\n          \"/etc\",\n          \"/etc/kept\"\n     ],\n"
		  "     \"added\": [\n          \"/etc/new\"\n     ],\n"
		  "     \"deleted\": [\n          \"/etc/gone\"\n     ]\n}\n",
		  "diff --format json layered:1");
	check_out("5 B\n2 B\n", "history --format {{.Size}} layered:1");
	check_fails(125, "no such container or image", "diff nothing");
	/* two users of one mount */
	mount = podium("image mount layered:1");
	CHECK_CODE(mount, 0);
	mounted = xstrndup(mount.out, strcspn(mount.out, "\n"));
	MUST(0, "image mount layered:1");
	CHECK(exists("%s/etc/new", mounted) && !exists("%s/etc/gone", mounted), "%s", mounted);
	CHECK(open(mounted, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600) < 0 && errno == EROFS,
	      "written into the mount");
	check_fails(2, "is mounted", "rmi layered:1");
	MUST(0, "image unmount layered:1");
	CHECK(exists("%s/etc/new", mounted), "gone with the first of two");
	MUST(0, "image unmount layered:1");
	CHECK(!exists("%s", mounted), "the mount stayed");
	check_fails(125, "is not mounted", "image unmount layered:1");
	MUST(0, "image mount -a");
	MUST(0, "image unmount -a");
	check_out("", "image mount");
	/* force unmounts first */
	MUST(0, "image mount layered:1");
	MUST(0, "rmi -f layered:1");
	check_out("", "images -q");
}

/* ---- removing --------------------------------------------------------------------------- */

static void test_remove(void)
{
	cleanup_free char *id = NULL;
	cleanup_result struct result r = { 0 }, gone = { 0 };

	harness_fresh("remove");
	load("payload");
	load("busybox");
	MUST(0, "tag busybox two:1");
	r = podium("images -q --no-trunc two");
	id = xstrndup(r.out + 7, 64);
	gone = podium("rmi %s", id);
	CHECK_CODE(gone, 125);
	CHECK_HAS(gone.err, "with more than one tag (docker.io/library/busybox:latest "
			    "localhost/two:1): please force removal");
	check_fails(1, "image not known", "rmi nothing two:1 nothing2");
	MUST(1, "image exists two:1"); /* the others were worked on */
	MUST(0, "rmi -i nothing");
	MUST(0, "rmi -f nothing");
	check_fails(125, "must be specified", "rmi");
	check_fails(125, "may not pass any", "rmi -a busybox");
	DISCARD(play_pod("user", "", "", "    command: [/payload, sleep]\n"));
	check_fails(2, "image is in use by a container", "rmi payload");
	check_fails(2, "image is in use by a container", "rmi -a");
	MUST(1, "image exists busybox"); /* the other one went all the same */
	MUST(0, "rmi -f payload");
	MUST(1, "container exists user-c");
	MUST(0, "pod exists user");
	check_out("", "images -q");
	CHECK(remove_pod("user"), "pod");
}

static void test_prune(void)
{
	cleanup_result struct result r = { 0 }, no = { 0 };
	cleanup_free char *id = NULL;
	cleanup_free char *index = NULL;

	harness_fresh("prune");
	load("payload");
	load("busybox");
	/* what a command left that was killed */
	index = xasprintf("%s/images/.tmp-0123abcd", harness.root);
	write_file(index, "{");
	load_layered("layered:1");
	check_out("", "image prune -f");
	r = podium("images -q --no-trunc layered:1");
	id = xasprintf("%.64s\n", r.out + 7);
	MUST(0, "untag layered:1");
	no = podium_stdin("n\n", "image prune");
	CHECK_CODE(no, 0);
	CHECK_HAS(no.out, "WARNING! This command removes all dangling images.");
	check_fails(125, "nobody answers", "image prune");
	check_out("", "image prune -f --filter label=kind=other");
	check_fails(125, "does not go with prune", "image prune -f --filter dangling=true");
	check_out(id, "image prune -f --filter label=kind");
	/* a pod that runs keeps its image, one that has ended goes */
	DISCARD(play_pod("runs", "", "", "    command: [/payload, sleep]\n"));
	{
		cleanup_result struct result df = podium("system df --format '{{.Type}} {{.Total}} "
							 "{{.Active}}'");
		cleanup_result struct result all = podium("image prune -a -f");

		CHECK_EQUAL(df.out, "Images 2 1\nContainers 2 2\nLocal Volumes 0 0\n");
		CHECK_CODE(all, 0);
	}
	MUST(0, "image exists payload");
	MUST(1, "image exists busybox");
	check_out("Total reclaimed space: 0B\n", "system prune -f");
	MUST(0, "pod stop -t 0 runs");
	check_out("Total reclaimed space: 0B\n", "system prune -f --filter until=2000-01-01");
	MUST(0, "system prune -f -a");
	MUST(1, "pod exists runs");
	check_out("", "images -q");
	CHECK(!exists("%s", index), "an index that was begun");
	CHECK(!exists("%s/layers/%s", harness.root, "*"), "layers");
}

static void test_container_diff(void)
{
	cleanup_result struct result r = { 0 };

	harness_fresh("cdiff");
	load("busybox");
	DISCARD(play_text("d", "",
			  "apiVersion: v1\nkind: Pod\nmetadata: {name: d}\nspec:\n"
			  "  restartPolicy: Never\n"
			  "  containers:\n  - name: c\n    image: busybox\n"
			  "    imagePullPolicy: Never\n"
			  "    command: [sh, -c, 'rm /bin/cat; echo x >/new; exec sleep 1000']\n"));
	CHECK(WAIT_UNTIL(({
				 result_done(&r);
				 r = podium("diff d-c");
				 r.out &&strstr(r.out, "A /new\n");
			 }),
			 DEADLINE_MS),
	      "diff");
	CHECK_HAS(r.out, "D /bin/cat\n");
	CHECK_LACKS(r.out, "/etc/hosts");
	CHECK_LACKS(r.out, "/dev");
	CHECK(remove_pod("d"), "pod");
}

/* ---- what was changed behind our back --------------------------------------------------- */

/* The first line that a shell command prints; the caller's. */
static char *first_line(const char *command)
{
	cleanup_result struct result r = run("sh -c '%s'", command);

	return xstrndup(r.out, strcspn(r.out, "\n"));
}

/* Changes one byte of a file: the first of a part of it, or (NULL) the first. */
static void spoil(const char *path, const char *part)
{
	cleanup_free char *text = read_file(path);
	const char *at = text && part ? strstr(text, part) : text;
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	char c;

	if (CHECK(fd >= 0 && at, "%s", path)) {
		c = (char)(*at ^ 1);
		CHECK(pwrite(fd, &c, 1, at - text) == 1, "%s", path);
	}
	(void)close(fd);
}

static void check_names_damage(const char *text)
{
	cleanup_result struct result r = podium("system check");

	CHECK_HAS(r.out, text);
}

static void test_check(void)
{
	cleanup_free char *find = NULL, *file = NULL, *id = NULL, *blob = NULL;

	harness_fresh("check");
	check_out("", "system check");
	load_layered("layered:1");
	load("busybox");
	check_out("", "system check");
	/* a file of a layer, of the same size */
	find = xasprintf("find %s/layers -name new -path \"*/etc/*\"", harness.root);
	file = first_line(find);
	spoil(file, NULL);
	check_fails(125, "damage in the store", "system check");
	{
		cleanup_result struct result r = podium("system check"), fixed = { 0 };

		CHECK_HAS(r.out, "Damaged: layer ");
		fixed = podium("system check --repair");
		CHECK_CODE(fixed, 0);
		CHECK_HAS(fixed.out, "Deleted: ");
	}
	MUST(1, "image exists layered:1");
	MUST(0, "image exists busybox");
	CHECK(!exists("%s", file), "the broken layer is still there");
	load_layered("layered:1"); /* filled anew */
	check_out("", "system check");
	/* a file that went */
	CHECK(unlink(file) == 0, "unlink");
	check_names_damage("Damaged: layer ");
	MUST(0, "system check -r");
	load_layered("layered:1");
	CHECK(exists("%s", file), "the layer lacks it still");
	check_out("", "system check");
	/* a layer that is not there; use says so, too */
	MUST(0, "rmi busybox");
	free(find);
	find = xasprintf("rm $(find %s/layers -name complete)", harness.root);
	free(first_line(find));
	check_fails(125, "damage", "system check");
	check_fails(125, "missing", "image mount layered:1");
	MUST(0, "system check -r");
	/* a configuration */
	load_layered("layered:1");
	id = inspect("layered:1", "{{.Id}}");
	blob = xasprintf("%s/images/blobs/sha256/%s", harness.root, id);
	spoil(blob, "7:8"); /* JSON as before, and of the same size */
	check_names_damage("Damaged: configuration ");
	check_fails(125, "damage", "system check");
	MUST(0, "system check -r");
	check_out("", "images -q");
}

/* What a container uses is reported and stays. */
static void test_check_in_use(void)
{
	cleanup_free char *find = NULL, *file = NULL;

	harness_fresh("check-used");
	load("busybox");
	DISCARD(play_text("used", "",
			  "apiVersion: v1\nkind: Pod\nmetadata: {name: used}\nspec:\n"
			  "  containers:\n  - name: c\n    image: busybox\n"
			  "    imagePullPolicy: Never\n    command: [sleep, \"1000\"]\n"));
	find = xasprintf("find %s/layers -name index.html", harness.root);
	file = first_line(find);
	spoil(file, NULL); /* a program that runs cannot be written */
	check_fails(125, "damage", "system check");
	check_fails(125, "in use", "system check --repair");
	CHECK(ps_begins("used-c", "Status", "Up"), "status");
	CHECK(remove_pod("used"), "pod");
	MUST(0, "system check --repair");
	check_out("", "images -q");
}

/* What the kernel says of the mount of a container's root; the caller's. */
static char *root_options(const char *container)
{
	cleanup_result struct result m =
		run("cat /proc/%d/mountinfo", (int)container_pid(container));
	const char *root = strstr(m.out, " / / ");

	return root ? xstrndup(root, strcspn(root, "\n")) : xstrdup("no root");
}

/* A store whose path holds everything that mount options and their parsers trip over. */
static void test_odd_paths(void)
{
	cleanup_free char *plain = NULL;
	static const char *const names[] = { "plain", "a,b",  "a:b",  "a\\b",
					     "a b",   "a\nb", "a%%b", "a\\,b:c=d" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		cleanup_free char *where = xasprintf("odd/%s", names[i]);

		harness_fresh(where);
		load_layered("layered:1");
		load("payload");
		check_out("C /etc\nC /etc/kept\nA /etc/new\nD /etc/gone\n", "diff layered:1");
		DISCARD(play_pod("odd", "", "", "    command: [/payload, sleep]\n"));
		if (!CHECK(ps_begins("odd-c", "Status", "Up"), "in '%s'", names[i]))
			continue;
		{
			cleanup_free char *options = root_options("odd-c");

			plain = plain ? plain : xstrdup(options);
			CHECK_EQUAL(options, plain);
			CHECK_LACKS(options, "odd/");
		}
		MUST(0, "image mount layered:1");
		MUST(0, "image unmount layered:1");
		CHECK(remove_pod("odd"), "pod");
	}
}

/* ---- from a registry -------------------------------------------------------------------- */

static void test_digests(void)
{
	struct regserver s;
	cleanup_free char *digest = NULL;
	cleanup_free char *conf = NULL;
	cleanup_result struct result pulled = { 0 }, far = { 0 }, near = { 0 }, gone = { 0 };

	harness_fresh("digests");
	if (!regserver_is_possible()) {
		TEST_SKIP("no registry here");
		return;
	}
	if (!regserver_start(&(struct regserver_spec){ .name = "images" }, &s))
		return;
	conf = regserver_conf_insecure(&s);
	regserver_configure(conf);
	CHECK(regserver_fill_made(&s, "busybox", "team/app:1", REGSERVER_OCI), "fill");
	digest = regserver_digest(&s, "team/app:1");
	far = podium("manifest inspect %s/team/app:1", s.host);
	CHECK_CODE(far, 0);
	CHECK_HAS(far.out, "\"layers\"");
	check_fails(125, "nothing", "manifest inspect --tls-verify=false 127.0.0.1:1/nothing");
	pulled = podium("pull -q %s/team/app:1", s.host);
	CHECK_CODE(pulled, 0);
	near = podium("manifest inspect %s/team/app:1", s.host);
	CHECK_EQUAL(near.out, far.out);
	{
		cleanup_result struct result r = podium("images --digests --format {{.Digest}}");
		cleanup_free char *line = xasprintf("%s\n", digest);

		CHECK_EQUAL(r.out, line);
	}
	MUST(0, "image exists %s/team/app@%s", s.host, digest);
	MUST(1, "image exists %s/team/other@%s", s.host, digest);
	gone = podium("rmi %s/team/app@%s", s.host, digest);
	CHECK_CODE(gone, 0);
	CHECK_HAS(gone.out, "Deleted: ");
	regserver_stop(&s);
}

/* ---- at once ---------------------------------------------------------------------------- */

/* Loads and removals of the same image, side by side: each ends well or says that it lost, and what
 * is left is whole. */
static void test_race_remove(void)
{
	cleanup_free char *archive = image_archive("busybox");

	harness_fresh("race");
	for (int round = 0; round < 5; round++) {
		struct job loads[2], removes[2];

		for (int i = 0; i < 2; i++) {
			loads[i] = job_podium("load -q -i %s", archive);
			removes[i] = job_podium("rmi -f busybox");
		}
		for (int i = 0; i < 2; i++) {
			cleanup_result struct result l = job_wait(&loads[i], DEADLINE_MS);
			cleanup_result struct result r = job_wait(&removes[i], DEADLINE_MS);

			CHECK_CODE(r, 0);
			CHECK_CODE(l, 0);
		}
	}
	MUST(0, "load -q -i %s", archive);
	/* whole: a pod runs from it */
	DISCARD(play_text("whole", "",
			  "apiVersion: v1\nkind: Pod\nmetadata: {name: whole}\nspec:\n"
			  "  restartPolicy: Never\n"
			  "  containers:\n  - name: c\n    image: busybox\n"
			  "    imagePullPolicy: Never\n    command: [sh, -c, 'exit 3']\n"));
	CHECK(WAIT_UNTIL(ps_begins("whole-c", "Status", "Exited (3)"), DEADLINE_MS), "status");
	MUST(0, "pod rm -f whole");
	MUST(0, "rmi -a");
}

/* A pod that is being made while its image is removed: it runs and keeps the image, or it does not
 * run and the image is gone. */
static void test_race_run(void)
{
	harness_fresh("race-run");
	for (int round = 0; round < 6; round++) {
		struct job remove;
		bool runs, there;

		load("payload");
		remove = job_podium("rmi payload");
		DISCARD(play_pod("r", "", "", "    command: [/payload, sleep]\n"));
		DISCARD(job_wait(&remove, DEADLINE_MS));
		{
			cleanup_result struct result c = podium("container exists r-c");
			cleanup_result struct result i = podium("image exists payload");

			runs = c.code == 0;
			there = i.code == 0;
		}
		CHECK(runs == there, "round %d: %s, %s", round, runs ? "runs" : "does not run",
		      there ? "image is there" : "image is gone");
		if (runs)
			CHECK(ps_begins("r-c", "Status", "Up"), "status");
		DISCARD(podium("pod rm -f r"));
		DISCARD(podium("rmi -i payload"));
	}
}

static CU_TestInfo tests[] = {
	{ "list", test_list },
	{ "names", test_names },
	{ "look into", test_look_into },
	{ "remove", test_remove },
	{ "prune", test_prune },
	{ "diff of a container", test_container_diff },
	{ "check", test_check },
	{ "check, in use", test_check_in_use },
	{ "odd paths", test_odd_paths },
	{ "digests", test_digests },
	{ "load and remove at once", test_race_remove },
	{ "play and remove at once", test_race_run },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "images", harness_begin, harness_end, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
