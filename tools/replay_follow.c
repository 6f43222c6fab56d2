/* SPDX-License-Identifier: MIT */
#include "tools/replay_follow.h"

#include <assert.h>
#include <inttypes.h>

struct follow_report {
	struct follow *follow;
	struct replay_findings findings;
};

/* ---- findings ---------------------------------------------------------------------------------- */

void replay_findings_add(struct replay_findings *list, const struct follow_finding *f)
{
	if (list->shown < REPLAY_FINDINGS_SHOWN)
		list->first[list->shown++] = *f;
	list->count++;
}

void replay_findings_withdraw(struct replay_findings *list, const struct follow *follow,
			      enum impossible what)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < list->shown; i++)
		if (list->first[i].what != what)
			list->first[kept++] = list->first[i];
	list->shown = kept;
	list->count -= follow_stats(follow)->findings[what];
}

/* What the event gives for that of which the machine has less; the page frame stands there already. */
static void print_value(FILE *out, const struct follow_finding *f)
{
	const struct event *e = &f->event;
	bool fallback = e->kind == EVENT_EXTFRAG;

	if (f->what == IMPOSSIBLE_CPU)
		fprintf(out, " (CPU %u)", (unsigned int)e->cpu);
	else if (f->what == IMPOSSIBLE_ORDER && fallback)
		fprintf(out, " (%u, fallback %u)", (unsigned int)e->order,
			(unsigned int)e->fallback_order);
	else if (f->what == IMPOSSIBLE_ORDER)
		fprintf(out, " (%u)", (unsigned int)e->order);
	else if (f->what == IMPOSSIBLE_TYPE && fallback)
		fprintf(out, " (%u, fallback %u)", (unsigned int)e->migratetype,
			(unsigned int)e->fallback_migratetype);
	else if (f->what == IMPOSSIBLE_TYPE)
		fprintf(out, " (%u)", (unsigned int)e->migratetype);
}

static void print_finding(FILE *out, const struct follow_finding *f)
{
	const struct event *e = &f->event;

	fprintf(out, "line %" PRIu64 ": %s", e->line, event_kind_name((enum event_kind)e->kind));
	if (event_has_page(e))
		fprintf(out, " of page frame 0x%" PRIx64 ", order %u", e->pfn,
			(unsigned int)e->order);
	fprintf(out, ": %s", impossible_meaning(f->what));
	print_value(out, f);
	if (f->before != FOLLOW_UNKNOWN) {
		fprintf(out, " (0x%" PRIx64 " is %s", f->page, follow_state_name(f->before));
		if (f->line_before)
			fprintf(out, " since line %" PRIu64, f->line_before);
		fputc(')', out);
	}
	fputc('\n', out);
}

/* So few events may all be wrong in some other way. */
enum { EVENTS_TOLD_MIN = 100 };

void replay_findings_print(FILE *out, const struct replay_findings *list, uint64_t events)
{
	for (uint32_t i = 0; i < list->shown; i++)
		print_finding(out, &list->first[i]);
	if (list->count > list->shown)
		fprintf(out, "... and %" PRIu64 " more\n", list->count - list->shown);
	if (events >= EVENTS_TOLD_MIN && list->count > events / 2)
		fputs("Most events do not fit: the trace may be of another machine, or boot, than SRC.\n",
		      out);
}

static void json_finding(struct json *j, const struct follow_finding *f)
{
	json_object_begin(j);
	json_key_u64(j, "index", f->index);
	json_key_u64(j, "line", f->event.line);
	json_key_string(j, "kind", event_kind_name((enum event_kind)f->event.kind));
	if (event_has_page(&f->event))
		json_key_u64(j, "pfn", f->event.pfn);
	else
		json_key_null(j, "pfn");
	json_key_u64(j, "order", f->event.order);
	json_key_string(j, "rule", impossible_name(f->what));
	if (f->before != FOLLOW_UNKNOWN) {
		json_key_u64(j, "page", f->page);
		json_key_string(j, "before", follow_state_name(f->before));
		json_key_u64(j, "line_before", f->line_before);
	}
	json_object_end(j);
}

void replay_findings_json(struct json *j, const struct replay_findings *list,
			  const struct follow *follow)
{
	const struct follow_stats *s = follow_stats(follow);

	json_key_object_begin(j, "findings");
	json_key_u64(j, "count", list->count);
	json_key_object_begin(j, "by_rule");
	for (unsigned int i = POSSIBLE + 1; i < IMPOSSIBLE_COUNT; i++)
		if (s->findings[i])
			json_key_u64(j, impossible_name((enum impossible)i), s->findings[i]);
	json_object_end(j);
	json_key_array_begin(j, "first");
	for (uint32_t i = 0; i < list->shown; i++)
		json_finding(j, &list->first[i]);
	json_array_end(j);
	json_object_end(j);
}

static void on_finding(void *ctx, const struct follow_finding *f)
{
	struct follow_report *report = ctx;

	replay_findings_add(&report->findings, f);
}

static void on_withdrawn(void *ctx, enum impossible what)
{
	struct follow_report *report = ctx;

	replay_findings_withdraw(&report->findings, report->follow, what);
}

/* ---- text -------------------------------------------------------------------------------------- */

static void print_count(FILE *out, const char *name, uint64_t count)
{
	if (count)
		fprintf(out, "%-48s %10" PRIu64 "\n", name, count);
}

static void print_follow(struct cli *cli, const struct replayed *r,
			 const struct follow_report *report)
{
	const struct follow_stats *s = follow_stats(report->follow);
	FILE *out = cli_out(cli);

	replayed_print(cli, r);
	fprintf(out, "\n%s%-48s %10s%s\n", cli_colour(cli, CLI_BOLD), "events", "used",
		cli_colour(cli, CLI_PLAIN));
	for (unsigned int k = 0; k < EVENT_KIND_COUNT; k++)
		if (k != EVENT_LOST)
			print_count(out, event_kind_name((enum event_kind)k), s->kinds[k]);
	fputc('\n', out);
	print_count(out, "allocations that failed", s->failed);
	print_count(out, "blocks freed as they were allocated", s->exact);
	print_count(out, "blocks freed in pieces, or together", s->pieces);
	print_count(out, "blocks from before the trace (ghosts)", s->ghosts);
	print_count(out, "blocks handed out without an event (silent)", s->silent);
	print_count(out, "gaps, where all was forgotten", s->gaps);
	print_count(out, "pages in use at the end", s->pages[FOLLOW_IN_USE]);
	print_count(out, "pages in use at most", s->in_use_max);
	if (report->findings.count)
		fprintf(out, "\n%sfindings: what no kernel can have done%s\n",
			cli_colour(cli, CLI_BOLD), cli_colour(cli, CLI_PLAIN));
	replay_findings_print(out, &report->findings, s->events);
	fprintf(out, "\n%sfollowed %" PRIu64 " events; %" PRIu64 " finding%s%s\n",
		cli_colour(cli, report->findings.count ? CLI_BAD : CLI_GOOD), s->events,
		report->findings.count, report->findings.count == 1 ? "" : "s",
		cli_colour(cli, CLI_PLAIN));
}

/* ---- JSON -------------------------------------------------------------------------------------- */

static void json_follow(struct cli *cli, const struct replayed *r,
			const struct follow_report *report)
{
	const struct follow_stats *s = follow_stats(report->follow);
	struct json j;

	cli_json_begin(cli, &j, 1);
	replayed_json(&j, r);
	json_key_string(&j, "mode", "follow");
	json_key_array_begin(&j, "kinds");
	for (unsigned int k = 0; k < EVENT_KIND_COUNT; k++) {
		if (!s->kinds[k] || k == EVENT_LOST)
			continue;
		json_object_begin(&j);
		json_key_string(&j, "kind", event_kind_name((enum event_kind)k));
		json_key_u64(&j, "events", s->kinds[k]);
		json_object_end(&j);
	}
	json_array_end(&j);
	json_key_u64(&j, "failed_allocations", s->failed);
	json_key_object_begin(&j, "frees");
	json_key_u64(&j, "exact", s->exact);
	json_key_u64(&j, "pieces", s->pieces);
	json_key_u64(&j, "ghosts", s->ghosts);
	json_key_u64(&j, "silent", s->silent);
	json_object_end(&j);
	json_key_u64(&j, "gaps", s->gaps);
	json_key_u64(&j, "pages_in_use", s->pages[FOLLOW_IN_USE]);
	json_key_u64(&j, "pages_in_use_max", s->in_use_max);
	replay_findings_json(&j, &report->findings, report->follow);
	json_object_end(&j);
	json_deinit(&j);
}

/* ---- run --------------------------------------------------------------------------------------- */

static enum cli_exit follow_all(struct cli *cli, struct replayed *r, struct follow_report *report)
{
	const struct follow_options options = { .kinds = r->kinds,
						.cpu_count = r->cpu_count,
						.found = on_finding,
						.withdrawn = on_withdrawn,
						.ctx = report };
	const struct event *e;
	enum cli_exit code;

	report->follow = follow_create(&r->late, &options);
	if (!report->follow)
		return cli_fail_error(cli, error_no_memory());
	while ((code = replayed_next(cli, r, &e)) == CLI_OK && e)
		follow_event(report->follow, e);
	if (code != CLI_OK)
		return code;
	follow_end(report->follow);
	if (follow_out_of_memory(report->follow))
		return cli_fail_error(cli, error_no_memory());
	assert(!follow_check(report->follow));
	return CLI_OK;
}

enum cli_exit replay_follow(struct cli *cli, struct replayed *r)
{
	struct follow_report report = { 0 };
	enum cli_exit code = follow_all(cli, r, &report);

	if (code == CLI_OK) {
		if (cli_has(cli, "json"))
			json_follow(cli, r, &report);
		else
			print_follow(cli, r, &report);
		if (report.findings.count)
			code = CLI_FINDING;
		code = replayed_end(cli, r, code);
	}
	follow_destroy(report.follow);
	return code;
}
