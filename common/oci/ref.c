// ref.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "crypto/digest.h"
#include "oci/acname.h"
#include "oci/ref.h"

#define LOWER_DIGITS "abcdefghijklmnopqrstuvwxyz0123456789"
#define TAG_BYTES    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-"

enum { REPOSITORY_MAX = 255, TAG_MAX = 128, HOST_MAX = 255 + 6 };

static json_t *refuse(const char *text, const char *why, struct err *e)
{
	err_set(e, STATUS_USAGE, "reference '%s': %s", text, why);
	return NULL;
}

// ---- the grammar of the OCI distribution specification ----

static size_t repository_component(const char *text)
{
	size_t total = 0;
	for (;;) {
		size_t word = strspn(text + total, LOWER_DIGITS);
		if (!word)
			return 0;
		total += word;
		size_t hyphens = strspn(text + total, "-");
		size_t separator = hyphens                         ? hyphens
			: !strncmp(text + total, "__", 2)          ? 2
			: strchr("._", text[total]) && text[total] ? 1
								   : 0;
		if (!separator)
			return total;
		total += separator;
	}
}

bool ref_is_repository(const char *text)
{
	if (strnlen(text, REPOSITORY_MAX + 1) > REPOSITORY_MAX)
		return false;
	for (;;) {
		size_t n = repository_component(text);
		if (!n)
			return false;
		if (!text[n])
			return true;
		if (text[n] != '/')
			return false;
		text += n + 1;
	}
}

bool ref_is_tag(const char *text)
{
	size_t n = strspn(text, TAG_BYTES);
	return n && n <= TAG_MAX && !text[n] && *text != '.' && *text != '-';
}

// HOST[:PORT] or [IPv6][:PORT], as a URL authority without user information.
static bool is_host(const char *text)
{
	static const char bytes[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-";
	size_t n = *text == '[' ? strspn(text + 1, "0123456789abcdefABCDEF:.") + 2 : strspn(text, bytes);
	if (!n || strlen(text) > HOST_MAX || *text == '-' || *text == '.' || (*text == '[' && text[n - 1] != ']'))
		return false;
	if (!text[n])
		return true;
	size_t digits = text[n] == ':' ? strspn(text + n + 1, "0123456789") : 0;
	return digits && digits <= 5 && !text[n + 1 + digits] && strtoul(text + n + 1, NULL, 10) <= 65535;
}

// ---- one function per transport; `rest` is what follows the prefix ----

static json_t *start(const char *text, const char *transport)
{
	return json_pack("{s:s, s:s, s:s}", "kind", "image", "ref", text, "transport", transport);
}

static json_t *parse_id(const char *text, struct err *e)
{
	if (!acname_is_short_id(text))
		return refuse(text, "not an image id: expected sha512- and 2 to 128 lower-case hex digits", e);
	json_t *record = start(text, "id");
	json_object_set_new(record, "id", json_string(text));
	return record;
}

static void add_endpoint(json_t *record, const char *url)
{
	mem_auto char *signature = mem_format("%s.asc", url);
	json_object_set_new(record, "endpoints", json_pack("[{s:s, s:s}]", "url", url, "signature", signature));
}

static json_t *parse_file(const char *text, const char *path, struct err *e)
{
	if (!*path)
		return refuse(text, "no file name", e);
	mem_auto char *directory = *path == '/' ? mem_text("") : getcwd(NULL, 0);
	if (!directory)
		return refuse(text, "the working directory is gone", e);
	mem_auto char *url = mem_format("file:%s%s%s", directory, *path == '/' ? "" : "/", path);
	json_t *record = start(text, "file");
	add_endpoint(record, url);
	return record;
}

static json_t *parse_url(const char *text, struct err *e)
{
	bool https = !strncmp(text, "https://", 8);
	const char *authority = text + (https ? 8 : 7);
	mem_auto char *host = mem_text_n(authority, strcspn(authority, "/?#"));
	if (!is_host(host))
		return refuse(text, "not a host name with an optional port", e);
	for (const char *at = text; *at; at++)
		if (*at <= ' ' || *at == 0x7f || strchr("\"<>\\^`{|}#", *at))
			return refuse(text, "a character that a URL cannot hold", e);
	json_t *record = start(text, https ? "https" : "http");
	add_endpoint(record, text);
	return record;
}

bool ref_is_registry_name(const char *text)
{
	const char *slash = strchr(text, '/');
	size_t length = strcspn(text, "/");
	mem_auto char *host = mem_text_n(text, length);
	bool has_port = *text == '[' || memchr(text, ':', length);
	return is_host(host) && (slash ? ref_is_repository(slash + 1) : has_port) && !strpbrk(host, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
}

// Docker's expansion: a first part with a dot, a colon or the name localhost is a host, else it is docker.io; a single name
// there is below library/.
static json_t *parse_docker(const char *text, const char *rest, struct err *e)
{
	mem_auto char *name = mem_text(rest);
	char *digest = strchr(name, '@');
	if (digest)
		*digest++ = '\0';
	char *slash = strchr(name, '/');
	size_t first = slash ? (size_t)(slash - name) : 0;
	bool has_host = slash && (strcspn(name, ".:") < first || !strncmp(name, "localhost/", 10) || *name == '[');
	bool is_old = has_host && !strncmp(name, "index.docker.io/", first + 1); // what docker.io was called once
	mem_auto char *host = has_host && !is_old ? mem_text_n(name, first) : mem_text("docker.io");
	char *path = has_host ? slash + 1 : name;
	char *tag = strrchr(path, ':');
	if (tag)
		*tag++ = '\0';
	bool official = !strcmp(host, "docker.io") && !strchr(path, '/');
	mem_auto char *repository = mem_format("%s%s", official ? "library/" : "", path);
	if (!is_host(host))
		return refuse(text, "not a registry host with an optional port", e);
	if (!ref_is_repository(repository))
		return refuse(text, "not a repository name: lower-case words joined by . _ - and /", e);
	if (tag && !ref_is_tag(tag))
		return refuse(text, "not a tag", e);
	if (digest && !digest_valid(digest, NULL, NULL))
		return refuse(text, "not a sha256: or sha512: digest", e);
	json_t *record = start(text, "docker");
	json_object_set_new(record, "name", json_sprintf("%s/%s", host, repository));
	json_object_set_new(record, "registry", json_string(host));
	json_object_set_new(record, "repository", json_string(repository));
	if (tag || !digest)
		json_object_set_new(record, "tag", json_string(tag ? tag : "latest"));
	if (digest)
		json_object_set_new(record, "digest", json_string(digest));
	return record;
}

// PATH[:REF][@DIGEST], as skopeo splits it: a path has no colon, a reference may have some.
static json_t *parse_local(const char *text, const char *transport, const char *rest, struct err *e)
{
	mem_auto char *path = mem_text(rest);
	char *digest = strrchr(path, '@');
	bool pinned = digest && (!strncmp(digest, "@sha256:", 8) || !strncmp(digest, "@sha512:", 8));
	if (pinned)
		*digest++ = '\0';
	char *tag = strcmp(transport, "dir") ? strchr(path, ':') : NULL;
	if (tag)
		*tag++ = '\0';
	if (!*path)
		return refuse(text, "no path", e);
	if (tag && !*tag)
		return refuse(text, "no reference behind the colon", e);
	if (pinned && !digest_valid(digest, NULL, NULL))
		return refuse(text, "not a sha256: or sha512: digest", e);
	json_t *record = start(text, transport);
	json_object_set_new(record, "path", json_string(path));
	if (tag)
		json_object_set_new(record, "tag", json_string(tag));
	if (pinned)
		json_object_set_new(record, "digest", json_string(digest));
	return record;
}

// LABEL=VALUE[,LABEL=VALUE...] into labels; each at most once (rkt:A-023), `name` never (rkt:I-011).
static bool parse_labels(char *list, json_t *labels, const char **why)
{
	for (char *label = list; label;) {
		char *next = strchr(label, ',');
		if (next)
			*next++ = '\0';
		char *value = strchr(label, '=');
		if (value)
			*value++ = '\0';
		*why = !value || !*value                 ? "a label is not of the form NAME=VALUE"
			: !acname_is_identifier(label)   ? "a label's name is not an AC Identifier"
			: !strcmp(label, "name")         ? "a label cannot be called name"
			: json_object_get(labels, label) ? "the same label twice"
							 : NULL;
		if (*why)
			return false;
		if (json_object_set_new(labels, label, json_string(value)) < 0) {
			*why = "a label's value is not UTF-8";
			return false;
		}
		label = next;
	}
	return true;
}

static json_t *parse_appc(const char *text, struct err *e)
{
	mem_auto char *name = mem_text(text);
	char *labels = strchr(name, ',');
	if (labels)
		*labels++ = '\0';
	char *version = strchr(name, ':');
	if (version)
		*version++ = '\0';
	if (!acname_is_identifier(name))
		return refuse(text,
			"not an image name (AC Identifier: lower-case letters and digits, joined by one of - . _ ~ /)", e);
	if (version && !*version)
		return refuse(text, "no version behind the colon", e);
	if (version && strpbrk(version, "/@"))
		return refuse(text, "a port or a user cannot stand in an image name", e);
	const char *why;
	json_t *record = start(text, "appc");
	json_t *set = json_object();
	json_object_set_new(record, "name", json_string(name));
	json_object_set_new(record, "labels", set);
	if (version && json_object_set_new(set, "version", json_string(version)) < 0)
		why = "the version is not UTF-8";
	else if (!labels || parse_labels(labels, set, &why))
		return record;
	json_decref(record);
	return refuse(text, why, e);
}

json_t *ref_parse(const char *text, struct err *e)
{
	static const char *const local[] = { "oci", "oci-archive", "docker-archive", "dir" };
	if (!utf8_valid(text, strlen(text)))
		return refuse(text, "not UTF-8", e);
	if (!strncmp(text, "sha512-", 7))
		return parse_id(text, e);
	if (*text == '/' || !strncmp(text, "./", 2) || !strncmp(text, "../", 3))
		return parse_file(text, text, e);
	if (!strncmp(text, "file:", 5))
		return parse_file(text, strncmp(text, "file:///", 8) ? text + 5 : text + 7, e);
	if (!strncmp(text, "https://", 8) || !strncmp(text, "http://", 7))
		return parse_url(text, e);
	if (!strncmp(text, "docker://", 9))
		return parse_docker(text, text + 9, e);
	for (size_t i = 0; i < ARRAY_LENGTH(local); i++) {
		size_t n = strlen(local[i]);
		if (!strncmp(text, local[i], n) && text[n] == ':')
			return parse_local(text, local[i], text + n + 1, e);
	}
	if (strstr(text, "://"))
		return refuse(text, "an unknown transport", e);
	return parse_appc(text, e);
}

json_t *ref_parse_registry(const char *text, struct err *e)
{
	mem_auto char *full = strstr(text, "://") ? mem_text(text) : mem_format("docker://%s", text);
	if (strncmp(full, "docker://", 9) != 0)
		return refuse(text, "not docker://, but a registry's is needed", e);
	return ref_parse(full, e);
}
