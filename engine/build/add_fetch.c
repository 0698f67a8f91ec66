/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "engine/build/copy.h"

int add_fetch(struct copier *c, const char *address, struct copy_item *ret, struct error *err)
{
	(void)c;
	(void)ret;
	return error_set(err, ENOTSUP, "ADD '%.200s': addresses are not fetched yet", address);
}
