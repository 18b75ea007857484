// luks.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <endian.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/jsonio.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "crypto/hash.h"
#include "disk/luks.h"

// Where the members of the binary header lie.
enum {
	AT_VERSION = 6,
	AT_SIZE = 8,
	AT_SEQUENCE = 16,
	AT_LABEL = 24,
	AT_CHECKSUM_NAME = 72,
	AT_UUID = 168,
	AT_OFFSET = 256,
	AT_CHECKSUM = 448,
	CHECKSUM_BYTES = 64, // of which SHA-256 uses the first half
};

static const char *const copy_names[] = { "primary", "secondary" };

static uint64_t number_at(const unsigned char *header, size_t at)
{
	uint64_t n;
	memcpy(&n, header + at, sizeof n);
	return be64toh(n);
}

static bool is_copy_size(uint64_t size)
{
	return size >= LUKS_COPY_MIN && size <= LUKS_COPY_MAX && !(size & (size - 1));
}

static bool checksum_good(const unsigned char *header, size_t size)
{
	static const unsigned char zeros[CHECKSUM_BYTES];
	char found[DIGEST_TEXT_MAX], expected[2 * 32 + 1];
	struct hash *h = hash_start(DIGEST_SHA256);
	hash_add(h, header, AT_CHECKSUM);
	hash_add(h, zeros, sizeof zeros);
	hash_add(h, header + AT_CHECKSUM + CHECKSUM_BYTES, size - AT_CHECKSUM - CHECKSUM_BYTES);
	hash_finish(h, found);
	digest_hex(header + AT_CHECKSUM, 32, expected);
	return !memcmp(header + AT_CHECKSUM + 32, zeros, CHECKSUM_BYTES - 32) && !strcmp(found + sizeof "sha256:" - 1, expected);
}

static int version_at(const unsigned char *bytes, size_t length, size_t offset)
{
	static const unsigned char magic[2][6] = { { 'L', 'U', 'K', 'S', 0xba, 0xbe }, { 'S', 'K', 'U', 'L', 0xba, 0xbe } };
	if (length < offset + LUKS_BINARY || memcmp(bytes + offset, magic[offset > 0], sizeof magic[0]) != 0)
		return 0;
	return bytes[offset + AT_VERSION] << 8 | bytes[offset + AT_VERSION + 1];
}

// Judges the copy at `offset`. NULL when it is good: then *json is its metadata.
static const char *judge(const unsigned char *bytes, size_t length, size_t offset, json_t **json)
{
	struct err e = { 0 };
	const unsigned char *header = bytes + offset;
	if (version_at(bytes, length, offset) != 2)
		return "no LUKS2 magic";
	uint64_t size = number_at(header, AT_SIZE);
	if (!is_copy_size(size) || (offset && size != offset))
		return "an impossible size";
	if (number_at(header, AT_OFFSET) != offset)
		return "it says it lies elsewhere";
	if (size > length - offset)
		return "cut short";
	if (memcmp(header + AT_CHECKSUM_NAME, "sha256", sizeof "sha256") != 0)
		return "a checksum other than sha256";
	if (!checksum_good(header, size))
		return "a wrong checksum";
	const char *text = (const char *)header + LUKS_BINARY;
	size_t n = strnlen(text, size - LUKS_BINARY);
	jsonio_auto json_t *value = n < size - LUKS_BINARY ? jsonio_parse(text, n, "metadata", &e) : NULL;
	if (!json_is_object(value))
		return "its metadata is no JSON object";
	*json = mem_steal(value);
	return NULL;
}

// The secondary copy lies right behind a primary that is good, else wherever a good one is found. *offset says where.
static const char *judge_secondary(const unsigned char *bytes, size_t length, bool primary_good, size_t *offset, json_t **json)
{
	const char *fault, *first = NULL;
	*offset = primary_good ? number_at(bytes, AT_SIZE) : LUKS_COPY_MIN;
	for (;; *offset *= 2) {
		fault = judge(bytes, length, *offset, json);
		if (!first || version_at(bytes, length, *offset) == 2)
			first = fault;
		if (!fault || primary_good || *offset == LUKS_COPY_MAX)
			return fault ? first : NULL;
	}
}

static void take_names(const unsigned char *header, struct luks *l)
{
	memcpy(l->uuid, header + AT_UUID, sizeof l->uuid - 1);
	memcpy(l->label, header + AT_LABEL, sizeof l->label - 1);
	if (l->uuid[strspn(l->uuid, "0123456789abcdefABCDEF-")])
		l->uuid[0] = '\0';
	if (!utf8_valid(l->label, strlen(l->label)))
		l->label[0] = '\0';
}

int luks_choose(const unsigned char *bytes, size_t length, struct luks *l, struct err *e)
{
	json_t *json[2] = { 0 };
	if (version_at(bytes, length, 0) == 1)
		return err_set(e, STATUS_REFUSED, "LUKS version 1: only version 2 is supported");
	l->fault[0] = judge(bytes, length, 0, &json[0]);
	size_t offset;
	l->fault[1] = judge_secondary(bytes, length, !l->fault[0], &offset, &json[1]);
	l->sequence[0] = l->fault[0] ? 0 : number_at(bytes, AT_SEQUENCE);
	l->sequence[1] = l->fault[1] ? 0 : number_at(bytes + offset, AT_SEQUENCE);
	if (l->fault[0] && l->fault[1])
		return err_set(e, STATUS_MALFORMED, "no good LUKS2 header: primary copy: %s; secondary copy: %s", l->fault[0],
			l->fault[1]);
	l->chosen = l->fault[0] || (!l->fault[1] && l->sequence[1] > l->sequence[0]);
	l->json = json[l->chosen];
	json_decref(json[!l->chosen]);
	l->size = number_at(bytes + (l->chosen ? offset : 0), AT_SIZE);
	take_names(bytes + (l->chosen ? offset : 0), l);
	return 0;
}

// Up to `length` bytes in all; fewer when the stream ends.
static int read_to(int fd, const char *subject, size_t length, struct luks *l, struct err *e)
{
	if (length <= l->bytes.length)
		return 0;
	buf_reserve(&l->bytes, length - l->bytes.length);
	ssize_t n = io_read_full(fd, l->bytes.data + l->bytes.length, length - l->bytes.length);
	if (n < 0)
		return err_system(e, "%s: cannot read", subject);
	l->bytes.length += (size_t)n;
	l->bytes.data[l->bytes.length] = '\0';
	return 0;
}

// A header with large copies needs a second look, with more of the stream: the data begin behind them, so none are read here.
int luks_load(int fd, const char *subject, struct luks *l, struct err *e)
{
	for (size_t want = 2 * LUKS_COPY_MIN; want <= 2 * LUKS_COPY_MAX; want *= 2) {
		if (read_to(fd, subject, want, l, e) < 0)
			return -1;
		if (!l->bytes.length)
			return err_set(e, STATUS_MALFORMED, "%s: no input: an earlier stage failed", subject);
		*e = (struct err){ 0 };
		json_decref(l->json);
		l->json = NULL;
		int failed = luks_choose((const unsigned char *)l->bytes.data, l->bytes.length, l, e);
		if (e->status == STATUS_REFUSED || l->bytes.length < want || (!failed && 2 * l->size <= want))
			break;
	}
	return e->status ? err_context(e, "%s", subject) : 0;
}

int luks_load_to(int fd, const char *subject, size_t length, struct luks *l, struct err *e)
{
	if (read_to(fd, subject, length, l, e) < 0)
		return -1;
	if (l->bytes.length < length)
		return err_set(e, STATUS_MALFORMED, "%s: truncated: the header is cut at %zu of %zu bytes", subject,
			l->bytes.length, length);
	return 0;
}

char *luks_complaint(const struct luks *l)
{
	int other = !l->chosen;
	const char *used = copy_names[l->chosen], *unused = copy_names[other];
	if (l->fault[other])
		return mem_format("the %s header is damaged (%s); the %s copy is used", unused, l->fault[other], used);
	if (l->sequence[other] != l->sequence[l->chosen])
		return mem_format("the %s header is older; the %s copy is used", unused, used);
	return NULL;
}

void luks_free(struct luks *l)
{
	buf_free(&l->bytes);
	json_decref(l->json);
	l->json = NULL;
}
