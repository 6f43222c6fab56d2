/* SPDX-License-Identifier: MIT */
/*
 * Picture set: all pictures of a source, what /proc told of the memory at certain moments.
 *
 * A folder has them as snap-NAME/buddyinfo.txt, pagetypeinfo.txt ... and kpageflags.gz; a stored file
 * has the same texts in blocks (FORMAT.md), so that both give equal sets.  The texts are handed out as
 * they are, for the readers in traces/procfs; of kpageflags what pages are used for, as ranges.
 *
 * In a trace the markers "SNAP NAME begin" and "SNAP NAME end" stand around the reading of a picture.
 */
#ifndef TRACES_PICTURE_SET_H
#define TRACES_PICTURE_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/error.h"
#include "engine/units.h"
#include "traces/mmtrace.h"

/* The files of /proc a picture may have. */
enum picture_file {
	PICTURE_BUDDYINFO,
	PICTURE_PAGETYPEINFO,
	PICTURE_ZONEINFO,
	PICTURE_MEMINFO,
	PICTURE_VMSTAT,
	PICTURE_FILE_COUNT
};
/* "buddyinfo" ... */
const char *picture_file_name(enum picture_file file);

struct picture_text {
	/* @size bytes and a NUL that is not counted; NULL: the picture lacks this file. */
	char *data;
	size_t size;
};

/* Page frames [start, end). */
struct picture_range {
	pfn_t start, end;
};

/* Rising, none touches the next. */
struct picture_ranges {
	struct picture_range *ranges;
	uint32_t count, room;
};

struct snapshot {
	char *name; /* NAME of snap-NAME */
	struct picture_text text[PICTURE_FILE_COUNT];
	/* What to call a text in errors: "trace-6.1/snap-1/buddyinfo.txt". */
	char *text_name[PICTURE_FILE_COUNT];
	/* Of /proc/kpageflags. */
	bool has_page_flags;
	uint64_t page_count; /* page frames it told of, from 0 on */
	struct picture_ranges buddy; /* with KPF_BUDDY */
	bool has_uses; /* the others are known; files stored by early versions lack them */
	struct picture_ranges lru; /* of user memory or of files: KPF_LRU or KPF_MMAP */
	struct picture_ranges slab; /* KPF_SLAB */
	struct picture_ranges reserved; /* KPF_RESERVED */
};

/* Most pictures of a source, and most bytes of a text. */
#define SNAPSHOTS_MAX ((uint32_t)1 << 16)
#define SNAPSHOT_TEXT_BYTES_MAX ((size_t)4 << 20)

struct picture_set {
	/* "boot" first, then names that are numbers as these rise, then others as their bytes do. */
	struct snapshot *snapshots;
	uint32_t count, room;
	/* The first damage that was passed over, or NULL. */
	struct error *damage;
};

/*
 * Reads all pictures of @path, a folder or a stored file, into @ret (zeroed; ends with
 * picture_set_deinit() in any case).  Any other file, and "-", has none: that is no error.  Errors name
 * the file: those of input_read(), and ERROR_FORMAT for a kpageflags of no whole words.
 */
struct error *picture_set_read(const char *path, struct picture_set *ret);
void picture_set_deinit(struct picture_set *set);

/* The picture called @name, or NULL. */
const struct snapshot *picture_set_find(const struct picture_set *set, const char *name);

/* ---- stored ---- */

/* Writes each picture as a block.  ERROR_LIMIT: a text or a list of ranges is too large for one. */
struct error *picture_set_write(const struct picture_set *set, struct mmtrace_writer *w);
/*
 * Takes the picture in @message, the block that @r gave last, into @set.  ERROR_CORRUPT, ERROR_RANGE or
 * ERROR_LIMIT: the block cannot be one, and nothing was taken.
 */
struct error *picture_set_take(struct picture_set *set, struct mmtrace_reader *r);
/*
 * Takes all pictures of @r from where it stands to the first event; @name is what errors and damage call
 * the file.  ERROR_OS, ERROR_NO_MEMORY; any other damage is kept in @set.
 */
struct error *picture_set_take_all(struct picture_set *set, struct mmtrace_reader *r,
				   const char *name);
/* Brings the pictures that were taken into their order. */
void picture_set_sort(struct picture_set *set);

#endif
