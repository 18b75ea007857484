// verifyoci.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "base/buf.h"
#include "base/io.h"
#include "base/jsonio.h"
#include "crypto/hash.h"
#include "crypto/pgpmessage.h"
#include "image/image.h"
#include "image/ocisignatures.h"
#include "image/verifycosign.h"
#include "image/verifyoci.h"
#include "image/verifypgp.h"
#include "oci/manifest.h"
#include "oci/simplesigning.h"

struct judges { // the keys that cover the name
	struct verifycosign cosign;
	struct verifypgp pgp;
	enum pgpcheck_program program;
};

static int load_judges(struct judges *j, const struct trust *t, const char *name, struct err *e)
{
	return verifycosign_load(&j->cosign, t, name, e) < 0 ? -1 : verifypgp_load(&j->pgp, t, name, e);
}

static void free_judges(struct judges *j)
{
	verifycosign_free(&j->cosign);
	verifypgp_free(&j->pgp);
}

// ---- one signature ----

static int judge_detached(const struct judges *j, const struct verifypgp_made *made, const struct buf *text,
	char fingerprint[static PGP_FINGERPRINT_MAX], struct err *e)
{
	char digest[DIGEST_TEXT_MAX];
	hash_bytes(DIGEST_SHA256, buf_text(text), text->length, digest);
	const struct descriptor data = { .media_type = MEDIA_BYTES, .digest = digest, .size = (int64_t)text->length };
	io_auto int fd = pgpcheck_file("statement", text->data, text->length, e);
	return fd < 0 ? -1 : verifypgp_judge(&j->pgp, made, fd, &data, j->program, fingerprint, e);
}

// The message becomes a signature and what it is over, judged as a detached one; nothing looks at the text before the verdict.
static json_t *judge_message(const struct judges *j, const struct buf *message, const char *digest, struct buf *statement,
	struct err *e)
{
	char fingerprint[PGP_FINGERPRINT_MAX];
	pgpmessage_auto m = { 0 };
	struct verifypgp_made made = { 0 };
	int failed = pgpmessage_open(message, &m, e);
	if (!failed) {
		buf_add(&made.packets, m.signature.data, m.signature.length);
		failed = pgp_read_signatures(&made.packets, &made.all, e);
	}
	if (failed && e->status == STATUS_MALFORMED)
		e->status = STATUS_REFUSED; // a bad signature, whatever is wrong with it
	if (!failed)
		failed = judge_detached(j, &made, &m.text, fingerprint, e);
	verifypgp_free_made(&made);
	if (failed)
		return NULL;
	buf_add(statement, m.text.data, m.text.length);
	return verifypgp_entry(&j->pgp, "simple-signing", digest, fingerprint, e);
}

// ---- what it vouches for ----

// The index is what the store has under the signed digest, not what the record says of it.
static int check_index(struct store *s, const char *index, const char *digest, struct err *e)
{
	buf_auto text = { 0 };
	manifest_auto m = { 0 };
	if (store_read_blob(s, index, MANIFEST_BYTES_MAX, &text, e) < 0 ||
		manifest_parse(buf_text(&text), text.length, NULL, &m, e) < 0)
		return err_context(e, "index");
	return manifest_lists(&m, digest) ? 0 : err_set(e, STATUS_REFUSED, "the signed index does not list this image");
}

static const char *index_digest(const json_t *record)
{
	return json_string_value(json_object_get(json_object_get(record, "index"), "digest"));
}

static int check_digest(struct store *s, const json_t *record, const char *vouched, struct err *e)
{
	const char *digest = image_digest(record), *index = index_digest(record);
	if (!strcmp(vouched, digest))
		return 0;
	if (index && !strcmp(vouched, index))
		return check_index(s, index, digest, e);
	return err_set(e, STATUS_REFUSED, "the signature is for another image: digest: expected %s, found %s", digest, vouched);
}

// The tag counts where the user's reference has one, and not the image's digest beside it: the label is that tag, wherever the image came
// from.
static const char *tag_asked(const json_t *record)
{
	const char *asked = json_string_value(json_object_get(record, "digest")), *index = index_digest(record);
	if (asked && (!strcmp(asked, image_digest(record)) || (index && !strcmp(asked, index))))
		return NULL;
	return json_string_value(json_object_get(json_object_get(record, "labels"), "version"));
}

static int check_statement(struct store *s, const json_t *record, const struct buf *text, const char *type, json_t *entry,
	struct err *e)
{
	struct simplesigning says;
	jsonio_auto json_t *statement = jsonio_parse(buf_text(text), text->length, "signed statement", e);
	if (!statement || simplesigning_read(statement, type, &says, e) < 0 ||
		simplesigning_check_reference(&says, json_string_value(json_object_get(record, "name")), tag_asked(record), e) <
			0 ||
		check_digest(s, record, says.digest, e) < 0)
		return -1;
	json_object_set_new(entry, "reference", json_string(says.docker_reference));
	return 0;
}

// ---- all of them ----

static json_t *judge_cosign(struct store *s, const json_t *record, const json_t *json, const char *digest, const struct judges *j,
	struct err *e)
{
	buf_auto statement = { 0 };
	if (store_read_blob(s, digest, SIMPLESIGNING_MAX, &statement, e) < 0)
		return NULL;
	jsonio_auto json_t *entry = verifycosign_judge(&j->cosign, json, &statement, image_digest(record), e);
	return entry && check_statement(s, record, &statement, SIMPLESIGNING_COSIGN, entry, e) == 0 ? json_incref(entry) : NULL;
}

static json_t *judge_simple(struct store *s, const json_t *record, const char *digest, const struct judges *j, struct err *e)
{
	buf_auto message = { 0 };
	buf_auto statement = { 0 };
	if (store_read_blob(s, digest, PGPMESSAGE_MAX, &message, e) < 0)
		return NULL;
	jsonio_auto json_t *entry = judge_message(j, &message, image_digest(record), &statement, e);
	return entry && check_statement(s, record, &statement, SIMPLESIGNING_ATOMIC, entry, e) == 0 ? json_incref(entry) : NULL;
}

// The `verified` entry; NULL with the reason, or without one when there is no key for signatures of its kind.
static json_t *judge(struct store *s, const json_t *record, const json_t *json, const struct judges *j, struct err *e)
{
	struct descriptor of;
	if (descriptor_parse(json, "signatures", &of, e) < 0)
		return NULL;
	if (!strcmp(of.media_type, SIMPLESIGNING_MEDIA))
		return j->cosign.count ? judge_cosign(s, record, json, of.digest, j, e) : NULL;
	if (!strcmp(of.media_type, MEDIA_SIGNATURE))
		return j->pgp.covering.count ? judge_simple(s, record, of.digest, j, e) : NULL;
	err_set(e, STATUS_REFUSED, "a signature of an unknown kind: '%s'", of.media_type);
	return NULL;
}

static int without_signature(const struct judges *j, bool some, struct err *e)
{
	const struct trust *covering = j->cosign.count ? &j->cosign.covering : &j->pgp.covering;
	return err_set(e, STATUS_REFUSED, "the image has no signature%s, but a key is trusted for this name: %s",
		some ? " that is judged by such a key" : "", covering->keys[0].fingerprint);
}

static int judge_all(struct store *s, json_t *record, const struct judges *j, struct err *e)
{
	struct err why = { 0 };
	const json_t *signatures = jsonio_get_array(record, "signatures", e);
	size_t i;
	json_t *json;
	if (e->status)
		return -1;
	if (json_array_size(signatures) > OCISIGNATURES_MAX)
		return err_set(e, STATUS_LIMIT, "more than %d signatures", OCISIGNATURES_MAX);
	json_array_foreach(signatures, i, json) {
		struct err against = { 0 };
		json_t *entry = judge(s, record, json, j, &against);
		if (entry) {
			image_set_signed(record, entry);
			return 1;
		}
		if (!why.status)
			why = against;
	}
	if (!why.status)
		return without_signature(j, json_array_size(signatures), e);
	*e = why;
	return -1;
}

int verifyoci_record(struct store *s, const struct trust *t, json_t *record, enum pgpcheck_program program, struct err *e)
{
	struct judges j = { .program = program };
	struct descriptor of;
	const char *name = jsonio_need_text(record, "name", e);
	int result = name && descriptor_read(record, "manifest", &of, e) == 0 ? load_judges(&j, t, name, e) : -1;
	if (!result && (j.cosign.count || j.pgp.covering.count))
		result = judge_all(s, record, &j, e);
	free_judges(&j);
	return result;
}
