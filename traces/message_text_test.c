/* SPDX-License-Identifier: MIT */
#include "traces/message_text.h"

#include <stdlib.h>
#include <string.h>

#include "traces/arena.h"
#include "traces/record.pb-c.h"
#include "traces/testing/check.h"
#include "traces/testing/robust.h"

/* One of everything: the layout for people, and all that has to be escaped. */
static const char input_text[] =
	"part: 0\n"
	"kernel {\n"
	"  version_text: \"6.1.0 \\\"x\\\" \\\\ \\000\\011\\377\"\n"
	"  version_major: 6\n"
	"  fact { name: \"pcp_high_auto\" value: -1 }\n"
	"  fact { name: \"other\" value: -9223372036854775808 }\n"
	"  config {\n"
	"    arch: ARM64\n"
	"    zone: [DMA, NORMAL]\n"
	"    numa: true\n"
	"    pae: false\n"
	"  }\n"
	"}\n"
	"firmware { start: 0 end: 0x9fc00 type: 1 }\n"
	"firmware { }\n"
	"cpu_nid: [0, -1, 2147483647, -2147483648]\n"
	"distance: [10]\n"
	"step { kind: ADD base_addr: 9 size: 0xffffffffffffffff nid: -1 flags: 4294967295 }\n"
	"state {\n"
	"  memory { base_addr: 0xa }\n"
	"}\n"
	"sections { code_kb: 16384 }\n"
	"given_max_low_pfn: 0x100\n"
	"given_total_kb: 18446744073709551615\n";

static struct error *read_text(const ProtobufCMessageDescriptor *d, const char *text,
			       ProtobufCMessage **ret)
{
	return message_text_read(d, text, strlen(text), NULL, ret);
}

static void expect_text(const ProtobufCMessage *m, const char *expected)
{
	struct sink_text text = { 0 };
	struct sink sink = sink_to_text(&text);

	message_text_write(m, 0, &sink);
	assert_string_equal(sink_text_string(&text), expected);
	sink_text_deinit(&text);
}

static void test_reads_and_writes(void **state)
{
	ProtobufCMessage *m = NULL;
	const Mmtrace__BootInput *input;

	(void)state;
	check_ok(read_text(&mmtrace__boot_input__descriptor, input_text, &m));
	input = (const Mmtrace__BootInput *)m;
	assert_int_equal(input->kernel->version_text.len, 15);
	assert_memory_equal(input->kernel->version_text.data, "6.1.0 \"x\" \\ \0\t\377", 15);
	assert_int_equal(input->kernel->fact[1]->value, INT64_MIN);
	assert_int_equal(input->kernel->config->arch, MMTRACE__CONFIG__ARCH__ARM64);
	assert_int_equal(input->kernel->config->n_zone, 2);
	assert_true(input->kernel->config->has_pae);
	assert_false(input->kernel->config->has_cma);
	assert_int_equal(input->cpu_nid[3], INT32_MIN);
	assert_int_equal(input->step[0]->size, UINT64_MAX);
	assert_int_equal(input->given_total_kb, UINT64_MAX);
	expect_text(m, input_text);
	protobuf_c_message_free_unpacked(m, NULL);
}

/* What people and other tools write differently. */
static void test_other_ways_to_write_it(void **state)
{
	ProtobufCMessage *m = NULL;

	(void)state;
	check_ok(read_text(&mmtrace__boot_input__descriptor,
			   "# a comment\n"
			   " part:1,part_count:0X2;# another\r\n"
			   "cpu_nid: 1 cpu_nid: -0x1 cpu_nid: []\n"
			   "step: [{kind: ADD}, {kind:FREE name: 'a\"\\n\\7\\'' size_given: 1}]\n"
			   "state{}",
			   &m));
	expect_text(m, "part: 1\n"
		       "part_count: 2\n"
		       "cpu_nid: [1, -1]\n"
		       "step { kind: ADD }\n"
		       "step { kind: FREE name: \"a\\\"\\012\\007'\" size_given: true }\n"
		       "state {\n"
		       "}\n");
	protobuf_c_message_free_unpacked(m, NULL);
	check_ok(read_text(&mmtrace__boot_input__descriptor, "", &m));
	expect_text(m, "");
	protobuf_c_message_free_unpacked(m, NULL);
}

/* A value that no enum has a name for, as from a later version, is written as its number. */
static void test_unknown_enum_value(void **state)
{
	Mmtrace__Step step = MMTRACE__STEP__INIT;
	ProtobufCMessage *m = NULL;

	(void)state;
	step.has_kind = 1;
	step.kind = (Mmtrace__Step__Kind)99;
	expect_text(&step.base, "kind: 99\n");
	check_ok(read_text(&mmtrace__step__descriptor, "kind: 99", &m));
	expect_text(m, "kind: 99\n");
	protobuf_c_message_free_unpacked(m, NULL);
}

static void test_long_columns_are_broken(void **state)
{
	ProtobufCMessage *m = NULL;
	struct sink_text text = { 0 };
	struct sink sink = sink_to_text(&text);
	const char *line;

	(void)state;
	sink_puts(&sink, "cpu_nid: [0");
	for (int i = 1; i < 500; i++)
		sink_printf(&sink, ", %d", i);
	sink_puts(&sink, "]");
	check_ok(read_text(&mmtrace__boot_input__descriptor, text.data, &m));
	assert_int_equal(((const Mmtrace__BootInput *)m)->n_cpu_nid, 500);
	sink_text_clear(&text);
	message_text_write(m, 2, &sink);
	protobuf_c_message_free_unpacked(m, NULL);
	for (line = text.data; *line; line = strchr(line, '\n') + 1)
		assert_true(strcspn(line, "\n") <= 100);
	check_ok(read_text(&mmtrace__boot_input__descriptor, text.data, &m));
	assert_int_equal(((const Mmtrace__BootInput *)m)->cpu_nid[499], 499);
	protobuf_c_message_free_unpacked(m, NULL);
	sink_text_deinit(&text);
}

static void test_refuses(void **state)
{
	static const struct {
		const char *text;
		enum error_code code;
		uint32_t line, column;
	} cases[] = {
		{ "part", ERROR_SYNTAX, 1, 5 },
		{ "part 1", ERROR_SYNTAX, 1, 6 },
		{ "part:", ERROR_SYNTAX, 1, 6 },
		{ "part: x", ERROR_SYNTAX, 1, 7 },
		{ "part: 0x", ERROR_SYNTAX, 1, 7 },
		{ "part: -", ERROR_SYNTAX, 1, 7 },
		{ "part: 1.5", ERROR_SYNTAX, 1, 7 },
		{ "part: -1", ERROR_RANGE, 1, 7 },
		{ "part: 4294967296", ERROR_RANGE, 1, 7 },
		{ "kernel_end: 18446744073709551616", ERROR_SYNTAX, 1, 13 },
		{ "cpu_nid: 2147483648", ERROR_RANGE, 1, 10 },
		{ "cpu_nid: -2147483649", ERROR_RANGE, 1, 10 },
		{ "cpu_nid: [1 2]", ERROR_SYNTAX, 1, 13 },
		{ "cpu_nid: [1,", ERROR_SYNTAX, 1, 13 },
		{ "\n\n  parts: 1", ERROR_SYNTAX, 3, 3 },
		{ "step {", ERROR_SYNTAX, 1, 7 },
		{ "step { kind: ADDED }", ERROR_RANGE, 1, 14 },
		{ "step { kind: 2147483648 }", ERROR_RANGE, 1, 14 },
		{ "step { size_given: yes }", ERROR_RANGE, 1, 20 },
		{ "step { name: x }", ERROR_SYNTAX, 1, 14 },
		{ "step { name: \"x }", ERROR_SYNTAX, 1, 14 },
		{ "step { name: \"x\n\" }", ERROR_SYNTAX, 1, 14 },
		{ "step { name: \"\\q\" }", ERROR_SYNTAX, 1, 16 },
		{ "step 1", ERROR_SYNTAX, 1, 6 },
		{ "}", ERROR_SYNTAX, 1, 1 },
		{ "command_line: 1", ERROR_SYNTAX, 1, 15 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ProtobufCMessage *m = NULL;
		struct error *err = read_text(&mmtrace__boot_input__descriptor, cases[i].text, &m);

		if (!err)
			fail_msg("accepted: %s", cases[i].text);
		check_error(err, cases[i].code, cases[i].line, cases[i].column);
		assert_null(m);
	}
}

static void read_any(const uint8_t *data, size_t len)
{
	struct arena arena = arena_init((size_t)1 << 20);
	ProtobufCAllocator allocator = arena_allocator(&arena);
	ProtobufCMessage *m = NULL;
	struct error *err = message_text_read(&mmtrace__boot_input__descriptor, (const char *)data,
					      len, &allocator, &m);

	/* What was read can be written, and what was written can be read. */
	if (!err) {
		struct sink_text text = { 0 };
		struct sink sink = sink_to_text(&text);

		message_text_write(m, 0, &sink);
		check_ok(message_text_read(&mmtrace__boot_input__descriptor,
					   sink_text_string(&text), text.len, &allocator, &m));
		sink_text_deinit(&text);
	}
	error_destroy(err);
	arena_deinit(&arena);
}

static void test_any_text(void **state)
{
	(void)state;
	robust_truncate(read_any, input_text, sizeof(input_text) - 1);
	robust_damage(read_any, input_text, sizeof(input_text) - 1, 1, 20000);
}

static void test_a_limit_of_memory(void **state)
{
	struct arena arena = arena_init(4096);
	ProtobufCAllocator allocator = arena_allocator(&arena);
	struct sink_text text = { 0 };
	struct sink sink = sink_to_text(&text);
	ProtobufCMessage *m = NULL;

	(void)state;
	for (int i = 0; i < 1000; i++)
		sink_puts(&sink, "step {}");
	check_error(message_text_read(&mmtrace__boot_input__descriptor, text.data, text.len,
				      &allocator, &m),
		    ERROR_LIMIT, 0, 0);
	sink_text_deinit(&text);
	arena_deinit(&arena);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads_and_writes),
		cmocka_unit_test(test_other_ways_to_write_it),
		cmocka_unit_test(test_unknown_enum_value),
		cmocka_unit_test(test_long_columns_are_broken),
		cmocka_unit_test(test_refuses),
		cmocka_unit_test(test_any_text),
		cmocka_unit_test(test_a_limit_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
