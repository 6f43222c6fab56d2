/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "traces/procfs/iomem.h"
#include "traces/testing/check.h"
#include "traces/testing/robust.h"

#define SAMPLE                                            \
	"00000000-00000fff : Reserved\n"                  \
	"00001000-0009fbff : System RAM\n"                \
	"000f0000-000fffff : reserved\n"                  \
	"  000f0000-000fffff : System ROM\n"              \
	"00100000-7ffdbfff : System RAM\n"                \
	"  2bc00000-2c801f41 : Kernel code\n"             \
	"  2ca00000-2d173fff : Kernel rodata\n"           \
	"  2d200000-2d47aa7f : Kernel data\n"             \
	"  2dab7000-2ebfffff : Kernel bss\n"              \
	"  70000000-77ffffff : Crash kernel\n"            \
	"b0000000-bfffffff : PCI ECAM 0000 [bus 00-ff]\n" \
	"  b0000000-bfffffff : Reserved\n"                \
	"    b0000000-bfffffff : pnp 00:05\n"             \
	"100000000-17fffffff : System RAM (kmem)\n"       \
	"fd00000000-ffffffffffffffff : Persistent Memory (legacy)\n"

static void tree(void **state)
{
	struct iomem im;
	const struct iomem_range *range;

	(void)state;
	check_ok(iomem_parse(SAMPLE, strlen(SAMPLE), "x", &im));
	assert_int_equal(im.nranges, 15);
	assert_int_equal(im.unknown_lines, 0);
	assert_false(im.hidden);
	assert_int_equal(im.ranges[0].start, 0);
	assert_int_equal(im.ranges[0].end, 0x1000);
	assert_int_equal(im.ranges[0].kind, IOMEM_RESERVED);
	assert_int_equal(im.ranges[2].kind, IOMEM_RESERVED);

	range = &im.ranges[5];
	assert_int_equal(range->start, 0x2bc00000);
	assert_int_equal(range->end, 0x2c801f42);
	assert_string_equal(range->name, "Kernel code");
	assert_int_equal(range->kind, IOMEM_KERNEL_CODE);
	assert_int_equal(range->depth, 1);
	assert_int_equal(range->parent, 4);
	assert_int_equal(range->line, 6);

	assert_int_equal(im.ranges[12].depth, 2);
	assert_int_equal(im.ranges[12].parent, 11);
	assert_int_equal(im.ranges[11].parent, 10);
	assert_int_equal(im.ranges[10].parent, IOMEM_NO_PARENT);
	assert_int_equal(im.ranges[13].parent, IOMEM_NO_PARENT);
	assert_true(im.ranges[13].end == 0x180000000);
	/* The last byte of all has no end beyond it. */
	assert_true(im.ranges[14].end == PHYS_MAX);
	assert_int_equal(im.ranges[14].kind, IOMEM_PERSISTENT);
	assert_string_equal(im.ranges[14].name, "Persistent Memory (legacy)");
	iomem_deinit(&im);
}

static void kinds(void **state)
{
	struct iomem im;
	uint32_t at = 0, n = 0;
	const struct iomem_range *range;

	(void)state;
	check_ok(iomem_parse(SAMPLE, strlen(SAMPLE), "x", &im));
	while ((range = iomem_next(&im, IOMEM_SYSTEM_RAM, at)) != NULL) {
		at = (uint32_t)(range - im.ranges) + 1;
		n++;
	}
	assert_int_equal(n, 3);
	assert_int_equal(iomem_next(&im, IOMEM_CRASH_KERNEL, 0)->end, 0x78000000);
	assert_int_equal(iomem_next(&im, IOMEM_KERNEL_BSS, 0)->start, 0x2dab7000);
	assert_int_equal(iomem_next(&im, IOMEM_KERNEL_DATA, 0)->start, 0x2d200000);
	assert_int_equal(iomem_next(&im, IOMEM_KERNEL_RODATA, 0)->start, 0x2ca00000);
	assert_null(iomem_next(&im, IOMEM_SOFT_RESERVED, 0));
	iomem_deinit(&im);
}

/* Without privilege there are names, and no addresses. */
static void hidden(void **state)
{
	static const char text[] = "00000000-00000000 : System RAM\n"
				   "  00000000-00000000 : Kernel code\n";
	static const char one[] = "00000000-00000000 : x\n";
	static const char some[] = "00000000-00000000 : x\n00000000-00000001 : y\n";
	struct iomem im;

	(void)state;
	check_ok(iomem_parse(text, sizeof(text) - 1, "x", &im));
	assert_true(im.hidden);
	assert_int_equal(im.ranges[1].kind, IOMEM_KERNEL_CODE);
	iomem_deinit(&im);
	check_ok(iomem_parse(one, sizeof(one) - 1, "x", &im));
	assert_false(im.hidden);
	iomem_deinit(&im);
	check_ok(iomem_parse(some, sizeof(some) - 1, "x", &im));
	assert_false(im.hidden);
	iomem_deinit(&im);
}

static void odd_lines(void **state)
{
	static const char text[] = "    1000-0fff : empty, and too far in\n"
				   "quite unknown\n"
				   "2000-2fff no colon\n"
				   "2000 : no range\n"
				   "2000-xx : no end\n"
				   "      2000-2fff :\n"
				   "System RAM\n";
	struct iomem im;

	(void)state;
	check_ok(iomem_parse(text, sizeof(text) - 1, "x", &im));
	assert_int_equal(im.nranges, 2);
	assert_int_equal(im.unknown_lines, 5);
	assert_int_equal(im.first_unknown_line, 2);
	assert_int_equal(im.ranges[0].depth, 0);
	assert_int_equal(im.ranges[0].start, im.ranges[0].end);
	assert_int_equal(im.ranges[1].depth, 1);
	assert_int_equal(im.ranges[1].parent, 0);
	assert_string_equal(im.ranges[1].name, "");
	iomem_deinit(&im);
}

/* What was there before a refusal is there after it. */
static struct error *refused(const char *text, size_t len)
{
	struct iomem im = { .nranges = 77 };
	struct error *err = iomem_parse(text, len, "x", &im);

	assert_int_equal(im.nranges, 77);
	return err;
}

static void errors(void **state)
{
	static const struct check_row rows[] = {
		{ "", ERROR_FORMAT, 0, 0 },
		{ "System RAM\n", ERROR_FORMAT, 0, 0 },
		{ "\n  2000-1ffe : x\n", ERROR_RANGE, 2, 3 },
		{ "10000000000000000-10000000000000001 : x\n", ERROR_RANGE, 1, 1 },
		{ "ffffffffffffffff0-fffffffffffffffff : x\n", ERROR_RANGE, 1, 1 },
		{ "1000-10000000000000000 : x\n", ERROR_RANGE, 1, 6 },
	};

	(void)state;
	check_errors(rows, sizeof(rows) / sizeof(rows[0]), refused);
}

static void read_any(const uint8_t *data, size_t len)
{
	struct iomem im;
	struct error *err = iomem_parse((const char *)data, len, "x", &im);

	error_destroy(err);
	if (err)
		return;
	for (uint32_t i = 0; i < im.nranges; i++) {
		const struct iomem_range *range = &im.ranges[i];

		assert_true(range->start <= range->end);
		if (range->parent == IOMEM_NO_PARENT)
			assert_int_equal(range->depth, 0);
		else
			assert_int_equal(im.ranges[range->parent].depth + 1, range->depth);
	}
	iomem_deinit(&im);
}

static void damage(void **state)
{
	(void)state;
	robust_truncate(read_any, SAMPLE, strlen(SAMPLE));
	robust_damage(read_any, SAMPLE, strlen(SAMPLE), 1, 20000);
}

/* Deeper than any kernel goes. */
static void deep(void **state)
{
	char text[200 * 230], *p = text;
	struct iomem im;

	(void)state;
	for (int i = 0; i < 100; i++) {
		memset(p, ' ', 2 * (size_t)i);
		p += (size_t)2 * i;
		memcpy(p, "1-2 : x\n", 8);
		p += 8;
	}
	check_ok(iomem_parse(text, (size_t)(p - text), "x", &im));
	assert_int_equal(im.nranges, 100);
	assert_int_equal(im.ranges[20].depth, 20);
	assert_true(im.ranges[99].depth < 100);
	iomem_deinit(&im);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tree),	     cmocka_unit_test(kinds),  cmocka_unit_test(hidden),
		cmocka_unit_test(odd_lines), cmocka_unit_test(errors), cmocka_unit_test(damage),
		cmocka_unit_test(deep),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
