/* SPDX-License-Identifier: MIT */
/*
 * Subject: what a predicate is tested on (predicate.h): a boot with what it recorded, and the events of a
 * trace behind it, or operations (scenario.h), all in memory.
 *
 * A subject only looks at what it has; a copy with fewer events, other facts or other steps is another
 * subject, made for the price of a struct.  struct subject_file owns what was read.
 */
#ifndef TRACES_SUBJECT_H
#define TRACES_SUBJECT_H

#include "engine/event.h"
#include "engine/operation.h"
#include "engine/sink.h"
#include "traces/boot_log.h"
#include "traces/strings.h"

struct subject {
	/* What is booted, and what it is compared with; all that it points to is borrowed. */
	struct boot_log log;
	/* The kernel that wrote the events, whatever the boot is: its GFP bits and migratetypes. */
	struct facts traced_facts;
	struct arch_config traced_config;
	const struct event *events;
	uint32_t event_count;
	const char *const *strings; /* of the trace: event.text is a place in it */
	uint32_t string_count;
	bool is_scenario; /* it has operations, if only none, in place of events */
	const struct operation *operations;
	uint32_t operation_count;
	/*
	 * Subjects with the same number, which is not 0, have equal log.input but for the facts, and what the
	 * configuration has from these: such a boot may be kept.  0: boot anew.  What is read from a file has
	 * number 1: who asks one predicate of several files gives them others.
	 */
	uint64_t boot;
	uint32_t
		hidden_zones; /* mask: those that the facts took from the configuration; see arch.h */
};

/* Makes the machine one of these facts; the kernel that wrote the trace stays who it was. */
void subject_set_facts(struct subject *s, const struct facts *facts);
/* Makes it one of @version, with the facts that version has. */
void subject_set_version(struct subject *s, uint32_t version);

/* CPUs that events may name: as many as the machine has, or may have if the source does not tell. */
uint32_t subject_cpu_count(const struct subject *s);

/* Writes it as a stored file, which subject_read() reads to an equal subject.  @name: of its source. */
struct error *subject_write(const struct subject *s, const char *name, struct sink sink);

struct subject_file {
	struct subject subject;
	/* Where the trace was found damaged or cut off, as a sentence; NULL: nowhere.  Its own. */
	const char *damage;
	/* Private: what it owns. */
	struct boot_log log;
	struct event *events;
	struct operation *operations;
	struct strings texts;
	const char **strings;
};

/*
 * Reads the source @path as capture_read() does, with its trace; @trace names another one in its place, or
 * is NULL.  A source without a trace has no events; a stored scenario has operations.  @ret (zeroed) is ended
 * by subject_file_deinit() in any case.  Errors name the file; ERROR_LIMIT: more than UINT32_MAX - 1 events.
 */
struct error *subject_read(const char *path, const char *trace, struct subject_file *ret);
/* The same for a stored file in memory; @name is what errors call it. */
struct error *subject_read_bytes(const char *name, const void *data, size_t size,
				 struct subject_file *ret);
void subject_file_deinit(struct subject_file *file);

#endif
