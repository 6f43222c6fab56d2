/* SPDX-License-Identifier: MIT */
#include "tools/replayed.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "engine/buddy_view.h"
#include "engine/migratetype.h"
#include "tools/text.h"
#include "traces/capture.h"
#include "traces/marker_change.h"
#include "traces/mmtrace.h"

/* ---- options ----------------------------------------------------------------------------------- */

static const struct event_word {
	const char *word;
	enum event_kind kind;
} event_words[] = {
	{ "alloc", EVENT_ALLOC },
	{ "free", EVENT_FREE },
	{ "free_batched", EVENT_FREE_BATCHED },
	{ "zone_locked", EVENT_ZONE_LOCKED },
	{ "drain", EVENT_PCPU_DRAIN },
	{ "extfrag", EVENT_EXTFRAG },
};

/* The kind called [@text, @text + @len), by our word or by the event's own name. */
static enum event_kind find_kind(const char *text, size_t len)
{
	for (size_t i = 0; i < sizeof(event_words) / sizeof(*event_words); i++) {
		const char *word = event_words[i].word;
		const char *name = event_kind_name(event_words[i].kind);

		if ((strlen(word) == len && !memcmp(word, text, len)) ||
		    (strlen(name) == len && !memcmp(name, text, len)))
			return event_words[i].kind;
	}
	return EVENT_KIND_COUNT;
}

static enum cli_exit read_kinds(struct cli *cli, uint32_t *ret)
{
	const char *text = cli_text(cli, "events");
	uint32_t kinds = 1U << EVENT_MARKER | 1U << EVENT_LOST;

	*ret = UINT32_MAX;
	if (!text)
		return CLI_OK;
	for (const char *p = text, *end;; p = end + 1) {
		enum event_kind kind;

		end = p + strcspn(p, ",");
		kind = find_kind(p, (size_t)(end - p));
		if (kind == EVENT_KIND_COUNT)
			return cli_fail_usage(cli, "there is no event '%.*s' for --events",
					      (int)(end - p < 80 ? end - p : 80), p);
		kinds |= 1U << kind;
		if (!*end)
			break;
	}
	*ret = kinds;
	return CLI_OK;
}

/* ---- source ------------------------------------------------------------------------------------ */

struct error *replayed_open_trace(const struct replayed *r, const struct gfp_table *gfp,
				  struct trace **ret)
{
	struct trace_options options = { .facts = &r->booted.log.input.facts, .gfp = gfp };
	const struct input *in = r->trace_bytes;

	return in ? trace_open_bytes(in->name, in->data, in->size, &options, ret)
		  : trace_open(r->trace_path, &options, ret);
}

static struct error *open_trace(struct replayed *r)
{
	struct error *err = capture_gfp_table(r->booted.path, &r->booted.log.input.facts, &r->gfp);

	if (!err && r->keep_trace && !r->trace_bytes && !input_is_lasting(r->trace_path)) {
		err = input_read(r->trace_path, NULL, &r->trace_held);
		r->trace_bytes = &r->trace_held;
	}
	return err ? err : replayed_open_trace(r, &r->gfp, &r->trace);
}

static struct error *read_pictures(struct replayed *r)
{
	const struct input *in = &r->booted.once;
	struct mmtrace_reader *stored;
	struct error *err;

	if (!in->data)
		return picture_set_read(r->booted.path, &r->pictures);
	if (!mmtrace_is(in->data, in->size))
		return NULL;
	err = mmtrace_reader_create_bytes(in->data, in->size, in->name, &stored);
	if (err)
		return err;
	err = picture_set_take_all(&r->pictures, stored, in->name);
	mmtrace_reader_destroy(stored);
	return err;
}

static struct error *find_trace(struct cli *cli, struct replayed *r)
{
	const char *path = cli_text(cli, "trace");
	const struct input *in = &r->booted.once;

	if (!path && in->data && mmtrace_is(in->data, in->size)) {
		r->trace_bytes = in;
		path = r->booted.path;
	}
	if (!path)
		return capture_trace_path(r->booted.path, &r->trace_path);
	r->trace_path = strdup(path);
	return r->trace_path ? NULL : error_no_memory();
}

static enum cli_exit begin(struct cli *cli, struct replayed *r)
{
	const char *src = cli_argument(cli, 0), *trace = cli_text(cli, "trace");
	enum cli_exit code;
	struct error *err;

	if (trace && !strcmp(trace, "-") && !strcmp(src, "-"))
		return cli_fail_usage(cli, "SRC and the trace cannot both be standard input");
	code = booted_hold(cli, &r->booted);
	if (code != CLI_OK)
		return code;
	err = find_trace(cli, r);
	return err ? cli_fail_error(cli, err) : CLI_OK;
}

/* Is the source, which tells of no memory, a trace itself? */
static bool is_trace(const struct replayed *r)
{
	const struct input *in = &r->booted.once;
	const struct event *events;
	struct trace *t = NULL;
	struct error *err;
	size_t count = 0;

	if (r->booted.m.mb.memory.cnt)
		return false;
	err = in->data ? trace_open_bytes(in->name, in->data, in->size, NULL, &t)
		       : trace_open(r->booted.path, NULL, &t);
	if (!err)
		err = trace_next(t, &events, &count);
	trace_close(t);
	error_destroy(err);
	return count > 0;
}

static enum cli_exit finish(struct cli *cli, bool lists_known, struct replayed *r)
{
	const char *src = cli_argument(cli, 0);
	struct error *err;

	if (!r->trace_path && is_trace(r))
		return cli_fail_usage(cli,
				      "'%s' is a trace without a machine: give the boot log or "
				      "capture it belongs to as SRC, and the trace by --trace",
				      src);
	if (!r->trace_path)
		return cli_fail_usage(cli, "'%s' has no trace: give --trace FILE", src);
	if (!r->booted.m.mb.memory.cnt)
		return cli_fail(
			cli,
			"'%s' tells of no memory: the beginning of its boot log is missing, "
			"and a replay needs a machine",
			src);
	if (!lists_known)
		return cli_fail(cli,
				"what memblock had reserved is not in '%s', so its free lists are "
				"not known; a boot with memblock=debug tells (--mode follow, "
				"--start NAME and --start unknown of 'replay' can do without)",
				src);
	if (r->late.out_of_memory)
		return cli_fail_error(cli, error_no_memory());
	r->cpu_count = boot_input_cpu_count(&r->booted.log.input);
	err = read_pictures(r);
	if (!err)
		err = open_trace(r);
	return err ? cli_fail_error(cli, err) : CLI_OK;
}

static bool knows_lists(const struct machine *m)
{
	return m->buddy && m->reserved_known;
}

enum cli_exit replayed_read(struct cli *cli, enum replayed_lists lists, struct replayed *r)
{
	enum cli_exit code = read_kinds(cli, &r->kinds);

	machine_init(&r->booted.m);
	machine_init(&r->late);
	if (code == CLI_OK)
		code = begin(cli, r);
	if (code == CLI_OK)
		code = booted_read(cli, STAGE_MEM_INIT, lists != REPLAYED_NO_LISTS, &r->booted);
	if (code != CLI_OK)
		return code;
	boot_run(&r->late, &r->booted.log.input, STAGE_LATE);
	return finish(cli,
		      lists == REPLAYED_NO_LISTS || knows_lists(&r->booted.m) ||
			      (lists == REPLAYED_ANY_LISTS && r->booted.m.buddy),
		      r);
}

enum cli_exit replayed_read_recorded(struct cli *cli, enum replayed_lists lists, struct replayed *r)
{
	enum cli_exit code;

	machine_init(&r->booted.m);
	machine_init(&r->late);
	r->kinds = UINT32_MAX;
	code = begin(cli, r);
	if (code == CLI_OK)
		code = booted_read_recorded(cli, STAGE_MEM_INIT, false, &r->booted);
	if (code != CLI_OK)
		return code;
	r->late.want_lists = true;
	boot_run(&r->late, &r->booted.log.input, STAGE_LATE);
	return finish(cli,
		      lists == REPLAYED_ANY_LISTS ? r->late.buddy != NULL : knows_lists(&r->late),
		      r);
}

void replayed_deinit(struct replayed *r)
{
	trace_close(r->trace);
	input_deinit(&r->trace_held);
	picture_set_deinit(&r->pictures);
	machine_deinit(&r->late);
	booted_deinit(&r->booted);
	free(r->trace_path);
}

/* ---- events ------------------------------------------------------------------------------------ */

/*
 * Has the file nothing of a trace?  A tracer that recorded nothing leaves its heading, and the other forms say
 * themselves what they are.
 */
static bool is_no_trace(const struct replayed *r)
{
	const struct trace_stats *stats = trace_stats(r->trace);

	return !r->index && trace_is_text(r->trace) && (stats->unknown || !stats->ignored);
}

void replayed_event(const struct replayed *r, struct replay *replay, const struct event *e)
{
	marker_change_replay(replay, e, trace_string(r->trace, e->text));
}

enum cli_exit replayed_end(struct cli *cli, const struct replayed *r, enum cli_exit code)
{
	const struct error *damage = trace_damage(r->trace);
	char text[512];

	if (!damage)
		return code;
	error_format(damage, text, sizeof(text));
	return cli_fail(cli, "%s", text);
}

void replayed_note_damage(struct cli *cli, const struct replayed *r)
{
	const struct error *damage = trace_damage(r->trace);
	char text[512];

	if (!damage)
		return;
	error_format(damage, text, sizeof(text));
	cli_note(cli, "%s", text);
}

enum cli_exit replayed_next(struct cli *cli, struct replayed *r, const struct event **ret)
{
	if (r->at == r->count) {
		struct error *err;

		if (r->count)
			r->line = r->batch[r->count - 1].line;
		err = trace_next(r->trace, &r->batch, &r->count);
		r->at = 0;
		if (err) {
			r->count = 0;
			return cli_fail_error(cli, err);
		}
		if (!r->count && !trace_damage(r->trace) && is_no_trace(r))
			return cli_fail(cli,
					"'%s' is no trace: none of its %" PRIu64
					" lines is an event, or the heading of a tracer",
					r->trace_path, trace_stats(r->trace)->lines);
	}
	r->ended = !r->count;
	*ret = r->count ? &r->batch[r->at++] : NULL;
	r->index += *ret != NULL;
	r->gaps += *ret && (*ret)->kind == EVENT_LOST;
	return CLI_OK;
}

void replayed_unread(struct replayed *r)
{
	r->at--;
	r->index--;
	r->gaps -= r->batch[r->at].kind == EVENT_LOST;
}

enum impossible replayed_check(const struct replayed *r, struct page_alloc *a,
			       const struct event *e)
{
	const struct machine *m = &r->booted.m;
	enum impossible what = impossible_shape(e, r->cpu_count, buddy_view_max_order(m->buddy),
						migratetype_count(&m->config));

	if (what != POSSIBLE || e->pfn == PFN_NONE || e->kind >= EVENT_MARKER)
		return what;
	return page_alloc_zone_of(a, e->pfn) == BUDDY_ZONE_NONE ? IMPOSSIBLE_OUTSIDE : POSSIBLE;
}

/* ---- report ------------------------------------------------------------------------------------ */

/* @first: a line, or 0 where a store's blocks are meant, which have none. */
static void print_place(FILE *out, const char *kind, uint64_t count, uint64_t first)
{
	fprintf(out, ", %" PRIu64 " %s %s%s", count, kind, first ? "line" : "block",
		count == 1 ? "" : "s");
	if (first)
		fprintf(out, " (the first is %" PRIu64 ")", first);
}

static void print_losses(FILE *out, const struct trace_stats *stats)
{
	uint64_t gaps = stats->events[EVENT_LOST];

	if (stats->overwritten)
		fprintf(out, "\n%-14s%" PRIu64 " event%s overwritten before the trace begins", "",
			stats->overwritten, stats->overwritten == 1 ? " was" : "s were");
	if (!gaps)
		return;
	fprintf(out, "\n%-14s%" PRIu64 " gap%s of lost events: ", "", gaps, gaps == 1 ? "" : "s");
	if (stats->lost)
		fprintf(out, "%" PRIu64 " event%s lost", stats->lost, stats->lost == 1 ? "" : "s");
	if (stats->lost && stats->lost_untold)
		fprintf(out, ", and %" PRIu64 " gap%s not tell how many", stats->lost_untold,
			stats->lost_untold == 1 ? " does" : "s do");
	else if (!stats->lost)
		fputs("how many is not told", out);
	fprintf(out, " (%sline %" PRIu64 ")", gaps == 1 ? "" : "the first is ",
		stats->first_lost_line);
}

static void print_unknown_flags(FILE *out, const struct trace *t)
{
	const struct trace_stats *stats = trace_stats(t);
	const struct gfp_table *gfp = trace_gfp(t);
	const char *separator = ": ";

	if (!stats->gfp_unknown)
		return;
	fprintf(out,
		"\n%-14s%" PRIu64
		" event%s with GFP flags that this kernel does not have (%sline %" PRIu64 ")",
		"", stats->gfp_unknown, stats->gfp_unknown == 1 ? "" : "s",
		stats->gfp_unknown == 1 ? "" : "the first is ", stats->first_gfp_unknown_line);
	for (unsigned int i = 0; i < gfp->name_count; i++) {
		if (!(gfp->names[i].mask & trace_gfp_unknown(t)))
			continue;
		fputs(separator, out);
		text_print_safe(out, gfp->names[i].text);
		separator = ", ";
	}
}

/* The line of the last event that was done.  What is counted may lie behind it: events come in batches. */
static uint64_t last_line(const struct replayed *r)
{
	return r->at ? r->batch[r->at - 1].line : r->line;
}

static void print_behind(FILE *out, uint64_t count, const char *whose, uint64_t first,
			 const char *hint)
{
	fprintf(out,
		"\n%-14s%" PRIu64
		" events stand behind later ones of %s (the first is line %" PRIu64 "):\n%-14s%s",
		"", count, whose, first, "", hint);
}

static void print_order(FILE *out, const struct trace *t)
{
	const struct trace_stats *stats = trace_stats(t);

	if (trace_is_disordered(t))
		print_behind(out, stats->behind_others, "other CPUs",
			     stats->first_behind_others_line,
			     "events are not in the order of time; sort them by time first");
	if (trace_runs_backwards(t))
		print_behind(
			out, stats->behind_own, "their own CPU", stats->first_behind_own_line,
			"time runs backwards, as where recordings are joined, or lines out of order");
}

void replayed_print(struct cli *cli, const struct replayed *r)
{
	const struct trace_stats *stats = trace_stats(r->trace);
	const struct error *damage = trace_damage(r->trace);
	FILE *out = cli_out(cli);
	char text[512];

	booted_print(cli, &r->booted);
	fprintf(out, "%-14s", "trace");
	text_print_safe(out, r->trace_path);
	fprintf(out, "\n%-14s", "");
	/* A store that is cut off has lost the count of its lines. */
	if (stats->lines && !r->ended)
		fprintf(out, "up to line %" PRIu64 " of %" PRIu64 " that were read, ", last_line(r),
			stats->lines);
	else if (stats->lines)
		fprintf(out, "%" PRIu64 " lines, ", stats->lines);
	fprintf(out, "%" PRIu64 " event%s", r->index - r->gaps, r->index - r->gaps == 1 ? "" : "s");
	if (stats->damaged)
		print_place(out, "damaged", stats->damaged, stats->first_damaged_line);
	if (stats->unknown)
		print_place(out, "unknown", stats->unknown, stats->first_unknown_line);
	print_losses(out, stats);
	print_unknown_flags(out, r->trace);
	print_order(out, r->trace);
	if (damage) {
		error_format(damage, text, sizeof(text));
		fprintf(out, "\n%-14s", "");
		text_print_safe(out, text);
	}
	fputc('\n', out);
}

static void json_unknown_flags(struct json *j, const struct trace *t)
{
	const struct gfp_table *gfp = trace_gfp(t);

	json_key_array_begin(j, "unknown_gfp_names");
	for (unsigned int i = 0; i < gfp->name_count; i++)
		if (gfp->names[i].mask & trace_gfp_unknown(t))
			json_string(j, gfp->names[i].text);
	json_array_end(j);
}

void replayed_json(struct json *j, const struct replayed *r)
{
	const struct trace_stats *stats = trace_stats(r->trace);
	const struct error *damage = trace_damage(r->trace);
	char text[512];

	booted_json(j, &r->booted);
	json_key_object_begin(j, "trace");
	json_key_string(j, "path", r->trace_path);
	json_key_u64(j, "lines", stats->lines);
	if (!r->ended)
		json_key_u64(j, "last_line", last_line(r));
	json_key_u64(j, "events", r->index - r->gaps);
	json_key_u64(j, "lost_gaps", stats->events[EVENT_LOST]);
	if (stats->events[EVENT_LOST]) {
		json_key_u64(j, "lost_events", stats->lost);
		json_key_u64(j, "lost_gaps_untold", stats->lost_untold);
		json_key_u64(j, "first_lost_line", stats->first_lost_line);
	}
	if (stats->overwritten)
		json_key_u64(j, "overwritten_events", stats->overwritten);
	if (stats->gfp_unknown) {
		json_key_u64(j, "unknown_gfp_events", stats->gfp_unknown);
		json_key_u64(j, "first_unknown_gfp_line", stats->first_gfp_unknown_line);
		json_unknown_flags(j, r->trace);
	}
	if (trace_is_disordered(r->trace)) {
		json_key_u64(j, "events_behind_other_cpus", stats->behind_others);
		json_key_u64(j, "first_behind_other_cpus_line", stats->first_behind_others_line);
	}
	if (trace_runs_backwards(r->trace)) {
		json_key_u64(j, "events_behind_own_cpu", stats->behind_own);
		json_key_u64(j, "first_behind_own_cpu_line", stats->first_behind_own_line);
	}
	json_key_u64(j, "damaged_lines", stats->damaged);
	json_key_u64(j, "unknown_lines", stats->unknown);
	if (damage) {
		error_format(damage, text, sizeof(text));
		json_key_string(j, "damage", text);
	}
	json_object_end(j);
}

const char *replayed_zone_name(const struct replayed *r, uint32_t zone, char *buf, size_t size)
{
	const struct buddy *b = r->booted.m.buddy;

	if (zone == BUDDY_ZONE_NONE)
		return "-";
	snprintf(buf, size, "%" PRId32 ":%s", buddy_view_nid(b, zone),
		 zone_type_name(buddy_view_type(b, zone)));
	return buf;
}
