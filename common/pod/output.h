// One output of an app on its way to ours: passed through byte for byte, or line by line behind a prefix, and kept in a file of the
// pod's directory (rkt:R-013, rkt:R-014).
// SPDX-License-Identifier: Apache-2.0
#ifndef POD_OUTPUT_H
#define POD_OUTPUT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"

#define OUTPUT_LINE_MAX ((size_t)64 * 1024) // a longer line is cut there and goes on with a prefix of its own

struct output {
	int from;         // the app's end of the story, a pipe; owned; -1 once it ended
	int to;           // ours
	int pod;          // the pod's directory, borrowed
	char *log;        // the file below it, made when the first byte comes
	int log_fd;       // owned, -1 while there is none
	int64_t log_left; // bytes the file may still take; -1 after the notice that it is full
	const char *app;  // the name in the prefix; NULL: no prefix
	pid_t pid;        // the number in the prefix
	struct buf line;  // what came of a line whose end did not
	int lost;         // errno of the first write to `to` that failed; the app then sees its output closed
	int log_lost;     // the same of the file
};

// Reads what there is, once, and passes it on. At the end of the pipe, what is left of the last line goes out, too.
void output_pump(struct output *o);
void output_free(struct output *o);

#endif
