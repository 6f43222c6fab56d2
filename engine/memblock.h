/* SPDX-License-Identifier: MIT */
/*
 * memblock: the early allocator.  Two lists of regions, memory and reserved; free memory is memory
 * minus reserved, exact to the byte.  Behaviour follows Linux mm/memblock.c from 3.10 to 7.2; what
 * differs between kernels is asked from facts.  (2.6.32 had no memblock on most machines: see
 * early_node_map in zone.h.)
 *
 * Not modelled here: printing (the caller sees what happened through the observer), slab memory
 * after the hand-over.
 */
#ifndef ENGINE_MEMBLOCK_H
#define ENGINE_MEMBLOCK_H

#include "engine/facts.h"
#include "engine/units.h"

/* Region flags, with the kernel's values (enum memblock_flags). */
enum memblock_flag {
	MEMBLOCK_HOTPLUG = 0x1,
	MEMBLOCK_MIRROR = 0x2,
	MEMBLOCK_NOMAP = 0x4,
	MEMBLOCK_DRIVER_MANAGED = 0x8,
	MEMBLOCK_RSRV_NOINIT = 0x10,
	MEMBLOCK_RSRV_KERN = 0x20,
	MEMBLOCK_KHO_SCRATCH = 0x40,
	/* Ours: memory told apart from its neighbour for a reason the log does not name. */
	MEMBLOCK_UNTOLD = 0x40000000,
};

/* Values of a search's end: anywhere mapped (current_limit). */
#define MEMBLOCK_ALLOC_ACCESSIBLE 0
#define MEMBLOCK_ALLOC_NOLEAKTRACE 1

/*
 * A second "no node".  From 6.10 on x86 numa_init() stamps NUMA_NO_NODE while untouched regions
 * hold MAX_NUMNODES; both print nothing and match no node, but they do not merge with each other.
 * Give this value to memblock_set_node() where the kernel does that (fact
 * memblock_clears_to_no_node).
 */
#define MEMBLOCK_NID_CLEARED (-2)

struct memblock_region {
	phys_t base;
	uint64_t size; /* bytes; base + size never wraps */
	uint32_t flags;
	int32_t nid; /* NID_NONE when unset; any negative value is no node */
};

enum memblock_which { MEMBLOCK_MEMORY, MEMBLOCK_RESERVED };

struct memblock_type {
	struct memblock_region *regions; /* sorted by base, disjoint */
	uint32_t cnt; /* true number of regions; 0 when empty in every era */
	uint32_t max; /* what the kernel's array could hold now (128, 256 ...) */
	uint32_t room; /* what ours can hold */
	uint64_t total_size; /* as the kernel keeps it: trim_memory does not correct it */
	bool array_allocated; /* the kernel's array lives in memblock memory at ... */
	phys_t array_base;
	uint64_t array_bytes;
	uint32_t init_max; /* max at boot */
	bool trimmed; /* total_size is too large since trim_memory */
	bool unmerged; /* may hold mergeable neighbours: cap_memory_range leaves some */
};

struct memblock;

/* What happened inside, in order; the observer may print it, and must not call back. */
enum memblock_event_kind {
	MEMBLOCK_EVENT_RESERVE, /* an allocation or array reserved [base, base+size) */
	MEMBLOCK_EVENT_DOUBLED, /* array of @which doubled to @count entries at [base, base+size) */
	MEMBLOCK_EVENT_DOUBLE_FAILED, /* from @count to 2 * @count entries */
	MEMBLOCK_EVENT_MIRROR_RETRY, /* "Could not allocate @size bytes of mirrored memory" */
	MEMBLOCK_EVENT_FREE, /* the old array [base, base+size) of @which is freed */
	MEMBLOCK_EVENT_CANNOT_RESIZE, /* "cannot resize @which array": the kernel panics */
	MEMBLOCK_EVENT_BOTTOM_UP_FAILED, /* "bottom-up allocation failed", once a boot */
};
struct memblock_event {
	enum memblock_event_kind kind;
	enum memblock_which which;
	phys_t base;
	uint64_t size;
	uint32_t count;
	uint32_t flags;
	int32_t nid;
	/* DOUBLED: the range that is just being reserved, if one is.  BOTTOM_UP_FAILED: what was searched. */
	phys_t start, end;
	uint64_t align; /* BOTTOM_UP_FAILED */
};
typedef void (*memblock_observer)(void *ctx, const struct memblock_event *event);

struct memblock {
	struct memblock_type memory, reserved;
	phys_t current_limit; /* exclusive; PHYS_MAX = anywhere */
	bool bottom_up;
	bool can_resize; /* arrays may double */
	bool movable_node; /* HOTPLUG regions are skipped by searches */
	bool has_mirror; /* some memory region is MIRROR and mirroring is honoured */
	bool scratch_only; /* only KHO_SCRATCH memory is searched */
	phys_t kernel_end; /* for memblock_bottom_up_after_kernel; 0 = unknown */
	unsigned int page_shift;
	uint32_t smp_cache_bytes; /* what an align of 0 means: 64 unless the architecture differs */
	uint32_t region_bytes; /* sizeof(struct memblock_region) there: 24, or 16/20 on 32 bits */
	const struct facts *facts; /* borrowed */
	memblock_observer observer; /* may be NULL */
	void *observer_ctx;
	phys_t phys_max; /* largest phys_addr_t: PHYS_MAX, or UINT32_MAX where it has 32 bits */
	bool slab_available; /* arrays double in slab memory, which this model does not place */
	bool panicked; /* the kernel would have stopped: results are void */
	bool out_of_memory; /* our own array could not grow: results are void */
};

/*
 * Initial capacities are 128 unless the architecture says otherwise; neither may be 0.  @facts is
 * borrowed until deinit.  Takes memory; on failure out_of_memory is set and every verb returns
 * false. State begins as at boot: top-down, no limit, arrays fixed, 24-byte regions.
 */
void memblock_init(struct memblock *mb, const struct facts *facts, unsigned int page_shift,
		   uint32_t memory_max, uint32_t reserved_max);
/* The same for one that is zeroed or was used; its buffers are kept. */
void memblock_renew(struct memblock *mb, const struct facts *facts, unsigned int page_shift,
		    uint32_t memory_max, uint32_t reserved_max);
void memblock_deinit(struct memblock *mb);
/*
 * Back to boot: everything but facts, observer, page_shift, smp_cache_bytes, region_bytes,
 * phys_max and the initial capacities.  Keeps our buffers (a fuzzer boots 10^5 machines a second).
 */
void memblock_reset(struct memblock *mb);
/* Makes @dst an equal copy of @src, reusing @dst's buffers; @dst must be initialised. */
void memblock_copy(struct memblock *dst, const struct memblock *src);

/*
 * Verbs.  Sizes of 0 are no-ops; ends are capped at phys_max, exclusive, so that they do not wrap
 * (the last byte of the address space can not be described).  They return false only when the
 * kernel would have failed: the array is full and could not double (or out_of_memory).
 *
 * add and reserve store @nid and @flags as given, in new parts only: overlapped parts keep theirs.
 * memblock_reserve() of the kernel gives NID_NONE and 0, its own allocations see memblock_alloc().
 * set_flag with MIRROR also turns has_mirror on, as mark_mirror does; where the kernel ignores
 * mark_mirror (fact memblock_mirror_needs_kernelcore) do not call it.  On kernels built without
 * NUMA memblock_set_node() is a no-op: do not call it.
 */
bool memblock_add(struct memblock *mb, phys_t base, uint64_t size, int32_t nid, uint32_t flags);
bool memblock_reserve(struct memblock *mb, phys_t base, uint64_t size, int32_t nid, uint32_t flags);
bool memblock_remove(struct memblock *mb, phys_t base, uint64_t size);
bool memblock_free(struct memblock *mb, phys_t base, uint64_t size);
bool memblock_set_node(struct memblock *mb, enum memblock_which which, phys_t base, uint64_t size,
		       int32_t nid);
bool memblock_set_flag(struct memblock *mb, enum memblock_which which, phys_t base, uint64_t size,
		       uint32_t flag, bool set);
/* Rounds every memory region inwards to @align; total_size stays (the kernel's quirk). */
void memblock_trim_memory(struct memblock *mb, uint64_t align);
/* Limits.  @limit counts bytes of memory, not addresses; see bring-up notes in memblock.c. */
void memblock_enforce_memory_limit(struct memblock *mb, uint64_t limit);
void memblock_cap_memory_range(struct memblock *mb, phys_t base, uint64_t size);
void memblock_mem_limit_remove_map(struct memblock *mb, uint64_t limit);

/* A request, as the kernel's allocation lines print it. */
struct memblock_request {
	uint64_t size;
	uint64_t align; /* 0 = smp_cache_bytes */
	phys_t min_addr;
	phys_t max_addr; /* exclusive, or MEMBLOCK_ALLOC_ACCESSIBLE / _NOLEAKTRACE */
	int32_t nid;
	bool exact_nid;
	bool retry_below_min; /* the virtual-address calls retry once with min_addr 0 */
};

/*
 * Searches only.  @end as in a request; @nid negative = any; @flags restrict (MIRROR, KHO_SCRATCH)
 * or admit (HOTPLUG, NOMAP, DRIVER_MANAGED).  @align is a power of two.  Bytes below 1 <<
 * page_shift are never returned.  Returns true and the lowest byte in @ret.
 */
bool memblock_find(const struct memblock *mb, uint64_t size, uint64_t align, phys_t start,
		   phys_t end, int32_t nid, uint32_t flags, phys_t *ret);
/*
 * Searches with the kernel's retries and reserves exactly the size asked for.  With fact
 * memblock_rsrv_kern the region gets flag RSRV_KERN and the asked nid (NID_NONE when another node
 * served), before it gets NID_NONE and 0.  Requests with retry_below_min never go above
 * current_limit; the others (memblock_phys_alloc_range) may.  False when the kernel returns NULL.
 */
bool memblock_alloc(struct memblock *mb, const struct memblock_request *req, phys_t *ret);

/* Questions. */
/*
 * Walks free ranges (memory minus reserved, without NOMAP / DRIVER_MANAGED) upwards from *cursor,
 * which begins as zeroes.  Ranges end where a memory or reserved region ends, so two of them can
 * touch.  HOTPLUG regions are left out under movable_node: the kernel clears that flag everywhere
 * before it hands memory over.
 */
struct memblock_cursor {
	uint32_t memory, reserved;
};
bool memblock_next_free(const struct memblock *mb, struct memblock_cursor *cursor, phys_t *start,
			phys_t *end, int32_t *nid);
phys_t memblock_start_of_dram(const struct memblock *mb); /* 0 when empty */
phys_t memblock_end_of_dram(const struct memblock *mb); /* exclusive; 0 when empty */
bool memblock_is_memory(const struct memblock *mb, phys_t addr);
bool memblock_is_reserved(const struct memblock *mb, phys_t addr);
/* The region that holds @addr, NULL if none.  Valid until the next verb. */
const struct memblock_region *memblock_region_at(const struct memblock *mb,
						 enum memblock_which which, phys_t addr);
/* All of [base, base + size) lies in one memory region. */
bool memblock_is_region_memory(const struct memblock *mb, phys_t base, uint64_t size);
bool memblock_overlaps(const struct memblock *mb, enum memblock_which which, phys_t base,
		       uint64_t size);
/* Bytes of memory in [start, end). */
uint64_t memblock_memory_bytes(const struct memblock *mb, phys_t start, phys_t end);

/*
 * Checks that lists are sorted, disjoint, without mergeable neighbours (memory after
 * cap_memory_range excepted), within max, and that total_size is the sum (memory after trim_memory
 * excepted).  Returns NULL or a static sentence naming the first violation.
 */
const char *memblock_check(const struct memblock *mb);

#endif
