/* SPDX-License-Identifier: MIT */
/*
 * Scarce memory: a job done over and over, with the host refusing memory at another place each time.
 *
 * A program that links this has every malloc, calloc and realloc of our own objects go through it (the
 * linker's --wrap); shared libraries ask the host as ever.  A place is a call in the code.  Includes cmocka.
 *
 *	all memory                      done
 *	malloc number 1 refused         done all the same, or "no memory" is said
 *	malloc number 1 and all later   likewise
 *	malloc number 2 refused ...
 *
 * That nothing is lost on the way is the business of a run with a leak checker.
 */
#ifndef ENGINE_TESTING_SCARCE_H
#define ENGINE_TESTING_SCARCE_H

#include <stdbool.h>

/*
 * Does its work and frees all it made.  True: it was done, and the job itself looks whether the result is
 * what it was when there was memory enough; false: it was told that there is none.  Asks for memory in the
 * same order each time, as far as that is not refused.
 */
typedef bool (*scarce_job)(void *ctx);

/*
 * Has @job run with all the memory it wants, which must do, and then for each place with its first, second,
 * fourth, sixteenth ... and last request refused.  Returns how many requests were refused.
 */
unsigned int scarce_try(scarce_job job, void *ctx);

#endif
