/* SPDX-License-Identifier: MIT */
/* mmreplay: the table of commands, and the entry.  The work is in cli.c and the cmd_*.c files. */
#include "tools/cli.h"

#define COMMAND(name) extern const struct command command_##name;
#include "tools/commands.def"
#undef COMMAND

const struct command *const commands[] = {
#define COMMAND(name) &command_##name,
#include "tools/commands.def"
#undef COMMAND
};
const unsigned int command_count = sizeof(commands) / sizeof(commands[0]);

int main(int argc, char **argv)
{
	return cli_main(argc, argv);
}
