/* SPDX-License-Identifier: MIT */
/* Benchmarks of fuzzing: targets as the built-in driver runs them. */
#include "fuzz/driver.h"

#include "tools/bench/bench.h"
#include "traces/message_text.h"
#include "traces/record.pb-c.h"

/* Executions of a round: enough that what the driver begins with does not count. */
#define EXECUTIONS 20000
#define BOOTS 256

/* A machine of 4 nodes and 4 GiB, as a fuzzer begins with it. */
static const char four_nodes[] =
	"input { command_line: \"\" reservations_told: true numa_source: true\n"
	"  cpu_nid: [0, 1, 2, 3] online_cpus: 4 nr_cpu_ids: 4 distance_count: 4\n"
	"  distance: [10, 12, 21, 21, 12, 10, 21, 21, 21, 21, 10, 12, 21, 21, 12, 10]\n"
	"  firmware { start: 0 end: 0x9fc00 type: 1 }\n"
	"  firmware { start: 0x100000 end: 0x80000000 type: 1 }\n"
	"  firmware { start: 0x100000000 end: 0x180000000 type: 1 }\n"
	"  affinity { start: 0 end: 0x40000000 nid: 0 }\n"
	"  affinity { start: 0x40000000 end: 0x80000000 nid: 1 }\n"
	"  affinity { start: 0x100000000 end: 0x140000000 nid: 2 }\n"
	"  affinity { start: 0x140000000 end: 0x180000000 nid: 3 } }\n";

/* Rounds of the driver; nothing may be found, or it would measure something else. */
static struct error *driver_rounds(struct bench *b, const char *name)
{
	struct driver_options how = { .seed = 1, .executions = EXECUTIONS };
	struct driver_stats stats = { 0 };
	struct target_runner *r;
	struct error *err = target_runner_create(target_find(name), NULL, &r);

	if (err)
		return err;
	while (!err && bench_round(b)) {
		err = driver_run(r, &how, &stats);
		bench_work(b, stats.executions);
	}
	target_runner_destroy(r);
	return err;
}

struct error *bench_fuzz_memblock(struct bench *b)
{
	return driver_rounds(b, "memblock");
}

struct error *bench_fuzz_topology(struct bench *b)
{
	return driver_rounds(b, "topology");
}

struct error *bench_fuzz_boot(struct bench *b)
{
	const struct target *target = target_find("topology");
	ProtobufCMessage *message;
	struct target_runner *r;
	struct error *err = message_text_read(target->message, four_nodes, sizeof(four_nodes) - 1,
					      NULL, &message);

	if (err)
		return err;
	err = target_runner_create(target, NULL, &r);
	while (!err && bench_round(b)) {
		for (int i = 0; i < BOOTS; i++)
			target_run_message(r, message);
		bench_work(b, BOOTS);
		if (target_report(r)->refused || target_report(r)->finding_count)
			err = error_create(ERROR_RANGE, NULL, 0, 0,
					   "the machine of four nodes did not boot as it should");
	}
	protobuf_c_message_free_unpacked(message, NULL);
	target_runner_destroy(r);
	return err;
}
