/* SPDX-License-Identifier: MIT */
#include "traces/bisect.h"

#include <stdlib.h>
#include <string.h>

#include "traces/minimise.h"

/* Places that could not be told, after which a search gives up. */
#define UNKNOWN_MAX 32

struct subject bisect_subject(const struct bisector *b, const struct bisect_row *row)
{
	struct subject s = *b->subject;

	if (row->version)
		s.log.input.version = row->version;
	subject_set_facts(&s, &row->facts);
	return s;
}

struct error *bisect_try(struct bisector *b, const struct subject *s, struct judgement *ret)
{
	if (b->progress)
		b->progress(b->ctx, b->tests);
	b->tests++;
	return predicate_test(b->predicate, s, ret);
}

/* ---- halving ------------------------------------------------------------------------------------ */

/* Makes the subject at a place. */
typedef struct subject place_fn(const struct bisector *b, const void *ctx, uint32_t place);

struct halving {
	uint32_t good, bad; /* places; either may be the higher one */
	struct judgement at_good, at_bad;
	uint32_t unknown[UNKNOWN_MAX];
	uint32_t unknown_count;
};

static bool is_unknown(const struct halving *h, uint32_t place)
{
	for (uint32_t i = 0; i < h->unknown_count; i++)
		if (h->unknown[i] == place)
			return true;
	return false;
}

/* The place nearest to @wish, strictly between good and bad, that may be told; UINT32_MAX: none. */
static uint32_t free_place(const struct halving *h, uint32_t wish)
{
	uint32_t low = h->good < h->bad ? h->good : h->bad;
	uint32_t high = h->good < h->bad ? h->bad : h->good;

	for (uint32_t away = 0; away <= UNKNOWN_MAX; away++) {
		if (wish > away && wish - away > low && wish - away < high &&
		    !is_unknown(h, wish - away))
			return wish - away;
		if (wish + away > low && wish + away < high && !is_unknown(h, wish + away))
			return wish + away;
	}
	return UINT32_MAX;
}

/*
 * Until good and bad are neighbours, but for what cannot be told.  @hinted: places are numbers of events, and
 * a judgement that names an event is good for a guess.
 */
static struct error *halve(struct bisector *b, place_fn *at, const void *ctx, bool hinted,
			   struct halving *h)
{
	bool jumped = false;

	for (;;) {
		uint32_t low = h->good < h->bad ? h->good : h->bad;
		uint32_t wish = low + (h->good < h->bad ? h->bad - h->good : h->good - h->bad) / 2;
		struct judgement j;
		struct subject s;
		struct error *err;
		uint32_t place;

		if (hinted && h->at_bad.at < h->bad && h->at_bad.at + 1 < h->bad &&
		    h->at_bad.at >= h->good) {
			wish = (uint32_t)h->at_bad.at + 1;
			jumped = true;
		} else if (jumped) {
			/* Was it this event alone? */
			wish = h->bad - 1;
			jumped = false;
		}
		place = free_place(h, wish);
		if (place == UINT32_MAX || h->unknown_count == UNKNOWN_MAX)
			return NULL;
		s = at(b, ctx, place);
		err = bisect_try(b, &s, &j);
		if (err)
			return err;
		if (j.verdict == VERDICT_GOOD) {
			h->good = place;
			h->at_good = j;
		} else if (j.verdict == VERDICT_BAD) {
			h->bad = place;
			h->at_bad = j;
		} else {
			h->unknown[h->unknown_count++] = place;
		}
	}
}

static uint32_t unknown_between(const struct halving *h)
{
	uint32_t low = h->good < h->bad ? h->good : h->bad;
	uint32_t high = h->good < h->bad ? h->bad : h->good, n = 0;

	for (uint32_t i = 0; i < h->unknown_count; i++)
		n += h->unknown[i] > low && h->unknown[i] < high;
	return n;
}

/* ---- events ------------------------------------------------------------------------------------- */

static struct subject first_events(const struct bisector *b, const void *ctx, uint32_t place)
{
	struct subject s = *b->subject;

	(void)ctx;
	if (s.event_count)
		s.event_count = place;
	else
		s.operation_count = place;
	return s;
}

struct error *bisect_events(struct bisector *b, struct bisect_events *ret)
{
	struct halving h = { .good = 0, .bad = b->subject->event_count };
	struct subject none = first_events(b, NULL, 0);
	struct error *err;

	memset(ret, 0, sizeof(*ret));
	ret->operations = !h.bad;
	if (ret->operations)
		h.bad = b->subject->operation_count;
	err = bisect_try(b, b->subject, &ret->ends.bad);
	if (!err)
		err = bisect_try(b, &none, &ret->ends.good);
	if (err || !bisect_ends_differ(&ret->ends))
		return err;
	h.at_good = ret->ends.good;
	h.at_bad = ret->ends.bad;
	err = halve(b, first_events, NULL, true, &h);
	ret->good = h.good;
	ret->bad = h.bad;
	ret->at_good = h.at_good;
	ret->at_bad = h.at_bad;
	ret->unknown = unknown_between(&h);
	return err;
}

/* ---- versions ----------------------------------------------------------------------------------- */

struct version_list {
	uint32_t *versions;
	uint32_t count;
};

static int by_version(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* @low and @high, and every version between them in which a fact changes. */
static bool list_versions(uint32_t low, uint32_t high, struct version_list *ret)
{
	uint32_t room = 2, count = 0;

	for (unsigned int f = 0; f < FACT_COUNT; f++)
		room += fact_info((enum fact)f)->history_count;
	ret->versions = malloc(room * sizeof(*ret->versions));
	if (!ret->versions)
		return false;
	ret->versions[count++] = low;
	ret->versions[count++] = high;
	for (unsigned int f = 0; f < FACT_COUNT; f++) {
		const struct fact_info *info = fact_info((enum fact)f);

		for (unsigned int i = 0; i < info->history_count; i++)
			if (info->history[i].since > low && info->history[i].since < high)
				ret->versions[count++] = info->history[i].since;
	}
	qsort(ret->versions, count, sizeof(*ret->versions), by_version);
	ret->count = 0;
	for (uint32_t i = 0; i < count; i++)
		if (!i || ret->versions[i] != ret->versions[ret->count - 1])
			ret->versions[ret->count++] = ret->versions[i];
	return true;
}

static struct subject of_version(const struct bisector *b, const void *ctx, uint32_t place)
{
	const struct version_list *list = ctx;
	struct subject s = *b->subject;

	subject_set_version(&s, list->versions[place]);
	return s;
}

struct error *bisect_versions(struct bisector *b, uint32_t good, uint32_t bad,
			      struct bisect_versions *ret)
{
	struct halving h = { 0 };
	struct version_list list;
	struct subject s;
	struct error *err;

	memset(ret, 0, sizeof(*ret));
	ret->good = good;
	ret->bad = bad;
	if (!list_versions(good < bad ? good : bad, good < bad ? bad : good, &list))
		return error_no_memory();
	ret->candidates = list.count > 2 ? list.count - 2 : 0;
	h.good = good < bad ? 0 : list.count - 1;
	h.bad = good < bad ? list.count - 1 : 0;
	s = of_version(b, &list, h.good);
	err = bisect_try(b, &s, &ret->ends.good);
	s = of_version(b, &list, h.bad);
	if (!err)
		err = bisect_try(b, &s, &ret->ends.bad);
	if (!err && bisect_ends_differ(&ret->ends)) {
		h.at_good = ret->ends.good;
		h.at_bad = ret->ends.bad;
		err = halve(b, of_version, &list, false, &h);
		ret->good = list.versions[h.good];
		ret->bad = list.versions[h.bad];
		ret->at_good = h.at_good;
		ret->at_bad = h.at_bad;
		ret->unknown = unknown_between(&h);
	}
	free(list.versions);
	return err;
}

/* ---- facts -------------------------------------------------------------------------------------- */

struct fact_search {
	struct bisector *b;
	const struct bisect_row *good, *bad;
	enum fact differ[FACT_COUNT]; /* those that may still be part of a cause */
	uint32_t count;
	struct error *err;
};

/* The good end with those facts of the bad one that @with has. */
static struct error *try_facts(struct fact_search *f, const bool with[FACT_COUNT],
			       struct judgement *ret)
{
	struct bisect_row row = *f->good;
	struct subject s;

	for (unsigned int i = 0; i < FACT_COUNT; i++)
		if (with[i])
			row.facts.v[i] = f->bad->facts.v[i];
	/* All of them: the bad end itself. */
	if (!memcmp(&row.facts, &f->bad->facts, sizeof(row.facts)))
		row.version = f->bad->version;
	s = bisect_subject(f->b, &row);
	return bisect_try(f->b, &s, ret);
}

static enum minimise_answer still_bad(void *ctx, const uint32_t *elements, uint32_t count,
				      uint32_t *enough)
{
	struct fact_search *f = ctx;
	bool with[FACT_COUNT] = { false };
	struct judgement j;

	(void)enough;
	for (uint32_t i = 0; i < count; i++)
		with[f->differ[elements[i]]] = true;
	f->err = try_facts(f, with, &j);
	if (f->err)
		return MINIMISE_STOP;
	return j.verdict == VERDICT_BAD ? MINIMISE_STILL : MINIMISE_GONE;
}

/* Takes those of @cause off the list. */
static void leave_out(struct fact_search *f, const struct bisect_cause *cause)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < f->count; i++) {
		bool part = false;

		for (uint32_t k = 0; cause->facts && k < cause->count; k++)
			part |= cause->facts[k] == f->differ[i];
		if (!part)
			f->differ[kept++] = f->differ[i];
	}
	f->count = kept;
}

/* One cause among f->differ, which together are bad. */
static struct error *find_cause(struct fact_search *f, struct bisect_cause *ret)
{
	bool alone[FACT_COUNT] = { false }, rest[FACT_COUNT] = { false };
	struct minimiser m = { 0 };
	struct error *err;

	if (!minimise(&m, f->count, NULL, still_bad, f))
		f->err = error_no_memory();
	if (!f->err) {
		ret->facts = malloc((m.count + 1) * sizeof(*ret->facts));
		if (!ret->facts)
			f->err = error_no_memory();
	}
	for (uint32_t i = 0; ret->facts && i < m.count; i++) {
		ret->facts[ret->count++] = f->differ[m.kept[i]];
		alone[f->differ[m.kept[i]]] = true;
	}
	minimiser_deinit(&m);
	err = f->err;
	f->err = NULL;
	if (!err)
		err = try_facts(f, alone, &ret->alone);
	if (err)
		return err;
	leave_out(f, ret);
	for (uint32_t i = 0; i < f->count; i++)
		rest[f->differ[i]] = true;
	return try_facts(f, rest, &ret->reverted);
}

struct error *bisect_facts(struct bisector *b, const struct bisect_row *good,
			   const struct bisect_row *bad, struct bisect_facts *ret)
{
	struct fact_search f = { .b = b, .good = good, .bad = bad };
	struct subject s = bisect_subject(b, good);
	struct error *err;

	memset(ret, 0, sizeof(*ret));
	for (unsigned int i = 0; i < FACT_COUNT; i++)
		if (good->facts.v[i] != bad->facts.v[i])
			f.differ[f.count++] = (enum fact)i;
	ret->differ = f.count;
	err = bisect_try(b, &s, &ret->ends.good);
	s = bisect_subject(b, bad);
	if (!err)
		err = bisect_try(b, &s, &ret->ends.bad);
	if (err || !bisect_ends_differ(&ret->ends))
		return err;
	for (bool again = true; again;) {
		struct bisect_cause *cause = &ret->causes[ret->count];

		err = find_cause(&f, cause);
		if (err)
			return err;
		ret->count++;
		again = cause->reverted.verdict == VERDICT_BAD;
		ret->more = cause->reverted.verdict == VERDICT_UNKNOWN;
		if (again && ret->count == BISECT_CAUSES_MAX) {
			ret->more = true;
			break;
		}
	}
	return NULL;
}

void bisect_facts_deinit(struct bisect_facts *f)
{
	for (uint32_t i = 0; i < BISECT_CAUSES_MAX; i++)
		free(f->causes[i].facts);
	memset(f, 0, sizeof(*f));
}
