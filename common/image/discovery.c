// discovery.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "base/jsonio.h"
#include "base/mem.h"
#include "base/msg.h"
#include "image/discovery.h"
#include "net/http.h"
#include "net/url.h"

// ---- templates ----

// A value may not leave its place: no `.` or `..` between slashes, no control character (rkt:C-011).
static bool value_is_safe(const char *value)
{
	for (const char *at = value; *at; at++)
		if ((unsigned char)*at < ' ' || *at == 0x7f)
			return false;
	for (const char *at = value;; at++) {
		size_t n = strcspn(at, "/");
		if ((n == 1 && *at == '.') || (n == 2 && !strncmp(at, "..", 2)))
			return false;
		at += n;
		if (!*at)
			return true;
	}
}

// Puts what `{variable}` stands for. Returns 1, 0 when nothing is known by this name, -1 on failure. No label
// can stand for {name} or {ext} (rkt:C-008). A name's characters need no encoding, and its slashes stay.
static int add_variable(struct buf *out, const char *variable, const char *name, const json_t *labels, const char *ext,
	struct err *e)
{
	if (!strcmp(variable, "name") || !strcmp(variable, "ext")) {
		buf_add_text(out, *variable == 'n' ? name : ext);
		return 1;
	}
	const char *value = json_string_value(json_object_get(labels, variable));
	if (!value)
		return 0;
	if (!value_is_safe(value))
		return err_set(e, STATUS_USAGE, "label '%s': '%s' cannot be part of a URL", variable, value);
	url_add_escaped(out, value);
	return 1;
}

char *discovery_expand(const char *template, const char *name, const json_t *labels, const char *ext, struct err *e)
{
	buf_auto url = { 0 };
	const char *at = template;
	for (;;) {
		size_t n = strcspn(at, "{");
		buf_add(&url, at, n);
		at += n;
		if (!*at)
			break;
		n = strcspn(at + 1, "}");
		if (at[1 + n] != '}')
			return NULL;
		mem_auto char *variable = mem_text_n(at + 1, n);
		if (add_variable(&url, variable, name, labels, ext, e) <= 0)
			return NULL;
		at += n + 2;
	}
	if (url_check(buf_text(&url), e) < 0)
		return NULL;
	if (url_has_dot_segments(buf_text(&url))) {
		err_set(e, STATUS_REFUSED, "'%s': a path that climbs", buf_text(&url));
		return NULL;
	}
	return buf_steal(&url);
}

// ---- pages ----

static int check_plain(const char *url, struct err *e)
{
	if (url_is_https(url) || http_allows_plain())
		return 0;
	err_set(e, STATUS_REFUSED, "'%s': plain http", url);
	return err_hint(e, "allow it with --allow-http");
}

// The image and signature URLs of one template; NULL with e->status 0 when it has a variable too many.
static json_t *endpoint_of(const char *template, const char *name, const json_t *labels, struct err *e)
{
	mem_auto char *url = discovery_expand(template, name, labels, "aci", e);
	mem_auto char *signature = url ? discovery_expand(template, name, labels, "aci.asc", e) : NULL;
	if (!signature || check_plain(url, e) < 0)
		return NULL;
	if (strcmp(url, signature) != 0)
		return json_pack("{s:s, s:s}", "url", url, "signature", signature);
	return json_pack("{s:s, s:o}", "url", url, "signature", json_sprintf("%s.asc", url));
}

static json_t *key_of(const char *url, struct err *e)
{
	return url_check(url, e) < 0 || check_plain(url, e) < 0 ? NULL : json_string(url);
}

// Adds what the tags of a page give for this name. A bad URL is told and passed over, since the next tag may
// be good; `refused` keeps the first. A bad label value is the user's mistake and ends it.
static int collect(const json_t *tags, const char *name, const json_t *labels, struct discovery *d, struct err *refused,
	struct err *e)
{
	size_t i;
	json_t *tag;
	json_array_foreach(tags, i, tag) {
		const char *kind = json_string_value(json_object_get(tag, "tag"));
		const char *prefix = json_string_value(json_object_get(tag, "prefix"));
		const char *uri = json_string_value(json_object_get(tag, "uri"));
		if (!kind || !prefix || !uri || strncmp(name, prefix, strlen(prefix)) != 0)
			continue;
		struct err why = { 0 };
		bool is_key = !strcmp(kind, "ac-discovery-pubkeys");
		json_t *found = is_key ? key_of(uri, &why) : endpoint_of(uri, name, labels, &why);
		if (found) {
			json_array_append_new(is_key ? d->keys : d->endpoints, found);
		} else if (why.status == STATUS_USAGE) {
			*e = why;
			return -1;
		} else if (why.status) {
			msg_warn("%s tag passed over: %s", kind, why.text);
			*refused = refused->status ? *refused : why;
		}
	}
	return 0;
}

// A page: 1 when its body is there, 0 when the path above may have it, -1 on failure. `denied` notes a 401 or
// 403.
static int get_page(const char *path, struct buf *body, bool *denied, struct err *e)
{
	static const char *const schemes[] = { "https", "http" };
	long code = 0;
	for (size_t i = 0; i < (http_allows_plain() ? 2 : 1); i++) {
		struct http_response response;
		mem_auto char *url = mem_format("%s://%s?ac-discovery=1", schemes[i], path);
		*e = (struct err){ 0 };
		body->length = 0;
		int got = http_get_all(url, DISCOVERY_PAGE_MAX, body, &response, e);
		code = response.code;
		http_response_free(&response);
		if (!got)
			return 1;
		if (code || e->status != STATUS_TEMPORARY) // plain http is for hosts that do not answer on
							   // https at all
			break;
	}
	if (code < 400 || code > 499 || e->status == STATUS_TEMPORARY || e->status == STATUS_LIMIT)
		return -1;
	*denied |= e->status == STATUS_NOT_AUTHORISED;
	*e = (struct err){ 0 };
	return 0;
}

static int nothing_found(const char *name, const struct err *refused, bool denied, struct err *e)
{
	if (refused->status) {
		*e = *refused;
		return err_context(e, "'%s': no usable discovery tag", name);
	}
	if (denied)
		return err_set(e, STATUS_NOT_AUTHORISED, "'%s': found no ACI meta tags: a page asks for credentials", name);
	return err_set(e, STATUS_NOT_FOUND, "'%s': found no ACI meta tags", name);
}

int discovery_run(const char *name, const json_t *labels, bool keys_only, struct discovery *d, struct err *e)
{
	mem_auto char *path = mem_text(name);
	struct err refused = { 0 };
	bool denied = false;
	*d = (struct discovery){ json_array(), json_array() };
	for (;;) {
		buf_auto body = { 0 };
		int got = get_page(path, &body, &denied, e);
		jsonio_auto json_t *tags = got > 0 ? discovery_scan_confined(buf_text(&body), body.length, e) : json_array();
		if (got < 0 || !tags || collect(tags, name, labels, d, &refused, e) < 0)
			return err_context(e, "'%s'", name);
		if (json_array_size(keys_only ? d->keys : d->endpoints))
			return 0;
		char *slash = strrchr(path, '/');
		if (!slash)
			return nothing_found(name, &refused, denied, e);
		*slash = '\0';
	}
}

void discovery_free(struct discovery *d)
{
	json_decref(d->endpoints);
	json_decref(d->keys);
}
