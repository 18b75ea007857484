// extfs.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <isa-l/crc.h>

#include "base/io.h"
#include "base/mem.h"
#include "disk/extfs.h"
#include "disk/little.h"

enum { SUPERBLOCK = 1024, SUPERBLOCK_AT = 1024, GROUP_BLOCKS_MIN = 256 };

enum { // of s_state
	STATE_CLEAN = 1,
	STATE_ERRORS = 2,
};

enum { // of s_feature_compat, s_feature_incompat and s_feature_ro_compat
	COMPAT_SPARSE_SUPER2 = 0x200,
	INCOMPAT_RECOVER = 0x4,
	INCOMPAT_JOURNAL_DEVICE = 0x8,
	INCOMPAT_META_BG = 0x10,
	INCOMPAT_64BIT = 0x80,
	INCOMPAT_CSUM_SEED = 0x2000,
	INCOMPAT_KNOWN = 0x3f7d2, // not: compression (1), and what came after casefold
	RO_COMPAT_SPARSE_SUPER = 0x1,
	RO_COMPAT_GDT_CSUM = 0x10,
	RO_COMPAT_BIGALLOC = 0x200,
	RO_COMPAT_METADATA_CSUM = 0x400,
	RO_COMPAT_KNOWN = 0x1b77b, // not: snapshots (0x80), replicas (0x800), shared blocks (0x4000)
};

enum { GROUP_BLOCKS_UNINIT = 2 }; // of bg_flags: the bitmap was never written

static int damaged(struct err *e, const char *what)
{
	return err_set(e, STATUS_MALFORMED, "damaged: %s", what);
}

static uint32_t crc32c(uint32_t crc, const void *data, size_t length)
{
	return crc32_iscsi((unsigned char *)data, (int)length, crc);
}

// CRC-16/MODBUS, that of gdt_csum.
static uint16_t crc16(uint16_t crc, const unsigned char *data, size_t length)
{
	while (length--) {
		crc ^= *data++;
		for (int bit = 0; bit < 8; bit++)
			crc = (uint16_t)(crc >> 1 ^ (crc & 1 ? 0xa001 : 0));
	}
	return crc;
}

static int read_at(const struct extfs *x, int64_t at, void *data, size_t length, struct err *e)
{
	ssize_t n = io_read_full_at(x->fd, data, length, x->at + at);
	return n == (ssize_t)length ? 0 : n < 0 ? err_system(e, "cannot read") : damaged(e, "it is cut short");
}

// ---- the superblock ----

// Whether something else has marked the place as its own: the superblock may then be a leftover of earlier use.
static bool is_claimed(int fd, int64_t at, int64_t length)
{
	static const struct {
		int64_t at;
		size_t length;
		const char *magic;
	} marks[] = {
		{ 0, 6, "LUKS\xba\xbe" },
		{ 0, 4, "XFSB" },
		{ 0, 8, "LABELONE" },
		{ 512, 8, "LABELONE" },
		{ 4086, 10, "SWAPSPACE2" },
		{ 0, 4, "\xfc\x4e\x2b\xa9" }, // MD RAID
		{ 4096, 4, "\xfc\x4e\x2b\xa9" },
		{ 65600, 8, "_BHRfS_M" },
	};
	char found[10];
	for (size_t i = 0; i < ARRAY_LENGTH(marks); i++)
		if (marks[i].at + (int64_t)marks[i].length <= length &&
			io_read_full_at(fd, found, marks[i].length, at + marks[i].at) == (ssize_t)marks[i].length &&
			!memcmp(found, marks[i].magic, marks[i].length))
			return true;
	return false;
}

static int check_state(const struct extfs *x, const unsigned char *s, struct err *e)
{
	unsigned state = little16(s + 0x3a);
	if (x->incompat & INCOMPAT_RECOVER)
		return err_set(e, STATUS_REFUSED, "its journal waits to be replayed");
	if (!(state & STATE_CLEAN) || state & STATE_ERRORS)
		return err_set(e, STATUS_REFUSED, "it was not cleanly unmounted, or has errors");
	if (x->incompat & ~(unsigned)INCOMPAT_KNOWN || x->ro_compat & ~(unsigned)RO_COMPAT_KNOWN)
		return err_set(e, STATUS_REFUSED, "features that are not known here: incompat %#x, ro_compat %#x", x->incompat,
			x->ro_compat);
	if (x->ro_compat & RO_COMPAT_METADATA_CSUM && crc32c(~0U, s, 0x3fc) != little32(s + 0x3fc))
		return damaged(e, "a superblock with a wrong checksum");
	return 0;
}

static void read_features(struct extfs *x, const unsigned char *s)
{
	bool revised = little32(s + 0x4c) > 0;
	if (revised) {
		x->compat = little32(s + 0x5c);
		x->incompat = little32(s + 0x60);
		x->ro_compat = little32(s + 0x64);
	}
	memcpy(x->uuid, s + 0x68, sizeof x->uuid);
	x->seed = x->incompat & INCOMPAT_CSUM_SEED ? little32(s + 0x270) : crc32c(~0U, x->uuid, sizeof x->uuid);
	x->backups[0] = little32(s + 0x24c);
	x->backups[1] = little32(s + 0x250);
	x->reserved = little16(s + 0xce);
	x->first_meta_group = x->incompat & INCOMPAT_META_BG ? little32(s + 0x104) : UINT32_MAX;
	x->descriptor = x->incompat & INCOMPAT_64BIT ? little16(s + 0xfe) : 32;
}

static int read_sizes(struct extfs *x, const unsigned char *s, struct err *e)
{
	bool wide = x->incompat & INCOMPAT_64BIT, bigalloc = x->ro_compat & RO_COMPAT_BIGALLOC;
	uint32_t log_block = little32(s + 0x18), log_cluster = bigalloc ? little32(s + 0x1c) : log_block;
	if (log_block > 6 || log_cluster < log_block || log_cluster > log_block + 12)
		return damaged(e, "an impossible block size");
	x->block = 1024U << log_block;
	x->ratio = 1U << (log_cluster - log_block);
	x->blocks = little32(s + 0x4) | (wide ? (uint64_t)little32(s + 0x150) << 32 : 0);
	x->first = little32(s + 0x14);
	x->group_blocks = little32(s + 0x20);
	x->group_bits = bigalloc ? little32(s + 0x24) : x->group_blocks;
	if (x->group_bits > 8 * x->block || x->group_bits % 8 || x->group_blocks < GROUP_BLOCKS_MIN ||
		x->group_blocks != (uint64_t)x->group_bits * x->ratio)
		return damaged(e, "impossible block groups");
	uint64_t inode_bytes = (uint64_t)little32(s + 0x28) * (little32(s + 0x4c) ? little16(s + 0x58) : 128);
	uint64_t inode_blocks = (inode_bytes + x->block - 1) / x->block;
	x->inode_blocks = (uint32_t)inode_blocks;
	return inode_blocks >= x->group_blocks ? damaged(e, "impossible inode tables") : 0;
}

static int check_extent(struct extfs *x, int64_t length, struct err *e)
{
	if (x->blocks > (uint64_t)length / x->block)
		return damaged(e, "longer than the place it lies in");
	if (x->first != (x->block == 1024 && x->ratio == 1) || x->blocks <= x->first)
		return damaged(e, "an impossible first block");
	if (x->descriptor < 32 || x->descriptor > 1024 || x->descriptor & (x->descriptor - 1))
		return damaged(e, "impossible group descriptors");
	uint64_t groups = (x->blocks - x->first + x->group_blocks - 1) / x->group_blocks;
	x->groups = (uint32_t)groups;
	return groups > UINT32_MAX ? damaged(e, "too many block groups") : 0;
}

int extfs_open(struct extfs *x, int fd, int64_t at, int64_t length, struct err *e)
{
	unsigned char s[SUPERBLOCK];
	*x = (struct extfs){ .fd = fd, .at = at };
	if (length < SUPERBLOCK_AT + SUPERBLOCK)
		return 0;
	if (read_at(x, SUPERBLOCK_AT, s, sizeof s, e) < 0)
		return -1;
	if (little16(s + 0x38) != 0xef53)
		return 0;
	read_features(x, s);
	if (x->incompat & INCOMPAT_JOURNAL_DEVICE)
		return 0;
	if (is_claimed(fd, at, length))
		return err_set(e, STATUS_REFUSED, "the place is another kind's by its mark");
	return check_state(x, s, e) < 0 || read_sizes(x, s, e) < 0 || check_extent(x, length, e) < 0 ? -1 : 1;
}

// ---- where things lie ----

uint64_t extfs_group_start(const struct extfs *x, uint32_t group)
{
	return x->first + (uint64_t)group * x->group_blocks;
}

int64_t extfs_offset(const struct extfs *x, uint64_t block)
{
	return (int64_t)(block * x->block);
}

static bool is_power(uint32_t n, uint32_t base)
{
	while (n > 1 && n % base == 0)
		n /= base;
	return n == 1;
}

static bool has_superblock(const struct extfs *x, uint32_t group)
{
	if (!group)
		return true;
	if (x->compat & COMPAT_SPARSE_SUPER2)
		return group == x->backups[0] || group == x->backups[1];
	return !(x->ro_compat & RO_COMPAT_SPARSE_SUPER) || is_power(group, 3) || is_power(group, 5) || is_power(group, 7);
}

static uint32_t per_block(const struct extfs *x) // descriptors
{
	return x->block / x->descriptor;
}

static bool is_meta(const struct extfs *x, uint32_t group) // its descriptor lies near it, not at the start
{
	return group / per_block(x) >= x->first_meta_group;
}

static uint64_t descriptor_block(const struct extfs *x, uint32_t group)
{
	uint32_t number = group / per_block(x), first = number * per_block(x);
	bool second = x->block == 1024 && !x->first; // the superblock is then block 1 of group 0
	return is_meta(x, group) ? extfs_group_start(x, first) + has_superblock(x, first) + (second && !number)
				 : SUPERBLOCK_AT / x->block + number + 1;
}

// The blocks at the start of a group that a copy of the superblock and of descriptors takes.
static uint64_t start_blocks(const struct extfs *x, uint32_t group)
{
	uint64_t own = has_superblock(x, group), all = (x->groups + per_block(x) - 1) / per_block(x);
	uint32_t in_meta = group % per_block(x);
	if (is_meta(x, group))
		return own + (in_meta <= 1 || in_meta == per_block(x) - 1);
	return own ? own + (x->first_meta_group < all ? x->first_meta_group : all) + x->reserved : 0;
}

// ---- a group ----

struct group {
	unsigned char bytes[1024]; // its descriptor
	uint64_t bitmap, inode_bitmap, inode_table;
	uint32_t free; // bits not set
	bool unwritten;
};

static uint32_t high(const struct extfs *x, const struct group *g, size_t at)
{
	return x->descriptor >= 64 ? little32(g->bytes + at) : 0;
}

static bool checksum_good(const struct extfs *x, const struct group *g, uint32_t number)
{
	static const unsigned char zeros[2];
	const unsigned char *rest = g->bytes + 0x20;
	size_t rest_bytes = x->descriptor - 0x20;
	unsigned found = little16(g->bytes + 0x1e);
	uint32_t le_number = htole32(number);
	if (x->ro_compat & RO_COMPAT_METADATA_CSUM) {
		uint32_t crc = crc32c(crc32c(x->seed, &le_number, 4), g->bytes, 0x1e);
		crc = crc32c(crc32c(crc, zeros, sizeof zeros), rest, rest_bytes);
		return (crc & 0xffff) == found;
	}
	if (!(x->ro_compat & RO_COMPAT_GDT_CSUM))
		return true;
	uint16_t crc = crc16(0xffff, x->uuid, sizeof x->uuid);
	crc = crc16(crc16(crc, (unsigned char *)&le_number, 4), g->bytes, 0x1e);
	return crc16(crc, rest, rest_bytes) == found;
}

static int read_group(const struct extfs *x, uint32_t number, struct group *g, struct err *e)
{
	int64_t at = extfs_offset(x, descriptor_block(x, number)) + (int64_t)(number % per_block(x)) * x->descriptor;
	if (read_at(x, at, g->bytes, x->descriptor, e) < 0)
		return -1;
	if (!checksum_good(x, g, number))
		return err_set(e, STATUS_MALFORMED, "damaged: group %u: a descriptor with a wrong checksum", number);
	g->bitmap = little32(g->bytes) | (uint64_t)high(x, g, 0x20) << 32;
	g->inode_bitmap = little32(g->bytes + 4) | (uint64_t)high(x, g, 0x24) << 32;
	g->inode_table = little32(g->bytes + 8) | (uint64_t)high(x, g, 0x28) << 32;
	g->free = little16(g->bytes + 0xc) | (high(x, g, 0x2c) & 0xffff) << 16;
	g->unwritten =
		x->ro_compat & (RO_COMPAT_GDT_CSUM | RO_COMPAT_METADATA_CSUM) && little16(g->bytes + 0x12) & GROUP_BLOCKS_UNINIT;
	if (g->bitmap >= x->blocks || g->inode_bitmap >= x->blocks || g->inode_table >= x->blocks)
		return err_set(e, STATUS_MALFORMED, "damaged: group %u: its tables lie beyond the end", number);
	return 0;
}

// Marks blocks from..from+count as far as they lie in the group.
static void mark(const struct extfs *x, uint32_t number, unsigned char *bits, uint64_t from, uint64_t count)
{
	uint64_t start = extfs_group_start(x, number), end = start + x->group_blocks, to = from + count;
	if (from < start)
		from = start;
	if (to > end)
		to = end;
	if (from >= to)
		return;
	for (uint64_t bit = (from - start) / x->ratio; bit <= (to - 1 - start) / x->ratio; bit++)
		bits[bit / 8] |= (unsigned char)(1U << bit % 8);
}

// The bitmap that was never written: nothing is in use but what mkfs put there.
static void make_bitmap(const struct extfs *x, uint32_t number, const struct group *g, unsigned char *bits)
{
	memset(bits, 0, x->block);
	mark(x, number, bits, extfs_group_start(x, number), start_blocks(x, number));
	mark(x, number, bits, g->bitmap, 1);
	mark(x, number, bits, g->inode_bitmap, 1);
	mark(x, number, bits, g->inode_table, x->inode_blocks);
}

static int read_bitmap(const struct extfs *x, uint32_t number, const struct group *g, unsigned char *bits, struct err *e)
{
	if (read_at(x, extfs_offset(x, g->bitmap), bits, x->block, e) < 0)
		return -1;
	if (!(x->ro_compat & RO_COMPAT_METADATA_CSUM))
		return 0;
	uint32_t crc = crc32c(x->seed, bits, x->group_bits / 8), wanted = little16(g->bytes + 0x18);
	if (x->descriptor >= 64)
		wanted |= (uint32_t)little16(g->bytes + 0x38) << 16;
	else
		crc &= 0xffff;
	return crc == wanted ? 0 : err_set(e, STATUS_MALFORMED, "damaged: group %u: a bitmap with a wrong checksum", number);
}

int64_t extfs_bitmap(const struct extfs *x, uint32_t group, unsigned char bits[static EXTFS_BLOCK_MAX], struct err *e)
{
	struct group g;
	uint64_t left = x->blocks - extfs_group_start(x, group);
	uint64_t blocks = left < x->group_blocks ? left : x->group_blocks;
	uint32_t count = (uint32_t)((blocks + x->ratio - 1) / x->ratio), free = 0;
	if (read_group(x, group, &g, e) < 0)
		return -1;
	if (g.unwritten)
		make_bitmap(x, group, &g, bits);
	else if (read_bitmap(x, group, &g, bits, e) < 0)
		return -1;
	for (uint32_t i = 0; i < count; i++)
		free += !(bits[i / 8] & 1U << i % 8);
	if (free != g.free)
		return err_set(e, STATUS_MALFORMED, "damaged: group %u: %u clusters are free by its bitmap, %u by its descriptor",
			group, free, g.free);
	return count;
}
