/* SPDX-License-Identifier: MIT */
#include "tools/cli.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/help.h"
#include "tools/text.h"
#include "tools/version.h"

/* One option as it was given; ->value is NULL for a flag. */
struct given {
	const struct cli_option *option;
	const char *value;
};

/* What cli_out() writes to, and the one file that a command may write beside it. */
enum { OUTPUT_MAIN, OUTPUT_EXTRA, OUTPUT_COUNT };

struct cli {
	const struct command *command; /* NULL until it is known */
	struct given *given;
	unsigned int given_count;
	const char **arguments;
	unsigned int argument_count;

	struct output {
		FILE *file; /* NULL: not open */
		const char *name; /* as messages call it */
		char *final_path; /* where the temporary file goes in the end; NULL: no such file */
	} outputs[OUTPUT_COUNT];
	bool progress_shown;
};

/* The temporary file of each output, for the signal handlers; "" when there is none. */
static char temporary_paths[OUTPUT_COUNT][4096];

const struct command *command_find(const char *name)
{
	for (unsigned int i = 0; i < command_count; i++)
		if (!strcmp(commands[i]->name, name))
			return commands[i];
	return NULL;
}

/* ---- messages ---- */

static void message_va(struct cli *cli, const char *format, va_list args)
{
	char buf[4096];

	cli_progress(cli, "%s", "");
	/* What was written so far belongs before the message when both go to one place. */
	if (cli->outputs[OUTPUT_MAIN].file)
		fflush(cli->outputs[OUTPUT_MAIN].file);
	vsnprintf(buf, sizeof(buf), format, args);
	fputs("mmreplay: ", stderr);
	text_print_safe(stderr, buf);
	fputc('\n', stderr);
}

enum cli_exit cli_fail(struct cli *cli, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	message_va(cli, format, args);
	va_end(args);
	return CLI_UNUSABLE;
}

enum cli_exit cli_fail_error(struct cli *cli, struct error *err)
{
	size_t size = error_format(err, NULL, 0) + 1;
	char *text = malloc(size);

	if (text) {
		error_format(err, text, size);
		cli_fail(cli, "%s", text);
	} else {
		cli_fail(cli, "%s", err->message);
	}
	free(text);
	error_destroy(err);
	return CLI_UNUSABLE;
}

enum cli_exit cli_fail_usage(struct cli *cli, const char *format, ...)
{
	char sentence[2048];
	va_list args;

	va_start(args, format);
	vsnprintf(sentence, sizeof(sentence), format, args);
	va_end(args);
	if (cli->command)
		return cli_fail(cli, "%s (see 'mmreplay %s --help')", sentence, cli->command->name);
	return cli_fail(cli, "%s (see 'mmreplay --help')", sentence);
}

void cli_note(struct cli *cli, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	message_va(cli, format, args);
	va_end(args);
}

void cli_progress(struct cli *cli, const char *format, ...)
{
	char buf[TEXT_COLUMNS];
	va_list args;

	if (!isatty(STDERR_FILENO))
		return;
	va_start(args, format);
	vsnprintf(buf, sizeof(buf), format, args);
	va_end(args);
	if (cli->progress_shown)
		fprintf(stderr, "\r%*s\r", TEXT_COLUMNS - 1, "");
	text_print_safe(stderr, buf);
	fflush(stderr);
	cli->progress_shown = buf[0];
}

const char *cli_colour(struct cli *cli, enum cli_colour colour)
{
	static const char *const codes[CLI_COLOUR_COUNT] = {
		[CLI_PLAIN] = "\033[0m", [CLI_BOLD] = "\033[1m", [CLI_GOOD] = "\033[32m",
		[CLI_BAD] = "\033[31m",	 [CLI_DIM] = "\033[2m",
	};
	const char *no_color = getenv("NO_COLOR");
	const char *term = getenv("TERM");

	assert(colour < CLI_COLOUR_COUNT);
	if ((no_color && *no_color) || !term || !strcmp(term, "dumb") ||
	    !isatty(fileno(cli_out(cli))))
		return "";
	return codes[colour];
}

/* ---- values ---- */

static const struct cli_option *option_of(const struct cli *cli, const char *name)
{
	const struct cli_option *o = cli->command->options;

	while (o && o->name && strcmp(o->name, name))
		o++;
	/* A command asked for an option that its table does not have. */
	assert(o && o->name);
	return o;
}

bool cli_has(const struct cli *cli, const char *name)
{
	const struct cli_option *o = option_of(cli, name);

	for (unsigned int i = 0; i < cli->given_count; i++)
		if (cli->given[i].option == o)
			return true;
	return false;
}

const char *cli_text(const struct cli *cli, const char *name)
{
	const struct cli_option *o = option_of(cli, name);

	assert(o->kind != CLI_KIND_FLAG);
	for (unsigned int i = cli->given_count; i-- > 0;)
		if (cli->given[i].option == o)
			return cli->given[i].value;
	return NULL;
}

const char *cli_text_at(const struct cli *cli, const char *name, unsigned int i)
{
	const struct cli_option *o = option_of(cli, name);

	assert(o->repeatable);
	for (unsigned int k = 0; k < cli->given_count; k++)
		if (cli->given[k].option == o && !i--)
			return cli->given[k].value;
	return NULL;
}

static bool parse_number(const char *text, uint64_t *ret)
{
	char *end;
	bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	const char *digits = hex ? text + 2 : text;
	unsigned long long n;

	if (!*digits || digits[strspn(digits, hex ? "0123456789abcdefABCDEF" : "0123456789")])
		return false;
	errno = 0;
	n = strtoull(digits, &end, hex ? 16 : 10);
	if (errno)
		return false;
	*ret = n;
	return true;
}

uint64_t cli_number(const struct cli *cli, const char *name, uint64_t absent)
{
	const char *text = cli_text(cli, name);

	assert(option_of(cli, name)->kind == CLI_KIND_NUMBER);
	if (text)
		parse_number(text, &absent);
	return absent;
}

static unsigned int choice_index(const char *const *choices, const char *text)
{
	unsigned int i = 0;

	while (choices[i] && strcmp(choices[i], text))
		i++;
	return i;
}

unsigned int cli_choice(const struct cli *cli, const char *name, unsigned int absent)
{
	const struct cli_option *o = option_of(cli, name);
	const char *text = cli_text(cli, name);

	assert(o->kind == CLI_KIND_CHOICE);
	return text ? choice_index(o->choices, text) : absent;
}

unsigned int cli_argument_count(const struct cli *cli)
{
	return cli->argument_count;
}

const char *cli_argument(const struct cli *cli, unsigned int i)
{
	return i < cli->argument_count ? cli->arguments[i] : NULL;
}

bool cli_era(const struct cli *cli, uint32_t *ret)
{
	const char *text = cli_text(cli, "era");

	return text && facts_parse_version(text, ret);
}

void cli_facts(const struct cli *cli, uint32_t version, struct facts *ret)
{
	cli_era(cli, &version);
	facts_init(ret, version);
	cli_set_facts(cli, ret);
}

void cli_set_facts(const struct cli *cli, struct facts *ret)
{
	const char *assignment;

	for (unsigned int i = 0; (assignment = cli_text_at(cli, "set", i)); i++) {
		const char *wrong = facts_set(ret, assignment);

		assert(!wrong); /* checked when it was parsed */
		(void)wrong;
	}
}

/* ---- parsing ---- */

/* Copies the first @len bytes, for a message; what is too long is cut. */
static const char *copy_part(char *buf, size_t size, const char *text, size_t len)
{
	snprintf(buf, size, "%.*s", (int)(len < size ? len : size), text);
	return buf;
}

static enum cli_exit refuse_set(struct cli *cli, const char *assignment, const char *wrong)
{
	const char *eq = strchr(assignment, '=');
	char name[128];
	struct text_nearest near = { .word = name };
	bool known = false;

	if (!eq)
		return cli_fail_usage(cli, "--set needs FACT=VALUE, not '%s'", assignment);
	copy_part(name, sizeof(name), assignment, (size_t)(eq - assignment));
	for (unsigned int f = 0; f < FACT_COUNT; f++) {
		const char *candidate = fact_info((enum fact)f)->name;

		known = known || !strcmp(candidate, name);
		text_nearest_offer(&near, candidate);
	}
	if (known)
		return cli_fail_usage(cli, "--set %s: %s", assignment, wrong);
	if (near.best)
		return cli_fail(cli, "there is no fact '%s'; did you mean '%s'?", name, near.best);
	return cli_fail(cli, "there is no fact '%s' (see 'mmreplay facts')", name);
}

/* An older kernel is refused: no fact is of one.  A newer one may be near enough to the newest. */
static enum cli_exit check_age(struct cli *cli, const char *text, uint32_t version)
{
	switch (facts_age_of(version)) {
	case FACTS_TOO_OLD:
		return cli_fail(cli, "kernel %s is too old: the oldest that is modelled is %s",
				text, eras[0].name);
	case FACTS_TOO_NEW:
		cli_note(cli, "kernel %s is newer than all that are known: it is taken for a %s",
			 text, eras[era_count - 1].name);
		break;
	case FACTS_KNOWN:
		break;
	}
	return CLI_OK;
}

/* Refuses @text, given for @what ("--view VIEW" or "COMMAND"), if it is not of its kind. */
static enum cli_exit check_value(struct cli *cli, const char *what, enum cli_kind kind,
				 const char *const *choices, const char *text)
{
	struct text_nearest near = { .word = text };
	struct facts scratch;
	const char *wrong;
	uint64_t number;
	uint32_t version;

	switch (kind) {
	case CLI_KIND_FLAG:
	case CLI_KIND_TEXT:
		break;
	case CLI_KIND_FILE:
		if (!*text)
			return cli_fail_usage(cli, "%s is empty", what);
		break;
	case CLI_KIND_NUMBER:
		if (!parse_number(text, &number))
			return cli_fail_usage(cli, "%s is a number, not '%s'", what, text);
		break;
	case CLI_KIND_CHOICE:
		if (choices[choice_index(choices, text)])
			break;
		for (unsigned int i = 0; choices[i]; i++)
			text_nearest_offer(&near, choices[i]);
		if (near.best)
			return cli_fail(cli, "there is no %s '%s'; did you mean '%s'?", what, text,
					near.best);
		return cli_fail_usage(cli, "there is no %s '%s'", what, text);
	case CLI_KIND_ERA:
		if (!facts_parse_version(text, &version))
			return cli_fail_usage(
				cli, "%s is a kernel version such as 6.1 or 5.15.3, not '%s'", what,
				text);
		return check_age(cli, text, version);
	case CLI_KIND_SET:
		facts_init(&scratch, 0);
		wrong = facts_set(&scratch, text);
		if (wrong)
			return refuse_set(cli, text, wrong);
		break;
	}
	return CLI_OK;
}

static enum cli_exit add_option(struct cli *cli, const struct cli_option *o, const char *value)
{
	char what[64];

	snprintf(what, sizeof(what), "--%s %s", o->name, o->value ? o->value : "");
	cli->given[cli->given_count++] = (struct given){ o, value };
	return value ? check_value(cli, what, o->kind, o->choices, value) : CLI_OK;
}

/* Parses argv[*i], which begins with a dash, and moves *i over a value of its own. */
static enum cli_exit parse_option(struct cli *cli, int argc, char **argv, int *i)
{
	const char *word = argv[*i];
	bool is_long = word[1] == '-';
	const char *name = word + (is_long ? 2 : 1);
	size_t len = is_long ? strcspn(name, "=") : 1;
	const char *value = is_long   ? (name[len] ? name + len + 1 : NULL)
			    : name[1] ? name + 1
				      : NULL;
	char shown[64], bare[64];
	struct text_nearest near = { .word = bare };
	const struct cli_option *o;

	copy_part(shown, sizeof(shown), word, len + (is_long ? 2 : 1));
	copy_part(bare, sizeof(bare), name, len);
	for (o = cli->command->options; o && o->name; o++)
		if (is_long ? !strcmp(o->name, bare) : o->letter == name[0])
			break;
	if (!o || !o->name) {
		/* Also the one dash too few: -json. */
		if (!is_long && name[1])
			copy_part(bare, sizeof(bare), name, strcspn(name, "="));
		text_nearest_offer(&near, "help");
		for (o = cli->command->options; o && o->name; o++)
			text_nearest_offer(&near, o->name);
		if (near.best && strlen(bare) > 1)
			return cli_fail(cli, "%s has no option '%s'; did you mean '--%s'?",
					cli->command->name, is_long ? shown : word, near.best);
		return cli_fail_usage(cli, "%s has no option '%s'", cli->command->name, shown);
	}
	if (o->kind == CLI_KIND_FLAG) {
		if (value)
			return cli_fail_usage(cli, "option '%s' takes no value", shown);
		return add_option(cli, o, NULL);
	}
	if (!value) {
		if (*i + 1 >= argc)
			return cli_fail_usage(cli, "option '%s' needs a value: %s", shown,
					      o->value);
		value = argv[++*i];
	}
	return add_option(cli, o, value);
}

static enum cli_exit check_arguments(struct cli *cli)
{
	const struct cli_argument *a = cli->command->arguments;
	enum cli_exit exit_code;
	unsigned int i = 0;

	for (; a && a->value; a++) {
		if (i == cli->argument_count && !a->optional)
			return cli_fail_usage(cli, "%s needs an argument: %s", cli->command->name,
					      a->value);
		while (i < cli->argument_count) {
			exit_code =
				check_value(cli, a->value, a->kind, a->choices, cli->arguments[i]);
			if (exit_code)
				return exit_code;
			i++;
			if (!a->repeatable)
				break;
		}
	}
	if (i < cli->argument_count)
		return cli_fail_usage(cli, "%s has no use for another argument: '%s'",
				      cli->command->name, cli->arguments[i]);
	return CLI_OK;
}

/*
 * Parses the words after the command's name.  Sets *help and stops reading when help is asked for,
 * whatever else is there.
 */
static enum cli_exit parse(struct cli *cli, int argc, char **argv, bool *help)
{
	bool options_end = false;

	for (int i = 0; i < argc; i++) {
		if (!strcmp(argv[i], "--"))
			break;
		if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h")) {
			*help = true;
			return CLI_OK;
		}
	}
	for (int i = 0; i < argc; i++) {
		enum cli_exit exit_code;

		if (options_end || argv[i][0] != '-' || !argv[i][1]) {
			cli->arguments[cli->argument_count++] = argv[i];
			continue;
		}
		if (!strcmp(argv[i], "--")) {
			options_end = true;
			continue;
		}
		exit_code = parse_option(cli, argc, argv, &i);
		if (exit_code)
			return exit_code;
	}
	return check_arguments(cli);
}

/* ---- output ---- */

FILE *cli_out(struct cli *cli)
{
	return cli->outputs[OUTPUT_MAIN].file;
}

void cli_json_begin(struct cli *cli, struct json *j, unsigned int version)
{
	char format[64];

	snprintf(format, sizeof(format), "mmreplay-%s-%u", cli->command->name, version);
	json_init(j, cli_out(cli), JSON_PRETTY);
	json_object_begin(j);
	json_key_string(j, "format", format);
}

/*
 * The path that opening @path for writing would make or replace: links are followed, also one that leads
 * nowhere yet.  To be freed; NULL with errno.
 */
static char *followed_path(const char *path)
{
	char target[PATH_MAX], *ret = realpath(path, NULL), *next;
	ssize_t len;

	if (ret || errno != ENOENT)
		return ret;
	ret = strdup(path);
	for (int links = 0; ret && (len = readlink(ret, target, sizeof(target) - 1)) >= 0;
	     links++) {
		const char *slash = strrchr(ret, '/');
		size_t dir = slash && target[0] != '/' ? (size_t)(slash + 1 - ret) : 0;

		target[len] = 0;
		next = links < 40 ? malloc(dir + (size_t)len + 1) : NULL;
		if (next) {
			memcpy(next, ret, dir);
			memcpy(next + dir, target, (size_t)len + 1);
		} else {
			errno = links < 40 ? ENOMEM : ELOOP;
		}
		free(ret);
		ret = next;
	}
	return ret;
}

/*
 * Opens an output.  A regular file is made under a temporary name beside its place, so that the rename
 * at the end is one step; anything else (/dev/null, a pipe) is written in place.
 */
static enum cli_exit open_output(struct cli *cli, unsigned int which, const char *path)
{
	struct output *o = &cli->outputs[which];
	char *temporary_path = temporary_paths[which];
	size_t room = sizeof(temporary_paths[which]);
	struct stat st;
	mode_t mode, mask;
	FILE *file;
	bool exists;
	int fd;

	exists = !stat(path, &st);
	if (exists && !S_ISREG(st.st_mode)) {
		file = fopen(path, "w");
		if (!file)
			return cli_fail(cli, "cannot write '%s': %s", path, strerror(errno));
		o->file = file;
		o->name = path;
		return CLI_OK;
	}
	if (exists && access(path, W_OK))
		return cli_fail(cli, "cannot write '%s': %s", path, strerror(errno));

	/* A symbolic link stays, and the file it names is replaced or made. */
	o->final_path = followed_path(path);
	if (!o->final_path)
		return cli_fail(cli, "cannot write '%s': %s", path, strerror(errno));
	if ((size_t)snprintf(temporary_path, room, "%s.XXXXXX", o->final_path) >= room) {
		temporary_path[0] = 0;
		return cli_fail(cli, "cannot write '%s': %s", path, strerror(ENAMETOOLONG));
	}
	fd = mkstemp(temporary_path);
	if (fd < 0) {
		temporary_path[0] = 0;
		return cli_fail(cli, "cannot write '%s': %s", path, strerror(errno));
	}
	mask = umask(0);
	umask(mask);
	mode = exists ? st.st_mode & 0777 : 0666 & ~mask;
	file = fchmod(fd, mode) ? NULL : fdopen(fd, "w");
	if (!file) {
		close(fd);
		return cli_fail(cli, "cannot write '%s': %s", path, strerror(errno));
	}
	o->file = file;
	o->name = path;
	return CLI_OK;
}

enum cli_exit cli_open_file(struct cli *cli, const char *path, FILE **ret)
{
	struct output *extra = &cli->outputs[OUTPUT_EXTRA];
	const struct output *out = &cli->outputs[OUTPUT_MAIN];
	enum cli_exit exit_code;

	assert(!extra->file);
	if (!strcmp(path, "-")) {
		*ret = out->file;
		return CLI_OK;
	}
	exit_code = open_output(cli, OUTPUT_EXTRA, path);
	if (exit_code)
		return exit_code;
	if (extra->final_path && out->final_path && !strcmp(extra->final_path, out->final_path))
		return cli_fail_usage(cli, "two outputs cannot both be '%s'", path);
	*ret = extra->file;
	return CLI_OK;
}

enum cli_exit cli_open_output(struct cli *cli, const char *path)
{
	return open_output(cli, OUTPUT_MAIN, path);
}

static bool close_stream(FILE *f);

enum cli_exit cli_put_in_place(struct cli *cli)
{
	struct output *o = &cli->outputs[OUTPUT_MAIN];
	const char *name = o->name;
	bool done;

	if (!o->final_path)
		return CLI_OK;
	done = close_stream(o->file);
	o->file = NULL;
	if (!done)
		return cli_fail(cli, "cannot write '%s'%s%s", name, errno ? ": " : "",
				errno ? strerror(errno) : "");
	if (rename(temporary_paths[OUTPUT_MAIN], o->final_path))
		return cli_fail(cli, "cannot write '%s': %s", name, strerror(errno));
	temporary_paths[OUTPUT_MAIN][0] = 0;
	free(o->final_path);
	o->final_path = NULL;
	return open_output(cli, OUTPUT_MAIN, name);
}

static bool close_stream(FILE *f)
{
	bool ok = !ferror(f);

	/* Only what fails now leaves its reason in errno. */
	errno = 0;
	return !fclose(f) && ok;
}

/* Data that did not arrive is a failure. */
static enum cli_exit close_output(struct cli *cli, struct output *o, enum cli_exit exit_code)
{
	bool is_stdout = o->file == stdout, ok = close_stream(o->file);

	o->file = NULL;
	if (ok || (exit_code != CLI_OK && exit_code != CLI_FINDING))
		return exit_code;
	return cli_fail(cli, "cannot write %s%s%s%s%s", is_stdout ? "" : "'", o->name,
			is_stdout ? "" : "'", errno ? ": " : "", errno ? strerror(errno) : "");
}

/* Closes all outputs, puts them in place if all went well, and decides the exit code. */
static enum cli_exit close_outputs(struct cli *cli, enum cli_exit exit_code)
{
	cli_progress(cli, "%s", "");
	for (unsigned int i = 0; i < OUTPUT_COUNT; i++)
		if (cli->outputs[i].file)
			exit_code = close_output(cli, &cli->outputs[i], exit_code);
	for (unsigned int i = 0; i < OUTPUT_COUNT; i++) {
		bool keep = exit_code == CLI_OK || exit_code == CLI_FINDING, renamed;
		struct output *o = &cli->outputs[i];

		if (!temporary_paths[i][0])
			continue;
		renamed = keep && !rename(temporary_paths[i], o->final_path);
		if (keep && !renamed)
			exit_code =
				cli_fail(cli, "cannot write '%s': %s", o->name, strerror(errno));
		if (!renamed)
			unlink(temporary_paths[i]);
		temporary_paths[i][0] = 0;
	}
	return exit_code;
}

/* ---- the program ---- */

static void remove_temporary_files(void)
{
	for (unsigned int i = 0; i < OUTPUT_COUNT; i++)
		if (temporary_paths[i][0])
			unlink(temporary_paths[i]);
}

static volatile sig_atomic_t bug_exit = CLI_BUG;

/* An assertion failed: no core dump, no exit code of a signal, no half-written file. */
static void on_abort(int number)
{
	static const char sentence[] =
		"mmreplay: this is a bug in mmreplay; please report the command "
		"and its input\n";
	ssize_t ignored = write(STDERR_FILENO, sentence, sizeof(sentence) - 1);

	(void)ignored;
	(void)number;
	remove_temporary_files();
	_exit(bug_exit);
}

static volatile sig_atomic_t asked_to_stop;
static void on_stop(int number);

static void on_first_stop(int number)
{
	asked_to_stop = 1;
	signal(number, on_stop);
}

void cli_stop_softly(const volatile sig_atomic_t **ret)
{
	static const int stops[] = { SIGINT, SIGTERM, SIGHUP };

	for (size_t i = 0; i < sizeof(stops) / sizeof(stops[0]); i++)
		if (signal(stops[i], on_first_stop) == SIG_IGN)
			signal(stops[i], SIG_IGN);
	*ret = &asked_to_stop;
}

/* Stopped from outside: clean up, then die of the same signal, as a shell expects. */
static void on_stop(int number)
{
	remove_temporary_files();
	signal(number, SIG_DFL);
	raise(number);
}

static void prepare_process(void)
{
	static const int stops[] = { SIGINT, SIGTERM, SIGHUP };

	/* A standard stream that is closed must not become the next file we open. */
	for (int fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) == -1 && errno == EBADF &&
		    open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY) < 0)
			_exit(CLI_UNUSABLE);
	/* A reader that goes away, and a file-size limit, are write errors: close_output() says so. */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	signal(SIGABRT, on_abort);
	for (size_t i = 0; i < sizeof(stops) / sizeof(stops[0]); i++)
		if (signal(stops[i], on_stop) == SIG_IGN)
			signal(stops[i], SIG_IGN); /* under nohup it stays ignored */
}

static enum cli_exit unknown_command(struct cli *cli, const char *name)
{
	struct text_nearest near = { .word = name };

	for (unsigned int i = 0; i < command_count; i++)
		text_nearest_offer(&near, commands[i]->name);
	if (near.best)
		return cli_fail(cli, "there is no command '%s'; did you mean '%s'?", name,
				near.best);
	return cli_fail_usage(cli, "there is no command '%s'", name);
}

static enum cli_exit run(struct cli *cli, int argc, char **argv)
{
	enum cli_exit exit_code;
	bool help = false;

	if (argc < 2) {
		help_overview(stderr);
		return CLI_UNUSABLE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
		help_overview(cli_out(cli));
		return CLI_OK;
	}
	if (!strcmp(argv[1], "--version")) {
		fputs("mmreplay " MMREPLAY_VERSION "\n", cli_out(cli));
		return CLI_OK;
	}
	if (argv[1][0] == '-') {
		struct text_nearest near = { .word = argv[1] };

		text_nearest_offer(&near, "--help");
		text_nearest_offer(&near, "--version");
		if (near.best)
			return cli_fail(cli, "there is no option '%s'; did you mean '%s'?", argv[1],
					near.best);
		return cli_fail_usage(cli, "a command comes first, then its options, not '%s'",
				      argv[1]);
	}
	cli->command = command_find(argv[1]);
	if (!cli->command)
		return unknown_command(cli, argv[1]);
	if (cli->command->for_git)
		bug_exit = CLI_CANNOT_TELL;

	/* The words after the command can be no more than argc. */
	cli->given = calloc((size_t)argc, sizeof(*cli->given));
	cli->arguments = calloc((size_t)argc, sizeof(*cli->arguments));
	if (!cli->given || !cli->arguments)
		return cli_fail_error(cli, error_no_memory());
	exit_code = parse(cli, argc - 2, argv + 2, &help);
	if (exit_code)
		return exit_code;
	if (help) {
		help_command(cli_out(cli), cli->command);
		return CLI_OK;
	}
	for (unsigned int i = cli->given_count; i-- > 0;) {
		const struct given *g = &cli->given[i];

		if (strcmp(g->option->name, "output"))
			continue;
		exit_code = strcmp(g->value, "-") ? open_output(cli, OUTPUT_MAIN, g->value)
						  : CLI_OK;
		if (exit_code)
			return exit_code;
		break;
	}
	return cli->command->run(cli);
}

int cli_main(int argc, char **argv)
{
	struct cli cli = { .outputs[OUTPUT_MAIN] = { stdout, "standard output", NULL } };
	enum cli_exit exit_code;

	prepare_process();
	exit_code = close_outputs(&cli, run(&cli, argc, argv));
	if (exit_code == CLI_UNUSABLE && cli.command && cli.command->for_git)
		exit_code = CLI_CANNOT_TELL;
	free(cli.given);
	free(cli.arguments);
	for (unsigned int i = 0; i < OUTPUT_COUNT; i++)
		free(cli.outputs[i].final_path);
	return exit_code;
}
