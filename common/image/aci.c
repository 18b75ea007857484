// aci.h says what these promise; the manifest's schema is in acischema.c.
// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/jsonio.h"
#include "base/mem.h"
#include "base/sandbox.h"
#include "crypto/hash.h"
#include "image/aci.h"
#include "image/nameset.h"

#define CHUNK      65536
#define START_SIZE 32 // bytes looked at before the codec: enough for an OpenPGP armour line

// One pass over an archive.
struct pass {
	codec_source *source;
	void *context;
	unsigned char start[START_SIZE]; // the first bytes of the source, given again to the codec
	size_t start_length, start_given;
	struct codec_reader *codec;
	struct hash *hash;
	struct nameset names;
	struct buf *manifest;
	bool has_manifest, has_rootfs;
	bool manifest_whole; // in *manifest
	struct aci_scan *scan;
	struct findings *findings;
};

// ---- the layers below the tar reader ----

ssize_t aci_source_fd(void *fd, void *data, size_t length, struct err *e)
{
	ssize_t n;
	do
		n = read(*(int *)fd, data, length);
	while (n < 0 && errno == EINTR);
	return n < 0 ? err_system(e, "cannot read the image") : n;
}

static int read_start(struct pass *p, struct err *e)
{
	ssize_t n;
	do {
		n = p->source(p->context, p->start + p->start_length, sizeof p->start - p->start_length, e);
		if (n < 0)
			return -1;
		p->start_length += (size_t)n;
	} while (n > 0 && p->start_length < sizeof p->start);
	return 0;
}

static ssize_t from_start(void *pass, void *data, size_t length, struct err *e)
{
	struct pass *p = pass;
	size_t left = p->start_length - p->start_given;
	if (!left)
		return p->source(p->context, data, length, e);
	size_t n = left < length ? left : length;
	memcpy(data, p->start + p->start_given, n);
	p->start_given += n;
	return (ssize_t)n;
}

// The first packet of an encrypted OpenPGP message (RFC 9580, 4.2 and 10.3), or its armour. No codec and no
// tar starts so.
static bool is_encrypted(const unsigned char *start, size_t length)
{
	static const char armour[] = "-----BEGIN PGP MESSAGE-----";
	if (length >= sizeof armour - 1 && !memcmp(start, armour, sizeof armour - 1))
		return true;
	if (!length || !(start[0] & 0x80))
		return false;
	int type = start[0] & 0x40 ? start[0] & 0x3f : (start[0] >> 2) & 0x0f;
	return type == 1 || type == 3 || type == 9 || type == 18 || type == 20;
}

static ssize_t hashed(void *pass, void *data, size_t length, struct err *e)
{
	struct pass *p = pass;
	ssize_t n = codec_read(p->codec, data, length, e);
	if (n > 0) {
		hash_add(p->hash, data, (size_t)n);
		p->scan->tar_size += n;
	}
	return n;
}

// ---- entries ----

// The path without empty and `.` components, so that every spelling of one name is one (rkt:I-002). False for
// one with `..`.
static bool plain_path(const char *path, struct buf *out)
{
	out->length = 0;
	for (;;) {
		path += strspn(path, "/");
		size_t n = strcspn(path, "/");
		if (!n)
			return true;
		if (n == 2 && !memcmp(path, "..", 2))
			return false;
		if (n != 1 || *path != '.') {
			if (out->length)
				buf_add_byte(out, '/');
			buf_add(out, path, n);
		}
		path += n;
	}
}

static int take_manifest(struct pass *p, struct tar_reader *tar, const struct tar_entry *entry, struct err *e)
{
	if (entry->size > (int64_t)ACI_MANIFEST_MAX) {
		findings_add(p->findings, STATUS_LIMIT, "manifest: longer than the limit of %zu bytes", ACI_MANIFEST_MAX);
		return 0;
	}
	for (;;) {
		buf_reserve(p->manifest, CHUNK);
		ssize_t n = tar_read(tar, p->manifest->data + p->manifest->length, CHUNK, e);
		if (n <= 0) {
			p->manifest_whole = n == 0;
			return (int)n;
		}
		p->manifest->length += (size_t)n;
		p->manifest->data[p->manifest->length] = '\0';
	}
}

// What stands on top (rkt:I-003): `manifest`, a file; `rootfs`, a directory; the archive's own root.
static int check_top(struct pass *p, struct tar_reader *tar, const struct tar_entry *entry, const char *path, struct err *e)
{
	if (!*path) {
		if (entry->type != TAR_DIRECTORY)
			findings_add(p->findings, STATUS_MALFORMED, "entry '.': not a directory");
	} else if (!strcmp(path, "manifest")) {
		p->has_manifest = true;
		if (entry->type == TAR_FILE)
			return take_manifest(p, tar, entry, e);
		findings_add(p->findings, STATUS_MALFORMED, "entry 'manifest': not a regular file");
	} else if (!strcmp(path, "rootfs")) {
		p->has_rootfs = true;
		if (entry->type != TAR_DIRECTORY)
			findings_add(p->findings, STATUS_MALFORMED, "entry 'rootfs': not a directory");
	} else {
		findings_add(p->findings, STATUS_MALFORMED, "entry '%s': neither manifest nor below rootfs", path);
	}
	return 0;
}

static int check_entry(struct pass *p, struct tar_reader *tar, const struct tar_entry *entry, struct buf *path, struct err *e)
{
	if (*entry->path == '/')
		findings_add(p->findings, STATUS_MALFORMED, "entry '%s': an absolute name", entry->path);
	else if (!plain_path(entry->path, path))
		findings_add(p->findings, STATUS_MALFORMED, "entry '%s': a name with `..`", entry->path);
	else if (!nameset_add(&p->names, buf_text(path), path->length))
		findings_add(p->findings, STATUS_MALFORMED, "entry '%s': the same name twice", entry->path);
	else if (strncmp(buf_text(path), "rootfs/", 7) != 0)
		return check_top(p, tar, entry, buf_text(path), e);
	return 0;
}

static int read_entries(struct pass *p, const struct aci_reading *how, struct err *e)
{
	struct tar_limits limits = tar_default_limits;
	limits.entries = how->entries;
	struct tar_reader *tar = tar_open(hashed, p, &limits);
	struct tar_entry entry;
	buf_auto path = { 0 };
	int got;
	while ((got = tar_next(tar, &entry, e)) > 0)
		if (check_entry(p, tar, &entry, &path, e) < 0 || (p->findings->errors && !how->all)) {
			got = -1;
			break;
		}
	tar_close(tar);
	return got;
}

static void check_content(struct pass *p)
{
	struct err e = { 0 };
	if (!p->has_rootfs)
		findings_add(p->findings, STATUS_MALFORMED, "no rootfs in the image");
	if (!p->has_manifest)
		findings_add(p->findings, STATUS_MALFORMED, "no manifest in the image");
	if (!p->manifest_whole)
		return;
	p->scan->manifest = jsonio_parse(buf_text(p->manifest), p->manifest->length, "manifest", &e);
	if (p->scan->manifest)
		aci_check(p->scan->manifest, p->findings);
	else
		findings_add(p->findings, e.status, "%s", e.text);
}

static int run(struct pass *p, const struct aci_reading *how, struct err *e)
{
	if (read_start(p, e) < 0)
		return -1;
	if (is_encrypted(p->start, p->start_length))
		return err_set(e, STATUS_REFUSED, "the image is PGP-encrypted: encrypted images are not supported");
	p->codec = codec_open(from_start, p, how->limits, e);
	if (!p->codec)
		return -1;
	p->scan->codec = codec_of(p->codec);
	p->hash = hash_start(DIGEST_SHA512);
	int failed = read_entries(p, how, e);
	char digest[DIGEST_TEXT_MAX];
	hash_finish(p->hash, digest);
	codec_close(p->codec);
	nameset_free(&p->names);
	if (failed) {
		if (!how->all)
			findings_error(p->findings, e); // why it stopped
		return -1;
	}
	snprintf(p->scan->id, sizeof p->scan->id, "sha512-%s", digest_digits(digest));
	check_content(p);
	return 0;
}

int aci_read(codec_source *source, void *context, const struct aci_reading *how, struct aci_scan *scan, struct buf *text,
	struct findings *findings, struct err *e)
{
	*scan = (struct aci_scan){ 0 };
	struct pass p = { .source = source, .context = context, .manifest = text, .scan = scan, .findings = findings };
	return run(&p, how, e);
}

// ---- the first error only ----

static int scan_keeping_text(codec_source *source, void *context, const struct codec_limits *limits, struct aci_scan *scan,
	struct buf *text, struct err *e)
{
	struct findings findings = { 0 };
	struct aci_reading how = { .limits = limits, .entries = ACI_ENTRIES_MAX };
	int failed = aci_read(source, context, &how, scan, text, &findings, e);
	failed = failed || findings_error(&findings, e);
	findings_free(&findings);
	if (!failed)
		return 0;
	json_decref(scan->manifest);
	scan->manifest = NULL;
	return -1;
}

int aci_scan(codec_source *source, void *context, const struct codec_limits *limits, struct aci_scan *scan, struct err *e)
{
	buf_auto text = { 0 };
	return scan_keeping_text(source, context, limits, scan, &text, e);
}

// A line `ID CODEC TAR-SIZE`, then the manifest's bytes.
int aci_scan_send(codec_source *source, void *context, const struct codec_limits *limits, int out, struct err *e)
{
	struct aci_scan scan;
	buf_auto manifest = { 0 };
	if (scan_keeping_text(source, context, limits, &scan, &manifest, e) < 0)
		return -1;
	json_decref(scan.manifest);
	mem_auto char *line = mem_format("%s %d %" PRId64 "\n", scan.id, (int)scan.codec, scan.tar_size);
	if (io_write_all(out, line, strlen(line)) < 0 || io_write_all(out, buf_text(&manifest), manifest.length) < 0)
		return err_system(e, "cannot pass on the manifest");
	return 0;
}

int aci_scan_receive(const struct buf *text, struct aci_scan *scan, struct err *e)
{
	const char *at = buf_text(text);
	char *end = (char *)at;
	size_t length = strcspn(at, " ");
	*scan = (struct aci_scan){ 0 };
	if (length == sizeof scan->id - 1) {
		memcpy(scan->id, at, length);
		scan->codec = (enum codec)strtol(at + length, &end, 10);
		scan->tar_size = strtoll(end, &end, 10);
	}
	if (end == at || *end != '\n')
		return err_set(e, STATUS_MALFORMED, "the confined child that reads the image broke off");
	end++;
	scan->manifest = jsonio_parse(end, text->length - (size_t)(end - at), "manifest", e);
	return scan->manifest ? 0 : -1;
}

struct confined {
	int fd;
	const struct codec_limits *limits;
};

static int scan_in_child(void *context, int out, struct err *e)
{
	struct confined *c = context;
	return aci_scan_send(aci_source_fd, &c->fd, c->limits, out, e);
}

int aci_scan_confined(int fd, const struct codec_limits *limits, struct aci_scan *scan, struct err *e)
{
	struct confined c = { fd, limits };
	buf_auto text = { 0 };
	if (lseek(fd, 0, SEEK_SET) < 0)
		return err_system(e, "cannot go to the start of the image");
	if (sandbox_child(scan_in_child, &c, ACI_SCAN_TEXT_MAX, &text, e) < 0)
		return -1;
	return aci_scan_receive(&text, scan, e);
}

// ---- what a manifest says ----

const char *aci_name(const json_t *manifest)
{
	return json_string_value(json_object_get(manifest, "name"));
}

json_t *aci_labels(const json_t *labelled)
{
	json_t *labels = json_object();
	size_t i;
	json_t *item;
	json_array_foreach(json_object_get(labelled, "labels"), i, item)
		json_object_set(labels, json_string_value(json_object_get(item, "name")), json_object_get(item, "value"));
	return labels;
}

bool aci_stands_alone(const json_t *manifest)
{
	return !json_array_size(json_object_get(manifest, "dependencies")) &&
		!json_array_size(json_object_get(manifest, "pathWhitelist"));
}

json_t *aci_record(const char *id, const json_t *manifest)
{
	json_t *dependencies = json_object_get(manifest, "dependencies");
	json_t *record = json_pack("{s:s, s:s, s:s, s:o}", "kind", "image", "id", id, "name", aci_name(manifest), "labels",
		aci_labels(manifest));
	if (json_array_size(dependencies))
		json_object_set(record, "dependencies", dependencies);
	return record;
}
