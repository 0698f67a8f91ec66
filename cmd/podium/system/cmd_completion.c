/* SPDX-License-Identifier: Apache-2.0 */
/*
 * completion - the scripts that let a shell complete podium's command lines.
 *
 * Theory of operation: the scripts know nothing; they hand the words up to the cursor to `podium
 * __complete` (cmd_complete.c), which answers one candidate a line. A first line ":files" asks the
 * shell for names of files.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "cmd/podium/base/command.h"
#include "cmd/podium/base/commands.h"
#include "engine/base/mem.h"

static const char bash_script[] =
	"# bash completion for podium\n"
	"_podium()\n"
	"{\n"
	"\tlocal IFS=$'\\n' cur=${COMP_WORDS[COMP_CWORD]} found\n"
	"\tlocal line=${COMP_LINE:0:COMP_POINT} words\n"
	"\tIFS=$' \\t\\n' read -ra words <<<\"$line\"\n"
	"\t[[ $line == *[[:space:]] ]] && words+=('')\n"
	"\tcur=${words[-1]}\n"
	"\tfound=($(\"${words[0]}\" __complete -- \"${words[@]:1}\" 2>/dev/null))\n"
	"\tif [[ ${found[0]-} == :files ]]; then\n"
	"\t\tcompopt -o default 2>/dev/null\n"
	"\t\tCOMPREPLY=()\n"
	"\t\treturn\n"
	"\tfi\n"
	"\t# What stands before a colon or '=' is on the line already.\n"
	"\tlocal seen=${cur%\"${cur##*[:=]}\"}\n"
	"\tCOMPREPLY=()\n"
	"\tlocal f\n"
	"\tfor f in \"${found[@]}\"; do\n"
	"\t\tif [[ $COMP_WORDBREAKS == *:* && -n $seen ]]; then f=${f#\"$seen\"}; fi\n"
	"\t\tCOMPREPLY+=(\"$f\")\n"
	"\tdone\n"
	"}\n"
	"complete -F _podium podium\n";

static const char zsh_script[] = "#compdef podium\n"
				 "# zsh completion for podium\n"
				 "_podium()\n"
				 "{\n"
				 "\tlocal -a found\n"
				 "\tfound=(${(f)\"$(${words[1]} __complete -- "
				 "\"${(@)words[2,CURRENT]}\" 2>/dev/null)\"})\n"
				 "\tif [[ ${found[1]-} == :files ]]; then\n"
				 "\t\t_files\n"
				 "\telse\n"
				 "\t\tcompadd -- \"${found[@]}\"\n"
				 "\tfi\n"
				 "}\n"
				 "if [[ ${funcstack[1]-} == _podium ]]; then\n"
				 "\t_podium \"$@\"\n"
				 "else\n"
				 "\tcompdef _podium podium\n"
				 "fi\n";

static const char fish_script[] =
	"# fish completion for podium\n"
	"function __podium_complete\n"
	"\tset -l words (commandline -opc) (commandline -ct)\n"
	"\tset -l found ($words[1] __complete -- $words[2..-1] 2>/dev/null)\n"
	"\tif test \"$found[1]\" = :files\n"
	"\t\t__fish_complete_path (commandline -ct)\n"
	"\telse\n"
	"\t\tprintf '%s\\n' $found\n"
	"\tend\n"
	"end\n"
	"complete -c podium -f -a '(__podium_complete)'\n";

struct completion_options {
	const char *file;
};

static const char *find_script(const char *shell)
{
	if (is_equal(shell, "bash"))
		return bash_script;
	if (is_equal(shell, "zsh"))
		return zsh_script;
	return is_equal(shell, "fish") ? fish_script : NULL;
}

static int run(struct command_context *ctx, void *options, int argc, char **argv, struct error *err)
{
	const struct completion_options *o = options;
	const char *script = find_script(argv[0]);
	cleanup_fclose FILE *out = NULL;

	(void)ctx;
	(void)argc;
	if (!script)
		return error_set(err, EINVAL, "shell '%.40s' is not known: bash, zsh or fish",
				 argv[0]);
	if (!o->file) {
		(void)fputs(script, stdout);
		return 0;
	}
	out = fopen(o->file, "we");
	if (!out || fputs(script, out) < 0 || fflush(out) != 0)
		return error_errno(err, "write '%s'", o->file);
	return 0;
}

static const struct option completion_options[] = {
	{ 'f', "file", OPTION_STRING, offsetof(struct completion_options, file), "path",
	  "Write to a file instead of stdout", false },
	OPTIONS_END,
};

const struct command cmd_completion = {
	.words = "completion",
	.args = "[options] bash|zsh|fish",
	.summary = "Print the script that lets a shell complete podium's command lines",
	.details = "  bash:  podium completion -f /etc/bash_completion.d/podium bash\n"
		   "  zsh:   podium completion -f \"${fpath[1]}/_podium\" zsh\n"
		   "  fish:  podium completion -f ~/.config/fish/completions/podium.fish fish",
	.options = completion_options,
	.options_size = sizeof(struct completion_options),
	.min_args = 1,
	.max_args = 1,
	.store = COMMAND_NO_STORE,
	.run = run,
};
