// verifycosign.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "crypto/b64.h"
#include "crypto/spki.h"
#include "image/ocisignatures.h"
#include "image/verifycosign.h"

#define SIGNATURE_MAX 4096 // characters in base64: RSA with 16384 bits takes 2732

void verifycosign_free(struct verifycosign *v)
{
	for (size_t i = 0; i < v->count; i++)
		key_free(&v->keys[i]);
	free(v->keys);
	trust_free(&v->covering);
	*v = (struct verifycosign){ 0 };
}

// A file holds the key it is named by (as rkt:A-014 has it for OpenPGP).
static int read_key(const struct trust_key *file, struct key *key, struct err *e)
{
	char id[SPKI_ID_MAX];
	if (spki_parse(file->data, file->length, key, e) < 0)
		return err_context(e, "'%s'", file->path);
	spki_id(key, id);
	if (!strcmp(id, file->fingerprint))
		return 0;
	return err_set(e, STATUS_REFUSED, "'%s': fingerprint mismatch: the file holds the key %s", file->path, id);
}

int verifycosign_load(struct verifycosign *v, const struct trust *t, const char *name, struct err *e)
{
	trust_for_name(t, true, name, &v->covering);
	v->keys = mem_alloc((v->covering.count + 1) * sizeof *v->keys);
	for (size_t i = 0; i < v->covering.count; i++) {
		v->keys[v->count] = (struct key){ 0 };
		if (read_key(&v->covering.keys[i], &v->keys[v->count++], e) < 0)
			return -1;
	}
	return 0;
}

static const struct trust_key *find_signer(const struct verifycosign *v, const struct buf *statement, const struct buf *signature)
{
	for (size_t i = 0; i < v->count; i++)
		if (spki_good(&v->keys[i], statement->data, statement->length, signature->data, signature->length))
			return &v->covering.keys[i];
	return NULL;
}

json_t *verifycosign_judge(const struct verifycosign *v, const json_t *descriptor, const struct buf *statement,
	const char *digest, struct err *e)
{
	buf_auto signature = { 0 };
	const char *text =
		json_string_value(json_object_get(json_object_get(descriptor, "annotations"), OCISIGNATURES_ANNOTATION));
	if (!text || strlen(text) > SIGNATURE_MAX || !b64_decode_padded(text, strlen(text), &signature)) {
		err_set(e, STATUS_REFUSED, "cosign: bad signature: not base64");
		return NULL;
	}
	const struct trust_key *by = find_signer(v, statement, &signature);
	if (!by) {
		err_set(e, STATUS_REFUSED, "cosign: bad signature, or by another key than those trusted for this name: %s",
			v->covering.keys ? v->covering.keys->fingerprint : "none");
		return NULL;
	}
	json_t *entry = json_pack("{s:s, s:s, s:s}", "by", "cosign", "digest", digest, "fingerprint", by->fingerprint);
	if (by->prefix)
		json_object_set_new(entry, "prefix", json_string(by->prefix));
	return entry;
}
