// The verdict on OpenPGP signatures by the keys that are trusted for a name (rkt, W-06, V-01, V-02).
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGE_VERIFYPGP_H
#define IMAGE_VERIFYPGP_H

#include <jansson.h>

#include "base/buf.h"
#include "base/err.h"
#include "crypto/pgp.h"
#include "crypto/pgpcheck.h"
#include "image/trust.h"
#include "oci/descriptor.h"

struct verifypgp {             // zero at the start
	const char *name;      // borrowed
	struct trust covering; // the keys trusted for the name
	struct buf keys;       // these, in binary form
	struct buf strong;     // what the verifiers get of them: without what pgp_drop_weak drops
	struct pgp_keys parsed;
	json_t *shown; // their key records
};

struct verifypgp_made {     // zero at the start
	struct buf packets; // signatures in binary form
	struct pgp_signatures all;
};

// Reads the OpenPGP keys that cover the name; without one covering.count is 0. STATUS_REFUSED for a file that holds another key than it
// is named by (rkt:A-014).
int verifypgp_load(struct verifypgp *v, const struct trust *t, const char *name, struct err *e);
void verifypgp_free(struct verifypgp *v);

// Has the signatures by these keys judged over the bytes of fd, which are hashed on the way and must be those of `data`, until one is
// good: `fingerprint` is that of its primary key then. STATUS_REFUSED with the first reason. `program` runs, so the sandbox must allow
// spawn.
int verifypgp_judge(const struct verifypgp *v, const struct verifypgp_made *made, int fd, const struct descriptor *data,
	enum pgpcheck_program program, char fingerprint[static PGP_FINGERPRINT_MAX], struct err *e);
void verifypgp_free_made(struct verifypgp_made *made);

// That nobody known made them, with the cure; `why` ends the sentence. Returns -1.
int verifypgp_unknown(const char *name, const struct verifypgp_made *made, struct err *e, const char *why);

// The `verified` entry of a good signature, about `digest`. A new reference, or NULL when the key is not one of these.
json_t *verifypgp_entry(const struct verifypgp *v, const char *by, const char *digest, const char *fingerprint, struct err *e);

#endif
