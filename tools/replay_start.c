/* SPDX-License-Identifier: MIT */
#include "tools/replay_start.h"

#include <inttypes.h>
#include <string.h>

#include "tools/text.h"
#include "traces/capture.h"
#include "traces/picture_start.h"

bool replay_start_needs_no_lists(struct cli *cli)
{
	const char *state = cli_text(cli, "start");

	return state && strcmp(state, "auto") != 0 && strcmp(state, "handover") != 0;
}

bool replay_start_reads_twice(struct cli *cli)
{
	return replay_start_needs_no_lists(cli) && strcmp(cli_text(cli, "start"), "unknown") != 0;
}

/* ---- markers ----------------------------------------------------------------------------------- */

/* Is @text "SNAP NAME @what" for the picture? */
static bool is_marker(const char *text, const struct snapshot *picture, const char *what)
{
	size_t len = strlen(picture->name);

	return !strncmp(text, "SNAP ", 5) && !strncmp(text + 5, picture->name, len) &&
	       text[5 + len] == ' ' && !strcmp(text + 5 + len + 1, what);
}

/* Which markers of the picture are in the trace? */
static enum cli_exit find_markers(struct cli *cli, const struct replayed *r, struct replay_start *s)
{
	struct gfp_table gfp = r->gfp;
	const struct event *batch;
	struct trace *trace = NULL;
	struct error *err;
	size_t count = 0;

	s->begin = NULL;
	err = replayed_open_trace(r, &gfp, &trace);
	while (!err && !s->done_marked && !(err = trace_next(trace, &batch, &count)) && count) {
		for (size_t i = 0; i < count; i++) {
			const char *text;

			if (batch[i].kind != EVENT_MARKER)
				continue;
			text = trace_string(trace, batch[i].text);
			if (!s->begin && is_marker(text, s->picture, "begin"))
				s->begin = "begin";
			if (is_marker(text, s->picture, "end"))
				s->begin = "end";
			s->done_marked |= is_marker(text, s->picture, "done");
		}
	}
	trace_close(trace);
	return err ? cli_fail_error(cli, err) : CLI_OK;
}

/* ---- taking over ------------------------------------------------------------------------------- */

static enum cli_exit take_over(struct cli *cli, struct replay_start *s, const struct replayed *r,
			       struct replay *replay, const struct event *e)
{
	struct picture_start told;
	struct error *err = picture_start_read(s->picture, replay_alloc(replay),
					       &r->booted.log.input.facts, &told);
	bool done;

	if (err)
		return cli_fail_error(cli, err);
	done = replay_take_over(replay, &told.start, &s->report);
	picture_start_deinit(&told);
	s->taken = true;
	s->line = e ? e->line : 0;
	return done ? CLI_OK : cli_fail_error(cli, error_no_memory());
}

static enum cli_exit start_anew(struct cli *cli, struct replay_start *s, const struct replayed *r,
				struct replay *replay, const struct event *e)
{
	replay_forget(replay);
	return take_over(cli, s, r, replay, e);
}

enum cli_exit replay_start_prepare(struct cli *cli, struct replayed *r, struct replay *replay,
				   struct replay_start *ret)
{
	const char *state = cli_text(cli, "start");
	enum cli_exit code;

	*ret = (struct replay_start){ .phase = REPLAY_START_RUNS };
	if (!state || !strcmp(state, "auto"))
		return CLI_OK;
	if (!strcmp(state, "handover")) {
		ret->kind = REPLAY_START_HANDOVER;
		return CLI_OK;
	}
	if (!strcmp(state, "unknown")) {
		ret->kind = REPLAY_START_UNKNOWN;
		replay_forget(replay);
		return CLI_OK;
	}
	ret->kind = REPLAY_START_PICTURE;
	ret->picture = picture_set_find(&r->pictures, state);
	if (!ret->picture)
		return cli_fail_usage(cli, "'%s' has no picture '%s' for --start",
				      cli_argument(cli, 0), state);
	if (!picture_start_is_possible(ret->picture))
		return cli_fail(cli,
				"picture '%s' has no kpageflags, which tell where free pages lie",
				state);
	code = find_markers(cli, r, ret);
	if (code != CLI_OK)
		return code;
	if (!ret->begin && !ret->done_marked)
		return start_anew(cli, ret, r, replay, NULL);
	ret->phase = REPLAY_START_SKIPS;
	return CLI_OK;
}

/*
 * Of so many page frames one may be otherwise in the model if the trace began with the boot.  The recorded
 * traces that did have at most one in 1638 so, those that began later at least one in 55.
 */
enum { FAR = 256 };

/* Is the model of a trace of allocations and frees far from the picture? */
static enum cli_exit is_far(struct cli *cli, const struct replay_start *s, const struct replayed *r,
			    struct replay *replay, bool *ret)
{
	struct picture_start told;
	struct error *err = picture_start_read(s->picture, replay_alloc(replay),
					       &r->booted.log.input.facts, &told);
	uint64_t distance;

	if (err)
		return cli_fail_error(cli, err);
	distance = replay_distance(replay, &told.start);
	*ret = distance > told.start.page_count / FAR;
	picture_start_deinit(&told);
	return distance == UINT64_MAX ? cli_fail_error(cli, error_no_memory()) : CLI_OK;
}

/* A trace that turned out to begin late takes the first picture that helps. */
static enum cli_exit look_for_picture(struct cli *cli, struct replay_start *s,
				      const struct replayed *r, struct replay *replay,
				      const struct event *e)
{
	const char *text;

	if (s->looked || e->kind != EVENT_MARKER)
		return CLI_OK;
	text = trace_string(r->trace, e->text);
	if (s->phase == REPLAY_START_LISTENS) {
		enum cli_exit code = CLI_OK;
		bool wanted = replay_begins_late(replay);

		if (!is_marker(text, s->picture, "done"))
			return CLI_OK;
		s->phase = REPLAY_START_RUNS;
		s->looked = true;
		if (!replay_tells(replay))
			code = is_far(cli, s, r, replay, &wanted);
		return code == CLI_OK && wanted ? take_over(cli, s, r, replay, e) : code;
	}
	if (replay_tells(replay) && !replay_begins_late(replay))
		return CLI_OK;
	for (uint32_t i = 0; i < r->pictures.count; i++) {
		const struct snapshot *picture = &r->pictures.snapshots[i];

		if (!picture_start_is_possible(picture) || !is_marker(text, picture, "end"))
			continue;
		s->picture = picture;
		s->phase = REPLAY_START_LISTENS;
		replay_watch_changes(replay);
	}
	return CLI_OK;
}

enum cli_exit replay_start_event(struct cli *cli, struct replay_start *s, struct replayed *r,
				 struct replay *replay, const struct event *e, bool *uses_ret)
{
	enum cli_exit code = CLI_OK;
	const char *text;

	*uses_ret = true;
	if (s->kind == REPLAY_START_AUTO)
		return look_for_picture(cli, s, r, replay, e);
	if (s->phase == REPLAY_START_RUNS)
		return CLI_OK;
	*uses_ret = s->phase == REPLAY_START_LISTENS;
	s->skipped++;
	if (e->kind != EVENT_MARKER)
		return CLI_OK;
	text = trace_string(r->trace, e->text);
	if (s->phase == REPLAY_START_SKIPS &&
	    is_marker(text, s->picture, s->begin ? s->begin : "done")) {
		code = start_anew(cli, s, r, replay, e);
		s->phase = s->begin && s->done_marked ? REPLAY_START_LISTENS : REPLAY_START_RUNS;
		if (s->phase == REPLAY_START_LISTENS) {
			replay_watch_changes(replay);
			replay_set_silent(replay, true);
		}
	} else if (s->phase == REPLAY_START_LISTENS && is_marker(text, s->picture, "done")) {
		struct start_report first = s->report;

		code = take_over(cli, s, r, replay, e);
		s->report.freed += first.freed;
		s->report.taken += first.taken;
		s->report.retyped += first.retyped;
		replay_set_silent(replay, false);
		s->phase = REPLAY_START_RUNS;
	}
	return code;
}

/* ---- report ------------------------------------------------------------------------------------ */

void replay_start_print(struct cli *cli, const struct replay_start *s)
{
	FILE *out = cli_out(cli);

	if (s->kind == REPLAY_START_UNKNOWN)
		fprintf(out, "%-14s%s\n", "start", "unknown: every page is taken to be in use");
	if (!s->taken)
		return;
	fprintf(out, "%-14spicture ", "start");
	text_print_safe(out, s->picture->name);
	if (s->line)
		fprintf(out, ", from line %" PRIu64 " on", s->line);
	fprintf(out, ": %" PRIu64 " pages free", s->report.pages);
	if (s->kind == REPLAY_START_AUTO)
		fprintf(out,
			", of which %" PRIu64 " were thought in use; %" PRIu64
			" that were thought free are not",
			s->report.freed, s->report.taken);
	fprintf(out, "\n%-14s%" PRIu64 " pageblocks of another type", "", s->report.retyped);
	fprintf(out, "; %" PRIu64 " pages of per-CPU lists that are not known by name",
		s->report.unlisted);
	if (s->report.unexplained)
		fprintf(out, "; %" PRIu64 " free blocks that no types of pageblocks explain",
			s->report.unexplained);
	if (s->skipped)
		fprintf(out, "; %" PRIu64 " events left out", s->skipped);
	fputc('\n', out);
}

void replay_start_json(struct json *j, const struct replay_start *s)
{
	static const char *const kinds[] = { "auto", "handover", "unknown", "picture" };

	json_key_object_begin(j, "start");
	json_key_string(j, "kind", kinds[s->kind]);
	if (s->taken) {
		json_key_string(j, "picture", s->picture->name);
		json_key_u64(j, "line", s->line);
		json_key_u64(j, "free_pages", s->report.pages);
		json_key_u64(j, "freed", s->report.freed);
		json_key_u64(j, "taken", s->report.taken);
		json_key_u64(j, "retyped_pageblocks", s->report.retyped);
		json_key_u64(j, "unexplained_blocks", s->report.unexplained);
		json_key_u64(j, "unlisted_pages", s->report.unlisted);
		json_key_u64(j, "skipped_events", s->skipped);
	}
	json_object_end(j);
}
