/* SPDX-License-Identifier: MIT */
/* Which events count, and where. */
#include "engine/vm_events.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/testing/one_zone.h"

#define START 0x10000

static void test_counts(void **state)
{
	static const struct event events[] = {
		{ .kind = EVENT_ALLOC, .pfn = START, .order = 3 },
		{ .kind = EVENT_ALLOC, .pfn = START + 8 },
		{ .kind = EVENT_ALLOC, .pfn = PFN_NONE, .order = 9 },
		{ .kind = EVENT_ALLOC, .pfn = START - 1 }, /* in no zone */
		{ .kind = EVENT_FREE, .pfn = START, .order = 2 },
		{ .kind = EVENT_FREE_BATCHED, .pfn = START + 8 }, /* tells of a free again */
		{ .kind = EVENT_ZONE_LOCKED, .pfn = START },
		{ .kind = EVENT_PCPU_DRAIN, .pfn = START },
	};
	struct vm_events v = { 0 };
	struct arch_config config;
	struct facts facts;
	struct node node;
	struct buddy b = { 0 };
	struct page_alloc a = { 0 };

	(void)state;
	one_zone_make(FACTS_VERSION(6, 12, 0), START, &facts, &config, &node, &b, &a);
	for (unsigned int i = 0; i < sizeof(events) / sizeof(*events); i++)
		vm_events_count(&v, &b, &events[i]);
	for (unsigned int t = 0; t < ZONE_TYPE_COUNT; t++)
		assert_int_equal(v.pgalloc[t], t == ZONE_NORMAL ? 9 : 0);
	assert_int_equal(v.pgfree, 4);
	page_alloc_deinit(&a);
	buddy_deinit(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
