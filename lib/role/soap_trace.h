/* lib/role/soap_trace.h: for labs only: every SOAP message as it was on the wire, in a file of its own, numbered and named
 * by its function: soap/sm-sr-00007-in-ES3-CreateISDPRequest.xml. */
#ifndef OSPREY_ROLE_SOAP_TRACE_H
#define OSPREY_ROLE_SOAP_TRACE_H

#include "lib/base/err.h"
#include "lib/base/span.h"

#define SOAP_NAME_MAX 96u

struct soap_trace {
    const char *folder; /* NULL: nothing is written */
    const char *role;
    unsigned count;
};

/* Makes the folder's soap/. */
MUST_USE enum err soap_trace_open(struct soap_trace *t);
/* way: "in" or "out". Numbers go on where an earlier run stopped. */
void soap_trace_write(struct soap_trace *t, const char *way, struct span soap);
/* Local name of the first element inside Body: "ES4-EnableProfileRequest", "Fault"; empty when there is none. */
void soap_name(struct span soap, char out[SOAP_NAME_MAX]);

#endif
