// evil-tar - write a tar archive, right or wrong, entry by entry as its arguments say
// SPDX-License-Identifier: Apache-2.0
//
//	f:NAME:DATA  d:NAME  l:NAME:TARGET  h:NAME:TARGET  p:NAME  c:NAME (1:3)  t:X:NAME (type flag X)
//	F:NAME:FILE  with the data of a file
//	x:KEY=VALUE  one more pax record for the next entry     X:KEY=LENGTH  the same with a value of that many letters
//	mode=OCTAL uid=N gid=N mtime=N  for the entries that follow, decimal but for the mode
//	size=N       announces that size for the next entry, whatever its data
//	many=N       N empty files
//	noend        no end-of-archive blocks              raw:TEXT  bytes as they are
//
// \ooo in a name or text is a byte; a colon can be written so. Nothing is checked: that is the point.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK 512

static unsigned long mode = 0644, uid, gid, mtime, announced;
static int has_announced, no_end;
static char *pax;
static size_t pax_length;

// Replaces \ooo in place. Returns the length.
static size_t unescape(char *text)
{
	char *out = text;
	for (char *at = text; *at;) {
		unsigned byte;
		if (sscanf(at, "\\%3o", &byte) == 1) {
			*out++ = (char)byte;
			at += 4;
		} else {
			*out++ = *at++;
		}
	}
	*out = '\0';
	return (size_t)(out - text);
}

static void pad(size_t length)
{
	for (; length % BLOCK; length++)
		putchar(0);
}

static void header(char type, const char *name, size_t name_length, const char *link, unsigned long size)
{
	unsigned char h[BLOCK + 32] = { 0 };
	memcpy(h, name, name_length < 100 ? name_length : 100);
	sprintf((char *)h + 100, "%07lo", mode);
	sprintf((char *)h + 108, "%07lo", uid);
	sprintf((char *)h + 116, "%07lo", gid);
	sprintf((char *)h + 124, "%011lo", size);
	sprintf((char *)h + 136, "%011lo", mtime);
	memset(h + 148, ' ', 8);
	h[156] = (unsigned char)type;
	memcpy(h + 157, link, strlen(link) < 100 ? strlen(link) : 100);
	memcpy(h + 257, "ustar\00000", 8);
	if (type == '3') {
		sprintf((char *)h + 329, "%07o", 1);
		sprintf((char *)h + 337, "%07o", 3);
	}
	unsigned sum = 0;
	for (int i = 0; i < BLOCK; i++)
		sum += h[i];
	sprintf((char *)h + 148, "%06o", sum);
	fwrite(h, 1, BLOCK, stdout);
}

static void entry(char type, const char *name, size_t name_length, const char *link, const char *data, size_t length)
{
	if (pax_length) {
		header('x', "pax", 3, "", pax_length);
		fwrite(pax, 1, pax_length, stdout);
		pad(pax_length);
		pax_length = 0;
	}
	header(type, name, name_length, link, has_announced ? announced : length);
	has_announced = 0;
	fwrite(data, 1, length, stdout);
	pad(length);
}

static void add_pax(const char *key, const char *value, size_t value_length)
{
	char head[400];
	size_t body = strlen(key) + value_length + 3, length = body; // blank, =, newline
	for (size_t digits = 1; digits < 20; digits++) {
		length = body + digits;
		if (snprintf(head, sizeof head, "%zu", length) == (int)digits)
			break;
	}
	int n = snprintf(head, sizeof head, "%zu %s=", length, key);
	pax = realloc(pax, pax_length + length + 1);
	memcpy(pax + pax_length, head, (size_t)n);
	memcpy(pax + pax_length + n, value, value_length);
	pax[pax_length + length - 1] = '\n';
	pax_length += length;
}

static void pax_argument(char kind, char *text)
{
	char *value = strchr(text, '=');
	*value++ = '\0';
	if (kind == 'x') {
		add_pax(text, value, unescape(value));
		return;
	}
	size_t length = strtoul(value, NULL, 10);
	char *letters = malloc(length + 1);
	memset(letters, 'a', length);
	add_pax(text, letters, length);
	free(letters);
}

static void file_entry(const char *name, size_t name_length, const char *path)
{
	FILE *f = fopen(path, "rb");
	if (!f)
		exit(1);
	fseek(f, 0, SEEK_END);
	size_t length = (size_t)ftell(f);
	rewind(f);
	char *data = malloc(length + 1);
	if (fread(data, 1, length, f) != length)
		exit(1);
	fclose(f);
	entry('0', name, name_length, "", data, length);
	free(data);
}

static int setting(const char *text)
{
	static const struct {
		const char *name;
		unsigned long *value;
		int base;
	} all[] = { { "mode=", &mode, 8 }, { "uid=", &uid, 10 }, { "gid=", &gid, 10 }, { "mtime=", &mtime, 10 },
		{ "size=", &announced, 10 } };
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		if (!strncmp(text, all[i].name, strlen(all[i].name))) {
			*all[i].value = strtoul(text + strlen(all[i].name), NULL, all[i].base);
			has_announced |= all[i].value == &announced;
			return 1;
		}
	return 0;
}

static void many(unsigned long count)
{
	char name[32];
	for (unsigned long i = 0; i < count; i++)
		entry('0', name, (size_t)sprintf(name, "%lu", i), "", "", 0);
}

static void argument(char *text)
{
	static const char kinds[] = "fdlhpct", types[] = "0521630";
	char *name = text + 2, *rest = strchr(name, ':');
	if (setting(text))
		return;
	if (!strcmp(text, "noend")) {
		no_end = 1;
		return;
	}
	if (!strncmp(text, "many=", 5)) {
		many(strtoul(text + 5, NULL, 10));
		return;
	}
	if (!strncmp(text, "raw:", 4)) {
		fwrite(text + 4, 1, unescape(text + 4), stdout);
		return;
	}
	if (*text == 'x' || *text == 'X') {
		pax_argument(*text, name);
		return;
	}
	if (rest)
		*rest++ = '\0';
	char none[1] = "";
	rest = rest ? rest : none;
	size_t rest_length = unescape(rest), name_length = unescape(name);
	if (*text == 'F')
		file_entry(name, name_length, rest);
	else if (*text == 't')
		entry(*name, rest, rest_length, "", "", 0);
	else if (*text == 'f')
		entry('0', name, name_length, "", rest, rest_length);
	else
		entry(types[strchr(kinds, *text) - kinds], name, name_length, rest, "", 0);
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		argument(argv[i]);
	for (int i = 0; !no_end && i < 2 * BLOCK; i++)
		putchar(0);
	return fflush(stdout) ? 1 : 0;
}
