/* SPDX-License-Identifier: MIT */
/* A capture, booted for a replay: as it was when its lists were handed over, and as it is when all is done. */
#ifndef TRACES_TESTING_BOOTED_H
#define TRACES_TESTING_BOOTED_H

#include "engine/boot.h"
#include "engine/buddy.h"
#include "traces/boot_log.h"

struct booted {
	struct boot_log log;
	struct machine machine, late;
	struct buddy lists; /* of the machine, which a replay changes */
};

/* Reads and boots the capture at @path, or ends the test. */
void booted_open(struct booted *ret, const char *path);
void booted_close(struct booted *b);
/* The machine's lists are as they were, for another replay. */
void booted_again(struct booted *b);

#endif
