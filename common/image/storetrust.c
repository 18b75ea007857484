// storetrust.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include "base/path.h"
#include "image/storetrust.h"
#include "image/verify.h"

static struct texts directories;

const struct cmd_option storetrust_options[] = {
	CMD_TEXTS(0, "trust", "DIR", &directories, "a trust directory, repeatable, later ones mask earlier; else TACKLE_TRUST"),
	CMD_END,
};

int storetrust_load(struct trust *trust, struct err *e)
{
	struct texts all = { 0 };
	path_trust(&directories, &all);
	int failed = trust_load(&all, trust, e);
	texts_free(&all);
	texts_free(&directories);
	return failed;
}

static void forget(json_t *record, const void *trust)
{
	verify_forget(trust, record);
}

void storetrust_apply(struct store *s, const struct trust *trust)
{
	store_set_filter(s, forget, trust);
}
