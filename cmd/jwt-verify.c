// jwt-verify - print the claims of JSON Web Tokens that are good
// SPDX-License-Identifier: Apache-2.0
//
// stdin: one token per line. stdout: the claims of each good one, a JSON object a line; with --report one record per token, good or bad.
// 1 when a token is refused (6 malformed, 7 too long: the first bad one decides), with its line number and reason on stderr. Algorithms
// and keys are the caller's choice, never the token's (RFC 8725 sections 3.1, 3.2 and 3.10); a token must carry `jti`.
#include <stdlib.h>
#include <string.h>

#include "base/cmd.h"
#include "base/date.h"
#include "base/mem.h"
#include "base/msg.h"
#include "base/record.h"
#include "base/sandbox.h"
#include "base/secret.h"
#include "crypto/jwks.h"
#include "crypto/revoked.h"
#include "crypto/tokens.h"

enum { LEEWAY_MAX_MS = 300000 };

static struct {
	struct texts keys, algorithms, revoked;
	const char *issuer, *audience, *required;
	int64_t leeway;
	bool report;
} user;

static const struct cmd_option options[] = {
	CMD_TEXTS(0, "key", "FILE", &user.keys, "a trusted public key or set: PEM, JWK or JWK set; repeatable (required)"),
	CMD_TEXTS(0, "alg", "NAME", &user.algorithms,
		"an algorithm to accept: ES384 (unless told), ES256, EdDSA, RS256 or PS256; repeatable"),
	CMD_TEXT(0, "iss", "TEXT", &user.issuer, "demand this issuer"),
	CMD_TEXT(0, "aud", "TEXT", &user.audience, "demand this audience; without it a token that has one is refused"),
	CMD_TEXT(0, "require", "NAME,...", &user.required, "demand these claims"),
	CMD_TEXTS(0, "revoked", "FILE", &user.revoked,
		"refuse what this file lists: lines `kid KID' and `jti KID JTI'; repeatable"),
	CMD_DURATION(0, "leeway", &user.leeway, "allow clocks to differ by this much, at most 300s; 0 unless told"),
	CMD_FLAG(0, "report", &user.report, "write one record per token: line, ok, and the claims or the reason"),
	CMD_END,
};

static const struct cmd cmd = {
	.name = "jwt-verify",
	.operands = "",
	.summary = "print the claims of JSON Web Tokens that are good",
	.reads = CMD_LINES,
	.writes = CMD_JSON,
	.options = options,
};

struct judge {
	struct jwks *keys;
	struct revoked *revoked;
	bool accepted[JOSE_PS256 + 1]; // by enum jose_algorithm
	double now;
	json_t *output; // what stdout will get
	size_t line;
	enum status verdict; // of the first bad token
};

// ---- the checks, in this order ----

static enum jose_reason check_header(const struct judge *j, const json_t *header, enum jose_algorithm *algorithm)
{
	const char *alg = json_string_value(json_object_get(header, "alg"));
	const json_t *typ = json_object_get(header, "typ");
	if (!alg || !jose_algorithm_find(alg, algorithm) || !j->accepted[*algorithm])
		return JOSE_ALG;
	if (typ && (!json_is_string(typ) || strcasecmp(json_string_value(typ), "JWT") != 0))
		return JOSE_TYP;
	return json_object_get(header, "crit") ? JOSE_CRIT : JOSE_GOOD;
}

static bool is_for(const struct jwks_entry *entry, enum jose_algorithm algorithm)
{
	return jose_algorithm_fits(algorithm, entry->key.type) &&
		(!entry->algorithm || !strcmp(entry->algorithm, jose_algorithm_name(algorithm)));
}

// kid only selects among the trusted keys; without one, every key that fits the algorithm is tried.
static enum jose_reason check_signature(const struct judge *j, const struct jose_token *t, enum jose_algorithm algorithm,
	const struct jwks_entry **signer)
{
	const json_t *kid = json_object_get(t->header, "kid");
	bool known = false, other_algorithm = false;
	if (kid && !json_is_string(kid))
		return JOSE_UNKNOWN_KID;
	for (size_t i = 0; i < j->keys->count; i++) {
		const struct jwks_entry *entry = &j->keys->entries[i];
		if (kid && !jwks_matches(entry, json_string_value(kid)))
			continue;
		if (!is_for(entry, algorithm)) {
			other_algorithm = true;
			continue;
		}
		known = true;
		*signer = entry;
		if (jose_signature_good(t, &entry->key, algorithm))
			return JOSE_GOOD;
	}
	return known ? JOSE_SIGNATURE : other_algorithm ? JOSE_ALG : JOSE_UNKNOWN_KID;
}

static bool is_revoked(const struct judge *j, const struct jwks_entry *signer, const json_t *claims)
{
	const char *jti = json_string_value(json_object_get(claims, "jti"));
	return revoked_has(j->revoked, signer, jti ? jti : "");
}

static enum jose_reason check_times(const struct judge *j, const json_t *claims)
{
	static const char *const names[] = { "exp", "nbf", "iat" };
	double leeway = (double)user.leeway / 1000;
	for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
		const json_t *time = json_object_get(claims, names[i]);
		if (!time)
			continue;
		if (!json_is_number(time) || json_number_value(time) < 0)
			return JOSE_MALFORMED;
		double value = json_number_value(time);
		if (i == 0 && value <= j->now - leeway)
			return JOSE_EXPIRED;
		if (i > 0 && value > j->now + leeway)
			return JOSE_NOT_YET_VALID;
	}
	return JOSE_GOOD;
}

static bool is_text(const json_t *value, const char *wanted)
{
	return json_is_string(value) && !strcmp(json_string_value(value), wanted);
}

static enum jose_reason check_audience(const json_t *claims)
{
	const json_t *audience = json_object_get(claims, "aud");
	size_t i;
	json_t *one;
	if (!user.audience)
		return audience ? JOSE_AUDIENCE : JOSE_GOOD;
	if (is_text(audience, user.audience))
		return JOSE_GOOD;
	json_array_foreach(audience, i, one)
		if (is_text(one, user.audience))
			return JOSE_GOOD;
	return JOSE_AUDIENCE;
}

static bool has_required(const json_t *claims)
{
	const char *jti = json_string_value(json_object_get(claims, "jti"));
	if (!jti || !*jti)
		return false;
	for (const char *at = user.required; at && *at;) {
		size_t n = strcspn(at, ",");
		if (n && !json_object_getn(claims, at, n))
			return false;
		at += n + (at[n] == ',');
	}
	return true;
}

static enum jose_reason check_claims(const struct judge *j, const json_t *claims)
{
	enum jose_reason reason = check_times(j, claims);
	if (reason != JOSE_GOOD)
		return reason;
	if (user.issuer && !is_text(json_object_get(claims, "iss"), user.issuer))
		return JOSE_ISSUER;
	reason = check_audience(claims);
	if (reason != JOSE_GOOD)
		return reason;
	return has_required(claims) ? JOSE_GOOD : JOSE_MISSING_CLAIM;
}

static enum jose_reason check(const struct judge *j, const struct jose_token *t)
{
	enum jose_algorithm algorithm;
	const struct jwks_entry *signer = NULL;
	enum jose_reason reason = check_header(j, t->header, &algorithm);
	if (reason == JOSE_GOOD)
		reason = check_signature(j, t, algorithm, &signer);
	if (reason == JOSE_GOOD && is_revoked(j, signer, t->payload))
		return JOSE_REVOKED;
	return reason == JOSE_GOOD ? check_claims(j, t->payload) : reason;
}

// ----

static enum status status_of(enum jose_reason reason)
{
	return reason == JOSE_MALFORMED ? STATUS_MALFORMED : reason == JOSE_TOO_LONG ? STATUS_LIMIT : STATUS_REFUSED;
}

static void report(struct judge *j, enum jose_reason reason, const json_t *claims)
{
	bool good = reason == JOSE_GOOD;
	json_t *record = json_pack("{s:I, s:b}", "line", (json_int_t)j->line, "ok", (int)good);
	if (good)
		json_object_set(record, "claims", (json_t *)claims);
	else
		json_object_set_new(record, "reason", json_string(jose_reason_text(reason)));
	json_array_append_new(j->output, record);
}

static int judge_line(const char *line, size_t length, void *context, struct err *e)
{
	(void)e;
	struct judge *j = context;
	struct jose_token token;
	enum jose_reason reason = jose_parse(line, length, &token);
	j->line++;
	j->now = (double)date_now(); // when the token is here: a minter in the same pipe may have started later than this program
	if (reason == JOSE_GOOD)
		reason = check(j, &token);
	if (reason != JOSE_GOOD && !j->verdict)
		j->verdict = status_of(reason);
	if (reason != JOSE_GOOD)
		msg_error("%zu: %s", j->line, jose_reason_text(reason));
	if (user.report)
		report(j, reason, token.payload);
	else if (reason == JOSE_GOOD)
		json_array_append(j->output, token.payload);
	jose_free(&token);
	return 0;
}

static void check_usage(struct judge *j)
{
	enum jose_algorithm algorithm;
	if (!user.keys.count)
		cmd_usage("option --key is missing");
	if (user.leeway > LEEWAY_MAX_MS)
		cmd_usage("option --leeway: at most 300s");
	j->accepted[JOSE_ES384] = !user.algorithms.count;
	for (size_t i = 0; i < user.algorithms.count; i++) {
		if (!jose_algorithm_find(user.algorithms.items[i], &algorithm))
			cmd_usage("option --alg: '%s' is none of ES384, ES256, EdDSA, RS256, PS256", user.algorithms.items[i]);
		j->accepted[algorithm] = true;
	}
}

static int enter_sandbox(struct err *e)
{
	const struct texts *named[] = { &user.keys, &user.revoked };
	struct sandbox sandbox = { 0 };
	for (size_t i = 0; i < ARRAY_LENGTH(named); i++)
		for (size_t k = 0; k < named[i]->count; k++)
			texts_add(&sandbox.reads, named[i]->items[k]);
	return sandbox_enter(&sandbox, e);
}

static int read_files(struct judge *j, struct err *e)
{
	for (size_t i = 0; i < user.keys.count; i++)
		if (jwks_read(j->keys, user.keys.items[i], e) < 0)
			return -1;
	for (size_t i = 0; i < user.revoked.count; i++)
		if (revoked_read(j->revoked, user.revoked.items[i], e) < 0)
			return -1;
	return 0;
}

int main(int argc, char **argv)
{
	struct err e = { 0 };
	jwks_auto keys = { 0 };
	revoked_auto revoked = { 0 };
	struct judge judge = { .keys = &keys, .revoked = &revoked };
	cmd_start(&cmd, argc, argv);
	check_usage(&judge);
	secret_guard(); // who has a token may use it
	jsonio_auto json_t *output = judge.output = json_array();
	if (enter_sandbox(&e) < 0 || read_files(&judge, &e) < 0 || tokens_each(judge_line, &judge, &e) < 0)
		return cmd_fail(&e);
	size_t i;
	json_t *line;
	json_array_foreach(output, i, line)
		record_write(line);
	int written = cmd_finish();
	return written ? written : (int)judge.verdict;
}
