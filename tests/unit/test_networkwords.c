/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_networkwords - --network, --ip, --mac-address and --network-alias become attachments.
 */
#include "cmd/podium/network/networkwords.h"

#include <errno.h>
#include <string.h>

#include "engine/net/netnames.h"
#include "engine/pod/spec.h"
#include "tests/support/cunit_main.h"

/* What a plan says of networks, in one line: "bridge podium=10.0.0.2//; n1=//" */
static char *describe(const struct pod_spec *pod)
{
	struct buf b = BUF_INIT(65536);

	buf_adds(&b, network_mode_names[pod->network]);
	if (pod->network_from)
		buf_printf(&b, " %s", pod->network_from);
	for (size_t i = 0; i < pod->networks.n; i++) {
		const struct attachment *a = &pod->networks.v[i];

		buf_printf(&b, " %s=%s/%s/%s/%s", a->network, a->ip4 ? a->ip4 : "",
			   a->ip6 ? a->ip6 : "", a->mac ? a->mac : "",
			   a->interface ? a->interface : "");
		for (size_t k = 0; k < a->aliases.n; k++)
			buf_printf(&b, "%s%s", k ? "," : "/", a->aliases.v[k]);
	}
	return buf_steal(&b);
}

static void check_words(const char *const words[], const char *want)
{
	struct pod_spec pod = { 0 };
	struct error err = { 0 };
	cleanup_free char *got = NULL;
	int r = 0;

	for (size_t i = 0; words[i] && r == 0; i++)
		r = network_words(words[i], &pod, &err);
	got = r < 0 ? xstrdup(err.text) : describe(&pod);
	CU_ASSERT_STRING_EQUAL(got, want);
	if (strcmp(got, want) != 0)
		printf("\n  '%s': got '%s', want '%s'\n", words[0], got, want);
	CU_ASSERT_TRUE(r == 0 || r == -err.code);
	record_done(&pod_spec_type, &pod);
}

static void test_modes(void)
{
	static const struct {
		const char *words[4];
		const char *want;
	} cases[] = {
		{ { "" }, "bridge" },
		{ { "bridge" }, "bridge podium=///" },
		{ { "private" }, "bridge podium=///" },
		{ { "default" }, "bridge podium=///" },
		{ { "bridge:" }, "bridge podium=///" },
		{ { "bridge:ip=10.105.0.9" }, "bridge podium=10.105.0.9///" },
		{ { "host" }, "host" },
		{ { "none" }, "none" },
		{ { "container:web" }, "from container:web" },
		{ { "ns:/run/netns/a" }, "from ns:/run/netns/a" },
		{ { "container:" },
		  "must provide name or ID of a container when specifying container:" },
		{ { "ns:" }, "must provide an absolute path to a namespace when specifying ns:" },
		{ { "ns:a" }, "must provide an absolute path to a namespace when specifying ns:" },
		{ { "host", "n1" },
		  "cannot set multiple networks without bridge network mode, selected mode host" },
		{ { "none", "none" },
		  "cannot set multiple networks without bridge network mode, selected mode none" },
		{ { "container:x", "n1" },
		  "cannot set multiple networks without bridge network mode, selected mode "
		  "container:x" },
		{ { "n1", "host" },
		  "can only set extra network names, selected mode host conflicts with bridge" },
		{ { "n1", "container:x" },
		  "can only set extra network names, selected mode container:x conflicts with "
		  "bridge" },
		{ { "bridge", "bridge:ip=1.2.3.4" },
		  "can only set extra network names, selected mode bridge:ip=1.2.3.4 conflicts "
		  "with "
		  "bridge" },
		{ { "pasta" },
		  "network mode 'pasta' is for ordinary users and not supported: leave it out for "
		  "the default network" },
		{ { "slirp4netns:mtu=1" },
		  "network mode 'slirp4netns' is for ordinary users and not supported: leave it "
		  "out "
		  "for the default network" },
		{ { "pod" }, "network mode 'pod' is what containers of a pod have: use --pod" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		check_words(cases[i].words, cases[i].want);
}

static void test_networks(void)
{
	static const struct {
		const char *words[4];
		const char *want;
	} cases[] = {
		{ { "n1" }, "bridge n1=///" },
		{ { "n1:" }, "bridge n1=///" },
		{ { "n1", "n2" }, "bridge n1=/// n2=///" },
		{ { "n1,n2" }, "bridge n1=/// n2=///" },
		{ { "n1", "n2,n3" }, "bridge n1=/// n2=/// n3=///" },
		{ { "bridge", "n1" }, "bridge podium=/// n1=///" },
		{ { "pastas" }, "bridge pastas=///" },
		{ { "n1:ip=10.0.0.2,ip=fd00:0::2,mac=92:D0:c6:0a:29:33,alias=a,alias=b.c,"
		    "interface_name=net0" },
		  "bridge n1=10.0.0.2/fd00::2/92:d0:c6:0a:29:33/net0/a,b.c" },
		{ { "n1:ip6=fd00::3", "n2:mac=92-d0-c6-0a-29-33" },
		  "bridge n1=/fd00::3// n2=//92:d0:c6:0a:29:33/" },
		{ { "n1:mac=92d0.c60a.2933" }, "bridge n1=//92:d0:c6:0a:29:33/" },
		{ { "n1:alias=a,alias=a" }, "bridge n1=////a" },
		{ { ":ip=1.2.3.4" }, "network name cannot be empty" },
		{ { "n1,,n2" }, "network name cannot be empty" },
		{ { "n1", "n1" }, "network n1 is given twice" },
		{ { "n1:interface_name=a", "n2:interface_name=a" },
		  "two networks have the interface_name 'a'" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		check_words(cases[i].words, cases[i].want);
}

static void test_bad_options(void)
{
	static const struct {
		const char *words[2];
		const char *want;
	} cases[] = {
		{ { "n1:ip=1.2" }, "invalid ip address \"1.2\"" },
		{ { "n1:ip=1.2.3.4/24" }, "invalid ip address \"1.2.3.4/24\"" },
		{ { "n1:ip" }, "invalid ip address \"\"" },
		{ { "n1:ip=10.0.0.2,ip=10.0.0.3" },
		  "more than one IPv4 address: 10.0.0.2 and 10.0.0.3" },
		{ { "n1:mac=zz" }, "address zz: invalid MAC address" },
		{ { "n1:mac=92:d0:c6:0a:29:3" }, "address 92:d0:c6:0a:29:3: invalid MAC address" },
		{ { "n1:mac=92:d0:c6:0a:29:33:44" },
		  "address 92:d0:c6:0a:29:33:44: invalid MAC address" },
		{ { "n1:mac=92:d0-c6:0a:29:33" },
		  "address 92:d0-c6:0a:29:33: invalid MAC address" },
		{ { "n1:mac=01:d0:c6:0a:29:33" },
		  "MAC address 01:d0:c6:0a:29:33 is that of a group: the first number must be "
		  "even" },
		{ { "n1:mac=00:00:00:00:00:00" },
		  "MAC address 00:00:00:00:00:00 is no address of a device" },
		{ { "n1:alias=" }, "alias cannot be empty" },
		{ { "n1:alias=a b" },
		  "alias 'a b' is no host name: letters, digits, '-', '_' and '.'" },
		{ { "n1:alias=a\nb" },
		  "alias 'a\nb' is no host name: letters, digits, '-', '_' and '.'" },
		{ { "n1:interface_name=" }, "interface_name cannot be empty" },
		{ { "n1:interface_name=lo" },
		  "interface_name 'lo' is no name of a device: at most 15 letters, digits, '-', "
		  "'_' "
		  "and '.', and not lo" },
		{ { "n1:interface_name=../x" },
		  "interface_name '../x' is no name of a device: at most 15 letters, digits, '-', "
		  "'_' and '.', and not lo" },
		{ { "n1:foo=1" }, "unknown bridge network option: foo" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup_free char *want =
			xasprintf("invalid option for network n1: %s", cases[i].want);

		check_words(cases[i].words, want);
	}
}

static void check_flags(const char *words, const struct network_flags *f, const char *want)
{
	struct pod_spec pod = { 0 };
	struct error err = { 0 };
	cleanup_free char *got = NULL;
	cleanup_free char *copy = xstrdup(words);
	char *rest = copy;
	int r = 0;

	while (rest && r == 0)
		r = network_words(strsep(&rest, " "), &pod, &err);
	if (r == 0)
		r = network_words_flags(f, &pod, &err);
	got = r < 0 ? xstrdup(err.text) : describe(&pod);
	CU_ASSERT_STRING_EQUAL(got, want);
	if (strcmp(got, want) != 0)
		printf("\n  '%s': got '%s', want '%s'\n", words, got, want);
	record_done(&pod_spec_type, &pod);
}

static void test_flags(void)
{
	struct strlist aliases = { 0 };
	struct network_flags f = { 0 };

	check_flags("", &f, "bridge");
	f.ip = "10.105.0.7";
	check_flags("", &f, "bridge podium=10.105.0.7///");
	check_flags("n1", &f, "bridge n1=10.105.0.7///");
	check_flags("n1:ip=10.105.0.7", &f, "bridge n1=10.105.0.7///");
	check_flags("n1:ip=10.105.0.8", &f,
		    "more than one IPv4 address: 10.105.0.8 and 10.105.0.7");
	check_flags("n1 n2", &f, "--ip can only be set for a single network");
	check_flags("host", &f, "--ip can only be set when the network mode is bridge");
	f.ip = "fd00::1";
	check_flags("", &f, "--ip takes an IPv4 address, not fd00::1");
	f.ip = "foo";
	check_flags("", &f, "\"foo\" is not an ip address");
	f = (struct network_flags){ .ip6 = "fd00::0:1", .mac = "2:2" };
	check_flags("", &f, "address 2:2: invalid MAC address");
	f.mac = "92:d0:c6:0a:29:33";
	check_flags("", &f, "bridge podium=/fd00::1/92:d0:c6:0a:29:33/");
	check_flags("none", &f, "--ip6 can only be set when the network mode is bridge");
	f.ip6 = "10.0.0.1";
	check_flags("", &f, "--ip6 takes an IPv6 address, not 10.0.0.1");
	strlist_add(&aliases, "a,b");
	strlist_add(&aliases, "c");
	f = (struct network_flags){ .aliases = &aliases };
	check_flags("n1 n2", &f, "bridge n1=////a,b,c n2=////a,b,c");
	check_flags("none", &f, "--network-alias can only be set when the network mode is bridge");
	strlist_done(&aliases);
}

static void test_names(void)
{
	char label[65];

	CU_ASSERT_TRUE(is_dns_name("a"));
	CU_ASSERT_TRUE(is_dns_name("web_1.example.org"));
	CU_ASSERT_FALSE(is_dns_name(""));
	CU_ASSERT_FALSE(is_dns_name("."));
	CU_ASSERT_FALSE(is_dns_name("a."));
	CU_ASSERT_FALSE(is_dns_name(".a"));
	CU_ASSERT_FALSE(is_dns_name("a..b"));
	CU_ASSERT_FALSE(is_dns_name("-a"));
	CU_ASSERT_FALSE(is_dns_name("a#b"));
	memset(label, 'x', 64);
	label[64] = '\0';
	CU_ASSERT_FALSE(is_dns_name(label));
	CU_ASSERT_TRUE(is_dns_name(label + 1));
	CU_ASSERT_TRUE(is_network_name("a.b_c-d"));
	CU_ASSERT_FALSE(is_network_name("-a"));
	CU_ASSERT_FALSE(is_network_name("a/b"));
	CU_ASSERT_FALSE(is_network_name(""));
	CU_ASSERT_TRUE(is_network_mode_name("host"));
	CU_ASSERT_FALSE(is_network_mode_name("hosts"));
	CU_ASSERT_TRUE(is_device_name("podium0"));
	CU_ASSERT_FALSE(is_device_name("0123456789abcdef"));
	CU_ASSERT_FALSE(is_device_name(".."));
	CU_ASSERT_FALSE(is_device_name("a:b"));
}

static CU_TestInfo tests[] = {
	{ "modes", test_modes },
	{ "networks", test_networks },
	{ "options that are refused", test_bad_options },
	{ "the flags beside --network", test_flags },
	{ "names of networks, devices and hosts", test_names },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "networkwords", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
