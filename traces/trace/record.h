/* SPDX-License-Identifier: MIT */
/*
 * Record: binary records of events, as the kernel lays them out and describes in events/.../format.  Both
 * trace.dat and perf.data hold such records and such descriptions ("tracing data").
 */
#ifndef TRACES_TRACE_RECORD_H
#define TRACES_TRACE_RECORD_H

#include "traces/trace/raw_file.h"

enum record_field {
	RECORD_PFN,
	RECORD_ORDER,
	RECORD_MIGRATETYPE,
	RECORD_GFP,
	RECORD_REFILL,
	RECORD_COLD,
	RECORD_FALLBACK_ORDER,
	RECORD_FALLBACK_MIGRATETYPE,
	RECORD_CHANGE_OWNERSHIP,
	RECORD_COUNT_PAGES,
	RECORD_ERRORNO,
	RECORD_PID,
	RECORD_CONTEXT,
	RECORD_DEPTH,
	RECORD_TEXT,
	RECORD_FIELDS
};

/* One event's layout. */
struct record_format {
	uint32_t id;
	uint32_t name; /* number of a string of the trace */
	uint8_t kind; /* enum event_kind */
	uint64_t pageblock_order; /* extfrag; 0: not told */
	struct {
		uint16_t offset;
		uint8_t size; /* bytes; 0: it has no such field */
		bool is_signed;
	} fields[RECORD_FIELDS];
};

/* Names of tasks by pid. */
struct record_comms {
	struct {
		int32_t pid;
		uint32_t text; /* 0: free */
	} * slots;
	uint32_t slot_count, count;
};

struct record_formats {
	struct record_format *list;
	uint32_t count, room;
	uint16_t *by_id; /* number in the list, plus one; 0: none */
	uint32_t by_id_count; /* a power of two; those above have none */
	struct record_comms comms;
};

/* Zeroes it for a start; false without memory is for the functions below to say. */
struct record_formats *record_formats_create(void);
void record_formats_destroy(struct record_formats *formats);

/*
 * Takes tracing data off @c: from "header_page" up to the names of tasks, which are left out unless
 * @with_comms.  What GFP bits are called in it replaces the names of @t.
 */
void record_read_tracing_data(struct trace *t, struct record_formats *formats, struct raw_cursor *c,
			      bool with_comms);

/* The parts of that: "header_page" and "header_event"; formats of ftrace's own; those of all systems. */
void record_read_headers(struct raw_cursor *c);
void record_read_ftrace_formats(struct trace *t, struct record_formats *formats,
				struct raw_cursor *c);
void record_read_event_formats(struct trace *t, struct record_formats *formats,
			       struct raw_cursor *c);
void record_read_comms(struct trace *t, struct record_formats *formats, struct raw_cursor *c);

/* A task's name from now on; false without memory. */
bool record_set_comm(struct record_formats *formats, int32_t pid, uint32_t text);
uint32_t record_comm(const struct record_formats *formats, int32_t pid);

/*
 * Makes an event of a record of @size bytes; time and cpu are left to the caller, and so is pid if it is
 * not -1.  False when it is too short, or holds impossible values.
 */
bool record_decode(struct trace *t, const struct record_formats *formats, const uint8_t *record,
		   size_t size, bool big_endian, struct event *ret);

#endif
