/* SPDX-License-Identifier: MIT */
/*
 * Scenario store: a boot with the operations done behind it (engine/scenario.h), as messages of
 * record.proto and as a file, and back.
 */
#ifndef TRACES_SCENARIO_STORE_H
#define TRACES_SCENARIO_STORE_H

#include "engine/finding.h"
#include "engine/operation.h"
#include "traces/boot_store.h"
#include "traces/input.h"

/* Starts zeroed. */
struct stored_scenario {
	struct boot_log log; /* log.input is what to boot */
	struct operation *operations;
	uint32_t operation_count, operation_room;
};

void stored_scenario_deinit(struct stored_scenario *s);
/* Makes it empty and keeps buffers, for those who read very many. */
void stored_scenario_clear(struct stored_scenario *s);

/*
 * Writes the blocks of a boot and those of @count operations, which may be none.  @source_name as of
 * boot_store_write(); the caller ends the file.  ERROR_LIMIT: more than reading would accept.
 */
struct error *scenario_store_write(const struct boot_log *log, const struct operation *operations,
				   uint32_t count, const char *source_name,
				   struct mmtrace_writer *w);

/* The operations alone, behind a boot that was written. */
struct error *scenario_store_write_operations(const struct operation *operations, uint32_t count,
					      struct mmtrace_writer *w);

/* How a text begins that is a message Scenario (message_text.h). */
#define SCENARIO_STORE_TEXT "# scenario\n"
bool scenario_store_is_text(const void *data, size_t size);

/*
 * Is @path a stored file with operations, or a text?  False, and no error, for whatever else there is,
 * also for what cannot be read: whoever reads it then will say why.  Standard input never is.  The only
 * error is ERROR_NO_MEMORY.
 */
struct error *scenario_store_is(const char *path, bool *ret);
/* The same of bytes at hand, unpacked. */
struct error *scenario_store_is_input(const struct input *input, bool *ret);
/*
 * Reads such a file into @ret (zeroed; ends with stored_scenario_deinit() in any case).  Errors as of
 * boot_store_read(); ERROR_FORMAT: no operations are stored in it.
 */
struct error *scenario_store_read(const char *path, struct stored_scenario *ret);
/* The same for bytes in memory.  @unpacker (mmtrace.h) may be NULL. */
struct error *scenario_store_read_bytes(const void *data, size_t size, const char *name,
					struct mmtrace_unpacker *unpacker,
					struct stored_scenario *ret);

/* All of it as one message that lives in @arena and borrows texts of @log; NULL without memory. */
Mmtrace__Scenario *scenario_store_message(const struct boot_log *log,
					  const struct operation *operations, uint32_t count,
					  struct arena *arena);
/*
 * Are the messages of @a and @b the same, byte by byte?  If not, notes INVARIANT_STORED_SAME in @ret.  Both
 * messages come into @arena.  False: no memory.
 */
bool scenario_store_check_same(const struct stored_scenario *a, const struct stored_scenario *b,
			       struct arena *arena, struct findings *ret);
/*
 * And back, into @ret, which is zeroed or cleared.  What is absent gets its default, as of
 * boot_store_take_input(); a machine without a version of its own is of the newest 6.12.
 */
struct error *scenario_store_take(const Mmtrace__Scenario *message, const char *name,
				  struct stored_scenario *ret);
/* Operations alone.  ERROR_UNSUPPORTED: a kind that is not known here. */
struct error *scenario_store_take_operation(const Mmtrace__Operation *m, struct operation *ret);
void scenario_store_put_operation(const struct operation *from, Mmtrace__Operation *m);

#endif
