// brkttoken.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/jsonio.h"
#include "base/mem.h"
#include "disk/brkttoken.h"

static int check_hex(const json_t *token, const char *key, size_t digits, struct err *e)
{
	const char *text = jsonio_get_text(token, key, e);
	if (!text)
		return e->status ? -1 : 0;
	if (strlen(text) != digits || strspn(text, "0123456789abcdef") != digits)
		return err_set(e, STATUS_MALFORMED, "%s: not %zu lower-case hexadecimal digits", key, digits);
	return 0;
}

static int check_url(const json_t *token, struct err *e)
{
	const char *url = jsonio_get_text(token, "url", e);
	if (!url)
		return e->status ? -1 : 0;
	if (strlen(url) > BRKTTOKEN_URL_MAX)
		return err_set(e, STATUS_LIMIT, "url: longer than %d bytes", BRKTTOKEN_URL_MAX);
	bool web = !strncmp(url, "https://", 8) || !strncmp(url, "http://", 7);
	for (const char *at = url; *at; at++)
		web = web && *at > ' ' && *at <= '~';
	return web ? 0 : err_set(e, STATUS_MALFORMED, "url: not an http or https URL");
}

static int check_jwt(const json_t *token, struct err *e)
{
	struct jose_token t;
	const char *jwt = jsonio_get_text(token, "jwt", e);
	if (!jwt)
		return e->status ? -1 : 0;
	if (strlen(jwt) > BRKTTOKEN_JWT_MAX)
		return err_set(e, STATUS_LIMIT, "jwt: longer than %d bytes", BRKTTOKEN_JWT_MAX);
	enum jose_reason reason = jose_parse(jwt, strlen(jwt), &t);
	jose_free(&t);
	return reason == JOSE_GOOD ? 0 : err_set(e, STATUS_MALFORMED, "jwt: not a token: %s", jose_reason_text(reason));
}

int brkttoken_check(const json_t *token, int64_t *data_size, struct err *e)
{
	int64_t version;
	if (jsonio_get_size(token, "v", 1, &version, e) < 0 || jsonio_get_size(token, "data_size", -1, data_size, e) < 0 ||
		check_url(token, e) < 0 || check_hex(token, "key_id", 32, e) < 0 || check_hex(token, "spk", 64, e) < 0 ||
		check_jwt(token, e) < 0)
		return err_context(e, "token");
	if (version != 1)
		return err_set(e, STATUS_REFUSED, "token: version %" PRId64 ": only version 1 is supported", version);
	if (!*data_size || *data_size > INT64_MAX / 2)
		return err_set(e, STATUS_MALFORMED, "token: data_size: an impossible size");
	return 0;
}

// What we set, nobody else does.
static int check_wanted(const json_t *wanted, int64_t size, struct err *e)
{
	static const char *const ours[] = { "type", "keyslots", "data_size" };
	if (!json_is_object(wanted))
		return err_set(e, STATUS_MALFORMED, "not a JSON object");
	for (size_t i = 0; i < ARRAY_LENGTH(ours); i++)
		if (json_object_get(wanted, ours[i]))
			return err_set(e, STATUS_MALFORMED, "%s: disk-encrypt sets this itself", ours[i]);
	if (!jsonio_need_text(wanted, "url", e) || !jsonio_need_text(wanted, "key_id", e))
		return -1;
	return brkttoken_check(wanted, &size, e);
}

char *brkttoken_make(const json_t *wanted, int64_t data_size, struct err *e)
{
	if (wanted && check_wanted(wanted, data_size, e) < 0)
		return NULL;
	jsonio_auto json_t *token = json_pack("{s:s, s:[s], s:i, s:I}", "type", BRKTTOKEN_TYPE, "keyslots", "0", "v", 1,
		"data_size", (json_int_t)data_size);
	if (wanted)
		json_object_update_missing(token, (json_t *)wanted);
	mem_auto char *text = jsonio_text(token);
	if (strlen(text) > BRKTTOKEN_MAX) {
		err_set(e, STATUS_LIMIT, "longer than %d bytes", BRKTTOKEN_MAX);
		return NULL;
	}
	return mem_steal(text);
}
