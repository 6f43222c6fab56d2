/* SPDX-License-Identifier: MIT */
#include "engine/facts.h"

#include <string.h>

#define V(major, minor, patch) FACTS_VERSION(major, minor, patch)

#define FACT(name, kind, meaning, ...) \
	static const struct fact_change history_##name[] = { __VA_ARGS__ };
#include "engine/facts.def"
#undef FACT

static const struct fact_info infos[FACT_COUNT] = {
#define FACT(name, kind, meaning, ...)                      \
	{ #name, FACT_KIND_##kind, meaning, history_##name, \
	  sizeof(history_##name) / sizeof(history_##name[0]) },
#include "engine/facts.def"
#undef FACT
};

const struct era eras[] = {
	{ "2.6.32", V(2, 6, 32) }, { "4.4", V(4, 4, 302) },   { "5.10", V(5, 10, 223) },
	{ "6.1", V(6, 1, 176) },   { "6.12", V(6, 12, 107) }, { "7.2", V(7, 2, 13) },
};
const unsigned int era_count = sizeof(eras) / sizeof(eras[0]);

const struct fact_info *fact_info(enum fact f)
{
	return &infos[f];
}

const struct fact_change *fact_change_at(enum fact f, uint32_t version)
{
	const struct fact_info *info = &infos[f];
	unsigned int i = 0;

	while (i + 1 < info->history_count && info->history[i + 1].since <= version)
		i++;
	return &info->history[i];
}

void facts_init(struct facts *ret, uint32_t version)
{
	for (unsigned int f = 0; f < FACT_COUNT; f++) {
		const struct fact_change *change = infos[f].history;
		const struct fact_change *last = change + infos[f].history_count - 1;

		while (change < last && change[1].since <= version)
			change++;
		ret->v[f] = change->value;
	}
}

static bool parse_number(const char **text, unsigned int max, unsigned int *ret)
{
	const char *p = *text;
	unsigned int n = 0;

	if (*p < '0' || *p > '9')
		return false;
	for (; *p >= '0' && *p <= '9'; p++) {
		n = n * 10 + (unsigned int)(*p - '0');
		if (n > max)
			n = max;
	}
	*text = p;
	*ret = n;
	return true;
}

bool facts_parse_version(const char *text, uint32_t *ret)
{
	unsigned int major, minor, patch = 0;

	for (unsigned int i = 0; i < era_count; i++) {
		if (!strcmp(text, eras[i].name)) {
			*ret = eras[i].version;
			return true;
		}
	}
	if (!parse_number(&text, 255, &major) || *text++ != '.' ||
	    !parse_number(&text, 255, &minor))
		return false;
	if (*text == '.') {
		text++;
		parse_number(&text, 0xffff, &patch);
	}
	*ret = FACTS_VERSION(major, minor, patch);
	return true;
}

enum facts_age facts_age_of(uint32_t version)
{
	const uint32_t oldest = eras[0].version, newest = eras[era_count - 1].version;

	if (version < oldest)
		return FACTS_TOO_OLD;
	return version >> 16 > newest >> 16 ? FACTS_TOO_NEW : FACTS_KNOWN;
}

static bool parse_value(const char *text, enum fact_kind kind, int64_t *ret)
{
	bool negative = *text == '-';
	int64_t n = 0;

	if (kind == FACT_KIND_BOOL) {
		if (!strcmp(text, "on") || !strcmp(text, "true") || !strcmp(text, "1"))
			*ret = 1;
		else if (!strcmp(text, "off") || !strcmp(text, "false") || !strcmp(text, "0"))
			*ret = 0;
		else
			return false;
		return true;
	}
	if (negative)
		text++;
	if (!*text)
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9' || n > INT64_MAX / 100)
			return false;
		n = n * 10 + (*text - '0');
	}
	*ret = negative ? -n : n;
	return true;
}

const char *facts_set(struct facts *facts, const char *assignment)
{
	const char *eq = strchr(assignment, '=');

	if (!eq)
		return "expected FACT=VALUE";
	for (unsigned int f = 0; f < FACT_COUNT; f++) {
		const struct fact_info *info = &infos[f];
		int64_t value;

		if (strlen(info->name) != (size_t)(eq - assignment) ||
		    strncmp(info->name, assignment, (size_t)(eq - assignment)))
			continue;
		if (!parse_value(eq + 1, info->kind, &value))
			return info->kind == FACT_KIND_BOOL ? "the value must be on or off"
							    : "the value must be a number";
		facts->v[f] = value;
		return NULL;
	}
	return "there is no fact of that name (see 'mmreplay facts')";
}
