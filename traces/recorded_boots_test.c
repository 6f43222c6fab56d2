/* SPDX-License-Identifier: MIT */
/*
 * Real kernels are the oracle: of each stored boot of traces/recordings the model contradicts no answer and
 * derives as many as it is known to; with every rule right, no invariant breaks.
 */
#include "engine/boot.h"
#include "engine/invariant.h"
#include "engine/quirk.h"
#include "traces/capture.h"
#include "traces/compare.h"
#include "traces/testing/check.h"
#include "traces/testing/recordings.h"

static void check_answers(const struct recording *r, const struct boot_log *log)
{
	struct comparison c;
	struct machine m;

	machine_init(&m);
	boot_run(&m, &log->input, STAGE_LATE);
	assert_false(m.out_of_memory);
	assert_true(compare_answers(&log->recorded, &m.answers, &c));
	if (comparison_differences(&c) ||
	    c.total[COMPARE_AGREE] + c.total[COMPARE_GIVEN] < r->v[0] ||
	    c.total[COMPARE_GIVEN] > r->v[1] || c.total[COMPARE_UNPREDICTED] > r->v[2])
		fail_msg("%s: %u differ, %u agree, %u of them with something given, %u not told",
			 r->name, comparison_differences(&c),
			 c.total[COMPARE_AGREE] + c.total[COMPARE_GIVEN], c.total[COMPARE_GIVEN],
			 c.total[COMPARE_UNPREDICTED]);
	comparison_deinit(&c);
	machine_deinit(&m);
}

static void check_sound(const struct recording *r, const struct boot_log *log)
{
	struct boot_input in = log->input;
	struct findings findings;
	struct machine m;

	quirks_all_right(&in.facts);
	findings_clear(&findings);
	machine_init(&m);
	m.findings = &findings;
	m.want_lists = true;
	boot_run(&m, &in, STAGE_LATE);
	/* Where a log does not tell what was reserved, what is given back later comes on top of it all. */
	if (m.stage >= STAGE_ZONES && m.reserved_known)
		invariant_check_machine(&m, INVARIANT_COST_DEEP, &findings);
	for (unsigned int i = 0; i < INVARIANT_COUNT; i++)
		if (findings.count[i])
			fail_msg("%s: %s does not hold", r->name,
				 invariant_info((enum invariant)i)->id);
	machine_deinit(&m);
}

static bool check_boot(const struct recording *r)
{
	struct boot_log log = { 0 };

	check_ok(capture_read(r->path, &log));
	check_answers(r, &log);
	check_sound(r, &log);
	boot_log_deinit(&log);
	return true;
}

static void boots(void **state)
{
	(void)state;
	recordings_each("boots.txt", check_boot);
}

int main(void)
{
	static const struct CMUnitTest tests[] = { cmocka_unit_test(boots) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
