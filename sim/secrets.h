/* sim/secrets.h: values that nobody may read in a log or a store, found by their first octets. */
#ifndef OSPREY_SIM_SECRETS_H
#define OSPREY_SIM_SECRETS_H

#include "lib/base/span.h"

#define SECRETS_MAX 16384u

struct secrets;
struct secrets *secrets_new(void); /* NULL: no memory */
void secrets_free(struct secrets *s);
void secrets_add(struct secrets *s, struct span value); /* eight octets at least */
/* How many are in it as hexadecimal digits, with or without blanks, colons and hyphens between them. */
unsigned secrets_in_text(const struct secrets *s, struct span text);
/* Is one in it, as it is or as digits? */
bool secrets_in_octets(const struct secrets *s, struct span octets);

#endif
