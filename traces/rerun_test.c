/* SPDX-License-Identifier: MIT */
/* Requests served anew, on the machine of a capture. */
#include <stdlib.h>
#include <string.h>

#include "engine/boot.h"
#include "engine/buddy.h"
#include "engine/rerun.h"
#include "traces/capture.h"
#include "traces/testing/check.h"

struct fixture {
	struct boot_log log;
	struct machine m;
	struct rerun *r;
	uint64_t free_before;
};

static struct fixture *start(const char *capture, int32_t nid)
{
	struct fixture *f = calloc(1, sizeof(*f));
	const int32_t nids[2] = { nid, nid };

	assert_non_null(f);
	machine_init(&f->m);
	check_ok(capture_read(capture, &f->log));
	f->m.want_lists = true;
	boot_run(&f->m, &f->log.input, STAGE_LATE);
	f->r = rerun_create(&f->m, &f->m, nids, 2);
	assert_non_null(f->r);
	f->free_before = rerun_free_pages(f->r);
	return f;
}

static void finish(struct fixture *f)
{
	assert_false(rerun_out_of_memory(f->r));
	assert_null(buddy_check(f->m.buddy, false));
	rerun_destroy(f->r);
	machine_deinit(&f->m);
	boot_log_deinit(&f->log);
	free(f);
}

static void event(struct fixture *f, enum event_kind kind, pfn_t pfn, unsigned int order)
{
	/* GFP_HIGHUSER_MOVABLE of 6.1 and 6.12: bits as include/linux/gfp_types.h numbers them. */
	const struct event e = { .kind = (uint8_t)kind,
				 .pfn = pfn,
				 .order = (uint8_t)order,
				 .migratetype = MIGRATE_MOVABLE,
				 .gfp = 0x2 | 0x8 };

	rerun_event(f->r, &e);
}

/* What is allocated and freed, in one piece, in parts, or in parts that were two blocks, comes back. */
static void test_pieces(void **state)
{
	struct fixture *f = start("traces/captures/boot-6.12-amd64-2g", 0);
	const struct rerun_stats *s = rerun_stats(f->r);

	(void)state;
	event(f, EVENT_ALLOC, 0x8000, 10);
	event(f, EVENT_ALLOC, 0x9000, 10);
	assert_int_equal(rerun_free_pages(f->r), f->free_before - 2048);
	event(f, EVENT_FREE, 0x8000, 10);
	assert_int_equal(rerun_free_pages(f->r), f->free_before - 1024);
	/* Orders that no page set holds. */
	event(f, EVENT_FREE, 0x9000, 8);
	event(f, EVENT_FREE, 0x9100, 8);
	event(f, EVENT_FREE, 0x9200, 8);
	assert_int_equal(rerun_free_pages(f->r), f->free_before - 256);
	event(f, EVENT_FREE, 0x9300, 8);
	assert_int_equal(rerun_free_pages(f->r), f->free_before);
	assert_int_equal(s->requests, 2);
	assert_int_equal(s->frees, 5);
	assert_int_equal(s->failed + s->remote + s->lower_zone + s->fallbacks, 0);
	assert_true(s->lock_takes == 7);
	/* A page that is not ours. */
	event(f, EVENT_FREE, 0x9300, 8);
	event(f, EVENT_FREE, 0xffffffffffffff00ULL, 8);
	assert_int_equal(s->unknown_frees, 2);
	assert_int_equal(rerun_free_pages(f->r), f->free_before);
	/* A second allocation of the same frame: the first was freed without an event. */
	event(f, EVENT_ALLOC, 0x8000, 8);
	event(f, EVENT_ALLOC, 0x8000, 8);
	assert_int_equal(rerun_free_pages(f->r), f->free_before - 256);
	finish(f);
}

/* Blocks below the order, of all free memory. */
static void test_unusable(void **state)
{
	struct fixture *f = start("traces/captures/boot-6.12-amd64-2g", 0);
	uint64_t small = 0;

	(void)state;
	for (uint32_t zone = 0; zone < f->m.buddy->zone_count; zone++)
		for (unsigned int o = 0; o < 9; o++)
			for (unsigned int t = 0; t < MIGRATE_TYPE_COUNT; t++)
				small += (uint64_t)f->m.buddy->zones[zone].lists[o][t].count << o;
	assert_true(small > 0);
	assert_int_equal(rerun_unusable(f->r, 9), small * 1000 / f->free_before);
	assert_int_equal(rerun_unusable(f->r, 0), 0);
	finish(f);
}

static void test_failure(void **state)
{
	struct fixture *f = start("traces/captures/boot-6.12-amd64-2g", 0);
	const struct rerun_stats *s = rerun_stats(f->r);

	(void)state;
	assert_true(rerun_unusable(f->r, 10) < 100);
	for (pfn_t i = 0; i < 600; i++)
		event(f, EVENT_ALLOC, i << 10, 10);
	assert_int_equal(s->requests, 600);
	assert_true(s->failed > 50 && s->failed < 200);
	assert_int_equal(s->failed_order[10], s->failed);
	/* __GFP_DIRECT_RECLAIM was not among the flags. */
	assert_true(s->below_low > s->failed);
	assert_int_equal(s->from_reserves + s->must_reclaim, 0);
	/* The blocks of the lower zones served what Normal could not. */
	assert_true(rerun_unusable(f->r, 0) == 0);
	/* What was not served cannot be freed, in one piece or in parts, and once only; it is not from before. */
	event(f, EVENT_FREE, 599 << 10, 9);
	event(f, EVENT_FREE, (599 << 10) + 512, 9);
	event(f, EVENT_FREE, 598 << 10, 10);
	assert_int_equal(s->failed_frees, 3);
	event(f, EVENT_FREE, 598 << 10, 10);
	assert_int_equal(s->failed_frees, 3);
	assert_int_equal(s->unknown_frees, 1);
	assert_int_equal(s->frees, 0);
	finish(f);
}

/*
 * A machine that is full to its min watermark: whoever can wait would have to reclaim, GFP_ATOMIC has
 * reserves of its own, and then nothing is left for that either.
 */
static void test_shortage(void **state)
{
	struct fixture *f = start("traces/captures/boot-6.12-amd64-2g", 0);
	const struct rerun_stats *s = rerun_stats(f->r);
	/* Bits of 6.12: __GFP_HIGH 5, __GFP_DIRECT_RECLAIM 10, __GFP_KSWAPD_RECLAIM 11. */
	struct event e = { .kind = EVENT_ALLOC, .gfp = 1 << 10 | 1 << 11 };
	const struct event lost = { .kind = EVENT_ALLOC, .pfn = PFN_NONE };

	(void)state;
	while (!s->failed) {
		rerun_event(f->r, &e);
		e.pfn++;
	}
	assert_int_equal(s->must_reclaim, 1);
	assert_true(s->below_low > 100 && s->below_low < s->requests);
	assert_int_equal(s->from_reserves, 0);
	e.gfp = 1 << 5 | 1 << 11;
	while (s->failed == 1) {
		rerun_event(f->r, &e);
		e.pfn++;
	}
	assert_true(s->from_reserves > 100);
	assert_int_equal(s->must_reclaim, 1);
	assert_int_equal(s->failed_in_trace, 0);
	rerun_event(f->r, &lost);
	assert_int_equal(s->failed_in_trace, 1);
	assert_int_equal(s->failed, 2);
	finish(f);
}

/* A node that is full sends its requests to another. */
static void test_remote(void **state)
{
	struct fixture *f = start("traces/captures/boot-6.12-amd64-uefi-numa2-5g", 1);
	const struct rerun_stats *s = rerun_stats(f->r);

	(void)state;
	for (pfn_t i = 0; i < 100; i++)
		event(f, EVENT_ALLOC, i << 10, 10);
	assert_int_equal(s->remote, 0);
	for (pfn_t i = 100; i < 1200; i++)
		event(f, EVENT_ALLOC, i << 10, 10);
	assert_true(s->remote > 0 && s->remote < 1200);
	finish(f);
}

static void test_odd_events(void **state)
{
	struct fixture *f = start("traces/captures/boot-6.12-amd64-2g", 0);
	const struct event odd[] = {
		{ .kind = EVENT_ALLOC, .pfn = PFN_NONE },
		{ .kind = EVENT_ALLOC, .pfn = 0, .cpu = 2 },
		{ .kind = EVENT_ALLOC, .pfn = 0, .order = 11 },
		{ .kind = EVENT_ALLOC, .pfn = 0, .migratetype = 200 },
		{ .kind = EVENT_ZONE_LOCKED, .pfn = 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(odd) / sizeof(*odd); i++)
		rerun_event(f->r, &odd[i]);
	assert_int_equal(rerun_stats(f->r)->requests, 0);
	assert_int_equal(rerun_free_pages(f->r), f->free_before);
	finish(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pieces),	cmocka_unit_test(test_unusable),
		cmocka_unit_test(test_failure), cmocka_unit_test(test_shortage),
		cmocka_unit_test(test_remote),	cmocka_unit_test(test_odd_events),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
