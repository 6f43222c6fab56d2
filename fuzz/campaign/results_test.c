/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "fuzz/campaign/results.h"

static char path[512];

/* How often somebody waited for the disk, SQLite or we. */
static unsigned int syncs;

int fsync(int fd)
{
	(void)fd;
	syncs++;
	return 0;
}

int fdatasync(int fildes)
{
	return fsync(fildes);
}

static int set_up(void **state)
{
	const char *folder = getenv("TEST_TMPDIR");

	(void)state;
	snprintf(path, sizeof(path), "%s/results-test.sqlite", folder ? folder : "/tmp");
	remove(path);
	return 0;
}

static int tear_down(void **state)
{
	char other[600];

	(void)state;
	remove(path);
	snprintf(other, sizeof(other), "%s-wal", path);
	remove(other);
	snprintf(other, sizeof(other), "%s-shm", path);
	remove(other);
	return 0;
}

static struct results *open_results(void)
{
	struct results *r;

	assert_null(results_open(path, &r));
	return r;
}

static int64_t add_of(struct results *r, const char *target, const char *id, const char *facts,
		      const char *input, bool new)
{
	struct results_finding f = { .target = target,
				     .id = id,
				     .facts = facts,
				     .text = input,
				     .input = input,
				     .input_size = strlen(input),
				     .first_executions = 5,
				     .first_milliseconds = 7 };
	int64_t number = 0;
	bool is_new = !new;

	assert_null(results_add_finding(r, &f, &number, &is_new));
	assert_int_equal(is_new, new);
	return number;
}

static int64_t add(struct results *r, const char *id, const char *facts, const char *input,
		   bool new)
{
	return add_of(r, "topology", id, facts, input, new);
}

/* Groups as text: "number id facts input seen minimised;" each. */
static bool append(void *ctx, const struct results_finding *f)
{
	char *text = ctx;

	assert_string_equal(f->target, "topology");
	assert_int_equal(f->first_executions, 5);
	assert_int_equal(f->first_milliseconds, 7);
	assert_int_equal(strlen(f->text), f->input_size);
	sprintf(text + strlen(text), "%d %s [%s] %.*s %d %d;", (int)f->number, f->id, f->facts,
		(int)f->input_size, (const char *)f->input, (int)f->seen, f->minimised);
	return true;
}

static void groups(void **unused)
{
	struct results *r = open_results();
	char text[500] = "";

	(void)unused;
	assert_int_equal(add(r, "zone-sizes", "a=1", "longer", true), 1);
	assert_int_equal(add(r, "zone-sizes", "", "other", true), 2);
	/* A larger input of the same group counts, a smaller one is taken. */
	assert_int_equal(add(r, "zone-sizes", "a=1", "much longer", false), 1);
	assert_int_equal(add(r, "zone-sizes", "a=1", "short", false), 1);
	assert_null(results_set_minimised(r, 2, "o", "o", 1));
	/* It is all there when the file is opened anew, and what comes then is added. */
	results_close(r);
	r = open_results();
	assert_int_equal(add(r, "fallback-once", "", "x", true), 3);
	assert_int_equal(add(r, "zone-sizes", "", "yy", false), 2);
	assert_null(results_each_finding(r, append, text));
	assert_string_equal(text, "1 zone-sizes [a=1] short 3 0;2 zone-sizes [] o 2 1;"
				  "3 fallback-once [] x 1 0;");
	results_close(r);
}

/* One broken invariant is one group, whoever met it; its input is of one target.  A crash is a target's own. */
static void groups_of_targets(void **unused)
{
	struct results *r = open_results();
	char text[500] = "";

	(void)unused;
	assert_int_equal(add(r, "zone-sizes", "a=1", "longer", true), 1);
	assert_int_equal(add_of(r, "operations", "zone-sizes", "a=1", "o", false), 1);
	assert_int_equal(add_of(r, "operations", "zone-sizes", "a=1", "much longer", false), 1);
	assert_int_equal(add(r, "crash-6", "", "c", true), 2);
	assert_null(results_each_finding(r, append, text));
	assert_string_equal(text, "1 zone-sizes [a=1] longer 3 0;2 crash-6 [] c 1 0;");
	assert_int_equal(add_of(r, "operations", "crash-6", "", "c", true), 3);
	results_close(r);
}

static void work_and_settings(void **unused)
{
	struct results_work one = { 100, 3, 50, 1, 8 }, less = { .coverage = 7 }, sum;
	struct results *r = open_results();
	char *value;

	(void)unused;
	assert_null(results_work(r, NULL, &sum));
	assert_int_equal(sum.executions, 0);
	assert_null(results_add_work(r, "topology", &one));
	assert_null(results_add_work(r, "topology", &one));
	assert_null(results_add_work(r, "memblock", &one));
	assert_null(results_add_work(r, "memblock", &less));
	assert_null(results_work(r, "topology", &sum));
	assert_int_equal(sum.executions, 200);
	assert_int_equal(sum.refused, 6);
	assert_int_equal(sum.coverage, 8);
	assert_null(results_work(r, NULL, &sum));
	assert_int_equal(sum.milliseconds, 150);
	assert_int_equal(sum.kept, 3);
	assert_int_equal(sum.coverage, 16);
	assert_null(results_get(r, "seed", &value));
	assert_null(value);
	assert_null(results_set(r, "seed", "1"));
	assert_null(results_set(r, "seed", "2"));
	assert_null(results_get(r, "seed", &value));
	assert_string_equal(value, "2");
	free(value);
	results_close(r);
}

static bool append_hash(void *ctx, uint64_t hash)
{
	char *text = ctx;

	sprintf(text + strlen(text), "%llx;", (unsigned long long)hash);
	return hash != 0xffff;
}

/* Hashes of all bits are there once, by target. */
static void looked(void **unused)
{
	struct results *r = open_results();
	char text[200] = "";

	(void)unused;
	assert_null(results_add_looked(r, "topology", UINT64_MAX));
	assert_null(results_add_looked(r, "topology", 7));
	assert_null(results_add_looked(r, "topology", 7));
	assert_null(results_add_looked(r, "topology", 0xffff));
	assert_null(results_add_looked(r, "topology", 0x10000));
	assert_null(results_add_looked(r, "memblock", 9));
	results_close(r);
	r = open_results();
	assert_null(results_each_looked(r, "memblock", append_hash, text));
	assert_null(results_each_looked(r, "procfs", append_hash, text));
	assert_null(results_each_looked(r, "topology", append_hash, text));
	assert_string_equal(text, "9;ffffffffffffffff;7;ffff;");
	results_close(r);
}

/* What an older program wrote is all there, and what it did not know can be added. */
static void version_1(void **unused)
{
	static const char go_back[] = "ALTER TABLE work DROP COLUMN coverage; DROP TABLE looked;"
				      "PRAGMA user_version = 1";
	struct results_work one = { 100, 3, 50, 1, 8 }, sum;
	struct results *r = open_results();
	char text[200] = "";
	sqlite3 *db;

	(void)unused;
	add(r, "zone-sizes", "", "x", true);
	assert_null(results_add_work(r, "topology", &one));
	results_close(r);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, go_back, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	r = open_results();
	assert_null(results_work(r, NULL, &sum));
	assert_int_equal(sum.executions, 100);
	assert_int_equal(sum.coverage, 0);
	assert_null(results_add_work(r, "topology", &one));
	assert_null(results_add_looked(r, "topology", 7));
	results_close(r);
	r = open_results();
	assert_null(results_work(r, NULL, &sum));
	assert_int_equal(sum.coverage, 8);
	assert_null(results_each_finding(r, append, text));
	assert_string_equal(text, "1 zone-sizes [] x 1 0;");
	results_close(r);
}

static void refuse(enum error_code code)
{
	struct results *r;
	struct error *err = results_open(path, &r);

	assert_non_null(err);
	assert_int_equal(err->code, code);
	assert_string_equal(err->file, path);
	error_destroy(err);
}

static void other_files(void **unused)
{
	FILE *f = fopen(path, "w");

	(void)unused;
	assert_non_null(f);
	fputs("this is no database, and long enough that nobody could take it for an empty one, as "
	      "the head of one has a hundred bytes",
	      f);
	fclose(f);
	refuse(ERROR_FORMAT);
	remove(path);
	/* A folder that is not there. */
	strcat(path, "/no/such");
	refuse(ERROR_OS);
	path[strlen(path) - strlen("/no/such")] = '\0';
}

/* Only what would not come about again waits for the disk: a worker tells its work a few times a second. */
static void waits_for_disk(void **unused)
{
	const struct results_work work = { 1, 0, 1, 1, 1 };
	struct results *r = open_results();
	int64_t number;

	(void)unused;
	number = add_of(r, "topology", "zone-sizes", "", "first", true);
	assert_true(syncs > 0);
	syncs = 0;
	for (unsigned int i = 0; i < 10; i++) {
		assert_null(results_add_work(r, "topology", &work));
		add_of(r, "topology", "zone-sizes", "", "another", false);
	}
	assert_int_equal(syncs, 0);
	assert_null(results_set_minimised(r, number, "small", "f", 1));
	assert_true(syncs > 0);
	syncs = 0;
	add_of(r, "topology", "zone-span", "", "second", true);
	assert_true(syncs > 0);
	results_close(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(groups, set_up, tear_down),
		cmocka_unit_test_setup_teardown(groups_of_targets, set_up, tear_down),
		cmocka_unit_test_setup_teardown(work_and_settings, set_up, tear_down),
		cmocka_unit_test_setup_teardown(looked, set_up, tear_down),
		cmocka_unit_test_setup_teardown(version_1, set_up, tear_down),
		cmocka_unit_test_setup_teardown(waits_for_disk, set_up, tear_down),
		cmocka_unit_test_setup_teardown(other_files, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
