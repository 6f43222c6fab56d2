/* SPDX-License-Identifier: MIT */
#include "traces/dmesg/dump_walk.h"

#include <string.h>

#include "traces/scan.h"

/* Which part of a dump a line is, and the count or index in it. */
static enum dump_part part_of(const char *text, uint64_t *ret)
{
	static const struct {
		const char *prefix;
		enum dump_part part;
	} rows[] = {
		{ " memory[", DUMP_MEMORY },
		{ " reserved[", DUMP_RESERVED },
		{ " memory size = ", DUMP_SIZES },
		{ " memory.cnt  = ", DUMP_MEMORY_COUNT },
		{ " reserved.cnt  = ", DUMP_RESERVED_COUNT },
		{ "MEMBLOCK configuration:", DUMP_HEADING },
	};
	struct scan s;

	*ret = 0;
	if (*text != ' ' && *text != 'M')
		return DUMP_NOWHERE;
	s = scan_of(text, strlen(text));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (scan_lit(&s, rows[i].prefix))
			return rows[i].part == DUMP_HEADING || scan_number(&s, ret) ? rows[i].part
										    : DUMP_NOWHERE;
	return DUMP_NOWHERE;
}

static bool is_region(enum dump_part part)
{
	return part == DUMP_MEMORY || part == DUMP_RESERVED;
}

/* Can a line follow the last one, be others lost in between or not? */
static bool goes_on(const struct dump_walk *w, enum dump_part part, uint64_t value)
{
	bool counted = w->part == DUMP_MEMORY_COUNT || w->part == DUMP_RESERVED_COUNT ||
		       is_region(w->part);

	if (w->part == DUMP_NOWHERE || part < w->part)
		return false;
	if (part == w->part)
		return is_region(part) && value >= w->next && value < w->told;
	/* The count of this list, and not that of the other, stands above. */
	return !is_region(part) || !counted || part != w->part + 1 || value < w->told;
}

/* Is nothing missing between the last line and one that goes on? */
static bool is_next(const struct dump_walk *w, enum dump_part part, uint64_t value)
{
	if (is_region(part))
		return value == w->next && (part == w->part || part == w->part + 1);
	if (part == DUMP_RESERVED_COUNT)
		return (w->part == DUMP_MEMORY || w->part == DUMP_MEMORY_COUNT) &&
		       w->next == w->told;
	return part == w->part + 1;
}

void dump_walk_line(struct dump_walk *w, const char *text)
{
	uint64_t value;
	enum dump_part part = part_of(text, &value);

	w->begins = false;
	if (part == DUMP_NOWHERE) {
		/* Noise may come between two lines of a dump, but nothing else of memblock's. */
		if (w->part != DUMP_NOWHERE && strstr(text, "memblock"))
			*w = (struct dump_walk){ .part = DUMP_NOWHERE };
		return;
	}
	if (!goes_on(w, part, value)) {
		*w = (struct dump_walk){ .begins = true, .whole = part == DUMP_HEADING };
		w->told = UINT64_MAX;
	} else {
		w->whole &= is_next(w, part, value);
		/* The list's own count is lost. */
		if (is_region(part) && part != w->part && part != w->part + 1)
			w->told = UINT64_MAX;
	}
	w->part = part;
	w->next = is_region(part) ? value + 1 : 0;
	if (part == DUMP_MEMORY_COUNT || part == DUMP_RESERVED_COUNT)
		w->told = value;
}

bool dump_walk_is_whole(const struct log_text *text, size_t first, size_t end)
{
	struct dump_walk w = { .part = DUMP_NOWHERE };

	for (size_t i = first; i < end; i++) {
		dump_walk_line(&w, text->lines[i].text);
		if (!w.whole || (i > first && w.begins))
			return false;
		if ((w.part == DUMP_RESERVED_COUNT || w.part == DUMP_RESERVED) && w.next == w.told)
			return true;
	}
	return false;
}
