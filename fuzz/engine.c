/* SPDX-License-Identifier: MIT */
/*
 * One target for engines that speak libFuzzer's interface: libFuzzer itself, and AFL++ by its driver.
 * FUZZ_TARGET is the target's name.  A finding is told and aborts, which is what engines take for one.
 *
 *	MMREPLAY_FUZZ_ERA	a version: every input is of this kernel
 *	MMREPLAY_FUZZ_SET	FACT=VALUE, separated by commas: facts that inputs do not change
 *	MMREPLAY_FUZZ_AS_IS	if set, quirks are as inputs have them
 *	MMREPLAY_FUZZ_GO_ON	if set, findings are not told and nothing ends: what is left are crashes
 *	MMREPLAY_FUZZ_FINDINGS	a folder: instead, the smallest input with each finding is there, by its id
 *	MMREPLAY_FUZZ_COUNT	a file of two 64-bit numbers, to which executions and refused ones are added
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

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
	const char *findings; /* folder; NULL: none */
	volatile uint64_t *count; /* executions, refused; NULL: nobody wants to know */
	const char *told[TARGET_FINDINGS_MAX]; /* ids of findings that are in the folder, ... */
	size_t told_size[TARGET_FINDINGS_MAX]; /* ... and of which size */
	unsigned int told_count;
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

static void begin_count(const char *path)
{
	const size_t size = 2 * sizeof(uint64_t);
	struct stat st;
	void *p = MAP_FAILED;
	int fd = path ? open(path, O_RDWR) : -1;

	if (fd >= 0 && !fstat(fd, &st) && (size_t)st.st_size >= size)
		p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (fd >= 0)
		close(fd);
	if (p != MAP_FAILED)
		engine.count = p;
}

static void begin(void)
{
	static struct settings_text settings;

	if (engine.runner)
		return;
	engine.target = target_find(FUZZ_TARGET);
	engine.findings = getenv("MMREPLAY_FUZZ_FINDINGS");
	engine.go_on = engine.findings || getenv("MMREPLAY_FUZZ_GO_ON");
	begin_count(getenv("MMREPLAY_FUZZ_COUNT"));
	stop(settings_read(getenv("MMREPLAY_FUZZ_ERA"), getenv("MMREPLAY_FUZZ_SET"), &settings));
	settings.settings.quirks = getenv("MMREPLAY_FUZZ_AS_IS");
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

/*
 * Writes an input with finding @id, if it is smaller than the one that is there.  The file is whole whenever
 * it is there; another process with a smaller one at the same moment may lose it.
 */
static void write_finding(const char *id, const uint8_t *data, size_t size)
{
	char path[4096], temporary[4160];
	struct stat st;
	FILE *out;
	bool ok;

	snprintf(path, sizeof(path), "%s/%s", engine.findings, id);
	snprintf(temporary, sizeof(temporary), "%s.%ld", path, (long)getpid());
	if (!stat(path, &st) && (size_t)st.st_size <= size)
		return;
	out = fopen(temporary, "wb");
	if (!out)
		return;
	ok = !size || fwrite(data, 1, size, out) == size;
	ok &= !fclose(out);
	if (!ok || rename(temporary, path))
		unlink(temporary);
}

static void keep_finding(const char *id, const uint8_t *data, size_t size)
{
	unsigned int i = 0;

	while (i < engine.told_count && strcmp(engine.told[i], id) != 0)
		i++;
	if (i == TARGET_FINDINGS_MAX || (i < engine.told_count && engine.told_size[i] <= size))
		return;
	engine.told[i] = id;
	engine.told_size[i] = size;
	engine.told_count += i == engine.told_count;
	write_finding(id, data, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct target_report *report;

	begin();
	target_run_bytes(engine.runner, data, size);
	report = target_report(engine.runner);
	if (engine.count) {
		engine.count[0]++;
		engine.count[1] += report->refused;
	}
	for (unsigned int i = 0; engine.findings && i < report->finding_count; i++)
		keep_finding(report->findings[i].id, data, size);
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
