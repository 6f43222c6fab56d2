/* SPDX-License-Identifier: MIT */
/*
 * A slow and obvious buddy allocator: every list is an array of page frames in order, every question is
 * a search, and one cell per page says whether it is free.  Rules are asked from facts each time.
 */
#ifndef ENGINE_TESTING_BUDDY_ORACLE_H
#define ENGINE_TESTING_BUDDY_ORACLE_H

#include "engine/buddy.h"

#define BUDDY_ORACLE_PAGES 1024
#define BUDDY_ORACLE_ZONES 8
#define BUDDY_ORACLE_ORDERS 6

struct buddy_oracle_list {
	uint32_t pfn[BUDDY_ORACLE_PAGES];
	uint32_t count;
};

struct buddy_oracle {
	const struct facts *facts;
	unsigned int max_order, pageblock_order;
	bool shared_types; /* a pageblock has one type, whatever zones meet in it */
	uint32_t zone_count;
	uint8_t page_zone[BUDDY_ORACLE_PAGES]; /* UINT8_MAX: no memory */
	bool page_free[BUDDY_ORACLE_PAGES];
	uint8_t types[BUDDY_ORACLE_ZONES][BUDDY_ORACLE_PAGES]; /* by pageblock */
	struct buddy_oracle_list lists[BUDDY_ORACLE_ZONES][BUDDY_ORACLE_ORDERS][MIGRATE_TYPE_COUNT];
};

/* Nothing free; @page_zone says which zone each page lies in. */
void buddy_oracle_init(struct buddy_oracle *o, const struct arch_config *config,
		       const struct facts *facts, const uint8_t page_zone[BUDDY_ORACLE_PAGES],
		       uint32_t zone_count);
void buddy_oracle_set_type(struct buddy_oracle *o, uint32_t zone, pfn_t pfn, enum migratetype type);
void buddy_oracle_free(struct buddy_oracle *o, uint32_t zone, pfn_t pfn, unsigned int order,
		       enum buddy_place place);
pfn_t buddy_oracle_take(struct buddy_oracle *o, uint32_t zone, unsigned int order,
			enum migratetype type);
uint64_t buddy_oracle_move_block(struct buddy_oracle *o, uint32_t zone, pfn_t pfn,
				 enum migratetype type, bool to_tail);
void buddy_oracle_free_as(struct buddy_oracle *o, uint32_t zone, pfn_t pfn, unsigned int order,
			  enum migratetype type);
enum migratetype buddy_oracle_type(const struct buddy_oracle *o, uint32_t zone, pfn_t pfn);

/* Single lists, for what is built on this one: block @at of a list, counted from its head. */
bool buddy_oracle_find(const struct buddy_oracle *o, uint32_t zone, unsigned int order, pfn_t pfn,
		       enum migratetype *type, uint32_t *at);
void buddy_oracle_insert(struct buddy_oracle *o, uint32_t zone, unsigned int order,
			 enum migratetype type, pfn_t pfn, bool to_tail);
void buddy_oracle_remove(struct buddy_oracle *o, uint32_t zone, unsigned int order,
			 enum migratetype type, uint32_t at);

/* NULL, or a static sentence on how @b differs. */
const char *buddy_oracle_compare(const struct buddy_oracle *o, const struct buddy *b);

#endif
