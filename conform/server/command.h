/* conform/server/command.h: the command line of osprey-conform server. */
#ifndef OSPREY_CONFORM_SERVER_COMMAND_H
#define OSPREY_CONFORM_SERVER_COMMAND_H

/* Arguments behind "server"; the exit status. */
int server_command(int argc, char **argv);

#endif
