// HTTP(S) as a client, over libcurl: bounded, retried, resumed, told (CONVENTIONS, "Network").
// SPDX-License-Identifier: Apache-2.0
#ifndef NET_HTTP_H
#define NET_HTTP_H

#include <stdint.h>

#include "base/cmd.h"
#include "base/err.h"

// --allow-http --cacert --capath --client-cert --client-key -k --max-time --max-redirects --retries --offline, for the table of every network program.
extern const struct cmd_option http_options[];

bool http_is_offline(void);

// What was switched off by the options, as names for the record's `insecure` (`tls`, `http`); NULL-terminated, static.
const char *const *http_insecure(void);

// Receives body bytes; -1 with e filled stops the transfer.
typedef int http_sink(void *context, const void *data, size_t length, struct err *e);

struct http_request {
	const char *url;
	const char *const *headers; // `Name: value`, NULL-terminated, may be NULL; Authorization never crosses to another host
	int64_t limit;              // bytes of body; one more is STATUS_LIMIT
	int64_t resume_from;        // > 0: ask for the rest with Range, guarded by If-Range when validator is set
	const char *validator;      // the ETag or Last-Modified that the earlier part had
	http_sink *sink;
	void *context;
	int (*restart)(void *context, struct err *e); // the whole body comes after all (200 to a Range request): forget what was got
};

struct http_response {
	long code;         // the last answer's status
	char *final_url;   // after redirects; malloced
	char *validator;   // strong ETag, else Last-Modified, or NULL; malloced
	char *media_type;  // of Content-Type, lower case, without parameters, or NULL; malloced
	char *challenge;   // WWW-Authenticate of a 401, or NULL; malloced
	int64_t announced; // bytes by Content-Length of the whole, or -1
};

// GET. Redirects are followed (never from https to http, to another scheme, or from elsewhere to loopback or link-local addresses),
// temporary failures retried and told. Returns 0 for 200 and 206, else -1: `bad HTTP status code: NNN` with STATUS_NOT_FOUND for
// 404 and 410, STATUS_NOT_AUTHORISED for 401 and 403, STATUS_TEMPORARY for 408, 429, 5xx, DNS, connect and time-outs,
// STATUS_REFUSED for certificates and forbidden redirects, STATUS_LIMIT. response is filled as far as it came; free it.
int http_get(const struct http_request *request, struct http_response *response, struct err *e);
void http_response_free(struct http_response *response);
void http_end(void); // frees what the connections hold; call before cmd_finish

#endif
