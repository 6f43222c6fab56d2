/* SPDX-License-Identifier: MIT */
/*
 * The firmware map as sheets of cells: each entry is a sheet of its own, coloured where it lies, and
 * laying them over each other shows the map.  For maps of up to E820_ORACLE_CELLS units.
 */
#ifndef ENGINE_TESTING_E820_ORACLE_H
#define ENGINE_TESTING_E820_ORACLE_H

#include "engine/e820.h"

#define E820_ORACLE_CELLS 64
#define E820_ORACLE_SHEETS 128

struct e820_oracle {
	uint32_t sheets[E820_ORACLE_SHEETS][E820_ORACLE_CELLS]; /* type, 0 = nothing */
	bool cuts[E820_ORACLE_SHEETS][E820_ORACLE_CELLS + 1]; /* an edit began or ended here */
	uint32_t count;
};

/* The same as the functions of e820.h, in cells. */
void e820_oracle_add(struct e820_oracle *o, unsigned int start, unsigned int end, uint32_t type);
void e820_oracle_change(struct e820_oracle *o, unsigned int start, unsigned int end,
			uint32_t old_type, uint32_t new_type);
/* Makes one sheet of each entry of the sanitized map, in order. */
void e820_oracle_sanitize(struct e820_oracle *o);

#endif
