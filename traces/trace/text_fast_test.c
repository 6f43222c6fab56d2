/* SPDX-License-Identifier: MIT */
/*
 * Tests of the fast parser: what it knows, the general parser says too, for each line of the captured
 * traces and of many damaged ones; and it does know nearly all lines.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/prng.h"
#include "traces/testing/captures.h"
#include "traces/testing/check.h"
#include "traces/testing/robust.h"
#include "traces/trace/text_fast.h"

struct count {
	uint64_t events, known, traces;
};

/* Any value will do for what the fast parser learns of names and flags, if it tells them apart. */
static uint32_t number_of(struct scan_str text)
{
	uint32_t hash = 1;

	for (size_t i = 0; i < text.len; i++)
		hash = hash * 31 + (uint8_t)text.p[i];
	return hash;
}

/* Reads [text, limit), which ends with a line feed, with both parsers. */
static void compare(struct text_fast *fast, const char *text, const char *limit,
		    struct count *count)
{
	while (text < limit) {
		const char *end = memchr(text, '\n', (size_t)(limit - text)), *known;
		struct event event, got;
		struct text_line line;
		enum text_class class = text_line_parse(text, end, &line);

		event = line.event;
		if (event.kind == EVENT_ALLOC)
			event.gfp = number_of(line.gfp);
		event.text = number_of(line.comm);
		known = text_fast_parse(fast, text, limit, &got);
		count->events += class == TEXT_EVENT;
		if (known) {
			count->known++;
			if (class != TEXT_EVENT || known != end || got.pfn != event.pfn ||
			    got.time != event.time || got.gfp != event.gfp ||
			    got.pid != event.pid || got.text != event.text ||
			    got.cpu != event.cpu || got.kind != event.kind ||
			    got.order != event.order || got.migratetype != event.migratetype ||
			    got.flags != event.flags || got.context != event.context ||
			    got.fallback_order || got.fallback_migratetype || got.line)
				fail_msg("read otherwise: %.*s", (int)(end - text), text);
		} else if (class == TEXT_EVENT) {
			text_fast_learn(fast, text, end, &line, &event);
		}
		text = end + 1;
	}
}

/* In memory of exactly its size and the margin. */
static void compare_bytes(const uint8_t *data, size_t len)
{
	char *copy = calloc(1, len + 1 + TEXT_FAST_MARGIN);
	struct text_fast fast = { 0 };
	struct count count = { 0 };

	assert_non_null(copy);
	if (len)
		memcpy(copy, data, len);
	copy[len] = '\n';
	compare(&fast, copy, copy + len + 1, &count);
	/* Now that all is learned. */
	compare(&fast, copy, copy + len + 1, &count);
	free(copy);
}

static const char sample[] =
	"            init-1     [001]     1.721010: mm_page_free: page=ffffd1b840283500 pfn=41172 order=3\n"
	"            init-1       [001] d..1.     1.721010: mm_page_alloc: page=(____ptrval____) pfn=0x3feaf "
	"order=0 migratetype=0 gfp_flags=GFP_KERNEL|__GFP_ZERO\n"
	"            init-1       [002] d...     1.721010: mm_page_alloc: page=(____ptrval____) pfn=0x3feaf "
	"order=0 migratetype=0 gfp_flags=none\n"
	"          <idle>-0       [000] d..4. 12345678: mm_page_alloc_zone_locked: page=00000000d2be5665 "
	"pfn=0x5315 order=0 migratetype=1 percpu_refill=1\n"
	"          <idle>-0       [000] d..4.  3.214533: mm_page_pcpu_drain: page=00000000d2be5665 "
	"pfn=0x5315 order=10 migratetype=2\n"
	"          <idle>-0       [000] d..4.  3.214533: mm_page_free_batched: page=00000000 pfn=0x0 order=0\n"
	"          <idle>-0       [000] d..4.  3.214533: mm_page_free_batched: page=0000000000000000 pfn=0x7 "
	"order=0\n"
	"        kthreadd-1234567 [000] d..4.  3.214533: mm_page_free: page=0xd2be5665 pfn=4294967294 "
	"order=255\n"
	"       long name-12345678 [000] d..4.  3.214533: mm_page_free: page=(ptrval) pfn=18 order=0\n"
	"       long name-17      (     17) [003] d..4.  3.214533: mm_page_free:       page=(ptrval) pfn=18 "
	"order=0\n"
	"            init-1     [001]     1.721010345: mm_page_free:         page=0xa0d4 pfn=0xa0d4 order=3\n"
	"            true 20824 [000] 16019.057043889:             kmem:mm_page_alloc: page=0x1117ae "
	"pfn=0x1117ae order=0 migratetype=0 gfp_flags=GFP_KERNEL_ACCOUNT|__GFP_ZERO|__GFP_COMP\n"
	"            perf  6429 [000]    22.498450: kmem:mm_page_free: page=0x176a17 pfn=1534487 order=0\n"
	"              :-1    -1 [000]    22.498450: kmem:mm_page_free: page=0x176a17 pfn=1534487 order=0\n";

static void test_sample(void **state)
{
	char copy[sizeof(sample) + TEXT_FAST_MARGIN] = "";
	struct text_fast fast = { 0 };
	struct count count = { 0 };

	(void)state;
	strcpy(copy, sample);
	compare(&fast, copy, copy + strlen(copy), &count);
	count = (struct count){ 0 };
	compare(&fast, copy, copy + strlen(copy), &count);
	assert_int_equal(count.events, 14);
	/* All but null pages, the pids of eight digits and -1, and the column of thread groups. */
	assert_int_equal(count.known, 9);
}

static void test_damaged(void **state)
{
	(void)state;
	robust_truncate(compare_bytes, sample, strlen(sample));
	robust_damage(compare_bytes, sample, strlen(sample), 3, 20000);
}

/* Lines with bytes changed for others that such lines have: far more of these still are events. */
static void test_changed(void **state)
{
	static const char bytes[] = " 0123456789abcdef.:=|_()[]-xdNX\n\rmpage";
	struct prng prng = prng_init(5);

	(void)state;
	for (unsigned int i = 0; i < 20000; i++) {
		char copy[sizeof(sample)];

		memcpy(copy, sample, sizeof(sample));
		for (unsigned int n = 0; n < 1 + i % 8; n++)
			copy[prng_below(&prng, strlen(sample))] =
				bytes[prng_below(&prng, sizeof(bytes) - 1)];
		compare_bytes((const uint8_t *)copy, strlen(sample));
	}
}

static void compare_capture(const char *dir, void *ctx)
{
	struct input_limits limits = { .bytes_max = (size_t)1 << 30 };
	struct text_fast fast = { 0 };
	struct count *total = ctx, count = { 0 };
	struct input text;
	bool absent = true;
	char *copy;

	check_ok(input_read_in(dir, "trace.txt.zst", &limits, &absent, &text));
	if (absent)
		return;
	copy = calloc(1, text.size + TEXT_FAST_MARGIN);
	assert_non_null(copy);
	memcpy(copy, text.data, text.size);
	assert_int_equal(copy[text.size - 1], '\n');
	compare(&fast, copy, copy + text.size, &count);
	/* Less than one line in a hundred is left to the general parser. */
	if (count.known < count.events / 100 * 99)
		fail_msg("%s: %llu of %llu lines", dir, (unsigned long long)count.known,
			 (unsigned long long)count.events);
	total->traces++;
	free(copy);
	input_deinit(&text);
}

static void compare_all(const char *dir)
{
	struct count total = { 0 };

	captures_each(dir, compare_capture, &total);
	assert_true(total.traces > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sample),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_changed),
		CAPTURES_TESTS(compare_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
