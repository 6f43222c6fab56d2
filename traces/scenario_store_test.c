/* SPDX-License-Identifier: MIT */
#include "traces/scenario_store.h"

#include <stdlib.h>
#include <string.h>

#include "engine/sink.h"
#include "traces/testing/check.h"
#include "traces/testing/same_boot.h"

/* Two operations more than parts begin to be cut at. */
#define MANY 8194

/* A boot of one firmware entry. */
static void make_log(struct boot_log *log)
{
	*log = (struct boot_log){ 0 };
	log->input.version = FACTS_VERSION(6, 1, 0);
	facts_init(&log->input.facts, log->input.version);
	arch_config_default(ARCH_X86_64, false, &log->input.config);
	arch_config_apply_facts(&log->input.config, &log->input.facts);
	log->input.sections = (struct boot_sections){ UINT64_MAX, UINT64_MAX, UINT64_MAX,
						      UINT64_MAX, UINT64_MAX };
	log->input.firmware = calloc(1, sizeof(*log->input.firmware));
	assert_non_null(log->input.firmware);
	log->input.firmware[0] = (struct e820_entry){ 0x1000, 0x8000000, E820_RAM };
	log->input.firmware_count = 1;
	log->input.reservations_told = true;
}

/* Operation number @i, no two alike in what is larger than a byte. */
static struct operation make_operation(uint32_t i)
{
	return (struct operation){ .kind = (enum operation_kind)(i % OPERATION_COUNT),
				   .cpu = i % 7,
				   .nid = (int32_t)(i % 5) - 1,
				   .order = i % 11,
				   .type = (enum migratetype)(i % MIGRATE_TYPE_COUNT),
				   .highest = (enum zone_type)(i % ZONE_TYPE_COUNT),
				   .flags = i % 3 ? 1u << i % 17 : 0,
				   .target = i / 2,
				   .pfn = (uint64_t)i << 33,
				   .pages = i % 4 ? UINT64_MAX - i : 0,
				   .value = (int64_t)i - 9 };
}

static void check_operation(const struct operation *op, uint32_t i)
{
	struct operation want = make_operation(i);

	assert_int_equal(op->kind, want.kind);
	assert_int_equal(op->cpu, want.cpu);
	assert_int_equal(op->nid, want.nid);
	assert_int_equal(op->order, want.order);
	assert_int_equal(op->type, want.type);
	assert_int_equal(op->highest, want.highest);
	assert_int_equal(op->flags, want.flags);
	assert_int_equal(op->target, want.target);
	assert_int_equal(op->pfn, want.pfn);
	assert_int_equal(op->pages, want.pages);
	assert_int_equal(op->value, want.value);
}

static void write_file(const struct boot_log *log, uint32_t count, struct sink_text *ret)
{
	struct operation *operations = calloc(count + 1, sizeof(*operations));
	struct mmtrace_writer *w;

	assert_non_null(operations);
	for (uint32_t i = 0; i < count; i++)
		operations[i] = make_operation(i);
	check_ok(mmtrace_writer_create(sink_to_text(ret), &w));
	check_ok(scenario_store_write(log, operations, count, "made/up", w));
	check_ok(mmtrace_write_end(w));
	mmtrace_writer_destroy(w);
	assert_false(ret->out_of_memory);
	free(operations);
}

/* What is written is read: no operation, a few, and more than a block has. */
static void test_there_and_back(void **state)
{
	static const uint32_t counts[] = { 0, 1, 30, MANY };
	struct mmtrace_unpacker *unpacker = mmtrace_unpacker_create();
	struct boot_log log;

	(void)state;
	assert_non_null(unpacker);
	make_log(&log);
	for (size_t k = 0; k < sizeof(counts) / sizeof(*counts); k++) {
		struct stored_scenario s = { 0 };
		struct sink_text file = { 0 };

		write_file(&log, counts[k], &file);
		check_ok(scenario_store_read_bytes(file.data, file.len, "file",
						   k % 2 ? unpacker : NULL, &s));
		check_same_input(&log.input, &s.log.input);
		assert_int_equal(s.operation_count, counts[k]);
		for (uint32_t i = 0; i < counts[k]; i++)
			check_operation(&s.operations[i], i);
		stored_scenario_deinit(&s);
		sink_text_deinit(&file);
	}
	mmtrace_unpacker_destroy(unpacker);
	boot_log_deinit(&log);
}

/* As one message, into the same struct again and again, and another one between. */
static void test_message(void **state)
{
	static const Mmtrace__Scenario nothing = MMTRACE__SCENARIO__INIT;
	struct arena arena = arena_init((size_t)1 << 20);
	struct stored_scenario s = { 0 };
	struct operation operations[30];
	const Mmtrace__Scenario *m;
	struct boot_log log;

	(void)state;
	make_log(&log);
	for (uint32_t i = 0; i < 30; i++)
		operations[i] = make_operation(i);
	m = scenario_store_message(&log, operations, 30, &arena);
	assert_non_null(m);
	for (int round = 0; round < 3; round++) {
		check_ok(scenario_store_take(m, "message", &s));
		check_same_input(&log.input, &s.log.input);
		assert_int_equal(s.operation_count, 30);
		for (uint32_t i = 0; i < 30; i++)
			check_operation(&s.operations[i], i);
		stored_scenario_clear(&s);
		check_ok(scenario_store_take(&nothing, "message", &s));
		assert_int_equal(s.operation_count, 0);
		assert_int_equal(s.log.input.firmware_count, 0);
		assert_false(s.log.input.reservations_told);
		assert_int_equal(s.log.input.version >> 16, 6 << 8 | 12);
		stored_scenario_clear(&s);
	}
	stored_scenario_deinit(&s);
	boot_log_deinit(&log);
	arena_deinit(&arena);
}

/* Kinds that are not known, and files that have no operations or not all of them. */
static void test_refuses(void **state)
{
	Mmtrace__Operation op = MMTRACE__OPERATION__INIT, *ops[] = { &op };
	Mmtrace__Operations part = MMTRACE__OPERATIONS__INIT;
	struct operation unused;
	struct boot_log log;

	(void)state;
	check_error(scenario_store_take_operation(&op, &unused), ERROR_UNSUPPORTED, 0, 0);
	op.has_kind = 1;
	op.kind = (Mmtrace__Operation__Kind)4711;
	check_error(scenario_store_take_operation(&op, &unused), ERROR_UNSUPPORTED, 0, 0);
	op.kind = MMTRACE__OPERATION__KIND__FREE;
	make_log(&log);
	part.operation = ops;
	part.n_operation = 1;
	part.has_part_count = part.has_part = 1;
	part.part_count = 2;
	/* No operations; a second part that never comes; one that comes first; a wrong count of items. */
	for (uint32_t k = 0; k < 4; k++) {
		static const enum error_code codes[] = { ERROR_FORMAT, ERROR_CORRUPT, ERROR_CORRUPT,
							 ERROR_RANGE };
		struct stored_scenario s = { 0 };
		struct sink_text file = { 0 };
		struct mmtrace_writer *w;

		check_ok(mmtrace_writer_create(sink_to_text(&file), &w));
		check_ok(boot_store_write(&log, "name", w));
		part.part = k == 2;
		if (k)
			check_ok(mmtrace_write(w, MMTRACE_OPERATIONS, 0, k == 3 ? 2 : 1,
					       &part.base));
		check_ok(mmtrace_write_end(w));
		mmtrace_writer_destroy(w);
		check_error(scenario_store_read_bytes(file.data, file.len, "file", NULL, &s),
			    codes[k], 0, 0);
		stored_scenario_deinit(&s);
		sink_text_deinit(&file);
	}
	boot_log_deinit(&log);
}

/* As people write it, with its place when it is wrong. */
static void test_text(void **state)
{
	static const char good[] = SCENARIO_STORE_TEXT
		"input { firmware { start: 0x1000 end: 0x8000000 type: 1 } reservations_told: true }\n"
		"operation { kind: ALLOC order: 3 highest_zone: NORMAL }\n"
		"operation { kind: FREE target: 0 }\n";
	static const char bad[] = SCENARIO_STORE_TEXT "operation {\n  kind: EAT\n}\n";
	struct stored_scenario s = { 0 };

	(void)state;
	assert_true(scenario_store_is_text(good, strlen(good)));
	assert_false(scenario_store_is_text(good, 5));
	check_ok(scenario_store_read_bytes(good, strlen(good), "text", NULL, &s));
	assert_true(s.log.input.reservations_told);
	assert_int_equal(s.log.input.firmware[0].end, 0x8000000);
	assert_int_equal(s.operation_count, 2);
	assert_int_equal(s.operations[0].order, 3);
	assert_int_equal(s.operations[0].highest, ZONE_NORMAL);
	assert_int_equal(s.operations[1].kind, OPERATION_FREE);
	stored_scenario_deinit(&s);
	check_error(scenario_store_read_bytes(bad, strlen(bad), "text", NULL, &s), ERROR_RANGE, 3,
		    9);
	stored_scenario_deinit(&s);
}

/* The same is the same, and one operation that is another one is found. */
static void test_same(void **state)
{
	struct operation operations[2][3];
	struct stored_scenario s[2] = { 0 };
	struct findings findings = { 0 };
	struct arena arena = arena_init(1 << 20);

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		make_log(&s[i].log);
		for (uint32_t k = 0; k < 3; k++)
			operations[i][k] = make_operation(k);
		s[i].operations = operations[i];
		s[i].operation_count = 3;
	}
	findings_clear(&findings);
	assert_true(scenario_store_check_same(&s[0], &s[1], &arena, &findings));
	assert_int_equal(findings.total, 0);
	operations[1][2].value++;
	assert_true(scenario_store_check_same(&s[0], &s[1], &arena, &findings));
	assert_int_equal(findings.count[INVARIANT_STORED_SAME], 1);
	s[1].operation_count = 2;
	assert_true(scenario_store_check_same(&s[0], &s[1], &arena, &findings));
	assert_int_equal(findings.count[INVARIANT_STORED_SAME], 2);
	for (unsigned int i = 0; i < 2; i++) {
		s[i].operations = NULL;
		stored_scenario_deinit(&s[i]);
	}
	arena_deinit(&arena);
}

/* No byte can change unseen: what is read is refused or the same. */
static void test_damage(void **state)
{
	struct sink_text file = { 0 };
	struct boot_log log;

	(void)state;
	make_log(&log);
	write_file(&log, 5, &file);
	for (size_t i = 0; i < file.len; i++) {
		struct stored_scenario s = { 0 };
		struct error *err;

		file.data[i] = (char)(file.data[i] ^ 0x10);
		err = scenario_store_read_bytes(file.data, file.len, "file", NULL, &s);
		if (!err) {
			assert_int_equal(s.operation_count, 5);
			for (uint32_t k = 0; k < 5; k++)
				check_operation(&s.operations[k], k);
		}
		error_destroy(err);
		stored_scenario_deinit(&s);
		file.data[i] = (char)(file.data[i] ^ 0x10);
	}
	sink_text_deinit(&file);
	boot_log_deinit(&log);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_there_and_back), cmocka_unit_test(test_message),
		cmocka_unit_test(test_refuses),	       cmocka_unit_test(test_text),
		cmocka_unit_test(test_damage),	       cmocka_unit_test(test_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
