// Disks that --skip-free looks at: partition tables and ext4. The input is the start of a disk whose rest is zeros; since no fuzzer
// guesses a CRC, those of a GPT are made right.
// SPDX-License-Identifier: Apache-2.0
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>

#include "base/io.h"
#include "disk/freemap.h"
#include "disk/little.h"

enum { DISK = 1 << 20, SECTOR = 512 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length);

static void put32(unsigned char *at, uint32_t n)
{
	n = htole32(n);
	memcpy(at, &n, sizeof n);
}

static void seal(unsigned char *disk)
{
	unsigned char *header = disk + SECTOR;
	uint64_t entries = little64(header + 72) % DISK * SECTOR, bytes = (uint64_t)little32(header + 80) * little32(header + 84);
	if (memcmp(header, "EFI PART", 8) != 0)
		return;
	if (entries < DISK && bytes <= DISK - entries)
		put32(header + 88, (uint32_t)crc32(0, disk + entries, (uInt)bytes));
	put32(header + 12, 92);
	put32(header + 16, 0);
	put32(header + 16, (uint32_t)crc32(0, header, 92));
}

// Ranges in order, apart, within the disk, and the same when asked for piece by piece.
static void check(const struct freemap *m)
{
	int64_t end = -1, bytes = 0, next;
	for (size_t i = 0; i < m->count; i++) {
		if (m->ranges[i].start <= end || m->ranges[i].start % SECTOR || m->ranges[i].end % SECTOR)
			abort();
		end = m->ranges[i].end;
	}
	for (int64_t at = 0; at < DISK; at = next) {
		bool is_free;
		next = freemap_part(m, at, DISK, &is_free);
		if (next <= at)
			abort();
		bytes += is_free ? next - at : 0;
	}
	if (bytes != m->bytes || end > DISK)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
	static int fd = -1;
	static unsigned char disk[DISK];
	struct err e = { 0 };
	struct freemap m = { 0 };
	if (fd < 0 && ((fd = memfd_create("disk", 0)) < 0 || ftruncate(fd, DISK) < 0))
		abort();
	if (length > DISK)
		return 0;
	memset(disk, 0, sizeof disk);
	memcpy(disk, data, length);
	seal(disk);
	if (pwrite(fd, disk, DISK, 0) != DISK)
		abort();
	if (freemap_scan(&m, fd, 0, DISK, SECTOR, &e) == 0)
		check(&m);
	freemap_free(&m);
	return 0;
}
