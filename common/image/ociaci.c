// ociaci.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/jsonio.h"
#include "base/mem.h"
#include "base/msg.h"
#include "image/aci.h"
#include "image/ociaci.h"
#include "oci/acname.h"
#include "oci/platform.h"

#define ACI_VERSION "0.8.11"

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));
	return text ? text : "";
}

// The value of the member with this name in a list of {name, value}.
static const char *value_of(const json_t *list, const char *name)
{
	size_t i;
	json_t *item;
	json_array_foreach(list, i, item)
		if (!strcmp(text_of(item, "name"), name))
			return text_of(item, "value");
	return "";
}

static void add_value(json_t *list, const char *name, const char *value)
{
	if (*value)
		json_array_append_new(list, json_pack("{s:s, s:s}", "name", name, "value", value));
}

// Words of lower-case letters and digits, joined by one of `joints`; every other run of bytes becomes `-`. Malloced; may be empty.
static char *sanitise(const char *text, const char *joints)
{
	struct buf out = { 0 };
	char joint = 0;
	for (; *text; text++) {
		char c = (char)(*text >= 'A' && *text <= 'Z' ? *text | 0x20 : *text);
		if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) {
			if (joint && out.length)
				buf_add_byte(&out, joint);
			joint = 0;
			buf_add_byte(&out, c);
		} else {
			joint = (char)(!joint && strchr(joints, c) ? c : '-');
		}
	}
	buf_reserve(&out, 0);
	out.data[out.length] = '\0';
	return buf_steal(&out);
}

// ---- OCI to ACI: the app ----

static json_t *exec_of(const json_t *config)
{
	json_t *exec = json_array();
	json_array_extend(exec, json_object_get(config, "Entrypoint"));
	json_array_extend(exec, json_object_get(config, "Cmd"));
	return exec;
}

// Without a group the user's number or name stands for it, too: what the image's passwd says is not looked up.
static void put_user(json_t *app, const json_t *config)
{
	const char *user = text_of(config, "User"), *colon = strchr(user, ':');
	mem_auto char *name = *user ? mem_text_n(user, strcspn(user, ":")) : mem_text("0");
	json_object_set_new(app, "user", json_string(*name ? name : "0"));
	json_object_set_new(app, "group", json_string(colon && colon[1] ? colon + 1 : *name ? name : "0"));
}

static bool is_variable_name(const char *name, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (!isalnum((unsigned char)name[i]) && !strchr("_.-", name[i]))
			return false;
	return length && !isdigit((unsigned char)*name);
}

// Of a variable that comes twice the last one counts.
static void put_environment(json_t *app, const json_t *config)
{
	jsonio_auto json_t *variables = json_array();
	size_t i;
	json_t *item;
	json_array_foreach(json_object_get(config, "Env"), i, item) {
		const char *text = json_string_value(item), *equals = text ? strchr(text, '=') : NULL;
		if (!equals || !is_variable_name(text, (size_t)(equals - text))) {
			msg_warn("environment variable %zu: left out: an App Container Image cannot name it", i + 1);
			continue;
		}
		mem_auto char *name = mem_text_n(text, (size_t)(equals - text));
		for (size_t old = json_array_size(variables); old-- > 0;)
			if (!strcmp(text_of(json_array_get(variables, old), "name"), name))
				json_array_remove(variables, old);
		json_array_append_new(variables, json_pack("{s:s, s:s}", "name", name, "value", equals + 1));
	}
	if (json_array_size(variables))
		json_object_set(app, "environment", variables);
}

static const char **sorted_keys(const json_t *object, size_t *count)
{
	const char *key;
	json_t *unused;
	const char **keys = mem_alloc((json_object_size(object) + 1) * sizeof *keys);
	*count = 0;
	json_object_foreach((json_t *)(uintptr_t)object, key, unused)
		keys[(*count)++] = key;
	for (size_t i = 1; i < *count; i++)
		for (size_t j = i; j && strcmp(keys[j - 1], keys[j]) > 0; j--) {
			const char *swap = keys[j];
			keys[j] = keys[j - 1];
			keys[j - 1] = swap;
		}
	return keys;
}

struct ports { // of one protocol
	long first, last;
	const char *protocol; // borrowed from the text
};

// `80/tcp`, `8000-8010/udp`, `80`.
static bool parse_ports(const char *text, struct ports *p)
{
	char *end;
	if (!isdigit((unsigned char)*text))
		return false;
	p->first = p->last = strtol(text, &end, 10);
	if (*end == '-' && isdigit((unsigned char)end[1]))
		p->last = strtol(end + 1, &end, 10);
	p->protocol = *end == '/' ? end + 1 : "tcp";
	bool word = *p->protocol && strspn(p->protocol, "abcdefghijklmnopqrstuvwxyz") == strlen(p->protocol);
	return p->first > 0 && p->last >= p->first && p->last <= 65535 && word && (*end == '/' || !*end);
}

static void put_ports(json_t *app, const json_t *config)
{
	size_t count;
	struct ports p;
	jsonio_auto json_t *ports = json_array();
	mem_auto const char **keys = sorted_keys(json_object_get(config, "ExposedPorts"), &count);
	for (size_t i = 0; i < count; i++) {
		if (!parse_ports(keys[i], &p)) {
			msg_warn("exposed port '%s': left out: no port an App Container Image can name", keys[i]);
			continue;
		}
		mem_auto char *plain = sanitise(keys[i], "-");
		mem_auto char *name = strchr(keys[i], '/') ? mem_text(plain) : mem_format("%s-tcp", plain);
		json_array_append_new(ports,
			json_pack("{s:s, s:s, s:I, s:I, s:b}", "name", name, "protocol", p.protocol, "port", (json_int_t)p.first,
				"count", (json_int_t)p.last - p.first + 1, "socketActivated", 0));
	}
	if (json_array_size(ports))
		json_object_set(app, "ports", ports);
}

static void put_volumes(json_t *app, const json_t *config)
{
	size_t count;
	jsonio_auto json_t *points = json_array();
	jsonio_auto json_t *used = json_object();
	mem_auto const char **keys = sorted_keys(json_object_get(config, "Volumes"), &count);
	for (size_t i = 0; i < count; i++) {
		mem_auto char *plain = sanitise(keys[i], "-");
		mem_auto char *name = *plain ? mem_format("volume-%s", plain) : mem_text("volume");
		if (json_object_get(used, name)) { // two paths that differ in what a name cannot hold
			char *longer = mem_format("%s-%zu", name, i + 1);
			free(name);
			name = longer;
		}
		json_object_set_new(used, name, json_true());
		json_array_append_new(points, json_pack("{s:s, s:s, s:b}", "name", name, "path", keys[i], "readOnly", 0));
	}
	if (json_array_size(points))
		json_object_set(app, "mountPoints", points);
}

// An image that says nothing to run has no app.
static void put_app(json_t *manifest, const json_t *config)
{
	jsonio_auto json_t *exec = exec_of(config);
	if (!json_array_size(exec))
		return;
	json_t *app = json_pack("{s:O}", "exec", exec);
	const char *directory = text_of(config, "WorkingDir");
	put_user(app, config);
	if (*directory)
		json_object_set_new(app, "workingDirectory",
			*directory == '/' ? json_string(directory) : json_sprintf("/%s", directory));
	put_environment(app, config);
	put_ports(app, config);
	put_volumes(app, config);
	json_object_set_new(manifest, "app", app);
}

// ---- OCI to ACI: what it is called ----

static char *name_of(const json_t *record, const char *asked, struct err *e)
{
	const char *name = asked ? asked : text_of(record, "name");
	char *plain = sanitise(name, "-._~/");
	if (*plain && (!asked || !strcmp(asked, plain)))
		return plain;
	free(plain);
	err_set(e, STATUS_USAGE, asked ? "option --name: not an AC Identifier: '%s'" : "the image has no name%s",
		asked ? asked : "");
	if (!asked)
		err_hint(e, "--name gives it one");
	return NULL;
}

static void put_labels(json_t *manifest, const json_t *record, const struct ociimage *image)
{
	json_t *list = json_array();
	const char *os = text_of(image->config.json, "os"), *variant = text_of(image->config.json, "variant");
	const struct platform *p = platform_find(os, text_of(image->config.json, "architecture"), *variant ? variant : NULL);
	p = p ? p : platform_find(os, text_of(image->config.json, "architecture"), NULL);
	add_value(list, "version", text_of(json_object_get(record, "labels"), "version"));
	add_value(list, "os", os);
	if (p && platform_in_appc(os, p->appc))
		add_value(list, "arch", p->appc);
	else
		msg_warn("architecture '%s' of '%s': left out: appc has no name for it",
			text_of(image->config.json, "architecture"), os);
	json_object_set_new(manifest, "labels", list);
}

static char *list_text(const json_t *list)
{
	return json_array_size(list) ? jsonio_text(list) : mem_text("");
}

static void put_annotations(json_t *manifest, const json_t *record, const struct ociimage *image)
{
	const json_t *config = json_object_get(image->config.json, "config");
	mem_auto char *cmd = list_text(json_object_get(config, "Cmd")),
		      *entrypoint = list_text(json_object_get(config, "Entrypoint"));
	json_t *list = json_array();
	add_value(list, "created", text_of(image->config.json, "created"));
	add_value(list, "authors", text_of(image->config.json, "author"));
	add_value(list, "appc.io/docker/originalname", text_of(record, "name"));
	add_value(list, "appc.io/docker/registryurl", text_of(record, "registry"));
	add_value(list, "appc.io/docker/repository", text_of(record, "repository"));
	add_value(list, "appc.io/docker/imageid", text_of(image->config_descriptor, "digest"));
	add_value(list, "appc.io/docker/manifesthash", text_of(json_object_get(record, "manifest"), "digest"));
	add_value(list, "appc.io/docker/cmd", cmd);
	add_value(list, "appc.io/docker/entrypoint", entrypoint);
	json_object_set_new(manifest, "annotations", list);
}

json_t *ociaci_manifest(const json_t *record, const struct ociimage *image, const char *name, struct err *e)
{
	mem_auto char *plain = name_of(record, name, e);
	if (!plain)
		return NULL;
	jsonio_auto json_t *manifest =
		json_pack("{s:s, s:s, s:s}", "acKind", "ImageManifest", "acVersion", ACI_VERSION, "name", plain);
	put_labels(manifest, record, image);
	put_app(manifest, json_object_get(image->config.json, "config"));
	put_annotations(manifest, record, image);
	if (aci_check_manifest(manifest, e) == 0)
		return json_incref(manifest);
	err_context(e, "the config cannot be said in an App Container manifest");
	return NULL;
}

// ---- ACI to OCI ----

static int put_platform(json_t *config, const json_t *manifest, struct err *e)
{
	const json_t *labels = json_object_get(manifest, "labels");
	const char *os = value_of(labels, "os"), *arch = value_of(labels, "arch");
	const struct platform *host = platform_host();
	os = *os ? os : host->os;
	const struct platform *p = platform_find(os, *arch ? arch : host->appc, NULL);
	if (!p)
		return err_set(e, STATUS_REFUSED, "os '%s', arch '%s': OCI has no name for them", os, arch);
	json_object_set_new(config, "os", json_string(p->os));
	json_object_set_new(config, "architecture", json_string(p->architecture));
	if (p->variant)
		json_object_set_new(config, "variant", json_string(p->variant));
	return 0;
}

static void put_docker_user(json_t *inner, const json_t *app)
{
	const char *user = text_of(app, "user"), *group = text_of(app, "group");
	if (*user == '/' || *group == '/') {
		msg_warn("user '%s', group '%s': OCI cannot name the owner of a file: 0:0 instead", user, group);
		json_object_set_new(inner, "User", json_string("0:0"));
	} else {
		json_object_set_new(inner, "User", json_sprintf("%s:%s", user, group));
	}
}

static void put_docker_ports(json_t *inner, const json_t *app)
{
	size_t i;
	json_t *port, *ports = json_object();
	json_array_foreach(json_object_get(app, "ports"), i, port) {
		json_int_t first = json_integer_value(json_object_get(port, "port"));
		json_int_t count = json_integer_value(json_object_get(port, "count"));
		for (json_int_t n = first; n < first + (count ? count : 1); n++) {
			mem_auto char *key = mem_format("%lld/%s", (long long)n, text_of(port, "protocol"));
			json_object_set_new(ports, key, json_object());
		}
	}
	if (json_object_size(ports))
		json_object_set(inner, "ExposedPorts", ports);
	json_decref(ports);
}

static void put_docker_app(json_t *inner, const json_t *app)
{
	size_t i;
	json_t *item;
	jsonio_auto json_t *environment = json_array();
	jsonio_auto json_t *volumes = json_object();
	if (!app)
		return;
	json_array_foreach(json_object_get(app, "environment"), i, item)
		json_array_append_new(environment, json_sprintf("%s=%s", text_of(item, "name"), text_of(item, "value")));
	json_array_foreach(json_object_get(app, "mountPoints"), i, item)
		json_object_set_new(volumes, text_of(item, "path"), json_object());
	if (json_array_size(json_object_get(app, "exec")))
		json_object_set(inner, "Entrypoint", json_object_get(app, "exec"));
	if (json_array_size(environment))
		json_object_set(inner, "Env", environment);
	if (json_object_size(volumes))
		json_object_set(inner, "Volumes", volumes);
	if (*text_of(app, "workingDirectory"))
		json_object_set(inner, "WorkingDir", json_object_get(app, "workingDirectory"));
	put_docker_user(inner, app);
	put_docker_ports(inner, app);
}

json_t *ociaci_config(const json_t *manifest, json_t *diff_ids, struct err *e)
{
	const json_t *annotations = json_object_get(manifest, "annotations");
	const char *created = value_of(annotations, "created"), *authors = value_of(annotations, "authors");
	jsonio_auto json_t *config =
		json_pack("{s:{}, s:{s:s, s:O}}", "config", "rootfs", "type", "layers", "diff_ids", diff_ids);
	if (*created)
		json_object_set_new(config, "created", json_string(created));
	if (*authors)
		json_object_set_new(config, "author", json_string(authors));
	put_docker_app(json_object_get(config, "config"), json_object_get(manifest, "app"));
	return put_platform(config, manifest, e) < 0 ? NULL : json_incref(config);
}
