// What registries and their token servers say when they say no (distribution-spec, "Error Codes").
// SPDX-License-Identifier: Apache-2.0
#ifndef OCI_REFUSAL_H
#define OCI_REFUSAL_H

#include "base/err.h"
#include "net/http.h"

// Adds the first error of the answer, `CODE: message`, to what e says of it; nothing where the answer tells none.
void refusal_add(const struct http_response *response, struct err *e);

#endif
