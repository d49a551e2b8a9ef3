/* eum/commands.h: what osprey-eum can do; each command in a file of its own. */
#ifndef OSPREY_EUM_COMMANDS_H
#define OSPREY_EUM_COMMANDS_H

#include "command.h"

extern const struct command command_ci, command_issue, command_kek, command_make_euicc, command_register,
    command_revoke, command_update;

#endif
