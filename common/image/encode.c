// encode.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <zstd.h>

#include "base/io.h"
#include "base/mem.h"
#include "image/encode.h"
#include "image/gzipwrite.h"

enum {
	ZSTD_JOB = 2 * 1024 * 1024
}; // what one thread takes: 6 MB of memory for each, and the stream is 0.6 % larger than by 8 MB

struct encoder {
	encode_sink *sink;
	void *context;
	struct gzipwrite *gzip;
	ZSTD_CCtx *zstd;
	char *made; // IO_CHUNK bytes of zstd's
};

// ---- zstd (RFC 8878) ----

// The job size is fixed, and there is at least one worker: with one that compressed in the caller's thread the stream would be another.
static int start_zstd(struct encoder *c, const struct encode_options *options, struct err *e)
{
	static const struct {
		ZSTD_cParameter parameter;
		int value;
	} fixed[] = { { ZSTD_c_checksumFlag, 1 }, { ZSTD_c_jobSize, ZSTD_JOB } };
	c->zstd = ZSTD_createCCtx();
	c->made = mem_alloc(IO_CHUNK);
	size_t result = c->zstd ? ZSTD_CCtx_setParameter(c->zstd, ZSTD_c_compressionLevel, options->level) : (size_t)-1;
	if (!ZSTD_isError(result))
		result = ZSTD_CCtx_setParameter(c->zstd, ZSTD_c_nbWorkers, (int)options->jobs);
	for (size_t i = 0; i < ARRAY_LENGTH(fixed) && !ZSTD_isError(result); i++)
		result = ZSTD_CCtx_setParameter(c->zstd, fixed[i].parameter, fixed[i].value);
	return ZSTD_isError(result) ? err_set(e, STATUS_SYSTEM, "libzstd cannot start: %s", ZSTD_getErrorName(result)) : 0;
}

static int run_zstd(struct encoder *c, const void *data, size_t length, ZSTD_EndDirective end, struct err *e)
{
	ZSTD_inBuffer in = { data, length, 0 };
	size_t left;
	do {
		ZSTD_outBuffer out = { c->made, IO_CHUNK, 0 };
		left = ZSTD_compressStream2(c->zstd, &out, &in, end);
		if (ZSTD_isError(left))
			return err_set(e, STATUS_SYSTEM, "libzstd cannot compress: %s", ZSTD_getErrorName(left));
		if (out.pos && c->sink(c->context, c->made, out.pos, e) < 0)
			return -1;
	} while (end == ZSTD_e_end ? left != 0 : in.pos < in.size);
	return 0;
}

// ---- any ----

struct encoder *encode_start(const struct encode_options *options, encode_sink *sink, void *context, struct err *e)
{
	struct encoder *c = mem_alloc(sizeof *c);
	*c = (struct encoder){ .sink = sink, .context = context };
	if (options->codec == CODEC_GZIP)
		c->gzip = gzipwrite_start(options->jobs, sink, context, e);
	else if (options->codec == CODEC_ZSTD)
		start_zstd(c, options, e);
	if (!e->status)
		return c;
	encode_free(c);
	return NULL;
}

int encode_add(struct encoder *c, const void *data, size_t length, struct err *e)
{
	if (c->gzip)
		return gzipwrite_add(c->gzip, data, length, e);
	return c->zstd ? run_zstd(c, data, length, ZSTD_e_continue, e) : c->sink(c->context, data, length, e);
}

int encode_finish(struct encoder *c, struct err *e)
{
	if (c->gzip)
		return gzipwrite_finish(c->gzip, e);
	return c->zstd ? run_zstd(c, NULL, 0, ZSTD_e_end, e) : 0;
}

void encode_free(struct encoder *c)
{
	if (!c)
		return;
	gzipwrite_free(c->gzip);
	ZSTD_freeCCtx(c->zstd);
	free(c->made);
	free(c);
}
