// store.h says what these promise: looking images up.
// SPDX-License-Identifier: Apache-2.0
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/jsonio.h"
#include "base/mem.h"
#include "crypto/digest.h"
#include "image/storeindex.h"
#include "oci/acname.h"
#include "oci/ref.h"

#define SHOWN_DIGITS  32 // of an id, as rkt prints it
#define MATCHES_SHOWN 16

// ---- by id ----

static int refuse_ambiguous(const char *id, const struct texts *matches, struct err *e)
{
	buf_auto list = { 0 };
	for (size_t i = 0; i < matches->count && i < MATCHES_SHOWN; i++)
		buf_add_format(&list, " sha512-%.*s", SHOWN_DIGITS, matches->items[i]);
	return err_set(e, STATUS_USAGE, "image '%s': ambiguous: %zu images match:%s%s", id, matches->count, buf_text(&list),
		matches->count > MATCHES_SHOWN ? " ..." : "");
}

// The one key that starts with these digits.
static char *complete(struct store *s, const char *id, struct err *e)
{
	const char *digits = id + sizeof "sha512-" - 1;
	texts_auto keys = { 0 };
	texts_auto matches = { 0 };
	char *key = NULL;
	if (store_keys(s, &keys, e) < 0)
		return NULL;
	for (size_t i = 0; i < keys.count; i++)
		if (strlen(keys.items[i]) == 128 && !strncmp(keys.items[i], digits, strlen(digits)))
			texts_add(&matches, keys.items[i]);
	if (matches.count == 1)
		key = mem_text(matches.items[0]);
	else if (matches.count)
		refuse_ambiguous(id, &matches, e);
	else
		err_set(e, STATUS_NOT_FOUND, "image '%s': not in the store '%s'", id, store_path(s));
	return key;
}

json_t *store_find_id(struct store *s, const char *id, struct err *e)
{
	mem_auto char *key = NULL;
	if (digest_is_sha256(id) || acname_is_image_id(id))
		key = mem_text(id + 7); // behind `sha256:` or `sha512-`
	else if (acname_is_short_id(id))
		key = complete(s, id, e);
	else
		err_set(e, STATUS_USAGE, "image '%s': neither sha512- and 2 to 128 hex digits nor a sha256: digest", id);
	return key ? store_read_image(s, key, e) : NULL;
}

// ---- by name ----

struct match {
	json_t *record;
	const char *imported;  // borrowed from record
	struct timespec named; // when its name was entered: finer than imported
	char *key;
};

static int compare_matches(const void *a, const void *b)
{
	const struct match *x = a, *y = b;
	int by_time = strcmp(y->imported, x->imported);
	if (by_time)
		return by_time;
	if (x->named.tv_sec != y->named.tv_sec)
		return x->named.tv_sec < y->named.tv_sec ? 1 : -1;
	if (x->named.tv_nsec != y->named.tv_nsec)
		return x->named.tv_nsec < y->named.tv_nsec ? 1 : -1;
	return strcmp(x->key, y->key);
}

static bool fits(const json_t *record, const char *name, const json_t *labels)
{
	const char *own = json_string_value(json_object_get(record, "name"));
	const json_t *own_labels = json_object_get(record, "labels");
	const char *label;
	json_t *value;
	if (!own || strcmp(own, name) != 0)
		return false;
	json_object_foreach((json_t *)labels, label, value)
		if (!json_equal(json_object_get(own_labels, label), value))
			return false;
	return true;
}

// The image of one entry of a name's directory, when it fits. Returns 1, 0, or -1.
static int consider(struct store *s, int directory, const char *key, const char *name, const json_t *labels, struct match *m,
	struct err *e)
{
	struct stat st;
	if (key[0] == '.' || fstatat(directory, key, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	json_t *record = store_read_image(s, key, e);
	if (!record && e->status == STATUS_NOT_FOUND) { // a name whose image was never published, or is gone
		*e = (struct err){ 0 };
		return 0;
	}
	if (!record)
		return -1;
	if (!fits(record, name, labels)) {
		json_decref(record);
		return 0;
	}
	const char *imported = json_string_value(json_object_get(record, "imported"));
	*m = (struct match){ record, imported ? imported : "", st.st_mtim, mem_text(key) };
	return 1;
}

static json_t *sorted(struct match *matches, size_t count)
{
	json_t *all = json_array();
	if (count)
		qsort(matches, count, sizeof *matches, compare_matches);
	for (size_t i = 0; i < count; i++) {
		json_array_append_new(all, matches[i].record);
		free(matches[i].key);
	}
	free(matches);
	return all;
}

// All that fit, newest first; an empty array when none does.
static json_t *match_name(struct store *s, const char *name, const json_t *labels, struct err *e)
{
	mem_auto char *path = store_names_directory(name);
	struct match *matches = NULL;
	size_t count = 0;
	int got = 0, fd = openat(store_directory(s), path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	DIR *directory = fd < 0 ? NULL : fdopendir(fd);
	if (!directory && errno != ENOENT)
		err_system(e, "'%s/%s': cannot open", store_path(s), path);
	for (const struct dirent *entry; directory && got >= 0 && (entry = readdir(directory));) {
		if ((count & (count + 1)) == 0) // room for the next power of two
			matches = mem_resize(matches, 2 * count + 2, sizeof *matches);
		got = consider(s, fd, entry->d_name, name, labels, &matches[count], e);
		count += got == 1;
	}
	if (directory)
		closedir(directory);
	json_t *all = sorted(matches, count);
	if (!e->status)
		return all;
	json_decref(all);
	return NULL;
}

static int not_found(struct store *s, const char *what, struct err *e)
{
	return err_set(e, STATUS_NOT_FOUND, "image '%s': not in the store '%s'", what, store_path(s));
}

json_t *store_find_name(struct store *s, const char *name, const json_t *labels, struct err *e)
{
	jsonio_auto json_t *all = match_name(s, name, labels, e);
	if (all && !json_array_size(all))
		not_found(s, name, e);
	return json_incref(json_array_get(all, 0));
}

// ---- as users say it ----

json_t *store_match(struct store *s, const char *operand, struct err *e)
{
	bool digest =
		!strncmp(operand, "sha256:", 7) || !strncmp(operand, "sha512:", 7); // a mistyped one is no image called sha256
	jsonio_auto json_t *ref = digest ? NULL : ref_parse(operand, e);
	if (e->status)
		return NULL;
	const char *transport = json_string_value(json_object_get(ref, "transport"));
	if (!ref || !strcmp(transport, "id")) {
		json_t *record = store_find_id(s, operand, e);
		return record ? json_pack("[o]", record) : NULL;
	}
	if (strcmp(transport, "appc") != 0) {
		err_set(e, STATUS_USAGE, "image '%s': neither an id nor a name: a store holds no %s", operand, transport);
		return NULL;
	}
	json_t *all = match_name(s, json_string_value(json_object_get(ref, "name")), json_object_get(ref, "labels"), e);
	if (!all || json_array_size(all))
		return all;
	not_found(s, operand, e);
	json_decref(all);
	return NULL;
}

json_t *store_find(struct store *s, const char *operand, struct err *e)
{
	jsonio_auto json_t *all = store_match(s, operand, e);
	return json_incref(json_array_get(all, 0));
}
