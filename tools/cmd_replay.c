/* SPDX-License-Identifier: MIT */
/* mmreplay replay: a recorded trace against the model. */
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "engine/gfp.h"
#include "engine/migratetype.h"
#include "engine/numa_stat.h"
#include "engine/rerun.h"
#include "engine/vm_events.h"
#include "tools/replay_follow.h"
#include "tools/replay_scenario.h"
#include "tools/replay_start.h"
#include "tools/replayed.h"
#include "tools/state_view.h"
#include "tools/text.h"
#include "traces/picture_watch.h"
#include "traces/scenario_store.h"

enum mode { MODE_PREDICT, MODE_FOLLOW };

static const char *const modes[] = { "predict", "follow", NULL };

/* Between the two are those of enum state_view. */
enum view {
	VIEW_SUMMARY,
	VIEW_BUDDYINFO,
	VIEW_JSON = VIEW_BUDDYINFO + STATE_VIEW_COUNT,
};

static const char *const views[] = {
	"summary",    "buddyinfo",	"pagetypeinfo",	 "zoneinfo", "pcp", "freelists",
	"pageblocks", "unusable_index", "extfrag_index", "json",     NULL
};

static const struct cli_argument arguments[] = { CLI_ARGUMENT_SRC, { 0 } };

static const struct cli_option options[] = {
	REPLAYED_OPTION_TRACE,
	{ .name = "mode",
	  .kind = CLI_KIND_CHOICE,
	  .value = "MODE",
	  .choices = modes,
	  .help = "predict: the model names each page before it looks at the recorded one; follow: "
		  "the recorded pages are taken, and the trace is checked" },
	REPLAYED_OPTION_EVENTS,
	REPLAY_START_OPTION,
	{ .name = "predictions",
	  .kind = CLI_KIND_FILE,
	  .value = "FILE",
	  .help = "write a row for each predicted event, columns separated by tabs" },
	{ .name = "at",
	  .kind = CLI_KIND_TEXT,
	  .value = "WHERE",
	  .help = "stop before event number WHERE (from 0), before the first trace marker that is this "
		  "text, or before the first event at this time or later, in seconds (3.5, 4s)" },
	{ .name = "view",
	  .kind = CLI_KIND_CHOICE,
	  .value = "VIEW",
	  .choices = views,
	  .help = "show the state there, instead of a summary" },
	{ .name = "differences",
	  .kind = CLI_KIND_FLAG,
	  .help = "list every number in which a picture differs from the model" },
	CLI_OPTION_ERA,
	CLI_OPTION_SET,
	CLI_OPTION_JSON,
	CLI_OPTION_OUTPUT,
	{ 0 }
};

static const struct cli_example examples[] = {
	{ "mmreplay replay trace-6.1-amd64-512m-up-mix",
	  "which pages did the kernel hand out, and would the model have known?" },
	{ "mmreplay replay dmesg.txt --trace trace.txt.zst --events alloc,free",
	  "with the two events that most people record" },
	{ "trace-cmd report | mmreplay replay dmesg.txt --trace - --json", "for scripts" },
	{ "mmreplay replay SRC --predictions p.tsv", "every prediction beside the truth" },
	{ "mmreplay replay finding.mmtrace", "a scenario: which invariants does it break?" },
	{ "mmreplay replay SRC --trace later.txt --start 3",
	  "a trace that was begun when picture snap-3 was taken" },
	{ "mmreplay replay SRC --at 'SNAP boot begin' --view buddyinfo",
	  "the free lists when that marker was written" },
	{ 0 }
};

/* How often the first guess was right. */
struct rate {
	uint64_t predicted, right;
};

/* Where --at stops. */
struct stop {
	enum { STOP_NOWHERE, STOP_INDEX, STOP_TIME, STOP_MARKER } kind;
	uint64_t number; /* event, or nanoseconds */
	const char *text;
};

struct report {
	struct replayed r;
	struct stop stop;
	struct replay *replay;
	struct replay_start start;
	struct picture_watch *watch;
	FILE *predictions; /* NULL: not wanted */
	struct rate (*zones)[EVENT_KIND_COUNT]; /* by zone; the last is no zone */
	struct numa_stat *numa; /* by zone */
	int32_t *cpu_nid;
	struct vm_events vm;
	uint32_t zone_count;
	struct follow *follow; /* the trace taken at its word: what is impossible in it */
	struct replay_findings findings;
	bool refused; /* the event at hand is none of this machine, and the model is not given it */
	const char *broken; /* what buddy_check() says after the last event, or NULL */
};

/* ---- run --------------------------------------------------------------------------------------- */

static void print_pfn(FILE *out, pfn_t pfn)
{
	if (pfn == PFN_NONE)
		fputs("\t-", out);
	else
		fprintf(out, "\t%" PRIu64, pfn);
}

static void write_prediction(const struct report *report, const struct replay_prediction *p)
{
	const struct event *e = p->event;
	char zone[32];

	fprintf(report->predictions, "%" PRIu64 "\t%" PRIu64 "\t%s\t%u\t%u\t%u", p->index, e->line,
		event_kind_name((enum event_kind)e->kind), (unsigned int)e->cpu,
		(unsigned int)e->order, (unsigned int)e->migratetype);
	print_pfn(report->predictions, e->pfn);
	print_pfn(report->predictions, p->predicted);
	fprintf(report->predictions, "\t%s\t%s\n",
		replayed_zone_name(&report->r, p->zone, zone, sizeof(zone)),
		p->miss == REPLAY_HIT ? "-" : replay_miss_name(p->miss));
}

/* Has the node of zone number @preferred pages for the request, above a low watermark? */
static bool node_serves(const struct page_alloc *a, uint32_t preferred, struct alloc_request *req)
{
	const struct buddy_zone *zones = a->buddy->zones;

	req->flags = page_alloc_fast_flags(a, req);
	for (uint32_t z = 0; z < a->zone_count; z++)
		if (zones[z].nid == zones[preferred].nid && zones[z].type <= req->highest &&
		    page_alloc_margin(a, z, req, WMARK_LOW) > 0)
			return true;
	return false;
}

/*
 * No event tells of the memory policy of the task.  Where a page is of another node, though the one that is tried
 * first had pages, a policy is taken to have asked for that other node.
 */
static void count_numa(struct report *report, const struct replay_prediction *p)
{
	const struct page_alloc *a = replay_alloc(report->replay);
	const struct event *e = p->event;
	int32_t nid = report->cpu_nid[e->cpu];
	struct alloc_request req = { .cpu = e->cpu, .nid = nid, .order = e->order };
	uint32_t preferred;

	req.highest = gfp_zone(e->gfp, report->r.late.config.zones_mask);
	if (req.highest == ZONE_TYPE_COUNT)
		req.highest = ZONE_NORMAL;
	req.type = migratetype_at(e->migratetype, &report->r.late.config, &report->r.late.facts);
	preferred = a->first_zone[(uint32_t)nid * ZONE_TYPE_COUNT + req.highest];
	if (preferred != BUDDY_ZONE_NONE &&
	    a->buddy->zones[preferred].nid != a->buddy->zones[p->zone].nid &&
	    node_serves(a, preferred, &req))
		preferred = BUDDY_ZONE_NONE;
	numa_stat_count(report->numa, a->buddy, p->zone, preferred, nid);
}

static void on_prediction(void *ctx, const struct replay_prediction *p)
{
	struct report *report = ctx;
	uint32_t zone = p->zone < report->zone_count ? p->zone : report->zone_count;

	report->zones[zone][p->event->kind].predicted++;
	report->zones[zone][p->event->kind].right += p->miss == REPLAY_HIT;
	if (p->event->kind == EVENT_ALLOC && zone < report->zone_count)
		count_numa(report, p);
	if (report->predictions)
		write_prediction(report, p);
}

static void on_finding(void *ctx, const struct follow_finding *f)
{
	struct report *report = ctx;

	replay_findings_add(&report->findings, f);
	/* Of a page that is not as it should be, what was recorded last is believed. */
	report->refused = f->index == report->r.index - 1 && f->what <= IMPOSSIBLE_OUTSIDE;
}

static void on_withdrawn(void *ctx, enum impossible what)
{
	struct report *report = ctx;

	replay_findings_withdraw(&report->findings, report->follow, what);
}

/* What an event that does nothing but keep its number becomes. */
static const struct event nothing = { .kind = EVENT_OTHER, .cpu = UINT16_MAX };

/* @watched: pictures are compared with the model here. */
static void on_event(struct report *report, const struct event *e, bool watched)
{
	if (report->refused) {
		replay_event(report->replay, &nothing);
		return;
	}
	if (report->r.kinds >> e->kind & 1)
		vm_events_count(&report->vm, report->r.booted.m.buddy, e);
	replayed_event(&report->r, report->replay, e);
	if (watched && e->kind != EVENT_MARKER && picture_watch_active(report->watch))
		picture_watch_look(report->watch);
}

static enum cli_exit prepare(struct cli *cli, struct report *report)
{
	const char *predictions = cli_text(cli, "predictions");
	struct machine *m = &report->r.booted.m;
	struct replay_options how = { .kinds = report->r.kinds,
				      .cpu_count = report->r.cpu_count,
				      .predicted = on_prediction,
				      .ctx = report };
	const struct follow_options follow = { .kinds = report->r.kinds,
					       .cpu_count = report->r.cpu_count,
					       .found = on_finding,
					       .withdrawn = on_withdrawn,
					       .ctx = report };
	enum cli_exit code;
	struct error *err;

	report->zone_count = m->buddy->zone_count;
	report->zones = calloc((size_t)report->zone_count + 1, sizeof(*report->zones));
	report->numa = calloc(report->zone_count, sizeof(*report->numa));
	report->cpu_nid =
		rerun_cpu_nodes(&report->r.late, &report->r.booted.log.input, report->r.cpu_count);
	report->replay = replay_create(m, &report->r.late, &how);
	report->follow = follow_create(&report->r.late, &follow);
	if (!report->zones || !report->numa || !report->cpu_nid || !report->replay ||
	    !report->follow)
		return cli_fail_error(cli, error_no_memory());
	err = picture_watch_create(&report->r.pictures, m->buddy, &m->config, &m->facts,
				   &report->watch);
	if (err)
		return cli_fail_error(cli, err);
	code = replay_start_prepare(cli, &report->r, report->replay, &report->start);
	if (code != CLI_OK || !predictions)
		return code;
	code = cli_open_file(cli, predictions, &report->predictions);
	if (code == CLI_OK)
		fputs("index\tline\tkind\tcpu\torder\tmigratetype\trecorded_pfn\tpredicted_pfn\t"
		      "zone\tmiss_rule\n",
		      report->predictions);
	return code;
}

/* "3.25", "3.25s" or "3s" in nanoseconds. */
static bool read_time(const char *text, uint64_t *ret)
{
	uint64_t value = 0, unit = 1000000000;
	const char *p = text;
	bool told = false;

	for (; isdigit((unsigned char)*p); p++) {
		if (value > UINT64_MAX / unit / 10 - 1)
			return false;
		value = value * 10 + (uint64_t)(*p - '0');
	}
	if (p == text)
		return false;
	value *= unit;
	if (*p == '.') {
		for (p++; isdigit((unsigned char)*p); p++) {
			unit /= 10;
			value += unit * (uint64_t)(*p - '0');
		}
		told = true;
	}
	if (*p == 's') {
		p++;
		told = true;
	}
	*ret = value;
	return told && !*p;
}

static void read_stop(const char *text, struct stop *ret)
{
	char *end;

	*ret = (struct stop){ .text = text };
	if (!text)
		return;
	if (read_time(text, &ret->number)) {
		ret->kind = STOP_TIME;
		return;
	}
	ret->number = strtoull(text, &end, 10);
	ret->kind = *text && !text[strspn(text, "0123456789")] ? STOP_INDEX : STOP_MARKER;
}

static bool stops(const struct report *report, const struct event *e)
{
	const struct stop *stop = &report->stop;

	switch (stop->kind) {
	case STOP_INDEX:
		return report->r.index - 1 == stop->number;
	case STOP_TIME:
		return e->time >= stop->number;
	case STOP_MARKER:
		return e->kind == EVENT_MARKER &&
		       !strcmp(trace_string(report->r.trace, e->text), stop->text);
	case STOP_NOWHERE:
		break;
	}
	return false;
}

/* Is --at a time, where there is none?  A stored trace tells at its end. */
static bool has_no_time(const struct report *report)
{
	return report->stop.kind == STOP_TIME && trace_stats(report->r.trace)->counted;
}

/* The trace does not have the place of --at. */
static enum cli_exit fail_at(struct cli *cli, const struct report *report)
{
	const struct stop *stop = &report->stop;
	uint64_t count = report->r.index;

	if (has_no_time(report))
		return cli_fail(
			cli,
			"the clock of the trace counts and tells no seconds: --at cannot be "
			"the time %s, but the number of an event or the text of a marker",
			stop->text);
	switch (stop->kind) {
	case STOP_INDEX:
		return cli_fail(cli, "the trace has no event %s: it has %" PRIu64, stop->text,
				count);
	case STOP_TIME:
		return cli_fail(cli, "the trace ends, after %" PRIu64 " events, before the time %s",
				count, stop->text);
	default:
		return cli_fail(cli,
				"none of the %" PRIu64
				" events of the trace is a marker '%s', which "
				"is to be the whole of its text",
				count, stop->text);
	}
}

static enum cli_exit replay_all(struct cli *cli, struct report *report)
{
	const struct event *e;
	enum cli_exit code;

	while ((code = replayed_next(cli, &report->r, &e)) == CLI_OK && e) {
		bool uses, watched = report->start.phase == REPLAY_START_RUNS ||
				     report->start.kind == REPLAY_START_AUTO;

		if (has_no_time(report))
			return fail_at(cli, report);
		if (stops(report, e)) {
			replayed_unread(&report->r);
			break;
		}
		/* A picture is compared before it is taken over. */
		if (watched && e->kind == EVENT_MARKER)
			picture_watch_marker(report->watch, trace_string(report->r.trace, e->text),
					     e->line);
		code = replay_start_event(cli, &report->start, &report->r, report->replay, e,
					  &uses);
		if (code != CLI_OK)
			return code;
		report->refused = false;
		follow_event(report->follow, e);
		if (uses)
			on_event(report, e, watched);
		else
			replay_event(report->replay, &nothing);
	}
	if (code != CLI_OK)
		return code;
	if (!e && report->stop.kind != STOP_NOWHERE &&
	    !(report->stop.kind == STOP_INDEX && report->stop.number == report->r.index))
		return fail_at(cli, report);
	/* Where the trace goes on, what is open may be explained yet. */
	if (!e)
		follow_end(report->follow);
	if (replay_out_of_memory(report->replay) || picture_watch_out_of_memory(report->watch) ||
	    follow_out_of_memory(report->follow))
		return cli_fail_error(cli, error_no_memory());
	report->broken = buddy_check(report->r.booted.m.buddy, false);
	return CLI_OK;
}

/* ---- text -------------------------------------------------------------------------------------- */

/* @part of @whole in per cent with three digits, rounded down: 100 is all. */
static void print_rate(FILE *out, uint64_t part, uint64_t whole)
{
	uint64_t share;

	if (!whole) {
		fprintf(out, " %10s", "");
		return;
	}
	share = part / whole * 100000 + part % whole * 100000 / whole;
	fprintf(out, " %4" PRIu64 ".%03" PRIu64 " %%", share / 1000, share % 1000);
}

static void print_kinds(struct cli *cli, const struct report *report)
{
	const struct replay_stats *stats = replay_stats(report->replay);
	FILE *out = cli_out(cli);

	fprintf(out, "\n%s%-30s %10s %10s %10s%s\n", cli_colour(cli, CLI_BOLD), "events", "used",
		"predicted", "right", cli_colour(cli, CLI_PLAIN));
	for (unsigned int k = 0; k < EVENT_KIND_COUNT; k++) {
		/* What is lost stands above. */
		if (!stats->kinds[k] || k == EVENT_LOST)
			continue;
		fprintf(out, "%-30s %10" PRIu64, event_kind_name((enum event_kind)k),
			stats->kinds[k]);
		if (stats->predicted[k]) {
			fprintf(out, " %10" PRIu64 " %10" PRIu64, stats->predicted[k],
				stats->right[k]);
			print_rate(out, stats->right[k], stats->predicted[k]);
		}
		fputc('\n', out);
	}
}

static void print_zones(struct cli *cli, const struct report *report)
{
	FILE *out = cli_out(cli);
	char name[32];

	fprintf(out, "\n%s%-11s %-30s   %10s %10s%s\n", cli_colour(cli, CLI_BOLD), "zone", "",
		"predicted", "right", cli_colour(cli, CLI_PLAIN));
	for (uint32_t z = 0; z <= report->zone_count; z++) {
		uint32_t zone = z < report->zone_count ? z : BUDDY_ZONE_NONE;

		for (unsigned int k = 0; k < EVENT_KIND_COUNT; k++) {
			const struct rate *rate = &report->zones[z][k];

			if (!rate->predicted)
				continue;
			fprintf(out, "%-11s %-30s   %10" PRIu64 " %10" PRIu64,
				replayed_zone_name(&report->r, zone, name, sizeof(name)),
				event_kind_name((enum event_kind)k), rate->predicted, rate->right);
			print_rate(out, rate->right, rate->predicted);
			fputc('\n', out);
		}
	}
}

/* "pgalloc_dma32", by the kernel's name of the zone's type; NULL: no pages of such zones are handed out. */
static const char *pgalloc_name(const struct report *report, unsigned int type, char *ret,
				size_t size)
{
	if (type == ZONE_DEVICE || !(report->r.late.config.zones_mask >> type & 1))
		return NULL;
	snprintf(ret, size, "pgalloc_%s",
		 type == ZONE_HIGHMEM ? "high" : zone_type_name((enum zone_type)type));
	for (char *c = ret; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	return ret;
}

static void print_vm_events(struct cli *cli, const struct report *report)
{
	FILE *out = cli_out(cli);
	char name[32];

	fprintf(out, "\n%s%-15s %10s%s\n", cli_colour(cli, CLI_BOLD), "vmstat", "pages",
		cli_colour(cli, CLI_PLAIN));
	for (unsigned int t = 0; t < ZONE_TYPE_COUNT; t++)
		if (pgalloc_name(report, t, name, sizeof(name)))
			fprintf(out, "%-15s %10" PRIu64 "\n", name, report->vm.pgalloc[t]);
	fprintf(out, "%-15s %10" PRIu64 "\n", "pgfree", report->vm.pgfree);
}

static void print_misses(struct cli *cli, const struct report *report)
{
	const struct replay_stats *stats = replay_stats(report->replay);
	FILE *out = cli_out(cli);
	bool any = false;

	for (unsigned int k = 0; k < EVENT_KIND_COUNT; k++) {
		for (unsigned int m = REPLAY_HIT + 1; m < REPLAY_MISS_COUNT; m++) {
			if (!stats->misses[k][m])
				continue;
			if (!any)
				fprintf(out, "\n%s%-30s rule%s\n", cli_colour(cli, CLI_BOLD),
					"misses", cli_colour(cli, CLI_PLAIN));
			any = true;
			fprintf(out, "%-30s %-12s %10" PRIu64 "\n",
				event_kind_name((enum event_kind)k),
				replay_miss_name((enum replay_miss)m), stats->misses[k][m]);
		}
	}
	if (stats->silent)
		fprintf(out, "%-30s %-12s %10" PRIu64 "\n", "pages taken without an event", "",
			stats->silent);
	if (follow_stats(report->follow)->failed)
		fprintf(out, "%-30s %-12s %10" PRIu64 "\n", "allocations that failed", "",
			follow_stats(report->follow)->failed);
}

static void print_findings(struct cli *cli, const struct report *report)
{
	FILE *out = cli_out(cli);

	if (!report->findings.count)
		return;
	fprintf(out, "\n%sfindings: events that this machine cannot have recorded%s\n",
		cli_colour(cli, CLI_BOLD), cli_colour(cli, CLI_PLAIN));
	replay_findings_print(out, &report->findings, follow_stats(report->follow)->events);
}

/* Of one node all is local. */
static bool has_nodes(const struct report *report)
{
	const struct buddy *b = report->r.booted.m.buddy;

	for (uint32_t z = 1; z < b->zone_count; z++)
		if (b->zones[z].nid != b->zones[0].nid)
			return true;
	return false;
}

static void print_numa(struct cli *cli, const struct report *report)
{
	FILE *out = cli_out(cli);
	char name[32];

	if (!has_nodes(report))
		return;
	fprintf(out, "\n%s%-11s %10s %10s %10s %10s %10s%s\n", cli_colour(cli, CLI_BOLD), "zone",
		"numa_hit", "miss", "foreign", "local", "other", cli_colour(cli, CLI_PLAIN));
	for (uint32_t z = 0; z < report->zone_count; z++) {
		const struct numa_stat *s = &report->numa[z];

		fprintf(out,
			"%-11s %10" PRIu64 " %10" PRIu64 " %10" PRIu64 " %10" PRIu64 " %10" PRIu64
			"\n",
			replayed_zone_name(&report->r, z, name, sizeof(name)), s->hit, s->miss,
			s->foreign, s->local, s->other);
	}
}

/* The last column is not filled up. */
static int table_width(enum picture_table table)
{
	return table + 1 < PICTURE_TABLE_COUNT ? 14 : 0;
}

static void print_match(struct cli *cli, const struct picture_result *p, enum picture_table table)
{
	enum picture_match match = p->tables[table].match;
	bool bad = match == PICTURE_DIFFERS;
	FILE *out = cli_out(cli);
	char text[48];

	if (bad)
		snprintf(text, sizeof(text), "differs %" PRIu64, p->tables[table].differ);
	else
		snprintf(text, sizeof(text), "%s",
			 match == PICTURE_NOT_SEEN ? "-" : picture_match_name(match));
	fprintf(out, " %s%-*s%s", cli_colour(cli, bad ? CLI_BAD : CLI_PLAIN), table_width(table),
		text, cli_colour(cli, CLI_PLAIN));
}

static bool is_equal(const struct picture_result *p)
{
	for (unsigned int t = 0; t < PICTURE_TABLE_COUNT; t++)
		if (p->tables[t].match == PICTURE_DIFFERS)
			return false;
	return true;
}

/* The trace may end, or --at stop, before there was anything to compare. */
static bool was_compared(const struct picture_result *p)
{
	for (unsigned int t = 0; t < PICTURE_TABLE_COUNT; t++)
		if (p->tables[t].match != PICTURE_NOT_SEEN)
			return true;
	return false;
}

/* What the pictures say that the trace has, and how much of it is otherwise in the model. */
static void print_entries(struct cli *cli, const struct picture_result *p, uint32_t count)
{
	FILE *out = cli_out(cli);
	bool equal = true, first = true;

	for (uint32_t i = 0; i < count; i++)
		equal &= is_equal(&p[i]);
	if (equal)
		return;
	fputs("numbers that differ:", out);
	for (unsigned int t = 0; t < PICTURE_TABLE_COUNT; t++) {
		uint64_t entries = 0, differ = 0;

		for (uint32_t i = 0; i < count; i++) {
			entries += p[i].tables[t].entries;
			differ += p[i].tables[t].entries_differ;
		}
		if (!entries)
			continue;
		fprintf(out, "%s %" PRIu64 " of %" PRIu64 " of %s", first ? "" : ",", differ,
			entries, picture_table_name((enum picture_table)t));
		first = false;
	}
	fputc('\n', out);
}

static void print_pictures(struct cli *cli, const struct report *report)
{
	FILE *out = cli_out(cli);
	struct sink sink = sink_to_file(out);
	uint32_t count;
	const struct picture_result *p = picture_watch_results(report->watch, &count);

	if (!count)
		return;
	fprintf(out, "\n%s%-10s %9s", cli_colour(cli, CLI_BOLD), "pictures", "line");
	for (unsigned int t = 0; t < PICTURE_TABLE_COUNT; t++)
		fprintf(out, " %-*s", table_width((enum picture_table)t),
			picture_table_name((enum picture_table)t));
	fprintf(out, "%s\n", cli_colour(cli, CLI_PLAIN));
	for (uint32_t i = 0; i < count; i++) {
		text_print_safe(out, p[i].picture->name);
		fprintf(out, "%*s %9" PRIu64,
			strlen(p[i].picture->name) < 10 ? (int)(10 - strlen(p[i].picture->name))
							: 0,
			"", p[i].line);
		for (unsigned int t = 0; t < PICTURE_TABLE_COUNT; t++)
			print_match(cli, &p[i], (enum picture_table)t);
		fputc('\n', out);
	}
	print_entries(cli, p, count);
	if (!cli_has(cli, "differences"))
		return;
	for (uint32_t i = 0; i < count; i++) {
		if (is_equal(&p[i]))
			continue;
		fputs("\npicture ", out);
		text_print_safe(out, p[i].picture->name);
		fputc('\n', out);
		picture_watch_explain(report->watch, i, &sink);
	}
}

static void print_verdict(struct cli *cli, const struct report *report)
{
	const struct replay_stats *stats = replay_stats(report->replay);
	FILE *out = cli_out(cli);
	uint32_t count, seen = 0, equal = 0;
	const struct picture_result *p = picture_watch_results(report->watch, &count);

	for (uint32_t i = 0; i < count; i++) {
		seen += was_compared(&p[i]);
		equal += was_compared(&p[i]) && is_equal(&p[i]);
	}
	fprintf(out, "\n%s", cli_colour(cli, report->findings.count ? CLI_BAD : CLI_GOOD));
	if (stats->predicted[EVENT_ALLOC]) {
		fprintf(out, "first guess right for");
		print_rate(out, stats->right[EVENT_ALLOC], stats->predicted[EVENT_ALLOC]);
		fprintf(out, " of %" PRIu64 " allocation%s", stats->predicted[EVENT_ALLOC],
			stats->predicted[EVENT_ALLOC] == 1 ? "" : "s");
	} else {
		fprintf(out, "no allocation to guess");
	}
	if (seen)
		fprintf(out, "; %" PRIu32 " of %" PRIu32 " pictures equal", equal, seen);
	if (report->findings.count)
		fprintf(out, "; %" PRIu64 " finding%s", report->findings.count,
			report->findings.count == 1 ? "" : "s");
	fprintf(out, "%s\n", cli_colour(cli, CLI_PLAIN));
}

static void print_report(struct cli *cli, const struct report *report)
{
	replayed_print(cli, &report->r);
	replay_start_print(cli, &report->start);
	print_kinds(cli, report);
	print_zones(cli, report);
	print_numa(cli, report);
	print_vm_events(cli, report);
	print_misses(cli, report);
	print_findings(cli, report);
	print_pictures(cli, report);
	print_verdict(cli, report);
}

/* ---- JSON -------------------------------------------------------------------------------------- */

static void json_kinds(struct json *j, const struct report *report)
{
	const struct replay_stats *stats = replay_stats(report->replay);

	json_key_array_begin(j, "kinds");
	for (unsigned int k = 0; k < EVENT_KIND_COUNT; k++) {
		if (!stats->kinds[k] || k == EVENT_LOST)
			continue;
		json_object_begin(j);
		json_key_string(j, "kind", event_kind_name((enum event_kind)k));
		json_key_u64(j, "events", stats->kinds[k]);
		json_key_u64(j, "predicted", stats->predicted[k]);
		json_key_u64(j, "right", stats->right[k]);
		json_key_object_begin(j, "misses");
		for (unsigned int m = REPLAY_HIT + 1; m < REPLAY_MISS_COUNT; m++)
			if (stats->misses[k][m])
				json_key_u64(j, replay_miss_name((enum replay_miss)m),
					     stats->misses[k][m]);
		json_object_end(j);
		json_object_end(j);
	}
	json_array_end(j);
	json_key_u64(j, "silent_pages", stats->silent);
	json_key_u64(j, "failed_allocations", follow_stats(report->follow)->failed);
}

static void json_vm_events(struct json *j, const struct report *report)
{
	char name[32];

	json_key_object_begin(j, "vmstat");
	for (unsigned int t = 0; t < ZONE_TYPE_COUNT; t++)
		if (pgalloc_name(report, t, name, sizeof(name)))
			json_key_u64(j, name, report->vm.pgalloc[t]);
	json_key_u64(j, "pgfree", report->vm.pgfree);
	json_object_end(j);
}

static void json_numa(struct json *j, const struct numa_stat *s)
{
	json_key_object_begin(j, "numa");
	json_key_u64(j, "hit", s->hit);
	json_key_u64(j, "miss", s->miss);
	json_key_u64(j, "foreign", s->foreign);
	json_key_u64(j, "local", s->local);
	json_key_u64(j, "other", s->other);
	json_object_end(j);
}

static void json_zones(struct json *j, const struct report *report)
{
	const struct buddy *b = report->r.booted.m.buddy;

	json_key_array_begin(j, "zones");
	for (uint32_t z = 0; z < report->zone_count; z++) {
		json_object_begin(j);
		json_key_i64(j, "nid", b->zones[z].nid);
		json_key_string(j, "zone", zone_type_name(b->zones[z].type));
		json_key_array_begin(j, "kinds");
		for (unsigned int k = 0; k < EVENT_KIND_COUNT; k++) {
			if (!report->zones[z][k].predicted)
				continue;
			json_object_begin(j);
			json_key_string(j, "kind", event_kind_name((enum event_kind)k));
			json_key_u64(j, "predicted", report->zones[z][k].predicted);
			json_key_u64(j, "right", report->zones[z][k].right);
			json_object_end(j);
		}
		json_array_end(j);
		json_numa(j, &report->numa[z]);
		json_object_end(j);
	}
	json_array_end(j);
}

static void json_pictures(struct json *j, const struct report *report)
{
	uint32_t count;
	const struct picture_result *p = picture_watch_results(report->watch, &count);

	json_key_array_begin(j, "pictures");
	for (uint32_t i = 0; i < count; i++) {
		json_object_begin(j);
		json_key_string(j, "name", p[i].picture->name);
		json_key_u64(j, "line", p[i].line);
		if (was_compared(&p[i]))
			json_key_bool(j, "equal", is_equal(&p[i]));
		else
			json_key_null(j, "equal");
		for (unsigned int t = 0; t < PICTURE_TABLE_COUNT; t++) {
			json_key_object_begin(j, picture_table_name((enum picture_table)t));
			json_key_string(j, "match", picture_match_name(p[i].tables[t].match));
			json_key_u64(j, "differ", p[i].tables[t].differ);
			json_key_u64(j, "entries", p[i].tables[t].entries);
			json_key_u64(j, "entries_differ", p[i].tables[t].entries_differ);
			json_object_end(j);
		}
		json_object_end(j);
	}
	json_array_end(j);
}

/* ---- the state --------------------------------------------------------------------------------- */

static void print_view(struct cli *cli, const struct report *report, enum view view)
{
	if (view == VIEW_SUMMARY || view == VIEW_JSON)
		print_report(cli, report);
	else
		state_view_print(cli, &report->r, report->replay,
				 (enum state_view)(view - VIEW_BUDDYINFO));
}

static void print_json(struct cli *cli, const struct report *report, bool state)
{
	struct json j;

	cli_json_begin(cli, &j, 1);
	replayed_json(&j, &report->r);
	json_key_string(&j, "mode", modes[cli_choice(cli, "mode", MODE_PREDICT)]);
	replay_start_json(&j, &report->start);
	json_kinds(&j, report);
	json_zones(&j, report);
	json_vm_events(&j, report);
	replay_findings_json(&j, &report->findings, report->follow);
	json_pictures(&j, report);
	if (state)
		state_view_json(&j, &report->r, report->replay);
	json_object_end(&j);
	json_deinit(&j);
}

static enum cli_exit run_follow(struct cli *cli, struct replayed *r)
{
	static const char *const others[] = { "predictions", "differences", "at", "view", "start" };
	enum cli_exit code;

	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		if (cli_has(cli, others[i]))
			return cli_fail_usage(cli,
					      "--%s needs the model, which --mode follow has not",
					      others[i]);
	code = replayed_read(cli, REPLAYED_NO_LISTS, r);
	return code == CLI_OK ? replay_follow(cli, r) : code;
}

/* Is the source, without a trace of the user's, a scenario? */
static enum cli_exit is_scenario(struct cli *cli, struct booted *b, bool *ret)
{
	enum cli_exit code = booted_hold(cli, b);
	struct error *err;

	if (code != CLI_OK)
		return code;
	err = b->once.data ? scenario_store_is_input(&b->once, ret)
			   : scenario_store_is(b->path, ret);
	return err ? cli_fail_error(cli, err) : CLI_OK;
}

static enum cli_exit run_predict(struct cli *cli, struct report *report)
{
	enum view view = (enum view)cli_choice(cli, "view", VIEW_SUMMARY);
	enum cli_exit code;

	report->r.keep_trace = replay_start_reads_twice(cli);
	code = replayed_read(cli,
			     replay_start_needs_no_lists(cli) ? REPLAYED_ANY_LISTS : REPLAYED_LISTS,
			     &report->r);
	read_stop(cli_text(cli, "at"), &report->stop);
	if (code == CLI_OK)
		code = prepare(cli, report);
	if (code == CLI_OK)
		code = replay_all(cli, report);
	if (code == CLI_OK) {
		if (cli_has(cli, "json") || view == VIEW_JSON)
			print_json(cli, report, view != VIEW_SUMMARY);
		else
			print_view(cli, report, view);
		if (report->findings.count)
			code = CLI_FINDING;
		if (report->stop.kind == STOP_NOWHERE)
			code = replayed_end(cli, &report->r, code);
		if (report->broken) {
			cli_fail(cli, "this is a bug in mmreplay: the model's free lists broke: %s",
				 report->broken);
			code = CLI_BUG;
		}
	}
	picture_watch_destroy(report->watch);
	replay_destroy(report->replay);
	follow_destroy(report->follow);
	free(report->zones);
	free(report->numa);
	free(report->cpu_nid);
	return code;
}

static enum cli_exit run(struct cli *cli)
{
	struct report report = { 0 };
	enum cli_exit code = CLI_OK;
	bool scenario = false;

	if (!cli_has(cli, "trace"))
		code = is_scenario(cli, &report.r.booted, &scenario);
	if (code == CLI_OK && scenario)
		code = replay_scenario(cli, &report.r.booted);
	else if (code == CLI_OK && cli_choice(cli, "mode", MODE_PREDICT) == MODE_FOLLOW)
		code = run_follow(cli, &report.r);
	else if (code == CLI_OK)
		code = run_predict(cli, &report);
	replayed_deinit(&report.r);
	return code;
}

const struct command command_replay = {
	.name = "replay",
	.summary = "replay a page-allocation trace and predict the pages it was given",
	.description =
		"Boots the machine that SRC describes and lets its page allocator serve the requests "
		"of a trace, one by one. For each event the model first says which page the kernel "
		"will take, knowing nothing but the events before it and what this one asks for; "
		"then it looks. A wrong guess is counted under the rule that explains it, and the "
		"model takes over what the event proves.\n"
		"\n"
		"SRC is a capture folder or a stored file with its trace, or a log, and then --trace "
		"names the trace: ftrace text in any of its shapes, packed or not.\n"
		"\n"
		"A trace may have allocations and frees alone. What zone_locked events tell of per-CPU "
		"lists makes the rest better, and with them drain, free_batched and extfrag do; without "
		"them these are counted, and not used.\n"
		"\n"
		"With --mode follow no page is predicted: what was recorded is taken exactly, and every "
		"event is checked against what was recorded of its pages before. An allocation of a "
		"page in use, a free of a free page and the like are findings, with the line of the "
		"event and the line that contradicts it. Frees of pages from before the trace (ghosts) "
		"are counted, and so are frees of pages that were handed out without an event, as bulk "
		"allocations, compaction and CMA do: such frees come in groups, or from another task "
		"than the one that freed the page last.\n"
		"\n"
		"Markers 'SNAP NAME begin', 'SNAP NAME end' and 'SNAP NAME done' in the trace stand "
		"around the reading of buddyinfo and pagetypeinfo, and then of kpageflags, into "
		"snap-NAME of the folder. These pictures are compared with the model's free lists: "
		"'at begin' and 'at end' say at which marker they were equal; 'between', that each "
		"zone (of kpageflags, each page) was equal at some event between the two, as reading "
		"takes pages itself; 'differs', by how many blocks or pages they never were. Below "
		"stands how many of all their numbers differ. Of several CPUs as of one, all numbers can "
		"be equal if the trace has all events since the boot, or since a picture that was taken "
		"over; what leaves none cannot be known: pages that lay on per-CPU lists when the picture "
		"was taken, areas allocated in bulk, pages moved by compaction.\n"
		"\n"
		"No event tells of CPUs and memory that come and go, and of reserves that are set. "
		"Markers can, as a shell is told: 'WORK echo 0 > "
		"/sys/devices/system/cpu/cpu1/online', 'WORK echo offline > "
		"/sys/devices/system/memory/memory3/state', 'WORK echo 20000 > "
		"/proc/sys/vm/min_free_kbytes'. Each is taken to begin there.\n"
		"\n"
		"--start says which state the trace begins with. Without it that is what the boot left; "
		"where the trace turns out to begin later than the boot, the first picture with "
		"kpageflags is taken over when it is complete ('SNAP NAME done'). With the NAME of a "
		"picture nothing is known but what it tells: free pages by kpageflags, types of "
		"pageblocks by pagetypeinfo, marks of page sets by zoneinfo. Events before its marker "
		"'SNAP NAME end' are left out, and those up to 'SNAP NAME done' only looked at; a "
		"trace without these markers is taken to begin when the picture was taken. A trace from "
		"standard input or a pipe is read whole first, to look for them, and can then have no "
		"more than 256 MiB. The boot log need not say what was reserved then. 'unknown' has "
		"every page in use at first; 'handover' takes no picture over.\n"
		"\n"
		"Of several nodes it is told what the kernel counts of each zone (numa_hit, numa_miss ... in "
		"zoneinfo), of the allocations of the trace alone: from picture to picture they grow as the "
		"kernel's do, but for pages allocated in bulk. No event tells of memory policies: where a page "
		"is of another node though the CPU's had pages to give, one is taken to have asked for it, and "
		"the page counts as a hit.\n"
		"\n"
		"Of all machines it is told what /proc/vmstat counts of these allocations and frees, in pages. By "
		"pages that the kernel allocated in bulk, its own pgalloc_* grow more.\n"
		"\n"
		"The file of --predictions has a line of headings and a row for each predicted event: "
		"index (of the event, from 0), line, kind, cpu, order, migratetype, recorded_pfn, "
		"predicted_pfn, zone, miss_rule. Page frames are decimal; '-' is no page, no zone, "
		"or no miss. A zone is its node and its name: 0:DMA32.\n"
		"\n"
		"A wrong guess is a miss, and its rule says how the recorded page was not the one of the "
		"model. They stand in that column and in the summary (in JSON, 'misses'):\n"
#define MISS(name, text, meaning) "  " text ": " meaning "\n"
#include "engine/replay_miss.def"
#undef MISS
		"\n"
		"A number for --at is that of an event, up to how many there are, which is the end (a gap of lost "
		"events has a number as well); with a "
		"point or an 's' behind it is a time by the stamps of the trace, if its clock tells "
		"seconds. A marker is named by its whole text; of several the first counts (step's "
		"'mark' finds the others). A place that the trace does not have is an error.\n"
		"\n"
		"Views of the state at the end, or where --at stops:\n"
		"  summary       what is told above (the default)\n"
		"  buddyinfo     as /proc/buddyinfo\n"
		"  pagetypeinfo  as /proc/pagetypeinfo\n"
		"  zoneinfo      as /proc/zoneinfo, without the counters the model does not keep\n"
		"  pcp           the per-CPU lists, head first\n"
		"  freelists     the free lists, head first\n"
		"  pageblocks    which pageblocks are of which type\n"
		"  unusable_index, extfrag_index\n"
		"                as the files of these names in /sys/kernel/debug/extfrag\n"
		"  json          the summary and all of these, as JSON; so with --json, too\n"
		"In zoneinfo, 'high' of kernels that tune it (6.7 and later) is what the events have shown: "
		"it sinks with time, unseen. 'count' has pages that were taken in bulk, without an event, "
		"until they would have come up.\n"
		"\n"
		"Events are taken in the order of the file, so that those of all CPUs must stand in the order of "
		"time, as the tracer's own 'trace' and 'trace_pipe' have them; files of single CPUs (per_cpu) one "
		"behind the other do not. Where more than a few come after later ones, the summary says how many, "
		"and where. To sort them:\n"
		"  sed -E 's/^.*\\] +([^ ]+ +)?([0-9]+\\.[0-9]+): /\\2 &/' FILE... |\n"
		"    sort -s -n | cut -d' ' -f2- >sorted.txt\n"
		"\n"
		"SRC may be a scenario instead: a stored file with operations, or a text that begins "
		"with the line '# scenario'. It is booted, its operations are done, and after each of them every "
		"invariant is looked at; those that do not hold are the findings.\n"
		"\n"
		"An event that this machine cannot have recorded (a page frame no zone has, an order "
		"too high, a CPU it does not have) is a finding and takes no part. What --mode follow "
		"finds impossible is a finding here, too; there the model believes what was recorded "
		"last. A file with no event and no heading of a tracer is no trace, and refused; of a stored "
		"trace that is damaged or cut off all whole blocks are replayed and reported, and then the "
		"first that is not is an error (exit code 2). So are all whole lines of a packed text.",
	.arguments = arguments,
	.options = options,
	.examples = examples,
	.finding = "the trace does not fit the machine, or an invariant of a scenario is broken",
	.run = run,
};
