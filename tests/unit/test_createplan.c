/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_createplan - words of run, create and pod create on one side, the engine's plan on the other.
 *
 * A case is a line as it is typed, a path in the JSON of the plan's record, and what stands there; or
 * the error. Every flag that is not refused has at least one.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/podium/base/conf.h"
#include "cmd/podium/base/options.h"
#include "cmd/podium/container/create_image.h"
#include "cmd/podium/container/create_options.h"
#include "cmd/podium/pod/pod_create.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/image/imageconf.h"
#include "engine/pod/spec.h"
#include "tests/support/cunit_main.h"

#define ARGS_MAX 40

struct words {
	char *copy;
	char *argv[ARGS_MAX + 1];
	int argc;
};

/* Split at blanks; 'single' quotes keep them. */
static void split(const char *line, struct words *w)
{
	char *p;

	*w = (struct words){ .copy = xstrdup(line) };
	for (p = w->copy + strspn(line, " "); *p && w->argc < ARGS_MAX;) {
		char end = *p == '\'' ? '\'' : ' ';

		p += end == '\'';
		w->argv[w->argc++] = p;
		p += strcspn(p, end == '\'' ? "'" : " ");
		if (*p)
			*p++ = '\0';
		p += strspn(p, " ");
	}
}

/* ---- run -------------------------------------------------------------------------------------- */

struct planned {
	struct create_options o;
	struct pod_plan plan;
	struct error err;
	int r;
	char *line; /* what strings of o point into */
};

static void plan_with(const char *line, const struct conf *conf, const struct pod_spec *pod,
		      struct planned *p)
{
	struct create_target target = { .pod = pod };
	struct options_result found;
	struct words w;

	split(line, &w);
	*p = (struct planned){ 0 };
	create_set_defaults(&p->o);
	p->r = options_parse(run_options, &p->o, true, w.argc, w.argv, &found, &p->err);
	if (p->r == 0 && p->o.pod && is_prefix(p->o.pod, "new:"))
		target.new_pod = p->o.pod + 4;
	if (p->r == 0)
		p->r = create_plan(&p->o, &target, conf, found.n_args, w.argv, &p->plan, &p->err);
	p->line = w.copy;
}

static void planned_done(struct planned *p)
{
	options_done(run_options, &p->o);
	pod_plan_done(&p->plan);
	free(p->line);
}

/* "a.b.0.c" in a tree, as text: strings as they are, all else as JSON; "" when it is not there. */
static char *value_at(const json_t *j, const char *path)
{
	cleanup_free char *copy = xstrdup(path);
	char *rest = copy, *word;

	while (j && (word = strsep(&rest, "/")))
		j = json_is_array(j) ? json_array_get(j, (size_t)(*word - '0'))
				     : json_object_get(j, word);
	if (!j)
		return xstrdup("");
	return json_is_string(j) ? xstrdup(json_string_value(j))
				 : jdump_text((json_t *)(uintptr_t)j, 0);
}

static void trim(char *s)
{
	size_t n = strlen(s);

	while (n && s[n - 1] == '\n')
		s[--n] = '\0';
}

static json_t *plan_json(const struct pod_plan *plan)
{
	json_t *j = json_object();

	(void)json_object_set_new(j, "pod", record_dump(&pod_spec_type, &plan->pod));
	if (plan->n_containers)
		(void)json_object_set_new(j, "c",
					  record_dump(&container_spec_type, plan->containers));
	return j;
}

struct plan_case {
	const char *line;
	const char *path;
	const char *want;
};

static void check_value(const char *line, const struct pod_plan *plan, const char *path,
			const char *want)
{
	cleanup_json json_t *j = plan_json(plan);
	cleanup_free char *got = value_at(j, path);

	trim(got);
	if (strcmp(got, want) != 0)
		fprintf(stderr, "'%s': %s is '%s' instead of '%s'\n", line, path, got, want);
	CU_ASSERT_STRING_EQUAL(got, want);
}

static void check_case(const struct plan_case *c, const struct conf *conf)
{
	cleanup_free char *line = xasprintf("%s image cmd", c->line);
	struct planned p;

	plan_with(line, conf, NULL, &p);
	if (p.r < 0)
		fprintf(stderr, "'%s': %s\n", line, p.err.text);
	CU_ASSERT_EQUAL(p.r, 0);
	if (p.r == 0)
		check_value(line, &p.plan, c->path, c->want);
	planned_done(&p);
}

#define LITERAL(s) "[{\"parts\": [{\"text\": \"" s "\"}]}]"

static const struct plan_case good[] = {
	/* identity, process */
	{ "--name n", "c/fullName", "n" },
	{ "--name n", "pod/name", "n" },
	{ "", "pod/solo", "true" },
	{ "", "c/image", "image" },
	{ "", "c/args/0/parts/0/text", "cmd" },
	{ "--entrypoint a", "c/command/0/parts/0/text", "a" },
	{ "--entrypoint '[\"a\",\"b c\"]'", "c/command/1/parts/0/text", "b c" },
	{ "--entrypoint=", "c/hasCommand", "true" },
	{ "-it", "c/tty", "true" },
	{ "-it", "c/stdin", "true" },
	{ "-w /x", "c/workingDir", "/x" },
	{ "--init", "c/init", "true" },
	{ "--tz Europe/Berlin", "c/timezone", "Europe/Berlin" },
	{ "--passwd=false", "c/noPasswd", "true" },
	{ "--passwd-entry a:b", "c/passwdEntry", "a:b" },
	{ "--group-entry g", "c/groupEntry", "g" },
	{ "--oom-score-adj -5", "c/oomScoreAdj", "-5" },
	{ "--ulimit nofile=10:20", "c/ulimits/0/hard", "20" },
	/* life */
	{ "--rm", "c/autoRemove", "true" },
	{ "--restart always", "c/restart", "" },
	{ "--restart no", "c/restart", "Never" },
	{ "--restart on-failure:3", "c/restartRetries/value", "3" },
	{ "--restart unless-stopped", "pod/unlessStopped", "true" },
	{ "--restart unless-stopped", "c/unlessStopped", "true" },
	{ "--stop-signal USR1", "c/stopSignal", "USR1" },
	{ "--stop-timeout 7", "c/stopTimeoutSeconds/value", "7" },
	{ "--timeout 9", "c/runTimeoutSeconds/value", "9" },
	{ "--pidfile /p", "c/pidFile", "/p" },
	{ "--log-driver json-file", "c/log/driver", "json-file" },
	{ "--log-opt max-size=1m", "c/log/maxBytes", "1048576" },
	{ "--log-opt max-file=3", "c/log/maxFiles", "3" },
	{ "--log-opt path=/l", "c/log/path", "/l" },
	{ "--cgroupns host", "c/hostCgroupns", "true" },
	/* variables, labels */
	{ "-e A=b=c", "c/env/0/value/parts/0/text", "b=c" },
	{ "-e A=1 -e A=2", "c/env/0/value/parts/0/text", "2" },
	{ "-e A=1 -e A=2", "c/env/1", "" },
	{ "-e TEST_OF_PLAN", "c/env/0/value/parts/0/text", "from the caller" },
	{ "-e NOT_THERE_AT_ALL", "c/env", "" },
	{ "", "c/env", "" },
	{ "--http-proxy=false", "c/env", "" },
	{ "--http-proxy", "c/env/0/name", "http_proxy" },
	{ "--unsetenv A", "c/unsetEnv", "[\"A\"]" },
	{ "--unsetenv-all", "c/unsetEnvAll", "true" },
	{ "-l a=b -l c", "c/labels/a", "b" },
	{ "-l a=b,c", "c/labels/a", "b,c" },
	{ "--annotation a=b,c=d", "c/annotations/c", "d" },
	/* resources */
	{ "-m 512m", "c/resources/memoryLimitBytes/value", "536870912" },
	{ "-m 1g --memory-swap 2g", "c/resources/memorySwapBytes/value", "2147483648" },
	{ "-m 1g", "c/resources/memorySwapBytes/value", "2147483648" },
	{ "-m 1g", "c/resources/memorySwapAssumed", "true" },
	{ "-m 1g --memory-swap 2g", "c/resources/memorySwapAssumed", "" },
	{ "-m 1g --memory-swap -1", "c/resources/memorySwapBytes/value", "-1" },
	{ "--memory-reservation 1.5g", "c/resources/memoryRequestBytes/value", "1610612736" },
	{ "--memory-swappiness 60", "c/resources/memorySwappiness/value", "60" },
	{ "--memory-swappiness -1", "c/resources/memorySwappiness", "" },
	{ "--cpus 1.5", "c/resources/cpuLimitMilli/value", "1500" },
	{ "--cpus .5", "c/resources/cpuLimitMilli/value", "500" },
	{ "-c 512", "c/resources/cpuShares/value", "512" },
	{ "--cpu-period 50000 --cpu-quota 25000", "c/resources/cpuQuotaUs/value", "25000" },
	{ "--cpu-period 50000", "c/resources/cpuPeriodUs/value", "50000" },
	{ "--cpuset-cpus 0-1,3", "c/resources/cpusetCpus", "0-1,3" },
	{ "--cpuset-mems 0", "c/resources/cpusetMems", "0" },
	{ "--pids-limit 100", "c/resources/pidsLimit/value", "100" },
	{ "--pids-limit -1", "c/resources/pidsLimit/value", "-1" },
	{ "--blkio-weight 100", "c/resources/blkioWeight/value", "100" },
	{ "--blkio-weight-device /dev/a:200", "c/resources/blkioDevices",
	  "[\"weight:/dev/a:200\"]" },
	{ "--device-read-bps /dev/a:1mb", "c/resources/blkioDevices",
	  "[\"read-bps:/dev/a:1048576\"]" },
	{ "--device-write-bps /dev/a:1k", "c/resources/blkioDevices",
	  "[\"write-bps:/dev/a:1024\"]" },
	{ "--device-read-iops /dev/a:5", "c/resources/blkioDevices", "[\"read-iops:/dev/a:5\"]" },
	{ "--device-write-iops /dev/a:5", "c/resources/blkioDevices", "[\"write-iops:/dev/a:5\"]" },
	{ "--device /dev/null:/dev/x:rw", "c/resources/devices", "[\"/dev/null:/dev/x:rw\"]" },
	{ "--device v.com/c=n", "c/resources/devices", "[\"v.com/c=n\"]" },
	{ "--gpus 2", "c/resources/devices", "[\"nvidia.com/gpu=0\",\"nvidia.com/gpu=1\"]" },
	{ "--gpus all", "c/resources/devices", "[\"nvidia.com/gpu=all\"]" },
	{ "--gpus device=3", "c/resources/devices", "[\"nvidia.com/gpu=3\"]" },
	{ "--device-cgroup-rule 'c 1:3 rwm'", "c/resources/deviceCgroupRules", "[\"c 1:3 rwm\"]" },
	{ "--oom-kill-disable", "c/resources/oomKillDisable", "true" },
	/* network */
	{ "-p 8080:80", "pod/ports/0/hostPort", "8080" },
	{ "-p 8080:80,8081:81/udp", "pod/ports/1/protocol", "udp" },
	{ "--expose 90", "c/ports/0/containerPort", "90" },
	{ "--network host", "pod/network", "host" },
	{ "--net none", "pod/network", "none" },
	{ "--network n:ip=10.0.0.5", "pod/networks/0/ip4", "10.0.0.5" },
	{ "--network n --ip 10.0.0.5", "pod/networks/0/ip4", "10.0.0.5" },
	{ "--network n --ip6 fd00::5", "pod/networks/0/ip6", "fd00::5" },
	{ "--network n --mac-address 92:d0:c6:0a:29:33", "pod/networks/0/mac",
	  "92:d0:c6:0a:29:33" },
	{ "--network n --network-alias a", "pod/networks/0/aliases", "[\"a\"]" },
	{ "--hostname h", "pod/hostname", "h" },
	{ "--add-host h:1.2.3.4", "pod/hostAliases/0/ip", "1.2.3.4" },
	{ "--add-host h:fd00::1", "pod/hostAliases/0/ip", "fd00::1" },
	{ "--add-host h:host-gateway", "pod/hostAliases/0/ip", "host-gateway" },
	{ "--dns 1.1.1.1,9.9.9.9", "pod/dns/servers", "[\"1.1.1.1\",\"9.9.9.9\"]" },
	{ "--dns-option ndots:5", "pod/dns/options/0/value", "5" },
	{ "--dns-search a.example", "pod/dns/searches", "[\"a.example\"]" },
	{ "--no-hosts", "pod/noHosts", "true" },
	/* namespaces */
	{ "--pid host", "pod/hostPid", "true" },
	{ "--pid container:x", "pod/pidFrom", "container:x" },
	{ "--ipc host", "pod/hostIpc", "true" },
	{ "--ipc shareable", "pod/hostIpc", "" },
	{ "--ipc ns:/p", "pod/ipcFrom", "ns:/p" },
	{ "--uts host", "pod/hostUts", "true" },
	{ "--userns auto", "pod/hostUsers/set", "true" },
	{ "--userns auto:size=1000", "pod/userns", "auto:size=1000" },
	{ "--userns host", "pod/userns", "" },
	{ "--uidmap 0:1000:10", "pod/gidMaps", "[\"0:1000:10\"]" },
	{ "--uidmap 0:1000 --gidmap 0:5:2", "pod/uidMaps", "[\"0:1000:1\"]" },
	{ "--uidmap 0:1000 --gidmap 0:5:2", "pod/gidMaps", "[\"0:5:2\"]" },
	{ "--shm-size 1m", "pod/shmSizeBytes/value", "1048576" },
	{ "--sysctl net.ipv4.ip_forward=1", "pod/security/sysctls/net.ipv4.ip_forward", "1" },
	{ "--conmon-pidfile /p", "c/monitorPidFile", "/p" },
	/* security */
	{ "--cap-add NET_ADMIN,cap_sys_time", "c/security/capAdd",
	  "[\"NET_ADMIN\",\"cap_sys_time\"]" },
	{ "--cap-drop ALL", "c/security/capDrop", "[\"ALL\"]" },
	{ "--privileged", "c/security/privileged/value", "true" },
	{ "--read-only", "c/security/readOnlyRoot/value", "true" },
	{ "--read-only", "c/readOnlyTmpfs", "true" },
	{ "--read-only --read-only-tmpfs=false", "c/readOnlyTmpfs", "" },
	{ "--security-opt seccomp=unconfined", "c/security/seccompUnconfined", "true" },
	{ "--security-opt seccomp=/dev/null", "c/security/seccompFile", "/dev/null" },
	{ "--security-opt apparmor=x", "c/security/apparmor", "x" },
	{ "--security-opt no-new-privileges", "c/security/allowPrivilegeEscalation/set", "true" },
	{ "--security-opt no-new-privileges:true", "c/security/allowPrivilegeEscalation/set",
	  "true" },
	{ "--security-opt mask=/a:/b", "c/security/mask", "[\"/a\",\"/b\"]" },
	{ "--security-opt unmask=all", "c/security/unmask", "[\"ALL\"]" },
	{ "--security-opt systempaths=unconfined", "c/security/unmask", "[\"ALL\"]" },
	{ "--security-opt proc-opts=hidepid=2", "c/security/procOptions", "hidepid=2" },
	{ "--security-opt label=disable", "c/security", "" },
	{ "-u 1000:1000", "c/security/user", "1000:1000" },
	{ "--group-add a,5", "c/security/groups", "[\"a\",\"5\"]" },
	{ "--umask 0077", "c/security/umask", "0077" },
	/* mounts */
	{ "-v v:/x:ro", "c/mounts/0/readOnly", "true" },
	{ "-v v:/x:ro", "pod/volumes/0/sourceName", "v" },
	{ "--tmpfs /t:size=1m", "c/mounts/0/target", "/t" },
	{ "--mount type=tmpfs,dst=/t", "c/mounts/0/target", "/t" },
	{ "--secret s,type=env", "c/secrets/0/env", "true" },
	/* health */
	{ "--health-cmd 'a b'", "c/health/test", "[\"/bin/sh\",\"-c\",\"a b\"]" },
	{ "--health-cmd '[\"CMD\",\"a\"]'", "c/health/test", "[\"a\"]" },
	{ "--health-cmd x", "c/health/intervalNs", "30000000000" },
	{ "--health-cmd x --health-interval 5s", "c/health/intervalNs", "5000000000" },
	{ "--health-cmd x --health-interval disable", "c/health/intervalNs", "" },
	{ "--health-cmd x --health-timeout 2s", "c/health/timeoutNs", "2000000000" },
	{ "--health-cmd x --health-start-period 1m", "c/health/startPeriodNs", "60000000000" },
	{ "--health-cmd x --health-retries 5", "c/health/retries", "5" },
	{ "--health-cmd x --health-on-failure kill", "c/health/onFailure", "kill" },
	/* words that say what is so anyhow */
	{ "--cgroups enabled --systemd false --sdnotify ignore --seccomp-policy default "
	  "--disable-content-trust --preserve-fds 0",
	  "c/image", "image" },
	/* a new pod */
	{ "--pod new:p -p 80:80", "pod/name", "p" },
	{ "--pod new:p -p 80:80", "pod/solo", "" },
	{ "--pod new:p -p 80:80", "pod/ports/0/hostPort", "80" },
};

static void test_good(void)
{
	struct conf none = { 0 };

	(void)setenv("TEST_OF_PLAN", "from the caller", 1);
	(void)setenv("http_proxy", "http://p.example", 1); /* ENV-3: not taken unasked */
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		check_case(&good[i], &none);
}

/* A line, and a part of what is said about it. */
static const char *const bad[][2] = {
	{ "--name a/b", "is no name" },
	{ "--name ..", "is no name" },
	{ "--name -a", "is no name" },
	{ "--name ''", "is no name" },
	{ "-e TEST_OF*", "by their whole names" },
	{ "--rootfs", "--rootfs is not supported: " },
	{ "--personality LINUX32", "--personality is not supported: " },
	{ "--cgroup-conf a=b", "--cgroup-conf is not supported: " },
	{ "--chrootdirs /x", "--chrootdirs is not supported: " },
	{ "--cpu-rt-period 5", "--cpu-rt-period is not supported: " },
	{ "--cpu-rt-runtime 5", "--cpu-rt-runtime is not supported: " },
	{ "--decryption-key x", "--decryption-key is not supported: " },
	{ "--hostuser x", "--hostuser is not supported: " },
	{ "--init-path x", "--init-path is not supported: " },
	{ "--sdnotify container", "--sdnotify container is not supported: " },
	{ "--systemd always", "--systemd always is not supported: " },
	{ "--cgroups disabled", "--cgroups disabled is not supported: " },
	{ "--cgroups split", "--cgroups split is not supported: " },
	{ "--seccomp-policy image", "--seccomp-policy image is not supported: " },
	{ "--disable-content-trust=false", "signatures" },
	{ "--preserve-fds 2", "--preserve-fds=2 is not supported, only" },
	{ "--nosuchflag", "unknown flag: --nosuchflag" },
	{ "--workdir x", "--workdir 'x' is not absolute" },
	{ "--restart sometimes", "--restart 'sometimes'" },
	{ "--restart on-failure:x", "--restart" },
	{ "--rm --restart always", "--rm and --restart always" },
	{ "--stop-signal NOPE", "--stop-signal 'NOPE' is no signal" },
	{ "--stop-timeout -1", "--stop-timeout" },
	{ "--timeout -1", "--timeout" },
	{ "--log-driver syslog", "--log-driver 'syslog'" },
	{ "--log-opt foo=bar", "--log-opt 'foo=bar'" },
	{ "--log-opt max-size=x", "--log-opt" },
	{ "--log-driver none --log-opt path=/x", "path=" },
	{ "-t --log-driver passthrough", "exclude each other" },
	{ "-a stdout --log-driver passthrough", "cannot specify --attach" },
	{ "--log-opt tag=x", "journald" },
	{ "--cgroupns private:x", "--cgroupns" },
	{ "-e =x", "no variable" },
	{ "-e 'A B=c'", "no variable" },
	{ "--env-file /nosuchfile", "--env-file: open '/nosuchfile'" },
	{ "--label-file /nosuchfile", "--label-file" },
	{ "-l =x", "no label" },
	{ "--annotation a", "--annotation 'a'" },
	{ "--unsetenv A=b", "--unsetenv" },
	{ "--env-merge A", "--env-merge" },
	{ "-m 1x", "--memory '1x' is not a size" },
	{ "-m 1m", "--memory '1m'" },
	{ "--memory-swap 1g", "needs --memory" },
	{ "-m 1g --memory-swap 512m", "less than --memory" },
	{ "-m 1g --memory-reservation 2g", "more than --memory" },
	{ "--memory-swappiness 101", "--memory-swappiness 101" },
	{ "--cpus x", "--cpus 'x'" },
	{ "--cpus -1", "--cpus '-1'" },
	{ "--cpus 0.0001", "--cpus" },
	{ "--cpus 1 --cpu-quota 5000", "exclude each other" },
	{ "--cpu-period 5", "--cpu-period 5" },
	{ "--cpu-quota 5", "--cpu-quota" },
	{ "-c 999999", "--cpu-shares 999999" },
	{ "--cpuset-cpus 3-1", "--cpuset-cpus" },
	{ "--cpuset-cpus 1,", "--cpuset-cpus" },
	{ "--cpuset-cpus a", "--cpuset-cpus" },
	{ "--pids-limit -2", "--pids-limit -2" },
	{ "--blkio-weight 5", "--blkio-weight '5'" },
	{ "--blkio-weight-device /dev/a:5", "--blkio-weight-device" },
	{ "--device-read-bps sda:1m", "--device-read-bps" },
	{ "--device-read-iops /dev/a:0", "--device-read-iops" },
	{ "--device null", "--device 'null'" },
	{ "--device /dev/null:/dev/x:q", "--device" },
	{ "--device-cgroup-rule 'x 1:3 rwm'", "--device-cgroup-rule" },
	{ "--gpus none", "--gpus" },
	{ "--ulimit nofile", "--ulimit" },
	{ "--ulimit nofile=5:1", "--ulimit" },
	{ "--oom-score-adj 1001", "--oom-score-adj 1001" },
	{ "--tz ../x", "--tz" },
	{ "-p 0:80", "--publish '0:80'" },
	{ "-p 80:80 -p 80:81", "80/tcp is published twice" },
	{ "-p 80:80 --network host", "--publish needs a bridge" },
	{ "--expose 70000", "--expose" },
	{ "--hostname a/b", "--hostname 'a/b'" },
	{ "--add-host h", "--add-host 'h'" },
	{ "--add-host h:x", "'x' is no address" },
	{ "--add-host 'a b:1.2.3.4'", "--add-host" },
	{ "--add-host h:1.2.3.4 --no-hosts", "exclude each other" },
	{ "--dns x", "--dns 'x'" },
	{ "--dns none", "--dns 'none'" },
	{ "--dns-search 'a b'", "--dns-search" },
	{ "--dns-search .,a", "stands alone" },
	{ "--dns-option 'a b'", "--dns-option" },
	{ "--network container:x --hostname h", "--hostname cannot be had" },
	{ "--pid foo", "--pid 'foo'" },
	{ "--ipc none", "--ipc none" },
	{ "--ipc container:", "--ipc" },
	{ "--uts ns:x", "--uts" },
	{ "--uts host --hostname h", "exclude each other" },
	{ "--userns keep-id", "--userns keep-id" },
	{ "--userns private", "--uidmap" },
	{ "--userns auto:size=0", "no size" },
	{ "--userns container:x", "--userns" },
	{ "--userns auto --uidmap 0:1:1", "exclude each other" },
	{ "--uidmap 0", "--uidmap '0'" },
	{ "--uidmap 0:1:0", "--uidmap" },
	{ "--uidmap 0:1:2:3", "--uidmap" },
	{ "--uidmap a:b:c", "--uidmap" },
	{ "--subuidname nosuchnameatall", "--subuidname" },
	{ "--shm-size x", "--shm-size 'x'" },
	{ "--shm-size 1m --ipc host", "--shm-size" },
	{ "--sysctl kernel.panic=1", "--sysctl" },
	{ "--sysctl net.ipv4.ip_forward", "--sysctl" },
	{ "--sysctl net.ipv4.ip_forward=1 --network host", "--sysctl" },
	{ "--cgroup-parent /x", "--cgroup-parent is not supported: " },
	{ "--pidfile /nosuchdir/p", "--pidfile" },
	{ "--conmon-pidfile /nosuchdir/p", "--conmon-pidfile" },
	{ "--cap-add NOPE", "--cap-add" },
	{ "--cap-add KILL --cap-drop KILL", "both added and dropped" },
	{ "--security-opt nope=1", "--security-opt 'nope=1' is not known" },
	{ "--security-opt seccomp=", "--security-opt" },
	{ "--security-opt seccomp=/nosuchfile", "/nosuchfile" },
	{ "--security-opt label=type:x", "label=type:x is not supported" },
	{ "--security-opt mask=a", "no absolute path" },
	{ "--security-opt no-new-privileges=maybe", "no-new-privileges" },
	{ "-u -5", "--user" },
	{ "--group-add keep-groups", "keep-groups" },
	{ "--umask 999", "--umask '999'" },
	{ "--umask 07777", "--umask" },
	{ "-v /nosuchdir:/x", "/nosuchdir" },
	{ "--image-volume x", "--image-volume" },
	{ "--health-cmd x --health-interval 5", "--health-interval '5'" },
	{ "--health-cmd x --health-timeout 0s", "--health-timeout" },
	{ "--health-cmd x --health-retries 0", "--health-retries" },
	{ "--health-cmd x --health-on-failure x", "--health-on-failure 'x'" },
	{ "--health-cmd x --no-healthcheck", "exclude each other" },
	{ "--passwd=false --passwd-entry x", "exclude each other" },
	{ "--init-ctr once", "--pod" },
	{ "--init-ctr never", "--init-ctr 'never'" },
	{ "--pod new:a/b", "is no name" },
};

static void test_bad(void)
{
	struct conf none = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		cleanup_free char *line = xasprintf("%s image cmd", bad[i][0]);
		struct planned p;

		plan_with(line, &none, NULL, &p);
		if (p.r == 0 || !strstr(p.err.text, bad[i][1]))
			fprintf(stderr, "'%s': %d '%s'\n", line, p.r, p.err.text);
		CU_ASSERT(p.r < 0);
		CU_ASSERT_PTR_NOT_NULL(strstr(p.err.text, bad[i][1]));
		planned_done(&p);
	}
}

/* ---- a member --------------------------------------------------------------------------------- */

static void test_member(void)
{
	static const char *const refused[] = {
		"-p 80:80",
		"-P",
		"--network n",
		"--ip 10.0.0.1",
		"--ip6 fd00::1",
		"--mac-address 92:d0:c6:0a:29:33",
		"--network-alias a",
		"--hostname h",
		"--add-host h:1.1.1.1",
		"--dns 1.1.1.1",
		"--dns-search a",
		"--dns-option a",
		"--no-hosts",
		"--pid host",
		"--ipc host",
		"--uts host",
		"--userns auto",
		"--uidmap 0:1:1",
		"--gidmap 0:1:1",
		"--shm-size 1m",
		"--sysctl net.ipv4.ip_forward=1",
	};
	char name[] = "web";
	struct pod_spec pod = { .name = name, .restart = RESTART_ALWAYS, .unless_stopped = true };
	struct conf none = { 0 };
	struct planned p;

	strlist_add(&pod.member_options, "no-new-privileges");
	strlist_add(&pod.resources.devices, "/dev/null");
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		cleanup_free char *line = xasprintf("%s image", refused[i]);

		plan_with(line, &none, &pod, &p);
		CU_ASSERT(p.r < 0);
		CU_ASSERT_PTR_NOT_NULL(strstr(p.err.text, "pod create"));
		planned_done(&p);
	}
	plan_with("-m 64m image", &none, &pod, &p);
	CU_ASSERT_EQUAL(p.r, 0);
	check_value("member", &p.plan, "c/restart", "");
	check_value("member", &p.plan, "c/unlessStopped", "true");
	check_value("member", &p.plan, "c/resources/devices", "[\"/dev/null\"]");
	check_value("member", &p.plan, "c/security/allowPrivilegeEscalation/set", "true");
	check_value("member", &p.plan, "pod/solo", "");
	planned_done(&p);
	plan_with("--restart no image", &none, &pod, &p);
	CU_ASSERT_EQUAL(p.r, 0);
	check_value("member", &p.plan, "c/unlessStopped", "");
	planned_done(&p);
	plan_with("--init-ctr once --pod web image", &none, &pod, &p);
	CU_ASSERT_EQUAL(p.r, 0);
	check_value("init", &p.plan, "c/kind", "init");
	check_value("init", &p.plan, "c/initOnce", "true");
	planned_done(&p);
	strlist_done(&pod.member_options);
	strlist_done(&pod.resources.devices);
}

/* ---- containers.conf -------------------------------------------------------------------------- */

static void test_conf(void)
{
	static const char text[] =
		"[containers]\ndefault_ulimits=[\"nofile=10:20\"]\ndefault_capabilities=[\"KILL\"]"
		"\n"
		"env=[\"A=conf\",\"B=conf\"]\nvolumes=[\"cv:/cv\"]\ndns_servers=[\"192.0.2.9\"]\n"
		"dns_searches=[\"s.example\"]\ndns_options=[\"rotate\"]\nlog_driver=\"json-file\"\n"
		"log_size_max=4096\npids_limit=33\ninit=true\nipcns=\"host\"\nnetns=\"none\"\n"
		"pidns=\"host\"\nutsns=\"host\"\ncgroupns=\"host\"\numask=\"0027\"\ntz=\"UTC\"\n"
		"no_hosts=true\ndefault_sysctls=[\"net.ipv4.ip_forward=1\"]\n"
		"devices=[\"/dev/zero\"]\nannotations=[\"k=v\"]\n[engine]\nstop_timeout=4\n";
	static const struct plan_case cases[] = {
		{ "", "c/ulimits/0/soft", "10" },
		{ "--ulimit nofile=1:2", "c/ulimits/0/soft", "1" },
		{ "", "c/security/capDrop", "[\"ALL\"]" },
		{ "--cap-add CHOWN", "c/security/capAdd", "[\"KILL\",\"CHOWN\"]" },
		{ "--cap-drop ALL", "c/security/capAdd", "" },
		{ "--privileged", "c/security/capDrop", "" },
		{ "-e A=flag", "c/env/0/value/parts/0/text", "flag" },
		{ "-e A=flag", "c/env/1/value/parts/0/text", "conf" },
		{ "", "c/mounts/0/target", "/cv" },
		{ "", "pod/dns/servers", "[\"192.0.2.9\"]" },
		{ "--dns 1.1.1.1", "pod/dns/servers", "[\"1.1.1.1\"]" },
		{ "", "pod/dns/searches", "[\"s.example\"]" },
		{ "", "pod/dns/options/0/name", "rotate" },
		{ "", "c/log/driver", "json-file" },
		{ "--log-driver k8s-file", "c/log/driver", "" },
		{ "", "c/log/maxBytes", "4096" },
		{ "", "c/resources/pidsLimit/value", "33" },
		{ "--pids-limit 44", "c/resources/pidsLimit/value", "44" },
		{ "", "c/init", "true" },
		{ "--init=false", "c/init", "" },
		{ "", "pod/hostIpc", "true" },
		{ "--ipc private", "pod/hostIpc", "" },
		{ "", "pod/network", "none" },
		{ "--network bridge", "pod/network", "" },
		{ "", "pod/hostPid", "true" },
		{ "", "pod/hostUts", "true" },
		{ "", "c/hostCgroupns", "true" },
		{ "", "c/security/umask", "0027" },
		{ "", "c/timezone", "UTC" },
		{ "", "pod/noHosts", "true" },
		{ "", "pod/security/sysctls/net.ipv4.ip_forward", "1" },
		{ "--network host", "pod/security", "" },
		{ "", "c/resources/devices", "[\"/dev/zero\"]" },
		{ "", "c/annotations/k", "v" },
		{ "", "c/stopTimeoutSeconds/value", "4" },
		{ "--stop-timeout 1", "c/stopTimeoutSeconds/value", "1" },
	};
	struct conf conf = { 0 };
	struct error err = { 0 };

	CU_ASSERT_EQUAL_FATAL(containers_conf_parse(&conf, text, strlen(text), "f", &err), 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		check_case(&cases[i], &conf);
	containers_conf_done(&conf);
}

/* ---- the image -------------------------------------------------------------------------------- */

static void merge(const char *line, const char *image, struct planned *p)
{
	cleanup_free char *text =
		xasprintf("{\"os\":\"linux\",\"architecture\":\"amd64\",\"config\":"
			  "%s,\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[]}}",
			  image);
	struct conf none = { 0 };
	struct image_conf c = { 0 };

	plan_with(line, &none, NULL, p);
	CU_ASSERT_EQUAL_FATAL(p->r, 0);
	p->r = image_conf_parse(text, strlen(text), &c, &p->err);
	if (p->r == 0) {
		record_copy(&image_config_type, &p->plan.containers[0].config, &c.run);
		p->r = create_image_merge(&p->o, &c, &p->plan, &p->err);
	}
	image_conf_done(&c);
}

#define HEALTHY                                                          \
	"{\"Cmd\":[\"x\"],\"Healthcheck\":{\"Test\":[\"CMD-SHELL\",\"t " \
	"1\"],\"Interval\":7000000000}}"
#define HASTY                                                                                      \
	"{\"Cmd\":[\"x\"],\"Healthcheck\":{\"Test\":[\"CMD\",\"t\"],\"Interval\":1,\"Timeout\":1}" \
	"}"
#define SERVER                                                                             \
	"{\"Cmd\":[\"x\"],\"ExposedPorts\":{\"80/tcp\":{},\"53/udp\":{}},\"Volumes\":{\"/" \
	"data\":{}},"                                                                      \
	"\"Env\":[\"PATH=/a\",\"X=1\"]}"

static void test_image(void)
{
	static const struct {
		const char *line, *image, *path, *want;
	} cases[] = {
		{ "i", HEALTHY, "c/health/test", "[\"/bin/sh\",\"-c\",\"t 1\"]" },
		{ "i", HEALTHY, "c/health/intervalNs", "7000000000" },
		{ "--health-interval 1s i", HEALTHY, "c/health/intervalNs", "1000000000" },
		{ "i", HASTY, "c/health/intervalNs", "1000000000" },
		{ "i", HASTY, "c/health/timeoutNs", "1000000000" },
		{ "--health-interval 10ms i", HASTY, "c/health/intervalNs", "10000000" },
		{ "--no-healthcheck i", HEALTHY, "c/health/test", "" },
		{ "--health-cmd none i", HEALTHY, "c/health/test", "" },
		{ "--health-cmd y i", HEALTHY, "c/health/test", "[\"/bin/sh\",\"-c\",\"y\"]" },
		{ "--health-on-failure stop i", HEALTHY, "c/health/onFailure", "stop" },
		{ "i", SERVER, "c/ports", "" },
		{ "-P i", SERVER, "c/ports/1/protocol", "udp" },
		{ "-P -p 8080:80 i", SERVER, "c/ports/0/containerPort", "53" },
		{ "i", SERVER, "c/mounts/0/target", "/data" },
		{ "-v v:/data i", SERVER, "c/mounts/1", "" },
		{ "--image-volume ignore i", SERVER, "c/mounts", "" },
		{ "--image-volume tmpfs i", SERVER, "pod/volumes/0/kind", "tmpfs" },
		{ "--env-merge PATH=/b:${PATH} i", SERVER, "c/env/0/value/parts/0/text", "/b:/a" },
		{ "--env-merge Y=$X-$NO i", SERVER, "c/env/0/value/parts/0/text", "1-" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct planned p;

		merge(cases[i].line, cases[i].image, &p);
		if (p.r < 0)
			fprintf(stderr, "'%s': %s\n", cases[i].line, p.err.text);
		CU_ASSERT_EQUAL(p.r, 0);
		check_value(cases[i].line, &p.plan, cases[i].path, cases[i].want);
		planned_done(&p);
	}
}

/* CFG-2, CFG-5: what an image may not say. */
static void test_bad_image(void)
{
	static const char *const cases[][3] = {
		{ "i", "{\"Cmd\":[\"x\"],\"Env\":[\"SECRET\"]}", "Env" },
		{ "i", "{\"Cmd\":[\"x\"],\"Env\":[\"SECRET*\"]}", "Env" },
		{ "i", "{\"Cmd\":[\"x\"],\"Env\":[\"=x\"]}", "Env" },
		{ "i", "{}", "no command or entrypoint" },
		{ "--entrypoint= i", "{\"Cmd\":[\"x\"]}", "no command or entrypoint" },
		{ "i", "{\"Cmd\":[\"x\"],\"StopSignal\":\"SIGNOPE\"}", "SIGNOPE" },
		{ "-P i", "{\"Cmd\":[\"x\"],\"ExposedPorts\":{\"99999/tcp\":{}}}", "99999" },
		{ "--health-on-failure kill i", "{\"Cmd\":[\"x\"]}", "--health-on-failure needs" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct planned p;

		merge(cases[i][0], cases[i][1], &p);
		if (p.r == 0 || !strstr(p.err.text, cases[i][2]))
			fprintf(stderr, "'%s' '%s': %d %s\n", cases[i][0], cases[i][1], p.r,
				p.err.text);
		CU_ASSERT(p.r < 0);
		CU_ASSERT_PTR_NOT_NULL(strstr(p.err.text, cases[i][2]));
		planned_done(&p);
	}
}

/* ---- pod create ------------------------------------------------------------------------------- */

static int plan_pod(const char *line, struct pod_plan *plan, struct error *err)
{
	struct pod_create_options o = { 0 };
	struct conf none = { 0 };
	struct options_result found;
	struct words w;
	int r;

	split(line, &w);
	*plan = (struct pod_plan){ 0 };
	r = options_parse(pod_create_table, &o, false, w.argc, w.argv, &found, err);
	if (r == 0)
		r = pod_create_plan(&o, &none, &plan->pod, err);
	options_done(pod_create_table, &o);
	free(w.copy);
	return r;
}

static const struct plan_case pod_cases[] = {
	{ "-n p", "pod/name", "p" },
	{ "", "pod/ownIpc", "" },
	{ "--share net", "pod/ownIpc", "true" },
	{ "--share net", "pod/ownUts", "true" },
	{ "--share +pid", "pod/sharePid", "true" },
	{ "--share +pid", "pod/ownIpc", "" },
	{ "--share net,pid", "pod/sharePid", "true" },
	{ "--exit-policy stop", "pod/exitWithMembers", "true" },
	{ "--exit-policy continue", "pod/exitWithMembers", "" },
	{ "", "pod/restart", "Never" },
	{ "--restart always", "pod/restart", "" },
	{ "--infra-name i", "pod/infraName", "i" },
	{ "--infra --share-parent", "pod/name", "" },
	{ "-p 8081:80 -p 8443:443", "pod/ports/1/hostPort", "8443" },
	{ "--cpus 2", "pod/resources/cpuLimitMilli/value", "2000" },
	{ "-m 1g", "pod/resources/memoryLimitBytes/value", "1073741824" },
	{ "-h h", "pod/hostname", "h" },
	{ "--no-hostname", "pod/noHostname", "true" },
	{ "-l a=b", "pod/labels/a", "b" },
	{ "--security-opt seccomp=unconfined", "pod/memberOptions", "[\"seccomp=unconfined\"]" },
	{ "-v /dev:/x:ro", "pod/memberVolumes", "[\"/dev:/x:ro\"]" },
	{ "-v v:/x", "pod/memberVolumes", "[\"v:/x\"]" },
	{ "--device /dev/null", "pod/resources/devices", "[\"/dev/null\"]" },
	{ "--pid host", "pod/hostPid", "true" },
	{ "--uts host", "pod/hostUts", "true" },
	{ "--userns auto", "pod/userns", "auto" },
	{ "--sysctl net.ipv4.ip_forward=1", "pod/security/sysctls/net.ipv4.ip_forward", "1" },
	{ "--shm-size 1m", "pod/shmSizeBytes/value", "1048576" },
	{ "--network n:ip=10.0.0.5", "pod/networks/0/ip4", "10.0.0.5" },
	{ "--dns 1.1.1.1", "pod/dns/servers", "[\"1.1.1.1\"]" },
};

static const char *const pod_wrong[][2] = {
	{ "--infra=false", "--infra=false is not supported" },
	{ "--share-parent=false", "--share-parent=false is not supported" },
	{ "--infra-command x", "--infra-command is not supported" },
	{ "--infra-image k8s.gcr.io/pause:3.5", "--infra-image" },
	{ "--infra-conmon-pidfile /x", "--infra-conmon-pidfile is not supported" },
	{ "--share ipc", "without net" },
	{ "--share none", "without net" },
	{ "--share net,cgroup", "--share 'cgroup'" },
	{ "--share +pid --pid host", "exclude each other" },
	{ "--exit-policy any", "--exit-policy 'any'" },
	{ "--restart on-failure:3", "number of tries" },
	{ "--name a/b", "is no name" },
	{ "--infra-name a/b", "is no name" },
	{ "-p 80:80 -p 80:81", "published twice" },
	{ "-v /data", "has a name" },
	{ "-v /nosuchdir:/x", "/nosuchdir" },
	{ "--security-opt nope=1", "is not known" },
};

static void test_pod(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(pod_cases); i++) {
		struct error err = { 0 };
		struct pod_plan plan;
		int r = plan_pod(pod_cases[i].line, &plan, &err);

		if (r < 0)
			fprintf(stderr, "'%s': %s\n", pod_cases[i].line, err.text);
		CU_ASSERT_EQUAL(r, 0);
		check_value(pod_cases[i].line, &plan, pod_cases[i].path, pod_cases[i].want);
		pod_plan_done(&plan);
	}
}

static void test_bad_pod(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(pod_wrong); i++) {
		struct error err = { 0 };
		struct pod_plan plan;
		int r = plan_pod(pod_wrong[i][0], &plan, &err);

		if (r == 0 || !strstr(err.text, pod_wrong[i][1]))
			fprintf(stderr, "'%s': %d %s\n", pod_wrong[i][0], r, err.text);
		CU_ASSERT(r < 0);
		CU_ASSERT_PTR_NOT_NULL(strstr(err.text, pod_wrong[i][1]));
		pod_plan_done(&plan);
	}
}

static void test_tables(void)
{
	CU_ASSERT_STRING_EQUAL(run_options[CREATE_ROWS_AT].name, "attach");
	CU_ASSERT_EQUAL(run_options[CREATE_ROWS_AT].kind, OPTION_REFUSED);
	for (size_t i = 1; pod_create_table[i].name; i++)
		CU_ASSERT_FALSE(is_equal(pod_create_table[i].name, pod_create_table[i - 1].name));
}

static CU_TestInfo tests[] = {
	{ "words become a plan", test_good },
	{ "words that are refused", test_bad },
	{ "a member of a pod", test_member },
	{ "containers.conf", test_conf },
	{ "what an image adds", test_image },
	{ "what an image may not say", test_bad_image },
	{ "pods", test_pod },
	{ "pods that are refused", test_bad_pod },
	{ "tables", test_tables },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "plans of run, create, pod create", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
