/* SPDX-License-Identifier: MIT */
/*
 * The page allocator beside the slow model of engine/testing/alloc_oracle.h: random requests, frees and
 * drains on random small machines.  Each page that is handed out must be the same, and every list.
 *
 * ALLOC_TEST_RUNS sets how many machines are tried for each kernel (default 30); ALLOC_TEST_SEED where
 * they begin.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/pageset.h"
#include "engine/prng.h"
#include "engine/testing/alloc_oracle.h"

#define STEPS 400
#define HELD_MAX 512
#define PAGES BUDDY_ORACLE_PAGES

static const char *const versions[] = { "2.6.32",  "3.10", "3.12", "3.14",     "3.17",
					"4.4",	   "4.14", "5.10", "5.15.100", "6.0",
					"6.1.176", "6.8",  "6.11", "6.12.107", "7.2" };
#define VERSION_COUNT (sizeof(versions) / sizeof(versions[0]))

struct block {
	pfn_t pfn;
	unsigned int order;
};

/* One machine, twice. */
struct pair {
	struct facts facts;
	struct arch_config config;
	struct node nodes[ALLOC_ORACLE_NODES];
	struct node_range ranges[32];
	uint32_t range_count, node_count, cpu_count;
	uint8_t page_zone[PAGES];
	struct buddy b;
	struct page_alloc a;
	struct buddy_oracle empty;
	struct alloc_oracle o;
	struct block held[HELD_MAX];
	uint32_t held_count;
	struct alloc_events events;
	uint64_t tried, served; /* requests */
	bool retyped;
};

static uint64_t number_from_environment(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 0) : otherwise;
}

/* ---- machines ---------------------------------------------------------------------------------- */

/* Memory with holes; each node has DMA32 below @limit and Normal above.  Zones may be interleaved. */
static void draw_memory(struct pair *p, struct prng *prng)
{
	uint8_t key[PAGES];
	pfn_t limit = prng_below(prng, PAGES);
	uint32_t zones = 0;

	memset(key, UINT8_MAX, sizeof(key));
	memset(p->page_zone, UINT8_MAX, sizeof(p->page_zone));
	for (pfn_t pfn = prng_below(prng, 40); pfn < PAGES && p->range_count < 30;) {
		pfn_t end = min_u64(pfn + prng_between(prng, 20, 400), PAGES);
		uint32_t nid = (uint32_t)prng_below(prng, p->node_count);

		if (prng_chance(prng, 4, 5)) {
			p->ranges[p->range_count++] = (struct node_range){ .start = pfn,
									   .end = end,
									   .nid = (int32_t)nid };
			for (pfn_t at = pfn; at < end; at++)
				key[at] = (uint8_t)(nid * 2 + (at >= limit));
		}
		pfn = end;
	}
	for (unsigned int k = 0; k < p->node_count * 2; k++) {
		enum zone_type type = k % 2 ? ZONE_NORMAL : ZONE_DMA32;
		struct zone *z = &p->nodes[k / 2].zones[type];

		z->nid = (int32_t)(k / 2);
		z->type = type;
		for (pfn_t at = 0; at < PAGES; at++) {
			if (key[at] != k)
				continue;
			if (!z->present)
				z->start_pfn = at;
			z->present++;
			z->spanned = at + 1 - z->start_pfn;
			p->page_zone[at] = (uint8_t)zones;
		}
		z->managed = z->present;
		p->nodes[k / 2].possible = true;
		p->nodes[k / 2].memory |= z->present > 0;
		p->nodes[k / 2].present += z->present;
		zones += z->present > 0;
	}
}

static void draw_marks(struct pair *p, struct prng *prng)
{
	for (uint32_t zone = 0; zone < p->a.zone_count; zone++) {
		struct alloc_zone *z = &p->a.zones[zone];
		struct alloc_oracle_zone *oz = &p->o.zones[zone];
		uint64_t mark = prng_skewed(prng, 60);

		/* As if it were larger: pages are kept from a hundred pageblocks on. */
		z->managed = p->nodes[p->b.zones[zone].nid].zones[p->b.zones[zone].type].managed *
			     prng_between(prng, 1, 30);
		oz->managed = (int64_t)z->managed;

		for (unsigned int m = 0; m < WMARK_COUNT; m++) {
			z->watermark[m] = mark;
			oz->mark[m] = (int64_t)mark;
			mark += prng_skewed(prng, 30);
		}
		for (unsigned int t = 0; t < ZONE_TYPE_COUNT; t++) {
			z->lowmem_reserve[t] = prng_skewed(prng, 20);
			oz->reserve[t] = (int64_t)z->lowmem_reserve[t];
		}
	}
}

static void draw_sets(struct pair *p, struct prng *prng, uint32_t zone)
{
	uint64_t batch = prng_between(prng, 1, 9), high = prng_skewed(prng, 12) * batch;
	uint64_t high_max = high + prng_skewed(prng, 40);

	page_alloc_set_pagesets(&p->a, zone, batch, high, high, high_max);
	for (uint32_t cpu = 0; cpu < p->cpu_count; cpu++) {
		struct alloc_oracle_set *s = &p->o.zones[zone].sets[cpu];

		s->batch = (int64_t)batch;
		s->high_min = (int64_t)high;
		s->high_max = (int64_t)high_max;
		if (fact_get(&p->facts, FACT_pcp_refill_rule) != 2)
			s->high = (int64_t)high;
		s->high_batch = page_alloc_set(&p->a, zone, cpu)->high_batch =
			prng_chance(prng, 1, 2);
	}
}

static void draw_types(struct pair *p, struct prng *prng)
{
	static const enum migratetype types[] = { MIGRATE_UNMOVABLE, MIGRATE_MOVABLE,
						  MIGRATE_MOVABLE,   MIGRATE_RECLAIMABLE,
						  MIGRATE_MOVABLE,   MIGRATE_HIGHATOMIC,
						  MIGRATE_CMA };
	unsigned int kinds = p->config.cma ? 7 : 6;

	for (pfn_t pfn = 0; pfn < PAGES; pfn += 1u << p->config.pageblock_order) {
		enum migratetype type = types[prng_below(prng, kinds)];

		for (uint32_t zone = 0; zone < p->b.zone_count; zone++) {
			buddy_set_block_type(&p->b, zone, pfn, type);
			buddy_oracle_set_type(&p->empty, zone, pfn, type);
		}
	}
}

static void start(struct pair *p, uint64_t seed, const char *version)
{
	static const unsigned int max_orders[] = { 3, 4, 5, 5 };
	struct prng prng = prng_init(seed);
	uint8_t distance[ALLOC_ORACLE_NODES * ALLOC_ORACLE_NODES];
	struct zonelists lists = { 0 };
	uint32_t v;

	memset(p, 0, sizeof(*p));
	assert_true(facts_parse_version(version, &v));
	facts_init(&p->facts, v);
	arch_config_default(ARCH_X86_64, false, &p->config);
	p->config.max_order = max_orders[prng_below(&prng, 4)];
	p->config.pageblock_order = (unsigned int)prng_between(&prng, 1, p->config.max_order);
	p->config.section_shift = 12 + 6;
	p->config.cma = v >= FACTS_VERSION(3, 5, 0) && prng_chance(&prng, 1, 2);
	p->config.thp = prng_chance(&prng, 1, 2);
	p->node_count = 1 + (uint32_t)prng_below(&prng, 3);
	p->cpu_count = 1 + (uint32_t)prng_below(&prng, ALLOC_ORACLE_CPUS);
	draw_memory(p, &prng);
	buddy_init(&p->b, &p->config, &p->facts, p->nodes, p->node_count, p->ranges,
		   p->range_count);
	buddy_oracle_init(&p->empty, &p->config, &p->facts, p->page_zone, p->b.zone_count);
	draw_types(p, &prng);
	for (pfn_t pfn = 0; pfn < PAGES; pfn++) {
		uint32_t zone = p->page_zone[pfn];

		if (zone == UINT8_MAX || prng_chance(&prng, 1, 20))
			continue;
		buddy_free(&p->b, zone, pfn, 0, BUDDY_PLACE_FREED);
		buddy_oracle_free(&p->empty, zone, pfn, 0, BUDDY_PLACE_FREED);
	}
	for (unsigned int i = 0; i < p->node_count * p->node_count; i++)
		distance[i] = i % (p->node_count + 1) ? 20 : 10;
	zonelists_build(&lists, p->nodes, p->node_count, distance, NULL, &p->config, &p->facts);
	page_alloc_init(&p->a, &p->b, &p->config, &p->facts, p->nodes, p->node_count, &lists,
			p->cpu_count);
	zonelists_deinit(&lists);
	assert_false(p->a.out_of_memory);
	alloc_oracle_init(&p->o, &p->config, &p->facts, &p->empty);
	p->o.node_count = p->node_count;
	for (uint32_t nid = 0; nid < p->node_count; nid++) {
		p->o.row_length[nid] = p->a.row_length[nid];
		memcpy(p->o.rows[nid], p->a.rows + (size_t)nid * p->a.row_room,
		       p->a.row_length[nid] * sizeof(uint32_t));
	}
	for (uint32_t zone = 0; zone < p->b.zone_count; zone++) {
		const struct buddy_zone *bz = &p->b.zones[zone];

		p->o.zones[zone].nid = bz->nid;
		p->o.zones[zone].type = bz->type;
		p->o.zones[zone].start = bz->start;
		p->o.zones[zone].end = bz->end;
		draw_sets(p, &prng, zone);
	}
	draw_marks(p, &prng);
	p->a.keeps_boost = true;
	p->o.several_nodes = p->a.several_nodes;
	/* With events wanted the model goes other ways to the same lists. */
	if (prng_chance(&prng, 1, 2))
		p->a.events = &p->events;
}

static void finish(struct pair *p)
{
	page_alloc_deinit(&p->a);
	buddy_deinit(&p->b);
	free(p->events.events);
}

/* ---- steps ------------------------------------------------------------------------------------- */

static struct alloc_request draw_request(const struct pair *p, struct prng *prng)
{
	static const uint32_t rights[] = { ALLOC_OOM,
					   ALLOC_NON_BLOCK,
					   ALLOC_MIN_RESERVE,
					   ALLOC_MIN_RESERVE | ALLOC_NON_BLOCK,
					   ALLOC_HIGHATOMIC | ALLOC_MIN_RESERVE | ALLOC_NON_BLOCK,
					   ALLOC_NO_WATERMARKS };
	struct alloc_request req = {
		.cpu = (uint32_t)prng_below(prng, p->cpu_count),
		.nid = (int32_t)prng_below(prng, p->node_count),
		.order = (unsigned int)prng_skewed(prng, p->config.max_order + 1),
		.type = (enum migratetype)prng_below(prng, 3),
		.highest = prng_chance(prng, 4, 5) ? ZONE_NORMAL : ZONE_DMA32,
		.flags = prng_chance(prng, 4, 5) ? ALLOC_WMARK_LOW : ALLOC_WMARK_MIN,
		.thisnode = prng_chance(prng, 1, 10),
	};

	if (req.type == MIGRATE_MOVABLE && prng_chance(prng, 3, 4))
		req.flags |= ALLOC_CMA;
	if (prng_chance(prng, 1, 10))
		req.flags |= rights[prng_below(prng, 6)];
	return req;
}

/* A pageblock is isolated, or becomes ordinary again, under what lies on the lists. */
static void retype(struct pair *p, struct prng *prng, uint32_t zone)
{
	static const enum migratetype types[] = { MIGRATE_ISOLATE, MIGRATE_MOVABLE,
						  MIGRATE_UNMOVABLE };
	enum migratetype type = types[prng_below(prng, 3)];
	pfn_t pfn = prng_below(prng, PAGES);

	if (p->page_zone[pfn] != zone)
		return;
	p->retyped = true;
	buddy_set_block_type(&p->b, zone, pfn, type);
	buddy_oracle_set_type(&p->o.b, zone, pfn, type);
}

/* Which zone would serve a request is asked without making it. */
static void choose(struct pair *p, struct prng *prng, const char *where)
{
	struct alloc_request req = draw_request(p, prng);
	uint32_t ours, theirs;

	/* Nodes that are not there have no zone to choose. */
	req.nid = (int32_t)prng_below(prng, p->node_count + 2) - 1;
	assert_int_equal(page_alloc_fast_flags(&p->a, &req), alloc_oracle_fast_flags(&p->o, &req));
	if (prng_chance(prng, 1, 2))
		req.flags |= page_alloc_fast_flags(&p->a, &req) & ALLOC_NOFRAGMENT;
	theirs = alloc_oracle_choose(&p->o, &req);
	ours = page_alloc_choose_zone(&p->a, &req);
	if (ours != theirs)
		fail_msg("%s: order %u, type %d, flags %x: zone %u, not %u", where, req.order,
			 (int)req.type, (unsigned int)req.flags, ours, theirs);
}

static void step(struct pair *p, struct prng *prng, const char *where)
{
	uint64_t kind = prng_below(prng, 100);

	if (prng_chance(prng, 1, 8))
		choose(p, prng, where);
	if (kind < 62 && p->held_count < HELD_MAX) {
		struct alloc_request req = draw_request(p, prng);
		pfn_t theirs = alloc_oracle_get(&p->o, &req);
		pfn_t ours = page_alloc_get(&p->a, &req, NULL);

		if (ours != theirs)
			fail_msg("%s: order %u, type %d, flags %x: page %lld, not %lld", where,
				 req.order, (int)req.type, (unsigned int)req.flags, (long long)ours,
				 (long long)theirs);
		p->tried++;
		p->served += ours != PFN_NONE;
		if (ours != PFN_NONE)
			p->held[p->held_count++] = (struct block){ ours, req.order };
	} else if (kind < 95 && p->held_count) {
		uint32_t at = (uint32_t)prng_below(prng, p->held_count);
		uint32_t cpu = (uint32_t)prng_below(prng, p->cpu_count);
		struct block block = p->held[at];

		p->held[at] = p->held[--p->held_count];
		alloc_oracle_put(&p->o, cpu, block.pfn, block.order);
		assert_true(page_alloc_put(&p->a, cpu, block.pfn, block.order));
	} else {
		uint32_t zone = (uint32_t)prng_below(prng, p->b.zone_count);
		uint32_t cpu = (uint32_t)prng_below(prng, p->cpu_count);
		uint32_t pages = (uint32_t)prng_skewed(prng, 200);
		unsigned int first = (unsigned int)prng_below(prng, 12);

		if (kind == 98) {
			struct alloc_request req = draw_request(p, prng);
			bool force = prng_chance(prng, 1, 2);

			assert_int_equal(page_alloc_unreserve(&p->a, &req, force),
					 alloc_oracle_unreserve(&p->o, &req, force));
			return;
		}
		if (kind == 96) {
			retype(p, prng, zone);
			return;
		}
		if (kind == 97) {
			page_alloc_balance(&p->a, p->b.zones[zone].nid);
			for (uint32_t z = 0; z < p->b.zone_count; z++)
				if (p->o.zones[z].nid == p->b.zones[zone].nid)
					p->o.zones[z].boost = 0;
			return;
		}
		if (kind == 99) {
			bool active = prng_chance(prng, 1, 2);

			p->a.zones[zone].reclaim_active = active;
			p->o.zones[zone].reclaim_active = active;
			return;
		}
		alloc_oracle_drain(&p->o, zone, cpu, pages, first);
		pageset_drain(&p->a, zone, page_alloc_set(&p->a, zone, cpu), pages, first);
	}
}

static void random_steps_agree_with_the_model(void **state)
{
	uint64_t runs = number_from_environment("ALLOC_TEST_RUNS", 30) * VERSION_COUNT;
	uint64_t seed = number_from_environment("ALLOC_TEST_SEED", 1);
	struct pair *p = malloc(sizeof(*p));
	uint64_t tried = 0, served = 0;

	(void)state;
	assert_non_null(p);
	for (uint64_t run = 0; run < runs; run++) {
		struct prng prng = prng_init(~(seed + run));
		const char *version = versions[run % VERSION_COUNT], *wrong = NULL;

		start(p, seed + run, version);
		for (unsigned int i = 0; i < STEPS && p->b.zone_count; i++) {
			char where[64];

			snprintf(where, sizeof(where), "seed %llu, %s, step %u",
				 (unsigned long long)seed + run, version, i);
			step(p, &prng, where);
			p->events.count = 0;
			if (i % 16 != 15)
				continue;
			wrong = alloc_oracle_compare(&p->o, &p->a);
			if (wrong)
				fail_msg("%s: %s", where, wrong);
			/* Who changes types puts buddies together again; nobody does here. */
			wrong = p->retyped ? NULL : buddy_check(&p->b, false);
			if (wrong)
				fail_msg("%s: %s", where, wrong);
		}
		tried += p->tried;
		served += p->served;
		finish(p);
	}
	/* Machines run full, and not all the time. */
	assert_in_range(served, tried / 2, tried - tried / 20);
	free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_steps_agree_with_the_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
