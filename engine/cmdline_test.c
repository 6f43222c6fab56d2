/* SPDX-License-Identifier: MIT */
/* Tests of the command line: numbers, words and quotes, and each option with its odd values. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/cmdline.h"
#include "engine/e820.h"
#include "engine/prng.h"

static struct cmdline x86(const char *text)
{
	struct cmdline c;

	cmdline_parse(text, true, &c);
	return c;
}

static struct cmdline arm(const char *text)
{
	struct cmdline c;

	cmdline_parse(text, false, &c);
	return c;
}

static void numbers(void **state)
{
	static const struct {
		const char *text;
		uint64_t value;
		size_t length; /* what is read of it */
	} rows[] = {
		{ "", 0, 0 },
		{ "x", 0, 0 },
		{ "0", 0, 1 },
		{ "15", 15, 2 },
		{ "15,16", 15, 2 },
		{ "1K", 1024, 2 },
		{ "1k@", 1024, 2 },
		{ "3M", 3145728, 2 },
		{ "2g", 2147483648, 2 },
		{ "1T", 1ULL << 40, 2 },
		{ "1p", 1ULL << 50, 2 },
		{ "15E", 15ULL << 60, 3 },
		{ "1KK", 1024, 2 },
		{ "1B", 1, 1 },
		{ "0x1f", 31, 4 },
		{ "0X1Fg", 31ULL << 30, 5 },
		/* The suffixes that are hexadecimal digits are digits. */
		{ "0x1e", 30, 4 },
		{ "017", 15, 3 },
		{ "018", 1, 2 },
		/* Without a digit it is the octal number 0. */
		{ "0x", 0, 1 },
		{ "0xg", 0, 1 },
		{ "-1", 0, 0 },
		{ " 1", 0, 0 },
		{ "18446744073709551615", UINT64_MAX, 20 },
		/* Beyond 64 bits the upper ones are lost. */
		{ "18446744073709551616", 0, 20 },
		{ "17E", 1ULL << 60, 3 },
		/* A suffix with nothing before it is read all the same. */
		{ "mirror", 0, 1 },
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *end;

		assert_int_equal(memparse(rows[i].text, &end), rows[i].value);
		assert_int_equal(end - rows[i].text, rows[i].length);
		assert_int_equal(memparse(rows[i].text, NULL), rows[i].value);
	}
}

static void nothing_is_asked_for(void **state)
{
	static const char *const texts[] = { "",
					     "   \t\n",
					     "root=/dev/sda1 quiet",
					     "memx=1G Mem=1G nomem=1G",
					     "kernelcore_=1G",
					     "-- mem=1G kernelcore=1G nokaslr" };
	struct cmdline empty;

	(void)state;
	memset(&empty, 0, sizeof(empty));
	empty.highmem_bytes = UINT64_MAX;
	empty.sysctl_min_free_kbytes = empty.sysctl_watermark_scale_factor = UINT64_MAX;
	empty.sysctl_pcp_fraction = empty.sysctl_pcp_high_fraction = UINT64_MAX;
	for (unsigned int i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct cmdline c = x86(texts[i]);

		assert_memory_equal(&c, &empty, sizeof(c));
	}
}

/* Blanks part words, except within quotes, which are no part of them. */
static void words_and_quotes(void **state)
{
	struct cmdline c = x86("\"a b mem=1G\" crashkernel=\"1G x\"\tnokaslr\nmovable_node");

	(void)state;
	assert_string_equal(c.crashkernel, "1G x");
	assert_true(c.nokaslr);
	assert_true(c.movable_node);
	assert_int_equal(c.memmap_count, 0);
	/* A quote that is not closed takes the rest. */
	c = x86("crashkernel=\"1G nokaslr");
	assert_string_equal(c.crashkernel, "1G nokaslr");
	assert_false(c.nokaslr);
}

static void expect_memmap(const char *text, const struct memmap_option *rows, unsigned int count)
{
	struct cmdline c = x86(text);

	assert_int_equal(c.memmap_count, count);
	for (unsigned int i = 0; i < count; i++) {
		assert_int_equal(c.memmap[i].action, rows[i].action);
		assert_int_equal(c.memmap[i].start, rows[i].start);
		assert_int_equal(c.memmap[i].size, rows[i].size);
		assert_int_equal(c.memmap[i].type, rows[i].type);
		assert_int_equal(c.memmap[i].old_type, rows[i].old_type);
	}
}

#define EXPECT_MEMMAP(text, ...)                                                              \
	do {                                                                                  \
		static const struct memmap_option rows_[] = { __VA_ARGS__ };                  \
		expect_memmap(text, rows_, (unsigned int)(sizeof(rows_) / sizeof(rows_[0]))); \
	} while (0)
#define NOTHING                                             \
	{                                                   \
		.action = MEMMAP_LIMIT, .start = UINT64_MAX \
	}

static void maps_of_memory(void **state)
{
	struct cmdline c;

	(void)state;
	EXPECT_MEMMAP("memmap=1@2 memmap=3#4,5$6,7!8", { MEMMAP_ADD, 2, 1, E820_RAM, 0 },
		      { MEMMAP_ADD, 4, 3, E820_ACPI, 0 },
		      { MEMMAP_RESERVE, 6, 5, E820_RESERVED, 0 },
		      { MEMMAP_ADD, 8, 7, E820_PRAM, 0 });
	EXPECT_MEMMAP("memmap=1K%2K-1+2,1%2+0x80,1%2-3,1%2", { MEMMAP_CONVERT, 2048, 1024, 2, 1 },
		      { MEMMAP_CONVERT, 2, 1, 128, 0 }, { MEMMAP_CONVERT, 2, 1, 0, 3 },
		      { MEMMAP_CONVERT, 2, 1, 0, 0 });
	EXPECT_MEMMAP("memmap=exactmap,1G memmap=exactmap1", { .action = MEMMAP_EXACTMAP },
		      { .action = MEMMAP_LIMIT, .start = 1 << 30 }, { .action = MEMMAP_EXACTMAP });
	/* More after a type: no edit, but the map is the user's.  Types have no suffix. */
	EXPECT_MEMMAP("memmap=1%2-1+2x memmap=1%2+1K,1%2?", NOTHING, NOTHING, NOTHING);
	/* Elsewhere what follows does not matter. */
	EXPECT_MEMMAP("memmap=1@2x,1x", { MEMMAP_ADD, 2, 1, E820_RAM, 0 },
		      { .action = MEMMAP_LIMIT, .start = 1 });
	/* No number, no option. */
	c = x86("memmap=,@1,x,nopentium memmap= memmap");
	assert_int_equal(c.memmap_count, 0);
	c = arm("memmap=1G@1G");
	assert_int_equal(c.memmap_count, 0);
	/* There is room for 64; the rest is left out. */
	{
		char text[8 + 3 * (CMDLINE_MEMMAPS_MAX + 2)] = "memmap=";

		for (unsigned int i = 0; i < CMDLINE_MEMMAPS_MAX + 2; i++)
			strcat(text, "1,");
		c = x86(text);
		assert_int_equal(c.memmap_count, CMDLINE_MEMMAPS_MAX);
	}
}

static void limits_of_memory(void **state)
{
	struct cmdline c;

	(void)state;
	EXPECT_MEMMAP("mem=1G", { .action = MEMMAP_LIMIT, .start = 1 << 30 });
	/* x86 removes nothing for these, but the map counts as the user's. */
	EXPECT_MEMMAP("mem=0 mem=foo mem=", NOTHING, NOTHING, NOTHING);
	c = x86("mem mem=nopentium");
	assert_int_equal(c.memmap_count, 0);
	/* Elsewhere it is how much, or a bank. */
	c = arm("mem=512M");
	assert_true(c.has_mem_limit);
	assert_int_equal(c.mem_limit, 512 << 20);
	assert_int_equal(c.memmap_count, 0);
	c = arm("mem=512M@1G");
	assert_true(c.mem_elsewhere);
	assert_false(c.has_mem_limit);
	c = arm("mem=0 mem=foo mem= mem");
	assert_false(c.has_mem_limit);
}

static void expect_core(const struct core_option *core, bool set, bool mirror, uint64_t bytes,
			unsigned int percent)
{
	assert_int_equal(core->set, set);
	assert_int_equal(core->mirror, mirror);
	assert_int_equal(core->bytes, bytes);
	assert_int_equal(core->percent, percent);
}

static void core_memory(void **state)
{
	struct cmdline c = x86("kernelcore=512M movablecore=30%");

	(void)state;
	expect_core(&c.kernelcore, true, false, 512 << 20, 0);
	expect_core(&c.movablecore, true, false, 0, 30);
	c = x86("kernelcore=10% kernelcore=1M movablecore=1M movablecore=200%");
	expect_core(&c.kernelcore, true, false, 1 << 20, 0);
	expect_core(&c.movablecore, true, false, 0, 100);
	/* Mirrors are for kernelcore alone, and stay. */
	c = x86("kernelcore=mirror kernelcore=1G movablecore=mirror");
	expect_core(&c.kernelcore, true, true, 1 << 30, 0);
	expect_core(&c.movablecore, true, false, 0, 0);
	c = x86("movable_node");
	expect_core(&c.kernelcore, false, false, 0, 0);
	assert_true(c.movable_node);
}

static void nodes(void **state)
{
	char many[100];
	struct cmdline c;

	(void)state;
	c = x86("numa=off");
	assert_true(c.numa_off);
	assert_string_equal(c.numa_fake, "");
	c = x86("numa=fake=4,1");
	assert_string_equal(c.numa_fake, "4,1");
	assert_false(c.numa_off);
	memset(many, '7', 90);
	memcpy(many, "numa=fake=", 10);
	many[90] = 0;
	c = x86(many);
	assert_int_equal(strlen(c.numa_fake), CMDLINE_FAKE_MAX - 1);
	c = x86("numa_zonelist_order=Zone");
	assert_int_equal(c.zonelist_order, 'z');
	c = x86("numa_zonelist_order=z numa_zonelist_order=N");
	assert_int_equal(c.zonelist_order, 'n');
	c = x86("numa_zonelist_order=z numa_zonelist_order=x numa_zonelist_order=");
	assert_int_equal(c.zonelist_order, 'z');
	c = x86("numa_zonelist_order=z numa_zonelist_order=default");
	assert_int_equal(c.zonelist_order, 0);
}

static void expect_cma(const char *text, uint64_t size, uint64_t base, uint64_t limit)
{
	struct cmdline c = arm(text);

	assert_true(c.cma_set);
	assert_int_equal(c.cma_size, size);
	assert_int_equal(c.cma_base, base);
	assert_int_equal(c.cma_limit, limit);
}

static void contiguous_areas(void **state)
{
	struct cmdline c;

	(void)state;
	assert_false(arm("cma_=1").cma_set);
	expect_cma("cma=64M", 64 << 20, 0, 0);
	expect_cma("cma=0", 0, 0, 0);
	/* A base alone is a fixed place. */
	expect_cma("cma=1M@16M", 1 << 20, 16 << 20, 17 << 20);
	expect_cma("cma=1M@16M-1G", 1 << 20, 16 << 20, 1 << 30);
	expect_cma("cma=1M@16M-1G cma=2M", 2 << 20, 0, 0);
	c = arm("cma_pernuma=16M");
	assert_int_equal(c.cma_pernuma, 16 << 20);
	assert_true(c.numa_cma_set);
	assert_false(c.cma_set);
	c = arm("numa_cma=0:1M,3:2M");
	assert_true(c.numa_cma_set);
	assert_int_equal(c.numa_cma[0], 1 << 20);
	assert_int_equal(c.numa_cma[3], 2 << 20);
	/* What is wrong ends the list. */
	c = arm("numa_cma=1:1M,64:1M,2:1M");
	assert_int_equal(c.numa_cma[1], 1 << 20);
	assert_int_equal(c.numa_cma[2], 0);
	c = arm("numa_cma=1:1M;2:1M");
	assert_int_equal(c.numa_cma[2], 0);
	c = arm("numa_cma=1");
	assert_int_equal(c.numa_cma[1], 0);
}

static void sysctls(void **state)
{
	struct cmdline c = x86("sysctl.vm.min_free_kbytes=8192 sysctl/vm/watermark_scale_factor=20 "
			       "sysctl.vm.percpu_pagelist_fraction=8 "
			       "sysctl.vm.percpu_pagelist_high_fraction=0 sysctl.vm.foo=1");

	(void)state;
	assert_int_equal(c.sysctl_min_free_kbytes, 8192);
	assert_int_equal(c.sysctl_watermark_scale_factor, 20);
	assert_int_equal(c.sysctl_pcp_fraction, 8);
	assert_int_equal(c.sysctl_pcp_high_fraction, 0);
	assert_false(c.sysctl_lowmem_set);
	c = x86("sysctl.vm.lowmem_reserve_ratio=\"1 22\t333\"");
	assert_true(c.sysctl_lowmem_set);
	assert_int_equal(c.sysctl_lowmem_count, 3);
	assert_int_equal(c.sysctl_lowmem_ratio[0], 1);
	assert_int_equal(c.sysctl_lowmem_ratio[1], 22);
	assert_int_equal(c.sysctl_lowmem_ratio[2], 333);
	/* Eight are read at most; commas are no blanks. */
	c = x86("sysctl.vm.lowmem_reserve_ratio=\"1 2 3 4 5 6 7 8 9\"");
	assert_int_equal(c.sysctl_lowmem_count, 8);
	c = x86("sysctl.vm.lowmem_reserve_ratio=1,2");
	assert_int_equal(c.sysctl_lowmem_count, 0);
	assert_true(c.sysctl_lowmem_set);
	/* Numbers before a mistake are written, and a shorter list leaves the end of the one before. */
	c = x86("sysctl.vm.lowmem_reserve_ratio=\"5 x\"");
	assert_int_equal(c.sysctl_lowmem_count, 1);
	c = x86("sysctl.vm.lowmem_reserve_ratio=\"5 6 7\" sysctl.vm.lowmem_reserve_ratio=8");
	assert_int_equal(c.sysctl_lowmem_count, 3);
	assert_int_equal(c.sysctl_lowmem_ratio[0], 8);
	assert_int_equal(c.sysctl_lowmem_ratio[2], 7);
	/* What the kernel refuses is as if it were not there. */
	c = x86("sysctl.vm.min_free_kbytes=64M sysctl.vm.watermark_scale_factor=0 "
		"sysctl.vm.percpu_pagelist_fraction=7 sysctl.vm.percpu_pagelist_high_fraction=-1");
	assert_true(c.sysctl_min_free_kbytes == UINT64_MAX);
	assert_true(c.sysctl_watermark_scale_factor == UINT64_MAX);
	assert_true(c.sysctl_pcp_fraction == UINT64_MAX);
	assert_true(c.sysctl_pcp_high_fraction == UINT64_MAX);
}

/* Which options the model knows, one by one. */
static void known_options(void **state)
{
	static const struct {
		const char *word;
		bool x86, elsewhere;
	} rows[] = {
		{ "mem=1G", true, true },
		{ "a b", false, false },
		{ "memmap=1M", true, false },
		{ "sysctl.vm.swappiness=3", false, false },
		{ "sysctl/vm/min_free_kbytes=x", true, true },
		{ "movablecore", true, true },
		{ "movablecor", false, false },
	};
	const char *text = " mem=1G \"a b\"  memmap=1M \"\" sysctl.vm.swappiness=3 "
			   "sysctl/vm/min_free_kbytes=x movablecore movablecor -- numa=off";

	(void)state;
	for (unsigned int arch = 0; arch < 2; arch++) {
		const char *p = text;
		char word[64];
		bool known;

		for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
			assert_true(cmdline_next(&p, arch, word, sizeof(word), &known));
			assert_string_equal(word, rows[i].word);
			assert_int_equal(known, arch ? rows[i].x86 : rows[i].elsewhere);
		}
		assert_false(cmdline_next(&p, arch, word, sizeof(word), &known));
	}
}

static void other_options(void **state)
{
	struct cmdline c = x86("transparent_hugepage=never vmalloc=512M highmem=0 memblock=debug "
			       "mminit_loglevel=4 crashkernel=256M,high");

	(void)state;
	assert_true(c.thp_never);
	assert_int_equal(c.vmalloc_bytes, 512 << 20);
	assert_int_equal(c.highmem_bytes, 0);
	assert_true(c.mem_debug);
	assert_int_equal(c.mminit_loglevel, 4);
	assert_string_equal(c.crashkernel, "256M,high");
	c = x86("transparent_hugepage=never transparent_hugepage=always memblock=quiet");
	assert_false(c.thp_never);
	assert_false(c.mem_debug);
}

/* A word longer than any room is cut, and whatever stands there nothing is written outside. */
static void any_text_is_survived(void **state)
{
	static const char letters[] = "mem=ap@#$!%-+,0xKG18 \"numafke:cor.vlsy/_";
	static const char *const starts[] = {
		"memmap=", "mem=",	   "cma=",	  "numa_cma=",
		"numa=",   "crashkernel=", "kernelcore=", "sysctl.vm.lowmem_reserve_ratio="
	};
	char text[2000];

	(void)state;
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = 0;
	memcpy(text, "crashkernel=", 12);
	assert_int_equal(strlen(x86(text).crashkernel), CMDLINE_FAKE_MAX - 1);
	for (unsigned int run = 0; run < 20000; run++) {
		struct prng prng = prng_init(run);
		size_t length = 0, most = prng_skewed(&prng, 1200);
		struct cmdline c;

		strcpy(text, starts[prng_below(&prng, 8)]);
		for (length = strlen(text); length < most; length++)
			text[length] = letters[prng_below(&prng, sizeof(letters) - 1)];
		text[length] = 0;
		cmdline_parse(text, run % 2, &c);
		assert_true(c.memmap_count <= CMDLINE_MEMMAPS_MAX);
		assert_true(c.sysctl_lowmem_count <= 8);
		assert_true(strlen(c.crashkernel) < CMDLINE_FAKE_MAX);
		assert_true(strlen(c.numa_fake) < CMDLINE_FAKE_MAX);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers),
		cmocka_unit_test(nothing_is_asked_for),
		cmocka_unit_test(words_and_quotes),
		cmocka_unit_test(maps_of_memory),
		cmocka_unit_test(limits_of_memory),
		cmocka_unit_test(core_memory),
		cmocka_unit_test(nodes),
		cmocka_unit_test(contiguous_areas),
		cmocka_unit_test(sysctls),
		cmocka_unit_test(known_options),
		cmocka_unit_test(other_options),
		cmocka_unit_test(any_text_is_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
