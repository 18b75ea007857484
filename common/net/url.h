// URLs: what may be fetched and how two of them relate. libcurl parses (RFC 3986 as the WHATWG mends it); the
// rules are ours.
// SPDX-License-Identifier: Apache-2.0
#ifndef NET_URL_H
#define NET_URL_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"

struct sockaddr;

#define URL_MAX 8192 // bytes; what common servers take

// Whether it is an absolute http or https URL with a host, without user information, blanks or control
// characters. STATUS_REFUSED saying why not.
int url_check(const char *url, struct err *e);

bool url_is_https(const char *url);
bool url_has_dot_segments(const char *url); // `.` or `..` in the path, percent-encoded or not

// HOST[:PORT], lower case, without the scheme's own port; malloced, NULL for what url_check refuses.
char *url_host(const char *url);
bool url_same_origin(const char *a, const char *b); // scheme, host and port

// An absolute or relative reference as seen from base (RFC 3986, section 5), or NULL. Malloced.
char *url_resolve(const char *base, const char *reference);
// The same over https at HOST[:PORT]; NULL host for the URL's own. Malloced, or NULL.
char *url_at_host(const char *url, const char *host);
void url_add_escaped(struct buf *out, const char *text); // appends text percent-encoded but for RFC 3986's unreserved characters

// Loopback, link-local or unspecified: what only this machine or its metadata service answers (rkt:F-03).
bool url_address_is_local(const struct sockaddr *address);
bool url_names_local(const char *url); // by a literal address or as localhost; other names are judged when they are resolved

// For messages: without its query and user information, which may hold a secret; the name of a file whole. Malloced.
char *url_shown(const char *url);

#endif
