/* SPDX-License-Identifier: MIT */
/*
 * GFP format: the names of GFP flags out of events/kmem/mm_page_alloc/format, the file in which a kernel
 * describes that event.  What it lists is exact for that very kernel and its configuration.
 */
#ifndef TRACES_TRACE_GFP_FORMAT_H
#define TRACES_TRACE_GFP_FORMAT_H

#include "engine/gfp.h"

/*
 * Replaces the names of @table, which is of the facts, by those of the format.  False, and nothing
 * changed, when there is no such list or part of it has no value that can be computed (6.12 and 6.13
 * name enumerators there).
 */
bool gfp_format_read(const char *text, size_t len, struct gfp_table *table);

#endif
