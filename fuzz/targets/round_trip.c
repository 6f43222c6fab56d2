/* SPDX-License-Identifier: MIT */
/*
 * A machine with operations that is stored and read again is the same, byte by byte of its message.
 */
#include <stdlib.h>

#include "engine/invariant.h"
#include "fuzz/targets/machine_input.h"

#define MESSAGE_MEMORY_MAX ((size_t)256 << 20)

struct state {
	struct target_settings settings;
	struct stored_scenario input, again;
	/* What would be made for each input anew. */
	struct mmtrace_writer *writer;
	struct sink_text file;
	struct mmtrace_unpacker *unpacker;
	struct arena arena;
};

static void destroy(void *state)
{
	struct state *s = state;

	mmtrace_writer_destroy(s->writer);
	sink_text_deinit(&s->file);
	mmtrace_unpacker_destroy(s->unpacker);
	stored_scenario_deinit(&s->input);
	stored_scenario_deinit(&s->again);
	arena_deinit(&s->arena);
	free(s);
}

static void *create(const struct target_settings *settings)
{
	struct state *s = calloc(1, sizeof(*s));
	struct error *err;

	if (!s)
		return NULL;
	s->settings = *settings;
	s->arena = arena_init(MESSAGE_MEMORY_MAX);
	s->unpacker = mmtrace_unpacker_create();
	err = mmtrace_writer_create(sink_to_text(&s->file), &s->writer);
	if (!err && s->unpacker)
		return s;
	error_destroy(err);
	destroy(s);
	return NULL;
}

static struct error *store(struct state *s)
{
	const struct stored_scenario *from = &s->input;
	struct error *err;

	sink_text_clear(&s->file);
	mmtrace_writer_restart(s->writer, sink_to_text(&s->file));
	err = scenario_store_write(&from->log, from->operations, from->operation_count, "input",
				   s->writer);
	return err ? err : mmtrace_write_end(s->writer);
}

static void judge(struct state *s, struct target_report *report)
{
	const struct sink_text *file = &s->file;
	struct findings findings = { 0 };
	struct error *err;

	stored_scenario_clear(&s->again);
	err = scenario_store_read_bytes(file->data, file->len, "input", s->unpacker, &s->again);
	if (err) {
		if (err->code != ERROR_NO_MEMORY)
			target_report_add(report, invariant_info(INVARIANT_STORED_SAME)->id,
					  "what was stored is refused: %s", err->message);
		error_destroy(err);
		return;
	}
	arena_rewind(&s->arena);
	findings_clear(&findings);
	if (scenario_store_check_same(&s->input, &s->again, &s->arena, &findings))
		target_report_findings(report, &findings);
	target_report_feature(report, (uint32_t)(file->len >> 5));
}

static void run(void *state, const ProtobufCMessage *message, struct target_report *report)
{
	struct state *s = state;
	struct error *err;

	report->refused = !machine_input_take(message, &s->settings, &s->input);
	if (report->refused)
		return;
	err = store(s);
	report->refused = err || s->file.out_of_memory;
	error_destroy(err);
	if (!report->refused)
		judge(s, report);
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
