/* SPDX-License-Identifier: MIT */
/*
 * Reader: what parsers of log lines share while one boot is read.  Private to traces/.
 */
#ifndef TRACES_DMESG_READER_H
#define TRACES_DMESG_READER_H

#include "traces/boot_log.h"
#include "traces/dmesg/dump_walk.h"
#include "traces/scan.h"

/* Lists whose lines only make sense after their heading. */
enum reader_section {
	SECTION_NONE,
	SECTION_ZONES,
	SECTION_ZONE_PFNS,
	SECTION_MOVABLE,
	SECTION_MOVABLE_PFN,
	SECTION_NODES,
	SECTION_NODE_PFNS,
	SECTION_EARLY_RES,
};

/* A placement whose request was not printed. */
struct reader_orphan {
	phys_t start, end;
	uint64_t flags;
	uint64_t nid; /* sign-extended, as in the answer; 0 where not printed */
	uint32_t line;
};

#define READER_NO_STEP UINT32_MAX
/* Two areas may be reserved before either is named; older placements stay nameless. */
#define READER_ORPHANS_MAX 2

struct reader {
	struct boot_log *log;
	const struct log_text *text;
	size_t at, end; /* number of the line in @text; where the boot ends there */
	const struct log_line *line;
	uint32_t request; /* step of an allocation whose placement has not been seen yet */
	struct reader_orphan orphans[READER_ORPHANS_MAX];
	uint32_t orphan_count;
	uint32_t crash_low; /* step of a low crash kernel part not yet tied to its placement */
	enum reader_section section;
	uint32_t
		dump; /* number of the dump being read, counted from 1; 0 = none yet that is whole */
	struct dump_walk walk; /* with the current line */
	uint32_t node_data_count;
	uint32_t node_range_count;
	int32_t node; /* of the last "On node" or "Initmem" line */
	uint32_t unavailable_count, join_count, doubled_count, cma_count, last_pfn_count,
		user_count;
	uint32_t command_line_line;
	size_t command_line_open; /* bytes of a command line whose next piece is to come; 0 = whole */
	uint64_t last_pfn;
	/* The firmware map became memory: what happens to it from now on changes memory no more. */
	bool imported;
	bool kernel_not_ram; /* the next e820 removal is the kernel's, and is undone at once */
	bool saw_deferred; /* deferred struct pages were told of */
	bool saw_arm, saw_arm64, saw_x86, saw_e820, saw_lowmem, saw_highmem, saw_pae;
	unsigned int address_digits; /* of memblock lines */
};

/* Each parser: @s stands after the row's prefix.  False: not this line after all. */
#define LINE(id, family, prefix, yields, kernels) bool line_##id(struct reader *r, struct scan s);
#include "traces/lines.def"
#undef LINE

/* A recorded answer at the current line; its fields are the caller's to fill. */
struct answer *reader_answer(struct reader *r, enum answer_kind kind);
/* Ties the oldest placement without request to @step. */
void reader_adopt_orphan(struct reader *r, uint32_t step);
/* Makes nameless placements beyond the newest @keep steps of their own: their size is all we know. */
bool reader_flush_orphans(struct reader *r, uint32_t keep);

/* "[mem 0xa-0xb]" with an inclusive end; half-open in the results. */
bool scan_mem_range(struct scan *s, phys_t *start, phys_t *end);
/* "a-b" or "a - b": hexadecimal without prefix and brackets, as printed; 3.4 and before. */
bool scan_plain_range(struct scan *s, phys_t *start, phys_t *end);
/* "[0xa-0xb]" likewise. */
bool scan_bracket_range(struct scan *s, phys_t *start, phys_t *end);
/* A zone's name, blank or ':' or end after it. */
bool scan_zone(struct scan *s, enum zone_type *ret);

#endif
