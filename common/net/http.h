// HTTP(S) as a client, over libcurl: bounded, retried, resumed, told (CONVENTIONS, "Network").
// SPDX-License-Identifier: Apache-2.0
#ifndef NET_HTTP_H
#define NET_HTTP_H

#include <stdint.h>

#include "base/buf.h"
#include "base/cmd.h"
#include "base/err.h"
#include "base/sandbox.h"
#include "base/texts.h"

#define HTTP_FAILURE_MAX ((size_t)8192) // bytes kept of the body of an answer that says no

// --allow-http --cacert --capath --client-cert --client-key -k --auth-dir --max-time --max-redirects
// --retries --offline, for the table of every network program.
extern const struct cmd_option http_options[];

// Call it once, before sandbox_enter: reads the credentials of auth.d and adds to the sandbox what TLS and
// the network need. Tells each switch that lowers safety. With --offline no network is added, so that seccomp
// forbids every socket.
int http_prepare(struct sandbox *s, struct err *e);

// Lowers --max-redirects to `most`, where a protocol sets a limit of its own.
void http_cap_redirects(int64_t most);

bool http_is_offline(void);
bool http_allows_plain(void); // --allow-http was given

// What was switched off by the options, as names for the record's `insecure` (`tls`, `http`);
// NULL-terminated, static.
const char *const *http_insecure(void);

// Receives body bytes; -1 with e filled stops the transfer.
typedef int http_sink(void *context, const void *data, size_t length, struct err *e);

// What a request carries. It may be sent more than once.
struct http_body {
	const void *data;                           // in memory; where it is NULL, of the descriptor
	int fd;                                     // read by its offsets, so that several may send of it
	int64_t from, length;                       // from: in the descriptor
	const char *media_type;                     // Content-Type, or NULL
	void (*sent)(void *context, int64_t bytes); // optional, for progress; negative when it begins again
	void *context;
};

struct http_request {
	const char *url;
	const char *method; // NULL for GET; HEAD, POST, PUT, PATCH, DELETE
	const struct http_body *body;
	bool repeatable;            // a POST or PATCH that may be sent twice: it is retried as the other methods are
	bool once;                  // a PUT that is not retried: who asks has a better way
	bool not_local;             // a remote server chose the URL: no loopback or link-local address
	bool own_login;             // Authorization is the caller's business: nothing of auth.d is added
	bool by_digest;             // who asked knows the digest, so that a rest needs no validator to be asked for
	const char *const *headers; // `Name: value`, NULL-terminated, may be NULL; Authorization never
				    // crosses to another host
	int64_t limit;              // bytes of the whole body; one more is STATUS_LIMIT
	int64_t resume_from;        // > 0: ask for the rest with Range; only with a validator, which guards it by
				    // If-Range
	const char *validator;      // the ETag or Last-Modified that the earlier part had; without resume_from the
				    // request is conditional, and an unchanged resource is answered by 304,
				    // without body
	http_sink *sink;            // may be NULL for other methods than GET
	void *context;
	int (*restart)(void *context,
		struct err *e); // the whole body comes after all (200 to a Range request): forget what was
				// got. May be NULL when the sink keeps nothing.
	void (*begin)(void *context, int64_t total,
		int64_t from); // optional: an answer with a body starts; total is -1 when unknown
};

struct http_response {
	long code;            // the last answer's status
	char *final_url;      // after redirects; malloced
	char *validator;      // strong ETag, else Last-Modified, or NULL; malloced
	char *media_type;     // of Content-Type, lower case, without parameters, or NULL; malloced
	struct texts headers; // `Name: value`, as they came
	struct buf failure;   // the beginning of the body of an answer that says no
	int64_t announced;    // bytes of the whole by Content-Length or Content-Range, or -1
	int64_t retry_after;  // seconds the server asks for, or 0
	bool no_tls;          // nothing answered, or not in TLS
	bool local;           // a loopback or link-local address answered
};

// One request: GET unless the method says otherwise. Redirects are followed (never from https to http, to another scheme, or from
// elsewhere to loopback or link-local addresses; what writes only by 307 and 308), temporary failures retried and told, except of a POST
// or PATCH that is not repeatable. Returns 0 for a GET answered by 200, 206, an asked-for 304 or a 416 by which resume_from was the end
// already, and for other methods answered by any 2xx; else -1: `bad HTTP status code: NNN` with STATUS_NOT_FOUND for 404 and 410,
// STATUS_NOT_AUTHORISED for 401 and 403, STATUS_TEMPORARY for 408, 429, 5xx, DNS, connect and time-outs, STATUS_REFUSED for
// certificates, forbidden redirects and other codes, STATUS_LIMIT, STATUS_TIMEOUT for --max-time. response is filled as far as it came;
// free it. Each thread has connections of its own.
int http_get(const struct http_request *request, struct http_response *response, struct err *e);

// The value of the nth header of this name, from 0, or NULL. Owned by the response.
const char *http_header(const struct http_response *response, const char *name, size_t n);

// Waits before a further attempt, from 0 on: exponential with jitter, and at least retry_after seconds. STATUS_TIMEOUT for --max-time.
int http_pause(int64_t attempt, int64_t retry_after, struct err *e);
int64_t http_retries(void); // --retries

// Makes memory the sink of a request: the body is appended to `body`, which is empty before.
void http_into(struct http_request *request, struct buf *body, size_t limit);

// What that uses: sink and restart of a request whose context is a struct buf.
int http_to_buf(void *context, const void *data, size_t length, struct err *e);
int http_empty_buf(void *context, struct err *e);

// GET into memory.
int http_get_all(const char *url, size_t limit, struct buf *body, struct http_response *response, struct err *e);
void http_response_free(struct http_response *response);
void http_end_thread(void); // closes the connections of this thread
void http_end(void);        // and frees all the rest; call before cmd_finish

#endif
