// sourcelayout.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "base/jsonio.h"
#include "base/mem.h"
#include "oci/layout.h"
#include "oci/manifest.h"
#include "oci/sourcelayout.h"

struct place {
	struct files files;
	json_t *index; // index.json; NULL for `dir:`
};

static void close_place(void *context)
{
	struct place *p = context;
	files_close(&p->files);
	json_decref(p->index);
	free(p);
}

// ---- blobs ----

// A path made of a valid digest only (rkt:F-01).
static char *blob_path(const struct place *p, const char *digest)
{
	enum digest_algorithm algorithm;
	const char *hex;
	if (!digest_valid(digest, &algorithm, &hex))
		return NULL;
	if (p->index)
		return mem_format("blobs/%s/%s", digest_name(algorithm), hex);
	return algorithm == DIGEST_SHA256 ? mem_text(hex) : mem_format("%s-%s", digest_name(algorithm), hex);
}

static int read_blob(void *context, const struct descriptor *d, int64_t from, source_sink *sink, void *sink_context,
	struct err *e)
{
	struct place *p = context;
	struct files_extent x;
	mem_auto char *path = blob_path(p, d->digest);
	if (!path)
		return err_set(e, STATUS_MALFORMED, "blob: not a sha256: or sha512: digest");
	if (files_open(&p->files, path, &x, e) < 0)
		return err_context(e, "%s", p->files.subject);
	int failed = d->size >= 0 && x.size != d->size
		? err_set(e, STATUS_REFUSED, "%s: '%s': size mismatch: expected %lld, found %lld", p->files.subject, path,
			  (long long)d->size, (long long)x.size)
		: files_copy(&x, from, sink, sink_context, e);
	files_release(&x);
	return failed;
}

// ---- index.json ----

static const char *ref_name(const json_t *entry)
{
	const char *name = json_string_value(json_object_get(json_object_get(entry, "annotations"), LAYOUT_REF_NAME));
	return name ? name : "";
}

static int tell_names(const struct place *p, struct err *e)
{
	buf_auto list = { 0 };
	size_t i;
	json_t *entry;
	json_array_foreach(json_object_get(p->index, "manifests"), i, entry)
		if (*ref_name(entry) && list.length < 500)
			buf_add_format(&list, "%s%s", list.length ? ", " : "", ref_name(entry));
	return list.length ? err_hint(e, "there is: %s", buf_text(&list)) : -1;
}

// The entry of this name, the only one there is without a name, or the one of this digest.
static const json_t *find_entry(const struct place *p, const char *reference, struct err *e)
{
	const json_t *found = NULL, *entry;
	size_t i, count = 0;
	bool by_digest = reference && digest_valid(reference, NULL, NULL);
	json_array_foreach(json_object_get(p->index, "manifests"), i, entry) {
		const char *digest = json_string_value(json_object_get(entry, "digest"));
		if (reference && strcmp(reference, by_digest ? digest ? digest : "" : ref_name(entry)) != 0)
			continue;
		found = entry;
		count++;
	}
	if (by_digest || count == 1)
		return found;
	if (count)
		err_set(e, STATUS_USAGE, "%s: %zu images %s%s: which one is not said", p->files.subject, count,
			reference ? "named " : "", reference ? reference : "in it");
	else
		err_set(e, STATUS_NOT_FOUND, "%s: no image%s%s in it", p->files.subject, reference ? " named " : "",
			reference ? reference : "");
	tell_names(p, e);
	return NULL;
}

static const struct source_kind layout_kind;

static int read_manifest(void *context, const char *reference, struct source_document *d, struct err *e)
{
	struct place *p = context;
	struct descriptor of = { .size = -1 };
	const json_t *entry = find_entry(p, reference, e);
	if (e->status)
		return -1;
	if (entry && descriptor_parse(entry, "manifests", &of, e) < 0)
		return err_context(e, "%s: 'index.json'", p->files.subject);
	if (entry && json_object_get(entry, "mediaType"))
		d->media_type = mem_text(of.media_type);
	of.digest = entry ? of.digest : reference;
	struct source self = { &layout_kind, p };
	return source_small_blob(&self, &of, MANIFEST_BYTES_MAX, &d->text, e);
}

static const struct source_kind layout_kind = { .manifest = read_manifest, .blob = read_blob, .close = close_place };

static int read_index(struct place *p, struct err *e)
{
	buf_auto version = { 0 };
	buf_auto index = { 0 };
	if (files_read(&p->files, "oci-layout", JSONIO_BYTES_MAX, &version, e) < 0 ||
		files_read(&p->files, "index.json", LAYOUT_INDEX_MAX, &index, e) < 0)
		return err_context(e, "%s", p->files.subject);
	if (layout_check_version(buf_text(&version), version.length, e) == 0)
		p->index = layout_parse_index(buf_text(&index), index.length, e);
	return p->index ? 0 : err_context(e, "%s", p->files.subject);
}

static struct place *new_place(struct source *s, const struct source_kind *kind, struct files *files)
{
	struct place *p = mem_alloc(sizeof *p);
	p->files = *files;
	*files = (struct files){ .fd = -1 };
	*s = (struct source){ kind, p };
	return p;
}

int sourcelayout_open(struct source *s, struct files *files, struct err *e)
{
	struct place *p = new_place(s, &layout_kind, files);
	if (read_index(p, e) == 0)
		return 0;
	source_close(s);
	return -1;
}

// ---- dir: ----

// A manifest that an index names stands beside it; else manifest.json is meant, whose digest is checked then.
static int read_dir_manifest(void *context, const char *reference, struct source_document *d, struct err *e)
{
	struct place *p = context;
	const char *hex;
	bool by_digest = reference && digest_valid(reference, NULL, &hex);
	if (reference && !by_digest)
		return err_set(e, STATUS_NOT_FOUND, "%s: its image has no name", p->files.subject);
	mem_auto char *beside = by_digest ? mem_format("%s.manifest.json", hex) : NULL;
	int failed = beside ? files_read(&p->files, beside, MANIFEST_BYTES_MAX, &d->text, e) : -1;
	if (failed && (!beside || e->status == STATUS_NOT_FOUND)) {
		*e = (struct err){ 0 };
		failed = files_read(&p->files, "manifest.json", MANIFEST_BYTES_MAX, &d->text, e);
	}
	return failed ? err_context(e, "%s", p->files.subject) : 0;
}

static bool has_file(struct place *p, const char *path)
{
	struct files_extent x;
	struct err ignored = { 0 };
	if (files_open(&p->files, path, &x, &ignored) < 0)
		return false;
	files_release(&x);
	return true;
}

// Of a manifest that stands beside the index, its digest and number; else of manifest.json.
static int read_dir_signature(void *context, const char *digest, int number, struct buf *out, struct err *e)
{
	struct place *p = context;
	const char *hex;
	if (!digest_valid(digest, NULL, &hex))
		return 0;
	mem_auto char *beside = mem_format("%s.manifest.json", hex);
	mem_auto char *path =
		has_file(p, beside) ? mem_format("%s.signature-%d", hex, number) : mem_format("signature-%d", number);
	return files_read_if_there(&p->files, path, SOURCE_SIGNATURE_MAX, out, e);
}

static const struct source_kind dir_kind = { read_dir_manifest, read_blob, read_dir_signature, close_place };

int sourcelayout_open_dir(struct source *s, struct files *files, struct err *e)
{
	(void)e;
	new_place(s, &dir_kind, files);
	return 0;
}
