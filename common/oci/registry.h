// One repository of a registry, by the OCI distribution specification 1.1 (and Docker's registry API v2, from which it comes).
// SPDX-License-Identifier: Apache-2.0
#ifndef OCI_REGISTRY_H
#define OCI_REGISTRY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/cmd.h"
#include "base/err.h"
#include "base/sandbox.h"
#include "crypto/digest.h"
#include "net/http.h"
#include "oci/descriptor.h"

// --auth-host, those of credentials.h and of http.h, for the table of every program that talks to a registry.
extern const struct cmd_option registry_options[];

#define REGISTRY_PULL "pull"
#define REGISTRY_PUSH "pull,push"

// Call it once, with one thread, before sandbox_enter: reads the credentials, then as http_prepare.
int registry_prepare(struct sandbox *s, struct err *e);
void registry_end(void); // forgets them; then as http_end

// Functions with a registry may be called by several threads at once; their failures are http_get's, with what the registry says of
// them. Nothing is sent before the first question, and no login before the registry asks for one (dtuf:O22).
struct registry;

// HOST[:PORT] as ref_parse writes it, docker.io included. repository: NULL for what belongs to no repository. actions: what a token
// shall allow, REGISTRY_PULL, REGISTRY_PUSH, ...; NULL for what the challenge itself says. Returns NULL with STATUS_USAGE.
struct registry *registry_open(const char *host, const char *repository, const char *actions, struct err *e);
void registry_close(struct registry *r); // NULL is fine

// A further scope that tokens shall have, such as `repository:OTHER:pull`. Before the first question.
void registry_add_scope(struct registry *r, const char *scope);

// The repository of the registry HOST, when blobs can be mounted from there: it is another one of the same registry; else NULL. Tokens then
// allow to pull from there, too; so before the first question.
const char *registry_mount_from(struct registry *r, const char *host, const char *repository);

// https, and http only where --allow-http was given and no TLS answers. `HOST/v2/REPOSITORY/` and path behind it; malloced.
char *registry_url(struct registry *r, const char *path, struct err *e);

// A request for such a URL or one that the registry pointed to; logs in where that is asked for.
int registry_ask(struct registry *r, const struct http_request *q, struct http_response *response, struct err *e);

// Whether the registry is there and lets one in: GET /v2/.
int registry_ping(struct registry *r, struct err *e);

// The token that the last answer was got with, or NULL: none was asked for. Owned by r; a secret.
const char *registry_token(const struct registry *r);

// Where an answer points to next (Location, Link): absolute, malloced; NULL with STATUS_REFUSED where it may not point to.
char *registry_onward(const struct http_response *response, const char *reference, bool same_origin, struct err *e);

// ---- manifests ----

// Appends the manifest or index of a tag or digest to text. Its type as the registry says, malloced, and its digest as computed; when
// the reference is a digest it is that one, and what Docker-Content-Digest says agrees (dtuf:O23), else STATUS_REFUSED.
int registry_manifest(struct registry *r, const char *reference, struct buf *text, char **media_type,
	char digest[static DIGEST_TEXT_MAX], struct err *e);
int registry_has_manifest(struct registry *r, const char *reference, struct err *e); // 1, 0 or -1
// *lists, which may be NULL: the registry has entered it among the referrers of its subject (OCI-Subject).
int registry_put_manifest(struct registry *r, const char *reference, const char *media_type, const struct buf *text, bool *lists,
	struct err *e);
// Of a valid tag or digest. STATUS_REFUSED for a registry that does not delete, with a message that says so (dtuf:D27).
int registry_delete_manifest(struct registry *r, const char *reference, struct err *e);
int registry_delete_blob(struct registry *r, const char *digest, struct err *e);

// Which of these digests another tag than `own` (may be NULL) leads to, as its manifest or by naming it: the first that does, malloced,
// in each use's tag, which is NULL before. Reads the manifests of all tags, of which there may be `limit`, until every digest has one.
struct registry_use {
	const char *digest;
	char *tag;
};
int registry_find_uses(struct registry *r, const char *own, size_t limit, struct registry_use *uses, size_t count, struct err *e);

// ---- blobs ----

char *registry_blob_url(struct registry *r, const char *digest, struct err *e); // malloced
int registry_has_blob(struct registry *r, const char *digest, struct err *e);   // 1, 0 or -1
int64_t registry_blob_size(struct registry *r, const char *digest,
	struct err *e); // as the registry tells it; -1, STATUS_NOT_FOUND

// Uploads it unless it is there: mounted from another repository where that can be, else in pieces, resumed after a cut, or in one.
// Published only by its digest, which the registry checks.
struct target_blob;
int registry_put_blob(struct registry *r, struct target_blob *b, struct err *e);
extern const struct cmd_option registry_upload_options[]; // --chunk-size

// ---- lists, page by page ----

// Adds the tags of the repository, or the repositories of the registry, to names, sorted by their bytes: not every registry gives them in
// the order that the specification asks for. At most `limit`.
int registry_tags(struct registry *r, size_t limit, struct texts *names, struct err *e);
int registry_repositories(struct registry *r, size_t limit, struct texts *names, struct err *e);

// Appends the descriptors of the manifests that refer to this one (distribution-spec, "Listing Referrers") to `entries`: 1; 0 when the
// registry does not know that question, or -1. At most MANIFEST_ENTRIES_MAX.
int registry_referrers(struct registry *r, const char *digest, json_t *entries, struct err *e);

#endif
