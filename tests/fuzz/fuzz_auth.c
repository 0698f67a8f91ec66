/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_auth - any bytes as a file of credentials: no crash, and an entry is found only under a key
 * that means the host that was asked for.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/image/auth_file.h"
#include "tests/fuzz/fuzz.h"

/* Whether some key of the file means one of those that "q.io/a/b" may be found under. */
static bool has_key(json_t *root)
{
	static const char *const keys[] = { "q.io/a/b", "q.io/a", "q.io" };
	json_t *auths = json_object_get(root, "auths");

	for (size_t i = 0; i < 3; i++)
		if (auth_member(auths ? auths : root, keys[i], NULL))
			return true;
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_credentials struct credentials c = { .user = NULL };
	cleanup_json_secret json_t *root = NULL;
	struct error err = { .code = 0 };
	int r = auth_find_text((const char *)data, size, "q.io", "a/b", &c, &err);

	if ((r == 1) != (c.user || c.identity_token))
		abort();
	if (r == 1 &&
	    (auth_text_read((const char *)data, size, "fuzz", &root, &err) < 0 || !has_key(root)))
		abort();
	return 0;
}
