/* SPDX-License-Identifier: MIT */
#include "tools/other_build.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/alloc_view.h"
#include "engine/buddy.h"
#include "engine/pageset.h"
#include "tools/process.h"

#define WORDS_MAX 256

/* ---- our own ----------------------------------------------------------------------------------- */

static struct rerun *at_event(const struct own_build *own, uint64_t number)
{
	struct rerun *r = rerun_clone(own->start);

	for (uint64_t i = 0; r && i < number && i < own->count; i++)
		rerun_event(r, &own->events[i]);
	return r;
}

struct error *own_build_digests(const struct own_build *own, uint64_t first, uint64_t last,
				uint64_t every, const struct sink *sink)
{
	uint64_t at, next;
	struct rerun *r;

	last = last < own->count ? last : own->count;
	first = first < last ? first : last;
	r = at_event(own, first);
	if (!r)
		return error_no_memory();
	for (at = next = first;; at++) {
		if (at == next || at == last) {
			sink_printf(sink, "%" PRIu64 " %016" PRIx64 "\n", at, rerun_hash(r));
			next += every ? every : 1;
		}
		if (at == last)
			break;
		rerun_event(r, &own->events[at]);
	}
	at = rerun_out_of_memory(r);
	rerun_destroy(r);
	return at ? error_no_memory() : NULL;
}

static void put_free_lists(const struct buddy *b, uint32_t zone, const struct sink *sink)
{
	const struct buddy_zone *z = &b->zones[zone];

	for (unsigned int o = 0; o <= b->max_order; o++) {
		for (unsigned int t = 0; t < MIGRATE_TYPE_COUNT; t++) {
			uint32_t cursor = BUDDY_LIST_START;
			pfn_t pfn;

			if (!z->lists[o][t].count)
				continue;
			sink_printf(sink, "%" PRId32 ":%s order %u %s, blocks\t", z->nid,
				    zone_type_name(z->type), o,
				    migratetype_name((enum migratetype)t, b->facts));
			while (buddy_list_next(b, zone, o, (enum migratetype)t, &cursor, &pfn))
				sink_printf(sink, " 0x%" PRIx64, pfn);
			sink_puts(sink, "\n");
		}
	}
}

static void put_page_sets(const struct page_alloc *a, uint32_t zone, const struct sink *sink)
{
	const struct buddy_zone *z = &a->buddy->zones[zone];

	for (uint32_t cpu = 0; cpu < a->cpu_count; cpu++) {
		const struct pageset *set = &a->sets[zone * a->cpu_count + cpu];

		for (unsigned int i = 0; i < PCP_LISTS_MAX; i++) {
			uint32_t cursor = BUDDY_LIST_START;
			pfn_t pfn;

			if (!set->lists[i].count)
				continue;
			sink_printf(sink, "%" PRId32 ":%s cpu %" PRIu32 " order %u %s, blocks\t",
				    z->nid, zone_type_name(z->type), cpu, pageset_list_order(a, i),
				    migratetype_name(alloc_view_list_type(a, i), a->buddy->facts));
			while (pageset_next(a, set, i, &cursor, &pfn))
				sink_printf(sink, " 0x%" PRIx64, pfn);
			sink_puts(sink, "\n");
		}
	}
}

/* Where a run of pageblocks of one type begins. */
static void put_pageblocks(const struct buddy *b, uint32_t zone, const struct sink *sink)
{
	const struct buddy_zone *z = &b->zones[zone];
	enum migratetype before = MIGRATE_TYPE_COUNT;
	uint64_t size = 1ULL << b->pageblock_order;

	sink_printf(sink, "%" PRId32 ":%s pageblocks, runs\t", z->nid, zone_type_name(z->type));
	for (uint32_t i = 0; i < z->span_count; i++) {
		const struct buddy_span *span = &b->spans[z->first_span + i];
		pfn_t pfn = max_u64(span->start << b->max_order, round_down_to(z->start, size));
		pfn_t end = min_u64((span->start + span->count) << b->max_order, z->end);

		for (; pfn < end; pfn += size) {
			enum migratetype type = buddy_block_type(b, zone, pfn);

			if (type != before)
				sink_printf(sink, " 0x%" PRIx64 ":%s", pfn,
					    migratetype_name(type, b->facts));
			before = type;
		}
	}
	sink_puts(sink, "\n");
}

struct error *own_build_state(const struct own_build *own, uint64_t number, const struct sink *sink)
{
	struct rerun *r = at_event(own, number);
	const struct page_alloc *a;

	if (!r)
		return error_no_memory();
	a = rerun_alloc(r);
	for (uint32_t zone = 0; zone < a->zone_count; zone++) {
		put_free_lists(a->buddy, zone, sink);
		put_page_sets(a, zone, sink);
		put_pageblocks(a->buddy, zone, sink);
	}
	rerun_destroy(r);
	return NULL;
}

/* ---- the other one ----------------------------------------------------------------------------- */

/* Runs it with more words behind. */
static struct error *ask(const char *const argv[], const char *const more[], struct sink_text *ret)
{
	const char *words[WORDS_MAX];
	struct error *err;
	int status = 0;
	size_t n = 0;

	while (argv[n] && n < WORDS_MAX - 8) {
		words[n] = argv[n];
		n++;
	}
	for (size_t i = 0; more[i] && n < WORDS_MAX - 1; i++)
		words[n++] = more[i];
	words[n] = NULL;
	err = process_run(NULL, words, ret, &status);
	if (!err && status)
		err = error_create(ERROR_OS, argv[0], 0, 0, "ended with status %d%s%s", status,
				   ret->len ? ": " : "", process_last_line(ret));
	return err;
}

/* The number of the first line that is not the same, and of the one before it. */
static struct error *first_difference(const char *program, const char *ours, const char *theirs,
				      bool *differ, uint64_t *before, uint64_t *at)
{
	*before = *at = 0;
	for (*differ = false; *ours || *theirs;) {
		size_t own = strcspn(ours, "\n"), other = strcspn(theirs, "\n");
		char *end, *other_end;
		uint64_t number = strtoull(ours, &end, 10);

		if (!*ours || !*theirs || strtoull(theirs, &other_end, 10) != number ||
		    *end != ' ' || *other_end != ' ')
			return error_create(ERROR_FORMAT, program, 0, 0,
					    "does not print the digests of these events");
		*at = number;
		if (own != other || memcmp(ours, theirs, own) != 0) {
			*differ = true;
			return NULL;
		}
		*before = number;
		ours += own + (ours[own] == '\n');
		theirs += other + (theirs[other] == '\n');
	}
	return NULL;
}

static struct error *digests(const struct own_build *own, const char *const argv[], uint64_t first,
			     uint64_t last, uint64_t every, bool *differ, uint64_t *before,
			     uint64_t *at)
{
	struct sink_text ours = { 0 }, theirs = { 0 };
	struct sink sink = sink_to_text(&ours);
	char words[3][24];
	const char *const more[] = { "--digests", words[0], "--first", words[1],
				     "--last",	  words[2], NULL };
	struct error *err;

	snprintf(words[0], sizeof(words[0]), "%" PRIu64, every);
	snprintf(words[1], sizeof(words[1]), "%" PRIu64, first);
	snprintf(words[2], sizeof(words[2]), "%" PRIu64, last);
	err = own_build_digests(own, first, last, every, &sink);
	if (!err && ours.out_of_memory)
		err = error_no_memory();
	if (!err)
		err = ask(argv, more, &theirs);
	if (!err)
		err = first_difference(argv[0], sink_text_string(&ours), sink_text_string(&theirs),
				       differ, before, at);
	sink_text_deinit(&ours);
	sink_text_deinit(&theirs);
	return err;
}

/* ---- two states as text ------------------------------------------------------------------------ */

/* The items of the line called [@name, @name + @len) of @text; NULL if there is none. */
static const char *find_items(const char *text, const char *name, size_t len)
{
	while (*text) {
		size_t line = strcspn(text, "\n");

		if (line > len && !memcmp(text, name, len) && text[len] == '\t')
			return text + len + 1;
		text += line + (text[line] == '\n');
	}
	return NULL;
}

/* Takes the next item of a line, NULL at its end. */
static const char *next_item(const char **line, size_t *len)
{
	const char *p = *line;

	while (p && *p == ' ')
		p++;
	if (!p || !*p || *p == '\n')
		return NULL;
	*len = strcspn(p, " \n");
	*line = p + *len;
	return p;
}

static void add_line(struct other_build *b, const char *name, size_t len, const char *const both[2],
		     struct error **err)
{
	struct other_line line = { .item = { "-", "-" } };
	const char *at[2] = { both[0], both[1] };
	struct other_line *more;
	bool differ = false;

	for (uint64_t place = 0;; place++) {
		const char *item[2];
		size_t size[2] = { 0, 0 };

		for (unsigned int s = 0; s < 2; s++) {
			item[s] = next_item(&at[s], &size[s]);
			line.items[s] += item[s] != NULL;
		}
		if (!item[0] && !item[1])
			break;
		if (differ || (item[0] && item[1] && size[0] == size[1] &&
			       !memcmp(item[0], item[1], size[0])))
			continue;
		differ = true;
		line.place = place;
		for (unsigned int s = 0; s < 2; s++)
			if (item[s])
				snprintf(line.item[s], sizeof(line.item[s]), "%.*s", (int)size[s],
					 item[s]);
	}
	if (!differ)
		return;
	more = realloc(b->lines, (b->count + 1) * sizeof(*more));
	if (more)
		b->lines = more;
	line.name = more ? strndup(name, len) : NULL;
	if (!line.name) {
		*err = error_no_memory();
		return;
	}
	b->lines[b->count++] = line;
}

/* Every line of ours, then those that only the other has. */
static struct error *compare_states(const char *ours, const char *theirs, struct other_build *ret)
{
	const char *const texts[2] = { ours, theirs };
	struct error *err = NULL;

	for (unsigned int s = 0; s < 2; s++) {
		for (const char *p = texts[s]; *p && !err;) {
			size_t line = strcspn(p, "\n"), len = strcspn(p, "\t\n");
			const char *both[2] = { find_items(ours, p, len),
						find_items(theirs, p, len) };

			if (p[len] == '\t' && (s == 0 || !both[0]))
				add_line(ret, p, len, both, &err);
			p += line + (p[line] == '\n');
		}
	}
	return err;
}

static struct error *states(const struct own_build *own, const char *const argv[],
			    struct other_build *ret)
{
	struct sink_text ours = { 0 }, theirs = { 0 };
	struct sink sink = sink_to_text(&ours);
	char number[24];
	const char *const more[] = { "--state", number, NULL };
	struct error *err;

	snprintf(number, sizeof(number), "%" PRIu64, ret->first);
	err = own_build_state(own, ret->first, &sink);
	if (!err && ours.out_of_memory)
		err = error_no_memory();
	if (!err)
		err = ask(argv, more, &theirs);
	if (!err)
		err = compare_states(sink_text_string(&ours), sink_text_string(&theirs), ret);
	if (!err && !ret->count)
		err = error_create(
			ERROR_UNSUPPORTED, argv[0], 0, 0,
			"has other digests for the same state, so it cannot be compared");
	sink_text_deinit(&ours);
	sink_text_deinit(&theirs);
	return err;
}

struct error *other_build_compare(const struct own_build *own, const char *const argv[],
				  uint64_t stretch, struct other_build *ret)
{
	uint64_t before, at;
	struct error *err = digests(own, argv, 0, own->count, stretch, &ret->parted, &before, &at);

	if (err || !ret->parted)
		return err;
	if (at) {
		bool differ;

		err = digests(own, argv, before, at, 1, &differ, &before, &at);
		if (!err && !differ)
			err = error_create(ERROR_FORMAT, argv[0], 0, 0,
					   "does not give the same digest twice");
	}
	ret->first = at;
	return err ? err : states(own, argv, ret);
}

void other_build_deinit(struct other_build *b)
{
	for (size_t i = 0; i < b->count; i++)
		free(b->lines[i].name);
	free(b->lines);
	memset(b, 0, sizeof(*b));
}
