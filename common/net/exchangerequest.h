// What an exchange asks: method, header lines, body, and by which TLS. Part of exchange.c, not for others.
// SPDX-License-Identifier: Apache-2.0
#ifndef NET_EXCHANGEREQUEST_H
#define NET_EXCHANGEREQUEST_H

#include "net/exchange.h"

// The header lines; sets asked_range. The caller frees them after the exchange.
struct curl_slist *exchangerequest_headers(struct exchange *x);

// Tells libcurl all of it; what x and the list hold must stay until the exchange is over.
void exchangerequest_set(struct exchange *x, struct curl_slist *list);

#endif
