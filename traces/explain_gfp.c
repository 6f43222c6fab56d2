/* SPDX-License-Identifier: MIT */
/* Gfp masks of reports: names and, where there are none, numbers of each era. */
#include "traces/explain.h"
#include "traces/scan.h"

#define WAIT EXPLAIN_GFP_DIRECT_RECLAIM

struct gfp_name {
	const char *name;
	uint32_t bits;
};

/* Names without a bit of ours are known all the same. */
static const struct gfp_name gfp_names[] = {
	{ "GFP_ATOMIC", EXPLAIN_GFP_HIGH | EXPLAIN_GFP_ATOMIC },
	{ "GFP_NOWAIT", 0 },
	{ "GFP_NOIO", WAIT },
	{ "GFP_NOFS", WAIT },
	{ "GFP_KERNEL", WAIT },
	{ "GFP_KERNEL_ACCOUNT", WAIT },
	{ "GFP_TEMPORARY", WAIT },
	{ "GFP_USER", WAIT | EXPLAIN_GFP_HARDWALL },
	{ "GFP_HIGHUSER", WAIT | EXPLAIN_GFP_HARDWALL | EXPLAIN_GFP_HIGHMEM },
	{ "GFP_HIGHUSER_MOVABLE",
	  WAIT | EXPLAIN_GFP_HARDWALL | EXPLAIN_GFP_HIGHMEM | EXPLAIN_GFP_MOVABLE },
	{ "GFP_TRANSHUGE", WAIT | EXPLAIN_GFP_HARDWALL | EXPLAIN_GFP_HIGHMEM | EXPLAIN_GFP_MOVABLE |
				   EXPLAIN_GFP_NOMEMALLOC },
	{ "GFP_TRANSHUGE_LIGHT", EXPLAIN_GFP_HARDWALL | EXPLAIN_GFP_HIGHMEM | EXPLAIN_GFP_MOVABLE |
					 EXPLAIN_GFP_NOMEMALLOC },
	{ "GFP_DMA", EXPLAIN_GFP_DMA },
	{ "GFP_DMA32", EXPLAIN_GFP_DMA32 },
	{ "__GFP_DMA", EXPLAIN_GFP_DMA },
	{ "__GFP_DMA32", EXPLAIN_GFP_DMA32 },
	{ "__GFP_HIGHMEM", EXPLAIN_GFP_HIGHMEM },
	{ "__GFP_MOVABLE", EXPLAIN_GFP_MOVABLE },
	{ "__GFP_HIGH", EXPLAIN_GFP_HIGH },
	{ "__GFP_ATOMIC", EXPLAIN_GFP_ATOMIC },
	{ "__GFP_RECLAIM", WAIT },
	{ "__GFP_DIRECT_RECLAIM", WAIT },
	{ "__GFP_NOMEMALLOC", EXPLAIN_GFP_NOMEMALLOC },
	{ "__GFP_MEMALLOC", EXPLAIN_GFP_MEMALLOC },
	{ "__GFP_HARDWALL", EXPLAIN_GFP_HARDWALL },
	{ "__GFP_THISNODE", EXPLAIN_GFP_THISNODE },
	{ "__GFP_KSWAPD_RECLAIM", 0 },
	{ "__GFP_IO", 0 },
	{ "__GFP_FS", 0 },
	{ "__GFP_COLD", 0 },
	{ "__GFP_NOWARN", 0 },
	{ "__GFP_REPEAT", 0 },
	{ "__GFP_RETRY_MAYFAIL", 0 },
	{ "__GFP_NOFAIL", 0 },
	{ "__GFP_NORETRY", 0 },
	{ "__GFP_COMP", 0 },
	{ "__GFP_ZERO", 0 },
	{ "__GFP_RECLAIMABLE", 0 },
	{ "__GFP_ACCOUNT", 0 },
	{ "__GFP_NOTRACK", 0 },
	{ "__GFP_WRITE", 0 },
	{ "__GFP_OTHER_NODE", 0 },
	{ "__GFP_ZEROTAGS", 0 },
	{ "__GFP_SKIP_ZERO", 0 },
	{ "__GFP_SKIP_KASAN", 0 },
	{ "__GFP_SKIP_KASAN_POISON", 0 },
	{ "__GFP_SKIP_KASAN_UNPOISON", 0 },
	{ "__GFP_NOLOCKDEP", 0 },
	{ "__GFP_NO_OBJ_EXT", 0 },
	{ "none", 0 },
};

static bool read_name(struct scan_str name, uint32_t *bits)
{
	for (size_t i = 0; i < sizeof(gfp_names) / sizeof(gfp_names[0]); i++) {
		if (scan_str_eq(name, gfp_names[i].name)) {
			*bits |= gfp_names[i].bits;
			return true;
		}
	}
	return false;
}

/* Bits that move between kernels, by the fact gfp_layout. */
static const struct {
	uint64_t atomic, wait, memalloc, nomemalloc, hardwall, thisnode;
} gfp_layouts[] = {
	{ 0, 0x10, 0x2000, 0x10000, 0x20000, 0x40000 },
	{ 0x80000, 0x400000, 0x2000, 0x10000, 0x20000, 0x40000 },
	{ 0x80000, 0x200000, 0x2000, 0x10000, 0x20000, 0x40000 },
	{ 0x200, 0x400, 0x20000, 0x80000, 0x100000, 0x200000 },
};

static uint32_t read_number(uint64_t number, const struct facts *facts)
{
	int64_t layout = fact_get(facts, FACT_gfp_layout);
	size_t count = sizeof(gfp_layouts) / sizeof(gfp_layouts[0]);
	uint32_t bits = number & 0xf;

	if (layout < 0 || (uint64_t)layout >= count)
		layout = (int64_t)count - 1;
	if (number & 0x20)
		bits |= EXPLAIN_GFP_HIGH;
	if (number & gfp_layouts[layout].atomic)
		bits |= EXPLAIN_GFP_ATOMIC;
	if (number & gfp_layouts[layout].wait)
		bits |= WAIT;
	if (number & gfp_layouts[layout].memalloc)
		bits |= EXPLAIN_GFP_MEMALLOC;
	if (number & gfp_layouts[layout].nomemalloc)
		bits |= EXPLAIN_GFP_NOMEMALLOC;
	if (number & gfp_layouts[layout].hardwall)
		bits |= EXPLAIN_GFP_HARDWALL;
	if (number & gfp_layouts[layout].thisnode)
		bits |= EXPLAIN_GFP_THISNODE;
	return bits;
}

uint32_t explain_gfp_read(uint64_t number, const char *names, const struct facts *facts,
			  bool *unknown_ret)
{
	struct scan s = scan_of(names ? names : "", names ? strlen(names) : 0);
	uint32_t bits = 0;
	struct scan_str name;
	uint64_t rest;

	*unknown_ret = false;
	if (scan_blank_end(&s))
		return read_number(number, facts);
	while (!scan_done(&s)) {
		if (!scan_until(&s, '|', &name))
			name = (struct scan_str){ s.p, 0 };
		scan_char(&s, '|');
		/* Bits without a name come last, as a number. */
		if (!read_name(name, &bits)) {
			struct scan t = scan_of_str(name);

			if (!scan_0x(&t, &rest))
				*unknown_ret = true;
		}
	}
	return bits;
}
