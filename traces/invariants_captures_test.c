/* SPDX-License-Identifier: MIT */
/*
 * Every capture there is, booted with all that must hold looked at: with every rule right nothing is found,
 * and as its kernel was, nothing but what that kernel's own wrong rules break.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/boot.h"
#include "engine/invariant.h"
#include "engine/quirk.h"
#include "traces/capture.h"
#include "traces/testing/captures.h"
#include "traces/testing/check.h"

static void run(const struct boot_input *in, struct findings *findings)
{
	struct machine m;

	findings_clear(findings);
	machine_init(&m);
	m.findings = findings;
	boot_run(&m, in, STAGE_LATE);
	assert_false(m.out_of_memory);
	/* Where a log does not tell what was reserved, what is given back later comes on top of it all. */
	if (m.stage >= STAGE_ZONES && m.reserved_known)
		invariant_check_machine(&m, INVARIANT_COST_DEEP, findings);
	machine_deinit(&m);
}

/* May a kernel with these facts break it? */
static bool expected(const struct facts *facts, enum invariant invariant)
{
	for (unsigned int q = 0; q < QUIRK_COUNT; q++) {
		const struct quirk_info *info = quirk_info((enum quirk)q);

		if (info->invariant == invariant && fact_get(facts, info->fact) == info->wrong)
			return true;
	}
	return false;
}

static unsigned int judge(const char *path, const char *rules, const struct findings *findings,
			  const struct facts *facts)
{
	struct sink_text text = { 0 };
	struct sink sink = sink_to_text(&text);
	unsigned int bad = 0;

	for (unsigned int i = 0; i < INVARIANT_COUNT; i++) {
		if (!findings->count[i] || expected(facts, (enum invariant)i))
			continue;
		bad++;
		finding_print(&findings->first[i], &sink);
	}
	if (bad)
		print_message("# %s, %s:\n%s", path, rules, sink_text_string(&text));
	sink_text_deinit(&text);
	return bad;
}

static void visit(const char *path, void *ctx)
{
	struct boot_log log = { 0 };
	struct findings findings;
	unsigned int *bad = ctx;

	check_ok(capture_read(path, &log));
	run(&log.input, &findings);
	*bad += judge(path, "as it is", &findings, &log.input.facts);
	quirks_all_right(&log.input.facts);
	run(&log.input, &findings);
	*bad += judge(path, "all right", &findings, &log.input.facts);
	boot_log_deinit(&log);
}

static void visit_all(const char *dir)
{
	unsigned int bad = 0, count = captures_each(dir, visit, &bad);

	assert_true(count > 0);
	assert_int_equal(bad, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CAPTURES_TESTS(visit_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
