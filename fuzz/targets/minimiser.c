/* SPDX-License-Identifier: MIT */
/*
 * What traces/minimise.h leaves still shows what was looked for, and no single element of it can be left
 * out, whatever shape the test has.
 *
 * The input: the number of elements, then groups of three.  A list shows it if it has two of one group, or
 * the first and not the others; which of the two is in the group's upper bit.  So tests are not monotone.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz/target.h"
#include "traces/minimise.h"

#define ELEMENTS_MAX 64
#define GROUPS_MAX 16

struct state {
	struct minimiser minimiser;
	const uint8_t *groups;
	size_t group_count;
	uint32_t count;
};

static void *create(const struct target_settings *settings)
{
	(void)settings;
	return calloc(1, sizeof(struct state));
}

static void destroy(void *state)
{
	struct state *s = state;

	minimiser_deinit(&s->minimiser);
	free(s);
}

static bool shows(const struct state *s, const uint32_t *elements, uint32_t count)
{
	bool has[ELEMENTS_MAX] = { false };

	for (uint32_t i = 0; i < count; i++)
		has[elements[i]] = true;
	for (size_t g = 0; g < s->group_count; g++) {
		const uint8_t *group = s->groups + g * 3;
		bool a = has[group[0] % s->count], b = has[group[1] % s->count];
		bool c = has[group[2] % s->count];

		if (group[0] & 0x80 ? a && !b && !c : (a && b) || (b && c))
			return true;
	}
	return false;
}

static enum minimise_answer test(void *ctx, const uint32_t *elements, uint32_t count,
				 uint32_t *enough)
{
	const struct state *s = ctx;

	(void)enough;
	return shows(s, elements, count) ? MINIMISE_STILL : MINIMISE_GONE;
}

static void judge(const struct state *s, struct target_report *report)
{
	const struct minimiser *m = &s->minimiser;
	uint32_t without[ELEMENTS_MAX];

	if (!shows(s, m->kept, m->count))
		target_report_add(report, "minimise-shows", "the %u elements left do not show it",
				  m->count);
	for (uint32_t i = 0; i < m->count; i++) {
		memcpy(without, m->kept, i * sizeof(*without));
		memcpy(without + i, m->kept + i + 1, (m->count - i - 1) * sizeof(*without));
		if (shows(s, without, m->count - 1))
			target_report_add(report, "minimise-least",
					  "element %u of %u can be left out", i, m->count);
	}
	for (uint32_t i = 1; i < m->count; i++)
		if (m->kept[i - 1] >= m->kept[i])
			target_report_add(report, "minimise-order", "element %u is out of order",
					  i);
	if (!m->proven)
		target_report_add(report, "minimise-proven", "it gave up by itself");
	target_report_feature(report, m->count << 8 | s->count);
	target_report_feature(report, 1u << 16 | (uint32_t)m->tests);
}

static void run(void *state, const uint8_t *data, size_t size, struct target_report *report)
{
	struct state *s = state;
	uint32_t all[ELEMENTS_MAX];

	report->refused = size < 4;
	if (report->refused)
		return;
	s->count = 1 + data[0] % ELEMENTS_MAX;
	s->groups = data + 1;
	s->group_count = (size - 1) / 3 < GROUPS_MAX ? (size - 1) / 3 : GROUPS_MAX;
	for (uint32_t i = 0; i < s->count; i++)
		all[i] = i;
	report->refused = !shows(s, all, s->count) ||
			  !minimise(&s->minimiser, s->count, NULL, test, s);
	if (!report->refused)
		judge(s, report);
}

static const char *const seeds[] = { "\x3f"
				     "abc",
				     "\x3f"
				     "abcdefghi",
				     "\x07"
				     "\x01\x02\x05\x81\x13\x09",
				     NULL };

const struct target target_minimiser = {
	.name = "minimiser",
	.property = "What the minimiser leaves still shows it, and nothing of it can be left out.",
	.create = create,
	.destroy = destroy,
	.run_bytes = run,
	.seeds = seeds,
};
