/* SPDX-License-Identifier: Apache-2.0 */
/*
 * volume - volumes of the command line: made, listed, inspected, filled, read, removed, pruned; who
 * uses them; eight shells at one volume at once.
 */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/integration/harness.h"
#include "tests/integration/leftover.h"

#define SHELLS 8
#define ROUNDS 3

static int begin(void)
{
	return harness_begin() != 0 || !load_image("payload");
}

static void check(int code, const char *out, const char *err, const char *words)
{
	cleanup_result struct result r = podium("volume %s", words);

	CHECK_CODE(r, code);
	if (out)
		CHECK_EQUAL(r.out, out);
	if (err)
		CHECK_HAS(r.err, err);
	else
		CHECK_EQUAL(r.err, "");
}

static void test_life(void)
{
	cleanup_result struct result random = podium("volume create");
	cleanup_free char *mountpoint = xasprintf("%s/volumes/data/_data\n", harness.root);

	CHECK(random.code == 0 && strlen(random.out) == 65, "'%s' is no name", random.out);
	check(0, "data\n", NULL, "create --label k=v --label j data");
	check(125, "", "volume with name data already exists: volume already exists",
	      "create data");
	check(0, "data\n", NULL, "create --ignore data");
	check(0, "", NULL, "exists data");
	check(1, "", NULL, "exists dat");
	check(0, mountpoint, NULL, "inspect --format '{{.Mountpoint}}' data");
	check(0, mountpoint, NULL, "mount data");
	check(0, "data\n", NULL, "unmount data");
	check(0, "data local local map[j: k:v] map[] 0 false\n", NULL,
	      "inspect --format '{{.Name}} {{.Driver}} {{.Scope}} {{.Labels}} {{.Options}} "
	      "{{.MountCount}} {{.Anonymous}}' dat");
	check(0, "data\n", NULL, "ls -q --filter label=k=v --filter name=^da");
	check(0, "DRIVER      VOLUME NAME\nlocal       data\n", NULL, "ls --filter label=j");
	check(0, "data\n", NULL, "rm data");
	check(1, "", "no volume with name \"data\" found: no such volume", "rm data");
	check(0, "", NULL, "rm -f data");
	check(0, random.out, NULL, "prune -f");
	check(0, "", NULL, "ls");
}

static void test_refused(void)
{
	check(125, "", "'a/b' is not a name of a volume", "create a/b");
	check(125, "", "'vfs' is not supported", "create --driver vfs x");
	check(125, "", "invalid mount option foo for driver 'local'", "create -o foo=bar x");
	check(125, "", "'o=size=10m' is not supported without", "create -o o=size=10m x");
	check(125, "", "'nfs' are not supported", "create -o type=nfs -o device=h:/x x");
	check(125, "", "\"foo\" is an invalid volume filter", "ls --filter foo=bar");
	check(125, "", "must be true or false", "ls --filter dangling=maybe");
	check(125, "", "cannot be used together", "ls -q --format json");
	check(125, "", "one or more volume names or use --all", "inspect");
	check(125, "[]\n", "no such volume nope", "inspect nope");
	check(125, "", "either one or more volumes or all", "rm");
	check(125, "", "--force option must be specified", "rm -t 3 x");
	check(125, "", "no such volume nope", "export nope");
	check(125, "", "not supported", "reload");
	check(0, "", NULL, "ls -q");
}

/* ---- content ---------------------------------------------------------------------------- */

static void test_archives(void)
{
	cleanup_free char *dir = xasprintf("%s/tree", harness.work);
	cleanup_free char *in = xasprintf("%s/in.tar", harness.work);
	cleanup_free char *zipped = xasprintf("%s/in.tgz", harness.work);
	cleanup_free char *out = xasprintf("%s/out.tar", harness.work);
	cleanup_free char *file = xasprintf("%s/volumes/data/_data/d/.wh.f", harness.root);
	cleanup_free char *content = NULL;
	cleanup_result struct result listed = { 0 }, again = { 0 };

	write_file("tree/d/.wh.f", "no layer\n");
	write_file("tree/f", "text\n");
	DISCARD(run("ln -s f %s/l", dir));
	DISCARD(run("tar cf %s -C %s .", in, dir));
	DISCARD(run("tar czf %s -C %s .", zipped, dir));
	MUST(0, "volume create data");
	MUST(0, "volume import data %s", in);
	content = read_file(file);
	CHECK_EQUAL(content, "no layer\n");
	MUST(0, "volume export -o %s data", out);
	MUST(0, "volume export -o %s data", out); /* over the first */
	listed = run("tar tf %s", out);
	CHECK_EQUAL(listed.out, "d/\nd/.wh.f\nf\nl\n");
	MUST(0, "volume rm data");
	MUST(0, "volume create data");
	MUST(0, "volume import data %s", zipped);
	again = podium("volume export data");
	CHECK(again.code == 0 && memcmp(again.out, "d/", 2) == 0, "no archive");
	for (int i = 0; i < 4; i++) {
		static const char *const letters[] = { "J", "j" };
		cleanup_free char *packed = xasprintf("%s/in.%s", harness.work, letters[i & 1]);

		DISCARD(run("tar c%sf %s -C %s .", letters[i & 1], packed, dir));
		MUST(0, "volume create packed");
		if (i & 2) { /* from a pipe */
			cleanup_result struct result r = run(
				"sh -c 'cat %s | %s/podium --root %s --runroot %s volume import "
				"packed -'",
				packed, harness.build, harness.root, harness.runroot);

			CHECK_CODE(r, 0);
		} else {
			MUST(0, "volume import packed %s", packed);
		}
		CHECK(exists("%s/volumes/packed/_data/d/.wh.f", harness.root), "nothing in it");
		MUST(0, "volume rm packed");
		/* Cut off in the middle. */
		DISCARD(run("truncate -s 60 %s", packed));
		MUST(125, "volume import data %s", packed);
	}
	MUST(125, "volume import data /dev/null");
	MUST(125, "volume import data %s/f", dir);
	MUST(0, "volume rm data");
	CHECK(!exists("%s/volumes/data", harness.root), "something is left");
}

/* A hostile archive: names that leave, links out of the volume and files through them. */
static void test_hostile_archive(void)
{
	cleanup_free char *dir = xasprintf("%s/evil", harness.work);
	cleanup_free char *tar = xasprintf("%s/evil.tar", harness.work);
	cleanup_free char *outside = xasprintf("%s/outside", harness.work);

	CHECK(mkdir(outside, 0755) == 0, "mkdir");
	write_file("evil/x", "evil\n");
	DISCARD(run("ln -s %s %s/link", outside, dir));
	DISCARD(run("tar cf %s -C %s link", tar, dir));
	DISCARD(run("tar rf %s -C %s --transform s,x,link/planted, x", tar, dir));
	DISCARD(run("tar rf %s -P -C %s --transform s,x,../../../../up, x", tar, dir));
	MUST(0, "volume create data");
	DISCARD(podium("volume import data %s", tar));
	CHECK(!exists("%s/planted", outside), "a file was written through a link");
	CHECK(!exists("%s/up", harness.work) && !exists("%s/up", harness.root),
	      "a name has left the volume");
	MUST(0, "volume rm data");
}

/* CP-4: what is exported is swapped for a link meanwhile. The packer follows nothing (its twin is in
 * test_tarout), and its root is the volume. */
static bool is_export_clean(int rounds)
{
	cleanup_free char *data = xasprintf("%s/volumes/swap/_data", harness.root);
	cleanup_free char *canary = xasprintf("%s/canary", harness.work);
	cleanup_free char *script =
		xasprintf("while :; do ln -sfn %s %s/f; rm -f %s/f; echo plain > %s/f; done",
			  canary, data, data, data);
	struct job swapper;
	bool is_clean = true;

	write_file("canary", "canary-bytes-of-the-host\n");
	DISCARD(podium("volume create --ignore swap"));
	swapper = job_run("sh -c '%s'", script);
	for (int i = 0; i < rounds && is_clean; i++) {
		cleanup_free char *tar = xasprintf("%s/swap.tar", harness.work);
		cleanup_result struct result r = podium("volume export -o %s swap", tar);
		cleanup_result struct result found =
			run("grep -c canary-bytes-of-the-host %s", tar);

		CHECK_CODE(r, 0);
		is_clean = found.code == 1;
	}
	(void)kill(swapper.pid, 9);
	DISCARD(job_wait(&swapper, DEADLINE_MS));
	DISCARD(podium("volume rm swap"));
	return is_clean;
}

static void test_swapper(void)
{
	CHECK(is_export_clean(20), "bytes of the host are in the archive");
}

/* ---- containers ------------------------------------------------------------------------- */

static void test_users(void)
{
	cleanup_free char *id = NULL;
	cleanup_free char *in_use = NULL;
	cleanup_result struct result anonymous = { 0 }, both = { 0 };
	cleanup_result struct result listed = { 0 }, unlisted = { 0 };

	MUST(0, "create --name one --network none -v data:/d -v /anon payload true");
	id = inspect("one", "{{.Id}}");
	in_use = xasprintf("volume data is being used by the following container(s): %s: volume "
			   "is being used",
			   id);
	check(2, "", in_use, "rm data");
	check(0, "data\n", NULL, "ls -q --filter dangling=false --filter name=data");
	listed = podium("ps -a --filter volume=data --format '{{.Names}}'");
	CHECK_EQUAL(listed.out, "one\n");
	unlisted = podium("ps -a --filter volume=data:/e --format '{{.Names}}'");
	CHECK_EQUAL(unlisted.out, "");
	CHECK(is_inspected(
		      "one",
		      "{{with index .Mounts 0}}{{.Type}} {{.Name}} {{.Driver}} {{.Destination}} "
		      "{{.Options}} {{.RW}}{{end}} {{index .HostConfig.Binds 0}}",
		      "volume data local /d [nosuid nodev rbind] true "
		      "data:/d:rw,rprivate,nosuid,nodev,rbind"),
	      "inspect does not tell the mounts");
	both = podium("volume rm data nope");
	CHECK_CODE(both, 2);
	CHECK_HAS(both.err, "no such volume");
	anonymous = podium("volume ls -q --filter dangling=false");
	CHECK(strlen(anonymous.out) == 65 + 5, "two volumes: '%s'", anonymous.out);
	check(0, "", NULL, "prune -f");
	check(0, "data\n", NULL, "rm -f data");
	MUST(1, "container exists one");
	{
		/* The anonymous one is left, since the container was removed without its volumes. */
		cleanup_result struct result left = podium("volume prune -f");

		CHECK(strlen(left.out) == 65, "'%s'", left.out);
	}
	check(0, "", NULL, "ls");
}

static void test_kept(void)
{
	cleanup_result struct result r = { 0 };

	MUST(0, "run --rm --network none -v data:/d payload write /d/f kept");
	r = podium("run --rm --network none -v data:/d:ro payload cat /d/f");
	CHECK_HAS(r.out, "kept");
	MUST(0, "volume rm data");
	check(0, "", NULL, "ls");
}

/* A new one over /etc takes what the image has, which is nothing here: no mount points of ours. */
static void test_over_etc(void)
{
	static const char *const targets[] = { "/etc", "//etc/" };

	for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
		cleanup_free char *path = xasprintf("%s/volumes/e/_data/hosts", harness.root);

		MUST(0, "run --rm --network none -v e:%s payload true", targets[i]);
		CHECK(!exists("%s", path), "%s: it has a file that no image has", targets[i]);
		MUST(0, "volume rm e");
	}
}

/* Those without a name go by rm -v, by --rm, and with their pod. */
static void test_anonymous(void)
{
	MUST(0, "run --rm --network none -v /d payload touch /d/f");
	check(0, "", NULL, "ls -q");
	MUST(0, "create --name kept --network none -v /d payload true");
	MUST(0, "rm kept");
	CHECK(exists("%s/volumes", harness.root), "no volumes");
	{
		cleanup_result struct result left = podium("volume ls -q");

		CHECK(strlen(left.out) == 65, "'%s'", left.out);
	}
	MUST(0, "volume rm -a");
	MUST(0, "create --name gone --network none -v /d payload true");
	MUST(0, "rm -v gone");
	check(0, "", NULL, "ls -q");
	MUST(0, "pod create --name p --network none");
	MUST(0, "run -d --pod p -v /d payload sleep 0");
	MUST(0, "run --rm --pod p -v /d payload touch /d/f");
	{
		cleanup_result struct result left = podium("volume ls -q");

		CHECK(strlen(left.out) == 65, "'%s'", left.out);
	}
	MUST(0, "pod rm -f -t 0 p");
	check(0, "", NULL, "ls -q");
}

static void test_driver(void)
{
	cleanup_result struct result r = { 0 };
	cleanup_free char *dir = xasprintf("%s/bound", harness.work);

	MUST(0, "volume create -o type=tmpfs -o device=tmpfs -o o=size=1m t");
	MUST(0, "run --rm --network none -v t:/d payload write /d/f kept");
	r = podium("run --rm --network none -v t:/d payload cat /d/f");
	CHECK_HAS(r.out, "kept");
	check(0, "1\n", NULL, "inspect --format '{{.MountCount}}' t");
	MUST(0, "volume rm t");
	CHECK(!exists("%s/volumes/t", harness.root), "something is left");
	write_file("bound/f", "of the host\n");
	MUST(0, "volume create -o type=none -o o=bind -o device=%s b", dir);
	result_done(&r);
	r = podium("run --rm --network none -v b:/d payload cat /d/f");
	CHECK_EQUAL(r.out, "of the host\n");
	MUST(0, "volume rm b");
	CHECK(exists("%s/f", dir), "a directory of the host was emptied");
}

/* A record that the disk has damaged is one volume's matter. */
static void test_damaged(void)
{
	cleanup_free char *record = xasprintf("%s/volumes/bad/volume.json", harness.root);

	MUST(0, "volume create bad");
	MUST(0, "volume create good");
	write_file(record, "{");
	check(0, "bad\ngood\n", NULL, "ls -q");
	check(0, "good\n", NULL, "inspect --format '{{.Name}}' good");
	MUST(125, "volume inspect bad");
	check(0, "bad\ngood\n", NULL, "rm bad good");
	MUST(0, "volume create v");
	CHECK(is_inspected("v", "{{.Name}} {{.Driver}}", "v local"), "inspect finds no volume");
	MUST(125, "inspect --type container v");
	check(0, "v\n", NULL, "rm v");
}

/* What a kill leaves half made is in nobody's way. */
static void test_killed(void)
{
	CHECK(setenv("PODIUM_STOP_AT", "volumes:provided", 1) == 0, "setenv");
	DISCARD(podium("create --name half --network none -v data:/d payload true"));
	CHECK(unsetenv("PODIUM_STOP_AT") == 0, "unsetenv");
	MUST(0, "create --replace --name half --network none -v data:/d payload true");
	MUST(0, "rm half");
	MUST(0, "volume rm -f data");
	check(0, "", NULL, "ls -q");
	/* A removal: the volume is gone, what is left of it goes with the next one. */
	MUST(0, "volume create data");
	CHECK(setenv("PODIUM_STOP_AT", "volume:aside", 1) == 0, "setenv");
	DISCARD(podium("volume rm data"));
	CHECK(unsetenv("PODIUM_STOP_AT") == 0, "unsetenv");
	check(0, "", NULL, "ls -q");
	MUST(0, "volume create data");
	MUST(0, "volume rm data");
	{
		cleanup_result struct result left = run("ls -A %s/volumes", harness.root);

		CHECK_EQUAL(left.out, "");
	}
}

/* ---- together --------------------------------------------------------------------------- */

static void test_together(void)
{
	struct job jobs[SHELLS];
	cleanup_free char *podium_path = xasprintf("%s/podium", harness.build);

	for (int i = 0; i < SHELLS; i++)
		jobs[i] = job_run("sh -c 'P=\"%s --root %s --runroot %s\"; for r in 1 2 3; do $P "
				  "volume create --ignore shared; $P run --rm --network none -v "
				  "shared:/d payload touch /d/f || exit 7; $P volume rm shared; $P "
				  "volume ls -q; done; exit 0'",
				  podium_path, harness.root, harness.runroot);
	for (int i = 0; i < SHELLS; i++) {
		cleanup_result struct result r = job_wait(&jobs[i], 3 * DEADLINE_MS);

		if (!CHECK_CODE(r, 0))
			printf("%s%s\n", r.out, r.err);
	}
	DISCARD(podium("volume rm shared"));
	check(0, "", NULL, "ls -q");
	CHECK(!exists("%s/volumes/shared", harness.root), "something is left");
}

static CU_TestInfo tests[] = {
	{ "life", test_life },
	{ "what is refused", test_refused },
	{ "archives", test_archives },
	{ "a hostile archive", test_hostile_archive },
	{ "swapped while it is exported", test_swapper },
	{ "users", test_users },
	{ "kept between containers", test_kept },
	{ "over /etc", test_over_etc },
	{ "without a name", test_anonymous },
	{ "volumes that are mounted", test_driver },
	{ "a damaged record", test_damaged },
	{ "killed", test_killed },
	{ "eight shells", test_together },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "volume", begin, harness_end, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
