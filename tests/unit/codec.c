// Unit tests of decompression: every codec, cut at every kind of place, joined, followed by rubbish, bombs.
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <bzlib.h>
#include <lzma.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "image/codec.h"

static const enum codec all[] = { CODEC_GZIP, CODEC_BZIP2, CODEC_XZ, CODEC_ZSTD };

struct bytes {
	const char *data;
	size_t length, at, piece; // piece: how much one call of the source gives
};

static ssize_t give(void *context, void *data, size_t length, struct err *e)
{
	(void)e;
	struct bytes *b = context;
	size_t n = b->length - b->at;
	n = n < b->piece ? n : b->piece;
	n = n < length ? n : length;
	memcpy(data, b->data + b->at, n);
	b->at += n;
	return (ssize_t)n;
}

static void compress_gzip(struct buf *out, const void *data, size_t length)
{
	z_stream s = { .next_in = (void *)data, .avail_in = (unsigned)length };
	assert_int_equal(deflateInit2(&s, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
	size_t room = deflateBound(&s, length);
	buf_reserve(out, room);
	s.next_out = (void *)(out->data + out->length);
	s.avail_out = (unsigned)room;
	assert_int_equal(deflate(&s, Z_FINISH), Z_STREAM_END);
	out->length += s.total_out;
	deflateEnd(&s);
}

// Appends one member (stream, frame) of this codec.
static void compress_with(enum codec codec, struct buf *out, const void *data, size_t length)
{
	size_t room = length + length / 50 + 4096, position = 0;
	unsigned made = (unsigned)room;
	buf_reserve(out, room);
	char *at = out->data + out->length;
	switch (codec) {
	case CODEC_GZIP:
		compress_gzip(out, data, length);
		break;
	case CODEC_BZIP2:
		assert_int_equal(BZ2_bzBuffToBuffCompress(at, &made, (void *)data, (unsigned)length, 9, 0, 0), BZ_OK);
		out->length += made;
		break;
	case CODEC_XZ:
		assert_int_equal(lzma_easy_buffer_encode(1, LZMA_CHECK_CRC64, NULL, data, length, (void *)at, &position, room),
			LZMA_OK);
		out->length += position;
		break;
	case CODEC_ZSTD:
		out->length += ZSTD_compress(at, room, data, length, 3);
		break;
	default:
		buf_add(out, data, length);
	}
}

// Reads it all; returns the status, and what came in *text (may be NULL).
static enum status decode(const struct buf *in, size_t piece, const struct codec_limits *limits, struct buf *text)
{
	struct bytes source = { in->data, in->length, 0, piece };
	struct err e = { 0 };
	struct codec_reader *r = codec_open(give, &source, limits, &e);
	if (!r)
		return e.status;
	static char chunk[100000];
	ssize_t n;
	while ((n = codec_read(r, chunk, sizeof chunk, &e)) > 0)
		if (text)
			buf_add(text, chunk, (size_t)n);
	codec_close(r);
	assert_int_equal(n < 0, e.status != 0);
	return e.status;
}

static void fill_with_words(struct buf *out, size_t length)
{
	for (unsigned i = 0; out->length < length; i++)
		buf_add_format(out, "%u %x\n", i * 2654435761u, i);
}

static void recognises_by_content(void **unused)
{
	(void)unused;
	static const struct {
		const char *start;
		size_t length;
		enum codec codec;
	} cases[] = {
		{ "", 0, CODEC_NONE },
		{ "\x1f\x8b", 2, CODEC_NONE },
		{ "\x1f\x8b\x08\0\0\0", 6, CODEC_GZIP },
		{ "BZh91AY", 6, CODEC_BZIP2 },
		{ "BZh01AY", 6, CODEC_NONE },
		{ "BZh9tar", 6, CODEC_NONE },
		{ "\xfd"
		  "7zXZ",
			6, CODEC_XZ },
		{ "\x28\xb5\x2f\xfd\0\0", 6, CODEC_ZSTD },
		{ "\x50\x2a\x4d\x18\0\0", 6, CODEC_ZSTD },
		{ "\x60\x2a\x4d\x18\0\0", 6, CODEC_NONE },
		{ "manifest", 6, CODEC_NONE },
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++)
		assert_int_equal(codec_recognise(cases[i].start, cases[i].length), cases[i].codec);
}

static void round_trips_in_any_pieces(void **unused)
{
	(void)unused;
	buf_auto words = { 0 };
	fill_with_words(&words, 700000);
	for (enum codec codec = CODEC_NONE; codec <= CODEC_ZSTD; codec++) {
		buf_auto packed = { 0 };
		compress_with(codec, &packed, words.data, words.length);
		for (size_t piece = 1; piece < 2 * packed.length; piece = piece * 37 + 1) {
			buf_auto text = { 0 };
			assert_int_equal(decode(&packed, piece, &codec_default_limits, &text), 0);
			assert_int_equal(text.length, words.length);
			assert_memory_equal(text.data, words.data, words.length);
		}
	}
}

// rkt:U-09: members that were joined are one stream, empty ones too.
static void joined_members_are_one_stream(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < ARRAY_LENGTH(all); i++) {
		buf_auto packed = { 0 };
		buf_auto text = { 0 };
		compress_with(all[i], &packed, "one ", 4);
		compress_with(all[i], &packed, "", 0);
		compress_with(all[i], &packed, "two", 3);
		assert_int_equal(decode(&packed, 5, &codec_default_limits, &text), 0);
		assert_string_equal(buf_text(&text), "one two");
	}
}

// rkt:U-09 and rkt:U-21: nothing may follow, nothing may miss, no bit may change unnoticed.
static void refuses_rubbish_and_cuts(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < ARRAY_LENGTH(all); i++) {
		buf_auto packed = { 0 };
		compress_with(all[i], &packed, "some words", 10);
		size_t whole = packed.length;
		for (size_t cut = CODEC_MAGIC_BYTES; cut < whole; cut++) {
			packed.length = cut;
			assert_int_equal(decode(&packed, 3, &codec_default_limits, NULL), STATUS_MALFORMED);
		}
		packed.length = whole;
		static const char *const behind[] = { "x", "rubbish behind the end", "\x1f\x8b\x08", "BZh91A",
			"\x28\xb5\x2f\xfd" };
		for (size_t k = 0; k < ARRAY_LENGTH(behind); k++) {
			packed.length = whole;
			buf_add_text(&packed, behind[k]);
			assert_int_equal(decode(&packed, 1000, &codec_default_limits, NULL), STATUS_MALFORMED);
		}
		packed.length = whole;
		if (all[i] == CODEC_ZSTD)
			continue; // ZSTD_compress writes no checksum
		packed.data[whole - 2] ^= 1;
		assert_int_equal(decode(&packed, 1000, &codec_default_limits, NULL), STATUS_MALFORMED);
	}
}

// rkt:U-11
static void stops_bombs(void **unused)
{
	(void)unused;
	size_t length = (size_t)40 << 20;
	mem_auto char *zeros = mem_alloc(length);
	for (size_t i = 0; i < ARRAY_LENGTH(all); i++) {
		buf_auto packed = { 0 };
		compress_with(all[i], &packed, zeros, length);
		struct codec_limits limits = codec_default_limits;
		assert_int_equal(decode(&packed, 100000, &limits, NULL), STATUS_LIMIT);
		limits.ratio = 10000000;
		assert_int_equal(decode(&packed, 100000, &limits, NULL), 0);
		limits.output = 1 << 20;
		assert_int_equal(decode(&packed, 100000, &limits, NULL), STATUS_LIMIT);
	}
}

// rkt:U-11: a window is refused before it is allocated.
static void bounds_windows(void **unused)
{
	(void)unused;
	static const char zstd[] = "\x28\xb5\x2f\xfd\x00\xff\x01\x00\x00"; // window descriptor 0xff: far above any limit
	buf_auto packed = { 0 };
	buf_add(&packed, zstd, sizeof zstd - 1);
	assert_int_equal(decode(&packed, 100, &codec_default_limits, NULL), STATUS_LIMIT);
	buf_free(&packed);
	struct codec_limits small = codec_default_limits;
	compress_with(CODEC_XZ, &packed, "x", 1);
	small.memory = 100000; // level 1 asks for a dictionary of 1 MiB
	assert_int_equal(decode(&packed, 100, &small, NULL), STATUS_LIMIT);
}

static ssize_t disk_error(void *context, void *data, size_t length, struct err *e)
{
	(void)context, (void)data, (void)length;
	return err_set(e, STATUS_SYSTEM, "disk");
}

static void hands_on_the_failure_of_the_source(void **unused)
{
	(void)unused;
	struct err e = { 0 };
	assert_null(codec_open(disk_error, NULL, &codec_default_limits, &e));
	assert_int_equal(e.status, STATUS_SYSTEM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(recognises_by_content),
		cmocka_unit_test(round_trips_in_any_pieces),
		cmocka_unit_test(joined_members_are_one_stream),
		cmocka_unit_test(refuses_rubbish_and_cuts),
		cmocka_unit_test(stops_bombs),
		cmocka_unit_test(bounds_windows),
		cmocka_unit_test(hands_on_the_failure_of_the_source),
	};
	return cmocka_run_group_tests_name("codec", tests, NULL, NULL);
}
