/* SPDX-License-Identifier: MIT */
/* Help, man pages and shell completion, all made from the tables of the commands. */
#ifndef TOOLS_HELP_H
#define TOOLS_HELP_H

#include <stdio.h>

#include "tools/cli.h"

/* The overview: what mmreplay is, and its commands. */
void help_overview(FILE *out);
void help_command(FILE *out, const struct command *command);

/* Man pages in roff: mmreplay(1), and mmreplay-COMMAND(1). */
void help_man_overview(FILE *out);
void help_man_command(FILE *out, const struct command *command);

/* A script for bash. */
void help_bash(FILE *out);

#endif
