/* SPDX-License-Identifier: MIT */
#include "traces/column.h"

#include <stdlib.h>
#include <string.h>

#include "engine/prng.h"
#include "traces/testing/check.h"

/* Packs @values, and reads them back in pieces. */
static void check_values(const uint64_t *values, size_t count, struct prng *prng)
{
	struct column_room room = { 0 };
	struct column_reader r;
	Mmtrace__Column column;
	uint64_t *copy = calloc(count + 1, sizeof(*copy)), max = 0;

	assert_non_null(copy);
	check_ok(column_pack(values, count, &room, &column));
	check_ok(column_read_begin(&column, count, &r));
	for (size_t at = 0; at < count;) {
		size_t piece = prng_between(prng, 0, count - at);

		column_read(&r, piece, copy + at);
		at += piece;
	}
	assert_memory_equal(values, copy, count * sizeof(*values));
	assert_int_equal(column_max(&r), 0);
	check_ok(column_read_begin(&column, count, &r));
	for (size_t i = 0; i < count; i++)
		max = values[i] > max ? values[i] : max;
	assert_int_equal(column_max(&r), max);
	column_room_deinit(&room);
	free(copy);
}

static void test_any_values_come_back(void **state)
{
	struct prng prng = prng_init(5);
	uint64_t values[300];

	(void)state;
	for (int turn = 0; turn < 3000; turn++) {
		size_t count = prng_below(&prng, 300) + 1;
		uint64_t usual = prng_next(&prng) >> prng_below(&prng, 64);
		uint64_t rare = prng_next(&prng) >> prng_below(&prng, 64);

		for (size_t i = 0; i < count; i++)
			values[i] = prng_skewed(&prng, prng_chance(&prng, 1, 20) ? rare : usual);
		if (prng_chance(&prng, 1, 10))
			values[prng_below(&prng, count)] = UINT64_MAX;
		check_values(values, count, &prng);
	}
}

/* What the header draws. */
static void test_the_picture(void **state)
{
	const uint64_t values[] = { 3, 7, 0x1234, 0, 5, 1, 1, 1 };
	const uint8_t planes[] = { 3, 7, 0x34, 0, 5, 1, 1, 1 };
	struct column_room room = { 0 };
	Mmtrace__Column column;

	(void)state;
	check_ok(column_pack(values, 8, &room, &column));
	assert_int_equal(column.bytes, 1);
	assert_int_equal(column.planes.len, 8);
	assert_memory_equal(column.planes.data, planes, 8);
	assert_int_equal(column.n_at, 1);
	assert_int_equal(column.n_more, 1);
	assert_int_equal(column.at[0], 2);
	assert_int_equal(column.more[0], 0x12);
	column_room_deinit(&room);
}

static void test_zeros_cost_nothing(void **state)
{
	static uint64_t values[10000];
	struct column_room room = { 0 };
	Mmtrace__Column column;

	(void)state;
	check_ok(column_pack(values, 10000, &room, &column));
	assert_int_equal(mmtrace__column__get_packed_size(&column), 0);
	values[5000] = 9;
	check_ok(column_pack(values, 10000, &room, &column));
	assert_true(mmtrace__column__get_packed_size(&column) < 10);
	column_room_deinit(&room);
}

static void test_fold(void **state)
{
	static const int64_t differences[] = { 0, -1, 1, -2, 2, INT64_MAX, INT64_MIN };
	static const uint64_t folded[] = { 0, 1, 2, 3, 4, UINT64_MAX - 1, UINT64_MAX };

	(void)state;
	for (size_t i = 0; i < sizeof(folded) / sizeof(folded[0]); i++) {
		assert_int_equal(column_fold((uint64_t)differences[i]), folded[i]);
		assert_int_equal(column_unfold(folded[i]), (uint64_t)differences[i]);
	}
}

static void refuse(const Mmtrace__Column *column, size_t count)
{
	struct column_reader r;

	check_error(column_read_begin(column, count, &r), ERROR_CORRUPT, 0, 0);
}

static void test_lies(void **state)
{
	uint8_t planes[16] = { 0 };
	uint32_t at[] = { 1, 1, 0 };
	uint64_t more[] = { 1, 1, 1 };
	Mmtrace__Column column = MMTRACE__COLUMN__INIT;
	struct column_reader r;

	(void)state;
	column.bytes = 2;
	column.planes = (ProtobufCBinaryData){ 16, planes };
	column.at = at;
	column.more = more;
	check_ok(column_read_begin(&column, 8, &r));
	refuse(&column, 7);
	refuse(&column, 9);
	column.bytes = 9;
	refuse(&column, 8);
	column.bytes = UINT32_MAX;
	refuse(&column, 16);
	column.bytes = 2;
	/* Values 1, 3 and 4. */
	column.n_at = column.n_more = 3;
	check_ok(column_read_begin(&column, 8, &r));
	column.planes.len = 10;
	check_ok(column_read_begin(&column, 5, &r));
	column.planes.len = 8;
	refuse(&column, 4);
	column.planes.len = 16;
	column.n_more = 2;
	refuse(&column, 8);
	at[1] = UINT32_MAX;
	column.n_more = 3;
	refuse(&column, 8);
	at[0] = 0;
	column.bytes = 8;
	column.n_at = column.n_more = 0;
	check_ok(column_read_begin(&column, 2, &r));
	/* There is nothing above the eighth byte. */
	column.n_at = column.n_more = 1;
	refuse(&column, 2);
	column.n_at = column.n_more = 0;
	column.planes.len = 0;
	column.bytes = 0;
	check_ok(column_read_begin(&column, 0, &r));
	column.n_at = column.n_more = 1;
	refuse(&column, 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_any_values_come_back),
		cmocka_unit_test(test_the_picture),
		cmocka_unit_test(test_zeros_cost_nothing),
		cmocka_unit_test(test_fold),
		cmocka_unit_test(test_lies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
