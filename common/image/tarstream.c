// tarstream.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>
#include <string.h>

#include "base/io.h"
#include "image/tarstream.h"

static ssize_t next_piece(struct tarstream *s, struct err *e)
{
	if (!s->own)
		return s->pieces(s->context, &s->at, e);
	s->at = s->own;
	return s->source(s->context, s->own, IO_CHUNK, e);
}

// Makes at least one byte available: 1, or 0 at the end of the source, or -1.
static int more(struct tarstream *s, struct err *e)
{
	if (s->at < s->end)
		return 1;
	ssize_t n = next_piece(s, e);
	s->end = n > 0 ? s->at + n : s->at;
	return n < 0 ? -1 : n > 0;
}

int tarstream_truncated(struct err *e)
{
	return err_set(e, STATUS_MALFORMED, "tar archive: truncated");
}

int64_t tarstream_lend(struct tarstream *s, int64_t most, const char **data, struct err *e)
{
	int got = more(s, e);
	if (got <= 0)
		return got < 0 ? -1 : tarstream_truncated(e);
	int64_t n = s->end - s->at < most ? s->end - s->at : most;
	*data = s->at;
	s->at += n;
	s->offset += n;
	return n;
}

void tarstream_give_back(struct tarstream *s, int64_t length)
{
	s->at -= length;
	s->offset -= length;
}

int tarstream_skip(struct tarstream *s, int64_t length, struct err *e)
{
	const char *unused;
	while (length) {
		int64_t n = tarstream_lend(s, length, &unused, e);
		if (n < 0)
			return -1;
		length -= n;
	}
	return 0;
}

const struct tarhead_block *tarstream_block(struct tarstream *s, struct err *e)
{
	if (more(s, e) <= 0)
		return NULL;
	const char *data = NULL;
	if (s->end - s->at >= TAR_BLOCK) {
		tarstream_lend(s, TAR_BLOCK, &data, e);
		return (const struct tarhead_block *)data;
	}
	for (int64_t got = 0, n; got < TAR_BLOCK; got += n) {
		n = tarstream_lend(s, TAR_BLOCK - got, &data, e);
		if (n < 0)
			return NULL;
		memcpy((char *)&s->block + got, data, (size_t)n);
	}
	return &s->block;
}

int64_t tarstream_padding(int64_t size)
{
	return -size & (TAR_BLOCK - 1);
}

int tarstream_body(struct tarstream *s, int64_t size, int64_t limit, const char *what, struct buf *body, struct err *e)
{
	if (size > limit)
		return err_set(e, STATUS_LIMIT, "tar archive: %s of %" PRId64 " bytes: the limit is %" PRId64, what, size, limit);
	body->length = 0;
	buf_reserve(body, (size_t)size);
	for (int64_t left = size; left;) {
		const char *data = NULL;
		int64_t n = tarstream_lend(s, left, &data, e);
		if (n < 0)
			return -1;
		buf_add(body, data, (size_t)n);
		left -= n;
	}
	return tarstream_skip(s, tarstream_padding(size), e);
}

int tarstream_finish(struct tarstream *s, struct err *e)
{
	int got;
	while ((got = more(s, e)) > 0) {
		if (!tarhead_is_zero(s->at, (size_t)(s->end - s->at)))
			return err_set(e, STATUS_MALFORMED, "tar archive: bytes other than zeros behind its end");
		s->offset += s->end - s->at;
		s->at = s->end;
	}
	return got;
}
