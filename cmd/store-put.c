// store-put - put bytes in the store and say what they are
// SPDX-License-Identifier: Apache-2.0
//
// stdin or FILE: any bytes, also none. stdout: an image record for an App Container Image (aci.md, "Image Layout") or a tar, else a
// blob record. What starts as a tar must be a whole one, and what is laid out as an ACI a valid one: else 6, and nothing is stored. With
// --base the record is that of an OCI image with the tar as its last layer.
#include <string.h>
#include <unistd.h>

#include "base/cmd.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/progress.h"
#include "base/record.h"
#include "crypto/hash.h"
#include "image/aci.h"
#include "image/codeclimits.h"
#include "image/image.h"
#include "image/ociwrite.h"
#include "image/storecmd.h"
#include "oci/descriptor.h"

#define JSON_BLANKS   " \t\r\n"
#define SIGNATURE_MAX ((size_t)64 << 10) // a signature takes at most a few KiB
#define TAR_BLOCK     512
#define TYPE_MAX      256 // bytes of a media type: two names of 127 (RFC 6838, section 4.2)

static struct {
	const char *media_type;
	const char *signature;
	const char *base;
} user;

static const struct cmd_option options[] = {
	CMD_GROUP(storecmd_options),
	CMD_TEXT(0, "media-type", "TYPE", &user.media_type, "what the bytes are; nothing is recognised"),
	CMD_TEXT(0, "signature", "FILE", &user.signature, "store this detached signature and name it in the record"),
	CMD_TEXT(0, "base", "FILE", &user.base, "lay the bytes, a layer, upon the OCI image of this record"),
	CMD_GROUP(codeclimits_options),
	CMD_GROUP(progress_options),
	CMD_END,
};

static const struct cmd cmd = {
	.name = "store-put",
	.operands = "[FILE]",
	.summary = "put bytes in the store and say what they are",
	.reads = CMD_BYTES,
	.writes = CMD_RECORD,
	.empty_input = true,
	.most_operands = 1,
	.options = options,
};

// RFC 6838, section 4.2.
static bool is_media_type(const char *text)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$&-^_.+";
	size_t type = strspn(text, allowed);
	size_t subtype = text[type] == '/' ? strspn(text + type + 1, allowed) : 0;
	return type && subtype && !text[type + 1 + subtype] && strlen(text) < TYPE_MAX;
}

// ---- what JSON and signatures look like ----

// The media type of an OCI manifest or index (image-spec manifest.md, image-index.md), or NULL.
static const char *type_of_json(const char *text, size_t length)
{
	static char type[TYPE_MAX];
	jsonio_auto json_t *value = jsonio_parse(text, length, "input", &(struct err){ 0 });
	const char *own = json_string_value(json_object_get(value, "mediaType"));
	bool manifest = json_is_object(json_object_get(value, "config")) && json_is_array(json_object_get(value, "layers"));
	bool index = json_is_array(json_object_get(value, "manifests"));
	if (json_integer_value(json_object_get(value, "schemaVersion")) != 2 || manifest == index)
		return NULL;
	if (!own)
		return manifest ? "application/vnd.oci.image.manifest.v1+json" : "application/vnd.oci.image.index.v1+json";
	if (!is_media_type(own))
		return NULL;
	return memcpy(type, own, strlen(own) + 1);
}

// A signature packet of RFC 9580, section 5.2, bare or in armour: the whole of a small file.
static bool is_signature(const unsigned char *data, size_t length)
{
	static const char armour[] = "-----BEGIN PGP SIGNATURE-----";
	if (length >= sizeof armour && !memcmp(data, armour, sizeof armour - 1))
		return true;
	bool old_format = length > 10 && (data[0] & 0xfc) == 0x88, new_format = length > 10 && data[0] == 0xc2;
	size_t header = old_format ? (data[0] & 3) == 0 ? 2 : (data[0] & 3) == 1 ? 3 : 5 : data[1] < 192 ? 2 : 3;
	return (old_format || new_format) && data[header] >= 3 && data[header] <= 6;
}

static const char *type_of_text(int fd, int64_t size, struct err *e)
{
	buf_auto text = { 0 };
	if (size > (int64_t)JSONIO_BYTES_MAX || io_read_stream(fd, JSONIO_BYTES_MAX, "input", &text, e) < 0)
		return NULL;
	const char *start = buf_text(&text);
	if (start[strspn(start, JSON_BLANKS)] == '{')
		return type_of_json(start, text.length);
	return text.length <= SIGNATURE_MAX && is_signature((const unsigned char *)start, text.length) ? MEDIA_SIGNATURE : NULL;
}

// ---- what a tar looks like: in a confined child ----

struct look {
	int fd;
	bool layer; // it is to be one, and may have names that make a bad ACI of another tar
	struct codec_reader *codec;
	unsigned char start[TAR_BLOCK]; // the first header, read to recognise it and then given to the reader
	size_t replayed;
	struct hash *hash; // of the archive
};

static ssize_t from_look(void *context, void *data, size_t length, struct err *e)
{
	struct look *l = context;
	size_t left = sizeof l->start - l->replayed;
	ssize_t n = (ssize_t)(length < left ? length : left);
	if (left) {
		memcpy(data, l->start + l->replayed, (size_t)n);
		l->replayed += (size_t)n;
	} else {
		n = codec_read(l->codec, data, length, e);
	}
	if (n > 0)
		hash_add(l->hash, data, (size_t)n);
	return n;
}

// pax of POSIX.1-2017, "ustar Interchange Format": the checksum counts itself as blanks.
static bool is_tar_header(const unsigned char *block)
{
	unsigned sum = 0, told = 0;
	for (size_t i = 0; i < TAR_BLOCK; i++)
		sum += i >= 148 && i < 156 ? ' ' : block[i];
	size_t at = 148 + strspn((const char *)block + 148, " ");
	for (; at < 156 && block[at] >= '0' && block[at] <= '7'; at++)
		told = 8 * told + block[at] - '0';
	return sum == told && block[0];
}

// Of a layer that changes nothing there is but the end-of-archive blocks; elsewhere zeros are no sign of a tar.
static bool starts_as_tar(const struct look *l)
{
	static const unsigned char end[TAR_BLOCK];
	return is_tar_header(l->start) || (l->layer && !memcmp(l->start, end, TAR_BLOCK));
}

// Reads it to its end, which must be one. Whether it is laid out as an ACI.
static int walk(struct look *l, bool *is_aci, struct err *e)
{
	struct tar_entry entry;
	bool manifest = false, rootfs = false;
	struct tar_reader *tar = tar_open(from_look, l, &tar_default_limits);
	int got;
	while ((got = tar_next(tar, &entry, e)) > 0) {
		manifest = manifest || !strcmp(entry.path, "manifest");
		rootfs = rootfs || !strcmp(entry.path, "rootfs") || !strncmp(entry.path, "rootfs/", 7);
	}
	tar_close(tar);
	*is_aci = manifest && rootfs;
	return got;
}

// Writes one word: `bytes` for what is no tar, `aci`, or the name of a tar's codec; with that a second one, its digest uncompressed.
static int look_at(void *context, int out, struct err *e)
{
	struct look *l = context;
	bool is_aci = false;
	struct err no_archive = { 0 };
	size_t have = 0;
	l->codec = codec_open(aci_source_fd, &l->fd, &codeclimits_asked, &no_archive);
	for (ssize_t n = 1; l->codec && n > 0 && have<TAR_BLOCK; have += n> 0 ? (size_t)n : 0)
		n = codec_read(l->codec, l->start + have, TAR_BLOCK - have, &no_archive);
	if (have < TAR_BLOCK || !starts_as_tar(l)) {
		codec_close(l->codec);
		return dprintf(out, "bytes") < 0 ? -1 : 0;
	}
	char digest[DIGEST_TEXT_MAX];
	l->hash = hash_start(DIGEST_SHA256);
	int failed = walk(l, &is_aci, e);
	const char *word = codec_name(codec_of(l->codec));
	codec_close(l->codec);
	hash_finish(l->hash, digest);
	is_aci = is_aci && !l->layer;
	return failed ? -1 : (is_aci ? dprintf(out, "aci") : dprintf(out, "%s %s", word, digest)) < 0 ? -1 : 0;
}

static int rewound(int fd, struct err *e)
{
	return lseek(fd, 0, SEEK_SET) < 0 ? err_system(e, "cannot read the bytes again") : 0;
}

// ---- the verb ----

// Copies the bytes into the store's new file. Fills digest and size.
static int take(int in, struct io_output *o, char digest[static DIGEST_TEXT_MAX], int64_t *size, struct err *e)
{
	struct progress progress;
	mem_auto char *chunk = mem_alloc(IO_CHUNK);
	struct hash *h = hash_start(DIGEST_SHA256);
	ssize_t n = 0;
	progress_start(&progress, "store-put", -1);
	for (*size = 0; (n = io_read_full(in, chunk, IO_CHUNK)) > 0; *size += n) {
		hash_add(h, chunk, (size_t)n);
		if (io_write_all(o->fd, chunk, (size_t)n) < 0)
			break;
		progress_add(&progress, n);
	}
	if (n != 0)
		err_system(e, n < 0 ? "input: cannot read" : "store: cannot write");
	else
		progress_end(&progress);
	hash_finish(h, digest);
	return n ? -1 : 0;
}

// The record of an archive, without its blob; `type` becomes its media type. NULL, without an error, for bytes that are no tar.
static json_t *recognise_archive(int fd, char type[static TYPE_MAX], struct err *e)
{
	struct aci_scan scan = { 0 };
	struct look look = { .fd = fd, .layer = user.base };
	struct err no_aci = { 0 };
	buf_auto word = { 0 };
	if (rewound(fd, e) < 0)
		return NULL;
	if (aci_scan_confined(fd, &codeclimits_asked, &scan, &no_aci) == 0) {
		json_t *record = aci_record(scan.id, scan.manifest);
		json_decref(scan.manifest);
		snprintf(type, TYPE_MAX, MEDIA_ACI);
		return record;
	}
	if (rewound(fd, e) < 0 || sandbox_child(look_at, &look, DIGEST_TEXT_MAX + 64, &word, e) < 0)
		return NULL;
	if (!strcmp(buf_text(&word), "aci") || user.media_type)
		*e = no_aci;
	if (e->status || !strcmp(buf_text(&word), "bytes"))
		return NULL;
	size_t length = strcspn(buf_text(&word), " ");
	mem_auto char *codec = mem_text_n(buf_text(&word), length);
	bool plain = !strcmp(codec, codec_name(CODEC_NONE));
	snprintf(type, TYPE_MAX, MEDIA_TAR "%s%s", plain ? "" : "+", plain ? "" : codec);
	return json_pack("{s:s, s:s}", "kind", "image", "diff_id", buf_text(&word) + length + 1);
}

// The record without its blob; `type` becomes the blob's media type. Of the types a user may give, only the ACI's is looked into.
static json_t *recognise(int fd, int64_t size, char type[static TYPE_MAX], struct err *e)
{
	bool aci_wanted = user.media_type && !strcmp(user.media_type, MEDIA_ACI);
	snprintf(type, TYPE_MAX, "%s", user.media_type ? user.media_type : MEDIA_BYTES);
	if (!aci_wanted && (user.media_type || !size))
		return json_pack("{s:s}", "kind", "blob");
	const char *text = aci_wanted || user.base || rewound(fd, e) < 0 ? NULL : type_of_text(fd, size, e);
	json_t *record = text || e->status ? NULL : recognise_archive(fd, type, e);
	if (text)
		snprintf(type, TYPE_MAX, "%s", text);
	if (!user.base && (e->status == STATUS_MALFORMED || e->status == STATUS_LIMIT))
		err_hint(e, "--media-type " MEDIA_BYTES " stores any bytes as they are");
	return record || e->status ? record : json_pack("{s:s}", "kind", "blob");
}

static json_t *put_signature(struct store *s, int fd, struct err *e)
{
	buf_auto text = { 0 };
	char digest[DIGEST_TEXT_MAX];
	mem_auto char *subject = mem_format("'%s'", user.signature);
	if (io_read_stream(fd, SIGNATURE_MAX, subject, &text, e) < 0)
		return NULL;
	if (!text.length)
		err_set(e, STATUS_MALFORMED, "%s: empty", subject);
	if (e->status || store_put_blob(s, text.data, text.length, digest, e) < 0)
		return NULL;
	return descriptor_json(MEDIA_SIGNATURE, digest, (int64_t)text.length);
}

// What the record becomes with --base; without, the record. A new reference.
static json_t *lay_upon(struct store *s, const json_t *base, const json_t *record, struct err *e)
{
	const char *diff_id = json_string_value(json_object_get(record, "diff_id"));
	return base ? ociwrite_add_layer(s, base, json_object_get(record, "blob"), diff_id, e)
		    : json_incref((json_t *)(uintptr_t)record);
}

static json_t *put(struct store *s, int in, int signature, const json_t *base, struct err *e)
{
	struct io_output o;
	char digest[DIGEST_TEXT_MAX], type[TYPE_MAX];
	int64_t size;
	if (store_create_blob(s, &o, e) < 0)
		return NULL;
	int failed = take(in, &o, digest, &size, e);
	if (!failed && base && !size)
		failed = err_set(e, STATUS_MALFORMED, "no input: an earlier stage failed");
	jsonio_auto json_t *record = failed ? NULL : recognise(o.fd, size, type, e);
	json_t *signed_by = record && signature >= 0 ? put_signature(s, signature, e) : NULL;
	if (signed_by)
		json_object_set_new(record, "signature", signed_by);
	if (record)
		json_object_set_new(record, "blob", descriptor_json(type, digest, size));
	jsonio_auto json_t *image = e->status ? NULL : lay_upon(s, base, record, e);
	if (!image) {
		io_discard(&o);
		return NULL;
	}
	return store_commit_blob(s, &o, digest, e) < 0 ? NULL : json_incref(image);
}

int main(int argc, char **argv)
{
	struct err e = { 0 };
	struct sandbox sandbox = { .fork = true };
	struct cmd_operands files = cmd_start(&cmd, argc, argv);
	if (user.media_type && !is_media_type(user.media_type))
		cmd_usage("option --media-type: not a media type: '%s'", user.media_type);
	if (user.base && (user.media_type || user.signature))
		cmd_usage("option --base: takes a layer, which --media-type and --signature do not make sense with");
	const char *name = files.count ? files.items[0] : "-";
	if (user.base && !strcmp(user.base, "-") && !strcmp(name, "-"))
		cmd_usage("option --base: stdin cannot be both the record and the layer");
	jsonio_auto json_t *base = user.base ? image_read_file(user.base, "image", &e) : NULL;
	io_auto int in = e.status ? -1 : io_open_input(name, &e);
	io_auto int signature = in >= 0 && user.signature ? io_open_input(user.signature, &e) : -1;
	store_auto *s = e.status ? NULL : storecmd_open(STORECMD_CREATE, &sandbox, &e);
	jsonio_auto json_t *record = s ? put(s, in, signature, base, &e) : NULL;
	if (!record)
		return cmd_fail(&e);
	record_write(record);
	return cmd_finish();
}
