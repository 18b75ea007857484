// names.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/path.h"
#include "base/utf8.h"
#include "crypto/hash.h"
#include "tuf/names.h"

static const char unquoted[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

static void quote(const char *text, size_t length, const char *also, struct buf *out)
{
	for (size_t i = 0; i < length; i++)
		if (strchr(unquoted, text[i]) || strchr(also, text[i]))
			buf_add_byte(out, text[i]);
		else
			buf_add_format(out, "%%%02X", (unsigned)(unsigned char)text[i]);
}

void names_quote(const char *name, struct buf *out)
{
	quote(name, strlen(name), "", out);
}

void names_quote_path(const char *path, struct buf *out)
{
	quote(path, strlen(path), "/", out);
}

void names_path_hash(const char *path, char hex[static NAMES_HASH_MAX])
{
	char digest[DIGEST_TEXT_MAX];
	hash_bytes(DIGEST_SHA256, path, strlen(path), digest);
	memcpy(hex, digest_digits(digest), NAMES_HASH_MAX);
}

void names_file(const char *name, struct buf *out)
{
	char hex[NAMES_HASH_MAX];
	size_t before = out->length;
	if (!strcmp(name, ".") || !strcmp(name, "..")) {
		buf_add_text(out, name[1] ? "%2E%2E" : "%2E");
		return;
	}
	names_quote(name, out);
	if (out->length - before <= NAMES_FILE_MAX)
		return;
	out->length = before;
	names_path_hash(name, hex);
	buf_add_format(out, "%%%%%s", hex);
}

static char *role_name(const char *role, int64_t version, void (*spell)(const char *role, struct buf *out))
{
	struct buf out = { 0 };
	if (version > 0)
		buf_add_format(&out, "%" PRId64 ".", version);
	spell(role, &out);
	buf_add_text(&out, ".json");
	return buf_steal(&out);
}

char *names_role_file(const char *role, int64_t version)
{
	return role_name(role, version, names_file);
}

char *names_role_url(const char *role, int64_t version)
{
	return role_name(role, version, names_quote);
}

static int hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

int64_t names_file_version(const char *file)
{
	char *end = NULL;
	long long version = *file >= '1' && *file <= '9' ? strtoll(file, &end, 10) : 0;
	return end && *end == '.' && version < INT64_MAX ? version : 0;
}

int64_t names_former_version(int directory, const char *role, int64_t but)
{
	int64_t highest = 0;
	const struct dirent *entry;
	mem_auto char *plain = names_role_file(role, 0);
	int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	while (d && (entry = readdir(d))) {
		int64_t version = names_file_version(entry->d_name);
		if (version > highest && version != but && !strcmp(strchr(entry->d_name, '.') + 1, plain))
			highest = version;
	}
	if (d)
		closedir(d);
	else if (fd >= 0)
		close(fd);
	return highest;
}

char *names_stem(const char *file)
{
	static const char ending[] = ".json";
	size_t length = strlen(file), n = sizeof ending - 1;
	return length > n && !strcmp(file + length - n, ending) ? mem_text_n(file, length - n) : NULL;
}

char *names_unfile(const char *file)
{
	buf_auto name = { 0 };
	buf_auto again = { 0 };
	for (const char *p = file; *p; p++) {
		int high = *p == '%' ? hex_digit(p[1]) : 0;
		int low = *p == '%' && high >= 0 ? hex_digit(p[2]) : 0;
		if (*p == '%' && (high < 0 || low < 0 || !(high | low)))
			return NULL;
		buf_add_byte(&name, (char)(*p == '%' ? high << 4 | low : *p));
		p += *p == '%' ? 2 : 0;
	}
	names_file(buf_text(&name), &again);
	return strcmp(buf_text(&again), file) ? NULL : buf_steal(&name);
}

char *names_target_url(const char *path, const char *hash)
{
	struct buf out = { 0 };
	const char *base = path_base(path);
	quote(path, (size_t)(base - path), "/", &out);
	if (hash)
		buf_add_format(&out, "%s.", hash);
	names_quote(base, &out);
	return buf_steal(&out);
}

char *names_target_file(const char *path, const char *hash)
{
	struct buf out = { 0 };
	const char *base = names_is_plain_path(path) ? path_base(path) : NULL;
	if (base)
		buf_add(&out, path, (size_t)(base - path));
	if (hash)
		buf_add_format(&out, "%s.", hash);
	if (base)
		buf_add_text(&out, base);
	else
		names_file(path, &out);
	return buf_steal(&out);
}

bool names_is_top_level(const char *role)
{
	return !strcmp(role, "root") || !strcmp(role, "timestamp") || !strcmp(role, "snapshot") || !strcmp(role, "targets");
}

int names_check_role(const char *role, struct err *e)
{
	if (!*role || names_is_top_level(role))
		return err_set(e, STATUS_REFUSED, "a delegation to the role '%s'", role);
	return utf8_valid(role, strlen(role)) ? 0 : err_set(e, STATUS_REFUSED, "the role name '%s': not UTF-8", role);
}

int names_check_target(const char *path, struct err *e)
{
	if (!*path)
		return err_set(e, STATUS_REFUSED, "an empty target name");
	return utf8_valid(path, strlen(path)) ? 0 : err_set(e, STATUS_REFUSED, "the target name '%s': not UTF-8", path);
}

bool names_is_plain_path(const char *path)
{
	for (const char *part = path;;) {
		size_t n = strcspn(part, "/");
		if (!n || (n == 1 && part[0] == '.') || (n == 2 && part[0] == '.' && part[1] == '.'))
			return false;
		if (!part[n])
			return true;
		part += n + 1;
	}
}

// ---- patterns ----

struct text { // a pattern or a name, in part
	const char *at, *end;
};

// The character there; bytes that are not UTF-8 stand for themselves, apart from every character.
static unsigned take(struct text *t)
{
	unsigned code = 0;
	size_t n = utf8_decode(t->at, (size_t)(t->end - t->at), &code);
	if (!n)
		code = 0x110000u + (unsigned char)*t->at;
	t->at += n ? n : 1;
	return code;
}

// The set behind a `[`, as in `[a-c_]` and `[!x]`; a `]` that comes first is in it. Leaves p behind its `]`. False when none ends it: then
// the `[` stands for itself.
static bool set_has(struct text *p, unsigned c, bool *has)
{
	struct text t = *p;
	bool negated = t.at < t.end && *t.at == '!', found = false;
	t.at += negated;
	for (const char *first = t.at; t.at < t.end;) {
		if (*t.at == ']' && t.at > first) {
			t.at++;
			*p = t;
			*has = found != negated;
			return true;
		}
		unsigned low = take(&t), high = low;
		if (t.end - t.at >= 2 && t.at[0] == '-' && t.at[1] != ']') {
			t.at++;
			high = take(&t);
		}
		found |= low <= c && c <= high;
	}
	return false;
}

// Whether one character of the pattern, which is no `*`, matches one of the name; both move on when it does.
static bool match_one(struct text *pattern, struct text *name)
{
	struct text p = *pattern, n = *name;
	bool has = false;
	unsigned c = take(&n), expected = take(&p);
	if (expected == '[' && set_has(&p, c, &has))
		expected = has ? c : ~c;
	if (expected != '?' && expected != c)
		return false;
	*pattern = p;
	*name = n;
	return true;
}

static bool match_component(struct text pattern, struct text name)
{
	struct text star = { NULL, NULL }, from = name; // behind the last `*`, and where what it stands for ends
	while (name.at < name.end) {
		if (pattern.at < pattern.end && *pattern.at == '*') {
			pattern.at++;
			star = pattern;
			from = name;
		} else if (pattern.at == pattern.end || !match_one(&pattern, &name)) {
			if (!star.at)
				return false;
			take(&from);
			name = from;
			pattern = star;
		}
	}
	while (pattern.at < pattern.end && *pattern.at == '*')
		pattern.at++;
	return pattern.at == pattern.end;
}

bool names_match(const char *pattern, const char *path)
{
	for (;;) {
		size_t n = strcspn(pattern, "/"), m = strcspn(path, "/");
		if (!match_component((struct text){ pattern, pattern + n }, (struct text){ path, path + m }) ||
			!pattern[n] != !path[m])
			return false;
		if (!pattern[n])
			return true;
		pattern += n + 1;
		path += m + 1;
	}
}

bool names_match_whole(const char *pattern, const char *path)
{
	return match_component((struct text){ pattern, pattern + strlen(pattern) }, (struct text){ path, path + strlen(path) });
}

uint32_t names_bin(const char path_hash[static NAMES_HASH_MAX], int bits)
{
	char leading[9];
	memcpy(leading, path_hash, 8);
	leading[8] = '\0';
	return (uint32_t)((strtoull(leading, NULL, 16) & 0xffffffffu) >> (NAMES_BIN_BITS_MAX - bits));
}

char *names_bin_role(const char *prefix, int bits, uint32_t bin)
{
	return mem_format("%s-%0*" PRIx32, prefix, (bits + 3) / 4, bin);
}
