// layerbase.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "base/jsonio.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/texts.h"
#include "crypto/hash.h"
#include "image/layerbase.h"
#include "image/layers.h"
#include "image/ociimage.h"
#include "image/pass.h"

struct layerbase {
	struct progress *progress;
	struct layertree *tree;
	struct texts *digests; // of each layer, one for each of its entries; "" for what has no content
	size_t layers;
	const struct render_options *options;
	int64_t bytes; // of all files together
};

struct layerbase *layerbase_new(struct progress *p)
{
	struct layerbase *b = mem_alloc(sizeof *b);
	b->progress = p;
	b->tree = layertree_new(true);
	return b;
}

void layerbase_free(struct layerbase *b)
{
	if (!b)
		return;
	for (size_t i = 0; i < b->layers; i++)
		texts_free(&b->digests[i]);
	free(b->digests);
	layertree_free(b->tree);
	free(b);
}

struct layertree *layerbase_tree(struct layerbase *b)
{
	return b->tree;
}

const char *layerbase_digest(const struct layerbase *b, const struct layertree_inode *inode)
{
	return b->digests[inode->layer].items[inode->entry];
}

int layerbase_check_name(const char *path, struct err *e)
{
	if (!strncmp(path_base(path), LAYERS_WHITEOUT_PREFIX, strlen(LAYERS_WHITEOUT_PREFIX)))
		return err_set(e, STATUS_REFUSED, "'%s': a name that a layer cannot hold: it would be a whiteout", path);
	return 0;
}

static void begin_layer(struct layerbase *b)
{
	b->digests = mem_resize(b->digests, b->layers + 1, sizeof *b->digests);
	b->digests[b->layers++] = (struct texts){ 0 };
}

static int put(struct layerbase *b, const struct tar_entry *entry, const char *digest, struct err *e)
{
	struct texts *digests = &b->digests[b->layers - 1];
	texts_add(digests, digest);
	return layertree_put(b->tree, b->layers - 1, digests->count - 1, entry, e);
}

// ---- a tree ----

static int put_file(void *base, const struct tar_entry *entry, int fd, const struct stat *st, struct err *e)
{
	struct layerbase *b = base;
	char digest[DIGEST_TEXT_MAX] = "";
	int64_t size = 0;
	(void)st;
	if (layerbase_check_name(entry->path, e) < 0)
		return -1;
	if (entry->type == TAR_FILE && hash_stream(DIGEST_SHA256, fd, digest, &size, e) < 0)
		return err_context(e, "'%s'", entry->path);
	progress_add(b->progress, size);
	return put(b, entry, digest, e);
}

int layerbase_add_tree(struct layerbase *b, const struct treewalk_options *options, int directory, const char *name,
	struct err *e)
{
	const struct treewalk how = { .options = options, .prefix = "", .visit = put_file, .context = b };
	begin_layer(b);
	return treewalk(&how, directory, name, e);
}

// ---- the layers of an image ----

static int hash_data(struct layerbase *b, struct tar_reader *r, char digest[static DIGEST_TEXT_MAX], struct err *e)
{
	static const char zeros[65536];
	struct hash *h = hash_start(DIGEST_SHA256);
	const char *data;
	int64_t n;
	while ((n = tar_borrow(r, &data, e)) > 0) {
		progress_add(b->progress, n);
		for (; !data && n > (int64_t)sizeof zeros; n -= (int64_t)sizeof zeros) // a hole
			hash_add(h, zeros, sizeof zeros);
		hash_add(h, data ? data : zeros, (size_t)n);
	}
	hash_finish(h, digest);
	return n < 0 ? -1 : 0;
}

static int put_entry(void *base, const struct tar_entry *entry, struct tar_reader *r, struct err *e)
{
	struct layerbase *b = base;
	char digest[DIGEST_TEXT_MAX] = "";
	int64_t size = entry->type == TAR_FILE ? entry->size : 0;
	if (size > b->options->bytes - b->bytes)
		return err_set(e, STATUS_LIMIT, "'%s': the files together are larger than the limit of %lld bytes", entry->path,
			(long long)b->options->bytes);
	b->bytes += size;
	// The entry's texts are the reader's, and gone once it reads on.
	if (put(b, entry, digest, e) < 0)
		return -1;
	if (entry->type != TAR_FILE)
		return 0;
	struct texts *digests = &b->digests[b->layers - 1];
	char **last = &digests->items[digests->count - 1];
	if (hash_data(b, r, digest, e) < 0)
		return -1;
	free(*last);
	*last = mem_text(digest);
	return 0;
}

int layerbase_add_image(struct layerbase *b, struct store *s, const json_t *record, const struct render_options *options,
	struct err *e)
{
	ociimage_auto image = { 0 };
	b->options = options;
	if (ociimage_read(s, record, &image, e) < 0)
		return -1;
	for (size_t i = 0; i < ociimage_layers(&image); i++) {
		jsonio_auto json_t *layer = ociimage_layer(&image, i, e);
		begin_layer(b);
		if (!layer)
			return -1;
		if (pass_over_image(s, layer, options, put_entry, b, e) < 0)
			return err_context(e, "layer %zu", i + 1);
	}
	return 0;
}
