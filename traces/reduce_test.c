/* SPDX-License-Identifier: MIT */
/* Cutting subjects, and reducing them. */
#include "traces/reduce.h"

#include <stdlib.h>
#include <string.h>

#include "engine/boot.h"
#include "engine/buddy.h"
#include "engine/prng.h"
#include "traces/testing/check.h"

#define MIB (1ULL << 20)
#define GUEST "traces/captures/boot-6.12-amd64-2g"
#define RING "traces/captures/boot-6.1-amd64-numa4-ring"

static struct event block(enum event_kind kind, pfn_t pfn, unsigned int order)
{
	return (struct event){ .kind = (uint8_t)kind,
			       .pfn = pfn,
			       .order = (uint8_t)order,
			       .migratetype = MIGRATE_MOVABLE,
			       .gfp = 0x2 | 0x8,
			       .pid = 7,
			       .time = pfn };
}

/* ---- parts --------------------------------------------------------------------------------------- */

/* A free needs the last allocation of its page: of all of it, of a part, or of more than one block. */
static void test_needs(void **state)
{
	const struct event events[] = {
		block(EVENT_FREE, 0x100, 0), /* of a page from before */
		block(EVENT_ALLOC, 0x100, 3),	     block(EVENT_ALLOC, 0x200, 0),
		block(EVENT_ALLOC, PFN_NONE, 0),     block(EVENT_FREE, 0x104, 2), /* half of it */
		block(EVENT_FREE, 0x108, 0), /* the page behind it */
		block(EVENT_FREE, 0x200, 1),	     block(EVENT_ALLOC, 0x200, 0),
		block(EVENT_FREE_BATCHED, 0x200, 0),
	};
	static const uint32_t expected[] = {
		MINIMISE_NONE,
		MINIMISE_NONE,
		MINIMISE_NONE,
		MINIMISE_NONE,
		1,
		MINIMISE_NONE,
		2,
		MINIMISE_NONE,
		7,
	};
	struct subject s = { .events = events, .event_count = 9 };
	struct cutter c = { 0 };
	uint32_t needs[9];

	(void)state;
	assert_true(cut_needs(&c, &s, CUT_EVENTS, needs));
	assert_memory_equal(needs, expected, sizeof(expected));
	assert_false(cut_needs(&c, &s, CUT_STEPS, needs));
	cutter_deinit(&c);
}

/* Operations keep their targets, which are numbers; what is gone is nobody's target. */
static void test_operations(void **state)
{
	static const struct operation operations[] = {
		{ .kind = OPERATION_ALLOC, .order = 0 },  { .kind = OPERATION_ALLOC, .order = 1 },
		{ .kind = OPERATION_FREE, .target = 1 },  { .kind = OPERATION_FREE, .target = 0 },
		{ .kind = OPERATION_FREE, .target = 99 },
	};
	static const uint32_t kept[] = { 1, 2, 4 }, freed_alone[] = { 3 };
	struct subject s = { .operations = operations, .operation_count = 5 }, cut_down;
	struct cutter c = { 0 };
	uint32_t needs[5];

	(void)state;
	assert_true(cut_needs(&c, &s, CUT_OPERATIONS, needs));
	assert_int_equal(needs[1], MINIMISE_NONE);
	assert_int_equal(needs[2], 1);
	assert_int_equal(needs[3], 0);
	assert_int_equal(needs[4], MINIMISE_NONE);
	cut(&c, &s, CUT_OPERATIONS, kept, 3, &cut_down);
	assert_int_equal(cut_down.operation_count, 3);
	assert_int_equal(cut_down.operations[0].order, 1);
	assert_int_equal(cut_down.operations[1].target, 0);
	assert_int_equal(cut_down.operations[2].target, UINT32_MAX);
	cut(&c, &s, CUT_OPERATIONS, freed_alone, 1, &cut_down);
	assert_int_equal(cut_down.operations[0].target, UINT32_MAX);
	/* What was accepted stays as it is while the next is tried. */
	cut(&c, &s, CUT_OPERATIONS, kept, 3, &cut_down);
	cut_accept(&c, CUT_OPERATIONS);
	s = cut_down;
	cut(&c, &s, CUT_OPERATIONS, NULL, 0, &cut_down);
	assert_int_equal(cut_down.operation_count, 0);
	assert_int_equal(s.operations[0].order, 1);
	cutter_deinit(&c);
}

/* CPUs 0 to 3 of two nodes; what ran on CPU 1 runs on CPU 0 when that is gone. */
static void test_cpus(void **state)
{
	int32_t nids[] = { 0, 0, 1, 1 };
	uint32_t node_cpus[] = { 2, 2 };
	static const uint32_t kept[] = { 1, 2 };
	struct event events[4];
	struct subject s = { .events = events, .event_count = 4 }, cut_down;
	struct boot_input *in = &s.log.input;
	struct cutter c = { 0 };

	(void)state;
	for (unsigned int i = 0; i < 4; i++) {
		events[i] = block(EVENT_ALLOC, i, 0);
		events[i].cpu = (uint16_t)i;
	}
	in->cpu_nid = nids;
	in->cpu_nid_count = 4;
	in->node_cpus = node_cpus;
	in->node_cpus_count = 2;
	in->nr_cpu_ids = 4;
	in->online_cpus = 3;
	assert_int_equal(cut_count(&s, CUT_CPUS), 3);
	cut(&c, &s, CUT_CPUS, kept, 2, &cut_down);
	in = &cut_down.log.input;
	assert_int_equal(in->nr_cpu_ids, 3);
	assert_int_equal(in->online_cpus, 2);
	assert_int_equal(in->cpu_nid_count, 3);
	assert_int_equal(in->cpu_nid[1], 1);
	assert_int_equal(in->node_cpus[0], 1);
	assert_int_equal(in->node_cpus[1], 2);
	assert_int_equal(cut_down.events[1].cpu, 0);
	assert_int_equal(cut_down.events[2].cpu, 1);
	assert_int_equal(cut_down.events[3].cpu, 2);
	cut(&c, &s, CUT_CPUS, NULL, 0, &cut_down);
	assert_int_equal(cut_down.log.input.nr_cpu_ids, 1);
	assert_int_equal(cut_down.log.input.cpu_nid_count, 1);
	assert_int_equal(cut_down.events[3].cpu, 0);
	cutter_deinit(&c);
}

/*
 * A node takes its memory out of the firmware's map, which has a hole there then:
 *
 *	0    1M            64M           128M          256M
 *	     |######### RAM ##############################|
 *	     |-- node 0 ---|-- node 1 ---|--- node 0 -----|
 */
static void test_nodes(void **state)
{
	struct e820_entry map[] = { { MIB, 256 * MIB, E820_RAM },
				    { 100 * MIB, 101 * MIB, E820_RESERVED } };
	struct affinity_memory affinity[] = { { 0, 64 * MIB, 0, false, false },
					      { 64 * MIB, 128 * MIB, 1, false, false },
					      { 128 * MIB, 256 * MIB, 0, false, false } };
	struct boot_step steps[] = { { .kind = STEP_NODE_DATA, .nid = 1 },
				     { .kind = STEP_ALLOC, .nid = 1 } };
	int32_t nids[] = { 0, 1 };
	static const uint32_t first[] = { 0 };
	struct subject s = { .boot = 5 }, cut_down;
	struct boot_input *in = &s.log.input;
	struct cutter c = { 0 };

	(void)state;
	in->firmware = map;
	in->firmware_count = 2;
	in->affinity = affinity;
	in->affinity_count = 3;
	in->steps = steps;
	in->step_count = 2;
	in->cpu_nid = nids;
	in->cpu_nid_count = 2;
	assert_int_equal(cut_count(&s, CUT_NODES), 2);
	cut(&c, &s, CUT_NODES, first, 1, &cut_down);
	in = &cut_down.log.input;
	assert_int_equal(cut_down.boot, 0);
	assert_int_equal(in->affinity_count, 2);
	assert_int_equal(in->cpu_nid_count, 1);
	assert_int_equal(in->step_count, 1);
	assert_int_equal(in->steps[0].kind, STEP_ALLOC);
	assert_int_equal(in->firmware_count, 3);
	assert_true(in->firmware[0].start == MIB && in->firmware[0].end == 64 * MIB);
	assert_int_equal(in->firmware[1].type, E820_RESERVED);
	assert_true(in->firmware[2].start == 128 * MIB && in->firmware[2].end == 256 * MIB);
	cutter_deinit(&c);
}

static void test_words(void **state)
{
	static const uint32_t kept[] = { 0, 2 };
	struct subject s = { .boot = 1 }, cut_down;
	struct cutter c = { 0 };

	(void)state;
	s.log.input.command_line = "  root=/dev/vda numa=fake=2 dyndbg=\"file a +p\"  quiet ";
	assert_int_equal(cut_count(&s, CUT_WORDS), 4);
	cut(&c, &s, CUT_WORDS, kept, 2, &cut_down);
	assert_string_equal(cut_down.log.input.command_line, "root=/dev/vda dyndbg=\"file a +p\"");
	cut(&c, &s, CUT_WORDS, NULL, 0, &cut_down);
	assert_string_equal(cut_down.log.input.command_line, "");
	cutter_deinit(&c);
}

static void test_fields_and_zones(void **state)
{
	static const uint32_t kept[] = { 1 };
	struct subject s = { .boot = 1 }, cut_down;
	struct boot_input *in = &s.log.input;
	struct cutter c = { 0 };

	(void)state;
	memset(&in->sections, 0xff, sizeof(in->sections));
	assert_int_equal(cut_count(&s, CUT_FIELDS), 0);
	in->five_level = true;
	in->sections.code_kb = 4;
	in->given_cma_kb = 16;
	assert_int_equal(cut_count(&s, CUT_FIELDS), 3);
	cut(&c, &s, CUT_FIELDS, kept, 1, &cut_down);
	assert_false(cut_down.log.input.five_level);
	assert_true(cut_down.log.input.sections.code_kb == 4);
	assert_true(cut_down.log.input.given_cma_kb == 0);
	cut(&c, &s, CUT_FIELDS, NULL, 0, &cut_down);
	assert_true(cut_down.log.input.sections.code_kb == UINT64_MAX);
	in->config.zones_mask = 1U << ZONE_DMA | 1U << ZONE_DMA32 | 1U << ZONE_NORMAL;
	assert_int_equal(cut_count(&s, CUT_ZONES), 2);
	cut(&c, &s, CUT_ZONES, kept, 1, &cut_down);
	assert_int_equal(cut_down.log.input.config.zones_mask,
			 1U << ZONE_DMA32 | 1U << ZONE_NORMAL);
	cutter_deinit(&c);
}

/* Every part of every kind of a real boot can be left out alone, and all but it. */
static void test_every_part(void **state)
{
	struct subject_file f = { 0 };
	struct cutter c = { 0 };
	struct subject s;

	(void)state;
	check_ok(subject_read(RING, NULL, &f));
	s = f.subject;
	for (unsigned int part = 0; part < CUT_COUNT; part++) {
		uint32_t count = cut_count(&s, (enum cut_part)part);
		uint32_t *kept = calloc((size_t)count + 1, sizeof(*kept));
		struct subject cut_down;

		assert_non_null(kept);
		for (uint32_t i = 0; i < count; i++)
			kept[i] = i;
		cut(&c, &s, (enum cut_part)part, kept, count, &cut_down);
		assert_int_equal(cut_count(&cut_down, (enum cut_part)part), count);
		for (uint32_t i = 0; i + 1 < count; i++)
			kept[i] = i + 1;
		cut(&c, &s, (enum cut_part)part, kept, count ? count - 1 : 0, &cut_down);
		if (count && part != CUT_NODES)
			assert_int_equal(cut_count(&cut_down, (enum cut_part)part), count - 1);
		free(kept);
	}
	assert_false(c.out_of_memory);
	cutter_deinit(&c);
	subject_file_deinit(&f);
}

/* ---- reducing ------------------------------------------------------------------------------------ */

/* Leaves out every single part of what was reduced: none may be left out. */
static void check_minimal(const struct reduced *r, const char *predicate)
{
	struct predicate *p = NULL;
	struct judgement j;
	struct cutter c = { 0 };

	check_ok(predicate_parse(predicate, &p));
	check_ok(predicate_test(p, &r->subject, &j));
	assert_int_equal(j.verdict, VERDICT_BAD);
	for (unsigned int part = 0; part < CUT_COUNT; part++) {
		uint32_t count = cut_count(&r->subject, (enum cut_part)part), n;
		uint32_t *kept = calloc((size_t)count + 1, sizeof(*kept));
		uint32_t *needs = calloc((size_t)count + 1, sizeof(*needs));
		bool needed;

		assert_true(kept && needs);
		needed = cut_needs(&c, &r->subject, (enum cut_part)part, needs);
		for (uint32_t without = 0; without < count; without++) {
			struct subject cut_down;

			n = 0;
			for (uint32_t i = 0; i < count; i++)
				if (i != without && !(needed && needs[i] == without))
					kept[n++] = i;
			cut(&c, &r->subject, (enum cut_part)part, kept, n, &cut_down);
			check_ok(predicate_test(p, &cut_down, &j));
			if (j.verdict == VERDICT_BAD)
				fail_msg("'%s': %s do without number %u of %u", predicate,
					 cut_name((enum cut_part)part), without, count);
		}
		free(kept);
		free(needs);
	}
	cutter_deinit(&c);
	predicate_destroy(p);
}

/* The machine can have recorded all that is left. */
static void check_fits(const struct reduced *r)
{
	struct predicate *p = NULL;
	struct judgement j;

	check_ok(predicate_parse("impossible", &p));
	check_ok(predicate_test(p, &r->subject, &j));
	if (j.verdict != VERDICT_GOOD)
		fail_msg("%s", j.why);
	predicate_destroy(p);
}

/* Pages come and go at random; a few blocks too many are asked for. */
static void make_random(struct prng *prng, struct event *events, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		pfn_t pfn = 0x4000 + prng_below(prng, 64) * 8;

		if (prng_chance(prng, 1, 12))
			events[i] = block(EVENT_ALLOC, prng_below(prng, 16) << 10, 10);
		else
			events[i] = block(prng_chance(prng, 1, 2) ? EVENT_FREE : EVENT_ALLOC, pfn,
					  (unsigned int)prng_below(prng, 4));
		if (events[i].order == 10 || prng_chance(prng, 1, 3))
			events[i].migratetype = MIGRATE_RECLAIMABLE;
		events[i].cpu = (uint16_t)prng_below(prng, 2);
	}
}

static void test_random(void **state)
{
	static const char *const predicates[] = { "fallbacks > 2", "claimed >= 2", "lock-takes > 8",
						  "free-pages < 505000" };
	struct subject_file f = { 0 };
	struct event events[200];
	struct prng prng = prng_init(11);
	unsigned int reduced_count = 0;

	(void)state;
	check_ok(subject_read(GUEST, NULL, &f));
	for (unsigned int round = 0; round < 4; round++) {
		struct reduce_options options = { .predicate = predicates[round % 4] };
		struct subject s = f.subject;
		struct reduced r = { 0 }, again = { 0 };
		struct error *err;

		make_random(&prng, events, 200);
		s.events = events;
		s.event_count = 200;
		err = reduce(&s, &options, &r);
		if (err) {
			assert_int_equal(err->code, ERROR_RANGE);
			error_destroy(err);
			reduced_deinit(&r);
			continue;
		}
		reduced_count++;
		assert_true(r.proven);
		assert_true(r.subject.event_count < 40);
		check_minimal(&r, options.predicate);
		check_fits(&r);
		check_ok(reduce(&s, &options, &again));
		assert_int_equal(again.tests, r.tests);
		assert_int_equal(again.subject.event_count, r.subject.event_count);
		assert_memory_equal(again.subject.events, r.subject.events,
				    r.subject.event_count * sizeof(struct event));
		reduced_deinit(&again);
		reduced_deinit(&r);
	}
	assert_true(reduced_count >= 3);
	subject_file_deinit(&f);
}

/* A scenario: operations go, and its machine shrinks to what they need. */
static void test_scenario(void **state)
{
	static struct e820_entry map[] = { { MIB, 256 * MIB, E820_RAM } };
	const struct reduce_options options = { .predicate = "alloc-fails(order=9) > 1" };
	struct operation operations[200];
	struct reduced r = { 0 };
	struct subject s = { .boot = 0 };
	struct boot_input *in = &s.log.input;

	(void)state;
	in->version = FACTS_VERSION(6, 12, 0);
	in->command_line = in->version_text = "";
	in->firmware = map;
	in->firmware_count = 1;
	in->reservations_told = true;
	facts_init(&in->facts, in->version);
	arch_config_default(ARCH_X86_64, false, &in->config);
	arch_config_apply_facts(&in->config, &in->facts);
	for (unsigned int i = 0; i < 200; i++)
		operations[i] =
			(struct operation){ .kind = i % 3 == 2 ? OPERATION_FREE : OPERATION_ALLOC,
					    .order = 9,
					    .target = i - 1,
					    .flags = 1 << 4,
					    .highest = ZONE_NORMAL };
	s.operations = operations;
	s.operation_count = 200;
	check_error(reduce(&s, &options, &r), ERROR_RANGE, 0, 0);
	reduced_deinit(&r);
	map[0].end = 64 * MIB;
	check_ok(reduce(&s, &options, &r));
	assert_true(r.proven);
	/* Two requests on a machine that has no such block. */
	assert_int_equal(r.subject.operation_count, 2);
	assert_int_equal(r.subject.operations[0].order, 9);
	assert_int_equal(r.subject.operations[1].flags, 0);
	assert_int_equal(r.subject.log.input.firmware_count, 1);
	assert_true(r.subject.log.input.firmware[0].end <= 4 * MIB);
	check_minimal(&r, options.predicate);
	reduced_deinit(&r);
}

/* Two ends: what is left shows the difference between them, by the answer that was recorded. */
static void test_two_ends(void **state)
{
	struct reduce_options options = { .predicate = "boot-differs" };
	struct subject_file f = { 0 };
	struct reduced r = { 0 };
	struct subject s;
	struct facts wrong;
	struct judgement j;
	struct predicate *p = NULL;

	(void)state;
	check_ok(subject_read(RING, NULL, &f));
	s = f.subject;
	options.good = &f.subject.log.input.facts;
	wrong = s.log.input.facts;
	assert_null(facts_set(&wrong, "pcp_high_from_low_wmark=off"));
	subject_set_facts(&s, &wrong);
	check_ok(reduce(&s, &options, &r));
	assert_true(r.proven);
	assert_int_equal(r.subject.log.recorded.count, 1);
	assert_true(r.subject.log.input.step_count < 10);
	check_ok(predicate_parse("boot-differs", &p));
	check_ok(predicate_test(p, &r.subject, &j));
	assert_int_equal(j.verdict, VERDICT_BAD);
	subject_set_facts(&r.subject, options.good);
	check_ok(predicate_test(p, &r.subject, &j));
	assert_int_equal(j.verdict, VERDICT_GOOD);
	predicate_destroy(p);
	reduced_deinit(&r);
	subject_file_deinit(&f);
}

/* The largest free block that the boot hands out first. */
static pfn_t first_block(const struct boot_input *in)
{
	struct machine m;
	pfn_t pfn = PFN_NONE;

	machine_init(&m);
	m.want_lists = true;
	boot_run(&m, in, STAGE_MEM_INIT);
	for (uint32_t zone = 0; zone < m.buddy->zone_count; zone++)
		if (buddy_head(m.buddy, zone, 10, MIGRATE_MOVABLE) != PFN_NONE)
			pfn = buddy_head(m.buddy, zone, 10, MIGRATE_MOVABLE);
	machine_deinit(&m);
	return pfn;
}

/*
 * The second event is predicted wrong, and without the first one still is, but another page would be predicted:
 * that is not what went wrong.
 */
static void test_same_cause(void **state)
{
	const struct reduce_options options = { .predicate = "diverges" };
	struct subject_file f = { 0 };
	struct event events[3];
	struct reduced r = { 0 };
	struct subject s;
	pfn_t first;

	(void)state;
	check_ok(subject_read(GUEST, NULL, &f));
	first = first_block(&f.subject.log.input);
	events[0] = block(EVENT_ALLOC, first, 10);
	events[1] = block(EVENT_ALLOC, first + 0x4000, 10);
	events[2] = block(EVENT_ALLOC, 0x8000, 10);
	s = f.subject;
	s.events = events;
	s.event_count = 3;
	check_ok(reduce(&s, &options, &r));
	assert_int_equal(r.subject.event_count, 2);
	assert_int_equal(r.subject.events[0].pfn, first);
	assert_int_equal(r.subject.events[1].pfn, first + 0x4000);
	/* Recorded pages are evidence; what only labels an event is not. */
	assert_int_equal(r.subject.events[1].order, 10);
	assert_int_equal(r.subject.events[1].pid, 0);
	reduced_deinit(&r);
	subject_file_deinit(&f);
}

/*
 * A page is in use twice.  A machine that does not have the page would make both events impossible, and one
 * without memory cannot be replayed.
 */
static void test_impossible(void **state)
{
	const struct reduce_options options = { .predicate = "impossible" };
	const struct event events[] = {
		block(EVENT_ALLOC, 0x7000, 0), block(EVENT_ALLOC, 0x8000, 0),
		block(EVENT_FREE, 0x7000, 0),  block(EVENT_ALLOC, 0x9000, 3),
		block(EVENT_ALLOC, 0x8000, 0), block(EVENT_FREE, 0x9000, 3),
	};
	struct subject_file f = { 0 };
	struct reduced r = { 0 };
	struct machine m;
	struct subject s;

	(void)state;
	check_ok(subject_read(GUEST, NULL, &f));
	s = f.subject;
	s.events = events;
	s.event_count = 6;
	check_ok(reduce(&s, &options, &r));
	assert_int_equal(r.subject.event_count, 2);
	assert_int_equal(r.subject.events[0].pfn, 0x8000);
	assert_int_equal(r.subject.events[1].pfn, 0x8000);
	machine_init(&m);
	m.want_lists = true;
	boot_run(&m, &r.subject.log.input, STAGE_MEM_INIT);
	assert_true(m.mb.memory.cnt && m.buddy && m.reserved_known);
	machine_deinit(&m);
	reduced_deinit(&r);
	subject_file_deinit(&f);
}

/* ---- a search that is ended ----------------------------------------------------------------------- */

struct watch {
	uint64_t tests, end; /* ends at so many */
	uint32_t best; /* events of the best that was given */
	bool refuse; /* better() fails */
};

static bool go_on(void *ctx, const struct reduce_progress *p)
{
	struct watch *w = ctx;

	assert_non_null(p->doing);
	return ++w->tests < w->end;
}

static struct error *better(void *ctx, const struct subject *best)
{
	struct watch *w = ctx;

	assert_true(best->event_count <= w->best);
	w->best = best->event_count;
	return w->refuse ? error_create(ERROR_OS, NULL, 0, 0, "the disk is full") : NULL;
}

enum { ASKED = 100 };

/* Requests that each have to take a block from another migratetype. */
static void ask_often(struct event *events)
{
	for (unsigned int i = 0; i < ASKED; i++) {
		events[i] = block(EVENT_ALLOC, (pfn_t)i << 9, i % 10 ? 0 : 9);
		events[i].migratetype = MIGRATE_RECLAIMABLE;
	}
}

static void test_ended(void **state)
{
	struct subject_file f = { 0 };
	struct event events[ASKED];
	struct subject s;

	(void)state;
	check_ok(subject_read(GUEST, NULL, &f));
	s = f.subject;
	ask_often(events);
	s.events = events;
	s.event_count = ASKED;
	for (uint64_t end = 1; end < 100; end += 13) {
		struct watch w = { .end = end, .best = ASKED };
		const struct reduce_options options = {
			.predicate = "fallbacks > 3", .go_on = go_on, .better = better, .ctx = &w
		};
		struct predicate *p = NULL;
		struct reduced r = { 0 };
		struct judgement j;

		check_ok(reduce(&s, &options, &r));
		assert_false(r.proven);
		/* No test more than was allowed, and the best so far is what is given. */
		assert_int_equal(w.tests, end);
		assert_true(r.subject.event_count <= ASKED);
		check_ok(predicate_parse(options.predicate, &p));
		check_ok(predicate_test(p, &r.subject, &j));
		assert_int_equal(j.verdict, VERDICT_BAD);
		predicate_destroy(p);
		reduced_deinit(&r);
	}
	subject_file_deinit(&f);
}

static void test_better_fails(void **state)
{
	struct subject_file f = { 0 };
	struct event events[ASKED];
	struct watch w = { .end = UINT64_MAX, .best = ASKED, .refuse = true };
	const struct reduce_options options = {
		.predicate = "fallbacks > 3", .go_on = go_on, .better = better, .ctx = &w
	};
	struct reduced r = { 0 };
	struct subject s;

	(void)state;
	check_ok(subject_read(GUEST, NULL, &f));
	s = f.subject;
	ask_often(events);
	s.events = events;
	s.event_count = ASKED;
	check_error(reduce(&s, &options, &r), ERROR_OS, 0, 0);
	reduced_deinit(&r);
	subject_file_deinit(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_needs),	   cmocka_unit_test(test_operations),
		cmocka_unit_test(test_cpus),	   cmocka_unit_test(test_nodes),
		cmocka_unit_test(test_words),	   cmocka_unit_test(test_fields_and_zones),
		cmocka_unit_test(test_every_part), cmocka_unit_test(test_random),
		cmocka_unit_test(test_scenario),   cmocka_unit_test(test_two_ends),
		cmocka_unit_test(test_same_cause), cmocka_unit_test(test_impossible),
		cmocka_unit_test(test_ended),	   cmocka_unit_test(test_better_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
