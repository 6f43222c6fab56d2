/* SPDX-License-Identifier: MIT */
#include "engine/testing/memblock_op.h"

const char *memblock_op_name(enum memblock_op_kind kind)
{
	static const char *const names[MEMBLOCK_OP_KIND_COUNT] = {
		[MEMBLOCK_OP_ADD] = "add",
		[MEMBLOCK_OP_RESERVE] = "reserve",
		[MEMBLOCK_OP_REMOVE] = "remove",
		[MEMBLOCK_OP_FREE] = "free",
		[MEMBLOCK_OP_SET_NODE] = "set_node",
		[MEMBLOCK_OP_SET_FLAG] = "set_flag",
		[MEMBLOCK_OP_CLEAR_FLAG] = "clear_flag",
		[MEMBLOCK_OP_TRIM] = "trim",
		[MEMBLOCK_OP_ENFORCE_LIMIT] = "enforce_limit",
		[MEMBLOCK_OP_CAP] = "cap",
		[MEMBLOCK_OP_LIMIT_REMOVE_MAP] = "limit_remove_map",
		[MEMBLOCK_OP_ALLOC] = "alloc",
		[MEMBLOCK_OP_SET_CURRENT_LIMIT] = "set_current_limit",
		[MEMBLOCK_OP_SET_BOTTOM_UP] = "set_bottom_up",
		[MEMBLOCK_OP_SET_MOVABLE_NODE] = "set_movable_node",
		[MEMBLOCK_OP_SET_SCRATCH_ONLY] = "set_scratch_only",
		[MEMBLOCK_OP_ALLOW_RESIZE] = "allow_resize",
	};

	return names[kind];
}

/* Uneven on purpose: lists have to fill up before the rest becomes interesting. */
static const struct {
	enum memblock_op_kind kind;
	unsigned int weight;
} weights[] = {
	{ MEMBLOCK_OP_ADD, 12 },
	{ MEMBLOCK_OP_RESERVE, 24 },
	{ MEMBLOCK_OP_REMOVE, 4 },
	{ MEMBLOCK_OP_FREE, 10 },
	{ MEMBLOCK_OP_SET_NODE, 6 },
	{ MEMBLOCK_OP_SET_FLAG, 4 },
	{ MEMBLOCK_OP_CLEAR_FLAG, 2 },
	{ MEMBLOCK_OP_ALLOC, 24 },
	{ MEMBLOCK_OP_SET_CURRENT_LIMIT, 2 },
	{ MEMBLOCK_OP_SET_BOTTOM_UP, 3 },
	{ MEMBLOCK_OP_SET_MOVABLE_NODE, 2 },
	{ MEMBLOCK_OP_ALLOW_RESIZE, 1 },
	/* Only with limits: */
	{ MEMBLOCK_OP_TRIM, 1 },
	{ MEMBLOCK_OP_ENFORCE_LIMIT, 1 },
	{ MEMBLOCK_OP_CAP, 1 },
	{ MEMBLOCK_OP_LIMIT_REMOVE_MAP, 1 },
	/* Only with scratch: */
	{ MEMBLOCK_OP_SET_SCRATCH_ONLY, 2 },
};

static bool allowed(enum memblock_op_kind kind, const struct memblock_op_space *space)
{
	switch (kind) {
	case MEMBLOCK_OP_TRIM:
	case MEMBLOCK_OP_ENFORCE_LIMIT:
	case MEMBLOCK_OP_CAP:
	case MEMBLOCK_OP_LIMIT_REMOVE_MAP:
		return space->limits;
	case MEMBLOCK_OP_SET_SCRATCH_ONLY:
		return space->scratch;
	default:
		return true;
	}
}

static enum memblock_op_kind draw_kind(struct prng *prng, const struct memblock_op_space *space)
{
	unsigned int sum = 0, i;
	uint64_t at;

	for (i = 0; i < sizeof(weights) / sizeof(weights[0]); i++)
		sum += allowed(weights[i].kind, space) ? weights[i].weight : 0;
	at = prng_below(prng, sum);
	for (i = 0;; i++) {
		unsigned int weight = allowed(weights[i].kind, space) ? weights[i].weight : 0;

		if (at < weight)
			return weights[i].kind;
		at -= weight;
	}
}

/* Mostly on a coarse grid, where ranges meet, overlap and repeat. */
static phys_t draw_address(struct prng *prng, const struct memblock_op_space *space)
{
	uint64_t offset = prng_below(prng, space->bytes);
	uint64_t grid = 1;

	switch (prng_below(prng, 4)) {
	case 0:
		grid = space->page / 4;
		break;
	case 1:
		grid = space->page;
		break;
	case 2:
		grid = 4 * space->page;
		break;
	}
	return space->origin + offset / grid * grid;
}

static uint64_t draw_size(struct prng *prng, const struct memblock_op_space *space)
{
	switch (prng_below(prng, 8)) {
	case 0:
		return prng_below(prng, 3) ? 0 : UINT64_MAX - prng_below(prng, 2);
	case 1:
		return prng_below(prng, space->bytes);
	case 2:
		return prng_skewed(prng, space->page);
	case 3:
	case 4:
		return space->page / 4 * (1 + prng_below(prng, 8));
	default:
		return space->page * (1 + prng_skewed(prng, 32));
	}
}

static uint32_t draw_memory_flag(struct prng *prng, const struct memblock_op_space *space)
{
	uint32_t flags = space->memory_flags & ~(uint32_t)MEMBLOCK_MIRROR;
	unsigned int n;

	if (space->mirror)
		flags |= MEMBLOCK_MIRROR;
	n = (unsigned int)prng_below(prng, 8);
	for (unsigned int bit = 0; flags; bit = (bit + 1) % 8) {
		if (!(flags >> bit & 1))
			continue;
		if (!n--)
			return 1u << bit;
	}
	return 0;
}

struct memblock_op memblock_op_draw(struct prng *prng, const struct memblock_op_space *space)
{
	struct memblock_op op = { .kind = draw_kind(prng, space) };

	op.base = draw_address(prng, space);
	op.size = draw_size(prng, space);
	op.nid = prng_chance(prng, 1, 3) ? NID_NONE : (int32_t)prng_below(prng, space->nodes);
	op.on = prng_chance(prng, 1, 2);
	switch (op.kind) {
	case MEMBLOCK_OP_ADD:
		if (prng_chance(prng, 1, 4))
			op.flags = draw_memory_flag(prng, space) & ~(uint32_t)MEMBLOCK_MIRROR;
		if (prng_chance(prng, 1, 2))
			op.size = space->page * (8 + prng_below(prng, 64));
		break;
	case MEMBLOCK_OP_RESERVE:
		if (prng_chance(prng, 3, 4))
			op.nid = NID_NONE;
		break;
	case MEMBLOCK_OP_SET_NODE:
		op.which = prng_chance(prng, 1, 3) ? MEMBLOCK_RESERVED : MEMBLOCK_MEMORY;
		break;
	case MEMBLOCK_OP_SET_FLAG:
	case MEMBLOCK_OP_CLEAR_FLAG:
		op.flags = draw_memory_flag(prng, space);
		break;
	case MEMBLOCK_OP_TRIM:
		op.align = space->page >> prng_below(prng, 3);
		break;
	case MEMBLOCK_OP_CAP:
		if (prng_chance(prng, 1, 2))
			op.size = space->bytes / 4 + prng_below(prng, space->bytes);
		break;
	case MEMBLOCK_OP_ENFORCE_LIMIT:
	case MEMBLOCK_OP_LIMIT_REMOVE_MAP:
		op.size = prng_below(prng, space->bytes);
		break;
	case MEMBLOCK_OP_ALLOC:
		if (!op.size || op.size > space->bytes)
			op.size = 1 + prng_below(prng, 4 * space->page);
		op.align = prng_chance(prng, 1, 8) ? 0 : 1ULL << prng_below(prng, 10);
		if (prng_chance(prng, 1, 2))
			op.base = 0;
		op.max_addr = prng_chance(prng, 1, 2) ? prng_below(prng, 2)
						      : draw_address(prng, space);
		op.exact_nid = prng_chance(prng, 1, 4);
		op.virt = prng_chance(prng, 1, 2);
		break;
	case MEMBLOCK_OP_SET_CURRENT_LIMIT:
		if (prng_chance(prng, 1, 2))
			op.base = space->origin + space->bytes;
		break;
	default:
		break;
	}
	return op;
}

struct memblock_op_result memblock_op_apply(struct memblock *mb, const struct memblock_op *op)
{
	struct memblock_op_result ret = { .ok = true };
	struct memblock_request req = {
		.size = op->size,
		.align = op->align,
		.min_addr = op->base,
		.max_addr = op->max_addr,
		.nid = op->nid,
		.exact_nid = op->exact_nid,
		.retry_below_min = op->virt,
	};

	switch (op->kind) {
	case MEMBLOCK_OP_ADD:
		ret.ok = memblock_add(mb, op->base, op->size, op->nid, op->flags);
		break;
	case MEMBLOCK_OP_RESERVE:
		ret.ok = memblock_reserve(mb, op->base, op->size, op->nid, op->flags);
		break;
	case MEMBLOCK_OP_REMOVE:
		ret.ok = memblock_remove(mb, op->base, op->size);
		break;
	case MEMBLOCK_OP_FREE:
		ret.ok = memblock_free(mb, op->base, op->size);
		break;
	case MEMBLOCK_OP_SET_NODE:
		ret.ok = memblock_set_node(mb, op->which, op->base, op->size, op->nid);
		break;
	case MEMBLOCK_OP_SET_FLAG:
		ret.ok = memblock_set_flag(mb, op->which, op->base, op->size, op->flags, true);
		break;
	case MEMBLOCK_OP_CLEAR_FLAG:
		ret.ok = memblock_set_flag(mb, op->which, op->base, op->size, op->flags, false);
		break;
	case MEMBLOCK_OP_TRIM:
		memblock_trim_memory(mb, op->align);
		break;
	case MEMBLOCK_OP_ENFORCE_LIMIT:
		memblock_enforce_memory_limit(mb, op->size);
		break;
	case MEMBLOCK_OP_CAP:
		memblock_cap_memory_range(mb, op->base, op->size);
		break;
	case MEMBLOCK_OP_LIMIT_REMOVE_MAP:
		memblock_mem_limit_remove_map(mb, op->size);
		break;
	case MEMBLOCK_OP_ALLOC:
		ret.ok = memblock_alloc(mb, &req, &ret.addr);
		break;
	case MEMBLOCK_OP_SET_CURRENT_LIMIT:
		mb->current_limit = op->base;
		break;
	case MEMBLOCK_OP_SET_BOTTOM_UP:
		mb->bottom_up = op->on;
		break;
	case MEMBLOCK_OP_SET_MOVABLE_NODE:
		mb->movable_node = op->on;
		break;
	case MEMBLOCK_OP_SET_SCRATCH_ONLY:
		mb->scratch_only = op->on;
		break;
	case MEMBLOCK_OP_ALLOW_RESIZE:
		mb->can_resize = true;
		break;
	case MEMBLOCK_OP_KIND_COUNT:
		break;
	}
	return ret;
}
