// ocifetch.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>
#include <string.h>

#include "base/mem.h"
#include "base/progress.h"
#include "crypto/hash.h"
#include "image/download.h"
#include "image/image.h"
#include "image/intake.h"
#include "image/ocifetch.h"
#include "image/ociimage.h"
#include "image/pull.h"
#include "oci/sourceregistry.h"

// ---- one blob ----

struct transfer {
	struct intake *intake;
	struct progress progress;
	int64_t left; // of the size announced
};

static int take(void *context, const void *data, size_t length, struct err *e)
{
	struct transfer *t = context;
	t->left -= (int64_t)length;
	if (t->left < 0)
		return err_set(e, STATUS_REFUSED, "size mismatch: more bytes than announced");
	progress_add(&t->progress, (int64_t)length);
	return intake_add(t->intake, data, length, e);
}

static int judge(const struct descriptor *d, const struct intake_result *is, struct err *e)
{
	const char *found = !strncmp(d->digest, "sha512", 6) ? is->sha512 : is->sha256;
	if (d->size >= 0 && is->size != d->size)
		return err_set(e, STATUS_REFUSED, "size mismatch: expected %" PRId64 " bytes, found %" PRId64, d->size, is->size);
	return strcmp(d->digest, found) ? err_set(e, STATUS_REFUSED, "digest mismatch: expected %s, found %s", d->digest, found)
					: 0;
}

static int copy_blob(struct source *from, const struct descriptor *d, const char *label, int fd, struct intake_result *is,
	struct err *e)
{
	struct transfer t = { .left = d->size };
	t.intake = intake_start(fd, !strncmp(d->digest, "sha512", 6), NULL, e);
	if (!t.intake)
		return -1;
	progress_start(&t.progress, label, d->size);
	if (source_blob(from, d, 0, take, &t, e) < 0) {
		progress_abort(&t.progress);
		intake_abort(t.intake, e);
		return -1;
	}
	progress_end(&t.progress);
	return intake_finish(t.intake, is, e) < 0 ? -1 : judge(d, is, e);
}

static int fetch_from_source(const struct ocifetch *f, const json_t *record, const struct descriptor *d, const char *label,
	struct err *e)
{
	struct io_output o;
	struct intake_result is;
	struct source *from = origin_find(f->origins, record, e);
	if (!from || store_create_blob(f->store, &o, e) < 0)
		return -1;
	if (copy_blob(from, d, label, o.fd, &is, e) < 0) {
		io_discard(&o);
		return err_context(e, "blob %s", d->digest);
	}
	if (store_commit_blob(f->store, &o, is.sha256, e) < 0)
		return -1;
	return is.sha512[0] ? store_alias_blob(f->store, is.sha512, is.sha256, e) : 0;
}

// ---- foreign layers ----

static int refuse_foreign(const struct descriptor *d, struct err *e)
{
	err_set(e, STATUS_REFUSED, "blob %s: a foreign layer, to be had from another place than the image", d->digest);
	return err_hint(e, "--foreign-layers fetches it from there");
}

static int fetch_foreign(const struct ocifetch *f, const struct descriptor *d, const char *url, struct err *e)
{
	struct download download;
	struct download_request q = { .url = url,
		.source = -1,
		.label = "foreign layer",
		.limit = f->limit,
		.size = d->size,
		.digest = d->digest };
	int failed = download_run(f->store, &q, &download, e);
	if (!failed)
		failed = download_commit(f->store, &download, e);
	if (!failed && download.is.sha512[0])
		failed = store_alias_blob(f->store, download.is.sha512, download.is.sha256, e);
	download_discard(&download);
	return failed;
}

// ---- the blobs of an image ----

static int fetch_blob(const struct ocifetch *f, const json_t *record, const json_t *json, const char *label, struct pull *pull,
	struct err *e)
{
	struct descriptor d;
	if (descriptor_parse(json, label, &d, e) < 0)
		return -1;
	bool foreign = manifest_is_foreign(d.media_type);
	if (foreign && !f->foreign)
		return refuse_foreign(&d, e);
	if (store_has_blob(f->store, d.digest))
		return store_renew_blob(f->store, d.digest, d.size, e);
	const char *url = json_string_value(json_array_get(json_object_get(json, "urls"), 0));
	struct source *from = foreign && url ? NULL : origin_find(f->origins, record, e);
	if (from && sourceregistry_of(from)) {
		pull_add(pull, sourceregistry_of(from), &d, label);
		return 0;
	}
	return foreign && url ? fetch_foreign(f, &d, url, e) : fetch_from_source(f, record, &d, label, e);
}

// The manifest or index at record[key], parsed; from the store when it is there.
static int fetch_manifest(const struct ocifetch *f, const json_t *record, const char *key, struct manifest *m, struct err *e)
{
	struct descriptor d;
	source_document_auto text = { 0 };
	char stored[DIGEST_TEXT_MAX];
	if (descriptor_read(record, key, &d, e) < 0)
		return -1;
	if (store_has_blob(f->store, d.digest)) {
		if (store_read_blob(f->store, d.digest, MANIFEST_BYTES_MAX, &text.text, e) < 0 ||
			store_renew_blob(f->store, d.digest, d.size, e) < 0)
			return -1;
	} else {
		struct source *from = origin_find(f->origins, record, e);
		if (!from || source_manifest_of(from, &d, &text, e) < 0 ||
			store_put_blob(f->store, text.text.data, text.text.length, stored, e) < 0 ||
			(!strncmp(d.digest, "sha512", 6) && store_alias_blob(f->store, d.digest, stored, e) < 0))
			return -1;
	}
	const char *told = text.media_type ? text.media_type : manifest_is_type(d.media_type) ? d.media_type : NULL;
	return manifest_parse(buf_text(&text.text), text.text.length, told, m, e);
}

static int check_sizes(const struct ocifetch *f, const struct manifest *m, struct err *e)
{
	int64_t left = f->limit;
	size_t i;
	json_t *layer;
	json_array_foreach(manifest_layers(m), i, layer) {
		int64_t size = json_integer_value(json_object_get(layer, "size"));
		if (size > left)
			return err_set(e, STATUS_LIMIT, "the layers together are larger than the limit of %" PRId64 " bytes",
				f->limit);
		left -= size;
	}
	return 0;
}

static int fetch_blobs(const struct ocifetch *f, const json_t *record, const struct manifest *m, struct err *e)
{
	size_t i;
	json_t *layer;
	if (m->is_index)
		return err_set(e, STATUS_MALFORMED, "field 'manifest': an index, not the manifest of an image");
	pull_auto pull = { .store = f->store, .jobs = f->jobs, .limit = f->limit };
	if (check_sizes(f, m, e) < 0 || fetch_blob(f, record, manifest_config(m), "config", &pull, e) < 0)
		return -1;
	json_array_foreach(manifest_layers(m), i, layer) {
		mem_auto char *label = mem_format("layer %zu/%zu", i + 1, json_array_size(manifest_layers(m)));
		if (fetch_blob(f, record, layer, label, &pull, e) < 0)
			return -1;
	}
	return pull_run(&pull, e);
}

// ---- what is known of it then ----

// Whether the digest in the user's reference is that of the manifest, or of the index that names it.
static bool is_pinned(const struct ocifetch *f, const json_t *record, const char *digest, struct err *e)
{
	manifest_auto index = { 0 };
	const char *asked = json_string_value(json_object_get(record, "digest"));
	const json_t *by_index = json_object_get(record, "index");
	if (by_index && fetch_manifest(f, record, "index", &index, e) < 0)
		return false;
	const char *outer = json_string_value(json_object_get(by_index, "digest"));
	if (by_index && !manifest_lists(&index, digest)) {
		err_set(e, STATUS_REFUSED, "manifest %s: not in the index of the record", digest);
		return false;
	}
	return asked && (!strcmp(asked, digest) || (outer && !strcmp(asked, outer)));
}

static int describe(const struct ocifetch *f, json_t *record, bool pinned, struct err *e)
{
	ociimage_auto image = { 0 };
	if (ociimage_read(f->store, record, &image, e) < 0)
		return -1;
	json_object_set(record, "config", image.config_descriptor);
	json_object_set(record, "layers", image.layers);
	const json_t *old = image_verified(record);
	if (pinned && !old)
		image_add_verified(record, json_pack("{s:s, s:s}", "by", "digest", "digest", image_digest(record)));
	return 0;
}

// The store knows blobs by sha256: only.
static int use_stored_digest(const struct ocifetch *f, json_t *record, const char *key, struct err *e)
{
	struct descriptor d;
	buf_auto text = { 0 };
	char found[DIGEST_TEXT_MAX];
	if (!json_object_get(record, key))
		return 0;
	if (descriptor_read(record, key, &d, e) < 0 || store_read_blob(f->store, d.digest, MANIFEST_BYTES_MAX, &text, e) < 0)
		return -1;
	hash_bytes(DIGEST_SHA256, buf_text(&text), text.length, found);
	json_t *copy = json_copy(json_object_get(record, key));
	json_object_set_new(copy, "digest", json_string(found));
	json_object_set_new(record, key, copy);
	return 0;
}

int ocifetch_image(const struct ocifetch *f, json_t *record, struct err *e)
{
	manifest_auto manifest = { 0 };
	struct descriptor d;
	if (descriptor_read(record, "manifest", &d, e) < 0 || fetch_manifest(f, record, "manifest", &manifest, e) < 0 ||
		fetch_blobs(f, record, &manifest, e) < 0)
		return -1;
	bool pinned = is_pinned(f, record, d.digest, e);
	if (e->status || use_stored_digest(f, record, "manifest", e) < 0 || use_stored_digest(f, record, "index", e) < 0)
		return -1;
	return describe(f, record, pinned, e);
}
