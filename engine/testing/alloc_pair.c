/* SPDX-License-Identifier: MIT */
#include "engine/testing/alloc_pair.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/pageset.h"

/* ---- machines ---------------------------------------------------------------------------------- */

/* Memory with holes; each node has DMA32 below @limit and Normal above.  Zones may be interleaved. */
static void draw_memory(struct alloc_pair *p, struct prng *prng)
{
	uint8_t key[BUDDY_ORACLE_PAGES];
	pfn_t limit = prng_below(prng, BUDDY_ORACLE_PAGES);
	uint32_t zones = 0;

	memset(key, UINT8_MAX, sizeof(key));
	memset(p->page_zone, UINT8_MAX, sizeof(p->page_zone));
	for (pfn_t pfn = prng_below(prng, 40); pfn < BUDDY_ORACLE_PAGES && p->range_count < 30;) {
		pfn_t end = min_u64(pfn + prng_between(prng, 20, 400), BUDDY_ORACLE_PAGES);
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
		for (pfn_t at = 0; at < BUDDY_ORACLE_PAGES; at++) {
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

static void draw_marks(struct alloc_pair *p, struct prng *prng)
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

static void draw_sets(struct alloc_pair *p, struct prng *prng, uint32_t zone)
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

static void draw_types(struct alloc_pair *p, struct prng *prng)
{
	static const enum migratetype types[] = { MIGRATE_UNMOVABLE, MIGRATE_MOVABLE,
						  MIGRATE_MOVABLE,   MIGRATE_RECLAIMABLE,
						  MIGRATE_MOVABLE,   MIGRATE_HIGHATOMIC,
						  MIGRATE_CMA };
	unsigned int kinds = p->config.cma ? 7 : 6;

	for (pfn_t pfn = 0; pfn < BUDDY_ORACLE_PAGES; pfn += 1u << p->config.pageblock_order) {
		enum migratetype type = types[prng_below(prng, kinds)];

		for (uint32_t zone = 0; zone < p->b.zone_count; zone++) {
			buddy_set_block_type(&p->b, zone, pfn, type);
			buddy_oracle_set_type(&p->empty, zone, pfn, type);
		}
	}
}

bool alloc_pair_start(struct alloc_pair *p, uint64_t seed, const struct facts *facts)
{
	static const unsigned int max_orders[] = { 3, 4, 5, 5 };
	struct prng prng = prng_init(seed);
	uint8_t distance[ALLOC_ORACLE_NODES * ALLOC_ORACLE_NODES];
	struct zonelists lists = { 0 };

	memset(p, 0, sizeof(*p));
	p->facts = *facts;
	arch_config_default(ARCH_X86_64, false, &p->config);
	p->config.max_order = max_orders[prng_below(&prng, 4)];
	p->config.pageblock_order = (unsigned int)prng_between(&prng, 1, p->config.max_order);
	p->config.section_shift = 12 + 6;
	p->config.cma = prng_chance(&prng, 1, 2);
	p->config.thp = prng_chance(&prng, 1, 2);
	p->node_count = 1 + (uint32_t)prng_below(&prng, 3);
	p->cpu_count = 1 + (uint32_t)prng_below(&prng, ALLOC_ORACLE_CPUS);
	draw_memory(p, &prng);
	buddy_init(&p->b, &p->config, &p->facts, p->nodes, p->node_count, p->ranges,
		   p->range_count);
	buddy_oracle_init(&p->empty, &p->config, &p->facts, p->page_zone, p->b.zone_count);
	draw_types(p, &prng);
	for (pfn_t pfn = 0; pfn < BUDDY_ORACLE_PAGES; pfn++) {
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
	if (p->a.out_of_memory || p->b.out_of_memory)
		return false;
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
	return true;
}

void alloc_pair_finish(struct alloc_pair *p)
{
	page_alloc_deinit(&p->a);
	buddy_deinit(&p->b);
	free(p->events.events);
}

/* ---- steps ------------------------------------------------------------------------------------- */

__attribute__((format(printf, 2, 3))) static const char *differ(struct alloc_pair *p,
								const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(p->wrong, sizeof(p->wrong), format, args);
	va_end(args);
	return p->wrong;
}

static const char *choose(struct alloc_pair *p, const struct alloc_step *step)
{
	struct alloc_request req = step->req;
	uint32_t ours = page_alloc_fast_flags(&p->a, &req);
	uint32_t theirs = alloc_oracle_fast_flags(&p->o, &req);

	if (ours != theirs)
		return differ(p, "order %u, type %d: flags %x, not %x", req.order, (int)req.type,
			      (unsigned int)ours, (unsigned int)theirs);
	if (step->on)
		req.flags |= ours & ALLOC_NOFRAGMENT;
	theirs = alloc_oracle_choose(&p->o, &req);
	ours = page_alloc_choose_zone(&p->a, &req);
	if (ours == theirs)
		return NULL;
	return differ(p, "order %u, type %d, flags %x: zone %u, not %u", req.order, (int)req.type,
		      (unsigned int)req.flags, ours, theirs);
}

static const char *get(struct alloc_pair *p, const struct alloc_request *req)
{
	pfn_t ours, theirs;

	if (p->held_count == ALLOC_PAIR_HELD_MAX)
		return NULL;
	theirs = alloc_oracle_get(&p->o, req);
	ours = page_alloc_get(&p->a, req, NULL);
	if (ours != theirs)
		return differ(p, "order %u, type %d, flags %x: page %lld, not %lld", req->order,
			      (int)req->type, (unsigned int)req->flags, (long long)ours,
			      (long long)theirs);
	p->tried++;
	p->served += ours != PFN_NONE;
	if (ours != PFN_NONE)
		p->held[p->held_count++] = (struct alloc_pair_block){ ours, req->order };
	return NULL;
}

static const char *put(struct alloc_pair *p, uint32_t cpu, uint32_t target)
{
	struct alloc_pair_block block;

	if (!p->held_count)
		return NULL;
	block = p->held[target % p->held_count];
	p->held[target % p->held_count] = p->held[p->held_count - 1];
	p->held_count--;
	alloc_oracle_put(&p->o, cpu, block.pfn, block.order);
	if (page_alloc_put(&p->a, cpu, block.pfn, block.order))
		return NULL;
	return differ(p, "page %lld of order %u cannot be freed", (long long)block.pfn,
		      block.order);
}

static void balance(struct alloc_pair *p, int32_t nid)
{
	page_alloc_balance(&p->a, nid);
	for (uint32_t zone = 0; zone < p->b.zone_count; zone++)
		if (p->o.zones[zone].nid == nid)
			p->o.zones[zone].boost = 0;
}

/* Numbers that the machine has. */
static struct alloc_step within(const struct alloc_pair *p, const struct alloc_step *step)
{
	static const enum migratetype types[] = { MIGRATE_ISOLATE, MIGRATE_MOVABLE,
						  MIGRATE_UNMOVABLE };
	struct alloc_step ret = *step;
	bool strange = step->kind == ALLOC_STEP_CHOOSE && (uint32_t)step->req.nid >= p->node_count;

	ret.req.cpu %= p->cpu_count;
	ret.req.nid = (int32_t)((uint32_t)step->req.nid % p->node_count);
	/* Nodes that are not there have no zone to choose. */
	if (strange)
		ret.req.nid = step->req.nid < 0 ? -1 : (int32_t)p->node_count;
	ret.req.order %= p->config.max_order + 1;
	ret.req.type = (enum migratetype)((unsigned int)step->req.type % 3);
	ret.req.highest = step->req.highest == ZONE_DMA32 ? ZONE_DMA32 : ZONE_NORMAL;
	ret.zone %= p->b.zone_count;
	ret.pfn %= BUDDY_ORACLE_PAGES;
	ret.type = types[(unsigned int)step->type % 3];
	return ret;
}

const char *alloc_pair_step(struct alloc_pair *p, const struct alloc_step *step)
{
	struct alloc_step s;

	p->events.count = 0;
	if (!p->b.zone_count)
		return NULL;
	s = within(p, step);
	switch (s.kind) {
	case ALLOC_STEP_GET:
		return get(p, &s.req);
	case ALLOC_STEP_PUT:
		return put(p, s.req.cpu, s.target);
	case ALLOC_STEP_DRAIN:
		alloc_oracle_drain(&p->o, s.zone, s.req.cpu, s.pages, s.first);
		pageset_drain(&p->a, s.zone, page_alloc_set(&p->a, s.zone, s.req.cpu), s.pages,
			      s.first);
		return NULL;
	case ALLOC_STEP_CHOOSE:
		return choose(p, &s);
	case ALLOC_STEP_RETYPE:
		if (p->page_zone[s.pfn] != s.zone)
			return NULL;
		p->retyped = true;
		buddy_set_block_type(&p->b, s.zone, s.pfn, s.type);
		buddy_oracle_set_type(&p->o.b, s.zone, s.pfn, s.type);
		return NULL;
	case ALLOC_STEP_BALANCE:
		balance(p, p->b.zones[s.zone].nid);
		return NULL;
	case ALLOC_STEP_UNRESERVE:
		if (page_alloc_unreserve(&p->a, &s.req, s.on) ==
		    alloc_oracle_unreserve(&p->o, &s.req, s.on))
			return NULL;
		return differ(p, "only one of the two takes a pageblock back");
	case ALLOC_STEP_RECLAIM:
		p->a.zones[s.zone].reclaim_active = s.on;
		p->o.zones[s.zone].reclaim_active = s.on;
		return NULL;
	case ALLOC_STEP_KIND_COUNT:
		break;
	}
	return NULL;
}

const char *alloc_pair_compare(struct alloc_pair *p)
{
	const char *wrong = alloc_oracle_compare(&p->o, &p->a);

	/* Who changes types puts buddies together again; nobody does here. */
	return wrong || p->retyped ? wrong : buddy_check(&p->b, false);
}
