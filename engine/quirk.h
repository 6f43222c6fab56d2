/* SPDX-License-Identifier: MIT */
/*
 * Quirks: the rules that Linux once had wrong, each as a fact value that a model can be given.  They are
 * the benchmark of the fuzzer (each must be found, and none where the rule is right) and what a bisection
 * over facts may name.
 */
#ifndef ENGINE_QUIRK_H
#define ENGINE_QUIRK_H

#include <stddef.h>

#include "engine/facts.h"
#include "engine/finding.h"

enum quirk {
#define QUIRK(name, id, fact, wrong, right, invariant, sentence) QUIRK_##name,
#define QUIRK_OUTSIDE(id, reason)
#include "engine/quirk.def"
#undef QUIRK_OUTSIDE
#undef QUIRK
	QUIRK_COUNT
};

struct quirk_info {
	const char *id, *trigger;
	enum fact fact;
	int64_t wrong, right;
	enum invariant invariant;
};

const struct quirk_info *quirk_info(enum quirk quirk);
/* QUIRK_COUNT when there is no such id. */
enum quirk quirk_parse(const char *id, size_t len);

/* Known ones that are not modelled. */
struct quirk_outside {
	const char *id, *reason;
};
extern const struct quirk_outside quirks_outside[];
extern const unsigned int quirks_outside_count;

/* Gives @facts every rule right: what a campaign that looks for new findings starts from. */
void quirks_all_right(struct facts *facts);

#endif
