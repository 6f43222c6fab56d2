/* SPDX-License-Identifier: MIT */
/*
 * Quirk bisect: takes the place of made_boot_quirk() in the tests of the engine that have a machine for each
 * quirk, and has a bisection over facts find it there.
 *
 * The good end is a kernel drawn at random with every quirk right, the bad end another one that has this
 * quirk wrong, so that dozens of facts differ.  The quirk must be found, and alone.  Rows are drawn again
 * where the machine needs a kernel of its own time to show the quirk.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/prng.h"
#include "engine/testing/made_boot.h"
#include "traces/bisect.h"
#include "traces/testing/check.h"

/* Pairs of rows that are drawn until one shows it. */
#define DRAWS 60

void __wrap_made_boot_quirk(struct made_boot *b, enum quirk quirk,
			    const struct operation *operations, uint32_t count);

static struct bisect_row draw(struct prng *prng, const struct quirk_info *q)
{
	const struct fact_info *info = fact_info((enum fact)prng_below(prng, FACT_COUNT));
	struct bisect_row row = { 0 };

	/* Where some fact changes, or an era. */
	row.version = info->history[prng_below(prng, info->history_count)].since;
	if (!row.version)
		row.version = eras[prng_below(prng, era_count)].version;
	facts_init(&row.facts, row.version);
	quirks_all_right(&row.facts);
	row.facts.v[q->fact] = q->right;
	return row;
}

static enum verdict judge(struct bisector *b, const struct bisect_row *row, enum fact fact,
			  int64_t value)
{
	struct bisect_row other = *row;
	struct judgement j;
	struct subject s;

	other.facts.v[fact] = value;
	s = bisect_subject(b, &other);
	check_ok(bisect_try(b, &s, &j));
	return j.verdict;
}

/* Does the quirk show on this kernel, and nothing without it? */
static bool shows(struct bisector *b, const struct bisect_row *row, const struct quirk_info *q)
{
	return judge(b, row, q->fact, q->right) == VERDICT_GOOD &&
	       judge(b, row, q->fact, q->wrong) == VERDICT_BAD;
}

static struct bisect_row draw_showing(struct bisector *b, struct prng *prng,
				      const struct made_boot *made, const struct quirk_info *q)
{
	struct bisect_row row;

	for (unsigned int i = 0; i < DRAWS; i++) {
		row = draw(prng, q);
		if (shows(b, &row, q))
			return row;
	}
	/* The kernel that the machine was made for. */
	row.version = made->in.version;
	row.facts = made->in.facts;
	quirks_all_right(&row.facts);
	row.facts.v[q->fact] = q->right;
	return row;
}

void __wrap_made_boot_quirk(struct made_boot *b, enum quirk quirk,
			    const struct operation *operations, uint32_t count)
{
	const struct quirk_info *q = quirk_info(quirk);
	struct prng prng = prng_init(1000 + quirk);
	struct subject s = { .operations = operations, .operation_count = count };
	struct bisector bisector = { .subject = &s };
	struct bisect_row good, bad;
	struct bisect_facts found;
	char text[128];

	s.log.input = b->in;
	s.traced_facts = b->in.facts;
	s.traced_config = b->in.config;
	snprintf(text, sizeof(text), "invariant:%s", invariant_info(q->invariant)->id);
	check_ok(predicate_parse(text, &bisector.predicate));
	good = draw_showing(&bisector, &prng, b, q);
	bad = draw_showing(&bisector, &prng, b, q);
	bad.facts.v[q->fact] = q->wrong;
	bisector.tests = 0;
	check_ok(bisect_facts(&bisector, &good, &bad, &found));
	print_message("# %s: %u.%u to %u.%u, %u facts differ, %u tests\n", q->id,
		      (unsigned int)(good.version >> 24), (unsigned int)(good.version >> 16 & 0xff),
		      (unsigned int)(bad.version >> 24), (unsigned int)(bad.version >> 16 & 0xff),
		      (unsigned int)found.differ, (unsigned int)bisector.tests);
	assert_true(bisect_ends_differ(&found.ends));
	assert_int_equal(found.count, 1);
	assert_false(found.more);
	if (found.causes[0].count != 1 || found.causes[0].facts[0] != q->fact)
		for (uint32_t i = 0; i < found.causes[0].count; i++)
			print_message("# found %s\n", fact_info(found.causes[0].facts[i])->name);
	assert_int_equal(found.causes[0].count, 1);
	assert_int_equal(found.causes[0].facts[0], q->fact);
	assert_int_equal(found.causes[0].reverted.verdict, VERDICT_GOOD);
	bisect_facts_deinit(&found);
	predicate_destroy(bisector.predicate);
}
