// points COUNT - prints that many P-384 public keys as PEM, each with an x or a y that starts with a zero byte: among 1G, 2G, 3G and so
// on, one in 128 does. Always the same ones.
// SPDX-License-Identifier: Apache-2.0
#define OPENSSL_SUPPRESS_DEPRECATED // nothing newer makes many points affine at once
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <stdlib.h>

enum { BATCH = 1024, WIDTH = 48 };

static int print(const EC_POINT *point)
{
	EC_KEY *key = EC_KEY_new_by_curve_name(NID_secp384r1);
	int ok = EC_KEY_set_public_key(key, point) == 1 && PEM_write_EC_PUBKEY(stdout, key) == 1;
	EC_KEY_free(key);
	return ok;
}

int main(int argc, char **argv)
{
	EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_secp384r1);
	EC_POINT *points[BATCH], *last = EC_POINT_new(group);
	BIGNUM *x = BN_new(), *y = BN_new();
	BN_CTX *context = BN_CTX_new();
	long left = argc > 1 ? atol(argv[1]) : 1;
	for (int i = 0; i < BATCH; i++)
		points[i] = EC_POINT_new(group);
	while (left > 0) {
		for (int i = 0; i < BATCH; i++) {
			EC_POINT_add(group, last, last, EC_GROUP_get0_generator(group), context);
			EC_POINT_copy(points[i], last);
		}
		EC_POINTs_make_affine(group, BATCH, points, context);
		for (int i = 0; i < BATCH && left > 0; i++) {
			EC_POINT_get_affine_coordinates(group, points[i], x, y, context);
			if (BN_num_bytes(x) == WIDTH && BN_num_bytes(y) == WIDTH)
				continue;
			if (!print(points[i]))
				return 1;
			left--;
		}
	}
	return fflush(stdout) ? 1 : 0;
}
