// Unit tests of the tar writer: what it writes, our reader reads back, and the same entries give the same bytes. That GNU tar and
// bsdtar read it, too, is shown by tests/pack.bats.
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"
#include "image/tar.h"
#include "image/tarpax.h"
#include "image/tarwrite.h"

#define A10  "aaaaaaaaaa"
#define A50  A10 A10 A10 A10 A10
#define A100 A50 A50

static const struct tar_xattr xattrs[] = { { "user.z", "1", 1 }, { "user.a", "x\0y\n=", 5 }, { "user.c=%%3D%25%3d%%2=5", "", 0 },
	{ "security.capability", "\1", 1 } };

static const struct tar_entry entries[] = {
	{ .type = TAR_DIRECTORY, .path = ".", .mode = 0755 },
	{ .type = TAR_FILE, .path = "empty", .mode = 07777, .uid = 07777777, .gid = 0 },
	{ .type = TAR_FILE, .path = "a", .mode = 0644, .size = 5, .mtime = 1000000000 },
	{ .type = TAR_FILE, .path = "block", .mode = 0, .size = 512, .uid = 010000000, .gid = UINT32_MAX - 1 },
	{ .type = TAR_FILE, .path = A100, .mtime = 1, .mtime_ns = 1 },
	{ .type = TAR_FILE, .path = A100 "/" A100, .mtime = 1, .mtime_ns = 500000000 },
	{ .type = TAR_FILE, .path = A100 "/" A50 "/" A100 },
	{ .type = TAR_FILE, .path = A100 A50 "aaaaa/" A100 },
	{ .type = TAR_FILE, .path = A100 A50 "aaaaaa/" A100 },
	{ .type = TAR_FILE, .path = A100 A100 },
	{ .type = TAR_FILE, .path = "/" A100 },
	{ .type = TAR_DIRECTORY, .path = A50 A10 A10 A10 A10 "aaaaaaaaaa" },
	{ .type = TAR_DIRECTORY, .path = A100 "/" A100 },
	{ .type = TAR_SYMLINK, .path = "s", .link = "../x\nx", .mode = 0777 },
	{ .type = TAR_SYMLINK, .path = "t", .link = A100 },
	{ .type = TAR_SYMLINK, .path = "u", .link = A100 "/" A100 },
	{ .type = TAR_SYMLINK, .path = "v", .link = A100 "\xff" },
	{ .type = TAR_HARD_LINK, .path = "h", .link = "a" },
	{ .type = TAR_FIFO, .path = "fifo" },
	{ .type = TAR_CHAR_DEVICE, .path = "c", .major = 1, .minor = 3 },
	{ .type = TAR_BLOCK_DEVICE, .path = "b", .major = 0xfff, .minor = 0xfffff },
	{ .type = TAR_FILE, .path = "line\nfeed \xff\x01", .size = 3 },
	{ .type = TAR_FILE, .path = "\xff" A100 A100 },
	{ .type = TAR_FILE, .path = "old", .mtime = -1, .mtime_ns = 250000000 },
	{ .type = TAR_FILE, .path = "older", .mtime = -86400 },
	{ .type = TAR_FILE, .path = "far", .mtime = INT64_C(1) << 33 },
	{ .type = TAR_FILE, .path = "x", .size = 1, .xattrs = xattrs, .xattr_count = ARRAY_LENGTH(xattrs) },
};

static int into_buf(void *context, const void *data, size_t length, struct err *e)
{
	(void)e;
	buf_add(context, data, length);
	return 0;
}

static void write_all(struct buf *out)
{
	struct err e = { 0 };
	struct tarwrite w = { .sink = into_buf, .context = out };
	for (size_t i = 0; i < ARRAY_LENGTH(entries); i++) {
		assert_int_equal(tarwrite_entry(&w, &entries[i], &e), 0);
		for (int64_t at = 0; at < entries[i].size; at++)
			assert_int_equal(tarwrite_data(&w, "x", 1, &e), 0);
	}
	assert_int_equal(tarwrite_end(&w, &e), 0);
}

struct source {
	const struct buf *bytes;
	size_t at;
};

static ssize_t from_buf(void *context, void *data, size_t length, struct err *e)
{
	struct source *s = context;
	size_t left = s->bytes->length - s->at, n = left < length ? left : length;
	(void)e;
	memcpy(data, s->bytes->data + s->at, n);
	s->at += n;
	return (ssize_t)n;
}

static void assert_xattrs(const struct tar_entry *entry)
{
	static const char *const sorted[] = { "security.capability", "user.a", "user.c=%%3D%25%3d%%2=5", "user.z" };
	assert_int_equal(entry->xattr_count, ARRAY_LENGTH(sorted));
	for (size_t i = 0; i < ARRAY_LENGTH(sorted); i++)
		assert_string_equal(entry->xattrs[i].name, sorted[i]);
	assert_int_equal(entry->xattrs[1].length, 5);
	assert_memory_equal(entry->xattrs[1].value, "x\0y\n=", 5);
}

static void assert_entry(const struct tar_entry *got, const struct tar_entry *wanted)
{
	assert_int_equal(got->type, wanted->type);
	assert_string_equal(got->path, wanted->path);
	assert_string_equal(got->link, wanted->link ? wanted->link : "");
	assert_int_equal(got->mode, wanted->mode);
	assert_int_equal(got->uid, wanted->uid);
	assert_int_equal(got->gid, wanted->gid);
	assert_int_equal(got->size, wanted->size);
	assert_int_equal(got->mtime, wanted->mtime);
	assert_int_equal(got->mtime_ns, wanted->mtime_ns);
	assert_int_equal(got->major, wanted->major);
	assert_int_equal(got->minor, wanted->minor);
	if (wanted->xattr_count)
		assert_xattrs(got);
	else
		assert_int_equal(got->xattr_count, 0);
}

static void what_is_written_is_read(void **unused)
{
	(void)unused;
	buf_auto bytes = { 0 };
	write_all(&bytes);
	assert_int_equal(bytes.length % 512, 0);
	struct source source = { &bytes, 0 };
	struct tar_reader *r = tar_open(from_buf, &source, &tar_default_limits);
	struct tar_entry entry;
	struct err e = { 0 };
	for (size_t i = 0; i < ARRAY_LENGTH(entries); i++) {
		if (tar_next(r, &entry, &e) != 1)
			fail_msg("entry %zu '%s': %s", i, entries[i].path, e.text);
		assert_entry(&entry, &entries[i]);
		char data[513];
		assert_int_equal(tar_read(r, data, sizeof data, &e), entry.size);
		for (int64_t at = 0; at < entry.size; at++)
			assert_int_equal(data[at], 'x');
	}
	assert_int_equal(tar_next(r, &entry, &e), 0);
	tar_close(r);
}

static void the_same_entries_give_the_same_bytes(void **unused)
{
	(void)unused;
	buf_auto one = { 0 };
	buf_auto two = { 0 };
	write_all(&one);
	write_all(&two);
	assert_int_equal(one.length, two.length);
	assert_memory_equal(one.data, two.data, one.length);
}

// ustar suffices for all of these: no extended header, which some readers skip.
static void plain_entries_take_one_block(void **unused)
{
	(void)unused;
	static const struct tar_entry plain[] = {
		{ .type = TAR_FILE, .path = A100 "/" A100, .mode = 0644, .uid = 07777777, .mtime = 077777777777 },
		{ .type = TAR_SYMLINK, .path = "l", .link = A100 },
		{ .type = TAR_FILE, .path = "\xff" },
	};
	for (size_t i = 0; i < ARRAY_LENGTH(plain); i++) {
		buf_auto bytes = { 0 };
		struct err e = { 0 };
		struct tarwrite w = { .sink = into_buf, .context = &bytes };
		assert_int_equal(tarwrite_entry(&w, &plain[i], &e), 0);
		assert_int_equal(bytes.length, 512);
	}
}

static void attributes_have_the_limits_of_readers(void **state)
{
	buf_auto out = { 0 };
	struct tarwrite w = { .sink = into_buf, .context = &out };
	struct tar_entry entry = { .type = TAR_FILE, .path = "x" };
	static char value[1 << 20];
	static struct tar_xattr many[TARPAX_XATTRS_MAX + 1];
	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(many); i++)
		many[i] = (struct tar_xattr){ "user.a", "", 0 };
	const struct {
		struct tar_xattr xattr;
		size_t count;
		enum status status;
	} cases[] = {
		{ { "user.a", value, sizeof value - 100 }, 1, STATUS_OK },
		{ { "user.a", value, sizeof value }, 1, STATUS_LIMIT },
		{ { "user.a", "", 0 }, ARRAY_LENGTH(many) - 1, STATUS_OK },
		{ { "user.a", "", 0 }, ARRAY_LENGTH(many), STATUS_LIMIT },
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct err e = { 0 };
		many[0] = cases[i].xattr;
		entry.xattrs = many;
		entry.xattr_count = cases[i].count;
		tarwrite_entry(&w, &entry, &e);
		assert_int_equal(e.status, cases[i].status);
	}
}

static void data_must_be_as_long_as_announced(void **unused)
{
	(void)unused;
	buf_auto bytes = { 0 };
	struct err e = { 0 };
	struct tarwrite w = { .sink = into_buf, .context = &bytes };
	static const struct tar_entry file = { .type = TAR_FILE, .path = "f", .size = 2 };
	assert_int_equal(tarwrite_entry(&w, &file, &e), 0);
	assert_int_equal(tarwrite_data(&w, "abc", 3, &e), -1);
	assert_int_equal(tarwrite_data(&w, "a", 1, &e), 0);
	assert_int_equal(tarwrite_entry(&w, &file, &e), -1);
	assert_int_equal(tarwrite_end(&w, &e), -1);
	assert_int_equal(tarwrite_data(&w, "b", 1, &e), 0);
	assert_int_equal(tarwrite_end(&w, &e), 0);
	assert_int_equal(bytes.length, 4 * 512);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(the_same_entries_give_the_same_bytes),
		cmocka_unit_test(plain_entries_take_one_block),
		cmocka_unit_test(attributes_have_the_limits_of_readers),
		cmocka_unit_test(data_must_be_as_long_as_announced),
	};
	return cmocka_run_group_tests_name("tarwrite", tests, NULL, NULL);
}
