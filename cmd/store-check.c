// store-check - check every byte of the store
// SPDX-License-Identifier: Apache-2.0
//
// stdin: nothing. stdout: the records of the images, when all is well. 1 when anything is not as it was written: each finding is a
// line on stderr that names the file and the images it belongs to (rkt:F-19). What a killed program left half done is no finding.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/cmd.h"
#include "base/io.h"
#include "base/jsonio.h"
#include "base/mem.h"
#include "base/msg.h"
#include "base/proc.h"
#include "base/progress.h"
#include "base/record.h"
#include "crypto/hash.h"
#include "crypto/digest.h"
#include "image/aci.h"
#include "image/codeclimits.h"
#include "image/layoutindex.h"
#include "image/storecmd.h"
#include "image/storehash.h"
#include "image/storeindex.h"
#include "oci/descriptor.h"
#include "oci/layout.h"

static struct {
	bool quick, repair;
	int64_t jobs;
} user;

static const struct cmd_option options[] = {
	CMD_FLAG(0, "quick", &user.quick, "read no blob: look only whether each is there and of the right size"),
	CMD_NUMBER('j', "jobs", "N", &user.jobs, 1, STOREHASH_JOBS_MAX,
		"hash this many blobs at once; as many as there are processors unless told"),
	CMD_FLAG(0, "repair", &user.repair, "remove damaged records, and give blobs of no image another grace period"),
	CMD_GROUP(codeclimits_options),
	CMD_GROUP(storecmd_options),
	CMD_GROUP(progress_options),
	CMD_END,
};

static const struct cmd cmd = {
	.name = "store-check",
	.operands = "[IMAGE ...]",
	.summary = "check every byte of the store",
	.reads = CMD_NONE,
	.writes = CMD_RECORDS,
	.most_operands = -1,
	.options = options,
};

struct check {
	struct store *s;
	json_t *records; // of the images that could be read
	json_t *owners;  // hex digits of a blob: text that names the images it belongs to
	struct texts findings;
	struct texts damaged; // keys of the records to be removed, and why
	struct texts reasons;
	struct texts blobs; // hex digits of those to be hashed
};

static void __attribute__((format(printf, 2, 3))) found(struct check *c, const char *format, ...)
{
	char text[ERR_TEXT_MAX];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	texts_add(&c->findings, text);
}

// What is wrong with the data is a finding; what the system refuses ends the program.
static int found_error(struct check *c, struct err *e)
{
	if (e->status == STATUS_SYSTEM)
		return -1;
	found(c, "%s", e->text);
	*e = (struct err){ 0 };
	return 0;
}

// ---- images ----

static char *title(const json_t *record)
{
	char key[STORE_KEY_MAX];
	const char *name = jsonio_find_text(record, "name");
	const char *version = jsonio_find_text(json_object_get(record, "labels"), "version");
	mem_auto char *id = store_key(record, key, &(struct err){ 0 }) < 0 ? mem_text("?") : store_key_text(key);
	return mem_format("%s (%s%s%s)", id, name ? name : "no name", version ? ":" : "", version ? version : "");
}

static void add_owner(struct check *c, const char *hex, const char *image)
{
	const char *old = jsonio_find_text(c->owners, hex);
	mem_auto char *all = old ? mem_format("%s, %s", old, image) : mem_text(image);
	json_object_set_new(c->owners, hex, json_string(all));
}

static void check_blob_of(struct check *c, const char *image, const json_t *descriptor)
{
	int64_t size = 0;
	struct err e = { 0 };
	const char *digest = jsonio_find_text(descriptor, "digest");
	const json_t *expected = json_object_get(descriptor, "size");
	io_auto int fd = store_open_blob(c->s, digest, &size, &e);
	add_owner(c, digest_digits(digest), image);
	if (fd < 0)
		found(c, "%s: belongs to image %s", e.text, image);
	else if (expected && json_integer_value(expected) != size)
		found(c, "blob %s: size mismatch: expected %lld, found %lld: belongs to image %s", digest,
			(long long)json_integer_value(expected), (long long)size, image);
}

// A record that is to be removed is no finding.
static int found_damaged(struct check *c, const char *key, struct err *e)
{
	if (!user.repair || !store_is_damage(e))
		return found_error(c, e);
	texts_add(&c->damaged, key);
	texts_add(&c->reasons, e->text);
	*e = (struct err){ 0 };
	return 0;
}

static int check_image(struct check *c, const char *key, struct err *e)
{
	size_t i;
	json_t *blob;
	io_auto int lock =
		store_lock(c->s, LOCK_SH, &(struct err){ 0 }); // a removal is whole or has not begun; readers have none
	jsonio_auto json_t *record = store_read_image(c->s, key, e);
	if (!record && e->status == STATUS_NOT_FOUND) { // removed meanwhile
		*e = (struct err){ 0 };
		return 0;
	}
	if (!record)
		return found_damaged(c, key, e);
	if (store_check_record(c->s, key, e) < 0 && (found_damaged(c, key, e) < 0 || user.repair))
		return e->status ? -1 : 0;
	mem_auto char *image = title(record);
	const char *name = jsonio_find_text(record, "name");
	mem_auto char *names = name ? store_names_directory(name) : NULL;
	mem_auto char *entry = name ? mem_format("%s/%s", names, key) : NULL;
	if (name && faccessat(store_directory(c->s), entry, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		found(c, "'%s': missing: so image %s cannot be found by its name", entry, image);
	jsonio_auto json_t *blobs = store_blobs_of(record, e);
	if (!blobs)
		return found_error(c, e);
	json_array_foreach(blobs, i, blob)
		check_blob_of(c, image, blob);
	json_array_append(c->records, record);
	return 0;
}

// The id says what the bytes unpack to, and the record what the manifest in them says.
static void check_id(struct check *c, const json_t *record)
{
	struct descriptor d;
	struct err e = { 0 };
	struct aci_scan scan = { 0 };
	if (descriptor_read(record, "blob", &d, &e) < 0 || strcmp(d.media_type, MEDIA_ACI) != 0)
		return;
	mem_auto char *image = title(record);
	const char *id = jsonio_find_text(record, "id");
	const char *name = jsonio_find_text(record, "name");
	io_auto int fd = store_open_blob(c->s, d.digest, NULL, &e);
	if (fd < 0) // told already
		return;
	if (aci_scan_confined(fd, &codeclimits_asked, &scan, &e) < 0) {
		found(c, "image %s: not valid: %s", image, e.text);
		return;
	}
	if (id && strcmp(id, scan.id) != 0)
		found(c, "image %s: id mismatch: its bytes have the id %s", image, scan.id);
	if (name && strcmp(name, aci_name(scan.manifest)) != 0)
		found(c, "image %s: name mismatch: its manifest says '%s'", image, aci_name(scan.manifest));
	json_decref(scan.manifest);
}

// ---- the rest of the layout ----

static DIR *open_directory(struct check *c, const char *name, struct err *e)
{
	int fd = openat(store_directory(c->s), name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	DIR *directory = fd < 0 ? NULL : fdopendir(fd);
	if (!directory && errno != ENOENT)
		err_system(e, "'%s/%s': cannot open", store_path(c->s), name);
	return directory;
}

// Names that start with a dot are of files that a program was about to rename.
static int list_blobs(struct check *c, struct err *e)
{
	DIR *directory = open_directory(c, "blobs/sha256", e);
	for (const struct dirent *entry; directory && (entry = readdir(directory));) {
		mem_auto char *digest = mem_format("sha256:%s", entry->d_name);
		if (digest_valid(digest, NULL, NULL))
			texts_add(&c->blobs, entry->d_name);
		else if (entry->d_name[0] != '.')
			found(c, "'blobs/sha256/%s': not named by a digest", entry->d_name);
	}
	if (directory)
		closedir(directory);
	return e->status ? -1 : 0;
}

static int check_alias(struct check *c, const char *name, struct err *e)
{
	char real[DIGEST_TEXT_MAX];
	mem_auto char *digest = mem_format("sha512:%s", name);
	if (name[0] == '.')
		return 0;
	io_auto int fd = store_open_blob(c->s, digest, NULL, e);
	if (fd < 0 && e->status == STATUS_NOT_FOUND && store_follow_alias(c->s, name, real) == 0) {
		*e = (struct err){ 0 }; // its blob was removed, as store-gc may do before it removes the alias
		return 0;
	}
	if (fd < 0) {
		*e = (struct err){ 0 };
		found(c, "'sha512/%s': damaged: it names no blob", name);
		return 0;
	}
	if (user.quick)
		return 0;
	if (hash_stream(DIGEST_SHA512, fd, real, NULL, e) < 0)
		return -1;
	if (strcmp(real, digest) != 0)
		found(c, "'sha512/%s': names another blob, with the digest %s", name, real);
	return 0;
}

static int check_aliases(struct check *c, struct err *e)
{
	int failed = 0;
	DIR *directory = open_directory(c, "sha512", e);
	for (const struct dirent *entry; directory && !failed && (entry = readdir(directory));)
		failed = check_alias(c, entry->d_name, e);
	if (directory)
		closedir(directory);
	return e->status ? -1 : 0;
}

static int check_index(struct check *c, struct err *e)
{
	size_t i;
	json_t *entry;
	jsonio_auto json_t *index =
		layoutindex_follow(c->s, LAYOUTINDEX_ALL, e) < 0 ? NULL : layout_read_index(store_directory(c->s), e);
	if (!index)
		return found_error(c, e);
	json_array_foreach(json_object_get(index, "manifests"), i, entry) {
		jsonio_auto json_t *holder = json_pack("{s:O}", "entry", entry);
		struct descriptor d;
		if (descriptor_read(holder, "entry", &d, e) < 0) {
			found(c, "'index.json': entry %zu: %s", i, e->text);
			*e = (struct err){ 0 };
		} else if (!store_has_blob(c->s, d.digest)) {
			found(c, "'index.json': entry %zu: blob %s: not in the store", i, d.digest);
		}
	}
	return 0;
}

// ---- the bytes of the blobs ----

static void found_bytes(void *context, const char *digest, const char *real, const struct err *e)
{
	struct check *c = context;
	const char *owners = jsonio_find_text(c->owners, digest_digits(digest));
	const char *belongs = owners ? "belongs to image " : "belongs to no image";
	if (!real)
		found(c, "%s: %s%s", e->text, belongs, owners ? owners : "");
	else
		found(c, "blob %s: damaged: its bytes have the digest %s: %s%s", digest, real, belongs, owners ? owners : "");
}

// Absent ones were told, or went meanwhile.
static void hash_all(struct check *c)
{
	const struct storehash how = { .store = c->s,
		.blobs = &c->blobs,
		.jobs = user.jobs,
		.label = cmd.name,
		.report = found_bytes,
		.context = c };
	storehash(&how);
}

// ---- mending ----

// A damaged record may have named any blob that no other names: from now on these are as young as new ones, for store-gc.
static int renew_blobs(struct check *c, struct err *e)
{
	for (size_t i = 0; i < c->blobs.count; i++) {
		mem_auto char *digest = mem_format("sha256:%s", c->blobs.items[i]);
		if (json_object_get(c->owners, c->blobs.items[i]) || store_renew_blob(c->s, digest, -1, e) == 0)
			continue;
		if (e->status != STATUS_NOT_FOUND)
			return -1;
		*e = (struct err){ 0 };
	}
	return 0;
}

static int repair(struct check *c, struct err *e)
{
	if (!c->damaged.count)
		return 0;
	if (renew_blobs(c, e) < 0)
		return -1;
	for (size_t i = 0; i < c->damaged.count; i++) {
		if (store_remove_damaged(c->s, c->damaged.items[i], e) < 0)
			return -1;
		msg_warn("%s: removed", c->reasons.items[i]);
	}
	msg_info("the images of removed records are to be fetched or added again; their blobs stay for the grace period of "
		 "store-gc");
	return layoutindex_follow(c->s, LAYOUTINDEX_PENDING, e);
}

// ---- the verb ----

static int keys_asked(struct check *c, struct cmd_operands images, struct texts *keys, struct err *e)
{
	if (!images.count)
		return store_keys(c->s, keys, e);
	for (int i = 0; i < images.count; i++) {
		char key[STORE_KEY_MAX];
		jsonio_auto json_t *record = store_find(c->s, images.items[i], e);
		if (!record || store_key(record, key, e) < 0)
			return -1;
		texts_add(keys, key);
	}
	return 0;
}

static int check(struct check *c, struct cmd_operands images, struct err *e)
{
	size_t i;
	json_t *record;
	const char *hex;
	texts_auto keys = { 0 };
	if ((!images.count && check_index(c, e) < 0) || keys_asked(c, images, &keys, e) < 0)
		return -1;
	for (i = 0; i < keys.count; i++)
		if (check_image(c, keys.items[i], e) < 0)
			return -1;
	if (images.count)
		json_object_foreach(c->owners, hex, record)
			texts_add(&c->blobs, hex);
	else if (list_blobs(c, e) < 0 || check_aliases(c, e) < 0 || repair(c, e) < 0)
		return -1;
	if (!user.quick)
		hash_all(c);
	json_array_foreach(c->records, i, record)
		if (!user.quick && !c->findings.count) // of damaged bytes nothing more is to be learnt
			check_id(c, record);
	for (i = 1; i < c->findings.count; i++)
		msg_error("%s", c->findings.items[i]);
	return c->findings.count ? err_set(e, STATUS_REFUSED, "%s", c->findings.items[0]) : 0;
}

int main(int argc, char **argv)
{
	struct err e = { 0 };
	struct sandbox sandbox = { .fork = true };
	user.jobs = proc_processors(STOREHASH_JOBS_MAX);
	struct cmd_operands images = cmd_start(&cmd, argc, argv);
	if (user.repair && images.count)
		cmd_usage("option --repair: mends the whole store, not one image");
	store_auto *s = storecmd_open(STORECMD_WRITE, &sandbox, &e);
	jsonio_auto json_t *records = json_array();
	jsonio_auto json_t *owners = json_object();
	struct check c = { .s = s, .records = records, .owners = owners };
	bool sound = s && check(&c, images, &e) == 0;
	texts_free(&c.findings);
	texts_free(&c.blobs);
	texts_free(&c.damaged);
	texts_free(&c.reasons);
	if (!sound)
		return cmd_fail(&e);
	record_write_all(records);
	return cmd_finish();
}
