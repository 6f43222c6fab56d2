/* SPDX-License-Identifier: MIT */
/*
 * A replay takes whatever a trace tells as evidence, true or not, and no page is ever in two blocks of it, nor is
 * any list broken.
 *
 * The input: a byte that says which kernel, one that says which kinds of events are used, and four bytes an event:
 *
 *	what	3 bits kind, and bits for CPU, type, interrupt and task
 *	where	3 bits order, and 4 bits that say how the page is found: by the model's own lists, so that it is
 *		often right, by what was told before, or anywhere
 *	which	of those
 *	time	since the event before
 */
#include <assert.h>
#include <stdlib.h>

#include "engine/boot.h"
#include "engine/pageset.h"
#include "engine/replay.h"
#include "fuzz/target.h"

#define MIB (1ULL << 20)

/* Events between two looks at everything; pages that were told of and are remembered. */
enum { LOOK_SPACING = 32, TOLD_MAX = 64, CPUS = 2 };

static const char *const versions[] = { "4.4", "5.10", "6.1", "6.12", "7.2" };
enum { VERSIONS = sizeof(versions) / sizeof(*versions) };

static const uint32_t kinds[] = {
	0,
	1U << EVENT_ALLOC | 1U << EVENT_FREE,
	1U << EVENT_ALLOC | 1U << EVENT_FREE | 1U << EVENT_ZONE_LOCKED,
	1U << EVENT_ALLOC | 1U << EVENT_FREE | 1U << EVENT_FREE_BATCHED | 1U << EVENT_PCPU_DRAIN,
};

struct subject {
	struct boot_input in;
	struct e820_entry map;
	struct boot_step in_use;
	int32_t cpu_nid[CPUS];
	struct machine booted, late;
	struct buddy lists; /* as they were handed over */
};

struct state {
	struct subject *subjects[VERSIONS];
	pfn_t told[TOLD_MAX];
	unsigned int told_count;
};

/* A small machine without anything special: 47 MiB, of which 4 are in use. */
static void make_input(struct subject *s, const char *version)
{
	struct boot_input *in = &s->in;
	bool parsed = facts_parse_version(version, &in->version);

	assert(parsed);
	facts_init(&in->facts, in->version);
	arch_config_default(ARCH_X86_64, false, &in->config);
	arch_config_apply_facts(&in->config, &in->facts);
	in->command_line = in->version_text = "";
	s->map = (struct e820_entry){ MIB, 48 * MIB, E820_RAM };
	in->firmware = &s->map;
	in->firmware_count = 1;
	s->in_use = (struct boot_step){
		.kind = STEP_RESERVE, .base = 20 * MIB, .size = 4 * MIB, .nid = NID_NONE, .name = ""
	};
	in->steps = &s->in_use;
	in->step_count = 1;
	in->cpu_nid = s->cpu_nid;
	in->cpu_nid_count = in->online_cpus = in->nr_cpu_ids = CPUS;
	in->reservations_told = true;
}

static struct subject *boot_subject(const char *version)
{
	struct subject *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	make_input(s, version);
	machine_init(&s->booted);
	machine_init(&s->late);
	s->booted.want_lists = true;
	boot_run(&s->booted, &s->in, STAGE_MEM_INIT);
	boot_run(&s->late, &s->in, STAGE_LATE);
	assert(!s->booted.out_of_memory && !s->late.out_of_memory);
	buddy_copy(&s->lists, s->booted.buddy);
	return s;
}

static void destroy(void *state)
{
	struct state *s = state;

	for (unsigned int i = 0; i < VERSIONS; i++) {
		if (!s->subjects[i])
			continue;
		buddy_deinit(&s->subjects[i]->lists);
		machine_deinit(&s->subjects[i]->booted);
		machine_deinit(&s->subjects[i]->late);
		free(s->subjects[i]);
	}
	free(s);
}

static void *create(const struct target_settings *settings)
{
	struct state *s = calloc(1, sizeof(*s));

	(void)settings;
	for (unsigned int i = 0; s && i < VERSIONS; i++) {
		s->subjects[i] = boot_subject(versions[i]);
		if (!s->subjects[i]) {
			destroy(s);
			return NULL;
		}
	}
	return s;
}

/* ---- events ------------------------------------------------------------------------------------ */

/* How a page is found. */
enum where {
	WHERE_HEAD, /* at the head of the page set's list for such a request */
	WHERE_TAIL,
	WHERE_BUDDY, /* at the head of the free list */
	WHERE_ANYWHERE,
	WHERE_NEAR, /* close behind a page that was told of; of the rest, such a page */
};

static pfn_t find_page(const struct state *s, struct page_alloc *a, const struct event *e,
		       unsigned int where, uint8_t which)
{
	uint32_t zone = which % a->zone_count;
	unsigned int index = pageset_list(a, e->order, (enum migratetype)e->migratetype);
	const struct pageset *set = page_alloc_set(a, zone, e->cpu);
	pfn_t pfn = PFN_NONE;

	if (where == WHERE_HEAD && index != PCP_LIST_NONE)
		pfn = pageset_head(a, set, index);
	else if (where == WHERE_TAIL && index != PCP_LIST_NONE)
		pfn = pageset_tail(a, set, index);
	else if (where == WHERE_BUDDY)
		for (unsigned int o = e->order; pfn == PFN_NONE && o <= a->buddy->max_order; o++)
			pfn = buddy_head(a->buddy, zone, o, (enum migratetype)e->migratetype);
	else if (where >= WHERE_NEAR && s->told_count)
		pfn = s->told[which % (s->told_count < TOLD_MAX ? s->told_count : TOLD_MAX)] +
		      (where == WHERE_NEAR ? (pfn_t)(which >> 4) : 0);
	if (pfn == PFN_NONE)
		pfn = MIB / 4096 + (pfn_t)which * 47;
	return where == WHERE_ANYWHERE && which & 1 ? pfn : pfn & ~((1ULL << e->order) - 1);
}

static struct event read_event(struct state *s, struct page_alloc *a, const uint8_t *data)
{
	static const uint8_t orders[] = { 0, 0, 0, 1, 2, 3, 5, 9 };
	struct event e = { .kind = data[0] & 7,
			   .cpu = data[0] >> 3 & 1,
			   .migratetype = data[0] >> 4 & 1,
			   .order = orders[data[1] & 7],
			   .pid = data[0] >> 6,
			   .flags = EVENT_CHANGE_OWNERSHIP };

	/* The two that matter most come twice as often. */
	if (e.kind > EVENT_EXTFRAG)
		e.kind = e.kind & 1 ? EVENT_FREE : EVENT_ALLOC;
	if (e.migratetype == MIGRATE_MOVABLE)
		e.gfp = 0x2 | 0x8;
	if (data[0] & 0x20)
		e.context = EVENT_CONTEXT_TOLD | EVENT_CONTEXT_INTERRUPT |
			    3 << EVENT_CONTEXT_DEPTH_SHIFT;
	else
		e.context = EVENT_CONTEXT_TOLD | 1 << EVENT_CONTEXT_DEPTH_SHIFT;
	e.pfn = find_page(s, a, &e, data[1] >> 3 & 15, data[2]);
	s->told[s->told_count++ % TOLD_MAX] = e.pfn;
	return e;
}

static void run(void *state, const uint8_t *data, size_t size, struct target_report *report)
{
	struct state *s = state;
	struct replay_options options = { .cpu_count = CPUS };
	const struct replay_stats *stats;
	struct subject *subject;
	const char *wrong = NULL;
	struct replay *r;
	uint64_t time = 0;
	size_t count;

	report->refused = size < 6;
	if (report->refused)
		return;
	subject = s->subjects[data[0] % VERSIONS];
	options.kinds = kinds[data[1] % (sizeof(kinds) / sizeof(*kinds))];
	buddy_copy(subject->booted.buddy, &subject->lists);
	r = replay_create(&subject->booted, &subject->late, &options);
	assert(r);
	if (data[1] & 0x80)
		replay_forget(r);
	s->told_count = 0;
	count = (size - 2) / 4;
	for (size_t i = 0; i < count && !wrong; i++) {
		struct event e = read_event(s, replay_alloc(r), data + 2 + i * 4);

		time += (uint64_t)data[5 + i * 4] << 20;
		e.time = time;
		e.line = i + 1;
		replay_event(r, &e);
		if (i % LOOK_SPACING == 0 || i + 1 == count)
			wrong = replay_check(r);
		if (wrong)
			target_report_add(report, "replay-lists", "after event %zu %s", i, wrong);
	}
	stats = replay_stats(r);
	for (unsigned int k = 0; k <= EVENT_EXTFRAG; k++)
		for (unsigned int m = 0; m < REPLAY_MISS_COUNT; m++)
			if (stats->misses[k][m])
				target_report_feature(report, k << 8 | m);
	replay_destroy(r);
}

/* Lists are filled, pages come and go; all events, and allocations and frees alone. */
static const char *const seeds[] = { "0200"
				     "03101100"
				     "06000100"
				     "06000100"
				     "07280001"
				     "02280001"
				     "03101100"
				     "04080100"
				     "06000100",
				     "0301"
				     "06000100"
				     "06000100"
				     "16000100"
				     "07280000"
				     "07280100"
				     "06000100"
				     "06200510"
				     "07280200",
				     "0400"
				     "43101100"
				     "46000100"
				     "83101100"
				     "86000100"
				     "07280001"
				     "27280101"
				     "02280001"
				     "46000100",
				     NULL };

const struct target target_replay = {
	.name = "replay",
	.property = "Whatever a trace tells, each page of a replay is in one block at most.",
	.create = create,
	.destroy = destroy,
	.run_bytes = run,
	.seeds = seeds,
	.seeds_in_hex = true,
	.usual_bytes_max = 2048,
};
