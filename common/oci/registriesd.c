// registriesd.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <dirent.h>
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/jsonio.h"
#include "base/mem.h"
#include "base/yamlio.h"
#include "oci/registriesd.h"

#define FILE_MAX  ((size_t)1 << 20) // bytes of one file
#define DIRECTORY "containers/registries.d"
#define DEFAULT   "" // the scope of the section for all registries that have none

// ---- reading: `sections` maps scopes to URLs, or to null for a section without one ----

static bool is_null(const yaml_node_t *node)
{
	const char *text = yamlio_text(node);
	return !node ||
		(text && node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
			(!*text || !strcmp(text, "~") || !strcmp(text, "null")));
}

// What must be a mapping where it is there at all.
static int check_mapping(const yaml_node_t *node, const char *what, struct err *e)
{
	bool fits = is_null(node) || node->type == YAML_MAPPING_NODE;
	return fits ? 0 : err_set(e, STATUS_MALFORMED, "'%s' is not a mapping", what);
}

// The only member of this name, or NULL. Of two libyaml shows both, and other readers take the second or none.
static const yaml_node_t *find_once(yaml_document_t *d, const yaml_node_t *mapping, const char *name, struct err *e)
{
	const yaml_node_t *found = NULL;
	if (!mapping || mapping->type != YAML_MAPPING_NODE)
		return NULL;
	for (yaml_node_pair_t *pair = mapping->data.mapping.pairs.start; pair < mapping->data.mapping.pairs.top; pair++) {
		const char *key = yamlio_text(yaml_document_get_node(d, pair->key));
		if (!key || strcmp(key, name) != 0)
			continue;
		if (found)
			err_set(e, STATUS_MALFORMED, "'%s' twice", name);
		found = yaml_document_get_node(d, pair->value);
	}
	return found;
}

static int add_section(json_t *sections, const char *scope, yaml_document_t *d, const yaml_node_t *section, struct err *e)
{
	const char *what = *scope ? scope : "default-docker";
	if (check_mapping(section, what, e) < 0)
		return -1;
	const yaml_node_t *url = find_once(d, section, "lookaside", e), *older = find_once(d, section, "sigstore", e);
	url = url ? url : older;
	if (url && !yamlio_text(url))
		err_set(e, STATUS_MALFORMED, "'lookaside' is not a text");
	if (e->status)
		return err_context(e, "'%s'", what);
	if (json_object_get(sections, scope))
		return err_set(e, STATUS_MALFORMED, "'%s': a second section for the same images", what);
	json_object_set_new(sections, scope, url ? json_string(yamlio_text(url)) : json_null());
	return 0;
}

static int add_sections(json_t *sections, yaml_document_t *d, struct err *e)
{
	const yaml_node_t *root = yaml_document_get_root_node(d);
	const yaml_node_t *all = find_once(d, root, "default-docker", e), *docker = find_once(d, root, "docker", e);
	if (e->status || check_mapping(root, "the document", e) < 0 || check_mapping(docker, "docker", e) < 0 ||
		(all && add_section(sections, DEFAULT, d, all, e) < 0))
		return -1;
	if (is_null(docker))
		return 0;
	for (yaml_node_pair_t *pair = docker->data.mapping.pairs.start; pair < docker->data.mapping.pairs.top; pair++) {
		const char *scope = yamlio_text(yaml_document_get_node(d, pair->key));
		if (scope && add_section(sections, scope, d, yaml_document_get_node(d, pair->value), e) < 0)
			return -1;
	}
	return 0;
}

static int read_file(json_t *sections, const char *path, struct err *e)
{
	yaml_document_t document;
	buf_auto text = { 0 };
	mem_auto char *subject = mem_format("'%s'", path);
	if (io_read_file(path, FILE_MAX, &text, e) < 0 || yamlio_parse(buf_text(&text), text.length, subject, &document, e) < 0)
		return -1;
	int failed = add_sections(sections, &document, e);
	yaml_document_delete(&document);
	return failed ? err_context(e, "%s", subject) : 0;
}

static bool is_yaml(const char *name)
{
	size_t n = strlen(name);
	return n > 5 && !strcmp(name + n - 5, ".yaml");
}

// Returns 1, or 0 when there is no such directory.
static int read_directory(json_t *sections, const char *path, struct err *e)
{
	DIR *directory = opendir(path);
	if (!directory)
		return errno == ENOENT || errno == ENOTDIR ? 0 : err_system(e, "'%s': cannot read the directory", path);
	int failed = 0;
	for (struct dirent *entry; !failed && (entry = readdir(directory));) {
		mem_auto char *file = mem_format("%s/%s", path, entry->d_name);
		failed = is_yaml(entry->d_name) ? read_file(sections, file, e) : 0;
	}
	closedir(directory);
	return failed ? -1 : 1;
}

static int read_all(json_t *sections, struct err *e)
{
	const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	mem_auto char *own = config && *config ? mem_format("%s/" DIRECTORY, config)
		: home && *home                ? mem_format("%s/.config/" DIRECTORY, home)
					       : NULL;
	int found = own ? read_directory(sections, own, e) : 0;
	return found ? found : read_directory(sections, "/etc/" DIRECTORY, e);
}

// ---- looking up ----

// The section of the scope itself, or of the longest one that it lies in.
static const json_t *find_section(const json_t *sections, char *scope)
{
	for (;;) {
		const json_t *section = json_object_get(sections, scope);
		char *slash = strrchr(scope, '/');
		if (section || !slash)
			return section ? section : json_object_get(sections, DEFAULT);
		*slash = '\0';
	}
}

static char *default_lookaside(void)
{
	const char *home = getenv("HOME");
	if (geteuid() == 0)
		return mem_text("file:/var/lib/containers/sigstore");
	return home && *home ? mem_format("file:%s/.local/share/containers/sigstore", home) : NULL;
}

char *registriesd_lookaside(const char *registry, const char *repository, struct err *e)
{
	jsonio_auto json_t *sections = json_object();
	mem_auto char *scope = mem_format("%s/%s", registry, repository);
	if (read_all(sections, e) < 0)
		return NULL;
	const json_t *section = find_section(sections, scope);
	if (!section)
		return default_lookaside();
	return json_is_string(section) ? mem_text(json_string_value(section)) : NULL;
}
