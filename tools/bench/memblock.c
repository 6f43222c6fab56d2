/* SPDX-License-Identifier: MIT */
/* Benchmarks of memblock alone. */
#include "engine/memblock.h"

#include <stdlib.h>

#include "engine/testing/memblock_op.h"
#include "tools/bench/bench.h"

#define CALLS 4096

struct error *bench_memblock(struct bench *b)
{
	const struct memblock_op_space space = {
		.bytes = 1ULL << 30, .page = 4096, .nodes = 4, .memory_flags = MEMBLOCK_HOTPLUG
	};
	struct memblock_op *ops = malloc(CALLS * sizeof(*ops));
	struct prng prng = prng_init(1);
	struct error *err = NULL;
	struct facts facts;
	struct memblock mb;

	if (!ops)
		return error_no_memory();
	facts_init(&facts, FACTS_VERSION(6, 12, 0));
	memblock_init(&mb, &facts, 12, 128, 128);
	for (size_t i = 0; i < CALLS; i++)
		ops[i] = memblock_op_draw(&prng, &space);
	while (bench_round(b)) {
		memblock_reset(&mb);
		mb.can_resize = true;
		for (size_t i = 0; i < CALLS; i++)
			memblock_op_apply(&mb, &ops[i]);
		bench_work(b, CALLS);
	}
	if (memblock_check(&mb))
		err = error_create(ERROR_RANGE, NULL, 0, 0, "%s", memblock_check(&mb));
	memblock_deinit(&mb);
	free(ops);
	return err;
}
