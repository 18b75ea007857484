// uploadnote.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"
#include "crypto/hash.h"
#include "image/uploadnote.h"
#include "net/url.h"

static char *name_of(const struct uploadnote *n)
{
	char digest[DIGEST_TEXT_MAX];
	mem_auto char *text = mem_format("%s %s", n->place, n->digest);
	hash_bytes(DIGEST_SHA256, text, strlen(text), digest);
	return mem_format("partial/%s.upload", digest_digits(digest));
}

char *uploadnote_recall(void *note)
{
	struct uploadnote *n = note;
	char text[URL_MAX + 1];
	struct stat st;
	if (!n->store || n->name)
		return NULL;
	n->name = name_of(n);
	io_auto int fd = openat(store_directory(n->store), n->name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || flock(fd, LOCK_EX | LOCK_NB) < 0)
		return NULL;
	n->fd = io_steal(fd);
	ssize_t length = io_read_full_at(n->fd, text, URL_MAX, 0);
	text[length > 0 ? length : 0] = '\0';
	char *end = strchr(text, '\n'); // a line that a kill cut short has none
	if (!end)
		return NULL;
	*end = '\0';
	return mem_text(text);
}

// The old line goes when the new one is there: a kill leaves one of them.
void uploadnote_remember(void *note, const char *where)
{
	const struct uploadnote *n = note;
	mem_auto char *line = where ? mem_format("%s\n", where) : mem_text("");
	ssize_t length = (ssize_t)strlen(line);
	if (n->fd >= 0 && (pwrite(n->fd, line, (size_t)length, 0) != length || ftruncate(n->fd, length) < 0))
		unlinkat(store_directory(n->store), n->name, 0);
}

void uploadnote_close(struct uploadnote *n)
{
	struct stat st;
	if (n->fd >= 0 && fstat(n->fd, &st) == 0 && st.st_size == 0)
		unlinkat(store_directory(n->store), n->name, 0);
	if (n->fd >= 0)
		close(n->fd);
	free(n->name);
	n->name = NULL;
	n->fd = -1;
}
