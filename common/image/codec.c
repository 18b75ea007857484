// codec.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <bzlib.h>
#include <inttypes.h>
#include <isa-l/igzip_lib.h>
#include <lzma.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#define ZSTD_STATIC_LINKING_ONLY
#include <zstd.h>
#include <zstd_errors.h>

#include "base/io.h"
#include "base/mem.h"
#include "image/codec.h"

#define RATIO_FREE ((int64_t)16 << 20) // what may come out before the ratio counts: small inputs of zeros are harmless

const struct codec_limits codec_default_limits = CODEC_DEFAULT_LIMITS;

struct codec_reader {
	codec_source *source;
	void *context;
	struct codec_limits limits;
	enum codec codec;
	unsigned char *input; // IO_CHUNK bytes, of which at..end are unread
	size_t at, end;
	bool source_ended;
	bool in_member; // between the first byte of a member and the last of its trailer
	int64_t bytes_in, bytes_out;
	union {
		struct inflate_state *gzip;
		bz_stream bzip2;
		lzma_stream xz;
		ZSTD_DCtx *zstd;
	} of;
};

// One call into a library: consumes from r->input, writes at most length bytes to data.
struct step {
	ssize_t made;
	bool member_ended;
};

struct method {
	const char *name;
	int (*start)(struct codec_reader *r, struct err *e); // before each member
	int (*step)(struct codec_reader *r, void *data, size_t length, struct step *step, struct err *e);
	void (*end)(struct codec_reader *r);
};

static int damaged(const struct codec_reader *r, const char *why, struct err *e)
{
	return err_set(e, STATUS_MALFORMED, "%s stream: damaged near byte %" PRId64 ": %s", codec_name(r->codec),
		r->bytes_in - (int64_t)(r->end - r->at), why);
}

static int too_much_memory(const struct codec_reader *r, struct err *e)
{
	return err_set(e, STATUS_LIMIT, "%s stream: its window needs more than the limit of %" PRId64 " bytes of memory",
		codec_name(r->codec), r->limits.memory);
}

// ---- gzip (RFC 1952), by ISA-L ----

static int gzip_start(struct codec_reader *r, struct err *e)
{
	(void)e;
	if (!r->of.gzip)
		r->of.gzip = mem_alloc(sizeof *r->of.gzip);
	isal_inflate_init(r->of.gzip);
	r->of.gzip->crc_flag = ISAL_GZIP; // header, CRC-32 and length are its business
	return 0;
}

static int gzip_step(struct codec_reader *r, void *data, size_t length, struct step *step, struct err *e)
{
	struct inflate_state *s = r->of.gzip;
	s->next_in = r->input + r->at;
	s->avail_in = (uint32_t)(r->end - r->at);
	s->next_out = data;
	s->avail_out = (uint32_t)length;
	int result = isal_inflate(s);
	r->at = r->end - s->avail_in;
	step->made = (ssize_t)(length - s->avail_out);
	step->member_ended = s->block_state == ISAL_BLOCK_FINISH;
	if (result == ISAL_INCORRECT_CHECKSUM)
		return damaged(r, "checksum mismatch", e);
	return result < 0 || result == ISAL_NEED_DICT ? damaged(r, "not deflate data", e) : 0;
}

static void gzip_end(struct codec_reader *r)
{
	free(r->of.gzip);
}

// ---- bzip2 ----

static int bzip2_start(struct codec_reader *r, struct err *e)
{
	BZ2_bzDecompressEnd(&r->of.bzip2); // of the member before; harmless on a zeroed one
	r->of.bzip2 = (bz_stream){ 0 };
	return BZ2_bzDecompressInit(&r->of.bzip2, 0, 0) == BZ_OK ? 0 : err_set(e, STATUS_SYSTEM, "libbz2 cannot start");
}

static int bzip2_step(struct codec_reader *r, void *data, size_t length, struct step *step, struct err *e)
{
	bz_stream *s = &r->of.bzip2;
	s->next_in = (char *)r->input + r->at;
	s->avail_in = (unsigned)(r->end - r->at);
	s->next_out = data;
	s->avail_out = (unsigned)length;
	int result = BZ2_bzDecompress(s);
	r->at = r->end - s->avail_in;
	step->made = (ssize_t)(length - s->avail_out);
	step->member_ended = result == BZ_STREAM_END;
	return result == BZ_OK || result == BZ_STREAM_END ? 0 : damaged(r, "not bzip2 data, or a checksum mismatch", e);
}

static void bzip2_end(struct codec_reader *r)
{
	BZ2_bzDecompressEnd(&r->of.bzip2);
}

// ---- xz: joined streams and the zero padding its format allows between them are liblzma's business ----

static int xz_start(struct codec_reader *r, struct err *e)
{
	const uint32_t flags = LZMA_CONCATENATED | LZMA_TELL_UNSUPPORTED_CHECK;
	lzma_end(&r->of.xz);
	r->of.xz = (lzma_stream)LZMA_STREAM_INIT;
	lzma_ret result = lzma_stream_decoder(&r->of.xz, (uint64_t)r->limits.memory, flags);
	return result == LZMA_OK ? 0 : err_set(e, STATUS_SYSTEM, "liblzma cannot start");
}

static int xz_step(struct codec_reader *r, void *data, size_t length, struct step *step, struct err *e)
{
	lzma_stream *s = &r->of.xz;
	s->next_in = r->input + r->at;
	s->avail_in = r->end - r->at;
	s->next_out = data;
	s->avail_out = length;
	lzma_ret result = lzma_code(s, r->source_ended ? LZMA_FINISH : LZMA_RUN);
	r->at = r->end - s->avail_in;
	step->made = (ssize_t)(length - s->avail_out);
	step->member_ended = result == LZMA_STREAM_END;
	if (result == LZMA_OK || result == LZMA_STREAM_END || result == LZMA_BUF_ERROR)
		return 0; // LZMA_BUF_ERROR is no progress: codec_read tells truncation by it
	if (result == LZMA_MEMLIMIT_ERROR)
		return too_much_memory(r, e);
	return damaged(r, result == LZMA_UNSUPPORTED_CHECK ? "unknown kind of checksum" : "not xz data, or a checksum mismatch",
		e);
}

static void xz_end(struct codec_reader *r)
{
	lzma_end(&r->of.xz);
}

// ---- zstd (RFC 8878) ----

static int zstd_start(struct codec_reader *r, struct err *e)
{
	if (!r->of.zstd)
		r->of.zstd = ZSTD_createDCtx();
	if (!r->of.zstd)
		return err_set(e, STATUS_SYSTEM, "libzstd cannot start");
	ZSTD_DCtx_reset(r->of.zstd, ZSTD_reset_session_only);
	ZSTD_DCtx_setMaxWindowSize(r->of.zstd, r->limits.memory < 1024 ? 1024 : (size_t)r->limits.memory);
	return 0;
}

static int zstd_step(struct codec_reader *r, void *data, size_t length, struct step *step, struct err *e)
{
	ZSTD_inBuffer in = { r->input + r->at, r->end - r->at, 0 };
	ZSTD_outBuffer out = { data, length, 0 };
	size_t result = ZSTD_decompressStream(r->of.zstd, &out, &in);
	r->at += in.pos;
	step->made = (ssize_t)out.pos;
	step->member_ended = result == 0;
	if (!ZSTD_isError(result))
		return 0;
	if (ZSTD_getErrorCode(result) == ZSTD_error_frameParameter_windowTooLarge)
		return too_much_memory(r, e);
	return damaged(r, ZSTD_getErrorName(result), e);
}

static void zstd_end(struct codec_reader *r)
{
	ZSTD_freeDCtx(r->of.zstd);
}

static const struct method methods[] = {
	[CODEC_NONE] = { .name = "uncompressed" },
	[CODEC_GZIP] = { "gzip", gzip_start, gzip_step, gzip_end },
	[CODEC_BZIP2] = { "bzip2", bzip2_start, bzip2_step, bzip2_end },
	[CODEC_XZ] = { "xz", xz_start, xz_step, xz_end },
	[CODEC_ZSTD] = { "zstd", zstd_start, zstd_step, zstd_end },
};

const char *codec_name(enum codec codec)
{
	return methods[codec].name;
}

enum codec codec_recognise(const void *start, size_t length)
{
	const unsigned char *b = start;
	if (length >= 3 && !memcmp(b, "\x1f\x8b\x08", 3))
		return CODEC_GZIP;
	if (length >= 6 && !memcmp(b, "BZh", 3) && b[3] >= '1' && b[3] <= '9' &&
		(!memcmp(b + 4, "1A", 2) || !memcmp(b + 4, "\x17\x72", 2)))
		return CODEC_BZIP2; // behind the level comes a block or, when there is none, the end
	if (length >= 6 &&
		!memcmp(b,
			"\xfd"
			"7zXZ",
			6))
		return CODEC_XZ;
	if (length >= 4 && (!memcmp(b, "\x28\xb5\x2f\xfd", 4) || (b[0] >> 4 == 5 && !memcmp(b + 1, "\x2a\x4d\x18", 3))))
		return CODEC_ZSTD; // a frame, or a skippable one as pzstd and zstd:chunked write
	return CODEC_NONE;
}

// Reads until `least` unread bytes are in the buffer or the source ended.
static int fill(struct codec_reader *r, size_t least, struct err *e)
{
	if (r->end - r->at >= least)
		return 0;
	memmove(r->input, r->input + r->at, r->end - r->at);
	r->end -= r->at;
	r->at = 0;
	while (r->end < least && !r->source_ended) {
		ssize_t n = r->source(r->context, r->input + r->end, IO_CHUNK - r->end, e);
		if (n < 0)
			return -1;
		r->source_ended = n == 0;
		r->end += (size_t)n;
		r->bytes_in += n;
	}
	return 0;
}

struct codec_reader *codec_open(codec_source *source, void *context, const struct codec_limits *limits, struct err *e)
{
	struct codec_reader *r = mem_alloc(sizeof *r);
	r->source = source;
	r->context = context;
	r->limits = *limits;
	r->input = mem_alloc(IO_CHUNK);
	if (fill(r, CODEC_MAGIC_BYTES, e) < 0) {
		codec_close(r);
		return NULL;
	}
	r->codec = codec_recognise(r->input, r->end);
	return r;
}

enum codec codec_of(const struct codec_reader *r)
{
	return r->codec;
}

static int count_output(struct codec_reader *r, ssize_t made, struct err *e)
{
	r->bytes_out += made;
	if (r->bytes_out > r->limits.output)
		return err_set(e, STATUS_LIMIT, "%s stream: more comes out than the limit of %" PRId64 " bytes",
			codec_name(r->codec), r->limits.output);
	int64_t used = r->bytes_in - (int64_t)(r->end - r->at);
	if (r->codec != CODEC_NONE && r->bytes_out > RATIO_FREE && r->bytes_out / r->limits.ratio > used)
		return err_set(e, STATUS_LIMIT, "%s stream: expands to more than %" PRId64 " times its size",
			codec_name(r->codec), r->limits.ratio);
	return 0;
}

// Without compression the reader's buffer holds only what codec_open looked at.
static ssize_t read_plain(struct codec_reader *r, void *data, size_t length, struct err *e)
{
	ssize_t n = (ssize_t)(r->end - r->at < length ? r->end - r->at : length);
	if (n) {
		memcpy(data, r->input + r->at, (size_t)n);
		r->at += (size_t)n;
	} else if (!r->source_ended) {
		n = r->source(r->context, data, length, e);
		r->source_ended = n == 0;
		r->bytes_in += n > 0 ? n : 0;
	}
	return n <= 0 || count_output(r, n, e) == 0 ? n : -1;
}

// At the end of the stream, or at the start of one more member: 0, with r->in_member saying which.
static int next_member(struct codec_reader *r, struct err *e)
{
	if (fill(r, CODEC_MAGIC_BYTES, e) < 0)
		return -1;
	if (r->at == r->end)
		return 0;
	if (codec_recognise(r->input + r->at, r->end - r->at) != r->codec)
		return err_set(e, STATUS_MALFORMED, "%s stream: bytes behind its end", codec_name(r->codec));
	r->in_member = true;
	return methods[r->codec].start(r, e);
}

ssize_t codec_read(struct codec_reader *r, void *data, size_t length, struct err *e)
{
	if (r->codec == CODEC_NONE)
		return read_plain(r, data, length, e);
	for (;;) {
		if (!r->in_member && next_member(r, e) < 0)
			return -1;
		if (!r->in_member)
			return 0;
		if (fill(r, 1, e) < 0)
			return -1;
		bool starved = r->at == r->end;
		struct step step = { 0 };
		if (methods[r->codec].step(r, data, length, &step, e) < 0 || count_output(r, step.made, e) < 0)
			return -1;
		r->in_member = !step.member_ended;
		if (step.made)
			return step.made;
		if (starved && r->in_member)
			return err_set(e, STATUS_MALFORMED, "%s stream: truncated", codec_name(r->codec));
	}
}

void codec_close(struct codec_reader *r)
{
	if (!r)
		return;
	if (methods[r->codec].end)
		methods[r->codec].end(r);
	free(r->input);
	free(r);
}
