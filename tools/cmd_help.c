/* SPDX-License-Identifier: MIT */
#include "tools/help.h"
#include "tools/text.h"
#include "traces/predicate.h"

static const char *const names[] = {
#define COMMAND(name) #name,
#define COMMAND_AS(name, text) text,
#include "tools/commands.def"
#undef COMMAND
	NULL
};

static const struct cli_argument arguments[] = {
	{ .value = "COMMAND",
	  .kind = CLI_KIND_CHOICE,
	  .choices = names,
	  .optional = true,
	  .help = "the command to explain; without it, the overview" },
	{ 0 }
};

static const struct cli_option options[] = {
	{ .name = "man", .kind = CLI_KIND_FLAG, .help = "write the man page, in roff" },
	{ .name = "bash",
	  .kind = CLI_KIND_FLAG,
	  .help = "write the completion script for bash, which covers all commands" },
	{ .name = "list",
	  .kind = CLI_KIND_FLAG,
	  .help = "write the names of the commands, one a line" },
	{ .name = "predicates",
	  .kind = CLI_KIND_FLAG,
	  .help = "list what --fails of minimize and others can ask" },
	CLI_OPTION_OUTPUT,
	{ 0 }
};

static const struct cli_example examples[] = {
	{ "mmreplay help facts", "the same as 'mmreplay facts --help'" },
	{ "mmreplay help --man facts | man -l -", "read the man page of a command" },
	{ "mmreplay help --predicates", "what can be asked of a trace" },
	{ "source <(mmreplay help --bash)", "complete mmreplay in this shell" },
	{ 0 }
};

static void list_predicates(FILE *out)
{
	for (unsigned int i = 0; i < predicate_info_count; i++) {
		fprintf(out, "    %s\n        ", predicate_infos[i].usage);
		text_wrap(out, 8, 8, predicate_infos[i].meaning);
	}
}

static enum cli_exit run(struct cli *cli)
{
	const char *name = cli_argument(cli, 0);
	const struct command *command = name ? command_find(name) : NULL;
	FILE *out = cli_out(cli);

	if (cli_has(cli, "man") + cli_has(cli, "bash") + cli_has(cli, "list") +
		    cli_has(cli, "predicates") >
	    1)
		return cli_fail_usage(
			cli, "only one of --man, --bash, --list and --predicates at a time");
	if (cli_has(cli, "predicates")) {
		list_predicates(out);
		return CLI_OK;
	}
	if (cli_has(cli, "bash")) {
		help_bash(out);
	} else if (cli_has(cli, "list")) {
		for (unsigned int i = 0; names[i]; i++)
			fprintf(out, "%s\n", names[i]);
	} else if (cli_has(cli, "man")) {
		if (command)
			help_man_command(out, command);
		else
			help_man_overview(out);
	} else if (command) {
		help_command(out, command);
	} else {
		help_overview(out);
	}
	return CLI_OK;
}

const struct command command_help = {
	.name = "help",
	.summary = "explain mmreplay or one of its commands",
	.description =
		"Shows the overview, or what one command does and takes. The same tables make the man "
		"pages and the completion script, so all three say the same.",
	.arguments = arguments,
	.options = options,
	.examples = examples,
	.run = run,
};
