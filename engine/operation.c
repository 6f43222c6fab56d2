/* SPDX-License-Identifier: MIT */
#include "engine/operation.h"

#include <string.h>

static const struct {
	const char *name, *meaning;
} infos[OPERATION_COUNT] = {
#define OPERATION(name, text, meaning) [OPERATION_##name] = { text, meaning },
#include "engine/operation.def"
#undef OPERATION
};

const char *operation_name(enum operation_kind kind)
{
	return infos[kind].name;
}

const char *operation_meaning(enum operation_kind kind)
{
	return infos[kind].meaning;
}

enum operation_kind operation_parse(const char *name, size_t len)
{
	unsigned int i = 0;

	while (i < OPERATION_COUNT &&
	       (strlen(infos[i].name) != len || memcmp(infos[i].name, name, len)))
		i++;
	return (enum operation_kind)i;
}
