/* SPDX-License-Identifier: MIT */
#ifndef TOOLS_VERSION_H
#define TOOLS_VERSION_H

#define MMREPLAY_VERSION "0.1.0"

#endif
