/* SPDX-License-Identifier: MIT */
/*
 * Boot input: everything a boot is told from outside, and nothing the kernel worked out itself.
 *
 * Importers fill it from a log, a capture folder or a stored file; a fuzzer makes it up.  Steps are in
 * the order of the boot.  Answers (what the kernel printed about its own decisions) are not here: see
 * answer.h.
 */
#ifndef ENGINE_BOOT_INPUT_H
#define ENGINE_BOOT_INPUT_H

#include "engine/arch.h"
#include "engine/cmdline.h"
#include "engine/device_tree.h"
#include "engine/e820.h"
#include "engine/facts.h"
#include "engine/memblock.h"
#include "engine/units.h"
#include "engine/zone.h"

/* A memory affinity entry of the SRAT, or a device tree memory node with numa-node-id. */
struct affinity_memory {
	phys_t start, end;
	int32_t nid;
	bool hotplug, nonvolatile;
};

/* A range of addresses for CXL memory, present or not (a CFMWS of the CEDT). */
struct memory_window {
	phys_t start, end;
};

enum boot_step_kind {
	STEP_ADD, /* memblock_add(base, size) */
	STEP_REMOVE, /* memblock_remove */
	STEP_RESERVE, /* memblock_reserve by its caller, not by an allocation */
	STEP_FREE, /* memblock_free */
	STEP_ALLOC, /* an allocation request */
	STEP_STATE, /* the whole state is known here: see boot_state */
	STEP_NODE_DATA, /* NODE_DATA(nid) of size bytes is allocated */
	STEP_E820_UPDATE, /* "e820: update": base, size, align = old type, min_addr = new type */
	STEP_E820_ADD, /* the kernel image is made RAM: base, size */
	STEP_E820_REMOVE, /* "e820: remove": base, size, align = type */
	STEP_RAMDISK, /* where the boot loader put the initrd: base, size */
	STEP_RAMDISK_MOVE, /* the initrd is copied: size bytes are allocated, the old place freed */
	STEP_CMA_RESERVE, /* the default CMA area: size */
	STEP_POOL_CMA, /* a reserved-memory pool that becomes CMA: base, size */
	STEP_POOL_DMA, /* a coherent pool: base, size */
	STEP_CRASHKERNEL, /* a crash kernel is reserved: size; base if it was asked for */
	STEP_HASH, /* a hash table is sized: name, align = bucket bytes */
	STEP_FREE_LATE, /* memblock_free_late: pages for the running allocator */
	STEP_LATE_FREE, /* "Freeing NAME memory": size bytes */
	STEP_MEMORY_LINE, /* the moment of the "Memory:" line */
	STEP_EFI_KEPT, /* "e820: update" when memblock has the map: base, size of boot services memory that stays */
	STEP_CAP, /* memblock_cap_memory_range(base, size); only before nodes are known */
	STEP_KIND_COUNT
};

/* How an allocation request was made, which decides about retries. */
enum alloc_call {
	ALLOC_TRY_NID, /* memblock_alloc_try_nid and its raw form */
	ALLOC_EXACT_NID, /* memblock_alloc_exact_nid_raw */
	ALLOC_PHYS_RANGE, /* memblock_phys_alloc_range and friends: no retry below min */
};

/* boot_step.flags of an allocation: no request was printed, its size is that of the answer. */
#define STEP_SIZE_GIVEN (1u << 31)

/* boot_step.name of a reservation that is one of a list of all there are at the hand-over. */
#define BOOT_STEP_EARLY_RES "early_res"

struct boot_step {
	enum boot_step_kind kind;
	uint32_t line; /* where it stands in the source; 0 = nowhere */
	phys_t base;
	uint64_t size;
	uint64_t align;
	phys_t min_addr, max_addr;
	int32_t nid;
	uint32_t flags;
	enum alloc_call call;
	const char *name; /* caller, table or area; owned by the input's arena; never NULL */
};

/* A MEMBLOCK dump taken as the state where logging starts. */
struct boot_state {
	struct memblock_region *memory, *reserved;
	uint32_t memory_count, reserved_count;
	uint64_t memory_size, reserved_size; /* as printed */
	bool has_memory;
};

/* Sizes of kernel sections, in kB; UINT64_MAX = unknown. */
struct boot_sections {
	uint64_t code_kb, rwdata_kb, rodata_kb, init_kb, bss_kb;
};

struct boot_input {
	uint32_t version; /* FACTS_VERSION */
	struct facts facts;
	struct arch_config config;
	const char *version_text; /* "6.1.0-50-amd64" */
	const char *command_line;

	struct e820_entry *firmware; /* as printed */
	uint32_t firmware_count;
	struct affinity_memory *affinity;
	uint32_t affinity_count;
	struct memory_window *windows; /* in the order of the table; not in any log */
	uint32_t window_count;
	bool numa_source; /* some firmware table named nodes (even without memory) */
	int32_t *cpu_nid; /* affinity of CPUs in table order; NID_NONE = unknown */
	uint32_t cpu_nid_count;
	uint32_t *
		node_cpus; /* online CPUs per node, as a running kernel shows them; NULL = unknown */
	uint32_t node_cpus_count;
	uint8_t *distance; /* distance_count^2, row-major; NULL = unknown; see distance.h */
	uint32_t distance_count;

	struct boot_step *steps;
	uint32_t step_count;
	struct boot_state state; /* of the first STEP_STATE */
	bool has_state;
	bool reservations_told; /* steps hold every reservation from the start, and no state counts: no log, a made-up boot */

	struct device_tree tree;
	bool has_tree;

	bool five_level; /* x86-64 with five levels of page tables */
	bool kasan; /* a kernel with KASAN, which wants more of some tables */
	uint32_t nr_cpu_ids; /* possible CPUs; 0 = unknown */
	uint32_t online_cpus; /* after boot; 0 = unknown */
	phys_t kernel_start, kernel_end; /* image, 0 = unknown */
	phys_t ramdisk_start, ramdisk_end; /* initrd as the boot loader says, 0 = unknown */
	struct boot_sections sections;

	bool tables_listed; /* the log names the firmware's tables ... */
	bool distances_told; /* ... and a distance table is among them, though not what is in it */
	uint32_t nr_node_ids; /* nodes there can be; 0 = unknown */

	/* Answers taken as given where nothing tells better; 0 / NULL when absent. */
	struct node_range *given_ranges; /* early memory node ranges */
	uint32_t given_range_count;
	pfn_t given_max_low_pfn; /* "mapped low ram", "LOWMEM available" */
	bool big_locks; /* the build has larger locks (PREEMPT_RT, lock debugging) */
	uint32_t
		given_bucket_bytes[32]; /* by hash table, from its line; only used with big_locks */
	uint64_t given_total_kb, given_reserved_kb, given_cma_kb; /* Memory: line */
	uint64_t given_total_pages; /* "Built 1 zonelists ...  Total pages: " */
	uint32_t given_zones; /* mask of the zone types "Zone ranges" lists */
	phys_t given_zone_start[ZONE_TYPE_COUNT],
		given_zone_end[ZONE_TYPE_COUNT]; /* equal: empty */
	/* Set when the log's answers do not come out with the usual configuration, but with this one. */
	bool fitted_page_struct, fitted_section;
	bool range_assumed; /* given_ranges is made up: only its size is known */
	bool has_given_dma_reserve;
	uint64_t given_dma_reserve; /* pages, "DMA zone: 21 pages reserved" */
};

/* CPUs of a machine whose log does not tell: as many as distributions build kernels for. */
#define CPUS_UNKNOWN 512

/* How many CPUs a trace of the machine may name, 1 to UINT16_MAX. */
static inline uint32_t boot_input_cpu_count(const struct boot_input *in)
{
	uint32_t count = in->nr_cpu_ids > in->online_cpus ? in->nr_cpu_ids : in->online_cpus;

	if (!count)
		count = CPUS_UNKNOWN;
	return count < UINT16_MAX ? count : UINT16_MAX;
}

#endif
