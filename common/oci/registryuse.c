// registry.h says what these promise: what other tags lead to, and removing what none does.
// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "oci/registry.h"

// 1 when nothing is left to find.
static int look_in(struct registry *r, const char *tag, struct registry_use *uses, size_t count, struct err *e)
{
	buf_auto text = { 0 };
	char found[DIGEST_TEXT_MAX];
	mem_auto char *type = NULL;
	int left = 0;
	if (registry_manifest(r, tag, &text, &type, found, e) < 0) {
		if (e->status != STATUS_NOT_FOUND)
			return -1;
		*e = (struct err){ 0 }; // gone meanwhile, or a tag without manifest
		return 0;
	}
	for (size_t i = 0; i < count; i++) {
		if (!uses[i].tag && (!strcmp(found, uses[i].digest) || strstr(buf_text(&text), uses[i].digest)))
			uses[i].tag = mem_text(tag);
		left += !uses[i].tag;
	}
	return !left;
}

int registry_find_uses(struct registry *r, const char *own, size_t limit, struct registry_use *uses, size_t count, struct err *e)
{
	texts_auto tags = { 0 };
	int result = registry_tags(r, limit, &tags, e);
	for (size_t i = 0; i < tags.count && !result; i++)
		if (!own || strcmp(tags.items[i], own) != 0)
			result = look_in(r, tags.items[i], uses, count, e);
	return result < 0 ? -1 : 0;
}

static int delete_at(struct registry *r, const char *url, struct err *e)
{
	struct http_response response = { 0 };
	struct http_request q = { .url = url, .method = "DELETE" };
	int result = url ? registry_ask(r, &q, &response, e) : -1;
	if (result < 0 && response.code == 405)
		err_set(e, STATUS_REFUSED, "'%s': the registry does not delete (405)", url);
	http_response_free(&response);
	return result;
}

int registry_delete_manifest(struct registry *r, const char *reference, struct err *e)
{
	mem_auto char *path = mem_format("manifests/%s", reference);
	mem_auto char *url = registry_url(r, path, e);
	return delete_at(r, url, e);
}

int registry_delete_blob(struct registry *r, const char *digest, struct err *e)
{
	mem_auto char *url = registry_blob_url(r, digest, e);
	return delete_at(r, url, e);
}
