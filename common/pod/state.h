// The pods directory (rkt:G-008): a pod is the directory STATE/UUID below it and changes state by rename(2) alone.
//
//   embryo/U           being made, not yet locked
//   prepare/U          being prepared; without a lock: given up
//   prepared/U         may be run, once
//   run/U              running; without a lock: exited
//   exited-garbage/U   exited, waits for its removal
//   garbage/U          failed or expired, to be removed
//
// Whoever works on a pod holds an exclusive flock(2) on its directory: pod-exec does as long as the pod runs, which dies with it.
// SPDX-License-Identifier: Apache-2.0
#ifndef POD_STATE_H
#define POD_STATE_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"

#define STATE_UUID_MAX   sizeof "xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx"
#define STATE_PREFIX_MIN 4 // characters of a shortened UUID

enum state { STATE_EMBRYO, STATE_PREPARE, STATE_PREPARED, STATE_RUN, STATE_EXITED_GARBAGE, STATE_GARBAGE, STATE_COUNT };

const char *state_directory(enum state state); // its name below the pods directory

struct state_pod {
	char uuid[STATE_UUID_MAX];
	enum state state;
	int fd; // its directory, which holds the lock; owned
};

// Opens the pods directory by the rules of path_open_state; with create it is made, with all states. Returns
// a descriptor or -1.
int state_open(const char *directory, bool create, struct err *e);

// A new pod under a random UUID (RFC 4122 version 4) in `prepare`, locked, mode 0700. Returns 0 or -1.
int state_create(int pods, struct state_pod *pod, struct err *e);

// Moves a pod we hold. Returns 0 or -1.
int state_move(int pods, struct state_pod *pod, enum state to, struct err *e);

// The UUID that text names, whole or as a prefix of at least STATE_PREFIX_MIN characters, in whatever state
// (rkt:G-010). STATUS_USAGE when it is too short or fits several, which the message lists; STATUS_NOT_FOUND
// when there is none.
int state_find(int pods, const char *text, char uuid[static STATE_UUID_MAX], struct err *e);

// Locks a prepared pod and moves it to `run`; of several callers exactly one succeeds (rkt:R-016, rkt:R-017),
// for the others STATUS_REFUSED.
int state_take_prepared(int pods, const char *uuid, struct state_pod *pod, struct err *e);

bool state_is_uuid(const char *text);

// Small files of a pod's directory, written aside and renamed but not synced: a pod does not outlive a crash
// of the machine.
int state_write(const struct state_pod *pod, const char *name, const char *text, struct err *e);
int state_read(const struct state_pod *pod, const char *name, struct buf *out, struct err *e);

#endif
