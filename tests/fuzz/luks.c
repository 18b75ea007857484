// LUKS2 headers: whole ones as a stream would bring them, and, since no fuzzer guesses a SHA-256, JSON behind a right checksum. The
// first byte of the input decides.
// SPDX-License-Identifier: Apache-2.0
#include <openssl/sha.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "disk/luksmeta.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length);

static void read_header(const uint8_t *bytes, size_t length)
{
	struct luks l = { 0 };
	struct luksmeta m;
	struct err e = { 0 };
	unsigned char key[XTS_KEY];
	if (luks_choose(bytes, length, &l, &e) == 0 && luksmeta_read(&l, &m, &e) == 0 && m.header_end <= 1 << 20) {
		buf_add(&l.bytes, bytes, length);
		while (l.bytes.length < m.header_end)
			buf_add_byte(&l.bytes, 'x');
		for (size_t i = 0; i < m.slot_count; i++)
			if (m.slots[i].kdf_of.iterations > 10 || m.slots[i].digest_of.iterations > 10)
				m.slots[i].unsupported = "too slow for a fuzzer";
		if (m.slot_count < 4)
			luksmeta_unlock(&l, &m, "secret", 6, key, &e);
	}
	luks_free(&l);
}

static void seal(uint8_t *header, const uint8_t *json, size_t length)
{
	static const uint8_t start[] = { 'L', 'U', 'K', 'S', 0xba, 0xbe, 0, 2, 0, 0, 0, 0, 0, 0, 0x40, 0, 0, 0, 0, 0, 0, 0, 0,
		1 };
	size_t room = LUKS_COPY_MIN - LUKS_BINARY - 1;
	memset(header, 0, LUKS_COPY_MIN);
	memcpy(header, start, sizeof start);
	memcpy(header + 72, "sha256", 6);
	memcpy(header + LUKS_BINARY, json, length < room ? length : room);
	SHA256(header, LUKS_COPY_MIN, header + 448);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
	static uint8_t header[2 * LUKS_COPY_MIN];
	if (!length)
		return 0;
	if (data[0] == '{' || data[0] == '[') {
		seal(header, data, length);
		read_header(header, sizeof header);
	} else {
		read_header(data, length);
	}
	return 0;
}
