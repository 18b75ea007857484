// runs.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"
#include "tuf/runs.h"

// A pair in memory or in a run: its two lengths, then the bytes.
struct head {
	uint32_t key, value;
};

struct run {               // one being read
	off_t at, end;     // of what is still in the file
	struct buf buffer; // zero-length when the run is at its end
	size_t used, pair; // bytes of buffer that are done with; length of the pair at hand
};

struct runs {
	size_t memory;
	struct buf arena;
	size_t *pairs; // offsets into arena
	size_t count, room, next;
	int spool;
	struct run *runs;
	size_t run_count;
	struct run *current; // whose pair was handed out
};

struct runs *runs_new(size_t memory)
{
	struct runs *r = mem_alloc(sizeof *r);
	r->memory = memory;
	r->spool = -1;
	return r;
}

void runs_free(struct runs *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->run_count; i++)
		buf_free(&r->runs[i].buffer);
	buf_free(&r->arena);
	if (r->spool >= 0)
		close(r->spool);
	free(r->pairs);
	free(r->runs);
	free(r);
}

static int compare(const char *a, const char *b)
{
	struct head x, y;
	memcpy(&x, a, sizeof x);
	memcpy(&y, b, sizeof y);
	int order = memcmp(a + sizeof x, b + sizeof y, x.key < y.key ? x.key : y.key);
	return order ? order : (x.key > y.key) - (x.key < y.key);
}

static int by_key(const void *a, const void *b, void *arena)
{
	size_t x = *(const size_t *)a, y = *(const size_t *)b;
	int order = compare((const char *)arena + x, (const char *)arena + y);
	return order ? order : (x > y) - (x < y);
}

static size_t pair_length(const char *pair)
{
	struct head h;
	memcpy(&h, pair, sizeof h);
	return sizeof h + h.key + h.value;
}

static void sort_arena(struct runs *r)
{
	if (r->count)
		qsort_r(r->pairs, r->count, sizeof *r->pairs, by_key, r->arena.data);
}

// Writes what is in memory as one run behind the others.
static int spill(struct runs *r, struct err *e)
{
	buf_auto out = { 0 };
	if (r->spool < 0 && (r->spool = io_spool(e)) < 0)
		return -1;
	sort_arena(r);
	struct run run = { .at = lseek(r->spool, 0, SEEK_END) };
	for (size_t i = 0; i < r->count; i++) {
		const char *pair = r->arena.data + r->pairs[i];
		buf_add(&out, pair, pair_length(pair));
		if (out.length < IO_CHUNK && i + 1 < r->count)
			continue;
		if (io_write_all(r->spool, out.data, out.length) < 0)
			return err_system(e, "temporary file: cannot write");
		out.length = 0;
	}
	run.end = lseek(r->spool, 0, SEEK_END);
	r->runs = mem_resize(r->runs, r->run_count + 1, sizeof *r->runs);
	r->runs[r->run_count++] = run;
	r->arena.length = r->count = 0;
	return 0;
}

int runs_add(struct runs *r, const struct canon_span *key, const struct canon_span *value, struct err *e)
{
	struct head h = { (uint32_t)key->length, (uint32_t)value->length };
	if (key->length > INT32_MAX || value->length > INT32_MAX)
		return err_set(e, STATUS_LIMIT, "an entry of more than 2 GiB");
	if (r->count == r->room) {
		r->room = r->room ? 2 * r->room : 1024;
		r->pairs = mem_resize(r->pairs, r->room, sizeof *r->pairs);
	}
	r->pairs[r->count++] = r->arena.length;
	buf_add(&r->arena, (const char *)&h, sizeof h);
	buf_add(&r->arena, key->text, key->length);
	buf_add(&r->arena, value->text, value->length);
	return r->arena.length >= r->memory ? spill(r, e) : 0;
}

int runs_sort(struct runs *r, struct err *e)
{
	if (!r->run_count) {
		sort_arena(r);
		return 0;
	}
	if (r->count && spill(r, e) < 0)
		return -1;
	buf_free(&r->arena);
	return 0;
}

// Makes the next pair of a run stand whole in its buffer.
static int fill(struct runs *r, struct run *run, struct err *e)
{
	run->used += run->pair;
	run->pair = 0;
	for (size_t wanted = sizeof(struct head);;) {
		size_t there = run->buffer.length - run->used;
		if (there >= sizeof(struct head))
			wanted = pair_length(run->buffer.data + run->used);
		if (there >= wanted) {
			run->pair = wanted;
			return 0;
		}
		if (run->at == run->end)
			return 0; // used up: pair stays 0
		size_t more = wanted > IO_CHUNK ? wanted : IO_CHUNK;
		if ((off_t)more > run->end - run->at)
			more = (size_t)(run->end - run->at);
		if (there)
			memmove(run->buffer.data, run->buffer.data + run->used, there);
		run->buffer.length = there;
		run->used = 0;
		buf_reserve(&run->buffer, more);
		ssize_t n = pread(r->spool, run->buffer.data + there, more, run->at);
		if (n <= 0)
			return err_system(e, "temporary file: cannot read");
		run->buffer.length += (size_t)n;
		run->at += n;
	}
}

static void take(const char *pair, struct canon_span *key, struct canon_span *value)
{
	struct head h;
	memcpy(&h, pair, sizeof h);
	*key = (struct canon_span){ pair + sizeof h, h.key };
	*value = (struct canon_span){ pair + sizeof h + h.key, h.value };
}

int runs_next(struct runs *r, struct canon_span *key, struct canon_span *value, struct err *e)
{
	if (!r->run_count) {
		if (r->next == r->count)
			return 0;
		take(r->arena.data + r->pairs[r->next++], key, value);
		return 1;
	}
	struct run *least = NULL;
	for (size_t i = 0; i < r->run_count; i++) {
		struct run *run = &r->runs[i];
		if ((!r->current || run == r->current) && fill(r, run, e) < 0)
			return -1;
		// of equal keys the earlier run holds the one added first
		if (run->pair && (!least || compare(run->buffer.data + run->used, least->buffer.data + least->used) < 0))
			least = run;
	}
	if (!least)
		return 0;
	r->current = least;
	take(least->buffer.data + least->used, key, value);
	return 1;
}
