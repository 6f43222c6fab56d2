/* SPDX-License-Identifier: MIT */
#include "engine/testing/e820_oracle.h"

#include <string.h>

void e820_oracle_add(struct e820_oracle *o, unsigned int start, unsigned int end, uint32_t type)
{
	if (start >= end)
		return;
	memset(o->sheets[o->count], 0, sizeof(o->sheets[0]));
	memset(o->cuts[o->count], 0, sizeof(o->cuts[0]));
	for (unsigned int c = start; c < end; c++)
		o->sheets[o->count][c] = type;
	o->count++;
}

void e820_oracle_change(struct e820_oracle *o, unsigned int start, unsigned int end,
			uint32_t old_type, uint32_t new_type)
{
	for (uint32_t s = 0; s < o->count; s++) {
		bool before = false;

		for (unsigned int c = start; c < end; c++) {
			uint32_t *cell = &o->sheets[s][c];
			bool hit = *cell && (!old_type || *cell == old_type);

			o->cuts[s][c] |= hit != before;
			if (hit)
				*cell = new_type;
			before = hit;
		}
		o->cuts[s][end] |= before;
	}
}

void e820_oracle_sanitize(struct e820_oracle *o)
{
	struct e820_oracle made = { .count = 0 };
	uint32_t previous = 0;

	for (unsigned int c = 0; c < E820_ORACLE_CELLS; c++) {
		bool edge = c == 0;
		uint32_t top = 0;

		for (uint32_t s = 0; s < o->count; s++) {
			if (o->sheets[s][c] > top)
				top = o->sheets[s][c];
			edge |= (o->cuts[s][c] && o->sheets[s][c]) ||
				(c && o->sheets[s][c] != o->sheets[s][c - 1]);
		}
		/* Ranges of these two types end wherever any entry begins or ends. */
		if (top != previous || (edge && (top == E820_PRAM || top == E820_SOFT_RESERVED)))
			e820_oracle_add(&made, c, c + 1, top);
		if (top)
			made.sheets[made.count - 1][c] = top;
		else if (top != previous)
			made.count--; /* a gap is no entry */
		previous = top;
	}
	*o = made;
}
