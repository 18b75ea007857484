// http.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <time.h>

#include "base/date.h"
#include "base/mem.h"
#include "base/msg.h"
#include "base/path.h"
#include "net/auth.h"
#include "net/curl.h"
#include "net/exchange.h"
#include "net/url.h"

enum {
	FIRST_WAIT_MS = 500,     // before the first retry; doubled for each further one
	RETRY_AFTER_MAX_S = 120, // a server that wants more is told to the user instead of waited for
};

static struct {
	bool allow_http, offline;
	struct exchange_options exchange;
	struct texts auth_dirs;
	int64_t max_time, max_redirects, retries;
} user = { .max_redirects = 10, .retries = 4 };

static struct auth *logins; // of auth.d

const struct cmd_option http_options[] = {
	CMD_FLAG(0, "allow-http", &user.allow_http, "let http:// URLs pass, too"),
	CMD_TEXT(0, "cacert", "FILE", &user.exchange.cacert, "trust the certificate authorities in this PEM file"),
	CMD_TEXT(0, "capath", "DIR", &user.exchange.capath, "trust those in this directory"),
	CMD_TEXT(0, "client-cert", "FILE", &user.exchange.client_cert, "show this certificate to the server"),
	CMD_TEXT(0, "client-key", "FILE", &user.exchange.client_key, "its private key, unless in the same file"),
	CMD_FLAG('k', "insecure", &user.exchange.skip_certificates, "do not verify TLS certificates"),
	CMD_TEXTS(0, "auth-dir", "DIR", &user.auth_dirs, "credentials per host, rkt's auth.d; repeatable, later wins"),
	CMD_DURATION(0, "max-time", &user.max_time, "give up after this time; 0, the default, is never"),
	CMD_NUMBER(0, "max-redirects", "N", &user.max_redirects, 0, 100, "follow at most N redirects; 10 unless told"),
	CMD_NUMBER(0, "retries", "N", &user.retries, 0, 100, "retry a temporary failure N times; 4 unless told"),
	CMD_FLAG(0, "offline", &user.offline, "open no socket"),
	CMD_END,
};

void http_cap_redirects(int64_t most)
{
	if (user.max_redirects > most)
		user.max_redirects = most;
}

bool http_is_offline(void)
{
	return user.offline;
}

bool http_allows_plain(void)
{
	return user.allow_http;
}

const char *const *http_insecure(void)
{
	static const char *names[3];
	size_t n = 0;
	if (user.exchange.skip_certificates)
		names[n++] = "tls";
	if (user.allow_http)
		names[n++] = "http";
	names[n] = NULL;
	return names;
}

// --auth-dir, else auth.d in each of the configuration directories.
static struct auth *load_logins(struct err *e)
{
	struct texts nothing = { 0 }, bases = { 0 }, directories = { 0 };
	path_trust(&nothing, &bases);
	for (size_t i = 0; i < bases.count; i++)
		texts_take(&directories, mem_format("%s/auth.d", bases.items[i]));
	struct auth *a = auth_load(user.auth_dirs.count ? &user.auth_dirs : &directories, e);
	texts_free(&bases);
	texts_free(&directories);
	return a;
}

static void allow_file(struct sandbox *s, const char *path)
{
	if (path && *path)
		texts_add(&s->reads, path);
}

int http_prepare(struct sandbox *s, struct err *e)
{
	if (user.exchange.skip_certificates)
		msg_warn("TLS certificates are not verified");
	if (user.allow_http)
		msg_warn("http:// URLs are allowed: anyone on the way can read and change what is fetched");
	s->network = !user.offline;
	if (user.offline)
		return 0;
	const char *key = user.exchange.client_key ? user.exchange.client_key : user.exchange.client_cert;
	if (key && curl_check_key(key, e) < 0)
		return -1;
	logins = load_logins(e);
	if (!logins)
		return -1;
	allow_file(s, user.exchange.cacert);
	allow_file(s, user.exchange.capath);
	allow_file(s, user.exchange.client_cert);
	allow_file(s, user.exchange.client_key);
	allow_file(s, getenv("CURL_CA_BUNDLE"));
	allow_file(s, getenv("SSL_CERT_FILE"));
	allow_file(s, getenv("SSL_CERT_DIR"));
	allow_file(s, getenv("OPENSSL_CONF"));
	return 0;
}

// ---- one answer, after redirects ----

struct chain { // one http_get
	const struct http_request *request;
	struct http_response *response;
	int64_t deadline;
	int64_t received;
	char *validator; // of the bytes received; malloced
	bool lost;
};

static bool is_redirect(long code)
{
	return code == 301 || code == 302 || code == 303 || code == 307 || code == 308;
}

static bool writes(const struct http_request *q)
{
	return q->method && strcmp(q->method, "HEAD") != 0;
}

static bool may_be_repeated(const struct http_request *q)
{
	if (q->once)
		return false;
	return q->repeatable || !q->method || (strcmp(q->method, "POST") != 0 && strcmp(q->method, "PATCH") != 0);
}

static int check_http(const char *url, struct err *e)
{
	if (url_check(url, e) < 0)
		return -1;
	if (url_is_https(url) || user.allow_http)
		return 0;
	mem_auto char *shown = url_shown(url);
	err_set(e, STATUS_REFUSED, "'%s': plain http: anyone on the way could change it", shown);
	return err_hint(e, "use https, or allow it with --allow-http");
}

static int check_redirect(const char *from, const char *to, bool from_local, const struct texts *seen, struct err *e)
{
	if (!to)
		return err_set(e, STATUS_MALFORMED, "a redirect without a proper Location");
	mem_auto char *shown = url_shown(to);
	if (url_check(to, e) < 0)
		return err_context(e, "forbidden redirect");
	if (url_is_https(from) && !url_is_https(to))
		return err_set(e, STATUS_REFUSED, "forbidden redirect: from https to http: '%s'", shown);
	if (!from_local && url_names_local(to))
		return err_set(e, STATUS_REFUSED, "forbidden redirect: from elsewhere to '%s', a loopback or link-local address",
			shown);
	if (texts_has(seen, to))
		return err_set(e, STATUS_REFUSED, "redirect loop: '%s' again", shown);
	if (seen->count > (size_t)user.max_redirects)
		return err_set(e, STATUS_LIMIT, "more than %" PRId64 " redirects", user.max_redirects);
	return check_http(to, e);
}

static bool is_good(const struct chain *c, bool whole)
{
	const struct http_request *q = c->request;
	long code = c->response->code;
	if (q->method)
		return code / 100 == 2;
	return code == 200 || code == 206 || whole || (code == 304 && q->validator && !q->resume_from);
}

static int bad_status(long code, struct err *e)
{
	enum status status = code == 404 || code == 410     ? STATUS_NOT_FOUND
		: code == 401 || code == 403                ? STATUS_NOT_AUTHORISED
		: code == 408 || code == 429 || code >= 500 ? STATUS_TEMPORARY
							    : STATUS_REFUSED;
	return err_set(e, status, "bad HTTP status code: %ld", code);
}

static int run_hop(struct chain *c, struct exchange *x, struct err *e)
{
	mem_auto char *host = url_host(x->url);
	x->request = c->request;
	x->response = c->response;
	x->authorization = host ? auth_header(logins, host) : NULL;
	x->deadline = c->deadline;
	x->received = c->received;
	x->validator = c->validator;
	int result = exchange_run(x, curl_handle(), e);
	c->received = x->received;
	if (x->delivers) {
		free(c->validator);
		c->validator = mem_text(c->response->validator);
	}
	c->lost = x->lost;
	return result;
}

// The part kept is no part of what the server has now: begin again.
static int start_over(struct chain *c, struct err *e)
{
	c->received = 0;
	free(c->validator);
	c->validator = NULL;
	return c->request->restart ? c->request->restart(c->request->context, e) : 0;
}

// Follows redirects to the answer. Returns 0 for one that is good, -1 else; c->lost says whether a retry may
// cure it.
static int follow(struct chain *c, struct texts *seen, struct err *e)
{
	const char *first = c->request->url;
	bool from_local = !c->request->not_local; // what the user named is the user's choice
	texts_add(seen, first);
	for (;;) {
		const char *url = seen->items[seen->count - 1];
		struct exchange x = { .url = url,
			.options = &user.exchange,
			.elsewhere = !url_same_origin(first, url),
			.forbid_local = !from_local };
		if (run_hop(c, &x, e) < 0)
			return -1;
		long code = c->response->code;
		from_local = x.peer_is_local;
		mem_auto char *redirect = x.redirect;
		if (code == 416 && c->received > 0 && !x.whole) {
			if (start_over(c, e) < 0)
				return -1;
			continue;
		}
		if (!is_redirect(code)) {
			free(c->response->final_url);
			c->response->final_url = mem_text(url);
			c->lost = code == 408 || code == 429 || code >= 500;
			return is_good(c, x.whole) ? 0 : bad_status(code, e);
		}
		if (writes(c->request) && code != 307 && code != 308)
			return err_set(e, STATUS_REFUSED, "a redirect (%ld) of a %s", code, c->request->method);
		if (check_redirect(url, redirect, from_local, seen, e) < 0)
			return -1;
		texts_add(seen, redirect);
	}
}

// ---- retries ----

static int64_t wait_before(int64_t attempt, int64_t retry_after)
{
	unsigned short random = 0;
	if (getrandom(&random, sizeof random, 0) < 0)
		random = 0;
	int64_t most = (int64_t)FIRST_WAIT_MS << (attempt < 8 ? attempt : 8);
	int64_t wait = most / 2 + most / 2 * random / UINT16_MAX;
	return wait > retry_after * 1000 ? wait : retry_after * 1000;
}

static int pause_for(int64_t deadline, int64_t milliseconds, struct err *e)
{
	if (deadline && date_monotonic() + milliseconds >= deadline)
		return err_set(e, STATUS_TIMEOUT, "the time of --max-time ran out");
	struct timespec t = { milliseconds / 1000, milliseconds % 1000 * 1000000 };
	while (nanosleep(&t, &t) < 0)
		;
	return 0;
}

int http_pause(int64_t attempt, int64_t retry_after, struct err *e)
{
	return pause_for(0, wait_before(attempt, retry_after), e);
}

static int get(struct chain *c, struct err *e)
{
	for (int64_t attempt = 0;; attempt++) {
		struct texts seen = { 0 };
		c->lost = false;
		int result = follow(c, &seen, e);
		texts_free(&seen);
		if (!result || !c->lost || !may_be_repeated(c->request))
			return result;
		if (attempt == user.retries)
			return -1;
		int64_t retry_after = c->response->retry_after;
		if (retry_after > RETRY_AFTER_MAX_S)
			return err_hint(e, "the server asks to be tried again in %" PRId64 " s", retry_after);
		int64_t wait = wait_before(attempt, retry_after);
		mem_auto char *shown = url_shown(c->request->url);
		msg_info("'%s': %s: retry %" PRId64 " of %" PRId64 " in %.1f s", shown, e->text, attempt + 1, user.retries,
			(double)wait / 1000);
		*e = (struct err){ 0 };
		if (pause_for(c->deadline, wait, e) < 0)
			return -1;
	}
}

int http_get(const struct http_request *request, struct http_response *response, struct err *e)
{
	*response = (struct http_response){ .announced = -1 };
	mem_auto char *shown = url_shown(request->url);
	if (check_http(request->url, e) < 0)
		return -1;
	if (user.offline)
		return err_set(e, STATUS_NOT_FOUND, "'%s': not fetched: --offline forbids the network", shown);
	if (!curl_handle())
		return err_set(e, STATUS_SYSTEM, "libcurl cannot start: the configuration of OpenSSL may be damaged");
	struct chain c = { .request = request, .response = response };
	c.deadline = user.max_time ? date_monotonic() + user.max_time : 0;
	c.received = request->resume_from;
	c.validator = request->resume_from ? mem_text(request->validator) : NULL;
	int result = get(&c, e);
	free(c.validator);
	return result < 0 ? err_context(e, "'%s'", shown) : 0;
}

int http_to_buf(void *context, const void *data, size_t length, struct err *e)
{
	(void)e;
	buf_add(context, data, length);
	return 0;
}

int http_empty_buf(void *context, struct err *e)
{
	(void)e;
	((struct buf *)context)->length = 0;
	return 0;
}

void http_into(struct http_request *request, struct buf *body, size_t limit)
{
	request->limit = (int64_t)limit;
	request->sink = http_to_buf;
	request->context = body;
	request->restart = http_empty_buf;
}

int http_get_all(const char *url, size_t limit, struct buf *body, struct http_response *response, struct err *e)
{
	struct http_request request = { .url = url };
	http_into(&request, body, limit);
	return http_get(&request, response, e);
}

void http_response_free(struct http_response *response)
{
	free(response->final_url);
	free(response->validator);
	free(response->media_type);
	texts_free(&response->headers);
	buf_free(&response->failure);
	*response = (struct http_response){ 0 };
}

const char *http_header(const struct http_response *response, const char *name, size_t n)
{
	size_t length = strlen(name);
	for (size_t i = 0; i < response->headers.count; i++) {
		const char *line = response->headers.items[i];
		if (!strncasecmp(line, name, length) && line[length] == ':' && !n--)
			return line + length + 2;
	}
	return NULL;
}

int64_t http_retries(void)
{
	return user.retries;
}

void http_end(void)
{
	auth_free(logins);
	logins = NULL;
	texts_free(&user.auth_dirs);
	curl_end();
}
