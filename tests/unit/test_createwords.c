/* SPDX-License-Identifier: Apache-2.0 */
/* test_createwords - sizes, times and ports as people write them, and names that nobody wrote. */
#include <errno.h>
#include <string.h>

#include "cmd/podium/container/create_names.h"
#include "cmd/podium/container/create_options.h"
#include "engine/base/mem.h"
#include "engine/pod/names.h"
#include "tests/support/cunit_main.h"

static void ports_done(struct port_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i].host_ip);
	free(l->v);
	*l = (struct port_list){ 0 };
}

static void test_sizes(void)
{
	static const struct {
		const char *text;
		int64_t want; /* -1: refused */
	} cases[] = {
		{ "0", 0 },
		{ "512m", INT64_C(512) << 20 },
		{ "512M", INT64_C(512) << 20 },
		{ "1g", INT64_C(1) << 30 },
		{ "1.5g", INT64_C(3) << 29 },
		{ "64KiB", 65536 },
		{ "64kb", 65536 },
		{ "100b", 100 },
		{ "100", 100 },
		{ "2 g", INT64_C(2) << 30 },
		{ "0.5k", 512 },
		{ "1t", INT64_C(1) << 40 },
		{ "8191p", INT64_C(8191) << 50 },
		{ "8192p", -1 },
		{ "9223372036854775808", -1 },
		{ "", -1 },
		{ "m", -1 },
		{ "-1", -1 },
		{ "1.", -1 },
		{ ".5g", INT64_C(1) << 29 },
		{ "1x", -1 },
		{ "1mm", -1 },
		{ "1m1", -1 },
		{ " 1m", -1 },
		{ "0x10", -1 },
		{ "1e3", -1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int64_t got = -1;
		int r = words_size(cases[i].text, &got);

		if (r < 0)
			got = -1;
		if (got != cases[i].want)
			fprintf(stderr, "size '%s': %lld\n", cases[i].text, (long long)got);
		CU_ASSERT_EQUAL(got, cases[i].want);
	}
}

static void test_times(void)
{
	static const struct {
		const char *text;
		int64_t want;
	} cases[] = {
		{ "0", 0 },
		{ "0s", 0 },
		{ "30s", 30 * INT64_C(1000000000) },
		{ "1m30s", 90 * INT64_C(1000000000) },
		{ "1.5s", 1500000000 },
		{ "500ms", 500000000 },
		{ "1h", 3600 * INT64_C(1000000000) },
		{ "2us", 2000 },
		{ "", -1 },
		{ "30", -1 },
		{ "s", -1 },
		{ "-1s", -1 },
		{ "1d", -1 },
		{ "1s ", -1 },
		{ "99999999999h", -1 },
		{ "2562047h2562047h", -1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int64_t got = -1;

		if (words_duration(cases[i].text, &got) < 0)
			got = -1;
		if (got != cases[i].want)
			fprintf(stderr, "time '%s': %lld\n", cases[i].text, (long long)got);
		CU_ASSERT_EQUAL(got, cases[i].want);
	}
}

/* "ip|host|container|protocol ..." of what was parsed; "!" for what is refused. */
static void check_port(const char *text, const char *want)
{
	struct buf b = BUF_INIT(4096);
	struct port_list l = { 0 };
	struct error err = { 0 };
	int r = publish_parse(text, &l, &err);
	cleanup_free char *got = NULL;

	for (size_t i = 0; i < l.n; i++)
		buf_printf(&b, "%s%s|%u|%u|%s", i ? " " : "", l.v[i].host_ip ? l.v[i].host_ip : "",
			   l.v[i].host_port, l.v[i].container_port,
			   port_protocol_str(l.v[i].protocol));
	got = r < 0 ? xstrdup("!") : buf_steal(&b);
	buf_done(&b);
	if (strcmp(got, want) != 0)
		fprintf(stderr, "port '%s': %s\n", text, got);
	CU_ASSERT_STRING_EQUAL(got, want);
	if (r < 0)
		CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "--publish '"));
	ports_done(&l);
}

static void test_ports(void)
{
	check_port("80", "|0|80|tcp");
	check_port("8080:80", "|8080|80|tcp");
	check_port("8080:80/tcp", "|8080|80|tcp");
	check_port("53:53/udp", "|53|53|udp");
	check_port("9:9/sctp", "|9|9|sctp");
	check_port("127.0.0.1:8080:80", "127.0.0.1|8080|80|tcp");
	check_port("127.0.0.1::80", "127.0.0.1|0|80|tcp");
	check_port("[::1]:8080:80", "::1|8080|80|tcp");
	check_port("[::]:8080:80", "::|8080|80|tcp");
	check_port("[fd00::1]::80/udp", "fd00::1|0|80|udp");
	check_port("0.0.0.0:1:2", "0.0.0.0|1|2|tcp");
	check_port("8000-8001:80-81", "|8000|80|tcp |8001|81|tcp");
	check_port("80-81", "|0|80|tcp |0|81|tcp");
	check_port("1.2.3.4:8000-8001:80-81/udp", "1.2.3.4|8000|80|udp 1.2.3.4|8001|81|udp");
	check_port(":80", "|0|80|tcp");
	check_port("65535:65535", "|65535|65535|tcp");
}

/* NET-14: what is no port never becomes one. */
static void test_bad_ports(void)
{
	static const char *const bad[] = {
		"",
		"0",
		"65536",
		"-1",
		"80:",
		"a:80",
		"8080:0",
		"0:80",
		"65536:80",
		"8080:65536",
		"80/",
		"80/icmp",
		"80/TCP",
		"8000-8002:80",
		"8000:80-81",
		"81-80",
		"1-1025",
		"80 ",
		" 80",
		"1:2:3:4",
		"::1:8080:80",
		"[::1:80",
		"1.2.3:1:2",
		"host:1:2",
		"[::1]:8080",
		"+80",
		"0x50",
		"8080:80:tcp",
		"80-",
		"-80",
		"1.2.3.4.5:1:2",
		"[1.2.3.4:1:2",
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		check_port(bad[i], "!");
}

static void check_twice(const char *a, const char *b, bool refused)
{
	struct port_list l = { 0 };
	struct error err = { 0 };

	CU_ASSERT_EQUAL_FATAL(publish_parse(a, &l, &err), 0);
	CU_ASSERT_EQUAL_FATAL(publish_parse(b, &l, &err), 0);
	CU_ASSERT_EQUAL(publish_check(&l, &err), refused ? -EINVAL : 0);
	ports_done(&l);
}

static void test_twice(void)
{
	check_twice("80:80", "80:81", true);
	check_twice("80:80", "80:80/udp", false);
	check_twice("80:80", "81:80", false);
	check_twice("80:80", "127.0.0.1:80:80", true);
	check_twice("0.0.0.0:80:80", "127.0.0.1:80:80", true);
	check_twice("127.0.0.2:80:80", "127.0.0.1:80:80", false);
	check_twice("[::]:80:80", "0.0.0.0:80:80", false);
	check_twice("[::1]:80:80", "[::]:80:80", true);
	check_twice("8000-8010:8000-8010", "8010:9", true);
	check_twice("80", "80", false);
}

static void test_choose(void)
{
	struct port_list l = { 0 };
	struct error err = { 0 };

	CU_ASSERT_EQUAL_FATAL(publish_parse("80-83", &l, &err), 0);
	CU_ASSERT_EQUAL_FATAL(publish_parse("127.0.0.1::53/udp", &l, &err), 0);
	CU_ASSERT_EQUAL_FATAL(publish_parse("7:7", &l, &err), 0);
	CU_ASSERT_EQUAL(publish_choose(&l, &err), 0);
	for (size_t i = 0; i < 5; i++)
		CU_ASSERT(l.v[i].host_port >= 1024);
	CU_ASSERT_EQUAL(l.v[5].host_port, 7);
	CU_ASSERT_EQUAL(publish_check(&l, &err), 0);
	ports_done(&l);
}

/* LOC-2: what is made up is a name by the rules, too. */
static void test_names(void)
{
	for (uint64_t i = 0; i < 96 * 96; i++) {
		cleanup_free char *name = create_name_of(i);

		CU_ASSERT_TRUE(is_valid_name(name) && strchr(name, '_') && strlen(name) < 30);
	}
}

static CU_TestInfo tests[] = {
	{ "sizes", test_sizes },	 { "times", test_times },
	{ "ports", test_ports },	 { "what is no port", test_bad_ports },
	{ "a port twice", test_twice },	 { "free ports", test_choose },
	{ "made up names", test_names }, CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "words of run", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
