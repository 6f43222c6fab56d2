/* SPDX-License-Identifier: MIT */
/*
 * The kernel's mm/memblock.c and the engine, side by side on random operations.
 *
 *	duel FIRST_SEED LISTS
 *
 * Each list runs in a child of its own, as the kernel's code keeps static state.  After every
 * operation the result and both lists have to be equal; where the engine says that the kernel
 * panics, the child has to end.  Physical memory is a mapping at duel_offset, for the arrays that
 * the kernel writes.
 */
#include <linux/memblock.h>
#include <linux/memory_hotplug.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/conformance/bridge.h"

#define BYTES (64UL << 20)
#define OPS_MAX 120

unsigned long duel_offset;
bool movable_node_enabled;
extern bool mirrored_kernelcore;

/* What the child leaves behind. */
struct report {
	bool ends; /* the engine says that the kernel stops here */
	bool spoilt; /* arrays_intact() says no: nothing to compare any more */
	bool different; /* as said in text */
	unsigned int op_count;
	struct bridge_op ops[OPS_MAX];
	char text[200];
};
static struct report *report;
static struct bridge_state engine;

static int32_t kernel_nid(int which, int32_t nid)
{
	if (nid == BRIDGE_NID_UNSET)
		return which && KERNEL_HAS_RSRV_KERN ? NUMA_NO_NODE : MAX_NUMNODES;
	return nid;
}

static bool supported(const struct bridge_op *op)
{
	uint32_t flag = op->flags;

	switch (op->kind) {
	case BRIDGE_OP_SET_FLAG:
#if KERNEL_HAS_RSRV_KERN
		if (flag == MEMBLOCK_KHO_SCRATCH)
			return true;
#endif
		return flag == MEMBLOCK_HOTPLUG || flag == MEMBLOCK_NOMAP ||
		       flag == MEMBLOCK_MIRROR;
	case BRIDGE_OP_CLEAR_FLAG:
#if KERNEL_HAS_RSRV_KERN
		if (flag == MEMBLOCK_KHO_SCRATCH)
			return true;
#endif
		return flag == MEMBLOCK_HOTPLUG || flag == MEMBLOCK_NOMAP;
	default:
		return true;
	}
}

static int set_flag(const struct bridge_op *op)
{
#if KERNEL_HAS_RSRV_KERN
	if (op->flags == MEMBLOCK_KHO_SCRATCH)
		return memblock_mark_kho_scratch(op->base, op->size);
#endif
	if (op->flags == MEMBLOCK_HOTPLUG)
		return memblock_mark_hotplug(op->base, op->size);
	if (op->flags == MEMBLOCK_MIRROR)
		return memblock_mark_mirror(op->base, op->size);
	return memblock_mark_nomap(op->base, op->size);
}

static int clear_flag(const struct bridge_op *op)
{
#if KERNEL_HAS_RSRV_KERN
	if (op->flags == MEMBLOCK_KHO_SCRATCH)
		return memblock_clear_kho_scratch(op->base, op->size);
#endif
	if (op->flags == MEMBLOCK_HOTPLUG)
		return memblock_clear_hotplug(op->base, op->size);
	return memblock_clear_nomap(op->base, op->size);
}

static uint64_t allocate(const struct bridge_op *op)
{
	void *ptr;

	if (!op->virt)
		return memblock_alloc_range_nid(op->size, op->align, op->base, op->max_addr,
						op->nid < 0 ? NUMA_NO_NODE : op->nid,
						op->exact_nid);
	ptr = (op->exact_nid ? memblock_alloc_exact_nid_raw : memblock_alloc_try_nid_raw)(
		op->size, op->align, op->base, op->max_addr, op->nid < 0 ? NUMA_NO_NODE : op->nid);
	return ptr ? (unsigned long)ptr - duel_offset : 0;
}

static bool apply(const struct bridge_op *op, uint64_t *addr)
{
	struct memblock_type *type = op->which ? &memblock.reserved : &memblock.memory;
	int err = 0;

	*addr = 0;
	switch (op->kind) {
	case BRIDGE_OP_ADD:
		err = memblock_add_node(op->base, op->size, kernel_nid(0, op->nid), op->flags);
		break;
	case BRIDGE_OP_RESERVE:
#if KERNEL_HAS_RSRV_KERN
		err = __memblock_reserve(op->base, op->size, kernel_nid(1, op->nid), op->flags);
#else
		err = memblock_reserve(op->base, op->size);
#endif
		break;
	case BRIDGE_OP_REMOVE:
		err = memblock_remove(op->base, op->size);
		break;
	case BRIDGE_OP_FREE:
		err = memblock_phys_free(op->base, op->size);
		break;
	case BRIDGE_OP_SET_NODE:
		err = memblock_set_node(op->base, op->size, type, kernel_nid(op->which, op->nid));
		break;
	case BRIDGE_OP_SET_FLAG:
		err = set_flag(op);
		break;
	case BRIDGE_OP_CLEAR_FLAG:
		err = clear_flag(op);
		break;
	case BRIDGE_OP_TRIM:
		memblock_trim_memory(op->align);
		break;
	case BRIDGE_OP_ENFORCE_LIMIT:
		memblock_enforce_memory_limit(op->size);
		break;
	case BRIDGE_OP_CAP:
		memblock_cap_memory_range(op->base, op->size);
		break;
	case BRIDGE_OP_LIMIT_REMOVE_MAP:
		memblock_mem_limit_remove_map(op->size);
		break;
	case BRIDGE_OP_ALLOC:
		*addr = allocate(op);
		err = !*addr;
		break;
	case BRIDGE_OP_SET_CURRENT_LIMIT:
		memblock_set_current_limit(op->base);
		break;
	case BRIDGE_OP_SET_BOTTOM_UP:
		memblock_set_bottom_up(op->on);
		break;
	case BRIDGE_OP_SET_MOVABLE_NODE:
		movable_node_enabled = op->on;
		break;
	case BRIDGE_OP_SET_SCRATCH_ONLY:
#if KERNEL_HAS_RSRV_KERN
		if (op->on)
			memblock_set_kho_scratch_only();
		else
			memblock_clear_kho_scratch_only();
#endif
		break;
	case BRIDGE_OP_ALLOW_RESIZE:
		memblock_allow_resize();
		break;
	}
	return !err;
}

static bool differ(const char *what, int which, unsigned long i, unsigned long long kernel,
		   unsigned long long ours)
{
	if (kernel == ours)
		return false;
	report->different = true;
	snprintf(report->text, sizeof(report->text), "%s %s[%lu]: kernel %#llx, engine %#llx",
		 which ? "reserved" : "memory", what, i, kernel, ours);
	return true;
}

static bool compare_lists(void)
{
	for (int which = 0; which < 2; which++) {
		const struct memblock_type *type = which ? &memblock.reserved : &memblock.memory;
		const struct bridge_list *list = &engine.list[which];
		unsigned long cnt = type->cnt;

		if (cnt == 1 && !type->regions[0].size)
			cnt = 0;
		if (differ("cnt", which, 0, cnt, list->cnt) ||
		    differ("max", which, 0, type->max, list->max) ||
		    differ("total", which, 0, type->total_size, list->total_size))
			return false;
		if (list->array && differ("array", which, 0,
					  (unsigned long)type->regions - duel_offset, list->array))
			return false;
		for (unsigned long i = 0; i < cnt; i++) {
			const struct memblock_region *r = &type->regions[i];

			if (differ("base", which, i, r->base, list->regions[i].base) ||
			    differ("size", which, i, r->size, list->regions[i].size) ||
			    differ("flags", which, i, r->flags, list->regions[i].flags) ||
			    differ("nid", which, i, (unsigned int)r->nid,
				   (unsigned int)kernel_nid(which, list->regions[i].nid)))
				return false;
		}
	}
	return true;
}

/*
 * The kernel's arrays are intact.  They are not when a list of operations freed them, nor when
 * both are doubled by one operation: the new memory array is not reserved yet when freeing the old
 * one doubles the reserved array, which then takes the same place.  (A fault of the kernel; the
 * engine says where the arrays lie, but what the kernel finds there is chance.)
 */
static bool arrays_intact(void)
{
	uint64_t at[2], end[2];

	bridge_duel_view(&engine);
	for (int which = 0; which < 2; which++) {
		const struct bridge_list *reserved = &engine.list[1];
		uint64_t covered = engine.list[which].array;

		at[which] = covered;
		end[which] = covered + engine.list[which].max * sizeof(struct memblock_region);
		for (uint32_t i = 0; i < reserved->cnt; i++) {
			if (reserved->regions[i].base <= covered &&
			    reserved->regions[i].base + reserved->regions[i].size > covered)
				covered = reserved->regions[i].base + reserved->regions[i].size;
		}
		if (at[which] && covered < end[which])
			return false;
	}
	return !at[0] || !at[1] || end[0] <= at[1] || end[1] <= at[0];
}

static void run_list(uint64_t seed)
{
	unsigned int count = 10 + seed % (OPS_MAX - 10);

	bridge_duel_begin(seed, BYTES, memblock.memory.max);
	while (report->op_count < count) {
		struct bridge_op op = bridge_duel_draw();
		uint64_t theirs, ours;
		bool their_ok, our_ok;

		if (!supported(&op))
			continue;
		report->ops[report->op_count++] = op;
		our_ok = bridge_duel_apply(&op, &ours);
		report->ends = bridge_duel_panicked();
		if (!report->ends && !arrays_intact()) {
			report->spoilt = true;
			return;
		}
		their_ok = apply(&op, &theirs);
		if (report->ends) {
			report->different = true;
			strcpy(report->text, "the engine says panic, the kernel goes on");
			return;
		}
		if (differ("result", 0, 0, their_ok, our_ok) ||
		    differ("address", 0, 0, theirs, ours) || !compare_lists())
			return;
	}
}

static void explain(uint64_t seed)
{
	printf("seed %llu: %s\n", (unsigned long long)seed, report->text);
	for (unsigned int i = 0; i < report->op_count; i++) {
		const struct bridge_op *op = &report->ops[i];

		printf("  %s %s base=%#llx size=%#llx align=%#llx max=%#llx nid=%d flags=%#x on=%d "
		       "exact=%d "
		       "virt=%d\n",
		       bridge_op_name(op->kind), op->which ? "reserved" : "memory",
		       (unsigned long long)op->base, (unsigned long long)op->size,
		       (unsigned long long)op->align, (unsigned long long)op->max_addr, op->nid,
		       op->flags, op->on, op->exact_nid, op->virt);
	}
}

int main(int argc, char **argv)
{
	uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
	uint64_t lists = argc > 2 ? strtoull(argv[2], NULL, 0) : 1000;
	unsigned long long ops = 0, ended = 0, spoilt = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	bridge_init(KERNEL_MAJOR, KERNEL_MINOR, KERNEL_PATCH);
	mirrored_kernelcore = true;
	report = mmap(NULL, sizeof(*report), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	duel_offset = (unsigned long)mmap(NULL, BYTES, PROT_READ | PROT_WRITE,
					  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (report == MAP_FAILED || duel_offset == (unsigned long)MAP_FAILED)
		return 2;
	for (uint64_t i = 0; i < lists; i++, seed++) {
		pid_t child;
		int status = 0;

		memset(report, 0, sizeof(*report));
		child = fork();
		if (!child) {
			/* The kernel's warnings about overlaps with other flags are no news. */
			if (!freopen("/dev/null", "w", stderr) ||
			    !freopen("/dev/null", "w", stdout))
				_exit(3);
			run_list(seed);
			_exit(0);
		}
		if (child < 0 || waitpid(child, &status, 0) != child)
			return 2;
		ops += report->op_count;
		ended += report->ends;
		spoilt += report->spoilt;
		if (!report->different && status && !report->ends) {
			report->different = true;
			snprintf(report->text, sizeof(report->text),
				 "the kernel's side ended with status %#x", status);
		}
		if (report->different) {
			explain(seed);
			return 1;
		}
	}
	printf("%llu operations in %llu lists (%llu ended by a panic, %llu by a spoilt array)\n",
	       ops, (unsigned long long)lists, ended, spoilt);
	return 0;
}
