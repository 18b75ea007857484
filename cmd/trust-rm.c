// trust-rm - trust a key no longer
// SPDX-License-Identifier: Apache-2.0
//
// stdin: nothing. stdout: a key record for the key that is no longer in force. A file of the last trust directory is removed; one of an
// earlier directory, which may not be ours to change, is masked by an empty file of the same name (rkt:A-015). 3 when it was not trusted.
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cmd.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/record.h"
#include "base/sandbox.h"
#include "crypto/pgp.h"
#include "crypto/spki.h"
#include "image/trust.h"
#include "image/trustplace.h"

static struct {
	bool mask;
} user;

static const struct cmd_option options[] = {
	CMD_GROUP(trustplace_options),
	CMD_FLAG(0, "mask", &user.mask, "leave an empty file, which also masks a key that an earlier directory may get"),
	CMD_END,
};

static const struct cmd cmd = {
	.name = "trust-rm",
	.operands = "FINGERPRINT",
	.summary = "trust a key no longer",
	.reads = CMD_NONE,
	.writes = CMD_RECORDS,
	.least_operands = 1,
	.most_operands = 1,
	.options = options,
};

// As people copy it: capitals and blanks allowed.
static char *fingerprint_asked(const char *operand)
{
	buf_auto plain = { 0 };
	for (const char *c = operand; *c; c++)
		if (*c != ' ')
			buf_add_byte(&plain, (char)tolower((unsigned char)*c));
	if (!pgp_is_fingerprint(buf_text(&plain)) && !spki_is_id(buf_text(&plain)))
		cmd_usage("'%s' is not a fingerprint: expected 40 or 64 hex digits, or spki- and 64", operand);
	return buf_steal(&plain);
}

static bool is_at(const struct trust_key *file, const char *prefix, const char *fingerprint)
{
	return !strcmp(file->fingerprint, fingerprint) && !file->prefix == !prefix && (!prefix || !strcmp(file->prefix, prefix));
}

struct found {
	bool in_force;   // else there is nothing to remove
	bool in_earlier; // an earlier one has a key, which would count again without the file
	char *path;      // of the key in force
};

static int find(const struct trustplace *place, const char *fingerprint, struct found *found, struct err *e)
{
	struct trust trust;
	*found = (struct found){ 0 };
	if (trust_load_all(&place->directories, &trust, e) < 0)
		return -1;
	for (size_t i = 0; i < trust.count; i++) {
		const struct trust_key *file = &trust.keys[i];
		if (!is_at(file, place->prefix, fingerprint))
			continue;
		bool last = file->directory + 1 == place->directories.count;
		found->in_earlier = found->in_earlier || (!last && file->length);
		if (file->masked || !file->length)
			continue;
		found->in_force = true;
		found->path = mem_text(file->path);
	}
	trust_free(&trust);
	return found->in_force ? 0
			       : err_set(e, STATUS_NOT_FOUND, "%s: not trusted for '%s'", fingerprint,
					 place->prefix ? place->prefix : "every name");
}

static int mask(int directory, const char *name, struct err *e)
{
	struct io_output file;
	return io_create(&file, directory, name, 0644, e) < 0 ? -1 : io_commit(&file, e);
}

static int trust_rm(const struct trustplace *place, const char *fingerprint, const struct found *found, struct err *e)
{
	bool masks = user.mask || found->in_earlier;
	io_auto int trust = path_open_state(place->directory, masks, 0755, e);
	io_auto int directory = trust < 0 ? -1 : trust_open_directory(trust, place->prefix, masks, place->directory, e);
	if (directory < 0)
		return -1;
	mem_auto char *name = trust_file_name(fingerprint);
	if (masks)
		return mask(directory, name, e);
	if (unlinkat(directory, name, 0) < 0 || fsync(directory) < 0)
		return err_system(e, "'%s': cannot remove", found->path);
	return 0;
}

// A sandbox can only open what exists.
static int enter_sandbox(const struct trustplace *place, struct err *e)
{
	struct sandbox sandbox = { 0 };
	if (path_make(place->directory, 0755, e) < 0)
		return -1;
	texts_add(&sandbox.writes, place->directory);
	return sandbox_enter(&sandbox, e);
}

int main(int argc, char **argv)
{
	struct err e = { 0 };
	static struct trustplace place;
	static struct found found;
	struct cmd_operands operands = cmd_start(&cmd, argc, argv);
	trustplace_read(&place);
	umask(022);
	mem_auto char *fingerprint = fingerprint_asked(operands.items[0]);
	if (find(&place, fingerprint, &found, &e) < 0 || enter_sandbox(&place, &e) < 0 ||
		trust_rm(&place, fingerprint, &found, &e) < 0)
		return cmd_fail(&e);
	jsonio_auto json_t *record = json_pack("{s:s, s:s, s:s}", "kind", "key", "fingerprint", fingerprint, "path", found.path);
	if (place.prefix)
		json_object_set_new(record, "prefix", json_string(place.prefix));
	record_write(record);
	free(found.path);
	texts_free(&place.directories);
	return cmd_finish();
}
