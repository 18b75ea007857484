// What the programs of the store family have in common: --store, and a sandbox around the open store.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGE_STORECMD_H
#define IMAGE_STORECMD_H

#include "base/cmd.h"
#include "image/store.h"

extern const struct cmd_option storecmd_options[]; // --store, as CMD_GROUP

enum storecmd_use {
	STORECMD_READ,
	STORECMD_IF_THERE, // as READ, but NULL without an error, and in the sandbox, where there is no store
	STORECMD_RESUME,   // as IF_THERE, and notes in partial/ what is to be resumed
	STORECMD_FOLLOW,   // read, and write only where index.json is behind
	STORECMD_WRITE,
	STORECMD_CREATE,
};

// Opens the store and enters the sandbox with it and with what `also` allows besides; also's lists are freed. NULL with an error.
struct store *storecmd_open(enum storecmd_use use, struct sandbox *also, struct err *e);

#endif
