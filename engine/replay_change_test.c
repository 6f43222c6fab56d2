/* SPDX-License-Identifier: MIT */
/* CPUs and memory that come and go while a machine is traced, on one with two CPUs and four sections of memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/boot.h"
#include "engine/pageset.h"
#include "engine/replay.h"
#include "engine/testing/made_boot.h"

#define MIB (1ULL << 20)
#define SECTION 0x8000ULL /* pages of 128 MiB */
#define ALLOC_AND_FREE (1U << EVENT_ALLOC | 1U << EVENT_FREE)
/* All of the last section but one is free when the machine has booted. */
enum { CPUS = 2, FREE_SECTION = 2 };
enum { UNMOVABLE = 0, MOVABLE = 1 }; /* the kernel's numbers */

struct fixture {
	struct made_boot boot;
	struct machine booted, late;
	struct replay *replay;
	pfn_t guess; /* about the last event that had one */
	enum replay_miss miss;
};

static void on_prediction(void *ctx, const struct replay_prediction *p)
{
	struct fixture *f = ctx;

	f->guess = p->predicted;
	f->miss = p->miss;
}

static void set_up(struct fixture *f, const char *version, uint32_t kinds)
{
	struct replay_options options = {
		.kinds = kinds, .cpu_count = CPUS, .predicted = on_prediction, .ctx = f
	};

	made_boot_init(&f->boot, ARCH_X86_64, version);
	made_boot_memory(&f->boot, MIB, 512 * MIB, -1);
	made_boot_cpus(&f->boot, CPUS, 0);
	machine_init(&f->booted);
	machine_init(&f->late);
	f->booted.want_lists = true;
	boot_run(&f->booted, &f->boot.in, STAGE_MEM_INIT);
	boot_run(&f->late, &f->boot.in, STAGE_LATE);
	f->replay = replay_create(&f->booted, &f->late, &options);
	assert_non_null(f->replay);
}

static void tear_down(struct fixture *f)
{
	assert_null(replay_check(f->replay));
	assert_false(replay_out_of_memory(f->replay));
	replay_destroy(f->replay);
	machine_deinit(&f->late);
	machine_deinit(&f->booted);
}

static void tell(struct fixture *f, enum event_kind kind, uint16_t cpu, pfn_t pfn, uint8_t order)
{
	struct event e = { .kind = (uint8_t)kind,
			   .cpu = cpu,
			   .pid = 1,
			   .migratetype = MOVABLE,
			   .pfn = pfn,
			   .order = order };

	if (kind == EVENT_ALLOC)
		e.gfp = 0x2 | 0x8; /* __GFP_HIGHMEM, __GFP_MOVABLE */
	replay_event(f->replay, &e);
}

static void change(struct fixture *f, enum replay_change_kind kind, uint64_t value)
{
	replay_change(f->replay, &(struct replay_change){ kind, value, SYSCTL_COUNT });
}

static void write_sysctl(struct fixture *f, enum sysctl which, uint64_t value)
{
	replay_change(f->replay, &(struct replay_change){ REPLAY_SYSCTL, value, which });
}

/* Programs run: page sets have their last sizes. */
static void begin(struct fixture *f)
{
	replay_forget(f->replay);
	for (pfn_t pfn = FREE_SECTION * SECTION; pfn < (FREE_SECTION + 2) * SECTION; pfn += 1024)
		tell(f, EVENT_FREE, 0, pfn, 10);
}

static struct pageset *set_of(const struct fixture *f, uint32_t cpu)
{
	struct page_alloc *a = replay_alloc(f->replay);

	return page_alloc_set(a, page_alloc_zone_of(a, 3 * SECTION), cpu);
}

static const struct alloc_zone *zone_of(const struct fixture *f)
{
	struct page_alloc *a = replay_alloc(f->replay);

	return &a->zones[page_alloc_zone_of(a, 3 * SECTION)];
}

static bool is_free(const struct fixture *f, pfn_t pfn)
{
	struct page_alloc *a = replay_alloc(f->replay);
	uint32_t zone = page_alloc_zone_of(a, pfn);
	struct buddy_block block;

	return zone != BUDDY_ZONE_NONE && buddy_find(a->buddy, zone, pfn, &block);
}

static bool is_listed(const struct fixture *f, pfn_t pfn)
{
	struct page_alloc *a = replay_alloc(f->replay);

	return pageset_holds(a, page_alloc_zone_of(a, pfn), pfn);
}

/* ---- CPUs ---------------------------------------------------------------------------------------- */

/* The page sets of a CPU that goes are drained, and those of the others may hold its share. */
static void test_cpu_goes(void **state)
{
	struct fixture f;
	uint32_t high;

	(void)state;
	set_up(&f, "6.1", ALLOC_AND_FREE);
	begin(&f);
	high = set_of(&f, 0)->high;
	tell(&f, EVENT_FREE, 1, 0x1000, 0);
	tell(&f, EVENT_FREE, 0, 0x1100, 0);
	assert_true(is_listed(&f, 0x1000));
	set_of(&f, 1)->diff = (struct stat_diff){ -3, -2 };
	change(&f, REPLAY_CPU_DOWN, 1);
	/* All see what it had counted. */
	assert_int_equal(set_of(&f, 1)->diff.free, 0);
	assert_int_equal(set_of(&f, 1)->diff.cma, 0);
	assert_true(is_free(&f, 0x1000));
	assert_true(is_listed(&f, 0x1100));
	assert_in_range(set_of(&f, 0)->high, 2 * high, 2 * high + 1);
	/* It took a moment until it was gone. */
	tell(&f, EVENT_FREE, 1, 0x1002, 0);
	assert_true(is_listed(&f, 0x1002));
	tell(&f, EVENT_FREE, 0, 0x1102, 0);
	assert_true(is_free(&f, 0x1002));
	assert_true(is_listed(&f, 0x1102));
	/* Who is gone cannot go, nor the last. */
	change(&f, REPLAY_CPU_DOWN, 1);
	change(&f, REPLAY_CPU_DOWN, 0);
	assert_in_range(set_of(&f, 0)->high, 2 * high, 2 * high + 1);
	assert_true(is_listed(&f, 0x1102));
	change(&f, REPLAY_CPU_UP, 1);
	assert_int_equal(set_of(&f, 0)->high, high);
	tell(&f, EVENT_FREE, 1, 0x1004, 0);
	tell(&f, EVENT_FREE, 0, 0x1104, 0);
	assert_true(is_listed(&f, 0x1004));
	change(&f, REPLAY_CPU_UP, 1);
	change(&f, REPLAY_CPU_UP, CPUS);
	assert_int_equal(set_of(&f, 0)->high, high);
	tear_down(&f);
}

/* Where drains are told of, nothing is drained but by these, and what is left then is not there. */
static void test_cpu_goes_and_drains_are_told(void **state)
{
	struct fixture f;
	uint32_t high;

	(void)state;
	set_up(&f, "6.1", 0);
	begin(&f);
	tell(&f, EVENT_PCPU_DRAIN, 0, 0x2000, 0);
	high = set_of(&f, 0)->high;
	for (pfn_t pfn = 0x1000; pfn < 0x1010; pfn += 2)
		tell(&f, EVENT_FREE, 1, pfn, 0);
	change(&f, REPLAY_CPU_DOWN, 1);
	assert_int_equal(set_of(&f, 0)->high, high);
	tell(&f, EVENT_FREE, 1, 0x1200, 0);
	tell(&f, EVENT_PCPU_DRAIN, 0, 0x1200, 0);
	for (pfn_t pfn = 0x1002; pfn < 0x1010; pfn += 2)
		tell(&f, EVENT_PCPU_DRAIN, 0, pfn, 0);
	assert_true(is_listed(&f, 0x1000));
	assert_int_equal(set_of(&f, 0)->high, high);
	tell(&f, EVENT_FREE, 0, 0x1100, 0);
	assert_false(is_listed(&f, 0x1000) || is_free(&f, 0x1000));
	assert_true(is_free(&f, 0x1002) && is_free(&f, 0x1200));
	assert_in_range(set_of(&f, 0)->high, 2 * high, 2 * high + 1);
	tear_down(&f);
}

/* Nor does it matter from where a state that is gone back to came, or how often that was done. */
static void test_cpu_goes_again(void **state)
{
	struct fixture f;
	struct replay_state *s;
	uint32_t high;

	(void)state;
	set_up(&f, "6.1", ALLOC_AND_FREE);
	begin(&f);
	high = set_of(&f, 0)->high;
	change(&f, REPLAY_CPU_DOWN, 1);
	tell(&f, EVENT_FREE, 0, 0x1100, 0);
	for (unsigned int round = 0; round < 3; round++) {
		s = replay_save(f.replay);
		assert_non_null(s);
		change(&f, REPLAY_CPU_UP, 1);
		tell(&f, EVENT_FREE, 0, 0x1102, 0);
		assert_int_equal(set_of(&f, 0)->high, high);
		assert_true(replay_restore(f.replay, s));
		replay_state_destroy(s);
		assert_in_range(set_of(&f, 0)->high, 2 * high, 2 * high + 1);
	}
	change(&f, REPLAY_CPU_UP, 1);
	tell(&f, EVENT_FREE, 0, 0x1104, 0);
	assert_int_equal(set_of(&f, 0)->high, high);
	change(&f, REPLAY_CPU_DOWN, 1);
	assert_in_range(set_of(&f, 0)->high, 2 * high, 2 * high + 1);
	tear_down(&f);
}

/* What cannot be done to a machine is no reason not to go back. */
static void test_going_back_where_nothing_can_be_done(void **state)
{
	struct fixture f;
	struct replay_state *s;

	(void)state;
	set_up(&f, "6.1", ALLOC_AND_FREE);
	f.late.cmdline.kernelcore.mirror = true;
	begin(&f);
	change(&f, REPLAY_CPU_DOWN, 1);
	s = replay_save(f.replay);
	assert_non_null(s);
	tell(&f, EVENT_FREE, 1, 0x1000, 0);
	assert_true(is_listed(&f, 0x1000));
	assert_true(replay_restore(f.replay, s));
	replay_state_destroy(s);
	assert_false(is_listed(&f, 0x1000));
	change(&f, REPLAY_CPU_DOWN, 1);
	tell(&f, EVENT_FREE, 1, 0x1000, 0);
	assert_true(is_listed(&f, 0x1000));
	tear_down(&f);
}

/* The first page that is drained then is that of the CPU that goes. */
static void test_what_is_drained_first(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f, "6.1", 0);
	begin(&f);
	tell(&f, EVENT_PCPU_DRAIN, 0, 0x2000, 0);
	tell(&f, EVENT_FREE, 0, 0x1100, 0);
	tell(&f, EVENT_FREE, 1, 0x1000, 0);
	change(&f, REPLAY_CPU_DOWN, 1);
	tell(&f, EVENT_FREE, 0, 0x1102, 0);
	tell(&f, EVENT_PCPU_DRAIN, 0, 0x1000, 0);
	assert_int_equal(f.miss, REPLAY_HIT);
	tear_down(&f);
}

/* ---- memory -------------------------------------------------------------------------------------- */

static void test_memory_goes(void **state)
{
	struct fixture f;
	struct replay_state *before;
	uint64_t managed;
	uint32_t high, batch;
	pfn_t first;

	(void)state;
	set_up(&f, "6.1", ALLOC_AND_FREE);
	begin(&f);
	managed = zone_of(&f)->managed;
	high = set_of(&f, 0)->high;
	batch = set_of(&f, 0)->batch;
	tell(&f, EVENT_FREE, 1, 0x1000, 0);
	before = replay_save(f.replay);
	assert_non_null(before);
	change(&f, REPLAY_MEMORY_OFFLINE, FREE_SECTION);
	assert_false(is_free(&f, FREE_SECTION * SECTION));
	assert_true(is_free(&f, (FREE_SECTION + 1) * SECTION));
	assert_int_equal(zone_of(&f)->managed, managed - SECTION);
	/* All page sets were drained, and hold nothing for now. */
	assert_true(is_free(&f, 0x1000));
	tell(&f, EVENT_FREE, 0, 0x1100, 0);
	tell(&f, EVENT_FREE, 0, 0x1200, 0);
	assert_true(is_free(&f, 0x1100));
	/* Pages come one after the other from a list that holds more again. */
	tell(&f, EVENT_ALLOC, 0, 0x1100, 0);
	first = f.guess;
	tell(&f, EVENT_ALLOC, 0, first, 0);
	for (pfn_t pfn = first; pfn < first + 40; pfn++)
		tell(&f, EVENT_ALLOC, 0, f.guess + 1, 0);
	tell(&f, EVENT_FREE, 0, 0x1104, 0);
	/* It was otherwise before. */
	assert_true(replay_restore(f.replay, before));
	assert_true(is_free(&f, FREE_SECTION * SECTION));
	assert_true(is_listed(&f, 0x1000));
	assert_int_equal(zone_of(&f)->managed, managed);
	assert_int_equal(set_of(&f, 0)->high, high);
	assert_int_equal(set_of(&f, 0)->batch, batch);
	replay_state_destroy(before);
	tear_down(&f);
}

/* Up to 5.10 they were drained alone. */
static void test_page_sets_stay_in_use(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f, "5.10", ALLOC_AND_FREE);
	begin(&f);
	tell(&f, EVENT_FREE, 1, 0x1000, 0);
	change(&f, REPLAY_MEMORY_OFFLINE, FREE_SECTION);
	assert_false(is_free(&f, FREE_SECTION * SECTION));
	assert_true(is_free(&f, 0x1000));
	tell(&f, EVENT_FREE, 0, 0x1100, 0);
	tell(&f, EVENT_FREE, 0, 0x1200, 0);
	assert_true(is_listed(&f, 0x1100));
	tear_down(&f);
}

/* Told: a free that is drained at once is foreseen, and so is its end when a list is filled with more. */
static void test_frees_are_drained_at_once(void **state)
{
	struct fixture f;
	pfn_t page = 0x1000;

	(void)state;
	set_up(&f, "6.1", 0);
	begin(&f);
	tell(&f, EVENT_PCPU_DRAIN, 0, 0x2000, 0);
	tell(&f, EVENT_FREE, 1, page, 0);
	change(&f, REPLAY_MEMORY_OFFLINE, FREE_SECTION);
	assert_true(is_free(&f, FREE_SECTION * SECTION));
	tell(&f, EVENT_PCPU_DRAIN, 0, page, 0);
	for (page = 0x1100; page < 0x1110; page += 2) {
		tell(&f, EVENT_FREE, 0, page, 0);
		tell(&f, EVENT_PCPU_DRAIN, 0, page, 0);
		assert_int_equal(f.miss, REPLAY_HIT);
	}
	assert_false(is_free(&f, FREE_SECTION * SECTION));
	for (unsigned int i = 0; i < 8; i++)
		tell(&f, EVENT_ZONE_LOCKED, 0, (FREE_SECTION + 1) * SECTION + i, 0);
	assert_true(set_of(&f, 0)->batch > 1);
	tell(&f, EVENT_FREE, 0, 0x1200, 0);
	tell(&f, EVENT_ALLOC, 0, (FREE_SECTION + 1) * SECTION, 0);
	assert_true(is_listed(&f, 0x1200));
	tear_down(&f);
}

/* What is in use for more than user memory cannot go; what is not there neither goes nor comes. */
static void test_memory_stays(void **state)
{
	struct event e = { .kind = EVENT_ALLOC, .pid = 1, .migratetype = UNMOVABLE, .order = 4 };
	struct fixture f;
	uint64_t managed;

	(void)state;
	set_up(&f, "6.1", ALLOC_AND_FREE);
	begin(&f);
	managed = zone_of(&f)->managed;
	e.pfn = FREE_SECTION * SECTION + 1024;
	replay_event(f.replay, &e);
	change(&f, REPLAY_MEMORY_OFFLINE, FREE_SECTION);
	change(&f, REPLAY_MEMORY_OFFLINE, 17);
	change(&f, REPLAY_MEMORY_OFFLINE, UINT64_MAX);
	change(&f, REPLAY_MEMORY_ONLINE, FREE_SECTION);
	change(&f, REPLAY_MEMORY_ONLINE, 17);
	assert_int_equal(zone_of(&f)->managed, managed);
	assert_true(is_free(&f, FREE_SECTION * SECTION));
	tear_down(&f);
}

/* It comes in use, and is freed in the largest blocks, which are the last to be handed out. */
static void test_memory_comes(void **state)
{
	const pfn_t start = FREE_SECTION * SECTION;
	struct fixture f;
	uint64_t managed;
	struct buddy_block block;
	struct page_alloc *a;

	(void)state;
	set_up(&f, "6.1", ALLOC_AND_FREE);
	begin(&f);
	managed = zone_of(&f)->managed;
	change(&f, REPLAY_MEMORY_OFFLINE, FREE_SECTION);
	change(&f, REPLAY_MEMORY_ONLINE, FREE_SECTION);
	assert_int_equal(zone_of(&f)->managed, managed);
	assert_false(is_free(&f, start));
	for (pfn_t pfn = start; pfn < start + SECTION; pfn += 1024)
		tell(&f, EVENT_FREE, 0, pfn, 10);
	assert_true(is_free(&f, start));
	a = replay_alloc(f.replay);
	assert_true(buddy_find(a->buddy, page_alloc_zone_of(a, start), start, &block));
	assert_int_equal(block.type, MIGRATE_MOVABLE);
	tell(&f, EVENT_ALLOC, 0, start + SECTION, 0);
	assert_true(f.guess < start || f.guess >= start + SECTION);
	tear_down(&f);
}

/* ---- reserves ------------------------------------------------------------------------------------ */

static void test_reserves_are_set(void **state)
{
	struct fixture f;
	uint64_t min;
	uint32_t high;

	(void)state;
	set_up(&f, "6.1", ALLOC_AND_FREE);
	begin(&f);
	min = zone_of(&f)->watermark[WMARK_MIN];
	high = set_of(&f, 0)->high;
	write_sysctl(&f, SYSCTL_MIN_FREE_KBYTES, 40000);
	assert_in_range(zone_of(&f)->watermark[WMARK_MIN], 9000, 10000);
	assert_true(set_of(&f, 0)->high > high);
	write_sysctl(&f, SYSCTL_MIN_FREE_KBYTES, 1ULL << 40);
	assert_in_range(zone_of(&f)->watermark[WMARK_MIN], 9000, 10000);
	/* Memory that goes leaves what was set. */
	change(&f, REPLAY_MEMORY_OFFLINE, FREE_SECTION);
	assert_in_range(zone_of(&f)->watermark[WMARK_MIN], 9000, 10000);
	assert_int_not_equal(zone_of(&f)->watermark[WMARK_MIN], min);
	tear_down(&f);
}

/* The larger the part, the more page sets hold; what the kernel refuses, or does not have, changes nothing. */
static void test_page_sets_are_a_part_of_a_zone(void **state)
{
	static const struct {
		const char *version;
		enum sysctl has, lacks;
	} rows[] = { { "6.1", SYSCTL_PCP_HIGH_FRACTION, SYSCTL_PCP_FRACTION },
		     { "5.10", SYSCTL_PCP_FRACTION, SYSCTL_PCP_HIGH_FRACTION } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct fixture f;
		uint32_t high, large;

		set_up(&f, rows[i].version, ALLOC_AND_FREE);
		begin(&f);
		high = set_of(&f, 0)->high;
		write_sysctl(&f, rows[i].lacks, 8);
		write_sysctl(&f, rows[i].has, 7);
		assert_int_equal(set_of(&f, 0)->high, high);
		write_sysctl(&f, rows[i].has, 8);
		large = set_of(&f, 0)->high;
		assert_true(large > high);
		write_sysctl(&f, rows[i].has, 16);
		assert_in_range(set_of(&f, 0)->high, large / 2 - 1, large / 2 + 1);
		write_sysctl(&f, rows[i].has, 0);
		assert_int_equal(set_of(&f, 0)->high, high);
		tear_down(&f);
	}
}

/* Watermarks lie further apart. */
static void test_watermarks_are_scaled(void **state)
{
	struct fixture f;
	uint64_t min, low;

	(void)state;
	set_up(&f, "6.1", ALLOC_AND_FREE);
	begin(&f);
	min = zone_of(&f)->watermark[WMARK_MIN];
	low = zone_of(&f)->watermark[WMARK_LOW];
	write_sysctl(&f, SYSCTL_WATERMARK_SCALE_FACTOR, 3001);
	assert_int_equal(zone_of(&f)->watermark[WMARK_LOW], low);
	write_sysctl(&f, SYSCTL_WATERMARK_SCALE_FACTOR, 1000);
	assert_int_equal(zone_of(&f)->watermark[WMARK_MIN], min);
	assert_true(zone_of(&f)->watermark[WMARK_LOW] - min > 2 * (low - min));
	tear_down(&f);
}

/* ---- the machine --------------------------------------------------------------------------------- */

static void test_machine_is_told(void **state)
{
	const struct machine *m;
	struct fixture f;
	struct zone was, is;

	(void)state;
	set_up(&f, "6.1", ALLOC_AND_FREE);
	begin(&f);
	m = replay_machine(f.replay);
	was = m->nodes[0].zones[ZONE_DMA32];
	assert_true(m == &f.late);
	assert_int_equal(replay_cpus_down(f.replay), 0);
	change(&f, REPLAY_CPU_DOWN, 0);
	change(&f, REPLAY_MEMORY_OFFLINE, FREE_SECTION);
	m = replay_machine(f.replay);
	is = m->nodes[0].zones[ZONE_DMA32];
	assert_int_equal(replay_cpus_down(f.replay), 1);
	assert_int_equal(m->online_cpus, CPUS - 1);
	assert_int_equal(is.present, was.present - SECTION);
	assert_int_equal(is.managed, was.managed - SECTION);
	assert_true(is.stat_threshold < was.stat_threshold);
	/* What has booted stays for those who look at that. */
	assert_int_equal(f.late.nodes[0].zones[ZONE_DMA32].present, was.present);
	change(&f, REPLAY_CPU_UP, 0);
	change(&f, REPLAY_MEMORY_ONLINE, FREE_SECTION);
	m = replay_machine(f.replay);
	is = m->nodes[0].zones[ZONE_DMA32];
	assert_int_equal(replay_cpus_down(f.replay), 0);
	assert_int_equal(m->online_cpus, CPUS);
	assert_int_equal(is.present, was.present);
	assert_int_equal(is.stat_threshold, was.stat_threshold);
	/* A zone shrinks by what lies at its end. */
	assert_int_equal(is.spanned, was.spanned);
	change(&f, REPLAY_MEMORY_OFFLINE, FREE_SECTION + 1);
	m = replay_machine(f.replay);
	assert_int_equal(m->nodes[0].zones[ZONE_DMA32].spanned, was.spanned - SECTION);
	tear_down(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cpu_goes),
		cmocka_unit_test(test_cpu_goes_and_drains_are_told),
		cmocka_unit_test(test_cpu_goes_again),
		cmocka_unit_test(test_going_back_where_nothing_can_be_done),
		cmocka_unit_test(test_what_is_drained_first),
		cmocka_unit_test(test_memory_goes),
		cmocka_unit_test(test_page_sets_stay_in_use),
		cmocka_unit_test(test_frees_are_drained_at_once),
		cmocka_unit_test(test_memory_stays),
		cmocka_unit_test(test_memory_comes),
		cmocka_unit_test(test_reserves_are_set),
		cmocka_unit_test(test_page_sets_are_a_part_of_a_zone),
		cmocka_unit_test(test_watermarks_are_scaled),
		cmocka_unit_test(test_machine_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
