// tuf-init - make the first metadata of a TUF repository
// SPDX-License-Identifier: Apache-2.0
//
// Writes version 1 of root.json, targets.json, snapshot.json and timestamp.json into DIRECTORY. Each is signed by the keys of --key that
// may sign it; without them all four wait for signatures, from tuf-payload and tuf-addsig, and list versions alone.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cmd.h"
#include "base/mem.h"
#include "base/path.h"
#include "tuf/assemble.h"
#include "tuf/lifetime.h"
#include "tuf/rolekeys.h"

static struct {
	struct texts add, thresholds, lifetimes;
	const char *consistent;
	bool force;
} user = { .consistent = "yes" };

static const struct cmd_option options[] = {
	CMD_TEXTS(0, "add-key", "ROLE=FILE", &user.add, "a role is signed by this public key; repeatable, each role needs one"),
	CMD_TEXTS(0, "threshold", "ROLE=N", &user.thresholds, "a role needs N of its keys; 1 unless told"),
	CMD_TEXTS(0, "lifetime", "ROLE=TIME", &user.lifetimes, "how long a role is valid, such as `1w 2d'; repeatable"),
	CMD_CHOICE(0, "consistent-snapshot", &user.consistent, "yes|no",
		"whether published files carry their version in their name"),
	CMD_GROUP(draft_form_options),
	CMD_GROUP(draft_key_options),
	CMD_FLAG('f', "force", &user.force, "write over metadata that is there"),
	CMD_END,
};

static const struct cmd cmd = {
	.name = "tuf-init",
	.operands = "DIRECTORY",
	.summary = "make the first metadata of a TUF repository",
	.reads = CMD_NONE,
	.writes = CMD_NONE,
	.least_operands = 1,
	.most_operands = 1,
	.options = options,
};

static int64_t lifetimes[ROLE_TYPES];

static int read_lifetimes(struct err *e)
{
	for (int type = 0; type < ROLE_TYPES; type++)
		lifetimes[type] = draft_lifetime((enum role_type)type);
	for (size_t i = 0; i < user.lifetimes.count; i++) {
		enum role_type type = ROLE_ROOT;
		mem_auto char *role = NULL;
		const char *text = rolekeys_split(user.lifetimes.items[i], &role, e);
		if (!text)
			return -1;
		role_type_find(role, &type);
		if (!lifetime_parse(text, &lifetimes[type]))
			return err_set(e, STATUS_USAGE, "option --lifetime: '%s' is none: expected such as 3d, 1w 2d or 4:13:02",
				text);
	}
	return 0;
}

static int make_root(struct role *r, struct err *e)
{
	assemble_new(ROLE_ROOT, r);
	json_object_set_new(r->body, "consistent_snapshot", json_boolean(!strcmp(user.consistent, "yes")));
	json_object_set_new(r->body, "keys", json_object());
	json_t *roles = json_object();
	json_object_set_new(r->body, "roles", roles);
	for (int type = 0; type < ROLE_TYPES; type++)
		json_object_set_new(roles, role_type_name((enum role_type)type),
			json_pack("{s:[], s:i}", "keyids", "threshold", 1));
	for (size_t i = 0; i < user.add.count; i++)
		if (rolekeys_add(r, user.add.items[i], e) < 0)
			return -1;
	for (size_t i = 0; i < user.thresholds.count; i++)
		if (rolekeys_threshold(r, user.thresholds.items[i], e) < 0)
			return -1;
	draft_expire(r, lifetimes[ROLE_ROOT]);
	return rolekeys_finish(r, e);
}

static int sign(const struct role *root, struct role *r, struct err *e)
{
	keys_auto set = { 0 };
	return role_keys(root, role_type_name(r->type), &set, e) < 0 ? -1 : draft_sign(r, &set, e);
}

static bool is_complete(const struct role *root, const struct role *r)
{
	keys_auto set = { 0 };
	buf_auto payload = { 0 };
	struct err no = { 0 };
	role_payload(r, &payload);
	return role_keys(root, role_type_name(r->type), &set, &no) == 0 &&
		keys_check(&set, "", role_signatures(r), payload.data, payload.length, &no) == 0;
}

// One that lists the version of another alone, so that all can be signed in any order.
static void list_version(struct role *r, const char *name)
{
	json_object_set_new(r->body, "meta", json_pack("{s:{s:i}}", name, "version", 1));
}

static int write_in(const char *directory, const struct role *r, struct err *e)
{
	mem_auto char *path = mem_format("%s/%s.json", directory, role_type_name(r->type));
	return draft_write(r, path, e);
}

static int make_others(const char *directory, const struct role *root, struct role others[static ROLE_TYPES], struct err *e)
{
	for (int type = ROLE_TIMESTAMP; type < ROLE_TYPES; type++) {
		assemble_new((enum role_type)type, &others[type]);
		draft_expire(&others[type], lifetimes[type]);
	}
	list_version(&others[ROLE_SNAPSHOT], "targets.json");
	list_version(&others[ROLE_TIMESTAMP], "snapshot.json");
	for (int type = ROLE_TIMESTAMP; type < ROLE_TYPES; type++)
		if (sign(root, &others[type], e) < 0)
			return -1;
	if (draft_all_used(e) < 0 || path_make(directory, 0755, e) < 0 || write_in(directory, root, e) < 0)
		return -1;
	return write_in(directory, &others[ROLE_TARGETS], e);
}

// With all keys at hand the snapshot and the timestamp list lengths and hashes at once.
static int finish(const char *directory, const struct role *root, struct role others[static ROLE_TYPES], struct err *e)
{
	struct assemble a = { .directory = directory, .version = 1, .lifetime = lifetimes[ROLE_SNAPSHOT] };
	bool all = is_complete(root, &others[ROLE_TARGETS]) && is_complete(root, &others[ROLE_SNAPSHOT]);
	json_object_set_new(others[ROLE_SNAPSHOT].outer, "signatures",
		all ? json_array() : json_incref(role_signatures(&others[ROLE_SNAPSHOT])));
	if (write_in(directory, &others[ROLE_SNAPSHOT], e) < 0 || write_in(directory, &others[ROLE_TIMESTAMP], e) < 0)
		return -1;
	if (!all)
		return 0;
	if (assemble_snapshot(&a, e) < 0)
		return -1;
	a.lifetime = lifetimes[ROLE_TIMESTAMP];
	return assemble_timestamp(&a, e);
}

static int init(const char *directory, struct role *root, struct role others[static ROLE_TYPES], struct err *e)
{
	if (make_root(root, e) < 0 || sign(root, root, e) < 0 || make_others(directory, root, others, e) < 0)
		return -1;
	return finish(directory, root, others, e);
}

static int check_absent(const char *directory, struct err *e)
{
	for (int type = 0; type < ROLE_TYPES; type++) {
		mem_auto char *path = mem_format("%s/%s.json", directory, role_type_name((enum role_type)type));
		if (user.force || access(path, F_OK) < 0)
			continue;
		err_set(e, STATUS_REFUSED, "'%s': is there already", path);
		return err_hint(e, "--force starts anew; whoever trusts the old root is cut off");
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct err e = { 0 };
	struct sandbox sandbox = { 0 };
	role_auto root = { 0 };
	struct role others[ROLE_TYPES] = { 0 };
	struct cmd_operands what = cmd_start(&cmd, argc, argv);
	const char *directory = what.items[0];
	mem_auto char *file = mem_format("%s/x", directory);
	rolekeys_allow(&user.add, &sandbox);
	if (path_make(directory, 0755, &e) < 0 || draft_start(&sandbox, (const char *const[]){ file, NULL }, &e) < 0 ||
		check_absent(directory, &e) < 0 || read_lifetimes(&e) < 0 || init(directory, &root, others, &e) < 0)
		return cmd_fail(&e);
	for (int type = 0; type < ROLE_TYPES; type++)
		role_free(&others[type]);
	draft_end();
	texts_free(&user.add);
	texts_free(&user.thresholds);
	texts_free(&user.lifetimes);
	return cmd_finish();
}
