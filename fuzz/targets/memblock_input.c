/* SPDX-License-Identifier: MIT */
#include "fuzz/targets/memblock_input.h"

const char *const memblock_seeds[] = {
	"operation { kind: ADD base_addr: 0 size: 0x9f000 }\n"
	"operation { kind: ADD base_addr: 0x100000 size: 0x7f00000 nid: 0 }\n"
	"operation { kind: RESERVE base_addr: 0x1000000 size: 0x400000 reserved: true }\n"
	"operation { kind: ALLOC size: 0x4000 align: 0x1000 }\n"
	"operation { kind: FREE base_addr: 0x1100000 size: 0x1000 reserved: true }\n",
	"era: 3 memory_max: 4 reserved_max: 4\n"
	"operation { kind: ADD base_addr: 0x1000 size: 0x10000 nid: 1 }\n"
	"operation { kind: ADD base_addr: 0x11000 size: 0x10000 nid: 0 }\n"
	"operation { kind: SET_NODE base_addr: 0x2000 size: 0x3000 nid: 2 }\n"
	"operation { kind: SET_FLAG base_addr: 0x4000 size: 0x1000 flags: 1 }\n"
	"operation { kind: SET_MOVABLE_NODE on: true }\n"
	"operation { kind: SET_BOTTOM_UP on: true }\n"
	"operation { kind: ALLOC size: 64 align: 64 nid: 2 exact_nid: true }\n"
	"operation { kind: REMOVE base_addr: 0x3000 size: 0x800 }\n",
	"operation { kind: ADD base_addr: 0 size: 0xffffffffffffffff }\n"
	"operation { kind: ALLOW_RESIZE on: true }\n"
	"operation { kind: CAP base_addr: 0x100000 size: 0x100000 }\n"
	"operation { kind: TRIM align: 0x1000 }\n"
	"operation { kind: ENFORCE_LIMIT size: 0x80000 }\n",
	NULL
};

/* Alignments are powers of two; 0 is the usual one. */
static uint64_t take_align(uint64_t align)
{
	while (align & (align - 1))
		align &= align - 1;
	return align > 1ULL << 40 ? 1ULL << 40 : align;
}

static void take_call(const Mmfuzz__MemblockOperation *m, struct memblock_op *op)
{
	*op = (struct memblock_op){ .kind = (enum memblock_op_kind)m->kind,
				    .which = m->reserved ? MEMBLOCK_RESERVED : MEMBLOCK_MEMORY,
				    .base = m->base_addr,
				    .size = m->size,
				    .align = take_align(m->align),
				    .max_addr = m->max_addr,
				    .nid = m->nid < NID_NONE || m->nid >= NODES_MAX ? NID_NONE
										    : m->nid,
				    .flags = m->flags & 0x7f,
				    .on = m->on,
				    .exact_nid = m->exact_nid,
				    .virt = m->virt };
	switch (op->kind) {
	case MEMBLOCK_OP_TRIM:
		/* Its caller always gives one. */
		if (!op->align)
			op->align = 1;
		break;
	case MEMBLOCK_OP_ALLOC:
		/* Nobody asks for nothing. */
		if (!op->size)
			op->size = 1;
		break;
	case MEMBLOCK_OP_CAP:
		/* What is kept ends somewhere. */
		if (op->size > UINT64_MAX - op->base)
			op->size = UINT64_MAX - op->base;
		break;
	case MEMBLOCK_OP_ADD:
	case MEMBLOCK_OP_RESERVE:
		/* Flags that regions are added with. */
		op->flags &= op->kind == MEMBLOCK_OP_ADD ? MEMBLOCK_HOTPLUG : MEMBLOCK_RSRV_KERN;
		break;
	default:
		break;
	}
}

uint32_t memblock_input_era(const Mmfuzz__MemblockRun *m)
{
	return m->has_era ? m->era % era_count : era_count - 1;
}

void memblock_input_take_calls(const Mmfuzz__MemblockRun *m, struct memblock_input *ret)
{
	ret->memory_max = m->memory_max >= 2 && m->memory_max <= 128 ? m->memory_max : 128;
	ret->reserved_max = m->reserved_max >= 2 && m->reserved_max <= 128 ? m->reserved_max : 128;
	ret->kernel_end = m->kernel_end;
	ret->count = 0;
	for (size_t i = 0; i < m->n_operation && ret->count < MEMBLOCK_INPUT_CALLS_MAX; i++)
		if ((unsigned int)m->operation[i]->kind < MEMBLOCK_OP_KIND_COUNT)
			take_call(m->operation[i], &ret->ops[ret->count++]);
}

void memblock_input_take(const Mmfuzz__MemblockRun *m, const struct target_settings *settings,
			 struct memblock_input *ret, struct facts *facts)
{
	uint32_t version = eras[memblock_input_era(m)].version;

	facts_init(facts, version);
	target_apply_settings(settings, &version, facts);
	memblock_input_take_calls(m, ret);
}
