/* SPDX-License-Identifier: MIT */
#include "traces/procfs/meminfo.h"

#include <stdlib.h>
#include <string.h>

#include "engine/units.h"
#include "traces/grow.h"
#include "traces/procfs/picture.h"
#include "traces/scan.h"

/* Kernels print about 60. */
#define ENTRIES_MAX 4096

struct reader {
	struct picture picture;
	struct meminfo mi;
	uint32_t room;
};

/* "Node 3 " before a key; all lines must agree on it. */
static struct error *read_node(struct reader *r, struct scan *s)
{
	const char *start = s->p;
	int32_t nid = NID_NONE;
	uint32_t number;

	if (scan_lit(s, "Node ")) {
		scan_ws(s);
		if (!scan_u32(s, &number) || number > INT32_MAX)
			return picture_number_error(&r->picture, s, "a node");
		nid = (int32_t)number;
		scan_ws(s);
	}
	if (r->mi.nentries && nid != r->mi.nid)
		return picture_error(&r->picture, ERROR_RANGE, start,
				     "this line and those before it are not of one node");
	r->mi.nid = nid;
	return NULL;
}

static struct error *read_line(struct reader *r, struct scan s)
{
	struct meminfo_entry *entries;
	struct scan_str key;
	const char *name;
	struct error *err;
	uint64_t value;
	bool kb;

	scan_ws(&s);
	/* Something else than a key: 2.4 had a table at the top. */
	if (!memchr(s.p, ':', scan_left(&s))) {
		picture_unknown(&r->picture);
		return NULL;
	}
	err = read_node(r, &s);
	if (err)
		return err;
	if (!scan_until(&s, ':', &key) || memchr(key.p, ' ', key.len) || !scan_char(&s, ':')) {
		picture_unknown(&r->picture);
		return NULL;
	}
	scan_ws(&s);
	if (!scan_dec(&s, &value)) {
		if (scan_number_too_large(&s))
			return picture_number_error(&r->picture, &s,
						    picture_name(&r->picture, key));
		picture_unknown(&r->picture);
		return NULL;
	}
	scan_ws(&s);
	kb = scan_lit(&s, "kB");
	if (!scan_blank_end(&s)) {
		picture_unknown(&r->picture);
		return NULL;
	}
	if (r->mi.nentries >= ENTRIES_MAX)
		return picture_error(&r->picture, ERROR_LIMIT, key.p, "more than %d entries",
				     ENTRIES_MAX);
	entries = grow(r->mi.entries, r->mi.nentries, &r->room, sizeof(*entries));
	if (!entries)
		return error_no_memory();
	r->mi.entries = entries;
	name = picture_name(&r->picture, key);
	if (meminfo_find(&r->mi, name))
		return picture_error(&r->picture, ERROR_RANGE, key.p, "%s is given twice", name);
	entries[r->mi.nentries++] = (struct meminfo_entry){
		.key = name,
		.value = value,
		.kb = kb,
		.line = r->picture.lines.line,
	};
	return NULL;
}

struct error *meminfo_parse(const char *text, size_t len, const char *name, struct meminfo *ret)
{
	struct reader r = { .mi = { .nid = NID_NONE } };
	struct error *err;
	struct scan s;

	err = picture_open(&r.picture, text, len, name);
	while (!err && picture_next(&r.picture, &s))
		err = read_line(&r, s);
	if (!err && !r.mi.nentries)
		err = picture_format_error(&r.picture, "meminfo: no entry was found");
	if (err) {
		meminfo_deinit(&r.mi);
	} else {
		picture_keep(&r.picture, &r.mi.names, &r.mi.unknown_lines,
			     &r.mi.first_unknown_line);
		*ret = r.mi;
	}
	picture_close(&r.picture);
	return err;
}

void meminfo_deinit(struct meminfo *mi)
{
	free(mi->entries);
	free(mi->names);
	*mi = (struct meminfo){ 0 };
}

const struct meminfo_entry *meminfo_find(const struct meminfo *mi, const char *key)
{
	for (uint32_t i = 0; i < mi->nentries; i++)
		if (!strcmp(mi->entries[i].key, key))
			return &mi->entries[i];
	return NULL;
}

bool meminfo_kb(const struct meminfo *mi, const char *key, uint64_t *ret)
{
	const struct meminfo_entry *entry = meminfo_find(mi, key);

	if (!entry || !entry->kb)
		return false;
	*ret = entry->value;
	return true;
}
