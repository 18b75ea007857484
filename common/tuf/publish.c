// publish.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"
#include "base/path.h"
#include "tuf/bars.h"
#include "tuf/publishkind.h"
#include "tuf/remote.h"
#include "tuf/tufoci.h"

static int open_locked(const char *path, struct sandbox *s, struct err *e)
{
	if (path_make(path, 0755, e) < 0)
		return -1;
	texts_add(&s->writes, path);
	io_auto int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (directory < 0)
		return err_open(e, path);
	if (flock(directory, LOCK_EX) < 0)
		return err_system(e, "'%s': cannot lock", path);
	return io_steal(directory);
}

int publish_open(struct publish *p, const char *where, enum publish_for for_what, struct sandbox *s, struct err *e)
{
	*p = (struct publish){ 0 };
	bool is_layout = !strncmp(where, "oci:", 4);
	if (tufoci_is_registry(where))
		return remote_prepare_network(where, s, e) < 0 ? -1 : publishregistry_open(p, where, for_what, e);
	if (!is_layout && strncmp(where, "file:", 5) != 0)
		return err_set(e, STATUS_USAGE,
			"'%s': not a place to publish in: expected file:DIR, oci:DIR or docker://HOST/NAME", where);
	const char *path = strchr(where, ':') + 1;
	int directory = open_locked(path, s, e);
	if (directory < 0)
		return -1;
	return is_layout ? publishlayout_open(p, directory, path, e) : publishtree_open(p, directory, path, e);
}

void publish_close(struct publish *p)
{
	if (p->kind)
		p->kind->close(p->context);
	*p = (struct publish){ 0 };
}

void publish_mount_from(struct publish *p, const char *place)
{
	if (p->kind->mount_from)
		p->kind->mount_from(p->context, place);
}

int publish_plain_names(struct publish *p, struct err *e)
{
	if (!p->kind->plain_names)
		return err_set(e, STATUS_REFUSED, "without consistent snapshots it can be published in file:DIR only");
	p->kind->plain_names(p->context);
	return 0;
}

size_t publish_digests(const struct publish *p, const json_t *target, char digests[static PUBLISH_DIGESTS][DIGEST_TEXT_MAX],
	struct err *e)
{
	size_t n = 0;
	enum digest_algorithm last = publish_is_tree(p) ? DIGEST_SHA512 : DIGEST_SHA256;
	for (enum digest_algorithm a = DIGEST_SHA256; a <= last; a++) {
		const char *name = digest_name(a),
			   *hex = json_string_value(json_object_get(json_object_get(target, "hashes"), name));
		mem_auto char *digest = mem_format("%s:%s", name, hex ? hex : "");
		if (hex && digest_valid(digest, NULL, NULL))
			memcpy(digests[n++], digest, strlen(digest) + 1);
	}
	if (!n)
		err_set(e, STATUS_REFUSED, "no sha256%s is listed", publish_is_tree(p) ? " or sha512" : "");
	return n;
}

int publish_timestamp(struct publish *p, size_t limit, struct buf *out, struct err *e)
{
	return p->kind->timestamp(p->context, limit, out, e);
}

static void start_bar(struct bars_blob *bar, struct target_blob *b)
{
	*bar = (struct bars_blob){ .digest = b->digest, .size = b->size };
	b->told = bars_tell;
	b->told_context = bar;
}

// Of what was sent, too, when it was empty.
static int end_bar(struct bars_blob *bar, const struct target_blob *b, int result)
{
	if (!result && b->how == TARGET_SENT && !b->size)
		bars_tell(bar, 0);
	bars_end(bar, result < 0);
	return result;
}

int publish_blob(struct publish *p, struct target_blob *b, struct err *e)
{
	struct bars_blob bar;
	start_bar(&bar, b);
	return end_bar(&bar, b, p->kind->blob(p->context, b, e));
}

int publish_target(struct publish *p, const char *path, struct target_blob *b, struct err *e)
{
	struct bars_blob bar;
	start_bar(&bar, b);
	return end_bar(&bar, b, p->kind->target(p->context, path, b, e));
}

int publish_manifest(struct publish *p, const char *path, const struct buf *manifest, const char *digest, struct err *e)
{
	return p->kind->manifest(p->context, path, manifest, digest, e);
}

int publish_index(struct publish *p, const char *role, const struct buf *index, struct err *e)
{
	return p->kind->index(p->context, role, index, e);
}

int publish_drop_target(struct publish *p, const char *path, const char *digest, struct err *e)
{
	return p->kind->drop(p->context, path, digest, e);
}

int publish_metadata(struct publish *p, const char *role, int64_t version, const struct buf *text, struct err *e)
{
	return p->kind->metadata(p->context, role, version, text, e);
}

int publish_former(struct publish *p, const char *role, int64_t version, const struct buf *text, struct err *e)
{
	return p->kind->former(p->context, role, version, text, e);
}

int publish_commit(struct publish *p, struct err *e)
{
	return p->kind->commit(p->context, e);
}
