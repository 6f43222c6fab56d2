/* SPDX-License-Identifier: MIT */
/*
 * Any bytes are read as a stored file, or refused: its blocks, the machine, the operations and the trace in
 * it.  Hashes would refuse nearly all of them, so that an input is what the blocks hold: a type of block, the
 * size of its message in two bytes, the message, again and again.
 */
#include <string.h>

#include "engine/facts.h"
#include "engine/gfp.h"
#include "engine/sink.h"
#include "fuzz/targets/import_state.h"
#include "traces/scenario_store.h"
#include "traces/trace/trace.h"

#define BLOCKS_MAX 16

/* A message that is packed already, as the writer takes messages: all of it is unknown fields. */
struct raw_message {
	ProtobufCMessage base;
};

static void init_raw(ProtobufCMessage *message)
{
	(void)message;
}

static const ProtobufCMessageDescriptor raw_descriptor = {
	.magic = PROTOBUF_C__MESSAGE_DESCRIPTOR_MAGIC,
	.name = "raw",
	.short_name = "raw",
	.c_name = "raw",
	.package_name = "",
	.sizeof_message = sizeof(struct raw_message),
	.message_init = init_raw,
};

/* One field of @data, whose number and wire type are its first byte, and go in front of the rest. */
static struct error *write_block(struct mmtrace_writer *w, unsigned int type, const uint8_t *data,
				 size_t size)
{
	ProtobufCMessageUnknownField field = {
		.tag = size ? data[0] >> 3 : 1,
		.wire_type = (ProtobufCWireType)(size ? data[0] & 7 : 0),
		.len = size ? size - 1 : 0,
		.data = (uint8_t *)(uintptr_t)(size ? data + 1 : data)
	};
	struct raw_message m = { .base = { .descriptor = &raw_descriptor,
					   .n_unknown_fields = size && field.tag ? 1 : 0,
					   .unknown_fields = &field } };

	/* Tags above 15 take more than a byte: the message then begins a little otherwise. */
	return mmtrace_write(w, (enum mmtrace_type)type, 0, size ? data[size - 1] & 15 : 0,
			     &m.base);
}

/* What would be made for each input anew: a writer, its file, what unpacks it, and names of flags. */
struct state {
	struct mmtrace_unpacker *unpacker;
	struct mmtrace_writer *writer;
	struct sink_text file;
	struct gfp_table gfp;
};

static void destroy(void *state)
{
	struct state *s = state;

	mmtrace_writer_destroy(s->writer);
	mmtrace_unpacker_destroy(s->unpacker);
	sink_text_deinit(&s->file);
	free(s);
}

static void *create(const struct target_settings *settings)
{
	struct state *s = calloc(1, sizeof(*s));
	struct facts facts;
	struct error *err;

	if (!s)
		return NULL;
	facts_init(&facts, settings->version ? settings->version : eras[era_count - 1].version);
	gfp_table_init(&s->gfp, &facts);
	s->unpacker = mmtrace_unpacker_create();
	err = mmtrace_writer_create(sink_to_text(&s->file), &s->writer);
	if (!err && s->unpacker)
		return s;
	error_destroy(err);
	destroy(s);
	return NULL;
}

static struct error *write_file(struct state *s, const uint8_t *data, size_t size)
{
	struct error *err = NULL;

	sink_text_clear(&s->file);
	mmtrace_writer_restart(s->writer, sink_to_text(&s->file));
	for (unsigned int blocks = 0; size >= 3 && blocks < BLOCKS_MAX && !err; blocks++) {
		size_t bytes = (size_t)data[1] | (size_t)data[2] << 8;
		unsigned int type = data[0];

		data += 3;
		size -= 3;
		if (bytes > size)
			bytes = size;
		if (type != MMTRACE_END)
			err = write_block(s->writer, type, data, bytes);
		data += bytes;
		size -= bytes;
	}
	if (!err)
		err = mmtrace_write_end(s->writer);
	return err;
}

static void read_trace(const struct state *s, struct target_report *report)
{
	const struct trace_options options = { .gfp = &s->gfp, .unpacker = s->unpacker };
	const struct event *events;
	struct trace *t;
	struct error *err = trace_open_bytes("input", s->file.data, s->file.len, &options, &t);
	size_t count = 1;

	while (!err && count)
		err = trace_next(t, &events, &count);
	if (err && err->code)
		target_report_feature(report, 2u << 8 | (uint32_t)err->code);
	if (!err)
		trace_close(t);
	error_destroy(err);
}

static void run(void *state, const uint8_t *data, size_t size, struct target_report *report)
{
	struct stored_scenario s = { 0 };
	struct state *st = state;
	struct error *err = write_file(st, data, size);

	if (err || st->file.out_of_memory) {
		import_refuse(err, report);
		report->refused = true;
		return;
	}
	err = scenario_store_read_bytes(st->file.data, st->file.len, "input", st->unpacker, &s);
	target_report_feature(report, 1u << 8 | (err ? (uint32_t)err->code : 0));
	import_count(3, s.log.input.step_count, report);
	import_count(4, s.log.recorded.count, report);
	import_count(5, s.operation_count, report);
	error_destroy(err);
	stored_scenario_deinit(&s);
	read_trace(st, report);
	/* And as it is, too. */
	err = boot_store_read_bytes(data, size, "input", &s.log);
	error_destroy(err);
	stored_scenario_deinit(&s);
}

/* A header, an input without steps, no answers, one operation. */
static const char *const seeds[] = {
	"\x01\x02\x01\x0a\x01",
	"\x05\x06\x01\x1a\x04\x08\x01\x20\x03",
	NULL,
};

const struct target target_mmtrace = {
	.name = "mmtrace",
	.property = "Any blocks are read as a stored machine, operations and trace, or refused.",
	.create = create,
	.destroy = destroy,
	.run_bytes = run,
	.seeds = seeds,
	.usual_bytes_max = 4096,
};
