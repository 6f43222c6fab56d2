/* SPDX-License-Identifier: MIT */
/*
 * Boot store: from messages to a boot log.  They may be anybody's: every number is looked at.
 */
#include "traces/boot_store.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "engine/room.h"
#include "traces/boot_store_fields.h"

/* Most bytes of messages that make up a boot. */
#define MESSAGE_BYTES_MAX ((uint64_t)256 << 20)

/* From a message @m back to a struct @to. */
#define TAKE(field)                           \
	do {                                  \
		if (m->has_##field)           \
			to->field = m->field; \
	} while (0)

/* The place of @stored in a list of @count, or @count. */
static unsigned int find(const int *list, unsigned int count, int stored)
{
	unsigned int i = 0;

	while (i < count && list[i] != stored)
		i++;
	return i;
}

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
			err = error_in_block(read_one(&l, r, &block), name, block.number);
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
