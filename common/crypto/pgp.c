// pgp.h says what these promise. Packet framing and armour are pgparmor.c's.
// SPDX-License-Identifier: Apache-2.0
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "crypto/digest.h"
#include "crypto/libcrypto.h"
#include "crypto/pgp.h"
#include "crypto/pgppacket.h"

enum { // RFC 9580, sections 5.2.1, 5.2.3.7 and 9
	REVOKES_KEY = 0x20,
	REVOKES_SUBKEY = 0x28,
	REVOKES_CERTIFICATION = 0x30,
	SUBPACKET_CREATED = 2,
	SUBPACKET_ISSUER = 16,
	SUBPACKET_ISSUER_FINGERPRINT = 33,
	ALGORITHM_ELGAMAL = 16,
	ALGORITHM_DSA = 17,
	HASH_MD5 = 1,
	HASH_SHA1 = 2,
	HASH_RIPEMD160 = 3,
	MODULUS_BITS_LEAST = 2048,
};

bool pgp_is_fingerprint(const char *text)
{
	size_t n = strspn(text, "0123456789abcdef");
	return !text[n] && (n == 40 || n == 64);
}

bool pgp_hash_is_weak(int hash)
{
	return hash == HASH_MD5 || hash == HASH_SHA1 || hash == HASH_RIPEMD160;
}

// ---- keys ----

// RFC 9580, section 5.5.4: a framed hash of the key packet's body, with a frame for each version.
static int fingerprint(const struct pgppacket *p, int version, char text[static PGP_FINGERPRINT_MAX], struct err *e)
{
	unsigned char frame[5] = { version == 6 ? 0x9b : 0x9a, (unsigned char)(p->length >> 24), (unsigned char)(p->length >> 16),
		(unsigned char)(p->length >> 8), (unsigned char)p->length };
	unsigned char *start = frame;
	size_t head = sizeof frame;
	if (version == 4) {
		if (p->length > 0xffff)
			return err_set(e, STATUS_MALFORMED, "openpgp: a key packet is longer than its version allows");
		start = frame + 2;
		*start = 0x99;
		head = 3;
	}
	libcrypto_start();
	EVP_MD *function = EVP_MD_fetch(NULL, version == 4 ? "SHA1" : "SHA256", NULL);
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	unsigned char bytes[EVP_MAX_MD_SIZE];
	unsigned length = 0;
	bool done = function && context && EVP_DigestInit_ex2(context, function, NULL) &&
		EVP_DigestUpdate(context, start, head) && EVP_DigestUpdate(context, p->body, p->length) &&
		EVP_DigestFinal_ex(context, bytes, &length);
	EVP_MD_CTX_free(context);
	EVP_MD_free(function);
	if (!done)
		return err_set(e, STATUS_SYSTEM, "openpgp: libcrypto cannot compute a fingerprint");
	digest_hex(bytes, length, text);
	return 0;
}

static int read_key(const struct pgppacket *p, struct pgp_key *key, struct err *e)
{
	const unsigned char *b = p->body;
	if (p->length < 6)
		return err_set(e, STATUS_MALFORMED, "openpgp: a key packet is truncated");
	*key = (struct pgp_key){ .subkey = p->tag == PGPPACKET_PUBLIC_SUBKEY, .version = b[0], .start = p->start };
	key->created = (int64_t)b[1] << 24 | b[2] << 16 | b[3] << 8 | b[4];
	key->algorithm = b[5];
	if (key->version < 4 || key->version > 6)
		return err_set(e, STATUS_MALFORMED, "openpgp: a key of version %d: expected 4 to 6", key->version);
	size_t material = key->version == 4 ? 6 : 10; // later versions count the material's octets first
	bool has_modulus = key->algorithm <= 3 || key->algorithm == ALGORITHM_ELGAMAL || key->algorithm == ALGORITHM_DSA;
	if (has_modulus && p->length < material + 2)
		return err_set(e, STATUS_MALFORMED, "openpgp: a key packet is truncated");
	if (has_modulus)
		key->bits = b[material] << 8 | b[material + 1];
	return fingerprint(p, key->version, key->fingerprint, e);
}

// The packet's place in a certificate: a key first, then what belongs to it. Returns 1 when it is a key, 0
// when it may be passed over, -1 when it has no business here.
static int place_in_certificate(const struct pgppacket *p, bool first, struct err *e)
{
	switch (p->tag) {
	case PGPPACKET_SECRET_KEY:
	case PGPPACKET_SECRET_SUBKEY:
		return err_set(e, STATUS_REFUSED, "openpgp: a secret key: expected public keys only");
	case PGPPACKET_PUBLIC_KEY:
		return 1;
	case PGPPACKET_MARKER:
	case PGPPACKET_PADDING:
		return 0;
	}
	if (first)
		return err_set(e, STATUS_MALFORMED, "openpgp: no public key: found a packet with tag %d", p->tag);
	switch (p->tag) {
	case PGPPACKET_PUBLIC_SUBKEY:
		return 1;
	case PGPPACKET_SIGNATURE:
	case PGPPACKET_TRUST:
	case PGPPACKET_USER_ID:
	case PGPPACKET_USER_ATTRIBUTE:
		return 0;
	}
	return err_set(e, STATUS_MALFORMED, "openpgp: a packet with tag %d in a key", p->tag);
}

static int add_key(struct pgp_keys *keys, const struct pgppacket *p, struct err *e)
{
	struct pgp_key key;
	if (keys->count == PGP_PACKETS_MAX)
		return err_set(e, STATUS_LIMIT, "openpgp: more than %d keys in one file", PGP_PACKETS_MAX);
	if (read_key(p, &key, e) < 0)
		return -1;
	keys->items = mem_resize(keys->items, keys->count + 1, sizeof *keys->items);
	keys->items[keys->count++] = key;
	return 0;
}

// What a signature in a certificate is made with, whatever version it has.
struct binding {
	int type, hash;
};

static bool read_binding(const struct pgppacket *p, struct binding *s)
{
	bool old = p->length && p->body[0] < 4; // RFC 9580, section 5.2.2, which has its fields elsewhere
	size_t type = old ? 2 : 1, hash = old ? 16 : 3;
	if (p->tag != PGPPACKET_SIGNATURE || p->length <= hash)
		return false;
	*s = (struct binding){ p->body[type], p->body[hash] };
	return s->type != REVOKES_KEY && s->type != REVOKES_SUBKEY && s->type != REVOKES_CERTIFICATION;
}

static void note_binding(struct pgp_key *key, const struct pgppacket *p)
{
	struct binding s;
	if (!read_binding(p, &s))
		return;
	key->weakly_bound = key->weakly_bound || pgp_hash_is_weak(s.hash);
	key->strongly_bound = key->strongly_bound || !pgp_hash_is_weak(s.hash);
}

int pgp_drop_weak(const struct buf *binary, struct buf *strong, struct err *e)
{
	struct pgppacket p;
	struct binding s;
	size_t at = 0;
	int got;
	while ((got = pgppacket_next(binary, &at, &p, e)) > 0)
		if (!read_binding(&p, &s) || !pgp_hash_is_weak(s.hash))
			buf_add(strong, binary->data + p.start, p.total);
	return got;
}

// A primary key reaches to the next one.
static void measure(struct pgp_keys *keys, size_t end)
{
	for (size_t i = keys->count; i-- > 0;) {
		if (keys->items[i].subkey)
			continue;
		keys->items[i].length = end - keys->items[i].start;
		end = keys->items[i].start;
	}
}

int pgp_read_keys(const struct buf *binary, struct pgp_keys *keys, struct err *e)
{
	*keys = (struct pgp_keys){ 0 };
	struct pgppacket p;
	size_t at = 0;
	int got = 0;
	while ((got = pgppacket_next(binary, &at, &p, e)) > 0) {
		int is_key = place_in_certificate(&p, keys->count == 0, e);
		if (is_key < 0 || (is_key && add_key(keys, &p, e) < 0)) {
			got = -1;
			break;
		}
		if (keys->count)
			note_binding(&keys->items[keys->count - 1], &p);
	}
	if (!got && !keys->count)
		got = err_set(e, STATUS_MALFORMED, "openpgp: no public key");
	if (got < 0)
		pgp_free_keys(keys);
	else
		measure(keys, binary->length);
	return got;
}

void pgp_free_keys(struct pgp_keys *keys)
{
	free(keys->items);
	*keys = (struct pgp_keys){ 0 };
}

const char *pgp_key_weakness(const struct pgp_key *key)
{
	if (key->bits > 0 && key->bits < MODULUS_BITS_LEAST)
		return "weak key: its modulus has less than 2048 bits";
	return key->weakly_bound && !key->strongly_bound ? "weak key: what says whose it is has a weak digest algorithm" : NULL;
}

// ---- signatures ----

// Whether two that a signature says made it, fingerprints or ids, are one key: an id is the end of a version 4 fingerprint and the start
// of a later one.
static bool same_issuer(const char *a, const char *b)
{
	const char *longer = strlen(a) < strlen(b) ? b : a, *shorter = longer == a ? b : a;
	size_t n = strlen(longer), m = strlen(shorter);
	return !strncmp(n == 40 ? longer + n - m : longer, shorter, m);
}

// Anybody can add one where the signature does not cover it. A verifier may try the one key, and our checks look at another.
static void note_issuer(struct pgp_signature *s, const unsigned char *data, size_t length)
{
	char issuer[PGP_FINGERPRINT_MAX];
	digest_hex(data, length, issuer);
	s->ambiguous = s->ambiguous || !same_issuer(s->issuer, issuer);
	if (strlen(issuer) > strlen(s->issuer))
		memcpy(s->issuer, issuer, sizeof issuer);
}

static void note_subpacket(struct pgp_signature *s, int type, const unsigned char *data, size_t length, bool hashed)
{
	if (type == SUBPACKET_CREATED && hashed && length == 4)
		s->created = (int64_t)data[0] << 24 | data[1] << 16 | data[2] << 8 | data[3];
	else if (type == SUBPACKET_ISSUER && length == 8)
		note_issuer(s, data, length);
	else if (type == SUBPACKET_ISSUER_FINGERPRINT && (length == 21 || length == 33))
		note_issuer(s, data + 1, length - 1);
}

// RFC 9580, section 5.2.3.7: each has a length of one, two or five octets, a type, data.
static int read_subpackets(struct pgp_signature *s, const unsigned char *at, size_t left, bool hashed, struct err *e)
{
	while (left) {
		size_t head = at[0] < 192 ? 1 : at[0] < 255 ? 2 : 5;
		if (left < head)
			return err_set(e, STATUS_MALFORMED, "openpgp: a signature subpacket is truncated");
		size_t length = head == 1 ? at[0]
			: head == 2       ? ((size_t)(at[0] - 192) << 8) + at[1] + 192
					  : (size_t)at[1] << 24 | (size_t)at[2] << 16 | (size_t)at[3] << 8 | at[4];
		if (!length || length > left - head)
			return err_set(e, STATUS_MALFORMED, "openpgp: a signature subpacket is truncated");
		note_subpacket(s, at[head] & 0x7f, at + head + 1, length - 1, hashed);
		at += head + length;
		left -= head + length;
	}
	return 0;
}

static int read_signature(const struct pgppacket *p, struct pgp_signature *s, struct err *e)
{
	const unsigned char *b = p->body;
	*s = (struct pgp_signature){ .version = p->length ? b[0] : 0, .start = p->start, .length = p->total };
	if (s->version < 4 || s->version > 6)
		return err_set(e, STATUS_MALFORMED, "openpgp: a signature of version %d: expected 4 to 6", s->version);
	size_t at = 4, width = s->version == 6 ? 4 : 2;
	for (int hashed = 1; hashed >= 0; hashed--) {
		if (p->length < at + width)
			return err_set(e, STATUS_MALFORMED, "openpgp: a signature packet is truncated");
		size_t length = 0;
		for (size_t i = 0; i < width; i++)
			length = length << 8 | b[at++];
		if (length > p->length - at)
			return err_set(e, STATUS_MALFORMED, "openpgp: a signature packet is truncated");
		if (read_subpackets(s, b + at, length, hashed, e) < 0)
			return -1;
		at += length;
	}
	s->type = b[1];
	s->algorithm = b[2];
	s->hash = b[3];
	return 0;
}

static int add_signature(struct pgp_signatures *all, const struct pgppacket *p, struct err *e)
{
	struct pgp_signature s;
	if (p->tag == PGPPACKET_MARKER || p->tag == PGPPACKET_PADDING)
		return 0;
	if (p->tag != PGPPACKET_SIGNATURE)
		return err_set(e, STATUS_MALFORMED, "openpgp: not a detached signature: found a packet with tag %d", p->tag);
	if (all->count == PGP_PACKETS_MAX)
		return err_set(e, STATUS_LIMIT, "openpgp: more than %d signatures in one file", PGP_PACKETS_MAX);
	if (read_signature(p, &s, e) < 0)
		return -1;
	all->items = mem_resize(all->items, all->count + 1, sizeof *all->items);
	all->items[all->count++] = s;
	return 0;
}

int pgp_read_signatures(const struct buf *binary, struct pgp_signatures *signatures, struct err *e)
{
	*signatures = (struct pgp_signatures){ 0 };
	struct pgppacket p;
	size_t at = 0;
	int got = 0;
	while ((got = pgppacket_next(binary, &at, &p, e)) > 0)
		if (add_signature(signatures, &p, e) < 0) {
			got = -1;
			break;
		}
	if (!got && !signatures->count)
		got = err_set(e, STATUS_MALFORMED, "openpgp: no signature");
	if (got < 0)
		pgp_free_signatures(signatures);
	return got;
}

void pgp_free_signatures(struct pgp_signatures *signatures)
{
	free(signatures->items);
	*signatures = (struct pgp_signatures){ 0 };
}

const struct pgp_key *pgp_find_issuer(const struct pgp_keys *keys, const struct pgp_signature *signature)
{
	size_t n = strlen(signature->issuer);
	for (size_t i = 0; n && i < keys->count; i++) {
		const struct pgp_key *key = &keys->items[i];
		// The key id is the end of a version 4 fingerprint and the start of a later one.
		const char *id = key->version == 4 ? key->fingerprint + 40 - 16 : key->fingerprint;
		if (n == 16 ? !strncmp(id, signature->issuer, n) : !strcmp(key->fingerprint, signature->issuer))
			return key;
	}
	return NULL;
}

const char *pgp_signature_weakness(const struct pgp_signature *signature)
{
	if (signature->type != 0)
		return "not a signature over a binary document";
	if (signature->ambiguous)
		return "the signature names more than one key";
	switch (signature->hash) {
	case HASH_MD5:
		return "weak digest algorithm: MD5";
	case HASH_SHA1:
		return "weak digest algorithm: SHA-1";
	case HASH_RIPEMD160:
		return "weak digest algorithm: RIPEMD-160";
	}
	return NULL;
}
