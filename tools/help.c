/* SPDX-License-Identifier: MIT */
#include "tools/help.h"

#include <string.h>

#include "tools/text.h"
#include "tools/version.h"

static const char tagline[] = "replay Linux boot logs and page-allocation traces";

static const char overview[] =
	"mmreplay reads what a Linux kernel left behind when it booted (dmesg, /proc/zoneinfo, "
	"/proc/iomem) or when it allocated pages (ftrace), replays it through a model of memblock, "
	"zones, zonelists and the buddy allocator, and says where the model and the kernel agree.";

/* Where explanations begin: of commands, and of options and arguments. */
#define COMMAND_COLUMN 12
#define OPTION_COLUMN 22

/* The exit codes, in words; 1 is the command's own. */
static const char *exit_meaning(const struct command *command, enum cli_exit exit_code)
{
	if (command && command->for_git && (exit_code == CLI_UNUSABLE || exit_code == CLI_BUG))
		return NULL;
	switch (exit_code) {
	case CLI_OK:
		return command && command->finding ? "success, and everything agrees" : "success";
	case CLI_FINDING:
		return command ? command->finding : "a difference or a finding";
	case CLI_UNUSABLE:
		return "a usage error, unusable input, or output that could not be written";
	case CLI_BUG:
		return "a bug in mmreplay";
	case CLI_CANNOT_TELL:
		return command && command->for_git
			       ? "it cannot be told, or anything went wrong: 'git bisect run' skips"
			       : NULL;
	}
	return NULL;
}

/* "-o, --output FILE" */
static int option_title(char *buf, size_t size, const struct cli_option *o)
{
	char letter[8] = "";

	if (o->letter)
		snprintf(letter, sizeof(letter), "-%c, ", o->letter);
	return snprintf(buf, size, "%s--%s%s%s", letter, o->name, o->value ? " " : "",
			o->value ? o->value : "");
}

/* "[SRC...]" and the like */
static int argument_title(char *buf, size_t size, const struct cli_argument *a)
{
	return snprintf(buf, size, "%s%s%s%s", a->optional ? "[" : "", a->value,
			a->repeatable ? "..." : "", a->optional ? "]" : "");
}

/* A term on the left and its explanation on the right; a long term has a line of its own. */
static void print_entry(FILE *out, unsigned int start, const char *title, const char *help)
{
	unsigned int column = (unsigned int)strlen(title) + 2;

	fprintf(out, "  %s", title);
	if (column + 2 > start) {
		fputc('\n', out);
		column = 0;
	}
	text_wrap_paragraph(out, start, column, TEXT_COLUMNS, help, strlen(help));
}

/* The sentence of an option with what follows from its row. */
static void option_help(char *buf, size_t size, const struct cli_option *o)
{
	size_t len = (size_t)snprintf(buf, size, "%s", o->help);

	for (unsigned int i = 0; o->choices && o->choices[i] && len < size; i++)
		len += (size_t)snprintf(buf + len, size - len, "%s%s", i ? ", " : ": ",
					o->choices[i]);
	if (o->repeatable && len < size)
		snprintf(buf + len, size - len, "; may be repeated");
}

void help_overview(FILE *out)
{
	fputs("usage: mmreplay COMMAND [OPTION...] [ARGUMENT...]\n\n", out);
	text_wrap(out, 0, 0, overview);
	fputs("\nCommands:\n", out);
	for (unsigned int i = 0; i < command_count; i++)
		print_entry(out, COMMAND_COLUMN, commands[i]->name, commands[i]->summary);
	fputs("\n'mmreplay COMMAND --help' explains a command; --version shows the version.\n\n"
	      "Exit status:\n",
	      out);
	for (unsigned int i = 0; i <= CLI_BUG; i++)
		fprintf(out, "  %u  %s\n", i, exit_meaning(NULL, (enum cli_exit)i));
}

void help_command(FILE *out, const struct command *command)
{
	const struct cli_argument *a;
	const struct cli_option *o;
	const struct cli_example *e;
	char title[96], text[1024];

	fprintf(out, "usage: mmreplay %s [OPTION...]", command->name);
	for (a = command->arguments; a && a->value; a++) {
		argument_title(title, sizeof(title), a);
		fprintf(out, " %s", title);
	}
	fputs("\n\n", out);
	text_wrap(out, 0, 0, command->description);
	if (command->arguments && command->arguments->value)
		fputs("\nArguments:\n", out);
	for (a = command->arguments; a && a->value; a++)
		print_entry(out, OPTION_COLUMN, a->value, a->help);
	fputs("\nOptions:\n", out);
	for (o = command->options; o && o->name; o++) {
		option_title(title, sizeof(title), o);
		option_help(text, sizeof(text), o);
		print_entry(out, OPTION_COLUMN, title, text);
	}
	print_entry(out, OPTION_COLUMN, "-h, --help", "show this text");
	fputs("\nExit status:\n", out);
	for (unsigned int i = 0; i <= CLI_CANNOT_TELL; i++)
		if (exit_meaning(command, (enum cli_exit)i)) {
			fprintf(out, "  %u%s", i, i < 10 ? "  " : " ");
			text_wrap(out, 5, 5, exit_meaning(command, (enum cli_exit)i));
		}
	if (command->examples && command->examples->command)
		fputs("\nExamples:\n", out);
	for (e = command->examples; e && e->command; e++) {
		fprintf(out, "  %s\n", e->command);
		text_wrap(out, 6, 0, e->help);
	}
}

/* ---- man pages ---- */

/* Words of ours as roff text: nothing in them is a request, and a dash is a dash. */
static void roff_n(FILE *out, const char *text, size_t len)
{
	bool line_start = true;

	for (; len; len--, text++) {
		if (line_start && (*text == '.' || *text == '\''))
			fputs("\\&", out);
		line_start = *text == '\n';
		if (*text == '\\')
			fputs("\\e", out);
		else if (*text == '-')
			fputs("\\-", out);
		else if (*text == '\'')
			fputs("\\(aq", out);
		else
			fputc(*text, out);
	}
}

static void roff(FILE *out, const char *text)
{
	roff_n(out, text, strlen(text));
}

/* Paragraphs and verbatim lines, as text_wrap() understands them. */
static void roff_text(FILE *out, const char *text)
{
	bool verbatim = false;

	while (*text) {
		size_t len = strcspn(text, "\n");
		bool starts_blank = *text == ' ';

		if (!len) {
			if (!verbatim && text[1] && text[1] != ' ')
				fputs(".PP\n", out);
			else if (verbatim && text[1] && text[1] != ' ') {
				fputs(".fi\n.PP\n", out);
				verbatim = false;
			}
		} else {
			if (starts_blank && !verbatim)
				fputs(".PP\n.nf\n", out);
			else if (!starts_blank && verbatim)
				fputs(".fi\n", out);
			verbatim = starts_blank;
			roff_n(out, text, len);
			fputc('\n', out);
		}
		text += len;
		if (*text)
			text++;
	}
	if (verbatim)
		fputs(".fi\n", out);
}

/* "mmreplay" for the overview, "mmreplay-facts" for a command; roff-escaped. */
static void roff_page_name(FILE *out, const struct command *command)
{
	fputs("mmreplay", out);
	if (command) {
		fputs("\\-", out);
		roff(out, command->name);
	}
}

static void man_begin(FILE *out, const struct command *command, const char *summary)
{
	fputs(".\\\" SPDX-License-Identifier: MIT\n"
	      ".\\\" Made by 'mmreplay help --man'; edit the tables in tools/cmd_*.c instead.\n"
	      ".TH \"",
	      out);
	roff_page_name(out, command);
	fputs("\" \"1\" \"\" \"mmreplay " MMREPLAY_VERSION "\" \"mmreplay manual\"\n.SH NAME\n",
	      out);
	roff_page_name(out, command);
	fputs(" \\- ", out);
	roff(out, summary);
	fputs("\n.SH SYNOPSIS\n", out);
}

static void man_exit_status(FILE *out, const struct command *command)
{
	fputs(".SH EXIT STATUS\n", out);
	for (unsigned int i = 0; i <= CLI_CANNOT_TELL; i++) {
		const char *meaning = exit_meaning(command, (enum cli_exit)i);

		if (meaning) {
			fprintf(out, ".TP\n.B %u\n", i);
			roff(out, meaning);
			fputs(".\n", out);
		}
	}
}

void help_man_overview(FILE *out)
{
	man_begin(out, NULL, tagline);
	fputs(".B mmreplay\n.I COMMAND\n.RI [ OPTION ...]\n.RI [ ARGUMENT ...]\n.SH DESCRIPTION\n",
	      out);
	roff_text(out, overview);
	fputs(".PP\nData goes to standard output, notes and progress to standard error.\n"
	      ".SH COMMANDS\n",
	      out);
	for (unsigned int i = 0; i < command_count; i++) {
		fputs(".TP\n.BR ", out);
		roff_page_name(out, commands[i]);
		fputs(" (1)\n", out);
		roff(out, commands[i]->summary);
		fputs(".\n", out);
	}
	man_exit_status(out, NULL);
	fputs(".SH ENVIRONMENT\n.TP\n.B NO_COLOR\nIf set and not empty, no colours are used. Without it "
	      "they are used on a terminal only.\n.SH SEE ALSO\n",
	      out);
	for (unsigned int i = 0; i < command_count; i++) {
		fputs(".BR ", out);
		roff_page_name(out, commands[i]);
		fprintf(out, " (1)%s\n", i + 1 < command_count ? "," : "");
	}
}

static void man_option(FILE *out, const struct cli_option *o)
{
	char text[1024];

	fputs(".TP\n", out);
	if (o->letter) {
		fprintf(out, ".BR \\-%c \", ", o->letter);
		fputs("\" \\-\\-", out);
	} else {
		fputs(".B \\-\\-", out);
	}
	roff(out, o->name);
	if (o->value) {
		fputs(o->letter ? " \" \\fI" : " \\fI", out);
		roff(out, o->value);
		fputs(o->letter ? "\\fP\"\n" : "\\fP\n", out);
	} else {
		fputc('\n', out);
	}
	option_help(text, sizeof(text), o);
	roff(out, text);
	fputs(".\n", out);
}

void help_man_command(FILE *out, const struct command *command)
{
	static const struct cli_option help = { .name = "help",
						.letter = 'h',
						.help = "show a summary" };
	const struct cli_argument *a;
	const struct cli_option *o;
	const struct cli_example *e;

	man_begin(out, command, command->summary);
	fputs(".B mmreplay ", out);
	roff(out, command->name);
	fputs("\n.RI [ OPTION ...]\n", out);
	for (a = command->arguments; a && a->value; a++) {
		char title[96];

		argument_title(title, sizeof(title), a);
		fputs(".I ", out);
		roff(out, title);
		fputc('\n', out);
	}
	fputs(".SH DESCRIPTION\n", out);
	roff_text(out, command->description);
	if (command->arguments && command->arguments->value)
		fputs(".SH ARGUMENTS\n", out);
	for (a = command->arguments; a && a->value; a++) {
		fputs(".TP\n.I ", out);
		roff(out, a->value);
		fputc('\n', out);
		roff(out, a->help);
		fputs(".\n", out);
	}
	fputs(".SH OPTIONS\n", out);
	for (o = command->options; o && o->name; o++)
		man_option(out, o);
	man_option(out, &help);
	man_exit_status(out, command);
	if (command->examples && command->examples->command)
		fputs(".SH EXAMPLES\n", out);
	for (e = command->examples; e && e->command; e++) {
		fputs(".TP\n.B ", out);
		roff(out, e->command);
		fputc('\n', out);
		roff(out, e->help);
		fputs(".\n", out);
	}
	fputs(".SH SEE ALSO\n.BR mmreplay (1)\n", out);
}

/* ---- completion ---- */

/* The words that complete a value, as the body of a case in bash. */
static void bash_words(FILE *out, enum cli_kind kind, const char *const *choices)
{
	switch (kind) {
	case CLI_KIND_CHOICE:
		fputs("words='", out);
		for (unsigned int i = 0; choices[i]; i++)
			fprintf(out, "%s%s", i ? " " : "", choices[i]);
		fputs("'", out);
		break;
	case CLI_KIND_ERA:
		fputs("words='", out);
		for (unsigned int i = 0; i < era_count; i++)
			fprintf(out, "%s%s", i ? " " : "", eras[i].name);
		fputs("'", out);
		break;
	case CLI_KIND_SET:
		fputs("words=$facts suffix='='", out);
		break;
	case CLI_KIND_FILE:
		fputs("files=1", out);
		break;
	case CLI_KIND_FLAG:
	case CLI_KIND_TEXT:
	case CLI_KIND_NUMBER:
		fputs(":", out);
		break;
	}
}

static void bash_command(FILE *out, const struct command *command)
{
	const struct cli_argument *a = command->arguments;
	const struct cli_option *o;

	fprintf(out, "\t%s)\n\t\tcase $option in\n", command->name);
	for (o = command->options; o && o->name; o++) {
		if (o->kind == CLI_KIND_FLAG)
			continue;
		fprintf(out, "\t\t--%s", o->name);
		if (o->letter)
			fprintf(out, "|-%c", o->letter);
		fputs(") ", out);
		bash_words(out, o->kind, o->choices);
		fputs(" ;;\n", out);
	}
	fputs("\t\t-*)\twords='", out);
	for (o = command->options; o && o->name; o++)
		fprintf(out, "--%s ", o->name);
	fputs("--help' ;;\n\t\t*)\t", out);
	/* Arguments of one kind are all we have; the first row speaks for the rest. */
	bash_words(out, a && a->value ? a->kind : CLI_KIND_TEXT, a && a->value ? a->choices : NULL);
	fputs(" ;;\n\t\tesac ;;\n", out);
}

/* The options of all commands that take a value, so that the word after one is known as such. */
static void bash_value_options(FILE *out)
{
	bool any = false;

	fputs("\tcase $before in\n\t", out);
	for (unsigned int i = 0; i < command_count; i++) {
		const struct cli_option *o;

		for (o = commands[i]->options; o && o->name; o++) {
			if (o->kind == CLI_KIND_FLAG)
				continue;
			fprintf(out, "%s--%s", any ? "|" : "", o->name);
			if (o->letter)
				fprintf(out, "|-%c", o->letter);
			any = true;
		}
	}
	/* No command is without --help, so the case is never without a pattern. */
	fputs(any ? ") option=$before ;;\n\tesac\n" : "--) ;;\n\tesac\n", out);
}

void help_bash(FILE *out)
{
	fputs("# SPDX-License-Identifier: MIT\n"
	      "# Completion for bash. Made by 'mmreplay help --bash' from the tables of the commands.\n"
	      "_mmreplay()\n"
	      "{\n"
	      "\tlocal current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n"
	      "\tlocal command=${COMP_WORDS[1]} option= words= suffix=' ' files=\n"
	      "\tlocal facts='",
	      out);
	for (unsigned int f = 0; f < FACT_COUNT; f++)
		fprintf(out, "%s%s", f ? " " : "", fact_info((enum fact)f)->name);
	fputs("'\n"
	      "\n"
	      "\tCOMPREPLY=()\n"
	      "\tif [ \"$COMP_CWORD\" = 1 ]; then\n"
	      "\t\tcommand=\n"
	      "\telif [ \"$before\" = = ]; then\n"
	      "\t\t# bash splits --era=6.1 into three words.\n"
	      "\t\tbefore=${COMP_WORDS[COMP_CWORD-2]}\n"
	      "\telif [ \"$current\" = = ]; then\n"
	      "\t\tcurrent=\n"
	      "\tfi\n"
	      "\t# What is being completed: the value of an option, an option, or an argument.\n"
	      "\toption=$current\n",
	      out);
	bash_value_options(out);
	fputs("\tcase $command in\n\t'')\twords='", out);
	for (unsigned int i = 0; i < command_count; i++)
		fprintf(out, "%s ", commands[i]->name);
	fputs("--help --version' ;;\n", out);
	for (unsigned int i = 0; i < command_count; i++)
		bash_command(out, commands[i]);
	fputs("\tesac\n"
	      "\tif [ -n \"$files\" ]; then\n"
	      "\t\tcompopt -o filenames 2>/dev/null\n"
	      "\t\tmapfile -t COMPREPLY < <(compgen -f -- \"$current\")\n"
	      "\telse\n"
	      "\t\tmapfile -t COMPREPLY < <(compgen -W \"$words\" -S \"$suffix\" -- \"$current\")\n"
	      "\tfi\n"
	      "}\n"
	      "complete -o nospace -F _mmreplay mmreplay\n",
	      out);
}
