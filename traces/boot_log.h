/* SPDX-License-Identifier: MIT */
/*
 * Boot log: one boot as it was recorded, split into what the kernel was told (struct boot_input) and
 * what it answered (struct answers).
 */
#ifndef TRACES_BOOT_LOG_H
#define TRACES_BOOT_LOG_H

#include "engine/answer.h"
#include "engine/boot_input.h"
#include "engine/error.h"
#include "traces/dmesg/text.h"

/*
 * A line that no parser knows, by number; or two lines that contradict each other.  Line 0: about the
 * file the log was read from.
 */
struct boot_log_note {
	uint32_t line, other_line;
	const char *what; /* static, or as long as the log */
};

struct boot_log {
	char *name; /* what to call the source in messages */
	struct boot_input input;
	struct answers recorded;

	bool has_version; /* a "Linux version" line was there */
	const char *guessed_era; /* without it: the era the lines look like, or NULL */
	bool has_debug; /* memblock=debug lines were there */
	uint32_t lines_known, lines_unknown; /* of the memory families and in all */
	/* Where the first unknown line of the source is, from 1; 0 when there is none. */
	uint32_t unknown_line, unknown_column;
	struct boot_log_note *notes; /* contradictions */
	uint32_t note_count, note_room;

	bool out_of_memory; /* the host had none: something is missing */
	/* Private: growing arrays of input, and the texts it points to. */
	uint32_t step_room, firmware_room, affinity_room, cpu_room, given_room, window_room;
	uint32_t state_memory_room, state_reserved_room;
	uint32_t node_cpus_room, distance_room;
	struct boot_log_texts *texts;
};

/* Reads lines [first, end) of @text into @ret (zeroed).  @name is copied. */
struct error *boot_log_read(const struct log_text *text, size_t first, size_t end, const char *name,
			    struct boot_log *ret);
void boot_log_deinit(struct boot_log *log);
/* Makes of @log an empty one, as zeroed, but for its name; buffers stay, for those who read very many. */
void boot_log_clear(struct boot_log *log);

/* A copy of @len bytes that lives as long as the log; "" without memory. */
const char *boot_log_text(struct boot_log *log, const char *text, size_t len);

/* Takes the kernel's version from what follows "Linux version ". False when there is none. */
bool boot_log_take_version(struct boot_log *log, const char *text, size_t len);

/* For importers: each appends and returns a zeroed element, or NULL without memory. */
struct boot_step *boot_log_add_step(struct boot_log *log, enum boot_step_kind kind, uint32_t line);
struct affinity_memory *boot_log_add_affinity(struct boot_log *log);
bool boot_log_add_cpu(struct boot_log *log, int32_t nid);
void boot_log_note(struct boot_log *log, uint32_t line, uint32_t other_line, const char *what);

/*
 * Fixes the version, and with it the row of facts and the configuration the log does not tell.
 * @version 0 keeps the log's own, and what its lines show of patches carried back.  Call after the last importer.
 */
void boot_log_settle(struct boot_log *log, uint32_t version);

#endif
