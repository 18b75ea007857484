// verify.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "base/io.h"
#include "base/jsonio.h"
#include "base/mem.h"
#include "base/msg.h"
#include "crypto/spki.h"
#include "image/image.h"
#include "image/verify.h"
#include "image/verifyoci.h"
#include "image/verifypgp.h"
#include "oci/acname.h"
#include "oci/descriptor.h"

// What is known about one App Container Image while it is judged.
struct subject {
	const char *name; // the manifest's, by which keys are chosen, wherever the image came from (rkt:V-03)
	struct descriptor blob;
	struct verifypgp keys;
	struct verifypgp_made made; // the signature file; empty when there is none
	const char *absent;         // why there is none
};

static void free_subject(struct subject *u)
{
	verifypgp_free(&u->keys);
	verifypgp_free_made(&u->made);
}

// Nothing there, or no OpenPGP at all (an empty file, a server's page instead of an error), is an absent
// signature; what starts like one and is broken is a bad one.
static int read_signatures(struct store *s, const json_t *record, struct subject *u, struct err *e)
{
	struct descriptor d;
	buf_auto file = { 0 };
	if (!json_object_get(record, "signature")) {
		u->absent = "the image has no signature";
		return 0;
	}
	if (descriptor_read(record, "signature", &d, e) < 0)
		return -1;
	if (store_read_blob(s, d.digest, PGP_SIGNATURES_MAX, &file, e) < 0)
		return err_context(e, "signature");
	if (!file.length)
		u->absent = "the signature file is empty";
	else if (!pgp_recognise(file.data, file.length))
		u->absent = "the signature file is not OpenPGP";
	if (u->absent)
		return 0;
	if (pgp_binary(file.data, file.length, &u->made.packets, e) < 0 ||
		pgp_read_signatures(&u->made.packets, &u->made.all, e) < 0) {
		e->status = e->status == STATUS_LIMIT ? STATUS_LIMIT : STATUS_REFUSED;
		return -1;
	}
	return 0;
}

// ---- the record ----

static int nobody_trusted(const char *name, json_t *record, bool allow, struct err *e)
{
	if (!allow) {
		err_set(e, STATUS_REFUSED, "no key is trusted for this name");
		return err_hint(e, "rkt trust --prefix %s, or --allow-untrusted", name);
	}
	msg_warn("'%s': not verified: no key is trusted for this name; to trust one: rkt trust --prefix %s", name, name);
	image_drop_signed(record); // by a key that was trusted once
	image_add_insecure(record, "image");
	return 0;
}

// Nobody is trusted for the name (rkt:A-024). A signature by a key that is trusted for other names only is a
// bad one (rkt:F-10).
static int without_keys(const struct trust *t, const struct subject *u, json_t *record, bool allow, struct err *e)
{
	for (size_t i = 0; i < t->count; i++) {
		const struct trust_key *file = &t->keys[i];
		buf_auto binary = { 0 };
		struct pgp_keys keys = { 0 };
		struct err unread = { 0 };
		if (file->spki)
			continue;
		if (pgp_binary(file->data, file->length, &binary, &unread) < 0 || pgp_read_keys(&binary, &keys, &unread) < 0)
			continue;
		bool found = false;
		for (size_t j = 0; j < u->made.all.count; j++)
			found = found || pgp_find_issuer(&keys, &u->made.all.items[j]);
		pgp_free_keys(&keys);
		if (found) {
			mem_auto char *why = mem_format(": trusted for '%s' only", file->prefix);
			return verifypgp_unknown(u->name, &u->made, e, why);
		}
	}
	return nobody_trusted(u->name, record, allow, e);
}

static int judge(struct store *s, const struct subject *u, json_t *record, enum pgpcheck_program program, struct err *e)
{
	char fingerprint[PGP_FINGERPRINT_MAX];
	io_auto int fd = store_open_described(s, &u->blob, e);
	if (fd < 0 || verifypgp_judge(&u->keys, &u->made, fd, &u->blob, program, fingerprint, e) < 0)
		return -1;
	json_t *entry = verifypgp_entry(&u->keys, "openpgp", u->blob.digest, fingerprint, e);
	if (entry)
		image_set_signed(record, entry);
	return entry ? 0 : -1;
}

static int verify(struct store *s, const struct trust *t, struct subject *u, json_t *record, const struct verify_options *options,
	struct err *e)
{
	if (descriptor_read(record, "blob", &u->blob, e) < 0 || verifypgp_load(&u->keys, t, u->name, e) < 0 ||
		read_signatures(s, record, u, e) < 0)
		return -1;
	const struct trust *covering = &u->keys.covering;
	if (!covering->count)
		return without_keys(t, u, record, options->allow_untrusted, e);
	if (u->absent) {
		err_set(e, STATUS_REFUSED, "openpgp: %s, but a key is trusted for this name: %s", u->absent,
			covering->keys[0].fingerprint);
		return err_hint(e, "if you expected the signing key to change, try running: rkt trust --prefix %s", u->name);
	}
	return judge(s, u, record, options->program, e);
}

// The image of a registry or layout.
static int verify_oci(struct store *s, const struct trust *t, json_t *record, const struct verify_options *options, struct err *e)
{
	int judged = verifyoci_record(s, t, record, options->program, e);
	return judged ? judged
		      : nobody_trusted(json_string_value(json_object_get(record, "name")), record, options->allow_untrusted, e);
}

int verify_record(struct store *s, const struct trust *t, json_t *record, const struct verify_options *options, struct err *e)
{
	struct subject u = { .name = jsonio_need_text(record, "name", e) };
	if (!u.name)
		return -1;
	// Keys are chosen by it, so it is no more than what a manifest may say.
	if (!json_object_get(record, "manifest") && !acname_is_identifier(u.name))
		return err_set(e, STATUS_MALFORMED, "field 'name': not an AC Identifier");
	int failed = json_object_get(record, "manifest") ? verify_oci(s, t, record, options, e) < 0
							 : verify(s, t, &u, record, options, e);
	free_subject(&u);
	return failed ? err_context(e, "'%s'", u.name) : 0;
}

// A key in PEM counts for what a registry's signature says, one of OpenPGP for the rest.
static bool is_still_trusted(const struct trust *t, const char *name, const json_t *entry)
{
	const char *fingerprint = json_string_value(json_object_get(entry, "fingerprint"));
	struct trust covering = { 0 };
	if (!name || !fingerprint)
		return false;
	trust_for_name(t, spki_is_id(fingerprint), name, &covering);
	bool found = trust_find(&covering, fingerprint);
	trust_free(&covering);
	return found;
}

void verify_forget(const struct trust *t, json_t *record)
{
	const char *name = json_string_value(json_object_get(record, "name"));
	json_t *entries = json_object_get(record, "verified");
	for (size_t i = json_array_size(entries); i-- > 0;) {
		const json_t *entry = json_array_get(entries, i);
		if (image_is_signed_by(entry) && !is_still_trusted(t, name, entry))
			json_array_remove(entries, i);
	}
}
