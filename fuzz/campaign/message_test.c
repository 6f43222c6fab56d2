/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "fuzz/campaign/message.h"

static const struct message first = {
	.kind = MESSAGE_FINDING,
	.numbers = { 7, UINT64_MAX },
	.parts = { { "target", 6 }, { "id", 2 }, { "", 0 }, { "text", 4 }, { "\0in\0", 4 } }
};

static void expect_first(const struct message *m)
{
	assert_int_equal(m->kind, MESSAGE_FINDING);
	assert_memory_equal(m->numbers, first.numbers, sizeof(first.numbers));
	for (unsigned int i = 0; i < MESSAGE_PARTS_MAX; i++) {
		assert_int_equal(m->parts[i].size, first.parts[i].size);
		assert_memory_equal(m->parts[i].data, first.parts[i].data, first.parts[i].size);
		assert_int_equal(((const char *)m->parts[i].data)[m->parts[i].size], 0);
	}
}

/* Whole messages come out, half of one is never seen. */
static void whole_and_half(void **unused)
{
	struct message second = { .kind = MESSAGE_WORK, .parts = { message_part_text("t") } }, m;
	struct message_reader r = { 0 };
	uint8_t bytes[4096];
	ssize_t size;
	int fds[2], cut[2];

	(void)unused;
	assert_int_equal(pipe(fds), 0);
	assert_true(message_write(fds[1], &first));
	assert_true(message_write(fds[1], &second));
	assert_true(message_write(fds[1], &first));
	size = read(fds[0], bytes, sizeof(bytes));
	assert_in_range(size, 100, sizeof(bytes) - 1);
	close(fds[0]);
	close(fds[1]);
	/* The same stream, byte by byte, and cut one byte before its end. */
	assert_int_equal(pipe(cut), 0);
	for (ssize_t i = 0, seen = 0; i < size - 1; i++) {
		assert_int_equal(write(cut[1], bytes + i, 1), 1);
		assert_true(message_reader_fill(&r, cut[0]));
		while (message_reader_next(&r, &m)) {
			if (seen++ == 0) {
				expect_first(&m);
			} else {
				assert_int_equal(seen, 2);
				assert_int_equal(m.kind, MESSAGE_WORK);
				assert_string_equal(m.parts[0].data, "t");
			}
		}
		assert_true(i < size - 2 || seen == 2);
	}
	close(cut[1]);
	assert_false(message_reader_fill(&r, cut[0]));
	assert_false(message_reader_next(&r, &m));
	assert_false(r.broken);
	close(cut[0]);
	message_reader_deinit(&r);
}

static void rubbish(void **unused)
{
	struct message_reader r = { 0 };
	struct message m;
	uint8_t bytes[512];
	int fds[2];

	(void)unused;
	memset(bytes, 0xff, sizeof(bytes));
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(write(fds[1], bytes, sizeof(bytes)), sizeof(bytes));
	assert_true(message_reader_fill(&r, fds[0]));
	assert_false(message_reader_next(&r, &m));
	assert_true(r.broken);
	assert_false(message_reader_fill(&r, fds[0]));
	close(fds[0]);
	signal(SIGPIPE, SIG_IGN);
	assert_false(message_write(fds[1], &first));
	close(fds[1]);
	message_reader_deinit(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_and_half),
		cmocka_unit_test(rubbish),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
