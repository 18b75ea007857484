// One file from a URL into the store: resumed where an earlier process was cut off, hashed and recognised while it comes, kept only when
// it is what it should be.
//
//   partial/HEX64        the bytes so far of the URL with this SHA-256, locked by the process that adds to them; or, where `ask` is set,
//                        of the digest with it
//   partial/HEX64.json   {"url", "validator"}: without a validator nothing of a URL is resumed
//
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGE_DOWNLOAD_H
#define IMAGE_DOWNLOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/io.h"
#include "image/intake.h"
#include "image/store.h"
#include "net/http.h"

struct download_request {
	const char *url;       // https or, where http_get allows it, http
	int source;            // a file's descriptor instead, -1 for the URL
	const char *label;     // what progress shows
	int64_t limit;         // bytes
	int64_t size;          // what it must have, -1 for any
	const char *digest;    // what it must have, NULL for any
	const char *validator; // of a copy in the store: when that is still what the server has, nothing comes
	// Where the digest says what comes, as in a registry: asks in place of http_get. What an earlier process got of it is gone on with.
	int (*ask)(void *context, const struct http_request *q, struct http_response *response, struct err *e);
	void *ask_context;
	// Takes the place of a display of its own: how many bytes more are there, or fewer; -1 stops the download.
	int (*told)(void *context, int64_t bytes, struct err *e);
	void *told_context;
	const struct codec_limits *limits; // an App Container Image, to be scanned within these; NULL for other bytes
};

struct download {
	struct intake_result is;
	bool unchanged;     // by the validator of the request; nothing came
	bool failed_on_way; // the failure is the way's, so that another URL may help; else it is the content's
	char *validator;    // of what came, or NULL
	struct io_output o; // the bytes, not yet a blob
	char *state;        // the name of the state file beside them, or NULL
	bool by_digest;     // they are what their name says, and need no state file to be gone on with
};

// Fetches and checks size, digest and, where asked for, the image. Returns 0 or -1. A download that was cut off leaves what can be
// resumed. Discard or commit it either way.
int download_run(struct store *s, const struct download_request *request, struct download *d, struct err *e);

int download_commit(struct store *s, struct download *d, struct err *e); // makes the bytes a blob
void download_keep(
	struct download *d); // leaves the bytes for the next run, which will ask whether they are the whole; then as discard
void download_discard(struct download *d); // without a trace; harmless after commit

#endif
