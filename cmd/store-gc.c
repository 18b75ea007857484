// store-gc - remove what no image of the store needs
// SPDX-License-Identifier: Apache-2.0
//
// stdin: nothing. stdout: the record of each image and blob removed. Blobs that neither an image nor index.json names, downloads given
// up, and what killed programs left, go when they are older than the grace period. The images of pods stay (rkt:F-20). Writers need
// not stop.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cmd.h"
#include "base/date.h"
#include "base/mem.h"
#include "base/msg.h"
#include "base/path.h"
#include "base/record.h"
#include "image/layoutindex.h"
#include "image/poduse.h"
#include "image/storecmd.h"
#include "image/storeindex.h"
#include "oci/layout.h"

#define MANIFEST_MAX  ((size_t)4 << 20) // what registries take, too
#define GRACE_DEFAULT ((int64_t)24 * 3600 * 1000)

static struct {
	int64_t grace;
	int64_t unused;
	bool dry_run;
	const char *pods;
} user = { .grace = GRACE_DEFAULT, .unused = -1 };

static const struct cmd_option options[] = {
	CMD_DURATION(0, "grace-period", &user.grace, "keep what is younger; 24h unless told"),
	CMD_DURATION(0, "unused", &user.unused, "first remove the images that were not used for this time and that no pod uses"),
	CMD_FLAG('n', "dry-run", &user.dry_run, "remove nothing, say what would go"),
	CMD_GROUP(storecmd_options),
	CMD_TEXT(0, "pods", "DIR", &user.pods, "the pods whose images stay; else TACKLE_PODS or this user's own"),
	CMD_END,
};

static const struct cmd cmd = {
	.name = "store-gc",
	.operands = "",
	.summary = "remove what no image of the store needs",
	.reads = CMD_NONE,
	.writes = CMD_RECORDS,
	.options = options,
};

struct sweep {
	struct store *s;
	struct timespec before; // what has an older time may go
	json_t *needed;         // hex digits of blobs
	json_t *unread;         // descriptors of needed blobs that may name more
	json_t *removed;        // records of images and blobs
};

// The clock that file times are taken from, which is a little behind the precise one.
static struct timespec cutoff(int64_t milliseconds)
{
	struct timespec t;
	clock_gettime(CLOCK_REALTIME_COARSE, &t);
	t.tv_sec -= milliseconds / 1000;
	t.tv_nsec -= milliseconds % 1000 * 1000000;
	if (t.tv_nsec < 0) {
		t.tv_sec--;
		t.tv_nsec += 1000000000;
	}
	return t;
}

static bool is_older(const struct stat *st, const struct timespec *than)
{
	return st->st_mtim.tv_sec < than->tv_sec || (st->st_mtim.tv_sec == than->tv_sec && st->st_mtim.tv_nsec < than->tv_nsec);
}

static int refuse_damaged(struct err *e)
{
	return err_hint(e, "store-check --repair removes damaged records and tells what else is damaged; nothing was removed");
}

// ---- images that nobody used ----

static int remove_unused(struct sweep *w, const json_t *in_use, struct err *e)
{
	struct timespec before = cutoff(user.unused);
	jsonio_auto json_t *all = store_list(w->s, NULL, e);
	if (!all)
		return store_is_damage(e) ? refuse_damaged(e) : -1;
	size_t i;
	json_t *record;
	json_array_foreach(all, i, record) {
		int64_t used = 0;
		char key[STORE_KEY_MAX];
		const char *time = json_string_value(json_object_get(record, "used"));
		if (!time || !date_parse(time, &used) || used >= before.tv_sec || store_key(record, key, e) < 0)
			continue;
		mem_auto char *id = store_key_text(key);
		const char *pod = json_string_value(json_object_get(in_use, id));
		if (pod) {
			msg_info("image '%s': stays: in use by the pod %s", id, pod);
			continue;
		}
		if (!user.dry_run && store_remove_image(w->s, id, e) < 0)
			return -1;
		json_array_append(w->removed, record);
	}
	return 0;
}

// ---- marking ----

static void mark(struct sweep *w, const json_t *descriptor)
{
	enum digest_algorithm algorithm;
	const char *hex, *digest = json_string_value(json_object_get(descriptor, "digest"));
	const char *type = json_string_value(json_object_get(descriptor, "mediaType"));
	if (!digest_valid(digest, &algorithm, &hex) || algorithm != DIGEST_SHA256 || json_object_get(w->needed, hex))
		return;
	json_object_set_new(w->needed, hex, json_true());
	if (!type || strstr(type, "manifest") || strstr(type, "index"))
		json_array_append_new(w->unread, json_pack("{s:s, s:s?}", "digest", digest, "mediaType", type));
}

static void mark_all(struct sweep *w, const json_t *descriptors)
{
	size_t i;
	json_t *descriptor;
	json_array_foreach(descriptors, i, descriptor)
		mark(w, descriptor);
}

// What a manifest or index in this blob names; of one that is not there, nothing.
static int mark_inside(struct sweep *w, const char *digest, struct err *e)
{
	static const char *const lists[] = { "layers", "blobs", "manifests" };
	buf_auto text = { 0 };
	if (store_read_blob(w->s, digest, MANIFEST_MAX, &text, e) < 0)
		return -1;
	jsonio_auto json_t *manifest = jsonio_parse(buf_text(&text), text.length, digest, e);
	if (!manifest)
		return -1;
	mark(w, json_object_get(manifest, "config"));
	mark(w, json_object_get(manifest, "subject"));
	for (size_t i = 0; i < ARRAY_LENGTH(lists); i++)
		mark_all(w, json_object_get(manifest, lists[i]));
	return 0;
}

// Whether an error leaves open what a blob names. What bears no type need not be a manifest.
static bool hides_names(const struct err *e, const char *type)
{
	if (e->status == STATUS_NOT_FOUND)
		return false;
	return type || (e->status != STATUS_MALFORMED && e->status != STATUS_LIMIT);
}

// An index may name an index, to any depth: each is read once.
static int mark_unread(struct sweep *w, struct err *e)
{
	for (size_t n; (n = json_array_size(w->unread));) {
		jsonio_auto json_t *next = json_incref(json_array_get(w->unread, n - 1));
		json_array_remove(w->unread, n - 1);
		if (mark_inside(w, json_string_value(json_object_get(next, "digest")), e) == 0)
			continue;
		if (hides_names(e, json_string_value(json_object_get(next, "mediaType"))))
			return -1;
		*e = (struct err){ 0 };
	}
	return 0;
}

// A record or a manifest that cannot be read may name anything: then nothing is removed at all.
static int mark_needed(struct sweep *w, struct err *e)
{
	texts_auto keys = { 0 };
	int lock = store_lock(w->s, LOCK_EX, e); // an image that was being added when the cutoff was taken is published by now
	if (lock < 0)
		return -1;
	close(lock);
	jsonio_auto json_t *index = layout_read_index(store_directory(w->s), e);
	if (!index || store_keys(w->s, &keys, e) < 0)
		return -1;
	mark_all(w, json_object_get(index, "manifests"));
	for (size_t i = 0; i < keys.count; i++) {
		jsonio_auto json_t *record = store_read_image(w->s, keys.items[i], e);
		jsonio_auto json_t *blobs = record ? store_blobs_of(record, e) : NULL;
		if (!blobs && e->status != STATUS_NOT_FOUND)
			return refuse_damaged(e);
		*e = (struct err){ 0 };
		mark_all(w, blobs);
	}
	return mark_unread(w, e) < 0 ? refuse_damaged(e) : 0;
}

// ---- sweeping ----

// Whether a file, looked at with the lock held, is one to go.
typedef bool goes(struct sweep *w, const char *name);

static bool is_needless_blob(struct sweep *w, const char *name)
{
	mem_auto char *digest = mem_format("sha256:%s", name);
	return name[0] == '.' || (digest_valid(digest, NULL, NULL) && !json_object_get(w->needed, name));
}

static bool is_any(struct sweep *w, const char *name)
{
	(void)w;
	(void)name;
	return true;
}

// What io_commit left when it was killed before it renamed.
static bool is_aside(struct sweep *w, const char *name)
{
	(void)w;
	return name[0] == '.';
}

static bool is_dangling_alias(struct sweep *w, const char *name)
{
	char digest[DIGEST_TEXT_MAX];
	return name[0] == '.' || store_follow_alias(w->s, name, digest) < 0 || !store_has_blob(w->s, digest);
}

static bool is_dangling_name(struct sweep *w, const char *name)
{
	mem_auto char *image = mem_format("images/%s.json", name);
	return faccessat(store_directory(w->s), image, F_OK, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT;
}

static int remove_file(struct sweep *w, const char *directory, int fd, const char *name, goes *judge, struct err *e)
{
	struct stat st;
	io_auto int lock = store_lock(w->s, LOCK_EX, e);
	if (lock < 0)
		return -1;
	if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || S_ISDIR(st.st_mode) || !is_older(&st, &w->before) ||
		!judge(w, name))
		return 0;
	if (!user.dry_run && unlinkat(fd, name, 0) < 0)
		return err_system(e, "'%s/%s/%s': cannot remove", store_path(w->s), directory, name);
	if (judge != is_needless_blob || name[0] == '.') {
		msg_info("'%s/%s': %s", directory, name, user.dry_run ? "would go" : "removed");
		return 0;
	}
	mem_auto char *digest = mem_format("sha256:%s", name);
	json_t *record =
		json_pack("{s:s, s:{s:s, s:I}}", "kind", "blob", "blob", "digest", digest, "size", (json_int_t)st.st_size);
	json_array_append_new(w->removed, record);
	return 0;
}

static int sweep_directory(struct sweep *w, const char *name, goes *judge, struct err *e)
{
	int failed = 0, fd = openat(store_directory(w->s), name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	DIR *directory = fd < 0 ? NULL : fdopendir(fd);
	if (!directory)
		return errno == ENOENT ? 0 : err_system(e, "'%s/%s': cannot open", store_path(w->s), name);
	for (const struct dirent *entry; !failed && (entry = readdir(directory));) {
		struct stat st;
		bool worth_a_lock = strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
			!fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) && is_older(&st, &w->before) &&
			judge(w, entry->d_name);
		failed = worth_a_lock ? remove_file(w, name, fd, entry->d_name, judge, e) : 0;
	}
	closedir(directory);
	return failed;
}

static int sweep_names(struct sweep *w, struct err *e)
{
	int failed = 0, fd = openat(store_directory(w->s), "names", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	DIR *directory = fd < 0 ? NULL : fdopendir(fd);
	if (!directory)
		return errno == ENOENT ? 0 : err_system(e, "'%s/names': cannot open", store_path(w->s));
	for (const struct dirent *entry; !failed && (entry = readdir(directory));) {
		mem_auto char *path = mem_format("names/%s", entry->d_name);
		if (entry->d_name[0] == '.')
			continue;
		failed = sweep_directory(w, path, is_dangling_name, e);
		io_auto int lock = failed || user.dry_run ? -1 : store_lock(w->s, LOCK_EX, e);
		if (lock >= 0)
			unlinkat(fd, entry->d_name, AT_REMOVEDIR); // stays unless it is empty
	}
	closedir(directory);
	return e->status ? -1 : 0;
}

static int sweep(struct sweep *w, struct err *e)
{
	if (sweep_directory(w, "blobs/sha256", is_needless_blob, e) < 0 || sweep_directory(w, "partial", is_any, e) < 0)
		return -1;
	if (sweep_directory(w, "sha512", is_dangling_alias, e) < 0 || sweep_names(w, e) < 0)
		return -1;
	return sweep_directory(w, "images", is_aside, e) < 0 ? -1 : sweep_directory(w, ".", is_aside, e);
}

static int collect(struct sweep *w, const json_t *in_use, struct err *e)
{
	if (user.unused >= 0 && remove_unused(w, in_use, e) < 0)
		return -1;
	if (layoutindex_follow(w->s, LAYOUTINDEX_ALL, e) < 0)
		return -1;
	w->before = cutoff(user.grace);
	return mark_needed(w, e) < 0 ? -1 : sweep(w, e);
}

int main(int argc, char **argv)
{
	struct err e = { 0 };
	struct sandbox sandbox = { 0 };
	cmd_start(&cmd, argc, argv);
	mem_auto char *pods = path_pods(user.pods);
	jsonio_auto json_t *in_use = poduse_images(pods, &e);
	store_auto *s = in_use ? storecmd_open(STORECMD_WRITE, &sandbox, &e) : NULL;
	jsonio_auto json_t *needed = json_object();
	jsonio_auto json_t *unread = json_array();
	jsonio_auto json_t *removed = json_array();
	if (!s || collect(&(struct sweep){ .s = s, .needed = needed, .unread = unread, .removed = removed }, in_use, &e) < 0)
		return cmd_fail(&e);
	record_write_all(removed);
	return cmd_finish();
}
