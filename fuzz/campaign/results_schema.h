/* SPDX-License-Identifier: MIT */
/* The tables of results.h.  Whoever changes them raises user_version, and VERSION in results.c. */
#ifndef FUZZ_CAMPAIGN_RESULTS_SCHEMA_H
#define FUZZ_CAMPAIGN_RESULTS_SCHEMA_H

#define RESULTS_LOOKED \
	"CREATE TABLE looked (target TEXT, hash INTEGER, PRIMARY KEY (target, hash)) WITHOUT ROWID;"

static const char results_schema[] =
	"BEGIN;"
	"CREATE TABLE campaign (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE work (target TEXT PRIMARY KEY, executions INTEGER NOT NULL,"
	" refused INTEGER NOT NULL, milliseconds INTEGER NOT NULL, kept INTEGER NOT NULL,"
	" coverage INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;" RESULTS_LOOKED
	"CREATE TABLE finding (number INTEGER PRIMARY KEY, target TEXT NOT NULL, id TEXT NOT NULL,"
	" facts TEXT NOT NULL, text TEXT NOT NULL, input BLOB NOT NULL, seen INTEGER NOT NULL,"
	" first_executions INTEGER NOT NULL, first_milliseconds INTEGER NOT NULL,"
	" minimised INTEGER NOT NULL, UNIQUE (target, id, facts));"
	"PRAGMA application_id = 1835889253;"
	"PRAGMA user_version = 2;"
	"COMMIT";

/* From version 1, which knew no engines but the built-in driver. */
static const char results_schema_from_1[] =
	"BEGIN;"
	"ALTER TABLE work ADD COLUMN coverage INTEGER NOT NULL DEFAULT 0;" RESULTS_LOOKED
	"PRAGMA user_version = 2;"
	"COMMIT";

#endif
