/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_translate - what the engine is told for what the manifest says, and $(NAME).
 *
 * That nothing is lost on the way back is proved in test_roundtrip.c; here the numbers and words on
 * the engine's side are looked at.
 */
#include <string.h>
#include <sys/sysinfo.h>

#include "engine/base/str.h"
#include "kube/expand.h"
#include "kube/translate.h"
#include "tests/support/cunit_main.h"
#include "tests/support/kubecase.h"

static struct kube_result result;

static const struct pod_plan *play(const char *container, const char *spec)
{
	cleanup_free char *yaml = kubecase_pod(container, spec);

	kube_result_done(&result);
	kubecase_load(yaml, false, true, &result);
	if (result.n != 1)
		kubecase_print(&result);
	CU_ASSERT_EQUAL_FATAL(result.n, 1);
	return &result.v[0];
}

/* ---- the pod ----------------------------------------------------------------------------------
 */

static void test_played_pod(void)
{
	const struct pod_plan *p = play("", "initContainers: [{name: i, image: x}]");

	CU_ASSERT_EQUAL(p->pod.version, POD_SPEC_VERSION);
	CU_ASSERT_STRING_EQUAL(p->pod.name, "p");
	CU_ASSERT_STRING_EQUAL(p->pod.owner, "kube");
	CU_ASSERT_TRUE(p->pod.restart_backoff);
	CU_ASSERT_TRUE(p->pod.exit_with_members);
	CU_ASSERT_EQUAL(p->pod.network, NETWORK_BRIDGE);
	CU_ASSERT_EQUAL(p->pod.restart, RESTART_ALWAYS);
	CU_ASSERT_FALSE(p->pod.grace_seconds.set);
	CU_ASSERT_EQUAL(pod_grace_seconds(&p->pod), PLAYED_GRACE_SECONDS);
	CU_ASSERT_EQUAL(p->n_containers, 2);
	CU_ASSERT_EQUAL(p->pod.containers.n, 2);
	CU_ASSERT_TRUE(p->pod.containers.v[0].init);
	CU_ASSERT_STRING_EQUAL(p->pod.containers.v[1].name, "c");
	CU_ASSERT_EQUAL(p->containers[0].kind, CONTAINER_INIT);
	CU_ASSERT_EQUAL(p->containers[0].restart, RESTART_ON_FAILURE);
	CU_ASSERT_EQUAL(p->containers[1].kind, CONTAINER_MEMBER);
	CU_ASSERT_EQUAL(p->containers[1].restart, RESTART_ALWAYS);
	CU_ASSERT_STRING_EQUAL(p->containers[1].full_name, "p-c");
	CU_ASSERT_STRING_EQUAL(p->containers[1].image, "x");
	CU_ASSERT_PTR_NULL(p->pod.id);
	CU_ASSERT_EQUAL(p->pod.created_ns, 0);
	CU_ASSERT_PTR_NULL(p->containers[1].config.id);
}

static void test_restart_policies(void)
{
	static const struct {
		const char *policy;
		int member;
		int init;
	} cases[] = {
		{ "Always", RESTART_ALWAYS, RESTART_ON_FAILURE },
		{ "OnFailure", RESTART_ON_FAILURE, RESTART_ON_FAILURE },
		{ "Never", RESTART_NEVER, RESTART_NEVER },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup_free char *spec =
			xasprintf("restartPolicy: %s\ninitContainers: [{name: i, image: x}]",
				  cases[i].policy);
		const struct pod_plan *p = play("", spec);

		CU_ASSERT_EQUAL(p->pod.restart, cases[i].member);
		CU_ASSERT_EQUAL(p->containers[1].restart, cases[i].member);
		CU_ASSERT_EQUAL(p->containers[0].restart, cases[i].init);
	}
}

static void test_volumes(void)
{
	const struct pod_plan *p =
		play("volumeMounts: [{name: d, mountPath: /m, readOnly: true, subPath: s}]",
		     "volumes:\n- {name: h, hostPath: {path: /x, type: Socket}}\n- {name: d}\n"
		     "- {name: m, emptyDir: {medium: Memory, sizeLimit: 1.5Ki}}\n- {name: nf, nfs: "
		     "{server: s, "
		     "path: /}}\n- {name: a, hostPath: {path: /y}}\n");

	CU_ASSERT_EQUAL_FATAL(p->pod.volumes.n,
			      4); /* the nfs one cannot be had, nobody mounts it */
	CU_ASSERT_EQUAL(p->pod.volumes.v[0].kind, VOLUME_HOST_PATH);
	CU_ASSERT_EQUAL(p->pod.volumes.v[0].host_path_type, HOST_PATH_SOCKET);
	CU_ASSERT_EQUAL(p->pod.volumes.v[1].kind, VOLUME_EMPTY_DIR);
	CU_ASSERT_FALSE(p->pod.volumes.v[1].memory);
	CU_ASSERT_TRUE(p->pod.volumes.v[2].memory);
	CU_ASSERT_EQUAL(p->pod.volumes.v[2].size_bytes, 1536);
	CU_ASSERT_EQUAL(p->pod.volumes.v[3].host_path_type, HOST_PATH_ANY);
	CU_ASSERT_EQUAL_FATAL(p->containers[0].mounts.n, 1);
	CU_ASSERT_TRUE(p->containers[0].mounts.v[0].read_only);
	CU_ASSERT_STRING_EQUAL(p->containers[0].mounts.v[0].sub_path, "s");
}

static void test_ports(void)
{
	const struct pod_plan *p = play(
		"ports: [{containerPort: 80}, {containerPort: 53, hostPort: 5353, protocol: UDP, "
		"hostIP: '::1', name: dns}]",
		"");
	const struct port_list *ports = &p->containers[0].ports;

	CU_ASSERT_EQUAL_FATAL(ports->n, 2);
	CU_ASSERT_EQUAL(ports->v[0].host_port, 0);
	CU_ASSERT_EQUAL(ports->v[0].protocol, PORT_TCP);
	CU_ASSERT_PTR_NULL(ports->v[0].host_ip);
	CU_ASSERT_EQUAL(ports->v[1].host_port, 5353);
	CU_ASSERT_EQUAL(ports->v[1].protocol, PORT_UDP);
	CU_ASSERT_STRING_EQUAL(ports->v[1].host_ip, "::1");
	CU_ASSERT_STRING_EQUAL(ports->v[1].name, "dns");
	p = play("ports: [{containerPort: 80}]", "hostNetwork: true");
	CU_ASSERT_EQUAL(p->pod.network, NETWORK_HOST);
	CU_ASSERT_EQUAL(p->containers[0].ports.v[0].host_port, 80);
}

static void test_security(void)
{
	const struct pod_plan *p = play(
		"securityContext: {privileged: true, runAsUser: 0, procMount: Unmasked, "
		"readOnlyRootFilesystem: "
		"false}",
		"securityContext: {runAsUser: 5, runAsGroup: 6, fsGroup: 7, seccompProfile: {type: "
		"Unconfined}, fsGroupChangePolicy: OnRootMismatch, supplementalGroups: [8]}");
	const struct container_security *c = &p->containers[0].security;

	CU_ASSERT_TRUE(c->run_as_user.set);
	CU_ASSERT_EQUAL(c->run_as_user.value, 0);
	CU_ASSERT_FALSE(c->run_as_group.set);
	CU_ASSERT_TRUE(c->read_only_root.set);
	CU_ASSERT_FALSE(c->read_only_root.value);
	CU_ASSERT_FALSE(c->allow_privilege_escalation.set);
	CU_ASSERT_TRUE(c->unmask_proc);
	CU_ASSERT_TRUE(c->seccomp_unconfined); /* from the pod */
	CU_ASSERT_EQUAL(p->pod.security.run_as_user.value, 5);
	CU_ASSERT_EQUAL(p->pod.security.run_as_group.value, 6);
	CU_ASSERT_EQUAL(p->pod.security.fs_group.value, 7);
	CU_ASSERT_TRUE(p->pod.security.fs_group_on_root_mismatch);
	CU_ASSERT_STRING_EQUAL(p->pod.security.supplemental_groups.v[0], "8");
	p = play("securityContext: {seccompProfile: {type: RuntimeDefault}}",
		 "securityContext: {seccompProfile: {type: Unconfined}}");
	CU_ASSERT_FALSE(p->containers[0].security.seccomp_unconfined);
}

/* ---- resources and OOM scores -----------------------------------------------------------------
 */

static void test_resources(void)
{
	const struct resources *r = &play("resources: {limits: {cpu: 0.5, memory: 1.5Gi}}", "")
					     ->containers[0]
					     .resources;

	CU_ASSERT_EQUAL(r->cpu_limit_milli.value, 500);
	CU_ASSERT_EQUAL(r->memory_limit_bytes.value, 1610612736);
	CU_ASSERT_TRUE(r->cpu_request_milli.set);
	CU_ASSERT_EQUAL(r->cpu_request_milli.value, 500);
	CU_ASSERT_EQUAL(r->memory_request_bytes.value, 1610612736);
	r = &play("resources: {limits: {cpu: 0}, requests: {memory: 100m}}", "")
		     ->containers[0]
		     .resources;
	CU_ASSERT_FALSE(r->cpu_limit_milli.set); /* a limit of 0 is none */
	CU_ASSERT_FALSE(r->memory_limit_bytes.set);
	CU_ASSERT_EQUAL(r->memory_request_bytes.value, 1);
}

static int64_t score(const char *container, const char *spec)
{
	return play(container, spec)->containers[0].oom_score_adj;
}

static void test_oom_scores(void)
{
	struct sysinfo info;
	cleanup_free char *half = NULL;

	CU_ASSERT_EQUAL(sysinfo(&info), 0);
	half = xasprintf("resources: {requests: {memory: %lu}}", info.totalram / 2 * info.mem_unit);
	CU_ASSERT_EQUAL(score("", ""), 1000);
	CU_ASSERT_EQUAL(score("resources: {limits: {cpu: 1, memory: 64Mi}}", ""), -997);
	CU_ASSERT_EQUAL(
		score("resources: {limits: {cpu: 1, memory: 64Mi}, requests: {cpu: 1, memory: "
		      "64Mi}}",
		      ""),
		-997);
	CU_ASSERT_EQUAL(score("resources: {requests: {cpu: 1}}", ""), 999);
	CU_ASSERT_EQUAL(score("resources: {limits: {cpu: 1}}", ""), 999);
	CU_ASSERT_EQUAL(score(half, ""), info.totalram % 2 ? 501 : 500);
	CU_ASSERT_EQUAL(score("resources: {requests: {memory: 4Pi}}", ""), 3);
	/* one container without limits: the whole pod is no longer guaranteed */
	CU_ASSERT_EQUAL(
		score("",
		      "initContainers: [{name: i, image: x, resources: {limits: {cpu: 1, memory: "
		      "1Ki}}}]"),
		999);
}

static int64_t score_of(const struct pod_plan *p, const char *name)
{
	for (size_t i = 0; i < p->n_containers; i++)
		if (strcmp(p->containers[i].name, name) == 0)
			return p->containers[i].oom_score_adj;
	return INT64_MAX;
}

static unsigned long tenth(void)
{
	struct sysinfo info;

	return sysinfo(&info) == 0 ? info.totalram * info.mem_unit / 10 : 0;
}

/* A sidecar that asks for nothing is no likelier to be killed than the member that asks least. */
static void test_oom_of_sidecars(void)
{
	cleanup_free char *own = xasprintf("resources: {requests: {memory: %lu}}", 5 * tenth());
	cleanup_free char *spec = xasprintf(
		"initContainers:\n"
		"- {name: s, image: x, restartPolicy: Always}\n"
		"- {name: big, image: x, restartPolicy: Always, resources: {requests: {memory: "
		"%lu}}}\n"
		"- {name: i, image: x}\n",
		8 * tenth());
	const struct pod_plan *p = play(own, spec);

	CU_ASSERT_EQUAL(score_of(p, "c"), score_of(p, "s"));
	CU_ASSERT(score_of(p, "c") >= 500 && score_of(p, "c") <= 502);
	CU_ASSERT(score_of(p, "big") >= 200 && score_of(p, "big") <= 202);
	CU_ASSERT_EQUAL(score_of(p, "i"), 999);
	CU_ASSERT_TRUE(p->containers[0].sidecar);
	CU_ASSERT_TRUE(p->pod.containers.v[0].sidecar);
	CU_ASSERT_FALSE(p->pod.containers.v[2].sidecar);
}

/* What the pod asks for beyond its containers is shared among them. */
static void test_oom_of_pods(void)
{
	cleanup_free char *own = xasprintf("resources: {requests: {memory: %lu}}", 2 * tenth());
	cleanup_free char *spec = xasprintf("resources: {requests: {memory: %lu}}\n"
					    "initContainers: [{name: i, image: x}]\n",
					    6 * tenth());
	const struct pod_plan *p = play(own, spec);

	CU_ASSERT(score_of(p, "c") >= 600 && score_of(p, "c") <= 602);
	CU_ASSERT(score_of(p, "i") >= 800 && score_of(p, "i") <= 802);
	p = play("", "resources: {limits: {cpu: 1, memory: 64Mi}}");
	CU_ASSERT_EQUAL(score_of(p, "c"), -997);
}

static void test_qos(void)
{
	static const char bound[] = "resources: {limits: {cpu: 1, memory: 1Mi}}";

	CU_ASSERT_EQUAL(translate_qos(play("", "")), QOS_BEST_EFFORT);
	CU_ASSERT_EQUAL(translate_qos(play(bound, "")), QOS_GUARANTEED);
	CU_ASSERT_EQUAL(translate_qos(play("resources: {limits: {cpu: 1}}", "")), QOS_BURSTABLE);
	CU_ASSERT_EQUAL(translate_qos(play("resources: {limits: {hugepages-2Mi: 2Mi, memory: "
					   "0}}",
					   "")),
			QOS_BEST_EFFORT);
	/* The pod's word decides alone. */
	CU_ASSERT_EQUAL(translate_qos(play("", bound)), QOS_GUARANTEED);
	CU_ASSERT_EQUAL(translate_qos(play("resources: {requests: {cpu: 1}}", bound)),
			QOS_GUARANTEED);
	CU_ASSERT_EQUAL(translate_qos(play(bound, "resources: {limits: {memory: 2Mi}}")),
			QOS_BURSTABLE);
}

/* Absent requests of the pod are what its containers ask for at once, else its limits. */
static void test_pod_requests(void)
{
	const struct resources *r =
		&play("resources: {requests: {cpu: 100m}}",
		      "resources: {limits: {cpu: 2, memory: 1Gi}}\n"
		      "initContainers:\n"
		      "- {name: s, image: x, restartPolicy: Always, resources: {requests: {cpu: "
		      "50m}}}\n"
		      "- {name: i, image: x, resources: {requests: {cpu: 300m}}}\n")
			 ->pod.resources;

	CU_ASSERT_EQUAL(r->cpu_limit_milli.value, 2000);
	CU_ASSERT_EQUAL(r->cpu_request_milli.value, 350);
	CU_ASSERT_EQUAL(r->memory_request_bytes.value, 1 << 30);
}

static void test_devices(void)
{
	const struct resources *r =
		&play("resources: {limits: {vendor.com/class=a: 1, podman.io/device=/dev/x: 2, "
		      "podman.io/device=/dev/none: 0, hugepages-2Mi: 2Mi, cpu: 1}}",
		      "")
			 ->containers[0]
			 .resources;

	CU_ASSERT_EQUAL_FATAL(r->devices.n, 2);
	CU_ASSERT_STRING_EQUAL(r->devices.v[0], "vendor.com/class=a");
	CU_ASSERT_STRING_EQUAL(r->devices.v[1], "/dev/x");
	CU_ASSERT_EQUAL_FATAL(r->other_limits.n, 1);
	CU_ASSERT_STRING_EQUAL(pairlist_get(&r->other_limits, "hugepages-2Mi"), "2Mi");
	CU_ASSERT_STRING_EQUAL(pairlist_get(&r->other_requests, "hugepages-2Mi"), "2Mi");
}

/* ---- probes and hooks ---------------------------------------------------------------------------
 */

static void test_probes(void)
{
	const struct container_spec *c =
		&play("env: [{name: A, value: 'one $(B)'}, {name: V, valueFrom: {fieldRef: "
		      "{fieldPath: "
		      "metadata.name}}}]\n"
		      "ports: [{name: web, containerPort: 81}]\n"
		      "startupProbe: {exec: {command: ['$(A)', '$$(A)', '$(C)', '<$(V)>']}}\n"
		      "livenessProbe: {httpGet: {port: web}, periodSeconds: 0, failureThreshold: "
		      "5}\n"
		      "lifecycle: {postStart: {exec: {command: ['$(A)', '$$']}}, preStop: "
		      "{httpGet: "
		      "{port: 82, scheme: HTTPS}}}",
		      "")
			 ->containers[0];
	const struct probe_spec *start = &c->probes[PROBE_STARTUP];
	const struct probe_spec *live = &c->probes[PROBE_LIVENESS];

	CU_ASSERT_EQUAL_FATAL(start->action.argv.n, 4);
	CU_ASSERT_STRING_EQUAL(start->action.argv.v[0], "one $(B)"); /* as it is written there */
	CU_ASSERT_STRING_EQUAL(start->action.argv.v[1], "$(A)");
	CU_ASSERT_STRING_EQUAL(start->action.argv.v[2], "$(C)");
	CU_ASSERT_STRING_EQUAL(start->action.argv.v[3], "<>");
	CU_ASSERT_EQUAL(start->period_s, 10);
	CU_ASSERT_EQUAL(start->timeout_s, 1);
	CU_ASSERT_EQUAL(start->success_threshold, 1);
	CU_ASSERT_EQUAL(start->failure_threshold, 3);
	CU_ASSERT_EQUAL(live->action.port, 81);
	CU_ASSERT_STRING_EQUAL(live->action.port_name, "web");
	CU_ASSERT_EQUAL(live->period_s, 10);
	CU_ASSERT_EQUAL(live->failure_threshold, 5);
	CU_ASSERT_EQUAL(c->probes[PROBE_READINESS].action.kind, ACTION_NONE);
	/* A hook's command is taken as it is. */
	CU_ASSERT_STRING_EQUAL(c->post_start.argv.v[0], "$(A)");
	CU_ASSERT_STRING_EQUAL(c->post_start.argv.v[1], "$$");
	CU_ASSERT_TRUE(c->pre_stop.https);
	CU_ASSERT_PTR_NULL(c->pre_stop.port_name);
}

/* What a container says of itself wins over the pod. */
static void test_own_restart(void)
{
	const struct pod_plan *p = play(
		"restartPolicy: Never\n"
		"restartPolicyRules: [{action: Restart, exitCodes: {operator: NotIn, values: [0, "
		"7]}}]",
		"initContainers:\n"
		"- {name: once, image: x, restartPolicy: Never}\n"
		"- {name: init, image: x}\n"
		"- {name: side, image: x, restartPolicy: Always}\n");

	CU_ASSERT_EQUAL(p->containers[0].restart, RESTART_NEVER);
	CU_ASSERT_EQUAL(p->containers[1].restart, RESTART_ON_FAILURE);
	CU_ASSERT_FALSE(p->containers[1].own_restart);
	CU_ASSERT_EQUAL(p->containers[2].restart, RESTART_ALWAYS);
	CU_ASSERT_TRUE(p->containers[2].sidecar);
	CU_ASSERT_EQUAL(p->containers[3].restart, RESTART_NEVER);
	CU_ASSERT_EQUAL_FATAL(p->containers[3].restart_rules.n, 1);
	CU_ASSERT_TRUE(p->containers[3].restart_rules.v[0].not_in);
	CU_ASSERT_STRING_EQUAL(p->containers[3].restart_rules.v[0].codes.v[1], "7");
}

/* ---- $(NAME) ------------------------------------------------------------------------------------
 */

/* Parts as text: literals as they are, variables as <NAME>, a '|' between parts. */
static char *parts(const struct value *v)
{
	struct buf out = BUF_INIT(4096);

	for (size_t i = 0; i < v->n; i++)
		buf_printf(&out, v->v[i].kind == VALUE_VARIABLE ? "%s<%s>" : "%s%s", i ? "|" : "",
			   v->v[i].text);
	return buf_steal(&out);
}

static void test_expand(void)
{
	static const struct {
		const char *text;
		const char *want;
	} cases[] = {
		{ "", "" },
		{ "plain", "plain" },
		{ "$(A)", "<A>" },
		{ "x$(A)y", "x|<A>|y" },
		{ "$(A)$(B)", "<A>|<B>" },
		{ "$$(A)", "$(A)" },
		{ "$$$(A)", "$|<A>" },
		{ "$$$$(A)", "$$(A)" },
		{ "$(UNKNOWN)", "<UNKNOWN>" },
		{ "$(A", "$(A" },
		{ "$", "$" },
		{ "$$", "$" },
		{ "a$b", "a$b" },
		{ "$A", "$A" },
		{ "$()", "<>" },
		{ "$(A B)", "<A B>" },
		{ "$(X$(A))", "<X$(A>|)" },
		{ "echo $(date) $(A)", "echo |<date>| |<A>" },
		{ "$($(A))", "<$(A>|)" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct value v = { 0 }, again = { 0 };
		cleanup_free char *have = NULL, *text = NULL, *back = NULL;

		expand_text(cases[i].text, &v);
		have = parts(&v);
		CU_ASSERT_STRING_EQUAL(have, cases[i].want);
		text = expand_unsplit(&v);
		expand_text(text, &again);
		back = parts(&again);
		CU_ASSERT_STRING_EQUAL(back, have);
		for (size_t j = 0; j < v.n; j++)
			free(v.v[j].text);
		for (size_t j = 0; j < again.n; j++)
			free(again.v[j].text);
		free(v.v);
		free(again.v);
	}
}

/* Any text of these five characters: back and forth gives the same parts, neighbours joined. */
static void test_expand_everything(void)
{
	static const char letters[] = "$()AX";
	char text[8] = "";

	for (unsigned int code = 0; code < 5 * 5 * 5 * 5 * 5 * 5 * 5; code++) {
		struct value v = { 0 }, again = { 0 };
		cleanup_free char *back = NULL, *one = NULL, *two = NULL;
		unsigned int rest = code;

		for (size_t i = 0; i < 7; i++, rest /= 5)
			text[i] = letters[rest % 5];
		expand_text(text, &v);
		back = expand_unsplit(&v);
		expand_text(back, &again);
		one = parts(&v);
		two = parts(&again);
		if (strcmp(one, two) != 0) {
			printf("'%s' -> '%s' -> '%s' -> '%s'\n", text, one, back, two);
			CU_FAIL("parts differ");
		}
		for (size_t j = 0; j < v.n; j++)
			free(v.v[j].text);
		for (size_t j = 0; j < again.n; j++)
			free(again.v[j].text);
		free(v.v);
		free(again.v);
	}
	CU_PASS("all texts");
}

static void test_env_order(void)
{
	const struct pod_plan *p = play("env: [{name: A, value: '$(B)'}, {name: B, value: "
					"'$(A)$(B)'}, {name: V, valueFrom: "
					"{fieldRef: {fieldPath: metadata.name}}}, {name: E}]\n"
					"command: ['$(B)$(V)']\nargs: []",
					"");
	const struct container_spec *c = &p->containers[0];
	cleanup_free char *a = parts(&c->env.v[0].value), *b = parts(&c->env.v[1].value);
	cleanup_free char *command = parts(&c->command.v[0]);

	CU_ASSERT_EQUAL_FATAL(c->env.n, 4);
	CU_ASSERT_STRING_EQUAL(a, "<B>");
	CU_ASSERT_STRING_EQUAL(b, "<A>|<B>");
	CU_ASSERT_STRING_EQUAL(command, "<B>|<V>");
	CU_ASSERT_TRUE(c->has_command);
	CU_ASSERT_FALSE(c->has_args);
	CU_ASSERT_EQUAL(c->env.v[2].value.v[0].kind, VALUE_FIELD);
	CU_ASSERT_STRING_EQUAL(c->env.v[2].value.v[0].text, "metadata.name");
	CU_ASSERT_EQUAL(c->env.v[3].value.n, 0);
}

static int forget(void)
{
	kube_result_done(&result);
	return 0;
}

/* ---- secrets ----------------------------------------------------------------------------------
 */

static void test_pull_secrets(void)
{
	static const char yaml[] =
		"apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n"
		"  containers: [{name: c, image: x}]\n"
		"  imagePullSecrets: [{name: b}, {}, {name: a}]\n"
		"---\napiVersion: v1\nkind: Secret\nmetadata: {name: a}\n"
		"type: kubernetes.io/dockerconfigjson\n"
		"data: {.dockerconfigjson: eyJhdXRocyI6IHt9fQ==}\n"
		"---\napiVersion: v1\nkind: Secret\nmetadata: {name: b}\n"
		"type: kubernetes.io/dockercfg\n"
		"data: {.dockercfg: e30=}\nstringData: {.dockercfg: '{\"r\": {}}'}\n";

	kube_result_done(&result);
	kubecase_load(yaml, true, true, &result);
	CU_ASSERT_EQUAL(result.diags.n, 0);
	CU_ASSERT_EQUAL_FATAL(result.n, 1);
	CU_ASSERT_EQUAL_FATAL(result.v[0].pod.pull_secrets.n, 2);
	CU_ASSERT_STRING_EQUAL(result.v[0].pod.pull_secrets.v[0], "b");
	CU_ASSERT_STRING_EQUAL(result.v[0].pod.pull_secrets.v[1], "a");
	CU_ASSERT_EQUAL_FATAL(result.n_secrets, 2);
	CU_ASSERT_STRING_EQUAL(result.secrets[0].name, "a");
	CU_ASSERT_STRING_EQUAL(result.secrets[0].auths, "{\"auths\": {}}");
	CU_ASSERT_STRING_EQUAL(result.secrets[1].auths, "{\"r\": {}}");
	/* The pod's own document refers to it and holds nothing of it. */
	CU_ASSERT_PTR_NULL(strstr(result.v[0].kube_yaml, "auths"));
}

/* What is wrong with a Secret is said without saying what is in it. */
static void test_secrets_stay_secret(void)
{
	static const char *const data[] = {
		"data: {.dockerconfigjson: '*hush*'}",
		"data: {.dockerconfigjson: [hush]}",
		"data: hush",
		"stringData: {.dockerconfigjson: 0.4711}",
		"stringData: {.dockerconfigjson: '{\"hush\": hush'}",
		"stringData: {.dockerconfigjson: hush}",
		"stringData: {.dockerconfigjson: '{}'}\nimmutable: hush",
	};

	for (size_t i = 0; i < ARRAY_SIZE(data); i++) {
		cleanup_free char *yaml =
			xasprintf("apiVersion: v1\nkind: Secret\nmetadata: {name: a}\n"
				  "type: kubernetes.io/dockerconfigjson\n%s\n",
				  data[i]);

		kube_result_done(&result);
		kubecase_load(yaml, false, true, &result);
		CU_ASSERT_TRUE(result.has_errors);
		CU_ASSERT(result.diags.n > 0 && result.diags.v[0].line > 0);
		CU_ASSERT_FALSE(kubecase_has(&result, KUBE_ERROR, "", "hush"));
		CU_ASSERT_FALSE(kubecase_has(&result, KUBE_ERROR, "", "4711"));
	}
}

static CU_TestInfo tests[] = {
	{ "a played pod", test_played_pod },
	{ "restart policies", test_restart_policies },
	{ "volumes and mounts", test_volumes },
	{ "ports", test_ports },
	{ "security", test_security },
	{ "resources", test_resources },
	{ "OOM scores", test_oom_scores },
	{ "OOM scores of sidecars", test_oom_of_sidecars },
	{ "OOM scores of what the pod asks for", test_oom_of_pods },
	{ "quality of service", test_qos },
	{ "what a pod requests", test_pod_requests },
	{ "devices", test_devices },
	{ "probes and hooks", test_probes },
	{ "restarts of one container", test_own_restart },
	{ "expansion", test_expand },
	{ "expansion of everything", test_expand_everything },
	{ "order of the environment", test_env_order },
	{ "Secrets of registries", test_pull_secrets },
	{ "nothing of a Secret in a message", test_secrets_stay_secret },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "translate", NULL, forget, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
