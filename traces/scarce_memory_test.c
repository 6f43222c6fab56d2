/* SPDX-License-Identifier: MIT */
/*
 * The host has no memory: whoever asks is told so, or gets the same as ever.  Each case does something of
 * use as often as it takes to have every place in the code refused (engine/testing/scarce.h).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/boot.h"
#include "engine/buddy.h"
#include "engine/digest.h"
#include "engine/dump.h"
#include "engine/replay.h"
#include "engine/testing/scarce.h"
#include "traces/boot_store.h"
#include "traces/capture.h"
#include "traces/dmesg/text.h"
#include "traces/explain.h"
#include "traces/firmware/acpi_write.h"
#include "traces/message_text.h"
#include "traces/picture_set.h"
#include "traces/picture_watch.h"
#include "traces/predicate.h"
#include "traces/qemu.h"
#include "traces/reduce.h"
#include "traces/regression.h"
#include "traces/testing/check.h"
#include "traces/trace/trace.h"

#define CAPTURES "traces/captures/"

struct job {
	const char *path, *other;
	uint64_t digest; /* of the result when there was memory enough */
	bool known;
};

/* False: the error says that there is no memory, and it is gone; any other ends the test. */
static bool is_ok(struct error *err)
{
	if (!err)
		return true;
	if (err->code != ERROR_NO_MEMORY)
		check_ok(err);
	error_destroy(err);
	return false;
}

static void same_result(struct job *j, uint64_t digest)
{
	if (j->known && digest != j->digest)
		fail_msg("%s: another result when memory is scarce", j->path);
	j->digest = digest;
	j->known = true;
}

static uint64_t digest_bytes(uint64_t digest, const void *data, size_t size)
{
	const uint8_t *p = data;

	for (size_t i = 0; i < size; i++)
		digest = digest_add(digest, p[i]);
	return digest_add(digest, size);
}

static uint64_t digest_text(const struct sink_text *text)
{
	return digest_bytes(1, sink_text_string(text), text->len);
}

static void try_each(scarce_job run, const struct job *jobs, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct job j = jobs[i];
		unsigned int refused = scarce_try(run, &j);

		assert_true(j.known);
		print_message("%s: %u refused\n", j.path, refused);
	}
}
#define TRY_EACH(run, jobs) try_each(run, jobs, sizeof(jobs) / sizeof(*(jobs)))

/* ---- a boot is read, booted, and shown ---------------------------------------------------------- */

static uint64_t digest_answers(const struct answers *as)
{
	uint64_t digest = as->count;

	for (uint32_t i = 0; i < as->count; i++) {
		const struct answer *a = &as->items[i];

		digest = digest_add(digest_add(digest, a->kind), (uint64_t)(int64_t)a->nid);
		digest = digest_bytes(digest, a->v, sizeof(a->v));
	}
	return digest;
}

static bool boot_job(void *ctx)
{
	struct job *j = ctx;
	struct sink_text text = { 0 };
	struct sink sink = sink_to_text(&text);
	struct boot_log log = { 0 };
	struct machine m;
	bool done = false;

	machine_init(&m);
	m.want_lists = true;
	if (is_ok(capture_read(j->path, &log))) {
		boot_run(&m, &log.input, STAGE_LATE);
		done = !m.out_of_memory;
	}
	if (done) {
		assert_null(buddy_check(m.buddy, false));
		dump_zones(&m, &sink);
		dump_buddyinfo(&m, &sink);
		done = !text.out_of_memory;
	}
	if (done)
		same_result(j, digest_add(digest_text(&text), digest_answers(&m.answers)));
	machine_deinit(&m);
	boot_log_deinit(&log);
	sink_text_deinit(&text);
	return done;
}

static void test_boots(void **state)
{
	static const struct job jobs[] = {
		{ .path = CAPTURES "boot-6.1-amd64-numa4-ring" },
		{ .path = CAPTURES "boot-5.10-amd64-crash-huge" },
		{ .path = CAPTURES "boot-5.10-arm64-6g-numa2" },
		{ .path = CAPTURES "boot-6.12-amd64-fake4" },
		{ .path = CAPTURES "boot-6.1-armhf-1536m" },
	};

	(void)state;
	TRY_EACH(boot_job, jobs);
}

/* ---- a subject is read, stored, and read again -------------------------------------------------- */

static uint64_t digest_subject(const struct subject *s)
{
	uint64_t digest = digest_answers(&s->log.recorded);

	for (uint32_t i = 0; i < s->event_count; i++) {
		const struct event *e = &s->events[i];

		digest = digest_add(digest_add(digest_add(digest, e->kind), e->pfn), e->time);
		digest = digest_bytes(digest, s->strings[e->text], strlen(s->strings[e->text]));
	}
	for (uint32_t i = 0; i < s->operation_count; i++)
		digest = digest_add(digest_add(digest, s->operations[i].kind),
				    s->operations[i].pages);
	return digest;
}

static bool subject_job(void *ctx)
{
	struct job *j = ctx;
	struct subject_file from = { 0 }, to = { 0 };
	struct sink_text text = { 0 };
	bool done = is_ok(subject_read(j->path, j->other, &from)) &&
		    is_ok(subject_write(&from.subject, "x", sink_to_text(&text))) &&
		    !text.out_of_memory && is_ok(subject_read_bytes("y", text.data, text.len, &to));

	if (done) {
		same_result(j, digest_subject(&from.subject));
		same_result(j, digest_subject(&to.subject));
	}
	subject_file_deinit(&from);
	subject_file_deinit(&to);
	sink_text_deinit(&text);
	return done;
}

static void test_subjects(void **state)
{
	static const struct job jobs[] = {
		{ .path = CAPTURES "boot-6.12-amd64-2g",
		  .other = "traces/testdata/trace/6.1-up.txt" },
		{ .path = CAPTURES "trace-6.1-amd64-numa2-smp2" },
		{ .path = CAPTURES "boot-5.10-arm64-6g-numa2" },
		{ .path = "traces/regressions/highatomic-in-use.mmtrace" },
	};

	(void)state;
	TRY_EACH(subject_job, jobs);
}

/* ---- a message as text, and back ----------------------------------------------------------------- */

static bool message_job(void *ctx)
{
	struct job *j = ctx;
	struct arena arena = arena_init((size_t)1 << 26);
	struct sink_text text = { 0 };
	struct sink sink = sink_to_text(&text);
	struct boot_log log = { 0 }, again = { 0 };
	Mmtrace__BootInput *message = NULL;
	ProtobufCMessage *back = NULL;
	bool done = is_ok(capture_read(j->path, &log));

	if (done) {
		message = boot_store_input(&log, &arena);
		done = message;
	}
	if (done) {
		message_text_write(&message->base, 0, &sink);
		done = !text.out_of_memory &&
		       is_ok(message_text_read(&mmtrace__boot_input__descriptor, text.data,
					       text.len, NULL, &back));
	}
	if (done)
		done = is_ok(boot_store_take_input((const Mmtrace__BootInput *)back, "z", &again));
	if (done)
		same_result(j, digest_add(digest_text(&text), again.input.step_count));
	if (back)
		protobuf_c_message_free_unpacked(back, NULL);
	boot_log_deinit(&log);
	boot_log_deinit(&again);
	sink_text_deinit(&text);
	arena_deinit(&arena);
	return done;
}

static void test_messages(void **state)
{
	static const struct job jobs[] = {
		{ .path = CAPTURES "boot-6.1-amd64-numa4-ring" },
		{ .path = CAPTURES "boot-6.1-armhf-1536m" },
	};

	(void)state;
	TRY_EACH(message_job, jobs);
}

/* ---- questions, bisecting, reducing -------------------------------------------------------------- */

static bool predicate_job(void *ctx)
{
	struct job *j = ctx;
	struct subject_file file = { 0 };
	struct predicate *p = NULL;
	struct judgement judgement = { 0 };
	bool done = is_ok(subject_read("traces/regressions/fallback-6.12.mmtrace", NULL, &file)) &&
		    is_ok(predicate_parse(j->path, &p)) &&
		    is_ok(predicate_test(p, &file.subject, &judgement));

	if (done)
		same_result(j,
			    digest_bytes(judgement.verdict, judgement.why, strlen(judgement.why)));
	predicate_destroy(p);
	subject_file_deinit(&file);
	return done;
}

static void test_predicates(void **state)
{
	static const struct job jobs[] = {
		{ .path = "diverges" },
		{ .path = "impossible > 0" },
		{ .path = "alloc-fails(order=3)" },
		{ .path = "unusable(order=9) > 0.5" },
		{ .path = "boot-differs" },
		{ .path = "invariant:buddy-lists" },
		{ .path = "differs-from 5.10" },
		{ .path = "worse-than 5.10" },
		{ .path = "differs-from " CAPTURES "boot-6.1-amd64-numa4-ring" },
	};

	(void)state;
	TRY_EACH(predicate_job, jobs);
}

static bool regression_job(void *ctx)
{
	struct job *j = ctx;
	struct subject_file file = { 0 };
	struct regression r = { 0 };
	struct reduced reduced = { 0 };
	struct subject wrong;
	char path[256], sentence[512] = "";
	bool done;

	snprintf(path, sizeof(path), "traces/regressions/%s.mmtrace", j->path);
	done = is_ok(regression_read(j->other, strlen(j->other), "x.txt", &r)) &&
	       is_ok(subject_read(path, NULL, &file)) &&
	       is_ok(regression_check(&r, &file.subject, sentence));
	if (done)
		assert_string_equal(sentence, "");
	if (done) {
		struct reduce_options options = { .predicate = r.fails,
						  .good = &file.subject.log.input.facts };

		wrong = file.subject;
		done = is_ok(regression_make_wrong(&r, &wrong)) &&
		       is_ok(reduce(&wrong, &options, &reduced));
	}
	if (done)
		same_result(j, digest_add(digest_subject(&reduced.subject),
					  reduced.judgement.fingerprint));
	reduced_deinit(&reduced);
	subject_file_deinit(&file);
	regression_deinit(&r);
	return done;
}

static void test_regressions(void **state)
{
	static const char *const names[] = { "highatomic-in-use", "fallback-6.12",
					     "memoryless-node-6.1", "pageset-high-6.1" };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		struct job j = { .path = names[i] };
		char path[256], *text;
		size_t size;

		snprintf(path, sizeof(path), "traces/regressions/%s.txt", names[i]);
		j.other = text = check_read(path, &size);
		try_each(regression_job, &j, 1);
		free(text);
	}
}

/* ---- traces -------------------------------------------------------------------------------------- */

static bool trace_job(void *ctx)
{
	struct job *j = ctx;
	struct trace *t = NULL;
	const struct event *batch;
	uint64_t digest = 1;
	size_t n = 1;
	bool done = is_ok(trace_open(j->path, NULL, &t));

	while (done && n) {
		done = is_ok(trace_next(t, &batch, &n));
		for (size_t i = 0; done && i < n; i++)
			digest = digest_add(digest_add(digest, batch[i].kind), batch[i].pfn);
	}
	if (done)
		same_result(j, digest_add(digest, trace_stats(t)->damaged));
	if (t)
		trace_close(t);
	return done;
}

static void test_traces(void **state)
{
	static const struct job jobs[] = {
		{ .path = "traces/testdata/trace/6.1-up.txt" },
		{ .path = "traces/testdata/trace/perf.txt" },
		{ .path = "traces/testdata/trace/perf.data.zst" },
		{ .path = "traces/testdata/trace/trace-cmd-6.dat.zst" },
		{ .path = "traces/testdata/trace/trace-cmd-7-zstd.dat" },
		{ .path = "traces/testdata/store/events.mmtrace" },
	};

	(void)state;
	TRY_EACH(trace_job, jobs);
}

/* ---- a trace is replayed, with its pictures ------------------------------------------------------ */

struct replayed {
	struct boot_log log;
	struct machine booted, late;
	struct picture_set pictures;
	struct picture_watch *watch;
	struct replay *replay;
	struct trace *trace;
};

static bool replay_begin(struct replayed *r, const char *path)
{
	struct replay_options options = { .cpu_count = 2 };
	struct trace_options trace_options = { .facts = &r->log.input.facts };
	char *trace = NULL;
	bool done;

	if (!is_ok(capture_read(path, &r->log)))
		return false;
	boot_run(&r->booted, &r->log.input, STAGE_MEM_INIT);
	boot_run(&r->late, &r->log.input, STAGE_LATE);
	if (r->booted.out_of_memory || r->late.out_of_memory ||
	    !is_ok(picture_set_read(path, &r->pictures)) ||
	    !is_ok(picture_watch_create(&r->pictures, r->booted.buddy, &r->booted.config,
					&r->booted.facts, &r->watch)))
		return false;
	r->replay = replay_create(&r->booted, &r->late, &options);
	done = r->replay && is_ok(capture_trace_path(path, &trace)) &&
	       is_ok(trace_open(trace, &trace_options, &r->trace));
	free(trace);
	return done;
}

static bool replay_job(void *ctx)
{
	struct job *j = ctx;
	struct replayed *r = calloc(1, sizeof(*r));
	const struct picture_result *results;
	const struct event *batch;
	uint64_t digest = 1;
	uint32_t count;
	size_t n = 1;
	bool done;

	if (!r)
		return false;
	machine_init(&r->booted);
	machine_init(&r->late);
	r->booted.want_lists = r->late.want_lists = true;
	done = replay_begin(r, j->path);
	while (done && n) {
		done = is_ok(trace_next(r->trace, &batch, &n));
		for (size_t i = 0; done && i < n; i++) {
			replay_event(r->replay, &batch[i]);
			if (batch[i].kind == EVENT_MARKER)
				picture_watch_marker(r->watch,
						     trace_string(r->trace, batch[i].text),
						     batch[i].line);
			else if (picture_watch_active(r->watch))
				picture_watch_look(r->watch);
		}
	}
	done = done && !replay_out_of_memory(r->replay) && !picture_watch_out_of_memory(r->watch);
	if (done) {
		results = picture_watch_results(r->watch, &count);
		for (uint32_t i = 0; i < count; i++)
			for (unsigned int k = 0; k < PICTURE_TABLE_COUNT; k++)
				digest = digest_add(digest, results[i].tables[k].match);
		same_result(j, digest);
	}
	if (r->trace)
		trace_close(r->trace);
	if (r->replay)
		replay_destroy(r->replay);
	picture_watch_destroy(r->watch);
	picture_set_deinit(&r->pictures);
	machine_deinit(&r->booted);
	machine_deinit(&r->late);
	boot_log_deinit(&r->log);
	free(r);
	return done;
}

static void test_replays(void **state)
{
	static const struct job jobs[] = {
		{ .path = CAPTURES "trace-6.1-amd64-numa2-smp2" },
	};

	(void)state;
	TRY_EACH(replay_job, jobs);
}

/* ---- logs, their reports, and what is made of a machine ----------------------------------------- */

static bool log_job(void *ctx)
{
	struct job *j = ctx;
	struct input input = { 0 };
	struct log_text text = { 0 };
	struct explanations all = { 0 };
	uint64_t digest = 1;
	bool done = is_ok(input_read(j->path, NULL, &input)) &&
		    is_ok(log_text_parse(input.data, input.size, &text)) &&
		    is_ok(explain_log(text.lines, text.nlines, NULL, &all));

	if (done) {
		for (size_t i = 0; i < text.nlines; i++)
			digest = digest_bytes(digest, text.lines[i].text,
					      strlen(text.lines[i].text));
		for (size_t i = 0; i < all.count; i++)
			digest = digest_add(digest_add(digest, all.all[i].verdict),
					    all.all[i].refused);
		same_result(j, digest);
	}
	explanations_deinit(&all);
	log_text_deinit(&text);
	input_deinit(&input);
	return done;
}

static void test_logs(void **state)
{
	static const struct job jobs[] = {
		{ .path = "traces/testdata/explain/2.6.32.txt" },
		{ .path = "traces/testdata/explain/6.1.txt" },
		{ .path = "traces/testdata/explain/others.txt" },
		{ .path = "traces/testdata/text/html.txt" },
		{ .path = "traces/testdata/text/journal.txt" },
		{ .path = "traces/testdata/text/mail.txt" },
		{ .path = "traces/testdata/text/quoted-printable.txt" },
		{ .path = "traces/testdata/text/serial.txt" },
		{ .path = "traces/testdata/text/tail.txt" },
	};

	(void)state;
	TRY_EACH(log_job, jobs);
}

static bool qemu_job(void *ctx)
{
	struct job *j = ctx;
	struct boot_log log = { 0 };
	struct qemu_machine q = { 0 };
	struct acpi_bytes srat = { 0 }, slit = { 0 };
	bool done = is_ok(capture_read(j->path, &log)) &&
		    is_ok(qemu_machine_make(&log.input, &q)) &&
		    is_ok(srat_write(&log.input, &srat)) && is_ok(slit_write(&log.input, &slit));

	if (done)
		same_result(j, digest_bytes(digest_bytes(q.ram_bytes, srat.data, srat.size),
					    slit.data, slit.size));
	free(srat.data);
	free(slit.data);
	qemu_machine_deinit(&q);
	boot_log_deinit(&log);
	return done;
}

static void test_qemu(void **state)
{
	static const struct job jobs[] = { { .path = CAPTURES "boot-6.1-amd64-numa4-ring" } };

	(void)state;
	TRY_EACH(qemu_job, jobs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_boots),	    cmocka_unit_test(test_subjects),
		cmocka_unit_test(test_messages),    cmocka_unit_test(test_predicates),
		cmocka_unit_test(test_regressions), cmocka_unit_test(test_traces),
		cmocka_unit_test(test_replays),	    cmocka_unit_test(test_logs),
		cmocka_unit_test(test_qemu),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
