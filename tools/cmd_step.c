/* SPDX-License-Identifier: MIT */
/* mmreplay step: through a trace event by event, forwards and backwards. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/replay_history.h"
#include "tools/event_words.h"
#include "tools/replay_start.h"
#include "tools/replayed.h"
#include "tools/state_view.h"
#include "tools/text.h"

static const struct cli_argument arguments[] = { CLI_ARGUMENT_SRC, { 0 } };

static const struct cli_option options[] = { REPLAYED_OPTION_TRACE,
					     REPLAYED_OPTION_EVENTS,
					     REPLAY_START_OPTION,
					     CLI_OPTION_ERA,
					     CLI_OPTION_SET,
					     CLI_OPTION_OUTPUT,
					     { 0 } };

static const struct cli_example examples[] = {
	{ "mmreplay step trace-6.1-amd64-512m-up-mix", "then 'help' at the prompt" },
	{ "printf 'go 1000\\nmiss\\nshow pcp\\n' | mmreplay step SRC", "as a script" },
	{ 0 }
};

static const char help_text[] =
	"next [N]       do N events (1), and show the last one\n"
	"back [N]       undo N events (1)\n"
	"go N           to where event N comes next; 'go end' does all\n"
	"mark TEXT      forwards to the trace marker that contains TEXT\n"
	"miss           forwards until a prediction was wrong\n"
	"page PFN       forwards until an event of this page frame (0x... or decimal)\n"
	"show VIEW      buddyinfo, pagetypeinfo, zoneinfo, pcp, freelists, pageblocks,\n"
	"               unusable_index, extfrag_index\n"
	"help, quit\n"
	"An empty line does the last of next, back, miss, mark and page again.\n";

/* What was said about the event that was done last. */
struct said {
	bool predicted;
	bool left_out; /* it came before the state that the replay began with was complete */
	pfn_t pfn;
	enum replay_miss miss;
};

/* The state to begin with, from the moment on when @at events were done. */
struct start_at {
	uint64_t at;
	struct replay_start start;
};
/* It changes when its picture begins and when it is complete, and was something before. */
enum { STARTS_MAX = 4 };

struct stepper {
	struct cli *cli;
	struct replayed r;
	struct replay *replay;
	struct replay_start start;
	struct start_at starts[STARTS_MAX]; /* all it was so far, ascending */
	unsigned int start_count;
	struct replay_history *history;
	struct event *events;
	uint64_t count, room, at; /* @at: events done */
	struct said said;
	bool prompt;
	bool misunderstood; /* a command was */
	enum cli_exit failed; /* CLI_OK, or what was said of why there is no way on or back */
};

/* ---- going ------------------------------------------------------------------------------------- */

static void on_prediction(void *ctx, const struct replay_prediction *p)
{
	struct stepper *s = ctx;

	s->said.predicted = true;
	s->said.pfn = p->predicted;
	s->said.miss = p->miss;
}

static enum cli_exit start(struct stepper *s)
{
	static const struct replay_history_options usual = { 0 };
	struct replay_options how = { .kinds = s->r.kinds,
				      .cpu_count = s->r.cpu_count,
				      .predicted = on_prediction,
				      .ctx = s };
	enum cli_exit code;

	s->replay = replay_create(&s->r.booted.m, &s->r.late, &how);
	if (!s->replay)
		return cli_fail_error(s->cli, error_no_memory());
	code = replay_start_prepare(s->cli, &s->r, s->replay, &s->start);
	if (code != CLI_OK)
		return code;
	s->starts[s->start_count++] = (struct start_at){ 0, s->start };
	s->history = replay_history_create(s->replay, &usual);
	return s->history ? CLI_OK : cli_fail_error(s->cli, error_no_memory());
}

/* Takes the event for the state to begin with.  False: it has no other part. */
static bool starts(struct stepper *s, const struct event *e)
{
	struct replay_start before = s->start;
	bool uses;

	s->failed = replay_start_event(s->cli, &s->start, &s->r, s->replay, e, &uses);
	/* Known already where the way led back. */
	if ((s->start.phase != before.phase || s->start.looked != before.looked) &&
	    s->starts[s->start_count - 1].at <= s->at && s->start_count < STARTS_MAX)
		s->starts[s->start_count++] = (struct start_at){ s->at + 1, s->start };
	return uses;
}

/* As it was when as many events were done as are now. */
static void start_again(struct stepper *s)
{
	unsigned int i = s->start_count - 1;

	while (i && s->starts[i].at > s->at)
		i--;
	s->start = s->starts[i].start;
}

/* Does the next event.  One that the machine cannot have recorded does nothing. */
static void do_event(struct stepper *s)
{
	static const struct event nothing = { .kind = EVENT_OTHER, .cpu = UINT16_MAX };
	const struct event *e = &s->events[s->at];
	bool possible = !replayed_uses(&s->r, e) ||
			replayed_check(&s->r, replay_alloc(s->replay), e) == POSSIBLE;

	s->said = (struct said){ .left_out = !starts(s, e) };
	replayed_event(&s->r, s->replay, possible && !s->said.left_out ? e : &nothing);
	s->at++;
	s->r.index = s->at;
	/* What is remembered while a picture is being taken is no part of a state. */
	if (s->start.phase != REPLAY_START_LISTENS)
		replay_history_note(s->history);
}

/* From here or from a state before it; the last event is done, so that it can be shown. */
static bool go_to(struct stepper *s, uint64_t target)
{
	bool remembers;

	if (target > s->count)
		target = s->count;
	if (target == s->at)
		return true;
	s->at = replay_history_go(s->history, target ? target - 1 : 0, &remembers);
	if (!remembers)
		s->failed = cli_fail_error(s->cli, error_no_memory());
	start_again(s);
	s->said = (struct said){ 0 };
	while (s->at < target && !s->failed)
		do_event(s);
	s->r.index = s->at;
	return !s->failed;
}

/* ---- showing ----------------------------------------------------------------------------------- */

static void print_event(struct cli *cli, const struct stepper *s)
{
	FILE *out = cli_out(cli);
	const struct event *e;

	if (!s->at) {
		fprintf(out, "at the beginning of %" PRIu64 " events\n", s->count);
		return;
	}
	e = &s->events[s->at - 1];
	fprintf(out, "#%" PRIu64 " line %" PRIu64 " cpu %u ", s->at - 1, e->line,
		(unsigned int)e->cpu);
	event_words_print(out, e, trace_string(s->r.trace, e->text));
	if (s->said.left_out)
		fputs(": left out", out);
	else if (s->said.predicted && s->said.miss == REPLAY_HIT)
		fputs(": as predicted", out);
	else if (s->said.predicted && s->said.pfn == PFN_NONE)
		fprintf(out, ": nothing was predicted (%s)", replay_miss_name(s->said.miss));
	else if (s->said.predicted)
		fprintf(out, ": predicted 0x%" PRIx64 " (%s)", s->said.pfn,
			replay_miss_name(s->said.miss));
	fputc('\n', out);
}

/* ---- commands ---------------------------------------------------------------------------------- */

static bool read_number(const char *text, uint64_t absent, uint64_t *ret)
{
	char *end;

	*ret = absent;
	if (!*text)
		return true;
	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	*ret = strtoull(text, &end, 0);
	return !errno && !*end;
}

static bool next(struct stepper *s, const char *text)
{
	uint64_t n;

	if (!read_number(text, 1, &n))
		return false;
	if (n && s->at == s->count)
		cli_note(s->cli, "this is the end of the trace");
	return go_to(s, n > s->count - s->at ? s->count : s->at + n);
}

static bool back(struct stepper *s, const char *text)
{
	uint64_t n;

	return read_number(text, 1, &n) && go_to(s, n > s->at ? 0 : s->at - n);
}

static bool go(struct stepper *s, const char *text)
{
	uint64_t n;

	if (!strcmp(text, "end"))
		return go_to(s, s->count);
	if (!*text || !read_number(text, 0, &n))
		return false;
	if (n > s->count) {
		cli_note(s->cli, "there is no event %" PRIu64 ": the trace has %" PRIu64, n,
			 s->count);
		return true;
	}
	return go_to(s, n);
}

/* Forwards until event @target is done, or to say that there is none such: then it is @s->count. */
static void search(struct stepper *s, uint64_t target, const char *what, const char *text)
{
	if (target == s->count)
		cli_note(s->cli, "no %s '%s' follows", what, text);
	while (target < s->count && s->at <= target && !s->failed)
		do_event(s);
}

static bool mark(struct stepper *s, const char *text)
{
	uint64_t i = s->at;

	if (!*text)
		return false;
	while (i < s->count && !(s->events[i].kind == EVENT_MARKER &&
				 strstr(trace_string(s->r.trace, s->events[i].text), text)))
		i++;
	search(s, i, "trace marker with", text);
	return true;
}

static bool miss(struct stepper *s, const char *text)
{
	bool found = false;

	if (*text)
		return false;
	while (s->at < s->count && !s->failed && !found) {
		do_event(s);
		found = s->said.predicted && s->said.miss != REPLAY_HIT;
	}
	if (!found && !s->failed)
		cli_note(s->cli, "no wrong prediction follows: this is the end of the trace");
	return true;
}

static bool names_page(const struct event *e, pfn_t pfn)
{
	return e->kind < EVENT_MARKER && e->pfn <= pfn && e->order < BUDDY_ORDER_COUNT &&
	       pfn - e->pfn < 1ULL << e->order;
}

static bool page(struct stepper *s, const char *text)
{
	uint64_t i = s->at, pfn;

	if (!*text || !read_number(text, 0, &pfn))
		return false;
	while (i < s->count && !names_page(&s->events[i], pfn))
		i++;
	search(s, i, "event of page frame", text);
	return true;
}

static const struct word {
	const char *word;
	/* False: the text after the word is nothing it understands. */
	bool (*run)(struct stepper *s, const char *text);
	bool again; /* an empty line repeats it */
} words[] = {
	{ "next", next, true }, { "back", back, true }, { "go", go, false },
	{ "mark", mark, true }, { "miss", miss, true }, { "page", page, true },
};

static bool show(struct cli *cli, const struct stepper *s, const char *text)
{
	for (unsigned int v = 0; v < STATE_VIEW_COUNT; v++) {
		if (strcmp(text, state_view_names[v]) != 0)
			continue;
		state_view_print(cli, &s->r, s->replay, (enum state_view)v);
		return true;
	}
	cli_note(cli, "there is no view '%s'", text);
	return false;
}

/* A word may be cut short: "n 5". */
static bool is_word(const char *typed, size_t len, const char *word)
{
	return len && len <= strlen(word) && !memcmp(typed, word, len);
}

/* Carries out one line; false to quit.  @last is the line that an empty one stands for. */
static bool obey(struct cli *cli, struct stepper *s, const char *line, char *last, size_t room)
{
	size_t len = strcspn(line, " ");
	const char *text = line + len + strspn(line + len, " ");

	if (!len && *last)
		return obey(cli, s, last, (char[]){ "" }, 1);
	if (!len)
		return true;
	if (is_word(line, len, "quit"))
		return false;
	if (is_word(line, len, "help")) {
		fputs(help_text, cli_out(cli));
		return true;
	}
	if (is_word(line, len, "show")) {
		s->misunderstood |= !show(cli, s, text);
		return true;
	}
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (!is_word(line, len, words[i].word))
			continue;
		if (!words[i].run(s, text) && !s->failed) {
			cli_note(cli, "'%s' is nothing for '%s'; try 'help'", text, words[i].word);
			s->misunderstood = true;
			return true;
		}
		if (s->failed)
			return false;
		if (words[i].again && room > 1)
			snprintf(last, room, "%s", line);
		print_event(cli, s);
		return true;
	}
	s->misunderstood = true;
	cli_note(cli, "there is no '%.*s'; try 'help'", (int)(len < 80 ? len : 80), line);
	return true;
}

/* ---- run --------------------------------------------------------------------------------------- */

static enum cli_exit read_events(struct cli *cli, struct stepper *s)
{
	const struct event *e;
	enum cli_exit code;

	while ((code = replayed_next(cli, &s->r, &e)) == CLI_OK && e) {
		if (s->count == s->room) {
			uint64_t room = s->room ? s->room * 2 : 4096;
			struct event *grown = realloc(s->events, room * sizeof(*grown));

			if (!grown)
				return cli_fail_error(cli, error_no_memory());
			s->events = grown;
			s->room = room;
		}
		s->events[s->count++] = *e;
	}
	return code;
}

static enum cli_exit listen(struct cli *cli, struct stepper *s)
{
	char line[256], last[256] = "";

	s->prompt = isatty(STDIN_FILENO) && isatty(fileno(cli_out(cli)));
	print_event(cli, s);
	for (;;) {
		if (s->prompt)
			fputs("> ", cli_out(cli));
		fflush(cli_out(cli));
		if (!fgets(line, sizeof(line), stdin))
			break;
		line[strcspn(line, "\r\n")] = '\0';
		if (!obey(cli, s, line, last, sizeof(last)))
			break;
	}
	if (s->failed || s->prompt || !s->misunderstood)
		return s->failed;
	return cli_fail(cli, "not every command was understood");
}

static enum cli_exit run(struct cli *cli)
{
	const char *trace = cli_text(cli, "trace");
	struct stepper s = { .cli = cli };
	enum cli_exit code;

	if (!strcmp(cli_argument(cli, 0), "-") || (trace && !strcmp(trace, "-")))
		return cli_fail_usage(cli, "standard input is where the commands come from");
	s.r.keep_trace = replay_start_reads_twice(cli);
	code = replayed_read(
		cli, replay_start_needs_no_lists(cli) ? REPLAYED_ANY_LISTS : REPLAYED_LISTS, &s.r);
	if (code == CLI_OK)
		code = read_events(cli, &s);
	if (code == CLI_OK) {
		replayed_note_damage(cli, &s.r);
		code = start(&s);
	}
	if (code == CLI_OK)
		code = listen(cli, &s);
	replay_history_destroy(s.history);
	replay_destroy(s.replay);
	free(s.events);
	replayed_deinit(&s.r);
	return code;
}

const struct command command_step = {
	.name = "step",
	.summary = "walk through a trace, forwards and backwards",
	.description =
		"Replays a trace on the model as 'mmreplay replay' does, but stops where it is told "
		"to, and shows each event beside the prediction that was made for it. --start and "
		"what comes of it are as there, and what the rule behind a wrong prediction means. Commands come "
		"from standard input, one a line, each may be cut short to its first letters:\n"
		"\n"
		"  next [N]    do N events (1), and show the last one\n"
		"  back [N]    undo N events (1)\n"
		"  go N        to where event N (from 0) comes next; 'go end' does all\n"
		"  mark TEXT   forwards to the trace marker that contains TEXT\n"
		"  miss        forwards until a prediction was wrong\n"
		"  page PFN    forwards until an event of this page frame (0x... or decimal)\n"
		"  show VIEW   buddyinfo, pagetypeinfo, zoneinfo, pcp, freelists, pageblocks,\n"
		"              unusable_index, extfrag_index\n"
		"  help, quit\n"
		"\n"
		"What is looked for and does not follow is told, and the place stays as it is; 'miss' "
		"has to go to the end to know. A command that is not understood is passed over; unless "
		"both input and output are a terminal, the exit code is 2 then. An empty line does the last of next, back, miss, mark and "
		"page again. States are kept "
		"on the way, 64 at most and in no more than 256 MiB; the way back begins at the nearest "
		"of them, and comes to the same state.",
	.arguments = arguments,
	.options = options,
	.examples = examples,
	.run = run,
};
