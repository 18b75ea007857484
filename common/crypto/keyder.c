// keyder.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <stdbool.h>
#include <string.h>

#include "base/mem.h"
#include "crypto/keyder.h"

enum { WIDTH_MAX = 48 }; // bytes of a number

#define EC   "\x06\x07\x2a\x86\x48\xce\x3d\x02\x01" // the object identifiers
#define P256 "\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07"
#define P384 "\x06\x05\x2b\x81\x04\x00\x22"

#define BYTES(literal) literal, sizeof(literal) - 1

// What stands in front of the private number, and between it and the point, which ends the key. A public one has no number.
static const struct form {
	const char *group;
	size_t width;
	const char *head;
	size_t head_length;
	const char *middle;
	size_t middle_length;
} private_forms[] = {
	{ "prime256v1", 32, BYTES("\x30\x81\x87\x02\x01\x00\x30\x13" EC P256 "\x04\x6d\x30\x6b\x02\x01\x01\x04\x20"),
		BYTES("\xa1\x44\x03\x42\x00") },
	{ "secp384r1", 48, BYTES("\x30\x81\xb6\x02\x01\x00\x30\x10" EC P384 "\x04\x81\x9e\x30\x81\x9b\x02\x01\x01\x04\x30"),
		BYTES("\xa1\x64\x03\x62\x00") },
	{ "prime256v1", 32, BYTES("\x30\x77\x02\x01\x01\x04\x20"), BYTES("\xa0\x0a" P256 "\xa1\x44\x03\x42\x00") },
	{ "secp384r1", 48, BYTES("\x30\x81\xa4\x02\x01\x01\x04\x30"), BYTES("\xa0\x07" P384 "\xa1\x64\x03\x62\x00") },
}, public_forms[] = {
	{ "prime256v1", 32, BYTES("\x30\x59\x30\x13" EC P256 "\x03\x42\x00"), BYTES("") },
	{ "secp384r1", 48, BYTES("\x30\x76\x30\x10" EC P384 "\x03\x62\x00"), BYTES("") },
};

EVP_PKEY *keyder_from_numbers(const char *type, int selection, OSSL_PARAM *numbers)
{
	EVP_PKEY *pkey = NULL;
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	if (context && EVP_PKEY_fromdata_init(context) == 1)
		EVP_PKEY_fromdata(context, &pkey, selection, numbers);
	EVP_PKEY_CTX_free(context);
	return pkey;
}

// The number comes as big-endian bytes, and OSSL_PARAM wants the machine's order.
static EVP_PKEY *make(const struct form *f, const unsigned char *number, const unsigned char *point)
{
	unsigned char reversed[WIDTH_MAX];
	size_t width = number ? f->width : 0;
	for (size_t i = 0; i < width; i++)
		reversed[i] = number[width - 1 - i];
	OSSL_PARAM numbers[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char *)f->group, 0),
		OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, (void *)point, 1 + 2 * f->width),
		number ? OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_PRIV_KEY, reversed, width) : OSSL_PARAM_construct_end(),
		OSSL_PARAM_construct_end(),
	};
	EVP_PKEY *pkey = keyder_from_numbers("EC", number ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY, numbers);
	OPENSSL_cleanse(reversed, sizeof reversed);
	return pkey;
}

static EVP_PKEY *recognise(const struct form *forms, size_t count, bool is_private, const unsigned char *der, size_t length)
{
	for (const struct form *f = forms; f < forms + count; f++) {
		size_t number = is_private ? f->width : 0, middle = f->head_length + number, point = middle + f->middle_length;
		if (length == point + 1 + 2 * f->width && !memcmp(der, f->head, f->head_length) &&
			!memcmp(der + middle, f->middle, f->middle_length) && der[point] == 4)
			return make(f, is_private ? der + f->head_length : NULL, der + point);
	}
	return NULL;
}

EVP_PKEY *keyder_private(const unsigned char *der, size_t length)
{
	return recognise(private_forms, ARRAY_LENGTH(private_forms), true, der, length);
}

EVP_PKEY *keyder_public(const unsigned char *der, size_t length)
{
	return recognise(public_forms, ARRAY_LENGTH(public_forms), false, der, length);
}
