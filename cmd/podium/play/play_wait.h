/* SPDX-License-Identifier: Apache-2.0 */
/* play_wait - waiting for pods that were played: until they are ready, or have ended. */
#ifndef PODIUM_CMD_PLAY_WAIT_H
#define PODIUM_CMD_PLAY_WAIT_H

#include "cmd/podium/play/play.h"

enum play_wait_mode {
	PLAY_WAIT_NONE,
	PLAY_WAIT_FOREGROUND, /* until they end or a signal comes; then everything is taken down */
	PLAY_WAIT_READY,
	PLAY_WAIT_COMPLETED
};
/* From --wait and --timeout. */
int play_wait_parse(const struct play_options *o, enum play_wait_mode *ret,
		    struct error *err) must_check;
/* -EINVAL: nothing of it could ever end. */
int play_wait_check(enum play_wait_mode mode, const struct kube_result *result,
		    struct error *err) must_check;

/* What is waited for. */
struct play_waited {
	struct strlist pods; /* ids; for COMPLETED without those that never end */
	struct strlist jobs; /* "NAMESPACE/NAME" */
	int signal_fd;	     /* a signalfd(2) of signals that end the wait, or -1 */
	int64_t begun_ms;    /* monotonic: from when on the timeout counts */
};
void play_waited_done(struct play_waited *w);
/* Blocks the signals that end a foreground play, and opens w->signal_fd. */
int play_waited_signals(struct play_waited *w, struct error *err) must_check;
/* The signal that has come, or 0. */
int play_waited_signal(const struct play_waited *w);
/* Returns 0: ready, or all ended well; the exit code of the first container that did not; 128 + a
 * signal. -ETIMEDOUT names those that are late; timeout_s < 0: none. */
int play_wait(const struct store *s, enum play_wait_mode mode, const struct play_waited *w,
	      int64_t timeout_s, struct error *err) must_check;

#endif
