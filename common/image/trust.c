// trust.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"
#include "base/path.h"
#include "crypto/pgp.h"
#include "crypto/spki.h"
#include "image/trust.h"
#include "oci/acname.h"

#define DEPTH_MAX   64 // components of a prefix; each holds a descriptor while it is read
#define SPKI_SUFFIX ".pub"

// ---- rkt:V-06: whose word the files are ----

// Returns a descriptor of the wanted type (S_IFDIR or S_IFREG), or -1.
static int open_part(int directory, const char *name, mode_t type, const char *path, struct err *e)
{
	struct stat st;
	io_auto int fd =
		openat(directory, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | (type == S_IFDIR ? O_DIRECTORY : 0));
	if (fd < 0 && (errno == ELOOP || errno == ENOTDIR || errno == ENXIO))
		return err_set(e, STATUS_REFUSED, "'%s': refused: a symbolic link or another kind of file", path);
	if (fd < 0)
		return err_open(e, path);
	if (fstat(fd, &st) < 0)
		return err_system(e, "'%s': cannot stat", path);
	if ((st.st_mode & S_IFMT) != type)
		return err_set(e, STATUS_REFUSED, "'%s': refused: another kind of file", path);
	return path_check_state(fd, path, e) < 0 ? -1 : io_steal(fd);
}

int trust_open_directory(int trust, const char *prefix, bool create, const char *subject, struct err *e)
{
	io_auto int at = fcntl(trust, F_DUPFD_CLOEXEC, 3);
	mem_auto char *rest = trust_path(prefix, NULL);
	buf_auto path = { 0 };
	buf_add_text(&path, subject);
	char *more = rest;
	for (char *part; (part = strsep(&more, "/"));) {
		buf_add_format(&path, "/%s", part);
		if (create && mkdirat(at, part, 0755) < 0 && errno != EEXIST)
			return err_system(e, "'%s': cannot make the directory", buf_text(&path));
		int next = open_part(at, part, S_IFDIR, buf_text(&path), e);
		if (next < 0)
			return -1;
		close(at);
		at = next;
	}
	return io_steal(at);
}

char *trust_file_name(const char *fingerprint)
{
	return mem_format("%s%s", fingerprint, spki_is_id(fingerprint) ? SPKI_SUFFIX : "");
}

char *trust_path(const char *prefix, const char *fingerprint)
{
	mem_auto char *name = fingerprint ? trust_file_name(fingerprint) : NULL;
	return mem_format("trustedkeys/%s%s%s%s", prefix ? "prefix.d/" : "root.d", prefix ? prefix : "", name ? "/" : "",
		name ? name : "");
}

// ---- loading ----

static void free_key(struct trust_key *key)
{
	free(key->prefix);
	free(key->fingerprint);
	free(key->path);
	free(key->data);
}

static bool same_place(const struct trust_key *a, const struct trust_key *b)
{
	return !strcmp(a->fingerprint, b->fingerprint) && !a->prefix == !b->prefix &&
		(!a->prefix || !strcmp(a->prefix, b->prefix));
}

static int add_key(struct trust *t, const struct trust_key *key, const char *path, struct err *e)
{
	if (t->count == TRUST_KEY_FILES_MAX)
		return err_set(e, STATUS_LIMIT, "'%s': more than %d trusted keys", path, TRUST_KEY_FILES_MAX);
	for (size_t i = 0; i < t->count; i++)
		if (same_place(&t->keys[i], key))
			t->keys[i].masked = true;
	t->keys = mem_resize(t->keys, t->count + 1, sizeof *t->keys);
	t->keys[t->count++] = *key;
	return 0;
}

// The fingerprint that a file's name stands for. Malloced.
static char *fingerprint_of(const char *name)
{
	size_t n = strlen(name), suffix = strlen(SPKI_SUFFIX);
	mem_auto char *stem = mem_text_n(name, n > suffix ? n - suffix : 0);
	return mem_text(spki_is_id(stem) && !strcmp(name + n - suffix, SPKI_SUFFIX) ? stem : name);
}

static int load_file(struct trust *t, int directory, const char *prefix, const char *name, const char *path, struct err *e)
{
	buf_auto data = { 0 };
	io_auto int fd = open_part(directory, name, S_IFREG, path, e);
	mem_auto char *subject = mem_format("'%s'", path);
	if (fd < 0 || io_read_stream(fd, PGP_KEYS_MAX, subject, &data, e) < 0)
		return -1;
	struct trust_key key = { .prefix = mem_text(prefix),
		.fingerprint = fingerprint_of(name),
		.path = mem_text(path),
		.length = data.length };
	key.data = buf_steal(&data);
	key.spki = spki_is_id(key.fingerprint);
	int failed = add_key(t, &key, path, e);
	if (failed)
		free_key(&key);
	return failed;
}

// Sorted, so that messages and lists come in one order. Takes fd.
static int list_names(int fd, const char *path, struct texts *names, struct err *e)
{
	DIR *d = fdopendir(fd);
	if (!d) {
		close(fd);
		return err_system(e, "'%s': cannot read the directory", path);
	}
	errno = 0;
	for (struct dirent *entry; (entry = readdir(d)); errno = 0)
		if (entry->d_name[0] != '.')
			texts_add(names, entry->d_name);
	int failed = errno ? err_system(e, "'%s': cannot read the directory", path) : 0;
	closedir(d);
	texts_sort(names);
	return failed;
}

static int load_directory(struct trust *t, int fd, const char *prefix, const char *path, int depth, struct err *e);

// A directory is one more component of the prefix, below prefix.d only; all else is a key.
static int load_entry(struct trust *t, int directory, const char *prefix, const char *name, const char *path, int depth,
	struct err *e)
{
	struct stat st;
	if (fstatat(directory, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_system(e, "'%s': cannot stat", path);
	if (!S_ISDIR(st.st_mode) || !prefix)
		return load_file(t, directory, prefix, name, path, e);
	if (depth == DEPTH_MAX)
		return err_set(e, STATUS_LIMIT, "'%s': a prefix of more than %d parts", path, DEPTH_MAX);
	mem_auto char *longer = *prefix ? mem_format("%s/%s", prefix, name) : mem_text(name);
	int fd = open_part(directory, name, S_IFDIR, path, e);
	return fd < 0 ? -1 : load_directory(t, fd, longer, path, depth + 1, e);
}

// prefix: NULL in root.d, "" in prefix.d itself, where no key may lie. Takes fd.
static int load_directory(struct trust *t, int fd, const char *prefix, const char *path, int depth, struct err *e)
{
	struct texts names = { 0 };
	io_auto int directory = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	int failed = list_names(fd, path, &names, e);
	for (size_t i = 0; !failed && i < names.count; i++) {
		mem_auto char *below = mem_format("%s/%s", path, names.items[i]);
		failed = load_entry(t, directory, prefix, names.items[i], below, depth, e);
	}
	texts_free(&names);
	return failed;
}

static int load_tree(struct trust *t, int trust, const char *subject, const char *kind, const char *prefix, struct err *e)
{
	mem_auto char *keys_path = mem_format("%s/trustedkeys", subject);
	mem_auto char *path = mem_format("%s/%s", keys_path, kind);
	io_auto int keys = open_part(trust, "trustedkeys", S_IFDIR, keys_path, e);
	int tree = keys < 0 ? -1 : open_part(keys, kind, S_IFDIR, path, e);
	if (tree >= 0)
		return load_directory(t, tree, prefix, path, 0, e);
	if (e->status != STATUS_NOT_FOUND)
		return -1;
	*e = (struct err){ 0 };
	return 0;
}

int trust_load_all(const struct texts *directories, struct trust *t, struct err *e)
{
	*t = (struct trust){ 0 };
	for (size_t i = 0; i < directories->count; i++) {
		const char *path = directories->items[i];
		size_t before = t->count;
		io_auto int fd = path_open_state(path, false, 0, e);
		if (fd < 0 && e->status == STATUS_NOT_FOUND) {
			*e = (struct err){ 0 };
			continue;
		}
		if (fd < 0 || load_tree(t, fd, path, "prefix.d", "", e) < 0 || load_tree(t, fd, path, "root.d", NULL, e) < 0) {
			trust_free(t);
			return -1;
		}
		for (size_t k = before; k < t->count; k++)
			t->keys[k].directory = i;
	}
	return 0;
}

int trust_load(const struct texts *directories, struct trust *t, struct err *e)
{
	if (trust_load_all(directories, t, e) < 0)
		return -1;
	size_t kept = 0;
	for (size_t i = 0; i < t->count; i++)
		if (t->keys[i].masked || !t->keys[i].length)
			free_key(&t->keys[i]);
		else
			t->keys[kept++] = t->keys[i];
	t->count = kept;
	return 0;
}

void trust_for_name(const struct trust *t, bool spki, const char *name, struct trust *covering)
{
	*covering = (struct trust){ .borrowed = true };
	for (size_t i = 0; i < t->count; i++) {
		const struct trust_key *key = &t->keys[i];
		if (key->spki != spki || key->masked || !key->length || (key->prefix && !acname_covers(key->prefix, name)))
			continue;
		covering->keys = mem_resize(covering->keys, covering->count + 1, sizeof *covering->keys);
		covering->keys[covering->count++] = *key;
	}
}

const struct trust_key *trust_find(const struct trust *covering, const char *fingerprint)
{
	const struct trust_key *best = NULL;
	for (size_t i = 0; i < covering->count; i++) {
		const struct trust_key *key = &covering->keys[i];
		if (strcmp(key->fingerprint, fingerprint) != 0)
			continue;
		if (!best || !best->prefix || (key->prefix && strlen(key->prefix) > strlen(best->prefix)))
			best = key;
	}
	return best;
}

void trust_free(struct trust *t)
{
	for (size_t i = 0; !t->borrowed && i < t->count; i++)
		free_key(&t->keys[i]);
	free(t->keys);
	*t = (struct trust){ 0 };
}
