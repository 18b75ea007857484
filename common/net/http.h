// HTTP(S) as a client, over libcurl: bounded, retried, resumed, told (CONVENTIONS, "Network").
// SPDX-License-Identifier: Apache-2.0
#ifndef NET_HTTP_H
#define NET_HTTP_H

#include <stdint.h>

#include "base/cmd.h"
#include "base/err.h"
#include "base/sandbox.h"

// --allow-http --cacert --capath --client-cert --client-key -k --auth-dir --max-time --max-redirects
// --retries --offline, for the table of every network program.
extern const struct cmd_option http_options[];

// Call it once, before sandbox_enter: reads the credentials of auth.d and adds to the sandbox what TLS and
// the network need. Tells each switch that lowers safety. With --offline no network is added, so that seccomp
// forbids every socket.
int http_prepare(struct sandbox *s, struct err *e);

bool http_is_offline(void);
bool http_allows_plain(void); // --allow-http was given

// What was switched off by the options, as names for the record's `insecure` (`tls`, `http`);
// NULL-terminated, static.
const char *const *http_insecure(void);

// Receives body bytes; -1 with e filled stops the transfer.
typedef int http_sink(void *context, const void *data, size_t length, struct err *e);

struct http_request {
	const char *url;
	const char *const *headers; // `Name: value`, NULL-terminated, may be NULL; Authorization never
				    // crosses to another host
	int64_t limit;              // bytes of the whole body; one more is STATUS_LIMIT
	int64_t resume_from;        // > 0: ask for the rest with Range; only with a validator, which guards it by
				    // If-Range
	const char *validator;      // the ETag or Last-Modified that the earlier part had; without resume_from the
				    // request is conditional, and an unchanged resource is answered by 304,
				    // without body
	http_sink *sink;
	void *context;
	int (*restart)(void *context,
		struct err *e); // the whole body comes after all (200 to a Range request): forget what was
				// got. May be NULL when the sink keeps nothing.
	void (*begin)(void *context, int64_t total,
		int64_t from); // optional: an answer with a body starts; total is -1 when unknown
};

struct http_response {
	long code;         // the last answer's status
	char *final_url;   // after redirects; malloced
	char *validator;   // strong ETag, else Last-Modified, or NULL; malloced
	char *media_type;  // of Content-Type, lower case, without parameters, or NULL; malloced
	char *challenge;   // WWW-Authenticate of a 401, or NULL; malloced
	int64_t announced; // bytes of the whole by Content-Length or Content-Range, or -1
};

// GET. Redirects are followed (never from https to http, to another scheme, or from elsewhere to loopback or
// link-local addresses), temporary failures retried and told. Returns 0 for 200, 206, an asked-for 304 and
// a 416 by which resume_from was the end already, else -1: `bad HTTP status code: NNN` with STATUS_NOT_FOUND for 404 and 410, STATUS_NOT_AUTHORISED for 401
// and 403, STATUS_TEMPORARY for 408, 429, 5xx, DNS, connect and time-outs, STATUS_REFUSED for certificates,
// forbidden redirects and other codes, STATUS_LIMIT, STATUS_TIMEOUT for --max-time. response is filled as far
// as it came; free it.
int http_get(const struct http_request *request, struct http_response *response, struct err *e);

// The same into memory.
int http_get_all(const char *url, size_t limit, struct buf *body, struct http_response *response, struct err *e);
void http_response_free(struct http_response *response);
void http_end(void); // frees what the connections hold; call before cmd_finish

#endif
