/* SPDX-License-Identifier: MIT */
#include "traces/minimise.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct run {
	struct minimiser *m;
	const uint32_t *needs;
	minimise_test test;
	void *ctx;
	bool stopped;
};

static bool make_room(struct minimiser *m, uint32_t count)
{
	size_t room = (size_t)count + 1;
	uint32_t *kept, *candidate;
	uint8_t *present;

	if (count < m->room)
		return true;
	kept = realloc(m->kept, room * sizeof(*kept));
	if (kept)
		m->kept = kept;
	candidate = realloc(m->candidate, room * sizeof(*candidate));
	if (candidate)
		m->candidate = candidate;
	present = realloc(m->present, room);
	if (present)
		m->present = present;
	if (!kept || !candidate || !present)
		return false;
	m->room = count + 1;
	return true;
}

void minimiser_deinit(struct minimiser *m)
{
	free(m->kept);
	free(m->candidate);
	free(m->present);
	memset(m, 0, sizeof(*m));
}

/* The kept elements without those at [start, end), and without those that need them; how many are left. */
static uint32_t leave_out(const struct run *r, uint32_t start, uint32_t end)
{
	struct minimiser *m = r->m;
	uint32_t count = start;

	memcpy(m->candidate, m->kept, start * sizeof(*m->kept));
	if (!r->needs) {
		memcpy(m->candidate + start, m->kept + end, (m->count - end) * sizeof(*m->kept));
		return m->count - (end - start);
	}
	for (uint32_t i = start; i < end; i++)
		m->present[m->kept[i]] = 0;
	for (uint32_t i = end; i < m->count; i++) {
		uint32_t element = m->kept[i], need = r->needs[element];

		if (need == MINIMISE_NONE || m->present[need])
			m->candidate[count++] = element;
		else
			m->present[element] = 0;
	}
	return count;
}

/* Takes the candidate's first @count elements as the result. */
static void keep(struct minimiser *m, uint32_t count)
{
	uint32_t *kept = m->candidate;

	m->candidate = m->kept;
	m->kept = kept;
	m->count = count;
}

/* Tries it without the kept elements at [start, end).  True: they are gone. */
static bool try_without(struct run *r, uint32_t start, uint32_t end)
{
	struct minimiser *m = r->m;
	uint32_t count = leave_out(r, start, end), enough = count;
	enum minimise_answer answer = r->test(r->ctx, m->candidate, count, &enough);

	m->tests++;
	r->stopped |= answer == MINIMISE_STOP;
	if (answer == MINIMISE_STILL) {
		assert(enough <= count);
		for (uint32_t i = enough; i < count; i++)
			m->present[m->candidate[i]] = 0;
		keep(m, enough);
		return true;
	}
	/* They stay: so do those that would have gone with them. */
	if (r->needs)
		for (uint32_t i = start; i < m->count; i++)
			m->present[m->kept[i]] = 1;
	return false;
}

/* Leaves out parts of @size elements, from the end to the start. */
static void sweep(struct run *r, uint32_t size)
{
	for (uint32_t end = r->m->count; end && !r->stopped;) {
		uint32_t start = end > size ? end - size : 0;

		try_without(r, start, end);
		end = start < r->m->count ? start : r->m->count;
	}
}

/* Leaves out single elements until each of them was tried since the last one went. */
static void prove(struct run *r)
{
	struct minimiser *m = r->m;
	uint32_t at = m->count, failed = 0;

	while (failed < m->count && !r->stopped) {
		at = at && at <= m->count ? at : m->count;
		at--;
		if (try_without(r, at, at + 1))
			failed = 0;
		else
			failed++;
	}
	m->proven = !r->stopped;
}

bool minimise(struct minimiser *m, uint32_t count, const uint32_t *needs, minimise_test test,
	      void *ctx)
{
	struct run r = { m, needs, test, ctx, false };

	assert(count < MINIMISE_NONE);
	m->tests = 0;
	m->proven = false;
	m->count = 0;
	if (!make_room(m, count))
		return false;
	m->count = count;
	memset(m->present, 1, count);
	for (uint32_t i = 0; i < count; i++) {
		assert(!needs || needs[i] == MINIMISE_NONE || needs[i] < i);
		m->kept[i] = i;
	}
	/* Often nothing of it matters. */
	if (count && !try_without(&r, 0, count))
		for (uint32_t size = m->count / 2; size > 1 && !r.stopped;
		     size = (size < m->count ? size : m->count) / 2)
			sweep(&r, size);
	prove(&r);
	return true;
}
