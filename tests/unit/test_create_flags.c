/* SPDX-License-Identifier: Apache-2.0 */
/*
 * create_flags - no flag of run, create, pod create and kube play is accepted and ignored.
 *
 * Theory of operation: every row of the option tables has a sample in
 * testdata/podman/samples.tsv, or the test fails. The plan
 * (the records of pod and container, with an image merged into it) that is made with the sample is
 * another than the one made without it. What acts outside of the plan names the integration test that
 * shows what it does; a flag of which one value alone can be had refuses the sample, by name.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/podium/base/commands.h"
#include "cmd/podium/base/conf.h"
#include "cmd/podium/base/options.h"
#include "cmd/podium/container/create_image.h"
#include "cmd/podium/container/create_options.h"
#include "cmd/podium/play/play.h"
#include "cmd/podium/pod/pod_create.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/image/imageconf.h"
#include "engine/pod/spec.h"
#include "tests/support/cunit_main.h"

#define ARGS_MAX      16
#define TEST_FILE_MAX (1u << 20)

#define SAMPLES_FILE "testdata/podman/samples.tsv"
#define SAMPLES_MAX  300

/* A row of the file; "-" there is NULL here. */
struct sample {
	const char *command;
	const char *name;
	const char *kind;  /* changes, refuses, elsewhere */
	const char *value; /* NULL: the flag alone */
	const char *base;  /* words that it needs, in both lines; or the integration test's name */
};
static struct sample samples[SAMPLES_MAX];
static size_t n_samples;
static char *samples_text;

static const char *field(char **rest)
{
	const char *word = strsep(rest, "\t");

	return !word || strcmp(word, "-") == 0 ? NULL : word;
}

static int read_samples(void)
{
	cleanup_fclose FILE *f = fopen(SAMPLES_FILE, "re");
	char *rest, *line;

	samples_text = xcalloc(1, TEST_FILE_MAX + 1);
	if (!f || fread(samples_text, 1, TEST_FILE_MAX, f) == 0)
		return 1;
	rest = samples_text;
	while ((line = strsep(&rest, "\n")) && n_samples < SAMPLES_MAX) {
		struct sample *s = &samples[n_samples];

		if (*line == '#' || !*line)
			continue;
		s->command = field(&line);
		s->name = field(&line);
		s->kind = field(&line);
		s->value = field(&line);
		s->base = field(&line);
		if (!s->kind)
			return 1;
		n_samples++;
	}
	return 0;
}

static int forget_samples(void)
{
	free(samples_text);
	return 0;
}

/* ---- plans ------------------------------------------------------------------------------------ */

struct line {
	char *words; /* "--network n", split in place */
	char *flag;
	char *argv[ARGS_MAX];
	int argc;
};

static void line_done(struct line *l)
{
	free(l->words);
	free(l->flag);
}

/* The base, and the flag with its value when there is a sample. */
static void line_make(struct line *l, const char *base, const struct sample *with)
{
	char *rest, *word;

	*l = (struct line){ .words = xstrdup(base ? base : "") };
	rest = l->words;
	while ((word = strsep(&rest, " ")))
		if (*word)
			l->argv[l->argc++] = word;
	if (with) {
		l->flag = xasprintf("--%s%s%s", with->name, with->value ? "=" : "",
				    with->value ? with->value : "");
		l->argv[l->argc++] = l->flag;
	}
}

static const char image_text[] =
	"{\"os\":\"linux\",\"architecture\":\"amd64\",\"config\":{\"Cmd\":[\"x\"],\"ExposedPorts\":"
	"{\"80/tcp\":{}},\"Volumes\":{\"/data\":{}},\"Env\":[\"PATH=/a\",\"A=1\"],\"Healthcheck\":"
	"{\"Test\":[\"CMD\",\"t\"]}},\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[]}}";

static char *dump(const struct pod_plan *plan)
{
	cleanup_json json_t *j = json_object();

	(void)json_object_set_new(j, "pod", record_dump(&pod_spec_type, &plan->pod));
	if (plan->n_containers)
		(void)json_object_set_new(j, "c",
					  record_dump(&container_spec_type, plan->containers));
	return jdump_text(j, JSON_SORT_KEYS);
}

static int merge_image(const struct create_options *o, struct pod_plan *plan, struct error *err)
{
	struct image_conf c = { 0 };
	int r = image_conf_parse(image_text, strlen(image_text), &c, err);

	if (r == 0) {
		record_copy(&image_config_type, &plan->containers[0].config, &c.run);
		r = create_image_merge(o, &c, plan, err);
	}
	image_conf_done(&c);
	return r;
}

typedef int plan_fn(struct line *l, char **ret, struct error *err);

static int plan_run(struct line *l, char **ret, struct error *err)
{
	struct create_options o = { 0 };
	struct create_target target = { 0 };
	struct conf none = { 0 };
	struct pod_plan plan = { 0 };
	struct options_result found;
	int r;

	l->argv[l->argc++] = (char[]){ "image" };
	create_set_defaults(&o);
	r = options_parse(run_options, &o, true, l->argc, l->argv, &found, err);
	if (r == 0 && o.pod && is_prefix(o.pod, "new:"))
		target.new_pod = o.pod + 4;
	if (r == 0)
		r = create_plan(&o, &target, &none, found.n_args, l->argv, &plan, err);
	if (r == 0)
		r = merge_image(&o, &plan, err);
	if (r == 0)
		*ret = dump(&plan);
	options_done(run_options, &o);
	pod_plan_done(&plan);
	return r;
}

static int plan_pod(struct line *l, char **ret, struct error *err)
{
	struct pod_create_options o = { 0 };
	struct conf none = { 0 };
	struct pod_plan plan = { 0 };
	struct options_result found;
	int r = options_parse(pod_create_table, &o, false, l->argc, l->argv, &found, err);

	if (r == 0)
		r = pod_create_plan(&o, &none, &plan.pod, err);
	if (r == 0)
		*ret = dump(&plan);
	options_done(pod_create_table, &o);
	pod_plan_done(&plan);
	return r;
}

static const char manifest[] =
	"apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n"
	"  - {name: c, image: i, ports: [{containerPort: 80}]}\n";

static int plan_kube_play(struct line *l, char **ret, struct error *err)
{
	cleanup_kube_result struct kube_result result = { 0 };
	struct play_options o = { 0 };
	struct kube_input how = { 0 };
	struct options_result found;
	int r;

	cmd_kube_play.set_defaults(&o);
	r = options_parse(cmd_kube_play.options, &o, false, l->argc, l->argv, &found, err);
	if (r == 0)
		r = play_override_input(&o.over, &o.networks, &how, err);
	if (r == 0)
		kube_load_text(&how, "p.yaml", manifest, strlen(manifest), &result);
	if (r == 0 && result.n != 1)
		r = error_set(err, EINVAL, "the manifest is bad");
	if (r == 0)
		r = play_override(&o.over, &result, err);
	if (r == 0)
		*ret = dump(&result.v[0]);
	options_done(cmd_kube_play.options, &o);
	return r;
}

/* ---- one flag --------------------------------------------------------------------------------- */

static bool is_changed(const struct sample *s, plan_fn *plan)
{
	cleanup_free char *without = NULL;
	cleanup_free char *with = NULL;
	struct error err = { 0 };
	struct line l;
	int r;

	line_make(&l, s->base, NULL);
	r = plan(&l, &without, &err);
	line_done(&l);
	if (r == 0) {
		line_make(&l, s->base, s);
		r = plan(&l, &with, &err);
		line_done(&l);
	}
	if (r < 0)
		printf("--%s: %s\n", s->name, err.text);
	else if (strcmp(with, without) == 0)
		printf("--%s changes nothing\n", s->name);
	return r == 0 && strcmp(with, without) != 0;
}

static bool is_refused(const struct sample *s, plan_fn *plan)
{
	cleanup_free char *with = NULL;
	struct error err = { 0 };
	struct line l;
	int r;

	line_make(&l, s->base, s);
	r = plan(&l, &with, &err);
	line_done(&l);
	if (r == 0 || !strstr(err.text, s->name))
		printf("--%s %s is not refused by name: %s\n", s->name, s->value, err.text);
	return r < 0 && strstr(err.text, s->name);
}

/* The words of a command stand in a test as strings of their own: "run", "--rm". */
static bool is_tested(const struct sample *s)
{
	cleanup_free char *path = xasprintf("tests/integration/test_%s.c", s->base);
	cleanup_free char *text = xcalloc(1, TEST_FILE_MAX + 1);
	cleanup_fclose FILE *f = fopen(path, "re");
	bool ok = f && fread(text, 1, TEST_FILE_MAX, f) && strstr(text, s->value);

	if (!ok)
		printf("--%s: '%s' is not in %s\n", s->name, s->value, path);
	return ok;
}

static const struct sample *find(const char *command, const char *name)
{
	for (size_t i = 0; i < n_samples; i++)
		if (is_equal(samples[i].command, command) && is_equal(samples[i].name, name))
			return &samples[i];
	return NULL;
}

static void check_table(const char *command, const struct option *table, plan_fn *plan)
{
	for (const struct option *o = table; o->name; o++) {
		const struct sample *s = find(command, o->name);

		if (o->kind == OPTION_REFUSED)
			continue;
		if (!s)
			printf("--%s has no sample\n", o->name);
		CU_ASSERT_PTR_NOT_NULL(s);
		if (!s)
			continue;
		CU_ASSERT(is_equal(s->kind, "changes")	 ? is_changed(s, plan)
			  : is_equal(s->kind, "refuses") ? is_refused(s, plan)
							 : is_tested(s));
	}
}

static void test_run(void)
{
	(void)setenv("http_proxy", "http://p.example", 1);
	(void)setenv("TEST_OF_FLAGS", "1", 1);
	check_table("run", run_options, plan_run);
}

static void test_pod_create(void)
{
	check_table("pod create", pod_create_table, plan_pod);
}

static void test_kube_play(void)
{
	check_table("kube play", cmd_kube_play.options, plan_kube_play);
}

static CU_TestInfo tests[] = {
	{ "run and create", test_run },
	{ "pod create", test_pod_create },
	{ "kube play", test_kube_play },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "flags that are honoured", read_samples, forget_samples, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
