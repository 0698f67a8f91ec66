/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pull - `podium pull IMAGE...`: images from registries into the store.
 *
 * Theory of operation: the work is the verb "pull" of podium-image, one run for all images
 * (pulljob.h). People see on stderr what is tried and the layers on their way; the ids of the images
 * are on stdout, in the order of the arguments. One that fails does not stop the others; the exit
 * code is then 125.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/podium/base/commands.h"
#include "cmd/podium/base/progress.h"
#include "cmd/podium/image/pulljob.h"
#include "engine/image/manifest.h"

struct pull_command {
	struct pull_options pull;
	const char *policy;
	const char *arch;
	const char *os;
	const char *variant;
	struct option_maybe content_trust;
	bool quiet;
};

#define O(m) offsetof(struct pull_command, m)
static const struct option pull_option_table[] = {
	{ 'a', "all-tags", OPTION_BOOL, O(pull.all_tags), NULL, "Pull every tag of the repository",
	  false },
	{ 0, "arch", OPTION_STRING, O(arch), "string",
	  "Choose images for this architecture instead of this machine's", false },
	OPTION_AUTHFILE(O(pull.reg.authfile)),
	OPTION_CERT_DIR(O(pull.reg.cert_dir)),
	OPTION_CREDS(O(pull.reg.creds)),
	OPTION_CONTENT_TRUST(O(content_trust)),
	{ 0, "os", OPTION_STRING, O(os), "string", "Choose images for this system", false },
	{ 0, "platform", OPTION_STRING, O(pull.platform), "OS/ARCH[/VARIANT]",
	  "Choose images for this platform (instead of --os, --arch, --variant)", false },
	{ 0, "policy", OPTION_STRING, O(policy), "string",
	  "always, missing, never or newer (default always)", false },
	{ 'q', "quiet", OPTION_BOOL, O(quiet), NULL, "Print nothing but the ids of the images",
	  false },
	OPTION_TLS_VERIFY(O(pull.reg.tls_verify)),
	{ 0, "variant", OPTION_STRING, O(variant), "string",
	  "Choose images for this variant of the architecture", false },
	OPTIONS_END,
};

static int check_policy(const char *policy, struct error *err)
{
	static const char *const known[] = { "always", "missing", "never", "newer" };

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (!policy || is_equal(policy, known[i]))
			return 0;
	return error_set(err, EINVAL, "--policy '%.50s': write always, missing, never or newer",
			 policy);
}

/* --os, --arch and --variant as one word; the caller's. NULL: none was given. */
static int join_platform(const struct pull_command *o, char **ret, struct error *err)
{
	struct platform p;
	cleanup_free char *text = NULL;
	int r;

	if (!o->arch && !o->os && !o->variant)
		return 0;
	if (o->pull.platform)
		return error_set(err, EINVAL,
				 "--platform says all: leave out --os, --arch and --variant");
	platform_host(&p);
	text = xasprintf("%s/%s%s%s", o->os ? o->os : p.os, o->arch ? o->arch : p.architecture,
			 o->variant ? "/" : "", o->variant ? o->variant : "");
	platform_done(&p);
	r = platform_parse(text, &p, err);
	if (r < 0)
		return r;
	*ret = platform_format(&p);
	platform_done(&p);
	return 0;
}

/* Ids to stdout, reasons to stderr; the last reason is the command's error. */
static int print_results(const struct pull_want *v, size_t n, struct error *err)
{
	const struct error *last = NULL;

	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < v[i].ids.n; j++)
			if (puts(v[i].ids.v[j]) < 0)
				return error_errno(err, "write to stdout");
		if (!v[i].failure.code)
			continue;
		if (last)
			command_print_error(last);
		last = &v[i].failure;
	}
	if (last)
		*err = *last;
	return last ? -last->code : 0;
}

static int run_pull(struct command_context *ctx, void *options, int argc, char **argv,
		    struct error *err)
{
	struct pull_command *o = options;
	cleanup_progress struct progress *progress = NULL;
	cleanup_free struct pull_want *wants = NULL;
	cleanup_free char *platform = NULL;
	int r = check_policy(o->policy, err);

	if (r == 0)
		r = content_trust_check(&o->content_trust, err);
	if (r == 0)
		r = join_platform(o, &platform, err);
	if (r < 0)
		return r;
	if (platform)
		o->pull.platform = platform;
	wants = xcalloc((size_t)argc, sizeof(*wants));
	for (int i = 0; i < argc; i++)
		wants[i] = (struct pull_want){ .name = argv[i],
					       .policy = o->policy ? o->policy : "always" };
	progress = progress_new(o->quiet);
	r = pull_run(&ctx->store, &o->pull, wants, (size_t)argc, progress, err);
	progress_free(steal_ptr(&progress));
	if (r == 0)
		r = print_results(wants, (size_t)argc, err);
	pull_wants_done(wants, (size_t)argc);
	return r;
}

const struct command cmd_pull = {
	.words = "pull",
	.args = "[options] IMAGE [IMAGE...]",
	.summary = "Bring images from registries into the store",
	.details = "IMAGE is a name (nginx, quay.io/me/app:1, name@sha256:...), with docker:// "
		   "before it "
		   "or not, or one that lies here: oci:DIR[:TAG], oci-archive:FILE[:TAG], "
		   "docker-archive:FILE[:NAME], dir:DIR.",
	.options = pull_option_table,
	.options_size = sizeof(struct pull_command),
	.min_args = 1,
	.max_args = -1,
	.store = COMMAND_WRITES,
	.run = run_pull,
};
