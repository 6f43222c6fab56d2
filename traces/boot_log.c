/* SPDX-License-Identifier: MIT */
#include "traces/boot_log.h"

#include <stdlib.h>
#include <string.h>

#include "engine/device_tree.h"
#include "traces/dmesg/reader.h"
#include "traces/infer.h"

/* Grows *@array to hold one element more and zeroes it; NULL without memory. */
static void *append(struct boot_log *log, void **array, uint32_t *count, uint32_t *room,
		    size_t size)
{
	char *base = *array;

	if (*count == *room) {
		uint32_t wanted = *room ? *room * 2 : 16;

		base = realloc(base, wanted * size);
		if (!base) {
			log->out_of_memory = true;
			return NULL;
		}
		*array = base;
		*room = wanted;
	}
	base += *count * size;
	memset(base, 0, size);
	(*count)++;
	return base;
}

#define APPEND(log, array, count, room) \
	append(log, (void **)&(array), &(count), &(room), sizeof(*(array)))

/* Texts lie one after the other in blocks of this size, or of their own if they are longer. */
#define TEXTS_BYTES ((size_t)4 << 10)

struct boot_log_texts {
	struct boot_log_texts *next;
	size_t used, room;
	char data[];
};

const char *boot_log_text(struct boot_log *log, const char *text, size_t len)
{
	struct boot_log_texts *texts = log->texts;
	char *copy;

	if (!texts || texts->room - texts->used <= len) {
		size_t room = len < TEXTS_BYTES ? TEXTS_BYTES : len + 1;

		texts = malloc(sizeof(*texts) + room);
		if (!texts) {
			log->out_of_memory = true;
			return "";
		}
		texts->used = 0;
		texts->room = room;
		texts->next = log->texts;
		log->texts = texts;
	}
	copy = texts->data + texts->used;
	memcpy(copy, text, len);
	copy[len] = 0;
	texts->used += len + 1;
	return copy;
}

/* All texts, but for the block that comes back in *@kept_ret, unless that is NULL. */
static void free_texts(struct boot_log_texts *texts, struct boot_log_texts **kept_ret)
{
	while (texts) {
		struct boot_log_texts *next = texts->next;

		if (kept_ret && !*kept_ret) {
			texts->used = 0;
			texts->next = NULL;
			*kept_ret = texts;
		} else {
			free(texts);
		}
		texts = next;
	}
}

struct boot_step *boot_log_add_step(struct boot_log *log, enum boot_step_kind kind, uint32_t line)
{
	struct boot_step *s = APPEND(log, log->input.steps, log->input.step_count, log->step_room);

	if (!s)
		return NULL;
	s->kind = kind;
	s->line = line;
	s->nid = NID_NONE;
	s->name = "";
	return s;
}

struct affinity_memory *boot_log_add_affinity(struct boot_log *log)
{
	return APPEND(log, log->input.affinity, log->input.affinity_count, log->affinity_room);
}

bool boot_log_add_cpu(struct boot_log *log, int32_t nid)
{
	int32_t *cpu = APPEND(log, log->input.cpu_nid, log->input.cpu_nid_count, log->cpu_room);

	if (!cpu)
		return false;
	*cpu = nid;
	return true;
}

void boot_log_note(struct boot_log *log, uint32_t line, uint32_t other_line, const char *what)
{
	struct boot_log_note *note = APPEND(log, log->notes, log->note_count, log->note_room);

	if (note)
		*note = (struct boot_log_note){ line, other_line, what };
}

struct answer *reader_answer(struct reader *r, enum answer_kind kind)
{
	struct answer *a = answers_add(&r->log->recorded, kind);

	a->line = r->line->line;
	return a;
}

void reader_adopt_orphan(struct reader *r, uint32_t step)
{
	struct answer *a;

	if (!r->orphan_count)
		return;
	a = reader_answer(r, ANSWER_PLACEMENT);
	a->index = step;
	a->line = r->orphans[0].line;
	a->v[0] = r->orphans[0].start;
	a->v[1] = r->orphans[0].end;
	a->v[2] = r->orphans[0].flags;
	a->v[3] = r->orphans[0].nid;
	memmove(r->orphans, r->orphans + 1, --r->orphan_count * sizeof(*r->orphans));
}

bool reader_flush_orphans(struct reader *r, uint32_t keep)
{
	while (r->orphan_count > keep) {
		struct boot_step *step = boot_log_add_step(r->log, STEP_ALLOC, r->orphans[0].line);

		if (!step)
			return false;
		step->size = r->orphans[0].end - r->orphans[0].start;
		step->align = step->size & 0xfff ? 64 : 4096;
		step->flags = STEP_SIZE_GIVEN;
		step->call = ALLOC_PHYS_RANGE;
		reader_adopt_orphan(r, r->log->input.step_count - 1);
	}
	return true;
}

static bool scan_range_body(struct scan *s, phys_t *start, phys_t *end)
{
	uint64_t a, b;

	if (!scan_number(s, &a) || !scan_ws(s) || !scan_char(s, '-') || !scan_ws(s) ||
	    !scan_number(s, &b) || !scan_char(s, ']'))
		return false;
	*start = a;
	*end = b == UINT64_MAX ? UINT64_MAX : b + 1;
	return true;
}

bool scan_mem_range(struct scan *s, phys_t *start, phys_t *end)
{
	return (scan_lit(s, "[mem ") || scan_lit(s, "[gap ")) && scan_range_body(s, start, end);
}

bool scan_plain_range(struct scan *s, phys_t *start, phys_t *end)
{
	uint64_t a, b;

	if (!scan_hex(s, &a) || !scan_ws(s) || !scan_char(s, '-') || !scan_ws(s) ||
	    !scan_hex(s, &b))
		return false;
	*start = a;
	*end = b;
	return true;
}

bool scan_bracket_range(struct scan *s, phys_t *start, phys_t *end)
{
	return scan_char(s, '[') && scan_range_body(s, start, end);
}

bool scan_zone(struct scan *s, enum zone_type *ret)
{
	struct scan_str name;

	return scan_name(s, &name) && zone_type_parse(name.p, name.len, ret);
}

struct line_row {
	const char *prefix;
	bool (*parse)(struct reader *r, struct scan s);
};

static const struct line_row rows[] = {
#define LINE(id, family, prefix, yields, kernels) { prefix, line_##id },
#include "traces/lines.def"
#undef LINE
};

/*
 * The era of a log that lost its head, by lines that only some kernels print.  The newest sign counts.
 */
static const char *guess_era(const struct log_text *text, size_t first, size_t end, bool arm64)
{
	static const struct {
		const char *prefix, *era;
	} signs[] = {
		/* Newest first. */
		{ "__memblock_reserve: [", "7.2" },	{ "NODE_DATA(", "6.12" },
		{ "memblock_phys_free: [", "6.1" },	{ "memblock_phys_alloc_range: ", "6.1" },
		{ "Fallback order for Node ", "6.1" },	{ "memblock_free: [", "5.10" },
		{ "memblock_alloc_try_nid: ", "5.10" }, { "memblock_virt_alloc_try_nid", "4.4" },
		{ "early_node_map[", "2.6.32" },
	};

	for (size_t k = 0; k < sizeof(signs) / sizeof(signs[0]); k++) {
		/* x86 has said so for long. */
		if (!strcmp(signs[k].prefix, "NODE_DATA(") && !arm64)
			continue;
		for (size_t i = first; i < end; i++)
			if (!strncmp(text->lines[i].text, signs[k].prefix, strlen(signs[k].prefix)))
				return signs[k].era;
	}
	return NULL;
}

#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))

/* The rows by the first byte of their prefix (0: it is empty), in their order; ROW_COUNT ends a list. */
struct row_index {
	uint8_t first[UINT8_MAX + 1], next[ROW_COUNT];
};

_Static_assert(ROW_COUNT <= UINT8_MAX, "a byte for the number of a row");

static void row_index_init(struct row_index *index)
{
	memset(index->first, ROW_COUNT, sizeof(index->first));
	for (size_t i = ROW_COUNT; i-- > 0;) {
		uint8_t *first = &index->first[(uint8_t)rows[i].prefix[0]];

		index->next[i] = *first;
		*first = (uint8_t)i;
	}
}

static bool read_line(struct reader *r, const struct row_index *index, const struct log_line *line)
{
	uint8_t byte = (uint8_t)line->text[0];
	size_t any = index->first[0], own = byte ? index->first[byte] : ROW_COUNT;

	r->line = line;
	/* The next row of both lists. */
	while (any < ROW_COUNT || own < ROW_COUNT) {
		size_t *list = any < own ? &any : &own, row = *list;
		struct scan s = scan_of(line->text, line->len);

		*list = index->next[row];
		if (scan_lit(&s, rows[row].prefix) && rows[row].parse(r, s))
			return true;
	}
	return false;
}

/* Takes note of what shows the architecture. */
static void look_for_machine(struct reader *r, const struct log_line *line)
{
	struct scan s = scan_of(line->text, line->len);
	const char *t = line->text;

	/* "e820: last_pfn = 0x7ffdc max_arch_pfn = 0x1000000" */
	if ((*t == 'e' || *t == 'l') && strstr(t, " max_arch_pfn = 0x1000000") &&
	    !strstr(t, "0x10000000"))
		r->saw_pae = true;
	/* "888MB LOWMEM available.", "    lowmem  : 0xc0000000 - 0xf7ffe000" */
	if (((scan_is_digit(*t) || *t == ' ') && strstr(t, "LOWMEM available")) ||
	    (*t == ' ' && strstr(t, "lowmem  :"))) {
		r->saw_lowmem = true;
		return;
	}
	switch (*t) {
	case ' ':
		r->saw_e820 |= scan_lit(&s, " BIOS-e820:");
		r->saw_highmem |= scan_lit(&s, "  HighMem ");
		break;
	case 'A':
		r->saw_x86 |= scan_lit(&s, "ACPI: LAPIC");
		break;
	case 'B':
		r->saw_e820 |= scan_lit(&s, "BIOS-e820:");
		if (scan_lit(&s, "Booting Linux on physical CPU 0x"))
			*(strchr(t, '[') ? &r->saw_arm64 : &r->saw_arm) = true;
		break;
	case 'C':
		r->saw_arm |= scan_lit(&s, "CPU: ARM");
		break;
	case 'D':
	case 'p':
		if (scan_lit(&s, "psci: ") || scan_lit(&s, "Detected VIPT I-cache") ||
		    scan_lit(&s, "Detected PIPT I-cache"))
			r->saw_arm64 |= !r->saw_arm;
		break;
	case 'L':
		if (scan_lit(&s, "Linux version ") && !r->log->input.version_text) {
			const char *space = strchr(s.p, ' ');

			r->log->input.version_text = boot_log_text(
				r->log, s.p, space ? (size_t)(space - s.p) : scan_left(&s));
		}
		break;
	case 'm':
		if (scan_lit(&s, "memblock_reserve: [0x")) {
			const char *dash = strchr(s.p, '-');

			if (dash)
				r->address_digits = (unsigned int)(dash - s.p);
		}
		break;
	default:
		r->saw_e820 |= scan_lit(&s, "Xen: [mem");
		r->saw_x86 |= scan_lit(&s, "x86/") || scan_lit(&s, "kvm-clock: ") ||
			      scan_lit(&s, "IOAPIC[") || scan_lit(&s, "smpboot: ") ||
			      scan_lit(&s, "RIP: 0010:");
		break;
	}
}

/* Which machine this is, where the version line does not say. */
static void guess_arch(struct reader *r)
{
	struct boot_input *in = &r->log->input;
	const char *v = in->version_text ? in->version_text : "";
	enum arch arch = ARCH_OTHER;
	bool pae = true;

	if (r->saw_e820) {
		bool is_32 = r->saw_lowmem || r->saw_highmem || strstr(v, "686") ||
			     strstr(v, "586") || strstr(v, "486") || strstr(v, "i386");

		arch = is_32 ? ARCH_I386 : ARCH_X86_64;
		/* The largest page frame there can be tells; the name and memblock's digits suggest. */
		pae = r->saw_pae || strstr(v, "pae") || strstr(v, "PAE") || r->address_digits > 8;
	} else if (r->saw_arm64) {
		arch = ARCH_ARM64;
	} else if (r->saw_arm) {
		arch = ARCH_ARM;
		pae = r->address_digits > 8 || strstr(v, "lpae");
	} else if (strstr(v, "amd64") || strstr(v, "x86_64")) {
		arch = ARCH_X86_64;
	} else if (strstr(v, "arm64") || strstr(v, "aarch64")) {
		arch = ARCH_ARM64;
	} else if (strstr(v, "armmp") || strstr(v, "armv7")) {
		arch = ARCH_ARM;
		pae = strstr(v, "lpae");
	} else if (strstr(v, "686")) {
		arch = ARCH_I386;
	} else if (r->saw_x86) {
		arch = r->saw_lowmem || r->saw_highmem ? ARCH_I386 : ARCH_X86_64;
	}
	arch_config_default(arch, pae, &in->config);
}

struct error *boot_log_read(const struct log_text *text, size_t first, size_t end, const char *name,
			    struct boot_log *ret)
{
	struct reader r = { .log = ret,
			    .text = text,
			    .end = end,
			    .request = READER_NO_STEP,
			    .node = NID_NONE,
			    .crash_low = READER_NO_STEP - 1 };
	struct infer infer = { 0 };
	struct row_index index;

	row_index_init(&index);
	ret->name = strdup(name);
	if (!ret->name)
		return error_no_memory();
	ret->input.sections = (struct boot_sections){ UINT64_MAX, UINT64_MAX, UINT64_MAX,
						      UINT64_MAX, UINT64_MAX };
	/* The architecture decides how zones are numbered, so it is looked for first. */
	for (size_t i = first; i < end; i++) {
		const struct log_line *l = &text->lines[i];

		infer_line(&infer, l);
		look_for_machine(&r, l);
	}
	guess_arch(&r);
	infer_machine(&infer, ret);
	for (size_t i = first; i < end; i++) {
		r.at = i;
		dump_walk_line(&r.walk, text->lines[i].text);
		if (read_line(&r, &index, &text->lines[i])) {
			ret->lines_known++;
		} else if (!ret->lines_unknown++) {
			ret->unknown_line = text->lines[i].line;
			ret->unknown_column = text->lines[i].column;
		}
	}
	if (!ret->has_version)
		ret->guessed_era =
			guess_era(text, first, end, ret->input.config.arch == ARCH_ARM64);
	reader_flush_orphans(&r, 0);
	/* Kernels that can defer struct pages say how long it took before they free anything late. */
	for (uint32_t i = 0; i < ret->input.step_count && !r.saw_deferred; i++)
		if (ret->input.steps[i].kind == STEP_LATE_FREE)
			ret->input.config.deferred_struct_page = false;
	boot_log_settle(ret, 0);
	infer_fit(ret);
	if (ret->recorded.out_of_memory || ret->out_of_memory)
		return error_no_memory();
	return NULL;
}

void boot_log_settle(struct boot_log *log, uint32_t version)
{
	if (version)
		log->input.version = version;
	else if (!log->input.version)
		facts_parse_version(log->guessed_era ? log->guessed_era : "6.12",
				    &log->input.version);
	facts_init(&log->input.facts, log->input.version);
	if (!version)
		infer_facts(log);
	arch_config_apply_facts(&log->input.config, &log->input.facts);
}

void boot_log_deinit(struct boot_log *log)
{
	free_texts(log->texts, NULL);
	free(log->name);
	free(log->notes);
	free(log->input.firmware);
	free(log->input.affinity);
	free(log->input.windows);
	free(log->input.cpu_nid);
	free(log->input.node_cpus);
	free(log->input.distance);
	free(log->input.steps);
	free(log->input.state.memory);
	free(log->input.state.reserved);
	free(log->input.given_ranges);
	device_tree_deinit(&log->input.tree);
	answers_deinit(&log->recorded);
	memset(log, 0, sizeof(*log));
}

void boot_log_clear(struct boot_log *log)
{
	struct boot_log kept = {
		.name = log->name,
		.input = { .firmware = log->input.firmware,
			   .affinity = log->input.affinity,
			   .windows = log->input.windows,
			   .cpu_nid = log->input.cpu_nid,
			   .node_cpus = log->input.node_cpus,
			   .distance = log->input.distance,
			   .steps = log->input.steps,
			   .state = { .memory = log->input.state.memory,
				      .reserved = log->input.state.reserved },
			   .given_ranges = log->input.given_ranges },
		.recorded = log->recorded,
		.notes = log->notes,
		.note_room = log->note_room,
		.step_room = log->step_room,
		.firmware_room = log->firmware_room,
		.affinity_room = log->affinity_room,
		.window_room = log->window_room,
		.cpu_room = log->cpu_room,
		.given_room = log->given_room,
		.state_memory_room = log->state_memory_room,
		.state_reserved_room = log->state_reserved_room,
		.node_cpus_room = log->node_cpus_room,
		.distance_room = log->distance_room,
	};

	free_texts(log->texts, &kept.texts);
	device_tree_clear(&log->input.tree);
	kept.input.tree = log->input.tree;
	answers_clear(&kept.recorded);
	kept.recorded.out_of_memory = false;
	*log = kept;
}
