/* sim/desk.h: a request to the administration of a server (lib/role/admin.h) as it travels between nodes of the world, on the
 * link that carries SOAP: "METHOD PATH", a new line, the JSON. */
#ifndef OSPREY_SIM_DESK_H
#define OSPREY_SIM_DESK_H

#include "lib/codec/writer.h"
#include "lib/io/http_server.h"

#define DESK_RAM_MAX (4u << 20) /* for one request */

void desk_write(struct writer *w, const char *method, const char *path, struct span json);
/* false: it is none, but SOAP. Spans of *ret borrow from octets. */
bool desk_read(struct span octets, struct http_request *ret);

#endif
