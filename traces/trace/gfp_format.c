/* SPDX-License-Identifier: MIT */
/*
 * The list stands in the line "print fmt:", as { value, "name" } pairs:
 *
 *	... __print_flags(REC->gfp_flags, "|", {(unsigned long)((( gfp_t)0x400u) | ...), "GFP_NOIO"}, ...
 */
#include "traces/trace/gfp_format.h"

#include "traces/trace/expression.h"

bool gfp_format_read(const char *text, size_t len, struct gfp_table *table)
{
	struct scan s = scan_of(text, len);
	struct gfp_table made = *table;

	if (!scan_past(&s, "__print_flags(REC->gfp_flags, \"|\","))
		return false;
	gfp_table_clear_names(&made);
	do {
		struct scan_str name;
		uint64_t value;

		if (!scan_ws(&s) || !scan_char(&s, '{') || !expression_read(&s, &value) ||
		    !scan_ws(&s) || !scan_char(&s, ',') || !scan_ws(&s))
			return false;
		if (!scan_char(&s, '"')) {
			/* { 0, ((void *)0) } ends the list of 7.2. */
			if (value)
				return false;
			break;
		}
		/* On 64 bits a mask with ~ in it is extended by ones. */
		if (!scan_until(&s, '"', &name) || !scan_lit(&s, "\"") || !scan_ws(&s) ||
		    !scan_char(&s, '}') ||
		    !gfp_table_add_name(&made, name.p, name.len, (uint32_t)value))
			return false;
		scan_ws(&s);
	} while (scan_char(&s, ','));
	if (!made.name_count)
		return false;
	*table = made;
	return true;
}
