/* SPDX-License-Identifier: MIT */
/*
 * Gfp masks of reports.  A name is read by the list of that kernel or, as users write names of their own
 * time and ask for another kernel's rules, by that of any era; what it means is the same in all.
 */
#include "engine/gfp.h"
#include "traces/explain.h"
#include "traces/scan.h"

/* What matters of @gfp, in the numbering of @table. */
static uint32_t bits_of(const struct gfp_table *table, uint32_t gfp)
{
	static const struct {
		enum gfp_bit bit;
		uint32_t ours;
	} bits[] = {
		{ GFP_BIT_DMA, EXPLAIN_GFP_DMA },
		{ GFP_BIT_HIGHMEM, EXPLAIN_GFP_HIGHMEM },
		{ GFP_BIT_DMA32, EXPLAIN_GFP_DMA32 },
		{ GFP_BIT_MOVABLE, EXPLAIN_GFP_MOVABLE },
		{ GFP_BIT_HIGH, EXPLAIN_GFP_HIGH },
		{ GFP_BIT_ATOMIC, EXPLAIN_GFP_ATOMIC },
		{ GFP_BIT_DIRECT_RECLAIM, EXPLAIN_GFP_DIRECT_RECLAIM },
		{ GFP_BIT_NOMEMALLOC, EXPLAIN_GFP_NOMEMALLOC },
		{ GFP_BIT_MEMALLOC, EXPLAIN_GFP_MEMALLOC },
		{ GFP_BIT_HARDWALL, EXPLAIN_GFP_HARDWALL },
		{ GFP_BIT_THISNODE, EXPLAIN_GFP_THISNODE },
	};
	uint32_t ret = 0;

	for (size_t i = 0; i < sizeof(bits) / sizeof(bits[0]); i++)
		if (gfp_has(table, gfp, bits[i].bit))
			ret |= bits[i].ours;
	return ret;
}

static bool read_name(const struct gfp_table *table, struct scan_str name, uint32_t *bits)
{
	uint32_t gfp;

	if (gfp_parse(table, name.p, name.len, &gfp)) {
		*bits |= bits_of(table, gfp);
		return true;
	}
	for (unsigned int i = era_count; i-- > 0;) {
		struct gfp_table other;
		struct facts facts;

		facts_init(&facts, eras[i].version);
		gfp_table_init(&other, &facts);
		if (gfp_parse(&other, name.p, name.len, &gfp)) {
			*bits |= bits_of(&other, gfp);
			return true;
		}
	}
	return false;
}

uint32_t explain_gfp_read(uint64_t number, const char *names, const struct facts *facts,
			  bool *unknown_ret)
{
	struct scan s = scan_of(names ? names : "", names ? strlen(names) : 0);
	struct gfp_table table;
	struct scan_str name;
	uint32_t bits = 0;

	gfp_table_init(&table, facts);
	*unknown_ret = false;
	if (scan_blank_end(&s))
		return bits_of(&table, (uint32_t)number);
	while (!scan_done(&s)) {
		if (!scan_until(&s, '|', &name))
			name = (struct scan_str){ s.p, 0 };
		scan_char(&s, '|');
		if (!read_name(&table, name, &bits))
			*unknown_ret = true;
	}
	return bits;
}
