// record.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"
#include "base/record.h"

static const char *subject_of(const struct record_reader *r)
{
	return r->subject ? r->subject : "stdin";
}

// The next line without its newline, in r->unread. Returns 1, 0 at the end, -1 on failure.
static int next_line(struct record_reader *r, char **line, size_t *length, struct err *e)
{
	size_t searched = r->at;
	buf_reserve(&r->unread, 1);
	for (;;) {
		char *start = r->unread.data + r->at;
		char *newline = memchr(r->unread.data + searched, '\n', r->unread.length - searched);
		if (newline) {
			*line = start;
			*length = (size_t)(newline - start);
			r->at += *length + 1;
			r->line++;
			return 1;
		}
		if (r->ended && r->unread.length == r->at)
			return 0;
		if (r->ended)
			return err_set(e, STATUS_MALFORMED, "%s: record %zu is truncated: no newline at its end", subject_of(r),
				r->count + 1);
		if (r->unread.length - r->at > JSONIO_BYTES_MAX)
			return err_set(e, STATUS_LIMIT, "%s: record %zu is longer than %zu bytes", subject_of(r), r->count + 1,
				JSONIO_BYTES_MAX);
		if (r->at) { // forget the lines already read
			memmove(r->unread.data, start, r->unread.length - r->at);
			r->unread.length -= r->at;
			r->at = 0;
		}
		searched = r->unread.length;
		buf_reserve(&r->unread, 65536);
		ssize_t n = read(r->fd, r->unread.data + r->unread.length, 65536);
		if (n < 0 && errno != EINTR)
			return err_system(e, "%s: cannot read", subject_of(r));
		r->ended = n == 0;
		r->unread.length += n > 0 ? (size_t)n : 0;
	}
}

static bool kind_listed(const char *kinds, const char *kind)
{
	size_t n = strlen(kind);
	for (const char *at = kinds; (at = strstr(at, kind)); at += n)
		if ((at == kinds || at[-1] == ' ') && (at[n] == ' ' || !at[n]))
			return true;
	return false;
}

// An error record ends this program with the same status; its line is kept as it came.
static int pass_on(const struct record_reader *r, json_t *record, const char *line, size_t length, struct err *e)
{
	json_int_t status = json_integer_value(json_object_get(record, "status"));
	if (status < 1 || status > 255)
		return err_set(e, STATUS_MALFORMED, "%s: an error record without a status", subject_of(r));
	err_set(e, (enum status)status, "an earlier stage failed");
	e->upstream = mem_text_n(line, length);
	return -1;
}

// `part` i `of` n must count up to the end: a stage that was cut off is noticed.
static int check_part(struct record_reader *r, json_t *record, struct err *e)
{
	json_int_t part = json_integer_value(json_object_get(record, "part"));
	json_int_t of = json_integer_value(json_object_get(record, "of"));
	if (r->count == 1)
		r->of = of;
	if (of != r->of || (of && (part != (json_int_t)r->count || part > of)))
		return err_set(e, STATUS_MALFORMED, "%s: record %zu: part %lld of %lld is out of sequence", subject_of(r),
			r->count, (long long)part, (long long)of);
	return 0;
}

static int check_record(struct record_reader *r, json_t *record, const char *line, size_t length, struct err *e)
{
	if (!json_is_object(record))
		return err_set(e, STATUS_MALFORMED, "%s: line %zu: not a record: not a JSON object", subject_of(r), r->line);
	const char *kind = json_string_value(json_object_get(record, "kind"));
	if (kind && !strcmp(kind, "error"))
		return pass_on(r, record, line, length, e);
	if (r->kinds && !kind)
		return err_set(e, STATUS_MALFORMED, "%s: line %zu: not a record: no kind", subject_of(r), r->line);
	if (r->kinds && !kind_listed(r->kinds, kind))
		return err_set(e, STATUS_MALFORMED, "%s: line %zu: a record of kind '%.40s': expected %s", subject_of(r), r->line,
			kind, r->kinds);
	r->count++;
	return kind ? check_part(r, record, e) : 0; // without a kind the object is somebody's data, and so are such members
}

json_t *record_next(struct record_reader *r, struct err *e)
{
	char *line = NULL;
	size_t length = 0;
	int got = next_line(r, &line, &length, e);
	if (got < 0)
		return NULL;
	if (!got) {
		if (r->of && (json_int_t)r->count != r->of)
			err_set(e, STATUS_MALFORMED, "%s: %zu of %lld records came: an earlier stage failed", subject_of(r),
				r->count, (long long)r->of);
		return NULL;
	}
	mem_auto char *subject = mem_format("%s: record %zu", subject_of(r), r->count + 1);
	json_t *record = jsonio_parse(line, length, subject, e);
	if (record && check_record(r, record, line, length, e) < 0) {
		json_decref(record);
		return NULL;
	}
	return record;
}

void record_reader_free(struct record_reader *r)
{
	buf_free(&r->unread);
}

static json_t *read_all(struct record_reader *r, struct err *e)
{
	json_t *all = json_array();
	json_t *record;
	while ((record = record_next(r, e)))
		json_array_append_new(all, record);
	record_reader_free(r);
	if (!e->status && !json_array_size(all))
		err_set(e, STATUS_MALFORMED, "%s: no input: an earlier stage failed", subject_of(r));
	if (!e->status)
		return all;
	json_decref(all);
	return NULL;
}

json_t *record_read_all(const char *kinds, struct err *e)
{
	struct record_reader reader = { .fd = STDIN_FILENO, .kinds = kinds };
	return read_all(&reader, e);
}

json_t *record_read_from(int fd, const char *subject, const char *kinds, struct err *e)
{
	struct record_reader reader = { .fd = fd, .subject = subject, .kinds = kinds };
	jsonio_auto json_t *all = read_all(&reader, e);
	if (!all)
		return NULL;
	if (json_array_size(all) != 1) {
		err_set(e, STATUS_MALFORMED, "%s: %zu records where one is due", subject_of(&reader), json_array_size(all));
		return NULL;
	}
	return json_incref(json_array_get(all, 0));
}

json_t *record_read(const char *kinds, struct err *e)
{
	return record_read_from(STDIN_FILENO, NULL, kinds, e);
}

void record_write(const json_t *record)
{
	mem_auto char *text = jsonio_text(record);
	fputs(text, stdout);
	fputc('\n', stdout);
}

void record_write_all(json_t *records)
{
	size_t i, n = json_array_size(records);
	json_t *record;
	json_array_foreach(records, i, record) {
		if (n > 1) {
			json_object_set_new(record, "part", json_integer((json_int_t)i + 1));
			json_object_set_new(record, "of", json_integer((json_int_t)n));
		} else {
			json_object_del(record, "part");
			json_object_del(record, "of");
		}
		record_write(record);
	}
}

char *record_error_text(enum status status, const char *program, const char *message)
{
	jsonio_auto json_t *record = json_pack("{s:s, s:i, s:s}", "kind", "error", "status", (int)status, "program", program);
	json_object_set_new(record, "message", json_string(message));
	return jsonio_text(record);
}
