/* SPDX-License-Identifier: MIT */
/*
 * Marker change: what a marker in a trace says that the machine is made to do.
 *
 *	WORK echo 0 > /sys/devices/system/cpu/cpu1/online
 *	WORK echo offline > /sys/devices/system/memory/memory3/state
 *	WORK echo 20000 > /proc/sys/vm/min_free_kbytes
 *	WORK echo 64 > /proc/sys/vm/percpu_pagelist_high_fraction
 *
 * Whoever captures a trace writes what comes next into it, as a shell would be told it: without a change to the
 * machine itself, no event tells of it.
 */
#ifndef TRACES_MARKER_CHANGE_H
#define TRACES_MARKER_CHANGE_H

#include <stdbool.h>

#include "engine/replay.h"

/* False: @text, NUL-terminated, says nothing of the kind, and *@ret is untouched. */
bool marker_change_read(const char *text, struct replay_change *ret);
/* Gives @r the event, and what a marker has the machine do there; @text: the string that @e->text is the number of. */
void marker_change_replay(struct replay *r, const struct event *e, const char *text);

#endif
