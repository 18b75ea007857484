// Unit tests of the store's blobs (image/store.h) and of the layout around them (oci/layout.h).
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "crypto/hash.h"
#include "image/store.h"
#include "oci/layout.h"

#define SHA512_ABC                                                                                         \
	"sha512:"                                                                                          \
	"ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd" \
	"454d4423643ce80e2a9ac94fa54ca49f"

static char top[] = "/tmp/tackle-unit.XXXXXX";
static char directory[sizeof top + sizeof "/store"];
static struct store *store;

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

static int setup(void **unused)
{
	(void)unused;
	struct err e = { 0 };
	strcpy(top + sizeof top - 7, "XXXXXX");
	if (!mkdtemp(top))
		return -1;
	snprintf(directory, sizeof directory, "%s/store", top);
	store = store_open(directory, true, &e);
	return store ? 0 : -1;
}

static int teardown(void **unused)
{
	(void)unused;
	store_close(store);
	return nftw(top, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void at(const char *name, int present)
{
	assert_int_equal(faccessat(store_directory(store), name, F_OK, AT_SYMLINK_NOFOLLOW), present ? 0 : -1);
}

static void opening(void **unused)
{
	(void)unused;
	struct err e = { 0 };
	at("oci-layout", 1);
	at("index.json", 1);
	assert_null(store_open("/tmp/tackle-unit-no-such-store", false, &e));
	assert_int_equal(e.status, STATUS_NOT_FOUND);
	assert_null(store_open(top, true, &e)); // holds something and is no layout
	assert_int_equal(e.status, STATUS_REFUSED);
	assert_null(store_open(top, false, &e));
	assert_int_equal(e.status, STATUS_NOT_FOUND);
	assert_int_equal(chmod(directory, 0777), 0); // rkt:W-07
	assert_null(store_open(directory, true, &e));
	assert_int_equal(e.status, STATUS_REFUSED);
	assert_int_equal(chmod(directory, 0755), 0);
	mem_auto char *link = mem_format("%s/link", top);
	assert_int_equal(symlink("store", link), 0);
	assert_null(store_open(link, false, &e));
	assert_int_equal(e.status, STATUS_REFUSED);
}

static void blobs(void **unused)
{
	(void)unused;
	struct err e = { 0 };
	char digest[DIGEST_TEXT_MAX];
	buf_auto out = { 0 };
	int64_t size = 0;
	assert_int_equal(store_put_blob(store, "abc", 3, digest, &e), 0);
	assert_true(store_has_blob(store, digest));
	assert_false(store_has_blob(store, SHA512_ABC));
	assert_int_equal(store_alias_blob(store, SHA512_ABC, digest, &e), 0);
	assert_true(store_has_blob(store, SHA512_ABC));
	io_auto int fd = store_open_blob(store, SHA512_ABC, &size, &e);
	assert_true(fd >= 0);
	assert_int_equal(size, 3);
	assert_int_equal(store_read_blob(store, SHA512_ABC, 3, &out, &e), 0);
	assert_string_equal(buf_text(&out), "abc");
	assert_int_equal(store_read_blob(store, digest, 2, &out, &e), -1);
	assert_int_equal(e.status, STATUS_LIMIT);
	static const char *const no_digests[] = { "", "sha256:", "sha256:../../../../etc/passwd", "sha1:00",
		"sha512-00" }; // rkt:F-01
	for (size_t i = 0; i < ARRAY_LENGTH(no_digests); i++) {
		assert_int_equal(store_open_blob(store, no_digests[i], NULL, &e), -1);
		assert_int_equal(e.status, STATUS_MALFORMED);
		assert_false(store_has_blob(store, no_digests[i]));
	}
	hash_bytes(DIGEST_SHA256, "absent", 6, digest);
	assert_int_equal(store_open_blob(store, digest, NULL, &e), -1);
	assert_int_equal(e.status, STATUS_NOT_FOUND);
}

static char *path_of_blob(const char *digest)
{
	return mem_format("%s/blobs/sha256/%s", directory, digest + sizeof "sha256:" - 1);
}

static void damage_is_noticed_and_a_torn_blob_replaced(void **unused)
{
	(void)unused;
	struct err e = { 0 };
	char digest[DIGEST_TEXT_MAX];
	buf_auto out = { 0 };
	struct stat st;
	assert_int_equal(store_put_blob(store, "abc", 3, digest, &e), 0);
	mem_auto char *path = path_of_blob(digest);
	io_auto int fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_int_equal(pwrite(fd, "x", 1, 0), 1);
	assert_int_equal(store_read_blob(store, digest, 9, &out, &e), -1);
	assert_int_equal(e.status, STATUS_REFUSED);
	assert_int_equal(ftruncate(fd, 1), 0);
	assert_int_equal(store_put_blob(store, "abc", 3, digest, &(struct err){ 0 }), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, 3);
}

static void a_second_commit_keeps_the_blob_and_renews_its_time(void **unused)
{
	(void)unused;
	struct err e = { 0 };
	char digest[DIGEST_TEXT_MAX];
	struct stat before, after;
	const struct timespec old[2] = { { .tv_sec = 1000 }, { .tv_sec = 1000 } };
	assert_int_equal(store_put_blob(store, "abc", 3, digest, &e), 0);
	mem_auto char *path = path_of_blob(digest);
	assert_int_equal(utimensat(AT_FDCWD, path, old, 0), 0);
	assert_int_equal(stat(path, &before), 0);
	assert_int_equal(store_put_blob(store, "abc", 3, digest, &e), 0);
	assert_int_equal(stat(path, &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
	assert_true(after.st_mtime > 1000);
	assert_int_equal(after.st_nlink, 1);
}

static void a_partial_download_moves(void **unused)
{
	(void)unused;
	struct err e = { 0 };
	char digest[DIGEST_TEXT_MAX];
	for (int round = 0; round < 2; round++) { // the second finds the blob there
		int fd = openat(store_directory(store), "partial/x", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
		assert_int_equal(write(fd, "abc", 3), 3);
		struct io_output o = { .fd = fd, .directory = store_directory(store), .aside = mem_text("partial/x") };
		hash_bytes(DIGEST_SHA256, "abc", 3, digest);
		assert_int_equal(store_commit_blob(store, &o, digest, &e), 0);
		assert_true(store_has_blob(store, digest));
		at("partial/x", 0);
	}
}

// rkt:F-08: the same blob twenty times at once
static void twenty_writers(void **unused)
{
	(void)unused;
	enum { WRITERS = 20, SIZE = 1 << 20 };
	char digest[DIGEST_TEXT_MAX];
	mem_auto char *bytes = mem_alloc(SIZE);
	for (int i = 0; i < WRITERS; i++)
		if (fork() == 0) {
			struct err e = { 0 };
			struct store *own = store_open(directory, true, &e);
			_exit(!own || store_put_blob(own, bytes, SIZE, digest, &e) < 0);
		}
	for (int i = 0, status; i < WRITERS; i++) {
		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}
	buf_auto out = { 0 };
	hash_bytes(DIGEST_SHA256, bytes, SIZE, digest);
	assert_int_equal(store_read_blob(store, digest, SIZE, &out, &(struct err){ 0 }), 0);
}

static void reference_names(void **unused)
{
	(void)unused;
	static const struct {
		const char *text, *name;
	} cases[] = {
		{ "example.com/hello:1.0.0", "example.com/hello:1.0.0" },
		{ "a~b/c_d", "a+b/c_d" },
		{ "a--b", "a--b" },
		{ "a---b", "a+b" },
		{ "a..b", "a+b" },
		{ "-a-", "a" },
		{ "a//b", "a/b" },
		{ "a/:b", "a/b" },
		{ "", "" },
		{ "...", "" },
		{ "a:\x1b[1m", "a+1m" },
		{ "a:1.0+git", "a:1.0+git" },
		{ "a b", "a+b" },
		{ "\xc3\xa9t\xc3\xa9", "t" },
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		mem_auto char *name = layout_ref_name(cases[i].text);
		assert_string_equal(name, cases[i].name);
	}
}

static void indexes(void **unused)
{
	(void)unused;
	static const struct {
		const char *layout, *index;
		enum status status;
	} cases[] = {
		{ "{\"imageLayoutVersion\":\"1.0.0\"}", "{\"manifests\":[{}],\"x\":1}", STATUS_OK },
		{ "{\"imageLayoutVersion\":\"2.0.0\"}", "{\"manifests\":[]}", STATUS_MALFORMED },
		{ "{}", "{\"manifests\":[]}", STATUS_MALFORMED },
		{ "[]", "{\"manifests\":[]}", STATUS_MALFORMED },
		{ "{\"imageLayoutVersion\":\"1.0.0\"}", "{}", STATUS_MALFORMED },
		{ "{\"imageLayoutVersion\":\"1.0.0\"}", "{\"manifests\":{}}", STATUS_MALFORMED },
		{ "{\"imageLayoutVersion\":\"1.0.0\"}", "{\"manifests\":[1]}", STATUS_MALFORMED },
		{ "{\"imageLayoutVersion\":\"1.0.0\"}", "", STATUS_MALFORMED },
		{ "{\"imageLayoutVersion\":\"1.0.0\"}", NULL, STATUS_NOT_FOUND },
		{ NULL, "{\"manifests\":[]}", STATUS_NOT_FOUND },
	};
	static const char *const names[] = { "oci-layout", "index.json" };
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct err e = { 0 };
		for (int which = 0; which < 2; which++) {
			const char *text = which ? cases[i].index : cases[i].layout;
			unlinkat(store_directory(store), names[which], 0);
			if (!text)
				continue;
			io_auto int fd = openat(store_directory(store), names[which], O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
			assert_int_equal(io_write_all(fd, text, strlen(text)), 0);
		}
		json_t *index = layout_read_index(store_directory(store), &e);
		assert_int_equal(e.status, cases[i].status);
		assert_int_equal(index != NULL, cases[i].status == STATUS_OK);
		json_decref(index);
	}
}

#define IN_A_STORE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_A_STORE(opening),
		IN_A_STORE(blobs),
		IN_A_STORE(damage_is_noticed_and_a_torn_blob_replaced),
		IN_A_STORE(a_second_commit_keeps_the_blob_and_renews_its_time),
		IN_A_STORE(a_partial_download_moves),
		IN_A_STORE(twenty_writers),
		IN_A_STORE(indexes),
		cmocka_unit_test(reference_names),
	};
	return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
