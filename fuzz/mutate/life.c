/* SPDX-License-Identifier: MIT */
/*
 * Life: what is done to a booted machine, changed so that it stays like what kernels and their users do.
 * Requests are those that gfp masks ask for, zones come under pressure, and what was got is given back.
 */
#include <string.h>

#include "engine/alloc_flags.h"
#include "fuzz/mutate/internal.h"
#include "traces/record.pb-c.h"

/* Operations that one change adds at most. */
#define RUN_MAX 128

/* What the slow path gives a request, by what its gfp mask and task are. */
static const uint32_t rights[] = {
	0,
	ALLOC_NO_WATERMARKS,
	ALLOC_NON_BLOCK | ALLOC_MIN_RESERVE,
	ALLOC_NON_BLOCK | ALLOC_MIN_RESERVE | ALLOC_HIGHATOMIC,
	ALLOC_MIN_RESERVE,
	ALLOC_NON_BLOCK,
	ALLOC_OOM,
};

#define SET(op, field, number) ((op)->has_##field = 1, (op)->field = (number))

static uint32_t draw_order(struct mutator *m)
{
	/* Pages; what slabs and stacks take; huge pages, and the largest blocks. */
	switch (prng_below(&m->prng, 8)) {
	case 0:
	case 1:
	case 2:
		return 0;
	case 3:
	case 4:
		return 1 + (uint32_t)prng_below(&m->prng, 4);
	case 5:
		return 9;
	case 6:
		return 10;
	default:
		return (uint32_t)prng_below(&m->prng, 11);
	}
}

/* The migratetypes that requests have: most pages are of users, and movable. */
static Mmtrace__Operation__Migratetype draw_type(struct mutator *m)
{
	if (one_in(m, 2))
		return MMTRACE__OPERATION__MIGRATETYPE__MOVABLE;
	return one_in(m, 4) ? MMTRACE__OPERATION__MIGRATETYPE__RECLAIMABLE
			    : MMTRACE__OPERATION__MIGRATETYPE__UNMOVABLE;
}

static Mmtrace__Config__Zone draw_zone(struct mutator *m)
{
	if (!one_in(m, 4))
		return one_in(m, 4) ? MMTRACE__CONFIG__ZONE__MOVABLE
				    : MMTRACE__CONFIG__ZONE__NORMAL;
	return one_in(m, 2) ? MMTRACE__CONFIG__ZONE__DMA32 : MMTRACE__CONFIG__ZONE__DMA;
}

static void draw_place(struct mutator *m, Mmtrace__Operation *op)
{
	if (one_in(m, 4))
		SET(op, nid, (int32_t)prng_below(&m->prng, 3));
	if (one_in(m, 4))
		SET(op, cpu, (uint32_t)prng_below(&m->prng, 3));
	SET(op, highest_zone, draw_zone(m));
}

static void make_request(struct mutator *m, Mmtrace__Operation *op)
{
	SET(op, kind,
	    one_in(m, 16) ? MMTRACE__OPERATION__KIND__UNRESERVE : MMTRACE__OPERATION__KIND__ALLOC);
	draw_place(m, op);
	SET(op, order, draw_order(m));
	SET(op, migratetype, draw_type(m));
	SET(op, flags,
	    one_in(m, 2) ? 0 : rights[prng_below(&m->prng, sizeof(rights) / sizeof(*rights))]);
}

static bool is_alloc(const Mmtrace__Operation *op)
{
	return op->kind == MMTRACE__OPERATION__KIND__ALLOC ||
	       op->kind == MMTRACE__OPERATION__KIND__CMA_ALLOC;
}

/* An earlier operation, late ones more often; mostly one that asked for something. */
static uint32_t draw_earlier(struct mutator *m, uint32_t old)
{
	const Mmtrace__Scenario *s = (const Mmtrace__Scenario *)m->root;
	uint32_t target = old;

	for (unsigned int tries = 0; tries < 4; tries++) {
		target = (uint32_t)mutate_number(m, MUTATE_EARLIER, old);
		if (m->root->descriptor != &mmtrace__scenario__descriptor ||
		    target >= s->n_operation || !s->operation[target] ||
		    is_alloc(s->operation[target]))
			break;
	}
	return target;
}

/* What page sets may hold of a zone: the sizes of the boot, as much as is allowed, or any part. */
static int64_t draw_fraction(struct mutator *m)
{
	if (one_in(m, 4))
		return 0;
	if (one_in(m, 2))
		return 8 + (int64_t)prng_below(&m->prng, 3) - 1;
	return 8LL << prng_below(&m->prng, 28);
}

/* Something that takes what an earlier one got. */
static void make_use(struct mutator *m, Mmtrace__Operation *op)
{
	static const Mmtrace__Operation__Kind uses[] = {
		MMTRACE__OPERATION__KIND__FREE,
		MMTRACE__OPERATION__KIND__FREE,
		MMTRACE__OPERATION__KIND__FREE,
		MMTRACE__OPERATION__KIND__ISOLATE_BLOCKS,
		MMTRACE__OPERATION__KIND__UNISOLATE_BLOCKS,
		MMTRACE__OPERATION__KIND__POISON,
		MMTRACE__OPERATION__KIND__PCP_FRACTION,
		MMTRACE__OPERATION__KIND__OFFLINE,
	};

	SET(op, kind, uses[prng_below(&m->prng, sizeof(uses) / sizeof(*uses))]);
	SET(op, target, draw_earlier(m, op->target));
	if (op->kind == MMTRACE__OPERATION__KIND__FREE)
		SET(op, value, one_in(m, 4));
	else if (op->kind == MMTRACE__OPERATION__KIND__PCP_FRACTION)
		SET(op, value, draw_fraction(m));
	else if (op->kind == MMTRACE__OPERATION__KIND__POISON && one_in(m, 2))
		SET(op, start_pfn, mutate_number(m, MUTATE_PFN, op->start_pfn));
	else /* pageblocks nearby */
		SET(op, value, (int64_t)prng_below(&m->prng, 5) - 2);
}

/* Something that is done to a zone, or to an area. */
static void make_care(struct mutator *m, Mmtrace__Operation *op)
{
	static const Mmtrace__Operation__Kind cares[] = {
		MMTRACE__OPERATION__KIND__DRAIN,	MMTRACE__OPERATION__KIND__BALANCE,
		MMTRACE__OPERATION__KIND__PCP_FRACTION, MMTRACE__OPERATION__KIND__SHUFFLE,
		MMTRACE__OPERATION__KIND__COMPACT,	MMTRACE__OPERATION__KIND__CMA_ALLOC,
		MMTRACE__OPERATION__KIND__CMA_ALLOC,	MMTRACE__OPERATION__KIND__BALLOON,
	};

	SET(op, kind, cares[prng_below(&m->prng, sizeof(cares) / sizeof(*cares))]);
	draw_place(m, op);
	SET(op, value,
	    op->kind == MMTRACE__OPERATION__KIND__PCP_FRACTION
		    ? draw_fraction(m)
		    : (int64_t)mutate_number(m, MUTATE_AMOUNT, (uint64_t)op->value));
	if (op->kind == MMTRACE__OPERATION__KIND__CMA_ALLOC) {
		/* Devices want more than a page, and aligned to that. */
		SET(op, order, (uint32_t)prng_below(&m->prng, 14));
		SET(op, page_count, mutate_number(m, MUTATE_PAGES, op->page_count));
		SET(op, target, (uint32_t)prng_below(&m->prng, 3));
	} else {
		SET(op, order, draw_order(m));
	}
}

bool mutate_operation(struct mutator *m, ProtobufCMessage *message)
{
	Mmtrace__Operation *op = (Mmtrace__Operation *)message;

	switch (prng_below(&m->prng, 4)) {
	case 0:
		make_use(m, op);
		break;
	case 1:
		make_care(m, op);
		break;
	default:
		make_request(m, op);
	}
	return true;
}

/* ---- several of them --------------------------------------------------------------------------- */

static Mmtrace__Operation *new_operation(struct mutator *m)
{
	Mmtrace__Operation *op = arena_alloc(m->arena, sizeof(*op));

	if (op)
		mmtrace__operation__init(op);
	return op;
}

/* Copies of operation @of, or a free of what it got; NULL: the arena has no room. */
static Mmtrace__Operation *copy_of(struct mutator *m, const Mmtrace__Operation *of)
{
	return (Mmtrace__Operation *)mutate_copy(&of->base, m->arena);
}

static Mmtrace__Operation *free_of(struct mutator *m, size_t target)
{
	Mmtrace__Operation *op = new_operation(m);

	if (!op)
		return NULL;
	SET(op, kind, MMTRACE__OPERATION__KIND__FREE);
	SET(op, target, (uint32_t)target);
	return op;
}

/* Room for @run operations behind the last; NULL: there is none. */
static Mmtrace__Operation **append(struct mutator *m, Mmtrace__Scenario *s, size_t run)
{
	return MAKE_ROOM_FOR(m, s->operation, s->n_operation, s->n_operation, run);
}

/* Puts @run copies of @like behind the last, fewer where the arena ends; false: there is no room. */
static bool append_copies(struct mutator *m, Mmtrace__Scenario *s, const Mmtrace__Operation *like,
			  size_t run)
{
	size_t at = s->n_operation;
	Mmtrace__Operation **to = append(m, s, run);

	for (size_t i = 0; i < run && to; i++) {
		to[i] = copy_of(m, like);
		if (!to[i]) {
			s->n_operation = at + i;
			break;
		}
	}
	return to;
}

/* A run of operations comes again, each on what the run itself got; mostly, what it got is freed. */
static bool repeat(struct mutator *m, Mmtrace__Scenario *s)
{
	size_t first, run, at = s->n_operation;
	Mmtrace__Operation **to;

	if (!at)
		return false;
	first = prng_below(&m->prng, at);
	run = 1 + prng_skewed(&m->prng, at - first);
	if (run > 32)
		run = 32;
	to = append(m, s, run);
	for (size_t i = 0; i < run && to; i++) {
		bool frees = is_alloc(s->operation[first + i]) && !one_in(m, 8);

		to[i] = frees ? free_of(m, first + i) : copy_of(m, s->operation[first + i]);
		if (!to[i]) {
			s->n_operation = at + i;
			return true;
		}
		if (!frees && to[i]->has_target && to[i]->target >= first)
			to[i]->target += (uint32_t)(at - first);
	}
	return to;
}

/* One request again and again, until a zone has little left. */
static bool burst(struct mutator *m, Mmtrace__Scenario *s)
{
	size_t run = 1ULL << (1 + prng_below(&m->prng, 7));
	Mmtrace__Operation *like = new_operation(m);

	if (run > RUN_MAX)
		run = RUN_MAX;
	if (one_in(m, 2))
		run -= prng_below(&m->prng, run);
	if (!like)
		return false;
	make_request(m, like);
	/* What takes much is large, and does not stop at a watermark. */
	if (one_in(m, 2)) {
		SET(like, order, one_in(m, 2) ? 10 : 9);
		SET(like, flags, ALLOC_NO_WATERMARKS);
	}
	return append_copies(m, s, like, run);
}

/*
 * A machine runs out of memory: what is free is asked for in ever smaller blocks, until little or nothing is
 * left of a zone, as some bursts of one order would hardly ever do it.
 */
static bool run_out(struct mutator *m, Mmtrace__Scenario *s)
{
	size_t large = 1ULL << prng_below(&m->prng, 8), at = s->n_operation, run;
	uint32_t least = (uint32_t)prng_below(&m->prng, 10);
	Mmtrace__Operation *like = new_operation(m);

	if (large > RUN_MAX - 10)
		large = RUN_MAX - 10;
	run = large + (10 - least);
	if (!like)
		return false;
	make_request(m, like);
	SET(like, kind, MMTRACE__OPERATION__KIND__ALLOC);
	SET(like, flags, one_in(m, 4) ? (uint32_t)ALLOC_OOM : (uint32_t)ALLOC_NO_WATERMARKS);
	if (!append_copies(m, s, like, run))
		return false;
	for (size_t i = 0; at + i < s->n_operation; i++)
		s->operation[at + i]->order = i < large ? 10 : (uint32_t)(9 - (i - large));
	return true;
}

/* What is held is freed, all or every other one, in its order or backwards. */
static bool free_all(struct mutator *m, Mmtrace__Scenario *s)
{
	size_t at = s->n_operation, step = 1 + prng_below(&m->prng, 3), count = 0;
	bool backwards = one_in(m, 2);
	uint32_t targets[RUN_MAX];
	Mmtrace__Operation **to;

	for (size_t i = 0; i < at && count < RUN_MAX; i += step) {
		size_t number = backwards ? at - 1 - i : i;

		if (is_alloc(s->operation[number]))
			targets[count++] = (uint32_t)number;
	}
	to = count ? append(m, s, count) : NULL;
	for (size_t i = 0; i < count && to; i++) {
		to[i] = free_of(m, targets[i]);
		if (!to[i]) {
			s->n_operation = at + i;
			return true;
		}
	}
	return to;
}

/* A few that belong to each other: each uses what came before. */
static bool live_on(struct mutator *m, Mmtrace__Scenario *s)
{
	size_t run = 1 + prng_below(&m->prng, 8), at = s->n_operation;
	Mmtrace__Operation **to = append(m, s, run);

	for (size_t i = 0; i < run && to; i++) {
		to[i] = new_operation(m);
		if (!to[i]) {
			s->n_operation = at + i;
			return true;
		}
		m->index = at + i;
		mutate_operation(m, &to[i]->base);
	}
	return to;
}

bool mutate_scenario(struct mutator *m, ProtobufCMessage *message)
{
	static bool (*const changes[])(struct mutator * m, Mmtrace__Scenario * s) = {
		repeat, burst, run_out, free_all, live_on, live_on,
	};

	return changes[prng_below(&m->prng, sizeof(changes) / sizeof(*changes))](
		m, (Mmtrace__Scenario *)message);
}
