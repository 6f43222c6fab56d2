/* SPDX-License-Identifier: MIT */
#include "tools/event_words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void expect(const char *expected, struct event e)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	event_words_print(out, &e, "SNAP 1");
	fclose(out);
	assert_string_equal(text, expected);
	free(text);
}

static void test_words(void **state)
{
	struct event e = { .pfn = 0x67d0, .order = 1, .migratetype = 2 };

	(void)state;
	e.kind = EVENT_ALLOC;
	expect("mm_page_alloc 0x67d0 order 1 migratetype 2", e);
	e.kind = EVENT_PCPU_DRAIN;
	expect("mm_page_pcpu_drain 0x67d0 order 1 migratetype 2", e);
	e.kind = EVENT_FREE;
	expect("mm_page_free 0x67d0 order 1", e);
	e.kind = EVENT_FREE_BATCHED;
	expect("mm_page_free_batched 0x67d0 order 1", e);
	e.kind = EVENT_ALLOC;
	e.pfn = PFN_NONE;
	expect("mm_page_alloc no page order 1 migratetype 2", e);
	e.kind = EVENT_CMA_ALLOC;
	e.count = 64;
	expect("cma_alloc no page, 64 pages", e);
	e.kind = EVENT_LOST;
	expect("lost, 64 events", e);
	e.count = 0;
	expect("lost", e);
	e.kind = EVENT_MARKER;
	expect("tracing_mark_write SNAP 1", e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
