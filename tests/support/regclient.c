/* SPDX-License-Identifier: Apache-2.0 */
/*
 * regclient - what the tests of the registry client share.
 */
#include "tests/support/regclient.h"

#include <string.h>
#include <sys/wait.h>

#include "engine/base/mem.h"

static const struct registry_limits quick = { .connect_ms = 1500,
					      .stall_s = 1,
					      .stall_bytes = 1000,
					      .total_ms = 30000,
					      .backoff_ms = 1,
					      .retry_after_ms = 20 };

void client_init_with(struct client *c, const struct fakeregistry *f, bool insecure,
		      const struct credentials *creds)
{
	static struct registry_limits limits;
	struct registry_options o = { .creds = creds,
				      .cert_dir = fakeregistry_cert_dir(),
				      .tls_verify = -1,
				      .limits = &limits };

	/* a twin hangs where the defence would not: it need not do so for long */
	limits = quick;
	if (getenv("PODIUM_WEAKEN"))
		limits.total_ms = 3000;

	*c = (struct client){ .err = { .code = 0 } };
	c->route =
		(struct registry_route){ (char *)fakeregistry_name(f), (char *)fakeregistry_name(f),
					 (char *)"a/b", insecure, false };
	c->routes = (struct route_list){ &c->route, 1 };
	if (registry_new(&o, &c->r, &c->err) < 0) {
		printf("%s\n", c->err.text);
		exit(2);
	}
}

void client_init(struct client *c, const struct fakeregistry *f, bool insecure)
{
	client_init_with(c, f, insecure, NULL);
}

void client_done(struct client *c)
{
	registry_free(c->r);
}

bool client_says(const struct client *c, const char *text)
{
	if (strstr(c->err.text, text))
		return true;
	printf("error: %s\n", c->err.text);
	return false;
}

struct fakeregistry *client_server(enum fake_kind kind)
{
	struct fakeregistry *f = fakeregistry_new(kind, NULL);
	char digest[72];

	if (!f)
		exit(2);
	fakeregistry_manifest(f, "a/b", "t", TYPE, "{}", digest);
	return f;
}

bool client_check(const char *name, bool (*holds)(void), const char *weaken)
{
	int status = 0;
	pid_t pid;

	(void)alarm(120);
	if (!holds()) {
		printf("%s: does not hold\n", name);
		return false;
	}
	if (!weaken)
		return true;
	(void)fflush(stdout);
	pid = fork();
	if (pid == 0) {
		(void)setenv("PODIUM_WEAKEN", weaken, 1);
		(void)alarm(60);
		_exit(holds() ? 0 : 1);
	}
	if (waitpid(pid, &status, 0) == pid && !(WIFEXITED(status) && WEXITSTATUS(status) == 0))
		return true;
	printf("%s: holds without %s\n", name, weaken);
	return false;
}
