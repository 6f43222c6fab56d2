/* SPDX-License-Identifier: MIT */
#include "engine/e820.h"

#include <stdlib.h>
#include <string.h>

#include "engine/room.h"

#define E820_PAGE_SHIFT 12

void e820_deinit(struct e820 *e)
{
	free(e->entries);
	free(e->edges);
	free(e->spare);
	memset(e, 0, sizeof(*e));
}

void e820_clear(struct e820 *e)
{
	e->count = 0;
}

static bool make_room(struct e820 *e, uint32_t count)
{
	struct e820_entry *grown;
	uint32_t room = e->room ? e->room : 32;

	if (count <= e->room)
		return true;
	while (room < count)
		room *= 2;
	grown = realloc(e->entries, room * sizeof(*grown));
	if (!grown) {
		e->out_of_memory = true;
		return false;
	}
	e->entries = grown;
	e->room = room;
	return true;
}

void e820_copy(struct e820 *dst, const struct e820 *src)
{
	if (!make_room(dst, src->count))
		return;
	if (src->count)
		memcpy(dst->entries, src->entries, src->count * sizeof(*src->entries));
	dst->count = src->count;
}

void e820_add(struct e820 *e, phys_t start, phys_t end, uint32_t type)
{
	if (start >= end || !make_room(e, e->count + 1))
		return;
	e->entries[e->count++] = (struct e820_entry){ start, end, type };
}

void e820_update(struct e820 *e, phys_t start, phys_t end, uint32_t old_type, uint32_t new_type)
{
	uint32_t count = e->count;

	for (uint32_t i = 0; i < count; i++) {
		struct e820_entry cut = e->entries[i];

		if ((old_type && cut.type != old_type) || cut.end <= start || cut.start >= end)
			continue;
		/* before | inside | after */
		if (cut.end > end)
			e820_add(e, end, cut.end, cut.type);
		if (cut.start < start)
			e820_add(e, cut.start, start, cut.type);
		if (e->out_of_memory)
			return;
		e->entries[i].start = max_u64(cut.start, start);
		e->entries[i].end = min_u64(cut.end, end);
		e->entries[i].type = new_type;
	}
}

void e820_remove(struct e820 *e, phys_t start, phys_t end, uint32_t type)
{
	uint32_t kept = 0;

	/* Inside pieces get an impossible type first, then vanish. */
	e820_update(e, start, end, type, UINT32_MAX);
	for (uint32_t i = 0; i < e->count; i++)
		if (e->entries[i].type != UINT32_MAX)
			e->entries[kept++] = e->entries[i];
	e->count = kept;
}

static int compare_phys(const void *a, const void *b)
{
	phys_t x = *(const phys_t *)a, y = *(const phys_t *)b;

	return x < y ? -1 : x > y;
}

void e820_sanitize(struct e820 *e)
{
	uint32_t n = e->count, edges_count = 0, count = 0;
	struct e820_entry *out;
	phys_t *edges;

	if (!n)
		return;
	/* Between each two of its 2 n ends there is one range at most. */
	if (!room_make(&e->edges, &e->edge_room, 2 * (size_t)n * sizeof(*edges)) ||
	    !room_make(&e->spare, &e->spare_room, 2 * (size_t)n * sizeof(*out)) ||
	    !make_room(e, 2 * n)) {
		e->out_of_memory = true;
		return;
	}
	edges = e->edges;
	out = e->spare;
	for (uint32_t i = 0; i < n; i++) {
		edges[edges_count++] = e->entries[i].start;
		edges[edges_count++] = e->entries[i].end;
	}
	qsort(edges, edges_count, sizeof(*edges), compare_phys);
	for (uint32_t i = 0; i + 1 < edges_count; i++) {
		uint32_t type = 0;

		if (edges[i] == edges[i + 1])
			continue;
		for (uint32_t k = 0; k < n; k++)
			if (e->entries[k].start <= edges[i] && e->entries[k].end >= edges[i + 1] &&
			    e->entries[k].type > type)
				type = e->entries[k].type;
		if (!type)
			continue;
		/* Persistent and soft-reserved ranges are never joined. */
		if (count && out[count - 1].end == edges[i] && out[count - 1].type == type &&
		    type != E820_PRAM && type != E820_SOFT_RESERVED)
			out[count - 1].end = edges[i + 1];
		else
			out[count++] = (struct e820_entry){ edges[i], edges[i + 1], type };
	}
	memcpy(e->entries, out, count * sizeof(*out));
	e->count = count;
}

static phys_t end_of(phys_t start, uint64_t size)
{
	return size > UINT64_MAX - start ? UINT64_MAX : start + size;
}

bool e820_apply_cmdline(struct e820 *e, const struct cmdline *cmdline)
{
	for (unsigned int i = 0; i < cmdline->memmap_count; i++) {
		const struct memmap_option *o = &cmdline->memmap[i];
		phys_t end = end_of(o->start, o->size);

		switch (o->action) {
		case MEMMAP_EXACTMAP:
			e820_clear(e);
			break;
		case MEMMAP_ADD:
			e820_add(e, o->start, end, o->type);
			break;
		case MEMMAP_RESERVE:
			e820_add(e, o->start, end, E820_RESERVED);
			break;
		case MEMMAP_CONVERT:
			if (o->old_type && o->type)
				e820_update(e, o->start, end, o->old_type, o->type);
			else if (o->type)
				e820_add(e, o->start, end, o->type);
			else
				e820_remove(e, o->start, end, o->old_type);
			break;
		case MEMMAP_LIMIT:
			e820_remove(e, o->start, UINT64_MAX, E820_RAM);
			break;
		}
	}
	if (cmdline->memmap_count)
		e820_sanitize(e);
	return cmdline->memmap_count > 0;
}

void e820_trim_bios_range(struct e820 *e)
{
	e820_update(e, 0, 0x1000, E820_RAM, E820_RESERVED);
	e820_remove(e, 0xa0000, 0x100000, E820_RAM);
	e820_sanitize(e);
}

pfn_t e820_end_pfn(const struct e820 *e, pfn_t limit_pfn, bool acpi)
{
	pfn_t last = 0;

	for (uint32_t i = 0; i < e->count; i++) {
		const struct e820_entry *entry = &e->entries[i];
		pfn_t start = entry->start >> E820_PAGE_SHIFT, end = entry->end >> E820_PAGE_SHIFT;

		if ((entry->type != E820_RAM && !(acpi && entry->type == E820_ACPI)) ||
		    start >= limit_pfn)
			continue;
		last = max_u64(last, min_u64(end, limit_pfn));
	}
	return last;
}

bool e820_mapped_all(const struct e820 *e, phys_t start, phys_t end, uint32_t type)
{
	for (uint32_t i = 0; i < e->count && start < end; i++) {
		const struct e820_entry *entry = &e->entries[i];

		if (entry->type == type && entry->start <= start && entry->end > start)
			start = entry->end;
	}
	return start >= end;
}
