// store-list - list the images of the store
// SPDX-License-Identifier: Apache-2.0
//
// stdin: nothing. stdout: the image record of every image, or of those that fit an operand; 3 when one fits none. A `verified` entry
// comes out only while its key is trusted for the image's name. 6 when a record is damaged, behind all others. index.json is up to date
// when this ends.
#include <stdio.h>
#include <string.h>

#include "base/cmd.h"
#include "base/jsonio.h"
#include "base/mem.h"
#include "base/msg.h"
#include "base/record.h"
#include "base/table.h"
#include "image/layoutindex.h"
#include "image/storecmd.h"
#include "image/storeindex.h"
#include "image/storetrust.h"
#include "image/verify.h"

#define SHORT_ID 39 // `sha512-` and 32 digits, as rkt shows an id

static struct {
	const char *format;
	bool full;
	bool null;
	bool reverify;
} user = { .format = "records" };

static const struct cmd_option options[] = {
	CMD_CHOICE(0, "format", &user.format, "records|table|names",
		"table is for people; names prints NAME:VERSION, a line each"),
	CMD_FLAG(0, "full", &user.full, "show whole ids in the table"),
	CMD_FLAG('0', "null", &user.null, "end each name with NUL and print it as it is; implies --format names"),
	CMD_FLAG(0, "reverify", &user.reverify, "judge every signature again, over the bytes in the store"),
	CMD_GROUP(storecmd_options),
	CMD_GROUP(storetrust_options),
	CMD_END,
};

static const struct cmd cmd = {
	.name = "store-list",
	.operands = "[IMAGE ...]",
	.summary = "list the images of the store",
	.reads = CMD_NONE,
	.writes = CMD_RECORDS,
	.most_operands = -1,
	.options = options,
};

// An image that fits two operands is listed once.
static void add_new(json_t *all, json_t *record)
{
	size_t i;
	json_t *old;
	json_array_foreach(all, i, old)
		if (json_equal(old, record))
			return;
	json_array_append(all, record);
}

static json_t *find(struct store *s, struct cmd_operands images, struct texts *damaged, struct err *e)
{
	if (!images.count)
		return store_list(s, damaged, e);
	jsonio_auto json_t *all = json_array();
	for (int i = 0; i < images.count; i++) {
		size_t at;
		json_t *record;
		jsonio_auto json_t *fitting = store_match(s, images.items[i], e);
		if (!fitting)
			return NULL;
		json_array_foreach(fitting, at, record)
			add_new(all, record);
	}
	return json_incref(all);
}

// What the bytes, the signature and the keys say today; an image that fails is listed, unverified.
static void verify_again(struct store *s, const struct trust *trust, json_t *records)
{
	static const struct trust nobody;
	static const struct verify_options how = { .allow_untrusted = true };
	size_t i;
	json_t *record;
	json_array_foreach(records, i, record) {
		struct err e = { 0 };
		verify_forget(&nobody, record);
		if (json_object_get(record, "signature") && verify_record(s, trust, record, &how, &e) < 0)
			msg_warn("listed as unverified: %s", e.text);
	}
}

static char *name_of(const json_t *record)
{
	const char *name = jsonio_find_text(record, "name"),
		   *version = jsonio_find_text(json_object_get(record, "labels"), "version");
	return name && version ? mem_format("%s:%s", name, version) : mem_text(name);
}

static char *id_of(const json_t *record)
{
	char key[STORE_KEY_MAX];
	return store_key(record, key, &(struct err){ 0 }) < 0 ? NULL : store_key_text(key);
}

static void print_names(const json_t *records)
{
	size_t i;
	json_t *record;
	json_array_foreach(records, i, record) {
		buf_auto shown = { 0 };
		mem_auto char *name = name_of(record);
		if (!name)
			name = id_of(record);
		if (!name)
			continue;
		if (user.null)
			buf_add_text(&shown, name);
		else
			msg_escape(&shown, name, strlen(name));
		printf("%s%c", buf_text(&shown), user.null ? '\0' : '\n');
	}
}

static void add_row(struct table *t, const json_t *record)
{
	size_t i;
	json_t *blob;
	json_int_t bytes = 0;
	buf_auto size = { 0 };
	mem_auto char *id = id_of(record);
	mem_auto char *name = name_of(record);
	jsonio_auto json_t *blobs = store_blobs_of(record, &(struct err){ 0 });
	json_array_foreach(blobs, i, blob)
		bytes += json_integer_value(json_object_get(blob, "size"));
	buf_add_size(&size, bytes);
	if (id && !user.full && strlen(id) > SHORT_ID)
		id[SHORT_ID] = '\0';
	table_add(t, id);
	table_add(t, name);
	table_add(t, buf_text(&size));
	table_add(t, jsonio_find_text(record, "imported"));
	table_add(t, jsonio_find_text(record, "used"));
}

static void print_table(const json_t *records)
{
	static const char *const heading[] = { "ID", "NAME", "SIZE", "IMPORT TIME", "LAST USED" };
	struct table t;
	size_t i;
	json_t *record;
	table_start(&t, ARRAY_LENGTH(heading), heading);
	json_array_foreach(records, i, record)
		add_row(&t, record);
	table_write(&t);
}

static int fail_for(const struct texts *damaged)
{
	struct err e = { 0 };
	for (size_t i = 1; i < damaged->count; i++)
		msg_error("%s", damaged->items[i]);
	err_set(&e, STATUS_MALFORMED, "%s", damaged->items[0]);
	err_hint(&e, "store-check --repair removes damaged records");
	return cmd_fail(&e);
}

int main(int argc, char **argv)
{
	struct err e = { 0 }, late = { 0 };
	struct sandbox sandbox = { 0 };
	trust_auto trust = { 0 };
	struct cmd_operands images = cmd_start(&cmd, argc, argv);
	sandbox.spawn = user.reverify; // the program that judges signatures
	store_auto *s = storetrust_load(&trust, &e) < 0 ? NULL : storecmd_open(STORECMD_FOLLOW, &sandbox, &e);
	if (s)
		storetrust_apply(s, &trust);
	if (s && layoutindex_follow(s, LAYOUTINDEX_PENDING, &late) < 0) // the list is right all the same
		msg_warn("index.json does not show every image: %s", late.text);
	texts_auto damaged = { 0 };
	jsonio_auto json_t *records = s ? find(s, images, &damaged, &e) : NULL;
	if (!records)
		return cmd_fail(&e);
	if (user.reverify)
		verify_again(s, &trust, records);
	if (user.null || !strcmp(user.format, "names"))
		print_names(records);
	else if (!strcmp(user.format, "table"))
		print_table(records);
	else
		record_write_all(records);
	return damaged.count ? fail_for(&damaged) : cmd_finish();
}
