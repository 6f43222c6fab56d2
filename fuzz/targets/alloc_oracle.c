/* SPDX-License-Identifier: MIT */
/*
 * The page allocator does what the slow model of engine/testing/alloc_oracle.h does, step by step: the same
 * pages, the same lists, on small machines.
 */
#include <stdlib.h>

#include "engine/testing/alloc_pair.h"
#include "fuzz/alloc.pb-c.h"
#include "fuzz/target.h"

/* Lists are compared now and then: it takes longer than the steps. */
#define STEPS_MAX 512
#define COMPARE_EVERY 16
/* More than a machine has: what is asked for then is all. */
#define PAGES_MAX 4096

struct state {
	struct target_settings settings;
	struct alloc_pair pair;
};

static const char *const seeds[] = {
	"machine: 1 step { order: 0 repeat: 40 } step { kind: PUT repeat: 20 } step { kind: DRAIN pages: 9 }\n"
	"step { order: 3 type: 1 flags: 2 repeat: 12 } step { kind: CHOOSE nid: 1 } step { kind: PUT target: 3 repeat: 9 }\n",
	"era: 2 machine: 7 step { type: 1 flags: 130 repeat: 90 } step { kind: RETYPE pfn: 100 }\n"
	"step { kind: PUT target: 1 cpu: 1 repeat: 60 } step { kind: UNRESERVE on: true } step { kind: BALANCE }\n",
	"era: 4 machine: 12 step { order: 2 type: 2 flags: 1 thisnode: true repeat: 30 } step { kind: RECLAIM on: true }\n"
	"step { low: true repeat: 30 } step { kind: PUT repeat: 50 } step { kind: DRAIN cpu: 1 zone: 1 pages: 70 first: 2 }\n",
	NULL
};

static void *create(const struct target_settings *settings)
{
	struct state *s = calloc(1, sizeof(*s));

	if (s)
		s->settings = *settings;
	return s;
}

static struct alloc_step take_step(const Mmfuzz__AllocStep *m)
{
	const uint32_t known = ALLOC_WMARK_MASK | ALLOC_RIGHTS | ALLOC_NO_WATERMARKS |
			       ALLOC_SKIP_BOOST | ALLOC_CMA | ALLOC_HIGHATOMIC | ALLOC_KSWAPD;
	struct alloc_step step = {
		.kind = (enum alloc_step_kind)m->kind,
		.req = { .cpu = m->cpu,
			 .nid = m->nid,
			 .order = m->order,
			 .type = (enum migratetype)m->type,
			 .flags = m->flags & known,
			 .highest = m->low ? ZONE_DMA32 : ZONE_NORMAL,
			 .thisnode = m->thisnode },
		.zone = m->zone,
		.target = m->target,
		.pages = m->pages % PAGES_MAX,
		.first = m->first % 12,
		.type = (enum migratetype)m->type,
		.pfn = m->pfn,
		.on = m->on,
	};

	/* There are three marks, and the mask has room for four. */
	if ((step.req.flags & ALLOC_WMARK_MASK) >= WMARK_PROMO)
		step.req.flags &= ~(uint32_t)ALLOC_WMARK_MASK;
	/* Other pages than movable ones may not lie there. */
	if (m->type % 3 != MIGRATE_MOVABLE)
		step.req.flags &= ~(uint32_t)ALLOC_CMA;
	return step;
}

/* What a step came to, and how full the machine is: inputs are told apart by it. */
static void feature(struct target_report *report, const struct alloc_pair *p,
		    const struct alloc_step *step, uint64_t served)
{
	uint32_t full = 0;

	for (uint64_t left = p->held_count; left; left >>= 1)
		full++;
	target_report_feature(report, (uint32_t)step->kind << 24 | (step->req.order % 8) << 20 |
					      (step->req.flags & 0x3ff) << 8 | full << 2 |
					      (uint32_t)(p->served != served));
}

static void run(void *state, const ProtobufCMessage *message, struct target_report *report)
{
	const Mmfuzz__AllocRun *m = (const Mmfuzz__AllocRun *)message;
	struct state *s = state;
	uint32_t version = eras[m->has_era ? m->era % era_count : era_count - 1].version, done = 0;
	const char *wrong = NULL;
	struct facts facts;

	facts_init(&facts, version);
	target_apply_settings(&s->settings, &version, &facts);
	if (!alloc_pair_start(&s->pair, m->machine, &facts)) {
		report->refused = true;
		alloc_pair_finish(&s->pair);
		return;
	}
	for (size_t i = 0; i < m->n_step && done < STEPS_MAX && !wrong; i++) {
		struct alloc_step step = take_step(m->step[i]);
		uint64_t served = s->pair.served;

		for (uint64_t n = 0; n <= m->step[i]->repeat && done < STEPS_MAX && !wrong; n++) {
			wrong = alloc_pair_step(&s->pair, &step);
			if (!wrong && ++done % COMPARE_EVERY == 0)
				wrong = alloc_pair_compare(&s->pair);
		}
		feature(report, &s->pair, &step, served);
		if (wrong)
			target_report_add(report, "alloc-oracle", "step %zu: %s", i, wrong);
	}
	wrong = wrong ? NULL : alloc_pair_compare(&s->pair);
	if (wrong)
		target_report_add(report, "alloc-oracle", "in the end: %s", wrong);
	alloc_pair_finish(&s->pair);
}

const struct target target_alloc_oracle = {
	.name = "alloc_oracle",
	.property = "The page allocator does what a model of plain arrays does.",
	.message = &mmfuzz__alloc_run__descriptor,
	.create = create,
	.destroy = free,
	.run_message = run,
	.seeds = seeds,
};
