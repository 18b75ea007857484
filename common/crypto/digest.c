// digest.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "base/mem.h"
#include "crypto/digest.h"

static const struct {
	const char *name;
	size_t bytes;
} algorithms[] = { [DIGEST_SHA256] = { "sha256", 32 }, [DIGEST_SHA512] = { "sha512", 64 } };

const char *digest_name(enum digest_algorithm algorithm)
{
	return algorithms[algorithm].name;
}

size_t digest_bytes(enum digest_algorithm algorithm)
{
	return algorithms[algorithm].bytes;
}

bool digest_valid(const char *text, enum digest_algorithm *algorithm, const char **hex)
{
	for (size_t i = 0; text && i < ARRAY_LENGTH(algorithms); i++) {
		size_t n = strlen(algorithms[i].name);
		if (strncmp(text, algorithms[i].name, n) != 0 || text[n] != ':')
			continue;
		const char *digits = text + n + 1;
		size_t length = strspn(digits, "0123456789abcdef");
		if (digits[length] || length != 2 * algorithms[i].bytes)
			return false;
		if (algorithm)
			*algorithm = (enum digest_algorithm)i;
		if (hex)
			*hex = digits;
		return true;
	}
	return false;
}

bool digest_is_sha256(const char *text)
{
	enum digest_algorithm algorithm;
	return digest_valid(text, &algorithm, NULL) && algorithm == DIGEST_SHA256;
}

const char *digest_digits(const char *digest)
{
	return strchr(digest, ':') + 1;
}

void digest_hex(const unsigned char *bytes, size_t length, char *hex)
{
	static const char digits[] = "0123456789abcdef";
	for (size_t i = 0; i < length; i++) {
		hex[2 * i] = digits[bytes[i] >> 4];
		hex[2 * i + 1] = digits[bytes[i] & 15];
	}
	hex[2 * length] = '\0';
}
