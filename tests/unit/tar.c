// Unit tests of the tar reader: archives are laid out block by block, so that each can be wrong in one way.
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "image/tar.h"
#include "image/tarhead.h"

// A case names only the fields it is about.
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

// One header and the bytes behind it. Texts left out are empty; numbers are octal text, so that they can be
// nonsense.
struct part {
	char type;
	const char *name, *link, *data;
	const char *size; // NULL: the length of data
	const char *uid, *mode, *mtime, *major;
	const char *magic; // NULL: ustar
	const char *prefix;
};

// A field is full, or ends with NULs.
static void put(char *field, size_t size, const char *text)
{
	memcpy(field, text, strnlen(text, size));
}
#define PUT(field, text) put(field, sizeof(field), text)

static void add_header(struct buf *out, const struct part *p)
{
	struct tarhead_block h = { .type = p->type };
	char size[sizeof h.size + 1];
	snprintf(size, sizeof size, "%011zo", p->data ? strlen(p->data) : 0);
	PUT(h.name, p->name);
	PUT(h.link, p->link ? p->link : "");
	PUT(h.mode, p->mode ? p->mode : "0000644");
	PUT(h.uid, p->uid ? p->uid : "0000000");
	PUT(h.gid, "0000000");
	PUT(h.size, p->size ? p->size : size);
	PUT(h.mtime, p->mtime ? p->mtime : "00000000000");
	PUT(h.major, p->major ? p->major : "0000000");
	PUT(h.prefix, p->prefix ? p->prefix : "");
	memcpy(h.magic,
		p->magic ? p->magic
			 : "ustar\0"
			   "00",
		sizeof h.magic);
	memset(h.checksum, ' ', sizeof h.checksum);
	unsigned sum = 0;
	for (size_t i = 0; i < sizeof h; i++)
		sum += ((unsigned char *)&h)[i];
	snprintf(h.checksum, sizeof h.checksum, "%06o", sum);
	buf_add(out, &h, sizeof h);
}

static void pad(struct buf *out)
{
	while (out->length % TAR_BLOCK)
		buf_add_byte(out, 0);
}

static void add_part(struct buf *out, const struct part *p)
{
	add_header(out, p);
	buf_add_text(out, p->data ? p->data : "");
	pad(out);
}

static void add_end(struct buf *out)
{
	for (int i = 0; i < 2 * TAR_BLOCK; i++)
		buf_add_byte(out, 0);
}

struct bytes {
	const struct buf *buf;
	size_t at, piece;
};

static ssize_t give(void *context, void *data, size_t length, struct err *e)
{
	(void)e;
	struct bytes *b = context;
	size_t n = b->buf->length - b->at;
	n = n < b->piece ? n : b->piece;
	n = n < length ? n : length;
	memcpy(data, b->buf->data + b->at, n);
	b->at += n;
	return (ssize_t)n;
}

static ssize_t lend(void *context, const char **data, struct err *e)
{
	(void)e;
	struct bytes *b = context;
	size_t n = b->buf->length - b->at;
	n = n < b->piece ? n : b->piece;
	*data = b->buf->data + b->at;
	b->at += n;
	return (ssize_t)n;
}

// Reads it all and writes what it read as text: one line per entry, and the error.
static enum status list(const struct buf *archive, size_t piece, bool lending, const struct tar_limits *limits, struct buf *out)
{
	struct bytes source = { archive, 0, piece };
	struct tar_reader *r = lending ? tar_open_pieces(lend, &source, limits) : tar_open(give, &source, limits);
	struct tar_entry entry;
	struct err e = { 0 };
	int got;
	while ((got = tar_next(r, &entry, &e)) > 0) {
		buf_add_format(out, "%d %s>%s %o %d:%d %d %lld.%u", entry.type, entry.path, entry.link, entry.mode,
			(int)entry.uid, (int)entry.gid, (int)entry.size, (long long)entry.mtime, entry.mtime_ns);
		for (size_t i = 0; i < entry.xattr_count; i++)
			buf_add_format(out, " %s=%.*s", entry.xattrs[i].name, (int)entry.xattrs[i].length, entry.xattrs[i].value);
		buf_add_byte(out, ' ');
		char chunk[7];
		ssize_t n;
		while ((n = tar_read(r, chunk, sizeof chunk, &e)) > 0)
			for (ssize_t i = 0; i < n; i++)
				buf_add_byte(out, chunk[i] ? chunk[i] : '.');
		buf_add_byte(out, '\n');
		if (n < 0)
			break;
	}
	tar_close(r);
	buf_add_text(out, e.text);
	return e.status;
}

static enum status list_parts(const struct part *parts, struct buf *out)
{
	buf_auto archive = { 0 };
	for (; parts->name; parts++)
		add_part(&archive, parts);
	add_end(&archive);
	return list(&archive, SIZE_MAX, false, &tar_default_limits, out);
}

#define LONG100                                                                                              \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" \
	"aa"

static void reads_entries(void **unused)
{
	(void)unused;
	static const struct {
		struct part parts[4];
		const char *text;
	} cases[] = {
		{ { { '0', "f", .data = "hello" } }, "0 f> 644 0:0 5 0.0 hello\n" },
		{ { { '0', "a//b/./c" } }, "0 a/b/c> 644 0:0 0 0.0 \n" },
		{ { { '0', "./f" } }, "0 f> 644 0:0 0 0.0 \n" },
		{ { { '5', "./", .mode = "0000755" } }, "5 .> 755 0:0 0 0.0 \n" },
		{ { { '5', "/" } }, "5 /> 644 0:0 0 0.0 \n" },
		{ { { '0', "/a/../b" } }, "0 /a/../b> 644 0:0 0 0.0 \n" }, // the caller decides about these
		{ { { '0', "d/" } }, "5 d> 644 0:0 0 0.0 \n" },
		{ { { '2', "l", "../x/" } }, "2 l>../x/ 644 0:0 0 0.0 \n" },
		{ { { '1', "h", "./d//f" } }, "1 h>d/f 644 0:0 0 0.0 \n" },
		{ { { '3', "null", .major = "0000001" } }, "3 null> 644 0:0 0 0.0 \n" },
		{ { { '6', "p" } }, "6 p> 644 0:0 0 0.0 \n" },
		{ { { '7', "c", .data = "x" } }, "0 c> 644 0:0 1 0.0 x\n" },
		{ { { '0', "f", .mode = " 107777 " } }, "0 f> 7777 0:0 0 0.0 \n" },
		{ { { '0', "f", .prefix = "some/dir" } }, "0 some/dir/f> 644 0:0 0 0.0 \n" },
		{ { { '0', "f", .magic = "ustar  ", .prefix = "12345670123" } },
			"0 f> 644 0:0 0 0.0 \n" }, // GNU keeps times there
		{ { { '0', LONG100 } }, "0 " LONG100 "> 644 0:0 0 0.0 \n" },
		{ { { 'L', "././@LongLink", .data = LONG100 "bc", .magic = "ustar  " }, { '0', "aaa" } },
			"0 " LONG100 "bc> 644 0:0 0 0.0 \n" },
		{ { { 'K', "x", .data = LONG100 "b" }, { '2', "l", "aaa" } }, "2 l>" LONG100 "b 644 0:0 0 0.0 \n" },
		{ { { 'x', "x", .data = "12 path=p/q\n13 mtime=1.5\n16 uid=10000000\n" }, { '0', "f" }, { '0', "g" } },
			"0 p/q> 644 10000000:0 0 1.500000000 \n0 g> 644 0:0 0 0.0 \n" },
		{ { { 'x', "x", .data = "14 mtime=-1.5\n" }, { '0', "f" } }, "0 f> 644 0:0 0 -2.500000000 \n" },
		{ { { 'x', "x", .data = "24 SCHILY.xattr.user.a=\n25 SCHILY.xattr.user.b==\n" }, { '0', "f" } },
			"0 f> 644 0:0 0 0.0 user.a= user.b== \n" },
		{ { { 'x', "x", .data = "40 SCHILY.xattr.user.%3D%253D%25%3d%2=5\n" }, { '0', "f" } },
			"0 f> 644 0:0 0 0.0 user.=%3D%%3d%2=5 \n" }, // as GNU tar writes them
		{ { { 'x', "x", .data = "14 linkpath=t\n" }, { '2', "l", "aaa" } }, "2 l>t 644 0:0 0 0.0 \n" },
		{ { { 'x', "x", .data = "9 size=3\n" }, { '0', "f", .data = "abc" } }, "0 f> 644 0:0 3 0.0 abc\n" },
		{ { { 'g', "x", .data = "13 comment=x\n" }, { '0', "f" } }, "0 f> 644 0:0 0 0.0 \n" },
		{ { { 'x', "x",
			    .data = "22 GNU.sparse.major=1\n22 GNU.sparse.minor=0\n21 GNU.sparse.name=s\n25 "
				    "GNU.sparse.realsize=9\n" },
			  { '0', "GNUSparse/s", .data = "2\n0\n1\n4\n2\n" } },
			NULL }, // its data is no whole block
		{ { { 'x', "x",
			    .data = "21 GNU.sparse.size=9\n26 GNU.sparse.map=0,1,4,2\n26 "
				    "GNU.sparse.numblocks=2\n" },
			  { '0', "s", .data = "abc" } },
			"0 s> 644 0:0 9 0.0 a...bc...\n" },
		{ { { 'x', "x",
			    .data = "21 GNU.sparse.size=4\n23 GNU.sparse.offset=2\n25 "
				    "GNU.sparse.numbytes=2\n" },
			  { '0', "s", .data = "ab" } },
			"0 s> 644 0:0 4 0.0 ..ab\n" },
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		buf_auto text = { 0 };
		enum status status = list_parts(cases[i].parts, &text);
		assert_int_equal(status, cases[i].text ? STATUS_OK : STATUS_MALFORMED);
		if (cases[i].text)
			assert_string_equal(buf_text(&text), cases[i].text);
	}
}

// rkt:U-07, U-08, U-09, U-12: each could be read in two ways, or lies.
static void refuses(void **unused)
{
	(void)unused;
	static const struct {
		const char *why;
		struct part parts[4];
	} cases[] = {
		{ "empty name", { { '0', "" } } },
		{ "empty name", { { '1', "h" } } },
		{ "empty name", { { '2', "l" } } },
		{ "unknown type 0x5a", { { 'Z', "f" } } },
		{ "unknown type", { { 'M', "f" } } },
		{ "unknown type", { { 'D', "f" } } },
		{ "data behind", { { '1', "h", "f", .data = "x" } } }, // data behind what is no file
		{ "data behind", { { '5', "d", .data = "x" } } },
		{ "data behind", { { '0', "d/", .data = "x" } } },
		{ "'size' is not", { { '0', "f", .size = "-0000000001" } } },
		{ "'size' is not", { { '0', "f", .size = "0x000000000" } } },
		{ "'size' is not", { { '0', "f", .size = "0000000 001" } } },
		{ "'size' is not", { { '0', "f", .size = "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff" } } }, // -1
		{ "'size' is not", { { '0', "f", .size = "\x80\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff" } } },
		{ "'size' is not", { { '0', "f", .size = "\xbf\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff" } } },
		{ "'uid' is not", { { '0', "f", .uid = "\xff\xff\xff\xff\xff\xff\xff\xff" } } },
		{ "owner 282583078273023", { { '0', "f", .uid = "\x80\x01\x01\x01\xff\xff\xff\xff" } } },
		{ "'mode' is not", { { '0', "f", .mode = "rw-r--r" } } },
		{ "'mtime' is not", { { '0', "f", .mtime = "yesterday" } } },
		{ "'major' is not", { { '3', "null", .major = "one" } } },
		{ "unknown format", { { '0', "f", .magic = "ustarxx" } } },
		{ "owner 4294967295", { { 'x', "x", .data = "18 uid=4294967295\n" }, { '0', "f" } } }, // rkt:U-07
		{ "uid: not a number", { { 'x', "x", .data = "10 uid=-1\n" }, { '0', "f" } } },
		{ "size: not a number", { { 'x', "x", .data = "11 size=-1\n" }, { '0', "f" } } },
		{ "size: not a number", { { 'x', "x", .data = "28 size=9223372036854775808\n" }, { '0', "f" } } },
		{ "out of range", { { 'x', "x", .data = "28 size=9223372036854775807\n" }, { '0', "f" } } },
		{ "differ", { { 'x', "x", .data = "9 size=3\n" }, { '0', "f", .data = "ab" } } }, // CVE-2025-62518
		{ "differ", { { 'x', "x", .data = "12 size=512\n" }, { '0', "f", .size = "00000000000" } } },
		{ "path: given twice", { { 'x', "x", .data = "9 path=a\n9 path=b\n" }, { '0', "f" } } },
		{ "path: empty", { { 'x', "x", .data = "8 path=\n" }, { '0', "f" } } },
		{ "length is wrong", { { 'x', "x", .data = "path=a\n" }, { '0', "f" } } },
		{ "not KEYWORD=VALUE", { { 'x', "x", .data = "9 path=ab\n" }, { '0', "f" } } },
		{ "length is wrong", { { 'x', "x", .data = "99 path=a\n" }, { '0', "f" } } },
		{ "length is wrong", { { 'x', "x", .data = "99999999999999999999999 path=a\n" }, { '0', "f" } } },
		{ "length is wrong", { { 'x', "x", .data = "0 path=a\n" }, { '0', "f" } } },
		{ "length is wrong", { { 'x', "x", .data = "2 path=a\n" }, { '0', "f" } } },
		{ "not KEYWORD=VALUE", { { 'x', "x", .data = "7 path\n" }, { '0', "f" } } },
		{ "not KEYWORD=VALUE", { { 'x', "x", .data = "5 =a\n" }, { '0', "f" } } },
		{ "length is wrong", { { 'x', "x", .data = "9 path=a" }, { '0', "f" } } },
		{ "two pax headers", { { 'x', "x", .data = "9 path=a\n" }, { 'x', "x", .data = "9 path=b\n" }, { '0', "f" } } },
		{ "differ", { { 'x', "x", .data = "9 path=a\n" }, { 'L', "x", .data = "b" }, { '0', "f" } } },
		{ "two GNU", { { 'L', "x", .data = "a" }, { 'L', "x", .data = "b" }, { '0', "f" } } },
		{ "GNU long name", { { 'L', "x" }, { '0', "f" } } },
		{ "ends behind", { { 'x', "x", .data = "9 path=a\n" } } }, // and nothing behind it
		{ "ends behind", { { 'L', "x", .data = "a" } } },
		{ "global header", { { 'g', "x", .data = "9 path=a\n" }, { '0', "f" } } },
		{ "global header", { { 'g', "x", .data = "8 uid=1\n" }, { '0', "f" } } },
		{ "given twice", { { 'x', "x", .data = "24 SCHILY.xattr.user.a=\n24 SCHILY.xattr.user.a=\n" }, { '0', "f" } } },
		{ "given twice", { { 'x', "x", .data = "24 SCHILY.xattr.user.%=\n26 SCHILY.xattr.user.%25=\n" }, { '0', "f" } } },
		{ "not supported", { { 'x', "x", .data = "26 SCHILY.filetype=sparse\n" }, { '0', "f" } } },
		{ "overlaps",
			{ { 'x', "x", .data = "21 GNU.sparse.size=9\n26 GNU.sparse.map=0,1,0,2\n" },
				{ '0', "s", .data = "abc" } } },
		{ "overlaps",
			{ { 'x', "x", .data = "21 GNU.sparse.size=9\n26 GNU.sparse.map=0,1,8,2\n" },
				{ '0', "s", .data = "abc" } } },
		{ "differ in size",
			{ { 'x', "x", .data = "21 GNU.sparse.size=9\n26 GNU.sparse.map=0,1,4,1\n" },
				{ '0', "s", .data = "abc" } } },
		{ "not a list",
			{ { 'x', "x", .data = "21 GNU.sparse.size=9\n24 GNU.sparse.map=0,3,4\n" },
				{ '0', "s", .data = "abc" } } },
		{ "without its numbytes", { { 'x', "x", .data = "23 GNU.sparse.offset=2\n" }, { '0', "s", .data = "abc" } } },
		{ "not of a version", { { 'x', "x", .data = "22 GNU.sparse.major=2\n" }, { '0', "s", .data = "abc" } } },
		{ "no map", { { 'x', "x", .data = "21 GNU.sparse.name=s\n" }, { '0', "s", .data = "abc" } } },
		{ "not supported", { { 'x', "x", .data = "21 GNU.sparse.what=s\n" }, { '0', "s", .data = "abc" } } },
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		buf_auto text = { 0 };
		if (list_parts(cases[i].parts, &text) != STATUS_MALFORMED || !strstr(buf_text(&text), cases[i].why))
			fail_msg("case %zu, %s: %s", i, cases[i].why, buf_text(&text));
	}
}

static void add_pax(struct buf *out, const char *data, size_t length)
{
	char size[12];
	snprintf(size, sizeof size, "%011zo", length);
	add_header(out, &(struct part){ 'x', "x", .size = size });
	buf_add(out, data, length);
	pad(out);
}

// rkt:U-08, rkt:U-20: NUL is refused, where a text of C would hide it.
static void refuses_nul_in_names(void **unused)
{
	(void)unused;
	static const struct {
		const char *data;
		size_t length;
	} cases[] = { { "11 path=a\0b\n", 12 }, { "15 linkpath=a\0b\n", 16 }, { "12 pa\0th=ab\n", 12 } };
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		buf_auto archive = { 0 };
		buf_auto text = { 0 };
		add_pax(&archive, cases[i].data, cases[i].length);
		add_part(&archive, &(struct part){ '2', "f", "t" });
		add_end(&archive);
		assert_int_equal(list(&archive, SIZE_MAX, false, &tar_default_limits, &text), STATUS_MALFORMED);
	}
}

static void add_sample(struct buf *archive)
{
	buf_auto big = { 0 };
	for (int i = 0; i < 3000; i++)
		buf_add_byte(&big, (char)('a' + i % 26));
	add_part(archive, &(struct part){ '5', "d/", .mode = "0000755" });
	add_part(archive, &(struct part){ '0', "d/big", .data = buf_text(&big) });
	add_part(archive, &(struct part){ 'x', "x", .data = "21 GNU.sparse.size=9\n26 GNU.sparse.map=0,1,4,2\n" });
	add_part(archive, &(struct part){ '0', "s", .data = "abc" });
	add_part(archive, &(struct part){ '2', "l", "d/big" });
	add_end(archive);
}

static void reads_the_same_in_any_pieces(void **unused)
{
	(void)unused;
	buf_auto archive = { 0 };
	buf_auto whole = { 0 };
	add_sample(&archive);
	assert_int_equal(list(&archive, SIZE_MAX, false, &tar_default_limits, &whole), 0);
	for (size_t piece = 1; piece < 2000; piece = piece * 5 / 3 + 1)
		for (int lending = 0; lending < 2; lending++) {
			buf_auto text = { 0 };
			assert_int_equal(list(&archive, piece, lending, &tar_default_limits, &text), 0);
			assert_string_equal(buf_text(&text), buf_text(&whole));
		}
}

// rkt:U-21, rkt:U-09
static void refuses_cuts_and_what_follows_the_end(void **unused)
{
	(void)unused;
	buf_auto archive = { 0 };
	add_sample(&archive);
	size_t whole = archive.length;
	for (archive.length = 0; archive.length < whole; archive.length += 100) {
		buf_auto text = { 0 };
		assert_int_equal(list(&archive, 1000, true, &tar_default_limits, &text), STATUS_MALFORMED);
	}
	archive.length = whole;
	static const char zeros[TAR_BLOCK];
	for (int i = 0; i < 20; i++) // padding to a record, as GNU tar does
		buf_add(&archive, zeros, sizeof zeros - 7);
	buf_auto text = { 0 };
	assert_int_equal(list(&archive, 1000, true, &tar_default_limits, &text), 0);
	buf_add_byte(&archive, 1);
	assert_int_equal(list(&archive, 1000, true, &tar_default_limits, &text), STATUS_MALFORMED);
	archive.length = whole - TAR_BLOCK; // a lone zero block, and an archive behind it
	add_sample(&archive);
	assert_int_equal(list(&archive, 1000, true, &tar_default_limits, &text), STATUS_MALFORMED);
}

static void refuses_any_flipped_byte_of_a_header(void **unused)
{
	(void)unused;
	buf_auto archive = { 0 };
	add_part(&archive, &(struct part){ '0', "f", .data = "x" });
	add_end(&archive);
	for (size_t i = 0; i < TAR_BLOCK; i++) {
		buf_auto text = { 0 };
		archive.data[i] ^= 1;
		enum status status = list(&archive, SIZE_MAX, false, &tar_default_limits, &text);
		bool blank = i >= 148 + 6 && i < 156; // the checksum's own NUL and blank
		if (!blank && status != STATUS_MALFORMED)
			fail_msg("byte %zu", i);
		archive.data[i] ^= 1;
	}
}

// rkt:U-10
static void keeps_limits(void **unused)
{
	(void)unused;
	struct tar_limits limits = { .entries = 2, .name = 10, .depth = 3, .pax = 30 };
	static const struct {
		struct part parts[4];
		enum status status;
	} cases[] = {
		{ { { '0', "a" }, { '0', "b" } }, STATUS_OK },
		{ { { '0', "a" }, { '0', "b" }, { '0', "c" } }, STATUS_LIMIT },
		{ { { '0', "1234567890" } }, STATUS_OK },
		{ { { '0', "12345678901" } }, STATUS_LIMIT },
		{ { { '2', "l", "12345678901" } }, STATUS_LIMIT },
		{ { { '0', "a/b/c" } }, STATUS_OK },
		{ { { '0', "a/b/c/d" } }, STATUS_LIMIT },
		{ { { 'L', "x", .data = "123456789012" }, { '0', "a" } }, STATUS_LIMIT },
		{ { { 'K', "x", .size = "10000000000" } }, STATUS_LIMIT }, // a target of 1 GiB
		{ { { 'x', "x", .size = "77777777777" } }, STATUS_LIMIT },
		{ { { 'g', "x", .size = "77777777777" } }, STATUS_LIMIT },
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		buf_auto archive = { 0 };
		buf_auto text = { 0 };
		for (const struct part *p = cases[i].parts; p->name; p++)
			add_part(&archive, p);
		add_end(&archive);
		if (list(&archive, SIZE_MAX, false, &limits, &text) != cases[i].status)
			fail_msg("case %zu", i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_entries),
		cmocka_unit_test(refuses),
		cmocka_unit_test(refuses_nul_in_names),
		cmocka_unit_test(reads_the_same_in_any_pieces),
		cmocka_unit_test(refuses_cuts_and_what_follows_the_end),
		cmocka_unit_test(refuses_any_flipped_byte_of_a_header),
		cmocka_unit_test(keeps_limits),
	};
	return cmocka_run_group_tests_name("tar", tests, NULL, NULL);
}
