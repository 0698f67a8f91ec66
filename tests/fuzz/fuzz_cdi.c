/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_cdi - any bytes as a CDI specification: no crash, an error with a reason, and nothing outside
 * of what a container may be given.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/base/json.h"
#include "engine/rootfs/cdi.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char one[] = "vendor.com/class=one", two[] = "vendor.com/class=two";
	char *names[] = { one, two };
	const struct strlist wanted = { .v = names, .n = 2 };
	cleanup_json json_t *spec = NULL;
	struct cdi_edits edits = { 0 };
	bool found[2] = { false };
	struct error err = { 0 };

	if (jload_text((const char *)data, size, "fuzz", &spec, &err) < 0)
		return 0;
	if (cdi_apply(spec, "fuzz", &wanted, found, &edits, &err) < 0) {
		if (!err.text[0])
			abort();
	} else if (!found[0] && !found[1] && (edits.env.n || edits.n_nodes || edits.n_mounts)) {
		abort(); /* edits of a device that nobody asked for */
	}
	for (size_t i = 0; i < edits.n_nodes; i++)
		if (strncmp(edits.nodes[i].path, "/dev/", 5) != 0 ||
		    strstr(edits.nodes[i].path, "/../"))
			abort();
	for (size_t i = 0; i < edits.n_gids; i++)
		if (edits.gids[i] == 0)
			abort();
	cdi_edits_done(&edits);
	return 0;
}
