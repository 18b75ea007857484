// LUKS2 headers that nobody should be able to harm a reader with: each byte of both copies changed, one at a time (brkt:X7), and
// shapes that only a forger makes.
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "crypto/hash.h"
#include "disk/luksmake.h"
#include "disk/luksmeta.h"

enum { COPY = LUKS_COPY_MIN };

static struct buf made; // a header of ours
static unsigned char volume_key[XTS_KEY];
static char secret_bytes[64] = "a secret of this test, not random at all, but long enough for it";

static int make(void **state)
{
	struct err e = { 0 };
	struct buf secret = { secret_bytes, sizeof secret_bytes, 0 };
	struct luksmake m = { &secret, NULL, 512, false, "{\"type\":\"brkt\",\"keyslots\":[\"0\"],\"v\":1,\"data_size\":512}" };
	(void)state;
	return luksmake(&m, &made, volume_key, &e);
}

static int unmake(void **state)
{
	(void)state;
	buf_free(&made);
	return 0;
}

static unsigned char *copy_of_made(void)
{
	return memcpy(mem_alloc(made.length), made.data, made.length);
}

// Reads header and metadata from memory. Returns the status.
static enum status judge(const unsigned char *bytes, size_t length, struct luks *l, struct luksmeta *m)
{
	struct err e = { 0 };
	if (luks_choose(bytes, length, l, &e) == 0)
		luksmeta_read(l, m, &e);
	return e.status;
}

static void test_every_byte(void **state)
{
	(void)state;
	mem_auto unsigned char *bytes = copy_of_made();
	for (size_t i = 0; i < 2 * COPY; i++) {
		luks_auto l = { 0 };
		struct luksmeta m;
		bytes[i] ^= 1u << i % 8;
		assert_int_equal(judge(bytes, made.length, &l, &m), STATUS_OK);
		assert_int_equal(l.chosen, i < COPY);
		assert_non_null(l.fault[i >= COPY]);
		assert_null(l.fault[i < COPY]);
		assert_int_equal(m.data_size, 512);
		bytes[i] ^= 1u << i % 8;
	}
}

static void test_both_damaged(void **state)
{
	(void)state;
	mem_auto unsigned char *bytes = copy_of_made();
	for (size_t i = 0; i < COPY; i += 37) {
		luks_auto l = { 0 };
		struct luksmeta m;
		bytes[i] ^= 0x80;
		bytes[2 * COPY - 1 - i] ^= 0x80;
		assert_int_equal(judge(bytes, made.length, &l, &m), STATUS_MALFORMED);
		bytes[i] ^= 0x80;
		bytes[2 * COPY - 1 - i] ^= 0x80;
	}
}

static void test_every_length(void **state)
{
	(void)state;
	for (size_t length = 0; length < 3 * COPY; length += length % 4096 < 4 || length % 4096 > 4090 ? 1 : 509) {
		luks_auto l = { 0 };
		struct luksmeta m;
		mem_auto unsigned char *exact = mem_alloc(length); // so that a sanitiser sees one byte too far
		memcpy(exact, made.data, length);
		assert_int_equal(judge(exact, length, &l, &m), length < COPY ? STATUS_MALFORMED : STATUS_OK);
	}
}

static void put(unsigned char *at, uint64_t n)
{
	for (int i = 8; i-- > 0; n >>= 8)
		at[i] = (unsigned char)n;
}

// A copy of this size at this offset, with this JSON and a right checksum.
static void forge(unsigned char *bytes, size_t offset, size_t size, uint64_t sequence, const char *json, size_t length)
{
	struct hash *h = hash_start(DIGEST_SHA256);
	char text[DIGEST_TEXT_MAX];
	unsigned char *header = bytes + offset;
	memcpy(header, made.data, LUKS_BINARY);
	memcpy(header, offset ? "SKUL" : "LUKS", 4);
	put(header + 8, size);
	put(header + 16, sequence);
	put(header + 256, offset);
	memset(header + 448, 0, 64);
	memset(header + LUKS_BINARY, 0, size - LUKS_BINARY);
	memcpy(header + LUKS_BINARY, json, length);
	hash_add(h, header, size);
	hash_finish(h, text);
	for (size_t i = 0; i < 32; i++) {
		const char digits[3] = { text[7 + 2 * i], text[8 + 2 * i], 0 };
		header[448 + i] = (unsigned char)strtoul(digits, NULL, 16);
	}
}

static void test_forged(void **state)
{
	(void)state;
	enum { LARGE = LUKS_COPY_MAX, NEST = 100000 };
	mem_auto unsigned char *bytes = mem_alloc(2 * LARGE);
	mem_auto char *nested = mem_alloc(2 * NEST + 1);
	memset(nested, '[', NEST);
	memset(nested + NEST, ']', NEST);
	static const struct {
		const char *json;
		enum status status;
	} cases[] = {
		{ "{}", STATUS_MALFORMED },
		{ "", STATUS_MALFORMED },
		{ "{\"a\":1,\"a\":1}", STATUS_MALFORMED },
		{ "{} x", STATUS_MALFORMED },
		{ "{\"config\":{\"json_size\":\"4190208\",\"keyslots_size\":\"0\"},\"segments\":{}}", STATUS_REFUSED },
		{ "{\"config\":{\"json_size\":\"4190208\",\"keyslots_size\":\"9\"},\"segments\":{\"0\":0}}", STATUS_MALFORMED },
		{ "{\"config\":{\"json_size\":\"18446744073709551616\",\"keyslots_size\":\"0\"}}", STATUS_MALFORMED },
		{ "{\"config\":{\"json_size\":1e999}}", STATUS_MALFORMED },
	};
	for (size_t i = 0; i <= ARRAY_LENGTH(cases); i++) {
		luks_auto l = { 0 };
		struct luksmeta m;
		bool last = i == ARRAY_LENGTH(cases);
		forge(bytes, 0, LARGE, 1, last ? nested : cases[i].json, last ? 2 * NEST : strlen(cases[i].json));
		assert_int_equal(judge(bytes, 2 * LARGE, &l, &m), last ? STATUS_MALFORMED : cases[i].status);
	}
	luks_auto l = { 0 }; // JSON that fills its area to the last byte has no end
	struct luksmeta m;
	memset(nested, ' ', COPY);
	forge(bytes, 0, COPY, 1, nested, COPY - LUKS_BINARY);
	assert_int_equal(judge(bytes, 2 * COPY, &l, &m), STATUS_MALFORMED);
}

static void test_secondary_of_every_size(void **state)
{
	(void)state;
	struct err e = { 0 };
	mem_auto unsigned char *bytes = mem_alloc(2 * LUKS_COPY_MAX);
	for (size_t size = LUKS_COPY_MIN; size <= LUKS_COPY_MAX; size *= 2) {
		luks_auto l = { 0 };
		memset(bytes, 0, 2 * LUKS_COPY_MAX);
		forge(bytes, size, size, 7, "{}", 2);
		assert_int_equal(luks_choose(bytes, 2 * size, &l, &e), 0);
		assert_int_equal(l.chosen, 1);
		assert_int_equal(l.size, size);
		assert_int_equal(l.sequence[1], 7);
	}
	static const size_t bad[] = { 0, 4096, LUKS_COPY_MIN + 1, 3 * LUKS_COPY_MIN, 2 * LUKS_COPY_MAX };
	for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
		luks_auto l = { 0 };
		memset(bytes, 0, 2 * LUKS_COPY_MAX);
		forge(bytes, 0, LUKS_COPY_MIN, 7, "{}", 2);
		put(bytes + 8, bad[i]);
		assert_int_equal(luks_choose(bytes, 2 * LUKS_COPY_MAX, &l, &e), -1);
		assert_string_equal(l.fault[0], "an impossible size");
	}
}

static void test_unlock(void **state)
{
	(void)state;
	luks_auto l = { 0 };
	struct luksmeta m;
	struct err e = { 0 };
	unsigned char key[XTS_KEY];
	buf_add(&l.bytes, made.data, made.length);
	assert_int_equal(judge((const unsigned char *)made.data, made.length, &l, &m), STATUS_OK);
	assert_int_equal(luksmeta_unlock(&l, &m, secret_bytes, sizeof secret_bytes, key, &e), 0);
	assert_memory_equal(key, volume_key, XTS_KEY);
	assert_int_equal(luksmeta_unlock(&l, &m, secret_bytes, sizeof secret_bytes - 1, key, &e), -1);
	assert_int_equal(e.status, STATUS_NOT_AUTHORISED);
	static const unsigned char zeros[XTS_KEY];
	assert_memory_equal(key, zeros, XTS_KEY); // nothing of a failed attempt remains
}

static void test_xts(void **state)
{
	(void)state;
	struct err e = { 0 };
	unsigned char key[XTS_KEY] = { 0 }, data[4096] = "plain", expected[4096];
	assert_null(xts_open(key, true, 512, &e)); // brkt:E3
	assert_int_equal(e.status, STATUS_REFUSED);
	key[0] = 1;
	memcpy(expected, data, sizeof data);
	struct xts *small = xts_open(key, true, 512, &e), *large = xts_open(key, false, 4096, &e),
		   *back = xts_open(key, false, 512, &e);
	assert_int_equal(xts_run(small, data, sizeof data, (int64_t)1 << 41, &e), 0);
	assert_memory_not_equal(data, expected, 512);
	assert_int_equal(xts_run(back, data, sizeof data, (int64_t)1 << 41, &e), 0);
	assert_memory_equal(data, expected, sizeof data);
	assert_int_equal(xts_run(small, data, 512, 8 * 512, &e), 0); // brkt:E5: its tweak is that of the second large sector
	memcpy(expected, data, 512);
	memset(data, 0, sizeof data);
	memcpy(data, expected, 512);
	assert_int_equal(xts_run(large, data, sizeof data, 4096, &e), 0);
	assert_string_equal((char *)data, "plain");
	xts_close(small);
	xts_close(large);
	xts_close(back);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_byte),
		cmocka_unit_test(test_both_damaged),
		cmocka_unit_test(test_every_length),
		cmocka_unit_test(test_forged),
		cmocka_unit_test(test_secondary_of_every_size),
		cmocka_unit_test(test_unlock),
		cmocka_unit_test(test_xts),
	};
	return cmocka_run_group_tests(tests, make, unmake);
}
