// userdata-make - write the user data of an encrypted instance
// SPDX-License-Identifier: Apache-2.0
//
// stdin: nothing. stdout: a MIME message, the same bytes for the same options: `text/brkt-config` (JSON: the launch token, time servers)
// and, when there are files, `text/brkt-files` (YAML: path and contents). 1 when a name, a proxy or a file is refused.
#include <arpa/inet.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cmd.h"
#include "base/io.h"
#include "base/jsonio.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/sandbox.h"
#include "base/secret.h"
#include "base/utf8.h"
#include "base/yamlio.h"
#include "crypto/jose.h"

#define BOUNDARY     "--===============HI-20131203==--"
#define INSTANCE_DIR "/var/brkt/instance_config"
#define IMAGE_DIR    "/var/brkt/ami_config"

// EC2 takes that much user data, before base64 and gzip or not.
enum { SIZE_TAKEN = 16384 };

enum { FILE_MAX = 1 << 20, HOST_MAX = 255, LABEL_MAX = 63, PORT_MAX = 65535, STATUS_PORT_TAKEN = 81 };

static struct {
	const char *token_file, *proxy_file, *guest_fqdn, *solo_mode;
	struct texts time_servers, proxies, files;
	int64_t status_port, max_size;
	bool image_config;
} user = { .max_size = SIZE_TAKEN };

static const struct cmd_option options[] = {
	CMD_TEXT(0, "token-file", "FILE", &user.token_file, "the launch token is the first line of this file"),
	CMD_TEXTS(0, "ntp-server", "NAME", &user.time_servers, "a time server, by host name or IPv4 address; repeatable"),
	CMD_TEXTS(0, "proxy", "HOST:PORT", &user.proxies, "an https proxy for the key service; repeatable"),
	CMD_TEXT(0, "proxy-config-file", "FILE", &user.proxy_file, "the proxies, as YAML; excludes --proxy"),
	CMD_TEXTS(0, "brkt-file", "FILE", &user.files, "a file to put into the instance under its own name; repeatable"),
	CMD_TEXT(0, "guest-fqdn", "NAME", &user.guest_fqdn, "the name the guest answers to"),
	CMD_NUMBER(0, "status-port", "N", &user.status_port, 1, PORT_MAX, "where a worker tells its progress; not 81"),
	CMD_CHOICE(0, "solo-mode", &user.solo_mode, "updater", "what a worker is there for"),
	CMD_FLAG(0, "image-config", &user.image_config, "files go to " IMAGE_DIR ", as a worker wants them"),
	CMD_SIZE(0, "max-size", &user.max_size, "refuse a longer message; 16K unless told, what EC2 takes"),
	CMD_END,
};

static const struct cmd cmd = {
	.name = "userdata-make",
	.operands = "",
	.summary = "write the user data of an encrypted instance",
	.reads = CMD_NONE,
	.writes = CMD_BYTES,
	.options = options,
};

// ---- what is accepted ----

// RFC 1123 section 2.1: labels of letters, digits and inner hyphens.
static bool is_host_name(const char *text)
{
	static const char bytes[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-";
	if (!*text || strlen(text) > HOST_MAX)
		return false;
	for (;;) {
		size_t n = strspn(text, bytes);
		if (!n || n > LABEL_MAX || *text == '-' || text[n - 1] == '-')
			return false;
		if (!text[n])
			return true;
		if (text[n] != '.')
			return false;
		text += n + 1;
	}
}

// Four numbers and nothing else are an address, and must be a good one.
static bool is_host(const char *text)
{
	struct in_addr address;
	bool numeric = !text[strspn(text, "0123456789.")];
	return numeric ? inet_pton(AF_INET, text, &address) == 1 : is_host_name(text);
}

static bool is_port(const char *text)
{
	size_t n = strspn(text, "0123456789");
	long port = n && n <= 5 && !text[n] ? strtol(text, NULL, 10) : 0;
	return port >= 1 && port <= PORT_MAX;
}

static int check_time_servers(struct err *e)
{
	for (size_t i = 0; i < user.time_servers.count; i++)
		if (!is_host(user.time_servers.items[i]))
			return err_set(e, STATUS_REFUSED,
				"Invalid ntp-server %s specified. Should be either a host name or an IPv4 address",
				user.time_servers.items[i]);
	return 0;
}

// The launch token must be one that the service can judge: header and payload hold what it asks for.
static int check_token(const char *text, struct err *e)
{
	static const char *const needed[] = { "typ", "alg", "kid" };
	struct jose_token token;
	buf_auto missing = { 0 };
	enum jose_reason reason = jose_parse(text, strlen(text), &token);
	for (size_t i = 0; reason == JOSE_GOOD && i < ARRAY_LENGTH(needed); i++)
		if (!json_object_get(token.header, needed[i]))
			buf_add_format(&missing, "%s%s", missing.length ? "," : "", needed[i]);
	bool has_jti = json_object_get(token.payload, "jti");
	jose_free(&token);
	if (reason != JOSE_GOOD)
		return err_set(e, reason == JOSE_TOO_LONG ? STATUS_LIMIT : STATUS_MALFORMED, "token: %s",
			jose_reason_text(reason));
	if (missing.length)
		return err_set(e, STATUS_MALFORMED,
			"Missing fields in token header: %s.  Use the make-token command to generate a valid token.",
			missing.data);
	if (!has_jti)
		return err_set(e, STATUS_MALFORMED,
			"Token payload does not contain the jti field.  Use the make-token command to generate a valid token.");
	return 0;
}

// ---- the proxies ----

static int proxies_from_options(struct buf *out, struct err *e)
{
	buf_add_text(out, "version: 2.0\nproxies:\n");
	for (size_t i = 0; i < user.proxies.count; i++) {
		const char *proxy = user.proxies.items[i], *colon = strrchr(proxy, ':');
		if (!colon || colon == proxy || !is_port(colon + 1))
			return err_set(e, STATUS_REFUSED, "%s is not in host:port format", proxy);
		mem_auto char *host = mem_text_n(proxy, (size_t)(colon - proxy));
		if (!is_host(host))
			return err_set(e, STATUS_REFUSED, "%s is not a valid hostname", host);
		buf_add_format(out, "  - host: %s\n    port: %s\n    protocol: https\n    usage: encryptor\n", host, colon + 1);
	}
	return 0;
}

static bool lists_proxies(yaml_document_t *document)
{
	const yaml_node_t *list = yamlio_member(document, yaml_document_get_root_node(document), "proxies");
	if (!list || list->type != YAML_SEQUENCE_NODE || list->data.sequence.items.start == list->data.sequence.items.top)
		return false;
	for (yaml_node_item_t *item = list->data.sequence.items.start; item < list->data.sequence.items.top; item++) {
		const yaml_node_t *proxy = yaml_document_get_node(document, *item);
		const char *host = yamlio_text(yamlio_member(document, proxy, "host"));
		const char *port = yamlio_text(yamlio_member(document, proxy, "port"));
		if (!host || !is_host(host) || !port || !is_port(port))
			return false;
	}
	return true;
}

// The file goes in as it is, once it is known to name proxies.
static int proxies_from_file(struct buf *out, struct err *e)
{
	yaml_document_t document;
	struct err unread = { 0 };
	if (io_read_file(user.proxy_file, FILE_MAX, out, e) < 0)
		return -1;
	bool parsed = yamlio_parse(buf_text(out), out->length, user.proxy_file, &document, &unread) == 0;
	bool good = parsed && lists_proxies(&document);
	if (parsed)
		yaml_document_delete(&document);
	return good ? 0
		    : err_set(e, STATUS_REFUSED, "'%s': expected YAML with `proxies', each with host and port", user.proxy_file);
}

// ---- the parts ----

struct file {
	char *path;
	struct buf contents;
};

struct files {
	struct file *items;
	size_t count;
};

// A file of the instance; the caller fills its contents. Two of one path would hide each other.
static struct buf *add_file(struct files *files, const char *name, struct err *e)
{
	char *path = mem_format("%s/%s", user.image_config ? IMAGE_DIR : INSTANCE_DIR, name);
	for (size_t i = 0; i < files->count; i++)
		if (!strcmp(files->items[i].path, path)) {
			err_set(e, STATUS_REFUSED, "'%s': two files of this name", name);
			free(path);
			return NULL;
		}
	files->items = mem_resize(files->items, files->count + 1, sizeof *files->items);
	files->items[files->count] = (struct file){ .path = path };
	return &files->items[files->count++].contents;
}

static int collect(struct files *files, struct err *e)
{
	struct buf *contents;
	for (size_t i = 0; i < user.files.count; i++) {
		contents = add_file(files, path_base(user.files.items[i]), e);
		if (!contents || io_read_file(user.files.items[i], FILE_MAX, contents, e) < 0)
			return -1;
	}
	if (user.proxies.count || user.proxy_file) {
		contents = add_file(files, "proxy.yaml", e);
		if (!contents || (user.proxy_file ? proxies_from_file(contents, e) : proxies_from_options(contents, e)) < 0)
			return -1;
	}
	if (!user.guest_fqdn)
		return 0;
	if (!is_host_name(user.guest_fqdn))
		return err_set(e, STATUS_REFUSED, "%s is not a valid hostname", user.guest_fqdn);
	contents = add_file(files, "vpn.yaml", e);
	if (!contents)
		return -1;
	buf_add_format(contents, "fqdn: %s\n", user.guest_fqdn);
	return 0;
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct file *)a)->path, ((const struct file *)b)->path);
}

// A double-quoted scalar (YAML 1.2 section 7.3.1) in ASCII. Not JSON's escapes: they split what lies above U+FFFF in two.
static void add_yaml_text(struct buf *out, const struct buf *text)
{
	unsigned code = 0;
	buf_add_byte(out, '"');
	for (size_t i = 0; i < text->length; i += utf8_decode(text->data + i, text->length - i, &code)) {
		utf8_decode(text->data + i, text->length - i, &code);
		if (code == '\n')
			buf_add_text(out, "\\n");
		else if (code == '"' || code == '\\')
			buf_add_format(out, "\\%c", (int)code);
		else if (code >= 0x20 && code < 0x7f)
			buf_add_byte(out, (char)code);
		else
			buf_add_format(out, code < 0x100 ? "\\x%02X" : code < 0x10000 ? "\\u%04X" : "\\U%08X", code);
	}
	buf_add_byte(out, '"');
}

static void add_yaml_binary(struct buf *out, const struct buf *bytes)
{
	size_t room = sodium_base64_encoded_len(bytes->length, sodium_base64_VARIANT_ORIGINAL);
	mem_auto char *text = mem_alloc(room);
	sodium_bin2base64(text, room, (const unsigned char *)buf_text(bytes), bytes->length, sodium_base64_VARIANT_ORIGINAL);
	buf_add_format(out, "!!binary \"%s\"", text);
}

static void add_files(struct buf *out, struct files *files)
{
	if (files->count)
		qsort(files->items, files->count, sizeof *files->items, by_path);
	for (size_t i = 0; i < files->count; i++) {
		const struct buf *contents = &files->items[i].contents;
		const struct buf path = { .data = files->items[i].path, .length = strlen(files->items[i].path) };
		bool plain = !path.data[strspn(path.data, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./-")];
		if (plain)
			buf_add_text(out, path.data);
		else
			add_yaml_text(out, &path);
		buf_add_text(out, ": {contents: ");
		if (utf8_valid(buf_text(contents), contents->length))
			add_yaml_text(out, contents);
		else
			add_yaml_binary(out, contents);
		buf_add_text(out, "}\n");
	}
}

static void add_config(struct buf *out, const char *token)
{
	jsonio_auto json_t *config = json_object();
	if (token)
		json_object_set_new(config, "identity_token", json_string(token));
	if (user.time_servers.count) {
		json_t *servers = json_array();
		for (size_t i = 0; i < user.time_servers.count; i++)
			json_array_append_new(servers, json_string(user.time_servers.items[i]));
		json_object_set_new(config, "ntp_servers", servers);
	}
	if (user.status_port)
		json_object_set_new(config, "status_port", json_integer((json_int_t)user.status_port));
	if (user.solo_mode)
		json_object_set_new(config, "solo_mode", json_string(user.solo_mode));
	jsonio_auto json_t *whole = json_pack("{s:O}", "brkt", config);
	char *text =
		json_dumps(whole, JSON_SORT_KEYS | JSON_ENSURE_ASCII); // `, ` and `: `, as the reader of the old format saw them
	buf_add_text(out, text);
	explicit_bzero(text, strlen(text));
	free(text);
}

static void add_part(struct buf *out, const char *type, const struct buf *body)
{
	buf_add_format(out,
		"--" BOUNDARY "\nContent-Type: %s; charset=\"utf-8\"\nMIME-Version: 1.0\nContent-Transfer-Encoding: 7bit\n\n",
		type);
	buf_add(out, body->data, body->length);
	buf_add_byte(out, '\n');
}

static void add_message(struct buf *out, const char *token, struct files *files)
{
	secret_auto config = { 0 };
	buf_auto list = { 0 };
	buf_add_text(out,
		"From nobody Tue Dec  3 19:00:57 2013\nContent-Type: multipart/mixed; boundary=\"" BOUNDARY
		"\"\nMIME-Version: 1.0\n\n");
	add_config(&config, token);
	add_part(out, "text/brkt-config", &config);
	add_files(&list, files);
	if (files->count)
		add_part(out, "text/brkt-files", &list);
	buf_add_text(out, "--" BOUNDARY "--\n");
}

static int read_token(struct buf *token, struct err *e)
{
	if (!user.token_file)
		return 0;
	return secret_from_file(user.token_file, token, e) < 0 ? -1 : check_token(token->data, e);
}

static int check_size(const struct buf *message, struct err *e)
{
	if ((int64_t)message->length <= user.max_size)
		return 0;
	return err_set(e, STATUS_LIMIT, "the message has %zu bytes: at most %" PRId64 " are allowed", message->length,
		user.max_size);
}

static void check_usage(void)
{
	if (user.proxies.count && user.proxy_file)
		cmd_usage("--proxy and --proxy-config-file exclude each other");
	if (user.status_port == STATUS_PORT_TAKEN)
		cmd_usage("option --status-port: 81 is taken");
}

static void allow_inputs(struct sandbox *sandbox)
{
	const char *named[] = { user.token_file, user.proxy_file };
	for (size_t i = 0; i < ARRAY_LENGTH(named); i++)
		if (named[i])
			texts_add(&sandbox->reads, named[i]);
	for (size_t i = 0; i < user.files.count; i++)
		texts_add(&sandbox->reads, user.files.items[i]);
}

int main(int argc, char **argv)
{
	struct err e = { 0 };
	struct sandbox sandbox = { 0 };
	struct files files = { 0 };
	secret_auto token = { 0 };
	secret_auto message = { 0 };
	cmd_start(&cmd, argc, argv);
	check_usage();
	secret_guard();
	allow_inputs(&sandbox);
	if (sandbox_enter(&sandbox, &e) < 0 || read_token(&token, &e) < 0 || check_time_servers(&e) < 0 ||
		collect(&files, &e) < 0)
		return cmd_fail(&e);
	add_message(&message, token.length ? token.data : NULL, &files);
	if (check_size(&message, &e) < 0)
		return cmd_fail(&e);
	fwrite(message.data, 1, message.length, stdout);
	for (size_t i = 0; i < files.count; i++) {
		free(files.items[i].path);
		buf_free(&files.items[i].contents);
	}
	free(files.items);
	return cmd_finish();
}
