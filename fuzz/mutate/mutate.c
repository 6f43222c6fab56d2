/* SPDX-License-Identifier: MIT */
/*
 * Mutate: see mutate.h.
 *
 * How a field is drawn: each has a weight by what it is and how much is in it, so that a list of forty
 * ranges is changed more often than the flag beside it, though not forty times as often.
 */
#include "fuzz/mutate/mutate.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "engine/facts.h"
#include "fuzz/mutate/internal.h"

static const struct {
	const char *message, *field;
	enum mutate_hint hint;
} hints[] = {
#define HINT(message, field, hint) { message, field, MUTATE_##hint },
#include "fuzz/mutate/hints.def"
#undef HINT
};

static const struct {
	const char *message;
	bool (*special)(struct mutator *m, ProtobufCMessage *message);
} specials[] = {
	{ "BootInput", mutate_boot_input },
	{ "Kernel", mutate_kernel },
	{ "Scenario", mutate_scenario },
	{ "Operation", mutate_operation },
};

/* ---- plans ------------------------------------------------------------------------------------- */

static void make_plan(const ProtobufCMessageDescriptor *type, struct plan *plan)
{
	*plan = (struct plan){ .type = type };
	assert(type->n_fields <= PLAN_FIELDS_MAX);
	for (size_t i = 0; i < sizeof(specials) / sizeof(*specials); i++)
		if (!strcmp(specials[i].message, type->short_name))
			plan->special = specials[i].special;
	for (size_t i = 0; i < sizeof(hints) / sizeof(*hints); i++)
		for (unsigned int f = 0; f < type->n_fields; f++)
			if (!strcmp(hints[i].message, type->short_name) &&
			    !strcmp(hints[i].field, type->fields[f].name))
				plan->hints[f] = hints[i].hint;
}

const struct plan *mutate_plan(const struct mutator *m, const ProtobufCMessageDescriptor *type)
{
	const struct plan *plan = m->plans;

	while (plan->type != type)
		plan++;
	return plan;
}

static void plan_all(struct mutator *m, const ProtobufCMessageDescriptor *type)
{
	for (unsigned int i = 0; i < m->plan_count; i++)
		if (m->plans[i].type == type)
			return;
	assert(m->plan_count < PLANS_MAX);
	make_plan(type, &m->plans[m->plan_count++]);
	for (unsigned int i = 0; i < type->n_fields; i++)
		if (type->fields[i].type == PROTOBUF_C_TYPE_MESSAGE)
			plan_all(m, type->fields[i].descriptor);
}

struct error *mutator_create(const ProtobufCMessageDescriptor *root, const char *const *words,
			     struct mutator **ret)
{
	struct mutator *m = calloc(1, sizeof(*m));

	if (!m)
		return error_no_memory();
	m->words = words;
	while (words && words[m->word_count])
		m->word_count++;
	if (root)
		plan_all(m, root);
	*ret = m;
	return NULL;
}

void mutator_destroy(struct mutator *m)
{
	free(m);
}

void mutator_leave(struct mutator *m, const char *name)
{
	/* The root is the first that was planned. */
	struct plan *plan = &m->plans[0];

	for (unsigned int i = 0; i < plan->type->n_fields; i++)
		if (!strcmp(plan->type->fields[i].name, name))
			plan->hints[i] = MUTATE_LEFT;
	/* What changes several fields at once does not know of it. */
	plan->special = NULL;
}

void mutator_seed(struct mutator *m, struct prng prng)
{
	m->prng = prng;
}

/* ---- copies ------------------------------------------------------------------------------------ */

static bool copy_element(const ProtobufCFieldDescriptor *field, void *to, const void *from,
			 struct arena *arena);

static bool copy_bytes(ProtobufCBinaryData *to, const ProtobufCBinaryData *from,
		       struct arena *arena)
{
	*to = *from;
	if (!from->len)
		return true;
	to->data = arena_alloc(arena, from->len + 1);
	if (!to->data)
		return false;
	memcpy(to->data, from->data, from->len);
	return true;
}

static bool copy_string(char **to, const char *from, struct arena *arena)
{
	size_t size = strlen(from) + 1;

	*to = arena_alloc(arena, size);
	if (*to)
		memcpy(*to, from, size);
	return *to;
}

static bool copy_element(const ProtobufCFieldDescriptor *field, void *to, const void *from,
			 struct arena *arena)
{
	const ProtobufCMessage *message;
	const char *text;

	switch (field->type) {
	case PROTOBUF_C_TYPE_MESSAGE:
		message = *(ProtobufCMessage *const *)from;
		if (message) {
			*(ProtobufCMessage **)to = mutate_copy(message, arena);
			return *(ProtobufCMessage **)to;
		}
		*(void **)to = NULL;
		return true;
	case PROTOBUF_C_TYPE_STRING:
		text = *(const char *const *)from;
		/* The default is shared. */
		if (text && text != field->default_value)
			return copy_string(to, text, arena);
		*(const char **)to = text;
		return true;
	case PROTOBUF_C_TYPE_BYTES:
		return copy_bytes(to, from, arena);
	default:
		memcpy(to, from, field_value_bytes(field));
		return true;
	}
}

ProtobufCMessage *mutate_copy(const ProtobufCMessage *message, struct arena *arena)
{
	const ProtobufCMessageDescriptor *type = message->descriptor;
	ProtobufCMessage *copy = arena_alloc(arena, type->sizeof_message);

	if (!copy)
		return NULL;
	memcpy(copy, message, type->sizeof_message);
	copy->n_unknown_fields = 0;
	copy->unknown_fields = NULL;
	for (unsigned int i = 0; i < type->n_fields; i++) {
		const ProtobufCFieldDescriptor *f = &type->fields[i];
		size_t bytes = field_value_bytes(f), count;
		char *to, *from;

		if (f->label != PROTOBUF_C_LABEL_REPEATED) {
			if (!copy_element(f, field_at(copy, f), field_at(message, f), arena))
				return NULL;
			continue;
		}
		count = *field_count(message, f);
		if (!count)
			continue;
		from = *(char **)field_at(message, f);
		to = arena_alloc(arena, count * bytes);
		if (!to)
			return NULL;
		*(void **)field_at(copy, f) = to;
		for (size_t k = 0; k < count; k++)
			if (!copy_element(f, to + k * bytes, from + k * bytes, arena))
				return NULL;
	}
	return copy;
}

void *mutate_make_room(struct mutator *m, void **array, size_t *array_count, size_t at,
		       size_t count, size_t bytes)
{
	char *moved;

	if (*array_count + count > MUTATE_ELEMENTS_MAX)
		return NULL;
	moved = arena_array(m->arena, *array_count + count, bytes);
	if (!moved)
		return NULL;
	if (at)
		memcpy(moved, *array, at * bytes);
	if (at < *array_count)
		memcpy(moved + (at + count) * bytes, (char *)*array + at * bytes,
		       (*array_count - at) * bytes);
	*array = moved;
	*array_count += count;
	return moved + at * bytes;
}

/* ---- texts ------------------------------------------------------------------------------------- */

/* Changes @len bytes in a buffer with room for MUTATE_TEXT_MAX of them, without a NUL. */
static size_t change_text(struct mutator *m, char *text, size_t len)
{
	len = mutate_bytes(m, (uint8_t *)text, len, MUTATE_TEXT_MAX);
	for (size_t i = 0; i < len; i++)
		if (!text[i])
			text[i] = ' ';
	return len;
}

static void change_bytes(struct mutator *m, ProtobufCBinaryData *data)
{
	char *text = arena_alloc(m->arena, MUTATE_TEXT_MAX);
	size_t len = data->len < MUTATE_TEXT_MAX ? data->len : MUTATE_TEXT_MAX;

	if (!text)
		return;
	if (len)
		memcpy(text, data->data, len);
	data->len = change_text(m, text, len);
	data->data = (uint8_t *)text;
}

static void change_string(struct mutator *m, enum mutate_hint hint, char **string)
{
	char *text = arena_alloc(m->arena, MUTATE_TEXT_MAX + 1);
	size_t len;

	if (!text)
		return;
	if (hint == MUTATE_FACT && !one_in(m, 64)) {
		enum fact f = (enum fact)prng_below(&m->prng, FACT_COUNT);

		*string = (char *)(uintptr_t)fact_info(f)->name;
		return;
	}
	len = *string ? strlen(*string) : 0;
	if (len > MUTATE_TEXT_MAX)
		len = MUTATE_TEXT_MAX;
	if (len)
		memcpy(text, *string, len);
	text[change_text(m, text, len)] = 0;
	*string = text;
}

/* ---- values ------------------------------------------------------------------------------------ */

static void change_message(struct mutator *m, ProtobufCMessage *message, unsigned int depth);

/* A message of which a few fields are set. */
static ProtobufCMessage *make_message(struct mutator *m, const ProtobufCMessageDescriptor *type,
				      unsigned int depth)
{
	ProtobufCMessage *message = arena_alloc(m->arena, type->sizeof_message);
	uint64_t changes;

	if (!message)
		return NULL;
	type->message_init(message);
	changes = 1 + prng_below(&m->prng, type->n_fields < 8 ? type->n_fields + 1 : 8);
	for (uint64_t i = 0; i < changes; i++)
		change_message(m, message, depth + 1);
	return message;
}

static void change_value(struct mutator *m, const ProtobufCFieldDescriptor *field,
			 enum mutate_hint hint, void *at)
{
	const ProtobufCEnumDescriptor *list = field->descriptor;

	switch (field->type) {
	case PROTOBUF_C_TYPE_STRING:
		change_string(m, hint, at);
		break;
	case PROTOBUF_C_TYPE_BYTES:
		change_bytes(m, at);
		break;
	case PROTOBUF_C_TYPE_BOOL:
		mutate_put(field, at, !mutate_get(field, at));
		break;
	case PROTOBUF_C_TYPE_ENUM:
		mutate_put(field, at,
			   one_in(m, 64) ? prng_below(&m->prng, 300)
					 : (uint64_t)(int64_t)list
						   ->values[prng_below(&m->prng, list->n_values)]
						   .value);
		break;
	default:
		mutate_put(field, at, mutate_number(m, hint, mutate_get(field, at)));
	}
}

/* An element of a repeated field is made anew. */
static bool make_element(struct mutator *m, const ProtobufCFieldDescriptor *field,
			 enum mutate_hint hint, void *at, unsigned int depth)
{
	static char nothing[1];

	if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
		*(ProtobufCMessage **)at = make_message(m, field->descriptor, depth);
		return *(void **)at;
	}
	if (field->type == PROTOBUF_C_TYPE_STRING)
		*(char **)at = nothing;
	change_value(m, field, hint, at);
	return true;
}

/* ---- lists ------------------------------------------------------------------------------------- */

/* One field of a message that is a list, and what its elements are. */
struct list {
	const ProtobufCFieldDescriptor *field;
	enum mutate_hint hint;
	void **array;
	size_t *count;
	size_t bytes; /* of an element */
	unsigned int depth;
};

static char *element(const struct list *l, size_t i)
{
	return (char *)*l->array + i * l->bytes;
}

/* ---- references -------------------------------------------------------------------------------- */

/* The field of a message that holds the number of an earlier one in the same list, or NULL. */
static const ProtobufCFieldDescriptor *earlier_field(const ProtobufCFieldDescriptor *list)
{
	const ProtobufCMessageDescriptor *type = list->descriptor;

	if (list->type != PROTOBUF_C_TYPE_MESSAGE)
		return NULL;
	for (size_t i = 0; i < sizeof(hints) / sizeof(*hints); i++)
		if (hints[i].hint == MUTATE_EARLIER && !strcmp(hints[i].message, type->short_name))
			return protobuf_c_message_descriptor_get_field_by_name(type,
									       hints[i].field);
	return NULL;
}

/* In elements [@first, @end) of @array, numbers from @low up to before @high get @by more. */
static void renumber(const ProtobufCFieldDescriptor *earlier, void *const *array, size_t first,
		     size_t end, uint64_t low, uint64_t high, uint64_t by)
{
	for (size_t i = first; i < end; i++) {
		const ProtobufCMessage *e = array[i];
		uint64_t number = mutate_get(earlier, field_at(e, earlier));

		if (*field_has(e, earlier) && number >= low && number < high)
			mutate_put(earlier, field_at(e, earlier), number + by);
	}
}

/*
 * Elements [@at, @at + @run) are new; they were numbers from @from on where they come from.  What others,
 * and they among each other, point to stays what it was.
 */
static void follow_insertion(const struct list *l, size_t at, size_t run, size_t from)
{
	const ProtobufCFieldDescriptor *earlier = earlier_field(l->field);
	void *const *array = *l->array;

	if (!earlier)
		return;
	renumber(earlier, array, 0, at, at, UINT64_MAX, run);
	renumber(earlier, array, at + run, *l->count, at, UINT64_MAX, run);
	renumber(earlier, array, at, at + run, from, from + run, (uint64_t)at - from);
}

/* Elements that were numbers [@at, @at + @run) are gone. */
static void follow_removal(const struct list *l, size_t at, size_t run)
{
	const ProtobufCFieldDescriptor *earlier = earlier_field(l->field);

	if (earlier)
		renumber(earlier, *l->array, 0, *l->count, at + run, UINT64_MAX, -(uint64_t)run);
}

/* ---- changes of lists -------------------------------------------------------------------------- */

/* It is made before it has its place, as searches for a number look at the whole message. */
static void insert_new(struct mutator *m, const struct list *l)
{
	size_t at = prng_below(&m->prng, *l->count + 1);
	char made[sizeof(ProtobufCBinaryData)] = { 0 };
	void *to;

	m->index = at;
	if (!make_element(m, l->field, l->hint, made, l->depth))
		return;
	to = mutate_make_room(m, l->array, l->count, at, 1, l->bytes);
	if (!to)
		return;
	memcpy(to, made, l->bytes);
	/* What it points to itself was drawn from those before it. */
	follow_insertion(l, at, 1, at);
}

/* Copies of a few elements in a row go elsewhere, or right behind. */
static void insert_copy(struct mutator *m, const struct list *l)
{
	size_t from = prng_below(&m->prng, *l->count), before = *l->count;
	size_t run = 1 + prng_skewed(&m->prng, one_in(m, 4) ? *l->count - from : 1);
	size_t at = one_in(m, 2) ? from + run : prng_below(&m->prng, *l->count + 1);
	void *old = *l->array, *to = mutate_make_room(m, l->array, l->count, at, run, l->bytes);

	for (size_t i = 0; i < run && to; i++) {
		if (copy_element(l->field, (char *)to + i * l->bytes,
				 (char *)old + (from + i) * l->bytes, m->arena))
			continue;
		*l->array = old;
		*l->count = before;
		return;
	}
	if (to)
		follow_insertion(l, at, run, from);
}

static void erase(struct mutator *m, const struct list *l)
{
	size_t from = prng_below(&m->prng, *l->count), left = *l->count - from;
	size_t run = 1 + prng_skewed(&m->prng, one_in(m, 4) ? left : 1);

	if (run > left)
		run = left;
	memmove(element(l, from), element(l, from + run), (left - run) * l->bytes);
	*l->count -= run;
	follow_removal(l, from, run);
}

static void swap(const struct list *l, size_t a, size_t b)
{
	char kept[sizeof(ProtobufCBinaryData)];

	memcpy(kept, element(l, a), l->bytes);
	memcpy(element(l, a), element(l, b), l->bytes);
	memcpy(element(l, b), kept, l->bytes);
}

static void move(struct mutator *m, const struct list *l)
{
	size_t a = prng_below(&m->prng, *l->count), b = prng_below(&m->prng, *l->count);

	for (; a < b; a++)
		swap(l, a, a + 1);
	for (; a > b; a--)
		swap(l, a, a - 1);
}

/* The two fields of a message that make a range: [start, end), or a start and a size. */
static bool range_fields(const struct mutator *m, const ProtobufCMessageDescriptor *type,
			 const ProtobufCFieldDescriptor **start,
			 const ProtobufCFieldDescriptor **end, bool *is_size)
{
	const struct plan *plan = mutate_plan(m, type);

	*start = *end = NULL;
	for (unsigned int i = 0; i < type->n_fields; i++) {
		bool place = plan->hints[i] == MUTATE_ADDRESS || plan->hints[i] == MUTATE_PFN;

		if (place && !*start) {
			*start = &type->fields[i];
		} else if ((place || plan->hints[i] == MUTATE_SIZE) && *start && !*end) {
			*end = &type->fields[i];
			*is_size = !place;
		}
	}
	return *end;
}

static void put_number(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field,
		       uint64_t value)
{
	if (field->label == PROTOBUF_C_LABEL_OPTIONAL)
		*field_has(message, field) = 1;
	mutate_put(field, field_at(message, field), value);
}

/* A range becomes two that touch, and the second one is changed a little perhaps. */
static void split(struct mutator *m, const struct list *l)
{
	const ProtobufCFieldDescriptor *start, *end;
	size_t at = prng_below(&m->prng, *l->count);
	const ProtobufCMessage *first, *second;
	uint64_t from, length, cut;
	bool is_size;
	void *to;

	if (!range_fields(m, l->field->descriptor, &start, &end, &is_size))
		return;
	to = mutate_make_room(m, l->array, l->count, at + 1, 1, l->bytes);
	if (!to)
		return;
	first = *(ProtobufCMessage **)element(l, at);
	second = mutate_copy(first, m->arena);
	if (!second) {
		*(const ProtobufCMessage **)to = first;
		(*l->count)--;
		memmove(to, (char *)to + l->bytes, (*l->count - at - 1) * l->bytes);
		return;
	}
	*(const ProtobufCMessage **)to = second;
	from = mutate_get(start, field_at(first, start));
	length = mutate_get(end, field_at(first, end)) - (is_size ? 0 : from);
	cut = prng_below(&m->prng, length);
	if (!one_in(m, 8))
		cut &= ~4095ULL;
	put_number(first, end, is_size ? cut : from + cut);
	put_number(second, start, from + cut);
	if (is_size)
		put_number(second, end, length - cut);
	if (one_in(m, 2))
		change_message(m, (ProtobufCMessage *)(uintptr_t)second, l->depth + 1);
}

/*
 * Many more like one of the ranges, in steps: what is kept in arrays of fixed size, or told apart by a few
 * bits, shows at such numbers.
 */
static void insert_run(struct mutator *m, const struct list *l)
{
	const ProtobufCFieldDescriptor *start, *end;
	size_t from = prng_below(&m->prng, *l->count), run, before = *l->count;
	uint64_t step = 4096ULL << prng_below(&m->prng, 16), at, length;
	void *old = *l->array, **to;
	const ProtobufCMessage *like;
	bool is_size, narrow = one_in(m, 2);

	if (!range_fields(m, l->field->descriptor, &start, &end, &is_size))
		return;
	run = 1ULL << (1 + prng_below(&m->prng, 7));
	if (one_in(m, 2))
		run += prng_below(&m->prng, 5);
	if (one_in(m, 2))
		run -= run < before ? 1 : prng_below(&m->prng, before < run ? before : run);
	to = mutate_make_room(m, l->array, l->count, from + 1, run, l->bytes);
	if (!to)
		return;
	like = *(ProtobufCMessage **)element(l, from);
	at = mutate_get(start, field_at(like, start));
	length = mutate_get(end, field_at(like, end)) - (is_size ? 0 : at);
	if (narrow)
		length = 4096ULL << prng_below(&m->prng, 4);
	for (size_t i = 0; i < run; i++) {
		ProtobufCMessage *copy = mutate_copy(like, m->arena);

		if (!copy) {
			*l->array = old;
			*l->count = before;
			return;
		}
		at += step;
		put_number(copy, start, at);
		put_number(copy, end, is_size ? length : at + length);
		to[i] = copy;
	}
	follow_insertion(l, from + 1, run, from + 1);
}

static void change_list(struct mutator *m, const struct list *l)
{
	bool messages = l->field->type == PROTOBUF_C_TYPE_MESSAGE;
	size_t at;

	if (!*l->count) {
		insert_new(m, l);
		return;
	}
	switch (prng_below(&m->prng, 16)) {
	case 0:
		insert_new(m, l);
		break;
	case 1:
	case 2:
		insert_copy(m, l);
		break;
	case 3:
	case 4:
		erase(m, l);
		break;
	case 5:
		swap(l, prng_below(&m->prng, *l->count), prng_below(&m->prng, *l->count));
		break;
	case 6:
		move(m, l);
		break;
	case 7:
		if (messages && one_in(m, 4))
			insert_run(m, l);
		else if (messages)
			split(m, l);
		else
			memcpy(element(l, prng_below(&m->prng, *l->count)),
			       element(l, prng_below(&m->prng, *l->count)), l->bytes);
		break;
	default:
		at = prng_below(&m->prng, *l->count);
		m->index = at;
		if (messages)
			change_message(m, *(ProtobufCMessage **)element(l, at), l->depth + 1);
		else
			change_value(m, l->field, l->hint, element(l, at));
	}
}

/* ---- messages ---------------------------------------------------------------------------------- */

static void change_optional(struct mutator *m, ProtobufCMessage *message,
			    const ProtobufCFieldDescriptor *f, enum mutate_hint hint,
			    unsigned int depth)
{
	void *at = field_at(message, f);

	if (f->type == PROTOBUF_C_TYPE_MESSAGE) {
		ProtobufCMessage **part = at;

		if (!*part)
			*part = make_message(m, f->descriptor, depth);
		else if (one_in(m, 64))
			*part = NULL;
		else
			change_message(m, *part, depth + 1);
		return;
	}
	if (f->type == PROTOBUF_C_TYPE_STRING) {
		if (*(char **)at && one_in(m, 16))
			*(char **)at = NULL;
		else
			change_string(m, hint, at);
		return;
	}
	if (f->label == PROTOBUF_C_LABEL_OPTIONAL) {
		protobuf_c_boolean *has = field_has(message, f);

		if (*has && one_in(m, 16)) {
			*has = 0;
			/* An absent field has its default, as if it had been read so. */
			if (f->default_value)
				memcpy(at, f->default_value, field_value_bytes(f));
			else
				memset(at, 0, field_value_bytes(f));
			return;
		}
		*has = 1;
	}
	change_value(m, f, hint, at);
}

static unsigned int weight_of(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *f,
			      enum mutate_hint hint)
{
	size_t count = 0;

	if (hint == MUTATE_LEFT)
		return 0;
	if (hint == MUTATE_RARE)
		return 1;
	if (f->label != PROTOBUF_C_LABEL_REPEATED)
		return f->type != PROTOBUF_C_TYPE_MESSAGE ? 16
		       : *(void **)field_at(message, f)	  ? 64
							  : 4;
	count = *field_count(message, f);
	if (count > 16)
		count = 16;
	return f->type == PROTOBUF_C_TYPE_MESSAGE ? 8 + 8 * (unsigned int)count
						  : 8 + 4 * (unsigned int)count;
}

static void change_message(struct mutator *m, ProtobufCMessage *message, unsigned int depth)
{
	const ProtobufCMessageDescriptor *type = message->descriptor;
	const struct plan *plan = mutate_plan(m, type);
	unsigned int weights[PLAN_FIELDS_MAX], total = 0, f = 0;
	const ProtobufCFieldDescriptor *field;
	uint64_t drawn;

	if (!type->n_fields || depth > 8)
		return;
	if (plan->special && one_in(m, 4) && plan->special(m, message))
		return;
	for (unsigned int i = 0; i < type->n_fields; i++)
		total += weights[i] =
			weight_of(message, &type->fields[i], (enum mutate_hint)plan->hints[i]);
	if (!total)
		return;
	drawn = prng_below(&m->prng, total);
	while (f + 1 < type->n_fields && drawn >= weights[f])
		drawn -= weights[f++];
	field = &type->fields[f];
	if (field->label == PROTOBUF_C_LABEL_REPEATED) {
		struct list l = { .field = field,
				  .hint = (enum mutate_hint)plan->hints[f],
				  .array = field_at(message, field),
				  .count = field_count(message, field),
				  .bytes = field_value_bytes(field),
				  .depth = depth };

		change_list(m, &l);
	} else {
		change_optional(m, message, field, (enum mutate_hint)plan->hints[f], depth);
	}
}

void mutate_message(struct mutator *m, ProtobufCMessage *message, struct arena *arena)
{
	m->arena = arena;
	m->root = message;
	m->index = 0;
	change_message(m, message, 0);
}

/* ---- crossing ---------------------------------------------------------------------------------- */

static void cross_list(struct mutator *m, const struct list *to, const struct list *from)
{
	size_t first = prng_below(&m->prng, *from->count), before = *to->count;
	size_t run = 1 + prng_skewed(&m->prng, *from->count - first);
	size_t at = prng_below(&m->prng, *to->count + 1), gone = 0;
	void *old = *to->array, *place;

	place = mutate_make_room(m, to->array, to->count, at, run, to->bytes);
	for (size_t i = 0; i < run && place; i++) {
		if (copy_element(to->field, (char *)place + i * to->bytes, element(from, first + i),
				 m->arena))
			continue;
		*to->array = old;
		*to->count = before;
		return;
	}
	if (!place)
		return;
	follow_insertion(to, at, run, first);
	/* In place of as many, or between. */
	if (one_in(m, 2)) {
		gone = before - at < run ? before - at : run;
		memmove(element(to, at + run), element(to, at + run + gone),
			(before - at - gone) * to->bytes);
		*to->count -= gone;
		follow_removal(to, at + run, gone);
	}
}

static void cross(struct mutator *m, ProtobufCMessage *message, const ProtobufCMessage *other,
		  unsigned int depth)
{
	const ProtobufCMessageDescriptor *type = message->descriptor;
	const ProtobufCFieldDescriptor *field = NULL;
	unsigned int total = 0;

	/* Among what the other one has, by how much it is. */
	for (unsigned int i = 0; i < type->n_fields; i++) {
		const ProtobufCFieldDescriptor *f = &type->fields[i];
		const struct plan *plan = mutate_plan(m, type);
		unsigned int weight;

		if (f->label == PROTOBUF_C_LABEL_REPEATED)
			weight = *field_count(other, f) ? 16 : 0;
		else if (f->type == PROTOBUF_C_TYPE_MESSAGE || f->type == PROTOBUF_C_TYPE_STRING)
			weight = *(void **)field_at(other, f) ? 16 : 0;
		else
			weight = *field_has(other, f) ? 2 : 0;
		if (weight && plan->hints[i] == MUTATE_RARE)
			weight = 1;
		if (plan->hints[i] == MUTATE_LEFT)
			weight = 0;
		total += weight;
		if (weight && prng_below(&m->prng, total) < weight)
			field = f;
	}
	if (!field)
		return;
	if (field->label == PROTOBUF_C_LABEL_REPEATED) {
		struct list to = { .field = field,
				   .array = field_at(message, field),
				   .count = field_count(message, field),
				   .bytes = field_value_bytes(field) };
		struct list from = to;

		from.array = field_at(other, field);
		from.count = field_count(other, field);
		cross_list(m, &to, &from);
	} else if (field->type == PROTOBUF_C_TYPE_MESSAGE && depth < 8 &&
		   *(void **)field_at(message, field) && !one_in(m, 8)) {
		cross(m, *(ProtobufCMessage **)field_at(message, field),
		      *(ProtobufCMessage **)field_at(other, field), depth + 1);
	} else {
		char value[sizeof(ProtobufCBinaryData)];

		if (!copy_element(field, value, field_at(other, field), m->arena))
			return;
		memcpy(field_at(message, field), value, field_value_bytes(field));
		if (field->label == PROTOBUF_C_LABEL_OPTIONAL &&
		    field->type != PROTOBUF_C_TYPE_MESSAGE && field->type != PROTOBUF_C_TYPE_STRING)
			*field_has(message, field) = 1;
	}
}

void mutate_cross(struct mutator *m, ProtobufCMessage *message, const ProtobufCMessage *other,
		  struct arena *arena)
{
	m->arena = arena;
	m->root = message;
	m->index = 0;
	cross(m, message, other, 0);
}

/* ---- parts -------------------------------------------------------------------------------------- */

/* Counts parts in *@left down; the one at 0 is left out if @drop.  True: it was there. */
static bool walk_parts(const ProtobufCMessage *message, size_t *left, bool drop)
{
	for (unsigned int i = 0; i < message->descriptor->n_fields; i++) {
		const ProtobufCFieldDescriptor *f = &message->descriptor->fields[i];
		bool messages = f->type == PROTOBUF_C_TYPE_MESSAGE;
		bool repeated = f->label == PROTOBUF_C_LABEL_REPEATED;
		size_t bytes = field_value_bytes(f), count = 1;
		char *array = field_at(message, f);

		if (!repeated && (!messages || !*(void **)array))
			continue;
		if (repeated) {
			count = *field_count(message, f);
			array = *(char **)array;
		}
		for (size_t k = 0; k < count; k++) {
			char *at = array + k * bytes;

			if (drop && !*left) {
				if (repeated) {
					struct list l = { .field = f,
							  .array = field_at(message, f),
							  .count = field_count(message, f) };

					memmove(at, at + bytes, (count - k - 1) * bytes);
					--*field_count(message, f);
					follow_removal(&l, k, 1);
				} else {
					*(void **)at = NULL;
				}
				return true;
			}
			*left += drop ? (size_t)-1 : 1;
			if (messages && walk_parts(*(ProtobufCMessage **)at, left, drop))
				return true;
		}
	}
	return false;
}

size_t mutate_parts(const ProtobufCMessage *message)
{
	size_t count = 0;

	walk_parts(message, &count, false);
	return count;
}

bool mutate_drop_part(ProtobufCMessage *message, size_t part)
{
	return walk_parts(message, &part, true);
}
