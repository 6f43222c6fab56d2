/* SPDX-License-Identifier: MIT */
/*
 * The tables say themselves what their columns are.  A row that a mail program wrapped goes on in a
 * line of nothing but its remaining columns, so a row or header is complete only when something
 * else begins.
 */
#include "traces/procfs/pagetypeinfo.h"

#include <stdlib.h>
#include <string.h>

#include "traces/grow.h"
#include "traces/procfs/picture.h"
#include "traces/scan.h"

#define ROWS_MAX ((uint32_t)PICTURE_ZONES_MAX * 16)

enum table { TABLE_NONE, TABLE_FREE, TABLE_BLOCKS, TABLE_MIXED };
enum row { ROW_NONE, ROW_HEADER, ROW_NUMBERS };

struct reader {
	struct picture picture;
	struct pagetypeinfo pi;
	uint32_t types_room, free_room, blocks_room, mixed_room;
	uint32_t ncounts, counts_room;

	enum table table;
	/* Of the table read now: for numbers of blocks the type in each column. */
	uint32_t columns[PAGETYPEINFO_ORDERS_MAX];
	uint32_t ncolumns;
	bool has_orders; /* the header of the free table was seen once */

	/* The row read now. */
	enum row row;
	uint32_t row_line;
	int32_t nid;
	const char *zone;
	uint32_t type;
	uint64_t values[PAGETYPEINFO_ORDERS_MAX];
	uint64_t capped;
	uint32_t nvalues;
};

static struct error *add_type(struct reader *r, struct scan_str str, uint32_t *ret)
{
	struct pagetypeinfo *pi = &r->pi;
	const char *name = picture_name(&r->picture, str);
	const char **types;

	*ret = pagetypeinfo_type(pi, name);
	if (*ret != UINT32_MAX)
		return NULL;
	if (pi->ntypes == PAGETYPEINFO_TYPES_MAX)
		return picture_error(&r->picture, ERROR_LIMIT, str.p, "more than %d migrate types",
				     PAGETYPEINFO_TYPES_MAX);
	types = grow(pi->types, pi->ntypes, &r->types_room, sizeof(*types));
	if (!types)
		return error_no_memory();
	pi->types = types;
	*ret = pi->ntypes;
	types[pi->ntypes++] = name;
	return NULL;
}

static struct error *columns_error(struct reader *r)
{
	return error_create(ERROR_RANGE, r->picture.name, r->row_line, 0,
			    "the row has %u columns and its table %u", r->nvalues, r->ncolumns);
}

static struct error *add_count(struct reader *r, uint64_t value)
{
	uint64_t *counts = grow(r->pi.counts, r->ncounts, &r->counts_room, sizeof(*counts));

	if (!counts)
		return error_no_memory();
	r->pi.counts = counts;
	counts[r->ncounts++] = value;
	return NULL;
}

static struct error *end_free_row(struct reader *r)
{
	struct pagetypeinfo *pi = &r->pi;
	struct pagetypeinfo_free *rows;
	struct error *err = NULL;

	rows = grow(pi->free, pi->nfree, &r->free_room, sizeof(*rows));
	if (!rows)
		return error_no_memory();
	pi->free = rows;
	for (uint32_t i = 0; i < r->nvalues && !err; i++)
		err = add_count(r, r->values[i]);
	if (err)
		return err;
	rows[pi->nfree++] = (struct pagetypeinfo_free){
		.nid = r->nid,
		.type = r->type,
		.line = r->row_line,
		.zone = r->zone,
		.capped = r->capped,
	};
	return NULL;
}

static struct error *end_blocks_row(struct reader *r, struct pagetypeinfo_blocks **array,
				    uint32_t *n, uint32_t *room)
{
	struct pagetypeinfo_blocks *rows = grow(*array, *n, room, sizeof(*rows));
	uint64_t by_type[PAGETYPEINFO_TYPES_MAX] = { 0 };
	struct error *err = NULL;

	if (!rows)
		return error_no_memory();
	*array = rows;
	for (uint32_t i = 0; i < r->nvalues; i++)
		by_type[r->columns[i]] = r->values[i];
	/* Types that are not known yet get no room now: set_slices() puts the rows in order. */
	for (uint32_t i = 0; i < PAGETYPEINFO_TYPES_MAX && !err; i++)
		err = add_count(r, by_type[i]);
	if (err)
		return err;
	rows[(*n)++] = (struct pagetypeinfo_blocks){
		.nid = r->nid,
		.line = r->row_line,
		.zone = r->zone,
	};
	return NULL;
}

/* The row or header read so far is complete. */
static struct error *end_row(struct reader *r)
{
	struct pagetypeinfo *pi = &r->pi;
	enum row row = r->row;

	r->row = ROW_NONE;
	if (row == ROW_NONE)
		return NULL;
	if (row == ROW_HEADER) {
		if (r->table != TABLE_FREE)
			return NULL;
		if (r->has_orders && r->ncolumns != pi->norders)
			return error_create(ERROR_RANGE, r->picture.name, r->row_line, 0,
					    "%u orders here and %u before", r->ncolumns,
					    pi->norders);
		r->has_orders = true;
		pi->norders = r->ncolumns;
		return NULL;
	}
	if (r->nvalues != r->ncolumns)
		return columns_error(r);
	if (pi->nfree + pi->nblocks + pi->nmixed >= ROWS_MAX)
		return error_create(ERROR_LIMIT, r->picture.name, r->row_line, 0,
				    "more than %u rows", ROWS_MAX);
	switch (r->table) {
	case TABLE_FREE:
		return end_free_row(r);
	case TABLE_BLOCKS:
		return end_blocks_row(r, &pi->blocks, &pi->nblocks, &r->blocks_room);
	case TABLE_MIXED:
		return end_blocks_row(r, &pi->mixed, &pi->nmixed, &r->mixed_room);
	case TABLE_NONE:
		break;
	}
	return NULL;
}

/* The rest of a header: the orders 0, 1, 2 ... or names of types. */
static struct error *read_header(struct reader *r, struct scan s)
{
	struct error *err;

	while (!scan_blank_end(&s)) {
		struct scan_str word;
		uint64_t order;

		scan_ws(&s);
		if (r->ncolumns == PAGETYPEINFO_ORDERS_MAX)
			return picture_error(&r->picture, ERROR_LIMIT, s.p, "more than %d columns",
					     PAGETYPEINFO_ORDERS_MAX);
		if (r->table == TABLE_FREE) {
			if (!scan_dec(&s, &order))
				return picture_number_error(&r->picture, &s, "an order");
			if (order != r->ncolumns)
				return picture_error(&r->picture, ERROR_RANGE, s.p,
						     "orders do not go up by 1");
		} else {
			if (!scan_word(&s, &word))
				return picture_error(&r->picture, ERROR_SYNTAX, s.p,
						     "a migrate type has no name");
			err = add_type(r, word, &r->columns[r->ncolumns]);
			if (err)
				return err;
			for (uint32_t i = 0; i < r->ncolumns; i++)
				if (r->columns[i] == r->columns[r->ncolumns])
					return picture_error(&r->picture, ERROR_RANGE, word.p,
							     "a migrate type is given twice");
		}
		r->ncolumns++;
	}
	return NULL;
}

/* The rest of a row. */
static struct error *read_numbers(struct reader *r, struct scan s)
{
	while (!scan_blank_end(&s)) {
		scan_ws(&s);
		if (r->nvalues == PAGETYPEINFO_ORDERS_MAX)
			return picture_error(&r->picture, ERROR_LIMIT, s.p, "more than %d columns",
					     PAGETYPEINFO_ORDERS_MAX);
		if (scan_char(&s, '>'))
			r->capped |= 1ULL << r->nvalues;
		if (!scan_dec(&s, &r->values[r->nvalues]))
			return picture_number_error(&r->picture, &s, "a column");
		r->nvalues++;
	}
	return NULL;
}

static struct error *start_row(struct reader *r, struct scan s)
{
	struct scan_str zone, type = { 0 };
	struct error *err;
	struct scan t;

	err = picture_node_zone(&r->picture, &s, &r->nid, &zone);
	if (err)
		return err;
	t = s;
	scan_ws(&t);
	if (scan_lit(&t, ", type") && scan_ws1(&t) && scan_word(&t, &type))
		s = t;
	if (r->table == TABLE_NONE || (type.len != 0) != (r->table == TABLE_FREE)) {
		/* A row of a table we do not know. */
		picture_unknown(&r->picture);
		return NULL;
	}
	if (type.len) {
		err = add_type(r, type, &r->type);
		if (err)
			return err;
	}
	r->zone = picture_name(&r->picture, zone);
	r->row = ROW_NUMBERS;
	r->row_line = r->picture.lines.line;
	r->nvalues = 0;
	r->capped = 0;
	return read_numbers(r, s);
}

static struct error *start_table(struct reader *r, enum table table, struct scan s)
{
	r->table = table;
	r->row = ROW_HEADER;
	r->row_line = r->picture.lines.line;
	r->ncolumns = 0;
	return read_header(r, s);
}

/* "Page block order: 9" and the like: printed for each node, and always the same. */
static struct error *read_constant(struct reader *r, struct scan s, const char *what, bool *has,
				   uint64_t *value)
{
	uint64_t number;

	scan_ws(&s);
	if (!scan_dec(&s, &number))
		return picture_number_error(&r->picture, &s, what);
	if (*has && *value != number)
		return picture_error(&r->picture, ERROR_RANGE, s.p, "another %s than before", what);
	*has = true;
	*value = number;
	return NULL;
}

static struct error *read_line(struct reader *r, struct scan s)
{
	struct pagetypeinfo *pi = &r->pi;
	uint64_t order = pi->block_order;
	struct error *err;
	struct scan t = s;
	char first;

	/* Only the rest of a wrapped row starts with a number, of a header with a type. */
	scan_ws(&t);
	first = scan_peek(&t);
	if (r->row == ROW_NUMBERS && (scan_is_digit(first) || first == '>'))
		return read_numbers(r, t);
	if (r->row == ROW_HEADER && r->table == TABLE_FREE && scan_is_digit(first))
		return read_header(r, t);
	if (r->row == ROW_HEADER && r->table != TABLE_FREE && !picture_is_node(&s) &&
	    !scan_lit(&t, "Number ") && !scan_lit(&t, "Page ") && !scan_lit(&t, "Pages ") &&
	    !scan_lit(&t, "Free "))
		return read_header(r, t);

	err = end_row(r);
	if (err)
		return err;
	if (picture_is_node(&s))
		return start_row(r, s);
	t = s;
	if (scan_lit(&t, "Page block order:")) {
		err = read_constant(r, t, "page block order", &pi->has_block_order, &order);
		if (!err && order >= PAGETYPEINFO_ORDERS_MAX)
			return picture_error(&r->picture, ERROR_RANGE, t.p,
					     "the page block order is too large");
		pi->block_order = (uint32_t)order;
		return err;
	}
	t = s;
	if (scan_lit(&t, "Pages per block:"))
		return read_constant(r, t, "number of pages per block", &pi->has_pages_per_block,
				     &pi->pages_per_block);
	t = s;
	if (scan_lit(&t, "Free pages count per migrate type at order"))
		return start_table(r, TABLE_FREE, t);
	t = s;
	if (scan_lit(&t, "Number of blocks type"))
		return start_table(r, TABLE_BLOCKS, t);
	t = s;
	if (scan_lit(&t, "Number of mixed blocks"))
		return start_table(r, TABLE_MIXED, t);
	/* Whatever follows an unknown line is not a part of the table before it. */
	if (!scan_is_blank(scan_peek(&s)))
		r->table = TABLE_NONE;
	picture_unknown(&r->picture);
	return NULL;
}

/* Rows were kept one after the other, those of blocks with room for all types. */
static void set_slices(struct reader *r)
{
	struct pagetypeinfo *pi = &r->pi;
	const uint64_t *next = pi->counts;
	uint32_t free_at = 0, blocks_at = 0, mixed_at = 0;

	/* The tables take turns; lines tell in which order. */
	while (free_at < pi->nfree || blocks_at < pi->nblocks || mixed_at < pi->nmixed) {
		uint32_t free_line = free_at < pi->nfree ? pi->free[free_at].line : UINT32_MAX;
		uint32_t blocks_line = blocks_at < pi->nblocks ? pi->blocks[blocks_at].line
							       : UINT32_MAX;
		uint32_t mixed_line = mixed_at < pi->nmixed ? pi->mixed[mixed_at].line : UINT32_MAX;

		if (free_line < blocks_line && free_line < mixed_line) {
			pi->free[free_at++].free = next;
			next += pi->norders;
		} else if (blocks_line < mixed_line) {
			pi->blocks[blocks_at++].blocks = next;
			next += PAGETYPEINFO_TYPES_MAX;
		} else {
			pi->mixed[mixed_at++].blocks = next;
			next += PAGETYPEINFO_TYPES_MAX;
		}
	}
}

struct key {
	int32_t nid;
	uint32_t type;
	uint32_t line;
	const char *zone;
};

static int compare_keys(const void *a, const void *b)
{
	const struct key *x = a, *y = b;
	int zones;

	if (x->nid != y->nid)
		return x->nid < y->nid ? -1 : 1;
	if (x->type != y->type)
		return x->type < y->type ? -1 : 1;
	zones = strcmp(x->zone, y->zone);
	if (zones)
		return zones;
	return x->line < y->line ? -1 : x->line > y->line;
}

/* The second of two equal rows is an error; the tables may have many rows, so they are sorted. */
static struct error *check_twice(struct reader *r)
{
	struct pagetypeinfo *pi = &r->pi;
	uint32_t n = pi->nfree + pi->nblocks + pi->nmixed, at = 0;
	struct key *keys = calloc(n ? n : 1, sizeof(*keys));
	struct error *err = NULL;

	if (!keys)
		return error_no_memory();
	for (uint32_t i = 0; i < pi->nfree; i++)
		keys[at++] = (struct key){ pi->free[i].nid, pi->free[i].type, pi->free[i].line,
					   pi->free[i].zone };
	for (uint32_t i = 0; i < pi->nblocks; i++)
		keys[at++] = (struct key){ pi->blocks[i].nid, PAGETYPEINFO_TYPES_MAX,
					   pi->blocks[i].line, pi->blocks[i].zone };
	for (uint32_t i = 0; i < pi->nmixed; i++)
		keys[at++] = (struct key){ pi->mixed[i].nid, PAGETYPEINFO_TYPES_MAX + 1,
					   pi->mixed[i].line, pi->mixed[i].zone };
	qsort(keys, n, sizeof(*keys), compare_keys);
	for (uint32_t i = 1; i < n && !err; i++)
		if (keys[i].nid == keys[i - 1].nid && keys[i].type == keys[i - 1].type &&
		    !strcmp(keys[i].zone, keys[i - 1].zone))
			err = error_create(ERROR_RANGE, r->picture.name, keys[i].line, 0,
					   "line %u has this row of node %d, zone %s already",
					   keys[i - 1].line, (int)keys[i].nid, keys[i].zone);
	free(keys);
	return err;
}

struct error *pagetypeinfo_parse(const char *text, size_t len, const char *name,
				 struct pagetypeinfo *ret)
{
	struct reader r = { 0 };
	struct error *err;
	struct scan s;

	err = picture_open(&r.picture, text, len, name);
	while (!err && picture_next(&r.picture, &s))
		err = read_line(&r, s);
	if (!err)
		err = end_row(&r);
	if (!err && !r.pi.nfree && !r.pi.nblocks)
		err = picture_format_error(&r.picture, "pagetypeinfo: no row was found");
	if (!err)
		err = check_twice(&r);
	if (err) {
		pagetypeinfo_deinit(&r.pi);
	} else {
		set_slices(&r);
		picture_keep(&r.picture, &r.pi.names, &r.pi.unknown_lines,
			     &r.pi.first_unknown_line);
		*ret = r.pi;
	}
	picture_close(&r.picture);
	return err;
}

void pagetypeinfo_deinit(struct pagetypeinfo *pi)
{
	free(pi->types);
	free(pi->free);
	free(pi->blocks);
	free(pi->mixed);
	free(pi->counts);
	free(pi->names);
	*pi = (struct pagetypeinfo){ 0 };
}

uint32_t pagetypeinfo_type(const struct pagetypeinfo *pi, const char *type)
{
	for (uint32_t i = 0; i < pi->ntypes; i++)
		if (!strcmp(pi->types[i], type))
			return i;
	return UINT32_MAX;
}

const struct pagetypeinfo_free *pagetypeinfo_find_free(const struct pagetypeinfo *pi, int32_t nid,
						       const char *zone, const char *type)
{
	uint32_t index = pagetypeinfo_type(pi, type);

	for (uint32_t i = 0; i < pi->nfree; i++)
		if (pi->free[i].type == index && pi->free[i].nid == nid &&
		    !strcmp(pi->free[i].zone, zone))
			return &pi->free[i];
	return NULL;
}

const struct pagetypeinfo_blocks *pagetypeinfo_find_blocks(const struct pagetypeinfo *pi,
							   int32_t nid, const char *zone)
{
	for (uint32_t i = 0; i < pi->nblocks; i++)
		if (pi->blocks[i].nid == nid && !strcmp(pi->blocks[i].zone, zone))
			return &pi->blocks[i];
	return NULL;
}
