/* SPDX-License-Identifier: Apache-2.0 */
/* test_conf - containers.conf: what is read, what overrides what, what is wrong and where. */
#include "cmd/podium/base/conf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/mem.h"
#include "tests/support/cunit_main.h"

static int parse(struct conf *c, const char *text, struct error *err)
{
	*err = (struct error){ 0 };
	return containers_conf_parse(c, text, strlen(text), "f.conf", err);
}

static void test_keys(void)
{
	static const char text[] =
		"[containers]\n"
		"default_ulimits = [\"nofile=10:20\", \"nproc=5\"]\n"
		"default_capabilities = [\"CHOWN\"]\n"
		"env = [\"A=b\"]\nenv_host = true\nvolumes = [\"/a:/b\"]\n"
		"dns_servers = [\"192.0.2.1\"]\ndns_searches = [\"x.example\"]\n"
		"dns_options = [\"ndots:3\"]\nlog_driver = \"json-file\"\nlog_size_max = 1000\n"
		"pids_limit = 77\ninit = true\nipcns = \"host\"\nnetns = \"none\"\n"
		"pidns = \"host\"\nutsns = \"host\"\ncgroupns = \"host\"\nuserns = \"auto\"\n"
		"shm_size = \"1m\"\numask = \"0077\"\ntz = \"local\"\nno_hosts = true\n"
		"default_sysctls = [\"net.ipv4.ip_forward=1\"]\ndevices = [\"/dev/null\"]\n"
		"annotations = [\"k=v\"]\nhttp_proxy = false\nunknown = 5\n"
		"[engine]\ndetach_keys = \"ctrl-a\"\nstop_timeout = 3\nevents_logger = \"file\"\n"
		"[network]\ndefault_network = \"n\"\ndefault_subnet = \"10.1.0.0/24\"\n"
		"default_subnet_pools = [{\"base\" = \"10.9.0.0/16\", \"size\" = 24}]\n"
		"[other]\nx = 1\n";
	struct conf c = { 0 };
	struct error err;

	CU_ASSERT_EQUAL_FATAL(parse(&c, text, &err), 0);
	CU_ASSERT_EQUAL(c.default_ulimits.n, 2);
	CU_ASSERT_TRUE(c.has_default_capabilities);
	CU_ASSERT_TRUE(c.env_host.set && c.env_host.value);
	CU_ASSERT_TRUE(c.http_proxy.set && !c.http_proxy.value);
	CU_ASSERT_EQUAL(c.pids_limit.value, 77);
	CU_ASSERT_EQUAL(c.log_size_max.value, 1000);
	CU_ASSERT_STRING_EQUAL(c.tz, "local");
	CU_ASSERT_STRING_EQUAL(c.detach_keys, "ctrl-a");
	CU_ASSERT_EQUAL(c.stop_timeout.value, 3);
	CU_ASSERT_EQUAL_FATAL(c.n_pools, 1);
	CU_ASSERT_STRING_EQUAL(c.pools[0].base, "10.9.0.0/16");
	CU_ASSERT_EQUAL(c.pools[0].size, 24);
	/* A later file replaces what it says, and only that. */
	CU_ASSERT_EQUAL(parse(&c, "[containers]\nenv = []\ntz = \"\"\npids_limit = 5\n", &err), 0);
	CU_ASSERT_EQUAL(c.env.n, 0);
	CU_ASSERT_PTR_NULL(c.tz);
	CU_ASSERT_EQUAL(c.pids_limit.value, 5);
	CU_ASSERT_STRING_EQUAL(c.umask, "0077");
	containers_conf_done(&c);
	CU_ASSERT_PTR_NULL(c.umask);
}

static void test_wrong_types(void)
{
	static const struct {
		const char *text;
		const char *want;
	} cases[] = {
		{ "[containers]\n\nenv = \"A=b\"\n", "f.conf:3: [containers] env must be a list" },
		{ "[containers]\nenv = [1]\n", "f.conf:2: [containers] env" },
		{ "[containers]\ninit = \"yes\"\n", "f.conf:2: [containers] init must be true" },
		{ "[containers]\npids_limit = \"5\"\n", "f.conf:2: [containers] pids_limit" },
		{ "[containers]\ntz = 5\n", "f.conf:2: [containers] tz must be a string" },
		{ "[network]\ndefault_subnet_pools = [1]\n", "f.conf:2: [network] default_subnet" },
		{ "containers = 1\n", "f.conf:1: 'containers' is not a table" },
		{ "[containers\n", "f.conf:1" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct conf c = { 0 };
		struct error err;

		CU_ASSERT_EQUAL(parse(&c, cases[i].text, &err), -EINVAL);
		if (!strstr(err.text, cases[i].want))
			fprintf(stderr, "'%s'\n", err.text);
		CU_ASSERT_PTR_NOT_NULL(strstr(err.text, cases[i].want));
		containers_conf_done(&c);
	}
}

static void test_own_file(void)
{
	char path[] = "/tmp/podium-conf-XXXXXX";
	int fd = mkstemp(path);
	struct conf c = { 0 };
	struct error err = { 0 };

	CU_ASSERT_FATAL(fd >= 0);
	CU_ASSERT_EQUAL(write(fd, "[containers]\ntz = \"x\"\n", 22), 22);
	(void)close(fd);
	(void)setenv("CONTAINERS_CONF", path, 1);
	CU_ASSERT_EQUAL(containers_conf_load(&c, &err), 0);
	CU_ASSERT_STRING_EQUAL(c.tz, "x");
	CU_ASSERT_FALSE(c.has_default_capabilities); /* it stands alone */
	containers_conf_done(&c);
	(void)unlink(path);
	CU_ASSERT_EQUAL(containers_conf_load(&c, &err), -ENOENT);
	(void)unsetenv("CONTAINERS_CONF");
}

static CU_TestInfo tests[] = {
	{ "keys", test_keys },
	{ "wrong types", test_wrong_types },
	{ "$CONTAINERS_CONF", test_own_file },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "containers.conf", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
