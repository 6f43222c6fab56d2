/* SPDX-License-Identifier: MIT */
/*
 * History, by its promises alone: which states are kept, what they take, and from where one goes on.  Over
 * traces it is tested in traces/replay_history_test.c.
 *
 * A replay of nothing but markers does: each is an event, and all states take the same.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/boot.h"
#include "engine/replay_history.h"
#include "engine/testing/made_boot.h"

#define MIB (1ULL << 20)

enum { SPACING = 16384, STATES_MAX = 64 }; /* what is usual, and most */

struct walk {
	struct made_boot boot;
	struct machine booted, late;
	struct replay *replay;
	struct replay_history *history;
};

static void boot(struct walk *w, struct machine *m, enum boot_stage until)
{
	machine_init(m);
	m->want_lists = true;
	boot_run(m, &w->boot.in, until);
	assert_false(m->out_of_memory);
}

static void begin(struct walk *w, uint64_t spacing, uint64_t bytes_max)
{
	const struct replay_history_options how = { .spacing = spacing, .bytes_max = bytes_max };
	const struct replay_options options = { .cpu_count = 1 };

	made_boot_init(&w->boot, ARCH_X86_64, "6.12");
	made_boot_memory(&w->boot, MIB, 16 * MIB, -1);
	made_boot_cpus(&w->boot, 1, 0);
	boot(w, &w->booted, STAGE_MEM_INIT);
	boot(w, &w->late, STAGE_LATE);
	w->replay = replay_create(&w->booted, &w->late, &options);
	assert_non_null(w->replay);
	w->history = replay_history_create(w->replay, &how);
	assert_non_null(w->history);
}

static void end(struct walk *w)
{
	replay_history_destroy(w->history);
	replay_destroy(w->replay);
	machine_deinit(&w->late);
	machine_deinit(&w->booted);
}

static void step(struct walk *w, uint64_t count)
{
	const struct event marker = { .kind = EVENT_MARKER, .pfn = PFN_NONE, .pid = 1 };

	while (count--) {
		replay_event(w->replay, &marker);
		replay_history_note(w->history);
	}
}

static uint64_t go(struct walk *w, uint64_t index)
{
	bool ok = false;
	uint64_t at = replay_history_go(w->history, index, &ok);

	assert_true(ok);
	assert_int_equal(at, replay_index(w->replay));
	return at;
}

static uint64_t state_bytes(const struct walk *w)
{
	struct replay_state *s = replay_save(w->replay);
	uint64_t bytes;

	assert_non_null(s);
	bytes = replay_state_bytes(s);
	replay_state_destroy(s);
	return bytes;
}

/* A state every so many events, and the first one, which is not counted in bytes. */
static void test_states_are_kept(void **state)
{
	struct walk w;
	uint64_t one;

	(void)state;
	begin(&w, 10, 0);
	one = state_bytes(&w);
	assert_int_equal(replay_history_count(w.history), 1);
	assert_int_equal(replay_history_bytes(w.history), 0);
	step(&w, 9);
	assert_int_equal(replay_history_count(w.history), 1);
	step(&w, 1);
	assert_int_equal(replay_history_count(w.history), 2);
	assert_int_equal(replay_history_bytes(w.history), one);
	step(&w, 25);
	assert_int_equal(replay_history_count(w.history), 4);
	assert_int_equal(replay_history_bytes(w.history), 3 * one);
	end(&w);

	begin(&w, 0, 0);
	step(&w, SPACING - 1);
	assert_int_equal(replay_history_count(w.history), 1);
	step(&w, 1);
	assert_int_equal(replay_history_count(w.history), 2);
	end(&w);
}

/*
 *	states	0  10  20  30  ->	35: forwards to what is later than the last one, back to what is earlier
 */
static void test_the_nearest_state(void **state)
{
	struct walk w;

	(void)state;
	begin(&w, 10, 0);
	step(&w, 35);
	assert_int_equal(go(&w, 29), 20);
	/* It is there, or a little before it. */
	assert_int_equal(go(&w, 20), 20);
	step(&w, 5);
	assert_int_equal(go(&w, 25), 25);
	assert_int_equal(go(&w, 29), 25);
	assert_int_equal(go(&w, 30), 30);
	assert_int_equal(go(&w, 1000), 30);
	assert_int_equal(go(&w, 9), 0);
	/* What was kept is not kept twice. */
	step(&w, 30);
	assert_int_equal(replay_history_count(w.history), 4);
	step(&w, 10);
	assert_int_equal(replay_history_count(w.history), 5);
	/* From a state that lies behind, another is nearer. */
	assert_int_equal(go(&w, 0), 0);
	assert_int_equal(go(&w, 35), 30);
	end(&w);
}

/* As many as there is room for: then every second one goes, and from then on half as many come. */
static void test_too_many_states(void **state)
{
	struct walk w;
	uint64_t one;

	(void)state;
	begin(&w, 1, 0);
	one = state_bytes(&w);
	step(&w, STATES_MAX - 2);
	assert_int_equal(replay_history_count(w.history), STATES_MAX - 1);
	step(&w, 1);
	assert_int_equal(replay_history_count(w.history), STATES_MAX / 2);
	assert_int_equal(replay_history_bytes(w.history), (STATES_MAX / 2 - 1) * one);
	step(&w, 1);
	assert_int_equal(replay_history_count(w.history), STATES_MAX / 2 + 1);
	step(&w, 1);
	assert_int_equal(replay_history_count(w.history), STATES_MAX / 2 + 1);
	/* Those of even numbers are left. */
	assert_int_equal(go(&w, 41), 40);
	assert_int_equal(go(&w, 2), 2);
	end(&w);
}

/* So much memory as was allowed, to the byte; the first state stays, whatever it takes. */
static void test_too_large_states(void **state)
{
	struct walk w;
	uint64_t one;

	(void)state;
	begin(&w, 1, 0);
	one = state_bytes(&w);
	end(&w);

	begin(&w, 1, 3 * one);
	step(&w, 3);
	assert_int_equal(replay_history_count(w.history), 4);
	assert_int_equal(replay_history_bytes(w.history), 3 * one);
	step(&w, 1);
	assert_int_equal(replay_history_count(w.history), 3);
	assert_int_equal(replay_history_bytes(w.history), 2 * one);
	assert_int_equal(go(&w, 3), 2);
	end(&w);

	begin(&w, 3, one - 1);
	step(&w, 100);
	assert_int_equal(replay_history_count(w.history), 1);
	assert_int_equal(replay_history_bytes(w.history), 0);
	assert_int_equal(go(&w, 99), 0);
	end(&w);
}

static void test_nothing_is_destroyed(void **state)
{
	(void)state;
	replay_history_destroy(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_states_are_kept),
		cmocka_unit_test(test_the_nearest_state),
		cmocka_unit_test(test_too_many_states),
		cmocka_unit_test(test_too_large_states),
		cmocka_unit_test(test_nothing_is_destroyed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
