// Where an upload goes on that another process began: the file partial/HEX64.upload of the store, HEX64 the SHA-256 of `PLACE DIGEST`, with
// the URL in its first line. Such a URL may be all that a registry asks for to write there, so the file is its owner's alone; who uses it
// holds it locked. All of it is best effort: without the note an upload begins from its start.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGE_UPLOADNOTE_H
#define IMAGE_UPLOADNOTE_H

#include "image/store.h"

struct uploadnote {
	struct store *store; // borrowed; NULL: nothing is kept
	const char *place;   // HOST/REPOSITORY, borrowed
	const char *digest;  // of the blob, borrowed
	char *name;          // used inside; NULL until it is opened
	int fd;              // used inside; -1 at the start
};

// recall and remember of a target_blob, whose memory is the struct uploadnote. recall comes first: malloced, or NULL when there is none or
// another process is at it.
char *uploadnote_recall(void *note);
void uploadnote_remember(void *note, const char *where); // NULL: it is over
void uploadnote_close(struct uploadnote *n);             // the note stays, unless it is over

#endif
