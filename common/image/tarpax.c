// tarpax.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "image/tarpax.h"

static int bad(const char *keyword, const char *why, struct err *e)
{
	return err_set(e, STATUS_MALFORMED, "pax header: %s: %s", keyword, why);
}

static int decimal(const char *keyword, const char *text, int64_t *out, struct err *e)
{
	int64_t value = 0;
	if (!*text)
		return bad(keyword, "not a number", e);
	for (; *text; text++)
		if (*text < '0' || *text > '9' || __builtin_mul_overflow(value, 10, &value) ||
			__builtin_add_overflow(value, *text - '0', &value))
			return bad(keyword, "not a number in range", e);
	*out = value;
	return 0;
}

// Seconds with an optional sign and fraction; what a nanosecond cannot tell is dropped.
static int timestamp(struct tarpax *p, char *text, struct err *e)
{
	bool minus = *text == '-';
	char *fraction = strchr(text, '.');
	if (fraction)
		*fraction++ = '\0';
	if (decimal("mtime", text + minus, &p->mtime, e) < 0)
		return -1;
	p->mtime_ns = 0;
	uint32_t unit = 100000000;
	for (; fraction && *fraction; fraction++, unit /= 10) {
		if (*fraction < '0' || *fraction > '9')
			return bad("mtime", "not a number", e);
		p->mtime_ns += (uint32_t)(*fraction - '0') * unit;
	}
	if (!minus)
		return 0;
	p->mtime = -p->mtime;
	if (p->mtime_ns) { // whole seconds downwards, and a fraction upwards from there
		p->mtime--;
		p->mtime_ns = 1000000000 - p->mtime_ns;
	}
	return 0;
}

// The name of an attribute, decoded in place: what GNU tar writes for `=`, which would end the keyword, and for `%`.
static const char *xattr_name(char *text)
{
	char *to = text;
	for (const char *at = text; *at; to++) {
		bool equals = !strncmp(at, "%3D", 3), percent = !strncmp(at, "%25", 3);
		*to = (char)(equals ? '=' : *at);
		at += equals || percent ? 3 : 1;
	}
	*to = '\0';
	return text;
}

static int add_xattr(struct tarpax *p, const char *name, const char *value, size_t length, struct err *e)
{
	for (size_t i = 0; i < p->xattr_count; i++)
		if (!strcmp(p->xattrs[i].name, name))
			return bad(name, "given twice", e);
	if (p->xattr_count == TARPAX_XATTRS_MAX)
		return err_set(e, STATUS_LIMIT, "pax header: more than the limit of %d extended attributes", TARPAX_XATTRS_MAX);
	if (p->xattr_count == p->xattr_room) {
		p->xattr_room = p->xattr_room ? 2 * p->xattr_room : 8;
		p->xattrs = mem_resize(p->xattrs, p->xattr_room, sizeof *p->xattrs);
	}
	p->xattrs[p->xattr_count++] = (struct tar_xattr){ name, value, length };
	return 0;
}

// The pairs of format 0.0, one record each.
static int sparse_pair(struct tarpax *p, const char *keyword, const char *value, struct err *e)
{
	bool is_offset = !strcmp(keyword, "GNU.sparse.offset");
	int64_t number;
	if (decimal(keyword, value, &number, e) < 0)
		return -1;
	if (is_offset == p->offset_open)
		return bad(keyword, "offset and numbytes do not alternate", e);
	p->offset_open = is_offset;
	if (is_offset)
		return tarsparse_add(&p->pieces, number, 0, e);
	p->pieces.pieces[p->pieces.count - 1].length = number;
	return 0;
}

// Keywords that change an entry. A text or a number lands at its offset in struct tarpax.
static const struct keyword {
	const char *name;
	unsigned bit;
	size_t text, number; // one of the two, 0 for the other: no field starts at 0
} keywords[] = {
	{ "path", TARPAX_PATH, offsetof(struct tarpax, path), 0 },
	{ "linkpath", TARPAX_LINKPATH, offsetof(struct tarpax, linkpath), 0 },
	{ "size", TARPAX_SIZE, 0, offsetof(struct tarpax, size) },
	{ "uid", TARPAX_UID, 0, offsetof(struct tarpax, uid) },
	{ "gid", TARPAX_GID, 0, offsetof(struct tarpax, gid) },
	{ "mtime", TARPAX_MTIME, 0, 0 },
	{ "GNU.sparse.major", TARPAX_SPARSE_MAJOR, 0, offsetof(struct tarpax, sparse_major) },
	{ "GNU.sparse.minor", TARPAX_SPARSE_MINOR, 0, offsetof(struct tarpax, sparse_minor) },
	{ "GNU.sparse.name", TARPAX_SPARSE_NAME, offsetof(struct tarpax, sparse_name), 0 },
	{ "GNU.sparse.realsize", TARPAX_SPARSE_REALSIZE, 0, offsetof(struct tarpax, sparse_realsize) },
	{ "GNU.sparse.size", TARPAX_SPARSE_SIZE, 0, offsetof(struct tarpax, sparse_size) },
	{ "GNU.sparse.map", TARPAX_SPARSE_MAP, offsetof(struct tarpax, sparse_map), 0 },
	{ "GNU.sparse.numblocks", TARPAX_SPARSE_NUMBLOCKS, 0, offsetof(struct tarpax, sparse_numblocks) },
};

// Extensions that change what an entry is and that we do not read: passing over them would be another
// reading.
static bool is_unknown_meaning(const char *keyword)
{
	static const char *const unread[] = { "SCHILY.filetype", "SCHILY.realsize", "SCHILY.volhdr", "SCHILY.dir", "GNU.dumpdir",
		"GNU.volume" };
	for (size_t i = 0; i < ARRAY_LENGTH(unread); i++)
		if (!strncmp(keyword, unread[i], strlen(unread[i])))
			return true;
	return !strncmp(keyword, "GNU.sparse.", 11);
}

static int take_known(struct tarpax *p, const struct keyword *k, char *value, size_t length, struct err *e)
{
	if (p->seen & k->bit)
		return bad(k->name, "given twice", e);
	p->seen |= k->bit;
	if (memchr(value, '\0', length))
		return bad(k->name, "holds a NUL", e);
	if (k->bit == TARPAX_MTIME)
		return timestamp(p, value, e);
	if (k->number)
		return decimal(k->name, value, (int64_t *)((char *)p + k->number), e);
	if (!length)
		return bad(k->name, "empty", e);
	*(char **)((char *)p + k->text) = value;
	return 0;
}

static int take(struct tarpax *p, char *keyword, char *value, size_t length, bool global, struct err *e)
{
	static const char xattr[] = "SCHILY.xattr.";
	const struct keyword *known = NULL;
	for (size_t i = 0; i < ARRAY_LENGTH(keywords); i++)
		if (!strcmp(keyword, keywords[i].name))
			known = &keywords[i];
	bool is_pair = !strcmp(keyword, "GNU.sparse.offset") || !strcmp(keyword, "GNU.sparse.numbytes");
	bool is_xattr = !strncmp(keyword, xattr, sizeof xattr - 1);
	if (global && (known || is_pair || is_xattr))
		return bad(keyword, "a global header must not change entries", e);
	if (known)
		return take_known(p, known, value, length, e);
	if (is_pair)
		return sparse_pair(p, keyword, value, e);
	if (is_xattr)
		return add_xattr(p, xattr_name(keyword + sizeof xattr - 1), value, length, e);
	return is_unknown_meaning(keyword) ? bad(keyword, "not supported", e) : 0;
}

int tarpax_parse(struct tarpax *p, struct buf *body, bool global, struct err *e)
{
	char *at = body->data, *end = at + body->length;
	while (at < end) {
		size_t length = 0;
		char *digit = at;
		for (; digit < end && *digit >= '0' && *digit <= '9' && length <= body->length; digit++)
			length = length * 10 + (size_t)(*digit - '0');
		if (digit == at || digit == end || *digit != ' ' || length > (size_t)(end - at) || at + length <= digit + 1)
			return bad("record", "its length is wrong", e);
		char *keyword = digit + 1, *last = at + length - 1; // the newline
		char *equals = memchr(keyword, '=', (size_t)(last - keyword));
		if (*last != '\n' || !equals || equals == keyword || memchr(keyword, '\0', (size_t)(equals - keyword)))
			return bad("record", "not KEYWORD=VALUE and a newline", e);
		*equals = *last = '\0';
		if (take(p, keyword, equals + 1, (size_t)(last - equals - 1), global, e) < 0)
			return -1;
		at += length;
	}
	return p->offset_open ? bad("GNU.sparse.offset", "without its numbytes", e) : 0;
}

void tarpax_reset(struct tarpax *p)
{
	p->seen = 0;
	p->xattr_count = 0;
	p->pieces.count = 0;
	p->offset_open = false;
}

void tarpax_free(struct tarpax *p)
{
	free(p->xattrs);
	tarsparse_free(&p->pieces);
}
