// exchange.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/date.h"
#include "base/mem.h"
#include "net/exchange.h"
#include "net/exchangerequest.h"
#include "net/url.h"

enum { DISCARD_MAX = 64 * 1024 }; // of the body of an answer nobody wants

// ---- the answer's head ----

static const char *header(CURL *easy, const char *name)
{
	struct curl_header *h;
	return curl_easy_header(easy, name, 0, CURLH_HEADER, -1, &h) == CURLHE_OK ? h->value : NULL;
}

static void replace(char **target, const char *value, size_t length)
{
	free(*target);
	*target = value ? mem_text_n(value, length) : NULL;
}

static void keep_headers(struct exchange *x)
{
	struct http_response *r = x->response;
	const char *etag = header(x->easy, "ETag");
	const char *validator = etag && *etag == '"' ? etag : header(x->easy, "Last-Modified");
	replace(&r->validator, validator, validator ? strlen(validator) : 0);
	const char *type = header(x->easy, "Content-Type");
	replace(&r->media_type, type, type ? strcspn(type, "; \t") : 0);
	for (char *at = r->media_type; at && *at; at++)
		if (*at >= 'A' && *at <= 'Z')
			*at = (char)(*at - 'A' + 'a');
	texts_free(&r->headers);
	buf_free(&r->failure);
	for (struct curl_header *h = NULL; (h = curl_easy_nextheader(x->easy, CURLH_HEADER, -1, h));)
		texts_take(&r->headers, mem_format("%s: %s", h->name, h->value));
}

// Takes the digits at *at and the byte `end` behind them.
static bool number_before(const char **at, char end, int64_t *number)
{
	char *rest;
	if (**at < '0' || **at > '9')
		return false;
	errno = 0;
	*number = strtoll(*at, &rest, 10);
	*at = rest + 1;
	return !errno && *rest == end;
}

// `bytes FIRST-LAST/TOTAL` (RFC 9110, section 14.4). False when it is anything else.
static bool content_range(CURL *easy, int64_t *first, int64_t *total)
{
	const char *at = header(easy, "Content-Range");
	int64_t last;
	*total = -1;
	if (!at || strncasecmp(at, "bytes ", 6) != 0)
		return false;
	at += 6;
	if (!number_before(&at, '-', first) || !number_before(&at, '/', &last) || last < *first)
		return false;
	return !strcmp(at, "*") || (number_before(&at, '\0', total) && *total > last);
}

// The rest that was asked for is empty: `bytes */TOTAL`, and TOTAL is there. If-Range guarded the question, so it is still the same
// object (RFC 9110, section 15.5.17).
static bool is_whole(const struct exchange *x)
{
	const char *at = header(x->easy, "Content-Range");
	int64_t total;
	if (x->response->code != 416 || !x->asked_range || !at || strncasecmp(at, "bytes */", 8) != 0)
		return false;
	at += 8;
	return number_before(&at, '\0', &total) && total == x->received;
}

// A 200 brings the whole, a 206 must go on exactly where the last one ended.
static int place_body(struct exchange *x)
{
	struct http_response *r = x->response;
	int64_t first = 0;
	curl_off_t length = -1;
	if (r->code == 206) {
		if (!content_range(x->easy, &first, &r->announced) || first != x->received)
			return err_set(x->e, STATUS_MALFORMED, "the server sent another range than asked for");
		return 0;
	}
	curl_easy_getinfo(x->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
	r->announced = length;
	if (x->received && x->request->restart && x->request->restart(x->request->context, x->e) < 0)
		return -1;
	x->received = 0;
	return 0;
}

// Called once per answer, before its first body byte or, without body, after its end.
static int look(struct exchange *x)
{
	struct http_response *r = x->response;
	x->looked = true;
	curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &r->code);
	keep_headers(x);
	x->whole = is_whole(x);
	x->delivers = exchange_is_get(x) ? r->code == 200 || r->code == 206 : x->request->sink && r->code / 100 == 2;
	if (exchange_is_head(x))
		return x->delivers = false, place_body(x);
	if (!x->delivers)
		return 0;
	if (place_body(x) < 0)
		return -1;
	if (r->announced > x->request->limit)
		return err_set(x->e, STATUS_LIMIT, "the server announces %" PRId64 " bytes: the limit is %" PRId64, r->announced,
			x->request->limit);
	if (x->request->begin)
		x->request->begin(x->request->context, r->announced, x->received);
	return 0;
}

// ---- libcurl's callbacks ----

static size_t on_header(char *data, size_t size, size_t count, void *context)
{
	struct exchange *x = context;
	(void)data;
	x->header_bytes += size * count;
	if (x->header_bytes <= EXCHANGE_HEADERS_MAX)
		return size * count;
	x->failed = true;
	err_set(x->e, STATUS_LIMIT, "the headers are longer than %zu bytes", EXCHANGE_HEADERS_MAX);
	return 0;
}

static int deliver(struct exchange *x, const char *data, size_t length)
{
	if (!x->looked && look(x) < 0)
		return -1;
	if (!x->delivers) { // an error page is not read to its end, however long
		struct buf *kept = &x->response->failure;
		size_t room = HTTP_FAILURE_MAX - kept->length;
		buf_add(kept, data, length < room ? length : room);
		x->discarded += length;
		return x->discarded > DISCARD_MAX ? -1 : 0;
	}
	if ((int64_t)length > x->request->limit - x->received)
		return err_set(x->e, STATUS_LIMIT, "the body is longer than the limit of %" PRId64 " bytes", x->request->limit);
	x->received += (int64_t)length;
	return x->request->sink(x->request->context, data, length, x->e);
}

static size_t on_body(char *data, size_t size, size_t count, void *context)
{
	struct exchange *x = context;
	if (!deliver(x, data, size * count))
		return size * count;
	x->failed = true;
	return 0;
}

// Resolution is over when this is called, so a name that changes between check and use changes nothing
// (rkt:F-03).
static curl_socket_t on_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct exchange *x = context;
	(void)purpose;
	if (x->forbid_local && url_address_is_local(&address->addr)) {
		x->refused_local = true;
		return CURL_SOCKET_BAD;
	}
	return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

// ---- one exchange ----

static void set_up(struct exchange *x, struct curl_slist *list, char *why)
{
	CURL *easy = x->easy;
	curl_easy_reset(easy);
	exchangerequest_set(x, list);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, 512L * 1024);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, why);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, x);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, x);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_socket);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, x);
	curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT,
		x->forbid_local ? 1L : 0L); // a kept connection was judged by other rules
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, EXCHANGE_CONNECT_S);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L); // there may be other threads
	if (x->deadline) {
		int64_t left = x->deadline - date_monotonic();
		curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)(left > 0 ? left : 1));
	}
}

static int timed_out(struct exchange *x, const char *why)
{
	if (x->deadline && date_monotonic() + EXCHANGE_EARLY_MS >= x->deadline)
		return err_set(x->e, STATUS_TIMEOUT, "the time of --max-time ran out");
	curl_off_t connected = 0;
	curl_easy_getinfo(x->easy, CURLINFO_PRETRANSFER_TIME_T, &connected);
	if (!connected)
		return err_set(x->e, STATUS_TEMPORARY, "cannot connect within %ld s: %s", EXCHANGE_CONNECT_S, why);
	return err_set(x->e, STATUS_TEMPORARY, "stalled: under %ld bytes a second for %ld s", EXCHANGE_STALL_RATE,
		exchange_is_get(x) || exchange_is_head(x) ? EXCHANGE_STALL_S : EXCHANGE_ANSWER_S);
}

// libcurl's failures as statuses.
static int blame(struct exchange *x, CURLcode code, const char *why)
{
	if (x->refused_local)
		return err_set(x->e, STATUS_REFUSED, "a redirect from elsewhere to a loopback or link-local address");
	long cut = 0; // errno of a connection that broke in the middle of the handshake
	curl_easy_getinfo(x->easy, CURLINFO_OS_ERRNO, &cut);
	x->response->no_tls = code == CURLE_SSL_CONNECT_ERROR || code == CURLE_COULDNT_CONNECT;
	if (code == CURLE_SSL_CONNECT_ERROR && (cut == ECONNRESET || cut == EPIPE))
		code = CURLE_RECV_ERROR;
	switch (code) {
	case CURLE_OPERATION_TIMEDOUT:
		return timed_out(x, why);
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CIPHER:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_INVALIDCERTSTATUS:
		return err_set(x->e, STATUS_REFUSED, "TLS: %s", why);
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_WEIRD_SERVER_REPLY:
	case CURLE_BAD_CONTENT_ENCODING:
		return err_set(x->e, STATUS_MALFORMED, "not an HTTP answer: %s", why);
	case CURLE_URL_MALFORMAT:
		return err_set(x->e, STATUS_REFUSED, "not a URL");
	case CURLE_OUT_OF_MEMORY: // so it calls a header line beyond its own bound
		return err_set(x->e, STATUS_LIMIT, "a header line is too long");
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
	case CURLE_COULDNT_CONNECT:
		return err_set(x->e, STATUS_TEMPORARY, "%s", why);
	default:
		x->lost = true;
		return err_set(x->e, STATUS_TEMPORARY, "the connection was lost: %s", why);
	}
}

static bool is_local_text(const char *address)
{
	struct sockaddr_in four = { .sin_family = AF_INET };
	struct sockaddr_in6 six = { .sin6_family = AF_INET6 };
	if (inet_pton(AF_INET, address, &four.sin_addr) == 1)
		return url_address_is_local((const struct sockaddr *)(const void *)&four);
	if (inet_pton(AF_INET6, address, &six.sin6_addr) == 1)
		return url_address_is_local((const struct sockaddr *)(const void *)&six);
	return false;
}

static int finish(struct exchange *x, CURLcode code, const char *why)
{
	bool cut = code == CURLE_WRITE_ERROR && x->failed && x->looked && !x->delivers; // enough of an error page was read
	if (x->failed && !cut)
		return -1;
	if (code != CURLE_OK && !cut)
		return blame(x, code, *why ? why : curl_easy_strerror(code));
	if (!x->looked && look(x) < 0)
		return -1;
	if (x->delivers && x->response->announced >= 0 && x->received != x->response->announced) {
		x->lost = true;
		return err_set(x->e, STATUS_TEMPORARY, "%" PRId64 " of %" PRId64 " bytes came", x->received,
			x->response->announced);
	}
	char *address = NULL, *redirect = NULL;
	curl_off_t wait = 0;
	curl_easy_getinfo(x->easy, CURLINFO_PRIMARY_IP, &address);
	curl_easy_getinfo(x->easy, CURLINFO_REDIRECT_URL, &redirect);
	curl_easy_getinfo(x->easy, CURLINFO_RETRY_AFTER, &wait);
	x->peer_is_local = address && is_local_text(address);
	x->redirect = mem_text(redirect);
	x->response->retry_after = wait;
	x->response->local = x->peer_is_local;
	return 0;
}

int exchange_run(struct exchange *x, CURL *easy, struct err *e)
{
	char why[CURL_ERROR_SIZE] = "";
	x->easy = easy;
	x->e = e;
	x->sent = 0;
	struct curl_slist *list = exchangerequest_headers(x);
	if (!x->asked_range && x->received) { // nothing guards the rest of a body that may have changed
		if (x->request->restart && x->request->restart(x->request->context, e) < 0) {
			curl_slist_free_all(list);
			return -1;
		}
		x->received = 0;
	}
	set_up(x, list, why);
	CURLcode code = curl_easy_perform(easy);
	int result = finish(x, code, why);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, NULL);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, NULL);
	bool again = result < 0 || x->response->code / 100 != 2;
	if (again && x->sent && x->request->body->sent)
		x->request->body->sent(x->request->body->context, -x->sent);
	curl_slist_free_all(list);
	return result;
}
