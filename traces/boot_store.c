/* SPDX-License-Identifier: MIT */
/*
 * Boot store: see boot_store.h.
 *
 * Most fields have one name in the structs and in the messages.  They are listed once, in a macro that
 * takes what to do with each, so that writing and reading cannot differ.  boot_store_test.c fails when
 * a struct grows and nothing here follows.
 */
#include "traces/boot_store.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "engine/room.h"

/* Most elements of one kind (steps, regions, answers ...) in a boot; each takes some 100 bytes. */
#define ITEMS_MAX ((uint32_t)1 << 20)
/* Most bytes of messages that make up a boot. */
#define MESSAGE_BYTES_MAX ((uint64_t)256 << 20)
/* Elements a block gets. */
#define STEPS_PER_PART 4096
#define ANSWERS_PER_PART 8192
/* What the messages of a boot being written may take. */
#define WRITE_MEMORY_MAX ((size_t)1 << 30)

/* ---- the lists -------------------------------------------------------------------------------- */

/* Numbers and flags for which 0 says nothing. */
#define INPUT_FIELDS(X)        \
	X(numa_source);        \
	X(distance_count);     \
	X(nr_cpu_ids);         \
	X(online_cpus);        \
	X(kernel_start);       \
	X(kernel_end);         \
	X(ramdisk_start);      \
	X(ramdisk_end);        \
	X(five_level);         \
	X(kasan);              \
	X(given_max_low_pfn);  \
	X(given_total_kb);     \
	X(given_reserved_kb);  \
	X(big_locks);          \
	X(tables_listed);      \
	X(distances_told);     \
	X(nr_node_ids);        \
	X(given_cma_kb);       \
	X(given_total_pages);  \
	X(given_zones);        \
	X(fitted_page_struct); \
	X(fitted_section);     \
	X(range_assumed);      \
	X(reservations_told)
#define AFFINITY_FIELDS(X) \
	X(start);          \
	X(end);            \
	X(hotplug);        \
	X(nonvolatile)
#define WINDOW_FIELDS(X) \
	X(start);        \
	X(end)
#define STEP_FIELDS(X) \
	X(line);       \
	X(size);       \
	X(min_addr);   \
	X(max_addr)
#define TREE_FIELDS(X)         \
	X(dma_limit);          \
	X(reserved_format_ok); \
	X(uefi)
#define TREE_MEMORY_FIELDS(X) \
	X(hotpluggable);      \
	X(enabled);           \
	X(depth)
#define TREE_RESERVED_FIELDS(X) \
	X(size);                \
	X(align);               \
	X(no_map);              \
	X(reusable);            \
	X(dma_pool);            \
	X(cma_default);         \
	X(enabled)
#define STATE_FIELDS(X)   \
	X(memory_size);   \
	X(reserved_size); \
	X(has_memory)
#define REGION_FIELDS(X) \
	X(size);         \
	X(flags)
#define RANGE_FIELDS(X) \
	X(flags);       \
	X(base_addr)
#define HEADER_FIELDS(X)  \
	X(lines_known);   \
	X(lines_unknown); \
	X(unknown_line);  \
	X(unknown_column)
#define NOTE_FIELDS(X) \
	X(line);       \
	X(other_line)

/* Always stored: absent is what the architecture usually has. */
#define CONFIG_FIELDS(X)         \
	X(phys_bits);            \
	X(page_shift);           \
	X(max_order);            \
	X(pageblock_order);      \
	X(section_shift);        \
	X(page_struct_bytes);    \
	X(pointer_bytes);        \
	X(nodes_shift);          \
	X(numa);                 \
	X(cma);                  \
	X(deferred_struct_page); \
	X(highmem);              \
	X(thp);                  \
	X(pae)
#define SECTION_FIELDS(X) \
	X(code_kb);       \
	X(rwdata_kb);     \
	X(rodata_kb);     \
	X(init_kb);       \
	X(bss_kb)

/* From a struct @from to a message @m, and back to a struct @to. */
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
#define TAKE(field)                           \
	do {                                  \
		if (m->has_##field)           \
			to->field = m->field; \
	} while (0)

static const int arches[ARCH_COUNT] = {
	[ARCH_X86_64] = MMTRACE__CONFIG__ARCH__X86_64,	  [ARCH_I386] = MMTRACE__CONFIG__ARCH__I386,
	[ARCH_ARM64] = MMTRACE__CONFIG__ARCH__ARM64,	  [ARCH_ARM] = MMTRACE__CONFIG__ARCH__ARM,
	[ARCH_OTHER] = MMTRACE__CONFIG__ARCH__OTHER_ARCH,
};

static const int step_kinds[STEP_KIND_COUNT] = {
	[STEP_ADD] = MMTRACE__STEP__KIND__ADD,
	[STEP_REMOVE] = MMTRACE__STEP__KIND__REMOVE,
	[STEP_RESERVE] = MMTRACE__STEP__KIND__RESERVE,
	[STEP_FREE] = MMTRACE__STEP__KIND__FREE,
	[STEP_ALLOC] = MMTRACE__STEP__KIND__ALLOC,
	[STEP_STATE] = MMTRACE__STEP__KIND__STATE,
	[STEP_NODE_DATA] = MMTRACE__STEP__KIND__NODE_DATA,
	[STEP_E820_UPDATE] = MMTRACE__STEP__KIND__E820_UPDATE,
	[STEP_E820_ADD] = MMTRACE__STEP__KIND__E820_ADD,
	[STEP_E820_REMOVE] = MMTRACE__STEP__KIND__E820_REMOVE,
	[STEP_RAMDISK] = MMTRACE__STEP__KIND__RAMDISK,
	[STEP_RAMDISK_MOVE] = MMTRACE__STEP__KIND__RAMDISK_MOVE,
	[STEP_CMA_RESERVE] = MMTRACE__STEP__KIND__CMA_RESERVE,
	[STEP_POOL_CMA] = MMTRACE__STEP__KIND__POOL_CMA,
	[STEP_POOL_DMA] = MMTRACE__STEP__KIND__POOL_DMA,
	[STEP_CRASHKERNEL] = MMTRACE__STEP__KIND__CRASHKERNEL,
	[STEP_HASH] = MMTRACE__STEP__KIND__HASH,
	[STEP_FREE_LATE] = MMTRACE__STEP__KIND__FREE_LATE,
	[STEP_LATE_FREE] = MMTRACE__STEP__KIND__LATE_FREE,
	[STEP_MEMORY_LINE] = MMTRACE__STEP__KIND__MEMORY_LINE,
	[STEP_EFI_KEPT] = MMTRACE__STEP__KIND__EFI_KEPT,
	[STEP_CAP] = MMTRACE__STEP__KIND__CAP,
};

static const int alloc_calls[] = {
	[ALLOC_TRY_NID] = MMTRACE__STEP__CALL__TRY_NID,
	[ALLOC_EXACT_NID] = MMTRACE__STEP__CALL__EXACT_NID,
	[ALLOC_PHYS_RANGE] = MMTRACE__STEP__CALL__PHYS_RANGE,
};

/* Answers are stored under their ids, so that the list may grow anywhere. */
static const char *const answer_ids[ANSWER_KIND_COUNT] = {
#define ANSWER(id, name, meaning) #id,
#include "engine/answer.def"
#undef ANSWER
};

#define VALUES_MAX (sizeof(((struct answer *)NULL)->v) / sizeof(uint64_t))
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* The place of @stored in a list of @count, or @count. */
static unsigned int find(const int *list, unsigned int count, int stored)
{
	unsigned int i = 0;

	while (i < count && list[i] != stored)
		i++;
	return i;
}

/* ---- writing ---------------------------------------------------------------------------------- */

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

/* ---- reading ---------------------------------------------------------------------------------- */

/* What came of a message that is stored in parts. */
struct parts {
	const char *what;
	uint32_t next, count; /* count 0: none was met */
	bool broken; /* one was lost, or they do not fit together */
};

/* A boot being read. */
struct load {
	struct boot_log *log;
	bool header;
	bool trace; /* the file begins with a trace */
	struct parts input, answers;
	uint64_t message_bytes;
	uint32_t distances;
};

static struct error *bad_value(const char *format, ...) ERROR_PRINTF(1, 2);
static struct error *bad_value(const char *format, ...)
{
	struct error *err;
	va_list args;

	va_start(args, format);
	err = error_create_va(ERROR_RANGE, NULL, 0, 0, format, args);
	va_end(args);
	return err;
}

/*
 * @array, perhaps moved, with room for @more elements behind the first @count, which are zeroed.  On
 * failure *@err_ret is set and nothing has changed.
 */
static void *extend(void *array, uint32_t count, uint32_t *room, size_t more, size_t bytes,
		    const char *what, struct error **err_ret)
{
	char *base = array;

	if (more > ITEMS_MAX - count) {
		*err_ret = error_create(ERROR_LIMIT, NULL, 0, 0,
					"the boot has more than %" PRIu32 " %s, the limit",
					ITEMS_MAX, what);
		return array;
	}
	if (more > *room - count) {
		uint32_t wanted = count + (uint32_t)more;

		if (wanted < *room * 2)
			wanted = *room * 2;
		base = realloc(array, wanted * bytes);
		if (!base) {
			*err_ret = error_no_memory();
			return array;
		}
		*room = wanted;
	}
	if (more)
		memset(base + count * bytes, 0, more * bytes);
	return base;
}

/* Makes @array @more elements longer; sets @err, or @first to the first of them. */
#define APPEND(array, count, room, more, what, first, err)                                     \
	do {                                                                                   \
		(array) = extend(array, count, &(room), more, sizeof(*(array)), what, &(err)); \
		(first) = (err) || !(more) ? NULL : (array) + (count);                         \
		(count) += (err) ? 0 : (uint32_t)(more);                                       \
	} while (0)

static struct error *take_text(struct load *l, bool has, const ProtobufCBinaryData *data,
			       const char **ret)
{
	const char *text;

	if (!has)
		return NULL;
	if (data->len && memchr(data->data, 0, data->len))
		return bad_value("a text holds a NUL");
	text = boot_log_text(l->log, data->len ? (const char *)data->data : "", data->len);
	if (!*text && data->len)
		return error_no_memory();
	*ret = text;
	return NULL;
}

static struct error *check_config(const struct arch_config *c)
{
	if (c->phys_bits != 32 && c->phys_bits != 64)
		return bad_value("phys_bits is 32 or 64, not %u", c->phys_bits);
	if (c->page_shift < 10 || c->page_shift > 20)
		return bad_value("page_shift is 10 to 20, not %u", c->page_shift);
	if (c->max_order > 30 || c->pageblock_order > 30)
		return bad_value("max_order and pageblock_order are at most 30, not %u and %u",
				 c->max_order, c->pageblock_order);
	if (c->section_shift && (c->section_shift < c->page_shift || c->section_shift > 48))
		return bad_value("section_shift is 0 or page_shift to 48, not %u",
				 c->section_shift);
	if (c->page_struct_bytes > 4096)
		return bad_value("page_struct_bytes is at most 4096, not %u", c->page_struct_bytes);
	if (c->pointer_bytes != 4 && c->pointer_bytes != 8)
		return bad_value("pointer_bytes is 4 or 8, not %" PRIu32, c->pointer_bytes);
	if (c->nodes_shift > 10)
		return bad_value("nodes_shift is at most 10, not %u", c->nodes_shift);
	return NULL;
}

/* @config holds what is usual already. */
static struct error *take_config(const Mmtrace__Config *m, struct arch_config *to)
{
	CONFIG_FIELDS(TAKE);
	if (m->n_zone)
		to->zones_mask = 0;
	for (size_t i = 0; i < m->n_zone; i++) {
		if ((unsigned int)m->zone[i] >= ZONE_TYPE_COUNT)
			return bad_value("there is no zone %d", (int)m->zone[i]);
		to->zones_mask |= 1u << m->zone[i];
	}
	return check_config(to);
}

static struct error *take_kernel(struct load *l, const Mmtrace__Kernel *m)
{
	struct boot_input *in = &l->log->input;
	const Mmtrace__Config *config = m ? m->config : NULL;
	unsigned int arch = ARCH_X86_64;
	struct error *err;

	facts_parse_version("6.12", &in->version);
	if (m && m->has_version_major) {
		if (m->version_major > 255 || m->version_minor > 255 || m->version_patch > 0xffff)
			return bad_value("there is no version %" PRIu32 ".%" PRIu32 ".%" PRIu32,
					 m->version_major, m->version_minor, m->version_patch);
		in->version = FACTS_VERSION(m->version_major, m->version_minor, m->version_patch);
	}
	facts_init(&in->facts, in->version);
	for (size_t i = 0; m && i < m->n_fact; i++) {
		const char *name = m->fact[i]->name ? m->fact[i]->name : "";
		unsigned int f = 0;

		while (f < FACT_COUNT && strcmp(fact_info((enum fact)f)->name, name))
			f++;
		if (f == FACT_COUNT)
			return error_create(ERROR_UNSUPPORTED, NULL, 0, 0,
					    "there is no fact '%.60s' here", name);
		in->facts.v[f] = m->fact[i]->value;
	}
	if (config && config->has_arch) {
		arch = find(arches, ARCH_COUNT, config->arch);
		if (arch == ARCH_COUNT)
			return error_create(ERROR_UNSUPPORTED, NULL, 0, 0,
					    "architecture %d is not known here", (int)config->arch);
	}
	arch_config_default((enum arch)arch, config && config->pae, &in->config);
	arch_config_apply_facts(&in->config, &in->facts);
	err = config ? take_config(config, &in->config) : NULL;
	if (!err && m)
		err = take_text(l, m->has_version_text, &m->version_text, &in->version_text);
	return err;
}

static struct error *take_step(struct load *l, const Mmtrace__Step *m, struct boot_step *to)
{
	unsigned int kind = find(step_kinds, STEP_KIND_COUNT, m->kind);
	unsigned int call = find(alloc_calls, COUNT_OF(alloc_calls), m->call);

	if (kind == STEP_KIND_COUNT)
		return error_create(ERROR_UNSUPPORTED, NULL, 0, 0,
				    "steps of kind %d are not known here", (int)m->kind);
	if (call == COUNT_OF(alloc_calls))
		return error_create(ERROR_UNSUPPORTED, NULL, 0, 0,
				    "allocation call %d is not known here", (int)m->call);
	to->kind = (enum boot_step_kind)kind;
	to->call = (enum alloc_call)call;
	STEP_FIELDS(TAKE);
	to->base = m->base_addr;
	to->align = m->align;
	if (to->kind == STEP_E820_UPDATE) {
		to->align = m->old_type;
		to->min_addr = m->new_type;
	} else if (to->kind == STEP_E820_REMOVE) {
		to->align = m->old_type;
	} else if (to->kind == STEP_HASH) {
		to->align = m->bucket_bytes;
	}
	to->nid = m->nid;
	to->flags = m->flags;
	if (m->has_size_given && m->size_given)
		to->flags |= STEP_SIZE_GIVEN;
	to->name = "";
	return take_text(l, m->has_name, &m->name, &to->name);
}

static struct error *take_steps(struct load *l, const Mmtrace__BootInput *m)
{
	struct boot_input *in = &l->log->input;
	struct error *err = NULL;
	struct boot_step *to;

	APPEND(in->steps, in->step_count, l->log->step_room, m->n_step, "steps", to, err);
	/* Whatever happens, no step is without a name. */
	for (size_t i = 0; i < m->n_step && to; i++)
		to[i].name = "";
	for (size_t i = 0; i < m->n_step && !err; i++)
		err = take_step(l, m->step[i], &to[i]);
	return err;
}

static struct error *take_regions(Mmtrace__Region *const *regions, size_t count,
				  struct memblock_region **array, uint32_t *array_count,
				  uint32_t *room)
{
	struct error *err = NULL;
	struct memblock_region *to;

	APPEND(*array, *array_count, *room, count, "regions", to, err);
	for (size_t i = 0; i < count && !err; i++, to++) {
		const Mmtrace__Region *m = regions[i];

		to->base = m->base_addr;
		REGION_FIELDS(TAKE);
		to->nid = m->nid;
	}
	return err;
}

static struct error *take_state(struct load *l, const Mmtrace__State *m)
{
	struct boot_state *to = &l->log->input.state;
	struct error *err;

	if (!m)
		return NULL;
	l->log->input.has_state = true;
	STATE_FIELDS(TAKE);
	err = take_regions(m->memory, m->n_memory, &to->memory, &to->memory_count,
			   &l->log->state_memory_room);
	if (!err)
		err = take_regions(m->reserved, m->n_reserved, &to->reserved, &to->reserved_count,
				   &l->log->state_reserved_room);
	return err;
}

static struct error *take_firmware(struct load *l, const Mmtrace__BootInput *input)
{
	struct boot_input *in = &l->log->input;
	struct error *err = NULL;
	struct e820_entry *to;

	APPEND(in->firmware, in->firmware_count, l->log->firmware_room, input->n_firmware,
	       "firmware entries", to, err);
	for (size_t i = 0; i < input->n_firmware && !err; i++)
		to[i] = (struct e820_entry){ .start = input->firmware[i]->start,
					     .end = input->firmware[i]->end,
					     .type = input->firmware[i]->type };
	return err;
}

static struct error *take_affinity(struct load *l, const Mmtrace__BootInput *input)
{
	struct boot_input *in = &l->log->input;
	struct error *err = NULL;
	struct affinity_memory *to;

	APPEND(in->affinity, in->affinity_count, l->log->affinity_room, input->n_affinity,
	       "affinity entries", to, err);
	for (size_t i = 0; i < input->n_affinity && !err; i++, to++) {
		const Mmtrace__AffinityMemory *m = input->affinity[i];

		AFFINITY_FIELDS(TAKE);
		to->nid = m->nid;
	}
	return err;
}

static struct error *take_windows(struct load *l, const Mmtrace__BootInput *input)
{
	struct boot_input *in = &l->log->input;
	struct error *err = NULL;
	struct memory_window *to;

	APPEND(in->windows, in->window_count, l->log->window_room, input->n_window, "windows", to,
	       err);
	for (size_t i = 0; i < input->n_window && !err; i++, to++) {
		const Mmtrace__MemoryWindow *m = input->window[i];

		WINDOW_FIELDS(TAKE);
	}
	return err;
}

static struct error *take_given_ranges(struct load *l, const Mmtrace__BootInput *input)
{
	struct boot_input *in = &l->log->input;
	struct error *err = NULL;
	struct node_range *to;

	APPEND(in->given_ranges, in->given_range_count, l->log->given_room, input->n_given_range,
	       "node ranges", to, err);
	for (size_t i = 0; i < input->n_given_range && !err; i++, to++) {
		const Mmtrace__NodeRange *m = input->given_range[i];

		to->start = m->start_pfn;
		to->end = m->end_pfn;
		to->nid = m->nid;
		RANGE_FIELDS(TAKE);
	}
	return err;
}

static struct error *take_tables(struct load *l, const Mmtrace__BootInput *m)
{
	struct boot_input *in = &l->log->input;
	struct error *err = NULL;
	uint8_t *distance;
	uint32_t *cpus;
	int32_t *nid;

	if (m->n_given_zone_start > ZONE_TYPE_COUNT || m->n_given_zone_end > ZONE_TYPE_COUNT)
		return bad_value("there are %d types of zones, not more", ZONE_TYPE_COUNT);
	for (size_t i = 0; i < m->n_given_zone_start; i++)
		in->given_zone_start[i] = m->given_zone_start[i];
	for (size_t i = 0; i < m->n_given_zone_end; i++)
		in->given_zone_end[i] = m->given_zone_end[i];
	APPEND(in->cpu_nid, in->cpu_nid_count, l->log->cpu_room, m->n_cpu_nid, "CPUs", nid, err);
	for (size_t i = 0; i < m->n_cpu_nid && !err; i++)
		nid[i] = m->cpu_nid[i];
	if (err)
		return err;
	APPEND(in->node_cpus, in->node_cpus_count, l->log->node_cpus_room, m->n_node_cpus, "nodes",
	       cpus, err);
	for (size_t i = 0; i < m->n_node_cpus && !err; i++)
		cpus[i] = m->node_cpus[i];
	if (err)
		return err;
	APPEND(in->distance, l->distances, l->log->distance_room, m->n_distance, "distances",
	       distance, err);
	for (size_t i = 0; i < m->n_distance && !err; i++) {
		if (m->distance[i] > 255)
			return bad_value("a distance is at most 255, not %" PRIu32, m->distance[i]);
		distance[i] = (uint8_t)m->distance[i];
	}
	if (m->n_given_bucket_bytes > COUNT_OF(in->given_bucket_bytes) && !err)
		return error_create(ERROR_UNSUPPORTED, NULL, 0, 0,
				    "there are more hash tables than are known here");
	for (size_t i = 0; i < m->n_given_bucket_bytes && !err; i++)
		in->given_bucket_bytes[i] = m->given_bucket_bytes[i];
	return err;
}

static void take_tree_ranges(Mmtrace__TreeRange *const *m, size_t count, struct tree_range *to)
{
	for (size_t i = 0; i < count; i++)
		to[i] = (struct tree_range){ m[i]->base_addr, m[i]->size };
}

/* @count zeroed elements at *@at, one of the arrays of a tree. */
static bool make_array(void *at, size_t *room, size_t count, size_t size)
{
	void *array;

	if (!room_make(at, room, count * size))
		return false;
	memcpy(&array, at, sizeof(array));
	memset(array, 0, count * size);
	return true;
}

/* Arrays for all that @m has; what is taken belongs to @to even on failure. */
static struct error *allocate_tree(const Mmtrace__DeviceTree *m, struct device_tree *to)
{
	size_t ranges = 0;

	for (size_t i = 0; i < m->n_reserved; i++)
		ranges += m->reserved[i]->n_range + m->reserved[i]->n_window;
	if (m->n_memory > ITEMS_MAX || m->n_usable > ITEMS_MAX || m->n_memreserve > ITEMS_MAX ||
	    m->n_reserved > ITEMS_MAX || m->n_distance > ITEMS_MAX || ranges > ITEMS_MAX)
		return error_create(ERROR_LIMIT, NULL, 0, 0,
				    "the device tree has more than %" PRIu32 " ranges, the limit",
				    ITEMS_MAX);
#define ARRAY(array, count) make_array(&to->array, &to->room.array, count, sizeof(*to->array))
	if (!ARRAY(memory, m->n_memory) || !ARRAY(usable, m->n_usable) ||
	    !ARRAY(memreserve, m->n_memreserve) || !ARRAY(reserved, m->n_reserved) ||
	    !ARRAY(ranges, ranges) || !ARRAY(distances, m->n_distance))
		return error_no_memory();
#undef ARRAY
	return NULL;
}

static void take_tree_memory(const Mmtrace__TreeMemory *m, struct tree_memory *to)
{
	to->range = (struct tree_range){ m->base_addr, m->size };
	to->nid = m->nid;
	TREE_MEMORY_FIELDS(TAKE);
}

/* Its ranges go to @free_ranges, of which the first not used is returned. */
static struct tree_range *take_tree_reserved(const Mmtrace__TreeReserved *m,
					     struct tree_reserved *to,
					     struct tree_range *free_ranges)
{
	TREE_RESERVED_FIELDS(TAKE);
	to->ranges = free_ranges;
	to->range_count = (uint32_t)m->n_range;
	take_tree_ranges(m->range, m->n_range, free_ranges);
	free_ranges += m->n_range;
	to->windows = free_ranges;
	to->window_count = (uint32_t)m->n_window;
	take_tree_ranges(m->window, m->n_window, free_ranges);
	return free_ranges + m->n_window;
}

static struct error *take_tree(struct load *l, const Mmtrace__DeviceTree *m)
{
	struct device_tree *to = &l->log->input.tree;
	struct tree_range *free_ranges;
	struct error *err;

	if (!m)
		return NULL;
	if (l->log->input.has_tree)
		return bad_value("there is a second device tree");
	l->log->input.has_tree = true;
	err = allocate_tree(m, to);
	if (err)
		return err;
	TREE_FIELDS(TAKE);
	to->memory_count = (uint32_t)m->n_memory;
	to->usable_count = (uint32_t)m->n_usable;
	to->memreserve_count = (uint32_t)m->n_memreserve;
	to->reserved_count = (uint32_t)m->n_reserved;
	to->distance_count = (uint32_t)m->n_distance;
	for (size_t i = 0; i < m->n_memory; i++)
		take_tree_memory(m->memory[i], &to->memory[i]);
	take_tree_ranges(m->usable, m->n_usable, to->usable);
	take_tree_ranges(m->memreserve, m->n_memreserve, to->memreserve);
	free_ranges = to->ranges;
	for (size_t i = 0; i < m->n_reserved; i++)
		free_ranges = take_tree_reserved(m->reserved[i], &to->reserved[i], free_ranges);
	for (size_t i = 0; i < m->n_distance; i++)
		to->distances[i] = (struct tree_distance){ .from = m->distance[i]->from_nid,
							   .to = m->distance[i]->to_nid,
							   .distance = m->distance[i]->distance };
	return NULL;
}

static void take_sections(const Mmtrace__Sections *m, struct boot_sections *to)
{
	SECTION_FIELDS(TAKE);
}

static struct error *take_input(struct load *l, const Mmtrace__BootInput *m)
{
	struct boot_input *to = &l->log->input;
	struct error *err;

	INPUT_FIELDS(TAKE);
	if (m->has_given_dma_reserve) {
		to->has_given_dma_reserve = true;
		to->given_dma_reserve = m->given_dma_reserve;
	}
	if (m->sections)
		take_sections(m->sections, &to->sections);
	err = take_text(l, m->has_command_line, &m->command_line, &to->command_line);
	if (!err)
		err = take_firmware(l, m);
	if (!err)
		err = take_affinity(l, m);
	if (!err)
		err = take_windows(l, m);
	if (!err)
		err = take_tables(l, m);
	if (!err)
		err = take_state(l, m->state);
	if (!err)
		err = take_tree(l, m->tree);
	if (!err)
		err = take_steps(l, m);
	if (!err)
		err = take_given_ranges(l, m);
	return err;
}

/* What can be said only when all parts are there. */
static struct error *check_whole(const struct load *l)
{
	uint64_t n = l->log->input.distance_count;

	if (n > NODES_MAX || n * n != l->distances)
		return bad_value("a table of distances of %" PRIu64 " nodes has %" PRIu64
				 " entries, not %" PRIu32,
				 n, n * n, l->distances);
	return NULL;
}

static bool column_fits(size_t n, uint32_t count)
{
	return !n || n == count;
}

static struct error *take_run(struct load *l, const Mmtrace__AnswerRun *m, uint32_t count)
{
	struct answers *answers = &l->log->recorded;
	uint32_t per = m->values_per_answer;
	const char *id = m->kind ? m->kind : "";
	unsigned int kind = 0;
	uint64_t lists = 0;
	size_t list = 0;

	for (size_t i = 0; i < m->n_list_count; i++)
		lists += m->list_count[i];
	if (per > VALUES_MAX)
		return error_create(ERROR_UNSUPPORTED, NULL, 0, 0,
				    "answers '%.60s' have %" PRIu32 " values; %zu are known here",
				    id, per, VALUES_MAX);
	if (!column_fits(m->n_nid, count) || !column_fits(m->n_type, count) ||
	    !column_fits(m->n_index, count) || !column_fits(m->n_line, count) ||
	    !column_fits(m->n_list_count, count) || m->n_value != (uint64_t)per * count ||
	    lists != m->n_list)
		return bad_value("the columns of answers '%.60s' are not of one length", id);
	if (count > ITEMS_MAX - answers->count || lists > ITEMS_MAX - answers->list_count)
		return error_create(ERROR_LIMIT, NULL, 0, 0,
				    "the boot has more than %" PRIu32 " answers, the limit",
				    ITEMS_MAX);
	while (kind < ANSWER_KIND_COUNT && strcmp(answer_ids[kind], id))
		kind++;
	if (kind == ANSWER_KIND_COUNT) {
		boot_log_note(l->log, m->n_line ? m->line[0] : 0, 0,
			      "the stored file has answers of a kind that is not known here");
		return NULL;
	}
	for (uint32_t i = 0; i < count; i++) {
		struct answer *a = answers_add(answers, (enum answer_kind)kind);

		if (m->n_nid)
			a->nid = m->nid[i];
		if (m->n_type)
			a->type = m->type[i];
		if (m->n_index)
			a->index = m->index[i];
		if (m->n_line)
			a->line = m->line[i];
		for (uint32_t v = 0; v < per; v++)
			a->v[v] = m->value[(size_t)i * per + v];
		for (uint32_t k = 0; m->n_list_count && k < m->list_count[i]; k++)
			answers_push(answers, m->list[list++]);
	}
	return answers->out_of_memory ? error_no_memory() : NULL;
}

static struct error *take_answers(struct load *l, const Mmtrace__Answers *m, uint32_t items)
{
	struct error *err = NULL;
	uint64_t count = 0;

	for (size_t i = 0; i < m->n_run; i++)
		count += m->run[i]->count;
	if (count != items)
		return bad_value("the block says %" PRIu32 " answers and holds %" PRIu64, items,
				 count);
	for (size_t i = 0; i < m->n_run && !err; i++)
		err = take_run(l, m->run[i], m->run[i]->count);
	return err;
}

static struct error *take_notes(struct load *l, const Mmtrace__Notes *m)
{
	for (size_t i = 0; i < m->n_note; i++) {
		const char *text = "";
		struct error *err = take_text(l, m->note[i]->has_text, &m->note[i]->text, &text);

		if (err)
			return err;
		boot_log_note(l->log, m->note[i]->line, m->note[i]->other_line, text);
	}
	return NULL;
}

static struct error *take_header(struct load *l, const Mmtrace__Header *m)
{
	struct boot_log *to = l->log;
	struct error *err;

	if (l->header)
		return bad_value("there is a second header");
	HEADER_FIELDS(TAKE);
	to->has_version = m->version_line;
	to->has_debug = m->memblock_debug;
	l->header = true;
	err = take_text(l, m->has_guessed_era, &m->guessed_era, &to->guessed_era);
	return err ? err : take_kernel(l, m->kernel);
}

/* Is it the turn of part @part of @count?  If not, the whole will be refused in the end. */
static bool take_part(struct parts *parts, uint32_t part, uint32_t count)
{
	if (!parts->count)
		parts->count = count;
	if (!count || part != parts->next || count != parts->count || part >= count) {
		parts->broken = true;
		return false;
	}
	parts->next++;
	return true;
}

static bool is_whole(const struct parts *parts)
{
	return !parts->broken && parts->count && parts->next == parts->count;
}

static struct error *take_block(struct load *l, const struct mmtrace_block *block,
				const ProtobufCMessage *message)
{
	const Mmtrace__BootInput *input;
	const Mmtrace__Answers *answers;

	switch (block->type) {
	case MMTRACE_HEADER:
		return take_header(l, (const Mmtrace__Header *)message);
	case MMTRACE_BOOT_INPUT:
		input = (const Mmtrace__BootInput *)message;
		if (input->n_step != block->items)
			return bad_value("the block says %" PRIu32 " steps and holds %zu",
					 block->items, input->n_step);
		return take_part(&l->input, input->part, input->part_count) ? take_input(l, input)
									    : NULL;
	case MMTRACE_ANSWERS:
		answers = (const Mmtrace__Answers *)message;
		return take_part(&l->answers, answers->part, answers->part_count)
			       ? take_answers(l, answers, block->items)
			       : NULL;
	case MMTRACE_NOTES:
		return take_notes(l, (const Mmtrace__Notes *)message);
	}
	return NULL;
}

/* Names the block of @err. */
static struct error *in_block(struct error *err, const char *name, uint32_t number)
{
	struct error *named;

	if (!err || err->block >= 0 || err->code == ERROR_NO_MEMORY)
		return err;
	named = error_create_block(err->code, name, number, "%s", err->message);
	error_destroy(err);
	return named;
}

/* Damage that nothing depends on. */
static void note_damage(struct load *l, const struct error *err)
{
	char text[512];

	error_format(err, text, sizeof(text));
	boot_log_note(l->log, 0, 0, boot_log_text(l->log, text, strlen(text)));
}

static bool is_of_trace(unsigned int type)
{
	return type >= MMTRACE_EVENTS && type <= MMTRACE_PICTURE;
}

static struct error *read_one(struct load *l, struct mmtrace_reader *r,
			      const struct mmtrace_block *block)
{
	const ProtobufCMessage *message;
	struct error *err;

	if (!mmtrace_type_name(block->type))
		return block->flags & MMTRACE_ESSENTIAL
			       ? error_create(
					 ERROR_UNSUPPORTED, NULL, 0, 0,
					 "the block is essential and of type %u, not known here",
					 block->type)
			       : NULL;
	if (block->type == MMTRACE_END || block->type == MMTRACE_OPERATIONS ||
	    is_of_trace(block->type))
		return NULL;
	l->message_bytes += block->size;
	if (l->message_bytes > MESSAGE_BYTES_MAX)
		return error_create(ERROR_LIMIT, NULL, 0, 0,
				    "the boot is larger than %u MiB, the limit",
				    (unsigned int)(MESSAGE_BYTES_MAX >> 20));
	err = mmtrace_unpack(r, mmtrace_message(block->type), &message);
	if (!err)
		return take_block(l, block, message);
	/* What is missing because of it comes out in the end. */
	if (!(block->flags & MMTRACE_ESSENTIAL)) {
		note_damage(l, err);
		error_destroy(err);
		err = NULL;
	}
	return err;
}

static struct load load_begin(struct boot_log *log)
{
	log->input.sections = (struct boot_sections){ UINT64_MAX, UINT64_MAX, UINT64_MAX,
						      UINT64_MAX, UINT64_MAX };
	return (struct load){ .log = log,
			      .input.what = "boot input",
			      .answers.what = "list of answers" };
}

static struct error *name_log(struct boot_log *log, const char *name)
{
	size_t size = strlen(name) + 1;

	if (log->name && !strcmp(log->name, name))
		return NULL;
	free(log->name);
	log->name = malloc(size);
	if (!log->name)
		return error_no_memory();
	memcpy(log->name, name, size);
	return NULL;
}

static struct error *incomplete(const struct load *l, const struct mmtrace_reader *r,
				const char *name)
{
	const struct error *first = mmtrace_summary(r).first;
	const char *what = !l->header		  ? "header"
			   : !is_whole(&l->input) ? l->input.what
						  : l->answers.what;

	if (l->trace && !l->header && !l->input.count && !l->answers.count)
		return error_create(ERROR_FORMAT, name, 0, 0,
				    "holds a trace alone: the boot it goes with is not stored");
	if (first && first->block >= 0)
		return error_create_block(first->code, name, first->block,
					  "%s; the %s is not whole without it", first->message,
					  what);
	return error_create(ERROR_CORRUPT, name, 0, 0, "the %s is not whole", what);
}

struct error *boot_store_read(struct mmtrace_reader *r, const char *name, struct boot_log *ret)
{
	struct load l = load_begin(ret);
	struct error *err = name_log(ret, name);
	struct mmtrace_block block;

	while (!err && mmtrace_next(r, &block)) {
		/* What belongs to a boot stands before its trace, which may be long. */
		if (!block.error &&
		    (block.type == MMTRACE_EVENTS || block.type == MMTRACE_STRINGS) && l.header &&
		    is_whole(&l.input) && is_whole(&l.answers))
			break;
		if (!block.error && !block.number)
			l.trace = is_of_trace(block.type);
		if (block.error) {
			if (block.error->code == ERROR_NO_MEMORY || block.error->code == ERROR_OS)
				return error_create(block.error->code, name, 0, 0, "%s",
						    block.error->message);
			note_damage(&l, block.error);
		} else {
			err = in_block(read_one(&l, r, &block), name, block.number);
		}
	}
	if (!err && (!l.header || !is_whole(&l.input) || !is_whole(&l.answers)))
		err = incomplete(&l, r, name);
	if (!err)
		err = error_in_file(check_whole(&l), name);
	return err;
}

struct error *boot_store_read_bytes(const void *data, size_t size, const char *name,
				    struct boot_log *ret)
{
	struct mmtrace_reader *r;
	struct error *err = mmtrace_reader_create_bytes(data, size, name, &r);

	if (err)
		return err;
	err = boot_store_read(r, name, ret);
	mmtrace_reader_destroy(r);
	return err;
}

struct error *boot_store_take_input(const Mmtrace__BootInput *message, const char *name,
				    struct boot_log *ret)
{
	struct load l = load_begin(ret);
	struct error *err = name_log(ret, name);

	if (!err)
		err = take_kernel(&l, message->kernel);
	if (!err)
		err = take_input(&l, message);
	if (!err)
		err = check_whole(&l);
	if (!err)
		ret->has_version = message->kernel && message->kernel->has_version_major;
	return error_in_file(err, name);
}
