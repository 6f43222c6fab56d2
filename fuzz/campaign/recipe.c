/* SPDX-License-Identifier: MIT */
#include "fuzz/campaign/recipe.h"

#include <stdlib.h>
#include <string.h>

#include "engine/facts.h"
#include "fuzz/campaign/engine.h"
#include "traces/input.h"

void recipe_deinit(struct recipe *r)
{
	for (unsigned int i = 0; i < r->target_count; i++)
		free(r->targets[i]);
	for (unsigned int i = 0; i < r->fact_count; i++)
		free(r->facts[i]);
	free(r->time);
	free(r->engine);
	memset(r, 0, sizeof(*r));
}

bool recipe_duration(const char *text, uint64_t *milliseconds_ret)
{
	static const struct {
		char letter;
		uint64_t seconds;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };
	uint64_t count = 0;
	const char *p = text;

	for (; *p >= '0' && *p <= '9'; p++) {
		if (count > 100000000)
			return false;
		count = count * 10 + (uint64_t)(*p - '0');
	}
	if (p == text)
		return false;
	if (!*p && !count) {
		*milliseconds_ret = 0;
		return true;
	}
	for (unsigned int i = 0; i < sizeof(units) / sizeof(*units); i++) {
		if (*p != units[i].letter || p[1] || count > 86400ULL * 1000 / units[i].seconds)
			continue;
		*milliseconds_ret = count * units[i].seconds * 1000;
		return true;
	}
	return false;
}

/* The next free place of a list; NULL when it is full. */
static char **place(char **list, unsigned int *count)
{
	return *count < RECIPE_LINES_MAX ? &list[(*count)++] : NULL;
}

/* NULL, or a static sentence that says what is wrong with the line "@name @value". */
static const char *take(struct recipe *r, const char *name, char *value, bool *out_of_memory)
{
	char **to = NULL;

	if (!strcmp(name, "as-is")) {
		r->as_is = true;
		return *value ? "'as-is' has no value" : NULL;
	}
	if (strcmp(name, "target") && strcmp(name, "era") && strcmp(name, "set") &&
	    strcmp(name, "time") && strcmp(name, "engine"))
		return "there is no such setting: target, era, set, time, engine and as-is are";
	if (!*value)
		return "the setting has no value";
	if (!strcmp(name, "era"))
		return facts_parse_version(value, &r->version) ? NULL : "that is no kernel version";
	if (!strcmp(name, "target")) {
		to = place(r->targets, &r->target_count);
	} else if (!strcmp(name, "set")) {
		struct facts facts = { 0 };
		const char *wrong = facts_set(&facts, value);

		if (wrong)
			return wrong;
		to = place(r->facts, &r->fact_count);
	} else if (!strcmp(name, "engine")) {
		unsigned int i = 0;

		while (engine_names[i] && strcmp(engine_names[i], value) != 0)
			i++;
		if (!engine_names[i])
			return "there is no such engine: builtin, libfuzzer and afl are";
		free(r->engine);
		to = &r->engine;
	} else {
		uint64_t unused;

		if (!recipe_duration(value, &unused))
			return "that is no duration; 60s, 10m, 8h and 3d are";
		free(r->time);
		to = &r->time;
	}
	if (!to)
		return "there are too many of these";
	*to = malloc(strlen(value) + 1);
	if (!*to)
		*out_of_memory = true;
	else
		memcpy(*to, value, strlen(value) + 1);
	return NULL;
}

static struct error *take_line(struct recipe *r, char *line, const char *path, uint32_t number)
{
	char *name = line + strspn(line, " \t"), *value = name + strcspn(name, " \t");
	bool out_of_memory = false;
	const char *wrong;
	char *end;

	if (!*name || *name == '#')
		return NULL;
	if (*value)
		*value++ = '\0';
	value += strspn(value, " \t");
	for (end = value + strlen(value); end > value && strchr(" \t\r", end[-1]);)
		*--end = '\0';
	wrong = take(r, name, value, &out_of_memory);
	if (wrong)
		return error_create(ERROR_SYNTAX, path, number, (uint32_t)(name - line) + 1, "%s",
				    wrong);
	return out_of_memory ? error_no_memory() : NULL;
}

struct error *recipe_read(const char *path, struct recipe *ret)
{
	struct input in = { 0 };
	struct error *err = input_read(path, NULL, &in);
	uint32_t number = 0;
	char *text, *line;

	if (err)
		return err;
	text = malloc(in.size + 1);
	if (!text) {
		input_deinit(&in);
		return error_no_memory();
	}
	if (in.size)
		memcpy(text, in.data, in.size);
	text[in.size] = '\0';
	for (line = text; !err && line;) {
		char *next = strchr(line, '\n');

		if (next)
			*next++ = '\0';
		err = take_line(ret, line, path, ++number);
		line = next;
	}
	free(text);
	input_deinit(&in);
	return err;
}

struct error *recipe_parse_settings(const char *folder, const char *settings, struct recipe *ret)
{
	char *text = malloc(strlen(settings) + 1);
	struct error *err = NULL;

	if (!text)
		return error_no_memory();
	memcpy(text, settings, strlen(settings) + 1);
	for (char *line = text, *next; !err && line; line = next) {
		next = strstr(line, ", ");
		if (next) {
			*next = '\0';
			next += 2;
		}
		err = take_line(ret, line, folder, 0);
	}
	free(text);
	return err;
}
