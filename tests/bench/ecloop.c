// ecloop sign|verify COUNT - that many P-384 signatures over as many texts of a token's length by OpenSSL alone, on one core: what a
// program that makes or checks tokens cannot be faster than.
// SPDX-License-Identifier: Apache-2.0
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT = 220 };

int main(int argc, char **argv)
{
	unsigned char text[TEXT] = { 0 }, signature[256];
	size_t length = sizeof signature;
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-384");
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	int verifies = argc > 1 && !strcmp(argv[1], "verify");
	long count = argc > 2 ? atol(argv[2]) : 1;
	int ok = EVP_DigestSignInit_ex(md, NULL, "SHA384", NULL, NULL, key, NULL) == 1 &&
		EVP_DigestSign(md, signature, &length, text, TEXT) == 1;
	for (long i = 0; ok && i < count; i++) {
		size_t n = sizeof signature;
		EVP_MD_CTX_reset(md);
		if (verifies)
			ok = EVP_DigestVerifyInit_ex(md, NULL, "SHA384", NULL, NULL, key, NULL) == 1 &&
				EVP_DigestVerify(md, signature, length, text, TEXT) == 1;
		else
			ok = EVP_DigestSignInit_ex(md, NULL, "SHA384", NULL, NULL, key, NULL) == 1 &&
				EVP_DigestSign(md, signature, &n, text, TEXT) == 1;
	}
	EVP_MD_CTX_free(md);
	EVP_PKEY_free(key);
	if (!ok)
		fprintf(stderr, "ecloop: OpenSSL failed\n");
	return !ok;
}
