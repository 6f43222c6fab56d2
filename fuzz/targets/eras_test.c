/* SPDX-License-Identifier: MIT */
/* The target `eras` sees what is not as it should be, wherever in a machine's life it shows. */
#include "fuzz/targets/eras.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fuzz/target.h"
#include "traces/message_text.h"

/* A machine of two nodes, of which nothing is asked, and of which pages are. */
#define MACHINE                                                                      \
	"input { kernel { version_major: 6 version_minor: 12 version_patch: 107 }\n" \
	"  command_line: \"\" reservations_told: true numa_source: true\n"           \
	"  cpu_nid: [0, 1] online_cpus: 2 nr_cpu_ids: 2\n"                           \
	"  firmware { start: 0x100000 end: 0x20000000 type: 1 }\n"                   \
	"  firmware { start: 0x100000000 end: 0x140000000 type: 1 }\n"               \
	"  affinity { start: 0 end: 0x20000000 nid: 0 }\n"                           \
	"  affinity { start: 0x100000000 end: 0x140000000 nid: 1 } }\n"
enum { IDLE, BUSY, MACHINE_COUNT };

static const char *const machines[MACHINE_COUNT] = {
	MACHINE,
	MACHINE "operation { kind: ALLOC order: 0 migratetype: MOVABLE highest_zone: NORMAL }\n"
		"operation { kind: ALLOC order: 3 migratetype: UNMOVABLE highest_zone: NORMAL }\n"
		"operation { kind: FREE target: 0 }\n"
		"operation { kind: FREE target: 1 }\n"
		"operation { kind: DRAIN cpu: 0 }\n",
};

struct fixture {
	const struct target *target;
	void *state;
	ProtobufCMessage *messages[MACHINE_COUNT];
	struct target_report report;
};

static int setup(void **state)
{
	static const struct target_settings settings;
	static struct fixture f;

	*state = &f;
	f.target = target_find("eras");
	f.state = f.target->create(&settings);
	for (int i = 0; i < MACHINE_COUNT; i++)
		if (!f.state || message_text_read(f.target->message, machines[i],
						  strlen(machines[i]), NULL, &f.messages[i]))
			return 1;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < MACHINE_COUNT; i++)
		protobuf_c_message_free_unpacked(f->messages[i], NULL);
	f->target->destroy(f->state);
	return 0;
}

/* What is found of @machine with @life lying so: NULL if nothing. */
static const struct target_finding *found(struct fixture *f, int machine, enum eras_life life,
					  enum fact fact, int64_t value)
{
	memset(&f->report, 0, sizeof(f->report));
	eras_lie(f->state, life, fact, value);
	f->target->run_message(f->state, f->messages[machine], &f->report);
	assert_false(f->report.refused);
	assert_in_range(f->report.finding_count, 0, 1);
	return f->report.finding_count ? &f->report.findings[0] : NULL;
}

/* Facts of 6.12 given another value, and where in a life it shows first. */
static const struct {
	int machine;
	enum fact fact;
	int64_t value;
	const char *shows;
} lies[] = {
	/* There is no such table. */
	{ IDLE, FACT_hash_mptcp, 0, "hash table" },
	/* Blocks of order 3 do not come from page sets. */
	{ BUSY, FACT_pcp_high_orders, 0, "alloc" },
	/* Lists are laid out from their other ends: a request gets another page, or nobody asks. */
	{ BUSY, FACT_fresh_pages_to_tail, 0, "alloc" },
	{ IDLE, FACT_fresh_pages_to_tail, 0, "free lists or page sets in the end" },
};

static void expect_lies_to_show(struct fixture *f, enum eras_life life, const char *id)
{
	for (size_t i = 0; i < sizeof(lies) / sizeof(*lies); i++) {
		const struct target_finding *finding =
			found(f, lies[i].machine, life, lies[i].fact, lies[i].value);

		assert_non_null(finding);
		assert_string_equal(finding->id, id);
		assert_memory_equal(finding->text, lies[i].shows, strlen(lies[i].shows));
	}
}

static void same_facts_are_the_same(void **state)
{
	for (int i = 0; i < MACHINE_COUNT; i++)
		assert_null(found(*state, i, LIFE_COUNT, FACT_hash_mptcp, 0));
}

static void a_version_that_leaks_is_seen(void **state)
{
	expect_lies_to_show(*state, LIFE_OTHER, "era-without-facts");
}

static void a_fact_that_is_asked_for_is_seen(void **state)
{
	expect_lies_to_show(*state, LIFE_IDLE, "fact-not-asked");
}

/* What the machine cannot come across may have any value. */
static void a_fact_that_is_not_asked_for_is_not_seen(void **state)
{
	assert_null(found(*state, BUSY, LIFE_IDLE, FACT_arm64_dma_zones, 2));
	assert_null(found(*state, BUSY, LIFE_IDLE, FACT_cxl_windows, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(same_facts_are_the_same),
		cmocka_unit_test(a_version_that_leaks_is_seen),
		cmocka_unit_test(a_fact_that_is_asked_for_is_seen),
		cmocka_unit_test(a_fact_that_is_not_asked_for_is_not_seen),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
