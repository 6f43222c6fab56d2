/* SPDX-License-Identifier: MIT */
/* Booted: what check and boot share, from a source on the command line to a machine that ran. */
#ifndef TOOLS_BOOTED_H
#define TOOLS_BOOTED_H

#include "engine/boot.h"
#include "tools/cli.h"
#include "traces/answer_text.h"
#include "traces/boot_log.h"
#include "traces/input.h"

struct booted {
	const char *path;
	struct boot_log log;
	struct machine m;
	struct answer_text text; /* borrows @log */
	struct input once; /* the bytes of a source that can be read once alone, or nothing */
	uint64_t memory_bytes; /* in the ranges of the nodes */
	uint32_t nodes; /* nodes with memory */
};

/*
 * Reads the first argument of @cli into @b->once if it is standard input or a pipe: for who has to know what it
 * is before booted_read(), which does it too.  Returns as that does.
 */
enum cli_exit booted_hold(struct cli *cli, struct booted *b);
/*
 * Reads the first argument of @cli, applies --era and --set and boots up to and including @until,
 * with free lists if @want_lists.
 * Returns CLI_OK, or what the command is to return after it was said why; @b (zeroed) is to be
 * ended with booted_deinit() in both cases.
 */
enum cli_exit booted_read(struct cli *cli, enum boot_stage until, bool want_lists,
			  struct booted *b);
/* The same for the machine as it was recorded, without --era and --set. */
enum cli_exit booted_read_recorded(struct cli *cli, enum boot_stage until, bool want_lists,
				   struct booted *b);
/* The log of @b once more, as its source has it, into @ret (zeroed). */
struct error *booted_read_again(const struct booted *b, struct boot_log *ret);
void booted_deinit(struct booted *b);

/* The head of a report: which machine this was, in lines of at most 80 columns. */
void booted_print(struct cli *cli, const struct booted *b);
/* The same as members of the object @j is in. */
void booted_json(struct json *j, const struct booted *b);

/* A sink that writes to @out. */
struct sink sink_to_file(FILE *out);

/* Pageblocks and free blocks by migratetype of @zone (an index of buddy_view), as its member "types". */
void booted_json_types(struct json *j, const struct machine *m, uint32_t zone);

#endif
