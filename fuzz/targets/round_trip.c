/* SPDX-License-Identifier: MIT */
/*
 * A machine with operations that is stored and read again is the same, byte by byte of its message.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz/targets/machine_input.h"

#define MESSAGE_MEMORY_MAX ((size_t)256 << 20)

struct state {
	struct target_settings settings;
	struct stored_scenario input, again;
	struct arena arena;
};

static void *create(const struct target_settings *settings)
{
	struct state *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->settings = *settings;
	s->arena = arena_init(MESSAGE_MEMORY_MAX);
	return s;
}

static void destroy(void *state)
{
	struct state *s = state;

	stored_scenario_deinit(&s->input);
	stored_scenario_deinit(&s->again);
	arena_deinit(&s->arena);
	free(s);
}

static struct error *store(const struct stored_scenario *s, struct sink_text *ret)
{
	struct mmtrace_writer *w;
	struct error *err = mmtrace_writer_create(sink_to_text(ret), &w);

	if (err)
		return err;
	err = scenario_store_write(&s->log, s->operations, s->operation_count, "input", w);
	if (!err)
		err = mmtrace_write_end(w);
	mmtrace_writer_destroy(w);
	return err;
}

/* Its message, packed into the arena; NULL without memory. */
static uint8_t *pack(struct state *s, const struct stored_scenario *from, size_t *size_ret)
{
	const Mmtrace__Scenario *m = scenario_store_message(&from->log, from->operations,
							    from->operation_count, &s->arena);
	uint8_t *data;

	if (!m)
		return NULL;
	*size_ret = protobuf_c_message_get_packed_size(&m->base);
	data = arena_alloc(&s->arena, *size_ret + 1);
	if (data)
		protobuf_c_message_pack(&m->base, data);
	return data;
}

static void judge(struct state *s, struct sink_text *file, struct target_report *report)
{
	struct error *err;
	uint8_t *a, *b;
	size_t size_a, size_b;

	stored_scenario_clear(&s->again);
	err = scenario_store_read_bytes(file->data, file->len, "input", &s->again);
	if (err) {
		if (err->code != ERROR_NO_MEMORY)
			target_report_add(report, "round-trip", "what was stored is refused: %s",
					  err->message);
		error_destroy(err);
		return;
	}
	arena_rewind(&s->arena);
	a = pack(s, &s->input, &size_a);
	b = pack(s, &s->again, &size_b);
	if (a && b && (size_a != size_b || memcmp(a, b, size_a) != 0))
		target_report_add(
			report, "round-trip",
			"what was stored is read as another machine, of %zu bytes and not %zu",
			size_b, size_a);
	target_report_feature(report, (uint32_t)(file->len >> 5));
}

static void run(void *state, const ProtobufCMessage *message, struct target_report *report)
{
	struct state *s = state;
	struct sink_text file = { 0 };
	struct error *err;

	report->refused = !machine_input_take(message, &s->settings, &s->input);
	if (report->refused)
		return;
	err = store(&s->input, &file);
	report->refused = err || file.out_of_memory;
	error_destroy(err);
	if (!report->refused)
		judge(s, &file, report);
	sink_text_deinit(&file);
}

const struct target target_round_trip = {
	.name = "round_trip",
	.property = "What is stored is read again as it was.",
	.message = &mmtrace__scenario__descriptor,
	.create = create,
	.destroy = destroy,
	.run_message = run,
	.seeds = machine_seeds,
	.words = machine_words,
};
