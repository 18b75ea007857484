// tar.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/io.h"
#include "base/mem.h"
#include "image/tar.h"
#include "image/tarextra.h"
#include "image/tarsparse.h"
#include "image/tarstream.h"

#define OWNER_MAX ((int64_t)UINT32_MAX - 1) // 2^32-1 means "unchanged" to chown(2) (rkt:U-07)

const struct tar_limits tar_default_limits = { .entries = 10000000, .name = 4096, .depth = 1024, .pax = 1 << 20 };

struct tar_reader {
	struct tarstream stream;
	struct tar_limits limits;
	int64_t entries;
	int64_t stored, padding; // bytes of the entry's data still in the archive, and behind it
	int64_t size, position;  // of the entry's file
	bool sparse;
	struct tarsparse map;
	size_t piece; // of map: the one at or behind position
	struct tarextra extra;
	struct buf path, link;
};

struct tar_reader *tar_open_pieces(tar_pieces *source, void *context, const struct tar_limits *limits)
{
	struct tar_reader *r = mem_alloc(sizeof *r);
	r->stream.pieces = source;
	r->stream.context = context;
	r->limits = *limits;
	return r;
}

struct tar_reader *tar_open(tar_source *source, void *context, const struct tar_limits *limits)
{
	struct tar_reader *r = tar_open_pieces(NULL, context, limits);
	r->stream.source = source;
	r->stream.own = mem_alloc(IO_CHUNK);
	return r;
}

void tar_close(struct tar_reader *r)
{
	if (!r)
		return;
	tarsparse_free(&r->map);
	tarextra_free(&r->extra);
	buf_free(&r->path);
	buf_free(&r->link);
	free(r->stream.own);
	free(r);
}

// ---- names ----

static int over_limit(const char *what, int64_t limit, struct err *e)
{
	return err_set(e, STATUS_LIMIT, "tar archive: a path with more than the limit of %" PRId64 " %s", limit, what);
}

// Puts the canonical form of a path into out (tar.h, tar_entry.path).
static int set_path(const struct tar_reader *r, struct buf *out, const char *path, size_t length, struct err *e)
{
	out->length = 0;
	int64_t depth = 0;
	if ((int64_t)length > r->limits.name)
		return over_limit("bytes", r->limits.name, e);
	if (!length)
		return err_set(e, STATUS_MALFORMED, "tar archive: an entry with an empty name or link target");
	if (path[0] == '/')
		buf_add_byte(out, '/');
	for (const char *end = path + length; path < end;) {
		const char *slash = memchr(path, '/', (size_t)(end - path));
		size_t n = (size_t)((slash ? slash : end) - path);
		if (n && !(n == 1 && *path == '.')) {
			if (out->length && out->data[out->length - 1] != '/')
				buf_add_byte(out, '/');
			buf_add(out, path, n);
			depth++;
		}
		path += n + 1;
	}
	if (depth > r->limits.depth)
		return over_limit("components", r->limits.depth, e);
	if (!out->length)
		buf_add_byte(out, '.');
	return 0;
}

static int read_names(struct tar_reader *r, const struct tarhead_block *h, struct tar_entry *entry, bool *slash, struct err *e)
{
	buf_auto given = { 0 };
	if (tarextra_path(&r->extra, h, &given, e) < 0)
		return -1;
	*slash = given.length && given.data[given.length - 1] == '/';
	if (set_path(r, &r->path, buf_text(&given), given.length, e) < 0)
		return -1;
	entry->path = buf_text(&r->path);
	entry->link = "";
	if (h->type != '1' && h->type != '2')
		return 0;
	if (tarextra_link(&r->extra, h, &given, e) < 0 || set_path(r, &r->link, buf_text(&given), given.length, e) < 0)
		return -1;
	if (h->type == '2') { // a symlink's target is no path of the archive: as it is
		r->link.length = 0;
		buf_add(&r->link, given.data, given.length);
	}
	entry->link = buf_text(&r->link);
	return 0;
}

// ---- one entry ----

static int set_type(char flag, bool slash, struct tar_entry *entry, struct err *e)
{
	static const struct {
		char flag;
		enum tar_type type;
	} types[] = { { '0', TAR_FILE }, { '\0', TAR_FILE }, { '7', TAR_FILE }, { 'S', TAR_FILE }, { '1', TAR_HARD_LINK },
		{ '2', TAR_SYMLINK }, { '3', TAR_CHAR_DEVICE }, { '4', TAR_BLOCK_DEVICE }, { '5', TAR_DIRECTORY },
		{ '6', TAR_FIFO } };
	for (size_t i = 0; i < ARRAY_LENGTH(types); i++)
		if (types[i].flag == flag) {
			entry->type = types[i].type;
			if (entry->type == TAR_FILE && slash)
				entry->type = TAR_DIRECTORY; // the way v7 tells directories, and others all of them
			return 0;
		}
	return err_set(e, STATUS_MALFORMED, "'%s': tar entry of unknown type 0x%02x", entry->path, (unsigned char)flag);
}

static int check_owner(const struct tar_entry *entry, int64_t id, struct err *e)
{
	if (id < 0 || id > OWNER_MAX)
		return err_set(e, STATUS_MALFORMED, "'%s': owner %" PRId64 " is not in 0..%" PRId64, entry->path, id, OWNER_MAX);
	return 0;
}

static int read_numbers(struct tar_reader *r, const struct tarhead_block *h, struct tar_entry *entry, struct err *e)
{
	int64_t mode, major = 0, minor = 0;
	if (TARHEAD_NUMBER(h, mode, &mode, e) < 0 || TARHEAD_NUMBER(h, uid, &entry->uid, e) < 0 ||
		TARHEAD_NUMBER(h, gid, &entry->gid, e) < 0 ||
		tarhead_number(h->mtime, sizeof h->mtime, true, "mtime", &entry->mtime, e) < 0)
		return -1;
	bool device = entry->type == TAR_CHAR_DEVICE || entry->type == TAR_BLOCK_DEVICE;
	if (device && (TARHEAD_NUMBER(h, major, &major, e) < 0 || TARHEAD_NUMBER(h, minor, &minor, e) < 0))
		return -1;
	if (major > UINT32_MAX || minor > UINT32_MAX)
		return err_set(e, STATUS_MALFORMED, "'%s': device number out of range", entry->path);
	if (r->extra.pax.seen & TARPAX_UID)
		entry->uid = r->extra.pax.uid;
	if (r->extra.pax.seen & TARPAX_GID)
		entry->gid = r->extra.pax.gid;
	if (r->extra.pax.seen & TARPAX_MTIME) {
		entry->mtime = r->extra.pax.mtime;
		entry->mtime_ns = r->extra.pax.mtime_ns;
	}
	entry->mode = (uint32_t)mode & 07777;
	entry->major = (uint32_t)major;
	entry->minor = (uint32_t)minor;
	entry->xattrs = r->extra.pax.xattrs;
	entry->xattr_count = r->extra.pax.xattr_count;
	return check_owner(entry, entry->uid, e) < 0 ? -1 : check_owner(entry, entry->gid, e);
}

// How many bytes lie in the archive behind this header. A reader that goes by the ustar field and one that
// goes by the pax record must find the next header at the same place (CVE-2025-62518).
static int read_size(struct tar_reader *r, const struct tarhead_block *h, const char *path, int64_t *size, struct err *e)
{
	if (TARHEAD_NUMBER(h, size, size, e) < 0)
		return -1;
	if (r->extra.pax.seen & TARPAX_SIZE) {
		bool cannot_hold = r->extra.pax.size > TAR_SIZE_MAX && (*size == 0 || *size == TAR_SIZE_MAX);
		if (*size != r->extra.pax.size && !cannot_hold)
			return err_set(e, STATUS_MALFORMED, "'%s': its pax size and its header's size differ", path);
		*size = r->extra.pax.size;
	}
	if (*size > INT64_MAX - r->stream.offset - TAR_BLOCK)
		return err_set(e, STATUS_MALFORMED, "'%s': its size is out of range", path);
	return 0;
}

// Finds out whether the file is sparse; then r->map, r->size and what is stored of it are set.
static int read_sparse(struct tar_reader *r, const struct tarhead_block *h, struct err *e)
{
	const struct tarpax *p = &r->extra.pax;
	const unsigned version_0 = TARPAX_SPARSE_SIZE | TARPAX_SPARSE_MAP | TARPAX_SPARSE_NUMBLOCKS;
	const unsigned version_1 = TARPAX_SPARSE_MAJOR | TARPAX_SPARSE_MINOR | TARPAX_SPARSE_NAME | TARPAX_SPARSE_REALSIZE;
	bool is_0 = p->seen & version_0 || p->pieces.count, is_1 = (p->seen & version_1) & ~(unsigned)TARPAX_SPARSE_NAME;
	r->map.count = 0;
	r->sparse = h->type == 'S' || is_0 || is_1;
	if (!r->sparse)
		return p->seen & TARPAX_SPARSE_NAME ? err_set(e, STATUS_MALFORMED, "sparse file: no map") : 0;
	if (h->type == 'S')
		return is_0 || is_1 ? err_set(e, STATUS_MALFORMED, "sparse file: two kinds of map")
				    : tarsparse_read_gnu(&r->map, &r->stream, h, &r->size, e);
	if (is_1) {
		if (is_0 || (p->seen & version_1) != version_1 || p->sparse_major != 1 || p->sparse_minor != 0)
			return err_set(e, STATUS_MALFORMED, "sparse file: not of a version 0.0, 0.1 or 1.0");
		r->size = p->sparse_realsize;
		return tarsparse_read_pax(&r->map, &r->stream, &r->stored, e);
	}
	if (!(p->seen & TARPAX_SPARSE_SIZE) || (p->seen & TARPAX_SPARSE_MAP && p->pieces.count))
		return err_set(e, STATUS_MALFORMED, "sparse file: no size, or two maps");
	r->size = p->sparse_size;
	for (size_t i = 0; i < p->pieces.count; i++)
		if (tarsparse_add(&r->map, p->pieces.pieces[i].offset, p->pieces.pieces[i].length, e) < 0)
			return -1;
	return p->seen & TARPAX_SPARSE_MAP ? tarsparse_parse_list(&r->map, p->sparse_map, e) : 0;
}

static int read_entry(struct tar_reader *r, const struct tarhead_block *h, struct tar_entry *entry, struct err *e)
{
	bool slash;
	*entry = (struct tar_entry){ 0 };
	if (++r->entries > r->limits.entries)
		return err_set(e, STATUS_LIMIT, "tar archive: more than the limit of %" PRId64 " entries", r->limits.entries);
	if (read_names(r, h, entry, &slash, e) < 0 || set_type(h->type, slash, entry, e) < 0 ||
		read_numbers(r, h, entry, e) < 0 || read_size(r, h, entry->path, &r->stored, e) < 0)
		return -1;
	if (entry->type != TAR_FILE && r->stored)
		return err_set(e, STATUS_MALFORMED, "'%s': data behind an entry that is no file", entry->path);
	r->size = r->stored;
	r->padding = tarstream_padding(r->stored);
	r->position = 0;
	r->piece = 0;
	if (read_sparse(r, h, e) < 0 || (r->sparse && tarsparse_check(&r->map, r->size, r->stored, e) < 0))
		return err_context(e, "'%s'", entry->path);
	if (r->sparse && entry->type != TAR_FILE)
		return err_set(e, STATUS_MALFORMED, "'%s': sparse, but no file", entry->path);
	entry->size = r->size;
	return 1;
}

static int finish(struct tar_reader *r, struct err *e)
{
	const struct tarhead_block *h = tarstream_block(&r->stream, e);
	if (!h)
		return e->status ? -1 : err_set(e, STATUS_MALFORMED, "tar archive: truncated: its second end block is missing");
	if (!tarhead_is_zero(h, TAR_BLOCK))
		return err_set(e, STATUS_MALFORMED, "tar archive: a lone block of zeros amid its entries");
	if (tarextra_waits(&r->extra))
		return err_set(e, STATUS_MALFORMED, "tar archive: it ends behind an extended header");
	return tarstream_finish(&r->stream, e);
}

int tar_next(struct tar_reader *r, struct tar_entry *entry, struct err *e)
{
	if (tarstream_skip(&r->stream, r->stored, e) < 0)
		return -1;
	if (tarstream_skip(&r->stream, r->padding, e) < 0) {
		if (e->status != STATUS_MALFORMED || !r->limits.open_end)
			return -1;
		*e = (struct err){ 0 }; // the source ended: behind the last data is nothing, not even what fills their block
		return 0;
	}
	r->stored = r->padding = r->size = r->position = 0;
	tarextra_reset(&r->extra);
	for (;;) {
		int64_t at = r->stream.offset;
		const struct tarhead_block *h = tarstream_block(&r->stream, e);
		if (!h && !e->status && at && r->limits.open_end && !tarextra_waits(&r->extra))
			return 0;
		if (!h)
			return e->status ? -1
					 : err_set(e, STATUS_MALFORMED, "tar archive: %s",
						   at ? "truncated: its end blocks are missing" : "empty");
		if (tarhead_is_zero(h, TAR_BLOCK))
			return finish(r, e);
		if (tarhead_check(h, e) < 0)
			return at ? err_context(e, "tar archive: byte %" PRId64, at) : err_context(e, "not a tar archive");
		if (!tarextra_is_type(h->type))
			return read_entry(r, h, entry, e);
		if (tarextra_read(&r->extra, h, &r->stream, &r->limits, e) < 0)
			return -1;
	}
}

// ---- its data ----

int64_t tar_borrow(struct tar_reader *r, const char **data, struct err *e)
{
	*data = NULL;
	int64_t most = r->stored;
	if (r->sparse) {
		while (r->piece < r->map.count && r->position >= r->map.pieces[r->piece].offset + r->map.pieces[r->piece].length)
			r->piece++;
		const struct tarsparse_piece *p = r->piece < r->map.count ? &r->map.pieces[r->piece] : NULL;
		int64_t hole = (p ? p->offset : r->size) - r->position;
		if (hole > 0) {
			r->position += hole;
			return hole;
		}
		most = p ? p->offset + p->length - r->position : 0;
	}
	if (!most)
		return 0;
	int64_t n = tarstream_lend(&r->stream, most, data, e);
	if (n < 0)
		return -1;
	r->stored -= n;
	r->position += n;
	return n;
}

ssize_t tar_read(struct tar_reader *r, void *data, size_t length, struct err *e)
{
	const char *from;
	int64_t before = r->position, n = tar_borrow(r, &from, e);
	if (n <= 0)
		return (ssize_t)n;
	if (n > (int64_t)length) { // give back what has no room
		int64_t back = n - (int64_t)length;
		n = (int64_t)length;
		r->position = before + n;
		if (from) {
			tarstream_give_back(&r->stream, back);
			r->stored += back;
		}
	}
	if (from)
		memcpy(data, from, (size_t)n);
	else
		memset(data, 0, (size_t)n);
	return (ssize_t)n;
}

int64_t tar_offset(const struct tar_reader *r)
{
	return r->sparse ? -1 : r->stream.offset;
}
