/* SPDX-License-Identifier: MIT */
/*
 * Every capture there is: stored and read back it is the same boot, and a model comes to the same
 * answers.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/boot.h"
#include "traces/boot_store.h"
#include "traces/capture.h"
#include "traces/message_text.h"
#include "traces/testing/captures.h"
#include "traces/testing/check.h"
#include "traces/testing/same_boot.h"

static void store(const struct boot_log *log, const char *name, struct sink_text *ret)
{
	struct mmtrace_writer *w;

	check_ok(mmtrace_writer_create(sink_to_text(ret), &w));
	check_ok(boot_store_write(log, name, w));
	check_ok(mmtrace_write_end(w));
	mmtrace_writer_destroy(w);
}

static void check_same_model(const struct boot_log *a, const struct boot_log *b)
{
	struct machine ma, mb;

	machine_init(&ma);
	machine_init(&mb);
	boot_run(&ma, &a->input, STAGE_LATE);
	boot_run(&mb, &b->input, STAGE_LATE);
	check_same_answers(&ma.answers, &mb.answers);
	machine_deinit(&ma);
	machine_deinit(&mb);
}

/* Its input as text, and back. */
static void check_text(const struct boot_log *log)
{
	struct arena arena = arena_init((size_t)1 << 28);
	ProtobufCAllocator allocator = arena_allocator(&arena);
	struct sink_text text = { 0 };
	struct sink sink = sink_to_text(&text);
	Mmtrace__BootInput *input = boot_store_input(log, &arena);
	struct boot_log copy = { 0 };
	ProtobufCMessage *m;

	assert_non_null(input);
	message_text_write(&input->base, 0, &sink);
	check_ok(message_text_read(&mmtrace__boot_input__descriptor, text.data, text.len,
				   &allocator, &m));
	check_ok(boot_store_take_input((const Mmtrace__BootInput *)m, "text", &copy));
	check_same_input(&log->input, &copy.input);
	boot_log_deinit(&copy);
	sink_text_deinit(&text);
	arena_deinit(&arena);
}

static void visit(const char *path, void *ctx)
{
	struct sink_text file = { 0 }, again = { 0 };
	struct boot_log log = { 0 }, copy = { 0 };
	size_t *total = ctx;

	check_ok(capture_read(path, &log));
	store(&log, path, &file);
	store(&log, path, &again);
	assert_int_equal(file.len, again.len);
	assert_memory_equal(file.data, again.data, file.len);
	check_ok(boot_store_read_bytes(file.data, file.len, path, &copy));
	check_same_boot(&log, &copy);
	check_same_model(&log, &copy);
	check_text(&log);
	*total += file.len;
	boot_log_deinit(&log);
	boot_log_deinit(&copy);
	sink_text_deinit(&file);
	sink_text_deinit(&again);
}

static void visit_all(const char *dir)
{
	size_t total = 0;
	unsigned int count = captures_each(dir, visit, &total);

	assert_true(count > 0);
	print_message("%u captures, %zu bytes stored\n", count, total);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CAPTURES_TESTS(visit_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
