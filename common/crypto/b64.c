// b64.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <sodium.h>

#include "crypto/b64.h"

static const int variant = sodium_base64_VARIANT_URLSAFE_NO_PADDING;

void b64_encode(const void *data, size_t length, struct buf *out)
{
	size_t room = sodium_base64_encoded_len(length, variant); // with a NUL
	buf_reserve(out, room);
	sodium_bin2base64(out->data + out->length, room, data, length, variant);
	out->length += room - 1;
}

static bool decode(const char *text, size_t length, int form, struct buf *out)
{
	size_t got;
	buf_reserve(out, length);
	char *at = out->data + out->length;
	bool ok = !sodium_base642bin((unsigned char *)at, length, text, length, NULL, &got, NULL, form);
	out->length += ok ? got : 0;
	out->data[out->length] = '\0';
	return ok;
}

bool b64_decode(const char *text, size_t length, struct buf *out)
{
	return decode(text, length, variant, out);
}

bool b64_decode_padded(const char *text, size_t length, struct buf *out)
{
	return decode(text, length, sodium_base64_VARIANT_ORIGINAL, out);
}
