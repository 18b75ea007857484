// hash.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"
#include "base/msg.h"
#include "crypto/hash.h"
#include "crypto/libcrypto.h"

struct hash {
	EVP_MD_CTX *context;
	enum digest_algorithm algorithm;
};

// libcrypto refuses a hash only when it is broken or out of memory: nothing a caller could mend.
static void must(bool ok)
{
	if (ok)
		return;
	msg_error("libcrypto cannot compute a digest");
	_exit(STATUS_SYSTEM);
}

static EVP_MD *fetched(enum digest_algorithm algorithm)
{
	static EVP_MD *cache[DIGEST_SHA512 + 1];
	if (!cache[algorithm]) {
		libcrypto_start();
		cache[algorithm] = EVP_MD_fetch(NULL, digest_name(algorithm), NULL);
		must(cache[algorithm] != NULL);
	}
	return cache[algorithm];
}

struct hash *hash_start(enum digest_algorithm algorithm)
{
	struct hash *h = mem_alloc(sizeof *h);
	h->algorithm = algorithm;
	h->context = EVP_MD_CTX_new();
	must(h->context && EVP_DigestInit_ex2(h->context, fetched(algorithm), NULL));
	return h;
}

void hash_add(struct hash *h, const void *data, size_t length)
{
	must(EVP_DigestUpdate(h->context, data, length));
}

char *hash_finish(struct hash *h, char text[static DIGEST_TEXT_MAX])
{
	unsigned char bytes[EVP_MAX_MD_SIZE];
	must(EVP_DigestFinal_ex(h->context, bytes, NULL));
	int n = snprintf(text, DIGEST_TEXT_MAX, "%s:", digest_name(h->algorithm));
	digest_hex(bytes, digest_bytes(h->algorithm), text + n);
	hash_free(h);
	return text;
}

void hash_free(struct hash *h)
{
	if (!h)
		return;
	EVP_MD_CTX_free(h->context);
	free(h);
}

char *hash_bytes(enum digest_algorithm algorithm, const void *data, size_t length, char text[static DIGEST_TEXT_MAX])
{
	struct hash *h = hash_start(algorithm);
	hash_add(h, data, length);
	return hash_finish(h, text);
}

int hash_stream(enum digest_algorithm algorithm, int fd, char text[static DIGEST_TEXT_MAX], int64_t *size, struct err *e)
{
	mem_auto char *chunk = mem_alloc(IO_CHUNK);
	struct hash *h = hash_start(algorithm);
	int64_t total = 0;
	ssize_t n;
	while ((n = read(fd, chunk, IO_CHUNK)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			hash_free(h);
			return err_system(e, "cannot read");
		}
		hash_add(h, chunk, (size_t)n);
		total += n;
	}
	hash_finish(h, text);
	if (size)
		*size = total;
	return 0;
}
