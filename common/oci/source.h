// Where the manifests and blobs of an image come from: a registry, an image layout on disk, an archive. One interface, so that resolving
// and fetching are written once.
// SPDX-License-Identifier: Apache-2.0
#ifndef OCI_SOURCE_H
#define OCI_SOURCE_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "crypto/digest.h"
#include "oci/descriptor.h"

#define SOURCE_SIGNATURE_MAX ((size_t)64 << 10) // bytes of one; it takes less than one KiB

struct source_document { // zero at the start
	struct buf text;
	char *media_type;             // under which it came, or NULL where the place says nothing
	char digest[DIGEST_TEXT_MAX]; // sha256 of text, as computed
};
void source_document_free(struct source_document *d);
#define source_document_auto __attribute__((cleanup(source_document_free))) struct source_document

typedef int source_sink(void *context, const void *data, size_t length, struct err *e);

// What a kind of place has to do. The digests are checked by the callers of source.h and the readers of the blobs, not here.
struct source_kind {
	// Appends the manifest or index of this tag or digest to d->text, no more than MANIFEST_BYTES_MAX, and sets media_type. NULL is
	// the one there is, or the place's own default. STATUS_NOT_FOUND.
	int (*manifest)(void *context, const char *reference, struct source_document *d, struct err *e);

	// The bytes of a blob from this offset on, to the sink. A sink's failure is handed up as it is.
	int (*blob)(void *context, const struct descriptor *d, int64_t from, source_sink *sink, void *sink_context,
		struct err *e);

	// The signature of this number, from 1, that lies beside the manifest or index of this digest, as containers/image keeps them:
	// 1, 0 when there are no more, -1; more than SOURCE_SIGNATURE_MAX bytes: STATUS_LIMIT. NULL where no such place exists.
	int (*signature)(void *context, const char *digest, int number, struct buf *out, struct err *e);

	void (*close)(void *context);
};

struct source { // zero when it is none
	const struct source_kind *kind;
	void *context;
};

void source_close(struct source *s);
#define source_auto __attribute__((cleanup(source_close))) struct source

// As kind->manifest. When the reference is a digest the text has it, else STATUS_REFUSED.
int source_manifest(struct source *s, const char *reference, struct source_document *d, struct err *e);

// The manifest or index of a descriptor, from the same place: of its digest, size and, unless the place says otherwise, media type.
int source_manifest_of(struct source *s, const struct descriptor *of, struct source_document *d, struct err *e);

int source_blob(struct source *s, const struct descriptor *d, int64_t from, source_sink *sink, void *context, struct err *e);

// As kind->signature.
int source_signature(struct source *s, const char *digest, int number, struct buf *out, struct err *e);

// A small blob as a whole, which has its digest and size; more than limit bytes: STATUS_LIMIT.
int source_small_blob(struct source *s, const struct descriptor *d, size_t limit, struct buf *out, struct err *e);

#endif
