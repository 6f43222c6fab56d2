/* SPDX-License-Identifier: MIT */
/*
 * The frame with commands of the test's own: each case runs cli_main() in a child, as main() does,
 * and looks at the exit code and at what the command or the frame wrote.
 */
#include <assert.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tools/cli.h"

static const char *const colours[] = { "red", "green", "blue", NULL };
static const struct cli_option all_options[] = {
	CLI_OPTION_ERA,
	CLI_OPTION_SET,
	CLI_OPTION_AT(colours),
	CLI_OPTION_VIEW(colours),
	CLI_OPTION_JSON,
	CLI_OPTION_OUTPUT,
	{ .name = "count", .letter = 'n', .kind = CLI_KIND_NUMBER, .value = "N", .help = "count" },
	{ .name = "name",
	  .kind = CLI_KIND_TEXT,
	  .value = "NAME",
	  .repeatable = true,
	  .help = "name" },
	{ 0 }
};
static const struct cli_argument all_arguments[] = { CLI_ARGUMENT_SRC,
						     { .value = "MORE",
						       .kind = CLI_KIND_TEXT,
						       .help = "more",
						       .optional = true,
						       .repeatable = true },
						     { 0 } };

/* Prints every value in the way a command reads it. */
static enum cli_exit run_all(struct cli *cli)
{
	FILE *out = cli_out(cli);
	struct facts facts;
	uint32_t version;
	const char *text;

	if (cli_era(cli, &version))
		fprintf(out, "era=%x ", (unsigned int)version);
	if (cli_has(cli, "set")) {
		cli_facts(cli, FACTS_VERSION(6, 12, 0), &facts);
		fprintf(out, "flags=%d ", (int)fact_get(&facts, FACT_memblock_flags));
	}
	fprintf(out, "at=%u n=%llu json=%d", cli_choice(cli, "at", 9),
		(unsigned long long)cli_number(cli, "count", 7), cli_has(cli, "json"));
	for (unsigned int i = 0; (text = cli_text_at(cli, "name", i)); i++)
		fprintf(out, " name=%s", text);
	for (unsigned int i = 0; i < cli_argument_count(cli); i++)
		fprintf(out, " %s", cli_argument(cli, i));
	fputc('\n', out);
	return CLI_OK;
}

/* Fails after some output in the way that its argument names. */
static enum cli_exit run_fail(struct cli *cli)
{
	const char *how = cli_argument(cli, 0);

	fprintf(cli_out(cli), "begun\n");
	if (!strcmp(how, "finding"))
		return CLI_FINDING;
	if (!strcmp(how, "error"))
		return cli_fail_error(cli, error_create(ERROR_SYNTAX, "dmesg.txt", 12, 7,
							"no number after '%s'", "mem="));
	if (!strcmp(how, "option"))
		cli_has(cli, "no-such-option");
	if (!strcmp(how, "term"))
		raise(SIGTERM);
	if (!strcmp(how, "lost")) {
		/* A write fails in the middle; the end of the output finds nothing wrong. */
		FILE *out = cli_out(cli);
		int saved = dup(fileno(out));

		close(fileno(out));
		fflush(out);
		dup2(saved, fileno(out));
	}
	if (!strcmp(how, "json")) {
		struct json j;

		cli_json_begin(cli, &j, 3);
		json_object_end(&j);
		json_deinit(&j);
	}
	return CLI_OK;
}

static const struct cli_argument fail_arguments[] = {
	{ .value = "HOW", .kind = CLI_KIND_TEXT, .help = "how" }, { 0 }
};
static const struct cli_option fail_options[] = { CLI_OPTION_OUTPUT, { 0 } };

static const struct command command_all = {
	.name = "all",
	.summary = "take everything",
	.description = "Takes everything.",
	.arguments = all_arguments,
	.options = all_options,
	.run = run_all,
};
static const struct command command_fail = {
	.name = "fail",
	.summary = "fail",
	.description = "Fails.",
	.arguments = fail_arguments,
	.options = fail_options,
	.finding = "found",
	.run = run_fail,
};
const struct command *const commands[] = { &command_all, &command_fail };
const unsigned int command_count = 2;

/* What a run left: its streams (cut at the size of the buffers) and its exit code. */
static char out_text[4096], err_text[4096];

static void read_all(FILE *f, char *buf, size_t size)
{
	rewind(f);
	buf[fread(buf, 1, size - 1, f)] = 0;
	fclose(f);
}

/* Runs "mmreplay" with @line split at blanks; -signal if it was killed. */
static int run_line(const char *line)
{
	FILE *out = tmpfile(), *err = tmpfile();
	char name[] = "mmreplay", copy[512], *argv[32] = { name };
	int argc = 1, status;
	pid_t pid;

	assert_non_null(out);
	assert_non_null(err);
	snprintf(copy, sizeof(copy), "%s", line);
	for (char *word = strtok(copy, " "); word; word = strtok(NULL, " "))
		argv[argc++] = word;
	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		dup2(fileno(out), STDOUT_FILENO);
		dup2(fileno(err), STDERR_FILENO);
		_exit(cli_main(argc, argv));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	read_all(out, out_text, sizeof(out_text));
	read_all(err, err_text, sizeof(err_text));
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void works(const char *line, const char *expected)
{
	int code = run_line(line);

	assert_string_equal(err_text, "");
	assert_int_equal(code, CLI_OK);
	assert_string_equal(out_text, expected);
}

static void refused(const char *line, const char *expected)
{
	assert_int_equal(run_line(line), CLI_UNUSABLE);
	assert_string_equal(out_text, "");
	assert_string_equal(err_text, expected);
}

static void values(void **state)
{
	(void)state;
	works("all -", "at=9 n=7 json=0 -\n");
	works("all a --json --at green --count=0x10 b", "at=1 n=16 json=1 a b\n");
	works("all -n5 a --at=red --at blue", "at=2 n=5 json=0 a\n");
	works("all -n 18446744073709551615 a", "at=9 n=18446744073709551615 json=0 a\n");
	works("all --name x a --name= --name=y=z", "at=9 n=7 json=0 name=x name= name=y=z a\n");
	works("all --name --json a", "at=9 n=7 json=0 name=--json a\n");
	works("all -- --json -x --", "at=9 n=7 json=0 --json -x --\n");
	works("all --era 6.6.30 a", "era=606001e at=9 n=7 json=0 a\n");
	works("all --set memblock_flags=off a", "flags=0 at=9 n=7 json=0 a\n");
	/* The last one wins. */
	works("all --set memblock_flags=off --set memblock_flags=on a",
	      "flags=1 at=9 n=7 json=0 a\n");
	/* --era counts for the facts: there were no flags in 3.10. */
	works("all --set memblock_nomap=on --era 3.10 a",
	      "era=30a0000 flags=0 at=9 n=7 json=0 a\n");
}

static void refusals(void **state)
{
	(void)state;
	refused("all", "mmreplay: all needs an argument: SRC (see 'mmreplay all --help')\n");
	refused("all a --at", "mmreplay: option '--at' needs a value: STAGE "
			      "(see 'mmreplay all --help')\n");
	refused("all a -n", "mmreplay: option '-n' needs a value: N (see 'mmreplay all --help')\n");
	refused("all a -n 1x", "mmreplay: --count N is a number, not '1x' "
			       "(see 'mmreplay all --help')\n");
	refused("all a -n -1", "mmreplay: --count N is a number, not '-1' "
			       "(see 'mmreplay all --help')\n");
	refused("all a -n 18446744073709551616",
		"mmreplay: --count N is a number, not '18446744073709551616' "
		"(see 'mmreplay all --help')\n");
	refused("all a -n 0x", "mmreplay: --count N is a number, not '0x' "
			       "(see 'mmreplay all --help')\n");
	refused("all a --view gren", "mmreplay: there is no --view VIEW 'gren'; did you mean "
				     "'green'?\n");
	refused("all a --set memblock_flags",
		"mmreplay: --set needs FACT=VALUE, not 'memblock_flags' "
		"(see 'mmreplay all --help')\n");
	refused("all a --set memblock_flag=on",
		"mmreplay: there is no fact 'memblock_flag'; did you mean 'memblock_flags'?\n");
	refused("all a --set zz=on", "mmreplay: there is no fact 'zz' (see 'mmreplay facts')\n");
	refused("all a --set memblock_flags=2",
		"mmreplay: --set memblock_flags=2: the value must be on or off "
		"(see 'mmreplay all --help')\n");
	refused("fail a b", "mmreplay: fail has no use for another argument: 'b' "
			    "(see 'mmreplay fail --help')\n");
}

/* An error of a library carries its place; a finding is no error. */
static void exit_codes(void **state)
{
	(void)state;
	assert_int_equal(run_line("fail finding"), CLI_FINDING);
	assert_string_equal(out_text, "begun\n");
	assert_string_equal(err_text, "");
	assert_int_equal(run_line("fail error"), CLI_UNUSABLE);
	assert_string_equal(err_text, "mmreplay: dmesg.txt:12:7: no number after 'mem='\n");
	/* An assertion: a sentence of its own below that of the C library, and no signal. */
	assert_int_equal(run_line("fail option"), CLI_BUG);
	assert_non_null(strstr(err_text, "\nmmreplay: this is a bug in mmreplay; "));
	assert_int_equal(run_line("fail term"), -SIGTERM);
	assert_int_equal(run_line("fail lost"), CLI_UNUSABLE);
	assert_string_equal(err_text, "mmreplay: cannot write standard output\n");
}

/* A file of -o is there after success and after a finding, and after nothing else. */
static void output_files(void **state)
{
	static const struct {
		const char *how;
		int code;
		bool kept;
	} cases[] = {
		{ "ok", CLI_OK, true },		  { "finding", CLI_FINDING, true },
		{ "error", CLI_UNUSABLE, false }, { "option", CLI_BUG, false },
		{ "term", -SIGTERM, false },
	};
	char folder[] = "/tmp/cli_test.XXXXXX";
	char path[64], line[128];

	(void)state;
	assert_non_null(mkdtemp(folder));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(path, sizeof(path), "%s/file", folder);
		snprintf(line, sizeof(line), "fail %s -o %s", cases[i].how, path);
		assert_int_equal(run_line(line), cases[i].code);
		assert_string_equal(out_text, "");
		assert_int_equal(unlink(path), cases[i].kept ? 0 : -1);
	}
	/* No temporary file is left either: the folder is empty. */
	assert_int_equal(rmdir(folder), 0);
}

static void json_format(void **state)
{
	(void)state;
	works("fail json", "begun\n{\n  \"format\": \"mmreplay-fail-3\"\n}\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values),      cmocka_unit_test(refusals),
		cmocka_unit_test(exit_codes),  cmocka_unit_test(output_files),
		cmocka_unit_test(json_format),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
