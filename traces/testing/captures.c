/* SPDX-License-Identifier: MIT */
#include "traces/testing/captures.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

const char *captures_dir(void)
{
	const char *dir = getenv("MMREPLAY_CAPTURES");

	if (!dir || !*dir) {
		print_message("skipped: MMREPLAY_CAPTURES names no folder of captures\n");
		skip();
	}
	return dir;
}

static int is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

unsigned int captures_each(const char *dir, void (*visit)(const char *path, void *ctx), void *ctx)
{
	struct dirent **entries;
	unsigned int count = 0;
	int n = scandir(dir, &entries, is_visible, alphasort);

	if (n < 0)
		fail_msg("%s cannot be read", dir);
	for (int i = 0; i < n; i++) {
		char path[4096];
		struct stat st;

		snprintf(path, sizeof(path), "%s/%s", dir, entries[i]->d_name);
		if (!stat(path, &st) && S_ISDIR(st.st_mode)) {
			visit(path, ctx);
			count++;
		}
		free(entries[i]);
	}
	free(entries);
	return count;
}

void captures_test_ours(void **state)
{
	captures_check **check = *state;

	(*check)("traces/captures");
}

void captures_test_all(void **state)
{
	captures_check **check = *state;

	(*check)(captures_dir());
}

void captures_read(const char *dir, const char *name, struct input *ret)
{
	struct error *err;
	bool absent = false;

	*ret = (struct input){ 0 };
	err = input_read_in(dir, name, NULL, &absent, ret);
	if (err) {
		char text[512];

		error_format(err, text, sizeof(text));
		fail_msg("%s", text);
	}
}
