// One request and its answer, no redirect followed and nothing retried: the part of http.c that talks to
// libcurl. Not for others.
// SPDX-License-Identifier: Apache-2.0
#ifndef NET_EXCHANGE_H
#define NET_EXCHANGE_H

#include <curl/curl.h>
#include <string.h>

#include "net/http.h"

#define EXCHANGE_HEADERS_MAX ((size_t)256 * 1024) // bytes of all header lines of one answer
#define EXCHANGE_CONNECT_S   10L
#define EXCHANGE_STALL_S     30L
#define EXCHANGE_STALL_RATE  1024L // bytes a second
#define EXCHANGE_ANSWER_S    300L  // what a server may take to digest an upload
#define EXCHANGE_EARLY_MS    20    // libcurl's clock may run out this much before ours

struct exchange_options { // what the user said, the same for every exchange
	bool skip_certificates;
	const char *cacert, *capath;
	const char *client_cert, *client_key; // for the host first asked only
};

struct exchange {
	const struct http_request *request;
	struct http_response *response;
	const struct exchange_options *options;
	const char *url;           // of this hop
	const char *authorization; // of the operator's auth.d for this host, or NULL
	bool elsewhere;            // another origin than the one first asked: its credentials stay away
	bool forbid_local;         // reached by a redirect from a host that is not local
	int64_t deadline;          // date_monotonic, or 0
	int64_t received;          // bytes of the whole body that the sink has
	const char *validator;     // guards what the sink has
	char *redirect;            // where the answer points, malloced, or NULL
	bool peer_is_local;        // the address that answered
	bool lost;                 // it failed in a way that a retry may cure
	bool whole;                // a 416 that says: what the sink has is all there is

	// used while it runs
	CURL *easy;
	struct err *e;
	size_t header_bytes;
	size_t discarded;
	bool looked, asked_range, refused_local, failed;
	bool delivers; // the answer has a body for the sink
	int64_t sent;  // bytes of the request's body
};

static inline bool exchange_is_get(const struct exchange *x)
{
	return !x->request->method;
}

static inline bool exchange_is_head(const struct exchange *x)
{
	return x->request->method && !strcmp(x->request->method, "HEAD");
}

// Runs it on this handle, which keeps the connections. Returns 0 when an answer came whole, whatever its
// code, else -1.
int exchange_run(struct exchange *x, CURL *easy, struct err *e);

#endif
