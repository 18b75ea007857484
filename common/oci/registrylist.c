// registry.h says what these promise: lists of names, page by page.
// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/jsonio.h"
#include "base/mem.h"
#include "oci/manifest.h"
#include "oci/ref.h"
#include "oci/registry.h"

enum {
	PAGE_NAMES = 1000, // asked for at once; a registry may give fewer
	PAGES_MAX = 10000,
};

static bool is_next(const char *parameters)
{
	for (const char *at = parameters; (at = strchr(at, ';'));) {
		at += 1 + strspn(at + 1, " \t");
		if (!strncasecmp(at, "rel=", 4))
			return !strncasecmp(at + 4, "\"next\"", 6) || !strncasecmp(at + 4, "next", 4);
	}
	return false;
}

// The URL of `Link: <URL>; rel="next"` (RFC 8288), malloced; NULL when there is none.
static char *next_page(const struct http_response *response, struct err *e)
{
	const char *line;
	for (size_t i = 0; (line = http_header(response, "Link", i)); i++) {
		const char *end = strchr(line, '>');
		if (*line != '<' || !end || !is_next(end))
			continue;
		mem_auto char *reference = mem_text_n(line + 1, (size_t)(end - line - 1));
		return registry_onward(response, reference, true, e);
	}
	return NULL;
}

// What one answer adds to a list.
typedef int take_page(void *context, const struct http_response *response, const struct buf *text, struct err *e);

// From this URL on, which is freed. *code is the last answer's.
static int walk(struct registry *r, char *url, const char *const *headers, take_page *take, void *context, long *code,
	struct err *e)
{
	texts_auto seen = { 0 };
	while (url) {
		buf_auto text = { 0 };
		struct http_response response = { 0 };
		struct http_request q = { .url = url, .headers = headers };
		http_into(&q, &text, JSONIO_BYTES_MAX);
		if (texts_has(&seen, url)) {
			err_set(e, STATUS_REFUSED, "the registry's list: its pages go round");
			free(url);
			break;
		}
		texts_take(&seen, url);
		if (seen.count > PAGES_MAX)
			err_set(e, STATUS_LIMIT, "the registry's list: more than %d pages", PAGES_MAX);
		bool good = !e->status && registry_ask(r, &q, &response, e) == 0 && take(context, &response, &text, e) == 0;
		*code = response.code;
		url = good ? next_page(&response, e) : NULL;
		http_response_free(&response);
	}
	return e->status ? -1 : 0;
}

// ---- names ----

struct naming {
	const char *member;
	bool (*valid)(const char *);
	size_t limit;
	struct texts *names;
};

static int take_names(void *context, const struct http_response *response, const struct buf *text, struct err *e)
{
	const struct naming *n = context;
	jsonio_auto json_t *page = jsonio_parse(buf_text(text), text->length, "the registry's list", e);
	size_t i;
	json_t *name;
	(void)response;
	if (!page)
		return -1;
	if (!json_is_object(page))
		return err_set(e, STATUS_MALFORMED, "the registry's list: not an object");
	json_array_foreach(jsonio_get_array(page, n->member, e), i, name) {
		if (!json_is_string(name) || !n->valid(json_string_value(name)))
			return err_set(e, STATUS_MALFORMED, "the registry's list: '%s' has what is no name", n->member);
		if (n->names->count >= n->limit)
			return err_set(e, STATUS_LIMIT, "the registry's list: more than %zu names", n->limit);
		texts_add(n->names, json_string_value(name));
	}
	return e->status ? -1 : 0;
}

static int list(struct registry *r, const char *path, struct naming *n, struct err *e)
{
	long code;
	mem_auto char *first = mem_format("%s?n=%d", path, PAGE_NAMES);
	int result = walk(r, registry_url(r, first, e), NULL, take_names, n, &code, e);
	texts_sort(n->names);
	return result;
}

int registry_tags(struct registry *r, size_t limit, struct texts *names, struct err *e)
{
	return list(r, "tags/list", &(struct naming){ "tags", ref_is_tag, limit, names }, e);
}

int registry_repositories(struct registry *r, size_t limit, struct texts *names, struct err *e)
{
	return list(r, "_catalog", &(struct naming){ "repositories", ref_is_repository, limit, names }, e);
}

// ---- referrers ----

struct referring {
	json_t *entries;
	bool known; // what answers is the API
};

static int take_referrers(void *context, const struct http_response *response, const struct buf *text, struct err *e)
{
	struct referring *f = context;
	manifest_auto m = { 0 };
	f->known = response->media_type && !strcmp(response->media_type, MEDIA_INDEX);
	if (!f->known)
		return 0;
	if (manifest_parse(buf_text(text), text->length, response->media_type, &m, e) < 0)
		return err_context(e, "the registry's list of referrers");
	json_array_extend(f->entries, manifest_entries(&m));
	if (json_array_size(f->entries) > MANIFEST_ENTRIES_MAX)
		return err_set(e, STATUS_LIMIT, "the registry's list of referrers: more than %d", MANIFEST_ENTRIES_MAX);
	return 0;
}

int registry_referrers(struct registry *r, const char *digest, json_t *entries, struct err *e)
{
	static const char *const headers[] = { "Accept: " MEDIA_INDEX, NULL };
	struct referring f = { .entries = entries };
	long code = 0;
	mem_auto char *path = mem_format("referrers/%s", digest);
	int result = walk(r, registry_url(r, path, e), headers, take_referrers, &f, &code, e);
	bool not_asked = code == 401 || code == 403 || code == 429;
	if (result < 0 && !json_array_size(entries) && code / 100 == 4 && !not_asked) {
		*e = (struct err){ 0 };
		return 0;
	}
	return result < 0 ? -1 : f.known;
}
