// refusal.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include "base/jsonio.h"
#include "base/mem.h"
#include "oci/refusal.h"

// The first error, malloced, or NULL.
static char *told(const struct http_response *response)
{
	struct err ignored = { 0 };
	if (!response->failure.length)
		return NULL;
	jsonio_auto json_t *json = jsonio_parse(buf_text(&response->failure), response->failure.length, "error", &ignored);
	const json_t *first = json_array_get(json_object_get(json, "errors"), 0);
	const char *code = json_string_value(json_object_get(first, "code"));
	const char *message = json_string_value(json_object_get(first, "message"));
	if (!code)
		return NULL;
	return mem_format("%.60s%s%.200s", code, message ? ": " : "", message ? message : "");
}

void refusal_add(const struct http_response *response, struct err *e)
{
	mem_auto char *text = told(response);
	mem_auto char *before = mem_text(e->text);
	if (text)
		err_set(e, e->status, "%s: %s", before, text);
}
