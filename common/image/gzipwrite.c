// gzipwrite.h says what these promise. A block ends with a full flush, which leaves it on a byte's edge and without a look back, so
// that blocks can be laid one behind the other.
// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <isa-l/crc.h>
#include <isa-l/igzip_lib.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "image/gzipwrite.h"

// Level 2 of ISA-L gives the same bytes by SSE4.2, AVX2 and AVX-512, level 3 does not; with tokens for smaller deflate blocks than its
// default it is 1 % smaller, in 10 % more time.
enum {
	BLOCK = 256 * 1024,
	ROOM = 2 * BLOCK,
	BLOCKS = 8, // for each thread: with 2 the threads wait 4 % longer for the one that writes
	LEVEL = 2,
	WORK_AREA = ISAL_DEF_LVL2_SMALL
};

struct block {
	unsigned char *in, *out; // BLOCK and ROOM bytes
	size_t length, made;
	bool done, failed;
};

struct gzipwrite {
	encode_sink *sink;
	void *context;
	struct block *blocks; // number i of the stream lies at i % count
	size_t count;
	size_t filled;                // bytes in the block that is being filled: the caller's own
	size_t given, taken, written; // blocks handed over, begun, and written
	bool ended;
	uint32_t crc, size; // of what was added; the size modulo 2^32
	pthread_mutex_t lock;
	pthread_cond_t changed;
	pthread_t *threads;
	size_t started;
};

// ---- the threads ----

static void compress_block(struct block *b, struct isal_zstream *z, unsigned char *work_area)
{
	isal_deflate_init(z);
	z->level = LEVEL;
	z->level_buf = work_area;
	z->level_buf_size = WORK_AREA;
	z->gzip_flag = IGZIP_DEFLATE;
	z->flush = FULL_FLUSH;
	z->next_in = b->in;
	z->avail_in = (uint32_t)b->length;
	z->next_out = b->out;
	z->avail_out = ROOM;
	b->failed = isal_deflate(z) != COMP_OK || z->avail_in || !z->avail_out;
	b->made = ROOM - z->avail_out;
}

// Waits for a block. NULL at the end of the stream.
static struct block *take_block(struct gzipwrite *g)
{
	pthread_mutex_lock(&g->lock);
	while (g->taken == g->given && !g->ended)
		pthread_cond_wait(&g->changed, &g->lock);
	struct block *b = g->taken == g->given ? NULL : &g->blocks[g->taken++ % g->count];
	pthread_mutex_unlock(&g->lock);
	return b;
}

static void *work(void *gzipwrite)
{
	struct gzipwrite *g = gzipwrite;
	mem_auto struct isal_zstream *z = mem_alloc(sizeof *z);
	mem_auto unsigned char *work_area = mem_alloc(WORK_AREA);
	for (struct block *b; (b = take_block(g));) {
		compress_block(b, z, work_area);
		pthread_mutex_lock(&g->lock);
		b->done = true;
		pthread_cond_broadcast(&g->changed);
		pthread_mutex_unlock(&g->lock);
	}
	return NULL;
}

// ---- the caller's side ----

// Writes the oldest block that is not written yet.
static int write_block(struct gzipwrite *g, struct err *e)
{
	struct block *b = &g->blocks[g->written++ % g->count];
	pthread_mutex_lock(&g->lock);
	while (!b->done)
		pthread_cond_wait(&g->changed, &g->lock);
	b->done = false;
	pthread_mutex_unlock(&g->lock);
	return b->failed ? err_set(e, STATUS_SYSTEM, "ISA-L cannot compress") : g->sink(g->context, b->out, b->made, e);
}

static int hand_over(struct gzipwrite *g, struct err *e)
{
	pthread_mutex_lock(&g->lock);
	g->blocks[g->given++ % g->count].length = g->filled;
	g->filled = 0;
	pthread_cond_broadcast(&g->changed);
	pthread_mutex_unlock(&g->lock);
	return g->given - g->written == g->count ? write_block(g, e) : 0;
}

int gzipwrite_add(struct gzipwrite *g, const void *data, size_t length, struct err *e)
{
	g->crc = crc32_gzip_refl(g->crc, data, length);
	g->size += (uint32_t)length;
	while (length) {
		size_t n = length < BLOCK - g->filled ? length : BLOCK - g->filled;
		memcpy(g->blocks[g->given % g->count].in + g->filled, data, n);
		data = (const char *)data + n;
		length -= n;
		g->filled += n;
		if (g->filled == BLOCK && hand_over(g, e) < 0)
			return -1;
	}
	return 0;
}

static void put_le32(unsigned char *to, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		to[i] = (unsigned char)(value >> (8 * i));
}

int gzipwrite_finish(struct gzipwrite *g, struct err *e)
{
	unsigned char end[10] = { 3, 0 }; // an empty block with fixed codes, the last one
	if (g->filled && hand_over(g, e) < 0)
		return -1;
	while (g->written < g->given)
		if (write_block(g, e) < 0)
			return -1;
	put_le32(end + 2, g->crc);
	put_le32(end + 6, g->size);
	return g->sink(g->context, end, sizeof end, e);
}

struct gzipwrite *gzipwrite_start(size_t jobs, encode_sink *sink, void *context, struct err *e)
{
	static const unsigned char header[10] = { 0x1f, 0x8b, 8, [9] = 3 }; // no name, no time, of Unix
	struct gzipwrite *g = mem_alloc(sizeof *g);
	*g = (struct gzipwrite){ .sink = sink, .context = context, .count = BLOCKS * jobs + 1 };
	pthread_mutex_init(&g->lock, NULL);
	pthread_cond_init(&g->changed, NULL);
	g->threads = mem_alloc(jobs * sizeof *g->threads);
	g->blocks = mem_alloc(g->count * sizeof *g->blocks);
	for (size_t i = 0; i < g->count; i++) {
		g->blocks[i].in = mem_alloc(BLOCK);
		g->blocks[i].out = mem_alloc(ROOM);
	}
	for (; g->started < jobs; g->started++) {
		errno = pthread_create(&g->threads[g->started], NULL, work, g);
		if (errno) {
			err_system(e, "cannot start a thread");
			break;
		}
	}
	if (!e->status && sink(context, header, sizeof header, e) == 0)
		return g;
	gzipwrite_free(g);
	return NULL;
}

void gzipwrite_free(struct gzipwrite *g)
{
	if (!g)
		return;
	pthread_mutex_lock(&g->lock);
	g->ended = true;
	g->taken = g->given; // what nobody has begun is not wanted any more
	pthread_cond_broadcast(&g->changed);
	pthread_mutex_unlock(&g->lock);
	for (size_t i = 0; i < g->started; i++)
		pthread_join(g->threads[i], NULL);
	for (size_t i = 0; i < g->count; i++) {
		free(g->blocks[i].in);
		free(g->blocks[i].out);
	}
	pthread_mutex_destroy(&g->lock);
	pthread_cond_destroy(&g->changed);
	free(g->blocks);
	free(g->threads);
	free(g);
}
