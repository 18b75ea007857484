// Unit tests of OpenPGP packets, armour and messages, of gpgv's and gpg's answers, and of the trust directories, as tables of one-line cases.
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/jsonio.h"
#include "base/mem.h"
#include "crypto/pgp.h"
#include "crypto/pgpcheck.h"
#include "crypto/pgpmessage.h"
#include "crypto/pgppacket.h"
#include "crypto/pgpshow.h"
#include "image/trust.h"

#define FPR  "ba609d3baa1dd1e54575719308e762cbead1ac3a"
#define CAPS "BA609D3BAA1DD1E54575719308E762CBEAD1AC3A"

#define BYTES(text) text, sizeof text - 1

static void packets_are_framed(void **unused)
{
	(void)unused;
	static const struct {
		const char *bytes;
		size_t length;
		int got; // what the first call says
		int tag;
		size_t body; // its length
	} cases[] = {
		{ BYTES(""), 0, 0, 0 },
		{ BYTES("\x99\x00\x01z"), 1, 6, 1 },
		{ BYTES("\x88\x02zz"), 1, 2, 2 },
		{ BYTES("\x9a\x00\x00\x00\x01z"), 1, 6, 1 },
		{ BYTES("\xc2\x00"), 1, 2, 0 },
		{ BYTES("\xc6\x01z"), 1, 6, 1 },
		{ BYTES("\xc6\xff\x00\x00\x00\x01z"), 1, 6, 1 },
		{ BYTES("\xc6\xff\xff\xff\xff\xffz"), -1, 0, 0 }, // longer than what is there
		{ BYTES("\x88\x03zz"), -1, 0, 0 },
		{ BYTES("\xc6\xc0\x00"), -1, 0, 0 }, // two octets say 192
		{ BYTES("\xc6\xe0z"), -1, 0, 0 },    // a body in parts
		{ BYTES("\x8bzzzz"), -1, 0, 0 },     // of indeterminate length
		{ BYTES("\x88"), -1, 0, 0 },
		{ BYTES("\xc6\xff\x00"), -1, 0, 0 },
		{ BYTES("text"), -1, 0, 0 },
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct err e = { 0 };
		struct pgppacket p = { 0 };
		size_t at = 0;
		buf_auto bytes = { 0 };
		buf_add(&bytes, cases[i].bytes, cases[i].length);
		assert_int_equal(pgppacket_next(&bytes, &at, &p, &e), cases[i].got);
		assert_int_equal(e.status, cases[i].got < 0 ? STATUS_MALFORMED : 0);
		assert_int_equal(p.tag, cases[i].got > 0 ? cases[i].tag : p.tag);
		if (cases[i].got > 0)
			assert_int_equal(p.length, cases[i].body);
	}
}

static void armour_comes_off(void **unused)
{
	(void)unused;
	static const struct {
		const char *text, *binary; // NULL: refused with this status
		enum status status;
	} cases[] = {
		{ "-----BEGIN PGP SIGNATURE-----\n\niAAA\n-----END PGP SIGNATURE-----\n", "\x88", 0 },
		{ "-----BEGIN PGP SIGNATURE-----\r\nVersion: 1\r\n\r\niAAA\r\n=abcd\r\n-----END PGP SIGNATURE-----", "\x88", 0 },
		{ "hello\n-----BEGIN PGP X-----\n \nYWI=\n-----END PGP X-----\n-----BEGIN PGP X-----\n\nYw==\n-----END PGP "
		  "X-----\n",
			"abc", 0 },
		{ "\x99", "\x99", 0 },
		{ "", NULL, STATUS_MALFORMED },
		{ "<html>", NULL, STATUS_MALFORMED },
		{ "-----BEGIN PGP SIGNATURE-----\n\niAAA\n", NULL, STATUS_MALFORMED },
		{ "-----BEGIN PGP SIGNATURE-----\n\n-----END PGP SIGNATURE-----\n", NULL, STATUS_MALFORMED },
		{ "-----BEGIN PGP SIGNATURE-----\niAAA\n-----END PGP SIGNATURE-----\n", NULL, STATUS_MALFORMED },
		{ "-----BEGIN PGP SIGNATURE-----\n\ni*AA\n-----END PGP SIGNATURE-----\n", NULL, STATUS_MALFORMED },
		{ "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nhi\n-----BEGIN PGP SIGNATURE-----\n", NULL,
			STATUS_REFUSED },
		{ "x\n-----BEGIN PGP SIGNATURE-----\n\niAAA\n-----END PGP SIGNATURE-----\n-----BEGIN PGP SIGNED MESSAGE-----\n",
			NULL, STATUS_REFUSED },
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct err e = { 0 };
		buf_auto binary = { 0 };
		int failed = pgp_binary(cases[i].text, strlen(cases[i].text), &binary, &e);
		assert_int_equal(e.status, cases[i].status);
		assert_int_equal(failed, cases[i].status ? -1 : 0);
		if (cases[i].binary)
			assert_int_equal(strncmp(binary.data, cases[i].binary, strlen(cases[i].binary)), 0);
	}
}

static void fingerprints(void **unused)
{
	(void)unused;
	static const struct {
		const char *text;
		bool good;
	} cases[] = { { FPR, true }, { FPR "aaaabbbbccccddddeeeeffff", true }, { CAPS, false }, { "", false }, { FPR "a", false },
		{ "ba60", false }, { FPR "\n", false }, { "../" FPR, false } };
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++)
		assert_int_equal(pgp_is_fingerprint(cases[i].text), cases[i].good);
}

// A v4 signature packet made by hand: the parts a publisher, or an attacker, may vary.
static void signatures_are_read(void **unused)
{
	(void)unused;
#define HEAD(type, hash)  "\x04" type "\x16" hash
#define CREATED           "\x05\x02\x00\x00\x00\x09"
#define ISSUER            "\x09\x10\x01\x02\x03\x04\x05\x06\x07\x08"
#define FINGERPRINT(last) "\x16\x21\x04zzzzzzzzzzzz\x01\x02\x03\x04\x05\x06\x07" last
#define FINGERPRINT_TEXT  "7a7a7a7a7a7a7a7a7a7a7a7a0102030405060708"
	static const struct {
		const char *body;
		size_t length;
		enum status status;
		const char *issuer, *weakness; // of a good one
	} cases[] = {
		{ BYTES(HEAD("\x00", "\x08") "\x00\x06" CREATED "\x00\x0a" ISSUER "zz"), 0, "0102030405060708", NULL },
		{ BYTES(HEAD("\x00", "\x01") "\x00\x06" CREATED "\x00\x0a" ISSUER "zz"), 0, "0102030405060708", "MD5" },
		{ BYTES(HEAD("\x00", "\x08") "\x00\x06" CREATED "\x00\x21" ISSUER FINGERPRINT("\x08") "zz"), 0, FINGERPRINT_TEXT,
			NULL },
		{ BYTES(HEAD("\x00", "\x08") "\x00\x1d" CREATED FINGERPRINT("\x08") "\x00\x0a" ISSUER "zz"), 0, FINGERPRINT_TEXT,
			NULL },
		{ BYTES(HEAD("\x00", "\x08") "\x00\x1d" CREATED FINGERPRINT("\x09") "\x00\x0a" ISSUER "zz"), 0, NULL,
			"more than one" },
		{ BYTES(HEAD("\x00", "\x08") "\x00\x21" ISSUER FINGERPRINT("\x08") "\x00\x17" FINGERPRINT("\x07") "zz"), 0, NULL,
			"more than one" },
		{ BYTES(HEAD("\x00", "\x02") "\x00\x06" CREATED "\x00\x00zz"), 0, "", "SHA-1" },
		{ BYTES(HEAD("\x01", "\x08") "\x00\x06" CREATED "\x00\x00zz"), 0, "", "binary" },
		{ BYTES("\x03\x05\x00\x00\x00\x00\x09zzzzzzzz\x01\x08zz"), STATUS_MALFORMED, NULL, NULL },
		{ BYTES(HEAD("\x00", "\x08") "\x00\x07" CREATED), STATUS_MALFORMED, NULL, NULL },
		{ BYTES(HEAD("\x00", "\x08") "\x00\x05" CREATED), STATUS_MALFORMED, NULL, NULL },
		{ BYTES(HEAD("\x00", "\x08") "\x00\x01\x00\x00\x00"), STATUS_MALFORMED, NULL, NULL },
		{ BYTES(HEAD("\x00", "\x08") "\x00\x05\xff\xff\xff\xff\xff\x00\x00"), STATUS_MALFORMED, NULL, NULL },
		{ BYTES("\x04\x00"), STATUS_MALFORMED, NULL, NULL },
		{ BYTES(""), STATUS_MALFORMED, NULL, NULL },
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct err e = { 0 };
		struct pgp_signatures all;
		buf_auto packet = { 0 };
		buf_add_byte(&packet, (char)0xc2);
		buf_add_byte(&packet, (char)cases[i].length);
		buf_add(&packet, cases[i].body, cases[i].length);
		int failed = pgp_read_signatures(&packet, &all, &e);
		assert_int_equal(e.status, cases[i].status);
		assert_int_equal(failed, cases[i].status ? -1 : 0);
		if (failed)
			continue;
		assert_int_equal(all.count, 1);
		if (cases[i].issuer) {
			assert_int_equal(all.items[0].created, 9);
			assert_string_equal(all.items[0].issuer, cases[i].issuer);
		}
		const char *weakness = pgp_signature_weakness(&all.items[0]);
		assert_int_equal(!weakness, !cases[i].weakness);
		if (weakness)
			assert_non_null(strstr(weakness, cases[i].weakness));
		pgp_free_signatures(&all);
	}
}

static void a_key_is_found_by_fingerprint_or_id(void **unused)
{
	(void)unused;
	struct pgp_key items[] = { { .fingerprint = FPR, .version = 4 },
		{ .fingerprint = FPR "aaaabbbbccccddddeeeeffff", .version = 6 } };
	struct pgp_keys keys = { items, 2 };
	static const struct {
		const char *issuer;
		int found; // -1: none
	} cases[] = { { FPR, 0 }, { "08e762cbead1ac3a", 0 }, { "ba609d3baa1dd1e5", 1 }, { FPR "aaaabbbbccccddddeeeeffff", 1 },
		{ "", -1 }, { "ead1ac3a", -1 }, { "0000000000000000", -1 } };
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct pgp_signature made = { 0 };
		strcpy(made.issuer, cases[i].issuer);
		const struct pgp_key *key = pgp_find_issuer(&keys, &made);
		assert_ptr_equal(key, cases[i].found < 0 ? NULL : &items[cases[i].found]);
	}
}

// ---- signed messages ----

#define ONE_PASS "\x90\x02zz"
#define LITERAL  "\xcb\x08\x62\x00zzzzhi"
#define MADE     "\x88\x02zz"
#define SIGNED   ONE_PASS LITERAL MADE
#define PARTED   "\xcb\xe1\x62\x00\xe2zzzz\x02hi" // in parts of 2, 4 and 2 octets

static void messages_are_opened(void **unused)
{
	(void)unused;
	static const struct {
		const char *bytes;
		size_t length;
		enum status status;
		const char *says; // of a bad one
	} cases[] = {
		{ BYTES(SIGNED), 0, NULL },
		{ BYTES("\xc4\x02zz" LITERAL "\xc2\x02zz"), 0, NULL },
		{ BYTES(ONE_PASS PARTED MADE), 0, NULL },
		{ BYTES(ONE_PASS "\xcb\x0b"
				 "b\x03"
				 "fooz\x00\x00\x00hi" MADE),
			0, NULL }, // with a file's name
		{ BYTES("\xa3\x00" SIGNED), 0, NULL },
		{ BYTES("\xc8\x13\x00" SIGNED), 0, NULL },
		{ BYTES("\xc8\xe4\x00" ONE_PASS LITERAL "\x88\x03\x02zz"), 0, NULL }, // in parts: 16 octets, then 3
		{ BYTES(""), STATUS_MALFORMED, "the message ends" },
		{ BYTES("text"), STATUS_MALFORMED, "no packet starts" },
		{ BYTES("-----BEGIN PGP SIGNED MESSAGE-----"), STATUS_MALFORMED, "no packet starts" },
		{ BYTES(ONE_PASS LITERAL), STATUS_MALFORMED, "the message ends" },
		{ BYTES(ONE_PASS LITERAL "\x88\x02z"), STATUS_MALFORMED, "truncated" },
		{ BYTES(ONE_PASS "\xcb\xe1"
				 "b\x00\xe2zzz"),
			STATUS_MALFORMED, "truncated" },
		{ BYTES(ONE_PASS "\xcb\xe1"
				 "b\x00"),
			STATUS_MALFORMED, "truncated" },
		{ BYTES(ONE_PASS "\xcb\x05"
				 "b\x00zzz" MADE),
			STATUS_MALFORMED, "truncated" },
		{ BYTES(ONE_PASS "\xcb\x01"
				 "b" MADE),
			STATUS_MALFORMED, "truncated" },
		{ BYTES(ONE_PASS "\xaf"
				 "b\x00zzzzhi" MADE),
			STATUS_MALFORMED, "the message ends" }, // the rest is the literal's
		{ BYTES(ONE_PASS "\xcb\x08"
				 "t\x00zzzzhi" MADE),
			STATUS_REFUSED, "binary" },
		{ BYTES(MADE), STATUS_REFUSED, "a detached signature" },
		{ BYTES(MADE LITERAL), STATUS_REFUSED, "a detached signature" },
		{ BYTES(LITERAL), STATUS_REFUSED, "without a signature" },
		{ BYTES(ONE_PASS LITERAL LITERAL MADE), STATUS_REFUSED, "without a signature" },
		{ BYTES(ONE_PASS LITERAL MADE LITERAL), STATUS_REFUSED, "more packets" },
		{ BYTES(SIGNED SIGNED), STATUS_REFUSED, "more packets" },
		{ BYTES(ONE_PASS ONE_PASS LITERAL MADE MADE), STATUS_REFUSED, "more than one signature" },
		{ BYTES(ONE_PASS LITERAL MADE MADE), STATUS_REFUSED, "more packets" },
		{ BYTES("\x84\x02zz\xd2\x02zz"), STATUS_REFUSED, "encrypted" },
		{ BYTES(ONE_PASS "\xa3\x00" LITERAL MADE), STATUS_REFUSED, "a compressed packet" },
		{ BYTES("\xa3\x00\xa3\x00" SIGNED), STATUS_MALFORMED, "unknown length" },
		{ BYTES("\xa3\x00\xc8\x13\x00" SIGNED), STATUS_REFUSED, "a compressed packet" },
		{ BYTES("\xc8\x13\x00" SIGNED LITERAL), STATUS_REFUSED, "behind the compressed one" },
		{ BYTES("\xa3"), STATUS_MALFORMED, "empty" },
		{ BYTES("\xa3\x01zz"), STATUS_MALFORMED, "damaged" },
		{ BYTES("\xa3\x02zz"), STATUS_MALFORMED, "damaged" },
		{ BYTES("\xa3\x03zz"), STATUS_MALFORMED, "damaged" },
		{ BYTES("\xa3\x04zz"), STATUS_REFUSED, "unknown algorithm: 4" },
		{ BYTES("\x99\x00\x01z"), STATUS_REFUSED, "tag 6" },
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct err e = { 0 };
		buf_auto bytes = { 0 };
		pgpmessage_auto m = { 0 };
		buf_add(&bytes, cases[i].bytes, cases[i].length);
		int failed = pgpmessage_open(&bytes, &m, &e);
		assert_int_equal(e.status, cases[i].status);
		assert_int_equal(failed, cases[i].status ? -1 : 0);
		if (failed)
			assert_non_null(strstr(e.text, cases[i].says));
		else
			assert_string_equal(buf_text(&m.text), "hi");
	}
}

// What zlib makes of the bytes, behind the header of a packet of indeterminate length.
static void deflate_into(struct buf *message, const void *bytes, size_t length)
{
	uLong room = compressBound(length);
	mem_auto unsigned char *out = mem_alloc(room);
	assert_int_equal(compress(out, &room, bytes, length), Z_OK);
	buf_add(message, "\xa3\x02", 2);
	buf_add(message, out, room);
}

static void compressed_messages_are_bounded(void **unused)
{
	(void)unused;
	static const char zeros[1 << 24];
	static const struct {
		const char *bytes;
		size_t length, cut; // what is left out at the end
		enum status status;
	} cases[] = { { BYTES(SIGNED), 0, 0 }, { BYTES(SIGNED), 1, STATUS_MALFORMED }, { zeros, sizeof zeros, 0, STATUS_LIMIT },
		{ zeros, PGPMESSAGE_MAX + 1, 0, STATUS_LIMIT }, { zeros, PGPMESSAGE_MAX, 0, STATUS_MALFORMED } };
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct err e = { 0 };
		buf_auto bytes = { 0 };
		pgpmessage_auto m = { 0 };
		deflate_into(&bytes, cases[i].bytes, cases[i].length);
		bytes.length -= cases[i].cut;
		assert_int_equal(pgpmessage_open(&bytes, &m, &e), cases[i].status ? -1 : 0);
		assert_int_equal(e.status, cases[i].status);
	}
	struct err e = { 0 };
	buf_auto long_one = { 0 };
	pgpmessage_auto m = { 0 };
	buf_add(&long_one, zeros, PGPMESSAGE_MAX + 1);
	assert_int_equal(pgpmessage_open(&long_one, &m, &e), -1);
	assert_int_equal(e.status, STATUS_LIMIT);
}

#define S     "[GNUPG:] "
#define NEW   S "NEWSIG\n"
#define GOOD  S "GOODSIG 08E762CBEAD1AC3A A User <a@b.c>\n"
#define VALID S "VALIDSIG " CAPS " 2026-11-22 1795313429 0 4 0 22 8 00 " CAPS "\n"

static void status_lines_are_judged(void **unused)
{
	(void)unused;
	static const struct {
		const char *text, *reason; // NULL: good
	} cases[] = {
		{ NEW GOOD VALID, NULL },
		{ NEW S "BADSIG 08E762CBEAD1AC3A x\n" NEW GOOD VALID, NULL },
		{ NEW GOOD VALID NEW S "BADSIG 08E762CBEAD1AC3A x\n", NULL },
		{ NEW S "NOTATION_NAME x@y\n" S "NOTATION_DATA %0A[GNUPG:]%20BADSIG\n" GOOD VALID, NULL },
		{ "", "found no signature" },
		{ "x", "found no signature" },
		{ NEW, "neither good nor bad" },
		{ GOOD VALID, "found no signature" },
		{ NEW GOOD, "neither good nor bad" },
		{ NEW VALID, "neither good nor bad" },
		{ NEW GOOD S "VALIDSIG " CAPS, "neither good nor bad" }, // cut
		{ NEW GOOD NEW VALID, "neither good nor bad" },          // halves of two
		{ NEW GOOD VALID VALID, "cannot be read" },
		{ NEW GOOD S "VALIDSIG x\n", "cannot be read" },
		{ NEW GOOD S "VALIDSIG " CAPS " 2026-11-22 1 0 4 0 22 8 00 ../" CAPS "\n", "cannot be read" },
		{ NEW GOOD S "VALIDSIG " CAPS " 2026-11-22 1 0 4 0 22 2 00 " CAPS "\n", "weak digest algorithm" },
		{ NEW GOOD S "VALIDSIG " CAPS " 2026-11-22 1 0 4 0 22 1 00 " CAPS "\n", "weak digest algorithm" },
		{ NEW GOOD S "VALIDSIG " CAPS " 2026-11-22 1 0 4 0 22 8 01 " CAPS "\n", "binary document" },
		{ NEW S "EXPKEYSIG 0 x\n" VALID, "key expired" },
		{ NEW S "KEYEXPIRED 1581336000\n" S "EXPKEYSIG 0 x\n" VALID, "it expired 2020-02-10T12:00:00Z" },
		{ NEW S "REVKEYSIG 0 x\n" VALID, "key revoked" },
		{ NEW GOOD S "REVKEYSIG 0 x\n" VALID, "key revoked" },
		{ NEW S "EXPSIG 0 x\n" VALID, "expired" },
		{ NEW S "ERRSIG 0 22 8 00 0 9 -\n" S "NO_PUBKEY 0\n", "cannot check" },
		{ NEW S "BADSIG 0 GOODSIG VALIDSIG\n", "other data" },
		{ NEW "GOODSIG 0 x\n" VALID, "neither good nor bad" },
		{ NEW " " GOOD VALID, "neither good nor bad" },
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct err e = { 0 };
		char fingerprint[PGP_FINGERPRINT_MAX] = "";
		int failed = pgpcheck_read_status(cases[i].text, strlen(cases[i].text), fingerprint, &e);
		assert_int_equal(e.status, cases[i].reason ? STATUS_REFUSED : 0);
		assert_int_equal(failed, cases[i].reason ? -1 : 0);
		assert_string_equal(fingerprint, cases[i].reason ? "" : FPR);
		if (cases[i].reason)
			assert_non_null(strstr(e.text, cases[i].reason));
	}
}

#define PUB "pub:-:255:22:08E762CBEAD1AC3A:1795313162:::-:::scSC:::::ed25519:::0:\n"
#define KEY "fpr:::::::::" CAPS ":\n"

static void listings_are_read(void **unused)
{
	(void)unused;
	static const struct {
		const char *text, *filter, *expected; // the member `filter` of the first record, as JSON
	} cases[] = {
		{ PUB KEY, "fingerprint", "\"" FPR "\"" },
		{ PUB KEY, "algorithm", "\"eddsa\"" },
		{ PUB KEY, "created", "\"2026-11-22T02:06:02Z\"" },
		{ PUB KEY "uid:-::::1::X::A\\x3a B \\x5c\\n:\n", "identities", "[\"A: B \\\\\\n\"]" },
		{ PUB KEY "uid:-::::1::X::\\xff\\x0:\n", "identities", "[\"\\\\xff\\\\x0\"]" },
		{ PUB KEY "uid:r::::1::X::gone:\nuid:i::::1::X::bad:\nuid:e::::1::X::old:\nuid:::::1::X::plain:\n", "identities",
			"[\"old\",\"plain\"]" },
		{ "pub:r:255:22:0:1::::::sc::::::\n" KEY "uid:r::::1::X::A:\n", "identities", "[\"A\"]" },
		{ PUB KEY PUB KEY, "subkeys", "[]" },
		{ "", NULL, NULL },
		{ "tru::1:1:0:3:1:5\n", NULL, NULL },
		{ PUB, NULL, NULL },
		{ KEY, NULL, NULL },
		{ PUB "fpr:::::::::../x:\n", NULL, NULL },
		{ PUB "fpr", NULL, NULL },
		{ "uid:-::::1::X::A:\n", NULL, NULL },
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct err e = { 0 };
		jsonio_auto json_t *records = pgpshow_read_colons(cases[i].text, strlen(cases[i].text), &e);
		assert_int_equal(e.status, cases[i].expected ? 0 : STATUS_MALFORMED);
		assert_int_equal(!records, !cases[i].expected);
		if (!records)
			continue;
		json_t *member = json_object_get(json_array_get(records, 0), cases[i].filter);
		mem_auto char *text = json_dumps(member, JSON_COMPACT | JSON_ENCODE_ANY);
		assert_string_equal(text, cases[i].expected);
	}
}

static void keys_cover_names(void **unused)
{
	(void)unused;
	static char a[] = "a.com/b", nothing[] = "", fingerprint[] = FPR, data[] = "x";
	struct trust_key keys[] = { { .prefix = a, .fingerprint = fingerprint, .data = data, .length = 1 },
		{ .prefix = nothing, .fingerprint = fingerprint, .data = data, .length = 1 },
		{ .prefix = a, .fingerprint = fingerprint, .data = data, .length = 1, .masked = true },
		{ .prefix = a, .fingerprint = fingerprint } };
	static const struct {
		const char *name;
		size_t count;
	} cases[] = { { "a.com/b", 1 }, { "a.com/b/c", 1 }, { "a.com/bc", 0 }, { "a.com", 0 }, { "a.com/b.evil", 0 }, { "", 0 },
		{ "x", 0 } };
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct trust all = { .keys = keys, .count = ARRAY_LENGTH(keys) }, covering;
		trust_for_name(&all, false, cases[i].name, &covering);
		assert_int_equal(covering.count, cases[i].count);
		trust_free(&covering);
	}
}

static void places(void **unused)
{
	(void)unused;
	static const struct {
		const char *prefix, *fingerprint, *path;
	} cases[] = { { NULL, "f", "trustedkeys/root.d/f" }, { "a/b", "f", "trustedkeys/prefix.d/a/b/f" },
		{ "a", NULL, "trustedkeys/prefix.d/a" }, { NULL, NULL, "trustedkeys/root.d" } };
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		mem_auto char *path = trust_path(cases[i].prefix, cases[i].fingerprint);
		assert_string_equal(path, cases[i].path);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(packets_are_framed),
		cmocka_unit_test(armour_comes_off),
		cmocka_unit_test(fingerprints),
		cmocka_unit_test(signatures_are_read),
		cmocka_unit_test(a_key_is_found_by_fingerprint_or_id),
		cmocka_unit_test(messages_are_opened),
		cmocka_unit_test(compressed_messages_are_bounded),
		cmocka_unit_test(status_lines_are_judged),
		cmocka_unit_test(listings_are_read),
		cmocka_unit_test(keys_cover_names),
		cmocka_unit_test(places),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
