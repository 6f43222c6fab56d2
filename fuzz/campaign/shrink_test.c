/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fuzz/campaign/shrink.h"
#include "traces/message_text.h"
#include "traces/record.pb-c.h"

#define DESCRIPTOR (&mmtrace__boot_input__descriptor)

static ProtobufCMessage *from_text(const char *text)
{
	ProtobufCMessage *message;

	assert_null(message_text_read(DESCRIPTOR, text, strlen(text), NULL, &message));
	return message;
}

static uint8_t *pack(const char *text, size_t *size_ret)
{
	ProtobufCMessage *message = from_text(text);
	uint8_t *data = malloc(protobuf_c_message_get_packed_size(message) + 1);

	assert_non_null(data);
	*size_ret = protobuf_c_message_pack(message, data);
	protobuf_c_message_free_unpacked(message, NULL);
	return data;
}

/* Shrinks a message of text and compares with another. */
static void expect(const char *from, bool (*question)(void *, const ProtobufCMessage *),
		   const char *to, uint64_t tests_max)
{
	struct shrink_question q = { .message = question, .tests_max = tests_max };
	struct shrink_result r;
	size_t size, expected_size;
	uint8_t *data = pack(from, &size), *expected = pack(to, &expected_size);

	assert_null(shrink(DESCRIPTOR, data, size, &q, &r));
	assert_int_equal(r.proven, !tests_max);
	assert_true(!tests_max || r.tests <= tests_max + 1);
	assert_int_equal(r.size, expected_size);
	assert_memory_equal(r.data, expected, expected_size);
	free(r.data);
	free(data);
	free(expected);
}

static const char machine[] = "command_line: \"quiet\" nr_cpu_ids: 7 distance_count: 2 "
			      "firmware { start: 0 end: 654336 type: 1 } "
			      "firmware { start: 1048576 end: 2147483648 type: 1 } "
			      "firmware { start: 4294967296 end: 6442450944 type: 1 } "
			      "affinity { start: 0 end: 2147483648 nid: 0 hotplug: true } "
			      "affinity { start: 4294967296 end: 6442450944 nid: 3 hotplug: true }";

/* A range that reaches beyond 1 GiB: nothing but its end is needed, and that becomes 1 GiB and a bit. */
static bool reaches_far(void *ctx, const ProtobufCMessage *message)
{
	const Mmtrace__BootInput *in = (const Mmtrace__BootInput *)message;

	(void)ctx;
	for (size_t i = 0; i < in->n_firmware; i++)
		if (in->firmware[i]->end > 1ULL << 30)
			return true;
	return false;
}

/* Two things that belong together: a node of memory that is above, and the CPUs. */
static bool two_things(void *ctx, const ProtobufCMessage *message)
{
	const Mmtrace__BootInput *in = (const Mmtrace__BootInput *)message;

	(void)ctx;
	for (size_t i = 0; i < in->n_affinity; i++)
		if (in->affinity[i]->nid > 1 && in->affinity[i]->hotplug)
			return in->nr_cpu_ids >= 3;
	return false;
}

static void messages(void **unused)
{
	(void)unused;
	expect(machine, reaches_far, "firmware { end: 2147483648 }", 0);
	expect(machine, two_things, "affinity { nid: 2 hotplug: true } nr_cpu_ids: 4", 0);
}

/* With few tests the best so far is the result, and still shows it. */
static void limited(void **unused)
{
	struct shrink_question q = { .message = reaches_far, .tests_max = 3 };
	struct shrink_result r;
	ProtobufCMessage *message;
	size_t size;
	uint8_t *data = pack(machine, &size);

	(void)unused;
	assert_null(shrink(DESCRIPTOR, data, size, &q, &r));
	assert_false(r.proven);
	assert_true(r.size <= size);
	message = protobuf_c_message_unpack(DESCRIPTOR, NULL, r.size, r.data);
	assert_non_null(message);
	assert_true(reaches_far(NULL, message));
	protobuf_c_message_free_unpacked(message, NULL);
	free(r.data);
	free(data);
}

static bool has_abc(void *ctx, const uint8_t *data, size_t size)
{
	const char *want = "abc";

	(void)ctx;
	for (size_t i = 0; i < size; i++)
		want += *want && data[i] == (uint8_t)*want;
	return !*want;
}

static void plain_bytes(void **unused)
{
	struct shrink_question q = { .bytes = has_abc };
	static const uint8_t data[] = "xxaxxxxbbxxcxcc";
	struct shrink_result r;

	(void)unused;
	assert_null(shrink(NULL, data, sizeof(data) - 1, &q, &r));
	assert_true(r.proven);
	assert_int_equal(r.size, 3);
	assert_memory_equal(r.data, "abc", 3);
	free(r.data);
}

static void refused(void **unused)
{
	struct shrink_question q = { .message = reaches_far, .bytes = has_abc };
	static const uint8_t broken[] = { 0x0a, 0xff, 0xff };
	struct shrink_result r;
	struct error *err;

	(void)unused;
	err = shrink(DESCRIPTOR, broken, sizeof(broken), &q, &r);
	assert_non_null(err);
	assert_int_equal(err->code, ERROR_FORMAT);
	error_destroy(err);
	err = shrink(DESCRIPTOR, broken, 0, &q, &r);
	assert_non_null(err);
	assert_int_equal(err->code, ERROR_RANGE);
	error_destroy(err);
	err = shrink(NULL, broken, sizeof(broken), &q, &r);
	assert_non_null(err);
	assert_int_equal(err->code, ERROR_RANGE);
	error_destroy(err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages),
		cmocka_unit_test(limited),
		cmocka_unit_test(plain_bytes),
		cmocka_unit_test(refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
