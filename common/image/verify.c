// verify.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/date.h"
#include "base/io.h"
#include "base/jsonio.h"
#include "base/mem.h"
#include "base/msg.h"
#include "base/progress.h"
#include "crypto/hash.h"
#include "crypto/pgpshow.h"
#include "crypto/spki.h"
#include "image/image.h"
#include "image/verify.h"
#include "image/verifyoci.h"
#include "oci/acname.h"
#include "oci/descriptor.h"

#define JUDGED_MAX 16 // signatures that may each cost a pass over the image: more than any publisher makes

// What is known about one record while it is judged.
struct subject {
	const char *name; // the manifest's, by which keys are chosen, wherever the image came from (rkt:V-03)
	struct descriptor blob;
	struct trust covering; // the keys trusted for the name
	struct buf keys;       // these, in binary form
	struct pgp_keys parsed;
	json_t *shown;         // their key records
	struct buf signatures; // the signature file in binary form; empty when there is none
	struct pgp_signatures made;
	const char *absent; // why there is none
};

static void free_subject(struct subject *u)
{
	trust_free(&u->covering);
	buf_free(&u->keys);
	pgp_free_keys(&u->parsed);
	json_decref(u->shown);
	buf_free(&u->signatures);
	pgp_free_signatures(&u->made);
}

// ---- keys ----

// A file holds the key it is named by, and no other (rkt:A-014).
static int check_names(const struct trust_key *file, const struct pgp_keys *keys, struct err *e)
{
	for (size_t i = 0; i < keys->count; i++)
		if (!keys->items[i].subkey && strcmp(keys->items[i].fingerprint, file->fingerprint) != 0)
			return err_set(e, STATUS_REFUSED, "'%s': fingerprint mismatch: the file holds the key %s", file->path,
				keys->items[i].fingerprint);
	return 0;
}

static int read_key_file(const struct trust_key *file, struct buf *all, struct err *e)
{
	buf_auto binary = { 0 };
	struct pgp_keys keys = { 0 };
	if (pgp_binary(file->data, file->length, &binary, e) < 0 || pgp_read_keys(&binary, &keys, e) < 0)
		return err_context(e, "'%s'", file->path);
	int failed = check_names(file, &keys, e);
	pgp_free_keys(&keys);
	buf_add(all, binary.data, binary.length);
	return failed;
}

static int read_covering_keys(const struct trust *t, struct subject *u, struct err *e)
{
	trust_for_name(t, false, u->name, &u->covering);
	for (size_t i = 0; i < u->covering.count; i++)
		if (read_key_file(&u->covering.keys[i], &u->keys, e) < 0)
			return -1;
	if (!u->covering.count)
		return 0;
	if (pgp_read_keys(&u->keys, &u->parsed, e) < 0)
		return -1;
	u->shown = pgpshow_keys(&u->keys, e);
	return u->shown ? 0 : -1;
}

// ---- signatures ----

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
	if (pgp_binary(file.data, file.length, &u->signatures, e) < 0 || pgp_read_signatures(&u->signatures, &u->made, e) < 0) {
		e->status = e->status == STATUS_LIMIT ? STATUS_LIMIT : STATUS_REFUSED;
		return -1;
	}
	return 0;
}

static int unknown_entity(const struct subject *u, struct err *e, const char *why)
{
	const char *issuer = u->made.count ? u->made.items[0].issuer : "";
	err_set(e, STATUS_REFUSED, "openpgp: signature made by unknown entity: %s%s%s", *issuer ? "key " : "", issuer, why);
	return err_hint(e, "if you expected the signing key to change, try running: rkt trust --prefix %s", u->name);
}

static bool is_about(const json_t *key, const char *fingerprint)
{
	const char *of_key = json_string_value(json_object_get(key, "fingerprint"));
	return of_key && !strcmp(of_key, fingerprint);
}

// The record of a primary key, by its fingerprint or that of a subkey, which `key` then points to. Borrowed;
// NULL when there is none.
static const json_t *find_shown(const json_t *shown, const char *fingerprint, const json_t **key)
{
	size_t i, j;
	json_t *primary, *subkey;
	json_array_foreach(shown, i, primary) {
		*key = primary;
		if (is_about(primary, fingerprint))
			return primary;
		json_array_foreach(json_object_get(primary, "subkeys"), j, subkey) {
			*key = subkey;
			if (is_about(subkey, fingerprint))
				return primary;
		}
	}
	return NULL;
}

// Times of one format in UTC compare as text.
static int check_key(const json_t *key, const char *fingerprint, int64_t made, struct err *e)
{
	char signed_at[DATE_TEXT_MAX];
	const char *expires = json_string_value(json_object_get(key, "expires"));
	if (json_is_true(json_object_get(key, "revoked")))
		return err_set(e, STATUS_REFUSED, "openpgp: key revoked: key %s", fingerprint);
	if (expires && strcmp(expires, date_format(made, signed_at)) <= 0)
		return err_set(e, STATUS_REFUSED,
			"openpgp: key expired when it signed: it expired %s, the signature was made %s: key "
			"%s",
			expires, signed_at, fingerprint);
	return 0;
}

// What speaks against a signature by a trusted key before anyone computes anything. It can only refuse: that
// the signature is good is the verifier's to say.
static int check_signature(const struct subject *u, const struct pgp_signature *made, const struct pgp_key *key, struct err *e)
{
	const char *weakness = pgp_signature_weakness(made);
	const json_t *shown_key = NULL;
	if (!weakness)
		weakness = pgp_key_weakness(key);
	if (weakness)
		return err_set(e, STATUS_REFUSED, "openpgp: %s: key %s", weakness, key->fingerprint);
	const json_t *primary = find_shown(u->shown, key->fingerprint, &shown_key);
	if (!primary)
		return 0;
	if (check_key(primary, key->fingerprint, made->created, e) < 0 ||
		check_key(shown_key, key->fingerprint, made->created, e) < 0)
		return -1;
	if (!json_is_true(json_object_get(shown_key, "signs")))
		return err_set(e, STATUS_REFUSED, "openpgp: the key is not one that may sign: key %s", key->fingerprint);
	return 0;
}

// ---- the verdict ----

// Feeds the verifier with what is hashed. A verifier that stops reading has decided; the hash goes on.
static int feed(int fd, struct hash *h, struct pgpcheck *check, struct progress *progress)
{
	bool listening = true;
	for (int64_t at = 0;;) {
		char *chunk = pgpcheck_buffer(check);
		ssize_t n = io_read_full_at(fd, chunk, PGPCHECK_CHUNK, at);
		if (n <= 0)
			return (int)n;
		if (listening && pgpcheck_feed(check, (size_t)n) < 0) {
			listening = false;
			if (errno != EPIPE)
				return -1;
		}
		hash_add(h, chunk, (size_t)n);
		progress_add(progress, n);
		at += n;
	}
}

static int stream(int fd, const struct subject *u, struct pgpcheck *check, char digest[static DIGEST_TEXT_MAX], struct err *e)
{
	enum digest_algorithm algorithm = DIGEST_SHA256;
	struct progress progress;
	digest_valid(u->blob.digest, &algorithm, NULL);
	struct hash *h = hash_start(algorithm);
	progress_start(&progress, "Verifying", u->blob.size);
	int failed = feed(fd, h, check, &progress) < 0 ? err_system(e, "%s: cannot read the blob", u->blob.digest) : 0;
	progress_end(&progress);
	hash_finish(h, digest);
	return failed;
}

static int judge(int fd, const struct subject *u, struct pgpcheck *check, char fingerprint[static PGP_FINGERPRINT_MAX],
	struct err *e)
{
	char digest[DIGEST_TEXT_MAX];
	if (stream(fd, u, check, digest, e) < 0)
		return -1;
	if (strcmp(digest, u->blob.digest) != 0)
		return err_set(e, STATUS_REFUSED, "blob: digest mismatch: expected %s, found %s", u->blob.digest, digest);
	return pgpcheck_end(check, fingerprint, e);
}

// Under a lease nobody has the file open for writing, nor can open it so before the lease is broken: what the verifier reads from the
// file itself is what is hashed here. Where there are no leases, the bytes go through a pipe.
static int judge_file(int fd, const struct subject *u, const struct buf *made, enum pgpcheck_program program,
	char fingerprint[static PGP_FINGERPRINT_MAX], struct err *e)
{
	struct pgpcheck check;
	bool leased = fcntl(fd, F_SETLEASE, F_RDLCK) == 0;
	if (pgpcheck_start(&check, program, &u->keys, made, leased ? fd : -1, e) < 0)
		return -1;
	int failed = judge(fd, u, &check, fingerprint, e);
	pgpcheck_stop(&check);
	if (!failed && leased && fcntl(fd, F_GETLEASE) != F_RDLCK)
		return err_set(e, STATUS_REFUSED, "blob: opened for writing while it was verified");
	return failed;
}

static int check_blob(struct store *s, const struct subject *u, const struct pgp_signature *made, enum pgpcheck_program program,
	char fingerprint[static PGP_FINGERPRINT_MAX], struct err *e)
{
	buf_auto one = { 0 };
	buf_add(&one, u->signatures.data + made->start, made->length);
	io_auto int fd = store_open_described(s, &u->blob, e);
	if (fd < 0)
		return -1;
	struct sigaction ignore = { .sa_handler = SIG_IGN }, old_pipe, old_io; // told by EPIPE, and by the lease
	sigaction(SIGPIPE, &ignore, &old_pipe);
	sigaction(SIGIO, &ignore, &old_io);
	int failed = judge_file(fd, u, &one, program, fingerprint, e);
	sigaction(SIGPIPE, &old_pipe, NULL);
	sigaction(SIGIO, &old_io, NULL);
	if (!failed || e->status != STATUS_REFUSED)
		return failed;
	char made_at[DATE_TEXT_MAX],
		now[DATE_TEXT_MAX]; // the clock may be wrong: name what was compared (rkt:W-06)
	mem_auto char *why = mem_text(e->text);
	return err_set(e, STATUS_REFUSED, "%s: the signature was made %s, now is %s", why, date_format(made->created, made_at),
		date_format(date_now(), now));
}

// Has the signatures by trusted keys judged, one after the other since gpgv ends at a bad one, until one is
// good. With none the first reason is the answer.
static int check_signatures(struct store *s, const struct subject *u, enum pgpcheck_program program,
	char fingerprint[static PGP_FINGERPRINT_MAX], struct err *e)
{
	struct err why = { 0 };
	int judged = 0;
	for (size_t i = 0; i < u->made.count; i++) {
		const struct pgp_signature *made = &u->made.items[i];
		const struct pgp_key *key = pgp_find_issuer(&u->parsed, made);
		struct err against = { 0 };
		if (!key)
			continue;
		if (check_signature(u, made, key, &against) == 0) {
			if (judged++ == JUDGED_MAX)
				return err_set(e, STATUS_LIMIT, "openpgp: more than %d signatures that name a trusted key",
					JUDGED_MAX);
			if (check_blob(s, u, made, program, fingerprint, &against) == 0)
				return 0;
		}
		if (!why.status)
			why = against;
		if (against.status != STATUS_REFUSED)
			break;
	}
	if (!why.status)
		return unknown_entity(u, e, "");
	*e = why;
	return -1;
}

// ---- the record ----

static int enter(json_t *record, const struct subject *u, const char *fingerprint, struct err *e)
{
	const struct trust_key *key = trust_find(&u->covering, fingerprint);
	if (!key)
		return err_set(e, STATUS_SYSTEM, "openpgp: the verifier names the key %s, which it was not given", fingerprint);
	const json_t *same = NULL, *shown = find_shown(u->shown, fingerprint, &same);
	json_t *identity = json_array_get(json_object_get(shown, "identities"), 0);
	json_t *entry = json_pack("{s:s, s:s, s:s}", "by", "openpgp", "digest", u->blob.digest, "fingerprint", fingerprint);
	if (identity)
		json_object_set(entry, "identity", identity);
	if (key->prefix)
		json_object_set_new(entry, "prefix", json_string(key->prefix));
	image_set_signed(record, entry);
	return 0;
}

static int nobody_trusted(const char *name, const char *kind, json_t *record, bool allow, struct err *e)
{
	if (!allow) {
		err_set(e, STATUS_REFUSED, "%s: no key is trusted for this name", kind);
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
		for (size_t j = 0; j < u->made.count; j++)
			found = found || pgp_find_issuer(&keys, &u->made.items[j]);
		pgp_free_keys(&keys);
		if (found) {
			mem_auto char *why = mem_format(": trusted for '%s' only", file->prefix);
			return unknown_entity(u, e, why);
		}
	}
	return nobody_trusted(u->name, "openpgp", record, allow, e);
}

static int verify(struct store *s, const struct trust *t, struct subject *u, json_t *record, const struct verify_options *options,
	struct err *e)
{
	char fingerprint[PGP_FINGERPRINT_MAX];
	if (descriptor_read(record, "blob", &u->blob, e) < 0 || read_covering_keys(t, u, e) < 0 ||
		read_signatures(s, record, u, e) < 0)
		return -1;
	if (!u->covering.count)
		return without_keys(t, u, record, options->allow_untrusted, e);
	if (u->absent) {
		err_set(e, STATUS_REFUSED, "openpgp: %s, but a key is trusted for this name: %s", u->absent,
			u->covering.keys[0].fingerprint);
		return err_hint(e, "if you expected the signing key to change, try running: rkt trust --prefix %s", u->name);
	}
	if (check_signatures(s, u, options->program, fingerprint, e) < 0)
		return -1;
	return enter(record, u, fingerprint, e);
}

// The image of a registry or layout: keys in PEM decide.
static int verify_oci(struct store *s, const struct trust *t, json_t *record, bool allow, struct err *e)
{
	int judged = verifyoci_record(s, t, record, e);
	return judged ? judged : nobody_trusted(json_string_value(json_object_get(record, "name")), "cosign", record, allow, e);
}

int verify_record(struct store *s, const struct trust *t, json_t *record, const struct verify_options *options, struct err *e)
{
	struct subject u = { .name = jsonio_need_text(record, "name", e) };
	if (!u.name)
		return -1;
	// Keys are chosen by it, so it is no more than what a manifest may say.
	if (!json_object_get(record, "manifest") && !acname_is_identifier(u.name))
		return err_set(e, STATUS_MALFORMED, "field 'name': not an AC Identifier");
	int failed = json_object_get(record, "manifest") ? verify_oci(s, t, record, options->allow_untrusted, e) < 0
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
