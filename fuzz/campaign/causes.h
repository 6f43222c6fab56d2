/* SPDX-License-Identifier: MIT */
/*
 * Causes: the facts that a finding takes.
 *
 * Of the facts with a value that may be wrong (those that --set gives, and with quirks left as inputs have them the
 * rules that a kernel is known to have wrong, engine/quirk.def) each is taken back alone: a finding that does not
 * show any more takes it.  One that has either of two wrong rules is shown by the other still, and takes neither.
 */
#ifndef FUZZ_CAMPAIGN_CAUSES_H
#define FUZZ_CAMPAIGN_CAUSES_H

#include "fuzz/target.h"

struct causes;

/* @settings are those that findings are made with; their facts are borrowed. */
struct error *causes_create(const struct target *target, const struct target_settings *settings,
			    struct causes **ret);
/* Accepts NULL. */
void causes_destroy(struct causes *c);

/*
 * Which facts it takes for finding @id to show on @data: "name=value name=value" in @ret, "" if none, cut at its
 * end.  Where inputs name their kernels the value of a known wrong rule is that of engine/quirk.def.  Facts that
 * cannot be tried for want of memory are not named.
 */
void causes_name(struct causes *c, const char *id, const uint8_t *data, size_t size, char *ret,
		 size_t room);
/* From now on causes_hold() asks about the facts that causes_name() named @text.  ERROR_NO_MEMORY. */
struct error *causes_choose(struct causes *c, const char *text);
/* Does finding @id, which shows on an input, take the chosen facts there, and no others? */
bool causes_hold(struct causes *c, const char *id, const ProtobufCMessage *message);
bool causes_hold_bytes(struct causes *c, const char *id, const uint8_t *data, size_t size);

#endif
