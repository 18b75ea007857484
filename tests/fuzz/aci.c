// Whole images: the archive, and what it must and must not hold.
// SPDX-License-Identifier: Apache-2.0
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "image/aci.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length);

struct source {
	const uint8_t *at;
	size_t left;
};

static ssize_t next(void *context, void *out, size_t length, struct err *e)
{
	struct source *s = context;
	size_t n = s->left < length ? s->left : length;
	(void)e;
	if (n)
		memcpy(out, s->at, n);
	s->at += n;
	s->left -= n;
	return (ssize_t)n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
	struct source source = { data, length };
	struct codec_limits limits = codec_default_limits;
	struct findings findings = { 0 };
	struct buf text = { 0 };
	struct err e = { 0 };
	struct aci_scan scan;
	limits.output = 1 << 20;
	struct aci_reading how = { &limits, ACI_ENTRIES_MAX, true };
	aci_read(next, &source, &how, &scan, &text, &findings, &e);
	json_decref(scan.manifest);
	findings_free(&findings);
	buf_free(&text);
	return 0;
}
