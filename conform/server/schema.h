/* conform/server/schema.h: is a message what the XML schemas say? Judged by libxml2 against our own schema and, where it
 * is at hand, the schema set of esim-messaging/3. */
#ifndef OSPREY_CONFORM_SERVER_SCHEMA_H
#define OSPREY_CONFORM_SERVER_SCHEMA_H

#include "lib/base/err.h"

struct schema;
struct _xmlNode;
/* folder with validate.xsd, NULL: none. detail: BED_DETAIL_MAX octets. */
MUST_USE enum err schema_new(const char *folder, struct schema **ret, char *detail);
void schema_free(struct schema *s);
/* NULL: it fits; else the first thing that does not. */
const char *schema_check(struct schema *s, struct _xmlNode *body);

#endif
