/* SPDX-License-Identifier: MIT */
/*
 * What is counted of a trace is what the kernel counted, from picture to picture of its /proc/vmstat:
 *
 *	SNAP 1 begin	[vmstat.txt]	SNAP 1 end	events ...	SNAP 2 begin	[vmstat.txt]	SNAP 2 end
 *
 * Pages that are allocated in bulk are in the kernel's pgalloc alone.
 */
#include "engine/vm_events.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "traces/capture.h"
#include "traces/testing/booted.h"
#include "traces/testing/captures.h"
#include "traces/testing/check.h"
#include "traces/trace/trace.h"

/* Pages that may come and go between a picture and the marker behind it, where @pages do in between. */
#define APART(pages) (64 + (pages) / 1000)

static unsigned int compared;

static uint64_t pages_handed_out(const struct vm_events *v)
{
	uint64_t sum = 0;

	for (unsigned int t = 0; t < ZONE_TYPE_COUNT; t++)
		sum += v->pgalloc[t];
	return sum;
}

/* Of the picture @name of @path; false: there is none. */
static bool read_vmstat(const char *path, const char *name, uint64_t *pgalloc, uint64_t *pgfree)
{
	struct input in;
	char file[64], *text, *rest = NULL;
	bool any;

	snprintf(file, sizeof(file), "snap-%s/vmstat.txt", name);
	captures_read(path, file, &in);
	any = in.data;
	text = strndup(any ? (const char *)in.data : "", in.size);
	assert_non_null(text);
	*pgalloc = *pgfree = 0;
	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		const char *space = strchr(line, ' ');

		if (space && !strncmp(line, "pgalloc_", 8))
			*pgalloc += strtoull(space, NULL, 10);
		else if (space && !strncmp(line, "pgfree ", 7))
			*pgfree = strtoull(space, NULL, 10);
	}
	free(text);
	input_deinit(&in);
	return any;
}

static void about(const char *path, const char *name, const char *what, uint64_t kernel,
		  uint64_t ours, uint64_t more)
{
	if (ours > kernel + APART(kernel) || kernel > ours + more + APART(kernel))
		fail_msg("%s, up to picture %s: %s is %" PRIu64 " for %" PRIu64 " of the kernel",
			 path, name, what, ours, kernel);
}

static void visit(const char *path, void *ctx)
{
	uint64_t pgalloc = 0, pgfree = 0, old_pgalloc, old_pgfree;
	struct vm_events now = { 0 };
	bool any = false, lost = false;
	const struct event *batch;
	struct booted boot;
	struct trace *t;
	char *trace;
	size_t n;

	(void)ctx;
	check_ok(capture_trace_path(path, &trace));
	if (!trace)
		return;
	booted_open(&boot, path);
	check_ok(trace_open(trace, &(struct trace_options){ .facts = &boot.log.input.facts }, &t));
	do {
		check_ok(trace_next(t, &batch, &n));
		for (size_t i = 0; i < n; i++) {
			const char *text;
			char name[16];

			vm_events_count(&now, boot.machine.buddy, &batch[i]);
			lost |= batch[i].kind == EVENT_LOST;
			if (batch[i].kind != EVENT_MARKER)
				continue;
			text = trace_string(t, batch[i].text);
			if (sscanf(text, "SNAP %15s", name) != 1 || !strstr(text, " end"))
				continue;
			old_pgalloc = pgalloc;
			old_pgfree = pgfree;
			if (!read_vmstat(path, name, &pgalloc, &pgfree))
				continue;
			if (any && !lost) {
				/* In bulk come stacks of tasks: less than all the rest. */
				about(path, name, "pgalloc", pgalloc - old_pgalloc,
				      pages_handed_out(&now), pages_handed_out(&now));
				about(path, name, "pgfree", pgfree - old_pgfree, now.pgfree, 0);
				compared++;
			}
			any = true;
			lost = false;
			now = (struct vm_events){ 0 };
		}
	} while (n);
	trace_close(t);
	booted_close(&boot);
	free(trace);
}

static void test_pictures(void **state)
{
	(void)state;
	captures_each(captures_dir(), visit, NULL);
	assert_true(compared > 0);
	print_message("%u pictures compared\n", compared);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pictures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
