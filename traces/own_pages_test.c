/* SPDX-License-Identifier: MIT */
/* Events of a machine that does not have the pages they recorded. */
#include "traces/own_pages.h"

#include <string.h>

#include "traces/predicate.h"
#include "traces/testing/check.h"

#define GUEST "traces/captures/boot-6.12-amd64-2g"
#define FAR (1ULL << 30) /* no memory is there */

static struct event block(enum event_kind kind, pfn_t pfn, unsigned int order, uint32_t gfp)
{
	return (struct event){ .kind = (uint8_t)kind,
			       .pfn = pfn,
			       .order = (uint8_t)order,
			       .migratetype = MIGRATE_MOVABLE,
			       .gfp = gfp,
			       .pid = 7 };
}

static void expect(enum verdict verdict, const char *predicate, const struct subject *s)
{
	struct predicate *p = NULL;
	struct judgement j;

	check_ok(predicate_parse(predicate, &p));
	check_ok(predicate_test(p, s, &j));
	if (j.verdict != verdict)
		fail_msg("'%s': %s", predicate, j.why);
	predicate_destroy(p);
}

/*
 * Of zone DMA, which has 16 MiB, four blocks of 4 MiB are asked for and no more than three are there; a free
 * of a half frees that half; a failed allocation and a marker name no page.
 */
static void test_own_pages(void **state)
{
	enum { DMA = 1, HALF_FREED = 5, UNSERVED = 4, COUNT = 9 };
	struct event events[COUNT] = {
		block(EVENT_ALLOC, FAR, 3, 0),
		block(EVENT_ALLOC, FAR + 0x400, 10, DMA),
		block(EVENT_ALLOC, FAR + 0x800, 10, DMA),
		block(EVENT_ALLOC, FAR + 0xc00, 10, DMA),
		block(EVENT_ALLOC, FAR + 0x1000, 10, DMA),
		block(EVENT_FREE, FAR + 4, 2, 0),
		block(EVENT_ALLOC, PFN_NONE, 0, 0),
		block(EVENT_MARKER, PFN_NONE, 0, 0),
		block(EVENT_ALLOC, FAR + 0x2000, 10, 0),
	};
	struct event once[COUNT];
	struct subject_file f = { 0 };
	struct trial *trial = trial_create();
	struct subject s;

	(void)state;
	assert_non_null(trial);
	check_ok(subject_read(GUEST, NULL, &f));
	s = f.subject;
	s.events = events;
	s.event_count = COUNT;
	expect(VERDICT_BAD, "impossible == 7", &s);
	expect(VERDICT_BAD, "alloc-fails(order=10) == 1", &s);
	check_ok(own_pages(trial, &s, events));
	expect(VERDICT_GOOD, "impossible", &s);
	expect(VERDICT_BAD, "alloc-fails(order=10) == 1", &s);
	assert_int_equal(events[HALF_FREED].pfn, events[0].pfn + 4);
	assert_true(events[UNSERVED].pfn < FAR);
	assert_true(events[6].pfn == PFN_NONE && events[7].pfn == PFN_NONE);
	/* They are its own now. */
	memcpy(once, events, sizeof(once));
	check_ok(own_pages(trial, &s, events));
	assert_memory_equal(events, once, sizeof(once));
	trial_destroy(trial);
	subject_file_deinit(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_own_pages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
