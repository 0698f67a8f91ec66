/* SPDX-License-Identifier: Apache-2.0 */
/*
 * w9 - Docker's and Podman's habits: a script that was written for either runs with podium under
 * that name; --format json and Go templates on every listing and inspect.
 *
 * Should: accept the flags that people use, in the ways in which they write them, and print what
 * scripts cut and compare. The script runs in bash with `docker` and `podman` as aliases, as
 * people would have them.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/json.h"
#include "tests/integration/harness.h"
#include "tests/integration/regserver.h"

#define PASSWORD "hush-4711" /* alice's */

static struct regserver plain, closed;
static bool has_registry;

static int begin(void)
{
	if (harness_begin() != 0 || !load_image("busybox") || !load_image("payload"))
		return 1;
	has_registry = regserver_is_possible();
	if (!has_registry)
		return 0;
	if (!regserver_start_two(&plain, &closed))
		return 1;
	{
		cleanup_free char *conf = regserver_conf_insecure(&plain);

		regserver_configure(conf);
	}
	regserver_authorise("{}");
	return !regserver_fill_made(&plain, "busybox", "library/busybox:1", REGSERVER_SCHEMA2);
}

static int end(void)
{
	int r = harness_end();

	if (has_registry) {
		regserver_stop(&plain);
		regserver_stop(&closed);
	}
	return r;
}

/* ---- the script ------------------------------------------------------------------------- */

/* Runs a script of bash in which docker, podman and $W (a directory) are known. A line that fails ends
 * it; bash says which. */
static void check_script(const char *name, const char *text)
{
	cleanup_free char *path = xasprintf("%s.sh", name);
	cleanup_result struct result r = { 0 };

	write_file(
		path,
		"shopt -s expand_aliases\nset -e -o pipefail\n"
		"alias docker='%s/podium --root %s --runroot %s'\nalias podman=docker\n"
		"W=%s\nOPEN=%s\nCLOSED=%s\ntrap 'echo \"line $LINENO: $BASH_COMMAND\" >&2' ERR\n"
		"is() { [ \"$1\" = \"$2\" ] || { echo \"'$1' instead of '$2'\" >&2; false; }; }\n"
		"%s\necho the end\n",
		harness.build, harness.root, harness.runroot, harness.work,
		plain.host ? plain.host : "", closed.host ? closed.host : "", text);
	r = run("bash %s/%s", harness.work, path);
	CHECK_EQUAL(r.out, "the end\n");
	CHECK_EQUAL(r.err, "");
	CHECK_CODE(r, 0);
}

static void test_images(void)
{
	if (!has_registry) {
		TEST_SKIP("no docker-registry or no skopeo here");
		return;
	}
	check_script(
		"images",
		"i=$(docker pull -q $OPEN/library/busybox:1)\n"
		"is ${#i} 64\n"
		"is \"$(docker images -q --no-trunc $OPEN/library/busybox:1)\" sha256:$i\n"
		"docker images --format '{{.Repository}}:{{.Tag}}' | grep -qx "
		"$OPEN/library/busybox:1\n"
		"docker image inspect $OPEN/library/busybox:1 >/dev/null 2>&1\n"
		"docker tag $OPEN/library/busybox:1 base\n"
		"mkdir $W/app; cd $W/app; echo hello > greeting\n"
		"printf 'FROM base\\nARG V=1\\nENV V=$V\\nCOPY greeting /greeting\\nRUN echo $V "
		">/v\\nCMD [\"cat\", \"/greeting\"]\\n' > Dockerfile\n"
		"docker build -t app:1 --build-arg V=2 -f Dockerfile . >/dev/null 2>&1\n"
		"b=$(docker build -q --pull=false --rm --label a=b -t app:2 .)\n"
		"is ${#b} 64\n"
		"is \"$(docker run --rm app:1)\" hello\n"
		"is \"$(docker run --rm --entrypoint '' app:1 cat /v)\" 2\n"
		"is \"$(docker image inspect -f '{{.Config.Env}}' app:1 | grep -o V=2)\" V=2\n"
		"docker tag app:1 $OPEN/team/app:1\n"
		"podman push -q --tls-verify=false $OPEN/team/app:1\n"
		"podman rmi $OPEN/team/app:1 >/dev/null\n"
		"podman pull --tls-verify=false -q docker://$OPEN/team/app:1 >/dev/null\n"
		"podman save -q -o $W/app.tar app:1\n"
		"podman rmi -f app:1 app:2 >/dev/null\n"
		"podman load -q -i $W/app.tar >/dev/null\n"
		"is \"$(podman history -q app:1 | wc -l)\" "
		"\"$(podman history --format '{{.ID}}' app:1 | wc -l)\"\n"
		"is \"$(podman rmi --ignore nosuch:image)\" ''\n"
		"podman rmi --ignore $OPEN/no/such k8s.gcr.io/pause:3.5\n"
		"! podman image exists nosuch\n"
		"podman image prune -f >/dev/null\n");
}

static void test_login(void)
{
	if (!has_registry) {
		TEST_SKIP("no docker-registry or no skopeo here");
		return;
	}
	regserver_trust(&closed);
	check_script("login",
		     "is \"$(echo " PASSWORD " | docker login -u alice --password-stdin $CLOSED)\" "
		     "'Login Succeeded!'\n"
		     "docker tag busybox $CLOSED/mine/busybox:1\n"
		     "docker push -q $CLOSED/mine/busybox:1\n"
		     "docker rmi $CLOSED/mine/busybox:1 >/dev/null\n"
		     "docker run -q --rm --pull=always $CLOSED/mine/busybox:1 true\n"
		     "docker logout $CLOSED >/dev/null\n"
		     "docker rmi $CLOSED/mine/busybox:1 >/dev/null\n"
		     "! docker run -q --rm $CLOSED/mine/busybox:1 true 2>/dev/null\n");
}

static void test_containers(void)
{
	check_script(
		"containers",
		"c=$(docker run -d --name web -p 127.0.0.1:18080:80 -e A=b -v data:/data -l app=x "
		"--restart unless-stopped --init busybox sh -c 'echo up; exec sleep 1000')\n"
		"is ${#c} 64\n"
		"is \"$(docker ps -q --no-trunc --filter name=web)\" $c\n"
		"is \"$(docker ps -aqf label=app=x)\" ${c:0:12}\n"
		"is \"$(docker ps --format '{{.Names}}' -f status=running)\" web\n"
		"is \"$(docker port web 80)\" 127.0.0.1:18080\n"
		"is \"$(docker inspect -f '{{.State.Running}}' web)\" true\n"
		"is \"$(docker inspect --format '{{json .Config.Labels}}' web | grep -o app)\" "
		"app\n"
		"is \"$(docker inspect --type container -f "
		"'{{index .Config.Labels \"app\"}}' $c)\" x\n"
		"is \"$(docker exec -i web sh -c 'echo $A')\" b\n"
		"is \"$(docker exec -u 1000:1000 -w /tmp -e X=1 web sh -c 'echo $(id -u) $PWD "
		"$X')\" '1000 /tmp 1'\n"
		"code=0; docker exec web sh -c 'exit 3' || code=$?; is $code 3\n"
		"is \"$(docker logs --tail 1 web)\" up\n"
		"is \"$(docker logs -t web | wc -w)\" 2\n"
		"echo data > $W/one; docker cp $W/one web:/data/one\n"
		"is \"$(docker exec web cat /data/one)\" data\n"
		"docker cp web:/data/one $W/two; is \"$(cat $W/two)\" data\n"
		"is \"$(docker cp web:/data/one - | tar -xO)\" data\n"
		"is \"$(docker stop -t 0 web)\" web\n"
		"is \"$(docker start web)\" web\n"
		"is \"$(docker restart -t 0 web)\" web\n"
		"is \"$(docker kill -s KILL web)\" web\n"
		"docker wait web >/dev/null\n"
		"is \"$(docker rm -f -v web)\" web\n"
		"is \"$(docker ps -aq)\" ''\n"
		"is \"$(echo hi | docker run --rm -i busybox cat)\" hi\n"
		"is \"$(docker run --rm --user 5 --workdir /tmp --memory 64m --cpus 1 "
		"--read-only --tmpfs /t --cap-drop ALL --security-opt no-new-privileges "
		"busybox sh -c 'echo $(id -u) $PWD')\" '5 /tmp'\n"
		"is \"$(docker run --rm -v $W:/w:ro busybox cat /w/one)\" data\n"
		"is \"$(docker run --rm --mount type=bind,source=$W,target=/w busybox cat "
		"/w/one)\" data\n"
		"id=$(docker create --name job busybox sh -c 'exit 7')\n"
		"code=0; docker start -a job || code=$?; is $code 7\n"
		"is \"$(docker wait job)\" 7\n"
		"docker rename job done; docker container exists done\n"
		"is \"$(docker inspect -f '{{.State.ExitCode}}' done)\" 7\n"
		"docker commit -q done kept >/dev/null; docker rmi kept >/dev/null\n"
		"is \"$(docker container prune -f)\" $id\n");
}

static void test_volumes_and_networks(void)
{
	check_script(
		"things",
		"is \"$(docker volume create --label a=b v1)\" v1\n"
		"is \"$(docker volume ls -q -f label=a=b)\" v1\n"
		"[ -d \"$(docker volume inspect -f '{{.Mountpoint}}' v1)\" ]\n"
		"is \"$(docker volume rm v1)\" v1\n"
		"docker volume prune -f >/dev/null\n"
		"is \"$(docker network create --subnet 10.89.77.0/24 n1)\" n1\n"
		"is \"$(docker network ls --format '{{.Name}}' -f name=n1)\" n1\n"
		"docker run --rm --network n1 busybox ifconfig eth0 | grep -q 10.89.77.\n"
		"docker run -d --name x --network n1 busybox sleep 1000 >/dev/null\n"
		"docker network create n2 >/dev/null\n"
		"docker network connect n2 x; docker network disconnect n1 x\n"
		"docker rm -f -t 0 x >/dev/null; docker network rm n2 >/dev/null\n"
		"is \"$(docker network rm n1)\" n1\n"
		"is \"$(printf s | docker secret create s1 - | wc -c)\" 26\n"
		"is \"$(docker run --rm --secret s1 busybox cat /run/secrets/s1)\" s\n"
		"docker secret rm s1 >/dev/null\n"
		"docker version >/dev/null; docker info >/dev/null; docker system df >/dev/null\n"
		"test -n \"$(docker version --format '{{.Server.Version}}')\"\n"
		"is \"$(podman info -f '{{.Host.OS}}')\" linux\n"
		"podman info -f '{{.Host.CPUs}} {{.Host.CgroupsVersion}}' | grep -q '^[0-9]* "
		"v[12]$'\n"
		"docker create --name y busybox true >/dev/null\n"
		"podman ps -a --format '{{.CreatedAt}}' | grep -q '^20.* +0000 UTC$'\n"
		"docker rm y >/dev/null\n"
		"docker system prune -f >/dev/null\n");
}

/* --latest, --all, --ignore, --cidfile, wherever Podman has them. */
#define STATES \
	"state() { docker ps -a --sort names --format '{{.Names}} {{.State}}' | tr '\\n' ' '; }\n"

static void test_latest(void)
{
	MUST(0, "rm -f -a -t 0");
	check_script(
		"latest", STATES
		"docker run -d --name a busybox sleep 1000 >/dev/null\n"
		"b=$(docker run -d --name b -p 127.0.0.1:18081:80 busybox sh -c 'echo up; exec "
		"sleep 1000')\n"
		"is \"$(docker inspect -l -f '{{.Name}}')\" b\n"
		"is \"$(docker container inspect -l -f '{{.Name}}')\" b\n"
		"is \"$(docker ps -lq)\" ${b:0:12}\n"
		"is \"$(docker exec -l echo hi)\" hi\n"
		"is \"$(docker logs -l)\" up\n"
		"is \"$(docker port -l)\" '80/tcp -> 127.0.0.1:18081'\n"
		"is \"$(docker port -a | cut -f1)\" ${b:0:12}\n"
		"is \"$(docker stats -l --no-stream --format '{{.Name}}')\" b\n"
		"docker top -l | grep -q 'sleep 1000'\n"
		"docker diff -l >/dev/null\n"
		"m=$(docker mount -l); [ -d $m/bin ]; docker unmount -l >/dev/null\n"
		"docker pause -l >/dev/null; is \"$(state)\" 'a running b paused '\n"
		"docker unpause -l >/dev/null; is \"$(state)\" 'a running b running '\n"
		"p=$(docker inspect -f '{{.State.Pid}}' b); docker restart -l -t 0 >/dev/null\n"
		"[ $p != $(docker inspect -f '{{.State.Pid}}' b) ]\n"
		"docker kill -l >/dev/null; is \"$(docker wait -l)\" 137\n"
		"is \"$(state)\" 'a running b exited '\n"
		"docker start -l >/dev/null; is \"$(state)\" 'a running b running '\n"
		"docker stop -l -t 0 >/dev/null; is \"$(state)\" 'a running b exited '\n"
		"docker container cleanup -l >/dev/null; docker rm -l >/dev/null\n"
		"is \"$(state)\" 'a running '\n");
}

static void test_all(void)
{
	MUST(0, "rm -f -a -t 0");
	check_script(
		"all", STATES
		"for n in a b; do docker run -d --name $n --cidfile $W/$n.cid busybox sleep 1000 "
		">/dev/null; done\n"
		"docker pause -a >/dev/null; is \"$(state)\" 'a paused b paused '\n"
		"docker unpause --cidfile $W/a.cid >/dev/null\n"
		"is \"$(state)\" 'a running b paused '\n"
		"docker unpause -a >/dev/null; is \"$(state)\" 'a running b running '\n"
		"docker pause --cidfile $W/b.cid >/dev/null; is \"$(state)\" 'a running b paused "
		"'\n"
		"docker unpause -f name=b >/dev/null; is \"$(state)\" 'a running b running '\n"
		"docker pause -f name=a >/dev/null; is \"$(state)\" 'a paused b running '\n"
		"docker unpause a >/dev/null\n"
		"docker restart -t 0 --cidfile $W/a.cid >/dev/null\n"
		"docker kill --cidfile $W/a.cid >/dev/null; docker wait a >/dev/null\n"
		"is \"$(state)\" 'a exited b running '\n"
		"docker restart -a -t 0 >/dev/null; is \"$(state)\" 'a running b running '\n"
		"docker kill -a >/dev/null; docker wait a b >/dev/null\n"
		"is \"$(state)\" 'a exited b exited '\n"
		"docker start -a a & sleep 0.1; docker start --all >/dev/null\n"
		"docker stop -a -t 0 >/dev/null; wait; is \"$(state)\" 'a exited b exited '\n"
		"is \"$(docker stop --ignore nosuch)\" ''\n"
		"is \"$(docker rm --ignore nosuch)\" ''\n"
		"is \"$(docker rm -f nosuch)\" ''\n"
		"docker rm --cidfile $W/a.cid >/dev/null; is \"$(state)\" 'b exited '\n"
		"docker rm -a >/dev/null; is \"$(state)\" ''\n");
}

static void test_pods(void)
{
	MUST(0, "rm -f -a -t 0");
	check_script(
		"pods",
		"state() { podman pod ps --format '{{.Name}} {{.Status}}' | sort | tr '\\n' ' '; "
		"}\n"
		"podman pod create --name p --pod-id-file $W/p.id >/dev/null\n"
		"podman pod create --name q --pod-id-file $W/q.id >/dev/null\n"
		"for n in p q; do podman create --pod $n --stop-timeout 0 --name c$n busybox sh -c "
		"\"echo $n; exec sleep 1000\" >/dev/null; done\n"
		"is \"$(podman pod inspect -l | grep '^     \"Name\"')\" '     \"Name\": \"q\",'\n"
		"is \"$(podman pod ps -q -l --no-trunc)\" $(cat $W/q.id)\n"
		"podman pod start -l >/dev/null; is \"$(state)\" 'p Created q Running '\n"
		"podman pod start --pod-id-file $W/p.id >/dev/null\n"
		"is \"$(state)\" 'p Running q Running '\n"
		"podman pod logs -l | grep -q q\n"
		"podman pod logs --tail 1 -t p | grep -q T\n"
		"podman pod top -l | grep -q 'sleep 1000'\n"
		"podman pod stats -a --no-stream --format '{{.Name}}' | grep -q cp\n"
		"podman pod stats -l --no-stream --format '{{.Name}}' | grep -q cq\n"
		"podman pod pause -l >/dev/null; is \"$(state)\" 'p Running q Paused '\n"
		"podman pod unpause -l >/dev/null; podman pod pause -a >/dev/null\n"
		"is \"$(state)\" 'p Paused q Paused '\n"
		"podman pod unpause -a >/dev/null; is \"$(state)\" 'p Running q Running '\n"
		"podman pod restart -l >/dev/null; podman pod restart -a >/dev/null\n"
		"podman pod stop -l -t 0 >/dev/null; is \"$(state)\" 'p Running q Exited '\n"
		"podman pod stop -t 0 --pod-id-file $W/p.id >/dev/null\n"
		"is \"$(state)\" 'p Exited q Exited '\n"
		"podman pod start -a >/dev/null; is \"$(state)\" 'p Running q Running '\n"
		"podman pod kill -l >/dev/null; podman pod kill -a >/dev/null\n"
		"podman pod stop --ignore nosuch; podman pod rm --ignore nosuch\n"
		"podman pod rm -f -l >/dev/null; podman pod exists p; ! podman pod exists q\n"
		"podman pod rm -f -t 0 --pod-id-file $W/p.id >/dev/null; is \"$(state)\" ''\n");
}

/* ---- --pull and the platform ------------------------------------------------------------ */

/* What `run` says about where an image comes from. */
static void test_run_pulls(void)
{
	static const char *const others[] = { "--arch s390x", "--platform linux/s390x",
					      "--arch s390x --variant v9" };
	cleanup_free char *auth = NULL;

	if (!has_registry) {
		TEST_SKIP("no docker-registry or no skopeo here");
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		cleanup_result struct result r =
			podium("run --rm %s %s/library/busybox:1 true", others[i], plain.host);

		CHECK_CODE(r, 0); /* as Podman: the image is not an index */
		CHECK_HAS(r.err, "the image is for linux/amd64, not for linux/s390x");
	}
	MUST(125, "run --rm --os windows %s/library/busybox:1 true", plain.host);
	MUST(125, "run --rm --pull=never --arch arm64 %s/library/busybox:1 true", plain.host);
	MUST(0, "run --rm --arch amd64 --os linux %s/library/busybox:1 true", plain.host);
	regserver_configure("");
	MUST(125, "run --rm --pull=always %s/library/busybox:1 true", plain.host);
	MUST(0, "run --tls-verify=false --rm --pull=always %s/library/busybox:1 true", plain.host);
	regserver_authorise("{}");
	MUST(0, "tag busybox %s/own/busybox:1", closed.host);
	MUST(0, "push -q --creds alice:" PASSWORD " %s/own/busybox:1", closed.host);
	MUST(125, "run --rm --pull=always %s/own/busybox:1 true", closed.host);
	auth = regserver_auth_text(&closed, PASSWORD);
	write_file("own-auth.json", "%s", auth);
	MUST(0, "run --authfile %s/own-auth.json --rm --pull=always %s/own/busybox:1 true",
	     harness.work, closed.host);
}

/* ---- formats ---------------------------------------------------------------------------- */

enum shape {
	LIST,	/* an array; {{json .}} is one object a line */
	OBJECT, /* one object, whatever is asked */
	ARRAY,	/* of inspect: an array; {{json .}} is one object a line */
	LINES,	/* an object a line for json, too */
};
struct formatted {
	const char *command;
	const char *field; /* of a template; NULL: there is none */
	int shape;	   /* of enum shape; | EACH: {{json .}} prints one at a time, a line each */
};
#define EACH 16

static const struct formatted formatted[] = {
	{ "ps -a", "Names", LIST },
	{ "container ls -a", "ID", LIST },
	{ "pod ps", "Name", LIST },
	{ "images", "Repository", LIST },
	{ "image ls", "Size", LIST },
	{ "history busybox", "CreatedBy", LIST },
	{ "volume ls", "Name", LIST },
	{ "network ls", "Name", LIST },
	{ "secret ls", "Name", LIST | EACH },
	{ "stats --no-stream", "Name", LIST },
	{ "pod stats --no-stream", "Name", LIST },
	{ "system df", "Type", LIST | EACH },
	{ "events --stream=false --since 1h", "Type", LINES },
	{ "inspect c1", "Name", ARRAY },
	{ "container inspect c1", "Name", ARRAY },
	{ "image inspect busybox", "Id", ARRAY },
	{ "volume inspect v1", "Name", ARRAY },
	{ "network inspect podium", "Name", ARRAY },
	{ "secret inspect s1", "ID", ARRAY | EACH },
	{ "pod inspect p1", "Name", OBJECT },
	{ "version", "Client.Version", OBJECT },
	{ "info", "Host.Arch", OBJECT },
	{ "system info", "Version.Version", OBJECT },
	{ "diff c1", NULL, OBJECT },
	{ "image diff busybox", NULL, OBJECT },
};

/* {{json .}} is what json is, as Podman has it, but for the few rows with EACH. */
static void check_lines(const struct result *r)
{
	cleanup_free char *copy = xstrdup(r->out);
	char *rest = copy, *line;
	size_t n = 0;

	while ((line = strsep(&rest, "\n"))) {
		cleanup_json json_t *j = *line ? json_loads(line, 0, NULL) : NULL;

		n += *line != '\0';
		CHECK(!*line || json_is_object(j), "'%s' printed %.100s", r->line, line);
	}
	CHECK(n, "'%s' printed nothing", r->line);
}

static void check_shape(int shape, const struct result *r)
{
	cleanup_json json_t *j = json_loads(r->out, 0, NULL);

	CHECK_CODE(*r, 0);
	CHECK_EQUAL(r->err, "");
	if (shape == LINES)
		check_lines(r);
	else if (shape == OBJECT)
		CHECK(json_is_object(j), "'%s' printed %.100s", r->line, r->out);
	else
		CHECK(json_array_size(j) && json_is_object(json_array_get(j, 0)),
		      "'%s' printed %.100s", r->line, r->out);
}

static void check_templates(const struct formatted *f)
{
	cleanup_result struct result field = podium("%s --format '{{.%s}}'", f->command, f->field);
	cleanup_result struct result wrong = podium("%s --format '{{.NoSuchField}}'", f->command);

	CHECK_CODE(field, 0);
	CHECK(field.out[0] && field.out[0] != '\n', "'%s' printed nothing", field.line);
	CHECK_LACKS(field.out, "<no value>");
	CHECK_CODE(wrong, 125);
	CHECK_HAS(wrong.err, "Error: ");
}

/* One line more than without: the headers, in capital letters. */
static void check_table(const struct formatted *f)
{
	cleanup_result struct result r =
		podium("%s --format 'table {{.%s}}'", f->command, f->field);
	size_t n = strcspn(r.out, "\n");

	CHECK_CODE(r, 0);
	CHECK(n && strspn(r.out, "ABCDEFGHIJKLMNOPQRSTUVWXYZ ") == n && r.out[n + 1],
	      "'%s' printed '%.60s'", r.line, r.out);
}

static void test_formats(void)
{
	remove_pods();
	MUST(0, "pod create --name p1");
	MUST(0, "run -d --pod p1 --name c1 busybox sleep 1000");
	MUST(0, "volume create v1");
	{
		cleanup_result struct result r = podium_stdin("x", "secret create s1 -");

		CHECK_CODE(r, 0);
	}
	for (size_t i = 0; i < ARRAY_SIZE(formatted); i++) {
		cleanup_result struct result word =
			podium("%s --format json", formatted[i].command);
		cleanup_result struct result template =
			podium("%s --format '{{json .}}'", formatted[i].command);

		check_shape(formatted[i].shape & ~EACH, &word);
		if (formatted[i].field)
			check_shape(formatted[i].shape & EACH ? LINES : formatted[i].shape,
				    &template);
		if (formatted[i].field)
			check_templates(&formatted[i]);
		if (formatted[i].field && (formatted[i].shape & ~EACH) == LIST)
			check_table(&formatted[i]);
	}
}

/* Each listing names the filter that it does not know. */
static void test_filters(void)
{
	static const char *const listings[] = {
		"ps",
		"pod ps",
		"images",
		"volume ls",
		"network ls",
		"secret ls",
		"events --stream=false",
		"container prune -f",
		"volume prune -f",
		"network prune -f",
		"image prune -f",
		"system prune -f",
	};

	for (size_t i = 0; i < ARRAY_SIZE(listings); i++) {
		cleanup_result struct result r = podium("%s --filter nosuchkey=x", listings[i]);

		CHECK_CODE(r, 125);
		CHECK_HAS(r.err, "nosuchkey");
		CHECK_EQUAL(r.out, "");
	}
}

/* ---- kube play's words ------------------------------------------------------------------ */

static void test_play_words(void)
{
	static const char yaml[] =
		"apiVersion: v1\nkind: Pod\nmetadata: {name: strict}\nspec:\n"
		"  containers:\n  - {name: c, image: busybox, imagePullPolicy: "
		"Never, command: [sleep, \"1000\"]}\n---\napiVersion: v1\n"
		"kind: Service\nmetadata: {name: s}\nspec: {ports: [{port: 80}]}\n";
	cleanup_result struct result r = play_text("strict", "--strict", yaml);

	CHECK_CODE(r, 125);
	CHECK_EQUAL(r.out, "");
	CHECK_HAS(r.err, "Service");
	MUST(1, "pod exists strict");
	result_done(&r);
	r = play_text("strict", "", yaml);
	CHECK_CODE(r, 0);
	CHECK_HAS(r.err, "Service");
	result_done(&r);
	r = play_text("strict", "--down --time 0", yaml);
	CHECK_CODE(r, 0);
	MUST(1, "pod exists strict");
}

/* ---- reset ------------------------------------------------------------------------------ */

static void check_empty(const char *listing)
{
	cleanup_result struct result r = podium("%s", listing);

	CHECK_CODE(r, 0);
	CHECK_EQUAL(r.out, "");
	CHECK(!*r.err || is_equal(r.err, "No resources found\n"), "'%s': %s", listing, r.err);
}

/* A store of its own; the one beside it keeps what it has. */
static void test_reset(void)
{
	static const char *const listings[] = { "ps -aq",	"pod ps -q",
						"images -aq",	"volume ls -q",
						"secret ls -q", "kube get all,cm -A -o name" };
	cleanup_free char *archive = image_archive("busybox");
	cleanup_result struct result r = { 0 };

	MUST(0, "volume create beside");
	harness_fresh("reset");
	MUST(0, "load -q -i %s", archive);
	MUST(0, "network create n9");
	MUST(0, "run -d --name c9 --network n9 -v v9:/v busybox sleep 1000");
	MUST(0, "create --name idle busybox true");
	DISCARD(podium_stdin("x", "secret create s9 -"));
	r = play_text("all", "",
		      "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m}\ndata: {a: b}\n---\n"
		      "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec:\n"
		      "  selector: {matchLabels: {app: d}}\n  template:\n"
		      "    metadata: {labels: {app: d}}\n    spec:\n      containers:\n"
		      "      - {name: c, image: busybox, imagePullPolicy: Never, command: [sleep, "
		      "\"1000\"]}\n");
	CHECK_CODE(r, 0);
	result_done(&r);
	r = podium_stdin("n\n", "system reset");
	CHECK_CODE(r, 0);
	CHECK_HAS(r.out, "WARNING! This will remove:\n        - all containers\n");
	MUST(0, "container exists c9");
	MUST(125, "system reset"); /* nobody answers */
	MUST(0, "container exists c9");
	result_done(&r);
	r = podium("system reset -f");
	CHECK_CODE(r, 0);
	CHECK_EQUAL(r.out, "");
	CHECK_EQUAL(r.err, "");
	for (size_t i = 0; i < ARRAY_SIZE(listings); i++)
		check_empty(listings[i]);
	MUST(1, "network exists n9");
	MUST(0, "load -q -i %s", archive);
	MUST(0, "run --rm busybox true");
	MUST(0, "system reset --force");
	harness_store(NULL, NULL);
	MUST(0, "volume exists beside");
}

/* ---- help, refusals --------------------------------------------------------------------- */

static void test_help(void)
{
	static const char *const groups[] = { "help",	    "--help",	      "help pod",
					      "pod --help", "help container", "help image",
					      "help system" };
	static const char *const commands[] = { "help run", "run --help", "help pod create",
						"pod create --help", "help kube play" };

	for (size_t i = 0; i < ARRAY_SIZE(groups); i++) {
		cleanup_result struct result r = podium("%s", groups[i]);

		CHECK_CODE(r, 0);
		CHECK_HAS(r.out, "\nAvailable Commands:\n");
		CHECK_HAS(r.out, "\nOptions:\n");
		CHECK_EQUAL(r.err, "");
	}
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		cleanup_result struct result r = podium("%s", commands[i]);

		CHECK_CODE(r, 0);
		CHECK_HAS(r.out, "\nUsage:\n");
		CHECK_HAS(r.out, "\nOptions:\n");
	}
}

static void test_refused(void)
{
	static const char *const cases[][2] = {
		{ "search nginx", "`podium search` is not supported: " },
		{ "search --limit 5 nginx", "`podium search` is not supported: " },
		{ "help search", "`podium search` is not supported: " },
		{ "system connection add a b", "`podium system connection` is not supported: " },
		{ "manifest create m", "`podium manifest create` is not supported: " },
		{ "build --memory 1g .", "--memory is not supported: " },
		{ "pull --disable-content-trust=false x", "--disable-content-trust=false" },
		{ "create -a stdout busybox", "--attach is not supported: " },
		{ "ps --sync=false", "--sync=false is not supported, only 'true': " },
		{ "nosuch", "unrecognized command `podium nosuch`" },
		{ "ps --nosuch", "unknown flag: --nosuch" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup_result struct result r = podium("%s", cases[i][0]);

		CHECK_CODE(r, 125);
		CHECK_HAS(r.err, cases[i][1]);
		CHECK_EQUAL(r.out, "");
	}
}

static CU_TestInfo tests[] = {
	{ "containers", test_containers },
	{ "volumes, networks, secrets", test_volumes_and_networks },
	{ "--latest", test_latest },
	{ "--all, --ignore, --cidfile", test_all },
	{ "the same of pods", test_pods },
	{ "images", test_images },
	{ "login", test_login },
	{ "run pulls", test_run_pulls },
	{ "formats", test_formats },
	{ "filters", test_filters },
	{ "words of kube play", test_play_words },
	{ "reset", test_reset },
	{ "help", test_help },
	{ "refused by name", test_refused },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "w9", begin, end, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
