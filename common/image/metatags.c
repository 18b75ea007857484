// discovery.h says what these promise: the part that reads HTML, and touches nothing else.
// SPDX-License-Identifier: Apache-2.0
#include <gumbo.h>
#include <string.h>
#include <sys/resource.h>

#include "base/io.h"
#include "base/jsonio.h"
#include "base/mem.h"
#include "base/sandbox.h"
#include "image/discovery.h"

enum { CHILD_SECONDS = 5, CHILD_MEMORY = 256 << 20, OUTPUT_MAX = 8 << 20 };

static const char blanks[] = " \t\n\f\r";

// content = PREFIX, blanks, URI (rkt:C-007). NULL for anything else.
static json_t *tag_of(const char *name, const char *content)
{
	const char *prefix = content + strspn(content, blanks);
	size_t prefix_length = strcspn(prefix, blanks);
	const char *uri = prefix + prefix_length;
	uri += strspn(uri, blanks);
	size_t uri_length = strcspn(uri, blanks);
	const char *rest = uri + uri_length;
	if (!prefix_length || !uri_length || rest[strspn(rest, blanks)])
		return NULL;
	return json_pack("{s:s, s:s%, s:s%}", "tag", name, "prefix", prefix, prefix_length, "uri", uri, uri_length);
}

static json_t *tag_of_element(const GumboElement *element)
{
	if (element->tag != GUMBO_TAG_META)
		return NULL;
	const GumboAttribute *name = gumbo_get_attribute(&element->attributes, "name");
	const GumboAttribute *content = gumbo_get_attribute(&element->attributes, "content");
	bool ours = name && content && (!strcmp(name->value, "ac-discovery") || !strcmp(name->value, "ac-discovery-pubkeys"));
	return ours ? tag_of(name->value, content->value) : NULL;
}

// The node after this one in document order, without recursion: a page may nest as deep as it is long.
static const GumboNode *next_node(const GumboNode *node)
{
	if (node->type == GUMBO_NODE_ELEMENT && node->v.element.children.length)
		return node->v.element.children.data[0];
	for (; node->parent; node = node->parent) {
		const GumboVector *siblings = node->parent->type == GUMBO_NODE_DOCUMENT ? &node->parent->v.document.children
											: &node->parent->v.element.children;
		size_t after = node->index_within_parent + 1;
		if (after < siblings->length)
			return siblings->data[after];
	}
	return NULL;
}

json_t *discovery_scan(const char *html, size_t length, struct err *e)
{
	GumboOptions options = kGumboDefaultOptions;
	options.max_errors = 0;
	GumboOutput *page = gumbo_parse_with_options(&options, html, length);
	json_t *tags = json_array();
	for (const GumboNode *node = page ? page->root : NULL; node && !e->status; node = next_node(node)) {
		json_t *tag = node->type == GUMBO_NODE_ELEMENT ? tag_of_element(&node->v.element) : NULL;
		if (tag && json_array_size(tags) == DISCOVERY_TAGS_MAX) {
			err_set(e, STATUS_LIMIT, "a page with more than %zu discovery tags", DISCOVERY_TAGS_MAX);
			json_decref(tag);
		} else if (tag) {
			json_array_append_new(tags, tag);
		}
	}
	gumbo_destroy_output(&options, page);
	if (!e->status)
		return tags;
	json_decref(tags);
	return NULL;
}

// The parser is quadratic on some pages (divs a hundred thousand deep): such a child dies, and the page is malformed.
static void bound_effort(void)
{
	struct rlimit seconds = { CHILD_SECONDS, CHILD_SECONDS };
	setrlimit(RLIMIT_CPU, &seconds);
#ifndef __SANITIZE_ADDRESS__ // whose shadow memory counts as data
	struct rlimit memory = { CHILD_MEMORY, CHILD_MEMORY };
	setrlimit(RLIMIT_DATA, &memory);
#endif
}

struct page {
	const char *html;
	size_t length;
};

static int scan_in_child(void *context, int out_fd, struct err *e)
{
	const struct page *p = context;
	bound_effort();
	jsonio_auto json_t *tags = discovery_scan(p->html, p->length, e);
	if (!tags)
		return -1;
	mem_auto char *text = jsonio_text(tags);
	return io_write_all(out_fd, text, strlen(text)) < 0 ? err_system(e, "cannot write to the parent") : 0;
}

json_t *discovery_scan_confined(const char *html, size_t length, struct err *e)
{
	struct page page = { html, length };
	buf_auto text = { 0 };
	if (sandbox_child(scan_in_child, &page, OUTPUT_MAX, &text, e) < 0)
		return NULL;
	return jsonio_parse(buf_text(&text), text.length, "discovery tags", e);
}
