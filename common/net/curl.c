// curl.h, and http.h of http_end_thread, say what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <pthread.h>
#include <stdbool.h>

#include "net/curl.h"
#include "net/http.h"

static _Thread_local CURL *handle;
static bool started;

// Debian's libcurl brings GnuTLS along, for RTMP and LDAP, which nobody asks for here. Once loaded it would start itself and take 0.7 MB
// and a tenth of the time of a small request, but for a program that has this function (GNUTLS_SKIP_GLOBAL_INIT in gnutls.h).
int curl_skip_gnutls(void) __asm__("_gnutls_global_init_skip");
int curl_skip_gnutls(void)
{
	return 1;
}

// Under a lock, since threads may be first.
static bool start(void)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	pthread_mutex_lock(&lock);
	if (!started)
		started = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
	pthread_mutex_unlock(&lock);
	return started;
}

CURL *curl_handle(void)
{
	if (!handle && start())
		handle = curl_easy_init();
	return handle;
}

void http_end_thread(void)
{
	if (handle)
		curl_easy_cleanup(handle);
	handle = NULL;
}

void curl_end(void)
{
	http_end_thread();
	if (started)
		curl_global_cleanup();
	started = false;
}
