// The bytes of a target: fetched from the first mirror that has them right, and never handed on before length and hashes are known to be
// those that were signed (dtuf:S24, B3, B10).
// SPDX-License-Identifier: Apache-2.0
#ifndef TUF_TARGETGET_H
#define TUF_TARGETGET_H

#include "base/cmd.h"
#include "crypto/digest.h"
#include "tuf/client.h"

extern const struct cmd_option targetget_options[]; // --schema1

#define TARGETGET_MANIFEST_MAX ((int64_t)4 << 20) // bytes of the manifest of a target of several blobs

struct targetget_blob {
	char digest[DIGEST_TEXT_MAX];
	int64_t size;
};

struct targetget {            // a target and the blobs that it is made of; free with targetget_free
	const json_t *target; // borrowed, from client_find
	const char *path;
	struct targetget_blob *blobs;
	size_t count;
	struct buf manifest; // then its bytes
	bool several;        // the target itself is a manifest (dtuf:B3); else it is its one blob
	bool is_schema1; // of Docker's schema 1, as the older dtuf wrote them: a list of digests, whose sizes the repository tells
};

// Finds out the blobs; asks for the manifest where there are several, else for nothing. STATUS_REFUSED for a manifest that is not
// the signed one, or has not as many blobs as were signed.
int targetget_blobs(struct client *c, const json_t *target, struct targetget *g, struct err *e);
void targetget_free(struct targetget *g);

// Whether the repository still has it; nothing is asked for where it has just given the manifest, or nobody is to be asked. STATUS_NOT_FOUND.
int targetget_ask(struct client *c, const struct targetget *g, struct err *e);

// The blobs of a target of several, by its manifest: g->target and g->path are set. STATUS_REFUSED when it is no such manifest, or has
// not as many blobs as were signed.
int targetget_manifest(struct targetget *g, const struct buf *text, struct err *e);

// Appends the blobs to fd, which is a file of no content yet. On failure what is in it is not to be used.
int targetget_fetch(struct client *c, const struct targetget *g, int fd, struct err *e);

// One of them alone.
int targetget_fetch_blob(struct client *c, const struct targetget *g, size_t which, int fd, struct err *e);

// Whether fd holds the target already, from its start to its end (dtuf:S25).
bool targetget_is(const struct targetget *g, int fd);

#endif
