/* SPDX-License-Identifier: Apache-2.0 */
/* test_fields - the Downward API: fields, maps with their quotes, resources with their divisors. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/fs.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/pod/spec.h"
#include "engine/process/fields.h"
#include "engine/process/launch.h"
#include "tests/support/canary.h"
#include "tests/support/cunit_main.h"

#define OTHER_ID "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static char *word(const char *s)
{
	return (char *)(uintptr_t)s;
}

static struct pod_spec pod;
static struct container_spec own;
static struct sandbox_record sandbox;
static struct error err;

static struct field_context begin(void)
{
	memset(&pod, 0, sizeof(pod));
	memset(&own, 0, sizeof(own));
	pod.name = word("web");
	pod.id = word("0123abcd456789ef0123456789abcdef0123456789abcdef0123456789abcdef");
	own.name = word("app");
	sandbox = (struct sandbox_record){ .address4 = word("10.0.0.2"),
					   .address6 = word("fd00::2"),
					   .gateway4 = word("10.0.0.1") };
	return (struct field_context){ .pod = &pod, .container = &own, .sandbox = &sandbox };
}

static bool is_field(const struct field_context *c, const char *path, const char *expected)
{
	cleanup_free char *got = NULL;

	if (field_resolve(c, path, &got, &err) < 0)
		return !expected;
	return expected && strcmp(got, expected) == 0;
}

static bool is_resource(const struct field_context *c, const char *what, const char *divisor,
			const char *expected)
{
	cleanup_free char *got = NULL;

	if (resource_resolve(c, what, NULL, divisor, &got, &err) < 0)
		return !expected;
	return expected && strcmp(got, expected) == 0;
}

static void test_fields(void)
{
	struct field_context c = begin();
	char host[65] = "";

	CU_ASSERT_TRUE(is_field(&c, "metadata.name", "web"));
	CU_ASSERT_TRUE(is_field(&c, "metadata.namespace", "default"));
	CU_ASSERT_TRUE(is_field(&c, "metadata.uid", "0123abcd-4567-89ef-8123-456789abcdef"));
	CU_ASSERT_TRUE(is_field(&c, "spec.serviceAccountName", "default"));
	(void)gethostname(host, sizeof(host) - 1);
	CU_ASSERT_TRUE(is_field(&c, "spec.nodeName", host));
	pod.namespace_ = word("prod");
	pod.node_name = word("n1");
	pod.service_account = word("sa");
	CU_ASSERT_TRUE(is_field(&c, "metadata.namespace", "prod"));
	CU_ASSERT_TRUE(is_field(&c, "spec.nodeName", "n1"));
	CU_ASSERT_TRUE(is_field(&c, "spec.serviceAccountName", "sa"));
	CU_ASSERT_TRUE(is_field(&c, "metadata.nam", NULL));
	CU_ASSERT_TRUE(is_field(&c, "metadata.labels[a]", NULL));
	CU_ASSERT_TRUE(is_field(&c, "status.phase", NULL));
	CU_ASSERT_STRING_EQUAL(err.text, "there is no field 'status.phase'");
	CU_ASSERT_TRUE(is_field(&c, NULL, NULL));
}

static void test_addresses(void)
{
	struct field_context c = begin();
	cleanup_free char *host = NULL;

	CU_ASSERT_TRUE(is_field(&c, "status.podIP", "10.0.0.2"));
	CU_ASSERT_TRUE(is_field(&c, "status.podIPs", "10.0.0.2,fd00::2"));
	sandbox.address4 = NULL;
	CU_ASSERT_TRUE(is_field(&c, "status.podIP", "fd00::2"));
	CU_ASSERT_EQUAL(field_resolve(&c, "status.hostIP", &host, &err), 0);
	CU_ASSERT_TRUE(host && *host && !strchr(host, ','));
	c.sandbox = NULL;
	CU_ASSERT_TRUE(is_field(&c, "status.podIP", ""));
	pod.network = NETWORK_HOST;
	CU_ASSERT_FALSE(is_field(&c, "status.podIP", ""));
}

static void test_maps(void)
{
	struct field_context c = begin();

	CU_ASSERT_TRUE(is_field(&c, "metadata.labels", ""));
	pairlist_set(&pod.labels, "tier", "front");
	pairlist_set(&pod.labels, "app.kubernetes.io/name", "x");
	CU_ASSERT_TRUE(
		is_field(&c, "metadata.labels", "app.kubernetes.io/name=\"x\"\ntier=\"front\""));
	CU_ASSERT_TRUE(is_field(&c, "metadata.labels['tier']", "front"));
	CU_ASSERT_TRUE(is_field(&c, "metadata.labels['none']", ""));
	pairlist_set(&pod.annotations, "a", "1\n\"2\"\\\t\x01\x7f caf\xc3\xa9 \xc2\xa0\xff");
	CU_ASSERT_TRUE(is_field(&c, "metadata.annotations",
				"a=\"1\\n\\\"2\\\"\\\\\\t\\x01\\x7f caf\xc3\xa9 \\u00a0\\xff\""));
	CU_ASSERT_TRUE(is_field(&c, "metadata.annotations['a']",
				"1\n\"2\"\\\t\x01\x7f caf\xc3\xa9 \xc2\xa0\xff"));
	pairlist_done(&pod.labels);
	pairlist_done(&pod.annotations);
}

static void test_resources(void)
{
	struct field_context c = begin();
	cleanup_free char *cpus = xasprintf("%ld", sysconf(_SC_NPROCESSORS_ONLN));

	CU_ASSERT_TRUE(is_resource(&c, "limits.cpu", NULL, cpus)); /* the host's */
	CU_ASSERT_TRUE(is_resource(&c, "requests.cpu", NULL, "0"));
	CU_ASSERT_FALSE(is_resource(&c, "limits.memory", NULL, "0"));
	CU_ASSERT_TRUE(is_resource(&c, "requests.memory", "1Mi", "0"));
	CU_ASSERT_TRUE(is_resource(&c, "limits.hugepages-2Mi", NULL, "0"));
	pod.resources.cpu_limit_milli = (struct opt_i64){ true, 3000 };
	CU_ASSERT_TRUE(is_resource(&c, "limits.cpu", NULL, "3")); /* the pod's */
	own.resources.cpu_limit_milli = (struct opt_i64){ true, 1250 };
	own.resources.memory_limit_bytes = (struct opt_i64){ true, (64 << 20) + 1 };
	own.resources.memory_request_bytes = (struct opt_i64){ true, 32 << 20 };
	CU_ASSERT_TRUE(is_resource(&c, "limits.cpu", NULL, "2"));
	CU_ASSERT_TRUE(is_resource(&c, "limits.cpu", "1", "2"));
	CU_ASSERT_TRUE(is_resource(&c, "limits.cpu", "0", "2"));
	CU_ASSERT_TRUE(is_resource(&c, "limits.cpu", "1m", "1250"));
	CU_ASSERT_TRUE(is_resource(&c, "requests.cpu", "1m", "1250"));
	CU_ASSERT_TRUE(is_resource(&c, "limits.memory", NULL, "67108865"));
	CU_ASSERT_TRUE(is_resource(&c, "limits.memory", "1Mi", "65"));
	CU_ASSERT_TRUE(is_resource(&c, "requests.memory", "1Mi", "32"));
	pairlist_set(&own.resources.other_requests, "ephemeral-storage", "2Gi");
	CU_ASSERT_TRUE(is_resource(&c, "requests.ephemeral-storage", "1Gi", "2"));
	pairlist_set(&own.resources.other_limits, "hugepages-2Mi", "4Mi");
	CU_ASSERT_TRUE(is_resource(&c, "limits.hugepages-2Mi", "1Ki", "4096"));
	CU_ASSERT_TRUE(is_resource(&c, "limits.memory", "-1", NULL));
	CU_ASSERT_TRUE(is_resource(&c, "limits.memory", "x", NULL));
	CU_ASSERT_TRUE(is_resource(&c, "memory", NULL, NULL));
	CU_ASSERT_TRUE(is_resource(&c, "limits.", NULL, NULL));
	pairlist_done(&own.resources.other_requests);
	pairlist_done(&own.resources.other_limits);
}

static void put_other(const struct store *s)
{
	struct container_spec other = { .name = word("db"),
					.resources.memory_limit_bytes = { true, 4096 } };
	json_t *j = record_dump(&container_spec_type, &other);
	cleanup_free char *text = jdump_text(j, 0);

	json_decref(j);
	CU_ASSERT_EQUAL(mkdirat(s->rootfd, "containers/" OTHER_ID, 0700), 0);
	CU_ASSERT_EQUAL(fs_write_atomic(s->rootfd, "containers/" OTHER_ID "/spec.json", text,
					strlen(text), 0600, FS_NOSYNC, &err),
			0);
}

static void test_other_container(void)
{
	struct field_context c = begin();
	char *path = temp_make(), *got = NULL;
	struct container_ref *ref = list_add(&pod.containers);
	struct store s;

	temp_store(path, &s);
	put_other(&s);
	c.store = &s;
	ref->id = word(OTHER_ID);
	ref->name = word("db");
	own.resources.memory_limit_bytes = (struct opt_i64){ true, 1 };
	CU_ASSERT_EQUAL(resource_resolve(&c, "limits.memory", "db", "1Ki", &got, &err), 0);
	CU_ASSERT_STRING_EQUAL(got, "4");
	free(got);
	got = NULL;
	CU_ASSERT_EQUAL(resource_resolve(&c, "limits.memory", "app", NULL, &got, &err), 0);
	CU_ASSERT_STRING_EQUAL(got, "1");
	free(got);
	CU_ASSERT_EQUAL(resource_resolve(&c, "limits.memory", "none", NULL, &got, &err), -ENOENT);
	c.container = NULL;
	CU_ASSERT_EQUAL(resource_resolve(&c, "limits.memory", NULL, NULL, &got, &err), -ENOENT);
	free(pod.containers.v);
	store_close(&s);
	temp_remove(path);
}

static CU_TestInfo tests[] = {
	{ "fields", test_fields },
	{ "addresses", test_addresses },
	{ "maps", test_maps },
	{ "resources", test_resources },
	{ "another container's resources", test_other_container },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = { { "fields", NULL, NULL, NULL, NULL, tests }, CU_SUITE_INFO_NULL };
TEST_MAIN(suites)
