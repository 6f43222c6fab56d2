/* SPDX-License-Identifier: MIT */
#include "traces/event_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/prng.h"
#include "engine/sink.h"
#include "traces/record.pb-c.h"
#include "traces/testing/check.h"
#include "traces/testing/robust.h"

/* ---- events ---- */

#define NAMES 5000

/* What a kernel at work might tell: few shapes and places, time and line that rise. */
static void make_usual(struct event *events, size_t count, struct prng *prng)
{
	uint64_t time = prng_below(prng, 1000000000), line = 12;

	for (size_t i = 0; i < count; i++) {
		time += 1000 * prng_skewed(prng, 50);
		line += prng_chance(prng, 1, 1000) ? 2 : 1;
		events[i] = (struct event){
			.pfn = prng_chance(prng, 1, 100) ? PFN_NONE : prng_below(prng, 1 << 18),
			.time = time,
			.line = line,
			.gfp = (uint32_t)prng_below(prng, 3) * 0xcc0,
			.pid = (int32_t)prng_below(prng, 4) - 1,
			.text = (uint32_t)prng_skewed(prng, 30),
			.cpu = (uint16_t)prng_below(prng, 4),
			.kind = (uint8_t)prng_below(prng, EVENT_KIND_COUNT),
			.order = (uint8_t)prng_skewed(prng, 11),
			.migratetype = (uint8_t)prng_below(prng, 3),
			.flags = (uint8_t)prng_below(prng, 2),
			.context = (uint8_t)prng_below(prng, 2),
		};
	}
}

/* Any value in any field. */
static void make_wild(struct event *events, size_t count, struct prng *prng)
{
	for (size_t i = 0; i < count; i++) {
		unsigned int bits = (unsigned int)prng_below(prng, 64);

		events[i] = (struct event){
			.pfn = prng_chance(prng, 1, 9) ? PFN_NONE : prng_next(prng) >> bits,
			.time = prng_next(prng) >> prng_below(prng, 64),
			.line = prng_next(prng) >> prng_below(prng, 64),
			.gfp = (uint32_t)prng_next(prng),
			.pid = (int32_t)prng_next(prng),
			.text = (uint32_t)prng_skewed(prng, NAMES),
			.cpu = (uint16_t)prng_next(prng),
			.kind = (uint8_t)prng_below(prng, EVENT_KIND_COUNT),
			.order = (uint8_t)prng_next(prng),
			.migratetype = (uint8_t)prng_next(prng),
			.fallback_order = (uint8_t)prng_next(prng),
			.fallback_migratetype = (uint8_t)prng_next(prng),
			.flags = (uint8_t)prng_next(prng),
			.context = (uint8_t)prng_next(prng),
		};
	}
}

static struct event *new_events(size_t count)
{
	struct event *events = calloc(count + 1, sizeof(*events));

	assert_non_null(events);
	return events;
}

static const char *name_of(const void *ctx, uint32_t number)
{
	static char texts[NAMES][16];

	(void)ctx;
	assert_true(number < NAMES);
	if (number)
		snprintf(texts[number], sizeof(texts[number]), "task %u", number);
	return texts[number];
}

static bool same_event(const struct event *a, const struct event *b)
{
	return a->pfn == b->pfn && a->time == b->time && a->line == b->line && a->gfp == b->gfp &&
	       a->pid == b->pid && a->text == b->text && a->cpu == b->cpu && a->kind == b->kind &&
	       a->order == b->order && a->migratetype == b->migratetype &&
	       a->fallback_order == b->fallback_order &&
	       a->fallback_migratetype == b->fallback_migratetype && a->flags == b->flags &&
	       a->context == b->context;
}

/* The second and the third are no names. */
static const struct gfp_name some_names[] = {
	{ 1U << 31, "__GFP_NEW" }, { 0, "__GFP_NOTHING" }, { 1, "" }, { 1U << 30, "GFP_OTHER" }
};

static const struct event_totals some_totals = {
	0, 7, 6,	  5,	4,	    3,
	2, 1, UINT64_MAX, true, some_names, sizeof(some_names) / sizeof(*some_names)
};

/* Stores them, handed over in pieces. */
static void store(const struct event *events, size_t count, struct prng *prng,
		  struct sink_text *ret)
{
	struct mmtrace_writer *w;
	struct event_writer *ew;

	check_ok(mmtrace_writer_create(sink_to_text(ret), &w));
	check_ok(event_writer_create(w, name_of, NULL, &ew));
	for (size_t at = 0; at < count;) {
		size_t piece = prng_between(prng, 0, count - at);

		check_ok(event_writer_add(ew, events + at, piece));
		at += piece;
	}
	check_ok(event_writer_end(ew, &some_totals));
	check_ok(mmtrace_write_end(w));
	event_writer_destroy(ew);
	mmtrace_writer_destroy(w);
}

struct reading {
	struct mmtrace_reader *r;
	struct event_reader *er;
};

static struct reading begin(const void *data, size_t size)
{
	struct reading reading;

	check_ok(mmtrace_reader_create_bytes(data, size, "file", &reading.r));
	check_ok(event_reader_create(reading.r, "file", &reading.er));
	return reading;
}

static void end(struct reading *reading)
{
	event_reader_destroy(reading->er);
	mmtrace_reader_destroy(reading->r);
}

/* Reads to the end, in pieces of any size; returns how many there were. */
static size_t read_all(struct event_reader *er, struct event *events, size_t room,
		       struct prng *prng)
{
	size_t total = 0, count;

	do {
		size_t most = prng_between(prng, 1, 5000);

		assert_true(total < room);
		check_ok(event_reader_read(er, events + total,
					   most < room - total ? most : room - total, &count));
		total += count;
	} while (count);
	check_ok(event_reader_read(er, events, 1, &count));
	assert_int_equal(count, 0);
	return total;
}

static void check_same(const struct event *a, const struct event *b, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!same_event(&a[i], &b[i]))
			fail_msg("event %zu is another", i);
}

/* ---- round trips ---- */

static void round_trip(const struct event *events, size_t count, struct prng *prng)
{
	struct sink_text file = { 0 };
	struct event *copy = new_events(count + 1);
	struct reading reading;

	store(events, count, prng, &file);
	reading = begin(file.data, file.len);
	assert_int_equal(read_all(reading.er, copy, count + 1, prng), count);
	check_same(events, copy, count);
	assert_true(mmtrace_summary(reading.r).complete);
	assert_int_equal(event_reader_damaged(reading.er), 0);
	assert_null(event_reader_damage(reading.er));
	assert_int_equal(event_reader_position(reading.er), count);
	assert_int_equal(event_reader_totals(reading.er)->events, count);
	assert_int_equal(event_reader_totals(reading.er)->lines, 7);
	assert_int_equal(event_reader_totals(reading.er)->ignored, 6);
	assert_int_equal(event_reader_totals(reading.er)->unknown, 5);
	assert_int_equal(event_reader_totals(reading.er)->first_unknown_line, 4);
	assert_int_equal(event_reader_totals(reading.er)->damaged, 3);
	assert_int_equal(event_reader_totals(reading.er)->first_damaged_line, 2);
	assert_int_equal(event_reader_totals(reading.er)->overwritten, 1);
	assert_int_equal(event_reader_totals(reading.er)->bytes, UINT64_MAX);
	assert_true(event_reader_totals(reading.er)->counted);
	assert_int_equal(event_reader_totals(reading.er)->gfp_name_count, 2);
	assert_string_equal(event_reader_totals(reading.er)->gfp_names[0].text, "__GFP_NEW");
	assert_int_equal(event_reader_totals(reading.er)->gfp_names[0].mask, 1U << 31);
	assert_string_equal(event_reader_totals(reading.er)->gfp_names[1].text, "GFP_OTHER");
	assert_int_equal(event_reader_totals(reading.er)->gfp_names[1].mask, 1U << 30);
	for (size_t i = 0; i < count; i++)
		assert_string_equal(event_reader_string(reading.er, copy[i].text),
				    name_of(NULL, copy[i].text));
	assert_string_equal(event_reader_string(reading.er, UINT32_MAX), "");
	end(&reading);
	sink_text_deinit(&file);
	free(copy);
}

static void test_round_trips(void **state)
{
	static const size_t counts[] = { 0, 1, 2, 100, 4096, 65535, 65536, 65537, 200000 };
	struct prng prng = prng_init(1);

	(void)state;
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		struct event *events = new_events(counts[i]);

		make_usual(events, counts[i], &prng);
		round_trip(events, counts[i], &prng);
		make_wild(events, counts[i], &prng);
		round_trip(events, counts[i], &prng);
		free(events);
	}
	for (int turn = 0; turn < 30; turn++) {
		size_t count = prng_skewed(&prng, 3000);
		struct event *events = new_events(count);

		make_wild(events, count, &prng);
		round_trip(events, count, &prng);
		free(events);
	}
}

static void test_same_events_give_same_bytes(void **state)
{
	struct prng prng = prng_init(2);
	struct event *events = new_events(70000);
	struct sink_text a = { 0 }, b = { 0 };

	(void)state;
	make_usual(events, 70000, &prng);
	store(events, 70000, &prng, &a);
	store(events, 70000, &prng, &b);
	assert_int_equal(a.len, b.len);
	assert_memory_equal(a.data, b.data, a.len);
	sink_text_deinit(&a);
	sink_text_deinit(&b);
	free(events);
}

static void test_what_is_refused(void **state)
{
	struct event kind = { .kind = EVENT_KIND_COUNT }, text = { .text = EVENT_STRINGS_MAX };
	struct sink_text file = { 0 };
	struct mmtrace_writer *w;
	struct event_writer *ew;

	(void)state;
	check_ok(mmtrace_writer_create(sink_to_text(&file), &w));
	check_ok(event_writer_create(w, name_of, NULL, &ew));
	check_error(event_writer_add(ew, &kind, 1), ERROR_RANGE, 0, 0);
	check_error(event_writer_add(ew, &text, 1), ERROR_LIMIT, 0, 0);
	event_writer_destroy(ew);
	mmtrace_writer_destroy(w);
	sink_text_deinit(&file);
}

/* ---- damage ---- */

#define BLOCKS 3 /* of events, in the sample */
#define EVENTS ((size_t)EVENT_BLOCK_MAX * (BLOCKS - 1) + 500)

struct sample {
	struct event *events;
	struct sink_text file;
	/* Offsets of the blocks of events, and of the file's end. */
	uint64_t offset[BLOCKS + 1];
	uint64_t totals, end;
};

static void make_sample(struct sample *s)
{
	struct prng prng = prng_init(3);
	const struct mmtrace_index *index;
	struct reading reading;
	uint32_t n = 0;

	memset(s, 0, sizeof(*s));
	s->events = new_events(EVENTS);
	make_usual(s->events, EVENTS, &prng);
	store(s->events, EVENTS, &prng, &s->file);
	reading = begin(s->file.data, s->file.len);
	check_ok(mmtrace_load_index(reading.r, &index));
	for (uint32_t i = 0; i < index->count; i++) {
		if (index->types[i] == MMTRACE_EVENTS)
			s->offset[n++] = index->offsets[i];
		if (index->types[i] == MMTRACE_EVENT_INDEX)
			s->offset[n] = index->offsets[i];
		if (index->types[i] == MMTRACE_EVENT_TOTALS)
			s->totals = index->offsets[i];
	}
	assert_int_equal(n, BLOCKS);
	end(&reading);
}

static void free_sample(struct sample *s)
{
	free(s->events);
	sink_text_deinit(&s->file);
}

static size_t block_events(int block)
{
	return block == BLOCKS - 1 ? 500 : EVENT_BLOCK_MAX;
}

/* What is read when the blocks of the mask are damaged. */
static void check_lost(const struct sample *s, const void *data, size_t size, unsigned int mask)
{
	struct prng prng = prng_init(mask);
	struct event *copy = new_events(EVENTS + 10), *at = copy;
	struct reading reading = begin(data, size);
	size_t count = read_all(reading.er, copy, EVENTS + 10, &prng), lost = 0, first = 0;

	for (int b = 0; b < BLOCKS; b++) {
		if (mask >> b & 1)
			lost += block_events(b);
		if (lost && (!(mask >> b & 1) || b == BLOCKS - 1)) {
			assert_int_equal(at->kind, EVENT_LOST);
			assert_int_equal(at->count, lost);
			assert_int_equal(at->pid, -1);
			assert_true(at->pfn == PFN_NONE);
			if (first + lost < EVENTS) {
				assert_int_equal(at->line, s->events[first + lost - 1].line);
				assert_int_equal(at->time, s->events[first + lost - 1].time);
			}
			at++;
			first += lost;
			lost = 0;
		}
		if (!(mask >> b & 1)) {
			check_same(s->events + first, at, block_events(b));
			at += block_events(b);
			first += block_events(b);
		}
	}
	assert_int_equal(at - copy, count);
	assert_int_equal(event_reader_position(reading.er), EVENTS);
	assert_int_equal(event_reader_damaged(reading.er), __builtin_popcount(mask));
	assert_int_equal(event_reader_damage(reading.er) == NULL, !mask);
	end(&reading);
	free(copy);
}

static void test_damaged_blocks(void **state)
{
	struct sample s;

	(void)state;
	make_sample(&s);
	for (unsigned int mask = 0; mask < 1U << BLOCKS; mask++) {
		for (int in_head = 0; in_head < 2; in_head++) {
			for (int b = 0; b < BLOCKS; b++)
				if (mask >> b & 1)
					s.file.data[s.offset[b] + (in_head ? 5 : 70)] ^= 4;
			check_lost(&s, s.file.data, s.file.len, mask);
			for (int b = 0; b < BLOCKS; b++)
				if (mask >> b & 1)
					s.file.data[s.offset[b] + (in_head ? 5 : 70)] ^= 4;
		}
	}
	free_sample(&s);
}

/* Every whole block arrives, and that something is missing is told. */
static void test_cut_off(void **state)
{
	struct prng prng = prng_init(6);
	struct event *copy = new_events(EVENTS + 10);
	struct sample s;

	(void)state;
	make_sample(&s);
	for (int b = 0; b <= BLOCKS; b++) {
		for (int behind = 0; behind < 2; behind++) {
			size_t cut = s.offset[b] + (behind ? 60 : 0);
			struct reading reading = begin(s.file.data, cut);
			size_t count = read_all(reading.er, copy, EVENTS + 10, &prng);
			size_t whole = b < BLOCKS ? (size_t)b * EVENT_BLOCK_MAX : EVENTS;

			assert_int_equal(count, whole + 1);
			check_same(s.events, copy, whole);
			assert_int_equal(copy[whole].kind, EVENT_LOST);
			assert_int_equal(copy[whole].count, 0);
			assert_int_equal(event_reader_damaged(reading.er), 1);
			end(&reading);
		}
	}
	/* All events and the totals are there. */
	check_lost(&s, s.file.data, s.file.len, 0);
	free(copy);
	free_sample(&s);
}

static void read_any(const uint8_t *data, size_t size)
{
	static struct event events[100];
	struct mmtrace_reader *r;
	struct event_reader *er;
	struct error *err = mmtrace_reader_create_bytes(data, size, "file", &r);
	size_t count = 1, total = 0;

	if (err) {
		error_destroy(err);
		return;
	}
	check_ok(event_reader_create(r, "file", &er));
	while (count && !err) {
		err = event_reader_read(er, events, 100, &count);
		total += err ? 0 : count;
		assert_true(total <= 400);
	}
	error_destroy(err);
	err = event_reader_seek(er, 100);
	if (!err)
		err = event_reader_read(er, events, 100, &count);
	error_destroy(err);
	event_reader_destroy(er);
	mmtrace_reader_destroy(r);
}

static void test_any_damage(void **state)
{
	struct prng prng = prng_init(4);
	struct event *events = new_events(300);
	struct sink_text file = { 0 };

	(void)state;
	make_usual(events, 300, &prng);
	store(events, 300, &prng, &file);
	robust_truncate(read_any, file.data, file.len);
	robust_damage(read_any, file.data, file.len, 1, 20000);
	sink_text_deinit(&file);
	free(events);
}

/* ---- messages that lie ---- */

/* A block of two events, good as it stands. */
struct lie {
	Mmtrace__Events m;
	Mmtrace__Column shape, place, time, line, pfn;
	uint32_t two[2], kind[2];
	int32_t pid[2];
	protobuf_c_boolean no_pfn[2];
	uint8_t planes[2], places[2];
	uint32_t items;
};

static void lie_init(struct lie *l)
{
	memset(l, 0, sizeof(*l));
	l->m = (Mmtrace__Events)MMTRACE__EVENTS__INIT;
	l->shape = l->place = l->time = l->line = l->pfn = (Mmtrace__Column)MMTRACE__COLUMN__INIT;
	l->m.n_kind = l->m.n_order = l->m.n_migratetype = l->m.n_fallback_order = 2;
	l->m.n_fallback_migratetype = l->m.n_flags = l->m.n_value = l->m.n_no_pfn = 2;
	l->m.n_cpu = l->m.n_pid = l->m.n_text = 2;
	l->m.kind = l->kind;
	l->m.order = l->m.migratetype = l->m.fallback_order = l->m.fallback_migratetype = l->two;
	l->m.flags = l->m.value = l->m.cpu = l->m.text = l->two;
	l->m.pid = l->pid;
	l->m.no_pfn = l->no_pfn;
	l->planes[1] = 1;
	l->shape.has_bytes = l->shape.has_planes = 1;
	l->shape.bytes = 1;
	l->shape.planes = (ProtobufCBinaryData){ 2, l->planes };
	l->places[1] = 1;
	l->place = l->shape;
	l->place.planes.data = l->places;
	l->m.shape = &l->shape;
	l->m.place = &l->place;
	l->m.time = &l->time;
	l->m.line = &l->line;
	l->m.pfn = &l->pfn;
	l->items = 2;
}

/* The number of events that are read, and the code of the damage, 0 for none. */
static size_t read_lie(const struct lie *l, int *code_ret)
{
	struct sink_text file = { 0 };
	struct event events[9];
	struct mmtrace_writer *w;
	struct reading reading;
	size_t count, total = 0;

	check_ok(mmtrace_writer_create(sink_to_text(&file), &w));
	check_ok(mmtrace_write(w, MMTRACE_EVENTS, 0, l->items, &l->m.base));
	check_ok(mmtrace_write_end(w));
	mmtrace_writer_destroy(w);
	reading = begin(file.data, file.len);
	do {
		check_ok(event_reader_read(reading.er, events, 9, &count));
		for (size_t i = 0; i < count; i++)
			total += events[i].kind != EVENT_LOST;
	} while (count);
	*code_ret = event_reader_damage(reading.er) ? (int)event_reader_damage(reading.er)->code
						    : 0;
	assert_int_equal(event_reader_damaged(reading.er), *code_ret != 0);
	end(&reading);
	sink_text_deinit(&file);
	return total;
}

static void refuse(const struct lie *l, enum error_code code, const char *what)
{
	int seen;

	if (read_lie(l, &seen))
		fail_msg("accepted: %s", what);
	if (seen != (int)code)
		fail_msg("%s: code %d", what, seen);
}

static void test_lies(void **state)
{
	struct lie l;
	uint32_t at = 0;
	uint64_t more = 1;
	int code;

	(void)state;
	lie_init(&l);
	assert_int_equal(read_lie(&l, &code), 2);
	assert_int_equal(code, 0);
	/* An absent column is one of zeros. */
	l.m.time = l.m.line = l.m.pfn = l.m.place = NULL;
	assert_int_equal(read_lie(&l, &code), 2);
#define LIE(change, expected)                  \
	do {                                   \
		lie_init(&l);                  \
		change;                        \
		refuse(&l, expected, #change); \
	} while (0)
	LIE(l.items = 0, ERROR_RANGE);
	LIE(l.items = 1, ERROR_CORRUPT);
	LIE(l.items = 3, ERROR_CORRUPT);
	LIE(l.items = UINT32_MAX, ERROR_RANGE);
	LIE(l.kind[1] = EVENT_KIND_COUNT, ERROR_RANGE);
	LIE(l.two[0] = 256, ERROR_RANGE);
	LIE(l.m.n_order = 1, ERROR_CORRUPT);
	LIE(l.m.n_no_pfn = 0, ERROR_CORRUPT);
	LIE((l.m.context = l.two, l.m.n_context = 1), ERROR_CORRUPT);
	LIE((l.two[1] = 256, l.m.context = l.two, l.m.n_context = 2), ERROR_RANGE);
	LIE(l.m.n_pid = 1, ERROR_CORRUPT);
	LIE(l.planes[0] = 2, ERROR_RANGE);
	LIE(l.places[0] = 2, ERROR_RANGE);
	LIE(l.shape.planes.len = 1, ERROR_CORRUPT);
	LIE(l.m.has_first = 1; l.m.first = UINT64_MAX, ERROR_RANGE);
	LIE(l.shape.n_at = l.shape.n_more = 1; l.shape.at = &at; l.shape.more = &more, ERROR_RANGE);
	LIE(l.place.n_at = l.place.n_more = 1; l.place.at = &at; l.place.more = &more, ERROR_RANGE);
	LIE(l.place.n_at = 1; l.place.at = &at, ERROR_CORRUPT);
	/* No shapes at all. */
	LIE(l.m.n_kind = l.m.n_order = l.m.n_migratetype = l.m.n_fallback_order =
		    l.m.n_fallback_migratetype = l.m.n_flags = l.m.n_value = l.m.n_no_pfn = 0,
	    ERROR_RANGE);
#undef LIE
}

/* A block that begins before the last one ended is told, and not taken. */
static void test_repeated_events(void **state)
{
	struct sink_text file = { 0 };
	struct event events[9];
	struct mmtrace_writer *w;
	struct reading reading;
	struct lie l;
	size_t count;

	(void)state;
	lie_init(&l);
	check_ok(mmtrace_writer_create(sink_to_text(&file), &w));
	for (int i = 0; i < 3; i++) {
		l.m.has_first = 1;
		l.m.first = i == 2 ? 2 : (uint64_t)i;
		check_ok(mmtrace_write(w, MMTRACE_EVENTS, 0, 2, &l.m.base));
	}
	check_ok(mmtrace_write_end(w));
	mmtrace_writer_destroy(w);
	reading = begin(file.data, file.len);
	check_ok(event_reader_read(reading.er, events, 9, &count));
	assert_int_equal(count, 2);
	check_ok(event_reader_read(reading.er, events, 9, &count));
	assert_int_equal(count, 2);
	assert_int_equal(event_reader_damaged(reading.er), 1);
	assert_int_equal(event_reader_damage(reading.er)->block, 1);
	end(&reading);
	sink_text_deinit(&file);
}

static void write_strings(struct mmtrace_writer *w, uint32_t first, uint32_t count)
{
	static uint8_t text[] = "text";
	ProtobufCBinaryData texts[10];
	Mmtrace__Strings s = MMTRACE__STRINGS__INIT;

	for (uint32_t i = 0; i < count; i++)
		texts[i] = (ProtobufCBinaryData){ 4, text };
	s.has_first = 1;
	s.first = first;
	s.n_text = count;
	s.text = texts;
	check_ok(mmtrace_write(w, MMTRACE_STRINGS, 0, count, &s.base));
}

static void test_strings(void **state)
{
	struct sink_text file = { 0 };
	struct mmtrace_writer *w;
	struct reading reading;
	struct event event;
	size_t count;

	(void)state;
	check_ok(mmtrace_writer_create(sink_to_text(&file), &w));
	write_strings(w, 0, 3);
	write_strings(w, 3, 2);
	write_strings(w, 100, 3); /* 5 to 99 were lost */
	write_strings(w, 1000, 10);
	write_strings(w, 3, 2); /* known */
	write_strings(w, 1005, 10); /* half known */
	write_strings(w, EVENT_STRINGS_MAX - 9, 10); /* too many */
	write_strings(w, UINT32_MAX, 10);
	check_ok(mmtrace_write_end(w));
	mmtrace_writer_destroy(w);
	reading = begin(file.data, file.len);
	check_ok(event_reader_read(reading.er, &event, 1, &count));
	assert_int_equal(event_reader_damaged(reading.er), 3);
	for (uint32_t i = 0; i < 1100; i++) {
		bool there = i < 5 || (i >= 100 && i < 103) || (i >= 1000 && i < 1010);

		assert_string_equal(event_reader_string(reading.er, i), there ? "text" : "");
	}
	end(&reading);
	sink_text_deinit(&file);
}

/* ---- seeking ---- */

static void check_from(const struct sample *s, struct event_reader *er, size_t at)
{
	struct event events[100];
	size_t count;

	assert_int_equal(event_reader_position(er), at);
	check_ok(event_reader_read(er, events, 100, &count));
	assert_int_equal(!count, at == EVENTS);
	check_same(s->events + at, events, count);
	for (size_t i = 0; i < count; i++)
		assert_string_equal(event_reader_string(er, events[i].text),
				    name_of(NULL, events[i].text));
}

static void test_seek(void **state)
{
	static const size_t edges[] = { EVENTS,
					0,
					1,
					EVENT_BLOCK_MAX - 1,
					EVENT_BLOCK_MAX,
					EVENT_BLOCK_MAX + 1,
					EVENTS - 1,
					2 * (size_t)EVENT_BLOCK_MAX };
	struct prng prng = prng_init(8);
	struct reading reading;
	struct sample s;
	size_t first = 0;

	(void)state;
	make_sample(&s);
	reading = begin(s.file.data, s.file.len);
	for (size_t i = 0; i < sizeof(edges) / sizeof(edges[0]); i++) {
		check_ok(event_reader_seek(reading.er, edges[i]));
		check_from(&s, reading.er, edges[i]);
	}
	check_ok(event_reader_seek(reading.er, UINT64_MAX));
	check_from(&s, reading.er, EVENTS);
	for (int i = 0; i < 50; i++) {
		size_t at = prng_below(&prng, EVENTS);

		check_ok(event_reader_seek(reading.er, at));
		check_from(&s, reading.er, at);
		check_ok(event_reader_seek_time(reading.er, s.events[at].time));
		while (at && s.events[at - 1].time == s.events[at].time)
			at--;
		check_from(&s, reading.er, at);
	}
	check_ok(event_reader_seek_time(reading.er, 0));
	check_from(&s, reading.er, 0);
	check_ok(event_reader_seek_time(reading.er, UINT64_MAX));
	check_from(&s, reading.er, EVENTS);
	assert_int_equal(event_reader_damaged(reading.er), 0);
	end(&reading);

	/* A damaged block in the way: what is missing is told. */
	s.file.data[s.offset[1] + 70] ^= 1;
	reading = begin(s.file.data, s.file.len);
	for (int i = 0; i < 2; i++) {
		struct event event;
		size_t count;

		first = EVENT_BLOCK_MAX + (i ? 100 : 0);
		check_ok(event_reader_seek(reading.er, first));
		check_ok(event_reader_read(reading.er, &event, 1, &count));
		assert_int_equal(event.kind, EVENT_LOST);
		assert_int_equal(event.count, 2 * (size_t)EVENT_BLOCK_MAX - first);
		check_from(&s, reading.er, 2 * (size_t)EVENT_BLOCK_MAX);
	}
	end(&reading);
	/* Without its end a file can be read, but not be sought in. */
	s.file.data[s.offset[1] + 70] ^= 1;
	reading = begin(s.file.data, s.file.len - 1);
	check_error(event_reader_seek(reading.er, 5), ERROR_CORRUPT, 0, 0);
	check_from(&s, reading.er, 0);
	end(&reading);
	free_sample(&s);
}

/* What other tools read: where each block is, and from when to when it reaches. */
static void test_index(void **state)
{
	const ProtobufCMessage *message;
	const Mmtrace__EventIndex *x = NULL;
	struct mmtrace_block block;
	struct reading reading;
	struct sample s;
	uint64_t number = 0, min = 0;
	size_t first = 0;

	(void)state;
	make_sample(&s);
	reading = begin(s.file.data, s.file.len);
	while (!x && mmtrace_next(reading.r, &block)) {
		if (block.type != MMTRACE_EVENT_INDEX)
			continue;
		check_ok(mmtrace_unpack(reading.r, &mmtrace__event_index__descriptor, &message));
		x = (const Mmtrace__EventIndex *)message;
	}
	assert_non_null(x);
	assert_int_equal(x->first, 0);
	assert_int_equal(x->n_block, BLOCKS);
	assert_int_equal(x->n_events, BLOCKS);
	assert_int_equal(x->n_time_min, BLOCKS);
	assert_int_equal(x->n_time_span, BLOCKS);
	for (int b = 0; b < BLOCKS; b++) {
		number += x->block[b];
		min += (uint64_t)x->time_min[b];
		/* One block of strings stands before the first, which names them all. */
		assert_int_equal(number, b + 1);
		assert_int_equal(x->events[b], block_events(b));
		assert_int_equal(min, s.events[first].time);
		first += block_events(b);
		assert_int_equal(min + x->time_span[b], s.events[first - 1].time);
	}
	end(&reading);
	free_sample(&s);
}

/* A trace so long that it takes several indices, the last of one block. */
static void test_many_blocks(void **state)
{
	enum { MANY = 129 };
	struct event *events = new_events(EVENT_BLOCK_MAX), event;
	struct event_totals totals = { 0 };
	struct sink_text file = { 0 };
	struct mmtrace_writer *w;
	struct event_writer *ew;
	struct mmtrace_block block;
	struct reading reading;
	unsigned int indices = 0;
	uint64_t told = 0;
	size_t count;

	(void)state;
	check_ok(mmtrace_writer_create(sink_to_text(&file), &w));
	check_ok(event_writer_create(w, name_of, NULL, &ew));
	for (uint64_t b = 0; b < MANY; b++) {
		for (uint64_t i = 0; i < EVENT_BLOCK_MAX; i++)
			events[i].time = events[i].line = b * EVENT_BLOCK_MAX + i;
		check_ok(event_writer_add(ew, events, EVENT_BLOCK_MAX));
	}
	check_ok(event_writer_end(ew, &totals));
	check_ok(mmtrace_write_end(w));
	event_writer_destroy(ew);
	mmtrace_writer_destroy(w);
	free(events);

	reading = begin(file.data, file.len);
	for (uint64_t b = 0; b < MANY; b += 16) {
		uint64_t at = b * EVENT_BLOCK_MAX + 5 * b;

		check_ok(event_reader_seek_time(reading.er, at));
		assert_int_equal(event_reader_position(reading.er), at);
		check_ok(event_reader_seek(reading.er, at));
		check_ok(event_reader_read(reading.er, &event, 1, &count));
		assert_int_equal(event.line, at);
	}
	end(&reading);
	reading = begin(file.data, file.len);
	while (mmtrace_next(reading.r, &block)) {
		const ProtobufCMessage *message;
		const Mmtrace__EventIndex *x;
		uint64_t number = 0, min = 0;

		if (block.type != MMTRACE_EVENT_INDEX)
			continue;
		indices++;
		check_ok(mmtrace_unpack(reading.r, &mmtrace__event_index__descriptor, &message));
		x = (const Mmtrace__EventIndex *)message;
		assert_int_equal(x->first, told * EVENT_BLOCK_MAX);
		for (size_t i = 0; i < x->n_block; i++, told++) {
			number += x->block[i];
			min += (uint64_t)x->time_min[i];
			/* The strings and the indices stand between them. */
			assert_int_equal(number, told + indices);
			assert_int_equal(min, told * EVENT_BLOCK_MAX);
			assert_int_equal(x->time_span[i], EVENT_BLOCK_MAX - 1);
		}
	}
	assert_int_equal(indices, 3);
	assert_int_equal(told, MANY);
	end(&reading);
	sink_text_deinit(&file);
}

/* Times that fall now and then: the first event that is late enough is found. */
static void test_seek_unsorted_times(void **state)
{
	struct prng prng = prng_init(9);
	struct event *events = new_events(200000);
	struct sink_text file = { 0 };
	struct reading reading;

	(void)state;
	make_usual(events, 200000, &prng);
	for (size_t i = 0; i < 200000; i++)
		events[i].time = i / 3 * 1000 + prng_below(&prng, 40000000);
	store(events, 200000, &prng, &file);
	reading = begin(file.data, file.len);
	for (int i = 0; i < 100; i++) {
		uint64_t time = prng_below(&prng, 110000000);
		size_t at = 0;

		while (at < 200000 && events[at].time < time)
			at++;
		check_ok(event_reader_seek_time(reading.er, time));
		assert_int_equal(event_reader_position(reading.er), at);
	}
	end(&reading);
	sink_text_deinit(&file);
	free(events);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trips),
		cmocka_unit_test(test_same_events_give_same_bytes),
		cmocka_unit_test(test_what_is_refused),
		cmocka_unit_test(test_damaged_blocks),
		cmocka_unit_test(test_cut_off),
		cmocka_unit_test(test_any_damage),
		cmocka_unit_test(test_lies),
		cmocka_unit_test(test_repeated_events),
		cmocka_unit_test(test_strings),
		cmocka_unit_test(test_seek),
		cmocka_unit_test(test_index),
		cmocka_unit_test(test_many_blocks),
		cmocka_unit_test(test_seek_unsorted_times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
