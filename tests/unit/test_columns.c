/* SPDX-License-Identifier: Apache-2.0 */
/* test_columns - the texts of COMMAND and PORTS. */
#include "engine/pod/columns.h"

#include <string.h>

#include "tests/support/cunit_main.h"

/* ---- commands --------------------------------------------------------------------------- */

static void add_word(struct value_list *l, const char *text)
{
	value_add(list_add(l), VALUE_LITERAL, text, strlen(text));
}

static void check_command(struct container_spec *c, const char *expect)
{
	char *text = columns_command(c);

	CU_ASSERT_STRING_EQUAL(text, expect);
	free(text);
	record_done(&container_spec_type, c);
}

/* Bit by bit: image entrypoint e, image cmd c, command k, args a. */
static struct container_spec make_spec(const char *parts)
{
	struct container_spec c = { 0 };

	if (strchr(parts, 'e')) {
		strlist_add(&c.config.entrypoint, "/entry");
		strlist_add(&c.config.entrypoint, "-e");
	}
	if (strchr(parts, 'c'))
		strlist_add(&c.config.cmd, "cmd");
	c.has_command = strchr(parts, 'k') || strchr(parts, 'K');
	if (strchr(parts, 'k'))
		add_word(&c.command, "/command");
	c.has_args = strchr(parts, 'a') || strchr(parts, 'A');
	if (strchr(parts, 'a'))
		add_word(&c.args, "arg");
	return c;
}

static void test_command(void)
{
	static const struct {
		const char *parts; /* K, A: given but empty */
		const char *text;
	} cases[] = {
		{ "", "" },
		{ "e", "/entry -e" },
		{ "c", "cmd" },
		{ "ec", "/entry -e cmd" },
		{ "eca", "/entry -e arg" },
		{ "ca", "arg" },
		{ "eck", "/command" },
		{ "ecka", "/command arg" },
		{ "ecA", "/entry -e" },
		{ "ecK", "" },
		{ "ecKa", "arg" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct container_spec c = make_spec(cases[i].parts);

		check_command(&c, cases[i].text);
	}
}

static void test_command_parts(void)
{
	struct container_spec c = { .has_command = true };
	struct value *v;

	add_word(&c.command, "two words");
	v = list_add(&c.command);
	value_add(v, VALUE_LITERAL, "--password=", 11);
	value_add(v, VALUE_VARIABLE, "SECRET", 6);
	value_add(v, VALUE_LITERAL, "!", 1);
	(void)list_add(&c.command); /* an empty word */
	add_word(&c.command, "end");
	check_command(&c, "two words --password=$(SECRET)!  end");
}

static void test_long_command(void)
{
	struct container_spec c = { .has_command = true };
	char *text;

	for (int i = 0; i < 2000; i++)
		add_word(&c.command, "word");
	text = columns_command(&c);
	CU_ASSERT_TRUE(strlen(text) <= 4096);
	CU_ASSERT_TRUE(strlen(text) > 4000);
	CU_ASSERT_EQUAL(strncmp(text, "word word ", 10), 0);
	free(text);
	record_done(&container_spec_type, &c);
}

/* ---- ports ------------------------------------------------------------------------------ */

/* Publishes ports of one container of the plan: "ip host container protocol", ended by host 0. */
struct published {
	const char *ip;
	uint16_t host, container;
	int protocol;
};

static void check_ports(const struct published *p, size_t n, const char *expect)
{
	struct pod_plan plan = { .containers = xcalloc(2, sizeof(*plan.containers)),
				 .n_containers = 2 };
	char *text;

	/* Alternating between two containers: the pod's ports are one list. */
	for (size_t i = 0; i < n; i++) {
		struct port_spec *port = list_add(&plan.containers[i % 2].ports);

		port->host_ip = xstrdup_or_null(p[i].ip);
		port->host_port = p[i].host;
		port->container_port = p[i].container;
		port->protocol = p[i].protocol;
	}
	text = columns_ports(&plan);
	CU_ASSERT_STRING_EQUAL(text, expect);
	free(text);
	pod_plan_done(&plan);
}
#define CHECK_PORTS(expect, ...)                                          \
	do {                                                              \
		static const struct published ports_[] = { __VA_ARGS__ }; \
		check_ports(ports_, ARRAY_SIZE(ports_), expect);          \
	} while (0)

static void test_ports(void)
{
	check_ports(NULL, 0, "");
	CHECK_PORTS("", { NULL, 0, 80, PORT_TCP });
	CHECK_PORTS("0.0.0.0:8001->80/tcp", { NULL, 8001, 80, PORT_TCP });
	CHECK_PORTS("0.0.0.0:8001-8002->8001-8002/tcp", { NULL, 8002, 8002, PORT_TCP },
		    { NULL, 8001, 8001, PORT_TCP });
	CHECK_PORTS("0.0.0.0:8001-8004->1-4/tcp", { NULL, 8004, 4, PORT_TCP },
		    { NULL, 8001, 1, PORT_TCP }, { NULL, 8003, 3, PORT_TCP },
		    { NULL, 8002, 2, PORT_TCP });
	/* In step on one side only. */
	CHECK_PORTS("0.0.0.0:8001->80/tcp, 0.0.0.0:8002->82/tcp", { NULL, 8001, 80, PORT_TCP },
		    { NULL, 8002, 82, PORT_TCP });
	CHECK_PORTS("0.0.0.0:8001->80/tcp, 0.0.0.0:8003->81/tcp", { NULL, 8003, 81, PORT_TCP },
		    { NULL, 8001, 80, PORT_TCP });
	CHECK_PORTS("0.0.0.0:53->53/tcp, 0.0.0.0:53->53/udp, 0.0.0.0:54->54/sctp",
		    { NULL, 53, 53, PORT_UDP }, { NULL, 54, 54, PORT_SCTP },
		    { NULL, 53, 53, PORT_TCP });
	CHECK_PORTS("127.0.0.1:80->80/tcp, [::1]:81->81/tcp", { "::1", 81, 81, PORT_TCP },
		    { "127.0.0.1", 80, 80, PORT_TCP });
	CHECK_PORTS("0.0.0.0:65534-65535->65534-65535/tcp", { NULL, 65534, 65534, PORT_TCP },
		    { NULL, 65535, 65535, PORT_TCP });
}

static CU_TestInfo tests[] = {
	{ "command", test_command },
	{ "parts of a command", test_command_parts },
	{ "a long command", test_long_command },
	{ "ports", test_ports },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = { { "columns", NULL, NULL, NULL, NULL, tests }, CU_SUITE_INFO_NULL };
TEST_MAIN(suites)
