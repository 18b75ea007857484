// A directory that appears under its name whole or not at all: filled as the hidden sibling `.NAME.HEX16`, renamed at the end.
// It is locked while it is filled, so that a later run can tell the leftover of a killed one and removes it.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGE_STAGE_H
#define IMAGE_STAGE_H

#include "base/err.h"

struct stage {
	int parent; // borrowed
	int fd;     // of the sibling; owned by this struct
	char *name, *aside;
};

// Makes the sibling, mode 0700. STATUS_REFUSED when name exists and is not an empty directory.
int stage_begin(struct stage *s, int parent, const char *name, struct err *e);

// Gives it its name. Whatever comes of it, s is forgotten; on failure nothing is left.
int stage_commit(struct stage *s, struct err *e);
void stage_discard(struct stage *s); // harmless on a zeroed one with fd -1

// Removes what `name` in `directory` is, with everything below it; a symlink itself, never what it leads to. It is no error when
// nothing is there. Directories are emptied by descriptor.
int stage_remove(int directory, const char *name, struct err *e);

#endif
