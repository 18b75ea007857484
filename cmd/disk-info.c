// disk-info - tell what can be told about an encrypted disk without its key
// SPDX-License-Identifier: Apache-2.0
//
// A file, or stdin, of which only the header is read. stdout: one disk record, or with --jwt the launch token. Neither a secret nor
// anything to guess one by is ever written.
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cmd.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/msg.h"
#include "base/record.h"
#include "base/sandbox.h"
#include "disk/brkttoken.h"
#include "disk/luksmeta.h"
#include "disk/payload.h"

static struct {
	bool jwt;
} user;

static const struct cmd_option options[] = {
	CMD_FLAG(0, "jwt", &user.jwt, "write the launch token instead, as a line"),
	CMD_END,
};

static const struct cmd cmd = {
	.name = "disk-info",
	.operands = "[FILE]",
	.summary = "tell what can be told about an encrypted disk without its key",
	.reads = CMD_BYTES,
	.writes = CMD_RECORD,
	.most_operands = 1,
	.options = options,
};

static const char *const copy_names[] = { "primary", "secondary" };

static json_t *describe_slots(const struct luksmeta *m)
{
	json_t *slots = json_array();
	for (size_t i = 0; i < m->slot_count; i++) {
		const struct luksmeta_slot *s = &m->slots[i];
		json_t *slot = json_pack("{s:i, s:s}", "slot", s->number, "kdf", s->kdf);
		if (s->kdf_of.hash)
			json_object_update_new(slot,
				json_pack("{s:s, s:i}", "hash", s->kdf_of.hash, "iterations", s->kdf_of.iterations));
		if (s->unsupported)
			json_object_set_new(slot, "unsupported", json_string(s->unsupported));
		json_array_append_new(slots, slot);
	}
	return slots;
}

static json_t *describe_faults(const struct luks *l)
{
	json_t *faults = json_object();
	for (int i = 0; i < 2; i++)
		if (l->fault[i])
			json_object_set_new(faults, copy_names[i], json_string(l->fault[i]));
	return faults;
}

static void set_text(json_t *record, const char *key, const json_t *from, const char *member)
{
	json_t *value = json_object_get(from, member);
	if (json_is_string(value))
		json_object_set(record, key, value);
}

// The names inside the launch token; who issued it and whether it is good is not judged.
static void describe_jwt(json_t *record, const char *jwt)
{
	struct jose_token t;
	if (jose_parse(jwt, strlen(jwt), &t) == JOSE_GOOD) {
		set_text(record, "kid", t.header, "kid");
		set_text(record, "jti", t.payload, "jti");
	}
	jose_free(&t);
}

static void describe_token(json_t *record, const struct luksmeta *m)
{
	const char *jwt = json_string_value(json_object_get(m->token, "jwt"));
	set_text(record, "url", m->token, "url");
	set_text(record, "key_id", m->token, "key_id");
	set_text(record, "spk", m->token, "spk");
	json_object_set_new(record, "has_jwt", json_boolean(jwt));
	if (jwt)
		describe_jwt(record, jwt);
}

// Whether all is there, for a file or device: what was announced, or some whole sectors.
static void describe_size(json_t *record, const struct luksmeta *m, int64_t size)
{
	int64_t sector = (int64_t)m->sector, data = size - m->data_offset;
	if (m->data_size >= 0)
		json_object_set_new(record, "data_size", json_integer(m->data_size));
	if (size >= 0 && m->data_offset && m->data_size >= 0)
		json_object_set_new(record, "complete", json_boolean(data >= (m->data_size + sector - 1) / sector * sector));
}

static json_t *describe(const struct luks *l, const struct luksmeta *m, int64_t size)
{
	json_t *record = json_pack("{s:s, s:s, s:s, s:s, s:s, s:i, s:I, s:o, s:o}", "kind", "disk", "format", "luks2", "uuid",
		l->uuid, "label", l->label, "cipher", "aes-xts-plain64", "sector_size", (int)m->sector, "data_offset",
		(json_int_t)m->data_offset, "slots", describe_slots(m), "faults", describe_faults(l));
	describe_size(record, m, size);
	if (m->token)
		describe_token(record, m);
	return record;
}

static int print_jwt(const struct luksmeta *m, struct err *e)
{
	const char *jwt = json_string_value(json_object_get(m->token, "jwt"));
	if (!jwt)
		return err_set(e, STATUS_NOT_FOUND, "the disk carries no launch token");
	puts(jwt);
	return 0;
}

int main(int argc, char **argv)
{
	struct err e = { 0 };
	struct luksmeta m;
	luks_auto l = { 0 };
	struct sandbox sandbox = { 0 };
	struct cmd_operands what = cmd_start(&cmd, argc, argv);
	const char *path = what.count ? what.items[0] : "-";
	io_auto int fd = io_open_input(path, &e);
	mem_auto char *subject = strcmp(path, "-") ? mem_format("'%s'", path) : mem_text("stdin");
	if (fd < 0 || sandbox_enter(&sandbox, &e) < 0)
		return cmd_fail(&e);
	int64_t size = payload_left(fd);
	if (luks_load(fd, subject, &l, &e) < 0)
		return cmd_fail(&e);
	if (luksmeta_read(&l, &m, &e) < 0) {
		err_context(&e, "%s", subject);
		return cmd_fail(&e);
	}
	mem_auto char *complaint = luks_complaint(&l);
	if (complaint)
		msg_warn("%s: %s", subject, complaint);
	jsonio_auto json_t *record = user.jwt ? NULL : describe(&l, &m, size);
	if (user.jwt && print_jwt(&m, &e) < 0)
		return cmd_fail(&e);
	if (record)
		record_write(record);
	return cmd_finish();
}
