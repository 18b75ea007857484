// exchangerequest.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/mem.h"
#include "net/exchangerequest.h"
#include "net/url.h"

// ---- the body ----

static size_t on_read(char *to, size_t size, size_t count, void *context)
{
	struct exchange *x = context;
	const struct http_body *b = x->request->body;
	int64_t left = b->length - x->sent, room = (int64_t)(size * count);
	ssize_t n = left < room ? left : room;
	if (b->data)
		memcpy(to, (const char *)b->data + x->sent, (size_t)n);
	else if (n > 0 && (n = pread(b->fd, to, (size_t)n, b->from + x->sent)) <= 0) {
		x->failed = true;
		if (n < 0)
			err_system(x->e, "cannot read what is to be sent");
		else
			err_set(x->e, STATUS_REFUSED, "what is to be sent became shorter");
		return CURL_READFUNC_ABORT;
	}
	x->sent += n;
	if (b->sent)
		b->sent(b->context, n);
	return (size_t)n;
}

// libcurl begins again where a kept connection turned out to be closed.
static int on_seek(void *context, curl_off_t offset, int origin)
{
	struct exchange *x = context;
	const struct http_body *b = x->request->body;
	if (origin != SEEK_SET || offset < 0 || offset > b->length)
		return CURL_SEEKFUNC_FAIL;
	if (b->sent)
		b->sent(b->context, offset - x->sent);
	x->sent = offset;
	return CURL_SEEKFUNC_OK;
}

// ---- the head ----

static bool is_credential(const char *line)
{
	return !strncasecmp(line, "Authorization:", 14) || !strncasecmp(line, "Cookie:", 7) ||
		!strncasecmp(line, "Proxy-Authorization:", 20);
}

static void add_header(struct curl_slist **list, const char *name, const char *value)
{
	mem_auto char *line = mem_format("%s: %s", name, value);
	*list = curl_slist_append(*list, line);
	explicit_bzero(line, strlen(line));
}

struct curl_slist *exchangerequest_headers(struct exchange *x)
{
	struct curl_slist *list = NULL;
	const struct http_request *q = x->request;
	bool own_authorization = false;
	for (size_t i = 0; q->headers && q->headers[i]; i++) {
		if (is_credential(q->headers[i]) && (x->elsewhere || !url_is_https(x->url)))
			continue;
		own_authorization |= is_credential(q->headers[i]);
		list = curl_slist_append(list, q->headers[i]);
	}
	if (x->authorization && !own_authorization && !q->own_login && url_is_https(x->url))
		add_header(&list, "Authorization", x->authorization);
	if (q->body) {
		add_header(&list, "Content-Type", q->body->media_type ? q->body->media_type : "application/octet-stream");
		list = curl_slist_append(list, "Expect:"); // libcurl would wait for leave, and many servers give none
	}
	x->asked_range = x->received > 0 && (x->validator || q->by_digest);
	if (x->asked_range) {
		mem_auto char *range = mem_format("bytes=%" PRId64 "-", x->received);
		add_header(&list, "Range", range);
		if (!q->by_digest)
			add_header(&list, "If-Range", x->validator);
	} else if (q->validator && !q->resume_from) {
		add_header(&list, *q->validator == '"' ? "If-None-Match" : "If-Modified-Since", q->validator);
	}
	return list;
}

static void set_tls(struct exchange *x)
{
	const struct exchange_options *o = x->options;
	CURL *easy = x->easy;
	const char *bundle = getenv("CURL_CA_BUNDLE");
	const char *cacert = o->cacert ? o->cacert : bundle && *bundle ? bundle : getenv("SSL_CERT_FILE");
	const char *capath = o->capath ? o->capath : getenv("SSL_CERT_DIR");
	curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, o->skip_certificates ? 0L : 1L);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, o->skip_certificates ? 0L : 2L);
	if (cacert && *cacert)
		curl_easy_setopt(easy, CURLOPT_CAINFO, cacert);
	if (capath && *capath)
		curl_easy_setopt(easy, CURLOPT_CAPATH, capath);
	if (x->elsewhere || !o->client_cert)
		return;
	curl_easy_setopt(easy, CURLOPT_SSLCERT, o->client_cert);
	curl_easy_setopt(easy, CURLOPT_SSLKEY, o->client_key ? o->client_key : o->client_cert);
	curl_easy_setopt(easy, CURLOPT_KEYPASSWD, ""); // or OpenSSL would ask the terminal, or what is on stdin
}

static void set_method(struct exchange *x)
{
	const struct http_request *q = x->request;
	CURL *easy = x->easy;
	curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, EXCHANGE_STALL_RATE);
	curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME,
		exchange_is_get(x) || exchange_is_head(x) ? EXCHANGE_STALL_S : EXCHANGE_ANSWER_S);
	if (exchange_is_head(x))
		curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
	else if (!exchange_is_get(x))
		curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, q->method);
	if (!q->body)
		return;
	curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
	curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)q->body->length);
	curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, 512L * 1024);
	curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_read);
	curl_easy_setopt(easy, CURLOPT_READDATA, x);
	curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, on_seek);
	curl_easy_setopt(easy, CURLOPT_SEEKDATA, x);
}

void exchangerequest_set(struct exchange *x, struct curl_slist *list)
{
	CURL *easy = x->easy;
	curl_easy_setopt(easy, CURLOPT_URL, x->url);
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "tackle/" TACKLE_VERSION);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, list);
	set_method(x);
	set_tls(x);
}
