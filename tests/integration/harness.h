/* SPDX-License-Identifier: Apache-2.0 */
/*
 * harness - runs the built podium against a store of its own, and says on failure what was run.
 *
 * The program finds itself in fresh network, mount and IPC namespaces
 * (tests/support/run-integration) with PODIUM_BUILD (the built programs) and PODIUM_WORK (an empty
 * directory). harness_begin() is the init function of every suite; TEST_MAIN of
 * tests/support/cunit_main.h is the main().
 */
#ifndef PODIUM_TESTS_HARNESS_H
#define PODIUM_TESTS_HARNESS_H

#include <CUnit/Basic.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "engine/base/clock.h"
#include "engine/base/mem.h"
#include "engine/base/str.h"
#include "tests/support/cunit_main.h"

#define DEADLINE_MS 60000 /* for everything that must happen at some time; generous on purpose */

struct harness {
	const char *build; /* PODIUM_BUILD */
	const char *work;  /* PODIUM_WORK */
	char *root;
	char *runroot;
};
extern struct harness harness;

/* Suite init and cleanup: namespaces, lo up, subreaper, nftables' and cgroups' view. Idempotent.
 * At the end of a suite every pod is removed and every process that is left over is killed. */
int harness_begin(void);
int harness_end(void);
/* Makes the next podium() work on another pair of trees; NULL, NULL: the usual ones again. */
void harness_store(const char *root, const char *runroot);
/* The same with trees WORK/name/root and WORK/name/run, empty when the name is new. */
void harness_fresh(const char *name);

/* ---- running programs ------------------------------------------------------------------- */

struct result {
	int code; /* exit code, 128 + signal, -1: killed at the deadline */
	char *out;
	char *err;
	char *line; /* what was run */
};
void result_done(struct result *r);
#define cleanup_result cleanup(result_done)
/* For one that nobody looks at. */
/* Its exit code, whatever it said. */
#define CODE_OF(call)                                      \
	({                                                 \
		cleanup_result struct result of_ = (call); \
		of_.code;                                  \
	})
#define DISCARD(call)                              \
	do {                                       \
		struct result discarded_ = (call); \
		result_done(&discarded_);          \
	} while (0)

/* Runs podium with --root and --runroot of the harness. Words are split at blanks; 'single' quotes
 * keep blanks. Standard input is /dev/null. */
struct result podium(const char *fmt, ...) printf_like(1, 2);
struct result podium_stdin(const char *input, const char *fmt, ...) printf_like(2, 3);
/* Any program, by PATH. */
struct result run(const char *fmt, ...) printf_like(1, 2);

/* One that runs in the background. */
struct job {
	pid_t pid;
	int out_fd;
	int err_fd;
	char *line;
};
struct job job_podium(const char *fmt, ...) printf_like(1, 2);
struct job job_run(const char *fmt, ...) printf_like(1, 2);
/* Standard output so far; the caller's. */
char *job_output(const struct job *j);
/* Whether a process was started here and is not waited for yet. */
bool is_job(pid_t pid);
bool job_is_running(const struct job *j);
/* Waits for its end (kills it at the deadline, code -1) and closes it. */
struct result job_wait(struct job *j, int timeout_ms);

/* ---- checks ----------------------------------------------------------------------------- */

bool check_at(bool ok, int line, const char *file, const char *fmt, ...) printf_like(4, 5);
bool check_code_at(const struct result *r, int code, int line, const char *file);
bool check_text_at(const char *text, const char *part, bool wanted, int line, const char *file);

/* Each is an expression: whether it held. None ends the test. */
#define CHECK(cond, ...)	check_at((cond), __LINE__, __FILE__, __VA_ARGS__)
#define CHECK_CODE(r, code)	check_code_at(&(r), (code), __LINE__, __FILE__)
#define CHECK_HAS(text, part)	check_text_at((text), (part), true, __LINE__, __FILE__)
#define CHECK_LACKS(text, part) check_text_at((text), (part), false, __LINE__, __FILE__)
#define CHECK_EQUAL(a, b)                                                              \
	({                                                                             \
		const char *a_ = (a), *b_ = (b);                                       \
		check_at(is_equal(a_, b_), __LINE__, __FILE__, "'%s' instead of '%s'", \
			 a_ ? a_ : "(nothing)", b_ ? b_ : "(nothing)");                \
	})
/* Runs podium and expects a code; for commands whose output does not matter. */
#define MUST(code, ...)                                                   \
	({                                                                \
		cleanup_result struct result must_ = podium(__VA_ARGS__); \
		check_code_at(&must_, (code), __LINE__, __FILE__);        \
	})

#define WAIT_UNTIL(cond, timeout_ms)                              \
	({                                                        \
		int64_t end_ = clock_mono_ms() + (timeout_ms);    \
		bool ok_;                                         \
		while (!(ok_ = (cond)) && clock_mono_ms() < end_) \
			(void)usleep(20000);                      \
		ok_;                                              \
	})

/* ---- files ------------------------------------------------------------------------------ */

/* Below the work directory unless absolute; parents are made. */
void write_file(const char *path, const char *fmt, ...) printf_like(2, 3);
char *read_file(const char *path); /* NULL when it cannot be read; at most 16 MiB */
bool exists(const char *fmt, ...) printf_like(1, 2);
/* Everything below a directory, or the file. */
void remove_path(const char *path);
/* A file of testdata/, found from the build directory. The caller's. */
char *testdata(const char *path);
/* Replaces every `from` of a text. The caller's. */
char *replaced(const char *text, const char *from, const char *to);

/* ---- podium's words --------------------------------------------------------------------- */

/* The archive of "busybox", "nginx" or "payload", made unless that was done. The caller's path. */
char *image_archive(const char *name);
/* Loads that image unless that was done. */
bool load_image(const char *name);
/* Writes a manifest below the work directory as NAME.yaml and plays it with `options`. */
struct result play_text(const char *name, const char *options, const char *yaml);
/* Plays a pod NAME of one container 'c' (image payload unless the first line says otherwise). Lines
 * for the spec are indented by 2, for the container by 4; both may be "". */
struct result play_pod(const char *name, const char *options, const char *spec,
		       const char *container);
/* The manifest that play_pod() writes. The caller's. */
char *pod_yaml(const char *name, const char *spec, const char *container);
/* Stops at once and removes a pod that must be there. */
bool remove_pod(const char *name);
/* ps -a's field of a container ("Status", "Ports", "ID", ...); "" when there is none. The caller's.
 */
char *ps_field(const char *container, const char *field);
bool ps_begins(const char *container, const char *field, const char *prefix);
/* inspect --format of a container or pod, without the newline. The caller's. */
char *inspect(const char *name, const char *format);
bool is_inspected(const char *name, const char *format, const char *value);
pid_t container_pid(const char *container);
char *pod_id(const char *pod);
/* logs; stdout and stderr in one. The caller's. */
char *logs_of(const char *container);
bool logs_have(const char *container, const char *part);
/* Its first process has a handler for it: a signal before that is lost, or has its default. */
bool is_catching(const char *container, int sig);
/* Whether ps -a's Status begins so, now or in time. */
bool is_in_status(const char *container, const char *prefix);
#define CHECK_STATUS(container, prefix)                                                 \
	({                                                                              \
		bool is_so_ = is_in_status((container), (prefix));                      \
		cleanup_free char *is_ = ps_field((container), "Status");               \
		CHECK(is_so_, "'%s' of %s is not '%s...'", is_, (container), (prefix)); \
	})
/* Whether ps -a shows it. */
bool is_listed(const char *container);
/* Ends every pod and removes it; for the end of a test. */
void remove_pods(void);

/* ---- its processes ---------------------------------------------------------------------- */

/* 0: there is none. */
pid_t monitor_of(const char *container);
pid_t conductor_of(const char *pod);
int count_descriptors(pid_t pid);
/* SIGKILL; fails the test when there is nobody. */
void end_process(pid_t pid);
/* As after a boot: nothing runs, another boot id, with or without the runtime directory. */
void reboot(bool clean);

#endif
