/* SPDX-License-Identifier: MIT */
/* Child: processes of a campaign that may take too long. */
#ifndef FUZZ_CAMPAIGN_CHILD_H
#define FUZZ_CAMPAIGN_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Waits until @pid has ended, with *@status, for so long at most; then kills it and its process group, if it
 * leads one: false.  @tick (may be NULL) is called now and then meanwhile.
 */
bool child_wait(pid_t pid, uint64_t milliseconds, void (*tick)(void *ctx), void *ctx, int *status);

/* How a crash is called whose process ended with @status: "crash-11". */
void child_name_crash(int status, char *ret, size_t room);

#endif
