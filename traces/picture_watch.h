/* SPDX-License-Identifier: MIT */
/*
 * Picture watch: the model beside the pictures that were taken while the trace ran.
 *
 * The markers "SNAP NAME begin" and "SNAP NAME end" stand around the reading of buddyinfo and
 * pagetypeinfo, "SNAP NAME end" and "SNAP NAME done" around that of kpageflags.  Reading takes time, and
 * pages: the files are read by programs that are started for it.  So a table is compared after each
 * event between its two markers, zone by zone, as the kernel holds a zone's lock while it counts:
 *
 *   1. A zone agrees when at one moment all its numbers are those of the picture.
 *   2. A table agrees when all its zones do; were all of them right at the first marker, or at the
 *      second, that is told.
 *   3. Otherwise the differences of the nearest moment count.
 *
 * kpageflags is read page by page, so each page agrees by itself.
 */
#ifndef TRACES_PICTURE_WATCH_H
#define TRACES_PICTURE_WATCH_H

#include "engine/buddy.h"
#include "engine/error.h"
#include "engine/sink.h"
#include "traces/picture_set.h"

enum picture_table {
	PICTURE_TABLE_BUDDYINFO, /* free blocks by order */
	PICTURE_TABLE_PAGETYPEINFO, /* free blocks by order and type */
	PICTURE_TABLE_PAGEBLOCKS, /* pageblocks by type */
	PICTURE_TABLE_KPAGEFLAGS, /* pages in free blocks */
	PICTURE_TABLE_COUNT
};
/* "buddyinfo", "pagetypeinfo", "pageblocks", "kpageflags" */
const char *picture_table_name(enum picture_table table);

enum picture_match {
	PICTURE_NOT_SEEN, /* the picture has no such table, or the trace not both markers */
	PICTURE_EQUAL_AT_BEGIN, /* at the first marker */
	PICTURE_EQUAL_AT_END, /* at the second */
	PICTURE_EQUAL_BETWEEN,
	PICTURE_DIFFERS,
	PICTURE_MATCH_COUNT
};
/* "not seen", "at begin", "at end", "between", "differs" */
const char *picture_match_name(enum picture_match match);

struct picture_result {
	const struct snapshot *picture; /* of the set */
	uint64_t line; /* of its first marker; 0: the trace has none */
	struct {
		enum picture_match match;
		/* Blocks, pageblocks or pages, too many and too few, that never agreed. */
		uint64_t differ;
		/* Numbers of the table, and how many of them never agreed; of kpageflags, page frames. */
		uint64_t entries, entries_differ;
	} tables[PICTURE_TABLE_COUNT];
};

struct picture_watch;

/*
 * Watches @b, which goes on to live and change; all are borrowed.  Errors: those of buddyinfo_parse() and
 * pagetypeinfo_parse(), for a picture that cannot be read.
 */
struct error *picture_watch_create(const struct picture_set *set, const struct buddy *b,
				   const struct arch_config *config, const struct facts *facts,
				   struct picture_watch **ret);
/* Accepts NULL. */
void picture_watch_destroy(struct picture_watch *w);

/* A marker of the trace, at @line, before the next event. */
void picture_watch_marker(struct picture_watch *w, const char *text, uint64_t line);
/* Is a picture being taken?  Then picture_watch_look() is due after each event. */
bool picture_watch_active(const struct picture_watch *w);
void picture_watch_look(struct picture_watch *w);

/* One result for each picture of the set, in its order. */
const struct picture_result *picture_watch_results(const struct picture_watch *w, uint32_t *count);
/*
 * The differences of picture @i, a line each, with the kernel's number and ours.  Page frames in
 * hexadecimal; of many ranges the first are shown.
 */
void picture_watch_explain(const struct picture_watch *w, uint32_t i, const struct sink *sink);
/* Host memory was missing: results are void. */
bool picture_watch_out_of_memory(const struct picture_watch *w);

#endif
