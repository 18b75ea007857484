// tufsim - a TUF repository that does what a test tells it, right or wrong
// SPDX-License-Identifier: Apache-2.0
//
// Shares no code with the kit: the canonical form is made of Jansson's sorted dump, libsodium signs.
// A key is its name: its seed is the name's hash. Bodies lie in DIR/work, the names of the keys that will sign them in DIR/signers, what
// is published in DIR/metadata and DIR/targets. Between two calls a test may edit any of them.
//
//	tufsim init DIR                          root, timestamp, snapshot, targets in version 1, each by a key of its own name
//	tufsim publish [-n] [-h] DIR ROLE...     next version (-n: as it stands), signed; -h lists length and hashes
//	tufsim key NAME                          its key object
//	tufsim addkey DIR DELEGATOR ROLE NAME    lists the key for the role, and lets it sign
//	tufsim rotate DIR ROLE NAME...           the root lists these keys for the role, and no others, and they sign
//	tufsim delegate DIR DELEGATOR ROLE JSON  a delegation with these members, to a role with one key of its own name
//	tufsim target DIR ROLE PATH              stdin becomes a target of the role
#include <errno.h>
#include <jansson.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "tufsim: %s: %s\n", what, strerror(errno));
	exit(1);
}

// ---- names and files ----

static const char *quoted(const char *role)
{
	static char out[4][16384];
	static int turn;
	char *at = out[turn = (turn + 1) % 4];
	const char *start = at;
	if (!strcmp(role, ".") || !strcmp(role, ".."))
		return role[1] ? "%2E%2E" : "%2E"; // no file name stands for it
	for (; *role; role++)
		if (strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~", *role))
			*at++ = *role;
		else
			at += sprintf(at, "%%%02X", (unsigned char)*role);
	*at = '\0';
	return start;
}

static char *path(const char *dir, const char *sub, const char *name)
{
	char *out;
	if (asprintf(&out, "%s/%s%s%s", dir, sub, name ? "/" : "", name ? name : "") < 0)
		die("asprintf");
	return out;
}

static void hex_hash(const void *data, size_t length, char hex[65])
{
	unsigned char hash[32];
	crypto_hash_sha256(hash, data, length);
	sodium_bin2hex(hex, 65, hash, sizeof hash);
}

static void write_file(const char *name, const char *data, size_t length)
{
	FILE *f = fopen(name, "w");
	if (!f || fwrite(data, 1, length, f) != length || fclose(f))
		die(name);
}

static char *body_name(const char *dir, const char *role)
{
	char *name;
	if (asprintf(&name, "%s/work/%s.json", dir, quoted(role)) < 0)
		die("asprintf");
	return name;
}

static json_t *load(const char *dir, const char *role)
{
	char *name = body_name(dir, role);
	json_t *body = json_load_file(name, 0, NULL);
	if (!body)
		die(name);
	free(name);
	return body;
}

static void save(const char *dir, const char *role, json_t *body)
{
	char *name = body_name(dir, role);
	if (json_dump_file(body, name, JSON_SORT_KEYS | JSON_INDENT(1)) < 0)
		die(name);
	free(name);
}

// ---- keys ----

static json_t *key_object(const char *name, unsigned char secret[crypto_sign_SECRETKEYBYTES], char keyid[65])
{
	unsigned char seed[32], public[crypto_sign_PUBLICKEYBYTES];
	char hex[65];
	crypto_hash_sha256(seed, (const unsigned char *)name, strlen(name));
	crypto_sign_seed_keypair(public, secret, seed);
	sodium_bin2hex(hex, sizeof hex, public, sizeof public);
	json_t *key = json_pack("{s:s, s:s, s:{s:s}}", "keytype", "ed25519", "scheme", "ed25519", "keyval", "public", hex);
	char *text = json_dumps(key, JSON_SORT_KEYS | JSON_COMPACT);
	hex_hash(text, strlen(text), keyid);
	free(text);
	return key;
}

static void add_signer(const char *dir, const char *role, const char *name)
{
	char *file = path(dir, "signers", quoted(role));
	FILE *f = fopen(file, "a");
	if (!f || fprintf(f, "%s\n", name) < 0 || fclose(f))
		die(file);
	free(file);
}

static void add_key(const char *dir, const char *delegator, const char *role, const char *name)
{
	size_t i;
	char keyid[65];
	unsigned char secret[crypto_sign_SECRETKEYBYTES];
	json_t *entry, *body = load(dir, delegator), *key = key_object(name, secret, keyid), *to = NULL, *bag = body;
	if (!strcmp(delegator, "root")) {
		to = json_object_get(json_object_get(body, "roles"), role);
	} else {
		bag = json_object_get(body, "delegations");
		json_array_foreach(json_object_get(bag, "roles"), i, entry)
			if (!strcmp(json_string_value(json_object_get(entry, "name")), role))
				to = entry;
		to = to ? to : json_object_get(bag, "succinct_roles");
	}
	json_object_set_new(json_object_get(bag, "keys"), keyid, key);
	json_array_append_new(json_object_get(to, "keyids"), json_string(keyid));
	save(dir, delegator, body);
	add_signer(dir, role, name);
	json_decref(body);
}

// ---- publishing ----

// The canonical form of a body: as Jansson sorts and writes it, but newlines and other control characters stand for themselves.
static char *canonical(json_t *body)
{
	char *text = json_dumps(body, JSON_SORT_KEYS | JSON_COMPACT), *to = text;
	for (const char *from = text; *from; from++) {
		if (from[0] == '\\' && from[1] == 'n') {
			*to++ = '\n';
			from++;
			continue;
		}
		if (!strncmp(from, "\\u00", 4)) {
			*to++ = (char)strtol((char[]){ from[4], from[5], 0 }, NULL, 16);
			from += 5;
			continue;
		}
		*to++ = *from;
		if (*from == '\\')
			*to++ = *++from;
	}
	*to = '\0';
	return text;
}

static json_t *sign(const char *dir, const char *role, json_t *body)
{
	char line[4096], *file = path(dir, "signers", quoted(role)), *payload = canonical(body);
	json_t *signatures = json_array();
	FILE *f = fopen(file, "r");
	while (f && fgets(line, sizeof line, f)) {
		char keyid[65], hex[129];
		unsigned char secret[crypto_sign_SECRETKEYBYTES], signature[crypto_sign_BYTES];
		line[strcspn(line, "\n")] = '\0';
		json_decref(key_object(line, secret, keyid));
		crypto_sign_detached(signature, NULL, (const unsigned char *)payload, strlen(payload), secret);
		sodium_bin2hex(hex, sizeof hex, signature, sizeof signature);
		json_array_append_new(signatures, json_pack("{s:s, s:s}", "keyid", keyid, "sig", hex));
	}
	if (f)
		fclose(f);
	free(file);
	free(payload);
	return json_pack("{s:o, s:O}", "signatures", signatures, "signed", body);
}

static void list(const char *dir, const char *in, const char *role, json_int_t version, const char *text, bool hashes)
{
	char *name, hex[65];
	json_t *body = load(dir, in), *entry = json_pack("{s:I}", "version", version);
	hex_hash(text, strlen(text), hex);
	if (hashes) {
		json_object_set_new(entry, "length", json_integer((json_int_t)strlen(text)));
		json_object_set_new(entry, "hashes", json_pack("{s:s}", "sha256", hex));
	}
	if (asprintf(&name, "%s.json", role) < 0)
		die("asprintf");
	json_object_set_new(json_object_get(body, "meta"), name, entry);
	save(dir, in, body);
	json_decref(body);
	free(name);
}

static void publish(const char *dir, const char *role, bool bump, bool hashes)
{
	char *name, *file;
	json_t *body = load(dir, role);
	json_int_t version = json_integer_value(json_object_get(body, "version")) + bump;
	json_object_set_new(body, "version", json_integer(version));
	save(dir, role, body);
	json_t *whole = sign(dir, role, body);
	char *text = json_dumps(whole, JSON_INDENT(1));
	int n = strcmp(role, "timestamp") ? asprintf(&name, "%lld.%s.json", (long long)version, quoted(role))
					  : asprintf(&name, "%s.json", role);
	if (n < 0)
		die("asprintf");
	file = path(dir, "metadata", name);
	write_file(file, text, strlen(text));
	if (!strcmp(role, "snapshot"))
		list(dir, "timestamp", role, version, text, hashes);
	else if (strcmp(role, "root") && strcmp(role, "timestamp"))
		list(dir, "snapshot", role, version, text, hashes);
	json_decref(body);
	json_decref(whole);
	free(text);
	free(name);
	free(file);
}

static json_t *new_body(const char *type)
{
	char expires[32];
	time_t then = time(NULL) + 30 * 86400;
	strftime(expires, sizeof expires, "%Y-%m-%dT%H:%M:%SZ", gmtime(&then));
	return json_pack("{s:s, s:s, s:s, s:i}", "_type", type, "spec_version", "1.0.34", "expires", expires, "version", 0);
}

static void init(const char *dir)
{
	static const char *const roles[] = { "root", "timestamp", "snapshot", "targets" };
	static const char *const dirs[] = { "", "/work", "/signers", "/metadata", "/targets" };
	for (size_t i = 0; i < 5; i++) {
		char *name = path(dir, dirs[i], NULL);
		if (mkdir(name, 0755) < 0 && errno != EEXIST)
			die(name);
		free(name);
	}
	for (size_t i = 0; i < 4; i++) {
		json_t *body = new_body(roles[i]);
		json_object_set_new(body, i == 0 ? "roles" : i == 3 ? "targets" : "meta", json_object());
		if (i == 0) {
			json_object_set_new(body, "keys", json_object());
			json_object_set_new(body, "consistent_snapshot", json_true());
			for (size_t j = 0; j < 4; j++)
				json_object_set_new(json_object_get(body, "roles"), roles[j],
					json_pack("{s:[], s:i}", "keyids", "threshold", 1));
		}
		save(dir, roles[i], body);
		json_decref(body);
	}
	for (size_t i = 0; i < 4; i++)
		add_key(dir, "root", roles[i], roles[i]);
	for (size_t i = 4; i-- > 0;)
		publish(dir, roles[i == 3 ? 3 : i == 2 ? 2 : i == 1 ? 1 : 0], true, false);
}

static void rotate(const char *dir, const char *role, char **names)
{
	char *file = path(dir, "signers", quoted(role));
	json_t *body = load(dir, "root");
	json_array_clear(json_object_get(json_object_get(json_object_get(body, "roles"), role), "keyids"));
	save(dir, "root", body);
	write_file(file, "", 0);
	for (; *names; names++)
		add_key(dir, "root", role, *names);
	json_decref(body);
	free(file);
}

static void delegate(const char *dir, const char *delegator, const char *role, const char *members)
{
	json_t *body = load(dir, delegator), *entry = json_loads(members, 0, NULL),
	       *delegations = json_object_get(body, "delegations");
	if (!entry)
		die("JSON");
	if (!delegations) {
		delegations = json_pack("{s:{}, s:[]}", "keys", "roles");
		json_object_set_new(body, "delegations", delegations);
	}
	json_t *whole = json_pack("{s:s, s:[], s:i, s:b}", "name", role, "keyids", "threshold", 1, "terminating", 0);
	json_object_update(whole, entry);
	json_array_append_new(json_object_get(delegations, "roles"), whole);
	save(dir, delegator, body);
	char *name = body_name(dir, role), *key;
	struct stat st;
	if (stat(name, &st) < 0) {
		json_t *fresh = new_body("targets");
		json_object_set_new(fresh, "targets", json_object());
		save(dir, role, fresh);
		json_decref(fresh);
	}
	if (asprintf(&key, "%s/%s", delegator, role) < 0)
		die("asprintf");
	add_key(dir, delegator, role, key);
	json_decref(body);
	json_decref(entry);
	free(name);
	free(key);
}

static void target(const char *dir, const char *role, const char *name)
{
	static char data[1 << 20];
	char hex[65], *file;
	size_t length = fread(data, 1, sizeof data, stdin);
	const char *slash = strrchr(name, '/');
	int head = slash ? (int)(slash + 1 - name) : 0;
	hex_hash(data, length, hex);
	json_t *body = load(dir, role);
	json_object_set_new(json_object_get(body, "targets"), name,
		json_pack("{s:I, s:{s:s}}", "length", (json_int_t)length, "hashes", "sha256", hex));
	save(dir, role, body);
	if (asprintf(&file, "%s/targets/%.*s%s.%s", dir, head, name, hex, name + head) < 0)
		die("asprintf");
	for (char *at = file + strlen(dir) + 1; (at = strchr(at, '/')); at++) {
		*at = '\0';
		if (mkdir(file, 0755) < 0 && errno != EEXIST)
			die(file);
		*at = '/';
	}
	write_file(file, data, length);
	json_decref(body);
	free(file);
}

int main(int argc, char **argv)
{
	bool bump = true, hashes = false;
	const char *verb = argc > 1 ? argv[1] : "";
	int at = 2;
	for (; at < argc && argv[at][0] == '-'; at++) {
		bump = bump && strcmp(argv[at], "-n") != 0;
		hashes = hashes || !strcmp(argv[at], "-h");
	}
	if (sodium_init() < 0)
		return 1;
	if (!strcmp(verb, "init") && argc == 3) {
		init(argv[2]);
	} else if (!strcmp(verb, "publish")) {
		for (int i = at + 1; i < argc; i++)
			publish(argv[at], argv[i], bump, hashes);
	} else if (!strcmp(verb, "key") && argc == 3) {
		char keyid[65];
		unsigned char secret[crypto_sign_SECRETKEYBYTES];
		json_t *key = json_pack("{s:o, s:s}", "key", key_object(argv[2], secret, keyid), "keyid", keyid);
		json_dumpf(key, stdout, JSON_COMPACT);
	} else if (!strcmp(verb, "addkey") && argc == 6) {
		add_key(argv[2], argv[3], argv[4], argv[5]);
	} else if (!strcmp(verb, "rotate") && argc > 3) {
		rotate(argv[2], argv[3], argv + 4);
	} else if (!strcmp(verb, "delegate") && argc == 6) {
		delegate(argv[2], argv[3], argv[4], argv[5]);
	} else if (!strcmp(verb, "target") && argc == 5) {
		target(argv[2], argv[3], argv[4]);
	} else {
		return 2;
	}
	return 0;
}
