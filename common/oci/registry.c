// registry.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <ctype.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/msg.h"
#include "crypto/hash.h"
#include "net/auth.h"
#include "net/challenge.h"
#include "net/credentials.h"
#include "net/url.h"
#include "oci/ref.h"
#include "oci/refusal.h"
#include "oci/registry.h"
#include "oci/token.h"

enum { HOST_MAX = 261, HEADERS_MAX = 16, PING_MAX = 64 * 1024 };

static struct {
	const char *auth_host;
} user;

const struct cmd_option registry_options[] = {
	CMD_TEXT(0, "auth-host", "HOST[:PORT]", &user.auth_host, "ask this host for tokens, whatever the registry says"),
	CMD_GROUP(credentials_options),
	CMD_GROUP(http_options),
	CMD_END,
};

struct registry {
	char *host;       // as the user named it
	char *repository; // or NULL
	struct texts scopes;
	bool scope_of_challenge;
	pthread_mutex_t lock; // guards the rest
	char *base;           // `https://HOST`, once it is known
	bool local;
	char *authorization; // the header's value, or NULL
	char *token;         // in it, or NULL
	bool token_given;    // by --registry-token
};

// ---- the object ----

int registry_prepare(struct sandbox *s, struct err *e)
{
	return credentials_prepare(e) < 0 || http_prepare(s, e) < 0 ? -1 : 0;
}

void registry_end(void)
{
	credentials_end();
	http_end();
}

static bool host_is_valid(const char *host)
{
	size_t n = strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_[]:");
	return n && n <= HOST_MAX && !host[n] && *host != '-';
}

static void set_secret(char **slot, char *value)
{
	if (*slot)
		explicit_bzero(*slot, strlen(*slot));
	free(*slot);
	*slot = value;
}

static void use_token(struct registry *r, char *token)
{
	set_secret(&r->authorization, mem_format("Bearer %s", token));
	set_secret(&r->token, token);
}

struct registry *registry_open(const char *host, const char *repository, const char *actions, struct err *e)
{
	if (!host_is_valid(host) || (repository && !ref_is_repository(repository))) {
		err_set(e, STATUS_USAGE, "'%s%s%s': not a repository of a registry", host, repository ? "/" : "",
			repository ? repository : "");
		return NULL;
	}
	struct registry *r = mem_alloc(sizeof *r);
	pthread_mutex_init(&r->lock, NULL);
	r->host = mem_text(host);
	r->repository = mem_text(repository);
	r->scope_of_challenge = !actions;
	if (actions && repository)
		texts_take(&r->scopes, mem_format("repository:%s:%s", repository, actions));
	else if (actions)
		texts_add(&r->scopes, actions);
	const char *token = credentials_token(host);
	r->token_given = token;
	if (token)
		use_token(r, mem_text(token));
	return r;
}

void registry_add_scope(struct registry *r, const char *scope)
{
	if (!texts_has(&r->scopes, scope))
		texts_add(&r->scopes, scope);
}

const char *registry_mount_from(struct registry *r, const char *host, const char *repository)
{
	if (strcmp(host, r->host) != 0 || !ref_is_repository(repository) || !strcmp(repository, r->repository))
		return NULL;
	mem_auto char *scope = mem_format("repository:%s:%s", repository, REGISTRY_PULL);
	registry_add_scope(r, scope);
	return repository;
}

void registry_close(struct registry *r)
{
	if (!r)
		return;
	set_secret(&r->authorization, NULL);
	set_secret(&r->token, NULL);
	pthread_mutex_destroy(&r->lock);
	texts_free(&r->scopes);
	free(r->host);
	free(r->repository);
	free(r->base);
	free(r);
}

const char *registry_token(const struct registry *r)
{
	return r->token;
}

// ---- where it is ----

// Docker's registry answers under another name than users know.
static const char *host_of_api(const struct registry *r)
{
	const char *host = credentials_host(r->host);
	return strcmp(host, "docker.io") != 0 ? host : "registry-1.docker.io";
}

// Plain http only for a registry that does not speak TLS at all: what refuses a certificate stays refused.
static int find_base(struct registry *r, struct err *e)
{
	struct http_response response;
	mem_auto char *https = mem_format("https://%s", host_of_api(r));
	mem_auto char *ping = mem_format("%s/v2/", https);
	bool plain = false;
	if (http_allows_plain() && !http_is_offline()) {
		struct http_request q = { .url = ping, .method = "HEAD", .own_login = true };
		plain = http_get(&q, &response, e) < 0 && !response.code && response.no_tls;
		bool answered = response.code || plain;
		http_response_free(&response);
		if (!answered)
			return -1;
		*e = (struct err){ 0 };
	}
	r->base = plain ? mem_format("http://%s", host_of_api(r)) : mem_steal(https);
	r->local = url_names_local(r->base);
	return 0;
}

static int need_base(struct registry *r, struct err *e)
{
	pthread_mutex_lock(&r->lock);
	int result = r->base ? 0 : find_base(r, e);
	pthread_mutex_unlock(&r->lock);
	return result;
}

char *registry_url(struct registry *r, const char *path, struct err *e)
{
	if (need_base(r, e) < 0)
		return NULL;
	return mem_format("%s/v2/%s%s%s", r->base, r->repository ? r->repository : "", r->repository ? "/" : "", path);
}

char *registry_blob_url(struct registry *r, const char *digest, struct err *e)
{
	mem_auto char *path = mem_format("blobs/%s", digest);
	return registry_url(r, path, e);
}

char *registry_onward(const struct http_response *response, const char *reference, bool same_origin, struct err *e)
{
	const char *from = response->final_url;
	mem_auto char *to = reference ? url_resolve(from, reference) : NULL;
	if (!to || url_check(to, e) < 0) {
		err_set(e, STATUS_MALFORMED, "the registry points to no proper URL");
		return NULL;
	}
	mem_auto char *shown = url_shown(to);
	if (url_is_https(from) && !url_is_https(to))
		err_set(e, STATUS_REFUSED, "the registry points from https to http: '%.200s'", shown);
	else if (same_origin && !url_same_origin(from, to))
		err_set(e, STATUS_REFUSED, "the registry points elsewhere: '%.200s'", shown);
	else if (!response->local && url_names_local(to))
		err_set(e, STATUS_REFUSED, "the registry points to '%.200s', a loopback or link-local address", shown);
	return e->status ? NULL : mem_steal(to);
}

// ---- logging in ----

static int read_challenge(const struct http_response *response, struct challenge *c, struct err *e)
{
	const char *line;
	for (size_t i = 0; (line = http_header(response, "WWW-Authenticate", i)); i++)
		if (challenge_add(c, line, e) < 0)
			return -1;
	return 0;
}

static char *scopes_text(const struct registry *r, const struct challenge *c)
{
	struct buf all = { 0 };
	if (r->scope_of_challenge)
		return mem_text(c->scope ? c->scope : "");
	for (size_t i = 0; i < r->scopes.count; i++)
		buf_add_format(&all, "%s%s", i ? " " : "", r->scopes.items[i]);
	buf_reserve(&all, 0);
	return buf_steal(&all);
}

// Answers the challenge. 1 when the question may be asked again, 0 when there is nothing to answer with, or -1.
static int answer(struct registry *r, const struct challenge *c, const struct credential *login, bool local, struct err *e)
{
	bool password = login && login->user;
	if (c->bearer) {
		mem_auto char *scopes = scopes_text(r, c);
		struct token_request q = { .registry = r->base,
			.local = local,
			.challenge = c,
			.scope = scopes,
			.login = login,
			.auth_host = user.auth_host };
		char *token = token_get(&q, e);
		if (!token)
			return -1;
		use_token(r, token);
		return 1;
	}
	if (!c->basic || !password)
		return 0;
	set_secret(&r->token, NULL);
	set_secret(&r->authorization, auth_basic(login->user, login->password));
	return 1;
}

// As answer, with the lock held; `used` is what the registry did not let in.
static int log_in(struct registry *r, const struct http_response *response, const char *used, struct err *e)
{
	struct challenge c = { 0 };
	struct credential login = { 0 };
	if (r->authorization && (!used || strcmp(used, r->authorization) != 0))
		return 1; // another thread was faster
	if (used && !strncmp(used, "Basic ", 6))
		return 0; // it is wrong, and stays wrong
	if (!url_is_https(r->base)) {
		err_set(e, STATUS_REFUSED, "the registry asks for a login over plain http, where anyone could read it");
		return -1;
	}
	int result = read_challenge(response, &c, e);
	int found = result < 0 ? -1 : credentials_find(r->host, r->repository, &login, e);
	if (found < 0)
		result = -1;
	else if (found || !r->token_given) // dtuf:D47
		result = answer(r, &c, found ? &login : NULL, response->local, e);
	r->token_given = false;
	credentials_forget(&login);
	challenge_free(&c);
	return result;
}

// ---- asking ----

static int refused(const struct http_response *response, struct err *e)
{
	refusal_add(response, e);
	if (response->code == 401)
		err_hint(e, "the login comes from --login or from the files of docker and containers, see reg-auth(1)");
	return -1;
}

static char *authorization_for(struct registry *r, const char *url)
{
	pthread_mutex_lock(&r->lock);
	char *copy = url_same_origin(r->base, url) ? mem_text(r->authorization) : NULL;
	pthread_mutex_unlock(&r->lock);
	return copy;
}

static int ask_once(const struct http_request *q, const char *authorization, struct http_response *response, struct err *e)
{
	const char *headers[HEADERS_MAX + 2];
	size_t n = 0;
	for (; q->headers && q->headers[n] && n < HEADERS_MAX; n++)
		headers[n] = q->headers[n];
	char *line = authorization ? mem_format("Authorization: %s", authorization) : NULL;
	headers[n] = line;
	headers[n + 1] = NULL;
	struct http_request mine = *q;
	mine.headers = headers;
	mine.own_login = true;
	int result = http_get(&mine, response, e);
	set_secret(&line, NULL);
	return result;
}

int registry_ask(struct registry *r, const struct http_request *q, struct http_response *response, struct err *e)
{
	*response = (struct http_response){ .announced = -1 };
	if (need_base(r, e) < 0)
		return -1;
	for (bool again = false;; again = true) {
		char *used = authorization_for(r, q->url);
		int result = ask_once(q, used, response, e), entered = 0;
		bool asked = result < 0 && response->code == 401 && response->final_url && !again &&
			url_same_origin(r->base, response->final_url);
		struct err why = { 0 };
		if (asked) {
			pthread_mutex_lock(&r->lock);
			entered = log_in(r, response, used, &why);
			pthread_mutex_unlock(&r->lock);
		}
		set_secret(&used, NULL);
		if (entered < 0) {
			*e = why;
			return err_context(e, "'%s'", r->host);
		}
		if (!entered)
			return result < 0 ? refused(response, e) : 0;
		http_response_free(response);
		*e = (struct err){ 0 };
	}
}

int registry_ping(struct registry *r, struct err *e)
{
	struct http_response response;
	if (need_base(r, e) < 0)
		return -1;
	mem_auto char *url = mem_format("%s/v2/", r->base);
	struct http_request q = { .url = url };
	buf_auto ignored = { 0 };
	http_into(&q, &ignored, PING_MAX);
	int result = registry_ask(r, &q, &response, e);
	http_response_free(&response);
	return result;
}
