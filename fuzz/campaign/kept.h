/* SPDX-License-Identifier: MIT */
/*
 * Kept: the files of a campaign's folder.
 *
 *	DIR/campaign.sqlite		results.h
 *	DIR/corpus/TARGET/HASH		inputs that did something new, by the hash of their bytes
 *	DIR/engine/			engine.h
 *	DIR/findings/NUMBER-ID.mmtrace	the smallest input of each group; .bin where it is no scenario
 *
 * A file appears when it is complete, under its name or not at all.
 */
#ifndef FUZZ_CAMPAIGN_KEPT_H
#define FUZZ_CAMPAIGN_KEPT_H

#include "fuzz/campaign/results.h"
#include "fuzz/corpus.h"

/* @folder/@name, or @folder/@name/@file if that is not NULL.  The caller frees; NULL without memory. */
char *kept_path(const char *folder, const char *name, const char *file);
/* Makes the folder and those in it; one that is there already is fine. */
struct error *kept_make_folders(const char *folder);

/* Does @target take scenarios, which are kept as stored files? */
bool kept_is_scenario(const struct target *target);

/* By which inputs are told apart, and found in the folder. */
uint64_t kept_hash(const void *data, size_t size);
/* Is there an input of that hash? */
bool kept_has_input(const char *folder, const char *target, uint64_t hash);
/*
 * *@is_new_ret: it was not there yet.  Outlives a kill of this program; what a loss of power takes comes about again.
 */
struct error *kept_add_input(const char *folder, const char *target, const void *data, size_t size,
			     bool *is_new_ret);
/*
 * Writes the input of @f to @path: with the facts of @settings, where it is a scenario.  Target and settings are in a
 * recipe beside it.  When it returns both files are on disk.
 */
struct error *kept_write_finding(const char *path, const struct target *target,
				 const struct target_settings *settings,
				 const struct results_finding *f);

/* Of that recipe: the path with .conf for its ending.  NULL without memory; callers free. */
char *kept_settings_path(const char *finding);

/*
 * Reads the inputs in @folder into @count corpora (zeroed), one for each of @list, in the order of their
 * names.  They are to be ended in any case.
 */
struct error *kept_read(const char *folder, const struct target *const *list, unsigned int count,
			struct corpus *corpora);

#endif
