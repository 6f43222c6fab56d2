/* SPDX-License-Identifier: MIT */
/*
 * Capture: whatever a user points at, as one boot log.
 *
 *   a folder	dmesg.txt (or dmesg-raw.txt, serial.txt, kmsg.txt, any of them packed) with what lies
 *		beside it: firmware tables, configuration, pictures of /proc
 *   a file	a kernel log in any shape, packed or not
 *   -		the same on standard input
 *
 * Pictures taken after boot become recorded answers; firmware tables and the configuration become
 * inputs.
 */
#ifndef TRACES_CAPTURE_H
#define TRACES_CAPTURE_H

#include "traces/boot_log.h"

/*
 * Reads @path into @ret (zeroed).  Errors name the file.  A log that holds no memory line at all is
 * ERROR_FORMAT.
 */
struct error *capture_read(const char *path, struct boot_log *ret);

#endif
