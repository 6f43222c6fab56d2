/* SPDX-License-Identifier: MIT */
/*
 * Scenario store: see scenario_store.h.
 *
 * Operations have a number in record.proto for each row of engine/operation.def, under the same name:
 * a row without one does not build here.
 */
#include "traces/scenario_store.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "traces/input.h"
#include "traces/message_text.h"
#include "traces/mmtrace_file.h"

/* Most operations of a scenario. */
#define OPERATIONS_MAX ((uint32_t)1 << 20)
#define OPERATIONS_PER_PART 8192
#define WRITE_MEMORY_MAX ((size_t)256 << 20)
#define TEXT_MEMORY_MAX ((size_t)256 << 20)

static const int kinds[OPERATION_COUNT] = {
#define OPERATION(name, text, meaning) [OPERATION_##name] = MMTRACE__OPERATION__KIND__##name,
#include "engine/operation.def"
#undef OPERATION
};

void stored_scenario_deinit(struct stored_scenario *s)
{
	boot_log_deinit(&s->log);
	free(s->operations);
	memset(s, 0, sizeof(*s));
}

void stored_scenario_clear(struct stored_scenario *s)
{
	boot_log_clear(&s->log);
	s->operation_count = 0;
}

/* ---- messages ---------------------------------------------------------------------------------- */

#define PUT_AS(field, value)        \
	do {                        \
		m->has_##field = 1; \
		m->field = (value); \
	} while (0)
/* 0 is what an absent field means. */
#define PUT(field, value)                     \
	do {                                  \
		if (value)                    \
			PUT_AS(field, value); \
	} while (0)

void scenario_store_put_operation(const struct operation *from, Mmtrace__Operation *m)
{
	mmtrace__operation__init(m);
	PUT_AS(kind, (Mmtrace__Operation__Kind)kinds[from->kind]);
	PUT(cpu, from->cpu);
	PUT(nid, from->nid);
	PUT(order, from->order);
	PUT(migratetype, (Mmtrace__Operation__Migratetype)from->type);
	PUT(highest_zone, (Mmtrace__Config__Zone)from->highest);
	PUT(flags, from->flags);
	PUT(target, from->target);
	PUT(start_pfn, from->pfn);
	PUT(page_count, from->pages);
	PUT(value, from->value);
}

struct error *scenario_store_take_operation(const Mmtrace__Operation *m, struct operation *ret)
{
	unsigned int kind = 0;

	while (kind < OPERATION_COUNT && kinds[kind] != (int)m->kind)
		kind++;
	if (!m->has_kind || kind == OPERATION_COUNT)
		return error_create(ERROR_UNSUPPORTED, NULL, 0, 0,
				    "operations of kind %d are not known here", (int)m->kind);
	*ret = (struct operation){ .kind = (enum operation_kind)kind,
				   .cpu = m->cpu,
				   .nid = m->nid,
				   .order = m->order,
				   .type = (enum migratetype)m->migratetype,
				   .highest = (enum zone_type)m->highest_zone,
				   .flags = m->flags,
				   .target = m->target,
				   .pfn = m->start_pfn,
				   .pages = m->page_count,
				   .value = m->value };
	return NULL;
}

static Mmtrace__Operation **put_operations(const struct operation *from, uint32_t count,
					   struct arena *arena)
{
	Mmtrace__Operation *m = arena_array(arena, count, sizeof(*m));
	Mmtrace__Operation **pointers = arena_array(arena, count, sizeof(void *));

	if (!m || !pointers)
		return NULL;
	for (uint32_t i = 0; i < count; i++) {
		scenario_store_put_operation(&from[i], &m[i]);
		pointers[i] = &m[i];
	}
	return pointers;
}

static struct error *take_operations(Mmtrace__Operation *const *from, size_t count,
				     struct stored_scenario *to)
{
	struct error *err = NULL;

	if (count > OPERATIONS_MAX - to->operation_count)
		return error_create(ERROR_LIMIT, NULL, 0, 0,
				    "there are more than %" PRIu32 " operations, the limit",
				    OPERATIONS_MAX);
	if (count > to->operation_room - to->operation_count) {
		uint32_t room = to->operation_count + (uint32_t)count;
		struct operation *bigger;

		if (room < to->operation_room * 2)
			room = to->operation_room * 2;
		bigger = realloc(to->operations, room * sizeof(*bigger));
		if (!bigger)
			return error_no_memory();
		to->operations = bigger;
		to->operation_room = room;
	}
	for (size_t i = 0; i < count && !err; i++) {
		err = scenario_store_take_operation(from[i], &to->operations[to->operation_count]);
		to->operation_count += !err;
	}
	return err;
}

Mmtrace__Scenario *scenario_store_message(const struct boot_log *log,
					  const struct operation *operations, uint32_t count,
					  struct arena *arena)
{
	Mmtrace__Scenario *m = arena_array(arena, 1, sizeof(*m));

	if (!m)
		return NULL;
	mmtrace__scenario__init(m);
	m->input = boot_store_input(log, arena);
	m->n_operation = count;
	m->operation = put_operations(operations, count, arena);
	return m->input && m->operation ? m : NULL;
}

/* @from's message, packed into @arena; NULL without memory. */
static uint8_t *pack(const struct stored_scenario *from, struct arena *arena, size_t *size_ret)
{
	const Mmtrace__Scenario *m =
		scenario_store_message(&from->log, from->operations, from->operation_count, arena);
	uint8_t *data;

	if (!m)
		return NULL;
	*size_ret = protobuf_c_message_get_packed_size(&m->base);
	data = arena_alloc(arena, *size_ret + 1);
	if (data)
		protobuf_c_message_pack(&m->base, data);
	return data;
}

bool scenario_store_check_same(const struct stored_scenario *a, const struct stored_scenario *b,
			       struct arena *arena, struct findings *ret)
{
	size_t size_a = 0, size_b = 0, same = 0;
	const uint8_t *data_a = pack(a, arena, &size_a), *data_b = pack(b, arena, &size_b);

	if (!data_a || !data_b)
		return false;
	while (same < size_a && same < size_b && data_a[same] == data_b[same])
		same++;
	if (same < size_a || same < size_b)
		findings_add(ret, INVARIANT_STORED_SAME, -1, -1, same, size_a, size_b,
			     "messages differ from this byte on (sizes)");
	return true;
}

struct error *scenario_store_take(const Mmtrace__Scenario *message, const char *name,
				  struct stored_scenario *ret)
{
	static const Mmtrace__BootInput nothing = MMTRACE__BOOT_INPUT__INIT;
	struct error *err =
		boot_store_take_input(message->input ? message->input : &nothing, name, &ret->log);

	if (!err)
		err = error_in_file(take_operations(message->operation, message->n_operation, ret),
				    name);
	return err;
}

/* ---- files ------------------------------------------------------------------------------------- */

struct error *scenario_store_write_operations(const struct operation *operations, uint32_t count,
					      struct mmtrace_writer *w)
{
	uint32_t parts = count > OPERATIONS_PER_PART ? (count - 1) / OPERATIONS_PER_PART + 1 : 1;
	struct arena arena = arena_init(WRITE_MEMORY_MAX);
	struct error *err = NULL;

	if (count > OPERATIONS_MAX)
		return error_create(ERROR_LIMIT, NULL, 0, 0,
				    "there are more than %" PRIu32 " operations, the limit",
				    OPERATIONS_MAX);
	for (uint32_t part = 0; part < parts && !err; part++) {
		Mmtrace__Operations m = MMTRACE__OPERATIONS__INIT;
		uint32_t first = part * OPERATIONS_PER_PART, left = count - first;

		m.has_part = m.has_part_count = 1;
		m.part = part;
		m.part_count = parts;
		m.n_operation = left < OPERATIONS_PER_PART ? left : OPERATIONS_PER_PART;
		m.operation = put_operations(m.n_operation ? operations + first : NULL,
					     (uint32_t)m.n_operation, &arena);
		err = m.operation ? mmtrace_write(w, MMTRACE_OPERATIONS, 0, (uint32_t)m.n_operation,
						  &m.base)
				  : error_no_memory();
		arena_reset(&arena);
	}
	arena_deinit(&arena);
	return err;
}

struct error *scenario_store_write(const struct boot_log *log, const struct operation *operations,
				   uint32_t count, const char *source_name,
				   struct mmtrace_writer *w)
{
	struct error *err = boot_store_write(log, source_name, w);

	return err ? err : scenario_store_write_operations(operations, count, w);
}

bool scenario_store_is_text(const void *data, size_t size)
{
	size_t head = strlen(SCENARIO_STORE_TEXT);

	return size >= head && !memcmp(data, SCENARIO_STORE_TEXT, head);
}

/* Only that there is no memory is an error for those who ask what a file is. */
static struct error *no_memory_alone(struct error *err)
{
	if (!err || err->code == ERROR_NO_MEMORY)
		return err;
	error_destroy(err);
	return NULL;
}

/* The first bytes of what is no stored file. */
static struct error *begins_as_text(const char *path, bool *ret)
{
	char head[sizeof(SCENARIO_STORE_TEXT)];
	struct input_stream *stream;
	size_t got = 0, more = 1;
	struct stat st;
	struct error *err;

	/* A pipe can be read only once. */
	if (!strcmp(path, "-") || stat(path, &st) || !S_ISREG(st.st_mode))
		return NULL;
	err = input_stream_open(path, &stream);
	if (err)
		return no_memory_alone(err);
	while (!err && more && got < sizeof(head)) {
		err = input_stream_read(stream, head + got, sizeof(head) - got, &more);
		got += err ? 0 : more;
	}
	input_stream_close(stream);
	*ret = scenario_store_is_text(head, got);
	return no_memory_alone(err);
}

/* Ends @r. */
static struct error *has_operations(struct mmtrace_reader *r, bool *ret)
{
	struct mmtrace_block block;
	struct error *err = NULL;
	bool is = false;

	/* Operations stand before a trace, if there is one. */
	while (!err && !is && mmtrace_next(r, &block)) {
		if (!block.error && block.type >= MMTRACE_EVENTS)
			break;
		if (block.error && block.error->code == ERROR_NO_MEMORY)
			err = error_no_memory();
		is = !block.error && block.type == MMTRACE_OPERATIONS;
	}
	mmtrace_reader_destroy(r);
	*ret = is;
	return err;
}

struct error *scenario_store_is(const char *path, bool *ret)
{
	struct mmtrace_reader *r;
	struct error *err = mmtrace_file_open(path, &r);

	*ret = false;
	if (err)
		return no_memory_alone(err);
	return r ? has_operations(r, ret) : begins_as_text(path, ret);
}

struct error *scenario_store_is_input(const struct input *input, bool *ret)
{
	struct mmtrace_reader *r;
	struct error *err;

	*ret = scenario_store_is_text(input->data, input->size);
	if (*ret || !mmtrace_is(input->data, input->size))
		return NULL;
	err = mmtrace_reader_create_bytes(input->data, input->size, input->name, &r);
	return err ? no_memory_alone(err) : has_operations(r, ret);
}

/* Block after block; *@parts_ret of *@count_ret parts were met in their order. */
static struct error *read_operations(struct mmtrace_reader *r, const char *name,
				     struct stored_scenario *ret, uint32_t *parts_ret,
				     uint32_t *count_ret)
{
	struct mmtrace_block block;
	struct error *err = NULL;

	while (!err && mmtrace_next(r, &block)) {
		const ProtobufCMessage *message;
		const Mmtrace__Operations *m;

		if (block.error || block.type != MMTRACE_OPERATIONS)
			continue;
		err = mmtrace_unpack(r, mmtrace_message(block.type), &message);
		if (err)
			break;
		m = (const Mmtrace__Operations *)message;
		if (m->n_operation != block.items)
			err = error_create(ERROR_RANGE, NULL, 0, 0,
					   "the block says %" PRIu32 " operations and holds %zu",
					   block.items, m->n_operation);
		else if (m->part != *parts_ret || (*parts_ret && m->part_count != *count_ret))
			err = error_create(ERROR_CORRUPT, NULL, 0, 0,
					   "part %" PRIu32
					   " of the operations stands here, not %" PRIu32,
					   m->part, *parts_ret);
		else
			err = take_operations(m->operation, m->n_operation, ret);
		*count_ret = m->part_count;
		(*parts_ret)++;
	}
	return error_in_block(err, name, block.number);
}

static struct error *read_text(const void *data, size_t size, const char *name,
			       struct stored_scenario *ret)
{
	struct arena arena = arena_init(TEXT_MEMORY_MAX);
	ProtobufCAllocator allocator = arena_allocator(&arena);
	ProtobufCMessage *m;
	struct error *err =
		message_text_read(&mmtrace__scenario__descriptor, data, size, &allocator, &m);

	err = err ? error_in_file(err, name)
		  : scenario_store_take((const Mmtrace__Scenario *)m, name, ret);
	arena_deinit(&arena);
	return err;
}

/* The boot first, then, from the start again, what was done behind it. */
static struct error *read_blocks(const void *data, size_t size, const char *name,
				 struct mmtrace_unpacker *unpacker, struct stored_scenario *ret)
{
	uint32_t parts = 0, count = 0;
	struct mmtrace_reader *r;
	struct error *err = mmtrace_reader_create_bytes(data, size, name, &r);

	if (err)
		return err;
	mmtrace_reader_lend(r, unpacker);
	err = boot_store_read(r, name, &ret->log);
	mmtrace_reader_destroy(r);
	if (!err)
		err = mmtrace_reader_create_bytes(data, size, name, &r);
	if (err)
		return err;
	mmtrace_reader_lend(r, unpacker);
	err = read_operations(r, name, ret, &parts, &count);
	if (!err && !parts && mmtrace_summary(r).complete)
		err = error_create(ERROR_FORMAT, name, 0, 0, "no operations are stored in it");
	else if (!err && (!parts || parts != count))
		err = error_create(ERROR_CORRUPT, name, 0, 0,
				   "the list of operations is not whole");
	mmtrace_reader_destroy(r);
	return err;
}

struct error *scenario_store_read_bytes(const void *data, size_t size, const char *name,
					struct mmtrace_unpacker *unpacker,
					struct stored_scenario *ret)
{
	struct mmtrace_unpacker *own = NULL;
	struct error *err;

	if (scenario_store_is_text(data, size))
		return read_text(data, size, name, ret);
	if (!unpacker) {
		own = mmtrace_unpacker_create();
		if (!own)
			return error_no_memory();
	}
	err = read_blocks(data, size, name, own ? own : unpacker, ret);
	mmtrace_unpacker_destroy(own);
	return err;
}

struct error *scenario_store_read(const char *path, struct stored_scenario *ret)
{
	struct input input = { 0 };
	struct error *err = input_read(path, NULL, &input);

	if (!err)
		err = scenario_store_read_bytes(input.data, input.size, input.name, NULL, ret);
	input_deinit(&input);
	return err;
}
