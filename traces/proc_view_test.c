/* SPDX-License-Identifier: MIT */
/*
 * The views of a running model in the kernel's own form, beside every picture that was taken while a trace was
 * recorded: line by line of the same form, and every number that the view of zoneinfo gives.
 *
 * Reading a picture takes time and pages, so that a number agrees that was right at some event between the two
 * markers of its picture.  What is not held to the last page, and why:
 *   - counters of free pages: the kernel folds those of a CPU late, so they may be off by the threshold that
 *     the picture tells, for each CPU;
 *   - of several CPUs, or where the trace begins late, counters and "count" of page sets: what lies there is not
 *     all known;
 *   - "count" elsewhere: pages that were taken in bulk, without an event, lie there until they would come up;
 *   - "high" where the kernel tunes it: it sinks with time, unseen.  It lies between its limits.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/alloc_view.h"
#include "engine/boot.h"
#include "engine/buddy.h"
#include "engine/dump.h"
#include "engine/replay.h"
#include "engine/sink.h"
#include "traces/capture.h"
#include "traces/marker_change.h"
#include "traces/picture_set.h"
#include "traces/procfs/zoneinfo.h"
#include "traces/testing/captures.h"
#include "traces/testing/check.h"
#include "traces/trace/trace.h"

/* Numbers of all zones and CPUs that one picture may have. */
#define CLAIMS_MAX 4096
/* Pages of a page set that were taken without an event and have not been missed yet. */
#define COUNT_SLACK 48

/* A number of the view: whether it was right at some event, and what it was last. */
struct claim {
	char name[48];
	int32_t nid;
	uint32_t cpu;
	uint64_t real, model;
	bool right;
};

struct window {
	const struct snapshot *picture; /* NULL: none is being taken */
	struct zoneinfo real;
	struct claim claims[CLAIMS_MAX];
	uint32_t count; /* of claims, in the order of the view */
	uint64_t slack; /* pages that counters may be off */
	bool counts_known; /* of free pages, and those in page sets */
	bool tuned; /* the kernel moves their high marks */
};

struct tally {
	unsigned int traces, compared;
	unsigned int changed; /* pictures of a machine whose memory or CPUs had come or gone */
};

struct run {
	const char *path;
	struct machine booted, late;
	struct replay *r;
	struct trace *trace;
	struct picture_set pictures;
	struct window window;
	bool from_boot;
	struct tally *tally;
};

/* ---- lines ------------------------------------------------------------------------------------- */

/* @line of @len bytes with each number, and the blanks that align it, as one '#'. */
static void mask(const char *line, size_t len, char *ret, size_t room)
{
	size_t n = 0;

	for (size_t i = 0; i < len && n + 1 < room; i++) {
		bool digit = line[i] >= '0' && line[i] <= '9';

		if (digit && n && ret[n - 1] == '#')
			continue;
		while (digit && n && ret[n - 1] == ' ')
			n--;
		ret[n++] = digit ? '#' : line[i];
	}
	ret[n] = '\0';
}

/* Every line of @view stands in @real, too, in that order; with @whole there is no other. */
static void check_lines(const char *path, const struct snapshot *p, enum picture_file file,
			const char *view, bool whole)
{
	const char *real = p->text[file].data, *at = real;

	for (const char *line = view, *end; *line; line = end + 1) {
		char want[1024], got[1024] = "";

		end = strchr(line, '\n');
		assert_non_null(end);
		mask(line, (size_t)(end - line), want, sizeof(want));
		for (const char *eol; *at; at = eol + 1) {
			eol = strchr(at, '\n');
			if (!eol)
				break;
			mask(at, (size_t)(eol - at), got, sizeof(got));
			if (!strcmp(got, want) || whole)
				break;
		}
		if (strcmp(got, want) != 0)
			fail_msg("%s: %s of %s has no line '%.*s'", path, picture_file_name(file),
				 p->name, (int)(end - line), line);
		at = strchr(at, '\n') + 1;
	}
	if (whole && *at)
		fail_msg("%s: %s of %s has more lines", path, picture_file_name(file), p->name);
}

static void view(const struct run *run, enum picture_file file, struct sink_text *ret)
{
	struct sink sink = sink_to_text(ret);

	sink_text_clear(ret);
	if (file == PICTURE_BUDDYINFO)
		dump_buddyinfo(&run->booted, &sink);
	else if (file == PICTURE_PAGETYPEINFO)
		dump_pagetypeinfo(&run->booted, &sink);
	else
		alloc_view_zoneinfo(replay_alloc(run->r), replay_machine(run->r),
				    replay_cpus_down(run->r), replay_sizes_unseen(run->r), &sink);
}

static void check_form(const struct run *run, const struct snapshot *p)
{
	struct sink_text text = { 0 };

	for (unsigned int f = PICTURE_BUDDYINFO; f <= PICTURE_ZONEINFO; f++) {
		if (!p->text[f].data)
			continue;
		view(run, (enum picture_file)f, &text);
		check_lines(run->path, p, (enum picture_file)f, sink_text_string(&text),
			    f != PICTURE_ZONEINFO);
	}
	sink_text_deinit(&text);
}

/* ---- numbers of zoneinfo ----------------------------------------------------------------------- */

struct field {
	const char *name;
	uint32_t bit;
	size_t offset;
	bool counter; /* the kernel folds it late */
};

#define FIELD(name, bit, counter)                                                    \
	{                                                                            \
#name, ZONEINFO_##bit, offsetof(struct zoneinfo_zone, name), counter \
	}

static const struct field zone_fields[] = {
	FIELD(free, FREE, true),
	FIELD(boost, BOOST, false),
	FIELD(min, MIN, false),
	FIELD(low, LOW, false),
	FIELD(high, HIGH, false),
	FIELD(promo, PROMO, false),
	FIELD(spanned, SPANNED, false),
	FIELD(present, PRESENT, false),
	FIELD(managed, MANAGED, false),
	FIELD(cma, CMA, false),
	FIELD(start_pfn, START_PFN, false),
	FIELD(reserved_highatomic, RESERVED_HIGHATOMIC, false),
	FIELD(free_highatomic, FREE_HIGHATOMIC, false),
};

#define PAGESET_FIELD(name, bit)                                                          \
	{                                                                                 \
#name, ZONEINFO_PCP_##bit, offsetof(struct zoneinfo_pageset, name), false \
	}

static const struct field pageset_fields[] = {
	PAGESET_FIELD(count, COUNT),	   PAGESET_FIELD(high, HIGH),
	PAGESET_FIELD(batch, BATCH),	   PAGESET_FIELD(high_min, HIGH_MIN),
	PAGESET_FIELD(high_max, HIGH_MAX), PAGESET_FIELD(stat_threshold, STAT_THRESHOLD),
};

/* The next of the numbers that are looked at, in the order of the view. */
static void claim(struct window *w, uint32_t *k, const char *name, const struct zoneinfo_zone *zone,
		  uint32_t cpu, uint64_t real, uint64_t model, uint64_t slack)
{
	struct claim *c = &w->claims[(*k)++];

	assert_true(*k <= CLAIMS_MAX);
	snprintf(c->name, sizeof(c->name), "%s %s", zone->name, name);
	c->nid = zone->nid;
	c->cpu = cpu;
	c->real = real;
	c->model = model;
	c->right |= model <= real + slack && real <= model + slack;
}

static void claim_pageset(struct window *w, uint32_t *k, const struct zoneinfo_zone *zone,
			  const struct zoneinfo_pageset *real, const struct zoneinfo_pageset *model)
{
	bool tuned = real->has & ZONEINFO_PCP_HIGH_MAX ? real->high_min != real->high_max
						       : w->tuned;

	for (size_t f = 0; f < sizeof(pageset_fields) / sizeof(*pageset_fields); f++) {
		const struct field *field = &pageset_fields[f];
		uint64_t r = *(const uint64_t *)((const char *)real + field->offset);
		uint64_t m = *(const uint64_t *)((const char *)model + field->offset);

		if (!(model->has & field->bit))
			continue;
		assert_true(real->has & field->bit);
		if ((field->bit == ZONEINFO_PCP_COUNT && !w->counts_known) ||
		    (field->bit == ZONEINFO_PCP_HIGH && tuned))
			continue;
		claim(w, k, field->name, zone, real->cpu, r, m,
		      field->bit == ZONEINFO_PCP_COUNT ? COUNT_SLACK : 0);
	}
}

static void look(struct run *run)
{
	struct window *w = &run->window;
	struct sink_text text = { 0 };
	struct zoneinfo model;
	uint32_t k = 0;

	view(run, PICTURE_ZONEINFO, &text);
	check_ok(zoneinfo_parse(text.data, text.len, "view", &model));
	sink_text_deinit(&text);
	assert_int_equal(model.nzones, w->real.nzones);
	assert_int_equal(model.unknown_lines, 0);
	for (uint32_t i = 0; i < model.nzones; i++) {
		const struct zoneinfo_zone *m = &model.zones[i], *r = &w->real.zones[i];

		assert_int_equal(m->nid, r->nid);
		assert_string_equal(m->name, r->name);
		assert_int_equal(m->npagesets, r->npagesets);
		assert_int_equal(m->nprotection, r->nprotection);
		for (size_t f = 0; f < sizeof(zone_fields) / sizeof(*zone_fields); f++) {
			const struct field *field = &zone_fields[f];

			if (!(m->has & field->bit))
				continue;
			assert_true(r->has & field->bit);
			if (field->counter && !w->counts_known)
				continue;
			claim(w, &k, field->name, r, 0,
			      *(const uint64_t *)((const char *)r + field->offset),
			      *(const uint64_t *)((const char *)m + field->offset),
			      field->counter ? w->slack : 0);
		}
		for (uint32_t j = 0; j < m->nprotection; j++)
			claim(w, &k, "protection", r, j, r->protection[j], m->protection[j], 0);
		for (uint32_t j = 0; j < m->nstats; j++) {
			const struct zoneinfo_stat *stat = zoneinfo_stat_of(r, m->stats[j].name);

			assert_non_null(stat);
			if (!w->counts_known)
				continue;
			claim(w, &k, stat->name, r, 0, stat->value, m->stats[j].value, w->slack);
		}
		for (uint32_t j = 0; j < m->npagesets; j++)
			claim_pageset(w, &k, r, &r->pagesets[j], &m->pagesets[j]);
	}
	w->count = k;
	zoneinfo_deinit(&model);
}

/* ---- one capture ------------------------------------------------------------------------------- */

/* Is it the machine of the boot: the same memory, the same CPUs? */
static bool is_as_booted(const struct run *run, const struct zoneinfo *real)
{
	for (uint32_t i = 0; i < real->nzones; i++) {
		const struct zoneinfo_zone *z = &real->zones[i];
		enum zone_type type;

		assert_true(zone_type_parse(z->name, strlen(z->name), &type));
		if (z->present != run->late.nodes[z->nid].zones[type].present ||
		    (z->npagesets && z->npagesets != run->late.online_cpus))
			return false;
	}
	return true;
}

static void begin(struct run *run, const struct snapshot *p)
{
	const struct picture_text *text = &p->text[PICTURE_ZONEINFO];
	struct window *w = &run->window;
	uint64_t threshold = 0;

	check_ok(zoneinfo_parse(text->data, text->size, p->name, &w->real));
	run->tally->changed += !is_as_booted(run, &w->real);
	for (uint32_t i = 0; i < w->real.nzones; i++)
		for (uint32_t j = 0; j < w->real.zones[i].npagesets; j++)
			if (w->real.zones[i].pagesets[j].stat_threshold > threshold)
				threshold = w->real.zones[i].pagesets[j].stat_threshold;
	memset(w->claims, 0, sizeof(w->claims));
	w->picture = p;
	w->slack = threshold * run->late.online_cpus;
	w->tuned = fact_get(&run->late.facts, FACT_pcp_high_auto);
	w->counts_known = run->from_boot && run->late.online_cpus == 1;
	look(run);
}

static void end(struct run *run)
{
	struct window *w = &run->window;

	for (uint32_t i = 0; i < w->count; i++) {
		const struct claim *c = &w->claims[i];

		if (!c->right)
			fail_msg("%s: picture %s: Node %" PRId32 " %s %" PRIu32 ": %" PRIu64
				 " in the picture, %" PRIu64 " in the view",
				 run->path, w->picture->name, c->nid, c->name, c->cpu, c->real,
				 c->model);
	}
	check_form(run, w->picture);
	run->tally->compared += w->count;
	w->picture = NULL;
	zoneinfo_deinit(&w->real);
}

static void on_marker(struct run *run, const char *text)
{
	char name[64], verb[16], behind;
	const struct snapshot *p;

	if (sscanf(text, "SNAP %63s %15s%c", name, verb, &behind) != 2)
		return;
	p = picture_set_find(&run->pictures, name);
	if (!p || !p->text[PICTURE_ZONEINFO].data)
		return;
	if (!strcmp(verb, "begin") && !run->window.picture)
		begin(run, p);
	else if (!strcmp(verb, "end") && run->window.picture == p)
		end(run);
}

static void play(struct run *run)
{
	const struct event *batch;
	bool first = true;
	size_t n;

	do {
		check_ok(trace_next(run->trace, &batch, &n));
		if (first && n)
			run->from_boot = batch[0].kind == EVENT_ZONE_LOCKED;
		first = false;
		for (size_t i = 0; i < n; i++) {
			marker_change_replay(run->r, &batch[i],
					     trace_string(run->trace, batch[i].text));
			if (batch[i].kind == EVENT_MARKER)
				on_marker(run, trace_string(run->trace, batch[i].text));
			else if (run->window.picture)
				look(run);
		}
	} while (n);
	if (run->window.picture)
		zoneinfo_deinit(&run->window.real);
}

static void boot(const char *path, struct boot_log *log, struct machine *m, enum boot_stage until)
{
	machine_init(m);
	check_ok(capture_read(path, log));
	m->want_lists = true;
	boot_run(m, &log->input, until);
	assert_false(m->out_of_memory);
}

static void visit(const char *path, void *ctx)
{
	struct tally *tally = ctx;
	struct boot_log early = { 0 }, whole = { 0 };
	struct replay_options options = { 0 };
	struct trace_options opening = { .facts = &early.input.facts };
	struct run *run = calloc(1, sizeof(*run));
	char *trace;

	assert_non_null(run);
	run->path = path;
	run->tally = tally;
	check_ok(capture_trace_path(path, &trace));
	check_ok(picture_set_read(path, &run->pictures));
	if (trace && run->pictures.count) {
		boot(path, &early, &run->booted, STAGE_MEM_INIT);
		boot(path, &whole, &run->late, STAGE_LATE);
		options.cpu_count = boot_input_cpu_count(&early.input);
		run->r = replay_create(&run->booted, &run->late, &options);
		assert_non_null(run->r);
		check_ok(trace_open(trace, &opening, &run->trace));
		play(run);
		trace_close(run->trace);
		replay_destroy(run->r);
		machine_deinit(&run->booted);
		machine_deinit(&run->late);
		boot_log_deinit(&early);
		boot_log_deinit(&whole);
		tally->traces++;
	}
	picture_set_deinit(&run->pictures);
	free(run);
	free(trace);
}

static void captures_of_the_tree(void **state)
{
	struct tally tally = { 0 };

	(void)state;
	captures_each("traces/captures", visit, &tally);
	assert_true(tally.traces > 0);
}

static void all_captures(void **state)
{
	struct tally tally = { 0 };

	(void)state;
	captures_each(captures_dir(), visit, &tally);
	assert_true(tally.compared > 1000);
	assert_true(tally.changed > 0);
	print_message("%u traces, %u numbers compared, %u pictures of changed machines\n",
		      tally.traces, tally.compared, tally.changed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(captures_of_the_tree),
		cmocka_unit_test(all_captures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
