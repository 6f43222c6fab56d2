/* SPDX-License-Identifier: MIT */
/*
 * GFP: the flags that come with a request for pages.
 *
 * Each kernel numbers the bits in its own way and has its own list of names for them, composites such as
 * GFP_KERNEL first.  A struct gfp_table is one kernel's view, made once; asking it costs a mask.  A value
 * of such flags is a plain uint32_t of that kernel's bits ("gfp").
 *
 * Text is what the kernel's tracepoints print (show_gfp_flags(): include/trace/events/gfpflags.h up to
 * 4.5, mmflags.h since): of the list in its order each name all of whose bits are still to be told, joined
 * by "|", then what is left as one hexadecimal number; or "none" (up to 4.5 "GFP_NOWAIT") for 0.
 */
#ifndef ENGINE_GFP_H
#define ENGINE_GFP_H

#include "engine/arch.h"
#include "engine/facts.h"

enum gfp_bit {
#define GFP_BIT(name, ...) GFP_BIT_##name,
#include "engine/gfp.def"
#undef GFP_BIT
	GFP_BIT_COUNT,
	GFP_BIT_WAIT = GFP_BIT_DIRECT_RECLAIM, /* its name up to 4.3 */
	GFP_BIT_REPEAT = GFP_BIT_RETRY_MAYFAIL, /* its name up to 4.12 */
};

#define GFP_NAMES_MAX 64
/* Longest name, with its NUL. */
#define GFP_NAME_BYTES 32

struct gfp_name {
	uint32_t mask; /* never 0 */
	char text[GFP_NAME_BYTES];
};

struct gfp_table {
	/* By enum gfp_bit; 0 where that kernel lacks it. */
	uint32_t mask[GFP_BIT_COUNT];
	struct gfp_name names[GFP_NAMES_MAX];
	unsigned int name_count;
	const char *zero; /* how it prints 0; static */
	bool reclaimable_second; /* the fact migrate_reclaimable_second */
};

void gfp_table_init(struct gfp_table *ret, const struct facts *facts);

/*
 * Takes another list of names, such as a trace brings along: gfp_table_clear_names() and then each name
 * in order.  A name that stands for a single bit we know also tells where that bit lies.  A name too long,
 * or one too many, is left out: false.
 */
void gfp_table_clear_names(struct gfp_table *table);
bool gfp_table_add_name(struct gfp_table *table, const char *text, size_t len, uint32_t mask);

/* The bits of @bit in that kernel; 0 where it has no such flag. */
static inline uint32_t gfp_mask_of(const struct gfp_table *table, enum gfp_bit bit)
{
	return table->mask[bit];
}

static inline bool gfp_has(const struct gfp_table *table, uint32_t gfp, enum gfp_bit bit)
{
	return gfp & table->mask[bit];
}

/*
 * The highest zone that a request may use: gfp_zone() of include/linux/gfp.h.  @zones_mask says which
 * zones the kernel is configured with (arch_config).  ZONE_TYPE_COUNT when the flags contradict each
 * other, which that kernel takes for a bug of the caller.
 */
enum zone_type gfp_zone(uint32_t gfp, uint32_t zones_mask);

/*
 * The migratetype of a request, as that kernel numbers it (migratetype_at()).  MOVABLE and RECLAIMABLE
 * together are a bug of the caller and give 3.
 */
static inline unsigned int gfp_migratetype(const struct gfp_table *table, uint32_t gfp)
{
	bool movable = gfp & table->mask[GFP_BIT_MOVABLE];
	bool reclaimable = gfp & table->mask[GFP_BIT_RECLAIMABLE];

	return table->reclaimable_second ? movable * 2 + reclaimable : reclaimable * 2 + movable;
}

/*
 * Reads flags as text; numbers (0x..., or decimal) may stand among the names.  *@ret gets the bits of all
 * that is understood; false when something was not.  Empty text is not understood.
 */
bool gfp_parse(const struct gfp_table *table, const char *text, size_t len, uint32_t *ret);

/*
 * Writes flags as that kernel prints them.  Works as snprintf() does: at most @size bytes with the
 * terminating NUL, and the full length is returned.
 */
size_t gfp_format(const struct gfp_table *table, uint32_t gfp, char *buf, size_t size);

#endif
