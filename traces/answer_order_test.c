/* SPDX-License-Identifier: MIT */
/*
 * The order of the boot: lines that both the log and the model have stand in the same order in both.
 *
 *	log    a b X c d        of these a b c d are compared: a b c d
 *	model  a c b Y d                                       a c b d   <- c is too early
 *
 * Only lines that stand once in each are looked at, so that it is clear which is which.  What is compared
 * of a placement is its range, and of the Memory: line that it is there.
 */
#include "traces/testing/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/boot.h"
#include "traces/answer_text.h"
#include "traces/capture.h"
#include "traces/dmesg/text.h"
#include "traces/testing/captures.h"

struct line {
	const char *text;
	uint32_t len, place;
};

struct lines {
	struct line *items;
	size_t count;
};

static void add_line(struct lines *ls, const char *text, size_t len)
{
	const char *end = memchr(text, ']', len);

	if (end && (!strncmp(text, "memblock_reserve: ", 18) ||
		    !strncmp(text, "__memblock_reserve: ", 20)))
		len = (size_t)(end + 1 - text);
	else if (!strncmp(text, "Memory: ", 8))
		len = 8;
	if (!len)
		return;
	ls->items[ls->count] = (struct line){ text, (uint32_t)len, (uint32_t)ls->count };
	ls->count++;
}

static int by_text(const void *a, const void *b)
{
	const struct line *x = a, *y = b;
	int order = memcmp(x->text, y->text, x->len < y->len ? x->len : y->len);

	if (!order)
		order = x->len < y->len ? -1 : x->len > y->len;
	return order ? order : x->place < y->place ? -1 : x->place > y->place;
}

static bool same_text(const struct line *a, const struct line *b)
{
	return a->len == b->len && !memcmp(a->text, b->text, a->len);
}

/* Sorts by text and leaves what stands there once. */
static void keep_single(struct lines *ls)
{
	size_t kept = 0;

	qsort(ls->items, ls->count, sizeof(*ls->items), by_text);
	for (size_t i = 0, end; i < ls->count; i = end) {
		for (end = i + 1; end < ls->count && same_text(&ls->items[i], &ls->items[end]);)
			end++;
		if (end == i + 1)
			ls->items[kept++] = ls->items[i];
	}
	ls->count = kept;
}

/* Where the lines of both stand in the log, in the order of the model; UINT32_MAX = not in both. */
static uint32_t *places_in_log(struct lines *log, const struct lines *model)
{
	uint32_t *at = calloc(model->count + 1, sizeof(*at));
	struct lines single = { calloc(model->count + 1, sizeof(*model->items)), model->count };

	assert_non_null(at);
	assert_non_null(single.items);
	memset(at, 0xff, (model->count + 1) * sizeof(*at));
	memcpy(single.items, model->items, model->count * sizeof(*model->items));
	keep_single(&single);
	keep_single(log);
	for (size_t i = 0, k = 0; i < single.count; i++) {
		struct line key = single.items[i];

		key.place = 0;
		while (k < log->count && by_text(&log->items[k], &key) < 0)
			k++;
		if (k < log->count && same_text(&log->items[k], &single.items[i]))
			at[single.items[i].place] = log->items[k].place;
	}
	free(single.items);
	return at;
}

struct tally {
	unsigned int captures, wrong, compared;
};

static void compare(const char *path, struct lines *log, const struct lines *model,
		    struct tally *tally)
{
	uint32_t *at = places_in_log(log, model), last = UINT32_MAX;
	bool wrong = false;

	for (uint32_t i = 0; i < model->count; i++) {
		if (at[i] == UINT32_MAX)
			continue;
		tally->compared++;
		if (last != UINT32_MAX && at[i] < at[last] && !wrong) {
			wrong = true;
			print_error("%s: the log has the second of these before the first:\n"
				    "  %.*s\n  %.*s\n",
				    path, (int)model->items[last].len, model->items[last].text,
				    (int)model->items[i].len, model->items[i].text);
		}
		last = i;
	}
	tally->wrong += wrong;
	free(at);
}

static void visit(const char *path, void *ctx)
{
	struct tally *tally = ctx;
	struct boot_log boot = { 0 };
	struct log_text log = { 0 };
	struct sink_text text = { 0 };
	struct sink sink = sink_to_text(&text);
	struct lines in_log = { 0 }, in_model = { 0 };
	struct answer_text t;
	struct machine m;
	struct input input;
	size_t lines = 1;

	captures_read(path, "dmesg.txt", &input);
	if (!input.data)
		return;
	machine_init(&m);
	check_ok(capture_read(path, &boot));
	boot_run(&m, &boot.input, STAGE_LATE);
	assert_false(m.out_of_memory);
	answer_text_init(&t, &boot.input, &m.answers);
	answer_text_boot(&t, &m.answers, &sink);
	check_ok(log_text_parse(input.data, input.size, &log));
	for (size_t i = 0; i < text.len; i++)
		lines += text.data[i] == '\n';
	in_log.items = calloc(log.nlines + 1, sizeof(*in_log.items));
	in_model.items = calloc(lines, sizeof(*in_model.items));
	assert_non_null(in_log.items);
	assert_non_null(in_model.items);
	for (size_t i = 0; i < log.nlines; i++)
		add_line(&in_log, log.lines[i].text, strlen(log.lines[i].text));
	for (const char *p = text.data; *p;) {
		size_t len = strcspn(p, "\n");

		add_line(&in_model, p, len);
		p += len + (p[len] == '\n');
	}
	compare(path, &in_log, &in_model, tally);
	tally->captures++;
	free(in_log.items);
	free(in_model.items);
	sink_text_deinit(&text);
	machine_deinit(&m);
	boot_log_deinit(&boot);
	log_text_deinit(&log);
	input_deinit(&input);
}

static void compare_all(const char *dir)
{
	struct tally tally = { 0 };

	captures_each(dir, visit, &tally);
	print_message("%u captures, %u lines in both, %u in another order\n", tally.captures,
		      tally.compared, tally.wrong);
	assert_int_equal(tally.wrong, 0);
	assert_true(tally.captures > 0);
	assert_true(tally.compared > 20 * tally.captures);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CAPTURES_TESTS(compare_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
