// Decompression of anything, in pieces as small as the first byte says.
// SPDX-License-Identifier: Apache-2.0
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "image/codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length);

struct source {
	const uint8_t *at;
	size_t left, piece;
};

static ssize_t give(void *context, void *out, size_t length, struct err *e)
{
	struct source *s = context;
	size_t n = s->left < s->piece ? s->left : s->piece;
	(void)e;
	n = n < length ? n : length;
	memcpy(out, s->at, n);
	s->at += n;
	s->left -= n;
	return (ssize_t)n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
	static char out[65536];
	const struct codec_limits limits = { .output = 8 << 20, .ratio = 1000, .memory = 8 << 20 };
	if (!length)
		return 0;
	struct source source = { data + 1, length - 1, (size_t)data[0] * 16 + 1 };
	struct err e = { 0 };
	struct codec_reader *r = codec_open(give, &source, &limits, &e);
	if (!r)
		return 0;
	while (codec_read(r, out, sizeof out, &e) > 0)
		;
	codec_close(r);
	return 0;
}
