/* SPDX-License-Identifier: MIT */
#include "traces/cut.h"

#include <stdlib.h>
#include <string.h>

#include "engine/buddy.h"
#include "traces/minimise.h"

static const struct {
	const char *name;
	bool boots;
} infos[CUT_COUNT] = {
#define CUT(name, text, boots) [CUT_##name] = { text, boots },
#include "traces/cut.def"
#undef CUT
};

const char *cut_name(enum cut_part part)
{
	return infos[part].name;
}

bool cut_boots(enum cut_part part)
{
	return infos[part].boots;
}

/* ---- buffers ----------------------------------------------------------------------------------- */

/* Those behind the first CUT_COUNT are for what a kind changes beside its own list. */
enum {
	BUFFER_CPUS_EVENTS = CUT_COUNT,
	BUFFER_CPUS_OPERATIONS,
	BUFFER_CPUS_NODES,
	BUFFER_NODES_FIRMWARE,
	BUFFER_NODES_GIVEN,
	BUFFER_NODES_STEPS,
	BUFFER_NODES_CPUS,
	BUFFER_COUNT
};
_Static_assert(BUFFER_COUNT <= CUT_BUFFERS, "a buffer for each use");

/* Room for @bytes that no subject at hand lies in; NULL without memory. */
static void *take_buffer(struct cutter *c, unsigned int number, size_t bytes)
{
	struct cut_buffer *b = &c->buffers[number];
	void *data;

	if (bytes < b->room[b->next])
		return b->data[b->next];
	data = realloc(b->data[b->next], bytes + 1);
	if (!data) {
		c->out_of_memory = true;
		return NULL;
	}
	b->data[b->next] = data;
	b->room[b->next] = bytes + 1;
	return data;
}

void cut_accept(struct cutter *c, enum cut_part part)
{
	c->buffers[part].next ^= 1;
	if (part == CUT_CPUS)
		for (unsigned int i = BUFFER_CPUS_EVENTS; i <= BUFFER_CPUS_NODES; i++)
			c->buffers[i].next ^= 1;
	if (part == CUT_NODES)
		for (unsigned int i = BUFFER_NODES_FIRMWARE; i <= BUFFER_NODES_CPUS; i++)
			c->buffers[i].next ^= 1;
}

void cutter_deinit(struct cutter *c)
{
	for (unsigned int i = 0; i < CUT_BUFFERS; i++) {
		free(c->buffers[i].data[0]);
		free(c->buffers[i].data[1]);
	}
	memset(c, 0, sizeof(*c));
}

/* ---- plain lists -------------------------------------------------------------------------------- */

/* An array of a subject: where its pointer and its count are. */
struct list {
	size_t items, count, bytes;
};

#define LIST(items_field, count_field)                                                        \
	{                                                                                     \
		offsetof(struct subject, items_field), offsetof(struct subject, count_field), \
			sizeof(*((const struct subject *)NULL)->items_field)                  \
	}

static const struct list lists[CUT_COUNT] = {
	[CUT_EVENTS] = LIST(events, event_count),
	[CUT_OPERATIONS] = LIST(operations, operation_count),
	[CUT_ANSWERS] = LIST(log.recorded.items, log.recorded.count),
	[CUT_NOTES] = LIST(log.notes, log.note_count),
	[CUT_STEPS] = LIST(log.input.steps, log.input.step_count),
	[CUT_FIRMWARE] = LIST(log.input.firmware, log.input.firmware_count),
	[CUT_AFFINITY] = LIST(log.input.affinity, log.input.affinity_count),
	[CUT_GIVEN] = LIST(log.input.given_ranges, log.input.given_range_count),
	[CUT_MEMORY] = LIST(log.input.state.memory, log.input.state.memory_count),
	[CUT_RESERVED] = LIST(log.input.state.reserved, log.input.state.reserved_count),
};

static uint32_t list_count(const struct subject *s, const struct list *list)
{
	uint32_t count;

	memcpy(&count, (const char *)s + list->count, sizeof(count));
	return count;
}

static const char *list_items(const struct subject *s, const struct list *list)
{
	const char *items;

	memcpy(&items, (const char *)s + list->items, sizeof(items));
	return items;
}

static void set_list(struct subject *s, const struct list *list, const void *items, uint32_t count)
{
	memcpy((char *)s + list->items, &items, sizeof(items));
	memcpy((char *)s + list->count, &count, sizeof(count));
}

static void *keep_items(struct cutter *c, const struct subject *s, enum cut_part part,
			const uint32_t *kept, uint32_t count)
{
	const struct list *list = &lists[part];
	const char *items = list_items(s, list);
	char *to = take_buffer(c, part, count * list->bytes);

	for (uint32_t i = 0; to && i < count; i++)
		memcpy(to + i * list->bytes, items + kept[i] * list->bytes, list->bytes);
	return to;
}

static void cut_list(struct cutter *c, const struct subject *s, enum cut_part part,
		     const uint32_t *kept, uint32_t count, struct subject *ret)
{
	set_list(ret, &lists[part], keep_items(c, s, part, kept, count), count);
}

/* The totals that a memblock dump begins with are those of its regions. */
static uint64_t total_size(const struct memblock_region *regions, uint32_t count)
{
	uint64_t size = 0;

	for (uint32_t i = 0; i < count; i++)
		size += regions[i].size;
	return size;
}

static void cut_regions(struct cutter *c, const struct subject *s, enum cut_part part,
			const uint32_t *kept, uint32_t count, struct subject *ret)
{
	struct boot_state *state = &ret->log.input.state;

	cut_list(c, s, part, kept, count, ret);
	if (c->out_of_memory)
		return;
	state->memory_size = total_size(state->memory, state->memory_count);
	state->reserved_size = total_size(state->reserved, state->reserved_count);
}

/* ---- events ------------------------------------------------------------------------------------- */

/* The event that allocated the block that begins at a page frame. */
struct owner {
	pfn_t pfn;
	uint32_t event; /* MINIMISE_NONE: the slot is free */
};

struct owners {
	struct owner *slots;
	uint32_t mask;
};

static struct owner *find_owner(const struct owners *o, pfn_t pfn)
{
	uint32_t at = (uint32_t)(pfn * 0x9e3779b97f4a7c15ULL >> 32) & o->mask;

	while (o->slots[at].event != MINIMISE_NONE && o->slots[at].pfn != pfn)
		at = (at + 1) & o->mask;
	return &o->slots[at];
}

/* The allocation of the block, or of the larger one, or of the first of several, that @e frees. */
static uint32_t freed(const struct owners *o, const struct event *events, const struct event *e)
{
	for (unsigned int order = 0; order < BUDDY_ORDER_COUNT; order++) {
		const struct owner *slot = find_owner(o, e->pfn & ~((1ULL << order) - 1));

		if (slot->event != MINIMISE_NONE &&
		    slot->pfn + (1ULL << events[slot->event].order) > e->pfn)
			return slot->event;
	}
	return MINIMISE_NONE;
}

static bool events_need(struct cutter *c, const struct subject *s, uint32_t *ret)
{
	struct owners o;
	size_t room = 64;

	while (room < (size_t)s->event_count * 2)
		room *= 2;
	o.slots = malloc(room * sizeof(*o.slots));
	o.mask = (uint32_t)(room - 1);
	if (!o.slots) {
		c->out_of_memory = true;
		return false;
	}
	for (size_t i = 0; i < room; i++)
		o.slots[i].event = MINIMISE_NONE;
	for (uint32_t i = 0; i < s->event_count; i++) {
		const struct event *e = &s->events[i];

		ret[i] = MINIMISE_NONE;
		if (e->pfn == PFN_NONE)
			continue;
		if (e->kind == EVENT_ALLOC && e->order < BUDDY_ORDER_COUNT)
			*find_owner(&o, e->pfn) = (struct owner){ e->pfn, i };
		else if (e->kind == EVENT_FREE || e->kind == EVENT_FREE_BATCHED)
			ret[i] = freed(&o, s->events, e);
	}
	free(o.slots);
	return true;
}

/* ---- operations --------------------------------------------------------------------------------- */

static bool operations_need(const struct subject *s, uint32_t *ret)
{
	for (uint32_t i = 0; i < s->operation_count; i++) {
		const struct operation *op = &s->operations[i];

		ret[i] = op->kind == OPERATION_FREE && op->target < i ? op->target : MINIMISE_NONE;
	}
	return true;
}

/* Targets are numbers of operations: they move with them. */
static void cut_operations(struct cutter *c, const struct subject *s, const uint32_t *kept,
			   uint32_t count, struct subject *ret)
{
	struct operation *to = keep_items(c, s, CUT_OPERATIONS, kept, count);

	for (uint32_t i = 0; to && i < count; i++) {
		uint32_t low = 0, high = i;

		while (low < high) {
			uint32_t middle = low + (high - low) / 2;

			if (kept[middle] < to[i].target)
				low = middle + 1;
			else
				high = middle;
		}
		/* One that is gone names nothing; not all have one. */
		if (low < i && kept[low] == to[i].target)
			to[i].target = low;
		else
			to[i].target = to[i].kind == OPERATION_ALLOC ? 0 : UINT32_MAX;
	}
	set_list(ret, &lists[CUT_OPERATIONS], to, count);
}

/* ---- CPUs ---------------------------------------------------------------------------------------- */

/* CPU 0 always stays; part i is CPU i + 1. */
static uint32_t count_cpus(const struct subject *s)
{
	const struct boot_input *in = &s->log.input;
	uint32_t count = in->nr_cpu_ids > in->online_cpus ? in->nr_cpu_ids : in->online_cpus;

	if (count < in->cpu_nid_count)
		count = in->cpu_nid_count;
	for (uint32_t i = 0; i < s->event_count; i++)
		if (s->events[i].cpu != UINT16_MAX && s->events[i].cpu >= count)
			count = s->events[i].cpu + 1U;
	for (uint32_t i = 0; i < s->operation_count; i++)
		if (s->operations[i].cpu < UINT16_MAX && s->operations[i].cpu >= count)
			count = s->operations[i].cpu + 1;
	return count ? count - 1 : 0;
}

/* What becomes of CPU @cpu; 0 stands for those that are gone. */
static uint32_t new_cpu(uint32_t cpu, const uint32_t *kept, uint32_t count)
{
	uint32_t low = 0, high = count;

	if (!cpu)
		return 0;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (kept[middle] < cpu - 1)
			low = middle + 1;
		else
			high = middle;
	}
	return low < count && kept[low] == cpu - 1 ? low + 1 : 0;
}

/* CPUs of [0, @old) that are left, as there is at least one. */
static uint32_t left_of(uint32_t old, const uint32_t *kept, uint32_t count)
{
	uint32_t left = old != 0;

	for (uint32_t i = 0; i < count; i++)
		left += kept[i] + 1 < old;
	return left;
}

static void move_work(struct cutter *c, const struct subject *s, const uint32_t *kept,
		      uint32_t count, struct subject *ret)
{
	struct event *events = take_buffer(c, BUFFER_CPUS_EVENTS, s->event_count * sizeof(*events));
	struct operation *operations =
		take_buffer(c, BUFFER_CPUS_OPERATIONS, s->operation_count * sizeof(*operations));

	if (!events || !operations)
		return;
	for (uint32_t i = 0; i < s->event_count; i++) {
		events[i] = s->events[i];
		if (events[i].cpu != UINT16_MAX)
			events[i].cpu = (uint16_t)new_cpu(events[i].cpu, kept, count);
	}
	for (uint32_t i = 0; i < s->operation_count; i++) {
		operations[i] = s->operations[i];
		if (operations[i].cpu < UINT16_MAX)
			operations[i].cpu = new_cpu(operations[i].cpu, kept, count);
	}
	ret->events = events;
	ret->operations = operations;
}

static void cut_cpus(struct cutter *c, const struct subject *s, const uint32_t *kept,
		     uint32_t count, struct subject *ret)
{
	const struct boot_input *in = &s->log.input;
	struct boot_input *out = &ret->log.input;
	int32_t *nids = take_buffer(c, CUT_CPUS, in->cpu_nid_count * sizeof(*nids));
	uint32_t *node_cpus =
		take_buffer(c, BUFFER_CPUS_NODES, in->node_cpus_count * sizeof(*node_cpus));

	if (!nids || !node_cpus)
		return;
	out->cpu_nid_count = left_of(in->cpu_nid_count, kept, count);
	if (in->node_cpus)
		memcpy(node_cpus, in->node_cpus, in->node_cpus_count * sizeof(*node_cpus));
	for (uint32_t cpu = 0; cpu < in->cpu_nid_count; cpu++) {
		uint32_t to = new_cpu(cpu, kept, count);
		int32_t nid = in->cpu_nid[cpu];

		if (to || !cpu)
			nids[to] = nid;
		else if (in->node_cpus && nid >= 0 && (uint32_t)nid < in->node_cpus_count &&
			 node_cpus[nid])
			node_cpus[nid]--;
	}
	out->cpu_nid = nids;
	out->node_cpus = in->node_cpus ? node_cpus : NULL;
	out->nr_cpu_ids = left_of(in->nr_cpu_ids, kept, count);
	out->online_cpus = left_of(in->online_cpus, kept, count);
	move_work(c, s, kept, count, ret);
}

/* ---- nodes --------------------------------------------------------------------------------------- */

/* Part i is node i. */
static uint32_t count_nodes(const struct subject *s)
{
	const struct boot_input *in = &s->log.input;
	int32_t last = -1;

	for (uint32_t i = 0; i < in->affinity_count; i++)
		last = in->affinity[i].nid > last ? in->affinity[i].nid : last;
	for (uint32_t i = 0; i < in->cpu_nid_count; i++)
		last = in->cpu_nid[i] > last ? in->cpu_nid[i] : last;
	for (uint32_t i = 0; i < in->given_range_count; i++)
		last = in->given_ranges[i].nid > last ? in->given_ranges[i].nid : last;
	return (uint32_t)(last + 1);
}

static bool is_kept(int32_t nid, const uint32_t *kept, uint32_t count)
{
	if (nid < 0)
		return true;
	for (uint32_t i = 0; i < count; i++)
		if (kept[i] == (uint32_t)nid)
			return true;
	return false;
}

/* Takes [start, end) out of @count entries, of which there is room for one more. */
static uint32_t take_out(struct e820_entry *map, uint32_t count, phys_t start, phys_t end)
{
	uint32_t left = 0, before = count;

	for (uint32_t i = 0; i < before; i++) {
		struct e820_entry e = map[i];

		if (e.end <= start || e.start >= end || e.type != E820_RAM) {
			map[left++] = e;
			continue;
		}
		/* What is above goes to the end; what is below stays in place. */
		if (e.end > end) {
			struct e820_entry above = { end, e.end, e.type };

			map[count++] = above;
		}
		if (e.start < start)
			map[left++] = (struct e820_entry){ e.start, start, e.type };
	}
	memmove(map + left, map + before, (count - before) * sizeof(*map));
	return left + (count - before);
}

static void cut_node_memory(struct cutter *c, const struct subject *s, const uint32_t *kept,
			    uint32_t count, struct subject *ret)
{
	const struct boot_input *in = &s->log.input;
	struct boot_input *out = &ret->log.input;
	struct affinity_memory *affinity =
		take_buffer(c, CUT_NODES, in->affinity_count * sizeof(*affinity));
	/* Each range taken out of the middle makes two of one. */
	struct e820_entry *map =
		take_buffer(c, BUFFER_NODES_FIRMWARE,
			    ((size_t)in->firmware_count + in->affinity_count) * sizeof(*map));
	uint32_t left = 0;

	if (!affinity || !map)
		return;
	if (in->firmware_count)
		memcpy(map, in->firmware, in->firmware_count * sizeof(*map));
	out->firmware = map;
	for (uint32_t i = 0; i < in->affinity_count; i++) {
		const struct affinity_memory *a = &in->affinity[i];

		if (is_kept(a->nid, kept, count))
			affinity[left++] = *a;
		else
			out->firmware_count = take_out(map, out->firmware_count, a->start, a->end);
	}
	out->affinity = affinity;
	out->affinity_count = left;
}

static void cut_nodes(struct cutter *c, const struct subject *s, const uint32_t *kept,
		      uint32_t count, struct subject *ret)
{
	const struct boot_input *in = &s->log.input;
	struct boot_input *out = &ret->log.input;
	struct node_range *given =
		take_buffer(c, BUFFER_NODES_GIVEN, in->given_range_count * sizeof(*given));
	struct boot_step *steps =
		take_buffer(c, BUFFER_NODES_STEPS, in->step_count * sizeof(*steps));
	int32_t *nids = take_buffer(c, BUFFER_NODES_CPUS, in->cpu_nid_count * sizeof(*nids));

	cut_node_memory(c, s, kept, count, ret);
	if (c->out_of_memory)
		return;
	out->given_range_count = out->step_count = out->cpu_nid_count = 0;
	for (uint32_t i = 0; i < in->given_range_count; i++)
		if (is_kept(in->given_ranges[i].nid, kept, count))
			given[out->given_range_count++] = in->given_ranges[i];
	for (uint32_t i = 0; i < in->step_count; i++)
		if (in->steps[i].kind != STEP_NODE_DATA || is_kept(in->steps[i].nid, kept, count))
			steps[out->step_count++] = in->steps[i];
	for (uint32_t i = 0; i < in->cpu_nid_count; i++)
		if (is_kept(in->cpu_nid[i], kept, count))
			nids[out->cpu_nid_count++] = in->cpu_nid[i];
	out->given_ranges = given;
	out->steps = steps;
	out->cpu_nid = nids;
}

/* ---- single facts about the machine --------------------------------------------------------------- */

/* What is absent is all zeros, or all ones. */
struct field {
	size_t offset, bytes;
	uint8_t absent;
};

#define FIELD(name, absent)                                                      \
	{                                                                        \
		offsetof(struct subject, log.input.name),                        \
			sizeof(((struct subject *)NULL)->log.input.name), absent \
	}
/* From one member to the one after the last. */
#define SPAN(first, behind)                                                \
	{                                                                  \
		offsetof(struct subject, log.input.first),                 \
			offsetof(struct subject, log.input.behind) -       \
				offsetof(struct subject, log.input.first), \
			0                                                  \
	}

static const struct field fields[] = {
	FIELD(has_state, 0),
	FIELD(has_tree, 0),
	FIELD(five_level, 0),
	FIELD(numa_source, 0),
	SPAN(node_cpus, distance),
	SPAN(distance, steps),
	SPAN(kernel_start, ramdisk_start),
	SPAN(ramdisk_start, sections),
	FIELD(sections, 0xff),
	FIELD(tables_listed, 0),
	FIELD(distances_told, 0),
	FIELD(nr_node_ids, 0),
	FIELD(given_max_low_pfn, 0),
	FIELD(big_locks, 0),
	FIELD(given_bucket_bytes, 0),
	FIELD(given_total_kb, 0),
	FIELD(given_reserved_kb, 0),
	FIELD(given_cma_kb, 0),
	FIELD(given_total_pages, 0),
	SPAN(given_zones, fitted_page_struct),
	FIELD(fitted_page_struct, 0),
	FIELD(fitted_section, 0),
	FIELD(range_assumed, 0),
	FIELD(has_given_dma_reserve, 0),
	FIELD(given_dma_reserve, 0),
};

enum { FIELD_COUNT = sizeof(fields) / sizeof(*fields) };

static bool is_told(const struct subject *s, const struct field *f)
{
	const uint8_t *bytes = (const uint8_t *)s + f->offset;

	for (size_t i = 0; i < f->bytes; i++)
		if (bytes[i] != f->absent)
			return true;
	return false;
}

static uint32_t count_fields(const struct subject *s)
{
	uint32_t count = 0;

	for (unsigned int i = 0; i < FIELD_COUNT; i++)
		count += is_told(s, &fields[i]);
	return count;
}

static void cut_fields(const struct subject *s, const uint32_t *kept, uint32_t count,
		       struct subject *ret)
{
	uint32_t number = 0, next = 0;

	for (unsigned int i = 0; i < FIELD_COUNT; i++) {
		if (!is_told(s, &fields[i]))
			continue;
		if (next < count && kept[next] == number)
			next++;
		else
			memset((char *)ret + fields[i].offset, fields[i].absent, fields[i].bytes);
		number++;
	}
}

/* ---- zones --------------------------------------------------------------------------------------- */

static uint32_t count_bits(uint32_t mask)
{
	uint32_t count = 0;

	for (; mask; mask &= mask - 1)
		count++;
	return count;
}

/* Normal always is. */
static uint32_t zones_of(const struct subject *s)
{
	return s->log.input.config.zones_mask & ~(1U << ZONE_NORMAL);
}

static void cut_zones(const struct subject *s, const uint32_t *kept, uint32_t count,
		      struct subject *ret)
{
	uint32_t number = 0, next = 0;

	for (unsigned int z = 0; z < ZONE_TYPE_COUNT; z++) {
		if (!(zones_of(s) >> z & 1))
			continue;
		if (next < count && kept[next] == number)
			next++;
		else
			ret->log.input.config.zones_mask &= ~(1U << z);
		number++;
	}
}

/* ---- command line --------------------------------------------------------------------------------- */

/* The word at @p, or NULL at the end; *@end is behind it.  Blanks between quotes are part of it. */
static const char *next_word(const char *p, const char **end)
{
	bool quoted = false;

	p += strspn(p, " \t\n");
	if (!*p)
		return NULL;
	for (*end = p; **end && (quoted || !strchr(" \t\n", **end)); ++*end)
		quoted ^= **end == '"';
	return p;
}

static const char *command_line(const struct subject *s)
{
	return s->log.input.command_line ? s->log.input.command_line : "";
}

static uint32_t count_words(const struct subject *s)
{
	const char *end = command_line(s);
	uint32_t count = 0;

	while (next_word(end, &end))
		count++;
	return count;
}

static void cut_words(struct cutter *c, const struct subject *s, const uint32_t *kept,
		      uint32_t count, struct subject *ret)
{
	const char *p, *end = command_line(s);
	char *line = take_buffer(c, CUT_WORDS, strlen(end) + 2), *to = line;
	uint32_t number = 0, next = 0;

	if (!line)
		return;
	for (; (p = next_word(end, &end)); number++) {
		if (next == count || kept[next] != number)
			continue;
		if (next++)
			*to++ = ' ';
		memcpy(to, p, (size_t)(end - p));
		to += end - p;
	}
	*to = '\0';
	ret->log.input.command_line = line;
}

/* ---- all of them ---------------------------------------------------------------------------------- */

uint32_t cut_count(const struct subject *s, enum cut_part part)
{
	switch (part) {
	case CUT_CPUS:
		return count_cpus(s);
	case CUT_NODES:
		return count_nodes(s);
	case CUT_FIELDS:
		return count_fields(s);
	case CUT_ZONES:
		return count_bits(zones_of(s));
	case CUT_WORDS:
		return count_words(s);
	default:
		return list_count(s, &lists[part]);
	}
}

bool cut_needs(struct cutter *c, const struct subject *s, enum cut_part part, uint32_t *ret)
{
	if (part == CUT_EVENTS)
		return events_need(c, s, ret);
	return part == CUT_OPERATIONS && operations_need(s, ret);
}

void cut(struct cutter *c, const struct subject *s, enum cut_part part, const uint32_t *kept,
	 uint32_t count, struct subject *ret)
{
	*ret = *s;
	if (cut_boots(part))
		ret->boot = 0;
	switch (part) {
	case CUT_OPERATIONS:
		cut_operations(c, s, kept, count, ret);
		break;
	case CUT_CPUS:
		cut_cpus(c, s, kept, count, ret);
		break;
	case CUT_NODES:
		cut_nodes(c, s, kept, count, ret);
		break;
	case CUT_MEMORY:
	case CUT_RESERVED:
		cut_regions(c, s, part, kept, count, ret);
		break;
	case CUT_FIELDS:
		cut_fields(s, kept, count, ret);
		break;
	case CUT_ZONES:
		cut_zones(s, kept, count, ret);
		break;
	case CUT_WORDS:
		cut_words(c, s, kept, count, ret);
		break;
	default:
		cut_list(c, s, part, kept, count, ret);
		break;
	}
}
