// layoutindex.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/jsonio.h"
#include "base/mem.h"
#include "crypto/hash.h"
#include "image/image.h"
#include "image/layoutindex.h"
#include "image/storeindex.h"
#include "oci/descriptor.h"
#include "oci/layout.h"

#define KEY_NAME "vnd.tackle.image.id" // the annotation that says which image of ours an entry is
#define SHORT_ID 39                    // `sha512-` and 32 digits

// index.json is rewritten at once while it is shorter than this, ...
#define SHORT_INDEX ((off_t)64 * 1024)
// ... and else when pending lines, times this, are as long as it: a quarter of the images, so that each pays for about four.
#define PENDING_WEIGHT 16

static const char pending[] = "pending";
static const char taken[] = "pending.taken"; // what the writer works on, and what a killed one left to the next

int layoutindex_note(struct store *s, const char *key, struct err *e)
{
	mem_auto char *line = mem_format("%s\n", key);
	io_auto int fd = openat(store_directory(s), pending, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
	// One write(2), so that the lines of several processes never mix.
	return fd < 0 || io_write_all(fd, line, strlen(line)) < 0 ? err_system(e, "'%s/%s': cannot write", store_path(s), pending)
								  : 0;
}

// ---- one entry ----

// A blob with this text, as a descriptor. One that is there is renewed, which is cheaper than writing it again.
static json_t *put_json(struct store *s, const json_t *value, const char *media_type, struct err *e)
{
	char digest[DIGEST_TEXT_MAX];
	mem_auto char *text = jsonio_text(value);
	size_t length = strlen(text);
	hash_bytes(DIGEST_SHA256, text, length, digest);
	if (store_renew_blob(s, digest, (int64_t)length, &(struct err){ 0 }) < 0 &&
		store_put_blob(s, text, length, digest, e) < 0)
		return NULL;
	return descriptor_json(media_type, digest, (int64_t)length);
}

// The manifest that makes an artifact of an ACI, as a descriptor; its blob is put in the store.
static json_t *artifact(struct store *s, const json_t *record, struct err *e)
{
	json_t *blob = json_object_get(record, "blob"), *signature = json_object_get(record, "signature");
	const char *type = json_string_value(json_object_get(blob, "mediaType"));
	jsonio_auto json_t *empty = json_object();
	jsonio_auto json_t *config = put_json(s, empty, MEDIA_EMPTY, e);
	if (!config)
		return NULL;
	jsonio_auto json_t *layers = json_pack("[O]", blob);
	if (json_is_object(signature))
		json_array_append(layers, signature);
	jsonio_auto json_t *manifest = json_pack("{s:i, s:s, s:s, s:O, s:O}", "schemaVersion", 2, "mediaType", MEDIA_MANIFEST,
		"artifactType", type ? type : MEDIA_BYTES, "config", config, "layers", layers);
	json_t *descriptor = put_json(s, manifest, MEDIA_MANIFEST, e);
	if (descriptor)
		json_object_set(descriptor, "artifactType", json_object_get(manifest, "artifactType"));
	return descriptor;
}

int layoutindex_prepare(struct store *s, const json_t *record, struct err *e)
{
	if (json_object_get(record, "manifest"))
		return 0;
	jsonio_auto json_t *descriptor = artifact(s, record, e);
	return descriptor ? 0 : -1;
}

// NAME:VERSION as far as the record has them; an image without a name goes by its id.
static char *wanted_name(const json_t *record, const char *id)
{
	const char *name = json_string_value(json_object_get(record, "name"));
	const char *version = json_string_value(json_object_get(json_object_get(record, "labels"), "version"));
	mem_auto char *text = !name ? NULL : version ? mem_format("%s:%s", name, version) : mem_text(name);
	char *valid = text ? layout_ref_name(text) : NULL;
	if (valid && *valid)
		return valid;
	free(valid);
	return mem_text_n(id, SHORT_ID);
}

static json_t *entry_of(struct store *s, const json_t *record, const char *key, struct err *e)
{
	mem_auto char *id = store_key_text(key);
	mem_auto char *name = wanted_name(record, id);
	json_t *manifest = json_object_get(record, "manifest");
	json_t *entry = manifest ? json_copy(manifest) : artifact(s, record, e);
	if (!entry)
		return NULL;
	json_t *old = json_object_get(entry, "annotations");
	json_t *annotations = old ? json_copy(old) : json_object();
	json_object_set_new(annotations, KEY_NAME, json_string(id));
	json_object_set_new(annotations, LAYOUT_REF_NAME, json_string(name));
	json_object_set_new(entry, "annotations", annotations);
	return entry;
}

// ---- the whole ----

static const char *annotation(const json_t *entry, const char *name)
{
	return json_string_value(json_object_get(json_object_get(entry, "annotations"), name));
}

// The key of the image that an entry shows, or NULL when others made the entry.
static const char *key_of(const json_t *entry)
{
	const char *id = annotation(entry, KEY_NAME);
	return id && strlen(id) > 7 ? id + 7 : NULL;
}

// One entry per reference name: of ours the last has it, the others, and those whose name a foreign entry has, their id behind it.
static void settle_names(json_t *manifests)
{
	jsonio_auto json_t *used = json_object();
	size_t i;
	json_t *entry;
	json_array_foreach(manifests, i, entry) {
		const char *name = annotation(entry, LAYOUT_REF_NAME);
		if (name && !key_of(entry))
			json_object_set_new(used, name, json_true());
	}
	for (i = json_array_size(manifests); i-- > 0;) {
		entry = json_array_get(manifests, i);
		const char *name = annotation(entry, LAYOUT_REF_NAME);
		if (!name || !key_of(entry))
			continue;
		mem_auto char *plain = mem_text(name);
		char *at = strstr(plain, "@sha");
		if (at)
			*at = '\0';
		mem_auto char *longer = mem_format("%s@%.*s", plain, SHORT_ID, annotation(entry, KEY_NAME));
		const char *chosen = json_object_get(used, plain) ? longer : plain;
		json_object_set_new(used, plain, json_true());
		json_object_set_new(json_object_get(entry, "annotations"), LAYOUT_REF_NAME, json_string(chosen));
	}
}

// The entries of these images as they are now: null for one that was removed, none for one whose record is damaged: its entry stays.
static json_t *new_entries(struct store *s, json_t *keys, struct err *e)
{
	const char *key;
	json_t *unused;
	jsonio_auto json_t *entries = json_object();
	json_object_foreach(keys, key, unused) {
		jsonio_auto json_t *record = store_read_image(s, key, e);
		json_t *entry = record ? entry_of(s, record, key, e) : NULL;
		if (entry)
			json_object_set_new(entries, key, entry);
		else if (e->status == STATUS_NOT_FOUND)
			json_object_set_new(entries, key, json_null());
		else if (!store_is_damage(e))
			return NULL;
		*e = (struct err){ 0 };
	}
	return json_incref(entries);
}

// Puts the new entries behind all others.
static int replace_entries(struct store *s, json_t *manifests, json_t *keys, struct err *e)
{
	const char *key;
	json_t *entry;
	jsonio_auto json_t *entries = new_entries(s, keys, e);
	if (!entries)
		return -1;
	for (size_t i = json_array_size(manifests); i-- > 0;) {
		const char *shown = key_of(json_array_get(manifests, i));
		if (shown && json_object_get(entries, shown))
			json_array_remove(manifests, i);
	}
	json_object_foreach(entries, key, entry)
		if (json_is_object(entry))
			json_array_append(manifests, entry);
	return 0;
}

// Adds a line's key of the notes to the object.
static int read_notes(struct store *s, json_t *keys, struct err *e)
{
	buf_auto text = { 0 };
	io_auto int fd = openat(store_directory(s), taken, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0 || io_read_stream(fd, (size_t)1 << 30, taken, &text, e) < 0)
		return fd < 0 ? err_system(e, "'%s/%s': cannot open", store_path(s), taken) : -1;
	for (char *line = text.data; line && *line;) {
		size_t n = strcspn(line, "\n");
		mem_auto char *key = mem_text_n(line, n);
		if ((n == 64 || n == 128) && strspn(key, "0123456789abcdef") == n) { // a torn line of a full disk names nothing
			json_object_del(keys, key);                                  // to be the last
			json_object_set_new(keys, key, json_true());
		}
		line += n + (line[n] == '\n');
	}
	return 0;
}

static int compare_imported(const void *a, const void *b)
{
	const char *x = json_string_value(json_array_get(*(json_t *const *)a, 0));
	const char *y = json_string_value(json_array_get(*(json_t *const *)b, 0));
	return strcmp(x ? x : "", y ? y : "");
}

// Every image of the store and every one that index.json shows, in order of import.
static int all_keys(struct store *s, const json_t *manifests, json_t *keys, struct err *e)
{
	texts_auto own = { 0 };
	size_t i;
	json_t *entry;
	json_array_foreach(manifests, i, entry)
		if (key_of(entry))
			json_object_set_new(keys, key_of(entry), json_true());
	if (store_keys(s, &own, e) < 0)
		return -1;
	json_t **times = mem_alloc((own.count + 1) * sizeof *times);
	for (i = 0; i < own.count; i++) {
		jsonio_auto json_t *record = store_read_image(s, own.items[i], &(struct err){ 0 });
		times[i] = json_pack("[O?, s]", json_object_get(record, "imported"), own.items[i]);
	}
	qsort(times, own.count, sizeof *times, compare_imported);
	for (i = 0; i < own.count; i++) {
		const char *key = json_string_value(json_array_get(times[i], 1));
		json_object_del(keys, key);
		json_object_set_new(keys, key, json_true());
		json_decref(times[i]);
	}
	free(times);
	return 0;
}

// An index.json that was lost is made anew.
static json_t *read_index(struct store *s, struct err *e)
{
	json_t *index = layout_read_index(store_directory(s), e);
	if (index || e->status != STATUS_NOT_FOUND)
		return index;
	*e = (struct err){ 0 };
	return layout_make(store_directory(s), e) < 0 ? NULL : layout_read_index(store_directory(s), e);
}

// With index.lock held: one batch. What a killed writer had taken comes first.
static int write_batch(struct store *s, bool all, struct err *e)
{
	if (faccessat(store_directory(s), taken, F_OK, AT_SYMLINK_NOFOLLOW) < 0 &&
		renameat(store_directory(s), pending, store_directory(s), taken) < 0 && errno != ENOENT)
		return err_system(e, "'%s/%s': cannot take", store_path(s), pending);
	int barrier = store_lock(s, LOCK_EX, e); // whoever noted before has published by then, and writes to this file no more
	if (barrier < 0)
		return -1;
	close(barrier);
	jsonio_auto json_t *keys = json_object();
	jsonio_auto json_t *index = read_index(s, e);
	json_t *manifests = json_object_get(index, "manifests");
	if (!index || read_notes(s, keys, e) < 0 || (all && all_keys(s, manifests, keys, e) < 0))
		return -1;
	mem_auto char *before = jsonio_text(index);
	if (replace_entries(s, manifests, keys, e) < 0)
		return -1;
	settle_names(manifests);
	mem_auto char *after = jsonio_text(index);
	if (strcmp(before, after) != 0 && layout_write_index(store_directory(s), index, e) < 0)
		return err_context(e, "store '%s'", store_path(s));
	if (unlinkat(store_directory(s), taken, 0) < 0 && errno != ENOENT)
		return err_system(e, "'%s/%s': cannot remove", store_path(s), taken);
	return 0;
}

bool layoutindex_is_behind(struct store *s)
{
	return faccessat(store_directory(s), pending, F_OK, AT_SYMLINK_NOFOLLOW) == 0 ||
		faccessat(store_directory(s), taken, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static bool pays(struct store *s)
{
	struct stat index = { 0 }, notes = { 0 };
	fstatat(store_directory(s), "index.json", &index, AT_SYMLINK_NOFOLLOW);
	fstatat(store_directory(s), pending, &notes, AT_SYMLINK_NOFOLLOW);
	return index.st_size < SHORT_INDEX || notes.st_size * PENDING_WEIGHT >= index.st_size;
}

int layoutindex_follow(struct store *s, enum layoutindex_effort effort, struct err *e)
{
	bool all = effort == LAYOUTINDEX_ALL;
	if ((!all && !layoutindex_is_behind(s)) || (effort == LAYOUTINDEX_CHEAP && !pays(s)))
		return 0;
	if (faccessat(store_directory(s), ".", W_OK, AT_EACCESS) < 0)
		return 0;
	io_auto int lock = openat(store_directory(s), "index.lock", O_RDONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (lock < 0) // EACCES: a sandbox around a store that was not behind
		return errno == EACCES ? 0 : err_system(e, "'%s/index.lock': cannot open", store_path(s));
	while (flock(lock, LOCK_EX) < 0)
		if (errno != EINTR)
			return err_system(e, "'%s/index.lock': cannot lock", store_path(s));
	// Twice at most: what a killed writer had taken, and what is pending now.
	for (int round = 0; round < 2 && (all || layoutindex_is_behind(s)); round++, all = false)
		if (write_batch(s, all, e) < 0)
			return -1;
	return 0;
}
