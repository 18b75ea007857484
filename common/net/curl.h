// libcurl in this process, and the handle of each thread. For net/http and net/exchange.
// SPDX-License-Identifier: Apache-2.0
#ifndef NET_CURL_H
#define NET_CURL_H

#include <curl/curl.h>

// The handle of this thread, which keeps its connections; libcurl is started where it was not. NULL when it cannot start.
CURL *curl_handle(void);
void curl_end(void); // http_end_thread, and the end of libcurl: no other thread uses it any more

#endif
