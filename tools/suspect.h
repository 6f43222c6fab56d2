/* SPDX-License-Identifier: MIT */
/*
 * Suspect: what the commands that ask a predicate share: a source with its trace, as the user wants it run.
 */
#ifndef TOOLS_SUSPECT_H
#define TOOLS_SUSPECT_H

#include "tools/cli.h"
#include "traces/predicate.h"

/* Options for all commands that use this, beside CLI_OPTION_ERA and CLI_OPTION_SET. */
#define SUSPECT_OPTION_FAILS                                                                     \
	{                                                                                        \
		.name = "fails", .kind = CLI_KIND_TEXT, .value = "PREDICATE",                    \
		.help = "what is wrong: 'fallbacks > 100', 'invariant:ID', 'exit COMMAND' ...; " \
			"'mmreplay help --predicates' lists them all"                            \
	}
#define SUSPECT_OPTION_TRACE                                                                \
	{                                                                                   \
		.name = "trace", .kind = CLI_KIND_FILE, .value = "FILE",                    \
		.help = "use this trace instead of the one SRC has; - for standard input, " \
			"packed or not"                                                     \
	}

/*
 * Reads the first argument and --trace of @cli; *@ret (zeroed; ends with subject_file_deinit() in any case) is
 * the machine of --era and --set.  CLI_OK, or what to return after it was said why.
 */
enum cli_exit suspect_read(struct cli *cli, struct subject_file *ret);
/* The predicate of --fails, which must be there. */
enum cli_exit suspect_predicate(struct cli *cli, struct predicate **ret);

#endif
