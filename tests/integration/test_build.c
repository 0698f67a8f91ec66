/* SPDX-License-Identifier: Apache-2.0 */
/*
 * build - Containerfiles to images: what comes out, what the cache takes, what is refused.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "tests/integration/regserver.h"

static int begin(void)
{
	return harness_begin() == 0 && load_image("busybox") ? 0 : 1;
}

/* Builds from the Containerfile `text` in the folder NAME, whose other files stay. */
static struct result build(const char *name, const char *options, const char *text)
{
	cleanup_free char *file = xasprintf("%s/Containerfile", name);

	write_file(file, "%s", text);
	return podium("build --network none %s -t %s %s/%s", options, name, harness.work, name);
}

static size_t count(const char *text, const char *part)
{
	size_t n = 0;

	for (const char *p = text; (p = strstr(p, part)); p += strlen(part))
		n++;
	return n;
}

/* The last line, which is the id. The caller's. */
static char *last_line(const struct result *r)
{
	cleanup_free char *copy = xstrdup(r->out);
	size_t len = strlen(copy);
	char *nl;

	if (len)
		copy[len - 1] = '\0';
	nl = strrchr(copy, '\n');
	return xstrdup(nl ? nl + 1 : copy);
}

static bool has_field(const char *image, const char *format, const char *want)
{
	cleanup_result struct result r = podium("image inspect --format '%s' %s", format, image);

	r.out[strcspn(r.out, "\n")] = '\0';
	return CHECK_EQUAL(r.out, want);
}

/* What a container of the image prints. The caller's. */
static char *output_of(const char *image)
{
	cleanup_free char *container =
		xasprintf("    image: %s\n    imagePullPolicy: IfNotPresent\n", image);
	cleanup_result struct result r = play_pod("b", "", "  restartPolicy: Never\n", container);
	char *out;

	CHECK_CODE(r, 0);
	CHECK(WAIT_UNTIL(ps_begins("b-c", "Status", "Exited"), DEADLINE_MS), "it goes on");
	out = logs_of("b-c");
	remove_pod("b");
	return out;
}

/* ---- a C program ------------------------------------------------------------------------ */

static const char c_program[] = "#include <stdio.h>\n"
				"int main(void)\n{\n\tputs(\"made by \" MADE_BY);\n"
				"\treturn 0;\n}\n";
static const char c_containerfile[] =
	"ARG BASE=localhost/gcc\n"
	"FROM ${BASE} AS build\n"
	"ARG MADE_BY=nobody\n"
	"WORKDIR /src\n"
	"COPY *.c ./\n"
	"RUN gcc -O2 -Wall -Werror -static -DMADE_BY=\\\"$MADE_BY\\\" -o program main.c\n"
	"FROM scratch\n"
	"COPY --from=build --chown=1000:1000 --chmod=0555 /src/program /bin/program\n"
	"USER 1000\n"
	"ENTRYPOINT [\"/bin/program\"]\n";

/* Pushes it, forgets it here, and plays it out of the registry. */
static void go_through_registry(void)
{
	cleanup_regserver struct regserver s = { .job = { .pid = 0 } };
	cleanup_result struct result r = { 0 };
	cleanup_free char *conf = NULL;
	cleanup_free char *name = NULL;
	cleanup_free char *out = NULL;

	if (!regserver_is_possible() ||
	    !regserver_start(&(struct regserver_spec){ .name = "built" }, &s))
		return;
	conf = regserver_conf_insecure(&s);
	regserver_configure(conf);
	name = xasprintf("%s/from-afar:1", s.host); /* no folder is called so: play builds none */
	r = podium("push program %s", name);
	if (!CHECK_CODE(r, 0))
		return;
	MUST(0, "rmi -f program");
	MUST(1, "image exists program");
	out = output_of(name);
	CHECK_EQUAL(out, "made by podium\n");
	MUST(0, "rmi %s", name);
}

static void test_c_program(void)
{
	cleanup_result struct result r = { 0 };
	cleanup_free char *out = NULL;

	if (!load_image("gcc"))
		return;
	write_file("program/main.c", "%s", c_program);
	r = build("program", "--build-arg MADE_BY=podium", c_containerfile);
	if (!CHECK_CODE(r, 0))
		return;
	CHECK_HAS(r.out, "[1/2] STEP 1/5: FROM localhost/gcc AS build\n");
	CHECK_HAS(r.out, "[2/2] STEP 4/4: ENTRYPOINT [\"/bin/program\"]\nCOMMIT program\n");
	CHECK_HAS(r.out, "Successfully tagged localhost/program:latest\n");
	has_field("program", "{{len .RootFS.Layers}} {{.Config.User}}", "1 1000");
	out = output_of("localhost/program");
	CHECK_EQUAL(out, "made by podium\n");
	go_through_registry();
}

/* ---- the cache -------------------------------------------------------------------------- */

static const char cached[] = "FROM busybox\n"
			     "ENV A=b\n"
			     "COPY one.txt /one\n"
			     "ARG WHO=nobody\n"
			     "RUN cat /one /two >/both 2>/dev/null; echo $WHO\n"
			     "COPY dir /dir\n"
			     "LABEL x=y\n";

static void check_hits_in(const char *folder, const char *options, const char *text, size_t want)
{
	cleanup_result struct result r = build(folder, options, text);

	CHECK_CODE(r, 0);
	CHECK(count(r.out, "--> Using cache ") == want, "%zu steps out of the cache, not %zu:\n%s",
	      count(r.out, "--> Using cache "), want, r.out);
}

static void check_hits(const char *options, const char *text, size_t want)
{
	check_hits_in("cached", options, text, want);
}

static void test_cache(void)
{
	cleanup_free char *changed = replaced(cached, "A=b", "A=c");

	write_file("cached/one.txt", "1\n");
	write_file("cached/dir/two.txt", "2\n");
	write_file("cached/.containerignore", "dir/*.tmp\n");
	check_hits("", cached, 0);
	check_hits("", cached, 6);
	DISCARD(run("touch -d 2001-01-01 %s/cached/one.txt", harness.work));
	check_hits("", cached, 6); /* a time is no content */
	write_file("cached/dir/x.tmp", "ignored\n");
	check_hits("", cached, 6);
	write_file("cached/dir/two.txt", "3\n");
	check_hits("", cached, 4);
	DISCARD(run("chmod 0755 %s/cached/one.txt", harness.work));
	check_hits("", cached, 1);
	check_hits("--build-arg WHO=me", cached, 3);
	check_hits("--build-arg WHO=me", cached, 6);
	check_hits("", cached, 6);
	check_hits("--no-cache", cached, 0);
	check_hits("--layers=false", cached, 0);
	check_hits("", changed, 0);
	check_hits("--label more=yes", changed, 6);
}

/* All that a RUN can see is in its key. The twin leaves out what the command line and the context
 * say. */
static void test_cache_of_run(void)
{
	static const char text[] =
		"FROM busybox\nARG A\nARG B\n"
		"RUN --mount=type=bind,source=in[x],target=/b cat /b/f >/out; echo $A\n";

	write_file("run/in[x]/f", "1\n");
	write_file("run/inx/f", "not this one\n");
	check_hits_in("run", "", text, 0);
	check_hits_in("run", "", text, 3);
	write_file("run/inx/f", "still not\n");
	check_hits_in("run", "", text, 3);
	write_file("run/in[x]/f", "2\n");
	check_hits_in("run", "", text, 2);
	check_hits_in("run", "", text, 3);
	check_hits_in("run", "--network host", text, 2);
	check_hits_in("run", "--add-host x:10.0.0.1", text, 2);
	check_hits_in("run", "--cap-drop CHOWN", text, 2);
	check_hits_in("run", "--cap-add CHOWN", text, 2);
	check_hits_in("run", "--build-arg A=1 --build-arg B=2", text, 2);
	check_hits_in("run", "--build-arg 'A=1 B=2'", text, 2);
	DISCARD(run("mkfifo %s/run/in[x]/fifo", harness.work));
	check_hits_in("run", "", text, 2);
	check_hits_in("run", "", text, 2); /* nobody can say what is in a fifo */
	DISCARD(run("rm %s/run/in[x]/fifo", harness.work));
	CHECK(setenv("PODIUM_WEAKEN", "BUILD-KEY", 1) == 0, "setenv");
	check_hits_in("run", "", text, 2);
	write_file("run/in[x]/f", "3\n");
	check_hits_in("run", "--cap-drop CHOWN", text, 3);
	CHECK(unsetenv("PODIUM_WEAKEN") == 0, "unsetenv");
}

/* An image that is gone is no hit, nor is one whose layer is. */
static void test_cache_is_a_hint(void)
{
	static const char text[] = "FROM busybox\nRUN echo x >/x\nRUN echo y >/y\n";
	cleanup_result struct result r = build("hint", "", text);

	CHECK_CODE(r, 0);
	DISCARD(run("sh -c 'for f in %s/build/steps/*; do echo damaged >$f; done'", harness.root));
	result_done(&r);
	r = build("hint", "", text);
	CHECK_CODE(r, 0);
	CHECK_LACKS(r.out, "Using cache");
	result_done(&r);
	MUST(0, "rmi -f hint");
	r = build("hint", "", text);
	CHECK_CODE(r, 0);
	CHECK_LACKS(r.out, "STEP 3/3: RUN echo y >/y\n--> Using cache");
}

/* ---- the same again --------------------------------------------------------------------- */

static void test_reproducible(void)
{
	static const char text[] =
		"FROM busybox\nWORKDIR /made/here\nCOPY . .\n"
		"RUN mkdir -p d; echo x >d/f; ln d/f g; "
		"touch -d @$((0x$(cut -c1-7 /proc/sys/kernel/random/uuid))) d/f\n"
		"CMD [\"x\"]\n";
	cleanup_result struct result a = { 0 }, b = { 0 }, c = { 0 };
	cleanup_free char *first = NULL;
	cleanup_free char *second = NULL;
	cleanup_free char *third = NULL;

	write_file("same/a.txt", "a\n");
	a = build("same", "--timestamp 1000000000 --no-cache", text);
	CHECK_CODE(a, 0);
	DISCARD(run("touch -d 2001-01-01 %s/same/a.txt", harness.work));
	b = build("same", "--timestamp 1000000000 --no-cache", text);
	c = build("same", "--no-cache", text);
	first = last_line(&a);
	second = last_line(&b);
	third = last_line(&c);
	CHECK_EQUAL(first, second);
	CHECK(!is_equal(first, third), "the time says nothing");
	has_field(first, "{{.Created}}", "2001-09-09 01:46:40 +0000 UTC");
}

/* ---- what instructions do --------------------------------------------------------------- */

static void test_configuration(void)
{
	cleanup_result struct result r = build(
		"conf", "--label 'l=a \"$b\" c' --env E=first",
		"FROM busybox\nARG TARGETARCH\nENV A=1 B=\"two words\" C=$E\nENV OLD form  here\n"
		"LABEL arch=$TARGETARCH\nLABEL \"two words\"=c 'a$b'=d\nWORKDIR /a\nWORKDIR "
		"b/../c\nUSER 7:8\n"
		"EXPOSE 80 53/udp 90-91\nVOLUME /v1 /v2\nSTOPSIGNAL SIGUSR1\nSHELL [\"/bin/sh\"]\n"
		"CMD old\nENTRYPOINT [\"e\"]\nCMD x $A\nMAINTAINER me\n");

	CHECK_CODE(r, 0);
	has_field("conf", "{{.Config.User}} {{.Config.WorkingDir}} {{.Config.StopSignal}}",
		  "7:8 /a/c SIGUSR1");
	has_field("conf", "{{json .Config.Cmd}} {{json .Config.Entrypoint}}",
		  "[\"/bin/sh\",\"x $A\"] [\"e\"]");
	has_field("conf", "{{index .Config.Labels \"l\"}}", "a \"$b\" c");
	has_field("conf", "{{index .Config.Labels \"two words\"}} {{index .Config.Labels \"a$b\"}}",
		  "c d");
	has_field("conf", "{{json .Config.Env}}",
		  "[\"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\","
		  "\"E=first\",\"A=1\",\"B=two words\",\"C=first\",\"OLD=form  here\"]");
	result_done(&r);
	/* ENTRYPOINT takes the base's CMD away, LABEL adds. */
	r = build("conf2", "", "FROM conf\nENTRYPOINT [\"f\"]\nLABEL n=1\n");
	CHECK_CODE(r, 0);
	has_field("conf2", "{{len .Config.Cmd}} {{len .Config.Labels}}", "0 5");
}

static void test_files(void)
{
	cleanup_result struct result r = { 0 };

	write_file("files/keep/a.txt", "a\n");
	write_file("files/keep/b.tmp", "b\n");
	write_file("files/deep/er/c.tmp", "c\n");
	write_file("files/.dockerignore", "**/*.tmp\n!deep/er/*.tmp\n");
	r = build("files", "",
		  "FROM busybox\nCOPY . /all\nRUN cd /all && find . -type f | sort; test -d /w || "
		  "echo "
		  "none\nWORKDIR /w\nRUN pwd\nCOPY <<one <<'two' /h/\n$HOME and "
		  "\"$PATH\"\none\n$HOME\n"
		  "two\nRUN cat /h/two; grep -c /usr/bin /h/one\nRUN <<X\nread a <<Y\nin $PWD\nY\n"
		  "echo $a\nX\nRUN <<'Z'\n#!/bin/cat\nall of it\nZ\n");
	CHECK_CODE(r, 0);
	CHECK_HAS(r.out, "./.dockerignore\n./Containerfile\n./deep/er/c.tmp\n./keep/a.txt\nnone\n");
	CHECK_HAS(r.out, "\n/w\n");
	CHECK_HAS(r.out, "\n$HOME\n1\n");
	CHECK_HAS(r.out, "\nin /w\n");
	CHECK_HAS(r.out, "\n#!/bin/cat\nall of it\n");
	CHECK_LACKS(r.out, "b.tmp");
}

static void test_onbuild(void)
{
	cleanup_result struct result r = build("trigger", "",
					       "FROM busybox\nONBUILD RUN echo triggered >/t\n"
					       "ONBUILD ENV T=1\n");

	CHECK_CODE(r, 0);
	result_done(&r);
	r = build("child", "", "FROM trigger\nRUN cat /t; echo T=$T\n");
	CHECK_CODE(r, 0);
	CHECK_HAS(r.out, "STEP 2/4: RUN echo triggered >/t\n");
	CHECK_HAS(r.out, "\ntriggered\nT=1\n");
	result_done(&r);
	r = build("grandchild", "", "FROM child\nRUN true\n"); /* once */
	CHECK_HAS(r.out, "STEP 2/2: RUN true\n");
}

static void test_stages(void)
{
	static const char text[] = "ARG B=busybox\nFROM $B AS one\nRUN echo 1 >/n\n"
				   "FROM busybox AS never\nRUN false\n"
				   "FROM one AS two\nRUN cat /n\n"
				   "FROM scratch\nCOPY --from=0 /n /zero\nCOPY --from=busybox "
				   "/www/index.html /i\n";
	cleanup_result struct result r = build("stages", "", text);

	CHECK_CODE(r, 0);
	CHECK_LACKS(r.out, "RUN false");
	CHECK_LACKS(r.out, "RUN cat /n"); /* nobody needs it */
	result_done(&r);
	r = build("stages", "--target two", text);
	CHECK_CODE(r, 0);
	CHECK_HAS(r.out, "--> Using cache ");
	CHECK_HAS(r.out, "RUN cat /n\n1\n");
	result_done(&r);
	r = build("stages", "--from nosuch --pull=never", text);
	CHECK_CODE(r, 125);
	CHECK_HAS(r.err, "Containerfile:2: FROM: ");
	CHECK_HAS(r.err, "nosuch");
}

static void test_squash(void)
{
	static const char text[] =
		"FROM busybox\nRUN echo a >/a; echo b >/b; mkdir /d; echo x >/d/x\n"
		"RUN rm /a /www/index.html; rm -r /d; mkdir /d; echo y >/d/y\n"
		"CMD ls -1 /a /b /d /www 2>/dev/null\n";
	static const char want[] = "/b\n\n/d:\ny\n\n/www:\n";
	static const char *const options[] = { "", "--squash", "--squash-all", "--layers=false" };
	static const char *const layers[] = { "3", "2", "1", "2" };

	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		cleanup_result struct result r = build("sq", options[i], text);
		cleanup_free char *out = NULL;

		CHECK_CODE(r, 0);
		has_field("sq", "{{len .RootFS.Layers}}", layers[i]);
		out = output_of("localhost/sq");
		CHECK_EQUAL(out, want);
	}
	MUST(1, "image exists sq-nothing");
	DISCARD(podium("image prune -f"));
	CHECK(!exists("%s/build/squash-*", harness.root), "a tree is left");
}

/* Where the base comes from: --pull. */
static void test_pull(void)
{
	cleanup_regserver struct regserver s = { .job = { .pid = 0 } };
	cleanup_result struct result r = { 0 };
	cleanup_free char *conf = NULL;
	cleanup_free char *text = NULL;

	if (!regserver_is_possible() ||
	    !regserver_start(&(struct regserver_spec){ .name = "bases" }, &s))
		return;
	conf = regserver_conf_insecure(&s);
	regserver_configure(conf);
	text = xasprintf("FROM %s/base:1\nRUN ls /payload /www\n", s.host);
	if (!regserver_fill_made(&s, "busybox", "base:1", REGSERVER_OCI))
		return;
	r = build("pulled", "--pull=never", text);
	CHECK_CODE(r, 125);
	result_done(&r);
	r = build("pulled", "", text);
	CHECK_CODE(r, 1); /* of ls: there is no /payload */
	CHECK_HAS(r.out, "index.html");
	result_done(&r);
	if (!regserver_fill_made(&s, "gcc", "base:1", REGSERVER_OCI))
		return;
	r = build("pulled", "", text); /* the old one is here */
	CHECK_HAS(r.out, "index.html");
	result_done(&r);
	r = build("pulled", "--pull", text);
	CHECK_CODE(r, 1);
	CHECK_LACKS(r.out, "index.html");
	regserver_halt(&s);
	result_done(&r);
	r = build("pulled", "--pull=newer", text); /* nobody answers: the one that is here */
	CHECK_CODE(r, 1);
	result_done(&r);
	r = build("pulled", "--pull=always", text);
	CHECK_CODE(r, 125);
}

/* ---- names and words -------------------------------------------------------------------- */

static void test_names(void)
{
	cleanup_result struct result r = { 0 };
	cleanup_free char *id = NULL;
	cleanup_free char *file = NULL;
	cleanup_free char *want = NULL;

	write_file("names/Dockerfile", "FROM busybox\nLABEL n=1\n");
	r = podium("build -q -t one -t me/two:2 -t h.io/three --iidfile %s/iid %s/names",
		   harness.work, harness.work);
	CHECK_CODE(r, 0);
	id = last_line(&r);
	CHECK(strlen(r.out) == 65 && is_id(id), "more than an id: '%s'", r.out);
	file = read_file("iid");
	want = xasprintf("sha256:%s", id);
	CHECK_EQUAL(file, want);
	MUST(0, "image exists localhost/one:latest");
	MUST(0, "image exists localhost/me/two:2");
	MUST(0, "image exists h.io/three:latest");
	result_done(&r);
	r = podium_stdin("FROM one\nENV A=b\n", "build -q -t four -");
	CHECK_CODE(r, 0);
	result_done(&r);
	r = podium_stdin("FROM one\nCOPY Dockerfile /\n", "build -q -f - %s/names", harness.work);
	CHECK_CODE(r, 0);
	result_done(&r);
	r = podium_stdin("FROM one\nCOPY Dockerfile /\n", "build -q -");
	CHECK_CODE(r, 125);
	CHECK_HAS(r.err, "this build has no context");
	result_done(&r);
	r = podium("image build -q -f names/Dockerfile -t five %s", harness.work);
	CHECK_CODE(r, 0);
}

static void test_failures(void)
{
	static const struct {
		const char *options, *text, *say;
		int code;
	} cases[] = {
		{ "", "FROM busybox\n\nRUN exit 42\n",
		  "Containerfile:3: RUN: the command ended with exit code 42", 42 },
		{ "", "FROM busybox\nCOPY nothing /x\n", "Containerfile:2: COPY: 'nothing'", 125 },
		{ "", "FROM busybox\nRNU x\n", "is it 'RUN'?", 125 },
		{ "", "FROM busybox\nVOLUME /proc/x\n", "Containerfile:2: VOLUME: ", 125 },
		{ "", "FROM busybox\nENV A=\"${B:?is needed}\"\n", "is needed", 125 },
		{ "", "FROM busybox\nADD https://example.com/a.git /x\n", "git", 125 },
		{ "", "FROM busybox\nRUN --mount=type=secret,id=x cat\n", "not supported", 125 },
		{ "", "FROM busybox\nCOPY --from=busybox /none /x\n", "none", 125 },
		{ "--target x", "FROM busybox\n", "target 'x'", 125 },
		{ "--format tar", "FROM busybox\n", "--format", 125 },
		{ "--rm=false", "FROM busybox\n", "--rm", 125 },
		{ "--isolation chroot", "FROM busybox\n", "--isolation", 125 },
		{ "--secret id=x", "FROM busybox\n", "--secret", 125 },
		{ "--volume /a:/b", "FROM busybox\n", "--volume", 125 },
		{ "--pull=perhaps", "FROM busybox\n", "--pull", 125 },
		{ "--timestamp -1", "FROM busybox\n", "--timestamp", 125 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup_result struct result r = build("bad", cases[i].options, cases[i].text);

		CHECK_CODE(r, cases[i].code);
		CHECK_HAS(r.err, cases[i].say);
		MUST(1, "image exists bad");
	}
	MUST(125, "build https://example.com/context.tar");
	MUST(125, "build %s/no-such-folder", harness.work);
	MUST(125, "build %s", harness.build);
}

/* Also for an image that is there, of the other kind. */
static void test_format(void)
{
	static const char *const options[] = { "", "--format docker", "--format oci" };
	static const char *const types[] = {
		"application/vnd.oci.image.manifest.v1+json",
		"application/vnd.docker.distribution.manifest.v2+json",
		"application/vnd.oci.image.manifest.v1+json",
	};

	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		cleanup_result struct result r =
			build("kind", options[i], "FROM busybox\nLABEL a=b\n");

		CHECK_CODE(r, 0);
		has_field("kind", "{{.ManifestType}}", types[i]);
	}
}

static void test_unused_args(void)
{
	cleanup_result struct result r = build("args", "--build-arg USED=1 --build-arg MISSPELT=2",
					       "FROM busybox\nARG USED\nRUN echo got $USED\n");

	CHECK_CODE(r, 0);
	CHECK_HAS(r.out, "\ngot 1\n");
	CHECK_HAS(r.err, "[MISSPELT]");
	result_done(&r);
	r = podium("history --no-trunc --format '{{.CreatedBy}}' args");
	CHECK_HAS(r.out, "|1 USED=1 /bin/sh -c echo got $USED\n");
}

/* A build that is killed when its layer is made leaves nothing that hurts the next one. */
static void test_killed(void)
{
	static const char text[] = "FROM busybox\nRUN echo killed >/k\nRUN cat /k\n";
	cleanup_result struct result r = { 0 };

	(void)setenv("PODIUM_STOP_AT", "build:packed", 1);
	r = build("killed", "", text);
	(void)unsetenv("PODIUM_STOP_AT");
	CHECK_CODE(r, 125);
	MUST(1, "image exists killed");
	CHECK(!exists("%s/containers/*", harness.root), "a container is left");
	result_done(&r);
	r = build("killed", "", text);
	CHECK_CODE(r, 0);
	CHECK_HAS(r.out, "\nkilled\n");
}

/* The reader of a layer on its way ends before its writer: neither may wait for the other. */
static void test_full_disk(void)
{
	cleanup_free char *small = xasprintf("%s/small", harness.work);
	cleanup_free char *root = xasprintf("%s/root", small);
	cleanup_free char *run_root = xasprintf("%s/run", small);
	cleanup_result struct result r = { 0 };

	write_file("full/Containerfile", "FROM busybox\nCOPY big /\n");
	DISCARD(run("dd if=/dev/urandom of=%s/full/big bs=1M count=16", harness.work));
	(void)mkdir(small, 0755);
	if (!CHECK(mount("small", small, "tmpfs", 0, "size=6m,mode=0755") == 0, "mount"))
		return;
	harness_store(root, run_root);
	(void)load_image("busybox");
	r = podium("build -t full %s/full", harness.work);
	CHECK_CODE(r, 125);
	CHECK_HAS(r.err, "o space left on device");
	MUST(1, "image exists full");
	MUST(0, "system check");
	harness_store(NULL, NULL);
}

static CU_TestInfo tests[] = { { "a C program, from source to a pod", test_c_program },
			       { "the cache", test_cache },
			       { "the cache of RUN, and its twin", test_cache_of_run },
			       { "the cache is a hint", test_cache_is_a_hint },
			       { "the same again with --timestamp", test_reproducible },
			       { "the configuration", test_configuration },
			       { "files, heredocs, ignored ones", test_files },
			       { "triggers", test_onbuild },
			       { "stages", test_stages },
			       { "squash", test_squash },
			       { "bases out of a registry", test_pull },
			       { "names and words", test_names },
			       { "failures and refusals", test_failures },
			       { "the kind of manifest", test_format },
			       { "arguments nobody asked for", test_unused_args },
			       { "killed between two steps", test_killed },
			       { "a full disk", test_full_disk },
			       CU_TEST_INFO_NULL };
static CU_SuiteInfo suites[] = { { "build", begin, harness_end, NULL, NULL, tests },
				 CU_SUITE_INFO_NULL };
TEST_MAIN(suites)
