/* conform/server/functions.h: the functions of SGP.02 as a partner sees them: group and message exchange pattern, for
 * wsa:Action and for knowing whether a callback comes (fact book 1.3, 5.3, 5.5). A table of the runner's own. */
#ifndef OSPREY_CONFORM_SERVER_FUNCTIONS_H
#define OSPREY_CONFORM_SERVER_FUNCTIONS_H

#include <stdbool.h>

struct function {
    const char *name, *group; /* "ES4-EnableProfile", "PlatformManagement" */
    bool callback;
};
const struct function *function_find(const char *name); /* NULL: none */
/* Path of the service that takes requests of that interface ("ES4-…"), and of the one that takes its answers. */
const char *service_path(const char *function);
const char *answer_path(const char *function);

#endif
