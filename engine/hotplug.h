/* SPDX-License-Identifier: MIT */
/*
 * Memory hotplug: what of a booted machine changes when memory comes and goes.
 *
 *   add      a range of sections gets struct pages and is offline (add_memory)
 *   online   a section becomes part of a zone, and its pages are free (online_pages)
 *   offline  all pages of a section, which are free, leave their zone (offline_pages)
 *   remove   what is offline is gone (remove_memory); a node without memory and CPUs goes with its last
 *
 * From the first of these on, each range of machine.ranges (the memory that is online) names its zone, as
 * zones of a node may then interleave.  Zones and their choice follow 4.13 and later; kernels before
 * decided at the add, which is not modelled.  Nor are: pages of an offline range that are in use and would
 * be migrated (the range stays online instead), the memory map on the new memory itself, groups of memory
 * blocks, the ratio of movable memory of 5.14, kernels before 3.8, which count no managed pages, and deferred
 * memory that has not come yet.
 *
 * Here are zones, nodes and reserves; hotplug_lists.h has the free lists.
 */
#ifndef ENGINE_HOTPLUG_H
#define ENGINE_HOTPLUG_H

#include "engine/machine.h"
#include "engine/page_alloc.h"

/* Sections an add or remove takes at most: a fuzzer's numbers are of any size. */
#define HOTPLUG_SECTIONS_MAX 64
/* hotplug_place_before() looks no further. */
#define HOTPLUG_PLACES_MAX 16

enum online_type { ONLINE_DEFAULT, ONLINE_KERNEL, ONLINE_MOVABLE };

/* A section that was added and is not online. */
struct offline_section {
	pfn_t start;
	int32_t nid;
	uint8_t zone; /* whose span still covers it, as in struct node_range */
};

/* Pages that a balloon has, as it took them. */
struct balloon_block {
	pfn_t pfn;
	unsigned int order;
};

struct hotplug {
	struct machine *machine; /* borrowed */
	struct page_alloc *alloc; /* borrowed */
	bool prepared; /* the rest is valid */
	bool possible; /* there are sections, and all memory is in zones */
	bool begun; /* ranges name their zones */
	bool rebuilt; /* zonelists were built anew: before is of use */
	uint64_t section_pages;
	bool *node_online; /* by node */
	int32_t *cpu_nid; /* by CPU; NID_NONE: no node is known to have it */
	struct offline_section *offline; /* by address */
	uint32_t offline_count, offline_room;
	struct balloon_block *balloon;
	uint32_t balloon_count, balloon_room;
	struct zonelists before; /* as they were before they were last built anew */
	/* Kept for the next time: nodes with CPUs, and what lists are laid out anew from; rooms in bytes. */
	bool *with_cpus;
	struct buddy *old_lists; /* zeroed, or with buffers */
	struct alloc_zone *old_zones;
	struct pageset *old_sets;
	size_t with_cpus_room, old_zones_room, old_sets_room;
	size_t node_online_room, cpu_nid_room, stat_room, stat_sum_room, stat_diff_room;
	uint64_t endless; /* times that offline_pages() would not have come to an end */
	/* One counter of each node, as vmstat keeps it: what CPUs have not told yet apart. */
	int64_t *stat;
	int8_t *stat_diff; /* node by node, CPU by CPU */
	int64_t *stat_sum; /* all that was ever counted, which the kernel does not know */
	uint32_t cpu_count;
	bool out_of_memory;
};

/*
 * For the machine @m, which has booted to the end, with the allocator @a over its free lists; both are
 * borrowed until deinit.  @h is zeroed, or was used before: its buffers are used again.
 */
void hotplug_init(struct hotplug *h, struct machine *m, struct page_alloc *a);
void hotplug_deinit(struct hotplug *h);
/*
 * What @from has become, for @m, a copy of its machine, and @a, a copy of its allocator or NULL: then the caller puts one
 * in first.  What @from borrowed is not looked at.  @h is zeroed; the zonelists of before are not copied.
 * False without memory: @h is to be deinitialised all the same.
 */
bool hotplug_copy(struct hotplug *h, const struct hotplug *from, struct machine *m,
		  struct page_alloc *a);
/* Prepares @h for the first thing that is done, as all that follow do.  False: nothing can be done. */
bool hotplug_ready(struct hotplug *h);

/* Each returns whether it was done.  Pages are rounded to sections. */
bool hotplug_add(struct hotplug *h, int32_t nid, pfn_t pfn, uint64_t pages);
bool hotplug_remove(struct hotplug *h, pfn_t pfn, uint64_t pages);
bool hotplug_online(struct hotplug *h, pfn_t pfn, enum online_type type);
/* @race: a page in use that @race_cpu frees while the range is being isolated, or PFN_NONE. */
bool hotplug_offline(struct hotplug *h, pfn_t pfn, pfn_t race, unsigned int race_order,
		     uint32_t race_cpu);

/*
 * The same for those who follow a kernel that did it: hotplug_bring() frees no page of the section, and
 * hotplug_take_away() asks of none whether it is free.
 */
bool hotplug_bring(struct hotplug *h, pfn_t pfn, enum online_type type);
bool hotplug_take_away(struct hotplug *h, pfn_t pfn);

/*
 * How many zones of @nid's list stood before the first that a request up to @highest may use, before the
 * lists were last built anew; 0 if they never were.
 */
uint32_t hotplug_place_before(const struct hotplug *h, int32_t nid, enum zone_type highest);

/* Takes up to @pages free pages out of zone @type of @nid, or (below 0) gives so many back. */
void hotplug_balloon(struct hotplug *h, int32_t nid, enum zone_type type, int64_t pages);

/* @cpu, which is there or not, comes or goes.  False: it cannot. */
bool hotplug_cpu(struct hotplug *h, uint32_t cpu, bool online);
/* The same without what its page sets have, which stays. */
bool hotplug_share(struct hotplug *h, uint32_t cpu, bool online);

/* @cpu counts @value of @nid. */
void hotplug_count(struct hotplug *h, uint32_t cpu, int32_t nid, int64_t value);

/* The zone that memory at @pfn goes to: zone_for_pfn_range(). */
enum zone_type hotplug_zone_for(const struct hotplug *h, int32_t nid, pfn_t pfn, uint64_t pages,
				enum online_type type);

#endif
