/* SPDX-License-Identifier: MIT */
/*
 * Recipe: the settings of a campaign in a file, so that a good one has a name.
 *
 *	# What it is for.
 *	target topology
 *	era 6.12
 *	set node_load_accumulates=off
 *	time 10m
 *	engine libfuzzer
 *	as-is
 *
 * One setting a line, as the options of the same name; empty lines and lines that begin with # say nothing.
 */
#ifndef FUZZ_CAMPAIGN_RECIPE_H
#define FUZZ_CAMPAIGN_RECIPE_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/error.h"

enum { RECIPE_LINES_MAX = 64 };

/* Starts zeroed; all is owned. */
struct recipe {
	char *targets[RECIPE_LINES_MAX], *facts[RECIPE_LINES_MAX];
	unsigned int target_count, fact_count;
	uint32_t version; /* 0: none */
	char *time; /* NULL: none */
	char *engine; /* of engine_names; NULL: none */
	bool as_is;
};

/* Errors name file and line: ERROR_SYNTAX, and those of reading.  Ends with recipe_deinit() in any case. */
struct error *recipe_read(const char *path, struct recipe *ret);
/*
 * The settings of a campaign as its folder keeps them: lines as above with ", " between them.  ERROR_SYNTAX names
 * @folder.  Ends with recipe_deinit() in any case.
 */
struct error *recipe_parse_settings(const char *folder, const char *settings, struct recipe *ret);
void recipe_deinit(struct recipe *r);

/* "90s", "10m", "8h", "3d", "0"; false for anything else, and for more than 1000 days. */
bool recipe_duration(const char *text, uint64_t *milliseconds_ret);

#endif
