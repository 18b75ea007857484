// curl.h, and http.h of http_end_thread, say what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <openssl/conf.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "base/io.h"
#include "base/secret.h"
#include "crypto/libcrypto.h"
#include "net/curl.h"
#include "net/http.h"

enum { KEY_FILE_MAX = 256 * 1024 }; // with certificates around the key

static _Thread_local CURL *handle;
static bool started;

// Debian's libcurl brings GnuTLS along, for RTMP and LDAP, which nobody asks for here. Once loaded it would start itself and take 0.7 MB
// and a tenth of the time of a small request, but for a program that has this function (GNUTLS_SKIP_GLOBAL_INIT in gnutls.h).
int curl_skip_gnutls(void) __asm__("_gnutls_global_init_skip");
int curl_skip_gnutls(void)
{
	return 1;
}

// libcurl would read OpenSSL's configuration only where no hash has started libcrypto without it.
static bool configure_tls(void)
{
	libcrypto_start();
	return CONF_modules_load_file(NULL, NULL, CONF_MFLAGS_DEFAULT_SECTION | CONF_MFLAGS_IGNORE_MISSING_FILE) > 0;
}

// Under a lock, since threads may be first.
static bool start(void)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	pthread_mutex_lock(&lock);
	if (!started)
		started = configure_tls() && curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
	pthread_mutex_unlock(&lock);
	return started;
}

CURL *curl_handle(void)
{
	if (!handle && start())
		handle = curl_easy_init();
	return handle;
}

static bool is_encrypted(const char *pem)
{
	return strstr(pem, "-----BEGIN ENCRYPTED PRIVATE KEY-----") || strstr(pem, "Proc-Type: 4,ENCRYPTED");
}

int curl_check_key(const char *path, struct err *e)
{
	struct stat st;
	struct err unread = { 0 };
	secret_auto text = { 0 };
	io_auto int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	bool file = fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
	if (!file || io_read_stream(fd, KEY_FILE_MAX, path, &text, &unread) < 0)
		return 0;
	if (!is_encrypted(buf_text(&text)))
		return strstr(buf_text(&text), "PRIVATE KEY-----") ? io_check_secret(path, &st, e) : 0;
	err_set(e, STATUS_REFUSED, "'%s': the private key is encrypted: TLS takes only one that is not", path);
	return err_hint(e, "openssl pkey -in '%s' -out FILE writes it unencrypted", path);
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
