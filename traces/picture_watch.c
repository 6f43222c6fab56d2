/* SPDX-License-Identifier: MIT */
#include "traces/picture_watch.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "engine/buddy_view.h"
#include "traces/grow.h"
#include "traces/procfs/buddyinfo.h"
#include "traces/procfs/pagetypeinfo.h"

/* What one zone's rows of a table say. */
struct zone_rows {
	enum picture_table table;
	uint32_t zone; /* of the buddy; BUDDY_ZONE_NONE: the model has no such zone */
	int32_t nid;
	const char *name; /* of the zone, static, or that of a parsed picture */
	/* Rows of values; a row is a type, or the one of buddyinfo. */
	uint32_t row_count, columns;
	uint64_t *expected;
	uint64_t *now, *nearest; /* what the model has, and had at the nearest moment */
	bool *capped; /* the kernel has at least so many */
	enum migratetype *types; /* by row, MIGRATE_TYPE_COUNT for one we do not know */
	uint64_t differ; /* at the nearest moment; UINT64_MAX before the first look */
	uint32_t values_differ; /* then */
	bool at_begin, at_end;
};

struct picture {
	struct buddyinfo buddyinfo;
	struct pagetypeinfo pagetypeinfo;
	struct zone_rows *zones;
	uint32_t zone_count, zone_room;
	/* Of kpageflags, at the end: pages that never agreed. */
	struct missed {
		pfn_t start, end;
		bool is_free; /* in the model */
	} * missed;
	uint32_t missed_count, missed_room;
};

enum phase { PHASE_NONE, PHASE_COUNTS, PHASE_PAGES };

struct picture_watch {
	const struct picture_set *set;
	const struct buddy *buddy;
	const struct arch_config *config;
	const struct facts *facts;
	struct picture *pictures; /* as in the set */
	struct picture_result *results;
	uint32_t at; /* the picture being taken */
	enum phase phase;
	bool first_look;
	/* Bits by page frame, while kpageflags is read. */
	uint64_t *kernel, *model, *never;
	uint64_t words;
	uint64_t never_count; /* no fewer than the pages that have never agreed */
	bool pages_at_begin;
	bool out_of_memory;
};

static const char *const table_names[] = { "buddyinfo", "pagetypeinfo", "pageblocks",
					   "kpageflags" };
static const char *const match_names[] = { "not seen", "at begin", "at end", "between", "differs" };

const char *picture_table_name(enum picture_table table)
{
	return table_names[table];
}

const char *picture_match_name(enum picture_match match)
{
	return match_names[match];
}

/* ---- what pictures say ------------------------------------------------------------------------- */

/* The rows of a zone in @table, made with room for them if they are new; NULL without memory. */
static struct zone_rows *rows_of(struct picture_watch *w, struct picture *p,
				 enum picture_table table, int32_t nid, const char *name,
				 uint32_t rows_max, uint32_t columns)
{
	struct zone_rows *grown, *z;
	size_t values = (size_t)rows_max * columns + 1;

	for (uint32_t i = 0; i < p->zone_count; i++) {
		z = &p->zones[i];
		if (z->table == table && z->nid == nid && !strcmp(z->name, name))
			return z;
	}
	grown = grow(p->zones, p->zone_count, &p->zone_room, sizeof(*grown));
	if (!grown)
		return NULL;
	p->zones = grown;
	z = &p->zones[p->zone_count];
	*z = (struct zone_rows){ .table = table,
				 .zone = buddy_view_find(w->buddy, nid, name),
				 .nid = nid,
				 .name = name,
				 .columns = columns,
				 .differ = UINT64_MAX,
				 .expected = calloc(values, sizeof(*z->expected)),
				 .now = calloc(values, sizeof(*z->now)),
				 .nearest = calloc(values, sizeof(*z->nearest)),
				 .capped = calloc(values, sizeof(*z->capped)),
				 .types = calloc(values, sizeof(*z->types)) };
	p->zone_count++;
	return z->expected && z->now && z->nearest && z->capped && z->types ? z : NULL;
}

static struct error *take_buddyinfo(struct picture_watch *w, struct picture *p)
{
	const struct buddyinfo *bi = &p->buddyinfo;

	for (uint32_t i = 0; i < bi->nzones; i++) {
		struct zone_rows *z = rows_of(w, p, PICTURE_TABLE_BUDDYINFO, bi->zones[i].nid,
					      bi->zones[i].name, 1, bi->norders);

		if (!z)
			return error_no_memory();
		memcpy(z->expected, bi->zones[i].free, bi->norders * sizeof(*z->expected));
		z->row_count = 1;
	}
	return NULL;
}

static struct error *take_pagetypeinfo(struct picture_watch *w, struct picture *p)
{
	const struct pagetypeinfo *pi = &p->pagetypeinfo;

	for (uint32_t i = 0; i < pi->nfree; i++) {
		const struct pagetypeinfo_free *f = &pi->free[i];
		struct zone_rows *z = rows_of(w, p, PICTURE_TABLE_PAGETYPEINFO, f->nid, f->zone,
					      pi->ntypes, pi->norders);
		uint64_t *expected;

		if (!z)
			return error_no_memory();
		expected = z->expected + (size_t)z->row_count * pi->norders;
		memcpy(expected, f->free, pi->norders * sizeof(*expected));
		for (uint32_t o = 0; o < pi->norders; o++)
			z->capped[z->row_count * pi->norders + o] = f->capped >> o & 1;
		z->types[z->row_count++] = migratetype_find(pi->types[f->type], w->facts);
	}
	for (uint32_t i = 0; i < pi->nblocks; i++) {
		const struct pagetypeinfo_blocks *b = &pi->blocks[i];
		struct zone_rows *z =
			rows_of(w, p, PICTURE_TABLE_PAGEBLOCKS, b->nid, b->zone, pi->ntypes, 1);

		if (!z)
			return error_no_memory();
		memcpy(z->expected, b->blocks, pi->ntypes * sizeof(*z->expected));
		for (uint32_t t = 0; t < pi->ntypes; t++)
			z->types[t] = migratetype_find(pi->types[t], w->facts);
		z->row_count = pi->ntypes;
	}
	return NULL;
}

static struct error *take_picture(struct picture_watch *w, const struct snapshot *s,
				  struct picture *p)
{
	const struct picture_text *counts = &s->text[PICTURE_BUDDYINFO];
	const struct picture_text *types = &s->text[PICTURE_PAGETYPEINFO];
	struct error *err = NULL;

	if (counts->data) {
		err = buddyinfo_parse(counts->data, counts->size, s->text_name[PICTURE_BUDDYINFO],
				      &p->buddyinfo);
		if (!err)
			err = take_buddyinfo(w, p);
	}
	if (!err && types->data) {
		err = pagetypeinfo_parse(types->data, types->size,
					 s->text_name[PICTURE_PAGETYPEINFO], &p->pagetypeinfo);
		if (!err)
			err = take_pagetypeinfo(w, p);
	}
	return err;
}

/* ---- life -------------------------------------------------------------------------------------- */

struct error *picture_watch_create(const struct picture_set *set, const struct buddy *b,
				   const struct arch_config *config, const struct facts *facts,
				   struct picture_watch **ret)
{
	struct picture_watch *w = calloc(1, sizeof(*w));
	struct error *err = NULL;

	if (!w)
		return error_no_memory();
	w->set = set;
	w->buddy = b;
	w->config = config;
	w->facts = facts;
	w->pictures = calloc((size_t)set->count + 1, sizeof(*w->pictures));
	w->results = calloc((size_t)set->count + 1, sizeof(*w->results));
	if (!w->pictures || !w->results) {
		free(w->pictures);
		free(w->results);
		free(w);
		return error_no_memory();
	}
	for (uint32_t i = 0; i < set->count && !err; i++) {
		w->results[i].picture = &set->snapshots[i];
		err = take_picture(w, &set->snapshots[i], &w->pictures[i]);
	}
	if (err) {
		picture_watch_destroy(w);
		return err;
	}
	*ret = w;
	return NULL;
}

static void picture_deinit(struct picture *p)
{
	for (uint32_t i = 0; i < p->zone_count; i++) {
		free(p->zones[i].expected);
		free(p->zones[i].now);
		free(p->zones[i].nearest);
		free(p->zones[i].capped);
		free(p->zones[i].types);
	}
	free(p->zones);
	free(p->missed);
	buddyinfo_deinit(&p->buddyinfo);
	pagetypeinfo_deinit(&p->pagetypeinfo);
}

static void free_pages_bits(struct picture_watch *w)
{
	free(w->kernel);
	free(w->model);
	free(w->never);
	w->kernel = w->model = w->never = NULL;
}

void picture_watch_destroy(struct picture_watch *w)
{
	if (!w)
		return;
	for (uint32_t i = 0; i < w->set->count; i++)
		picture_deinit(&w->pictures[i]);
	free_pages_bits(w);
	free(w->pictures);
	free(w->results);
	free(w);
}

/* ---- counts ------------------------------------------------------------------------------------ */

static uint64_t distance(uint64_t a, uint64_t b)
{
	return a > b ? a - b : b - a;
}

/* The model's numbers where @z has the kernel's. */
static void count_zone(const struct picture_watch *w, struct zone_rows *z)
{
	uint64_t blocks[MIGRATE_TYPE_COUNT] = { 0 };
	const struct buddy *b = w->buddy;

	memset(z->now, 0, (size_t)z->row_count * z->columns * sizeof(*z->now));
	if (z->zone == BUDDY_ZONE_NONE)
		return;
	if (z->table == PICTURE_TABLE_PAGEBLOCKS)
		buddy_view_blocks(b, z->zone, blocks);
	for (uint32_t r = 0; r < z->row_count; r++) {
		for (uint32_t c = 0; c < z->columns; c++) {
			uint64_t *to = &z->now[(size_t)r * z->columns + c];

			if (z->table == PICTURE_TABLE_BUDDYINFO)
				*to = c <= b->max_order ? buddy_view_nr_free(b, z->zone, c) : 0;
			else if (z->types[r] == MIGRATE_TYPE_COUNT)
				*to = 0;
			else if (z->table == PICTURE_TABLE_PAGEBLOCKS)
				*to = blocks[z->types[r]];
			else
				*to = c <= b->max_order
					      ? buddy_view_free(b, z->zone, c, z->types[r])
					      : 0;
		}
	}
}

static void look_at_zone(struct picture_watch *w, struct zone_rows *z)
{
	uint32_t values = z->row_count * z->columns;
	uint64_t *now = z->now, differ = 0;
	uint32_t values_differ = 0;

	count_zone(w, z);
	for (uint32_t i = 0; i < values; i++)
		if (now[i] < z->expected[i] || (!z->capped[i] && now[i] > z->expected[i])) {
			differ += distance(now[i], z->expected[i]);
			values_differ++;
		}
	if (w->first_look)
		z->at_begin = !differ;
	z->at_end = !differ;
	if (differ < z->differ) {
		z->differ = differ;
		z->values_differ = values_differ;
		memcpy(z->nearest, now, values * sizeof(*now));
	}
}

static void end_counts(struct picture_watch *w)
{
	const struct picture *p = &w->pictures[w->at];
	struct picture_result *result = &w->results[w->at];
	uint32_t count[PICTURE_TABLE_COUNT] = { 0 }, begin[PICTURE_TABLE_COUNT] = { 0 };
	uint32_t end[PICTURE_TABLE_COUNT] = { 0 };

	for (uint32_t i = 0; i < p->zone_count; i++) {
		const struct zone_rows *z = &p->zones[i];

		count[z->table]++;
		begin[z->table] += z->at_begin;
		end[z->table] += z->at_end;
		result->tables[z->table].differ += z->differ;
		result->tables[z->table].entries += (uint64_t)z->row_count * z->columns;
		result->tables[z->table].entries_differ += z->values_differ;
	}
	for (unsigned int t = 0; t < PICTURE_TABLE_KPAGEFLAGS; t++) {
		if (!count[t])
			continue;
		if (begin[t] == count[t])
			result->tables[t].match = PICTURE_EQUAL_AT_BEGIN;
		else if (end[t] == count[t])
			result->tables[t].match = PICTURE_EQUAL_AT_END;
		else
			result->tables[t].match = result->tables[t].differ ? PICTURE_DIFFERS
									   : PICTURE_EQUAL_BETWEEN;
	}
}

/* ---- pages ------------------------------------------------------------------------------------- */

static void set_bits(uint64_t *words, uint64_t bits, pfn_t start, pfn_t end)
{
	if (end > bits)
		end = bits;
	while (start < end) {
		uint64_t n = 64 - start % 64, mask;

		if (n > end - start)
			n = end - start;
		mask = n == 64 ? UINT64_MAX : (1ULL << n) - 1;
		words[start / 64] |= mask << start % 64;
		start += n;
	}
}

static uint64_t count_bits(const uint64_t *words, uint64_t count)
{
	uint64_t sum = 0;

	for (uint64_t i = 0; i < count; i++)
		for (uint64_t w = words[i]; w; w &= w - 1)
			sum++;
	return sum;
}

static void begin_pages(struct picture_watch *w)
{
	const struct snapshot *s = &w->set->snapshots[w->at];
	uint64_t words = s->page_count / 64 + 1;

	w->words = words;
	w->kernel = calloc(words, sizeof(*w->kernel));
	w->model = calloc(words, sizeof(*w->model));
	w->never = malloc(words * sizeof(*w->never));
	if (!w->kernel || !w->model || !w->never) {
		free_pages_bits(w);
		w->out_of_memory = true;
		return;
	}
	memset(w->never, 0xff, words * sizeof(*w->never));
	for (uint32_t i = 0; i < s->buddy.count; i++)
		set_bits(w->kernel, s->page_count, s->buddy.ranges[i].start,
			 s->buddy.ranges[i].end);
}

/* The pages that are free in the model. */
static void draw_model(struct picture_watch *w)
{
	const struct snapshot *s = &w->set->snapshots[w->at];
	const struct buddy *b = w->buddy;

	memset(w->model, 0, w->words * sizeof(*w->model));
	for (uint32_t z = 0; z < buddy_view_zones(b); z++) {
		for (unsigned int o = 0; o <= b->max_order; o++) {
			for (unsigned int t = 0; t < MIGRATE_TYPE_COUNT; t++) {
				uint32_t cursor = BUDDY_LIST_START;
				pfn_t pfn;

				while (buddy_list_next(b, z, o, (enum migratetype)t, &cursor, &pfn))
					set_bits(w->model, s->page_count, pfn, pfn + (1ULL << o));
			}
		}
	}
}

static bool is_free(const struct buddy *b, pfn_t pfn)
{
	struct buddy_block block;

	for (uint32_t z = 0; z < buddy_view_zones(b); z++)
		if (buddy_find(b, z, pfn, &block))
			return true;
	return false;
}

/* One page after the other of those in word @i that have never agreed. */
static void look_at_word(struct picture_watch *w, uint64_t i)
{
	for (uint64_t left = w->never[i]; left; left &= left - 1) {
		uint64_t bit = left & -left;
		pfn_t pfn = i * 64;

		for (uint64_t at = bit; at > 1; at >>= 1)
			pfn++;
		if (is_free(w->buddy, pfn) == !!(w->kernel[i] & bit))
			w->never[i] &= ~bit;
	}
}

/* More pages than these are looked at all at once. */
enum { FEW_PAGES = 256 };

static void look_at_pages(struct picture_watch *w)
{
	if (!w->first_look && w->never_count <= FEW_PAGES) {
		for (uint64_t i = 0; i < w->words && w->never_count; i++)
			if (w->never[i])
				look_at_word(w, i);
	} else {
		draw_model(w);
		for (uint64_t i = 0; i < w->words; i++)
			w->never[i] &= w->kernel[i] ^ w->model[i];
		w->never_count = count_bits(w->never, w->words);
	}
	if (w->first_look)
		w->pages_at_begin = !w->never_count;
}

/* Turns what is left of w->never into ranges. */
static void keep_missed(struct picture_watch *w, struct picture *p)
{
	for (uint64_t pfn = 0; pfn < w->words * 64; pfn++) {
		bool is_free = w->model[pfn / 64] >> pfn % 64 & 1;
		struct missed *last, *grown;

		if (!w->never[pfn / 64]) {
			pfn |= 63;
			continue;
		}
		if (!(w->never[pfn / 64] >> pfn % 64 & 1))
			continue;
		last = p->missed_count ? &p->missed[p->missed_count - 1] : NULL;
		if (last && last->end == pfn && last->is_free == is_free) {
			last->end++;
			continue;
		}
		grown = grow(p->missed, p->missed_count, &p->missed_room, sizeof(*grown));
		if (!grown) {
			w->out_of_memory = true;
			return;
		}
		p->missed = grown;
		p->missed[p->missed_count++] = (struct missed){ pfn, pfn + 1, is_free };
	}
}

static void end_pages(struct picture_watch *w)
{
	struct picture_result *result = &w->results[w->at];
	uint64_t differ = count_bits(w->never, w->words);
	bool at_end;

	draw_model(w);
	at_end = !memcmp(w->kernel, w->model, w->words * sizeof(*w->model));

	result->tables[PICTURE_TABLE_KPAGEFLAGS].differ = differ;
	result->tables[PICTURE_TABLE_KPAGEFLAGS].entries = w->set->snapshots[w->at].page_count;
	result->tables[PICTURE_TABLE_KPAGEFLAGS].entries_differ = differ;
	result->tables[PICTURE_TABLE_KPAGEFLAGS].match = w->pages_at_begin ? PICTURE_EQUAL_AT_BEGIN
							 : at_end	   ? PICTURE_EQUAL_AT_END
							 : differ	   ? PICTURE_DIFFERS
									   : PICTURE_EQUAL_BETWEEN;
	keep_missed(w, &w->pictures[w->at]);
	free_pages_bits(w);
}

/* ---- markers ----------------------------------------------------------------------------------- */

/* "SNAP NAME WHAT": the picture, or the number of pictures. */
static uint32_t find_picture(const struct picture_watch *w, const char *text, const char **what)
{
	const char *name, *end;

	if (strncmp(text, "SNAP ", 5) != 0)
		return w->set->count;
	name = text + 5;
	end = strrchr(name, ' ');
	if (!end)
		return w->set->count;
	*what = end + 1;
	for (uint32_t i = 0; i < w->set->count; i++) {
		const char *is = w->set->snapshots[i].name;

		if (strlen(is) == (size_t)(end - name) && !memcmp(is, name, strlen(is)))
			return i;
	}
	return w->set->count;
}

void picture_watch_look(struct picture_watch *w)
{
	struct picture *p = &w->pictures[w->at];

	if (w->phase == PHASE_COUNTS)
		for (uint32_t i = 0; i < p->zone_count; i++)
			look_at_zone(w, &p->zones[i]);
	else if (w->phase == PHASE_PAGES)
		look_at_pages(w);
	w->first_look = false;
}

static void begin(struct picture_watch *w, uint32_t picture, enum phase phase)
{
	w->at = picture;
	w->phase = phase;
	w->first_look = true;
	if (phase == PHASE_PAGES) {
		begin_pages(w);
		if (!w->kernel)
			w->phase = PHASE_NONE;
	}
	picture_watch_look(w);
}

void picture_watch_marker(struct picture_watch *w, const char *text, uint64_t line)
{
	const char *what = "";
	uint32_t picture = find_picture(w, text, &what);

	if (picture == w->set->count)
		return;
	if (!strcmp(what, "begin") && !w->results[picture].line) {
		free_pages_bits(w);
		w->results[picture].line = line;
		begin(w, picture, PHASE_COUNTS);
	} else if (!strcmp(what, "end") && w->phase == PHASE_COUNTS && picture == w->at) {
		end_counts(w);
		w->phase = PHASE_NONE;
		if (w->set->snapshots[picture].has_page_flags)
			begin(w, picture, PHASE_PAGES);
	} else if (!strcmp(what, "done") && w->phase == PHASE_PAGES && picture == w->at) {
		end_pages(w);
		w->phase = PHASE_NONE;
	}
}

bool picture_watch_active(const struct picture_watch *w)
{
	return w->phase != PHASE_NONE;
}

/* ---- results ----------------------------------------------------------------------------------- */

const struct picture_result *picture_watch_results(const struct picture_watch *w, uint32_t *count)
{
	*count = w->set->count;
	return w->results;
}

bool picture_watch_out_of_memory(const struct picture_watch *w)
{
	return w->out_of_memory;
}

/* Most ranges of pages that are listed. */
#define MISSED_SHOWN 40

static void explain_pages(const struct picture *p, const struct sink *sink)
{
	for (uint32_t i = 0; i < p->missed_count; i++) {
		const struct missed *r = &p->missed[i];

		if (i == MISSED_SHOWN) {
			sink_printf(sink, "kpageflags: %" PRIu32 " more ranges\n",
				    p->missed_count - i);
			return;
		}
		sink_printf(sink, "kpageflags: %" PRIx64 "-%" PRIx64 " (%" PRIu64 " pages) %s\n",
			    r->start, r->end - 1, r->end - r->start,
			    r->is_free ? "free in the model only" : "free in the kernel only");
	}
}

static void explain_value(const struct picture_watch *w, const struct picture *p,
			  const struct zone_rows *z, uint32_t row, uint32_t column,
			  const struct sink *sink)
{
	size_t i = (size_t)row * z->columns + column;

	sink_printf(sink, "%s: Node %" PRId32 ", zone %s", table_names[z->table], z->nid, z->name);
	if (z->table != PICTURE_TABLE_BUDDYINFO && z->types[row] == MIGRATE_TYPE_COUNT)
		sink_printf(sink, ", type %s", p->pagetypeinfo.types[row]);
	else if (z->table != PICTURE_TABLE_BUDDYINFO)
		sink_printf(sink, ", type %s", migratetype_name(z->types[row], w->facts));
	if (z->table != PICTURE_TABLE_PAGEBLOCKS)
		sink_printf(sink, ", order %" PRIu32, column);
	sink_printf(sink, ": kernel %s%" PRIu64 ", model %" PRIu64 "\n", z->capped[i] ? ">" : "",
		    z->expected[i], z->nearest[i]);
}

void picture_watch_explain(const struct picture_watch *w, uint32_t i, const struct sink *sink)
{
	const struct picture *p = &w->pictures[i];

	for (uint32_t n = 0; n < p->zone_count; n++) {
		const struct zone_rows *z = &p->zones[n];

		if (w->results[i].tables[z->table].match != PICTURE_DIFFERS)
			continue;
		for (uint32_t v = 0; v < z->row_count * z->columns; v++)
			if (z->nearest[v] != z->expected[v] &&
			    (!z->capped[v] || z->nearest[v] < z->expected[v]))
				explain_value(w, p, z, v / z->columns, v % z->columns, sink);
	}
	if (w->results[i].tables[PICTURE_TABLE_KPAGEFLAGS].match == PICTURE_DIFFERS)
		explain_pages(p, sink);
}
