// The first process of a pod: it starts every app, reaps what the apps leave behind, and tells pod-exec through a pipe what happened.
// A pod of one app has just this process beside the app; with several each has a keeper, which holds the app's mount namespace
// while its handlers run.
// SPDX-License-Identifier: Apache-2.0
#ifndef POD_INIT_H
#define POD_INIT_H

#include <signal.h>
#include <stdbool.h>

#include "base/err.h"
#include "pod/plan.h"

enum init_event {
	INIT_STARTED, // value: the pid of a process of the app, in the pod
	INIT_ENDED,   // value: the app's exit status, 128+n for a signal
	INIT_FAILED,  // text: why, value: the status that follows from it
};

// One write(2) of a pipe each: smaller than PIPE_BUF, so never torn.
struct init_report {
	enum init_event event;
	int app; // index in the plan; -1: the pod as a whole
	int value;
	char text[ERR_TEXT_MAX];
};

struct init {
	const struct plan *plan;
	int report;           // the pipe for reports
	int (*outputs)[2];    // per app: what becomes its descriptors 1 and 2
	int go;               // in a user namespace: read until one of the bytes below comes; else -1
	bool alone;           // set from that byte: user 0 is the only one there
	const sigset_t *mask; // the signal mask that apps start with
};

#define INIT_GO_WHOLE 'w' // the users are mapped, with subordinate ones
#define INIT_GO_ALONE 'a'

// To be called in the child that ns_fork made in its namespaces, with SIGTERM and SIGCHLD blocked, in the pod's directory. SIGTERM then means that every
// app shall get SIGTERM. Ends when all apps ended, which ends every other process of the pod.
_Noreturn void init_run(struct init *in);

#endif
