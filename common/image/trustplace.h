// Where in the trust directories a key goes or comes from, as the user says it: --prefix or --root, and --trust; for the programs
// that change them.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGE_TRUSTPLACE_H
#define IMAGE_TRUSTPLACE_H

#include "base/cmd.h"

extern const struct cmd_option trustplace_options[]; // for the option table

struct trustplace {
	const char *prefix;       // an AC Identifier or the name of a registry or repository; NULL with --root
	struct texts directories; // all trust directories; there is at least one
	const char *directory;    // the last of them, the one that is changed
};

// What was said. Ends the process with STATUS_USAGE unless exactly one of --prefix and --root was given (rkt: ).
void trustplace_read(struct trustplace *place);

#endif
