/* SPDX-License-Identifier: Apache-2.0 */
/*
 * auth_helper - speaks with docker-credential-NAME.
 *
 * Theory of operation: the protocol is Docker's. The helper is started with one argument (get, store
 * or erase); its standard input is the name of the server, or for store an object of JSON; its
 * standard output is an object of JSON, or, when it exits with other than 0, a sentence. The input is
 * a memfd, so that a helper that does not read cannot block us; the output is read with a limit of
 * bytes and a deadline, past which the helper is killed. Nothing of a secret stands in an argument.
 *
 * A helper that is missing, fails or answers nonsense is an error: to go on without it could send
 * other credentials than those that were meant.
 */
#include "engine/image/auth_helper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/fs.h"
#include "engine/base/json.h"
#include "engine/base/proc.h"
#include "engine/image/auth_file.h"

#define ANSWER_BYTES_MAX (64 * 1024)
#define ANSWER_MS_MAX	 120000
#define NAME_BYTES_MAX	 100

/* What an exit code other than 0 leaves on its output when there is nothing to find. */
static const char not_found[] = "credentials not found in native keychain";

struct answer {
	char text[ANSWER_BYTES_MAX + 1];
	size_t len;
	int code; /* exit code */
};

static void answer_free(struct answer **a)
{
	if (*a)
		explicit_bzero(*a, sizeof(**a));
	free(*a);
}
#define cleanup_answer cleanup(answer_free)

/* ---- finding ------------------------------------------------------------------------------ */

static bool is_program(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

static int find_program(const char *name, char **ret, struct error *err)
{
	const char *p = getenv("PATH");

	if (is_empty(name) || strlen(name) > NAME_BYTES_MAX || strpbrk(name, "/ \t\n"))
		return error_set(err, EINVAL, "'%.100s' cannot be the name of a credential helper",
				 name ? name : "");
	while (p && *p) {
		size_t len = strcspn(p, ":");
		cleanup_free char *path = xasprintf("%.*s/docker-credential-%s", (int)len, p, name);

		if (*path == '/' && is_program(path)) {
			*ret = steal_ptr(&path);
			return 0;
		}
		p += len + (p[len] == ':');
	}
	return error_set(err, ENOENT,
			 "credential helper 'docker-credential-%s' is not found in PATH", name);
}

/* ---- running ------------------------------------------------------------------------------ */

static int make_input(const char *input, struct error *err)
{
	cleanup_close int fd = memfd_create("credential-helper", MFD_CLOEXEC);
	int r = fd < 0 ? -errno : fs_write_all(fd, input, strlen(input));

	if (r == 0 && lseek(fd, 0, SEEK_SET) < 0)
		r = -errno;
	if (r < 0)
		return error_set(err, -r, "input of a credential helper: %s", strerror(-r));
	return steal_fd(&fd);
}

/* Reads until the end; -E2BIG, -ETIMEDOUT. */
static int read_answer(int fd, struct answer *a)
{
	int64_t deadline = clock_mono_ms() + ANSWER_MS_MAX;

	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		int64_t left = deadline - clock_mono_ms();
		ssize_t n;

		if (left <= 0)
			return -ETIMEDOUT;
		n = poll(&p, 1, (int)left);
		if (n == 0 || (n < 0 && errno == EINTR))
			continue;
		n = read(fd, a->text + a->len, sizeof(a->text) - a->len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : 0;
		a->len += (size_t)n;
		if (a->len == sizeof(a->text))
			return -E2BIG;
	}
}

static int start(const char *path, const char *verb, int in, int out, struct error *err)
{
	cleanup_free char *program = xstrdup(path), *word = xstrdup(verb);
	char *argv[] = { program, word, NULL };

	return proc_spawn(&(struct proc_spawn){ .path = path,
						.argv = argv,
						.envp = environ,
						.stdio = { in, out, -1 },
						.pass_fd = -1 },
			  NULL, err);
}

static int run(const char *name, const char *verb, const char *input, struct answer *ret,
	       struct error *err)
{
	cleanup_free char *path = NULL;
	cleanup_close int in = -EBADF, out = -EBADF;
	int fds[2], status = 0, pid, r = find_program(name, &path, err);

	if (r < 0)
		return r;
	in = make_input(input, err);
	if (in < 0)
		return in;
	if (pipe2(fds, O_CLOEXEC) < 0)
		return error_errno(err, "make a pipe");
	out = fds[0];
	pid = start(path, verb, in, fds[1], err);
	(void)close(fds[1]);
	if (pid < 0)
		return pid;
	r = read_answer(out, ret);
	if (r < 0)
		(void)kill(pid, SIGKILL); /* our child, not reaped yet: the pid is its */
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (r < 0)
		return error_set(err, -r, "credential helper '%s' %s", path,
				 r == -E2BIG ? "answers too much" : "does not answer");
	ret->text[ret->len] = '\0';
	ret->code = WIFEXITED(status) ? WEXITSTATUS(status) : 128;
	return 0;
}

/* The sentence of a helper that exited with other than 0. */
static int failure(const char *name, const char *verb, const struct answer *a, struct error *err)
{
	size_t len = strcspn(a->text, "\n");
	cleanup_free char *shown = str_printable(a->text, len < 200 ? len : 200);

	return error_set(err, EACCES, "credential helper 'docker-credential-%s' %s: %s", name, verb,
			 *shown ? shown : "failed");
}

static bool is_not_found(const struct answer *a)
{
	return is_prefix(a->text, not_found);
}

/* ---- the three verbs ---------------------------------------------------------------------- */

static int take_answer(const char *name, const struct answer *a, struct credentials *ret,
		       struct error *err)
{
	cleanup_json_secret json_t *j = NULL;
	struct error ignored; /* quotes the answer perhaps: not to be shown */
	const char *user, *secret;

	if (jload_text(a->text, a->len, name, &j, &ignored) < 0 || !jget_str(j, "Username") ||
	    !jget_str(j, "Secret"))
		return error_set(err, EBADMSG,
				 "credential helper 'docker-credential-%s' does not answer with a "
				 "user name and a secret",
				 name);
	user = jget_str(j, "Username");
	secret = jget_str(j, "Secret");
	if (!*secret)
		return 0;
	if (is_equal(user, "<token>"))
		ret->identity_token = xstrdup(secret);
	else
		ret->password = xstrdup(secret);
	ret->user = xstrdup(is_equal(user, "<token>") ? "" : user);
	return 1;
}

int auth_helper_get(const char *name, const char *server, struct credentials *ret,
		    struct error *err)
{
	cleanup_answer struct answer *a = xcalloc(1, sizeof(*a));
	int r = run(name, "get", server, a, err);

	if (r < 0)
		return r;
	if (a->code)
		return is_not_found(a) ? 0 : failure(name, "get", a, err);
	return take_answer(name, a, ret, err);
}

int auth_helper_store(const char *name, const char *server, const struct credentials *c,
		      struct error *err)
{
	cleanup_answer struct answer *a = xcalloc(1, sizeof(*a));
	cleanup_json_secret json_t *j =
		json_pack("{s:s, s:s, s:s}", "ServerURL", server, "Username",
			  c->identity_token ? "<token>" : c->user, "Secret",
			  c->identity_token ? c->identity_token : c->password);
	char *text;
	int r;

	if (!j)
		return error_set(err, EINVAL, "user name and password must be UTF-8");
	text = jdump_text(j, 0);
	r = run(name, "store", text, a, err);
	explicit_bzero(text, strlen(text));
	free(text);
	if (r < 0)
		return r;
	return a->code ? failure(name, "store", a, err) : 0;
}

int auth_helper_erase(const char *name, const char *server, struct error *err)
{
	cleanup_answer struct answer *a = xcalloc(1, sizeof(*a));
	int r = run(name, "erase", server, a, err);

	if (r < 0)
		return r;
	if (a->code)
		return is_not_found(a) ? 0 : failure(name, "erase", a, err);
	return 1;
}
