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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(openssl_reads_ours),
		cmocka_unit_test(we_read_openssls),
	};
	return cmocka_run_group_tests_name("key", tests, NULL, NULL);
}
