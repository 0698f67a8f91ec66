/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_mountwords - any text as -v, --mount, --tmpfs and --secret: no crash; what is accepted has an
 * absolute place that is not the root, and a volume; what is refused leaves the plan alone.
 */
#include <stdlib.h>
#include <string.h>

#include "cmd/podium/container/mountwords.h"
#include "engine/base/mem.h"
#include "tests/fuzz/fuzz.h"

typedef int words_fn(const char *text, struct pod_spec *pod, struct container_spec *c,
		     struct error *err);

static void check_mount(const struct pod_spec *pod, const struct container_spec *c, int r)
{
	const struct mount_spec *m = c->mounts.v;

	if (c->mounts.n != (r == 0) || pod->volumes.n != (r == 0))
		abort();
	if (r == 0 && (!pod_find_volume(pod, m->volume) || m->target[0] != '/' || !m->target[1] ||
		       strstr(m->target, "/../") || strstr(m->target, "//")))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static words_fn *const all[] = { mount_words_volume, mount_words_mount, mount_words_tmpfs };
	cleanup_free char *text = xstrndup((const char *)data, size);
	struct container_spec secrets = { 0 };
	struct error err = { 0 };
	int r;

	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		struct pod_spec pod = { 0 };
		struct container_spec c = { 0 };

		r = all[i](text, &pod, &c, &err);
		check_mount(&pod, &c, r);
		record_done(&pod_spec_type, &pod);
		record_done(&container_spec_type, &c);
	}
	r = mount_words_secret(text, &secrets, &err);
	if (secrets.secrets.n != (r == 0) || (r == 0 && !*secrets.secrets.v[0].name))
		abort();
	record_done(&container_spec_type, &secrets);
	return 0;
}
