/* SPDX-License-Identifier: MIT */
/*
 * For programs that are built with counters of coverage though nobody counts them: what runs beside a target
 * in --config=afl.
 */
#include <stdint.h>

__attribute__((weak)) void __sanitizer_cov_trace_pc_guard(uint32_t *guard);
__attribute__((weak)) void __sanitizer_cov_trace_pc_guard_init(uint32_t *start, uint32_t *end);

void __sanitizer_cov_trace_pc_guard(uint32_t *guard)
{
	(void)guard;
}

void __sanitizer_cov_trace_pc_guard_init(uint32_t *start, uint32_t *end)
{
	(void)start;
	(void)end;
}
