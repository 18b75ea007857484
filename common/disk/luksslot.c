// luksmeta.h says what this promises.
// SPDX-License-Identifier: Apache-2.0
#include <endian.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <string.h>

#include "crypto/locked.h"
#include "disk/luksmeta.h"

enum { SPLIT = LUKSMETA_STRIPES * XTS_KEY };

// The anti-forensic splitter's diffusion (LUKS1 On-Disk Format Specification, section 2.4): each run of the hash's length becomes the
// hash of its number and itself.
static bool diffuse(unsigned char *block, const char *hash)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	const EVP_MD *md = EVP_get_digestbyname(hash);
	size_t run = (size_t)EVP_MD_get_size(md);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool good = ctx;
	for (size_t at = 0; good && at < XTS_KEY; at += run) {
		uint32_t number = htobe32((uint32_t)(at / run));
		size_t n = XTS_KEY - at < run ? XTS_KEY - at : run;
		good = EVP_DigestInit_ex(ctx, md, NULL) && EVP_DigestUpdate(ctx, &number, sizeof number) &&
			EVP_DigestUpdate(ctx, block + at, n) && EVP_DigestFinal_ex(ctx, digest, NULL);
		memcpy(block + at, digest, n);
	}
	EVP_MD_CTX_free(ctx);
	OPENSSL_cleanse(digest, sizeof digest);
	return good;
}

static bool merge(const unsigned char *split, const char *hash, unsigned char key[static XTS_KEY])
{
	memset(key, 0, XTS_KEY);
	for (size_t stripe = 0; stripe < LUKSMETA_STRIPES; stripe++) {
		for (size_t i = 0; i < XTS_KEY; i++)
			key[i] ^= split[stripe * XTS_KEY + i];
		if (stripe + 1 < LUKSMETA_STRIPES && !diffuse(key, hash))
			return false;
	}
	return true;
}

static bool derive(const struct luksmeta_pbkdf2 *p, const void *secret, size_t length, unsigned char *out, size_t out_length)
{
	return PKCS5_PBKDF2_HMAC(secret, (int)length, p->salt, (int)p->salt_length, p->iterations, EVP_get_digestbyname(p->hash),
		       (int)out_length, out) == 1;
}

static bool digest_good(const struct luksmeta_slot *s, const unsigned char *key)
{
	unsigned char found[LUKSMETA_DIGEST_MAX];
	return derive(&s->digest_of, key, XTS_KEY, found, s->digest_length) && !CRYPTO_memcmp(found, s->digest, s->digest_length);
}

// Whether the secret opens this slot. `split` has room for the split key.
static bool opens(const struct luks *l, const struct luksmeta_slot *s, const void *secret, size_t length, unsigned char *split,
	unsigned char *key)
{
	unsigned char *slot_key = split + SPLIT;
	if (!derive(&s->kdf_of, secret, length, slot_key, XTS_KEY))
		return false;
	memcpy(split, l->bytes.data + s->offset, SPLIT);
	struct xts *x = xts_open(slot_key, false, 512, &(struct err){ 0 });
	bool good =
		x && !xts_run(x, split, SPLIT, 0, &(struct err){ 0 }) && merge(split, s->split_hash, key) && digest_good(s, key);
	xts_close(x);
	return good;
}

int luksmeta_unlock(const struct luks *l, const struct luksmeta *m, const void *secret, size_t length,
	unsigned char key[static XTS_KEY], struct err *e)
{
	size_t tried = 0;
	locked_auto unsigned char *split = locked_alloc(SPLIT + XTS_KEY);
	for (size_t i = 0; i < m->slot_count; i++) {
		const struct luksmeta_slot *s = &m->slots[i];
		if (s->unsupported)
			continue;
		if (opens(l, s, secret, length, split, key))
			return 0;
		tried++;
	}
	OPENSSL_cleanse(key, XTS_KEY);
	for (size_t i = 0; i < m->slot_count; i++)
		if (m->slots[i].unsupported) {
			err_set(e, STATUS_NOT_AUTHORISED, "the secret opens none of %zu key slots", m->slot_count);
			return err_hint(e, "key slot %d was not tried: %s", m->slots[i].number, m->slots[i].unsupported);
		}
	return err_set(e, STATUS_NOT_AUTHORISED, "the secret opens none of %zu key slots", tried);
}
