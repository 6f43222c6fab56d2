/* SPDX-License-Identifier: MIT */
/*
 * Hand-over: memory leaves memblock for the buddy allocator, first all that is free, later what the
 * kernel itself gives back, and the amounts every zone ends up managing.
 */
#ifndef ENGINE_HANDOVER_H
#define ENGINE_HANDOVER_H

#include "engine/machine.h"

/* memblock_free_all(): managed pages of every zone, totals. */
void handover_free_all(struct machine *m);
/* The numbers of the "Memory:" line as of now. */
void handover_answer_memory(struct machine *m, const struct boot_input *in);
/* From page_alloc_init_late to the end of boot. */
void handover_late(struct machine *m, const struct boot_input *in);
/* memblock_free() of firmware memory long after the hand-over: newer kernels use it for late frees. */
bool handover_is_late_free(const struct boot_step *s);
/* The zone that holds @pfn, or NULL. */
struct zone *machine_zone_of(struct machine *m, pfn_t pfn);

#endif
