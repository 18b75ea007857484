// verifypgp.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/date.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/progress.h"
#include "crypto/hash.h"
#include "crypto/pgpshow.h"
#include "image/verifypgp.h"

#define CLOCK_SKEW 1800 // seconds that a signer's clock may be ahead of ours, as sqv has it
#define JUDGED_MAX 16   // signatures that may each cost a pass over the image: more than any publisher makes

void verifypgp_free(struct verifypgp *v)
{
	trust_free(&v->covering);
	buf_free(&v->keys);
	buf_free(&v->strong);
	pgp_free_keys(&v->parsed);
	json_decref(v->shown);
	*v = (struct verifypgp){ 0 };
}

void verifypgp_free_made(struct verifypgp_made *made)
{
	buf_free(&made->packets);
	pgp_free_signatures(&made->all);
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

int verifypgp_load(struct verifypgp *v, const struct trust *t, const char *name, struct err *e)
{
	v->name = name;
	trust_for_name(t, false, name, &v->covering);
	for (size_t i = 0; i < v->covering.count; i++)
		if (read_key_file(&v->covering.keys[i], &v->keys, e) < 0)
			return -1;
	if (!v->covering.count)
		return 0;
	if (pgp_read_keys(&v->keys, &v->parsed, e) < 0 || pgp_drop_weak(&v->keys, &v->strong, e) < 0)
		return -1;
	v->shown = pgpshow_keys(&v->keys, e);
	return v->shown ? 0 : -1;
}

// ---- one signature ----

int verifypgp_unknown(const char *name, const struct verifypgp_made *made, struct err *e, const char *why)
{
	const char *issuer = made->all.count ? made->all.items[0].issuer : "";
	err_set(e, STATUS_REFUSED, "openpgp: signature made by unknown entity: %s%s%s", *issuer ? "key " : "", issuer, why);
	return err_hint(e, "if you expected the signing key to change, try running: rkt trust --prefix %s", name);
}

// What a copy of a certificate says of one of its keys, the primary one or a subkey. Borrowed; NULL when it does not have it.
static const json_t *find_in_copy(const json_t *copy, const char *fingerprint)
{
	const char *of_primary = json_string_value(json_object_get(copy, "fingerprint"));
	return of_primary && !strcmp(of_primary, fingerprint) ? copy
							      : pgpshow_find(json_object_get(copy, "subkeys"), fingerprint);
}

static const struct pgp_key *primary_of(const struct pgp_key *key)
{
	while (key->subkey) // pgp_read_keys lets none stand first
		key--;
	return key;
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

static int check_copy(const json_t *copy, const struct pgp_key *key, int64_t made, struct err *e)
{
	const json_t *signer = find_in_copy(copy, key->fingerprint);
	if (check_key(copy, key->fingerprint, made, e) < 0)
		return -1;
	if (!signer) // it is older than this subkey
		return 0;
	if (check_key(signer, key->fingerprint, made, e) < 0)
		return -1;
	if (!json_is_true(json_object_get(signer, "signs")))
		return err_set(e, STATUS_REFUSED, "openpgp: the key is not one that may sign: key %s", key->fingerprint);
	return 0;
}

// A key that is trusted for several prefixes may lie there in several copies, of which one knows that it was revoked: sqv takes them
// together, gpgv the first one. Here none may speak against it.
static int check_copies(const json_t *shown, const struct pgp_key *key, int64_t made, struct err *e)
{
	size_t i;
	json_t *copy;
	const char *primary = primary_of(key)->fingerprint;
	json_array_foreach(shown, i, copy)
		if (find_in_copy(copy, primary) == copy && check_copy(copy, key, made, e) < 0)
			return -1;
	return 0;
}

// gpgv takes a signature from the future, and a weak key above a strong subkey.
static int check_weakness(const struct pgp_signature *made, const struct pgp_key *key, struct err *e)
{
	char made_at[DATE_TEXT_MAX], now[DATE_TEXT_MAX];
	const struct pgp_key *weakest = pgp_key_weakness(key) ? key : primary_of(key);
	if (pgp_signature_weakness(made))
		return err_set(e, STATUS_REFUSED, "openpgp: %s: key %s", pgp_signature_weakness(made), key->fingerprint);
	if (pgp_key_weakness(weakest))
		return err_set(e, STATUS_REFUSED, "openpgp: %s: key %s", pgp_key_weakness(weakest), weakest->fingerprint);
	if (made->created > date_now() + CLOCK_SKEW)
		return err_set(e, STATUS_REFUSED, "openpgp: a signature from the future: it was made %s, now is %s: key %s",
			date_format(made->created, made_at), date_format(date_now(), now), key->fingerprint);
	return 0;
}

// What speaks against a signature by a trusted key before anyone computes anything. It can only refuse: that
// the signature is good is the verifier's to say.
static int check_signature(const struct verifypgp *v, const struct pgp_signature *made, const struct pgp_key *key, struct err *e)
{
	return check_weakness(made, key, e) < 0 ? -1 : check_copies(v->shown, key, made->created, e);
}

// ---- the verdict ----

struct judged {
	const struct verifypgp *by;
	int fd; // what is signed
	const struct descriptor *data;
	enum pgpcheck_program program;
};

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

static int stream(const struct judged *j, struct pgpcheck *check, char digest[static DIGEST_TEXT_MAX], struct err *e)
{
	enum digest_algorithm algorithm = DIGEST_SHA256;
	struct progress progress;
	digest_valid(j->data->digest, &algorithm, NULL);
	struct hash *h = hash_start(algorithm);
	progress_start(&progress, "Verifying", j->data->size);
	int failed = feed(j->fd, h, check, &progress) < 0 ? err_system(e, "%s: cannot read the blob", j->data->digest) : 0;
	progress_end(&progress);
	hash_finish(h, digest);
	return failed;
}

static int judge(const struct judged *j, struct pgpcheck *check, char fingerprint[static PGP_FINGERPRINT_MAX], struct err *e)
{
	char digest[DIGEST_TEXT_MAX];
	if (stream(j, check, digest, e) < 0)
		return -1;
	if (strcmp(digest, j->data->digest) != 0)
		return err_set(e, STATUS_REFUSED, "blob: digest mismatch: expected %s, found %s", j->data->digest, digest);
	return pgpcheck_end(check, fingerprint, e);
}

// Under a lease nobody has the file open for writing, nor can open it so before the lease is broken: what the verifier reads from the
// file itself is what is hashed here. Where there are no leases, the bytes go through a pipe.
static int judge_file(const struct judged *j, const struct buf *made, char fingerprint[static PGP_FINGERPRINT_MAX], struct err *e)
{
	struct pgpcheck check;
	bool leased = fcntl(j->fd, F_SETLEASE, F_RDLCK) == 0;
	lseek(j->fd, 0, SEEK_SET); // an earlier verifier read it
	if (pgpcheck_start(&check, j->program, &j->by->strong, made, leased ? j->fd : -1, e) < 0)
		return -1;
	int failed = judge(j, &check, fingerprint, e);
	pgpcheck_stop(&check);
	if (!failed && leased && fcntl(j->fd, F_GETLEASE) != F_RDLCK)
		return err_set(e, STATUS_REFUSED, "blob: opened for writing while it was verified");
	return failed;
}

// The verifier chose among all keys that the signature could mean; `key` is the one that was looked at before.
static int check_primary(const struct pgp_key *key, const char *fingerprint, struct err *e)
{
	if (!strcmp(primary_of(key)->fingerprint, fingerprint))
		return 0;
	return err_set(e, STATUS_REFUSED, "openpgp: the signature is by key %s, but names key %s", fingerprint, key->fingerprint);
}

static int judge_one(const struct judged *j, const struct verifypgp_made *made, const struct pgp_signature *signature,
	char fingerprint[static PGP_FINGERPRINT_MAX], struct err *e)
{
	buf_auto one = { 0 };
	buf_add(&one, made->packets.data + signature->start, signature->length);
	struct sigaction ignore = { .sa_handler = SIG_IGN }, old_pipe, old_io; // told by EPIPE, and by the lease
	sigaction(SIGPIPE, &ignore, &old_pipe);
	sigaction(SIGIO, &ignore, &old_io);
	int failed = judge_file(j, &one, fingerprint, e);
	sigaction(SIGPIPE, &old_pipe, NULL);
	sigaction(SIGIO, &old_io, NULL);
	if (!failed || e->status != STATUS_REFUSED)
		return failed;
	char made_at[DATE_TEXT_MAX],
		now[DATE_TEXT_MAX]; // the clock may be wrong: name what was compared (rkt:W-06)
	mem_auto char *why = mem_text(e->text);
	return err_set(e, STATUS_REFUSED, "%s: the signature was made %s, now is %s", why,
		date_format(signature->created, made_at), date_format(date_now(), now));
}

// One signature after the other, since gpgv ends at a bad one.
int verifypgp_judge(const struct verifypgp *v, const struct verifypgp_made *made, int fd, const struct descriptor *data,
	enum pgpcheck_program program, char fingerprint[static PGP_FINGERPRINT_MAX], struct err *e)
{
	const struct judged j = { v, fd, data, program };
	struct err why = { 0 };
	int judged = 0;
	for (size_t i = 0; i < made->all.count; i++) {
		const struct pgp_signature *signature = &made->all.items[i];
		const struct pgp_key *key = pgp_find_issuer(&v->parsed, signature);
		struct err against = { 0 };
		if (!key)
			continue;
		if (check_signature(v, signature, key, &against) == 0) {
			if (judged++ == JUDGED_MAX)
				return err_set(e, STATUS_LIMIT, "openpgp: more than %d signatures that name a trusted key",
					JUDGED_MAX);
			if (judge_one(&j, made, signature, fingerprint, &against) == 0 &&
				check_primary(key, fingerprint, &against) == 0)
				return 0;
		}
		if (!why.status)
			why = against;
		if (against.status != STATUS_REFUSED)
			break;
	}
	if (!why.status)
		return verifypgp_unknown(v->name, made, e, "");
	*e = why;
	return -1;
}

json_t *verifypgp_entry(const struct verifypgp *v, const char *by, const char *digest, const char *fingerprint, struct err *e)
{
	const struct trust_key *key = trust_find(&v->covering, fingerprint);
	if (!key) {
		err_set(e, STATUS_SYSTEM, "openpgp: the verifier names the key %s, which it was not given", fingerprint);
		return NULL;
	}
	json_t *identity = json_array_get(json_object_get(pgpshow_find(v->shown, fingerprint), "identities"), 0);
	json_t *entry = json_pack("{s:s, s:s, s:s}", "by", by, "digest", digest, "fingerprint", fingerprint);
	if (identity)
		json_object_set(entry, "identity", identity);
	if (key->prefix)
		json_object_set_new(entry, "prefix", json_string(key->prefix));
	return entry;
}
