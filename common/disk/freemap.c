// freemap.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "disk/extfs.h"
#include "disk/freemap.h"
#include "disk/partition.h"

// What is being looked at.
struct scan {
	struct freemap *map;
	int fd;
	int64_t at; // of the disk in the file
	int64_t sector;
	struct freemap_range open; // free as far as is known; not in the map yet
};

static void close_range(struct scan *s)
{
	struct freemap *m = s->map;
	int64_t start = (s->open.start + s->sector - 1) / s->sector * s->sector;
	int64_t end = s->open.end / s->sector * s->sector;
	s->open = (struct freemap_range){ 0 };
	if (start >= end || m->count == FREEMAP_MAX)
		return;
	if (m->count == m->room) {
		m->room = m->room ? 2 * m->room : 64;
		m->ranges = mem_resize(m->ranges, m->room, sizeof *m->ranges);
	}
	m->ranges[m->count++] = (struct freemap_range){ start, end };
	m->bytes += end - start;
}

static void add_free(struct scan *s, int64_t start, int64_t end)
{
	if (start != s->open.end) {
		close_range(s);
		s->open.start = start;
	}
	s->open.end = end;
}

static int scan_groups(struct scan *s, const struct extfs *x, int64_t place, struct err *e)
{
	unsigned char bits[EXTFS_BLOCK_MAX];
	for (uint32_t group = 0; group < x->groups; group++) {
		int64_t count = extfs_bitmap(x, group, bits, e);
		if (count < 0)
			return -1;
		for (int64_t i = 0; i < count; i++) {
			uint64_t block = extfs_group_start(x, group) + (uint64_t)i * x->ratio;
			uint64_t end = block + x->ratio < x->blocks ? block + x->ratio : x->blocks;
			if (!(bits[i / 8] & 1U << i % 8))
				add_free(s, place + extfs_offset(x, block), place + extfs_offset(x, end));
		}
	}
	close_range(s);
	return 0;
}

// Forgets what was found since, says why, and goes on, unless the file itself cannot be read.
static int give_up(struct freemap *m, const struct freemap *before, const char *what, struct err *e)
{
	m->count = before->count;
	m->bytes = before->bytes;
	if (e->status == STATUS_SYSTEM)
		return -1;
	texts_take(&m->notes, mem_format("%s: %s: encrypted whole", what, e->text));
	*e = (struct err){ 0 };
	return 0;
}

static int scan_filesystem(struct scan *s, int64_t place, int64_t length, const char *what, struct err *e)
{
	struct extfs x;
	struct freemap before = *s->map;
	int is_one = extfs_open(&x, s->fd, s->at + place, length, e);
	if (is_one < 0 || (is_one && scan_groups(s, &x, place, e) < 0)) {
		s->open = (struct freemap_range){ 0 };
		mem_auto char *text = mem_format("%s: ext4", what);
		return give_up(s->map, &before, text, e);
	}
	return 0;
}

int freemap_scan(struct freemap *m, int fd, int64_t at, int64_t size, size_t sector, struct err *e)
{
	partition_auto table = { 0 };
	struct scan s = { .map = m, .fd = fd, .at = at, .sector = (int64_t)sector };
	struct freemap before = *m;
	int has_table = partition_read(fd, at, size, &table, e);
	if (has_table < 0)
		return give_up(m, &before, "stdin", e);
	if (!has_table)
		return scan_filesystem(&s, 0, size, "stdin", e);
	for (size_t i = 0; i < table.count; i++) {
		mem_auto char *what = mem_format("stdin: partition %d", table.of[i].number);
		if (scan_filesystem(&s, table.of[i].start, table.of[i].length, what, e) < 0)
			return -1;
	}
	return 0;
}

int64_t freemap_part(const struct freemap *m, int64_t at, int64_t end, bool *is_free)
{
	size_t low = 0, high = m ? m->count : 0;
	while (low < high) { // the first range that ends behind `at`
		size_t middle = low + (high - low) / 2;
		if (m->ranges[middle].end > at)
			high = middle;
		else
			low = middle + 1;
	}
	*is_free = false;
	if (!m || low == m->count || m->ranges[low].start >= end)
		return end;
	if (m->ranges[low].start > at)
		return m->ranges[low].start;
	*is_free = true;
	return m->ranges[low].end < end ? m->ranges[low].end : end;
}

void freemap_free(struct freemap *m)
{
	free(m->ranges);
	texts_free(&m->notes);
	*m = (struct freemap){ 0 };
}
