/* SPDX-License-Identifier: MIT */
/* Numbers: what a field may become. */
#include <assert.h>
#include <string.h>

#include "fuzz/mutate/internal.h"

#define PAGE 4096ULL
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* Where something ends or begins on machines that there are. */
static const uint64_t places[] = {
	0,	    0x1000,	0x9fc00,     0xa0000,	  0x100000,
	0x1000000,  0x377fe000, /* low memory of i386 */
	0x38000000, 0x40000000, 0x7fffffff,  0x80000000,  0xc0000000,
	0xfee00000, 0xffffffff, 0x100000000, 0x140000000, 0x880000000,
	1ULL << 36, 1ULL << 40, 1ULL << 46,  1ULL << 52,  UINT64_MAX - 0xfff,
	UINT64_MAX,
};
static const uint8_t distances[] = { 10, 11, 12, 20, 21, 31, 32, 100, 254, 255, 0, 9 };

uint64_t mutate_get(const ProtobufCFieldDescriptor *field, const void *at)
{
	uint64_t wide;
	int32_t narrow;

	switch (field->type) {
	case PROTOBUF_C_TYPE_BOOL:
		return *(const protobuf_c_boolean *)at != 0;
	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_FIXED32:
		memcpy(&narrow, at, 4);
		return (uint32_t)narrow;
	default:
		break;
	}
	if (field_value_bytes(field) == 4) {
		memcpy(&narrow, at, 4);
		return (uint64_t)(int64_t)narrow;
	}
	memcpy(&wide, at, 8);
	return wide;
}

void mutate_put(const ProtobufCFieldDescriptor *field, void *at, uint64_t value)
{
	uint32_t narrow = (uint32_t)value;

	if (field->type == PROTOBUF_C_TYPE_BOOL)
		*(protobuf_c_boolean *)at = value & 1;
	else if (field_value_bytes(field) == 4)
		memcpy(at, &narrow, 4);
	else
		memcpy(at, &value, 8);
}

bool mutate_find(struct mutator *m, const ProtobufCMessage *message, enum mutate_hint hint,
		 uint64_t *ret)
{
	for (unsigned int depth = 0; depth < 8; depth++) {
		const struct plan *plan = mutate_plan(m, message->descriptor);
		const ProtobufCMessage *next = NULL;
		uint64_t seen = 0;
		bool found = false;

		/* One of the places here is kept, each as likely as the others. */
		for (unsigned int i = 0; i < message->descriptor->n_fields; i++) {
			const ProtobufCFieldDescriptor *f = &message->descriptor->fields[i];
			bool repeated = f->label == PROTOBUF_C_LABEL_REPEATED;
			size_t count = repeated ? *field_count(message, f) : 1;
			void *at = field_at(message, f);

			if (!count ||
			    (f->type != PROTOBUF_C_TYPE_MESSAGE && plan->hints[i] != hint))
				continue;
			if (repeated)
				at = (char *)*(void **)at +
				     prng_below(&m->prng, count) * field_value_bytes(f);
			else if (f->type == PROTOBUF_C_TYPE_MESSAGE ? !*(void **)at
								    : !*field_has(message, f))
				continue;
			if (prng_below(&m->prng, ++seen))
				continue;
			found = f->type != PROTOBUF_C_TYPE_MESSAGE;
			if (found)
				*ret = mutate_get(f, at);
			else
				next = *(ProtobufCMessage **)at;
		}
		if (found || !next)
			return found;
		message = next;
	}
	return false;
}

/* What is done to any number. */
static uint64_t plain(struct mutator *m, uint64_t old)
{
	switch (prng_below(&m->prng, 8)) {
	case 0:
		return old + 1;
	case 1:
		return old - 1;
	case 2:
		return old ^ 1ULL << prng_below(&m->prng, 64);
	case 3:
		return (1ULL << prng_below(&m->prng, 64)) - prng_below(&m->prng, 2);
	case 4:
		return prng_skewed(&m->prng, UINT64_MAX);
	case 5:
		return prng_below(&m->prng, 16);
	case 6:
		return one_in(m, 2) ? old << 1 : old >> 1;
	default:
		return one_in(m, 2) ? 0 : UINT64_MAX;
	}
}

static uint64_t address(struct mutator *m, enum mutate_hint hint, uint64_t old, uint64_t page)
{
	uint64_t other = old, unit;

	switch (prng_below(&m->prng, 8)) {
	case 0:
	case 1:
	case 2: /* at or near another one */
		/* Where memory begins and ends is mostly told in bytes. */
		if (hint == MUTATE_PFN && one_in(m, 2) &&
		    mutate_find(m, m->root, MUTATE_ADDRESS, &other))
			other /= PAGE;
		else
			mutate_find(m, m->root, hint, &other);
		if (one_in(m, 2))
			return other;
		return one_in(m, 2) ? other + page * (prng_below(&m->prng, 5) - 2)
				    : other + prng_below(&m->prng, 5) - 2;
	case 3:
	case 4: /* a little further, or much */
		unit = page << prng_below(&m->prng, 20);
		return one_in(m, 2) ? old + unit : old - unit;
	case 5: /* to a boundary */
		unit = page << prng_below(&m->prng, 20);
		return one_in(m, 2) ? old & ~(unit - 1) : (old + unit - 1) & ~(unit - 1);
	case 6: /* a page frame may be the last before it */
		other = places[prng_below(&m->prng, COUNT_OF(places))] / (PAGE / page);
		return hint == MUTATE_PFN && one_in(m, 2) ? other - 1 : other;
	default:
		return plain(m, old);
	}
}

static uint64_t size(struct mutator *m, uint64_t old)
{
	uint64_t a, b;

	switch (prng_below(&m->prng, 6)) {
	case 0:
	case 1:
		return PAGE << prng_below(&m->prng, 20);
	case 2:
		return PAGE * prng_skewed(&m->prng, 1 << 20);
	case 3: /* from one address to another */
		if (mutate_find(m, m->root, MUTATE_ADDRESS, &a) &&
		    mutate_find(m, m->root, MUTATE_ADDRESS, &b))
			return a < b ? b - a : a - b;
		return old;
	case 4:
		return one_in(m, 2) ? old + PAGE : old - PAGE;
	default:
		return plain(m, old);
	}
}

/* A power of two, or next to it. */
static uint64_t about_a_power(struct mutator *m, uint64_t bits)
{
	uint64_t power = 1ULL << prng_below(&m->prng, bits);

	return one_in(m, 2) ? power : power + prng_below(&m->prng, 5) - 2;
}

static uint64_t amount(struct mutator *m, uint64_t old)
{
	uint64_t number;

	switch (prng_below(&m->prng, 8)) {
	case 0:
	case 1:
	case 2:
		return prng_below(&m->prng, 9);
	case 3:
		number = 1;
		for (uint64_t zeros = prng_below(&m->prng, 10); zeros; zeros--)
			number *= 10;
		return number;
	case 4:
		number = about_a_power(m, 32);
		return one_in(m, 2) ? number : -number;
	case 5:
		return -old;
	case 6:
		return prng_skewed(&m->prng, 1 << 20);
	default:
		return one_in(m, 2) ? old + 1 : old - 1;
	}
}

uint64_t mutate_number(struct mutator *m, enum mutate_hint hint, uint64_t old)
{
	/* No kind is so sure that another value would teach nothing. */
	if (one_in(m, 32))
		return plain(m, old);
	switch (hint) {
	case MUTATE_ADDRESS:
		return address(m, hint, old, PAGE);
	case MUTATE_PFN:
		return address(m, hint, old, 1);
	case MUTATE_SIZE:
		return size(m, old);
	case MUTATE_ALIGN:
		return 1ULL << prng_below(&m->prng, one_in(m, 4) ? 64 : 24);
	case MUTATE_NID:
		if (one_in(m, 8))
			return UINT64_MAX;
		return prng_below(&m->prng, one_in(m, 16) ? 70 : one_in(m, 4) ? 16 : 4);
	case MUTATE_ORDER:
		return prng_below(&m->prng, one_in(m, 8) ? 32 : 11);
	case MUTATE_SMALL:
		return prng_below(&m->prng, one_in(m, 8) ? 256 : one_in(m, 2) ? 2 : 8);
	case MUTATE_PAGES:
		return one_in(m, 2) ? about_a_power(m, 20) : prng_skewed(&m->prng, 1 << 16);
	case MUTATE_AMOUNT:
		return amount(m, old);
	case MUTATE_FLAGS:
		return old ^ 1ULL << prng_below(&m->prng, one_in(m, 4) ? 32 : 12);
	case MUTATE_DISTANCE:
		return distances[prng_below(&m->prng, COUNT_OF(distances))];
	case MUTATE_EARLIER:
		return m->index - 1 - prng_skewed(&m->prng, m->index ? m->index : 1);
	default:
		return plain(m, old);
	}
}
