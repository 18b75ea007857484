// The partitions of a disk that anyone may have written: a GPT (UEFI 2.10, chapter 5) of 512-byte or 4096-byte blocks, or an MBR with its
// chain of logical partitions.
// SPDX-License-Identifier: Apache-2.0
#ifndef DISK_PARTITION_H
#define DISK_PARTITION_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { PARTITION_MAX = 1024 }; // a limit of ours: a usual GPT has room for 128, Linux makes nodes for 256

struct partition {
	int number;            // as Linux counts them
	int64_t start, length; // bytes, from the start of the disk
};

struct partitions {
	struct partition *of; // by their place on the disk; none overlaps another
	size_t count;
};

// Reads the table of a disk that lies in a file from `at` on for `size` bytes. 1: there is one; 0: there is none; -1: it is damaged
// (STATUS_MALFORMED), has more entries than fit (STATUS_LIMIT) or cannot be read. Only the primary GPT counts.
int partition_read(int fd, int64_t at, int64_t size, struct partitions *p, struct err *e);

void partition_free(struct partitions *p);
#define partition_auto __attribute__((cleanup(partition_free))) struct partitions

#endif
