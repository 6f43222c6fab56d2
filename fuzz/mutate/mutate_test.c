/* SPDX-License-Identifier: MIT */
#include "fuzz/mutate/mutate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "traces/message_field.h"
#include "traces/message_text.h"
#include "traces/record.pb-c.h"

static const char *const words[] = { "mem=", "numa=fake=4", "movablecore=", NULL };

static const char machine[] =
	"input { command_line: \"quiet\" numa_source: true cpu_nid: [0, 1]\n"
	"  kernel { version_major: 6 version_minor: 1 fact { name: \"x\" value: 1 } }\n"
	"  distance_count: 2 distance: [10, 21, 21, 10]\n"
	"  firmware { start: 0x100000 end: 0x80000000 type: 1 }\n"
	"  affinity { start: 0 end: 0x40000000 nid: 0 }\n"
	"  affinity { start: 0x40000000 end: 0x80000000 nid: 1 }\n"
	"  step { kind: RESERVE base_addr: 0x1000 size: 0x400 name: \"a\" }\n"
	"  tree { memory { base_addr: 0x1000 size: 0x1000 } reserved { range { size: 4 } } } }\n"
	"operation { kind: ALLOC order: 3 }\n"
	"operation { kind: FREE target: 0 }\n";

/* Types of the stored format that have all kinds of fields between them. */
#define TYPES 7
static const ProtobufCMessageDescriptor *const types[TYPES] = {
	&mmtrace__scenario__descriptor, &mmtrace__events__descriptor,
	&mmtrace__answers__descriptor,	&mmtrace__header__descriptor,
	&mmtrace__strings__descriptor,	&mmtrace__picture__descriptor,
	&mmtrace__end__descriptor,
};

static void check(struct error *err)
{
	if (err)
		fail_msg("%s", err->message);
}

static struct mutator *make(const ProtobufCMessageDescriptor *type, uint64_t seed)
{
	struct mutator *m;

	check(mutator_create(type, words, &m));
	mutator_seed(m, prng_init(seed));
	return m;
}

static ProtobufCMessage *make_message(const ProtobufCMessageDescriptor *type, struct arena *arena)
{
	ProtobufCAllocator allocator = arena_allocator(arena);
	ProtobufCMessage *message;

	if (type == &mmtrace__scenario__descriptor) {
		check(message_text_read(type, machine, strlen(machine), &allocator, &message));
		return message;
	}
	message = arena_alloc(arena, type->sizeof_message);
	assert_non_null(message);
	type->message_init(message);
	return message;
}

/* The caller frees it. */
static uint8_t *pack(const ProtobufCMessage *message, size_t *size_ret)
{
	size_t size = protobuf_c_message_get_packed_size(message);
	uint8_t *data = malloc(size + 1);

	assert_non_null(data);
	*size_ret = protobuf_c_message_pack(message, data);
	assert_int_equal(*size_ret, size);
	return data;
}

/* What comes out is a message that is packed and parses, and packs to the same bytes. */
static void check_parses(const ProtobufCMessage *message)
{
	ProtobufCMessage *again;
	size_t size, size2;
	uint8_t *data = pack(message, &size), *data2;

	again = protobuf_c_message_unpack(message->descriptor, NULL, size, data);
	assert_non_null(again);
	data2 = pack(again, &size2);
	assert_int_equal(size, size2);
	assert_memory_equal(data, data2, size);
	protobuf_c_message_free_unpacked(again, NULL);
	free(data);
	free(data2);
}

static void test_any_output_parses(void **state)
{
	struct arena arena = arena_init((size_t)64 << 20);

	(void)state;
	for (size_t t = 0; t < TYPES; t++) {
		struct mutator *m = make(types[t], t);

		for (int chain = 0; chain < 30; chain++) {
			ProtobufCMessage *message, *other;

			arena_rewind(&arena);
			message = make_message(types[t], &arena);
			other = make_message(types[t], &arena);
			for (int i = 0; i < 200; i++) {
				mutate_message(m, message, &arena);
				mutate_message(m, other, &arena);
				if (i % 8 == 0)
					mutate_cross(m, message, other, &arena);
				check_parses(message);
			}
		}
		mutator_destroy(m);
	}
	arena_deinit(&arena);
}

/* Bytes that happen to parse are welcome, whatever is in them. */
static void test_foreign_bytes(void **state)
{
	struct arena arena = arena_init((size_t)64 << 20);
	ProtobufCAllocator allocator = arena_allocator(&arena);
	struct mutator *m = make(&mmtrace__scenario__descriptor, 5);
	struct prng prng = prng_init(7);
	unsigned int parsed = 0;
	size_t size;
	uint8_t *data = pack(make_message(&mmtrace__scenario__descriptor, &arena), &size), *damaged;

	(void)state;
	damaged = malloc(size);
	assert_non_null(damaged);
	for (int i = 0; i < 20000; i++) {
		ProtobufCMessage *message;

		arena_rewind(&arena);
		memcpy(damaged, data, size);
		for (int k = 0; k < 2; k++)
			damaged[prng_below(&prng, size)] = (uint8_t)prng_next(&prng);
		message = protobuf_c_message_unpack(&mmtrace__scenario__descriptor, &allocator,
						    size, damaged);
		if (!message)
			continue;
		parsed++;
		for (int k = 0; k < 8; k++)
			mutate_message(m, message, &arena);
		message = mutate_copy(message, &arena);
		assert_non_null(message);
		check_parses(message);
	}
	assert_true(parsed > 500);
	free(data);
	free(damaged);
	mutator_destroy(m);
	arena_deinit(&arena);
}

/* The same seed, the same changes; another seed, others. */
static void test_repeatable(void **state)
{
	uint8_t *data[3];
	size_t size[3];

	(void)state;
	for (int run = 0; run < 3; run++) {
		struct arena arena = arena_init((size_t)64 << 20);
		struct mutator *m = make(&mmtrace__scenario__descriptor, run == 2 ? 12 : 11);
		ProtobufCMessage *message = make_message(&mmtrace__scenario__descriptor, &arena);
		ProtobufCMessage *other = mutate_copy(message, &arena);

		for (int i = 0; i < 300; i++) {
			mutate_message(m, message, &arena);
			mutate_cross(m, message, other, &arena);
		}
		data[run] = pack(message, &size[run]);
		mutator_destroy(m);
		arena_deinit(&arena);
	}
	assert_int_equal(size[0], size[1]);
	assert_memory_equal(data[0], data[1], size[0]);
	assert_true(size[0] != size[2] || memcmp(data[0], data[2], size[0]) != 0);
	for (int run = 0; run < 3; run++)
		free(data[run]);
}

/* A copy is equal, and what is done to it leaves the first as it was. */
static void test_copy(void **state)
{
	struct arena arena = arena_init((size_t)64 << 20);
	struct mutator *m = make(&mmtrace__scenario__descriptor, 3);
	ProtobufCMessage *message = make_message(&mmtrace__scenario__descriptor, &arena), *copy;
	uint8_t *before, *after;
	size_t size, size2;

	(void)state;
	before = pack(message, &size);
	copy = mutate_copy(message, &arena);
	after = pack(copy, &size2);
	assert_int_equal(size, size2);
	assert_memory_equal(before, after, size);
	free(after);
	for (int i = 0; i < 500; i++)
		mutate_message(m, copy, &arena);
	after = pack(message, &size2);
	assert_int_equal(size, size2);
	assert_memory_equal(before, after, size);
	free(before);
	free(after);
	mutator_destroy(m);
	arena_deinit(&arena);
}

/* ---- every field -------------------------------------------------------------------------------- */

#define FIELDS_MAX 1024

struct seen {
	const ProtobufCFieldDescriptor *fields[FIELDS_MAX];
	bool present[FIELDS_MAX];
	unsigned int count;
	const ProtobufCMessageDescriptor *done[64];
	unsigned int done_count;
};

static void collect(struct seen *seen, const ProtobufCMessageDescriptor *type)
{
	for (unsigned int i = 0; i < seen->done_count; i++)
		if (seen->done[i] == type)
			return;
	seen->done[seen->done_count++] = type;
	for (unsigned int i = 0; i < type->n_fields; i++) {
		seen->fields[seen->count++] = &type->fields[i];
		if (type->fields[i].type == PROTOBUF_C_TYPE_MESSAGE)
			collect(seen, type->fields[i].descriptor);
	}
}

static void note(struct seen *seen, const ProtobufCMessage *message)
{
	for (unsigned int i = 0; i < message->descriptor->n_fields; i++) {
		const ProtobufCFieldDescriptor *f = &message->descriptor->fields[i];
		const void *at = field_at(message, f);
		size_t count = field_values(message, f);
		unsigned int k = 0;

		while (seen->fields[k] != f)
			k++;
		seen->present[k] |= count != 0;
		for (size_t e = 0; e < count && f->type == PROTOBUF_C_TYPE_MESSAGE; e++)
			note(seen, f->label == PROTOBUF_C_LABEL_REPEATED
					   ? (*(ProtobufCMessage *const *const *)at)[e]
					   : *(ProtobufCMessage *const *)at);
	}
}

/* From nothing, each field of each message is reached. */
static void test_every_field(void **state)
{
	struct arena arena = arena_init((size_t)256 << 20);
	unsigned int missing = 0;

	(void)state;
	for (size_t t = 0; t < TYPES; t++) {
		struct seen *seen = calloc(1, sizeof(*seen));
		struct mutator *m = make(types[t], 100 + t);

		assert_non_null(seen);
		collect(seen, types[t]);
		for (int chain = 0; chain < 600; chain++) {
			ProtobufCMessage *message;

			arena_rewind(&arena);
			message = arena_alloc(&arena, types[t]->sizeof_message);
			assert_non_null(message);
			types[t]->message_init(message);
			for (int i = 0; i < 150; i++) {
				mutate_message(m, message, &arena);
				note(seen, message);
			}
		}
		for (unsigned int i = 0; i < seen->count; i++) {
			if (seen->present[i])
				continue;
			missing++;
			printf("# %s: '%s' is never set\n", types[t]->short_name,
			       seen->fields[i]->name);
		}
		mutator_destroy(m);
		free(seen);
	}
	assert_int_equal(missing, 0);
	arena_deinit(&arena);
}

/* ---- lives and builds ---------------------------------------------------------------------------- */

/* Requests in a row that want ever smaller blocks of one zone, as a machine runs out of memory. */
static size_t longest_fall(const Mmtrace__Scenario *s)
{
	size_t longest = 0, run = 0;

	for (size_t i = 1; i < s->n_operation; i++) {
		const Mmtrace__Operation *a = s->operation[i - 1], *b = s->operation[i];

		run = b->kind == MMTRACE__OPERATION__KIND__ALLOC && b->kind == a->kind &&
				      a->order == b->order + 1 && a->flags == b->flags &&
				      a->highest_zone == b->highest_zone
			      ? run + 1
			      : 0;
		if (run > longest)
			longest = run;
	}
	return longest;
}

static bool resizes_while_freeing(const Mmtrace__Scenario *s)
{
	for (size_t i = 0; i < s->n_operation; i++) {
		const Mmtrace__Operation *op = s->operation[i];

		if (op->kind == MMTRACE__OPERATION__KIND__PCP_FRACTION && op->target < i &&
		    op->value >= 8 &&
		    s->operation[op->target]->kind == MMTRACE__OPERATION__KIND__ALLOC)
			return true;
	}
	return false;
}

static bool has_window_apart(const Mmtrace__BootInput *in)
{
	for (size_t w = 0; w < in->n_window; w++) {
		bool apart = in->window[w]->start < in->window[w]->end;

		for (size_t i = 0; i < in->n_affinity; i++)
			apart &= in->window[w]->start >= in->affinity[i]->end ||
				 in->window[w]->end <= in->affinity[i]->start;
		if (apart)
			return true;
	}
	return false;
}

/* What one field after the other would hardly ever come to is there within a few changes. */
static void test_lives_and_builds(void **state)
{
	struct arena arena = arena_init((size_t)64 << 20);
	struct mutator *m = make(&mmtrace__scenario__descriptor, 31);
	unsigned int ran_out = 0, resized = 0, windows = 0, builds = 0;

	(void)state;
	for (int chain = 0; chain < 2000; chain++) {
		const Mmtrace__Config *config;
		Mmtrace__Scenario *s;

		arena_rewind(&arena);
		s = (Mmtrace__Scenario *)make_message(&mmtrace__scenario__descriptor, &arena);
		for (int i = 0; i < 12; i++)
			mutate_message(m, &s->base, &arena);
		ran_out += longest_fall(s) >= 5;
		resized += resizes_while_freeing(s);
		if (!s->input)
			continue;
		windows += has_window_apart(s->input);
		/* Options that are there to choose, and none that would have the message refused. */
		config = s->input->kernel ? s->input->kernel->config : NULL;
		builds += config && !config->has_page_shift && !config->has_phys_bits &&
			  !config->has_pointer_bytes && !config->has_section_shift &&
			  config->has_nodes_shift + config->has_cma + config->has_thp > 0;
	}
	assert_true(ran_out > 100);
	assert_true(resized > 20);
	assert_true(windows > 20);
	assert_true(builds > 10);
	mutator_destroy(m);
	arena_deinit(&arena);
}

/* Lists and texts stay within what mutate.h says, however long it goes on. */
static void test_limits(void **state)
{
	struct arena arena = arena_init((size_t)1 << 30);
	struct mutator *m = make(&mmtrace__scenario__descriptor, 77);
	ProtobufCMessage *message = make_message(&mmtrace__scenario__descriptor, &arena), *other;
	const Mmtrace__Scenario *s = (const Mmtrace__Scenario *)message;

	(void)state;
	other = mutate_copy(message, &arena);
	for (int i = 0; i < 20000; i++) {
		mutate_message(m, message, &arena);
		mutate_cross(m, message, other, &arena);
		if (i % 1000)
			continue;
		message = mutate_copy(message, &arena);
		assert_non_null(message);
		s = (const Mmtrace__Scenario *)message;
		assert_true(s->n_operation <= MUTATE_ELEMENTS_MAX);
		if (!s->input)
			continue;
		assert_true(s->input->n_firmware <= MUTATE_ELEMENTS_MAX);
		assert_true(s->input->command_line.len <= MUTATE_TEXT_MAX);
	}
	mutator_destroy(m);
	arena_deinit(&arena);
}

/* An arena that ends in the middle does no harm: the change is made in part, or not at all. */
static void test_no_room(void **state)
{
	struct arena big = arena_init((size_t)64 << 20);

	(void)state;
	for (size_t room = 0; room < 200; room++) {
		struct arena small = arena_init(room * 64);
		struct mutator *m = make(&mmtrace__scenario__descriptor, room);
		ProtobufCMessage *message, *other;

		arena_rewind(&big);
		message = make_message(&mmtrace__scenario__descriptor, &big);
		other = make_message(&mmtrace__scenario__descriptor, &big);
		for (int i = 0; i < 60; i++) {
			mutate_message(m, message, &small);
			mutate_cross(m, message, other, &small);
		}
		check_parses(message);
		mutator_destroy(m);
		arena_deinit(&small);
	}
	arena_deinit(&big);
}

/* Each part can go, and what is left has as many fewer as were in it. */
static void test_parts(void **state)
{
	struct arena arena = arena_init((size_t)64 << 20);
	ProtobufCMessage *message = make_message(&mmtrace__scenario__descriptor, &arena), *copy;
	size_t parts = mutate_parts(message), dropped = 0;

	(void)state;
	/* 2 CPUs, 4 distances, a fact, 1 + 2 ranges, a step, memory and a reservation with its range; the
	 * input, the kernel, the tree; 2 operations. */
	assert_int_equal(parts, 2 + 4 + 1 + 1 + 2 + 1 + 1 + 2 + 3 + 2);
	for (size_t i = 0; i < parts; i++) {
		copy = mutate_copy(message, &arena);
		assert_true(mutate_drop_part(copy, i));
		assert_true(mutate_parts(copy) < parts);
		check_parses(copy);
	}
	assert_false(mutate_drop_part(mutate_copy(message, &arena), parts));
	while (mutate_drop_part(message, mutate_parts(message) - 1))
		dropped++;
	assert_int_equal(dropped, parts);
	assert_int_equal(mutate_parts(message), 0);
	arena_deinit(&arena);
}

/* ---- bytes --------------------------------------------------------------------------------------- */

#define ROOM 300

static void test_bytes(void **state)
{
	static const char text[] = "[    0.000000] BIOS-e820: [mem 0x0-0x9fbff] usable\nline 2\n3";
	uint8_t data[2][ROOM + 8], other[40];
	size_t size[2] = { 0 };
	bool seen_longer = false, seen_shorter = false, seen_word = false;

	(void)state;
	memset(other, 'x', sizeof(other));
	for (int run = 0; run < 2; run++) {
		struct mutator *m = make(NULL, 4);

		memset(data[run], 0xa5, sizeof(data[run]));
		for (int i = 0; i < 20000; i++) {
			if (i % 50 == 0) {
				size[run] = strlen(text);
				memcpy(data[run], text, size[run]);
			}
			size[run] = mutate_bytes(m, data[run], size[run], ROOM);
			if (i % 7 == 0)
				size[run] = mutate_cross_bytes(m, data[run], size[run], ROOM, other,
							       sizeof(other));
			assert_true(size[run] <= ROOM);
			seen_longer |= size[run] > strlen(text);
			seen_shorter |= size[run] < strlen(text);
			data[run][size[run]] = 0;
			seen_word |= strstr((char *)data[run], "movablecore=") != NULL;
			/* Nothing is written behind the room. */
			for (int k = 1; k < 8; k++)
				assert_int_equal(data[run][ROOM + k], 0xa5);
		}
		mutator_destroy(m);
	}
	assert_true(seen_longer && seen_shorter && seen_word);
	assert_int_equal(size[0], size[1]);
	assert_memory_equal(data[0], data[1], size[0]);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_any_output_parses),
		cmocka_unit_test(test_foreign_bytes),
		cmocka_unit_test(test_repeatable),
		cmocka_unit_test(test_copy),
		cmocka_unit_test(test_every_field),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_lives_and_builds),
		cmocka_unit_test(test_no_room),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_parts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
