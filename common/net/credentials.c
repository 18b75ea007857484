// credentials.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/jsonio.h"
#include "base/mem.h"
#include "base/secret.h"
#include "net/credentials.h"
#include "net/credhelper.h"

#define DOCKER_SERVER "https://index.docker.io/v1/" // what docker calls its own registry in files and to helpers

enum { FILE_MAX = 1024 * 1024, FILES_MAX = 6, LOGIN_MAX = 64 * 1024, TOKEN_MAX = 64 * 1024 };

static struct {
	const char *authfile, *login, *token;
} user;

const struct cmd_option credentials_options[] = {
	CMD_TEXT(0, "authfile", "FILE", &user.authfile, "look for logins in this file first"),
	CMD_TEXT(0, "login", "FILE", &user.login, "user and password, a line each, in place of the files of logins"),
	CMD_TEXT(0, "registry-token", "FILE", &user.token, "send the token of this file, as reg-auth wrote it"),
	CMD_END,
};

static struct file {
	char *path;
	json_t *json;
	bool exposed; // to group or others
	struct err wrong;
} files[FILES_MAX];
static size_t file_count;
static struct texts helpers;
static struct credential given; // --login
static struct buf token;
static char *given_for; // the host that the two are for

// ---- reading the files ----

static bool fits(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			return false;
	return true;
}

static void parse(struct file *f, int fd)
{
	struct stat st;
	secret_auto text = { 0 };
	struct err *e = &f->wrong;
	f->exposed = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & 077);
	if (io_read_stream(fd, FILE_MAX, f->path, &text, e) < 0)
		return;
	mem_auto char *subject = mem_format("'%s'", f->path);
	f->json = jsonio_parse(buf_text(&text), text.length, subject, e);
	if (f->json && !json_is_object(f->json))
		err_set(e, STATUS_MALFORMED, "'%s': not an object", f->path);
}

// A file that is not there holds no login, unless the user named it by an option.
static int load(char *path, bool needed, struct err *e)
{
	io_auto int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0 && !needed && (errno == ENOENT || errno == ENOTDIR || errno == EACCES)) {
		free(path);
		return 0;
	}
	if (fd < 0) {
		err_open(e, path);
		free(path);
		return -1;
	}
	struct file *f = &files[file_count++];
	*f = (struct file){ .path = path };
	parse(f, fd);
	return 0;
}

static const char *set(const char *name)
{
	const char *value = getenv(name);
	return value && *value ? value : NULL;
}

static int load_all(struct err *e)
{
	const char *named = set("REGISTRY_AUTH_FILE"), *runtime = set("XDG_RUNTIME_DIR"), *config = set("XDG_CONFIG_HOME"),
		   *docker = set("DOCKER_CONFIG"), *home = set("HOME");
	if (user.authfile && load(mem_text(user.authfile), true, e) < 0)
		return -1;
	if (named && load(mem_text(named), false, e) < 0)
		return -1;
	if (runtime && load(mem_format("%s/containers/auth.json", runtime), false, e) < 0)
		return -1;
	if (config && load(mem_format("%s/containers/auth.json", config), false, e) < 0)
		return -1;
	if (!config && home && load(mem_format("%s/.config/containers/auth.json", home), false, e) < 0)
		return -1;
	if (docker)
		return load(mem_format("%s/config.json", docker), false, e);
	return home ? load(mem_format("%s/.docker/config.json", home), false, e) : 0;
}

static void note_helper(struct file *f, const char *name)
{
	if (!name || !*name)
		return;
	if (!credhelper_name_is_valid(name))
		err_set(&f->wrong, STATUS_MALFORMED, "'%s': '%.40s' is no name of a credential helper", f->path, name);
	else if (!texts_has(&helpers, name))
		texts_add(&helpers, name);
}

static void note_helpers(struct file *f)
{
	const char *server;
	json_t *name;
	if (f->wrong.status)
		return;
	note_helper(f, jsonio_get_text(f->json, "credsStore", &f->wrong));
	json_object_foreach(jsonio_get_object(f->json, "credHelpers", &f->wrong), server, name)
		note_helper(f, json_string_value(name));
	jsonio_get_object(f->json, "auths", &f->wrong);
}

static int load_login(struct err *e)
{
	secret_auto name = { 0 }, password = { 0 };
	if (secret_lines_from_file(user.login, &name, &password, e) < 0)
		return -1;
	if (!name.length || !password.length)
		return err_set(e, STATUS_MALFORMED, "'%s': not a user and a password, a line each", user.login);
	given = (struct credential){ .user = mem_text(buf_text(&name)), .password = mem_text(buf_text(&password)) };
	return 0;
}

static int load_token(struct err *e)
{
	if (io_read_secret(user.token, TOKEN_MAX, &token, e) < 0)
		return -1;
	token.length = strcspn(buf_text(&token), "\r\n");
	if (!token.length)
		return err_set(e, STATUS_REFUSED, "'%s': an empty secret", user.token);
	token.data[token.length] = '\0';
	return fits(token.data) ? 0 : err_set(e, STATUS_MALFORMED, "'%s': a character that a header cannot hold", user.token);
}

int credentials_prepare(struct err *e)
{
	secret_guard();
	if (user.token && load_token(e) < 0)
		return -1;
	if (user.login && load_login(e) < 0)
		return -1;
	if (load_all(e) < 0)
		return -1;
	for (size_t i = 0; i < file_count; i++)
		note_helpers(&files[i]);
	return helpers.count ? credhelper_start(&helpers, e) : 0;
}

// ---- keys ----

const char *credentials_host(const char *host)
{
	static const char *const names[] = { "docker.io", "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com" };
	for (size_t i = 0; i < ARRAY_LENGTH(names); i++)
		if (!strcasecmp(host, names[i]))
			return names[0];
	return host;
}

// Keys may be written as URLs, as docker once did: then only their host counts. Malloced.
static char *normal_key(const char *key)
{
	const char *scheme = strstr(key, "://");
	const char *start = scheme ? scheme + 3 : key;
	size_t n = strcspn(start, "/");
	mem_auto char *host = mem_text_n(start, n);
	return mem_format("%s%s", credentials_host(host), scheme ? "" : start + n);
}

// The member of object whose key is the most specific for HOST/REPOSITORY; *key is that key.
static const json_t *member(const json_t *object, const char *host, const char *repository, const char **key)
{
	mem_auto char *wanted = mem_format("%s%s%s", host, repository ? "/" : "", repository ? repository : "");
	for (;;) {
		const char *name;
		json_t *value;
		json_object_foreach((json_t *)object, name, value) {
			mem_auto char *normal = normal_key(name);
			*key = name;
			if (!strcasecmp(normal, wanted))
				return value;
		}
		char *slash = strrchr(wanted, '/');
		if (!slash)
			return NULL;
		*slash = '\0';
	}
}

// ---- one login ----

static int take(struct credential *c, const char *name, const char *password, const char *identity, struct err *e)
{
	if (identity && *identity)
		c->token = mem_text(identity);
	else if (name && *name && password)
		*c = (struct credential){ .user = mem_text(name), .password = mem_text(password) };
	else
		return 0;
	bool good = c->token ? fits(c->token) : fits(c->user) && fits(c->password) && !strchr(c->user, ':');
	return good ? 1 : err_set(e, STATUS_MALFORMED, "a login with a character that a header cannot hold");
}

// `auth`: the base64 of USER:PASSWORD. Not read by b64.h, for which every program that asks a registry would load libsodium.
static int take_packed(struct credential *c, const char *packed, const char *identity, struct err *e)
{
	size_t n = strlen(packed);
	secret_auto plain = { 0 };
	if (n > LOGIN_MAX || n % 4)
		return err_set(e, STATUS_MALFORMED, "field 'auth': not base64");
	buf_reserve(&plain, n);
	int length = EVP_DecodeBlock((unsigned char *)plain.data, (const unsigned char *)packed, (int)n);
	while (length > 0 && n && packed[n - 1] == '=') {
		length--;
		n--;
	}
	if (length < 0)
		return err_set(e, STATUS_MALFORMED, "field 'auth': not base64");
	plain.length = (size_t)length;
	while (plain.length && !plain.data[plain.length - 1]) // docker once padded with these
		plain.length--;
	plain.data[plain.length] = '\0';
	char *colon = strchr(plain.data, ':');
	if (!colon)
		return err_set(e, STATUS_MALFORMED, "field 'auth': no colon between user and password");
	*colon = '\0';
	return take(c, plain.data, colon + 1, identity, e);
}

static int from_entry(const struct file *f, const json_t *entry, struct credential *c, struct err *e)
{
	const char *packed = jsonio_get_text(entry, "auth", e), *name = jsonio_get_text(entry, "username", e),
		   *password = jsonio_get_text(entry, "password", e), *identity = jsonio_get_text(entry, "identitytoken", e);
	if (e->status)
		return -1;
	bool secret = (packed && *packed) || (password && *password) || (identity && *identity);
	if (secret && f->exposed) {
		err_set(e, STATUS_REFUSED, "group or others may read this file, which holds a login");
		return err_hint(e, "chmod 600 '%s'", f->path);
	}
	return packed && *packed ? take_packed(c, packed, identity, e) : take(c, name, password, identity, e);
}

static int from_helper(const char *name, const char *server, struct credential *c, struct err *e)
{
	secret_auto answer = { 0 };
	int got = credhelper_ask(name, server, &answer, e);
	if (got <= 0)
		return got;
	mem_auto char *subject = mem_format("docker-credential-%s", name);
	jsonio_auto json_t *json = jsonio_parse(buf_text(&answer), answer.length, subject, e);
	const char *login = jsonio_get_text(json, "Username", e), *secret = jsonio_get_text(json, "Secret", e);
	if (!json || e->status)
		return -1;
	bool identity = login && !strcmp(login, "<token>");
	return take(c, login, secret, identity ? secret : NULL, e);
}

static const char *server_of(const char *host)
{
	return !strcmp(host, "docker.io") ? DOCKER_SERVER : host;
}

static int in_file(const struct file *f, const char *host, const char *repository, struct credential *c, struct err *e)
{
	const char *key = "";
	if (f->wrong.status) {
		*e = f->wrong;
		return -1;
	}
	const char *helper = json_string_value(member(json_object_get(f->json, "credHelpers"), host, repository, &key));
	const char *server = helper && strchr(key, '/') && !strstr(key, "://") ? key : server_of(host);
	int got = helper && *helper ? from_helper(helper, server, c, e) : 0;
	const char *store = json_string_value(json_object_get(f->json, "credsStore"));
	if (!got && store && *store)
		got = from_helper(store, server_of(host), c, e);
	const json_t *entry = got ? NULL : member(json_object_get(f->json, "auths"), host, repository, &key);
	if (!got && entry)
		got = from_entry(f, entry, c, e);
	return got < 0 ? err_context(e, "'%s'", f->path) : got;
}

int credentials_find(const char *host, const char *repository, struct credential *c, struct err *e)
{
	*c = (struct credential){ 0 };
	if (given.user && given_for && !strcasecmp(given_for, host))
		return take(c, given.user, given.password, NULL, e);
	int got = 0;
	for (size_t i = 0; !got && i < file_count; i++)
		got = in_file(&files[i], credentials_host(host), repository, c, e);
	if (got < 0)
		credentials_forget(c);
	return got;
}

const char *credentials_token(const char *host)
{
	if (!given_for)
		given_for = mem_text(host);
	return token.length && !strcasecmp(given_for, host) ? token.data : NULL;
}

// ---- the end ----

static void wipe(char *text)
{
	if (text)
		explicit_bzero(text, strlen(text));
	free(text);
}

void credentials_forget(struct credential *c)
{
	wipe(c->user);
	wipe(c->password);
	wipe(c->token);
	*c = (struct credential){ 0 };
}

void credentials_end(void)
{
	credhelper_end();
	credentials_forget(&given);
	free(mem_steal(given_for));
	secret_wipe(&token);
	for (size_t i = 0; i < file_count; i++) {
		json_decref(files[i].json);
		free(files[i].path);
	}
	file_count = 0;
	texts_free(&helpers);
}
