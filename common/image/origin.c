// origin.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "base/jsonio.h"
#include "base/mem.h"
#include "image/origin.h"
#include "image/tarfiles.h"
#include "oci/registriesd.h"
#include "oci/sourcedocker.h"
#include "oci/sourcelayout.h"
#include "oci/sourceregistry.h"

static const struct transport {
	const char *name;
	bool archive;
	int (*open)(struct source *s, struct files *files, struct err *e);
} transports[] = {
	{ "oci", false, sourcelayout_open },
	{ "dir", false, sourcelayout_open_dir },
	{ "oci-archive", true, sourcelayout_open },
	{ "docker-archive", true, sourcedocker_open },
};

static const struct transport *transport_of(const json_t *record)
{
	const char *name = json_string_value(json_object_get(record, "transport"));
	for (size_t i = 0; name && i < ARRAY_LENGTH(transports); i++)
		if (!strcmp(name, transports[i].name))
			return &transports[i];
	return NULL;
}

bool origin_is_local(const json_t *record)
{
	return transport_of(record) && json_is_string(json_object_get(record, "path"));
}

bool origin_is_registry(const json_t *record)
{
	const char *transport = jsonio_find_text(record, "transport");
	return transport && !strcmp(transport, "docker") && jsonio_find_text(record, "registry") &&
		jsonio_find_text(record, "repository");
}

bool origin_needs_network(const json_t *records)
{
	size_t i;
	json_t *record;
	json_array_foreach(records, i, record)
		if (origin_is_registry(record))
			return true;
	return false;
}

// NULL for a record that says no place.
static char *place_of(const json_t *record)
{
	if (origin_is_registry(record))
		return mem_format("docker:%s/%s", jsonio_find_text(record, "registry"), jsonio_find_text(record, "repository"));
	const struct transport *transport = transport_of(record);
	const char *path = jsonio_find_text(record, "path");
	return transport && path ? mem_format("%s:%s", transport->name, path) : NULL;
}

static struct origin *find(const struct origins *o, const char *place)
{
	for (size_t i = 0; i < o->count; i++)
		if (!strcmp(o->items[i].place, place))
			return &o->items[i];
	return NULL;
}

static void open_place(const struct origins *o, struct origin *item, const struct transport *transport, const char *path,
	struct sandbox *sandbox)
{
	struct files files;
	int failed = transport->archive
		? tarfiles_open(&files, path, o->limits ? o->limits : &codec_default_limits, &item->failed)
		: files_open_directory(&files, path, &item->failed);
	if (failed)
		return;
	if (!transport->archive)
		texts_take(&sandbox->reads, mem_format("/proc/self/fd/%d", files.fd));
	transport->open(&item->source, &files, &item->failed);
}

// None is no error, nor is one that is only configured and has no directory yet.
static int open_lookaside(const struct origins *o, const json_t *record, struct lookaside *lookaside, struct err *e)
{
	*lookaside = (struct lookaside){ 0 };
	mem_auto char *configured = o->lookaside
		? NULL
		: registriesd_lookaside(jsonio_find_text(record, "registry"), jsonio_find_text(record, "repository"), e);
	const char *url = o->lookaside ? o->lookaside : configured;
	if (!url)
		return e->status ? -1 : 0;
	if (configured && lookaside_check(url, e) < 0) {
		e->status = STATUS_MALFORMED;
		return err_context(e, "registries.d: '%s'", url);
	}
	if (lookaside_open(lookaside, url, e) == 0 || !configured || e->status != STATUS_NOT_FOUND)
		return e->status ? -1 : 0;
	*e = (struct err){ 0 };
	return 0;
}

static void open_registry(const struct origins *o, struct origin *item, const json_t *record, struct sandbox *sandbox)
{
	struct lookaside lookaside;
	if (sourceregistry_open(&item->source, jsonio_find_text(record, "registry"), jsonio_find_text(record, "repository"),
		    &item->failed) < 0) {
		item->failed.status = STATUS_MALFORMED; // it is no operand, but what a record says
		return;
	}
	if (!o->signatures)
		return;
	if (open_lookaside(o, record, &lookaside, &item->failed) < 0) {
		source_close(&item->source);
		return;
	}
	if (lookaside.url && lookaside.files.fd >= 0)
		texts_take(&sandbox->reads, mem_format("/proc/self/fd/%d", lookaside.files.fd));
	sourceregistry_set_lookaside(&item->source, &lookaside);
}

void origin_add(struct origins *o, const json_t *record, struct sandbox *sandbox)
{
	char *place = place_of(record);
	if (!place || find(o, place)) {
		free(place);
		return;
	}
	o->items = mem_resize(o->items, o->count + 1, sizeof *o->items);
	o->items[o->count] = (struct origin){ .place = place };
	struct origin *item = &o->items[o->count++];
	const struct transport *transport = transport_of(record);
	if (transport)
		open_place(o, item, transport, jsonio_find_text(record, "path"), sandbox);
	else
		open_registry(o, item, record, sandbox);
}

struct source *origin_find(struct origins *o, const json_t *record, struct err *e)
{
	mem_auto char *place = place_of(record);
	struct origin *item = place ? find(o, place) : NULL;
	const char *transport = jsonio_find_text(record, "transport");
	if (!item)
		err_set(e, STATUS_USAGE, "transport '%s': not one this program reads images from",
			transport ? transport : "none");
	else if (!item->source.kind)
		*e = item->failed;
	return item && item->source.kind ? &item->source : NULL;
}

void origins_free(struct origins *o)
{
	for (size_t i = 0; i < o->count; i++) {
		source_close(&o->items[i].source);
		free(o->items[i].place);
	}
	free(o->items);
	*o = (struct origins){ 0 };
}
