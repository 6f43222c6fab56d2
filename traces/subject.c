/* SPDX-License-Identifier: MIT */
#include "traces/subject.h"

#include <stdlib.h>
#include <string.h>

#include "traces/boot_store.h"
#include "traces/capture.h"
#include "traces/event_store.h"
#include "traces/grow.h"
#include "traces/scenario_store.h"
#include "traces/trace/trace.h"

void subject_set_facts(struct subject *s, const struct facts *facts)
{
	struct arch_config *config = &s->log.input.config;
	uint32_t zones = config->zones_mask | s->hidden_zones;

	/* A zone that one kernel does not know is there again with the next. */
	config->zones_mask = zones;
	s->log.input.facts = *facts;
	arch_config_apply_facts(config, facts);
	s->hidden_zones = zones & ~config->zones_mask;
}

void subject_set_version(struct subject *s, uint32_t version)
{
	struct facts facts;

	facts_init(&facts, version);
	s->log.input.version = version;
	subject_set_facts(s, &facts);
}

uint32_t subject_cpu_count(const struct subject *s)
{
	return boot_input_cpu_count(&s->log.input);
}

/* ---- reading ----------------------------------------------------------------------------------- */

static struct error *take_events(struct trace *t, struct subject_file *file)
{
	uint32_t room = 0;
	size_t count = 1;

	while (count) {
		const struct event *events;
		struct error *err = trace_next(t, &events, &count);

		if (err)
			return err;
		if (count > UINT32_MAX - 1 - file->subject.event_count)
			return error_create(ERROR_LIMIT, NULL, 0, 0,
					    "the trace has more than %lu events",
					    (unsigned long)UINT32_MAX - 1);
		for (size_t i = 0; i < count; i++) {
			struct event *more =
				grow(file->events, file->subject.event_count, &room, sizeof(*more));

			if (!more)
				return error_no_memory();
			file->events = more;
			file->events[file->subject.event_count++] = events[i];
		}
	}
	return NULL;
}

static bool has_text(const struct event *e)
{
	return e->text != 0 || e->kind == EVENT_MARKER || e->kind == EVENT_OTHER;
}

/* Copies of the strings that events name, as the trace ends. */
static struct error *take_strings(const struct trace *t, struct subject_file *file)
{
	uint32_t count = 1;

	for (uint32_t i = 0; i < file->subject.event_count; i++)
		if (has_text(&file->events[i]) && file->events[i].text >= count &&
		    file->events[i].text < EVENT_STRINGS_MAX)
			count = file->events[i].text + 1;
	file->strings = calloc(count, sizeof(*file->strings));
	if (!file->strings)
		return error_no_memory();
	for (uint32_t i = 0; i < count; i++) {
		const char *text = trace_string(t, i);

		file->strings[i] = strings_add(&file->texts, text, strlen(text));
		if (!file->strings[i])
			return error_no_memory();
	}
	file->subject.string_count = count;
	return NULL;
}

static struct error *take_damage(const struct trace *t, struct subject_file *file)
{
	const struct error *damage = trace_damage(t);
	char text[512];

	if (!damage)
		return NULL;
	error_format(damage, text, sizeof(text));
	file->damage = strings_add(&file->texts, text, strlen(text));
	return file->damage ? NULL : error_no_memory();
}

static struct error *take_trace(struct trace *t, struct subject_file *file)
{
	struct error *err = take_events(t, file);

	if (!err && file->subject.event_count)
		err = take_strings(t, file);
	return err ? err : take_damage(t, file);
}

static void settle(struct subject_file *file)
{
	struct subject *s = &file->subject;

	s->log = file->log;
	s->traced_facts = file->log.input.facts;
	s->traced_config = file->log.input.config;
	s->events = file->events;
	s->operations = file->operations;
	s->strings = file->strings;
	s->boot = 1;
}

static struct error *read_trace(const char *path, const char *source, struct subject_file *file)
{
	struct gfp_table gfp;
	struct trace_options options = { .facts = &file->log.input.facts, .gfp = &gfp };
	struct trace *t;
	struct error *err = capture_gfp_table(source, options.facts, &gfp);

	if (!err)
		err = trace_open(path, &options, &t);
	if (err)
		return err;
	err = error_in_file(take_trace(t, file), path);
	trace_close(t);
	return err;
}

/* A boot with operations behind it, which has no events. */
static struct error *read_scenario(const struct input *in, struct subject_file *file)
{
	struct stored_scenario scenario = { 0 };
	struct error *err =
		scenario_store_read_bytes(in->data, in->size, in->name, NULL, &scenario);

	file->log = scenario.log;
	file->operations = scenario.operations;
	file->subject.operation_count = scenario.operation_count;
	file->subject.is_scenario = true;
	return err;
}

/* Standard input or a pipe is read once, whatever it is. */
static struct error *read_stream(const char *path, const char *trace, struct subject_file *file)
{
	struct input input = { 0 };
	struct error *err = input_read(path, NULL, &input);
	bool scenario = false;

	if (!err && !trace)
		err = scenario_store_is_input(&input, &scenario);
	if (!err && scenario)
		err = read_scenario(&input, file);
	else if (!err && !trace && mmtrace_is(input.data, input.size))
		err = subject_read_bytes(input.name, input.data, input.size, file);
	else if (!err)
		err = capture_read_input(&input, &file->log);
	if (!err && trace)
		err = read_trace(trace, path, file);
	input_deinit(&input);
	return err;
}

static struct error *read_scenario_file(const char *path, struct subject_file *file)
{
	struct input input = { 0 };
	struct error *err = input_read(path, NULL, &input);

	if (!err)
		err = read_scenario(&input, file);
	input_deinit(&input);
	return err;
}

struct error *subject_read(const char *path, const char *trace, struct subject_file *ret)
{
	struct error *err = NULL;
	char *found = NULL;
	bool scenario = false;

	if (!trace)
		err = scenario_store_is(path, &scenario);
	if (err)
		return err;
	if (!input_is_lasting(path)) {
		err = read_stream(path, trace, ret);
	} else if (scenario) {
		err = read_scenario_file(path, ret);
	} else {
		err = capture_read(path, &ret->log);
		if (!err && !trace)
			err = capture_trace_path(path, &found);
		if (!err && (trace || found))
			err = read_trace(trace ? trace : found, path, ret);
	}
	free(found);
	settle(ret);
	return err;
}

struct error *subject_read_bytes(const char *name, const void *data, size_t size,
				 struct subject_file *ret)
{
	struct trace_options options = { .facts = &ret->log.input.facts };
	struct trace *t;
	struct error *err = boot_store_read_bytes(data, size, name, &ret->log);

	if (!err)
		err = trace_open_bytes(name, data, size, &options, &t);
	if (err)
		return err;
	err = error_in_file(take_trace(t, ret), name);
	trace_close(t);
	settle(ret);
	return err;
}

void subject_file_deinit(struct subject_file *file)
{
	boot_log_deinit(&file->log);
	free(file->events);
	free(file->operations);
	free(file->strings);
	strings_deinit(&file->texts);
	memset(file, 0, sizeof(*file));
}

/* ---- writing ----------------------------------------------------------------------------------- */

static const char *string_of(const void *ctx, uint32_t number)
{
	const struct subject *s = ctx;

	return number < s->string_count ? s->strings[number] : "";
}

static struct error *write_events(const struct subject *s, struct mmtrace_writer *w)
{
	struct event_totals totals = { .lines = s->event_count };
	struct event_writer *ew;
	struct error *err = event_writer_create(w, string_of, s, &ew);

	if (err)
		return err;
	err = event_writer_add(ew, s->events, s->event_count);
	if (!err)
		err = event_writer_end(ew, &totals);
	event_writer_destroy(ew);
	return err;
}

struct error *subject_write(const struct subject *s, const char *name, struct sink sink)
{
	struct mmtrace_writer *w;
	struct error *err = mmtrace_writer_create(sink, &w);

	if (err)
		return err;
	err = boot_store_write(&s->log, name, w);
	if (!err && s->event_count)
		err = write_events(s, w);
	if (!err && s->is_scenario)
		err = scenario_store_write_operations(s->operations, s->operation_count, w);
	if (!err)
		err = mmtrace_write_end(w);
	mmtrace_writer_destroy(w);
	return err;
}
