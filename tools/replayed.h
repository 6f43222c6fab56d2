/* SPDX-License-Identifier: MIT */
/*
 * Replayed: what the commands that replay a trace share, from a source on the command line to a machine
 * with a trace that is about to run on it, and pictures to compare with.
 */
#ifndef TOOLS_REPLAYED_H
#define TOOLS_REPLAYED_H

#include "engine/impossible.h"
#include "engine/replay.h"
#include "tools/booted.h"
#include "traces/picture_set.h"
#include "traces/picture_watch.h"
#include "traces/trace/trace.h"

struct replayed {
	struct booted booted; /* up to the hand-over of memory, with free lists: the replay's own */
	struct machine late; /* the same machine booted to its end */
	struct picture_set pictures;
	char *trace_path;
	/*
	 * Set by who opens the trace more than once: one in a pipe or on standard input is held in memory then.
	 */
	bool keep_trace;
	const struct input *trace_bytes; /* the trace, where it is in memory; borrowed */
	struct input trace_held;
	struct gfp_table gfp;
	struct trace *trace;
	uint32_t cpu_count; /* CPUs a trace of this machine may name */
	uint32_t kinds; /* bit per enum event_kind that is used */
	const struct event *batch; /* of the trace */
	size_t count, at;
	uint64_t line; /* of the last event before the batch, or 0 */
	bool ended; /* the trace was read to its end */
	uint64_t index; /* of the event that comes next, from 0 */
	uint64_t gaps; /* EVENT_LOST before it, which have a number and are no events */
};

/* The option --trace, for all commands that use this. */
#define REPLAYED_OPTION_TRACE                                                                  \
	{                                                                                      \
		.name = "trace", .kind = CLI_KIND_FILE, .value = "FILE",                       \
		.help = "replay this trace instead of the one SRC has; - for standard input, " \
			"packed or not"                                                        \
	}
/* The option --events. */
#define REPLAYED_OPTION_EVENTS                                                             \
	{                                                                                  \
		.name = "events", .kind = CLI_KIND_TEXT, .value = "LIST",                  \
		.help = "use these events alone, as if the others had not been recorded: " \
			"alloc,free,free_batched,zone_locked,drain,extfrag"                \
	}

/* What is asked of the free lists. */
enum replayed_lists {
	REPLAYED_NO_LISTS, /* booted has none */
	REPLAYED_ANY_LISTS, /* what they are laid out over; which pages are free need not be known */
	REPLAYED_LISTS, /* they must be known */
};
/*
 * Boots the first argument of @cli and opens its trace.  As booted_read(): CLI_OK, or what to return after
 * it was said why; ends with replayed_deinit() in both cases.
 */
enum cli_exit replayed_read(struct cli *cli, enum replayed_lists lists, struct replayed *r);
/*
 * The same for a command without --events, which wants the machine as it was recorded, whatever --era
 * and --set say: late has the free lists, and booted has none.
 */
enum cli_exit replayed_read_recorded(struct cli *cli, enum replayed_lists lists,
				     struct replayed *r);
/* The trace once more, from its start on, with flags of its own; of a pipe if it was kept. */
struct error *replayed_open_trace(const struct replayed *r, const struct gfp_table *gfp,
				  struct trace **ret);
void replayed_deinit(struct replayed *r);

/* The next event, whatever its kind; NULL in *@ret at the end.  Valid until the next call. */
enum cli_exit replayed_next(struct cli *cli, struct replayed *r, const struct event **ret);
/* The event that replayed_next() gave last is one that comes next. */
void replayed_unread(struct replayed *r);
/*
 * Behind the report of a trace that was read to its end: was any of it damaged?  Then it says so and returns
 * CLI_UNUSABLE, else @code.
 */
enum cli_exit replayed_end(struct cli *cli, const struct replayed *r, enum cli_exit code);
/* The same as a note, for a command that goes on with what there is. */
void replayed_note_damage(struct cli *cli, const struct replayed *r);
/* Gives @e to @replay; where it is a marker that says what the machine is made to do, that too. */
void replayed_event(const struct replayed *r, struct replay *replay, const struct event *e);
/* Is the event one of --events?  Markers always are. */
static inline bool replayed_uses(const struct replayed *r, const struct event *e)
{
	return r->kinds >> e->kind & 1;
}
/* Is the event none that this machine can have recorded? */
enum impossible replayed_check(const struct replayed *r, struct page_alloc *a,
			       const struct event *e);

/* booted_print() and booted_json(), and the trace. */
void replayed_print(struct cli *cli, const struct replayed *r);
void replayed_json(struct json *j, const struct replayed *r);
/* The name of @zone in rows and tables: "0:DMA32", node and zone; "-" for BUDDY_ZONE_NONE. */
const char *replayed_zone_name(const struct replayed *r, uint32_t zone, char *buf, size_t size);

#endif
