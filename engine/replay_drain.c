/* SPDX-License-Identifier: MIT */
/* Drains: pages that go back from per-CPU lists. */
#include "engine/pageset_list.h"
#include "engine/replay_parts.h"

/* The first list from @index on that is not empty; PCP_LIST_NONE if all are. */
static unsigned int next_list(const struct pageset *set, unsigned int index)
{
	for (unsigned int i = 0; i < PCP_LISTS_MAX; i++) {
		unsigned int at = (index + i) % PCP_LISTS_MAX;

		if (set->lists[at].count)
			return at;
	}
	return PCP_LIST_NONE;
}

/*
 * The page of @e was drained: from no list that the model knows, if @strange.  Older kernels take from one list after
 * the other in turns, which shows in how many of a type come in a row, and what type follows.
 */
static void note_drained(struct replay_model *r, const struct event *e, bool strange)
{
	struct replay_cpu *c = &r->cpus[e->cpu];
	enum migratetype type = type_of(r, e);
	struct replay_strange *s = &c->strange[type];
	int64_t size = (int64_t)1 << e->order, step = (int64_t)(e->pfn - s->page);

	if (c->before != EVENT_PCPU_DRAIN) {
		c->drained_run = 0;
	} else if (type != c->drained_type) {
		c->strange[c->drained_type].run = c->drained_run;
		c->strange[c->drained_type].next = (uint8_t)(type + 1);
		c->drained_run = 0;
	}
	c->drained_run++;
	if (s->step && step <= STRIDE_MAX * size && step >= -STRIDE_MAX * size)
		c->drained_step = s->step = step;
	else if (!s->step)
		s->step = c->drained_step ? c->drained_step : size;
	s->page = e->pfn;
	s->known = !strange;
	c->drained_type = (uint8_t)type;
	c->drained = strange ? e->pfn : PFN_NONE;
}

/* The page that is drained behind the last one of @type, of a list which is not known; PFN_NONE: nobody can say. */
static pfn_t guess_strange(struct replay_model *r, const struct replay_cpu *c,
			   enum migratetype type)
{
	struct page_alloc *a = &r->alloc;
	const struct replay_strange *s = &c->strange[type];
	pfn_t next = s->page + (pfn_t)s->step;
	uint32_t zone = page_alloc_zone_of(a, next);

	if (!s->step || zone == BUDDY_ZONE_NONE ||
	    page_alloc_held_type(a, zone, next) != MIGRATE_TYPE_COUNT)
		return PFN_NONE;
	return next;
}

/*
 * The page of the list whose turn is now, where that is another one than the last page was of; PFN_NONE: it is not, or
 * is not known.  Of a row that went on where the one before ended nothing is known but that it goes on.
 */
static pfn_t guess_in_turn(struct replay_model *r, const struct replay_cpu *c)
{
	const struct replay_strange *s = &c->strange[c->drained_type];
	enum migratetype type = (enum migratetype)(s->next - 1);
	const struct pageset *set;
	unsigned int index;

	if (r->alloc.rules.drain_order == DRAIN_LIST_FIRST || !s->next || c->drained_run != s->run)
		return PFN_NONE;
	if (!c->strange[type].known)
		return guess_strange(r, c, type);
	index = pageset_list(&r->alloc, 0, type);
	if (index == PCP_LIST_NONE)
		return PFN_NONE;
	set = &r->alloc.sets[c->run_zone * r->alloc.cpu_count + c->run_cpu];
	return set->lists[index].count ? pageset_tail(&r->alloc, set, index) : PFN_NONE;
}

/* The list that a drain of all begins with: where lists take turns, the first one's comes last. */
static unsigned int first_list(const struct page_alloc *a, const struct pageset *set)
{
	return next_list(set, a->rules.drain_order != DRAIN_LIST_FIRST);
}

/* The first page that is drained of the page sets of @cpu in zones from @zone up to @zones. */
static pfn_t guess_drain_of(struct replay_model *r, uint32_t cpu, uint32_t zone, uint32_t zones)
{
	struct page_alloc *a = &r->alloc;

	for (; zone < zones; zone++) {
		struct pageset *set = page_alloc_set(a, zone, cpu);
		unsigned int index = first_list(a, set);

		if (index != PCP_LIST_NONE)
			return pageset_tail(a, set, index);
	}
	return PFN_NONE;
}

/*
 * Is @zone of another node than the CPU's, and did no list of it have its last page from there?  The statistics worker
 * drains what a CPU has of nodes that it does not use any more (drain_zone_pages()).
 */
static bool is_left(const struct replay_model *r, uint32_t cpu, uint32_t zone)
{
	const struct replay_cpu *c = &r->cpus[cpu];

	if (r->alloc.buddy->zones[zone].nid == c->nid)
		return false;
	for (unsigned int i = 0; i < PCP_LISTS_MAX; i++)
		if (c->runs[i].zone == zone)
			return false;
	return true;
}

/* The list that the CPU freed to last, in c->zone, if that did not make the model drain; PCP_LIST_NONE: another did. */
static unsigned int list_freed_to(const struct replay_model *r, const struct replay_cpu *c)
{
	if (c->doing != DOING_DRAIN || c->expected.count || c->before == EVENT_PCPU_DRAIN)
		return PCP_LIST_NONE;
	return pageset_list(&r->alloc, c->order,
			    c->type < MIGRATE_HIGHATOMIC ? c->type : MIGRATE_MOVABLE);
}

/* What is drained next when nothing is known but that something is. */
static pfn_t guess_drain(struct replay_model *r, const struct event *e)
{
	struct replay_cpu *c = &r->cpus[e->cpu];
	struct page_alloc *a = &r->alloc;
	unsigned int index = list_freed_to(r, c);

	/* The task drains what it freed to: marks have sunk, which nothing tells. */
	if (index != PCP_LIST_NONE && c->last_pid == e->pid && r->hint_cpu == r->hint_end &&
	    a->rules.drain_order == DRAIN_LIST_FIRST &&
	    page_alloc_set(a, c->zone, e->cpu)->lists[index].count)
		return pageset_tail(a, page_alloc_set(a, c->zone, e->cpu), index);
	if (c->before == EVENT_PCPU_DRAIN) {
		struct pageset *set = page_alloc_set(a, c->run_zone, c->run_cpu);
		pfn_t next = guess_in_turn(r, c);

		if (next != PFN_NONE)
			return next;
		/* Lists are drained from the tail: what the model has behind the last page is not there. */
		if (c->drain_next != PFN_NONE && pageset_holds(a, c->run_zone, c->drain_next))
			return c->drain_next;
		/* What is on lists that are not known was freed in the order of page frames, mostly. */
		next = c->drained != PFN_NONE
			       ? guess_strange(r, c, (enum migratetype)c->drained_type)
			       : PFN_NONE;
		if (next != PFN_NONE)
			return next;
		index = next_list(set, c->run_index);
		if (index != PCP_LIST_NONE)
			return pageset_tail(a, set, index);
	}
	for (uint32_t at = r->hint_cpu; at < r->hint_end; at++) {
		pfn_t pfn = guess_drain_of(r, at, r->hint_zone, r->hint_zones);

		if (pfn != PFN_NONE)
			return pfn;
	}
	for (uint32_t zone = 0; zone < a->zone_count; zone++) {
		pfn_t pfn = is_left(r, e->cpu, zone) ? guess_drain_of(r, e->cpu, zone, zone + 1)
						     : PFN_NONE;

		if (pfn != PFN_NONE)
			return pfn;
	}
	return guess_drain_of(r, e->cpu, 0, a->zone_count);
}

/* The block before that at @pfn, which is on a list of the model; PFN_NONE: it is the head. */
static pfn_t block_before(const struct page_alloc *a, uint32_t zone, pfn_t pfn)
{
	struct buddy *b = a->buddy;
	uint32_t slot, link;

	if (!find_slot(b, &b->zones[zone], pfn, &slot) || b->slots[slot].chunk == CHUNK_NONE)
		return PFN_NONE;
	link = entry_before(b->entries[pcp_link_in(b, slot, pfn)]);
	return link == LINK_NONE ? PFN_NONE : pcp_link_pfn(b, link);
}

/* Remembers where @pfn is, so that the next page of a drain can be guessed. */
static void note_run(struct replay_model *r, uint32_t cpu, uint32_t zone, pfn_t pfn)
{
	struct replay_cpu *c = &r->cpus[cpu];
	struct page_alloc *a = &r->alloc;
	unsigned int index;
	uint32_t depth;

	c->drain_next = PFN_NONE;
	if (!pageset_holds(a, zone, pfn))
		return;
	for (uint32_t i = 0; i < a->cpu_count; i++) {
		uint32_t at = i ? (i <= cpu ? i - 1 : i) : cpu;

		if (!pageset_find(a, page_alloc_set(a, zone, at), pfn, &index, &depth))
			continue;
		c->run_zone = zone;
		c->run_cpu = at;
		c->run_index = index;
		c->drain_next = block_before(a, zone, pfn);
		return;
	}
}

/* A drain right after a free that should not have caused one. */
static bool drain_late(struct replay_model *r, const struct event *e, uint32_t zone)
{
	struct replay_cpu *c = &r->cpus[e->cpu];
	struct page_alloc *a = &r->alloc;
	struct pageset *set = page_alloc_set(a, zone, e->cpu);
	unsigned int index = list_freed_to(r, c);

	if (index == PCP_LIST_NONE || c->zone != zone)
		return false;
	if (a->rules.drain_order == DRAIN_LIST_FIRST && pageset_tail(a, set, index) != e->pfn)
		return false;
	c->at = 0;
	a->events = &c->expected;
	pageset_drain_late(a, zone, set, c->order, index);
	a->events = NULL;
	if (expects(c) && c->expected.events[0].pfn == e->pfn)
		return true;
	replay_settle(r, e->cpu);
	return false;
}

/*
 * A block goes to a list of @type.  If its pageblock is of another one, or will be, and one of the two merges with
 * its like alone, then blocks that would merge by what they are now may lie apart.
 */
static void note_type(struct buddy *b, uint32_t zone, pfn_t pfn, enum migratetype type)
{
	enum migratetype was = buddy_block_type(b, zone, pfn);

	b->types_changed_free |= type != was &&
				 (type >= MIGRATE_HIGHATOMIC || was >= MIGRATE_HIGHATOMIC);
}

/* The kernel knows the block's type better. */
static void trust_type(struct replay_model *r, uint32_t zone, const struct event *told,
		       const struct event *expected)
{
	struct buddy *b = r->alloc.buddy;
	struct buddy_block block;
	enum migratetype type = type_of(r, told);

	if (told->migratetype == expected->migratetype)
		return;
	note_type(b, zone, told->pfn, type);
	if (buddy_find(b, zone, told->pfn, &block))
		buddy_move(b, zone, &block, type, false);
	if (r->alloc.rules.drain_current_type || type >= MIGRATE_HIGHATOMIC)
		buddy_set_block_type(b, zone, told->pfn, type);
	else
		replay_learn_type(r, zone, told->pfn, type);
}

/*
 * A list is drained from its tail.  How many blocks of the list lie behind that of @e, as the model expects it?  0 if
 * it does not.
 */
static uint32_t passed_over(const struct replay_cpu *c, const struct event *e)
{
	const struct event *first = &c->expected.events[c->at];
	uint32_t at = c->at;

	while (at < c->expected.count &&
	       c->expected.events[at].fallback_order == first->fallback_order) {
		if (c->expected.events[at].pfn == e->pfn)
			return at - c->at;
		at++;
	}
	return 0;
}

/*
 * So these @count are not there: they were taken, and nothing told of it.  The others are freed anew, for what has
 * merged with them lies elsewhere without them.
 */
static void take_passed_over(struct replay_model *r, const struct event *e, uint32_t count)
{
	struct replay_cpu *c = &r->cpus[e->cpu];
	struct buddy *b = r->alloc.buddy;

	for (uint32_t i = c->expected.count; i-- > c->at;) {
		struct event *drained = &c->expected.events[i];
		struct buddy_block block;

		/* Another CPU may have taken it since: then it is not freed again. */
		drained->flags = buddy_find(b, c->zone, drained->pfn, &block) &&
				 block.order >= drained->order;
		if (drained->flags)
			buddy_carve(b, c->zone, &block, drained->pfn, drained->order, block.type);
	}
	for (uint32_t i = 0; i < count; i++)
		r->silent += 1ULL << c->expected.events[c->at++].order;
	for (uint32_t i = c->at; i < c->expected.count; i++) {
		const struct event *drained = &c->expected.events[i];

		if (drained->flags)
			buddy_free_as(b, c->zone, drained->pfn, drained->order,
				      type_of(r, drained));
	}
}

/* The drain goes on as expected. */
static void drain_on(struct replay_model *r, const struct event *e, uint32_t zone)
{
	struct replay_cpu *c = &r->cpus[e->cpu];

	trust_type(r, zone, e, &c->expected.events[c->at]);
	c->drained = c->drain_next = PFN_NONE;
	c->at++;
	c->run_zone = zone;
	c->run_cpu = e->cpu;
	c->run_index =
		pageset_list(&r->alloc, e->order,
			     type_of(r, e) < MIGRATE_HIGHATOMIC ? type_of(r, e) : MIGRATE_MOVABLE);
}

void replay_on_drain(struct replay_model *r, const struct event *e)
{
	struct replay_cpu *c = &r->cpus[e->cpu];
	struct page_alloc *a = &r->alloc;
	uint32_t zone = page_alloc_zone_of(a, e->pfn);
	enum replay_miss miss;
	pfn_t predicted;

	replay_commit_pending(r, e);
	replay_watch_batch(r, e);
	if (c->doing == DOING_DRAIN && expects(c)) {
		uint32_t gone;

		predicted = c->expected.events[c->at].pfn;
		gone = predicted != e->pfn ? passed_over(c, e) : 0;
		if (gone)
			take_passed_over(r, e, gone);
		if (predicted == e->pfn || gone) {
			drain_on(r, e, zone);
			tell(r, e, predicted, zone, gone ? REPLAY_MISS_UNASKED : REPLAY_HIT);
			return;
		}
	} else {
		predicted = guess_drain(r, e);
	}
	if (zone == BUDDY_ZONE_NONE) {
		tell(r, e, predicted, zone, REPLAY_MISS_OUTSIDE);
		return;
	}
	if (c->doing == DOING_DRAIN && expects(c))
		replay_settle(r, e->cpu);
	if (drain_late(r, e, zone)) {
		c->drain_next = PFN_NONE;
		c->at++;
		c->run_zone = zone;
		c->run_cpu = e->cpu;
		c->run_index = pageset_list(
			a, e->order, c->type < MIGRATE_HIGHATOMIC ? c->type : MIGRATE_MOVABLE);
		tell(r, e, predicted, zone, predicted == e->pfn ? REPLAY_HIT : REPLAY_MISS_UNASKED);
		return;
	}
	expect_nothing(c);
	note_run(r, e->cpu, zone, e->pfn);
	miss = replay_take_out(r, e->cpu, zone, e->pfn, e->order);
	note_drained(r, e, miss == REPLAY_MISS_UNTRACED || miss == REPLAY_MISS_SPLIT);
	if (predicted == e->pfn)
		miss = REPLAY_HIT;
	else if (miss == REPLAY_MISS_OTHER_LIST)
		miss = REPLAY_MISS_UNASKED;
	note_type(a->buddy, zone, e->pfn, type_of(r, e));
	buddy_free_as(a->buddy, zone, e->pfn, e->order, type_of(r, e));
	tell(r, e, predicted, zone, miss);
}
