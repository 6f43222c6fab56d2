/* SPDX-License-Identifier: MIT */
#include "engine/operation.h"

static const char *const names[OPERATION_COUNT] = {
#define OPERATION(name, text, meaning) [OPERATION_##name] = text,
#include "engine/operation.def"
#undef OPERATION
};

const char *operation_name(enum operation_kind kind)
{
	return names[kind];
}
