// A directory tree as a tar archive, deterministically: the same tree gives the same bytes. What changed while it was read is an error,
// never silently padded.
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
#include "image/treewalk.h"

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
const struct treewalk_options *packtree_asked(void); // what they say

// The modification time of an entry that is not of a tree: --mtime, else SOURCE_DATE_EPOCH, else 0.
int64_t packtree_time(void);

// Writes the tree below this open directory, the directory itself first (as `.`, or as the prefix). Errors as treewalk.
int packtree_write(const struct packtree *p, int directory, const char *name, struct err *e);

// The same for one entry: a treewalk_visit whose context is the struct packtree.
int packtree_visit(void *packtree, const struct tar_entry *entry, int fd, const struct stat *st, struct err *e);

#endif
