// Which blocks of an ext2, ext3 or ext4 filesystem are in use: its superblock, group descriptors and block bitmaps ("ext4 Data Structures
// and Algorithms" in the documentation of Linux, chapter 3), read from a disk that anyone may have written.
// SPDX-License-Identifier: Apache-2.0
#ifndef DISK_EXTFS_H
#define DISK_EXTFS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

enum { EXTFS_BLOCK_MAX = 64 << 10 }; // bytes; as long as a bitmap may be

struct extfs {
	int fd;
	int64_t at;             // of the filesystem in the file
	uint32_t block;         // bytes
	uint32_t ratio;         // blocks that one bit of a bitmap stands for: 1 but with bigalloc
	uint64_t blocks, first; // first: the block that group 0 starts with
	uint32_t groups, group_blocks, group_bits;
	uint32_t inode_blocks; // of the inode table of a group
	uint32_t descriptor;   // bytes
	uint32_t first_meta_group, reserved;
	uint32_t compat, incompat, ro_compat; // its features
	uint32_t backups[2];                  // with sparse_super2: the groups with a copy of the superblock
	uint32_t seed;                        // of checksums
	unsigned char uuid[16];
};

// Opens what lies in a file from `at` on, in at most `length` bytes. 1: a filesystem whose bitmaps can be relied on; 0: none of this
// kind; -1: one whose bitmaps cannot be relied on (STATUS_REFUSED: not cleanly unmounted, errors noted, an unknown feature, or
// something else claims the same place; STATUS_MALFORMED: damaged) or that cannot be read.
int extfs_open(struct extfs *x, int fd, int64_t at, int64_t length, struct err *e);

// The bitmap of a group: bit i, the lowest of a byte first, is set when the i-th cluster of `ratio` blocks is in use. Checked against the
// group's descriptor and, where the filesystem has them, checksums. Returns how many of the bits count, or -1.
int64_t extfs_bitmap(const struct extfs *x, uint32_t group, unsigned char bits[static EXTFS_BLOCK_MAX], struct err *e);

// The first block of a group, and where a block lies in the filesystem, in bytes.
uint64_t extfs_group_start(const struct extfs *x, uint32_t group);
int64_t extfs_offset(const struct extfs *x, uint64_t block);

#endif
