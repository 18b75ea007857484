// libcurl in this process, and the handle of each thread. For net/http and net/exchange.
// SPDX-License-Identifier: Apache-2.0
#ifndef NET_CURL_H
#define NET_CURL_H

#include <curl/curl.h>

#include "base/err.h"

// The handle of this thread, which keeps its connections; libcurl is started where it was not, with the configuration of OpenSSL
// (config(5)). NULL when it cannot start, or that cannot be read.
CURL *curl_handle(void);

// Before sandbox_enter: refuses (STATUS_REFUSED) a file with a private key that group or others may use, or an encrypted one, whose
// passphrase OpenSSL would ask for by itself. What is no file that can be read is left to libcurl, which says so when a server wants it; a
// pipe can be read once only.
int curl_check_key(const char *path, struct err *e);

void curl_end(void); // http_end_thread, and the end of libcurl: no other thread uses it any more

#endif
