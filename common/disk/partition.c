// partition.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <stdbool.h>
#include <stdlib.h>
#include <zlib.h>

#include "base/io.h"
#include "base/mem.h"
#include "disk/little.h"
#include "disk/partition.h"

enum {
	MBR = 512, // bytes, also the unit that its entries count in
	MBR_ENTRIES = 446,
	MBR_ENTRY = 16,
	GPT_HEADER = 92, // bytes at least
	GPT_ENTRY = 128,
};

// What a table is read from.
struct disk {
	int fd;
	int64_t at, size;
	struct partitions *found;
};

static int damaged(struct err *e, const char *what)
{
	return err_set(e, STATUS_MALFORMED, "the partition table: %s", what);
}

static int read_at(const struct disk *d, uint64_t at, void *data, size_t length, struct err *e)
{
	if (at > (uint64_t)d->size || length > (uint64_t)d->size - at)
		return damaged(e, "it points beyond the end of the disk");
	ssize_t n = io_read_full_at(d->fd, data, length, d->at + (int64_t)at);
	return n == (ssize_t)length ? 0 : n < 0 ? err_system(e, "cannot read") : damaged(e, "the disk ends within it");
}

// Adds a partition of so many blocks, unless it is empty.
static int add(struct disk *d, int number, uint64_t first, uint64_t blocks, uint64_t block, struct err *e)
{
	struct partitions *p = d->found;
	uint64_t all = (uint64_t)d->size / block;
	if (!blocks)
		return 0;
	if (!first || first > all || blocks > all - first)
		return err_set(e, STATUS_MALFORMED, "the partition table: partition %d goes beyond the end of the disk", number);
	if (p->count == PARTITION_MAX)
		return err_set(e, STATUS_LIMIT, "the partition table: more than %d partitions", PARTITION_MAX);
	p->of = mem_resize(p->of, p->count + 1, sizeof *p->of);
	p->of[p->count++] = (struct partition){ number, (int64_t)(first * block), (int64_t)(blocks * block) };
	return 0;
}

// ---- GPT ----

static bool checksum_good(const unsigned char *header, uint32_t size)
{
	static const unsigned char zeros[4];
	uLong crc = crc32(0, header, 16);
	crc = crc32(crc, zeros, sizeof zeros);
	return crc32(crc, header + 20, size - 20) == little32(header + 16);
}

static int read_entries(struct disk *d, const unsigned char *header, uint64_t block, struct err *e)
{
	uint32_t count = little32(header + 80), size = little32(header + 84);
	uint64_t first = little64(header + 72);
	if (size < GPT_ENTRY || size > MBR || size % GPT_ENTRY || count > PARTITION_MAX)
		return damaged(e, "entries of an impossible size or number");
	mem_auto unsigned char *entries = mem_alloc((size_t)count * size);
	if (first > (uint64_t)d->size / block || read_at(d, first * block, entries, (size_t)count * size, e) < 0)
		return e->status ? -1 : damaged(e, "its entries lie beyond the end of the disk");
	if (crc32(0, entries, count * size) != little32(header + 88))
		return damaged(e, "its entries have a wrong checksum");
	for (uint32_t i = 0; i < count; i++) {
		static const unsigned char unused[16];
		const unsigned char *entry = entries + (size_t)i * size;
		uint64_t start = little64(entry + 32), last = little64(entry + 40);
		if (!memcmp(entry, unused, sizeof unused))
			continue;
		if (last < start || add(d, (int)i + 1, start, last - start + 1, block, e) < 0)
			return e->status ? -1 : damaged(e, "a partition that ends before it starts");
	}
	return 0;
}

static int read_gpt(struct disk *d, struct err *e)
{
	unsigned char header[MBR];
	for (uint64_t block = 512; block <= 4096; block *= 8) {
		if (read_at(d, block, header, sizeof header, e) < 0)
			return -1;
		uint32_t size = little32(header + 12);
		if (memcmp(header, "EFI PART", 8) != 0)
			continue;
		if (size < GPT_HEADER || size > sizeof header || !checksum_good(header, size) || little64(header + 24) != 1)
			return damaged(e, "a GPT header with a wrong checksum");
		return read_entries(d, header, block, e);
	}
	return damaged(e, "a protective MBR without a GPT");
}

// ---- MBR ----

static bool is_extended(unsigned char type)
{
	return type == 0x05 || type == 0x0f || type == 0x85;
}

// The logical partitions: a chain of tables of two entries each, a partition and the next table.
static int read_logical(struct disk *d, uint64_t extended, struct err *e)
{
	unsigned char table[MBR];
	uint64_t next = extended;
	for (int number = 5; number < 5 + PARTITION_MAX; number++) {
		if (read_at(d, next * MBR, table, sizeof table, e) < 0)
			return -1;
		const unsigned char *own = table + MBR_ENTRIES, *link = own + MBR_ENTRY;
		if (table[510] != 0x55 || table[511] != 0xaa)
			return damaged(e, "a logical partition without a table");
		if (own[4] && add(d, number, next + little32(own + 8), little32(own + 12), MBR, e) < 0)
			return -1;
		if (!is_extended(link[4]))
			return 0;
		next = extended + little32(link + 8);
	}
	return damaged(e, "logical partitions without end");
}

static int read_mbr(struct disk *d, const unsigned char *mbr, struct err *e)
{
	for (int i = 0; i < 4; i++) {
		const unsigned char *entry = mbr + MBR_ENTRIES + (size_t)i * MBR_ENTRY;
		uint64_t start = little32(entry + 8);
		if (is_extended(entry[4]) ? read_logical(d, start, e) < 0
					  : entry[4] && add(d, i + 1, start, little32(entry + 12), MBR, e) < 0)
			return -1;
	}
	return 0;
}

// Where a boot sector has code instead of a table, its first bytes are hardly those of four entries.
static bool is_mbr(const unsigned char *sector, bool *protective)
{
	bool used = false;
	for (int i = 0; i < 4; i++) {
		const unsigned char *entry = sector + MBR_ENTRIES + (size_t)i * MBR_ENTRY;
		if (entry[0] & 0x7f)
			return false;
		used = used || entry[4];
		*protective = *protective || entry[4] == 0xee;
	}
	return used && sector[510] == 0x55 && sector[511] == 0xaa;
}

// ---- both ----

static int by_start(const void *a, const void *b)
{
	const struct partition *x = a, *y = b;
	return (x->start > y->start) - (x->start < y->start);
}

static int check_overlaps(struct partitions *p, struct err *e)
{
	if (p->count)
		qsort(p->of, p->count, sizeof *p->of, by_start);
	for (size_t i = 1; i < p->count; i++)
		if (p->of[i].start < p->of[i - 1].start + p->of[i - 1].length)
			return err_set(e, STATUS_MALFORMED, "the partition table: partitions %d and %d overlap",
				p->of[i - 1].number, p->of[i].number);
	return 0;
}

int partition_read(int fd, int64_t at, int64_t size, struct partitions *p, struct err *e)
{
	struct disk d = { fd, at, size, p };
	unsigned char mbr[MBR];
	bool protective = false;
	*p = (struct partitions){ 0 };
	if (size < MBR)
		return 0;
	if (read_at(&d, 0, mbr, sizeof mbr, e) < 0)
		return -1;
	if (!is_mbr(mbr, &protective))
		return 0;
	int failed = protective ? read_gpt(&d, e) : read_mbr(&d, mbr, e);
	return failed || check_overlaps(p, e) < 0 ? -1 : 1;
}

void partition_free(struct partitions *p)
{
	free(p->of);
	*p = (struct partitions){ 0 };
}
