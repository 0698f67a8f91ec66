/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kube_input - manifests from the command line, and what is wrong with them on stderr.
 *
 * Theory of operation: everything that is wrong is said at once, in the order of files and lines.
 * An error begins with "Error: ", a warning with "Warning: ", then file:line:column, the path of
 * the field, and what is wrong.
 */
#include "cmd/podium/play/kube_input.h"

#include "cmd/podium/base/command.h"
#include "cmd/podium/play/kube_archive.h"
#include "engine/base/mem.h"

static void print_diags(const struct kube_diags *diags)
{
	for (size_t i = 0; i < diags->n; i++) {
		cleanup_free char *text = kube_diag_format(&diags->v[i]);
		struct error err;

		if (diags->v[i].severity == KUBE_WARNING) {
			command_print_warning(text);
			continue;
		}
		(void)error_set(&err, EINVAL, "%s", text);
		command_print_error(&err);
	}
	if (diags->dropped)
		command_print_warning("there is more than these");
}

int kube_input_read(int argc, char **argv, const struct kube_input *how, struct kube_result *ret,
		    struct error *err)
{
	bool is_archive;
	int r = kube_archive_input(argc, argv, how, ret, &is_archive, err);

	print_diags(&ret->diags);
	if (r < 0)
		return r;
	return ret->has_errors ? 125 : 0;
}
