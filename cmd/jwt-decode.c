// jwt-decode - show what JSON Web Tokens say, without believing it
// SPDX-License-Identifier: Apache-2.0
//
// stdin: one token per line. stdout: per token a JSON object with its header and its claims. Nothing is verified, and stderr says so.
#include "base/cmd.h"
#include "base/msg.h"
#include "base/record.h"
#include "base/sandbox.h"
#include "base/secret.h"
#include "crypto/tokens.h"

static const struct cmd_option options[] = { CMD_END };

static const struct cmd cmd = {
	.name = "jwt-decode",
	.operands = "",
	.summary = "show what JSON Web Tokens say, without believing it",
	.reads = CMD_LINES,
	.writes = CMD_JSON,
	.options = options,
};

static int decode(const char *line, size_t length, void *all, struct err *e)
{
	struct jose_token token;
	enum jose_reason reason = jose_parse(line, length, &token);
	if (reason == JOSE_GOOD)
		json_array_append_new(all, json_pack("{s:O, s:O}", "header", token.header, "claims", token.payload));
	jose_free(&token);
	if (reason == JOSE_GOOD)
		return 0;
	return err_set(e, reason == JOSE_TOO_LONG ? STATUS_LIMIT : STATUS_MALFORMED, "token %zu: %s", json_array_size(all) + 1,
		jose_reason_text(reason));
}

int main(int argc, char **argv)
{
	struct err e = { 0 };
	struct sandbox sandbox = { 0 };
	jsonio_auto json_t *all = json_array();
	cmd_start(&cmd, argc, argv);
	secret_guard(); // who has a token may use it
	if (sandbox_enter(&sandbox, &e) < 0 || tokens_each(decode, all, &e) < 0)
		return cmd_fail(&e);
	msg_warn("UNVERIFIED: anyone can have written this");
	size_t i;
	json_t *decoded;
	json_array_foreach(all, i, decoded)
		record_write(decoded);
	return cmd_finish();
}
