/* SPDX-License-Identifier: MIT */
#include "fuzz/settings.h"

#include <inttypes.h>
#include <string.h>

static struct error *read_fact(const char *text, size_t len, struct target_fact *ret)
{
	char assignment[128];
	struct facts facts;
	const char *wrong;
	size_t name = 0;
	unsigned int f = 0;

	if (len >= sizeof(assignment))
		return error_create(ERROR_SYNTAX, NULL, 0, 0, "'%.40s...' is no FACT=VALUE", text);
	memcpy(assignment, text, len);
	assignment[len] = 0;
	name = strcspn(assignment, "=");
	facts_init(&facts, eras[era_count - 1].version);
	wrong = facts_set(&facts, assignment);
	if (wrong)
		return error_create(ERROR_SYNTAX, NULL, 0, 0, "'%s': %s", assignment, wrong);
	while (strlen(fact_info((enum fact)f)->name) != name ||
	       memcmp(fact_info((enum fact)f)->name, assignment, name) != 0)
		f++;
	*ret = (struct target_fact){ (enum fact)f, facts.v[f] };
	return NULL;
}

struct error *settings_read(const char *era, const char *set, struct settings_text *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->settings.facts = ret->facts;
	if (era && *era && !facts_parse_version(era, &ret->settings.version))
		return error_create(ERROR_SYNTAX, NULL, 0, 0, "'%s' is no version", era);
	while (set && *set) {
		size_t len = strcspn(set, ",");
		struct error *err;

		if (ret->settings.fact_count == SETTINGS_FACTS_MAX)
			return error_create(ERROR_LIMIT, NULL, 0, 0, "more than %d facts are set",
					    SETTINGS_FACTS_MAX);
		err = read_fact(set, len, &ret->facts[ret->settings.fact_count]);
		if (err)
			return err;
		ret->settings.fact_count++;
		set += len + (set[len] == ',');
	}
	return NULL;
}

void settings_write(const struct target_settings *settings, const char *before, struct sink *sink)
{
	uint32_t version = settings->version;

	if (version)
		sink_printf(sink, "%sera %u.%u.%u", before, version >> 24, version >> 16 & 0xff,
			    version & 0xffff);
	for (unsigned int i = 0; i < settings->fact_count; i++)
		sink_printf(sink, "%sset %s=%" PRId64, before,
			    fact_info(settings->facts[i].fact)->name, settings->facts[i].value);
	if (settings->quirks)
		sink_printf(sink, "%sas-is", before);
}
