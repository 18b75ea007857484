// tarextra.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "image/tarextra.h"

// ---- reading ----

bool tarextra_is_type(char type)
{
	return type && strchr("xgLK", type);
}

// The body of a GNU long name: its NUL, if any, is its last byte.
static int cut_nul(struct buf *name, struct err *e)
{
	if (name->length && !name->data[name->length - 1])
		name->length--;
	if (!name->length || memchr(name->data, '\0', name->length))
		return err_set(e, STATUS_MALFORMED, "tar archive: a GNU long name is empty or holds a NUL");
	return 0;
}

static int read_long_name(struct buf *name, int64_t size, struct tarstream *from, const struct tar_limits *limits, struct err *e)
{
	if (name->length)
		return err_set(e, STATUS_MALFORMED, "tar archive: two GNU long names for one entry");
	return tarstream_body(from, size, limits->name + 1, "a GNU long name", name, e) < 0 ? -1 : cut_nul(name, e);
}

static int read_pax(struct tarpax *pax, struct buf *body, bool global, int64_t size, struct tarstream *from,
	const struct tar_limits *limits, struct err *e)
{
	return tarstream_body(from, size, limits->pax, "a pax header", body, e) < 0 ? -1 : tarpax_parse(pax, body, global, e);
}

int tarextra_read(struct tarextra *x, const struct tarhead_block *h, struct tarstream *from, const struct tar_limits *limits,
	struct err *e)
{
	int64_t size;
	char type = h->type; // h may lie in a piece that goes
	buf_auto global = { 0 };
	struct tarpax ignored = { 0 };
	if (TARHEAD_NUMBER(h, size, &size, e) < 0)
		return -1;
	if (type == 'L' || type == 'K')
		return read_long_name(type == 'L' ? &x->long_name : &x->long_link, size, from, limits, e);
	if (type == 'g')
		return read_pax(&ignored, &global, true, size, from, limits, e);
	if (x->pax_body.length)
		return err_set(e, STATUS_MALFORMED, "tar archive: two pax headers for one entry");
	return read_pax(&x->pax, &x->pax_body, false, size, from, limits, e);
}

bool tarextra_waits(const struct tarextra *x)
{
	return x->pax_body.length || x->long_name.length || x->long_link.length;
}

void tarextra_reset(struct tarextra *x)
{
	x->pax_body.length = x->long_name.length = x->long_link.length = 0;
	tarpax_reset(&x->pax);
}

void tarextra_free(struct tarextra *x)
{
	tarpax_free(&x->pax);
	buf_free(&x->pax_body);
	buf_free(&x->long_name);
	buf_free(&x->long_link);
}

// ---- names ----

static int choose(const char *pax, const struct buf *gnu, const char *field, size_t field_size, struct buf *given, struct err *e)
{
	if (pax && gnu->length && (strlen(pax) != gnu->length || memcmp(pax, gnu->data, gnu->length) != 0))
		return err_set(e, STATUS_MALFORMED, "tar archive: '%s': its pax name and its GNU name differ", pax);
	given->length = 0;
	if (pax)
		buf_add_text(given, pax);
	else if (gnu->length)
		buf_add(given, gnu->data, gnu->length);
	else
		buf_add(given, field, strnlen(field, field_size));
	return 0;
}

// The header's own name: ustar splits long ones at a slash.
static size_t header_name(const struct tarhead_block *h, char out[sizeof h->prefix + 1 + sizeof h->name])
{
	size_t n = tarhead_is_ustar(h) ? strnlen(h->prefix, sizeof h->prefix) : 0;
	memcpy(out, h->prefix, n);
	if (n)
		out[n++] = '/';
	size_t name = strnlen(h->name, sizeof h->name);
	memcpy(out + n, h->name, name);
	return n + name;
}

int tarextra_path(const struct tarextra *x, const struct tarhead_block *h, struct buf *given, struct err *e)
{
	char name[sizeof h->prefix + 1 + sizeof h->name];
	size_t length = header_name(h, name);
	const char *pax = x->pax.seen & TARPAX_PATH ? x->pax.path : NULL;
	if (choose(pax, &x->long_name, name, length, given, e) < 0)
		return -1;
	if (x->pax.seen & TARPAX_SPARSE_NAME) { // `path` is then a name for readers that know no sparse files
		given->length = 0;
		buf_add_text(given, x->pax.sparse_name);
	}
	return 0;
}

int tarextra_link(const struct tarextra *x, const struct tarhead_block *h, struct buf *given, struct err *e)
{
	const char *pax = x->pax.seen & TARPAX_LINKPATH ? x->pax.linkpath : NULL;
	return choose(pax, &x->long_link, h->link, sizeof h->link, given, e);
}
