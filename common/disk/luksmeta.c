// luksmeta.h says what these promise; luksmeta_unlock is in luksslot.c.
// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/jsonio.h"
#include "disk/brkttoken.h"
#include "disk/luksmeta.h"

// The format writes numbers of 64 bits as strings of digits.
static int get_number(const json_t *object, const char *key, int64_t *out, struct err *e)
{
	char *end;
	const char *text = jsonio_need_text(object, key, e);
	if (!text)
		return -1;
	size_t digits = strspn(text, "0123456789");
	*out = strtoimax(text, &end, 10);
	if (!digits || digits > 18 || text[digits])
		return err_set(e, STATUS_MALFORMED, "%s: not a number of 64 bits in decimal", key);
	return 0;
}

static json_t *need_object(const json_t *object, const char *key, struct err *e)
{
	json_t *value = jsonio_get_object(object, key, e);
	if (!value && !e->status)
		err_set(e, STATUS_MALFORMED, "%s: missing", key);
	return value;
}

static int get_bytes(const json_t *object, const char *key, unsigned char *out, size_t room, size_t *length, struct err *e)
{
	const char *text = jsonio_need_text(object, key, e);
	if (!text)
		return -1;
	if (sodium_base642bin(out, room, text, strlen(text), NULL, length, NULL, sodium_base64_VARIANT_ORIGINAL) < 0 || !*length)
		return err_set(e, STATUS_MALFORMED, "%s: not base64 of 1 to %zu bytes", key, room);
	return 0;
}

static int is(const json_t *object, const char *key, const char *expected, bool *equal, struct err *e)
{
	const char *text = jsonio_need_text(object, key, e);
	*equal = text && !strcmp(text, expected);
	return text ? 0 : -1;
}

static const char *known_hash(const char *name)
{
	return !strcmp(name, "sha256") ? "sha256" : !strcmp(name, "sha512") ? "sha512" : NULL;
}

// A hash that is not known leaves p->hash NULL.
static int read_pbkdf2(const json_t *object, struct luksmeta_pbkdf2 *p, struct err *e)
{
	int64_t iterations;
	const char *hash = jsonio_need_text(object, "hash", e);
	if (!hash || jsonio_get_size(object, "iterations", 0, &iterations, e) < 0 ||
		get_bytes(object, "salt", p->salt, sizeof p->salt, &p->salt_length, e) < 0)
		return -1;
	if (iterations < 1)
		return err_set(e, STATUS_MALFORMED, "iterations: less than 1");
	if (iterations > LUKSMETA_ITERATIONS_MAX)
		return err_set(e, STATUS_LIMIT, "iterations: more than %d", LUKSMETA_ITERATIONS_MAX);
	p->hash = known_hash(hash);
	p->iterations = (int)iterations;
	return 0;
}

// ---- key slots and digests ----

static bool names(const json_t *object, const char *key, const char *name)
{
	size_t i;
	json_t *member;
	json_array_foreach(json_object_get(object, key), i, member)
		if (json_is_string(member) && !strcmp(json_string_value(member), name))
			return true;
	return false;
}

// The digest of the key that this slot holds and segment 0 uses. A slot without one belongs to something else.
static int read_digest(const json_t *digests, const char *slot_name, struct luksmeta_slot *s, struct err *e)
{
	const char *name;
	json_t *digest;
	json_object_foreach((json_t *)digests, name, digest) {
		bool pbkdf2;
		if (!names(digest, "keyslots", slot_name) || !names(digest, "segments", "0"))
			continue;
		if (is(digest, "type", "pbkdf2", &pbkdf2, e) < 0)
			return err_context(e, "digest %s", name);
		if (!pbkdf2) {
			s->unsupported = "its digest is not by pbkdf2";
			return 0;
		}
		if (read_pbkdf2(digest, &s->digest_of, e) < 0 ||
			get_bytes(digest, "digest", s->digest, sizeof s->digest, &s->digest_length, e) < 0)
			return err_context(e, "digest %s", name);
		if (!s->digest_of.hash)
			s->unsupported = "its digest uses a hash other than sha256 and sha512";
		return 0;
	}
	s->unsupported = "it is not for the data";
	return 0;
}

static int read_area(const json_t *slot, const struct luks *l, const struct luksmeta *m, struct luksmeta_slot *s, struct err *e)
{
	int64_t offset, size, bits;
	bool raw, xts;
	const json_t *area = need_object(slot, "area", e);
	if (!area || is(area, "type", "raw", &raw, e) < 0 || get_number(area, "offset", &offset, e) < 0 ||
		get_number(area, "size", &size, e) < 0)
		return -1;
	if (offset < 2 * (int64_t)l->size || size < 1 || offset > (int64_t)m->header_end ||
		size > (int64_t)m->header_end - offset)
		return err_set(e, STATUS_MALFORMED, "area: it lies outside the keyslots area");
	s->offset = (size_t)offset;
	if (!raw) {
		s->unsupported = "its area is not of type raw";
		return 0;
	}
	if (is(area, "encryption", "aes-xts-plain64", &xts, e) < 0 || jsonio_get_size(area, "key_size", 0, &bits, e) < 0)
		return -1;
	if (!xts || bits != XTS_KEY)
		s->unsupported = "its area is not encrypted by aes-xts-plain64 with 512 bits";
	else if (size < (int64_t)LUKSMETA_STRIPES * XTS_KEY)
		return err_set(e, STATUS_MALFORMED, "area: too small for the key");
	return 0;
}

static int read_splitter(const json_t *slot, struct luksmeta_slot *s, struct err *e)
{
	int64_t stripes;
	bool luks1;
	const json_t *af = need_object(slot, "af", e);
	if (!af || is(af, "type", "luks1", &luks1, e) < 0 || jsonio_get_size(af, "stripes", 0, &stripes, e) < 0)
		return -1;
	const char *hash = luks1 ? jsonio_need_text(af, "hash", e) : "";
	if (!hash)
		return -1;
	s->split_hash = known_hash(hash);
	if (!s->split_hash || stripes != LUKSMETA_STRIPES)
		s->unsupported = "its splitter is not luks1 with 4000 stripes and sha256 or sha512";
	return 0;
}

static int read_kdf(const json_t *slot, struct luksmeta_slot *s, struct err *e)
{
	const json_t *kdf = need_object(slot, "kdf", e);
	s->kdf = kdf ? jsonio_need_text(kdf, "type", e) : NULL;
	if (!s->kdf)
		return -1;
	if (strcmp(s->kdf, "pbkdf2") != 0) {
		s->unsupported = "its key derivation is not pbkdf2";
		return 0;
	}
	if (read_pbkdf2(kdf, &s->kdf_of, e) < 0)
		return -1;
	if (!s->kdf_of.hash)
		s->unsupported = "its key derivation uses a hash other than sha256 and sha512";
	return 0;
}

static int read_slot(const struct luks *l, const struct luksmeta *m, const char *name, const json_t *slot,
	struct luksmeta_slot *s, struct err *e)
{
	int64_t bytes;
	bool luks2;
	size_t digits = strspn(name, "0123456789");
	long number = digits && digits <= 2 && !name[digits] ? strtol(name, NULL, 10) : LUKSMETA_SLOTS_MAX;
	if (number >= LUKSMETA_SLOTS_MAX)
		return err_set(e, STATUS_MALFORMED, "its name is not a number below %d", LUKSMETA_SLOTS_MAX);
	*s = (struct luksmeta_slot){ .number = (int)number, .kdf = "" };
	if (is(slot, "type", "luks2", &luks2, e) < 0)
		return -1;
	if (!luks2) { // a slot of reencryption: luksmeta_read has refused that already
		s->unsupported = "it is not of type luks2";
		return 0;
	}
	if (jsonio_get_size(slot, "key_size", 0, &bytes, e) < 0 || read_kdf(slot, s, e) < 0 || read_splitter(slot, s, e) < 0 ||
		read_area(slot, l, m, s, e) < 0 || read_digest(json_object_get(l->json, "digests"), name, s, e) < 0)
		return -1;
	if (bytes != XTS_KEY)
		s->unsupported = "its key has not 512 bits";
	return 0;
}

static int by_number(const void *a, const void *b)
{
	return ((const struct luksmeta_slot *)a)->number - ((const struct luksmeta_slot *)b)->number;
}

static int read_slots(const struct luks *l, struct luksmeta *m, struct err *e)
{
	const char *name;
	json_t *slot, *slots = need_object(l->json, "keyslots", e);
	if (!slots || !need_object(l->json, "digests", e))
		return -1;
	if (json_object_size(slots) > LUKSMETA_SLOTS_MAX)
		return err_set(e, STATUS_MALFORMED, "more than %d keyslots", LUKSMETA_SLOTS_MAX);
	int64_t iterations = 0;
	json_object_foreach(slots, name, slot) {
		struct luksmeta_slot *s = &m->slots[m->slot_count++];
		if (read_slot(l, m, name, slot, s, e) < 0)
			return err_context(e, "keyslot %s", name);
		iterations += s->kdf_of.iterations + s->digest_of.iterations;
	}
	if (iterations > LUKSMETA_ITERATIONS_ALL)
		return err_set(e, STATUS_LIMIT, "iterations: more than %d in all", LUKSMETA_ITERATIONS_ALL);
	qsort(m->slots, m->slot_count, sizeof *m->slots, by_number);
	return 0;
}

// ---- the whole ----

static int read_requirements(const json_t *config, struct err *e)
{
	json_t *requirements = jsonio_get_object(config, "requirements", e);
	json_t *mandatory = requirements ? jsonio_get_array(requirements, "mandatory", e) : NULL;
	if (e->status)
		return -1;
	const char *first = json_string_value(json_array_get(mandatory, 0));
	if (json_array_size(mandatory))
		return err_set(e, STATUS_REFUSED, "not supported: the header requires '%s'", first ? first : "?");
	return 0;
}

static int read_config(const struct luks *l, struct luksmeta *m, struct err *e)
{
	int64_t keyslots, json;
	const json_t *config = need_object(l->json, "config", e);
	if (!config || get_number(config, "json_size", &json, e) < 0 || get_number(config, "keyslots_size", &keyslots, e) < 0)
		return -1;
	if (json != (int64_t)l->size - LUKS_BINARY)
		return err_set(e, STATUS_MALFORMED, "json_size: not that of the binary header");
	if (keyslots > LUKS_HEADER_MAX - 2 * (int64_t)l->size)
		return err_set(e, STATUS_LIMIT, "keyslots_size: the header is longer than %d bytes", LUKS_HEADER_MAX);
	m->header_end = 2 * l->size + (size_t)keyslots;
	return read_requirements(config, e);
}

static int read_segment(const struct luks *l, struct luksmeta *m, struct err *e)
{
	int64_t tweak, sector;
	const json_t *segments = need_object(l->json, "segments", e);
	if (segments && json_object_size(segments) != 1)
		return err_set(e, STATUS_REFUSED, "not supported: %zu segments", json_object_size(segments));
	const json_t *s = segments ? need_object(segments, "0", e) : NULL;
	const char *type = s ? jsonio_need_text(s, "type", e) : NULL;
	if (!type)
		return -1;
	if (strcmp(type, "crypt") != 0)
		return err_set(e, STATUS_REFUSED, "not supported: a segment of type '%s'", type);
	const char *cipher = jsonio_need_text(s, "encryption", e), *size = cipher ? jsonio_need_text(s, "size", e) : NULL;
	if (!size || get_number(s, "offset", &m->data_offset, e) < 0 || get_number(s, "iv_tweak", &tweak, e) < 0 ||
		jsonio_get_size(s, "sector_size", 0, &sector, e) < 0)
		return -1;
	if (strcmp(cipher, "aes-xts-plain64") != 0)
		return err_set(e, STATUS_REFUSED, "not supported: the cipher '%s'", cipher);
	if (sector != 512 && sector != 4096)
		return err_set(e, STATUS_REFUSED, "not supported: sectors of %" PRId64 " bytes", sector);
	if (json_object_get(s, "integrity"))
		return err_set(e, STATUS_REFUSED, "not supported: integrity protection");
	if (strcmp(size, "dynamic") != 0 || tweak)
		return err_set(e, STATUS_REFUSED, "not supported: a segment of fixed size, or with a tweak of its own");
	if (m->data_offset > LUKS_HEADER_MAX)
		return err_set(e, STATUS_LIMIT, "offset: the data begin behind %d bytes", LUKS_HEADER_MAX);
	if (m->data_offset % 512 || (m->data_offset && m->data_offset < (int64_t)m->header_end))
		return err_set(e, STATUS_MALFORMED, "offset: the data would begin inside the header");
	m->sector = (size_t)sector;
	return 0;
}

static int read_token(const struct luks *l, struct luksmeta *m, struct err *e)
{
	const char *name;
	json_t *token, *tokens = need_object(l->json, "tokens", e);
	if (!tokens)
		return -1;
	json_object_foreach(tokens, name, token) {
		const char *type = json_string_value(json_object_get(token, "type"));
		if (!type || strcmp(type, BRKTTOKEN_TYPE) != 0)
			continue;
		if (m->token)
			return err_set(e, STATUS_MALFORMED, "several tokens of type " BRKTTOKEN_TYPE);
		m->token = token;
	}
	return m->token ? brkttoken_check(m->token, &m->data_size, e) : 0;
}

int luksmeta_read(const struct luks *l, struct luksmeta *m, struct err *e)
{
	*m = (struct luksmeta){ .data_size = -1 };
	if (read_config(l, m, e) < 0 || read_segment(l, m, e) < 0 || read_slots(l, m, e) < 0 || read_token(l, m, e) < 0)
		return err_context(e, "LUKS2 header");
	return 0;
}
