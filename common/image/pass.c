// pass.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "image/pass.h"
#include "oci/descriptor.h"

int pass_over(int fd, const struct render_options *options, enum digest_algorithm archive, pass_visit *visit, void *context,
	struct feed_digests *digests, struct err *e)
{
	struct feed *feed = feed_start(fd, &options->codec, archive, e);
	if (!feed)
		return -1;
	struct tar_reader *tar = tar_open_pieces(feed_pieces, feed, &options->tar);
	struct tar_entry entry;
	int got;
	while ((got = tar_next(tar, &entry, e)) > 0)
		if (visit(context, &entry, tar, e) < 0) {
			got = -1;
			break;
		}
	if (got == 0)
		feed_digests(feed, digests);
	tar_close(tar);
	feed_free(feed);
	return got;
}

bool pass_is_aci(const json_t *record)
{
	const char *type = json_string_value(json_object_get(json_object_get(record, "blob"), "mediaType"));
	return (type && !strcmp(type, MEDIA_ACI)) || json_object_get(record, "id");
}

static int mismatch(const char *what, const char *expected, const char *found, struct err *e)
{
	return err_set(e, STATUS_REFUSED, "digest mismatch: %s: expected %s, found %s", what, expected, found);
}

// The digest of what was decompressed: the image id of an ACI, or the diff_id of a layer where the record has one.
static int check_archive(const json_t *record, const char *found, struct err *e)
{
	const char *id = json_string_value(json_object_get(record, "id"));
	const char *diff_id = json_string_value(json_object_get(record, "diff_id"));
	if (pass_is_aci(record)) {
		const size_t prefix = strlen("sha512-");
		if (id && (strlen(id) <= prefix || strcmp(id + prefix, found + prefix) != 0))
			return mismatch("the image", id, found, e);
	} else if (diff_id && strcmp(diff_id, found) != 0)
		return mismatch("the archive", diff_id, found, e);
	return 0;
}

// A blob that is not what the record says may also break its format; the former is what the user should hear.
static int explain(int fd, const char *expected, struct err *e)
{
	char found[DIGEST_TEXT_MAX];
	struct err ignored = { 0 };
	bool about_content = e->status == STATUS_MALFORMED || e->status == STATUS_LIMIT || e->status == STATUS_REFUSED;
	if (about_content && lseek(fd, 0, SEEK_SET) == 0 && !hash_stream(DIGEST_SHA256, fd, found, NULL, &ignored) &&
		strcmp(expected, found) != 0)
		mismatch("the blob", expected, found, e);
	return -1;
}

// An image id is of sha512, a diff_id of what it says.
static enum digest_algorithm algorithm_of_archive(const json_t *record)
{
	enum digest_algorithm algorithm = DIGEST_SHA256;
	digest_valid(json_string_value(json_object_get(record, "diff_id")), &algorithm, NULL);
	return pass_is_aci(record) ? DIGEST_SHA512 : algorithm;
}

int pass_over_image(struct store *s, const json_t *record, const struct render_options *options, pass_visit *visit, void *context,
	struct err *e)
{
	struct descriptor blob;
	struct feed_digests found;
	if (descriptor_read(record, "blob", &blob, e) < 0)
		return -1;
	if (!digest_is_sha256(blob.digest))
		return err_set(e, STATUS_MALFORMED, "record: blob.digest: not a sha256: digest");
	io_auto int fd = store_open_described(s, &blob, e);
	if (fd < 0)
		return -1;
	struct render_options how = *options;
	how.tar.open_end = json_object_get(record, "diff_id") != NULL;
	if (pass_over(fd, &how, algorithm_of_archive(record), visit, context, &found, e) < 0)
		return explain(fd, blob.digest, e);
	if (strcmp(blob.digest, found.source) != 0)
		return mismatch("the blob", blob.digest, found.source, e);
	return check_archive(record, found.archive, e);
}
