/* SPDX-License-Identifier: MIT */
/*
 * Engine: libFuzzer or AFL++ on one target, as a child of a campaign.
 *
 * How it is started, what it writes where, and what it says of itself.  All is in a folder that each job has
 * for each target:
 *
 *	DIR/engine/TARGET/job-J/seeds/		what it begins with, by hash
 *				words		the dictionary
 *				findings/	inputs that broke something, by id: fuzz/engine.c writes them
 *				crashes/	libFuzzer's artifacts
 *				log, again	what it printed; and on one file alone
 *				count		executions and refused ones, as two numbers
 *				afl		a link to the folder of this instance of AFL++
 *	SHARED/TARGET/libfuzzer/		libFuzzer's corpus, of all jobs
 *	SHARED/TARGET/afl/INSTANCE/		AFL++'s output: main-SEED, and job-SEED-J for the others
 *
 * SHARED is DIR/engine, or a folder that several machines see.
 */
#ifndef FUZZ_CAMPAIGN_ENGINE_H
#define FUZZ_CAMPAIGN_ENGINE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "fuzz/target.h"

enum engine_kind {
	ENGINE_BUILTIN, /* the built-in driver: nothing of this file */
	ENGINE_LIBFUZZER,
	ENGINE_AFL,
	ENGINE_KIND_COUNT
};

extern const char *const engine_names[ENGINE_KIND_COUNT + 1]; /* ends with NULL */

/* All borrowed. */
struct engine {
	enum engine_kind kind;
	const char *programs; /* folder with TARGET_libfuzzer, or TARGET_afl and afl_mutator.so */
	const char *shared; /* folder; NULL: that of the campaign */
};

/*
 * Is all there that running the targets of @list takes?  ERROR_NOT_FOUND names what is not: a program, or afl-fuzz, which
 * is looked up as a shell does.
 */
struct error *engine_check(const struct engine *e, const struct target *const *list,
			   unsigned int count);

/* One job on one target. */
struct engine_job {
	const struct engine *engine;
	const struct target *target;
	const struct target_settings *settings;
	const char *folder; /* of the campaign */
	unsigned int job; /* from 0 */
	uint64_t campaign_seed, seed; /* of all jobs; of this start */
	uint64_t executions; /* it ends by itself after so many; UINT64_MAX: never */
	/* Filled by engine_job_init(). */
	char *own, *corpus, *instance; /* folders; ->instance is AFL++'s alone */
};

/* Fills in the folders and makes them.  Ends with engine_job_deinit() in any case. */
struct error *engine_job_init(struct engine_job *job);
void engine_job_deinit(struct engine_job *job);
/* Adds an input to the seeds. */
struct error *engine_job_add_seed(const struct engine_job *job, const uint8_t *data, size_t size);
/* Takes one that crashed the program, and is left in a file @name, out of what libFuzzer begins with. */
void engine_job_remove_input(const struct engine_job *job, const char *name, const uint8_t *data,
			     size_t size);

/*
 * Starts it: in a process group of its own, which is told to end when the caller dies.  Seeds are there, or one
 * without meaning is made.  The caller waits for it.
 */
struct error *engine_job_start(const struct engine_job *job, pid_t *ret);
/*
 * Runs the program on the file @path alone, with its output in job-J/again.  Findings are no reason for it to
 * fail.
 */
struct error *engine_job_run_file(const struct engine_job *job, const char *path, pid_t *ret);

/* What an engine says of itself since it was started.  Numbers never go down. */
struct engine_stats {
	uint64_t executions, refused, coverage; /* edges */
};
/* Adds what is new to @stats, which starts zeroed with the engine. */
void engine_job_stats(const struct engine_job *job, struct engine_stats *stats);

/*
 * What a sanitizer or libFuzzer said in its SUMMARY line, the last one of the text @log: "crash-KIND" in @id
 * and the line without that word in @text, both cut at their end.  False: there is no such line.
 */
bool engine_summary(const char *log, char *id, size_t id_room, char *text, size_t text_room);
/* The same of what engine_job_run_file() left. */
bool engine_job_summary(const struct engine_job *job, char *id, size_t id_room, char *text,
			size_t text_room);
/* The last line of the log of @job that says something, cut at its end; "" if there is none. */
void engine_last_words(const struct engine_job *job, char *ret, size_t room);

#endif
