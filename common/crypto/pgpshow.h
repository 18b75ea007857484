// What an OpenPGP key file holds, as GnuPG understands it: user ids that the key itself has signed, when it
// ends, whether it was revoked. By `gpg --show-keys` with no home directory, keyring, agent or configuration.
// SPDX-License-Identifier: Apache-2.0
#ifndef CRYPTO_PGPSHOW_H
#define CRYPTO_PGPSHOW_H

#include <jansson.h>

#include "base/buf.h"
#include "base/err.h"
#include "crypto/pgp.h"

// Key records (tackle-records(5)), one for each primary key in the order of the file:
//   {"kind":"key", "fingerprint":40 or 64 lower-case hex, "identities":[user ids, the primary one first],
//   "created":time, "expires":time,
//    "revoked":true, "algorithm":"rsa", "bits":4096, "curve":"ed25519", "subkeys":[{fingerprint, created,
//    expires, ...}]}
// What does not apply is absent. Bytes of a user id that are not UTF-8 are written as \xNN. The keys must be
// in binary form and have passed pgp_read_keys. Returns a new array, or NULL: STATUS_MALFORMED when gpg finds
// no key, STATUS_SYSTEM when there is no gpg.
json_t *pgpshow_keys(const struct buf *binary, struct err *e);

// The same from a key file as it was received: takes the armour off, reads the packets, and holds gpg's view against ours, so that no
// primary key in the file goes unshown. A public key in PEM is shown, too: as spki_record has it, and binary and keys stay empty.
// binary and keys are filled for the caller to free. Errors also as pgp_read_keys.
json_t *pgpshow_file(const void *data, size_t length, struct buf *binary, struct pgp_keys *keys, struct err *e);

// The record of the primary key with this fingerprint. Borrowed; NULL when there is none.
json_t *pgpshow_find(const json_t *records, const char *fingerprint);

// Reads what `gpg --with-colons` wrote: GnuPG, doc/DETAILS, "Format of the colon listings". As pgpshow_keys.
json_t *pgpshow_read_colons(const char *text, size_t length, struct err *e);

#endif
