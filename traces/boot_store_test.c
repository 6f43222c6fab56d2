/* SPDX-License-Identifier: MIT */
#include "traces/boot_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/hash_table.h"
#include "engine/prng.h"
#include "traces/message_text.h"
#include "traces/testing/check.h"
#include "traces/testing/robust.h"
#include "traces/testing/same_boot.h"

/* ---- a boot in which every field says something ---- */

static const char *text_of(struct boot_log *log, const char *text)
{
	return boot_log_text(log, text, strlen(text));
}

static void *array_of(size_t count, size_t bytes)
{
	void *array = calloc(count, bytes);

	assert_non_null(array);
	return array;
}

static void make_config(struct arch_config *c)
{
	*c = (struct arch_config){
		.arch = ARCH_ARM,
		.phys_bits = 32,
		.page_shift = 14,
		.max_order = 11,
		.pageblock_order = 8,
		.section_shift = 0,
		.page_struct_bytes = 56,
		.zones_mask = 1u << ZONE_NORMAL | 1u << ZONE_HIGHMEM,
		.pointer_bytes = 4,
		.nodes_shift = 3,
		.numa = true,
		.cma = true,
		.deferred_struct_page = true,
		.highmem = true,
		.thp = true,
		.pae = true,
		.preemption = PREEMPTION_RT,
	};
}

static void make_lists(struct boot_input *in)
{
	in->firmware_count = 2;
	in->firmware = array_of(2, sizeof(*in->firmware));
	in->firmware[0] = (struct e820_entry){ 0, 0x9fc00, E820_RAM };
	in->firmware[1] = (struct e820_entry){ 0x100000, UINT64_MAX, 0xffffffff };
	in->affinity_count = 2;
	in->affinity = array_of(2, sizeof(*in->affinity));
	in->affinity[0] = (struct affinity_memory){ 1, 2, 3, true, false };
	in->affinity[1] = (struct affinity_memory){ 4, UINT64_MAX, -1, false, true };
	in->window_count = 2;
	in->windows = array_of(2, sizeof(*in->windows));
	in->windows[0] = (struct memory_window){ 1, 2 };
	in->windows[1] = (struct memory_window){ 3, UINT64_MAX };
	in->cpu_nid_count = 3;
	in->cpu_nid = array_of(3, sizeof(*in->cpu_nid));
	in->cpu_nid[1] = -1;
	in->cpu_nid[2] = 1023;
	in->node_cpus_count = 2;
	in->node_cpus = array_of(2, sizeof(*in->node_cpus));
	in->node_cpus[1] = 4;
	in->distance_count = 2;
	in->distance = array_of(4, 1);
	memcpy(in->distance, "\x0a\xff\x14\x0a", 4);
	in->given_range_count = 2;
	in->given_ranges = array_of(2, sizeof(*in->given_ranges));
	in->given_ranges[0] = (struct node_range){ 1, 2, 3, 4, 5, 0 };
	in->given_ranges[1] = (struct node_range){ 6, UINT64_MAX, -1, 0, 0, 0 };
	in->state.memory_count = 1;
	in->state.memory = array_of(1, sizeof(*in->state.memory));
	in->state.memory[0] = (struct memblock_region){ 0x1000, 0x2000, MEMBLOCK_NOMAP, 2 };
	in->state.reserved_count = 2;
	in->state.reserved = array_of(2, sizeof(*in->state.reserved));
	in->state.reserved[0] = (struct memblock_region){ 0, 1, 0, NID_NONE };
	in->state.reserved[1] = (struct memblock_region){ 5, 6, 7, MEMBLOCK_NID_CLEARED };
	in->state.memory_size = 77;
	in->state.reserved_size = 78;
	in->state.has_memory = true;
	in->has_state = true;
}

static void make_tree(struct boot_input *in)
{
	struct device_tree *t = &in->tree;

	in->has_tree = true;
	t->reserved_format_ok = t->uefi = true;
	t->dma_limit = UINT64_MAX;
	t->memory_count = 2;
	t->memory = array_of(2, sizeof(*t->memory));
	t->memory[0] = (struct tree_memory){ { 0, 0 }, NID_NONE, false, false, 0 };
	t->memory[1] = (struct tree_memory){ { 1, UINT64_MAX }, 0, true, true, 2 };
	t->usable_count = 1;
	t->usable = array_of(1, sizeof(*t->usable));
	t->usable[0] = (struct tree_range){ 3, 4 };
	t->memreserve_count = 1;
	t->memreserve = array_of(1, sizeof(*t->memreserve));
	t->memreserve[0] = (struct tree_range){ 5, 6 };
	t->ranges = array_of(3, sizeof(*t->ranges));
	for (unsigned int i = 0; i < 3; i++)
		t->ranges[i] = (struct tree_range){ 10 + i, 20 + i };
	t->reserved_count = 3;
	t->reserved = array_of(3, sizeof(*t->reserved));
	t->reserved[0] = (struct tree_reserved){
		.ranges = t->ranges, .range_count = 2, .no_map = true, .dma_pool = true
	};
	t->reserved[2] = (struct tree_reserved){ .size = 7,
						 .align = 8,
						 .windows = t->ranges + 2,
						 .window_count = 1,
						 .reusable = true,
						 .cma_default = true,
						 .enabled = true };
	t->distance_count = 1;
	t->distances = array_of(1, sizeof(*t->distances));
	t->distances[0] = (struct tree_distance){ 1, 2, 300 };
}

/* Every kind of step, with all its fields, and once with none. */
static void make_steps(struct boot_log *log)
{
	for (unsigned int kind = 0; kind < STEP_KIND_COUNT; kind++) {
		struct boot_step *s = boot_log_add_step(log, (enum boot_step_kind)kind, 0);

		assert_non_null(s);
		s = boot_log_add_step(log, (enum boot_step_kind)kind, 100 + kind);
		assert_non_null(s);
		s->base = 0x1000 + kind;
		s->size = UINT64_MAX - kind;
		s->align = 64 + kind;
		s->min_addr = 1 + kind;
		s->max_addr = 2 + kind;
		s->nid = (int32_t)kind;
		s->flags = kind % 2 ? STEP_SIZE_GIVEN | kind : kind;
		s->call = (enum alloc_call)(kind % 3);
		s->name = text_of(log, kind % 2 ? "caller+0x12/0x34" : "\x01\xff odd \"name\"");
	}
}

static void make_answers(struct answers *as)
{
	for (unsigned int kind = 0; kind < ANSWER_KIND_COUNT; kind++) {
		for (unsigned int i = 0; i < 1 + kind % 3; i++) {
			struct answer *a = answers_add(as, (enum answer_kind)kind);

			if (kind % 4 == 0)
				continue; /* with defaults alone */
			a->nid = (int32_t)i - 1;
			a->type = (int32_t)kind;
			a->index = kind << 16 | i;
			a->line = 1000 + kind;
			for (unsigned int v = 0; v < kind % 7; v++)
				a->v[v] = UINT64_MAX - (uint64_t)v * i;
			for (unsigned int k = 0, end = kind % 5 * i; k < end; k++)
				answers_push(as, k << 24);
		}
	}
}

static void make_boot(struct boot_log *log)
{
	struct boot_input *in = &log->input;

	memset(log, 0, sizeof(*log));
	log->name = strdup("made");
	log->has_version = log->has_debug = true;
	log->guessed_era = "6.1";
	log->lines_known = 11;
	log->lines_unknown = 12;
	log->unknown_line = 13;
	log->unknown_column = 14;
	in->version = FACTS_VERSION(5, 10, 223);
	facts_init(&in->facts, in->version);
	in->facts.v[0] += 1;
	in->facts.v[FACT_COUNT - 1] = INT64_MIN;
	make_config(&in->config);
	in->version_text = text_of(log, "5.10.0-32-armmp-lpae");
	in->command_line = text_of(log, "");
	make_lists(in);
	make_tree(in);
	make_steps(log);
	in->numa_source = in->five_level = in->big_locks = true;
	in->kasan = true;
	in->nr_cpu_ids = 8;
	in->online_cpus = 4;
	in->kernel_start = 0x200000;
	in->kernel_end = 0x300000;
	in->ramdisk_start = 0x400000;
	in->ramdisk_end = 0x500000;
	in->sections = (struct boot_sections){ 1, 0, 3, UINT64_MAX, 5 };
	in->given_max_low_pfn = 0x38000;
	in->given_bucket_bytes[1] = 16;
	in->given_bucket_bytes[15] = 32;
	in->given_total_kb = 1000;
	in->given_reserved_kb = 100;
	in->tables_listed = in->distances_told = true;
	in->nr_node_ids = 4;
	in->given_cma_kb = 65536;
	in->given_total_pages = 515804;
	in->given_zones = 1U << ZONE_DMA | 1U << ZONE_NORMAL;
	in->given_zone_start[ZONE_DMA] = 0x1000;
	in->given_zone_end[ZONE_DMA] = 0x1000000;
	in->given_zone_start[ZONE_NORMAL] = 0x1000000;
	in->given_zone_end[ZONE_NORMAL] = 0x7ffdc000;
	in->fitted_page_struct = in->fitted_section = in->range_assumed = true;
	in->reservations_told = true;
	in->has_given_dma_reserve = true;
	make_answers(&log->recorded);
	boot_log_note(log, 5, 6, "two lines contradict each other");
	boot_log_note(log, 7, 0, "");
}

/* ---- files ---- */

static void store(const struct boot_log *log, struct sink_text *ret)
{
	struct mmtrace_writer *w;

	check_ok(mmtrace_writer_create(sink_to_text(ret), &w));
	check_ok(boot_store_write(log, "here/made", w));
	check_ok(mmtrace_write_end(w));
	mmtrace_writer_destroy(w);
}

static void check_round_trip(const struct boot_log *log)
{
	struct sink_text file = { 0 }, again = { 0 };
	struct boot_log copy = { 0 };

	store(log, &file);
	check_ok(boot_store_read_bytes(file.data, file.len, "file", &copy));
	check_same_boot(log, &copy);
	assert_string_equal(copy.name, "file");
	store(&copy, &again);
	assert_int_equal(file.len, again.len);
	assert_memory_equal(file.data, again.data, file.len);
	boot_log_deinit(&copy);
	sink_text_deinit(&file);
	sink_text_deinit(&again);
}

static void test_every_field(void **state)
{
	struct boot_log log;

	(void)state;
	make_boot(&log);
	check_round_trip(&log);
	boot_log_deinit(&log);
}

/* A log that told nothing: all that may be absent is. */
static void test_no_field(void **state)
{
	struct boot_log log = { 0 };

	(void)state;
	log.input.sections = (struct boot_sections){ UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX,
						     UINT64_MAX };
	arch_config_default(ARCH_OTHER, false, &log.input.config);
	boot_log_settle(&log, 0);
	check_round_trip(&log);
	boot_log_deinit(&log);
}

/* More steps and answers than a block takes. */
static void add_many(struct boot_log *log)
{
	struct prng prng = prng_init(1);

	for (unsigned int i = 0; i < 10000; i++) {
		struct boot_step *s = boot_log_add_step(log, STEP_RESERVE, i);

		assert_non_null(s);
		s->base = prng_next(&prng);
		s->size = i;
	}
	for (unsigned int i = 0; i < 20000; i++) {
		struct answer *a =
			answers_add(&log->recorded, i % 3 ? ANSWER_PLACEMENT : ANSWER_DUMP_COUNT);

		a->v[5] = prng_next(&prng);
		for (unsigned int k = 0; k < i % 4; k++)
			answers_push(&log->recorded, i);
	}
	assert_false(log->recorded.out_of_memory);
}

static void test_several_parts(void **state)
{
	struct boot_log log;

	(void)state;
	make_boot(&log);
	add_many(&log);
	check_round_trip(&log);
	boot_log_deinit(&log);
}

/* Where each block of @file begins; the last: where the trailer does. */
static unsigned int find_blocks(const struct sink_text *file, size_t start[32])
{
	struct mmtrace_reader *r;
	struct mmtrace_block b;
	unsigned int count = 0;

	check_ok(mmtrace_reader_create_bytes(file->data, file->len, "file", &r));
	while (mmtrace_next(r, &b)) {
		assert_null(b.error);
		assert_true(count < 31);
		start[count++] = (size_t)b.offset;
	}
	assert_true(mmtrace_summary(r).complete);
	mmtrace_reader_destroy(r);
	start[count] = file->len - 16;
	return count;
}

/* The boot needs all but the notes and the index, and says which block it lacks. */
static void test_a_block_is_missing(void **state)
{
	struct sink_text file = { 0 };
	unsigned int count;
	struct boot_log log;
	size_t start[32];
	char *copy;

	(void)state;
	make_boot(&log);
	add_many(&log);
	store(&log, &file);
	count = find_blocks(&file, start);
	assert_int_equal(count, 1 + 3 + 3 + 1 + 1);
	copy = malloc(file.len);
	assert_non_null(copy);
	for (unsigned int i = 0; i < count; i++) {
		size_t gap = start[i + 1] - start[i];
		struct boot_log again = { 0 };
		struct error *err;

		memcpy(copy, file.data, start[i]);
		memcpy(copy + start[i], file.data + start[i + 1], file.len - start[i + 1]);
		err = boot_store_read_bytes(copy, file.len - gap, "file", &again);
		if (i < count - 2) {
			assert_non_null(err);
			assert_int_equal(err->block, i);
			check_error(err, ERROR_CORRUPT, 0, 0);
		} else {
			check_ok(err);
			check_same_input(&log.input, &again.input);
			check_same_answers(&log.recorded, &again.recorded);
			assert_int_equal(again.note_count, i == count - 1 ? 3 : 1);
			assert_non_null(
				strstr(again.notes[again.note_count - 1].what, "file: block"));
		}
		boot_log_deinit(&again);
	}
	free(copy);
	sink_text_deinit(&file);
	boot_log_deinit(&log);
}

/* Either the boot is right, or the block is named. */
static void test_every_byte_changed(void **state)
{
	struct sink_text file = { 0 };
	struct boot_log log;
	unsigned int count;
	size_t start[32];

	(void)state;
	make_boot(&log);
	store(&log, &file);
	count = find_blocks(&file, start);
	for (size_t at = 0; at < file.len; at++) {
		struct boot_log again = { 0 };
		struct error *err;
		unsigned int hit = 0;

		while (hit < count && at >= start[hit + 1])
			hit++;
		file.data[at] ^= 0x55;
		err = boot_store_read_bytes(file.data, file.len, "file", &again);
		file.data[at] ^= 0x55;
		if (at < start[0]) {
			assert_non_null(err);
		} else if (hit < count - 2) {
			assert_non_null(err);
			assert_int_equal(err->block, hit);
		} else {
			check_ok(err);
			check_same_input(&log.input, &again.input);
			check_same_answers(&log.recorded, &again.recorded);
			assert_true(again.note_count > 0);
		}
		error_destroy(err);
		boot_log_deinit(&again);
	}
	sink_text_deinit(&file);
	boot_log_deinit(&log);
}

static void test_every_truncation(void **state)
{
	struct sink_text file = { 0 };
	struct boot_log log;
	unsigned int count;
	size_t start[32];

	(void)state;
	make_boot(&log);
	store(&log, &file);
	count = find_blocks(&file, start);
	for (size_t len = 0; len < file.len; len++) {
		struct boot_log again = { 0 };
		struct error *err = boot_store_read_bytes(file.data, len, "file", &again);

		assert_int_equal(!err, len >= start[count - 2]);
		if (err && len >= start[0])
			assert_true(err->block >= 0 && start[err->block] <= len &&
				    len < start[err->block + 1]);
		error_destroy(err);
		boot_log_deinit(&again);
	}
	sink_text_deinit(&file);
	boot_log_deinit(&log);
}

static void read_any(const uint8_t *data, size_t len)
{
	struct boot_log log = { 0 };

	error_destroy(boot_store_read_bytes(data, len, "file", &log));
	boot_log_deinit(&log);
}

static void test_any_damage(void **state)
{
	struct sink_text file = { 0 };
	struct boot_log log;

	(void)state;
	make_boot(&log);
	store(&log, &file);
	robust_damage(read_any, file.data, file.len, 1, 5000);
	sink_text_deinit(&file);
	boot_log_deinit(&log);
}

/* ---- blocks with right hashes and wrong contents ---- */

static struct error *read_header_and(const char *header, enum mmtrace_type type, unsigned int flags,
				     uint32_t items, const char *text)
{
	static const struct {
		enum mmtrace_type type;
		const char *text;
	} rest[] = { { MMTRACE_BOOT_INPUT, "" }, { MMTRACE_ANSWERS, "" } };
	const ProtobufCMessageDescriptor *d = mmtrace_message(type);
	struct sink_text file = { 0 };
	ProtobufCMessage *m = NULL;
	struct boot_log log = { 0 };
	struct mmtrace_writer *w;
	struct error *err;

	check_ok(mmtrace_writer_create(sink_to_text(&file), &w));
	if (header) {
		check_ok(message_text_read(&mmtrace__header__descriptor, header, strlen(header),
					   NULL, &m));
		check_ok(mmtrace_write(w, MMTRACE_HEADER, 0, 1, m));
		protobuf_c_message_free_unpacked(m, NULL);
	}
	check_ok(message_text_read(d ? d : &mmtrace__notes__descriptor, text, strlen(text), NULL,
				   &m));
	check_ok(mmtrace_write(w, type, flags, items, m));
	protobuf_c_message_free_unpacked(m, NULL);
	for (int i = 0; i < 2; i++) {
		if (rest[i].type == type)
			continue;
		check_ok(message_text_read(mmtrace_message(rest[i].type), "", 0, NULL, &m));
		check_ok(mmtrace_write(w, rest[i].type, 0, 0, m));
		protobuf_c_message_free_unpacked(m, NULL);
	}
	check_ok(mmtrace_write_end(w));
	mmtrace_writer_destroy(w);
	err = boot_store_read_bytes(file.data, file.len, "file", &log);
	boot_log_deinit(&log);
	sink_text_deinit(&file);
	return err;
}

static void expect(struct error *err, enum error_code code, int64_t block, const char *what)
{
	if (!err)
		fail_msg("accepted: %s", what);
	if (err->code != code || err->block != block)
		fail_msg("%s: code %d at block %d: %s", what, (int)err->code, (int)err->block,
			 err->message);
	error_destroy(err);
}

static void test_refuses_contents(void **state)
{
	static const struct {
		enum mmtrace_type type;
		uint32_t items;
		enum error_code code;
		const char *text;
	} cases[] = {
		{ MMTRACE_BOOT_INPUT, 1, ERROR_RANGE, "" },
		{ MMTRACE_BOOT_INPUT, 0, ERROR_RANGE, "step { kind: ADD }" },
		{ MMTRACE_BOOT_INPUT, 1, ERROR_UNSUPPORTED, "step { kind: 99 }" },
		{ MMTRACE_BOOT_INPUT, 1, ERROR_UNSUPPORTED, "step { kind: ADD call: 9 }" },
		{ MMTRACE_BOOT_INPUT, 1, ERROR_RANGE, "step { kind: ADD name: \"a\\000b\" }" },
		{ MMTRACE_BOOT_INPUT, 0, ERROR_RANGE, "distance_count: 1 distance: [256]" },
		{ MMTRACE_BOOT_INPUT, 0, ERROR_UNSUPPORTED,
		  "given_bucket_bytes: [1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,"
		  "23,24,25,26,27,28,29,30,31,32,33]" },
		{ MMTRACE_ANSWERS, 1, ERROR_RANGE, "" },
		{ MMTRACE_ANSWERS, 2, ERROR_RANGE, "run { kind: \"HASH\" count: 2 nid: [1] }" },
		{ MMTRACE_ANSWERS, 1, ERROR_RANGE, "run { kind: \"HASH\" count: 1 type: [1, 2] }" },
		{ MMTRACE_ANSWERS, 1, ERROR_RANGE,
		  "run { kind: \"HASH\" count: 1 index: [1, 2] }" },
		{ MMTRACE_ANSWERS, 1, ERROR_RANGE, "run { kind: \"HASH\" count: 1 line: [1, 2] }" },
		{ MMTRACE_ANSWERS, 1, ERROR_RANGE, "run { kind: \"HASH\" count: 1 value: [1] }" },
		{ MMTRACE_ANSWERS, 1, ERROR_RANGE,
		  "run { kind: \"HASH\" count: 1 values_per_answer: 2 value: [1] }" },
		{ MMTRACE_ANSWERS, 1, ERROR_UNSUPPORTED,
		  "run { kind: \"HASH\" count: 1 values_per_answer: 7 value: [1,2,3,4,5,6,7] }" },
		{ MMTRACE_ANSWERS, 1, ERROR_RANGE,
		  "run { kind: \"HASH\" count: 1 list_count: [2] list: [1] }" },
		{ MMTRACE_ANSWERS, 1, ERROR_RANGE, "run { kind: \"HASH\" count: 1 list: [1] }" },
		{ MMTRACE_ANSWERS, 0xffffffff, ERROR_LIMIT,
		  "run { kind: \"HASH\" count: 4294967295 }" },
		{ MMTRACE_NOTES, 1, ERROR_RANGE, "note { text: \"\\000\" }" },
		{ MMTRACE_HEADER, 1, ERROR_RANGE, "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		expect(read_header_and("", cases[i].type, 0, cases[i].items, cases[i].text),
		       cases[i].code, 1, cases[i].text);
}

static void test_refuses_kernels(void **state)
{
	static const struct {
		enum error_code code;
		const char *text;
	} cases[] = {
		{ ERROR_RANGE, "kernel { version_major: 256 }" },
		{ ERROR_RANGE, "kernel { version_major: 6 version_minor: 256 }" },
		{ ERROR_RANGE, "kernel { version_major: 6 version_patch: 65536 }" },
		{ ERROR_RANGE, "kernel { version_text: \"\\000\" }" },
		{ ERROR_UNSUPPORTED, "kernel { fact { name: \"no such fact\" } }" },
		{ ERROR_UNSUPPORTED, "kernel { fact { } }" },
		{ ERROR_UNSUPPORTED, "kernel { config { arch: 9 } }" },
		{ ERROR_RANGE, "kernel { config { zone: 6 } }" },
		{ ERROR_RANGE, "kernel { config { zone: -1 } }" },
		{ ERROR_RANGE, "kernel { config { phys_bits: 0 } }" },
		{ ERROR_RANGE, "kernel { config { page_shift: 9 } }" },
		{ ERROR_RANGE, "kernel { config { page_shift: 21 } }" },
		{ ERROR_RANGE, "kernel { config { max_order: 31 } }" },
		{ ERROR_RANGE, "kernel { config { pageblock_order: 31 } }" },
		{ ERROR_RANGE, "kernel { config { section_shift: 11 } }" },
		{ ERROR_RANGE, "kernel { config { section_shift: 49 } }" },
		{ ERROR_RANGE, "kernel { config { page_struct_bytes: 4097 } }" },
		{ ERROR_RANGE, "kernel { config { pointer_bytes: 5 } }" },
		{ ERROR_RANGE, "kernel { config { nodes_shift: 11 } }" },
	};

	(void)state;
	check_ok(read_header_and("", MMTRACE_NOTES, 0, 0, ""));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		expect(read_header_and(cases[i].text, MMTRACE_NOTES, 0, 0, ""), cases[i].code, 0,
		       cases[i].text);
}

static void test_one_tree(void **state)
{
	(void)state;
	check_ok(read_header_and("", MMTRACE_BOOT_INPUT, 0, 0, "tree { }"));
	check_ok(read_header_and("", MMTRACE_BOOT_INPUT, 0, 0, "tree { reserved { } }"));
}

static void test_parts_and_types(void **state)
{
	enum mmtrace_type unknown = (enum mmtrace_type)30;

	(void)state;
	expect(read_header_and(NULL, MMTRACE_NOTES, 0, 0, ""), ERROR_CORRUPT, -1, "no header");
	check_ok(read_header_and("", MMTRACE_BOOT_INPUT, 0, 0, "part: 0 part_count: 1"));
	expect(read_header_and("", MMTRACE_BOOT_INPUT, 0, 0, "part: 1"), ERROR_CORRUPT, -1,
	       "part 1");
	expect(read_header_and("", MMTRACE_BOOT_INPUT, 0, 0, "part_count: 2"), ERROR_CORRUPT, -1,
	       "one of two");
	expect(read_header_and("", MMTRACE_BOOT_INPUT, 0, 0, "part_count: 0"), ERROR_CORRUPT, -1,
	       "one of none");
	expect(read_header_and("", MMTRACE_ANSWERS, 0, 0, "part: 1 part_count: 2"), ERROR_CORRUPT,
	       -1, "the second alone");
	/* A table of distances can be judged only when all parts are there. */
	expect(read_header_and("", MMTRACE_BOOT_INPUT, 0, 0, "distance_count: 2 distance: [10]"),
	       ERROR_RANGE, -1, "one distance of four");
	expect(read_header_and("", MMTRACE_BOOT_INPUT, 0, 0, "distance: [10]"), ERROR_RANGE, -1,
	       "a distance of none");
	expect(read_header_and("", MMTRACE_BOOT_INPUT, 0, 0, "distance_count: 65536"), ERROR_RANGE,
	       -1, "more nodes than there are");
	/* Later types: passed over, unless they say that they are essential. */
	check_ok(read_header_and("", unknown, 0, 5, ""));
	expect(read_header_and("", unknown, MMTRACE_ESSENTIAL, 5, ""), ERROR_UNSUPPORTED, 1,
	       "an essential block of type 30");
	/* Later kinds of answers: a note. */
	check_ok(read_header_and("", MMTRACE_ANSWERS, 0, 1, "run { kind: \"LATER\" count: 1 }"));
}

static void write_text(struct mmtrace_writer *w, enum mmtrace_type type, uint32_t items,
		       const char *text)
{
	ProtobufCMessage *m = NULL;

	check_ok(message_text_read(mmtrace_message(type), text, strlen(text), NULL, &m));
	check_ok(mmtrace_write(w, type, MMTRACE_ESSENTIAL, items, m));
	protobuf_c_message_free_unpacked(m, NULL);
}

/* Parts have an order of their own, whatever the numbers of their blocks. */
static void test_order_of_parts(void **state)
{
	static const struct {
		const char *parts[3];
		bool good;
	} cases[] = {
		{ { "part: 0 part_count: 2", "part: 1 part_count: 2" }, true },
		{ { "part: 1 part_count: 2", "part: 0 part_count: 2" }, false },
		{ { "part: 0 part_count: 2", "part: 0 part_count: 2" }, false },
		{ { "part: 0 part_count: 2", "part: 1 part_count: 3" }, false },
		{ { "part: 0 part_count: 1", "part: 1 part_count: 1" }, false },
		{ { "part: 0 part_count: 2 tree {}", "part: 1 part_count: 2 tree {}" }, false },
		{ { "part: 0 part_count: 2", "part: 1 part_count: 2 tree {}" }, true },
		{ { "part: 0 part_count: 2", "part: 1 part_count: 2", "part: 1 part_count: 2" },
		  false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sink_text file = { 0 };
		struct boot_log log = { 0 };
		struct mmtrace_writer *w;
		struct error *err;

		check_ok(mmtrace_writer_create(sink_to_text(&file), &w));
		write_text(w, MMTRACE_HEADER, 1, "");
		for (int k = 0; k < 3 && cases[i].parts[k]; k++)
			write_text(w, MMTRACE_BOOT_INPUT, 0, cases[i].parts[k]);
		write_text(w, MMTRACE_ANSWERS, 0, "");
		check_ok(mmtrace_write_end(w));
		mmtrace_writer_destroy(w);
		err = boot_store_read_bytes(file.data, file.len, "file", &log);
		if (!err != cases[i].good)
			fail_msg("case %zu", i);
		error_destroy(err);
		boot_log_deinit(&log);
		sink_text_deinit(&file);
	}
}

/* ---- one message ---- */

static void test_input_as_one_message(void **state)
{
	struct arena arena = arena_init((size_t)1 << 24);
	struct sink_text text = { 0 };
	struct sink sink = sink_to_text(&text);
	struct boot_log log, copy = { 0 };
	Mmtrace__BootInput *input;
	ProtobufCMessage *m = NULL;

	(void)state;
	make_boot(&log);
	input = boot_store_input(&log, &arena);
	assert_non_null(input);
	message_text_write(&input->base, 0, &sink);
	check_ok(
		message_text_read(&mmtrace__boot_input__descriptor, text.data, text.len, NULL, &m));
	check_ok(boot_store_take_input((const Mmtrace__BootInput *)m, "text", &copy));
	check_same_input(&log.input, &copy.input);
	assert_true(copy.has_version);
	protobuf_c_message_free_unpacked(m, NULL);
	boot_log_deinit(&copy);
	boot_log_deinit(&log);
	sink_text_deinit(&text);
	arena_deinit(&arena);
}

static void test_input_of_nothing(void **state)
{
	Mmtrace__BootInput input = MMTRACE__BOOT_INPUT__INIT;
	struct arch_config usual;
	struct boot_log log = { 0 };

	(void)state;
	check_ok(boot_store_take_input(&input, "nothing", &log));
	arch_config_default(ARCH_X86_64, false, &usual);
	arch_config_apply_facts(&usual, &log.input.facts);
	assert_memory_equal(&usual, &log.input.config, sizeof(usual));
	assert_int_equal(log.input.version >> 16, 6 << 8 | 12);
	assert_int_equal(log.input.sections.code_kb, UINT64_MAX);
	assert_false(log.has_version);
	boot_log_deinit(&log);
}

/* ---- numbers that are stored as they are ---- */

/* Answers hold numbers of these lists, so the lists of record.proto have to follow ours. */
static void test_numbers_in_answers(void **state)
{
	static const char *const tables[] = {
#define HASH_TABLE(id, name, group, b64, b32, entries, scale, low, high) #id,
#include "engine/hash_table.def"
#undef HASH_TABLE
	};
	static const struct {
		enum zone_field ours;
		Mmtrace__AnswerRun__ZoneField stored;
	} fields[] = {
#define FIELD(name) { ZONE_FIELD_##name, MMTRACE__ANSWER_RUN__ZONE_FIELD__##name }
		FIELD(SPANNED),	     FIELD(PRESENT),
		FIELD(MANAGED),	     FIELD(CMA),
		FIELD(MIN),	     FIELD(LOW),
		FIELD(HIGH),	     FIELD(PROMO),
		FIELD(START_PFN),    FIELD(PCP_HIGH),
		FIELD(PCP_BATCH),    FIELD(PCP_HIGH_MIN),
		FIELD(PCP_HIGH_MAX), FIELD(STAT_THRESHOLD),
#undef FIELD
	};

	(void)state;
	assert_int_equal(sizeof(tables) / sizeof(tables[0]),
			 mmtrace__answer_run__hash_table__descriptor.n_values);
	for (unsigned int i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		const ProtobufCEnumValue *value = protobuf_c_enum_descriptor_get_value_by_name(
			&mmtrace__answer_run__hash_table__descriptor, tables[i]);

		if (!value || value->value != (int)i)
			fail_msg("HashTable of record.proto does not have %s = %u", tables[i], i);
	}
	assert_int_equal(sizeof(fields) / sizeof(fields[0]), ZONE_FIELD_COUNT);
	for (unsigned int i = 0; i < ZONE_FIELD_COUNT; i++)
		assert_int_equal(fields[i].ours, fields[i].stored);
	for (unsigned int i = 0; i < ZONE_TYPE_COUNT; i++) {
		const ProtobufCEnumValue *value = protobuf_c_enum_descriptor_get_value(
			&mmtrace__config__zone__descriptor, (int)i);
		const char *name = zone_type_name((enum zone_type)i);

		assert_non_null(value);
		for (unsigned int c = 0; name[c]; c++)
			assert_int_equal(name[c] & ~0x20, value->name[c] & ~0x20);
	}
}

/* ---- files that exist ---- */

#define STORED "traces/testdata/store/every-field"

/* The messages of a file in their order, as text. */
static void print_messages(const char *data, size_t len, struct sink_text *ret)
{
	struct sink sink = sink_to_text(ret);
	const ProtobufCMessage *m;
	struct mmtrace_reader *r;
	struct mmtrace_block b;

	check_ok(mmtrace_reader_create_bytes(data, len, "file", &r));
	while (mmtrace_next(r, &b)) {
		assert_null(b.error);
		check_ok(mmtrace_unpack(r, mmtrace_message(b.type), &m));
		sink_printf(&sink, "# %s\n", mmtrace_type_name(b.type));
		message_text_write(m, 0, &sink);
	}
	assert_true(mmtrace_summary(r).complete);
	mmtrace_reader_destroy(r);
}

/*
 * A file of the first days stays readable on every machine.  It was made by `boot_store_test --write`
 * and is not made anew: when this fails, files that people keep cannot be read any more.
 */
static void test_stored_file(void **state)
{
	struct boot_log log = { 0 };
	struct sink_text text = { 0 };
	size_t len, expected_len;
	char *data = check_read(STORED ".mmtrace", &len);
	char *expected = check_read(STORED ".txt", &expected_len);

	(void)state;
	print_messages(data, len, &text);
	assert_string_equal(sink_text_string(&text), expected);
	check_ok(boot_store_read_bytes(data, len, "file", &log));
	assert_int_equal(log.input.step_count, 40);
	assert_int_equal(log.input.config.arch, ARCH_ARM);
	assert_string_equal(log.input.version_text, "5.10.0-32-armmp-lpae");
	assert_string_equal(log.input.steps[1].name, "\x01\xff odd \"name\"");
	assert_int_equal(log.input.steps[3].flags, STEP_SIZE_GIVEN | 1);
	assert_int_equal(log.input.firmware[1].end, UINT64_MAX);
	assert_memory_equal(log.input.distance, "\x0a\xff\x14\x0a", 4);
	assert_int_equal(log.note_count, 2);
	free(data);
	free(expected);
	sink_text_deinit(&text);
	boot_log_deinit(&log);
}

static void write_to(const char *path, const struct sink_text *text)
{
	FILE *f = fopen(path, "wb");

	if (!f || fwrite(text->data, 1, text->len, f) != text->len || fclose(f))
		perror(path);
}

static int write_stored_file(void)
{
	struct sink_text file = { 0 }, text = { 0 };
	struct boot_log log;

	make_boot(&log);
	facts_init(&log.input.facts, log.input.version);
	store(&log, &file);
	print_messages(file.data, file.len, &text);
	write_to(STORED ".mmtrace", &file);
	write_to(STORED ".txt", &text);
	sink_text_deinit(&file);
	sink_text_deinit(&text);
	boot_log_deinit(&log);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_field),
		cmocka_unit_test(test_no_field),
		cmocka_unit_test(test_several_parts),
		cmocka_unit_test(test_a_block_is_missing),
		cmocka_unit_test(test_every_byte_changed),
		cmocka_unit_test(test_every_truncation),
		cmocka_unit_test(test_any_damage),
		cmocka_unit_test(test_refuses_contents),
		cmocka_unit_test(test_refuses_kernels),
		cmocka_unit_test(test_one_tree),
		cmocka_unit_test(test_parts_and_types),
		cmocka_unit_test(test_order_of_parts),
		cmocka_unit_test(test_input_as_one_message),
		cmocka_unit_test(test_input_of_nothing),
		cmocka_unit_test(test_numbers_in_answers),
		cmocka_unit_test(test_stored_file),
	};

	if (argc == 2 && !strcmp(argv[1], "--write"))
		return write_stored_file();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
