/* SPDX-License-Identifier: MIT */
/*
 * Boot store: from a boot log to messages.
 */
#include "traces/boot_store.h"

#include <inttypes.h>
#include <string.h>

#include "traces/boot_store_fields.h"

/* Elements a block gets. */
#define STEPS_PER_PART 4096
#define ANSWERS_PER_PART 8192
/* What the messages of a boot being written may take. */
#define WRITE_MEMORY_MAX ((size_t)1 << 30)

/* From a struct @from to a message @m. */
#define PUT_AS(field, value)        \
	do {                        \
		m->has_##field = 1; \
		m->field = (value); \
	} while (0)
#define PUT_ALWAYS(field) PUT_AS(field, from->field)
#define PUT_IF(condition, field)           \
	do {                               \
		if (condition)             \
			PUT_ALWAYS(field); \
	} while (0)
#define PUT(field) PUT_IF(from->field, field)
#define PUT_KNOWN(field) PUT_IF(from->field != UINT64_MAX, field)

static ProtobufCBinaryData bytes_of(const char *text)
{
	return (ProtobufCBinaryData){ strlen(text), (uint8_t *)(uintptr_t)text };
}

/*
 * @count messages in one array and the pointers to them that protobuf-c wants; each begins as *@init.
 * NULL without memory.
 */
static void *make_messages(struct arena *arena, size_t count, size_t bytes, const void *init,
			   void ***pointers_ret)
{
	char *messages = arena_array(arena, count, bytes);
	void **pointers = arena_array(arena, count, sizeof(*pointers));

	if (!messages || !pointers)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		pointers[i] = messages + i * bytes;
		memcpy(pointers[i], init, bytes);
	}
	*pointers_ret = pointers;
	return messages;
}

#define MAKE(arena, count, Type, init, pointers) \
	make_messages(arena, count, sizeof(Type), &(Type)init, (void ***)&(pointers))

static Mmtrace__Config *put_config(const struct arch_config *from, struct arena *arena)
{
	Mmtrace__Config *m = arena_array(arena, 1, sizeof(*m));

	if (!m)
		return NULL;
	mmtrace__config__init(m);
	PUT_AS(arch, (Mmtrace__Config__Arch)arches[from->arch]);
	CONFIG_FIELDS(PUT_ALWAYS);
	m->zone = arena_array(arena, ZONE_TYPE_COUNT, sizeof(*m->zone));
	for (unsigned int t = 0; t < ZONE_TYPE_COUNT && m->zone; t++)
		if (from->zones_mask & 1u << t)
			m->zone[m->n_zone++] = (Mmtrace__Config__Zone)t;
	return m->zone ? m : NULL;
}

static Mmtrace__Kernel *put_kernel(const struct boot_input *from, struct arena *arena)
{
	Mmtrace__Kernel *m = arena_array(arena, 1, sizeof(*m));
	Mmtrace__Fact *facts;
	struct facts row;

	if (!m)
		return NULL;
	mmtrace__kernel__init(m);
	if (from->version_text)
		PUT_AS(version_text, bytes_of(from->version_text));
	PUT_AS(version_major, from->version >> 24);
	PUT_AS(version_minor, from->version >> 16 & 0xff);
	PUT_AS(version_patch, from->version & 0xffff);
	facts_init(&row, from->version);
	facts = MAKE(arena, FACT_COUNT, Mmtrace__Fact, MMTRACE__FACT__INIT, m->fact);
	m->config = put_config(&from->config, arena);
	if (!facts || !m->config)
		return NULL;
	for (unsigned int f = 0; f < FACT_COUNT; f++) {
		Mmtrace__Fact *fact = &facts[m->n_fact];

		if (from->facts.v[f] == row.v[f])
			continue;
		fact->name = (char *)(uintptr_t)fact_info((enum fact)f)->name;
		fact->has_value = 1;
		fact->value = from->facts.v[f];
		m->n_fact++;
	}
	return m;
}

static void put_step(const struct boot_step *from, Mmtrace__Step *m)
{
	PUT_AS(kind, (Mmtrace__Step__Kind)step_kinds[from->kind]);
	STEP_FIELDS(PUT);
	if (from->base)
		PUT_AS(base_addr, from->base);
	/* Two fields of the struct have other meanings for some kinds, and get their own names. */
	switch (from->kind) {
	case STEP_E820_UPDATE:
		m->has_min_addr = 0;
		m->min_addr = 0;
		PUT_AS(old_type, from->align);
		PUT_AS(new_type, from->min_addr);
		break;
	case STEP_E820_REMOVE:
		PUT_AS(old_type, from->align);
		break;
	case STEP_HASH:
		if (from->align)
			PUT_AS(bucket_bytes, from->align);
		break;
	default:
		if (from->align)
			PUT_AS(align, from->align);
	}
	if (from->nid != NID_NONE)
		PUT_AS(nid, from->nid);
	if (from->flags & ~STEP_SIZE_GIVEN)
		PUT_AS(flags, from->flags & ~STEP_SIZE_GIVEN);
	if (from->flags & STEP_SIZE_GIVEN)
		PUT_AS(size_given, 1);
	if (from->call != ALLOC_TRY_NID)
		PUT_AS(call, (Mmtrace__Step__Call)alloc_calls[from->call]);
	if (*from->name)
		PUT_AS(name, bytes_of(from->name));
}

static bool put_regions(const struct memblock_region *regions, uint32_t count, struct arena *arena,
			Mmtrace__Region ***ret)
{
	Mmtrace__Region *m = MAKE(arena, count, Mmtrace__Region, MMTRACE__REGION__INIT, *ret);

	if (!m)
		return false;
	for (uint32_t i = 0; i < count; i++, m++) {
		const struct memblock_region *from = &regions[i];

		PUT_AS(base_addr, from->base);
		REGION_FIELDS(PUT);
		if (from->nid != NID_NONE)
			PUT_AS(nid, from->nid);
	}
	return true;
}

static Mmtrace__State *put_state(const struct boot_state *from, struct arena *arena)
{
	Mmtrace__State *m = arena_array(arena, 1, sizeof(*m));

	if (!m)
		return NULL;
	mmtrace__state__init(m);
	STATE_FIELDS(PUT);
	m->n_memory = from->memory_count;
	m->n_reserved = from->reserved_count;
	if (!put_regions(from->memory, from->memory_count, arena, &m->memory) ||
	    !put_regions(from->reserved, from->reserved_count, arena, &m->reserved))
		return NULL;
	return m;
}

static bool put_firmware(const struct boot_input *in, struct arena *arena,
			 Mmtrace__BootInput *input)
{
	Mmtrace__FirmwareEntry *m = MAKE(arena, in->firmware_count, Mmtrace__FirmwareEntry,
					 MMTRACE__FIRMWARE_ENTRY__INIT, input->firmware);

	if (!m)
		return false;
	input->n_firmware = in->firmware_count;
	for (uint32_t i = 0; i < in->firmware_count; i++, m++) {
		PUT_AS(start, in->firmware[i].start);
		PUT_AS(end, in->firmware[i].end);
		PUT_AS(type, in->firmware[i].type);
	}
	return true;
}

static bool put_affinity(const struct boot_input *in, struct arena *arena,
			 Mmtrace__BootInput *input)
{
	Mmtrace__AffinityMemory *m = MAKE(arena, in->affinity_count, Mmtrace__AffinityMemory,
					  MMTRACE__AFFINITY_MEMORY__INIT, input->affinity);

	if (!m)
		return false;
	input->n_affinity = in->affinity_count;
	for (uint32_t i = 0; i < in->affinity_count; i++, m++) {
		const struct affinity_memory *from = &in->affinity[i];

		AFFINITY_FIELDS(PUT);
		PUT_AS(nid, from->nid);
	}
	return true;
}

static bool put_windows(const struct boot_input *in, struct arena *arena, Mmtrace__BootInput *input)
{
	Mmtrace__MemoryWindow *m = MAKE(arena, in->window_count, Mmtrace__MemoryWindow,
					MMTRACE__MEMORY_WINDOW__INIT, input->window);

	if (!m)
		return false;
	input->n_window = in->window_count;
	for (uint32_t i = 0; i < in->window_count; i++, m++) {
		const struct memory_window *from = &in->windows[i];

		WINDOW_FIELDS(PUT);
	}
	return true;
}

static bool put_given_ranges(const struct boot_input *in, struct arena *arena,
			     Mmtrace__BootInput *input)
{
	Mmtrace__NodeRange *m = MAKE(arena, in->given_range_count, Mmtrace__NodeRange,
				     MMTRACE__NODE_RANGE__INIT, input->given_range);

	if (!m)
		return false;
	input->n_given_range = in->given_range_count;
	for (uint32_t i = 0; i < in->given_range_count; i++, m++) {
		const struct node_range *from = &in->given_ranges[i];

		PUT_AS(start_pfn, from->start);
		PUT_AS(end_pfn, from->end);
		PUT_AS(nid, from->nid);
		RANGE_FIELDS(PUT);
	}
	return true;
}

static bool put_tables(const struct boot_input *in, struct arena *arena, Mmtrace__BootInput *m)
{
	size_t distances = (size_t)in->distance_count * in->distance_count;
	size_t buckets = COUNT_OF(in->given_bucket_bytes);

	m->cpu_nid = in->cpu_nid;
	m->n_cpu_nid = in->cpu_nid_count;
	if (in->given_zones) {
		m->given_zone_start = (uint64_t *)(uintptr_t)in->given_zone_start;
		m->given_zone_end = (uint64_t *)(uintptr_t)in->given_zone_end;
		m->n_given_zone_start = m->n_given_zone_end = ZONE_TYPE_COUNT;
	}
	m->node_cpus = in->node_cpus;
	m->n_node_cpus = in->node_cpus_count;
	m->distance = arena_array(arena, distances, sizeof(*m->distance));
	if (!m->distance)
		return false;
	for (m->n_distance = 0; m->n_distance < distances; m->n_distance++)
		m->distance[m->n_distance] = in->distance[m->n_distance];
	while (buckets && !in->given_bucket_bytes[buckets - 1])
		buckets--;
	m->given_bucket_bytes = (uint32_t *)(uintptr_t)in->given_bucket_bytes;
	m->n_given_bucket_bytes = buckets;
	return true;
}

static bool put_sections(const struct boot_sections *from, struct arena *arena,
			 Mmtrace__BootInput *input)
{
	Mmtrace__Sections *m = arena_array(arena, 1, sizeof(*m));

	if (!m)
		return false;
	mmtrace__sections__init(m);
	SECTION_FIELDS(PUT_KNOWN);
	if (m->has_code_kb || m->has_rwdata_kb || m->has_rodata_kb || m->has_init_kb ||
	    m->has_bss_kb)
		input->sections = m;
	return true;
}

static bool put_tree_ranges(const struct tree_range *from, uint32_t count, struct arena *arena,
			    Mmtrace__TreeRange ***ret)
{
	Mmtrace__TreeRange *m =
		MAKE(arena, count, Mmtrace__TreeRange, MMTRACE__TREE_RANGE__INIT, *ret);

	if (!m)
		return false;
	for (uint32_t i = 0; i < count; i++, m++) {
		PUT_AS(base_addr, from[i].base);
		PUT_AS(size, from[i].size);
	}
	return true;
}

static bool put_tree_memory(const struct device_tree *in, struct arena *arena,
			    Mmtrace__DeviceTree *tree)
{
	Mmtrace__TreeMemory *m = MAKE(arena, in->memory_count, Mmtrace__TreeMemory,
				      MMTRACE__TREE_MEMORY__INIT, tree->memory);

	if (!m)
		return false;
	tree->n_memory = in->memory_count;
	for (uint32_t i = 0; i < in->memory_count; i++, m++) {
		const struct tree_memory *from = &in->memory[i];

		PUT_AS(base_addr, from->range.base);
		PUT_AS(size, from->range.size);
		if (from->nid != NID_NONE)
			PUT_AS(nid, from->nid);
		TREE_MEMORY_FIELDS(PUT);
	}
	return true;
}

static bool put_tree_reserved(const struct device_tree *in, struct arena *arena,
			      Mmtrace__DeviceTree *tree)
{
	Mmtrace__TreeReserved *m = MAKE(arena, in->reserved_count, Mmtrace__TreeReserved,
					MMTRACE__TREE_RESERVED__INIT, tree->reserved);

	if (!m)
		return false;
	tree->n_reserved = in->reserved_count;
	for (uint32_t i = 0; i < in->reserved_count; i++, m++) {
		const struct tree_reserved *from = &in->reserved[i];

		TREE_RESERVED_FIELDS(PUT);
		m->n_range = from->range_count;
		m->n_window = from->window_count;
		if (!put_tree_ranges(from->ranges, from->range_count, arena, &m->range) ||
		    !put_tree_ranges(from->windows, from->window_count, arena, &m->window))
			return false;
	}
	return true;
}

static bool put_tree_distances(const struct device_tree *in, struct arena *arena,
			       Mmtrace__DeviceTree *tree)
{
	Mmtrace__TreeDistance *m = MAKE(arena, in->distance_count, Mmtrace__TreeDistance,
					MMTRACE__TREE_DISTANCE__INIT, tree->distance);

	if (!m)
		return false;
	tree->n_distance = in->distance_count;
	for (uint32_t i = 0; i < in->distance_count; i++, m++) {
		PUT_AS(from_nid, in->distances[i].from);
		PUT_AS(to_nid, in->distances[i].to);
		PUT_AS(distance, in->distances[i].distance);
	}
	return true;
}

static Mmtrace__DeviceTree *put_tree(const struct device_tree *from, struct arena *arena)
{
	Mmtrace__DeviceTree *m = arena_array(arena, 1, sizeof(*m));

	if (!m)
		return NULL;
	mmtrace__device_tree__init(m);
	TREE_FIELDS(PUT);
	m->n_usable = from->usable_count;
	m->n_memreserve = from->memreserve_count;
	if (!put_tree_memory(from, arena, m) ||
	    !put_tree_ranges(from->usable, from->usable_count, arena, &m->usable) ||
	    !put_tree_ranges(from->memreserve, from->memreserve_count, arena, &m->memreserve) ||
	    !put_tree_reserved(from, arena, m) || !put_tree_distances(from, arena, m))
		return NULL;
	return m;
}

/* Everything but the steps, the kernel and the number of the part. */
static bool put_once(const struct boot_input *from, struct arena *arena, Mmtrace__BootInput *m)
{
	INPUT_FIELDS(PUT);
	if (from->command_line)
		PUT_AS(command_line, bytes_of(from->command_line));
	if (from->has_given_dma_reserve)
		PUT_AS(given_dma_reserve, from->given_dma_reserve);
	if (from->has_state) {
		m->state = put_state(&from->state, arena);
		if (!m->state)
			return false;
	}
	if (from->has_tree) {
		m->tree = put_tree(&from->tree, arena);
		if (!m->tree)
			return false;
	}
	return put_firmware(from, arena, m) && put_affinity(from, arena, m) &&
	       put_windows(from, arena, m) && put_given_ranges(from, arena, m) &&
	       put_tables(from, arena, m) && put_sections(&from->sections, arena, m);
}

static bool put_steps(const struct boot_step *steps, uint32_t count, struct arena *arena,
		      Mmtrace__BootInput *input)
{
	Mmtrace__Step *m = MAKE(arena, count, Mmtrace__Step, MMTRACE__STEP__INIT, input->step);

	if (!m)
		return false;
	input->n_step = count;
	for (uint32_t i = 0; i < count; i++)
		put_step(&steps[i], &m[i]);
	return true;
}

Mmtrace__BootInput *boot_store_input(const struct boot_log *log, struct arena *arena)
{
	Mmtrace__BootInput *m = arena_array(arena, 1, sizeof(*m));

	if (!m)
		return NULL;
	mmtrace__boot_input__init(m);
	m->kernel = put_kernel(&log->input, arena);
	if (!m->kernel || !put_once(&log->input, arena, m) ||
	    !put_steps(log->input.steps, log->input.step_count, arena, m))
		return NULL;
	return m;
}

static struct error *write_header(const struct boot_log *from, const char *source_name,
				  struct arena *arena, struct mmtrace_writer *w)
{
	const char *slash = strrchr(source_name, '/');
	Mmtrace__Header header = MMTRACE__HEADER__INIT, *m = &header;

	PUT_AS(source_name, bytes_of(slash ? slash + 1 : source_name));
	PUT_AS(version_line, from->has_version);
	PUT_AS(memblock_debug, from->has_debug);
	HEADER_FIELDS(PUT_ALWAYS);
	if (from->guessed_era)
		PUT_AS(guessed_era, bytes_of(from->guessed_era));
	m->kernel = put_kernel(&from->input, arena);
	if (!m->kernel)
		return error_no_memory();
	return mmtrace_write(w, MMTRACE_HEADER, MMTRACE_ESSENTIAL, 1, &m->base);
}

static uint32_t parts_of(uint32_t count, uint32_t per_part)
{
	return count > per_part ? (count - 1) / per_part + 1 : 1;
}

static struct error *write_input(const struct boot_input *in, struct arena *arena,
				 struct mmtrace_writer *w)
{
	uint32_t parts = parts_of(in->step_count, STEPS_PER_PART);

	for (uint32_t part = 0; part < parts; part++) {
		Mmtrace__BootInput m = MMTRACE__BOOT_INPUT__INIT;
		uint32_t first = part * STEPS_PER_PART, left = in->step_count - first;
		struct error *err;

		m.has_part = m.has_part_count = 1;
		m.part = part;
		m.part_count = parts;
		if ((!part && !put_once(in, arena, &m)) ||
		    !put_steps(in->steps + first, left < STEPS_PER_PART ? left : STEPS_PER_PART,
			       arena, &m))
			return error_no_memory();
		err = mmtrace_write(w, MMTRACE_BOOT_INPUT, MMTRACE_ESSENTIAL, (uint32_t)m.n_step,
				    &m.base);
		if (err)
			return err;
		arena_reset(arena);
	}
	return NULL;
}

/* Answers [first, end), all of one kind. */
static bool put_run(const struct answers *answers, uint32_t first, uint32_t end,
		    struct arena *arena, Mmtrace__AnswerRun *m)
{
	const struct answer *from = answers->items + first;
	uint32_t count = end - first, lists = 0, used = 0;
	bool nid = false, type = false, index = false, line = false;

	m->kind = (char *)(uintptr_t)answer_ids[from->kind];
	PUT_AS(count, count);
	for (uint32_t i = 0; i < count; i++) {
		nid |= from[i].nid != -1;
		type |= from[i].type != -1;
		index |= from[i].index;
		line |= from[i].line;
		lists += from[i].list_count;
		for (uint32_t v = 0; v < VALUES_MAX; v++)
			if (from[i].v[v] && v >= used)
				used = v + 1;
	}
	m->nid = arena_array(arena, count, sizeof(*m->nid));
	m->type = arena_array(arena, count, sizeof(*m->type));
	m->index = arena_array(arena, count, sizeof(*m->index));
	m->line = arena_array(arena, count, sizeof(*m->line));
	m->value = arena_array(arena, (size_t)count * used, sizeof(*m->value));
	m->list_count = arena_array(arena, count, sizeof(*m->list_count));
	m->list = arena_array(arena, lists, sizeof(*m->list));
	if (!m->nid || !m->type || !m->index || !m->line || !m->value || !m->list_count || !m->list)
		return false;
	m->n_nid = nid ? count : 0;
	m->n_type = type ? count : 0;
	m->n_index = index ? count : 0;
	m->n_line = line ? count : 0;
	m->n_list_count = lists ? count : 0;
	if (used)
		PUT_AS(values_per_answer, used);
	for (uint32_t i = 0; i < count; i++) {
		m->nid[i] = from[i].nid;
		m->type[i] = from[i].type;
		m->index[i] = from[i].index;
		m->line[i] = from[i].line;
		m->list_count[i] = from[i].list_count;
		for (uint32_t v = 0; v < used; v++)
			m->value[m->n_value++] = from[i].v[v];
		for (uint32_t k = 0; k < from[i].list_count; k++)
			m->list[m->n_list++] = answers->list[from[i].list_start + k];
	}
	return true;
}

static struct error *write_answers(const struct answers *answers, struct arena *arena,
				   struct mmtrace_writer *w)
{
	uint32_t parts = parts_of(answers->count, ANSWERS_PER_PART);

	for (uint32_t part = 0; part < parts; part++) {
		Mmtrace__Answers m = MMTRACE__ANSWERS__INIT;
		uint32_t first = part * ANSWERS_PER_PART, at = first, end;
		uint32_t last = answers->count - first < ANSWERS_PER_PART
					? answers->count
					: first + ANSWERS_PER_PART;
		Mmtrace__AnswerRun *runs = MAKE(arena, last - first, Mmtrace__AnswerRun,
						MMTRACE__ANSWER_RUN__INIT, m.run);
		struct error *err;

		if (!runs)
			return error_no_memory();
		m.has_part = m.has_part_count = 1;
		m.part = part;
		m.part_count = parts;
		for (; at < last; at = end) {
			for (end = at + 1; end < last; end++)
				if (answers->items[end].kind != answers->items[at].kind)
					break;
			if (!put_run(answers, at, end, arena, &runs[m.n_run++]))
				return error_no_memory();
		}
		err = mmtrace_write(w, MMTRACE_ANSWERS, MMTRACE_ESSENTIAL, last - first, &m.base);
		if (err)
			return err;
		arena_reset(arena);
	}
	return NULL;
}

/* A note without a line is about the file that was read, and ends with it. */
static struct error *write_notes(const struct boot_log *log, struct arena *arena,
				 struct mmtrace_writer *w)
{
	Mmtrace__Notes notes = MMTRACE__NOTES__INIT;
	Mmtrace__Note *m =
		MAKE(arena, log->note_count, Mmtrace__Note, MMTRACE__NOTE__INIT, notes.note);

	if (!m)
		return error_no_memory();
	for (uint32_t i = 0; i < log->note_count; i++) {
		const struct boot_log_note *from = &log->notes[i];

		if (!from->line)
			continue;
		NOTE_FIELDS(PUT);
		PUT_AS(text, bytes_of(from->what));
		notes.n_note++;
		m++;
	}
	if (!notes.n_note)
		return NULL;
	return mmtrace_write(w, MMTRACE_NOTES, 0, (uint32_t)notes.n_note, &notes.base);
}

/* What reading would refuse is not written. */
static struct error *check_limits(const struct boot_log *log)
{
	const struct boot_input *in = &log->input;
	const struct {
		uint32_t count;
		const char *what;
	} lists[] = {
		{ in->firmware_count, "firmware entries" },
		{ in->affinity_count, "affinity entries" },
		{ in->window_count, "windows" },
		{ in->cpu_nid_count, "CPUs" },
		{ in->node_cpus_count, "nodes" },
		{ in->step_count, "steps" },
		{ in->state.memory_count, "regions" },
		{ in->state.reserved_count, "regions" },
		{ in->given_range_count, "node ranges" },
		{ in->tree.memory_count, "ranges in the device tree" },
		{ in->tree.usable_count, "ranges in the device tree" },
		{ in->tree.memreserve_count, "ranges in the device tree" },
		{ in->tree.reserved_count, "ranges in the device tree" },
		{ in->tree.distance_count, "distances in the device tree" },
		{ log->recorded.count, "answers" },
		{ log->recorded.list_count, "numbers in lists" },
	};

	for (size_t i = 0; i < COUNT_OF(lists); i++)
		if (lists[i].count > ITEMS_MAX)
			return error_create(ERROR_LIMIT, NULL, 0, 0,
					    "the boot has more than %" PRIu32 " %s, the limit",
					    ITEMS_MAX, lists[i].what);
	if (in->distance_count > NODES_MAX)
		return error_create(ERROR_LIMIT, NULL, 0, 0,
				    "the table of distances has more than %d nodes, the limit",
				    NODES_MAX);
	return NULL;
}

struct error *boot_store_write(const struct boot_log *log, const char *source_name,
			       struct mmtrace_writer *w)
{
	struct arena arena = arena_init(WRITE_MEMORY_MAX);
	struct error *err = check_limits(log);

	if (!err)
		err = write_header(log, source_name, &arena, w);
	if (!err)
		err = write_input(&log->input, &arena, w);
	if (!err)
		err = write_answers(&log->recorded, &arena, w);
	if (!err)
		err = write_notes(log, &arena, w);
	arena_deinit(&arena);
	return err;
}
