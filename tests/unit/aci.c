// Unit tests of the scan: archives are made by the tar writer from a line of `TYPE:PATH` words.
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

#include "base/io.h"
#include "base/mem.h"
#include "crypto/hash.h"
#include "image/aci.h"
#include "image/nameset.h"
#include "image/tarwrite.h"

static const char good[] = "{\"acKind\":\"ImageManifest\",\"acVersion\":\"0.8.11\",\"name\":\"example.com/hello\","
			   "\"labels\":[{\"name\":\"version\",\"value\":\"1.0.0\"}]}";

static int into_buf(void *context, const void *data, size_t length, struct err *e)
{
	(void)e;
	buf_add(context, data, length);
	return 0;
}

static void add_file(struct tarwrite *w, const char *path, const char *data, size_t length)
{
	struct err e = { 0 };
	struct tar_entry entry = { .type = TAR_FILE, .path = path, .size = (int64_t)length };
	assert_int_equal(tarwrite_entry(w, &entry, &e), 0);
	if (length)
		assert_int_equal(tarwrite_data(w, data, length, &e), 0);
}

static void add_large(struct tarwrite *w, const char *path)
{
	mem_auto char *spaces = mem_alloc(ACI_MANIFEST_MAX + 1);
	memset(spaces, ' ', ACI_MANIFEST_MAX + 1);
	add_file(w, path, spaces, ACI_MANIFEST_MAX + 1);
}

// m: the good manifest, b: a broken one, L: one too large; f d s h p: file, directory, symlink, hard link, fifo.
static void add_word(struct tarwrite *w, const char *word)
{
	static const struct {
		char letter;
		enum tar_type type;
	} types[] = { { 'd', TAR_DIRECTORY }, { 's', TAR_SYMLINK }, { 'h', TAR_HARD_LINK }, { 'p', TAR_FIFO } };
	struct err e = { 0 };
	switch (*word) {
	case 'm':
		add_file(w, word + 2, good, strlen(good));
		return;
	case 'b':
		add_file(w, word + 2, "{\"acKind\":1,}", 13);
		return;
	case 'f':
		add_file(w, word + 2, "data", 4);
		return;
	case 'L':
		add_large(w, word + 2);
		return;
	}
	for (size_t i = 0; i < ARRAY_LENGTH(types); i++)
		if (*word == types[i].letter) {
			struct tar_entry entry = { .type = types[i].type, .path = word + 2, .link = "rootfs" };
			assert_int_equal(tarwrite_entry(w, &entry, &e), 0);
			return;
		}
	fail_msg("a word of unknown type: %s", word);
}

static void archive(const char *words, struct buf *out)
{
	struct err e = { 0 };
	struct tarwrite w = { .sink = into_buf, .context = out };
	mem_auto char *copy = mem_text(words);
	for (char *save, *word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save))
		add_word(&w, word);
	assert_int_equal(tarwrite_end(&w, &e), 0);
}

struct source {
	const char *at;
	size_t left, step; // bytes given at once
};

static ssize_t from_memory(void *context, void *data, size_t length, struct err *e)
{
	struct source *s = context;
	size_t n = s->left < length ? s->left : length;
	(void)e;
	n = n < s->step ? n : s->step;
	memcpy(data, s->at, n);
	s->at += n;
	s->left -= n;
	return (ssize_t)n;
}

static int scan(const void *data, size_t length, struct aci_scan *s, struct err *e)
{
	struct source source = { data, length, 4093 };
	return aci_scan(from_memory, &source, &codec_default_limits, s, e);
}

static const struct {
	const char *words;
	enum status status;
	const char *says;
} cases[] = {
	{ "m:manifest d:rootfs f:rootfs/a d:rootfs/d f:rootfs/d/a", STATUS_OK, NULL },
	{ "d:rootfs f:rootfs/manifest m:manifest", STATUS_OK, NULL }, // rkt:I-009
	{ "d:. m:./manifest d:./rootfs s:./rootfs/a p:rootfs/b f:rootfs/.wh.c", STATUS_OK, NULL },
	{ "m:manifest", STATUS_MALFORMED, "no rootfs" },
	{ "d:rootfs", STATUS_MALFORMED, "no manifest" }, // rkt:U-19
	{ "", STATUS_MALFORMED, "" },
	{ "m:manifest d:rootfs f:other", STATUS_MALFORMED, "entry 'other': neither" }, // rkt:I-003
	{ "m:manifest d:rootfs f:manifest/x", STATUS_MALFORMED, "entry 'manifest/x': neither" },
	{ "m:manifest s:rootfs", STATUS_MALFORMED, "entry 'rootfs': not a directory" },
	{ "m:manifest f:rootfs", STATUS_MALFORMED, "entry 'rootfs': not a directory" },
	{ "s:manifest d:rootfs", STATUS_MALFORMED, "entry 'manifest': not a regular file" },
	{ "d:manifest d:rootfs", STATUS_MALFORMED, "entry 'manifest': not a regular file" },
	{ "d:rootfs h:manifest", STATUS_MALFORMED, "entry 'manifest': not a regular file" },
	{ "s:. m:manifest d:rootfs", STATUS_MALFORMED, "entry '.': not a directory" },
	{ "m:manifest d:rootfs f:rootfs/a f:rootfs/a", STATUS_MALFORMED, "entry 'rootfs/a': the same name twice" }, // rkt:I-002
	{ "m:manifest d:rootfs f:rootfs/a f:./rootfs/a", STATUS_MALFORMED, "the same name twice" },
	{ "m:manifest d:rootfs f:rootfs/a d:rootfs/a", STATUS_MALFORMED, "the same name twice" },
	{ "m:manifest d:rootfs f:rootfs/a f:rootfs//a", STATUS_MALFORMED, "the same name twice" },
	{ "m:manifest d:rootfs f:rootfs/a f:rootfs/./a", STATUS_MALFORMED, "the same name twice" },
	{ "m:manifest d:rootfs d:rootfs", STATUS_MALFORMED, "the same name twice" },
	{ "m:manifest m:manifest d:rootfs", STATUS_MALFORMED, "entry 'manifest': the same name twice" },
	{ "m:manifest d:rootfs f:rootfs/../x", STATUS_MALFORMED, "a name with `..`" }, // rkt:U-15
	{ "m:manifest d:rootfs f:..", STATUS_MALFORMED, "a name with `..`" },
	{ "m:manifest d:rootfs f:/rootfs/x", STATUS_MALFORMED, "an absolute name" },
	{ "b:manifest d:rootfs", STATUS_MALFORMED, "manifest: 1:" },
	{ "f:manifest d:rootfs", STATUS_MALFORMED, "manifest: 1:" },
	{ "L:manifest d:rootfs", STATUS_LIMIT, "manifest: longer than the limit" },
};

static void archives(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		buf_auto bytes = { 0 };
		archive(cases[i].words, &bytes);
		struct err e = { 0 };
		struct aci_scan s;
		int failed = scan(bytes.data, bytes.length, &s, &e);
		if (e.status != cases[i].status || (failed && !strstr(e.text, cases[i].says)))
			fail_msg("%s: status %d: %s", cases[i].words, (int)e.status, e.text);
		assert_int_equal(failed, cases[i].status ? -1 : 0);
		assert_int_equal(s.manifest != NULL, !failed);
		json_decref(s.manifest);
	}
}

static void compress_into(struct buf *out, const struct buf *in)
{
	z_stream z = { 0 };
	assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
	buf_reserve(out, in->length + 100);
	z.next_in = (unsigned char *)in->data;
	z.avail_in = (unsigned)in->length;
	z.next_out = (unsigned char *)out->data;
	z.avail_out = (unsigned)in->length + 100;
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	out->length = z.total_out;
	deflateEnd(&z);
}

// rkt:I-004 rkt:I-008
static void the_id_is_that_of_the_uncompressed_tar(void **unused)
{
	(void)unused;
	buf_auto plain = { 0 };
	buf_auto packed = { 0 };
	archive(cases[0].words, &plain);
	compress_into(&packed, &plain);
	char digest[DIGEST_TEXT_MAX];
	hash_bytes(DIGEST_SHA512, plain.data, plain.length, digest);
	const struct buf *const forms[] = { &plain, &packed };
	for (size_t i = 0; i < 2; i++) {
		struct err e = { 0 };
		struct aci_scan s;
		assert_int_equal(scan(forms[i]->data, forms[i]->length, &s, &e), 0);
		assert_string_equal(s.id + 7, digest + 7);
		assert_int_equal(s.tar_size, plain.length);
		assert_int_equal(s.codec, i ? CODEC_GZIP : CODEC_NONE);
		json_decref(s.manifest);
	}
}

// rkt:U-21: cut at every block, and some bytes inside one
static void truncated_images_are_malformed(void **unused)
{
	(void)unused;
	buf_auto bytes = { 0 };
	archive(cases[0].words, &bytes);
	for (size_t length = 0; length < bytes.length; length += 256) {
		struct err e = { 0 };
		struct aci_scan s;
		assert_int_equal(scan(bytes.data, length, &s, &e), -1);
		assert_int_equal(e.status, STATUS_MALFORMED);
	}
}

// rkt:I-005: as gpg --symmetric, --encrypt and --armor begin
static void encrypted_images_are_refused(void **unused)
{
	(void)unused;
	static const char *const starts[] = { "\x8c\x0d\x04\x09", "\x85\x01\x0c\x03", "\xc3\x0d\x04\x09", "\xc1\xc0\x4c\x03",
		"\xd2\xc0\x01\x01", "-----BEGIN PGP MESSAGE-----\n\nhQ" };
	for (size_t i = 0; i < ARRAY_LENGTH(starts); i++) {
		struct err e = { 0 };
		struct aci_scan s;
		assert_int_equal(scan(starts[i], strlen(starts[i]), &s, &e), -1);
		assert_int_equal(e.status, STATUS_REFUSED);
		assert_non_null(strstr(e.text, "PGP-encrypted"));
	}
}

static void a_scan_passes_through_a_child(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		buf_auto bytes = { 0 };
		archive(cases[i].words, &bytes);
		io_auto int fd = memfd_create("aci", MFD_CLOEXEC);
		assert_int_equal(io_write_all(fd, bytes.data, bytes.length), 0);
		struct err e = { 0 };
		struct aci_scan inside, direct;
		assert_int_equal(aci_scan_confined(fd, &codec_default_limits, &inside, &e), cases[i].status ? -1 : 0);
		assert_int_equal(e.status, cases[i].status);
		if (e.status)
			continue;
		assert_int_equal(scan(bytes.data, bytes.length, &direct, &e), 0);
		assert_string_equal(inside.id, direct.id);
		assert_int_equal(inside.tar_size, direct.tar_size);
		assert_true(json_equal(inside.manifest, direct.manifest));
		json_decref(inside.manifest);
		json_decref(direct.manifest);
	}
}

static void everything_wrong_is_found(void **unused)
{
	(void)unused;
	buf_auto bytes = { 0 };
	buf_auto text = { 0 };
	archive("m:manifest f:a d:rootfs d:rootfs f:b", &bytes);
	struct source source = { bytes.data, bytes.length, 100 };
	struct aci_reading how = { &codec_default_limits, ACI_ENTRIES_MAX, true };
	struct findings findings = { 0 };
	struct err e = { 0 };
	struct aci_scan s;
	assert_int_equal(aci_read(from_memory, &source, &how, &s, &text, &findings, &e), 0);
	assert_int_equal(findings.errors, 3);
	assert_int_equal(text.length, strlen(good));
	assert_memory_equal(text.data, good, text.length);
	findings_free(&findings);
	json_decref(s.manifest);
}

static void many_names_are_told_apart(void **unused)
{
	(void)unused;
	struct nameset set = { 0 };
	char name[32];
	for (int round = 0; round < 2; round++)
		for (int i = 0; i < 100000; i++) {
			int n = snprintf(name, sizeof name, "name%d", i);
			assert_int_equal(nameset_add(&set, name, (size_t)n), !round);
		}
	assert_int_equal(set.count, 100000);
	nameset_free(&set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(archives),
		cmocka_unit_test(the_id_is_that_of_the_uncompressed_tar),
		cmocka_unit_test(truncated_images_are_malformed),
		cmocka_unit_test(encrypted_images_are_refused),
		cmocka_unit_test(a_scan_passes_through_a_child),
		cmocka_unit_test(everything_wrong_is_found),
		cmocka_unit_test(many_names_are_told_apart),
	};
	return cmocka_run_group_tests_name("aci", tests, NULL, NULL);
}
