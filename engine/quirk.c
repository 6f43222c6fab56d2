/* SPDX-License-Identifier: MIT */
#include "engine/quirk.h"

#include <string.h>

static const struct quirk_info infos[] = {
#define QUIRK(name, id, fact, wrong, right, invariant, sentence) \
	[QUIRK_##name] = { id, sentence, FACT_##fact, wrong, right, INVARIANT_##invariant },
#define QUIRK_OUTSIDE(id, reason)
#include "engine/quirk.def"
#undef QUIRK_OUTSIDE
#undef QUIRK
};

const struct quirk_outside quirks_outside[] = {
#define QUIRK(name, id, fact, wrong, right, invariant, sentence)
#define QUIRK_OUTSIDE(id, reason) { id, reason },
#include "engine/quirk.def"
#undef QUIRK_OUTSIDE
#undef QUIRK
	{ NULL, NULL }
};
const unsigned int quirks_outside_count = sizeof(quirks_outside) / sizeof(*quirks_outside) - 1;

const struct quirk_info *quirk_info(enum quirk quirk)
{
	return &infos[quirk];
}

enum quirk quirk_parse(const char *id, size_t len)
{
	unsigned int i = 0;

	while (i < QUIRK_COUNT && (strlen(infos[i].id) != len || memcmp(infos[i].id, id, len)))
		i++;
	return (enum quirk)i;
}

void quirks_all_right(struct facts *facts)
{
	for (unsigned int i = 0; i < QUIRK_COUNT; i++)
		facts->v[infos[i].fact] = infos[i].right;
}
