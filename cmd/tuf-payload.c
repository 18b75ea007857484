// tuf-payload - print the bytes of TUF metadata that signatures are over
// SPDX-License-Identifier: Apache-2.0
//
// stdin or FILE: one metadata file. stdout: the canonical JSON of its `signed` (TUF specification 1.0.34, section 4.2), without a
// newline: what tuf-sign, `openssl pkeyutl -sign -rawin` or a token signs. No key comes near it.
#include <stdio.h>

#include "base/cmd.h"
#include "base/sandbox.h"
#include "tuf/draft.h"

static const struct cmd_option options[] = { CMD_END };

static const struct cmd cmd = {
	.name = "tuf-payload",
	.operands = "[FILE]",
	.summary = "print the bytes of TUF metadata that signatures are over",
	.reads = CMD_JSON,
	.writes = CMD_BYTES,
	.most_operands = 1,
	.options = options,
};

int main(int argc, char **argv)
{
	struct err e = { 0 };
	struct sandbox sandbox = { 0 };
	role_auto r = { 0 };
	buf_auto payload = { 0 };
	struct cmd_operands files = cmd_start(&cmd, argc, argv);
	if (files.count)
		texts_add(&sandbox.reads, files.items[0]);
	if (sandbox_enter(&sandbox, &e) < 0 || draft_read(files.items[0], &r, &e) < 0)
		return cmd_fail(&e);
	role_payload(&r, &payload);
	fwrite(payload.data, 1, payload.length, stdout);
	return cmd_finish();
}
