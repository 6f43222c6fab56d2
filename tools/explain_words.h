/* SPDX-License-Identifier: MIT */
/* Explain words: the sentences of mmreplay explain, for text and JSON alike. */
#ifndef TOOLS_EXPLAIN_WORDS_H
#define TOOLS_EXPLAIN_WORDS_H

#include "engine/sink.h"
#include "traces/explain.h"

/* What the check took for usable: the fast one's number where it passed by that, in pages. */
int64_t explain_usable(const struct explain_zone *z);

/* What would have let the request pass in this zone, or kept it from passing; may be nothing. */
void explain_zone_words(const struct explanation *e, const struct explain_zone *z,
			const struct sink *sink);

/* One sentence or a few, of what the report comes to. */
void explain_verdict_words(const struct explanation *e, const struct sink *sink);

#endif
