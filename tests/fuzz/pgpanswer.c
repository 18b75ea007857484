// What gpgv and gpg answer: any bytes are a verdict with a fingerprint, a listing with fingerprints, or refused.
// SPDX-License-Identifier: Apache-2.0
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "crypto/pgpcheck.h"
#include "crypto/pgpshow.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
	struct err e = { 0 };
	char fingerprint[PGP_FINGERPRINT_MAX] = "";
	int failed = pgpcheck_read_status((const char *)data, length, fingerprint, &e);
	if (failed ? e.status != STATUS_REFUSED : !pgp_is_fingerprint(fingerprint))
		abort();
	e = (struct err){ 0 };
	json_t *records = pgpshow_read_colons((const char *)data, length, &e);
	if (!records != (e.status == STATUS_MALFORMED))
		abort();
	size_t i;
	json_t *record;
	json_array_foreach(records, i, record)
		if (!pgp_is_fingerprint(json_string_value(json_object_get(record, "fingerprint"))))
			abort();
	json_decref(records);
	return 0;
}
