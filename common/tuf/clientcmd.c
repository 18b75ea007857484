// clientcmd.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/mem.h"
#include "oci/registry.h"
#include "tuf/clientcmd.h"

static struct {
	const char *directory, *root, *map;
	bool no_refresh, only_targets_expiry;
} user;
static struct map *map; // with --map
static bool updated;

const struct cmd_option clientcmd_options[] = {
	CMD_TEXT(0, "tuf", "DIR", &user.directory, "the directory of trusted metadata; TACKLE_TUF unless told"),
	CMD_TEXT(0, "root", "FILE", &user.root,
		"trust this root: a signed root.json, or the public keys (PEM) of a root of the repository"),
	CMD_GROUP(remote_options),
	CMD_GROUP(client_limits),
	CMD_GROUP(registry_options),
	CMD_END,
};

const struct cmd_option clientcmd_local_options[] = {
	CMD_FLAG(0, "no-refresh", &user.no_refresh, "ask for no top-level metadata: use what is there"),
	CMD_FLAG(0, "only-targets-expiry", &user.only_targets_expiry,
		"with --no-refresh: only an expired targets role is refused"),
	CMD_END,
};

const struct cmd_option clientcmd_map_options[] = {
	CMD_TEXT(0, "map", "FILE", &user.map,
		"several repositories, as this file maps targets to them (TAP 4), with metadata in DIR/NAME"),
	CMD_END,
};

static const char *directory(void)
{
	const char *from_environment = getenv("TACKLE_TUF");
	if (user.directory)
		return user.directory;
	if (!from_environment || !*from_environment)
		cmd_usage("option --tuf: missing, and TACKLE_TUF is not set");
	return from_environment;
}

static int read_root(struct buf *text, struct err *e)
{
	if (!user.root || io_read_file(user.root, ROLE_ROOT_BYTES_MAX, text, e) < 0)
		return user.root ? -1 : 0;
	return text->length ? 0 : err_set(e, STATUS_MALFORMED, "'%s': the file is empty", user.root);
}

// ---- public keys as the root of trust (dtuf:D35) ----

struct key_list {
	struct key *items;
	size_t count;
};

static int add_key(struct key_list *list, const char *text, size_t length, struct err *e)
{
	struct key k = { 0 };
	if (key_parse_public(text, length, &k, e) < 0)
		return -1;
	list->items = mem_resize(list->items, list->count + 1, sizeof *list->items);
	list->items[list->count++] = k;
	return 0;
}

static int read_keys(const char *text, struct key_list *list, struct err *e)
{
	static const char end[] = "-----END PUBLIC KEY-----";
	for (const char *stop; (stop = strstr(text, end)); text = stop + strlen(end))
		if (add_key(list, text, (size_t)(stop - text) + strlen(end), e) < 0)
			return -1;
	return list->count ? 0 : err_set(e, STATUS_MALFORMED, "neither a root.json nor a public key (PEM)");
}

static int set_keys(struct client *c, const char *text, struct err *e)
{
	struct key_list list = { 0 };
	int failed = read_keys(text, &list, e);
	if (failed)
		err_context(e, "'%s'", user.root);
	else if (!c->remote)
		failed = err_set(e, STATUS_USAGE, "option --root: public keys need a repository whose root they signed");
	else
		failed = client_find_root(c, list.items, list.count, e);
	for (size_t i = 0; i < list.count; i++)
		key_free(&list.items[i]);
	free(list.items);
	return failed;
}

static int set_root(struct client *c, struct buf *text, struct err *e)
{
	const char *first = buf_text(text) + strspn(buf_text(text), " \t\r\n");
	if (!text->length)
		return client_load_root(c, e);
	if (*first == '{')
		return client_set_root(c, text, e) < 0 ? err_context(e, "'%s'", user.root) : 0;
	return set_keys(c, buf_text(text), e);
}

// ---- the run ----

static int open_map(struct client *c, struct sandbox *s, struct err *e)
{
	*c = (struct client){ .now = 0 };
	trusted_open_memory(&c->trusted);
	if (remote_is_given() || user.root)
		cmd_usage("option --map: not with --repo, --metadata-url or --root");
	map = map_open(user.map, directory(), http_is_offline(), s, e);
	return map ? sandbox_enter(s, e) : -1;
}

static int open_one(struct client *c, struct sandbox *s, struct err *e)
{
	buf_auto root = { 0 };
	const char *path = directory();
	bool local = http_is_offline() || !remote_is_given();
	if (!remote_is_given() && !http_is_offline() && !user.no_refresh && !user.root)
		cmd_usage("option --repo: missing");
	struct remote *remote = local ? NULL : remote_open(s, e);
	int failed = (!local && !remote) || read_root(&root, e) < 0 || client_open(c, path, remote, root.length > 0, s, e) < 0 ||
		sandbox_enter(s, e) < 0 || set_root(c, &root, e) < 0;
	return failed ? -1 : 0;
}

int clientcmd_open(struct client *c, struct sandbox *s, struct err *e)
{
	if (user.only_targets_expiry && !user.no_refresh && !http_is_offline())
		cmd_usage("option --only-targets-expiry: needs --no-refresh or --offline");
	return user.map ? open_map(c, s, e) : open_one(c, s, e);
}

int clientcmd_update(struct client *c, struct err *e)
{
	return user.no_refresh || !c->remote ? client_load(c, user.only_targets_expiry, e) : client_refresh(c, e);
}

struct client *clientcmd_repository(struct client *c, size_t i, const char **name, struct err *e)
{
	*name = map ? map_name(map, i) : NULL;
	if (map)
		return *name ? map_client(map, i, clientcmd_update, e) : NULL;
	if (i)
		return NULL;
	bool only_root = user.root && !remote_is_given();
	return only_root || clientcmd_update(c, e) == 0 ? c : NULL;
}

int clientcmd_find(struct client *c, const char *path, struct map_found *found, struct err *e)
{
	*found = (struct map_found){ 0 };
	if (map)
		return map_find(map, path, clientcmd_update, found, e);
	if (!updated && clientcmd_update(c, e) < 0)
		return -1;
	updated = true;
	found->target = client_find(c, path, e);
	found->clients = mem_alloc(sizeof *found->clients);
	found->clients[found->count++] = c;
	return found->target ? 0 : -1;
}

void clientcmd_close(struct client *c)
{
	map_close(map);
	map = NULL;
	remote_close(c->remote);
	client_close(c);
	registry_end();
}
