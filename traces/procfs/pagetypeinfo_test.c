/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "traces/procfs/pagetypeinfo.h"
#include "traces/testing/check.h"
#include "traces/testing/robust.h"

#define HEAD "Page block order: 9\nPages per block:  512\n\n"
#define ORDERS "Free pages count per migrate type at order       0      1      2      3 \n"
#define NODE0                                                                                \
	ORDERS "Node    0, zone      DMA, type    Unmovable      1      0      0      1 \n"  \
	       "Node    0, zone      DMA, type      Movable      0      0      0      3 \n"  \
	       "Node    0, zone   Normal, type    Unmovable    189 >100000    737      0 \n" \
	       "Node    0, zone   Normal, type      Movable      5      4      3      2 \n"  \
	       "\n"                                                                          \
	       "Number of blocks type     Unmovable      Movable \n"                         \
	       "Node 0, zone      DMA            1            7 \n"                          \
	       "Node 0, zone   Normal           12          500 \n"
/* The other node has a type more, and the types in another order. */
#define NODE1                                                                               \
	ORDERS "Node    1, zone   Normal, type          CMA      0      0      1      0 \n" \
	       "\n"                                                                         \
	       "Number of blocks type           CMA      Movable \n"                        \
	       "Node 1, zone   Normal            4           60 \n"                         \
	       "Number of mixed blocks          CMA      Movable \n"                        \
	       "Node 1, zone   Normal            0            2 \n"
#define SAMPLE HEAD NODE0 HEAD NODE1

static void tables(void **state)
{
	const struct pagetypeinfo_free *row;
	const struct pagetypeinfo_blocks *blocks;
	struct pagetypeinfo pi;

	(void)state;
	check_ok(pagetypeinfo_parse(SAMPLE, strlen(SAMPLE), "x", &pi));
	assert_int_equal(pi.unknown_lines, 0);
	assert_true(pi.has_block_order && pi.has_pages_per_block);
	assert_int_equal(pi.block_order, 9);
	assert_int_equal(pi.pages_per_block, 512);
	assert_int_equal(pi.norders, 4);
	assert_int_equal(pi.ntypes, 3);
	assert_string_equal(pi.types[0], "Unmovable");
	assert_string_equal(pi.types[1], "Movable");
	assert_string_equal(pi.types[2], "CMA");
	assert_int_equal(pi.nfree, 5);
	assert_int_equal(pi.nblocks, 3);
	assert_int_equal(pi.nmixed, 1);

	row = pagetypeinfo_find_free(&pi, 0, "Normal", "Unmovable");
	assert_int_equal(row->free[0], 189);
	assert_int_equal(row->free[1], 100000);
	assert_int_equal(row->free[2], 737);
	assert_int_equal(row->capped, 1 << 1);
	row = pagetypeinfo_find_free(&pi, 1, "Normal", "CMA");
	assert_int_equal(row->free[2], 1);
	assert_int_equal(row->capped, 0);
	assert_null(pagetypeinfo_find_free(&pi, 1, "Normal", "Movable"));
	assert_null(pagetypeinfo_find_free(&pi, 0, "Normal", "Reserve"));

	blocks = pagetypeinfo_find_blocks(&pi, 0, "Normal");
	assert_int_equal(blocks->blocks[0], 12);
	assert_int_equal(blocks->blocks[1], 500);
	assert_int_equal(blocks->blocks[2], 0);
	blocks = pagetypeinfo_find_blocks(&pi, 1, "Normal");
	assert_int_equal(blocks->blocks[0], 0);
	assert_int_equal(blocks->blocks[1], 60);
	assert_int_equal(blocks->blocks[2], 4);
	assert_int_equal(pi.mixed[0].blocks[1], 2);
	assert_int_equal(pi.mixed[0].line, 22);
	pagetypeinfo_deinit(&pi);
}

/* As old kernels print it, and as mail programs wrap and quote it. */
static void other_shapes(void **state)
{
	static const char text[] = "> Free pages count per migrate type at order       0      1\n"
				   ">      2\n"
				   "> Node    0, zone      DMA, type       <NULL>      0\n"
				   "> >100000      7\n"
				   ">\n"
				   "> Number of blocks type     Unmovable\n"
				   "> <NULL>\n"
				   "> Node 0, zone      DMA            1\n"
				   "> 2\n"
				   "> and more\n"
				   "> Node 0, zone   Normal            1            2\n";
	struct pagetypeinfo pi;

	(void)state;
	check_ok(pagetypeinfo_parse(text, sizeof(text) - 1, "x", &pi));
	assert_false(pi.has_block_order);
	assert_false(pi.has_pages_per_block);
	assert_int_equal(pi.norders, 3);
	assert_int_equal(pi.nfree, 1);
	assert_int_equal(pi.free[0].free[2], 7);
	assert_int_equal(pi.free[0].capped, 1 << 1);
	assert_int_equal(pi.nblocks, 1);
	assert_int_equal(pi.blocks[0].blocks[pagetypeinfo_type(&pi, "<NULL>")], 2);
	/* A row after something unknown belongs to no table. */
	assert_int_equal(pi.unknown_lines, 2);
	assert_int_equal(pi.first_unknown_line, 10);
	pagetypeinfo_deinit(&pi);
}

/* What was there before a refusal is there after it. */
static struct error *refused(const char *text, size_t len)
{
	struct pagetypeinfo pi = { .nfree = 77 };
	struct error *err = pagetypeinfo_parse(text, len, "x", &pi);

	assert_int_equal(pi.nfree, 77);
	return err;
}

static void errors(void **state)
{
#define ROW "Node 0, zone DMA, type Movable 1 2 3 4\n"
	static const struct check_row rows[] = {
		{ "", ERROR_FORMAT, 0, 0 },
		{ HEAD, ERROR_FORMAT, 0, 0 },
		{ HEAD "Page block order: 10\n", ERROR_RANGE, 4, 21 },
		{ "Page block order: 64\n", ERROR_RANGE, 1, 18 },
		{ "Pages per block: x\n", ERROR_SYNTAX, 1, 18 },
		{ "Pages per block: 18446744073709551616\n", ERROR_RANGE, 1, 18 },
		{ ORDERS "Node 0, zone DMA, type Movable 1 2 3\n", ERROR_RANGE, 2, 0 },
		{ ORDERS "Node 0, zone DMA, type Movable 1 2 3 4 5\n", ERROR_RANGE, 2, 0 },
		{ ORDERS ROW "\n" ROW, ERROR_RANGE, 4, 0 },
		{ ORDERS "Node 0, zone DMA, type Movable 1 2 x\n", ERROR_SYNTAX, 2, 36 },
		{ ORDERS "Node 0, zone DMA, type Movable 1 2 99999999999999999999\n", ERROR_RANGE,
		  2, 36 },
		{ ORDERS ROW "Free pages count per migrate type at order 0 1\n", ERROR_RANGE, 3,
		  0 },
		{ "Free pages count per migrate type at order 0 2\n", ERROR_RANGE, 1, 47 },
		{ "Number of blocks type Movable Movable\n", ERROR_RANGE, 1, 31 },
	};

	(void)state;
	check_errors(rows, sizeof(rows) / sizeof(rows[0]), refused);
}

/* As many columns as there may be, and one more. */
static void wide(void **state)
{
	char text[1024] = "Free pages count per migrate type at order", number[16];
	struct pagetypeinfo pi;
	size_t len;

	(void)state;
	for (int i = 0; i < PAGETYPEINFO_ORDERS_MAX; i++) {
		snprintf(number, sizeof(number), " %d", i);
		strcat(text, number);
	}
	len = strlen(text);
	strcat(text, "\nNode 0, zone DMA, type Movable");
	for (int i = 0; i < PAGETYPEINFO_ORDERS_MAX; i++)
		strcat(text, " >1");
	check_ok(pagetypeinfo_parse(text, strlen(text), "x", &pi));
	assert_int_equal(pi.norders, PAGETYPEINFO_ORDERS_MAX);
	assert_true(pi.free[0].capped == UINT64_MAX);
	pagetypeinfo_deinit(&pi);
	strcat(text, " 1");
	check_error(pagetypeinfo_parse(text, strlen(text), "x", &pi), ERROR_LIMIT, 2, 224);
	strcpy(text + len, " 64");
	check_error(pagetypeinfo_parse(text, strlen(text), "x", &pi), ERROR_LIMIT, 1,
		    (uint32_t)len + 2);
}

static void read_any(const uint8_t *data, size_t len)
{
	struct pagetypeinfo pi;
	struct error *err = pagetypeinfo_parse((const char *)data, len, "x", &pi);
	uint64_t sum = 0;

	error_destroy(err);
	if (err)
		return;
	/* Every number can be reached. */
	for (uint32_t i = 0; i < pi.nfree; i++)
		for (uint32_t j = 0; j < pi.norders; j++)
			sum += pi.free[i].free[j] + (pi.types[pi.free[i].type][0] != '\0');
	for (uint32_t i = 0; i < pi.nblocks; i++)
		for (uint32_t j = 0; j < pi.ntypes; j++)
			sum += pi.blocks[i].blocks[j];
	for (uint32_t i = 0; i < pi.nmixed; i++)
		for (uint32_t j = 0; j < pi.ntypes; j++)
			sum += pi.mixed[i].blocks[j];
	(void)sum;
	pagetypeinfo_deinit(&pi);
}

static void damage(void **state)
{
	(void)state;
	robust_truncate(read_any, SAMPLE, strlen(SAMPLE));
	robust_damage(read_any, SAMPLE, strlen(SAMPLE), 1, 20000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tables), cmocka_unit_test(other_shapes), cmocka_unit_test(errors),
		cmocka_unit_test(wide),	  cmocka_unit_test(damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
