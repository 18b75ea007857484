// layout.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <ctype.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/jsonio.h"
#include "base/mem.h"
#include "oci/layout.h"

static const char version_text[] = "{\"imageLayoutVersion\":\"1.0.0\"}";
static const char empty_index[] =
	"{\"manifests\":[],\"mediaType\":\"application/vnd.oci.image.index.v1+json\",\"schemaVersion\":2}";

// Two may make the same layout at once, and the first of them may be at work in it already: nothing is
// replaced.
static int make_file(int directory, const char *name, const char *text, struct err *e)
{
	struct io_output o;
	if (faccessat(directory, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	if (io_create(&o, directory, name, 0644, e) < 0)
		return -1;
	int failed = io_write_all(o.fd, text, strlen(text)) < 0 || fsync(o.fd) < 0 || io_link_new(&o, directory, name) < 0;
	if (failed)
		err_system(e, "'%s': cannot write", name);
	io_discard(&o);
	return failed ? -1 : 0;
}

int layout_make(int directory, struct err *e)
{
	return make_file(directory, "oci-layout", version_text, e) < 0 ? -1 : make_file(directory, "index.json", empty_index, e);
}

int layout_check_version(const char *text, size_t length, struct err *e)
{
	jsonio_auto json_t *layout = jsonio_parse(text, length, "'oci-layout'", e);
	if (!layout)
		return -1;
	const char *version = jsonio_need_text(layout, "imageLayoutVersion", e);
	if (!version)
		return err_context(e, "'oci-layout'");
	if (strncmp(version, "1.", 2) != 0)
		return err_set(e, STATUS_MALFORMED, "'oci-layout': version '%s': expected 1.x", version);
	return 0;
}

json_t *layout_parse_index(const char *text, size_t length, struct err *e)
{
	jsonio_auto json_t *index = jsonio_parse(text, length, "'index.json'", e);
	if (!index)
		return NULL;
	json_t *manifests = jsonio_get_array(index, "manifests", e), *entry;
	size_t i;
	if (!manifests && !e->status)
		err_set(e, STATUS_MALFORMED, "'index.json': field 'manifests': missing");
	json_array_foreach(manifests, i, entry)
		if (!json_is_object(entry))
			err_set(e, STATUS_MALFORMED, "'index.json': field 'manifests[%zu]': not an object", i);
	return e->status ? NULL : json_incref(index);
}

static int read_text(int directory, const char *name, size_t limit, struct buf *text, struct err *e)
{
	io_auto int fd = openat(directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return err_open(e, name);
	mem_auto char *subject = mem_format("'%s'", name);
	return io_read_stream(fd, limit, subject, text, e);
}

json_t *layout_read_index(int directory, struct err *e)
{
	buf_auto version = { 0 };
	buf_auto index = { 0 };
	if (read_text(directory, "oci-layout", JSONIO_BYTES_MAX, &version, e) < 0 ||
		layout_check_version(buf_text(&version), version.length, e) < 0 ||
		read_text(directory, "index.json", LAYOUT_INDEX_MAX, &index, e) < 0)
		return NULL;
	return layout_parse_index(buf_text(&index), index.length, e);
}

int layout_write_index(int directory, const json_t *index, struct err *e)
{
	mem_auto char *text = jsonio_text(index);
	return io_write_file(directory, "index.json", 0644, text, strlen(text), e);
}

// ---- reference names ----

static bool is_separator(const char *text, size_t n)
{
	return (n == 1 && strchr("-._:@+", *text)) || (n == 2 && !strncmp(text, "--", 2));
}

char *layout_ref_name(const char *text)
{
	struct buf out = { 0 };
	for (const char *at = text; *at;) {
		size_t n = 0;
		while (at[n] && !isalnum((unsigned char)at[n]))
			n++;
		if (n && out.length && at[n]) { // between two words
			bool slash = memchr(at, '/', n) != NULL;
			if (slash || is_separator(at, n))
				buf_add(&out, slash ? "/" : at, slash ? 1 : n);
			else
				buf_add_byte(&out, '+');
		}
		at += n;
		for (n = 0; isalnum((unsigned char)at[n]);)
			n++;
		buf_add(&out, at, n);
		at += n;
	}
	buf_reserve(&out, 0);
	return buf_steal(&out);
}
