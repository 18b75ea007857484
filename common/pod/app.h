// Turning a process inside the app's root into the app: its user, its rights, its directory, its program.
// SPDX-License-Identifier: Apache-2.0
#ifndef POD_APP_H
#define POD_APP_H

#include <signal.h>
#include <stdbool.h>

#include "base/err.h"
#include "pod/plan.h"

struct app_identity {
	uid_t uid;
	gid_t gid;
	bool alone;               // the user namespace has no ids but 0, and groups cannot be set in it
	struct texts environment; // the app's, with what passwd says
};

// Who the app is to be, by the files of the root we are in. Fills `identity`; HOME, USER, LOGNAME and SHELL are added to the
// environment where neither image nor user set them (rkt:E-008).
int app_identify(const struct plan_app *app, bool alone, struct app_identity *identity, struct err *e);

// The paths to try for argv[0], in turn: as it is with a slash, else along PATH (rkt:I-013). Returns whether these are absolute.
bool app_programs(const struct texts *argv, const struct texts *environment, struct texts *paths);

// Becomes argv with the app's identity. Returns only on failure, always -1: STATUS_SYSTEM, STATUS_CANNOT_EXEC or STATUS_NO_COMMAND.
int app_become(const struct plan_app *app, const struct app_identity *identity, const struct texts *argv, const sigset_t *mask,
	struct err *e);

#endif
