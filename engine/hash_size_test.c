/* SPDX-License-Identifier: MIT */
/*
 * Tests of the sizes of hash tables: the steps of alloc_large_system_hash by hand, tables that kernels
 * printed, and any input against a model that counts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/hash_size.h"
#include "engine/prng.h"

#define GIB_PAGES (1ULL << 18)

struct fixture {
	struct facts facts;
	struct arch_config config;
	struct hash_input in;
};

static void begin(struct fixture *f, const char *version, enum arch arch, uint64_t pages)
{
	uint32_t v;

	memset(f, 0, sizeof(*f));
	assert_true(facts_parse_version(version, &v));
	facts_init(&f->facts, v);
	arch_config_default(arch, false, &f->config);
	f->in = (struct hash_input){ .bucket_bytes = 8,
				     .scale = 13,
				     .nr_kernel_pages = pages,
				     .nr_all_pages = pages,
				     .config = &f->config,
				     .facts = &f->facts };
}

static uint64_t entries(const char *version, enum arch arch, uint64_t pages, unsigned int scale)
{
	struct fixture f;

	begin(&f, version, arch, pages);
	f.in.scale = scale;
	return hash_size_entries(&f.in);
}

/* A PC of 2 GiB, Debian's 6.1: 515804 pages, rounded up to 515840. */
static void tables_of_2_gib(void **state)
{
	struct fixture f;

	(void)state;
	/* One bucket for 2^13 bytes: 515840 / 2 = 257920, so 2^18. */
	assert_int_equal(entries("6.1", ARCH_X86_64, 515804, 13), 262144);
	assert_int_equal(entries("6.1", ARCH_X86_64, 515804, 14), 131072);
	assert_int_equal(entries("6.1", ARCH_X86_64, 515804, 19), 4096);
	/* For 2^12 and less there are as many buckets as pages, and more: 515840 * 4 = 2063360. */
	assert_int_equal(entries("6.1", ARCH_X86_64, 515804, 12), 524288);
	assert_int_equal(entries("6.1", ARCH_X86_64, 515804, 10), 2097152);
	/* UDP: 32 bytes, 2^21, 256 to 65536: 515840 / 512 = 1007 */
	begin(&f, "6.1", ARCH_X86_64, 515804);
	f.in.bucket_bytes = 32;
	f.in.scale = 21;
	f.in.low_limit = 256;
	f.in.high_limit = 65536;
	assert_int_equal(hash_size_entries(&f.in), 1024);
	f.in.low_limit = 4096;
	assert_int_equal(hash_size_entries(&f.in), 4096);
	f.in.high_limit = 512;
	assert_int_equal(hash_size_entries(&f.in), 512);
	/* A limit that is no power of two is rounded down. */
	f.in.high_limit = 1023;
	assert_int_equal(hash_size_entries(&f.in), 512);
	/* So many asked for: rounded up, then limited. */
	f.in.high_limit = 65536;
	f.in.low_limit = 0;
	f.in.entries = 16385;
	assert_int_equal(hash_size_entries(&f.in), 32768);
	f.in.entries = 100000;
	assert_int_equal(hash_size_entries(&f.in), 65536);
	f.in.entries = 1;
	assert_int_equal(hash_size_entries(&f.in), 1);
}

/* Rounded up to whole megabytes: 256 pages, of which 257 make two. */
static void memory_counts_in_megabytes(void **state)
{
	(void)state;
	assert_int_equal(entries("6.1", ARCH_X86_64, 65536, 13), 32768);
	assert_int_equal(entries("6.1", ARCH_X86_64, 65281, 13), 32768);
	assert_int_equal(entries("6.1", ARCH_X86_64, 65537, 13), 65536);
}

/* A table is at least a page, unless it is small: then at least so many entries. */
static void least_tables(void **state)
{
	struct fixture f;

	(void)state;
	/* 256 / 2 = 128 buckets of 8 are 1024 bytes; but memory must be 16 times the table. */
	begin(&f, "6.1", ARCH_X86_64, 256);
	assert_int_equal(hash_size_entries(&f.in), 512);
	f.in.nr_all_pages = 15;
	assert_int_equal(hash_size_entries(&f.in), 256); /* 15 * 4096 / 16 / 8 = 480 */
	f.in.nr_all_pages = 0;
	assert_int_equal(hash_size_entries(&f.in), 0);
	/* 512 buckets are a page to the byte. */
	begin(&f, "6.1", ARCH_X86_64, 1024);
	assert_int_equal(hash_size_entries(&f.in), 512);
	f.in.bucket_bytes = 4;
	assert_int_equal(hash_size_entries(&f.in), 1024);
	/* PID: at least 2^4, one for 2^18 bytes. */
	begin(&f, "4.4", ARCH_X86_64, 256);
	f.in.small_shift = 4;
	f.in.scale = 18;
	f.in.high_limit = 4096;
	assert_int_equal(hash_size_entries(&f.in), 16);
	f.in.nr_kernel_pages = 16ULL * 64;
	assert_int_equal(hash_size_entries(&f.in), 16);
	f.in.nr_kernel_pages = 17ULL * 64;
	assert_int_equal(hash_size_entries(&f.in), 32);
	f.in.nr_kernel_pages = 1000000;
	assert_int_equal(hash_size_entries(&f.in), 4096);
}

/* Beyond 64 GiB, 256 GiB, 1 TiB ... one step of scale each, if there is no upper limit. */
static void tables_grow_slower_above_64_gib(void **state)
{
	struct fixture f;

	(void)state;
	assert_int_equal(entries("6.1", ARCH_X86_64, 64 * GIB_PAGES, 13), 8388608);
	/* 64 GiB and a page: a megabyte more, half of it as scale is 14, rounded up: 2^23 again. */
	assert_int_equal(entries("6.1", ARCH_X86_64, 64 * GIB_PAGES + 1, 13), 8388608);
	assert_int_equal(entries("4.4", ARCH_X86_64, 64 * GIB_PAGES + 1, 13), 16777216);
	assert_int_equal(entries("6.1", ARCH_X86_64, 256 * GIB_PAGES, 13), 16777216);
	assert_int_equal(entries("6.1", ARCH_X86_64, 257 * GIB_PAGES, 13), 16777216);
	assert_int_equal(entries("6.1", ARCH_X86_64, 1024 * GIB_PAGES, 13), 33554432);
	assert_int_equal(entries("6.1", ARCH_X86_64, 4096 * GIB_PAGES, 13), 67108864);
	/* Not on 32 bits. */
	assert_int_equal(entries("6.1", ARCH_I386, 257 * GIB_PAGES, 13), 67108864);
	begin(&f, "6.1", ARCH_X86_64, 257 * GIB_PAGES);
	f.in.high_limit = 1ULL << 30;
	assert_int_equal(hash_size_entries(&f.in), 67108864);
	/* 64-KiB pages: 2^20 of them are 64 GiB, 2^16 bytes a page. */
	begin(&f, "6.1", ARCH_ARM64, (1 << 20) + 1);
	arch_config_set_page_shift(&f.config, 16);
	assert_int_equal(hash_size_entries(&f.in), 8388608);
}

/* However much memory a source speaks of: an answer, and never more than 2^31 entries. */
static void absurd_sizes_end(void **state)
{
	static const uint64_t pages[] = { 1ULL << 51,	    (1ULL << 52) - 1, 1ULL << 52,
					  (1ULL << 62) + 1, 1ULL << 63,	      UINT64_MAX };
	struct fixture f;

	(void)state;
	for (unsigned int i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
		begin(&f, "6.1", ARCH_X86_64, pages[i]);
		for (f.in.scale = 1; f.in.scale < 24; f.in.scale++)
			assert_in_range(hash_size_entries(&f.in), 1 << 20, 1ULL << 31);
		f.in.bucket_bytes = UINT32_MAX;
		assert_true(hash_size_entries(&f.in) <= 1ULL << 31);
		f.in.entries = pages[i];
		assert_true(hash_size_entries(&f.in) <= 1ULL << 31);
		f.in.high_limit = pages[i];
		assert_int_equal(hash_size_entries(&f.in), 1ULL << 31);
	}
	/* 2^52 pages times 2^11 are 2^63 buckets, which are 2^66 bytes and not none. */
	assert_int_equal(entries("6.1", ARCH_I386, 1ULL << 52, 1), 1ULL << 31);
	/* 2^52 pages, one entry for 2^13 bytes, and 14 steps of scale: 2^64 / 2^27 */
	assert_int_equal(entries("6.1", ARCH_X86_64, 1ULL << 52, 13), 1ULL << 31);
	assert_int_equal(entries("6.1", ARCH_X86_64, UINT64_MAX, 20), 1ULL << 30);
}

/* By halving and doubling, one step after the other. */
static uint64_t slow_entries(const struct hash_input *in, bool adaptive)
{
	uint64_t megabytes, n = in->entries, page = 1ULL << in->config->page_shift, max, p = 1;
	unsigned int scale = in->scale;

	if (!n) {
		megabytes = (in->nr_kernel_pages * page + (1 << 20) - 1) >> 20;
		if (adaptive && !in->high_limit)
			for (uint64_t step = 65536; step < megabytes; step *= 4)
				scale++;
		/* One for each 2^scale bytes, whole ones. */
		n = scale < 20 ? megabytes << (20 - scale) : megabytes >> (scale - 20);
		if (in->small_shift && n < 1ULL << in->small_shift)
			n = 1ULL << in->small_shift;
		else if (!in->small_shift && n * in->bucket_bytes < page)
			n = page / in->bucket_bytes;
	}
	while (p < n)
		p *= 2;
	max = in->high_limit ? in->high_limit : in->nr_all_pages * page / 16 / in->bucket_bytes;
	while (p < in->low_limit)
		p *= 2;
	while (p > 1 && (p > max || p > 1ULL << 31))
		p /= 2;
	return max ? p : 0;
}

static void any_input_agrees_with_the_model(void **state)
{
	static const uint64_t buckets[] = { 4, 8, 12, 16, 24, 32, 64 };

	(void)state;
	for (unsigned int run = 0; run < 20000; run++) {
		struct prng prng = prng_init(run);
		struct fixture f;
		uint64_t got, expected;

		begin(&f, run % 2 ? "6.1" : "4.4", run % 3 ? ARCH_X86_64 : ARCH_I386,
		      prng_skewed(&prng, 1ULL << 34) + 1);
		if (prng_chance(&prng, 1, 4))
			arch_config_set_page_shift(&f.config, 16);
		f.in.nr_all_pages += prng_skewed(&prng, 1 << 20);
		f.in.bucket_bytes = buckets[prng_below(&prng, 7)];
		f.in.scale = (unsigned int)prng_between(&prng, 10, 22);
		if (prng_chance(&prng, 1, 4))
			f.in.entries = prng_skewed(&prng, 1 << 24) + 1;
		if (prng_chance(&prng, 1, 4))
			f.in.small_shift = 4;
		/* Limits are powers of two, as in every table there is. */
		if (prng_chance(&prng, 1, 3))
			f.in.high_limit = 1ULL << prng_between(&prng, 10, 20);
		if (prng_chance(&prng, 1, 3))
			f.in.low_limit = 1ULL << prng_between(&prng, 1, 10);
		expected = slow_entries(&f.in, run % 2 && run % 3);
		got = hash_size_entries(&f.in);
		if (got != expected)
			fail_msg("run %u: %llu, not %llu", run, (unsigned long long)got,
				 (unsigned long long)expected);
	}
}

/* The order printed: first the logarithm, which can be negative; later the least that holds the table. */
static void orders(void **state)
{
	static const struct {
		const char *version;
		uint64_t bytes;
		int order;
	} rows[] = {
		{ "6.1", 1, 0 },     { "6.1", 4096, 0 },    { "6.1", 4097, 1 },
		{ "6.1", 49152, 4 }, { "6.1", 2097152, 9 }, { "4.4", 2097152, 9 },
		{ "4.4", 49152, 3 }, { "4.4", 4096, 0 },    { "4.4", 4095, -1 },
		{ "4.4", 64, -6 },
	};
	struct fixture f;

	(void)state;
	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		begin(&f, rows[i].version, ARCH_X86_64, 0);
		assert_int_equal(hash_size_order(rows[i].bytes, &f.config, &f.facts),
				 rows[i].order);
	}
	arch_config_set_page_shift(&f.config, 16);
	assert_int_equal(hash_size_order(65536, &f.config, &f.facts), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tables_of_2_gib),
		cmocka_unit_test(memory_counts_in_megabytes),
		cmocka_unit_test(least_tables),
		cmocka_unit_test(tables_grow_slower_above_64_gib),
		cmocka_unit_test(absurd_sizes_end),
		cmocka_unit_test(any_input_agrees_with_the_model),
		cmocka_unit_test(orders),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
