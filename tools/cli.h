/* SPDX-License-Identifier: MIT */
/*
 * The frame of the command line: commands described by tables, one parser for all of them, and the
 * rules that hold for every command.
 *
 *	stdout	data, and nothing else
 *	stderr	notes, progress, and one sentence when something is wrong
 *	exit	enum cli_exit
 *
 * A command is a `const struct command command_<name>` in cmd_<name>.c and a row in commands.def.
 * Its tables say which options and arguments exist; parsing, --help, the man page and the completion
 * all read them, so that they cannot disagree.  By the time ->run is called every value has been
 * checked against its kind: an era parses, a fact exists, a choice is one of the choices.
 *
 * Only tools/ prints and exits; the libraries return.
 */
#ifndef TOOLS_CLI_H
#define TOOLS_CLI_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "engine/error.h"
#include "engine/facts.h"
#include "tools/json.h"

enum cli_exit {
	CLI_OK = 0, /* done; everything agrees */
	CLI_FINDING = 1, /* done; a difference or a broken invariant was found */
	CLI_UNUSABLE = 2, /* usage error, unusable input, or output that could not be written */
	CLI_BUG = 3, /* a mistake of our own: an assertion */
	CLI_CANNOT_TELL =
		125, /* in the place of 2 and 3 where git bisect run reads the exit code */
};

/* What a value is: decides how it is checked and what the shell completes. */
enum cli_kind {
	CLI_KIND_FLAG, /* no value */
	CLI_KIND_TEXT, /* any text */
	CLI_KIND_NUMBER, /* 0 to 2^64-1; decimal, or hexadecimal after 0x */
	CLI_KIND_CHOICE, /* one of ->choices */
	CLI_KIND_FILE, /* a file or folder, or "-" */
	CLI_KIND_ERA, /* a kernel version: an era, or anything facts_parse_version() takes */
	CLI_KIND_SET, /* FACT=VALUE */
};

struct cli_option {
	const char *name; /* without the dashes: "json" */
	char letter; /* 'o' for -o, or 0 */
	enum cli_kind kind; /* CLI_KIND_FLAG or the kind of its value */
	const char *value; /* what help calls the value: "FILE"; NULL for a flag */
	const char *help; /* a sentence without a capital and without the full stop */
	const char *const *choices; /* for CLI_KIND_CHOICE; ends with NULL */
	bool repeatable; /* every value counts; otherwise the last one wins */
};

/* A positional argument.  One that may be absent or repeated must be the last. */
struct cli_argument {
	const char *value; /* "SRC" */
	enum cli_kind kind;
	const char *help;
	const char *const *choices;
	bool optional;
	bool repeatable;
};

struct cli_example {
	const char *command; /* "mmreplay facts --era 6.1" */
	const char *help;
};

struct cli;

struct command {
	const char *name;
	const char *summary; /* one line for the list: no capital, no full stop */
	/*
	 * The description for --help and the man page: paragraphs separated by blank lines, a line
	 * that begins with a blank is kept as it is.  No line longer than 78 bytes of the latter.
	 */
	const char *description;
	const struct cli_argument *arguments; /* ends with a NULL value; may be NULL */
	const struct cli_option *options; /* ends with a NULL name; may be NULL */
	const struct cli_example *examples; /* ends with a NULL command; may be NULL */
	/* What exit code 1 means here, as a phrase; NULL if the command never returns it. */
	const char *finding;
	/* Exit codes are those that git bisect run wants: CLI_CANNOT_TELL for whatever goes wrong. */
	bool for_git;
	enum cli_exit (*run)(struct cli *cli);
};

/*
 * Options that several commands share, spelled and explained once.  Use as rows:
 *	static const struct cli_option options[] = { CLI_OPTION_ERA, CLI_OPTION_JSON, { 0 } };
 * The stages and views of CLI_OPTION_AT and _VIEW are the command's own.
 */
#define CLI_OPTION_JSON                                                                     \
	{                                                                                   \
		.name = "json", .kind = CLI_KIND_FLAG, .help = "write JSON instead of text" \
	}
#define CLI_OPTION_ERA                                                                              \
	{                                                                                           \
		.name = "era", .kind = CLI_KIND_ERA, .value = "ERA",                                \
		.help = "behave as this kernel does, instead of the one that the source names: an " \
			"era (6.1) or any version (5.15, 6.6.30)"                                   \
	}
#define CLI_OPTION_SET                                                                          \
	{                                                                                       \
		.name = "set", .kind = CLI_KIND_SET, .value = "FACT=VALUE", .repeatable = true, \
		.help = "override one fact of the kernel; 'mmreplay facts' lists them"          \
	}
#define CLI_OPTION_AT(stages)                                                               \
	{                                                                                   \
		.name = "at", .kind = CLI_KIND_CHOICE, .value = "STAGE", .choices = stages, \
		.help = "stop at this stage"                                                \
	}
#define CLI_OPTION_VIEW(views)                                                              \
	{                                                                                   \
		.name = "view", .kind = CLI_KIND_CHOICE, .value = "VIEW", .choices = views, \
		.help = "what to show"                                                      \
	}
/* Where cli_out() goes.  The frame opens it, and puts it in place only when all went well. */
#define CLI_OPTION_OUTPUT                                                                                 \
	{                                                                                                 \
		.name = "output", .letter = 'o', .kind = CLI_KIND_FILE, .value = "FILE",                  \
		.help = "write to FILE instead of standard output; FILE appears only when it is complete" \
	}

#define CLI_ARGUMENT_SRC                                                                          \
	{                                                                                         \
		.value = "SRC", .kind = CLI_KIND_FILE,                                            \
		.help = "a capture folder, a dmesg file in any shape, a .mmtrace file, or - for " \
			"standard input"                                                          \
	}

/* All commands, in the order of commands.def. */
extern const struct command *const commands[];
extern const unsigned int command_count;

/* NULL when there is none. */
const struct command *command_find(const char *name);

/*
 * Values.  @name is the long name of an option of the running command; asking for one that it does
 * not have is a bug and asserted.
 */
bool cli_has(const struct cli *cli, const char *name);
/* The value, the last one if there are several; NULL when absent. */
const char *cli_text(const struct cli *cli, const char *name);
/* The @i-th value of a repeatable option, counted from 0; NULL past the last. */
const char *cli_text_at(const struct cli *cli, const char *name, unsigned int i);
/* A value of CLI_KIND_NUMBER, or @absent. */
uint64_t cli_number(const struct cli *cli, const char *name, uint64_t absent);
/* The place of a CLI_KIND_CHOICE value in ->choices, or @absent. */
unsigned int cli_choice(const struct cli *cli, const char *name, unsigned int absent);

/* The positional arguments. */
unsigned int cli_argument_count(const struct cli *cli);
/* NULL past the last. */
const char *cli_argument(const struct cli *cli, unsigned int i);

/* The version that --era asks for; false when the option is absent. */
bool cli_era(const struct cli *cli, uint32_t *ret);
/* Fills @ret with the row of --era, or of @version without it, and applies each --set in order. */
void cli_facts(const struct cli *cli, uint32_t version, struct facts *ret);
/* Applies each --set in order to @ret. */
void cli_set_facts(const struct cli *cli, struct facts *ret);

/* Where data goes: standard output, or the file of -o.  Owned by the frame. */
FILE *cli_out(struct cli *cli);
/* Makes cli_out() the file @path under the rules of -o, for a command that has no -o. */
enum cli_exit cli_open_output(struct cli *cli, const char *path);
/*
 * Puts what cli_out() got in the place of -o now, whatever happens to the program later, and begins the file
 * anew.  Does nothing for standard output.
 */
enum cli_exit cli_put_in_place(struct cli *cli);
/*
 * From now on the first SIGINT, SIGTERM or SIGHUP does not end the program but makes *@ret true: the command
 * ends with what it has.
 */
void cli_stop_softly(const volatile sig_atomic_t **ret);
/*
 * Opens the one file that a command writes beside cli_out(), under the rules of -o; "-" is cli_out().
 * Owned by the frame.
 */
enum cli_exit cli_open_file(struct cli *cli, const char *path, FILE **ret);
/*
 * Begins the one JSON object of a command on cli_out(), with its first member
 * "format": "mmreplay-<command>-<version>".  @version grows when a member is removed or changes its
 * meaning; new members do not count.  The caller ends with json_object_end() and json_deinit().
 */
void cli_json_begin(struct cli *cli, struct json *j, unsigned int version);

/*
 * Messages on stderr: "mmreplay: sentence".  The caller gives no newline and no full stop.
 *	return cli_fail(cli, "'%s' has no boot log", path);
 */
enum cli_exit cli_fail(struct cli *cli, const char *format, ...) ERROR_PRINTF(2, 3);
/* The same for an error of a library, with its file, line and column; destroys @err. */
enum cli_exit cli_fail_error(struct cli *cli, struct error *err);
/* As cli_fail(), and points to the help of the command. */
enum cli_exit cli_fail_usage(struct cli *cli, const char *format, ...) ERROR_PRINTF(2, 3);
/* A note about something that does not stop us. */
void cli_note(struct cli *cli, const char *format, ...) ERROR_PRINTF(2, 3);
/* One line that replaces itself; shown only when stderr is a terminal.  cli_progress(cli, "") ends. */
void cli_progress(struct cli *cli, const char *format, ...) ERROR_PRINTF(2, 3);

/* Colours for text on cli_out(): "" unless it is a terminal and NO_COLOR is unset. */
enum cli_colour { CLI_PLAIN, CLI_BOLD, CLI_GOOD, CLI_BAD, CLI_DIM, CLI_COLOUR_COUNT };
const char *cli_colour(struct cli *cli, enum cli_colour colour);

/* The whole program: parses, runs, closes the output.  Returns the exit code. */
int cli_main(int argc, char **argv);

#endif
