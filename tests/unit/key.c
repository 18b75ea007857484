// Unit tests of crypto/key: a thousand keys each way between ours and OpenSSL's own readers and writers (brkt:J3).
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <string.h>

#include "base/secret.h"
#include "crypto/key.h"
#include "crypto/keyder.h"

enum { KEYS = 1000, PASSPHRASES = 50 }; // PKCS#8's passphrase is slow on purpose, the traditional one is not

static char word[] = "pw";
static const struct buf passphrase = { .data = word, .length = 2 };

static int answer(void *context, struct buf *out, struct err *e)
{
	(void)context;
	(void)e;
	buf_add(out, passphrase.data, passphrase.length);
	return 0;
}

static enum key_type type_of(int i)
{
	return i % 4 == 0 ? KEY_ED25519 : i % 4 == 1 ? KEY_P256 : KEY_P384;
}

static void openssl_reads_ours(void **unused)
{
	(void)unused;
	for (int i = 0; i < KEYS; i++) {
		struct err e = { 0 };
		key_auto key = { 0 };
		secret_auto private_text = { 0 };
		buf_auto public_text = { 0 };
		enum key_type type = type_of(i);
		bool traditional = type != KEY_ED25519 && i % 3 == 0, sealed = traditional && i % PASSPHRASES < 3;
		assert_int_equal(key_generate(type, &key, &e), 0);
		assert_int_equal(key_private_pem(&key, sealed ? &passphrase : NULL, traditional, &private_text, &e), 0);
		assert_int_equal(key_public_pem(&key, &public_text, &e), 0);
		BIO *in = BIO_new_mem_buf(private_text.data, (int)private_text.length);
		EVP_PKEY *private_half = PEM_read_bio_PrivateKey(in, NULL, NULL, sealed ? word : NULL);
		BIO_free(in);
		in = BIO_new_mem_buf(public_text.data, (int)public_text.length);
		EVP_PKEY *public_half = PEM_read_bio_PUBKEY(in, NULL, NULL, NULL);
		BIO_free(in);
		assert_int_equal(EVP_PKEY_eq(private_half, public_half), 1);
		EVP_PKEY_free(private_half);
		EVP_PKEY_free(public_half);
	}
}

static EVP_PKEY *make(enum key_type type)
{
	return type == KEY_ED25519 ? EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")
				   : EVP_PKEY_Q_keygen(NULL, NULL, "EC", type == KEY_P256 ? "P-256" : "P-384");
}

static void we_read_openssls(void **unused)
{
	(void)unused;
	for (int i = 0; i < KEYS; i++) {
		struct err e = { 0 };
		struct key private_half, public_half;
		bool was_encrypted;
		char *text;
		enum key_type type = type_of(i);
		EVP_PKEY *theirs = make(type);
		BIO *out = BIO_new(BIO_s_mem());
		const EVP_CIPHER *cipher = i % PASSPHRASES < 2 ? EVP_aes_128_cbc() : NULL;
		bool traditional = type != KEY_ED25519 && i % 3 == 0;
		int written = traditional ? PEM_write_bio_PrivateKey_traditional(out, theirs, cipher, NULL, 0, NULL, word)
					  : PEM_write_bio_PKCS8PrivateKey(out, theirs, cipher, NULL, 0, NULL, word);
		assert_int_equal(written, 1);
		size_t length = (size_t)BIO_get_mem_data(out, &text);
		buf_auto copy = { 0 };
		buf_add(&copy, text, length);
		assert_int_equal(key_parse_private(copy.data, copy.length, answer, NULL, &private_half, &was_encrypted, &e), 0);
		assert_int_equal(was_encrypted, cipher != NULL);
		assert_int_equal(private_half.type, type);
		(void)BIO_reset(out);
		assert_int_equal(PEM_write_bio_PUBKEY(out, theirs), 1);
		length = (size_t)BIO_get_mem_data(out, &text);
		buf_auto public_copy = { 0 };
		buf_add(&public_copy, text, length);
		assert_int_equal(key_parse_public(public_copy.data, public_copy.length, &public_half, &e), 0);
		assert_true(key_same_public(&private_half, &public_half));
		assert_int_equal(EVP_PKEY_eq(public_half.pkey, theirs), 1);
		key_free(&private_half);
		key_free(&public_half);
		BIO_free(out);
		EVP_PKEY_free(theirs);
	}
}

// What is recognised byte by byte is what OpenSSL's decoders read in the same bytes, whichever of their bits is flipped.
static void check_recognised(bool is_private, const unsigned char *der, size_t length, bool whole)
{
	const unsigned char *at = der;
	EVP_PKEY *ours = is_private ? keyder_private(der, length) : keyder_public(der, length);
	unsigned char *a = NULL, *b = NULL;
	assert_true(ours || !whole);
	if (!ours)
		return;
	EVP_PKEY *theirs = is_private ? d2i_AutoPrivateKey(NULL, &at, (long)length) : d2i_PUBKEY(NULL, &at, (long)length);
	assert_non_null(theirs);
	int a_length = is_private ? i2d_PrivateKey(ours, &a) : i2d_PUBKEY(ours, &a);
	int b_length = is_private ? i2d_PrivateKey(theirs, &b) : i2d_PUBKEY(theirs, &b);
	assert_int_equal(a_length, b_length);
	assert_memory_equal(a, b, a_length);
	assert_int_equal(EVP_PKEY_eq(ours, theirs), 1);
	OPENSSL_free(a);
	OPENSSL_free(b);
	EVP_PKEY_free(ours);
	EVP_PKEY_free(theirs);
}

static void flip_every_byte(bool is_private, unsigned char *der, int length)
{
	assert_true(length > 0);
	check_recognised(is_private, der, (size_t)length, true);
	for (int i = 0; i < length; i++) {
		unsigned char bit = (unsigned char)(1U << i % 8);
		der[i] ^= bit;
		check_recognised(is_private, der, (size_t)length, false);
		der[i] ^= bit;
		assert_null(is_private ? keyder_private(der, (size_t)i) : keyder_public(der, (size_t)i));
	}
	OPENSSL_free(der);
}

static void recognised_is_what_openssl_decodes(void **unused)
{
	(void)unused;
	for (int i = 1; i <= 2; i++) {
		EVP_PKEY *pkey = make(type_of(i));
		PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(pkey);
		unsigned char *pkcs8 = NULL, *sec1 = NULL, *spki = NULL;
		int pkcs8_length = i2d_PKCS8_PRIV_KEY_INFO(info, &pkcs8), sec1_length = i2d_PrivateKey(pkey, &sec1);
		flip_every_byte(true, pkcs8, pkcs8_length);
		flip_every_byte(true, sec1, sec1_length);
		int spki_length = i2d_PUBKEY(pkey, &spki);
		flip_every_byte(false, spki, spki_length);
		PKCS8_PRIV_KEY_INFO_free(info);
		EVP_PKEY_free(pkey);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(openssl_reads_ours),
		cmocka_unit_test(we_read_openssls),
		cmocka_unit_test(recognised_is_what_openssl_decodes),
	};
	return cmocka_run_group_tests_name("key", tests, NULL, NULL);
}
