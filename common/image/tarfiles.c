// tarfiles.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/jsonio.h"
#include "base/mem.h"
#include "base/sandbox.h"
#include "image/tar.h"
#include "image/tarfiles.h"

#define LIST_MAX  ((size_t)64 << 20) // bytes of the list of files
#define LINKS_MAX 8                  // links to links

static const struct tar_limits limits_of_names = { .entries = 200000, .name = 1024, .depth = 32, .pax = 1 << 16 };

// ---- in the child: listing ----

struct mapping {
	const char *data;
	size_t length;
	bool lent;
};

static ssize_t lend_all(void *context, const char **data, struct err *e)
{
	(void)e;
	struct mapping *m = context;
	if (m->lent || !m->length)
		return 0;
	m->lent = true;
	*data = m->data;
	return (ssize_t)m->length;
}

// {"PATH": [offset, size]} for a file, {"PATH": "TARGET"} for a symlink, {"PATH": "/TARGET"} for a hard link.
static int list_entry(json_t *list, const struct tar_reader *tar, const struct tar_entry *entry, struct err *e)
{
	json_t *value = NULL;
	if (json_object_get(list, entry->path))
		return err_set(e, STATUS_MALFORMED, "'%s': twice in the archive", entry->path);
	if (entry->type == TAR_FILE && tar_offset(tar) >= 0)
		value = json_pack("[I, I]", (json_int_t)tar_offset(tar), (json_int_t)entry->size);
	else if (entry->type == TAR_SYMLINK && *entry->link != '/')
		value = json_string(entry->link);
	else if (entry->type == TAR_HARD_LINK)
		value = json_sprintf("/%s", entry->link);
	if (value && json_object_set_new(list, entry->path, value) < 0)
		return err_set(e, STATUS_MALFORMED, "a name that is not UTF-8");
	return 0;
}

static int list_files(void *context, int out, struct err *e)
{
	struct tar_entry entry;
	jsonio_auto json_t *list = json_object();
	struct tar_reader *tar = tar_open_pieces(lend_all, context, &limits_of_names);
	int got;
	while ((got = tar_next(tar, &entry, e)) > 0)
		if (list_entry(list, tar, &entry, e) < 0) {
			got = -1;
			break;
		}
	tar_close(tar);
	if (got < 0)
		return -1;
	mem_auto char *text = jsonio_text(list);
	return io_write_all(out, text, strlen(text)) < 0 ? err_system(e, "cannot hand on the list of files") : 0;
}

// ---- in the child: uncompressing ----

struct packed {
	int fd, spool;
	const struct codec_limits *limits;
};

static ssize_t read_packed(void *context, void *data, size_t length, struct err *e)
{
	struct packed *p = context;
	ssize_t n = io_read_full(p->fd, data, length);
	return n < 0 ? err_system(e, "cannot read") : n;
}

static int uncompress(void *context, int out, struct err *e)
{
	(void)out;
	struct packed *p = context;
	mem_auto char *chunk = mem_alloc(IO_CHUNK);
	ssize_t n = -1;
	struct codec_reader *reader = codec_open(read_packed, p, p->limits, e);
	while (reader && (n = codec_read(reader, chunk, IO_CHUNK, e)) > 0)
		if (io_write_all(p->spool, chunk, (size_t)n) < 0) {
			n = err_system(e, "temporary file: cannot write");
			break;
		}
	codec_close(reader);
	return n < 0 ? -1 : 0;
}

// Puts the archive's bytes as they are uncompressed in the place of *fd.
static int plain(int *fd, const struct codec_limits *limits, struct err *e)
{
	char magic[CODEC_MAGIC_BYTES];
	buf_auto nothing = { 0 };
	ssize_t n = pread(*fd, magic, sizeof magic, 0);
	if (n < 0)
		return err_system(e, "cannot read");
	if (codec_recognise(magic, (size_t)n) == CODEC_NONE)
		return 0;
	io_auto int spool = io_spool(e);
	struct packed p = { *fd, spool, limits };
	if (spool < 0 || sandbox_child(uncompress, &p, 0, &nothing, e) < 0)
		return -1;
	close(*fd);
	*fd = io_steal(spool);
	return 0;
}

// ---- opening ----

static json_t *list_archive(int fd, struct err *e)
{
	struct stat st;
	struct mapping m = { 0 };
	buf_auto text = { 0 };
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		err_set(e, STATUS_MALFORMED, "not a regular file");
		return NULL;
	}
	m.length = (size_t)st.st_size;
	void *data = m.length ? mmap(NULL, m.length, PROT_READ, MAP_PRIVATE, fd, 0) : NULL;
	if (data == MAP_FAILED) {
		err_system(e, "cannot map it");
		return NULL;
	}
	m.data = data;
	int failed = sandbox_child(list_files, &m, LIST_MAX, &text, e);
	if (data)
		munmap(data, m.length);
	return failed ? NULL : jsonio_parse(buf_text(&text), text.length, "list of files", e);
}

// The name that a symlink in `path` leads to, malloced; NULL when it leads out of the archive.
static char *follow(const char *path, const char *target)
{
	buf_auto full = { 0 };
	const char *slash = strrchr(path, '/');
	buf_add(&full, path, slash ? (size_t)(slash - path) : 0);
	for (const char *at = target; *at;) {
		size_t n = strcspn(at, "/");
		if (n == 2 && !memcmp(at, "..", 2)) {
			if (!full.length)
				return NULL;
			char *up = memrchr(full.data, '/', full.length);
			full.length = up ? (size_t)(up - full.data) : 0;
		} else if (n && !(n == 1 && *at == '.')) {
			if (full.length)
				buf_add_byte(&full, '/');
			buf_add(&full, at, n);
		}
		at += n + (at[n] == '/');
	}
	buf_reserve(&full, 0);
	full.data[full.length] = '\0';
	return buf_steal(&full);
}

static int open_in_archive(struct files *f, const char *path, struct files_extent *x, struct err *e)
{
	mem_auto char *name = mem_text(path);
	for (int links = 0; name && links <= LINKS_MAX; links++) {
		const json_t *where = json_object_get(f->context, name);
		const char *link = json_string_value(where);
		if (!where)
			break;
		if (link) {
			char *next = *link == '/' ? mem_text(link + 1) : follow(name, link);
			free(mem_steal(name));
			name = next;
			continue;
		}
		*x = (struct files_extent){ .fd = f->fd,
			.offset = json_integer_value(json_array_get(where, 0)),
			.size = json_integer_value(json_array_get(where, 1)) };
		return 0;
	}
	return err_set(e, STATUS_NOT_FOUND, "'%s': no such file", path);
}

static void close_archive(struct files *f)
{
	json_decref(f->context);
}

int tarfiles_open(struct files *f, const char *path, const struct codec_limits *limits, struct err *e)
{
	*f = (struct files){ .open = open_in_archive, .close = close_archive, .subject = mem_format("'%s'", path) };
	f->fd = io_open_input(path, e);
	if (f->fd < 0) {
		files_close(f);
		return -1;
	}
	if (plain(&f->fd, limits, e) == 0)
		f->context = list_archive(f->fd, e);
	if (f->context)
		return 0;
	err_context(e, "%s", f->subject);
	files_close(f);
	return -1;
}
