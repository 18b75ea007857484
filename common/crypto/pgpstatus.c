// The status lines of gpgv (GnuPG, doc/DETAILS); pgpcheck.h says what pgpcheck_read_status promises. gpgv's
// exit status says less: it is 0 for keys that were revoked or have expired and for SHA-1, too.
// SPDX-License-Identifier: Apache-2.0
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/date.h"
#include "base/mem.h"
#include "crypto/pgpcheck.h"

#define PREFIX     "[GNUPG:] "
#define FIELDS_MAX 12 // VALIDSIG has 11 with its keyword

struct verdict { // on one signature, from its NEWSIG to the next one
	bool good, valid;
	const char *against;                   // the first reason to refuse, or NULL
	int64_t key_expired;                   // of KEYEXPIRED, 0 when there was none
	char fingerprint[PGP_FINGERPRINT_MAX]; // of the primary key
};

static const struct {
	const char *keyword, *reason;
} refusals[] = {
	{ "BADSIG", "bad signature: made over other data" },
	{ "EXPSIG", "the signature has expired" },
	{ "EXPKEYSIG", "key expired" },
	{ "REVKEYSIG", "key revoked" },
	{ "ERRSIG", "bad signature: gpgv cannot check it" },
	{ "NO_PUBKEY", "signature made by unknown entity" },
};

// Splits a line at its blanks. Fields point into copy.
static size_t split(char *copy, char *fields[static FIELDS_MAX])
{
	size_t count = 0;
	char *rest = copy;
	for (char *field; count < FIELDS_MAX && (field = strsep(&rest, " "));)
		fields[count++] = field;
	return count;
}

// VALIDSIG FPR DATE MADE EXPIRES VERSION RESERVED KEY-ALGORITHM HASH CLASS PRIMARY-FPR
static void note_valid(struct verdict *v, char **fields, size_t count)
{
	if (v->valid || count != 11) {
		v->against = "gpgv's answer cannot be read";
		return;
	}
	char *primary = fields[10];
	for (char *c = primary; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	if (!pgp_is_fingerprint(primary))
		v->against = "gpgv's answer cannot be read";
	else if (pgp_hash_is_weak((int)strtol(fields[8], NULL, 10)))
		v->against = "weak digest algorithm";
	else if (strcmp(fields[9], "00") != 0)
		v->against = "not a signature over a binary document";
	else {
		v->valid = true;
		snprintf(v->fingerprint, sizeof v->fingerprint, "%s", primary);
	}
}

static void note(struct verdict *v, char **fields, size_t count)
{
	for (size_t i = 0; i < ARRAY_LENGTH(refusals); i++)
		if (!strcmp(fields[0], refusals[i].keyword) && !v->against)
			v->against = refusals[i].reason;
	if (!strcmp(fields[0], "GOODSIG"))
		v->good = true;
	else if (!strcmp(fields[0], "KEYEXPIRED") && count > 1)
		v->key_expired = strtoll(fields[1], NULL, 10);
	else if (!strcmp(fields[0], "VALIDSIG"))
		note_valid(v, fields, count);
}

// Fills `why` with the first reason met. Returns whether this signature is good.
static bool judge(const struct verdict *v, char fingerprint[static PGP_FINGERPRINT_MAX], struct err *why)
{
	char expired[DATE_TEXT_MAX];
	if (v->good && v->valid && !v->against) {
		memcpy(fingerprint, v->fingerprint, PGP_FINGERPRINT_MAX);
		return true;
	}
	const char *reason = v->against ? v->against : "gpgv calls it neither good nor bad";
	if (why->status)
		return false;
	if (v->key_expired)
		err_set(why, STATUS_REFUSED, "openpgp: %s: it expired %s", reason, date_format(v->key_expired, expired));
	else
		err_set(why, STATUS_REFUSED, "openpgp: %s", reason);
	return false;
}

int pgpcheck_read_status(const char *text, size_t length, char fingerprint[static PGP_FINGERPRINT_MAX], struct err *e)
{
	struct verdict v = { 0 };
	struct err why = { 0 };
	bool in_signature = false;
	const char *end = text + length;
	for (const char *line = text; line < end;) {
		const char *newline = memchr(line, '\n', (size_t)(end - line));
		if (!newline || memchr(line, '\0', (size_t)(newline - line)))
			break; // cut, or nothing gpgv writes
		mem_auto char *copy = mem_text_n(line, (size_t)(newline - line));
		line = newline + 1;
		char *fields[FIELDS_MAX];
		if (strncmp(copy, PREFIX, strlen(PREFIX)) != 0)
			continue;
		size_t count = split(copy + strlen(PREFIX), fields);
		if (strcmp(fields[0], "NEWSIG") != 0) {
			note(&v, fields, count);
			continue;
		}
		if (in_signature && judge(&v, fingerprint, &why))
			return 0;
		in_signature = true;
		v = (struct verdict){ 0 };
	}
	if (in_signature && judge(&v, fingerprint, &why))
		return 0;
	return err_set(e, STATUS_REFUSED, "%s", why.status ? why.text : "openpgp: gpgv found no signature");
}
