// A small file that says how far long work is, for whoever watches it from outside (brkt:G12):
// {"bytes_total":N,"bytes_written":N,"failure_code":null,"state":"encrypting"}.
// SPDX-License-Identifier: Apache-2.0
#ifndef DISK_TASKSTATUS_H
#define DISK_TASKSTATUS_H

#include <stdint.h>

#include "base/err.h"

struct taskstatus {
	const char *path;  // NULL: nothing is written
	const char *state; // initial, encrypting, finished or failed
	int64_t done, total;
	int64_t written_at; // date_monotonic of the last writing
};

// Writes the file now: a new one, renamed over the old.
int taskstatus_write(struct taskstatus *t, const char *state, const char *failure_code, struct err *e);

// Adds to what is done, and writes when the last writing was a second ago. A failure there is no reason to stop the work.
void taskstatus_add(struct taskstatus *t, int64_t bytes);

#endif
