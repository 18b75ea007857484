// A directory tree as tar entries, deterministically: names in byte order, numeric owners, hard links found. The tree may change
// or be hostile meanwhile: it is walked by descriptors, no symlink is followed, no special file is opened, and what changed while
// it was read is an error, never silently padded.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGE_PACKTREE_H
#define IMAGE_PACKTREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cmd.h"
#include "base/err.h"
#include "base/progress.h"
#include "image/tarwrite.h"

// --owner --mtime --one-file-system, for the table of every program that packs.
extern const struct cmd_option packtree_options[];

struct packtree {
	struct tarwrite *out;
	const char *prefix;                               // put before every name; "" for none
	void *(*room)(void *out_context, size_t *length); // where data may be read to; as archive_room
	struct progress *progress;
};

// Checks the options; a wrong one ends the process with STATUS_USAGE. For main, behind cmd_start.
void packtree_check_options(void);

// The modification time of an entry that is not of a tree: --mtime, else SOURCE_DATE_EPOCH, else 0.
int64_t packtree_time(void);

// Writes the tree below this open directory, the directory itself first (as `.`, or as the prefix). `name` is the directory's in
// messages. STATUS_TEMPORARY for what changed meanwhile, STATUS_LIMIT for a path no reader would take, STATUS_SYSTEM.
int packtree_write(const struct packtree *p, int directory, const char *name, struct err *e);

#endif
