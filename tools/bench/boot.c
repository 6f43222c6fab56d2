/* SPDX-License-Identifier: MIT */
/* Benchmarks of the engine's boot, on machines made here. */
#include "engine/boot.h"

#include "tools/bench/bench.h"
#include "tools/bench/made.h"

/* Did it get where it was to go, and does each node reach all the others? */
static struct error *judge(const struct machine *m, enum boot_stage until, uint32_t nodes)
{
	if (m->out_of_memory)
		return error_no_memory();
	if (m->stage != until || m->node_count != nodes)
		return error_create(ERROR_RANGE, NULL, 0, 0, "the made machine did not boot");
	for (uint32_t n = 0; n < nodes; n++)
		if (m->zonelists.length[n] != nodes)
			return error_create(ERROR_RANGE, NULL, 0, 0, "a zonelist is too short");
	return NULL;
}

static struct error *boot_rounds(struct bench *b, const struct made_machine *what,
				 enum boot_stage until, bool lists, uint32_t boots)
{
	struct boot_input in;
	struct machine m;
	struct error *err = made_init(&in, what) ? NULL : error_no_memory();

	machine_init(&m);
	while (!err && bench_round(b)) {
		for (uint32_t i = 0; i < boots && !err; i++) {
			machine_reset(&m);
			m.want_lists = lists;
			boot_run(&m, &in, until);
			err = judge(&m, until, what->nodes);
		}
		bench_work(b, boots);
	}
	machine_deinit(&m);
	made_deinit(&in);
	return err;
}

static const struct made_machine small = { 4, 2ULL << 30, 2 };
static const struct made_machine tiny = { 4, 256ULL << 20, 2 };

struct error *bench_boot_small(struct bench *b)
{
	return boot_rounds(b, &small, STAGE_LATE, false, 16);
}

struct error *bench_boot_lists(struct bench *b)
{
	return boot_rounds(b, &small, STAGE_LATE, true, 16);
}

struct error *bench_boot_tiny(struct bench *b)
{
	return boot_rounds(b, &tiny, STAGE_LATE, true, 16);
}

struct error *bench_boot_giant(struct bench *b)
{
	const struct made_machine giant = { NODES_MAX, 64ULL << 30, 4 };

	return boot_rounds(b, &giant, STAGE_ZONELISTS, false, 1);
}
