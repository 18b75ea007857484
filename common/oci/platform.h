// Operating systems and architectures: the one table between OCI's names (GOARCH and variant; image-spec image-index.md,
// "platform") and appc's (aci.md, "labels").
// SPDX-License-Identifier: Apache-2.0
#ifndef OCI_PLATFORM_H
#define OCI_PLATFORM_H

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"

struct platform {
	const char *os;           // linux, freebsd, darwin
	const char *architecture; // OCI's: amd64, arm64, arm ...
	const char *variant;      // OCI's: v7, v8 ..., or NULL
	const char *appc;         // appc's arch: amd64, aarch64, armv7l ...
};

const struct platform *platform_host(void);

// os, architecture (either spelling) and optional variant; NULL when the table has no such row.
const struct platform *platform_find(const char *os, const char *architecture, const char *variant);

// `os/arch[/variant]` as --platform takes it, either spelling. NULL with STATUS_USAGE.
const struct platform *platform_parse(const char *text, struct err *e);

// Whether appc's specification allows this pair in labels, in its own spelling (rkt:I-011); a NULL arch asks for the os alone.
bool platform_in_appc(const char *os, const char *arch);

json_t *platform_json(const struct platform *p); // OCI's object; a new reference

#endif
