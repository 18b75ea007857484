// auth.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <dirent.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/io.h"
#include "base/jsonio.h"
#include "base/mem.h"
#include "base/path.h"
#include "net/auth.h"

enum { FILE_MAX = 64 * 1024 };

struct auth {
	struct login {
		char *host;
		char *header;
	} * logins;
	size_t count;
};

static void forget(struct login *l)
{
	explicit_bzero(l->header, strlen(l->header));
	free(l->header);
	free(l->host);
}

static void put(struct auth *a, const char *host, const char *header)
{
	for (size_t i = 0; i < a->count; i++)
		if (!strcasecmp(a->logins[i].host, host)) {
			forget(&a->logins[i]);
			a->logins[i] = a->logins[--a->count];
			break;
		}
	a->logins = mem_resize(a->logins, a->count + 1, sizeof *a->logins);
	a->logins[a->count++] = (struct login){ mem_text(host), mem_text(header) };
}

static bool fits_header(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			return false;
	return true;
}

char *auth_basic(const char *user, const char *password)
{
	mem_auto char *plain = mem_format("%s:%s", user, password);
	size_t length = strlen(plain);
	mem_auto char *coded = mem_alloc(length / 3 * 4 + 5);
	EVP_EncodeBlock((unsigned char *)coded, (const unsigned char *)plain, (int)length);
	char *header = mem_format("Basic %s", coded);
	explicit_bzero(plain, length);
	explicit_bzero(coded, strlen(coded));
	return header;
}

// The Authorization of one file, malloced, or NULL.
static char *header_of(const json_t *file, struct err *e)
{
	const char *type = jsonio_need_text(file, "type", e);
	const json_t *credentials = jsonio_get_object(file, "credentials", e);
	if (e->status)
		return NULL;
	if (!strcmp(type, "basic")) {
		const char *user = jsonio_need_text(credentials, "user", e);
		const char *password = e->status ? NULL : jsonio_need_text(credentials, "password", e);
		if (e->status)
			return NULL;
		if (fits_header(user) && fits_header(password) && !strchr(user, ':'))
			return auth_basic(user, password);
	} else if (!strcmp(type, "oauth")) {
		const char *token = jsonio_need_text(credentials, "token", e);
		if (e->status)
			return NULL;
		if (fits_header(token))
			return mem_format("Bearer %s", token);
	} else {
		err_set(e, STATUS_MALFORMED, "field 'type': expected basic or oauth, found '%.40s'", type);
		return NULL;
	}
	err_set(e, STATUS_MALFORMED, "field 'credentials': a character that a header cannot hold");
	return NULL;
}

static int take_file(struct auth *a, const json_t *file, struct err *e)
{
	const char *kind = jsonio_need_text(file, "rktKind", e);
	const char *version = e->status ? NULL : jsonio_need_text(file, "rktVersion", e);
	if (e->status)
		return -1;
	if (strcmp(kind, "auth") != 0)
		return 0;
	if (strcmp(version, "v1") != 0)
		return err_set(e, STATUS_MALFORMED, "field 'rktVersion': expected v1, found '%.40s'", version);
	const json_t *domains = jsonio_get_array(file, "domains", e);
	if (!json_array_size(domains))
		return err_set(e, STATUS_MALFORMED, "field 'domains': no domain");
	mem_auto char *header = header_of(file, e);
	size_t i;
	json_t *domain;
	json_array_foreach(domains, i, domain) {
		if (header && !json_is_string(domain))
			err_set(e, STATUS_MALFORMED, "field 'domains': not a string");
		else if (header)
			put(a, json_string_value(domain), header);
	}
	if (header)
		explicit_bzero(header, strlen(header));
	return e->status ? -1 : 0;
}

static int load_file(struct auth *a, const char *path, struct err *e)
{
	buf_auto text = { 0 };
	if (io_read_secret(path, FILE_MAX, &text, e) < 0)
		return -1;
	mem_auto char *subject = mem_format("'%s'", path);
	jsonio_auto json_t *file = jsonio_parse(buf_text(&text), text.length, subject, e);
	explicit_bzero(text.data, text.length);
	if (!file)
		return -1;
	return take_file(a, file, e) < 0 ? err_context(e, "'%s'", path) : 0;
}

static int is_json(const struct dirent *entry)
{
	size_t n = strlen(entry->d_name);
	return *entry->d_name != '.' && n > 5 && !strcmp(entry->d_name + n - 5, ".json");
}

static int in_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int load_directory(struct auth *a, const char *directory, struct err *e)
{
	io_auto int fd = path_open_state(directory, false, 0, e);
	if (fd < 0 && e->status == STATUS_NOT_FOUND) {
		*e = (struct err){ 0 };
		return 0;
	}
	struct dirent **names = NULL;
	int count = fd < 0 ? -1 : scandirat(fd, ".", &names, is_json, in_bytes);
	if (fd >= 0 && count < 0)
		err_open(e, directory);
	for (int i = 0; i < count; i++) {
		mem_auto char *path = mem_format("%s/%s", directory, names[i]->d_name);
		if (!e->status)
			load_file(a, path, e);
		free(names[i]);
	}
	free(names);
	return e->status ? -1 : 0;
}

struct auth *auth_load(const struct texts *directories, struct err *e)
{
	struct auth *a = mem_alloc(sizeof *a);
	for (size_t i = 0; i < directories->count; i++)
		if (load_directory(a, directories->items[i], e) < 0) {
			auth_free(a);
			return NULL;
		}
	return a;
}

const char *auth_header(const struct auth *a, const char *host)
{
	for (size_t i = 0; a && i < a->count; i++)
		if (!strcasecmp(a->logins[i].host, host))
			return a->logins[i].header;
	return NULL;
}

void auth_free(struct auth *a)
{
	if (!a)
		return;
	for (size_t i = 0; i < a->count; i++)
		forget(&a->logins[i]);
	free(a->logins);
	free(a);
}
