// store.h and storeindex.h say what these promise: the images of the store. storefind.c looks them up.
//
// Adding holds the store's lock shared from the note in `pending` to the publication; removing, sweeping and the writer of index.json
// (for a moment) take it alone. So a name always has its image, and a note that was read stands for a record that can be read.
// SPDX-License-Identifier: Apache-2.0
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/date.h"
#include "base/jsonio.h"
#include "base/mem.h"
#include "crypto/hash.h"
#include "image/image.h"
#include "image/layoutindex.h"
#include "image/storeindex.h"
#include "oci/acname.h"
#include "oci/descriptor.h"

#define ID_PREFIX  "sha512-"
#define QUOTED_MAX 200 // of a quoted name; file names end at 255
#define HEX_DIGITS "0123456789abcdef"

// ---- keys and paths ----

int store_key(const json_t *record, char key[static STORE_KEY_MAX], struct err *e)
{
	enum digest_algorithm algorithm;
	const char *hex, *id = jsonio_get_text(record, "id", e);
	if (e->status)
		return -1;
	if (id && !acname_is_image_id(id))
		return err_set(e, STATUS_MALFORMED, "field 'id': not " ID_PREFIX " and 128 lower-case hex digits");
	if (id)
		hex = id + sizeof ID_PREFIX - 1;
	else if (!digest_valid(image_digest(record), &algorithm, &hex) || algorithm != DIGEST_SHA256)
		return err_set(e, STATUS_MALFORMED, "record: no id, and no sha256: digest in its blob or manifest");
	snprintf(key, STORE_KEY_MAX, "%s", hex);
	return 0;
}

char *store_key_text(const char *key)
{
	return mem_format("%s%s", strlen(key) == 128 ? ID_PREFIX : "sha256:", key);
}

static char *path_of(const char *key)
{
	return mem_format("images/%s.json", key);
}

char *store_names_directory(const char *name)
{
	buf_auto quoted = { 0 };
	buf_add_text(&quoted, "names/");
	for (const char *at = name; *at; at++) {
		bool plain = strchr("-_~", *at) || (*at == '.' && at > name) || (*at >= '0' && *at <= '9') ||
			(*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z');
		buf_add_format(&quoted, plain ? "%c" : "%%%02x", (unsigned char)*at);
	}
	if (quoted.length <= QUOTED_MAX)
		return buf_steal(&quoted);
	char digest[DIGEST_TEXT_MAX];
	hash_bytes(DIGEST_SHA256, name, strlen(name), digest);
	return mem_format("%.100s%%-%s", quoted.data, digest + sizeof "sha256:" - 1); // `%-` never comes from quoting
}

static bool is_key(const char *text, size_t length)
{
	return (length == 64 || length == 128) && strspn(text, HEX_DIGITS) >= length;
}

int store_keys(struct store *s, struct texts *keys, struct err *e)
{
	int fd = openat(store_directory(s), "images", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 && errno == ENOENT) // a layout that only others wrote to
		return 0;
	DIR *directory = fd < 0 ? NULL : fdopendir(fd);
	if (!directory)
		return err_system(e, "'%s/images': cannot open", store_path(s));
	for (const struct dirent *entry; (entry = readdir(directory));) {
		const char *dot = strchr(entry->d_name, '.');
		if (dot && !strcmp(dot, ".json") && is_key(entry->d_name, (size_t)(dot - entry->d_name)))
			texts_take(keys, mem_text_n(entry->d_name, (size_t)(dot - entry->d_name)));
	}
	closedir(directory);
	texts_sort(keys);
	return 0;
}

// ---- reading ----

// The record must be about the image whose file it is in: a misnamed file answers for no other image.
static int check_record(const json_t *record, const char *key, struct err *e)
{
	char own[STORE_KEY_MAX];
	if (!json_is_object(record))
		return err_set(e, STATUS_MALFORMED, "not a JSON object");
	if (image_check(record, e) < 0 || store_key(record, own, e) < 0)
		return -1;
	return strcmp(own, key) ? err_set(e, STATUS_MALFORMED, "it is the record of another image") : 0;
}

// The file of a record, and when its image was used.
static int read_file(struct store *s, const char *key, struct buf *text, struct stat *st, struct err *e)
{
	mem_auto char *path = path_of(key);
	mem_auto char *subject = mem_format("'%s/%s'", store_path(s), path);
	io_auto int fd = openat(store_directory(s), path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0 && errno == ENOENT) {
		mem_auto char *id = store_key_text(key);
		return err_set(e, STATUS_NOT_FOUND, "image '%s': not in the store '%s'", id, store_path(s));
	}
	if ((fd < 0 && errno == ELOOP) || (fd >= 0 && !fstat(fd, st) && !S_ISREG(st->st_mode)))
		return err_set(e, STATUS_MALFORMED, "%s: not a regular file", subject);
	if (fd < 0)
		return err_system(e, "%s: cannot open", subject);
	return io_read_stream(fd, JSONIO_BYTES_MAX, subject, text, e);
}

int store_check_record(struct store *s, const char *key, struct err *e)
{
	struct stat st;
	buf_auto text = { 0 };
	char digest[DIGEST_TEXT_MAX];
	if (read_file(s, key, &text, &st, e) < 0)
		return -1;
	size_t n = strcspn(buf_text(&text), "\n");
	hash_bytes(DIGEST_SHA256, buf_text(&text), n, digest);
	mem_auto char *expected = mem_format("\n\"%s\"\n", digest);
	if (!strcmp(buf_text(&text) + n, expected))
		return 0;
	return err_set(e, STATUS_REFUSED,
		"'%s/images/%s.json': damaged: its record has the digest %s, which is not the one beside it", store_path(s), key,
		digest);
}

json_t *store_read_image(struct store *s, const char *key, struct err *e)
{
	char used[DATE_TEXT_MAX];
	struct stat st;
	buf_auto text = { 0 };
	if (read_file(s, key, &text, &st, e) < 0)
		return NULL;
	mem_auto char *subject = mem_format("'%s/images/%s.json'", store_path(s), key);
	jsonio_auto json_t *record = jsonio_parse(buf_text(&text), strcspn(buf_text(&text), "\n"), subject, e);
	if (!record)
		return NULL;
	if (check_record(record, key, e) < 0) {
		err_context(e, "%s", subject);
		return NULL;
	}
	json_object_set_new(record, "used", json_string(date_format(st.st_mtime, used)));
	store_filter_record(s, record);
	return json_incref(record);
}

bool store_is_damage(const struct err *e)
{
	return e->status == STATUS_MALFORMED || e->status == STATUS_LIMIT || e->status == STATUS_REFUSED;
}

json_t *store_list(struct store *s, struct texts *damaged, struct err *e)
{
	texts_auto keys = { 0 };
	json_t *all = store_keys(s, &keys, e) < 0 ? NULL : json_array();
	for (size_t i = 0; all && i < keys.count; i++) {
		json_t *record = store_read_image(s, keys.items[i], e);
		if (record) {
			json_array_append_new(all, record);
		} else if (e->status == STATUS_NOT_FOUND) { // removed meanwhile
			*e = (struct err){ 0 };
		} else if (damaged && store_is_damage(e)) {
			texts_add(damaged, e->text);
			*e = (struct err){ 0 };
		} else {
			json_decref(all);
			all = NULL;
		}
	}
	return all;
}

static int add_blob(json_t *blobs, const json_t *holder, const char *key, struct err *e)
{
	struct descriptor d;
	enum digest_algorithm algorithm;
	if (descriptor_read(holder, key, &d, e) < 0)
		return -1;
	digest_valid(d.digest, &algorithm, NULL);
	if (algorithm != DIGEST_SHA256)
		return err_set(e, STATUS_MALFORMED, "field '%s': the store keeps blobs by sha256:, not sha512:", key);
	json_array_append(blobs, json_object_get(holder, key));
	return 0;
}

json_t *store_blobs_of(const json_t *record, struct err *e)
{
	static const char *const singles[] = { "blob", "signature", "index", "manifest", "config" };
	jsonio_auto json_t *blobs = json_array();
	for (size_t i = 0; i < ARRAY_LENGTH(singles); i++)
		if (jsonio_get_object(record, singles[i], e) && add_blob(blobs, record, singles[i], e) < 0)
			return NULL;
	const json_t *layers = jsonio_get_array(record, "layers", e);
	for (size_t i = 0; i < json_array_size(layers); i++) {
		mem_auto char *name = mem_format("layers[%zu]", i);
		jsonio_auto json_t *holder = json_pack("{s:O}", name, json_array_get(layers, i));
		if (add_blob(blobs, holder, name, e) < 0)
			return NULL;
	}
	return e->status ? NULL : json_incref(blobs);
}

// ---- changing ----

// The entry that says that the image has its name, and the directory it is in; both malloced, or NULL for an image without a name.
static char *name_entry(const json_t *record, const char *key, char **directory)
{
	const char *name = json_string_value(json_object_get(record, "name"));
	*directory = name ? store_names_directory(name) : NULL;
	return name ? mem_format("%s/%s", *directory, key) : NULL;
}

static int add_name(struct store *s, const json_t *record, const char *key, struct err *e)
{
	mem_auto char *directory = NULL;
	mem_auto char *path = name_entry(record, key, &directory);
	if (!path)
		return 0;
	if (mkdirat(store_directory(s), directory, 0755) < 0 && errno != EEXIST)
		return err_system(e, "'%s/%s': cannot make the directory", store_path(s), directory);
	io_auto int fd = openat(store_directory(s), path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
	return fd < 0 && errno != EEXIST ? err_system(e, "'%s/%s': cannot create", store_path(s), path) : 0;
}

// What is kept: all but what belongs to one pipe or one pod. A second line has the digest of the first, for store-check.
static int publish(struct store *s, const json_t *record, const char *key, struct err *e)
{
	static const char *const passing[] = { "part", "of", "app", "used" };
	char digest[DIGEST_TEXT_MAX];
	struct io_output o;
	mem_auto char *path = path_of(key);
	jsonio_auto json_t *kept = json_copy((json_t *)record);
	for (size_t i = 0; i < ARRAY_LENGTH(passing); i++)
		json_object_del(kept, passing[i]);
	mem_auto char *text = jsonio_text(kept);
	mem_auto char *lines = mem_format("%s\n\"%s\"\n", text, hash_bytes(DIGEST_SHA256, text, strlen(text), digest));
	if (io_create(&o, store_directory(s), path, 0644, e) < 0)
		return err_context(e, "store '%s'", store_path(s));
	if (io_write_all(o.fd, lines, strlen(lines)) == 0)
		return io_commit(&o, e);
	err_system(e, "'%s/%s': cannot write", store_path(s), path);
	io_discard(&o);
	return -1;
}

// The time of import is that of the first time; adding again is no new import.
static void stamp(struct store *s, json_t *record, const char *key)
{
	struct err ignored = { 0 };
	char now[DATE_TEXT_MAX];
	jsonio_auto json_t *old = store_read_image(s, key, &ignored);
	json_t *imported = json_object_get(old, "imported");
	date_format(date_of_build(), now);
	if (json_is_string(imported))
		json_object_set(record, "imported", imported);
	else
		json_object_set_new(record, "imported", json_string(now));
	json_object_set_new(record, "used", json_string(now));
}

int store_add_image(struct store *s, json_t *record, struct err *e)
{
	char key[STORE_KEY_MAX];
	struct descriptor d;
	const char *name = jsonio_get_text(record, "name", e);
	if (name && !*name)
		err_set(e, STATUS_MALFORMED, "field 'name': empty");
	if (e->status || store_key(record, key, e) < 0)
		return -1;
	jsonio_auto json_t *blobs = store_blobs_of(record, e);
	io_auto int lock = blobs ? store_lock(s, LOCK_SH, e) : -1;
	if (lock < 0)
		return -1;
	for (size_t i = 0; i < json_array_size(blobs); i++) {
		jsonio_auto json_t *holder = json_pack("{s:O}", "blob", json_array_get(blobs, i));
		if (descriptor_read(holder, "blob", &d, e) < 0 || store_renew_blob(s, d.digest, d.size, e) < 0)
			return -1;
	}
	stamp(s, record, key);
	if (layoutindex_prepare(s, record, e) < 0 || layoutindex_note(s, key, e) < 0 || add_name(s, record, key, e) < 0)
		return -1;
	return publish(s, record, key, e);
}

int store_remove_image(struct store *s, const char *id, struct err *e)
{
	char key[STORE_KEY_MAX];
	io_auto int lock = store_lock(s, LOCK_EX, e);
	jsonio_auto json_t *record = lock < 0 ? NULL : store_find_id(s, id, e);
	if (!record || store_key(record, key, e) < 0 || layoutindex_note(s, key, e) < 0)
		return -1;
	mem_auto char *path = path_of(key);
	if (unlinkat(store_directory(s), path, 0) < 0)
		return err_system(e, "'%s/%s': cannot remove", store_path(s), path);
	mem_auto char *directory = NULL;
	mem_auto char *entry = name_entry(record, key, &directory);
	if (!entry)
		return 0;
	if (unlinkat(store_directory(s), entry, 0) < 0 && errno != ENOENT)
		return err_system(e, "'%s/%s': cannot remove", store_path(s), entry);
	unlinkat(store_directory(s), directory, AT_REMOVEDIR); // stays while another image has the name
	return 0;
}

// The name of the image cannot be read, so its entry in names/ is left to store-gc.
int store_remove_damaged(struct store *s, const char *key, struct err *e)
{
	mem_auto char *path = path_of(key);
	io_auto int lock = store_lock(s, LOCK_EX, e);
	if (lock < 0)
		return -1;
	if (store_check_record(s, key, e) == 0) // written anew meanwhile
		return 0;
	if (!store_is_damage(e))
		return e->status == STATUS_NOT_FOUND ? (*e = (struct err){ 0 }, 0) : -1;
	*e = (struct err){ 0 };
	if (layoutindex_note(s, key, e) < 0)
		return -1;
	return unlinkat(store_directory(s), path, 0) < 0 ? err_system(e, "'%s/%s': cannot remove", store_path(s), path) : 0;
}

void store_mark_used(struct store *s, const json_t *record)
{
	char key[STORE_KEY_MAX];
	struct err ignored = { 0 };
	if (store_key(record, key, &ignored) < 0)
		return;
	mem_auto char *path = path_of(key);
	(void)!utimensat(store_directory(s), path, NULL, AT_SYMLINK_NOFOLLOW);
}
