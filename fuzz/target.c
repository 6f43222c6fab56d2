/* SPDX-License-Identifier: MIT */
#include "fuzz/target.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/invariant.h"
#include "engine/quirk.h"
#include "traces/arena.h"
#include "traces/message_text.h"

/* What a message may take in memory: some hundred times its bytes. */
#define MESSAGE_MEMORY_MAX ((size_t)512 << 20)

#define TARGET(name) extern const struct target target_##name;
#include "fuzz/targets.def"
#undef TARGET

const struct target *const targets[] = {
#define TARGET(name) &target_##name,
#include "fuzz/targets.def"
#undef TARGET
};

enum {
#define TARGET(name) TARGET_##name,
#include "fuzz/targets.def"
#undef TARGET
	TARGET_COUNT
};

const unsigned int target_count = TARGET_COUNT;

const struct target *target_find(const char *name)
{
	for (unsigned int i = 0; i < target_count; i++)
		if (!strcmp(targets[i]->name, name))
			return targets[i];
	return NULL;
}

/* ---- running ----------------------------------------------------------------------------------- */

struct target_runner {
	const struct target *target;
	struct target_settings settings;
	void *state;
	struct arena arena; /* the message of the run */
	ProtobufCAllocator allocator;
	struct target_report report;
};

struct error *target_runner_create(const struct target *target,
				   const struct target_settings *settings,
				   struct target_runner **ret)
{
	struct target_runner *r = calloc(1, sizeof(*r));

	if (!r)
		return error_no_memory();
	r->target = target;
	if (settings)
		r->settings = *settings;
	r->arena = arena_init(MESSAGE_MEMORY_MAX);
	r->allocator = arena_allocator(&r->arena);
	r->state = target->create(&r->settings);
	if (!r->state) {
		target_runner_destroy(r);
		return error_no_memory();
	}
	*ret = r;
	return NULL;
}

void target_runner_destroy(struct target_runner *r)
{
	if (!r)
		return;
	if (r->state)
		r->target->destroy(r->state);
	arena_deinit(&r->arena);
	free(r);
}

static void begin(struct target_report *report)
{
	report->refused = false;
	report->finding_count = report->feature_count = 0;
}

void target_run_message(struct target_runner *r, const ProtobufCMessage *message)
{
	assert(message->descriptor == r->target->message);
	begin(&r->report);
	r->target->run_message(r->state, message, &r->report);
}

void target_run_bytes(struct target_runner *r, const uint8_t *data, size_t size)
{
	ProtobufCMessage *message;

	begin(&r->report);
	r->report.refused = size > TARGET_BYTES_MAX;
	if (r->report.refused)
		return;
	if (!r->target->message) {
		r->target->run_bytes(r->state, data, size, &r->report);
		return;
	}
	arena_rewind(&r->arena);
	message = protobuf_c_message_unpack(r->target->message, &r->allocator, size, data);
	if (message)
		r->target->run_message(r->state, message, &r->report);
	else
		r->report.refused = true;
}

const struct target_report *target_report(const struct target_runner *r)
{
	return &r->report;
}

const struct target *target_runner_target(const struct target_runner *r)
{
	return r->target;
}

static unsigned int hex_digit(char c)
{
	assert((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'));
	return (unsigned int)(c <= '9' ? c - '0' : c - 'a' + 10);
}

static void unhex(const char *text, uint8_t *ret, size_t size)
{
	for (size_t i = 0; i < size; i++)
		ret[i] = (uint8_t)(hex_digit(text[2 * i]) << 4 | hex_digit(text[2 * i + 1]));
}

struct error *target_seed(const struct target *target, unsigned int number, uint8_t **ret,
			  size_t *size_ret)
{
	ProtobufCMessage *message;
	const char *seed;
	struct error *err;
	uint8_t *data;
	size_t size;

	for (unsigned int i = 0; i < number; i++)
		assert(target->seeds[i]);
	seed = target->seeds[number];
	*ret = NULL;
	if (!seed)
		return NULL;
	if (!target->message) {
		size = strlen(seed) / (target->seeds_in_hex ? 2 : 1);
		data = malloc(size + 1);
		if (!data)
			return error_no_memory();
		if (target->seeds_in_hex)
			unhex(seed, data, size);
		else
			memcpy(data, seed, size);
	} else {
		err = message_text_read(target->message, seed, strlen(seed), NULL, &message);
		assert(!err || err->code == ERROR_NO_MEMORY);
		if (err)
			return err;
		size = protobuf_c_message_get_packed_size(message);
		data = calloc(1, size + 1);
		if (data)
			protobuf_c_message_pack(message, data);
		protobuf_c_message_free_unpacked(message, NULL);
		if (!data)
			return error_no_memory();
	}
	*ret = data;
	*size_ret = size;
	return NULL;
}

/* ---- for targets ------------------------------------------------------------------------------- */

void target_apply_settings(const struct target_settings *settings, uint32_t *version,
			   struct facts *facts)
{
	if (settings->version) {
		*version = settings->version;
		facts_init(facts, *version);
	}
	if (!settings->quirks)
		quirks_all_right(facts);
	for (unsigned int i = 0; i < settings->fact_count; i++)
		facts->v[settings->facts[i].fact] = settings->facts[i].value;
}

bool target_report_has(const struct target_report *report, const char *id)
{
	for (unsigned int i = 0; i < report->finding_count; i++)
		if (!strcmp(report->findings[i].id, id))
			return true;
	return false;
}

void target_report_add(struct target_report *report, const char *id, const char *format, ...)
{
	struct target_finding *f = &report->findings[report->finding_count];
	va_list args;

	for (unsigned int i = 0; i < report->finding_count; i++)
		if (!strcmp(report->findings[i].id, id))
			return;
	if (report->finding_count == TARGET_FINDINGS_MAX)
		return;
	report->finding_count++;
	f->id = id;
	va_start(args, format);
	vsnprintf(f->text, sizeof(f->text), format, args);
	va_end(args);
}

/* A sink that fills a text of fixed size, without its newline. */
struct fixed_text {
	char *data;
	size_t used, room;
};

static void put_fixed(void *ctx, const char *text, size_t len)
{
	struct fixed_text *fixed = ctx;

	for (size_t i = 0; i < len && fixed->used + 1 < fixed->room; i++)
		if (text[i] != '\n')
			fixed->data[fixed->used++] = text[i];
	fixed->data[fixed->used] = 0;
}

void target_report_findings(struct target_report *report, const struct findings *findings)
{
	if (!findings->total)
		return;
	for (unsigned int i = 0; i < INVARIANT_COUNT; i++) {
		char text[192] = "";
		struct fixed_text fixed = { text, 0, sizeof(text) };
		struct sink sink = { put_fixed, &fixed };

		if (!findings->count[i])
			continue;
		finding_print(&findings->first[i], &sink);
		/* Behind the id and its colon. */
		target_report_add(report, invariant_info((enum invariant)i)->id, "%s",
				  text + strlen(invariant_info((enum invariant)i)->id) + 2);
	}
}

void target_report_feature(struct target_report *report, uint32_t feature)
{
	if (report->feature_count < TARGET_FEATURES_MAX)
		report->features[report->feature_count++] = feature;
}
