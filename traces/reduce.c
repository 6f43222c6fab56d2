/* SPDX-License-Identifier: MIT */
#include "traces/reduce.h"

#include <stdlib.h>
#include <string.h>

#include "traces/own_pages.h"

/* Lists whose values are made small, each with a copy to change. */
enum values {
	VALUES_EVENTS,
	VALUES_OPERATIONS,
	VALUES_FIRMWARE,
	VALUES_AFFINITY,
	VALUES_GIVEN,
	VALUES_STEPS,
	VALUES_MEMORY,
	VALUES_RESERVED,
	VALUES_COUNT
};

struct search {
	const struct reduce_options *options;
	struct reduced *r;
	struct predicate *bad, *good; /* one each, as each keeps its boot */
	struct trial *trial;
	bool replayed; /* the trace can be replayed, and is to stay so */
	struct minimiser minimiser;
	struct reduce_progress progress;
	enum cut_part part; /* at hand */
	uint64_t cause; /* fingerprint to keep; 0: any */
	uint64_t boots; /* numbers given to boots */
	uint64_t changes; /* accepted so far */
	uint64_t proven_at[CUT_COUNT]; /* changes when the kind was minimal; +1, 0: never */
	bool stopped;
	struct error *err;
};

/* ---- one test ------------------------------------------------------------------------------------ */

static struct error *judge_good_end(struct search *s, const struct subject *subject,
				    struct judgement *ret)
{
	struct subject good = *subject;

	subject_set_facts(&good, s->options->good);
	return predicate_test(s->good, &good, ret);
}

/* Has the machine memory and free lists, as a replay needs? */
static struct error *can_be_replayed(struct search *s, const struct subject *subject, bool *ret)
{
	const char *reason;
	struct error *err = trial_boot(s->trial, subject, TRIAL_REPLAY, &reason);

	*ret = !err && !reason && trial_machine(s->trial)->mb.memory.cnt;
	return err;
}

/* Does the predicate hold, here and not there? */
static bool still_fails(struct search *s, const struct subject *subject, struct judgement *j)
{
	struct judgement other;
	bool replayed = true;

	s->r->tests++;
	s->err = predicate_test(s->bad, subject, j);
	if (s->err || j->verdict != VERDICT_BAD || (s->cause && j->fingerprint != s->cause))
		return false;
	if (s->replayed)
		s->err = can_be_replayed(s, subject, &replayed);
	if (s->err || !replayed)
		return false;
	if (!s->options->good)
		return true;
	s->err = judge_good_end(s, subject, &other);
	return !s->err && other.verdict == VERDICT_GOOD;
}

static bool may_go_on(struct search *s)
{
	const struct reduce_options *o = s->options;

	s->progress.tests = s->r->tests;
	if (!s->stopped && o->go_on && !o->go_on(o->ctx, &s->progress))
		s->stopped = true;
	return !s->stopped;
}

static enum minimise_answer try_subject(struct search *s, const struct subject *subject,
					struct judgement *j)
{
	const struct reduce_options *o = s->options;

	if (!may_go_on(s))
		return MINIMISE_STOP;
	if (!still_fails(s, subject, j)) {
		/* What interrupts us interrupts the command that was asked, too. */
		if (s->err && !may_go_on(s)) {
			error_destroy(s->err);
			s->err = NULL;
		}
		return s->err || s->stopped ? MINIMISE_STOP : MINIMISE_GONE;
	}
	s->r->judgement = *j;
	s->progress.events = subject->event_count;
	s->progress.operations = subject->operation_count;
	if (o->better)
		s->err = o->better(o->ctx, subject);
	return s->err ? MINIMISE_STOP : MINIMISE_STILL;
}

/* ---- parts --------------------------------------------------------------------------------------- */

static enum minimise_answer try_parts(void *ctx, const uint32_t *kept, uint32_t count,
				      uint32_t *enough)
{
	struct search *s = ctx;
	struct subject candidate;
	struct judgement j;
	enum minimise_answer answer;

	cut(&s->r->cutter, &s->r->subject, s->part, kept, count, &candidate);
	if (s->r->cutter.out_of_memory) {
		s->err = error_no_memory();
		return MINIMISE_STOP;
	}
	answer = try_subject(s, &candidate, &j);
	if (answer != MINIMISE_STILL)
		return answer;
	s->progress.parts = count;
	/* What comes behind the event that decided does not count. */
	if ((s->part == CUT_EVENTS || s->part == CUT_OPERATIONS) && j.at < count)
		*enough = (uint32_t)j.at + 1;
	return MINIMISE_STILL;
}

static void reduce_part(struct search *s, enum cut_part part)
{
	struct reduced *r = s->r;
	uint32_t count = cut_count(&r->subject, part), *needs = NULL;
	bool needed = false;
	struct subject smaller;

	s->part = part;
	s->progress.doing = cut_name(part);
	s->progress.parts = count;
	if (!count || s->proven_at[part] == s->changes + 1)
		return;
	needs = malloc(count * sizeof(*needs));
	if (needs)
		needed = cut_needs(&r->cutter, &r->subject, part, needs);
	if (!needs || r->cutter.out_of_memory ||
	    !minimise(&s->minimiser, count, needed ? needs : NULL, try_parts, s))
		s->err = error_no_memory();
	free(needs);
	if (s->err)
		return;
	if (s->minimiser.count < count) {
		cut(&r->cutter, &r->subject, part, s->minimiser.kept, s->minimiser.count, &smaller);
		if (r->cutter.out_of_memory) {
			s->err = error_no_memory();
			return;
		}
		cut_accept(&r->cutter, part);
		r->subject = smaller;
		if (cut_boots(part))
			r->subject.boot = ++s->boots;
		s->changes++;
	}
	if (s->minimiser.proven)
		s->proven_at[part] = s->changes + 1;
}

/* ---- values -------------------------------------------------------------------------------------- */

/* A copy of @count items of @bytes, to be changed in place; NULL without memory. */
static void *copy_values(struct search *s, enum values which, const void *items, uint32_t count,
			 size_t bytes)
{
	struct reduced *r = s->r;
	unsigned int next = r->values_next[which];
	void *to = realloc(r->values[which][next], count * bytes + 1);

	if (!to) {
		s->err = error_no_memory();
		return NULL;
	}
	r->values[which][next] = to;
	r->values_next[which] = next ^ 1;
	if (count)
		memcpy(to, items, count * bytes);
	return to;
}

/* Is it still shown by the subject with what was changed in place? */
static bool try_values(struct search *s, bool boots)
{
	struct judgement j;

	if (s->stopped || s->err)
		return false;
	if (boots)
		s->r->subject.boot = 0;
	if (try_subject(s, &s->r->subject, &j) != MINIMISE_STILL)
		return false;
	s->changes++;
	return true;
}

/* The least value that still shows it, of 0, 1, 3, 7 ... below what is there. */
static void lower_byte(struct search *s, uint8_t *value)
{
	const uint8_t old = *value;

	for (unsigned int v = 0; v < old && !s->stopped && !s->err; v = v * 2 + 1) {
		*value = (uint8_t)v;
		if (try_values(s, false))
			return;
	}
	*value = old;
}

static void wipe_labels(struct search *s, struct event *events, uint32_t count)
{
	struct event *kept = malloc(count * sizeof(*kept) + 1);
	bool change = false;

	if (!kept) {
		s->err = error_no_memory();
		return;
	}
	memcpy(kept, events, count * sizeof(*kept));
	for (uint32_t i = 0; i < count; i++) {
		struct event *e = &events[i];

		change |= e->time || e->line != i + 1U || e->pid || e->text;
		e->time = 0;
		e->line = i + 1U;
		e->pid = 0;
		e->text = 0;
	}
	if (!change || !try_values(s, false))
		memcpy(events, kept, count * sizeof(*kept));
	free(kept);
}

/* An order must not grow past the alignment of its page; it only goes down here. */
static void lower_event(struct search *s, struct event *e)
{
	const uint16_t cpu = e->cpu;

	lower_byte(s, &e->order);
	lower_byte(s, &e->flags);
	lower_byte(s, &e->fallback_order);
	lower_byte(s, &e->fallback_migratetype);
	lower_byte(s, &e->migratetype);
	if (cpu && cpu != UINT16_MAX) {
		e->cpu = 0;
		if (!try_values(s, false))
			e->cpu = cpu;
	}
	if (e->kind != EVENT_ALLOC)
		return;
	for (unsigned int bit = 0; bit < 32; bit++) {
		const uint32_t gfp = e->gfp;

		if (!(gfp >> bit & 1))
			continue;
		e->gfp &= ~(1U << bit);
		if (!try_values(s, false))
			e->gfp = gfp;
	}
}

/*
 * Events name the pages that the machine gives for them, where the recorded ones do not matter: those may lie
 * where a smaller machine has no memory.
 */
static void name_own_pages(struct search *s, struct event *events, uint32_t count)
{
	struct event *kept = malloc(count * sizeof(*kept) + 1);

	if (!kept) {
		s->err = error_no_memory();
		return;
	}
	memcpy(kept, events, count * sizeof(*kept));
	s->err = own_pages(s->trial, &s->r->subject, events);
	if (s->err || (memcmp(kept, events, count * sizeof(*kept)) && !try_values(s, false)))
		memcpy(events, kept, count * sizeof(*kept));
	free(kept);
}

/* Where so many are left, each matters together with the others, and values would take too long. */
#define EVENTS_LOWERED_MAX 256

static void lower_events(struct search *s)
{
	struct subject *subject = &s->r->subject;
	struct event *events = copy_values(s, VALUES_EVENTS, subject->events, subject->event_count,
					   sizeof(*events));

	if (!events)
		return;
	subject->events = events;
	wipe_labels(s, events, subject->event_count);
	if (predicate_parts(s->bad) & PREDICATE_PAGES || s->stopped || s->err)
		return;
	name_own_pages(s, events, subject->event_count);
	for (uint32_t i = 0; i < subject->event_count && i < EVENTS_LOWERED_MAX; i++)
		lower_event(s, &events[i]);
}

/* Tries @value for @field, which otherwise is as it was. */
#define LOWER(field, value)                                          \
	do {                                                         \
		const struct operation old = *op;                    \
                                                                     \
		op->field = (value);                                 \
		if (op->field != old.field && !try_values(s, false)) \
			op->field = old.field;                       \
	} while (0)

static void lower_operation(struct search *s, struct operation *op)
{
	for (unsigned int order = 0; order < op->order; order++)
		LOWER(order, order);
	LOWER(flags, 0);
	LOWER(cpu, 0);
	LOWER(nid, 0);
	LOWER(type, MIGRATE_UNMOVABLE);
	LOWER(pages, op->pages != 0);
}

static void lower_operations(struct search *s)
{
	struct subject *subject = &s->r->subject;
	struct operation *operations = copy_values(s, VALUES_OPERATIONS, subject->operations,
						   subject->operation_count, sizeof(*operations));

	if (!operations)
		return;
	subject->operations = operations;
	for (uint32_t i = 0; i < subject->operation_count && i < EVENTS_LOWERED_MAX; i++)
		lower_operation(s, &operations[i]);
}

/* Places where memory likes to end, the roundest first. */
static const uint64_t places[] = { 1ULL << 30, 128ULL << 20, 4ULL << 20, 1ULL << 20, 1ULL << 12 };

enum { PLACE_COUNT = sizeof(places) / sizeof(*places) };

/* Brings *@end down towards @start: by halves, and to round places. */
static void lower_end(struct search *s, uint64_t start, uint64_t *end)
{
	for (unsigned int i = 0; i < PLACE_COUNT; i++) {
		for (;;) {
			const uint64_t old = *end;
			uint64_t middle = start + (old - start) / 2;

			middle -= middle % places[i];
			if (old <= start || middle <= start)
				break;
			*end = middle;
			if (!try_values(s, true)) {
				*end = old;
				break;
			}
		}
		if (*end % places[i]) {
			const uint64_t old = *end;

			*end -= *end % places[i];
			if (*end <= start || !try_values(s, true))
				*end = old;
		}
	}
}

/* The same for a size. */
static void lower_size(struct search *s, uint64_t *size)
{
	lower_end(s, 0, size);
}

/*
 * A region of a memblock dump, which begins with the total of its regions: the two change together.  Only as
 * much is tried as ends at a round place.
 */
static void lower_region(struct search *s, struct memblock_region *region, uint64_t *total)
{
	for (unsigned int i = 0; i < PLACE_COUNT; i++) {
		for (;;) {
			const uint64_t old = region->size, old_total = *total;
			uint64_t end = region->base + old / 2;

			end -= end % places[i];
			if (end <= region->base)
				break;
			region->size = end - region->base;
			*total -= old - region->size;
			if (!try_values(s, true)) {
				region->size = old;
				*total = old_total;
				break;
			}
		}
	}
}

static void lower_ranges(struct search *s)
{
	struct boot_input *in = &s->r->subject.log.input;
	struct boot_state *state = &in->state;
	struct e820_entry *map =
		copy_values(s, VALUES_FIRMWARE, in->firmware, in->firmware_count, sizeof(*map));
	struct affinity_memory *affinity = copy_values(s, VALUES_AFFINITY, in->affinity,
						       in->affinity_count, sizeof(*affinity));
	struct node_range *given = copy_values(s, VALUES_GIVEN, in->given_ranges,
					       in->given_range_count, sizeof(*given));
	struct boot_step *steps =
		copy_values(s, VALUES_STEPS, in->steps, in->step_count, sizeof(*steps));

	struct memblock_region *memory =
		copy_values(s, VALUES_MEMORY, state->memory, state->memory_count, sizeof(*memory));
	struct memblock_region *reserved = copy_values(s, VALUES_RESERVED, state->reserved,
						       state->reserved_count, sizeof(*reserved));

	if (!map || !affinity || !given || !steps || !memory || !reserved)
		return;
	in->firmware = map;
	in->affinity = affinity;
	in->given_ranges = given;
	in->steps = steps;
	state->memory = memory;
	state->reserved = reserved;
	for (uint32_t i = 0; i < in->firmware_count; i++)
		lower_end(s, map[i].start, &map[i].end);
	for (uint32_t i = 0; i < in->affinity_count; i++)
		lower_end(s, affinity[i].start, &affinity[i].end);
	for (uint32_t i = 0; i < in->given_range_count; i++)
		lower_end(s, given[i].start, &given[i].end);
	for (uint32_t i = 0; i < in->step_count; i++)
		lower_size(s, &steps[i].size);
	for (uint32_t i = 0; i < state->memory_count; i++)
		lower_region(s, &memory[i], &state->memory_size);
	for (uint32_t i = 0; i < state->reserved_count; i++)
		lower_region(s, &reserved[i], &state->reserved_size);
	s->r->subject.boot = ++s->boots;
}

static void reduce_values(struct search *s)
{
	s->progress.doing = "values";
	if (s->r->subject.event_count)
		lower_events(s);
	if (s->r->subject.operation_count)
		lower_operations(s);
	if (!s->stopped && !s->err)
		lower_ranges(s);
}

/* ---- ends ---------------------------------------------------------------------------------------- */

static struct error *refuse(const struct reduce_options *o, const char *what,
			    const struct judgement *j)
{
	return error_create(ERROR_RANGE, NULL, 0, 0, "'%s' %s (%s)", o->predicate, what, j->why);
}

/* A subject of which nothing is left that the predicate could look at. */
static struct subject emptied(const struct predicate *p, const struct subject *s)
{
	struct subject empty = *s;

	empty.event_count = empty.operation_count = 0;
	if (predicate_is_about_events(p))
		return empty;
	memset(&empty.log.input, 0, sizeof(empty.log.input));
	empty.log.input.version = s->log.input.version;
	empty.log.input.facts = s->log.input.facts;
	empty.log.input.config = s->log.input.config;
	empty.log.input.version_text = empty.log.input.command_line = "";
	empty.log.recorded.count = 0;
	empty.boot = 0;
	return empty;
}

static struct error *check_ends(struct search *s, const struct subject *subject)
{
	const struct reduce_options *o = s->options;
	struct subject empty = emptied(s->bad, subject);
	struct judgement *j = &s->r->judgement, other;
	struct error *err = predicate_test(s->bad, subject, j);

	if (err)
		return err;
	if (j->verdict == VERDICT_GOOD)
		return refuse(o, "does not hold", j);
	if (j->verdict == VERDICT_UNKNOWN)
		return refuse(o, "cannot be told", j);
	err = predicate_test(s->bad, &empty, &other);
	if (err)
		return err;
	/* What comes behind the event that decided counts at neither end. */
	if (subject->event_count && j->at < subject->event_count)
		s->r->subject.event_count = (uint32_t)j->at + 1;
	else if (!subject->event_count && j->at < subject->operation_count)
		s->r->subject.operation_count = (uint32_t)j->at + 1;
	if (other.verdict == VERDICT_BAD)
		return refuse(o,
			      predicate_is_about_events(s->bad)
				      ? "always holds: without any event, too"
				      : "always holds: for a machine without any memory, too",
			      &other);
	if (!o->good)
		return NULL;
	err = judge_good_end(s, &s->r->subject, &other);
	if (!err && other.verdict != VERDICT_GOOD)
		err = refuse(o,
			     other.verdict == VERDICT_BAD ? "holds on the good end, too"
							  : "cannot be told on the good end",
			     &other);
	return err;
}

/* ---- all ----------------------------------------------------------------------------------------- */

static void count_parts(const struct subject *s, uint32_t ret[CUT_COUNT])
{
	for (unsigned int part = 0; part < CUT_COUNT; part++)
		ret[part] = cut_count(s, (enum cut_part)part);
}

/* Events that are not looked at go at once: other parts should not be judged with them. */
static void drop_unseen(struct search *s)
{
	struct subject *subject = &s->r->subject;
	unsigned int parts = predicate_parts(s->bad);

	if (!(parts & PREDICATE_EVENTS))
		subject->event_count = 0;
	if (!(parts & PREDICATE_OPERATIONS))
		subject->operation_count = 0;
	if (!(parts & PREDICATE_ANSWERS))
		subject->log.recorded.count = 0;
}

static void search(struct search *s)
{
	bool boot_answers = predicate_parts(s->bad) == PREDICATE_ANSWERS;
	uint64_t before;

	s->boots = 1ULL << 32;
	drop_unseen(s);
	if (predicate_parts(s->bad) & PREDICATE_PAGES)
		s->err = can_be_replayed(s, &s->r->subject, &s->replayed);
	s->cause = s->r->judgement.fingerprint;
	do {
		before = s->changes;
		for (unsigned int part = 0; part < CUT_COUNT && !s->stopped && !s->err; part++) {
			/* With fewer answers there are fewer that differ; those that are left must stay. */
			bool answers = boot_answers && part == CUT_ANSWERS;

			s->cause = answers ? 0 : s->r->judgement.fingerprint;
			reduce_part(s, (enum cut_part)part);
		}
		if (!s->stopped && !s->err)
			reduce_values(s);
	} while (s->changes != before && !s->stopped && !s->err);
	s->r->proven = !s->stopped && !s->err;
}

struct error *reduce(const struct subject *s, const struct reduce_options *options,
		     struct reduced *ret)
{
	struct search all = { .options = options, .r = ret };

	ret->subject = *s;
	all.trial = trial_create();
	all.err = all.trial ? predicate_parse(options->predicate, &all.bad) : error_no_memory();
	if (!all.err && options->good)
		all.err = predicate_parse(options->predicate, &all.good);
	if (!all.err)
		all.err = check_ends(&all, s);
	if (!all.err) {
		count_parts(s, ret->before);
		search(&all);
		count_parts(&ret->subject, ret->after);
	}
	minimiser_deinit(&all.minimiser);
	trial_destroy(all.trial);
	predicate_destroy(all.bad);
	predicate_destroy(all.good);
	return all.err;
}

void reduced_deinit(struct reduced *r)
{
	cutter_deinit(&r->cutter);
	for (unsigned int i = 0; i < VALUES_COUNT; i++) {
		free(r->values[i][0]);
		free(r->values[i][1]);
	}
	memset(r, 0, sizeof(*r));
}
