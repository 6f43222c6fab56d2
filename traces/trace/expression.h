/* SPDX-License-Identifier: MIT */
/*
 * Expression: a constant expression of C, as event formats hold them: numbers, casts to names of types,
 * parentheses, and the operators ~ * + - << < & | ?: with their precedence.  On 64 bits, unsigned.
 */
#ifndef TRACES_TRACE_EXPRESSION_H
#define TRACES_TRACE_EXPRESSION_H

#include "traces/scan.h"

/*
 * Reads an expression off @s and gives its value; what follows it is left.  False when there is none,
 * when it holds a name of anything but a type in a cast, or is nested too deeply; @s is then anywhere.
 */
bool expression_read(struct scan *s, uint64_t *ret);

#endif
