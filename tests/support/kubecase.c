/* SPDX-License-Identifier: Apache-2.0 */
/* kubecase - small help for tests of kube/: a manifest as text to findings or a plan. */
#include "tests/support/kubecase.h"

#include <string.h>
#include <unistd.h>

#include "engine/base/str.h"
#include "tests/support/oracle.h"

void kubecase_load(const char *yaml, bool strict, bool for_play, struct kube_result *ret)
{
	struct kube_input input = { .strict = strict, .for_play = for_play };
	cleanup_free char *file = oracle_temp(yaml, strlen(yaml));
	struct error err = { 0 };

	strlist_add(&input.files, file);
	if (kube_load(&input, ret, &err) < 0)
		abort();
	(void)unlink(file);
	strlist_done(&input.files);
}

static void indented(struct buf *out, const char *lines, const char *indent)
{
	while (*lines) {
		size_t len = strcspn(lines, "\n");

		buf_adds(out, indent);
		buf_add(out, lines, len);
		buf_addc(out, '\n');
		lines += len + (lines[len] == '\n');
	}
}

char *kubecase_pod(const char *container, const char *spec)
{
	struct buf out = BUF_INIT((size_t)4 << 20);

	buf_adds(&out, "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n"
		       "  containers:\n  - name: c\n    image: x\n");
	indented(&out, container, "    ");
	indented(&out, spec, "  ");
	return buf_steal(&out);
}

bool kubecase_has(const struct kube_result *r, enum kube_severity severity, const char *path,
		  const char *part)
{
	for (size_t i = 0; i < r->diags.n; i++) {
		const struct kube_diag *d = &r->diags.v[i];

		if (d->severity == severity && (!*path || strcmp(d->path, path) == 0) &&
		    strstr(d->text, part))
			return true;
	}
	return false;
}

void kubecase_print(const struct kube_result *r)
{
	for (size_t i = 0; i < r->diags.n; i++) {
		cleanup_free char *line = kube_diag_format(&r->diags.v[i]);

		printf("  %s\n", line);
	}
}
