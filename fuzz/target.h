/* SPDX-License-Identifier: MIT */
/*
 * Target: one property, and how to try it on made-up input.
 *
 * A target takes a protobuf message (a machine, a scenario), or plain bytes (what importers read).  Whoever
 * drives it -- the built-in driver, libFuzzer, AFL++, a test over a corpus -- makes inputs, hands them to
 * target_run_message() or target_run_bytes(), and reads the report.  Nothing here prints or exits.
 *
 *	struct target_runner *r;
 *	struct error *err = target_runner_create(target_find("topology"), &settings, &r);
 *	target_run_bytes(r, data, size);
 *	for (i = 0; i < target_report(r)->finding_count; i++) ...
 *
 * A finding is a property that does not hold.  A crash is not a finding: assertions and sanitizers end
 * the program, and its parent sees that.
 */
#ifndef FUZZ_TARGET_H
#define FUZZ_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <protobuf-c/protobuf-c.h>

#include "engine/error.h"
#include "engine/facts.h"
#include "engine/finding.h"

/* Different findings one run can report; each id is there once. */
#define TARGET_FINDINGS_MAX (INVARIANT_COUNT + 8)
/* Features of one run; those beyond are not seen. */
#define TARGET_FEATURES_MAX 256
/* Bytes an input has at most; longer ones are refused. */
#define TARGET_BYTES_MAX ((size_t)1 << 20)

struct target_finding {
	const char *id; /* of invariant.def, or the target's own property; static */
	char text[192]; /* a sentence: where, and what is wrong */
};

/* What came of one run. */
struct target_report {
	bool refused; /* the input is none for this target */
	struct target_finding findings[TARGET_FINDINGS_MAX];
	unsigned int finding_count;
	/*
	 * A few numbers that tell runs apart by what happened in them (how many zones, which answers).  An
	 * input with a number that was never seen is worth keeping where nothing counts coverage.
	 */
	uint32_t features[TARGET_FEATURES_MAX];
	unsigned int feature_count;
};

/* Facts given a value, whatever an input says. */
struct target_fact {
	enum fact fact;
	int64_t value;
};

struct target_settings {
	uint32_t version; /* every input is of this kernel; 0: of its own */
	const struct target_fact *facts; /* borrowed */
	unsigned int fact_count;
	bool quirks; /* leave quirks as inputs have them; otherwise each has its right value */
};

struct target {
	const char *name;
	const char *property; /* one sentence: what holds */
	/* What its inputs are; NULL: plain bytes. */
	const ProtobufCMessageDescriptor *message;

	/* State that serves many runs; NULL without memory. */
	void *(*create)(const struct target_settings *settings);
	void (*destroy)(void *state);
	/* One of the two, according to @message. */
	void (*run_message)(void *state, const ProtobufCMessage *message,
			    struct target_report *report);
	void (*run_bytes)(void *state, const uint8_t *data, size_t size,
			  struct target_report *report);
	/* Seeds made by us: text of the message (message_text.h), or the bytes.  Ends with NULL. */
	const char *const *seeds;
	/* A field of the message that does not count, so that mutators leave it; may be NULL. */
	const char *unused;
	/* For targets of bytes: they are in hexadecimal, as a NUL would end them. */
	bool seeds_in_hex;
	/* Words that its inputs are made of, for mutators; ends with NULL, may be NULL. */
	const char *const *words;
	/* Files of a capture that are inputs, for targets of bytes; ends with NULL, may be NULL. */
	const char *const *files;
	/*
	 * For targets of bytes: shorter inputs are not made longer than that, as it costs time and shows
	 * nothing that shorter ones do not.  0: TARGET_BYTES_MAX.
	 */
	size_t usual_bytes_max;
};

/* All of them, in the order of targets.def. */
extern const struct target *const targets[];
extern const unsigned int target_count;
/* NULL when there is none of that name. */
const struct target *target_find(const char *name);

/* ---- running ---- */

struct target_runner;

/* @settings (NULL: none) is copied, its facts are borrowed. */
struct error *target_runner_create(const struct target *target,
				   const struct target_settings *settings,
				   struct target_runner **ret);
void target_runner_destroy(struct target_runner *r);
/* For targets of messages: @message is of the target's kind and is not kept. */
void target_run_message(struct target_runner *r, const ProtobufCMessage *message);
/* For all targets; a message that does not parse is refused. */
void target_run_bytes(struct target_runner *r, const uint8_t *data, size_t size);
/* Of the last run. */
const struct target_report *target_report(const struct target_runner *r);
const struct target *target_runner_target(const struct target_runner *r);

/*
 * Seed number @number as input bytes, which the caller frees.  *@ret is NULL past the last.  A seed that
 * does not parse is a mistake of ours and asserted.
 */
struct error *target_seed(const struct target *target, unsigned int number, uint8_t **ret,
			  size_t *size_ret);

/* ---- for targets ---- */

/* Facts of an input as the settings want them: @version is the input's own. */
void target_apply_settings(const struct target_settings *settings, uint32_t *version,
			   struct facts *facts);
/* Notes a finding, unless @id is there already. */
void target_report_add(struct target_report *report, const char *id, const char *format, ...)
	ERROR_PRINTF(3, 4);
/* Has it a finding of @id? */
bool target_report_has(const struct target_report *report, const char *id);
/* Notes the first finding of each invariant. */
void target_report_findings(struct target_report *report, const struct findings *findings);
/* Notes a feature: any number. */
void target_report_feature(struct target_report *report, uint32_t feature);

#endif
