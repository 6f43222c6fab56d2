/* SPDX-License-Identifier: MIT */
/*
 * Every capture there is, with free lists: no page is lost on the way to them, and pageblocks are as many
 * and of the type the kernel showed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/boot.h"
#include "engine/buddy.h"
#include "engine/buddy_view.h"
#include "traces/capture.h"
#include "traces/procfs/pagetypeinfo.h"
#include "traces/testing/captures.h"
#include "traces/testing/check.h"

struct tally {
	unsigned int zones, sorted_lists, kernels_blocks;
};

/* Pages of @zone that were handed over and wait for their struct pages. */
static uint64_t pending_pages(const struct buddy *b, uint32_t zone)
{
	uint64_t pages = 0;

	for (uint32_t i = 0; i < b->pending_count; i++)
		if (b->pending[i].zone == zone)
			pages += b->pending[i].end - b->pending[i].start;
	return pages;
}

/* Boot-time gigantic pages are managed, but belong to the pool of huge pages. */
static uint64_t gigantic_pages(const struct machine *m, const struct boot_log *log)
{
	uint64_t pages = 0;

	for (uint32_t i = 0; i < m->answers.count; i++) {
		const struct answer *a = &m->answers.items[i];
		const struct boot_step *s;

		if (a->kind != ANSWER_PLACEMENT || a->index >= log->input.step_count)
			continue;
		s = &log->input.steps[a->index];
		if (a->v[1] && s->size == s->align && s->size >= 1ULL << 29)
			pages += s->size >> m->config.page_shift;
	}
	return pages;
}

static void check_counts(const struct machine *m, const struct boot_log *log, struct tally *tally)
{
	const struct buddy *b = m->buddy;
	const char *wrong = buddy_check(b, true);
	uint64_t apart = 0;

	if (wrong)
		fail_msg("%s", wrong);
	for (uint32_t zone = 0; zone < b->zone_count; zone++) {
		const struct buddy_zone *z = &b->zones[zone];
		uint64_t managed = m->nodes[z->nid].zones[z->type].managed;
		uint64_t listed = buddy_zone_free_pages(b, zone) + pending_pages(b, zone);

		assert_true(listed <= managed);
		apart += managed - listed;
		tally->zones++;
	}
	if (m->stage == STAGE_LATE) {
		assert_int_equal(b->pending_count, 0);
		if (apart)
			assert_int_equal(apart, gigantic_pages(m, log));
	} else {
		assert_int_equal(apart, 0);
	}
}

/* Fresh pages are freed upwards and go to the tail; only highmem comes page by page, to the head. */
static void check_ascending(const struct machine *m, struct tally *tally)
{
	const struct buddy *b = m->buddy;

	for (uint32_t zone = 0; zone < b->zone_count; zone++) {
		if (zone_is_highmem(b->zones[zone].type, &m->limits, m->config.zones_mask))
			continue;
		for (unsigned int order = 0; order <= b->max_order; order++) {
			for (unsigned int t = 0; t < MIGRATE_TYPE_COUNT; t++) {
				uint32_t cursor = BUDDY_LIST_START;
				pfn_t pfn, last = 0;
				bool any = false;

				while (buddy_list_next(b, zone, order, (enum migratetype)t, &cursor,
						       &pfn)) {
					assert_true(!any || pfn > last);
					last = pfn;
					any = true;
				}
				tally->sorted_lists += any;
			}
		}
	}
}

/*
 * A running kernel has stolen pageblocks from one type for another, so only what cannot change is
 * compared: how many there are, and how many belong to CMA.
 */
static void check_pageblocks(const struct machine *m, const char *path, struct tally *tally)
{
	const struct buddy *b = m->buddy;
	struct pagetypeinfo shown;
	struct input file;
	uint32_t cma;

	captures_read(path, "snap-boot/pagetypeinfo.txt", &file);
	if (!file.data)
		return;
	check_ok(pagetypeinfo_parse((const char *)file.data, file.size, path, &shown));
	input_deinit(&file);
	cma = pagetypeinfo_type(&shown, "CMA");
	for (uint32_t zone = 0; zone < b->zone_count; zone++) {
		uint64_t mine[MIGRATE_TYPE_COUNT], all = 0, theirs = 0;
		const struct pagetypeinfo_blocks *row = pagetypeinfo_find_blocks(
			&shown, b->zones[zone].nid, zone_type_name(b->zones[zone].type));

		if (!row)
			continue;
		buddy_view_blocks(b, zone, mine);
		for (unsigned int t = 0; t < MIGRATE_TYPE_COUNT; t++)
			all += mine[t];
		for (uint32_t t = 0; t < shown.ntypes; t++)
			theirs += row->blocks[t];
		assert_int_equal(all, theirs);
		assert_int_equal(mine[MIGRATE_CMA], cma == UINT32_MAX ? 0 : row->blocks[cma]);
		assert_int_equal(shown.block_order, buddy_view_pageblock_order(b));
		tally->kernels_blocks += (unsigned int)all;
	}
	pagetypeinfo_deinit(&shown);
}

static void visit(const char *path, void *ctx)
{
	struct boot_log log = { 0 };
	struct tally *tally = ctx;

	check_ok(capture_read(path, &log));
	for (unsigned int stage = STAGE_MEM_INIT; stage <= STAGE_LATE; stage++) {
		struct machine m;

		machine_init(&m);
		m.want_lists = true;
		boot_run(&m, &log.input, (enum boot_stage)stage);
		assert_false(m.out_of_memory);
		/* What was reserved is not known without memblock=debug, nor what is free. */
		if (m.reserved_known) {
			assert_non_null(m.buddy);
			check_counts(&m, &log, tally);
			if (stage == STAGE_MEM_INIT && fact_get(&m.facts, FACT_fresh_pages_to_tail))
				check_ascending(&m, tally);
			if (stage == STAGE_LATE)
				check_pageblocks(&m, path, tally);
		}
		machine_deinit(&m);
	}
	boot_log_deinit(&log);
}

static void visit_all(const char *dir)
{
	struct tally tally = { 0 };
	unsigned int count = captures_each(dir, visit, &tally);

	assert_true(count > 0);
	assert_true(tally.zones > 0);
	assert_true(tally.sorted_lists > 0);
	print_message("%u captures, %u zones, %u lists in order, %u pageblocks\n", count,
		      tally.zones, tally.sorted_lists, tally.kernels_blocks);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CAPTURES_TESTS(visit_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
