// OpenPGP keys and detached signatures as packets (RFC 4880, RFC 9580): armour off, fingerprints, who claims
// to have signed and how. Nothing is verified here: crypto/pgpcheck.h does that, with these bytes. Only what
// was understood as a whole is handed on, so that no verifier meets a clear-signed text or a message where a
// detached signature is due.
// SPDX-License-Identifier: Apache-2.0
#ifndef CRYPTO_PGP_H
#define CRYPTO_PGP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

#define PGP_KEYS_MAX        ((size_t)4 << 20)  // bytes of one key file: the most signed public keys take some hundred KiB
#define PGP_SIGNATURES_MAX  ((size_t)64 << 10) // bytes of one signature file: a signature takes at most a few KiB
#define PGP_PACKETS_MAX     4096               // of keys, or of signatures, in one file
#define PGP_FINGERPRINT_MAX (sizeof "" + 64)   // 40 lower-case hex digits (version 4) or 64 (versions 5 and 6), and a NUL

struct pgp_key { // a primary key or a subkey
	char fingerprint[PGP_FINGERPRINT_MAX];
	bool subkey;
	int version;
	int algorithm;       // RFC 9580, section 9.1
	int bits;            // of an RSA, DSA or Elgamal modulus; 0 for others
	int64_t created;     // seconds since 1970
	bool weakly_bound;   // signatures by a weak hash follow it, other than revocations ...
	bool strongly_bound; // ... and others
	size_t start;        // of a primary key: where its packets start in the binary form, up to the next primary
			     // key
	size_t length;
};

struct pgp_keys {
	struct pgp_key *items; // each primary key is followed by its subkeys
	size_t count;
};

struct pgp_signature {
	int version;
	int type;                         // RFC 9580, section 5.2.1; 0 is over a binary document
	int algorithm;                    // of the key
	int hash;                         // RFC 9580, section 9.5
	int64_t created;                  // seconds since 1970, 0 when it does not say
	char issuer[PGP_FINGERPRINT_MAX]; // what it says its key is: a fingerprint, or a key id of 16 digits,
					  // or empty
	bool ambiguous;                   // it names more than one key
	size_t start, length;             // of its packet in the binary form
};

struct pgp_signatures {
	struct pgp_signature *items;
	size_t count;
};

// Appends the binary form: as it is, or with the armour taken off every block. STATUS_MALFORMED: no OpenPGP
// at all, or broken armour; STATUS_REFUSED: a clear-signed message.
int pgp_binary(const void *data, size_t length, struct buf *binary, struct err *e);

// Whether the bytes may be OpenPGP at all; an empty file or an HTML page is not.
bool pgp_recognise(const void *data, size_t length);

// Reads certificates from their binary form. STATUS_MALFORMED for anything else, STATUS_REFUSED for a secret
// key, STATUS_LIMIT.
int pgp_read_keys(const struct buf *binary, struct pgp_keys *keys, struct err *e);
void pgp_free_keys(struct pgp_keys *keys);

// Appends certificates in binary form without the signatures by a weak hash that say whose a key is and what it may do: gpgv would believe
// them. Revocations stay. Errors as pgp_read_keys.
int pgp_drop_weak(const struct buf *binary, struct buf *strong, struct err *e);

// Reads signature packets and nothing else from their binary form. Errors as pgp_read_keys.
int pgp_read_signatures(const struct buf *binary, struct pgp_signatures *signatures, struct err *e);
void pgp_free_signatures(struct pgp_signatures *signatures);

// The key that a signature names, by fingerprint or key id; NULL when it is none of these.
const struct pgp_key *pgp_find_issuer(const struct pgp_keys *keys, const struct pgp_signature *signature);

// Why no verdict at all is asked for a signature, whatever the key: its kind, its hash, or that it names several. NULL when nothing
// speaks against it.
const char *pgp_signature_weakness(const struct pgp_signature *signature);
// A modulus of less than 2048 bits; nothing but signatures by a weak hash that say whose it is.
const char *pgp_key_weakness(const struct pgp_key *key);

bool pgp_hash_is_weak(int hash); // MD5, SHA-1, RIPEMD-160

bool pgp_is_fingerprint(const char *text); // 40 or 64 lower-case hex digits

#endif
