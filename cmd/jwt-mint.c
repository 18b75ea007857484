// jwt-mint - sign claims as JSON Web Tokens
// SPDX-License-Identifier: Apache-2.0
//
// stdin: claims, one JSON object per line. stdout: one token (RFC 7519, compact) per line, all or none. The algorithm follows from the
// key's type. Claims that are missing get a value: jti (random), iat (now), iss with --iss.
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/cmd.h"
#include "base/date.h"
#include "base/mem.h"
#include "base/record.h"
#include "base/sandbox.h"
#include "base/secret.h"
#include "crypto/digest.h"
#include "crypto/jose.h"
#include "crypto/passphrase.h"

enum { JTI_BYTES_LEAST = 4, JTI_BYTES_MOST = 32 };

static struct {
	const char *key, *algorithm, *issuer, *expires, *not_before, *customer;
	struct texts claims;
	int64_t jti_bytes;
} user = { .jti_bytes = JTI_BYTES_LEAST };

static const struct cmd_option options[] = {
	CMD_TEXT(0, "key", "FILE", &user.key, "the private key, PEM, encrypted or not readable by others (required)"),
	CMD_GROUP(passphrase_options),
	CMD_CHOICE(0, "alg", &user.algorithm, "ES384|ES256|EdDSA|RS256|PS256",
		"refuse a key of another type; PS256 must be named"),
	CMD_TEXTS(0, "claim", "NAME=VALUE", &user.claims, "set a claim to a string; repeatable"),
	CMD_TEXT(0, "iss", "TEXT", &user.issuer, "the issuer, where the claims name none"),
	CMD_TEXT(0, "exp", "TIME", &user.expires, "the token expires then: Unix seconds or ISO 8601"),
	CMD_TEXT(0, "nbf", "TIME", &user.not_before, "the token is not valid before: likewise"),
	CMD_TEXT(0, "customer", "UUID", &user.customer, "the claim `customer'"),
	CMD_NUMBER(0, "jti-bytes", "N", &user.jti_bytes, JTI_BYTES_LEAST, JTI_BYTES_MOST, "random bytes of a jti; 4 unless told"),
	CMD_END,
};

static const struct cmd cmd = {
	.name = "jwt-mint",
	.operands = "",
	.summary = "sign claims as JSON Web Tokens",
	.reads = CMD_JSON,
	.writes = CMD_LINES,
	.options = options,
};

// Unix seconds, whole or decimal.
static bool parse_unix(const char *text, double *seconds)
{
	size_t whole = strspn(text, "0123456789");
	size_t rest = text[whole] == '.' ? 1 + strspn(text + whole + 1, "0123456789") : 0;
	if (!whole || whole > 15 || rest == 1 || text[whole + rest])
		return false;
	*seconds = strtod(text, NULL);
	return true;
}

// ISO 8601 as RFC 3339 narrows it; a time without a zone is UTC, a date alone its midnight.
static bool parse_iso(const char *text, double *seconds)
{
	static const char *const endings[] = { "", "Z", "T00:00:00Z" };
	int64_t whole;
	for (size_t i = 0; i < ARRAY_LENGTH(endings); i++) {
		mem_auto char *full = mem_format("%s%s", text, endings[i]);
		if (date_parse(full, &whole)) {
			*seconds = (double)whole;
			return true;
		}
	}
	return false;
}

static json_t *time_json(double seconds)
{
	return seconds == floor(seconds) ? json_integer((json_int_t)seconds) : json_real(seconds);
}

// text NULL: *out stays negative.
static int read_time(const char *text, int64_t now, double *out, struct err *e)
{
	*out = -1;
	if (!text)
		return 0;
	if (!parse_unix(text, out) && !parse_iso(text, out))
		return err_set(e, STATUS_REFUSED,
			"Timestamp \"%s\" must either be a Unix timestamp or in iso8601 format (2016-05-10T19:15:36Z).", text);
	if (*out < (double)now)
		return err_set(e, STATUS_REFUSED, "%s is earlier than the current timestamp (%" PRId64 ").", text, now);
	return 0;
}

static int add_named(json_t *fixed, struct err *e)
{
	static const char *const timed[] = { "exp", "nbf", "iat" };
	for (size_t i = 0; i < user.claims.count; i++) {
		const char *claim = user.claims.items[i];
		const char *equals = strchr(claim, '=');
		if (!equals || equals == claim || !equals[1])
			return err_set(e, STATUS_REFUSED, "%s is not in the format NAME=VALUE", claim);
		mem_auto char *name = mem_text_n(claim, (size_t)(equals - claim));
		for (size_t t = 0; t < ARRAY_LENGTH(timed); t++)
			if (!strcmp(name, timed[t]))
				cmd_usage("option --claim: %s is a number that a string cannot stand for: use --exp or --nbf",
					name);
		if (json_object_set_new(fixed, name, json_string(equals + 1)) < 0)
			return err_set(e, STATUS_REFUSED, "option --claim: not UTF-8");
	}
	return 0;
}

// A UUID with its four hyphens or with none, RFC 9562 section 4, as the lower-case one with hyphens.
static void add_customer(json_t *fixed)
{
	static const size_t groups[] = { 8, 4, 4, 4, 12 };
	const char *at = user.customer;
	bool has_hyphens = strchr(at, '-');
	buf_auto uuid = { 0 };
	for (size_t g = 0; g < ARRAY_LENGTH(groups); g++) {
		if (g && has_hyphens && *at++ != '-')
			cmd_usage("option --customer: not a UUID: '%s'", user.customer);
		if (g)
			buf_add_byte(&uuid, '-');
		if (strspn(at, "0123456789abcdefABCDEF") < groups[g])
			cmd_usage("option --customer: not a UUID: '%s'", user.customer);
		for (size_t i = 0; i < groups[g]; i++, at++)
			buf_add_byte(&uuid, (char)(*at >= 'A' && *at <= 'F' ? *at + 32 : *at));
	}
	if (*at)
		cmd_usage("option --customer: not a UUID: '%s'", user.customer);
	json_object_set_new(fixed, "customer", json_string(uuid.data));
}

// What the options say, which stands above the claims of stdin: claims first, then the times and the customer.
static json_t *read_options(int64_t now, struct err *e)
{
	double expires, not_before;
	jsonio_auto json_t *fixed = json_object();
	if (add_named(fixed, e) < 0 || read_time(user.expires, now, &expires, e) < 0 ||
		read_time(user.not_before, now, &not_before, e) < 0)
		return NULL;
	if (expires >= 0 && not_before >= 0 && expires <= not_before) {
		err_set(e, STATUS_REFUSED, "the token would expire at %s, before it is valid at %s", user.expires,
			user.not_before);
		return NULL;
	}
	if (expires >= 0)
		json_object_set_new(fixed, "exp", time_json(expires));
	if (not_before >= 0)
		json_object_set_new(fixed, "nbf", time_json(not_before));
	if (user.customer)
		add_customer(fixed);
	return json_incref(fixed);
}

static void add_defaults(json_t *claims, int64_t now)
{
	unsigned char random[JTI_BYTES_MOST];
	char hex[2 * JTI_BYTES_MOST + 1];
	if (!json_object_get(claims, "jti") && getrandom(random, (size_t)user.jti_bytes, 0) == user.jti_bytes) {
		digest_hex(random, (size_t)user.jti_bytes, hex);
		json_object_set_new(claims, "jti", json_string(hex));
	}
	if (user.issuer && !json_object_get(claims, "iss"))
		json_object_set_new(claims, "iss", json_string(user.issuer));
	if (!json_object_get(claims, "iat"))
		json_object_set_new(claims, "iat", json_integer((json_int_t)now));
}

static int refuse_type(struct err *e, const char *type)
{
	if (user.algorithm && !strcmp(user.algorithm, "ES384"))
		return err_set(e, STATUS_REFUSED, "Signing key must be a 384-bit ECDSA private key (NIST P-384)");
	return err_set(e, STATUS_REFUSED, "a key of type %s cannot sign %s", type, user.algorithm);
}

static int choose_algorithm(const struct key *k, enum jose_algorithm *algorithm, struct err *e)
{
	*algorithm = jose_algorithm_of(k->type);
	if (user.algorithm)
		jose_algorithm_find(user.algorithm, algorithm);
	return jose_algorithm_fits(*algorithm, k->type) ? 0 : refuse_type(e, key_type_name(k->type));
}

static int mint_all(const struct key *k, const json_t *fixed, int64_t now, struct buf *tokens, struct err *e)
{
	char kid[65];
	enum jose_algorithm algorithm;
	if (choose_algorithm(k, &algorithm, e) < 0)
		return -1;
	key_thumbprint(k, kid);
	struct record_reader reader = { .fd = STDIN_FILENO };
	json_t *claims;
	int failed = 0;
	while (!failed && (claims = record_next(&reader, e))) {
		json_object_update(claims, (json_t *)fixed);
		add_defaults(claims, now);
		mem_auto char *payload = jsonio_text(claims);
		json_decref(claims);
		failed = jose_sign(k, algorithm, kid, payload, tokens, e);
		buf_add_byte(tokens, '\n');
	}
	if (!e->status && !reader.count)
		err_set(e, STATUS_MALFORMED, "stdin: no input: an earlier stage failed");
	record_reader_free(&reader);
	return e->status ? -1 : 0;
}

static int load_key(struct key *k, struct err *e)
{
	char prompt[] = "Encrypted private key password: ";
	if (key_read_private(user.key, passphrase_get, prompt, k, e) == 0)
		return 0;
	bool other_type = e->status == STATUS_REFUSED && !e->hint[0]; // the refusal that has a cure is of the file's mode
	if (other_type && user.algorithm)
		return refuse_type(e, "other");
	return err_context(e, "Unable to load signing key");
}

int main(int argc, char **argv)
{
	struct err e = { 0 };
	struct sandbox sandbox = { 0 };
	key_auto key = { 0 };
	buf_auto tokens = { 0 };
	cmd_start(&cmd, argc, argv);
	if (!user.key)
		cmd_usage("option --key is missing");
	secret_guard();
	passphrase_allow(&sandbox);
	int64_t now = date_now();
	jsonio_auto json_t *fixed = read_options(now, &e);
	if (!fixed || key_allow(user.key, &sandbox, &e) < 0 || sandbox_enter(&sandbox, &e) < 0 || load_key(&key, &e) < 0 ||
		mint_all(&key, fixed, now, &tokens, &e) < 0)
		return cmd_fail(&e);
	fputs(buf_text(&tokens), stdout);
	return cmd_finish();
}
