// OpenPGP: any bytes as a signed message; what is taken out is bounded, and the signature is one packet again.
// SPDX-License-Identifier: Apache-2.0
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "crypto/pgpmessage.h"
#include "crypto/pgppacket.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length);

static void hold(int condition)
{
	if (!condition)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
	struct err e = { 0 };
	struct pgppacket p;
	size_t at = 0;
	buf_auto bytes = { 0 };
	pgpmessage_auto m = { 0 };
	buf_add(&bytes, data, length);
	if (pgpmessage_open(&bytes, &m, &e) < 0) {
		hold(e.status != 0);
		return 0;
	}
	hold(m.text.length + m.signature.length < PGPMESSAGE_MAX);
	hold(pgppacket_next(&m.signature, &at, &p, &e) == 1 && p.tag == PGPPACKET_SIGNATURE && at == m.signature.length);
	return 0;
}
