/* SPDX-License-Identifier: Apache-2.0 */
/*
 * podium - the command: finds what was asked for, runs it, says what went wrong, and exits.
 *
 * Theory of operation:
 *	1. proc_sanitise(): descriptors 0 to 2, umask, signals, core limit.
 *	2. The global options before the command; --version and --help end here.
 *	3. One or two words name a row of the command table (commands.c).
 *	4. The rest is parsed by the command's option table into a zeroed struct.
 *	5. The store is opened as the command asks: read-only commands make nothing on disk.
 *	6. run(). A negative result is an error of ours: "Error: <text>" on stderr, exit code 125.
 *	7. What was printed must have arrived: a failed write to stdout is an error, too.
 *
 * Exit codes: 0; 125 for every refusal and failure of ours; 1 for "no" (exists) and, in rm and rmi,
 * "no such"; 126 and 127 from exec; otherwise the container's own.
 *
 * Mustn't: read the environment for anything but the places of the store (engine/state/layout.c).
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "cmd/podium/base/commands.h"
#include "cmd/podium/base/global.h"
#include "cmd/podium/base/help.h"
#include "cmd/podium/base/options.h"
#include "engine/base/mem.h"
#include "engine/base/proc.h"
#include "engine/base/trace.h"
#include "engine/pod/pod.h"

#define DESCRIPTORS_MIN	    256
#define EXIT_OURS	    125
#define STDOUT_BUFFER_BYTES 65536 /* a long listing in few writes */

static int fail(struct error *err, int r)
{
	if (!err->code)
		(void)error_set(err, r < 0 ? -r : EIO, "%s", strerror(r < 0 ? -r : EIO));
	command_print_error(err);
	return EXIT_OURS;
}

/* Usage errors name the place where help is. */
static int fail_usage(struct error *err, const char *words)
{
	char text[sizeof(err->text)];

	(void)snprintf(text, sizeof(text), "%.400s\nSee 'podium%s%s --help'", err->text,
		       *words ? " " : "", words);
	(void)snprintf(err->text, sizeof(err->text), "%s", text);
	return fail(err, -EINVAL);
}

static int check_arg_count(const struct command *c, const char *words, int n, struct error *err)
{
	if (c->max_args == 0 && n > 0)
		return error_set(err, EINVAL, "`podium %s` takes no arguments", words);
	if (c->min_args == c->max_args && n != c->min_args)
		return error_set(err, EINVAL, "accepts %d arg(s), received %d", c->min_args, n);
	if (n < c->min_args)
		return error_set(err, EINVAL, "requires at least %d arg(s), only received %d",
				 c->min_args, n);
	if (c->max_args >= 0 && n > c->max_args)
		return error_set(err, EINVAL, "accepts at most %d arg(s), received %d", c->max_args,
				 n);
	return 0;
}

/* What makes or changes something needs them, and so does the monitor that it starts, whose poll(2) fails
 * for ever with fewer. Better nothing than half of it. */
static int want_descriptors(struct error *err)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) < 0 || l.rlim_cur >= DESCRIPTORS_MIN)
		return 0;
	l.rlim_cur = l.rlim_max < DESCRIPTORS_MIN ? l.rlim_max : DESCRIPTORS_MIN;
	if (l.rlim_cur == DESCRIPTORS_MIN && setrlimit(RLIMIT_NOFILE, &l) == 0)
		return 0;
	return error_set(err, EMFILE,
			 "the limit of open files is %llu, at least %d are needed (ulimit -n)",
			 (unsigned long long)l.rlim_cur, DESCRIPTORS_MIN);
}

/* Opens the store as the command asks and runs it. */
static int run_in_store(const struct command *c, const struct global_options *g, void *values,
			int argc, char **argv)
{
	struct command_context ctx = { .store = { .rootfd = -EBADF, .runfd = -EBADF },
				       .debug = is_trace_enabled(),
				       .stdout_is_tty = isatty(STDOUT_FILENO) };
	enum store_mode mode = c->store == COMMAND_WRITES ? STORE_WRITE : STORE_READ;
	struct error err = { 0 };
	int r = 0;

	if (mode == STORE_WRITE)
		r = want_descriptors(&err);
	if (r == 0 && c->store != COMMAND_NO_STORE)
		r = store_open(g->root, g->runroot, mode, &ctx.store, &err);
	if (r == 0 && mode == STORE_WRITE)
		pod_sweep(&ctx.store);
	if (r == 0)
		r = c->run(&ctx, values, argc, argv, &err);
	store_close(&ctx.store);
	return r < 0 ? fail(&err, r) : r;
}

static int run_command(const struct command_row *row, const struct global_options *g, int argc,
		       char **argv)
{
	const struct command *c = row->command;
	cleanup_free void *values = xcalloc(1, c->options_size ? c->options_size : 1);
	struct options_result found;
	struct error err = { 0 };
	int r;

	if (c->set_defaults)
		c->set_defaults(values);
	r = options_parse(c->options, values, c->stop_at_first_arg, argc, argv, &found, &err);

	if (r == 0 && found.help) {
		help_print_command(row);
	} else if (r < 0) {
		r = fail_usage(&err, row->words);
	} else if ((r = check_arg_count(c, row->words, found.n_args, &err)) < 0) {
		r = fail(&err, r);
	} else {
		argv[found.n_args] = NULL;
		r = run_in_store(c, g, values, found.n_args, argv);
	}
	if (c->free_options)
		c->free_options(values);
	options_done(c->options, values);
	return r;
}

/* Words that name no command: a group alone, its help, or a mistake. */
static int run_no_command(int argc, char **argv)
{
	const struct command_group *group = commands_find_group(argv[0]);
	const struct refused_command *refused = commands_find_refused(argc, argv);
	struct error err = { 0 };

	if (refused)
		(void)error_set(&err, EOPNOTSUPP, "`podium %s` is not supported: %s",
				refused->words, refused->why);
	else if (!group)
		(void)error_set(&err, EINVAL,
				"unrecognized command `podium %.200s`\n"
				"Try 'podium --help' for more information",
				argv[0]);
	else if (argc > 1 && (is_equal(argv[1], "--help") || is_equal(argv[1], "-h")))
		help_print_group(group);
	else if (argc > 1 && argv[1][0] == '-')
		(void)error_set(&err, EINVAL, "unknown flag: %.100s\nSee 'podium %s --help'",
				argv[1], group->word);
	else if (argc > 1)
		(void)error_set(&err, EINVAL,
				"unrecognized command `podium %s %.200s`\n"
				"Try 'podium %s --help' for more information",
				group->word, argv[1], group->word);
	else {
		help_print_group(group);
		(void)error_set(&err, EINVAL, "missing command 'podium %s COMMAND'", group->word);
	}
	return err.code ? fail(&err, -EINVAL) : 0;
}

static int run(int argc, char **argv)
{
	struct global_options g = { 0 };
	struct options_result found;
	struct error err = { 0 };
	const struct command_row *row;
	int words = 0;
	int r = options_parse(global_option_table, &g, true, argc, argv, &found, &err);

	if (r == 0 && g.log_level)
		r = global_check_log_level(g.log_level, &err);
	if (r < 0)
		return fail_usage(&err, "");
	if (is_global_level_above_warning(g.log_level))
		command_hide_warnings();
	trace_enable(is_equal(g.log_level, "debug") || is_equal(g.log_level, "trace"));
	if (g.version) {
		printf("podium version %s\n", PODIUM_VERSION);
		return 0;
	}
	if (found.help || found.n_args == 0) {
		help_print_program();
		if (found.help)
			return 0;
		(void)error_set(&err, EINVAL, "missing command 'podium COMMAND'");
		return fail(&err, -EINVAL);
	}
	row = commands_find(found.n_args, argv, &words);
	if (!row)
		return run_no_command(found.n_args, argv);
	return run_command(row, &g, found.n_args - words, argv + words);
}

/* Whoever reads may have gone away (EPIPE): that is no news to anybody. */
static int finish_output(int code)
{
	struct error err = { 0 };
	bool failed_before = ferror(stdout) != 0;

	if (fflush(stdout) == 0 && !failed_before)
		return code;
	if (errno == EPIPE)
		return EXIT_OURS;
	if (failed_before)
		(void)error_set(&err, EIO, "write to the standard output failed");
	else
		(void)error_errno(&err, "write to the standard output");
	return fail(&err, -EIO);
}

int main(int argc, char **argv)
{
	proc_sanitise();
	if (!isatty(STDOUT_FILENO))
		(void)setvbuf(stdout, NULL, _IOFBF, STDOUT_BUFFER_BYTES);
	return finish_output(run(argc > 0 ? argc - 1 : 0, argv + 1));
}
