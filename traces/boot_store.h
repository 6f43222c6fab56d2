/* SPDX-License-Identifier: MIT */
/*
 * Boot store: a boot log as messages of record.proto, and back.
 *
 * Everything that a model is told and everything that it is compared with is stored, so that a stored
 * boot gives the same results as its source.  Facts are stored as a version and what differs from
 * that version's; configuration is stored in full.
 */
#ifndef TRACES_BOOT_STORE_H
#define TRACES_BOOT_STORE_H

#include "engine/error.h"
#include "traces/arena.h"
#include "traces/boot_log.h"
#include "traces/mmtrace.h"
#include "traces/record.pb-c.h"

/*
 * Writes the blocks of a boot: header, boot input, answers, notes.  @source_name is what the boot was
 * read from; only what follows its last '/' is kept.  The caller may write more blocks and ends the
 * file.  ERROR_LIMIT: more than reading would accept.
 */
struct error *boot_store_write(const struct boot_log *log, const char *source_name,
			       struct mmtrace_writer *w);

/*
 * Reads the blocks of @r, up to a trace behind the boot, and makes the boot of them in @ret (zeroed;
 * ends with boot_log_deinit() in any case), which is called @name.  Blocks of other types are passed
 * over.  Damage that the boot does
 * not depend on becomes a note of @ret without a line, which is not stored again.  Anything else is an error that names the block:
 * ERROR_CORRUPT, ERROR_RANGE (a value that cannot be), ERROR_LIMIT, ERROR_UNSUPPORTED (an essential
 * block, a fact or a kind of step that is not known here).
 */
struct error *boot_store_read(struct mmtrace_reader *r, const char *name, struct boot_log *ret);
/* The same for a file in memory. */
struct error *boot_store_read_bytes(const void *data, size_t size, const char *name,
				    struct boot_log *ret);

/*
 * The input of a boot as one message that needs no header, for those who keep machines by themselves.
 * It lives in @arena and borrows texts of @log; NULL without memory.
 */
Mmtrace__BootInput *boot_store_input(const struct boot_log *log, struct arena *arena);
/*
 * And back, into @ret (zeroed, or after boot_log_clear()).  What is absent gets its default, which for the configuration is the
 * usual one of the architecture, and for the version the newest 6.12.
 */
struct error *boot_store_take_input(const Mmtrace__BootInput *message, const char *name,
				    struct boot_log *ret);

#endif
