/* SPDX-License-Identifier: MIT */
/*
 * Machine: everything simulated.  It owns all its state; two machines in one process do not know of
 * each other.
 */
#ifndef ENGINE_MACHINE_H
#define ENGINE_MACHINE_H

#include "engine/answer.h"
#include "engine/boot_input.h"
#include "engine/memblock.h"
#include "engine/zone.h"
#include "engine/zonelist.h"

/* Stages of a boot, in the order of start_kernel; see boot.h. */
enum boot_stage {
	STAGE_SETUP_ARCH, /* memblock holds the firmware's memory */
	STAGE_NUMA, /* nodes known, NODE_DATA allocated */
	STAGE_SPARSE, /* memory map allocated */
	STAGE_ZONES, /* zones and nodes sized */
	STAGE_ZONELISTS, /* fallback orders built */
	STAGE_MEM_INIT, /* memory handed to the buddy allocator */
	STAGE_LATE, /* watermarks, page sets, late frees */
	STAGE_COUNT
};

struct buddy;
struct findings;

/* Buffers one function may work with; see machine_work(). */
#define MACHINE_WORK_COUNT 4

struct machine {
	struct facts facts;
	struct arch_config config;
	struct cmdline cmdline;

	struct e820 e820;
	struct memblock mb;
	bool reserved_known; /* memblock.reserved is exact */
	bool reserved_at_end; /* ... but only from the hand-over on */
	bool memory_known;
	bool page_struct_fitted,
		section_fitted; /* the log's own answers were needed to know them */
	bool zones_given; /* limits of zones were taken from the log */
	bool memory_predicted; /* from firmware tables, not from a dump */

	struct node *nodes;
	uint32_t node_count; /* nr_node_ids */
	uint8_t *distance; /* node_count^2 */
	bool distance_known; /* otherwise 10 and 20 are assumed */
	bool affinity_used; /* the firmware's nodes were accepted */
	bool emulated; /* nodes are numa=fake= ones */
	bool memory_unstamped; /* some memory did not get its node: the array could not grow */
	struct affinity_memory *numa_blocks; /* after clean-up (numa_meminfo) */
	uint32_t numa_block_count;
	int32_t *window_nids; /* of the input's CXL windows: nodes of their own, or NID_NONE */
	uint32_t window_count;

	struct node_range *ranges; /* memory in address order, with nodes */
	uint32_t range_count, range_room;
	bool ranges_share_page; /* two ends meet within a page, which is no range's and may be free all the same */
	struct zone_limits limits;
	struct zonelists zonelists;

	pfn_t max_pfn, max_low_pfn;
	phys_t dma_limit; /* exclusive end of what the smallest bus reaches; 0 = no limit */
	uint32_t arm_tables; /* page tables that mapping low memory has still to take */
	uint64_t dma_reserve; /* pages */
	bool dma_reserve_given; /* taken from the log's answer */
	uint64_t nr_kernel_pages, nr_all_pages;
	uint32_t hash_answered; /* bit per hash table whose size is told */
	uint64_t
		nr_kernel_pages_over; /* where it is not known exactly, it is at most this too large */
	bool totals_given; /* both follow from totals of the log */
	uint32_t tables_told; /* mask of the hash tables the log tells of */
	uint32_t given_bucket_bytes[32]; /* by hash table; 0 = the usual */
	uint64_t totalram, totalhigh, totalcma; /* pages */
	uint64_t
		hugepage_totalram; /* totalram when huge pages were set up, or not, for want of it */
	uint64_t free_pages; /* NR_FREE_PAGES right after the hand-over, without deferred pages */
	uint64_t totalreserve;
	uint64_t min_free_kbytes;
	bool mobility_off;
	bool five_level; /* x86-64 page tables have five levels */
	bool kasan;
	uint32_t online_cpus;
	bool cpu_coming; /* page sets were sized last while a CPU came, which nodes without CPUs count as theirs */
	uint32_t possible_cpus; /* 0 = unknown */
	phys_t ramdisk_start, ramdisk_end;
	phys_t kernel_start, kernel_end;

	/* CMA areas in the order they were declared. */
	struct cma_area {
		phys_t start, end;
		int32_t nid; /* of a node's own area, or NID_NONE */
		bool active; /* in use, after the boot */
		uint64_t joined; /* pages that came to the page allocator */
	} * cma;
	uint32_t cma_count, cma_room;

	/* What the device tree's reserved-memory became. */
	struct tree_placed *tree_placed;
	uint32_t tree_placed_count;

	enum boot_stage stage;
	bool want_lists; /* build free lists too; set before the boot */
	struct buddy *buddy; /* the free lists; NULL until memory is handed over */
	struct buddy *spare_buddy; /* of a machine that was reset: its buffers, or NULL */

	bool made_up; /* no log: what is given back late may be anything */
	struct node_range *given; /* of a made-up machine: given back, so that nothing is twice */
	uint32_t given_count, given_room;

	/* Where what must hold on the way of a boot is noted; NULL: nobody looks.  Set before the boot. */
	struct findings *findings;
	struct memblock before; /* what memblock was before a verb that is looked at */

	bool out_of_memory;
	struct answers answers;

	/* What stays for the next boot: bytes that the arrays above have room for, and room to work with. */
	struct machine_room {
		size_t nodes, distance, numa_blocks, window_nids, tree_placed;
		void *work[MACHINE_WORK_COUNT];
		size_t work_bytes[MACHINE_WORK_COUNT];
	} room;
};

void machine_init(struct machine *m);
/*
 * Makes of @m, whatever it went through, what machine_init() makes, but keeps buffers for the next boot:
 * a fuzzer boots very many machines.
 */
void machine_reset(struct machine *m);
void machine_deinit(struct machine *m);

/*
 * Zeroed room for @count objects of @size bytes, until the next call with the same @which, below
 * MACHINE_WORK_COUNT: for a function that gives nothing of it away.  It is @m's.  NULL, and noted in
 * @m, without memory.
 */
void *machine_work(struct machine *m, unsigned int which, size_t count, size_t size);

#endif
