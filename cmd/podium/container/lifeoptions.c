/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lifeoptions - the grace period that people ask for.
 *
 * Theory of operation: below, it is counted in milliseconds of an int32; more than fits there is
 * refused here, where it still has a name.
 */
#include "cmd/podium/container/lifeoptions.h"

#include <errno.h>

int grace_option(const struct option_int *time, int64_t *ret_s, struct error *err)
{
	*ret_s = -1;
	if (!time->set)
		return 0;
	if (time->value < 0 || time->value > INT32_MAX / 1000)
		return error_set(err, EINVAL, "a grace period takes seconds from 0 to %d",
				 INT32_MAX / 1000);
	*ret_s = time->value;
	return 0;
}
