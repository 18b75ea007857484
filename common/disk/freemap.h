// Which parts of a raw disk no filesystem uses: the free blocks of every ext4 on it, on the whole disk or in partitions.
// SPDX-License-Identifier: Apache-2.0
#ifndef DISK_FREEMAP_H
#define DISK_FREEMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/texts.h"

enum { FREEMAP_MAX = 1 << 20 }; // ranges, 16 MiB of memory: what is free behind the last one counts as used

struct freemap_range {
	int64_t start, end; // bytes, from the start of the disk
};

struct freemap {
	struct freemap_range *ranges; // by place, none touching another
	size_t count, room;
	int64_t bytes;
	struct texts notes; // for the user: what could not be relied on, and so counts as used
};

// Looks at a disk of `size` bytes that lies in a file from `at` on; whole sectors alone are free. Damage costs nothing but the saving:
// what is not known to be free is used. Fails only when the file cannot be read.
int freemap_scan(struct freemap *m, int fd, int64_t at, int64_t size, size_t sector, struct err *e);

// Where what is at `at` ends, free or used, at `end` at the latest. The ranges' starts and ends are multiples of the sector.
int64_t freemap_part(const struct freemap *m, int64_t at, int64_t end, bool *is_free);

void freemap_free(struct freemap *m);
#define freemap_auto __attribute__((cleanup(freemap_free))) struct freemap

#endif
