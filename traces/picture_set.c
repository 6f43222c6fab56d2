/* SPDX-License-Identifier: MIT */
#include "traces/picture_set.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "traces/grow.h"
#include "traces/input.h"
#include "traces/mmtrace_file.h"
#include "traces/record.pb-c.h"

/*
 * Bits of /proc/kpageflags: on a list of reclaim; of a slab; in a free block; mapped; reserved at boot.
 * Linux 6.12 shows KPF_ANON for pages of slabs, too.
 */
enum { KPF_LRU = 5, KPF_SLAB = 7, KPF_BUDDY = 10, KPF_MMAP = 11, KPF_RESERVED = 32 };
/* kpageflags has 8 bytes a page frame: the largest machine of which one can be read has 1 TiB. */
#define KPAGEFLAGS_BYTES_MAX ((uint64_t)2 << 30)

static const char *const file_names[] = {
	[PICTURE_BUDDYINFO] = "buddyinfo", [PICTURE_PAGETYPEINFO] = "pagetypeinfo",
	[PICTURE_ZONEINFO] = "zoneinfo",   [PICTURE_MEMINFO] = "meminfo",
	[PICTURE_VMSTAT] = "vmstat",
};

const char *picture_file_name(enum picture_file file)
{
	return file_names[file];
}

static char *copy_text(const void *data, size_t size)
{
	char *copy = malloc(size + 1);

	if (!copy)
		return NULL;
	if (size)
		memcpy(copy, data, size);
	copy[size] = '\0';
	return copy;
}

static char *format_text(const char *a, const char *b, const char *c, const char *d)
{
	size_t size = strlen(a) + strlen(b) + strlen(c) + strlen(d) + 1;
	char *text = malloc(size);

	if (text)
		snprintf(text, size, "%s%s%s%s", a, b, c, d);
	return text;
}

static void snapshot_deinit(struct snapshot *s)
{
	free(s->name);
	free(s->buddy.ranges);
	free(s->lru.ranges);
	free(s->slab.ranges);
	free(s->reserved.ranges);
	for (int i = 0; i < PICTURE_FILE_COUNT; i++) {
		free(s->text[i].data);
		free(s->text_name[i]);
	}
}

void picture_set_deinit(struct picture_set *set)
{
	for (uint32_t i = 0; i < set->count; i++)
		snapshot_deinit(&set->snapshots[i]);
	free(set->snapshots);
	error_destroy(set->damage);
	*set = (struct picture_set){ 0 };
}

const struct snapshot *picture_set_find(const struct picture_set *set, const char *name)
{
	for (uint32_t i = 0; i < set->count; i++)
		if (!strcmp(set->snapshots[i].name, name))
			return &set->snapshots[i];
	return NULL;
}

/* ---- order ---- */

static bool is_number(const char *name)
{
	return *name && !name[strspn(name, "0123456789")];
}

/* Numbers of any length, without the zeros in front. */
static int compare_numbers(const char *a, const char *b)
{
	size_t a_len, b_len;

	a += strspn(a, "0");
	b += strspn(b, "0");
	a_len = strlen(a);
	b_len = strlen(b);
	if (a_len != b_len)
		return a_len < b_len ? -1 : 1;
	return strcmp(a, b);
}

static int rank(const char *name)
{
	return !strcmp(name, "boot") ? 0 : is_number(name) ? 1 : 2;
}

static int compare(const void *pa, const void *pb)
{
	const char *a = ((const struct snapshot *)pa)->name;
	const char *b = ((const struct snapshot *)pb)->name;
	int by_number;

	if (rank(a) != rank(b))
		return rank(a) - rank(b);
	by_number = rank(a) == 1 ? compare_numbers(a, b) : 0;
	return by_number ? by_number : strcmp(a, b);
}

void picture_set_sort(struct picture_set *set)
{
	if (set->count)
		qsort(set->snapshots, set->count, sizeof(*set->snapshots), compare);
}

/* Makes @s the last of @set, or ends it. */
static struct error *add(struct picture_set *set, struct snapshot *s)
{
	struct snapshot *grown = grow(set->snapshots, set->count, &set->room, sizeof(*grown));

	if (!grown) {
		snapshot_deinit(s);
		return error_no_memory();
	}
	set->snapshots = grown;
	set->snapshots[set->count++] = *s;
	return NULL;
}

/* ---- a folder ---- */

static bool has_flag(const uint8_t *word, unsigned int bit)
{
	return word[bit / 8] >> bit % 8 & 1;
}

/* Adds the next page frame. */
static bool add_page(struct picture_ranges *to, pfn_t pfn)
{
	struct picture_range *grown;

	if (to->count && to->ranges[to->count - 1].end == pfn) {
		to->ranges[to->count - 1].end++;
		return true;
	}
	grown = grow(to->ranges, to->count, &to->room, sizeof(*grown));
	if (!grown)
		return false;
	to->ranges = grown;
	to->ranges[to->count++] = (struct picture_range){ pfn, pfn + 1 };
	return true;
}

static struct error *take_page_flags(const struct input *input, struct snapshot *s)
{
	uint64_t count = input->size / 8;

	if (input->size % 8)
		return error_create(
			ERROR_FORMAT, input->name, 0, 0,
			"kpageflags has 8 bytes for each page frame; this has %zu bytes",
			input->size);
	s->has_page_flags = s->has_uses = true;
	s->page_count = count;
	for (uint64_t pfn = 0; pfn < count; pfn++) {
		const uint8_t *word = input->data + pfn * 8;
		struct picture_ranges *to = NULL;

		if (has_flag(word, KPF_BUDDY))
			to = &s->buddy;
		else if (has_flag(word, KPF_RESERVED))
			to = &s->reserved;
		else if (has_flag(word, KPF_LRU) || has_flag(word, KPF_MMAP))
			to = &s->lru;
		else if (has_flag(word, KPF_SLAB))
			to = &s->slab;
		if (to && !add_page(to, pfn))
			return error_no_memory();
	}
	return NULL;
}

static struct error *read_page_flags(const char *dir, struct snapshot *s)
{
	static const char *const names[] = { "kpageflags.gz", "kpageflags.zst", "kpageflags.xz",
					     "kpageflags", NULL };
	const struct input_limits limits = {
		.bytes_max = KPAGEFLAGS_BYTES_MAX < SIZE_MAX / 4 ? KPAGEFLAGS_BYTES_MAX
								 : SIZE_MAX / 4,
	};

	for (unsigned int i = 0; names[i]; i++) {
		struct input input = { 0 };
		bool absent;
		struct error *err = input_read_in(dir, names[i], &limits, &absent, &input);

		if (err)
			return err;
		if (absent)
			continue;
		err = take_page_flags(&input, s);
		input_deinit(&input);
		return err;
	}
	return NULL;
}

static struct error *read_texts(const char *dir, struct snapshot *s)
{
	const struct input_limits limits = { .bytes_max = SNAPSHOT_TEXT_BYTES_MAX };

	for (int i = 0; i < PICTURE_FILE_COUNT; i++) {
		char name[32];
		struct input input = { 0 };
		struct error *err;
		bool absent;

		snprintf(name, sizeof(name), "%s.txt", file_names[i]);
		err = input_read_in(dir, name, &limits, &absent, &input);
		if (err)
			return err;
		if (absent)
			continue;
		s->text[i].data = (char *)input.data;
		s->text[i].size = input.size;
		s->text_name[i] = input.name;
	}
	return NULL;
}

static struct error *read_snapshot(const char *dir, const char *entry, struct picture_set *set)
{
	const char *name = entry + strlen("snap-");
	struct snapshot s = { .name = copy_text(name, strlen(name)) };
	char *path = format_text(dir, "/", entry, "");
	struct error *err = s.name && path ? NULL : error_no_memory();

	if (!err)
		err = read_texts(path, &s);
	if (!err)
		err = read_page_flags(path, &s);
	free(path);
	if (!err)
		return add(set, &s);
	snapshot_deinit(&s);
	return err;
}

static bool is_snapshot(DIR *dir, const char *entry)
{
	struct stat st;

	return !strncmp(entry, "snap-", 5) && entry[5] && !fstatat(dirfd(dir), entry, &st, 0) &&
	       S_ISDIR(st.st_mode);
}

static struct error *read_folder(const char *path, struct picture_set *set)
{
	DIR *dir = opendir(path);
	const struct dirent *entry;
	struct error *err = NULL;

	if (!dir)
		return error_create(ERROR_OS, path, 0, 0, "cannot be read: %s", strerror(errno));
	while (!err && (entry = readdir(dir))) {
		if (!is_snapshot(dir, entry->d_name))
			continue;
		if (set->count == SNAPSHOTS_MAX)
			err = error_create(ERROR_LIMIT, path, 0, 0,
					   "there are more than %" PRIu32 " pictures, the limit",
					   SNAPSHOTS_MAX);
		else
			err = read_snapshot(path, entry->d_name, set);
	}
	closedir(dir);
	picture_set_sort(set);
	return err;
}

/* ---- stored ---- */

static ProtobufCBinaryData text_of(const struct picture_text *text)
{
	return (ProtobufCBinaryData){ text->size, (uint8_t *)text->data };
}

/* Page frames that are not in @ranges, that are, that are not ...; the caller frees.  NULL without memory. */
static uint64_t *runs_of(const struct picture_ranges *ranges, size_t *count_ret)
{
	uint64_t *runs = malloc(((size_t)ranges->count * 2 + 1) * sizeof(*runs)), at = 0;

	*count_ret = 0;
	for (uint32_t i = 0; runs && i < ranges->count; i++) {
		runs[(*count_ret)++] = ranges->ranges[i].start - at;
		runs[(*count_ret)++] = ranges->ranges[i].end - ranges->ranges[i].start;
		at = ranges->ranges[i].end;
	}
	return runs;
}

static struct error *write_one(const struct snapshot *s, struct mmtrace_writer *w)
{
	Mmtrace__Picture p = MMTRACE__PICTURE__INIT;
	struct {
		protobuf_c_boolean *has;
		ProtobufCBinaryData *data;
	} texts[] = {
		[PICTURE_BUDDYINFO] = { &p.has_buddyinfo, &p.buddyinfo },
		[PICTURE_PAGETYPEINFO] = { &p.has_pagetypeinfo, &p.pagetypeinfo },
		[PICTURE_ZONEINFO] = { &p.has_zoneinfo, &p.zoneinfo },
		[PICTURE_MEMINFO] = { &p.has_meminfo, &p.meminfo },
		[PICTURE_VMSTAT] = { &p.has_vmstat, &p.vmstat },
	};
	struct runs {
		const struct picture_ranges *from;
		size_t *count;
		uint64_t **to;
	} runs[] = {
		{ &s->buddy, &p.n_buddy_run, &p.buddy_run },
		{ &s->lru, &p.n_lru_run, &p.lru_run },
		{ &s->slab, &p.n_slab_run, &p.slab_run },
		{ &s->reserved, &p.n_reserved_run, &p.reserved_run },
	};
	struct error *err = NULL;

	p.has_name = 1;
	p.name = (ProtobufCBinaryData){ strlen(s->name), (uint8_t *)s->name };
	for (int i = 0; i < PICTURE_FILE_COUNT; i++) {
		*texts[i].has = s->text[i].data != NULL;
		*texts[i].data = text_of(&s->text[i]);
	}
	p.has_page_count = s->has_page_flags;
	p.page_count = s->page_count;
	p.has_uses = p.uses = s->has_uses;
	for (size_t i = 0; !err && i < sizeof(runs) / sizeof(*runs); i++) {
		*runs[i].to = runs_of(runs[i].from, runs[i].count);
		if (!*runs[i].to)
			err = error_no_memory();
	}
	if (!err)
		err = mmtrace_write(w, MMTRACE_PICTURE, 0, 1, &p.base);
	for (size_t i = 0; i < sizeof(runs) / sizeof(*runs); i++)
		free(*runs[i].to);
	return err;
}

struct error *picture_set_write(const struct picture_set *set, struct mmtrace_writer *w)
{
	struct error *err = NULL;

	for (uint32_t i = 0; i < set->count && !err; i++)
		err = write_one(&set->snapshots[i], w);
	return err;
}

static struct error *take_runs(const uint64_t *runs, size_t count, uint64_t page_count,
			       struct picture_ranges *ret)
{
	uint64_t at = 0;

	if (!count)
		return NULL;
	if (count % 2)
		return error_create(ERROR_CORRUPT, NULL, 0, 0,
				    "the runs of page frames do not come in pairs");
	ret->ranges = malloc(count / 2 * sizeof(*ret->ranges));
	if (!ret->ranges)
		return error_no_memory();
	for (size_t i = 0; i < count; i += 2) {
		uint64_t gap = runs[i], len = runs[i + 1];

		if (gap > page_count - at || len > page_count - at - gap || !len || (i && !gap))
			return error_create(ERROR_RANGE, NULL, 0, 0,
					    "the runs of page frames do not fit %" PRIu64
					    " page frames",
					    page_count);
		at += gap;
		ret->ranges[ret->count++] = (struct picture_range){ at, at + len };
		at += len;
	}
	return NULL;
}

static struct error *take_pages(const Mmtrace__Picture *p, struct snapshot *s)
{
	struct error *err;

	s->has_page_flags = p->has_page_count;
	s->page_count = p->page_count;
	s->has_uses = p->has_uses && p->uses;
	err = take_runs(p->buddy_run, p->n_buddy_run, s->page_count, &s->buddy);
	if (!err && s->has_uses)
		err = take_runs(p->lru_run, p->n_lru_run, s->page_count, &s->lru);
	if (!err && s->has_uses)
		err = take_runs(p->slab_run, p->n_slab_run, s->page_count, &s->slab);
	if (!err && s->has_uses)
		err = take_runs(p->reserved_run, p->n_reserved_run, s->page_count, &s->reserved);
	return err;
}

static struct error *take(const Mmtrace__Picture *p, struct snapshot *s)
{
	const struct {
		protobuf_c_boolean has;
		const ProtobufCBinaryData *data;
	} texts[] = {
		[PICTURE_BUDDYINFO] = { p->has_buddyinfo, &p->buddyinfo },
		[PICTURE_PAGETYPEINFO] = { p->has_pagetypeinfo, &p->pagetypeinfo },
		[PICTURE_ZONEINFO] = { p->has_zoneinfo, &p->zoneinfo },
		[PICTURE_MEMINFO] = { p->has_meminfo, &p->meminfo },
		[PICTURE_VMSTAT] = { p->has_vmstat, &p->vmstat },
	};

	if (!p->name.len || memchr(p->name.data, 0, p->name.len))
		return error_create(ERROR_RANGE, NULL, 0, 0, "a picture has no usable name");
	s->name = copy_text(p->name.data, p->name.len);
	if (!s->name)
		return error_no_memory();
	for (int i = 0; i < PICTURE_FILE_COUNT; i++) {
		if (!texts[i].has)
			continue;
		if (texts[i].data->len > SNAPSHOT_TEXT_BYTES_MAX)
			return error_create(ERROR_LIMIT, NULL, 0, 0,
					    "%s of picture %s has %zu bytes, more than %zu",
					    file_names[i], s->name, texts[i].data->len,
					    SNAPSHOT_TEXT_BYTES_MAX);
		s->text[i].data = copy_text(texts[i].data->data, texts[i].data->len);
		s->text[i].size = texts[i].data->len;
		s->text_name[i] = format_text("snap-", s->name, "/", file_names[i]);
		if (!s->text[i].data || !s->text_name[i])
			return error_no_memory();
	}
	return take_pages(p, s);
}

struct error *picture_set_take(struct picture_set *set, struct mmtrace_reader *r)
{
	struct snapshot s = { 0 };
	const ProtobufCMessage *message;
	struct error *err = mmtrace_unpack(r, &mmtrace__picture__descriptor, &message);

	if (err)
		return err;
	if (set->count == SNAPSHOTS_MAX)
		return error_create(ERROR_LIMIT, NULL, 0, 0,
				    "there are more than %" PRIu32 " pictures, the limit",
				    SNAPSHOTS_MAX);
	err = take((const Mmtrace__Picture *)message, &s);
	if (!err)
		return add(set, &s);
	snapshot_deinit(&s);
	return err;
}

/* Keeps the first. */
static void note_damage(struct picture_set *set, const char *path, uint32_t block,
			const struct error *err)
{
	if (!set->damage)
		set->damage = error_create_block(err->code, path, block, "%s", err->message);
}

struct error *picture_set_take_all(struct picture_set *set, struct mmtrace_reader *r,
				   const char *name)
{
	struct mmtrace_block block;

	while (mmtrace_next(r, &block)) {
		struct error *err;

		if (block.error) {
			if (block.error->code == ERROR_NO_MEMORY || block.error->code == ERROR_OS)
				return error_create(block.error->code, name, 0, 0, "%s",
						    block.error->message);
			note_damage(set, name, block.number, block.error);
			continue;
		}
		/* Pictures stand before all events. */
		if (block.type == MMTRACE_EVENTS)
			break;
		if (block.type != MMTRACE_PICTURE)
			continue;
		err = picture_set_take(set, r);
		if (err && err->code == ERROR_NO_MEMORY)
			return err;
		if (err)
			note_damage(set, name, block.number, err);
		error_destroy(err);
	}
	picture_set_sort(set);
	return NULL;
}

struct error *picture_set_read(const char *path, struct picture_set *ret)
{
	struct mmtrace_reader *r = NULL;
	struct error *err;
	struct stat st;

	if (strcmp(path, "-") && !stat(path, &st) && S_ISDIR(st.st_mode))
		return read_folder(path, ret);
	err = mmtrace_file_open(path, &r);
	if (err || !r)
		return err;
	err = picture_set_take_all(ret, r, path);
	mmtrace_reader_destroy(r);
	return err;
}
