/* SPDX-License-Identifier: MIT */
#include "engine/answer.h"

#include <stdlib.h>
#include <string.h>

static const char *const kind_names[ANSWER_KIND_COUNT] = {
#define ANSWER(id, name, meaning) name,
#include "engine/answer.def"
#undef ANSWER
};

const char *answer_kind_name(enum answer_kind kind)
{
	return kind_names[kind];
}

const char *zone_field_name(enum zone_field field)
{
	static const char *const names[ZONE_FIELD_COUNT] = { "spanned",	  "present",
							     "managed",	  "cma",
							     "min",	  "low",
							     "high",	  "promo",
							     "start_pfn", "pcp high",
							     "pcp batch", "high_min",
							     "high_max",  "vm stats threshold" };

	return names[field];
}

void answers_deinit(struct answers *a)
{
	free(a->items);
	free(a->list);
	memset(a, 0, sizeof(*a));
}

void answers_clear(struct answers *a)
{
	a->count = a->list_count = 0;
}

struct answer *answers_add(struct answers *a, enum answer_kind kind)
{
	struct answer *item;

	if (a->count == a->room) {
		uint32_t room = a->room ? a->room * 2 : 256;
		struct answer *grown = realloc(a->items, room * sizeof(*grown));

		if (!grown) {
			a->out_of_memory = true;
			return &a->nowhere;
		}
		a->items = grown;
		a->room = room;
	}
	item = &a->items[a->count++];
	*item = (struct answer){ .kind = kind, .nid = -1, .type = -1, .list_start = a->list_count };
	return item;
}

void answers_add_unknowable(struct answers *a, enum answer_kind kind, const char *reason)
{
	struct answer *all = answers_add(a, kind);

	all->index = ANSWER_INDEX_ALL;
	all->basis = BASIS_UNDERIVABLE;
	all->reason = reason;
}

static void reverse(struct answer *items, uint32_t first, uint32_t end)
{
	while (first + 1 < end) {
		struct answer t = items[first];

		items[first++] = items[--end];
		items[end] = t;
	}
}

void answers_move(struct answers *a, uint32_t first, uint32_t end, uint32_t to)
{
	reverse(a->items, to, first);
	reverse(a->items, first, end);
	reverse(a->items, to, end);
}

void answers_push(struct answers *a, uint32_t value)
{
	if (!a->count)
		return;
	if (a->list_count == a->list_room) {
		uint32_t room = a->list_room ? a->list_room * 2 : 256;
		uint32_t *grown = realloc(a->list, room * sizeof(*grown));

		if (!grown) {
			a->out_of_memory = true;
			return;
		}
		a->list = grown;
		a->list_room = room;
	}
	a->list[a->list_count++] = value;
	a->items[a->count - 1].list_count++;
}

bool answer_same_key(const struct answer *a, const struct answer *b)
{
	return a->kind == b->kind && a->nid == b->nid && a->type == b->type && a->index == b->index;
}

bool answer_same_value(const struct answers *as, const struct answer *a, const struct answers *bs,
		       const struct answer *b)
{
	/* The pages free at the Memory: line may vary by a known amount: v[1] kB above v[0]. */
	if (a->kind == ANSWER_MEMORY_AVAILABLE && (a->v[1] || b->v[1])) {
		const struct answer *range = b->v[1] ? b : a, *value = b->v[1] ? a : b;

		return value->v[0] >= range->v[0] && value->v[0] <= range->v[0] + range->v[1];
	}
	if (memcmp(a->v, b->v, sizeof(a->v)) || a->list_count != b->list_count)
		return false;
	return !a->list_count || !memcmp(as->list + a->list_start, bs->list + b->list_start,
					 a->list_count * sizeof(*as->list));
}
