/* SPDX-License-Identifier: MIT */
/*
 * Same boot: two boot logs that are to be equal in all that a model sees.  Includes cmocka.
 */
#ifndef TRACES_TESTING_SAME_BOOT_H
#define TRACES_TESTING_SAME_BOOT_H

#include "traces/boot_log.h"

/* Ends the test unless inputs, recorded answers and notes are equal in every field. */
void check_same_boot(const struct boot_log *a, const struct boot_log *b);
/* The same for the inputs alone. */
void check_same_input(const struct boot_input *a, const struct boot_input *b);
/* Ends the test unless the lists are equal, basis and reason included. */
void check_same_answers(const struct answers *as, const struct answers *bs);

#endif
