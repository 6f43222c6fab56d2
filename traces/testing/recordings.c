/* SPDX-License-Identifier: MIT */
#include "traces/testing/recordings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "traces/testing/check.h"

#define FOLDER "traces/recordings/"

/* "NAME NUMBER NUMBER NUMBER" */
static void take_line(char *line, struct recording *ret)
{
	size_t len = strcspn(line, " ");
	char *at = line + len;

	assert_true(len < sizeof(ret->name));
	memcpy(ret->name, line, len);
	ret->name[len] = '\0';
	for (unsigned int i = 0; i < 3; i++) {
		assert_int_equal(*at, ' ');
		ret->v[i] = (uint32_t)strtoul(at, &at, 10);
	}
	assert_int_equal(*at, '\0');
}

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
		take_line(line, &r);
		snprintf(r.path, sizeof(r.path), FOLDER "%s.mmtrace", r.name);
		bad += !visit(&r);
		count++;
	}
	assert_true(count >= 10);
	assert_int_equal(bad, 0);
	free(text);
}
