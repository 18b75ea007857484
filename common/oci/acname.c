// acname.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "oci/acname.h"

#define LOWER_DIGITS "abcdefghijklmnopqrstuvwxyz0123456789"
#define HEX_DIGITS   "0123456789abcdef"

// Runs of lower-case letters and digits, with exactly one separator between two of them.
static bool is_words(const char *text, const char *separators)
{
	if (strnlen(text, ACNAME_MAX + 1) > ACNAME_MAX)
		return false;
	for (;;) {
		size_t n = strspn(text, LOWER_DIGITS);
		if (!n)
			return false;
		text += n;
		if (!*text)
			return true;
		if (!strchr(separators, *text++))
			return false;
	}
}

bool acname_is_identifier(const char *text)
{
	return is_words(text, "-._~/");
}

bool acname_is_name(const char *text)
{
	return is_words(text, "-");
}

static bool is_id(const char *text, size_t least, size_t most)
{
	if (strncmp(text, "sha512-", 7) != 0)
		return false;
	size_t n = strspn(text + 7, HEX_DIGITS);
	return n >= least && n <= most && !text[7 + n];
}

bool acname_is_image_id(const char *text)
{
	return is_id(text, 128, 128);
}

bool acname_is_short_id(const char *text)
{
	return is_id(text, 2, 128);
}

bool acname_covers(const char *prefix, const char *name)
{
	size_t n = strlen(prefix);
	return n && !strncmp(prefix, name, n) && (!name[n] || name[n] == '/');
}
