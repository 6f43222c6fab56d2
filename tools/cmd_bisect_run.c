/* SPDX-License-Identifier: MIT */
/* mmreplay bisect-run: one question about one trace, answered as git bisect run wants it. */
#include "tools/suspect.h"

static const struct cli_argument arguments[] = { CLI_ARGUMENT_SRC, { 0 } };

static const struct cli_option options[] = {
	SUSPECT_OPTION_FAILS, SUSPECT_OPTION_TRACE, CLI_OPTION_ERA, CLI_OPTION_SET, { 0 }
};

static const struct cli_example examples[] = {
	{ "git bisect run mmreplay bisect-run bad.mmtrace --fails 'invariant:buddy-lists'",
	  "the mmreplay that is found in PATH, built anew for each revision" },
	{ "git bisect run sh -c 'make && ./mmreplay bisect-run SRC --fails boot-differs'",
	  "build and ask" },
	{ 0 }
};

static enum cli_exit run(struct cli *cli)
{
	static const enum cli_exit codes[] = { [VERDICT_GOOD] = CLI_OK,
					       [VERDICT_BAD] = CLI_FINDING,
					       [VERDICT_UNKNOWN] = CLI_CANNOT_TELL };
	struct subject_file file = { 0 };
	struct predicate *p = NULL;
	struct judgement j;
	enum cli_exit code = suspect_predicate(cli, &p);
	struct error *err;

	if (code == CLI_OK)
		code = suspect_read(cli, &file);
	if (code == CLI_OK) {
		err = predicate_test(p, &file.subject, &j);
		if (err) {
			code = cli_fail_error(cli, err);
		} else {
			fprintf(cli_out(cli), "%s: %s\n", verdict_name(j.verdict), j.why);
			code = codes[j.verdict];
		}
	}
	predicate_destroy(p);
	subject_file_deinit(&file);
	return code;
}

const struct command command_bisect_run = {
	.name = "bisect-run",
	.summary = "ask a predicate of a trace, with the exit codes of git bisect run",
	.description =
		"Reads a source and its trace, asks the predicate and prints one line: 'good', 'bad' or "
		"'cannot tell', and why.\n"
		"\n"
		"The exit code is what 'git bisect run' wants, and never 128 or more unless a signal "
		"ends the program: 0 where the predicate does not hold, 1 where it does, and 125, which "
		"skips the revision, where it cannot be told and for all that may go wrong.\n"
		"\n"
		"'mmreplay help --predicates' lists what can be asked, and docs/BISECT.md tells more.",
	.arguments = arguments,
	.options = options,
	.examples = examples,
	.finding = "bad: the predicate holds",
	.for_git = true,
	.run = run,
};
