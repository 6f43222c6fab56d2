/* SPDX-License-Identifier: MIT */
#include "fuzz/campaign/results.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "engine/invariant.h"
#include "fuzz/campaign/results_schema.h"

struct results {
	sqlite3 *db;
	char *path;
};

/* The kind of file, and its version: SQLite keeps two numbers for that. */
#define APPLICATION 0x6d6d7265 /* "mmre" */
#define VERSION 2

static char *copy(const char *text)
{
	size_t size = strlen(text) + 1;
	char *to = malloc(size);

	return to ? memcpy(to, text, size) : NULL;
}

static struct error *fail(struct results *r)
{
	int code = sqlite3_errcode(r->db);
	enum error_code kind = code == SQLITE_NOMEM	? ERROR_NO_MEMORY
			       : code == SQLITE_NOTADB	? ERROR_FORMAT
			       : code == SQLITE_CORRUPT ? ERROR_CORRUPT
							: ERROR_OS;

	return error_create(kind, r->path, 0, 0, "%s", sqlite3_errmsg(r->db));
}

static struct error *prepare(struct results *r, const char *sql, sqlite3_stmt **ret)
{
	return sqlite3_prepare_v2(r->db, sql, -1, ret, NULL) == SQLITE_OK ? NULL : fail(r);
}

/* Runs a statement that gives no rows, and ends it. */
static struct error *finish(struct results *r, sqlite3_stmt *s)
{
	struct error *err = sqlite3_step(s) == SQLITE_DONE ? NULL : fail(r);

	sqlite3_finalize(s);
	return err;
}

static struct error *run(struct results *r, const char *sql)
{
	return sqlite3_exec(r->db, sql, NULL, NULL, NULL) == SQLITE_OK ? NULL : fail(r);
}

/* The statement between begin and end, and what came before it, is on disk when it is done. */
static struct error *begin_durable(struct results *r)
{
	return run(r, "PRAGMA synchronous = FULL");
}

/* Takes the error of the statement, and returns it if there is one. */
static struct error *end_durable(struct results *r, struct error *of_statement)
{
	struct error *err = run(r, "PRAGMA synchronous = NORMAL");

	if (!of_statement)
		return err;
	error_destroy(err);
	return of_statement;
}

/* ---- opening ----------------------------------------------------------------------------------- */

static struct error *read_number(struct results *r, const char *sql, int64_t *ret)
{
	sqlite3_stmt *s;
	struct error *err = prepare(r, sql, &s);

	if (err)
		return err;
	if (sqlite3_step(s) == SQLITE_ROW)
		*ret = sqlite3_column_int64(s, 0);
	else
		err = fail(r);
	sqlite3_finalize(s);
	return err;
}

static struct error *make_or_check(struct results *r)
{
	int64_t application = 0, version = 0, tables = 0;
	struct error *err = read_number(r, "PRAGMA application_id", &application);

	if (!err)
		err = read_number(r, "PRAGMA user_version", &version);
	if (!err)
		err = read_number(r, "SELECT count(*) FROM sqlite_master", &tables);
	if (err)
		return err;
	if (!tables && !application)
		return run(r, results_schema);
	if (application != APPLICATION)
		return error_create(ERROR_FORMAT, r->path, 0, 0,
				    "is a database, and not one of a campaign");
	if (version == 1)
		return run(r, results_schema_from_1);
	if (version != VERSION)
		return error_create(ERROR_FORMAT, r->path, 0, 0,
				    "is of version %lld, and this program knows %d",
				    (long long)version, VERSION);
	return NULL;
}

struct error *results_open(const char *path, struct results **ret)
{
	struct results *r = calloc(1, sizeof(*r));
	struct error *err;

	if (!r)
		return error_no_memory();
	r->path = copy(path);
	if (!r->path) {
		free(r);
		return error_no_memory();
	}
	if (sqlite3_open(path, &r->db) != SQLITE_OK)
		err = fail(r);
	else if (sqlite3_busy_timeout(r->db, 10000) != SQLITE_OK)
		err = fail(r);
	else
		err = make_or_check(r);
	/* A commit is with the system, or it did not happen; readers do not wait for it. */
	if (!err)
		err = run(r, "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
	if (err) {
		results_close(r);
		return err;
	}
	*ret = r;
	return NULL;
}

void results_close(struct results *r)
{
	if (!r)
		return;
	sqlite3_close(r->db);
	free(r->path);
	free(r);
}

/* ---- how it was started ------------------------------------------------------------------------ */

struct error *results_set(struct results *r, const char *name, const char *value)
{
	sqlite3_stmt *s;
	struct error *err = prepare(r, "INSERT OR REPLACE INTO campaign VALUES (?1, ?2)", &s);

	if (err)
		return err;
	sqlite3_bind_text(s, 1, name, -1, SQLITE_STATIC);
	sqlite3_bind_text(s, 2, value, -1, SQLITE_STATIC);
	return finish(r, s);
}

struct error *results_get(struct results *r, const char *name, char **ret)
{
	sqlite3_stmt *s;
	struct error *err = prepare(r, "SELECT value FROM campaign WHERE name = ?1", &s);
	int code;

	if (err)
		return err;
	*ret = NULL;
	sqlite3_bind_text(s, 1, name, -1, SQLITE_STATIC);
	code = sqlite3_step(s);
	if (code == SQLITE_ROW) {
		const char *text = (const char *)sqlite3_column_text(s, 0);

		*ret = text ? copy(text) : NULL;
		if (!*ret)
			err = error_no_memory();
	} else if (code != SQLITE_DONE) {
		err = fail(r);
	}
	sqlite3_finalize(s);
	return err;
}

/* ---- work -------------------------------------------------------------------------------------- */

struct error *results_add_work(struct results *r, const char *target,
			       const struct results_work *work)
{
	sqlite3_stmt *s;
	struct error *err = prepare(
		r,
		"INSERT INTO work VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (target) DO UPDATE "
		"SET executions = executions + ?2, refused = refused + ?3, "
		"milliseconds = milliseconds + ?4, kept = kept + ?5, "
		"coverage = max(coverage, ?6)",
		&s);

	if (err)
		return err;
	sqlite3_bind_text(s, 1, target, -1, SQLITE_STATIC);
	sqlite3_bind_int64(s, 2, (int64_t)work->executions);
	sqlite3_bind_int64(s, 3, (int64_t)work->refused);
	sqlite3_bind_int64(s, 4, (int64_t)work->milliseconds);
	sqlite3_bind_int64(s, 5, (int64_t)work->kept);
	sqlite3_bind_int64(s, 6, (int64_t)work->coverage);
	return finish(r, s);
}

struct error *results_work(struct results *r, const char *target, struct results_work *ret)
{
	sqlite3_stmt *s;
	struct error *err = prepare(
		r,
		"SELECT total(executions), total(refused), total(milliseconds), total(kept), "
		"total(coverage) "
		"FROM work WHERE ?1 IS NULL OR target = ?1",
		&s);

	if (err)
		return err;
	sqlite3_bind_text(s, 1, target, -1, SQLITE_STATIC);
	if (sqlite3_step(s) == SQLITE_ROW)
		*ret = (struct results_work){ .executions = (uint64_t)sqlite3_column_int64(s, 0),
					      .refused = (uint64_t)sqlite3_column_int64(s, 1),
					      .milliseconds = (uint64_t)sqlite3_column_int64(s, 2),
					      .kept = (uint64_t)sqlite3_column_int64(s, 3),
					      .coverage = (uint64_t)sqlite3_column_int64(s, 4) };
	else
		err = fail(r);
	sqlite3_finalize(s);
	return err;
}

/* ---- inputs of engines ------------------------------------------------------------------------- */

struct error *results_add_looked(struct results *r, const char *target, uint64_t hash)
{
	sqlite3_stmt *s;
	struct error *err = prepare(r, "INSERT OR IGNORE INTO looked VALUES (?1, ?2)", &s);

	if (err)
		return err;
	sqlite3_bind_text(s, 1, target, -1, SQLITE_STATIC);
	sqlite3_bind_int64(s, 2, (int64_t)hash);
	return finish(r, s);
}

struct error *results_each_looked(struct results *r, const char *target,
				  bool (*f)(void *ctx, uint64_t hash), void *ctx)
{
	sqlite3_stmt *s;
	struct error *err = prepare(r, "SELECT hash FROM looked WHERE target = ?1", &s);
	int code = SQLITE_ROW;

	if (err)
		return err;
	sqlite3_bind_text(s, 1, target, -1, SQLITE_STATIC);
	while ((code = sqlite3_step(s)) == SQLITE_ROW)
		if (!f(ctx, (uint64_t)sqlite3_column_int64(s, 0)))
			break;
	if (code != SQLITE_ROW && code != SQLITE_DONE)
		err = fail(r);
	sqlite3_finalize(s);
	return err;
}

/* ---- findings ---------------------------------------------------------------------------------- */

/* The group of @f, and the size of its input if another of @f's target may take its place; 0: there is none. */
static struct error *find_group(struct results *r, const struct results_finding *f,
				int64_t *number_ret, int64_t *size_ret)
{
	bool anywhere = invariant_parse(f->id, strlen(f->id)) != INVARIANT_COUNT;
	sqlite3_stmt *s;
	struct error *err =
		prepare(r,
			"SELECT number, iif(target = ?1, length(input), 0) FROM finding "
			"WHERE id = ?2 AND facts = ?3 AND (target = ?1 OR ?4) "
			"ORDER BY target = ?1 DESC, number",
			&s);
	int code;

	if (err)
		return err;
	sqlite3_bind_text(s, 1, f->target, -1, SQLITE_STATIC);
	sqlite3_bind_text(s, 2, f->id, -1, SQLITE_STATIC);
	sqlite3_bind_text(s, 3, f->facts, -1, SQLITE_STATIC);
	sqlite3_bind_int64(s, 4, anywhere);
	code = sqlite3_step(s);
	*number_ret = code == SQLITE_ROW ? sqlite3_column_int64(s, 0) : 0;
	*size_ret = code == SQLITE_ROW ? sqlite3_column_int64(s, 1) : 0;
	if (code != SQLITE_ROW && code != SQLITE_DONE)
		err = fail(r);
	sqlite3_finalize(s);
	return err;
}

static struct error *begin_group(struct results *r, const struct results_finding *f,
				 int64_t *number_ret)
{
	sqlite3_stmt *s;
	struct error *err = prepare(r,
				    "INSERT INTO finding (target, id, facts, text, input, seen, "
				    "first_executions, first_milliseconds, minimised) "
				    "VALUES (?1, ?2, ?3, ?4, ?5, 1, ?6, ?7, ?8)",
				    &s);

	if (err)
		return err;
	sqlite3_bind_text(s, 1, f->target, -1, SQLITE_STATIC);
	sqlite3_bind_text(s, 2, f->id, -1, SQLITE_STATIC);
	sqlite3_bind_text(s, 3, f->facts, -1, SQLITE_STATIC);
	sqlite3_bind_text(s, 4, f->text, -1, SQLITE_STATIC);
	sqlite3_bind_blob64(s, 5, f->input, f->input_size, SQLITE_STATIC);
	sqlite3_bind_int64(s, 6, (int64_t)f->first_executions);
	sqlite3_bind_int64(s, 7, (int64_t)f->first_milliseconds);
	sqlite3_bind_int64(s, 8, f->minimised);
	err = finish(r, s);
	if (!err)
		*number_ret = sqlite3_last_insert_rowid(r->db);
	return err;
}

static struct error *set_input(struct results *r, const char *sql, int64_t number, const char *text,
			       const void *input, size_t input_size)
{
	sqlite3_stmt *s;
	struct error *err = prepare(r, sql, &s);

	if (err)
		return err;
	sqlite3_bind_int64(s, 1, number);
	sqlite3_bind_text(s, 2, text, -1, SQLITE_STATIC);
	sqlite3_bind_blob64(s, 3, input, input_size, SQLITE_STATIC);
	return finish(r, s);
}

struct error *results_add_finding(struct results *r, const struct results_finding *f,
				  int64_t *number_ret, bool *is_new_ret)
{
	int64_t number, size;
	struct error *err = find_group(r, f, &number, &size);

	if (!err && !number) {
		*is_new_ret = true;
		err = begin_durable(r);
		return err ? err : end_durable(r, begin_group(r, f, number_ret));
	}
	if (!err && (size_t)size > f->input_size)
		err = set_input(r,
				"UPDATE finding SET seen = seen + 1, text = ?2, input = ?3, "
				"minimised = 0 WHERE number = ?1",
				number, f->text, f->input, f->input_size);
	else if (!err)
		err = set_input(r, "UPDATE finding SET seen = seen + 1 WHERE number = ?1", number,
				NULL, NULL, 0);
	if (err)
		return err;
	*is_new_ret = false;
	*number_ret = number;
	return NULL;
}

struct error *results_set_minimised(struct results *r, int64_t number, const char *text,
				    const void *input, size_t input_size)
{
	static const char sql[] =
		"UPDATE finding SET minimised = 1, text = ?2, input = ?3 WHERE number = ?1";
	struct error *err = begin_durable(r);

	return err ? err : end_durable(r, set_input(r, sql, number, text, input, input_size));
}

struct error *results_each_finding(struct results *r,
				   bool (*f)(void *ctx, const struct results_finding *finding),
				   void *ctx)
{
	sqlite3_stmt *s;
	struct error *err =
		prepare(r,
			"SELECT number, target, id, facts, text, input, seen, first_executions, "
			"first_milliseconds, minimised FROM finding ORDER BY number",
			&s);
	int code = SQLITE_ROW;

	if (err)
		return err;
	while ((code = sqlite3_step(s)) == SQLITE_ROW) {
		struct results_finding found = {
			.number = sqlite3_column_int64(s, 0),
			.target = (const char *)sqlite3_column_text(s, 1),
			.id = (const char *)sqlite3_column_text(s, 2),
			.facts = (const char *)sqlite3_column_text(s, 3),
			.text = (const char *)sqlite3_column_text(s, 4),
			.input = sqlite3_column_blob(s, 5),
			.input_size = (size_t)sqlite3_column_bytes(s, 5),
			.seen = (uint64_t)sqlite3_column_int64(s, 6),
			.first_executions = (uint64_t)sqlite3_column_int64(s, 7),
			.first_milliseconds = (uint64_t)sqlite3_column_int64(s, 8),
			.minimised = sqlite3_column_int64(s, 9) != 0,
		};

		if (!f(ctx, &found))
			break;
	}
	if (code != SQLITE_DONE && code != SQLITE_ROW)
		err = fail(r);
	sqlite3_finalize(s);
	return err;
}
