// registry.h says what these promise: lists of names, page by page.
// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/jsonio.h"
#include "base/mem.h"
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

static int take(const struct buf *text, const char *member, bool (*valid)(const char *), size_t limit, struct texts *names,
	struct err *e)
{
	jsonio_auto json_t *page = jsonio_parse(buf_text(text), text->length, "the registry's list", e);
	size_t i;
	json_t *name;
	if (!page)
		return -1;
	if (!json_is_object(page))
		return err_set(e, STATUS_MALFORMED, "the registry's list: not an object");
	json_array_foreach(jsonio_get_array(page, member, e), i, name) {
		if (!json_is_string(name) || !valid(json_string_value(name)))
			return err_set(e, STATUS_MALFORMED, "the registry's list: '%s' has what is no name", member);
		if (names->count >= limit)
			return err_set(e, STATUS_LIMIT, "the registry's list: more than %zu names", limit);
		texts_add(names, json_string_value(name));
	}
	return e->status ? -1 : 0;
}

static int in_bytes(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int list(struct registry *r, const char *path, const char *member, bool (*valid)(const char *), size_t limit,
	struct texts *names, struct err *e)
{
	texts_auto seen = { 0 };
	mem_auto char *first = mem_format("%s?n=%d", path, PAGE_NAMES);
	char *url = registry_url(r, first, e);
	while (url) {
		buf_auto text = { 0 };
		struct http_response response = { 0 };
		struct http_request q = { .url = url };
		http_into(&q, &text, JSONIO_BYTES_MAX);
		if (texts_has(&seen, url)) {
			err_set(e, STATUS_REFUSED, "the registry's list: its pages go round");
			free(url);
			break;
		}
		texts_take(&seen, url);
		if (seen.count > PAGES_MAX)
			err_set(e, STATUS_LIMIT, "the registry's list: more than %d pages", PAGES_MAX);
		bool good =
			!e->status && registry_ask(r, &q, &response, e) == 0 && take(&text, member, valid, limit, names, e) == 0;
		url = good ? next_page(&response, e) : NULL;
		http_response_free(&response);
	}
	if (names->count)
		qsort(names->items, names->count, sizeof *names->items, in_bytes);
	return e->status ? -1 : 0;
}

int registry_tags(struct registry *r, size_t limit, struct texts *names, struct err *e)
{
	return list(r, "tags/list", "tags", ref_is_tag, limit, names, e);
}

int registry_repositories(struct registry *r, size_t limit, struct texts *names, struct err *e)
{
	return list(r, "_catalog", "repositories", ref_is_repository, limit, names, e);
}
