// Making files from the entries of an archive, beneath one directory and nowhere else. Every path is resolved by openat2 from that
// directory's descriptor, without symlinks, and every file is made new, so that neither the archive nor another process can lead
// a write outside (rkt:U-02 to U-04, U-15 to U-20). A later entry replaces an earlier one of the same path, and what is no
// directory where a later path needs one (rkt:I-032).
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGE_TREE_H
#define IMAGE_TREE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "image/tar.h"

struct tree_options {
	bool setuid;       // keep setuid and setgid bits; dropping any is counted
	bool devices;      // make device nodes; else they are refused
	bool capabilities; // restore security.capability
	bool owners;       // chown; needs root or a user namespace; without it every file is the caller's
	int64_t bytes;     // what all files together may have
};

// What could not or should not be kept, and how often; `first` is a path, or empty.
struct tree_lost {
	int64_t count;
	char first[256];
};

struct tree_losses {
	struct tree_lost owners, setuid, xattrs;
};

struct tree;
struct treepath;

// root is the directory to fill, borrowed; nothing in it is trusted to stay what it is.
struct tree *tree_open(int root, const struct tree_options *options);

// One entry at `path`, which is the entry's own or, with its link, made relative to the root by the caller. The data of a file is
// taken from r. STATUS_MALFORMED names the entry: `..`, an absolute path, a root that is no directory, a hard link that leads
// elsewhere than to a regular file of this tree.
int tree_put(struct tree *t, const struct tar_entry *entry, const char *path, const char *link, struct tar_reader *r,
	struct err *e);

// The modes, owners and times of directories, which making their entries would change. Call it once, at the end.
int tree_finish(struct tree *t, struct err *e);

// Whether a path is absolute or has a `..`.
bool tree_leaves_root(const char *path);

struct treepath *tree_path(struct tree *t); // for treelayer.h

const struct tree_losses *tree_losses(const struct tree *t);
void tree_close(struct tree *t);

#endif
