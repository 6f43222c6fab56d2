/* SPDX-License-Identifier: MIT */
/*
 * What a stored boot holds, for boot_store_write.c and boot_store_read.c alone.
 *
 * Most fields have one name in the structs and in the messages.  They are listed once, in a macro that
 * takes what to do with each, so that writing and reading cannot differ.  boot_store_test.c fails when
 * a struct grows and nothing here follows.
 */
#ifndef TRACES_BOOT_STORE_FIELDS_H
#define TRACES_BOOT_STORE_FIELDS_H

#include "traces/boot_store.h"

/* Most elements of one kind (steps, regions, answers ...) in a boot; each takes some 100 bytes. */
#define ITEMS_MAX ((uint32_t)1 << 20)

/* Numbers and flags for which 0 says nothing. */
#define INPUT_FIELDS(X)        \
	X(numa_source);        \
	X(distance_count);     \
	X(nr_cpu_ids);         \
	X(online_cpus);        \
	X(kernel_start);       \
	X(kernel_end);         \
	X(ramdisk_start);      \
	X(ramdisk_end);        \
	X(five_level);         \
	X(kasan);              \
	X(given_max_low_pfn);  \
	X(given_total_kb);     \
	X(given_reserved_kb);  \
	X(big_locks);          \
	X(tables_listed);      \
	X(distances_told);     \
	X(nr_node_ids);        \
	X(given_cma_kb);       \
	X(given_total_pages);  \
	X(given_zones);        \
	X(fitted_page_struct); \
	X(fitted_section);     \
	X(range_assumed);      \
	X(reservations_told)
#define AFFINITY_FIELDS(X) \
	X(start);          \
	X(end);            \
	X(hotplug);        \
	X(nonvolatile)
#define WINDOW_FIELDS(X) \
	X(start);        \
	X(end)
#define STEP_FIELDS(X) \
	X(line);       \
	X(size);       \
	X(min_addr);   \
	X(max_addr)
#define TREE_FIELDS(X)         \
	X(dma_limit);          \
	X(reserved_format_ok); \
	X(uefi)
#define TREE_MEMORY_FIELDS(X) \
	X(hotpluggable);      \
	X(enabled);           \
	X(depth)
#define TREE_RESERVED_FIELDS(X) \
	X(size);                \
	X(align);               \
	X(no_map);              \
	X(reusable);            \
	X(dma_pool);            \
	X(cma_default);         \
	X(enabled)
#define STATE_FIELDS(X)   \
	X(memory_size);   \
	X(reserved_size); \
	X(has_memory)
#define REGION_FIELDS(X) \
	X(size);         \
	X(flags)
#define RANGE_FIELDS(X) \
	X(flags);       \
	X(base_addr)
#define HEADER_FIELDS(X)  \
	X(lines_known);   \
	X(lines_unknown); \
	X(unknown_line);  \
	X(unknown_column)
#define NOTE_FIELDS(X) \
	X(line);       \
	X(other_line)

/* Always stored: absent is what the architecture usually has. */
#define CONFIG_FIELDS(X)         \
	X(phys_bits);            \
	X(page_shift);           \
	X(max_order);            \
	X(pageblock_order);      \
	X(section_shift);        \
	X(page_struct_bytes);    \
	X(pointer_bytes);        \
	X(nodes_shift);          \
	X(numa);                 \
	X(cma);                  \
	X(deferred_struct_page); \
	X(highmem);              \
	X(thp);                  \
	X(pae);                  \
	X(preemption)
#define SECTION_FIELDS(X) \
	X(code_kb);       \
	X(rwdata_kb);     \
	X(rodata_kb);     \
	X(init_kb);       \
	X(bss_kb)

static const int arches[ARCH_COUNT] = {
	[ARCH_X86_64] = MMTRACE__CONFIG__ARCH__X86_64,	  [ARCH_I386] = MMTRACE__CONFIG__ARCH__I386,
	[ARCH_ARM64] = MMTRACE__CONFIG__ARCH__ARM64,	  [ARCH_ARM] = MMTRACE__CONFIG__ARCH__ARM,
	[ARCH_OTHER] = MMTRACE__CONFIG__ARCH__OTHER_ARCH,
};

static const int step_kinds[STEP_KIND_COUNT] = {
	[STEP_ADD] = MMTRACE__STEP__KIND__ADD,
	[STEP_REMOVE] = MMTRACE__STEP__KIND__REMOVE,
	[STEP_RESERVE] = MMTRACE__STEP__KIND__RESERVE,
	[STEP_FREE] = MMTRACE__STEP__KIND__FREE,
	[STEP_ALLOC] = MMTRACE__STEP__KIND__ALLOC,
	[STEP_STATE] = MMTRACE__STEP__KIND__STATE,
	[STEP_NODE_DATA] = MMTRACE__STEP__KIND__NODE_DATA,
	[STEP_E820_UPDATE] = MMTRACE__STEP__KIND__E820_UPDATE,
	[STEP_E820_ADD] = MMTRACE__STEP__KIND__E820_ADD,
	[STEP_E820_REMOVE] = MMTRACE__STEP__KIND__E820_REMOVE,
	[STEP_RAMDISK] = MMTRACE__STEP__KIND__RAMDISK,
	[STEP_RAMDISK_MOVE] = MMTRACE__STEP__KIND__RAMDISK_MOVE,
	[STEP_CMA_RESERVE] = MMTRACE__STEP__KIND__CMA_RESERVE,
	[STEP_POOL_CMA] = MMTRACE__STEP__KIND__POOL_CMA,
	[STEP_POOL_DMA] = MMTRACE__STEP__KIND__POOL_DMA,
	[STEP_CRASHKERNEL] = MMTRACE__STEP__KIND__CRASHKERNEL,
	[STEP_HASH] = MMTRACE__STEP__KIND__HASH,
	[STEP_FREE_LATE] = MMTRACE__STEP__KIND__FREE_LATE,
	[STEP_LATE_FREE] = MMTRACE__STEP__KIND__LATE_FREE,
	[STEP_MEMORY_LINE] = MMTRACE__STEP__KIND__MEMORY_LINE,
	[STEP_EFI_KEPT] = MMTRACE__STEP__KIND__EFI_KEPT,
	[STEP_CAP] = MMTRACE__STEP__KIND__CAP,
};

static const int alloc_calls[] = {
	[ALLOC_TRY_NID] = MMTRACE__STEP__CALL__TRY_NID,
	[ALLOC_EXACT_NID] = MMTRACE__STEP__CALL__EXACT_NID,
	[ALLOC_PHYS_RANGE] = MMTRACE__STEP__CALL__PHYS_RANGE,
};

/* Answers are stored under their ids, so that the list may grow anywhere. */
static const char *const answer_ids[ANSWER_KIND_COUNT] = {
#define ANSWER(id, name, meaning) #id,
#include "engine/answer.def"
#undef ANSWER
};

#define VALUES_MAX (sizeof(((struct answer *)NULL)->v) / sizeof(uint64_t))
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#endif
