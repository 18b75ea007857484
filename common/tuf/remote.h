// A TUF repository as a reader meets it: `file:DIR` and `https://...` hold `metadata/` and `targets/` as the specification lays them
// out (dtuf:O16); `docker://HOST/REPOSITORY` and `oci:DIR` as tufoci.h says. Reading gives bytes and no judgement: who asks checks
// length, hashes and signatures.
// SPDX-License-Identifier: Apache-2.0
#ifndef TUF_REMOTE_H
#define TUF_REMOTE_H

#include <stdint.h>

#include "base/buf.h"
#include "net/http.h"

#define REMOTE_REDIRECTS_MAX 5 // dtuf:S28

// --repo --metadata-url --targets-url, for the option table of every program that reads a repository.
extern const struct cmd_option remote_options[];

bool remote_is_given(void);             // by one of them
bool remote_is_place(const char *text); // it begins as what names a repository does

// Where the place is in the network: what registry_prepare does, once, in time before the sandbox. Opening a remote does it.
int remote_prepare_network(const char *place, struct sandbox *s, struct err *e);

struct remote;

// Where the targets of a mirror are, as the options name it; NULL for no such mirror.
const char *remote_targets_place(size_t mirror);

// What the options named: the same repository, in one place or several (mirrors, asked in order). Opens directories, and prepares the
// network only where it is needed: call it before sandbox_enter. Returns NULL on failure. Nothing is asked for yet.
struct remote *remote_open(struct sandbox *s, struct err *e);
void remote_close(struct remote *r); // NULL is fine
size_t remote_mirrors(const struct remote *r);

// The same for what a program's operands name: values as of these options, NULL for those not given.
struct remote *remote_open_mirrors(const struct texts *places, struct sandbox *s, struct err *e); // of --repo
struct remote *remote_open_at(const char *repository, const char *metadata, const char *targets, struct sandbox *s,
	struct err *e);

// Appends `[V.]ROLE.json`, V only above 0 (dtuf:S17). Returns 0, or 1 when the repository says that there is none (404, 403, no such
// file), or -1; more than limit bytes is STATUS_LIMIT. A mirror that fails is passed over; one that has not this file, too, unless the
// role is root.
int remote_metadata(struct remote *r, const char *role, int64_t version, size_t limit, struct buf *out, struct err *e);

// Of a role's other versions that the first mirror keeps, the highest; 0 for none, and where that cannot be asked.
int64_t remote_former(struct remote *r, const char *role, int64_t version);

struct remote_request { // as http_request; validator is freed by the caller
	int64_t limit;
	http_sink *sink;
	int (*restart)(void *context, struct err *e);
	void (*begin)(void *context, int64_t total, int64_t from);
	void *context;
	int64_t resume_from;
	char *validator; // in: of the part there is; out: of what came
};

// From one mirror, the bytes of a target; hash (hex) where the repository has consistent snapshots (dtuf:S24), else NULL. STATUS_NOT_FOUND.
int remote_target(struct remote *r, size_t mirror, const char *path, const char *hash, struct remote_request *q, struct err *e);

// The same of a target that is a manifest of blobs (dtuf:B3).
int remote_manifest(struct remote *r, size_t mirror, const char *path, const char *hash, struct remote_request *q, struct err *e);

// One blob of a target that has several (dtuf:B3), by its SHA-256 in hex.
int remote_blob(struct remote *r, size_t mirror, const char *hash, struct remote_request *q, struct err *e);

// Whether the first mirror still has the target: 0, or -1 with STATUS_NOT_FOUND. None of its data is fetched (dtuf:B9).
int remote_ask_target(struct remote *r, const char *path, const char *hash, struct err *e);

// Of a tree: the size of the file of a target; -1 with STATUS_NOT_FOUND when it is not there. The same of such a blob, which may be of
// what is behind a URL or in a registry, too, as they tell it.
int64_t remote_target_size(const struct remote *r, const char *path, const char *hash, struct err *e);
int64_t remote_blob_size(struct remote *r, const char *hash, struct err *e);

#endif
