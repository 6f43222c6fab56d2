/* SPDX-License-Identifier: MIT */
#include "tools/state_view.h"

#include "engine/alloc_view.h"
#include "engine/buddy_view.h"
#include "engine/dump.h"
#include "engine/extfrag.h"
#include "engine/migratetype.h"
#include "engine/pageset.h"

const char *const state_view_names[STATE_VIEW_COUNT] = { "buddyinfo",	   "pagetypeinfo",
							 "zoneinfo",	   "pcp",
							 "freelists",	   "pageblocks",
							 "unusable_index", "extfrag_index" };

void state_view_print(struct cli *cli, const struct replayed *r, struct replay *replay,
		      enum state_view view)
{
	struct sink sink = sink_to_file(cli_out(cli));
	const struct machine *m = &r->booted.m;
	const struct page_alloc *a = replay_alloc(replay);

	switch (view) {
	case STATE_VIEW_BUDDYINFO:
		dump_buddyinfo(m, &sink);
		break;
	case STATE_VIEW_PAGETYPEINFO:
		dump_pagetypeinfo(m, &sink);
		break;
	case STATE_VIEW_ZONEINFO:
		alloc_view_zoneinfo(a, replay_machine(replay), replay_cpus_down(replay),
				    replay_sizes_unseen(replay), &sink);
		break;
	case STATE_VIEW_PCP:
		alloc_view_pcp(a, &sink);
		break;
	case STATE_VIEW_FREELISTS:
		buddy_dump(m->buddy, &sink);
		break;
	case STATE_VIEW_PAGEBLOCKS:
		alloc_view_pageblocks(a, &sink);
		break;
	case STATE_VIEW_UNUSABLE_INDEX:
		extfrag_dump_unusable(m->buddy, &sink);
		break;
	case STATE_VIEW_EXTFRAG_INDEX:
		extfrag_dump_index(m->buddy, &sink);
		break;
	case STATE_VIEW_COUNT:
		break;
	}
}

/* ---- JSON -------------------------------------------------------------------------------------- */

static void json_page_set(struct json *j, const struct page_alloc *a, uint32_t zone, uint32_t cpu)
{
	const struct pageset *set = &a->sets[zone * a->cpu_count + cpu];

	json_object_begin(j);
	json_key_u64(j, "cpu", cpu);
	json_key_u64(j, "count", set->count);
	json_key_u64(j, "high", set->high);
	json_key_u64(j, "batch", set->batch);
	json_key_array_begin(j, "lists");
	for (unsigned int i = 0; i < PCP_LISTS_MAX; i++) {
		uint32_t cursor = BUDDY_LIST_START;
		pfn_t pfn;

		if (!set->lists[i].count)
			continue;
		json_object_begin(j);
		json_key_u64(j, "order", pageset_list_order(a, i));
		json_key_string(j, "type",
				migratetype_name(alloc_view_list_type(a, i), a->buddy->facts));
		json_key_array_begin(j, "pfns");
		while (pageset_next(a, set, i, &cursor, &pfn))
			json_u64(j, pfn);
		json_array_end(j);
		json_object_end(j);
	}
	json_array_end(j);
	json_object_end(j);
}

/* Without the boost, which is told apart. */
static void json_marks(struct json *j, struct replay *replay, uint32_t zone)
{
	static const char *const marks[WMARK_COUNT] = { "min", "low", "high", "promo" };
	const struct page_alloc *a = replay_alloc(replay);
	const struct buddy_zone *bz = &a->buddy->zones[zone];
	const uint64_t *mark = a->zones[zone].watermark;

	if (replay_sizes_unseen(replay))
		mark = replay_machine(replay)->nodes[bz->nid].zones[bz->type].watermark;
	for (unsigned int w = 0; w < WMARK_COUNT; w++)
		json_key_u64(j, marks[w], mark[w]);
	json_key_u64(j, "boost", a->zones[zone].boost);
}

/* By order, in thousandths. */
static void json_indices(struct json *j, const struct buddy *b, uint32_t zone)
{
	uint64_t nr_free[BUDDY_ORDER_COUNT];
	unsigned int count = extfrag_count(b, zone, nr_free);

	json_key_array_begin(j, "unusable_index");
	for (unsigned int o = 0; o < count; o++)
		json_u64(j, extfrag_unusable_index(nr_free, count, o));
	json_array_end(j);
	json_key_array_begin(j, "extfrag_index");
	for (unsigned int o = 0; o < count; o++)
		json_i64(j, extfrag_index(nr_free, count, o));
	json_array_end(j);
}

static bool is_online(const struct replayed *r, const struct replay *replay, uint32_t cpu)
{
	return cpu < r->late.online_cpus && !(cpu < 64 && replay_cpus_down(replay) >> cpu & 1);
}

void state_view_json(struct json *j, const struct replayed *r, struct replay *replay)
{
	const struct machine *m = &r->booted.m;
	const struct page_alloc *a = replay_alloc(replay);

	json_key_object_begin(j, "state");
	json_key_u64(j, "events_done", r->index);
	json_key_array_begin(j, "zones");
	for (uint32_t z = 0; z < a->zone_count; z++) {
		json_object_begin(j);
		json_key_i64(j, "nid", buddy_view_nid(m->buddy, z));
		json_key_string(j, "zone", zone_type_name(buddy_view_type(m->buddy, z)));
		json_key_u64(j, "free_pages", page_alloc_zone_free(a, z));
		json_marks(j, replay, z);
		booted_json_types(j, m, z);
		json_indices(j, m->buddy, z);
		json_key_array_begin(j, "page_sets");
		for (uint32_t cpu = 0; cpu < a->cpu_count; cpu++)
			if (is_online(r, replay, cpu) || a->sets[z * a->cpu_count + cpu].count)
				json_page_set(j, a, z, cpu);
		json_array_end(j);
		json_object_end(j);
	}
	json_array_end(j);
	json_object_end(j);
}
