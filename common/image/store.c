// store.h says what these promise: opening, and blobs. storeindex.c has the images.
// SPDX-License-Identifier: Apache-2.0
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/path.h"
#include "crypto/hash.h"
#include "image/storeindex.h"
#include "oci/layout.h"

#define BLOBS "blobs/sha256"

struct store {
	int directory;
	char *path;
	store_filter *filter;
	const void *filter_context;
};

// ---- opening ----

static const char *const parts[] = { "blobs", BLOBS, "images", "names", "sha512", "partial" };

// Whether a directory may become a store: it holds nothing, or hidden files only.
static bool is_empty(int directory)
{
	int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	bool empty = d != NULL;
	for (const struct dirent *entry; d && empty && (entry = readdir(d));)
		empty = entry->d_name[0] == '.';
	if (d)
		closedir(d);
	return empty;
}

// oci-layout first, since it says what the directory is; partial last, since it says that all is there.
static int make(struct store *s, struct err *e)
{
	if (faccessat(s->directory, "partial", F_OK, 0) == 0)
		return 0;
	// In this order: another process may be making the same store, and oci-layout is the first thing it makes.
	if (!is_empty(s->directory) && faccessat(s->directory, "oci-layout", F_OK, 0) < 0)
		return err_set(e, STATUS_REFUSED, "'%s': refused: holds other things and no oci-layout", s->path);
	if (layout_make(s->directory, e) < 0)
		return err_context(e, "'%s'", s->path);
	for (size_t i = 0; i < ARRAY_LENGTH(parts); i++)
		if (mkdirat(s->directory, parts[i], 0755) < 0 && errno != EEXIST)
			return err_system(e, "'%s/%s': cannot make the directory", s->path, parts[i]);
	return fsync(s->directory) < 0 && errno != EINVAL ? err_system(e, "'%s': cannot sync", s->path) : 0;
}

static int check(const struct store *s, struct err *e)
{
	if (faccessat(s->directory, "oci-layout", F_OK, 0) == 0)
		return 0;
	return err_set(e, STATUS_NOT_FOUND, "'%s': no store: it has no oci-layout", s->path);
}

// What lies in images/ is believed to be verified: so nobody else may put it there, nor any other part of the store.
static int check_parts(const struct store *s, struct err *e)
{
	for (size_t i = 0; i < ARRAY_LENGTH(parts); i++) {
		mem_auto char *path = mem_format("%s/%s", s->path, parts[i]);
		io_auto int fd = openat(s->directory, parts[i], O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0 && errno == ENOENT) // a layout that only others wrote to
			continue;
		if (fd < 0 && (errno == ENOTDIR || errno == ELOOP))
			return err_set(e, STATUS_REFUSED, "'%s': refused: a symbolic link or another kind of file", path);
		if (fd < 0)
			return err_system(e, "'%s': cannot open", path);
		if (path_check_state(fd, path, e) < 0)
			return -1;
	}
	return 0;
}

struct store *store_open(const char *directory, bool create, struct err *e)
{
	int fd = path_open_state(directory, create, 0755, e);
	if (fd < 0)
		return NULL;
	struct store *s = mem_alloc(sizeof *s);
	*s = (struct store){ .directory = fd, .path = mem_text(directory) };
	if ((create ? make(s, e) : check(s, e)) == 0 && check_parts(s, e) == 0)
		return s;
	store_close(s);
	return NULL;
}

void store_close(struct store *s)
{
	if (!s)
		return;
	close(s->directory);
	free(s->path);
	free(s);
}

void store_close_indirect(struct store **s)
{
	store_close(*s);
}

int store_directory(const struct store *s)
{
	return s->directory;
}

const char *store_path(const struct store *s)
{
	return s->path;
}

void store_set_filter(struct store *s, store_filter *filter, const void *context)
{
	s->filter = filter;
	s->filter_context = context;
}

void store_filter_record(const struct store *s, json_t *record)
{
	if (s->filter)
		s->filter(record, s->filter_context);
}

void store_allow(const struct store *s, struct sandbox *sandbox, bool write)
{
	texts_take(write ? &sandbox->writes : &sandbox->reads, mem_format("/proc/self/fd/%d", s->directory));
}

int store_lock(struct store *s, int operation, struct err *e)
{
	io_auto int fd = openat(s->directory, "lock", O_RDONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_system(e, "'%s/lock': cannot open", s->path);
	while (flock(fd, operation) < 0)
		if (errno != EINTR)
			return err_system(e, "'%s/lock': cannot lock", s->path);
	return io_steal(fd);
}

// ---- reading blobs ----

int store_follow_alias(struct store *s, const char *hex, char sha256[static DIGEST_TEXT_MAX])
{
	mem_auto char *name = mem_format("sha512/%s", hex);
	io_auto int fd = openat(s->directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	ssize_t n = fd < 0 ? 0 : io_read_full(fd, sha256, DIGEST_TEXT_MAX - 1);
	sha256[n > 0 ? n : 0] = '\0';
	sha256[strcspn(sha256, "\n")] = '\0';
	return digest_is_sha256(sha256) ? 0 : -1;
}

// The path of a blob below the store, whether or not it exists; NULL for what is no digest or has no alias.
static char *path_of(struct store *s, const char *digest)
{
	char followed[DIGEST_TEXT_MAX];
	enum digest_algorithm algorithm;
	const char *hex;
	if (!digest_valid(digest, &algorithm, &hex))
		return NULL;
	if (algorithm == DIGEST_SHA512 && (store_follow_alias(s, hex, followed) < 0 || !digest_valid(followed, NULL, &hex)))
		return NULL;
	return mem_format(BLOBS "/%s", hex);
}

int store_open_blob(struct store *s, const char *digest, int64_t *size, struct err *e)
{
	if (!digest_valid(digest, NULL, NULL))
		return err_set(e, STATUS_MALFORMED, "blob: not a sha256: or sha512: digest");
	mem_auto char *path = path_of(s, digest);
	io_auto int fd = path ? openat(s->directory, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK) : -1;
	if (!path || (fd < 0 && errno == ENOENT))
		return err_set(e, STATUS_NOT_FOUND, "blob %s: not in the store '%s'", digest, s->path);
	struct stat st;
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_system(e, "blob %s: cannot open", digest);
	if (!S_ISREG(st.st_mode))
		return err_set(e, STATUS_REFUSED, "blob %s: not a regular file in the store '%s'", digest, s->path);
	if (size)
		*size = st.st_size;
	return io_steal(fd);
}

static int refuse_size(const char *digest, int64_t expected, int64_t found, struct err *e)
{
	return err_set(e, STATUS_REFUSED, "blob %s: size mismatch: expected %" PRId64 ", found %" PRId64, digest, expected,
		found);
}

int store_open_described(struct store *s, const struct descriptor *d, struct err *e)
{
	int64_t size = 0;
	io_auto int fd = store_open_blob(s, d->digest, &size, e);
	if (fd >= 0 && d->size >= 0 && d->size != size)
		return refuse_size(d->digest, d->size, size, e);
	return io_steal(fd);
}

bool store_has_blob(struct store *s, const char *digest)
{
	mem_auto char *path = path_of(s, digest);
	return path && faccessat(s->directory, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

int store_read_blob(struct store *s, const char *digest, size_t limit, struct buf *out, struct err *e)
{
	enum digest_algorithm algorithm;
	char found[DIGEST_TEXT_MAX], subject[sizeof "blob " + DIGEST_TEXT_MAX];
	io_auto int fd = store_open_blob(s, digest, NULL, e);
	if (fd < 0)
		return -1;
	size_t start = out->length;
	snprintf(subject, sizeof subject, "blob %s", digest);
	if (io_read_stream(fd, limit, subject, out, e) < 0)
		return -1;
	digest_valid(digest, &algorithm, NULL);
	hash_bytes(algorithm, out->data + start, out->length - start, found);
	if (strcmp(found, digest) != 0)
		return err_set(e, STATUS_REFUSED, "blob %s: damaged in the store: its bytes have the digest %s", digest, found);
	return 0;
}

// ---- writing blobs ----

int store_create_blob(struct store *s, struct io_output *o, struct err *e)
{
	if (io_create(o, s->directory, BLOBS "/.new", 0644, e) < 0)
		return err_context(e, "store '%s'", s->path);
	return 0;
}

// Whether the blob is there, with a new time. One of another size is damaged and goes.
static bool renew(struct store *s, int blobs, const char *hex, off_t size, struct err *e)
{
	struct stat st;
	if (fstatat(blobs, hex, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return false;
	io_auto int lock = store_lock(s, LOCK_SH, e);
	if (lock < 0)
		return false;
	if (!S_ISREG(st.st_mode) || st.st_size != size)
		unlinkat(blobs, hex, 0);
	else
		return utimensat(blobs, hex, NULL, AT_SYMLINK_NOFOLLOW) == 0;
	return false;
}

int store_renew_blob(struct store *s, const char *digest, int64_t size, struct err *e)
{
	struct stat st;
	mem_auto char *path = path_of(s, digest);
	io_auto int lock = store_lock(s, LOCK_SH, e);
	if (lock < 0)
		return -1;
	if (!path || fstatat(s->directory, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_set(e, STATUS_NOT_FOUND, "blob %s: not in the store '%s'", digest, s->path);
	if (!S_ISREG(st.st_mode) || (size >= 0 && st.st_size != size))
		return refuse_size(digest, size, st.st_size, e);
	if (utimensat(s->directory, path, NULL, AT_SYMLINK_NOFOLLOW) < 0)
		return err_system(e, "blob %s: cannot renew its time", digest);
	return 0;
}

static int commit(struct store *s, struct io_output *o, const char *hex, struct err *e)
{
	struct stat st;
	io_auto int blobs = openat(s->directory, BLOBS, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (blobs < 0 || fstat(o->fd, &st) < 0)
		return err_system(e, "'%s/" BLOBS "': cannot open", s->path);
	bool there = renew(s, blobs, hex, st.st_size, e);
	if (!there && !e->status && (fsync(o->fd) < 0 || futimens(o->fd, NULL) < 0))
		return err_system(e, "blob sha256:%s: cannot write", hex);
	for (int got = 1; !there && got == 1 && !e->status;) { // 1: another process was faster
		got = io_link_new(o, blobs, hex);
		if (got < 0)
			return err_system(e, "blob sha256:%s: cannot write", hex);
		there = got == 0 || renew(s, blobs, hex, st.st_size, e);
	}
	if (e->status)
		return -1;
	return fsync(blobs) < 0 && errno != EINVAL ? err_system(e, "'%s/" BLOBS "': cannot sync", s->path) : 0;
}

int store_commit_blob(struct store *s, struct io_output *o, const char *digest, struct err *e)
{
	int failed;
	if (digest_is_sha256(digest))
		failed = commit(s, o, digest_digits(digest), e);
	else
		failed = err_set(e, STATUS_MALFORMED, "blob: not a sha256: digest");
	io_discard(o);
	return failed;
}

int store_put_blob(struct store *s, const void *data, size_t length, char digest[], struct err *e)
{
	struct io_output o;
	hash_bytes(DIGEST_SHA256, data, length, digest);
	if (store_create_blob(s, &o, e) < 0)
		return -1;
	if (io_write_all(o.fd, data, length) < 0) {
		err_system(e, "blob %s: cannot write", digest);
		io_discard(&o);
		return -1;
	}
	return store_commit_blob(s, &o, digest, e);
}

int store_alias_blob(struct store *s, const char *sha512, const char *sha256, struct err *e)
{
	enum digest_algorithm from, to;
	const char *hex;
	char old[DIGEST_TEXT_MAX];
	struct io_output o;
	if (!digest_valid(sha512, &from, &hex) || from != DIGEST_SHA512 || !digest_valid(sha256, &to, NULL) ||
		to != DIGEST_SHA256)
		return err_set(e, STATUS_MALFORMED, "blob: not a sha512: and a sha256: digest");
	if (store_follow_alias(s, hex, old) == 0 && !strcmp(old, sha256))
		return 0;
	mem_auto char *name = mem_format("sha512/%s", hex);
	if (io_create(&o, s->directory, name, 0644, e) < 0)
		return err_context(e, "store '%s'", s->path);
	if (dprintf(o.fd, "%s\n", sha256) >= 0)
		return io_commit(&o, e);
	err_system(e, "'%s/%s': cannot write", s->path, name);
	io_discard(&o);
	return -1;
}
