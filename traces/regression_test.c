/* SPDX-License-Identifier: MIT */
/* The file of a regression, and all regressions there are. */
#include "traces/reduce.h"
#include "traces/regression.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "traces/testing/check.h"

#define FOLDER "traces/regressions"

/* What a minimal trace takes; one that is larger was not cut down. */
enum { REGRESSION_BYTES_MAX = 4096 };

static struct error *read_text(const char *text, struct regression *ret)
{
	memset(ret, 0, sizeof(*ret));
	return regression_read(text, strlen(text), "x.txt", ret);
}

static void test_text(void **state)
{
	static const char text[] =
		"about: a sentence: with a colon\nfails: boot-differs\n"
		"wrong: a=1,b=2\nagainst: 5.10\nfixed: 54d032ced983 (5.16)\nfrom: here\n";
	struct sink_text written = { 0 };
	struct sink sink = sink_to_text(&written);
	struct regression r;

	(void)state;
	check_ok(read_text(text, &r));
	assert_string_equal(r.about, "a sentence: with a colon");
	assert_string_equal(r.wrong, "a=1,b=2");
	regression_write(&r, &sink);
	assert_string_equal(sink_text_string(&written), text);
	regression_deinit(&r);
	check_ok(read_text("# a comment\n\nabout: x\nfails: y\nfixed: z", &r));
	assert_null(r.wrong);
	assert_string_equal(r.fixed, "z");
	regression_deinit(&r);
	sink_text_deinit(&written);
}

static void test_text_wrong(void **state)
{
	static const struct {
		const char *text;
		uint32_t line, column;
	} wrong[] = {
		{ "about: x\nfails: y\n", 3, 0 },
		{ "about: x\nabout: y\n", 2, 1 },
		{ "about: x\nfixed y\n", 2, 1 },
		{ "colour: red\n", 1, 1 },
	};
	struct regression r;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		check_error(read_text(wrong[i].text, &r), ERROR_SYNTAX, wrong[i].line,
			    wrong[i].column);
		regression_deinit(&r);
	}
}

/* A regression of which one end does not come out says which. */
static void test_ends(void **state)
{
	static const char ring[] = "traces/captures/boot-6.1-amd64-numa4-ring";
	struct subject_file f = { 0 };
	struct regression r;
	char sentence[512];

	(void)state;
	check_ok(subject_read(ring, NULL, &f));
	check_ok(read_text("about: x\nfixed: y\nfails: boot-differs\n"
			   "wrong: pcp_high_from_low_wmark=off\n",
			   &r));
	check_ok(regression_check(&r, &f.subject, sentence));
	assert_string_equal(sentence, "");
	regression_deinit(&r);
	check_ok(read_text("about: x\nfixed: y\nfails: boot-differs\n"
			   "wrong: pcp_high_from_low_wmark=on\n",
			   &r));
	check_ok(regression_check(&r, &f.subject, sentence));
	assert_non_null(strstr(sentence, "with those that were wrong"));
	regression_deinit(&r);
	check_ok(read_text("about: x\nfixed: y\nfails: boot-differs(zoneinfo)\n"
			   "wrong: pcp_high_from_low_wmark=off\nagainst: 5.10\n",
			   &r));
	check_ok(regression_check(&r, &f.subject, sentence));
	assert_string_equal(sentence, "");
	regression_deinit(&r);
	/* A kernel that has it right; and another cause than the one that was meant. */
	check_ok(read_text("about: x\nfixed: y\nfails: boot-differs(zoneinfo)\n"
			   "wrong: pcp_high_from_low_wmark=off\nagainst: 6.1\n",
			   &r));
	check_ok(regression_check(&r, &f.subject, sentence));
	assert_non_null(strstr(sentence, "against 6.1"));
	regression_deinit(&r);
	check_ok(read_text("about: x\nfixed: y\nfails: boot-differs(zoneinfo)\n"
			   "wrong: pcp_high_from_low_wmark=off,memblock_nomap=off\nagainst: 5.10\n",
			   &r));
	check_ok(regression_check(&r, &f.subject, sentence));
	assert_non_null(strstr(sentence, "against 5.10"));
	regression_deinit(&r);
	check_ok(read_text("about: x\nfixed: y\nfails: differs-from 5.10\nwrong: era 5.10\n", &r));
	check_ok(regression_check(&r, &f.subject, sentence));
	assert_non_null(strstr(sentence, "with the facts that are right"));
	regression_deinit(&r);
	check_ok(read_text("about: x\nfixed: y\nfails: differs-from 6.1\nwrong: era 5.10\n", &r));
	check_ok(regression_check(&r, &f.subject, sentence));
	assert_string_equal(sentence, "");
	regression_deinit(&r);
	check_ok(read_text("about: x\nfixed: y\nfails: boot-differs\nwrong: no_fact=1\n", &r));
	check_error(regression_check(&r, &f.subject, sentence), ERROR_SYNTAX, 0, 0);
	regression_deinit(&r);
	subject_file_deinit(&f);
}

/* ---- the corpus ---------------------------------------------------------------------------------- */

static int is_text(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);

	return len > 4 && !strcmp(entry->d_name + len - 4, ".txt");
}

/* Nothing of it can be left out. */
static void check_minimal(const struct regression *r, const struct subject *s, const char *path)
{
	const struct reduce_options options = { .predicate = r->fails,
						.good = &s->log.input.facts };
	struct reduced reduced = { 0 };
	struct subject wrong = *s;

	check_ok(regression_make_wrong(r, &wrong));
	check_ok(reduce(&wrong, &options, &reduced));
	assert_true(reduced.proven);
	for (unsigned int part = 0; part < CUT_COUNT; part++)
		if (reduced.before[part] != reduced.after[part])
			fail_msg("%s: %u of %u %s would do", path, reduced.after[part],
				 reduced.before[part], cut_name((enum cut_part)part));
	reduced_deinit(&reduced);
}

static void check_one(const char *name)
{
	struct subject_file f = { 0 };
	struct regression r = { 0 };
	char path[512], sentence[512];
	size_t size;
	char *text;

	snprintf(path, sizeof(path), FOLDER "/%s", name);
	text = check_read(path, &size);
	check_ok(regression_read(text, size, path, &r));
	free(text);
	snprintf(path, sizeof(path), FOLDER "/%.*s.mmtrace", (int)strlen(name) - 4, name);
	free(check_read(path, &size));
	assert_true(size <= REGRESSION_BYTES_MAX);
	check_ok(subject_read(path, NULL, &f));
	check_ok(regression_check(&r, &f.subject, sentence));
	if (sentence[0])
		fail_msg("%s: %s", path, sentence);
	if (r.wrong)
		check_minimal(&r, &f.subject, path);
	subject_file_deinit(&f);
	regression_deinit(&r);
}

/* Every one: with the right rules good, with the wrong fact bad. */
static void test_corpus(void **state)
{
	struct dirent **names;
	int count = scandir(FOLDER, &names, is_text, alphasort);

	(void)state;
	assert_true(count >= 5);
	for (int i = 0; i < count; i++) {
		check_one(names[i]->d_name);
		free(names[i]);
	}
	free(names);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_text_wrong),
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_corpus),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
