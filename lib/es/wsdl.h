/* lib/es/wsdl.h: what a partner's toolkit wants to read: the services as WSDL 1.1 (SOAP 1.2, document/literal) with the
 * messages as XML Schema inside, made from the tables that the messages themselves are read and written with. */
#ifndef OSPREY_ES_WSDL_H
#define OSPREY_ES_WSDL_H

#include "functions.h"
#include "lib/base/arena.h"

#define WSDL_MAX (512u * 1024)

/* The document of the service that `at` has at this path ("/esim-messaging/3/ES2/ES2SmDpService"); base_url is
 * "https://host:port". Into the arena. ERR_NOT_FOUND: no service there; ERR_NO_SPACE. */
MUST_USE enum err es_wsdl(struct span path, enum es_role at, const char *base_url, struct arena *a, struct span *ret);
/* The same by interface. */
MUST_USE enum err es_wsdl_of(enum es_interface number, enum es_role at, const char *base_url, struct arena *a,
                             struct span *ret);
/* The schema alone: every message of every interface. */
MUST_USE enum err es_xsd(struct arena *a, struct span *ret);

#endif
