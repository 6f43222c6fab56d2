/* SPDX-License-Identifier: MIT */
/*
 * Settings: what a target is told about kernels, as text: for programs that have no command line of ours.
 */
#ifndef FUZZ_SETTINGS_H
#define FUZZ_SETTINGS_H

#include "engine/sink.h"
#include "fuzz/target.h"

#define SETTINGS_FACTS_MAX 64

struct settings_text {
	struct target_settings settings; /* points into this struct */
	struct target_fact facts[SETTINGS_FACTS_MAX];
};

/*
 * Reads @era ("6.1", any version) and @set ("FACT=VALUE,FACT=VALUE") into @ret; either may be NULL.
 * ERROR_SYNTAX or ERROR_LIMIT, with a sentence.
 */
struct error *settings_read(const char *era, const char *set, struct settings_text *ret);

/* Writes @settings as a recipe has them, "era 6.1.90", "set FACT=VALUE", "as-is", each with @before before it. */
void settings_write(const struct target_settings *settings, const char *before, struct sink *sink);

#endif
