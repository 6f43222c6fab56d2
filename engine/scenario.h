/* SPDX-License-Identifier: MIT */
/*
 * Scenario: a machine that is booted from made-up input and then lives through operations, with the
 * invariants looked at on the way.  What fuzzers run, minimisers cut and findings are kept as.
 *
 * One struct serves very many runs: buffers stay, so that a run in the steady state asks the host for no
 * memory.
 */
#ifndef ENGINE_SCENARIO_H
#define ENGINE_SCENARIO_H

#include "engine/alloc_contig.h"
#include "engine/boot_input.h"
#include "engine/hotplug.h"
#include "engine/invariant.h"
#include "engine/operation.h"
#include "engine/page_alloc.h"
#include "engine/page_alloc_invariants.h"

/* CPUs a scenario has at most, whatever its input says: page sets cost memory in every zone. */
#define SCENARIO_CPUS_MAX 64

/* What an operation got. */
struct scenario_block {
	pfn_t pfn; /* PFN_NONE: nothing, or freed */
	uint64_t pages; /* 2^order, or of a contiguous allocation */
	uint32_t zone;
	unsigned int order;
	bool contiguous; /* of a CMA area */
};

/* What is counted of a zone, beside what it counts itself. */
struct scenario_zone {
	int32_t nid;
	enum zone_type type;
	uint64_t
		at_boot; /* pages free or in page sets when all begins, or that were managed since */
	uint64_t managed; /* pages, when that was last looked at */
	bool changed; /* ... and were not as many as at the boot */
	uint64_t held, poisoned; /* pages */
	uint64_t digest; /* of the pages and blocks that were free at the boot; see end_cost */
};

struct scenario {
	struct machine machine;
	struct page_alloc alloc; /* of a booted machine with free lists */
	bool has_alloc;
	struct hotplug hotplug; /* likewise */
	uint32_t cpu_count;
	bool cpu_offline[SCENARIO_CPUS_MAX];
	struct scenario_block *blocks; /* by number of the operation */
	uint32_t block_count, block_room;
	uint64_t held_pages; /* handed out and not freed */
	struct scenario_zone *zones; /* as alloc.zones */
	struct scenario_zone *spare_zones; /* room for those that come after them */
	uint32_t zone_count;
	struct zone_seen *seen; /* likewise, before the last request */
	struct scenario_block *sorted; /* room for a check */
	struct contig_range *used; /* room for the allocations of a CMA area */
	size_t zone_room, spare_zone_room, seen_room, sorted_room, used_room;
	struct scenario *again; /* of scenario_repeat(), or NULL */
	bool lists_broken; /* nothing more is done with the free lists */
	bool out_of_memory; /* the host had none: results are void */
	struct findings findings;
};

struct scenario_options {
	enum invariant_cost boot_cost; /* checks after the boot */
	enum invariant_cost step_cost; /* checks after each operation */
	/* Checks after the last one; with the largest, all is also done once more, and given back and drained. */
	enum invariant_cost end_cost;
	bool want_lists; /* boot with free lists; without, operations do nothing */
};

void scenario_init(struct scenario *s);
void scenario_deinit(struct scenario *s);

/* Boots @in, does @count operations, fills s->findings.  @in is borrowed for the call and until the next. */
void scenario_run(struct scenario *s, const struct boot_input *in,
		  const struct operation *operations, uint32_t count,
		  const struct scenario_options *options);

/* The parts of a run, for those who want to look in between; scenario_run() is the three of them. */
void scenario_boot(struct scenario *s, const struct boot_input *in,
		   const struct scenario_options *options);
void scenario_do(struct scenario *s, const struct operation *op);
void scenario_check(struct scenario *s, enum invariant_cost cost);
/*
 * @again was booted from the same and did the same: notes in @s's findings where they differ.  Nothing when
 * @s has findings, or either ran out of memory.
 */
void scenario_check_repeated(struct scenario *s, struct scenario *again);
/*
 * Boots @in and does @count operations once more, and compares, with the one above.  @options as they were
 * given to scenario_boot(); nothing of the first life may be undone yet, and it was checked: nothing is done when
 * it has findings.
 */
void scenario_repeat(struct scenario *s, const struct boot_input *in,
		     const struct operation *operations, uint32_t count,
		     const struct scenario_options *options);
/*
 * Gives back all that is held, drains page sets, and looks whether the same is free as after a boot with
 * the largest end_cost.  Nothing when findings are there already: what is broken cannot be worked on.
 */
void scenario_undo(struct scenario *s);

#endif
