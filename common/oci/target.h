// Where the manifests and blobs of an image go to: a registry or an image layout on disk. What source.h is for reading.
// SPDX-License-Identifier: Apache-2.0
#ifndef OCI_TARGET_H
#define OCI_TARGET_H

#include "base/buf.h"
#include "base/err.h"
#include "base/sandbox.h"
#include "oci/descriptor.h"

enum target_how { TARGET_SENT, TARGET_THERE, TARGET_MOUNTED };

struct target_blob {
	const char *digest;
	int64_t size;
	int (*open)(void *context, struct err *e); // a descriptor with its bytes from offset 0; called only when they are needed
	void *open_context;
	const char *mount_from;                     // a repository of the same registry that has it, or NULL
	void (*told)(void *context, int64_t bytes); // bytes that are there now; negative when some are sent again
	void *told_context;
	// A long upload may go on in another process: where it does (a URL), malloced, or NULL; and what to keep of it, NULL when it is
	// over. Both may be NULL.
	char *(*recall)(void *context);
	void (*remember)(void *context, const char *where);
	void *memory;
	enum target_how how; // out
};

// `open` for a struct buf in memory, and for an int that is an open file.
int target_open_text(void *text, struct err *e);
int target_open_file(void *fd, struct err *e);

struct target_kind {
	// Makes sure that the blob is there. Several threads may be in it.
	int (*blob)(void *context, struct target_blob *b, struct err *e);

	// Puts a manifest or index whose blobs and manifests are there: under a tag, or by its digest alone where tag is NULL. *lists, which
	// may be NULL, is whether the place itself knows from now on what its `subject` is.
	int (*manifest)(void *context, const char *tag, const char *media_type, const char *digest, const struct buf *text,
		bool *lists, struct err *e);

	// Appends the manifest or index under this tag: 1, 0 when there is none, or -1.
	int (*read)(void *context, const char *tag, struct buf *text, struct err *e);
	void (*close)(void *context);
};

struct target { // zero when it is none
	const struct target_kind *kind;
	void *context;
};

// A registry's repository; what `registry` is becomes the target's.
struct registry;
void target_open_registry(struct target *t, struct registry *registry);

// oci:DIR, made when absent. Opened before the sandbox closes, which gets what writing there takes. Its index.json changes last.
int target_open_layout(struct target *t, const char *directory, struct sandbox *sandbox, struct err *e);

int target_blob(struct target *t, struct target_blob *b, struct err *e);
int target_manifest(struct target *t, const char *tag, const char *media_type, const char *digest, const struct buf *text,
	bool *lists, struct err *e);
int target_read(struct target *t, const char *tag, struct buf *text, struct err *e);
void target_close(struct target *t);

#endif
