// url.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "net/url.h"

static int refuse(const char *url, const char *why, struct err *e)
{
	mem_auto char *shown = url_shown(url);
	return err_set(e, STATUS_REFUSED, "'%.200s': %s", shown, why);
}

// The parsed form, or NULL when libcurl cannot make sense of it.
static CURLU *parse(const char *url)
{
	CURLU *parts = curl_url();
	if (parts && curl_url_set(parts, CURLUPART_URL, url, CURLU_PATH_AS_IS | CURLU_DISALLOW_USER) == CURLUE_OK)
		return parts;
	curl_url_cleanup(parts);
	return NULL;
}

// Malloced, "" when the URL has no such part.
static char *part(CURLU *parts, CURLUPart which)
{
	char *value = NULL;
	if (curl_url_get(parts, which, &value, CURLU_NO_DEFAULT_PORT) != CURLUE_OK)
		return mem_text("");
	char *copy = mem_text(value);
	curl_free(value);
	return copy;
}

int url_check(const char *url, struct err *e)
{
	if (strlen(url) > URL_MAX)
		return refuse(url, "longer than a URL may be", e);
	for (const char *at = url; *at; at++)
		if ((unsigned char)*at <= ' ' || (unsigned char)*at >= 0x7f || strchr("\"<>\\^`{|}", *at))
			return refuse(url, "a character that a URL cannot hold", e);
	if (strncasecmp(url, "https://", 8) != 0 && strncasecmp(url, "http://", 7) != 0)
		return refuse(url, "neither an https nor an http URL", e);
	const char *authority = strstr(url, "://") + 3;
	if (memchr(authority, '@', strcspn(authority, "/?#")))
		return refuse(url, "user information in a URL", e);
	CURLU *parts = strchr("/?#", *authority) ? NULL : parse(url); // libcurl would take the host from the path
	if (!parts)
		return refuse(url, "not a URL", e);
	mem_auto char *host = part(parts, CURLUPART_HOST);
	curl_url_cleanup(parts);
	return *host && *host != '-' ? 0 : refuse(url, "a URL without a proper host name", e);
}

bool url_is_https(const char *url)
{
	return !strncasecmp(url, "https:", 6);
}

bool url_has_dot_segments(const char *url)
{
	const char *authority = strstr(url, "://");
	const char *at = authority ? authority + 3 + strcspn(authority + 3, "/?#") : url;
	while (*at == '/') {
		size_t dots = 0;
		for (at++; *at == '.' || !strncasecmp(at, "%2e", 3); dots++)
			at += *at == '.' ? 1 : 3;
		size_t rest = strcspn(at, "/?#");
		bool encoded_slash = !strncasecmp(at, "%2f", 3) || *at == '\\';
		if (dots && dots <= 2 && (!rest || encoded_slash))
			return true;
		at += rest;
	}
	return false;
}

char *url_host(const char *url)
{
	CURLU *parts = parse(url);
	if (!parts)
		return NULL;
	mem_auto char *host = part(parts, CURLUPART_HOST);
	mem_auto char *port = part(parts, CURLUPART_PORT);
	curl_url_cleanup(parts);
	for (char *at = host; *at; at++)
		if (*at >= 'A' && *at <= 'Z')
			*at = (char)(*at - 'A' + 'a');
	return mem_format("%s%s%s", host, *port ? ":" : "", port);
}

bool url_same_origin(const char *a, const char *b)
{
	mem_auto char *one = url_host(a);
	mem_auto char *other = url_host(b);
	return one && other && !strcmp(one, other) && url_is_https(a) == url_is_https(b);
}

// What libcurl makes of it, malloced; frees parts.
static char *whole(CURLU *parts, bool good)
{
	char *url = NULL;
	if (!good || curl_url_get(parts, CURLUPART_URL, &url, CURLU_NO_DEFAULT_PORT) != CURLUE_OK)
		url = NULL;
	char *copy = mem_text(url);
	curl_free(url);
	curl_url_cleanup(parts);
	return copy;
}

char *url_resolve(const char *base, const char *reference)
{
	CURLU *parts = parse(base);
	return whole(parts, parts && curl_url_set(parts, CURLUPART_URL, reference, CURLU_DISALLOW_USER) == CURLUE_OK);
}

char *url_at_host(const char *url, const char *host)
{
	mem_auto char *own = host ? NULL : url_host(url);
	host = host ? host : own;
	mem_auto char *origin = host ? mem_format("https://%s/", host) : NULL;
	CURLU *to = origin && !strpbrk(host, "/?#@") ? parse(origin) : NULL, *from = parse(url);
	bool good = to && from;
	if (good) {
		mem_auto char *path = part(from, CURLUPART_PATH);
		mem_auto char *query = part(from, CURLUPART_QUERY);
		good = curl_url_set(to, CURLUPART_PATH, path, 0) == CURLUE_OK &&
			(!*query || curl_url_set(to, CURLUPART_QUERY, query, 0) == CURLUE_OK);
	}
	curl_url_cleanup(from);
	return whole(to, good);
}

void url_add_escaped(struct buf *out, const char *text)
{
	for (; *text; text++)
		if (strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~", *text))
			buf_add_byte(out, *text);
		else
			buf_add_format(out, "%%%02X", (unsigned char)*text);
}

static bool is_local_4(uint32_t address) // in host order
{
	return address >> 24 == 127 || address >> 16 == 0xa9fe || address >> 24 == 0;
}

static bool is_local_6(const struct in6_addr *a)
{
	static const char nat64[12] = "\0\x64\xff\x9b";                                // in front of an IPv4 address (RFC 6052)
	static const char metadata[16] = "\xfd\0\x0e\xc2\0\0\0\0\0\0\0\0\0\0\x02\x54"; // fd00:ec2::254, of EC2
	if (!memcmp(a->s6_addr, metadata, sizeof metadata))
		return true;
	if (IN6_IS_ADDR_V4MAPPED(a) || IN6_IS_ADDR_V4COMPAT(a) || !memcmp(a->s6_addr, nat64, sizeof nat64)) {
		uint32_t inner;
		memcpy(&inner, a->s6_addr + 12, sizeof inner);
		return IN6_IS_ADDR_LOOPBACK(a) || is_local_4(ntohl(inner));
	}
	return IN6_IS_ADDR_LOOPBACK(a) || IN6_IS_ADDR_LINKLOCAL(a) || IN6_IS_ADDR_UNSPECIFIED(a);
}

bool url_address_is_local(const struct sockaddr *address)
{
	if (address->sa_family == AF_INET)
		return is_local_4(ntohl(((const struct sockaddr_in *)(const void *)address)->sin_addr.s_addr));
	if (address->sa_family == AF_INET6)
		return is_local_6(&((const struct sockaddr_in6 *)(const void *)address)->sin6_addr);
	return true; // a unix socket or something yet unknown
}

bool url_names_local(const char *url)
{
	CURLU *parts = parse(url);
	mem_auto char *host = parts ? part(parts, CURLUPART_HOST) : mem_text("");
	curl_url_cleanup(parts);
	size_t n = strlen(host);
	struct in_addr four;
	struct in6_addr six;
	if (*host == '[' && n > 2) {
		host[n - 1] = '\0';
		return inet_pton(AF_INET6, host + 1, &six) == 1 && is_local_6(&six);
	}
	if (inet_pton(AF_INET, host, &four) == 1)
		return is_local_4(ntohl(four.s_addr));
	return !strcasecmp(host, "localhost") || (n > 10 && !strcasecmp(host + n - 10, ".localhost"));
}

char *url_shown(const char *url)
{
	const char *scheme_end = strstr(url, "://"), *authority = scheme_end ? scheme_end + 3 : url;
	const char *at = memrchr(authority, '@', strcspn(authority, "/?#"));
	const char *host = at ? at + 1 : authority;
	if (!strncmp(url, "file:", 5))
		return mem_text(url);
	return mem_format("%.*s%.*s", (int)(authority - url), url, (int)strcspn(host, "?"), host);
}
