/* SPDX-License-Identifier: MIT */
/*
 * One target for engines that speak libFuzzer's interface: libFuzzer itself, and AFL++ by its driver.
 * FUZZ_TARGET is the target's name.  A finding is told and aborts, which is what engines take for one.
 *
 *	MMREPLAY_FUZZ_ERA	a version: every input is of this kernel
 *	MMREPLAY_FUZZ_SET	FACT=VALUE, separated by commas: facts that inputs do not change
 *	MMREPLAY_FUZZ_GO_ON	if set, findings are not told and nothing ends: what is left are crashes
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/mutate/mutate.h"
#include "fuzz/settings.h"
#include "fuzz/target.h"

/* libFuzzer's own changes of bytes; other engines have none. */
__attribute__((weak)) size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t room);

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t room, unsigned int seed);
size_t LLVMFuzzerCustomCrossOver(const uint8_t *data, size_t size, const uint8_t *other,
				 size_t other_size, uint8_t *out, size_t room, unsigned int seed);

/* Engines give no place of ours from one call to the next. */
static struct {
	struct target_runner *runner;
	const struct target *target;
	struct mutator *mutator;
	struct arena arena;
	ProtobufCAllocator allocator;
	bool go_on;
} engine;

static void stop(struct error *err)
{
	char text[512];

	if (!err)
		return;
	error_format(err, text, sizeof(text));
	fprintf(stderr, "%s: %s\n", FUZZ_TARGET, text);
	exit(2);
}

static void begin(void)
{
	static struct settings_text settings;

	if (engine.runner)
		return;
	engine.target = target_find(FUZZ_TARGET);
	engine.go_on = getenv("MMREPLAY_FUZZ_GO_ON");
	stop(settings_read(getenv("MMREPLAY_FUZZ_ERA"), getenv("MMREPLAY_FUZZ_SET"), &settings));
	engine.arena = arena_init((size_t)512 << 20);
	engine.allocator = arena_allocator(&engine.arena);
	stop(target_runner_create(engine.target, &settings.settings, &engine.runner));
	stop(mutator_create(engine.target->message, engine.target->words, &engine.mutator));
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	begin();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct target_report *report;

	begin();
	target_run_bytes(engine.runner, data, size);
	report = target_report(engine.runner);
	if (engine.go_on)
		return report->refused ? -1 : 0;
	for (unsigned int i = 0; i < report->finding_count; i++)
		fprintf(stderr, "finding: %s: %s\n", report->findings[i].id,
			report->findings[i].text);
	if (report->finding_count)
		abort();
	/* Inputs that are refused are no good ancestors. */
	return report->refused ? -1 : 0;
}

/* A message of @data, or an empty one; NULL without memory. */
static ProtobufCMessage *unpack(const uint8_t *data, size_t size)
{
	const ProtobufCMessageDescriptor *type = engine.target->message;
	ProtobufCMessage *message = protobuf_c_message_unpack(type, &engine.allocator, size, data);

	if (message)
		return message;
	message = arena_alloc(&engine.arena, type->sizeof_message);
	if (message)
		type->message_init(message);
	return message;
}

/* @otherwise when there is no room for it. */
static size_t pack(const ProtobufCMessage *message, uint8_t *out, size_t room, size_t otherwise)
{
	if (protobuf_c_message_get_packed_size(message) > room)
		return otherwise;
	return protobuf_c_message_pack(message, out);
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t room, unsigned int seed)
{
	struct prng prng = prng_init(seed);
	uint64_t changes = 1 + prng_skewed(&prng, 8);
	ProtobufCMessage *message;

	begin();
	mutator_seed(engine.mutator, prng);
	if (!engine.target->message) {
		if (LLVMFuzzerMutate && prng_chance(&prng, 1, 2))
			return LLVMFuzzerMutate(data, size, room);
		for (uint64_t i = 0; i < changes; i++)
			size = mutate_bytes(engine.mutator, data, size, room);
		return size;
	}
	arena_rewind(&engine.arena);
	message = unpack(data, size);
	for (uint64_t i = 0; i < changes && message; i++)
		mutate_message(engine.mutator, message, &engine.arena);
	return message ? pack(message, data, room, size) : size;
}

size_t LLVMFuzzerCustomCrossOver(const uint8_t *data, size_t size, const uint8_t *other,
				 size_t other_size, uint8_t *out, size_t room, unsigned int seed)
{
	ProtobufCMessage *message, *from;

	begin();
	mutator_seed(engine.mutator, prng_init(seed));
	if (!engine.target->message) {
		if (size > room)
			size = room;
		memcpy(out, data, size);
		return mutate_cross_bytes(engine.mutator, out, size, room, other, other_size);
	}
	arena_rewind(&engine.arena);
	message = unpack(data, size);
	from = unpack(other, other_size);
	if (!message || !from)
		return 0;
	mutate_cross(engine.mutator, message, from, &engine.arena);
	return pack(message, out, room, 0);
}
