// What the endpoints of a record serve brought into the store: an App Container Image and its signature, or other bytes. What ocifetch.h is
// for the blobs of OCI images.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGE_ACIFETCH_H
#define IMAGE_ACIFETCH_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "image/codec.h"
#include "image/store.h"

struct acifetch_local { // a file that was opened
	char *url;
	int fd, why; // errno where fd is -1
};

struct acifetch { // zero at the start, but signature_fd
	struct store *store;
	const char *media_type; // what the bytes are; NULL: what the record says, else an App Container Image
	bool no_signature;      // none is looked for
	const char *signature;  // the name of the one to take in place of the endpoint's, or NULL
	int signature_fd;       // the file with it, -1 for none
	int64_t limit;          // bytes of an image as served
	const struct codec_limits *limits;
	struct acifetch_local *locals; // used inside
	size_t local_count;
};

// Before the sandbox closes: opens the files that the record's own reference names, so that their names need no permission in it.
void acifetch_open_local(struct acifetch *f, const json_t *record);
void acifetch_close(struct acifetch *f); // closes them

// Asks the endpoints in their order (rkt:C-013) and completes the record by what came; the first failure is the one told. `stored` is the
// record of a copy in the store that may be the same still, or NULL.
int acifetch_image(const struct acifetch *f, json_t *record, const json_t *stored, struct err *e);

// The signature alone, whose descriptor is a new reference. Leaves *descriptor NULL when there is none (0): verify-sig decides what that
// means. -1 as http_get, or STATUS_LIMIT for more than 64 KiB.
int acifetch_signature(const struct acifetch *f, const json_t *endpoint, json_t **descriptor, struct err *e);

#endif
