/* lib/role/key_tool.h: what a server's program does for who looks after its keys, beside serving:
 *
 *   PROGRAM keys new FILE [--token URI]   a new master key: in a file, or sealed by an AES key of a token
 *   PROGRAM keys id FILE                  the id of a master key, as administration and logs name it
 *   PROGRAM keys rewrap --config FILE     the key files that the configuration names go under the present master key */
#ifndef OSPREY_ROLE_KEY_TOOL_H
#define OSPREY_ROLE_KEY_TOOL_H

#include "lib/daemon/config.h"

struct key_tool {
    const char *program, *role; /* "osprey-sm-sr", "sm-sr" */
    const struct config_option *options;
    size_t option_count;
};
/* argv[0] is "keys". Exit code 0: done; 1: not done, said on stderr; 2: wrong usage. */
int role_key_tool(const struct key_tool *tool, int argc, char **argv);

#endif
