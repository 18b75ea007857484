// verifyoci.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/jsonio.h"
#include "base/mem.h"
#include "crypto/b64.h"
#include "crypto/spki.h"
#include "image/image.h"
#include "image/ocisignatures.h"
#include "image/verifyoci.h"
#include "oci/manifest.h"
#include "oci/simplesigning.h"

#define SIGNATURE_MAX 4096 // characters in base64: RSA with 16384 bits takes 2732

struct signer {
	struct key key;
	const struct trust_key *trusted;
};

struct signers { // the keys in PEM that cover the name
	struct trust covering;
	struct signer *items;
	size_t count;
};

static void free_signers(struct signers *all)
{
	for (size_t i = 0; i < all->count; i++)
		key_free(&all->items[i].key);
	free(all->items);
	trust_free(&all->covering);
}

// A file holds the key it is named by (as rkt:A-014 has it for OpenPGP).
static int read_signer(const struct trust_key *file, struct signer *signer, struct err *e)
{
	char id[SPKI_ID_MAX];
	signer->trusted = file;
	if (key_parse_public(file->data, file->length, &signer->key, e) < 0)
		return err_context(e, "'%s'", file->path);
	spki_id(&signer->key, id);
	if (!strcmp(id, file->fingerprint))
		return 0;
	return err_set(e, STATUS_REFUSED, "'%s': fingerprint mismatch: the file holds the key %s", file->path, id);
}

static int read_signers(const struct trust *t, const char *name, struct signers *all, struct err *e)
{
	trust_for_name(t, true, name, &all->covering);
	all->items = mem_alloc((all->covering.count + 1) * sizeof *all->items);
	for (size_t i = 0; i < all->covering.count; i++) {
		all->items[all->count] = (struct signer){ 0 };
		if (read_signer(&all->covering.keys[i], &all->items[all->count++], e) < 0)
			return -1;
	}
	return 0;
}

// ---- one signature ----

struct signature {
	struct descriptor of; // the statement
	struct buf statement, bytes;
};

static void free_signature(struct signature *g)
{
	buf_free(&g->statement);
	buf_free(&g->bytes);
}

static int read_signature(struct store *s, const json_t *json, struct signature *g, struct err *e)
{
	if (descriptor_parse(json, "signatures", &g->of, e) < 0)
		return -1;
	const char *text = json_string_value(json_object_get(json_object_get(json, "annotations"), OCISIGNATURES_ANNOTATION));
	if (strcmp(g->of.media_type, SIMPLESIGNING_MEDIA) != 0)
		return err_set(e, STATUS_REFUSED, "cosign: a signature of an unknown kind: '%s'", g->of.media_type);
	if (!text || strlen(text) > SIGNATURE_MAX || !b64_decode_padded(text, strlen(text), &g->bytes))
		return err_set(e, STATUS_REFUSED, "cosign: bad signature: not base64");
	return store_read_blob(s, g->of.digest, SIMPLESIGNING_MAX, &g->statement, e);
}

static const struct signer *find_signer(const struct signers *all, const struct signature *g)
{
	for (size_t i = 0; i < all->count; i++)
		if (spki_good(&all->items[i].key, g->statement.data, g->statement.length, g->bytes.data, g->bytes.length))
			return &all->items[i];
	return NULL;
}

// ---- what it vouches for ----

static bool lists(const struct manifest *index, const char *digest)
{
	size_t i;
	json_t *entry;
	json_array_foreach(manifest_entries(index), i, entry)
		if (!strcmp(json_string_value(json_object_get(entry, "digest")), digest))
			return true;
	return false;
}

// The index is what the store has under the signed digest, not what the record says of it.
static int check_index(struct store *s, const char *index, const char *digest, struct err *e)
{
	buf_auto text = { 0 };
	manifest_auto m = { 0 };
	if (store_read_blob(s, index, MANIFEST_BYTES_MAX, &text, e) < 0 ||
		manifest_parse(buf_text(&text), text.length, NULL, &m, e) < 0)
		return err_context(e, "index");
	return m.is_index && lists(&m, digest) ? 0
					       : err_set(e, STATUS_REFUSED, "cosign: the signed index does not list this image");
}

static int check_digest(struct store *s, const json_t *record, const char *vouched, struct err *e)
{
	const char *digest = image_digest(record),
		   *index = json_string_value(json_object_get(json_object_get(record, "index"), "digest"));
	if (!strcmp(vouched, digest))
		return 0;
	if (index && !strcmp(vouched, index))
		return check_index(s, index, digest, e);
	return err_set(e, STATUS_REFUSED, "cosign: the signature is for another image: digest: expected %s, found %s", digest,
		vouched);
}

// The tag counts where the user's reference has one, and no digest beside it: the label is that tag, wherever the image came from.
static const char *tag_asked(const json_t *record)
{
	const json_t *labels = json_object_get(record, "labels");
	return json_object_get(record, "digest") ? NULL : json_string_value(json_object_get(labels, "version"));
}

static int check_statement(struct store *s, const json_t *record, const struct signature *g, json_t **entry, struct err *e)
{
	struct simplesigning says;
	jsonio_auto json_t *statement = jsonio_parse(buf_text(&g->statement), g->statement.length, "signed statement", e);
	if (!statement || simplesigning_read(statement, SIMPLESIGNING_COSIGN, &says, e) < 0 ||
		simplesigning_check_reference(&says, json_string_value(json_object_get(record, "name")), tag_asked(record), e) <
			0 ||
		check_digest(s, record, says.digest, e) < 0)
		return -1;
	*entry = json_pack("{s:s, s:s, s:s}", "by", "cosign", "digest", image_digest(record), "reference", says.docker_reference);
	return 0;
}

// Returns 1 and the `verified` entry, or -1 with the reason.
static int judge(struct store *s, const json_t *record, const json_t *json, const struct signers *all, json_t **entry,
	struct err *e)
{
	struct signature g = { 0 };
	const struct signer *by = NULL;
	if (read_signature(s, json, &g, e) == 0 && !(by = find_signer(all, &g)))
		err_set(e, STATUS_REFUSED, "cosign: bad signature, or by another key than those trusted for this name: %s",
			all->covering.keys[0].fingerprint);
	bool good = by && check_statement(s, record, &g, entry, e) == 0;
	if (good)
		json_object_set_new(*entry, "fingerprint", json_string(by->trusted->fingerprint));
	if (good && by->trusted->prefix)
		json_object_set_new(*entry, "prefix", json_string(by->trusted->prefix));
	free_signature(&g);
	return good ? 1 : -1;
}

static int judge_all(struct store *s, json_t *record, const struct signers *all, struct err *e)
{
	struct err why = { 0 };
	const json_t *signatures = jsonio_get_array(record, "signatures", e);
	size_t i;
	json_t *json;
	if (e->status)
		return -1;
	if (json_array_size(signatures) > OCISIGNATURES_MAX)
		return err_set(e, STATUS_LIMIT, "cosign: more than %d signatures", OCISIGNATURES_MAX);
	json_array_foreach(signatures, i, json) {
		struct err against = { 0 };
		json_t *entry = NULL;
		if (judge(s, record, json, all, &entry, &against) > 0) {
			image_set_signed(record, entry);
			return 1;
		}
		if (!why.status)
			why = against;
	}
	*e = why;
	return why.status
		? -1
		: err_set(e, STATUS_REFUSED, "cosign: the image has no signature, but a key is trusted for this name: %s",
			  all->items[0].trusted->fingerprint);
}

int verifyoci_record(struct store *s, const struct trust *t, json_t *record, struct err *e)
{
	struct signers all = { 0 };
	const char *name = jsonio_need_text(record, "name", e);
	int result = name ? read_signers(t, name, &all, e) : -1;
	if (!result && all.count)
		result = judge_all(s, record, &all, e);
	free_signers(&all);
	return result;
}
