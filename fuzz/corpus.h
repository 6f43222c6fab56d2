/* SPDX-License-Identifier: MIT */
/*
 * Corpus: inputs of a target from files: kept findings and seeds, and real captures.
 */
#ifndef FUZZ_CORPUS_H
#define FUZZ_CORPUS_H

#include "fuzz/driver.h"

/* Starts zeroed.  All is owned. */
struct corpus {
	struct driver_input *inputs;
	char **names;
	size_t count, room;
};

void corpus_deinit(struct corpus *c);
/*
 * Adds the file @path: of a target of messages text whose first line begins with "# ", a stored scenario
 * (.mmtrace), or the packed message; of others its bytes.  Errors name the file.
 */
struct error *corpus_add_file(struct corpus *c, const struct target *target, const char *path);
/*
 * Adds what captures in the folder @dir have for @target, in the order of their names; nothing if it takes
 * nothing that captures have.  What cannot be read, or is too large for an input, is left out.
 */
struct error *corpus_add_captures(struct corpus *c, const struct target *target, const char *dir);

/* Writes the words of a target (NULL: none) to a file in the form that libFuzzer and AFL++ read. */
struct error *corpus_write_words(const char *path, const char *const *words);

#endif
