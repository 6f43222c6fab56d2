/* SPDX-License-Identifier: MIT */
#include "traces/testing/recordings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "traces/testing/check.h"

#define FOLDER "traces/recordings/"

void recordings_each(const char *list, bool (*visit)(const struct recording *r))
{
	unsigned int count = 0, bad = 0;
	char path[128], *text, *rest;
	size_t len;

	snprintf(path, sizeof(path), FOLDER "%s", list);
	text = rest = check_read(path, &len);
	while (*rest) {
		char *line = rest, *end = line + strcspn(line, "\n");
		struct recording r;

		rest = *end ? end + 1 : end;
		*end = '\0';
		if (*line == '#')
			continue;
		assert_int_equal(sscanf(line, "%79s %u %u %u", r.name, &r.v[0], &r.v[1], &r.v[2]),
				 4);
		snprintf(r.path, sizeof(r.path), FOLDER "%s.mmtrace", r.name);
		bad += !visit(&r);
		count++;
	}
	assert_true(count >= 10);
	assert_int_equal(bad, 0);
	free(text);
}
