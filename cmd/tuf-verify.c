// tuf-verify - check one TUF metadata file against its delegator
// SPDX-License-Identifier: Apache-2.0
//
// FILE or stdin: the metadata. stdout: its role record, when a threshold of the keys that its delegator names signed it, and it is not
// expired. A root may be its own delegator. No repository is needed around them.
#include <inttypes.h>
#include <string.h>

#include "base/cmd.h"
#include "base/date.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/record.h"
#include "base/sandbox.h"
#include "tuf/rolestate.h"

static struct {
	const char *by, *role;
	bool allow_expired;
} user;

static const struct cmd_option options[] = {
	CMD_TEXT(0, "by", "FILE", &user.by,
		"the root or targets metadata that delegates to it; a root: the one before it, and itself"),
	CMD_TEXT(0, "role", "NAME", &user.role, "the role it is of; what its _type says unless told"),
	CMD_FLAG(0, "allow-expired", &user.allow_expired, "expiry is not looked at"),
	CMD_END,
};

static const struct cmd cmd = {
	.name = "tuf-verify",
	.operands = "[FILE]",
	.summary = "check one TUF metadata file against its delegator",
	.reads = CMD_JSON,
	.writes = CMD_RECORD,
	.most_operands = 1,
	.options = options,
};

static int read_all(const char *path, struct buf *text, struct err *e)
{
	if (io_read_file(path, ROLE_OWN_BYTES_MAX, text, e) < 0)
		return -1;
	if (text->length)
		return 0;
	if (!strcmp(path, "-"))
		return err_set(e, STATUS_MALFORMED, "no input: an earlier stage failed");
	return err_set(e, STATUS_MALFORMED, "'%s': the file is empty", path);
}

// The role a file says to be of: its `_type`.
static char *own_role(const struct buf *text, struct err *e)
{
	struct scan_metadata m;
	if (scan_metadata(buf_text(text), text->length, "metadata", &m, e) < 0)
		return NULL;
	char *type = scan_text(scan_member(m.signed_part, "_type"));
	if (!type)
		err_set(e, STATUS_MALFORMED, "field '_type': missing");
	return type;
}

static int parse(struct buf *text, const char *role, struct received *r, struct err *e)
{
	mem_auto char *own = role ? mem_text(role) : own_role(text, e);
	return own ? received_parse(r, own, text, e) : -1;
}

// A root is signed by the one before it, too, and follows it.
static int check_successor(const struct received *r, const struct received *by, struct err *e)
{
	if (received_check(r, r, e) < 0)
		return err_context(e, "by its own keys");
	if (r->version == by->version + 1 || (r->version == by->version && r->bytes.length == by->bytes.length))
		return 0;
	return err_set(e, STATUS_REFUSED, "root: version %" PRId64 " does not follow version %" PRId64, r->version, by->version);
}

static json_t *verify(const struct received *r, const struct received *by, struct err *e)
{
	int64_t now = date_now();
	if (received_check(r, by, e) < 0 || (r->type == ROLE_ROOT && by != r && check_successor(r, by, e) < 0) ||
		(!user.allow_expired && received_check_expiry(r, now, e) < 0))
		return NULL;
	return rolestate_record(r, by, now, e);
}

int main(int argc, char **argv)
{
	struct err e = { 0 };
	buf_auto text = { 0 };
	buf_auto by_text = { 0 };
	received_auto r = { 0 };
	received_auto by = { 0 };
	struct sandbox sandbox = { 0 };
	struct cmd_operands file = cmd_start(&cmd, argc, argv);
	if (read_all(file.count ? file.items[0] : "-", &text, &e) < 0 || (user.by && read_all(user.by, &by_text, &e) < 0) ||
		sandbox_enter(&sandbox, &e) < 0 || parse(&text, user.role, &r, &e) < 0 ||
		(user.by && parse(&by_text, NULL, &by, &e) < 0))
		return cmd_fail(&e);
	if (!user.by && r.type != ROLE_ROOT)
		cmd_usage("option --by: missing, and the file is no root");
	jsonio_auto json_t *record = verify(&r, user.by ? &by : &r, &e);
	if (!record)
		return cmd_fail(&e);
	record_write(record);
	return cmd_finish();
}
