// tarwrite.h says what these promise. The layout is POSIX.1-2017, pax, "ustar Interchange Format" and "pax
// Interchange Format".
// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "image/tarhead.h"
#include "image/tarpax.h"
#include "image/tarwrite.h"

static const char zeros[8 * TAR_BLOCK];

// Octal digits and a NUL. What does not fit becomes the largest number that does; a pax record then says the
// truth.
static bool put_number(char *field, size_t width, int64_t value)
{
	int64_t most = ((int64_t)1 << (3 * (width - 1))) - 1;
	bool fits = value >= 0 && value <= most;
	snprintf(field, width, "%0*" PRIo64, (int)width - 1, (uint64_t)(fits ? value : value < 0 ? 0 : most));
	return fits;
}

static void put_text(char *field, size_t width, const char *text, size_t length)
{
	if (length)
		memcpy(field, text, length < width ? length : width);
}

// Into name, or divided at a slash into prefix and name. False when the path is too long for both; name then
// has its start.
static bool put_path(struct tarhead_block *h, const char *path, size_t length)
{
	put_text(h->name, sizeof h->name, path, length);
	if (length <= sizeof h->name)
		return true;
	for (size_t at = length - sizeof h->name - 1; at <= sizeof h->prefix && at + 1 < length; at++) {
		if (path[at] != '/' || !at)
			continue;
		memset(h->name, 0, sizeof h->name);
		put_text(h->name, sizeof h->name, path + at + 1, length - at - 1);
		put_text(h->prefix, sizeof h->prefix, path, at);
		return true;
	}
	return false;
}

static void finish_header(struct tarhead_block *h)
{
	memcpy(h->magic,
		"ustar\0"
		"00",
		sizeof h->magic);
	memset(h->checksum, ' ', sizeof h->checksum);
	unsigned sum = 0;
	for (size_t i = 0; i < sizeof *h; i++)
		sum += ((const unsigned char *)h)[i];
	snprintf(h->checksum, sizeof h->checksum, "%06o", sum);
}

// ---- pax records ----

// `LENGTH KEY=VALUE\n`, where the length counts its own digits.
static void add_record(struct buf *records, const char *key, const char *value, size_t length)
{
	size_t rest = strlen(key) + length + 3; // blank, equals sign, newline
	size_t total = rest + 1;
	for (size_t digits; total != rest + (digits = (size_t)snprintf(NULL, 0, "%zu", total));)
		total = rest + digits;
	buf_add_format(records, "%zu %s=", total, key);
	buf_add(records, value, length);
	buf_add_byte(records, '\n');
}

static void add_number(struct buf *records, const char *key, int64_t value)
{
	char text[32];
	int n = snprintf(text, sizeof text, "%" PRId64, value);
	add_record(records, key, text, (size_t)n);
}

// Seconds and nanoseconds as one decimal number without trailing zeros. A time before 1970 counts back from
// the next second.
static void add_time(struct buf *records, int64_t seconds, uint32_t ns)
{
	char text[48];
	bool negative = seconds < 0;
	uint64_t whole = negative ? 0 - (uint64_t)seconds : (uint64_t)seconds;
	if (negative && ns) {
		whole--;
		ns = 1000000000 - ns;
	}
	int n = snprintf(text, sizeof text, "%s%" PRIu64 ".%09" PRIu32, negative ? "-" : "", whole, ns);
	while (text[n - 1] == '0')
		n--;
	if (text[n - 1] == '.')
		n--;
	add_record(records, "mtime", text, (size_t)n);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct tar_xattr *)a)->name, ((const struct tar_xattr *)b)->name);
}

// `=` ends a keyword, so GNU tar has `%3D` for it and `%25` for `%`; here the latter only where it must, since others do not decode it.
static void add_xattr_name(struct buf *key, const char *name)
{
	for (; *name; name++)
		if (*name == '=')
			buf_add_text(key, "%3D");
		else if (!strncmp(name, "%3D", 3) || !strncmp(name, "%25", 3))
			buf_add_text(key, "%25");
		else
			buf_add_byte(key, *name);
}

static void add_xattrs(struct buf *records, const struct tar_entry *entry)
{
	mem_auto struct tar_xattr *sorted = mem_alloc(entry->xattr_count * sizeof *sorted);
	if (entry->xattr_count)
		memcpy(sorted, entry->xattrs, entry->xattr_count * sizeof *sorted);
	qsort(sorted, entry->xattr_count, sizeof *sorted, by_name);
	for (size_t i = 0; i < entry->xattr_count; i++) {
		buf_auto key = { 0 };
		buf_add_text(&key, "SCHILY.xattr.");
		add_xattr_name(&key, sorted[i].name);
		add_record(records, buf_text(&key), sorted[i].value, sorted[i].length);
	}
}

// Fills the header; what it cannot hold goes to records, sorted by key.
static void fill(struct tarhead_block *h, const struct tar_entry *entry, const char *path, struct buf *records)
{
	static const char types[] = { [TAR_FILE] = '0',
		[TAR_HARD_LINK] = '1',
		[TAR_SYMLINK] = '2',
		[TAR_CHAR_DEVICE] = '3',
		[TAR_BLOCK_DEVICE] = '4',
		[TAR_DIRECTORY] = '5',
		[TAR_FIFO] = '6' };
	size_t path_length = strlen(path), link_length = entry->link ? strlen(entry->link) : 0;
	int64_t size = entry->type == TAR_FILE ? entry->size : 0;
	bool path_fits = put_path(h, path, path_length), link_fits = link_length <= sizeof h->link;
	put_text(h->link, sizeof h->link, entry->link, link_length);
	put_number(h->mode, sizeof h->mode, entry->mode & 07777);
	h->type = types[entry->type];
	if (entry->type == TAR_CHAR_DEVICE || entry->type == TAR_BLOCK_DEVICE) {
		if (!put_number(h->major, sizeof h->major, entry->major))
			add_number(records, "SCHILY.devmajor", entry->major);
		if (!put_number(h->minor, sizeof h->minor, entry->minor))
			add_number(records, "SCHILY.devminor", entry->minor);
	}
	add_xattrs(records, entry);
	if (!put_number(h->gid, sizeof h->gid, entry->gid))
		add_number(records, "gid", entry->gid);
	if ((!path_fits && !utf8_valid(path, path_length)) || (!link_fits && !utf8_valid(entry->link, link_length)))
		add_record(records, "hdrcharset", "BINARY", strlen("BINARY"));
	if (!link_fits)
		add_record(records, "linkpath", entry->link, link_length);
	if (!put_number(h->mtime, sizeof h->mtime, entry->mtime) || entry->mtime_ns)
		add_time(records, entry->mtime, entry->mtime_ns);
	if (!path_fits)
		add_record(records, "path", path, path_length);
	if (!put_number(h->size, sizeof h->size, size))
		add_number(records, "size", size);
	if (!put_number(h->uid, sizeof h->uid, entry->uid))
		add_number(records, "uid", entry->uid);
	finish_header(h);
}

static size_t padding(int64_t length)
{
	return (size_t)(-length & (TAR_BLOCK - 1));
}

// The extended header that precedes an entry. Its own name is of no use to anyone but shows where it belongs.
static int write_records(struct tarwrite *w, const struct buf *records, const char *path, struct err *e)
{
	struct tarhead_block h = { 0 };
	size_t length = strlen(path);
	while (length > 1 && path[length - 1] == '/')
		length--;
	const char *base = memrchr(path, '/', length);
	base = base ? base + 1 : path;
	length -= (size_t)(base - path);
	snprintf(h.name, sizeof h.name, "PaxHeaders/%.*s", (int)(length < 80 ? length : 80), base);
	put_number(h.mode, sizeof h.mode, 0644);
	put_number(h.uid, sizeof h.uid, 0);
	put_number(h.gid, sizeof h.gid, 0);
	put_number(h.size, sizeof h.size, (int64_t)records->length);
	put_number(h.mtime, sizeof h.mtime, 0);
	h.type = 'x';
	finish_header(&h);
	if (w->sink(w->context, &h, sizeof h, e) < 0 || w->sink(w->context, records->data, records->length, e) < 0)
		return -1;
	return w->sink(w->context, zeros, padding((int64_t)records->length), e);
}

int tarwrite_entry(struct tarwrite *w, const struct tar_entry *entry, struct err *e)
{
	struct tarhead_block h = { 0 };
	buf_auto records = { 0 };
	buf_auto path = { 0 };
	if (w->left)
		return err_set(e, STATUS_SYSTEM, "'%s': the entry before it is incomplete", entry->path);
	buf_add_text(&path, entry->path);
	if (entry->type == TAR_DIRECTORY)
		buf_add_byte(&path, '/');
	fill(&h, entry, buf_text(&path), &records);
	if ((int64_t)records.length > tar_default_limits.pax || entry->xattr_count > TARPAX_XATTRS_MAX)
		return err_set(e, STATUS_LIMIT,
			"'%s': more extended attributes than the %d, of %" PRId64 " bytes, that readers take", entry->path,
			TARPAX_XATTRS_MAX, tar_default_limits.pax);
	if (records.length && write_records(w, &records, buf_text(&path), e) < 0)
		return -1;
	w->left = entry->type == TAR_FILE ? entry->size : 0;
	w->padding = padding(w->left);
	return w->sink(w->context, &h, sizeof h, e);
}

int tarwrite_data(struct tarwrite *w, const void *data, size_t length, struct err *e)
{
	if ((int64_t)length > w->left)
		return err_set(e, STATUS_SYSTEM, "more data than the entry's header says");
	w->left -= (int64_t)length;
	if (w->sink(w->context, data, length, e) < 0)
		return -1;
	return w->left ? 0 : w->sink(w->context, zeros, w->padding, e);
}

int tarwrite_copy(struct tarwrite *w, struct tar_reader *r, struct err *e)
{
	const char *data;
	int64_t n;
	while ((n = tar_borrow(r, &data, e)) > 0) {
		while (!data && n > 0) { // a hole
			size_t some = n < (int64_t)sizeof zeros ? (size_t)n : sizeof zeros;
			if (tarwrite_data(w, zeros, some, e) < 0)
				return -1;
			n -= (int64_t)some;
		}
		if (data && tarwrite_data(w, data, (size_t)n, e) < 0)
			return -1;
	}
	return n < 0 ? -1 : 0;
}

int tarwrite_end(struct tarwrite *w, struct err *e)
{
	if (w->left)
		return err_set(e, STATUS_SYSTEM, "the last entry is incomplete");
	return w->sink(w->context, zeros, 2 * TAR_BLOCK, e);
}
