/* SPDX-License-Identifier: MIT */
/* Two reruns side by side, on machines of the captures in the tree: clones, digests, partings, differences. */
#include <stdlib.h>
#include <string.h>

#include "engine/boot.h"
#include "engine/buddy.h"
#include "engine/pageset.h"
#include "engine/parting.h"
#include "engine/prng.h"
#include "engine/state_diff.h"
#include "traces/capture.h"
#include "traces/testing/check.h"

enum { A, B, SIDES };
enum { EVENTS = 6000, CPUS = 2 };

struct fixture {
	struct boot_log log;
	struct machine m[SIDES];
	struct event events[SIDES][EVENTS];
	struct parting p;
};

/* Work of all orders on both CPUs: a third of it gives back what was taken. */
static void make_events(struct event *ret, uint64_t seed)
{
	struct prng prng = prng_init(seed);

	memset(ret, 0, EVENTS * sizeof(*ret));
	for (uint64_t i = 0; i < EVENTS; i++) {
		struct event *e = &ret[i];

		*e = (struct event){ .kind = EVENT_ALLOC,
				     .pfn = i << 10,
				     .order = (uint8_t)prng_skewed(&prng, 8),
				     .migratetype = (uint8_t)prng_below(&prng, 3),
				     .gfp = 0x2 | 0x8,
				     .cpu = (uint16_t)prng_below(&prng, CPUS) };
		if (i && prng_chance(&prng, 1, 3)) {
			const struct event *taken = &ret[prng_below(&prng, i)];

			e->kind = EVENT_FREE;
			e->pfn = taken->pfn;
			e->order = taken->order;
		}
	}
}

static struct fixture *start(const char *capture)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	check_ok(capture_read(capture, &f->log));
	for (unsigned int s = 0; s < SIDES; s++) {
		machine_init(&f->m[s]);
		make_events(f->events[s], 1);
	}
	return f;
}

static void boot(struct fixture *f, unsigned int side, const char *set)
{
	struct boot_input in = f->log.input;

	if (set)
		assert_null(facts_set(&in.facts, set));
	f->m[side].want_lists = true;
	boot_run(&f->m[side], &in, STAGE_LATE);
	assert_non_null(f->m[side].buddy);
}

static void pair(struct fixture *f, uint64_t a_count, uint64_t b_count)
{
	const int32_t nids[CPUS] = { 0, 0 };
	struct rerun *r[SIDES];

	for (unsigned int s = 0; s < SIDES; s++) {
		r[s] = rerun_create(&f->m[s], &f->m[s], nids, CPUS);
		assert_non_null(r[s]);
	}
	parting_init(&f->p, r[A], f->events[A], a_count, r[B], f->events[B], b_count);
}

static void unboot(struct fixture *f)
{
	parting_deinit(&f->p);
	for (unsigned int s = 0; s < SIDES; s++)
		machine_deinit(&f->m[s]);
}

static void finish(struct fixture *f)
{
	unboot(f);
	boot_log_deinit(&f->log);
	free(f);
}

static const char small[] = "traces/captures/boot-6.12-amd64-2g";

/* What is done to a clone does not show in what it was made from, and the same work makes both equal. */
static void a_clone_lives_on_its_own(void **state)
{
	struct fixture *f = start(small);
	struct rerun *clone;
	uint64_t hash;

	(void)state;
	boot(f, A, NULL);
	boot(f, B, NULL);
	pair(f, EVENTS, EVENTS);
	for (unsigned int i = 0; i < 3000; i++)
		rerun_event(f->p.sides[A], &f->events[A][i]);
	hash = rerun_hash(f->p.sides[A]);
	clone = rerun_clone(f->p.sides[A]);
	assert_non_null(clone);
	assert_true(rerun_hash(clone) == hash);
	for (unsigned int i = 3000; i < EVENTS; i++)
		rerun_event(clone, &f->events[A][i]);
	assert_true(rerun_hash(clone) != hash);
	assert_true(rerun_hash(f->p.sides[A]) == hash);
	for (unsigned int i = 3000; i < EVENTS; i++)
		rerun_event(f->p.sides[A], &f->events[A][i]);
	assert_true(rerun_hash(clone) == rerun_hash(f->p.sides[A]));
	assert_null(buddy_check(rerun_alloc(clone)->buddy, false));
	assert_memory_equal(rerun_stats(clone), rerun_stats(f->p.sides[A]),
			    sizeof(struct rerun_stats));
	rerun_destroy(clone);
	finish(f);
}

/* The same machine and the same work: never.  The shorter one ends it. */
static void equal_sides_never_part(void **state)
{
	struct fixture *f = start(small);

	(void)state;
	boot(f, A, NULL);
	boot(f, B, NULL);
	pair(f, EVENTS, EVENTS - 10);
	assert_true(parting_find(&f->p, 100));
	assert_false(f->p.parted);
	assert_int_equal(f->p.done, EVENTS - 10);
	assert_int_equal(f->p.answers.differ, 0);
	assert_true(f->p.answers.compared > EVENTS / 2);
	finish(f);
}

/*
 * One event is another one: the states part there, wherever it is and however long the stretch, even if
 * what the first allocation took is back again soon.
 */
static void one_other_event_is_found(void **state)
{
	static const uint64_t stretches[] = { 1, 7, 64, 1000, 100000 };
	struct prng prng = prng_init(2);

	(void)state;
	for (size_t i = 0; i < sizeof(stretches) / sizeof(*stretches); i++) {
		for (unsigned int n = 0; n < 6; n++) {
			uint64_t at = n == 0 ? 0 : n == 1 ? EVENTS - 1 : prng_below(&prng, EVENTS);
			struct fixture *f = start(small);

			while (f->events[B][at].kind != EVENT_ALLOC)
				at--;
			f->events[B][at].kind = EVENT_OTHER;
			boot(f, A, NULL);
			boot(f, B, NULL);
			pair(f, EVENTS, EVENTS);
			assert_true(parting_find(&f->p, stretches[i]));
			assert_true(f->p.parted);
			assert_int_equal(f->p.first, at + 1);
			assert_int_equal(f->p.done, at + 1);
			assert_int_equal(rerun_last(f->p.sides[A])->did, RERUN_ALLOC);
			assert_int_equal(rerun_last(f->p.sides[B])->did, RERUN_NOTHING);
			finish(f);
		}
	}
}

/* A page set filled on another CPU has the same pages, and is another state. */
static void the_cpu_of_a_page_set_matters(void **state)
{
	struct fixture *f = start(small);

	(void)state;
	f->events[A][0] = f->events[B][0] = (struct event){
		.kind = EVENT_ALLOC, .pfn = 1, .migratetype = MIGRATE_MOVABLE, .gfp = 0x2 | 0x8
	};
	f->events[B][0].cpu = 1;
	boot(f, A, NULL);
	boot(f, B, NULL);
	pair(f, 1, 1);
	assert_true(parting_find(&f->p, 1));
	assert_true(f->p.parted);
	assert_int_equal(f->p.first, 1);
	assert_true(rerun_last(f->p.sides[A])->pfn == rerun_last(f->p.sides[B])->pfn);
	finish(f);
}

/*
 * A page that is freed on another CPU: both sides free the same page at the same event, and nothing is seen of
 * it until a digest is taken.
 */
static void what_does_not_show_at_once_is_found(void **state)
{
	struct prng prng = prng_init(4);

	(void)state;
	for (unsigned int n = 0; n < 12; n++) {
		struct fixture *f = start(small);
		uint64_t at = 100 + prng_below(&prng, EVENTS / 3), found = 0;

		for (uint64_t i = at; i < EVENTS && !found; i++)
			if (f->events[B][i].kind == EVENT_FREE && f->events[B][i].order < 3)
				found = i;
		f->events[B][found].cpu ^= 1;
		/* Every other time nothing follows, and it lies just in the middle of the first stretch. */
		for (uint64_t i = found + 1; n % 2 == 0 && i < EVENTS; i++)
			f->events[A][i].kind = f->events[B][i].kind = EVENT_OTHER;
		boot(f, A, NULL);
		boot(f, B, NULL);
		pair(f, EVENTS, EVENTS);
		assert_true(parting_find(&f->p, n % 2 ? 300 + 100 * n : 2 * (found + 1)));
		/* One that was not ours to free changes nothing. */
		if (f->p.parted) {
			assert_int_equal(f->p.first, found + 1);
			assert_true(rerun_last(f->p.sides[A])->pfn ==
				    rerun_last(f->p.sides[B])->pfn);
		}
		assert_int_equal(f->p.parted, rerun_last(f->p.sides[A])->did == RERUN_FREE);
		finish(f);
	}
}

/* Event by event, as slow as can be. */
static uint64_t part_slowly(struct fixture *f)
{
	for (unsigned int i = 0; i < EVENTS; i++) {
		if (rerun_hash(f->p.sides[A]) != rerun_hash(f->p.sides[B]))
			return i;
		for (unsigned int s = 0; s < SIDES; s++)
			rerun_event(f->p.sides[s], &f->events[s][i]);
	}
	return UINT64_MAX;
}

/* Facts that change what the allocator does part the states where the slow way finds it. */
static void other_facts_part_where_the_slow_way_says(void **state)
{
	static const char *const sets[] = { "pcp_high_orders=off", "likely_merge_rule=0",
					    "fallback_rule=0", "pcp_refill_rule=0" };
	unsigned int parted = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(sets) / sizeof(*sets); i++) {
		struct fixture *f = start(small);
		uint64_t slow;

		boot(f, A, NULL);
		boot(f, B, sets[i]);
		pair(f, EVENTS, EVENTS);
		slow = part_slowly(f);
		/* Wherever the halves lie. */
		for (uint64_t stretch = 37; stretch < 12000; stretch *= 3) {
			unboot(f);
			boot(f, A, NULL);
			boot(f, B, sets[i]);
			pair(f, EVENTS, EVENTS);
			assert_true(parting_find(&f->p, stretch));
			assert_int_equal(f->p.parted, slow != UINT64_MAX);
			if (f->p.parted)
				assert_int_equal(f->p.first, slow);
		}
		parted += f->p.parted && slow > 0;
		finish(f);
	}
	/* Otherwise this shows nothing. */
	assert_true(parted >= 2);
}

/* ---- differences ------------------------------------------------------------------------------- */

struct counted {
	uint64_t kinds[STATE_DIFF_COUNTER + 1];
	uint64_t blocks[SIDES]; /* on the lists that differ */
};

static void count(void *ctx, const struct state_difference *d)
{
	struct counted *c = ctx;

	c->kinds[d->kind]++;
	assert_true(d->kind == STATE_DIFF_FREE_LIST || d->kind == STATE_DIFF_PCP_LIST ||
		    d->value[A] != d->value[B]);
	if (d->kind != STATE_DIFF_FREE_LIST && d->kind != STATE_DIFF_PCP_LIST)
		return;
	assert_true(d->pfn[A] != d->pfn[B]);
	assert_true(d->place <= d->value[A] && d->place <= d->value[B]);
	assert_int_equal(d->pfn[A] == PFN_NONE, d->place == d->value[A]);
	assert_int_equal(d->pfn[B] == PFN_NONE, d->place == d->value[B]);
}

enum { PAGES = 1 << 20 };

/* For each page of 4 GiB: which list it is on, in our own numbers; 0 = none. */
static uint32_t *page_places(const struct page_alloc *a)
{
	uint32_t *ret = calloc(PAGES, sizeof(*ret));
	const struct buddy *b = a->buddy;

	assert_non_null(ret);
	for (uint32_t z = 0; z < b->zone_count; z++) {
		for (unsigned int o = 0; o <= b->max_order; o++) {
			for (unsigned int t = 0; t < MIGRATE_TYPE_COUNT; t++) {
				uint32_t cursor = BUDDY_LIST_START;
				pfn_t pfn;

				while (buddy_list_next(b, z, o, (enum migratetype)t, &cursor, &pfn))
					for (uint64_t i = 0; i < 1ULL << o; i++)
						ret[pfn + i] = 1 + o * 16 + t;
			}
		}
		for (uint32_t cpu = 0; cpu < a->cpu_count; cpu++) {
			const struct pageset *set = &a->sets[z * a->cpu_count + cpu];

			for (unsigned int l = 0; l < PCP_LISTS_MAX; l++) {
				uint32_t cursor = BUDDY_LIST_START;
				pfn_t pfn;

				while (pageset_next(a, set, l, &cursor, &pfn))
					for (uint64_t i = 0; i < 1ULL << pageset_list_order(a, l);
					     i++)
						ret[pfn + i] = 0x10000 + cpu * 256 + l;
			}
		}
	}
	return ret;
}

/* The sums are those of a look at every page; without a difference the digests are equal, and only then. */
static void differences_add_up(void **state)
{
	struct fixture *f = start(small);

	(void)state;
	boot(f, A, NULL);
	boot(f, B, "likely_merge_rule=0");
	make_events(f->events[B], 3);
	pair(f, EVENTS, EVENTS);
	for (unsigned int step = 0; step < 8; step++) {
		const struct page_alloc *a = rerun_alloc(f->p.sides[A]),
					*b = rerun_alloc(f->p.sides[B]);
		uint64_t alone[SIDES] = { 0, 0 }, elsewhere = 0;
		uint32_t *places[SIDES];
		struct counted c = { 0 };
		struct state_summary sum;

		parting_go_on(&f->p, 100ULL * step * step);
		places[A] = page_places(a);
		places[B] = page_places(b);
		for (uint64_t i = 0; i < PAGES; i++) {
			alone[A] += places[A][i] && !places[B][i];
			alone[B] += places[B][i] && !places[A][i];
			elsewhere += places[A][i] && places[B][i] && places[A][i] != places[B][i];
		}
		assert_true(state_diff(a, b, count, &c, &sum));
		assert_int_equal(sum.free_alone[A], alone[A]);
		assert_int_equal(sum.free_alone[B], alone[B]);
		assert_int_equal(sum.elsewhere, elsewhere);
		assert_int_equal(sum.lists,
				 c.kinds[STATE_DIFF_FREE_LIST] + c.kinds[STATE_DIFF_PCP_LIST]);
		assert_int_equal(sum.block_types, c.kinds[STATE_DIFF_BLOCK_TYPE]);
		assert_int_equal(sum.counters, c.kinds[STATE_DIFF_COUNTER]);
		assert_int_equal(state_summary_same(&sum),
				 rerun_hash(f->p.sides[A]) == rerun_hash(f->p.sides[B]));
		assert_true(!step || !state_summary_same(&sum));
		free(places[A]);
		free(places[B]);
	}
	finish(f);
}

/* A pageblock and a counter alone, and machines with other zones. */
static void each_kind_is_told(void **state)
{
	struct fixture *f = start(small);
	struct counted c = { 0 };
	struct state_summary sum;
	const struct buddy_zone *z;

	(void)state;
	boot(f, A, NULL);
	boot(f, B, NULL);
	pair(f, EVENTS, EVENTS);
	assert_true(state_diff(rerun_alloc(f->p.sides[A]), rerun_alloc(f->p.sides[B]), count, &c,
			       &sum));
	assert_true(state_summary_same(&sum) && !sum.counters && !sum.elsewhere &&
		    !sum.free_alone[A] && !sum.free_alone[B]);
	z = &f->m[A].buddy->zones[1];
	buddy_set_block_type(f->m[A].buddy, 1, z->start, MIGRATE_RECLAIMABLE);
	assert_true(state_diff(rerun_alloc(f->p.sides[A]), rerun_alloc(f->p.sides[B]), count, &c,
			       &sum));
	assert_int_equal(sum.block_types, 1);
	assert_true(rerun_hash(f->p.sides[A]) != rerun_hash(f->p.sides[B]));
	finish(f);
	f = start(small);
	boot(f, A, NULL);
	boot_log_deinit(&f->log);
	memset(&f->log, 0, sizeof(f->log));
	check_ok(capture_read("traces/captures/boot-6.12-amd64-uefi-numa2-5g", &f->log));
	boot(f, B, NULL);
	pair(f, EVENTS, EVENTS);
	assert_true(state_diff(rerun_alloc(f->p.sides[A]), rerun_alloc(f->p.sides[B]), count, &c,
			       &sum));
	assert_true(sum.zones >= 2 && sum.counters > 0);
	assert_false(state_summary_same(&sum));
	assert_false(buddy_take_lists(f->m[A].buddy, f->m[B].buddy));
	finish(f);
}

/* With the lists of the other boot, but its own rules. */
static void lists_are_taken_without_rules(void **state)
{
	struct fixture *f = start(small);

	(void)state;
	boot(f, A, NULL);
	boot(f, B, "likely_merge_rule=0");
	assert_true(f->m[A].buddy->likely_merge_rule != f->m[B].buddy->likely_merge_rule);
	buddy_take(f->m[A].buddy, 1, 3, MIGRATE_MOVABLE);
	assert_true(buddy_hash(f->m[A].buddy) != buddy_hash(f->m[B].buddy));
	assert_true(buddy_take_lists(f->m[B].buddy, f->m[A].buddy));
	assert_true(buddy_hash(f->m[A].buddy) == buddy_hash(f->m[B].buddy));
	assert_int_equal(f->m[B].buddy->likely_merge_rule, LIKELY_MERGE_IGNORED);
	assert_ptr_equal(f->m[B].buddy->facts, &f->m[B].facts);
	pair(f, EVENTS, EVENTS);
	finish(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_clone_lives_on_its_own),
		cmocka_unit_test(equal_sides_never_part),
		cmocka_unit_test(one_other_event_is_found),
		cmocka_unit_test(the_cpu_of_a_page_set_matters),
		cmocka_unit_test(what_does_not_show_at_once_is_found),
		cmocka_unit_test(other_facts_part_where_the_slow_way_says),
		cmocka_unit_test(differences_add_up),
		cmocka_unit_test(each_kind_is_told),
		cmocka_unit_test(lists_are_taken_without_rules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
