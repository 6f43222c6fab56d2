/* SPDX-License-Identifier: MIT */
/*
 * Both lists are sorted by key (position breaks ties) and walked together like a merge; the rows are
 * then put back into the order of the log.
 */
#include "traces/compare.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

const char *compare_verdict_name(enum compare_verdict verdict)
{
	static const char *const names[COMPARE_VERDICT_COUNT] = { "agree",	  "differ",
								  "given",	  "unpredicted",
								  "not-in-model", "not-in-log" };

	return names[verdict];
}

static int compare_u64(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

static int compare_keys(const struct answer *a, const struct answer *b)
{
	int c = compare_u64(a->kind, b->kind);

	if (!c)
		c = compare_u64((uint32_t)a->nid, (uint32_t)b->nid);
	if (!c)
		c = compare_u64((uint32_t)a->type, (uint32_t)b->type);
	if (!c)
		c = compare_u64(a->index, b->index);
	return c;
}

static int compare_answer_refs(const void *a, const void *b)
{
	const struct answer *x = *(const struct answer *const *)a;
	const struct answer *y = *(const struct answer *const *)b;
	int c = compare_keys(x, y);

	/* Both point into one array, so addresses are positions. */
	return c ? c : compare_u64((uint64_t)(uintptr_t)x, (uint64_t)(uintptr_t)y);
}

static int compare_rows(const void *a, const void *b)
{
	const struct compare_row *x = a, *y = b;
	int c = compare_u64(x->kind, y->kind);

	if (!c)
		c = compare_u64(!x->recorded, !y->recorded);
	if (!c && x->recorded)
		c = compare_u64((uint64_t)(uintptr_t)x->recorded, (uint64_t)(uintptr_t)y->recorded);
	else if (!c)
		c = compare_u64((uint64_t)(uintptr_t)x->model, (uint64_t)(uintptr_t)y->model);
	return c;
}

static const struct answer **sorted(const struct answers *a)
{
	const struct answer **refs = malloc((a->count + 1) * sizeof(const struct answer *));

	if (!refs)
		return NULL;
	for (uint32_t i = 0; i < a->count; i++)
		refs[i] = &a->items[i];
	qsort(refs, a->count, sizeof(const struct answer *), compare_answer_refs);
	return refs;
}

static bool says_nothing(const struct answer *model)
{
	return model->basis == BASIS_UNDERIVABLE ||
	       (model->kind == ANSWER_PLACEMENT && !model->v[0] && !model->v[1]);
}

static enum compare_verdict judge(const struct answers *recorded, const struct answer *r,
				  const struct answers *model, const struct answer *m)
{
	if (!r)
		return COMPARE_NOT_IN_LOG;
	if (!m)
		return COMPARE_NOT_IN_MODEL;
	if (m->basis == BASIS_UNDERIVABLE)
		return COMPARE_UNPREDICTED;
	if (!answer_same_value(recorded, r, model, m))
		return COMPARE_DIFFER;
	return m->basis == BASIS_GIVEN ? COMPARE_GIVEN : COMPARE_AGREE;
}

static void merge(const struct answers *recorded, const struct answer **r,
		  const struct answers *model, const struct answer **m, struct comparison *ret)
{
	bool in_log[ANSWER_KIND_COUNT] = { false }, fields[ZONE_FIELD_COUNT] = { false };
	const struct answer *all[ANSWER_KIND_COUNT] = { NULL };
	uint32_t i = 0, j = 0;

	for (uint32_t k = 0; k < model->count; k++)
		if (model->items[k].index == ANSWER_INDEX_ALL)
			all[model->items[k].kind] = &model->items[k];
	for (uint32_t k = 0; k < recorded->count; k++) {
		const struct answer *a = &recorded->items[k];

		in_log[a->kind] = true;
		if (a->kind == ANSWER_ZONEINFO && a->index < ZONE_FIELD_COUNT)
			fields[a->index] = true;
	}
	while (i < recorded->count || j < model->count) {
		struct compare_row row = { 0 };
		int c = i == recorded->count ? 1
			: j == model->count  ? -1
					     : compare_keys(r[i], m[j]);

		if (c <= 0)
			row.recorded = r[i++];
		if (c >= 0)
			row.model = m[j++];
		assert(row.recorded || row.model);
		row.kind = row.recorded ? row.recorded->kind : row.model->kind;
		if (!row.model)
			row.model = all[row.kind];
		if (!row.recorded && (!in_log[row.kind] || says_nothing(row.model)))
			continue;
		/* Not every kernel shows every field. */
		if (!row.recorded && row.kind == ANSWER_ZONEINFO && !fields[row.model->index])
			continue;
		row.verdict = judge(recorded, row.recorded, model, row.model);
		ret->counts[row.kind][row.verdict]++;
		ret->total[row.verdict]++;
		ret->rows[ret->count++] = row;
	}
}

bool compare_answers(const struct answers *recorded, const struct answers *model,
		     struct comparison *ret)
{
	const struct answer **r = sorted(recorded), **m = sorted(model);
	bool ok = false;

	memset(ret, 0, sizeof(*ret));
	ret->rows = malloc(((size_t)recorded->count + model->count + 1) * sizeof(*ret->rows));
	if (r && m && ret->rows) {
		merge(recorded, r, model, m, ret);
		qsort(ret->rows, ret->count, sizeof(*ret->rows), compare_rows);
		ok = true;
	} else {
		comparison_deinit(ret);
	}
	free((void *)r);
	free((void *)m);
	return ok;
}

void comparison_deinit(struct comparison *c)
{
	free(c->rows);
	memset(c, 0, sizeof(*c));
}

uint32_t comparison_differences(const struct comparison *c)
{
	return c->total[COMPARE_DIFFER] + c->total[COMPARE_NOT_IN_MODEL];
}
