// token.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "base/jsonio.h"
#include "base/mem.h"
#include "base/msg.h"
#include "base/secret.h"
#include "net/auth.h"
#include "net/http.h"
#include "net/url.h"
#include "oci/refusal.h"
#include "oci/token.h"

enum { ANSWER_MAX = 256 * 1024, TOKEN_MAX = 64 * 1024 };

// ---- the question ----

static void add_pair(struct buf *query, const char *name, const char *value)
{
	if (!value || !*value)
		return;
	if (query->length)
		buf_add_byte(query, '&');
	buf_add_format(query, "%s=", name);
	url_add_escaped(query, value);
}

// A GET says each scope by itself, an OAuth 2 form all in one.
static void add_scopes(struct buf *query, const char *scopes)
{
	while (scopes && *scopes) {
		size_t n = strcspn(scopes, " ");
		mem_auto char *one = mem_text_n(scopes, n);
		add_pair(query, "scope", one);
		scopes += n + (scopes[n] == ' ');
	}
}

// Whether the login may go to this realm.
static bool may_log_in(const struct token_request *q, const char *realm)
{
	if (!q->login)
		return false;
	if (url_same_origin(q->registry, realm) || q->auth_host)
		return true;
	bool verified = url_is_https(q->registry);
	for (const char *const *check = http_insecure(); *check; check++)
		verified &= strcmp(*check, "tls") != 0;
	if (!verified)
		msg_warn("'%s': another host than the registry's, and certificates are not verified: no login goes there", realm);
	return verified;
}

// ---- the answer ----

static bool is_token(const char *text)
{
	size_t n = strlen(text);
	for (const char *at = text; *at; at++)
		if ((unsigned char)*at <= ' ' || (unsigned char)*at >= 0x7f)
			return false;
	return n && n <= TOKEN_MAX;
}

static char *token_in(const struct buf *answer, struct err *e)
{
	jsonio_auto json_t *json = jsonio_parse(buf_text(answer), answer->length, "the token server's answer", e);
	const char *access = json ? jsonio_get_text(json, "access_token", e) : NULL;
	const char *plain = json && !e->status ? jsonio_get_text(json, "token", e) : NULL;
	const char *found = access && *access ? access : plain;
	if (e->status)
		return NULL;
	if (found && is_token(found))
		return mem_text(found);
	err_set(e, STATUS_MALFORMED, "the token server's answer: no token");
	return NULL;
}

static int send(struct http_request *request, struct buf *answer, struct err *e)
{
	struct http_response response;
	http_into(request, answer, ANSWER_MAX);
	request->own_login = true;
	int result = http_get(request, &response, e);
	if (result < 0)
		refusal_add(&response, e);
	http_response_free(&response);
	return result < 0 ? err_context(e, "no token") : 0;
}

static int get_token(const struct token_request *q, const char *realm, bool with_login, struct buf *answer, struct err *e)
{
	buf_auto query = { 0 };
	add_pair(&query, "service", q->challenge->service);
	add_scopes(&query, q->scope);
	if (with_login)
		add_pair(&query, "account", q->login->user);
	mem_auto char *url = mem_format("%s%s%s", realm, query.length ? strchr(realm, '?') ? "&" : "?" : "", buf_text(&query));
	mem_auto char *basic = with_login ? auth_basic(q->login->user, q->login->password) : NULL;
	mem_auto char *header = basic ? mem_format("Authorization: %s", basic) : NULL;
	const char *const headers[] = { header, NULL };
	struct http_request request = { .url = url, .headers = headers, .not_local = !q->local && !q->auth_host };
	int result = send(&request, answer, e);
	if (basic) {
		explicit_bzero(basic, strlen(basic));
		explicit_bzero(header, strlen(header));
	}
	return result;
}

// An identity token is no password: it is exchanged (OAuth 2, refresh_token).
static int post_token(const struct token_request *q, const char *realm, struct buf *answer, struct err *e)
{
	secret_auto form = { 0 };
	add_pair(&form, "grant_type", "refresh_token");
	add_pair(&form, "service", q->challenge->service);
	add_pair(&form, "client_id", "tackle");
	add_pair(&form, "scope", q->scope);
	add_pair(&form, "refresh_token", q->login->token);
	struct http_body body = { .data = buf_text(&form),
		.length = (int64_t)form.length,
		.media_type = "application/x-www-form-urlencoded" };
	struct http_request request = { .url = realm,
		.method = "POST",
		.body = &body,
		.repeatable = true,
		.not_local = !q->local && !q->auth_host };
	return send(&request, answer, e);
}

char *token_get(const struct token_request *q, struct err *e)
{
	secret_auto answer = { 0 };
	mem_auto char *realm = q->challenge->realm ? url_at_host(q->challenge->realm, q->auth_host) : NULL;
	if (!realm || url_check(realm, e) < 0) {
		err_set(e, STATUS_MALFORMED, "the registry's challenge names no proper realm to get a token from");
		return NULL;
	}
	if (!q->local && !q->auth_host && url_names_local(realm)) {
		err_set(e, STATUS_REFUSED, "the registry's challenge names '%.200s', a loopback or link-local address", realm);
		return NULL;
	}
	bool with_login = may_log_in(q, realm);
	int got = with_login && q->login->token ? post_token(q, realm, &answer, e) : get_token(q, realm, with_login, &answer, e);
	return got < 0 ? NULL : token_in(&answer, e);
}
