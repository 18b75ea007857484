// tarsparse.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "image/tarsparse.h"

int tarsparse_add(struct tarsparse *s, int64_t offset, int64_t length, struct err *e)
{
	if (s->count == TARSPARSE_PIECES_MAX)
		return err_set(e, STATUS_LIMIT, "sparse file: more than the limit of %d pieces", TARSPARSE_PIECES_MAX);
	if (s->count == s->room) {
		s->room = s->room ? 2 * s->room : 16;
		s->pieces = mem_resize(s->pieces, s->room, sizeof *s->pieces);
	}
	s->pieces[s->count++] = (struct tarsparse_piece){ offset, length };
	return 0;
}

void tarsparse_free(struct tarsparse *s)
{
	free(s->pieces);
	*s = (struct tarsparse){ 0 };
}

int tarsparse_check(const struct tarsparse *s, int64_t full, int64_t stored, struct err *e)
{
	int64_t end = 0, held = 0;
	for (size_t i = 0; i < s->count; i++) {
		const struct tarsparse_piece *p = &s->pieces[i];
		if (p->offset < end || p->length < 0 || p->offset > full || p->length > full - p->offset)
			return err_set(e, STATUS_MALFORMED, "sparse file: its map overlaps or leaves the file");
		end = p->offset + p->length;
		held += p->length; // cannot overflow: the pieces do not overlap
	}
	if (held != stored)
		return err_set(e, STATUS_MALFORMED, "sparse file: its map and its data differ in size");
	return 0;
}

int tarsparse_number(const char **at, const char *end, char stop, int64_t *out, struct err *e)
{
	const char *start = *at;
	int64_t value = 0;
	for (; *at < end && **at >= '0' && **at <= '9'; ++*at)
		if (__builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, **at - '0', &value))
			return err_set(e, STATUS_MALFORMED, "sparse file: a number in its map is out of range");
	if (*at == start || *at == end || **at != stop)
		return err_set(e, STATUS_MALFORMED, "sparse file: its map is not a list of numbers");
	++*at;
	*out = value;
	return 0;
}

int tarsparse_parse_list(struct tarsparse *s, const char *text, struct err *e)
{
	const char *end = text + strlen(text) + 1; // the NUL ends the last number
	while (*text) {
		int64_t offset, length;
		bool last = !strchr(strchr(text, ',') ? strchr(text, ',') + 1 : text, ',');
		if (tarsparse_number(&text, end, ',', &offset, e) < 0 ||
			tarsparse_number(&text, end, last ? '\0' : ',', &length, e) < 0 ||
			tarsparse_add(s, offset, length, e) < 0)
			return -1;
		if (last)
			break;
	}
	return 0;
}

int tarsparse_read_gnu(struct tarsparse *s, struct tarstream *from, const struct tarhead_block *h, int64_t *full, struct err *e)
{
	const char *field = (const char *)h + 386;
	bool extended = ((const char *)h)[482];
	int64_t offset, length;
	if (tarhead_number((const char *)h + 483, 12, false, "realsize", full, e) < 0)
		return -1;
	for (int left = 4;; left = 21, field = (const char *)h, extended = field[504]) {
		for (; left-- && field[0]; field += 24)
			if (tarhead_number(field, 12, false, "sparse offset", &offset, e) < 0 ||
				tarhead_number(field + 12, 12, false, "sparse length", &length, e) < 0 ||
				tarsparse_add(s, offset, length, e) < 0)
				return -1;
		if (!extended)
			break;
		h = tarstream_block(from, e);
		if (!h)
			return e->status ? -1 : tarstream_truncated(e);
	}
	return 0;
}

int tarsparse_read_pax(struct tarsparse *s, struct tarstream *from, int64_t *stored, struct err *e)
{
	char text[2 * TAR_BLOCK];
	size_t held = 0;
	int64_t count = -1, numbers = 0, last = 0, number = 0;
	while (count < 0 || numbers < 2 * count) {
		const struct tarhead_block *block = *stored < TAR_BLOCK ? NULL : tarstream_block(from, e);
		if (!block)
			return e->status ? -1 : err_set(e, STATUS_MALFORMED, "sparse file: its map is cut");
		*stored -= TAR_BLOCK;
		memcpy(text + held, block, TAR_BLOCK);
		held += TAR_BLOCK;
		const char *at = text, *end = text + held;
		while ((count < 0 || numbers < 2 * count) && memchr(at, '\n', (size_t)(end - at))) {
			if (tarsparse_number(&at, end, '\n', &number, e) < 0)
				return -1;
			if (count < 0)
				count = number > TARSPARSE_PIECES_MAX ? TARSPARSE_PIECES_MAX + 1 : number;
			else if (numbers++ % 2 == 0)
				last = number;
			else if (tarsparse_add(s, last, number, e) < 0)
				return -1;
		}
		held = (size_t)(end - at);
		if (held >= TAR_BLOCK)
			return err_set(e, STATUS_MALFORMED, "sparse file: its map is not a list of numbers");
		memmove(text, at, held);
	}
	return 0;
}
