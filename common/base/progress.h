// Progress of a transfer on stderr: `LABEL: [=====     ] 3.25 MB/3.7 MB` redrawn on a terminal, else one line per 30 s and, where
// that was asked for, one at its end.
// SPDX-License-Identifier: Apache-2.0
#ifndef BASE_PROGRESS_H
#define BASE_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cmd.h"

// --progress, --progress-fd and --label, for the option table of a program that can take more than two seconds.
extern const struct cmd_option progress_options[];

#define PROGRESS_BLOB_LABEL 20 // `sha256:`, twelve digits

struct progress {
	const char *label; // owned by the caller; --label replaces it
	int64_t total;     // bytes, or -1 when unknown
	int64_t done;
	bool percent;                   // progress_start_percent
	char blob[PROGRESS_BLOB_LABEL]; // progress_start_blob: the beginning of its digest
	bool told;                      // set it after progress_start: off a terminal, too, a line tells the end
	int64_t started, shown, lined;  // date_monotonic: the start, the last bar or record, the last line
};

void progress_start(struct progress *p, const char *label, int64_t total);
// As progress_start for work whose size is known: off a terminal a line is `LABEL: 40% complete`, one a minute and, where
// --progress=plain asked for lines, one at the start and the end.
void progress_start_percent(struct progress *p, const char *label, int64_t total);
// One blob or file of many. With --progress=blobs nothing else is shown, and of each blob, redrawn: `sha256:0123456789ab 40% 400/1000`, in
// bytes, on stderr or where --progress-fd says. Else as progress_start, but not at all where label is NULL.
void progress_start_blob(struct progress *p, const char *label, const char *digest, int64_t total);
bool progress_shows_blobs(void);                      // who must compute a digest for that alone may ask first
void progress_add(struct progress *p, int64_t bytes); // cheap; draws at most ten times a second
void progress_end(struct progress *p);                // draws the last state and ends the line
void progress_abort(struct progress *p);              // ends the line of a bar, if there is one: the transfer failed

// A line of its own among those of progress, as it stands, hostile bytes escaped: `Downloading signature from URL`.
void progress_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
