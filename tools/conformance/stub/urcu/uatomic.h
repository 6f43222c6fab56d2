/* SPDX-License-Identifier: MIT */
/* The two counters the suite's helpers keep; they run in one thread.  Used when liburcu is absent. */
#ifndef TOOLS_CONFORMANCE_STUB_UATOMIC_H
#define TOOLS_CONFORMANCE_STUB_UATOMIC_H

#define uatomic_inc(p) ((void)++*(p))
#define uatomic_dec(p) ((void)--*(p))

#endif
