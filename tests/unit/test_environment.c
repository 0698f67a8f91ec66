/* SPDX-License-Identifier: Apache-2.0 */
/* test_environment - variables from objects, fields and each other, as the kubelet makes them. */
#include "engine/process/environment.h"

#include <errno.h>
#include <string.h>

#include "engine/data/object.h"
#include "engine/pod/spec.h"
#include "engine/process/command.h"
#include "engine/process/launch.h"
#include "engine/process/sync.h"
#include "tests/support/canary.h"
#include "tests/support/cunit_main.h"

struct fixture {
	char *path;
	struct store store;
	struct pod_spec pod;
	struct container_spec spec;
	struct sandbox_record sandbox;
	struct environment_source from;
	struct strlist env;
	struct pairlist vars;
	struct error err;
};

static void put(struct fixture *f, int kind, const char *name, const char *const *pairs)
{
	struct data_object o = { .kind = kind, .name = xstrdup(name) };

	for (; *pairs; pairs += 2)
		data_object_add(&o, pairs[0], pairs[1], strlen(pairs[1]), false);
	if (kind == DATA_CONFIG)
		data_object_add(&o, "binary", "x", 1, true);
	else
		data_object_add(&o, "nul", "a\0b", 3, false);
	CU_ASSERT_EQUAL(data_object_write(&f->store, &o, &f->err), 0);
	data_object_done(&o);
}

static void setup(struct fixture *f)
{
	static const char *const conf[] = { "A",      "from conf", "dot.and-dash", "odd", "B",
					    "conf's", NULL };
	static const char *const secret[] = { "A", "from secret", "pass", "hush", NULL };

	memset(f, 0, sizeof(*f));
	f->path = temp_make();
	temp_store(f->path, &f->store);
	put(f, DATA_CONFIG, "conf", conf);
	put(f, DATA_SECRET, "secret", secret);
	f->pod.name = xstrdup("web");
	f->sandbox.address4 = xstrdup("10.0.0.2");
	f->spec.name = xstrdup("app");
	strlist_add(&f->spec.config.env, "IMAGE=img");
	f->from = (struct environment_source){ .fields = { .store = &f->store,
							   .pod = &f->pod,
							   .container = &f->spec,
							   .sandbox = &f->sandbox },
					       .hostname = "host",
					       .home = "/root" };
}

static void teardown(struct fixture *f)
{
	strlist_done(&f->env);
	environment_forget(&f->vars);
	record_done(&pod_spec_type, &f->pod);
	record_done(&container_spec_type, &f->spec);
	record_done(&sandbox_record_type, &f->sandbox);
	store_close(&f->store);
	temp_remove(f->path);
}

static struct env_source *add_source(struct fixture *f, bool secret, const char *object)
{
	struct env_source *e = list_add(&f->spec.env_from);

	e->secret = secret;
	e->object = xstrdup(object);
	return e;
}

static struct value_part *add_part(struct fixture *f, const char *name, int kind, const char *text)
{
	struct env_var *e = list_add(&f->spec.env);
	struct value_part *p;

	e->name = xstrdup(name);
	p = list_add(&e->value);
	p->kind = kind;
	p->text = xstrdup(text);
	return p;
}

static struct value_part *add_key(struct fixture *f, const char *name, int kind, const char *object,
				  const char *key)
{
	struct value_part *p = add_part(f, name, kind, key);

	p->object = xstrdup(object);
	return p;
}

static int build(struct fixture *f)
{
	strlist_done(&f->env);
	environment_forget(&f->vars);
	return environment_build(&f->from, &f->env, &f->vars, &f->err);
}

static const char *get(const struct fixture *f, const char *name)
{
	const char *value = command_get_env(&f->env, name);

	return value ? value : "(absent)";
}

static void test_sources(void)
{
	struct fixture f;

	setup(&f);
	add_source(&f, false, "conf");
	add_source(&f, false, "conf")->prefix = xstrdup("P_");
	add_part(&f, "B", VALUE_LITERAL, "declared");
	add_part(&f, "C", VALUE_VARIABLE, "A");
	CU_ASSERT_EQUAL(build(&f), 0);
	CU_ASSERT_STRING_EQUAL(get(&f, "A"), "from conf");
	CU_ASSERT_STRING_EQUAL(get(&f, "P_A"), "from conf");
	CU_ASSERT_STRING_EQUAL(get(&f, "B"), "declared");
	CU_ASSERT_STRING_EQUAL(get(&f, "C"), "from conf"); /* they count as declared */
	CU_ASSERT_STRING_EQUAL(get(&f, "P_dot.and-dash"), "odd");
	CU_ASSERT_STRING_EQUAL(get(&f, "binary"), "(absent)");
	teardown(&f);
}

static void test_later_wins(void)
{
	struct fixture f;

	setup(&f);
	add_source(&f, false, "conf");
	add_source(&f, true, "secret");
	CU_ASSERT_EQUAL(build(&f), -EINVAL); /* a NUL byte cannot be a variable's */
	CU_ASSERT_PTR_NOT_NULL(strstr(f.err.text, "'nul'"));
	f.from.lenient = true; /* what came before it stays */
	CU_ASSERT_EQUAL(build(&f), 0);
	CU_ASSERT_STRING_EQUAL(get(&f, "A"), "from secret");
	CU_ASSERT_STRING_EQUAL(get(&f, "B"), "conf's");
	teardown(&f);
}

static void test_references(void)
{
	struct fixture f;

	setup(&f);
	add_part(&f, "EARLY", VALUE_VARIABLE, "PASS");
	add_key(&f, "PASS", VALUE_SECRET, "secret", "pass");
	add_part(&f, "LATE", VALUE_VARIABLE, "PASS");
	add_part(&f, "IMG", VALUE_VARIABLE, "IMAGE"); /* the image's are not declared */
	add_key(&f, "CONF", VALUE_CONFIG, "conf", "B");
	add_part(&f, "NAME", VALUE_FIELD, "metadata.name");
	add_part(&f, "IP", VALUE_FIELD, "status.podIP");
	add_part(&f, "CPU", VALUE_RESOURCE, "requests.cpu");
	CU_ASSERT_EQUAL(build(&f), 0);
	CU_ASSERT_STRING_EQUAL(get(&f, "EARLY"), "$(PASS)");
	CU_ASSERT_STRING_EQUAL(get(&f, "PASS"), "hush");
	CU_ASSERT_STRING_EQUAL(get(&f, "LATE"), "hush");
	CU_ASSERT_STRING_EQUAL(get(&f, "IMG"), "$(IMAGE)");
	CU_ASSERT_STRING_EQUAL(get(&f, "IMAGE"), "img");
	CU_ASSERT_STRING_EQUAL(get(&f, "CONF"), "conf's");
	CU_ASSERT_STRING_EQUAL(get(&f, "NAME"), "web");
	CU_ASSERT_STRING_EQUAL(get(&f, "IP"), "10.0.0.2");
	CU_ASSERT_STRING_EQUAL(get(&f, "CPU"), "0");
	CU_ASSERT_TRUE(environment_needs_addresses(&f.spec));
	teardown(&f);
}

static void test_missing(void)
{
	struct fixture f;
	struct value_part *p;

	setup(&f);
	p = add_key(&f, "X", VALUE_SECRET, "none", "pass");
	CU_ASSERT_EQUAL(build(&f), -SYNC_CONFIG_MISSING);
	CU_ASSERT_STRING_EQUAL(f.err.text, "variable 'X': there is no Secret 'none'");
	p->optional = true;
	CU_ASSERT_EQUAL(build(&f), 0);
	CU_ASSERT_STRING_EQUAL(get(&f, "X"), "(absent)");
	p = add_key(&f, "Y", VALUE_CONFIG, "conf", "none");
	CU_ASSERT_EQUAL(build(&f), -SYNC_CONFIG_MISSING);
	CU_ASSERT_STRING_EQUAL(f.err.text, "variable 'Y': ConfigMap 'conf' has no key 'none'");
	f.from.lenient = true;
	CU_ASSERT_EQUAL(build(&f), 0);
	f.from.lenient = false;
	p->optional = true;
	add_source(&f, false, "none")->optional = true;
	CU_ASSERT_EQUAL(build(&f), 0);
	f.spec.env_from.v[0].optional = false;
	CU_ASSERT_EQUAL(build(&f), -SYNC_CONFIG_MISSING);
	CU_ASSERT_STRING_EQUAL(f.err.text, "environment: there is no ConfigMap 'none'");
	CU_ASSERT_FALSE(environment_needs_addresses(&f.spec));
	teardown(&f);
}

/* What is optional and missing leaves an earlier value as it was. */
static void test_missing_keeps(void)
{
	struct fixture f;

	setup(&f);
	add_source(&f, false, "conf");
	add_key(&f, "A", VALUE_CONFIG, "conf", "none")->optional = true;
	CU_ASSERT_EQUAL(build(&f), 0);
	CU_ASSERT_STRING_EQUAL(get(&f, "A"), "from conf");
	teardown(&f);
}

static CU_TestInfo tests[] = {
	{ "all keys of an object", test_sources },
	{ "the later wins", test_later_wins },
	{ "references", test_references },
	{ "what is missing", test_missing },
	{ "what is missing keeps the earlier", test_missing_keeps },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "environment", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
