// The armour of OpenPGP (RFC 9580, section 6); pgp.h says what these promise. Text around a block is passed
// over, as every other reader does; inside, nothing is guessed.
// SPDX-License-Identifier: Apache-2.0
#include <sodium.h>
#include <string.h>

#include "crypto/pgp.h"

struct line { // without its end and the blanks before it
	const char *text;
	size_t length;
};

static bool next_line(const char **at, const char *end, struct line *line)
{
	if (*at == end)
		return false;
	const char *newline = memchr(*at, '\n', (size_t)(end - *at));
	line->text = *at;
	line->length = (size_t)((newline ? newline : end) - *at);
	*at = newline ? newline + 1 : end;
	while (line->length && strchr(" \t\r", line->text[line->length - 1]) && line->text[line->length - 1])
		line->length--;
	return true;
}

static bool starts(const struct line *line, const char *text)
{
	size_t n = strlen(text);
	return line->length >= n && !memcmp(line->text, text, n);
}

// One block, behind its first line: headers, an empty line, base64, perhaps a checksum, the last line. RFC
// 9580 wants the checksum ignored.
static int read_block(const char **at, const char *end, struct buf *binary, struct err *e)
{
	struct line line;
	bool in_headers = true, ended = false;
	buf_auto base64 = { 0 };
	while (!ended && next_line(at, end, &line)) {
		if (starts(&line, "-----END PGP "))
			ended = true;
		else if (in_headers && line.length && !memchr(line.text, ':', line.length))
			return err_set(e, STATUS_MALFORMED, "openpgp: broken armour: no empty line behind its headers");
		else if (in_headers)
			in_headers = line.length > 0;
		else if (!starts(&line, "="))
			buf_add(&base64, line.text, line.length);
	}
	if (!ended)
		return err_set(e, STATUS_MALFORMED, "openpgp: the armour is truncated: it has no last line");
	size_t length = 0;
	buf_reserve(binary, base64.length);
	if (base64.length &&
		sodium_base642bin((unsigned char *)binary->data + binary->length, base64.length, base64.data, base64.length, NULL,
			&length, NULL, sodium_base64_VARIANT_ORIGINAL) < 0)
		return err_set(e, STATUS_MALFORMED, "openpgp: broken armour: not base64");
	binary->length += length;
	binary->data[binary->length] = '\0';
	return 0;
}

static bool is_packet(const char *data, size_t length)
{
	return length && (data[0] & 0x80);
}

bool pgp_recognise(const void *data, size_t length)
{
	const char *at = data, *end = at + length;
	if (is_packet(data, length))
		return true;
	for (struct line line; length && next_line(&at, end, &line);)
		if (starts(&line, "-----BEGIN PGP "))
			return true;
	return false;
}

int pgp_binary(const void *data, size_t length, struct buf *binary, struct err *e)
{
	const char *at = data, *end = at + length;
	if (is_packet(data, length)) {
		buf_add(binary, data, length);
		return 0;
	}
	if (!pgp_recognise(data, length))
		return err_set(e, STATUS_MALFORMED, "openpgp: neither armour nor packets");
	for (struct line line; next_line(&at, end, &line);) {
		if (starts(&line, "-----BEGIN PGP SIGNED MESSAGE-----"))
			return err_set(e, STATUS_REFUSED, "openpgp: a clear-signed message: expected a detached signature");
		if (starts(&line, "-----BEGIN PGP ") && read_block(&at, end, binary, e) < 0)
			return -1;
	}
	if (!binary->length)
		return err_set(e, STATUS_MALFORMED, "openpgp: the armour is empty");
	return 0;
}
